use super::*;

fn processes(request: &Request, all: usize, metadata: impl Fn(usize) -> Value) -> Reply {
    let number = |name| request.param(name).and_then(|value: &str| value.parse::<usize>().ok()).unwrap();
    let (limit, offset) = (number("limit"), number("offset"));
    let rows: Vec<Value> = (1..=all)
        .skip(offset)
        .take(limit)
        .map(|n| json!({"processId": n, "processName": format!("P{n}"), "dateAdded": "2026-01-01T00:00:00Z"}))
        .collect();
    let metadata = metadata(rows.len());
    Reply::json(json!({"http_code": 200, "response": rows, "metadata": metadata}))
}

#[tokio::test]
async fn processes_are_read_ten_at_a_time_to_the_last() {
    for (all, requests) in [(0, 1), (9, 1), (10, 2), (23, 3)] {
        // The total is a text, and may be no number.
        let metadata = |count: usize| json!({"total": "many", "count": count, "offset": 0, "limit": 10});
        let server = Server::start(move |request, _| processes(request, all, metadata)).await;
        let found = client(&server, "").processes(&Asking::hot()).await.unwrap();
        assert_eq!((found.len(), server.requests().len()), (all, requests));
    }
    // A server that gives fewer at a time than it was asked for says so.
    let server = Server::start(|request, _| {
        let offset: usize = request.param("offset").unwrap().parse().unwrap();
        let rows: Vec<Value> = (offset..5).take(2).map(|n| json!({"processId": n})).collect();
        let metadata = json!({"total": "5", "count": rows.len(), "offset": offset, "limit": 2});
        Reply::json(json!({"response": rows, "metadata": metadata}))
    })
    .await;
    assert_eq!(client(&server, "").processes(&Asking::hot()).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_server_that_ignores_offsets_does_not_go_on_for_ever() {
    let server = Server::start(|_, _| {
        let rows: Vec<Value> = (0..10).map(|n| json!({"processId": n})).collect();
        Reply::json(json!({"response": rows}))
    })
    .await;
    assert_eq!(client(&server, "").processes(&Asking::hot()).await.unwrap().len(), 10);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn campaigns_of_other_processes_are_not_there() {
    let center = Center::with(&[(40, "asha.k")]);
    let server = center
        .open(|request| {
            request.path().ends_with("/hierarchyconfig/campaign").then(|| {
                Reply::json(json!([
                    {"campaignContextId": 7, "campaignContextName": "Winter", "processId": 3},
                    {"campaignContextId": 8, "campaignContextName": "Other", "processId": 4},
                    {"campaignContextName": "Without its number", "processId": 3},
                ]))
            })
        })
        .await;
    let all = client(&server, "process_ids = [\"3\"]");
    let found = all.collections().await.unwrap();
    let shown: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.name.as_str(), one.status.as_str())).collect();
    assert_eq!(shown, [("7", "Winter", "Sales")]);
    assert!(all.notices()[0].contains("1 campaigns are not shown"), "{:?}", all.notices());
    let error = all.mappings(Some("8")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message.contains("no campaign 8 in its process_ids"), "{error}");
    assert!(observe(&all, "8:40").await.is_err_and(|error| error.kind == ErrorKind::NotFound));
}

#[tokio::test]
async fn agents_come_from_the_roster_and_from_lists() {
    let center = Center::with(&[(40, "asha.k")]);
    let server = center.open(|_| None).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "user_id,display_name,team\nasha.k,Asha Kumar,North\nnew.one,New One,\nZED,Z,\n")
        .unwrap();
    let plain = client(&server, "");
    let ids = |people: &[Person]| people.iter().map(|person| person.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&plain.people().await.unwrap()), ["asha.k", "bob", "meera.t", "ravi.s", "zed"]);
    let asked = server.requests().len();
    plain.people().await.unwrap();
    assert_eq!(server.requests().len(), asked + 1, "campaigns that were looked into are not read again");

    let listed = client(&server, &format!("roster_file = {:?}", file.path().to_str().unwrap()));
    server.forget();
    let people = listed.people().await.unwrap();
    assert_eq!((ids(&people), server.requests().len()), (vec!["ZED".into(), "asha.k".into(), "new.one".into()], 0));
    assert_eq!((people[1].name.as_str(), people[1].group.as_str()), ("Asha Kumar", "North"));
    listed.mappings(Some("7")).await.unwrap();
    assert_eq!(listed.people().await.unwrap().len(), 7);
    assert!(listed.notices()[0].contains("ZED and zed differ in upper and lower case only"), "{:?}", listed.notices());
}
