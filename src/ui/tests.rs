//! The screens as they are painted, at several sizes and in the themes without colours. Times and ids are fixed.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::app::fixture::{self, Desk, capabilities, hours_ago, lead, now, owner};
use crate::app::{Action, Message, Options, ThemeName};
use crate::domain::exchange::{Event, OperationProgress, Problem};
use crate::domain::history::{ItemRow, LeadEvent, OperationLife, OperationPart, OperationSummary};
use crate::domain::view::SavedView;
use crate::domain::{Assignment, ItemState, OperationKind, SafeText, Tally, VendorKind};

use super::view;

/// The screen as text.
fn screen(desk: &Desk) -> String {
    let (columns, rows) = desk.state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(&desk.state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
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
