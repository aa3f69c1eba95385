//! What was said to the person: errors stay until they are dismissed, everything can be read again.

use crate::domain::exchange::Problem;
use crate::domain::{SafeText, Timestamp};

/// One thing that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub at: Timestamp,
    pub level: Level,
    pub text: SafeText,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Gone with the next key.
    Info,
    /// Something came out well.
    Done,
    /// Stays until the next notice.
    Warning,
    /// Stays until it is dismissed.
    Error,
}

impl Level {
    /// The word for people, where colours are not enough.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "note",
            Self::Done => "done",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// All notices of the session, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    log: Vec<Notice>,
    /// Errors that are on the screen until dismissed, as places in the log, oldest first.
    open: Vec<usize>,
    /// The newest notice that is no error, while it is on the screen.
    passing: Option<usize>,
}

/// Older notices than this many are forgotten; those in the log file are not.
const MOST: usize = 1000;

impl Notices {
    pub fn log(&self) -> &[Notice] {
        &self.log
    }

    /// The notice on the screen, and how many more errors wait behind it. What was just said goes before errors that
    /// have been read.
    pub fn shown(&self) -> Option<(&Notice, usize)> {
        let newest_error = self.open.last().copied();
        let place = match (self.passing, newest_error) {
            (Some(passing), Some(error)) if passing < error => error,
            (Some(passing), _) => passing,
            (None, error) => error?,
        };
        let behind = self.open.iter().filter(|open| **open != place).count();
        self.log.get(place).map(|notice| (notice, behind))
    }

    /// Some error has not been dismissed.
    pub fn has_errors(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn say(&mut self, at: Timestamp, level: Level, text: &str) {
        if self.log.len() == MOST {
            self.log.remove(0);
            self.open.retain(|place| *place != 0);
            self.open.iter_mut().chain(&mut self.passing).for_each(|place| *place = place.saturating_sub(1));
        }
        // The same error again (every retry of a load says it) is one error.
        let again =
            self.open.last().and_then(|place| self.log.get(*place)).is_some_and(|last| last.text.as_str() == text);
        self.log.push(Notice { at, level, text: SafeText::new(text) });
        let place = self.log.len() - 1;
        if level == Level::Error {
            if again {
                self.open.pop();
            }
            self.open.push(place);
            self.passing = None;
        } else {
            self.passing = Some(place);
        }
    }

    pub(super) fn problem(&mut self, at: Timestamp, problem: &Problem) {
        self.say(at, Level::Error, &problem.to_string());
    }

    /// A key was pressed: what was only mentioned may go.
    pub(super) fn pass(&mut self) {
        self.passing = self.passing.filter(|place| self.log.get(*place).is_some_and(|n| n.level == Level::Warning));
    }

    /// Puts away what is on the screen. False when there is nothing.
    pub(super) fn dismiss(&mut self) -> bool {
        self.passing.take().is_some() || self.open.pop().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(notices: &Notices) -> Option<(&str, usize)> {
        notices.shown().map(|(notice, behind)| (notice.text.as_str(), behind))
    }

    #[test]
    fn errors_stay_until_dismissed_and_the_rest_goes_by() {
        let mut notices = Notices::default();
        notices.say(Timestamp::UNIX_EPOCH, Level::Error, "no network");
        notices.say(Timestamp::UNIX_EPOCH, Level::Error, "no network");
        notices.say(Timestamp::UNIX_EPOCH, Level::Error, "refused");
        notices.say(Timestamp::UNIX_EPOCH, Level::Info, "copied");
        assert_eq!(said(&notices), Some(("copied", 2)));
        notices.pass();
        assert_eq!(said(&notices), Some(("refused", 1)));
        notices.pass();
        assert!(notices.dismiss());
        assert_eq!(said(&notices), Some(("no network", 0)));
        assert!(notices.dismiss());
        assert!(!notices.dismiss());
        assert_eq!(said(&notices), None);
        assert_eq!(notices.log().len(), 4);
    }

    #[test]
    fn the_log_is_bounded() {
        let mut notices = Notices::default();
        for n in 0..MOST + 10 {
            notices.say(Timestamp::UNIX_EPOCH, Level::Error, &n.to_string());
        }
        assert_eq!(notices.log().len(), MOST);
        assert_eq!(said(&notices), Some(("1009", MOST - 1)));
    }
}
