//! Making a plan from what is selected and what is known, and putting changes together into batches.

use std::collections::BTreeMap;

use super::capabilities::{BatchRule, Capabilities};
use super::ids::{LeadId, ProfileName};
use super::leads::Snapshot;
use super::operation::OperationKind;
use super::plan::{Change, Plan};
use super::safe_text::SafeText;
use super::{Assignment, Person, Timestamp};

/// What is wanted: these leads of each profile to this assignment.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    pub kind: OperationKind,
    pub wanted: Vec<Wanted>,
    pub include_closed: bool,
    pub note: Option<SafeText>,
    pub now: Timestamp,
    /// When the snapshot's owners were read, by profile.
    pub read_at: BTreeMap<ProfileName, Timestamp>,
}

/// One profile's share of a plan.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub profile: ProfileName,
    /// Without duplicates.
    pub leads: Vec<LeadId>,
    pub to: Assignment,
}

/// Makes the plan. A lead that the snapshot does not have is skipped with `no such lead`.
pub fn plan(
    _request: &PlanRequest,
    _snapshot: &Snapshot,
    _people: &BTreeMap<ProfileName, Vec<Person>>,
    _capabilities: &BTreeMap<ProfileName, Capabilities>,
) -> Plan {
    todo!()
}

/// Puts changes together into requests: indexes into `changes`, each batch with one and the same `after`, in the order
/// of the changes.
pub fn batches(_changes: &[Change], _rule: &BatchRule) -> Vec<Vec<u32>> {
    todo!()
}

/// Load of one owner before and after a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadShift {
    pub owner: Assignment,
    pub before: usize,
    pub after: usize,
    pub gains: usize,
    pub loses: usize,
}

/// Counts per owner, before and after the plan, for everyone whom it touches; biggest change first.
pub fn load_shifts(_plan: &Plan, _snapshot: &Snapshot) -> Vec<LoadShift> {
    todo!()
}
