//! Sets of agents: one that drifted is left alone; what was written and what is taken back is decided agent by agent.

use super::*;
use crate::backend::UndoRequest;
use crate::domain::TargetKind;

fn set(agents: &str) -> Assignment {
    Assignment::agents(agents.split_whitespace())
}

/// Lists with these agents.
fn bench(lists: &[&str]) -> Bench {
    let bench = Make { leads: 0, ..Make::capabilities(|c| c.targets = TargetKind::Mappings) }.build();
    bench.world().owners = (0..).map(lead).zip(lists.iter().map(|agents| set(agents))).collect();
    bench
}

fn map(changes: &[(usize, &str, &str)]) -> Plan {
    let changes = changes.iter().map(|(n, before, after)| change(*n, set(before), set(after))).collect();
    Plan { kind: OperationKind::Map, ..plan(vec![part("sales", changes)]) }
}

async fn undo(bench: &Bench, operation: &OperationId) -> Plan {
    let operations = vec![operation.clone()];
    bench.engine.plan_undo(UndoRequest { operations, ..UndoRequest::default() }).await.unwrap()
}

fn reasons(bench: &Bench, operation: &OperationId) -> Vec<(ItemState, String)> {
    let items = bench.items(operation).into_iter();
    items.map(|item| (item.state, item.reason.unwrap_or_default().to_string())).collect()
}

#[tokio::test]
async fn a_set_that_others_changed_is_left_alone_and_can_be_tried_again() {
    // Between the plan and its sending Dan came to the first list and Bob left it; the third is as wanted by now.
    let bench = bench(&["ann dan", "ann", "ann bob"]);
    let changes = [(0, "ann bob", "bob cid"), (1, "ann", "ann bob"), (2, "ann", "ann bob")];
    let done = bench.apply(map(&changes)).await.summary;
    assert_eq!([bench.owner(0), bench.owner(1)], [set("ann dan"), set("ann bob")]);
    let told = [
        (ItemState::Skipped, "changed by someone else: was ann bob, now ann dan".to_owned()),
        (ItemState::Done, String::new()),
        (ItemState::Skipped, "already there".to_owned()),
    ];
    assert_eq!(reasons(&bench, &done.id), told);
    bench.check(&done.id);

    // Again it is the difference that was wanted, made of what is there now.
    let plan = bench.engine.plan_lists_again(done.id.clone()).await.unwrap();
    assert_eq!((plan.changes(), plan.skips()), (1, 0));
    let back = &plan.parts[0].changes.to_vec()[0];
    assert_eq!((&back.before, &back.after), (&set("ann dan"), &set("cid dan")));
    bench.apply(plan).await;
    assert_eq!(bench.owner(0), set("cid dan"));
}

#[tokio::test]
async fn what_others_did_survives_what_is_taken_back() {
    let bench = bench(&["ann bob", "ann"]);
    let done = bench.apply(map(&[(0, "ann bob", "bob cid"), (1, "ann", "ann bob")])).await.summary;
    assert_eq!((done.tally.done, bench.owner(0), bench.owner(1)), (2, set("bob cid"), set("ann bob")));
    bench.check(&done.id);

    bench.world().owners.insert(lead(0), set("cid eve"));
    let plan = undo(&bench, &done.id).await;
    let warning = &plan.parts[0].warnings[0];
    assert!(warning.starts_with("Changed by others since: l0000 (+eve -bob). Their changes stay"), "{warning}");
    // Between this plan and its sending Dan comes, too, and somebody else takes our agent off the second list.
    bench.world().owners.insert(lead(0), set("cid dan eve"));
    bench.world().owners.insert(lead(1), set("ann eve"));
    let undone = bench.apply(plan).await.summary;
    assert_eq!([bench.owner(0), bench.owner(1)], [set("ann dan eve"), set("ann eve")]);
    let kept = "changed by someone else since it was shown: +dan; that was kept".to_owned();
    let told = [(ItemState::Done, kept), (ItemState::Skipped, "already there".to_owned())];
    assert_eq!(reasons(&bench, &undone.id), told);
    // The journal knows what was there and what was made of it, not what the plan thought.
    let item = &bench.items(&undone.id)[0];
    assert_eq!((&item.was, &item.wrote), (&set("cid dan eve"), &set("ann dan eve")));
    bench.check(&undone.id);

    bench.apply(undo(&bench, &undone.id).await).await;
    assert_eq!([bench.owner(0), bench.owner(1)], [set("cid dan eve"), set("ann eve")]);
}

#[tokio::test]
async fn a_set_is_read_right_before_it_is_written_however_fresh_the_plan_is() {
    let bench = bench(&["", ""]);
    bench.apply(map(&[(0, "", "ann"), (1, "", "bob")])).await;
    let read = bench.world().looked.len();
    assert_eq!(read, 2);
}

