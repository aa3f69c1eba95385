//! The grid: lists down, agents across (or the other way round), with heads and sums that stay in view.

use ratatui::layout::Rect;

use crate::app::matrix::{Board, BoardState, Center, Look, Pane, Places, Widths};
use crate::app::words::{self, counted, number};
use crate::app::{Action, State};
use crate::domain::matrix::{Cell, Reading, Shift};

use super::super::frame;
use super::super::paint::Canvas;
use super::super::theme::Role;

pub fn draw(state: &State, canvas: &mut Canvas<'_>, places: &Places) {
    let glyphs = canvas.theme.glyphs;
    canvas.fill(places.title, glyphs.rule, Role::Rule);
    let focused = state.matrix.pane == Pane::Grid;
    let (Some(center), Some(board)) = (state.matrix.center(), state.matrix.board()) else {
        frame::title(canvas, places.title, "Who dials what", "", focused);
        let key = state.keys.label(state.context(), Action::Accept).unwrap_or("enter");
        sentence(canvas, places, &format!("Choose a campaign with the arrows; {key} opens it."), Role::Text);
        return;
    };
    let name = match state.matrix.compared() {
        Some(compared) => format!("Compare {}: {}", compared.title, board.grid.campaign_name),
        None => title(center, board),
    };
    frame::title(canvas, places.title, &name, &place(board), focused);
    if board.screen_rows().is_empty() || board.screen_columns().is_empty() {
        facts(state, canvas, board, places.facts);
        let (text, role) = instead_of_cells(board);
        return sentence(canvas, places, &text, role);
    }
    let widths = state.matrix_widths();
    facts(state, canvas, board, places.facts);
    heads(canvas, board, places, &widths);
    sums(canvas, board, places.sums, &widths);
    for line in 0..places.rows.height {
        let at = board.down.top + usize::from(line);
        if at >= board.screen_rows().len() {
            break;
        }
        row(canvas, center, board, at, Rect { y: places.rows.y + line, height: 1, ..places.rows }, &widths);
    }
    detail(canvas, center, board, places.detail);
}

fn title(center: &Center, board: &Board) -> String {
    let campaign = center.open.as_deref().and_then(|open| center.campaign(open));
    let name = campaign.map_or(board.grid.campaign_name.clone(), |campaign| campaign.name.clone());
    match center.open.as_deref() {
        Some(id) => format!("{name} ({})", crate::domain::safe_text::visible(id)),
        None => name.to_string(),
    }
}

/// `list 3/300, agent 12/150`
fn place(board: &Board) -> String {
    let (rows, columns) = (board.screen_rows().len(), board.screen_columns().len());
    if rows == 0 || columns == 0 {
        return String::new();
    }
    let (down, across) = if board.transposed { ("agent", "list") } else { ("list", "agent") };
    format!(
        "{down} {}/{}, {across} {}/{}",
        number(board.down.at + 1),
        number(rows),
        number(board.across.at + 1),
        number(columns)
    )
}

/// What is shown where there are no cells.
fn instead_of_cells(board: &Board) -> (String, Role) {
    let (lists, agents) = (board.grid.lists().len(), board.grid.agents().len());
    match &board.state {
        BoardState::NotRead | BoardState::Waiting if lists == 0 => {
            ("Waits until other campaigns are read".to_owned(), Role::Busy)
        }
        BoardState::Reading if lists == 0 || agents == 0 => ("Reading lists and agents".to_owned(), Role::Busy),
        BoardState::Failed(problem) => (format!("This campaign could not be read: {problem}"), Role::Error),
        _ if lists == 0 => ("This campaign has no lists.".to_owned(), Role::Text),
        _ if agents == 0 => (format!("{} and no agents: nobody dials here.", counted(lists, "list")), Role::Text),
        _ => ("No differences.".to_owned(), Role::Text),
    }
}

fn sentence(canvas: &mut Canvas<'_>, places: &Places, text: &str, role: Role) {
    let area = places.rows;
    let width = area.width.saturating_sub(4);
    for (line, y) in words::wrap(text, usize::from(width)).iter().zip(area.y..area.bottom()) {
        canvas.text(area.x + 2, y, width, line, role);
    }
}

