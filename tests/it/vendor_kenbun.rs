//! The kenbun client against the simulator.

use std::collections::HashSet;

use serde_json::Value;
use switchboard::domain::{Assignment, LeadId, LeadRecord, OwnerRef, SafeText};
use switchboard::sim::{self, Holder, Simulator};
use switchboard::vendor::{ErrorKind, WriteOutcome, WriteReport};

use super::vendors::{FAULTS_OF_WRITES, client, done, leads, list, session, targets, to, told_truly, write};

async fn simulator(leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Simulator {
    super::vendors::simulator("kenbun", leads, switches, faults).await
}

#[tokio::test]
async fn a_day_with_kenbun() {
    let sim = simulator(1_300, &[], &[]).await;
    let vendor = client(&sim.profile, "");
    let all = leads(&*vendor).await;
    let people = vendor.people().await.unwrap();
    assert!(all.len() > 600 && people.len() > 3, "{} leads, {} people", all.len(), people.len());
    let named: HashSet<_> = people.iter().map(|person| person.name.clone()).collect();
    assert!(named.len() > 3);

    let one = vendor.detail(&all[0].id).await.unwrap();
    assert!(!one.name.is_empty() && one.owner.is_same(&all[0].owner));

    // One lead, then as many as need two bulk calls, then all of them to nobody.
    let jane = to(&people[0]);
    let report = write(&*vendor, &all[..1], &jane).await;
    assert!(done(&report), "{report:?}");
    let report = write(&*vendor, &all[..600], &jane).await;
    assert!(done(&report) && report.requests == 4, "{report:?}");
    for lead in &all[..600] {
        let holder = sim.holder(lead.id.as_str()).unwrap();
        assert_eq!((holder.id(), holder.name()), (Some(people[0].id.as_str()), Some(people[0].name.as_str())));
    }
    let seen = vendor.observe(&targets(&all[..600]), &session(&*vendor)).await;
    let by_name = Assignment::Owner(OwnerRef { id: None, name: Some(people[0].name.clone()) });
    assert!(seen.iter().all(|observation| observation.now == Ok(by_name.clone())));
    assert!(done(&write(&*vendor, &all[..600], &Assignment::unassigned()).await));
    assert!(all[..600].iter().all(|lead| sim.holder(lead.id.as_str()) == Some(Holder::Nobody)));
    assert!(done(&write(&*vendor, &all[..1], &Assignment::unassigned()).await));
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
}

#[tokio::test]
async fn every_way_the_contract_leaves_open() {
    for switches in [
        &[("max_limit", "25")][..],
        &[("max_limit", "25"), ("over_limit", "reject")],
        &[("ids", "odd")],
        &[("ids", "mixed"), ("row_metadata", "on")],
        &[("unassigned_as", "absent"), ("error_body", "text")],
        &[("unassigned_as", "empty"), ("error_body", "empty")],
        &[("expose_owner_id", "on"), ("affected", "matched")],
        &[("member_ids", "user_id"), ("unknown_owner", "400")],
        &[("require_active_ou", "off"), ("initial_ou", "default")],
        &[("omitted_owner_name", "lookup"), ("updated_at_on_assign", "off")],
    ] {
        let sim = simulator(230, switches, &[]).await;
        let vendor = client(&sim.profile, "");
        let all = leads(&*vendor).await;
        let people = vendor.people().await.unwrap();
        for (leads, after) in [
            (&all[..1], to(&people[0])),
            (&all[..40], to(&people[1])),
            (&all[..1], Assignment::unassigned()),
            (&all[1..40], Assignment::unassigned()),
            (&all[..40], to(&people[0])),
        ] {
            let report = write(&*vendor, leads, &after).await;
            assert!(done(&report), "{switches:?}: {report:?}");
            let seen = vendor.observe(&targets(leads), &session(&*vendor)).await;
            for (lead, observation) in leads.iter().zip(seen) {
                assert!(observation.now.as_ref().unwrap().is_same(&after), "{switches:?}: {observation:?}");
                let holder = sim.holder(lead.id.as_str()).unwrap();
                assert_eq!(holder.id(), after.owner().and_then(|owner| owner.id.as_ref()).map(|id| id.as_str()));
            }
        }
        for lead in all.iter().take(5) {
            assert_eq!(vendor.detail(&lead.id).await.unwrap().id, lead.id, "{switches:?}");
        }
        assert_eq!(sim.log().complaints(), [], "{switches:?}");
    }
}

#[tokio::test]
async fn refusals_in_every_shape_of_error() {
    for shape in ["json", "text", "empty"] {
        let sim =
            simulator(60, &[("error_body", shape), ("bulk_unknown", "reject_all_404"), ("unknown_owner", "400")], &[])
                .await;
        let vendor = client(&sim.profile, "");
        let mut some = leads(&*vendor).await;
        some.truncate(5);
        let people = vendor.people().await.unwrap();
        let jane = to(&people[0]);
        some.push(LeadRecord { id: LeadId::new("no/such?lead"), ..LeadRecord::default() });

        let failed =
            |report: &WriteReport| report.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Failed(_)));
        let report = write(&*vendor, &some, &jane).await;
        // One that is not there holds none of the others up.
        assert_eq!(report.outcomes[..5], vec![WriteOutcome::Done; 5]);
        assert!(matches!(report.outcomes[5], WriteOutcome::Failed(_)) && report.halt.is_none(), "{report:?}");
        assert_eq!((sim.log().complaints(), sim.log().blind_repeats()), (vec![], vec![]));
        let before: Vec<_> = some[..5].iter().map(|lead| sim.holder(lead.id.as_str()).unwrap()).collect();
        assert!(before.iter().all(|holder| holder.id() == Some(people[0].id.as_str())), "{before:?}");
        let report = write(&*vendor, &some[5..], &jane).await;
        assert!(failed(&report), "{report:?}");
        let stranger = Assignment::Owner(OwnerRef::new("nobody_1", "Nobody One"));
        assert!(failed(&write(&*vendor, &some[..5], &stranger).await));
        let after: Vec<_> = some[..5].iter().map(|lead| sim.holder(lead.id.as_str()).unwrap()).collect();
        assert_eq!(before, after);
        let error = vendor.detail(&some[5].id).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        let seen = vendor.observe(&targets(&some), &session(&*vendor)).await;
        assert!(seen[..5].iter().all(|observation| observation.now.is_ok()));
        assert_eq!(seen[5].now.as_ref().unwrap_err().kind, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn counts_that_are_short_are_read_back_and_not_guessed() {
    let sim = simulator(60, &[("affected", "changed")], &[]).await;
    let vendor = client(&sim.profile, "");
    let mut some = leads(&*vendor).await;
    let people = vendor.people().await.unwrap();
    let owner = to(&people[0]);
    some.retain(|lead| !lead.owner.is_same(&owner));
    some.truncate(10);
    assert!(done(&write(&*vendor, &some[3..], &owner).await));
    // Seven have that owner already, so the server counts three.
    let report = write(&*vendor, &some, &owner).await;
    assert!(
        report.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Unknown(why) if why.contains("of 10")))
    );

    let sim = simulator(60, &[], &[]).await;
    let vendor = client(&sim.profile, "verify = \"always\"");
    let some = &leads(&*vendor).await[..3];
    let report = write(&*vendor, some, &Assignment::unassigned()).await;
    assert!(report.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Unknown(_))));
}

