//! The journal under kills and beside other processes.
//!
//! The other processes are this test binary again: [`child`] does nothing unless it is told what by its environment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use switchboard::domain::history::{OperationLife, OperationPart};
use switchboard::domain::{
    Assignment, Change, ItemState, OperationId, OperationKind, OwnerRef, Plan, PlanPart, Timestamp, VendorKind,
};
use switchboard::journal::{Hold, Journal, JournalError, Move, NewOperation};

const TASK: &str = "SWITCHBOARD_TEST_JOURNAL_TASK";
const FOLDER: &str = "SWITCHBOARD_TEST_JOURNAL_FOLDER";

/// In memory where that is possible: a killed process loses nothing there that it would keep on a disk, and nobody waits.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn plan(items: usize) -> Plan {
    let owner = |id: &str| Assignment::Owner(OwnerRef::with_id(id));
    let change = |n| Change {
        target: format!("l{n}").into(),
        name: "".into(),
        before: owner("ann"),
        after: owner("bob"),
        read_at: None,
        scope: "".into(),
    };
    let part = PlanPart::of("sales", VendorKind::Kenbun, (0..items).map(change).collect::<Vec<_>>());
    Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: at(0), parts: vec![part] }
}

fn begin(journal: &Journal, id: &str, items: usize) -> Result<Hold, JournalError> {
    let plan = plan(items);
    let part = OperationPart {
        profile: "sales".into(),
        vendor: VendorKind::Kenbun,
        base_url: "http://127.0.0.1".to_owned(),
        context: serde_json::Value::Null,
    };
    journal.begin(&NewOperation {
        id: id.into(),
        at: at(0),
        kind: plan.kind,
        reverts: None,
        who: "ann@desk".into(),
        note: None,
        parts: vec![part],
        plan: Arc::new(plan),
    })
}

