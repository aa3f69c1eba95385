//! Marking leads: one, a range, all that match. Marks are ids; what the filter hides stays marked.

use std::sync::Arc;

use crate::domain::selection::{LeadKey, Selection};

use super::action::Action;
use super::effect::Effect;
use super::job::{Job, Rows, key_of};
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

/// Up to this many rows are marked within a frame; more of them elsewhere, and the keys that follow wait for it.
const AT_ONCE: usize = 20_000;

/// What becomes of the marks of the rows that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Mark,
    Invert,
}

/// An order to mark rows.
#[derive(Clone, Debug)]
pub struct MarkOrder {
    pub generation: u64,
    /// The marks before.
    from: Arc<Selection>,
    rows: Rows,
    how: How,
}

impl MarkOrder {
    /// The marks after.
    pub fn marked(&self) -> Selection {
        let mut selection = (*self.from).clone();
        let keys = self.rows.rows.iter().filter_map(|row| key_of(&self.rows.snapshot, *row));
        match self.how {
            How::Mark => selection.mark(keys),
            How::Invert => selection.invert(keys),
        }
        selection
    }
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
            Action::MarkAll => self.mark_shown(How::Mark),
            Action::InvertMarks => self.mark_shown(How::Invert),
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

    /// Marks all that match, or turns their marks round: at once where they are few, else in the background.
    fn mark_shown(&mut self, how: How) {
        self.generation += 1;
        let rows = self.leads.shown.rows.clone();
        let order = MarkOrder { generation: self.generation, from: self.leads.selection.clone(), rows, how };
        if order.rows.rows.len() <= AT_ONCE {
            let selection = order.marked();
            self.marks_made(&order, selection);
        } else {
            let all = words::counted(order.rows.rows.len(), "lead");
            self.say(Level::Info, &format!("Marking {all}"));
            self.leads.marking = Some(order.clone());
            self.emit(Effect::Work(Job::Mark(order)));
        }
    }

    /// The marks of many rows are made.
    pub(super) fn marked(&mut self, generation: u64, selection: Selection) {
        let Some(order) = self.leads.marking.take_if(|order| order.generation == generation) else { return };
        if Arc::ptr_eq(&order.from, &self.leads.selection) {
            return self.marks_made(&order, selection);
        }
        // An operation took marks away meanwhile: once more, from what there is now.
        self.generation += 1;
        let again = MarkOrder { generation: self.generation, from: self.leads.selection.clone(), ..order };
        self.leads.marking = Some(again.clone());
        self.emit(Effect::Work(Job::Mark(again)));
    }

    fn marks_made(&mut self, order: &MarkOrder, selection: Selection) {
        let all = words::counted(order.rows.rows.len(), "lead");
        let text = match order.how {
            How::Mark => {
                let added = words::number(selection.len() - order.from.len());
                format!("{added} more marked: all {all} that match")
            }
            How::Invert => format!("The marks of the {all} that match were turned round"),
        };
        self.leads.selection = Arc::new(selection);
        if order.how == How::Mark {
            // Only then the marks are what the query says, and a recipe may say it too.
            let is_all = order.from.is_empty() && !self.filter.asks_for_marks();
            let within = self.list_term().map(|term| format!("{term} ")).unwrap_or_default();
            self.marked_all = is_all.then(|| MarkedAll {
                revision: self.leads.selection.revision(),
                query: format!("{within}{}", self.filter.text().trim()).trim_end().to_owned(),
            });
        }
        self.marks_changed();
        self.say(Level::Info, &text);
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
