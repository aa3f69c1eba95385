use super::*;

#[tokio::test]
async fn owners_are_found_by_listing_what_each_has() {
    let server = Org::with(&[(1, "asha.k"), (2, "ravi.m"), (3, "somebody else"), (4, "asha.k")]).open(|_| None).await;
    let client = client(&server, "");
    let kept = listed(&client).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "Asha"), ("2", "Ravi"), ("3", "not known"), ("4", "Asha")]));
    assert_eq!(kept.troubles, Vec::<String>::new());
    assert_eq!(kept.leads[0].scope.as_str(), "7001");
    let lines = server.lines();
    assert!(lines.contains(&"GET /v2/leads?limit=100&offset=0&sortBy=createdon&sortOrder=ASC".to_owned()), "{lines:?}");
    // A page that is short ends nothing.
    assert!(lines.contains(&"GET /v2/leads?limit=100&offset=4&sortBy=createdon&sortOrder=ASC".to_owned()));
    assert!(lines.contains(&"GET /v2/leads?owner=13&limit=100&offset=0&sortBy=createdon&sortOrder=ASC".to_owned()));
    let notices = client.notices();
    assert!(notices[0].contains("the leads of 3 owners"), "{notices:?}");
    assert!(notices[0].contains("1 of 4 leads are in nobody's list"), "{notices:?}");
}

#[tokio::test]
async fn pages_are_read_to_the_last_whatever_their_size() {
    let leads: Vec<(u64, &str)> = (1..=25).map(|id| (id * 3, "asha.k")).collect();
    let org = Org::with(&leads);
    // The server gives ten at most.
    let capped = org.clone();
    let server = org
        .open(move |request| {
            let mut request = request.clone();
            request.target = request.target.replace("limit=100", "limit=10");
            Some(capped.answer(&request))
        })
        .await;
    let kept = listed(&client(&server, "")).await.unwrap();
    assert_eq!((kept.leads.len(), kept.troubles), (25, vec![]));
    let kept = listed(&client(&server, "max_pages = 2")).await.unwrap();
    assert_eq!(kept.leads.len(), 20);
    assert!(
        kept.troubles.iter().any(|trouble| trouble.contains("cut after 20 leads by max_pages")),
        "{:?}",
        kept.troubles
    );
}

#[tokio::test]
async fn an_offset_that_is_an_id_is_noticed_and_told() {
    let leads: Vec<(u64, &str)> = (1..=25).map(|id| (100 + id, "asha.k")).collect();
    let org = Org::with(&leads);
    let by_id = org.clone();
    let server = org
        .open(move |request| {
            let offset = request.param("offset")?.parse::<u64>().ok()?;
            let skipped = by_id.leads.lock().unwrap().keys().filter(|id| **id <= offset).count();
            let mut request = request.clone();
            request.target = request.target.replace(&format!("offset={offset}"), &format!("offset={skipped}"));
            Some(by_id.answer(&request))
        })
        .await;
    let kept = listed(&client(&server, "page_size = 10")).await.unwrap();
    assert_eq!(kept.leads.len(), 25);
    assert!(kept.leads.iter().all(|lead| lead.owner.is_known()));
    assert_eq!(kept.troubles.len(), 1, "{:?}", kept.troubles);
    assert!(kept.troubles[0].contains("takes offset for the id"), "{:?}", kept.troubles);
}

#[tokio::test]
async fn a_filter_that_is_ignored_makes_owners_unknown() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m")]);
    let all = org.clone();
    let server = org
        .open(move |request| {
            let mut request = request.clone();
            request.target = request.target.replace("owner=", "ignored=");
            Some(all.answer(&request))
        })
        .await;
    let client = client(&server, "");
    let kept = listed(&client).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "not known"), ("2", "not known")]));
    assert!(kept.troubles[0].contains("as if it ignored the owner filter"), "{:?}", kept.troubles);
    // And nothing is sent, as nothing could be confirmed.
    let report = write(&client, &[change(1, asha(), ravi())]).await;
    assert_eq!(puts(&server), []);
    assert!(report.halt.unwrap().message.contains("ignored the owner filter"));
}

