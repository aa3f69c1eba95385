//! Ctrl-C, kills, lost answers, and `resume`.

use rustix::process::{Pid, Signal, kill_process};
use switchboard::sim::SimOptions;

use super::world::{Ran, World, text};

/// A world whose bulk writes are small and slow, and a running assignment of 60 leads of which some are done.
fn begun() -> (World, Vec<String>, Vec<(String, String)>, std::process::Child) {
    let mut world = World::empty();
    let options = SimOptions { leads: 80, owners: 8, ..SimOptions::default() };
    world.add("sales", options, "bulk_size = 5\nparallel = 1\nrequests_per_minute = 0");
    let people = world.people();
    let ids = world.ids(60);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    world.sim().set_faults(&["latency_after=150ms:write"]).unwrap();
    let child = world.start(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]);
    world.wait_until("the third write", |world| world.writes() >= 3);
    (world, ids, people, child)
}

fn signal(child: &std::process::Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn ctrl_c_settles_what_is_on_the_way_and_resume_goes_on() {
    let (world, ids, people, child) = begun();
    signal(&child, Signal::INT);
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.ends(130).says("resume");
    let summary = ran.summary();
    assert_eq!((&summary["unknown"], &summary["failed"]), (&0.into(), &0.into()), "{summary}");
    assert!(summary["done"].as_u64() >= Some(10) && summary["not_sent"].as_u64() > Some(0), "{summary}");
    // What is said to be done is done, and nothing else.
    for item in ran.items() {
        let is_there = world.holder(&text(&item["target"])).as_ref() == Some(&people[0].0);
        assert_eq!(is_there, item["state"] == "done", "{item}");
    }
    let operation = ran.operation();
    world.sim().set_faults(&[""; 0]).unwrap();
    let writes = world.writes();
    world.run(&["resume", &operation]).ends(6).says("--yes");
    world.run(&["resume", "--settle-only"]).ok().says("no operation was cut off");
    assert_eq!(world.writes(), writes);
    let ran = world.run(&["resume", "--yes"]).ok();
    assert_eq!(ran.operation(), operation);
    assert_eq!(ran.summary()["done"], 60);
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[0].0)));
}

#[test]
fn what_was_not_sent_can_be_written_as_a_plan() {
    let (world, ids, people, child) = begun();
    signal(&child, Signal::INT);
    let ran: Ran = child.wait_with_output().unwrap().into();
    let (left, operation) = (ran.summary()["not_sent"].as_u64().unwrap(), ran.operation());
    world.sim().set_faults(&[""; 0]).unwrap();
    let writes = world.writes();
    world.run(&["resume", "--settle-only", "--out", "rest.json"]).ends(2).says("--settle-only");
    world.run(&["resume", "--out", "rest.json", "--max", "1"]).ends(6);
    let ran = world.run(&["resume", &operation, "--out", "rest.json"]).ok().says("switchboard apply rest.json");
    assert_eq!(ran.items().len() as u64, left);
    assert!(ran.items().iter().all(|item| item["state"] == "planned"), "{:?}", ran.items());
    assert_eq!(world.writes(), writes, "nothing is sent");
    world.run(&["apply", "rest.json", "--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[0].0)));
    // Whoever goes on with the operation after that finds nothing left to write.
    let writes = world.writes();
    world.run(&["resume", "--yes"]);
    assert_eq!(world.writes(), writes);
    world.run(&["undo", &operation, "--yes"]);
    let plan = ["resume", &operation, "--out", "rest.json"];
    world.run(&plan).ends(2).says("taken back");
}

#[test]
fn ctrl_c_is_told_also_where_everything_was_on_the_way_already() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids(20);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    world.sim().set_faults(&["latency_after=400ms:write"]).unwrap();
    let child = world.start(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]);
    world.wait_until("the one write", |world| world.writes() == 1);
    signal(&child, Signal::INT);
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.ends(130).says("takes back what is done");
    assert_eq!(ran.summary()["done"], 20);
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[0].0)));
}

#[test]
#[cfg(target_os = "linux")]
fn what_was_done_is_told_by_the_exit_code_when_the_results_cannot_be_written() {
    let world = World::with_leads(40);
    let people = world.people();
    let ids = world.ids(20);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |arguments: &[&str]| -> Ran { world.command(arguments).stdout(full()).output().unwrap().into() };
    run(&["leads"]).ends(4).says("the results could not be written");
    run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"])
        .says("could not be written")
        .says("switchboard log");
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((log.len(), &log[0]["items"]), (1, &20.into()));
    run(&["undo", "--yes"]).ok().says("could not be written");
}

