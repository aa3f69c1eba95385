//! One lead with everything that is known of it.

use crate::app::detail::{DetailLine, DetailPane, LABEL_WIDTH};
use crate::app::state::State;

use super::frame;
use super::paint::Canvas;
use super::theme::Role;

pub fn draw(state: &State, canvas: &mut Canvas<'_>, pane: &DetailPane) {
    let dialog = crate::app::dialog::detail_layout(state.size);
    let body = dialog.body;
    let lines = state.detail_lines(pane, usize::from(body.width));
    let more = frame::lines_shown(canvas, pane.scroll.top, body.height, lines.len());
    frame::open(canvas, &dialog, "Lead", &more);
    for (line, y) in lines.iter().skip(pane.scroll.top).zip(body.y..body.bottom()) {
        match line {
            DetailLine::Heading(text) => canvas.text(body.x, y, body.width, text, Role::Title),
            DetailLine::Text(text) | DetailLine::Event(text) => canvas.text(body.x, y, body.width, text, Role::Text),
            DetailLine::Error(text) => canvas.text(body.x, y, body.width, text, Role::Error),
            DetailLine::Field(label, value) => {
                let label_width = LABEL_WIDTH as u16;
                canvas.text(body.x, y, label_width - 1, label, Role::Dim);
                canvas.text(body.x + label_width, y, body.width.saturating_sub(label_width), value, Role::Text)
            }
            DetailLine::Blank => 0,
        };
    }
}
