//! A question with two answers. The safe one has the focus.

use crate::domain::OperationId;

use super::action::Action;
use super::dialog::{After, Dialog};
use super::state::State;

/// The question.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    pub question: String,
    pub safe: &'static str,
    pub risky: &'static str,
    /// The risky answer has the focus.
    pub on_risky: bool,
    pub(super) what: What,
}

/// What the risky answer does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    DeleteView(String),
    Leave,
    /// Leave although a plan waits for its time.
    LeaveWaiting,
    GiveUp(OperationId),
}

impl State {
    pub(super) fn ask(&mut self, question: String, safe: &'static str, risky: &'static str, what: What) {
        self.dialogs.push(Dialog::Confirm(Confirm { question, safe, risky, on_risky: false, what }));
    }

    pub(super) fn act_in_confirm(&mut self, question: &mut Confirm, action: Action) -> After {
        use Action::*;
        match action {
            Back => return After::Close,
            Accept if !question.on_risky => return After::Close,
            Accept => {
                match &question.what {
                    What::DeleteView(name) => self.delete_view(name),
                    What::Leave | What::LeaveWaiting => self.leave(),
                    What::GiveUp(operation) => self.give_up(operation.clone()),
                }
                return After::Close;
            }
            CursorLeft | CursorRight | CursorUp | CursorDown | NextField | PreviousField => {
                question.on_risky = !question.on_risky;
            }
            _ => {}
        }
        After::Stay
    }
}
