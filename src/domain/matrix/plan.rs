//! From wishes about mappings to a plan: what changes, what is left alone and why, what has to be said before.

use std::collections::BTreeSet;

use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};

use super::warnings;
use crate::domain::campaign::MappingRecord;
use crate::domain::plan::{Change, Changes, Plan, PlanPart, Skip, SkipReason, Skips};
use crate::domain::{
    Assignment, Capabilities, OperationKind, PersonId, ProfileName, SafeText, TargetId, Timestamp, planning,
};

/// What is wanted of one profile's mappings.
#[derive(Clone, Debug)]
pub struct MappingRequest {
    pub profile: ProfileName,
    /// A list that comes twice is planned once; the second is skipped.
    pub wanted: Vec<WantedMapping>,
    pub note: Option<SafeText>,
    pub now: Timestamp,
}

/// What is wanted of one (campaign, lead list).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedMapping {
    pub target: TargetId,
    pub want: Want,
}

/// Who shall dial a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// These agents and nobody else (a file, a snapshot).
    Exactly(BTreeSet<PersonId>),
    /// These in addition, those no longer; everybody else stays.
    Delta { add: BTreeSet<PersonId>, remove: BTreeSet<PersonId> },
}

/// A mapping as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub record: &'a MappingRecord,
    /// When it was read; `None` has it read again before anything is sent.
    pub read_at: Option<Timestamp>,
}

