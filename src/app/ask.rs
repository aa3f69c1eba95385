//! Small questions that are answered with a line of text: which plan file, since when.

use crate::domain::exchange::Command;
use crate::domain::{SafeText, Timestamp, moment};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::field::TextField;
use super::notices::Level;
use super::state::State;

/// The question.
#[derive(Clone, Debug)]
pub struct Ask {
    pub what: Question,
    pub field: TextField,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The path of a plan file.
    OpenPlan,
    /// Since when everything is to be taken back, and whose.
    UndoSince,
}

impl Question {
    pub fn title(self) -> &'static str {
        match self {
            Self::OpenPlan => "Open a plan",
            Self::UndoSince => "Take back since",
        }
    }

    /// What answering it leads to.
    pub fn answer(self) -> &'static str {
        match self {
            Self::OpenPlan => "open",
            Self::UndoSince => "make the plan",
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::OpenPlan => "The path of a plan file, or the name of one that was saved here:",
            Self::UndoSince => "Everything since this time (14:00, 2h, 2026-11-01T14:00), or by one person: 14:00 jane",
        }
    }
}

impl State {
    pub(super) fn open_ask(&mut self, what: Question, text: &str) {
        self.dialogs.push(Dialog::Ask(Ask { what, field: TextField::new(text) }));
    }

    pub(super) fn act_in_ask(&mut self, ask: &mut Ask, action: Action) -> After {
        match action {
            Action::Back => return After::Close,
            Action::Accept => {}
            _ => return After::Stay,
        }
        let text = ask.field.text().trim().to_owned();
        match ask.what {
            Question::OpenPlan if text.is_empty() => self.say(Level::Info, "The plan file needs a path"),
            Question::OpenPlan => {
                self.read_plan_file(text);
                return After::Close;
            }
            Question::UndoSince => match self.since_and_who(&text) {
                Ok((since, who)) => {
                    self.plan_undo(Command::PlanUndoSince { since, who });
                    return After::Close;
                }
                Err(why) => self.say(Level::Info, &why),
            },
        }
        After::Stay
    }

    /// A time, or a time and a person behind it.
    fn since_and_who(&self, text: &str) -> Result<(Timestamp, Option<SafeText>), String> {
        let time = |text: &str| moment::back(text, self.now, &self.options.zone);
        match (time(text), text.rsplit_once(' ')) {
            (Ok(since), _) => Ok((since, None)),
            (Err(_), Some((since, who))) => Ok((time(since)?, Some(SafeText::new(who.trim())))),
            (Err(why), None) => Err(why),
        }
    }
}
