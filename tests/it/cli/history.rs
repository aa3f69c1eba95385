//! `log` with its questions, the newest undo that still can be, and `prune`.

use super::world::{World, text};

/// Two operations on ten leads: all to the first person, then three of them to the third one, by somebody else.
fn two_operations() -> (World, Vec<String>, Vec<(String, String)>, String, String) {
    let world = World::with_leads(60);
    let people = world.people();
    let ids = world.ids(10);
    world.meddle(&ids, &people[1]);
    let file = world.ids_file(&ids);
    let first = world.run(&["assign", "--to", &people[0].0, "--ids", &file, "--yes"]).ok().operation();
    let file = world.ids_file(&ids[..3]);
    let second = world.run_as("jane", &["assign", "--to", &people[2].0, "--ids", &file, "--yes"]).ok().operation();
    (world, ids, people, first, second)
}

#[test]
fn the_history_answers_questions() {
    let (world, ids, people, first, second) = two_operations();
    let found = |options: &[&str]| -> Vec<String> {
        let ran = world.run(&[&["log"], options].concat()).ok();
        ran.lines().iter().map(|line| text(&line["id"])).collect()
    };
    let (both, none): (Vec<String>, Vec<String>) = (vec![second.clone(), first.clone()], Vec::new());
    for (options, ids) in [
        (vec![], &both),
        (vec!["--who", "jane"], &vec![second.clone()]),
        (vec!["--who", "TESTER"], &vec![first.clone()]),
        (vec!["--who", "jan"], &none),
        (vec!["--owner", &people[2].0], &vec![second.clone()]),
        (vec!["--owner", &people[0].1], &both),
        (vec!["--owner", "nobody"], &none),
        (vec!["--vendor", "kenbun"], &both),
        (vec!["--vendor", "exotel"], &none),
        (vec!["--state", "done"], &both),
        (vec!["--state", "failed,unknown"], &none),
        (vec!["--since", "1h"], &both),
        (vec!["--until", "1h"], &none),
        (vec!["--since", "1h", "--who", "jane", "--limit", "1"], &vec![second.clone()]),
        (vec!["-p", "sales", "--state", "done"], &both),
    ] {
        assert_eq!(&found(&options), ids, "{options:?}");
    }
    world.run(&["log", "--vendor", "salesforce"]).ends(2).says("there is no vendor");
    world.run(&["log", "--state", "lost"]).ends(2).says("there is no state");
    world.run(&["log", "--since", "soon"]).ends(2);
    // Everything that ever happened to one lead.
    let story = world.run(&["log", "--lead", &ids[0]]).ok().lines();
    let told: Vec<_> = story
        .iter()
        .map(|line| [&line["operation"], &line["before"]["id"], &line["after"]["id"], &line["state"]].map(text))
        .collect();
    let line = |operation: &str, before: usize, after: usize| {
        [operation, &people[before].0, &people[after].0, "done"].map(str::to_owned)
    };
    assert_eq!(told, [line(&second, 0, 2), line(&first, 1, 0)]);
    assert!(text(&story[0]["who"]).starts_with("jane@") && story[0]["type"] == "item", "{story:?}");
    assert_eq!(world.run(&["log", "--lead", &ids[0], "--who", "jane"]).ok().lines().len(), 1);
    assert_eq!(world.run(&["log", "--lead", "no-such-lead"]).ok().out, "");
    assert!(world.run(&["log", "--lead", &ids[0], "--format", "table"]).ok().out.contains(&people[2].1));
    // Some items of one operation; the summary counts those.
    let ran = world.run(&["log", &first, "--lead", &ids[9]]).ok();
    assert_eq!((ran.items().len(), &ran.summary()["done"]), (1, &1.into()));
    assert_eq!(world.run(&["log", &first, "--state", "failed"]).ok().items().len(), 0);
    // For a spreadsheet.
    let csv = |options: &[&str]| world.run(&[&["log", "--format", "csv"], options].concat()).ok().out;
    assert!(csv(&[]).starts_with("id,at,profile,") && csv(&[]).lines().count() == 3);
    assert!(csv(&[&first]).starts_with("seq,profile,target,") && csv(&[&first]).lines().count() == 11);
    let story = csv(&["--lead", &ids[0]]);
    assert!(story.starts_with("operation,at,kind,who,seq,") && story.lines().count() == 3, "{story}");
}

#[test]
fn an_operation_with_nothing_but_conflicts_left_does_not_hide_the_older_ones() {
    let (world, ids, people, first, second) = two_operations();
    // Somebody else took two of jane's three; the third one can be taken back.
    world.meddle(&ids[..2], &people[3]);
    let ran = world.run(&["undo", "--yes"]).ends(3);
    assert_eq!((&ran.summary()["done"], &ran.summary()["skipped"]), (&1.into(), &2.into()));
    // What is left of it are conflicts. The next undo is the first operation's, and says why.
    let ran = world.run(&["undo", "--yes"]).ends(3).says(&format!("{second} is newer, and is passed over"));
    assert_eq!((&ran.summary()["done"], &ran.summary()["skipped"]), (&8.into(), &2.into()));
    assert_eq!(world.run(&["log"]).ok().lines()[0]["reverts"], first.as_str());
    // Nothing but conflicts anywhere: the newest one tells them, and by name they can still be forced.
    let ran = world.run(&["undo", "--yes"]);
    assert_eq!((&ran.summary()["done"], &ran.summary()["skipped"]), (&0.into(), &2.into()));
    world.run_with(&ids[0], &["undo", &second, "--ids", "-", "--force", "--yes"]).ok().says("is overwritten");
    assert_eq!(world.holder(&ids[0]).as_ref(), Some(&people[0].0));
    assert_eq!(world.holder(&ids[1]).as_ref(), Some(&people[3].0));
}

#[test]
fn old_operations_go_only_when_somebody_says_so() {
    let (world, ids, _, first, _) = two_operations();
    world.run(&["prune", "--yes"]).ends(2).says("retention");
    world.configure("[settings]\nretention = \"30d\"");
    world.run(&["prune", "--yes"]).ok().says("nothing in the history can go");
    world.run(&["prune", "--before", "0s", "--dry-run"]).ok().says("2 operations with 13 items");
    world.run(&["prune", "--before", "0s"]).ends(6).says("nothing was removed");
    assert_eq!(world.run(&["log"]).ok().lines().len(), 2);
    let told = &world.run(&["prune", "--before", "0s", "--yes"]).ok().lines()[0];
    assert_eq!((&told["operations"], &told["removed"]), (&2.into(), &true.into()));
    assert_eq!(world.run(&["log"]).ok().out, "");
    world.run(&["undo", &first, "--yes"]).ends(2);
    // What comes afterwards is kept like before.
    let file = world.ids_file(&ids[..2]);
    world.run(&["assign", "--unassign", "--ids", &file, "--yes"]).ok();
    world.run(&["undo", "--yes"]).ok();
}
