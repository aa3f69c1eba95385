//! `config`, `sim`, `completions`, `man`, and a home without anything in it.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::world::{Ran, World, settings, text};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_first_configuration_is_private_and_never_overwritten() {
    let world = World::empty();
    world.run(&["leads"]).ends(2).says("config init").says("demo");
    world.run(&[]).ends(2).says("config init").says("demo");
    let file = world.path("config.toml");
    assert_eq!(world.run(&["config", "path"]).ok().out.trim_end(), file.display().to_string());
    world.run(&["config", "init"]).ok();
    assert_eq!(mode(&file), 0o600);
    let written = std::fs::read(&file).unwrap();
    world.run(&["config", "init"]).ends(2).says("already");
    assert_eq!(std::fs::read(&file).unwrap(), written);
    world.run(&["config", "check"]).ok();
    world.run(&["leads"]).ends(2).says("no profile");
}

#[test]
fn the_usual_places_are_the_platforms() {
    let world = World::empty();
    let ran: Ran = world.command(&["config", "init"]).env_remove("SWITCHBOARD_CONFIG").output().unwrap().into();
    let file = world.home().join(".config/switchboard/config.toml");
    assert_eq!(ran.ok().out.trim_end(), file.display().to_string());
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    // A variable that is empty is one that is not set.
    let ran: Ran = world.command(&["config", "path"]).env("SWITCHBOARD_CONFIG", "").output().unwrap().into();
    assert_eq!(ran.ok().out.trim_end(), file.display().to_string());
}

#[test]
fn mistakes_in_the_configuration_have_file_and_line() {
    let world = World::empty();
    world.configure("[profiles.sales]\nvendor = \"kenbun\"\ntokn = { env = \"T\" }");
    for arguments in [&["config", "check"][..], &["leads"], &["assign", "--unassign", "--where", "x", "--yes"]] {
        let ran = world.run(arguments).ends(2).says("config.toml:4: unknown key \"tokn\"").says("did you mean token?");
        assert_eq!(ran.out, "");
    }
    let ran = world.run(&["doctor"]).ends(2);
    assert_eq!((&ran.lines()[0]["ok"], &ran.lines()[0]["check"]), (&false.into(), &"config".into()));
}

#[test]
fn a_missing_secret_is_named_with_its_place() {
    let world = World::empty();
    world.configure("[profiles.sales]\nvendor = \"kenbun\"\ntoken = { env = \"NOT_SET_HERE\" }");
    for arguments in [&["config", "check"][..], &["leads"], &["assign", "--unassign", "--where", "score>1", "--yes"]] {
        world.run(arguments).ends(2).says("config.toml:4: ").says("NOT_SET_HERE");
    }
    assert!(world.run(&["doctor"]).ends(2).out.contains("config.toml:4: "));
}

#[test]
fn a_key_that_nobody_knows_is_a_mistake_too() {
    let world = World::empty();
    world.configure("[keys]\nno_such_action = \"x\"");
    world.run(&["config", "check"]).ends(2).says("config.toml:3: ");
}

#[test]
fn data_and_log_are_private() {
    let world = World::with_leads(10);
    let people = world.people();
    world.run(&["assign", "--to", &people[0].0, "--where", "-owner:unknown", "--yes"]);
    let data = world.path("data");
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.ends_with("switchboard.log")));
    for file in files {
        let wanted = if file.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&file), wanted, "{}", file.display());
    }
    // No secret, no person.
    let log = std::fs::read_to_string(data.join("switchboard.log")).unwrap();
    let token = text(&world.sim().profile["token"]["command"]);
    assert!(!log.contains(token.trim_start_matches("printf %s ")));
    assert!(people.iter().all(|(_, name)| !log.contains(name)), "{log}");
}

#[test]
fn a_simulator_says_when_it_is_ready_and_ends_when_asked() {
    let world = World::empty();
    let mut child =
        world.start(&["sim", "kenbun", "--leads", "5", "--owners", "3", "--seed", "7", "--switch", "role=viewer"]);
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&ready["type"], &ready["vendor"]), (&"sim".into(), &"kenbun".into()));
    assert_eq!(ready["base_url"], ready["profile"]["base_url"]);
    let profile = settings(ready["profile"].as_object().unwrap());
    world.configure(&format!("[profiles.sim]\n{profile}"));
    assert_eq!(world.run(&["leads"]).ok().lines().len(), 5);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for wrong in [&["sim", "nobody"][..], &["sim", "kenbun", "--fault", "x"], &["sim", "kenbun", "--switch", "x"]] {
        world.run(wrong).ends(2);
    }
}

#[test]
fn the_shell_and_the_manual_are_served() {
    let world = World::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(world.run(&["completions", shell]).ok().out.contains("switchboard"));
    }
    assert!(world.run(&["man"]).ok().out.contains(".TH"));
    assert!(world.run(&["--help"]).ok().out.contains("Exit codes"));
    assert!(world.run(&["--version"]).ok().out.starts_with("switchboard "));
    world.run(&["no-such-command"]).ends(2);
    // Nothing of this makes a data folder.
    assert!(!world.path("data").exists());
}
