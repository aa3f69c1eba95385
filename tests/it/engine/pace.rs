//! How a vendor's limit is used, over real HTTP. `cargo bench --bench pace` has the figures.

use super::*;
use switchboard::domain::SafeText;
use switchboard::sim::log::Outcome;

/// Works on `leads` for so long, then stops; returns how many requests were answered and how many refused.
async fn drive(sim: &Simulator, engine: &Engine, leads: usize, time: Duration) -> (usize, usize) {
    let plan = assign(engine, leads, |people| people[0].clone()).await;
    let begin = sim.log().last();
    let stop = StopToken::new();
    let stopper = stop.clone();
    let timer = tokio::spawn(async move {
        tokio::time::sleep(time).await;
        stopper.stop();
    });
    let report = engine.apply(Arc::new(plan), Watch::none(), stop).await.unwrap();
    timer.abort();
    // Nothing fails for the limit alone; what was refused and waited for its next try when it was stopped says so.
    let failed = |item: &ItemRow| item.state == ItemState::Failed;
    let reasons: Vec<_> =
        items(engine, &report.summary.id).into_iter().filter(failed).map(|item| item.reason).collect();
    let stopped =
        |reason: &Option<SafeText>| reason.as_ref().is_some_and(|why| why.as_str().contains("stopped before"));
    assert!(reasons.iter().all(stopped), "{reasons:?}");
    check(sim, engine, &report.summary.id, begin);
    let all = sim.log().after(begin, usize::MAX);
    let refused = all.iter().filter(|entry| entry.outcome == Outcome::Answered { status: 429 }).count();
    (all.len() - refused, refused)
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
    let (answered, refused) = drive(&sim, &engine, 400, Duration::from_secs(8)).await;
    // What may leave at once was used for reading the leads; then 29 a second for eight seconds.
    assert_eq!(refused, 0, "of {answered}");
    assert!(answered >= 29 * 8 * 95 / 100, "{answered}");
}

#[tokio::test]
async fn a_limit_that_nobody_told_is_learned_and_kept_to() {
    let sim = simulator(900, &["latency=10ms"]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&sim.profile, "bulk_size = 1", folder.path());
    sim.set_faults(&["latency=10ms", "rate_limit=60/s"]).unwrap();
    let (answered, refused) = drive(&sim, &engine, 650, Duration::from_secs(10)).await;
    // The first rush is refused as a whole, and it takes some seconds to come back.
    assert!(refused < 60, "{refused} of {answered}");
    assert!(answered > 60 * 10 * 4 / 10, "{answered}");
}
