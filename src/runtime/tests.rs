//! The real loop on an emulated screen: keys go in by a channel, and what a terminal would show is looked at.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Ended, EventLoop, Files, Outside};
use crate::app::{Options, State, fixture};
use crate::domain::exchange::{Command, Event, LoadProgress};
use crate::domain::leads::LeadTable;
use crate::input::{self, KeyMap};
use crate::term::{Capabilities, Colours, Screen, Signal};

/// A terminal that is only looked at: what it shows, and when it was written to.
#[derive(Clone)]
struct Glass(Arc<Inner>);

struct Inner {
    seen: Mutex<Seen>,
    changed: Notify,
}

struct Seen {
    emulator: vt100::Parser,
    writes: Vec<(Instant, usize)>,
    broken: bool,
}

impl Glass {
    fn new(width: u16, height: u16) -> Self {
        let side = |cells: u16| std::num::NonZero::new(cells).unwrap();
        let emulator = vt100::Parser::new(side(height), side(width), 0);
        let seen = Mutex::new(Seen { emulator, writes: Vec::new(), broken: false });
        Self(Arc::new(Inner { seen, changed: Notify::new() }))
    }

    fn contents(&self) -> String {
        self.0.seen.lock().unwrap().emulator.screen().contents()
    }

    fn writes(&self) -> Vec<(Instant, usize)> {
        self.0.seen.lock().unwrap().writes.clone()
    }

    async fn wait_for(&self, words: &str) {
        self.wait_until(words, |contents| contents.contains(words)).await;
    }

    async fn wait_until(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let waiting = async {
            loop {
                let changed = self.0.changed.notified();
                if is_there(&self.contents()) {
                    return;
                }
                changed.await;
            }
        };
        if timeout(Duration::from_secs(30), waiting).await.is_err() {
            panic!("waited in vain for {what}; the screen is\n{}", self.contents());
        }
    }
}

impl Write for Glass {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut seen = self.0.seen.lock().unwrap();
        if seen.broken {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        }
        seen.emulator.process(bytes);
        seen.writes.push((Instant::now(), bytes.len()));
        self.0.changed.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A loop that runs, and everything around it.
struct Rig {
    glass: Glass,
    outside: mpsc::UnboundedSender<Outside>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    running: JoinHandle<Ended>,
    _data: tempfile::TempDir,
}

impl Rig {
    fn start() -> Self {
        Self::with(80, 24, 64)
    }

    fn with(width: u16, height: u16, room: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let glass = Glass::new(width, height);
        let capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };
        let (outside, source) = mpsc::unbounded_channel();
        let (sender, commands) = mpsc::channel(room);
        let (events, receiver) = mpsc::channel(64);
        let keys = KeyMap::new();
        let mut event_loop = EventLoop {
            state: State::new(Options::default(), keys.labels(), (width, height), fixture::now()),
            keys,
            surface: Screen::new(glass.clone(), capabilities, width, height),
            source,
            commands: sender,
            events: receiver,
            clock: Arc::new(fixture::now),
            files: Files::new(data.path().join("data"), data.path().join("config.toml")),
        };
        let running = tokio::spawn(async move { event_loop.run().await });
        Self { glass, outside, commands, events, running, _data: data }
    }

    async fn loaded(leads: usize) -> Self {
        let rig = Self::start();
        rig.load(leads).await;
        rig.glass.wait_for("Anna Adams").await;
        rig
    }

    async fn load(&self, leads: usize) {
        let profile = || "demo".into();
        for event in [
            Event::Opened { profile: profile(), capabilities: Arc::new(fixture::capabilities()), read_only: false },
            Event::People { profile: profile(), people: Arc::new(fixture::people()) },
            Event::Leads {
                profile: profile(),
                table: LeadTable::default().with_leads(&fixture::leads(leads)),
                progress: LoadProgress {
                    loaded: leads,
                    total: Some(leads),
                    finished: true,
                    read_at: Some(fixture::now()),
                    named: None,
                },
            },
        ] {
            self.events.send(event).await.unwrap();
        }
    }

    fn keys(&self, keys: &str) {
        for key in keys.split_whitespace() {
            self.outside.send(Outside::Input(input::Event::Key(key.parse().unwrap()))).unwrap();
        }
    }

    async fn ended(self) -> Ended {
        timeout(Duration::from_secs(30), self.running).await.expect("the loop ends").unwrap()
    }
}

#[tokio::test]
async fn the_first_frame_waits_for_nothing() {
    let rig = Rig::start();
    rig.glass.wait_for("Leads").await;
}

#[tokio::test]
async fn an_idle_screen_writes_nothing() {
    let rig = Rig::loaded(50).await;
    // Only now: searches run on a thread that does not wait for a clock that runs ahead.
    tokio::time::pause();
    // Whatever is still on its way gets its frame.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = rig.glass.writes();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(rig.glass.writes(), before);
}

