use super::*;

fn rows(count: usize) -> Vec<Value> {
    let owner = |n: usize| if n.is_multiple_of(2) { Value::Null } else { json!("Jane Smith") };
    (0..count).map(|n| lead(&format!("l{n}"), owner(n))).collect()
}

/// The queries of the list of leads.
fn queries(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let lists = requests.iter().filter(|request| request.path() == "/v1/leads");
    lists.map(|request| request.target.split_once('?').unwrap().1.to_owned()).collect()
}

async fn serve(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| match request.path() {
        "/v1/leads" => reply(request),
        _ => Reply::json(json!({"users": []})),
    })
    .await
}

fn offset(request: &Request) -> usize {
    request.param("offset").unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_page_to_the_last() {
    let server = serve(|request| page(request, "leads", &rows(142))).await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!((kept.leads.len(), kept.total, kept.pages, kept.troubles.len()), (142, Some(142), 2, 0));
    let expected = ["limit=100&offset=0&order_direction=desc", "limit=100&offset=100&order_direction=desc"];
    assert_eq!(queries(&server), expected);
    assert_eq!(server.requests()[0].headers["authorization"], "Bearer sk_test_hush");
    assert!(server.lines().contains(&"GET /v1/users?limit=100&offset=0&order_direction=asc".to_owned()));
}

#[tokio::test]
async fn every_envelope_is_taken() {
    let all = rows(3);
    for (body, users) in [
        (json!({"leads": all, "total_count": 3, "has_more": false}), json!([])),
        (json!({"data": all, "has_more": false, "total_count": 3, "next_cursor": null}), json!({"data": []})),
        (json!({"success": true, "data": {"leads": all}, "meta": {"total_count": 3}}), json!({"data": {"users": []}})),
        (json!({"leads": all, "pagination": {"total": 3, "limit": 100, "offset": 0}}), json!({"users": null})),
    ] {
        let server = Server::start(move |request, _| {
            Reply::json(if request.path() == "/v1/leads" { body.clone() } else { users.clone() })
        })
        .await;
        let kept = list(&client(&server, "")).await.unwrap();
        assert_eq!((kept.ids(), kept.troubles.len()), (vec!["l0", "l1", "l2"], 0));
        assert_eq!(queries(&server).len(), 1, "the envelope's end was read: {:?}", server.lines());
    }
    // Nothing but rows: it ends where nothing new comes.
    let server =
        serve(|request| Reply::json(json!(rows(5).into_iter().skip(offset(request)).take(2).collect::<Vec<_>>())))
            .await;
    assert_eq!(list(&client(&server, "")).await.unwrap().leads.len(), 5);
    assert_eq!(queries(&server).len(), 4, "a short page ends nothing");
}

#[tokio::test]
async fn what_is_no_list_of_leads_is_told() {
    for body in ["", "hello", "{}", "3", "{\"leads\":{}}", "[1,2]", "[{\"name\":\"x\"}]", "{\"data\":{\"x\":[]}}"] {
        let server = serve(move |_| Reply::text(200, body)).await;
        let error = list(&client(&server, "")).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Garbled, "{body}: {error}");
        assert!(error.message.contains("StateSet") && error.message.contains("shop"), "{error}");
    }
    let server = serve(|_| Reply::text(200, r#"{"success":false,"error":{"code":"X","message":"not today"}}"#)).await;
    let error = list(&client(&server, "")).await.err().unwrap();
    assert!(error.kind == ErrorKind::Refused && error.message.contains("not today"), "{error}");
}

#[tokio::test]
async fn a_server_that_gives_less_than_it_was_asked_for_is_read_to_the_end() {
    let server = serve(|request| {
        let some: Vec<_> = rows(45).into_iter().skip(offset(request)).take(20).collect();
        Reply::json(json!({"leads": some, "has_more": offset(request) + 20 < 45}))
    })
    .await;
    assert_eq!(list(&client(&server, "")).await.unwrap().leads.len(), 45);
    let offsets: Vec<_> =
        queries(&server).into_iter().map(|query| query.split('&').nth(1).unwrap().to_owned()).collect();
    assert_eq!(offsets, ["offset=0", "offset=20", "offset=40"]);
}

#[tokio::test]
async fn cursors_are_followed() {
    let answer = |request: &Request| {
        let at: usize = request.param("cursor").map_or(0, |cursor| cursor.trim_start_matches('c').parse().unwrap());
        let some: Vec<_> = rows(5).into_iter().skip(at).take(2).collect();
        let next = (at + 2 < 5).then(|| format!("c{}", at + 2));
        Reply::json(json!({"data": some, "has_more": next.is_some(), "total_count": 5, "next_cursor": next}))
    };
    let server = serve(answer).await;
    assert_eq!(list(&client(&server, "page_size = 2")).await.unwrap().leads.len(), 5);
    let tail = ["limit=2&cursor=c2&order_direction=desc", "limit=2&cursor=c4&order_direction=desc"];
    assert_eq!(queries(&server)[0], "limit=2&offset=0&order_direction=desc");
    assert_eq!(queries(&server)[1..], tail);
    server.forget();
    assert_eq!(list(&client(&server, "page_size = 2\npaging = \"cursor\"")).await.unwrap().leads.len(), 5);
    assert_eq!(queries(&server)[0], "limit=2&order_direction=desc");
    assert_eq!(queries(&server)[1..], tail);
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_noticed() {
    let server = serve(|_| Reply::json(json!({"leads": rows(2), "total_count": 40, "has_more": true}))).await;
    let kept = list(&client(&server, "page_size = 2")).await.unwrap();
    assert_eq!((kept.leads.len(), queries(&server).len()), (2, 2));
    assert!(kept.troubles[0].contains("counts 40 leads but gives only 2"), "{:?}", kept.troubles);
    let server = serve(|_| Reply::json(json!({"leads": rows(2), "has_more": true}))).await;
    let kept = list(&client(&server, "page_size = 2")).await.unwrap();
    assert!(kept.troubles[0].contains("more than 2 leads"), "{:?}", kept.troubles);
    // Everything at once, whatever was asked for: that is all there is.
    let server = serve(|_| Reply::json(json!(rows(150)))).await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!((kept.leads.len(), queries(&server).len(), kept.troubles.len()), (150, 2, 0));
}

#[tokio::test]
async fn a_count_of_the_page_is_not_taken_for_that_of_the_list() {
    for (promises, requests) in [(true, 3), (false, 4)] {
        let server = serve(move |request| {
            let all = rows(9);
            let some: Vec<_> = all.iter().skip(offset(request)).take(4).collect();
            let more = promises.then(|| offset(request) + 4 < 9);
            Reply::json(json!({"leads": some, "total_count": some.len().min(3), "has_more": more}))
        })
        .await;
        let kept = list(&client(&server, "page_size = 4")).await.unwrap();
        assert_eq!((kept.leads.len(), queries(&server).len()), (9, requests), "promises: {promises}");
    }
}

#[tokio::test]
async fn leads_that_moved_are_given_once_and_missing_ones_are_told() {
    let server = serve(|request| {
        let offset = offset(request);
        // One lead came in front meanwhile.
        let from = offset.saturating_sub(usize::from(offset > 0));
        let some: Vec<_> = rows(10).into_iter().skip(from).take(4).collect();
        Reply::json(json!({"leads": some, "total_count": 12, "has_more": offset + 4 < 11}))
    })
    .await;
    let kept = list(&client(&server, "page_size = 4")).await.unwrap();
    assert_eq!(kept.leads.len(), 10);
    assert!(kept.troubles[0].contains("counts 12 leads but lists 10"), "{:?}", kept.troubles);
}

#[tokio::test]
async fn bad_rows_are_left_out_and_told() {
    let server = serve(|_| {
        let rows = json!([rows(1)[0], {"email": "x"}, null, {"id": ""}, {"id": 7, "owner": []}]);
        Reply::json(json!({"leads": rows, "total_count": 5, "has_more": false}))
    })
    .await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!(kept.ids(), ["l0", "7"]);
    assert_eq!(kept.leads[1].owner, Assignment::Unknown);
    assert_eq!(kept.troubles, ["StateSet (profile shop) lists 3 rows that cannot be used: it has no id."]);
}

#[tokio::test]
async fn a_deployment_without_leads_says_so() {
    let server = Server::start(|_, _| Reply::text(404, r#"{"error":"Not Found","message":"no route"}"#)).await;
    let error = list(&client(&server, "")).await.err().unwrap();
    assert_eq!((error.kind, error.status), (ErrorKind::NotSupported, Some(404)));
    assert!(error.message.starts_with("This StateSet deployment does not offer leads"), "{error}");
    assert!(error.message.contains("no route") && error.remedy.contains("/v1"), "{error:?}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn other_paths_and_another_scheme() {
    let server = Server::start(|request, _| match request.path() {
        "/v1/leads/list" => Reply::json(json!({"leads": [lead("l0", Value::Null)], "has_more": false})),
        "/v1/leads/l0/retrieve" => Reply::json(json!({"lead": lead("l0", Value::Null)})),
        "/v1/users" => Reply::json(json!([])),
        _ => Reply::status(404),
    })
    .await;
    let settings = "list_path = \"/leads/list\"\nget_path_template = \"/leads/{id}/retrieve\"\nauth_scheme = \"token\"";
    let client = client(&server, settings);
    assert_eq!(list(&client).await.unwrap().ids(), ["l0"]);
    assert_eq!(client.detail(&LeadId::new("l0")).await.unwrap().name.as_str(), "Ann l0");
    assert!(server.requests().iter().all(|request| request.headers["authorization"] == "Token sk_test_hush"));
}

#[tokio::test]
async fn a_listing_ends_when_there_is_enough() {
    let server = serve(|request| page(request, "leads", &rows(1_000))).await;
    let mut kept = Kept { enough: Some(2), ..Kept::default() };
    client(&server, "").leads(&LeadAsk::everything(), &mut kept).await.unwrap();
    assert_eq!((kept.leads.len(), queries(&server).len()), (200, 2));
}

#[tokio::test]
async fn a_list_that_leaves_owners_out_is_not_taken_for_nobodys_leads() {
    let bare = |id: &str| json!({"id": id, "email": "x"});
    let server = Server::start(move |request, _| match request.path() {
        "/v1/leads" => Reply::json(json!({"leads": [bare("l0"), bare("l1")], "has_more": false})),
        "/v1/leads/l0" => Reply::json(json!({"id": "l0", "owner": "Jane Smith"})),
        _ => Reply::json(json!([])),
    })
    .await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert!(kept.leads.iter().all(|lead| lead.owner == Assignment::Unknown));
    assert!(kept.troubles[0].contains("does not tell owners"), "{:?}", kept.troubles);
    // Nobody's indeed.
    let server = Server::start(move |request, _| match request.path() {
        "/v1/leads" => Reply::json(json!({"leads": [bare("l0")], "has_more": false})),
        "/v1/leads/l0" => Reply::json(bare("l0")),
        _ => Reply::json(json!([])),
    })
    .await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!((kept.leads[0].owner.clone(), kept.troubles.len()), (Assignment::Unassigned(Blank::Absent), 0));
}
