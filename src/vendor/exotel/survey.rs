//! All mappings of a campaign with few requests.
//!
//! One call gives every list with its agents, but only by their ids in the campaign (section 3.3). One list's own answer
//! (section 5) gives those ids together with user ids, and by A3 it names all agents of the campaign. So a list or two
//! are enough to read a campaign of hundreds, if the ids and user ids of an answer belong together by position, which the
//! vendor does not say (A5). That is tested before it is used: two lists with different agents have to say the same of
//! everybody. Where they do not, every list is read by itself. Nothing is ever written on the strength of it: a list is
//! read again right before its change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::files::LeadNames;
use super::hierarchy::process_label;
use super::key::Key;
use super::overview::Overview;
use super::reading::{Reading, Until};
use super::wire::{Campaign, CampaignLead, LeadItem};
use super::{Asking, Exotel, lock};
use crate::domain::campaign::MappingRecord;
use crate::domain::{PersonId, SafeText, safe_text};
use crate::vendor::{ErrorKind, VendorError};

/// How many lists are read between two times that it is told how far a survey is.
const TOLD_EVERY: usize = 10;

/// What was learned about a campaign so far.
#[derive(Default)]
struct Survey {
    read: BTreeMap<String, Result<Reading, String>>,
    /// Ids in the campaign with user ids, as positions have it.
    directory: HashMap<String, PersonId>,
    /// Two readings contradicted each other about it.
    broken: bool,
    /// Two readings with different agents agreed about it.
    proven: bool,
}

impl Survey {
    fn take(&mut self, lead: &str, reading: Result<Reading, String>) {
        if let Ok(reading) = &reading {
            let mut shared = 0;
            for (id, user) in &reading.pairs {
                match self.directory.get(id) {
                    Some(known) if known == user => shared += 1,
                    Some(_) => self.broken = true,
                    None if self.directory.values().any(|known| known == user) => self.broken = true,
                    None => {
                        self.directory.insert(id.clone(), user.clone());
                    }
                }
            }
            let others = self.read.values().filter_map(|read| read.as_ref().ok());
            let differs = others.into_iter().any(|earlier| earlier.assigned_ids != reading.assigned_ids);
            self.proven |= differs && shared > 0;
        }
        self.read.insert(lead.to_owned(), reading);
    }

    /// A reading of this list, or of another with the very same agents.
    fn exact(&self, lead: &CampaignLead, users: &BTreeSet<String>) -> Option<Result<&Reading, &String>> {
        if let Some(read) = self.read.get(&lead.lead) {
            return Some(read.as_ref());
        }
        self.read.values().filter_map(|read| read.as_ref().ok()).find(|read| read.assigned_ids == *users).map(Ok)
    }

    /// The agents by the directory.
    fn derived(&self, users: &BTreeSet<String>) -> Option<BTreeSet<PersonId>> {
        if self.broken || !self.proven {
            return None;
        }
        users.iter().map(|id| self.directory.get(id).cloned()).collect()
    }

    /// The list that should be read next; `None` when all are known.
    fn next<'a>(&self, lists: &[(&'a CampaignLead, &'a BTreeSet<String>)]) -> Option<&'a CampaignLead> {
        let open =
            lists.iter().filter(|(lead, users)| self.exact(lead, users).is_none() && self.derived(users).is_none());
        let first = self.read.values().find_map(|read| read.as_ref().ok());
        let worth = |users: &BTreeSet<String>| match first {
            None => users.len(),
            // What differs most from a list that was read proves most.
            Some(first) if !self.proven => users.symmetric_difference(&first.assigned_ids).count(),
            Some(_) => users.iter().filter(|id| !self.directory.contains_key(*id)).count(),
        };
        // Of equals the first one, so that the same campaign is always read in the same way.
        open.rev_max(|(_, users)| worth(users)).map(|(lead, _)| *lead)
    }

