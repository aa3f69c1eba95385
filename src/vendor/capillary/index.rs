//! Who owns a lead (section 6). No answer tells; only the leads of one owner can be asked for. So every owner's leads are
//! listed and turned round.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use compact_str::CompactString;
use futures_util::StreamExt;

use super::Capillary;
use super::lead::customer;
use super::staff::{Directory, Staff};
use super::walk::{End, Row, Walk};
use crate::domain::LeadId;
use crate::vendor::asking::Asking;
use crate::vendor::{ErrorKind, VendorError};

/// So many owners' lists may fail by the server's own errors before all others are taken to fail as well.
const MOST_FAILED: usize = 2;

/// Leads that were found with several owners and are asked about again one by one.
const MOST_ASKED_AGAIN: usize = 100;

/// Owner → leads, turned round.
#[derive(Debug, Default)]
pub struct Index {
    /// The place of each lead's owner in the directory.
    owner_of: HashMap<CompactString, usize>,
    /// Leads in the lists of several owners, with them and their customer.
    several: HashMap<CompactString, (Vec<usize>, Option<CompactString>)>,
    pub requests: usize,
    pub took: Duration,
    /// Owners whose leads were listed.
    pub owners: usize,
    /// Every owner's list was the same: the filter is not heeded.
    pub is_ignored: bool,
    /// Some owners' leads are not all in it: a lead that is in none of its lists may be theirs.
    pub is_incomplete: bool,
    /// What the person should know, in sentences.
    pub troubles: Vec<String>,
}

/// What the lists of all owners say about one lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    Owned(&'a Staff),
    /// Nobody's, or somebody's who is not in our list: these look the same.
    InNone,
    InSeveral,
}

impl Index {
    pub fn place<'a>(&self, lead: &str, directory: &'a Directory) -> Place<'a> {
        if self.several.contains_key(lead) {
            return Place::InSeveral;
        }
        match self.owner_of.get(lead).and_then(|owner| directory.all().get(*owner)) {
            Some(staff) => Place::Owned(staff),
            None => Place::InNone,
        }
    }

    fn put(&mut self, lead: CompactString, owner: usize, customer: Option<CompactString>) {
        if let Some((owners, _)) = self.several.get_mut(&lead) {
            owners.push(owner);
        } else if let Some(other) = self.owner_of.get(&lead).copied().filter(|other| *other != owner) {
            self.owner_of.remove(&lead);
            self.several.insert(lead, (vec![other, owner], customer));
        } else {
            self.owner_of.insert(lead, owner);
        }
    }
}

/// One owner's list.
struct Listed {
    owner: usize,
    walk: Walk,
    leads: Vec<(CompactString, Option<CompactString>)>,
}

