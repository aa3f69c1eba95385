use super::super::lead::record;
use super::*;
use crate::domain::{LeadFlags, Lifecycle};
use proptest::prelude::*;

fn names() -> Names {
    let mut names = Names::default();
    names.people.insert(PersonId::new("u_joe"), "Joe Miller".into());
    names.labels.insert(77, "Hot".into());
    names.collections.insert((crate::domain::campaign::CollectionKind::Campaign, "c1".to_owned()), "Autumn".into());
    names
}

#[test]
fn a_lead_in_our_words() {
    let lead = record(
        &json!({
            "id": "0192-a", "timestamp_created": "2026-02-03T04:05:06.789Z", "timestamp_updated": "2026-02-03T04:05:06.789Z",
            "organization": "w1", "campaign": "c1", "list_id": "li9", "email": "zoe@acme.example", "first_name": "Zoë",
            "last_name": "O'Brien\u{202e}", "company_name": "Acme", "job_title": "CTO", "phone": null, "website": "",
            "company_domain": "acme.example", "status": 3, "lt_interest_status": 2, "verification_status": -2,
            "assigned_to": "u_joe", "upload_method": "api", "email_open_count": 4, "status_summary": {"lastStep": {}},
            "timestamp_last_reply": null, "a_new_field": [1],
            "payload": {
                "firstName": "Zoë", "companyName": "Other Inc", "phone": "+49 30", "jobTitle": "CTO",
                "location": "Berlin", "email_open_count": "theirs", "empty": null
            }
        }),
        &names(),
    )
    .unwrap();
    assert_eq!((lead.id.as_str(), lead.name.as_str()), ("0192-a", "Zoë O'Brien‹RLO›"));
    assert_eq!((lead.company.as_str(), lead.email.as_str()), ("Acme", "zoe@acme.example"));
    assert_eq!(lead.phone.as_str(), "+49 30", "from the custom variables, where the lead has none");
    assert_eq!((lead.status.as_str(), lead.source.as_str(), lead.score), ("Completed", "api", None));
    assert_eq!((lead.campaign.as_str(), lead.list.as_str(), lead.scope.as_str()), ("c1", "li9", "campaign:c1"));
    assert_eq!(lead.created_at.unwrap().to_string(), "2026-02-03T04:05:06.789Z");
    assert_eq!(lead.owner, joe());
    assert_eq!((lead.lifecycle, lead.flags), (Lifecycle::Open, LeadFlags::default()));
    let expected = json!({
        "interest": "Meeting booked", "verification": "Risky", "campaign_name": "Autumn", "organization": "w1",
        "job_title": "CTO", "company_domain": "acme.example", "lt_interest_status": 2, "verification_status": -2,
        "email_open_count": 4, "status_summary": {"lastStep": {}}, "a_new_field": [1],
        "companyName": "Other Inc", "location": "Berlin", "payload.email_open_count": "theirs"
    });
    assert_eq!(Value::Object(lead.extra), expected);
}

#[test]
fn only_won_and_lost_are_closed_and_labels_have_names() {
    let of = |interest: Value| record(&json!({"id": "a", "lt_interest_status": interest}), &names()).unwrap();
    for (number, word, lifecycle) in [
        (0, "Out of office", Lifecycle::Open),
        (1, "Interested", Lifecycle::Open),
        (4, "Won", Lifecycle::Closed),
        (-1, "Not interested", Lifecycle::Open),
        (-2, "Wrong person", Lifecycle::Open),
        (-3, "Lost", Lifecycle::Closed),
        (-4, "No show", Lifecycle::Open),
        (77, "Hot", Lifecycle::Open),
    ] {
        let lead = of(json!(number));
        assert_eq!((lead.extra["interest"].as_str().unwrap(), lead.lifecycle), (word, lifecycle));
        assert_eq!(lead.extra["lt_interest_status"], number);
    }
    let strange = of(json!(1234));
    assert_eq!((strange.extra.get("interest"), strange.lifecycle), (None, Lifecycle::Open));
    let of = |row: Value| record(&row, &names()).unwrap();
    assert!(of(json!({"id": "a", "status": -2})).flags.has(LeadFlags::EMAIL_OPT_OUT));
    assert_eq!(of(json!({"id": "a", "status": -2})).status.as_str(), "Unsubscribed");
    assert_eq!(of(json!({"id": "a", "status": -1})).status.as_str(), "Bounced");
    assert!(of(json!({"id": "a", "verification_status": -1})).flags.has(LeadFlags::INVALID));
    assert_eq!(of(json!({"id": "a", "status": 42})).status.as_str(), "42", "an unknown number stays one");
}

#[test]
fn nobody_has_several_spellings_and_what_is_no_id_is_not_known() {
    let of = |row: Value| record(&row, &names()).unwrap().owner;
    for row in [json!({"id": "a"}), json!({"id": "a", "assigned_to": null}), json!({"id": "a", "assigned_to": " "})] {
        assert!(of(row.clone()).is_same(&Assignment::unassigned()), "{row}");
    }
    assert_eq!(of(json!({"id": "a", "assigned_to": "u_gone"})), Assignment::Owner(OwnerRef::with_id("u_gone")));
    for odd in [json!({"id": "u1"}), json!(["u1"]), json!(true)] {
        let lead = record(&json!({"id": "a", "assigned_to": odd}), &names()).unwrap();
        assert_eq!((lead.owner, &lead.extra["assigned_to"]), (Assignment::Unknown, &odd));
    }
}

#[test]
fn without_an_id_there_is_no_lead() {
    for row in [json!(null), json!("a"), json!({}), json!({"id": null}), json!({"id": ""}), json!({"id": ["a"]})] {
        assert!(record(&row, &names()).is_err(), "{row}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let keys = prop_oneof![Just("firstName".to_owned()), Just("phone".to_owned()), any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((keys, inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_with_an_id_is_a_lead(values in proptest::collection::vec(any_json(), 12), more in any_json()) {
        let keys = [
            "first_name", "company_name", "email", "status", "timestamp_created", "timestamp_updated", "campaign",
            "list_id", "assigned_to", "payload", "lt_interest_status", "verification_status",
        ];
        let mut row = json!({"id": "x", "other": more});
        for (key, value) in keys.into_iter().zip(values) {
            row[key] = value;
        }
        let lead = record(&row, &names()).unwrap();
        let shown = serde_json::to_string(&lead.extra).unwrap();
        prop_assert!(!shown.contains("\\u001b") && !shown.chars().any(char::is_control));
    }
}
