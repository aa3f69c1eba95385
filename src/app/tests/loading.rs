//! Loading, refreshing, and what is said meanwhile.

use crate::app::fixture::{Desk, capabilities, hours_ago, lead, leads, now};
use crate::app::lists::ListId;
use crate::app::profiles::Condition;
use crate::app::{Action, Effect, Message};
use crate::domain::exchange::{Command, Event, LoadProgress, Problem};
use crate::domain::leads::LeadTable;
use crate::domain::view::SavedView;

const SIZE: (u16, u16) = (80, 24);

fn condition(desk: &Desk) -> (Condition, String) {
    desk.state.profiles.iter().next().unwrap().condition(desk.state.now, &jiff::tz::TimeZone::UTC)
}

#[test]
fn opened_profiles_are_loaded_and_the_window_is_named() {
    let mut desk = Desk::new(SIZE);
    desk.open("demo", capabilities(), false);
    let effects = desk.take();
    let loads = effects.iter().filter(|effect| matches!(effect, Effect::Send(Command::Load { .. }))).count();
    assert_eq!(loads, 1);
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Title(title) if title.as_str() == "Switchboard: demo"))
    );
}

#[test]
fn five_conditions_are_five_sentences() {
    let mut desk = Desk::new(SIZE);
    desk.open("demo", capabilities(), false);
    assert_eq!(condition(&desk), (Condition::Loading, "Loading the leads of demo".to_owned()));
    let table = LeadTable::default().with_leads(&leads(10));
    let progress = LoadProgress { loaded: 10, total: Some(30), finished: false, read_at: Some(now()), named: None };
    desk.leads("demo", table.clone(), progress);
    assert_eq!(condition(&desk), (Condition::Loading, "Loading the leads of demo: 10 of 30".to_owned()));
    assert_eq!(desk.state.leads.shown.len(), 10, "leads appear while they are loading");

    let mut cached = Desk::new(SIZE);
    cached.open("demo", capabilities(), false);
    cached.leads(
        "demo",
        table.clone(),
        LoadProgress { loaded: 0, total: None, finished: false, read_at: None, named: None },
    );
    let stale = "10 leads of demo kept from last time; the present ones are being loaded";
    assert_eq!(condition(&cached), (Condition::Stale, stale.to_owned()));
    cached.leads(
        "demo",
        table.clone(),
        LoadProgress { loaded: 10, total: Some(2_000), finished: false, read_at: None, named: None },
    );
    let first = "The first 10 of 2,000 leads of demo kept from last time; the present ones are being loaded";
    assert_eq!(condition(&cached), (Condition::Stale, first.to_owned()));

    desk.leads(
        "demo",
        LeadTable::default(),
        LoadProgress { loaded: 0, total: Some(0), finished: true, read_at: Some(now()), named: None },
    );
    assert_eq!(condition(&desk), (Condition::Empty, "demo has no leads".to_owned()));

    let until = now() + jiff::SignedDuration::from_secs(12);
    desk.tell(Event::Waiting { profile: "demo".into(), until });
    assert_eq!(
        condition(&desk),
        (Condition::Waiting, "demo waits for kenbun's rate limit: goes on in 12 s".to_owned())
    );
    assert!(desk.state.needs_clock());
    // Asked for again it still waits: that a load began is no word from the vendor.
    let began = LoadProgress { loaded: 0, total: None, finished: false, read_at: Some(now()), named: None };
    desk.leads("demo", LeadTable::default(), began);
    assert_eq!(condition(&desk).0, Condition::Waiting);
    desk.send(Message::Now(until));
    assert!(!desk.state.needs_clock());

    desk.tell(Event::LoadFailed {
        profile: "demo".into(),
        problem: Problem::new("The server does not answer.", "Try again later."),
    });
    let failed = "The leads of demo could not be loaded: The server does not answer. Try again later.";
    assert_eq!(condition(&desk), (Condition::Failed, failed.to_owned()));
    assert!(desk.state.notices.has_errors());
}

#[test]
fn what_was_loaded_before_stays_when_loading_again_fails() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.tell(Event::LoadFailed { profile: "demo".into(), problem: Problem::new("No route to host.", "") });
    let text = "30 leads of demo as of 14:03; loading them again failed: No route to host.";
    assert_eq!(condition(&desk), (Condition::Failed, text.to_owned()));
    assert_eq!(desk.state.leads.shown.len(), 29);
}

#[test]
fn a_refresh_keeps_the_cursor_the_place_and_the_marks() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::PageDown, Action::PageDown, Action::CursorUp, Action::Mark, Action::Refresh]);
    assert!(matches!(desk.commands()[..], [Command::Load { .. }]));
    let (cursor, current) = (desk.state.leads.cursor, desk.state.leads.current().unwrap());
    // Ten leads have gone, five new ones have come in front.
    let mut changed: Vec<_> = leads(310).split_off(300);
    changed.truncate(5);
    changed.extend(leads(300).split_off(10));
    let table = LeadTable::default().with_leads(&changed);
    desk.leads(
        "demo",
        table,
        LoadProgress { loaded: 295, total: Some(295), finished: true, read_at: Some(now()), named: None },
    );
    let moved = desk.state.leads.cursor;
    assert_eq!(desk.state.leads.current(), Some(current));
    assert_eq!(moved.at, cursor.at - 5);
    assert_eq!(moved.at - moved.top, cursor.at - cursor.top, "and the rows stay where they were on the screen");
    assert_eq!(desk.marked().len(), 1);
}

