//! The journal as its callers see it.

mod damage;
mod histories;
mod snapshots;
pub(super) mod support;

use std::os::unix::fs::PermissionsExt;

use self::support::*;
use super::*;
use crate::domain::VendorKind;
use crate::domain::history::OperationLife;

#[test]
fn an_operation_is_there_with_all_its_items_after_begin() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let plan = two_parts();
    let hold = journal.begin(&operation("op1", &plan)).unwrap();
    let found = journal.operation(&"op1".into()).unwrap();
    assert_eq!(found.tally, Tally { planned: 3, skipped: 1, ..Tally::default() });
    assert_eq!(found.life, OperationLife::Running);
    assert_eq!(found.parts, parts(&plan));
    assert_eq!(found.note, Some("a note".into()));
    drop(hold);
    let items = journal.items(&"op1".into(), 0, 10).unwrap();
    let shown: Vec<_> = items.iter().map(|item| (item.seq, item.profile.as_str(), item.target.as_str())).collect();
    assert_eq!(shown, [(0, "sales", "l0"), (1, "sales", "l1"), (2, "center", "c:1"), (3, "sales", "l9")]);
    assert_eq!(items[0].was, owner("ann"));
    assert_eq!(items[0].wrote, owner("bob"));
    assert_eq!(items[2].wrote, Assignment::agents(["u1", "u2"]));
    assert_eq!(items[2].part, 1);
    assert_eq!(items[3].reason, Some("already there".into()));
    assert_eq!(journal.items(&"op1".into(), 2, 1).unwrap(), items[2..3]);
    assert_eq!(journal.items(&"op1".into(), 9, 5).unwrap(), []);
    assert_eq!(journal.operation(&"op1".into()).unwrap().life, OperationLife::Interrupted);
}

#[test]
fn moves_are_kept_over_closing_and_the_newest_counts() {
    let folder = folder();
    {
        let journal = Journal::open(folder.path()).unwrap();
        let hold = journal.begin(&operation("op1", &assign(4))).unwrap();
        journal.record(&hold, at(1), &to(&[0, 1, 2], ItemState::Sent)).unwrap();
        journal.record(&hold, at(2), &to(&[0], ItemState::Done)).unwrap();
        let unknown = Move { reason: Some("no answer".into()), ..Move::to(1, ItemState::Unknown) };
        let failed = Move { now: Some(owner("zoe")), ..Move::to(2, ItemState::Failed) };
        journal.record(&hold, at(3), &[unknown, failed]).unwrap();
    }
    let journal = Journal::open(folder.path()).unwrap();
    let items = journal.items(&"op1".into(), 0, 10).unwrap();
    let states: Vec<_> = items.iter().map(|item| item.state).collect();
    assert_eq!(states, [ItemState::Done, ItemState::Unknown, ItemState::Failed, ItemState::Planned]);
    assert_eq!(items[1].reason, Some("no answer".into()));
    assert_eq!(items[2].now, Some(owner("zoe")));
    assert_eq!(journal.last_sent(&"op1".into()).unwrap(), Some(at(1)));
    let tally = journal.operation(&"op1".into()).unwrap().tally;
    assert_eq!(tally, Tally { done: 1, unknown: 1, failed: 1, planned: 1, ..Tally::default() });
    assert_eq!(journal.items_in(&"op1".into(), &[ItemState::Unknown, ItemState::Planned], 1, 5).unwrap(), items[3..]);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn one_illegal_move_refuses_the_whole_batch() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(3))).unwrap();
    let batch = [Move::to(0, ItemState::Sent), Move::to(1, ItemState::Done)];
    let refused = journal.record(&hold, at(1), &batch).unwrap_err();
    assert_eq!(
        refused,
        JournalError::IllegalMove { operation: "op1".into(), seq: 1, from: ItemState::Planned, to: ItemState::Done }
    );
    assert!(matches!(journal.record(&hold, at(1), &to(&[0, 3], ItemState::Sent)), Err(JournalError::Refused(_))));
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.planned, 3);
    // Several moves of one item in one batch follow each other.
    journal.record(&hold, at(1), &[Move::to(0, ItemState::Sent), Move::to(0, ItemState::Done)]).unwrap();
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 1);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn an_item_that_stays_unknown_for_another_reason_is_counted_once() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(2))).unwrap();
    let unknown = |why: &str| Move { reason: Some(why.into()), ..Move::to(0, ItemState::Unknown) };
    journal.record(&hold, at(1), &[Move::to(0, ItemState::Sent), unknown("cut off")]).unwrap();
    journal.record(&hold, at(2), &[unknown("still no answer")]).unwrap();
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally, Tally { planned: 1, unknown: 1, ..Tally::default() });
    assert_eq!(journal.items(&"op1".into(), 0, 1).unwrap()[0].reason, Some("still no answer".into()));
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn rows_written_once_cannot_be_changed_or_deleted() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &two_parts())).unwrap();
    drop(hold);
    let plan = assign(1);
    let undo = taking_back(vec![(0, "op1".into(), 0)], operation("op2", &plan));
    let hold = journal.begin(&undo).unwrap();
    let reasoned = Move { reason: Some("why".into()), ..Move::to(0, ItemState::NotSent) };
    journal.record(&hold, at(1), &[reasoned]).unwrap();
    journal.give_up(&hold, at(2), &"ann@desk".into(), &"enough".into()).unwrap();
    journal.keep_snapshot(&snapshots::snapshot("morning", snapshots::sets(&[("1", Some(&["ann"]))]))).unwrap();
    let other = journal.shared.place.writer().unwrap();
    for table in schema::WRITTEN_ONCE {
        let column: String =
            other.query_row(&format!("SELECT name FROM pragma_table_info('{table}')"), [], |row| row.get(0)).unwrap();
        for sql in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET {column} = {column}")] {
            let refused = other.execute_batch(&sql).unwrap_err().to_string();
            assert!(refused.contains("append-only"), "{sql}: {refused}");
        }
    }
}

