//! Campaigns, lists and agents through the engine, against the simulator of Exotel: what a campaign costs to open, what a
//! painting costs to apply, and what becomes of what others do meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use switchboard::backend::{Engine, Report, StopToken, Watch};
use switchboard::domain::campaign::MappingRecord;
use switchboard::domain::matrix::{Brush, CellBits, Grid, Painting, Sets};
use switchboard::domain::{Assignment, ItemState, PersonId, Plan};
use switchboard::sim::log::Entry;
use switchboard::sim::{self, Act, Holder, Meddling, SimOptions, Simulator};

use super::engine::{demo, engine_with, items};
use super::mappings::{largest, mapped, plan_wanted};

struct Center {
    sim: Simulator,
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Center {
    async fn new(lists: usize, agents: usize, campaigns: usize, switches: &[(&str, &str)]) -> Self {
        let switches = switches.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let options = SimOptions { leads: lists, owners: agents, campaigns, switches, ..SimOptions::default() };
        let sim = sim::start("exotel", options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_with(&sim.profile, "requests_per_minute = 0\nparallel = 8\ntimeout_s = 5", folder.path());
        Self { sim, engine, _folder: folder }
    }

    /// The largest campaign, read: its records.
    async fn largest(&self) -> Vec<MappingRecord> {
        self.engine.mappings(&demo(), Some(&largest(&self.sim))).await.unwrap()
    }

    fn plan(&self, grid: &Grid, painting: &Painting, records: &[MappingRecord]) -> Plan {
        let wanted = painting.wanted(grid);
        plan_wanted(&self.engine, records, wanted)
    }

    async fn apply(&self, plan: Plan) -> Report {
        self.engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.unwrap()
    }

    fn since(&self, entry: u64) -> Vec<Entry> {
        self.sim.log().after(entry, usize::MAX)
    }

    /// What the server has for a list.
    fn agents(&self, target: &str) -> BTreeSet<PersonId> {
        mapped(&self.sim, target)
    }
}

fn count(entries: &[Entry], act: Act) -> usize {
    entries.iter().filter(|entry| entry.act == act).count()
}

/// Paints 1,000 cells that were off, over as many lists as it takes with 20 agents each.
fn painted(grid: &Grid) -> Painting {
    let mut painting = Painting::default();
    let mut cells = 0;
    for list in 0..grid.lists().len() {
        if cells == 1_000 || !grid.is_paintable(list) {
            continue;
        }
        let free = (0..grid.agents().len()).filter(|agent| !grid.now(list).get(*agent));
        let columns: CellBits = free.take(20.min(1_000 - cells)).collect();
        cells += painting.area(grid, "a row", &[list], &columns, Brush::On).cells;
    }
    assert_eq!(cells, 1_000);
    painting
}

#[tokio::test]
async fn a_large_campaign_is_opened_with_few_requests_and_painted_with_the_fewest() {
    let center = Center::new(300, 300, 60, &[]).await;
    let before = center.sim.log().last();
    let records = center.largest().await;
    assert_eq!(records.len(), 300);
    let opening = center.since(before);
    assert!(opening.len() <= 20, "{} requests to open one campaign of 60", opening.len());
    let again = center.sim.log().last();
    center.largest().await;
    assert!(center.since(again).len() <= opening.len());

    let grid = Grid::of(&records[0].campaign_id, &records, None);
    let painting = painted(&grid);
    let plan = center.plan(&grid, &painting, &records);
    let lists = plan.changes();
    let wanted: Vec<(String, Assignment)> =
        plan.parts[0].changes.iter().map(|change| (change.target().to_string(), change.after.clone())).collect();
    let start = center.sim.log().last();
    let report = center.apply(plan).await;
    assert_eq!(report.summary.tally.done, lists, "{:?}", report.summary.tally);
    for (target, after) in &wanted {
        assert_eq!(Assignment::Agents(center.agents(target)), *after, "{target}");
    }
    let sent = center.since(start);
    assert_eq!(count(&sent, Act::Write), lists, "one write a list");
    let reads = count(&sent, Act::Read);
    // One reading before and one after each, of pages of 100 agents.
    let pages = grid.agents().len().div_ceil(100);
    assert!(reads <= 2 * pages * lists + 10, "{reads} reads for {lists} lists");
    // What the campaign says of all its lists is not asked for again for every list that is changed.
    let overviews = sent.iter().filter(|entry| entry.path.ends_with("/campaign-lead")).count();
    assert!(overviews <= 3, "{overviews} overviews for {lists} lists");
    // Everything else is as it was.
    let touched: BTreeSet<&str> = wanted.iter().map(|(target, _)| target.as_str()).collect();
    for record in records.iter().filter(|record| !touched.contains(record.target.as_str())) {
        if let Ok(agents) = &record.agents {
            assert_eq!(center.agents(record.target.as_str()), *agents, "{}", record.target);
        }
    }
    assert_eq!(center.sim.log().complaints(), []);
    assert_eq!(center.sim.log().blind_repeats(), []);

    // The mapping from before is kept by itself, and leads back.
    let kept = center.engine.journal().snapshots(&demo()).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].before.as_ref(), Some(&report.summary.id));
    let snapshot = center.engine.journal().snapshot(&demo(), kept[0].name.as_str()).unwrap();
    assert_eq!(snapshot.sets, Sets::of(&records));
    let records = center.largest().await;
    let grid = Grid::of(&records[0].campaign_id, &records, None);
    let mut back = Painting::default();
    back.restore(&grid, "before", &snapshot.sets);
    assert_eq!(grid.totals(&back).removed, 1_000);
    center.apply(center.plan(&grid, &back, &records)).await;
    let restored = center.largest().await;
    assert_eq!(Sets::of(&restored), snapshot.sets);
}

