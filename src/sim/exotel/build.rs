//! The contact centers at the start: processes, campaigns, lead lists, agents, and who is mapped to what.
//!
//! The first campaign has all lists that were asked for and all agents; the others are smaller, one has one agent, one
//! has none and one no lists. A second contact center has one small campaign.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::store::{Attachment, Campaign, CampaignUser, Process, Rows, Store};
use crate::sim::demo::{Demo, Flavour, Staff, hostile};
use crate::sim::dice::Dice;

/// The contact center of the profile, and another.
pub const CENTER: u64 = 1;
pub const OTHER_CENTER: u64 = 2;

/// The floors; the last two have no campaigns.
const PROCESSES: [&str; 12] = [
    "Mumbai floor",
    "Pune floor",
    "Bengaluru floor",
    "Chennai floor",
    "Kochi floor",
    "Noida floor",
    "Home agents",
    "Partner North",
    "Partner South",
    "Night desk",
    "Training",
    "Archive 2024",
];
const BUSY: usize = PROCESSES.len() - 2;

const TOPICS: [&str; 12] = [
    "Expiring cards",
    "Web forms",
    "Missed calls",
    "Branch visits",
    "Old customers",
    "Price list asked",
    "First instalment due",
    "No answer last week",
    "Referred by friends",
    "Trial ended",
    "Policy lapsed",
    "Fair visitors",
];
const REGIONS: [&str; 10] = ["North", "South", "East", "West", "Metro", "Coast", "Hills", "Tier 2", "Abroad", "Rural"];

/// What the numbers are rolled for.
mod purpose {
    pub const SHAPE: u64 = 510;
    pub const USERS: u64 = 511;
    pub const ROWS: u64 = 512;
}

/// A store with the names that only the customer's own files have.
#[derive(Debug)]
pub struct Built {
    pub store: Store,
    /// Ids of lead lists with their names; a few have none.
    pub list_names: Vec<(u64, String)>,
    /// Login names of those in the roster, with their places in the staff.
    pub roster: Vec<(String, usize)>,
    pub user_of: HashMap<String, usize>,
}

/// Numbers that go up in uneven steps, as a server's that others write to as well.
struct Count {
    last: u64,
    most: usize,
    dice: Dice,
}

impl Count {
    fn next(&mut self) -> u64 {
        self.last += 1 + self.dice.below(self.most) as u64;
        self.last
    }
}

struct Builder<'a> {
    demo: &'a Demo,
    agents: Vec<Staff>,
    store: Store,
    campaign_ids: Count,
    list_ids: Count,
    attachment_ids: Count,
    user_ids: Count,
    row_ids: Count,
    list_names: Vec<(u64, String)>,
}

/// `lists` in the largest of `campaigns`, and as many agents as the demo has active staff.
pub fn build(demo: &Demo, lists: usize, campaigns: usize) -> Built {
    let count = |last, most, place| Count { last, most, dice: Dice::new(demo.seed, place, purpose::SHAPE) };
    let agents: Vec<_> = demo.staff.iter().filter(|person| person.active).cloned().collect();
    let users = logins(&agents);
    let mut builder = Builder {
        demo,
        store: Store { users: users.clone(), ..Store::default() },
        campaign_ids: count(6, 3, 1),
        list_ids: count(39, 3, 2),
        attachment_ids: count(110, 5, 3),
        user_ids: count(500, 7, 4),
        row_ids: count(9_000, 3, 5),
        list_names: Vec::new(),
        agents,
    };
    builder.fill(lists, campaigns);
    let mut store = builder.store;
    store.last_row = builder.row_ids.last;
    let user_of = users.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
    // Somebody is always too new for the roster.
    let known = if users.len() > 10 { users.len() - 1 } else { users.len() };
    let roster = users.into_iter().take(known).zip(builder.agents.iter().map(|person| person.number)).collect();
    Built { store, list_names: builder.list_names, roster, user_of }
}