#[test]
fn undo_takes_items_back_and_redo_takes_the_undo_back() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let (first, undo, redo): (OperationId, OperationId, OperationId) = ("op1".into(), "op2".into(), "op3".into());
    run(&journal, &operation("op1", &assign(4)), &[0, 1, 2], ItemState::Done);
    assert_eq!(seqs(&journal.undoable_items(&first).unwrap()), [0, 1, 2]);
    assert_eq!(journal.newest_undoable(false).unwrap().unwrap().id, first);
    assert_eq!(journal.newest_undoable(true).unwrap(), None);

    let (two, one) = (assign(2), assign(1));
    let taking = taking_back(
        vec![(0, first.clone(), 0), (1, first.clone(), 2)],
        NewOperation { kind: OperationKind::Undo, reverts: Some(first.clone()), ..operation("op2", &two) },
    );
    run(&journal, &taking, &[1], ItemState::Done);
    assert_eq!(seqs(&journal.undoable_items(&first).unwrap()), [0, 1]);
    let summary = journal.operation(&first).unwrap();
    assert_eq!((summary.tally.done, summary.undoable), (3, 2));
    assert_eq!(journal.operation(&undo).unwrap().reverts, Some(first.clone()));
    assert_eq!(journal.newest_undoable(true).unwrap().unwrap().id, undo);
    assert_eq!(journal.newest_undoable(false).unwrap().unwrap().id, first);

    let again = taking_back(
        vec![(0, undo.clone(), 1)],
        NewOperation { kind: OperationKind::Redo, reverts: Some(undo.clone()), ..operation("op3", &one) },
    );
    run(&journal, &again, &[0], ItemState::Done);
    assert_eq!(journal.newest_undoable(true).unwrap(), None);
    assert_eq!(journal.newest_undoable(false).unwrap().unwrap().id, redo);
    assert_eq!(seqs(&journal.undoable_items(&first).unwrap()), [0, 1], "what was taken back stays taken back");
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn an_item_that_proves_done_after_its_undo_is_taken_back_all_the_same() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(1))).unwrap();
    journal.record(&hold, at(1), &[Move::to(0, ItemState::Sent), Move::to(0, ItemState::Unknown)]).unwrap();
    let plan = assign(1);
    let taking =
        taking_back(vec![(0, "op1".into(), 0)], NewOperation { kind: OperationKind::Undo, ..operation("op2", &plan) });
    run(&journal, &taking, &[0], ItemState::Done);
    journal.record(&hold, at(2), &to(&[0], ItemState::Done)).unwrap();
    assert_eq!(journal.operation(&"op1".into()).unwrap().undoable, 0);
    assert_eq!(journal.undoable_items(&"op1".into()).unwrap(), []);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