#[test]
fn after_a_kill_resume_finds_out_what_happened() {
    let (world, ids, people, mut child) = begun();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((&log[0]["life"], &log[0]["items"]), (&"interrupted".into(), &60.into()));
    assert!(log[0]["unknown"].as_u64() > Some(0) && log[0]["not_sent"].as_u64() > Some(0), "{}", log[0]);
    // The items say what the summary counts: nothing of an operation that nobody works on is still to come.
    let told = world.run(&["log", &text(&log[0]["id"])]).ok();
    assert!(told.summary()["not_sent"].as_u64() > Some(0), "{}", told.out);
    assert!(told.items().iter().all(|item| item["state"] == "done" || item["reason"].is_string()), "{}", told.out);
    world.sim().set_faults(&[""; 0]).unwrap();
    world.run(&["resume", "--dry-run"]).ok();
    // What may have been done is not passed over in silence by who wants it back.
    let back = world.run(&["undo", "--dry-run"]);
    assert!(back.err.contains("is not known yet; `switchboard resume"), "{}", back.err);
    // Without a yes what is on the way is found out by reading, and nothing is sent.
    let writes = world.writes();
    let ran = world.run(&["resume"]).ends(6);
    assert_eq!((world.writes(), &ran.summary()["unknown"]), (writes, &0.into()), "{}", ran.out);
    for item in ran.items() {
        let is_there = world.holder(&text(&item["target"])).as_ref() == Some(&people[0].0);
        assert_eq!(is_there, item["state"] == "done", "{item}");
    }
    // A write that the kill cut off before it took effect has failed; everything else is done in the end.
    let lost = ran.summary()["failed"].as_u64().unwrap();
    let ran = world.run(&["resume", "--yes"]).ends(if lost > 0 { 3 } else { 0 });
    let summary = ran.summary();
    assert_eq!((&summary["done"], &summary["failed"]), (&(60 - lost).into(), &lost.into()), "{summary}");
    let held = ids.iter().filter(|id| world.holder(id).as_ref() == Some(&people[0].0)).count();
    assert_eq!(held as u64, 60 - lost);
    world.run(&["resume"]).ok().says("no operation was cut off");
}

#[test]
fn what_was_taken_back_is_not_sent_by_going_on() {
    let (world, ids, people, mut child) = begun();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    world.sim().set_faults(&[""; 0]).unwrap();
    let operation = text(&world.run(&["log"]).ok().lines()[0]["id"]);
    world.run(&["undo", &operation, "--yes"]);
    let writes = world.writes();
    // What was on the way is found out, and that is all, by name too.
    for arguments in [&["resume", "--yes"][..], &["resume", &operation, "--yes"]] {
        let ran = world.run(arguments).ends(3).says("was taken back: what was not sent stays so");
        assert_eq!((world.writes(), &ran.summary()["unknown"]), (writes, &0.into()), "{}", ran.out);
        assert!(ran.summary()["not_sent"].as_u64() > Some(0), "{}", ran.out);
    }
    world.run(&["resume", "--yes"]).ok().says("no operation was cut off");
    // What turned out to have arrived can be taken back like the rest.
    world.run(&["undo", &operation, "--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[1].0)));
}

#[test]
fn what_a_vendor_stopped_goes_on_unless_it_has_become_history() {
    let mut world = World::empty();
    let options = SimOptions { leads: 80, owners: 8, ..SimOptions::default() };
    world.add("sales", options, "bulk_size = 5\nparallel = 1\nrequests_per_minute = 0");
    let people = world.people();
    let ids = world.ids(20);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    world.sim().set_faults(&["unauthorized=100%:write"]).unwrap();
    let stopped = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]).ends(4);
    assert!(stopped.summary()["not_sent"].as_u64() > Some(0), "{}", stopped.out);
    world.sim().set_faults(&[""; 0]).unwrap();
    let ran = world.run(&["resume", "--dry-run"]).ok();
    assert_eq!(ran.operation(), stopped.operation());
    // Who has done something else since goes on with it by name only.
    let one = world.ids_file(&ids[..1]);
    world.run(&["assign", "--to", &people[2].0, "--ids", &one, "--yes"]).ok();
    let writes = world.writes();
    world.run(&["resume", "--yes"]).ok().says("no operation was cut off");
    assert_eq!(world.writes(), writes);
    world.run(&["resume", &stopped.operation(), "--yes"]).ends(3);
}

#[test]
fn lost_answers_are_settled_by_reading() {
    let world = World::with_leads(60);
    let people = world.people();
    let ids = world.ids(20);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    world.sim().set_faults(&["cut_after=100%:times=1"]).unwrap();
    let ran = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]).ok();
    assert_eq!(ran.summary()["done"], 20);
    assert_eq!(world.writes(), 1);
}

#[test]
fn ctrl_c_while_reading_ends_at_once() {
    let world = World::with_leads(60);
    world.sim().set_faults(&["latency=60s:path=/leads"]).unwrap();
    let child = world.start(&["leads"]);
    world.wait_until("the reading", |world| world.sim().log().all().iter().any(|entry| entry.path == "/leads"));
    signal(&child, Signal::INT);
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.ends(130);
}

#[test]
fn credentials_that_are_refused_are_told() {
    let world = World::with_leads(60);
    let people = world.people();
    let file = world.ids_file(&world.ids(20));
    world.sim().set_faults(&["unauthorized=100%"]).unwrap();
    world.run(&["leads"]).ends(4).says("sales");
    world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]).ends(4).says("nothing was sent");
}

#[test]
fn what_was_cut_off_can_be_given_up_for_good() {
    let (world, _ids, people, mut child) = begun();
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    world.sim().set_faults(&[""; 0]).unwrap();
    world.run(&["resume", "--give-up"]).ends(2);
    let operation = text(&world.run(&["log"]).ok().lines()[0]["id"]);
    let writes = world.writes();
    let ran = world.run(&["resume", &operation, "--give-up"]).ends(3);
    for item in ran.items() {
        let is_there = world.holder(&text(&item["target"])).as_ref() == Some(&people[0].0);
        assert_eq!(is_there, item["state"] == "done", "{item}");
    }
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((&log[0]["life"], &log[0]["unknown"]), (&"given_up".into(), &0.into()));
    // No start asks again, and going on sends nothing.
    world.run(&["resume"]).ok().says("no operation was cut off");
    world.run(&["resume", &operation, "--yes"]).ends(3).says("given up");
    assert_eq!(world.writes(), writes);
}
