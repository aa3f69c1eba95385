//! `lead new`.

use serde_json::json;
use switchboard::sim::SimOptions;

use super::world::World;

const JANE: [&str; 8] =
    ["lead", "new", "--first-name", "Jane", "--last-name", "Newman", "--email", "jane.newman@x.example"];

fn shop(faults: &[&str]) -> World {
    let mut world = World::empty();
    let options = SimOptions {
        leads: 20,
        owners: 4,
        switches: vec![("rate_limit".to_owned(), "off".to_owned())],
        faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        ..SimOptions::default()
    };
    world.add_of("stateset", "shop", options, "");
    world
}

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&JANE[..], more].concat()
}

#[test]
fn a_lead_is_created_once_it_was_confirmed() {
    let world = shop(&[]);
    let there = |world: &World| world.run(&["leads", "--where", "email:jane.newman@x.example"]).ok().lines().len();
    world.run(&args(&[])).ends(6).says("--yes sends without asking");
    world.run(&args(&["--yes", "--field", "mailingcity=x"])).ends(2).says("did you mean mailingCity?");
    assert_eq!(there(&world), 0);
    let made = world.run(&args(&["--yes", "--source", "partner", "--field", "do_not_call=true"])).ok().lines();
    assert_eq!(
        (&made[0]["type"], &made[0]["name"], &made[0]["profile"]),
        (&json!("lead"), &json!("Jane Newman"), &json!("shop"))
    );
    assert_eq!((&made[0]["source"], &made[0]["flags"]), (&json!("partner"), &json!(["do_not_call"])));
    assert_eq!(there(&world), 1);
    // No two leads have the same address.
    world.run(&args(&["--yes"])).ends(4).says("may be there already");
    assert_eq!(there(&world), 1);
}

#[test]
fn where_it_cannot_be_or_must_not_be_is_said() {
    let mut world = shop(&[]);
    world.add("sales", SimOptions { leads: 5, owners: 2, ..SimOptions::default() }, "");
    world.add_view_of_sales("looking", "read_only = true");
    world
        .run(&[&["-p", "sales"], &args(&["--yes"])[..]].concat())
        .ends(2)
        .says("kenbun has no call that creates leads");
    world.run(&[&["-p", "looking"], &args(&["--yes"])[..]].concat()).ends(6).says("read-only");
    world.run(&[&["-p", "all"], &args(&["--yes"])[..]].concat()).ends(2).says("in one profile");
}

#[test]
fn a_lost_answer_is_found_out_by_reading_and_never_sent_twice() {
    let found = |world: &World| world.run(&["leads", "--where", "email:jane.newman@x.example"]).ok().lines().len();
    for (fault, code, leads) in [("cut_after=100%:all:times=1", 0, 1), ("cut_before=100%:all:times=1", 4, 0)] {
        let world = shop(&[fault]);
        let ran = world.run(&args(&["--yes"])).ends(code);
        assert_eq!((ran.lines().len(), found(&world)), (leads, leads), "{fault}");
        if code == 4 {
            ran.says("read back: no lead has this e-mail address");
        }
    }
}
