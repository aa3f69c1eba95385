//! What every vendor has to do alike, through the real engine over HTTP: the same behaviours for each, held against what
//! its simulator knows. What is special about one stands in a file of its own.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use switchboard::backend::{Engine, Report, StopToken, UndoRequest, Watch};
use switchboard::domain::campaign::MappingRecord;
use switchboard::domain::exchange::Event;
use switchboard::domain::matrix::Want;
use switchboard::domain::{Agreement, Assignment, ItemState, OperationId, Person, Plan, Tally, TargetKind, Unassign};
use switchboard::sim::{Act, Holder, Meddling, Simulator};
use tempfile::TempDir;

use super::engine::{apply, check, demo, engine_with, is_exact, items, plan_to};
use super::invariants::{is_back, is_holder, is_same_beside};
use super::mappings;

/// An operation that was ended by chance is gone on with so often.
const MOST_ENDS: usize = 10;

/// One vendor as the suite drives it.
#[derive(Clone, Copy, Debug)]
struct Case {
    vendor: &'static str,
    /// Switches of its simulator that keep it from holding the tests up.
    switches: &'static [(&'static str, &'static str)],
    /// Settings with which nothing waits for a pace.
    settings: &'static str,
    /// Its list has everything there is; otherwise only what the credentials' own unit has.
    lists_all: bool,
    /// More settings, with which every target goes by a request of its own.
    single: &'static str,
    /// A switch with which its list has pages, where it does not always.
    paged: Option<(&'static str, &'static str)>,
}

const CAPILLARY: Case = Case {
    vendor: "capillary",
    switches: &[],
    settings: "requests_per_minute = 0\nparallel = 16\nconfirm_within_s = 0.5\ntimeout_s = 2",
    lists_all: true,
    single: "",
    paged: None,
};

const EXOTEL: Case = Case {
    vendor: "exotel",
    switches: &[],
    settings: "requests_per_minute = 0\nparallel = 16\ntimeout_s = 2",
    // The simulator has a second contact center.
    lists_all: false,
    single: "",
    paged: Some(("campaign_lead_paging", "on")),
};

const INSTANTLY: Case = Case {
    vendor: "instantly",
    switches: &[("rate_limit", "off"), ("job_delay", "50")],
    settings: "requests_per_minute = 6000\nparallel = 16\ntimeout_s = 2",
    lists_all: true,
    single: "\nstrategy = \"patch\"",
    paged: None,
};

const KENBUN: Case = Case {
    vendor: "kenbun",
    switches: &[],
    settings: "requests_per_minute = 0\nparallel = 16\ntimeout_s = 2",
    lists_all: false,
    single: "\nbulk_size = 1",
    paged: None,
};

const STATESET: Case = Case {
    vendor: "stateset",
    switches: &[("rate_limit", "off")],
    settings: "requests_per_minute = 0\nconcurrency = 16\ntimeout_s = 2",
    lists_all: true,
    single: "",
    paged: None,
};

/// A simulator with an engine before it.
struct World {
    case: Case,
    sim: Simulator,
    engine: Engine,
    _folder: TempDir,
}

impl World {
    async fn new(case: Case, leads: usize) -> Self {
        Self::with(case, leads, "").await
    }

