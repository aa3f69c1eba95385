//! How a vendor's limit is used, over real HTTP. `cargo bench --bench pace` has the figures.

use super::*;
use switchboard::sim::log::Outcome;

/// Works on `leads`, all of them; returns how many requests were answered in the first `time` of that, and how many were
/// refused altogether.
async fn drive(sim: &Simulator, engine: &Engine, leads: usize, time: Duration) -> (usize, usize) {
    let plan = assign(engine, leads, |people| people[0].clone()).await;
    let begin = sim.log().last();
    let report = engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await.unwrap();
    // Nothing fails for the limit alone.
    assert_eq!(report.summary.tally.failed, 0, "{:?}", report.summary.tally);
    check(sim, engine, &report.summary.id, begin);
    let all = sim.log().after(begin, usize::MAX);
    let is_refused = |entry: &&switchboard::sim::log::Entry| entry.outcome == Outcome::Answered { status: 429 };
    let refused = all.iter().filter(is_refused).count();
    let in_time = all.iter().filter(|entry| entry.at.duration_since(all[0].at).as_secs_f64() < time.as_secs_f64());
    (in_time.filter(|entry| !is_refused(entry)).count(), refused)
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
    let (answered, refused) = drive(&sim, &engine, 240, Duration::from_secs(8)).await;
    // Thirty a second for eight seconds, but for what the beginning takes.
    assert_eq!(refused, 0, "of {answered}");
    assert!(answered >= 29 * 8 * 95 / 100, "{answered}");
}

#[tokio::test]
async fn a_limit_that_nobody_told_is_learned_and_kept_to() {
    let sim = simulator(900, &["latency=10ms"]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    sim.set_faults(&["latency=10ms", "rate_limit=60/s"]).unwrap();
    let (answered, refused) = drive(&sim, &engine, 480, Duration::from_secs(10)).await;
    // Reading went fast before there was a limit, so the first rush is refused as a whole; it costs two seconds.
    assert!(refused < 30, "{refused} of {answered}");
    assert!(answered > 60 * 10 * 6 / 10, "{answered}");
}
