use super::*;

fn is(request: &Request, call: &str) -> bool {
    request.method == "GET" && request.path().ends_with(call)
}

#[tokio::test]
async fn a_list_that_agrees_with_its_campaign_takes_two_requests() {
    let center = Center::with(&[(40, "asha.k zed"), (41, "")]);
    let server = center.open(|_| None).await;
    let client = client(&server, "");
    assert_eq!(observe(&client, "7:40").await.unwrap(), set("asha.k zed"));
    assert_eq!(calls(&server), ["campaign", "campaign-lead", "lead-user"]);
    // The campaign's word of a moment ago is good enough to agree with.
    assert_eq!(observe(&client, "7:41").await.unwrap(), set(""));
    assert_eq!(calls(&server)[3..], ["lead-user"]);
    // Someone else changed it: the campaign is asked again before that is believed.
    center.set(41, "bob");
    assert_eq!(observe(&client, "7:41").await.unwrap(), set("bob"));
    assert_eq!(calls(&server)[4..], ["lead-user", "lead-user", "campaign-lead", "lead-user"]);
    assert_eq!(observe(&client, "7:49").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(observe(&client, "7:x").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn pages_are_read_until_the_campaign_is_satisfied() {
    for size in [1, 2, 100] {
        let center = Center::with(&[(40, "asha.k bob meera.t ravi.s")]);
        let server = center.open(|_| None).await;
        for check in ["strict", "off"] {
            let client = client(&server, &format!("lead_user_page_size = {size}\ncross_check = \"{check}\""));
            assert_eq!(observe(&client, "7:40").await.unwrap(), set("asha.k bob meera.t ravi.s"), "{size} {check}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_not_read_to_its_end_is_refused_or_pointed_out() {
    // Pages by number instead of by offset: the second is empty.
    let center = Center::with(&[(40, "asha.k bob meera.t")]);
    let server = center
        .open(|request| {
            let beyond = is(request, "lead-user") && request.param("offset") != Some("0");
            beyond.then(|| Reply::json(json!({"leadId": 40, "campaignId": 7, "assignedUserIds": []})))
        })
        .await;
    let strict = client(&server, "lead_user_page_size = 2");
    let error = observe(&strict, "7:40").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(error.message.contains("read incomplete: 7:40: its own answer names 2 agents"), "{error}");
    assert_eq!(calls(&server).iter().filter(|call| *call == "campaign-lead").count(), 2, "both are read once more");
    let warned = client(&server, "lead_user_page_size = 2\ncross_check = \"warn\"");
    assert_eq!(observe(&warned, "7:40").await.unwrap(), set("asha.k bob"));
    assert!(warned.notices()[0].contains("7:40 may not have been read to the end"), "{:?}", warned.notices());
}

#[tokio::test]
async fn without_the_campaigns_credential_readings_are_unchecked_and_that_is_said() {
    let center = Center::with(&[(40, "asha.k")]);
    let server = center.open(|_| None).await;
    let mut profile = profile(&server.base_url, "auth.campaigns = \"basic\"\nauth.processes = \"basic\"");
    profile.secrets.remove("bearer_token");
    let settings = Settings::of(&profile).unwrap();
    let options = options(&profile, &settings);
    let client = Exotel::new(settings, options, Arc::new(OpenGate)).unwrap();
    assert!(
        client.notices()[0].contains("auth.campaign_lead = \"bearer\" wants bearer_token"),
        "{:?}",
        client.notices()
    );
    assert_eq!(observe(&client, "7:40").await.unwrap(), set("asha.k"));
    assert_eq!(calls(&server), ["campaign", "lead-user", "lead-user"]);
}

#[tokio::test]
async fn someone_who_is_both_makes_it_be_read_again() {
    let center = Center::with(&[(40, "asha.k")]);
    let tries = Arc::new(Mutex::new(0));
    let server = center
        .open(move |request| {
            let mut tries = tries.lock().unwrap();
            let first = is(request, "lead-user") && *tries == 0;
            *tries += usize::from(first);
            let both = json!({"assignedUserIds": ["asha.k"], "assignedCampaignUserIds": [501], "unassignedUserIds": ["asha.k"]});
            first.then(|| Reply::json(both))
        })
        .await;
    assert_eq!(observe(&client(&server, ""), "7:40").await.unwrap(), set("asha.k"));
    assert_eq!(calls(&server), ["campaign", "campaign-lead", "lead-user", "lead-user"]);
}

#[tokio::test]
async fn answers_that_do_not_fit_are_no_state() {
    for (body, why) in [
        (json!([]), "not an object"),
        (json!({}), "no list under assignedUserIds"),
        (json!({"assignedUserIds": [null]}), "no id"),
        (json!({"leadId": 41, "assignedUserIds": []}), "about 7"),
    ] {
        let text = body.to_string();
        let special = move |request: &Request| is(request, "lead-user").then(|| Reply::text(200, &text));
        let server = Center::with(&[(40, "")]).open(special).await;
        let error = observe(&client(&server, ""), "7:40").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Garbled, "{error}");
        assert!(body.get("leadId").is_some() || error.message.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_campaign_that_is_closed_to_us_does_not_stop_the_others() {
    let center = Center::with(&[(40, "asha.k"), (41, "")]);
    let server = center.open(|request| is(request, "lead-user").then(|| error(403, "not yours"))).await;
    let client = client(&server, "");
    let first = observe(&client, "7:40").await.unwrap_err();
    assert_eq!(first.kind, ErrorKind::Refused, "other campaigns go on");
    assert!(first.message.contains("not yours") && first.message.contains("in campaign 7"), "{first}");
    let asked = server.requests().len();
    assert_eq!(observe(&client, "7:41").await.unwrap_err(), first);
    assert_eq!(server.requests().len(), asked);
}

#[tokio::test]
async fn the_lists_of_a_campaign_are_paged_where_the_server_says_so() {
    let lists: Vec<(u64, &str)> = (1..=45).map(|list| (list, "bob")).collect();
    let center = Center::with(&lists);
    let shown = center.clone();
    let server = center
        .open(move |request| {
            is(request, "campaign-lead").then(|| {
                let offset: usize = request.param("offset").unwrap_or("0").parse().unwrap();
                let lists = shown.lists.lock().unwrap();
                let all = lists.iter().map(|(list, agents)| shown.campaign_lead(*list, agents));
                let page: Vec<Value> = all.skip(offset).take(20).collect();
                let metadata = json!({"total": "45", "count": page.len(), "offset": offset, "limit": 20});
                let mut body = wrapped(page);
                body["metadata"] = metadata;
                Reply::json(body)
            })
        })
        .await;
    assert_eq!(client(&server, "").mappings(Some("7")).await.unwrap().len(), 45);
    let pages = server.requests().into_iter().filter(|request| is(request, "campaign-lead"));
    assert_eq!(
        pages.map(|request| request.param("offset").map(str::to_owned)).collect::<Vec<_>>(),
        [None, Some("20".to_owned()), Some("40".to_owned())]
    );
}
