use super::*;
use crate::backend::{Only, UndoRequest, undoable_since};
use crate::domain::{ReadBack, SkipReason, Unassign, Verbatim};

async fn undo(bench: &Bench, operations: &[&OperationId], only: Only, force: bool) -> Plan {
    let operations = operations.iter().map(|id| (*id).clone()).collect();
    bench.engine.plan_undo(UndoRequest { operations, only, force, ..UndoRequest::default() }).await.unwrap()
}

fn skips(plan: &Plan) -> Vec<(String, String)> {
    plan.parts.iter().flat_map(|p| p.skips.iter()).map(|s| (s.target().to_string(), s.reason.to_string())).collect()
}

#[tokio::test]
async fn undo_puts_back_what_nobody_changed_and_redo_brings_it_again() {
    let bench = Make::default().build();
    bench.fault(9, [Fault::Refuse]);
    let done = bench.apply(assign(10)).await.summary;
    assert_eq!(done.undoable, 9);
    bench.world().owners.insert(lead(1), cid());
    bench.world().owners.insert(lead(2), ann());
    bench.world().owners.remove(&lead(3));
    let plan = undo(&bench, &[&done.id], Only::All, false).await;
    assert_eq!((plan.kind, plan.reverts.clone()), (OperationKind::Undo, Some(done.id.clone())));
    assert_eq!(
        skips(&plan),
        [
            ("l0001".to_owned(), "changed by someone else: was Bob B, now Cid C".to_owned()),
            ("l0002".to_owned(), "already there".to_owned()),
            ("l0003".to_owned(), "no such lead".to_owned()),
        ]
    );
    assert_eq!(plan.changes(), 6);
    assert_eq!(plan.parts[0].context, Some(serde_json::json!({"unit": "u1"})));
    let undone = bench.apply(plan).await.summary;
    assert_eq!(undone.tally.done, 6);
    assert!((4..9).all(|n| bench.owner(n) == ann()));
    assert_eq!((bench.owner(1), bench.owner(9)), (cid(), ann()));
    bench.check(&undone.id);
    assert_eq!(bench.engine.journal().operation(&done.id).unwrap().undoable, 3);

    let plan = undo(&bench, &[&undone.id], Only::All, false).await;
    assert_eq!((plan.kind, plan.changes()), (OperationKind::Redo, 6));
    let redone = bench.apply(plan).await.summary;
    assert!((4..9).all(|n| bench.owner(n) == bob()));
    let plan = undo(&bench, &[&redone.id], Only::All, false).await;
    assert_eq!((plan.kind, plan.changes()), (OperationKind::Undo, 6));
}

#[tokio::test]
async fn only_what_was_asked_for() {
    let bench = Make::default().build();
    bench.fault(2, [Fault::Refuse]);
    let done = bench.apply(assign(5)).await.summary;
    let plan = undo(&bench, &[&done.id], Only::Items(vec![1, 2]), false).await;
    assert_eq!(plan.changes(), 1);
    assert_eq!(skips(&plan), [("l0002".to_owned(), SkipReason::NotWritten.to_string())]);
    let plan = undo(&bench, &[&done.id], Only::Targets(vec![lead(0), lead(4), lead(17)]), false).await;
    assert_eq!(plan.parts[0].changes.iter().map(|c| c.target()).collect::<Vec<_>>(), [lead(0), lead(4)]);
}

#[tokio::test]
async fn by_force_what_others_changed_is_overwritten_and_taken_back_again() {
    let bench = Make::default().build();
    let done = bench.apply(assign(2)).await.summary;
    bench.world().owners.insert(lead(1), cid());
    let plan = undo(&bench, &[&done.id], Only::All, true).await;
    assert_eq!((plan.changes(), plan.skips()), (2, 0));
    assert_eq!(plan.parts[0].changes.to_vec()[1].before, cid(), "what is overwritten can be put back");
    let undone = bench.apply(plan).await.summary;
    assert_eq!(bench.owner(1), ann());
    let plan = undo(&bench, &[&undone.id], Only::All, false).await;
    bench.apply(plan).await;
    assert_eq!((bench.owner(0), bench.owner(1)), (bob(), cid()));
}

