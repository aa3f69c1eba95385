use super::*;
use crate::domain::Blank;
use crate::vendor::ErrorKind;

fn lead(request: &Request) -> Option<&str> {
    request.path().strip_prefix("/lead/")
}

#[tokio::test]
async fn a_detail_with_its_fields() {
    let server = server(|request| {
        let id = lead(request)?;
        let metadata = json!({"first_name": "Ann", "last_name": "Lee", "company": "Acme", "tier": "gold\u{1b}"});
        Some(Reply::json(json!({"lead_id": id.replace("%2F", "/"), "owner_name": "", "metadata": metadata})))
    })
    .await;
    let record = client(&server, "").detail(&LeadId::new("a/b")).await.unwrap();
    assert_eq!(server.lines(), ["GET /lead/a%2Fb"]);
    assert_eq!((record.name.as_str(), record.company.as_str()), ("Ann Lee", "Acme"));
    assert_eq!((record.owner, &record.extra["tier"]), (Assignment::Unassigned(Blank::Empty), &json!("gold␛")));
}

#[tokio::test]
async fn a_detail_that_does_not_fit() {
    for (body, kind) in [
        ("", ErrorKind::Garbled),
        ("[]", ErrorKind::Garbled),
        ("{}", ErrorKind::Garbled),
        (r#"{"message":"hello"}"#, ErrorKind::Garbled),
        // Merged into another lead: that one was not asked for.
        (r#"{"lead_id":"other","owner_name":"Jane"}"#, ErrorKind::Garbled),
    ] {
        let server = server(move |_| Some(Reply::text(200, body))).await;
        let error = client(&server, "").detail(&LeadId::new("a")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{body}: {error}");
    }
    let server = server(|_| Some(Reply::text(404, ""))).await;
    let client = client(&server, "");
    let error = client.detail(&LeadId::new("gone")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::NotFound, Some(404)));
    assert!(error.message.contains("no lead gone"), "{error}");
    for id in ["", ".", ".."] {
        assert_eq!(client.detail(&LeadId::new(id)).await.unwrap_err().kind, ErrorKind::Refused);
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_few_leads_are_read_one_by_one() {
    let server = server(|request| match lead(request)? {
        "a" => Some(Reply::json(json!({"lead": {"lead_id": "a", "owner_name": "Jane"}}))),
        "b" => Some(Reply::json(json!({"lead_id": "b", "owner_id": "u1", "owner_name": "Jane"}))),
        "c" => Some(Reply::json(json!({"lead_id": "c", "metadata": {}}))),
        _ => None,
    })
    .await;
    let client = client(&server, "");
    let seen = client.observe(&["c", "a", "gone", "b", "a"].map(target), &Session::default()).await;
    let now: Vec<_> = seen.into_iter().map(|observation| observation.now).collect();
    assert_eq!(now[0], Ok(Assignment::Unassigned(Blank::Absent)));
    assert_eq!(now[1], Ok(Assignment::Owner(OwnerRef::named("Jane"))));
    assert_eq!(now[2].as_ref().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(now[3], Ok(Assignment::Owner(OwnerRef::new("u1", "Jane"))));
    assert_eq!(now[4], now[1]);
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn many_leads_are_read_from_the_list_and_the_missing_ones_by_name() {
    let rows: Vec<_> = (0..150).map(|n| json!({"lead_id": n.to_string(), "owner_name": format!("o{n}")})).collect();
    let server = server(move |request| match request.path() {
        "/leads" => {
            let page: usize = request.param("page")?.parse().unwrap();
            let rows = rows.chunks(100).nth(page - 1).unwrap_or_default();
            Some(Reply::json(json!({"leads": rows, "total": 150, "page": page, "limit": 100})))
        }
        "/lead/late" => Some(Reply::json(json!({"lead_id": "late", "owner_name": "Jane"}))),
        _ => None,
    })
    .await;
    let client = client(&server, "");
    let mut targets: Vec<_> = (0..60).map(|n| target(&(n * 2).to_string())).collect();
    targets.push(target("late"));
    targets.push(target("gone"));
    let seen = client.observe(&targets, &Session::default()).await;
    assert_eq!(seen[59].now, Ok(Assignment::Owner(OwnerRef::named("o118"))));
    assert_eq!(seen[60].now, Ok(Assignment::Owner(OwnerRef::named("Jane"))));
    assert_eq!(seen[61].now.as_ref().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(server.lines().len(), 4);
    server.forget();
    // Now that the length of the list is known: two pages cost more than two leads.
    client.observe(&[target("late"), target("gone")], &Session::default()).await;
    assert_eq!(server.lines().iter().filter(|line| line.contains("/leads")).count(), 0);
    server.forget();
    // An id that no address can hold is looked for in the list.
    let seen = client.observe(&[target("..")], &Session::default()).await;
    assert!(seen[0].now.is_err());
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_long_list_is_not_read_for_a_few_leads() {
    let server = server(|request| match request.path() {
        "/leads" => {
            let rows = json!([{"lead_id": "0", "owner_name": "x"}]);
            Some(Reply::json(json!({"leads": rows, "total": 100_000, "page": 1, "limit": 100})))
        }
        path => Some(Reply::json(json!({"lead_id": &path[6..], "owner_name": "y"}))),
    })
    .await;
    let targets: Vec<_> = (0..20).map(|n| target(&n.to_string())).collect();
    let seen = client(&server, "").observe(&targets, &Session::default()).await;
    assert!(seen.iter().all(|observation| observation.now.is_ok()));
    assert_eq!(seen[0].now, Ok(Assignment::Owner(OwnerRef::named("x"))));
    assert_eq!(server.lines().len(), 1 + 19);
}

#[tokio::test]
async fn refused_credentials_are_not_tried_a_thousand_times() {
    let server = server(|_| Some(Reply::status(401))).await;
    let targets: Vec<_> = (0..1_000).map(|n| target(&n.to_string())).collect();
    let seen = client(&server, "").observe(&targets, &Session::default()).await;
    assert!(seen.iter().all(|observation| observation.now.as_ref().unwrap_err().kind == ErrorKind::SignIn));
    assert_eq!(seen.len(), 1_000);
    assert!(server.lines().len() < 10);
}
