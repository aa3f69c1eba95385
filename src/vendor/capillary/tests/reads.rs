use super::*;
use crate::vendor::Looking;

fn target(id: u64, candidates: &[Assignment]) -> Target {
    Target { id: TargetId::new(id.to_string()), scope: (7_000 + id).to_string(), candidates: candidates.to_vec() }
}

async fn observe(client: &Capillary, targets: &[Target], looking: Looking) -> Vec<String> {
    let read = client.observe(targets, &Session { looking, ..Session::default() }).await;
    read.into_iter()
        .map(|read| match read.now {
            Ok(now) => now.label().to_string(),
            Err(error) => format!("{:?}", error.kind),
        })
        .collect()
}

#[tokio::test]
async fn the_likely_owners_are_asked_first() {
    let org = Org::with(&[(1, "asha.k"), (2, "ravi.m"), (3, "mia.s"), (4, "somebody else")]);
    let server = org.open(|_| None).await;
    let client = client(&server, "");
    client.people().await.unwrap();
    server.forget();
    let likely = [asha(), ravi()];
    assert_eq!(observe(&client, &[target(1, &likely)], Looking::Ahead).await, ["Asha"]);
    let lines = server.lines();
    assert_eq!(lines, ["GET /v2/leads?owner=11&userId=7001&limit=100&offset=0&sortBy=createdon&sortOrder=ASC"]);
    let targets: Vec<Target> = (1..=5).map(|id| target(id, &likely)).collect();
    // The third is found with somebody else, the fourth with nobody, and the fifth does not exist.
    let expected = ["Asha", "Ravi", "Mia", "not known", "NotFound"];
    assert_eq!(observe(&client, &targets, Looking::Deciding).await, expected);
    assert_eq!(observe(&client, &targets, Looking::Ahead).await, expected);
    // Polling is cheap: nobody else is asked.
    server.forget();
    assert_eq!(observe(&client, &targets[2..3], Looking::Polling).await, ["not known"]);
    assert!(!server.lines().iter().any(|line| line.contains("owner=13")));
}

#[tokio::test]
async fn in_two_lists_is_not_known() {
    let org = Org::with(&[(1, "asha.k")]);
    let row = org.row(1);
    let server = org.open(move |request| request.param("owner").map(|_| list(std::slice::from_ref(&row)))).await;
    let client = client(&server, "");
    assert_eq!(observe(&client, &[target(1, &[asha(), ravi()])], Looking::Deciding).await, ["not known"]);
}

#[tokio::test]
async fn leads_of_one_customer_are_asked_for_together() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k"), (3, "ravi.m")]);
    for id in [1, 2, 3] {
        org.set(id, "userId", json!(7_001));
    }
    let server = org.open(|_| None).await;
    let client = client(&server, "");
    client.people().await.unwrap();
    server.forget();
    let of = |id| Target { scope: "7001".to_owned(), ..target(id, &[asha(), ravi()]) };
    assert_eq!(observe(&client, &[of(1), of(2), of(3)], Looking::Ahead).await, ["Asha", "Asha", "Ravi"]);
    let asked: Vec<_> =
        server.requests().iter().filter_map(|request| request.param("owner").map(str::to_owned)).collect();
    assert_eq!(asked, ["11", "11", "12", "12"], "a second page each, as not all are in a first one");
}

