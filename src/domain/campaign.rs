//! Campaigns, lists of leads, and the mappings between lead lists and agents.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::capabilities::Field;
use super::ids::{PersonId, TargetId};
use super::safe_text::SafeText;

/// A campaign or list that leads of a profile are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    pub kind: CollectionKind,
    /// As the vendor knows it.
    pub id: String,
    pub name: SafeText,
    /// The vendor's word for its state; empty where it has none.
    pub status: SafeText,
}

/// The campaigns and lists of a profile, found by their ids.
#[derive(Clone, Debug, Default)]
pub struct Collections {
    all: Vec<Collection>,
    campaigns: HashMap<String, usize>,
    lists: HashMap<String, usize>,
}

impl Collections {
    /// In this order; of two of one kind and id the first counts.
    pub fn new(all: Vec<Collection>) -> Self {
        let mut collections = Self::default();
        for collection in all {
            let place = collections.all.len();
            let index = match collection.kind {
                CollectionKind::Campaign => &mut collections.campaigns,
                CollectionKind::List => &mut collections.lists,
            };
            if let Entry::Vacant(free) = index.entry(collection.id.clone()) {
                free.insert(place);
                collections.all.push(collection);
            }
        }
        collections
    }

    pub fn iter(&self) -> impl Iterator<Item = &Collection> {
        self.all.iter()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, kind: CollectionKind, id: &str) -> Option<&Collection> {
        let index = match kind {
            CollectionKind::Campaign => &self.campaigns,
            CollectionKind::List => &self.lists,
        };
        index.get(id).and_then(|place| self.all.get(*place))
    }
}

/// What a collection is called at the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum CollectionKind {
    Campaign,
    List,
}

impl CollectionKind {
    /// What leads say in this field; `None` for fields that are about something else.
    pub fn of(field: Field) -> Option<Self> {
        match field {
            Field::Campaign => Some(Self::Campaign),
            Field::List => Some(Self::List),
            _ => None,
        }
    }

    /// The field of a lead that holds the id of such a collection.
    pub fn field(self) -> Field {
        match self {
            Self::Campaign => Field::Campaign,
            Self::List => Field::List,
        }
    }
}

/// Which leads a listing should be narrowed to by the vendor itself. The default asks for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadAsk {
    pub collection: Option<(CollectionKind, String)>,
    /// The vendor's own text search.
    pub search: Option<String>,
    /// The vendor's own filter words ([`Capabilities::server_filters`](super::Capabilities::server_filters)).
    pub filters: Vec<String>,
}

impl LeadAsk {
    pub fn everything() -> Self {
        Self::default()
    }
}

/// One (campaign, lead list) with the agents that may dial it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingRecord {
    /// `campaignId:leadId`.
    pub target: TargetId,
    pub process: SafeText,
    pub campaign_id: String,
    pub campaign_name: SafeText,
    pub lead_id: String,
    pub lead_name: SafeText,
    /// Whether the list is active in this campaign.
    pub enabled: bool,
    /// The agents mapped now; `Err` says why they could not be read, or not completely.
    pub agents: Result<BTreeSet<PersonId>, String>,
    /// The campaign's other agents, as far as the vendor tells.
    pub others: BTreeSet<PersonId>,
}

impl MappingRecord {
    /// The target of a lead list in a campaign.
    pub fn target_of(campaign_id: &str, lead_id: &str) -> TargetId {
        TargetId::new(format!("{campaign_id}:{lead_id}"))
    }

    /// The campaign and the lead list of a target; `None` where it is no mapping.
    pub fn parts_of(target: &TargetId) -> Option<(&str, &str)> {
        target.as_str().split_once(':')
    }

    /// What to call it: `campaign / list`.
    pub fn label(&self) -> SafeText {
        format!("{} / {}", self.campaign_name, self.lead_name).into()
    }
}

/// A lead to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLead {
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    /// Other fields by the vendor's names.
    pub other: Vec<(String, String)>,
}
