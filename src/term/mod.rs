//! The terminal: nothing else touches it. Entered once, left as it was found on every way out, and written to once a
//! frame.

pub mod capabilities;
pub mod clipboard;
pub mod encode;
pub mod screen;
pub mod scroll;

pub use capabilities::{Capabilities, Colours};
pub use screen::{Drawn, Screen};
