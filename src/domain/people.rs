//! The people leads are assigned to.

use serde::{Deserialize, Serialize};

use super::assignment::OwnerRef;
use super::ids::PersonId;
use super::safe_text::{SafeText, Verbatim};

/// One owner or agent of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The id that assignments use.
    pub id: PersonId,
    /// The display name as the vendor stores and compares it.
    pub name: Verbatim,
    pub email: SafeText,
    pub status: PersonStatus,
    /// Role, team or store: whatever helps to pick the right person.
    pub group: SafeText,
    /// Other ids of the same person at this vendor, where reading and writing use different ones (Capillary, sections
    /// 4 and 6). Empty elsewhere; only the vendor's own client looks inside.
    pub other_ids: Vec<(String, String)>,
}

/// Whether a person may be offered as an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonStatus {
    #[default]
    Active,
    /// Known, but not offered: deactivated, an open invitation, a role that cannot own leads.
    Inactive,
    /// Seen only as the owner of leads; the vendor does not list this person (any more).
    Gone,
}

impl Person {
    pub fn owner_ref(&self) -> OwnerRef {
        OwnerRef { id: Some(self.id.clone()), name: (!self.name.is_empty()).then(|| self.name.clone()) }
    }

    /// The name for people; the id where there is none.
    pub fn label(&self) -> SafeText {
        if self.name.is_empty() { SafeText::new(self.id.as_str()) } else { self.name.safe() }
    }

    pub fn is_active(&self) -> bool {
        self.status == PersonStatus::Active
    }
}
