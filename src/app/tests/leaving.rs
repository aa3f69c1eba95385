//! Ctrl-C, quit and signals.

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, summary};
use crate::app::{Action, Context, Effect, Message, Signal};
use crate::domain::exchange::{Command, Event, OperationProgress};
use crate::domain::{OperationKind, Tally};

const SIZE: (u16, u16) = (80, 24);

/// With an operation of which three items are in flight.
fn busy() -> Desk {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.plan("garcia", "jane");
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op1".into(), plan });
    let tally = Tally { done: 5, sent: 3, planned: 12, ..Tally::default() };
    let progress = OperationProgress { tally, in_flight: 3, ..OperationProgress::default() };
    desk.tell(Event::Progress { operation: "op1".into(), progress });
    desk.act(Action::Back);
    desk.take();
    desk
}

#[test]
fn ctrl_c_stops_then_leaves_then_insists() {
    let mut desk = busy();
    desk.act(Action::Interrupt);
    assert!(matches!(desk.commands()[..], [Command::Stop { .. }]));
    assert_eq!(desk.said(), "Stopping, ctrl-c again leaves: 3 items in flight, 12 not sent");
    desk.act(Action::Interrupt);
    assert!(matches!(desk.commands()[..], [Command::Shutdown]));
    assert!(!desk.state.is_done(), "what is in flight is awaited");
    desk.act(Action::Interrupt);
    assert!(desk.take().iter().any(|effect| matches!(effect, Effect::Quit)));
    assert!(desk.state.is_done());
}

#[test]
fn any_other_key_calls_the_second_ctrl_c_off() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Interrupt, Action::CursorDown, Action::Interrupt]);
    assert!(desk.commands().is_empty());
    assert_eq!(desk.said(), "ctrl-c again leaves; nothing is being sent");
    desk.act(Action::Interrupt);
    assert!(matches!(desk.commands()[..], [Command::Shutdown]));
    desk.tell(Event::Stopped);
    assert!(desk.state.is_done());
}

#[test]
fn quitting_asks_only_while_something_is_sent() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Quit);
    assert!(matches!(desk.commands()[..], [Command::Shutdown]));
    let mut desk = busy();
    desk.act(Action::Quit);
    assert_eq!(desk.state.context(), Context::Confirm);
    // The safe answer has the focus.
    desk.act(Action::Accept);
    assert_eq!(desk.state.context(), Context::Leads);
    assert!(desk.commands().is_empty());
    desk.acts(&[Action::Quit, Action::CursorRight, Action::Accept]);
    assert!(matches!(desk.commands()[..], [Command::Shutdown]));
}

#[test]
fn signals_leave_without_a_question() {
    let mut desk = busy();
    desk.send(Message::Signal(Signal::Terminate));
    assert!(matches!(desk.commands()[..], [Command::Shutdown]));
    desk.send(Message::Signal(Signal::Terminate));
    assert!(desk.commands().is_empty(), "once is enough");
    desk.tell(Event::Stopped);
    assert!(desk.state.is_done());
}

#[test]
fn suspending_gives_the_terminal_back_and_paints_it_anew() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Suspend);
    assert!(matches!(desk.take()[..], [Effect::Suspend]));
    desk.send(Message::Resumed);
    assert!(matches!(desk.take()[..], [Effect::Repaint]));
}

#[test]
fn the_question_follows_what_goes_on_behind_it() {
    let mut desk = busy();
    desk.act(Action::Quit);
    let asked = |desk: &Desk| match desk.top() {
        Dialog::Confirm(confirm) => (confirm.question.clone(), confirm.risky),
        other => panic!("no question: {other:?}"),
    };
    assert!(
        asked(&desk).0.starts_with("1 operation on the way: 3 items in flight, 12 not sent."),
        "{:?}",
        asked(&desk)
    );
    let tally = Tally { done: 9, sent: 1, planned: 10, ..Tally::default() };
    let progress = OperationProgress { tally, in_flight: 1, ..OperationProgress::default() };
    desk.tell(Event::Progress { operation: "op1".into(), progress });
    assert!(asked(&desk).0.starts_with("1 operation on the way: 1 item in flight, 10 not sent."), "{:?}", asked(&desk));
    let ended = summary("op1", OperationKind::Assign, Tally { done: 20, ..Tally::default() });
    desk.tell(Event::Ended { summary: Box::new(ended), seconds: 1.0, requests: 1 });
    assert_eq!(asked(&desk), ("Everything that was on the way has ended.".to_owned(), "Leave"));
}
