//! Help, messages, and the small dialogs: palette, columns, a view's name, a question.

use ratatui::layout::Rect;

use crate::app::ask::Ask;
use crate::app::columns::ColumnsDialog;
use crate::app::confirm::Confirm;
use crate::app::help::{HelpLine, HelpPage, text_column};
use crate::app::messages::MessagePage;
use crate::app::notices::Level;
use crate::app::palette::Palette;
use crate::app::state::State;
use crate::app::view_prompt::ViewPrompt;
use crate::app::words;

use super::paint::Canvas;
use super::picker::bytes_of;
use super::theme::Role;
use super::{columns, field, frame, status};

pub fn help(state: &State, canvas: &mut Canvas<'_>, page: &HelpPage) {
    let dialog = crate::app::dialog::help_layout(state.size);
    let lines = state.help_lines(page);
    let body = dialog.body;
    let more = frame::lines_shown(canvas, page.scroll.top, body.height, lines.len());
    frame::open(canvas, &dialog, "Help", &more);
    let text_line = |canvas: &mut Canvas<'_>, text: &str, y: u16| {
        let x = body.x + text_column(body.width);
        canvas.text(x, y, body.right().saturating_sub(x), text, Role::Text);
    };
    for (line, y) in lines.iter().skip(page.scroll.top).zip(body.y..body.bottom()) {
        match line {
            HelpLine::Heading(text) => {
                canvas.text(body.x, y, body.width, text, Role::Title);
            }
            HelpLine::Entry { keys, text } => {
                canvas.text(body.x + 1, y, text_column(body.width).saturating_sub(2), keys, Role::Key);
                text_line(canvas, text, y);
            }
            HelpLine::More(text) => text_line(canvas, text, y),
            HelpLine::Blank => {}
        }
    }
}

pub fn palette(state: &State, canvas: &mut Canvas<'_>, palette: &Palette) {
    let dialog = crate::app::dialog::palette_layout(state.size);
    frame::open(canvas, &dialog, "Commands", "");
    let (head, body) = (dialog.head, dialog.body);
    canvas.text(head.x, head.y, 1, ":", Role::Key);
    field::draw(canvas, Rect { x: head.x + 2, width: head.width.saturating_sub(2), ..head }, &palette.field, true);
    if palette.matches.is_empty() {
        canvas.text(body.x, body.y, body.width, "No action is called like this.", Role::Text);
    }
    for line in 0..body.height {
        let at = palette.cursor.top + usize::from(line);
        let Some((action, positions)) = palette.matches.get(at) else { break };
        let y = body.y + line;
        let current = at == palette.cursor.at;
        if current {
            canvas.text(body.x, y, 1, canvas.theme.glyphs.cursor, Role::Mark);
        }
        let base = canvas.theme.style(if current { Role::Cursor } else { Role::Text });
        let matched = base.patch(canvas.theme.style(Role::Match));
        let title = action.title();
        canvas.marked(body.x + 2, y, 15, title, base, &bytes_of(title, positions), matched);
        let keys: Vec<&str> = state.keys.all(palette.place, *action).take(2).collect();
        let keys = keys.join(" ");
        let x = body.x + 18;
        let room = body.right().saturating_sub(x + words::width(&keys) as u16 + 1);
        let (text, role) = match state.why_not_under(palette.place, *action) {
            Some(why) => (format!("not now: {why}"), Role::Dim),
            None => (action.spec().help.to_owned(), Role::Text),
        };
        canvas.text(x, y, room, &text, role);
        canvas.right(body.x, y, body.width, &keys, Role::Key);
        // What has no room in the row is said in full at the foot.
        if current {
            let foot = dialog.foot;
            let width = foot.width.saturating_sub(2);
            for (line, y) in words::wrap(&text, usize::from(width)).iter().zip(foot.y..foot.bottom()) {
                canvas.text(foot.x + 2, y, width, line, Role::Dim);
            }
        }
    }
}

