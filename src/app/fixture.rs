//! A small sales team for the tests of `app` and `ui`: fixed people, leads, ids and times, some of them hostile, and a
//! desk at which messages are answered as the runtime would answer them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::campaign::{Collection, CollectionKind, Collections, MappingRecord};
use crate::domain::exchange::{Command, Event, LoadProgress};
use crate::domain::history::{ItemRow, OperationLife, OperationPart, OperationSummary};
use crate::domain::leads::LeadTable;
use crate::domain::matrix::{MappingSnapshot, MatrixTold, Sets, SnapshotInfo};
use crate::domain::query::Searcher;
use crate::domain::selection::LeadKey;
use crate::domain::{
    Assignment, BatchRule, Capabilities, Exactness, Field, ItemState, LeadFlags, LeadId, LeadRecord, Lifecycle, Link,
    Links, OperationKind, OwnerRef, Pace, Person, PersonId, PersonStatus, Plan, ProfileName, ReadBack, SafeText,
    Settle, Tally, TargetId, TargetKind, Timestamp, Unassign, VendorKind, Verbatim,
};

use super::action::Action;
use super::dialog::Dialog;
use super::effect::Effect;
use super::keys::Keys;
use super::message::Message;
use super::options::Options;
use super::state::State;

/// The moment at which all tests take place.
pub fn now() -> Timestamp {
    "2026-11-20T14:03:00Z".parse().unwrap()
}

/// `now` some hours ago.
pub fn hours_ago(hours: i64) -> Timestamp {
    now() - jiff::SignedDuration::from_hours(hours)
}

const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Company,
    Field::Email,
    Field::Status,
    Field::Source,
    Field::Score,
    Field::Created,
    Field::Updated,
    Field::Owner,
];

/// A vendor that can do all that kenbun can.
pub fn capabilities() -> Capabilities {
    Capabilities {
        vendor: VendorKind::Kenbun,
        targets: TargetKind::Leads,
        experimental: false,
        fields: FIELDS,
        server_filters: &[],
        server_search: false,
        new_lead: None,
        names_in_rows: true,
        all_names: false,
        batch: BatchRule {
            max: 500,
            bulk_from: 2,
            unassign_max: 500,
            split_by_before: false,
            split_by_scope: false,
            atomic: true,
            per_item_answer: false,
            before_each: 0,
        },
        unassign: Unassign::Yes,
        read_back: ReadBack::ByName,
        read_at_once: 1,
        late_writes: Duration::ZERO,
        undo: Exactness::Exact,
        pace: Pace { per_second: 10.0, burst: 10, parallel: 8, yields: false },
        freshness: Duration::from_secs(30),
        settle: Settle::USUAL,
        first_write_alone: false,
        not_undoable: vec!["Entries in kenbun's audit log and alerts that were sent stay.".to_owned()],
        warnings: Vec::new(),
        ..Capabilities::plain(VendorKind::Kenbun, FIELDS)
    }
}

/// A contact center: lists with agents instead of leads with owners.
pub fn center_capabilities() -> Capabilities {
    Capabilities {
        targets: TargetKind::Mappings,
        freshness: Duration::ZERO,
        pace: Pace { per_second: 1.0, burst: 6, parallel: 2, yields: false },
        not_undoable: vec!["Calls that were dialed in between cannot be taken back.".to_owned()],
        ..Capabilities::plain(VendorKind::Exotel, &[])
    }
}

/// The campaigns of the contact center: two of one process, one of another.
pub fn campaigns() -> Vec<Collection> {
    [("7", "Winter sale", "Sales"), ("9", "Renewals", "Sales"), ("12", "Call back", "Care")]
        .map(|(id, name, process)| Collection {
            kind: CollectionKind::Campaign,
            id: id.to_owned(),
            name: name.into(),
            status: process.into(),
        })
        .to_vec()
}