/// A list that should have got u2 and u3: it got u2 before the answer was lost.
fn half_a_mapping(journal: &Journal, id: &str) {
    let mapping = change("c:1", Assignment::agents(["u1"]), Assignment::agents(["u1", "u2", "u3"]));
    let plan = plan(vec![part("center", vec![mapping])]);
    let hold = journal.begin(&operation(id, &plan)).unwrap();
    journal.record(&hold, at(1), &[Move::to(0, ItemState::Sent), Move::to(0, ItemState::Unknown)]).unwrap();
    let now = Some(Assignment::agents(["u1", "u2", "u9"]));
    journal.record(&hold, at(2), &[Move { now, ..Move::to(0, ItemState::Failed) }]).unwrap();
}

#[test]
fn what_was_applied_in_part_is_taken_back_like_what_is_done() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    half_a_mapping(&journal, "op1");
    // Read back as it was before: nothing to take back.
    let none = change("c:2", Assignment::agents(["u1"]), Assignment::agents(["u2"]));
    let none = plan(vec![part("center", vec![none])]);
    let hold = journal.begin(&operation("op2", &none)).unwrap();
    let now = Some(Assignment::agents(["u1", "u9"]));
    let moves = [Move::to(0, ItemState::Sent), Move { now, ..Move::to(0, ItemState::Failed) }];
    journal.record(&hold, at(1), &moves).unwrap();
    let newest = journal.newest_undoable(false).unwrap().unwrap();
    assert_eq!((newest.id.as_str(), newest.undoable, newest.tally.failed), ("op1", 1, 1));
    assert_eq!(journal.undoable_items(&"op1".into()).unwrap()[0].wrote, Assignment::agents(["u1", "u2"]));
    assert_eq!(journal.undoable_items(&"op2".into()).unwrap(), []);

    let plan = assign(1);
    let taking =
        taking_back(vec![(0, "op1".into(), 0)], NewOperation { kind: OperationKind::Undo, ..operation("op3", &plan) });
    run(&journal, &taking, &[0], ItemState::Done);
    assert_eq!(journal.newest_undoable(false).unwrap(), None);
    assert_eq!(journal.undoable_items(&"op1".into()).unwrap(), []);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
    let before = journal.operations(0, 9).unwrap();
    journal.rebuild().unwrap();
    assert_eq!((journal.verify().unwrap(), journal.operations(0, 9).unwrap()), (vec![], before));
}

/// Leads of whom the first has an owner whom nobody knows.
fn nobody_knows(leads: usize) -> Plan {
    let before = |n| if n == 0 { Assignment::Unknown } else { owner("ann") };
    plan(vec![part("sales", (0..leads).map(|n| change(&format!("l{n}"), before(n), owner("bob"))).collect())])
}

