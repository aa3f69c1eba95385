use super::*;

/// A server whose PUT takes a body for the whole lead.
async fn replacing(shop: &Shop) -> Server {
    let inside = shop.clone();
    shop.open(move |request| {
        let id = request.path().strip_prefix("/v1/leads/").filter(|_| request.method == "PUT")?;
        let mut lead = request.json();
        let kept = inside.lead(id);
        for key in ["id", "object", "created_at", "created_by", "last_modified_by"] {
            lead[key] = kept[key].clone();
        }
        inside.leads.lock().unwrap().insert(id.to_owned(), lead.clone());
        Some(Reply::json(lead))
    })
    .await
}

fn asked(server: &Server) -> Vec<String> {
    server.lines().into_iter().filter(|line| !line.contains("/users")).collect()
}

#[tokio::test]
async fn the_first_change_is_compared_before_others_follow() {
    let server = Shop::with(&[("a", Value::Null), ("b", Value::Null)]).open(|_| None).await;
    let client = client(&server, JANE);
    let report = write(&client, &[to_jane("a")]).await;
    assert_eq!((states(&report), report.requests), (vec!["done"], 3));
    let report = write(&client, &[to_jane("b")]).await;
    assert_eq!((states(&report), report.requests), (vec!["done"], 1));
    assert_eq!(asked(&server), ["GET /v1/leads/a", "PUT /v1/leads/a", "GET /v1/leads/a", "PUT /v1/leads/b"]);
}

#[tokio::test]
async fn changes_that_come_together_wait_for_the_first() {
    let server = Shop::with(&[("a", Value::Null), ("b", Value::Null), ("c", Value::Null)]).open(|_| None).await;
    let client = client(&server, JANE);
    let batches = ["a", "b", "c"].map(|id| [to_jane(id)]);
    let reports = futures_util::future::join_all(batches.iter().map(|batch| write(&client, batch))).await;
    assert!(reports.iter().all(|report| states(report) == ["done"]), "{reports:?}");
    let lines = asked(&server);
    assert_eq!(lines.iter().filter(|line| line.starts_with("GET")).count(), 2);
    assert!(lines[0].starts_with("GET") && lines[1].starts_with("PUT") && lines[2].starts_with("GET"), "{lines:?}");
}

