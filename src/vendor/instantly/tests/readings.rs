use super::*;

fn target(id: &str, candidates: &[Assignment]) -> Target {
    Target { id: TargetId::new(id), scope: "campaign:c1".to_owned(), candidates: candidates.to_vec() }
}

fn targets(count: usize, candidates: &[Assignment]) -> Vec<Target> {
    (0..count).map(|n| target(&format!("l{n}"), candidates)).collect()
}

fn session(looking: Looking) -> Session {
    Session { looking, ..Session::default() }
}

/// The list says Joe, the lead's own call says Jane.
fn lagging(request: &Request) -> Option<Reply> {
    let id = request.path().strip_prefix("/api/v2/leads/").filter(|_| request.method == "GET")?;
    Some(Reply::json(lead(id, "u_jane")))
}

#[tokio::test]
async fn many_leads_are_read_by_their_ids() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    client.people().await.unwrap();
    server.forget();
    let read = client.observe(&targets(250, &[joe(), jane()]), &session(Looking::Ahead)).await;
    assert_eq!(read.len(), 250);
    assert!(read.iter().all(|seen| seen.now == Ok(joe()) && seen.scope.as_deref() == Some("campaign:c1")));
    let sent = bodies(&server, "/leads/list");
    assert_eq!((sent.len(), server.lines().len()), (3, 3));
    for body in &sent {
        assert!(body["ids"].as_array().unwrap().len() <= 100 && body["limit"] == 100, "{body}");
        assert!(body.get("campaign").is_none());
    }
    // One or two cost no more by themselves, and that reading cannot lag.
    server.forget();
    client.observe(&targets(2, &[joe(), jane()]), &session(Looking::Ahead)).await;
    assert_eq!(bodies(&server, "/leads/list").len(), 0);
    assert!(client.observe(&[], &session(Looking::Ahead)).await.is_empty());
}

#[tokio::test]
async fn a_list_that_lags_behind_decides_nothing() {
    for (looking, candidates, confirmed, seen) in [
        // Still as expected: good enough. Not as expected: the lead itself is asked for.
        (Looking::Ahead, [joe(), jane()], 0, joe()),
        (Looking::Ahead, [jane(), joe()], 5, jane()),
        // Another look follows, so nothing is confirmed.
        (Looking::Polling, [joe(), jane()], 0, joe()),
        // The change would be reported as not applied.
        (Looking::Deciding, [joe(), jane()], 5, jane()),
        (Looking::Deciding, [jane(), joe()], 0, joe()),
    ] {
        let server = server(lagging).await;
        let read = client(&server, "").observe(&targets(5, &candidates), &session(looking)).await;
        let gets = server.lines().iter().filter(|line| line.starts_with("GET")).count();
        assert_eq!(gets, confirmed, "{looking:?} {candidates:?}");
        assert!(read.iter().all(|read| read.now.as_ref().unwrap().is_same(&seen)), "{looking:?} {candidates:?}");
    }
}

#[tokio::test]
async fn leads_that_the_list_does_not_have_are_asked_for() {
    let server = server(|request| match (request.method.as_str(), request.path()) {
        ("POST", "/api/v2/leads/list") => {
            // Two are missing, and one came that nobody asked for.
            Some(Reply::json(json!({"items": [lead("l0", "u_joe"), lead("stranger", "u_jane")]})))
        }
        ("GET", "/api/v2/leads/l1") => {
            let mut moved = lead("l1", "u_joe");
            moved["campaign"] = Value::Null;
            moved["list_id"] = json!("li7");
            Some(Reply::json(moved))
        }
        ("GET", "/api/v2/leads/l2") => Some(Reply::status(404)),
        _ => None,
    })
    .await;
    let read = client(&server, "").observe(&targets(3, &[joe(), jane()]), &session(Looking::Polling)).await;
    assert!(read[0].now.as_ref().unwrap().is_same(&joe()));
    assert_eq!(read[1].scope.as_deref(), Some("list:li7"), "where it is now");
    let gone = read[2].now.as_ref().unwrap_err();
    assert_eq!(
        (gone.kind, gone.message.as_str()),
        (ErrorKind::NotFound, "Instantly (profile outreach) has no lead l2 (404)")
    );
}

