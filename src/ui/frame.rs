//! What lies around the panes: titles, boxes, the line of hints.

use ratatui::layout::Rect;

use crate::app::layout::Dialog;
use crate::app::state::{Focus, State};
use crate::app::words;

use super::paint::Canvas;
use super::theme::Role;
use super::{lists, owners};

/// Lists and owners above the table, where there is room for them.
pub fn panes(state: &State, canvas: &mut Canvas<'_>) {
    let Some(band) = state.layout().band else { return };
    let glyphs = canvas.theme.glyphs;
    canvas.fill(band.lists_title, glyphs.rule, Role::Rule);
    canvas.fill(band.owners_title, glyphs.rule, Role::Rule);
    canvas.text(band.lists.right(), band.lists_title.y, 1, glyphs.tee_down, Role::Rule);
    let line = Rect { x: band.lists.right(), width: 1, ..band.lists };
    canvas.fill(line, glyphs.vertical, Role::Rule);
    title(canvas, band.lists_title, "Lists", "", state.focus == Focus::Lists);
    title(canvas, band.owners_title, "Owners", &owners::summary(state), state.focus == Focus::Owners);
    lists::draw(state, canvas, band.lists);
    owners::draw(state, canvas, band.owners);
}

pub fn title(canvas: &mut Canvas<'_>, area: Rect, name: &str, more: &str, focused: bool) {
    let role = if focused { Role::Focused } else { Role::Title };
    let mut x = area.x + 1;
    x += canvas.text(x, area.y, area.width.saturating_sub(2), &format!(" {name} "), role);
    if !more.is_empty() {
        canvas.text(x, area.y, area.right().saturating_sub(x + 1), &format!("{more} "), Role::Dim);
    }
}

/// Lists or owners over the table, where the panes fold into one.
pub fn folded_pane(state: &State, canvas: &mut Canvas<'_>) {
    let dialog = state.pane_picker();
    if state.focus == Focus::Lists {
        open(canvas, &dialog, "Lists", "");
        lists::draw(state, canvas, dialog.body);
    } else {
        open(canvas, &dialog, "Owners", &owners::summary(state));
        owners::draw(state, canvas, dialog.body);
    }
}

/// An empty box with a title, over whatever lies there.
pub fn open(canvas: &mut Canvas<'_>, dialog: &Dialog, name: &str, more: &str) {
    let area = dialog.outer;
    let glyphs = canvas.theme.glyphs;
    canvas.clear(area);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    canvas.fill(Rect { height: 1, ..area }, glyphs.rule, Role::Rule);
    canvas.fill(Rect { y: bottom, height: 1, ..area }, glyphs.rule, Role::Rule);
    canvas.fill(Rect { width: 1, ..area }, glyphs.vertical, Role::Rule);
    canvas.fill(Rect { x: right, width: 1, ..area }, glyphs.vertical, Role::Rule);
    for (x, y, corner) in [
        (area.x, area.y, glyphs.top_left),
        (right, area.y, glyphs.top_right),
        (area.x, bottom, glyphs.bottom_left),
        (right, bottom, glyphs.bottom_right),
    ] {
        canvas.text(x, y, 1, corner, Role::Rule);
    }
    title(canvas, Rect { x: area.x + 1, width: area.width - 2, height: 1, ..area }, name, more, true);
    canvas.cursor = None;
}

/// A button; the one with the focus has a mark of its own. Returns where the next one may stand.
pub fn button(canvas: &mut Canvas<'_>, x: u16, area: Rect, label: &str, focused: bool) -> u16 {
    let role = if focused { Role::ButtonFocused } else { Role::Button };
    if focused {
        canvas.text(x, area.y, 1, canvas.theme.glyphs.cursor, Role::Mark);
    }
    let room = area.right().saturating_sub(x + 2);
    x + 2 + canvas.text(x + 2, area.y, room, &format!("[ {label} ]"), role) + 2
}

/// Which of a page's lines are on the screen, where not all are.
pub fn lines_shown(canvas: &Canvas<'_>, top: usize, height: u16, lines: usize) -> String {
    let last = (top + usize::from(height)).min(lines);
    if top == 0 && last == lines {
        return String::new();
    }
    let glyphs = canvas.theme.glyphs;
    let above = if top > 0 { glyphs.more_above } else { "" };
    let below = if last < lines { glyphs.more_below } else { "" };
    format!("lines {} to {} of {} {above}{below}", words::number(top + 1), words::number(last), words::number(lines))
}

/// What can be done right now: keys and words from the table of actions.
pub fn hints(state: &State, canvas: &mut Canvas<'_>) {
    let area = state.layout().hints;
    canvas.clear(area);
    let context = state.context();
    let mut x = area.x + 1;
    for (action, title) in state.hints() {
        let Some(key) = state.keys.label(context, action) else { continue };
        let wide = (words::width(key) + 1 + words::width(&title)) as u16;
        if x + wide > area.right() {
            break;
        }
        x += canvas.text(x, area.y, area.right() - x, key, Role::Key) + 1;
        x += canvas.text(x, area.y, area.right() - x, &title, Role::Text) + 2;
    }
}
