//! Operations that were cut off before this start: settle them, go on with them, or take them back.

use crate::domain::exchange::Command;
use crate::domain::history::{OperationLife, OperationSummary};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::list::ListCursor;
use super::state::State;

/// The offer.
#[derive(Clone, Debug)]
pub struct InterruptedDialog {
    pub operations: Vec<OperationSummary>,
    pub cursor: ListCursor,
}

impl State {
    /// Offers operations that were cut off. Nothing is done with them unasked. One that was given up is offered only
    /// where that was cut off itself, before anything was read: whoever gave it up need not be asked at every start.
    pub(super) fn offer_interrupted(&mut self, mut operations: Vec<OperationSummary>) {
        operations.retain(|operation| operation.life != OperationLife::GivenUp || operation.tally.sent > 0);
        self.dialogs.retain(|dialog| !matches!(dialog, Dialog::Interrupted(_)));
        if !operations.is_empty() {
            let offer = InterruptedDialog { operations, cursor: ListCursor::default() };
            // Whatever is open already has been asked for by hand.
            self.dialogs.insert(0, Dialog::Interrupted(Box::new(offer)));
        }
    }

    pub(super) fn act_in_interrupted(&mut self, offer: &mut InterruptedDialog, action: Action) -> After {
        let height = usize::from(super::dialog::interrupted_layout(self.size).body.height);
        let current = offer.operations.get(offer.cursor.at).cloned();
        match (action, current) {
            (Action::Back | Action::Accept, _) => return After::Close,
            (Action::Settle | Action::Resume, Some(current)) => {
                self.name_operation(&current, action == Action::Settle);
                self.resume(current.id, action == Action::Settle);
                offer.operations.remove(offer.cursor.at);
            }
            (Action::Undo, Some(current)) => {
                self.plan_undo(Command::PlanUndo { operations: vec![current.id], items: None });
            }
            (Action::GiveUp, Some(current)) => self.ask_to_give_up(&current.id, &current.tally),
            (action, _) => {
                offer.cursor.act(action, offer.operations.len(), height);
            }
        }
        if offer.operations.is_empty() { After::Close } else { After::Stay }
    }
}
