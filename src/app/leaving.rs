//! Leaving: what is in flight is awaited, unless the person insists.

use crate::domain::exchange::Command;

use super::confirm::What;
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
                    self.say(Level::Warning, &format!("What waited was dropped: nothing was sent; {key} again leaves"));
                } else if self.operations.running().next().is_none() {
                    self.say(Level::Warning, &format!("Nothing is being sent; {key} again leaves"));
                } else {
                    self.stop(&ids);
                    let words = self.stop_words();
                    self.say(Level::Warning, &format!("Stopping: {words}; {key} again leaves"));
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
                return self.ask(question, "Stay", "Drop it and leave", What::Leave);
            }
            self.leave();
            return;
        }
        let words = self.stop_words();
        let question = format!(
            "{} on the way: {words}. Leaving stops them, and what is in flight is awaited.",
            counted(self.operations.running().count(), "operation")
        );
        self.ask(question, "Stay", "Stop and leave", What::Leave);
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
