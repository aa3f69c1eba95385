//! Marking leads: one, a range, all that match. Marks are ids; what the filter hides stays marked.

use std::sync::Arc;

use crate::domain::selection::{LeadKey, Selection};

use super::action::Action;
use super::leads::Why;
use super::notices::Level;
use super::state::State;
use super::words;

/// A range that is being chosen: from the anchor to the cursor, both included. Its rows are marked with the next key
/// that does something else than moving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedRange {
    /// The lead the range begins with, so that it is found again after a refresh.
    pub(super) from: LeadKey,
    pub anchor: usize,
    /// Plain moves go on with it too.
    pub(super) sticky: bool,
}

/// A marking of everything that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    All,
    Invert,
}

impl State {
    /// The rows of the range that is being chosen.
    pub fn range_rows(&self) -> Option<std::ops::RangeInclusive<usize>> {
        let range = self.leads.range.as_ref()?;
        let at = self.leads.cursor.at;
        Some(range.anchor.min(at)..=range.anchor.max(at))
    }

    /// Does a marking action. False when it is none.
    pub(super) fn marking(&mut self, action: Action) -> bool {
        match action {
            Action::Mark => {
                if self.leads.range.is_some() {
                    self.close_range();
                } else if let Some(lead) = self.leads.current() {
                    self.change_marks(|marks| marks.toggle(lead));
                    self.move_in_table(Action::CursorDown);
                }
            }
            Action::MarkRange => {
                if self.leads.range.is_some() {
                    self.close_range();
                } else {
                    self.open_range(true);
                }
            }
            Action::ExtendUp | Action::ExtendDown => {
                if self.leads.range.is_none() {
                    self.open_range(false);
                }
                self.move_in_table(if action == Action::ExtendUp { Action::CursorUp } else { Action::CursorDown });
            }
            Action::MarkAll => self.mark_matches_when_found(Marking::All),
            Action::InvertMarks => self.mark_matches_when_found(Marking::Invert),
            Action::ClearMarks => {
                let marked = self.leads.selection.len();
                self.change_marks(Selection::clear);
                self.leads.shown.hidden_marks = 0;
                self.say(Level::Info, &format!("{} unmarked", words::counted(marked, "lead")));
            }
            Action::UndoMark => {
                if Arc::make_mut(&mut self.leads.selection).undo() {
                    // It may have brought back marks of leads that are hidden now: they are counted again.
                    self.search(Why::NewLeads);
                }
            }
            _ => return false,
        }
        true
    }

    fn open_range(&mut self, sticky: bool) {
        if let Some(from) = self.leads.current() {
            self.leads.range = Some(MarkedRange { from, anchor: self.leads.cursor.at, sticky });
        }
    }

    /// Ends a range by marking its rows.
    pub(super) fn close_range(&mut self) {
        let Some(rows) = self.range_rows() else { return };
        self.leads.range = None;
        let keys: Vec<LeadKey> = rows.filter_map(|at| self.leads.shown.key(at)).collect();
        self.change_marks(|marks| marks.mark(keys));
    }

    /// A key that is about to do `action` ends a range that was begun with shift.
    pub(super) fn range_before(&mut self, action: Action) {
        let Some(range) = &self.leads.range else { return };
        let goes_on = match action {
            Action::ExtendUp | Action::ExtendDown | Action::Mark | Action::MarkRange | Action::Back => true,
            Action::Help | Action::Redraw | Action::Suspend | Action::Interrupt | Action::Dismiss => true,
            action if is_move(action) => range.sticky,
            _ => false,
        };
        if !goes_on {
            self.close_range();
        }
    }

    /// Marks what matches the query that was typed last; where it is still being searched for, as soon as it is found.
    fn mark_matches_when_found(&mut self, marking: Marking) {
        if self.leads.search.is_behind() {
            self.leads.search.marking = Some(marking);
        } else {
            self.mark_matches(marking);
        }
    }

    pub(super) fn mark_matches(&mut self, marking: Marking) {
        let shown = self.leads.shown.clone();
        let keys = (0..shown.len()).filter_map(|at| shown.key(at));
        let before = self.leads.selection.len();
        let matches = words::counted(shown.len(), "lead");
        match marking {
            Marking::All => {
                self.change_marks(|marks| marks.mark(keys));
                let added = self.leads.selection.len() - before;
                self.say(Level::Info, &format!("{} marked, all {matches} that match are", words::number(added)));
            }
            Marking::Invert => {
                self.change_marks(|marks| marks.invert(keys));
                self.say(Level::Info, &format!("The marks of {matches} were turned round"));
            }
        }
    }

    fn change_marks(&mut self, change: impl FnOnce(&mut Selection)) {
        change(Arc::make_mut(&mut self.leads.selection));
        self.marks_changed();
    }

    /// What is shown depends on the marks where the query asks for them.
    pub(super) fn marks_changed(&mut self) {
        if self.filter.asks_for_marks() {
            self.search(Why::NewLeads);
        }
    }
}

/// An action that only moves the cursor.
pub(super) fn is_move(action: Action) -> bool {
    use Action::*;
    matches!(action, CursorUp | CursorDown | CursorLeft | CursorRight | PageUp | PageDown | First | Last)
}
