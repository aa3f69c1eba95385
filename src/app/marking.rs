//! Marking leads: one, a range, all that match. Marks are ids; what the filter hides stays marked.

use std::sync::Arc;

use crate::domain::selection::{LeadKey, Selection};

use super::action::Action;
use super::leads::Why;
use super::notices::Level;
use super::recipe::MarkedAll;
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
            Action::MarkAll => {
                let (shown, before) = (self.leads.shown.clone(), self.leads.selection.len());
                self.change_marks(|marks| marks.mark((0..shown.len()).filter_map(|at| shown.key(at))));
                // Only then the marks are what the query says, and a recipe may say it too.
                let is_all = before == 0 && !self.filter.asks_for_marks();
                self.marked_all = is_all.then(|| MarkedAll {
                    revision: self.leads.selection.revision(),
                    query: self.filter.text().trim().to_owned(),
                });
                let added = words::number(self.leads.selection.len() - before);
                let all = words::counted(shown.len(), "lead");
                self.say(Level::Info, &format!("{added} more marked: all {all} that match"));
            }
            Action::InvertMarks => {
                let shown = self.leads.shown.clone();
                self.change_marks(|marks| marks.invert((0..shown.len()).filter_map(|at| shown.key(at))));
                let all = words::counted(shown.len(), "lead");
                self.say(Level::Info, &format!("The marks of the {all} that match were turned round"));
            }
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

    fn change_marks(&mut self, change: impl FnOnce(&mut Selection)) {
        change(Arc::make_mut(&mut self.leads.selection));
        self.marks_changed();
    }

    /// What is shown depends on the marks where the query asks for them.
    pub(super) fn marks_changed(&mut self) {
        if self.filter.asks_for_marks() {
            self.search(Why::NewLeads);
        }
        self.count_picker_loads();
    }
}

/// An action that only moves the cursor.
pub(super) fn is_move(action: Action) -> bool {
    use Action::*;
    matches!(action, CursorUp | CursorDown | CursorLeft | CursorRight | PageUp | PageDown | First | Last)
}
