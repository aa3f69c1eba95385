//! Signals, as values.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// What the system, the shell or another process wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The window has another size.
    Resized,
    Interrupt,
    /// End, with the signal's number: SIGTERM, SIGHUP, SIGQUIT.
    Terminate(i32),
    /// Stop, as by Ctrl-Z.
    Suspend,
    /// Continued after a stop.
    Continued,
}

/// All signals that mean something here. From its making on they no longer do what they usually do.
pub struct Signals {
    resized: Stream,
    interrupt: Stream,
    terminate: Stream,
    hang_up: Stream,
    quit: Stream,
    suspend: Stream,
    continued: Stream,
}

impl Signals {
    pub fn new() -> io::Result<Self> {
        let raw = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            suspend: raw(Number::TSTP)?,
            continued: raw(Number::CONT)?,
        })
    }

    /// The next signal. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Signal {
        let number = |number: Number| Signal::Terminate(number.as_raw());
        tokio::select! {
            _ = self.terminate.recv() => number(Number::TERM),
            _ = self.hang_up.recv() => number(Number::HUP),
            _ = self.quit.recv() => number(Number::QUIT),
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.suspend.recv() => Signal::Suspend,
            _ = self.continued.recv() => Signal::Continued,
            _ = self.resized.recv() => Signal::Resized,
        }
    }
}
