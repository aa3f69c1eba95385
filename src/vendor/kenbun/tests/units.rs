use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;

/// The requests so far, the choice of a unit written as `=unit`.
fn order(server: &Server) -> Vec<String> {
    let name = |request: &Request| match request.path() {
        "/org-units/active" => format!("={}", request.json()["ouId"].as_str().unwrap()),
        "/leads/bulk-assign-owner" => format!("bulk {}", request.json()["lead_ids"][0].as_str().unwrap()),
        path => path.to_owned(),
    };
    server.requests().iter().map(name).collect()
}

/// One lead, `a`.
fn one_lead(request: &Request) -> Option<Reply> {
    let lead = json!({"lead_id": "a", "owner_name": "Jane"});
    match request.path() {
        "/leads" => Some(Reply::json(json!({"leads": [lead], "total": 1, "page": 1, "limit": 100}))),
        "/lead/a" => Some(Reply::json(lead)),
        _ => None,
    }
}

fn session(unit: Option<&str>, undo: bool) -> Session {
    Session { context: unit.map_or(Value::Null, |unit| json!({"ouId": unit})), undo, ..Session::default() }
}

#[tokio::test]
async fn without_a_setting_the_unit_is_left_alone() {
    let server = server(one_lead).await;
    let client = client(&server, "");
    list(&client).await.unwrap();
    client.write(&changes(["a", "b"]), &session(None, false)).await;
    client.write(&changes(["a"]), &session(None, true)).await;
    client.observe(&[target("a")], &session(None, true)).await;
    assert_eq!(order(&server), ["/leads", "bulk a", "/leads/a/owner", "/lead/a"]);
}

