//! Typing on the filter line, through the real loop: from the key to the frame that shows the letter, and to the frame
//! that shows what the new query finds, over 100,000 and 1,000,000 leads. Where `fzf` is installed it is typed into as
//! well, over the same leads.
//!
//! Every query is typed several times. Of all presses the median is told; of the keys the worst one, by the median of its
//! presses; and the worst single press. That one tells more of the machine than of the program: beside it stands how much
//! longer than usual the same piece of arithmetic takes at its worst, after the same pause and as often.
//!
//! `cargo bench --bench typing` (add `-- --quick` for a short look, `-- --leads 100000` for one size only)

mod common;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::front::{Front, HEIGHT, WIDTH};
use common::terminal::Terminal;
use common::{Times, memory, memory_of, ms};
use portable_pty::CommandBuilder;
use ratatui::buffer::Buffer;
use switchboard::domain::Field;

/// Each is typed from its first letter to its last.
const WORDS: &[&str] = &["smith", "jane smith", "garcia", "acme logistics", "zoe", "example", "xylophone", "@globex"];
const FUZZY: &[&str] = &["~smith", "~jnsmth", "~garcia", "~acmelog", "~zoe", "~olivia", "~xylophone"];

/// The aims for a million leads in milliseconds, median and worst key; a tenth for a tenth.
const AIMS: [(&str, &[&str], f64, f64); 2] = [("words", WORDS, 16.0, 50.0), ("~word", FUZZY, 60.0, 220.0)];

/// A pause between keys, as fast typing has it.
const BETWEEN_KEYS: Duration = Duration::from_millis(40);

fn main() {
    let (sizes, rounds) = if common::quick() { (vec![20_000], 1) } else { (vec![100_000, 1_000_000], 5) };
    let sizes = common::number("--leads").map_or(sizes, |leads| vec![leads]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    println!("{WIDTH}x{HEIGHT}, milliseconds: median / worst key / worst press");
    let typed = WORDS.iter().map(|word| word.len()).sum::<usize>() * rounds;
    for size in sizes {
        println!("\n{:<24} {:>20} {:>20} {:>12}", format!("{size} leads"), "letter painted", "matches painted", "aim");
        runtime.block_on(switchboard(size, rounds));
        let alone = machine(typed);
        println!("{:<24} {:>41}", "the same arithmetic", format!("{} / - / {}", ms(alone.median()), ms(alone.worst())));
        let (held, highest) = memory();
        println!("memory of the whole process: {held:.0} MiB, at its highest {highest:.0} MiB");
        match fzf_version() {
            Some(version) => fzf(&version, size, rounds),
            None => println!("fzf is not installed: it is left out"),
        }
    }
}

/// What a frame showed, and when it was written.
#[derive(Clone, Debug)]
struct Shown {
    at: Instant,
    /// The filter line.
    line: String,
}

fn filter_line(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    let mut starts = rows.filter(|row| row.len() > 2 && row[1].symbol() == "/" && row[2].symbol() == " ");
    starts.next().map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect()).unwrap_or_default()
}

fn lock(shown: &Mutex<Vec<Shown>>) -> std::sync::MutexGuard<'_, Vec<Shown>> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn switchboard(leads: usize, rounds: usize) {
    let shown = Arc::<Mutex<Vec<Shown>>>::default();
    let frames = shown.clone();
    let seen = move |line, _| lock(&frames).push(Shown { at: Instant::now(), line });
    let front = Front::open(io::sink(), filter_line, seen);
    common::show(&front.events, leads).await;
    let person = Person { front, shown };
    person.front.press("/");
    person.wait("the filter line", |line| line.starts_with(" / ") && !line.contains("no filter")).await;
    tokio::time::sleep(BETWEEN_KEYS).await;
    for (name, queries, median, worst) in AIMS {
        let (mut letters, mut matches) = (Keys::default(), Keys::default());
        for query in (0..rounds).flat_map(|_| queries) {
            person.type_query(query, &mut letters, &mut matches).await;
        }
        let scale = leads as f64 / 1_000_000.0;
        let aim = format!("{} / {}", median * scale, worst * scale);
        let name = format!("{name}, {} presses", letters.all().0.len());
        let slowest = matches.worst().map_or(String::new(), |(query, _)| format!("  the worst: {query}"));
        println!("{name:<24} {:>20} {:>20} {aim:>12}{slowest}", letters.spread(), matches.spread());
    }
}

/// The times of every key, by what is typed with it.
#[derive(Default)]
struct Keys(HashMap<String, Times>);

impl Keys {
    fn add(&mut self, typed: &str, time: Duration) {
        self.0.entry(typed.to_owned()).or_default().0.push(time);
    }

    fn all(&self) -> Times {
        Times(self.0.values().flat_map(|times| times.0.iter().copied()).collect())
    }

    /// The key that takes longest as a rule.
    fn worst(&self) -> Option<(&str, Duration)> {
        self.0.iter().map(|(typed, times)| (&**typed, times.median())).max_by_key(|(_, time)| *time)
    }

    fn spread(&self) -> String {
        let (all, worst) = (self.all(), self.worst().map(|(_, time)| time).unwrap_or_default());
        format!("{} / {} / {}", ms(all.median()), ms(worst), ms(all.worst()))
    }
}