#[tokio::test]
async fn with_require_scope_leads_are_read_within_their_campaign() {
    let server = server(|_| None).await;
    let client = client(&server, "require_scope = true");
    let mut wanted = targets(6, &[joe(), jane()]);
    wanted[3].scope = "list:li1".to_owned();
    wanted[4].scope = String::new();
    let read = client.observe(&wanted, &session(Looking::Ahead)).await;
    assert!(read.iter().all(|read| read.now.is_ok()));
    let mut sent: Vec<_> = bodies(&server, "/leads/list").iter().map(ToString::to_string).collect();
    sent.sort();
    assert_eq!(
        sent,
        [
            r#"{"campaign":"c1","ids":["l0","l1","l2","l5"],"limit":100}"#,
            r#"{"list_id":"li1","ids":["l3"],"limit":100}"#
        ]
    );
    assert_eq!(asked(&server, "GET /leads/l4"), 1, "a lead in neither can only be asked for itself");
}

#[tokio::test]
async fn where_the_list_fails_each_lead_is_asked_for() {
    for reply in [|| Reply::status(400), || Reply::text(200, "<html>"), || Reply::json(json!({"data": []}))] {
        let server = server(move |request| (request.path() == "/api/v2/leads/list").then(reply)).await;
        let read = client(&server, "").observe(&targets(4, &[joe()]), &session(Looking::Deciding)).await;
        assert!(read.iter().all(|read| read.now.as_ref().unwrap().is_same(&joe())));
    }
    for (status, kind) in [(401, ErrorKind::SignIn), (402, ErrorKind::Forbidden), (500, ErrorKind::Server)] {
        let server = server(move |_| Some(Reply::status(status))).await;
        let read = client(&server, "retries = 0").observe(&targets(40, &[joe()]), &session(Looking::Deciding)).await;
        assert!(read.iter().all(|read| read.now.as_ref().is_err_and(|error| error.kind == kind)), "{status}");
        assert_eq!(server.lines().len(), 1, "asking for forty others would say the same");
    }
}

#[tokio::test]
async fn a_detail_is_about_the_lead_that_was_asked_for() {
    let server = server(|request| match request.path() {
        "/api/v2/leads/other" => Some(Reply::json(lead("l9", "u_joe"))),
        "/api/v2/leads/empty" => Some(Reply::json(json!({"id": "empty"}))),
        "/api/v2/leads/odd" => Some(Reply::json(json!([1]))),
        "/api/v2/leads/a%2Fb%3Fc" => Some(Reply::json(lead("a/b?c", "u_joe"))),
        _ => None,
    })
    .await;
    let client = client(&server, "");
    assert_eq!(client.detail(&"a/b?c".into()).await.unwrap().owner.label().as_str(), "u_joe");
    for (id, words) in [("other", "it is about the lead l9"), ("empty", "not a lead"), ("odd", "not a lead")] {
        let error = client.detail(&id.into()).await.unwrap_err();
        assert!(error.kind == ErrorKind::Garbled && error.message.contains(words), "{error}");
    }
    assert_eq!(client.detail(&"..".into()).await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test]
async fn an_operation_is_read_in_the_workspace_it_was_made_in() {
    let server = server(|_| None).await;
    let client = client(&server, "x-as-workspace = \"now\"");
    for (context, header) in [
        (json!({"asWorkspace": "then"}), Some("then")),
        (json!({"asWorkspace": null}), None),
        (Value::Null, Some("now")),
    ] {
        server.forget();
        let session = Session { context, ..Session::default() };
        client.observe(&targets(4, &[joe()]), &session).await;
        client.write(&changes(1), &session).await;
        for request in server.requests() {
            assert_eq!(request.headers.get("x-as-workspace").map(String::as_str), header);
        }
    }
    let session = Session { context: json!({"asWorkspace": "a\nb"}), ..Session::default() };
    assert!(client.observe(&targets(1, &[joe()]), &session).await[0].now.is_err());
    assert_eq!(client.write(&changes(1), &session).await.halt.unwrap().kind, ErrorKind::Setting);
}
