//! The Instantly client against the simulator, and the engine with it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use switchboard::backend::{Report, UndoRequest};
use switchboard::domain::{Assignment, ItemState, LeadId, LeadRecord, OwnerRef, Person, SafeText};
use switchboard::sim::{self, Holder, Meddling, Simulator};
use switchboard::vendor::{ErrorKind, Vendor, WriteOutcome};

use super::engine::{apply, assign, check, engine_with, items};
use super::vendors::{client, done, leads, list, session, targets, to, write};

/// For the engine: the whole documented budget, and answers that are lost soon.
const FAST: &str = "requests_per_minute = 6000\nparallel = 16\ntimeout_s = 2";

async fn simulator(leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Simulator {
    let usual = [("rate_limit", "off"), ("job_delay", "50")];
    let switches: Vec<_> = usual.iter().chain(switches).copied().collect();
    super::vendors::simulator("instantly", leads, &switches, faults).await
}

fn active(people: &[Person]) -> Vec<&Person> {
    people.iter().filter(|person| person.is_active()).collect()
}

fn first(people: &[Person]) -> Person {
    active(people)[0].clone()
}

/// Gives `count` leads to the first person, with these settings more, and holds what is said against what happened.
async fn given(sim: &Simulator, more: &str, count: usize) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\n{more}"), folder.path());
    let plan = assign(&engine, count, first).await;
    let begin = sim.log().last();
    let report = apply(&engine, plan).await;
    check(sim, &engine, &report.summary.id, begin);
    report
}

/// How an operation was cut short, in words.
fn why(report: &Report) -> String {
    format!("{:?}", report.cut_short)
}

#[tokio::test]
async fn a_day_with_instantly() {
    let sim = simulator(1_450, &[], &[]).await;
    let vendor = client(&sim.profile, "");
    let all = leads(&*vendor).await;
    assert_eq!(all.len(), 1_450);
    let people = vendor.people().await.unwrap();
    let [jane, joe] = [to(active(&people)[0]), to(active(&people)[1])];
    assert!(people.iter().any(|person| !person.is_active()), "invitations and viewers are no owners");
    assert_eq!(vendor.collections().await.unwrap().len(), 12 + 6);
    assert!(vendor.notices().iter().any(|notice| notice.contains("Cobalt Outreach")), "{:?}", vendor.notices());

    let one = vendor.detail(&all[0].id).await.unwrap();
    assert!(!one.name.is_empty() && one.owner.is_same(&all[0].owner));
    for after in [&jane, &joe, &Assignment::unassigned(), &jane] {
        let mut now = all[..3].to_vec();
        for (lead, seen) in now.iter_mut().zip(vendor.observe(&targets(&all[..3]), &session(&*vendor)).await) {
            lead.owner = seen.now.unwrap();
        }
        let report = write(&*vendor, &now, after).await;
        assert!(done(&report), "{report:?}");
        for lead in &now {
            let id = after.owner().and_then(|owner| owner.id.as_ref()).map(|id| id.as_str());
            assert_eq!(sim.holder(lead.id.as_str()).unwrap().id(), id);
        }
    }
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
}

