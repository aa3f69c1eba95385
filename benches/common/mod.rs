//! Shared by the benchmarks: realistic leads, medians, memory.
#![allow(dead_code, reason = "each benchmark uses its own part")]

pub mod front;
pub mod terminal;

use std::time::{Duration, Instant};

use switchboard::domain::exchange::{Event, LoadProgress};
use switchboard::domain::leads::LeadTable;
use switchboard::domain::{
    Assignment, BatchRule, Capabilities, Field, LeadFlags, LeadRecord, Lifecycle, OwnerRef, Pace, Person, ReadBack,
    Timestamp, VendorKind,
};

/// Whether a quick look is enough: fewer leads and repetitions, for checking that the benchmark runs.
pub fn quick() -> bool {
    std::env::args().any(|arg| arg == "--quick")
}

/// The number after `name` on the command line.
pub fn number(name: &str) -> Option<usize> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

/// Now, for everything that has an age.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_794_000_000).unwrap_or_default()
}

pub const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Company,
    Field::Email,
    Field::Phone,
    Field::Status,
    Field::Source,
    Field::Score,
    Field::Created,
    Field::Updated,
    Field::Owner,
];

#[rustfmt::skip]
const FIRST: &[&str] = &[
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
    "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Sarah", "Charles", "Karen", "Priya", "Arjun",
    "Ananya", "Rahul", "Jane", "Samuel", "Olivia", "Noah", "Emma", "Liam", "Ava", "Sophia", "Mateo", "Camila",
    "Diego", "Lucía", "José", "María", "Zoë", "Chloé", "François", "Jürgen", "Björn", "Åsa", "Łukasz", "Agnieszka",
    "Şule", "Mehmet", "Nguyễn", "Linh", "Aoife", "Siobhán", "Kwame", "Amara", "Fatima", "Omar", "Yusuf", "Leila",
    "Hana",
];
#[rustfmt::skip]
const LAST: &[&str] = &[
    "Smith", "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez",
    "Hernandez", "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee",
    "Perez", "Thompson", "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young",
    "Allen", "King", "Wright", "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker",
    "Hall", "Rivera", "Campbell", "Mitchell", "Carter", "Roberts", "Sharma", "Patel", "Singh", "Gupta", "Kumar",
    "Müller", "Schröder", "Großmann", "O'Brien", "O'Connor", "Kowalski", "Wiśniewska", "Yılmaz", "Öztürk", "Almeida",
    "Conceição", "Dubois", "Lefèvre", "Sørensen", "Ångström", "Goldsmith", "Blacksmith", "Nakamura", "Haddad",
];
#[rustfmt::skip]
const OTHER_SCRIPTS: &[&str] = &[
    "王小明", "李娜", "陳大文", "佐藤花子", "山田太郎", "김민준", "이서연", "Ольга Иванова", "Дмитрий Соколов", "Елена Кузнецова",
    "Γιώργος Παπαδόπουλος", "Μαρία Νικολάου", "محمد أحمد", "فاطمة حسن", "दीपक कुमार", "अनीता शर्मा", "יוסי כהן",
    "สมชาย ใจดี",
];
#[rustfmt::skip]
const COMPANY: &[&str] = &[
    "Acme", "Globex", "Initech", "Umbrella", "Hooli", "Vehement", "Massive", "Northwind", "Contoso", "Fabrikam",
    "Bluth", "Sterling", "Wayne", "Stark", "Oscorp", "Cyberdyne", "Tyrell", "Weyland", "Soylent", "Aperture", "Smith",
    "Harbor", "Summit", "Pioneer", "Redwood", "Silver Lake", "Evergreen", "Cascade", "Atlas", "Orion", "Zenith",
];
#[rustfmt::skip]
const TRADE: &[&str] = &[
    "Logistics", "Software", "Foods", "Energy", "Consulting", "Textiles", "Robotics", "Media", "Health", "Motors",
    "Retail", "Travel", "Insurance", "Plastics", "Marine", "Education",
];
const FORM: &[&str] = &["Inc.", "Ltd", "LLC", "GmbH", "& Sons", "Group", "S.A.", "株式会社", "ООО", "A.Ş."];
const STATUS: &[&str] = &["new", "open", "contacted", "qualified", "nurture", "won", "lost"];
const SOURCE: &[&str] =
    &["web", "referral", "trade show", "newsletter", "cold call", "partner", "webinar", "import", "ads", "chat"];

