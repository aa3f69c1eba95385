//! Drawing: a pure function from the state to a frame. There is one file per pane and dialog, as there is in `app`.

mod columns;
mod detail;
mod field;
mod frame;
mod history;
mod leads;
mod lists;
mod matrix;
mod operation;
mod owners;
mod pages;
mod paint;
mod picker;
mod plan;
mod status;
#[cfg(test)]
mod tests;
pub mod theme;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use crate::app::dialog::Dialog;
use crate::app::layout::{self, LEAST};
use crate::app::state::{Focus, State};

use paint::Canvas;
use theme::{Role, Theme};

/// Paints the state on blank cells, and says where the cursor is. Changes nothing, and touches only what is visible.
pub fn view(state: &State, cells: &mut Buffer) -> Option<Position> {
    let mut canvas = Canvas { theme: Theme::of(&state.options), buffer: cells, cursor: None };
    draw(state, &mut canvas);
    canvas.cursor.map(Position::from)
}

fn draw(state: &State, canvas: &mut Canvas<'_>) {
    let area = canvas.buffer.area;
    if layout::is_too_small((area.width, area.height)) || (area.width, area.height) != state.size {
        too_small(canvas);
        return;
    }
    if state.shows_campaigns() {
        matrix::draw(state, canvas);
    } else {
        frame::panes(state, canvas);
        leads::draw(state, canvas);
    }
    status::draw(state, canvas);
    if !state.shows_campaigns() && state.layout().band.is_none() && matches!(state.focus, Focus::Lists | Focus::Owners)
    {
        frame::folded_pane(state, canvas);
    }
    for (at, dialog) in state.dialogs.iter().enumerate() {
        if state.dialogs.get(at + 1).is_some_and(|above| hides(above, dialog, state.size)) {
            continue;
        }
        match dialog {
            Dialog::Picker(picker) => picker::draw(state, canvas, picker),
            Dialog::Plan(plan) => plan::draw(state, canvas, plan),
            Dialog::Operation(view) => operation::draw(state, canvas, view),
            Dialog::History(pane) => history::draw(state, canvas, pane),
            Dialog::Interrupted(offer) => history::draw_interrupted(state, canvas, offer),
            Dialog::Detail(pane) => detail::draw(state, canvas, pane),
            Dialog::Columns(dialog) => pages::columns_dialog(state, canvas, dialog),
            Dialog::Ask(ask) => pages::ask(canvas, state.size, ask),
            Dialog::ViewPrompt(prompt) => pages::view_prompt(state, canvas, prompt),
            Dialog::Help(page) => pages::help(state, canvas, page),
            Dialog::Palette(palette) => pages::palette(state, canvas, palette),
            Dialog::Messages(page) => pages::messages(state, canvas, page),
            Dialog::Confirm(question) => pages::confirm(state, canvas, question),
            Dialog::GridPicker(picker) => matrix::picker(state, canvas, picker),
            Dialog::Snapshots(pane) => matrix::snapshots(state, canvas, pane),
            Dialog::SnapshotPrompt(prompt) => matrix::prompt(state, canvas, prompt),
            Dialog::Busy => {}
        }
    }
    let strip = state.layout().strip;
    let covers = |dialog: &Dialog| !dialog.layout(state.size).outer.intersection(strip).is_empty();
    let covered = state.layout().notice.is_none() && state.dialogs.iter().any(covers);
    if covered && state.notices.shown().is_some() {
        // On a low screen a dialog takes all lines but one: what was just said goes before the hints.
        status::notice(state, canvas, state.layout().hints);
    } else {
        frame::hints(state, canvas);
    }
}

/// A dialog of which only a line or two would look out from under the one above it is not drawn: that tells nothing, and
/// looks as if the upper one had two edges.
fn hides(above: &Dialog, below: &Dialog, size: (u16, u16)) -> bool {
    let (above, below) = (above.layout(size).outer, below.layout(size).outer);
    let left = below.height - below.intersection(above).height;
    above.x <= below.x && above.right() >= below.right() && left <= 2
}

/// All that a window of this size can show.
fn too_small(canvas: &mut Canvas<'_>) {
    let area = canvas.buffer.area;
    let text = format!("Switchboard needs {}x{}, this is {}x{}", LEAST.0, LEAST.1, area.width, area.height);
    for (line, y) in crate::app::words::wrap(&text, usize::from(area.width)).iter().zip(area.y..area.bottom()) {
        canvas.text(area.x, y, area.width, line, Role::Text);
    }
}
