//! A program in a pseudo-terminal, looked at as a person does: what stands on its screen, and when.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

/// Longer than this nobody waits.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Terminal {
    pub begun: Instant,
    child: Box<dyn Child + Send + Sync>,
    /// What was read, and when. A thread of its own reads, so that nobody waits for ever.
    pieces: Receiver<(Instant, Vec<u8>)>,
    writer: Box<dyn Write + Send>,
    emulator: Parser,
    /// Keeps the other end open.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts the program; [`begun`](Self::begun) is the moment before.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let side = |cells: u16| NonZero::new(cells).expect("a size");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let (read, pieces) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 65536];
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if read.send((Instant::now(), piece[..length].to_vec())).is_err() {
                    return;
                }
            }
        });
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let emulator = Parser::new(side(rows), side(columns), 0);
        Self { begun, child, pieces, writer, emulator, _master: pair.master }
    }

    pub fn process(&self) -> Option<u32> {
        self.child.process_id()
    }

    pub fn type_text(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush()).expect("it can be typed");
    }

    /// Reads until the screen is as wanted; the time at which the last piece of it had been read. The emulator's own
    /// time does not count.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Instant {
        let mut at = Instant::now();
        while !wanted(&self.emulator.screen().contents()) {
            let Ok((read_at, piece)) = self.pieces.recv_timeout(PATIENCE) else {
                panic!("waited in vain for {what}:\n{}", self.emulator.screen().contents())
            };
            at = read_at;
            self.emulator.process(&piece);
        }
        at
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
