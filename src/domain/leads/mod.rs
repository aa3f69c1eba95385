//! The leads of a session in columns: small enough for a million rows, cheap to hand around as an immutable snapshot.

pub mod snapshot;
pub mod table;

pub use snapshot::{RowId, Snapshot, SnapshotPart};
pub use table::{LeadTable, OwnerIndex};
