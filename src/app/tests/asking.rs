//! Questions that the vendor itself answers: `filter:`, `search:`; and marks of very many leads.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::asking::Narrowing;
use crate::app::fixture::Desk;
use crate::app::{Action, Edit, Effect, Job, Message};
use crate::domain::LeadId;
use crate::domain::exchange::{Command, Event, Problem};
use crate::domain::query::Asked;

const SIZE: (u16, u16) = (120, 40);

fn asked(desk: &mut Desk) -> Vec<(String, Asked)> {
    let ask =
        |command| if let Command::Ask { profile, asked } = command { Some((profile.to_string(), asked)) } else { None };
    desk.commands().into_iter().filter_map(ask).collect()
}

fn filter(desk: &mut Desk, text: &str) {
    desk.act(Action::Filter);
    desk.send(Message::Edit(Edit::DeleteToStart));
    desk.type_text(text);
}

fn replied() -> Asked {
    Asked::Filter("replied".to_owned())
}

fn answer(desk: &mut Desk, asked: Asked, ids: &[usize]) {
    let found: HashSet<LeadId> = ids.iter().map(|n| LeadId::new(format!("ld_{n:05}"))).collect();
    desk.tell(Event::Answered { profile: "shop".into(), asked, found: Ok(Arc::new(found)) });
}

#[test]
fn the_vendor_is_asked_once_the_query_stands_and_nothing_matches_before_it_answers() {
    let mut desk = Desk::with_two(SIZE, 30, 30);
    filter(&mut desk, "filter:replied");
    assert_eq!(asked(&mut desk), []);
    assert!(
        matches!(desk.state.narrowing(), Some(Narrowing::NotAsked(text)) if text == "Enter asks Instantly for filter:replied")
    );
    assert_eq!(desk.state.leads.shown.len(), 0);
    desk.act(Action::Accept);
    assert_eq!(asked(&mut desk), [("shop".to_owned(), replied())]);
    assert!(matches!(desk.state.narrowing(), Some(Narrowing::Asked(_))));
    // Neither the leads nor their opposite: it is not known yet.
    desk.act(Action::MarkAll);
    assert!(desk.state.leads.selection.is_empty());
    answer(&mut desk, replied(), &[1, 2, 3, 999]);
    assert_eq!(desk.state.leads.shown.len(), 3);
    assert!(matches!(desk.state.narrowing(), Some(Narrowing::Narrowed { by, .. }) if by == "Instantly"));
    assert_eq!(desk.said(), "Instantly found 4 leads for filter:replied");
    // Once.
    desk.act(Action::CursorDown);
    assert_eq!(asked(&mut desk), []);
}

#[test]
fn marks_are_ids_and_stay_whatever_the_vendor_found() {
    let mut desk = Desk::with_two(SIZE, 30, 30);
    filter(&mut desk, "filter:replied");
    desk.act(Action::Accept);
    answer(&mut desk, replied(), &[1, 2, 3]);
    desk.act(Action::MarkAll);
    filter(&mut desk, "filter:contacted");
    desk.act(Action::Accept);
    answer(&mut desk, Asked::Filter("contacted".to_owned()), &[3, 4]);
    assert_eq!(
        (desk.marked(), desk.state.leads.shown.hidden_marks),
        (vec!["ld_00001".into(), "ld_00002".into(), "ld_00003".into()], 2)
    );
    // Several words must all hold; a comma means either; - turns it round.
    for (query, found) in [
        ("filter:replied filter:contacted", 1),
        ("filter:replied,contacted", 4),
        ("filter:replied -filter:contacted", 2),
        ("filter:replied is:marked", 3),
    ] {
        filter(&mut desk, query);
        desk.act(Action::Accept);
        assert_eq!(desk.state.leads.shown.len(), found, "{query}");
    }
    filter(&mut desk, "");
    desk.act(Action::Accept);
    assert_eq!((desk.state.narrowing(), desk.marked().len()), (None, 3));
}

