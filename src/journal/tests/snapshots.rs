//! Snapshots of mappings.

use super::super::{Journal, JournalError, NewSnapshot, schema};
use super::support::*;
use crate::domain::PersonId;
use crate::domain::matrix::{ListSet, Sets};

fn list(lead: &str, agents: Option<&[&str]>) -> ListSet {
    ListSet {
        campaign_id: "7".to_owned(),
        campaign_name: "Winter".into(),
        lead_id: lead.to_owned(),
        lead_name: format!("List {lead}").as_str().into(),
        agents: agents.map(|agents| agents.iter().map(PersonId::new).collect()),
    }
}

pub fn sets(lists: &[(&str, Option<&[&str]>)]) -> Sets {
    Sets { lists: lists.iter().map(|(lead, agents)| (format!("7:{lead}").into(), list(lead, *agents))).collect() }
}

pub fn snapshot(name: &str, sets: Sets) -> NewSnapshot {
    NewSnapshot {
        name: name.into(),
        at: at(0),
        who: "ann@desk".into(),
        profile: "center".into(),
        base_url: "https://cms.example".to_owned(),
        before: None,
        sets,
    }
}

#[test]
fn a_snapshot_comes_back_whole_and_the_newest_of_a_name_is_meant() {
    let folder = folder();
    let early = sets(&[("1", Some(&["ann", "bob"])), ("2", Some(&[])), ("3", None)]);
    let late = sets(&[("1", Some(&["bob"]))]);
    {
        let journal = Journal::open(folder.path()).unwrap();
        let info = journal.keep_snapshot(&snapshot("morning", early.clone())).unwrap();
        assert_eq!((info.number, info.campaigns, info.lists, info.pairs), (1, 1, 3, 2));
        let before = NewSnapshot { before: Some("op1".into()), ..snapshot("before op1", late.clone()) };
        assert_eq!(journal.keep_snapshot(&before).unwrap().before, Some("op1".into()));
        journal.keep_snapshot(&snapshot("morning", late.clone())).unwrap();
        journal.keep_snapshot(&NewSnapshot { profile: "other".into(), ..snapshot("morning", early.clone()) }).unwrap();
    }
    let journal = Journal::open(folder.path()).unwrap();
    let center = "center".into();
    let names: Vec<_> = journal.snapshots(&center).unwrap().iter().map(|info| info.name.to_string()).collect();
    assert_eq!(names, ["morning", "before op1", "morning"]);
    let newest = journal.snapshot(&center, "morning").unwrap();
    assert_eq!((newest.info.number, newest.sets), (3, late));
    assert_eq!(journal.snapshot(&center, "#1").unwrap().sets, early);
    for name in ["evening", "#4", "#9", "#x", ""] {
        assert_eq!(
            journal.snapshot(&center, name).unwrap_err(),
            JournalError::NoSuchSnapshot("center".into(), name.into()),
            "{name}"
        );
    }
    assert_eq!(journal.verify().unwrap(), [""; 0]);
}

#[test]
fn a_journal_of_an_older_format_gets_its_tables_of_snapshots() {
    let folder = folder();
    {
        let journal = Journal::open(folder.path()).unwrap();
        run(&journal, &operation("op1", &assign(2)), &[0, 1], crate::domain::ItemState::Done);
    }
    // Back to what the second format had.
    let file = rusqlite::Connection::open(folder.path().join(super::FILE_NAME)).unwrap();
    file.execute_batch(TO_THE_THIRD_FORMAT).unwrap();
    file.execute_batch("DROP TABLE snapshot_lists; DROP TABLE snapshots; PRAGMA user_version = 2;").unwrap();
    drop(file);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.operation(&"op1".into()).unwrap().tally.done, 2);
    journal.keep_snapshot(&snapshot("morning", sets(&[("1", Some(&["ann"]))]))).unwrap();
    let file = rusqlite::Connection::open(folder.path().join(super::FILE_NAME)).unwrap();
    assert_eq!(schema::format_of(&file).unwrap(), schema::FORMAT);
    assert!(file.execute("DELETE FROM snapshots", []).is_err(), "append-only from the first day");
}
