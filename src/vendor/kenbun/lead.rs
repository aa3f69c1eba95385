//! Leads as kenbun sends them, made ours. Only the id has to be right; everything else may be missing, null or of
//! another type without spoiling the row, let alone its page.

use serde_json::{Map, Value};

use super::owner;
use crate::domain::{LeadId, LeadRecord, SafeText};
use crate::vendor::fields::{keep, text, timestamp, whole_number};

/// Keys that have a place of their own in a record.
const KNOWN: [&str; 9] =
    ["lead_id", "score", "created_at", "updated_at", "owner_name", "owner_id", "metadata", "aliases", "email"];

/// Reads a row of the list, or a detail. The error says what is wrong with its id.
pub fn record(row: &Value) -> Result<LeadRecord, &'static str> {
    let row = row.as_object().ok_or("it is not an object")?;
    let mut lead = LeadRecord {
        id: id(row.get("lead_id"))?,
        score: row.get("score").and_then(whole_number),
        created_at: row.get("created_at").and_then(timestamp),
        updated_at: row.get("updated_at").and_then(timestamp),
        email: row.get("email").and_then(text).unwrap_or_default(),
        owner: owner::read(row),
        ..LeadRecord::default()
    };
    for (key, value) in row.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())) {
        keep(&mut lead.extra, "metadata.", key, value);
    }
    let metadata = row.get("metadata").and_then(Value::as_object);
    if let Some(metadata) = metadata {
        describe(&mut lead, metadata);
    }
    if let Some(aliases) = row.get("aliases").filter(|aliases| !aliases.is_null()) {
        if lead.email.is_empty() {
            lead.email = email_alias(aliases).unwrap_or_default();
        }
        keep(&mut lead.extra, "metadata.", "aliases", aliases);
    }
    // What stood in the place of a known field and could not be understood stays visible.
    for key in ["score", "created_at", "updated_at"] {
        let understood = match key {
            "score" => lead.score.is_some(),
            "created_at" => lead.created_at.is_some(),
            _ => lead.updated_at.is_some(),
        };
        if let Some(value) = row.get(key).filter(|value| !understood && !value.is_null()) {
            keep(&mut lead.extra, "metadata.", key, value);
        }
    }
    if let (Some(value), None) = (row.get("metadata").filter(|value| !value.is_null()), metadata) {
        keep(&mut lead.extra, "metadata.", "metadata", value);
    }
    Ok(lead)
}

/// A lead's id: opaque, but there.
fn id(value: Option<&Value>) -> Result<LeadId, &'static str> {
    match value {
        // A text that could not be read whole would be another lead's id.
        Some(Value::String(id)) if id.contains('\u{fffd}') => Err("its lead_id is not readable"),
        Some(Value::String(id)) if !id.is_empty() => Ok(LeadId::new(id)),
        Some(Value::Number(id)) if id.is_u64() => Ok(LeadId::new(id.to_string())),
        Some(_) => Err("its lead_id is not a text"),
        None => Err("it has no lead_id"),
    }
}

/// Puts the free keys of `metadata` where people look for them; the rest stays beside, under its own name.
fn describe(lead: &mut LeadRecord, metadata: &Map<String, Value>) {
    let (mut first, mut last) = (SafeText::empty(), SafeText::empty());
    for (key, value) in metadata {
        let plain: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let place = match plain.as_str() {
            "firstname" | "givenname" => &mut first,
            "lastname" | "familyname" | "surname" => &mut last,
            "name" | "fullname" => &mut lead.name,
            "company" | "companyname" => &mut lead.company,
            "email" | "emailaddress" => &mut lead.email,
            "phone" | "phonenumber" | "mobile" => &mut lead.phone,
            "status" | "leadstatus" => &mut lead.status,
            "source" | "leadsource" => &mut lead.source,
            _ => {
                keep(&mut lead.extra, "metadata.", key, value);
                continue;
            }
        };
        match text(value) {
            Some(found) if place.is_empty() => *place = found,
            Some(found) if *place == found => {}
            // A second phone number, a list where a text should be.
            _ if !value.is_null() => keep(&mut lead.extra, "metadata.", key, value),
            _ => {}
        }
    }
    let both = format!("{first} {last}");
    match both.trim() {
        "" => {}
        both if lead.name.is_empty() || lead.name.as_str() == both => lead.name = SafeText::new(both),
        // Both a whole name and its parts, and they differ: the parts are what the contract knows.
        both => {
            let whole = std::mem::replace(&mut lead.name, SafeText::new(both));
            keep(&mut lead.extra, "metadata.", "name", &Value::String(whole.to_string()));
        }
    }
}

