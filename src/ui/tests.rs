//! The screens as they are painted, at several sizes and in the themes without colours. Times and ids are fixed.

mod campaigns;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::fixture::{self, Desk, capabilities, hours_ago, lead, now, owner};
use crate::app::{Action, Message, Options, ThemeName};
use crate::domain::exchange::{Event, OperationProgress, PartProgress, Problem};
use crate::domain::history::{ItemRow, LeadEvent, OperationLife, OperationSummary};
use crate::domain::view::SavedView;
use crate::domain::{Assignment, ItemState, OperationKind, SafeText, Tally};

use super::view;

/// The screen as cells.
fn painted(desk: &Desk) -> Buffer {
    let (columns, rows) = desk.state.size;
    let mut cells = Buffer::empty(Rect::new(0, 0, columns, rows));
    view(&desk.state, &mut cells);
    cells
}

/// The screen as text.
fn screen(desk: &Desk) -> String {
    let (columns, rows) = desk.state.size;
    let buffer = painted(desk);
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..columns {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = crate::app::words::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 50)];

/// A snapshot of what `scene` shows at each of these sizes.
fn at_sizes(name: &str, sizes: &[(u16, u16)], scene: impl Fn((u16, u16)) -> Desk) {
    for size in sizes {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(&scene(*size)));
    }
}

#[test]
fn the_main_screen() {
    at_sizes("main", &SIZES, |size| {
        let mut desk = Desk::loaded(size, 5000);
        desk.acts(&[Action::Mark, Action::Mark, Action::CursorDown]);
        desk
    });
}

#[test]
fn the_main_screen_in_plain() {
    let mut desk = Desk::with((80, 24), Options { plain: true, ..Options::default() });
    desk.open("demo", capabilities(), false);
    desk.load("demo", 5000);
    desk.acts(&[Action::Mark, Action::Mark]);
    insta::assert_snapshot!(screen(&desk));
}

#[test]
fn a_filter_with_hidden_marks_and_one_with_a_mistake() {
    let mut desk = Desk::loaded((80, 24), 5000);
    desk.acts(&[Action::MarkAll, Action::Filter]);
    desk.type_text("garcia status:contacted");
    insta::assert_snapshot!("filter", screen(&desk));
    desk.type_text(" statu:new");
    insta::assert_snapshot!("filter_wrong", screen(&desk));
}

#[test]
fn picking_an_owner() {
    at_sizes("picker", &SIZES, |size| {
        let mut desk = Desk::loaded(size, 5000);
        desk.acts(&[Action::Filter]);
        desk.type_text("garcia");
        desk.acts(&[Action::Accept, Action::MarkAll, Action::Assign]);
        desk.type_text("m");
        desk
    });
}

#[test]
fn a_plan() {
    at_sizes("plan", &SIZES, |size| {
        let mut desk = Desk::loaded(size, 5000);
        desk.acts(&[Action::MarkAll, Action::Filter]);
        desk.type_text("garcia");
        desk.acts(&[Action::Accept, Action::Assign]);
        desk.type_text("jane");
        desk.act(Action::Accept);
        desk
    });
}

#[test]
fn every_theme_and_plain_say_the_same() {
    let scene = |options: Options| {
        let mut desk = Desk::with((80, 24), options);
        desk.open("demo", capabilities(), false);
        desk.load("demo", 300);
        desk.plan("garcia", "jane");
        screen(&desk)
    };
    let dark = scene(Options::default());
    for theme in [ThemeName::Light, ThemeName::HighContrast, ThemeName::Mono] {
        assert_eq!(scene(Options { theme, ..Options::default() }), dark);
    }
    assert_eq!(scene(Options { no_color: true, ..Options::default() }), dark);
    insta::assert_snapshot!("plan_plain", scene(Options { plain: true, ..Options::default() }));
}

