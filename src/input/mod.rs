//! What the person does, as messages for the application: bytes from the terminal become events, events become
//! messages by way of the key map.

pub mod key;

pub use key::{Key, KeyCode, KeyError};
