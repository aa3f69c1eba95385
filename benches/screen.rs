//! The screen: how long from a key to its frame and how many bytes that takes, with the real view over 100,000 leads
//! through the real loop; and how long from the start of the program to its first screen.
//!
//! `cargo bench --bench screen` (add `-- --quick` for a short look)

mod common;

use std::io::{self, Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::Frame;
use switchboard::app::{Options, State};
use switchboard::domain::exchange::{Event, LoadProgress};
use switchboard::domain::{SafeLines, SafeText};

use switchboard::input::{self, KeyMap};
use switchboard::runtime::{EventLoop, Files, Outside};
use switchboard::term::{Capabilities, Colours, Drawn, Screen, Surface};
use tokio::sync::mpsc;

const WIDTH: u16 = 200;
const HEIGHT: u16 = 50;

fn main() {
    let (leads, keys, starts) = if common::quick() { (10_000, 40, 3) } else { (100_000, 400, 31) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    println!("{leads} leads, {WIDTH}x{HEIGHT}, through the real loop");
    runtime.block_on(keys_to_frames(leads, keys));
    first_screens(starts);
}

/// Everything that was written, with its time, and how long each frame took to make.
#[derive(Default)]
struct Seen {
    writes: Vec<(Instant, usize)>,
    frames: Vec<Duration>,
}

/// Counts what it is given.
struct Counter(Arc<Mutex<Seen>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).writes.push((Instant::now(), bytes.len()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A screen that times its frames.
struct Timed {
    screen: Screen<Counter>,
    seen: Arc<Mutex<Seen>>,
}

impl Surface for Timed {
    fn size(&self) -> (u16, u16) {
        Surface::size(&self.screen)
    }

    fn resize(&mut self, width: u16, height: u16) {
        Surface::resize(&mut self.screen, width, height);
    }

    fn repaint(&mut self) {
        self.screen.repaint();
    }

    fn draw(&mut self, view: &mut dyn FnMut(&mut Frame<'_>)) -> io::Result<Drawn> {
        let begun = Instant::now();
        let drawn = Surface::draw(&mut self.screen, view)?;
        lock(&self.seen).frames.push(begun.elapsed());
        Ok(drawn)
    }

    fn title(&mut self, _title: &SafeText) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, text: &SafeLines) -> Result<(), String> {
        self.screen.copy(text)
    }

    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn reclaim(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn keys_to_frames(leads: usize, keys: usize) {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };
    let (outside, source) = mpsc::unbounded_channel();
    let (commands, _commands) = mpsc::channel(64);
    let (events, receiver) = mpsc::channel(64);
    let map = KeyMap::new();
    let folder = tempfile::tempdir().expect("a folder");
    let mut event_loop = EventLoop {
        state: State::new(Options::default(), map.labels(), (WIDTH, HEIGHT), common::now()),
        keys: map,
        surface: Timed { screen: Screen::new(Counter(seen.clone()), capabilities, WIDTH, HEIGHT), seen: seen.clone() },
        source,
        commands,
        events: receiver,
        clock: Arc::new(common::now),
        files: Files::new(folder.path().join("data"), folder.path().join("config.toml")),
    };
    let running = tokio::spawn(async move { event_loop.run().await });

    let people = common::people(24);
    let table = common::table(leads, &common::owners(&people, true));
    let progress =
        LoadProgress { loaded: leads, total: Some(leads), finished: true, read_at: Some(common::now()), named: None };
    let opened =
        Event::Opened { profile: "sales".into(), capabilities: Arc::new(common::capabilities()), read_only: false };
    let staff = Event::People { profile: "sales".into(), people: Arc::new(people) };
    for event in [opened, staff, Event::Leads { profile: "sales".into(), table, progress }] {
        assert!(events.send(event).await.is_ok(), "the loop runs");
    }
    let desk = Desk { seen, outside };
    desk.settle().await;

    // The cursor moves down to the edge of the table first, then the table moves.
    desk.measure("cursor move", &["down"; 30]).await;
    for _ in 0..20 {
        desk.press("down").await;
    }
    desk.measure("one row scrolled", &vec!["down"; keys]).await;
    desk.measure("one page scrolled", &vec!["pagedown"; keys / 4]).await;

    let before = lock(&desk.seen).writes.len();
    let idle = if common::quick() { 1 } else { 5 };
    tokio::time::sleep(Duration::from_secs(idle)).await;
    let written: usize = lock(&desk.seen).writes[before..].iter().map(|(_, bytes)| bytes).sum();
    println!("{:<28} {written} bytes in {idle} s", "idle");

    desk.press("/").await;
    let mut letters = Vec::new();
    for _ in 0..keys.div_ceil(40) {
        letters.extend(["s", "m", "i", "t", "h", "backspace", "backspace", "backspace", "backspace", "backspace"]);
    }
    desk.measure("letter of the filter", &letters).await;
    running.abort();
}

/// Whoever sits in front of the loop.
struct Desk {
    seen: Arc<Mutex<Seen>>,
    outside: mpsc::UnboundedSender<Outside>,
}

impl Desk {
    /// Presses a key and waits until its first frame is written: how long that took, and the bytes of it.
    async fn press(&self, key: &str) -> (Duration, usize) {
        let before = lock(&self.seen).writes.len();
        let key = key.parse().expect("a key");
        let pressed = Instant::now();
        assert!(self.outside.send(Outside::Input(input::Event::Key(key))).is_ok(), "the loop runs");
        loop {
            if let Some((at, bytes)) = lock(&self.seen).writes.get(before) {
                return (*at - pressed, *bytes);
            }
            assert!(pressed.elapsed() < Duration::from_secs(5), "no frame came of {key}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until nothing is written any more.
    async fn settle(&self) {
        loop {
            let before = lock(&self.seen).writes.len();
            tokio::time::sleep(Duration::from_millis(300)).await;
            if before > 0 && lock(&self.seen).writes.len() == before {
                return;
            }
        }
    }

    async fn measure(&self, what: &str, keys: &[&str]) {
        self.settle().await;
        let frames = lock(&self.seen).frames.len();
        let mut times = Vec::new();
        let mut sizes = Vec::new();
        for key in keys {
            let (time, bytes) = self.press(key).await;
            times.push(time);
            sizes.push(bytes);
            // Slower than the frames follow each other, as a person (or a key that is held) is.
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        sizes.sort_unstable();
        let frames = lock(&self.seen).frames[frames..].to_vec();
        println!(
            "{what:<28} key to painted {}, frame {}, {} bytes (most {})",
            spread(times),
            spread(frames),
            sizes[sizes.len() / 2],
            sizes[sizes.len() - 1],
        );
    }
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    format!("{:.2} ms (worst {:.2})", milliseconds(times[times.len() / 2]), milliseconds(times[times.len() - 1]))
}

/// Starts the real binary in a pseudo-terminal until its first frame is there.
fn first_screens(starts: usize) {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("config.toml");
    let profile = "[profiles.sales]\nvendor = \"kenbun\"\nbase_url = \"http://127.0.0.1:1\"\n";
    std::fs::write(&config, format!("{profile}token = {{ env = \"TOKEN\" }}\n")).expect("a file");
    let times = (0..starts).map(|_| first_screen(home.path())).collect();
    println!("{:<28} {}", "start to first screen", spread(times));
}

fn first_screen(home: &std::path::Path) -> Duration {
    let size = PtySize { rows: HEIGHT, cols: WIDTH, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_switchboard"));
    command.env_clear();
    command.cwd(home);
    for (name, value) in [("TERM", "xterm-256color"), ("TOKEN", "x"), ("TZ", "UTC")] {
        command.env(name, value);
    }
    command.env("HOME", home);
    command.env("SWITCHBOARD_CONFIG", home.join("config.toml"));
    command.env("SWITCHBOARD_DATA_DIR", home.join("data"));
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let begun = Instant::now();
    let mut child = pair.slave.spawn_command(command).expect("the binary starts");
    let mut read = Vec::new();
    let mut piece = [0; 65536];
    // The end of a frame.
    while !read.windows(8).any(|bytes| bytes == b"\x1b[?2026l") {
        let length = reader.read(&mut piece).expect("something is written");
        read.extend_from_slice(&piece[..length]);
    }
    let time = begun.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    time
}