pub fn messages(state: &State, canvas: &mut Canvas<'_>, page: &MessagePage) {
    let dialog = crate::app::dialog::messages_layout(state.size, page.lines);
    frame::open(canvas, &dialog, "Messages", "newest first");
    let body = dialog.body;
    if state.notices.log().is_empty() {
        canvas.text(body.x, body.y, body.width, "Nothing was said in this session yet.", Role::Text);
    }
    for line in 0..body.height {
        let at = page.cursor.top + usize::from(line);
        let Some(notice) = state.message(at) else { break };
        let y = body.y + line;
        let current = at == page.cursor.at;
        if current {
            canvas.text(body.x, y, 1, canvas.theme.glyphs.cursor, Role::Mark);
        }
        let when = words::clock(notice.at, state.now, &state.options.zone);
        let text_role = if current { Role::Cursor } else { Role::Text };
        canvas.line(
            body.x + 2,
            y,
            body.width.saturating_sub(2),
            &[
                (&format!("{when}  "), Role::Dim),
                (&format!("{:<8}", notice.level.word()), status::level_role(notice.level)),
                (notice.text.as_str(), text_role),
            ],
        );
    }
    let foot = dialog.foot;
    if let Some(notice) = state.message(page.cursor.at) {
        canvas.fill(Rect { height: 1.min(foot.height), ..foot }, canvas.theme.glyphs.rule, Role::Rule);
        let role = if notice.level == Level::Error { Role::Error } else { Role::Text };
        let text = Rect { y: foot.y + 1, height: foot.height.saturating_sub(1), ..foot };
        canvas.wrapped(text, notice.text.as_str(), role);
    }
}

pub fn columns_dialog(state: &State, canvas: &mut Canvas<'_>, dialog: &ColumnsDialog) {
    let layout = crate::app::dialog::columns_layout(state.size);
    frame::open(canvas, &layout, "Columns", "from left to right");
    let body = layout.body;
    for line in 0..body.height {
        let at = dialog.cursor.top + usize::from(line);
        let Some((column, shown)) = dialog.items.get(at) else { break };
        let y = body.y + line;
        let current = at == dialog.cursor.at;
        let glyphs = canvas.theme.glyphs;
        if current {
            canvas.text(body.x, y, 1, glyphs.cursor, Role::Mark);
        }
        canvas.text(
            body.x + 2,
            y,
            8,
            if *shown { "shown" } else { "hidden" },
            if *shown { Role::Good } else { Role::Dim },
        );
        let role = if current { Role::Cursor } else { Role::Text };
        canvas.text(body.x + 10, y, 23, columns::name(*column), role);
        if let Some(sort) = state.leads.sort.filter(|sort| sort.field == *column) {
            let text = if sort.descending { "sorted down" } else { "sorted up" };
            canvas.text(body.x + 34, y, body.width.saturating_sub(34), text, Role::Text);
        }
    }
}

pub fn view_prompt(state: &State, canvas: &mut Canvas<'_>, prompt: &ViewPrompt) {
    let dialog = crate::app::dialog::view_prompt_layout(state.size);
    frame::open(canvas, &dialog, "Save view", "");
    let head = dialog.head;
    let y = question(canvas, head, "Keep filter, columns and sorting under this name:");
    field::draw(canvas, Rect { y, height: 1, ..head }, &prompt.field, true);
    if state.is_view(prompt.field.text()) {
        canvas.text(head.x, y + 1, head.width, "It replaces the view of this name.", Role::Warning);
    }
}

/// A question in as many lines as it needs. Gives the line for the answer.
pub(super) fn question(canvas: &mut Canvas<'_>, head: Rect, text: &str) -> u16 {
    let lines = words::wrap(text, usize::from(head.width));
    let answer = head.y + (lines.len() as u16).min(head.height.saturating_sub(1));
    for (line, y) in lines.iter().zip(head.y..answer) {
        canvas.text(head.x, y, head.width, line, Role::Text);
    }
    answer
}

pub fn ask(canvas: &mut Canvas<'_>, size: (u16, u16), ask: &Ask) {
    let dialog = crate::app::dialog::ask_layout(size);
    frame::open(canvas, &dialog, ask.what.title(), "");
    let head = dialog.head;
    let y = question(canvas, head, ask.what.text());
    field::draw(canvas, Rect { y, height: 1, ..head }, &ask.field, true);
}

pub fn confirm(state: &State, canvas: &mut Canvas<'_>, question: &Confirm) {
    let dialog = crate::app::dialog::confirm_layout(state.size);
    frame::open(canvas, &dialog, "Question", "");
    let body = dialog.body;
    for (line, y) in words::wrap(&question.question, usize::from(body.width)).iter().zip(body.y..body.bottom()) {
        canvas.text(body.x, y, body.width, line, Role::Text);
    }
    let x = frame::button(canvas, dialog.foot.x, dialog.foot, question.safe, !question.on_risky);
    frame::button(canvas, x, dialog.foot, question.risky, question.on_risky);
}
