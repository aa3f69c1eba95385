//! Pure values and rules of dispatching leads: no input, no output, no clock, no randomness.
//!
//! Time comes in as a [`Timestamp`], facts come in as values, and what should happen leaves as values. Everything here
//! can be tested by calling a function and comparing what it returns.

pub mod assignment;
pub mod campaign;
pub mod capabilities;
pub mod distribution;
pub mod exchange;
pub mod fold;
pub mod harmless;
pub mod history;
pub mod history_query;
pub mod ids;
pub mod lead;
pub mod leads;
pub mod links;
pub mod matrix;
pub mod moment;
pub mod operation;
pub mod people;
pub mod plan;
pub mod plan_file;
pub mod planning;
pub mod query;
pub mod ranking;
pub mod recipe;
pub mod safe_text;
pub mod selection;
#[cfg(test)]
pub(crate) mod testing;
pub mod undo;
pub mod view;

pub use assignment::{Agreement, Assignment, Blank, OwnerRef};
pub use capabilities::{
    BatchRule, Capabilities, Exactness, Field, OtherGroup, Pace, ReadBack, Settle, TargetKind, Unassign, UnknownOwner,
    VendorKind,
};
pub use ids::{LeadId, OperationId, PersonId, ProfileName, TargetId};
pub use lead::{LeadFlags, LeadRecord, Lifecycle};
pub use links::{Link, Links};
pub use operation::{ItemState, OperationKind, Tally};
pub use people::{Person, PersonStatus};
pub use plan::{
    Change, ChangeRef, Changes, Cost, Plan, PlanPart, Skip, SkipReason, SkipRef, Skips, TakenBack, TakenBackRef,
    TakesBack,
};
pub use safe_text::{SafeLines, SafeText, Verbatim};

/// A point in time, UTC, as every clock and vendor answer is turned into at the border.
pub use jiff::Timestamp;
