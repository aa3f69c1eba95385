//! Reading the terminal on a thread of its own, so that nothing else ever waits for a key.

use std::io;
use std::os::fd::AsFd;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

/// Pieces that wait to be looked at; more than a person can type, few enough for a paste not to fill the memory.
const MOST_WAITING: usize = 64;

const LONGEST_PIECE: usize = 4096;

/// Starts reading standard input. The channel ends when the terminal is gone.
pub fn start() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (pieces, receiver) = mpsc::channel(MOST_WAITING);
    // The thread is not joined: it may sit in a read until the process ends.
    thread::Builder::new().name("terminal".into()).spawn(move || {
        while let Some(piece) = read_piece() {
            if pieces.blocking_send(piece).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// The next bytes; `None` when there will be none any more (the window was closed, the line was cut).
fn read_piece() -> Option<Vec<u8>> {
    let input = io::stdin();
    let input = input.as_fd();
    let mut piece = vec![0; LONGEST_PIECE];
    loop {
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            Err(error) => {
                tracing::warn!(%error, "waiting for the terminal failed");
                return None;
            }
            Ok(_) => {}
        }
        match rustix::io::read(input, &mut piece) {
            Ok(0) => return None,
            Ok(length) => {
                piece.truncate(length);
                return Some(piece);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => {
                tracing::warn!(%error, "the terminal is gone");
                return None;
            }
        }
    }
}
