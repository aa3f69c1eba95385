//! Operations on the way, their end, and what stays marked.

use std::sync::Arc;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, item, owner, summary};
use crate::app::notices::Level;
use crate::app::{Action, Context};
use crate::domain::exchange::{Command, Event, OperationProgress, Problem};
use crate::domain::history::OperationLife;
use crate::domain::{ItemState, OperationId, OperationKind, Plan, Tally};

const SIZE: (u16, u16) = (80, 24);

/// Applies the plan to give all leads of `query` to Jane, and starts the operation `op1`.
fn started(desk: &mut Desk, query: &str) -> Arc<Plan> {
    desk.plan(query, "jane");
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op1".into(), plan: plan.clone() });
    plan
}

fn ended(desk: &mut Desk, tally: Tally) {
    let summary = summary("op1", OperationKind::Assign, tally);
    desk.tell(Event::Ended { summary: Box::new(summary), seconds: 4.0, requests: 12 });
}

fn ids(desk: &mut Desk) -> Vec<String> {
    desk.commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::Items { offset, limit, .. } => Some(format!("{offset}+{limit}")),
            _ => None,
        })
        .collect()
}

#[test]
fn a_large_operation_opens_its_items_and_a_small_one_does_not() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    assert_eq!(desk.state.context(), Context::Operation);
    assert_eq!(ids(&mut desk), ["0+200"]);
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::CursorDown, Action::CursorDown, Action::CursorDown, Action::Assign]);
    desk.type_text("jane");
    desk.act(Action::Accept);
    desk.paint();
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op1".into(), plan });
    assert_eq!(desk.state.context(), Context::Leads);
    desk.act(Action::Watch);
    assert_eq!(desk.state.context(), Context::Operation);
}

#[test]
fn items_are_read_again_when_something_happened_and_not_before() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    desk.take();
    let progress = |done| Event::Progress {
        operation: "op1".into(),
        progress: OperationProgress { tally: Tally { done, ..Tally::default() }, ..OperationProgress::default() },
    };
    desk.tell(progress(1));
    assert!(ids(&mut desk).is_empty(), "the first page is still on the way");
    let items: Vec<_> = (1..=20).map(|n| item(n, ItemState::Done)).collect();
    desk.tell(Event::Items { operation: "op1".into(), items: items.clone(), total: 20, offset: 0 });
    assert_eq!(ids(&mut desk), ["0+200"], "it has changed meanwhile");
    desk.tell(Event::Items { operation: "op1".into(), items, total: 20, offset: 0 });
    assert!(ids(&mut desk).is_empty());
    desk.tell(progress(2));
    assert_eq!(ids(&mut desk), ["0+200"]);
}

#[test]
fn what_worked_is_unmarked() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::Last, Action::Mark]);
    let plan = started(&mut desk, "garcia");
    let others = desk.marked().len() - plan.changes() - plan.skips();
    ended(&mut desk, Tally { done: plan.changes(), skipped: plan.skips(), ..Tally::default() });
    assert_eq!(desk.marked().len(), others, "marks of other leads stay");
    // What did not go as planned comes first: a narrow line ends before the rest.
    let (done, skipped) = (plan.changes(), plan.skips());
    assert_eq!(desk.said(), format!("{done} done, {skipped} skipped: Assign {done} leads to Jane Smith"));
    desk.act(Action::Back);
    desk.act(Action::UndoMark);
    assert_eq!(desk.marked().len(), others + plan.changes() + plan.skips(), "and can be had back");
}

