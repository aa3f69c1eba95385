//! What the person does, as messages for the application: bytes from the terminal become events, events become
//! messages by way of the key map.

pub mod decode;
pub mod event;
pub mod key;
pub mod keymap;
pub mod translate;

pub use decode::Decoder;
pub use event::{Event, Mouse, MouseKind};
pub use key::{Key, KeyCode, KeyError};
pub use keymap::{KeyMap, KeyMapError, Rebinding};
pub use translate::message;
