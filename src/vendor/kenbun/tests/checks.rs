use super::*;

/// A healthy account, for the calls that a test is not about.
fn healthy(request: &Request) -> Option<Reply> {
    let unit = |id: &str| json!({"unit_id": id, "org_id": "o", "name": format!("Unit {id}"), "is_default": false});
    let lead = |id: &str, owner: Value| json!({"lead_id": id, "owner_name": owner});
    match request.path() {
        "/org-units" => {
            let now = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&jiff::Timestamp::now());
            Some(Reply::json(json!([unit("u1"), unit("u2")])).with("Date", now.unwrap()))
        }
        "/leads" => {
            let page: usize = request.param("page")?.parse().unwrap();
            let rows = [lead("a", json!("Jane Smith")), lead("b", Value::Null)];
            Some(Reply::json(json!({"leads": [rows[page - 1]], "total": 2, "page": page, "limit": 1})))
        }
        "/members" => Some(Reply::json(json!([
            {"user_id": "user_jane", "first_name": "Jane", "last_name": "Smith", "email": "j@x.example", "role": "editor"}
        ]))),
        "/lead/a" => Some(Reply::json(json!({
            "lead_id": "a", "owner_name": "Jane Smith", "metadata": {"first_name": "Ann"}
        }))),
        _ => None,
    }
}

async fn check(
    special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    settings: &str,
) -> (Vec<Check>, Server) {
    let server = server(move |request| special(request).or_else(|| healthy(request))).await;
    let checks = client(&server, settings).check().await;
    assert!(checks.iter().all(|check| check.detail.ends_with('.') && !check.detail.contains("..")), "{checks:#?}");
    assert!(!format!("{checks:?}").contains("kbn_pat_hush"));
    (checks, server)
}

fn bad(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().filter(|check| !check.ok).map(|check| (check.name.as_str(), check.detail.as_str())).collect()
}

#[tokio::test]
async fn a_healthy_account_is_only_read() {
    let (checks, server) = check(|_| None, "").await;
    assert_eq!(bad(&checks), []);
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "reachable",
            "clock",
            "credentials",
            "organizational unit",
            "list of leads",
            "paging",
            "owners",
            "owner names",
            "lead detail"
        ]
    );
    assert!(checks[3].detail.contains("u1 (Unit u1), u2 (Unit u2)"), "{}", checks[3].detail);
    assert!(server.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", server.lines());
    let (checks, server) = check(|_| None, "org_unit = \"u2\"").await;
    assert_eq!(bad(&checks), []);
    let others: Vec<_> = server.lines().into_iter().filter(|line| !line.starts_with("GET ")).collect();
    assert_eq!(others, ["POST /org-units/active"]);
}

#[tokio::test]
async fn wrong_settings_are_told_in_a_sentence() {
    let (checks, _) = check(|_| Some(Reply::status(401)), "").await;
    assert!(bad(&checks)[0].1.contains("auth = \"bearer\""), "{checks:#?}");
    assert_eq!(checks.len(), 3);

    let (checks, server) =
        check(|request| (request.path() == "/org-units/active").then(|| Reply::status(404)), "org_unit = \"u9\"").await;
    let (name, detail) = bad(&checks)[0];
    assert_eq!(name, "organizational unit");
    assert!(detail.contains("u9 could not be set") && detail.contains("u1 (Unit u1)"), "{detail}");
    assert!(!server.lines().iter().any(|line| line.contains("/leads")), "no lead is read in another unit");

    let (checks, _) = check(|request| (request.path() == "/leads").then(|| Reply::text(400, "No active OU")), "").await;
    assert!(bad(&checks)[0].1.contains("org_unit"), "{checks:#?}");

    let limit = |request: &Request| {
        let limit: usize = request.param("limit")?.parse().unwrap();
        (limit > 25).then(|| Reply::text(400, "limit too large"))
    };
    let (checks, _) = check(limit, "").await;
    assert_eq!(bad(&checks)[0].0, "list of leads");
    assert!(bad(&checks)[0].1.contains("Set page_size = 25."), "{checks:#?}");

    let stuck = |request: &Request| {
        let page: usize = request.param("page")?.parse().unwrap();
        let rows = json!([{"lead_id": "a", "owner_name": null}]);
        Some(Reply::json(json!({"leads": rows, "total": 2, "page": page, "limit": 1})))
    };
    let (checks, _) = check(stuck, "").await;
    assert_eq!(bad(&checks)[0], ("paging", "The second page repeats the first: this server does not turn its pages."));

    let (checks, _) = check(|_| None, "owner_id_field = \"uid\"").await;
    assert!(bad(&checks)[0].1.contains("None of 1 members has uid"), "{checks:#?}");

    let (checks, _) = check(|request| (request.path() == "/members").then(|| Reply::status(403)), "").await;
    assert!(bad(&checks)[0].1.contains("list the people in the setting owners"), "{checks:#?}");

    let others = |request: &Request| {
        let entry = json!([{"org_member_id": "mem_1", "first_name": "Smith", "last_name": "Jane"}]);
        (request.path() == "/members").then(|| Reply::json(entry))
    };
    let (checks, _) = check(others, "").await;
    assert_eq!(bad(&checks)[0].0, "owner names");
    assert!(bad(&checks)[0].1.contains("“Jane Smith”"), "{checks:#?}");
    assert!(checks.iter().any(|check| check.ok && check.detail.contains("org_member_id")), "{checks:#?}");

    let ids = |request: &Request| {
        let rows = json!([{"lead_id": "a", "owner_id": "mem_7", "owner_name": "Jane Smith"}]);
        (request.path() == "/leads").then(|| Reply::json(json!({"leads": rows, "total": 1, "page": 1, "limit": 100})))
    };
    let (checks, _) = check(ids, "").await;
    assert!(bad(&checks)[0].1.contains("mem_7") && bad(&checks)[0].1.contains("owner_id_field"), "{checks:#?}");

    let clock = |request: &Request| {
        let past = Reply::json(json!([])).with("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        (request.path() == "/org-units").then_some(past)
    };
    let (checks, _) = check(clock, "").await;
    assert_eq!(bad(&checks)[0].0, "clock");
    assert!(bad(&checks)[0].1.contains("days ahead of the server's"), "{checks:#?}");
}

#[tokio::test]
async fn a_server_that_is_not_kenbun_is_told_and_harms_nothing() {
    for reply in [
        || Reply::text(200, "<html><title>Welcome</title></html>"),
        || Reply::text(200, ""),
        || Reply::json(json!({"hello": [1, {"x": null}]})),
        || Reply::json(json!([{}, null, 3])),
        || Reply::status(500),
        || Reply::status(301),
        || Reply::Cut,
    ] {
        let (checks, _) = check(move |_| Some(reply()), "org_unit = \"u1\"\nretries = 0").await;
        assert!(!bad(&checks).is_empty(), "{checks:#?}");
    }
}