/// What the grid adds up to, in words: what is painted, what nobody dials, who dials nothing, what is not known.
fn facts(state: &State, canvas: &mut Canvas<'_>, board: &Board, area: Rect) {
    if area.height == 0 {
        return;
    }
    let totals = &board.totals;
    let mut pieces: Vec<(String, Role)> = Vec::new();
    if totals.touched > 0 {
        let text =
            format!("+{} -{} in {}", number(totals.added), number(totals.removed), counted(totals.touched, "list"));
        pieces.push((text, Role::Mark));
    }
    match &board.state {
        BoardState::Reading => pieces.push(("reading".to_owned(), Role::Busy)),
        BoardState::Waiting => pieces.push(("waiting to be read again".to_owned(), Role::Busy)),
        BoardState::Failed(_) => pieces.push(("could not be read again".to_owned(), Role::Error)),
        BoardState::NotRead | BoardState::Whole => {}
    }
    let unread = board.unread();
    if unread > 0 {
        let text = format!("{} not read completely", counted(unread, "list"));
        pieces.push((text, Role::Warning));
    }
    let (empty, idle) = board.idle();
    if empty > 0 {
        let text = format!("{} {} that nobody dials", canvas.theme.glyphs.flag, counted(empty, "list"));
        pieces.push((text, Role::Warning));
    }
    if idle > 0 {
        let text = format!("{} {}", canvas.theme.glyphs.flag, counted(idle, "idle agent"));
        pieces.push((text, Role::Warning));
    }
    if let Some(at) = board.read_at.filter(|_| board.state == BoardState::Whole) {
        pieces.push((format!("read at {}", words::clock(at, state.now, &state.options.zone)), Role::Dim));
    }
    let mut x = area.x + 1;
    for (at, (text, role)) in pieces.iter().enumerate() {
        let dot = if at > 0 { canvas.theme.glyphs.dot } else { "" };
        let wide = (words::width(dot) + words::width(text)) as u16;
        if x + wide > area.right() {
            break;
        }
        x += canvas.text(x, area.y, area.right() - x, dot, Role::Dim);
        x += canvas.text(x, area.y, area.right() - x, text, *role);
    }
}

/// The columns of the screen that are shown, with the place where each begins.
fn shown_columns(board: &Board, area: Rect, widths: &Widths) -> impl Iterator<Item = (usize, u16)> {
    let (first, cell, x) = (board.across.top, widths.cell, area.x + widths.first());
    let last = (first + widths.cells).min(board.screen_columns().len());
    (first..last).map(move |at| (at, x + (at - first) as u16 * cell))
}

/// The names over the columns, written downwards so that many stand side by side. They stand on the cells.
fn heads(canvas: &mut Canvas<'_>, board: &Board, places: &Places, widths: &Widths) {
    let area = places.heads;
    let (more_left, more_right) =
        (board.across.top > 0, board.across.top + widths.cells < board.screen_columns().len());
    for (at, x) in shown_columns(board, area, widths) {
        let current = at == board.across.at;
        let role = if current { Role::Cursor } else { Role::Title };
        let head = upright(board.column_head(at), usize::from(area.height));
        let empty = area.height - (head.chars().count() as u16).min(area.height);
        for (line, letter) in head.chars().take(usize::from(area.height)).enumerate() {
            let y = area.y + empty + line as u16;
            canvas.text(x + 1, y, widths.cell - 1, letter.encode_utf8(&mut [0; 4]), role);
        }
    }
    let glyphs = canvas.theme.glyphs;
    let what = if board.transposed { "lists" } else { "agents" };
    let (left, right) = (if more_left { "< " } else { "" }, if more_right { " >" } else { "" });
    let text = format!("{left}{what}{right}");
    let room = widths.first().saturating_sub(1);
    canvas.right(area.x, area.bottom().saturating_sub(1), room, &text, Role::Dim);
    if area.height > 1 {
        let rows = if board.transposed { "agents" } else { "lists" };
        let (above, below) = (
            if board.down.top > 0 { glyphs.more_above } else { "" },
            if board.down.top + usize::from(places.rows.height) < board.screen_rows().len() {
                glyphs.more_below
            } else {
                ""
            },
        );
        canvas.text(
            area.x + widths.gutter,
            area.bottom() - 1,
            widths.name,
            &format!("{rows} {above}{below}"),
            Role::Dim,
        );
    }
}

