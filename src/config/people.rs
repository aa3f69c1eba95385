//! `[people]`: one person's ids at several profiles.

use std::collections::{BTreeMap, HashMap};

use super::load::{Loader, written_profiles};
use super::nearest;
use super::read::Entry;
use super::values;
use crate::domain::fold::fold;
use crate::domain::{Link, Links, PersonId, ProfileName};

/// Where something was said first: the person, and the line.
type Said = (String, usize);

/// What must not be said of two people.
#[derive(Default)]
struct Seen {
    ids: HashMap<(ProfileName, PersonId), Said>,
    names: HashMap<String, Said>,
}

impl Loader<'_> {
    pub(super) fn people(&mut self, entry: &Entry, root: &[Entry]) {
        let mut seen = Seen::default();
        let mut links = Vec::new();
        for person in self.table("people", entry) {
            links.extend(self.person(person, root, &mut seen));
        }
        self.config.people = Links::new(links);
    }

    /// `[people.jane]`: `name`, and for each profile an id, an e-mail address, or several of them. A profile that is
    /// called `name` or `ids` has its place in the table `ids`.
    fn person(&mut self, entry: &Entry, root: &[Entry], seen: &mut Seen) -> Option<Link> {
        let what = format!("people.{}", entry.key);
        let mut link = Link { key: entry.key.clone(), name: None, ids: BTreeMap::new() };
        let mut right = true;
        let mut at_profiles: Vec<&Entry> = Vec::new();
        for key in self.table(&what, entry) {
            match key.key.as_str() {
                "name" => link.name = self.take(values::text("name", &key.node)),
                "ids" => at_profiles.extend(self.table(&format!("{what}.ids"), key)),
                _ => at_profiles.push(key),
            }
        }
        for at in at_profiles {
            let ids = self.ids_at(&what, at, root);
            right &= ids.is_some();
            let Some((profile, ids)) = ids else { continue };
            if link.ids.contains_key(&profile) {
                self.complain(at.line, format!("{what} names the profile {profile} twice"));
                continue;
            }
            for id in &ids {
                let known = seen.ids.insert((profile.clone(), id.clone()), (what.clone(), at.line));
                if let Some((other, line)) = known {
                    let whose = if other == what { "is there twice".to_owned() } else { format!("is also {other}'s") };
                    self.complain(at.line, format!("the id {id} of the profile {profile} {whose} (line {line})"));
                }
            }
            link.ids.insert(profile, ids);
        }
        if right && link.ids.is_empty() {
            self.complain(entry.line, format!("{what} has no id at any profile, such as sales = \"u_12\""));
        }
        let mut names = vec![fold(link.key.trim()).into_owned()];
        names.extend(link.name.as_deref().map(|name| fold(name.trim()).into_owned()));
        names.dedup();
        for name in names {
            if let Some((other, line)) = seen.names.insert(name.clone(), (what.clone(), entry.line)) {
                let message = format!("{what} and {other} (line {line}) would both be found by the name \"{name}\"");
                self.complain(entry.line, message);
            }
        }
        right.then_some(link)
    }

    /// `sales = "u_12"`, `sales = ["u_12", "u_13"]`.
    fn ids_at(&mut self, what: &str, entry: &Entry, root: &[Entry]) -> Option<(ProfileName, Vec<PersonId>)> {
        let near = nearest(&entry.key, written_profiles(root).chain(["name"]));
        if near == Some("name") && !self.is_profile(&entry.key, root) {
            self.complain(entry.line, format!("unknown key \"{}\" in [{what}]; did you mean name?", entry.key));
            return None;
        }
        let profile = self.known_profile(what, &entry.key, entry.line, root)?;
        let ids = match entry.node.list() {
            Some(nodes) => nodes.iter().map(|node| values::id(&entry.key, node)).collect(),
            None => values::id(&entry.key, &entry.node).map(|id| vec![id]),
        };
        let ids: Vec<String> = self.take(ids)?;
        if ids.is_empty() || ids.iter().any(|id| id.trim().is_empty()) {
            self.complain(entry.line, format!("{what} has an empty id at the profile {profile}"));
            return None;
        }
        Some((profile, ids.iter().map(PersonId::new).collect()))
    }
}
