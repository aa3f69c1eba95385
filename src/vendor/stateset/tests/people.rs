use super::*;
use crate::domain::PersonStatus;

/// A server with nothing but this list.
async fn users(list: Value) -> Server {
    Server::start(move |_, _| Reply::json(list.clone())).await
}

fn names(people: &[Person]) -> Vec<String> {
    people
        .iter()
        .map(|person| {
            let mark = if person.status == PersonStatus::Active { "" } else { " -" };
            format!("{} {}{mark}", person.id.as_str(), person.name.as_str())
        })
        .collect()
}

#[tokio::test]
async fn users_in_both_spellings() {
    let server = users(json!({"users": [
        {"id": 1, "active": true, "firstName": "Jane", "lastName": "Smith", "email": "j@x.example", "username": "js"},
        {"id": "u2", "first_name": "Bo", "last_name": "Ek", "status": "ACTIVE", "role": "rep", "email": "b@x.example"},
        {"id": "u3", "firstName": "Off", "active": false},
        {"id": "u4", "first_name": "Gone", "status": "SUSPENDED"},
        {"id": "u5", "email": "nameless@x.example"},
        {"firstName": "No", "lastName": "Id"},
        {"id": "u2", "first_name": "Twice"},
    ], "pagination": {"total": 7, "limit": 100, "offset": 0}}))
    .await;
    let all = client(&server, "").people().await.unwrap();
    assert_eq!(names(&all), ["1 Jane Smith", "u2 Bo Ek", "u3 Off -", "u4 Gone -", "u5  -"]);
    assert_eq!((all[1].group.as_str(), all[1].email.as_str()), ("rep", "b@x.example"));
    assert_eq!(server.lines(), ["GET /v1/users?limit=100&offset=0&order_direction=asc"]);
    let shown = client(&server, "hide_inactive = false").people().await.unwrap();
    assert_eq!(names(&shown), ["1 Jane Smith", "u2 Bo Ek", "u3 Off", "u4 Gone", "u5  -"]);
    // What would be written is what decides who can be given leads.
    let by_email = client(&server, "owner_value = \"email\"").people().await.unwrap();
    assert_eq!(names(&by_email), ["1 Jane Smith", "u2 Bo Ek", "u3 Off -", "u4 Gone -", "u5 "]);
}

#[tokio::test]
async fn owners_by_hand_replace_the_users() {
    let server = users(json!([{"id": "u1", "firstName": "Jane"}])).await;
    let settings =
        "owner_value = \"username\"\nowners = [{ id = \"7\", name = \"Nina\", username = \"nn\" }, { id = \"8\" }]";
    let client = client(&server, settings);
    assert_eq!(names(&client.people().await.unwrap()), ["7 Nina", "8  -"]);
    let (directory, _) = client.users_for(["nn", "unheard of"], &Asking::default()).await;
    assert_eq!(directory.read("nn"), OwnerRef::new("7", "Nina"));
    assert!(server.lines().is_empty(), "the list by hand needs no request");
}

#[tokio::test]
async fn a_new_user_is_found_when_a_lead_names_one() {
    let known = Arc::new(Mutex::new(vec![json!({"id": "u1", "firstName": "Jane", "lastName": "Smith"})]));
    let list = known.clone();
    let server =
        Server::start(move |_, _| Reply::json(json!({"users": *list.lock().unwrap(), "has_more": false}))).await;
    let mut client = client(&server, "");
    client.refresh_after = Duration::ZERO;
    let read = async |text: &'static str| client.users_for([text], &Asking::default()).await.0.read(text);
    assert_eq!(read("Jane Smith").await, OwnerRef::new("u1", "Jane Smith"));
    assert_eq!(read("Jane Smith").await, OwnerRef::new("u1", "Jane Smith"));
    assert_eq!(server.lines().len(), 1);
    // Nobody yet: looked for once, not each time it is seen.
    assert_eq!(read("Nina Neu").await, OwnerRef::named("Nina Neu"));
    assert_eq!(read("Nina Neu").await, OwnerRef::named("Nina Neu"));
    assert_eq!(server.lines().len(), 2);
    known.lock().unwrap().push(json!({"id": "u2", "firstName": "Nina", "lastName": "Neu"}));
    assert_eq!(read("somebody else").await, OwnerRef::named("somebody else"));
    assert_eq!(read("Nina Neu").await, OwnerRef::new("u2", "Nina Neu"));
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn users_that_were_just_read_are_not_read_again() {
    let server = users(json!({"users": [], "has_more": false})).await;
    let client = client(&server, "");
    for text in ["a", "b", "c"] {
        client.users_for([text], &Asking::default()).await;
    }
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn leads_are_listed_without_users_and_that_is_told_once() {
    let shop = Shop::with(&[("a", json!("Jane Smith"))]);
    let server = shop.open(|request| (request.path() == "/v1/users").then(|| Reply::status(403))).await;
    let client = client(&server, "");
    let kept = list(&client).await.unwrap();
    assert_eq!(kept.leads[0].owner, named("Jane Smith"));
    assert_eq!(kept.troubles.len(), 1);
    assert!(kept.troubles[0].contains("users of StateSet") && kept.troubles[0].contains("403"), "{:?}", kept.troubles);
    let error = client.people().await.unwrap_err();
    assert!(error.kind == ErrorKind::Forbidden && error.remedy.contains("owners"), "{error:?}");
}

#[tokio::test]
async fn names_that_several_share_are_told_before_anything_is_planned() {
    let server = users(json!({"users": [
        {"id": "u1", "firstName": "Jane", "lastName": "Smith", "email": "1@x.example"},
        {"id": "u2", "firstName": "Jane", "lastName": "Smith", "email": "2@x.example"},
        {"id": "u3", "firstName": "Jane", "lastName": "Doe", "active": false},
        {"id": "u4", "firstName": "Jane", "lastName": "Doe"},
    ], "has_more": false}))
    .await;
    let by_name = client(&server, "");
    assert!(by_name.notices().is_empty());
    by_name.people().await.unwrap();
    assert!(by_name.notices()[0].contains("Several users have the name “Jane Smith”,"), "{:?}", by_name.notices());
    let by_email = client(&server, "owner_value = \"email\"");
    by_email.people().await.unwrap();
    assert!(by_email.notices().is_empty());
}