#[test]
fn what_has_no_way_back_is_counted_apart_until_it_was_forced() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let counts = |id: &str| {
        let told = journal.operation(&id.into()).unwrap();
        (told.undoable, told.no_way_back, told.taken_back, told.standing())
    };
    let hold = journal.begin(&operation("op1", &nobody_knows(4))).unwrap();
    journal.record(&hold, at(1), &to(&[0, 1, 2], ItemState::Sent)).unwrap();
    journal.record(&hold, at(2), &to(&[0, 1], ItemState::Done)).unwrap();
    journal.record(&hold, at(2), &to(&[2], ItemState::Failed)).unwrap();
    assert_eq!(counts("op1"), (1, 1, 0, 2));
    // It is looked at all the same: an undo tells why it stays.
    assert_eq!(seqs(&journal.undoable_items(&"op1".into()).unwrap()), [0, 1]);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());

    let (plan, back) = (assign(2), vec![(0, "op1".into(), 1), (1, "op1".into(), 0)]);
    let undo = taking_back(back, NewOperation { kind: OperationKind::Undo, ..operation("op2", &plan) });
    run(&journal, &undo, &[0], ItemState::Done);
    assert_eq!(counts("op1"), (0, 1, 1, 1));
    let hold = journal.hold(&"op2".into()).unwrap();
    journal.record(&hold, at(3), &to(&[1], ItemState::Sent)).unwrap();
    journal.record(&hold, at(4), &to(&[1], ItemState::Done)).unwrap();
    assert_eq!((counts("op1"), counts("op2")), ((0, 0, 2, 0), (2, 0, 0, 2)));
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
    drop(hold);
    let before = journal.operations(0, 9).unwrap();
    journal.rebuild().unwrap();
    assert_eq!((journal.verify().unwrap(), journal.operations(0, 9).unwrap()), (vec![], before));
}

#[test]
fn two_never_hold_the_same_operation() {
    let folder = folder();
    let (one, two) = (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
    let hold = one.begin(&operation("op1", &assign(2))).unwrap();
    for journal in [&one, &two] {
        let refused = journal.hold(&"op1".into()).unwrap_err();
        assert!(matches!(refused, JournalError::Held { pid, .. } if pid == std::process::id()), "{refused}");
    }
    assert_eq!(two.interrupted().unwrap(), []);
    drop(hold);
    assert_eq!(two.interrupted().unwrap().len(), 1);
    let hold = two.hold(&"op1".into()).unwrap();
    two.record(&hold, at(1), &to(&[0, 1], ItemState::NotSent)).unwrap();
    assert!(one.hold(&"op1".into()).is_err());
    drop(hold);
    drop(one.hold(&"op1".into()).unwrap());
    assert_eq!(one.interrupted().unwrap(), []);
    assert!(matches!(one.hold(&"op9".into()), Err(JournalError::NoSuchOperation(_))));
}

#[test]
fn a_hold_of_a_dead_process_is_free_and_one_elsewhere_only_after_a_long_silence() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(1))).unwrap();
    let other = journal.shared.place.writer().unwrap();
    let me = process::Process::this();
    let now = Timestamp::now().as_microsecond();
    let pretend = |host: &str, pid: u32, started: Option<i64>, seen: i64| {
        let sql = "UPDATE holds SET token = 1, host = ?1, pid = ?2, started = ?3, seen = ?4";
        other.execute(sql, (host, pid, started, seen)).unwrap();
    };
    pretend("elsewhere", 7, Some(1), now - 14 * 60 * 1_000_000);
    let refused = journal.hold(&"op1".into()).unwrap_err();
    assert_eq!(refused, JournalError::Held { operation: "op1".into(), pid: 7, host: "elsewhere".into() });
    assert_eq!(journal.operation(&"op1".into()).unwrap().life, OperationLife::Running);
    // Whoever lost the hold cannot record under it.
    assert_eq!(journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap_err(), refused);
    pretend("elsewhere", 7, Some(1), now - 16 * 60 * 1_000_000);
    assert_eq!(journal.operation(&"op1".into()).unwrap().life, OperationLife::Interrupted);
    let lost = journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap_err();
    assert_eq!(lost, JournalError::HoldLost { operation: "op1".into() });
    drop(journal.hold(&"op1".into()).unwrap());
    if let Some(started) = me.started {
        let again = journal.hold(&"op1".into()).unwrap();
        pretend(&me.host, me.pid, Some(started - 1), now);
        drop(journal.hold(&"op1".into()).unwrap());
        drop(again);
    }
}