#[test]
fn what_failed_stays_marked_and_can_be_tried_again_alone() {
    let mut desk = Desk::loaded(SIZE, 300);
    let plan = started(&mut desk, "garcia");
    let targets: Vec<_> = plan.parts[0].changes.iter().map(|change| change.target()).collect();
    desk.tell(Event::Items { operation: "op1".into(), items: Vec::new(), total: targets.len(), offset: 0 });
    desk.take();
    let failed = 2;
    ended(&mut desk, Tally { done: targets.len() - failed, failed, ..Tally::default() });
    assert_eq!(desk.state.notices.log().last().unwrap().level, Level::Error);
    // All items are read, page by page, for the two.
    let mut rows: Vec<_> = targets
        .iter()
        .enumerate()
        .map(|(seq, target)| {
            let state = if seq < failed { ItemState::Failed } else { ItemState::Done };
            crate::domain::history::ItemRow { seq: seq as u32, target: target.clone(), ..item(1, state) }
        })
        .collect();
    let second = rows.split_off(10);
    let total = targets.len();
    assert!(ids(&mut desk).contains(&"0+1000".to_owned()));
    desk.tell(Event::Items { operation: "op1".into(), items: rows, total, offset: 0 });
    assert!(ids(&mut desk).contains(&"10+1000".to_owned()));
    desk.tell(Event::Items { operation: "op1".into(), items: second, total, offset: 10 });
    let marked: Vec<_> = targets[..failed].iter().map(ToString::to_string).collect();
    assert_eq!(desk.marked(), marked);

    desk.act(Action::Retry);
    desk.paint();
    desk.take();
    let again = desk.apply();
    let planned: Vec<_> = again.parts[0].changes.iter().map(|change| change.target()).collect();
    assert_eq!(planned, targets[..failed]);
    assert!(again.parts[0].changes.iter().all(|change| *change.after == owner("jane")));
}

#[test]
fn only_problems_are_listed_on_demand() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    desk.take();
    desk.act(Action::OnlyProblems);
    assert_eq!(ids(&mut desk), ["0+1000"]);
    let items = vec![item(1, ItemState::Done), item(2, ItemState::Unknown), item(3, ItemState::Skipped)];
    desk.tell(Event::Items { operation: "op1".into(), items, total: 3, offset: 0 });
    let Dialog::Operation(view) = desk.top() else { panic!() };
    assert_eq!((0..view.len()).map(|at| view.item(at).unwrap().seq).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn stopping_says_what_is_in_flight() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    let tally = Tally { done: 5, sent: 3, planned: 12, ..Tally::default() };
    let progress = OperationProgress { tally, in_flight: 3, items_per_second: 12.0, ..OperationProgress::default() };
    desk.tell(Event::Progress { operation: "op1".into(), progress });
    desk.take();
    desk.act(Action::Stop);
    assert!(matches!(&desk.commands()[..], [Command::Stop { operation }] if *operation == OperationId::new("op1")));
    assert_eq!(desk.said(), "Stopping: 3 items in flight, 12 not sent");
    desk.act(Action::Stop);
    assert_eq!(desk.said(), "It is being stopped already");
    assert!(desk.commands().is_empty());
}

#[test]
fn an_operation_that_could_not_start_leaves_everything_as_it_was() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.plan("garcia", "jane");
    let marked = desk.marked();
    desk.apply();
    desk.tell(Event::NotStarted {
        problem: Problem::new("The journal cannot be written: no space left.", "Nothing was sent."),
    });
    assert_eq!(desk.marked(), marked);
    assert!(desk.state.notices.has_errors());
    assert_eq!(desk.state.operations.running().count(), 0);
}

#[test]
fn late_progress_does_not_wake_an_ended_operation() {
    let mut desk = Desk::loaded(SIZE, 300);
    let plan = started(&mut desk, "garcia");
    ended(&mut desk, Tally { done: plan.changes(), ..Tally::default() });
    desk.tell(Event::Progress { operation: "op1".into(), progress: OperationProgress::default() });
    assert_eq!(desk.state.operations.running().count(), 0);
    let operation = desk.state.operations.newest().unwrap();
    assert_eq!(operation.progress.tally.done, plan.changes());
}

#[test]
fn errors_stay_until_dismissed_and_can_be_read_again() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.tell(Event::Failed { problem: Problem::new("kenbun refused the token.", "Set a new one.") });
    desk.acts(&[Action::CursorDown, Action::Mark]);
    let (shown, _) = desk.state.notices.shown().expect("it stays");
    assert_eq!(shown.text.as_str(), "kenbun refused the token. Set a new one.");
    desk.act(Action::Dismiss);
    assert!(desk.state.notices.shown().is_none());
    desk.act(Action::Messages);
    assert_eq!(desk.state.message(0).unwrap().text.as_str(), "kenbun refused the token. Set a new one.");
}

