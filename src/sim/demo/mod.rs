//! Demo data: plausible companies with their staff and leads, the same for the same seed.
//!
//! Nothing is stored: a lead is worked out from its number whenever it is asked for, so that a million of them cost
//! nothing until someone changes one. Number 0 is the oldest.

pub mod hostile;
pub mod names;
pub mod staff;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use unicode_normalization::UnicodeNormalization;

use self::names::{REGIONS, Region, TITLES, WORDS};
pub use self::staff::{Role, Staff};
use super::dice::{Dice, mix, roll, unmix};

/// The oldest lead's age.
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 210);

/// What each number is rolled for.
mod purpose {
    pub const LEAD: u64 = 1;
    pub const OWNER: u64 = 2;
    pub const SCORE: u64 = 3;
    pub const AGE: u64 = 4;
    pub const ID: u64 = 5;
    pub const STAFF: u64 = 6;
    pub const EVENT: u64 = 7;
    pub const UPDATE: u64 = 8;
}

/// The kind of company, one for each vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Companies with a contact person.
    SalesFloor,
    /// Customers of shops; the staff are store associates.
    RetailStores,
    /// People to be called; the staff are agents in shifts.
    ContactCenter,
    /// Companies with a contact person, written to in campaigns.
    OutreachWorkspace,
    /// Customers of one shop.
    SmallShop,
}

impl Flavour {
    /// The company's name.
    pub fn company(self) -> &'static str {
        match self {
            Self::SalesFloor => "Halvorsen Pumps",
            Self::RetailStores => "Maison Tilleul",
            Self::ContactCenter => "Brightline Contact",
            Self::OutreachWorkspace => "Cobalt Outreach",
            Self::SmallShop => "Fern & Thimble",
        }
    }

    /// The domain of the staff's e-mail addresses.
    pub fn domain(self) -> &'static str {
        match self {
            Self::SalesFloor => "halvorsen.example",
            Self::RetailStores => "tilleul.example",
            Self::ContactCenter => "brightline.example",
            Self::OutreachWorkspace => "cobalt.example",
            Self::SmallShop => "fernthimble.example",
        }
    }

    /// Teams, stores or shifts.
    pub fn teams(self) -> &'static [&'static str] {
        match self {
            Self::SalesFloor => &["Inbound", "Mid-market", "Enterprise", "Partners"],
            Self::RetailStores => {
                &["Lyon Bellecour", "Genève Rive", "Bruxelles Louise", "Lille Centre", "Nantes Graslin"]
            }
            Self::ContactCenter => &["Morning shift", "Day shift", "Late shift", "Weekend"],
            Self::OutreachWorkspace => &["SDR North", "SDR South", "Agencies"],
            Self::SmallShop => &["Shop"],
        }
    }

    /// Where leads come from.
    pub fn sources(self) -> &'static [&'static str] {
        match self {
            Self::SalesFloor => {
                &["web", "referral", "event", "webinar", "partner", "ads", "chat", "cold_call", "import"]
            }
            Self::RetailStores => &["store", "website", "newsletter", "event", "app", "phone"],
            Self::ContactCenter => &["upload", "web", "ivr", "missed_call", "partner"],
            Self::OutreachWorkspace => &["linkedin", "import", "website", "lead_finder", "referral"],
            Self::SmallShop => &["website", "instagram", "market", "referral", "phone"],
        }
    }

    /// Names of campaigns, or of the lists that people are called from; they repeat with a number.
    pub fn campaign(self, number: usize) -> String {
        let all: &[&str] = match self {
            Self::ContactCenter => &[
                "Card renewals",
                "Broadband upgrade",
                "Welcome calls",
                "Overdue, first reminder",
                "Motor insurance",
                "Customer survey",
                "Win back",
                "Appointments",
                "Solar callback",
                "Festival offer",
                "Night line",
                "Pilot",
            ],
            _ => &[
                "Spring launch",
                "Manufacturing DACH",
                "Cold CTO sequence",
                "Agencies Q2",
                "Trade fair follow-up",
                "Reactivation",
                "Nordics retail",
                "Product update",
                "Webinar no-shows",
                "Founders",
                "Logistics EU",
                "Test A/B",
            ],
        };
        let name = all[number % all.len()];
        if number < all.len() { name.to_owned() } else { format!("{name} {}", number / all.len() + 1) }
    }

    fn leads_are_companies(self) -> bool {
        matches!(self, Self::SalesFloor | Self::OutreachWorkspace)
    }
}

/// How far a lead has come. Vendors have their own words for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    New,
    Contacted,
    Qualified,
    Nurture,
    Won,
    Lost,
}

