//! Owners as kenbun reads and writes them.
//!
//! At kenbun a missing `owner_id` means "nobody", and the name that is shown is the one that was sent: half a body would
//! take a lead away from its owner, or give it a stale name. So there is one type for both bodies, it cannot be made
//! from half an owner, and it always writes both fields.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::{Assignment, Blank, OwnerRef, PersonId, Verbatim};

/// Whom leads are given to. Only [`NewOwner::of`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewOwner {
    owner_id: Option<String>,
    owner_name: Option<String>,
}

/// The body of a bulk change.
#[derive(Serialize)]
pub struct BulkBody<'a> {
    pub lead_ids: &'a [&'a str],
    #[serde(flatten)]
    pub owner: &'a NewOwner,
}

impl NewOwner {
    /// A person with id and name, or nobody. Everything in between is refused, with the reason.
    pub fn of(after: &Assignment) -> Result<Self, String> {
        match after {
            Assignment::Unassigned(_) => Ok(Self { owner_id: None, owner_name: None }),
            Assignment::Owner(OwnerRef { id, name }) => {
                let id = id.as_ref().map(PersonId::as_str).filter(|id| !id.trim().is_empty());
                let name = name.as_ref().map(Verbatim::as_str).filter(|name| !name.trim().is_empty());
                match (id, name) {
                    (Some(id), Some(name)) => {
                        Ok(Self { owner_id: Some(id.to_owned()), owner_name: Some(name.to_owned()) })
                    }
                    (None, _) => Err(format!(
                        "not sent: the id of the owner {} is not known, and kenbun would take a name alone for nobody",
                        after.label()
                    )),
                    (Some(_), None) => Err(format!(
                        "not sent: the name of the owner {} is not known, and kenbun shows the name that is sent; add \
                         the person to the setting owners",
                        after.label()
                    )),
                }
            }
            Assignment::Agents(_) => Err("not sent: a kenbun lead has one owner, not a set of agents".to_owned()),
            Assignment::Unknown => Err("not sent: it is not known whose it should become".to_owned()),
        }
    }

    pub fn is_nobody(&self) -> bool {
        self.owner_id.is_none()
    }
}

/// Whose a lead is, from a row of the list or a detail. Absent, null and empty names mean nobody; the id is only there
/// where a server gives more than the contract promises.
pub fn read(row: &Map<String, Value>) -> Assignment {
    let id = match row.get("owner_id") {
        Some(Value::String(id)) if !id.is_empty() => Some(PersonId::new(id)),
        Some(Value::Number(id)) => Some(PersonId::new(id.to_string())),
        _ => None,
    };
    let blank = match row.get("owner_name") {
        Some(Value::String(name)) if !name.is_empty() => {
            return Assignment::Owner(OwnerRef { id, name: Some(Verbatim::new(name)) });
        }
        None => Blank::Absent,
        Some(Value::Null) => Blank::Null,
        Some(Value::String(_)) => Blank::Empty,
        // Neither a name nor nobody: nothing may be concluded from it.
        Some(_) => return Assignment::Unknown,
    };
    match id {
        Some(id) => Assignment::Owner(OwnerRef { id: Some(id), name: None }),
        None => Assignment::Unassigned(blank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_fields_are_always_written() {
        let jane = NewOwner::of(&Assignment::Owner(OwnerRef::new("u1", "Jane Smith"))).unwrap();
        assert_eq!(serde_json::to_string(&jane).unwrap(), r#"{"owner_id":"u1","owner_name":"Jane Smith"}"#);
        for blank in [Blank::Null, Blank::Empty, Blank::Absent] {
            let nobody = NewOwner::of(&Assignment::Unassigned(blank)).unwrap();
            assert_eq!(serde_json::to_string(&nobody).unwrap(), r#"{"owner_id":null,"owner_name":null}"#);
            assert!(nobody.is_nobody() && !jane.is_nobody());
        }
        let bulk = BulkBody { lead_ids: &["a", "b"], owner: &jane };
        let expected = r#"{"lead_ids":["a","b"],"owner_id":"u1","owner_name":"Jane Smith"}"#;
        assert_eq!(serde_json::to_string(&bulk).unwrap(), expected);
    }

    #[test]
    fn half_an_owner_cannot_be_written() {
        for half in [
            Assignment::Owner(OwnerRef::named("Jane")),
            Assignment::Owner(OwnerRef::with_id("u1")),
            Assignment::Owner(OwnerRef::new("", "Jane")),
            Assignment::Owner(OwnerRef::new(" ", "Jane")),
            Assignment::Owner(OwnerRef::new("u1", "")),
            Assignment::Owner(OwnerRef::new("u1", " ")),
            Assignment::Owner(OwnerRef::default()),
            Assignment::agents(["u1"]),
            Assignment::Unknown,
        ] {
            assert!(NewOwner::of(&half).is_err(), "{half:?}");
        }
    }

    #[test]
    fn every_spelling_of_an_owner_is_read() {
        let of = |row: Value| read(row.as_object().unwrap());
        assert_eq!(of(json!({})), Assignment::Unassigned(Blank::Absent));
        assert_eq!(of(json!({"owner_name": null})), Assignment::Unassigned(Blank::Null));
        assert_eq!(of(json!({"owner_name": "", "owner_id": ""})), Assignment::Unassigned(Blank::Empty));
        assert_eq!(of(json!({"owner_name": " Jane"})), Assignment::Owner(OwnerRef::named(" Jane")));
        assert_eq!(of(json!({"owner_name": "J", "owner_id": "u1"})), Assignment::Owner(OwnerRef::new("u1", "J")));
        assert_eq!(of(json!({"owner_name": "J", "owner_id": null})), Assignment::Owner(OwnerRef::named("J")));
        assert_eq!(of(json!({"owner_name": null, "owner_id": 7})), Assignment::Owner(OwnerRef::with_id("7")));
        assert_eq!(of(json!({"owner_name": {"x": 1}})), Assignment::Unknown);
        assert_eq!(of(json!({"owner_name": 3})), Assignment::Unknown);
    }
}
