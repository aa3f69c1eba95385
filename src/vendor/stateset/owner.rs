//! A lead's owner as StateSet has it, and as it is written.

use serde_json::{Map, Value};

use super::settings::{Nobody, OwnerValue};
use super::users::Directory;
use crate::domain::{Assignment, Blank, OwnerRef};

/// What stands in the owner field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    Text(String),
    /// Nobody, in one of its spellings.
    Blank(Blank),
    /// Neither a text nor nobody: nothing may be concluded from it.
    Odd,
}

impl Raw {
    pub fn of(lead: &Map<String, Value>, field: &str) -> Self {
        match lead.get(field) {
            None => Self::Blank(Blank::Absent),
            Some(Value::Null) => Self::Blank(Blank::Null),
            Some(Value::String(text)) if text.is_empty() => Self::Blank(Blank::Empty),
            Some(Value::String(text)) => Self::Text(text.clone()),
            // Ids of users are numbers in places.
            Some(Value::Number(number)) => Self::Text(number.to_string()),
            Some(_) => Self::Odd,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Blank(_) | Self::Odd => None,
        }
    }

    /// Whose the lead is, strictly: what is compared with what was written.
    pub fn read(&self, directory: &Directory) -> Assignment {
        self.read_as(|text| directory.read(text))
    }

    /// Whose the lead is, for those who look at it.
    pub fn read_for_people(&self, directory: &Directory) -> Assignment {
        self.read_as(|text| directory.read_for_people(text))
    }

    fn read_as(&self, owner: impl FnOnce(&str) -> OwnerRef) -> Assignment {
        match self {
            Self::Text(text) => Assignment::Owner(owner(text)),
            Self::Blank(blank) => Assignment::Unassigned(*blank),
            Self::Odd => Assignment::Unknown,
        }
    }

    /// As [`read`](Self::read), with somebody who is no user any more recognized where the text is the id that is
    /// expected.
    pub fn read_expecting(&self, directory: &Directory, value: OwnerValue, expected: &[Assignment]) -> Assignment {
        let read = self.read(directory);
        let is_bare = read.owner().is_some_and(|owner| owner.id.is_none());
        let (Some(text), OwnerValue::Id, true) = (self.text(), value, is_bare) else { return read };
        let is_it =
            |one: &&Assignment| one.owner().and_then(|owner| owner.id.as_ref()).is_some_and(|id| id.as_str() == text);
        expected.iter().find(is_it).cloned().unwrap_or(read)
    }
}

/// What is written into the owner field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    Text(String),
    Null,
    Empty,
}

impl Written {
    /// What makes a lead `after`'s; the error is the reason why nothing is sent.
    ///
    /// When something is taken back, what was there is written again letter for letter, also where a user has another
    /// name by now or is gone.
    pub fn of(
        after: &Assignment,
        directory: &Directory,
        value: OwnerValue,
        nobody: Nobody,
        undo: bool,
    ) -> Result<Self, String> {
        let owner = match after {
            Assignment::Unassigned(blank) => {
                return Ok(match (blank, undo) {
                    (Blank::Empty, true) => Self::Empty,
                    (Blank::Null, true) => Self::Null,
                    _ if nobody == Nobody::Empty => Self::Empty,
                    _ => Self::Null,
                });
            }
            Assignment::Owner(owner) => owner,
            Assignment::Agents(_) => {
                return Err("not sent: a StateSet lead has one owner, not a set of agents".to_owned());
            }
            Assignment::Unknown => return Err("not sent: it is not known whose it should become".to_owned()),
        };
        let name = owner.name.as_ref().map(|name| name.as_str()).filter(|name| !name.is_empty());
        let text = match (&owner.id, name, value) {
            (None, Some(text), _) => text,
            (None, None, _) => return Err("not sent: the owner has neither an id nor a text".to_owned()),
            (Some(_), Some(name), OwnerValue::Name) if undo => name,
            (Some(id), _, OwnerValue::Id) if undo && !id.is_empty() => id.as_str(),
            (Some(id), ..) => {
                let Some(user) = directory.user(id) else {
                    return Err(format!(
                        "not sent: {} ({id}) is not among the users of StateSet, so what to write is not known",
                        after.label()
                    ));
                };
                let text = user.value(value);
                if text.trim().is_empty() {
                    // An empty text would take the lead away from everybody.
                    return Err(format!(
                        "not sent: {} has no {}, which is what owner_value = \"{}\" writes",
                        after.label(),
                        value.label(),
                        value.word()
                    ));
                }
                text
            }
        };
        Ok(Self::Text(text.to_owned()))
    }