impl Stage {
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Contacted => "contacted",
            Self::Qualified => "qualified",
            Self::Nurture => "nurture",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// A person or company to follow up.
#[derive(Clone, Debug)]
pub struct DemoLead {
    pub number: u64,
    pub first_name: String,
    pub last_name: String,
    /// Empty for customers of shops.
    pub company: String,
    pub title: &'static str,
    /// Empty for a few.
    pub email: String,
    pub phone: String,
    pub stage: Stage,
    pub source: &'static str,
    pub score: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_event_at: Option<Timestamp>,
    pub city: &'static str,
    pub country: &'static str,
    pub do_not_call: bool,
}

/// A company with its staff and leads.
#[derive(Clone, Debug)]
pub struct Demo {
    pub flavour: Flavour,
    pub seed: u64,
    pub leads: u64,
    pub now: Timestamp,
    /// The last one has left.
    pub staff: Arc<Vec<Staff>>,
    hostile: Arc<Vec<hostile::Name>>,
    /// Sums of the weights by which leads fall to the staff.
    shares: Arc<Vec<u32>>,
}

impl Demo {
    /// A company of `owners` people, beside one who left.
    pub fn new(flavour: Flavour, seed: u64, leads: usize, owners: usize, now: Timestamp) -> Self {
        let staff = staff::hire(flavour, seed, owners.max(1));
        let mut dice = Dice::new(seed, 0, purpose::OWNER);
        let mut ranks: Vec<usize> = (0..staff.len()).collect();
        for place in (1..ranks.len()).rev() {
            ranks.swap(place, dice.below(place + 1));
        }
        let mut sum = 0;
        let shares = staff.iter().map(|person| {
            // A few do most of the work, as everywhere.
            let share = (1_000.0 / (ranks[person.number] as f64 + 1.0).powf(0.85)) as u32;
            sum += match (person.active, person.role) {
                (false, _) => 40,
                (true, Role::Viewer) => 4,
                (true, _) => share.max(6),
            };
            sum
        });
        let shares = Arc::new(shares.collect());
        Self {
            flavour,
            seed,
            leads: leads as u64,
            now,
            staff: Arc::new(staff),
            hostile: Arc::new(hostile::names()),
            shares,
        }
    }

    /// Other leads of the same staff.
    pub fn branch(&self, salt: u64, leads: usize) -> Self {
        Self { seed: self.seed ^ mix(salt), leads: leads as u64, ..self.clone() }
    }

    /// Who owns a lead at the start, as a place in [`Self::staff`]. About 12 % are nobody's, most of them new.
    pub fn first_owner(&self, number: u64) -> Option<usize> {
        let mut dice = Dice::new(self.seed, number, purpose::OWNER);
        let newness = 1.0 - self.age_share(number);
        if dice.chance(0.075 + 0.32 * newness.powi(6)) {
            return None;
        }
        let at = dice.below(self.shares.last().copied().unwrap_or_default() as usize) as u32;
        Some(self.shares.partition_point(|&sum| sum <= at))
    }

    /// Low for most.
    pub fn score(&self, number: u64) -> u32 {
        (Dice::new(self.seed, number, purpose::SCORE).unit().powf(2.2) * 160.0) as u32
    }

    /// Never earlier than that of a lower number.
    pub fn created_at(&self, number: u64) -> Timestamp {
        let gap = Dice::new(self.seed, number, purpose::AGE).unit();
        let older = self.age_curve(number as f64);
        let newer = self.age_curve(number as f64 + 1.0);
        before(self.now, older + (newer - older) * gap)
    }

    /// When something about the lead was last changed.
    pub fn updated_at(&self, number: u64) -> Timestamp {
        let age = self.now.duration_since(self.created_at(number)).as_secs_f64();
        before(self.now, age * Dice::new(self.seed, number, purpose::UPDATE).unit().powf(1.5))
    }

    /// When the lead last did something itself; `None` for those who never did.
    pub fn last_event_at(&self, number: u64) -> Option<Timestamp> {
        let mut dice = Dice::new(self.seed, number, purpose::EVENT);
        if dice.chance(0.1) {
            return None;
        }
        let created = self.created_at(number);
        let age = self.now.duration_since(created).as_secs_f64();
        Some(before(self.now, age * dice.unit().powf(0.6)))
    }

    /// From 0 for the newest to nearly 1 for the oldest.
    fn age_share(&self, number: u64) -> f64 {
        self.leads.saturating_sub(number + 1) as f64 / self.leads.max(1) as f64
    }

    /// Age in seconds at a place between numbers: many new leads, fewer old ones.
    fn age_curve(&self, place: f64) -> f64 {
        let share = (1.0 - place / self.leads.max(1) as f64).clamp(0.0, 1.0);
        SPAN.as_secs_f64() * share.powf(1.3)
    }

