use super::*;
use crate::domain::campaign::CollectionKind;

/// Pages of two from `ids`, with the last lead's id as the cursor.
fn paged(request: &Request, ids: &[&str], cursor_on_last: bool) -> Reply {
    let body = request.json();
    let start = match body["starting_after"].as_str() {
        Some(after) => ids.iter().position(|id| after == format!("cursor {id}")).unwrap() + 1,
        None => 0,
    };
    let page: Vec<_> = ids[start..].iter().take(2).collect();
    let mut answer = json!({"items": page.iter().map(|id| lead(id, "u_joe")).collect::<Vec<_>>()});
    let is_last = start + 2 >= ids.len();
    if let Some(last) = page.last().filter(|_| !is_last || cursor_on_last) {
        answer["next_starting_after"] = json!(format!("cursor {last}"));
    }
    Reply::json(answer)
}

fn is_list(request: &Request) -> bool {
    request.path() == "/api/v2/leads/list"
}

#[tokio::test]
async fn every_page_is_read_whatever_the_last_one_looks_like() {
    for cursor_on_last in [false, true] {
        let ids = ["a", "b", "c", "c", "d"];
        let server = server(move |request| is_list(request).then(|| paged(request, &ids, cursor_on_last))).await;
        let client = client(&server, "page_size = 2");
        let kept = list(&client).await.unwrap();
        assert_eq!(kept.ids(), ["a", "b", "c", "d"], "each once");
        assert_eq!(kept.leads[0].owner, joe(), "owners come with their names");
        assert_eq!(kept.leads[0].extra["campaign_name"], "Autumn");
        let sent = bodies(&server, "/leads/list");
        assert_eq!(sent[0], json!({"limit": 2}));
        assert_eq!(sent[1], json!({"limit": 2, "starting_after": "cursor b"}));
        assert_eq!(sent.len(), if cursor_on_last { 4 } else { 3 });
        assert!(server.requests().iter().all(|request| request.headers["authorization"] == "Bearer key_hush_hush"));
        assert!(server.requests().iter().all(|request| request.headers["user-agent"].starts_with("Switchboard/")));
        // Names are asked for once.
        list(&client).await.unwrap();
        for path in ["/workspace-members", "/campaigns", "/lead-lists"] {
            assert_eq!(asked(&server, &format!("GET {path}")), 1, "{path}");
        }
    }
}

#[tokio::test]
async fn a_last_page_of_what_was_there_already_ends_the_list() {
    let server = server(|request| {
        is_list(request).then(|| match request.json()["starting_after"].as_str() {
            None => Reply::json(json!({"items": [lead("a", "u"), lead("b", "u")], "next_starting_after": "b"})),
            Some(_) => Reply::json(json!({"items": [lead("b", "u")]})),
        })
    })
    .await;
    assert_eq!(list(&client(&server, "page_size = 2")).await.unwrap().ids(), ["a", "b"]);
}

#[tokio::test]
async fn a_listing_ends_when_there_is_enough() {
    let server = server(|request| is_list(request).then(|| paged(request, &["a", "b", "c", "d", "e"], false))).await;
    let mut kept = Kept { enough: Some(2), ..Kept::default() };
    client(&server, "page_size = 2").leads(&LeadAsk::everything(), &mut kept).await.unwrap();
    assert_eq!(kept.ids(), ["a", "b", "c", "d"]);
    let empty = super::server(|request| is_list(request).then(|| Reply::json(json!({"items": []})))).await;
    let kept = list(&client(&empty, "")).await.unwrap();
    assert_eq!((kept.pages, kept.ids().len()), (1, 0), "an empty workspace is told, too");
}

