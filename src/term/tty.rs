//! The terminal of this process: taken over, and given back as it was found on every way out.
//!
//! What has to be put back is kept in one place for the whole process, because the ways out are many: the end of the
//! program, an error, a panic (on any thread that draws), a signal, Ctrl-Z.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use super::Capabilities;

/// How the terminal is to be used.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    pub capabilities: Capabilities,
    pub mouse: bool,
}

/// What has to be undone.
struct Entered {
    found: Termios,
    wishes: Wishes,
    /// The thread that draws: when it panics the screen is over.
    thread: ThreadId,
}

static ENTERED: Mutex<Option<Entered>> = Mutex::new(None);

/// Why the screen cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NoTerminal {
    #[error(
        "the screen needs a terminal, and {0} is none; `switchboard --help` lists the commands that work without one"
    )]
    NotATerminal(&'static str),
    #[error("the terminal could not be set up")]
    Failed(#[from] io::Error),
}

fn entered() -> MutexGuard<'static, Option<Entered>> {
    // A panic between lock and unlock leaves nothing half done: the value is replaced whole.
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether there is a terminal to draw on and to read from.
pub fn require() -> Result<(), NoTerminal> {
    if !isatty(io::stdin()) {
        return Err(NoTerminal::NotATerminal("standard input"));
    }
    if !isatty(io::stdout()) {
        return Err(NoTerminal::NotATerminal("standard output"));
    }
    Ok(())
}

/// Columns and rows. Terminals that do not say it get the size that everything fits into.
pub fn size() -> (u16, u16) {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        _ => (80, 24),
    }
}

/// Takes the terminal over: raw mode, the alternate screen, pastes in one piece, reports of mouse and focus.
///
/// Doing it again is harmless: after a stop that was not ours nobody knows what is left of it.
pub fn enter(wishes: Wishes) -> Result<(), NoTerminal> {
    require()?;
    let mut state = entered();
    let again = state.take();
    let found = match &again {
        Some(before) => before.found.clone(),
        None => tcgetattr(io::stdin()).map_err(io::Error::from)?,
    };
    let mut raw = found.clone();
    raw.make_raw();
    *state = Some(Entered { found, wishes, thread: thread::current().id() });
    drop(state);
    // First the mode: a process in the background is stopped here, before it scribbles on someone else's screen.
    let done = tcsetattr(io::stdin(), OptionalActions::Now, &raw)
        .map_err(io::Error::from)
        .and_then(|()| Out.write_all(entering(wishes, again.is_none()).as_bytes()));
    if let Err(error) = done {
        let _ = leave();
        return Err(error.into());
    }
    Ok(())
}

/// Gives the terminal back. Every step is tried, whatever becomes of the others; the first failure is told. Does
/// nothing when the terminal is not ours (any more).
pub fn leave() -> io::Result<()> {
    let Some(Entered { found, wishes, .. }) = entered().take() else { return Ok(()) };
    let mut outcome = Ok(());
    for step in leaving(wishes) {
        let written = Out.write_all(step.as_bytes());
        outcome = outcome.and(written);
    }
    outcome.and(tcsetattr(io::stdin(), OptionalActions::Now, &found).map_err(io::Error::from))
}

/// Whether the thread that asks is the one that draws.
pub(super) fn is_drawing_thread() -> Option<bool> {
    entered().as_ref().map(|entered| entered.thread == thread::current().id())
}

/// Gives the terminal back, stops the process group as Ctrl-Z does, and takes the terminal over again when it is
/// continued.
pub fn suspend(wishes: Wishes) -> io::Result<()> {
    // Without a shell that does job control nobody could ever continue us.
    if getsid(None)? == getpgrp() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no shell to come back from"));
    }
    let left = leave();
    kill_current_process_group(Signal::STOP)?;
    left.and(enter(wishes).map_err(|error| match error {
        NoTerminal::Failed(error) => error,
        other => io::Error::other(other),
    }))
}

fn entering(wishes: Wishes, first: bool) -> String {
    let mut text = String::new();
    if wishes.capabilities.extras && first {
        // Remembers the window's title.
        text.push_str("\x1b[22;2t");
    }
    // The alternate screen, no cursor, pastes between marks; what is too wide for a line stays on it.
    text.push_str("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7l");
    if wishes.capabilities.extras {
        // Reports of the focus.
        text.push_str("\x1b[?1004h");
        if wishes.mouse {
            // Buttons and the wheel, with numbers of any size. Not every movement: that floods a slow line.
            text.push_str("\x1b[?1000h\x1b[?1006h");
        }
    }
    text
}

fn leaving(wishes: Wishes) -> Vec<&'static str> {
    // A frame may have been cut short: its mark, its look and its scroll region come first.
    let mut steps = vec!["\x1b[m\x1b[r"];
    if wishes.capabilities.extras {
        steps.push("\x1b[?2026l");
        if wishes.mouse {
            steps.push("\x1b[?1006l\x1b[?1000l");
        }
        steps.push("\x1b[?1004l");
    }
    steps.push("\x1b[?7h\x1b[?2004l");
    steps.push("\x1b[?1049l\x1b[?25h");
    if wishes.capabilities.extras {
        steps.push("\x1b[23;2t");
    }
    steps
}

/// Standard output without a buffer of its own: whoever writes here has put a whole frame together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let out = io::stdout();
        let out: BorrowedFd<'_> = out.as_fd();
        loop {
            match rustix::io::write(out, bytes) {
                Ok(written) => return Ok(written),
                Err(rustix::io::Errno::INTR) => {}
                // Whoever started us may have left the terminal in non-blocking mode.
                Err(rustix::io::Errno::AGAIN) => {
                    let mut ready = [PollFd::new(&out, PollFlags::OUT)];
                    match poll(&mut ready, None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
