use super::*;
use crate::domain::PersonStatus;

fn with_owners(owners: &'static [&'static str]) -> impl Fn(&Request) -> Option<Reply> {
    move |request| match request.path() {
        "/api/v2/leads/list" => {
            let rows: Vec<_> = owners.iter().enumerate().map(|(n, owner)| lead(&format!("l{n}"), owner)).collect();
            Some(Reply::json(json!({"items": rows})))
        }
        _ => None,
    }
}

#[tokio::test]
async fn members_are_owners_where_they_accepted_and_have_the_role() {
    let server = server(|request| match (request.path(), request.param("starting_after")) {
        ("/api/v2/workspace-members", None) => Some(Reply::json(json!({
            "items": [
                member("view", "Vera", "View", "view", true), member("new", "Nora", "New", "editor", false),
                member("jane", "Jane", "Smith", "owner", true)
            ],
            "next_starting_after": "m_jane"
        }))),
        ("/api/v2/workspace-members", Some(_)) => Some(Reply::json(json!({
            "items": [
                member("jane", "Jane", "Smith", "owner", true),
                {"id": "m_x", "user_id": "u_x", "email": "x@x.example", "name": null, "nickname": "Xenia", "role": "editor",
                 "accepted": true},
                {"id": "m_y", "user_id": "u_y", "email": "y@x.example", "role": "admin", "accepted": true},
                {"role": "admin"}
            ]
        }))),
        _ => None,
    })
    .await;
    let vendor = client(&server, "");
    let people = vendor.people().await.unwrap();
    let shown: Vec<_> = people
        .iter()
        .map(|person| format!("{} {} {} {:?}", person.id, person.label(), person.group, person.status))
        .collect();
    assert_eq!(
        shown,
        [
            "u_jane Jane Smith owner Active",
            "u_x Xenia editor Active",
            "u_y y@x.example admin Active",
            "u_view Vera View view Inactive",
            "u_new Nora New editor (invited) Inactive",
        ]
    );
    assert_eq!(people[0].email.as_str(), "jane@x.example");
    assert_eq!(people[0].other_ids, [("user_id".into(), "u_jane".into()), ("id".into(), "m_jane".into())]);
    assert_eq!(vendor.notices(), ["These leads are in the Instantly workspace “Outreach ␛[2J Ltd”."]);
    let people = client(&server, "owner_roles = [\"view\"]").people().await.unwrap();
    let active: Vec<_> = people.iter().filter(|p| p.status == PersonStatus::Active).map(|p| p.id.as_str()).collect();
    assert_eq!(active, ["u_view"]);
}

#[tokio::test]
async fn the_kind_of_id_is_the_one_that_leads_have() {
    for (owners, setting, id) in [
        (&["u_joe", "gone"] as &[&str], "auto", "u_jane"),
        (&["m_joe", "gone"], "auto", "m_jane"),
        (&["gone"], "auto", "u_jane"),
        (&[""], "auto", "u_jane"),
        (&["m_joe"], "user_id", "u_jane"),
        (&["u_joe"], "id", "m_jane"),
    ] {
        let server = server(with_owners(owners)).await;
        let people = client(&server, &format!("owner_id_field = \"{setting}\"")).people().await.unwrap();
        assert_eq!(people[0].id.as_str(), id, "{owners:?} {setting}");
        let sampled = asked(&server, "POST /leads/list");
        assert_eq!(sampled, usize::from(setting == "auto"), "leads are only read to tell the kind");
    }
}

#[tokio::test]
async fn where_both_kinds_fit_a_person_has_to_say() {
    let server = server(with_owners(&["u_joe", "m_jane"])).await;
    let vendor = client(&server, "");
    let error = vendor.people().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Setting);
    assert!(error.message.contains("1 owners of leads are members by user_id and 1 by id"), "{error}");
    assert!(error.remedy.contains("owner_id_field"));
    let report = vendor.write(&changes(1), &Session::default()).await;
    assert_eq!(report.halt.map(|halt| halt.kind), Some(ErrorKind::Setting));
    assert_eq!(asked(&server, "PATCH /leads/l0"), 0);
    // What a lead was seen with is put back all the same.
    let was = Assignment::Owner(OwnerRef::with_id("m_jane"));
    let report = vendor.write(&[change("l0", was)], &Session { undo: true, ..Session::default() }).await;
    assert_eq!((report.outcomes, report.halt), (vec![WriteOutcome::Done], None));
    assert!(client(&server, "owner_id_field = \"user_id\"").people().await.is_ok());
}

#[tokio::test]
async fn a_kind_that_turns_out_wrong_later_stops_before_anything_is_sent() {
    let server = server(|request| match request.path() {
        "/api/v2/leads/list" => {
            let owner = if request.json()["starting_after"].is_null() { "" } else { "m_joe" };
            let mut answer = json!({"items": [lead(if owner.is_empty() { "a" } else { "b" }, owner)]});
            if owner.is_empty() {
                answer["next_starting_after"] = json!("a");
            }
            Some(Reply::json(answer))
        }
        _ => None,
    })
    .await;
    let vendor = client(&server, "");
    // Two pages are looked at, so this is found in time.
    assert_eq!(vendor.people().await.unwrap()[0].id.as_str(), "m_jane");
    let report = vendor.write(&changes(1), &Session::default()).await;
    let halt = report.halt.unwrap();
    assert!(
        halt.message.contains("u_jane is a member's user_id, but the owners that leads have are given by id"),
        "{halt}"
    );
    assert_eq!(words(&report.outcomes[0]).0, "not applied");
    assert!(!server.lines().iter().any(|line| line.starts_with("PATCH")));
    // Somebody who left is nobody's either id: only the server can tell.
    let former = [change("a", Assignment::Owner(OwnerRef::with_id("u_former")))];
    assert!(vendor.write(&former, &Session::default()).await.halt.is_none());
}

#[tokio::test]
async fn people_and_leads_side_by_side_read_members_no_more_than_needed() {
    let server = server(|_| None).await;
    let vendor = client(&server, "");
    let (people, leads) = tokio::join!(vendor.people(), list(&vendor));
    assert_eq!(people.unwrap().len(), 2);
    assert_eq!(leads.unwrap().leads[0].owner, joe());
    assert!(asked(&server, "GET /workspace-members") <= 2);
}

#[tokio::test]
async fn a_name_that_may_not_be_read_holds_nothing_up() {
    let forbidden = r#"{"message":"missing scope"}"#;
    let server = server(move |request| match request.path() {
        "/api/v2/workspaces/current" | "/api/v2/campaigns" => Some(Reply::text(403, forbidden)),
        "/api/v2/leads/list" => Some(Reply::status(400)),
        _ => None,
    })
    .await;
    let vendor = client(&server, "");
    assert_eq!(vendor.people().await.unwrap()[0].id.as_str(), "u_jane");
    assert_eq!(vendor.notices(), Vec::<String>::new());
    let server = super::server(|request| {
        (request.path() == "/api/v2/workspace-members").then(|| Reply::text(403, r#"{"message":"no"}"#))
    })
    .await;
    let vendor = client(&server, "");
    let error = vendor.people().await.unwrap_err();
    assert!(error.remedy.contains("workspace_members:read"), "{error:?}");
    let kept = list(&vendor).await.unwrap();
    assert_eq!(kept.leads[0].owner, Assignment::Owner(OwnerRef::with_id("u_joe")), "owners are shown by id then");
}
