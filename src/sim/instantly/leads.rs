//! Which lead has which id and place, and what a lead looks like. Who owns it is in the ledger; the rest is worked out
//! from its number.

use serde_json::{Map, Value, json};

use super::Instantly;
use crate::sim::demo::{self, Demo, DemoLead, Stage};
use crate::sim::dice::{Dice, mix, roll};
use crate::sim::vendor::Holder;

/// The leads in the order of their ids.
#[derive(Debug)]
pub struct Leads {
    seed: u64,
    demo: Demo,
    /// Numbers, in the order of the ids.
    order: Vec<u32>,
}

impl Leads {
    pub fn new(demo: &Demo) -> Self {
        let count = u32::try_from(demo.leads).unwrap_or(u32::MAX);
        let mut leads = Self { seed: demo.seed, demo: demo.clone(), order: (0..count).collect() };
        let mut order = std::mem::take(&mut leads.order);
        order.sort_by_cached_key(|&number| leads.key(number));
        leads.order = order;
        leads
    }

    /// The id as a number. Newer leads' ids begin with the time of their creation and sort by it; the oldest twentieth
    /// are of an age when ids were random, and sort out of sequence.
    fn key(&self, number: u32) -> u128 {
        let n = u64::from(number);
        let random = roll(self.seed, n, 610);
        let tail = (0b10_u128 << 62) | (u128::from(number) << 30) | u128::from(random & 0x3fff_ffff);
        let some = u128::from(random >> 52);
        if n < self.demo.leads / 20 {
            let head = u128::from(mix(n ^ mix(self.seed)) >> 16);
            (head << 80) | (4 << 76) | (some << 64) | tail
        } else {
            let at = u128::try_from(self.demo.created_at(n).as_millisecond()).unwrap_or_default();
            (at << 80) | (7 << 76) | (some << 64) | tail
        }
    }

    pub fn id(&self, number: u32) -> String {
        let hex = format!("{:032x}", self.key(number));
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// The number of the lead with an id, of those that there were at the start.
    pub fn number(&self, id: &str) -> Option<u32> {
        let key = key_of(id)?;
        let number = u32::try_from((key >> 30) & 0xffff_ffff).ok()?;
        (u64::from(number) < self.demo.leads && self.key(number) == key).then_some(number)
    }

    /// Numbers in the order of the ids, after a cursor; `None` where it is no id.
    pub fn after(&self, cursor: Option<&str>) -> Option<&[u32]> {
        let from = match cursor {
            None => 0,
            Some(cursor) => {
                let key = key_of(cursor)?;
                self.order.partition_point(|&number| self.key(number) <= key)
            }
        };
        Some(&self.order[from..])
    }

    /// Sorts numbers into the order of the ids.
    pub fn sort(&self, numbers: &mut [u32]) {
        numbers.sort_by_cached_key(|&number| self.key(number));
    }
}

/// An id's value, where it has the form of one.
fn key_of(id: &str) -> Option<u128> {
    let dashes = [8, 13, 18, 23];
    let is_formed = id.len() == 36 && id.is_ascii() && dashes.iter().all(|&at| id.as_bytes()[at] == b'-');
    is_formed.then(|| u128::from_str_radix(&id.replace('-', ""), 16).ok()).flatten()
}

/// What of a lead can be filtered by.
#[derive(Clone, Debug)]
pub struct Facts {
    pub status: i64,
    pub interest: Option<i64>,
    pub opens: u64,
    pub replies: u64,
    pub clicks: u64,
    pub verification: i64,
    pub contacted: bool,
    pub in_subsequence: bool,
}

/// Where a lead is: places in the workspace's campaigns and lists.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    pub campaign: Option<usize>,
    pub list: Option<usize>,
}

impl Instantly {
    /// Most leads are in a campaign, some in a list, some in both and a few in neither.
    pub fn places(&self, number: u32) -> Places {
        let mut dice = Dice::new(self.seed, u64::from(number), 611);
        let share = dice.below(100);
        let campaign = (self.campaigns.len() > 1 && share < 84)
            // The last campaign is empty.
            .then(|| dice.below(self.campaigns.len() - 1).min(dice.below(self.campaigns.len() - 1)));
        let list = ((74..98).contains(&share) && !self.lists.is_empty()).then(|| dice.below(self.lists.len()));
        Places { campaign, list }
    }

