//! Filter, sorting, lists, owners, sizes, pages: everything that only looks.

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, capabilities, lead};
use crate::app::lists::ListId;
use crate::app::state::Focus;
use crate::app::{Action, Context, Edit, Effect, Message, Mouse, Options};
use crate::domain::exchange::Command;
use crate::domain::query::Sort;
use crate::domain::view::SavedView;
use crate::domain::{Capabilities, Field};

const SIZE: (u16, u16) = (80, 24);

#[test]
fn esc_clears_the_filter_in_steps() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    desk.type_text("garcia");
    assert_eq!(desk.state.context(), Context::Filter);
    desk.act(Action::Back);
    assert_eq!((desk.state.filter.text(), desk.state.context()), ("", Context::Filter));
    desk.act(Action::Back);
    assert_eq!(desk.state.context(), Context::Leads);
    desk.act(Action::Filter);
    desk.type_text("garcia");
    desk.acts(&[Action::Accept, Action::Back]);
    assert_eq!((desk.state.filter.text(), desk.state.leads.shown.len()), ("", 290));
}

#[test]
fn a_mistake_in_the_query_keeps_what_was_found_and_says_where_it_is() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    desk.type_text("garcia score>");
    let error = desk.state.filter.error.clone().expect("an unfinished query");
    assert!(error.at.start >= 7, "{error:?}");
    assert!(desk.state.leads.shown.len() < 100);
    desk.acts(&[Action::Accept, Action::MarkAll]);
    assert!(desk.marked().is_empty(), "what matches a wrong query is not known");
    assert_eq!(desk.said(), "The filter has a mistake: what matches it is not known");
    desk.act(Action::Filter);
    desk.type_text("50");
    assert_eq!(desk.state.filter.error, None);
}

#[test]
fn earlier_queries_come_back() {
    let mut desk = Desk::loaded(SIZE, 300);
    for query in ["garcia", "status:new"] {
        desk.act(Action::Filter);
        desk.type_text(query);
        desk.acts(&[Action::Accept, Action::Back]);
    }
    desk.act(Action::Filter);
    desk.type_text("dra");
    for (action, text) in [
        (Action::CursorUp, "status:new"),
        (Action::CursorUp, "garcia"),
        (Action::CursorUp, "garcia"),
        (Action::CursorDown, "status:new"),
        (Action::CursorDown, "dra"),
    ] {
        desk.act(action);
        assert_eq!(desk.state.filter.text(), text);
    }
}

#[test]
fn the_cursor_goes_to_the_first_match_and_back_to_its_lead() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::PageDown, Action::Filter]);
    desk.type_text("garcia");
    assert_eq!((desk.state.leads.cursor.at, desk.state.leads.cursor.top), (0, 0));
    desk.acts(&[Action::Accept, Action::CursorDown]);
    let current = desk.state.leads.current();
    desk.act(Action::Back);
    assert_eq!(desk.state.leads.current(), current, "without the filter the cursor is still on the same lead");
}

#[test]
fn sorting_goes_through_the_columns_and_round() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::SortReverse);
    assert_eq!(desk.said(), "The leads are in the vendor's own order");
    desk.act(Action::SortNext);
    assert_eq!(desk.state.leads.sort, Some(Sort { field: Field::Name, descending: false }));
    let sorted = desk.names();
    desk.act(Action::SortReverse);
    assert_eq!(desk.state.leads.sort, Some(Sort { field: Field::Name, descending: true }));
    assert_ne!(desk.names(), sorted);
    for _ in desk.state.columns() {
        desk.act(Action::SortNext);
    }
    assert_eq!(desk.state.leads.sort, None, "after the last column comes the vendor's own order");
}

#[test]
fn columns_are_chosen_moved_and_reset() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Columns, Action::Mark, Action::CursorDown, Action::MoveDown]);
    assert_eq!(desk.state.columns()[..2], [Field::Email, Field::Company]);
    desk.acts(&[Action::SortBy, Action::SortBy]);
    assert_eq!(desk.state.leads.sort, Some(Sort { field: Field::Company, descending: true }));
    desk.act(Action::ResetColumns);
    assert_eq!(desk.state.columns()[..2], [Field::Name, Field::Company]);
    desk.act(Action::Back);
    assert_eq!(desk.state.context(), Context::Leads);
}

