//! The leads of a session in columns: small enough for a million rows, cheap to hand around as an immutable snapshot.

mod bits;
mod bytes;
pub(crate) mod columns;
mod ids;
pub(crate) mod intern;
pub(crate) mod segment;
pub mod snapshot;
pub mod stored;
pub mod table;
#[cfg(test)]
mod tests;
pub(crate) mod texts;

pub use snapshot::{RowId, Snapshot, SnapshotPart};
pub use table::{LeadTable, OwnerIndex};
