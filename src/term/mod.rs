//! The terminal: nothing else touches it. Entered once, left as it was found on every way out, and written to once a
//! frame.

pub mod capabilities;
pub mod clipboard;
pub mod encode;
pub mod looks;
pub mod panic;
pub mod reader;
pub mod screen;
pub mod scroll;
pub mod signals;
pub mod surface;
pub mod tty;

pub use capabilities::{Capabilities, Colours};
pub use screen::{Drawn, Screen};
pub use signals::{Signal, Signals};
pub use surface::{Surface, Terminal, View};
pub use tty::{NoTerminal, Wishes};
