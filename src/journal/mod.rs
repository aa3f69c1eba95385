//! The journal: every operation with its items and before-values, on disk before the first request leaves, for good.
//!
//! Append-only: an item's states are rows that are added, never changed. The newest one counts.

use std::path::Path;

use crate::domain::history::{ItemRow, LeadEvent, OperationPart, OperationSummary};
use crate::domain::selection::LeadKey;
use crate::domain::{Assignment, ItemState, OperationId, OperationKind, Plan, SafeText, Timestamp};

/// An open journal. Cheap to clone; safe to use from several threads and beside other processes.
#[derive(Clone)]
pub struct Journal {}

/// Why the journal could not do what was asked. When it cannot be written, nothing may be sent.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {path} could not be {doing}: {why}")]
    Storage { path: String, doing: &'static str, why: String },
    #[error("the journal {path} was written by a newer Switchboard (format {found}, this one knows {known})")]
    Newer { path: String, found: i64, known: i64 },
    #[error("there is no operation {0}")]
    NoSuchOperation(String),
    #[error("{0} fits several operations: {1}")]
    Ambiguous(String, String),
    /// Another running Switchboard works on it.
    #[error("operation {operation} is being worked on by another Switchboard (process {pid} on {host})")]
    Held { operation: OperationId, pid: u32, host: String },
    #[error("item {seq} of operation {operation} cannot go from {from} to {to}")]
    IllegalMove { operation: OperationId, seq: u32, from: ItemState, to: ItemState },
}

/// A new operation, to be made durable.
pub struct NewOperation<'a> {
    pub id: OperationId,
    pub at: Timestamp,
    pub kind: OperationKind,
    pub reverts: Option<OperationId>,
    pub who: SafeText,
    pub note: Option<SafeText>,
    pub parts: Vec<OperationPart>,
    /// Items are numbered through all parts, in order: the changes of every part first, then the skips of every part.
    pub plan: &'a Plan,
    /// For undo and redo: this operation's item, and the item (operation, seq) that it takes back. One item may take back
    /// several where a target was written more than once.
    pub takes_back: Vec<(u32, OperationId, u32)>,
}

/// One item's move to a new state.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    pub seq: u32,
    pub to: ItemState,
    pub reason: Option<SafeText>,
    /// What was read, where something was.
    pub now: Option<Assignment>,
}

/// The right to work on an operation; given back when dropped, and free again when its process has died.
pub struct Hold {}

impl Journal {
    /// Opens or creates the journal in `folder` (0700; the file 0600). On a network file system it uses the rollback
    /// journal, elsewhere WAL; always `synchronous=FULL`.
    pub fn open(_folder: &Path) -> Result<Self, JournalError> {
        todo!()
    }
    /// Makes an operation durable, with every item `planned` (skips: `skipped` with their reason), and takes hold of it.
    pub fn begin(&self, _operation: &NewOperation<'_>) -> Result<Hold, JournalError> {
        todo!()
    }
    /// Takes hold of an operation to settle or continue it.
    pub fn hold(&self, _operation: &OperationId) -> Result<Hold, JournalError> {
        todo!()
    }
    /// Makes moves durable, all or none. Illegal moves are refused.
    pub fn record(&self, _hold: &Hold, _at: Timestamp, _moves: &[Move]) -> Result<(), JournalError> {
        todo!()
    }
    /// Operations, newest first.
    pub fn operations(&self, _offset: usize, _limit: usize) -> Result<Vec<OperationSummary>, JournalError> {
        todo!()
    }
    pub fn count(&self) -> Result<usize, JournalError> {
        todo!()
    }
    pub fn operation(&self, _id: &OperationId) -> Result<OperationSummary, JournalError> {
        todo!()
    }
    /// The operation whose id is `text` or begins with it.
    pub fn find(&self, _text: &str) -> Result<OperationSummary, JournalError> {
        todo!()
    }
    /// Items in order of `seq`, with their newest state.
    pub fn items(&self, _id: &OperationId, _offset: usize, _limit: usize) -> Result<Vec<ItemRow>, JournalError> {
        todo!()
    }
    /// Items that were done and not taken back since: what an undo of this operation covers.
    pub fn undoable_items(&self, _id: &OperationId) -> Result<Vec<ItemRow>, JournalError> {
        todo!()
    }
    /// The newest operation with something to take back; `redo`: the newest undo with something to take back.
    pub fn newest_undoable(&self, _redo: bool) -> Result<Option<OperationSummary>, JournalError> {
        todo!()
    }
    /// Operations with unsettled items that nobody holds.
    pub fn interrupted(&self) -> Result<Vec<OperationSummary>, JournalError> {
        todo!()
    }
    /// Everything this journal knows about a lead, newest first.
    pub fn lead_events(&self, _lead: &LeadKey, _limit: usize) -> Result<Vec<LeadEvent>, JournalError> {
        todo!()
    }
    /// The owner this journal last wrote for a lead and knows by id, where the vendor reveals only names.
    pub fn last_known_owner(&self, _lead: &LeadKey) -> Result<Option<Assignment>, JournalError> {
        todo!()
    }
}
