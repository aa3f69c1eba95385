//! `sim VENDOR` of every vendor: what it says about itself is a profile that works.

use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value};
use switchboard::sim::registry::VENDORS;
use switchboard::vendor::registry;

use super::world::{World, settings, text};

/// A simulator in a process of its own; it ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

/// A simulator, and the line that says it is ready.
fn started(world: &World, arguments: &[&str]) -> (Running, Value) {
    let mut child = world.start(&[&["sim"], arguments].concat());
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (Running(child), serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

fn add(world: &World, name: &str, profile: &Map<String, Value>) {
    world.configure(&format!("[profiles.{name}]\n{}", settings(profile)));
}

#[test]
fn the_ready_line_of_every_vendor_is_a_profile_that_works() {
    let world = World::empty();
    let mut running = Vec::new();
    assert_eq!(VENDORS.len(), registry::all().len(), "every vendor has a client and a simulator");
    for vendor in VENDORS.iter().map(|vendor| vendor.name) {
        let (sim, ready) = started(&world, &[vendor, "--leads", "40", "--owners", "3", "--campaigns", "4"]);
        running.push(sim);
        assert_eq!((&ready["type"], &ready["vendor"]), (&"sim".into(), &vendor.into()));
        assert_eq!(ready["base_url"], ready["profile"]["base_url"]);
        add(&world, vendor, ready["profile"].as_object().unwrap());
        for (name, profile) in ready["other_profiles"].as_object().unwrap() {
            assert_eq!(profile["vendor"], vendor);
            add(&world, &format!("{vendor}-{name}"), profile.as_object().unwrap());
        }
        let checks = world.run(&["-p", vendor, "doctor"]).ok().lines();
        assert!(checks.iter().any(|check| check["profile"] == vendor), "{checks:?}");
        // Exotel has lists of leads, and no owners but agents of them.
        let has_leads = vendor != "exotel";
        let listed = world.run(&["-p", vendor, if has_leads { "leads" } else { "campaigns" }]).ok().lines();
        assert!(listed.len() >= if has_leads { 40 } else { 4 }, "{vendor}: {}", listed.len());
        assert!(listed.iter().all(|line| line["type"] == if has_leads { "lead" } else { "mapping" }));
        let people = world.run(&["-p", vendor, "owners"]).ok().lines();
        assert!(people.len() >= 3, "{vendor}: {people:?}");
    }
    // All of them together, with every other credential.
    world.run(&["config", "check"]).ok();
}

#[test]
fn every_simulator_tells_its_switches_and_the_faults() {
    let world = World::empty();
    let all = world.run(&["sim", "--help"]).ok().out;
    for vendor in VENDORS {
        assert!(all.contains(vendor.about), "{}", vendor.name);
        let help = world.run(&["sim", vendor.name, "--help"]).ok().out;
        assert!(help.contains("--leads") && help.contains("cut_after=CHANCE"), "{help}");
        for switch in vendor.switches {
            assert!(help.contains(&format!("  {}=", switch.name)), "{} of {}", switch.name, vendor.name);
            // Every default is a value that can be given.
            let given = format!("{}={}", switch.name, switch.default);
            let (_running, ready) = started(&world, &[vendor.name, "--leads", "3", "--switch", &given]);
            assert_eq!(text(&ready["vendor"]), vendor.name, "{given}");
        }
    }
    world.run(&["sim", "nobody", "--help"]).ends(2).says("kenbun");
}
