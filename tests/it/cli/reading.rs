//! `leads`, `owners`, `doctor`, and several profiles at once.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};

use switchboard::sim::SimOptions;

use super::world::{Ran, World, text};

#[test]
fn leads_are_listed_with_what_the_vendor_reveals() {
    let world = World::with_leads(60);
    let all = world.run(&["leads"]).ok().lines();
    assert_eq!(all.len(), 60);
    for lead in &all {
        for key in [
            "profile",
            "id",
            "name",
            "company",
            "email",
            "phone",
            "status",
            "source",
            "score",
            "created_at",
            "updated_at",
            "owner",
            "owner_known",
            "campaign",
            "list",
            "extra",
        ] {
            assert!(lead.get(key).is_some(), "{key} in {lead}");
        }
        assert_eq!(
            (&lead["type"], &lead["profile"], &lead["owner_known"]),
            (&"lead".into(), &"sales".into(), &true.into())
        );
        // The simulator knows better than the list who owns it.
        let id = world.holder(&text(&lead["id"]));
        if let Some(owner) = lead["owner"]["id"].as_str() {
            assert_eq!(id.as_deref(), Some(owner), "{lead}");
        } else if lead["owner"].is_null() {
            assert_eq!(id, None, "{lead}");
        }
    }
    assert_eq!(world.run(&["leads", "--limit", "7"]).ok().lines().len(), 7);
    assert_eq!(world.run(&["leads", "--limit", "0"]).ok().out, "");
}

#[test]
fn names_cost_a_request_each_and_are_bounded() {
    let world = World::with_leads(260);
    let details = || world.sim().log().all().iter().filter(|entry| entry.path.starts_with("/lead/")).count();
    let leads = world.run(&["leads"]).ok().lines();
    assert_eq!(details(), 0);
    assert!(leads.iter().all(|lead| lead["name"].is_null()));
    world.run(&["leads", "--limit", "5", "--no-names"]).ok();
    assert_eq!(details(), 0);
    let leads = world.run(&["leads", "--limit", "5"]).ok().lines();
    assert_eq!(details(), 5);
    assert!(leads.iter().any(|lead| lead["name"].is_string()));
    world.run(&["leads", "--names"]).ok();
    assert_eq!(details(), 5 + 260);
    // Leads are listed without what could not be read of them, and that is told.
    world.sim().set_faults(&["unauthorized=100%:path=/lead/"]).unwrap();
    let ran = world.run(&["leads", "--limit", "2"]).ends(3).says("2 leads are listed without their details");
    assert!(ran.lines().len() == 2 && ran.lines().iter().all(|lead| lead["name"].is_null()), "{}", ran.out);
}

#[test]
fn a_query_that_asks_for_names_fetches_them_for_what_the_rest_of_it_leaves() {
    let world = World::with_leads(60);
    let all = world.run(&["leads"]).ok().lines();
    let word = all
        .iter()
        .filter_map(|lead| lead["name"].as_str()?.split(' ').next())
        .find(|word| word.len() > 3 && word.chars().all(char::is_alphabetic))
        .unwrap();
    let found = world.run(&["leads", "--where", word]).ok().lines();
    assert!(!found.is_empty());
    let shown = |lead: &serde_json::Value| lead.to_string().to_lowercase();
    // Accents do not count, so that there may be more than those which hold the word as it is.
    let with_word = all.iter().filter(|lead| shown(lead).contains(&word.to_lowercase())).count();
    assert!(found.len() >= with_word, "{word}: {} of {with_word}", found.len());
    let without = world.run(&["leads", "--where", &format!("-{word}")]).ok().lines();
    assert_eq!(found.len() + without.len(), all.len());

    let before = world.sim().log().all().len();
    let nobodys = world.run(&["leads", "--where", "owner:none", "--no-names"]).ok().lines().len();
    let details =
        |from: usize| world.sim().log().all()[from..].iter().filter(|entry| entry.path.starts_with("/lead/")).count();
    assert_eq!(details(before), 0);
    let before = world.sim().log().all().len();
    world.run(&["leads", "--where", &format!("owner:none {word}"), "--no-names"]).ok();
    assert_eq!(details(before), nobodys);
}

#[test]
fn a_wrong_query_is_told_with_its_place() {
    let world = World::with_leads(5);
    let ran = world.run(&["leads", "--where", "score>1 stats:new"]).ends(2).says("status");
    assert!(ran.err.contains("\n  score>1 stats:new\n          ^^^^^"), "{}", ran.err);
    assert_eq!(ran.out, "");
}