/// A name for a column of this height. What is too long loses its end, or its middle where it ends in a number: names
/// are told apart by their beginnings, numbers by their ends.
fn upright(name: &str, height: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= height {
        return letters.into_iter().collect();
    }
    let numbered = letters.last().is_some_and(char::is_ascii_digit);
    let ends = height.saturating_sub(1);
    let (first, last) = match height {
        0..4 if numbered => (0, height),
        0..4 => (height, 0),
        _ if numbered => (ends / 2, ends - ends / 2),
        _ => (ends, 0),
    };
    let middle = if height < 4 { "" } else { "~" };
    letters[..first].iter().collect::<String>() + middle + &letters[letters.len() - last..].iter().collect::<String>()
}

/// The sums of the columns: one line with what is now, a second one with what would be.
fn sums(canvas: &mut Canvas<'_>, board: &Board, area: Rect, widths: &Widths) {
    let of = if board.transposed { &board.totals.lists } else { &board.totals.agents };
    let staged = board.totals.touched > 0;
    for line in 0..area.height {
        let y = area.y + line;
        let after = line > 0 || (area.height == 1 && staged);
        let label = if after { "after" } else { "now" };
        canvas.right(area.x, y, widths.first().saturating_sub(1), label, Role::Dim);
        for (at, x) in shown_columns(board, area, widths) {
            let sum = board.screen_columns().get(at).and_then(|at| of.get(*at)).copied().unwrap_or_default();
            let count = if after { sum.after } else { sum.before };
            let role = match count {
                0 => Role::Warning,
                _ if after && sum.is_change() => Role::Mark,
                _ => Role::Dim,
            };
            let text = if count == 0 { format!("{}0", canvas.theme.glyphs.flag) } else { count.to_string() };
            canvas.right(x, y, widths.cell - 1, &text, role);
        }
        if at_cursor(board, widths) {
            let x = area.x + widths.first() + (board.across.at - board.across.top) as u16 * widths.cell;
            canvas.text(x + widths.cell - 1, y, 1, canvas.theme.glyphs.descending, Role::Mark);
        }
    }
}

/// The cursor's column is on the screen.
fn at_cursor(board: &Board, widths: &Widths) -> bool {
    (board.across.top..board.across.top + widths.cells).contains(&board.across.at)
}

/// One row: cursor, mark, name, sum, cells.
fn row(canvas: &mut Canvas<'_>, center: &Center, board: &Board, at: usize, area: Rect, widths: &Widths) {
    let glyphs = canvas.theme.glyphs;
    let number = board.screen_rows()[at];
    let current = at == board.down.at;
    if current {
        canvas.text(area.x, area.y, 1, glyphs.cursor, Role::Mark);
    }
    let sum = if board.transposed { board.totals.agents.get(number) } else { board.totals.lists.get(number) };
    let sum = sum.copied().unwrap_or_default();
    let (name, known, enabled) = match board.transposed {
        true => (board.grid.agents().get(number).map(ToString::to_string).unwrap_or_default(), true, true),
        false => {
            let list = &board.grid.lists()[number];
            (list.name.to_string(), board.grid.is_paintable(number), list.enabled)
        }
    };
    if !known || sum.after == 0 {
        canvas.text(area.x + 1, area.y, 1, glyphs.flag, Role::Warning);
    }
    let name_role = match (current, enabled) {
        (true, _) => Role::Cursor,
        (false, true) => Role::Text,
        (false, false) => Role::Dim,
    };
    let mut room = widths.name;
    if !enabled {
        let word = "off";
        room = room.saturating_sub(words::width(word) as u16 + 1);
        canvas.right(area.x + widths.gutter, area.y, widths.name - 1, word, Role::Warning);
    }
    canvas.text(area.x + widths.gutter, area.y, room.saturating_sub(1), &name, name_role);
    let (text, role) = sum_words(canvas, sum, known, widths.sum);
    canvas.right(area.x + widths.gutter + widths.name, area.y, widths.sum - 1, &text, role);
    let (rows, columns) = board.chosen();
    let chosen_row = board.anchor.is_some() && rows.contains(&at);
    for (column, x) in shown_columns(board, area, widths) {
        let Some((list, agent)) = board.pair(at, column) else { continue };
        let pending = board.grid.lists().get(list).is_some_and(|list| center.is_pending(&list.target));
        let (mark, role) = cell(canvas, board.cell(list, agent, pending));
        let here = current && column == board.across.at;
        let chosen = chosen_row && columns.contains(&column);
        if here || chosen {
            // The brackets say it where there are no colours.
            let (open, close) = if here { ("[", "]") } else { ("(", ")") };
            canvas.text(x, area.y, 1, open, Role::Mark);
            canvas.text(x + 2, area.y, 1, close, Role::Mark);
        }
        let role = if here { Role::Cursor } else { role };
        canvas.text(x + 1, area.y, 1, mark, role);
    }
}

