use super::*;

async fn findings(settings: &str, special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Vec<Check> {
    let server = Center::with(&[(40, "asha.k zed"), (41, "")]).open(special).await;
    client(&server, settings).check().await
}

fn detail<'a>(checks: &'a [Check], name: &str) -> (bool, &'a str) {
    let check = checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name}: {checks:?}"));
    (check.ok, &check.detail)
}

#[tokio::test]
async fn a_good_profile_passes() {
    let checks = findings("", |_| None).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    assert_eq!(detail(&checks, "processes"), (true, "1: 3 (Sales)."));
    assert_eq!(detail(&checks, "campaigns"), (true, "1: 7 (Winter)."));
    assert_eq!(detail(&checks, "agents of a list"), (true, "7:40 has 2 agents, and 3 others are named."));
    assert!(detail(&checks, "changes").1.contains("Basic"));
}

#[tokio::test]
async fn wrong_settings_look_like_something() {
    let ends = |request: &Request, end: &str| request.path().ends_with(end);
    let checks = findings("", move |request| ends(request, "/process").then(not_found)).await;
    assert!(!detail(&checks, "processes").0 && detail(&checks, "processes").1.contains("hierarchy_prefix"));
    let checks = findings("", move |request| ends(request, "campaign-lead").then(not_found)).await;
    assert!(detail(&checks, "lead lists").1.contains("mapping_prefix"), "{checks:?}");
    let checks = findings("", move |request| ends(request, "lead-user").then(|| error(401, "no"))).await;
    assert!(detail(&checks, "agents of a list").1.contains("auth.lead_user = \"bearer\""), "{checks:?}");
    let checks = findings("process_ids = [\"9\"]", |_| None).await;
    assert!(detail(&checks, "processes").1.contains("process_ids names 9"), "{checks:?}");
    let empty = |request: &Request| {
        (request.path().ends_with("lead-user") && request.param("offset") != Some("0"))
            .then(|| Reply::json(json!({"assignedUserIds": []})))
    };
    let checks = findings("lead_user_page_size = 1", empty).await;
    assert!(!detail(&checks, "cross-check").0, "{checks:?}");
}