/// Login names: with dots, as addresses, with a number, and a pair that differs in case only.
fn logins(agents: &[Staff]) -> Vec<String> {
    let plain = |person: &Staff| person.email.split('@').next().unwrap_or_default().to_owned();
    let mut logins: Vec<String> = agents
        .iter()
        .map(|person| match person.number {
            n if n % 7 == 4 => person.email.clone(),
            n if n % 5 == 3 => format!("{}_agent", plain(person).replace('.', "_")),
            _ => plain(person),
        })
        .collect();
    if let [_, first, _, twin, ..] = logins.as_mut_slice() {
        *twin = first.split('.').map(capital).collect::<Vec<_>>().join(".");
    }
    logins
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Builder<'_> {
    fn fill(&mut self, lists: usize, campaigns: usize) {
        self.store.centers = vec![CENTER, OTHER_CENTER];
        let mut ids = Count { last: 2, most: 4, dice: Dice::new(self.demo.seed, 6, purpose::SHAPE) };
        for (place, name) in PROCESSES.iter().enumerate() {
            self.process(ids.next(), CENTER, name, place as i64);
        }
        self.process(ids.next(), OTHER_CENTER, "Test floor", 40);

        let few = if lists == 0 { 0 } else { (lists / 10).clamp(2, 12) };
        let mut of_process: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for place in 0..campaigns {
            // The first three are on one floor and share its lists.
            let process = if place < 3 { 0 } else { 1 + (place - 3) % (BUSY - 1) };
            let all = match of_process.get(&process) {
                Some(all) => all.clone(),
                None => {
                    let own = self.lists(if process == 0 { lists } else { few }, process);
                    of_process.insert(process, own.clone());
                    own
                }
            };
            let mut dice = Dice::new(self.demo.seed, place as u64, purpose::SHAPE + 100);
            let some: Vec<u64> = match place {
                0 => all,
                5 => Vec::new(),
                1 | 2 => all.iter().step_by(1 + all.len() / 14).copied().collect(),
                _ => all.iter().enumerate().filter(|(n, _)| *n == 0 || dice.chance(0.7)).map(|(_, id)| *id).collect(),
            };
            let agents = match (place, self.agents.len()) {
                (0, all) => all,
                (1, all) => {
                    if all >= 150 {
                        150
                    } else {
                        all.div_ceil(2)
                    }
                }
                (2, all) => all.min(1),
                (3, _) => 0,
                (_, all) => (all / 10 + dice.below(all / 3 + 1)).clamp(all.min(2), all),
            };
            let process = self.store.processes[process].id;
            self.campaign(place, process, CENTER, &some, agents);
        }
        let others = self.lists(2, PROCESSES.len());
        let process = self.store.processes[PROCESSES.len()].id;
        self.campaign(campaigns, process, OTHER_CENTER, &others, self.agents.len().min(3));
    }

    fn ago(&self, days: i64, salt: u64) -> Timestamp {
        let seconds = Dice::new(self.demo.seed, salt, purpose::SHAPE + 200).below(86_400) as i64;
        self.demo.now.checked_sub(SignedDuration::from_secs(days * 86_400 + seconds)).unwrap_or(self.demo.now)
    }

    fn process(&mut self, id: u64, center: u64, name: &str, place: i64) {
        let (added, modified) = (self.ago(400 - 7 * place, id), self.ago(30 + place, id + 1));
        let description = format!("{name} of {}", Flavour::ContactCenter.company());
        self.store.processes.push(Process { id, center, name: name.to_owned(), description, added, modified });
    }

    /// New lead lists of a process. A seventeenth of them are too new to have a name in the customer's file.
    fn lists(&mut self, count: usize, process: usize) -> Vec<u64> {
        let mut ids = Vec::with_capacity(count);
        for place in 0..count {
            let id = self.list_ids.next();
            ids.push(id);
            if place % 17 == 11 {
                continue;
            }
            let n = place + 5 * process;
            let round = n / (TOPICS.len() * REGIONS.len());
            let again = if round == 0 { String::new() } else { format!(" {}", round + 1) };
            // Only the largest floor's lists need no more than a topic and a region.
            let floor = PROCESSES.get(process).filter(|_| process > 0).map(|floor| format!(", {floor}"));
            let floor = floor.unwrap_or_default();
            // Twelve and ten share a factor: a step for each round of both gives all pairs.
            let region = REGIONS[(n + n / 60) % REGIONS.len()];
            self.list_names.push((id, format!("{} {region}{again}{floor}", TOPICS[n % TOPICS.len()])));
        }
        ids
    }

    fn campaign(&mut self, place: usize, process: u64, center: u64, lists: &[u64], agents: usize) {
        let id = self.campaign_ids.next();
        let mut name = Flavour::ContactCenter.campaign(place);
        if place == 10 {
            let (first, last) = &hostile::names()[0];
            name = format!("{name} {first} {last}");
        }
        let users = self.attach_users(id, agents);
        let place_of = users.iter().enumerate().map(|(place, user)| (user.user, place)).collect();
        let attached = lists.iter().enumerate().map(|(n, &list)| (list, self.attach_list(n, list, &users))).collect();
        let (added, modified) = (self.ago(300 - (place as i64 % 250), id), self.ago(20, id + 1));
        let campaign = Campaign {
            description: format!("{name}, by phone"),
            kind: if place % 6 == 4 { "Outbound Voice Campaign" } else { "Interaction Campaign" },
            version: 1 + place as u64 % 9,
            id,
            process,
            center,
            name,
            added,
            modified,
            users,
            place_of,
            lists: attached,
        };
        self.store.campaigns.insert(id, campaign);
    }

    /// Some of the agents, in no order, each with a number of their own in this campaign.
    fn attach_users(&mut self, campaign: u64, count: usize) -> Vec<CampaignUser> {
        let mut dice = Dice::new(self.demo.seed, campaign, purpose::USERS);
        let mut order: Vec<usize> = (0..self.agents.len()).collect();
        for place in (1..order.len()).rev() {
            order.swap(place, dice.below(place + 1));
        }
        order.into_iter().take(count).map(|user| CampaignUser { user, id: self.user_ids.next() }).collect()
    }

    /// A list in a campaign: most are dialled by a handful of one shift, a few by all or by nobody.
    fn attach_list(&mut self, place: usize, list: u64, users: &[CampaignUser]) -> Attachment {
        let id = self.attachment_ids.next();
        let mut dice = Dice::new(self.demo.seed, id, purpose::ROWS);
        let teams = Flavour::ContactCenter.teams();
        let shift = teams[dice.below(teams.len())];
        let is_of_shift = |user: &CampaignUser| self.agents[user.user].team == shift;
        let of_shift = users.iter().filter(|user| is_of_shift(user)).count();
        let chance = |wanted: f64, of: usize, most: f64| (wanted / of.max(1) as f64).min(most);
        let (own, other) = (chance(14.0, of_shift, 0.6), chance(2.0, users.len() - of_shift, 0.05));
        let mapped: Vec<usize> = users
            .iter()
            .enumerate()
            .filter(|(_, user)| match place % 29 {
                5 | 18 => false,
                7 => true,
                _ => dice.chance(if is_of_shift(user) { own } else { other }),
            })
            .map(|(place, _)| place)
            .collect();
        let rows: Rows = mapped.into_iter().map(|place| (place, self.row_ids.next())).collect();
        Attachment {
            id,
            priority: 1 + place as u64 % 10,
            weightage: 1 + dice.below(5) as u64,
            enabled: place % 9 != 4,
            max_attempt: 3 + dice.below(5) as u64,
            churn: dice.below(4_000) as u64,
            added: self.ago(60 + (list % 90) as i64, id),
            modified: self.ago(1, id),
            version: 1 + dice.below(30) as u64,
            rows,
            last_removed: Vec::new(),
            stale: None,
            shown: None,
        }
    }
}
