//! A pseudo-terminal with the real binary in it: type keys, wait for words, read the screen.
//!
//! The world of such a program is closed: its own home, its own configuration and data, a fixed terminal type, and
//! nothing of the environment the tests run in.

mod encode;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

/// Long enough for a loaded machine; nobody waits for it unless something is wrong.
const DEADLINE: Duration = Duration::from_secs(30);

/// How to start a program in a terminal.
pub struct Start {
    program: PathBuf,
    arguments: Vec<String>,
    size: (u16, u16),
    environment: Vec<(String, String)>,
}

impl Start {
    /// The binary of this package with these arguments, at 80x24.
    pub fn switchboard(arguments: &[&str]) -> Self {
        Self::program(env!("CARGO_BIN_EXE_switchboard"), arguments)
    }

    pub fn program(program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { program: program.into(), arguments, size: (80, 24), environment: Vec::new() }
    }

    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it in a home of its own.
    pub fn start(self) -> Pty {
        let home = tempfile::tempdir().unwrap();
        self.start_in(home)
    }

    /// Starts it in a home in which something has been prepared.
    pub fn start_in(self, home: TempDir) -> Pty {
        let (columns, rows) = self.size;
        let pair = native_pty_system().openpty(pty_size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(&self.program);
        command.args(&self.arguments);
        command.env_clear();
        command.cwd(home.path());
        let folder = |name: &str| home.path().join(name).display().to_string();
        for (name, value) in [
            ("HOME", home.path().display().to_string()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("USER", "tester".to_owned()),
            ("TMPDIR", folder("tmp")),
            ("SWITCHBOARD_CONFIG", folder("config.toml")),
            ("SWITCHBOARD_DATA_DIR", folder("data")),
        ] {
            command.env(name, value);
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        std::fs::create_dir_all(home.path().join("tmp")).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen { emulator: emulator(columns, rows), bytes: Vec::new() }),
            changed: Condvar::new(),
            closing: AtomicBool::new(false),
        });
        let reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let descriptor = pair.master.as_raw_fd().unwrap();
        let theirs = shared.clone();
        let reading = thread::spawn(move || read_all(reader, descriptor, &theirs));
        let (master, slave) = (Some(pair.master), Some(pair.slave));
        Pty { home, shared, writer, master, slave, child, reading: Some(reading) }
    }
}

/// Shows what the program writes, until it (or the window) is closed.
fn read_all(mut reader: Box<dyn Read + Send>, descriptor: RawFd, shared: &Shared) {
    let mut piece = [0; 65536];
    while !shared.closing.load(Ordering::Relaxed) {
        // SAFETY: `reader` is another descriptor of the same terminal, so that this one cannot have been closed and
        // given to something else while it is alive and no window was closed.
        let terminal = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let mut ready = [PollFd::new(&terminal, PollFlags::IN)];
        let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        if poll(&mut ready, Some(&wait)) == Ok(0) {
            continue;
        }
        let Ok(length @ 1..) = reader.read(&mut piece) else { return };
        let mut seen = shared.seen();
        seen.emulator.process(&piece[..length]);
        seen.bytes.extend_from_slice(&piece[..length]);
        shared.changed.notify_all();
    }
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap(), 0)
}

/// A program in a terminal. It is killed when this is dropped.
pub struct Pty {
    home: TempDir,
    shared: Arc<Shared>,
    writer: Box<dyn Write + Send>,
    master: Option<Box<dyn MasterPty + Send>>,
    /// Held open, so that the terminal can be looked at after the program has ended.
    slave: Option<Box<dyn SlavePty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reading: Option<JoinHandle<()>>,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    closing: AtomicBool,
}

