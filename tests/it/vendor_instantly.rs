//! The Instantly client against the simulator, and the engine with it.

use std::collections::HashSet;

use serde_json::Value;
use switchboard::backend::Report;
use switchboard::domain::{Assignment, LeadId, LeadRecord, OwnerRef, Person, SafeText};
use switchboard::sim::{self, Holder, Simulator};
use switchboard::vendor::{ErrorKind, Vendor, WriteOutcome};

use super::engine::{apply, assign, check, engine_with};
use super::vendors::{
    FAULTS_OF_WRITES, client, done, leads, list, session, side_by_side, targets, to, told_truly, write,
};

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
async fn every_way_the_contract_leaves_open() {
    let cases = [
        // Those that wait most come first, so that the others go on beside them.
        (&[("retry_after", "on"), ("bursts", "10%")][..], "retries = 9"),
        (&[("index_lag", "1500")], "strategy = \"bulk\""),
        (&[("index_lag", "600000")], "strategy = \"patch\""),
        (&[("member_ids", "id")], ""),
        (&[("extra_empty_page", "on"), ("unassigned_as", "absent")], ""),
        (&[("unscoped_list", "400"), ("bulk_requires_scope", "on")], ""),
        (&[("custom_labels", "on"), ("unknown_lead", "400")], ""),
        (&[("guard", "ignore")], "strategy = \"bulk\""),
        (&[("guard", "400")], "guard_current_owner = false\nstrategy = \"bulk\""),
        (&[("job_listed", "on")], "job_hint = true\nstrategy = \"bulk\"\nbulk_limit = \"count\""),
        (&[], "bulk_scope = \"ids_only\"\nbulk_chunk = 7"),
    ];
    side_by_side(cases, async |(switches, settings)| {
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
    })
    .await;
}

#[tokio::test]
async fn an_operation_with_faults_is_told_truly() {
    side_by_side(["patch", "bulk"], async |strategy| {
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
    })
    .await;
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
    let sim = simulator(300, &[("job_delay", "1500")], &[]).await;
    let report = given(&sim, "strategy = \"bulk\"", 40).await;
    assert_eq!(report.summary.tally.done, 40, "{:?} {}", report.summary.tally, why(&report));
}

#[tokio::test]
async fn what_a_job_leaves_undone_is_not_known_and_never_called_done() {
    side_by_side([("partial", 20), ("never", 0)], async |(job, expected)| {
        let sim = simulator(300, &[("job", job)], &[]).await;
        let report = given(&sim, "strategy = \"bulk\"\nverify_deadline_s = 3\nbulk_chunk = 40\nbulk_scope = \"ids_only\"\nguard_current_owner = false", 40).await;
        let tally = report.summary.tally;
        assert_eq!((tally.done, tally.unknown), (expected, 40 - expected), "{job}: {tally:?} {}", why(&report));
    })
    .await;
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
    side_by_side(FAULTS_OF_WRITES, async |fault| {
        let sim = simulator(120, &[], &[]).await;
        let told = told_truly(&sim, &*client(&sim.profile, ""), fault).await;
        assert!(told.open + told.not_done > 0, "{fault}: {told:?}");
    })
    .await;
}

/// A server that is slower than a client waits is asked what became of it: for a change by the lead itself, for a job by
/// what it has done. A list has a time of its own; anything else that does not come is an
/// error and not empty.
#[tokio::test]
async fn a_server_slower_than_the_time_out_is_asked_again() {
    side_by_side(["patch", "bulk"], async |strategy| {
        let sim = simulator(120, &[], &[]).await;
        sim.set_faults(&["latency_after=1300ms:write:times=3"]).unwrap();
        let settings = format!("strategy = \"{strategy}\"\nbulk_chunk = 10\ntimeout_s = 1");
        let report = given(&sim, &settings, 30).await;
        assert_eq!(report.summary.tally.done, 30, "{strategy}: {:?} {}", report.summary.tally, why(&report));
        let slow = |entry: &sim::log::Entry| entry.outcome == sim::log::Outcome::Abandoned;
        assert!(sim.log().all().iter().filter(|entry| slow(entry)).count() >= 3, "{strategy}");
    })
    .await;
    let slow = ["latency=1300ms:path=/leads/list", "latency=1300ms:path=/workspace-members"];
    let sim = simulator(60, &[], &slow).await;
    let vendor = client(&sim.profile, "timeout_s = 1\nretries = 0");
    assert_eq!(list(&*vendor).await.unwrap().leads.len(), 60);
    let error = vendor.people().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
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