#[tokio::test]
async fn a_put_that_replaces_is_caught_at_one_lead_and_mended() {
    let shop = Shop::with(&[("a", Value::Null), ("b", Value::Null)]);
    let mut expected = shop.lead("a");
    expected["owner"] = json!("Jane Smith");
    let server = replacing(&shop).await;
    let client = client(&server, JANE);
    let report = write(&client, &[to_jane("a"), to_jane("b")]).await;
    assert_eq!(states(&report), ["done", "not applied"]);
    let halt = report.halt.unwrap();
    assert!(halt.remedy.contains("update_mode = \"merge\""), "{halt:?}");
    let lost = "lead a lost status, firstName, lastName, email, phone, do_not_call when its owner was written; they were \
                put back, and nothing more was sent";
    assert!(halt.message.contains(lost), "{halt}");
    // Only its owner is different, and the other lead was not touched.
    assert_eq!((shop.lead("a"), shop.lead("b")), (expected, lead("b", Value::Null)));
    assert!(writes(&server).iter().all(|request| request.path() == "/v1/leads/a"));
    // It would do so again: nothing more leaves by this way, whoever asks.
    server.forget();
    let report = write(&client, &[to_jane("b")]).await;
    assert!(states(&report) == ["not applied"] && report.halt.is_some());
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn what_cannot_be_put_back_is_told() {
    let shop = Shop::with(&[("a", Value::Null)]);
    let inside = shop.clone();
    let server = shop
        .open(move |request| {
            let body = (request.method == "PUT").then(|| request.json())?;
            inside.leads.lock().unwrap().insert("a".into(), json!({"id": "a", "owner": body["owner"]}));
            Some(Reply::status(200))
        })
        .await;
    let report = write(&client(&server, JANE), &[to_jane("a")]).await;
    assert!(report.halt.unwrap().message.contains("they could not be put back"));
    assert_eq!(writes(&server).len(), 2);
}

#[tokio::test]
async fn fields_that_change_beside_the_owner_stop_the_rest() {
    let shop = Shop::with(&[("a", Value::Null), ("b", Value::Null)]);
    let inside = shop.clone();
    let server = shop
        .open(move |request| {
            let id = request.path().strip_prefix("/v1/leads/").filter(|_| request.method == "PUT")?;
            inside.put(id, request.json().as_object()?);
            inside.set(id, "status", json!("reset"));
            inside.set(id, "last_modified_by", json!("us"));
            inside.set(id, "updated_at", json!("now"));
            Some(Reply::json(inside.lead(id)))
        })
        .await;
    let client = client(&server, JANE);
    let report = write(&client, &[to_jane("a"), to_jane("b")]).await;
    assert_eq!(states(&report), ["done", "not applied"]);
    let halt = report.halt.unwrap();
    assert!(halt.message.contains("other fields of lead a than its owner (status)"), "{halt}");
    assert!(halt.remedy.contains("merge"));
    assert_eq!(writes(&server).len(), 1);
    // It may have been somebody else: the next one is compared again.
    let report = write(&client, &[to_jane("b")]).await;
    assert!(states(&report) == ["done"] && report.halt.is_some());
}

#[tokio::test]
async fn merge_writes_the_whole_lead_back() {
    let shop = Shop::with(&[("a", Value::Null), ("b", json!("Old"))]);
    let before = [shop.lead("a"), shop.lead("b")];
    let server = replacing(&shop).await;
    let client = client(&server, &format!("{JANE}update_mode = \"merge\""));
    let report = write(&client, &[to_jane("a"), change("b", named("Old"), jane())]).await;
    assert_eq!((states(&report), report.halt), (vec!["done", "done"], None));
    for (mut expected, id) in before.into_iter().zip(["a", "b"]) {
        expected["owner"] = json!("Jane Smith");
        assert_eq!(shop.lead(id), expected);
    }
    let body = writes(&server)[0].json();
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["status", "firstName", "lastName", "email", "phone", "title", "do_not_call", "owner"]);
    // The first is read before and after, the others before.
    assert_eq!(report.requests, 5);
}

#[tokio::test]
async fn a_lead_that_changed_hands_meanwhile_is_left_alone() {
    for settings in ["", "update_mode = \"merge\""] {
        let server = Shop::with(&[("a", json!("Somebody Else")), ("b", json!({"id": 1}))]).open(|_| None).await;
        let client = client(&server, &format!("{JANE}{settings}"));
        let report = write(&client, &[to_jane("a"), to_jane("b"), to_jane("gone")]).await;
        assert_eq!(report.outcomes[0], WriteOutcome::Drifted { now: named("Somebody Else") });
        assert_eq!(states(&report), ["drifted", "failed", "failed"]);
        assert!(words(&report.outcomes[2]).1.contains("has no lead gone"));
        assert!(writes(&server).is_empty());
    }
}

#[tokio::test]
async fn users_are_known_before_owners_are_compared() {
    let server = Shop::with(&[("a", json!("jane@x.example"))]).open(|_| None).await;
    // Nobody was listed in this session, and the plan knows Jane by her id.
    let client = client(&server, "owner_value = \"email\"");
    let report = write(&client, &[change("a", jane(), Assignment::unassigned())]).await;
    assert_eq!(states(&report), ["done"]);
}

#[tokio::test]
async fn a_first_change_that_fails_leaves_the_next_one_first() {
    let refusal = |request: &Request| {
        (request.line() == "PUT /v1/leads/a").then(|| Reply::text(422, r#"{"message":"not this one"}"#))
    };
    let server = Shop::with(&[("a", Value::Null), ("b", Value::Null)]).open(refusal).await;
    let report = write(&client(&server, JANE), &[to_jane("a"), to_jane("b")]).await;
    assert_eq!(states(&report), ["failed", "done"]);
    let expected = ["GET /v1/leads/a", "PUT /v1/leads/a", "GET /v1/leads/b", "PUT /v1/leads/b", "GET /v1/leads/b"];
    assert_eq!(asked(&server), expected);
}
