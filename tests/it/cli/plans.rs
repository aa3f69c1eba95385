//! Plan files over night, approval by a second person, recipes, and waiting for the time of a plan.

use std::io::{BufRead, BufReader};

use serde_json::Value;

use super::super::pty::Start;
use super::world::{World, text};

/// A world, a plan file for its first leads (which all belong to the third person), and the people.
fn planned(leads: usize, changes: usize) -> (World, Vec<String>, Vec<(String, String)>, String) {
    let world = World::with_leads(leads);
    let people = world.people();
    let ids = world.ids(changes);
    world.meddle(&ids, &people[2]);
    let file = world.ids_file(&ids);
    let plan = world.path("plan.json").display().to_string();
    let ran = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--out", &plan, "--note", "spring"]).ok();
    assert_eq!(ran.items().len(), changes);
    assert_eq!(world.writes(), 0);
    (world, ids, people, plan)
}

#[test]
fn five_thousand_rows_over_night() {
    let (world, ids, people, plan) = planned(5_200, 5_000);
    world.meddle(&ids[1_000..1_150], &people[1]);
    let ran = world.run(&["apply", &plan, "--yes"]).ends(3);
    let summary = ran.summary();
    assert_eq!((&summary["done"], &summary["skipped"], &summary["failed"]), (&4_850.into(), &150.into(), &0.into()));
    let skipped: Vec<Value> = ran.items().into_iter().filter(|item| item["state"] == "skipped").collect();
    assert_eq!(skipped.len(), 150);
    for item in &skipped {
        let reason = text(&item["reason"]);
        assert!(reason.contains(&format!("was {}, now {}", people[2].1, people[1].1)), "{reason}");
    }
    let left_alone: Vec<String> = skipped.iter().map(|item| text(&item["target"])).collect();
    assert_eq!(left_alone, ids[1_000..1_150]);
    for (n, id) in ids.iter().enumerate() {
        let owner = if (1_000..1_150).contains(&n) { &people[1].0 } else { &people[0].0 };
        assert_eq!(world.holder(id).as_ref(), Some(owner), "{id}");
    }
}

#[test]
fn a_plan_file_never_takes_the_place_of_another_one() {
    let (world, ids, people, plan) = planned(40, 5);
    world.run_as("jane", &["approve", &plan]).ok();
    let first = std::fs::read(&plan).unwrap();
    let file = world.ids_file(&ids[..2]);
    let again = |to: &str| world.run(&["assign", "--to", to, "--ids", &file, "--out", &plan]).ok();
    again(&people[1].0).says("plan.json.1");
    again(&people[1].0).says("plan.json.2");
    assert_eq!(std::fs::read(world.path("plan.json.1")).unwrap(), first);
    // All of them are plans.
    for (kept, items) in [("plan.json", 2), ("plan.json.1", 5), ("plan.json.2", 2)] {
        let kept = world.path(kept).display().to_string();
        assert_eq!(world.run(&["apply", &kept, "--dry-run"]).ok().items().len(), items, "{kept}");
    }
}

