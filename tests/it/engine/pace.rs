//! A vendor's limit over real HTTP: everything is done in the end, and the limit is hardly met. How much of it is used is
//! held to its aim with a clock that tests move (`backend::pace::shapes`); `cargo bench --bench pace` has the figures.

use super::*;
use switchboard::sim::log::Outcome;

/// Works on `leads`, all of them; returns how many requests were refused.
async fn drive(sim: &Simulator, engine: &Engine, leads: usize) -> usize {
    let plan = assign(engine, leads, |people| people[0].clone()).await;
    let begin = sim.log().last();
    let report = engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.unwrap();
    // Nothing fails for the limit alone.
    assert_eq!(report.summary.tally.done, leads, "{:?}", report.summary.tally);
    check(sim, engine, &report.summary.id, begin);
    let is_refused = |entry: &&switchboard::sim::log::Entry| entry.outcome == Outcome::Answered { status: 429 };
    sim.log().after(begin, usize::MAX).iter().filter(is_refused).count()
}

#[tokio::test]
async fn a_known_limit_is_used_and_not_overrun() {
    let options = SimOptions {
        leads: 900,
        owners: 12,
        switches: vec![("rate_limit".to_owned(), "1800/min".to_owned())],
        ..SimOptions::default()
    };
    let sim = sim::start("stateset", options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, "requests_per_minute = 1800\nconcurrency = 8", folder.path());
    assert_eq!(drive(&sim, &engine, 240).await, 0);
}

#[tokio::test]
async fn a_limit_that_nobody_told_is_learned_and_kept_to() {
    let sim = simulator(900, &["latency=10ms"]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    sim.set_faults(&["latency=10ms", "rate_limit=60/s"]).unwrap();
    let refused = drive(&sim, &engine, 480).await;
    // Reading went fast before there was a limit, so the first rush is refused as a whole.
    assert!(refused < 30, "{refused}");
}
