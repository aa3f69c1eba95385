use super::*;

#[tokio::test]
async fn a_change_is_sent_and_looked_for_in_both_lists() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    org.set(2, "extendedFields", json!({"trial_status": "Not Done\u{1b}"}));
    let server = org.open(|_| None).await;
    let client = seasoned(&server, "");
    let report = write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    assert_eq!(org.owner(1), "ravi.m");
    let lines: Vec<_> = server.requests().iter().map(|r| format!("{} {}", r.method, r.path())).collect();
    let sent = lines.iter().position(|line| line == "PUT /v2/leads/1").unwrap();
    assert_eq!(puts(&server)[0].json(), json!({"owner": "ravi.m"}));
    let after: Vec<_> = server.requests()[sent + 1..].iter().map(|r| r.param("owner").map(str::to_owned)).collect();
    assert_eq!(after, [Some("12".to_owned()), Some("11".to_owned())]);
    assert_eq!(report.requests, server.requests().len());

    // What it has beside is sent along, as it is.
    let report = write(&client, &[change(2, asha(), ravi())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
    let expected = json!({"owner": "ravi.m", "extendedFields": {"trial_status": "Not Done\u{1b}"}});
    assert_eq!(puts(&server)[1].json(), expected);
}

#[tokio::test]
async fn a_fresh_reading_is_not_repeated_but_an_old_one_and_our_own_are() {
    let server = Org::with(&[(1, "asha.k")]).open(|_| None).await;
    let client = seasoned(&server, "");
    listed(&client).await.unwrap();
    let readings = |server: &Server| {
        let is_row = |r: &Request| r.param("userId").is_some() && r.param("owner").is_none();
        server.requests().iter().filter(|request| is_row(request)).count()
    };
    server.forget();
    write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!(readings(&server), 0, "the list is fresh");
    write(&client, &[change(1, ravi(), asha())]).await;
    assert_eq!(readings(&server), 1, "it was written since");
    let client = seasoned(&server, "freshness_s = 0");
    listed(&client).await.unwrap();
    server.forget();
    write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!(readings(&server), 1, "nothing is fresh");
}

#[tokio::test]
async fn every_setting_of_a_change() {
    for (more, line, body) in [
        ("owner_in = \"query\"", "PUT /v2/leads/1?owner=ravi.m", json!({"extendedFields": {"a": "b"}})),
        ("echo_extended_fields = false", "PUT /v2/leads/1", json!({"owner": "ravi.m"})),
        (
            "assign_method = \"POST\"\nassign_path = \"/v2/leads/{leadId}/assign\"",
            "POST /v2/leads/1/assign",
            json!({"owner": "ravi.m", "extendedFields": {"a": "b"}}),
        ),
        (
            "owner_write_field = \"email\"",
            "PUT /v2/leads/1",
            json!({"owner": "ravi.m@x.example", "extendedFields": {"a": "b"}}),
        ),
    ] {
        let org = Org::with(&[(1, "asha.k")]);
        org.set(1, "extendedFields", json!({"a": "b"}));
        let given = org.clone();
        let server = org
            .open(move |request| {
                if request.path() == "/v1.1/store/staff" {
                    let users: Vec<Value> = STAFF
                        .iter()
                        .map(|(id, code, name, _)| json!({"id": id, "code": code, "firstname": name, "email": format!("{code}@x.example")}))
                        .collect();
                    return Some(Reply::json(
                        json!({"response": {"status": {"success": "true"}, "store": {"staff": {"user": users}}}}),
                    ));
                }
                (request.method != "GET").then(|| {
                    given.give(1, "ravi.m");
                    Reply::json(given.row(1))
                })
            })
            .await;
        let client = seasoned(&server, more);
        let report = write(&client, &[change(1, asha(), ravi())]).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done], "{more}");
        assert_eq!((puts(&server)[0].line().as_str(), puts(&server)[0].json()), (line, body), "{more}");
    }
}

