//! Two profiles of two vendors at once: one selection, one operation, one undo; and one of them failing alone.

use std::collections::BTreeSet;

use switchboard::sim::{Meddling, SimOptions};

use super::world::{World, text};

/// `sales` on kenbun and `shop` on StateSet, with one person of each linked as `jane`.
fn two() -> (World, Vec<String>) {
    let mut world = World::empty();
    world.add("sales", SimOptions { leads: 200, owners: 6, ..SimOptions::default() }, "requests_per_minute = 0");
    let switches = vec![("rate_limit".to_owned(), "off".to_owned())];
    let options = SimOptions { leads: 150, owners: 6, switches, ..SimOptions::default() };
    // One that does not answer is not asked for long.
    world.add_of("stateset", "shop", options, "retries = 0");
    let owners = world.run(&["-p", "all", "owners"]).ok().lines();
    let first = |profile: &str| {
        let mut of = owners.iter().filter(|owner| owner["profile"] == profile && owner["active"] == true);
        text(&of.find(|owner| owner.get("leads_exact").is_none()).unwrap()["id"])
    };
    let ids = vec![first("sales"), first("shop")];
    let [sales, shop] = &ids[..] else { unreachable!() };
    world.configure(&format!("[people.jane]\nname = \"Jane of both\"\nsales = \"{sales}\"\nshop = \"{shop}\""));
    (world, ids)
}

#[test]
fn one_operation_over_two_vendors_and_one_undo() {
    let (world, ids) = two();
    let leads = world.run(&["-p", "all", "leads", "--where", "owner:none"]).ok().lines();
    let of = |profile: &str| leads.iter().filter(|lead| lead["profile"] == profile).count();
    assert!(of("sales") > 5 && of("shop") > 5);
    let before: Vec<_> = [world.sim_of("sales").holders(), world.sim_of("shop").holders()].into();
    let args = ["-p", "all", "assign", "--to", "jane", "--where", "owner:none", "--include-closed", "--yes"];
    let ran = world.run(&args).ok();
    let summary = ran.summary();
    let parts = summary["parts"].as_array().unwrap();
    assert_eq!((&parts[0]["profile"], &parts[1]["profile"]), (&"sales".into(), &"shop".into()));
    assert_eq!((&parts[0]["vendor"], &parts[1]["vendor"]), (&"kenbun".into(), &"stateset".into()));
    assert_eq!((&parts[0]["done"], &parts[1]["done"]), (&of("sales").into(), &of("shop").into()));
    for item in ran.items() {
        let id = &ids[usize::from(item["profile"] == "shop")];
        assert_eq!(item["after"]["id"], id.as_str(), "{item}");
    }
    // One person with everything.
    let hers = world.run(&["-p", "all", "leads", "--where", "owner:jane"]).ok().lines();
    let owners = world.run(&["-p", "all", "owners"]).ok().lines();
    let jane: Vec<_> = owners.iter().filter(|owner| owner["person"] == "jane").collect();
    assert_eq!(jane.len(), 2);
    assert!(jane.iter().all(|owner| owner["person_leads"] == hers.len()), "{jane:?}");
    let table = world.run(&["-p", "all", "owners", "--format", "table"]).ok().out;
    let split = format!("sales {} + shop {}", jane[0]["leads"], jane[1]["leads"]);
    assert!(table.contains("together") && table.contains(&split), "{split}\n{table}");
    // One line in the log, one undo.
    let log = world.run(&["log"]).ok().lines();
    assert_eq!((log.len(), &log[0]["items"]), (1, &(of("sales") + of("shop")).into()));
    let undone = world.run(&["undo", "--yes"]).ok().summary();
    assert_eq!(undone["done"], of("sales") + of("shop"));
    assert_eq!(before, [world.sim_of("sales").holders(), world.sim_of("shop").holders()]);
}