#[tokio::test]
async fn several_operations_are_taken_back_as_one() {
    let bench = Make::default().build();
    let first = bench.apply(assign(3)).await.summary;
    let again = plan(vec![part("sales", vec![change(0, bob(), cid()), change(1, bob(), cid())])]);
    let second = bench.apply(again).await.summary;
    // Somebody changed lead 1 after the second: both of its writes stay.
    bench.world().owners.insert(lead(1), Assignment::unassigned());
    let plan = undo(&bench, &[&first.id, &second.id], Only::All, false).await;
    assert_eq!(plan.reverts, Some(second.id.clone()), "of several the newest");
    let to_ann: Vec<_> = plan.parts[0].changes.iter().map(|c| (c.target(), c.after.clone())).collect();
    assert_eq!(to_ann, [(lead(0), ann()), (lead(2), ann())], "lead 0 goes the whole way in one write");
    assert_eq!(plan.skips(), 1);
    let undone = bench.apply(plan).await.summary;
    bench.check(&undone.id);
    let left = |id| bench.engine.journal().undoable_items(id).unwrap().into_iter().map(|i| i.seq).collect::<Vec<_>>();
    assert_eq!((left(&first.id), left(&second.id)), (vec![1], vec![1]));
    assert_eq!(undone.reverts, Some(second.id.clone()));
    assert_eq!(undone.reverts_all, [second.id, first.id]);

    // Its redo and the undo of that go the same way.
    let redo = undo(&bench, &[&undone.id], Only::All, false).await;
    assert_eq!((redo.kind, redo.changes()), (OperationKind::Redo, 2));
    let redone = bench.apply(redo).await.summary;
    assert_eq!((bench.owner(0), bench.owner(2)), (cid(), bob()));
    assert_eq!(redone.reverts_all, [undone.id]);
    bench.apply(undo(&bench, &[&redone.id], Only::All, false).await).await;
    assert_eq!((bench.owner(0), bench.owner(2)), (ann(), ann()));
}

/// Everything since a time, as the screen and the command line ask for it.
#[tokio::test]
async fn what_can_be_taken_back_no_further_than_it_is_stands_once_in_the_plan() {
    let bench = Make::default().build();
    let first = bench.apply(assign(1)).await.summary;
    bench.world().owners.insert(lead(0), cid());
    // Given on and back again: that comes to nothing, and before it somebody else came between.
    let there = bench.apply(plan(vec![part("sales", vec![change(0, cid(), ann())])])).await.summary;
    let back = bench.apply(plan(vec![part("sales", vec![change(0, ann(), cid())])])).await.summary;
    let plan = undo(&bench, &[&first.id, &there.id, &back.id], Only::All, false).await;
    let told = ("l0000".to_owned(), "changed by someone else: was Bob B, now Cid C".to_owned());
    assert_eq!((plan.changes(), skips(&plan)), (0, vec![told]));
}

async fn undo_since(bench: &Bench, since: Timestamp) -> (Vec<OperationId>, Option<Plan>) {
    let operations: Vec<OperationId> = undoable_since(bench.engine.journal(), since, None)
        .unwrap()
        .into_iter()
        .map(|operation| operation.id)
        .collect();
    let request = UndoRequest { operations: operations.clone(), since: Some(since), ..UndoRequest::default() };
    let plan = if operations.is_empty() { None } else { Some(bench.engine.plan_undo(request).await.unwrap()) };
    (operations, plan)
}