#[tokio::test]
async fn twelve_hundred_leads_by_jobs_and_back_where_nobody_else_changed_them() {
    let sim = simulator(2_300, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let before: HashMap<_, _> = sim.holders().into_iter().collect();
    let plan = assign(&engine, 1_200, first).await;
    let begin = sim.log().last();
    let report = apply(&engine, plan).await;
    assert_eq!(report.summary.tally.done, 1_200, "{:?} {}", report.summary.tally, why(&report));
    check(&sim, &engine, &report.summary.id, begin);
    let bulk = sim.log().after(begin, usize::MAX).into_iter().filter(|e| e.path.ends_with("bulk-assign")).count();
    assert!(bulk >= 12, "{bulk} bulk calls");

    let taken: Vec<_> = items(&engine, &report.summary.id).into_iter().map(|item| item.target).take(37).collect();
    let ids: Vec<&str> = taken.iter().map(|target| target.as_str()).collect();
    sim.meddle(&ids, &Meddling::Another(5));
    let request = UndoRequest { operations: vec![report.summary.id], ..UndoRequest::default() };
    let undo = engine.plan_undo(request).await.unwrap();
    assert_eq!(undo.changes(), 1_200 - 37);
    let begin = sim.log().last();
    let undone = apply(&engine, undo).await;
    // Some were a former user's: nobody can be given anything by that name any more.
    let tally = undone.summary.tally;
    assert_eq!(tally.done + tally.failed + tally.not_sent, 1_163, "{tally:?} {}", why(&undone));
    assert!(tally.failed < 60, "{tally:?} {}", why(&undone));
    check(&sim, &engine, &undone.summary.id, begin);
    for item in items(&engine, &undone.summary.id).into_iter().filter(|item| item.state == ItemState::Done) {
        assert_eq!(sim.holder(item.target.as_str()).as_ref(), before.get(item.target.as_str()), "{}", item.target);
    }
}

#[tokio::test]
async fn every_way_the_contract_leaves_open() {
    for (switches, settings) in [
        (&[("member_ids", "id")][..], ""),
        (&[("extra_empty_page", "on"), ("unassigned_as", "absent")], ""),
        (&[("unscoped_list", "400"), ("bulk_requires_scope", "on")], ""),
        (&[("custom_labels", "on"), ("unknown_lead", "400")], ""),
        (&[("guard", "ignore")], "strategy = \"bulk\""),
        (&[("guard", "400")], "guard_current_owner = false\nstrategy = \"bulk\""),
        (&[("job_listed", "on")], "job_hint = true\nstrategy = \"bulk\"\nbulk_limit = \"count\""),
        (&[("index_lag", "1500")], "strategy = \"bulk\""),
        (&[("index_lag", "600000")], "strategy = \"patch\""),
        (&[], "bulk_scope = \"ids_only\"\nbulk_chunk = 7"),
        (&[("retry_after", "on"), ("bursts", "20%")], "retries = 9"),
    ] {
        let about = format!("{switches:?} {settings}");
        let sim = simulator(230, switches, &[]).await;
        let vendor = client(&sim.profile, settings);
        let all = leads(&*vendor).await;
        assert!(all.len() > 200, "{about}: {}", all.len());
        let people = vendor.people().await.unwrap();
        assert!(active(&people).len() > 3, "{about}");
        let report = given(&sim, settings, 60).await;
        assert_eq!(report.summary.tally.done, 60, "{about}: {:?} {}", report.summary.tally, why(&report));
        let lead = vendor.detail(&all[0].id).await.unwrap();
        let report = write(&*vendor, &[lead], &Assignment::unassigned()).await;
        assert!(done(&report), "{about}: {report:?}");
    }
}

#[tokio::test]
async fn an_operation_with_faults_is_told_truly() {
    for strategy in ["patch", "bulk"] {
        let sim = simulator(500, &[], &[]).await;
        let folder = tempfile::tempdir().unwrap();
        let settings =
            format!("{FAST}\nstrategy = \"{strategy}\"\nbulk_chunk = 10\nverify_deadline_s = 8\nretries = 8");
        let engine = engine_with(&sim.profile, &settings, folder.path());
        let plan = assign(&engine, 160, first).await;
        let begin = sim.log().last();
        sim.set_faults(&[
            "error_before=3%:write",
            "error_after=3%",
            "cut_before=3%:write",
            "cut_after=3%",
            "cut_inside=3%",
            "garbage=3%",
            "rate_limit=10%:times=5",
            "error_before=3%:read",
            "garbage=2%:read",
            "latency=1..20ms",
        ])
        .unwrap();
        let report = apply(&engine, plan).await;
        let tally = report.summary.tally;
        assert_eq!(tally.planned + tally.sent, 0, "{strategy}: {tally:?} {}", why(&report));
        assert!(tally.done > 100, "{strategy}: {tally:?} {}", why(&report));
        check(&sim, &engine, &report.summary.id, begin);
    }
}

#[tokio::test]
async fn a_key_that_is_withdrawn_in_the_middle_stops_everything() {
    let sim = simulator(300, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, &format!("{FAST}\nstrategy = \"patch\""), folder.path());
    let plan = assign(&engine, 100, first).await;
    let begin = sim.log().last();
    sim.set_faults(&["unauthorized_after=30:write"]).unwrap();
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert!(tally.done >= 25 && tally.done < 60 && tally.not_sent > 30, "{tally:?} {}", why(&report));
    assert_eq!(tally.done + tally.failed + tally.not_sent, 100, "{tally:?}");
    check(&sim, &engine, &report.summary.id, begin);
}

#[tokio::test]
async fn a_job_may_come_late_and_is_waited_for() {
    let sim = simulator(300, &[("job_delay", "3000")], &[]).await;
    let report = given(&sim, "strategy = \"bulk\"", 40).await;
    assert_eq!(report.summary.tally.done, 40, "{:?} {}", report.summary.tally, why(&report));
}

#[tokio::test]
async fn what_a_job_leaves_undone_is_not_known_and_never_called_done() {
    for (job, expected) in [("partial", 20), ("never", 0)] {
        let sim = simulator(300, &[("job", job)], &[]).await;
        let report = given(&sim, "strategy = \"bulk\"\nverify_deadline_s = 3\nbulk_chunk = 40\nbulk_scope = \"ids_only\"\nguard_current_owner = false", 40).await;
        let tally = report.summary.tally;
        assert_eq!((tally.done, tally.unknown), (expected, 40 - expected), "{job}: {tally:?} {}", why(&report));
    }
}

#[tokio::test]
async fn refusals_name_the_setting() {
    // (switches, settings, what the sentence names)
    for (switches, settings, named) in [
        (&[("guard", "400")][..], "strategy = \"bulk\"", "guard_current_owner"),
        (
            &[("bulk_requires_scope", "on")],
            "strategy = \"bulk\"\nbulk_scope = \"ids_only\"\nguard_current_owner = false",
            "bulk_scope",
        ),
        (&[("forbidden", "scope")], "", "leads:update"),
    ] {
        let sim = simulator(200, switches, &[]).await;
        let before: HashSet<_> = sim.holders().into_iter().collect();
        let report = given(&sim, settings, 60).await;
        // Leads that are in no campaign and no list, or nobody's, are not refused with the others.
        let after: HashSet<_> = sim.holders().into_iter().collect();
        assert_eq!(after.difference(&before).count(), report.summary.tally.done, "{switches:?}");
        assert!(report.summary.tally.done < 20, "{switches:?}: {:?}", report.summary.tally);
        assert!(why(&report).contains(named), "{switches:?}: {}", why(&report));
    }
    let sim = simulator(60, &[], &[]).await;
    for (name, value, back, named) in
        [("forbidden", "cloudflare", "off", "user_agent"), ("plan", "none", "paid", "402")]
    {
        sim.switch(name, value).unwrap();
        let error = list(&*client(&sim.profile, "")).await.err().unwrap();
        assert!(format!("{error:?}").contains(named), "{name}: {error:?}");
        sim.switch(name, back).unwrap();
    }
    // A list that is refused as a whole is read campaign by campaign, and that is told.
    sim.switch("unscoped_list", "400").unwrap();
    let kept = list(&*client(&sim.profile, "")).await.unwrap();
    assert!(kept.troubles.join(" ").contains("require_scope"), "{:?}", kept.troubles);
    assert!(kept.leads.len() > 50 && kept.leads.iter().all(|lead| !lead.scope.is_empty()));
}

#[tokio::test]
async fn nobodys_is_refused_or_ignored_and_said_so() {
    for value in ["400", "ignore"] {
        let sim = simulator(60, &[("patch_null", value)], &[]).await;
        let vendor = client(&sim.profile, "");
        let all = leads(&*vendor).await;
        let owned: Vec<LeadRecord> = all.into_iter().filter(|lead| lead.owner.owner().is_some()).take(3).collect();
        let report = write(&*vendor, &owned, &Assignment::unassigned()).await;
        for outcome in &report.outcomes {
            // What is still somebody's after a 200 is read once more before it counts as refused.
            let is_told = match outcome {
                WriteOutcome::Failed(_) => value == "400",
                WriteOutcome::Unknown(why) => value == "ignore" && why.contains("unassign not supported"),
                _ => false,
            };
            assert!(is_told, "{value}: {report:?}");
        }
        assert!(owned.iter().all(|lead| sim.holder(lead.id.as_str()) != Some(Holder::Nobody)));
    }
}

/// Whatever goes wrong with single changes, `done` and `failed` agree with the server's own state.
#[tokio::test]
async fn what_is_said_is_true_under_every_fault() {
    for fault in [
        "error_before=100%:write:times=6",
        "error_after=100%:times=6",
        "cut_before=100%:write:times=6",
        "cut_after=100%:times=6",
        "cut_inside=100%:times=6",
        "garbage=100%:times=6",
        "rate_limit=100%:write:times=6",
        "unauthorized=100%:write:times=6",
    ] {
        let sim = simulator(120, &[], &[]).await;
        let vendor = client(&sim.profile, "");
        let all = leads(&*vendor).await;
        let people = vendor.people().await.unwrap();
        let owners = active(&people);
        sim.set_faults(&[fault]).unwrap();
        let mut states = BTreeMap::<&str, usize>::new();
        for (turn, some) in all.chunks(3).take(10).enumerate() {
            let after = to(owners[turn % owners.len()]);
            let before: Vec<_> = some.iter().map(|lead| sim.holder(lead.id.as_str())).collect();
            let report = write(&*vendor, some, &after).await;
            for ((lead, outcome), before) in some.iter().zip(&report.outcomes).zip(before) {
                let now = sim.holder(lead.id.as_str());
                let id = after.owner().and_then(|owner| owner.id.as_ref()).map(|id| id.as_str());
                let word = match outcome {
                    WriteOutcome::Done => {
                        assert_eq!(now.as_ref().and_then(Holder::id), id, "{fault}: done");
                        "done"
                    }
                    WriteOutcome::Failed(_) | WriteOutcome::NotApplied { .. } => {
                        assert_eq!(now, before, "{fault}: {outcome:?}");
                        "not done"
                    }
                    _ => "open",
                };
                *states.entry(word).or_default() += 1;
            }
        }
        assert!(states.contains_key("done") && states.len() > 1, "{fault}: {states:?}");
        assert_eq!(sim.log().complaints(), [], "{fault}");
    }
}

#[tokio::test]
async fn other_keys_and_owners_who_are_none() {
    let sim = simulator(60, &[], &[]).await;
    let vendor = client(&sim.profile, "");
    let some = &leads(&*vendor).await[..2];
    vendor.people().await.unwrap();
    let stranger = Assignment::Owner(OwnerRef::new("nobody_1", "Nobody One"));
    let report = write(&*vendor, some, &stranger).await;
    assert!(report.outcomes.iter().all(|outcome| !matches!(outcome, WriteOutcome::Done)), "{report:?}");
    for (name, profile) in sim.other_profiles() {
        let vendor = client(&profile, "");
        let some = &leads(&*vendor).await[..2];
        let report = write(&*vendor, some, &Assignment::unassigned()).await;
        if name == "reader" {
            assert_eq!(report.halt.unwrap().kind, ErrorKind::Forbidden);
        } else {
            assert!(done(&report), "{name}: {report:?}");
        }
    }
    let mut wrong = sim.profile.clone();
    wrong.insert("token".to_owned(), serde_json::json!({"command": "echo wrong_key"}));
    let error = list(&*client(&wrong, "")).await.err().unwrap();
    assert!(error.kind == ErrorKind::SignIn && !error.message.contains("wrong_key"), "{error}");
}

#[tokio::test]
async fn the_doctor_finds_the_simulator_healthy_and_reads_only() {
    for switches in [&[][..], &[("member_ids", "id")]] {
        let sim = simulator(230, switches, &[]).await;
        let checks = client(&sim.profile, "").check().await;
        assert!(checks.iter().all(|check| check.ok), "{switches:?}: {checks:#?}");
        assert!(sim.log().all().into_iter().all(|entry| entry.act != sim::Act::Write));
        assert_eq!(sim.log().complaints(), []);
    }
}

#[tokio::test]
async fn names_of_people_and_leads_are_safe_to_show() {
    let sim = simulator(700, &[], &[]).await;
    let vendor: &dyn Vendor = &*client(&sim.profile, "");
    for lead in leads(vendor).await {
        let extra = Value::Object(lead.extra).to_string();
        for text in
            [lead.name.as_str(), lead.company.as_str(), lead.email.as_str(), lead.owner.label().as_str(), &extra]
        {
            assert_eq!(SafeText::new(text).as_str(), text);
        }
    }
    let ids: HashSet<LeadId> = leads(vendor).await.into_iter().map(|lead| lead.id).collect();
    assert_eq!(ids.len(), 700);
}
