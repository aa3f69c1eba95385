//! `undo`, `redo`, `log`.

use super::world::{World, text};

/// A world in which ten leads of the second person went to the first one.
fn assigned() -> (World, Vec<String>, Vec<(String, String)>, String) {
    let world = World::with_leads(60);
    let people = world.people();
    let ids = world.ids(10);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    let operation = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]).ok().operation();
    (world, ids, people, operation)
}

#[test]
fn what_nobody_changed_since_is_put_back() {
    let (world, ids, people, operation) = assigned();
    // Somebody else changes three of them.
    world.meddle(&ids[..3], &people[2]);
    let shown = world.run(&["undo", "--dry-run"]).ends(3);
    assert_eq!(shown.items().iter().filter(|item| item["state"] == "planned").count(), 7);
    world.run(&["undo"]).ends(6);
    let ran = world.run(&["undo", "--yes"]).ends(3);
    let summary = ran.summary();
    assert_eq!((&summary["done"], &summary["skipped"]), (&7.into(), &3.into()));
    for item in ran.items().iter().filter(|item| item["state"] == "skipped") {
        let reason = text(&item["reason"]);
        assert!(reason.contains("changed by someone else") && reason.contains(&people[2].1), "{reason}");
    }
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.holder(id).as_ref(), Some(if n < 3 { &people[2].0 } else { &people[1].0 }));
    }
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((&log[0]["kind"], &log[0]["reverts"]), (&"undo".into(), &operation.as_str().into()));
    assert_eq!((&log[1]["id"], &log[1]["undoable"]), (&operation.as_str().into(), &3.into()));
    // By hand also those.
    world.run(&["undo", &operation, "--force", "--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[1].0)));
    world.run(&["undo", &operation, "--yes"]).ok().says("nothing left to take back");
}

#[test]
fn an_undo_is_taken_back_by_a_redo_and_that_by_an_undo() {
    let (world, ids, people, operation) = assigned();
    let all_of = |owner: &str| ids.iter().all(|id| world.holder(id).as_deref() == Some(owner));
    world.run(&["redo", "--yes"]).ok().says("no undo");
    world.run(&["redo", &operation, "--yes"]).ends(2).says("not an undo");
    let undo = world.run(&["undo", "--yes"]).ok().operation();
    assert!(all_of(&people[1].0));
    let redo = world.run(&["redo", &operation, "--yes"]).ok().operation();
    assert!(all_of(&people[0].0));
    let kinds: Vec<_> = world.run(&["log"]).ok().lines().iter().map(|line| text(&line["kind"])).collect();
    assert_eq!(kinds, ["redo", "undo", "assign"]);
    world.run(&["undo", &redo, "--yes"]).ok();
    assert!(all_of(&people[1].0));
    world.run(&["redo", &undo, "--yes"]).ok().says("nothing left");
}

#[test]
fn what_was_done_again_is_taken_back_by_the_name_of_the_operation() {
    let (world, ids, people, operation) = assigned();
    let all_of = |owner: &str| ids.iter().all(|id| world.holder(id).as_deref() == Some(owner));
    // Some of it was taken back and done again; then all of it.
    world.run_with(&ids[..2].join("\n"), &["undo", &operation, "--ids", "-", "--yes"]).ok();
    for done_again in [2, 10] {
        let redo = world.run(&["redo", "--yes"]).ok();
        assert_eq!(redo.summary()["done"], done_again);
        assert!(all_of(&people[0].0));
        let undo = world.run(&["undo", &operation, "--yes"]).ok().says(&redo.operation());
        assert_eq!(undo.summary()["done"], 10);
        assert!(all_of(&people[1].0));
    }
    world.run(&["undo", &operation, "--yes"]).ok().says("nothing left to take back");
}

#[test]
fn only_some_items_and_only_what_belongs_to_the_operation() {
    let (world, ids, people, operation) = assigned();
    let other = world.ids(11).pop().unwrap();
    let lines = format!("{}\n{}\nstranger\n{other}\n", ids[0], ids[1]);
    let ran = world.run_with(&lines, &["undo", &operation, "--ids", "-", "--yes"]).ends(3);
    let summary = ran.summary();
    assert_eq!((&summary["done"], &summary["skipped"]), (&2.into(), &2.into()));
    let reason = |target: &str| {
        let item = ran.items().into_iter().find(|item| item["target"] == target).unwrap();
        (text(&item["state"]), text(&item["reason"]))
    };
    assert_eq!(reason("stranger"), ("skipped".to_owned(), "no such lead".to_owned()));
    assert_eq!(reason(&other), ("skipped".to_owned(), "not part of what is taken back".to_owned()));
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.holder(id).as_ref(), Some(if n < 2 { &people[1].0 } else { &people[0].0 }));
    }
    world.run_with("stranger\n", &["undo", &operation, "--ids", "-", "--yes"]).ends(4).summary();
    world.run(&["undo", "no-such-operation", "--yes"]).ends(2);
}

