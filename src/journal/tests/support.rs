//! Plans and operations to test with.

use std::sync::Arc;

use super::super::{Journal, Move, NewOperation};
use crate::domain::history::{ItemRow, OperationPart};
use crate::domain::{
    Assignment, Change, ItemState, OperationId, OperationKind, OwnerRef, Plan, PlanPart, Skip, SkipReason, Timestamp,
    VendorKind,
};

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A folder in memory where there is one: for tests with hundreds of commits that are not about the disk.
pub fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| folder())
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

pub fn owner(id: &str) -> Assignment {
    Assignment::Owner(OwnerRef::new(id, format!("The {id}")))
}

/// A plan that gives leads l0, l1, … of `sales` from ann to bob.
pub fn assign(leads: usize) -> Plan {
    let changes = (0..leads).map(|n| change(&format!("l{n}"), owner("ann"), owner("bob"))).collect();
    plan(vec![part("sales", changes)])
}

/// Leads and a mapping, and a skip in the first part.
pub fn two_parts() -> Plan {
    let leads = ["l0", "l1"].map(|id| change(id, owner("ann"), owner("bob"))).to_vec();
    let mut sales = part("sales", leads);
    sales.skips.push(&Skip {
        target: "l9".into(),
        name: "Nine".into(),
        before: owner("bob"),
        after: owner("bob"),
        reason: SkipReason::AlreadyThere,
    });
    let mapping = change("c:1", Assignment::agents(["u1"]), Assignment::agents(["u1", "u2"]));
    plan(vec![sales, PlanPart { vendor: VendorKind::Exotel, ..part("center", vec![mapping]) }])
}

pub fn plan(parts: Vec<PlanPart>) -> Plan {
    Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: at(0), parts }
}

pub fn part(profile: &str, changes: Vec<Change>) -> PlanPart {
    PlanPart::of(profile, VendorKind::Kenbun, changes)
}

pub fn change(target: &str, before: Assignment, after: Assignment) -> Change {
    Change { target: target.into(), name: "".into(), before, after, read_at: None, scope: "".into() }
}

pub fn parts(plan: &Plan) -> Vec<OperationPart> {
    plan.parts
        .iter()
        .map(|part| OperationPart {
            profile: part.profile.clone(),
            vendor: part.vendor,
            base_url: "https://api.example".to_owned(),
            context: serde_json::json!({ "org_unit": "u" }),
        })
        .collect()
}

pub fn operation(id: &str, plan: &Plan) -> NewOperation {
    NewOperation {
        id: id.into(),
        at: at(0),
        kind: plan.kind,
        reverts: None,
        who: "ann@desk".into(),
        note: Some("a note".into()),
        parts: parts(plan),
        plan: Arc::new(plan.clone()),
    }
}

/// An operation whose items take these (of its first part, by their number there) back.
pub fn taking_back(
    back: impl IntoIterator<Item = (u32, OperationId, u32)>,
    mut operation: NewOperation,
) -> NewOperation {
    let taken = &mut Arc::make_mut(&mut operation.plan).parts[0].takes_back;
    back.into_iter().for_each(|(change, id, seq)| taken.add(change, &id, seq));
    operation
}

pub fn to(seqs: &[u32], state: ItemState) -> Vec<Move> {
    seqs.iter().map(|&seq| Move::to(seq, state)).collect()
}

/// Begins an operation and brings some of its items over `sent` to `end`.
pub fn run(journal: &Journal, operation: &NewOperation, seqs: &[u32], end: ItemState) {
    let hold = journal.begin(operation).unwrap();
    journal.record(&hold, at(2), &to(seqs, ItemState::Sent)).unwrap();
    journal.record(&hold, at(3), &to(seqs, end)).unwrap();
}

pub fn seqs(items: &[ItemRow]) -> Vec<u32> {
    items.iter().map(|item| item.seq).collect()
}

/// Brings a journal of this format back to what the third one had: that did not know which operations an undo of several
/// takes back, nor which items were applied in part or have no way back.
pub const TO_THE_THIRD_FORMAT: &str = "
    DROP TABLE reverted; DROP INDEX tallies_undoable;
    CREATE INDEX tallies_undoable ON tallies (operation) WHERE done > taken_back;
    ALTER TABLE standing DROP COLUMN in_part; ALTER TABLE tallies DROP COLUMN in_part;
    ALTER TABLE tallies DROP COLUMN no_way_back;
    UPDATE standing SET taken_back_by = NULL WHERE state = 3;
    UPDATE tallies SET taken_back = 0 WHERE failed > 0;
    PRAGMA user_version = 3;";