#[test]
fn views_are_saved_counted_opened_and_forgotten() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.act(Action::Filter);
    desk.type_text("owner:none");
    desk.acts(&[Action::Accept, Action::SortNext, Action::SaveView]);
    desk.act(Action::Accept);
    assert_eq!(desk.said(), "The view needs a name");
    desk.type_text("Unowned");
    desk.take();
    desk.act(Action::Accept);
    let saved = desk.take().into_iter().find_map(|effect| match effect {
        Effect::SaveView(view) => Some(view),
        _ => None,
    });
    let expected = SavedView {
        name: "Unowned".to_owned(),
        query: "owner:none".to_owned(),
        sort: Some(Sort { field: Field::Name, descending: false }),
        ..SavedView::default()
    };
    assert_eq!(saved, Some(expected));
    let unowned = desk.state.leads.shown.len();
    assert_eq!(desk.state.lists.counts.get("Unowned"), Some(&unowned));
    // Back to everything, then to the view again.
    desk.acts(&[Action::Back, Action::FocusLists, Action::First, Action::Accept]);
    assert_eq!(desk.state.lists.active, ListId::Profile("demo".into()));
    assert!(desk.state.leads.shown.len() > unowned);
    desk.acts(&[Action::FocusLists, Action::Last, Action::Accept]);
    assert_eq!((desk.state.filter.text(), desk.state.leads.shown.len()), ("owner:none", unowned));
    assert!(!desk.state.is_view_changed());
    desk.act(Action::SortReverse);
    assert!(desk.state.is_view_changed());
    desk.act(Action::SortReverse);
    // What the view brought goes with it.
    desk.acts(&[Action::FocusLists, Action::First, Action::Accept]);
    assert_eq!((desk.state.filter.text(), desk.state.leads.sort), ("", None));
    // Forgetting is asked for, and the safe answer has the focus.
    desk.acts(&[Action::FocusLists, Action::Last, Action::DeleteView, Action::Accept]);
    assert_eq!(desk.state.options.views.len(), 1);
    desk.take();
    desk.acts(&[Action::DeleteView, Action::NextField, Action::Accept]);
    assert!(desk.state.options.views.is_empty());
    assert!(desk.take().iter().any(|effect| matches!(effect, Effect::DeleteView(name) if name == "Unowned")));
    desk.send(Message::ViewSaved(Err("the file is read-only".to_owned())));
    assert!(desk.said().contains("for this session only"), "{}", desk.said());
}

#[test]
fn an_owner_is_a_filter_away() {
    let mut desk = Desk::loaded((120, 40), 300);
    desk.acts(&[Action::FocusOwners, Action::First, Action::Accept]);
    assert_eq!((desk.state.filter.text(), desk.state.focus), ("owner:none", Focus::Leads));
    desk.acts(&[Action::FocusOwners, Action::CursorDown, Action::Accept]);
    assert_eq!(desk.state.filter.text(), "owner:\"Jane Smith\"");
    let jane = desk.state.owners.rows.iter().find(|row| row.label.as_str() == "Jane Smith").unwrap();
    assert_eq!(jane.leads, desk.state.leads.shown.len() + desk.state.leads.shown.hidden_closed);
}

#[test]
fn owners_keep_their_cursor_while_loads_change() {
    let mut desk = Desk::loaded((120, 40), 300);
    desk.acts(&[Action::FocusOwners, Action::CursorDown, Action::CursorDown]);
    let current = desk.state.owners.rows[desk.state.owners.cursor.at].label.clone();
    desk.act(Action::SortNext);
    assert_eq!(desk.state.owners.rows[desk.state.owners.cursor.at].label, current);
    desk.acts(&[Action::First, Action::CursorRight]);
    assert_eq!(desk.state.owners.cursor.at, desk.state.owners_grid().1);
    assert_ne!(desk.state.owners.rows[desk.state.owners.cursor.at].label, current);
}