#[test]
fn a_vendor_that_does_not_answer_holds_nobody_up() {
    let (mut world, ids) = two();
    let args = ["-p", "all", "assign", "--to", "jane", "--where", "owner:none", "--include-closed", "--yes"];
    world.run(&args).ok();
    world.stop_sim("shop");
    world.run(&["-p", "all", "leads"]).ends(3).says("shop: ");
    world.run(&["-p", "all", "owners"]).ends(3).says("shop: ");
    // What shop has is left alone, each with the reason; the rest is taken back.
    let undone = world.run(&["undo", "--yes"]).ends(3);
    let items = undone.items();
    let of = |profile: &str, state: &str| {
        items.iter().filter(|item| item["profile"] == profile && item["state"] == state).count()
    };
    assert_eq!((of("sales", "done") > 5, of("shop", "skipped") > 5, of("shop", "done")), (true, true, 0));
    assert!(of("sales", "skipped") == 0, "{items:?}");
    let ran = world.run(&args).ends(3).says("this profile is left out");
    assert!(ran.items().iter().all(|item| item["after"]["id"] == ids[0].as_str()));
    // An id that is nowhere to be found may be there.
    let unknown = world.run_with("nowhere\n", &["-p", "all", "assign", "--to", "jane", "--ids", "-", "--yes"]).ends(4);
    let reason = text(&unknown.items()[0]["reason"]);
    assert_eq!(reason, "no such lead in the profiles that could be read");
}

#[test]
fn what_cannot_be_used_is_told_and_left_out() {
    let (world, _) = two();
    world.configure("[profiles.broken]\nvendor = \"kenbun\"\ntoken = { env = \"NOT_SET_ANYWHERE\" }");
    world.configure("[profiles.looking]\nvendor = \"kenbun\"\nread_only = true\ntoken = { env = \"NOR_THIS\" }");
    world.run(&["-p", "all", "leads"]).ends(3).says("NOT_SET_ANYWHERE");
    let args = ["assign", "--to", "jane", "--where", "owner:none", "--yes"];
    let all = [&["-p", "all"], &args[..]].concat();
    let ran = world.run(&all).ends(3).says("NOT_SET_ANYWHERE").says("looking is read-only");
    assert!(ran.items().iter().all(|item| item["state"] == "done" || item["state"] == "skipped"));
    let named = [&["-p", "sales,looking"], &args[..]].concat();
    world.run(&named).ends(6);
}

