use super::*;

#[tokio::test]
async fn one_owner_by_its_own_call() {
    let shop = Shop::with(&[("b", json!("Old Owner"))]);
    let server = shop
        .open(|request| {
            let body = json!({"id": "ld 1/é", "owner": "Jane Smith"});
            request.path().contains("ld%201").then(|| Reply::json(body))
        })
        .await;
    let client = seasoned(&server, "");
    let report = write(&client, &[to_jane("ld 1/é")]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!((report.requests, report.trouble), (1, None));
    let sent = &server.requests()[0];
    assert_eq!(sent.line(), "PUT /v1/leads/ld%201%2F%C3%A9");
    assert_eq!(sent.body, r#"{"owner":"Jane Smith"}"#);
    assert_eq!(sent.headers["authorization"], "Bearer sk_test_hush");
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(uuid::Uuid::parse_str(&sent.headers["idempotency-key"]).unwrap().get_version_num(), 4);

    let report = write(&client, &[change("b", named("Old Owner"), Assignment::unassigned())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!(server.requests()[1].body, r#"{"owner":null}"#);
    assert_eq!(shop.owner("b"), Value::Null);
}

#[tokio::test]
async fn every_setting_of_a_change() {
    let server = Shop::with(&[("a", Value::Null)]).open(|_| None).await;
    for (settings, method, body) in [
        ("update_method = \"PATCH\"", "PATCH", json!({"owner": "Jane Smith"})),
        ("owner_value = \"id\"", "PUT", json!({"owner": "u1"})),
        ("owner_value = \"email\"", "PUT", json!({"owner": "jane@x.example"})),
        ("owner_field = \"assignee\"", "PUT", json!({"assignee": "Jane Smith"})),
    ] {
        server.forget();
        let client = seasoned(&server, settings);
        let report = write(&client, &[change("a", Assignment::Unknown, jane())]).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done], "{settings}");
        assert_eq!((server.requests()[0].method.as_str(), server.requests()[0].json()), (method, body));
    }
    server.forget();
    let nobody = [change("a", Assignment::Unknown, Assignment::unassigned())];
    let report = write(&seasoned(&server, "unassign_value = \"empty\"\nidempotency_key = false"), &nobody).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!(server.requests()[0].body, r#"{"owner":""}"#);
    assert!(!server.requests()[0].headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_before_it_is_sent() {
    let server = Shop::with(&[("e", Value::Null)]).open(|_| None).await;
    let batch = [
        change("a", Assignment::unassigned(), Assignment::Owner(OwnerRef::new("u9", "Somebody"))),
        // Jane has no user name, and an empty text would take the lead from everybody.
        to_jane("b"),
        change("c", Assignment::unassigned(), Assignment::Unknown),
        change("d", Assignment::unassigned(), Assignment::agents(["u1"])),
        to_jane(""),
        change(".", Assignment::unassigned(), named("x")),
        change("e", Assignment::unassigned(), named("free text ")),
    ];
    let report = write(&seasoned(&server, "owner_value = \"username\""), &batch).await;
    assert_eq!(states(&report), ["failed", "failed", "failed", "failed", "failed", "failed", "done"]);
    assert!(words(&report.outcomes[0]).1.contains("not among the users"), "{report:?}");
    assert!(words(&report.outcomes[1]).1.contains("has no user name"), "{report:?}");
    assert_eq!(writes(&server).len(), 1);
    assert_eq!(writes(&server)[0].body, r#"{"owner":"free text "}"#);
    assert!(write(&seasoned(&server, ""), &[]).await.outcomes.is_empty());
}

#[tokio::test]
async fn a_user_who_is_not_known_yet_is_asked_for() {
    let server = Shop::with(&[("a", Value::Null)]).open(|_| None).await;
    let client = client(&server, "");
    client.first.skip();
    assert_eq!(states(&write(&client, &[to_jane("a")]).await), ["done"]);
    assert_eq!(server.lines()[0], "GET /v1/users?limit=100&offset=0&order_direction=asc");
    let nobody = change("a", jane(), Assignment::Owner(OwnerRef::with_id("u9")));
    assert_eq!(states(&write(&client, &[nobody.clone(), nobody]).await), ["failed", "failed"]);
    assert_eq!(server.lines().len(), 2, "users that were just read are not read again");
}

#[tokio::test]
async fn what_is_taken_back_is_written_as_it_was() {
    let server = Shop::with(&[("a", json!("Jane Smith"))]).open(|_| None).await;
    let client = seasoned(&server, "unassign_value = \"empty\"");
    for (was, body) in [
        (named("Old  Name "), json!({"owner": "Old  Name "})),
        (Assignment::Unassigned(Blank::Null), json!({"owner": null})),
        (Assignment::Unassigned(Blank::Empty), json!({"owner": ""})),
        (Assignment::Unassigned(Blank::Absent), json!({"owner": ""})),
        // Gone or renamed since: the text that was there counts.
        (Assignment::Owner(OwnerRef::new("u9", "Left Long Ago")), json!({"owner": "Left Long Ago"})),
    ] {
        server.forget();
        let report = write_back(&client, &[change("a", jane(), was)]).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done]);
        assert_eq!(server.requests()[0].json(), body);
    }
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    use ErrorKind::{Forbidden, NotFound, Refused, Setting, SignIn, Wait};
    for (status, state, trouble, halts) in [
        (302, "unknown", Some(Setting), true),
        (400, "failed", Some(Refused), false),
        (401, "failed", Some(SignIn), true),
        (402, "failed", Some(Forbidden), true),
        (403, "failed", Some(Forbidden), true),
        (404, "failed", Some(NotFound), false),
        (405, "failed", Some(Setting), true),
        (408, "late", Some(ErrorKind::Server), false),
        (409, "failed", Some(Refused), false),
        (422, "failed", Some(Refused), false),
        (429, "not applied", Some(Wait), false),
        (500, "unknown", Some(ErrorKind::Server), false),
        (502, "late", Some(ErrorKind::Server), false),
        (503, "unknown", Some(ErrorKind::Server), false),
        (504, "late", Some(ErrorKind::Server), false),
    ] {
        let server = Server::start(move |_, _| Reply::text(status, r#"{"error":{"message":"their words"}}"#)).await;
        let report = write(&seasoned(&server, ""), &[to_jane("a")]).await;
        let (found, why) = words(&report.outcomes[0]);
        assert_eq!(found, state, "{status}: {report:?}");
        assert!(status < 400 || why.contains("their words"), "{status}: {why}");
        assert_eq!((report.trouble, report.halt.is_some()), (trouble, halts), "{status}");
        assert_eq!(report.requests, 1, "{status}: a write leaves once");
    }
    // This lead is not ours to change, the next one may be.
    for denied in [
        r#"{"error":{"code":"RESOURCE_ACCESS_DENIED","message":"not this one"}}"#,
        r#"{"error":{"type":"invalid_request_error","code":"resource_access_denied","message":"not this one"}}"#,
    ] {
        let server = Server::start(move |_, _| Reply::text(403, denied)).await;
        let report = write(&seasoned(&server, ""), &[to_jane("a"), to_jane("b")]).await;
        assert_eq!((states(&report), report.halt), (vec!["failed", "failed"], None));
    }
    let server = Server::start(|_, _| Reply::status(401)).await;
    let report = write(&seasoned(&server, ""), &[to_jane("a"), to_jane("b")]).await;
    assert_eq!((states(&report), server.lines().len()), (vec!["failed", "not applied"], 1));
}

#[tokio::test]
async fn the_six_shapes_of_an_error() {
    for body in [
        r#"{"error":{"code":"RESOURCE_CONFLICT","message":"it is converted","type":"x","details":{},"request_id":"r"}}"#,
        r#"{"error":{"type":"invalid_request_error","code":"conflict","message":"it is converted","param":"owner"}}"#,
        r#"{"success":false,"error":{"code":"CONFLICT","message":"it is converted","details":null}}"#,
        r#"{"type":"conflict","message":"it is converted","code":"c","detail":"more","path":"/leads/a"}"#,
        r#"{"error":"Conflict","message":"it is converted","details":null,"request_id":"r","timestamp":"t"}"#,
        r#"{"type":"about:blank","title":"Conflict","status":409,"detail":"it is converted","instance":"/leads/a"}"#,
        "it is converted\nand more",
    ] {
        let server = Server::start(move |_, _| Reply::text(409, body)).await;
        let report = write(&seasoned(&server, ""), &[to_jane("a")]).await;
        let (state, why) = words(&report.outcomes[0]);
        assert!(state == "failed" && why.ends_with("(409): it is converted"), "{body}: {why}");
    }
}

#[tokio::test]
async fn the_rate_limit_says_how_long_and_the_key_stays() {
    let body = r#"{"error":{"code":"RATE_LIMITED","message":"slow down","retry_after":7}}"#;
    let shop = Shop::with(&[("a", Value::Null), ("b", Value::Null)]);
    let server = Server::start(move |request, n| match n {
        0 => Reply::text(429, body),
        1 => Reply::text(429, body).with("Retry-After", 2),
        _ => shop.answer(request),
    })
    .await;
    let client = seasoned(&server, "");
    let pause = |report: &WriteReport| match &report.outcomes[0] {
        WriteOutcome::NotApplied { retry_after, .. } => retry_after.unwrap().as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!(pause(&write(&client, &[to_jane("a")]).await), 7);
    assert_eq!(pause(&write(&client, &[to_jane("a")]).await), 2);
    for lead in ["b", "a"] {
        assert_eq!(write(&client, &[to_jane(lead)]).await.outcomes, [WriteOutcome::Done]);
    }
    // Done is done: giving it once more is another write.
    assert_eq!(write(&client, &[to_jane("a")]).await.outcomes, [WriteOutcome::Done]);
    let keys: Vec<_> = server.requests().iter().map(|request| request.headers["idempotency-key"].clone()).collect();
    assert!(keys[0] == keys[1] && keys[0] == keys[3], "one logical write: {keys:?}");
    assert!(keys[2] != keys[0] && keys[4] != keys[0], "{keys:?}");
}

#[tokio::test]
async fn an_earlier_try_that_is_still_at_work_is_read_back() {
    let body = r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use","message":"wait"}}"#;
    let server = Server::start(move |_, _| Reply::text(409, body)).await;
    assert_eq!(states(&write(&seasoned(&server, ""), &[to_jane("a")]).await), ["late"]);
}

#[tokio::test]
async fn a_success_is_proven_or_read_back() {
    for (reply, owner_now, reads, state) in [
        (r#"{"id":"a","owner":"Jane Smith"}"#, json!("Jane Smith"), 0, "done"),
        (r#"{"lead":{"id":"a","owner":"Jane Smith"}}"#, json!("Jane Smith"), 0, "done"),
        (r#"{"data":{"owner":"Jane Smith","status":"new"}}"#, json!("Jane Smith"), 0, "done"),
        // Nothing to go by.
        ("", json!("Jane Smith"), 1, "done"),
        ("{}", json!("Jane Smith"), 1, "done"),
        ("<html>login</html>", json!("Jane Smith"), 1, "done"),
        (r#"{"id":"a"}"#, json!("Jane Smith"), 1, "done"),
        (r#"{"id":"b","owner":"Jane Smith"}"#, Value::Null, 1, "failed"),
        ("", Value::Null, 1, "failed"),
        (r#"{"success":false,"error":{"message":"no"}}"#, Value::Null, 1, "failed"),
        // Accepted but not applied, by the answer's own word.
        (r#"{"id":"a","owner":null}"#, Value::Null, 1, "failed"),
        // Neither as before nor as written.
        (r#"{"id":"a","owner":"u1"}"#, json!("u1"), 1, "unknown"),
        (r#"{"id":"a","owner":"Jane Smith "}"#, json!("Jane Smith "), 1, "unknown"),
    ] {
        let shop = Shop::with(&[("a", owner_now)]);
        let server = shop.open(move |request| (request.method == "PUT").then(|| Reply::text(200, reply))).await;
        let report = write(&seasoned(&server, ""), &[to_jane("a")]).await;
        assert_eq!(states(&report), [state], "{reply}: {report:?}");
        assert_eq!(report.requests, 1 + reads, "{reply}");
        if state == "failed" {
            assert!(words(&report.outcomes[0]).1.starts_with("accepted but not applied"), "{report:?}");
        }
    }
    let shop = Shop::with(&[("a", Value::Null)]);
    let server = shop.open(|request| (request.method == "PUT").then(|| Reply::status(202))).await;
    assert_eq!(states(&write(&seasoned(&server, ""), &[to_jane("a")]).await), ["late"]);
    let server =
        Server::start(|request, _| if request.method == "PUT" { Reply::status(204) } else { Reply::Cut }).await;
    let report = write(&seasoned(&server, "retries = 0"), &[to_jane("a")]).await;
    assert_eq!((states(&report), report.trouble), (vec!["unknown"], Some(ErrorKind::Unreachable)));
}

#[tokio::test]
async fn a_server_that_ignores_the_field_is_not_asked_for_ever() {
    let ids: Vec<String> = (0..8).map(|n| format!("l{n}")).collect();
    let leads: Vec<(&str, Value)> = ids.iter().map(|id| (id.as_str(), Value::Null)).collect();
    let server = Shop::with(&leads).open(|request| (request.method == "PUT").then(|| Reply::status(200))).await;
    let batch: Vec<_> = ids.iter().map(|id| to_jane(id)).collect();
    let report = write(&seasoned(&server, ""), &batch).await;
    assert_eq!(states(&report)[..5], ["failed"; 5]);
    assert_eq!(states(&report)[5..], ["not applied"; 3]);
    assert!(report.halt.unwrap().remedy.contains("owner_field"));
    assert_eq!(writes(&server).len(), 5);
}

#[tokio::test]
async fn lost_answers_are_open() {
    let half = || Reply::Half { status: 200, body: br#"{"id":"a""#.into() };
    for (reply, state) in [((|| Reply::Cut) as fn() -> Reply, "late"), (half, "unknown")] {
        let server = Server::start(move |_, _| reply()).await;
        let report = write(&seasoned(&server, ""), &[to_jane("a")]).await;
        assert_eq!((states(&report), report.requests), (vec![state], 1));
        assert_eq!(report.trouble, Some(ErrorKind::Unreachable));
        assert_eq!(server.lines().len(), 1);
    }
}