#[tokio::test]
async fn lost_answers_are_judged_by_what_was_sent() {
    // Ann is on every list already, so a list that reads like that shows nothing of ours.
    let bench = bench(&["ann", "ann", "ann", "ann dan"]);
    bench.fault(0, [Fault::Lost(false)]);
    bench.fault(1, [Fault::Lost(true)]);
    bench.fault(2, [Fault::LostThenChanged(set("ann bob"))]);
    bench.fault(3, [Fault::LostThenChanged(set("ann bob dan"))]);
    let wanted = "ann bob cid";
    let changes = [(0, "ann", wanted), (1, "ann", wanted), (2, "ann", wanted), (3, "ann dan", "ann bob cid dan")];
    let done = bench.apply(map(&changes)).await.summary;
    let found = reasons(&bench, &done.id);
    assert_eq!((found[0].0, found[0].1.as_str()), (ItemState::Failed, "the line was cut; read back: not applied"));
    assert_eq!(found[1].0, ItemState::Done);
    let part = "the line was cut; read back: applied in part: +bob is done, +cid is not";
    assert_eq!((found[2].0, found[2].1.as_str()), (ItemState::Failed, part));

    assert_eq!((done.tally.done, done.undoable), (1, 3));
    // What was applied in part can be taken back like that.
    let plan = undo(&bench, &done.id).await;
    let mut afters: Vec<(String, Assignment)> =
        plan.parts[0].changes.iter().map(|change| (change.target().to_string(), change.after.clone())).collect();
    afters.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted =
        [("l0001", "ann"), ("l0002", "ann"), ("l0003", "ann dan")].map(|(id, set_)| (id.to_owned(), set(set_)));
    assert_eq!(afters, wanted);
    bench.apply(plan).await;
    assert_eq!([bench.owner(0), bench.owner(1), bench.owner(2)], [set("ann"), set("ann"), set("ann")]);
}

#[tokio::test]
async fn a_set_that_changes_while_its_change_waits_is_not_sent_as_something_else() {
    let bench = bench(&["", ""]);
    // The first try of each is refused; meanwhile somebody adds Ann to the first list.
    bench.fault(0, [Fault::TooManyAndChanged(Duration::from_millis(20), set("ann"))]);
    bench.fault(1, [Fault::TooMany(Duration::from_millis(20))]);
    let done = bench.apply(map(&[(0, "", "ann bob"), (1, "", "ann bob")])).await.summary;
    // A set is read again before its change goes again, and the first list is not the one any more that was shown.
    assert_eq!((done.tally.done, bench.owner(0), bench.owner(1)), (1, set("ann"), set("ann bob")));
    let first = &reasons(&bench, &done.id)[0];
    let told = "changed by someone else: was no agents, now ann".to_owned();
    assert_eq!(first, &(ItemState::ChangedByOthers, told));
    bench.check(&done.id);
}

#[tokio::test]
async fn lists_that_failed_are_tried_again_on_what_is_there_now() {
    let bench = bench(&["ann", "ann", "ann", "ann"]);
    bench.fault(0, [Fault::Refuse]);
    bench.fault(1, [Fault::Refuse]);
    bench.fault(2, [Fault::LostThenChanged(set("ann bob"))]);
    let changes: Vec<(usize, &str, &str)> = (0..4).map(|n| (n, "ann", "bob cid")).collect();
    let done = bench.apply(map(&changes)).await.summary;
    assert_eq!((done.tally.done, done.tally.failed), (1, 3));
    // Somebody added Dan to the first, and did what was wanted with the second.
    bench.world().owners.insert(lead(0), set("ann dan"));
    bench.world().owners.insert(lead(1), set("bob cid"));
    let plan = bench.engine.plan_lists_again(done.id.clone()).await.unwrap();
    let told: Vec<_> = plan.parts[0]
        .changes
        .iter()
        .map(|change| (change.target(), change.before.clone(), change.after.clone()))
        .collect();
    let wanted = [(lead(0), set("ann dan"), set("bob cid dan")), (lead(2), set("ann bob"), set("bob cid"))];
    assert_eq!((plan.kind, told), (OperationKind::Map, wanted.to_vec()));
    assert_eq!(plan.parts[0].skips.to_vec()[0].reason.to_string(), "already there");
    let again = bench.apply(plan).await.summary;
    assert_eq!((again.tally.done, bench.owner(0), bench.owner(2)), (2, set("bob cid dan"), set("bob cid")));
    bench.check(&again.id);
    let none = bench.engine.plan_lists_again(again.id).await.unwrap_err();
    assert!(none.what.starts_with("there is nothing to try again"), "{none}");
}