/// The e-mail address among aliases, written as `[{"kind": "email", "value": "…"}]` or `{"email": "…"}`.
fn email_alias(aliases: &Value) -> Option<SafeText> {
    match aliases {
        Value::Array(list) => list
            .iter()
            .find(|alias| alias.get("kind").or_else(|| alias.get("type")).and_then(Value::as_str) == Some("email"))
            .and_then(|alias| text(alias.get("value")?)),
        Value::Object(object) => match object.get("email")? {
            Value::Array(list) => text(list.first()?),
            one => text(one),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Assignment;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_row_of_the_list() {
        let lead = record(&json!({
            "lead_id": "ld_123", "org_id": "org_1", "score": 87, "ruleset_id": "",
            "last_event_at": null, "created_at": "2026-10-01T08:00:00Z", "updated_at": "2026-10-02T08:00:00.5+02:00",
            "owner_name": "Jane Smith", "engagement_scores": {"rs_1": 87}, "ruleset_names": {"rs_1": "Def\u{1b}ault"}
        }))
        .unwrap();
        assert_eq!((lead.id.as_str(), lead.score), ("ld_123", Some(87)));
        assert_eq!(lead.updated_at.unwrap().to_string(), "2026-10-02T06:00:00.5Z");
        assert_eq!(lead.owner.label().as_str(), "Jane Smith");
        let keys: Vec<_> = lead.extra.keys().map(String::as_str).collect();
        assert_eq!(keys, ["org_id", "ruleset_id", "last_event_at", "engagement_scores", "ruleset_names"]);
        assert_eq!(lead.extra["ruleset_names"]["rs_1"], "Def␛ault");
    }

    #[test]
    fn a_detail_with_metadata() {
        let lead = record(&json!({
            "lead_id": "a/b?c", "org_id": "org_1", "owner_name": null,
            "metadata": {
                "first_name": "Zoë", "last_name": "O'Brien\u{202e}", "company": "Acme", "title": "CTO",
                "Email": "zoe@acme.example", "phone": 4930123, "mobile": "0170", "Lead Source": "web", "status": "new",
                "org_id": "their own", "deal": {"size": 5}
            }
        }))
        .unwrap();
        assert_eq!(lead.name.as_str(), "Zoë O'Brien‹RLO›");
        assert_eq!((lead.company.as_str(), lead.email.as_str()), ("Acme", "zoe@acme.example"));
        assert_eq!((lead.phone.as_str(), lead.source.as_str(), lead.status.as_str()), ("4930123", "web", "new"));
        assert_eq!(lead.owner, Assignment::unassigned());
        let extra = Value::Object(lead.extra);
        let expected = json!({
            "org_id": "org_1", "title": "CTO", "mobile": "0170", "metadata.org_id": "their own", "deal": {"size": 5}
        });
        assert_eq!(extra, expected);
    }

    #[test]
    fn odd_types_spoil_nothing() {
        let lead = record(&json!({
            "lead_id": 12, "score": "41.6", "created_at": {}, "updated_at": 1767225600, "owner_name": [],
            "metadata": "free text", "email": 7, "aliases": [{"kind": "email", "value": "a@b.example"}]
        }))
        .unwrap();
        assert_eq!((lead.id.as_str(), lead.score, lead.created_at), ("12", Some(42), None));
        assert_eq!(lead.updated_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(lead.owner, Assignment::Unknown);
        assert_eq!(lead.extra["metadata"], "free text");
        assert_eq!(lead.extra["created_at"], json!({}));
        assert_eq!(timestamp(&json!("0001-01-01T00:00:00Z")), None);
        assert_eq!(timestamp(&json!("2026-01-01 10:00:00")).unwrap().to_string(), "2026-01-01T10:00:00Z");
        assert_eq!(timestamp(&json!("yesterday")), None);
        assert_eq!(timestamp(&json!(1e300)), None);
        for aliases in [json!({"email": "x@y.example"}), json!({"email": ["x@y.example"]})] {
            assert_eq!(record(&json!({"lead_id": "1", "aliases": aliases})).unwrap().email.as_str(), "x@y.example");
        }
    }

    #[test]
    fn without_an_id_there_is_no_lead() {
        for row in [
            json!(null),
            json!("ld_1"),
            json!({}),
            json!({"lead_id": null}),
            json!({"lead_id": ""}),
            json!({"lead_id": ["a"]}),
            json!({"lead_id": -1}),
            json!({"lead_id": "cut\u{fffd}"}),
        ] {
            assert!(record(&row).is_err(), "{row}");
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
        leaf.prop_recursive(3, 20, 4, |inner| {
            let keys = prop_oneof![
                Just("name".to_owned()),
                Just("first_name".to_owned()),
                Just("metadata".to_owned()),
                any::<String>()
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((keys, inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_with_an_id_is_a_lead(
            values in proptest::collection::vec(any_json(), 8), other in any::<String>(), more in any_json(),
        ) {
            let mut row = json!({"lead_id": "x"});
            for (key, value) in KNOWN.iter().skip(1).zip(values) {
                row[*key] = value;
            }
            row.as_object_mut().unwrap().entry(other).or_insert(more);
            let lead = record(&row).unwrap();
            let shown = serde_json::to_string(&lead.extra).unwrap();
            let steers = shown.contains("\\u001b") || shown.chars().any(|c| c.is_control());
            prop_assert!(!steers);
        }
    }
}
