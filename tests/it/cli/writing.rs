//! `assign`, `distribute`, `apply`: plans, refusals, questions, results.

use super::super::pty::Start;
use super::world::{World, text};

#[test]
fn a_dry_run_shows_the_plan_and_sends_nothing() {
    let world = World::with_leads(40);
    let people = world.people();
    let before = world.sim().holders();
    let ids = world.ids_file(&world.ids(10));
    let ran = world.run(&["assign", "--to", &people[0].1, "--ids", &ids, "--dry-run"]).ok();
    assert_eq!(ran.items().len(), 10);
    for item in ran.items() {
        assert_eq!(item["after"], serde_json::json!({ "id": people[0].0, "name": people[0].1 }));
        assert!(["planned", "skipped"].contains(&item["state"].as_str().unwrap()), "{item}");
    }
    assert_eq!(ran.summary()["operation"], serde_json::Value::Null);
    assert_eq!((world.writes(), world.sim().holders()), (0, before));
    assert_eq!(world.run(&["log"]).ok().out, "");
}

#[test]
fn without_a_terminal_nothing_is_sent_unless_it_is_said() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids_file(&world.ids(10));
    let ran = world.run(&["assign", "--to", &people[0].1, "--ids", &ids]).ends(6).says("--yes");
    assert!(ran.items().iter().all(|item| item["state"] == "not_sent" || item["state"] == "skipped"));
    ran.summary();
    assert_eq!(world.writes(), 0);
    let ran = world.run(&["assign", "--to", &people[0].1, "--ids", &ids, "--yes", "--note", "spring"]);
    let summary = ran.summary();
    assert!(ran.code == Some(0) || summary["skipped"] != 0, "{summary}");
    for id in world.ids(10) {
        assert_eq!(world.holder(&id).as_deref(), Some(people[0].0.as_str()));
    }
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((log.len(), &log[0]["note"], &log[0]["kind"]), (1, &"spring".into(), &"assign".into()));
    assert!(text(&log[0]["who"]).starts_with("tester@"));
}

#[test]
fn ids_that_the_vendor_does_not_have_are_skipped() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids(3);
    let lines = format!("# a comment\n\n{}\nno-such-lead\r\n{}\n{}\n{}", ids[0], ids[1], ids[0], ids[2]);
    let ran = world.run_with(&lines, &["assign", "--unassign", "--ids", "-", "--yes"]);
    let skipped: Vec<_> = ran
        .items()
        .into_iter()
        .filter(|item| item["reason"] == "no such lead")
        .map(|item| text(&item["target"]))
        .collect();
    assert_eq!(skipped, ["no-such-lead"]);
    assert_eq!(ran.items().len(), 4);
    ran.ends(3).summary();
    assert!(ids.iter().all(|id| world.holder(id).is_none()));
    // Only unknown ones: none was done.
    world.run_with("a\nb\n", &["assign", "--to", &people[0].0, "--ids", "-", "--yes"]).ends(4).summary();
    // What is already as wanted is nothing to do.
    let again = world.run_with(&ids.join("\n"), &["assign", "--unassign", "--ids", "-", "--yes"]).ok();
    assert!(again.items().iter().all(|item| item["reason"] == "already there"));
    world.run_with("", &["assign", "--unassign", "--ids", "-", "--yes"]).ok().summary();
    world.run(&["assign", "--unassign", "--ids", "/no/such/file", "--yes"]).ends(2);
}

#[test]
fn an_owner_must_be_one_person() {
    let world = World::with_leads(40);
    let ids = world.ids_file(&world.ids(1));
    let shared: Vec<_> =
        world.run(&["owners"]).ok().lines().into_iter().filter(|owner| owner.get("leads_exact").is_some()).collect();
    assert_eq!(shared.len(), 2, "the demo company has two people of one name");
    let ran = world.run(&["assign", "--to", &text(&shared[0]["name"]), "--ids", &ids, "--yes"]).ends(2);
    for owner in &shared {
        assert!(ran.err.contains(&text(&owner["id"])) && ran.err.contains(&text(&owner["email"])), "{}", ran.err);
    }
    world.run(&["assign", "--to", "nobody at all", "--ids", &ids, "--yes"]).ends(2).says("fits");
    // Told even where no lead matches.
    world.run(&["assign", "--to", "nobody at all", "--where", "score>100000", "--yes"]).ends(2);
    assert_eq!(world.writes(), 0);
    world.run(&["assign", "--to", &text(&shared[1]["email"]), "--ids", &ids, "--yes"]).ok();
    assert_eq!(world.holder(&world.ids(1)[0]), shared[1]["id"].as_str().map(str::to_owned));
}

#[test]
fn brakes_hold() {
    let world = World::with_leads(40);
    world.add_view_of_sales("look", "read_only = true");
    let people = world.people();
    let assign = |profile: &str, more: &[&str]| {
        let base = ["-p", profile, "assign", "--to", &people[0].0, "--where", "-owner:unknown"];
        world.run(&[&base[..], more].concat())
    };
    assign("look", &["--yes"]).ends(6).says("read-only");
    assign("look", &["--dry-run"]).ends(6);
    assign("sales", &["--yes", "--max", "5"]).ends(6).says("--max 5").summary();
    assign("sales", &["--dry-run", "--max", "5"]).ends(6).says("--max 5");
    assert_eq!(world.writes(), 0);
    assign("sales", &["--yes", "--max", "40"]).summary();
    assert!(world.writes() > 0);
}

