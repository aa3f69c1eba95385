use super::*;
use crate::vendor::ErrorKind;

async fn write(client: &Kenbun, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session::default()).await
}

fn words(outcome: &WriteOutcome) -> (&'static str, &str) {
    match outcome {
        WriteOutcome::Done => ("done", ""),
        WriteOutcome::Failed(why) => ("failed", why),
        WriteOutcome::Unknown(why) => ("unknown", why),
        WriteOutcome::Late(why) => ("late", why),
        WriteOutcome::Queued(why) => ("queued", why),
        WriteOutcome::NotApplied { why, .. } => ("not applied", why),
        WriteOutcome::Drifted { .. } => ("drifted", ""),
        WriteOutcome::DoneWith(said) => ("done", said),
        WriteOutcome::Partly { why, .. } => ("partly", why),
    }
}

#[tokio::test]
async fn one_lead_by_its_own_call() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    let report = write(&client, &[change("ld 1/é?", jane())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!((report.requests, report.trouble), (1, None));
    let sent = &server.requests()[0];
    assert_eq!(sent.line(), "POST /leads/ld%201%2F%C3%A9%3F/owner");
    assert_eq!(sent.body, r#"{"owner_id":"user_jane","owner_name":"Jane Smith"}"#);
    assert_eq!(sent.headers["authorization"], "Bearer kbn_pat_hush");
    assert_eq!(sent.headers["content-type"], "application/json");

    let report = write(&client, &[change("ld_1", Assignment::unassigned())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!(server.requests()[1].body, r#"{"owner_id":null,"owner_name":null}"#);
}

#[tokio::test]
async fn several_leads_by_the_bulk_call() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    // A lead that is named twice goes out once and gets its outcome twice.
    let report = write(&client, &changes(["a", "b/c", "a"])).await;
    assert_eq!(report.outcomes, vec![WriteOutcome::Done; 3]);
    let nobody = ["a", "b"].map(|id| change(id, Assignment::Unassigned(crate::domain::Blank::Empty)));
    assert_eq!(write(&client, &nobody).await.outcomes, vec![WriteOutcome::Done; 2]);
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(server.lines(), vec!["POST /leads/bulk-assign-owner"; 2]);
    assert_eq!(bodies[0], r#"{"lead_ids":["a","b/c"],"owner_id":"user_jane","owner_name":"Jane Smith"}"#);
    assert_eq!(bodies[1], r#"{"lead_ids":["a","b"],"owner_id":null,"owner_name":null}"#);
}

#[tokio::test]
async fn bulk_calls_hold_at_most_bulk_size_leads_of_one_owner() {
    let server = server(|_| None).await;
    let client = client(&server, "bulk_size = 3");
    let joe = Assignment::Owner(OwnerRef::new("user_joe", "Joe"));
    let mut batch: Vec<Change> = (0..7).map(|n| change(&n.to_string(), jane())).collect();
    batch.insert(2, change("x", joe.clone()));
    batch.push(change("y", joe));
    let report = write(&client, &batch).await;
    assert_eq!(report.outcomes, vec![WriteOutcome::Done; 9]);
    assert_eq!(report.requests, 4);
    let bodies: Vec<_> = server.requests().iter().map(|request| request.body.clone()).collect();
    assert!(bodies.contains(&r#"{"lead_ids":["x","y"],"owner_id":"user_joe","owner_name":"Joe"}"#.to_owned()));
    // The seventh of Jane's went alone.
    assert!(server.lines().contains(&"POST /leads/6/owner".to_owned()));
}

#[tokio::test]
async fn half_an_owner_is_never_sent() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    let batch = [
        change("a", Assignment::Owner(OwnerRef::with_id("u1"))),
        change("b", Assignment::Owner(OwnerRef::named("Jane"))),
        change("c", Assignment::Unknown),
        change("d", Assignment::agents(["u1"])),
        change("", jane()),
        change("e", jane()),
    ];
    let report = write(&client, &batch).await;
    let states: Vec<_> = report.outcomes.iter().map(|outcome| words(outcome).0).collect();
    assert_eq!(states, ["failed", "failed", "failed", "failed", "failed", "done"]);
    assert!(words(&report.outcomes[0]).1.contains("name of the owner u1 is not known"));
    assert_eq!(server.lines(), ["POST /leads/e/owner"]);
    assert!(report.halt.is_none());
    assert!(write(&client, &[]).await.outcomes.is_empty());
}

#[tokio::test]
async fn ids_that_no_address_can_hold_go_by_the_bulk_call() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    for id in [".", ".."] {
        assert_eq!(write(&client, &[change(id, jane())]).await.outcomes, [WriteOutcome::Done]);
    }
    assert_eq!(server.lines(), vec!["POST /leads/bulk-assign-owner"; 2]);
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    use ErrorKind::{Forbidden, NotFound, Refused, Setting, SignIn, Wait};
    for (status, state, trouble, halts) in [
        (202, "late", None, false),
        (302, "unknown", Some(Setting), true),
        (400, "failed", Some(Refused), false),
        (401, "failed", Some(SignIn), true),
        (403, "failed", Some(Forbidden), true),
        (404, "failed", Some(NotFound), false),
        (408, "late", Some(ErrorKind::Server), false),
        (409, "failed", Some(Refused), false),
        (413, "failed", Some(Refused), false),
        (422, "failed", Some(Refused), false),
        (429, "not applied", Some(Wait), false),
        (500, "unknown", Some(ErrorKind::Server), false),
        (499, "late", Some(ErrorKind::Server), false),
        (502, "late", Some(ErrorKind::Server), false),
        (503, "unknown", Some(ErrorKind::Server), false),
        (504, "late", Some(ErrorKind::Server), false),
        (524, "late", Some(ErrorKind::Server), false),
        (599, "unknown", Some(ErrorKind::Server), false),
    ] {
        let server = Server::start(move |_, _| Reply::text(status, r#"{"error":"their words"}"#)).await;
        for batch in [changes(["a"]).to_vec(), changes(["a", "b"]).to_vec()] {
            let report = write(&client(&server, ""), &batch).await;
            assert_eq!(report.outcomes.len(), batch.len());
            for outcome in &report.outcomes {
                let (found, why) = words(outcome);
                assert_eq!(found, state, "{status}: {outcome:?}");
                assert!(status < 400 || why.contains("their words"), "{status}: {why}");
            }
            assert_eq!(report.trouble, trouble, "{status}");
            assert_eq!(report.halt.is_some(), halts, "{status}");
            assert_eq!(report.requests, 1, "{status}: a write leaves once");
        }
    }
    let server = Server::start(|_, _| Reply::status(429).with("Retry-After", 9)).await;
    match &write(&client(&server, ""), &changes(["a"])).await.outcomes[0] {
        WriteOutcome::NotApplied { retry_after, .. } => assert_eq!(*retry_after, Some(Duration::from_secs(9))),
        other => panic!("{other:?}"),
    }
    let server = Server::start(|_, _| Reply::text(400, "No active Organizational Unit")).await;
    let halt = write(&client(&server, ""), &changes(["a"])).await.halt.unwrap();
    assert!(halt.kind == Setting && halt.remedy.contains("org_unit"), "{halt:?}");
}

#[tokio::test]
async fn an_owner_outside_the_unit_is_refused_alone() {
    let words = r#"{"error":"the owner is not a member of the active organizational unit"}"#;
    let server = server(move |request| request.body.contains("user_gone").then(|| Reply::text(400, words))).await;
    let gone = Assignment::Owner(OwnerRef::new("user_gone", "Gone Away"));
    let report = write(&client(&server, ""), &[change("a", gone), change("b", jane())]).await;
    assert!(words_of(&report)[0].contains("not a member") && report.halt.is_none(), "{report:?}");
    assert_eq!(report.outcomes[1], WriteOutcome::Done);
}

#[tokio::test]
async fn leads_that_are_gone_do_not_hold_the_others_up() {
    let server = server(|request| match request.path() {
        "/leads/bulk-assign-owner" if request.body.contains("gone") => {
            Some(Reply::text(404, r#"{"error":"some leads are not there"}"#))
        }
        path if path.starts_with("/lead/") && path != "/lead/gone" => {
            Some(Reply::json(json!({"lead_id": &path[6..], "owner_name": null})))
        }
        _ => None,
    })
    .await;
    let report = write(&client(&server, "org_unit = \"unit_1\""), &changes(["a", "gone", "b"])).await;
    assert_eq!((&report.outcomes[0], &report.outcomes[2]), (&WriteOutcome::Done, &WriteOutcome::Done));
    assert!(words_of(&report)[1].contains("has no lead gone"), "{report:?}");
    assert_eq!((report.halt, report.trouble), (None, None));
    let sent: Vec<Request> = server.requests().into_iter().filter(|request| request.method == "POST").collect();
    let paths: Vec<&str> = sent.iter().map(Request::path).collect();
    // The unit is set right before the second one as well.
    assert_eq!(paths[paths.len() - 2..], ["/org-units/active", "/leads/bulk-assign-owner"]);
    assert_eq!(sent.last().unwrap().json()["lead_ids"], json!(["a", "b"]));
}

fn words_of(report: &WriteReport) -> Vec<&str> {
    report.outcomes.iter().map(|outcome| words(outcome).1).collect()
}

#[tokio::test]
async fn after_a_halt_nothing_more_is_sent() {
    let server = Server::start(|_, _| Reply::status(401)).await;
    let report = write(&client(&server, "bulk_size = 2"), &changes(["a", "b", "c", "d"])).await;
    let states: Vec<_> = report.outcomes.iter().map(|outcome| words(outcome).0).collect();
    assert_eq!(states, ["failed", "failed", "not applied", "not applied"]);
    assert_eq!(report.halt.unwrap().kind, ErrorKind::SignIn);
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn only_the_contracts_words_prove_anything() {
    for (bulk, body, state) in [
        (false, r#"{"status":"ok","message":"owner assigned"}"#, "done"),
        (false, r#"{"status":"ok"}"#, "done"),
        (false, r#"{"status":"error","message":"no"}"#, "unknown"),
        (false, "{}", "unknown"),
        (false, "", "unknown"),
        (false, "[]", "unknown"),
        (false, "null", "unknown"),
        (false, "<html>login</html>", "unknown"),
        (false, r#"{"status":"ok","affected":0}"#, "unknown"),
        (true, r#"{"status":"ok","affected":2}"#, "done"),
        (true, r#"{"affected":2}"#, "done"),
        (true, r#"{"status":"ok","affected":"2"}"#, "done"),
        (true, r#"{"status":"ok","affected":1}"#, "unknown"),
        (true, r#"{"status":"ok","affected":0}"#, "unknown"),
        (true, r#"{"status":"ok","affected":3}"#, "unknown"),
        (true, r#"{"status":"ok","affected":-2}"#, "unknown"),
        (true, r#"{"status":"ok","affected":null}"#, "unknown"),
        (true, r#"{"status":"ok"}"#, "unknown"),
        (true, r#"{"status":"failed","affected":2}"#, "unknown"),
        (true, r#"{"status":"ok","affected":2"#, "unknown"),
        (true, "\u{0}\u{1}", "unknown"),
    ] {
        let server = Server::start(move |_, _| Reply::text(200, body)).await;
        let batch = if bulk { changes(["a", "b"]).to_vec() } else { changes(["a"]).to_vec() };
        let report = write(&client(&server, ""), &batch).await;
        assert!(report.outcomes.iter().all(|outcome| words(outcome).0 == state), "{body}: {report:?}");
        assert!(report.halt.is_none());
        let report = write(&client(&server, "verify = \"always\""), &batch).await;
        assert!(report.outcomes.iter().all(|outcome| words(outcome).0 == "unknown"), "{body}");
    }
    let server = Server::start(|_, _| Reply::json(json!({"status": "ok", "affected": 1}))).await;
    let report = write(&client(&server, ""), &changes(["a", "b"])).await;
    assert_eq!(words(&report.outcomes[0]).1, "kenbun counted 1 of 2 leads as changed");
}

#[tokio::test]
async fn an_answer_that_says_the_opposite_stops_everything() {
    for (after, said) in [(jane(), "owner unassigned"), (Assignment::unassigned(), "owner assigned")] {
        let server = Server::start(move |_, _| Reply::json(json!({"status": "ok", "message": said}))).await;
        let report = write(&client(&server, ""), &[change("a", after)]).await;
        assert_eq!(words(&report.outcomes[0]).0, "unknown");
        assert_eq!(report.halt.unwrap().kind, ErrorKind::Garbled);
    }
}

#[tokio::test]
async fn lost_answers_are_open_and_refused_connections_are_not() {
    let half = || Reply::Half { status: 200, body: br#"{"status":"ok""#.into() };
    for (reply, state) in [((|| Reply::Cut) as fn() -> Reply, "late"), (half, "unknown")] {
        let server = Server::start(move |_, _| reply()).await;
        let report = write(&client(&server, ""), &changes(["a", "b"])).await;
        assert!(report.outcomes.iter().all(|outcome| words(outcome).0 == state), "{report:?}");
        assert_eq!((report.requests, report.trouble), (1, Some(ErrorKind::Unreachable)));
        assert_eq!(server.lines().len(), 1);
    }
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut client = client(&server, "");
    let options = HttpOptions {
        timeout: Duration::from_millis(50),
        ..HttpOptions::new(&Profile::new("sales", VendorKind::Kenbun, server.base_url.clone()))
    };
    client.http = Http::new(options, Arc::new(OpenGate)).unwrap();
    assert_eq!(words(&write(&client, &changes(["a"])).await.outcomes[0]).0, "late");
    let base_url = server.base_url.clone();
    drop(server);
    let options = HttpOptions::new(&Profile::new("sales", VendorKind::Kenbun, base_url.clone()));
    client.http = Http::new(options, Arc::new(OpenGate)).unwrap();
    // The listener goes with its task, which ends soon after.
    while std::net::TcpStream::connect(base_url.trim_start_matches("http://")).is_ok() {
        tokio::task::yield_now().await;
    }
    let report = write(&client, &changes(["a"])).await;
    assert_eq!((words(&report.outcomes[0]).0, report.requests), ("not applied", 0));
}
