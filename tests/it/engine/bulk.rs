use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use switchboard::backend::UndoRequest;
use switchboard::domain::exchange::Event;
use switchboard::sim::Meddling;

/// Two of a hundred requests meet each of these.
const EVERYTHING: [&str; 11] = [
    "error_before=2%:write",
    "error_after=2%",
    "cut_before=2%:write",
    "cut_after=2%",
    "cut_inside=2%",
    "late=100..900ms:chance=2%",
    "latency_after=2500ms:write:chance=2%",
    "garbage=2%",
    // A few: each makes the engine slow down.
    "rate_limit=2%:write:times=4",
    "meddle=2%",
    "error_before=2%:read",
];

#[tokio::test]
async fn every_fault_in_two_thousand_single_writes() {
    let sim = simulator(2_500, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1\nparallel = 32", folder.path());
    let plan = assign(&engine, 2_000, |people| people[0].clone()).await;
    let begin = sim.log().last();
    sim.set_faults(&EVERYTHING).unwrap();
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert_eq!(tally.total(), 2_000);
    assert_eq!(tally.planned + tally.sent + tally.not_sent, 0, "{tally:?} {:?}", report.cut_short);
    assert!(tally.done > 1_800 && tally.failed > 20, "{tally:?}");
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn every_fault_in_bulk_writes() {
    let sim = simulator(2_500, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 20", folder.path());
    let plan = assign(&engine, 2_000, |people| people[0].clone()).await;
    let begin = sim.log().last();
    sim.set_faults(&EVERYTHING.map(|fault| fault.replace("2%", "6%"))).unwrap();
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert_eq!(tally.planned + tally.sent + tally.not_sent, 0, "{tally:?} {:?}", report.cut_short);
    assert!(tally.done > 1_000, "{tally:?}");
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn undo_restores_what_nobody_changed_and_lists_the_rest() {
    let sim = simulator(3_500, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "", folder.path());
    let before: std::collections::HashMap<_, _> = sim.holders().into_iter().collect();
    let done = apply(&engine, assign(&engine, 2_000, |people| people[0].clone()).await).await.summary;
    assert_eq!((done.tally.done, done.undoable), (2_000, 2_000));
    let rows = items(&engine, &done.id);
    let meddled: HashSet<_> = rows.iter().step_by(14).take(137).map(|row| row.target.to_string()).collect();
    assert_eq!(meddled.len(), 137);
    let targets: Vec<_> = meddled.iter().collect();
    assert_eq!(sim.meddle(&targets, &Meddling::Another(3)).len(), 137);
    let theirs: Vec<_> = targets.iter().map(|target| sim.holder(target).unwrap()).collect();

    let request = UndoRequest { operations: vec![done.id.clone()], ..UndoRequest::default() };
    let begin = sim.log().last();
    let plan = engine.plan_undo(request).await.unwrap();
    // Everything is read from one listing, and so it is when the plan is looked at again.
    let pages = sim.holders().len().div_ceil(100);
    let planning = sim.log().after(begin, usize::MAX).len();
    assert!((1..=pages + 2).contains(&planning), "{planning} requests for {pages} pages");
    let again = engine.recheck(plan.clone()).await.unwrap();
    let rechecking = sim.log().after(begin, usize::MAX).len() - planning;
    assert!((1..=pages + 2).contains(&rechecking), "{rechecking} requests for {pages} pages");
    assert_eq!((again.changes(), again.skips()), (1_863, 137));
    assert_eq!((plan.changes(), plan.skips()), (1_863, 137));
    assert!(plan.parts[0].skips.iter().all(|skip| meddled.contains(skip.id())));
    let begin = sim.log().last();
    let undone = apply(&engine, plan).await.summary;
    assert_eq!((undone.tally.done, undone.tally.skipped), (1_863, 137));
    for row in &rows {
        let now = sim.holder(row.target.as_str()).unwrap();
        if !meddled.contains(row.target.as_str()) {
            assert_eq!(now, before[row.target.as_str()], "{}", row.target);
        }
    }
    let after: Vec<_> = targets.iter().map(|target| sim.holder(target).unwrap()).collect();
    assert_eq!(after, theirs);
    check(&sim, &engine, &undone.id, begin);
    assert_eq!(engine.journal().operation(&done.id).unwrap().undoable, 137);
}

#[tokio::test]
async fn credentials_that_end_in_the_middle() {
    let sim = simulator(600, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    let plan = assign(&engine, 500, |people| people[1].clone()).await;
    let begin = sim.log().last();
    sim.set_faults(&["unauthorized=100%:write:from=100"]).unwrap();
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert_eq!(tally.done, 99);
    assert!(tally.failed >= 1 && tally.failed <= 20 && tally.not_sent > 380, "{tally:?}");
    assert!(report.cut_short[0].1.to_string().contains("401"), "{:?}", report.cut_short);
    check(&sim, &engine, &report.summary.id, begin);
    // With new credentials it goes on where it was.
    sim.set_faults(&[""; 0]).unwrap();
    let resumed = engine.resume(&report.summary.id, false, Watch::none(), StopToken::new()).await.unwrap();
    assert_eq!(resumed.summary.tally.done, 500 - tally.failed);
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn a_storm_of_refusals_is_sat_out() {
    let sim = simulator(400, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    let plan = assign(&engine, 300, |people| people[1].clone()).await;
    let begin = sim.log().last();
    sim.set_faults(&["rate_limit=60/s"]).unwrap();
    let report = apply(&engine, plan).await;
    assert_eq!(report.summary.tally.done, 300, "{:?}", report.summary.tally);
    check(&sim, &engine, &report.summary.id, begin);
    let refused = sim.log().after(begin, usize::MAX).iter().filter(|entry| !entry.faults.is_empty()).count();
    assert!(refused < 60, "{refused} refusals: nothing was learned");
}

#[tokio::test]
async fn stopped_in_the_middle() {
    let sim = simulator(600, &["latency=20ms"]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    let plan = assign(&engine, 500, |people| people[1].clone()).await;
    let begin = sim.log().last();
    sim.set_faults(&["latency=20ms", "cut_after=10%"]).unwrap();
    let stop = StopToken::new();
    let stopper = stop.clone();
    let stopped_at = Arc::new(Mutex::new(None));
    let told = stopped_at.clone();
    let watch = Watch::new(move |event| {
        if let Event::Progress { progress, .. } = event
            && progress.tally.done > 100
        {
            told.lock().unwrap().get_or_insert_with(Instant::now);
            stopper.stop();
        }
    });
    let report = engine.apply(Arc::new(plan), watch, stop).await.unwrap();
    let tally = report.summary.tally;
    assert!(tally.done > 100 && tally.not_sent > 100, "{tally:?}");
    assert_eq!(tally.planned + tally.sent, 0, "{tally:?}");
    assert!(stopped_at.lock().unwrap().unwrap().elapsed() < Duration::from_secs(25));
    check(&sim, &engine, &report.summary.id, begin);
}
