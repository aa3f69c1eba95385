use super::*;
use crate::domain::campaign::NewLead;
use crate::domain::{LeadFlags, Lifecycle};
use crate::vendor::Observation;

#[tokio::test]
async fn one_lead_in_every_wrapping() {
    let wrappings: [fn(Value) -> Value; 3] =
        [|lead| lead, |lead| json!({ "lead": lead }), |lead| json!({"success": true, "data": lead})];
    for wrap in wrappings {
        let shop = Shop::with(&[("a/b", json!("Jane Smith"))]);
        shop.set("a/b", "do_not_call", json!(true));
        shop.set("a/b", "status", json!("converted"));
        let inside = shop.clone();
        let server = shop
            .open(move |request| {
                request.path().starts_with("/v1/leads/").then(|| Reply::json(wrap(inside.lead("a/b"))))
            })
            .await;
        let lead = client(&server, "").detail(&LeadId::new("a/b")).await.unwrap();
        assert_eq!(server.lines()[0], "GET /v1/leads/a%2Fb");
        assert_eq!((lead.name.as_str(), lead.owner), ("Ann a/b", jane()));
        assert_eq!((lead.flags, lead.lifecycle), (LeadFlags::DO_NOT_CALL, Lifecycle::Closed));
    }
}

#[tokio::test]
async fn a_lead_that_does_not_fit() {
    for body in ["", "[]", "{}", r#"{"message":"hello"}"#, r#"{"id":"other","owner":"Jane"}"#, r#"{"lead":null}"#] {
        let server = Server::start(move |_, _| Reply::text(200, body)).await;
        let error = client(&server, "").detail(&LeadId::new("a")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Garbled, "{body}: {error}");
    }
    let server = Shop::default().open(|_| None).await;
    let client = client(&server, "");
    let error = client.detail(&LeadId::new("gone")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::NotFound, Some(404)));
    assert!(error.message.contains("has no lead gone"), "{error}");
    for id in ["", ".", ".."] {
        assert_eq!(client.detail(&LeadId::new(id)).await.unwrap_err().kind, ErrorKind::Refused);
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_few_leads_are_read_one_by_one() {
    let shop = Shop::with(&[("a", json!("Jane Smith")), ("b", json!("jane@x.example")), ("c", json!(""))]);
    let server = shop.open(|_| None).await;
    let client = client(&server, "");
    let seen = client.observe(&["c", "a", "gone", "b", "a"].map(target), &Session::default()).await;
    let now: Vec<_> = seen.into_iter().map(|observation| observation.now).collect();
    assert_eq!(now[0], Ok(Assignment::Unassigned(Blank::Empty)));
    assert_eq!(now[1], Ok(jane()));
    assert_eq!(now[2].as_ref().unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(now[3], Ok(named("jane@x.example")), "another notation stays a text");
    assert_eq!(now[4], now[1]);
    assert_eq!(server.requests().iter().filter(|request| request.path() != "/v1/users").count(), 4);
}

#[tokio::test]
async fn many_leads_are_read_from_the_list_and_the_missing_ones_by_name() {
    let leads: Vec<(String, Value)> = (0..150).map(|n| (format!("{n:03}"), json!(format!("o{n}")))).collect();
    let leads: Vec<(&str, Value)> = leads.iter().map(|(id, owner)| (id.as_str(), owner.clone())).collect();
    let server = Shop::with(&leads).open(|_| None).await;
    let client = client(&server, "");
    let mut targets: Vec<_> = (0..60).map(|n| target(&format!("{:03}", n * 2))).collect();
    targets.push(target("gone"));
    let seen = client.observe(&targets, &Session::default()).await;
    assert_eq!(seen[59].now, Ok(named("o118")));
    assert_eq!(seen[60].now.as_ref().unwrap_err().kind, ErrorKind::NotFound);
    let asked: Vec<_> = server.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(asked.iter().filter(|path| *path == "/v1/leads").count(), 2);
    assert_eq!(asked.iter().filter(|path| path.starts_with("/v1/leads/")).count(), 1);
}

#[tokio::test]
async fn a_list_that_never_told_an_owner_proves_nothing() {
    let server = Server::start(|request, _| match request.path() {
        "/v1/leads" => {
            let rows: Vec<_> = (0..20).map(|n| json!({"id": n.to_string()})).collect();
            Reply::json(json!({"leads": rows, "has_more": false}))
        }
        "/v1/users" => Reply::json(json!([])),
        path => Reply::json(json!({"id": path.rsplit('/').next(), "owner": "Jane"})),
    })
    .await;
    let targets: Vec<_> = (0..20).map(|n| target(&n.to_string())).collect();
    let seen = client(&server, "").observe(&targets, &Session::default()).await;
    assert!(seen.iter().all(|observation| observation.now == Ok(named("Jane"))));
}

#[tokio::test]
async fn when_the_key_is_refused_not_everybody_is_asked_for() {
    let server = Server::start(|_, _| Reply::text(401, r#"{"error":{"code":"INVALID_API_KEY","message":"no"}}"#)).await;
    let targets: Vec<_> = (0..9).map(|n| target(&n.to_string())).collect();
    let seen = client(&server, "").observe(&targets, &Session::default()).await;
    assert!(seen.iter().all(|observation| observation.now.as_ref().unwrap_err().kind == ErrorKind::SignIn));
    assert!(server.lines().len() <= 6, "{:?}", server.lines());
}

#[tokio::test]
async fn a_user_who_left_is_recognized_where_ids_are_written() {
    let server = Shop::with(&[("a", json!("u9"))]).open(|_| None).await;
    let client = client(&server, "owner_value = \"id\"");
    let gone = Assignment::Owner(OwnerRef::new("u9", "Gone"));
    let expecting = Target { candidates: vec![gone.clone()], ..target("a") };
    let seen = client.observe(&[expecting, target("a")], &Session::default()).await;
    assert_eq!((seen[0].now.clone(), seen[1].now.clone()), (Ok(gone), Ok(named("u9"))));
}

fn new_lead() -> NewLead {
    NewLead {
        first_name: "Zoë".to_owned(),
        last_name: "Lee".to_owned(),
        email: "zoe@x.example".to_owned(),
        other: vec![("leadSource".to_owned(), "website".to_owned()), ("do_not_call".to_owned(), "true".to_owned())],
    }
}

#[tokio::test]
async fn a_new_lead() {
    let server = Server::start(|request, n| match n {
        0 => Reply::status(429).with("Retry-After", 0),
        _ => {
            let mut lead = request.json();
            lead["id"] = json!("l9");
            Reply::text(201, &json!({ "lead": lead }).to_string())
        }
    })
    .await;
    let client = client(&server, "");
    let lead = client.create_lead(&new_lead()).await.unwrap();
    assert_eq!((lead.id.as_str(), lead.name.as_str(), lead.source.as_str()), ("l9", "Zoë Lee", "website"));
    assert_eq!(server.lines(), vec!["POST /v1/leads"; 2]);
    let requests = server.requests();
    assert_eq!(
        requests[1].body,
        r#"{"firstName":"Zoë","lastName":"Lee","email":"zoe@x.example","leadSource":"website","do_not_call":true}"#
    );
    assert_eq!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
    for nothing in [NewLead::default(), NewLead { email: " ".to_owned(), ..new_lead() }] {
        assert_eq!(client.create_lead(&nothing).await.unwrap_err().kind, ErrorKind::Refused);
    }
    let twice = NewLead { other: vec![("email".to_owned(), "x".to_owned())], ..new_lead() };
    assert!(client.create_lead(&twice).await.unwrap_err().message.contains("given twice"));
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_lead_that_may_have_been_created_is_told_so() {
    for (reply, kind, perhaps) in [
        ((|| Reply::Cut) as fn() -> Reply, ErrorKind::Unreachable, true),
        (|| Reply::status(500), ErrorKind::Server, true),
        (|| Reply::text(200, "{}"), ErrorKind::Garbled, true),
        (|| Reply::status(422), ErrorKind::Refused, false),
        (|| Reply::status(409), ErrorKind::Refused, false),
        (|| Reply::status(404), ErrorKind::NotSupported, false),
    ] {
        let server = Server::start(move |_, _| reply()).await;
        let error = client(&server, "").create_lead(&new_lead()).await.unwrap_err();
        assert_eq!((error.kind, error.remedy.contains("all the same")), (kind, perhaps), "{error:?}");
        assert_eq!(server.lines().len(), 1);
    }
}

fn rows(leads: usize) -> Vec<Value> {
    (0..leads).map(|n| lead(&format!("{n:04}"), json!(format!("o{}", n % 7)))).collect()
}

fn pages(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.path() == "/v1/leads").count()
}

#[tokio::test]
async fn as_many_leads_as_the_list_is_long_take_one_walk_over_it() {
    const LEADS: usize = 1_500;
    let server = Shop::with(&[])
        .open(|request| (request.path() == "/v1/leads").then(|| page(request, "leads", &rows(LEADS))))
        .await;
    let client = client(&server, "");
    // From the last to the first, and some of them twice.
    let targets: Vec<_> = (0..LEADS).rev().chain(0..10).map(|n| target(&format!("{n:04}"))).collect();
    let mut told = vec![0; targets.len()];
    let mut found = |number: usize, observation: Observation| {
        let n: usize = targets[number].id.as_str().parse().unwrap();
        assert_eq!(observation.now, Ok(named(&format!("o{}", n % 7))));
        told[number] += 1;
    };
    client.observe_each(&targets.as_slice(), &Session::default(), &mut found).await;
    assert!(told.iter().all(|times| *times == 1));
    assert_eq!(pages(&server), LEADS / 100);
    assert_eq!(server.requests().len(), LEADS / 100 + 1, "and the users once");
}

/// A page of all leads, by offset and limit.
type List = fn(&[Value], usize, usize) -> Vec<Value>;

/// Whatever a list does, its reading comes to an end, and what it did not have is asked for by name.
#[tokio::test]
async fn a_list_that_goes_round_in_circles_is_left() {
    const LEADS: usize = 50;
    // One page for ever; the list again and again, also with pages that do not begin where they began the last time.
    let lists: [List; 2] = [
        |all, _, limit| all[..limit].to_vec(),
        |all, offset, limit| all.iter().cycle().skip(offset % all.len()).take(limit).cloned().collect(),
    ];
    for (way, list) in lists.into_iter().enumerate() {
        for (total, limit) in [(None, 10), (Some(100_000), 10), (None, 9), (Some(100_000), 9)] {
            let all = rows(LEADS);
            let server = Shop::with(&[])
                .open(move |request| {
                    let number = |name| request.param(name).map_or(0, |value: &str| value.parse::<usize>().unwrap());
                    match request.path().strip_prefix("/v1/leads")? {
                        "" => {
                            let rows = list(&all, number("offset"), number("limit"));
                            Some(Reply::json(json!({"leads": rows, "total_count": total, "has_more": true})))
                        }
                        "/gone" => None,
                        id => Some(Reply::json(lead(&id[1..], json!("Jane Smith")))),
                    }
                })
                .await;
            let mut targets: Vec<_> = (0..LEADS).map(|n| target(&format!("{n:04}"))).collect();
            targets.push(target("gone"));
            let seen = client(&server, &format!("page_size = {limit}")).observe(&targets, &Session::default()).await;
            assert!(seen[..LEADS].iter().all(|observation| observation.now.is_ok()), "{way} {total:?} {limit}");
            assert_eq!(seen[LEADS].now.as_ref().unwrap_err().kind, ErrorKind::NotFound);
            let (pages, requests) = (pages(&server), server.requests().len());
            assert!(pages <= 8 && requests <= LEADS + 9, "{way} {total:?} {limit}: {pages} of {requests}");
        }
    }
}
