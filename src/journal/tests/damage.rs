//! Files that are cut, scrambled, locked or full: a clear answer, never a panic, and nothing thrown away unasked.

use std::fs;

use proptest::prelude::*;

use super::super::*;
use super::support::*;

/// A folder whose journal was left by a process that died: with a log beside it.
struct Wreck {
    folder: tempfile::TempDir,
    main: Vec<u8>,
    log: Vec<u8>,
}

impl Wreck {
    fn new() -> Self {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        run(&journal, &operation("op1", &assign(40)), &[0, 1, 2], ItemState::Done);
        // Half of it is in the file itself, half in the log.
        let place = &journal.shared.place;
        place.writer().unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        run(&journal, &operation("op2", &two_parts()), &[0, 1], ItemState::Unknown);
        let main = fs::read(&place.file).unwrap();
        let log = fs::read(folder.path().join(format!("{FILE_NAME}-wal"))).unwrap();
        assert!(!log.is_empty());
        Self { folder, main, log }
    }

    /// Puts these bytes there as if they had been found after a crash.
    fn leave(&self, main: Option<&[u8]>, log: Option<&[u8]>) {
        let file = self.folder.path().join(FILE_NAME);
        for (ending, bytes) in [("", main), ("-wal", log), ("-shm", None)] {
            let path = format!("{}{ending}", file.display());
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }
    }

    fn open(&self) -> Result<Journal, JournalError> {
        Journal::open(self.folder.path())
    }
}

/// Asks and writes everything there is; errors are fine, panics are not.
fn use_everything(journal: &Journal) {
    let _ = journal.verify();
    let _ = journal.count();
    let _ = journal.interrupted();
    let _ = journal.newest_undoable(false);
    for operation in journal.operations(0, 10).unwrap_or_default() {
        let _ = journal.items(&operation.id, 0, 100);
        let _ = journal.undoable_items(&operation.id);
        let _ = journal.find(operation.id.as_str());
        if let Ok(hold) = journal.hold(&operation.id) {
            let _ = journal.record(&hold, at(9), &to(&[3], ItemState::Sent));
        }
    }
    let _ = journal.lead_events(&LeadKey { profile: "sales".into(), id: "l0".into() }, 9);
    let _ = journal.begin(&operation("op3", &assign(2)));
    let _ = journal.rebuild();
}

#[test]
fn a_whole_wreck_gives_everything_back() {
    let wreck = Wreck::new();
    wreck.leave(Some(&wreck.main), Some(&wreck.log));
    let journal = wreck.open().unwrap();
    assert_eq!(journal.count().unwrap(), 2);
    assert_eq!(journal.operation(&"op2".into()).unwrap().tally.unknown, 2);
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_torn_log_loses_its_torn_end_and_nothing_before() {
    let wreck = Wreck::new();
    let mut counts = Vec::new();
    for cut in 0..8 {
        let length = wreck.log.len() - wreck.log.len() * cut / 8;
        wreck.leave(Some(&wreck.main), Some(&wreck.log[..length.saturating_sub(cut)]));
        let journal = wreck.open().unwrap();
        assert_eq!(journal.verify().unwrap(), Vec::<String>::new(), "cut {cut}");
        assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 3);
        counts.push(journal.count().unwrap());
        use_everything(&journal);
    }
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
}

#[test]
fn an_empty_or_lost_or_foreign_file_is_damage_and_not_a_fresh_start() {
    let wreck = Wreck::new();
    let foreign = {
        let folder = folder();
        let path = folder.path().join("other.sqlite3");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        fs::read(path).unwrap()
    };
    let text = b"this is a letter to my aunt, and not a journal at all".as_slice();
    let log = Some(wreck.log.as_slice());
    for (words, main, log) in [
        ("it is empty", Some(b"".as_slice()), log),
        ("it is empty", Some(b""), None),
        ("the file itself is missing", None, log),
        ("it is not a journal", Some(text), None),
        ("something else", Some(&foreign), None),
    ] {
        wreck.leave(main, log);
        let error = wreck.open().err().unwrap_or_else(|| panic!("{words}"));
        assert!(matches!(&error, JournalError::Damaged { why, .. } if why.contains(words)), "{error}");
        let left = fs::read(wreck.folder.path().join(FILE_NAME)).ok();
        assert!(left.as_deref() == main, "{words}: it stays as it was");
    }
}