#[test]
fn operations_are_found_by_id_or_its_beginning() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    for id in ["abc1", "abc2", "abd", "ab%", "abc"] {
        drop(journal.begin(&operation(id, &assign(0))).unwrap());
    }
    assert_eq!(journal.find("abd").unwrap().id, "abd".into());
    assert_eq!(journal.find("abc").unwrap().id, "abc".into(), "an exact id fits only itself");
    assert_eq!(journal.find("ab%").unwrap().id, "ab%".into());
    assert!(matches!(journal.find("a%"), Err(JournalError::NoSuchOperation(_))));
    assert!(matches!(journal.find(""), Err(JournalError::NoSuchOperation(_))));
    let Err(JournalError::Ambiguous(text, fits)) = journal.find("ab") else { panic!() };
    assert_eq!((text.as_str(), fits.as_str()), ("ab", "abc, ab%, abd, abc2, abc1"));
    assert!(matches!(journal.begin(&operation("abd", &assign(0))), Err(JournalError::Refused(_))));
    assert_eq!(journal.count().unwrap(), 5);
    let newest: Vec<_> = journal.operations(1, 2).unwrap().into_iter().map(|found| found.id).collect();
    assert_eq!(newest, ["ab%".into(), "abd".into()]);
}

#[test]
fn history_is_filtered() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    drop(journal.begin(&operation("both", &two_parts())).unwrap());
    let plan = assign(2);
    let by_joann = NewOperation { who: "joann@desk".into(), at: at(100), ..operation("joann", &plan) };
    run(&journal, &by_joann, &[0], ItemState::Failed);
    let ids = |filter: HistoryFilter| {
        let found = journal.operations_where(&filter, 0, 10).unwrap();
        assert_eq!(journal.count_where(&filter).unwrap(), found.len());
        found.iter().map(|found| found.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let all = HistoryFilter::default;
    assert_eq!(ids(all()), "joann both");
    assert_eq!(ids(HistoryFilter { who: Some("ann".into()), ..all() }), "both");
    assert_eq!(ids(HistoryFilter { who: Some("JoAnn@desk".into()), ..all() }), "joann");
    assert_eq!(ids(HistoryFilter { owner: Some("u2".into()), ..all() }), "both");
    assert_eq!(ids(HistoryFilter { owner: Some("the bob".into()), ..all() }), "joann both");
    assert_eq!(ids(HistoryFilter { lead: Some("l9".into()), ..all() }), "both");
    assert_eq!(ids(HistoryFilter { profile: Some("center".into()), ..all() }), "both");
    assert_eq!(ids(HistoryFilter { vendor: Some(VendorKind::Kenbun), ..all() }), "joann both");
    assert_eq!(ids(HistoryFilter { vendor: Some(VendorKind::Capillary), ..all() }), "");
    assert_eq!(ids(HistoryFilter { states: vec![ItemState::Failed, ItemState::Unknown], ..all() }), "joann");
    assert_eq!(ids(HistoryFilter { kinds: vec![OperationKind::Undo], ..all() }), "");
    assert_eq!(ids(HistoryFilter { since: Some(at(100)), ..all() }), "joann");
    assert_eq!(ids(HistoryFilter { until: Some(at(100)), ..all() }), "both");
}

#[test]
fn a_lead_tells_its_story_and_its_last_known_owner() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let lead = LeadKey { profile: "sales".into(), id: "l0".into() };
    assert_eq!(journal.last_known_owner(&lead).unwrap(), None);
    run(&journal, &operation("op1", &assign(2)), &[0, 1], ItemState::Done);
    assert_eq!(journal.last_known_owner(&lead).unwrap(), Some(owner("bob")));
    run(&journal, &operation("op2", &assign(1)), &[0], ItemState::Failed);
    assert_eq!(journal.last_known_owner(&lead).unwrap(), Some(owner("bob")), "a failed write changed nothing");
    run(&journal, &operation("op3", &assign(1)), &[0], ItemState::Unknown);
    assert_eq!(journal.last_known_owner(&lead).unwrap(), None, "a write with an open outcome may have");
    let events = journal.lead_events(&lead, 2).unwrap();
    let story: Vec<_> = events.iter().map(|event| (event.operation.as_str(), event.state)).collect();
    assert_eq!(story, [("op3", ItemState::Unknown), ("op2", ItemState::Failed)]);
    assert_eq!(events[0].at, at(3));
    let elsewhere = LeadKey { profile: "center".into(), ..lead };
    assert_eq!(journal.lead_events(&elsewhere, 9).unwrap(), []);
}

