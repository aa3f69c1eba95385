//! Where events come from: the keyboard and the signals of this process, or a channel in a test.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::input::decode::Pending;
use crate::input::{Decoder, Event};
use crate::term::reader::Reader;
use crate::term::{Signal, Signals};

/// Something from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    Input(Event),
    Signal(Signal),
    /// The terminal is gone: nobody can see or type anything any more.
    Gone,
}

/// Something that tells what happens outside.
pub trait Source {
    /// The next thing. May be dropped while it waits: nothing is lost.
    fn next(&mut self) -> impl Future<Output = Outside>;
}

/// A test types by sending into the channel; when it is closed the terminal is gone.
impl Source for mpsc::UnboundedReceiver<Outside> {
    async fn next(&mut self) -> Outside {
        self.recv().await.unwrap_or(Outside::Gone)
    }
}

/// How long a lone escape byte waits for the rest of a sequence: longer than a packet is torn apart on its way, shorter
/// than a person waits for Esc.
const ESCAPE_WAIT: Duration = Duration::from_millis(50);

/// How long a sequence that has begun waits for its end: nobody types that, so there is time.
const SEQUENCE_WAIT: Duration = Duration::from_millis(500);

/// The terminal and the signals of this process.
pub struct Process {
    reader: Reader,
    decoder: Decoder,
    decoded: VecDeque<Event>,
    signals: Signals,
}

impl Process {
    /// Starts listening.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            reader: Reader::start()?,
            decoder: Decoder::default(),
            decoded: VecDeque::new(),
            signals: Signals::new()?,
        })
    }

    /// Leaves what is typed from now on to others, and goes on listening to signals.
    pub fn into_signals(self) -> Signals {
        self.signals
    }
}

/// The next event of the terminal; `None` when it is gone.
async fn typed(
    mut next_piece: impl AsyncFnMut() -> Option<Vec<u8>>,
    decoder: &mut Decoder,
    decoded: &mut VecDeque<Event>,
) -> Option<Event> {
    loop {
        if let Some(event) = decoded.pop_front() {
            return Some(event);
        }
        let wait = match decoder.pending() {
            Pending::Nothing => Duration::MAX,
            Pending::Escape => ESCAPE_WAIT,
            Pending::Sequence => SEQUENCE_WAIT,
        };
        let mut events = Vec::new();
        match timeout(wait, next_piece()).await {
            Ok(Some(piece)) => decoder.feed(&piece, &mut events),
            Ok(None) => return None,
            Err(_) => decoder.give_up(&mut events),
        }
        decoded.extend(events);
    }
}

impl Source for Process {
    async fn next(&mut self) -> Outside {
        tokio::select! {
            biased;
            signal = self.signals.next() => Outside::Signal(signal),
            event = typed(async || self.reader.next().await, &mut self.decoder, &mut self.decoded) => match event {
                Some(event) => Outside::Input(event),
                None => Outside::Gone,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Key, KeyCode};

    #[tokio::test]
    async fn a_torn_sequence_is_one_key_and_a_lone_escape_byte_another() {
        let (pieces, mut receiver) = mpsc::channel(8);
        let (mut decoder, mut decoded) = (Decoder::default(), VecDeque::new());
        for piece in [&b"\x1b"[..], b"[", b"A\x1b"] {
            pieces.send(piece.to_vec()).await.unwrap();
        }
        let mut next = async || typed(async || receiver.recv().await, &mut decoder, &mut decoded).await;
        assert_eq!(next().await, Some(Event::Key(Key::plain(KeyCode::Up))));
        assert_eq!(next().await, Some(Event::Key(Key::plain(KeyCode::Esc))));
        drop(pieces);
        assert_eq!(next().await, None);
    }
}
