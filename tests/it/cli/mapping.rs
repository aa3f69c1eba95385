//! `campaigns` and `map`: who dials what, without a screen.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use switchboard::sim::{Act, Holder, SimOptions};

use super::world::{World, text};

/// One profile `center` on an Exotel simulator, and one `sales` on a kenbun simulator beside it.
fn world() -> World {
    let mut world = World::with_leads(10);
    let options = SimOptions { leads: 20, owners: 14, campaigns: 5, ..SimOptions::default() };
    world.add_of("exotel", "center", options, "");
    world
}

fn run(world: &World, arguments: &[&str]) -> super::world::Ran {
    world.run(&[&["-p", "center"], arguments].concat())
}

fn agents(line: &Value) -> BTreeSet<String> {
    line["agents"].as_array().unwrap().iter().map(text).collect()
}

fn at_server(world: &World, target: &str) -> BTreeSet<String> {
    match world.sim_of("center").holder(target) {
        Some(Holder::Agents(agents)) => agents,
        other => panic!("{target}: {other:?}"),
    }
}

fn everything(world: &World) -> Vec<(String, BTreeSet<String>)> {
    let all = world.sim_of("center").holders();
    all.iter().map(|(target, _)| (target.to_string(), at_server(world, target))).collect()
}

fn writes(world: &World) -> usize {
    world.sim_of("center").log().all().iter().filter(|entry| entry.act == Act::Write).count()
}

/// A campaign with at least three lists of at least two agents: its id, these lists, and an agent of none of them.
fn campaign(world: &World) -> (String, Vec<Value>, String) {
    let lines = run(world, &["campaigns"]).ok().lines();
    let mut ids: Vec<String> = lines.iter().map(|line| text(&line["campaign"]["id"])).collect();
    ids.dedup();
    for id in ids {
        let own: Vec<&Value> = lines.iter().filter(|line| line["campaign"]["id"] == id.as_str()).collect();
        let everybody: BTreeSet<String> = own.iter().flat_map(|line| agents(line)).collect();
        for agent in &everybody {
            let fits = |line: &&&Value| agents(line).len() >= 2 && !agents(line).contains(agent);
            let lists: Vec<Value> = own.iter().filter(fits).take(3).map(|line| (*line).clone()).collect();
            if lists.len() == 3 {
                return (id, lists, agent.clone());
            }
        }
    }
    panic!("no campaign fits: {lines:?}");
}

fn lead(line: &Value) -> String {
    text(&line["lead"]["id"])
}

fn target(line: &Value) -> String {
    format!("{}:{}", text(&line["campaign"]["id"]), lead(line))
}

#[test]
fn campaigns_lists_every_mapping() {
    let world = world();
    let lines = run(&world, &["campaigns"]).ok().lines();
    let shown: Vec<(String, BTreeSet<String>)> = lines.iter().map(|line| (target(line), agents(line))).collect();
    let mut there = everything(&world);
    // The simulator has lists in another contact center as well.
    let campaigns: BTreeSet<String> = lines.iter().map(|line| text(&line["campaign"]["id"])).collect();
    there.retain(|(target, _)| target.split_once(':').is_some_and(|(campaign, _)| campaigns.contains(campaign)));
    let mut sorted = shown.clone();
    there.sort();
    sorted.sort();
    assert_eq!(sorted, there);
    for line in &lines {
        assert_eq!(line["type"], "mapping");
        assert!(line["campaign"]["name"].is_string() && line["enabled"].is_boolean(), "{line}");
        let listed: Vec<String> = line["agents"].as_array().unwrap().iter().map(text).collect();
        assert!(listed.is_sorted(), "{line}");
    }
    let one = text(&lines[0]["campaign"]["id"]);
    let only = run(&world, &["campaigns", "--campaign", &one]).ok().lines();
    assert!(!only.is_empty() && only.iter().all(|line| line["campaign"]["id"] == one.as_str()));
    run(&world, &["campaigns", "--campaign", "424242"]).ends(4).says("no campaign 424242");
    world.run(&["-p", "sales", "campaigns", "--campaign", "424242"]).ends(4).says("no campaign or list 424242");
    // It is enough that one of several profiles has it.
    assert_eq!(world.run(&["-p", "all", "campaigns", "--campaign", &one]).ok().lines().len(), only.len());
    let table = run(&world, &["--format", "table", "campaigns", "--campaign", &one]).ok();
    assert!(table.out.contains("LIST") && table.out.contains(&target(&only[0])), "{}", table.out);
    run(&world, &["leads"]).ends(2).says("campaigns");
    world.run(&["-p", "sales", "campaigns"]).ok();
}

