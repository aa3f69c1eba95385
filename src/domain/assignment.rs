//! Who a target is assigned to, and what may be concluded from two readings of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ids::PersonId;
use super::safe_text::{SafeText, Verbatim};

/// A target's state as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// The vendor does not tell, or it was not read yet.
    #[default]
    Unknown,
    /// Nobody.
    Unassigned(Blank),
    /// One owner.
    Owner(OwnerRef),
    /// The agents of a mapping, by user id.
    Agents(BTreeSet<PersonId>),
}

/// How a vendor spelled "nobody"; undo writes it back the same way. All spellings mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    #[default]
    Null,
    Empty,
    Absent,
}

/// An owner as far as a vendor reveals one: some give only an id, some only a display name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnerRef {
    pub id: Option<PersonId>,
    /// The display name byte for byte, because vendors compare and store it.
    pub name: Option<Verbatim>,
}

/// What two readings of a target say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    Same,
    Different,
    /// The readings have nothing in common that could be compared.
    CannotTell,
}

impl OwnerRef {
    pub fn new(id: impl AsRef<str>, name: impl AsRef<str>) -> Self {
        Self { id: Some(PersonId::new(id)), name: Some(Verbatim::new(name)) }
    }

    pub fn named(name: impl AsRef<str>) -> Self {
        Self { id: None, name: Some(Verbatim::new(name)) }
    }

    pub fn with_id(id: impl AsRef<str>) -> Self {
        Self { id: Some(PersonId::new(id)), name: None }
    }

    /// Ids decide where both sides have one; names only where an id is missing.
    pub fn agrees_with(&self, other: &Self) -> Agreement {
        match (&self.id, &other.id, &self.name, &other.name) {
            (Some(a), Some(b), ..) if a == b => Agreement::Same,
            (Some(_), Some(_), ..) => Agreement::Different,
            (_, _, Some(a), Some(b)) if a == b => Agreement::Same,
            (_, _, Some(_), Some(_)) => Agreement::Different,
            _ => Agreement::CannotTell,
        }
    }

    /// What to call this owner on screen.
    pub fn label(&self) -> SafeText {
        match (&self.name, &self.id) {
            (Some(name), _) if !name.is_empty() => name.safe(),
            (_, Some(id)) => SafeText::new(id.as_str()),
            _ => SafeText::new("?"),
        }
    }
}

impl Assignment {
    pub const fn unassigned() -> Self {
        Self::Unassigned(Blank::Null)
    }

    pub fn agents<I: AsRef<str>>(users: impl IntoIterator<Item = I>) -> Self {
        Self::Agents(users.into_iter().map(PersonId::new).collect())
    }

    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    pub fn owner(&self) -> Option<&OwnerRef> {
        match self {
            Self::Owner(owner) => Some(owner),
            _ => None,
        }
    }

    pub fn agrees_with(&self, other: &Self) -> Agreement {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Agreement::CannotTell,
            (Self::Unassigned(_), Self::Unassigned(_)) => Agreement::Same,
            (Self::Owner(a), Self::Owner(b)) => a.agrees_with(b),
            (Self::Agents(a), Self::Agents(b)) if a == b => Agreement::Same,
            _ => Agreement::Different,
        }
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.agrees_with(other) == Agreement::Same
    }

    /// The change `before → after` as it is made where a target is `now`: for sets only the agents that it adds and removes
    /// count, and everybody else stays as they are. `None` where one of the three is no set.
    pub fn carried_over(before: &Self, after: &Self, now: &Self) -> Option<Self> {
        let (Self::Agents(before), Self::Agents(after), Self::Agents(now)) = (before, after, now) else { return None };
        let removed = before - after;
        Some(Self::Agents(
            now.union(after)
                .filter(|agent| !removed.contains(*agent) && (now.contains(*agent) || !before.contains(*agent)))
                .cloned()
                .collect(),
        ))
    }

    /// What happened to a set between two readings, `+ann -bob`; `None` where nothing did, or one of them is no set.
    pub fn set_difference(was: &Self, now: &Self) -> Option<SafeText> {
        let (Self::Agents(was), Self::Agents(now)) = (was, now) else { return None };
        let came = now.difference(was).map(|agent| format!("+{agent}"));
        let words: Vec<String> = came.chain(was.difference(now).map(|agent| format!("-{agent}"))).collect();
        (!words.is_empty()).then(|| SafeText::from(words.join(" ")))
    }

    /// A short text for people: `nobody`, an owner's name, a count of agents, `not known`.
    pub fn label(&self) -> SafeText {
        match self {
            Self::Unknown => SafeText::new("not known"),
            Self::Unassigned(_) => SafeText::new("nobody"),
            Self::Owner(owner) => owner.label(),
            Self::Agents(users) => SafeText::new(&match users.len() {
                0 => "no agents".to_owned(),
                1 => "1 agent".to_owned(),
                n => format!("{n} agents"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_decide_before_names() {
        let a = OwnerRef::new("u1", "Jane Smith");
        assert_eq!(a.agrees_with(&OwnerRef::new("u2", "Jane Smith")), Agreement::Different);
        assert_eq!(a.agrees_with(&OwnerRef::new("u1", "J. Smith")), Agreement::Same);
        assert_eq!(a.agrees_with(&OwnerRef::named("Jane Smith")), Agreement::Same);
        assert_eq!(OwnerRef::with_id("u1").agrees_with(&OwnerRef::named("Jane")), Agreement::CannotTell);
    }

    #[test]
    fn every_spelling_of_nobody_is_the_same() {
        let null = Assignment::unassigned();
        assert!(null.is_same(&Assignment::Unassigned(Blank::Empty)));
        assert_eq!(null.agrees_with(&Assignment::Unknown), Agreement::CannotTell);
        assert_eq!(null.agrees_with(&Assignment::Owner(OwnerRef::named("A"))), Agreement::Different);
    }

    #[test]
    fn a_change_of_a_set_is_carried_over_agent_by_agent() {
        let set = |agents: &str| Assignment::agents(agents.split_whitespace());
        for (before, after, now, wanted) in [
            ("a b", "b c", "a b", "b c"),
            // Dan came and Bob went by someone else's hand: both stays so.
            ("a b", "b c", "a d", "c d"),
            ("a b", "b c", "b c", "b c"),
            ("", "a", "b", "a b"),
            ("a", "", "b", "b"),
        ] {
            let carried = Assignment::carried_over(&set(before), &set(after), &set(now));
            assert_eq!(carried, Some(set(wanted)), "{before} -> {after}, now {now}");
        }
        assert_eq!(Assignment::carried_over(&set("a"), &set("b"), &Assignment::Unknown), None);
        assert_eq!(Assignment::set_difference(&set("a b"), &set("b c")).unwrap().as_str(), "+c -a");
        assert_eq!(Assignment::set_difference(&set("a"), &set("a")), None);
    }
}
