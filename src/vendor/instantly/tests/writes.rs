use std::sync::atomic::Ordering;

use super::*;

async fn write(client: &Instantly, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session::default()).await
}

fn states(report: &WriteReport) -> Vec<&'static str> {
    report.outcomes.iter().map(|outcome| words(outcome).0).collect()
}

#[tokio::test]
async fn one_lead_by_its_own_call() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    let report = write(&client, &[change("a/b c", jane())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!((report.requests, report.trouble, report.halt.is_none()), (1, None, true));
    let sent = &server.requests()[0];
    assert_eq!(sent.line(), "PATCH /api/v2/leads/a%2Fb%20c");
    assert_eq!(
        (sent.body.as_str(), sent.headers["content-type"].as_str()),
        (r#"{"assigned_to":"u_jane"}"#, "application/json")
    );
    assert_eq!(write(&client, &[change("a", Assignment::unassigned())]).await.outcomes, [WriteOutcome::Done]);
    assert_eq!(server.requests()[1].body, r#"{"assigned_to":null}"#);
}

#[tokio::test]
async fn many_leads_are_read_and_handed_to_one_job() {
    let server = server(|_| None).await;
    let client = client(&server, "");
    let mut batch = changes(100);
    // Named twice, sent once.
    batch.push(change("l7", jane()));
    let report = write(&client, &batch).await;
    assert_eq!(states(&report), vec!["queued"; 101]);
    assert_eq!(words(&report.outcomes[0]).1, "Instantly accepted it for a background job");
    assert_eq!(server.lines(), ["POST /api/v2/leads/list", "POST /api/v2/leads/bulk-assign"]);
    assert_eq!((report.requests, report.trouble), (2, None));
    let body = &bodies(&server, "/leads/bulk-assign")[0];
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["organization_user_ids", "ids", "campaign", "assigned_to"]);
    assert_eq!(body["organization_user_ids"], json!(["u_jane"]));
    assert_eq!((&body["campaign"], &body["assigned_to"]), (&json!("c1"), &json!("u_joe")));
    let mut ids: Vec<_> = body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[tokio::test]
async fn calls_are_made_by_user_owner_and_place_of_the_leads() {
    // l: in c1; n: nobody's; i: in a list; x: in neither; d: changed by someone else. Where a lead is and whose it is the
    // server knows better than the plan.
    let row = |id: &str| {
        let mut row = lead(id, "u_joe");
        match &id[..1] {
            "n" => row["assigned_to"] = Value::Null,
            "i" => (row["campaign"], row["list_id"]) = (Value::Null, json!("li1")),
            "x" => row["campaign"] = Value::Null,
            "d" => row["assigned_to"] = json!("u_third"),
            _ => {}
        }
        row
    };
    let server = server(move |request| match (request.method.as_str(), request.path()) {
        ("POST", "/api/v2/leads/list") => {
            let ids = request.json()["ids"].as_array().unwrap().clone();
            Some(Reply::json(json!({"items": ids.iter().map(|id| row(id.as_str().unwrap())).collect::<Vec<_>>()})))
        }
        ("GET", path) if path.starts_with("/api/v2/leads/") => Some(Reply::json(row(&path[14..]))),
        _ => None,
    })
    .await;
    let kinds = ["l", "n", "i", "x", "d"];
    let batch: Vec<Change> = kinds
        .iter()
        .flat_map(|kind| (0..5).map(move |n| format!("{kind}{n}")))
        .map(|id| {
            let before = if id.starts_with('n') { Assignment::unassigned() } else { joe() };
            Change { before, ..change(&id, jane()) }
        })
        .collect();
    let report = write(&client(&server, "bulk_chunk = 4"), &batch).await;
    let expected = ["queued", "queued", "queued", "done", "drifted"].map(|state| [state; 5]).concat();
    assert_eq!(states(&report), expected);
    let mut bulk: Vec<String> = bodies(&server, "/leads/bulk-assign").iter().map(ToString::to_string).collect();
    bulk.sort();
    let call = |ids: &str, rest: &str| format!(r#"{{"organization_user_ids":["u_jane"],"ids":[{ids}],{rest}}}"#);
    assert_eq!(
        bulk,
        [
            call(r#""i0","i1","i2","i3""#, r#""list_id":"li1","assigned_to":"u_joe""#),
            call(r#""i4""#, r#""list_id":"li1","assigned_to":"u_joe""#),
            call(r#""l0","l1","l2","l3""#, r#""campaign":"c1","assigned_to":"u_joe""#),
            call(r#""l4""#, r#""campaign":"c1","assigned_to":"u_joe""#),
            call(r#""n0","n1","n2","n3""#, r#""campaign":"c1""#),
            call(r#""n4""#, r#""campaign":"c1""#),
        ]
    );
}

#[tokio::test]
async fn only_leads_that_are_still_as_planned_are_sent() {
    let server = server(|request| {
        let third = |id: &str| match id {
            "l1" => lead(id, "u_third"),
            "l2" => lead(id, "u_jane"),
            _ => lead(id, "u_joe"),
        };
        match (request.method.as_str(), request.path()) {
            ("POST", "/api/v2/leads/list") => {
                let body = request.json();
                let ids = body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
                // The index lags behind at l4 and has lost l3 and l5.
                let rows: Vec<_> = ids
                    .filter(|id| !["l3", "l5"].contains(id))
                    .map(|id| if id == "l4" { lead(id, "u_before") } else { third(id) })
                    .collect();
                Some(Reply::json(json!({"items": rows})))
            }
            ("GET", "/api/v2/leads/l3") => Some(Reply::status(404)),
            ("GET", path) if path.starts_with("/api/v2/leads/") => Some(Reply::json(third(&path[14..]))),
            _ => None,
        }
    })
    .await;
    let report = write(&client(&server, "strategy = \"bulk\""), &changes(8)).await;
    assert_eq!(states(&report), ["queued", "drifted", "drifted", "failed", "queued", "queued", "queued", "queued"]);
    assert_eq!(report.outcomes[1], WriteOutcome::Drifted { now: Assignment::Owner(OwnerRef::with_id("u_third")) });
    assert!(words(&report.outcomes[3]).1.contains("has no lead l3"));
    assert_eq!(bodies(&server, "/leads/bulk-assign")[0]["ids"], json!(["l0", "l4", "l5", "l6", "l7"]));
}

#[tokio::test]
async fn settings_shape_the_bulk_call() {
    for (settings, body) in [
        ("", json!({"organization_user_ids": ["u_jane"], "ids": ["l0"], "campaign": "c1", "assigned_to": "u_joe"})),
        ("guard_current_owner = false", json!({"organization_user_ids": ["u_jane"], "ids": ["l0"], "campaign": "c1"})),
        (
            "bulk_scope = \"ids_only\"",
            json!({"organization_user_ids": ["u_jane"], "ids": ["l0"], "assigned_to": "u_joe"}),
        ),
        (
            "bulk_limit = \"count\"",
            json!({"organization_user_ids": ["u_jane"], "ids": ["l0"], "campaign": "c1", "assigned_to": "u_joe", "limit": 1}),
        ),
    ] {
        let server = server(|_| None).await;
        write(&client(&server, &format!("strategy = \"bulk\"\n{settings}")), &changes(1)).await;
        assert_eq!(bodies(&server, "/leads/bulk-assign"), [body], "{settings}");
    }
}

#[tokio::test]
async fn what_no_bulk_call_can_do_goes_one_by_one() {
    let server = server(|_| None).await;
    let client = client(&server, "strategy = \"bulk\"");
    let nobody: Vec<_> = (0..5).map(|n| change(&format!("l{n}"), Assignment::unassigned())).collect();
    assert_eq!(states(&write(&client, &nobody).await), ["done"; 5]);
    let unknown = [Change { before: Assignment::Unknown, ..change("l9", jane()) }];
    assert_eq!(states(&write(&client, &unknown).await), ["done"]);
    assert_eq!((asked(&server, "POST /leads/bulk-assign"), server.lines().len()), (0, 6));
    // Among many, a handful of their own kind is not worth a job.
    let server = super::server(|_| None).await;
    assert_eq!(states(&write(&super::client(&server, ""), &changes(3)).await), ["done"; 3]);
    assert_eq!(server.lines().len(), 3);
    let server = super::server(|_| None).await;
    assert_eq!(states(&write(&super::client(&server, "strategy = \"patch\""), &changes(9)).await), ["done"; 9]);
    assert!(server.lines().iter().all(|line| line.starts_with("PATCH")));
}

#[tokio::test]
async fn half_an_owner_and_half_a_lead_are_never_sent() {
    let server = server(|_| None).await;
    let client = client(&server, "strategy = \"bulk\"");
    let batch = [
        change("a", Assignment::Owner(OwnerRef::named("Jane"))),
        change("b", Assignment::Unknown),
        change("c", Assignment::agents(["u1"])),
        change("", jane()),
        change(" ", jane()),
        change("d", Assignment::Owner(OwnerRef::with_id(""))),
    ];
    let report = write(&client, &batch).await;
    assert_eq!(states(&report), ["failed"; 6]);
    assert_eq!((server.lines().len(), report.requests), (0, 0));
    assert!(write(&client, &[]).await.outcomes.is_empty());
    // No address can hold such an id.
    let report = write(&super::client(&server, ""), &[change("..", jane())]).await;
    assert_eq!(states(&report), ["failed"]);
}

#[tokio::test]
async fn every_status_of_a_patch_has_its_meaning() {
    use ErrorKind::{Forbidden, NotFound, Refused, Server as Broken, Setting, SignIn, Wait};
    for (status, state, trouble, halts) in [
        (202, "late", None, false),
        (204, "unknown", Some(ErrorKind::Garbled), false),
        (302, "unknown", Some(Setting), true),
        (400, "failed", Some(Refused), false),
        (401, "failed", Some(SignIn), true),
        (402, "failed", Some(Forbidden), true),
        (403, "failed", Some(Forbidden), true),
        (404, "failed", Some(NotFound), false),
        (408, "late", Some(Broken), false),
        (429, "not applied", Some(Wait), false),
        (500, "unknown", Some(Broken), false),
        (502, "late", Some(Broken), false),
    ] {
        let body = r#"{"statusCode":1,"error":"Their Status","message":"their words"}"#;
        let server = Server::start(move |_, _| Reply::text(status, if status == 204 { "" } else { body })).await;
        let report = write(&client(&server, ""), &changes(1)).await;
        let (found, why) = words(&report.outcomes[0]);
        assert_eq!(found, state, "{status}: {report:?}");
        assert!(status < 400 || why.contains("their words"), "{status}: {why}");
        assert_eq!((report.trouble, report.halt.is_some(), report.requests), (trouble, halts, 1), "{status}");
    }
}

#[tokio::test]
async fn every_status_of_a_bulk_call_has_its_meaning() {
    use ErrorKind::{Forbidden, NotFound, Refused, Server as Broken, SignIn, Wait};
    for (status, state, trouble, halts) in [
        (200, "queued", None, false),
        (400, "failed", Some(Refused), false),
        (401, "failed", Some(SignIn), true),
        (402, "failed", Some(Forbidden), true),
        (403, "failed", Some(Forbidden), true),
        (404, "failed", Some(NotFound), false),
        (429, "not applied", Some(Wait), false),
        (500, "queued", Some(Broken), false),
        (503, "queued", Some(Broken), false),
        (504, "queued", Some(Broken), false),
    ] {
        let server = server(move |request| {
            let is_bulk = request.path() == "/api/v2/leads/bulk-assign";
            is_bulk.then(|| Reply::text(status, r#"{"message":"their words; all of them"}"#))
        })
        .await;
        let report = write(&client(&server, "strategy = \"bulk\""), &changes(4)).await;
        assert_eq!(states(&report), [state; 4], "{status}");
        assert_eq!((report.trouble, report.halt.is_some()), (trouble, halts), "{status}");
        assert_eq!(asked(&server, "POST /leads/bulk-assign"), 1, "{status}: it leaves once");
        let why = words(&report.outcomes[0]).1;
        assert!(state != "queued" || !why.contains("; "), "what reading back finds is put behind it: {why}");
        assert!(state != "failed" || why.contains("none of the 4 leads was changed"), "{why}");
    }
}

#[tokio::test]
async fn a_refused_bulk_call_says_which_setting_helps() {
    for (settings, refusal, remedy) in [
        ("", "Invalid ID on `organization_user_ids` field", "owner_id_field"),
        ("", "body must NOT have additional property assigned_to", "guard_current_owner = false"),
        ("bulk_scope = \"ids_only\"", "campaign or list_id is required with ids", "bulk_scope = \"scoped\""),
    ] {
        let server = server(move |request| {
            let body = json!({"message": refusal}).to_string();
            (request.path() == "/api/v2/leads/bulk-assign").then(|| Reply::text(400, &body))
        })
        .await;
        let report =
            write(&client(&server, &format!("strategy = \"bulk\"\nbulk_chunk = 2\n{settings}")), &changes(6)).await;
        assert_eq!(states(&report), ["failed", "failed", "not applied", "not applied", "not applied", "not applied"]);
        let halt = report.halt.unwrap();
        assert_eq!(halt.kind, ErrorKind::Setting);
        assert!(halt.message.contains(refusal) && halt.remedy.contains(remedy), "{halt:?}");
        assert_eq!(asked(&server, "POST /leads/bulk-assign"), 1, "nothing more is sent");
    }
    let server = server(|request| {
        let body = r#"{"message":"Invalid ID on `organization_user_ids` field"}"#;
        (request.path() == "/api/v2/leads/bulk-assign").then(|| Reply::text(400, body))
    })
    .await;
    let report = write(&client(&server, "strategy = \"bulk\""), &changes(2)).await;
    assert!(words(&report.outcomes[0]).1.contains("u_jane is the wrong kind of member id"));
}

#[tokio::test]
async fn who_left_is_refused_alone() {
    let server = server(|request| {
        let body = r#"{"message":"Invalid ID on `organization_user_ids` field"}"#;
        (request.path() == "/api/v2/leads/bulk-assign" && request.body.contains("u_gone"))
            .then(|| Reply::text(400, body))
    })
    .await;
    let gone = Assignment::Owner(OwnerRef::new("u_gone", "Gone Away"));
    let all = [change("l0", gone), change("l1", jane())];
    let report = write(&client(&server, "strategy = \"bulk\""), &all).await;
    assert_eq!(states(&report), ["failed", "queued"], "{report:?}");
    assert!(report.halt.is_none() && words(&report.outcomes[0]).1.contains("u_gone is no member"), "{report:?}");
}

#[tokio::test]
async fn who_left_since_the_members_were_read_is_refused_alone() {
    let left = Arc::new(AtomicBool::new(false));
    let has_left = left.clone();
    let server = server(move |request| {
        if !has_left.load(Ordering::SeqCst) {
            return None;
        }
        let refusal = r#"{"message":"Invalid ID on `organization_user_ids` field"}"#;
        match request.path() {
            "/api/v2/workspace-members" => {
                Some(Reply::json(json!({"items": [member("joe", "Joe", "Miller", "editor", true)]})))
            }
            "/api/v2/leads/bulk-assign" if request.json()["organization_user_ids"] == json!(["u_jane"]) => {
                Some(Reply::text(400, refusal))
            }
            _ => None,
        }
    })
    .await;
    let client = client(&server, "strategy = \"bulk\"");
    client.people().await.unwrap();
    left.store(true, Ordering::SeqCst);
    let other = Assignment::Owner(OwnerRef::new("u_other", "Other"));
    let report = write(&client, &[change("l0", jane()), change("l1", other)]).await;
    assert_eq!((states(&report), report.halt.is_some()), (vec!["failed", "queued"], false), "{report:?}");
    assert!(words(&report.outcomes[0]).1.contains("u_jane is no member"), "{report:?}");
}

#[tokio::test]
async fn lost_answers_of_a_bulk_call_may_have_begun_a_job() {
    for reply in [(|| Reply::Cut) as fn() -> Reply, || Reply::Half { status: 202, body: b"{".into() }] {
        let server = server(move |request| (request.path() == "/api/v2/leads/bulk-assign").then(reply)).await;
        let report = write(&client(&server, "strategy = \"bulk\""), &changes(5)).await;
        assert_eq!(states(&report), ["queued"; 5]);
        assert!(words(&report.outcomes[0]).1.ends_with("so a background job may have begun"), "{report:?}");
        assert_eq!(report.trouble, Some(ErrorKind::Unreachable));
        assert_eq!(asked(&server, "POST /leads/bulk-assign"), 1);
    }
    // Of a PATCH they may not: the change itself is on the way or not.
    for (reply, state) in
        [((|| Reply::Cut) as fn() -> Reply, "late"), (|| Reply::Half { status: 200, body: b"{".into() }, "unknown")]
    {
        let server = Server::start(move |_, _| reply()).await;
        assert_eq!(states(&write(&client(&server, ""), &changes(1)).await), [state]);
        assert_eq!(server.lines().len(), 1);
    }
    let server = Server::start(|_, _| Reply::Silence).await;
    let mut impatient = client(&server, "");
    let options = HttpOptions {
        timeout: Duration::from_millis(50),
        ..HttpOptions::new(&Profile::new("outreach", VendorKind::Instantly, server.base_url.clone()))
    };
    impatient.http = Http::new(options, Arc::new(OpenGate)).unwrap();
    assert_eq!(states(&write(&impatient, &changes(1)).await), ["late"]);
}

#[tokio::test]
async fn owners_that_cannot_be_read_keep_leads_from_being_sent() {
    for (status, state, halts) in [(500, "not applied", false), (401, "failed", true)] {
        let server = server(move |request| {
            let is_reading = request.path() == "/api/v2/leads/list" || request.method == "GET";
            is_reading.then(|| Reply::status(status))
        })
        .await;
        let report = write(&client(&server, "strategy = \"bulk\"\nretries = 0"), &changes(5)).await;
        assert_eq!((states(&report), report.halt.is_some()), (vec![state; 5], halts), "{status}");
        assert_eq!(asked(&server, "POST /leads/bulk-assign"), 0);
        assert!(words(&report.outcomes[0]).1.contains("could not be read before it was sent"));
    }
}

#[tokio::test]
async fn only_the_changed_lead_proves_a_patch() {
    for (after, answer, state, halts) in [
        (jane(), json!({"id": "a", "assigned_to": "u_jane"}), "done", false),
        (jane(), json!({"id": "a", "assigned_to": "u_third"}), "unknown", false),
        (jane(), json!({"id": "a"}), "unknown", false),
        (jane(), json!({"id": "b", "assigned_to": "u_jane"}), "unknown", true),
        (jane(), json!({"assigned_to": "u_jane"}), "unknown", false),
        (jane(), json!([]), "unknown", false),
        (Assignment::unassigned(), json!({"id": "a", "assigned_to": null}), "done", false),
        (Assignment::unassigned(), json!({"id": "a"}), "done", false),
        (Assignment::unassigned(), json!({"id": "a", "assigned_to": "u_joe"}), "unknown", false),
    ] {
        let reply = answer.clone();
        let server = server(move |request| (request.method == "PATCH").then(|| Reply::json(reply.clone()))).await;
        let report = write(&client(&server, ""), &[change("a", after)]).await;
        assert_eq!((words(&report.outcomes[0]).0, report.halt.is_some()), (state, halts), "{answer}");
    }
}

#[tokio::test]
async fn a_workspace_without_unassigning_says_so_and_stops_nothing_else() {
    let ignoring = |request: &Request| (request.method == "PATCH").then(|| Reply::json(lead("a", "u_joe")));
    let refusing = |request: &Request| {
        (request.method == "PATCH").then(|| Reply::text(400, r#"{"message":"assigned_to must be string"}"#))
    };
    for (special, state) in [(ignoring as fn(&Request) -> Option<Reply>, "unknown"), (refusing, "failed")] {
        let server = server(special).await;
        let report = write(&client(&server, ""), &[change("a", Assignment::unassigned())]).await;
        let (found, why) = words(&report.outcomes[0]);
        assert_eq!((found, report.halt.is_some()), (state, false));
        assert!(why.starts_with("unassign not supported by this workspace: "), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_changes_is_stopped_at_unless_the_owner_left() {
    let server = server(|request| {
        let id = request.path().rsplit('/').next().unwrap();
        (request.method == "PATCH").then(|| Reply::json(lead(id, "u_joe")))
    })
    .await;
    let client = client(&server, "strategy = \"patch\"\nparallel = 1");
    client.people().await.unwrap();
    server.forget();
    let report = write(&client, &changes(4)).await;
    assert_eq!(states(&report), ["unknown", "not applied", "not applied", "not applied"]);
    assert!(report.halt.unwrap().message.contains("the change was ignored"));
    assert_eq!(server.lines().len(), 1);
    let former = [change("a", Assignment::Owner(OwnerRef::with_id("u_former")))];
    assert!(write(&client, &former).await.halt.is_none());
}

#[tokio::test]
async fn after_a_halt_nothing_more_is_sent() {
    let server = server(|request| (request.path() != "/api/v2/leads/list").then(|| Reply::status(401))).await;
    let report = write(&client(&server, "strategy = \"bulk\"\nbulk_chunk = 2"), &changes(6)).await;
    assert_eq!(states(&report), ["failed", "failed", "not applied", "not applied", "not applied", "not applied"]);
    assert_eq!(report.halt.unwrap().kind, ErrorKind::SignIn);
    assert_eq!(asked(&server, "POST /leads/bulk-assign"), 1);
    let server = super::server(|_| Some(Reply::status(402))).await;
    let report = write(&client(&server, "strategy = \"patch\"\nparallel = 1"), &changes(5)).await;
    assert_eq!((states(&report)[0], server.lines().len()), ("failed", 1));
}

#[tokio::test]
async fn a_job_that_may_be_ours_is_shown() {
    let server = server(|request| match request.path() {
        "/api/v2/background-jobs" => {
            assert_eq!((request.param("sort_column"), request.param("sort_order")), (Some("created_at"), Some("desc")));
            let job = |id: &str, kind: &str, created: &str| {
                json!({"id": id, "type": kind, "status": "pending", "progress": 10, "created_at": created})
            };
            Some(Reply::json(json!({"items": [
                job("j1", "move-leads", "2099-01-01T00:00:00.000Z"), job("j2", "assign; leads", "2099-01-01T00:00:00.000Z"),
                job("j3", "assign-leads", "2020-01-01T00:00:00.000Z")
            ]})))
        }
        _ => None,
    })
    .await;
    let report = write(&client(&server, "strategy = \"bulk\"\njob_hint = true"), &changes(2)).await;
    let why = words(&report.outcomes[0]).1;
    assert_eq!(why, "Instantly accepted it for a background job, perhaps j2 (assign, leads, pending, 10 %)");
    let server = super::server(|_| None).await;
    write(&client(&server, "strategy = \"bulk\""), &changes(2)).await;
    assert_eq!(asked(&server, "GET /background-jobs"), 0);
}