#[test]
fn agents_are_added_and_removed_and_taken_back() {
    let world = world();
    let (campaign, lists, come) = campaign(&world);
    let go = agents(&lists[0]).into_iter().next().unwrap();
    let before = everything(&world);
    let (a, b) = (lead(&lists[0]), lead(&lists[1]));
    let arguments = ["map", "--campaign", &campaign, "--lead", &a, "--lead", &b, "--add", &come, "--remove", &go];

    let dry = run(&world, &[&arguments[..], &["--dry-run"]].concat()).ok();
    assert_eq!((dry.items().len(), writes(&world)), (2, 0));
    run(&world, &arguments).ends(6).says("--yes");
    run(&world, &[&arguments[..], &["--yes", "--max", "1"]].concat()).ends(6).says("--max");
    assert_eq!((writes(&world), everything(&world)), (0, before.clone()));

    let ran = run(&world, &[&arguments[..], &["--yes", "--note", "shift"]].concat()).ok();
    assert_eq!(ran.summary()["done"], 2);
    for (item, list) in ran.items().iter().zip(&lists) {
        let mut after = agents(list);
        after.insert(come.clone());
        after.remove(&go);
        assert_eq!(item["target"], target(list).as_str());
        assert_eq!(item["before"], json!(agents(list)));
        assert_eq!(item["after"], json!(after));
        assert_eq!(at_server(&world, &target(list)), after);
    }
    assert_eq!(writes(&world), 2);
    let again = run(&world, &[&arguments[..], &["--yes"]].concat()).ok();
    assert!(again.items().iter().all(|item| item["reason"] == "already there"), "{}", again.out);

    let log = run(&world, &["log"]).ok().lines();
    assert_eq!((&log[0]["kind"], &log[0]["note"], &log[0]["undoable"]), (&json!("map"), &json!("shift"), &json!(2)));
    run(&world, &["undo", "--yes"]).ok();
    assert_eq!(everything(&world), before);
    run(&world, &["redo", "--yes"]).ok();
    assert!(at_server(&world, &target(&lists[0])).contains(&come));
    assert_eq!(world.sim_of("center").log().complaints(), []);
}

#[test]
fn rows_of_two_kinds_have_two_headings_in_csv() {
    let mut world = world();
    world.add_of(
        "instantly",
        "outreach",
        SimOptions { leads: 5, owners: 3, campaigns: 2, ..SimOptions::default() },
        "",
    );
    let out = world.run(&["-p", "center,outreach", "--format", "csv", "campaigns"]).ok().out;
    let (mut columns, mut headings) = (0, 0);
    for record in csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(out.as_bytes()).records() {
        let record = record.unwrap();
        if &record[0] == "profile" {
            (columns, headings) = (record.len(), headings + 1);
        }
        assert_eq!(record.len(), columns, "{record:?}");
    }
    assert_eq!(headings, 2, "{out}");
}

#[test]
fn lists_and_campaigns_that_are_not_there_are_skipped() {
    let world = world();
    let (campaign, lists, come) = campaign(&world);
    let known = lead(&lists[0]);
    let ran =
        run(&world, &["map", "--campaign", &campaign, "--lead", &known, "--lead", "999999", "--add", &come, "--yes"]);
    let skipped: Vec<Value> = ran.items().into_iter().filter(|item| item["state"] == "skipped").collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(
        (&skipped[0]["target"], &skipped[0]["reason"]),
        (&json!(format!("{campaign}:999999")), &json!("no such lead"))
    );
    ran.ends(3);
    run(&world, &["map", "--campaign", "424242", "--lead", "1", "--add", &come, "--yes"]).ends(4).says("no campaign");
    run(&world, &["map", "--campaign", &campaign, "--lead", &known]).ends(2).says("--add");
    run(&world, &["map", "--lead", &known, "--add", &come]).ends(2);
    run(&world, &["map", "--campaign", &campaign, "--lead", &known, "--add", &come, "--remove", &come])
        .ends(2)
        .says("to be added and to be removed");
    world.run(&["-p", "sales", "map", "--campaign", "1", "--lead", "1", "--add", "x"]).ends(2).says("assign");
    let stranger = run(&world, &["map", "--campaign", &campaign, "--lead", &known, "--add", "no.such.user", "--yes"]);
    assert_eq!(stranger.items()[0]["state"], "failed", "{}", stranger.out);
    stranger.ends(4).says("no.such.user was not seen in this campaign");
}