#[tokio::test]
async fn a_lead_whose_customer_nobody_told_is_looked_for_in_the_list() {
    let server = Org::with(&[(1, "asha.k"), (2, "ravi.m")]).open(|_| None).await;
    let client = client(&server, "");
    let targets = [1, 2, 9].map(|id| Target { scope: String::new(), ..target(id, &[asha(), ravi()]) });
    assert_eq!(observe(&client, &targets, Looking::Ahead).await, ["Asha", "Ravi", "NotFound"]);
    let lead = client.detail(&"2".into()).await.unwrap();
    assert_eq!((lead.name.as_str(), lead.scope.as_str()), ("Shoe 2", "7002"));
    listed(&client).await.unwrap();
    assert_eq!(client.detail(&"2".into()).await.unwrap().owner.label().as_str(), "Ravi");
    assert_eq!(client.detail(&"9".into()).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn in_nobodys_list_is_nobody_where_that_is_what_we_made_it() {
    let server = Org::with(&[(1, ""), (2, "ravi.m")]).open(|_| None).await;
    let nobody = [Assignment::unassigned(), asha()];
    let expected = [("", "not known"), ("unassign_mode = \"empty_string\"", "nobody")];
    for (more, first) in expected {
        let client = client(&server, more);
        let read = observe(&client, &[target(1, &nobody), target(2, &nobody)], Looking::Ahead).await;
        assert_eq!(read, [first, "Ravi"], "{more}");
    }
    let placeholder = client(&server, "unassign_mode = \"placeholder\"\nunassign_placeholder = \"ravi.m\"");
    let read = observe(&placeholder, &[target(1, &nobody), target(2, &nobody)], Looking::Ahead).await;
    assert_eq!(read, ["not known", "nobody"]);
    assert_eq!(owners(&listed(&placeholder).await.unwrap()), pairs(&[("1", "not known"), ("2", "nobody")]));
}

#[tokio::test]
async fn credentials_that_are_refused_are_not_tried_a_thousand_times() {
    let org = Org::with(&[(1, "asha.k")]);
    let server = org.open(|request| (request.path() == "/v2/leads").then(|| Reply::status(401))).await;
    let client = client(&server, "");
    let targets: Vec<Target> = (1..=50).map(|id| target(id, &[asha(), ravi()])).collect();
    let read = observe(&client, &targets, Looking::Ahead).await;
    assert!(read.iter().all(|read| read == "SignIn"), "{read:?}");
    let asked = server.lines().iter().filter(|line| line.contains("/v2/leads")).count();
    assert!(asked <= 2, "{asked}");
}

#[tokio::test]
async fn customers_are_asked_for_once_and_only_where_that_is_wanted() {
    let org = Org::with(&[(1, "asha.k"), (2, "asha.k")]);
    let server = org
        .open(|request| match request.path() {
            "/v2/customers/7001" => Some(Reply::json(json!({"id": 7001, "profiles": [
                {"firstName": "Zoë", "lastName": "Ng", "identifiers": [{"type": "mobile", "value": "49301"}]}
            ]}))),
            "/v2/customers/7002" => {
                Some(Reply::text(400, r#"{"errors":[{"status":false,"code":8065,"message":"no customer"}]}"#))
            }
            _ => None,
        })
        .await;
    let client = client(&server, "customer_names = true\ncustomer_source = \"ALL\"");
    assert!(client.capabilities().private_names && !client.capabilities().names_in_rows);
    let kept = listed(&client).await.unwrap();
    assert_eq!((kept.leads[0].name.as_str(), kept.leads[0].list.as_str()), ("", "Shoe 1"));
    for _ in 0..2 {
        let lead = client.detail(&"1".into()).await.unwrap();
        assert_eq!((lead.name.as_str(), lead.phone.as_str()), ("Zoë Ng", "49301"));
        assert_eq!(client.detail(&"2".into()).await.unwrap().name.as_str(), "");
    }
    let asked: Vec<_> = server.lines().into_iter().filter(|line| line.contains("customers")).collect();
    assert_eq!(asked, ["GET /v2/customers/7001?source=ALL", "GET /v2/customers/7002?source=ALL"]);
}

#[tokio::test]
async fn nobody_is_not_said_on_the_strength_of_lists_that_are_not_whole() {
    let leads: Vec<(u64, &str)> = (1..=9).map(|id| (id, if id == 9 { "ravi.m" } else { "" })).collect();
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    let server = Org::with(&leads)
        .open(move |request| {
            // All of Ravi's leads at once are too much for the server, one customer's are not.
            let is_it = request.param("owner") == Some("12") && request.param("userId").is_none();
            (is_it && is_broken.load(std::sync::atomic::Ordering::SeqCst)).then(|| Reply::text(400, "{}"))
        })
        .await;
    let client = client(&server, "unassign_mode = \"empty_string\"\nretries = 0");
    listed(&client).await.unwrap();
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let targets: Vec<Target> = (1..=9).map(|id| target(id, &[Assignment::unassigned()])).collect();
    let read = observe(&client, &targets, Looking::Ahead).await;
    assert_eq!(read, [["nobody"; 8].as_slice(), &["Ravi"]].concat());
}
