//! The Capillary client against the simulator, and the engine with it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use switchboard::backend::{Engine, Only, StopToken, UndoRequest, Watch};
use switchboard::domain::exchange::Event;
use switchboard::domain::{Assignment, ItemState, LeadId, LeadRecord, OperationId, Person, Plan};
use switchboard::sim::{self, Holder, Meddling, Simulator};
use switchboard::vendor::{ErrorKind, Session, Vendor, WriteOutcome};

use super::engine::{apply, assign, check, engine_with, items, plan_to};
use super::vendors::{apply_in_trouble, changes, client, done, leads, list, session, side_by_side, targets, to, write};

/// No pace to wait for, and a filter that shows what was changed within half a second.
const FAST: &str = "requests_per_minute = 0\nparallel = 16\nconfirm_within_s = 0.5\ntimeout_s = 2";

async fn simulator(leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Simulator {
    super::vendors::simulator("capillary", leads, switches, faults).await
}

fn fast(sim: &Simulator, more: &str) -> Arc<dyn Vendor> {
    let mut profile = sim.profile.clone();
    for (key, value) in format!("{FAST}\n{more}").parse::<toml::Table>().unwrap() {
        profile.insert(key, serde_json::to_value(value).unwrap());
    }
    client(&profile, "")
}

/// Two people who may be given leads, of one store where there are two.
fn two(people: &[Person]) -> [Assignment; 2] {
    let active: Vec<&Person> = people.iter().filter(|person| person.is_active()).collect();
    let same = active.iter().flat_map(|a| active.iter().map(move |b| (*a, *b)));
    let (a, b) = same.into_iter().find(|(a, b)| a.id != b.id && a.group == b.group).unwrap_or((active[0], active[1]));
    [to(a), to(b)]
}

/// The person whom nobody else is called like.
fn unique(people: &[Person]) -> Person {
    let is_one = |person: &&Person| people.iter().filter(|other| other.name == person.name).count() == 1;
    people.iter().filter(|person| person.is_active()).find(is_one).unwrap().clone()
}

/// Everything about a lead but when and by whom it was changed.
fn rest(lead: &LeadRecord) -> Value {
    let mut extra = lead.extra.clone();
    extra.retain(|key, _| !["lastUpdatedBy", "warnings", "owner", "ownerId"].contains(&key.as_str()));
    serde_json::json!([lead.name.as_str(), lead.status.as_str(), lead.source.as_str(), lead.scope.as_str(), extra])
}

fn id(assignment: &Assignment) -> Option<&str> {
    assignment.owner().and_then(|owner| owner.id.as_ref()).map(|id| id.as_str())
}

fn holder_is(sim: &Simulator, lead: &LeadRecord, owner: &Assignment) -> bool {
    let holder = sim.holder(lead.id.as_str()).unwrap();
    match owner {
        Assignment::Unassigned(_) => holder == Holder::Nobody,
        owner => holder.id() == id(owner),
    }
}

/// Leads whose owner is known, and is not this one.
fn others(all: &[LeadRecord], than: &Assignment, count: usize) -> Vec<LeadRecord> {
    let other = |lead: &&LeadRecord| lead.owner.is_known() && !lead.owner.is_same(than);
    let some: Vec<_> = all.iter().filter(other).take(count).cloned().collect();
    assert_eq!(some.len(), count);
    some
}

#[tokio::test]
async fn a_day_with_capillary() {
    let sim = simulator(450, &[("page_cap", "50")], &[]).await;
    let vendor = fast(&sim, "");
    let people = vendor.people().await.unwrap();
    let all = leads(&*vendor).await;
    assert_eq!(all.len(), sim.holders().len());
    let listed: HashSet<&str> = people.iter().map(|person| person.id.as_str()).collect();
    for lead in &all {
        // Nobody's, or somebody's whom the staff list does not have: these look the same.
        let holder = sim.holder(lead.id.as_str()).unwrap();
        assert_eq!(id(&lead.owner), holder.id().filter(|id| listed.contains(id)), "{} {holder:?}", lead.id);
    }
    let [jane, joe] = two(&people);
    let some = others(&all, &jane, 12);
    let one = vendor.detail(&some[0].id).await.unwrap();
    assert_eq!((rest(&one), one.owner.clone()), (rest(&some[0]), some[0].owner.clone()));

    // Given, given to somebody else, and back to each of them as it was.
    let mut now = some.clone();
    for after in [&jane, &joe] {
        let report = write(&*vendor, &now, after).await;
        assert!(done(&report), "{report:?}");
        for lead in &mut now {
            assert!(holder_is(&sim, lead, after));
            lead.owner = after.clone();
        }
    }
    let report = write(&*vendor, &now[..1], &Assignment::unassigned()).await;
    assert!(matches!(&report.outcomes[0], WriteOutcome::Failed(why) if why.contains("unassign_mode")), "{report:?}");
    let back = Session { undo: true, ..session(&*vendor) };
    for (lead, was) in now.iter().zip(&some) {
        let report = vendor.write(&changes(std::slice::from_ref(lead), &was.owner), &back).await;
        assert!(done(&report), "{report:?}");
    }
    for (was, now) in all.iter().zip(leads(&*vendor).await) {
        assert_eq!((id(&was.owner), rest(was)), (id(&now.owner), rest(&now)));
    }
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
}

#[tokio::test]
async fn every_way_the_contract_leaves_open() {
    let cases = [
        (&[("owner_in", "query")][..], "owner_in = \"query\""),
        (&[("write_name", "email")], "owner_write_field = \"email\""),
        (&[("write_name", "username")], ""),
        (&[("filter_id", "code")], "owner_filter_field = \"code\""),
        (&[("filter_id", "user_id")], ""),
        (&[("filter_delay", "200")], ""),
        (&[("put", "replace")], ""),
        (&[("put_201", "4"), ("busy_customer", "3")], ""),
        (&[("busy_customer", "3"), ("busy_search", "4"), ("codes_in", "body")], ""),
        (&[("busy_search", "5"), ("customer_pause", "30")], ""),
        (&[("page_cap", "20"), ("no_leads", "404")], ""),
        (&[("no_leads", "warning"), ("staff_single", "object")], ""),
        (&[("expose_owner", "owner"), ("staff_param", "type_value")], "staff_type_param = \"type_value\""),
        (&[("expose_owner", "ownerId")], ""),
        (&[("closed_leads", "400")], ""),
    ];
    side_by_side(cases, async |(switches, settings)| {
        let about = format!("{switches:?} {settings}");
        let sim = simulator(160, switches, &[]).await;
        let vendor = fast(&sim, settings);
        let all = leads(&*vendor).await;
        assert_eq!(all.len(), sim.holders().len(), "{about}");
        assert!(all.iter().filter(|lead| lead.owner.is_known()).count() > 50, "{about}");
        let people = vendor.people().await.unwrap();
        let before: Vec<Value> = all.iter().map(rest).collect();
        let pair = two(&people);
        let open: Vec<_> = all.iter().filter(|lead| lead.status.as_str() == "OPEN").cloned().collect();
        let mut now = others(&open, &pair[0], 8);
        for after in &pair {
            let report = write(&*vendor, &now, after).await;
            let mut applied = 0;
            for (lead, outcome) in now.iter_mut().zip(&report.outcomes) {
                match outcome {
                    WriteOutcome::Done => {
                        lead.owner = after.clone();
                        applied += 1;
                    }
                    // Its errors say 400 or 500 by turns, and after a 500 what is there has to be read.
                    WriteOutcome::Failed(why) | WriteOutcome::Late(why) => {
                        assert!(why.contains("201"), "{about}: {why}");
                    }
                    WriteOutcome::NotApplied { .. } => {}
                    other => panic!("{about}: {other:?}"),
                }
            }
            assert!(applied >= 4, "{about}: {report:?}");
            let seen = vendor.observe(&targets_of(&now), &session(&*vendor)).await;
            for (lead, seen) in now.iter().zip(seen) {
                assert!(seen.now.unwrap().is_same(&lead.owner), "{about}");
            }
        }
        for (lead, before) in leads(&*vendor).await.iter().zip(before) {
            assert_eq!(rest(lead), before, "{about}");
        }
        assert_eq!(sim.log().complaints(), [], "{about}");
        assert_eq!(sim.log().blind_repeats(), [], "{about}");
    })
    .await;
}

/// What these leads are expected to be is what they are.
fn targets_of(leads: &[LeadRecord]) -> Vec<switchboard::vendor::Target> {
    let mut all = targets(leads);
    for (target, lead) in all.iter_mut().zip(leads) {
        target.scope = lead.scope.to_string();
        target.candidates = vec![lead.owner.clone()];
    }
    all
}

#[tokio::test]
async fn offset_by_id_is_read_whole_and_told() {
    let sim = simulator(260, &[("offset_by", "id")], &[]).await;
    let vendor = fast(&sim, "");
    let kept = list(&*vendor).await.unwrap();
    assert_eq!(kept.leads.len(), sim.holders().len());
    assert!(kept.leads.iter().filter(|lead| lead.owner.is_known()).count() > 100);
    assert!(kept.troubles.iter().all(|told| told.contains("takes offset for the id")), "{:?}", kept.troubles);
    let checks = vendor.check().await;
    assert!(checks.iter().any(|check| check.name == "paging" && !check.ok), "{checks:#?}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_never_done() {
    for how in ["400", "warning", "ignore"] {
        // The profile writes what the server does not know.
        let sim = simulator(160, &[("unknown_user", how)], &[]).await;
        let vendor = fast(&sim, "owner_write_field = \"email\"");
        let people = vendor.people().await.unwrap();
        let jane = to(people.iter().find(|person| person.is_active()).unwrap());
        let some = others(&leads(&*vendor).await, &jane, 8);
        let report = write(&*vendor, &some, &jane).await;
        let halt = report.halt.unwrap();
        for outcome in &report.outcomes {
            let is_told = match outcome {
                WriteOutcome::Failed(_) => how == "400",
                WriteOutcome::Queued(why) => how != "400" && why.starts_with("accepted but not confirmed"),
                WriteOutcome::NotApplied { .. } => true,
                _ => false,
            };
            assert!(is_told, "{how}: {outcome:?}");
        }
        assert!(some.iter().all(|lead| holder_is(&sim, lead, &lead.owner)), "{how}");
        let sent = sim.log().all().into_iter().filter(|entry| entry.act == sim::Act::Write).count();
        assert_eq!(sent, if how == "400" { 5 } else { 3 }, "{how}: {halt}");
        assert_eq!(sim.log().complaints(), [], "{how}");
    }
}

#[tokio::test]
async fn another_store_is_warned_of_or_left_alone_and_told_truly() {
    for how in ["allow", "400", "warning", "ignore"] {
        let sim = simulator(260, &[("cross_store", how)], &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let engine = engine_with(&sim.profile, FAST, folder.path());
        let plan = assign(&engine, 25, unique).await;
        let begin = sim.log().last();
        let warned = plan.parts[0].warnings.iter().any(|told| told.contains("another store"));
        assert!(warned, "{how}: {:?}", plan.parts[0].warnings);
        let report = apply(&engine, plan).await;
        check(&sim, &engine, &report.summary.id, begin);
        if how == "allow" {
            assert_eq!(report.summary.tally.done, 25, "{:?}", report.cut_short);
        }
    }
    let sim = simulator(260, &[("cross_store", "400")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\nsame_store_only = \"block\""), folder.path());
    let plan = plan_to(&engine, 200, |people| to(&unique(people)), |_, owner| owner.is_known()).await;
    assert!(plan.skips() > 20 && plan.changes() > 5, "{} skips, {} changes", plan.skips(), plan.changes());
    let report = apply(&engine, plan).await;
    let refused = items(&engine, &report.summary.id).into_iter().filter(|item| item.state == ItemState::Failed).count();
    assert_eq!(refused, 0, "what would be refused was left alone");
}

#[tokio::test]
async fn a_server_that_replaces_extended_fields_loses_none() {
    // Where they are sent along it has nothing to lose.
    let sim = simulator(260, &[("put", "replace")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let vendor = fast(&sim, "");
    let before = by_id(&*vendor).await;
    assert!(before.values().any(|lead| lead.extra.contains_key("extendedFields")));
    let report = apply(&engine, assign(&engine, 60, unique).await).await;
    assert_eq!(report.summary.tally.done, 60, "{:?}", report.cut_short);
    for (id, now) in by_id(&*vendor).await {
        assert_eq!(rest(&now), rest(&before[&id]));
    }
    // Where they are not, it is caught at one, and that one is mended.
    let sim = simulator(260, &[("put", "replace")], &[]).await;
    let vendor = fast(&sim, "echo_extended_fields = false");
    let before = by_id(&*vendor).await;
    let people = vendor.people().await.unwrap();
    let jane = to(&unique(&people));
    let some: Vec<_> = before
        .values()
        .filter(|lead| lead.extra.contains_key("extendedFields") && lead.owner.is_known() && !lead.owner.is_same(&jane))
        .take(5)
        .cloned()
        .collect();
    let report = write(&*vendor, &some, &jane).await;
    let halt = report.halt.unwrap();
    assert!(halt.message.contains("lost extendedFields") && halt.message.contains("were put back"), "{halt}");
    for (id, now) in by_id(&*vendor).await {
        assert_eq!(rest(&now), rest(&before[&id]));
    }
    assert!(some[1..].iter().all(|lead| holder_is(&sim, lead, &lead.owner)));
}

async fn by_id(vendor: &dyn Vendor) -> HashMap<LeadId, LeadRecord> {
    leads(vendor).await.into_iter().map(|lead| (lead.id.clone(), lead)).collect()
}

#[tokio::test]
async fn a_filter_that_is_ignored_lets_nothing_be_sent() {
    let sim = simulator(160, &[("owner_filter", "ignored")], &[]).await;
    let vendor = fast(&sim, "");
    let kept = list(&*vendor).await.unwrap();
    assert!(kept.leads.iter().all(|lead| !lead.owner.is_known()));
    assert!(kept.troubles.iter().any(|told| told.contains("ignored the owner filter")), "{:?}", kept.troubles);
    let people = vendor.people().await.unwrap();
    let report = write(&*vendor, &kept.leads[..3], &to(&people[0])).await;
    assert!(report.halt.unwrap().message.contains("ignored the owner filter"));
    assert!(sim.log().all().into_iter().all(|entry| entry.act != sim::Act::Write));
    let checks = vendor.check().await;
    assert!(checks.iter().any(|check| check.name == "owner filter" && !check.ok), "{checks:#?}");
}

#[tokio::test]
async fn nobody_in_every_mode() {
    for (accepts, mode) in [("empty_string", "empty_string"), ("null", "null"), ("both", "null")] {
        let sim = simulator(160, &[("unassign", accepts)], &[]).await;
        let vendor = fast(&sim, &format!("unassign_mode = \"{mode}\""));
        let people = vendor.people().await.unwrap();
        let mut some = others(&leads(&*vendor).await, &Assignment::Unknown, 4);
        let was = some.clone();
        let report = write(&*vendor, &some, &Assignment::unassigned()).await;
        assert!(done(&report), "{mode}: {report:?}");
        for lead in &mut some {
            assert!(holder_is(&sim, lead, &Assignment::unassigned()), "{mode}");
            lead.owner = Assignment::unassigned();
        }
        // What we made nobody's is found to be nobody's, and given back.
        for seen in vendor.observe(&targets_of(&some), &session(&*vendor)).await {
            assert!(seen.now.unwrap().is_same(&Assignment::unassigned()), "{mode}");
        }
        for (lead, was) in some.iter().zip(&was) {
            let report = write(&*vendor, std::slice::from_ref(lead), &was.owner).await;
            assert!(done(&report) && holder_is(&sim, lead, &was.owner), "{mode}: {report:?}");
        }
        assert!(!people.is_empty());
        assert_eq!(sim.log().complaints(), [], "{mode}");
    }
    // A server that does not know of nobody.
    let sim = simulator(160, &[], &[]).await;
    let vendor = fast(&sim, "unassign_mode = \"null\"");
    let some = others(&leads(&*vendor).await, &Assignment::Unknown, 2);
    let report = write(&*vendor, &some, &Assignment::unassigned()).await;
    assert!(report.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Failed(_))), "{report:?}");
    assert!(some.iter().all(|lead| holder_is(&sim, lead, &lead.owner)));
    // A user that stands for nobody.
    let people = vendor.people().await.unwrap();
    let queue = people.iter().find(|person| person.is_active()).unwrap();
    let (_, name) = queue.other_ids.iter().find(|(kind, _)| kind == "write").unwrap();
    let vendor = fast(&sim, &format!("unassign_mode = \"placeholder\"\nunassign_placeholder = {name:?}"));
    let some = others(&leads(&*vendor).await, &Assignment::unassigned(), 3);
    let report = write(&*vendor, &some, &Assignment::unassigned()).await;
    assert!(done(&report), "{report:?}");
    assert!(some.iter().all(|lead| holder_is(&sim, lead, &to(queue))));
}

#[tokio::test]
async fn tokens_of_a_short_life() {
    let sim = simulator(160, &[("token_ttl", "1")], &[]).await;
    let (_, oauth) = sim.other_profiles().into_iter().find(|(_, profile)| profile.contains_key("key")).unwrap();
    let more: toml::Table = FAST.parse().unwrap();
    let mut oauth = oauth;
    oauth.extend(more.into_iter().map(|(key, value)| (key, serde_json::to_value(value).unwrap())));
    let vendor = client(&oauth, "");
    let people = vendor.people().await.unwrap();
    let pair = two(&people);
    let mut now = others(&leads(&*vendor).await, &pair[0], 10);
    let began = std::time::Instant::now();
    // Longer than a token lives.
    for round in 0_usize.. {
        let after = &pair[round % 2];
        let report = write(&*vendor, &now, after).await;
        assert!(done(&report), "{report:?}");
        now.iter_mut().for_each(|lead| lead.owner = after.clone());
        if began.elapsed().as_millis() > 1_500 {
            break;
        }
    }
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
    for (switches, settings, words) in [
        (&[("access_group", "none")][..], "", "resource Leads"),
        (&[("oauth_header", "CAP-API-ACCESS-TOKEN")], "", "set oauth_header"),
    ] {
        let sim = simulator(40, switches, &[]).await;
        let (_, oauth) = sim.other_profiles().into_iter().find(|(_, profile)| profile.contains_key("key")).unwrap();
        let mut oauth = oauth;
        oauth.remove("oauth_header");
        let checks = client(&oauth, settings).check().await;
        assert!(checks.iter().any(|check| !check.ok && check.detail.contains(words)), "{switches:?}: {checks:#?}");
    }
}

#[tokio::test]
async fn credentials_that_may_not() {
    let sim = simulator(40, &[("v2_enabled", "off")], &[]).await;
    let error = list(&*fast(&sim, "")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(error.remedy.contains("Version 2 may not be enabled"), "{error:?}");
    let sim = simulator(40, &[], &[]).await;
    let mut wrong = sim.profile.clone();
    wrong.insert("password".to_owned(), serde_json::json!({"command": "echo hush-hush"}));
    let error = list(&*client(&wrong, "")).await.err().unwrap();
    assert!(error.kind == ErrorKind::SignIn && !error.message.contains("hush"), "{error}");
}

#[tokio::test]
async fn the_doctor_finds_the_simulator_healthy_and_reads_only() {
    let sim = simulator(230, &[], &[]).await;
    let checks = fast(&sim, "").check().await;
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    assert!(sim.log().all().into_iter().all(|entry| entry.act != sim::Act::Write));
    assert_eq!(sim.log().complaints(), []);
    let sim = simulator(230, &[("filter_id", "code")], &[]).await;
    let checks = fast(&sim, "owner_filter_field = \"id\"").check().await;
    let told = checks.iter().find(|check| check.name == "owner filter").unwrap();
    assert!(!told.ok && told.detail.contains("try \"code\""), "{told:?}");
}

async fn undo(engine: &Engine, operation: &OperationId, force: bool) -> Plan {
    let request = UndoRequest { operations: vec![operation.clone()], only: Only::All, force, ..UndoRequest::default() };
    engine.plan_undo(request).await.unwrap()
}

/// Through the engine with faults of every kind; then taken back, but for what others changed meanwhile.
#[tokio::test]
async fn an_operation_with_faults_is_told_truly_and_undone_to_the_letter() {
    let sim = simulator(1_100, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let before: HashMap<_, _> = sim.holders().into_iter().collect();
    let plan = assign(&engine, 300, unique).await;
    let unknown = plan.parts[0].changes.iter().filter(|change| !change.before.is_known()).count();
    let told: usize = plan.parts[0].inexact.iter().map(|(_, count)| count).sum();
    assert!(unknown > 0 && told == unknown, "{:?}", plan.parts[0].inexact);
    let report = apply_in_trouble(&sim, &engine, plan, 1, "100..300ms").await;
    let done: Vec<_> =
        items(&engine, &report.summary.id).into_iter().filter(|item| item.state == ItemState::Done).collect();
    let taken: Vec<&str> =
        done.iter().filter(|item| item.was.is_known()).step_by(30).map(|item| item.target.as_str()).collect();
    assert_eq!(sim.meddle(&taken, &Meddling::Another(3)).len(), taken.len());
    let theirs: Vec<_> = taken.iter().map(|target| sim.holder(target).unwrap()).collect();
    let plan = undo(&engine, &report.summary.id, false).await;
    let unknown = done.iter().filter(|item| !item.was.is_known()).count();
    assert_eq!((plan.changes(), plan.skips()), (done.len() - taken.len() - unknown, taken.len() + unknown));
    let begin = sim.log().last();
    let undone = apply(&engine, plan).await;
    check(&sim, &engine, &undone.summary.id, begin);
    assert_eq!(undone.summary.tally.done, done.len() - taken.len() - unknown, "{:?}", undone.cut_short);
    for item in done.iter().filter(|item| item.was.is_known() && !taken.contains(&item.target.as_str())) {
        assert_eq!(sim.holder(item.target.as_str()).unwrap(), before[item.target.as_str()], "{}", item.target);
    }
    assert_eq!(taken.iter().map(|target| sim.holder(target).unwrap()).collect::<Vec<_>>(), theirs);
}

#[tokio::test]
async fn unknown_owners_before_can_be_left_alone_or_taken_for_nobody_by_force() {
    let sim = simulator(260, &[("unassign", "both")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\nunassign_mode = \"null\""), folder.path());
    let before: HashMap<_, _> = sim.holders().into_iter().collect();
    let report = apply(&engine, assign(&engine, 120, unique).await).await;
    assert_eq!(report.summary.tally.done, 120, "{:?}", report.cut_short);
    let unknown: Vec<_> = items(&engine, &report.summary.id)
        .into_iter()
        .filter(|item| !item.was.is_known())
        .map(|item| item.target)
        .collect();
    assert!(!unknown.is_empty());
    let plan = undo(&engine, &report.summary.id, false).await;
    assert_eq!(plan.skips(), unknown.len());
    let plan = undo(&engine, &report.summary.id, true).await;
    assert_eq!((plan.changes(), plan.skips()), (120, 0));
    let undone = apply(&engine, plan).await;
    assert_eq!(undone.summary.tally.done, 120, "{:?}", undone.cut_short);
    for (target, was) in &before {
        let now = sim.holder(target).unwrap();
        let taken_for_nobody = unknown.iter().any(|known| known.as_str() == &**target);
        assert_eq!(now, if taken_for_nobody { Holder::Nobody } else { was.clone() }, "{target}");
    }
    let sim = simulator(160, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\nallow_unknown_previous = \"never\""), folder.path());
    assert!(!engine.capabilities(&super::engine::demo()).unwrap().unknown.may_change);
}

#[tokio::test]
async fn credentials_that_end_in_the_middle_are_gone_on_with() {
    let sim = simulator(460, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let plan = assign(&engine, 200, unique).await;
    let begin = sim.log().last();
    sim.set_faults(&["unauthorized=100%:write:from=60"]).unwrap();
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert!(tally.done >= 59 && tally.not_sent > 100, "{tally:?}");
    assert!(report.cut_short[0].1.to_string().contains("401"), "{:?}", report.cut_short);
    check(&sim, &engine, &report.summary.id, begin);
    sim.set_faults(&[""; 0]).unwrap();
    let resumed = engine.resume(&report.summary.id, false, Watch::none(), StopToken::new()).await.unwrap();
    assert_eq!(resumed.summary.tally.done, 200 - tally.failed, "{:?}", resumed.cut_short);
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn stopped_in_the_middle_of_a_slow_server() {
    let sim = simulator(800, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let plan = assign(&engine, 300, unique).await;
    let begin = sim.log().last();
    sim.set_faults(&["latency=10ms", "cut_after=5%"]).unwrap();
    let stop = StopToken::new();
    let stopper = stop.clone();
    let watch = Watch::new(move |event| {
        if let Event::Progress { progress, .. } = event
            && progress.tally.done > 40
        {
            stopper.stop();
        }
    });
    let report = engine.apply(Arc::new(plan), watch, stop).await.unwrap();
    let tally = report.summary.tally;
    assert!(tally.done > 40 && tally.not_sent > 100, "{tally:?}");
    assert_eq!(tally.planned + tally.sent, 0, "{tally:?}");
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn a_storm_of_refusals_is_sat_out() {
    let sim = simulator(260, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let plan = assign(&engine, 100, unique).await;
    let begin = sim.log().last();
    sim.set_faults(&["rate_limit=150/s"]).unwrap();
    let report = apply(&engine, plan).await;
    assert_eq!(report.summary.tally.done, 100, "{:?} {:?}", report.summary.tally, report.cut_short);
    check(&sim, &engine, &report.summary.id, begin);
}