#[tokio::test]
async fn nobody_in_every_mode() {
    for (mode, body) in [("empty_string", json!("")), ("null", Value::Null)] {
        let org = Org::with(&[(1, "asha.k")]);
        let taken = org.clone();
        let server = org
            .open(move |request| {
                (request.method == "PUT").then(|| {
                    taken.give(1, "");
                    Reply::json(taken.row(1))
                })
            })
            .await;
        let client = client(&server, &format!("unassign_mode = \"{mode}\""));
        let report = write(&client, &[change(1, asha(), Assignment::unassigned())]).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done], "{mode}");
        assert_eq!(puts(&server)[0].json(), json!({ "owner": body }));
        // The first time, everybody's list is looked through.
        let asked = |id| server.requests().iter().any(|request| request.param("owner") == Some(id));
        assert!(asked("11") && asked("12") && asked("13"), "{mode}");
    }
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    let server = org.open(|_| None).await;
    let client = seasoned(&server, "unassign_mode = \"placeholder\"\nunassign_placeholder = \"mia.s\"");
    let report = write(&client, &[change(1, asha(), Assignment::unassigned())]).await;
    assert_eq!((report.outcomes, org.owner(1).as_str()), (vec![WriteOutcome::Done], "mia.s"));
    let report = write(&seasoned(&server, ""), &[change(2, asha(), Assignment::unassigned())]).await;
    assert_eq!(told(&report.outcomes[0]).1, "not sent: no call leaves a lead with nobody (unassign_mode)");
    assert_eq!(org.owner(2), "asha.k");
}

#[tokio::test]
async fn a_name_that_is_ignored_is_never_done_and_the_third_in_a_row_stops_it() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k"), (3, "asha.k"), (4, "asha.k")]);
    let row = org.row(1);
    let server = org
        .open(move |request| {
            let mut row = row.clone();
            row["warnings"] = json!([{"code": 9, "message": "no such user"}]);
            (request.method == "PUT").then(|| Reply::json(row).with("X-Cap-Requestid", "req-7"))
        })
        .await;
    let client = seasoned(&server, "");
    let batch: Vec<Change> = (1..=4).map(|id| change(id, asha(), ravi())).collect();
    let report = write(&client, &batch).await;
    let (state, why) = told(&report.outcomes[0]);
    assert_eq!(state, "queued", "{why}");
    assert!(why.starts_with("accepted but not confirmed within 1 s: the list of Ravi does not show it"), "{why}");
    assert!(why.contains("Capillary warned: no such user (code 9)") && why.ends_with("[request req-7]"), "{why}");
    assert_eq!(told(&report.outcomes[2]).0, "queued");
    assert_eq!(told(&report.outcomes[3]).0, "not applied");
    assert!(report.halt.unwrap().remedy.contains("owner_write_field"));
    assert_eq!(puts(&server).len(), 3);
}

#[tokio::test]
async fn a_filter_that_lags_is_waited_for() {
    let org = Org::with(&[(1, "asha.k")]);
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let (stale, late) = (org.row(1), org.clone());
    let server = org
        .open(move |request| {
            let owner = request.param("owner")?;
            if late.owner(1) == "asha.k" || looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 3 {
                return None;
            }
            // As it was before, for a while.
            Some(if owner == "11" { list(std::slice::from_ref(&stale)) } else { list(&[]) })
        })
        .await;
    let report = write(&seasoned(&server, ""), &[change(1, asha(), ravi())]).await;
    assert_eq!(report.outcomes, [WriteOutcome::Done]);
}

#[tokio::test]
async fn what_cannot_be_verified_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("owners.csv");
    std::fs::write(&file, "username,display_name\nnew.one,New One\n").unwrap();
    let org = Org::with(&[(1, "asha.k")]);
    let server = org.open(|_| None).await;
    let client = seasoned(&server, &format!("owner_file = {:?}", file.to_str().unwrap()));
    let to = Assignment::Owner(OwnerRef::with_id("new.one"));
    let report = write(&client, &[change(1, asha(), to)]).await;
    let (state, why) = told(&report.outcomes[0]);
    assert!(state == "unknown" && why.starts_with("sent, not verifiable: New One has no id"), "{state}: {why}");
    assert_eq!(org.owner(1), "new.one");
}