#[test]
fn names_are_wished_for_what_is_visible_and_once() {
    let mut desk = Desk::new(SIZE);
    desk.open("demo", Capabilities { names_in_rows: false, ..capabilities() }, false);
    let nameless = |n| {
        let mut leads = crate::app::fixture::leads(n);
        leads.iter_mut().for_each(|lead| lead.name = Default::default());
        leads
    };
    let load = |desk: &mut Desk, leads: &[crate::domain::LeadRecord]| {
        let table = crate::domain::leads::LeadTable::default().with_leads(leads);
        let progress = crate::domain::exchange::LoadProgress {
            loaded: leads.len(),
            total: Some(leads.len()),
            finished: true,
            read_at: Some(crate::app::fixture::now()),
            named: None,
        };
        desk.leads("demo", table, progress);
    };
    let wishes = |desk: &mut Desk| -> Vec<Vec<String>> {
        let ids = |leads: &[crate::domain::selection::LeadKey]| leads.iter().map(|lead| lead.id.to_string()).collect();
        desk.commands()
            .iter()
            .filter_map(|command| match command {
                Command::Names { leads } => Some(ids(leads)),
                _ => None,
            })
            .collect()
    };
    let mut leads = nameless(100);
    load(&mut desk, &leads);
    let first = wishes(&mut desk);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].len(), first[0][0].as_str()), (desk.state.layout().rows.height as usize, "ld_00001"));
    // Names that arrive are no reason to wish again; nor is a cursor that moves on the same page.
    leads[0].name = "Ann".into();
    load(&mut desk, &leads);
    desk.act(Action::CursorDown);
    assert_eq!(wishes(&mut desk), Vec::<Vec<String>>::new());
    // A page further: what is visible there, without what is known.
    desk.act(Action::PageDown);
    let next = wishes(&mut desk);
    assert_eq!(next.len(), 1);
    assert!(!next[0].contains(&"ld_00001".to_owned()));
}

#[test]
fn the_detail_page_reads_the_lead_under_the_cursor_and_its_neighbours() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::CursorDown, Action::Accept]);
    let asked = |desk: &mut Desk| match desk.commands().pop() {
        Some(Command::Detail { lead }) => lead,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&mut desk), lead(2));
    desk.act(Action::CursorRight);
    assert_eq!(asked(&mut desk), lead(3));
    desk.act(Action::Assign);
    assert_eq!(desk.state.context(), Context::Picker);
    desk.acts(&[Action::Back, Action::Back]);
    assert_eq!((desk.state.context(), desk.state.leads.cursor.at), (Context::Leads, 2));
}

#[test]
fn the_palette_does_what_it_finds_where_it_was_opened() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Palette);
    desk.type_text("mark all");
    desk.act(Action::Accept);
    assert_eq!(desk.marked().len(), 29);
    assert_eq!(desk.state.context(), Context::Leads);
    // An action that cannot be done now says why.
    desk.act(Action::Palette);
    desk.type_text("dismiss");
    desk.act(Action::Dismiss);
    desk.act(Action::Accept);
    assert_eq!(desk.said(), "There is no message to put away");
}

#[test]
fn help_begins_with_the_place_it_was_asked_in() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::History, Action::Help]);
    let Dialog::Help(page) = desk.top() else { panic!() };
    let lines = desk.state.help_lines(page);
    assert_eq!(lines[0], crate::app::help::HelpLine::Heading("History"));
    desk.acts(&[Action::Last, Action::Back]);
    assert_eq!(desk.state.context(), Context::History);
}

#[test]
fn a_paste_is_text_and_never_a_key() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.send(Message::Paste("a\ny\n".to_owned()));
    assert_eq!((desk.state.context(), desk.state.filter.text()), (Context::Leads, ""));
    desk.act(Action::Filter);
    desk.send(Message::Paste("garcia\nstatus:new\n".to_owned()));
    assert_eq!((desk.state.context(), desk.state.filter.text()), (Context::Filter, "garcia"));
    desk.send(Message::Edit(Edit::DeleteToStart));
    assert_eq!(desk.state.leads.shown.len(), 290);
}