#[tokio::test]
async fn the_unit_is_set_before_the_first_call_and_every_bulk_call() {
    let server = server(one_lead).await;
    let client = client(&server, "org_unit = \"unit_1\"\nbulk_size = 2");
    list(&client).await.unwrap();
    list(&client).await.unwrap();
    let report = client.write(&changes(["a", "b", "c", "d"]), &session(None, false)).await;
    assert_eq!(report.requests, 4);
    assert_eq!(order(&server), ["=unit_1", "/leads", "=unit_1", "/leads", "=unit_1", "bulk a", "=unit_1", "bulk c"]);
    assert_eq!(server.requests()[0].body, r#"{"ouId":"unit_1"}"#);
    server.forget();

    let _ = client.people().await;
    client.detail(&LeadId::new("a")).await.unwrap();
    assert_eq!(order(&server), ["/members", "/lead/a"]);
    server.forget();
    // What is not found may be in our unit all the same, if somebody chose another one meanwhile.
    let error = client.detail(&LeadId::new("gone")).await.unwrap_err();
    assert_eq!(error.kind, crate::vendor::ErrorKind::NotFound);
    assert_eq!(order(&server), ["/lead/gone", "=unit_1", "/lead/gone"]);
}

#[tokio::test]
async fn even_members_are_not_asked_for_before_the_unit_is_set() {
    let server = server(|_| None).await;
    let _ = client(&server, "org_unit = \"unit_1\"").people().await;
    assert_eq!(order(&server), ["=unit_1", "/members"]);
}

#[tokio::test]
async fn single_changes_set_it_before_the_first_and_undo_on_its_own() {
    let server = server(one_lead).await;
    let client = client(&server, "org_unit = \"unit_1\"");
    list(&client).await.unwrap();
    client.write(&changes(["a"]), &session(None, false)).await;
    client.write(&changes(["b"]), &session(None, false)).await;
    let own = session(Some("unit_1"), true);
    client.observe(&[target("a")], &own).await;
    client.write(&changes(["a"]), &own).await;
    client.write(&changes(["b"]), &session(None, false)).await;
    assert_eq!(
        order(&server),
        [
            "=unit_1",
            "/leads",
            "=unit_1",
            "/leads/a/owner",
            "/leads/b/owner",
            "=unit_1",
            "/lead/a",
            "/leads/a/owner",
            "/leads/b/owner"
        ]
    );
}

#[tokio::test]
async fn an_undo_goes_to_the_unit_of_its_operation() {
    let server = server(one_lead).await;
    let client = client(&server, "org_unit = \"unit_1\"");
    client.write(&changes(["a", "b"]), &session(Some("unit_old"), true)).await;
    list(&client).await.unwrap();
    client.write(&changes(["a"]), &session(Some("unit_old"), true)).await;
    assert_eq!(order(&server), ["=unit_old", "bulk a", "=unit_1", "/leads", "=unit_old", "/leads/a/owner"]);
}

#[tokio::test]
async fn nothing_is_sent_when_the_unit_cannot_be_set() {
    for (status, state, halts) in [
        (400, "failed", true),
        (401, "failed", true),
        (403, "failed", true),
        (404, "failed", true),
        (500, "later", false),
    ] {
        let server = server(move |request| {
            (request.path() == "/org-units/active").then(|| Reply::text(status, r#"{"error":"unknown unit"}"#))
        })
        .await;
        let client = client(&server, "org_unit = \"unit_x\"\nretries = 1");
        for batch in [changes(["a"]).to_vec(), changes(["a", "b"]).to_vec()] {
            let report = client.write(&batch, &session(None, false)).await;
            for outcome in &report.outcomes {
                let found = match outcome {
                    WriteOutcome::Failed(why) => {
                        assert!(why.contains("unit_x could not be set, so nothing was sent"), "{why}");
                        "failed"
                    }
                    WriteOutcome::NotApplied { .. } => "later",
                    _ => "?",
                };
                assert_eq!(found, state, "{status}");
            }
            assert_eq!(report.halt.is_some(), halts, "{status}");
        }
        assert!(list(&client).await.is_err());
        assert!(client.observe(&[target("a")], &session(None, false)).await[0].now.is_err());
        assert!(order(&server).iter().all(|line| line == "=unit_x"), "{:?}", order(&server));
    }
}

/// Changes for two units at once: no change may leave while the other unit is the active one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_two_units_never_mix() {
    let active = Arc::new(Mutex::new(String::new()));
    let mixed = Arc::new(AtomicBool::new(false));
    let server = {
        let (active, mixed) = (active.clone(), mixed.clone());
        server(move |request| {
            let mut active = active.lock().unwrap();
            if request.path() == "/org-units/active" {
                *active = request.json()["ouId"].as_str().unwrap().to_owned();
            } else {
                let id = match request.path() {
                    "/leads/bulk-assign-owner" => request.json()["lead_ids"][0].as_str().unwrap().to_owned(),
                    path => path.split('/').nth(2).unwrap().to_owned(),
                };
                if !id.starts_with(active.as_str()) {
                    mixed.store(true, Ordering::SeqCst);
                }
            }
            None
        })
        .await
    };
    let client = Arc::new(client(&server, "org_unit = \"A\""));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..60 {
        let client = client.clone();
        let unit = if n % 3 == 0 { "B" } else { "A" };
        tasks.spawn(async move {
            let ids: Vec<_> = (0..1 + n % 2).map(|k| change(&format!("{unit}{n}-{k}"), jane())).collect();
            client.write(&ids, &session(Some(unit), n % 5 == 0)).await
        });
    }
    while let Some(report) = tasks.join_next().await {
        assert!(report.unwrap().outcomes.iter().all(|outcome| *outcome == WriteOutcome::Done));
    }
    assert!(!mixed.load(Ordering::SeqCst), "{:?}", order(&server));
}

/// Two profiles with the same credentials and a unit each, at work at the same time: neither sees nor changes what is
/// the other's, and nothing comes between the choice of a unit and the bulk change it was made for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn profiles_of_one_server_keep_their_units_apart() {
    const PAGES: usize = 6;
    let active = Arc::new(Mutex::new(String::new()));
    let strayed = Arc::new(AtomicBool::new(false));
    let server = {
        let (active, strayed) = (active.clone(), strayed.clone());
        server(move |request| {
            let mut active = active.lock().unwrap();
            match request.path() {
                "/org-units/active" => *active = request.json()["ouId"].as_str().unwrap().to_owned(),
                "/leads" => {
                    let page: usize = request.param("page").unwrap().parse().unwrap();
                    let lead = json!({"lead_id": format!("{active}{page}")});
                    return Some(Reply::json(json!({"leads": [lead], "total": PAGES, "page": page, "limit": 1})));
                }
                _ => {
                    let first = request.json()["lead_ids"][0].as_str().unwrap().to_owned();
                    strayed.fetch_or(!first.starts_with(active.as_str()), Ordering::SeqCst);
                }
            }
            None
        })
        .await
    };
    let mut tasks = tokio::task::JoinSet::new();
    for unit in ["A", "B"] {
        let client = Arc::new(client(&server, &format!("org_unit = \"{unit}\"\npage_size = 1\nbulk_size = 2")));
        for n in 0..4 {
            let client = client.clone();
            tasks.spawn(async move {
                let listed = list(&client).await.unwrap();
                let mine: Vec<_> = (1..=PAGES).map(|page| format!("{unit}{page}")).collect();
                assert_eq!(listed.ids(), mine);
                let ids: Vec<_> = (0..4).map(|k| change(&format!("{unit}{n}-{k}"), jane())).collect();
                client.write(&ids, &session(None, false)).await
            });
        }
    }
    while let Some(report) = tasks.join_next().await {
        assert!(report.unwrap().outcomes.iter().all(|outcome| *outcome == WriteOutcome::Done));
    }
    let order = order(&server);
    assert!(!strayed.load(Ordering::SeqCst), "{order:?}");
    let bulks: Vec<usize> = (0..order.len()).filter(|at| order[*at].starts_with("bulk")).collect();
    assert_eq!(bulks.len(), 16);
    assert!(bulks.iter().all(|at| order[at - 1].starts_with('=')), "{order:?}");
}

/// A reading that is dropped while it chooses its unit must not let another unit's change go out before its choice has
/// arrived.
#[tokio::test]
async fn a_dropped_reading_keeps_its_place_until_its_choice_has_arrived() {
    let told = Arc::new(Notify::new());
    let held = Arc::new(AtomicUsize::new(0));
    let server = {
        let (told, held) = (told.clone(), held.clone());
        server(move |request| {
            let first = request.path() == "/org-units/active" && held.fetch_add(1, Ordering::SeqCst) == 0;
            first.then(|| Reply::Later(told.clone(), Box::new(usual(request))))
        })
        .await
    };
    let client = Arc::new(client(&server, "org_unit = \"A\""));
    let reading = tokio::spawn({
        let client = client.clone();
        async move { client.detail(&LeadId::new("A1")).await }
    });
    while server.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    let writing = tokio::spawn({
        let client = client.clone();
        async move { client.write(&changes(["B1"]), &session(Some("B"), true)).await }
    });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert_eq!(order(&server), ["=A"]);
    told.notify_one();
    assert_eq!(writing.await.unwrap().outcomes, [WriteOutcome::Done]);
    assert_eq!(order(&server), ["=A", "=B", "/leads/B1/owner"]);
}

/// A server whose unit is taken away by a colleague after every few requests.
#[tokio::test]
async fn a_colleague_who_chooses_another_unit_is_noticed() {
    let taken = Arc::new(AtomicUsize::new(0));
    let asked = Arc::new(AtomicUsize::new(0));
    let server = {
        let (taken, asked) = (taken.clone(), asked.clone());
        server(move |request| {
            if request.path() == "/org-units/active" {
                taken.store(0, Ordering::SeqCst);
                return None;
            }
            let elsewhere = taken.load(Ordering::SeqCst) == 1;
            if asked.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
                taken.store(1, Ordering::SeqCst);
            }
            if elsewhere && request.path() != "/leads" {
                return Some(Reply::status(404));
            }
            match request.path() {
                "/leads" => {
                    let page: usize = request.param("page")?.parse().unwrap();
                    let (unit, total) = if elsewhere { ("theirs", 7) } else { ("ours", 10) };
                    let rows = [json!({"lead_id": format!("{unit}{page}"), "owner_name": "Jane"})];
                    Some(Reply::json(json!({"leads": rows, "total": total, "page": page, "limit": 1})))
                }
                path if path.starts_with("/lead/") => {
                    Some(Reply::json(json!({"lead_id": &path[6..], "owner_name": "Jane"})))
                }
                _ => None,
            }
        })
        .await
    };
    let client = client(&server, "org_unit = \"unit_1\"\npage_size = 1");
    let kept = list(&client).await.unwrap();
    assert_eq!(kept.leads.len(), 10);
    assert!(kept.ids().iter().all(|id| id.starts_with("ours")), "{:?}", kept.ids());
    for n in 0..8 {
        let id = format!("ours{n}");
        assert!(client.detail(&LeadId::new(&id)).await.is_ok());
        assert!(client.observe(&[target(&id)], &session(None, false)).await[0].now.is_ok());
        let report = client.write(&[change(&id, jane())], &session(None, false)).await;
        assert_eq!(report.outcomes, [WriteOutcome::Done]);
    }
}

#[tokio::test]
async fn a_choice_is_made_once_whatever_its_answer_says() {
    let server = server(|request| {
        (request.path() == "/org-units/active").then(|| Reply::text(201, "chosen")).or(one_lead(request))
    })
    .await;
    let client = client(&server, "org_unit = \"unit_1\"");
    let report = client.write(&changes(["a", "b"]), &session(None, false)).await;
    assert_eq!(report.outcomes, vec![crate::vendor::WriteOutcome::Done; 2]);
    assert_eq!(order(&server), ["=unit_1", "bulk a"]);
}
