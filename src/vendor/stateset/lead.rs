//! Leads as StateSet sends them, made ours. Only the id has to be right; everything else may be missing, null, of another
//! type or in the other spelling without spoiling the row, let alone its page.

use serde_json::{Map, Value};

use super::owner::Raw;
use super::users::Directory;
use crate::domain::{LeadFlags, LeadId, LeadRecord, Lifecycle, SafeText};
use crate::vendor::fields::{keep, text, timestamp};

/// The status of a lead that has become a contact and an opportunity.
const CONVERTED: &str = "converted";

const FLAGS: [(&str, LeadFlags); 4] = [
    ("do_not_call", LeadFlags::DO_NOT_CALL),
    ("invalid_lead", LeadFlags::INVALID),
    ("email_opt_out", LeadFlags::EMAIL_OPT_OUT),
    ("fax_opt_out", LeadFlags::FAX_OPT_OUT),
];

/// Makes a record of a row of the list or a single lead.
pub fn record(id: LeadId, fields: &Map<String, Value>, owner_field: &str, directory: &Directory) -> LeadRecord {
    let raw = Raw::of(fields, owner_field);
    let mut lead = LeadRecord { id, owner: raw.read_for_people(directory), ..LeadRecord::default() };
    let (mut first, mut last) = (SafeText::empty(), SafeText::empty());
    for (key, value) in fields {
        if let Some((_, flag)) = FLAGS.into_iter().find(|(name, _)| name == key)
            && let Some(is_set) = switch(value)
        {
            if is_set {
                lead.flags = lead.flags.with(flag);
            }
            continue;
        }
        let place = match key.as_str() {
            "id" => continue,
            "object" if value == "lead" => continue,
            key if key == owner_field && raw != Raw::Odd => continue,
            "created_at" | "createdAt" if lead.created_at.is_none() && timestamp(value).is_some() => {
                lead.created_at = timestamp(value);
                continue;
            }
            "firstName" | "first_name" => &mut first,
            "lastName" | "last_name" => &mut last,
            "email" => &mut lead.email,
            "phone" => &mut lead.phone,
            "status" => &mut lead.status,
            "leadSource" | "lead_source" => &mut lead.source,
            key => {
                keep(&mut lead.extra, "lead.", key, value);
                continue;
            }
        };
        match text(value) {
            Some(found) if place.is_empty() => *place = found,
            Some(found) if *place == found => {}
            // Both spellings with different texts, a list where a text should be.
            _ if !value.is_null() && value != "" => keep(&mut lead.extra, "lead.", key, value),
            _ => {}
        }
    }
    lead.name = SafeText::new(format!("{first} {last}").trim());
    if lead.status.as_str().eq_ignore_ascii_case(CONVERTED) {
        lead.lifecycle = Lifecycle::Closed;
    }
    if let Some((user, by)) = raw.text().and_then(|text| directory.meaning(text)) {
        // The text stays what it is; this is for the eyes.
        let meaning = format!("probably {}, by the {}", user.person.label(), by.label());
        keep(&mut lead.extra, "lead.", "owner is", &Value::String(meaning));
    }
    lead
}

/// Whether a field is one of the switches.
pub fn is_flag(key: &str) -> bool {
    FLAGS.iter().any(|(name, _)| *name == key)
}

fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(switch) => Some(*switch),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") || text.is_empty() => Some(false),
        Value::Null => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assignment, OwnerRef};
    use crate::vendor::stateset::settings::OwnerValue;
    use crate::vendor::stateset::users::User;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(row: Value) -> LeadRecord {
        let jane = User::by_hand("u1", "Jane Smith", "jane@x.example", "");
        let directory = Directory::new(vec![jane], OwnerValue::Name);
        record(LeadId::new("l1"), row.as_object().unwrap(), "owner", &directory)
    }

    #[test]
    fn a_lead_as_the_contract_has_it() {
        let lead = of(json!({
            "id": "l1", "object": "lead", "status": "new", "created_at": "2026-10-01T08:00:00Z",
            "firstName": "Zoë ", "lastName": "O'Brien\u{202e}", "email": "zoe@x.example", "phone": 4930123,
            "title": "CTO", "department": null, "leadSource": "trade_show", "owner": "Jane Smith",
            "last_modified_by": "bot\u{1b}", "do_not_call": true, "email_opt_out": false, "fax_opt_out": "true",
            "invalid_lead": null
        }));
        assert_eq!((lead.id.as_str(), lead.name.as_str()), ("l1", "Zoë O'Brien‹RLO›"));
        assert_eq!((lead.email.as_str(), lead.phone.as_str()), ("zoe@x.example", "4930123"));
        assert_eq!((lead.status.as_str(), lead.source.as_str()), ("new", "trade_show"));
        assert_eq!(lead.created_at.unwrap().to_string(), "2026-10-01T08:00:00Z");
        assert_eq!(lead.owner, Assignment::Owner(OwnerRef::new("u1", "Jane Smith")));
        assert_eq!(lead.flags, LeadFlags::DO_NOT_CALL.with(LeadFlags::FAX_OPT_OUT));
        assert_eq!(lead.lifecycle, Lifecycle::Open);
        let expected = json!({"title": "CTO", "department": null, "last_modified_by": "bot␛"});
        assert_eq!(Value::Object(lead.extra), expected);
    }

    #[test]
    fn the_other_spelling_and_odd_types() {
        let lead = of(json!({
            "id": "l1", "first_name": "Ann", "last_name": "Lee", "lead_source": "web", "status": "Converted",
            "created_at": {}, "email": ["a"], "do_not_call": 3, "owner": {"name": "Jane"}, "object": "thing"
        }));
        assert_eq!((lead.name.as_str(), lead.source.as_str(), lead.email.as_str()), ("Ann Lee", "web", ""));
        assert_eq!((lead.lifecycle, lead.owner, lead.created_at), (Lifecycle::Closed, Assignment::Unknown, None));
        let expected = json!({
            "created_at": {}, "email": ["a"], "do_not_call": 3, "owner": {"name": "Jane"}, "object": "thing"
        });
        assert_eq!(Value::Object(lead.extra), expected);
        assert_eq!(of(json!({"firstName": "A", "first_name": "B"})).extra["first_name"], "B");
    }

    #[test]
    fn another_notation_of_a_user_is_that_users_with_the_text_kept() {
        let lead = of(json!({"owner": "jane@x.example"}));
        assert_eq!(lead.owner, Assignment::Owner(OwnerRef::new("u1", "jane@x.example")));
        assert_eq!(lead.extra["owner is"], "probably Jane Smith, by the e-mail address");
        assert!(!of(json!({"owner": "somebody"})).extra.contains_key("owner is"));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_lead(key in "firstName|owner|created_at|do_not_call|status|.{0,5}", text in any::<String>()) {
            for value in [json!(text), json!([text]), json!({ text.clone(): text }), json!(1e300), Value::Null] {
                let lead = of(json!({ key.clone(): value }));
                let shown = format!("{}{}{}", lead.name, lead.status, serde_json::to_string(&lead.extra).unwrap());
                prop_assert!(!shown.contains("\\u001b") && !shown.chars().any(char::is_control));
            }
        }
    }
}
