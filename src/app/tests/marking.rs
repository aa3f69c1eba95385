//! Marking: one, a range, all that match, none, and back.

use crate::app::fixture::{Desk, lead};
use crate::app::{Action, Context, Message, Mouse};

const SIZE: (u16, u16) = (80, 24);

#[test]
fn one_lead_at_a_time() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.acts(&[Action::Mark, Action::CursorDown, Action::Mark]);
    assert_eq!(desk.marked(), ["ld_00001", "ld_00003"]);
    assert_eq!(desk.state.leads.cursor.at, 3);
    desk.acts(&[Action::CursorUp, Action::Mark]);
    assert_eq!(desk.marked(), ["ld_00001"]);
}

#[test]
fn ranges_by_shift_or_by_their_ends() {
    use Action::*;
    for (keys, marked) in [
        // The same key begins and ends a range; moves between go on with it.
        (&[MarkRange, CursorDown, CursorDown, MarkRange][..], &["ld_00001", "ld_00002", "ld_00003"][..]),
        (&[MarkRange, CursorDown, CursorDown, CursorUp, Mark], &["ld_00001", "ld_00002"]),
        // A range begun with shift is marked by the next key that does something else.
        (&[ExtendDown, ExtendDown, CursorDown], &["ld_00001", "ld_00002", "ld_00003"]),
        (&[CursorDown, CursorDown, ExtendUp, ExtendDown, ExtendDown, Mark], &["ld_00003", "ld_00004"]),
        // Esc drops it.
        (&[MarkRange, CursorDown, Back], &[]),
        (&[ExtendDown, Back, CursorDown], &[]),
        // Reading help does not.
        (&[ExtendDown, Help, Back, ExtendDown, Mark], &["ld_00001", "ld_00002", "ld_00003"]),
    ] {
        let mut desk = Desk::loaded(SIZE, 20);
        desk.acts(keys);
        assert_eq!(desk.marked(), marked, "{keys:?}");
        assert_eq!(desk.state.leads.range, None, "{keys:?}");
    }
}

#[test]
fn a_range_that_is_not_ended_belongs_to_what_is_assigned() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.acts(&[Action::ExtendDown, Action::ExtendDown, Action::Assign]);
    assert_eq!(desk.marked().len(), 3);
    assert_eq!(desk.state.context(), Context::Picker);
}

#[test]
fn a_click_ends_a_range_instead_of_stretching_it() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.act(Action::ExtendDown);
    let rows = desk.state.layout().rows;
    desk.send(Message::Mouse(Mouse::Click { column: rows.x + 3, row: rows.y + 6 }));
    desk.act(Action::Assign);
    assert_eq!(desk.marked(), ["ld_00001", "ld_00002"]);
}

#[test]
fn all_that_match_and_only_those() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    desk.type_text("garcia");
    desk.acts(&[Action::Accept, Action::MarkAll]);
    let matching = desk.state.leads.shown.len();
    assert_eq!(desk.marked().len(), matching);
    assert!(desk.names().iter().all(|name| name.contains("Garcia")));
    assert_eq!(desk.state.leads.shown.hidden_marks, 0);
    // Another filter hides them, and the screen says how many.
    desk.act(Action::Filter);
    desk.acts(&[Action::Back, Action::Back, Action::Filter]);
    desk.type_text("eriksson");
    assert_eq!(desk.state.leads.shown.hidden_marks, matching);
    desk.acts(&[Action::Accept, Action::InvertMarks]);
    assert_eq!(desk.marked().len(), matching + desk.state.leads.shown.len());
    desk.act(Action::ClearMarks);
    assert_eq!((desk.marked().len(), desk.state.leads.shown.hidden_marks), (0, 0));
}

#[test]
fn markings_are_taken_back_step_by_step() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.acts(&[Action::Mark, Action::Mark, Action::MarkAll, Action::ClearMarks]);
    for left in [20, 2, 1, 0] {
        desk.act(Action::UndoMark);
        assert_eq!(desk.marked().len(), left);
    }
    desk.act(Action::UndoMark);
    assert_eq!(desk.said(), "There is no marking to take back");
}

#[test]
fn taking_a_marking_back_counts_what_is_hidden() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::MarkAll, Action::ClearMarks, Action::Filter]);
    desk.type_text("garcia");
    desk.acts(&[Action::Accept, Action::UndoMark]);
    let marked = desk.marked().len();
    assert_eq!(desk.state.leads.shown.hidden_marks, marked - desk.state.leads.shown.len());
}

#[test]
fn only_marked_leads_can_be_shown() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.act(Action::MarkedOnly);
    assert_eq!(desk.said(), "No lead is marked");
    desk.acts(&[Action::Mark, Action::Mark, Action::MarkedOnly]);
    assert_eq!(desk.state.leads.shown.len(), 2);
    // Who takes a mark away sees the row go.
    desk.acts(&[Action::First, Action::Mark]);
    assert_eq!(desk.state.leads.shown.len(), 1);
    desk.act(Action::MarkedOnly);
    assert_eq!(desk.state.leads.shown.len(), 20);
    assert_eq!(desk.state.filter.text(), "");
}

#[test]
fn keys_typed_ahead_of_a_search_mean_the_rows_it_finds() {
    let mut desk = Desk::loaded(SIZE, 300);
    // The answer to the search is held back while the keys come.
    let mut effects = desk.state.update(Message::Act(Action::Filter));
    for c in "garcia".chars() {
        effects.extend(desk.state.update(Message::Type(c)));
    }
    for action in [Action::Accept, Action::MarkAll, Action::Assign] {
        effects.extend(desk.state.update(Message::Act(action)));
    }
    for c in "jane".chars() {
        effects.extend(desk.state.update(Message::Type(c)));
    }
    assert!(desk.state.leads.selection.is_empty(), "nothing is marked before it is found");
    desk.run(effects);
    assert!(desk.names().iter().all(|name| name.contains("Garcia")));
    assert_eq!(desk.marked().len(), desk.names().len());
    let crate::app::dialog::Dialog::Picker(picker) = desk.top() else { panic!("{:?}", desk.top()) };
    assert_eq!(picker.field.text(), "jane");
}

#[test]
fn marks_stay_with_leads_that_come_and_go() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.acts(&[Action::Last, Action::Mark]);
    desk.load("demo", 5);
    assert_eq!(desk.state.leads.shown.hidden_marks, 1, "a lead that is gone still counts as marked");
    desk.load("demo", 30);
    assert_eq!(desk.state.leads.shown.hidden_marks, 0);
    assert!(desk.state.leads.selection.contains(&lead(20)));
}

#[test]
fn all_means_all_that_is_here_also_while_the_last_page_is_still_searched() {
    use crate::domain::exchange::{Event, LoadProgress};
    use crate::domain::leads::LeadTable;
    let mut desk = Desk::new(SIZE);
    desk.open("demo", crate::app::fixture::capabilities(), false);
    let page = |n, finished| {
        let progress = LoadProgress { loaded: n, total: Some(40), finished, read_at: None, named: None };
        let table = LeadTable::default().with_leads(&crate::app::fixture::leads(n));
        Message::Backend(Box::new(Event::Leads { profile: "demo".into(), table, progress }))
    };
    let mut effects = desk.state.update(page(10, false));
    effects.extend(desk.state.update(page(20, false)));
    effects.extend(desk.state.update(page(40, true)));
    // "40 of 40" is on the screen, the rows are not yet.
    effects.extend(desk.state.update(Message::Act(Action::MarkAll)));
    desk.run(effects);
    assert_eq!(desk.marked().len(), 39, "all but the closed one");
}
