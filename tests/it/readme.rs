//! The README says what is true.

use std::str::FromStr;

use switchboard::app::{Action, Context};
use switchboard::config::Config;
use switchboard::domain::{Exactness, TargetKind, Unassign};
use switchboard::input::{Key, KeyMap};
use switchboard::sim::{self, SimOptions};
use switchboard::vendor::registry;

use super::vendors::client;

const README: &str = include_str!("../../README.md");

#[test]
fn the_keys_are_those_of_the_key_map() {
    let keys = KeyMap::new();
    let mut rows = 0;
    let mut place = Context::Leads;
    for line in README.lines() {
        if line.starts_with("###") {
            place = if line.contains("Campaigns") { Context::Grid } else { Context::Leads };
        }
        if !line.starts_with("| `") {
            continue;
        }
        // The bar is itself a key.
        let mut cells = line.split("` | `").map(|cell| cell.trim_start_matches("| `"));
        let (key, rest) = (cells.next().unwrap().replace("\\|", "|"), cells.next().unwrap());
        let action = rest.split('`').next().unwrap();
        let action = Action::from_str(action).unwrap_or_else(|_| panic!("there is no action {action}"));
        assert_eq!(keys.action(place, Key::from_str(&key).unwrap()), Some(action), "{line}");
        rows += 1;
    }
    assert!(rows > 20, "the table of keys is gone");
}

/// The cells of a row of the table of vendors, without its first.
fn vendors(row: &str) -> Vec<&'static str> {
    let table = &README[README.find("## Vendors").unwrap()..];
    let line =
        table.lines().find(|line| line.starts_with(&format!("| {row}"))).unwrap_or_else(|| panic!("no row {row}"));
    line.trim_matches('|').split('|').map(str::trim).skip(1).collect()
}

#[tokio::test]
async fn the_table_of_vendors_says_what_the_clients_say() {
    switchboard::vendor::http::install_tls();
    let heads = vendors("|");
    assert_eq!(heads.len(), registry::all().len(), "{heads:?}");
    for entry in registry::all() {
        let title = entry.kind.title();
        let column = heads.iter().position(|head| head.starts_with(title)).unwrap_or_else(|| panic!("no {title}"));
        let cell = |row: &str| vendors(row)[column];
        let options = SimOptions { leads: 5, owners: 3, campaigns: 2, ..SimOptions::default() };
        let name = entry.kind.to_string();
        let simulator = sim::start(&name, options).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cell("Simulator"), "yes");
        let client = client(&simulator.profile, "");
        let can = client.capabilities();
        assert_eq!(heads[column].contains("experimental"), can.experimental, "{title}");
        match can.batch.max {
            1 => assert!(cell("Bulk").starts_with("no"), "{title}"),
            most => assert!(cell("Bulk").contains(&format!("up to {most} ")), "{title}: {most}"),
        }
        if can.batch.max > 1 && !can.batch.per_item_answer {
            assert!(cell("Result per item").contains("read back"), "{title}");
        }
        let yes_or_no = if can.unassign == Unassign::Yes { "yes" } else { "no" };
        assert!(cell("Unassign").starts_with(yes_or_no), "{title}");
        let exact = if can.undo == Exactness::Exact { "exact" } else { "best effort" };
        assert!(cell("Undo").starts_with(exact), "{title}");
        match (can.targets, can.names_in_rows) {
            (TargetKind::Mappings, _) => assert!(cell("Names").contains("files"), "{title}"),
            (_, false) => assert!(cell("Names").contains("one request a lead"), "{title}"),
            (_, true) => {
                assert!(cell("Names").contains("in the list") || cell("Names").contains("a setting"), "{title}")
            }
        }
        let pace = entry.settings.iter().find(|setting| setting.name == "requests_per_minute").unwrap();
        let a_minute = cell("Pace").replace(',', "");
        assert!(a_minute.starts_with(&format!("{} a minute", pace.default.unwrap())), "{title}");
    }
}

#[test]
fn the_first_configuration_is_right() {
    let start = README.find("```toml\n").unwrap() + 8;
    let text = &README[start..start + README[start..].find("```").unwrap()];
    assert_eq!(text.lines().count(), 5, "it is announced as five lines");
    let config = Config::parse(text, None, &registry::settings()).unwrap();
    assert_eq!(config.profiles.len(), 1);
}

#[test]
fn the_gate_runs_the_test_command() {
    let gate = include_str!("../../.ci/run");
    assert!(README.contains("\ncargo test "), "the README's test command");
    assert!(gate.lines().any(|line| line.starts_with("cargo test ")), "the gate runs it");
}
