//! The engine behind two channels, for the screen.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Engine;
use crate::domain::exchange::{Command, Event};

/// Starts the backend task on the current runtime. It ends after [`Command::Shutdown`], or when `commands` is closed;
/// either way what is in flight is awaited first.
pub fn spawn(_engine: Engine, _commands: mpsc::Receiver<Command>, _events: mpsc::Sender<Event>) -> JoinHandle<()> {
    todo!()
}