#[tokio::test]
async fn frames_keep_a_distance_and_the_first_after_a_rest_comes_at_once() {
    let rig = Rig::loaded(500).await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = rig.glass.writes().len();
    let pressed = Instant::now();
    for _ in 0..40 {
        rig.keys("down");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let most = 2 + pressed.elapsed().as_millis() as usize / 16;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let frames: Vec<Instant> = rig.glass.writes()[before..].iter().map(|(at, _)| *at).collect();
    assert_eq!(frames[0], pressed);
    assert!(frames.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(16)), "{frames:?}");
    assert!(frames.len() <= most, "{} frames", frames.len());
    assert!(rig.glass.contents().contains("41/"), "{}", rig.glass.contents());
}

#[tokio::test]
async fn a_burst_of_keys_is_taken_in_before_it_is_drawn() {
    let rig = Rig::loaded(500).await;
    let before = rig.glass.writes().len();
    rig.keys(&"down ".repeat(300));
    rig.glass.wait_for("301/").await;
    assert!(rig.glass.writes().len() - before <= 4, "{} frames", rig.glass.writes().len() - before);
}

#[tokio::test]
async fn typed_letters_are_searched_for() {
    let rig = Rig::loaded(500).await;
    rig.keys("/ c h l o");
    rig.glass
        .wait_until("only leads that match", |contents| {
            contents.contains("chlo") && contents.contains("Chloé") && !contents.contains("Anna Adams")
        })
        .await;
}

#[tokio::test]
async fn a_resized_window_is_painted_whole() {
    let rig = Rig::loaded(50).await;
    for (width, height, words) in [(40, 10, "Anna"), (20, 5, "needs"), (80, 24, "Anna Adams")] {
        {
            let side = |cells: u16| std::num::NonZero::new(cells).unwrap();
            let mut seen = rig.glass.0.seen.lock().unwrap();
            seen.emulator.screen_mut().set_size(side(height), side(width));
            // Whatever a terminal makes of what was there.
            seen.emulator.process(b"\x1b[Hrubbish\r\nrubbish\r\nrubbish\r\nrubbish");
        }
        rig.outside.send(Outside::Input(input::Event::Resize { width, height })).unwrap();
        rig.glass.wait_until(words, |contents| contents.contains(words) && !contents.contains("rubbish")).await;
    }
}

#[tokio::test]
async fn after_ctrl_z_everything_is_painted_again() {
    let rig = Rig::loaded(50).await;
    rig.glass.0.seen.lock().unwrap().emulator.process(b"\x1b[2Ja shell was here");
    rig.keys("ctrl-z");
    rig.glass
        .wait_until("a fresh screen", |contents| contents.contains("Anna Adams") && !contents.contains("shell"))
        .await;
}

#[tokio::test]
async fn commands_wait_for_room_and_keep_their_order() {
    let mut rig = Rig::with(80, 24, 1);
    rig.load(50).await;
    rig.glass.wait_for("Anna Adams").await;
    // Each asks for leads again, and nobody takes the commands out.
    rig.keys("r r r");
    rig.keys("/ x");
    rig.glass.wait_for("/ x").await;
    let mut loads = 0;
    while loads < 3 {
        let command = timeout(Duration::from_secs(30), rig.commands.recv()).await.unwrap().unwrap();
        loads += usize::from(matches!(command, Command::Load { .. }));
    }
}

#[tokio::test]
async fn the_loop_ends_when_there_is_nothing_to_run_with() {
    let rig = Rig::start();
    rig.outside.send(Outside::Signal(Signal::Terminate(15))).unwrap();
    assert_eq!(rig.ended().await, Ended::Signal(15));

    let rig = Rig::start();
    rig.outside.send(Outside::Gone).unwrap();
    assert_eq!(rig.ended().await, Ended::Gone);

    let rig = Rig::start();
    let Rig { events, running, .. } = rig;
    drop(events);
    assert_eq!(running.await.unwrap(), Ended::BackendGone);

    let rig = Rig::loaded(50).await;
    rig.glass.0.seen.lock().unwrap().broken = true;
    rig.keys("down");
    assert_eq!(rig.ended().await, Ended::Gone);
}

#[tokio::test]
async fn a_scrolled_row_of_the_table_costs_few_bytes() {
    let rig = Rig::with(200, 50, 64);
    rig.load(5_000).await;
    rig.glass.wait_for("Anna Adams").await;
    rig.keys(&"down ".repeat(100));
    rig.glass.wait_for("101/").await;
    let keys = (102..=130).map(|row| ("down", row)).chain((70..=129).rev().map(|row| ("up", row)));
    for (key, row) in keys {
        let before = rig.glass.writes().len();
        rig.keys(key);
        rig.glass.wait_for(&format!(" {row}/")).await;
        let bytes: usize = rig.glass.writes()[before..].iter().map(|(_, bytes)| bytes).sum();
        assert!(bytes <= 500, "{bytes} bytes for row {row}");
    }
}
