//! What should happen in the world, as values.

use crate::domain::exchange::Command;
use crate::domain::query::SearchRequest;
use crate::domain::view::SavedView;
use crate::domain::{SafeLines, SafeText};

use super::job::Job;

/// One thing that the runtime is to do.
#[derive(Clone, Debug)]
pub enum Effect {
    Send(Command),
    /// Search in the background; a newer one makes the older stop. Answered by
    /// [`Message::Searched`](super::Message::Searched).
    Search(SearchRequest),
    /// Compute something in the background; a newer job of the same [`Lane`](super::job::Lane) makes the older stop.
    Work(Job),
    /// Put this on the clipboard; answered by [`Message::Copied`](super::Message::Copied).
    Copy(SafeLines),
    /// Write this into a new private file of the data folder; answered by
    /// [`Message::FileSaved`](super::Message::FileSaved).
    SaveFile {
        /// The file's name without its folder; made unique by the runtime.
        name: String,
        text: String,
    },
    /// Read the file of this name; answered by [`Message::FileRead`](super::Message::FileRead).
    ReadFile(String),
    /// Put this view into the configuration, in place of the one of the same name; answered by
    /// [`Message::ViewSaved`](super::Message::ViewSaved).
    SaveView(SavedView),
    /// Take the view of this name out of the configuration; answered by
    /// [`Message::ViewSaved`](super::Message::ViewSaved).
    DeleteView(String),
    /// The window's title.
    Title(SafeText),
    /// Paint everything again, whatever the terminal shows.
    Repaint,
    /// Give the terminal back and stop, as by Ctrl-Z.
    Suspend,
    /// Leave. Nothing is in flight any more, or the person insisted.
    Quit,
}
