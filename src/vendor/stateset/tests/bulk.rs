use super::*;

/// A shop that takes both kinds of bulk call; leads that begin with `no` are refused.
async fn open(shop: &Shop) -> Server {
    let inside = shop.clone();
    shop.open(move |request| {
        let is_sdk = request.line() == "PUT /v1/leads/bulk";
        if !is_sdk && request.line() != "POST /v1/leads/bulk-update" {
            return None;
        }
        let body = request.json();
        let updates = body["updates"].as_array().unwrap();
        assert!(updates.len() <= 100);
        let (mut updated, mut errors) = (Vec::new(), Vec::new());
        for update in updates {
            let id = update["id"].as_str().unwrap();
            if id.starts_with("no") {
                errors.push(json!({"lead_id": id, "error": "it is locked"}));
                continue;
            }
            let mut fields = if is_sdk { update["data"].clone() } else { update.clone() };
            fields.as_object_mut().unwrap().remove("id");
            inside.put(id, fields.as_object().unwrap());
            updated.push(json!({ "id": id }));
        }
        if is_sdk {
            return Some(Reply::status(204));
        }
        assert_eq!(body["validate_only"], json!(false));
        Some(Reply::json(json!({"updated": updated, "errors": errors, "summary": {"total": updates.len()}})))
    })
    .await
}

fn shop(leads: usize) -> (Shop, Vec<Change>) {
    let ids: Vec<String> = (0..leads).map(|n| format!("l{n:03}")).collect();
    let leads: Vec<(&str, Value)> = ids.iter().map(|id| (id.as_str(), Value::Null)).collect();
    (Shop::with(&leads), ids.iter().map(|id| to_jane(id)).collect())
}

#[tokio::test]
async fn both_conventions_change_and_are_read_back() {
    for (mode, line) in [("bulk_update", "POST /v1/leads/bulk-update"), ("sdk_bulk", "PUT /v1/leads/bulk")] {
        let (shop, changes) = shop(130);
        let server = open(&shop).await;
        let client = client(&server, &format!("{JANE}bulk_mode = \"{mode}\""));
        let report = write(&client, &changes).await;
        assert!(states(&report).iter().all(|state| *state == "done"), "{report:?}");
        assert!((0..130).all(|n| shop.owner(&format!("l{n:03}")) == "Jane Smith"));
        let sent = writes(&server);
        let sizes: Vec<_> = sent.iter().map(|request| request.json()["updates"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [1, 100, 29], "the first goes alone");
        assert!(sent.iter().all(|request| request.line() == line));
        assert!(sent.iter().all(|request| request.headers.contains_key("idempotency-key")));
        let first = match mode {
            "sdk_bulk" => json!({"updates": [{"id": "l000", "data": {"owner": "Jane Smith"}}]}),
            _ => json!({"updates": [{"id": "l000", "owner": "Jane Smith"}], "validate_only": false}),
        };
        assert_eq!(sent[0].json(), first);
        // One change needs no bulk call.
        server.forget();
        let report = write(&client, &[change("l001", jane(), Assignment::unassigned())]).await;
        assert_eq!(states(&report), ["done"]);
        assert_eq!(writes(&server)[0].line(), "PUT /v1/leads/l001");
    }
}

#[tokio::test]
async fn what_a_bulk_call_left_out_is_told_with_its_reason() {
    let shop = Shop::with(&[("a", Value::Null), ("no1", Value::Null), ("b", Value::Null)]);
    let server = open(&shop).await;
    let client = seasoned(&server, "bulk_mode = \"bulk_update\"");
    let report = write(&client, &[to_jane("a"), to_jane("no1"), to_jane("no2"), to_jane("b")]).await;
    assert_eq!(states(&report), ["done", "failed", "failed", "done"]);
    assert_eq!(words(&report.outcomes[1]).1, "StateSet refused it: it is locked");
    // Without a word about single leads, the reading tells.
    let client = seasoned(&server, "bulk_mode = \"sdk_bulk\"");
    let nobody = change("a", jane(), Assignment::unassigned());
    let report = write(&client, &[nobody, to_jane("no1"), to_jane("no2")]).await;
    assert_eq!(states(&report), ["done", "failed", "failed"]);
    assert!(words(&report.outcomes[1]).1.starts_with("accepted but not applied"), "{report:?}");
    assert!(words(&report.outcomes[2]).1.contains("has no lead no2"), "{report:?}");
}

#[tokio::test]
async fn a_lead_that_is_named_twice_goes_in_two_calls() {
    let shop = Shop::with(&[("a", Value::Null), ("b", Value::Null)]);
    let server = open(&shop).await;
    let client = seasoned(&server, "bulk_mode = \"bulk_update\"");
    let report = write(&client, &[to_jane("a"), to_jane("b"), change("a", jane(), named("Second"))]).await;
    assert_eq!(states(&report), ["done", "done", "done"]);
    assert_eq!((shop.owner("a"), writes(&server).len()), (json!("Second"), 2));
}

#[tokio::test]
async fn a_server_without_a_bulk_call_is_told_apart_from_a_missing_lead() {
    for mode in ["bulk_update", "sdk_bulk"] {
        let server = Shop::with(&[("a", Value::Null), ("b", Value::Null)]).open(|_| None).await;
        let client = seasoned(&server, &format!("bulk_mode = \"{mode}\""));
        let report = write(&client, &[to_jane("a"), to_jane("b")]).await;
        assert_eq!(states(&report), ["failed", "failed"]);
        let halt = report.halt.unwrap();
        assert!(halt.kind == ErrorKind::Setting && halt.remedy.contains("bulk_mode = \"none\""), "{halt:?}");
        assert_eq!(server.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_bulk_call_that_destroys_is_caught_at_one_lead() {
    let (shop, changes) = shop(20);
    let inside = shop.clone();
    let server = shop
        .open(move |request| {
            if request.line() != "PUT /v1/leads/bulk" {
                return None;
            }
            for update in request.json()["updates"].as_array().unwrap() {
                let id = update["id"].as_str().unwrap();
                let lead = json!({"id": id, "owner": update["data"]["owner"]});
                inside.leads.lock().unwrap().insert(id.to_owned(), lead);
            }
            Some(Reply::status(200))
        })
        .await;
    let report = write(&client(&server, &format!("{JANE}bulk_mode = \"sdk_bulk\"")), &changes).await;
    assert_eq!(states(&report)[..2], ["done", "not applied"]);
    assert!(report.halt.is_some());
    assert_eq!(shop.lead("l000")["phone"], "123", "put back");
    assert!((1..20).map(|n| format!("l{n:03}")).all(|id| shop.lead(&id) == lead(&id, Value::Null)));
}

#[tokio::test]
async fn a_lost_bulk_answer_leaves_everything_open() {
    let server = Server::start(|_, _| Reply::Cut).await;
    let report = write(&seasoned(&server, "bulk_mode = \"bulk_update\""), &[to_jane("a"), to_jane("b")]).await;
    assert_eq!((states(&report), server.lines().len()), (vec!["late", "late"], 1));
}
