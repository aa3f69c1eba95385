//! Undo, redo, history, and operations that were cut off.

use std::sync::Arc;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, item, lead, now, owner, summary};
use crate::app::plan::Stage;
use crate::app::{Action, Context};
use crate::domain::exchange::{Command, Event, Problem};
use crate::domain::history::OperationLife;
use crate::domain::{
    Change, Cost, ItemState, OperationKind, Plan, PlanPart, SafeText, Skip, SkipReason, Tally, VendorKind,
};

const SIZE: (u16, u16) = (80, 24);

/// A plan that takes `op` back: `n` leads from Jane to Bob, one left alone because someone else changed it.
fn undo_plan(op: &str, n: usize) -> Arc<Plan> {
    let change = |n: usize| Change {
        target: lead(n).id.into(),
        name: SafeText::empty(),
        before: owner("jane"),
        after: owner("bob"),
        read_at: Some(now()),
        scope: Default::default(),
    };
    let skip = Skip {
        target: lead(n + 1).id.into(),
        name: SafeText::new("Somebody"),
        before: owner("zoe"),
        after: owner("bob"),
        reason: SkipReason::Drift { was: "Jane Smith".into(), now: "Zoë Ångström".into() },
    };
    Arc::new(Plan {
        kind: OperationKind::Undo,
        reverts: Some(op.into()),
        note: None,
        made_at: now(),
        parts: vec![PlanPart {
            profile: "demo".into(),
            vendor: VendorKind::Kenbun,
            changes: (1..=n).map(change).collect(),
            skips: vec![skip].into(),
            cost: Cost { requests: 2, seconds: 0.2 },
            inexact: Vec::new(),
            takes_back: Default::default(),
            context: None,
            warnings: Vec::new(),
        }],
    })
}

#[test]
fn undo_reads_first_then_shows_its_plan_then_sends() {
    for (action, redo) in [(Action::Undo, false), (Action::Redo, true)] {
        let mut desk = Desk::loaded(SIZE, 30);
        desk.act(action);
        assert!(matches!(&desk.commands()[..], [Command::PlanNewestUndo { redo: asked }] if *asked == redo));
        let Dialog::Plan(plan) = desk.top() else { panic!() };
        assert!(matches!(plan.stage, Stage::Making(_)));
        desk.tell(Event::Planned { asked: None, plan: undo_plan("op1", 3) });
        desk.paint();
        let Dialog::Plan(plan) = desk.top() else { panic!() };
        let review = plan.review().unwrap();
        assert_eq!((review.changes, review.skips), (3, 1));
        assert_eq!(review.reasons, [("changed by someone else".to_owned(), 1)]);
        assert_eq!(desk.apply().reverts, Some("op1".into()));
    }
}

#[test]
fn nothing_to_take_back_is_said_and_the_dialog_goes() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Undo);
    desk.tell(Event::NotPlanned { problem: Problem::new("There is nothing to take back.", "") });
    assert_eq!((desk.state.context(), desk.said()), (Context::Leads, "There is nothing to take back."));
}

#[test]
fn an_undo_that_was_given_up_or_is_of_another_operation_is_not_shown() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Undo);
    desk.act(Action::Back);
    desk.tell(Event::Planned { asked: None, plan: undo_plan("op1", 3) });
    assert!(desk.state.dialogs.is_empty());
    history(&mut desk);
    desk.act(Action::Undo);
    desk.tell(Event::Planned { asked: None, plan: undo_plan("another", 3) });
    let Dialog::Plan(plan) = desk.top() else { panic!() };
    assert!(matches!(plan.stage, Stage::Making(_)), "the answer to an older question");
}

/// Opens the history with two operations.
fn history(desk: &mut Desk) {
    desk.take();
    desk.act(Action::History);
    assert!(matches!(desk.commands()[..], [Command::History { offset: 0, .. }]));
    let newest = summary("op2", OperationKind::Assign, Tally { done: 5, failed: 1, ..Tally::default() });
    let mut older = summary("op1", OperationKind::Undo, Tally { done: 3, ..Tally::default() });
    older.undoable = 0;
    desk.tell(Event::History { operations: vec![newest, older], total: 2, offset: 0 });
}

#[test]
fn the_history_opens_items_and_takes_any_operation_back() {
    let mut desk = Desk::loaded(SIZE, 30);
    history(&mut desk);
    desk.act(Action::Undo);
    assert!(
        matches!(&desk.commands()[..], [Command::PlanUndo { operations, items: None }] if operations[0].as_str() == "op2")
    );
    desk.acts(&[Action::Back, Action::CursorDown, Action::Undo]);
    assert_eq!(desk.said(), "Nothing of it is left to take back");
    desk.acts(&[Action::CursorUp, Action::Accept]);
    assert_eq!(desk.state.context(), Context::Operation);
    let items = vec![item(1, ItemState::Done), item(2, ItemState::Failed), item(3, ItemState::Done)];
    desk.tell(Event::Items { operation: "op2".into(), items, total: 3, offset: 0 });
    desk.take();
    // Only the marked items of it.
    desk.acts(&[Action::Mark, Action::CursorDown, Action::Mark, Action::Undo]);
    let commands = desk.commands();
    assert!(
        matches!(&commands[..], [Command::PlanUndo { items: Some(items), .. }] if *items == [0, 2]),
        "{commands:?}"
    );
    desk.acts(&[Action::Back, Action::Back, Action::Back]);
    assert_eq!(desk.state.context(), Context::Leads);
}

