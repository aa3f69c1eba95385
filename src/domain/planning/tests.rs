//! What a plan does with every lead that was asked for.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::domain::leads::SnapshotPart;
use crate::domain::people::PersonStatus;
use crate::domain::testing::{self, FIELDS, now};
use crate::domain::{BatchRule, Blank, LeadRecord, Pace, TargetId, VendorKind};

fn person(id: &str, name: &str) -> Person {
    Person { id: id.into(), name: name.into(), ..Person::default() }
}

fn people() -> Vec<Person> {
    vec![
        person("u1", "Jane Smith"),
        person("u2", "Bob Ng"),
        person("u3", "Ann Lee"),
        person("u4", "Ann Lee"),
        Person { status: PersonStatus::Inactive, ..person("u5", "Old Hand") },
    ]
}

fn lead(id: &str, owner: Assignment) -> LeadRecord {
    LeadRecord { id: id.into(), name: format!("Lead {id}").as_str().into(), owner, ..LeadRecord::default() }
}

fn named(name: &str) -> Assignment {
    Assignment::Owner(OwnerRef::named(name))
}

fn owned(id: &str, name: &str) -> Assignment {
    Assignment::Owner(OwnerRef::new(id, name))
}

fn by_name() -> Capabilities {
    Capabilities { read_back: ReadBack::ByName, ..Capabilities::plain(VendorKind::Kenbun, FIELDS) }
}

fn planned(leads: &[LeadRecord], wanted: &[(&[&str], Assignment)], capabilities: Capabilities) -> PlanPart {
    planned_with(leads, wanted, capabilities, |_| {})
}

fn planned_with(
    leads: &[LeadRecord],
    wanted: &[(&[&str], Assignment)],
    capabilities: Capabilities,
    change: impl FnOnce(&mut PlanRequest),
) -> PlanPart {
    planned_by(leads, wanted, capabilities, people(), change)
}

fn planned_by(
    leads: &[LeadRecord],
    wanted: &[(&[&str], Assignment)],
    capabilities: Capabilities,
    people: Vec<Person>,
    change: impl FnOnce(&mut PlanRequest),
) -> PlanPart {
    let profile = ProfileName::from("p");
    let wanted = wanted.iter().map(|(ids, to)| Wanted {
        profile: profile.clone(),
        leads: ids.iter().map(|&id| id.into()).collect(),
        to: to.clone(),
    });
    let mut request = PlanRequest {
        kind: OperationKind::Assign,
        wanted: wanted.collect(),
        include_closed: false,
        note: None,
        now: now(),
        read_at: BTreeMap::from([(profile.clone(), now())]),
    };
    change(&mut request);
    let table = LeadTable::default().with_leads(leads);
    let part = SnapshotPart { profile: profile.clone(), table, ..SnapshotPart::default() };
    let snapshot = Snapshot { parts: vec![part] };
    let people = BTreeMap::from([(profile.clone(), people)]);
    let mut plan = plan(&request, &snapshot, &people, &BTreeMap::from([(profile, capabilities)]));
    assert_eq!(plan.parts.len(), 1);
    plan.parts.remove(0)
}

fn reasons(part: &PlanPart) -> Vec<(&str, String)> {
    part.skips.iter().map(|skip| (skip.id(), skip.reason.to_string())).collect()
}

#[test]
fn every_lead_becomes_a_change_or_a_skip_with_its_reason() {
    let leads = [
        lead("1", Assignment::unassigned()),
        lead("2", named("Jane Smith")),
        lead("3", named("Bob Ng")),
        LeadRecord { lifecycle: Lifecycle::Closed, ..lead("4", named("Bob Ng")) },
        LeadRecord { lifecycle: Lifecycle::Deleted, ..lead("5", named("Bob Ng")) },
    ];
    let to = owned("u1", "Jane Smith");
    let ids: &[&str] = &["1", "2", "gone", "3", "4", "5", "1"];
    let part = planned(&leads, &[(ids, to.clone())], by_name());
    let changes: Vec<_> = part.changes.iter().map(|change| (change.id(), change.before)).collect();
    // An owner known by a name that is one person's gets that person's id.
    assert_eq!(changes, [("1", &Assignment::unassigned()), ("3", &owned("u2", "Bob Ng"))]);
    assert!(part.changes.iter().all(|change| *change.after == to && change.read_at == Some(now())));
    let skips = [
        ("2", "already there"),
        ("gone", "no such lead"),
        ("4", "closed"),
        ("5", "deleted"),
        ("1", "already in this plan"),
    ];
    assert_eq!(reasons(&part), skips.map(|(id, reason)| (id, reason.to_owned())));
    assert_eq!(part.inexact, []);

    let part = planned_with(&leads, &[(ids, to)], by_name(), |request| request.include_closed = true);
    assert_eq!(part.changes.len(), 4);
}

