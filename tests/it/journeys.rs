//! The real binary in a pseudo-terminal, as a person uses it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Map, Value, json};
use switchboard::journal::Journal;
use switchboard::sim::{self, Holder, SimOptions, Simulator};
use tempfile::TempDir;

use super::pty::{Pty, Start, shows_rows};

/// The demo with its leads on the screen, as everybody meets it.
fn whole_demo() -> Pty {
    let pty = Start::switchboard(&["demo"]).start();
    pty.wait_for_rows("5,000 leads");
    pty
}

/// As many leads as a journey needs that is not about them: a tenth of the time goes by before they are there.
const SMALL_DEMO: [&str; 3] = ["demo", "--leads", "300"];

fn demo() -> Pty {
    let pty = Start::switchboard(&SMALL_DEMO).start();
    pty.wait_for_rows("300 leads");
    pty
}

/// A home with a configuration whose server does not exist.
fn home_without_server(token_command: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let profile = "[profiles.sales]\nvendor = \"kenbun\"\nbase_url = \"http://127.0.0.1:1\"\n";
    let config = format!("{profile}token = {{ command = '{token_command}' }}\n");
    fs::write(home.path().join("config.toml"), config).unwrap();
    home
}

/// Everything in a folder, by its path in there.
fn files_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_in(&entry.path()).into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found
}

#[test]
fn the_demo_opens_with_leads_and_leaves_nothing_behind() {
    let mut pty = whole_demo();
    pty.wait_for("Owner");
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_restored();
    assert_eq!(files_in(pty.home()), Vec::<String>::new());
}

#[test]
fn signals_end_it_with_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let mut pty = demo();
        pty.signal(signal);
        assert_eq!(pty.wait_exit(), code, "{signal:?}");
        pty.assert_restored();
        assert_eq!(files_in(pty.home()), Vec::<String>::new());
    }
}

/// The hook that makes it panic exists in debug builds only.
#[cfg(debug_assertions)]
#[test]
fn a_panic_is_told_on_a_restored_terminal_and_in_the_log() {
    let mut pty = Start::switchboard(&[]).env("SWITCHBOARD_PANIC_AFTER", "2").start_in(home_without_server("printf x"));
    assert_eq!(pty.wait_exit(), 101);
    pty.assert_restored();
    pty.wait_for("a panic that was asked for");
    let log = fs::read_to_string(pty.home().join("data/switchboard.log")).unwrap();
    assert!(log.contains("a panic that was asked for"), "{log}");
}

#[test]
fn a_password_store_may_ask_before_the_screen_opens() {
    let command = "echo Passphrase: >/dev/tty; read -r answer </dev/tty; printf %s $answer";
    let mut pty = Start::switchboard(&[]).start_in(home_without_server(command));
    pty.wait_for("Passphrase:");
    assert!(pty.is_cooked() && pty.look(|screen| !screen.alternate_screen()));
    pty.text("open sesame\r");
    pty.wait_until("the screen", vt100::Screen::alternate_screen);
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_exit(), 143);
    pty.assert_restored();
}