#[test]
fn a_list_that_is_left_without_agents_is_pointed_out() {
    let world = world();
    let (campaign, lists, _) = campaign(&world);
    let all: Vec<String> = agents(&lists[0]).into_iter().collect();
    let ran = run(
        &world,
        &["map", "--campaign", &campaign, "--lead", &lead(&lists[0]), "--remove", &all.join(","), "--dry-run"],
    );
    assert_eq!(ran.items()[0]["after"], json!([]));
    ran.ok().says("left with no agents");
}

#[test]
fn what_campaigns_prints_is_a_shift_plan() {
    let world = world();
    let (campaign, lists, come) = campaign(&world);
    for format in ["csv", "json"] {
        let before = everything(&world);
        let printed = run(&world, &["--format", format, "campaigns"]).ok().out;
        let file = world.path(&format!("shift.{format}"));
        std::fs::write(&file, &printed).unwrap();
        let file = file.display().to_string();
        // Unchanged it changes nothing.
        let ran = run(&world, &["map", "--from", &file, "--yes"]).ok();
        assert_eq!((ran.summary()["done"].clone(), everything(&world)), (json!(0), before.clone()), "{format}");

        // Somebody edits one list in it.
        let line = run(&world, &["campaigns", "--campaign", &campaign]).ok().lines();
        let line = line.iter().find(|line| target(line) == target(&lists[0])).unwrap().clone();
        let (was, mut wanted) = (agents(&line), agents(&line));
        wanted.insert(come.clone());
        let joined = |set: &BTreeSet<String>, by: &str| set.iter().cloned().collect::<Vec<_>>().join(by);
        let edited = match format {
            "csv" => format!("campaign_id;lead_id;agents\n{campaign};{};{}\n", lead(&line), joined(&wanted, ", ")),
            _ => json!([{"campaign": campaign, "lead": lead(&line), "agents": wanted}]).to_string(),
        };
        std::fs::write(world.path("edited"), edited).unwrap();
        let edited = world.path("edited").display().to_string();
        let dry = run(&world, &["map", "--from", &edited, "--dry-run"]).ok();
        assert_eq!((dry.items().len(), dry.items()[0]["after"].clone()), (1, json!(wanted)));
        run(&world, &["map", "--from", &edited, "--yes"]).ok();
        assert_eq!(at_server(&world, &target(&lists[0])), wanted);
        // The first file brings it back.
        run(&world, &["map", "--from", &file, "--yes"]).ok();
        assert_eq!((at_server(&world, &target(&lists[0])), everything(&world)), (was, before));
    }
    let nothing = world.path("nothing.csv");
    std::fs::write(&nothing, "a,b\n1,2\n").unwrap();
    run(&world, &["map", "--from", &nothing.display().to_string(), "--yes"]).ends(2).says("nothing.csv:1:");
    run(&world, &["map", "--from", "/no/such/file", "--yes"]).ends(2).says("/no/such/file");
}