#[test]
fn the_mouse_moves_and_scrolls_and_nothing_else() {
    let mut desk = Desk::loaded((120, 40), 300);
    let rows = desk.state.layout().rows;
    desk.send(Message::Mouse(Mouse::Click { column: 30, row: rows.y + 4 }));
    assert_eq!(desk.state.leads.cursor.at, 4);
    desk.send(Message::Mouse(Mouse::ScrollDown { column: 30, row: rows.y + 4 }));
    assert_eq!((desk.state.leads.cursor.top, desk.state.leads.cursor.at), (3, 4));
    let owners = desk.state.layout().band.unwrap().owners;
    desk.send(Message::Mouse(Mouse::Click { column: owners.x + 3, row: owners.y + 1 }));
    assert_eq!((desk.state.focus, desk.state.owners.cursor.at), (Focus::Owners, 1));
    assert!(desk.marked().is_empty());
    // On a plan it scrolls; no button feels it.
    desk.plan("garcia", "jane");
    desk.take();
    for row in 0..40 {
        for column in [8, 20, 60] {
            desk.send(Message::Mouse(Mouse::Click { column, row }));
        }
    }
    assert!(matches!(desk.top(), Dialog::Plan(_)));
    assert!(desk.take().is_empty());
}

#[test]
fn every_size_down_to_the_least_can_be_worked_in() {
    for size in [(40, 10), (60, 12), (80, 24), (99, 23), (200, 50)] {
        let mut desk = Desk::loaded(size, 100);
        desk.acts(&[Action::Last, Action::FocusLists]);
        assert_eq!(desk.state.context(), Context::Lists);
        desk.acts(&[Action::Back, Action::FocusOwners, Action::Last, Action::Back]);
        assert_eq!(desk.state.context(), Context::Leads);
        desk.plan("garcia", "jane");
        desk.act(Action::Back);
    }
    let mut desk = Desk::loaded((40, 9), 100);
    assert_eq!(desk.state.context(), Context::TooSmall);
    desk.acts(&[Action::Help, Action::Mark, Action::Undo]);
    assert!(desk.state.dialogs.is_empty() && desk.marked().is_empty(), "nobody could see what that does");
    desk.send(Message::Resize { columns: 80, rows: 24 });
    assert_eq!(desk.state.context(), Context::Leads);
    assert!(desk.state.leads.cursor.top + 10 < 100);
}

#[test]
fn themes_go_round_where_there_are_colours() {
    let mut desk = Desk::loaded(SIZE, 3);
    for theme in ["light", "high-contrast", "mono", "dark"] {
        desk.act(Action::NextTheme);
        assert_eq!(desk.said(), format!("Theme: {theme}"));
    }
    let mut desk = Desk::with(SIZE, Options { no_color: true, ..Options::default() });
    desk.act(Action::NextTheme);
    assert_eq!(desk.said(), "There are no colours on this terminal");
}

#[test]
fn what_is_copied_is_safe_and_says_whose_it_is() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Copy);
    let copied = |desk: &mut Desk| match desk.take().pop() {
        Some(Effect::Copy(lines)) => lines.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(copied(&mut desk), "ld_00001\tAnna Adams\tAcme Corp\tanna0@0.example\tJane Smith");
    desk.act(Action::MarkAll);
    desk.act(Action::Copy);
    let all = copied(&mut desk);
    assert_eq!(all.lines().count(), 29);
    assert!(all.contains("'=HYPERLINK") && !all.contains('\x1b') && !all.contains('\u{202e}'));
    desk.send(Message::Copied(Err("it is too long".to_owned())));
    assert_eq!(desk.said(), "The clipboard did not take it: it is too long; w saves it to a file");
    desk.act(Action::SaveFile);
    assert!(matches!(desk.take().pop(), Some(Effect::SaveFile { name, .. }) if name == "leads.tsv"));
}