/// A campaign of this many lists and agents. The third list has no agents, the fourth was not read completely, the sixth
/// is disabled; the fifth agent dials nothing.
pub fn mappings(campaign: &str, lists: usize, agents: usize) -> Vec<MappingRecord> {
    const NAMES: [&str; 12] = [
        "anil.k", "asha.k", "bala.r", "chitra", "dev.m", "esha.p", "farah", "gita.s", "hari@x", "indu.t", "jaya.v",
        "kiran",
    ];
    let id = |agent: usize| match NAMES.get(agent) {
        Some(name) => PersonId::new(name),
        None => PersonId::new(format!("agent_{agent:03}")),
    };
    let all: BTreeSet<PersonId> = (0..agents).map(id).collect();
    let record = |list: usize| {
        let lead = 40 + list;
        let mapped: BTreeSet<PersonId> =
            (0..agents).filter(|agent| (list * 7 + agent * 3) % 5 < 2 && *agent != 4 && list != 2).map(id).collect();
        MappingRecord {
            target: MappingRecord::target_of(campaign, &lead.to_string()),
            process: "Sales".into(),
            campaign_id: campaign.to_owned(),
            campaign_name: "Winter sale".into(),
            lead_id: lead.to_string(),
            lead_name: if list == 1 { "Warm leads of October".into() } else { format!("Lead {lead}").as_str().into() },
            enabled: list != 5,
            others: &all - &mapped,
            agents: if list == 3 { Err("the two readings differ".to_owned()) } else { Ok(mapped) },
        }
    };
    (0..lists).map(record).collect()
}

/// These mappings, kept.
pub fn snapshot(number: i64, name: &str, records: &[MappingRecord]) -> Arc<MappingSnapshot> {
    let sets = Sets::of(records);
    let info = SnapshotInfo {
        number,
        name: name.into(),
        at: now(),
        who: "ada@desk".into(),
        profile: "center".into(),
        before: None,
        campaigns: 1,
        lists: sets.lists.len(),
        pairs: sets.pairs(),
    };
    Arc::new(MappingSnapshot { info, sets })
}

/// Eight people with uneven load, one of them inactive, two of one name.
pub fn people() -> Vec<Person> {
    let person = |id: &str, name: &str, group: &str, status| Person {
        id: id.into(),
        name: name.into(),
        email: SafeText::new(&format!("{id}@example.com")),
        status,
        group: SafeText::new(group),
        other_ids: Vec::new(),
    };
    vec![
        person("jane", "Jane Smith", "editor", PersonStatus::Active),
        person("bob", "Bob Miller", "editor", PersonStatus::Active),
        person("olga", "Ольга Иванова", "editor", PersonStatus::Active),
        person("wang", "王小明", "viewer", PersonStatus::Active),
        person("zoe", "Zoë Ångström", "admin", PersonStatus::Active),
        person("sam1", "Sam Lee", "editor", PersonStatus::Active),
        person("sam2", "Sam Lee", "viewer", PersonStatus::Active),
        person("old", "Peter Former", "editor", PersonStatus::Inactive),
    ]
}

/// `n` leads, the first of them with names that want to do harm.
pub fn leads(n: usize) -> Vec<LeadRecord> {
    const FIRST: [&str; 12] =
        ["Anna", "Ben", "Chloé", "Dmitri", "Emeka", "Fatima", "George", "Hana", "Ivan", "Julia", "Kenji", "Lucía"];
    const LAST: [&str; 10] =
        ["Adams", "Brown", "Castillo", "Dubois", "Eriksson", "Fischer", "Garcia", "Hoffmann", "Ito", "Johnson"];
    const COMPANY: [&str; 7] = [
        "Acme Corp",
        "Borealis AG",
        "Cedar & Sons",
        "Delta Freight",
        "Elm Street Bakery",
        "Fjord Labs",
        "株式会社 山田",
    ];
    const STATUS: [&str; 4] = ["new", "contacted", "qualified", "nurture"];
    const SOURCE: [&str; 5] = ["web", "referral", "trade fair", "import", "outbound"];
    let hostile = [
        "\x1b[31mRed Alert\x1b[0m".to_owned(),
        "evil\u{202e}moc.elpmaxe".to_owned(),
        String::new(),
        "Very Long ".repeat(500),
        "王小明 株式会社 代表取締役社長".to_owned(),
        "محمد الفاتح".to_owned(),
        format!("Za{}lgo", "\u{301}".repeat(40)),
        "=HYPERLINK(\"http://x\")".to_owned(),
    ];
    let owners = ["jane", "jane", "jane", "bob", "", "olga", "jane", "wang", "", "bob", "zoe"];
    let people = people();
    (0..n)
        .map(|i| {
            let name = hostile.get(i.wrapping_sub(3)).cloned();
            let name = name.unwrap_or_else(|| format!("{} {}", FIRST[i % 12], LAST[(i / 3) % 10]));
            let owner = people.iter().find(|person| person.id.as_str() == owners[i % 11]);
            let closed = i % 29 == 28;
            LeadRecord {
                id: LeadId::new(format!("ld_{:05}", i + 1)),
                name: SafeText::new(&name),
                company: SafeText::new(COMPANY[(i * 5) % 7]),
                email: SafeText::new(&format!("{}{}@{}.example", FIRST[i % 12].to_lowercase(), i, i % 7)),
                status: SafeText::new(if closed { "lost" } else { STATUS[(i / 2) % 4] }),
                source: SafeText::new(SOURCE[(i * 3) % 5]),
                score: (i % 6 != 0).then_some((i as i32 * 37) % 100),
                created_at: Some(hours_ago((i as i64 * 7) % 2000)),
                updated_at: Some(hours_ago((i as i64 * 3) % 500)),
                owner: owner.map_or(Assignment::unassigned(), |person| Assignment::Owner(person.owner_ref())),
                lifecycle: if closed { Lifecycle::Closed } else { Lifecycle::Open },
                ..LeadRecord::default()
            }
        })
        .collect()
}