/// What a millisecond of arithmetic in two megabytes takes on this machine, so many times, with a pause before each.
fn machine(times: usize) -> Times {
    let mut memory = vec![1_u64; 1 << 18];
    let mut work = || {
        let begun = Instant::now();
        for (at, word) in (0_u64..).zip(&mut memory) {
            *word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23) ^ at;
        }
        let mut mixed = memory[0];
        for _ in 0..300_000 {
            mixed = (mixed ^ mixed << 13).rotate_left(7).wrapping_mul(0xff51_afd7_ed55_8ccd);
        }
        memory[0] = std::hint::black_box(mixed);
        begun.elapsed()
    };
    let worked = (0..times).map(|_| {
        std::thread::sleep(BETWEEN_KEYS);
        work()
    });
    Times(worked.collect())
}

/// Whoever sits in front of the loop.
struct Person {
    front: Front,
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl Person {
    /// The first frame from now on whose filter line is as wanted, or the last one if it already is.
    async fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Instant {
        let asked = Instant::now();
        let mut next = lock(&self.shown).len().saturating_sub(1);
        loop {
            let found = {
                let shown = lock(&self.shown);
                let found =
                    shown[next.min(shown.len())..].iter().find(|frame| wanted(&frame.line)).map(|frame| frame.at);
                next = shown.len().max(next);
                found
            };
            if let Some(at) = found {
                return at;
            }
            assert!(asked.elapsed() < Duration::from_secs(10), "waited in vain for {what}");
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    }

    async fn type_query(&self, query: &str, letters: &mut Keys, matches: &mut Keys) {
        let mut typed = String::new();
        for letter in query.chars() {
            typed.push(letter);
            let line = format!(" / {typed}");
            let has = |shown: &str| shown.strip_prefix(&line).is_some_and(|rest| rest.starts_with("  "));
            let pressed = Instant::now();
            self.front.press(&if letter == ' ' { "space".to_owned() } else { letter.to_string() });
            letters.add(&typed, self.wait(&line, has).await - pressed);
            let found = self.wait(&line, |shown| has(shown) && !shown.contains(" searching ")).await;
            matches.add(&typed, found - pressed);
            tokio::time::sleep(BETWEEN_KEYS).await;
        }
        self.front.press("ctrl-u");
        self.wait("an empty filter line", |line| line.starts_with(" /  ") && !line.contains(" searching ")).await;
        tokio::time::sleep(BETWEEN_KEYS).await;
    }
}

fn fzf_version() -> Option<String> {
    let output = Command::new("fzf").arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split_whitespace().next()?.to_owned())
}

/// The same leads and letters in fzf, which matches fuzzily: from the key to the screen with the new count of matches.
/// Letters that do not change the count are left out, because nobody can see when they are done.
fn fzf(version: &str, leads: usize, rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("leads");
    write_lines(&file, leads).expect("a file");
    let source = format!("cat '{}'", file.display());
    let mut command = CommandBuilder::new("fzf");
    command.args(["--no-sort", "--no-mouse"]);
    command.env("FZF_DEFAULT_COMMAND", &source);
    command.env("FZF_DEFAULT_OPTS", "");
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::start(command, WIDTH, HEIGHT);
    let count = |found: usize| format!(" {found}/{leads} ");
    let shows = |screen: &str, found: usize| screen.lines().any(|line| format!("{line} ").contains(&count(found)));
    terminal.wait("all leads in fzf", |screen| shows(screen, leads));
    let mut times = Times::default();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for query in (0..rounds).flat_map(|_| FUZZY).map(|query| &query[1..]) {
        let mut before = leads;
        let mut typed = String::new();
        for letter in query.chars() {
            typed.push(letter);
            let found = *counts.entry(typed.clone()).or_insert_with(|| filtered(&file, &typed));
            let pressed = Instant::now();
            terminal.type_text(&letter.to_string());
            let painted = terminal.wait(&typed, |screen| shows(screen, found));
            if found != before {
                times.0.push(painted - pressed);
            }
            before = found;
            std::thread::sleep(BETWEEN_KEYS);
        }
        terminal.type_text("\u{15}");
        terminal.wait("all leads in fzf again", |screen| shows(screen, leads));
    }
    let memory = terminal.process().map_or(0.0, memory_of);
    let name = format!("fzf {version}, {} keys", times.0.len());
    let spread = format!("{} / - / {}", ms(times.median()), ms(times.worst()));
    println!("{name:<24} {:>20} {spread:>20}", "");
    println!("memory of fzf: {memory:.0} MiB at its highest");
}

/// What a lead's row says, a line each.
fn write_lines(file: &Path, leads: usize) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let table = common::table(leads, &common::owners(&common::people(24), true));
    for row in 0..leads as u32 {
        let [name, company, email] = [Field::Name, Field::Company, Field::Email].map(|field| table.text(row, field));
        writeln!(out, "{name} {company} {email}")?;
    }
    out.flush()
}

/// How many lines fzf finds, by its own word.
fn filtered(file: &Path, query: &str) -> usize {
    let input = File::open(file).expect("the leads");
    let output = Command::new("fzf").args(["--filter", query, "--no-sort"]).stdin(input).output().expect("fzf runs");
    output.stdout.iter().filter(|byte| **byte == b'\n').count()
}
