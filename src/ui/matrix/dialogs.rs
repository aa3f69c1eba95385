//! Finding agents, lists and teams; the list of snapshots; the question for a snapshot's name.

use ratatui::layout::Rect;

use crate::app::State;
use crate::app::matrix::{GridPicker, SnapshotPane, SnapshotPrompt, picker_layout, prompt_layout, snapshots_layout};
use crate::app::words::{self, counted, number};

use super::super::pages::question;
use super::super::paint::Canvas;
use super::super::picker::bytes_of;
use super::super::theme::Role;
use super::super::{field, frame};

pub fn picker(state: &State, canvas: &mut Canvas<'_>, picker: &GridPicker) {
    let dialog = picker_layout(state.size);
    frame::open(
        canvas,
        &dialog,
        "Find",
        &format!("{} of {}", number(picker.matches.len()), number(picker.choices.len())),
    );
    let (head, body) = (dialog.head, dialog.body);
    canvas.text(head.x, head.y, head.width, &picker.question, Role::Text);
    if head.height > 1 {
        canvas.text(head.x, head.y + 1, 1, "/", Role::Key);
        let line = Rect { x: head.x + 2, y: head.y + 1, width: head.width.saturating_sub(2), height: 1 };
        field::draw(canvas, line, &picker.field, true);
        if !picker.marked.is_empty() {
            let text = format!("{} picked", number(picker.marked.len()));
            canvas.right(head.x, head.y + 1, head.width, &text, Role::Mark);
        }
    }
    if picker.matches.is_empty() {
        canvas.text(body.x, body.y, body.width, "Nothing is called like this.", Role::Text);
    }
    for (line, y) in (body.y..body.bottom()).enumerate() {
        let at = picker.cursor.top + line;
        let Some((choice, positions)) = picker.matches.get(at) else { break };
        let Some(entry) = picker.choices.get(*choice) else { break };
        let current = at == picker.cursor.at;
        if current {
            canvas.text(body.x, y, 1, canvas.theme.glyphs.cursor, Role::Mark);
        }
        if picker.marked.contains(choice) {
            canvas.text(body.x + 1, y, 1, canvas.theme.glyphs.mark, Role::Mark);
        }
        let more = words::width(&entry.more) as u16;
        let room = body.width.saturating_sub(3 + more + 2);
        let base = canvas.theme.style(if current { Role::Cursor } else { Role::Text });
        let matched = base.patch(canvas.theme.style(Role::Match));
        canvas.marked(body.x + 3, y, room, &entry.label, base, &bytes_of(&entry.label, positions), matched);
        canvas.right(body.x, y, body.width, &entry.more, Role::Dim);
    }
}

pub fn snapshots(state: &State, canvas: &mut Canvas<'_>, pane: &SnapshotPane) {
    let dialog = snapshots_layout(state.size);
    let snapshots = state.snapshots();
    let known = state.matrix.center().is_some_and(|center| center.snapshots.is_some());
    let more = if known { counted(snapshots.len(), "snapshot") } else { String::new() };
    frame::open(canvas, &dialog, "Snapshots", &more);
    let (head, body, foot) = (dialog.head, dialog.body, dialog.foot);
    let wide = body.width >= 90;
    // Where it is narrow the name matters more than how much is in it.
    let (when, what, who) = (14, if body.width < 60 { 0 } else { 22 }, if wide { 20 } else { 0 });
    let name = body.width.saturating_sub(3 + when + what + who);
    if head.height > 0 {
        let mut x = head.x + 3;
        for (width, title) in [(name, "Name"), (when, "When"), (what, "What"), (who, "Who")] {
            canvas.text(x, head.y, width.saturating_sub(1), title, Role::Title);
            x += width;
        }
    }
    if snapshots.is_empty() {
        let text = if known { "Nothing is kept yet. One is taken before every change." } else { "Reading the journal" };
        canvas.text(body.x + 3, body.y, body.width.saturating_sub(3), text, Role::Text);
    }
    for (line, y) in (body.y..body.bottom()).enumerate() {
        let at = pane.cursor.top + line;
        let Some(info) = snapshots.get(at) else { break };
        let current = at == pane.cursor.at;
        if current {
            canvas.text(body.x, y, 1, canvas.theme.glyphs.cursor, Role::Mark);
        }
        if pane.marked == Some(info.number) {
            canvas.text(body.x + 1, y, 1, canvas.theme.glyphs.mark, Role::Mark);
        }
        let held = format!("{}, {}", counted(info.lists, "list"), counted(info.pairs, "pair"));
        let cells = [
            (name, info.name.to_string(), if current { Role::Cursor } else { Role::Text }),
            (when, words::clock(info.at, state.now, &state.options.zone), Role::Text),
            (what, held, Role::Dim),
            (who, info.who.to_string(), Role::Dim),
        ];
        let mut x = body.x + 3;
        for (width, text, role) in cells {
            canvas.text(x, y, width.saturating_sub(1), &text, role);
            x += width;
        }
    }
    let text = match pane.marked.and_then(|marked| snapshots.iter().find(|info| info.number == marked)) {
        Some(marked) => format!("Marked: {}. Opening another compares the two.", marked.name),
        None => "Opening one compares it with what is there now. Restoring paints it; the plan comes after.".to_owned(),
    };
    canvas.wrapped(foot, &text, Role::Dim);
}

pub fn prompt(state: &State, canvas: &mut Canvas<'_>, prompt: &SnapshotPrompt) {
    let dialog = prompt_layout(state.size);
    frame::open(canvas, &dialog, "Keep a snapshot", "");
    let head = dialog.head;
    let (campaigns, lists) = state.keepable();
    let text = format!("Keep {} of {} under this name:", counted(lists, "list"), counted(campaigns, "campaign"));
    let y = question(canvas, head, &text);
    field::draw(canvas, Rect { y, height: 1, ..head }, &prompt.field, true);
    let below = Rect { y: y + 2, height: dialog.body.bottom().saturating_sub(y + 2), ..head };
    canvas.wrapped(below, "Only campaigns that are read are kept.", Role::Dim);
}
