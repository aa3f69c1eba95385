//! What a change of the owner did to the rest of a lead.

use serde_json::{Map, Value};

/// Fields that the server keeps by itself; they are not sent back with a whole lead.
pub const READ_ONLY: [&str; 5] = ["id", "object", "created_at", "created_by", "last_modified_by"];

/// Fields other than the owner that are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// They held something and are empty or missing now.
    pub lost: Vec<String>,
    /// They hold something else now.
    pub changed: Vec<String>,
}

impl Damage {
    /// Compares a lead before and after a change of its owner. Who changed it and when may differ, and what was empty
    /// may hold something.
    pub fn between(before: &Map<String, Value>, after: &Map<String, Value>, owner_field: &str) -> Self {
        let mut damage = Self::default();
        for (key, was) in before {
            if key == owner_field || key == "last_modified_by" || is_time_stamp(key) || is_blank(was) {
                continue;
            }
            match after.get(key) {
                Some(now) if now == was => {}
                None => damage.lost.push(key.clone()),
                Some(now) if is_blank(now) => damage.lost.push(key.clone()),
                Some(_) => damage.changed.push(key.clone()),
            }
        }
        damage
    }

    pub fn is_none(&self) -> bool {
        self.lost.is_empty() && self.changed.is_empty()
    }

    /// The lead as it is now with what was there before put back.
    pub fn mended(&self, before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
        let mut mended = after.clone();
        for (key, was) in before {
            let is_damaged = self.lost.contains(key) || self.changed.contains(key);
            if is_damaged || !mended.contains_key(key) {
                mended.insert(key.clone(), was.clone());
            }
        }
        mended
    }
}

/// A whole lead as it is sent back with another owner.
pub fn whole(lead: &Map<String, Value>, owner_field: &str, owner: Value) -> Map<String, Value> {
    let mut whole: Map<String, Value> = lead
        .iter()
        .filter(|(key, _)| !READ_ONLY.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    whole.insert(owner_field.to_owned(), owner);
    whole
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Times of changes, and the counters that stand in for them.
fn is_time_stamp(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    let spelled = ["updated", "modified", "lastupdated", "lastmodified", "version", "revision", "etag", "timestamp"];
    spelled.contains(&plain.as_str())
        || key.ends_with("_at")
        || key.ends_with("At")
        || key.ends_with("_timestamp")
        || (["updated", "modified", "lastupdated", "lastmodified"].iter().any(|start| plain.starts_with(start))
            && ["date", "time", "on"].iter().any(|end| plain.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn damage(before: Value, after: Value) -> (Vec<String>, Vec<String>) {
        let damage = Damage::between(before.as_object().unwrap(), after.as_object().unwrap(), "owner");
        (damage.lost, damage.changed)
    }

    #[test]
    fn only_the_owner_its_author_and_times_may_differ() {
        let before = json!({
            "id": "l", "owner": "A", "last_modified_by": "x", "updated_at": "1", "modifiedDate": "1", "version": 3,
            "phone": null, "title": "", "birthdate": "2000-01-01", "status": "new", "do_not_call": false
        });
        let after = json!({
            "id": "l", "owner": "B", "birthdate": "2000-01-01", "status": "new", "do_not_call": false, "assignee": "B",
            "phone": "1"
        });
        assert_eq!(damage(before.clone(), after), (vec![], vec![]));
        let replaced = json!({"id": "l", "owner": "B", "status": "open", "birthdate": null});
        let (lost, changed) = damage(before, replaced);
        assert_eq!(
            (lost, changed),
            (vec!["birthdate".to_owned(), "do_not_call".to_owned()], vec!["status".to_owned()])
        );
    }

    #[test]
    fn what_is_mended_is_what_was_there() {
        let (before, after) = (json!({"a": 1, "b": 2, "c": 3}), json!({"b": 9, "c": 3, "d": 4, "owner": "B"}));
        let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
        let mended = Damage::between(before, after, "owner").mended(before, after);
        assert_eq!(Value::Object(mended), json!({"a": 1, "b": 2, "c": 3, "d": 4, "owner": "B"}));
    }

    #[test]
    fn a_whole_lead_is_sent_without_what_the_server_keeps() {
        let lead = json!({
            "id": "l", "object": "lead", "created_at": "t", "created_by": "c", "last_modified_by": "m", "phone": "1"
        });
        let whole = whole(lead.as_object().unwrap(), "owner", json!("B"));
        assert_eq!(Value::Object(whole), json!({"phone": "1", "owner": "B"}));
    }
}
