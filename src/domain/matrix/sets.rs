//! Mappings without a grid around them: kept as snapshots, compared with each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::plan::{Want, WantedMapping};
use crate::domain::campaign::MappingRecord;
use crate::domain::{OperationId, PersonId, ProfileName, SafeText, TargetId, Timestamp};

/// Who may dial which list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sets {
    pub lists: BTreeMap<TargetId, ListSet>,
}

/// One (campaign, lead list) with its agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSet {
    pub campaign_id: String,
    pub campaign_name: SafeText,
    pub lead_id: String,
    pub lead_name: SafeText,
    /// `None` where they were not known.
    pub agents: Option<BTreeSet<PersonId>>,
}

/// A mapping as it was at some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MappingSnapshot {
    pub info: SnapshotInfo,
    pub sets: Sets,
}

/// What a list of snapshots shows of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotInfo {
    /// Given by the journal, counting from 1.
    pub number: i64,
    /// Chosen by hand, or `before <operation>`. Of several with one name the newest is meant.
    pub name: SafeText,
    pub at: Timestamp,
    /// `user@host`.
    pub who: SafeText,
    pub profile: ProfileName,
    /// The operation before which it was taken by itself.
    pub before: Option<OperationId>,
    /// Campaigns, lists and mapped pairs in it.
    pub campaigns: usize,
    pub lists: usize,
    pub pairs: usize,
}

/// What one list has in one mapping and not in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Agents that came and went from the first to the second.
    Changed { added: BTreeSet<PersonId>, removed: BTreeSet<PersonId> },
    /// The second does not have this list.
    OnlyFirst,
    /// The first does not have this list.
    OnlySecond,
    /// One of the two does not know the agents.
    NotKnown,
}

impl Sets {
    pub fn of<'a>(records: impl IntoIterator<Item = &'a MappingRecord>) -> Self {
        let set = |record: &MappingRecord| ListSet {
            campaign_id: record.campaign_id.clone(),
            campaign_name: record.campaign_name.clone(),
            lead_id: record.lead_id.clone(),
            lead_name: record.lead_name.clone(),
            agents: record.agents.as_ref().ok().cloned(),
        };
        Self { lists: records.into_iter().map(|record| (record.target.clone(), set(record))).collect() }
    }

    /// The lists of one campaign.
    pub fn of_campaign(&self, campaign: &str) -> Self {
        let own = |(_, list): &(&TargetId, &ListSet)| list.campaign_id == campaign;
        let lists = self.lists.iter().filter(own).map(|(target, list)| (target.clone(), list.clone()));
        Self { lists: lists.collect() }
    }

    /// The campaigns in it, by id.
    pub fn campaigns(&self) -> BTreeSet<&str> {
        self.lists.values().map(|list| list.campaign_id.as_str()).collect()
    }

    /// Mapped (list, agent) pairs.
    pub fn pairs(&self) -> usize {
        self.lists.values().filter_map(|list| list.agents.as_ref()).map(BTreeSet::len).sum()
    }

    /// As records, so that a kept mapping can be shown as a grid.
    pub fn records(&self) -> Vec<MappingRecord> {
        let record = |(target, list): (&TargetId, &ListSet)| MappingRecord {
            target: target.clone(),
            process: SafeText::empty(),
            campaign_id: list.campaign_id.clone(),
            campaign_name: list.campaign_name.clone(),
            lead_id: list.lead_id.clone(),
            lead_name: list.lead_name.clone(),
            enabled: true,
            agents: list.agents.clone().ok_or_else(|| "was not known when this was kept".to_owned()),
            others: BTreeSet::new(),
        };
        self.lists.iter().map(record).collect()
    }

    /// What is different in `other`, list by list; equal ones are left out.
    pub fn differences(&self, other: &Self) -> BTreeMap<TargetId, Difference> {
        let targets: BTreeSet<&TargetId> = self.lists.keys().chain(other.lists.keys()).collect();
        let compare = |target: &TargetId| match (self.lists.get(target), other.lists.get(target)) {
            (Some(_), None) => Some(Difference::OnlyFirst),
            (None, _) => Some(Difference::OnlySecond),
            (Some(first), Some(second)) => match (&first.agents, &second.agents) {
                (Some(first), Some(second)) if first == second => None,
                (Some(first), Some(second)) => {
                    Some(Difference::Changed { added: second - first, removed: first - second })
                }
                (None, None) => None,
                _ => Some(Difference::NotKnown),
            },
        };
        targets.into_iter().filter_map(|target| Some((target.clone(), compare(target)?))).collect()
    }

    /// Wishes that lead back to this mapping: exactly these agents on each of its lists whose agents were known.
    pub fn wanted(&self) -> Vec<WantedMapping> {
        let wanted = |(target, list): (&TargetId, &ListSet)| {
            Some(WantedMapping { target: target.clone(), want: Want::Exactly(list.agents.clone()?) })
        };
        self.lists.iter().filter_map(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::record;
    use super::*;

    #[test]
    fn two_mappings_are_compared_list_by_list() {
        let first = Sets::of(&[
            record("1", Some(&["ann", "bob"]), &[]),
            record("2", Some(&["ann"]), &[]),
            record("3", Some(&[]), &[]),
            record("4", None, &[]),
            record("5", None, &[]),
        ]);
        let second = Sets::of(&[
            record("1", Some(&["bob", "cid"]), &[]),
            record("2", Some(&["ann"]), &[]),
            record("4", Some(&[]), &[]),
            record("5", None, &[]),
            record("6", Some(&[]), &[]),
        ]);
        let people = |ids: &[&str]| ids.iter().map(PersonId::new).collect();
        let found: Vec<_> = first.differences(&second).into_iter().collect();
        let expected = [
            ("7:1".into(), Difference::Changed { added: people(&["cid"]), removed: people(&["ann"]) }),
            ("7:3".into(), Difference::OnlyFirst),
            ("7:4".into(), Difference::NotKnown),
            ("7:6".into(), Difference::OnlySecond),
        ];
        assert_eq!(found, expected);
        assert!(first.differences(&first).is_empty());
        assert_eq!((first.pairs(), first.campaigns().len()), (3, 1));
        assert_eq!(Sets::of(&first.records()), first);
    }
}
