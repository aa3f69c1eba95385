//! A campaign's lead lists with the agents of all of them, as the ids they have in the campaign (contract, section 3.3):
//! the cheap reading, and what the dear one is compared with.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::key::Key;
use super::wire::{Campaign, LeadItem, Wrapped, lead_item};
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

/// What a campaign says of one of its lists: the agents by their ids there, or why it does not tell them. `None` where it
/// has no such list.
pub type Said = Option<Result<BTreeSet<String>, String>>;

impl Overview {
    pub fn said(&self, lead: &str) -> Said {
        self.items.iter().find_map(|item| match item {
            LeadItem::Lead(found) if found.lead == lead => Some(found.users.clone()),
            _ => None,
        })
    }
}

/// The overviews of the last moments.
#[derive(Default)]
pub struct Overviews(Mutex<HashMap<String, Kept>>);

struct Kept {
    read: Instant,
    overview: Arc<Overview>,
    /// Lists that were changed since, with what was read of them; `None` where nothing was read yet. Beside the
    /// overview, so that a change in a campaign of thousands of lists costs neither another overview nor a copy.
    since: HashMap<String, Option<BTreeSet<String>>>,
}

impl Overviews {
    /// What the campaign said of a list a moment ago; the outer `None` where it said nothing lately.
    pub fn recent(&self, key: &Key) -> Option<Said> {
        let mut kept = lock(&self.0);
        kept.retain(|_, kept| kept.read.elapsed() <= GOOD_FOR);
        let kept = kept.get(&key.campaign)?;
        match kept.since.get(&key.lead) {
            Some(users) => users.clone().map(|users| Some(Ok(users))),
            None => Some(kept.overview.said(&key.lead)),
        }
    }

    pub fn keep(&self, campaign: &str, overview: Arc<Overview>) {
        let kept = Kept { read: Instant::now(), overview, since: HashMap::new() };
        lock(&self.0).insert(campaign.to_owned(), kept);
    }

    /// Takes in what a change was verified to have made of a list; without it nothing is known of this list any more.
    pub fn changed(&self, key: &Key, users: Option<BTreeSet<String>>) {
        if let Some(kept) = lock(&self.0).get_mut(&key.campaign) {
            kept.since.insert(key.lead.clone(), users);
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

    /// What the campaign says of a list, now or a moment ago.
    pub(super) async fn said_recently(
        &self,
        campaign: &Campaign,
        key: &Key,
        asking: &Asking,
    ) -> Result<Said, VendorError> {
        match self.overviews.recent(key) {
            Some(said) => Ok(said),
            None => Ok(self.fresh_overview(campaign, asking).await?.said(&key.lead)),
        }
    }
}