/// A second vendor with filters and a search of its own, campaigns and lists.
pub fn other_capabilities() -> Capabilities {
    const OTHER: &[Field] = &[
        Field::Id,
        Field::Name,
        Field::Company,
        Field::Email,
        Field::Status,
        Field::Created,
        Field::Owner,
        Field::Campaign,
        Field::List,
    ];
    Capabilities {
        server_filters: &[("contacted", "Leads that were contacted."), ("replied", "Leads that replied.")],
        server_search: true,
        warnings: vec!["Only one request at a time.".to_owned()],
        pace: Pace { per_second: 1.0, burst: 1, parallel: 1, yields: false },
        ..Capabilities::plain(VendorKind::Instantly, OTHER)
    }
}

/// Jane, who is `jane` in `sales` and `u-77` in `shop`, and Bob, who is found there by his e-mail address.
pub fn links() -> Links {
    let link = |key: &str, name: Option<&str>, ids: [(&str, &str); 2]| Link {
        key: key.to_owned(),
        name: name.map(str::to_owned),
        ids: ids.map(|(profile, id)| (profile.into(), vec![id.into()])).into(),
    };
    Links::new(vec![
        link("js", Some("Jane Smith"), [("sales", "jane"), ("shop", "u-77")]),
        link("bob", None, [("sales", "bob"), ("shop", "bobby@shop.example")]),
    ])
}

/// The owner with this id among [`people`].
pub fn owner(id: &str) -> Assignment {
    let people = people();
    let person = people.iter().find(|person| person.id.as_str() == id).unwrap();
    Assignment::Owner(OwnerRef { id: Some(person.id.clone()), name: Some(Verbatim::new(person.name.as_str())) })
}

/// The key of the lead number `n` (from 1) of the profile `demo`.
pub fn lead(n: usize) -> LeadKey {
    LeadKey { profile: "demo".into(), id: LeadId::new(format!("ld_{n:05}")) }
}

/// The keys as they are shipped.
pub fn keys() -> Keys {
    crate::input::KeyMap::new().labels()
}

/// A state together with a runtime that does searches and jobs at once and keeps everything else for looking at.
pub struct Desk {
    pub state: State,
    /// Effects that were not searches or jobs, oldest first.
    pub effects: Vec<Effect>,
}

impl Desk {
    /// Nothing has happened yet.
    pub fn new(size: (u16, u16)) -> Self {
        Self::with(size, Options::default())
    }

    pub fn with(size: (u16, u16), options: Options) -> Self {
        let mut state = State::new(options, keys(), size, now());
        let effects = state.start();
        let mut desk = Self { state, effects: Vec::new() };
        desk.run(effects);
        desk
    }

