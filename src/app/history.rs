//! The history: all operations of the journal, newest first.

use crate::domain::exchange::Command;
use crate::domain::history::{HistoryFilter, OperationLife, OperationSummary};
use crate::domain::{OperationKind, history_query};

use super::action::Action;
use super::ask::Question;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::field::TextField;
use super::list::ListCursor;
use super::operation::OperationView;
use super::state::State;
use super::window::{WINDOW, Window};

/// The history pane.
#[derive(Clone, Debug, Default)]
pub struct HistoryPane {
    pub operations: Window<OperationSummary>,
    pub cursor: ListCursor,
    /// Only operations that fit: as typed, as understood, and what is wrong with it.
    pub field: TextField,
    pub filter: HistoryFilter,
    pub error: Option<String>,
    /// The filter has the focus.
    pub is_typing: bool,
}

impl HistoryPane {
    /// The operation under the cursor.
    pub fn current(&self) -> Option<&OperationSummary> {
        self.operations.get(self.cursor.at)
    }
}

/// The operation has items that are not known or may still be sent, and nobody works on it.
pub fn is_open(summary: &OperationSummary) -> bool {
    let tally = summary.tally;
    let unsent = if summary.over_by().is_some() { 0 } else { tally.not_sent + tally.planned };
    summary.life != OperationLife::Running && tally.unknown + tally.sent + unsent > 0
}

impl State {
    pub(super) fn wish_for_operations(&mut self, pane: &mut HistoryPane, height: usize) {
        if let Some(offset) = pane.operations.wish(pane.cursor.top, height) {
            let filter = pane.filter.clone();
            self.emit(Effect::Send(match filter.is_empty() {
                true => Command::History { offset, limit: WINDOW },
                false => Command::HistoryWhere { filter, offset, limit: WINDOW },
            }));
        }
    }

    /// Operations have begun or ended: an open history reads them again.
    pub(super) fn history_changed(&mut self) {
        for dialog in &mut self.dialogs {
            if let Dialog::History(pane) = dialog {
                pane.operations.outdate();
            }
        }
    }

    pub(super) fn history_arrived(&mut self, operations: Vec<OperationSummary>, total: usize, offset: usize) {
        self.history_found(&HistoryFilter::default(), operations, total, offset);
    }

    /// An answer to another question than the newest is dropped.
    pub(super) fn history_found(
        &mut self,
        filter: &HistoryFilter,
        operations: Vec<OperationSummary>,
        total: usize,
        offset: usize,
    ) {
        for dialog in &mut self.dialogs {
            if let Dialog::History(pane) = dialog
                && pane.filter == *filter
            {
                let current = pane.current().map(|operation| operation.id.clone());
                pane.operations.arrived(offset, total, operations);
                // What is newer pushes the others down: a key means the operation that was seen under the cursor.
                let there = current.and_then(|id| pane.operations.position(|operation| operation.id == id));
                if let Some(at) = there {
                    pane.cursor.top = (pane.cursor.top + at).saturating_sub(pane.cursor.at);
                    pane.cursor.at = at;
                }
                return;
            }
        }
    }

    /// The filter was changed: what it asks for is read anew.
    pub(super) fn history_typed(&mut self) {
        let (now, zone) = (self.now, self.options.zone.clone());
        let Some(Dialog::History(pane)) = self.dialogs.last_mut() else { return };
        match history_query::parse(pane.field.text(), now, &zone) {
            Ok(filter) => {
                pane.error = None;
                if filter != pane.filter {
                    pane.filter = filter;
                    pane.operations = Window::default();
                    pane.cursor = ListCursor::default();
                }
            }
            // What is understood so far stays on the screen while the rest is being typed.
            Err(why) => pane.error = Some(why),
        }
    }

    pub(super) fn act_in_history(&mut self, pane: &mut HistoryPane, action: Action) -> After {
        let height = usize::from(super::dialog::history_layout(self.size).body.height);
        let current = pane.current().cloned();
        match (action, current) {
            (Action::Back | Action::Accept | Action::NextField, _) if pane.is_typing => pane.is_typing = false,
            (Action::Filter, _) => pane.is_typing = true,
            (Action::Back, _) => return After::Close,
            (Action::UndoSince, current) => {
                let at = current.map(|operation| operation.at.to_zoned(self.options.zone.clone()));
                let text = at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default();
                self.open_ask(Question::UndoSince, &text);
            }
            (Action::Accept, Some(current)) => {
                self.dialogs.push(Dialog::Operation(Box::new(OperationView::new(current.id.clone(), Some(current)))));
            }
            (Action::Undo, Some(current)) => {
                self.plan_undo(Command::PlanUndo { operations: vec![current.id], items: None });
            }
            (Action::Redo, _) => self.plan_undo(Command::PlanNewestUndo { redo: true }),
            (Action::Retry, Some(current)) if current.kind == OperationKind::Map => self.plan_lists_again(current.id),
            (Action::Retry, Some(current)) => {
                let mut view = OperationView::new(current.id.clone(), Some(current.clone()));
                view.retry = true;
                self.dialogs.push(Dialog::Operation(Box::new(view)));
                self.gather(current.id);
            }
            (Action::Resume | Action::Settle, Some(current)) => {
                self.name_operation(&current, action == Action::Settle);
                self.resume(current.id, action == Action::Settle);
            }
            (Action::GiveUp, Some(current)) => self.ask_to_give_up(&current.id, &current.tally),
            (action, _) => {
                pane.cursor.act(action, pane.operations.len(), height);
            }
        }
        After::Stay
    }
}