#[test]
fn an_operation_that_was_cut_off_does_not_run_for_ever_and_can_go_on() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    let tally = Tally { done: 5, sent: 3, planned: 12, ..Tally::default() };
    let progress = || OperationProgress { tally, in_flight: 3, ..OperationProgress::default() };
    desk.tell(Event::Progress { operation: "op1".into(), progress: progress() });
    desk.tell(Event::Lost { operation: "op1".into(), problem: Problem::new("The journal could not be written.", "") });
    assert_eq!(desk.state.operations.running().count(), 0);
    assert!(desk.state.notices.has_errors());
    desk.take();
    desk.act(Action::Resume);
    assert!(desk.commands().iter().any(|command| matches!(command, Command::Resume { settle_only: false, .. })));
    desk.tell(Event::Progress { operation: "op1".into(), progress: progress() });
    assert_eq!(desk.state.operations.running().count(), 1);
    ended(&mut desk, Tally { done: 20, ..Tally::default() });
    assert_eq!(desk.state.operations.running().count(), 0);
}

#[test]
fn a_running_operation_is_paused_and_slowed_down_from_its_progress() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    desk.take();
    let order = |desk: &mut Desk, action| {
        desk.act(action);
        desk.commands()
    };
    assert!(matches!(order(&mut desk, Action::Pause)[..], [Command::Pause { paused: true, .. }]));
    assert!(desk.state.hints().iter().any(|(action, words)| *action == Action::Pause && words == "go on"));
    assert!(matches!(order(&mut desk, Action::Pause)[..], [Command::Pause { paused: false, .. }]));
    assert!(matches!(order(&mut desk, Action::Slower)[..], [Command::Throttle { slower: true, .. }]));
    // At full speed there is nothing faster.
    assert!(order(&mut desk, Action::Faster).is_empty());
    let slowed = OperationProgress { at_most: Some(4.0), ..OperationProgress::default() };
    desk.tell(Event::Progress { operation: "op1".into(), progress: slowed });
    desk.take();
    assert!(matches!(order(&mut desk, Action::Faster)[..], [Command::Throttle { slower: false, .. }]));
    // It is not given up while it runs, and what has ended is not paused.
    assert!(order(&mut desk, Action::GiveUp).is_empty());
    ended(&mut desk, Tally { done: 3, ..Tally::default() });
    desk.take();
    for action in [Action::Pause, Action::Slower, Action::GiveUp] {
        assert!(order(&mut desk, action).is_empty(), "{action}");
    }
}

#[test]
fn what_was_not_sent_can_be_given_up_after_a_question() {
    let mut desk = Desk::loaded(SIZE, 300);
    started(&mut desk, "garcia");
    ended(&mut desk, Tally { done: 3, not_sent: 4, ..Tally::default() });
    desk.take();
    desk.act(Action::GiveUp);
    assert_eq!(desk.state.context(), Context::Confirm);
    // The safe answer has the focus.
    desk.act(Action::Accept);
    assert!(desk.commands().is_empty());
    desk.acts(&[Action::GiveUp, Action::NextField, Action::Accept]);
    assert!(matches!(&desk.commands()[..], [Command::GiveUp { operation }] if operation.as_str() == "op1"));
    // Once it is given up, or something of it was taken back, there is nothing to go on with.
    for (life, taken_back, over) in [(OperationLife::GivenUp, 0, "given up"), (OperationLife::Ended, 3, "taken back")] {
        let mut told = summary("op1", OperationKind::Assign, Tally { done: 3, not_sent: 4, ..Tally::default() });
        (told.life, told.taken_back) = (life, taken_back);
        desk.tell(Event::Ended { summary: Box::new(told), seconds: 0.0, requests: 0 });
        let why_not = format!("It was {over}: what was not sent stays so");
        assert_eq!(desk.state.why_not(Action::Resume), Some(why_not));
        assert!(desk.state.why_not(Action::GiveUp).is_some(), "{over}");
    }
}
