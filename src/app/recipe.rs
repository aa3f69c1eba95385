//! The last assignment: done again for other leads, or kept as a recipe that can be run again.

use std::collections::BTreeMap;

use crate::domain::recipe::{OneOrEach, Recipe, RecipeAssign, RecipeLeads};
use crate::domain::{Assignment, LeadId, OwnerRef, Plan, ProfileName, SafeText};

use super::effect::Effect;
use super::job::Destination;
use super::picker::PickedLeads;
use super::plan_text::what_it_does;
use super::state::State;

/// An assignment of this session that was confirmed.
#[derive(Clone, Debug)]
pub struct LastAssignment {
    pub to: Destination,
    pub recipe: Recipe,
}

/// All that matched a query were marked, and nothing else is.
#[derive(Clone, Debug)]
pub(super) struct MarkedAll {
    pub revision: u64,
    pub query: String,
}

impl State {
    /// The query whose matches are marked, where the marks are exactly those.
    pub(super) fn marked_all(&self) -> Option<&MarkedAll> {
        self.marked_all.as_ref().filter(|marked| marked.revision == self.leads.selection.revision())
    }

    /// Keeps what an assignment did, so that it can be done again.
    pub(super) fn remember_assignment(
        &mut self,
        leads: &PickedLeads,
        to: &Destination,
        plan: &Plan,
        include_closed: bool,
        note: &str,
    ) {
        let mut owners = BTreeMap::new();
        for (profile, assignment) in &to.in_profile {
            if let Assignment::Owner(owner) = assignment {
                owners.insert(profile.clone(), called(owner));
            }
        }
        let unassign = owners.is_empty();
        let note = (!note.is_empty()).then(|| note.to_owned());
        let query = self.marked_all().filter(|_| *leads == PickedLeads::Marked).map(|marked| marked.query.clone());
        let goes_there = |profile: &ProfileName| to.in_profile.contains_key(profile);
        let (leads, profiles): (RecipeLeads, Vec<ProfileName>) = match query {
            Some(query) => {
                let profiles = self.listed_profiles().map(|profile| profile.name.clone()).filter(goes_there).collect();
                (RecipeLeads { query: Some(query), ids: None, include_closed }, profiles)
            }
            None => {
                let mut ids: BTreeMap<ProfileName, Vec<LeadId>> = BTreeMap::new();
                for key in self.targets(leads).iter().filter(|key| goes_there(&key.profile)) {
                    ids.entry(key.profile.clone()).or_default().push(key.id.clone());
                }
                ids.values_mut().for_each(|ids| ids.sort());
                let profiles = ids.keys().cloned().collect();
                (RecipeLeads { query: None, ids: Some(OneOrEach::simplest(ids)), include_closed }, profiles)
            }
        };
        owners.retain(|profile, _| profiles.contains(profile));
        let owners = (!unassign).then(|| OneOrEach::simplest(owners));
        let assign = RecipeAssign { to: owners, unassign, note };
        let mut recipe = Recipe::new(SafeText::new(&what_it_does(plan)), profiles, leads, assign);
        recipe.saved_at = Some(self.now);
        self.last_assignment = Some(LastAssignment { to: to.clone(), recipe });
    }

    /// Plans to give the meant leads to whom the last ones went.
    pub(super) fn repeat_assignment(&mut self) {
        if let (Some(last), Some(leads)) = (self.last_assignment.clone(), self.meant_leads()) {
            self.plan_assignment(leads, last.to);
        }
    }

    pub(super) fn save_recipe(&mut self) {
        if let Some(last) = &self.last_assignment {
            let text = last.recipe.to_text();
            self.emit(Effect::SaveFile { name: "recipe.toml".to_owned(), text });
        }
    }
}

/// An owner as `--to` takes one.
fn called(owner: &OwnerRef) -> String {
    match (&owner.id, &owner.name) {
        (Some(id), _) => id.as_str().to_owned(),
        (None, Some(name)) => name.as_str().to_owned(),
        (None, None) => String::new(),
    }
}