#[tokio::test]
async fn what_the_answer_says_about_a_change() {
    let error = |code: i64| format!(r#"{{"errors":[{{"status":false,"code":{code},"message":"why"}}],"warnings":[]}}"#);
    for (status, body, state, halts) in [
        (400, error(1), "failed", false),
        (201, error(1), "failed", false),
        (200, error(1), "failed", false),
        (200, r#"{"errors":["just text"]}"#.to_owned(), "failed", false),
        (401, String::new(), "failed", true),
        (403, error(403), "failed", true),
        (200, error(401), "failed", true),
        (200, error(403), "failed", true),
        (404, error(404), "failed", true),
        (405, String::new(), "failed", true),
        (415, String::new(), "failed", true),
        (302, String::new(), "late", true),
        (461, String::new(), "late", false),
        (500, error(500), "late", false),
        (200, error(500), "late", false),
        (503, String::new(), "late", false),
        (521, error(521), "not applied", false),
        (200, error(521), "not applied", false),
        (429, String::new(), "not applied", false),
        (200, error(429), "not applied", false),
        // Taken, but it does not show.
        (201, r#"{"id":1,"errors":[]}"#.to_owned(), "queued", false),
        (200, "<html>".to_owned(), "queued", false),
        (204, String::new(), "queued", false),
    ] {
        let org = Org::with(&[(1, "asha.k")]);
        let reply = body.clone();
        let server = org.open(move |request| (request.method == "PUT").then(|| Reply::text(status, &reply))).await;
        let report = write(&seasoned(&server, ""), &[change(1, asha(), ravi())]).await;
        let (told, why) = told(&report.outcomes[0]);
        assert_eq!((told, report.halt.is_some()), (state, halts), "{status} {body}: {why}");
        assert_eq!(puts(&server).len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn a_success_with_errors_is_judged_by_the_lists() {
    for (status, applied) in [(201, true), (200, true), (201, false)] {
        let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
        let inner = org.clone();
        let server = org
            .open(move |request| {
                (request.method == "PUT").then(|| {
                    if applied {
                        inner.answer(request);
                    }
                    Reply::text(status, r#"{"errors":[{"code":7001,"message":"a field is not known"}]}"#)
                })
            })
            .await;
        // Also for the first change of a session, which is compared.
        for client in [seasoned(&server, ""), client(&server, "")] {
            org.give(1, "asha.k");
            server.forget();
            let report = write(&client, &[change(1, asha(), ravi())]).await;
            let (state, why) = told(&report.outcomes[0]);
            assert_eq!((state, org.owner(1) == "ravi.m"), (if applied { "done" } else { "failed" }, applied), "{why}");
            assert!(why.contains("a field is not known (code 7001)"), "{why}");
            assert_eq!(puts(&server).len(), 1);
        }
    }
}

#[tokio::test]
async fn what_waits_for_the_first_change_does_not_leave_after_a_refusal() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k"), (3, "asha.k")]);
    let server = org.open(|request| (request.method == "PUT").then(|| Reply::status(403))).await;
    let client = Arc::new(client(&server, ""));
    let mut tasks = tokio::task::JoinSet::new();
    for id in 1..=3 {
        let client = client.clone();
        tasks.spawn(async move { write(&client, &[change(id, asha(), ravi())]).await });
    }
    let mut states: Vec<_> = tasks.join_all().await.iter().map(|report| told(&report.outcomes[0]).0).collect();
    states.sort_unstable();
    assert_eq!((states, puts(&server).len()), (vec!["failed", "not applied", "not applied"], 1));
}

#[tokio::test]
async fn lost_answers_are_not_sent_again() {
    let lost: [fn() -> Reply; 3] =
        [|| Reply::Cut, || Reply::Half { status: 200, body: b"{".to_vec() }, || Reply::Silence];
    for reply in lost {
        let org = Org::with(&[(1, "asha.k")]);
        let server = org.open(move |request| (request.method == "PUT").then(reply)).await;
        let report = write(&seasoned(&server, "timeout_s = 1"), &[change(1, asha(), ravi())]).await;
        assert_eq!(told(&report.outcomes[0]).0, "late");
        assert_eq!(puts(&server).len(), 1);
    }
}

#[tokio::test]
async fn five_failures_in_a_row_stop_it() {
    let leads: Vec<(u64, &str)> = (1..=7).map(|id| (id, "asha.k")).collect();
    let org = Org::with(&leads);
    let server =
        org.open(|request| (request.method == "PUT").then(|| Reply::text(400, r#"{"errors":[{"code":7}]}"#))).await;
    let client = seasoned(&server, "");
    let batch: Vec<Change> = (1..=7).map(|id| change(id, asha(), ravi())).collect();
    let report = write(&client, &batch).await;
    let states: Vec<_> = report.outcomes.iter().map(|outcome| told(outcome).0).collect();
    assert_eq!(states, ["failed", "failed", "failed", "failed", "failed", "not applied", "not applied"]);
    assert!(report.halt.unwrap().message.contains("5 changes in a row"));
    // What is not sent does not count.
    let stranger = Assignment::Owner(OwnerRef::new("99", "Nobody"));
    let batch: Vec<Change> = (1..=7).map(|id| change(id, asha(), stranger.clone())).collect();
    let report = write(&client, &batch).await;
    assert!(report.halt.is_none());
    assert_eq!(told(&report.outcomes[6]).1, "not sent: Nobody (99) is not among the staff");
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_before_it_is_sent() {
    let org = Org::with(&[(1, "asha.k")]);
    let server = org.open(|_| None).await;
    let client = seasoned(&server, "");
    let batch = [
        change(1, asha(), Assignment::Unknown),
        change(1, asha(), Assignment::agents(["11"])),
        change(1, asha(), Assignment::Owner(OwnerRef::named("Ravi"))),
        change(9, asha(), ravi()),
        Change { target: TargetId::new(""), ..change(1, asha(), ravi()) },
    ];
    let report = write(&client, &batch).await;
    for outcome in &report.outcomes {
        let (state, why) = told(outcome);
        assert!(state == "failed" && why.starts_with("not sent: "), "{state}: {why}");
    }
    assert_eq!(puts(&server), []);
}

#[tokio::test]
async fn leads_of_one_customer_are_changed_one_after_the_other() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    org.set(2, "userId", json!(7_001));
    let server = org.open(|_| None).await;
    let client = seasoned(&server, "");
    listed(&client).await.unwrap();
    server.forget();
    let second = Change { scope: "7001".into(), ..change(2, asha(), ravi()) };
    let (first, second) = ([change(1, asha(), ravi())], [second]);
    tokio::join!(write(&client, &first), write(&client, &second));
    let lines: Vec<_> = server.requests().iter().map(|r| r.method.clone()).collect();
    let sent: Vec<_> = lines.iter().enumerate().filter(|(_, method)| *method == "PUT").map(|(at, _)| at).collect();
    assert!(sent[1] - sent[0] > 2, "the first was confirmed before the second was sent: {lines:?}");
}

#[tokio::test]
async fn the_first_change_is_compared_and_what_it_destroyed_put_back() {
    let replacing = |loses: &'static [&'static str]| {
        let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
        org.set(1, "extendedFields", json!({"trial": "Done", "size": "9"}));
        let changed = org.clone();
        let answer = move |request: &Request| {
            if request.method != "PUT" {
                return None;
            }
            let body = request.json();
            changed.set(1, "extendedFields", body.get("extendedFields").cloned().unwrap_or(json!({})));
            for key in loses {
                changed.set(1, key, Value::Null);
            }
            changed.give(1, body["owner"].as_str().unwrap());
            Some(Reply::json(changed.row(1)))
        };
        (org, answer)
    };
    // Nothing is lost where extended fields are sent along.
    let (org, answer) = replacing(&[]);
    let server = org.open(answer).await;
    let client = client(&server, "");
    let report = write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!((report.outcomes, report.halt), (vec![WriteOutcome::Done], None));
    assert_eq!(org.row(1)["extendedFields"], json!({"trial": "Done", "size": "9"}));

    // Where they are not, they are put back and nothing more is sent.
    let (org, answer) = replacing(&[]);
    let server = org.open(answer).await;
    let client = super::client(&server, "echo_extended_fields = false");
    let batch = [change(1, asha(), ravi()), change(2, asha(), ravi())];
    let report = write(&client, &batch).await;
    assert_eq!(report.outcomes[0], WriteOutcome::Done, "the owner is the new one");
    let halt = report.halt.unwrap();
    assert!(halt.message.contains("lost extendedFields.trial, extendedFields.size"), "{halt}");
    assert!(halt.message.contains("they were put back") && halt.remedy.contains("echo_extended_fields = true"));
    assert_eq!(org.row(1)["extendedFields"], json!({"trial": "Done", "size": "9"}));
    assert_eq!(org.owner(2), "asha.k");
    let again = write(&client, &batch[1..]).await;
    assert!(again.halt.is_some() && org.owner(2) == "asha.k", "nor later");

    // What cannot be put back is told.
    let (org, answer) = replacing(&["leadFor"]);
    let report = write(&super::client(&org.open(answer).await, ""), &batch).await;
    let halt = report.halt.unwrap();
    assert!(halt.message.contains("lost leadFor") && halt.message.contains("could not be put back"), "{halt}");
}

#[tokio::test]
async fn a_field_that_the_first_lead_did_not_have_is_compared_at_the_first_that_has_it() {
    for (settings, key, value) in [
        ("", "nextFollowUp", json!("2026-12-01T00:00:00Z")),
        ("echo_extended_fields = false", "extendedFields", json!({"size": "9"})),
    ] {
        let org = Org::with(&[(1, "asha.k"), (2, "asha.k"), (3, "asha.k"), (4, "asha.k")]);
        org.set(1, key, Value::Null);
        org.set(2, key, Value::Null);
        [3, 4].iter().for_each(|id| org.set(*id, key, value.clone()));
        let replacing = org.clone();
        let server = org
            .open(move |request| {
                let id = request.path().strip_prefix("/v2/leads/").and_then(|id| id.parse().ok())?;
                let reply = replacing.answer(request);
                if request.json().get(key).is_none() {
                    replacing.set(id, key, Value::Null);
                }
                Some(reply)
            })
            .await;
        let client = client(&server, settings);
        listed(&client).await.unwrap();
        let batch: Vec<Change> = (1..=4).map(|id| change(id, asha(), ravi())).collect();
        let report = write(&client, &batch).await;
        let halt = report.halt.unwrap();
        assert!(halt.message.contains(&format!("lead 3 lost {key}")), "{halt}");
        let owners = [1, 2, 3, 4].map(|id| org.owner(id));
        assert_eq!(
            (owners, org.row(4)[key].clone()),
            (["ravi.m", "ravi.m", "ravi.m", "asha.k"].map(str::to_owned), value)
        );
    }
}

#[tokio::test]
async fn somebody_elses_change_in_the_same_moment_stops_it_once() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    let changed = org.clone();
    let server = org
        .open(move |request| {
            if request.method == "PUT" && request.path() == "/v2/leads/1" {
                changed.set(1, "status", json!("ON_HOLD"));
            }
            None
        })
        .await;
    let client = client(&server, "");
    let report = write(&client, &[change(1, asha(), ravi())]).await;
    assert!(report.halt.unwrap().message.contains("changed other fields of lead 1 than its owner (status)"));
    let report = write(&client, &[change(2, asha(), ravi())]).await;
    assert_eq!((report.outcomes, report.halt), (vec![WriteOutcome::Done], None));
}