#[test]
fn the_same_name_may_be_meant_only_where_it_is_certain() {
    let (world, ids) = two();
    world.run(&["-p", "sales", "assign", "--to", "Jane of both", "--where", "owner:none", "--dry-run"]).ok();
    // Somebody without an id in one of the profiles.
    world.configure(&format!("[people.solo]\nsales = \"{}\"", world.people()[3].0));
    let args = ["-p", "all", "assign", "--to", "solo", "--where", "owner:none,jane", "--dry-run"];
    world.run(&args).ends(2).says("[people.solo] of the configuration has no id for the profile shop");
    // Others meddle; the undo leaves theirs alone in each profile.
    let args = ["-p", "all", "assign", "--to", "jane", "--where", "owner:none", "--include-closed", "--yes"];
    let done = world.run(&args).ok().items();
    let one = |profile: &str| text(&done.iter().find(|item| item["profile"] == profile).unwrap()["target"]);
    let (sales, shop) = (one("sales"), one("shop"));
    assert_eq!(world.sim_of("sales").meddle(&[sales], &Meddling::Another(1)).len(), 1);
    assert_eq!(world.sim_of("shop").meddle(&[shop], &Meddling::Another(1)).len(), 1);
    let undone = world.run(&["undo", "--yes"]).ends(3).summary();
    assert_eq!((&undone["skipped"], undone["parts"][0]["skipped"].as_u64()), (&2.into(), Some(1)));
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_plan_file_goes_on_without_a_profile_that_cannot_be_used() {
    let (world, _) = two();
    let plan = world.path("plan.json").display().to_string();
    let read_only = |profile: &str| {
        let config = std::fs::read_to_string(world.path("config.toml")).unwrap();
        let table = format!("[profiles.{profile}]");
        std::fs::write(world.path("config.toml"), config.replace(&table, &format!("{table}\nread_only = true")))
            .unwrap();
    };
    let args = ["-p", "all", "assign", "--to", "jane", "--where", "owner:none", "--include-closed", "--out", &plan];
    let planned = world.run(&args).ok().items();
    let of_shop = planned.iter().filter(|item| item["profile"] == "shop" && item["state"] == "planned").count();
    assert!(of_shop > 5);
    read_only("shop");
    let ran = world.run(&["apply", &plan, "--yes"]).ends(3);
    let summary = ran.summary();
    assert_eq!(summary["done"], planned.iter().filter(|item| item["profile"] == "sales").count());
    assert_eq!(summary["skipped"], of_shop);
    let shop = ran.items().into_iter().filter(|item| item["profile"] == "shop");
    shop.for_each(|item| assert!(text(&item["reason"]).contains("read-only"), "{item}"));
    // Alone it is refused as ever.
    read_only("sales");
    world.run(&["apply", &plan, "--yes"]).ends(6);
}

#[test]
fn the_vendor_itself_answers_filters_and_searches() {
    let mut world = World::empty();
    world.add("sales", SimOptions { leads: 20, owners: 4, ..SimOptions::default() }, "requests_per_minute = 0");
    world.add_of("instantly", "reach", SimOptions { leads: 120, owners: 4, ..SimOptions::default() }, "");
    let leads = |profile: &str, query: &str| -> BTreeSet<String> {
        let ran = world.run(&["-p", profile, "leads", "--where", query]).ok();
        ran.lines().iter().map(|lead| text(&lead["id"])).collect()
    };
    let all = leads("reach", "");
    let contacted = leads("reach", "filter:contacted");
    assert!(!contacted.is_empty() && contacted.len() < all.len());
    let asked = world.sim_of("reach").log().all();
    let bodies = asked.iter().map(|entry| String::from_utf8_lossy(&entry.body));
    assert!(bodies.into_iter().any(|body| body.contains("FILTER_VAL_CONTACTED")), "the vendor was asked");
    assert_eq!(leads("reach", "-filter:contacted"), &all - &contacted);
    assert_eq!(leads("reach", "filter:contacted,not_contacted"), all);
    // Only the profile whose vendor answers has leads that match.
    assert_eq!(leads("all", "filter:contacted"), contacted);
    let lead = world.run(&["-p", "reach", "leads", "--limit", "1"]).ok().lines().remove(0);
    assert!(leads("reach", &format!("search:\"{}\"", text(&lead["email"]))).contains(&text(&lead["id"])));
    // Campaigns by name, as the vendor lists them.
    let mut named = world.run(&["-p", "reach", "leads"]).ok().lines();
    named.retain(|lead| lead["extra"]["campaign_name"].is_string());
    let name = text(&named[0]["extra"]["campaign_name"]);
    let within = named.iter().filter(|lead| lead["extra"]["campaign_name"] == name.as_str()).count();
    assert_eq!(leads("reach", &format!("campaign:\"{name}\"")).len(), within);
    world.run(&["-p", "reach", "leads", "--where", "filter:contcted"]).ends(2).says("did you mean filter:contacted?");
    world.run(&["-p", "sales", "leads", "--where", "filter:contacted"]).ends(2).says("no profile here has filters");
    // What is assigned is what the vendor found, and nothing else.
    let person = text(&world.run(&["-p", "reach", "owners"]).ok().lines()[0]["id"]);
    let args =
        ["-p", "reach", "assign", "--to", &person, "--where", "filter:contacted", "--include-closed", "--dry-run"];
    let planned = world.run(&args).ok().items();
    assert_eq!(planned.iter().map(|item| text(&item["target"])).collect::<BTreeSet<_>>(), contacted);
}