#[test]
fn a_damaged_journal_is_put_aside_with_its_log_only_when_asked() {
    let wreck = Wreck::new();
    wreck.leave(Some(b""), Some(&wreck.log));
    assert!(wreck.open().is_err());
    let when: Timestamp = "2026-11-20T18:18:05Z".parse().unwrap();
    let aside = Journal::put_aside(wreck.folder.path(), when).unwrap();
    assert_eq!(aside.file_name().unwrap(), "journal-damaged-20261120-181805.sqlite3");
    let log = fs::read(format!("{}-wal", aside.display())).unwrap();
    assert!(log == wreck.log);
    let journal = wreck.open().unwrap();
    assert_eq!(journal.count().unwrap(), 0);
    drop(journal);
    // A second one in the same second does not replace the first.
    wreck.leave(Some(b""), None);
    assert_ne!(Journal::put_aside(wreck.folder.path(), when).unwrap(), aside);
}

#[test]
fn a_full_disk_is_said_and_keeps_what_was_there() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(10))).unwrap();
    journal.leave_pages(Some(2));
    let error = journal.begin(&operation("op2", &assign(5_000))).unwrap_err();
    assert!(error.to_string().ends_with("could not be written: the disk is full"), "{error}");
    let filling = (0..).map(|turn| journal.begin(&operation(&format!("fill{turn}"), &assign(20))).map(drop));
    let error = filling.take(1000).find_map(Result::err).unwrap();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(matches!(journal.operation(&"op2".into()), Err(JournalError::NoSuchOperation(_))));
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
    journal.leave_pages(None);
    journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap();
    drop(journal.begin(&operation("op2", &assign(5_000))).unwrap());
    assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_lock_that_stays_is_said() {
    let folder = folder();
    let journal = Journal::open(folder.path()).unwrap();
    let hold = journal.begin(&operation("op1", &assign(1))).unwrap();
    let orders = journal.shared.orders.as_ref().unwrap();
    orders.send(writer::Order::Impatient).unwrap();
    let other = journal.shared.place.writer().unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap_err();
    assert!(error.to_string().ends_with("could not be written: another program keeps it locked"), "{error}");
    // Readers do not wait for writers.
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.planned, 1);
    other.execute_batch("COMMIT").unwrap();
    journal.record(&hold, at(1), &to(&[0], ItemState::Sent)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_is_said() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for place in [file.clone(), file.join("below")] {
        let error = Journal::open(&place).err().unwrap();
        assert!(matches!(&error, JournalError::Storage { doing: "created", .. }), "{error}");
    }
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    let error = Journal::open(folder.path()).err().unwrap();
    assert!(matches!(&error, JournalError::Storage { doing: "opened", .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cuts_at_any_length_never_panic(main_cut in 0usize..1000, log_cut in 0usize..1000) {
        let wreck = Wreck::new();
        let part = |bytes: &[u8], cut: usize| bytes[..bytes.len() * cut / 1000].to_vec();
        wreck.leave(Some(&part(&wreck.main, main_cut)), Some(&part(&wreck.log, log_cut)));
        if let Ok(journal) = wreck.open() {
            use_everything(&journal);
        }
    }

    #[test]
    fn scrambled_bytes_never_panic(
        spots in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..60),
    ) {
        let mut wreck = Wreck::new();
        for (spot, byte, in_log) in spots {
            let bytes = if in_log { &mut wreck.log } else { &mut wreck.main };
            let at = spot.index(bytes.len());
            bytes[at] = byte;
        }
        wreck.leave(Some(&wreck.main), Some(&wreck.log));
        if let Ok(journal) = wreck.open() {
            use_everything(&journal);
        }
    }
}