    /// Everything about one lead.
    pub fn lead(&self, number: u64) -> DemoLead {
        let mut dice = Dice::new(self.seed, number, purpose::LEAD);
        let region = &REGIONS[region(&mut dice)];
        let (first_name, first_latin) = spellings(dice.pick(region.given));
        let (last_name, last_latin) = spellings(dice.pick(region.family));
        let word = dice.pick(WORDS);
        let is_company = self.flavour.leads_are_companies();
        let company = dice.pick(region.companies).replace("{f}", last_name).replace("{w}", word);
        let domain = if is_company { format!("{}.example", slug(word)) } else { "mail.example".to_owned() };
        let given = slug(&first_latin);
        let family = slug(&last_latin);
        let email = match dice.below(20) {
            0 => String::new(),
            1..=9 => format!("{given}.{family}@{domain}"),
            10..=14 => format!("{}{family}{}@{domain}", given.chars().next().unwrap_or('x'), dice.below(90)),
            _ => format!("{given}{}@{domain}", number % 10_000),
        };
        let phone = format!("{} {:03} {:04}", region.dial, dice.below(1_000), dice.below(10_000));
        let share = self.age_share(number);
        let stages = [Stage::New, Stage::Contacted, Stage::Qualified, Stage::Nurture, Stage::Won, Stage::Lost];
        let weights: [u32; 6] = match share {
            s if s < 0.08 => [70, 20, 8, 2, 0, 0],
            s if s < 0.4 => [24, 32, 20, 14, 5, 5],
            _ => [8, 22, 16, 26, 13, 15],
        };
        let unowned = self.first_owner(number).is_none();
        let stage = if unowned && dice.chance(0.8) { Stage::New } else { stages[dice.weighted(&weights)] };
        let mut lead = DemoLead {
            number,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            company: if is_company { company } else { String::new() },
            title: dice.pick(TITLES),
            email,
            phone,
            stage,
            source: dice.pick(self.flavour.sources()),
            score: self.score(number),
            created_at: self.created_at(number),
            updated_at: self.updated_at(number),
            last_event_at: self.last_event_at(number),
            city: dice.pick(region.cities),
            country: region.country,
            do_not_call: dice.chance(0.02),
        };
        if let Some(kind) = hostile::kind(number) {
            let (first, last) = &self.hostile[kind % self.hostile.len()];
            lead.first_name.clone_from(first);
            lead.last_name.clone_from(last);
            if first.is_empty() {
                lead.company.clear();
            } else if is_company && kind % 2 == 0 {
                lead.company = format!("{last} {}", lead.company);
            }
        }
        lead
    }
}

/// `seconds` before `now`; whole milliseconds, as servers write them.
fn before(now: Timestamp, seconds: f64) -> Timestamp {
    let at = now.as_millisecond().saturating_sub((seconds * 1_000.0) as i64);
    Timestamp::from_millisecond(at).unwrap_or(now)
}

/// The name as its bearer writes it, and in Latin letters.
fn spellings(entry: &'static str) -> (&'static str, String) {
    match entry.split_once('|') {
        Some((native, latin)) => (native, latin.to_owned()),
        None => (entry, entry.to_owned()),
    }
}

fn region(dice: &mut Dice) -> usize {
    // A million leads roll this a million times: the weights are spread over a table once.
    static SPREAD: std::sync::LazyLock<Vec<usize>> = std::sync::LazyLock::new(|| {
        let repeat = |(place, region): (usize, &Region)| std::iter::repeat_n(place, region.weight as usize);
        REGIONS.iter().enumerate().flat_map(repeat).collect()
    });
    dice.pick(&SPREAD)
}

/// Letters for an e-mail address.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.nfd().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' | '-' => slug.push(c),
            'ß' => slug.push_str("ss"),
            'æ' => slug.push_str("ae"),
            'þ' => slug.push_str("th"),
            'ø' => slug.push('o'),
            'ł' => slug.push('l'),
            'đ' | 'ð' => slug.push('d'),
            'ı' => slug.push('i'),
            _ => {}
        }
    }
    slug
}

/// An id that looks like a random UUID and holds the number, so that a million of them need no table.
pub fn uuid(seed: u64, number: u64) -> String {
    let m = format!("{:016x}", mix(number ^ mix(seed)));
    let r = format!("{:016x}", roll(seed, number, purpose::ID));
    let variant = ['8', '9', 'a', 'b'][(number % 4) as usize];
    format!("{}-{}-4{}-{variant}{}{}-{}", &m[..8], &m[8..12], &m[12..15], &m[15..], &r[..2], &r[2..14])
}