#[test]
fn a_closed_window_ends_it() {
    let mut pty = demo();
    pty.close_window();
    let code = pty.wait_end_without_window();
    // Whichever comes first: the signal of the hang-up, or the end of the input.
    assert_eq!(code, 129);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_screen_back() {
    let binary = env!("CARGO_BIN_EXE_switchboard");
    let mut pty = Start::program("/bin/bash", &["--norc", "--noprofile", "-i"]).env("PS1", "the shell> ").start();
    pty.wait_for("the shell>");
    pty.text(&format!("{binary} {}\r", SMALL_DEMO.join(" ")));
    pty.wait_for_rows("300 leads");
    for _ in 0..2 {
        pty.keys("down ctrl-z");
        pty.wait_until("the shell", |screen| !screen.alternate_screen() && screen.contents().contains("Stopped"));
        assert!(pty.look(|screen| !screen.hide_cursor()));
        // The shell reads its line in a mode of its own; what a program started from it finds is what counts.
        pty.text("stty -a; echo over\r");
        pty.wait_for(" icanon");
        pty.wait_for(" echo ");
        pty.text("clear; fg\r");
        pty.wait_until("the screen", |screen| screen.alternate_screen() && shows_rows(screen, "300 leads"));
    }
    pty.keys("q");
    pty.wait_until("the shell again", |screen| !screen.alternate_screen());
    pty.text("exit\r");
    pty.wait_exit();
}

#[test]
fn without_a_shell_ctrl_z_does_not_freeze_it() {
    let mut pty = demo();
    pty.keys("ctrl-z");
    pty.wait_for("no shell to come back from");
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn it_follows_the_size_of_the_window() {
    let mut pty = demo();
    pty.resize(40, 10);
    pty.wait_for("Leads");
    pty.wait_until("a table of 40 columns", |screen| screen.contents().contains("Name"));
    pty.resize(30, 6);
    pty.wait_for("needs 40x10");
    pty.resize(120, 40);
    pty.wait_for_rows("300 leads");
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_restored();
}

/// The numbers of all sequences that set colours.
fn colours(written: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(written);
    text.split("\x1b[")
        .skip(1)
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            rest[end..].starts_with('m').then(|| rest[..end].to_owned())
        })
        .filter(|numbers| numbers.split(';').any(|number| matches!(number.parse(), Ok(30..=49u16 | 90..=107))))
        .collect()
}

#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    let plain = [&["--plain"], &SMALL_DEMO[..]].concat();
    for (arguments, variable) in
        [(&SMALL_DEMO[..], Some(("NO_COLOR", "1"))), (&plain[..], None), (&SMALL_DEMO, Some(("TERM", "dumb")))]
    {
        let mut start = Start::switchboard(arguments);
        if let Some((name, value)) = variable {
            start = start.env(name, value);
        }
        let mut pty = start.start();
        pty.wait_for_rows("300 leads");
        pty.keys("down space down");
        pty.wait_for("1 marked");
        pty.keys("q");
        assert_eq!(pty.wait_exit(), 0);
        assert_eq!(colours(&pty.written()), Vec::<String>::new(), "{arguments:?} {variable:?}");
        pty.assert_restored();
    }
    let mut pty = demo();
    pty.keys("q");
    pty.wait_exit();
    assert!(!colours(&pty.written()).is_empty());
}

#[test]
fn plain_screens_are_made_of_plain_characters() {
    let pty = Start::switchboard(&["--plain", "demo", "--leads", "300"]).start();
    pty.wait_for_rows("300 leads");
    let screen = pty.screen();
    let frame: Vec<char> = screen.chars().filter(|c| ('\u{2500}'..='\u{25ff}').contains(c)).collect();
    assert!(frame.is_empty(), "{frame:?} in\n{screen}");
}

#[test]
fn a_pasted_line_break_answers_nothing() {
    let mut pty = demo();
    pty.paste("a\r\ny\r\n");
    pty.keys("/");
    pty.paste("smith\r\n");
    pty.wait_for("/ smith");
    pty.keys("esc");
    pty.wait_gone("/ smith");
    pty.keys("esc");
    pty.wait_for("/ no filter");
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
}

#[test]
fn without_a_terminal_it_says_so() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .arg("demo")
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("needs a terminal"), "{told}");
    assert!(output.stdout.is_empty());
    assert_eq!(files_in(home.path()), Vec::<String>::new());

    // A terminal to read from, and a pipe to write to.
    let binary = env!("CARGO_BIN_EXE_switchboard");
    let pty = Start::program("/bin/sh", &["-c", &format!("{binary} demo | cat; echo over")]).start();
    pty.wait_for("standard output is none");
    pty.wait_for("over");
}

