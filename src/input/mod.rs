//! What the person does, as messages for the application: bytes from the terminal become events, events become
//! messages by way of the key map.

pub mod decode;
pub mod event;
pub mod key;

pub use decode::Decoder;
pub use event::{Event, Mouse, MouseKind};
pub use key::{Key, KeyCode, KeyError};