/// The number in an id that [`uuid()`] made with the same seed.
pub fn number_of(seed: u64, id: &str) -> Option<u64> {
    let bytes = id.as_bytes();
    if bytes.len() != 36 || !id.is_ascii() {
        return None;
    }
    let m = format!("{}{}{}{}", &id[..8], &id[9..13], &id[15..18], &id[20..21]);
    let number = unmix(u64::from_str_radix(&m, 16).ok()?) ^ mix(seed);
    (uuid(seed, number) == id).then_some(number)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn demo() -> Demo {
        Demo::new(Flavour::SalesFloor, 1, 5_000, 24, now())
    }

    #[test]
    fn the_same_seed_gives_the_same_company() {
        let (a, b) = (demo(), demo());
        assert_eq!(format!("{:?}{:?}", a.lead(17), a.staff), format!("{:?}{:?}", b.lead(17), b.staff));
        let other = Demo::new(Flavour::SalesFloor, 2, 5_000, 24, now());
        assert_ne!(format!("{:?}", a.lead(17)), format!("{:?}", other.lead(17)));
    }

    #[test]
    fn load_is_uneven_and_an_eighth_is_nobodys() {
        let demo = demo();
        let mut loads = vec![0_usize; demo.staff.len()];
        let mut unowned = 0;
        for number in 0..demo.leads {
            match demo.first_owner(number) {
                Some(owner) => loads[owner] += 1,
                None => unowned += 1,
            }
        }
        assert!((500..700).contains(&unowned), "{unowned}");
        let (most, least) = (loads.iter().max().unwrap(), loads.iter().min().unwrap());
        assert!(*most > 600 && *least < 40, "{loads:?}");
        assert!(loads[24] > 5, "somebody who left still owns leads: {loads:?}");
    }

    #[test]
    fn leads_come_in_many_scripts_and_ages() {
        let demo = demo();
        let leads: Vec<_> = (0..demo.leads).map(|n| demo.lead(n)).collect();
        let has = |range: std::ops::RangeInclusive<char>| {
            leads.iter().filter(|l| l.last_name.chars().any(|c| range.contains(&c))).count()
        };
        for range in
            ['а'..='я', 'α'..='ω', '一'..='龥', 'ぁ'..='ヿ', '가'..='힣', 'ا'..='ي', 'א'..='ת', 'अ'..='ह', 'ก'..='ฮ']
        {
            if range != ('ぁ'..='ヿ') {
                assert!(has(range.clone()) > 20, "{range:?}");
            }
        }
        assert!(leads.windows(2).all(|w| w[0].created_at <= w[1].created_at));
        let days = |l: &DemoLead| now().duration_since(l.created_at).as_hours() / 24;
        assert!(days(&leads[0]) > 200);
        assert!(days(&leads[4_999]) == 0);
        assert!(leads.iter().filter(|l| days(l) < 30).count() > 1_000);
        for lead in &leads {
            assert!(lead.created_at <= lead.updated_at && lead.updated_at <= now());
            assert!(lead.email.is_empty() || lead.email.is_ascii(), "{}", lead.email);
        }
        let stages: HashSet<_> = leads.iter().map(|l| l.stage.word()).collect();
        assert_eq!(stages.len(), 6);
    }

    #[test]
    fn all_hostile_names_occur_in_the_demo() {
        let demo = demo();
        let named: HashSet<_> = (0..demo.leads).map(|n| demo.lead(n)).map(|l| (l.first_name, l.last_name)).collect();
        for name in hostile::names() {
            assert!(named.contains(&name), "{name:?}");
        }
        assert!(named.iter().any(|(first, _)| first.chars().count() == 5_000));
        assert!(named.iter().any(|(first, last)| first.is_empty() && last.is_empty()));
    }

    #[test]
    fn two_of_the_staff_share_a_name_but_no_address() {
        let demo = Demo::new(Flavour::RetailStores, 3, 10, 2_000, now());
        assert_eq!(demo.staff.len(), 2_001);
        assert_eq!(demo.staff.iter().filter(|s| s.name() == "Anna Schmidt").count(), 2);
        let addresses: HashSet<_> = demo.staff.iter().map(|s| &s.email).collect();
        assert_eq!(addresses.len(), 2_001);
        let names: HashSet<_> = demo.staff.iter().map(Staff::name).collect();
        assert_eq!(names.len(), 2_000);
    }

    #[test]
    fn ids_hold_their_number() {
        for number in [0, 1, 4_999, 1_000_000, u64::from(u32::MAX)] {
            let id = uuid(9, number);
            assert_eq!(number_of(9, &id), Some(number));
            assert_eq!(number_of(8, &id), None);
            assert!(uuid::Uuid::parse_str(&id).is_ok_and(|u| u.get_version_num() == 4), "{id}");
        }
        for wrong in ["", "ld_123", "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx", "Ünicode-in-an-id-of-thirty-six-byte"] {
            assert_eq!(number_of(9, wrong), None);
        }
    }
}
