use super::*;
use crate::vendor::ErrorKind;

/// How a server pages.
#[derive(Clone)]
struct Paging {
    leads: usize,
    most: usize,
    clamp: bool,
    echo: bool,
    total: bool,
}

impl Default for Paging {
    fn default() -> Self {
        Self { leads: 142, most: 100, clamp: true, echo: true, total: true }
    }
}

impl Paging {
    fn reply(&self, request: &Request) -> Option<Reply> {
        if request.path() != "/leads" {
            return None;
        }
        let page: usize = request.param("page").expect("page is always sent").parse().unwrap();
        let limit: usize = request.param("limit").expect("limit is always sent").parse().unwrap();
        if limit > self.most && !self.clamp {
            return Some(Reply::text(400, r#"{"error":"limit too large"}"#));
        }
        let limit = limit.min(self.most);
        let rows: Vec<_> = ((page - 1) * limit..self.leads.min(page * limit)).map(row).collect();
        let mut body = json!({ "leads": rows });
        if self.echo {
            body["page"] = page.into();
            body["limit"] = limit.into();
        }
        if self.total {
            body["total"] = self.leads.into();
        }
        Some(Reply::json(body))
    }
}

fn row(n: usize) -> Value {
    json!({"lead_id": format!("ld_{n}"), "score": n, "owner_name": if n.is_multiple_of(2) { Value::Null } else { json!("Jane") }})
}

fn pages(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| request.target.replace("/leads?", "")).collect()
}

#[tokio::test]
async fn every_page_to_the_last() {
    let paging = Paging::default();
    let server = server(move |request| paging.reply(request)).await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!((kept.leads.len(), kept.total, kept.pages), (142, Some(142), 2));
    assert_eq!(pages(&server), ["page=1&limit=100", "page=2&limit=100"]);
    assert_eq!(server.requests()[0].headers["authorization"], "Bearer kbn_pat_hush");
}

#[tokio::test]
async fn a_smaller_limit_is_noticed_in_every_way_it_may_come() {
    for (paging, requests) in [
        // Clamped and said so.
        (Paging { most: 25, ..Paging::default() }, 6),
        // Clamped in silence: page * limit would end the list after two pages.
        (Paging { most: 25, echo: false, ..Paging::default() }, 6),
        // Refused: tried smaller, until it is taken.
        (Paging { most: 25, clamp: false, ..Paging::default() }, 7),
        (Paging { most: 50, clamp: false, ..Paging::default() }, 7),
        // Neither total nor limit: until an empty page.
        (Paging { most: 25, echo: false, total: false, ..Paging::default() }, 7),
        (Paging { leads: 100, total: false, ..Paging::default() }, 2),
        (Paging { leads: 100, ..Paging::default() }, 1),
        (Paging { leads: 0, ..Paging::default() }, 1),
        (Paging { leads: 0, total: false, echo: false, ..Paging::default() }, 1),
    ] {
        let leads = paging.leads;
        let server = server(move |request| paging.reply(request)).await;
        let kept = list(&client(&server, "")).await.unwrap();
        assert_eq!(kept.leads.len(), leads);
        assert_eq!(server.lines().len(), requests, "{:?}", pages(&server));
        assert!(kept.troubles.is_empty());
        assert!(kept.pages > 0, "an empty list is told too");
    }
}

#[tokio::test]
async fn a_list_of_another_shape() {
    // Everything at once, whatever was asked for.
    let everything: Vec<_> = (0..150).map(row).collect();
    for body in [json!(everything), json!({ "leads": everything })] {
        let server = server(move |_| Some(Reply::json(body.clone()))).await;
        assert_eq!(list(&client(&server, "")).await.unwrap().leads.len(), 150);
        assert_eq!(server.lines().len(), 2);
    }
    for body in ["{\"leads\":null,\"total\":0,\"page\":1,\"limit\":100}", "[]", "{\"leads\":[]}"] {
        let server = server(move |_| Some(Reply::text(200, body))).await;
        let kept = list(&client(&server, "")).await.unwrap();
        assert_eq!((kept.leads.len(), kept.pages, server.lines().len()), (0, 1, 1));
    }
    for body in ["", "hello", "{}", "3", "{\"leads\":{}}", "[1,2]", "[{\"id\":\"x\"}]", "<html>"] {
        let server = server(move |_| Some(Reply::text(200, body))).await;
        let error = list(&client(&server, "")).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Garbled, "{body}: {error}");
        assert!(error.message.contains("kenbun") && error.message.contains("sales"), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_moves_while_it_is_read() {
    // A lead arrives at the front after the first page: the last one of that page comes again.
    let server_ = server(|request| {
        let page: usize = request.param("page")?.parse().unwrap();
        let first = if page == 1 { 0 } else { 1 };
        let rows: Vec<_> = (0..5).map(|n| row(100 + (page - 1) * 5 + n - first)).collect();
        Some(Reply::json(json!({"leads": rows, "total": 9, "page": page, "limit": 5})))
    })
    .await;
    let kept = list(&client(&server_, "page_size = 5")).await.unwrap();
    let expected: Vec<_> = (100..109).map(|n| format!("ld_{n}")).collect();
    assert_eq!(kept.ids(), expected);
    assert_eq!(server_.lines().len(), 2);

    // A lead leaves the first page meanwhile: the one that moved up is picked up by a second walk.
    let server_ = server(|request| {
        let page: usize = request.param("page")?.parse().unwrap();
        static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let asked = ASKED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let gone = usize::from(asked > 0);
        let all: Vec<_> = (gone..10).map(row).collect();
        let rows = all.chunks(5).nth(page - 1).unwrap_or_default();
        Some(Reply::json(json!({"leads": rows, "total": all.len() + 1, "page": page, "limit": 5})))
    })
    .await;
    let kept = list(&client(&server_, "page_size = 5")).await.unwrap();
    assert_eq!(kept.leads.len(), 10);
    assert_eq!(kept.ids().iter().collect::<std::collections::HashSet<_>>().len(), 10);
    assert_eq!(kept.ids()[9], "ld_5");
}

#[tokio::test]
async fn a_server_that_does_not_turn_its_pages_is_not_believed() {
    let server = server(|_| Some(Reply::json(json!({"leads": [row(1), row(2)], "total": 40, "limit": 2})))).await;
    let error = list(&client(&server, "page_size = 2")).await.err().unwrap();
    assert!(error.message.contains("gives only 2 of 40 leads"), "{error}");
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_count_of_fewer_leads_than_came_does_not_end_the_list() {
    // One server turns its pages, the other gives the first one again and again and calls it whatever was asked for.
    for (turns, leads, requests) in [(true, 25, 4), (false, 10, 2)] {
        let server = server(move |request| {
            let page: usize = request.param("page")?.parse().unwrap();
            let all: Vec<_> = (0..25).map(row).collect();
            let rows = all.chunks(10).nth(if turns { page - 1 } else { 0 }).unwrap_or_default();
            Some(Reply::json(json!({"leads": rows, "total": 3, "page": page, "limit": 10})))
        })
        .await;
        let kept = list(&client(&server, "page_size = 10")).await.unwrap();
        assert_eq!((kept.leads.len(), server.lines().len()), (leads, requests), "turns: {turns}");
    }
}

#[tokio::test]
async fn bad_rows_are_left_out_and_told() {
    let server = server(|_| {
        let rows =
            json!([row(1), {"score": 3}, null, {"lead_id": ""}, {"lead_id": "x", "created_at": [], "score": {}}]);
        Some(Reply::json(json!({"leads": rows, "total": 5, "page": 1, "limit": 100})))
    })
    .await;
    let kept = list(&client(&server, "")).await.unwrap();
    assert_eq!(kept.ids(), ["ld_1", "x"]);
    assert_eq!(kept.troubles, ["kenbun (profile sales) lists 3 rows that cannot be used: it has no lead_id."]);
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_listing_ends_when_there_is_enough() {
    let paging = Paging { leads: 1_000, ..Paging::default() };
    let server = server(move |request| paging.reply(request)).await;
    let mut kept = Kept { enough: Some(2), ..Kept::default() };
    client(&server, "").leads(&LeadAsk::everything(), &mut kept).await.unwrap();
    assert_eq!((kept.leads.len(), server.lines().len()), (200, 2));
}

#[tokio::test]
async fn no_active_unit_is_a_matter_of_settings() {
    let server = server(|_| Some(Reply::text(400, r#"{"error":"No active Organizational Unit"}"#))).await;
    let error = list(&client(&server, "")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Setting);
    assert!(error.remedy.contains("org_unit"), "{error:?}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn members_as_owners() {
    let member = |id: &str, first: &str, last: &str, role: &str, unit: &str| {
        json!({
            "org_member_id": id, "first_name": first, "last_name": last, "email": format!("{id}@x.example"), "role": role,
            "ou_memberships": [{"unit_id": unit, "unit_name": "U", "role": role}], "created_at": 5
        })
    };
    let list = json!([
        member("mem_1", "Vera", "Viewer", "viewer", "unit_1"),
        member("mem_2", "Olga", "Other", "editor", "unit_2"),
        member("mem_3", "Jane", " Smith", "editor", "unit_1"),
        member("mem_4", "", "Solo", "admin", "unit_1"),
        member("mem_4", "Twice", "", "admin", "unit_1"),
        {"email": "nobody@x.example"},
        null,
    ]);
    let server = server(move |request| (request.path() == "/members").then(|| Reply::json(list.clone()))).await;
    let names = |people: Vec<Person>| -> Vec<String> {
        people.into_iter().map(|person| format!("{} {}", person.id.as_str(), person.name.as_str())).collect()
    };
    let people = client(&server, "").people().await.unwrap();
    assert_eq!(people[2].group.as_str(), "admin");
    assert_eq!(names(people), ["mem_2 Olga Other", "mem_3 Jane  Smith", "mem_4 Solo", "mem_1 Vera Viewer"]);
    let here = client(&server, "org_unit = \"unit_1\"").people().await.unwrap();
    assert_eq!(names(here), ["mem_3 Jane  Smith", "mem_4 Solo", "mem_1 Vera Viewer", "mem_2 Olga Other"]);

    let by_hand = "owners = [{ id = \"user_9\", name = \"Nina\" }, { id = \"mem_4\", name = \"Solo S.\" }]\n";
    server.forget();
    assert_eq!(names(client(&server, by_hand).people().await.unwrap()), ["user_9 Nina", "mem_4 Solo S."]);
    assert!(server.lines().is_empty(), "the list by hand needs no request");
    let extended = client(&server, &format!("{by_hand}owners_mode = \"extend\"")).people().await.unwrap();
    assert_eq!(
        names(extended),
        ["user_9 Nina", "mem_4 Solo S.", "mem_2 Olga Other", "mem_3 Jane  Smith", "mem_1 Vera Viewer"]
    );

    let error = client(&server, "owner_id_field = \"user_id\"").people().await.unwrap_err();
    assert!(error.message.contains("user_id") && error.remedy.contains("owner_id_field"), "{error:?}");
}

#[tokio::test]
async fn the_id_field_of_members_is_found_or_told() {
    let list = json!([
        {"user_id": "user_1", "id": "i1", "org_member_id": "mem_1", "first_name": "A"},
        {"id": 2, "org_member_id": "mem_2", "first_name": "B"},
        {"user_id": "", "org_member_id": "mem_3", "first_name": "C"},
    ]);
    let server = server(move |_| Some(Reply::json(list.clone()))).await;
    let ids = |people: Vec<Person>| people.iter().map(|person| person.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(client(&server, "").people().await.unwrap()), ["user_1", "2", "mem_3"]);
    let by_member = client(&server, "owner_id_field = \"org_member_id\"").people().await.unwrap();
    assert_eq!(ids(by_member), ["mem_1", "mem_2", "mem_3"]);
}