#[test]
fn distributing_keeps_to_the_way() {
    let world = World::with_leads(60);
    let people = world.people();
    let (a, b) = (&people[0].0, &people[1].0);
    let ids = world.ids(12);
    let file = world.ids_file(&ids);
    let count = |owner: &str| ids.iter().filter(|id| world.holder(id).as_deref() == Some(owner)).count();
    let run = |to: &str, by: &str| world.run(&["distribute", "--to", to, "--by", by, "--ids", &file, "--yes"]);
    run(&format!("{a},{b}"), "round-robin").summary();
    assert_eq!((count(a), count(b)), (6, 6));
    run(&format!("{a}:1,{b}:3"), "weights").summary();
    assert_eq!((count(a), count(b)), (3, 9));
    run(&format!("{a}:0,{b}:3"), "weights").ends(2).says("weight");
    run(&format!("{a},{a}"), "round-robin").ends(2).says("twice");
    run("nobody at all", "balance").ends(2);
    let log = world.run(&["log"]).ok().lines();
    assert!(log.iter().all(|operation| operation["kind"] == "distribute"));
}

#[test]
fn a_plan_file_is_applied_to_what_still_holds() {
    let world = World::with_leads(60);
    let people = world.people();
    let ids = world.ids(20);
    // Nobody is where they are wanted to go, so that every lead is a change.
    world.meddle(&ids, &people[2]);
    let file = world.ids_file(&ids);
    let plan = world.path("plan.json").display().to_string();
    let ran = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--out", &plan]).ok();
    assert_eq!(ran.items().len(), 20);
    assert_eq!(world.writes(), 0);
    assert!(is_private(&world.path("plan.json")));
    // Somebody else is at work over night.
    world.meddle(&ids[..5], &people[1]);
    let shown = world.run(&["apply", &plan, "--dry-run"]).ends(3);
    assert_eq!(shown.items().iter().filter(|item| item["state"] == "planned").count(), 15);
    world.run(&["apply", &plan]).ends(6);
    assert_eq!(world.writes(), 0);
    let ran = world.run(&["apply", &plan, "--yes"]).ends(3);
    let summary = ran.summary();
    assert_eq!((&summary["done"], &summary["skipped"]), (&15.into(), &5.into()), "{}", ran.out);
    for item in ran.items().iter().filter(|item| item["state"] == "skipped") {
        let reason = text(&item["reason"]);
        assert!(reason.contains(&people[2].1) && reason.contains(&people[1].1), "{reason}");
    }
    for (n, id) in ids.iter().enumerate() {
        let owner = if n < 5 { &people[1].0 } else { &people[0].0 };
        assert_eq!(world.holder(id).as_ref(), Some(owner));
    }
    // A changed one is refused.
    let changed = std::fs::read_to_string(&plan).unwrap().replacen(&ids[0], "another", 1);
    std::fs::write(&plan, changed).unwrap();
    world.run(&["apply", &plan, "--yes"]).ends(2).says("digest");
    world.run(&["apply", "/no/such/plan", "--yes"]).ends(2);
}

#[cfg(unix)]
fn is_private(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
}

#[test]
fn on_a_terminal_a_few_changes_take_a_yes() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids(3);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    let to = people[0].0.clone();
    let (home, _runtime, sims) = world.into_parts();
    let mut pty = Start::switchboard(&["assign", "--to", &to, "--ids", &file]).size(120, 40).start_in(home);
    pty.wait_for("[y/N]");
    pty.text("y\r");
    assert_eq!(pty.wait_exit(), 0);
    assert!(ids.iter().all(|id| sims[0].1.holder(id).unwrap().id() == Some(&to)));
}

#[test]
fn on_a_terminal_nothing_is_sent_by_a_line_break_or_a_wrong_count() {
    for (leads, question, answer) in [(3, "[y/N]", "\r"), (30, "Type 30", "y\r"), (30, "Type 30", "29\r")] {
        let world = World::with_leads(40);
        world.configure("[settings]\nlarge_plan = 20");
        let people = world.people();
        let ids = world.ids(leads);
        world.meddle(&ids, &people[1]);
        let file = world.ids_file(&ids);
        let (home, _runtime, sims) = world.into_parts();
        let arguments = ["assign", "--to", &people[0].0, "--ids", &file];
        let mut pty = Start::switchboard(&arguments).size(120, 60).start_in(home);
        pty.wait_for(question);
        pty.text(answer);
        assert_eq!(pty.wait_exit(), 6, "{answer:?}");
        let writes = sims[0].1.log().all().iter().filter(|entry| entry.act == switchboard::sim::Act::Write).count();
        assert_eq!(writes, 0, "{answer:?}");
    }
}

#[test]
fn a_plan_takes_the_requests_that_it_said() {
    // kenbun's organizational unit is chosen again before each bulk request; old owners are read again.
    let world = World::with_leads(450);
    let people = world.people();
    let all = world.ids(450);
    let file = world.ids_file(&all);
    let plan = world.path("plan.json").display().to_string();
    for (args, least) in [
        (vec!["assign", "--to", &people[0].0, "--ids", &file], 2),
        (vec!["undo"], 2),
        (vec!["undo", "--since", "1h"], 0),
    ] {
        let run = |how: &str| world.run(&[&args[..], &[how]].concat());
        let said = run("--dry-run").summary()["requests"].as_u64().unwrap();
        let took = run("--yes").summary()["requests"].as_u64().unwrap();
        assert_eq!((said, said >= least), (took, true), "{args:?}");
    }
    // From a file every lead is read again just before: as many more as its listing has pages.
    world.run(&["assign", "--to", &people[1].0, "--ids", &file, "--out", &plan]).ok();
    let said = world.run(&["apply", &plan, "--dry-run"]).summary()["requests"].as_u64().unwrap();
    let took = world.run(&["apply", &plan, "--yes"]).summary()["requests"].as_u64().unwrap();
    assert!(took.abs_diff(said) <= 6, "said {said}, took {took}");
}