    /// Two profiles of different vendors, `sales` with `sales` leads and `shop` with `shop`, and people who are linked.
    pub fn with_two(size: (u16, u16), sales: usize, shop: usize) -> Self {
        let mut desk = Self::with(size, Options { links: Arc::new(links()), ..Options::default() });
        desk.open("sales", capabilities(), false);
        desk.tell(Event::Opened {
            profile: "shop".into(),
            capabilities: Arc::new(other_capabilities()),
            read_only: false,
        });
        let person = |id: &str, name: &str| Person {
            id: id.into(),
            name: name.into(),
            email: SafeText::new(&format!("{}@shop.example", name.to_lowercase().replace(' ', "."))),
            ..Person::default()
        };
        let staff = vec![person("u-77", "J. Smith"), person("u-78", "Bobby"), person("u-79", "Zoe Elsewhere")];
        let owners: Vec<Assignment> = staff.iter().map(|person| Assignment::Owner(person.owner_ref())).collect();
        desk.tell(Event::People { profile: "shop".into(), people: Arc::new(staff) });
        desk.load("sales", sales);
        let rows: Vec<LeadRecord> = leads(shop)
            .into_iter()
            .enumerate()
            .map(|(n, lead)| LeadRecord {
                campaign: SafeText::new(["c-1", "c-2"][n % 2]),
                list: SafeText::new(if n % 3 == 0 { "l-1" } else { "" }),
                owner: if n % 4 == 3 { Assignment::unassigned() } else { owners[n % 4].clone() },
                flags: if n % 5 == 4 { LeadFlags::DO_NOT_CALL } else { LeadFlags::default() },
                ..lead
            })
            .collect();
        let table = LeadTable::default().with_leads(&rows);
        let progress =
            LoadProgress { loaded: shop, total: Some(shop), finished: true, read_at: Some(now()), named: None };
        desk.leads("shop", table, progress);
        desk.effects.clear();
        desk
    }

    /// The campaigns and lists of `shop`.
    pub fn collections(&mut self) {
        let collection = |kind, id: &str, name: &str, status: &str| Collection {
            kind,
            id: id.to_owned(),
            name: SafeText::new(name),
            status: SafeText::new(status),
        };
        let collections = Arc::new(Collections::new(vec![
            collection(CollectionKind::Campaign, "c-1", "Autumn mailing", "active"),
            collection(CollectionKind::Campaign, "c-2", "Winter mailing", "paused"),
            collection(CollectionKind::List, "l-1", "Trade fair", ""),
        ]));
        self.tell(Event::Collections { profile: "shop".into(), collections });
    }

    /// The profile `demo` with `n` leads, all loaded.
    pub fn loaded(size: (u16, u16), n: usize) -> Self {
        let mut desk = Self::new(size);
        desk.open("demo", capabilities(), false);
        desk.load("demo", n);
        desk.effects.clear();
        desk
    }

    /// The contact center `center` with one campaign read and open.
    pub fn center(size: (u16, u16), lists: usize, agents: usize) -> Self {
        Self::center_with(size, Options::default(), lists, agents)
    }

    pub fn center_with(size: (u16, u16), options: Options, lists: usize, agents: usize) -> Self {
        let mut desk = Self::with(size, options);
        let capabilities = Arc::new(center_capabilities());
        desk.tell(Event::Opened { profile: "center".into(), capabilities, read_only: false });
        let person = |(id, name, team): (&str, &str, &str)| Person {
            id: id.into(),
            name: name.into(),
            group: team.into(),
            ..Person::default()
        };
        let roster =
            [("asha.k", "Asha Kumar", "morning"), ("bala.r", "Bala Rao", "morning"), ("zoe", "Zoë Z", "morning")];
        desk.told(MatrixTold::Campaigns {
            campaigns: Arc::new(campaigns()),
            agents: Arc::new(roster.map(person).to_vec()),
        });
        desk.act(Action::Accept);
        desk.mapped("7", mappings("7", lists, agents));
        desk.effects.clear();
        desk
    }

    /// The backend tells something about campaigns.
    pub fn told(&mut self, told: MatrixTold) {
        self.tell(Event::Matrix { profile: "center".into(), told });
    }

    /// A campaign was read.
    pub fn mapped(&mut self, campaign: &str, records: Vec<MappingRecord>) {
        let (campaign, records) = (campaign.to_owned(), Arc::new(records));
        self.told(MatrixTold::Mappings { campaign, records, read_at: now(), whole: true });
    }

    pub fn open(&mut self, profile: &str, capabilities: Capabilities, read_only: bool) {
        self.tell(Event::Opened { profile: profile.into(), capabilities: Arc::new(capabilities), read_only });
        self.tell(Event::People { profile: profile.into(), people: Arc::new(people()) });
    }

    pub fn load(&mut self, profile: &str, n: usize) {
        let table = LeadTable::default().with_leads(&leads(n));
        self.leads(
            profile,
            table,
            LoadProgress { loaded: n, total: Some(n), finished: true, read_at: Some(now()), named: None },
        );
    }

    pub fn leads(&mut self, profile: &str, table: LeadTable, progress: LoadProgress) {
        self.tell(Event::Leads { profile: ProfileName::new(profile), table, progress });
    }

