use super::*;

async fn check(
    shop: &Shop,
    special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    settings: &str,
) -> Vec<Check> {
    let server = shop.open(special).await;
    let checks = client(&server, settings).check().await;
    assert!(checks.iter().all(|check| check.detail.ends_with('.') && !check.detail.contains("..")), "{checks:#?}");
    assert!(!format!("{checks:?}").contains("sk_test_hush"));
    assert!(server.requests().iter().all(|request| request.method == "GET"), "{:?}", server.lines());
    checks
}

fn bad(checks: &[Check]) -> Vec<(&str, &str)> {
    checks.iter().filter(|check| !check.ok).map(|check| (check.name.as_str(), check.detail.as_str())).collect()
}

fn shop() -> Shop {
    Shop::with(&[("a", json!("Jane Smith")), ("b", Value::Null), ("c", json!("somebody"))])
}

#[tokio::test]
async fn a_healthy_account_is_only_read() {
    let checks = check(&shop(), |_| None, "page_size = 2").await;
    assert_eq!(bad(&checks), []);
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    let expected = [
        "reachable",
        "clock",
        "credentials",
        "list of leads",
        "paging",
        "owners",
        "owner field",
        "single lead",
        "changes",
    ];
    assert_eq!(names, expected);
    assert!(checks[6].detail.starts_with("1 of 1 owners"), "{checks:#?}");
    assert!(checks[8].detail.starts_with("Experimental"), "{checks:#?}");
}

#[tokio::test]
async fn a_wrong_word_before_the_key() {
    let only_token =
        |request: &Request| (!request.headers["authorization"].starts_with("Token ")).then(|| Reply::status(401));
    let checks = check(&shop(), only_token, "").await;
    assert_eq!(bad(&checks)[0].0, "credentials");
    assert!(bad(&checks)[0].1.contains("set auth_scheme = \"token\" instead of \"bearer\""), "{checks:#?}");
    let checks = check(&shop(), |_| Some(Reply::status(401)), "").await;
    assert!(bad(&checks)[0].1.contains("so it is not auth_scheme"), "{checks:#?}");
    let checks = check(&shop(), |_| Some(Reply::status(403)), "").await;
    assert!(bad(&checks)[0].1.contains("rk_live_"), "{checks:#?}");
}

#[tokio::test]
async fn a_wrong_prefix_and_a_deployment_without_leads() {
    let no_leads = |request: &Request| (request.path() == "/v1/leads").then(|| Reply::status(404));
    let checks = check(&shop(), no_leads, "").await;
    assert_eq!(bad(&checks)[0].0, "leads");
    assert!(bad(&checks)[0].1.starts_with("This StateSet deployment does not offer leads"), "{checks:#?}");

    let checks = check(&shop(), |_| Some(Reply::status(404)), "").await;
    assert_eq!(bad(&checks)[0].0, "version prefix");
    assert!(bad(&checks)[0].1.contains("it ends with /v1"), "{checks:#?}");

    // Without the prefix in base_url.
    let server = shop().open(|_| None).await;
    let mut profile = Profile::new("shop", VendorKind::Stateset, server.base_url.clone());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo sk_test_hush".to_owned()));
    let settings = Settings::of(&profile).unwrap();
    let client = StateSet::new(settings, HttpOptions::new(&profile), Arc::new(OpenGate)).unwrap();
    let checks = client.check().await;
    let wanted = format!("Set base_url = \"{}/v1\".", server.base_url);
    assert!(bad(&checks)[0].1.contains(&wanted), "{checks:#?}");
}

#[tokio::test]
async fn an_owner_that_is_ignored_or_of_another_kind() {
    let other = shop();
    for lead in other.leads.lock().unwrap().values_mut() {
        lead.as_object_mut().unwrap().remove("owner");
        lead["assigned_to"] = json!("Jane");
    }
    let checks = check(&other, |_| None, "").await;
    assert_eq!(bad(&checks)[0].0, "owner field");
    assert!(bad(&checks)[0].1.contains("They have assigned_to"), "{checks:#?}");

    let by_email =
        Shop::with(&[("a", json!("jane@x.example")), ("b", json!("jane@x.example")), ("c", json!("Jane Smith"))]);
    let checks = check(&by_email, |_| None, "").await;
    assert!(bad(&checks)[0].1.contains("owner_value should be \"email\""), "{checks:#?}");
    let checks = check(&by_email, |_| None, "owner_value = \"email\"").await;
    assert_eq!(bad(&checks), []);

    let odd = Shop::with(&[("a", json!({"id": 7}))]);
    let checks = check(&odd, |_| None, "").await;
    assert!(bad(&checks)[0].1.contains("neither a text nor nobody"), "{checks:#?}");
}

#[tokio::test]
async fn lists_users_and_single_leads_that_do_not_work() {
    let stuck = |request: &Request| {
        let body = json!({"leads": [lead("a", Value::Null)], "total_count": 9, "has_more": true});
        (request.path() == "/v1/leads").then(|| Reply::json(body))
    };
    let checks = check(&shop(), stuck, "").await;
    assert_eq!(bad(&checks)[0].0, "paging");

    let checks = check(&shop(), |request| (request.path() == "/v1/users").then(|| Reply::status(403)), "").await;
    assert!(bad(&checks)[0].1.contains("setting owners"), "{checks:#?}");

    let inside = shop();
    let retrieve = move |request: &Request| match request.path() {
        "/v1/leads/a" => Some(Reply::status(404)),
        "/v1/leads/a/retrieve" => Some(Reply::json(inside.lead("a"))),
        _ => None,
    };
    let checks = check(&shop(), retrieve, "").await;
    assert!(bad(&checks)[0].1.contains("set get_path_template = \"/leads/{id}/retrieve\""), "{checks:#?}");

    let other = |request: &Request| (request.path() == "/v1/leads/a").then(|| Reply::json(lead("a", json!("Bob"))));
    let checks = check(&shop(), other, "").await;
    assert_eq!(bad(&checks)[0].0, "single lead");

    let twin = |id: &str| json!({"id": id, "firstName": "Jane", "lastName": "Smith"});
    let twins = Shop { users: vec![twin("u1"), twin("u2")], ..shop() };
    let checks = check(&twins, |_| None, "").await;
    let told = checks.iter().find(|check| check.name == "owners").unwrap();
    assert!(told.ok && told.detail.contains("cannot be told apart: Jane Smith"), "{told:?}");
}

#[tokio::test]
async fn a_server_that_is_not_stateset_is_told_and_harms_nothing() {
    for reply in [
        (|| Reply::text(200, "<html><title>Welcome</title></html>")) as fn() -> Reply,
        || Reply::text(200, ""),
        || Reply::json(json!({"hello": [1, {"x": null}]})),
        || Reply::json(json!([{}, null, 3])),
        || Reply::status(500),
        || Reply::status(301),
        || Reply::Cut,
    ] {
        let checks = check(&shop(), move |_| Some(reply()), "retries = 0").await;
        assert!(!bad(&checks).is_empty(), "{checks:#?}");
    }
}
