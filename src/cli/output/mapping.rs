//! Campaigns, lists and mappings as they are printed. What `campaigns` prints as JSON or CSV can be read again by
//! `map --from` ([`crate::cli::mapfile`]).

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::campaign::{Collection, CollectionKind, MappingRecord};
use crate::domain::matrix::{Difference, ListSet, SnapshotInfo};
use crate::domain::{OperationId, PersonId, ProfileName, SafeText, TargetId};

/// The columns of a shift plan: the file that `campaigns --format csv` writes and `map --from` reads.
pub const COLUMNS: [&str; 8] = ["profile", "campaign_id", "campaign", "lead_id", "lead", "enabled", "agents", "error"];

/// Something with an id and a name.
#[derive(Serialize)]
pub struct Named<'a> {
    pub id: &'a str,
    pub name: Option<&'a SafeText>,
}

impl<'a> Named<'a> {
    fn new(id: &'a str, name: &'a SafeText) -> Self {
        Self { id, name: (!name.is_empty()).then_some(name) }
    }
}

/// One (campaign, lead list) with its agents.
#[derive(Serialize)]
#[serde(tag = "type", rename = "mapping")]
pub struct MappingLine<'a> {
    profile: &'a ProfileName,
    target: &'a TargetId,
    process: Option<&'a SafeText>,
    campaign: Named<'a>,
    lead: Named<'a>,
    agents: &'a BTreeSet<PersonId>,
    enabled: bool,
}

impl<'a> MappingLine<'a> {
    fn new(profile: &'a ProfileName, record: &'a MappingRecord, agents: &'a BTreeSet<PersonId>) -> Self {
        Self {
            profile,
            target: &record.target,
            process: (!record.process.is_empty()).then_some(&record.process),
            campaign: Named::new(&record.campaign_id, &record.campaign_name),
            lead: Named::new(&record.lead_id, &record.lead_name),
            agents,
            enabled: record.enabled,
        }
    }
}

/// A lead list whose agents could not be read, or a campaign whose lists could not: it is no mapping, because a mapping
/// has its agents.
#[derive(Serialize)]
#[serde(tag = "type", rename = "error")]
pub struct UnreadLine<'a> {
    profile: &'a ProfileName,
    target: &'a TargetId,
    campaign: Named<'a>,
    /// Null where the vendor does not even say which list it is.
    lead: Option<Named<'a>>,
    error: SafeText,
}

impl<'a> UnreadLine<'a> {
    fn new(profile: &'a ProfileName, record: &'a MappingRecord, why: &str) -> Self {
        let lead = (!record.lead_id.is_empty()).then(|| Named::new(&record.lead_id, &record.lead_name));
        let campaign = Named::new(&record.campaign_id, &record.campaign_name);
        Self { profile, target: &record.target, campaign, lead, error: SafeText::new(why) }
    }
}

/// What is printed of a list.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ListLine<'a> {
    Mapping(MappingLine<'a>),
    Unread(UnreadLine<'a>),
}

impl<'a> ListLine<'a> {
    pub fn new(profile: &'a ProfileName, record: &'a MappingRecord) -> Self {
        match &record.agents {
            Ok(agents) => Self::Mapping(MappingLine::new(profile, record, agents)),
            Err(why) => Self::Unread(UnreadLine::new(profile, record, why)),
        }
    }
}

/// A campaign or list that leads are in.
#[derive(Serialize)]
pub struct CollectionLine<'a> {
    #[serde(rename = "type")]
    kind: CollectionKind,
    profile: &'a ProfileName,
    id: &'a str,
    name: Option<&'a SafeText>,
    status: Option<&'a SafeText>,
}

impl<'a> CollectionLine<'a> {
    pub fn new(profile: &'a ProfileName, collection: &'a Collection) -> Self {
        Self {
            kind: collection.kind,
            profile,
            id: &collection.id,
            name: (!collection.name.is_empty()).then_some(&collection.name),
            status: (!collection.status.is_empty()).then_some(&collection.status),
        }
    }
}

/// A mapping that is kept.
#[derive(Serialize)]
#[serde(tag = "type", rename = "snapshot")]
pub struct SnapshotLine<'a> {
    profile: &'a ProfileName,
    number: i64,
    name: &'a SafeText,
    at: String,
    who: &'a SafeText,
    /// The operation before which it was taken by itself.
    before: Option<&'a OperationId>,
    campaigns: usize,
    lists: usize,
    pairs: usize,
}

impl<'a> From<&'a SnapshotInfo> for SnapshotLine<'a> {
    fn from(info: &'a SnapshotInfo) -> Self {
        Self {
            profile: &info.profile,
            number: info.number,
            name: &info.name,
            at: info.at.to_string(),
            who: &info.who,
            before: info.before.as_ref(),
            campaigns: info.campaigns,
            lists: info.lists,
            pairs: info.pairs,
        }
    }
}