#[tokio::test]
async fn the_server_narrows_down_what_it_can() {
    let server = server(|request| {
        if !is_list(request) {
            return None;
        }
        let ids: &[&str] = match request.json()["filter"].as_str() {
            Some("FILTER_VAL_REPLIED") => &["a", "b", "c"],
            Some("FILTER_LEAD_INTERESTED") => &["b", "c", "d"],
            _ => &["a", "b", "c", "d", "e"],
        };
        Some(paged(request, ids, false))
    })
    .await;
    let client = client(&server, "");
    let ask = LeadAsk {
        collection: Some((CollectionKind::Campaign, "c1".to_owned())),
        search: Some(" jane ".to_owned()),
        filters: vec!["replied".to_owned()],
    };
    assert_eq!(list_that(&client, &ask).await.unwrap().ids(), ["a", "b", "c"]);
    let narrowed = json!({"search": "jane", "filter": "FILTER_VAL_REPLIED", "campaign": "c1", "limit": 100});
    assert_eq!(bodies(&server, "/leads/list")[0], narrowed);
    // A request takes one filter; two are asked for one after the other.
    let both = ["replied", "lead_interested", "replied"].map(str::to_owned).to_vec();
    let ask =
        LeadAsk { collection: Some((CollectionKind::List, "li1".to_owned())), filters: both, ..LeadAsk::default() };
    assert_eq!(list_that(&client, &ask).await.unwrap().ids(), ["b", "c"]);
    assert_eq!(bodies(&server, "/leads/list").last().unwrap()["list_id"], "li1");
    let ask = LeadAsk { filters: vec!["clicked\u{1b}".to_owned()], ..LeadAsk::default() };
    let error = list_that(&client, &ask).await.err().unwrap();
    assert!(error.message.starts_with("Instantly has no filter clicked␛; it has contacted, "), "{error}");
}

/// Refuses lists without a campaign or list, and has leads in some.
fn wants_scope(request: &Request) -> Option<Reply> {
    if !is_list(request) {
        return None;
    }
    let body = request.json();
    let ids: &[&str] = match (body["campaign"].as_str(), body["list_id"].as_str()) {
        (Some("c1"), None) => &["a", "b", "c"],
        (None, Some("li1")) => &["c", "d"],
        (None, None) => {
            let refusal = r#"{"statusCode":400,"error":"Bad Request","message":"campaign or list_id is required"}"#;
            return Some(Reply::text(400, refusal));
        }
        other => panic!("{other:?}"),
    };
    Some(paged(request, ids, true))
}

#[tokio::test]
async fn where_a_list_wants_a_campaign_all_of_them_are_read() {
    let server = server(wants_scope).await;
    let client = client(&server, "");
    let kept = list(&client).await.unwrap();
    assert_eq!(kept.ids(), ["a", "b", "c", "d"]);
    assert!(kept.troubles[0].contains("only by campaign or list") && kept.troubles[0].contains("require_scope = true"));
    server.forget();
    list(&client).await.unwrap();
    assert!(
        bodies(&server, "/leads/list").iter().all(|body| body["campaign"].is_string() || body["list_id"].is_string())
    );

    let server = super::server(wants_scope).await;
    let kept = list(&super::client(&server, "require_scope = true")).await.unwrap();
    assert_eq!(kept.ids(), ["a", "b", "c", "d"]);
    assert_eq!(kept.troubles, Vec::<String>::new(), "whoever set it knows");
    assert_eq!(bodies(&server, "/leads/list")[0], json!({"campaign": "c1", "limit": 100}));
}

#[tokio::test]
async fn a_refused_list_that_no_campaign_cures_is_explained() {
    let refused = |request: &Request| {
        let refusal = r#"{"statusCode":400,"error":"Bad Request","message":"body/limit must be integer"}"#;
        is_list(request).then(|| Reply::text(400, refusal))
    };
    let error = list(&client(&server(refused).await, "")).await.err().unwrap();
    assert!(error.message.ends_with("(400): body/limit must be integer"), "the message, not “Bad Request”: {error}");
    let without = move |request: &Request| {
        let empty = request.path() == "/api/v2/campaigns" || request.path() == "/api/v2/lead-lists";
        if empty { Some(Reply::status(403)) } else { refused(request) }
    };
    let error = list(&client(&server(without).await, "")).await.err().unwrap();
    assert!(error.remedy.contains("require_scope = true"), "{error:?}");
}

