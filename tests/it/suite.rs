//! What every vendor has to do alike, through the real engine over HTTP: the same behaviours for each, held against what
//! its simulator knows. What is special about one stands in a file of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use switchboard::backend::{Engine, Report, StopToken, UndoRequest, Watch};
use switchboard::domain::exchange::Event;
use switchboard::domain::{Agreement, Assignment, ItemState, LeadId, OperationId, Person, Plan, Tally, Unassign};
use switchboard::sim::{Act, Holder, Meddling, Simulator};
use tempfile::TempDir;

use super::engine::{apply, assign, check, demo, engine_with, items, plan_to};
use super::invariants::is_holder;

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
    /// More settings, with which every lead goes by a request of its own.
    single: &'static str,
}

const CAPILLARY: Case = Case {
    vendor: "capillary",
    switches: &[],
    settings: "requests_per_minute = 0\nparallel = 16\nconfirm_within_s = 0.5\ntimeout_s = 2",
    lists_all: true,
    single: "",
};

const INSTANTLY: Case = Case {
    vendor: "instantly",
    switches: &[("rate_limit", "off"), ("job_delay", "50")],
    settings: "requests_per_minute = 6000\nparallel = 16\ntimeout_s = 2",
    lists_all: true,
    single: "\nstrategy = \"patch\"",
};

const KENBUN: Case = Case {
    vendor: "kenbun",
    switches: &[],
    settings: "requests_per_minute = 0\nparallel = 16\ntimeout_s = 2",
    lists_all: false,
    single: "\nbulk_size = 1",
};

const STATESET: Case = Case {
    vendor: "stateset",
    switches: &[("rate_limit", "off")],
    settings: "requests_per_minute = 0\nconcurrency = 16\ntimeout_s = 2",
    lists_all: true,
    single: "",
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

    async fn plan(&self, leads: usize, number: usize) -> Plan {
        assign(&self.engine, leads, |people| person(people, number)).await
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

fn told(tally: Tally) -> usize {
    tally.done + tally.failed + tally.unknown + tally.changed_by_others
}

async fn lists_to_the_last_page(case: Case) {
    let world = World::new(case, 730).await;
    let loaded = world.engine.load_leads(&demo(), |_| {}).await.unwrap();
    assert_eq!(loaded.troubles, Vec::<String>::new());
    let ids: HashSet<LeadId> = (0..loaded.table.len() as u32).map(|row| loaded.table.id(row)).collect();
    let holders = world.sim.holders();
    assert!(ids.iter().all(|id| holders.iter().any(|(target, _)| **target == *id.as_str())));
    let all = if case.lists_all { ids.len() == holders.len() } else { ids.len() > 300 };
    assert!(all, "{} of {}", ids.len(), holders.len());
    let people = world.engine.load_people(&demo()).await.unwrap();
    assert!(people.iter().filter(|person| person.is_active()).count() > 3);
    assert_eq!(world.sim.log().complaints(), []);
}

async fn assigns_reassigns_and_unassigns(case: Case) {
    let world = World::new(case, 150).await;
    let one = world.applied(world.plan(1, 0).await).await;
    let lead = items(&world.engine, &one).remove(0).target;
    assert_ne!(world.sim.holder(lead.as_str()), Some(Holder::Nobody));
    // The same leads to somebody else, each given once more.
    world.applied(world.plan(20, 0).await).await;
    let first = |people: &[Person]| Assignment::Owner(person(people, 0).owner_ref());
    let second = |people: &[Person]| Assignment::Owner(person(people, 1).owner_ref());
    let of_first = |people: &[Person], owner: &Assignment| owner.is_same(&first(people));
    let again = plan_to(&world.engine, 20, second, of_first).await;
    assert_eq!(again.changes(), 20);
    world.applied(again).await;
    // To nobody, or the stated refusal.
    let of_second = |people: &[Person], owner: &Assignment| owner.is_same(&second(people));
    let to_nobody = plan_to(&world.engine, 5, |_| Assignment::unassigned(), of_second).await;
    match &world.engine.capabilities(&demo()).unwrap().unassign {
        Unassign::Yes => {
            let operation = world.applied(to_nobody).await;
            for item in items(&world.engine, &operation) {
                assert_eq!(world.sim.holder(item.target.as_str()), Some(Holder::Nobody));
            }
        }
        Unassign::No(why) => {
            assert_eq!((to_nobody.changes(), to_nobody.skips()), (0, 5));
            assert!(to_nobody.parts[0].skips.iter().all(|skip| skip.reason.to_string() == *why));
        }
    }
}

async fn assigns_1200_and_takes_them_back_but_for_what_others_changed(case: Case) {
    let world = World::new(case, 3_000).await;
    let before: HashMap<_, _> = world.sim.holders().into_iter().collect();
    // Somebody who left cannot be given anything back, nor somebody whom others are called like where names are all.
    let known = |people: &[Person], owner: &Assignment| {
        let agrees = |person: &&Person| {
            owner.owner().is_some_and(|owner| person.owner_ref().agrees_with(owner) == Agreement::Same)
        };
        let found: Vec<&Person> = people.iter().filter(agrees).collect();
        matches!(found.as_slice(), [one] if one.is_active())
    };
    let to = |people: &[Person]| Assignment::Owner(person(people, 0).owner_ref());
    let plan = plan_to(&world.engine, 1_200, to, known).await;
    let changes = plan.changes();
    assert_eq!(changes, 1_200, "{:?}", plan.parts[0].skips.first());
    let done = world.applied(plan).await;
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
    let still: Vec<_> = theirs.iter().map(|target| world.sim.holder(target).unwrap()).collect();
    for ((target, held), still) in theirs.iter().zip(held).zip(still) {
        // Another one than ours stays; what they gave back to the one before is as it was.
        assert!(still == held || still == before[*target], "{target}: {held:?} {still:?}");
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
    let report = world.apply(world.plan(200, 1).await, &faults).await;
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
    instantly: INSTANTLY,
    kenbun: KENBUN,
    stateset: STATESET,
}
