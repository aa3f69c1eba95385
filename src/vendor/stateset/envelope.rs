//! What StateSet's answers are wrapped in. Its pages show several wrappings for the same thing; all are taken.

use serde_json::{Map, Value};

use crate::vendor::VendorError;
use crate::vendor::http::Answer;

/// One page of a list as it came.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<Value>,
    pub total: Option<usize>,
    pub has_more: Option<bool>,
    pub next_cursor: Option<String>,
}

impl Page {
    /// Reads a page whose rows stand under `key` (`leads`, `users`), under `data`, under either within `data`, or alone.
    pub fn of(answer: &Answer, key: &str) -> Result<Self, VendorError> {
        let mut body = answer.json()?;
        if says_it_failed(&body) {
            return Err(failed(answer));
        }
        let rows = match rows(&mut body, key) {
            Some(Value::Array(rows)) => rows,
            // What some servers write for an empty list.
            Some(Value::Null) => Vec::new(),
            _ => return Err(answer.garbled(format!("it has no list of {key}"))),
        };
        Ok(Self {
            rows,
            total: beside(&body, &["total_count", "total"]).and_then(whole),
            has_more: beside(&body, &["has_more"]).and_then(Value::as_bool),
            next_cursor: beside(&body, &["next_cursor"]).and_then(cursor),
        })
    }
}

/// Takes the rows out of where they are.
fn rows(body: &mut Value, key: &str) -> Option<Value> {
    match body {
        Value::Array(_) => Some(body.take()),
        Value::Object(object) if object.contains_key(key) => object.get_mut(key).map(Value::take),
        Value::Object(object) => match object.get_mut("data")? {
            inner @ (Value::Array(_) | Value::Null) => Some(inner.take()),
            Value::Object(inner) => {
                let place = if inner.contains_key(key) { key } else { "data" };
                inner.get_mut(place).map(Value::take)
            }
            _ => None,
        },
        _ => None,
    }
}

/// A value from around the rows: beside them, in `data`, or in `meta` or `pagination` of either.
fn beside<'a>(body: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let places = [
        Some(body),
        body.get("data"),
        body.get("meta"),
        body.get("pagination"),
        body.pointer("/data/meta"),
        body.pointer("/data/pagination"),
        body.pointer("/meta/pagination"),
    ];
    places
        .into_iter()
        .flatten()
        .find_map(|place| names.iter().filter_map(|name| place.get(name)).find(|found| !found.is_null()))
}

fn cursor(value: &Value) -> Option<String> {
    match value {
        Value::String(cursor) if !cursor.is_empty() => Some(cursor.clone()),
        Value::Number(cursor) => Some(cursor.to_string()),
        _ => None,
    }
}

/// A count that may have been written as a text or with a decimal point.
fn whole(value: &Value) -> Option<usize> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as usize)
}

/// Takes a lead out of an answer: bare, under `lead`, under `data`, or under `lead` within `data`. `None` when there is
/// none: nothing of an empty object would mean anything else than "nobody" to the reader of the owner.
pub fn lead(body: Value, owner_field: &str) -> Option<Map<String, Value>> {
    let Value::Object(mut object) = body else { return None };
    for wrapper in ["lead", "data"] {
        if object.get(wrapper).is_some_and(Value::is_object) && !is_lead(&object, owner_field) {
            return lead(object.remove(wrapper)?, owner_field);
        }
    }
    is_lead(&object, owner_field).then_some(object)
}

fn is_lead(object: &Map<String, Value>, owner_field: &str) -> bool {
    const TELLING: [&str; 8] =
        ["id", "firstName", "lastName", "first_name", "last_name", "email", "leadSource", "created_at"];
    object.get("object").is_none_or(|kind| kind.as_str().is_none_or(|kind| kind == "lead"))
        && (object.contains_key(owner_field) || TELLING.iter().any(|key| object.contains_key(*key)))
}

/// Whether a body says that the call failed, whatever the status is.
pub fn says_it_failed(body: &Value) -> bool {
    body.get("success") == Some(&Value::Bool(false))
}

/// The error of an answer that says in its body that the call failed.
pub fn failed(answer: &Answer) -> VendorError {
    let mut error = answer.error();
    error.kind = crate::vendor::ErrorKind::Refused;
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lead_is_found_in_every_wrapping() {
        let bare = json!({"id": "l1", "owner": null});
        for body in [
            bare.clone(),
            json!({ "lead": bare }),
            json!({ "data": bare }),
            json!({"success": true, "data": bare, "meta": {}}),
            json!({"data": {"lead": bare}}),
        ] {
            assert_eq!(lead(body.clone(), "owner").map(Value::Object), Some(bare.clone()), "{body}");
        }
        // A field of the lead that happens to be called like a wrapper.
        let odd = json!({"id": "l1", "data": {"id": "x"}});
        assert_eq!(lead(odd.clone(), "owner").map(Value::Object), Some(odd));
        for none in [json!({}), json!([]), json!(null), json!({"message": "ok"}), json!({"object": "user", "id": "u"})]
        {
            assert_eq!(lead(none.clone(), "owner"), None, "{none}");
        }
        assert!(lead(json!({"seller": "x"}), "seller").is_some());
    }
}
