//! What a terminal tells about the person in front of it.

use super::Key;

/// One thing that the person (or the terminal for them) did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Key(Key),
    /// Text that was pasted, in one piece. Its line breaks are text, never an Enter.
    Paste(String),
    Mouse(Mouse),
    /// The terminal window came to the front, or went to the back.
    Focus(bool),
    Resize {
        width: u16,
        height: u16,
    },
}

/// A click or a turn of the wheel. Columns and rows count from 0 at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    pub kind: MouseKind,
    pub column: u16,
    pub row: u16,
}

/// What the mouse did. Releases, movements and other buttons mean nothing here and are not reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    Click,
    /// A click with shift, alt or ctrl held.
    ExtendedClick,
    WheelUp,
    WheelDown,
}
