//! The screen of campaigns in a pseudo-terminal, against the simulator of Exotel: a supervisor at the start of a shift.

use std::collections::BTreeSet;
use std::fs;

use switchboard::journal::Journal;
use switchboard::sim::{self, Holder, SimOptions, Simulator};
use tempfile::TempDir;

use super::journeys::{all_companies, look_at_the_history_and_quit, show_titled};
use super::pty::{Pty, Start};

/// A contact center, and a home whose configuration points to it.
async fn simulated(lists: usize, agents: usize) -> (Simulator, TempDir) {
    let options = SimOptions { leads: lists, owners: agents, campaigns: 6, ..SimOptions::default() };
    let simulator = sim::start("exotel", options).await.unwrap();
    let mut profile = simulator.profile.clone();
    profile.insert("requests_per_minute".to_owned(), 0.into());
    let mut profiles = toml::Table::new();
    profiles.insert("center".to_owned(), toml::Value::try_from(&profile).unwrap());
    let mut config = toml::Table::new();
    config.insert("profiles".to_owned(), toml::Value::Table(profiles));
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("config.toml"), toml::to_string(&config).unwrap()).unwrap();
    (simulator, home)
}

/// What the server has, by target.
fn mapping(simulator: &Simulator) -> Vec<(String, BTreeSet<String>)> {
    let agents = |holder| if let Holder::Agents(users) = holder { users } else { BTreeSet::new() };
    let mut all: Vec<_> =
        simulator.holders().into_iter().map(|(target, holder)| (target.to_string(), agents(holder))).collect();
    all.sort();
    all
}

/// Lists that differ between two states of the server.
fn differing(before: &[(String, BTreeSet<String>)], after: &[(String, BTreeSet<String>)]) -> usize {
    before.iter().zip(after).filter(|(a, b)| a != b).count()
}

/// Opens the campaign under the cursor and waits for its cells.
fn open(pty: &mut Pty) {
    pty.wait_for("Campaigns: center");
    pty.wait_for("not read");
    pty.keys("enter");
    pty.wait_for("read at");
}

fn a_shift(simulator: &Simulator, home: TempDir, size: (u16, u16)) {
    let before = mapping(simulator);
    let mut pty = Start::switchboard(&[]).size(size.0, size.1).start_in(home);
    open(&mut pty);

    // Paint with arrows and Enter; nothing is sent.
    pty.keys("enter down enter right enter");
    pty.wait_for("in 2 lists");
    pty.keys("backspace");
    pty.wait_for("Taken back");
    assert_eq!(differing(&before, &mapping(simulator)), 0);

    // Cancel has the focus.
    pty.keys("a");
    pty.wait_for("[ Apply 2 changes ]");
    pty.keys("enter");
    pty.wait_for("Nothing was sent");
    pty.wait_for("in 2 lists");
    assert_eq!(differing(&before, &mapping(simulator)), 0);

    pty.keys("a");
    pty.wait_for("Change the agents of 2 lists");
    pty.wait_for("[ Apply 2 changes ]");
    pty.keys("y");
    pty.wait_for("Change the agents of 2 lists: 2 done");
    assert_eq!(differing(&before, &mapping(simulator)), 2);
    pty.wait_gone("painted:");

    // The snapshot from before was kept by itself: what it is compared with differs in two lists.
    pty.keys("s");
    pty.wait_for("before ");
    pty.wait_for("Snapshots 1 snapshot");
    pty.keys("enter");
    pty.wait_for("2 lists differ");
    pty.keys("esc");
    pty.wait_gone("Compare");

    pty.keys("u");
    pty.wait_for("Put the agents of 2 lists back");
    pty.wait_for("[ Apply 2 changes ]");
    pty.keys("y");
    pty.wait_for("Put the agents of 2 lists back: 2 done");
    assert_eq!(differing(&before, &mapping(simulator)), 0);
    let pty = look_at_the_history_and_quit(pty, 2);
    let journal = Journal::open(&pty.home().join("data")).unwrap();
    assert_eq!(journal.snapshots(&"center".into()).unwrap().len(), 2, "one before the change, one before the undo");
    assert_eq!(simulator.log().complaints(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_paints_applies_compares_and_takes_back_on_a_small_screen() {
    let (simulator, home) = simulated(20, 16).await;
    tokio::task::spawn_blocking(move || a_shift(&simulator, home, (80, 24))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_paints_applies_compares_and_takes_back_on_a_large_screen() {
    let (simulator, home) = simulated(60, 90).await;
    tokio::task::spawn_blocking(move || a_shift(&simulator, home, (200, 50))).await.unwrap();
}

/// Beside the vendors of leads, in the demo that everybody begins with.
#[test]
fn agents_are_mapped_and_taken_back_in_the_demo() {
    let mut pty = all_companies();
    show_titled(&mut pty, "Campaigns: center");
    open(&mut pty);
    pty.keys("enter down enter");
    pty.wait_for("in 2 lists");
    pty.keys("a");
    pty.wait_for("Change the agents of 2 lists");
    pty.wait_for("[ Apply 2 changes ]");
    pty.keys("y");
    pty.wait_for("Change the agents of 2 lists: 2 done");
    pty.wait_gone("painted:");
    pty.keys("u");
    pty.wait_for("Put the agents of 2 lists back");
    pty.wait_for("[ Apply 2 changes ]");
    pty.keys("y");
    pty.wait_for("Put the agents of 2 lists back: 2 done");
    look_at_the_history_and_quit(pty, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_waits_for_its_time_is_left_unsent_by_ctrl_c() {
    let (simulator, home) = simulated(10, 8).await;
    let journey = tokio::task::spawn_blocking(move || {
        let before = mapping(&simulator);
        let mut pty = Start::switchboard(&[]).start_in(home);
        open(&mut pty);
        pty.keys("enter a");
        pty.wait_for("[ Apply 1 change ]");
        pty.keys("t");
        pty.wait_for("Not before");
        // A day that is far enough, whatever the clock says.
        pty.text("2099-01-01T08:00");
        pty.keys("enter y");
        pty.wait_for("not before");
        pty.wait_for("1 Jan 2099");
        pty.keys("ctrl-c");
        pty.wait_for("nothing was sent");
        pty.keys("ctrl-c");
        pty.wait_exit();
        pty.assert_restored();
        assert_eq!(differing(&before, &mapping(&simulator)), 0);
        let journal = Journal::open(&pty.home().join("data")).unwrap();
        assert_eq!(journal.count().unwrap(), 0);
    });
    journey.await.unwrap();
}
