//! The Exotel client against the simulator, and the engine with it.

use std::collections::BTreeSet;

use switchboard::backend::{Engine, UndoRequest};
use switchboard::domain::campaign::MappingRecord;
use switchboard::domain::matrix::Want;
use switchboard::domain::{Assignment, ItemState, OperationId, PersonId, Plan};
use switchboard::sim::{Act, Holder, Meddling, SimOptions, Simulator, start};

use super::engine::{apply, demo, engine_with, items};
use super::mappings::{mapped, plan};
use super::vendors::client;

/// Requests do not wait for a pace, and a server that says nothing is given up soon.
const FAST: &str = "requests_per_minute = 0\nparallel = 4\ntimeout_s = 2";

async fn simulator(switches: &[(&str, &str)]) -> Simulator {
    let options = SimOptions {
        leads: 30,
        owners: 14,
        campaigns: 6,
        switches: switches.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        ..SimOptions::default()
    };
    start("exotel", options).await.unwrap()
}

/// Who is mapped to a list at the simulator.
fn now(sim: &Simulator, record: &MappingRecord) -> BTreeSet<PersonId> {
    mapped(sim, record.target.as_str())
}

fn changes(sim: &Simulator) -> usize {
    sim.log().all().iter().filter(|entry| entry.act == Act::Write).count()
}

/// Lists with two agents at least and one to come, in one campaign.
async fn lists(engine: &Engine, most: usize) -> Vec<MappingRecord> {
    let mut all = engine.mappings(&demo(), None).await.unwrap();
    let has_room = |record: &MappingRecord| {
        record.agents.as_ref().is_ok_and(|agents| agents.len() >= 3) && !record.others.is_empty()
    };
    let fits = |record: &MappingRecord, campaign: &str| record.campaign_id == campaign && has_room(record);
    let mut campaigns: Vec<String> = all.iter().map(|record| record.campaign_id.clone()).collect();
    campaigns.dedup();
    let best = campaigns
        .iter()
        .max_by_key(|campaign| all.iter().filter(|record| fits(record, campaign)).count())
        .cloned()
        .unwrap();
    all.retain(|record| fits(record, &best));
    all.truncate(most);
    assert!(all.len() >= most.min(3), "{} lists in campaign {best}", all.len());
    all
}

/// One agent more and one less on each list.
fn swap(record: &MappingRecord) -> (PersonId, PersonId) {
    let come = record.others.iter().next().unwrap().clone();
    let go = record.agents.as_ref().unwrap().iter().next().unwrap().clone();
    (come, go)
}

fn swaps(engine: &Engine, records: &[MappingRecord]) -> Plan {
    plan(engine, records, |record| {
        let (come, go) = swap(record);
        Want::Delta { add: [come].into(), remove: [go].into() }
    })
}

fn swapped(record: &MappingRecord) -> BTreeSet<PersonId> {
    let (come, go) = swap(record);
    let mut after = record.agents.clone().unwrap();
    after.insert(come);
    after.remove(&go);
    after
}

/// What is said of every item is true at the simulator, and nothing was sent blindly.
fn check(sim: &Simulator, engine: &Engine, operation: &OperationId) {
    for item in items(engine, operation) {
        let (Assignment::Agents(was), Assignment::Agents(wrote)) = (&item.was, &item.wrote) else { panic!("{item:?}") };
        let now = mapped(sim, item.target.as_str());
        let applied = wrote.difference(was).all(|agent| now.contains(agent))
            && was.difference(wrote).all(|agent| !now.contains(agent));
        match item.state {
            ItemState::Done => assert!(applied, "{item:?}, now {now:?}"),
            ItemState::Failed | ItemState::NotSent | ItemState::Skipped => assert!(!applied, "{item:?}, now {now:?}"),
            ItemState::Unknown => assert!(item.reason.is_some()),
            other => panic!("{other}: {item:?}"),
        }
    }
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
    assert_eq!(engine.journal().verify().unwrap(), Vec::<String>::new());
}

async fn undo(engine: &Engine, operation: &OperationId) -> Plan {
    let operations = vec![operation.clone()];
    engine.plan_undo(UndoRequest { operations, ..UndoRequest::default() }).await.unwrap()
}