#[test]
fn folder_and_files_are_private() {
    let parent = folder();
    let folder = parent.path().join("data/switchboard");
    let journal = Journal::open(&folder).unwrap();
    drop(journal.begin(&operation("op1", &assign(1))).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        assert_eq!(mode(&name), 0o600, "{name:?}");
    }
    drop(journal);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE_NAME], "nothing else stays");
}

#[tokio::test]
async fn many_workers_share_commits_and_each_is_answered() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(200))).unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for seq in 0..200 {
        let moves = vec![Move::to(seq, ItemState::Sent), Move::to(seq, ItemState::Done)];
        waiting.spawn(journal.record_async(&hold, at(1), moves));
    }
    // A neighbour's illegal move harms nobody else.
    let illegal = journal.record_async(&hold, at(1), vec![Move::to(0, ItemState::Sent)]).await;
    assert!(matches!(illegal, Err(JournalError::IllegalMove { .. })));
    while let Some(outcome) = waiting.join_next().await {
        outcome.unwrap().unwrap();
    }
    // A dropped future takes nothing back.
    drop(journal.record_async(&hold, at(2), vec![]));
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 200);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn tasks_of_one_commit_see_what_the_ones_before_them_did() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let plan = assign(50);
    let hold = journal.begin(&operation("op1", &plan)).unwrap();
    let undo = taking_back(
        (0..50).map(|seq| (seq, "op1".into(), seq)),
        NewOperation { kind: OperationKind::Undo, ..operation("op2", &plan) },
    );
    let undo = journal.begin(&undo).unwrap();
    let mut waiting = Vec::new();
    for seq in 0..50 {
        for (hold, state) in [
            (&hold, ItemState::Sent),
            (&undo, ItemState::Sent),
            (&undo, ItemState::Done),
            (&undo, ItemState::Done),
            (&hold, ItemState::Done),
        ] {
            waiting.push(journal.record_async(hold, at(1), vec![Move::to(seq, state)]));
        }
    }
    let mut refused = 0;
    for outcome in waiting {
        refused += usize::from(outcome.await.is_err());
    }
    assert_eq!(refused, 50, "done twice");
    let [undo, first] = journal.operations(0, 2).unwrap().try_into().unwrap();
    assert_eq!((undo.tally.done, undo.undoable), (50, 50));
    assert_eq!((first.tally.done, first.undoable), (50, 0));
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn the_rollback_journal_does_the_same_on_network_folders() {
    let folder = folder();
    let journal = Journal::open_as(folder.path(), Some(LogMode::Rollback)).unwrap();
    run(&journal, &operation("op1", &assign(3)), &[0, 1], ItemState::Done);
    assert!(!folder.path().join(format!("{FILE_NAME}-wal")).exists());
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 2);
    drop(journal);
    // The folder moves to a local disk and back.
    let journal = Journal::open_as(folder.path(), Some(LogMode::Wal)).unwrap();
    run(&journal, &operation("op2", &assign(3)), &[0], ItemState::Done);
    assert!(folder.path().join(format!("{FILE_NAME}-wal")).exists());
    drop(journal);
    let journal = Journal::open_as(folder.path(), Some(LogMode::Rollback)).unwrap();
    run(&journal, &operation("op3", &assign(3)), &[0], ItemState::Done);
    assert!(!folder.path().join(format!("{FILE_NAME}-wal")).exists());
    assert_eq!(journal.count().unwrap(), 3);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn two_share_a_journal_on_a_network_folder() {
    let folder = folder();
    let open = || Journal::open_as(folder.path(), Some(LogMode::Rollback)).unwrap();
    let journals = [open(), open()];
    let plan = assign(20);
    let holds = [0, 1].map(|n| journals[n].begin(&operation(&format!("op{n}"), &plan)).unwrap());
    for seq in 0..20 {
        for n in [0, 1] {
            journals[n].record(&holds[n], at(1), &to(&[seq], ItemState::Sent)).unwrap();
            assert_eq!(journals[1 - n].operation(holds[n].operation()).unwrap().tally.sent, seq as usize + 1);
        }
    }
    assert!(journals[0].hold(holds[1].operation()).is_err());
    assert_eq!(journals[0].verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(1))).unwrap();
    journal.shared.place.writer().unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newer = Journal::open(folder.path()).err().unwrap();
    assert!(matches!(newer, JournalError::Newer { found: 99, known: schema::FORMAT, .. }), "{newer}");
    // Also by a program that had it open when the newer one came.
    assert_eq!(journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap_err(), newer);
    assert_eq!(journal.operation(&"op1".into()).unwrap_err(), newer);
}