    fn everybody(&self) -> BTreeSet<PersonId> {
        self.read.values().filter_map(|read| read.as_ref().ok()).flat_map(Reading::everybody).collect()
    }
}

/// The first of the greatest.
trait RevMax: Iterator + Sized {
    fn rev_max<K: Ord>(self, key: impl Fn(&Self::Item) -> K) -> Option<Self::Item> {
        self.fold(None, |best: Option<(K, Self::Item)>, item| {
            let worth = key(&item);
            match best {
                Some((most, kept)) if most >= worth => Some((most, kept)),
                _ => Some((worth, item)),
            }
        })
        .map(|(_, item)| item)
    }
}

impl<I: Iterator> RevMax for I {}

impl Exotel {
    /// The mappings of one campaign, or of all.
    pub(super) async fn all_mappings(
        &self,
        campaign: Option<&str>,
        asking: &Asking,
    ) -> Result<Vec<MappingRecord>, VendorError> {
        if let Some(campaign) = campaign {
            return self.mappings_of(campaign, &mut |_| {}, asking).await;
        }
        let campaigns = self.fresh_tree(asking).await?.campaigns.clone();
        let names = self.names(&campaigns, asking).await;
        let mut records = Vec::new();
        for campaign in &campaigns {
            match self.survey_campaign(campaign, &mut |_| {}, asking).await {
                Ok(lists) => records.extend(lists.into_iter().map(|list| names.record(campaign, list))),
                // One campaign's trouble does not hide the others, unless all would meet it.
                Err(error) if campaigns.len() > 1 && is_of_one_campaign(&error) => {
                    records.push(names.record(campaign, Surveyed::none("unread".to_owned(), error.message)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// The mappings of one campaign. `part` is told how far it is where many lists have to be read.
    pub(super) async fn mappings_of(
        &self,
        campaign: &str,
        part: &mut (dyn FnMut(Vec<MappingRecord>) + Send),
        asking: &Asking,
    ) -> Result<Vec<MappingRecord>, VendorError> {
        let campaign = self.campaign(campaign, asking).await?;
        let names = self.names(std::slice::from_ref(&campaign), asking).await;
        let named = |lists: Vec<Surveyed>| lists.into_iter().map(|list| names.record(&campaign, list)).collect();
        let lists = self.survey_campaign(&campaign, &mut |lists| part(named(lists)), asking).await;
        if matches!(&lists, Err(error) if error.kind == ErrorKind::NotFound) {
            self.forget_tree();
        }
        Ok(named(lists?))
    }

    async fn names(&self, campaigns: &[Campaign], asking: &Asking) -> Names {
        let leads = self.settings.lead_names().unwrap_or_else(|why| {
            self.notice(format!("Lead lists are shown by their numbers: {why}."));
            Default::default()
        });
        Names { processes: self.process_names(campaigns, asking).await, leads }
    }

    /// Reads a campaign's lists with their agents.
    pub(super) async fn survey_campaign(
        &self,
        campaign: &Campaign,
        part: &mut (dyn FnMut(Vec<Surveyed>) + Send),
        asking: &Asking,
    ) -> Result<Vec<Surveyed>, VendorError> {
        let overview = self.fresh_overview(campaign, asking).await?;
        let lists: Vec<(&CampaignLead, &BTreeSet<String>)> = overview
            .items
            .iter()
            .filter_map(|item| match item {
                LeadItem::Lead(lead) => Some((lead, lead.users.as_ref().ok()?)),
                LeadItem::Failed(_) => None,
            })
            .collect();
        // Also a campaign without lists or agents was looked into.
        lock(&self.seen).entry(campaign.id.clone()).or_default();
        let mut survey = Survey::default();
        while let Some(lead) = survey.next(&lists) {
            if survey.read.len().is_multiple_of(TOLD_EVERY) {
                part(surveyed(&overview, &survey));
            }
            let key = Key::new(&campaign.id, &lead.lead);
            let first = survey.read.is_empty();
            let reading = match self.read_for_survey(campaign, &key, lead, first, asking).await {
                Ok(reading) => Ok(reading),
                Err(error) if is_of_one_list(&error) => Err(error.message),
                Err(error) => return Err(error),
            };
            survey.take(&lead.lead, reading);
        }
        Ok(surveyed(&overview, &survey))
    }

    /// The first list is read to the end, because it names the campaign's other agents as well.
    async fn read_for_survey(
        &self,
        campaign: &Campaign,
        key: &Key,
        lead: &CampaignLead,
        first: bool,
        asking: &Asking,
    ) -> Result<Reading, VendorError> {
        if !first {
            return self.read_checked(key, asking).await;
        }
        let reading = self.read_users(campaign, key, Until::TheEnd, asking).await?;
        let agrees = lead.users.as_ref().is_ok_and(|users| *users == reading.assigned_ids);
        if agrees || !self.is_checked() { Ok(reading) } else { self.read_checked(key, asking).await }
    }
}

/// One list as the survey found it.
pub struct Surveyed {
    /// What stands behind the colon of its target.
    pub target: String,
    /// Empty where the vendor failed to give the list.
    pub lead: String,
    pub enabled: bool,
    pub agents: Result<BTreeSet<PersonId>, String>,
    pub others: BTreeSet<PersonId>,
}

/// Names for what the API only numbers.
struct Names {
    processes: BTreeMap<String, SafeText>,
    leads: LeadNames,
}

impl Names {
    fn record(&self, campaign: &Campaign, list: Surveyed) -> MappingRecord {
        let alias = self.leads.get(&list.lead).filter(|name| !name.is_empty()).cloned();
        let lead_name = alias.unwrap_or_else(|| list.label());
        MappingRecord {
            target: Key::new(&campaign.id, &list.target).target(),
            process: process_label(&self.processes, &campaign.process),
            campaign_id: campaign.id.clone(),
            campaign_name: campaign.name.clone(),
            lead_id: list.lead,
            lead_name,
            enabled: list.enabled,
            agents: list.agents,
            others: list.others,
        }
    }
}

impl Surveyed {
    /// Something that is no list, with the reason.
    fn none(target: String, why: String) -> Self {
        Self { target, lead: String::new(), enabled: false, agents: Err(why), others: BTreeSet::new() }
    }

    fn label(&self) -> SafeText {
        match self.lead.as_str() {
            "" => SafeText::from(format!("{} of the answer", self.target)),
            lead => SafeText::from(format!("Lead {}", safe_text::visible(lead))),
        }
    }
}

fn surveyed(overview: &Overview, survey: &Survey) -> Vec<Surveyed> {
    let everybody = survey.everybody();
    let one = |(number, item): (usize, &LeadItem)| {
        let lead = match item {
            LeadItem::Failed(why) => {
                return Surveyed::none(format!("item {}", number + 1), why.clone());
            }
            LeadItem::Lead(lead) => lead,
        };
        let agents = match &lead.users {
            Err(why) => Err(why.clone()),
            Ok(users) => match (survey.exact(lead, users), survey.derived(users)) {
                (Some(Ok(reading)), _) => Ok(reading.assigned.clone()),
                (Some(Err(why)), _) => Err(why.clone()),
                (None, Some(agents)) => Ok(agents),
                (None, None) => Err("its agents are not read yet".to_owned()),
            },
        };
        let others = agents.as_ref().map(|agents| &everybody - agents).unwrap_or_default();
        Surveyed { target: lead.lead.clone(), lead: lead.lead.clone(), enabled: lead.enabled, agents, others }
    };
    overview.items.iter().enumerate().map(one).collect()
}

/// Trouble with one list that says nothing about the next.
fn is_of_one_list(error: &VendorError) -> bool {
    matches!(error.kind, ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::Garbled)
}

/// Trouble with one campaign that says nothing about the next.
fn is_of_one_campaign(error: &VendorError) -> bool {
    is_of_one_list(error) || matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Server)
}
