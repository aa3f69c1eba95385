//! The StateSet client against the simulator, and the engine with it.

use std::collections::HashMap;

use serde_json::Value;
use switchboard::backend::UndoRequest;
use switchboard::domain::campaign::NewLead;
use switchboard::domain::{Agreement, Assignment, ItemState, LeadId, LeadRecord, OwnerRef, SafeText};
use switchboard::sim::{self, Holder, Meddling, Simulator};
use switchboard::vendor::{ErrorKind, Session, Vendor, WriteOutcome};

use super::engine::{apply, assign, engine_with, items};
use super::vendors::{
    FAULTS_OF_WRITES, apply_in_trouble, changes, client, done, leads, list, session, side_by_side, targets, to,
    told_truly, write,
};

/// Requests need not wait for the rate that the simulator keeps by default.
const NO_LIMIT: (&str, &str) = ("rate_limit", "off");

/// The same for the engine.
const FAST: &str = "requests_per_minute = 0\nconcurrency = 16\ntimeout_s = 2";

async fn simulator(leads: usize, switches: &[(&str, &str)], faults: &[&str]) -> Simulator {
    let switches: Vec<_> = std::iter::once(NO_LIMIT).chain(switches.iter().copied()).collect();
    super::vendors::simulator("stateset", leads, &switches, faults).await
}

/// Everything about a lead but who changed it and when.
fn rest(lead: &LeadRecord) -> Value {
    let mut extra = lead.extra.clone();
    extra.retain(|key, _| !["last_modified_by", "owner is"].contains(&key.as_str()) && !key.ends_with("_at"));
    let texts = [&lead.name, &lead.email, &lead.phone, &lead.status, &lead.source].map(SafeText::as_str);
    serde_json::json!([texts, lead.flags, extra])
}

/// The text in the owner field.
fn text(lead: &LeadRecord) -> Option<String> {
    lead.owner.owner().map(|owner| owner.label().to_string())
}

#[tokio::test]
async fn a_day_with_stateset() {
    let sim = simulator(250, &[], &[]).await;
    let vendor = client(&sim.profile, "");
    let all = leads(&*vendor).await;
    let people = vendor.people().await.unwrap();
    assert!(all.len() > 200 && people.len() > 3, "{} leads, {} people", all.len(), people.len());
    let active: Vec<_> = people.iter().filter(|person| person.is_active()).collect();
    let [jane, joe] = [to(active[0]), to(active[1])];

    let one = vendor.detail(&all[0].id).await.unwrap();
    assert_eq!((one.name.clone(), one.owner.clone()), (all[0].name.clone(), all[0].owner.clone()));

    // Given, given to somebody else, to nobody, and back to each of them as it was.
    let some = &all[..30];
    for after in [&jane, &joe, &Assignment::unassigned()] {
        let mut now = some.to_vec();
        for (lead, seen) in now.iter_mut().zip(vendor.observe(&targets(some), &session(&*vendor)).await) {
            lead.owner = seen.now.unwrap();
        }
        let report = write(&*vendor, &now, after).await;
        assert!(done(&report), "{report:?}");
        for lead in some {
            let holder = sim.holder(lead.id.as_str()).unwrap();
            let name = after.owner().and_then(|owner| owner.name.as_ref()).map(|name| name.as_str());
            assert_eq!(holder.name(), name, "{holder:?}");
        }
    }
    let back = Session { undo: true, ..session(&*vendor) };
    for lead in some {
        let nobody = LeadRecord { owner: Assignment::unassigned(), ..lead.clone() };
        let report = vendor.write(&changes(&[nobody], &lead.owner), &back).await;
        assert!(done(&report), "{:?}: {report:?}", lead.owner);
    }
    for (was, now) in some.iter().zip(leads(&*vendor).await) {
        assert_eq!((text(was), rest(was)), (text(&now), rest(&now)));
        assert!(was.owner.is_same(&now.owner), "{:?} {:?}", was.owner, now.owner);
    }
    assert_eq!(sim.log().complaints(), []);
    assert_eq!(sim.log().blind_repeats(), []);
}