/// What is different about one list in the second of two mappings.
#[derive(Serialize)]
#[serde(tag = "type", rename = "difference")]
pub struct DifferenceLine<'a> {
    profile: &'a ProfileName,
    target: &'a TargetId,
    campaign: Named<'a>,
    lead: Named<'a>,
    /// `changed`, `only_first`, `only_second`, `not_known`.
    what: &'static str,
    added: BTreeSet<PersonId>,
    removed: BTreeSet<PersonId>,
}

impl<'a> DifferenceLine<'a> {
    pub fn new(profile: &'a ProfileName, target: &'a TargetId, list: &'a ListSet, difference: &Difference) -> Self {
        let agents = || list.agents.clone().unwrap_or_default();
        let (what, added, removed) = match difference {
            Difference::Changed { added, removed } => ("changed", added.clone(), removed.clone()),
            Difference::OnlyFirst => ("only_first", BTreeSet::new(), agents()),
            Difference::OnlySecond => ("only_second", agents(), BTreeSet::new()),
            Difference::NotKnown => ("not_known", BTreeSet::new(), BTreeSet::new()),
        };
        Self {
            profile,
            target,
            campaign: Named::new(&list.campaign_id, &list.campaign_name),
            lead: Named::new(&list.lead_id, &list.lead_name),
            what,
            added,
            removed,
        }
    }

    /// `+ann -bob`, or what else there is to say.
    pub fn words(&self) -> String {
        let marked = |mark: char, agents: &BTreeSet<PersonId>| -> Vec<String> {
            agents.iter().map(|agent| format!("{mark}{agent}")).collect()
        };
        let agents = [marked('+', &self.added), marked('-', &self.removed)].concat().join(" ");
        match self.what {
            "changed" => agents,
            "only_first" => format!("is gone: {agents}").trim_end_matches(": ").to_owned(),
            "only_second" => format!("is new: {agents}").trim_end_matches(": ").to_owned(),
            _ => "its agents are not known in one of the two".to_owned(),
        }
    }
}

/// Agents in one cell: separated by blanks; as a JSON list where an id could be misread like that.
pub fn agents_cell(agents: &BTreeSet<PersonId>) -> String {
    let plain = |agent: &PersonId| {
        let id = agent.as_str();
        !id.is_empty()
            && !id.starts_with(['[', '\''])
            && !id.contains(|c: char| c.is_whitespace() || c == ',' || c == ';')
    };
    let ids: Vec<&str> = agents.iter().map(PersonId::as_str).collect();
    if agents.iter().all(plain) { ids.join(" ") } else { serde_json::to_string(&ids).unwrap_or_default() }
}

/// The agents in a cell: the other way round, and with commas or semicolons as well.
pub fn agents_in(cell: &str) -> Result<BTreeSet<PersonId>, String> {
    // What a spreadsheet must not take for a formula was written behind an apostrophe.
    let cell = cell.trim();
    let cell = cell.strip_prefix('\'').unwrap_or(cell).trim();
    if cell.starts_with('[') {
        let ids: Vec<String> =
            serde_json::from_str(cell).map_err(|error| format!("the agents are no list: {error}"))?;
        return Ok(ids.into_iter().map(PersonId::from).collect());
    }
    let words = cell.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    Ok(words.filter(|word| !word.is_empty()).map(PersonId::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::export::csv_cell;
    use proptest::prelude::*;

    fn set(ids: &[&str]) -> BTreeSet<PersonId> {
        ids.iter().map(PersonId::new).collect()
    }

    #[test]
    fn agents_in_one_cell() {
        for (ids, cell) in [
            (&[][..], ""),
            (&["asha.k", "ravi.s"], "asha.k ravi.s"),
            (&["a b"], "[\"a b\"]"),
            (&["a,b", "c"], "[\"a,b\",\"c\"]"),
            (&["[x"], "[\"[x\"]"),
            (&["@home"], "@home"),
        ] {
            assert_eq!(agents_cell(&set(ids)), cell);
            assert_eq!(agents_in(&csv_cell(cell)).unwrap(), set(ids), "{cell}");
        }
        assert_eq!(agents_in(" b, a;;c  a\n").unwrap(), set(&["a", "b", "c"]));
        assert!(agents_in("[\"a\"").is_err());
    }

    proptest! {
        #[test]
        fn every_set_survives_a_cell(ids in prop::collection::btree_set("[ -~é]{1,6}", 0..5)) {
            let agents: BTreeSet<PersonId> = ids.into_iter().map(PersonId::from).collect();
            prop_assert_eq!(agents_in(&csv_cell(&agents_cell(&agents))).unwrap(), agents);
        }
    }
}
