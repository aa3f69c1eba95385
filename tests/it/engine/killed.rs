//! Killed at many points of a bulk run. The victim is this test binary again, running one test that does nothing unless
//! it is told to.

use std::io::BufRead;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;
use switchboard::domain::history::OperationLife;

const PROFILE: &str = "SWITCHBOARD_TEST_VICTIM_PROFILE";
const FOLDER: &str = "SWITCHBOARD_TEST_VICTIM_FOLDER";
const SETTINGS: &str = "bulk_size = 1\nparallel = 8";
const LEADS: usize = 400;
/// How large a file of the victim's may become.
const ROOM: &str = "SWITCHBOARD_TEST_VICTIM_ROOM";

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
        let room = std::env::var(ROOM).ok().map(|bytes| bytes.parse().unwrap());
        // Without a handler the first byte too many would end the process.
        let _too_large = room.map(leave_room);
        let went = engine.apply(Arc::new(plan), Watch::none(), StopToken::new()).await;
        println!("ended: {}", went.map_or_else(|error| error.to_string(), |_| "well".to_owned()));
    });
}

/// No file of this process can grow beyond so many bytes: a write that reaches this is cut short in its middle.
fn leave_room(bytes: u64) -> tokio::signal::unix::Signal {
    const SIGXFSZ: i32 = 25;
    let handler = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(SIGXFSZ)).unwrap();
    let limit = rustix::process::Rlimit { current: Some(bytes), maximum: None };
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    handler
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_is_sent_twice_without_a_reading() {
    let sim = simulator(LEADS + 200, &["latency=5..15ms"]).await;
    let mut pieces = 0;
    for (round, kill_after) in [0, 3, 20, 60, 110, 180, 260].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        begin_anew(&sim);
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

fn victim_of(sim: &Simulator, folder: &Path) -> Command {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim
        .args(["engine::killed::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(PROFILE, serde_json::to_string(&sim.profile).unwrap())
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    victim
}

/// Everything to one owner, so that each round has the same to do.
fn begin_anew(sim: &Simulator) {
    let all: Vec<_> = sim.holders().into_iter().map(|(target, _)| target).collect();
    let owner = sim.holders().iter().find_map(|(_, holder)| match holder {
        Holder::Owner { id: Some(_), .. } => Some(holder.clone()),
        _ => None,
    });
    sim.meddle(&all, &switchboard::sim::Meddling::To(owner.unwrap()));
}

/// A power cut, or a copy that was cut short: the newest of what was written is gone. The next start reads everything
/// before it sends, what the journal holds for never sent included.
#[tokio::test]
async fn a_journal_that_lost_its_end_repeats_nothing_blindly() {
    let sim = simulator(LEADS + 200, &["latency=5..15ms"]).await;
    let mut lost = 0;
    for (kill_after, part_left) in [(12, 0.95), (40, 0.8), (60, 0.6), (90, 0.9)] {
        begin_anew(&sim);
        let folder = tempfile::tempdir().unwrap();
        let begin = sim.log().last();
        kill_one(&sim, folder.path(), kill_after, begin).await;
        let log = folder.path().join(format!("{}-wal", switchboard::journal::FILE_NAME));
        let whole = std::fs::read(&log).unwrap();
        // What the operation began with was synced long before; no disk loses that and keeps what came later.
        let mut left = (whole.len() as f64 * part_left) as usize;
        loop {
            std::fs::write(&log, &whole[..left]).unwrap();
            if Journal::open(folder.path()).unwrap().count().unwrap() == 1 {
                break;
            }
            left += (whole.len() - left) / 2;
        }
        let engine = engine(&sim.profile, SETTINGS, folder.path());
        let operation = engine.journal().interrupted().unwrap().pop().expect("it was cut off");
        let known = operation.tally.total() - operation.tally.planned;
        lost += usize::from(known < writes(&sim, begin));
        let report = engine.resume(&operation.id, false, Watch::none(), StopToken::new()).await.unwrap();
        let tally = report.summary.tally;
        assert_eq!(tally.planned + tally.sent + tally.unknown + tally.not_sent, 0, "{tally:?}");
        let worked = Worked::since(&sim, &operation.id, begin);
        invariants::hold(&sim, engine.journal(), &[worked], Journaled::Torn);
        for item in items(&engine, &operation.id) {
            let there = invariants::is_holder(&sim.holder(item.target.as_str()).unwrap(), &item.wrote);
            assert!(there || item.state == ItemState::Failed, "{} is {}", item.target, item.state);
        }
    }
    assert!(lost > 0, "nothing of what was sent was missing in a journal");
}

/// A disk that is full in the middle of a commit: nothing more leaves, and what did is in the journal.
#[tokio::test]
async fn a_disk_that_is_full_at_any_byte_lets_nothing_out_unwritten() {
    let sim = simulator(LEADS + 200, &["latency=5..15ms"]).await;
    let mut cut = 0;
    for room in [40_000, 130_001, 280_000, 333_333, 420_000_u64] {
        begin_anew(&sim);
        let folder = tempfile::tempdir().unwrap();
        let begin = sim.log().last();
        let mut victim = victim_of(&sim, folder.path());
        let told = tokio::task::spawn_blocking(move || victim.env(ROOM, room.to_string()).output().unwrap());
        let told = String::from_utf8_lossy(&told.await.unwrap().stdout).into_owned();
        let ended = told.lines().find_map(|line| line.split_once("ended: ")).unwrap_or_else(|| panic!("{told}")).1;
        let engine = engine(&sim.profile, SETTINGS, folder.path());
        assert_eq!(engine.journal().verify().unwrap(), Vec::<String>::new());
        let Some(operation) = engine.journal().operations(0, 9).unwrap().pop() else {
            assert!(ended.contains("nothing was sent"), "{room}: {ended}");
            assert_eq!(writes(&sim, begin), 0, "nothing leaves before the journal knows of it");
            continue;
        };
        if ended != "well" {
            assert!(ended.contains("full or faulty") || ended.contains("disk is full"), "{room}: {ended}");
            cut += 1;
        }
        let known = operation.tally.total() - operation.tally.planned - operation.tally.not_sent;
        assert!(known >= writes(&sim, begin), "{room}: {} writes, {:?}", writes(&sim, begin), operation.tally);
        let report = engine.resume(&operation.id, false, Watch::none(), StopToken::new()).await.unwrap();
        let tally = report.summary.tally;
        assert_eq!(tally.done + tally.failed, LEADS, "{tally:?}");
        check(&sim, &engine, &operation.id, begin);
    }
    assert!(cut >= 2, "only {cut} runs met the end of the disk");
}

/// Runs the victim and kills it after so many of its writes arrived.
async fn kill_one(sim: &Simulator, folder: &Path, kill_after: usize, begin: u64) {
    let mut victim = victim_of(sim, folder).spawn().unwrap();
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
