//! A lead as Instantly writes it, read with tolerance: of all its fields only the id must be there.

use serde_json::{Map, Value};

use super::names::Names;
use super::scope::Scope;
use super::words;
use crate::domain::{Assignment, Blank, LeadId, LeadRecord, OwnerRef, PersonId, SafeText};
use crate::vendor::fields::{id, keep, text, timestamp};

/// Fields that stand in a record of their own, or are spread over it.
const KNOWN: &[&str] = &[
    "id",
    "first_name",
    "last_name",
    "company_name",
    "email",
    "phone",
    "status",
    "upload_method",
    "timestamp_created",
    "timestamp_updated",
    "campaign",
    "list_id",
    "assigned_to",
    "payload",
];

/// Custom variables that often repeat a field of the lead, with that field.
const REPEATED: &[(&str, &str)] = &[
    ("firstName", "first_name"),
    ("lastName", "last_name"),
    ("companyName", "company_name"),
    ("jobTitle", "job_title"),
    ("website", "website"),
    ("phone", "phone"),
    ("personalization", "personalization"),
    ("email", "email"),
];

/// Reads a row. The error says why it is none.
pub fn record(row: &Value, names: &Names) -> Result<LeadRecord, &'static str> {
    let Value::Object(fields) = row else { return Err("it is not an object") };
    let id = LeadId::new(id(row.get("id")).ok_or("it has no id that is a text")?);
    let payload = row.get("payload").and_then(Value::as_object);
    let word = |key: &str| {
        let repeated = || {
            let (other, _) = REPEATED.iter().find(|(_, field)| *field == key)?;
            text(payload?.get(*other)?)
        };
        row.get(key).and_then(text).or_else(repeated)
    };
    let number = |key: &str| row.get(key).and_then(whole);
    let (status, interest, verification) =
        (number("status"), number("lt_interest_status"), number("verification_status"));
    let name = [word("first_name"), word("last_name")].map(Option::unwrap_or_default);
    let mut lead = LeadRecord {
        id,
        name: SafeText::new(format!("{} {}", name[0], name[1]).trim()),
        company: word("company_name").unwrap_or_default(),
        email: word("email").unwrap_or_default(),
        phone: word("phone").unwrap_or_default(),
        status: match status.and_then(words::lead_status) {
            Some(known) => SafeText::new(known),
            None => word("status").unwrap_or_default(),
        },
        source: word("upload_method").unwrap_or_default(),
        campaign: word("campaign").unwrap_or_default(),
        list: word("list_id").unwrap_or_default(),
        score: None,
        created_at: row.get("timestamp_created").and_then(timestamp),
        updated_at: row.get("timestamp_updated").and_then(timestamp),
        owner: owner(row.get("assigned_to"), names),
        lifecycle: words::lifecycle(interest),
        flags: words::flags(status, verification),
        scope: Scope::write(Scope::of_row(row).as_ref()),
        extra: Map::new(),
    };
    spell_out(&mut lead, names, interest, verification);
    for (key, value) in fields {
        let understood = match key.as_str() {
            "timestamp_created" => lead.created_at.is_some(),
            "timestamp_updated" => lead.updated_at.is_some(),
            "assigned_to" => lead.owner.is_known(),
            "payload" => payload.is_some(),
            "id" => true,
            key => !KNOWN.contains(&key) || text(value).is_some(),
        };
        let is_extra = !KNOWN.contains(&key.as_str()) || !understood;
        // A lead has some fifty fields, and most of them are null most of the time.
        if is_extra && !is_nothing(value) {
            keep(&mut lead.extra, "lead.", key, value);
        }
    }
    for (key, value) in payload.into_iter().flatten() {
        let repeats = REPEATED.iter().any(|(other, field)| other == key && row.get(*field) == Some(value));
        let is_used = REPEATED
            .iter()
            .any(|(other, field)| other == key && KNOWN.contains(field) && row.get(*field).is_none_or(is_nothing));
        if !repeats && !is_used && !is_nothing(value) {
            keep(&mut lead.extra, "payload.", key, value);
        }
    }
    Ok(lead)
}

/// Who has it. Nobody in all spellings; something that is no id is not known.
pub fn owner(value: Option<&Value>, names: &Names) -> Assignment {
    match value {
        None => Assignment::Unassigned(Blank::Absent),
        Some(Value::Null) => Assignment::Unassigned(Blank::Null),
        Some(Value::String(text)) if text.trim().is_empty() => Assignment::Unassigned(Blank::Empty),
        Some(value) => match id(Some(value)) {
            Some(id) => {
                let id = PersonId::new(id);
                Assignment::Owner(OwnerRef { name: names.person(&id), id: Some(id) })
            }
            None => Assignment::Unknown,
        },
    }
}

/// Puts the words beside the numbers and the names beside the ids.
fn spell_out(lead: &mut LeadRecord, names: &Names, interest: Option<i64>, verification: Option<i64>) {
    let interest =
        interest.and_then(|number| words::interest(number).map(SafeText::new).or_else(|| names.label(number)));
    let verification = verification.and_then(words::verification).map(SafeText::new);
    let scope = |kind, id: &SafeText| if id.is_empty() { None } else { names.collection(kind, id.as_str()) };
    use crate::domain::campaign::CollectionKind::{Campaign, List};
    for (key, word) in [
        ("interest", interest),
        ("verification", verification),
        ("campaign_name", scope(Campaign, &lead.campaign)),
        ("list_name", scope(List, &lead.list)),
    ] {
        if let Some(word) = word {
            lead.extra.insert(key.to_owned(), Value::String(word.to_string()));
        }
    }
}

/// Whether a row needs a name that is not known yet: one of the workspace's own labels.
pub fn own_label(row: &Value) -> Option<i64> {
    row.get("lt_interest_status").and_then(whole).filter(|number| words::interest(*number).is_none())
}

/// A number that may have been written with a decimal point or as a text.
pub fn whole(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}
