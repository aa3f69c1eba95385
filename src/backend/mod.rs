//! The engine behind the screen and the command line: loading, the apply engine, pacing, reading back, cache. Only it
//! talks to vendors and the journal; there is no second path by which a write can reach a vendor.
//!
//! [`Engine`] is the whole of it, as async calls. [`spawn`] puts the same engine behind two channels, commands in and
//! events out, for the screen.

mod again;
mod asking;
mod cache;
mod creating;
mod desk;
mod engine;
mod judge;
mod live;
mod load;
mod matrix;
mod names;
mod operation;
mod operation_id;
mod outbox;
pub mod pace;
mod reader;
mod readings;
mod recheck;
mod reins;
mod resume;
mod scribe;
mod setup;
mod since;
mod stop;
mod task;
mod undo;
mod watch;
mod written;

#[cfg(test)]
mod tests;

pub use creating::Created;
pub use engine::{ApplyError, Engine, ProfileInfo, Report};
pub use load::Loaded;
pub use setup::{Clock, ProfileSetup, Setup, Tuning, system_clock};
pub use since::undoable_since;
pub use stop::StopToken;
pub use task::spawn;
pub use undo::{Only, UndoRequest, WithRedos};
pub use watch::Watch;