#[test]
fn an_equal_name_of_two_people_is_no_proof() {
    let leads = [lead("1", named("Ann Lee")), lead("2", named("Who Ever")), lead("3", Assignment::Unknown)];
    let part = planned(&leads, &[(&["1", "2", "3"], owned("u3", "Ann Lee"))], by_name());
    assert_eq!(part.changes.len(), 3);
    assert_eq!(part.changes.to_vec()[0].before, named("Ann Lee"));
    let inexact = [
        ("the present owner is known only by a name that several people have", 1),
        ("the present owner is known only by a name that nobody listed has", 1),
        ("the present owner is not known", 1),
    ];
    assert_eq!(part.inexact, inexact.map(|(reason, count)| (reason.to_owned(), count)));
}

#[test]
fn where_names_are_what_is_stored_they_are_enough() {
    let leads = [lead("1", named("Ann Lee")), lead("2", named("Who Ever"))];
    let capabilities = Capabilities::plain(VendorKind::Capillary, FIELDS);
    let part = planned(&leads, &[(&["1", "2"], owned("u3", "Ann Lee"))], capabilities);
    assert_eq!(reasons(&part), [("1", "already there".to_owned())]);
    assert_eq!((part.changes.to_vec()[0].before.clone(), part.inexact), (named("Who Ever"), vec![]));
}

#[test]
fn what_the_vendor_cannot_do_is_said_before_anything_is_sent() {
    let capabilities = || Capabilities {
        unassign: Unassign::No("leads cannot be left with nobody here".to_owned()),
        not_undoable: vec!["Mails stay sent.".to_owned()],
        warnings: vec!["This contract rests on guesses.".to_owned()],
        ..Capabilities::plain(VendorKind::Stateset, FIELDS)
    };
    let leads = [
        lead("1", Assignment::Unassigned(Blank::Empty)),
        LeadRecord { flags: LeadFlags::DO_NOT_CALL.with(LeadFlags::INVALID), ..lead("2", owned("u2", "Bob Ng")) },
    ];
    let part = planned(&leads, &[(&["1", "2"], Assignment::unassigned())], capabilities());
    let skips = [("1", "already there"), ("2", "leads cannot be left with nobody here")];
    assert_eq!(reasons(&part), skips.map(|(id, reason)| (id, reason.to_owned())));
    // Nothing is sent, so there is nothing to warn about.
    assert_eq!((part.warnings, part.cost), (vec![], Default::default()));

    let part = planned(&leads, &[(&["1", "2"], owned("u5", "Old Hand"))], capabilities());
    assert_eq!(part.changes.len(), 2);
    assert_eq!(part.inexact, [("the lead has no owner now: leads cannot be left with nobody here".to_owned(), 1)]);
    let warnings = [
        "Old Hand is not active at the vendor.",
        "1 of these leads is marked: invalid.",
        "This contract rests on guesses.",
        "Mails stay sent.",
    ];
    assert_eq!(part.warnings, warnings);
    let part = planned(&leads, &[(&["2"], Assignment::Owner(OwnerRef::with_id("u9")))], capabilities());
    assert_eq!(part.warnings[0], "u9 is not among the people this vendor lists.");
}

#[test]
fn leads_of_unknown_owners_stay_where_that_is_wanted() {
    let leads = [lead("1", Assignment::Unknown), lead("2", owned("u2", "Bob Ng"))];
    let mut capabilities = Capabilities { private_names: true, ..Capabilities::plain(VendorKind::Capillary, FIELDS) };
    capabilities.checks_per_change = 2;
    let part = planned(&leads, &[(&["1", "2"], owned("u1", "Jane Smith"))], capabilities.clone());
    assert_eq!(part.inexact, [("the present owner is not known".to_owned(), 1)]);
    assert!(part.changes.iter().all(|change| change.name().is_empty()), "names that may not be kept are not in a plan");
    assert_eq!(part.cost.requests, 2 * 3);
    capabilities.unknown.may_change = false;
    let part = planned(&leads, &[(&["1", "2"], owned("u1", "Jane Smith"))], capabilities);
    assert_eq!(reasons(&part), [("1", "present owner not known".to_owned())]);
}

