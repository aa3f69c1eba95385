//! The screen: how long from a key to its frame and how many bytes that takes, with the real view over 100,000 leads
//! through the real loop; and how long from the start of the program to its first screen.
//!
//! `cargo bench --bench screen` (add `-- --quick` for a short look)

mod common;

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::front::{Front, HEIGHT, WIDTH};
use common::terminal::Terminal;
use portable_pty::CommandBuilder;
use switchboard::backend::{self, Engine, ProfileSetup, Setup, Tuning, system_clock};
use switchboard::config::{Config, ConfigError, files};
use switchboard::domain::campaign::LeadAsk;
use switchboard::domain::exchange::{Command, Event};
use switchboard::domain::{Capabilities as Can, Change, LeadId, LeadRecord, Lifecycle, Person, SafeText};
use switchboard::journal::Journal;
use switchboard::vendor::{Check, Found, Pages, Session, Targets, Vendor, VendorError, WriteReport, registry};
use tokio::sync::mpsc;

fn main() {
    let (leads, keys, starts) = if common::quick() { (10_000, 40, 3) } else { (100_000, 400, 31) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    println!("{leads} leads, {WIDTH}x{HEIGHT}, through the real loop");
    runtime.block_on(keys_to_frames(leads, keys));
    first_screens(starts, leads * 10);
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

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn keys_to_frames(leads: usize, keys: usize) {
    let seen = Arc::<Mutex<Seen>>::default();
    let frames = seen.clone();
    let front = Front::open(Counter(seen.clone()), |_| (), move |(), time| lock(&frames).frames.push(time));
    common::show(&front.events, leads).await;
    let desk = Desk { front, seen };
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
}

/// Whoever sits in front of the loop.
struct Desk {
    front: Front,
    seen: Arc<Mutex<Seen>>,
}

impl Desk {
    /// Presses a key and waits until its first frame is written: how long that took, and the bytes of it.
    async fn press(&self, key: &str) -> (Duration, usize) {
        let before = lock(&self.seen).writes.len();
        let pressed = Instant::now();
        self.front.press(key);
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
            "{:<28} key to painted {}, frame {}, {} bytes (most {})",
            format!("{what}, {} keys", keys.len()),
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

/// The server of the profile that is shown: there is none, and what is shown comes from this computer.
const BASE_URL: &str = "http://127.0.0.1:1";

/// Starts the real binary in a pseudo-terminal until its first frame is there, and until kept leads are.
fn first_screens(starts: usize, leads: usize) {
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("config.toml");
    let profile = format!("[profiles.sales]\nvendor = \"kenbun\"\nbase_url = \"{BASE_URL}\"\n");
    std::fs::write(&config, format!("{profile}token = {{ file = \"token\" }}\n")).expect("a file");
    files::write_new(&home.path().join("token"), b"x").expect("a file");
    let times = (0..starts).map(|_| first_screen(home.path(), "Leads")).collect();
    println!("{:<28} {}, {starts} starts", "start to first screen", spread(times));

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(keep_leads(&config, &home.path().join("data"), leads));
    let words = format!("{} leads", with_commas(leads));
    // The rows of an open lead, which is on the screen as soon as any are.
    let owners = common::owners(&common::people(24), true);
    let mut rows = (0..leads).map(|number| common::lead(number, &owners));
    let first = rows.find(|lead| lead.lifecycle == Lifecycle::Open).expect("an open lead").name;
    let times = (0..starts).map(|_| first_screen(home.path(), first.as_str())).collect();
    println!("{:<28} {}, {starts} starts, {words}", "start to rows", spread(times));
    // Before that the first of so many are told.
    let all = format!("\n{words} of sales");
    let times = (0..starts).map(|_| first_screen(home.path(), &all)).collect();
    println!("{:<28} {}, {starts} starts", format!("start to {words}"), spread(times));
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Until `words` are on the screen; behind a line break, until they are at the beginning of one of its lines.
fn first_screen(home: &Path, words: &str) -> Duration {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_switchboard"));
    command.env_clear();
    command.cwd(home);
    for (name, value) in [("TERM", "xterm-256color"), ("TZ", "UTC")] {
        command.env(name, value);
    }
    command.env("HOME", home);
    command.env("SWITCHBOARD_CONFIG", home.join("config.toml"));
    command.env("SWITCHBOARD_DATA_DIR", home.join("data"));
    let mut terminal = Terminal::start(command, WIDTH, HEIGHT);
    let at_begin = words.strip_prefix('\n');
    let is_there = |screen: &str| match at_begin {
        Some(words) => screen.lines().any(|line| line.trim_start().starts_with(words)),
        None => screen.contains(words),
    };
    let there = terminal.wait(words, is_there);
    there - terminal.begun
}

/// Lets the engine load that many leads, so that it keeps them for the next start.
async fn keep_leads(config: &Path, data: &Path, leads: usize) {
    let config = Config::read(config, &registry::settings()).expect("the configuration");
    let profile = config.profiles.first().expect("the profile");
    let entry = registry::entry(profile.vendor).expect("the vendor");
    let setup = ProfileSetup::new(profile.name.clone(), profile.vendor, profile.base_url.clone(), true, |gate| {
        // As the real client would say whose leads they are.
        let context = (entry.open)(profile, gate)?.context();
        Ok::<_, ConfigError>(Arc::new(Crowd { capabilities: common::capabilities(), context, leads }) as Arc<dyn Vendor>)
    });
    let engine = Engine::open(Setup {
        profiles: vec![setup],
        journal: Journal::open(data).expect("a journal"),
        who: SafeText::new("bench"),
        clock: system_clock(),
        data_folder: Some(data.to_owned()),
        tuning: Tuning::default(),
    })
    .expect("an engine");
    let (commands, orders) = mpsc::channel(8);
    let (reports, mut events) = mpsc::channel(64);
    let task = backend::spawn(engine, orders, reports);
    let load = Command::Load { profile: profile.name.clone() };
    assert!(commands.send(load).await.is_ok(), "the engine runs");
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Leads { progress, .. } if progress.finished) {
            break;
        }
    }
    let kept = data.join("cache");
    while !std::fs::read_dir(&kept)
        .is_ok_and(|files| files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("leads-")))
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = commands.send(Command::Shutdown).await;
    while events.recv().await.is_some() {}
    let _ = task.await;
}

/// A vendor that has as many leads as are wanted, and does nothing with them.
struct Crowd {
    capabilities: Can,
    context: serde_json::Value,
    leads: usize,
}

#[async_trait]
impl Vendor for Crowd {
    fn capabilities(&self) -> &Can {
        &self.capabilities
    }

    fn context(&self) -> serde_json::Value {
        self.context.clone()
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        Ok(common::people(24))
    }

    async fn leads(&self, _ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let owners = common::owners(&common::people(24), true);
        for first in (0..self.leads).step_by(1000) {
            let page = (first..self.leads.min(first + 1000)).map(|number| common::lead(number, &owners)).collect();
            if pages.page(page, Some(self.leads)).is_break() {
                break;
            }
        }
        Ok(())
    }

    async fn detail(&self, _id: &LeadId) -> Result<LeadRecord, VendorError> {
        Err(VendorError::not_supported("details"))
    }

    async fn observe_each(&self, _targets: &dyn Targets, _session: &Session, _found: &mut Found<'_>) {}

    async fn write(&self, _batch: &[Change], _session: &Session) -> WriteReport {
        unreachable!("the profile is read-only")
    }

    async fn check(&self) -> Vec<Check> {
        Vec::new()
    }
}
