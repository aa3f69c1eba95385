//! Drawing: a pure function from the state to a frame.

use ratatui::Frame;

use crate::app::State;

/// Paints the state. Changes nothing, and touches only what is visible.
pub fn view(_state: &State, _frame: &mut Frame<'_>) {}

/// The part of the screen that scrolls, for terminals that can move lines by themselves: whole rows of the screen, and
/// the index of the first record in them. Two frames with equal `of` show the same records in the same order, so that
/// the rows of one are those of the other, moved by the difference of `top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrolling {
    /// First row and the row after the last.
    pub rows: (u16, u16),
    pub top: usize,
    /// Which records these are.
    pub of: u64,
}

/// What scrolls in the frame of this state; `None` where nothing does (a dialog covers it).
pub fn scrolling(_state: &State) -> Option<Scrolling> {
    None
}