/// Makes the plan. A list that is not among the known ones is skipped with `no such lead`; one that was not read
/// completely is skipped with the reason.
pub fn plan_mappings(request: &MappingRequest, known: &[Known<'_>], capabilities: &Capabilities) -> Plan {
    let by_target: HashMap<&TargetId, &Known<'_>> = known.iter().map(|known| (&known.record.target, known)).collect();
    let mut changes = Changes::default();
    let mut skips = Skips::default();
    let mut seen = HashSet::new();
    for wanted in &request.wanted {
        let found = by_target.get(&wanted.target).copied();
        let twice = !seen.insert(&wanted.target);
        match change(wanted, found, twice) {
            Ok(change) => changes.push(&change),
            Err(skip) => skips.push(&skip),
        }
    }
    let mut warnings = Vec::new();
    if !changes.is_empty() {
        warnings = warnings::of(&changes, known, &capabilities.warnings);
        warnings.extend(capabilities.not_undoable.iter().cloned());
    }
    // Every list is read right before it is written and once after it.
    let reads = 2 * changes.len().div_ceil(capabilities.read_at_once.max(1));
    let cost = planning::cost(&changes, capabilities, reads);
    let part = PlanPart {
        profile: request.profile.clone(),
        vendor: capabilities.vendor,
        changes,
        skips,
        cost,
        inexact: Vec::new(),
        warnings,
        takes_back: Default::default(),
        context: None,
    };
    let (note, made_at) = (request.note.clone(), request.now);
    Plan { kind: OperationKind::Map, reverts: None, note, made_at, parts: vec![part] }
}

#[expect(clippy::result_large_err, reason = "both are items of a plan")]
fn change(wanted: &WantedMapping, known: Option<&Known<'_>>, twice: bool) -> Result<Change, Skip> {
    let name = known.map_or_else(SafeText::empty, |known| known.record.label());
    let before = known.and_then(|known| known.record.agents.as_ref().ok());
    let after = match (&wanted.want, before) {
        (Want::Exactly(agents), _) => Assignment::Agents(agents.clone()),
        (Want::Delta { add, remove }, Some(before)) => {
            Assignment::Agents(before.union(add).filter(|agent| !remove.contains(*agent)).cloned().collect())
        }
        (Want::Delta { .. }, None) => Assignment::Unknown,
    };
    let before = before.map_or(Assignment::Unknown, |agents| Assignment::Agents(agents.clone()));
    let reason = match known.map(|known| &known.record.agents) {
        _ if twice => Some(SkipReason::Other("already in this plan".to_owned())),
        _ if refused(&wanted.want).is_some() => refused(&wanted.want).map(SkipReason::Other),
        None => Some(SkipReason::NoSuchLead),
        Some(Err(why)) => Some(SkipReason::Other(format!("its agents could not be read completely: {why}"))),
        Some(Ok(_)) if before == after => Some(SkipReason::AlreadyThere),
        Some(Ok(_)) => None,
    };
    let target = wanted.target.clone();
    match reason {
        Some(reason) => Err(Skip { target, name, before, after, reason }),
        None => {
            let read_at = known.and_then(|known| known.read_at);
            Ok(Change { target, name, before, after, read_at, scope: CompactString::default() })
        }
    }
}

/// Why a wish makes no sense whatever is there (contract section 6: such requests are never sent).
fn refused(want: &Want) -> Option<String> {
    let (add, remove) = match want {
        Want::Exactly(agents) => (agents, None),
        Want::Delta { add, remove } => (add, Some(remove)),
    };
    let malformed = |agent: &&PersonId| agent.as_str().trim() != agent.as_str() || agent.is_empty();
    if let Some(agent) = add.iter().chain(remove.into_iter().flatten()).find(malformed) {
        return Some(format!("{:?} is not a user id", agent.to_string()));
    }
    let both = add.iter().find(|agent| remove.is_some_and(|remove| remove.contains(*agent)))?;
    Some(format!("{both} is to be added and to be removed"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::grid::tests::record;
    use super::*;
    use crate::domain::VendorKind;

    pub fn planned(records: &[MappingRecord], wanted: Vec<WantedMapping>) -> PlanPart {
        let capabilities = Capabilities { first_write_alone: false, ..Capabilities::plain(VendorKind::Exotel, &[]) };
        let request = MappingRequest { profile: "center".into(), wanted, note: None, now: Timestamp::UNIX_EPOCH };
        let known: Vec<Known<'_>> = records.iter().map(|record| Known { record, read_at: None }).collect();
        let mut plan = plan_mappings(&request, &known, &capabilities);
        assert_eq!((plan.kind, plan.parts.len()), (OperationKind::Map, 1));
        plan.parts.remove(0)
    }

    pub fn delta(target: &str, add: &[&str], remove: &[&str]) -> WantedMapping {
        let people = |ids: &[&str]| ids.iter().map(PersonId::new).collect();
        WantedMapping { target: target.into(), want: Want::Delta { add: people(add), remove: people(remove) } }
    }

    fn exactly(target: &str, agents: &[&str]) -> WantedMapping {
        WantedMapping { target: target.into(), want: Want::Exactly(agents.iter().map(PersonId::new).collect()) }
    }

    #[test]
    fn wishes_become_changes_or_skips_with_a_reason() {
        let records = [record("1", Some(&["ann", "bob"]), &["cid"]), record("2", None, &[])];
        let table = [
            (delta("7:1", &["cid"], &["ann"]), Ok(Assignment::agents(["bob", "cid"]))),
            (delta("7:1", &["ann"], &["dan"]), Err("already there")),
            (exactly("7:1", &["cid"]), Ok(Assignment::agents(["cid"]))),
            (exactly("7:1", &["bob", "ann"]), Err("already there")),
            (exactly("7:1", &[]), Ok(Assignment::agents([""; 0]))),
            (delta("7:2", &["ann"], &[]), Err("its agents could not be read completely: the two readings differ")),
            (delta("7:3", &["ann"], &[]), Err("no such lead")),
            (delta("7:1", &["ann"], &["ann"]), Err("ann is to be added and to be removed")),
            (delta("7:1", &[" cid"], &[]), Err("\" cid\" is not a user id")),
            (exactly("7:1", &[""]), Err("\"\" is not a user id")),
        ];
        for (wanted, expected) in table {
            let part = planned(&records, vec![wanted.clone()]);
            match expected {
                Ok(after) => {
                    assert_eq!(part.skips.to_vec(), [], "{wanted:?}");
                    assert_eq!(part.changes.to_vec()[0].after, after, "{wanted:?}");
                    assert_eq!(part.changes.to_vec()[0].before, Assignment::agents(["ann", "bob"]));
                    assert_eq!(part.changes.to_vec()[0].name.as_str(), "Winter / List 1");
                }
                Err(reason) => {
                    assert_eq!(part.changes.to_vec(), [], "{wanted:?}");
                    assert_eq!(part.skips.to_vec()[0].reason.to_string(), reason, "{wanted:?}");
                    assert_eq!(part.warnings, [""; 0], "nothing changes, so nothing has to be said");
                }
            }
        }
    }

    #[test]
    fn a_list_is_planned_once_and_costs_one_write_and_two_reads() {
        let records = [record("1", Some(&["ann"]), &["bob"]), record("2", Some(&["ann"]), &["bob"])];
        let wanted = vec![delta("7:1", &["bob"], &[]), delta("7:2", &["bob"], &[]), delta("7:1", &[], &["ann"])];
        let part = planned(&records, wanted);
        assert_eq!((part.changes.len(), part.skips.len()), (2, 1));
        assert_eq!(part.skips.to_vec()[0].reason.to_string(), "already in this plan");
        assert_eq!(part.cost.requests, 6);
    }
}
