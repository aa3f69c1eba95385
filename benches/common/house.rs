//! An engine over a simulator, as a configuration file would make it.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use switchboard::backend::{Engine, ProfileSetup, Setup, Tuning, system_clock};
use switchboard::config::Config;
use switchboard::domain::leads::LeadTable;
use switchboard::domain::{
    Assignment, Change, Changes, OperationKind, OwnerRef, Plan, PlanPart, ProfileName, Timestamp, VendorKind,
};
use switchboard::journal::Journal;
use switchboard::vendor::registry;

/// A simulator's profile with other settings, written as TOML, in place of its own or beside them.
pub fn config(profile: &Map<String, Value>, more: &str) -> Config {
    let mut text = "[profiles.bench]\n".to_owned();
    let others: toml::Table = more.parse().expect("settings");
    for (key, value) in profile.iter().filter(|(key, _)| !others.contains_key(*key)) {
        match value {
            Value::Object(table) => {
                let pairs: Vec<_> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                text.push_str(&format!("{key} = {{ {} }}\n", pairs.join(", ")));
            }
            other => text.push_str(&format!("{key} = {other}\n")),
        }
    }
    text.push_str(more);
    Config::parse(&text, None, &registry::settings()).expect("the profile")
}

/// The engine of that profile, with its journal in one folder. The other keeps the pace for whoever shares it.
pub fn engine(profile: &Map<String, Value>, more: &str, journal: &Path, pace: Option<&Path>) -> Engine {
    let config = config(profile, more);
    let profile = &config.profiles[0];
    let entry = registry::entry(profile.vendor).expect("the vendor");
    let setup = ProfileSetup::new(profile.name.clone(), profile.vendor, &profile.base_url, false, |gate| {
        (entry.open)(profile, gate)
    });
    Engine::open(Setup {
        profiles: vec![setup],
        journal: Journal::open(journal).expect("a journal"),
        who: "bench@here".into(),
        clock: system_clock(),
        data_folder: pace.map(Path::to_owned),
        tuning: Tuning::default(),
    })
    .expect("an engine")
}

/// The leads that the profile can see: a server may have more, in other units.
pub async fn leads(engine: &Engine) -> LeadTable {
    engine.load_leads(&ProfileName::new("bench"), |_| {}).await.expect("the leads").table
}

pub fn ids(table: &LeadTable) -> Vec<String> {
    (0..table.len() as u32).map(|row| table.id(row).to_string()).collect()
}

/// These leads from whoever has them to one of their owners, but for those that are there already: a server knows its own
/// people.
pub async fn from_owners(engine: &Engine, table: &LeadTable, rows: Range<u32>) -> Changes {
    let people = engine.load_people(&ProfileName::new("bench")).await.expect("the people");
    // Some listings tell only the name, and a name alone is not what is written.
    let known = |row: u32| {
        let owner = table.assignment(row).owner()?;
        let person = people.iter().find(|person| {
            owner.id.as_ref().map_or(owner.name.as_ref() == Some(&person.name), |id| *id == person.id)
        })?;
        Some(Assignment::Owner(person.owner_ref()))
    };
    let to = rows.clone().find_map(known).expect("somebody has one of them");
    let read_at = Some(Timestamp::now());
    let change = |row: u32| Change {
        target: table.id(row).into(),
        name: Default::default(),
        before: table.assignment(row).clone(),
        after: to.clone(),
        read_at,
        scope: Default::default(),
    };
    rows.filter(|row| !table.assignment(*row).is_same(&to)).map(change).collect()
}

/// All these leads from one owner to the next.
pub fn changes(ids: &[String], round: usize) -> Vec<Change> {
    let owner = |round: usize| Assignment::Owner(OwnerRef::new(format!("owner_{round}"), format!("Owner {round}")));
    ids.iter()
        .map(|id| Change {
            target: id.as_str().into(),
            name: Default::default(),
            before: owner(round),
            after: owner(round + 1),
            read_at: Some(Timestamp::now()),
            scope: Default::default(),
        })
        .collect()
}

pub fn plan(vendor: VendorKind, changes: impl Into<Changes>) -> Arc<Plan> {
    let part = PlanPart::of("bench", vendor, changes);
    Arc::new(Plan {
        kind: OperationKind::Assign,
        reverts: None,
        note: None,
        made_at: Timestamp::now(),
        parts: vec![part],
    })
}
