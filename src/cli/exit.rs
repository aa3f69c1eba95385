//! How a command ends: the exit codes of the contract, decided in one place, and failures as sentences.

use std::fmt;
use std::process::ExitCode;

use crate::config::{ConfigError, ConfigErrors};
use crate::domain::Tally;
use crate::domain::exchange::Problem;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All done, or nothing to do.
    Done = 0,
    /// Wrong use, wrong configuration, wrong plan file: nothing was sent.
    WrongUse = 2,
    /// Some items failed or were skipped; the others are done.
    Partly = 3,
    /// None was done.
    Nothing = 4,
    /// The outcome of at least one item is not known yet.
    Unknown = 5,
    /// Not confirmed, over `--max`, or a read-only profile.
    Refused = 6,
    /// Stopped by Ctrl-C.
    Stopped = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What an operation's exit code depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub done: usize,
    pub failed: usize,
    /// Left alone although something was wanted of them; changes by others count here.
    pub skipped: usize,
    /// Skipped because they already are as wanted; not among `skipped`.
    pub already: usize,
    pub not_sent: usize,
    /// On the way, or with an answer that was lost.
    pub unknown: usize,
    /// Somebody pressed Ctrl-C before it was over.
    pub stopped: bool,
}

impl Outcome {
    /// `already`: how many of the skipped ones have nothing to be done.
    pub fn of(tally: &Tally, already: usize, stopped: bool) -> Self {
        Self {
            done: tally.done,
            failed: tally.failed,
            skipped: (tally.skipped + tally.changed_by_others).saturating_sub(already),
            already,
            not_sent: tally.not_sent + tally.planned,
            unknown: tally.unknown + tally.sent,
            stopped,
        }
    }

    /// The exit code of something that was carried out.
    pub fn exit(self) -> Exit {
        let open = self.failed + self.skipped + self.not_sent;
        // Also where all of it was on the way already and was settled: whoever stopped it is told that it was stopped.
        if self.stopped {
            Exit::Stopped
        } else if self.unknown > 0 {
            Exit::Unknown
        } else if self.done == 0 && open > 0 {
            Exit::Nothing
        } else if open > 0 || (self.done > 0 && self.already > 0) {
            Exit::Partly
        } else {
            Exit::Done
        }
    }
}

/// The exit code of a plan that is only shown: `skipped` as in [`Outcome`].
pub fn exit_of_plan(skipped: usize) -> Exit {
    if skipped > 0 { Exit::Partly } else { Exit::Done }
}

/// The worse of two ends, for commands that do several things.
pub fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Done => 0,
        Exit::Partly => 1,
        Exit::Nothing => 2,
        Exit::Refused => 3,
        Exit::WrongUse => 4,
        Exit::Unknown => 5,
        Exit::Stopped => 6,
    };
    match (a, b) {
        // Something was done and something was not.
        (Exit::Done, Exit::Nothing) | (Exit::Nothing, Exit::Done) => Exit::Partly,
        _ if rank(a) >= rank(b) => a,
        _ => b,
    }
}

/// Why a command could not do its work: sentences for people, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    pub fn wrong_use(message: impl Into<String>) -> Self {
        Self::new(Exit::WrongUse, message)
    }

    pub fn nothing(message: impl Into<String>) -> Self {
        Self::new(Exit::Nothing, message)
    }

    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    pub fn stopped() -> Self {
        Self::new(Exit::Stopped, "stopped")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::wrong_use(error.to_string())
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::wrong_use(errors.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::nothing(problem.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_what_happened() {
        let none = Outcome::default();
        for (outcome, exit) in [
            (none, Exit::Done),
            (Outcome { done: 3, ..none }, Exit::Done),
            (Outcome { already: 3, ..none }, Exit::Done),
            (Outcome { done: 3, already: 1, ..none }, Exit::Partly),
            (Outcome { done: 3, failed: 1, ..none }, Exit::Partly),
            (Outcome { done: 3, skipped: 1, ..none }, Exit::Partly),
            (Outcome { done: 3, not_sent: 1, ..none }, Exit::Partly),
            (Outcome { failed: 3, ..none }, Exit::Nothing),
            (Outcome { skipped: 3, ..none }, Exit::Nothing),
            (Outcome { skipped: 1, already: 2, ..none }, Exit::Nothing),
            (Outcome { not_sent: 3, ..none }, Exit::Nothing),
            (Outcome { done: 3, unknown: 1, ..none }, Exit::Unknown),
            (Outcome { done: 3, failed: 1, unknown: 1, ..none }, Exit::Unknown),
            (Outcome { done: 3, not_sent: 2, stopped: true, ..none }, Exit::Stopped),
            (Outcome { done: 3, unknown: 2, stopped: true, ..none }, Exit::Stopped),
            (Outcome { failed: 2, stopped: true, ..none }, Exit::Stopped),
            (Outcome { done: 3, skipped: 2, stopped: true, ..none }, Exit::Stopped),
            // Everything was on the way when it was stopped, and was settled.
            (Outcome { done: 3, stopped: true, ..none }, Exit::Stopped),
        ] {
            assert_eq!(outcome.exit(), exit, "{outcome:?}");
        }
        assert_eq!(exit_of_plan(0), Exit::Done);
        assert_eq!(exit_of_plan(1), Exit::Partly);
    }

    #[test]
    fn an_unsettled_journal_counts_as_it_is() {
        let tally =
            Tally { planned: 1, sent: 2, done: 3, unknown: 4, skipped: 5, changed_by_others: 6, ..Tally::default() };
        let outcome = Outcome::of(&tally, 2, false);
        assert_eq!(
            outcome,
            Outcome { done: 3, failed: 0, skipped: 9, already: 2, not_sent: 1, unknown: 6, stopped: false }
        );
    }

    #[test]
    fn several_ends_make_one() {
        for (a, b, both) in [
            (Exit::Done, Exit::Done, Exit::Done),
            (Exit::Done, Exit::Nothing, Exit::Partly),
            (Exit::Partly, Exit::Nothing, Exit::Nothing),
            (Exit::Unknown, Exit::Partly, Exit::Unknown),
            (Exit::Stopped, Exit::Unknown, Exit::Stopped),
        ] {
            assert_eq!(worse(a, b), both, "{a:?} {b:?}");
            assert_eq!(worse(b, a), both, "{b:?} {a:?}");
        }
        assert_eq!([Exit::Done, Exit::WrongUse, Exit::Refused].map(|exit| exit as u8), [0, 2, 6]);
    }
}
