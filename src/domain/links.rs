//! Who is the same person at several vendors: what `[people]` of the configuration says.

use std::collections::BTreeMap;

use super::fold::fold;
use super::ids::{PersonId, ProfileName};
use super::people::Person;
use super::safe_text::SafeText;

/// One person with their ids at several profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The short name, as `--to` and `owner:` take it.
    pub key: String,
    /// The name to show; that of the first profile where there is none.
    pub name: Option<String>,
    /// Ids or e-mail addresses, by profile. A profile without any is not in here.
    pub ids: BTreeMap<ProfileName, Vec<PersonId>>,
}

/// All people that are linked. No id belongs to two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<Link>);

impl Link {
    /// What to call this person, whom a profile knows as `person`.
    pub fn label(&self, person: &Person) -> SafeText {
        self.name.as_deref().map_or_else(|| person.label(), SafeText::new)
    }

    /// Whether `text` is this person's short name or name, without regard to case and accents.
    pub fn is_called(&self, text: &str) -> bool {
        let text = fold(text.trim());
        fold(&self.key) == text || self.name.as_deref().is_some_and(|name| fold(name.trim()) == text)
    }

    /// Whether `person` of `profile` is this one: by the id that assignments use, by another id of theirs at this vendor,
    /// or by the e-mail address.
    pub fn is(&self, profile: &ProfileName, person: &Person) -> bool {
        self.ids.get(profile).is_some_and(|ids| {
            ids.iter().any(|id| {
                *id == person.id
                    || person.other_ids.iter().any(|(_, other)| other == id.as_str())
                    || (!person.email.is_empty() && fold(person.email.as_str()) == fold(id.as_str()))
            })
        })
    }
}

impl Links {
    pub fn new(links: Vec<Link>) -> Self {
        Self(links)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The person whom `person` of `profile` is linked to.
    pub fn of(&self, profile: &ProfileName, person: &Person) -> Option<&Link> {
        self.0.iter().find(|link| link.is(profile, person))
    }

    /// The person with this short name or name.
    pub fn called(&self, text: &str) -> Option<&Link> {
        self.0.iter().find(|link| link.is_called(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_known_by_any_of_the_ids_in_that_profile_only() {
        let links = Links::new(vec![Link {
            key: "jane".into(),
            name: Some("Jane Smíth".into()),
            ids: [("sales".into(), vec!["u_1".into()]), ("shop".into(), vec!["Jane@Shop.example".into(), "77".into()])]
                .into(),
        }]);
        let person = |id: &str, email: &str| Person { id: id.into(), email: SafeText::new(email), ..Person::default() };
        for (profile, id, email, is) in [
            ("sales", "u_1", "", true),
            ("sales", "U_1", "", false),
            ("sales", "77", "jane@shop.example", false),
            ("shop", "x", "jane@shop.example", true),
            ("shop", "77", "", true),
            ("shop", "u_1", "", false),
            ("elsewhere", "u_1", "jane@shop.example", false),
        ] {
            assert_eq!(links.of(&profile.into(), &person(id, email)).is_some(), is, "{profile} {id} {email}");
        }
        let by_code = Person { other_ids: vec![("code".into(), "77".into())], ..person("x", "") };
        assert!(links.of(&"shop".into(), &by_code).is_some());
        for (text, found) in [(" JANE ", true), ("jane smith", true), ("jane s", false), ("", false)] {
            assert_eq!(links.called(text).is_some(), found, "{text}");
        }
    }
}
