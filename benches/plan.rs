//! Benchmark: a plan of 50,000 changes over 300 owners.
//!
//! `cargo bench --bench plan` (with `-- --quick` for a look at whether it runs). The leads are shared out among all
//! owners, so that every change has its own before and after; owners are known by name alone, the slowest case.

mod common;

use std::collections::BTreeMap;

use common::{Times, memory, ms, processor_time, timed};
use switchboard::domain::distribution::{Share, Way, kept_loads, wanted};
use switchboard::domain::leads::{Snapshot, SnapshotPart};
use switchboard::domain::planning::{PlanRequest, batches, load_shifts, plan};
use switchboard::domain::selection::{LeadKey, Selection};
use switchboard::domain::{LeadId, OperationKind, ProfileName};

/// Milliseconds that making the plan may take.
const AIM: f64 = 100.0;

fn main() {
    let (leads, changes, rounds) = if common::quick() { (20_000, 2_000, 1) } else { (1_000_000, 50_000, 15) };
    let people = common::people(300);
    let table = common::table(leads, &common::owners(&people, true));
    let profile = ProfileName::from("sales");
    let part = SnapshotPart { profile: profile.clone(), table: table.clone(), ..SnapshotPart::default() };
    let snapshot = Snapshot { parts: vec![part] };
    let capabilities = BTreeMap::from([(profile.clone(), common::capabilities())]);
    let people_of = BTreeMap::from([(profile.clone(), people.clone())]);
    let marked: Vec<LeadId> = (0..changes).map(|n| table.id((n * (leads / changes)) as u32)).collect();

    let mut shares: Vec<Share> =
        people.iter().map(|person| Share { owner: person.owner_ref(), weight: 1, load: 0 }).collect();
    let owners: Vec<_> = shares.iter().map(|share| share.owner.clone()).collect();
    let (mut sharing, mut planning, mut batching, mut shifting) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let (mut requests, mut made) = (0, 0);
    let before = processor_time();
    for _ in 0..rounds {
        let (time, wanted) = timed(|| {
            for (share, load) in shares.iter_mut().zip(kept_loads(&table, &marked, &owners)) {
                share.load = load;
            }
            wanted(&profile, &marked, Way::Balance, &shares).unwrap_or_default()
        });
        sharing.0.push(time);
        let request = PlanRequest {
            kind: OperationKind::Distribute,
            wanted,
            include_closed: true,
            note: None,
            now: common::now(),
            read_at: BTreeMap::from([(profile.clone(), common::now())]),
        };
        let (time, plan) = timed(|| plan(&request, &snapshot, &people_of, &capabilities));
        planning.0.push(time);
        made = plan.changes();
        let (time, count) = timed(|| {
            plan.parts.iter().map(|part| batches(&part.changes, &capabilities[&profile].batch).len()).sum::<usize>()
        });
        batching.0.push(time);
        requests = count;
        shifting.0.push(timed(|| load_shifts(&plan, &snapshot).len()).0);
    }
    let mut marking = Times::default();
    let mut keys = 0;
    for _ in 0..rounds.min(5) {
        let (time, marks) = timed(|| {
            let mut marks = Selection::default();
            let key = |row| LeadKey { profile: profile.clone(), id: table.id(row) };
            marks.mark((0..leads as u32).map(key));
            marks.len()
        });
        marking.0.push(time);
        keys = marks;
    }
    println!("{made} changes of {leads} leads over {} owners, {requests} requests", people.len());
    println!("{:<28} {:>9} {:>9} {:>9}", "", "median ms", "worst ms", "aim");
    for (name, times, aim) in [
        ("sharing out by load", &sharing, String::new()),
        ("plan", &planning, format!("{AIM:.0}")),
        ("batches (part of the plan)", &batching, String::new()),
        ("load before and after", &shifting, String::new()),
        ("marking all leads", &marking, String::new()),
    ] {
        println!("{name:<28} {:>9} {:>9} {aim:>9}", ms(times.median()), ms(times.worst()));
    }
    println!("{keys} leads were marked, away from the keyboard");
    let spent = (processor_time() - before) / rounds as u32;
    println!("{:<28} {:>9} of one processor for all of it", "", ms(spent));
    println!("memory of the whole process: {:.0} MiB", memory().0);
}
