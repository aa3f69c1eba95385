use super::*;

async fn check(
    special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    settings: &str,
) -> (Vec<Check>, Server) {
    let server = server(special).await;
    let checks = client(&server, settings).check().await;
    assert!(checks.iter().all(|check| check.detail.ends_with('.') && !check.detail.contains("..")), "{checks:#?}");
    assert!(!format!("{checks:?}").contains("key_hush"));
    (checks, server)
}

fn bad(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().filter(|check| !check.ok).map(|check| (check.name.as_str(), check.detail.as_str())).collect()
}

fn detail<'a>(checks: &'a [Check], name: &str) -> &'a str {
    &checks.iter().find(|check| check.name == name).unwrap().detail
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
            "workspace",
            "campaigns and lists",
            "list of leads",
            "reading by id",
            "owners",
            "member ids",
            "changes"
        ]
    );
    assert!(detail(&checks, "workspace").starts_with("Everything is done in “Outreach ␛[2J Ltd”, w1."));
    assert!(detail(&checks, "member ids").contains("1 are members by user_id, 0 by id"), "{checks:#?}");
    let is_read = |request: &Request| request.method == "GET" || request.path() == "/api/v2/leads/list";
    assert!(server.requests().iter().all(is_read), "{:?}", server.lines());
}

#[tokio::test]
async fn wrong_settings_are_told_in_a_sentence() {
    let (checks, _) = check(|_| Some(Reply::text(401, r#"{"message":"Invalid key"}"#)), "").await;
    assert!(bad(&checks)[0].1.contains("keys of API v1") && checks.len() == 3, "{checks:#?}");

    let (checks, _) = check(|_| Some(Reply::text(403, "error code: 1010")), "").await;
    assert!(bad(&checks)[0].1.contains("user_agent") && checks.len() == 3, "{checks:#?}");

    let (checks, _) = check(|_| Some(Reply::status(402)), "").await;
    assert!(bad(&checks)[0].1.contains("paid plan"), "{checks:#?}");

    let scope = |request: &Request| {
        (request.path() == "/api/v2/workspaces/current").then(|| Reply::text(403, r#"{"message":"scope"}"#))
    };
    let (checks, _) = check(scope, "").await;
    assert_eq!(bad(&checks).len(), 1);
    assert!(bad(&checks)[0].1.contains("workspaces:read"), "{checks:#?}");

    let (checks, _) = check(|_| Some(Reply::status(404)), "").await;
    assert!(bad(&checks)[0].1.contains("base_url"), "{checks:#?}");

    let unscoped = |request: &Request| {
        let refused = request.path() == "/api/v2/leads/list" && request.json()["campaign"].is_null();
        refused.then(|| Reply::text(400, r#"{"message":"campaign is required"}"#))
    };
    let (checks, _) = check(unscoped, "").await;
    assert_eq!(bad(&checks).len(), 1, "{checks:#?}");
    assert!(bad(&checks)[0].1.contains("Set require_scope = true"), "{checks:#?}");
    let (checks, _) = check(unscoped, "require_scope = true").await;
    assert_eq!(bad(&checks), []);

    let ignoring = |request: &Request| {
        let rows: Vec<_> = (0..3).map(|n| lead(&format!("l{n}"), "u_joe")).collect();
        (request.path() == "/api/v2/leads/list").then(|| Reply::json(json!({"items": rows})))
    };
    let (checks, _) = check(ignoring, "").await;
    assert!(
        bad(&checks)[0].1.contains("this server ignores ids") && bad(&checks)[0].1.contains("strategy = \"patch\"")
    );

    let stuck = |request: &Request| {
        let rows: Vec<_> = (0..3).map(|n| lead(&format!("l{n}"), "u_joe")).collect();
        let body = json!({"items": rows, "next_starting_after": "l2"});
        (request.path() == "/api/v2/leads/list" && request.json()["ids"].is_null()).then(|| Reply::json(body))
    };
    let (checks, _) = check(stuck, "").await;
    assert_eq!(bad(&checks)[0].0, "paging");

    let (checks, _) = check(|_| None, "owner_id_field = \"id\"").await;
    assert!(bad(&checks)[0].1.contains("owner_id_field = \"id\" is the wrong one"), "{checks:#?}");

    let (checks, _) = check(|_| None, "owner_roles = [\"client\"]").await;
    assert!(bad(&checks)[0].1.contains("0 are offered as owners"), "{checks:#?}");

    let former = |request: &Request| {
        let row = lead("l0", "u_former");
        match request.path() {
            "/api/v2/leads/list" => Some(Reply::json(json!({"items": [row]}))),
            "/api/v2/leads/l0" => Some(Reply::json(row)),
            _ => None,
        }
    };
    let (checks, _) = check(former, "").await;
    assert!(bad(&checks).iter().any(|(name, detail)| *name == "member ids" && detail.contains("1 by neither")));

    let both = |request: &Request| {
        let rows = [lead("l0", "u_joe"), lead("l1", "m_jane")];
        let plain = request.path() == "/api/v2/leads/list" && request.json()["ids"].is_null();
        plain.then(|| Reply::json(json!({"items": rows})))
    };
    let (checks, _) = check(both, "").await;
    assert!(bad(&checks)[0].1.contains("Set owner_id_field"), "{checks:#?}");
}

#[tokio::test]
async fn a_server_that_is_not_instantly_is_told_and_harms_nothing() {
    for reply in [
        || Reply::text(200, "<html><title>Welcome</title></html>"),
        || Reply::text(200, ""),
        || Reply::json(json!({"hello": [1, {"x": null}]})),
        || Reply::json(json!([{}, null, 3])),
        || Reply::status(500),
        || Reply::status(301),
        || Reply::Cut,
    ] {
        let (checks, _) = check(move |_| Some(reply()), "retries = 0").await;
        assert!(!bad(&checks).is_empty(), "{checks:#?}");
    }
}
