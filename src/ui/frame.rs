//! What lies around the panes: titles, boxes, the line of hints.

use ratatui::layout::Rect;

use crate::app::Action;
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
    let known: Vec<_> = state
        .hints()
        .into_iter()
        .filter_map(|(action, title)| Some((action, state.keys.label(context, action)?, title)))
        .collect();
    let widths: Vec<_> = known
        .iter()
        .map(|(action, key, title)| (*action, (words::width(key) + 1 + words::width(title)) as u16))
        .collect();
    let mut x = area.x + 1;
    for ((_, key, title), _) in
        known.iter().zip(that_fit(&widths, area.width.saturating_sub(1))).filter(|(_, fits)| *fits)
    {
        x += canvas.text(x, area.y, area.right().saturating_sub(x), key, Role::Key) + 1;
        x += canvas.text(x, area.y, area.right().saturating_sub(x), title, Role::Text) + 2;
    }
}

/// Which hints there is room for. What is done here above all and the way out (where there is nothing to leave: to the
/// help, which knows the rest) come before the others, wherever they stand in the line; the first of the others without
/// room ends it.
fn that_fit(hints: &[(Action, u16)], width: u16) -> Vec<bool> {
    let at = |wanted: Action| hints.iter().position(|(action, _)| *action == wanted);
    let way_out = at(Action::Back).or_else(|| at(Action::Help));
    let first: Vec<usize> = [Some(0), way_out, Some(1)].into_iter().flatten().filter(|at| *at < hints.len()).collect();
    let mut fit = vec![false; hints.len()];
    // A gap of two follows each.
    let mut left = width + 2;
    let mut take = |at: usize| {
        let wide = hints[at].1 + 2;
        if !fit[at] && wide <= left {
            (fit[at], left) = (true, left - wide);
        }
        fit[at]
    };
    for at in &first {
        take(*at);
    }
    let _ = (0..hints.len()).filter(|at| !first.contains(at)).all(take);
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_thing_and_the_way_out_are_always_among_the_hints() {
        use Action::{Accept, Apply, Assign, Back, Help, Note, Quit, SavePlan};
        let shown = |hints: &[(Action, u16)], width: u16| -> Vec<Action> {
            let fit = that_fit(hints, width);
            hints.iter().zip(fit).filter(|(_, fits)| *fits).map(|((action, _), _)| *action).collect()
        };
        let plan = [(Accept, 12), (Apply, 7), (Note, 8), (SavePlan, 20), (Back, 10), (Help, 6)];
        assert_eq!(shown(&plan, 80), [Accept, Apply, Note, SavePlan, Back, Help]);
        // Whatever follows one that has no room is left out too.
        assert_eq!(shown(&plan, 60), [Accept, Apply, Note, Back]);
        assert_eq!(shown(&plan, 40), [Accept, Apply, Back]);
        assert_eq!(shown(&plan, 33), [Accept, Apply, Back]);
        assert_eq!(shown(&plan, 24), [Accept, Back]);
        assert_eq!(shown(&plan, 5), []);
        let panes = [(Assign, 10), (Note, 10), (SavePlan, 20), (Help, 6), (Quit, 6)];
        assert_eq!(shown(&panes, 40), [Assign, Note, Help]);
        assert_eq!(shown(&panes, 60), [Assign, Note, SavePlan, Help, Quit]);
        assert_eq!(shown(&[], 40), []);
    }
}
