//! Reading the terminal on a thread of its own, so that nothing else ever waits for a key.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

/// Pieces that wait to be looked at; more than a person can type, few enough for a paste not to fill the memory.
const MOST_WAITING: usize = 64;

const LONGEST_PIECE: usize = 4096;

/// What is typed, until this is dropped: from then on it belongs to whoever reads the terminal next.
pub struct Reader {
    pieces: mpsc::Receiver<Vec<u8>>,
    /// Closing it wakes the thread up for its end.
    _open: PipeWriter,
}

impl Reader {
    /// Starts reading standard input.
    pub fn start() -> io::Result<Self> {
        let (pieces, receiver) = mpsc::channel(MOST_WAITING);
        let (closed, open) = io::pipe()?;
        // The thread is not joined: a person may be holding it up with a full channel.
        thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Some(piece) = read_piece(&closed) {
                if pieces.blocking_send(piece).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { pieces: receiver, _open: open })
    }

    /// The next bytes; `None` when there will be none any more. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.pieces.recv().await
    }
}

/// The next bytes; `None` when there will be none any more (the window was closed, the line was cut), or nobody wants
/// them.
fn read_piece(closed: &PipeReader) -> Option<Vec<u8>> {
    let input = io::stdin();
    let input = input.as_fd();
    let mut piece = vec![0; LONGEST_PIECE];
    loop {
        let mut ready = [PollFd::new(&input, PollFlags::IN), PollFd::new(closed, PollFlags::IN)];
        match poll(&mut ready, None) {
            Err(Errno::INTR) => continue,
            Err(error) => {
                tracing::warn!(%error, "waiting for the terminal failed");
                return None;
            }
            Ok(_) if !ready[1].revents().is_empty() => return None,
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