#[tokio::test]
async fn rows_and_pages_that_do_not_fit_are_told() {
    let server = server(|request| {
        is_list(request)
            .then(|| Reply::json(json!({"items": [lead("a", "u_joe"), {"email": "x"}, null, lead("a", "u_joe")]})))
    })
    .await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!(kept.ids(), ["a"]);
    assert!(
        kept.troubles[0].starts_with("2 rows of Instantly's (profile outreach) cannot be used"),
        "{kept:?}",
        kept = kept.troubles
    );
    for (answer, words) in [
        (json!({"items": [{}, {}]}), "none of the 2 rows"),
        (json!({"leads": []}), "it has no items"),
        (json!([]), "it is not an object"),
        (json!({"items": [lead("a", "u")], "next_starting_after": "again"}), "does not turn its pages"),
    ] {
        let server = super::server(move |request| is_list(request).then(|| Reply::json(answer.clone()))).await;
        let error = list(&client(&server, "")).await.err().unwrap();
        assert!(error.kind == ErrorKind::Garbled && error.message.contains(words), "{error}");
    }
    // New rows for ever, behind one and the same cursor.
    let server = Server::start(|request, number| match is_list(request) {
        true => Reply::json(json!({"items": [lead(&format!("n{number}"), "u")], "next_starting_after": "again"})),
        false => usual(request),
    })
    .await;
    let error = list(&client(&server, "")).await.err().unwrap();
    assert!(error.message.contains("round in circles"), "{error}");
}

#[tokio::test]
async fn busy_and_broken_servers_are_asked_again() {
    let server = Server::start(|request, number| match number {
        0 | 2 => Reply::text(429, r#"{"statusCode":429,"error":"Too Many Requests","message":"Rate limit exceeded"}"#),
        3 => Reply::status(502),
        4 => Reply::Cut,
        _ => usual(request),
    })
    .await;
    assert_eq!(list(&client(&server, "")).await.unwrap().ids(), ["l0", "l1", "l2"]);
}

#[tokio::test]
async fn campaigns_and_lists_are_read_to_their_last_page() {
    let server = server(|request| match (request.path(), request.param("starting_after")) {
        ("/api/v2/campaigns", None) => Some(Reply::json(json!({
            "items": [{"id": "c1", "name": "Autumn", "status": 1}, {"id": "c2", "name": "", "status": -99}],
            "next_starting_after": "c2"
        }))),
        ("/api/v2/campaigns", Some("c2")) => Some(Reply::json(json!({
            "items": [{"id": "c2", "name": "again"}, {"name": "no id"}, {"id": "c3", "name": "Spring", "status": 4.0}],
            "next_starting_after": "c3"
        }))),
        ("/api/v2/campaigns", Some("c3")) => Some(Reply::json(json!({"items": [], "next_starting_after": "c3"}))),
        ("/api/v2/lead-lists", None) => Some(Reply::json(json!({
            "items": [{"id": "li1", "name": "Fair"}], "next_starting_after": "2026-01-01T00:00:00.000Z"
        }))),
        ("/api/v2/lead-lists", Some(after)) => {
            assert_eq!(after, "2026-01-01T00%3A00%3A00.000Z", "handed back as it came");
            Some(Reply::json(json!({"items": [{"id": "li2", "name": "Web"}]})))
        }
        _ => None,
    })
    .await;
    let client = client(&server, "");
    let shown: Vec<_> = client
        .collections()
        .await
        .unwrap()
        .into_iter()
        .map(|found| format!("{} {} {} {}", found.kind, found.id, found.name, found.status))
        .collect();
    assert_eq!(
        shown,
        [
            "campaign c1 Autumn Active",
            "campaign c2 c2 Account suspended",
            "campaign c3 Spring Running subsequences",
            "list li1 Fair ",
            "list li2 Web "
        ]
    );
    assert!(server.requests().iter().all(|request| request.param("limit") == Some("100")));
}

#[tokio::test]
async fn own_labels_are_named_and_other_workspaces_are_entered() {
    let server = server(|request| {
        let mut row = lead("a", "u_joe");
        row["lt_interest_status"] = json!(77);
        is_list(request).then(|| Reply::json(json!({"items": [row]})))
    })
    .await;
    let client = client(&server, "x-as-workspace = \"w2\"\nuser_agent = \"Acme-CRM/3\"");
    let kept = list(&client).await.unwrap();
    assert_eq!(kept.leads[0].extra["interest"], "Hot");
    assert_eq!(asked(&server, "GET /lead-labels"), 1);
    for request in server.requests() {
        assert_eq!(request.headers["x-as-workspace"], "w2");
        assert_eq!(request.headers["user-agent"], "Acme-CRM/3");
    }
}