#[test]
fn a_lead_that_would_leave_its_store_is_counted_or_left_alone() {
    let mut staff = people();
    for (person, store) in staff.iter_mut().zip(["north", "north", "south"]) {
        person.group = store.into();
    }
    let leads = [
        lead("1", owned("u1", "Jane Smith")),
        lead("2", owned("u3", "Ann Lee")),
        lead("3", owned("u4", "Ann Lee")),
        lead("4", Assignment::Unknown),
    ];
    let of = |other_group| {
        let capabilities = Capabilities { other_group, ..Capabilities::plain(VendorKind::Capillary, FIELDS) };
        let wanted: (&[&str], Assignment) = (&["1", "2", "3", "4"], owned("u2", "Bob Ng"));
        planned_by(&leads, &[wanted], capabilities, staff.clone(), |_| {})
    };
    let part = of(OtherGroup::Warned("store"));
    assert_eq!((part.changes.len(), part.skips.len()), (4, 0));
    assert_eq!(part.warnings, ["1 of these leads goes to another store than its present owner's."]);
    let part = of(OtherGroup::Refused("store"));
    assert_eq!(reasons(&part), [("2", "would go from store south to store north".to_owned())]);
    assert_eq!(part.warnings, Vec::<String>::new());
    let part = of(OtherGroup::Allowed);
    assert_eq!((part.changes.len(), part.warnings), (4, vec![]));
}

#[test]
fn several_owners_share_a_profile() {
    let leads = [lead("1", Assignment::unassigned()), lead("2", Assignment::unassigned())];
    let wanted: [(&[&str], Assignment); 2] =
        [(&["1"], Assignment::Owner(OwnerRef::with_id("u1"))), (&["2"], owned("u2", "Bob Ng"))];
    let part = planned(&leads, &wanted, by_name());
    let to: Vec<_> = part.changes.iter().map(|change| change.after.clone()).collect();
    // A name that was not given is filled in: kenbun stores whatever name it is sent.
    assert_eq!(to, [owned("u1", "Jane Smith"), owned("u2", "Bob Ng")]);
}

