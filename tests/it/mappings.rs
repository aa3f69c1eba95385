//! Which agents dial which lead lists: what the tests of a contact center have in common.

use std::collections::BTreeSet;

use switchboard::backend::Engine;
use switchboard::domain::campaign::MappingRecord;
use switchboard::domain::matrix::{Known, MappingRequest, Want, WantedMapping, plan_mappings};
use switchboard::domain::{PersonId, Plan, Timestamp};
use switchboard::sim::{Holder, Simulator};

use super::engine::demo;

/// Who is mapped to a list at the simulator.
pub fn mapped(sim: &Simulator, target: &str) -> BTreeSet<PersonId> {
    match sim.holder(target) {
        Some(Holder::Agents(agents)) => agents.iter().map(PersonId::new).collect(),
        other => panic!("{target}: {other:?} is no set of agents"),
    }
}

/// The plan for lists of which each gets what is wanted of it; they are read again before anything is sent.
pub fn plan(engine: &Engine, records: &[MappingRecord], want: impl Fn(&MappingRecord) -> Want) -> Plan {
    let wanted =
        records.iter().map(|record| WantedMapping { target: record.target.clone(), want: want(record) }).collect();
    plan_wanted(engine, records, wanted)
}

/// The plan for these wishes.
pub fn plan_wanted(engine: &Engine, records: &[MappingRecord], wanted: Vec<WantedMapping>) -> Plan {
    let request = MappingRequest { profile: demo(), wanted, note: None, now: Timestamp::now() };
    let known: Vec<Known<'_>> = records.iter().map(|record| Known { record, read_at: None }).collect();
    plan_mappings(&request, &known, &engine.capabilities(&demo()).unwrap())
}

/// The campaign with the most lists, by its id.
pub fn largest(sim: &Simulator) -> String {
    let mut sizes = std::collections::BTreeMap::<String, usize>::new();
    for (target, _) in sim.holders() {
        *sizes.entry(target.split(':').next().unwrap().to_owned()).or_default() += 1;
    }
    sizes.into_iter().max_by_key(|(_, lists)| *lists).unwrap().0
}

/// One of the campaign's agents, by a number.
pub fn agent(records: &[MappingRecord], number: usize) -> PersonId {
    let first = records.iter().find(|record| record.agents.is_ok()).unwrap();
    first.agents.iter().flatten().chain(&first.others).collect::<BTreeSet<_>>().into_iter().nth(number).unwrap().clone()
}

/// The first so many lists whose agents fit.
pub fn first(
    records: Vec<MappingRecord>,
    count: usize,
    fits: impl Fn(&BTreeSet<PersonId>) -> bool,
) -> Vec<MappingRecord> {
    let mut found = records;
    found.retain(|record| record.agents.as_ref().is_ok_and(&fits));
    found.truncate(count);
    assert_eq!(found.len(), count, "lists that fit");
    found
}