/// `12`, `12>9`, `none`, `?`.
fn sum_words(canvas: &Canvas<'_>, sum: Shift, known: bool, room: u16) -> (String, Role) {
    if !known {
        return ("?".to_owned(), Role::Warning);
    }
    let one = |count: usize| if count == 0 { "none".to_owned() } else { count.to_string() };
    if !sum.is_change() {
        return (one(sum.after), if sum.after == 0 { Role::Warning } else { Role::Dim });
    }
    let text = format!("{}{}{}", sum.before, canvas.theme.glyphs.arrow, one(sum.after));
    let role = if sum.after == 0 { Role::Warning } else { Role::Mark };
    if words::width(&text) < usize::from(room) { (text, role) } else { (one(sum.after), role) }
}

/// The mark of a cell.
fn cell(canvas: &Canvas<'_>, look: Look) -> (&'static str, Role) {
    let glyphs = canvas.theme.glyphs;
    match look {
        Look::Pending => (glyphs.pending, Role::Busy),
        Look::Cell(Cell::NotRead) => ("?", Role::Dim),
        Look::Cell(Cell::Incomplete) => (glyphs.flag, Role::Warning),
        Look::Cell(Cell::Off) => (glyphs.off, Role::Dim),
        Look::Cell(Cell::On) => (glyphs.mark, Role::Text),
        Look::Cell(Cell::Added) => ("+", Role::Good),
        Look::Cell(Cell::Removed) => ("-", Role::Error),
    }
}

/// What the cursor is on, in words, and what the marks mean.
fn detail(canvas: &mut Canvas<'_>, center: &Center, board: &Board, area: Rect) {
    let Some((list, agent)) = board.pair(board.down.at, board.across.at) else { return };
    let (Some(head), Some(person)) = (board.grid.lists().get(list), board.grid.agents().get(agent)) else { return };
    let pending = center.is_pending(&head.target);
    let state = match board.cell(list, agent, pending) {
        Look::Pending => "being written",
        Look::Cell(Cell::NotRead) => "not read yet",
        Look::Cell(Cell::Incomplete) => "not read completely",
        Look::Cell(Cell::Off) => "not mapped",
        Look::Cell(Cell::On) => "mapped",
        Look::Cell(Cell::Added) if center.compared.is_some() => "came",
        Look::Cell(Cell::Removed) if center.compared.is_some() => "went",
        Look::Cell(Cell::Added) => "will be added",
        Look::Cell(Cell::Removed) => "will be removed",
    };
    let idle = |shift: Option<&Shift>, words: &'static str| match shift {
        Some(shift) if shift.after == 0 => words,
        _ => "",
    };
    let known = board.grid.is_paintable(list);
    let nobody = if known { idle(board.totals.lists.get(list), "; nobody dials this list") } else { "" };
    let nothing = idle(board.totals.agents.get(agent), "; the agent dials no list");
    let disabled = if head.enabled { "" } else { "; the list is disabled" };
    let why = match &head.reading {
        Reading::Incomplete(why) => format!(": {why}"),
        _ => String::new(),
    };
    let text = format!("{}, {}: {state}{why}{nobody}{nothing}{disabled}", head.name, center.agent_label(person));
    let glyphs = canvas.theme.glyphs;
    let legend = format!("{} mapped {} not + added - removed {} sent", glyphs.mark, glyphs.off, glyphs.pending);
    let used = canvas.text(area.x + 1, area.y, area.width.saturating_sub(2), &text, Role::Text);
    if usize::from(area.width) > usize::from(used) + words::width(&legend) + 4 {
        canvas.right(area.x, area.y, area.width.saturating_sub(1), &legend, Role::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::upright;

    #[test]
    fn long_names_are_cut_where_they_are_not_missed() {
        for (name, height, expected) in [
            ("asha.k", 6, "asha.k"),
            ("agent_148", 6, "ag~148"),
            ("agent_148", 3, "148"),
            ("agent_148", 2, "48"),
            ("anil.kumar", 2, "an"),
            ("anil.kumar", 4, "ani~"),
            ("", 4, ""),
            ("x", 0, ""),
        ] {
            assert_eq!(upright(name, height), expected, "{name} in {height}");
        }
    }
}
