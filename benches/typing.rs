//! Typing on the filter line, through the real loop: from the key to the frame that shows the letter, and to the frame
//! that shows what the new query finds, over 100,000 and 1,000,000 leads. Where `fzf` is installed it is typed into as
//! well, over the same leads.
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
    let (sizes, rounds) = if common::quick() { (vec![20_000], 1) } else { (vec![100_000, 1_000_000], 3) };
    let sizes = common::number("--leads").map_or(sizes, |leads| vec![leads]);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    println!("{WIDTH}x{HEIGHT}, median and worst key in milliseconds");
    for size in sizes {
        println!("\n{:<24} {:>16} {:>16} {:>14}", format!("{size} leads"), "letter painted", "matches painted", "aim");
        runtime.block_on(switchboard(size, rounds));
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
        let (mut letters, mut matches) = (Times::default(), Times::default());
        let mut slowest = None;
        for query in (0..rounds).flat_map(|_| queries) {
            let before = matches.0.len();
            person.type_query(query, &mut letters, &mut matches).await;
            let typed = query.char_indices().map(|(at, letter)| &query[..at + letter.len_utf8()]);
            slowest = slowest.into_iter().chain(typed.zip(matches.0[before..].to_vec())).max_by_key(|(_, time)| *time);
        }
        let scale = leads as f64 / 1_000_000.0;
        let aim = format!("{} / {}", median * scale, worst * scale);
        let name = format!("{name}, {} keys", letters.0.len());
        let slowest = slowest.map_or(String::new(), |(query, _)| format!("  the slowest: {query}"));
        println!("{name:<24} {:>16} {:>16} {aim:>14}{slowest}", spread(&letters), spread(&matches));
    }
}

fn spread(times: &Times) -> String {
    format!("{} / {}", ms(times.median()), ms(times.worst()))
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

    async fn type_query(&self, query: &str, letters: &mut Times, matches: &mut Times) {
        let mut typed = String::new();
        for letter in query.chars() {
            typed.push(letter);
            let line = format!(" / {typed}");
            let has = |shown: &str| shown.strip_prefix(&line).is_some_and(|rest| rest.starts_with("  "));
            let pressed = Instant::now();
            self.front.press(&if letter == ' ' { "space".to_owned() } else { letter.to_string() });
            letters.0.push(self.wait(&line, has).await - pressed);
            matches.0.push(self.wait(&line, |shown| has(shown) && !shown.contains(" searching ")).await - pressed);
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
    println!("{name:<24} {:>16} {:>16} {:>14}", "", spread(&times), "");
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