#[test]
fn everything_since_a_time_is_one_undo() {
    let (world, ids, people, _) = assigned();
    let file = world.ids_file(&ids);
    world.run(&["assign", "--to", &people[2].0, "--ids", &file, "--yes"]).ok();
    world.run(&["undo", "--since", "1h", "--who", "somebody-else", "--yes"]).ok().says("nothing");
    world.run(&["undo", "--since", "soon", "--yes"]).ends(2);
    world.run(&["undo", "--since", "1h", "--who", "tester", "--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[1].0)));
    world.run(&["undo", "--since", "1h", "--yes"]).ok().says("nothing");
    // It says what it took back, and one of them alone cannot be had again.
    let log = world.run(&["log"]).ok().lines();
    let ids_of = |lines: &[serde_json::Value]| lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>();
    assert_eq!((&log[0]["reverts"], &log[0]["reverts_all"]), (&log[1]["id"], &ids_of(&log[1..3]).into()));
    let undo = text(&log[0]["id"]);
    world.run(&["redo", &text(&log[2]["id"]), "--yes"]).ends(2).says("together with another one").says(&undo);
    world.run(&["redo", &undo, "--yes"]).ok();
    assert!(ids.iter().all(|id| world.holder(id).as_ref() == Some(&people[2].0)));
}

#[test]
fn the_log_shows_operations_and_their_items() {
    let (world, ids, people, operation) = assigned();
    let line = &world.run(&["log"]).ok().lines()[0];
    for (key, value) in
        [("items", 10), ("done", 10), ("failed", 0), ("skipped", 0), ("not_sent", 0), ("unknown", 0), ("undoable", 10)]
    {
        assert_eq!(line[key], value, "{key}");
    }
    assert_eq!(
        (&line["type"], &line["profile"], &line["reverts"]),
        (&"operation".into(), &"sales".into(), &serde_json::Value::Null)
    );
    assert!(text(&line["at"]).parse::<jiff::Timestamp>().is_ok());
    let items = world.run(&["log", &operation]).ok();
    items.summary();
    let targets: Vec<_> = items.items().iter().map(|item| text(&item["target"])).collect();
    assert_eq!(targets, ids);
    for item in items.items() {
        assert_eq!(
            (&item["before"]["id"], &item["after"]["id"]),
            (&people[1].0.as_str().into(), &people[0].0.as_str().into())
        );
    }
    // The beginning of an id is enough.
    world.run(&["log", &operation[..operation.len() - 1]]).ok();
    world.run(&["log", "no-such-operation"]).ends(2);
    let table = world.run(&["log", "--format", "table"]).ok().out;
    assert!(table.starts_with("OPERATION") && table.contains(&operation), "{table}");
    // Only what went to the profile that is named.
    for command in ["log", "undo", "redo", "resume"] {
        world.run(&["-p", "elsewhere", command]).ends(2).says("there is no profile \"elsewhere\"");
    }
    world.add_view_of_sales("elsewhere", "");
    assert_eq!(world.run(&["-p", "elsewhere", "log"]).ok().out, "");
    world.run(&["-p", "elsewhere", "undo", "--yes"]).ok().says("nothing to take back");
    // The history of a profile that is not in the configuration any more can be looked at.
    let file = world.path("config.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("[profiles.sales]", "[profiles.other]");
    std::fs::write(&file, text).unwrap();
    assert_eq!(world.run(&["-p", "sales", "log"]).ok().lines().len(), 1);
}
