//! The table in columns is a list of leads.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::segment::SEGMENT_ROWS;
use super::*;
use crate::domain::testing;
use crate::domain::{Assignment, Field, LeadId, LeadRecord, OwnerRef};

#[derive(Clone, Debug)]
enum Change {
    Add(Vec<LeadRecord>),
    Assign(Vec<(LeadId, Assignment)>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => testing::leads(40).prop_map(Change::Add),
        1 => prop::collection::vec((testing::id(), testing::assignment()), 0..8).prop_map(Change::Assign),
    ]
}

/// What the table has to be the same as.
fn apply(model: &mut Vec<LeadRecord>, change: &Change) {
    match change {
        Change::Add(leads) => {
            for lead in leads {
                match model.iter_mut().find(|known| known.id == lead.id) {
                    Some(known) => *known = lead.clone(),
                    None => model.push(lead.clone()),
                }
            }
        }
        Change::Assign(changes) => {
            for (id, to) in changes {
                if let Some(known) = model.iter_mut().find(|known| known.id == *id) {
                    known.owner = to.clone();
                }
            }
        }
    }
}

fn check(table: &LeadTable, model: &[LeadRecord]) -> Result<(), TestCaseError> {
    prop_assert_eq!(table.len(), model.len());
    let mut counts: HashMap<&Assignment, usize> = HashMap::new();
    for (row, lead) in model.iter().enumerate() {
        let row = row as u32;
        prop_assert_eq!(&table.record(row), lead);
        prop_assert_eq!(table.row_of(lead.id.as_str()), Some(row));
        prop_assert_eq!(table.id(row), lead.id.clone());
        prop_assert_eq!(table.text(row, Field::Id), lead.id.to_string());
        prop_assert_eq!(table.text(row, Field::Status), lead.status.as_str());
        prop_assert_eq!(&*table.scope(row), lead.scope.as_str());
        prop_assert_eq!(table.assignment(row), &lead.owner);
        *counts.entry(&lead.owner).or_default() += 1;
    }
    prop_assert_eq!(table.row_of("no such lead"), None);
    let owners = table.owners().iter().filter(|(_, count)| *count > 0);
    prop_assert_eq!(owners.map(|(owner, count)| (owner, *count)).collect::<HashMap<_, _>>(), counts);
    Ok(())
}

proptest! {
    #[test]
    fn changes_do_to_the_table_what_they_do_to_a_list(changes in prop::collection::vec(change(), 0..8)) {
        let mut table = LeadTable::default();
        let mut model = Vec::new();
        // Older tables stay as they were while newer ones are made from them.
        let mut older = Vec::new();
        for change in &changes {
            older.push((table.clone(), model.clone()));
            table = match change {
                Change::Add(leads) => table.with_leads(leads),
                Change::Assign(changes) => table.with_assignments(changes.iter().map(|(id, to)| (id, to))),
            };
            apply(&mut model, change);
            check(&table, &model)?;
        }
        for (table, model) in older {
            check(&table, &model)?;
        }
    }

    #[test]
    fn growing_in_place_is_the_same(changes in prop::collection::vec(testing::leads(50), 0..6)) {
        let mut table = LeadTable::default();
        let mut model = Vec::new();
        for leads in changes {
            table.extend(&leads);
            apply(&mut model, &Change::Add(leads));
        }
        check(&table, &model)?;
    }
}

#[test]
fn a_changed_owner_copies_no_texts() {
    let lead = |id: usize| LeadRecord { id: format!("L{id}").into(), ..LeadRecord::default() };
    let table = LeadTable::default().with_leads(&(0..3 * SEGMENT_ROWS).map(lead).collect::<Vec<_>>());
    let to = Assignment::Owner(OwnerRef::with_id("u1"));
    let newer = table.with_assignments([(&LeadId::from("L1"), &to), (&LeadId::from("gone"), &to)]);
    for (old, new) in table.segments().iter().zip(newer.segments()) {
        assert!(std::sync::Arc::ptr_eq(&old.texts, &new.texts));
        assert!(std::sync::Arc::ptr_eq(&old.columns, &new.columns));
    }
    let shared = table.segments().iter().zip(newer.segments());
    assert_eq!(shared.filter(|(old, new)| std::sync::Arc::ptr_eq(&old.owners, &new.owners)).count(), 2);
    assert_eq!(newer.assignment(1), &to);
    assert_eq!(table.assignment(1), &Assignment::Unknown);
}

#[test]
fn the_same_leads_again_change_nothing() {
    let lead = |id: usize| LeadRecord {
        id: format!("L{id}").into(),
        name: "Zoë".into(),
        extra: json!({"city": "Bonn"}).as_object().cloned().unwrap(),
        ..LeadRecord::default()
    };
    let leads: Vec<_> = (0..SEGMENT_ROWS).map(lead).collect();
    let table = LeadTable::default().with_leads(&leads);
    let again = table.with_leads(&leads);
    assert!(std::sync::Arc::ptr_eq(&table.segments()[0].texts, &again.segments()[0].texts));
    assert!(std::sync::Arc::ptr_eq(&table.segments()[0].columns, &again.segments()[0].columns));
}

#[test]
fn long_texts_stay_whole() {
    let lead = LeadRecord {
        id: "1".into(),
        name: "ABC".repeat(30_000).as_str().into(),
        company: "ß".repeat(5_000).as_str().into(),
        extra: json!({"note": "long ".repeat(30_000)}).as_object().cloned().unwrap(),
        ..LeadRecord::default()
    };
    let table = LeadTable::default().with_leads(std::slice::from_ref(&lead));
    assert_eq!(table.record(0), lead);
}

#[test]
fn rows_are_found_through_all_parts_of_a_snapshot() {
    let lead = |id: &str| LeadRecord { id: id.into(), ..LeadRecord::default() };
    let part = |profile: &str, ids: &[&str]| SnapshotPart {
        profile: profile.into(),
        table: LeadTable::default().with_leads(&ids.iter().map(|id| lead(id)).collect::<Vec<_>>()),
        ..SnapshotPart::default()
    };
    let snapshot = Snapshot { parts: vec![part("a", &["1", "2"]), part("b", &[]), part("c", &["1"])] };
    assert_eq!(snapshot.len(), 3);
    assert_eq!(snapshot.row_of(&"c".into(), "1"), Some(RowId(2)));
    assert_eq!(snapshot.row_of(&"a".into(), "2"), Some(RowId(1)));
    assert_eq!(snapshot.row_of(&"b".into(), "1"), None);
    let (part, row) = snapshot.locate(RowId(2)).unwrap();
    assert_eq!((part.profile.as_str(), row), ("c", 0));
    assert!(snapshot.locate(RowId(3)).is_none());
}

#[test]
fn a_lead_without_a_word_to_know_it_by_is_nameless() {
    let lead = |name: &str, company: &str, email: &str| LeadRecord {
        id: format!("{name},{company},{email}").into(),
        name: name.into(),
        company: company.into(),
        email: email.into(),
        phone: "1".into(),
        ..LeadRecord::default()
    };
    // A mark alone folds to nothing, and is something all the same.
    let leads = [("", "", ""), ("a", "", ""), ("", "b", ""), ("", "", "c"), ("\u{301}", "", ""), ("", "", "\u{301}")]
        .map(|(name, company, email)| lead(name, company, email));
    let table = LeadTable::default().with_leads(&leads);
    for (row, lead) in (0..).zip(&leads) {
        assert_eq!(table.is_nameless(row), lead.is_nameless(), "{lead:?}");
    }
    assert!(table.is_nameless(0) && !table.is_nameless(4));
}
