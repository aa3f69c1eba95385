//! What the journal knows, as values for the screen and the command line.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::assignment::Assignment;
use super::capabilities::VendorKind;
use super::ids::{OperationId, ProfileName, TargetId};
use super::operation::{ItemState, OperationKind, Tally};
use super::plan::Change;
use super::safe_text::SafeText;

/// One operation with its counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationSummary {
    pub id: OperationId,
    pub at: Timestamp,
    pub kind: OperationKind,
    /// What an undo or redo takes back: of several operations the newest.
    pub reverts: Option<OperationId>,
    /// All operations of which it takes something back, newest first.
    pub reverts_all: Vec<OperationId>,
    /// The person at this computer, `user@host`.
    pub who: SafeText,
    pub note: Option<SafeText>,
    pub parts: Vec<OperationPart>,
    pub tally: Tally,
    /// Items that can be taken back: they were done, or a part of them was, no later operation took them back, and it is
    /// known what was there before.
    pub undoable: usize,
    /// Items that were done and not taken back, of which it is not known what was there before.
    pub no_way_back: usize,
    /// Items that a later operation took back.
    pub taken_back: usize,
    /// Redos of nothing but this operation that did some of it again after it was taken back, and that stand: oldest first.
    pub redos: Vec<OperationId>,
    pub life: OperationLife,
}

impl OperationSummary {
    /// Items that stand as they were written: what an undo looks at, and explains where it cannot put it back.
    pub fn standing(&self) -> usize {
        self.undoable + self.no_way_back
    }

    /// All that has to be taken back for what this operation wrote to be gone: the redos that did it again, and it itself
    /// as far as it stands. Empty where nothing is left to take back.
    pub fn to_take_back(&self) -> Vec<OperationId> {
        let itself = (self.standing() > 0).then(|| self.id.clone());
        self.redos.iter().cloned().chain(itself).collect()
    }

    /// What happened to an operation of which nothing more is sent: somebody gave it up, or took something of it back, and
    /// the rest would bring again what was not wanted any more.
    pub fn over_by(&self) -> Option<&'static str> {
        match self.life {
            OperationLife::GivenUp => Some("given up"),
            _ if self.taken_back > 0 => Some("taken back"),
            _ => None,
        }
    }

    /// `20261119-085900-zz9y and 2 more`: what it takes back, where it does.
    pub fn takes_back(&self) -> Option<String> {
        let newest = self.reverts.as_ref()?;
        Some(match self.reverts_all.len() {
            0 | 1 => newest.to_string(),
            all => format!("{newest} and {} more", all - 1),
        })
    }
}

/// The profile an operation went to, as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationPart {
    pub profile: ProfileName,
    pub vendor: VendorKind,
    /// Where it went: an undo to another place is refused.
    pub base_url: String,
    /// What the vendor's client needs again at undo: kenbun's organizational unit. Opaque JSON.
    pub context: serde_json::Value,
}

/// Whether somebody still works on an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationLife {
    /// A running process holds it: this one or another on this host.
    Running,
    /// Cut off: items are planned, sent or unknown, and nobody works on them.
    Interrupted,
    /// Somebody decided not to go on with it: what was not sent never will be, what is unknown may still be settled.
    GivenUp,
    Ended,
}

/// One item of an operation with its newest state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    /// Position in its operation, from 0.
    pub seq: u32,
    /// Index into the operation's parts.
    pub part: u32,
    pub profile: ProfileName,
    pub target: TargetId,
    pub name: SafeText,
    pub was: Assignment,
    pub wrote: Assignment,
    /// What was read last after the write, where it was read.
    pub now: Option<Assignment>,
    pub state: ItemState,
    pub reason: Option<SafeText>,
    pub scope: String,
}

impl ItemRow {
    /// The change that it was, for as much as the journal knows of it.
    pub fn into_change(self) -> Change {
        Change {
            target: self.target,
            name: self.name,
            before: self.was,
            after: self.wrote,
            read_at: None,
            scope: self.scope.into(),
        }
    }
}

/// One thing that happened to a lead, for its detail page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadEvent {
    pub operation: OperationId,
    pub at: Timestamp,
    pub who: SafeText,
    pub kind: OperationKind,
    pub was: Assignment,
    pub wrote: Assignment,
    pub state: ItemState,
    pub reason: Option<SafeText>,
}

/// A lead that an operation wrote, or may have written, lately.
#[derive(Clone, Debug, PartialEq)]
pub struct Touch {
    pub profile: ProfileName,
    pub target: TargetId,
    pub at: Timestamp,
    pub who: SafeText,
}

/// Which operations a page of history shows. Everything that is set must fit; an empty filter lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// The person who started it: `user@host` or `user`, in full, upper or lower case.
    pub who: Option<SafeText>,
    /// A person whom some item found or wrote: an id or a full name, upper or lower case.
    pub owner: Option<String>,
    /// An item's target by its id.
    pub lead: Option<TargetId>,
    pub profile: Option<ProfileName>,
    pub vendor: Option<VendorKind>,
    /// One of these kinds; empty for all.
    pub kinds: Vec<OperationKind>,
    /// With at least one item in one of these states; empty for all.
    pub states: Vec<ItemState>,
    /// Begun at or after this time.
    pub since: Option<Timestamp>,
    /// Begun before this time.
    pub until: Option<Timestamp>,
}

/// Operations from this time on stay in a history of that length.
pub fn kept_from(now: Timestamp, retention: std::time::Duration) -> Timestamp {
    now.checked_sub(retention).unwrap_or(Timestamp::MIN)
}

impl HistoryFilter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