#[tokio::test]
async fn every_way_the_contract_leaves_open() {
    for (switches, settings) in [
        (&[("envelope", "data"), ("wrap", "data"), ("users_envelope", "data")][..], ""),
        (&[("envelope", "success_data"), ("wrap", "lead"), ("users_envelope", "array")], ""),
        (&[("envelope", "array"), ("put_reply", "empty_200")], ""),
        (&[("paging", "cursor"), ("put_reply", "204")], ""),
        (&[("paging", "cursor")], "paging = \"cursor\""),
        (&[("page_cap", "20"), ("user_id", "number"), ("names", "snake")], ""),
        (&[("list_path", "leads_list")], "list_path = \"/leads/list\""),
        (&[("get_path", "retrieve")], "get_path_template = \"/leads/{id}/retrieve\""),
        (&[("auth_scheme", "token")], "auth_scheme = \"token\""),
        (&[("put", "replace")], "update_mode = \"merge\""),
        (&[("unknown_owner", "422")], ""),
        (&[], "owner_value = \"email\"\nunassign_value = \"empty\""),
        (&[("user_id", "number")], "owner_value = \"id\""),
        (&[("bulk_update", "on")], "bulk_mode = \"bulk_update\""),
        (&[("sdk_bulk", "on"), ("put_reply", "204")], "bulk_mode = \"sdk_bulk\""),
    ] {
        let about = format!("{switches:?} {settings}");
        let sim = simulator(130, switches, &[]).await;
        let vendor = client(&sim.profile, settings);
        let all = leads(&*vendor).await;
        assert!(all.len() > 100, "{about}");
        let people = vendor.people().await.unwrap();
        // Two of one name cannot be told apart where names are all that is kept.
        let is_one = |name: &str| people.iter().filter(|person| person.name.as_str() == name).count() == 1;
        let mut own = people.iter().filter(|person| person.is_active() && is_one(person.name.as_str())).map(to);
        let before: Vec<Value> = all.iter().map(rest).collect();
        let mut now = all[..12].to_vec();
        for after in [own.next().unwrap(), own.next().unwrap(), Assignment::unassigned()] {
            let report = write(&*vendor, &now, &after).await;
            assert!(done(&report), "{about}: {report:?}");
            let seen = vendor.observe(&targets(&now), &session(&*vendor)).await;
            for (lead, seen) in now.iter_mut().zip(seen) {
                lead.owner = seen.now.unwrap();
                assert!(lead.owner.is_same(&after), "{about}: {:?}", lead.owner);
                let ids = |one: &Assignment| one.owner().and_then(|owner| owner.id.clone());
                assert_eq!(ids(&lead.owner), ids(&after), "{about}");
                assert_eq!(sim.holder(lead.id.as_str()) == Some(Holder::Nobody), after.owner().is_none(), "{about}");
            }
        }
        for (lead, before) in leads(&*vendor).await.iter().zip(before) {
            assert_eq!(rest(lead), before, "{about}");
        }
        assert_eq!(sim.log().complaints(), [], "{about}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_gives_what_it_has() {
    let sim = simulator(230, &[("ignore_offset", "on")], &[]).await;
    let kept = list(&*client(&sim.profile, "")).await.unwrap();
    assert_eq!(kept.leads.len(), 100);
    assert!(kept.troubles.iter().any(|trouble| trouble.contains("gives only 100")), "{:?}", kept.troubles);
}

#[tokio::test]
async fn a_deployment_without_leads_says_so() {
    let sim = simulator(20, &[("leads_enabled", "off")], &[]).await;
    let vendor = client(&sim.profile, "");
    let error = list(&*vendor).await.err().unwrap();
    assert!(error.message.starts_with("This StateSet deployment does not offer leads"), "{error}");
    let checks = vendor.check().await;
    assert!(checks.iter().any(|check| !check.ok && check.detail.contains("does not offer leads")), "{checks:#?}");
}

#[tokio::test]
async fn refusals_in_every_shape_of_error() {
    for shape in ["1", "2", "3", "4", "5", "6"] {
        let switches = [("error_shape", shape), ("unknown_owner", "422"), ("converted", "409")];
        let sim = simulator(120, &switches, &[]).await;
        let vendor = client(&sim.profile, "");
        let all = leads(&*vendor).await;
        let before: Vec<_> = all.iter().map(|lead| sim.holder(lead.id.as_str())).collect();
        let stranger = Assignment::Owner(OwnerRef::named("Nobody Knows"));
        let report = write(&*vendor, &all[..3], &stranger).await;
        for outcome in &report.outcomes {
            let WriteOutcome::Failed(why) = outcome else { panic!("{shape}: {outcome:?}") };
            assert!(why.contains("(422): "), "{shape}: the words are shown: {why}");
        }
        assert!(report.halt.is_none());
        let gone = LeadRecord { id: LeadId::new("no/such?lead"), ..LeadRecord::default() };
        let report = write(&*vendor, std::slice::from_ref(&gone), &Assignment::unassigned()).await;
        assert!(matches!(&report.outcomes[0], WriteOutcome::Failed(_)), "{shape}: {report:?}");
        assert_eq!(vendor.detail(&gone.id).await.unwrap_err().kind, ErrorKind::NotFound, "{shape}");
        if let Some(converted) = all.iter().find(|lead| lead.status.as_str() == "converted") {
            let people = vendor.people().await.unwrap();
            let other = people.iter().find(|person| person.is_active() && !to(person).is_same(&converted.owner));
            let report = write(&*vendor, std::slice::from_ref(converted), &to(other.unwrap())).await;
            let WriteOutcome::Failed(why) = &report.outcomes[0] else { panic!("{shape}: {report:?}") };
            assert!(why.contains("(409): "), "{shape}: {why}");
        }
        let after: Vec<_> = all.iter().map(|lead| sim.holder(lead.id.as_str())).collect();
        assert_eq!(before, after, "{shape}");
    }
}

#[tokio::test]
async fn an_owner_that_is_ignored_is_a_failure() {
    for reply in ["lead", "empty_200", "204"] {
        let sim = simulator(60, &[("owner_ignored", "on"), ("put_reply", reply)], &[]).await;
        let vendor = client(&sim.profile, "");
        let all = leads(&*vendor).await;
        let people = vendor.people().await.unwrap();
        let jane = to(people.iter().find(|person| person.is_active()).unwrap());
        let others: Vec<_> = all.into_iter().filter(|lead| !lead.owner.is_same(&jane)).take(3).collect();
        let report = write(&*vendor, &others, &jane).await;
        for outcome in &report.outcomes {
            assert!(
                matches!(outcome, WriteOutcome::Failed(why) if why.starts_with("accepted but not applied")),
                "{outcome:?}"
            );
        }
    }
}

/// Whatever goes wrong, `done` and `failed` agree with the server's own state.
#[tokio::test]
async fn what_is_said_is_true_under_every_fault() {
    let others = ["error_before=100%:read:from=8:times=3", "cut_before=100%:read:from=8:times=3"];
    let faults = FAULTS_OF_WRITES.into_iter().chain(others);
    let settings = ["", "update_mode = \"merge\"", "bulk_mode = \"sdk_bulk\""];
    let cases = faults.flat_map(|fault| settings.map(|settings| (fault, settings)));
    side_by_side(cases, async |(fault, settings)| {
        let sim = simulator(120, &[("sdk_bulk", "on")], &[]).await;
        let vendor = client(&sim.profile, &format!("retries = 8\n{settings}"));
        told_truly(&sim, &*vendor, fault).await;
    })
    .await;
}

#[tokio::test]
async fn a_new_lead_is_there_afterwards() {
    let sim = simulator(20, &[], &[]).await;
    let vendor = client(&sim.profile, "");
    let new = NewLead {
        first_name: "Zoë".to_owned(),
        last_name: "Lee".to_owned(),
        email: "zoe.lee@new.example".to_owned(),
        other: vec![("leadSource".to_owned(), "referral".to_owned())],
    };
    let made = vendor.create_lead(&new).await.unwrap();
    assert_eq!((made.name.as_str(), made.source.as_str()), ("Zoë Lee", "referral"));
    assert_eq!(vendor.detail(&made.id).await.unwrap().email.as_str(), "zoe.lee@new.example");
    // The address is taken now.
    assert_eq!(vendor.create_lead(&new).await.unwrap_err().kind, ErrorKind::Refused);
}

#[tokio::test]
async fn keys_that_may_not() {
    let sim = simulator(40, &[("key", "restricted")], &[]).await;
    let vendor = client(&sim.profile, "");
    let some = &leads(&*vendor).await[..2];
    let report = write(&*vendor, some, &Assignment::Owner(OwnerRef::named("x"))).await;
    assert_eq!(report.halt.unwrap().kind, ErrorKind::Forbidden);
    let mut wrong = sim.profile.clone();
    wrong.insert("token".to_owned(), serde_json::json!({"command": "echo sk_live_wrong"}));
    let vendor = client(&wrong, "");
    let error = list(&*vendor).await.err().unwrap();
    assert!(error.kind == ErrorKind::SignIn && !error.message.contains("sk_live_wrong"), "{error}");
    let checks = vendor.check().await;
    assert!(checks.iter().any(|check| check.name == "credentials" && !check.ok), "{checks:#?}");
}

#[tokio::test]
async fn the_doctor_finds_the_simulator_healthy_and_reads_only() {
    let sim = simulator(230, &[], &[]).await;
    let checks = client(&sim.profile, "").check().await;
    assert!(checks.iter().all(|check| check.ok), "{checks:#?}");
    assert!(sim.log().all().into_iter().all(|entry| entry.act != sim::Act::Write));
    let sim = simulator(30, &[("auth_scheme", "token")], &[]).await;
    let checks = client(&sim.profile, "auth_scheme = \"bearer\"").check().await;
    assert!(checks.iter().any(|check| !check.ok && check.detail.contains("auth_scheme = \"token\"")), "{checks:#?}");
}

#[tokio::test]
async fn names_of_people_and_leads_are_safe_to_show() {
    let sim = simulator(300, &[], &[]).await;
    for lead in leads(&*client(&sim.profile, "")).await {
        let extra = Value::Object(lead.extra).to_string();
        for text in [lead.name.as_str(), lead.email.as_str(), lead.owner.label().as_str(), &extra] {
            assert_eq!(SafeText::new(text).as_str(), text);
        }
    }
}

async fn by_id(vendor: &dyn Vendor) -> HashMap<LeadId, LeadRecord> {
    leads(vendor).await.into_iter().map(|lead| (lead.id.clone(), lead)).collect()
}

/// Through the engine: every kind of fault, then taken back to the letter.
#[tokio::test]
async fn an_operation_with_faults_is_told_truly_and_undone_to_the_letter() {
    let sim = simulator(700, &[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let vendor = client(&sim.profile, "");
    let before = by_id(&*vendor).await;
    let plan = assign(&engine, 300, |people| people.iter().find(|person| person.is_active()).unwrap().clone()).await;
    let report = apply_in_trouble(&sim, &engine, plan, 2, "100..600ms").await;
    let tally = report.summary.tally;

    // Someone else takes a few; the rest goes back as it was.
    let taken: Vec<_> = items(&engine, &report.summary.id)
        .into_iter()
        .filter(|item| item.state == ItemState::Done)
        .map(|item| item.target)
        .take(7)
        .collect();
    let ids: Vec<&str> = taken.iter().map(|target| target.as_str()).collect();
    sim.meddle(&ids, &Meddling::To(Holder::owner("u_other", "Somebody Else")));
    let request = UndoRequest { operations: vec![report.summary.id], ..UndoRequest::default() };
    let undo = engine.plan_undo(request).await.unwrap();
    assert_eq!(undo.changes(), tally.done - taken.len());
    let undone = apply(&engine, undo).await;
    assert_eq!(undone.summary.tally.done, tally.done - taken.len(), "{:?}", undone.cut_short);
    let after = by_id(&*vendor).await;
    for item in items(&engine, &undone.summary.id).into_iter().filter(|item| item.state == ItemState::Done) {
        let id = LeadId::from(item.target);
        let (was, now) = (&before[&id], &after[&id]);
        assert_eq!(was.owner.agrees_with(&now.owner), Agreement::Same);
        assert_eq!((text(was), rest(was)), (text(now), rest(now)));
    }
    assert_eq!(sim.log().complaints(), []);
}

#[tokio::test]
async fn a_server_that_replaces_leads_is_caught_at_one_and_nothing_is_lost() {
    let sim = simulator(120, &[("put", "replace")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_with(&sim.profile, FAST, folder.path());
    let vendor = client(&sim.profile, "");
    let before = by_id(&*vendor).await;
    let plan = assign(&engine, 40, |people| people.iter().find(|person| person.is_active()).unwrap().clone()).await;
    let report = apply(&engine, plan).await;
    let tally = report.summary.tally;
    assert_eq!((tally.done, tally.not_sent), (1, 39), "{tally:?}");
    assert!(report.cut_short[0].1.to_string().contains("lost"), "{:?}", report.cut_short);
    assert!(format!("{:?}", report.cut_short).contains("merge"), "{:?}", report.cut_short);
    for (id, now) in by_id(&*vendor).await {
        assert_eq!(rest(&now), rest(&before[&id]));
    }
}