/// Whether the table without a filter shows `leads`.
pub fn shows_rows(screen: &vt100::Screen, leads: &str) -> bool {
    screen.contents().lines().any(|line| line.contains("/ no filter") && line.contains(leads))
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Seen {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
}

impl Pty {
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Presses keys, written in the key map's notation with blanks between: `/ s m i t h enter`.
    ///
    /// After `esc` wait for what it does: a terminal sends a key with alt as an escape byte and the key, and a machine
    /// under load hands over at once what was typed one after the other.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.send(&encode::bytes(key.parse().unwrap()));
        }
    }

    /// Types a text as it is.
    pub fn text(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Pastes a text as terminals do that know bracketed paste.
    pub fn paste(&mut self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits until `words` are on the screen.
    #[track_caller]
    pub fn wait_for(&self, words: &str) {
        self.wait_until(&format!("\"{words}\" on the screen"), |screen| screen.contents().contains(words));
    }

    /// Waits until the table shows `leads` ("300 leads"): the line of its filter says so, which the line about what was
    /// read does a moment earlier, when a key would still find no row to act on.
    #[track_caller]
    pub fn wait_for_rows(&self, leads: &str) {
        self.wait_until(&format!("{leads} in the table"), |screen| shows_rows(screen, leads));
    }

    /// Waits until `words` are no longer on the screen.
    #[track_caller]
    pub fn wait_gone(&self, words: &str) {
        self.wait_until(&format!("\"{words}\" gone from the screen"), |screen| !screen.contents().contains(words));
    }

    /// Waits for anything that can be seen of the terminal; `what` says what it is when it does not come.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.shared.seen();
        while !is_there(seen.emulator.screen()) {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                let screen = drawn(seen.emulator.screen());
                drop(seen);
                panic!("waited in vain for {what}; the screen is\n{screen}");
            };
            let waited = self.shared.changed.wait_timeout(seen, left.min(Duration::from_millis(200)));
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        drawn(self.shared.seen().emulator.screen())
    }

    /// Looks at the terminal's state.
    pub fn look<T>(&self, at: impl Fn(&vt100::Screen) -> T) -> T {
        at(self.shared.seen().emulator.screen())
    }

    /// Everything that was written so far.
    pub fn written(&self) -> Vec<u8> {
        self.shared.seen().bytes.clone()
    }

    /// Makes the window another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let master = self.master.as_ref().expect("the window is open");
        {
            let mut seen = self.shared.seen();
            let side = |cells| NonZero::new(cells).unwrap();
            seen.emulator.screen_mut().set_size(side(rows), side(columns));
        }
        master.resize(pty_size(columns, rows)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.process_id().unwrap().cast_signed()).unwrap()
    }

    /// Waits for the program's end; its exit code.
    #[track_caller]
    pub fn wait_exit(&mut self) -> u32 {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.drain();
                return status.exit_code();
            }
            assert!(Instant::now() < until, "the program does not end; the screen is\n{}", self.screen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Closes the window, as by its button: the terminal is gone for the program.
    pub fn close_window(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        // The thread that reads holds an end of its own open.
        if let Some(reading) = self.reading.take() {
            // What it has to say was said when it happened.
            let _ = reading.join();
        }
        self.writer = Box::new(std::io::sink());
        self.slave = None;
        self.master = None;
    }

    /// Waits for the program's end after its window was closed; its exit code.
    #[track_caller]
    pub fn wait_end_without_window(&mut self) -> u32 {
        let until = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < until, "the program does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the program wrote last may still be on its way through the kernel: a mark is sent after it.
    fn drain(&self) {
        const MARK: &str = "\x1b]2;over\x07";
        let path = self.master.as_ref().and_then(|master| master.tty_name()).expect("a terminal has a name");
        let mut tty = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let before = self.written().len();
        tty.write_all(MARK.as_bytes()).unwrap();
        let until = Instant::now() + DEADLINE;
        while !self.written()[before..].ends_with(MARK.as_bytes()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether lines are edited and echoed by the terminal, as a shell wants it.
    pub fn is_cooked(&self) -> bool {
        let path = self.master.as_ref().and_then(|master| master.tty_name()).expect("a terminal has a name");
        let tty = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        let modes = tcgetattr(&tty).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Everything that a program may change about a terminal is as it was.
    #[track_caller]
    pub fn assert_restored(&self) {
        assert!(self.is_cooked(), "the terminal is still in raw mode");
        self.look(|screen| {
            assert!(!screen.alternate_screen(), "the alternate screen is still shown");
            assert!(!screen.hide_cursor(), "the cursor is still hidden");
            assert!(!screen.bracketed_paste(), "pastes are still bracketed");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still reported");
        });
        let written = String::from_utf8_lossy(&self.written()).into_owned();
        for (on, off, what) in [
            ("\x1b[?1004h", "\x1b[?1004l", "reports of the focus"),
            ("\x1b[22;2t", "\x1b[23;2t", "the window's title"),
            ("\x1b[?2026h", "\x1b[?2026l", "synchronized updates"),
        ] {
            let (last_on, last_off) = (written.rfind(on), written.rfind(off));
            assert!(last_on.is_none() || last_off > last_on, "{what} were not put back");
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may be long gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.close_window();
    }
}

fn drawn(screen: &vt100::Screen) -> String {
    let (_, columns) = screen.size();
    let mut text = String::new();
    for row in screen.rows(0, columns.get()) {
        let _ = writeln!(text, "|{row}");
    }
    text
}