    pub fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.clone()),
            Self::Null => Value::Null,
            Self::Empty => Value::String(String::new()),
        }
    }

    /// Whether this is what stands there: a text byte for byte, nobody in any spelling.
    pub fn is(&self, raw: &Raw) -> bool {
        match (self, raw) {
            (Self::Text(written), Raw::Text(found)) => written == found,
            (Self::Null | Self::Empty, Raw::Blank(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::stateset::users::User;
    use serde_json::json;

    fn directory(value: OwnerValue) -> Directory {
        let users = vec![User::by_hand("u1", "Jane Smith", "jane@x.example", "js"), User::by_hand("u2", "", "", "")];
        Directory::new(users, value)
    }

    fn written(after: &Assignment, value: OwnerValue, undo: bool) -> Result<Value, String> {
        Written::of(after, &directory(value), value, Nobody::Null, undo).map(|written| written.json())
    }

    #[test]
    fn every_spelling_of_an_owner_is_read() {
        let of = |row: Value| Raw::of(row.as_object().unwrap(), "owner").read(&directory(OwnerValue::Name));
        assert_eq!(of(json!({})), Assignment::Unassigned(Blank::Absent));
        assert_eq!(of(json!({"owner": null})), Assignment::Unassigned(Blank::Null));
        assert_eq!(of(json!({"owner": ""})), Assignment::Unassigned(Blank::Empty));
        assert_eq!(of(json!({"owner": "Jane Smith"})), Assignment::Owner(OwnerRef::new("u1", "Jane Smith")));
        assert_eq!(of(json!({"owner": "js"})), Assignment::Owner(OwnerRef::named("js")));
        assert_eq!(of(json!({"owner": " "})), Assignment::Owner(OwnerRef::named(" ")));
        assert_eq!(of(json!({"owner": 7})), Assignment::Owner(OwnerRef::named("7")));
        assert_eq!(of(json!({"owner": {"id": "u1"}})), Assignment::Unknown);
        assert_eq!(of(json!({"owner": false})), Assignment::Unknown);
    }

    #[test]
    fn a_user_who_left_is_recognized_by_the_expected_id() {
        let gone = Assignment::Owner(OwnerRef::new("u9", "Gone"));
        let raw = Raw::Text("u9".to_owned());
        let expected = [Assignment::unassigned(), gone.clone()];
        assert_eq!(raw.read_expecting(&directory(OwnerValue::Id), OwnerValue::Id, &expected), gone);
        let bare = Assignment::Owner(OwnerRef::named("u9"));
        assert_eq!(raw.read_expecting(&directory(OwnerValue::Name), OwnerValue::Name, &expected), bare);
        assert_eq!(raw.read_expecting(&directory(OwnerValue::Id), OwnerValue::Id, &[]), bare);
    }

    #[test]
    fn a_user_is_written_as_the_profile_says() {
        let jane = Assignment::Owner(OwnerRef::new("u1", "Jane Smith"));
        for (value, text) in [
            (OwnerValue::Name, "Jane Smith"),
            (OwnerValue::Id, "u1"),
            (OwnerValue::Email, "jane@x.example"),
            (OwnerValue::Username, "js"),
        ] {
            assert_eq!(written(&jane, value, false), Ok(json!(text)));
            let bare = Assignment::Owner(OwnerRef::named("old notes "));
            assert_eq!(written(&bare, value, false), Ok(json!("old notes ")));
        }
        for refused in [
            Assignment::Owner(OwnerRef::new("u9", "Jane Smith")),
            Assignment::Owner(OwnerRef::with_id("u2")),
            Assignment::Owner(OwnerRef::named("")),
            Assignment::Owner(OwnerRef::default()),
            Assignment::Owner(OwnerRef::with_id("")),
            Assignment::agents(["u1"]),
            Assignment::Unknown,
        ] {
            assert!(written(&refused, OwnerValue::Name, false).is_err(), "{refused:?}");
        }
        let nameless = written(&Assignment::Owner(OwnerRef::with_id("u2")), OwnerValue::Email, false).unwrap_err();
        assert!(nameless.contains("has no e-mail address"), "{nameless}");
    }

    #[test]
    fn what_is_taken_back_is_written_as_it_was() {
        let renamed = Assignment::Owner(OwnerRef::new("u1", "Jane Miller"));
        assert_eq!(written(&renamed, OwnerValue::Name, true), Ok(json!("Jane Miller")));
        let gone = Assignment::Owner(OwnerRef::new("u9", "Gone"));
        assert_eq!(written(&gone, OwnerValue::Name, true), Ok(json!("Gone")));
        assert_eq!(written(&gone, OwnerValue::Id, true), Ok(json!("u9")));
        assert!(written(&gone, OwnerValue::Email, true).is_err());
        for (blank, undo, nobody, json) in [
            (Blank::Null, true, Nobody::Empty, Value::Null),
            (Blank::Empty, true, Nobody::Null, json!("")),
            (Blank::Absent, true, Nobody::Null, Value::Null),
            (Blank::Absent, true, Nobody::Empty, json!("")),
            (Blank::Null, false, Nobody::Empty, json!("")),
            (Blank::Empty, false, Nobody::Null, Value::Null),
        ] {
            let after = Assignment::Unassigned(blank);
            let written = Written::of(&after, &directory(OwnerValue::Name), OwnerValue::Name, nobody, undo).unwrap();
            assert_eq!(written.json(), json);
            assert!(written.is(&Raw::Blank(Blank::Absent)) && !written.is(&Raw::Text("x".into())));
        }
        assert!(
            Written::Text("a".into()).is(&Raw::Text("a".into()))
                && !Written::Text("a".into()).is(&Raw::Text("a ".into()))
        );
    }
}