#[test]
fn leads_are_marked_assigned_watched_and_taken_back() {
    let mut pty = whole_demo();
    pty.keys("space down space");
    pty.wait_for("2 marked");
    pty.keys("/");
    pty.text("smith");
    pty.wait_for("2 marked, 2 hidden");
    pty.keys("enter space");
    pty.wait_for("3 marked, 2 hidden");

    // Cancel has the focus: Enter sends nothing.
    pty.keys("a");
    pty.wait_for("Who gets the 3 marked leads, 2 of them hidden");
    pty.text("barbara");
    pty.wait_for("Assign 1 of");
    pty.keys("enter");
    pty.wait_for("Assign 3 leads to Barbara Blacksmith");
    pty.wait_for("[ Apply 3 changes ]");
    pty.keys("enter");
    pty.wait_gone("[ Apply 3 changes ]");
    pty.wait_for("3 marked");

    pty.keys("f6");
    pty.wait_for("Who gets the 3 marked leads, 2 of them hidden");
    pty.text("barbara");
    pty.wait_for("Assign 1 of");
    pty.keys("enter");
    pty.wait_for("[ Apply 3 changes ]");
    pty.keys("y");
    pty.wait_for("Assign 3 leads to Barbara Blacksmith: 3 done");

    pty.keys("f9");
    pty.wait_for("History 1 operation");
    pty.wait_for("3 done");
    pty.keys("enter");
    pty.wait_for("was Ava Goldsmith, wrote Barbara Blacksmith, done");
    pty.keys("esc");
    pty.wait_for("History 1 operation");
    pty.keys("esc");
    pty.wait_gone("History");

    pty.keys("u");
    pty.wait_for("Put 3 leads back");
    pty.wait_for("[ Apply 3 changes ]");
    pty.keys("y");
    pty.wait_for("Put 3 leads back to who had them before: 3 done");
    look_at_the_history_and_quit(pty, 2);
}

/// The history has so many operations; then the end.
pub fn look_at_the_history_and_quit(mut pty: Pty, operations: usize) -> Pty {
    let title = format!("History {operations} operation");
    pty.keys("f9");
    pty.wait_for(&title);
    pty.keys("esc");
    pty.wait_gone(&title);
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
    pty.assert_restored();
    pty
}

#[test]
fn words_of_strangers_do_not_steer_the_terminal() {
    let mut pty = Start::switchboard(&["demo", "--leads", "2000"]).size(200, 50).start();
    pty.wait_for_rows("2,000 leads");
    // The whole table goes over the screen, hostile names and all.
    for page in 1..=60 {
        pty.keys("pagedown");
        if page % 10 == 0 {
            pty.keys("?");
            pty.wait_for("Help");
            pty.keys("esc");
            pty.wait_gone("Help");
        }
    }
    pty.wait_for("2,000/2,000");
    pty.keys("q");
    assert_eq!(pty.wait_exit(), 0);
    let written = pty.written();
    let text = String::from_utf8(written).expect("only whole characters are written");
    for (at, piece) in text.split('\x1b').enumerate().skip(1) {
        let known = match piece.chars().next() {
            // Looks, moves, wiping, modes, scrolling, and the stack of titles.
            Some('[') => piece[1..]
                .find(|c: char| c.is_ascii_alphabetic())
                .is_some_and(|end| "mHGCJhlrMLt".contains(&piece[1 + end..2 + end])),
            Some(']') => piece.starts_with("]2;Switchboard") || piece.starts_with("]2;over"),
            _ => false,
        };
        assert!(known, "sequence {at}: {piece:?}");
        let stray = piece.chars().find(|c| c.is_control() && *c != '\x07');
        assert_eq!(stray, None, "sequence {at}: {piece:?}");
    }
}

