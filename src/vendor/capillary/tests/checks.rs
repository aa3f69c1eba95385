use super::*;

async fn found(client: &Capillary) -> BTreeMap<String, (bool, String)> {
    client.check().await.into_iter().map(|check| (check.name, (check.ok, check.detail))).collect()
}

#[tokio::test]
async fn all_is_well() {
    let server = Org::with(&[(1, "asha.k"), (2, "ravi.m")]).open(|_| None).await;
    let checks = client(&server, "").check().await;
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    let expected =
        ["reachable", "clock", "credentials", "list of leads", "paging", "owners", "owner filter", "changes"];
    assert_eq!(names, expected);
    assert!(server.requests().iter().all(|request| request.method == "GET"), "reads only");
}

#[tokio::test]
async fn wrong_settings_have_their_sentences() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m")]);
    // The filter wants user names.
    let by_name = org.clone();
    let server = org
        .open(move |request| {
            let owner = request.param("owner")?.to_owned();
            let id = STAFF.iter().find(|(_, name, ..)| *name == owner).map_or("99", |(id, ..)| id);
            let mut request = request.clone();
            request.target = request.target.replace(&format!("owner={owner}"), &format!("owner={id}"));
            Some(by_name.answer(&request))
        })
        .await;
    let told = &found(&client(&server, "")).await["owner filter"];
    assert!(!told.0 && told.1.contains("None of 3 owners has a lead when asked for by id"), "{told:?}");
    assert!(told.1.contains("try \"code\""), "{told:?}");
    let told = &found(&client(&server, "owner_filter_field = \"code\"")).await["owner filter"];
    assert!(told.0, "{told:?}");

    // The filter is ignored.
    let all = org.clone();
    let server = org
        .open(move |request| {
            let mut request = request.clone();
            request.target = request.target.replace("owner=", "ignored=");
            Some(all.answer(&request))
        })
        .await;
    let told = &found(&client(&server, "")).await["owner filter"];
    assert!(!told.0 && told.1.contains("the server ignores the owner filter"), "{told:?}");

    // One who has everything is no proof of that.
    let server = Org::with(&[(1, "asha.k"), (2, "asha.k")]).open(|_| None).await;
    let told = &found(&client(&server, "")).await["owner filter"];
    assert!(told.0, "{told:?}");

    // No field with user names.
    let told = &found(&client(&server, "owner_write_field = \"username\"")).await["owners"];
    assert!(!told.0 && told.1.contains("3 have no user name"), "{told:?}");

    // Not the API's host.
    let server = Server::start(|_, _| Reply::text(404, "<html><title>Not here</title>")).await;
    let told = &found(&client(&server, "")).await["base_url"];
    assert!(!told.0 && told.1.contains("without a path"), "{told:?}");

    for (status, words) in [(401, "the password itself, not its MD5 sum"), (403, "Version 2 may not be enabled")] {
        let server = Server::start(move |_, _| Reply::status(status)).await;
        let told = &found(&client(&server, "")).await["credentials"];
        assert!(!told.0 && told.1.contains(words), "{told:?}");
    }
}