#[test]
fn tables_and_csv_are_for_people_and_spreadsheets() {
    let world = World::with_leads(60);
    let table = world.run(&["leads", "--format", "table", "--limit", "3"]).ok();
    assert!(table.out.starts_with("ID "), "{}", table.out);
    assert_eq!(table.out.lines().count(), 4);
    let csv = world.run(&["leads", "--format", "csv"]).ok();
    let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
    assert_eq!(&reader.headers().unwrap()[1], "id");
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 60);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '@']), "{cell}");
        assert!(cell.chars().all(|c| !c.is_control()), "{cell:?}");
    }
}

#[test]
fn owners_are_listed_with_the_load_they_have() {
    let world = World::with_leads(200);
    let mut held: HashMap<String, u64> = HashMap::new();
    let seen: HashSet<String> = world.run(&["leads"]).ok().lines().iter().map(|lead| text(&lead["id"])).collect();
    // The simulator also has leads of another organizational unit.
    for (_, holder) in world.sim().holders().iter().filter(|(target, _)| seen.contains(&**target)) {
        *held.entry(holder.id().unwrap_or_default().to_owned()).or_default() += 1;
    }
    let owners = world.run(&["owners"]).ok().lines();
    for owner in &owners {
        assert_eq!(owner["type"], "owner");
        for key in ["id", "name", "email", "active", "leads"] {
            assert!(owner.get(key).is_some(), "{key} in {owner}");
        }
        if owner.get("leads_exact").is_none() && owner["active"] == true {
            assert_eq!(owner["leads"].as_u64(), Some(held.get(&text(&owner["id"])).copied().unwrap_or(0)), "{owner}");
        }
    }
    assert!(owners.iter().any(|owner| owner["leads"].as_u64() > Some(0)));
}

#[test]
fn several_profiles_are_read_side_by_side_and_one_outage_holds_nobody_up() {
    let mut world = World::with_leads(20);
    world.add("shop", SimOptions { leads: 10, owners: 4, seed: 2, ..SimOptions::default() }, "");
    world.run(&["leads"]).ends(2).says("--profile");
    world.run(&["-p", "shpo", "leads"]).ends(2).says("did you mean shop?");
    assert_eq!(world.run(&["-p", "shop", "leads"]).ok().lines().len(), 10);
    assert_eq!(world.run(&["-p", "sales,shop", "leads"]).ok().lines().len(), 30);
    assert_eq!(world.run(&["-p", "all", "leads"]).ok().lines().len(), 30);
    let people = world.people();
    world.stop_sim("shop");
    // Side by side, because each of them tries for a while.
    let all = world.start(&["-p", "all", "leads"]);
    let shop = world.start(&["-p", "shop", "leads"]);
    let assign = world.start(&["-p", "all", "assign", "--to", &people[0].0, "--where", "score>1", "--yes"]);
    let [all, shop, assign] = [all, shop, assign].map(|child| Ran::from(child.wait_with_output().unwrap()));
    assert_eq!(all.ends(3).says("shop: ").lines().len(), 20);
    shop.ends(4).says("shop: ");
    // Nor does it hold up what is written elsewhere; that it was left out is told.
    let assigned = assign.ends(3).says("this profile is left out");
    assert!(world.writes() > 0 && assigned.items().iter().all(|item| item["profile"] == "sales"));
}

#[test]
fn doctor_says_what_is_wrong_and_only_reads() {
    let mut world = World::with_leads(20);
    let checks = world.run(&["doctor"]).ok().lines();
    assert!(checks.iter().all(|check| check["type"] == "check" && check["ok"] == true), "{checks:#?}");
    assert!(checks.iter().any(|check| check["profile"] == "sales"));
    assert_eq!(world.writes(), 0);
    world.configure("[profiles.other]\nvendor = \"kenbun\"\nbase_url = \"https://kenbun.invalid\"\ntoken = { env = \"NOT_SET_HERE\" }");
    let ran = world.run(&["doctor"]).ends(3);
    let bad: Vec<_> = ran.lines().into_iter().filter(|check| check["ok"] == false).collect();
    assert_eq!((bad.len(), &bad[0]["profile"]), (1, &"other".into()), "{bad:#?}");
    assert!(text(&bad[0]["detail"]).contains("NOT_SET_HERE"), "{bad:#?}");
    world.stop_sim("sales");
    let ran = world.run(&["-p", "sales", "doctor"]).ends(3);
    assert!(ran.lines().iter().any(|check| check["profile"] == "sales" && check["ok"] == false), "{}", ran.out);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::with_leads(3_000);
    let mut child = world.start(&["leads", "--no-names"]);
    let mut first = String::new();
    let mut out = BufReader::with_capacity(256, child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    assert!(first.starts_with("{\"type\":\"lead\""));
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.ok();
}