/// A simulator with these faults, and a home whose configuration points to it.
async fn simulated(leads: usize, faults: &[&str]) -> (Simulator, TempDir) {
    let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let simulator = sim::start("kenbun", SimOptions { leads, faults, ..SimOptions::default() }).await.unwrap();
    let home = home_with(&[("sales", &simulator.profile)]);
    (simulator, home)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_awaited_before_the_end() {
    let (simulator, home) = simulated(3_000, &["latency_after=2s:write"]).await;
    let is_janes =
        |(_, holder): &(_, Holder)| matches!(holder, Holder::Owner { name: Some(name), .. } if name == "Jane Smith");
    let simulator = Arc::new(simulator);
    let hers = move |simulator: &Simulator| simulator.holders().iter().filter(|held| is_janes(held)).count();
    let already = hers(&simulator);
    let server = Arc::clone(&simulator);
    let journey = tokio::task::spawn_blocking(move || {
        let mut pty = Start::switchboard(&[]).start_in(home);
        pty.wait_for_rows("3,000 leads");
        pty.keys("* a");
        pty.wait_for("Who gets the 3,000 marked leads?");
        pty.text("jane");
        pty.wait_for("Assign 1 of");
        pty.keys("enter");
        pty.wait_for("Type the number of changes");
        let changes = count_after(&pty.screen(), "to apply them: ");
        pty.keys("tab");
        pty.text(&changes.to_string());
        pty.keys("enter");
        pty.wait_for("% ");
        // Some batches have left and are waited for, others have not left yet.
        let asked = Instant::now();
        while hers(&server) == already {
            assert!(asked.elapsed() < Duration::from_secs(60), "nothing was sent:\n{}", pty.screen());
            std::thread::sleep(Duration::from_millis(5));
        }
        pty.signal(Signal::TERM);
        assert_eq!(pty.wait_exit(), 143);
        pty.assert_restored();
        (pty, changes)
    });
    let (pty, changes) = journey.await.unwrap();
    let journal = Journal::open(&pty.home().join("data")).unwrap();
    let operation = journal.operations(0, 1).unwrap().remove(0);
    let tally = operation.tally;
    assert_eq!(tally.total(), changes + tally.skipped);
    assert_eq!((tally.sent, tally.unknown), (0, 0), "{tally:?}");
    assert!(tally.done > 0 && tally.done < changes, "{tally:?}");
    assert_eq!(hers(&simulator), tally.done + already);
}

/// The demo on a wide screen, with everything loaded.
pub fn all_companies() -> Pty {
    let mut pty = Start::switchboard(&["demo", "--leads", "400"]).size(160, 50).start();
    for line in ["sales kenbun", "stores Capillary", "center Exotel", "outreach Instantly", "shop StateSet"] {
        pty.wait_for(line);
    }
    for list in COMPANIES_WITH_LEADS {
        show(&mut pty, list);
    }
    pty
}

const COMPANIES_WITH_LEADS: [&str; 4] = ["sales", "stores", "outreach", "shop"];

/// Opens a list by its name and waits until it is loaded.
fn show(pty: &mut Pty, list: &str) {
    show_titled(pty, &format!("Leads: {list} "));
    if list != "All leads" {
        pty.wait_for(&format!("in {list}, read at"));
    }
}

/// Opens one of the lists by the title that the middle of the screen has then.
pub fn show_titled(pty: &mut Pty, title: &str) {
    pty.keys("1");
    pty.wait_for("enter show");
    pty.keys("home");
    for _ in 0..40 {
        pty.keys("enter");
        pty.wait_gone("enter show");
        if pty.screen().contains(title) {
            break;
        }
        pty.keys("1 down");
        pty.wait_for("enter show");
    }
    pty.wait_for(title);
}

#[test]
fn the_demo_has_a_company_of_every_vendor_and_leads_are_assigned_in_each() {
    let mut pty = all_companies();
    for list in COMPANIES_WITH_LEADS {
        show(&mut pty, list);
        pty.keys("/");
        pty.text("-owner:jane -owner:unknown");
        pty.keys("enter");
        pty.wait_for("/ -owner:jane");
        pty.keys("a");
        pty.wait_for("Who gets");
        pty.text("jane");
        pty.wait_for("Assign 1 of");
        pty.keys("enter");
        pty.wait_for("[ Apply 1 change ]");
        pty.keys("y");
        pty.wait_for("Jane Smith: 1 done");
        pty.keys("esc");
        pty.wait_for("/ no filter");
    }
    look_at_the_history_and_quit(pty, 4);
}

#[test]
fn a_selection_over_several_vendors_is_one_operation_with_one_undo() {
    let mut pty = all_companies();
    for (marked, list) in COMPANIES_WITH_LEADS.into_iter().enumerate() {
        show(&mut pty, list);
        pty.keys("/");
        pty.text("-owner:jane -owner:unknown");
        pty.keys("enter");
        pty.wait_for("/ -owner:jane");
        pty.keys("space");
        pty.wait_for(&format!("{} marked", marked + 1));
    }
    pty.keys("esc");
    pty.wait_for("/ no filter");
    show(&mut pty, "All leads");
    pty.keys("a");
    pty.wait_for("Who gets the 4 marked leads");
    pty.text("jane");
    pty.wait_for("Assign 1 of");
    pty.keys("enter");
    pty.wait_for("[ Apply 4 changes ]");
    pty.keys("y");
    pty.wait_for("Assign 4 leads to Jane Smith: 4 done");
    pty.keys("u");
    pty.wait_for("[ Apply 4 changes ]");
    pty.keys("y");
    pty.wait_for("4 done");
    look_at_the_history_and_quit(pty, 2);
}

/// A home with these profiles.
fn home_with(profiles: &[(&str, &Map<String, Value>)]) -> TempDir {
    let profiles =
        profiles.iter().map(|(name, settings)| ((*name).to_owned(), toml::Value::try_from(settings).unwrap()));
    let config = toml::Table::from_iter([("profiles".to_owned(), toml::Table::from_iter(profiles).into())]);
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("config.toml"), toml::to_string(&config).unwrap()).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn one_vendors_outage_or_bad_credentials_hold_nobody_else_up() {
    let options = || SimOptions { leads: 300, ..SimOptions::default() };
    let good = sim::start("kenbun", options()).await.unwrap();
    let refusing = sim::start("stateset", options()).await.unwrap();
    let mut wrong = refusing.profile.clone();
    wrong.insert("token".to_owned(), json!({"command": "printf %s sk_test_of_somebody_else"}));
    let slow = SimOptions { faults: vec!["latency=3600s".to_owned()], ..options() };
    let silent = sim::start("kenbun", slow).await.unwrap();
    let mut nowhere = good.profile.clone();
    nowhere.insert("base_url".to_owned(), "http://127.0.0.1:1".into());
    let home =
        home_with(&[("branch", &nowhere), ("night", &silent.profile), ("sales", &good.profile), ("shop", &wrong)]);
    let journey = tokio::task::spawn_blocking(move || {
        let mut pty = Start::switchboard(&[]).size(120, 36).start_in(home);
        // All that can be read is there, and what cannot be is said; nobody waits for the silent one.
        pty.wait_for_rows("300 leads");
        pty.wait_for("StateSet refused the credentials of profile shop");
        pty.keys("space a");
        pty.wait_for("Who gets the marked lead");
        pty.text("barbara");
        pty.wait_for("Assign 1 of");
        pty.keys("enter");
        pty.wait_for("[ Apply 1 change ]");
        pty.keys("y");
        pty.wait_for("Barbara Blacksmith: 1 done");
        pty.keys("q");
        assert_eq!(pty.wait_exit(), 0);
        pty.assert_restored();
    });
    journey.await.unwrap();
    assert_eq!(good.log().all().iter().filter(|entry| !entry.applied.is_empty()).count(), 1);
}

/// The number that stands behind `words` on a screen.
fn count_after(screen: &str, words: &str) -> usize {
    let (_, rest) = screen.split_once(words).unwrap();
    let digits = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit);
    digits.collect::<String>().parse().unwrap()
}
