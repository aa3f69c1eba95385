//! The agents (contract, section 4): no call lists them, so they are those of the customer's roster file and those that
//! lead lists name.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Roster;
use super::{Asking, Exotel, lock};
use crate::domain::{Person, PersonId};
use crate::vendor::{ErrorKind, VendorError};

impl Exotel {
    /// Without a roster every campaign is asked that was not read yet in this session.
    pub(super) async fn all_people(&self, asking: &Asking) -> Result<Vec<Person>, VendorError> {
        let roster = self.known_roster();
        if roster.is_empty() {
            self.look_into_campaigns(asking).await?;
        }
        Ok(self.people_of(roster))
    }

    /// The roster as the file has it now.
    pub(super) fn known_roster(&self) -> Roster {
        self.settings.roster().unwrap_or_else(|why| {
            self.notice(format!("Agents are shown by their user ids: {why}."));
            Roster::default()
        })
    }

    /// Everybody of the roster, and everybody who was seen on a list.
    pub(super) fn people_of(&self, roster: Roster) -> Vec<Person> {
        let seen: BTreeSet<PersonId> = lock(&self.seen).values().flatten().cloned().collect();
        let mut people: BTreeMap<PersonId, Person> =
            seen.into_iter().map(|id| (id.clone(), Person { id, ..Person::default() })).collect();
        for (id, entry) in roster {
            let person = people.entry(id.clone()).or_insert_with(|| Person { id, ..Person::default() });
            person.name = entry.name;
            person.group = entry.team;
        }
        if let Some((one, other)) = twins(people.keys()) {
            self.notice(format!(
                "The user ids {one} and {other} differ in upper and lower case only: mind which is meant."
            ));
        }
        people.into_values().collect()
    }

    async fn look_into_campaigns(&self, asking: &Asking) -> Result<(), VendorError> {
        let tree = self.fresh_tree(asking).await?;
        for campaign in &tree.campaigns {
            if lock(&self.seen).contains_key(&campaign.id) {
                continue;
            }
            match self.survey_campaign(campaign, &mut |_| {}, asking).await {
                Ok(_) => {}
                Err(error) if matches!(error.kind, ErrorKind::SignIn | ErrorKind::Setting | ErrorKind::Unreachable) => {
                    return Err(error);
                }
                Err(error) => {
                    self.notice(format!(
                        "The agents of campaign {} could not be read: {}.",
                        campaign.id, error.message
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Two ids that differ only in case, if there are such.
pub fn twins<'a>(ids: impl Iterator<Item = &'a PersonId>) -> Option<(&'a PersonId, &'a PersonId)> {
    let mut lower: BTreeMap<String, &PersonId> = BTreeMap::new();
    for id in ids {
        if let Some(other) = lower.insert(id.as_str().to_lowercase(), id) {
            return Some((other, id));
        }
    }
    None
}
