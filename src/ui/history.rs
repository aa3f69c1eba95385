//! The history, and the offer of operations that were cut off.

use ratatui::layout::Rect;

use crate::app::history::HistoryPane;
use crate::app::interrupted::InterruptedDialog;
use crate::app::operations::tally_words;
use crate::app::state::State;
use crate::app::words;
use crate::app::{Action, Context};
use crate::domain::history::{OperationLife, OperationSummary};

use super::paint::Canvas;
use super::theme::Role;
use super::{field, frame};

pub fn draw(state: &State, canvas: &mut Canvas<'_>, pane: &HistoryPane) {
    let dialog = crate::app::dialog::history_layout(state.size);
    let more =
        if pane.operations.is_loading() { String::new() } else { words::counted(pane.operations.len(), "operation") };
    frame::open(canvas, &dialog, "History", &more);
    let (head, body) = (dialog.head, dialog.body);
    let rows = pane.cursor.top..pane.cursor.top + usize::from(body.height);
    let noted = rows.filter_map(|at| pane.operations.get(at)).any(|operation| operation.note.is_some());
    let columns = columns(body.width, noted);
    let titles = ["When", "What", "Targets", "How it went", "Who", "Note"];
    filter_line(state, canvas, pane, head);
    if let (Some(why), true) = (&pane.error, head.height > 1) {
        canvas.text(head.x, head.y + 1, head.width, why, Role::Error);
    } else if head.height > 1 {
        for (column, title) in columns.iter().zip(titles) {
            canvas.text(head.x + column.0, head.y + 1, column.1, title, Role::Title);
        }
    }
    if pane.operations.is_empty() {
        let text = match (pane.operations.is_loading(), pane.filter.is_empty()) {
            (true, _) => "Reading the journal",
            (false, true) => "Nothing was changed from here yet.",
            (false, false) => "No operation fits.",
        };
        canvas.text(body.x + 2, body.y, body.width.saturating_sub(2), text, Role::Text);
    }
    for line in 0..body.height {
        let at = pane.cursor.top + usize::from(line);
        let area = Rect { y: body.y + line, height: 1, ..body };
        match pane.operations.get(at) {
            Some(operation) => row(state, canvas, operation, area, &columns, at == pane.cursor.at),
            None if at < pane.operations.len() => {
                canvas.text(area.x + 2, area.y, area.width, "reading", Role::Dim);
            }
            None => break,
        }
    }
    if let Some(current) = pane.current() {
        foot(canvas, current, dialog.foot);
    }
}

/// What is asked for, or how to ask.
fn filter_line(state: &State, canvas: &mut Canvas<'_>, pane: &HistoryPane, head: Rect) {
    let line = Rect { height: 1, ..head };
    if pane.field.is_empty() && !pane.is_typing {
        let key = state.keys.label(Context::History, Action::Filter).unwrap_or("palette");
        let examples = ["who:jane", "state:failed", "since:14:00", "lead:ld_7", "until:2h", "owner:\"Jane Smith\""];
        let mut text = format!("{key} asks:");
        for example in examples {
            if words::width(&text) + 1 + words::width(example) <= usize::from(line.width) {
                text += &format!(" {example}");
            }
        }
        canvas.text(line.x, line.y, line.width, &text, Role::Dim);
        return;
    }
    let used = canvas.text(line.x, line.y, line.width, "Only: ", Role::Key);
    let area = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
    field::draw(canvas, area, &pane.field, pane.is_typing);
}

/// Offset and width of time, kind, count, tally, person and note. Where nobody wrote a note the tally has its room.
fn columns(width: u16, noted: bool) -> [(u16, u16); 6] {
    let (when, who) = if width >= 100 { (19, 18) } else { (14, 0) };
    // On a narrow screen how it went matters more than how many there were, which it says too.
    let (kind, count) = if width < 60 { (9, 0) } else { (11, 8) };
    let left = width.saturating_sub(2 + when + kind + count + who);
    let how = if count == 0 || !noted { left } else { (left * 2 / 3).min(56) };
    let mut x = 2;
    [when, kind, count, how, who, u16::MAX].map(|wide| {
        let wide = wide.min(width.saturating_sub(x));
        let column = (x, wide.saturating_sub(1));
        x += wide;
        column
    })
}

