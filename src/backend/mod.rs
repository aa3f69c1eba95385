//! The engine behind the screen and the command line: loading, the apply engine, pacing, reading back, cache. Only it
//! talks to vendors and the journal; there is no second path by which a write can reach a vendor.
//!
//! [`Engine`] is the whole of it, as async calls. [`spawn`] puts the same engine behind two channels, commands in and
//! events out, for the screen.

mod engine;
pub mod pace;
mod setup;
mod stop;
mod task;
mod watch;

pub use engine::{ApplyError, Engine, Loaded, Only, ProfileInfo, Report, UndoRequest};
pub use setup::{Clock, ProfileSetup, Setup, Tuning, system_clock};
pub use stop::StopToken;
pub use task::spawn;
pub use watch::Watch;
