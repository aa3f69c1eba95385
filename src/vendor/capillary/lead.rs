//! Leads as Capillary sends them, made ours. Only the id has to be right; everything else may be missing, null or of
//! another type without spoiling the row.

use compact_str::CompactString;
use serde_json::Value;

use super::settings::Settings;
use super::walk::Row;
use crate::domain::{Assignment, LeadId, LeadRecord, Lifecycle, SafeText};
use crate::vendor::fields::{self, keep, text, timestamp};

const DELETED: &str = "DELETED";

/// The source with this number has a name.
const IN_STORE: &str = "-1";

/// The customer behind a lead; leads of one customer are asked for together, and changed one after the other.
pub fn customer(row: &Row) -> Option<CompactString> {
    fields::id(row.get("userId"))
}

/// The lead's own fields, made of texts, that must be sent along where a change would lose them.
pub fn extended_fields(row: &Row) -> Option<&Row> {
    row.get("extendedFields").and_then(Value::as_object).filter(|fields| !fields.is_empty())
}

/// Makes a record of a row.
pub fn record(id: LeadId, row: &Row, owner: Assignment, settings: &Settings) -> LeadRecord {
    let mut lead = LeadRecord { id, owner, scope: customer(row).unwrap_or_default(), ..LeadRecord::default() };
    let mut about = SafeText::empty();
    for (key, value) in row {
        let place = match key.as_str() {
            "id" => continue,
            "createdOn" | "lastUpdatedOn" => {
                let place = if key == "createdOn" { &mut lead.created_at } else { &mut lead.updated_at };
                *place = timestamp(value);
                if place.is_none() && !value.is_null() {
                    keep(&mut lead.extra, "lead.", key, value);
                }
                continue;
            }
            "leadFor" => &mut about,
            "status" => &mut lead.status,
            "orgSourceId" => &mut lead.source,
            // What is empty says nothing, and there may be a million of it.
            _ if matches!(value, Value::Null) || value.as_array().is_some_and(Vec::is_empty) => continue,
            key => {
                keep(&mut lead.extra, "lead.", key, value);
                continue;
            }
        };
        match text(value) {
            Some(found) => *place = found,
            None if !value.is_null() => keep(&mut lead.extra, "lead.", key, value),
            None => {}
        }
    }
    if lead.source.as_str() == IN_STORE {
        lead.source = SafeText::new("InStore");
    }
    // A lead has no name of a person. What it is about is how it is known, unless its customer's name is asked for.
    if settings.customer_names {
        lead.list = about;
    } else {
        lead.name = about;
    }
    lead.lifecycle = lifecycle(lead.status.as_str(), settings);
    lead
}

fn lifecycle(status: &str, settings: &Settings) -> Lifecycle {
    let is_open = status.is_empty() || settings.assignable_status.iter().any(|open| open.eq_ignore_ascii_case(status));
    match is_open {
        true => Lifecycle::Open,
        false if status.eq_ignore_ascii_case(DELETED) => Lifecycle::Deleted,
        false => Lifecycle::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::capillary::tests::settings;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(more: &str, row: Value) -> LeadRecord {
        record(LeadId::new("19"), row.as_object().unwrap(), Assignment::Unknown, &settings(more))
    }

    #[test]
    fn a_lead_as_the_contract_has_it() {
        let row = json!({
            "id": 19, "userId": 343_030_823, "type": "SKU", "leadFor": "Trail shoe\u{202e}", "status": "ON_HOLD",
            "subStatus": "waiting", "nextFollowUp": "2026-12-01T10:00:00+05:30", "createdOn": "2026-10-01T08:00:00Z",
            "lastUpdatedOn": "2026-10-02T08:00:00+05:30", "createdBy": 75_029_724, "followUpDetails": [],
            "statusLogDetails": [{"id": 1, "reason": "a\u{1b}"}], "orgSourceId": -1, "extendedFields": {"trial": "Done"},
            "warnings": []
        });
        let lead = of("", row.clone());
        assert_eq!((lead.id.as_str(), lead.name.as_str(), lead.scope.as_str()), ("19", "Trail shoe‹RLO›", "343030823"));
        assert_eq!((lead.status.as_str(), lead.source.as_str()), ("ON_HOLD", "InStore"));
        assert_eq!(lead.updated_at.unwrap().to_string(), "2026-10-02T02:30:00Z");
        assert_eq!((lead.lifecycle, lead.list.as_str()), (Lifecycle::Open, ""));
        let extra = json!({
            "userId": 343_030_823, "type": "SKU", "subStatus": "waiting", "nextFollowUp": "2026-12-01T10:00:00+05:30",
            "createdBy": 75_029_724, "statusLogDetails": [{"id": 1, "reason": "a␛"}], "extendedFields": {"trial": "Done"}
        });
        assert_eq!(Value::Object(lead.extra), extra);
        let lead = of("customer_names = true", row);
        assert_eq!((lead.name.as_str(), lead.list.as_str()), ("", "Trail shoe‹RLO›"));
    }

    #[test]
    fn what_is_still_work_is_a_setting() {
        for (more, status, lifecycle) in [
            ("", "OPEN", Lifecycle::Open),
            ("", "on_hold", Lifecycle::Open),
            ("", "WON", Lifecycle::Closed),
            ("", "DELETED", Lifecycle::Deleted),
            ("", "", Lifecycle::Open),
            ("assignable_status = [\"OPEN\"]", "ON_HOLD", Lifecycle::Closed),
            ("assignable_status = [\"OPEN,WON\"]", "WON", Lifecycle::Open),
        ] {
            assert_eq!(of(more, json!({"status": status})).lifecycle, lifecycle, "{more} {status}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_lead(key in "leadFor|userId|createdOn|status|extendedFields|.{0,5}", text in any::<String>()) {
            for value in [json!(text), json!([text]), json!({ text.clone(): text }), json!(1e300), Value::Null] {
                let lead = of("", json!({ key.clone(): value }));
                let shown = format!("{}{}{}", lead.name, lead.status, serde_json::to_string(&lead.extra).unwrap());
                prop_assert!(!shown.contains("\\u001b") && !shown.chars().any(char::is_control));
            }
        }
    }
}
