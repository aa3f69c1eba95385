//! The question before anything is sent. No is the default, and no answer is a no.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};

use super::exit::Failure;
use super::output::say;
use super::signals::unless_stopped;
use crate::backend::StopToken;

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// There is nobody to ask.
    NobodyThere,
}

/// Asks whether `count` changes are to be sent: `what` is the beginning of the question. From `large` changes on the
/// count itself is to be typed. `stdin_is_taken` where standard input held the ids.
pub async fn ask(
    what: &str,
    count: usize,
    large: usize,
    stdin_is_taken: bool,
    stop: &StopToken,
) -> Result<Answer, Failure> {
    if !std::io::stderr().is_terminal() {
        return Ok(Answer::NobodyThere);
    }
    let Some(terminal) = terminal(stdin_is_taken) else { return Ok(Answer::NobodyThere) };
    let question = question(what, count, large);
    // Nothing may be printed into the line of the question.
    let _ = write!(std::io::stderr().lock(), "{question}");
    // A thread of its own: a read from a terminal cannot be cancelled, and must not hold the end of the program up.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(terminal.take(256)).read_line(&mut line).map(|_| line);
        // Nobody waits any more after Ctrl-C.
        let _ = sender.send(read);
    });
    match unless_stopped(stop, receiver).await {
        Ok(Ok(Ok(line))) => Ok(if is_yes(&line, count, large) { Answer::Yes } else { Answer::No }),
        Ok(_) => Ok(Answer::No),
        Err(stopped) => {
            say("");
            Err(stopped)
        }
    }
}

fn question(what: &str, count: usize, large: usize) -> String {
    if count >= large {
        format!("{what}? Type {count} to go on; anything else cancels: ")
    } else {
        format!("{what}? [y/N] ")
    }
}

/// Whether a typed line means yes. An empty one never does: a pasted line break is no answer.
fn is_yes(line: &str, count: usize, large: usize) -> bool {
    let line = line.trim();
    if count >= large { line == count.to_string() } else { ["y", "Y", "yes", "Yes", "YES"].contains(&line) }
}

/// What a person types: standard input where it is a terminal, the terminal itself where standard input held the ids.
fn terminal(stdin_is_taken: bool) -> Option<Box<dyn Read + Send>> {
    if std::io::stdin().is_terminal() {
        forget_typed_ahead(&std::io::stdin());
        return Some(Box::new(std::io::stdin()));
    }
    if !stdin_is_taken {
        return None;
    }
    let terminal = std::fs::File::open("/dev/tty").ok()?;
    forget_typed_ahead(&terminal);
    Some(Box::new(terminal))
}

/// What was typed before the question was there does not answer it.
#[cfg(unix)]
fn forget_typed_ahead(terminal: &impl std::os::fd::AsFd) {
    if let Err(error) = rustix::termios::tcflush(terminal, rustix::termios::QueueSelector::IFlush) {
        tracing::debug!(%error, "typed-ahead input could not be dropped");
    }
}

#[cfg(not(unix))]
fn forget_typed_ahead<T>(_terminal: &T) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_answer_is_a_yes() {
        for (line, count, yes) in [
            ("y\n", 3, true),
            ("Yes", 3, true),
            ("", 3, false),
            ("\n", 3, false),
            ("n\n", 3, false),
            ("yy\n", 3, false),
            ("3\n", 3, false),
            ("y\n", 50, false),
            ("yes\n", 5_000, false),
            ("5000\n", 5_000, true),
            (" 5000 \r\n", 5_000, true),
            ("5,000\n", 5_000, false),
            ("4999\n", 5_000, false),
            ("\n", 5_000, false),
        ] {
            assert_eq!(is_yes(line, count, 50), yes, "{line:?} for {count}");
        }
        assert_eq!(question("Assign 3 leads", 3, 50), "Assign 3 leads? [y/N] ");
        assert!(question("Assign 50 leads", 50, 50).contains("Type 50 to go on"));
    }
}