#[tokio::test]
async fn a_lead_in_two_lists_is_asked_about_again() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m"), (3, "asha.k")]);
    let (moving, stuck) = (org.clone(), org.clone());
    // Lead 3 moves from Asha to Ravi once Asha's list was read, lead 2 stays in both.
    let server = org
        .open(move |request| {
            let (owner, customer) = (request.param("owner")?, request.param("userId"));
            let reply = moving.answer(request);
            if (owner, customer, request.param("offset")) == ("11", None, Some("0")) {
                moving.give(3, "ravi.m");
                return Some(list(&[1, 2, 3].map(|id| stuck.row(id))));
            }
            (owner == "11" && customer == Some("7002")).then(|| list(&[stuck.row(2)])).or(Some(reply))
        })
        .await;
    let kept = listed(&client(&server, "parallel = 1")).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "Asha"), ("2", "not known"), ("3", "Ravi")]));
    let told = "1 lead is in the lists of several owners, so their owner is not known.";
    assert_eq!(kept.troubles, [told]);
}

#[tokio::test]
async fn no_leads_are_said_in_several_ways() {
    for (status, body, is_empty) in [
        (200, r#"{"data":[],"warnings":[],"errors":[]}"#, true),
        (200, r#"{"data":null,"warnings":[{"code":1,"message":"no leads"}]}"#, true),
        (404, r#"{"data":[],"warnings":[{"message":"none"}],"errors":[]}"#, true),
        (404, r#"{"warnings":[],"errors":[{"code":404,"message":"no such path"}]}"#, false),
        (404, r#"{"timestamp":"x","status":404,"error":"Not Found","path":"/v2/leads"}"#, false),
        (404, "<html>", false),
        (200, "<html>", false),
        (200, r#"{"leads":[]}"#, false),
        (200, r#"{"data":[],"errors":[{"code":1064,"message":"invalid organisation"}]}"#, false),
        (201, r#"{"data":[],"errors":[{"code":1060,"message":"limit"}]}"#, false),
    ] {
        let server = Server::start(move |request, _| match request.path() {
            "/v2/leads" => Reply::text(status, body),
            _ => staff(&STAFF, request),
        })
        .await;
        let kept = listed(&client(&server, "retries = 0")).await;
        assert_eq!(
            kept.is_ok_and(|kept| kept.leads.is_empty() && kept.troubles.is_empty()),
            is_empty,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_busy_search_engine_is_waited_for() {
    let org = Org::with(&[(1, "asha.k")]);
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = org
        .open(move |request| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if request.path() != "/v2/leads" {
                return None;
            }
            match number % 3 {
                0 => Some(Reply::text(461, r#"{"errors":[{"code":461,"message":"busy"}]}"#)),
                1 => Some(Reply::text(200, r#"{"data":[],"errors":[{"code":461,"message":"busy"}]}"#)),
                _ => None,
            }
        })
        .await;
    let kept = listed(&client(&server, "parallel = 1")).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "Asha")]));
}

#[tokio::test]
async fn a_busy_search_engine_says_how_long_to_wait() {
    let server = Server::start(|_, _| Reply::text(461, "{}").with("Retry-After", 3_600)).await;
    let client = client(&server, "");
    let reply = client.ask(client.list_call(&[], 0).unwrap(), &Asking::default()).await.unwrap();
    assert_eq!((client.pause(0, &reply), server.lines().len()), (Duration::from_secs(3_600), 1));
}

#[tokio::test]
async fn staff_as_a_single_object_and_its_errors() {
    let user = json!({"id": 11, "code": "asha.k", "firstname": "Asha", "lastname": "K", "store_code": "n"});
    let body = json!({"response": {"status": {"success": true, "code": 200}, "store": {"staff": {"user": user}}}});
    let server = Server::start(move |_, _| Reply::json(body.clone())).await;
    let people = client(&server, "staff_type_param = \"type_value\"").people().await.unwrap();
    assert_eq!(people.len(), 1, "the same person in two kinds is one");
    assert_eq!((people[0].id.as_str(), people[0].name.as_str(), people[0].group.as_str()), ("11", "Asha K", "n"));
    let lines = server.lines();
    assert_eq!(lines[0], "GET /v1.1/store/staff?format=json&type_value=ASSOCIATE");
    assert_eq!(lines[1], "GET /v1.1/store/staff?format=json&type_value=MANAGER");

    // 200, and a failure inside.
    let body = json!({"response": {"status": {"success": "false", "code": "403", "message": "no right\u{1b}"}}});
    let server = Server::start(move |_, _| Reply::json(body.clone())).await;
    let error = client(&server, "").people().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.contains("no right␛ (code 403)"), "{error}");
    let error = client(&Server::start(|_, _| Reply::text(200, "[]")).await, "").people().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Garbled);
}

#[tokio::test]
async fn without_staff_the_leads_can_still_be_seen() {
    let server =
        Org::with(&[(1, "asha.k")]).open(|request| (request.path() != "/v2/leads").then(|| Reply::status(403))).await;
    let kept = listed(&client(&server, "")).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "not known")]));
    assert!(kept.troubles[0].contains("its staff cannot be listed"), "{:?}", kept.troubles);
}

#[tokio::test]
async fn owners_by_hand_are_asked_for_and_written_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("owners.csv");
    std::fs::write(&file, "id,username,display_name,store_code\n13,mia.s,Mia S,south\n").unwrap();
    let org = Org::with(&[(1, "mia.s"), (2, "mia.s")]);
    let server = org.open(|_| None).await;
    let client = client(&server, &format!("staff_list = false\nowner_file = {:?}", file.to_str().unwrap()));
    assert_eq!(owners(&listed(&client).await.unwrap()), pairs(&[("1", "Mia S"), ("2", "Mia S")]));
    assert!(!server.lines().iter().any(|line| line.contains("staff")));
}

#[tokio::test]
async fn an_owner_that_a_row_names_fills_in_what_is_open() {
    let org = Org::with(&[(1, "asha.k"), (2, "x")]);
    org.set(2, "owner", json!("mia.s"));
    let kept = listed(&client(&org.open(|_| None).await, "")).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("1", "Asha"), ("2", "Mia")]));
    assert_eq!(kept.leads[1].extra["owner"], "mia.s");
}