#[test]
fn snapshots_are_kept_compared_and_restored() {
    let world = world();
    let (campaign, lists, come) = campaign(&world);
    let before = everything(&world);
    let kept = run(&world, &["campaigns", "--campaign", &campaign, "--snapshot", "morning"]).ok().lines();
    let snapshot = kept.last().unwrap();
    assert_eq!((&snapshot["type"], &snapshot["name"]), (&json!("snapshot"), &json!("morning")));
    let (a, b) = (lead(&lists[0]), lead(&lists[1]));
    run(&world, &["map", "--campaign", &campaign, "--lead", &a, &b, "--add", &come, "--yes"]).ok();

    let all = run(&world, &["campaigns", "--snapshots"]).ok().lines();
    assert_eq!(all.len(), 2, "by hand, and before the change: {all:?}");
    assert!(all[0]["before"].is_string() && all[1]["before"].is_null(), "{all:?}");
    let differences = run(&world, &["campaigns", "--diff", "morning"]).ok().lines();
    assert_eq!(differences.len(), 2);
    for (line, list) in differences.iter().zip(&lists) {
        assert_eq!((&line["type"], text(&line["target"])), (&json!("difference"), target(list)));
        assert_eq!((&line["added"], &line["removed"]), (&json!([come]), &json!([])));
    }
    let automatic = format!("#{}", all[0]["number"]);
    assert_eq!(run(&world, &["campaigns", "--diff", &format!("morning,{automatic}")]).ok().out, "");

    let dry = run(&world, &["map", "--restore", "morning", "--dry-run"]).ok();
    assert_eq!(dry.summary()["planned"], 2);
    run(&world, &["map", "--restore", "morning", "--yes"]).ok();
    assert_eq!(everything(&world), before);
    run(&world, &["map", "--restore", "evening", "--yes"]).ends(2).says("evening");
    run(&world, &["campaigns", "--diff", "evening"]).ends(2).says("evening");
}

#[test]
fn a_plan_file_is_applied_later_and_what_others_changed_is_left_alone() {
    let world = world();
    let (campaign, lists, come) = campaign(&world);
    let leads: Vec<String> = lists.iter().map(lead).collect();
    let plan = world.path("plan.json").display().to_string();
    let wanted = ["map", "--campaign", &campaign, "--lead", &leads.join(","), "--add", &come, "--out", &plan];
    run(&world, &wanted).ok();
    // Overnight somebody else takes an agent off the first list, and gives ours to the second.
    let gone = agents(&lists[0]).into_iter().next().unwrap();
    let mut first = agents(&lists[0]);
    first.remove(&gone);
    let mut second = agents(&lists[1]);
    second.insert(come.clone());
    let sim = world.sim_of("center");
    for (list, theirs) in lists.iter().zip([first.clone(), second.clone()]) {
        sim.meddle(&[target(list)], &switchboard::sim::Meddling::To(Holder::Agents(theirs)));
    }
    let mut third = agents(&lists[2]);
    third.insert(come.clone());
    let shown = run(&world, &["apply", &plan, "--dry-run"]).ends(3).items();
    let ran = run(&world, &["apply", &plan, "--yes"]).ends(3);
    let items = ran.items();
    let there: Vec<BTreeSet<String>> = lists.iter().map(|list| at_server(&world, &target(list))).collect();
    assert_eq!(there, [first.clone(), second, third]);
    let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    let drift = format!("changed by someone else: was {}, now {}", words(&agents(&lists[0])), words(&first));
    for (items, state) in [(shown, "planned"), (items, "done")] {
        let of = |list: &Value| items.iter().find(|item| item["target"] == target(list).as_str()).unwrap();
        let told = |list: &Value| (of(list)["state"].clone(), of(list)["reason"].clone());
        assert_eq!(told(&lists[0]), (json!("skipped"), json!(drift)));
        assert_eq!(told(&lists[1]), (json!("skipped"), json!("already there")));
        assert_eq!(told(&lists[2]), (json!(state), Value::Null));
    }
    assert_eq!(sim.log().complaints(), []);
}

#[test]
fn what_failed_half_way_is_taken_back_by_a_plain_undo() {
    let world = world();
    let (campaign, lists, agent) = campaign(&world);
    let (target, lead) = (text(&lists[0]["target"]), text(&lists[0]["lead"]["id"]));
    let before = at_server(&world, &target);
    world.sim_of("center").switch("unknown_user", "drop").unwrap();
    let wanted = format!("{agent},no.such.agent");
    let ran = run(&world, &["map", "--campaign", &campaign, "--lead", &lead, "--add", &wanted, "--yes"]).ends(4);
    let item = &ran.items()[0];
    assert!(item["state"] == "failed" && text(&item["reason"]).contains("applied in part"), "{item}");
    assert!(at_server(&world, &target).contains(&agent));
    run(&world, &["undo", "--yes"]).ok();
    assert_eq!(at_server(&world, &target), before);
    // Once more there is nothing to be done.
    let written = writes(&world);
    run(&world, &["undo", "--yes"]).ok();
    assert_eq!((at_server(&world, &target), writes(&world)), (before, written));
}