fn spawn(task: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::child", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the spawned processes do.
#[test]
fn child() {
    let (Ok(task), Some(folder)) = (std::env::var(TASK), std::env::var_os(FOLDER)) else { return };
    let journal = Journal::open(Path::new(&folder)).unwrap();
    match task.split_once(' ').unwrap() {
        ("work", id) => work(&journal, id),
        ("begin", id) => {
            say("opened");
            let _hold = begin(&journal, id, 20_000).unwrap();
            say("begun");
        }
        ("compete", id) => compete(&journal, id),
        ("hold", id) => {
            let _hold = journal.hold(&id.into()).unwrap();
            say("held");
            std::io::stdin().lines().for_each(drop);
        }
        other => panic!("{other:?}"),
    }
}

/// Tells the parent, at once and in one write.
fn say(words: &str) {
    // The test runner has already written the beginning of a line.
    let mut out = std::io::stdout();
    out.write_all(format!("\n{words}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Says what is recorded, right after the journal says that it is.
fn work(journal: &Journal, id: &str) {
    let hold = begin(journal, id, 400).unwrap();
    say("begun");
    for seq in 0..400 {
        for state in [ItemState::Sent, if seq % 5 == 0 { ItemState::Unknown } else { ItemState::Done }] {
            journal.record(&hold, at(1), &[Move::to(seq, state)]).unwrap();
            say(&format!("recorded {seq} {state}"));
        }
    }
}

fn is_at_or_after(state: ItemState, promised: ItemState) -> bool {
    state == promised || promised == ItemState::Sent && matches!(state, ItemState::Done | ItemState::Unknown)
}

#[test]
fn what_was_recorded_survives_a_kill_at_any_moment() {
    let folder = folder();
    for round in 0..25_usize {
        let id = format!("round{round}");
        let mut child = spawn(&format!("work {id}"), folder.path());
        // Between 0 and 700 lines in, at a place that differs from round to round.
        let patience = round * round + round;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut promised: Vec<String> = Vec::new();
        while promised.len() < patience
            && let Some(line) = lines.next()
        {
            promised.extend(Some(line.unwrap()).filter(|line| line == "begun" || line.starts_with("recorded ")));
        }
        child.kill().unwrap();
        // It went on until the kill reached it. Its last line may be cut short.
        promised.extend(lines.map_while(Result::ok).filter(|line| line == "begun" || line.starts_with("recorded ")));

        // Dead but not collected: it must count as dead all the same.
        let pid = rustix::process::Pid::from_child(&child);
        let (exited, kept) = (rustix::process::WaitIdOptions::EXITED, rustix::process::WaitIdOptions::NOWAIT);
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), exited | kept).unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        check_round(&journal, &id.as_str().into(), &promised);
        child.wait().unwrap();
    }
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

fn check_round(journal: &Journal, id: &OperationId, promised: &[String]) {
    let summary = match journal.operation(id) {
        Ok(summary) => summary,
        Err(JournalError::NoSuchOperation(_)) if promised.is_empty() => return,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(summary.tally.total(), 400);
    let items = journal.items(id, 0, 400).unwrap();
    for line in promised.iter().filter(|line| *line != "begun") {
        let mut words = line.split(' ').skip(1);
        let (seq, state) = (words.next().unwrap(), words.next().unwrap_or_default());
        let (Ok(seq), Ok(state)) = (seq.parse::<usize>(), state.parse::<ItemState>()) else { continue };
        assert!(is_at_or_after(items[seq].state, state), "{id}: {line}, but it is {}", items[seq].state);
    }
    // At most one more than what was said is there.
    let moved = items.iter().map(|item| match item.state {
        ItemState::Planned => 0,
        ItemState::Sent => 1,
        _ => 2,
    });
    assert!(moved.sum::<usize>() <= promised.len() + 1);
    assert_eq!(summary.life, OperationLife::Interrupted);
    assert!(journal.interrupted().unwrap().iter().any(|found| found.id == *id));
    let hold = journal.hold(id).unwrap();
    let open = journal.items_in(id, &[ItemState::Planned], 0, 400).unwrap();
    let moves: Vec<Move> = open.iter().map(|item| Move::to(item.seq, ItemState::NotSent)).collect();
    journal.record(&hold, at(2), &moves).unwrap();
}

#[test]
fn an_operation_is_there_whole_or_not_at_all() {
    let folder = folder();
    let mut there = 0;
    for round in 0..12_u32 {
        let id = format!("round{round}");
        let mut child = spawn(&format!("begin {id}"), folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "opened"));
        // A kill somewhere in the middle of the writing, or after it.
        for _ in 0..round * round * 100 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let begun = lines.any(|line| line == "begun");
        child.wait().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        match journal.operation(&id.as_str().into()) {
            Ok(summary) => {
                there += 1;
                assert_eq!(summary.tally.planned, 20_000);
                assert_eq!(journal.items(&summary.id, 19_999, 10).unwrap().len(), 1);
            }
            Err(error) => assert!(!begun, "{error}"),
        }
        assert_eq!(journal.count().unwrap(), there);
    }
    assert_eq!(Journal::open(folder.path()).unwrap().verify().unwrap(), Vec::<String>::new());
}

/// Makes an operation of its own, and again and again takes the shared one and moves its items to and fro. Were two
/// at it at once, one would meet an illegal move.
fn compete(journal: &Journal, id: &str) {
    let own = begin(journal, id, 10).unwrap();
    let shared = OperationId::from("shared");
    let _ = begin(journal, "shared", 5);
    let mut turns = 0;
    while turns < 15 {
        let hold = match journal.hold(&shared) {
            Ok(hold) => hold,
            Err(JournalError::Held { .. }) => {
                std::thread::yield_now();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for state in [ItemState::NotSent, ItemState::Planned] {
            let moves: Vec<Move> = (0..5).map(|seq| Move::to(seq, state)).collect();
            journal.record(&hold, at(turns), &moves).unwrap();
        }
        drop(hold);
        let seq = u32::try_from(turns % 10).unwrap();
        let state = if turns < 10 { ItemState::Sent } else { ItemState::Done };
        journal.record(&own, at(turns), &[Move::to(seq, state)]).unwrap();
        turns += 1;
    }
    say("finished");
}

#[test]
fn several_processes_share_a_journal_and_never_an_operation() {
    let parent = folder();
    // The folder does not exist yet: they also compete to make it.
    let folder = parent.path().join("data");
    let mut children: Vec<Child> = (0..4).map(|n| spawn(&format!("compete own{n}"), &folder)).collect();
    for child in &mut children {
        let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success(), "{lines:#?}");
        assert!(lines.iter().any(|line| line == "finished"), "{lines:#?}");
    }
    let journal = Journal::open(&folder).unwrap();
    assert_eq!(journal.count().unwrap(), 5);
    for n in 0..4 {
        let tally = journal.operation(&format!("own{n}").into()).unwrap().tally;
        assert_eq!((tally.sent, tally.done), (5, 5));
    }
    assert_eq!(journal.operation(&"shared".into()).unwrap().tally.planned, 5);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_hold_of_another_process_ends_with_it() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    drop(begin(&journal, "op1", 3).unwrap());
    let mut command = spawn("hold op1", folder.path());
    let mut lines = BufReader::new(command.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "held"));
    let refused = journal.hold(&"op1".into()).unwrap_err();
    assert!(matches!(refused, JournalError::Held { pid, .. } if pid == command.id()), "{refused}");
    assert_eq!(journal.operation(&"op1".into()).unwrap().life, OperationLife::Running);
    assert_eq!(journal.interrupted().unwrap(), []);
    command.kill().unwrap();
    command.wait().unwrap();
    assert_eq!(journal.interrupted().unwrap().len(), 1);
    drop(journal.hold(&"op1".into()).unwrap());
}
