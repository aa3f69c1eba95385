//! Leaving: what is in flight is awaited, unless the person insists.

use crate::domain::exchange::Command;

use super::confirm::What;
use super::dialog::Dialog;
use super::effect::Effect;
use super::notices::Level;
use super::state::State;
use super::words::counted;

/// How far the way out is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    #[default]
    No,
    /// Ctrl-C was pressed once.
    Warned,
    /// The backend was told to end and awaits what is in flight.
    Awaiting,
    Done,
}

impl State {
    /// Ctrl-C: once stops handing out new work, twice leaves, and once more does not even wait.
    pub(super) fn interrupt(&mut self) {
        match self.leaving {
            Leaving::No => {
                self.leaving = Leaving::Warned;
                // What waits for its time is not sent any more.
                let dropped = self.drop_waiting();
                let ids = self.stoppable();
                let key = self.keys.label(self.context(), super::Action::Interrupt).unwrap_or("ctrl-c").to_owned();
                if dropped && self.operations.running().next().is_none() {
                    self.say(Level::Warning, &format!("{key} again leaves; what waited was dropped: nothing was sent"));
                } else if self.operations.running().next().is_none() {
                    self.say(Level::Warning, &format!("{key} again leaves; nothing is being sent"));
                } else {
                    self.stop(&ids);
                    let words = self.stop_words();
                    self.say(Level::Warning, &format!("Stopping, {key} again leaves: {words}"));
                }
            }
            Leaving::Warned => self.leave(),
            Leaving::Awaiting => self.gone(),
            Leaving::Done => {}
        }
    }

    /// The person wants to leave: asked again only while something is being sent.
    pub(super) fn quit(&mut self) {
        if self.operations.running().next().is_none() {
            if let Some(waiting) = self.waiting_plans.first() {
                let question = format!("{} waits for its time. Leaving drops it: it is not sent.", waiting.title);
                return self.ask(question, "Stay", "Drop it and leave", What::LeaveWaiting);
            }
            self.leave();
            return;
        }
        let (question, answer) = self.leaving_question();
        self.ask(question, "Stay", answer, What::Leave);
    }

    /// What is asked while something is being sent, and the answer that leaves.
    fn leaving_question(&self) -> (String, &'static str) {
        match self.operations.running().count() {
            0 => ("Everything that was on the way has ended.".to_owned(), "Leave"),
            running => {
                let words = self.stop_words();
                let running = counted(running, "operation");
                let question =
                    format!("{running} on the way: {words}. Leaving stops them, and what is in flight is awaited.");
                (question, "Stop and leave")
            }
        }
    }

    /// The question stays true while it is on the screen.
    pub(super) fn leaving_question_follows(&mut self) {
        let (question, answer) = self.leaving_question();
        for dialog in &mut self.dialogs {
            if let Dialog::Confirm(confirm) = dialog
                && confirm.what == What::Leave
            {
                (confirm.question, confirm.risky) = (question.clone(), answer);
            }
        }
    }

    pub(super) fn leave(&mut self) {
        if matches!(self.leaving, Leaving::Awaiting | Leaving::Done) {
            return;
        }
        self.leaving = Leaving::Awaiting;
        let (in_flight, _) = self.operations.at_work();
        if in_flight > 0 {
            self.say(Level::Warning, &format!("Leaving: {} in flight awaited", counted(in_flight, "item")));
        }
        self.emit(Effect::Send(Command::Shutdown));
    }

    pub(super) fn gone(&mut self) {
        self.leaving = Leaving::Done;
        self.emit(Effect::Quit);
    }

    /// The person left and nothing is in flight: the loop may end.
    pub fn is_done(&self) -> bool {
        self.leaving == Leaving::Done
    }
}