    async fn with(case: Case, leads: usize, more: &str) -> Self {
        let sim = super::vendors::simulator(case.vendor, leads, case.switches, &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_with(&sim.profile, &format!("{}{more}", case.settings), folder.path());
        Self { case, sim, engine, _folder: folder }
    }

    fn targets(&self) -> TargetKind {
        self.engine.capabilities(&demo()).unwrap().targets
    }

    /// The lists of the largest campaign, where those are the targets.
    async fn lists(&self) -> Vec<MappingRecord> {
        self.engine.mappings(&demo(), Some(&mappings::largest(&self.sim))).await.unwrap()
    }

    /// The plan that gives so many targets, which somebody else has, to a person by a number.
    async fn plan(&self, count: usize, number: usize) -> Plan {
        self.plan_where(count, number, is_exact).await
    }

    /// The same for leads whose present owner fits.
    async fn plan_where(&self, count: usize, number: usize, fits: fn(&[Person], &Assignment) -> bool) -> Plan {
        let plan = match self.targets() {
            TargetKind::Leads => plan_to(&self.engine, count, |people| owner(people, number), fits).await,
            TargetKind::Mappings => {
                let lists = self.lists().await;
                let agent = mappings::agent(&lists, number);
                let lists = mappings::first(lists, count, |agents| !agents.contains(&agent));
                mappings::plan(&self.engine, &lists, |_| Want::Delta { add: [agent.clone()].into(), remove: [].into() })
            }
        };
        assert_eq!(plan.changes(), count, "{}: {:?}", self.case.vendor, plan.parts[0].skips.get(0));
        plan
    }

    /// The plan that takes so many targets from one person and gives them to another.
    async fn hand_over(&self, count: usize, from: usize, to: usize) -> Plan {
        let of_one = |people: &[Person], now: &Assignment| now.is_same(&owner(people, from));
        let plan = match self.targets() {
            TargetKind::Leads => plan_to(&self.engine, count, |people| owner(people, to), of_one).await,
            TargetKind::Mappings => {
                let lists = self.lists().await;
                let (from, to) = (mappings::agent(&lists, from), mappings::agent(&lists, to));
                let lists = mappings::first(lists, count, |agents| agents.contains(&from));
                let (add, remove) = (BTreeSet::from([to]), BTreeSet::from([from]));
                mappings::plan(&self.engine, &lists, |_| Want::Delta { add: add.clone(), remove: remove.clone() })
            }
        };
        assert_eq!(plan.changes(), count, "{}: {:?}", self.case.vendor, plan.parts[0].skips.get(0));
        plan
    }

    /// The plan that leaves so many targets of a person with nobody.
    async fn to_nobody(&self, count: usize, from: usize) -> Plan {
        let of_one = |people: &[Person], now: &Assignment| now.is_same(&owner(people, from));
        match self.targets() {
            TargetKind::Leads => plan_to(&self.engine, count, |_| Assignment::unassigned(), of_one).await,
            TargetKind::Mappings => {
                let lists = self.lists().await;
                let from = mappings::agent(&lists, from);
                let lists = mappings::first(lists, count, |agents| agents.contains(&from));
                mappings::plan(&self.engine, &lists, |_| Want::Exactly(BTreeSet::new()))
            }
        }
    }

    /// What is listed. Where that tells who has it exactly, it tells the truth.
    async fn listed(&self) -> HashSet<String> {
        match self.targets() {
            TargetKind::Leads => {
                let loaded = self.engine.load_leads(&demo(), |_| {}).await.unwrap();
                assert_eq!(loaded.troubles, Vec::<String>::new());
                (0..loaded.table.len() as u32).map(|row| loaded.table.id(row).to_string()).collect()
            }
            TargetKind::Mappings => {
                let records = self.engine.mappings(&demo(), None).await.unwrap();
                let told = records.iter().map(|record| {
                    let target = record.target.to_string();
                    assert_eq!(record.agents.as_ref().unwrap(), &mappings::mapped(&self.sim, &target), "{target}");
                    target
                });
                told.collect()
            }
        }
    }

    /// Applies a plan while these faults happen, and holds what is said of it against what the simulator did.
    async fn apply(&self, plan: Plan, faults: &[&str]) -> Report {
        let begin = self.sim.log().last();
        self.sim.set_faults(faults).unwrap();
        let report = apply(&self.engine, plan).await;
        self.sim.set_faults(&[] as &[&str]).unwrap();
        self.is_true(&report, begin);
        report
    }

    /// As [`apply`](Self::apply), gone on with under the same faults as often as a vendor's client ends the sending: a few
    /// failures in a row are reason enough for some (Capillary's contract, section 8), and happen by chance.
    async fn apply_to_the_end(&self, plan: Plan, faults: &[&str]) -> Report {
        let begin = self.sim.log().last();
        let mut report = self.apply(plan, faults).await;
        for _ in 0..MOST_ENDS {
            if report.summary.tally.not_sent == 0 {
                break;
            }
            self.sim.set_faults(faults).unwrap();
            let id = report.summary.id.clone();
            report = self.engine.resume(&id, false, Watch::none(), StopToken::new()).await.unwrap();
            self.sim.set_faults(&[] as &[&str]).unwrap();
            self.is_true(&report, begin);
        }
        report
    }

    fn is_true(&self, report: &Report, begin: u64) {
        let tally = report.summary.tally;
        assert_eq!(tally.planned + tally.sent, 0, "{}: {tally:?}", self.case.vendor);
        check(&self.sim, &self.engine, &report.summary.id, begin);
    }

    /// As [`apply`](Self::apply), where everything is expected to be done.
    async fn applied(&self, plan: Plan) -> OperationId {
        let changes = plan.changes();
        let report = self.apply(plan, &[]).await;
        let Report { summary, cut_short, .. } = report;
        assert_eq!(summary.tally.done, changes, "{}: {:?} {cut_short:?}", self.case.vendor, summary.tally);
        summary.id
    }

    async fn undo(&self, operation: &OperationId) -> Plan {
        let request = UndoRequest { operations: vec![operation.clone()], ..UndoRequest::default() };
        self.engine.plan_undo(request).await.unwrap()
    }
}

/// A person who may be given leads, and whom nobody else is called like.
fn person(people: &[Person], number: usize) -> Person {
    let is_one = |person: &&Person| people.iter().filter(|other| other.name == person.name).count() == 1;
    people.iter().filter(|person| person.is_active()).filter(is_one).nth(number).unwrap().clone()
}

fn owner(people: &[Person], number: usize) -> Assignment {
    Assignment::Owner(person(people, number).owner_ref())
}

/// Somebody who left cannot be given anything back, nor somebody whom others are called like where names are all.
fn can_be_put_back(people: &[Person], owner: &Assignment) -> bool {
    let agrees =
        |person: &&Person| owner.owner().is_some_and(|owner| person.owner_ref().agrees_with(owner) == Agreement::Same);
    let found: Vec<&Person> = people.iter().filter(agrees).collect();
    matches!(found.as_slice(), [one] if one.is_active())
}

fn told(tally: Tally) -> usize {
    tally.done + tally.failed + tally.unknown + tally.changed_by_others
}

async fn lists_to_the_last_page(case: Case) {
    let world = World::new(case, 730).await;
    if let Some((switch, value)) = case.paged {
        world.sim.switch(switch, value).unwrap();
    }
    let ids = world.listed().await;
    let holders = world.sim.holders();
    assert!(ids.iter().all(|id| holders.iter().any(|(target, _)| **target == **id)));
    let all = if case.lists_all { ids.len() == holders.len() } else { ids.len() > 300 };
    assert!(all, "{} of {}", ids.len(), holders.len());
    let people = world.engine.load_people(&demo()).await.unwrap();
    assert!(people.iter().filter(|person| person.is_active()).count() > 3);
    assert_eq!(world.sim.log().complaints(), []);
}

async fn assigns_reassigns_and_unassigns(case: Case) {
    let world = World::new(case, 150).await;
    let one = world.applied(world.plan(1, 0).await).await;
    let target = items(&world.engine, &one).remove(0).target;
    assert!(!is_nobodys(&world.sim, target.as_str()));
    // The same targets to somebody else, each given once more.
    world.applied(world.plan(20, 0).await).await;
    world.applied(world.hand_over(20, 0, 1).await).await;
    // To nobody, or the stated refusal.
    let to_nobody = world.to_nobody(5, 1).await;
    match &world.engine.capabilities(&demo()).unwrap().unassign {
        Unassign::Yes => {
            let operation = world.applied(to_nobody).await;
            for item in items(&world.engine, &operation) {
                assert!(is_nobodys(&world.sim, item.target.as_str()), "{}", item.target);
            }
        }
        Unassign::No(why) => {
            assert_eq!((to_nobody.changes(), to_nobody.skips()), (0, 5));
            assert!(to_nobody.parts[0].skips.iter().all(|skip| skip.reason.to_string() == *why));
        }
    }
}

fn is_nobodys(sim: &Simulator, target: &str) -> bool {
    match sim.holder(target) {
        Some(Holder::Nobody) => true,
        Some(Holder::Agents(agents)) => agents.is_empty(),
        _ => false,
    }
}

async fn assigns_1200_and_takes_them_back_but_for_what_others_changed(case: Case) {
    let world = World::new(case, 3_000).await;
    let before: HashMap<_, _> = world.sim.holders().into_iter().collect();
    let plan = world.plan_where(1_200, 0, can_be_put_back).await;
    let changes = plan.changes();
    let begin = world.sim.log().last();
    let done = world.applied(plan).await;
    let writes = world.sim.log().after(begin, usize::MAX).iter().filter(|entry| entry.act == Act::Write).count();
    let batch = world.engine.capabilities(&demo()).unwrap().batch.max;
    // Where there are batches, they are of one campaign or of one owner, and not always full.
    let most = if batch > 1 { 600 } else { 1_200 };
    assert!(writes >= 1_200_usize.div_ceil(batch) && writes <= most, "{writes} writes");
    let rows = items(&world.engine, &done);
    let theirs: Vec<&str> = rows.iter().step_by(40).map(|row| row.target.as_str()).collect();
    assert_eq!(world.sim.meddle(&theirs, &Meddling::Another(2)).len(), theirs.len());
    let held: Vec<_> = theirs.iter().map(|target| world.sim.holder(target).unwrap()).collect();
    let plan = world.undo(&done).await;
    assert_eq!(plan.changes() + plan.skips(), changes);
    assert!(plan.changes() >= changes - theirs.len());
    let report = world.apply(plan, &[]).await;
    assert_eq!(report.summary.tally.failed + report.summary.tally.unknown, 0, "{:?}", report.cut_short);
    for row in rows.iter().filter(|row| !theirs.contains(&row.target.as_str())) {
        let now = world.sim.holder(row.target.as_str()).unwrap();
        assert_eq!(now, before[row.target.as_str()], "{}", row.target);
    }
    for (row, held) in rows.iter().step_by(40).zip(held) {
        let still = world.sim.holder(row.target.as_str()).unwrap();
        let then = &before[row.target.as_str()];
        let is_right = match still {
            // Of a set only what was written is taken back.
            Holder::Agents(_) => is_back(&still, row) && is_same_beside(&still, &held, row),
            // Another one than ours stays; what they gave back to the one before is as it was.
            _ => still == held || still == *then,
        };
        assert!(is_right, "{}: {then:?} {held:?} {still:?}", row.target);
    }
}

async fn credentials_that_end_in_the_middle_are_gone_on_with(case: Case) {
    let world = World::with(case, 400, case.single).await;
    let plan = world.plan(200, 1).await;
    let begin = world.sim.log().last();
    let report = world.apply(plan, &["unauthorized=100%:write:from=60"]).await;
    let tally = report.summary.tally;
    assert!(tally.done >= 50 && tally.failed >= 1 && tally.not_sent > 100, "{tally:?}");
    assert!(report.cut_short[0].1.to_string().contains("401"), "{:?}", report.cut_short);
    let resumed = world.engine.resume(&report.summary.id, false, Watch::none(), StopToken::new()).await.unwrap();
    assert_eq!(resumed.summary.tally.done, 200 - tally.failed, "{:?}", resumed.cut_short);
    world.is_true(&resumed, begin);
}

async fn a_storm_of_refusals_is_sat_out(case: Case) {
    let world = World::with(case, 300, case.single).await;
    let report = world.apply(world.plan(120, 1).await, &["rate_limit=200/s"]).await;
    assert_eq!(report.summary.tally.done, 120, "{:?} {:?}", report.summary.tally, report.cut_short);
}

async fn lost_answers_are_found_out(case: Case) {
    let world = World::with(case, 400, case.single).await;
    let faults =
        ["cut_after=5%", "cut_before=3%:write", "cut_inside=3%", "error_after=3%", "late=100..400ms:chance=1%"];
    let report = world.apply_to_the_end(world.plan(200, 1).await, &faults).await;
    let tally = report.summary.tally;
    assert_eq!(told(tally) + tally.skipped, 200, "{tally:?} {:?}", report.cut_short);
    assert!(tally.done > 150, "{tally:?}");
}

async fn garbage_is_no_answer(case: Case) {
    let world = World::with(case, 300, case.single).await;
    let report = world.apply(world.plan(120, 1).await, &["garbage=10%", "garbage=5%:read"]).await;
    let tally = report.summary.tally;
    assert_eq!(told(tally) + tally.skipped + tally.not_sent, 120, "{tally:?} {:?}", report.cut_short);
    assert!(tally.done > 60, "{tally:?} {:?}", report.cut_short);
}

async fn a_slow_server_is_awaited(case: Case) {
    let world = World::with(case, 200, case.single).await;
    let report = world.apply(world.plan(60, 1).await, &["latency=5..60ms", "latency_after=2500ms:write:times=2"]).await;
    let tally = report.summary.tally;
    assert_eq!(tally.done, 60, "{tally:?} {:?}", report.cut_short);
}

async fn cancelled_half_way(case: Case) {
    let world = World::with(case, 800, case.single).await;
    let plan = world.plan(300, 1).await;
    let begin = world.sim.log().last();
    world.sim.set_faults(&["latency=10ms"]).unwrap();
    let stop = StopToken::new();
    let stopper = stop.clone();
    let watch = Watch::new(move |event| {
        if let Event::Progress { progress, .. } = event
            && progress.tally.done > 30
        {
            stopper.stop();
        }
    });
    let report = world.engine.apply(Arc::new(plan), watch, stop).await.unwrap();
    let tally = report.summary.tally;
    assert!(tally.done > 30 && tally.not_sent > 50, "{tally:?}");
    world.is_true(&report, begin);
    let sent: usize = world.sim.log().after(begin, usize::MAX).iter().filter(|entry| entry.act == Act::Write).count();
    assert!(sent <= 300 - tally.not_sent + 5, "{sent} writes for {tally:?}");
    let rest = items(&world.engine, &report.summary.id).into_iter().filter(|item| item.state == ItemState::NotSent);
    for item in rest {
        assert!(!is_holder(&world.sim.holder(item.target.as_str()).unwrap(), &item.wrote));
    }
}

/// Every behaviour for every vendor, each a test of its own.
macro_rules! suite {
    ($case:expr, $vendor:ident: $($behaviour:ident)*) => {
        mod $vendor {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour($case).await;
                }
            )*
        }
    };
    ($($vendor:ident: $case:ident,)*) => {
        $(suite! { super::$case, $vendor:
            lists_to_the_last_page
            assigns_reassigns_and_unassigns
            assigns_1200_and_takes_them_back_but_for_what_others_changed
            credentials_that_end_in_the_middle_are_gone_on_with
            a_storm_of_refusals_is_sat_out
            lost_answers_are_found_out
            garbage_is_no_answer
            a_slow_server_is_awaited
            cancelled_half_way
        })*
    };
}

suite! {
    capillary: CAPILLARY,
    exotel: EXOTEL,
    instantly: INSTANTLY,
    kenbun: KENBUN,
    stateset: STATESET,
}