fn row(
    state: &State,
    canvas: &mut Canvas<'_>,
    operation: &OperationSummary,
    area: Rect,
    columns: &[(u16, u16); 6],
    current: bool,
) {
    if current {
        canvas.text(area.x, area.y, 1, canvas.theme.glyphs.cursor, Role::Mark);
    }
    let life = match operation.life {
        OperationLife::Running => "running: ",
        OperationLife::Interrupted => "interrupted: ",
        OperationLife::GivenUp => "given up: ",
        OperationLife::Ended => "",
    };
    let open = operation.tally.failed + operation.tally.unknown > 0;
    let cells = [
        (words::clock(operation.at, state.now, &state.options.zone), if current { Role::Cursor } else { Role::Text }),
        (operation.kind.to_string(), Role::Text),
        (words::number(operation.tally.total()), Role::Text),
        (
            format!("{life}{}", tally_words(&operation.tally)),
            if open || operation.life == OperationLife::Interrupted { Role::Warning } else { Role::Text },
        ),
        (operation.who.to_string(), Role::Dim),
        (operation.note.as_ref().map(ToString::to_string).unwrap_or_default(), Role::Text),
    ];
    for (column, (text, role)) in columns.iter().zip(&cells) {
        canvas.text(area.x + column.0, area.y, column.1, text, *role);
    }
}

/// All there is to say about the operation under the cursor.
fn foot(canvas: &mut Canvas<'_>, operation: &OperationSummary, area: Rect) {
    let profiles: Vec<String> =
        operation.parts.iter().map(|part| format!("{} ({})", part.profile, part.vendor.title())).collect();
    let mut text = operation.id.to_string();
    if let Some(reverts) = operation.takes_back() {
        text += &format!(", takes back {reverts}");
    }
    // What can be done with it comes before what is only good to know.
    text += &format!("; {}", left_to_take_back(operation));
    text += &format!("; in {} by {}", profiles.join(", "), operation.who);
    if let Some(note) = &operation.note {
        text += &format!("; note: {note}");
    }
    canvas.wrapped(area, &text, Role::Dim);
}

/// `3 items can be taken back, of 2 it is not known what was there before`, or what did it again.
pub fn left_to_take_back(operation: &OperationSummary) -> String {
    let can_be = format!("{} can be taken back", words::counted(operation.undoable, "item"));
    let cannot = format!("of {} it is not known what was there before", words::number(operation.no_way_back));
    if !operation.redos.is_empty() {
        let redos = operation.redos.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        let rest = match operation.undoable {
            0 => String::new(),
            n => format!(" and {} of its own", words::counted(n, "item")),
        };
        return format!("was done again by {redos}: undo takes that back{rest}");
    }
    match (operation.undoable, operation.no_way_back) {
        (0, 0) if operation.life == OperationLife::Running => "it is still running".to_owned(),
        (0, 0) if operation.taken_back == 0 => "nothing of it was done".to_owned(),
        (0, 0) => "nothing of it is left to take back".to_owned(),
        (0, _) => "nothing of it can be taken back: it is not known what was there before".to_owned(),
        (_, 0) => can_be,
        (_, _) => format!("{can_be}, {cannot}"),
    }
}

/// Operations that were cut off.
pub fn draw_interrupted(state: &State, canvas: &mut Canvas<'_>, offer: &InterruptedDialog) {
    let dialog = crate::app::dialog::interrupted_layout(state.size);
    frame::open(canvas, &dialog, "Interrupted", &words::counted(offer.operations.len(), "operation"));
    let text = "These operations were cut off before they ended. Nothing is done with them unasked: what was sent can be \
                settled by reading, the rest can be sent too, or what was done can be taken back.";
    let head = dialog.head;
    for (line, y) in words::wrap(text, usize::from(head.width)).iter().zip(head.y..head.bottom()) {
        canvas.text(head.x, y, head.width, line, Role::Text);
    }
    let body = dialog.body;
    for line in 0..body.height {
        let at = offer.cursor.top + usize::from(line);
        let Some(operation) = offer.operations.get(at) else { break };
        let y = body.y + line;
        let current = at == offer.cursor.at;
        if current {
            canvas.text(body.x, y, 1, canvas.theme.glyphs.cursor, Role::Mark);
        }
        let when = words::clock(operation.at, state.now, &state.options.zone);
        let text = format!("{when}  {}: {}", operation.kind, tally_words(&operation.tally));
        canvas.text(
            body.x + 2,
            y,
            body.width.saturating_sub(2),
            &text,
            if current { Role::Cursor } else { Role::Text },
        );
    }
    if let Some(operation) = offer.operations.get(offer.cursor.at) {
        let note = operation.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let text = format!("{} by {}{note}", operation.id, operation.who);
        canvas.text(dialog.foot.x, dialog.foot.y, dialog.foot.width, &text, Role::Dim);
    }
}
