//! The engine over real HTTP against the simulator of kenbun, which fails on purpose and remembers everything.

mod bulk;
mod killed;
mod pace;
mod random;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use switchboard::backend::{Engine, Loaded, ProfileSetup, Report, Setup, StopToken, Tuning, Watch, system_clock};
use switchboard::config::Config;
use switchboard::domain::capabilities::Settle;
use switchboard::domain::history::ItemRow;
use switchboard::domain::leads::{Snapshot, SnapshotPart};
use switchboard::domain::planning::{PlanRequest, Wanted, plan};
use switchboard::domain::{Assignment, ItemState, OperationId, OperationKind, Person, Plan, ProfileName, Timestamp};
use switchboard::journal::Journal;
use switchboard::sim::{self, Act, Holder, SimOptions, Simulator};
use switchboard::vendor::registry;

use crate::invariants::{self, Journaled, Worked};
use crate::vendors::inline;

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
    // Nothing of what these servers are sent takes effect later than a second after its line was cut.
    let settle = Settle { late: Duration::from_millis(1_500), ..Settle::USUAL };
    let tuning = Tuning { outage_after: 20, settle: Some(settle), ..Tuning::default() };
    tuned_engine(profile, &format!("requests_per_minute = 0\nparallel = 16\ntimeout_s = 2\n{more}"), folder, tuning)
}

/// The engine of a profile, as a configuration file would make it, with more settings written as TOML.
pub fn engine_with(profile: &Map<String, Value>, more: &str, folder: &Path) -> Engine {
    tuned_engine(profile, more, folder, Tuning { outage_after: 20, ..Tuning::default() })
}

pub fn tuned_engine(profile: &Map<String, Value>, more: &str, folder: &Path, tuning: Tuning) -> Engine {
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
        tuning,
    })
    .unwrap()
}

/// The plan that gives the first `leads` leads which somebody else has to the person that `pick` chooses.
pub async fn assign(engine: &Engine, leads: usize, pick: impl Fn(&[Person]) -> Person) -> Plan {
    let plan = plan_to(engine, leads, |people| Assignment::Owner(pick(people).owner_ref()), is_exact).await;
    assert_eq!(plan.changes(), leads, "{:?}", plan.parts[0].skips.get(0));
    plan
}

/// The plan that makes what `to` says of the first `leads` leads that are something else, and whose owner `fits`.
pub async fn plan_to(
    engine: &Engine,
    leads: usize,
    to: impl Fn(&[Person]) -> Assignment,
    fits: impl Fn(&[Person], &Assignment) -> bool,
) -> Plan {
    let people = engine.load_people(&demo()).await.unwrap();
    let to = to(&people);
    let loaded = engine.load_leads(&demo(), |_| {}).await.unwrap();
    let table = &loaded.table;
    let others = (0..table.len() as u32)
        .filter(|row| fits(&people, table.assignment(*row)) && !table.assignment(*row).is_same(&to))
        .map(|row| table.id(row));
    let wanted = vec![Wanted { profile: demo(), leads: others.take(leads).collect(), to }];
    planned(engine, &people, &loaded, wanted)
}

/// Whether it is certain who is meant: an owner whose name another one has, too, or who is gone, could not be put back.
pub fn is_exact(people: &[Person], owner: &Assignment) -> bool {
    match owner.owner().and_then(|owner| owner.name.as_ref()) {
        Some(name) => people.iter().filter(|person| person.name == *name).count() == 1,
        None => true,
    }
}

/// The plan for what is wanted, from what was read.
pub fn planned(engine: &Engine, people: &[Person], loaded: &Loaded, wanted: Vec<Wanted>) -> Plan {
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
    plan(
        &request,
        &Snapshot { parts: vec![part] },
        &BTreeMap::from([(demo(), people.to_vec())]),
        &BTreeMap::from([(demo(), capabilities.as_ref().clone())]),
    )
}

fn part() -> SnapshotPart {
    SnapshotPart { profile: demo(), ..SnapshotPart::default() }
}

pub async fn apply(engine: &Engine, plan: Plan) -> Report {
    engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.unwrap()
}

pub fn items(engine: &Engine, operation: &OperationId) -> Vec<ItemRow> {
    engine.journal().items(operation, 0, usize::MAX).unwrap()
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

/// The [invariants](crate::invariants) of an operation that began at log entry `after`.
pub fn check(sim: &Simulator, engine: &Engine, operation: &OperationId, after: u64) {
    let worked = Worked::since(sim, operation, after);
    invariants::hold(sim, engine.journal(), &[worked], Journaled::Whole);
}