#[tokio::test]
async fn an_undo_of_several_is_found_by_its_time() {
    let bench = Make::default().build();
    let first = bench.apply(assign(3)).await.summary;
    let more =
        plan(vec![part("sales", vec![change(0, bob(), cid()), change(1, bob(), cid()), change(5, ann(), cid())])]);
    let second = bench.apply(more).await.summary;
    let undone = bench.apply(undo(&bench, &[&first.id, &second.id], Only::All, false).await).await.summary;
    assert!([0, 1, 2, 5].iter().all(|n| bench.owner(*n) == ann()));

    // Since before all of it nothing is other than it was.
    assert_eq!(undo_since(&bench, first.at).await, (vec![], None));
    // Since after both the undo is what was done.
    let (found, plan) = undo_since(&bench, undone.at).await;
    assert_eq!((found, plan.unwrap().changes()), (vec![undone.id.clone()], 4));

    // Between the two: the first one's work comes back, the second one's does not. Lead 5 is as it was then.
    let (found, plan) = undo_since(&bench, second.at).await;
    let plan = plan.unwrap();
    assert_eq!((found, plan.reverts.clone(), plan.skips()), (vec![undone.id.clone()], Some(undone.id.clone()), 0));
    let mut back: Vec<_> = plan.parts[0].changes.iter().map(|c| (c.target(), c.after.clone())).collect();
    back.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(back, [(lead(0), bob()), (lead(1), bob()), (lead(2), bob())]);
    let again = bench.apply(plan).await.summary;
    bench.check(&again.id);
    // That is how it was then: there is nothing more to take back since, and the same as before since the beginning.
    assert_eq!(undo_since(&bench, again.at).await.1.unwrap().changes(), 3);
    let (_, plan) = undo_since(&bench, second.at).await;
    assert_eq!(plan.map_or(0, |plan| plan.changes()), 0);
    let (_, plan) = undo_since(&bench, first.at).await;
    let all_to_ann = plan.unwrap();
    assert!(all_to_ann.parts[0].changes.iter().all(|change| *change.after == ann()), "{all_to_ann:?}");
    assert_eq!((all_to_ann.changes(), all_to_ann.skips()), (3, 0));
    assert_eq!(bench.engine.journal().verify().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn it_goes_where_and_as_it_was_done_or_not_at_all() {
    let bench = Make::default().build();
    let done = bench.apply(assign(2)).await.summary;
    let Bench { engine, worlds, folder, .. } = bench;
    drop(engine);
    let moved = Make { base_url: "https://other.example", ..Make::default() };
    let bench = moved.build_in(folder, worlds);
    let request =
        UndoRequest { operations: vec![done.id.clone()], only: Only::All, force: true, ..UndoRequest::default() };
    let refused = bench.engine.plan_undo(request.clone()).await.unwrap_err();
    assert!(refused.what.contains("https://vendor.example") && refused.what.contains("https://other.example"));
    let Bench { engine, worlds, folder, .. } = bench;
    drop(engine);
    let other_unit = Make { context: serde_json::json!({"unit": "u2"}), ..Make::default() };
    let bench = other_unit.build_in(folder, worlds);
    let plan = bench.engine.plan_undo(request).await.unwrap();
    bench.world().sessions.clear();
    let undone = bench.apply(plan).await.summary;
    assert_eq!(undone.parts[0].context, serde_json::json!({"unit": "u1"}));
    assert!(bench.world().sessions.iter().all(|context| context["unit"] == "u1"));
}

#[tokio::test]
async fn a_former_owner_known_by_name_gets_an_id_or_is_left_alone() {
    let named = |name: &str| Assignment::Owner(OwnerRef::named(name));
    let bench = Make::capabilities(|c| c.read_back = ReadBack::ByName).build();
    let twin = Person { id: "ann2".into(), name: Verbatim::new("Twin"), ..Person::default() };
    bench.world().people.extend([twin.clone(), Person { id: "ann3".into(), ..twin }]);
    // Lead 3 was given to one of the twins by this journal before.
    let one_twin = Assignment::Owner(OwnerRef::new("ann3", "Twin"));
    bench.apply(plan(vec![part("sales", vec![change(3, ann(), one_twin)])])).await;
    let before = ["Ann A", "Twin", "Gone", "Twin"];
    let changes = (0..4).map(|n| change(n, named(before[n]), bob())).collect();
    for (n, name) in before.iter().enumerate() {
        bench.world().owners.insert(lead(n), named(name));
    }
    let done = bench.apply(plan(vec![part("sales", changes)])).await.summary;
    assert_eq!(done.tally.done, 4);
    let plan = undo(&bench, &[&done.id], Only::All, false).await;
    let after: Vec<_> = plan.parts[0].changes.iter().map(|c| (c.target(), c.after.clone())).collect();
    let twin = Assignment::Owner(OwnerRef::new("ann3", "Twin"));
    assert_eq!(after, [(lead(0), ann()), (lead(3), twin)]);
    assert_eq!(
        skips(&plan),
        [
            ("l0001".to_owned(), "not exactly reversible: there are several people called Twin".to_owned()),
            (
                "l0002".to_owned(),
                "not exactly reversible: the former owner Gone is not among the people any more".to_owned()
            ),
        ]
    );
    assert_eq!(
        plan.parts[0].takes_back.iter().map(|back| (back.change, back.seq)).collect::<Vec<_>>(),
        [(0, 0), (1, 3)]
    );
}

#[tokio::test]
async fn what_may_still_be_queued_is_told_before_it_is_taken_back() {
    for (late_writes, warned) in [(Duration::from_secs(600), true), (Duration::ZERO, false)] {
        let bench = Make::capabilities(|c| c.late_writes = late_writes).build();
        bench.fault(1, [Fault::Queued(None)]);
        let done = bench.apply(assign(3)).await.summary;
        assert_eq!((done.tally.done, done.tally.unknown), (2, 1));
        let plan = undo(&bench, &[&done.id], Only::All, false).await;
        assert_eq!(plan.changes(), 2);
        let warnings = plan.parts[0].warnings.join(" ");
        assert!(warnings.starts_with("The outcome of 1 items is not known yet"), "{warnings}");
        assert_eq!(warnings.contains("for up to 10 minutes"), warned, "{warnings}");
    }
}

#[tokio::test]
async fn what_the_vendor_cannot_do_or_nobody_did_is_said() {
    let bench =
        Make::capabilities(|c| c.unassign = Unassign::No("this vendor always wants an owner".to_owned())).build();
    bench.world().owners.insert(lead(0), Assignment::unassigned());
    let done = bench.apply(plan(vec![part("sales", vec![change(0, Assignment::unassigned(), bob())])])).await.summary;
    let plan = undo(&bench, &[&done.id], Only::All, false).await;
    assert_eq!(skips(&plan), [("l0000".to_owned(), "this vendor always wants an owner".to_owned())]);

    bench.fault(1, [Fault::Refuse]);
    let nothing = bench.apply(super::plan(vec![part("sales", vec![change(1, ann(), bob())])])).await.summary;
    let request = UndoRequest { operations: vec![nothing.id], ..UndoRequest::default() };
    assert!(bench.engine.plan_undo(request).await.unwrap_err().what.starts_with("there is nothing to take back"));
}

#[tokio::test]
async fn by_force_an_owner_that_was_not_known_is_nobody_where_the_vendor_cannot_tell_them_apart() {
    let unknown = |may_be_nobody| {
        let mut capabilities = capabilities();
        capabilities.unknown.may_be_nobody = may_be_nobody;
        Make { profiles: vec![("sales", capabilities)], ..Make::default() }.build()
    };
    for may_be_nobody in [true, false] {
        let bench = unknown(may_be_nobody);
        let mut plan = assign(2);
        plan.parts[0].changes.edit(|number, change| {
            if number == 1 {
                change.before = Assignment::Unknown;
            }
        });
        let done = bench.apply(plan).await.summary;
        assert_eq!(done.tally.done, 2);
        let plan = undo(&bench, &[&done.id], Only::All, false).await;
        let left = [("l0001".to_owned(), "the owner before the change is not known".to_owned())];
        assert_eq!((plan.changes(), skips(&plan)), (1, left.to_vec()));
        let plan = undo(&bench, &[&done.id], Only::All, true).await;
        if may_be_nobody {
            assert_eq!(
                (plan.changes(), plan.parts[0].changes.to_vec()[1].after.clone()),
                (2, Assignment::unassigned())
            );
            let warning = "Who owned 1 of these leads before is not known; by force they are left with nobody.";
            assert!(plan.parts[0].warnings.iter().any(|told| told == warning), "{:?}", plan.parts[0].warnings);
        } else {
            assert_eq!((plan.changes(), skips(&plan)), (1, left.to_vec()));
        }
    }
}

#[tokio::test]
async fn the_newest_is_one_of_which_something_can_be_taken_back() {
    let bench = Make::default().build();
    let first = bench.apply(assign(2)).await.summary;
    let one = |n, before: Assignment| plan(vec![part("sales", vec![change(n, before, cid())])]);
    let changed = bench.apply(one(5, ann())).await.summary;
    bench.world().owners.insert(lead(5), bob());
    let unknown = bench.apply(one(6, Assignment::Unknown)).await.summary;
    let candidates = || vec![unknown.id.clone(), changed.id.clone(), first.id.clone()];
    let plan = bench.engine.plan_newest_undo(candidates(), None).await.unwrap();
    assert_eq!((plan.reverts, plan.parts[0].changes.len()), (Some(first.id.clone()), 2));
    let told = &plan.parts[0].warnings;
    assert!(told.iter().any(|told| told.contains(unknown.id.as_str()) && told.contains("is not known")), "{told:?}");
    assert!(told.iter().any(|told| told.contains(changed.id.as_str()) && told.contains("by others since")), "{told:?}");
    // What could not be read is not given up: it is the newest, and says so.
    bench.world().read_errors.push_back(crate::vendor::ErrorKind::Refused);
    let newest = bench.engine.plan_newest_undo(candidates(), None).await.unwrap();
    assert_eq!((newest.changes(), newest.reverts), (0, Some(unknown.id)));
}
