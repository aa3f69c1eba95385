//! The screens as they are painted, at several sizes and in the themes without colours.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::app::fixture::Desk;
use crate::app::{Action, Options};

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

#[test]
fn the_main_screen() {
    for size in SIZES {
        let desk = Desk::loaded(size, 5000);
        insta::assert_snapshot!(format!("main_{}x{}", size.0, size.1), screen(&desk));
    }
}

#[test]
fn the_main_screen_in_plain() {
    let mut desk = Desk::with((80, 24), Options { plain: true, ..Options::default() });
    desk.open("demo", crate::app::fixture::capabilities(), false);
    desk.load("demo", 5000);
    desk.acts(&[Action::Mark, Action::Mark]);
    insta::assert_snapshot!(screen(&desk));
}