#[test]
fn a_plan_file_goes_where_it_was_made_for_and_nowhere_else() {
    let (world, _, _, plan) = planned(40, 5);
    world.add_view_of_sales("other", "");
    world.run(&["-p", "other", "apply", &plan, "--yes"]).ends(2).says("made for the profile sales, not for other");
    world.run(&["-p", "sales,other", "apply", &plan, "--dry-run"]).ok();
    let original = std::fs::read_to_string(world.path("plan.json")).unwrap();
    for (from, to, why) in [
        ("\"version\": 1", "\"version\": 7", "newer Switchboard"),
        ("\"asked\": \"5 ids\"", "\"asked\": \"6 ids\"", "changed after it was written"),
        ("{", "", "not a plan file"),
    ] {
        let changed = original.replacen(from, to, 1);
        assert_ne!(changed, original);
        std::fs::write(world.path("plan.json"), changed).unwrap();
        world.run(&["apply", &plan, "--yes"]).ends(2).says(why).says("nothing was sent");
        world.run(&["approve", &plan]).ends(2).says(why);
    }
    std::fs::write(world.path("plan.json"), &original).unwrap();
    let config = std::fs::read_to_string(world.path("config.toml")).unwrap();
    let moved = config.replacen("http://127.0.0.1", "http://localhost", 1);
    assert_ne!(moved, config);
    std::fs::write(world.path("config.toml"), moved).unwrap();
    world.run(&["apply", &plan, "--yes"]).ends(2).says("the plan was made for kenbun at http://127.0.0.1");
    std::fs::write(world.path("config.toml"), config.replace("[profiles.sales]", "[profiles.sold]")).unwrap();
    world.run(&["apply", &plan, "--yes"]).ends(2).says("there is no profile \"sales\"");
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_large_plan_takes_two_people() {
    let (world, ids, people, plan) = planned(40, 12);
    let file = world.ids_file(&ids);
    let direct = ["assign", "--to", &people[0].0, "--ids", &file, "--yes"];
    world.configure("[settings]\napproval_above = 10");
    let ran = world.run(&direct).ends(6).says("--out FILE").says("approve");
    assert_eq!(ran.summary()["not_sent"], 12);
    world.run(&["apply", &plan, "--yes"]).ends(6).says("somebody other than tester").summary();
    assert_eq!(world.writes(), 0);
    // Nobody approves their own plan.
    world.run(&["approve", &plan]).ends(6).says("somebody else has to approve");
    world.run_as("tester", &["approve", &plan]).ends(6);
    world.run(&["apply", &plan, "--yes"]).ends(6);
    let approval = &world.run_as("bob", &["approve", &plan]).ok().says("approved by bob@").lines()[0];
    assert!(text(&approval["who"]).starts_with("bob@"), "{approval}");
    let written: Value = serde_json::from_slice(&std::fs::read(&plan).unwrap()).unwrap();
    assert_eq!((&written["digest"], &written["approvals"][0]["who"]), (&approval["digest"], &approval["who"]));
    world.run_as("bob", &["approve", &plan]).ok().says("already");
    // An approval that somebody wrote in by hand is none.
    let forged = std::fs::read_to_string(&plan).unwrap().replacen("bob@", "eve@", 1);
    let forgery = world.path("forged.json");
    std::fs::write(&forgery, forged).unwrap();
    world.run(&["apply", &forgery.display().to_string(), "--yes"]).ends(2).says("the approval by eve@");
    assert_eq!(world.writes(), 0);
    let operation = world.run(&["apply", &plan, "--yes"]).ok().operation();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[0].0)));
    let log = &world.run(&["log"]).ok().lines()[0];
    assert!(text(&log["note"]).starts_with("spring (approved by bob@"), "{log}");
    // Taking so much back takes two people as well; a few do not.
    world.run(&["undo", &operation, "--yes"]).ends(6).says("--out FILE");
    world.run_with(&ids[..3].join("\n"), &["undo", &operation, "--ids", "-", "--yes"]).ok();
}

