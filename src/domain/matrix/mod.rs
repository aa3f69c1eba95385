//! Who dials what: a campaign's lead lists and agents as a grid, painting over it, and what follows from that.
//!
//! - [`Grid`] is what was read: lists down, agents across, a bit for each pair.
//! - [`Painting`] is what is wanted on top of it. Nothing of it is sent before it became a plan.
//! - [`Sets`] is a mapping without a grid around it: a snapshot, a file, or what was read; two of them can be compared.
//! - [`plan_mappings`] turns wishes into a [`Plan`](super::Plan) for the one engine that writes.

mod bits;
mod brush;
mod exchange;
mod grid;
mod painting;
mod plan;
mod sets;
mod warnings;

pub use bits::CellBits;
pub use brush::{Brush, Restored};
pub use exchange::{MatrixAsk, MatrixTold};
pub use grid::{Cell, Grid, ListHead, Reading, Shift, Totals};
pub use painting::{Painted, Painting};
pub use plan::{Known, MappingRequest, Want, WantedMapping, plan_mappings};
pub use sets::{Difference, ListSet, MappingSnapshot, Sets, SnapshotInfo};
