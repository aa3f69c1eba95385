use super::*;
use crate::domain::Blank;
use crate::vendor::{ErrorKind, Observation};

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

/// A page of the list of leads 0, 1, ... by number and limit.
fn page_of(leads: usize, page: usize, limit: usize) -> Vec<Value> {
    let row = |n: usize| json!({"lead_id": n.to_string(), "owner_name": format!("o{}", n % 7)});
    (0..leads).skip((page - 1) * limit).take(limit).map(row).collect()
}

fn number(request: &Request, name: &str) -> usize {
    request.param(name).unwrap().parse().unwrap()
}

#[tokio::test]
async fn as_many_leads_as_the_list_is_long_take_one_walk_over_it() {
    const LEADS: usize = 2_500;
    let server = server(|request| {
        let (page, limit) = (number(request, "page"), number(request, "limit"));
        Some(Reply::json(json!({"leads": page_of(LEADS, page, limit), "total": LEADS, "page": page, "limit": limit})))
    })
    .await;
    let client = client(&server, "page_size = 100");
    // From the last to the first, and some of them twice.
    let targets: Vec<_> = (0..LEADS).rev().chain(0..10).map(|n| target(&n.to_string())).collect();
    let mut told = vec![0; targets.len()];
    let mut found = |number: usize, observation: Observation| {
        let named = |id: &str| format!("o{}", id.parse::<usize>().unwrap() % 7);
        assert_eq!(observation.now, Ok(Assignment::Owner(OwnerRef::named(named(targets[number].id.as_str())))));
        told[number] += 1;
    };
    client.observe_each(&targets.as_slice(), &Session::default(), &mut found).await;
    assert!(told.iter().all(|times| *times == 1));
    assert_eq!(server.lines().len(), LEADS / 100);
}

/// Whatever a list does, its reading comes to an end, and what it did not have is asked for by name.
#[tokio::test]
async fn a_list_that_goes_round_in_circles_is_left() {
    const LEADS: usize = 50;
    // One page for ever; one that comes in another order each time; the list again and again; pages that do not begin
    // where they began the last time.
    let lists: [fn(usize, usize) -> Vec<Value>; 4] = [
        |_, limit| page_of(LEADS, 1, limit),
        |page, limit| {
            let mut rows = page_of(LEADS, 1, limit);
            rows.rotate_left(page % limit);
            rows
        },
        |page, limit| page_of(LEADS, (page - 1) % 5 + 1, limit),
        |page, limit| {
            let all = page_of(LEADS, 1, LEADS);
            all.iter().cycle().skip((page - 1) * limit % LEADS).take(limit).cloned().collect()
        },
    ];
    for (way, list) in lists.into_iter().enumerate() {
        for (total, limit) in [(None, 10), (Some(100_000), 10), (None, 9), (Some(100_000), 9)] {
            let server = server(move |request| match lead(request) {
                Some("gone") => None,
                Some(id) => Some(Reply::json(json!({"lead_id": id, "owner_name": "Jane"}))),
                None => {
                    let rows = list(number(request, "page"), number(request, "limit"));
                    Some(Reply::json(json!({"leads": rows, "total": total})))
                }
            })
            .await;
            let client = client(&server, &format!("page_size = {limit}"));
            let mut targets: Vec<_> = (0..LEADS).map(|n| target(&n.to_string())).collect();
            targets.push(target("gone"));
            let seen = client.observe(&targets, &Session::default()).await;
            assert!(seen[..LEADS].iter().all(|observation| observation.now.is_ok()), "{way} {total:?} {limit}");
            assert_eq!(seen[LEADS].now.as_ref().unwrap_err().kind, ErrorKind::NotFound);
            let lines = server.lines();
            let pages = lines.iter().filter(|line| line.contains("/leads")).count();
            assert!(pages <= 8 && lines.len() <= LEADS + 8, "{way} {total:?} {limit}: {pages} of {}", lines.len());
            // An id that only a list can hold is looked for until the pages come again.
            server.forget();
            let seen = client.observe(&[target("..")], &Session::default()).await;
            assert!(seen[0].now.is_err() && server.lines().len() <= LEADS + 2, "{way} {total:?} {limit}");
        }
    }
}
