//! A campaign's lead lists with the agents of all of them, as the ids they have in the campaign (contract, section 3.3):
//! the cheap reading, and what the dear one is compared with.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::key::Key;
use super::wire::{Campaign, CampaignLead, LeadItem, Wrapped, lead_item};
use super::{Asking, Exotel, lock};
use crate::vendor::{ErrorKind, VendorError};

/// For how long an overview may agree with a newer reading. One that disagrees is read again whatever its age, so an old
/// one can cost a request but never hide anything.
const GOOD_FOR: Duration = Duration::from_secs(30);

/// A campaign's lead lists in the vendor's order.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub items: Vec<LeadItem>,
}

impl Overview {
    pub fn lead(&self, lead: &str) -> Option<&CampaignLead> {
        self.items.iter().find_map(|item| match item {
            LeadItem::Lead(found) if found.lead == lead => Some(found),
            _ => None,
        })
    }
}

/// The overviews of the last moments.
#[derive(Default)]
pub struct Overviews(Mutex<HashMap<String, (Instant, Arc<Overview>)>>);

impl Overviews {
    pub fn recent(&self, campaign: &str) -> Option<Arc<Overview>> {
        let mut kept = lock(&self.0);
        kept.retain(|_, (read, _)| read.elapsed() <= GOOD_FOR);
        kept.get(campaign).map(|(_, overview)| overview.clone())
    }

    pub fn keep(&self, campaign: &str, overview: Arc<Overview>) {
        lock(&self.0).insert(campaign.to_owned(), (Instant::now(), overview));
    }

    /// Takes in what a change was verified to have made of a list; without it the overview is out of date.
    pub fn changed(&self, key: &Key, users: Option<BTreeSet<String>>) {
        let mut kept = lock(&self.0);
        let Some((_, overview)) = kept.get_mut(&key.campaign) else { return };
        let Some(users) = users else {
            kept.remove(&key.campaign);
            return;
        };
        for item in &mut Arc::make_mut(overview).items {
            if let LeadItem::Lead(lead) = item
                && lead.lead == key.lead
            {
                lead.users = Ok(users.clone());
            }
        }
    }
}

impl Exotel {
    /// A campaign's lists, read now: one call, or as many as the server has pages if it shows that it pages.
    pub(super) async fn fresh_overview(
        &self,
        campaign: &Campaign,
        asking: &Asking,
    ) -> Result<Arc<Overview>, VendorError> {
        let mut overview = Overview::default();
        let mut known = BTreeSet::new();
        let mut page = None;
        for _ in 0..self.settings.max_pages {
            let answer = self.get_campaign_leads(&campaign.process, &campaign.id, page, asking).await?;
            let wrapped = Wrapped::of(&answer)?;
            let length = wrapped.items.len();
            let mut new = 0;
            for item in wrapped.items.iter().map(lead_item) {
                // A server that ignores the offset begins again with the lists that came already.
                let is_new = match &item {
                    LeadItem::Lead(lead) => known.insert(lead.lead.clone()),
                    LeadItem::Failed(_) => true,
                };
                if is_new {
                    new += usize::from(matches!(item, LeadItem::Lead(_)));
                    overview.items.push(item);
                }
            }
            let (_, offset) = page.unwrap_or_default();
            // Without metadata the list is taken as complete (A10).
            let more = wrapped.metadata.is_some_and(|metadata| {
                let limit = metadata.limit.filter(|limit| *limit > 0).unwrap_or(length);
                let seen = offset + length;
                metadata.total.map_or(length >= limit, |total| seen < total)
            });
            if !more || length == 0 || (new == 0 && page.is_some()) {
                let overview = Arc::new(overview);
                self.overviews.keep(&campaign.id, overview.clone());
                return Ok(overview);
            }
            let limit = wrapped.metadata.and_then(|metadata| metadata.limit).unwrap_or(length);
            page = Some((limit, offset + length));
        }
        Err(VendorError::new(
            ErrorKind::Garbled,
            format!("the lead lists of campaign {} do not end after {} pages", campaign.id, self.settings.max_pages),
        ))
    }

    /// A campaign's lists, read now or a moment ago.
    pub(super) async fn recent_overview(
        &self,
        campaign: &Campaign,
        asking: &Asking,
    ) -> Result<Arc<Overview>, VendorError> {
        match self.overviews.recent(&campaign.id) {
            Some(overview) => Ok(overview),
            None => self.fresh_overview(campaign, asking).await,
        }
    }
}
