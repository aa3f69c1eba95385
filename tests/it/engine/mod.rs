//! The engine over real HTTP against the simulator of kenbun, which fails on purpose and remembers everything.

mod bulk;
mod killed;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use switchboard::backend::{Engine, ProfileSetup, Report, Setup, StopToken, Tuning, Watch, system_clock};
use switchboard::config::Config;
use switchboard::domain::history::ItemRow;
use switchboard::domain::leads::{Snapshot, SnapshotPart};
use switchboard::domain::planning::{PlanRequest, Wanted, plan};
use switchboard::domain::{Assignment, ItemState, OperationId, OperationKind, Person, Plan, ProfileName, Timestamp};
use switchboard::journal::Journal;
use switchboard::sim::{self, Act, Holder, SimOptions, Simulator};
use switchboard::vendor::registry;

pub fn demo() -> ProfileName {
    ProfileName::new("demo")
}

pub async fn simulator(leads: usize, faults: &[&str]) -> Simulator {
    let options = SimOptions {
        leads,
        owners: 12,
        seed: 7,
        faults: faults.iter().map(ToString::to_string).collect(),
        ..SimOptions::default()
    };
    sim::start("kenbun", options).await.unwrap()
}

/// The engine of a kenbun profile that does not wait for a pace, with more settings written as TOML.
pub fn engine(profile: &Map<String, Value>, more: &str, folder: &Path) -> Engine {
    engine_with(profile, &format!("requests_per_minute = 0\nparallel = 16\ntimeout_s = 2\n{more}"), folder)
}

