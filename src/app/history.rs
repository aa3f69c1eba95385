//! The history: all operations of the journal, newest first.

use crate::domain::exchange::Command;
use crate::domain::history::{OperationLife, OperationSummary};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::list::ListCursor;
use super::operation::OperationView;
use super::state::State;
use super::window::{WINDOW, Window};

/// The history pane.
#[derive(Clone, Debug, Default)]
pub struct HistoryPane {
    pub operations: Window<OperationSummary>,
    pub cursor: ListCursor,
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
    let unsent = if summary.life == OperationLife::GivenUp { 0 } else { tally.not_sent + tally.planned };
    summary.life != OperationLife::Running && tally.unknown + tally.sent + unsent > 0
}

impl State {
    pub(super) fn wish_for_operations(&mut self, pane: &mut HistoryPane, height: usize) {
        if let Some(offset) = pane.operations.wish(pane.cursor.top, height) {
            self.emit(Effect::Send(Command::History { offset, limit: WINDOW }));
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
        for dialog in &mut self.dialogs {
            if let Dialog::History(pane) = dialog {
                pane.operations.arrived(offset, total, operations);
                return;
            }
        }
    }

    pub(super) fn act_in_history(&mut self, pane: &mut HistoryPane, action: Action) -> After {
        let height = usize::from(super::dialog::history_layout(self.size).body.height);
        let current = pane.current().cloned();
        match (action, current) {
            (Action::Back, _) => return After::Close,
            (Action::Accept, Some(current)) => {
                self.dialogs.push(Dialog::Operation(Box::new(OperationView::new(current.id.clone(), Some(current)))));
            }
            (Action::Undo, Some(current)) => {
                self.plan_undo(Command::PlanUndo { operations: vec![current.id], items: None });
            }
            (Action::Redo, _) => self.plan_undo(Command::PlanNewestUndo { redo: true }),
            (Action::Retry, Some(current)) => {
                let mut view = OperationView::new(current.id.clone(), Some(current.clone()));
                view.retry = true;
                self.dialogs.push(Dialog::Operation(Box::new(view)));
                self.gather(current.id);
            }
            (Action::Resume | Action::Settle, Some(current)) => {
                self.name_operation(&current);
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