#[test]
fn what_was_done_again_is_taken_back_under_the_name_of_the_operation() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::History);
    let mut operation = summary("op1", OperationKind::Assign, Tally { done: 2, ..Tally::default() });
    (operation.undoable, operation.taken_back, operation.redos) = (0, 2, vec!["op3".into()]);
    desk.tell(Event::History { operations: vec![operation], total: 1, offset: 0 });
    desk.take();
    desk.act(Action::Undo);
    let is_whole = |commands: &[Command]| matches!(commands, [Command::PlanUndo { operations, items: None }] if operations[0].as_str() == "op1");
    assert!(is_whole(&desk.commands()));
    // What comes is the plan for the redo.
    desk.tell(Event::Planned { asked: Some("op1".into()), plan: undo_plan("op3", 2) });
    let Dialog::Plan(plan) = desk.top() else { panic!() };
    assert!(matches!(plan.stage, Stage::Ready { .. }));
    desk.acts(&[Action::Back, Action::Accept]);
    let items = vec![item(1, ItemState::Done), item(2, ItemState::Done)];
    desk.tell(Event::Items { operation: "op1".into(), items, total: 2, offset: 0 });
    desk.take();
    desk.act(Action::Undo);
    assert!(is_whole(&desk.commands()));
    // Single items of it are over: those that stand are the redo's.
    desk.acts(&[Action::Back, Action::Mark, Action::Undo]);
    assert!(desk.commands().is_empty());
    assert!(desk.said().starts_with("It was done again by op3: take single items back there"), "{}", desk.said());
}

#[test]
fn an_open_history_follows_what_happens() {
    let mut desk = Desk::loaded(SIZE, 30);
    history(&mut desk);
    desk.take();
    let ended = summary("op3", OperationKind::Assign, Tally { done: 1, ..Tally::default() });
    desk.tell(Event::Ended { summary: Box::new(ended.clone()), seconds: 1.0, requests: 1 });
    assert!(matches!(desk.commands()[..], [Command::History { offset: 0, .. }]));
    // The cursor stays on the operation that it was on.
    let newest = summary("op2", OperationKind::Assign, Tally { done: 5, failed: 1, ..Tally::default() });
    desk.tell(Event::History { operations: vec![ended, newest], total: 2, offset: 0 });
    desk.take();
    desk.act(Action::Undo);
    let commands = desk.commands();
    assert!(
        matches!(&commands[..], [Command::PlanUndo { operations, .. }] if operations[0].as_str() == "op2"),
        "{commands:?}"
    );
}

#[test]
fn cut_off_operations_are_offered_and_nothing_is_done_unasked() {
    let cut = |id| {
        let mut cut = summary(id, OperationKind::Assign, Tally { done: 5, unknown: 2, planned: 9, ..Tally::default() });
        cut.life = OperationLife::Interrupted;
        cut
    };
    let mut desk = Desk::loaded(SIZE, 30);
    desk.tell(Event::Interrupted { operations: vec![cut("op0")] });
    desk.acts(&[Action::GiveUp, Action::NextField, Action::Accept]);
    assert!(matches!(&desk.commands()[..], [Command::GiveUp { operation }] if operation.as_str() == "op0"));
    assert_eq!(desk.state.context(), Context::Leads, "nothing is left to be offered");
    desk.tell(Event::Interrupted { operations: vec![cut("op1"), cut("op2"), cut("op3")] });
    assert_eq!(desk.state.context(), Context::Interrupted);
    assert!(desk.commands().is_empty());
    desk.act(Action::Settle);
    assert!(
        matches!(&desk.commands()[..], [Command::Resume { operation, settle_only: true }] if operation.as_str() == "op1")
    );
    desk.act(Action::Resume);
    assert!(
        matches!(&desk.commands()[..], [Command::Resume { operation, settle_only: false }] if operation.as_str() == "op2")
    );
    desk.act(Action::Undo);
    assert!(matches!(&desk.commands()[..], [Command::PlanUndo { operations, .. }] if operations[0].as_str() == "op3"));
    desk.acts(&[Action::Back, Action::Back]);
    assert_eq!(desk.state.context(), Context::Leads);
    desk.tell(Event::Interrupted { operations: Vec::new() });
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn what_is_gone_on_with_keeps_its_name() {
    let mut desk = Desk::loaded(SIZE, 30);
    let mut cut = summary("op1", OperationKind::Assign, Tally { done: 5, planned: 9, ..Tally::default() });
    cut.life = OperationLife::Interrupted;
    desk.tell(Event::Interrupted { operations: vec![cut] });
    desk.act(Action::Settle);
    // Nothing of it is to be sent: the plan that is started is empty.
    let rest = Plan { parts: Vec::new(), kind: OperationKind::Assign, ..(*undo_plan("op0", 1)).clone() };
    desk.tell(Event::Started { operation: "op1".into(), plan: Arc::new(rest) });
    let ended = summary("op1", OperationKind::Assign, Tally { done: 5, not_sent: 9, ..Tally::default() });
    desk.tell(Event::Ended { summary: Box::new(ended), seconds: 1.0, requests: 1 });
    assert!(desk.said().starts_with("5 done, 9 not sent: Settle assign of "), "{}", desk.said());
}

#[test]
fn an_undo_takes_no_marks_away() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Mark, Action::Mark, Action::Undo]);
    desk.tell(Event::Planned { asked: None, plan: undo_plan("op1", 3) });
    desk.paint();
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op9".into(), plan });
    desk.tell(Event::Ended {
        summary: Box::new(summary("op9", OperationKind::Undo, Tally { done: 3, skipped: 1, ..Tally::default() })),
        seconds: 1.0,
        requests: 2,
    });
    assert_eq!(desk.marked().len(), 2);
    assert_eq!(desk.said(), "3 done, 1 skipped: Put 3 leads back to who had them before");
}