#[test]
fn what_is_derived_can_be_made_anew() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    run(&journal, &operation("op1", &two_parts()), &[0, 1], ItemState::Done);
    let plan = assign(1);
    let taking =
        taking_back(vec![(0, "op1".into(), 0)], NewOperation { kind: OperationKind::Undo, ..operation("op2", &plan) });
    run(&journal, &taking, &[0], ItemState::Done);
    let before = (journal.operations(0, 9).unwrap(), journal.undoable_items(&"op1".into()).unwrap());
    let other = journal.shared.place.writer().unwrap();
    let wrong = "DELETE FROM standing; UPDATE tallies SET done = 7; DELETE FROM touched; DELETE FROM reverted;";
    other.execute_batch(wrong).unwrap();
    assert_eq!(journal.verify().unwrap().len(), 4);
    journal.rebuild().unwrap();
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
    assert_eq!((journal.operations(0, 9).unwrap(), journal.undoable_items(&"op1".into()).unwrap()), before);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let plan = assign(2);
    let refused = |operation: NewOperation| journal.begin(&operation).map(drop).unwrap_err();
    for takes_back in [vec![(2, "op1".into(), 0)], vec![(0, "op2".into(), 1)]] {
        let wrong = taking_back(takes_back, operation("op2", &plan));
        assert!(matches!(refused(wrong), JournalError::Refused(_)));
    }
    let nowhere = taking_back(vec![(0, "op1".into(), 1)], operation("op2", &plan));
    assert!(matches!(refused(nowhere), JournalError::NoSuchOperation(_)));
    let partless = NewOperation { parts: Vec::new(), ..operation("op2", &plan) };
    assert!(matches!(refused(partless), JournalError::Refused(_)));
    assert_eq!(journal.count().unwrap(), 0);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn what_was_given_up_stays_so_and_is_settled_all_the_same() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(3))).unwrap();
    for state in [ItemState::Sent, ItemState::Unknown] {
        journal.record(&hold, at(1), &to(&[0], state)).unwrap();
    }
    for second in [2, 3] {
        journal.give_up(&hold, at(second), &"ann@desk".into(), &"enough".into()).unwrap();
    }
    drop(hold);
    let told = journal.operation(&"op1".into()).unwrap();
    assert_eq!((told.life, told.tally.unknown, told.tally.not_sent), (OperationLife::GivenUp, 1, 2));
    assert_eq!(journal.interrupted().unwrap(), [told]);
    let hold = journal.hold(&"op1".into()).unwrap();
    journal.record(&hold, at(4), &to(&[0], ItemState::Done)).unwrap();
    drop(hold);
    assert_eq!(journal.operation(&"op1".into()).unwrap().life, OperationLife::GivenUp);
    assert_eq!(journal.interrupted().unwrap(), []);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn many_items_move_together_or_not_at_all() {
    let folder = quick_folder();
    let journal = Journal::open(folder.path()).unwrap();
    let many = 2 * pages::ITEMS + 5;
    let hold = journal.begin(&operation("op1", &assign(many))).unwrap();
    journal.record(&hold, at(1), &to(&[3], ItemState::Sent)).unwrap();
    let open = [ItemState::Planned, ItemState::Sent];
    let tally = || journal.operation(&"op1".into()).unwrap().tally;
    let before = tally();
    // Refused as a whole, whatever the pages before had: what was sent cannot become what was not.
    let refused = journal.record_each(&hold, at(2), &open, move |item, moves| {
        let last = item.seq as usize == many - 1;
        moves.push(Move::to(item.seq, if last { ItemState::Done } else { ItemState::NotSent }));
    });
    assert!(matches!(refused, Err(JournalError::IllegalMove { seq: 3, .. })), "{refused:?}");
    assert_eq!(tally(), before);
    let refused = journal.record_each(&hold, at(2), &[ItemState::Planned], move |item, moves| {
        let last = item.seq as usize == many - 1;
        moves.push(Move::to(item.seq, if last { ItemState::Done } else { ItemState::NotSent }));
    });
    assert!(matches!(refused, Err(JournalError::IllegalMove { .. })), "{refused:?}");
    assert_eq!(tally(), before);
    // Each is met once, also where it stays among the states that were asked for.
    journal
        .record_each(&hold, at(3), &open, |item, moves| match item.state {
            ItemState::Planned => {
                moves.extend([ItemState::NotSent, ItemState::Planned].map(|to| Move::to(item.seq, to)))
            }
            _ => moves.push(Move::to(item.seq, ItemState::Unknown)),
        })
        .unwrap();
    assert_eq!((tally().planned, tally().unknown), (many - 1, 1));
    drop(hold);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_journal_of_the_first_format_is_brought_to_this_one() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    run(&journal, &operation("op1", &assign(2)), &[0], ItemState::Done);
    run(&journal, &operation("op2", &assign(2)), &[0], ItemState::Done);
    // An undo of several, which was written without their names once.
    let (one, back) = (assign(1), ["op1", "op2"].map(|id| (0, id.into(), 0)).to_vec());
    let undo = taking_back(back, NewOperation { kind: OperationKind::Undo, ..operation("op3", &one) });
    run(&journal, &undo, &[0], ItemState::Done);
    half_a_mapping(&journal, "op4");
    half_a_mapping(&journal, "op5");
    let undo =
        taking_back(vec![(0, "op5".into(), 0)], NewOperation { kind: OperationKind::Undo, ..operation("op6", &one) });
    run(&journal, &undo, &[0], ItemState::Done);
    run(&journal, &operation("op7", &nobody_knows(3)), &[0, 1], ItemState::Done);
    let before = journal.operations(0, 9).unwrap();
    let other = journal.shared.place.writer().unwrap();
    drop(journal);
    // As the program before this one left it.
    other.execute_batch(TO_THE_THIRD_FORMAT).unwrap();
    for table in schema::WRITTEN_ONCE[7..].iter().rev() {
        other.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    other.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(other);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 1);
    let undo = journal.operation(&"op3".into()).unwrap();
    assert_eq!((undo.reverts, undo.reverts_all), (Some("op2".into()), vec!["op2".into(), "op1".into()]));
    assert_eq!(journal.operations(0, 9).unwrap(), before);
    assert_eq!(before.iter().map(|operation| operation.undoable).collect::<Vec<_>>(), [1, 1, 0, 1, 1, 0, 0]);
    assert_eq!(before[0].no_way_back, 1);
    let hold = journal.hold(&"op1".into()).unwrap();
    journal.give_up(&hold, at(2), &"ann@desk".into(), &"enough".into()).unwrap();
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}