#[test]
fn a_recipe_becomes_a_plan_and_nothing_else() {
    let (world, ids, people, _) = planned(40, 6);
    let recipe = world.path("recipe.toml");
    let write = |leads: &str, assign: &str| {
        let head = "format = \"switchboard-recipe\"\nversion = 1\nprofiles = [\"sales\"]";
        std::fs::write(&recipe, format!("{head}\n[leads]\n{leads}\n[assign]\n{assign}\n")).unwrap();
    };
    let run = |more: &[&str]| world.run(&[&["run", "recipe.toml"], more].concat());
    write(&format!("ids = {ids:?}"), &format!("to = \"{}\"\nnote = \"by recipe\"", people[0].0));
    let ran = run(&[]).ends(6).says("--yes");
    assert_eq!(ran.summary()["not_sent"], 6);
    run(&["--dry-run"]).ok();
    run(&["--yes", "--max", "5"]).ends(6);
    run(&["--out", "plan2.json"]).ok();
    assert_eq!(world.writes(), 0);
    run(&["--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[0].0)));
    assert_eq!(world.run(&["log"]).ok().lines()[0]["note"], "by recipe");
    // A query means the leads that match now.
    write(&format!("where = \"owner:{}\"", people[0].0), "unassign = true");
    let matching = world.run(&["leads", "--where", &format!("owner:{}", people[0].0)]).ok().lines().len();
    let ran = run(&["--include-closed", "--yes"]);
    assert_eq!(ran.summary()["done"], matching);
    write("where = \"\"", "to = \"x\"\nunassign = true");
    run(&["--yes"]).ends(2).says("recipe.toml: this is not a recipe");
    write("where = \"stats:new\"", "unassign = true");
    run(&["--yes"]).ends(2);
    write("query = \"\"", "unassign = true");
    run(&["--yes"]).ends(2).says("recipe.toml: this is not a recipe: line 5: unknown field `query`");
    world.run(&["run", "no-such-recipe.toml", "--yes"]).ends(2).says("cannot be read");
}

#[test]
fn what_is_worth_a_second_look_is_told_before() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids(4);
    world.meddle(&ids, &people[2]);
    world.configure(&format!("[settings]\nowner_cap = 1\n[caps]\n\"{}\" = 1000", people[1].0));
    let file = world.ids_file(&ids);
    let assign = |to: &str, how: &str| world.run(&["assign", "--to", to, "--ids", &file, how]);
    assign(&people[0].0, "--dry-run").ok().says("over the cap of 1.");
    let ran = assign(&people[1].0, "--dry-run").ok();
    assert!(!ran.err.contains("cap"), "{}", ran.err);
    assign(&people[0].0, "--yes").ok();
    let ran = assign(&people[1].0, "--dry-run").ok();
    assert!(ran.err.contains("4 leads were changed within the last 10 min by tester@"), "{}", ran.err);
    // With such a finding even a few changes are confirmed by their count.
    let (to, home) = (people[1].0.clone(), world.into_parts());
    let mut pty = Start::switchboard(&["assign", "--to", &to, "--ids", &file]).size(120, 40).start_in(home.0);
    pty.wait_for("Type 4 to go on");
    pty.text("y\r");
    assert_eq!(pty.wait_exit(), 6);
}

#[test]
fn a_plan_waits_for_its_time_and_is_read_again_then() {
    let (world, ids, people, _) = planned(40, 5);
    let file = world.ids_file(&ids);
    let base = ["assign", "--to", &people[0].0, "--ids", &file];
    world.run(&[&base[..], &["--not-before", "2h", "--yes"]].concat()).ends(2);
    world.run(&[&base[..], &["--not-before", "soon", "--out", "late.json"]].concat()).ends(2).says("is no time");
    // A computer that is slow to start a process gets a later time.
    let mut waiting = [2, 8, 32, 128].iter().find_map(|seconds| {
        world.meddle(&ids, &people[3]);
        world.run(&[&base[..], &["--not-before", &format!("{seconds}s"), "--out", "late.json"]].concat()).ok();
        let mut applying = world.start(&["apply", "late.json", "--yes"]);
        let mut told = BufReader::new(applying.stderr.take().unwrap()).lines();
        if told.any(|line| line.unwrap().contains("waiting until")) {
            return Some((applying, told));
        }
        applying.wait().unwrap();
        None
    });
    let (waiting, _told) = waiting.as_mut().expect("it never waited");
    // Somebody is faster.
    world.meddle(&ids[..2], &people[1]);
    assert_eq!(waiting.wait().unwrap().code(), Some(3));
    assert_eq!(world.holder(&ids[0]).as_ref(), Some(&people[1].0));
    assert_eq!(world.holder(&ids[4]).as_ref(), Some(&people[0].0));
    // Ctrl-C leaves it unsent.
    world.meddle(&ids, &people[2]);
    world.run(&[&base[..], &["--not-before", "1h", "--out", "late.json"]].concat()).ok();
    let writes = world.writes();
    let (home, _runtime, sims) = world.into_parts();
    let mut pty = Start::switchboard(&["apply", "late.json", "--yes"]).size(120, 40).start_in(home);
    pty.wait_for("left");
    pty.text("\u{3}");
    assert_eq!(pty.wait_exit(), 130);
    let now = sims[0].1.log().all().iter().filter(|entry| entry.act == switchboard::sim::Act::Write).count();
    assert_eq!(now, writes);
}
