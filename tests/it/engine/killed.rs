//! Killed at many points of a bulk run. The victim is this test binary again, running one test that does nothing unless
//! it is told to.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use switchboard::domain::history::OperationLife;

const PROFILE: &str = "SWITCHBOARD_TEST_VICTIM_PROFILE";
const FOLDER: &str = "SWITCHBOARD_TEST_VICTIM_FOLDER";
const SETTINGS: &str = "bulk_size = 1\nparallel = 8";
const LEADS: usize = 400;

/// The victim.
#[test]
fn victim() {
    let (Ok(profile), Ok(folder)) = (std::env::var(PROFILE), std::env::var(FOLDER)) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let profile: Map<String, Value> = serde_json::from_str(&profile).unwrap();
        let engine = engine(&profile, SETTINGS, &PathBuf::from(folder));
        let plan = assign(&engine, LEADS, |people| people[0].clone()).await;
        println!("ready");
        apply(&engine, plan).await;
        println!("ended");
    });
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_sent_twice_without_a_reading() {
    let sim = simulator(LEADS + 200, &["latency=5..15ms"]).await;
    let mut pieces = 0;
    for (round, kill_after) in [0, 3, 20, 60, 110, 180, 260].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        // Everything back to somebody else, so that each round has the same to do.
        let all: Vec<_> = sim.holders().into_iter().map(|(target, _)| target).collect();
        let owner = sim.holders().iter().find_map(|(_, holder)| match holder {
            Holder::Owner { id: Some(_), .. } => Some(holder.clone()),
            _ => None,
        });
        sim.meddle(&all, &switchboard::sim::Meddling::To(owner.unwrap()));
        let faults = if round % 2 == 0 { &["latency=5..15ms"][..] } else { &["latency=5..15ms", "cut_after=5%"] };
        sim.set_faults(faults).unwrap();
        let begin = sim.log().last();
        kill_one(&sim, folder.path(), kill_after, begin).await;
        sim.set_faults(&["latency=5..15ms"]).unwrap();

        let engine = engine(&sim.profile, SETTINGS, folder.path());
        let operations = engine.journal().operations(0, 10).unwrap();
        let Some(operation) = operations.first() else {
            assert_eq!(writes(&sim, begin), 0, "nothing leaves before the journal knows of it");
            continue;
        };
        // Every item has a state at once, before anything is asked.
        assert_eq!(operation.tally.total(), LEADS);
        assert_eq!(engine.journal().verify().unwrap(), Vec::<String>::new());
        if operation.life == OperationLife::Ended {
            continue;
        }
        pieces += 1;
        assert_eq!(engine.journal().interrupted().unwrap().len(), 1);
        let report = engine.resume(&operation.id, round == 4, Watch::none(), StopToken::new()).await.unwrap();
        let tally = report.summary.tally;
        assert_eq!(tally.planned + tally.sent + tally.unknown, 0, "{tally:?}");
        if round != 4 {
            assert!(tally.not_sent == 0 && tally.done > LEADS - 60, "{tally:?}");
        }
        assert_eq!(report.summary.life, OperationLife::Ended);
        check(&sim, &engine, &operation.id, begin);
    }
    assert!(pieces >= 4, "only {pieces} runs were cut in the middle");
}

fn writes(sim: &Simulator, begin: u64) -> usize {
    sim.log().after(begin, usize::MAX).iter().filter(|entry| entry.act == Act::Write).count()
}

/// Runs the victim and kills it after so many of its writes arrived.
async fn kill_one(sim: &Simulator, folder: &Path, kill_after: usize, begin: u64) {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["engine::killed::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(PROFILE, serde_json::to_string(&sim.profile).unwrap())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(victim.stdout.take().unwrap()).lines();
    let ready = tokio::task::spawn_blocking(move || lines.map_while(Result::ok).find(|line| line.contains("ready")));
    ready.await.unwrap().expect("the victim began");
    while writes(sim, begin) < kill_after {
        assert!(victim.try_wait().unwrap().is_none(), "the victim ended before it was killed");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    // Requests of the dead may still be worked on.
    while sim.log().after(begin, usize::MAX).iter().any(|e| e.outcome == switchboard::sim::log::Outcome::Running) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