#[test]
fn the_cost_counts_batches_and_readings() {
    let leads: Vec<LeadRecord> = (0..250).map(|n| lead(&format!("L{n}"), Assignment::unassigned())).collect();
    let ids: Vec<String> = (0..250).map(|n| format!("L{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let bulk = BatchRule { max: 100, bulk_from: 2, unassign_max: 100, ..BatchRule::SINGLE };
    let pace = Pace { per_second: 2.0, burst: 1, parallel: 4, yields: false };
    let old = now().checked_sub(jiff::SignedDuration::from_hours(1)).unwrap();
    for (capabilities, read_at, requests) in [
        (Capabilities { batch: bulk, pace, ..by_name() }, Some(now()), 3),
        // Old owners are read again: one by one, or by the listing's three pages.
        (Capabilities { batch: bulk, pace, ..by_name() }, Some(old), 3 + 3),
        (Capabilities { batch: bulk, pace, ..by_name() }, None, 3 + 3),
        (Capabilities { batch: bulk, pace, read_back: ReadBack::Never, ..by_name() }, None, 3),
        // What is only accepted is read before and polled for after.
        (
            Capabilities { batch: bulk, pace, read_back: ReadBack::Later, read_at_once: 50, ..by_name() },
            Some(now()),
            3 + 10,
        ),
        (Capabilities { batch: bulk, pace, first_write_alone: true, ..by_name() }, Some(now()), 4),
        (Capabilities { pace, ..by_name() }, Some(now()), 250),
        // A request goes before each bulk request (kenbun's organizational unit), and once before many single ones.
        (Capabilities { batch: BatchRule { before_each: 1, ..bulk }, pace, ..by_name() }, Some(now()), 3 + 3),
        (
            Capabilities { batch: BatchRule { before_each: 1, ..BatchRule::SINGLE }, pace, ..by_name() },
            Some(now()),
            250 + 1,
        ),
    ] {
        let part = planned_with(&leads, &[(&ids, owned("u1", "Jane Smith"))], capabilities, |request| {
            request.read_at.clear();
            request.read_at.extend(read_at.map(|at| (ProfileName::from("p"), at)));
        });
        assert_eq!(part.cost.requests, requests);
        assert_eq!(part.cost.seconds, (requests - 1) as f64 / 2.0);
    }
}

#[test]
fn loads_join_an_owners_name_with_the_id() {
    let leads: Vec<LeadRecord> = [("1", named("Jane Smith")), ("2", named("Bob Ng")), ("3", named("Bob Ng"))]
        .into_iter()
        .chain([("4", Assignment::unassigned()), ("5", Assignment::Unassigned(Blank::Empty)), ("6", named("Ann Lee"))])
        .map(|(id, owner)| lead(id, owner))
        .collect();
    let part = planned(&leads, &[(&["2", "3", "4"], owned("u1", "Jane Smith"))], by_name());
    let table = LeadTable::default().with_leads(&leads);
    let snapshot = Snapshot { parts: vec![SnapshotPart { profile: "p".into(), table, ..SnapshotPart::default() }] };
    let plan = Plan { kind: OperationKind::Assign, reverts: None, note: None, made_at: now(), parts: vec![part] };
    let shifts = load_shifts(&plan, &snapshot);
    let shifts: Vec<_> = shifts
        .iter()
        .map(|shift| (shift.owner.label().to_string(), shift.before, shift.after, shift.gains, shift.loses))
        .collect();
    let expected = [("Jane Smith", 1, 4, 3, 0), ("Bob Ng", 2, 0, 0, 2), ("nobody", 2, 1, 0, 1)];
    assert_eq!(
        shifts,
        expected.map(|(name, before, after, gains, loses)| (name.to_owned(), before, after, gains, loses))
    );
}

fn change() -> impl Strategy<Value = Change> {
    (testing::assignment(), testing::assignment(), prop::sample::select(vec!["", "a", "b"])).prop_map(
        |(before, after, scope)| Change {
            target: TargetId::new("t"),
            name: SafeText::empty(),
            before,
            after,
            read_at: None,
            scope: scope.into(),
        },
    )
}

proptest! {
    #[test]
    fn batches_take_every_change_once_and_keep_to_the_rule(
        changes in prop::collection::vec(change(), 0..80),
        max in 0..9_usize,
        bulk_from in 0..20_usize,
        unassign_max in 0..5_usize,
        split_by_before in any::<bool>(),
        split_by_scope in any::<bool>(),
    ) {
        let rule = BatchRule { max, bulk_from, unassign_max, split_by_before, split_by_scope, ..BatchRule::SINGLE };
        let batches = batches(&changes.clone().into(), &rule);
        let mut all: Vec<u32> = batches.iter().flat_map(|batch| batch.to_vec()).collect();
        prop_assert!(batches.iter().is_sorted_by_key(|batch| batch[0]));
        all.sort_unstable();
        prop_assert!(all.iter().copied().eq(0..changes.len() as u32));
        for batch in batches.iter() {
            let first = &changes[batch[0] as usize];
            prop_assert!(batch.len() == 1 || rule.may_share(changes.len(), &first.after));
            prop_assert!(batch.len() <= max.max(1));
            prop_assert!(!matches!(first.after, Assignment::Unassigned(_)) || batch.len() <= unassign_max.max(1));
            prop_assert!(batch.is_sorted());
            for change in batch.iter().map(|&index| &changes[index as usize]) {
                prop_assert_eq!(&change.after, &first.after);
                prop_assert!(!split_by_before || change.before == first.before);
                prop_assert!(!split_by_scope || change.scope == first.scope);
            }
        }
    }

    #[test]
    fn nothing_that_was_asked_for_is_lost_or_doubled(
        leads in testing::leads(60),
        asked in prop::collection::vec(testing::id(), 0..60),
        to in testing::assignment(),
        include_closed in any::<bool>(),
    ) {
        let asked: Vec<&str> = asked.iter().map(|id| id.as_str()).collect();
        let part = planned_with(&leads, &[(&asked, to)], by_name(), |request| request.include_closed = include_closed);
        let mut told: Vec<&str> = part.changes.iter().map(|change| change.id()).collect();
        let changed: HashSet<&str> = told.iter().copied().collect();
        prop_assert_eq!(changed.len(), told.len());
        told.extend(part.skips.iter().map(|skip| skip.id()));
        told.sort_unstable();
        let mut asked = asked;
        asked.sort_unstable();
        prop_assert_eq!(told, asked);
        let inexact: usize = part.inexact.iter().map(|(_, count)| count).sum();
        prop_assert!(inexact <= part.changes.len());
    }
}

#[test]
fn reading_again_is_counted_in_the_portions_in_which_it_is_done() {
    let bulk = BatchRule { max: 500, bulk_from: 2, unassign_max: 500, ..BatchRule::SINGLE };
    let pace = Pace { per_second: 10.0, burst: 1, parallel: 4, yields: false };
    let capabilities = |batch, read_at_once, freshness| Capabilities {
        batch,
        pace,
        read_at_once,
        freshness: Duration::from_secs(freshness),
        ..by_name()
    };
    for (capabilities, targets, leads, requests) in [
        (capabilities(bulk, 1, 60), 10, 5_000, 10),
        (capabilities(bulk, 1, 60), 1_000, 5_000, 50),
        // Two portions: the first comes as far as the middle of the listing.
        (capabilities(bulk, 1, 60), 4_000, 5_000, 25 + 50),
        // Single requests at ten a second: a hundred of them leave while a reading is good.
        (capabilities(BatchRule::SINGLE, 1, 20), 300, 1_000, 4 + 7 + 10),
        (capabilities(BatchRule::SINGLE, 50, 20), 300, 1_000, 6),
        (capabilities(bulk, 1, 60), 0, 5_000, 0),
    ] {
        assert_eq!(super::cost::reads_of(targets, leads, &capabilities), requests, "{targets} of {leads}");
    }
}
