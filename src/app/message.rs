//! Everything that can happen to the state.

use std::sync::Arc;

use crate::domain::exchange::Event;
use crate::domain::query::SearchResult;
use crate::domain::selection::Selection;
use crate::domain::{Plan, Timestamp};

use super::action::Action;
use super::job::{Counts, Lane, LoadsOf, Review};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key, a click on a hint, or the palette asked for this.
    Act(Action),
    /// A printable key where text is typed ([`Context::takes_text`](super::Context::takes_text)).
    Type(char),
    /// An editing key where text is typed.
    Edit(Edit),
    /// A text from the terminal's clipboard. It is never taken for keys: a line break in it confirms nothing.
    Paste(String),
    /// The mouse selects and scrolls, nothing else.
    Mouse(Mouse),
    /// A key without a meaning where it was pressed, as the person reads it.
    Unbound(String),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// What time it is. Comes before any message that needs it, and once a second while [`State::needs_clock`]
    /// (super::State::needs_clock) says so.
    Now(Timestamp),
    /// A frame was painted. Sent after each frame for which [`State::awaits_paint`](super::State::awaits_paint) was
    /// true: a plan can only be confirmed once it has been on the screen.
    Painted,
    Backend(Box<Event>),
    Searched(SearchResult),
    /// The search of this generation came to no end, by a mistake of ours that was told apart.
    SearchFailed {
        generation: u64,
    },
    /// A [`Job::MakePlan`](super::Job::MakePlan) or [`Job::Review`](super::Job::Review) is done.
    Planned {
        generation: u64,
        plan: Arc<Plan>,
        review: Arc<Review>,
    },
    /// A [`Job::Mark`](super::Job::Mark) is done.
    Marked {
        generation: u64,
        selection: Selection,
    },
    /// A job came to no end, by a mistake of ours that was told apart.
    WorkFailed(Lane),
    /// A [`Job::CountViews`](super::Job::CountViews) is done.
    Counted(Counts),
    /// A [`Job::CountLoads`](super::Job::CountLoads) is done.
    LoadsCounted {
        generation: u64,
        loads: LoadsOf,
    },
    /// The clipboard took the text, or did not, with the reason.
    Copied(Result<(), String>),
    /// A file was written (its path) or not (the reason).
    FileSaved(Result<String, String>),
    /// A file was read, or not (the reason).
    FileRead(Result<Arc<Vec<u8>>, String>),
    /// The configuration took the saved views (the file's path) or not (the reason).
    ViewSaved(Result<String, String>),
    Signal(Signal),
    /// Back in the foreground after [`Effect::Suspend`](super::Effect::Suspend).
    Resumed,
}

/// Changes of a text field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    Left,
    Right,
    WordLeft,
    WordRight,
    Start,
    End,
    DeleteBefore,
    DeleteAfter,
    DeleteWordBefore,
    /// Everything before the caret.
    DeleteToStart,
    /// Everything after the caret.
    DeleteToEnd,
}

/// What the mouse did, in cells of the screen from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    Click { column: u16, row: u16 },
    ScrollUp { column: u16, row: u16 },
    ScrollDown { column: u16, row: u16 },
}

/// The system wants something of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT from outside: as [`Action::Interrupt`].
    Interrupt,
    /// SIGTERM or SIGHUP: leave now; what is in flight is awaited.
    Terminate,
}
