//! A plan: what would change, what would be skipped and why, made before anything is sent.

mod changes;
mod rows;
mod skips;
mod taken_back;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

pub use self::changes::{ChangeRef, Changes};
pub use self::skips::{SkipRef, Skips};
pub use self::taken_back::{TakenBack, TakenBackRef};
use crate::domain::Timestamp;
use crate::domain::assignment::Assignment;
use crate::domain::capabilities::VendorKind;
use crate::domain::ids::{OperationId, ProfileName, TargetId};
use crate::domain::operation::OperationKind;
use crate::domain::safe_text::SafeText;

/// A bulk change as a value: it can be shown, counted, compared, saved and reviewed. One part a profile (an undo may have
/// several where the context differs); together they become one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub kind: OperationKind,
    /// The operation that an undo or redo takes back; of several the newest. [`PlanPart::takes_back`] has them all.
    pub reverts: Option<OperationId>,
    pub note: Option<SafeText>,
    pub made_at: Timestamp,
    pub parts: Vec<PlanPart>,
}

/// The part of a plan that concerns one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanPart {
    pub profile: ProfileName,
    pub vendor: VendorKind,
    pub changes: Changes,
    pub skips: Skips,
    pub cost: Cost,
    /// Changes that undo could not put back exactly, with the reason; counted, because there may be thousands.
    pub inexact: Vec<(String, usize)>,
    /// Sentences that must be read before confirming.
    pub warnings: Vec<String>,
    /// For undo and redo: which items each change takes back. Empty for everything else.
    #[serde(default, skip_serializing_if = "TakenBack::is_empty")]
    pub takes_back: TakenBack,
    /// What the vendor's client has to know again to take something back (kenbun: the organizational unit it was done
    /// in). `None` where the profile's present context is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<serde_json::Value>,
}

/// The item behind a change of an undo or redo. A target that was written twice has two of them for one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakesBack {
    /// Index into the part's changes.
    pub change: u32,
    pub operation: OperationId,
    pub seq: u32,
}

/// One target with its assignment before and after. For sets the agents added and removed follow from the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub target: TargetId,
    /// The lead's name for people; empty where it is not known (or may not be kept: Capillary, section 3).
    pub name: SafeText,
    pub before: Assignment,
    pub after: Assignment,
    /// When the before-value was read; older ones are read again just before sending.
    pub read_at: Option<Timestamp>,
    /// What the vendor's client attached to this target ([`LeadRecord::scope`](super::LeadRecord::scope)).
    #[serde(default, skip_serializing_if = "CompactString::is_empty")]
    pub scope: CompactString,
}

/// A target that the plan leaves alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Skip {
    pub target: TargetId,
    pub name: SafeText,
    pub before: Assignment,
    /// What it would have become.
    pub after: Assignment,
    pub reason: SkipReason,
}

/// Why a target is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Nothing to do: it is already as wanted.
    AlreadyThere,
    Closed,
    Deleted,
    DoNotCall,
    /// The vendor does not have this id.
    NoSuchLead,
    /// The vendor cannot do it, with the sentence.
    NotSupported(String),
    BeforeUnknown,
    /// Changed by someone else since it was shown.
    Drift {
        was: SafeText,
        now: SafeText,
    },
    /// An undo finds that the item was never written, so there is nothing to take back.
    NotWritten,
    /// What is there now could not be read, with the reason: another time it may be.
    Unread(String),
    Other(String),
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyThere => f.write_str("already there"),
            Self::Closed => f.write_str("closed"),
            Self::Deleted => f.write_str("deleted"),
            Self::DoNotCall => f.write_str("do not call"),
            Self::NoSuchLead => f.write_str("no such lead"),
            Self::NotSupported(why) | Self::Unread(why) | Self::Other(why) => f.write_str(why),
            Self::BeforeUnknown => f.write_str("present owner not known"),
            Self::Drift { was, now } => write!(f, "changed by someone else: was {was}, now {now}"),
            Self::NotWritten => f.write_str("was not written, nothing to take back"),
        }
    }
}

/// What a plan costs to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests to the vendor, reads before and after included.
    pub requests: usize,
    /// At the profile's pace.
    pub seconds: f64,
}

impl PlanPart {
    /// Changes alone: nothing is skipped, and there is nothing more to say about them.
    pub fn of(profile: impl Into<ProfileName>, vendor: VendorKind, changes: impl Into<Changes>) -> Self {
        Self {
            profile: profile.into(),
            vendor,
            changes: changes.into(),
            skips: Skips::default(),
            cost: Cost::default(),
            inexact: Vec::new(),
            warnings: Vec::new(),
            takes_back: TakenBack::default(),
            context: None,
        }
    }

    /// Turns every change into a skip: its profile cannot be used or read.
    pub fn leave_alone(&mut self, why: &str) {
        let changes = std::mem::take(&mut self.changes);
        self.skips.extend(changes.iter().map(|change| Skip {
            target: change.target(),
            name: change.name(),
            before: change.before.clone(),
            after: change.after.clone(),
            reason: SkipReason::Unread(why.to_owned()),
        }));
        self.takes_back = TakenBack::default();
        self.inexact.clear();
        self.cost = Cost::default();
    }
}

impl Plan {
    pub fn changes(&self) -> usize {
        self.parts.iter().map(|part| part.changes.len()).sum()
    }

    pub fn skips(&self) -> usize {
        self.parts.iter().map(|part| part.skips.len()).sum()
    }

    pub fn cost(&self) -> Cost {
        self.parts.iter().fold(Cost::default(), |sum, part| Cost {
            requests: sum.requests + part.cost.requests,
            // Profiles run side by side.
            seconds: sum.seconds.max(part.cost.seconds),
        })
    }
}