#[test]
fn a_lead_that_is_gone_leaves_the_cursor_where_it_was() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::CursorDown, Action::CursorDown, Action::CursorDown]);
    let mut rest = leads(30);
    rest.remove(3);
    let table = LeadTable::default().with_leads(&rest);
    desk.leads(
        "demo",
        table,
        LoadProgress { loaded: 29, total: Some(29), finished: true, read_at: Some(now()), named: None },
    );
    assert_eq!((desk.state.leads.cursor.at, desk.state.leads.current()), (3, Some(lead(5))));
}

#[test]
fn pages_that_come_faster_than_searches_do_not_put_them_off() {
    let mut desk = Desk::new(SIZE);
    desk.open("demo", capabilities(), false);
    let page = |n| Event::Leads {
        profile: "demo".into(),
        table: LeadTable::default().with_leads(&leads(n)),
        progress: LoadProgress {
            loaded: n,
            total: Some(40),
            finished: n == 40,
            read_at: Some(hours_ago(0)),
            named: None,
        },
    };
    let first = desk.state.update(Message::Backend(Box::new(page(10))));
    let second = desk.state.update(Message::Backend(Box::new(page(20))));
    let third = desk.state.update(Message::Backend(Box::new(page(40))));
    let searches = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Search(_))).count();
    assert_eq!([searches(&first), searches(&second), searches(&third)], [1, 0, 0]);
    desk.run(first);
    assert_eq!(desk.state.leads.shown.snapshot().len(), 40, "the last page is searched as soon as the first is done");
}

#[test]
fn late_answers_to_older_searches_are_dropped() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    let older = desk.state.update(Message::Type('g'));
    let newer = desk.state.update(Message::Type('a'));
    desk.run(newer);
    let found = desk.state.leads.shown.len();
    desk.run(older);
    assert_eq!(desk.state.leads.shown.len(), found);
}

#[test]
fn two_profiles_are_one_table_and_one_of_them_alone() {
    let mut desk = Desk::new((120, 40));
    desk.open("demo", capabilities(), false);
    desk.open("second", capabilities(), false);
    desk.load("demo", 10);
    desk.load("second", 20);
    assert_eq!(desk.state.leads.shown.len(), 30);
    assert!(desk.state.columns().contains(&crate::domain::Field::Profile));
    desk.acts(&[Action::FocusLists, Action::Last, Action::Accept]);
    assert_eq!(desk.state.leads.shown.len(), 20);
    assert!(!desk.state.columns().contains(&crate::domain::Field::Profile));
}

#[test]
fn a_profile_that_cannot_be_opened_does_not_hold_up_the_others() {
    let mut desk = Desk::new(SIZE);
    desk.tell(Event::NotOpened {
        profile: "broken".into(),
        problem: Problem::new("KENBUN_TOKEN is not set.", "Set it."),
    });
    desk.open("demo", capabilities(), false);
    desk.load("demo", 10);
    assert_eq!(desk.state.leads.shown.len(), 10);
    assert_eq!(desk.said(), "KENBUN_TOKEN is not set. Set it.");
}

#[test]
fn a_search_that_fails_does_not_hold_up_the_keys_for_ever() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    let asked = desk.state.update(Message::Type('g'));
    let Some(Effect::Search(request)) = asked.into_iter().find(|effect| matches!(effect, Effect::Search(_))) else {
        panic!()
    };
    desk.acts(&[Action::Accept, Action::MarkAll]);
    desk.send(Message::SearchFailed { generation: request.generation - 1 });
    assert!(desk.state.leads.is_searching(), "that was another one");
    desk.send(Message::SearchFailed { generation: request.generation });
    assert!(desk.marked().is_empty(), "keys that meant rows which were never found do nothing");
    desk.act(Action::Mark);
    assert_eq!(desk.marked().len(), 1);
    desk.act(Action::InvertMarks);
    assert_eq!(desk.marked().len(), 289);
}

#[test]
fn a_view_of_a_profile_that_is_not_open_is_no_endless_opening() {
    let view = |profile: &str| SavedView {
        name: profile.to_owned(),
        query: String::new(),
        columns: Vec::new(),
        sort: None,
        include_closed: false,
        profile: Some(profile.into()),
    };
    let mut desk = Desk::loaded(SIZE, 5);
    desk.state.options.views = vec![view("demo"), view("elsewhere")];
    for (name, missing) in [("demo", None), ("elsewhere", Some("elsewhere"))] {
        desk.state.lists.active = ListId::View(name.to_owned());
        assert_eq!(desk.state.missing_profile().map(|name| name.as_str()), missing);
    }
}