#[test]
fn a_list_without_an_id_is_an_error_and_no_mapping() {
    let world = world();
    world.sim_of("center").switch("item_error", "on").unwrap();
    let lines = run(&world, &["campaigns"]).ends(3).lines();
    let (mappings, errors): (Vec<&Value>, Vec<&Value>) = lines.iter().partition(|line| line["type"] == "mapping");
    assert!(mappings.iter().all(|line| line["agents"].is_array() && line["lead"]["id"] != ""), "{lines:?}");
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error["type"] == "error" && text(&error["error"]).contains("404"), "{error}");
    }
}

#[test]
fn a_list_whose_agents_cannot_be_read_is_an_error_and_no_mapping() {
    let mut world = World::empty();
    let options = SimOptions { leads: 20, owners: 14, campaigns: 5, ..SimOptions::default() };
    world.add_of("exotel", "center", options, "get_retries = 0");
    world.sim_of("center").set_faults(&["garbage=100%:read:path=/lead-user:times=1"]).unwrap();
    let ran = run(&world, &["campaigns"]).ends(3);
    let (errors, mappings): (Vec<Value>, Vec<Value>) =
        ran.lines().into_iter().partition(|line| line["type"] == "error");
    assert!(mappings.iter().all(|line| line["type"] == "mapping" && line["agents"].is_array()), "{}", ran.out);
    assert_eq!(errors.len(), 1, "{}", ran.out);
    let error = &errors[0];
    assert!(!lead(error).is_empty() && error.get("agents").is_none(), "{error}");
    assert!(ran.err.contains(&target(error)) && ran.err.contains(&text(&error["error"])), "{}", ran.err);
    // As a shift plan it leaves that list alone.
    let file = world.path("shift.json");
    std::fs::write(&file, &ran.out).unwrap();
    let file = file.display().to_string();
    run(&world, &["map", "--from", &file, "--yes"]).ok().says("1 list of the file is left alone");
    // With a list that is not there the others still count as done.
    let campaign = &mappings[0]["campaign"]["id"];
    let missing = format!("{{\"campaign\":{campaign},\"lead\":\"999999\",\"agents\":[]}}");
    std::fs::write(&file, format!("{}{missing}\n", ran.out)).unwrap();
    run(&world, &["map", "--from", &file, "--yes"]).ends(3);
    assert_eq!(writes(&world), 0);
    let csv = run(&world, &["--format", "csv", "campaigns"]).ok().out;
    assert!(csv.lines().skip(1).all(|line| line.ends_with(',')), "{csv}");
    // Loads that are too small are told as that.
    world.sim_of("center").set_faults(&["garbage=100%:read:path=/lead-user:times=1"]).unwrap();
    run(&world, &["owners"]).ends(3).says("of 1 lead lists the agents could not be read");
}

#[test]
fn a_plan_that_is_refused_leaves_no_file() {
    let world = world();
    let (campaign, lists, agent) = campaign(&world);
    let leads: Vec<String> = lists.iter().map(|list| text(&list["lead"]["id"])).collect();
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let lead = leads.join(",");
    let arguments = ["map", "--campaign", &campaign, "--lead", &lead, "--add", &agent, "--out", plan.to_str().unwrap()];
    run(&world, &[&arguments[..], &["--max", "1"]].concat()).ends(6);
    assert!(!plan.exists());
    run(&world, &[&arguments[..], &["--max", "3"]].concat()).ok();
    assert!(plan.exists() && writes(&world) == 0);
}

#[test]
fn what_is_left_out_of_use_is_told_as_such() {
    let world = world();
    let (campaign, lists, _) = campaign(&world);
    let lead = text(&lists[0]["lead"]["id"]);
    run(&world, &["map", "--campaign", &campaign, "--lead", &lead, "--add", " ", "--yes"]).ends(2).says("name agents");
    run(&world, &["campaigns", "--snapshot", " "]).ends(2).says("needs a name");
}