    /// The backend tells something.
    pub fn tell(&mut self, event: Event) {
        self.send(Message::Backend(Box::new(event)));
    }

    pub fn send(&mut self, message: Message) {
        let effects = self.state.update(message);
        self.run(effects);
    }

    pub fn act(&mut self, action: Action) {
        self.send(Message::Act(action));
    }

    pub fn acts(&mut self, actions: &[Action]) {
        for action in actions {
            self.act(*action);
        }
    }

    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.send(Message::Type(c));
        }
    }

    /// A frame is painted, and the state hears of it where it wants to.
    pub fn paint(&mut self) {
        if self.state.awaits_paint() {
            self.send(Message::Painted);
        }
    }

    /// Marks what matches `query` and picks the owner that `owner` finds first; the plan is on the screen.
    pub fn plan(&mut self, query: &str, owner: &str) {
        self.act(Action::Filter);
        self.type_text(query);
        self.acts(&[Action::Accept, Action::MarkAll, Action::Assign]);
        self.type_text(owner);
        self.act(Action::Accept);
        self.paint();
    }

    /// The plan on the screen, applied; returns it.
    pub fn apply(&mut self) -> Arc<Plan> {
        self.act(Action::Apply);
        let large = matches!(self.state.dialogs.last(), Some(Dialog::Plan(plan)) if plan.is_large());
        if large {
            let Some(Dialog::Plan(plan)) = self.state.dialogs.last() else { unreachable!() };
            let count = plan.review().unwrap().changes.to_string();
            self.type_text(&count);
            self.act(Action::Accept);
        }
        let applied = self.commands().into_iter().find_map(|command| match command {
            Command::Apply { plan } => Some(plan),
            _ => None,
        });
        applied.expect("nothing was applied")
    }

    /// The dialog on top.
    pub fn top(&self) -> &Dialog {
        self.state.dialogs.last().expect("no dialog is open")
    }

    /// Takes the effects that were kept so far.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Takes the commands to the backend that were kept so far.
    pub fn commands(&mut self) -> Vec<Command> {
        let effects = self.take().into_iter();
        effects.filter_map(|effect| if let Effect::Send(command) = effect { Some(command) } else { None }).collect()
    }

    /// Names of the leads on the screen's rows, from the first.
    pub fn names(&self) -> Vec<String> {
        let shown = &self.state.leads.shown;
        let name = |at| {
            let (part, row) = shown.snapshot().locate(shown.row(at)?)?;
            Some(part.table.text(row, Field::Name).into_owned())
        };
        (0..shown.len()).filter_map(name).collect()
    }

    /// The ids of all marked leads, sorted.
    pub fn marked(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.state.leads.selection.iter().map(|key| key.id.to_string()).collect();
        ids.sort();
        ids
    }

    /// The newest thing that was said.
    pub fn said(&self) -> &str {
        self.state.notices.log().last().map_or("", |notice| notice.text.as_str())
    }

    /// Does effects that came from somewhere else than [`send`](Self::send).
    pub fn run(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Search(request) => {
                    let result = Searcher::default().search(&request, &|| false).unwrap();
                    self.send(Message::Searched(result));
                }
                Effect::Work(job) => {
                    let message = job.run(&|| false).unwrap();
                    self.send(message);
                }
                effect => self.effects.push(effect),
            }
        }
    }
}

/// An operation as the history tells of it.
pub fn summary(id: &str, kind: OperationKind, tally: Tally) -> OperationSummary {
    OperationSummary {
        id: id.into(),
        at: hours_ago(1),
        kind,
        reverts: None,
        reverts_all: Vec::new(),
        who: SafeText::new("ada@desk"),
        note: None,
        parts: vec![OperationPart {
            profile: "demo".into(),
            vendor: VendorKind::Kenbun,
            base_url: "http://127.0.0.1:1".to_owned(),
            context: serde_json::Value::Null,
        }],
        tally,
        undoable: tally.done,
        no_way_back: 0,
        taken_back: 0,
        redos: Vec::new(),
        life: OperationLife::Ended,
    }
}

/// An item about lead number `n`, from Bob to Jane.
pub fn item(n: usize, state: ItemState) -> ItemRow {
    ItemRow {
        seq: n as u32 - 1,
        part: 0,
        profile: "demo".into(),
        target: TargetId::new(format!("ld_{n:05}")),
        name: leads(n).pop().unwrap().name,
        was: owner("bob"),
        wrote: owner("jane"),
        now: None,
        state,
        reason: None,
        scope: String::new(),
    }
}