/// Whatever goes wrong, `done` and `failed` agree with the server's own state.
#[tokio::test]
async fn what_is_said_is_true_under_every_fault() {
    let others = ["error_before=40%:read", "cut_before=30%:read", "garbage=100%:other", "error_before=50%:other"];
    for fault in FAULTS_OF_WRITES.into_iter().chain(others) {
        let sim = simulator(120, &[], &[]).await;
        let vendor = client(&sim.profile, "retries = 8");
        let told = told_truly(&sim, &*vendor, fault).await;
        let is_about_writes = !fault.contains("read") && !fault.contains("other");
        assert_eq!(told.open + told.not_done > 0, is_about_writes, "{fault}: {told:?}");
        for (some, after) in told.rounds.iter().filter(|_| fault.contains("read")) {
            let seen = vendor.observe(&targets(some), &session(&*vendor)).await;
            let is_there = |now: &Assignment| now.is_same(after);
            assert!(seen.iter().all(|observation| observation.now.as_ref().is_ok_and(is_there)), "{fault}");
        }
    }
}

#[tokio::test]
async fn a_colleague_keeps_choosing_another_unit() {
    let sim = simulator(400, &[("ou_drift", "4")], &[]).await;
    let calm = simulator(400, &[], &[]).await;
    let expected: HashSet<_> = leads(&*client(&calm.profile, "")).await.into_iter().map(|lead| lead.id).collect();
    let vendor = client(&sim.profile, "page_size = 20");
    let all = leads(&*vendor).await;
    let found: HashSet<_> = all.iter().map(|lead| lead.id.clone()).collect();
    assert_eq!(found, expected);
    let jane = to(&vendor.people().await.unwrap()[0]);
    for lead in all[..12].chunks(1) {
        assert!(done(&write(&*vendor, lead, &jane).await));
    }
    let seen = vendor.observe(&targets(&all[..12]), &session(&*vendor)).await;
    assert!(seen.iter().all(|observation| observation.now.as_ref().is_ok_and(|now| now.is_same(&jane))), "{seen:?}");
}

