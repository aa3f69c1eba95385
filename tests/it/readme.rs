//! The README says what is true.

use std::str::FromStr;

use switchboard::app::{Action, Context};
use switchboard::config::Config;
use switchboard::input::{Key, KeyMap};
use switchboard::vendor::registry;

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
