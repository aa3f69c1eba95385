//! The people that leads may be given to: the organization's members, or the list in the settings.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::Kenbun;
use super::settings::{IdField, OwnersMode};
use super::unit::Purpose;
use crate::domain::{Person, PersonId, PersonStatus, SafeText, Verbatim};
use crate::vendor::VendorError;
use crate::vendor::http::Answer;

/// A member as the server lists it.
pub struct Member {
    pub person: Person,
    /// Which field the id came from.
    pub id_field: String,
    /// The units that this person belongs to, with the role there.
    pub units: Vec<(String, String)>,
    pub is_viewer: bool,
}

/// What a list of members gave.
pub struct Members {
    pub members: Vec<Member>,
    /// Entries without the id that assignments need.
    pub without_id: usize,
}

impl Kenbun {
    pub(super) async fn fetch_people(&self) -> Result<Vec<Person>, VendorError> {
        let by_hand = &self.settings.owners;
        if !by_hand.is_empty() && self.settings.owners_mode == OwnersMode::Replace {
            return Ok(by_hand.clone());
        }
        let answer = {
            // Members are those of the whole organization; but the first call of all sets the unit.
            let _inside =
                self.enter(self.settings.org_unit.as_deref(), Purpose::Reading, false, &Arc::default()).await?;
            self.http.read(&self.get(&["members"])?).await?
        };
        let Members { members, without_id } = members(&answer, &self.settings.owner_id_field)?;
        if without_id > 0 {
            tracing::warn!(profile = %self.profile, without_id, "members without an id for assignments are left out");
        }
        if members.is_empty() && without_id > 0 {
            let field = match &self.settings.owner_id_field {
                IdField::Auto => IdField::USUAL.join(", "),
                IdField::Named(name) => SafeText::new(name).to_string(),
            };
            let mut error = answer.garbled(format!("none of {without_id} members has one of the fields {field}"));
            error.remedy =
                "Set owner_id_field to the field that is the user id, or list the people in owners.".to_owned();
            return Err(error);
        }
        let mut people = in_order(members, self.settings.org_unit.as_deref());
        // Those written by hand win: they are there because something about the listed ones is wrong.
        people.retain(|person| by_hand.iter().all(|owner| owner.id != person.id));
        people.splice(0..0, by_hand.iter().cloned());
        Ok(people)
    }
}

/// Reads a list of members.
pub fn members(answer: &Answer, id_field: &IdField) -> Result<Members, VendorError> {
    let body = answer.json()?;
    let list = match &body {
        Value::Array(list) => Some(list),
        Value::Object(object) => {
            ["members", "data", "items", "users"].iter().find_map(|key| object.get(*key)?.as_array())
        }
        _ => None,
    };
    let list = list.ok_or_else(|| answer.garbled("it is not a list of members"))?;
    let mut seen = HashSet::new();
    let mut found = Members { members: Vec::with_capacity(list.len()), without_id: 0 };
    for entry in list {
        match member(entry, id_field) {
            Some(member) if seen.insert(member.person.id.clone()) => found.members.push(member),
            Some(_) => {}
            None => found.without_id += 1,
        }
    }
    Ok(found)
}

fn member(entry: &Value, id_field: &IdField) -> Option<Member> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let (id_field, id) = match id_field {
        IdField::Auto => IdField::USUAL.iter().find_map(|field| Some((*field, id(entry.get(*field)?)?)))?,
        IdField::Named(name) => (name.as_str(), id(entry.get(name)?)?),
    };
    let role = text("role");
    let units = entry.get("ou_memberships").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let units = units
        .iter()
        .filter_map(|unit| {
            let role = unit.get("role").and_then(Value::as_str).unwrap_or_default();
            Some((unit.get("unit_id")?.as_str()?.to_owned(), role.to_owned()))
        })
        .collect();
    let name = format!("{} {}", text("first_name"), text("last_name"));
    Some(Member {
        person: Person {
            id,
            name: Verbatim::new(name.trim()),
            email: SafeText::new(text("email")),
            // Nothing says that a viewer may not own leads: offered, but after the others.
            status: PersonStatus::Active,
            group: SafeText::new(role),
            other_ids: Vec::new(),
        },
        id_field: id_field.to_owned(),
        units,
        is_viewer: role.eq_ignore_ascii_case("viewer"),
    })
}

fn id(value: &Value) -> Option<PersonId> {
    match value {
        Value::String(id) if !id.trim().is_empty() && !id.contains('\u{fffd}') => Some(PersonId::new(id)),
        Value::Number(id) if id.is_u64() => Some(PersonId::new(id.to_string())),
        _ => None,
    }
}

/// Members of the active unit first, viewers after the others; otherwise as the server has them.
fn in_order(members: Vec<Member>, unit: Option<&str>) -> Vec<Person> {
    let mut members: Vec<((bool, bool), Person)> = members
        .into_iter()
        .map(|member| {
            let here = unit.and_then(|unit| member.units.iter().find(|(id, _)| id == unit));
            let outside = unit.is_some() && here.is_none();
            let viewer = match here {
                // The role in the unit is the one that counts there.
                Some((_, role)) if !role.is_empty() => role.eq_ignore_ascii_case("viewer"),
                _ => member.is_viewer,
            };
            ((outside, viewer), member.person)
        })
        .collect();
    members.sort_by_key(|(order, _)| *order);
    members.into_iter().map(|(_, person)| person).collect()
}
