//! One line on standard error that says how far something is, where standard error is a terminal.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::output::table;

/// A line that replaces itself. Clones write the same line.
#[derive(Clone)]
pub struct Progress(Option<Arc<Mutex<String>>>);

impl Progress {
    /// Shows nothing where there is no terminal, or where nothing may move.
    pub fn new(plain: bool) -> Self {
        let shown = !plain && std::io::stderr().is_terminal();
        Self(shown.then(|| Arc::new(Mutex::new(String::new()))))
    }

    /// For work that nobody watches.
    pub fn none() -> Self {
        Self(None)
    }

    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    pub fn show(&self, text: &str) {
        let Some(shown) = &self.0 else { return };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        // Some terminals do not tell their size, or say that they have none.
        let columns = crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns));
        let room = if columns == 0 { 79 } else { columns - 1 };
        let text = table::cut(text, room);
        if *shown != text {
            // Nobody reads it any more: then nothing is lost either.
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K{text}");
            *shown = text;
        }
    }

    /// Takes the line away, so that other text can be printed.
    pub fn clear(&self) {
        let Some(shown) = &self.0 else { return };
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.is_empty() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
            shown.clear();
        }
    }
}
