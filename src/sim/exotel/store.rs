//! What a contact center consists of, and who is mapped to what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::sim::vendor::{Holder, Target, target};

/// The tenants.
#[derive(Debug, Default)]
pub struct Store {
    pub centers: Vec<u64>,
    pub processes: Vec<Process>,
    pub campaigns: BTreeMap<u64, Campaign>,
    /// Login names, contact-center-wide.
    pub users: Vec<String>,
    /// The mapping row that was made last; they are numbered through.
    pub last_row: u64,
    /// What the rules for clients need to know of earlier requests.
    pub first_write: FirstWrite,
}

#[derive(Debug)]
pub struct Process {
    pub id: u64,
    pub center: u64,
    pub name: String,
    pub description: String,
    pub added: Timestamp,
    pub modified: Timestamp,
}

#[derive(Debug)]
pub struct Campaign {
    pub id: u64,
    pub process: u64,
    pub center: u64,
    pub name: String,
    pub kind: &'static str,
    pub description: String,
    pub added: Timestamp,
    pub modified: Timestamp,
    pub version: u64,
    /// The users attached to it. A user's place here is what mappings hold.
    pub users: Vec<CampaignUser>,
    pub place_of: HashMap<usize, usize>,
    /// The attached lead lists by their ids.
    pub lists: BTreeMap<u64, Attachment>,
}

#[derive(Clone, Copy, Debug)]
pub struct CampaignUser {
    /// The user's place in [`Store::users`].
    pub user: usize,
    /// The number that the user has in this campaign only.
    pub id: u64,
}

/// Places of campaign users, with the id of the mapping row of each.
pub type Rows = BTreeMap<usize, u64>;

/// A lead list in a campaign.
#[derive(Debug)]
pub struct Attachment {
    /// `campaignLeadId`.
    pub id: u64,
    pub priority: u64,
    pub weightage: u64,
    pub enabled: bool,
    pub max_attempt: u64,
    pub churn: u64,
    pub added: Timestamp,
    pub modified: Timestamp,
    pub version: u64,
    pub rows: Rows,
    /// Those whom the last write removed.
    pub last_removed: Vec<usize>,
    /// What reads still show, and how many of them.
    pub stale: Option<(Rows, u64)>,
    /// Whom the reads since the last write showed as mapped; `None` where there was no read since.
    pub shown: Option<BTreeSet<usize>>,
}

/// How far the first write is proven: until then no other should follow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FirstWrite {
    #[default]
    None,
    /// Applied, and not read back.
    Open(u64, u64),
    Proven,
}

impl Attachment {
    /// The mapping as a read shows it; counts one read.
    pub fn view(&mut self) -> Rows {
        match self.stale.take() {
            Some((rows, left)) => {
                if left > 1 {
                    self.stale = Some((rows.clone(), left - 1));
                }
                rows
            }
            None => self.rows.clone(),
        }
    }
}

impl Campaign {
    /// The place of a user in this campaign.
    pub fn place(&self, store_users: &HashMap<String, usize>, user: &str) -> Option<usize> {
        self.place_of.get(store_users.get(user)?).copied()
    }
}

impl Store {
    pub fn attachment(&self, campaign: u64, list: u64) -> Option<(&Campaign, &Attachment)> {
        let campaign = self.campaigns.get(&campaign)?;
        Some((campaign, campaign.lists.get(&list)?))
    }

    /// Who is mapped, by login name.
    pub fn holder(&self, campaign: &Campaign, list: &Attachment) -> Holder {
        let names = list.rows.keys().filter_map(|&place| campaign.users.get(place));
        Holder::Agents(names.filter_map(|user| self.users.get(user.user).cloned()).collect())
    }

    /// Writes a mapping; gives who was mapped before and after. `None` where there is no such mapping.
    pub fn write(
        &mut self,
        campaign: u64,
        list: u64,
        places: &BTreeSet<usize>,
        stale: u64,
    ) -> Option<(Holder, Holder)> {
        let (of, attached) = self.attachment(campaign, list)?;
        let before = self.holder(of, attached);
        let mut last_row = self.last_row;
        let attached = self.campaigns.get_mut(&campaign)?.lists.get_mut(&list)?;
        let old = attached.rows.clone();
        attached.last_removed = old.keys().filter(|place| !places.contains(place)).copied().collect();
        attached.rows.retain(|place, _| places.contains(place));
        for &place in places {
            attached.rows.entry(place).or_insert_with(|| {
                last_row += 1;
                last_row
            });
        }
        attached.stale = (stale > 0).then_some((old, stale));
        attached.version += 1;
        attached.modified = Timestamp::now();
        self.last_row = last_row;
        let (of, attached) = self.attachment(campaign, list)?;
        Some((before, self.holder(of, attached)))
    }
}

/// The target of a mapping.
pub fn mapping(campaign: u64, list: u64) -> Target {
    target(format!("{campaign}:{list}"))
}

/// The ids in a mapping's target.
pub fn parted(target: &str) -> Option<(u64, u64)> {
    let (campaign, list) = target.split_once(':')?;
    Some((campaign.parse().ok()?, list.parse().ok()?))
}