#[tokio::test]
async fn every_campaign_is_read_as_it_is_with_few_requests() {
    for switches in [
        &[][..],
        &[("campaign_lead_paging", "on")],
        &[("get_unassigned", "empty")],
        &[("get_unassigned", "last_removed")],
        &[("lead_user_paging", "per_array")],
        &[("lead_user_paging", "ignored")],
        &[("error_statuscode", "always404")],
    ] {
        let sim = simulator(switches).await;
        let vendor = client(&sim.profile, FAST);
        let records = vendor.mappings(None).await.unwrap();
        // The simulator has a few lists in another contact center as well.
        assert!(records.len() > 20 && records.len() <= sim.holders().len(), "{switches:?}: {}", records.len());
        for record in &records {
            assert_eq!(record.agents.as_ref().unwrap(), &now(&sim, record), "{switches:?}: {}", record.target);
        }
        if switches.is_empty() {
            let campaigns: BTreeSet<_> = records.iter().map(|record| &record.campaign_id).collect();
            let reads = sim.log().all().len();
            assert!(reads <= 3 + 6 * campaigns.len(), "{reads} requests for {} campaigns", campaigns.len());
        }
        assert_eq!(sim.log().complaints(), [], "{switches:?}");
    }
}

#[tokio::test]
async fn a_shift_is_changed_taken_back_and_done_again() {
    let sim = simulator(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let records = lists(&engine, 12).await;
    let report = apply(&engine, swaps(&engine, &records)).await;
    assert_eq!((report.summary.tally.done, changes(&sim)), (records.len(), records.len()), "one request a list");
    for record in &records {
        assert_eq!(now(&sim, record), swapped(record));
    }
    check(&sim, &engine, &report.summary.id);

    // Another supervisor adds somebody to one list and takes somebody else off another.
    let mut theirs = swapped(&records[0]);
    let third = records[0].others.iter().nth(1).cloned().unwrap_or_else(|| "asha.k".into());
    theirs.insert(third.clone());
    let their = Holder::Agents(theirs.iter().map(|agent| agent.as_str().to_owned()).collect());
    assert_eq!(sim.meddle(&[records[0].target.as_str()], &Meddling::To(their)).len(), 1);
    let plan = undo(&engine, &report.summary.id).await;
    assert!(plan.parts[0].warnings[0].contains("Changed by others since"), "{:?}", plan.parts[0].warnings);
    let undone = apply(&engine, plan).await;
    check(&sim, &engine, &undone.summary.id);
    for record in &records[1..] {
        assert_eq!(&now(&sim, record), record.agents.as_ref().unwrap());
    }
    let mut kept = records[0].agents.clone().unwrap();
    kept.insert(third);
    assert_eq!(now(&sim, &records[0]), kept);

    let redone = apply(&engine, undo(&engine, &undone.summary.id).await).await;
    assert_eq!(redone.summary.tally.done, records.len());
    assert_eq!(now(&sim, &records[1]), swapped(&records[1]));
    check(&sim, &engine, &redone.summary.id);
}

#[tokio::test]
async fn whatever_the_server_does_what_is_said_is_true() {
    for switches in [
        &[("already_assigned", "400")][..],
        &[("lead_user_paging", "per_array")],
        &[("lead_user_paging", "ignored")],
        &[("campaign_lead_paging", "on")],
        &[("error_statuscode", "always404")],
        &[("stale_reads", "1")],
        &[("get_unassigned", "last_removed")],
        &[("drop_after_apply", "on")],
        &[("html_500", "on")],
    ] {
        let sim = simulator(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_with(&sim.profile, FAST, folder.path());
        let records = lists(&engine, 4).await;
        for (name, value) in switches {
            sim.switch(name, value).unwrap();
        }
        let report = apply(&engine, swaps(&engine, &records)).await;
        if switches[0].0 != "html_500" {
            assert_eq!(
                report.summary.tally.done,
                records.len(),
                "{switches:?}: {:?}",
                items(&engine, &report.summary.id)
            );
        }
        check(&sim, &engine, &report.summary.id);
    }
}

#[tokio::test]
async fn a_server_that_replaces_is_stopped_at_the_first_list() {
    let sim = simulator(&[("put_semantics", "replace")]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let records = lists(&engine, 6).await;
    let report = apply(&engine, swaps(&engine, &records)).await;
    assert_eq!(changes(&sim), 1);
    assert_eq!(report.summary.tally.done, 0);
    assert!(report.cut_short[0].1.what.contains("for its whole set of agents"), "{:?}", report.cut_short);
    let touched = records.iter().filter(|record| now(&sim, record) != *record.agents.as_ref().unwrap()).count();
    assert_eq!(touched, 1);
}

#[tokio::test]
async fn another_supervisor_between_reading_and_writing_survives_and_is_reported() {
    let sim = simulator(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let records = lists(&engine, 4).await;
    // Once, after the reading that comes right before the first change: what they do after ours was read back is no
    // matter of ours.
    sim.switch("foreign_writer", "100%:times=1").unwrap();
    let report = apply(&engine, swaps(&engine, &records)).await;
    sim.switch("foreign_writer", "off").unwrap();
    let found = items(&engine, &report.summary.id);
    let told =
        found.iter().filter(|item| item.reason.as_ref().is_some_and(|why| why.as_str().contains("someone else")));
    assert!(told.count() > 0, "{found:?}");
    check(&sim, &engine, &report.summary.id);
}

#[tokio::test]
async fn users_whom_the_server_does_not_know_are_told_one_by_one() {
    for (switch, state, left_out) in [
        ("400", ItemState::Failed, "(400)"),
        ("drop", ItemState::Failed, "applied in part"),
        ("partial", ItemState::Failed, "applied in part"),
    ] {
        let sim = simulator(&[("unknown_user", switch)]).await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_with(&sim.profile, FAST, folder.path());
        let records = lists(&engine, 3).await;
        let one = &records[..1];
        let (come, _) = swap(&one[0]);
        let plan = plan(&engine, one, |_| Want::Delta {
            add: [come.clone(), PersonId::new("no.such.user")].into(),
            remove: BTreeSet::new(),
        });
        let report = apply(&engine, plan).await;
        let item = &items(&engine, &report.summary.id)[0];
        let why = item.reason.clone().unwrap_or_default().to_string();
        assert_eq!(item.state, state, "{switch}: {why}");
        assert!(why.contains(left_out), "{switch}: {why}");
        // What took effect in part can be taken back.
        if switch != "400" {
            assert!(now(&sim, &one[0]).contains(&come));
            apply(&engine, undo(&engine, &report.summary.id).await).await;
        }
        assert_eq!(&now(&sim, &one[0]), one[0].agents.as_ref().unwrap(), "{switch}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_to_its_end_is_not_written() {
    let sim = simulator(&[("lead_user_paging", "page_index")]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\nlead_user_page_size = 2"), folder.path());
    let records = engine.mappings(&demo(), None).await.unwrap();
    let long: Vec<MappingRecord> =
        records.iter().filter(|record| now(&sim, record).len() > 2).take(3).cloned().collect();
    assert!(!long.is_empty());
    let plan = plan(&engine, &long, |_| Want::Delta { add: ["x.y".into()].into(), remove: BTreeSet::new() });
    let skips: Vec<String> = plan.parts[0].skips.iter().map(|skip| skip.reason.to_string()).collect();
    if plan.changes() > 0 {
        let report = apply(&engine, plan).await;
        assert_eq!(report.summary.tally.done, 0, "{:?}", items(&engine, &report.summary.id));
    }
    assert!(skips.iter().all(|why| why.contains("read incomplete")), "{skips:?}");
    assert_eq!(changes(&sim), 0);
}

#[tokio::test]
async fn prefixes_and_credentials_that_are_not_the_published_ones_are_settings() {
    let sim = simulator(&[("prefix", "cms_everywhere")]).await;
    let published = client(&sim.profile, &format!("{FAST}\nhierarchy_prefix = \"/configuration\""));
    assert!(published.mappings(None).await.is_err());
    let moved = client(&sim.profile, &format!("{FAST}\nhierarchy_prefix = \"/cms/configuration\""));
    assert!(moved.mappings(None).await.unwrap().len() > 10);
    let sim = simulator(&[("item_error", "on")]).await;
    let records = client(&sim.profile, FAST).mappings(None).await.unwrap();
    assert!(records.iter().any(|record| record.agents.as_ref().is_err_and(|why| why.contains("404"))));
    let sim = simulator(&[]).await;
    let findings = client(&sim.profile, FAST).check().await;
    assert!(findings.iter().filter(|check| check.name != "user ids").all(|check| check.ok), "{findings:?}");
}