#[tokio::test]
async fn what_another_supervisor_does_in_the_middle_survives_and_is_told() {
    let center = Center::new(30, 40, 4, &[]).await;
    let records = center.largest().await;
    let grid = Grid::of(&records[0].campaign_id, &records, None);
    let list = (0..grid.lists().len()).find(|list| grid.is_paintable(*list) && grid.now(*list).count() > 1).unwrap();
    let head = grid.lists()[list].clone();
    let free: Vec<usize> = (0..grid.agents().len()).filter(|agent| !grid.now(list).get(*agent)).collect();
    let (ours, theirs) = (free[0], &grid.agents()[free[1]]);
    let mut painting = Painting::default();
    painting.area(&grid, "a cell", &[list], &[ours].into_iter().collect(), Brush::On);
    let plan = center.plan(&grid, &painting, &records);

    // Between the plan and its sending somebody else adds one agent and removes another.
    let mut meddled = center.agents(head.target.as_str());
    let gone = meddled.pop_first().unwrap();
    meddled.insert(theirs.clone());
    let holder = Holder::Agents(meddled.iter().map(|agent| agent.as_str().to_owned()).collect());
    center.sim.meddle(&[head.target.as_str()], &Meddling::To(holder));
    let report = center.apply(plan).await;

    assert_eq!(center.agents(head.target.as_str()), meddled);
    let item = items(&center.engine, &report.summary.id).remove(0);
    assert_eq!(item.state, ItemState::Skipped);
    let told = item.reason.unwrap_or_default().to_string();
    assert!(told.contains(theirs.as_str()) && told.contains(gone.as_str()), "{told}");

    // Once that was looked at, it is tried again: the painted cell is added to what is there now.
    let plan = center.engine.plan_lists_again(report.summary.id).await.unwrap();
    let again = center.apply(plan).await.summary;
    assert_eq!(again.tally.done, 1, "{:?}", again.tally);
    meddled.insert(grid.agents()[ours].clone());
    assert_eq!(center.agents(head.target.as_str()), meddled);
}

#[tokio::test]
async fn a_server_that_replaces_is_noticed_at_the_first_write_and_gets_no_second_one() {
    let center = Center::new(30, 40, 4, &[("put_semantics", "replace")]).await;
    let records = center.largest().await;
    let grid = Grid::of(&records[0].campaign_id, &records, None);
    let mut painting = Painting::default();
    let lists: Vec<usize> =
        (0..grid.lists().len()).filter(|list| grid.is_paintable(*list) && grid.now(*list).count() > 1).collect();
    let all: CellBits = (0..grid.agents().len()).collect();
    painting.area(&grid, "all", &lists, &all, Brush::On);
    let plan = center.plan(&grid, &painting, &records);
    assert!(plan.changes() > 5);
    let start = center.sim.log().last();
    let report = center.apply(plan.clone()).await;
    let sent = center.since(start);
    assert_eq!(count(&sent, Act::Write), 1, "the first one goes out alone");
    assert_eq!(report.summary.tally.done, 0, "{:?}", report.summary.tally);
    assert!(!report.cut_short.is_empty());
    assert!(report.cut_short[0].1.what.contains("whole set"), "{}", report.cut_short[0].1);
}