#[test]
fn a_refresh_asks_anew_and_a_refusal_can_be_asked_again() {
    let mut desk = Desk::with_two(SIZE, 30, 30);
    filter(&mut desk, "search:\"acme corp\"");
    desk.act(Action::Accept);
    let question = Asked::Search("acme corp".to_owned());
    assert_eq!(asked(&mut desk), [("shop".to_owned(), question.clone())]);
    let problem = Problem::new("there was no answer", "");
    desk.tell(Event::Answered { profile: "shop".into(), asked: question.clone(), found: Err(problem) });
    assert!(matches!(desk.state.narrowing(), Some(Narrowing::Failed(text)) if text.contains("there was no answer")));
    desk.act(Action::CursorDown);
    assert_eq!(asked(&mut desk), []);
    desk.acts(&[Action::Filter, Action::Accept]);
    assert_eq!(asked(&mut desk).len(), 1);
    answer(&mut desk, question.clone(), &[5]);
    assert_eq!(desk.state.leads.shown.len(), 1);
    desk.act(Action::Refresh);
    assert_eq!(asked(&mut desk), [("shop".to_owned(), question.clone())]);
    // What was on the way before that is no answer any more, and the new one is.
    answer(&mut desk, question, &[6, 7]);
    assert_eq!(desk.state.leads.shown.len(), 2);
}

#[test]
fn words_that_no_vendor_here_answers_are_mistakes_at_their_place() {
    let mut desk = Desk::with_two(SIZE, 30, 30);
    for (typed, at, said) in [
        ("filter:replyed", 7..14, "did you mean filter:replied? Filters: contacted, replied"),
        ("x filter:", 2..9, "needs a value, like filter:contacted"),
        ("filter>replied", 6..7, "cannot be greater"),
        ("search:\" \"", 7..10, "needs a text"),
        ("fliter:replied", 0..6, "did you mean filter?"),
    ] {
        filter(&mut desk, typed);
        let error = desk.state.filter.error.as_ref().unwrap_or_else(|| panic!("{typed}"));
        assert!(error.message.contains(said), "{typed}: {}", error.message);
        assert_eq!(error.at, at, "{typed}");
    }
    let mut plain = Desk::loaded(SIZE, 5);
    filter(&mut plain, "filter:replied");
    assert!(plain.state.filter.error.as_ref().unwrap().message.starts_with("no profile here has filters of its own"));
    filter(&mut plain, "search:x");
    assert!(plain.state.filter.error.as_ref().unwrap().message.starts_with("no profile here has a search of its own"));
}

#[test]
fn marking_very_many_leads_happens_elsewhere_and_keys_wait_for_it() {
    let mut desk = Desk::loaded(SIZE, 25_000);
    let shown = desk.state.leads.shown.len();
    let mut effects = desk.state.update(Message::Act(Action::MarkAll));
    let job = effects.iter().position(|effect| matches!(effect, Effect::Work(Job::Mark(_)))).unwrap();
    let Effect::Work(job) = effects.remove(job) else { unreachable!() };
    assert!(desk.state.leads.selection.is_empty());
    // A key that means the marks waits for them; what takes marks away meanwhile is not undone by them.
    assert!(desk.state.update(Message::Act(Action::Assign)).is_empty());
    assert!(desk.state.dialogs.is_empty());
    let message = job.run(&|| false).unwrap();
    desk.send(message);
    assert_eq!(desk.state.leads.selection.len(), shown);
    assert_eq!(desk.state.dialogs.len(), 1);
    assert!(matches!(desk.top(), crate::app::dialog::Dialog::Picker(_)));
    // A job that came to no end leaves the marks as they were, and the keys go on.
    desk.acts(&[Action::Back, Action::ClearMarks]);
    desk.state.update(Message::Act(Action::InvertMarks));
    desk.send(Message::WorkFailed(crate::app::job::Lane::Marks));
    desk.act(Action::Mark);
    assert_eq!(desk.state.leads.selection.len(), 1);
}