impl Capillary {
    /// Lists the leads of every owner. `on_owner` hears of each that is done and may end it by false.
    pub(super) async fn index(
        &self,
        filters: &[(&'static str, String)],
        directory: &Directory,
        asking: &Asking,
        mut on_owner: impl FnMut() -> bool,
    ) -> Result<Option<Index>, VendorError> {
        let (began, before) = (Instant::now(), asking.requests());
        let mut index = Index::default();
        let mut lists: Vec<HashSet<CompactString>> = Vec::new();
        let mut owners: Vec<(usize, String)> = Vec::with_capacity(directory.all().len());
        for (owner, staff) in directory.all().iter().enumerate() {
            if !staff.filter_id.is_empty() {
                owners.push((owner, staff.filter_id.clone()));
            }
        }
        let listings = owners.into_iter().map(|(owner, filter_id)| self.list_of(owner, filter_id, filters, asking));
        let mut listings = futures_util::stream::iter(listings).buffer_unordered(self.settings.parallel);
        let mut failed = 0;
        while let Some(listed) = listings.next().await {
            if !on_owner() {
                return Ok(None);
            }
            let Listed { owner, walk, leads } = match listed {
                Ok(listed) => listed,
                Err((owner, error)) if is_of_one_owner(&error) || (is_of_server(&error) && failed < MOST_FAILED) => {
                    failed += usize::from(is_of_server(&error));
                    index.is_incomplete = true;
                    let who = directory.all()[owner].person.label();
                    index.troubles.push(format!("The leads of {who} cannot be found: {}", error.message));
                    continue;
                }
                Err((_, error)) => return Err(error),
            };
            index.owners += 1;
            if walk.end == Some(End::Cut) {
                index.is_incomplete = true;
                let who = directory.all()[owner].person.label();
                index
                    .troubles
                    .push(format!("The list of {who}'s leads was cut at max_pages; the others of it seem nobody's."));
            }
            let ids: HashSet<CompactString> = leads.iter().map(|(lead, _)| lead.clone()).collect();
            // Two lists of the same leads are no accident.
            if ids.len() > 1 && lists.contains(&ids) {
                index.is_ignored = true;
                break;
            }
            if lists.len() < 2 {
                lists.push(ids);
            }
            for (lead, customer) in leads {
                index.put(lead, owner, customer);
            }
        }
        drop(listings);
        if index.is_ignored {
            index.owner_of.clear();
            index.several.clear();
        } else {
            if lists.len() > 1 && lists[0] != lists[1] {
                self.filter_is_heeded.store(true, Ordering::Relaxed);
            }
            self.ask_again(&mut index, directory, asking).await;
        }
        (index.requests, index.took) = (asking.requests() - before, began.elapsed());
        self.index_cost.store(index.requests.max(1), Ordering::Relaxed);
        Ok(Some(index))
    }

    async fn list_of(
        &self,
        owner: usize,
        filter_id: String,
        filters: &[(&'static str, String)],
        asking: &Asking,
    ) -> Result<Listed, (usize, VendorError)> {
        let mut all = vec![("owner", filter_id)];
        all.extend(filters.iter().cloned());
        let mut leads = Vec::new();
        let take = |id: CompactString, row: Row| leads.push((id, customer(&row)));
        let walk = self.walk_all(all, asking, take, |_| false).await.map_err(|error| (owner, error))?;
        Ok(Listed { owner, walk, leads })
    }

    /// A lead in several lists was given to another owner while these were read: its owners are asked again. What stays
    /// in several is not known.
    async fn ask_again(&self, index: &mut Index, directory: &Directory, asking: &Asking) {
        let mut settled = Vec::new();
        for (lead, (owners, customer)) in index.several.iter().take(MOST_ASKED_AGAIN) {
            let Some(customer) = customer else { continue };
            let id = LeadId::new(lead);
            let mut holders = Vec::new();
            for owner in owners {
                let staff = &directory.all()[*owner];
                match self.holds(&staff.filter_id, customer, &id, asking).await {
                    Ok(true) => holders.push(*owner),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(profile = %self.profile, lead = %id, %error, "its owners could not be asked again");
                        holders.clear();
                        break;
                    }
                }
            }
            if let [owner] = holders.as_slice() {
                settled.push((lead.clone(), *owner));
            }
        }
        for (lead, owner) in settled {
            index.several.remove(&lead);
            index.owner_of.insert(lead, owner);
        }
        let left = index.several.len();
        if left > 0 {
            let leads = if left == 1 { "1 lead is".to_owned() } else { format!("{left} leads are") };
            index.troubles.push(format!("{leads} in the lists of several owners, so their owner is not known."));
        }
    }

    /// Whether this owner's list has the lead.
    pub(super) async fn holds(
        &self,
        filter_id: &str,
        customer: &str,
        lead: &LeadId,
        asking: &Asking,
    ) -> Result<bool, VendorError> {
        let filters = vec![("owner", filter_id.to_owned()), ("userId", customer.to_owned())];
        let walk = self.walk_all(filters, asking, |_, _| {}, |walk| walk.has_seen(lead.as_str())).await?;
        Ok(walk.has_seen(lead.as_str()))
    }
}

/// About this owner only: an id of the wrong kind, somebody who left.
fn is_of_one_owner(error: &VendorError) -> bool {
    matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound)
}

/// What a server says that stumbles over one owner's list, and also one that is broken.
fn is_of_server(error: &VendorError) -> bool {
    matches!(error.kind, ErrorKind::Server | ErrorKind::Garbled)
}