#[tokio::test]
async fn leads_that_arrive_while_the_list_is_read() {
    let sim = simulator(200, &[("arrivals", "2")], &[]).await;
    let vendor = client(&sim.profile, "page_size = 10");
    let before: HashSet<_> =
        leads(&*client(&sim.profile, "page_size = 1000")).await.into_iter().map(|lead| lead.id).collect();
    let kept = list(&*vendor).await.unwrap();
    let ids: HashSet<_> = kept.leads.iter().map(|lead| lead.id.clone()).collect();
    assert_eq!(ids.len(), kept.leads.len());
    assert!(before.is_subset(&ids), "no lead that was there is left out");
}

#[tokio::test]
async fn other_credentials() {
    let sim = simulator(60, &[], &[]).await;
    for (name, profile) in sim.other_profiles() {
        let vendor = client(&profile, "");
        let some = &leads(&*vendor).await[..2];
        let report = write(&*vendor, some, &Assignment::unassigned()).await;
        if name == "viewer" {
            assert!(report.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Failed(_))), "{report:?}");
            assert_eq!(report.halt.unwrap().kind, ErrorKind::Forbidden);
        } else {
            assert!(done(&report), "{name}: {report:?}");
        }
    }
    let mut wrong = sim.profile.clone();
    wrong.insert("token".to_owned(), serde_json::json!({"command": "echo kbn_pat_wrong"}));
    let vendor = client(&wrong, "");
    let error = list(&*vendor).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::SignIn);
    assert!(!error.message.contains("kbn_pat_wrong"));
    let checks = vendor.check().await;
    assert!(checks.iter().any(|check| check.name == "credentials" && !check.ok), "{checks:#?}");
}

#[tokio::test]
async fn the_doctor_finds_the_simulator_healthy_and_reads_only() {
    let sim = simulator(230, &[], &[]).await;
    let checks = client(&sim.profile, "").check().await;
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    let writes = sim.log().all().into_iter().filter(|entry| entry.act == sim::Act::Write).count();
    assert_eq!(writes, 0);
    let checks = client(&sim.profile, "org_unit = \"unit_wrong\"").check().await;
    assert!(checks.iter().any(|check| !check.ok && check.detail.contains("unit_default")), "{checks:#?}");
}

#[tokio::test]
async fn names_of_people_and_leads_are_safe_to_show() {
    let sim = simulator(300, &[("row_metadata", "on")], &[]).await;
    let vendor = client(&sim.profile, "");
    for lead in leads(&*vendor).await {
        let extra = Value::Object(lead.extra).to_string();
        for text in
            [lead.name.as_str(), lead.company.as_str(), lead.email.as_str(), lead.owner.label().as_str(), &extra]
        {
            assert_eq!(SafeText::new(text).as_str(), text);
        }
    }
}