#[tokio::test]
async fn the_servers_own_filters_narrow_owners_and_leads() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m")]);
    org.set(2, "status", json!("WON"));
    let server = org.open(|_| None).await;
    let client = client(&server, "");
    let mut kept = Kept::default();
    let ask = LeadAsk { filters: vec!["won".to_owned()], ..LeadAsk::default() };
    client.leads(&ask, &mut kept).await.unwrap();
    assert_eq!(owners(&kept), pairs(&[("2", "Ravi")]));
    let lists = server.lines().into_iter().filter(|line| line.contains("/v2/leads")).collect::<Vec<_>>();
    assert!(lists.iter().all(|line| line.contains("status=WON")), "{lists:?}");
}

#[tokio::test]
async fn one_owners_list_that_the_server_stumbles_over_does_not_hide_all_leads() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m"), (3, "mia.s")]);
    for (broken, works) in [(&["12"][..], true), (&["11", "12", "13"][..], false)] {
        let server = org
            .open(move |request| request.param("owner").filter(|id| broken.contains(id)).map(|_| Reply::status(500)))
            .await;
        let kept = listed(&client(&server, "retries = 0")).await;
        assert_eq!(kept.is_ok(), works, "{broken:?}");
        if let Ok(kept) = kept {
            assert_eq!(owners(&kept), pairs(&[("1", "Asha"), ("2", "not known"), ("3", "Mia")]));
            assert!(kept.troubles[0].contains("The leads of Ravi cannot be found"), "{:?}", kept.troubles);
        }
    }
}