/// The engine of a profile, as a configuration file would make it, with more settings written as TOML.
pub fn engine_with(profile: &Map<String, Value>, more: &str, folder: &Path) -> Engine {
    let mut profile = profile.clone();
    // What is said last counts.
    for line in more.lines() {
        let (key, value) = line.parse::<toml::Table>().unwrap().into_iter().next().unwrap();
        profile.insert(key, serde_json::to_value(value).unwrap());
    }
    let text = format!("[profiles.demo]\n{}", inline(&profile));
    let config = Config::parse(&text, None, &registry::settings()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let profile = &config.profiles[0];
    let entry = registry::entry(profile.vendor).unwrap();
    let setup = ProfileSetup::new(profile.name.clone(), profile.vendor, &profile.base_url, profile.read_only, |gate| {
        (entry.open)(profile, gate)
    });
    Engine::open(Setup {
        profiles: vec![setup],
        journal: Journal::open(folder).unwrap(),
        who: "tester@here".into(),
        clock: system_clock(),
        data_folder: None,
        tuning: Tuning { outage_after: 20, ..Tuning::default() },
    })
    .unwrap()
}

/// JSON settings as lines of TOML.
fn inline(profile: &Map<String, Value>) -> String {
    let value = |value: &Value| match value {
        Value::Object(table) => {
            let pairs: Vec<_> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    };
    profile.iter().map(|(key, setting)| format!("{key} = {}\n", value(setting))).collect()
}

/// The plan that gives the first `leads` leads which somebody else has to the person that `pick` chooses.
pub async fn assign(engine: &Engine, leads: usize, pick: impl Fn(&[Person]) -> Person) -> Plan {
    let people = engine.load_people(&demo()).await.unwrap();
    let to = Assignment::Owner(pick(&people).owner_ref());
    let loaded = engine.load_leads(&demo(), |_| {}).await.unwrap();
    let table = &loaded.table;
    // An owner whose name another one has, too, or who is gone, could not be put back exactly.
    let exact = |owner: &Assignment| match owner.owner().and_then(|owner| owner.name.as_ref()) {
        Some(name) => people.iter().filter(|person| person.name == *name).count() == 1,
        None => true,
    };
    let others = (0..table.len() as u32)
        .filter(|row| exact(table.assignment(*row)) && !table.assignment(*row).is_same(&to))
        .map(|row| table.id(row));
    let wanted = vec![Wanted { profile: demo(), leads: others.take(leads).collect(), to }];
    let capabilities = engine.capabilities(&demo()).unwrap();
    let part = SnapshotPart { fields: capabilities.fields, table: loaded.table.clone(), ..part() };
    let request = PlanRequest {
        kind: OperationKind::Assign,
        wanted,
        include_closed: true,
        note: None,
        now: Timestamp::now(),
        read_at: BTreeMap::from([(demo(), loaded.read_at)]),
    };
    let plan = plan(
        &request,
        &Snapshot { parts: vec![part] },
        &BTreeMap::from([(demo(), people)]),
        &BTreeMap::from([(demo(), capabilities.as_ref().clone())]),
    );
    assert_eq!(plan.changes(), leads, "{:?}", plan.parts[0].skips.first());
    plan
}

fn part() -> SnapshotPart {
    SnapshotPart { profile: demo(), table: Default::default(), fields: &[], people: Default::default() }
}

pub async fn apply(engine: &Engine, plan: Plan) -> Report {
    engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.unwrap()
}

pub fn items(engine: &Engine, operation: &OperationId) -> Vec<ItemRow> {
    engine.journal().items(operation, 0, usize::MAX).unwrap()
}

/// Whether a holder at the simulator is what an assignment says.
pub fn is_holder(holder: &Holder, assignment: &Assignment) -> bool {
    match assignment {
        Assignment::Owner(owner) => match (&owner.id, holder.id()) {
            (Some(id), Some(holder)) => id.as_str() == holder,
            _ => owner.name.as_ref().map(|name| name.as_str()) == holder.name(),
        },
        Assignment::Unassigned(_) => matches!(holder, Holder::Nobody),
        _ => false,
    }
}

/// What was written by requests, by target, in order, since log entry `after`; and who was changed by someone else.
pub fn written(sim: &Simulator, after: u64) -> (HashMap<String, Vec<Holder>>, HashSet<String>) {
    let mut written: HashMap<String, Vec<Holder>> = HashMap::new();
    let mut meddled = HashSet::new();
    for entry in sim.log().after(after, usize::MAX) {
        for applied in entry.applied {
            match entry.act {
                Act::Meddling => {
                    meddled.insert(applied.target.to_string());
                }
                _ => written.entry(applied.target.to_string()).or_default().push(applied.after.as_ref().clone()),
            }
        }
    }
    (written, meddled)
}

/// What must hold after an operation that began at log entry `after`, whatever went wrong in it.
pub fn check(sim: &Simulator, engine: &Engine, operation: &OperationId, after: u64) {
    let (written, meddled) = written(sim, after);
    for item in items(engine, operation) {
        let target = item.target.as_str();
        let writes = written.get(target).map_or(&[][..], Vec::as_slice);
        let arrived = writes.iter().any(|holder| is_holder(holder, &item.wrote));
        let about = format!("{target} is {}: {}", item.state, item.reason.clone().unwrap_or_default());
        // Someone else may have given the lead to the same owner, or back to the one before, between our write and the
        // reading: no reading can tell that, and what is said is true of the lead all the same.
        let undecidable = meddled.contains(target);
        match item.state {
            ItemState::Done => assert!(arrived || undecidable, "{about}; nothing was written"),
            ItemState::Failed => assert!(!arrived || undecidable, "{about}; it was written"),
            ItemState::NotSent | ItemState::Skipped => assert!(!arrived, "{about}; it was written"),
            ItemState::Unknown => assert!(item.reason.is_some(), "{about}"),
            ItemState::ChangedByOthers => assert!(meddled.contains(target), "{about}; nobody else changed it"),
            ItemState::Planned | ItemState::Sent => panic!("{about}"),
        }
        let holder = sim.holder(target).unwrap();
        if !meddled.contains(target) && item.state == ItemState::Done {
            assert!(is_holder(&holder, &item.wrote), "{about}; now {holder:?}");
        }
    }
    assert_eq!(sim.log().blind_repeats(), []);
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(engine.journal().verify().unwrap(), Vec::<String>::new());
}