/// A lead like the others of its kind: the same number always gives the same lead.
pub fn lead(number: usize, owners: &[Assignment]) -> LeadRecord {
    let mut random = fastrand::Rng::with_seed(number as u64 + 1);
    let pick = |words: &[&'static str], random: &mut fastrand::Rng| words[random.usize(..words.len())];
    let company = format!("{} {} {}", pick(COMPANY, &mut random), pick(TRADE, &mut random), pick(FORM, &mut random));
    let domain = ascii(company.split(' ').next().unwrap_or_default());
    let trade = ascii(company.split(' ').nth(1).unwrap_or_default());
    let (name, mailbox) = if random.u8(..) < 20 {
        (pick(OTHER_SCRIPTS, &mut random).to_owned(), format!("user{}", random.u32(..100_000)))
    } else {
        let (first, last) = (pick(FIRST, &mut random), pick(LAST, &mut random));
        let mailbox = match random.u8(..4) {
            0 => format!("{}.{}", ascii(first), ascii(last)),
            1 => format!("{}{}", &ascii(first)[..1], ascii(last)),
            2 => format!("{}{}", ascii(first), random.u8(..100)),
            _ => format!("{}_{}", ascii(last), ascii(first)),
        };
        (format!("{first} {last}"), mailbox)
    };
    let created = now().as_second() - random.i64(0..400 * 86_400);
    let status = pick(STATUS, &mut random);
    LeadRecord {
        id: format!("lead_{:016x}", random.u64(..)).into(),
        name: name.into(),
        company: company.into(),
        email: format!("{mailbox}@{domain}{trade}.example").into(),
        phone: format!("+{} {:03} {:07}", random.u8(1..99), random.u16(..1000), random.u32(..10_000_000)).into(),
        status: status.into(),
        source: pick(SOURCE, &mut random).into(),
        score: Some(random.i32(0..=100)),
        created_at: Timestamp::from_second(created).ok(),
        updated_at: Timestamp::from_second((created + random.i64(0..30 * 86_400)).min(now().as_second())).ok(),
        owner: owners.get(random.usize(..owners.len().max(1))).cloned().unwrap_or(Assignment::unassigned()),
        lifecycle: if matches!(status, "won" | "lost") { Lifecycle::Closed } else { Lifecycle::Open },
        flags: if random.u8(..) < 5 { LeadFlags::DO_NOT_CALL } else { LeadFlags::default() },
        ..LeadRecord::default()
    }
}

fn ascii(word: &str) -> String {
    let folded = switchboard::domain::fold::fold(word);
    let plain: String = folded.chars().filter(char::is_ascii_alphanumeric).collect();
    if plain.is_empty() { "x".to_owned() } else { plain }
}

/// People of a sales team, in the order of [`owners`].
pub fn people(count: usize) -> Vec<Person> {
    let name = |n: usize| format!("{} {}", FIRST[n % FIRST.len()], LAST[(n / FIRST.len() * 7 + n) % LAST.len()]);
    let person = |n: usize| Person {
        id: format!("user_{n:06}").into(),
        name: format!("{} {n}", name(n)).as_str().into(),
        email: format!("user{n}@team.example").into(),
        ..Person::default()
    };
    (0..count).map(person).collect()
}

/// Nobody, and each of `people`: by name alone, as kenbun shows owners, or with the id.
pub fn owners(people: &[Person], by_name: bool) -> Vec<Assignment> {
    let owner = |person: &Person| {
        Assignment::Owner(if by_name { OwnerRef::named(person.name.as_str()) } else { person.owner_ref() })
    };
    std::iter::once(Assignment::unassigned()).chain(people.iter().map(owner)).collect()
}

/// A table of that many leads, loaded page by page as a client does.
pub fn table(leads: usize, owners: &[Assignment]) -> LeadTable {
    let mut table = LeadTable::default();
    let mut page = Vec::with_capacity(PAGE);
    for first in (0..leads).step_by(PAGE) {
        page.clear();
        page.extend((first..leads.min(first + PAGE)).map(|number| lead(number, owners)));
        table.extend(&page);
    }
    table
}

const PAGE: usize = 500;

/// A vendor that takes bulk changes and shows owners by name alone, as kenbun does.
pub fn capabilities() -> Capabilities {
    let batch = BatchRule { max: 500, bulk_from: 2, unassign_max: 500, per_item_answer: false, ..BatchRule::SINGLE };
    let pace = Pace { per_second: 10.0, burst: 60, parallel: 8, yields: false };
    Capabilities { batch, pace, read_back: ReadBack::ByName, ..Capabilities::plain(VendorKind::Kenbun, FIELDS) }
}

/// The time that something takes, and what it gives.
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The time that this process has spent on all processors, so that a busy machine can be told from slow code.
pub fn processor_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let schedule = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// Several times of the same thing.
#[derive(Default)]
pub struct Times(pub Vec<Duration>);

impl Times {
    pub fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    pub fn worst(&self) -> Duration {
        self.0.iter().copied().max().unwrap_or_default()
    }
}

/// Milliseconds with two digits behind the point.
pub fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}

/// Tells a screen of a profile with that many leads, all read.
pub async fn show(events: &tokio::sync::mpsc::Sender<Event>, leads: usize) {
    let people = people(24);
    let table = table(leads, &owners(&people, true));
    let progress =
        LoadProgress { loaded: leads, total: Some(leads), finished: true, read_at: Some(now()), named: None };
    let opened =
        Event::Opened { profile: "sales".into(), capabilities: std::sync::Arc::new(capabilities()), read_only: false };
    let staff = Event::People { profile: "sales".into(), people: std::sync::Arc::new(people) };
    for event in [opened, staff, Event::Leads { profile: "sales".into(), table, progress }] {
        assert!(events.send(event).await.is_ok(), "the loop runs");
    }
}

/// Memory of this process in MiB: now, and at its highest.
pub fn memory() -> (f64, f64) {
    memory_in("self")
}

/// Memory of another process in MiB, at its highest.
pub fn memory_of(process: u32) -> f64 {
    memory_in(&process.to_string()).1
}

fn memory_in(process: &str) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    (field("VmRSS:").unwrap_or(0.0) / 1024.0, field("VmHWM:").unwrap_or(0.0) / 1024.0)
}
