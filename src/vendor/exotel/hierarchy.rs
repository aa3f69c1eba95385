//! Contact center, processes, campaigns (contract, sections 3.1 and 3.2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::wire::{self, Campaign, Process, Wrapped};
use super::{Asking, Exotel, lock};
use crate::domain::campaign::{Collection, CollectionKind};
use crate::domain::{SafeText, safe_text};
use crate::vendor::{ErrorKind, VendorError};

/// The campaigns of the processes that the profile works on.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub campaigns: Vec<Campaign>,
}

impl Tree {
    pub fn campaign(&self, id: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|campaign| campaign.id == id)
    }
}

impl Exotel {
    /// All processes that the profile works on, to the last page.
    pub(super) async fn processes(&self, asking: &Asking) -> Result<Vec<Process>, VendorError> {
        let mut processes: Vec<Process> = Vec::new();
        let mut known = BTreeSet::new();
        let mut offset = 0;
        for _ in 0..self.settings.max_pages {
            let page = Wrapped::of(&self.get_processes(offset, asking).await?)?;
            let length = page.items.len();
            let new: Vec<Process> = page
                .items
                .iter()
                .filter_map(wire::process)
                .filter(|process| known.insert(process.id.clone()))
                .collect();
            // A page that brings nothing new is what a server sends that does not page.
            let over = new.is_empty();
            processes.extend(new);
            let metadata = page.metadata.unwrap_or_default();
            let limit = metadata.limit.filter(|limit| *limit > 0).unwrap_or(self.settings.process_page_size);
            if over || metadata.count.unwrap_or(length).min(length) < limit.min(self.settings.process_page_size) {
                let wanted = &self.settings.process_ids;
                processes.retain(|process| wanted.is_empty() || wanted.contains(&process.id));
                return Ok(processes);
            }
            offset += length;
        }
        Err(VendorError::new(
            ErrorKind::Garbled,
            format!("the processes of profile {} do not end after {} pages", self.profile, self.settings.max_pages),
        )
        .with_remedy("Raise max_pages if there are really so many."))
    }

    /// The campaigns, read now.
    pub(super) async fn fresh_tree(&self, asking: &Asking) -> Result<Arc<Tree>, VendorError> {
        let answer = self.get_campaigns(asking).await?;
        let (mut campaigns, bad) = wire::campaigns(&answer)?;
        if bad > 0 {
            self.notice(format!("{bad} campaigns are not shown: the vendor gave them without their numbers."));
        }
        let wanted = &self.settings.process_ids;
        campaigns.retain(|campaign| wanted.is_empty() || wanted.contains(&campaign.process));
        let tree = Arc::new(Tree { campaigns });
        *lock(&self.tree) = Some(tree.clone());
        Ok(tree)
    }

    /// A campaign by its number. Asks again for campaigns before it says that there is none.
    pub(super) async fn campaign(&self, id: &str, asking: &Asking) -> Result<Campaign, VendorError> {
        let known = lock(&self.tree).clone();
        if let Some(campaign) = known.as_deref().and_then(|tree| tree.campaign(id)) {
            return Ok(campaign.clone());
        }
        self.fresh_tree(asking).await?.campaign(id).cloned().ok_or_else(|| self.no_such_campaign(id))
    }

    pub(super) fn no_such_campaign(&self, id: &str) -> VendorError {
        let within = if self.settings.process_ids.is_empty() { "" } else { " in its process_ids" };
        VendorError::new(
            ErrorKind::NotFound,
            format!("Exotel (profile {}) has no campaign {}{within}", self.profile, safe_text::visible(id)),
        )
    }

    /// What was not found may have been moved: campaigns are asked for again at the next need.
    pub(super) fn forget_tree(&self) {
        *lock(&self.tree) = None;
    }

    pub(super) async fn campaign_collections(&self, asking: &Asking) -> Result<Vec<Collection>, VendorError> {
        let tree = self.fresh_tree(asking).await?;
        let names = self.process_names(&tree.campaigns, asking).await;
        let collection = |campaign: &Campaign| Collection {
            kind: CollectionKind::Campaign,
            id: campaign.id.clone(),
            name: campaign.name.clone(),
            status: process_label(&names, &campaign.process),
        };
        Ok(tree.campaigns.iter().map(collection).collect())
    }

    /// The names of these campaigns' processes by their numbers. Processes are asked for when one of them is new; where
    /// they cannot be read, numbers have to do.
    pub(super) async fn process_names(&self, of: &[Campaign], asking: &Asking) -> BTreeMap<String, SafeText> {
        let known = lock(&self.process_names).clone();
        if of.iter().all(|campaign| known.contains_key(&campaign.process)) {
            return known;
        }
        match self.processes(asking).await {
            Ok(processes) => {
                let mut names = lock(&self.process_names);
                names.extend(processes.into_iter().map(|process| (process.id, process.name)));
                names.clone()
            }
            Err(error) => {
                self.notice(format!("Processes are shown by their numbers: {}.", error.message));
                known
            }
        }
    }
}

/// A process for people: its name, or its number.
pub fn process_label(names: &BTreeMap<String, SafeText>, id: &str) -> SafeText {
    match names.get(id) {
        Some(name) if !name.is_empty() => name.clone(),
        _ => SafeText::from(format!("process {}", safe_text::visible(id))),
    }
}