/// The looks of a screen without colours: reversed text between `{}`, bold between `<>`, underlined between `__`.
fn looks(desk: &Desk) -> String {
    use ratatui::style::{Color, Modifier};
    let (columns, rows) = desk.state.size;
    let buffer = painted(desk);
    let marks = [(Modifier::REVERSED, '{', '}'), (Modifier::BOLD, '<', '>'), (Modifier::UNDERLINED, '_', '_')];
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut last = Modifier::empty();
        let mut skip = 0;
        for x in 0..=columns {
            let cell = (x < columns).then(|| &buffer[(x, y)]);
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let now = cell.map_or(Modifier::empty(), |cell| cell.modifier);
            for (modifier, _, close) in marks.iter().rev() {
                if last.contains(*modifier) && !now.contains(*modifier) {
                    line.push(*close);
                }
            }
            for (modifier, open, _) in marks {
                if now.contains(modifier) && !last.contains(modifier) {
                    line.push(open);
                }
            }
            last = now;
            if let Some(cell) = cell {
                assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "a colour at {x},{y}");
                skip = crate::app::words::width(cell.symbol()).saturating_sub(1);
                line.push_str(cell.symbol());
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[test]
fn mono_shows_by_bold_reverse_and_underline_alone() {
    let mono = || Options { theme: ThemeName::Mono, ..Options::default() };
    let mut desk = Desk::with((100, 24), mono());
    desk.open("demo", capabilities(), false);
    desk.load("demo", 300);
    desk.acts(&[Action::Mark, Action::Filter]);
    desk.type_text("gar score>90 statu:");
    insta::assert_snapshot!("mono_main", looks(&desk));
    desk.acts(&[Action::Back, Action::Back]);
    desk.plan("garcia", "jane");
    insta::assert_snapshot!("mono_plan", looks(&desk));
}

#[test]
fn a_plain_screen_of_plain_words_is_ascii() {
    let mut desk = Desk::with((120, 40), Options { plain: true, ..Options::default() });
    desk.open("demo", capabilities(), false);
    let mut leads = fixture::leads(60);
    for lead in &mut leads {
        (lead.name, lead.company, lead.email) = ("Ann Lee".into(), "Acme".into(), "ann@example.com".into());
        lead.owner = owner("bob");
    }
    let mut people = fixture::people();
    people.retain(|person| person.name.as_str().is_ascii());
    desk.tell(Event::People { profile: "demo".into(), people: Arc::new(people) });
    let table = crate::domain::leads::LeadTable::default().with_leads(&leads);
    let progress = crate::domain::exchange::LoadProgress {
        loaded: 60,
        total: Some(60),
        finished: true,
        read_at: Some(now()),
        named: None,
    };
    desk.leads("demo", table, progress);
    let is_ascii = |desk: &Desk, what: &str| {
        let screen = screen(desk);
        let odd: Vec<char> = screen.chars().filter(|c| !c.is_ascii()).collect();
        assert!(odd.is_empty(), "{what}: {odd:?}\n{screen}");
    };
    is_ascii(&desk, "main");
    for action in [
        Action::Help,
        Action::Palette,
        Action::Messages,
        Action::History,
        Action::Columns,
        Action::SaveView,
        Action::Detail,
        Action::Assign,
        Action::FocusLists,
        Action::FocusOwners,
    ] {
        desk.act(action);
        is_ascii(&desk, action.name());
        desk.act(Action::Back);
    }
    desk.act(Action::MarkAll);
    desk.act(Action::Assign);
    desk.type_text("jane");
    desk.act(Action::Accept);
    is_ascii(&desk, "plan");
    desk.paint();
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op".into(), plan });
    let items = [
        ItemState::Planned,
        ItemState::Sent,
        ItemState::Done,
        ItemState::Failed,
        ItemState::Unknown,
        ItemState::Skipped,
        ItemState::NotSent,
        ItemState::ChangedByOthers,
    ];
    let items = items.into_iter().zip(1..).map(|(state, n)| ItemRow { name: "Ann".into(), ..fixture::item(n, state) });
    desk.tell(Event::Items { operation: "op".into(), items: items.collect(), total: 8, offset: 0 });
    is_ascii(&desk, "operation");
}

/// An operation on 2,000 leads, half done.
fn running(size: (u16, u16)) -> Desk {
    running_with(size, 5000)
}

fn running_with(size: (u16, u16), leads: usize) -> Desk {
    let mut desk = Desk::loaded(size, leads);
    desk.plan("-owner:\"Jane Smith\" score>20", "jane");
    let plan = desk.apply();
    let id = "20261120-140300-k3wq";
    desk.tell(Event::Started { operation: id.into(), plan });
    let tally = Tally { done: 1280, failed: 3, unknown: 1, sent: 32, planned: 661, skipped: 23, ..Tally::default() };
    let progress = OperationProgress {
        tally,
        in_flight: 32,
        items_per_second: 212.4,
        seconds_left: Some(4.0),
        waiting: Some("kenbun's rate limit, until 14:03:12".to_owned()),
        ..OperationProgress::default()
    };
    desk.tell(Event::Progress { operation: id.into(), progress });
    let states =
        [ItemState::Done, ItemState::Done, ItemState::Failed, ItemState::Unknown, ItemState::Skipped, ItemState::Sent];
    let items = (1..=60).map(|n| {
        let mut item = fixture::item(n, if n < 13 { states[(n - 1) % 6] } else { ItemState::Planned });
        match item.state {
            ItemState::Failed => {
                item.reason = Some(SafeText::new("kenbun answered 404: the lead is not in the active unit"))
            }
            ItemState::Unknown => item.reason = Some(SafeText::new("the connection was cut after the request left")),
            ItemState::Skipped => {
                item.now = Some(owner("zoe"));
                item.reason = Some(SafeText::new("changed by someone else: was Bob Miller, now Zoë Ångström"));
            }
            _ => {}
        }
        item
    });
    desk.tell(Event::Items { operation: id.into(), items: items.collect(), total: 2000, offset: 0 });
    desk
}

#[test]
fn an_operation_that_was_paused_or_slowed_down() {
    let mut desk = running((80, 24));
    let mut progress = desk.state.operations.newest().unwrap().progress.clone();
    (progress.paused, progress.waiting, progress.items_per_second) = (true, None, 0.0);
    let id = desk.state.operations.newest().unwrap().id.clone();
    desk.tell(Event::Progress { operation: id.clone(), progress: progress.clone() });
    assert!(screen(&desk).contains("paused, 4 s left, 32 in flight"), "{}", screen(&desk));
    (progress.paused, progress.at_most) = (false, Some(2.5));
    desk.tell(Event::Progress { operation: id, progress });
    assert!(screen(&desk).contains("slowed to 2.5 requests/s"), "{}", screen(&desk));
}

#[test]
fn an_operation_on_the_way() {
    at_sizes("progress", &SIZES, |size| {
        let mut desk = running(size);
        desk.acts(&[Action::CursorDown, Action::CursorDown]);
        desk
    });
    at_sizes("strip", &[(40, 10), (80, 24), (200, 50)], |size| {
        let mut desk = running(size);
        desk.act(Action::Back);
        desk
    });
}

#[test]
fn the_report_of_an_operation_with_failures() {
    at_sizes("report", &[(80, 24), (120, 40)], |size| {
        let mut desk = running(size);
        let tally = Tally { done: 1995, failed: 3, unknown: 1, skipped: 1, ..Tally::default() };
        let summary = fixture::summary("20261120-140300-k3wq", OperationKind::Assign, tally);
        desk.tell(Event::Ended { summary: Box::new(summary), seconds: 12.0, requests: 71 });
        desk
    });
}

#[test]
fn the_history() {
    at_sizes("history", &SIZES, |size| {
        let mut desk = Desk::loaded(size, 300);
        desk.act(Action::History);
        let mut newest = fixture::summary(
            "20261120-130300-k3wq",
            OperationKind::Assign,
            Tally { done: 1995, failed: 4, unknown: 1, ..Tally::default() },
        );
        newest.note = Some(SafeText::new("Bob is on leave until Monday"));
        let mut undo = fixture::summary(
            "20261119-090100-aa2x",
            OperationKind::Undo,
            Tally { done: 12, changed_by_others: 1, ..Tally::default() },
        );
        (undo.at, undo.reverts, undo.undoable) = (hours_ago(29), Some("20261119-085900-zz9y".into()), 0);
        let mut cut = fixture::summary(
            "20261119-085900-zz9y",
            OperationKind::Assign,
            Tally { done: 12, unknown: 1, planned: 88, ..Tally::default() },
        );
        (cut.at, cut.life) = (hours_ago(30), OperationLife::Interrupted);
        desk.tell(Event::History { operations: vec![newest, undo, cut], total: 3, offset: 0 });
        desk
    });
}

#[test]
fn the_foot_of_the_history_says_what_can_be_taken_back() {
    let operation = |change: fn(&mut OperationSummary)| {
        let tally = Tally { done: 5, ..Tally::default() };
        let mut operation = fixture::summary("20261120-130300-k3wq", OperationKind::Assign, tally);
        change(&mut operation);
        operation
    };
    let cases = [
        operation(|_| {}),
        operation(|one| (one.undoable, one.no_way_back) = (3, 2)),
        operation(|one| (one.undoable, one.no_way_back) = (0, 5)),
        operation(|one| (one.undoable, one.taken_back) = (0, 5)),
        operation(|one| (one.undoable, one.taken_back, one.redos) = (0, 5, vec!["20261120-140000-redo".into()])),
        operation(|one| {
            (one.undoable, one.taken_back) = (2, 3);
            one.redos = vec!["20261120-140000-redo".into(), "20261120-150000-more".into()];
        }),
        operation(|one| {
            (one.kind, one.reverts) = (OperationKind::Undo, Some("20261119-085900-zz9y".into()));
            one.reverts_all = vec!["20261119-085900-zz9y".into(), "20261119-085800-yy8x".into()];
            one.note = Some(SafeText::new("Bob is back"));
        }),
    ];
    let feet = cases.into_iter().map(|case| {
        let mut desk = Desk::loaded((80, 24), 30);
        desk.act(Action::History);
        desk.tell(Event::History { operations: vec![case], total: 1, offset: 0 });
        screen(&desk).lines().skip(19).take(2).map(|line| line.trim_matches(['│', ' '])).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!("history_feet", feet.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn operations_that_were_cut_off() {
    at_sizes("interrupted", &[(40, 10), (80, 24)], |size| {
        let mut desk = Desk::loaded(size, 300);
        let mut cut = fixture::summary(
            "20261119-085900-zz9y",
            OperationKind::Assign,
            Tally { done: 12, unknown: 1, planned: 88, ..Tally::default() },
        );
        cut.life = OperationLife::Interrupted;
        desk.tell(Event::Interrupted { operations: vec![cut] });
        desk
    });
}

#[test]
fn the_detail_page() {
    at_sizes("detail", &[(40, 10), (80, 24), (120, 40)], |size| {
        let mut desk = Desk::loaded(size, 300);
        desk.acts(&[Action::CursorDown, Action::CursorDown, Action::CursorDown, Action::Detail]);
        let mut record = fixture::leads(4).pop().unwrap();
        record.extra = serde_json::json!({
            "metadata": { "title": "Head of\tPurchasing", "tags": ["a", "b"], "empty": null },
            "last_event_at": "2026-11-20T09:00:00Z",
            "note\x1b[2J": "x".repeat(150),
        })
        .as_object()
        .unwrap()
        .clone();
        let event = LeadEvent {
            operation: "20261120-130300-k3wq".into(),
            at: hours_ago(2),
            who: SafeText::new("ada@desk"),
            kind: OperationKind::Assign,
            was: Assignment::unassigned(),
            wrote: owner("bob"),
            state: ItemState::Done,
            reason: None,
        };
        desk.tell(Event::Detail { lead: lead(4), record: Ok(Box::new(record)), events: vec![event] });
        desk
    });
}

#[test]
fn help_palette_messages_columns_views_and_questions() {
    for (name, actions, text) in [
        ("help", &[Action::Help][..], ""),
        ("palette", &[Action::Palette], "mark"),
        ("messages", &[Action::Messages], ""),
        ("columns", &[Action::Columns, Action::CursorDown, Action::Mark], ""),
        ("view_prompt", &[Action::SaveView], "Unowned"),
        ("lists", &[Action::FocusLists], ""),
        ("owners", &[Action::FocusOwners, Action::CursorDown], ""),
    ] {
        let view = SavedView { name: "Unowned".to_owned(), query: "owner:none".to_owned(), ..SavedView::default() };
        let mut desk = Desk::with((80, 24), Options { views: vec![view], ..Options::default() });
        desk.open("demo", capabilities(), false);
        desk.load("demo", 300);
        desk.tell(Event::Failed {
            problem: Problem::new(
                "kenbun refused the token (401).",
                "Run `switchboard doctor` to see which one is used.",
            ),
        });
        desk.acts(actions);
        desk.type_text(text);
        insta::assert_snapshot!(name, screen(&desk));
    }
    let mut desk = running((80, 24));
    desk.acts(&[Action::Back, Action::Quit]);
    insta::assert_snapshot!("quit", screen(&desk));
}

#[test]
fn five_conditions_look_different() {
    let mut desk = Desk::new((80, 24));
    insta::assert_snapshot!("opening", screen(&desk));
    desk.open("demo", capabilities(), false);
    insta::assert_snapshot!("loading", screen(&desk));
    let until = now() + jiff::SignedDuration::from_secs(12);
    desk.tell(Event::Waiting { profile: "demo".into(), until });
    insta::assert_snapshot!("waiting", screen(&desk));
    desk.tell(Event::LoadFailed {
        profile: "demo".into(),
        problem: Problem::new("demo: kenbun does not answer (connection refused).", "Check base_url and the network."),
    });
    desk.send(Message::Now(until));
    insta::assert_snapshot!("failed", screen(&desk));
    desk.load("demo", 0);
    insta::assert_snapshot!("empty", screen(&desk));
    desk.load("demo", 300);
    desk.act(Action::Filter);
    desk.type_text("nothing matches this");
    insta::assert_snapshot!("no_match", screen(&desk));
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    for size in [(39, 10), (40, 9), (12, 3), (1, 1)] {
        let screen = screen(&Desk::loaded(size, 30));
        assert!(size.0 < 12 || screen.starts_with("Switchboard"), "{screen}");
    }
}

#[test]
fn no_size_makes_the_drawing_fail() {
    // One over the other, so that each size paints them all.
    let scenes: [&[Action]; 6] = [
        &[],
        &[Action::Back, Action::History, Action::Help, Action::Palette],
        &[Action::Back, Action::Assign],
        &[Action::Back, Action::Unassign, Action::Note, Action::Help],
        &[Action::Back, Action::Detail, Action::Messages],
        &[Action::Back, Action::Columns, Action::SaveView, Action::Quit],
    ];
    for actions in scenes {
        let mut desk = running_with((80, 24), 300);
        desk.acts(actions);
        for columns in (1..=130).step_by(6) {
            for rows in (1..=45).step_by(4) {
                desk.send(Message::Resize { columns, rows });
                screen(&desk);
            }
        }
    }
}

#[test]
fn a_key_costs_a_thin_line_little() {
    use crate::term::{Capabilities, Colours, Screen};
    let capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };
    let mut desk = Desk::loaded((200, 50), 5000);
    let mut screen = Screen::new(Vec::new(), capabilities, 200, 50);
    let mut draw = |desk: &Desk| screen.draw(|cells| view(&desk.state, cells)).unwrap().bytes;
    let whole = draw(&desk);
    assert!(whole > 5000, "{whole}");
    assert_eq!(draw(&desk), 0, "nothing has changed");
    let (mut moves, mut scrolls) = (Vec::new(), Vec::new());
    for _ in 0..120 {
        let top = desk.state.leads.cursor.top;
        desk.act(Action::CursorDown);
        let bytes = draw(&desk);
        if desk.state.leads.cursor.top == top { moves.push(bytes) } else { scrolls.push(bytes) }
    }
    let most = |bytes: &[usize]| bytes.iter().copied().max().unwrap_or(0);
    assert!(most(&moves) < 400, "{moves:?}");
    assert!(most(&scrolls) < 500, "{scrolls:?}");
}

#[test]
fn every_hint_names_a_key_that_does_it() {
    use crate::input::KeyMap;
    let map = KeyMap::new();
    let check = |desk: &Desk| {
        let place = desk.state.context();
        for (action, title) in desk.state.hints() {
            let Some(label) = desk.state.keys.label(place, action) else { continue };
            let key = label.parse().unwrap();
            assert_eq!(map.action(place, key), Some(action), "{label} for {title} in {place}");
        }
    };
    let mut desk = running((200, 50));
    check(&desk);
    desk.act(Action::Back);
    for action in [
        Action::FocusLists,
        Action::FocusOwners,
        Action::FocusLeads,
        Action::Filter,
        Action::Assign,
        Action::Unassign,
        Action::History,
        Action::Detail,
        Action::Columns,
        Action::SaveView,
        Action::Help,
        Action::Palette,
        Action::Messages,
        Action::Quit,
    ] {
        desk.act(action);
        check(&desk);
        if !desk.state.dialogs.is_empty() || desk.state.focus != crate::app::state::Focus::Leads {
            desk.acts(&[Action::Back, Action::Back]);
        }
    }
}

#[test]
fn two_profiles_of_two_vendors() {
    at_sizes("several", &[(80, 24), (200, 50)], |size| {
        let mut desk = Desk::with_two(size, 110, 40);
        desk.collections();
        desk.acts(&[Action::Mark, Action::Mark]);
        desk
    });
    at_sizes("several_plan", &[(80, 24), (120, 40)], |size| {
        let mut desk = Desk::with_two(size, 60, 40);
        desk.plan("owner:none", "js");
        desk
    });
    at_sizes("several_picker", &[(80, 24)], |size| {
        let mut desk = Desk::with_two(size, 60, 40);
        desk.acts(&[Action::MarkAll, Action::Assign]);
        desk.type_text("smi");
        desk
    });
}

#[test]
fn a_table_that_the_vendor_narrowed() {
    let scene = |answered: bool| {
        move |size| {
            let mut desk = Desk::with_two(size, 30, 30);
            desk.collections();
            desk.act(Action::Filter);
            desk.type_text("filter:replied");
            desk.act(Action::Accept);
            if answered {
                let found = Ok(Arc::new((1..9).map(|n| lead(n).id).collect()));
                let asked = crate::domain::query::Asked::Filter("replied".to_owned());
                desk.tell(Event::Answered { profile: "shop".into(), asked, found });
            }
            desk
        }
    };
    at_sizes("narrowed", &[(80, 24), (120, 40)], scene(true));
    at_sizes("narrowing", &[(80, 24)], scene(false));
}

#[test]
fn the_report_of_two_profiles() {
    at_sizes("several_report", &[(80, 24), (120, 40)], |size| {
        let mut desk = Desk::with_two(size, 60, 40);
        desk.plan("owner:none", "js");
        let plan = desk.apply();
        desk.tell(Event::Started { operation: "op-1".into(), plan });
        let part = |profile: &str, done, failed, trouble: &str| PartProgress {
            profile: profile.into(),
            tally: Tally { done, failed, planned: 3, ..Tally::default() },
            trouble: trouble.to_owned(),
        };
        let parts = vec![part("sales", 5, 0, ""), part("shop", 0, 2, "shop asked for a pause of 12 s")];
        let tally = Tally { done: 5, failed: 2, planned: 6, ..Tally::default() };
        let progress = OperationProgress { parts, tally, items_per_second: 4.0, ..OperationProgress::default() };
        desk.tell(Event::Progress { operation: "op-1".into(), progress });
        desk
    });
}