    pub fn facts(&self, lead: &DemoLead) -> Facts {
        let mut dice = Dice::new(self.seed, lead.number, 612);
        let status = match (dice.below(100), lead.stage) {
            (0..3, _) => -1,
            (3..5, _) => -2,
            (5, _) => -3,
            (_, Stage::Nurture) => 2,
            (_, Stage::Qualified | Stage::Won | Stage::Lost) => 3,
            _ => 1,
        };
        let mut interest = match lead.stage {
            Stage::Qualified => Some(dice.pick(&[1, 1, 2, 3])),
            Stage::Won => Some(4),
            Stage::Lost => Some(dice.pick(&[-1, -1, -2, -3, -4])),
            Stage::Nurture => Some(0),
            Stage::New | Stage::Contacted => None,
        };
        if self.switches.on("custom_labels") && interest.is_some() && dice.chance(0.1) {
            interest = Some(dice.pick(&super::workspace::LABELS).0);
        }
        let contacted = lead.stage != Stage::New;
        let opens = if contacted { dice.below(6) as u64 } else { 0 };
        let answered = matches!(lead.stage, Stage::Qualified | Stage::Won);
        Facts {
            status,
            interest,
            opens: opens + u64::from(answered),
            replies: if answered { 1 + dice.below(3) as u64 } else { 0 },
            clicks: if opens > 3 { dice.below(3) as u64 } else { 0 },
            verification: dice.pick(&[1, 1, 1, 1, 1, 1, 1, 11, -1, -2, -3]),
            contacted,
            in_subsequence: contacted && dice.chance(0.06),
        }
    }

    /// A lead as the API gives it.
    pub fn lead(&self, number: u32, owner: &Holder, touched: Option<jiff::Timestamp>) -> Value {
        let demo = self.demo.lead(u64::from(number));
        let facts = self.facts(&demo);
        let places = self.places(number);
        let mut dice = Dice::new(self.seed, u64::from(number), 613);
        let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let event = demo.last_event_at.filter(|_| facts.contacted).map(time);
        let domain = demo.email.split('@').nth(1).unwrap_or_default().to_owned();
        let website = if domain.is_empty() { Value::Null } else { format!("https://{domain}").into() };
        let mut lead = Map::new();
        let mut put = |key: &str, value: Value| lead.insert(key.to_owned(), value);
        put("id", self.leads.id(number).into());
        put("timestamp_created", time(demo.created_at).into());
        put("timestamp_updated", time(touched.unwrap_or(demo.created_at)).into());
        put("organization", self.workspace.clone().into());
        put("campaign", places.campaign.map(|place| self.campaigns[place].id.clone()).into());
        put("list_id", places.list.map(|place| self.lists[place].id.clone()).into());
        put("status", facts.status.into());
        put("email", text(&demo.email));
        put("first_name", text(&demo.first_name));
        put("last_name", text(&demo.last_name));
        put("company_name", text(&demo.company));
        put("job_title", text(demo.title));
        put("phone", text(&demo.phone));
        put("website", website.clone());
        put("personalization", Value::Null);
        put("company_domain", domain.into());
        put("email_open_count", facts.opens.into());
        put("email_reply_count", facts.replies.into());
        put("email_click_count", facts.clicks.into());
        if facts.contacted {
            put("status_summary", json!({"lastStep": {"from": "campaign", "stepID": "0_0_0"}}));
            put("last_contacted_from", "outreach@cobalt.example".into());
        } else {
            put("status_summary", json!({}));
        }
        put(
            "payload",
            json!({
                "firstName": demo.first_name, "lastName": demo.last_name, "companyName": demo.company,
                "jobTitle": demo.title, "location": demo.city, "source": demo.source, "score": demo.score,
            }),
        );
        if let Some(interest) = facts.interest {
            put("lt_interest_status", interest.into());
        }
        put("verification_status", facts.verification.into());
        put("esp_code", dice.pick(&[1, 2, 2, 3, 999]).into());
        put("upload_method", dice.pick(&["manual", "api", "api", "website-visitor"]).into());
        put("uploaded_by_user", self.user_id(0).into());
        put("is_website_visitor", Value::Null);
        if facts.in_subsequence {
            put("subsequence_id", demo::uuid(self.seed ^ 614, 1).into());
        }
        for (key, is_there) in [
            ("timestamp_last_contact", facts.contacted),
            ("timestamp_last_touch", facts.contacted),
            ("timestamp_last_open", facts.opens > 0),
            ("timestamp_last_reply", facts.replies > 0),
            ("timestamp_last_click", facts.clicks > 0),
            ("timestamp_last_interest_change", facts.interest.is_some()),
        ] {
            put(key, event.clone().filter(|_| is_there).into());
        }
        match owner.id() {
            Some(id) => put("assigned_to", id.into()),
            None if self.switches.is("unassigned_as", "absent") => None,
            None => put("assigned_to", Value::Null),
        };
        Value::Object(lead)
    }
}
