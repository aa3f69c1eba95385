//! The table of leads with its title, filter line and heads.

use ratatui::layout::Rect;

use crate::app::asking::Narrowing;
use crate::app::state::{Focus, State};
use crate::app::{Action, Context, words};
use crate::domain::leads::SnapshotPart;
use crate::domain::selection::LeadKey;
use crate::domain::{Assignment, Field, LeadFlags, Lifecycle, SafeText};

use super::columns::{self, Column};
use super::paint::Canvas;
use super::theme::Role;
use super::{field, status};

/// Cursor, mark and warning in front of every row.
const GUTTER: u16 = 3;

pub fn draw(state: &State, canvas: &mut Canvas<'_>) {
    let layout = state.layout();
    title(state, canvas, layout.title, layout.band.map(|band| band.lists.right()));
    filter_line(state, canvas, layout.filter);
    let columns = columns::fit(&state.columns(), GUTTER, layout.rows.width.saturating_sub(GUTTER));
    if !filter_error(state, canvas, layout.filter, layout.header) {
        heads(state, canvas, layout.header, &columns);
    }
    if state.leads.shown.is_empty() {
        instead_of_rows(state, canvas, layout.rows);
    } else {
        rows(state, canvas, layout.rows, &columns);
    }
}

/// `Leads: demo ──────── 12 marked, 3 hidden ── 312 of 1,204`
fn title(state: &State, canvas: &mut Canvas<'_>, area: Rect, tee: Option<u16>) {
    let glyphs = canvas.theme.glyphs;
    canvas.fill(area, glyphs.rule, Role::Rule);
    if let Some(x) = tee {
        canvas.text(x, area.y, 1, glyphs.tee_up, Role::Rule);
    }
    let narrow = area.width < 60;
    let marks = marks(state, narrow);
    let place = match state.leads.shown.len() {
        0 => String::new(),
        len => format!(" {}/{} ", words::number(state.leads.cursor.at + 1), words::number(len)),
    };
    let mut x = area.right();
    for (text, role) in [(&place, Role::Dim), (&marks, Role::Mark)] {
        let used = words::width(text) as u16;
        if used > 0 && x > used + 2 {
            x -= used + 1;
            canvas.text(x, area.y, used, text, role);
        }
    }
    let focused = matches!(state.focus, Focus::Leads | Focus::Filter);
    let changed = if state.is_view_changed() { " (changed)" } else { "" };
    let by = match state.narrowing() {
        Some(Narrowing::Narrowed { by, .. }) => format!(", narrowed by {by}"),
        _ => String::new(),
    };
    let label = format!(" Leads: {}{by}{changed} ", state.list_label());
    canvas.text(1, area.y, x.saturating_sub(2), &label, if focused { Role::Focused } else { Role::Title });
}

/// How many leads are marked, and how many of them the filter hides: always on the screen.
fn marks(state: &State, narrow: bool) -> String {
    let marked = state.leads.selection.len();
    let hidden = state.leads.shown.hidden_marks;
    let range = state.range_rows().map_or(0, |rows| rows.count());
    let mut text = match (marked, narrow) {
        (0, true) => " 0 marked".to_owned(),
        (0, false) => " none marked".to_owned(),
        (n, _) => format!(" {} marked", words::number(n)),
    };
    if hidden > 0 {
        text += &format!(", {} hidden", words::number(hidden));
    }
    if range > 0 {
        text += &format!(" + {} in range", words::number(range));
    }
    text + " "
}

/// How many leads match, and the place that is left for the query.
fn filter_parts(state: &State, area: Rect) -> (String, Rect) {
    let total: usize = state.listed_profiles().map(|profile| profile.table.len()).sum();
    let shown = &state.leads.shown;
    let closed = match shown.hidden_closed {
        0 => String::new(),
        n => format!(", {} closed hidden", words::number(n)),
    };
    let found = if let Some(Narrowing::Asked(_)) = state.narrowing() {
        " asking ".to_owned()
    } else if let Some(Narrowing::NotAsked(_)) = state.narrowing() {
        " not asked yet ".to_owned()
    } else if state.leads.is_searching() {
        " searching ".to_owned()
    } else if area.width < 60 && state.filter.query.is_empty() {
        format!(" {} ", words::counted(shown.len(), "lead"))
    } else if area.width < 60 {
        format!(" {} match ", words::number(shown.len()))
    } else if state.filter.query.is_empty() {
        format!(" {}{closed} ", words::counted(shown.len(), "lead"))
    } else {
        format!(" {} of {} match{closed} ", words::number(shown.len()), words::number(total))
    };
    let taken = words::width(&found) as u16 + 4;
    (found, Rect { x: area.x + 3, width: area.width.saturating_sub(taken), ..area })
}

/// The query, and how many leads match it.
fn filter_line(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let (found, room) = filter_parts(state, area);
    canvas.right(area.x, area.y, area.width, &found, Role::Text);
    canvas.text(area.x + 1, area.y, 1, "/", Role::Key);
    let focused = state.focus == Focus::Filter;
    if !state.filter.field.is_empty() {
        field::draw(canvas, room, &state.filter.field, focused);
        if let Some(error) = &state.filter.error {
            let first = if focused { field::first_column(&state.filter.field, room.width) } else { 0 };
            field::underline(canvas, room, &state.filter.field, first, &error.at);
        }
    } else if focused {
        field::draw(canvas, room, &state.filter.field, true);
        let example = "words  owner:none  status:new  score>50  created<7d  ~fuzzy  /regex/";
        canvas.text(room.x + 2, room.y, room.width.saturating_sub(2), example, Role::Dim);
    } else {
        canvas.text(room.x, room.y, room.width, "no filter", Role::Dim);
    }
}

/// What is wrong with the query, under the place where it is wrong. It takes the line of the heads for as long.
fn filter_error(state: &State, canvas: &mut Canvas<'_>, filter: Rect, area: Rect) -> bool {
    let Some(error) = &state.filter.error else { return false };
    let (_, room) = filter_parts(state, filter);
    let text = state.filter.text();
    let before = words::width(text.get(..error.at.start).unwrap_or(text));
    let column = before.saturating_sub(field::first_column(&state.filter.field, room.width)) as u16;
    let wrong = text.get(error.at.clone()).map_or(1, words::width).clamp(1, 30);
    let caret = canvas.theme.glyphs.caret.repeat(wrong);
    let behind = area.right().saturating_sub(room.x + column);
    let message = words::width(&error.message);
    if message + wrong < usize::from(behind) {
        canvas.text(room.x + column, area.y, behind, &format!("{caret} {}", error.message), Role::Error);
    } else if message < usize::from(room.x + column) {
        let x = room.x + column - message as u16 - 1;
        canvas.text(x, area.y, area.right().saturating_sub(x), &format!("{} {caret}", error.message), Role::Error);
    } else {
        // The place is underlined in the text itself.
        canvas.text(room.x, area.y, area.width.saturating_sub(room.x), &error.message, Role::Error);
    }
    true
}

fn heads(state: &State, canvas: &mut Canvas<'_>, area: Rect, columns: &[Column]) {
    let glyphs = canvas.theme.glyphs;
    for column in columns {
        let arrow = match state.leads.sort {
            Some(sort) if sort.field == column.field && sort.descending => glyphs.descending,
            Some(sort) if sort.field == column.field => glyphs.ascending,
            _ => "",
        };
        let head = format!("{}{arrow}", columns::heading(column.field));
        if columns::is_number(column.field) {
            canvas.right(column.x, area.y, column.width, &head, Role::Title);
        } else {
            canvas.text(column.x, area.y, column.width, &head, Role::Title);
        }
    }
}

/// Loading, empty, failed, waiting, or nothing that matches: said where the rows would be.
fn instead_of_rows(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let total: usize = state.listed_profiles().map(|profile| profile.table.len()).sum();
    let narrowing = state.narrowing();
    let (role, text) = if let Some(Narrowing::NotAsked(text) | Narrowing::Asked(text)) = narrowing {
        (Role::Busy, text)
    } else if let Some(Narrowing::Failed(text)) = narrowing {
        (Role::Error, text)
    } else if total > 0 && state.filter.error.is_some() {
        // The rows are those of the query before; it may have found none.
        let mut text = "The filter has a mistake: what matches it is not known.".to_owned();
        if let Some(key) = state.keys.label(state.context(), Action::Back) {
            text += &format!(" {key} clears it.");
        }
        (Role::Text, text)
    } else if total > 0 && state.leads.shown.generation > 0 {
        let mut text = format!("None of {} matches this filter.", words::counted(total, "lead"));
        if let Some(key) = state.keys.label(state.context(), Action::Back) {
            text += &format!(" {key} clears it.");
        }
        if state.leads.shown.hidden_closed > 0 {
            text += &format!(" {} closed ones would.", words::number(state.leads.shown.hidden_closed));
        }
        let nameless = state.nameless();
        if nameless > 0 {
            text += &format!(
                " Names, companies and the like of {} are not read yet, so they could not be looked through",
                words::counted(nameless, "lead")
            );
            match state.keys.label(Context::Leads, Action::ReadNames) {
                Some(key) => text += &format!(": {key} reads them."),
                None => text.push('.'),
            }
        }
        (Role::Text, text)
    } else {
        let (condition, text) = status::condition(state);
        (status::role(condition), text)
    };
    let width = usize::from(area.width.saturating_sub(6)).min(70);
    for (line, y) in words::wrap(&text, width).iter().zip(area.y + area.height.min(4) / 3..area.bottom()) {
        canvas.text(area.x + GUTTER, y, area.width.saturating_sub(GUTTER), line, role);
    }
}

fn rows(state: &State, canvas: &mut Canvas<'_>, area: Rect, columns: &[Column]) {
    let shown = &state.leads.shown;
    let range = state.range_rows();
    for line in 0..area.height {
        let at = state.leads.cursor.top + usize::from(line);
        let Some((part, row)) = shown.row(at).and_then(|row| shown.snapshot().locate(row)) else { break };
        let y = area.y + line;
        let glyphs = canvas.theme.glyphs;
        let current = at == state.leads.cursor.at;
        if current {
            canvas.text(0, y, 1, glyphs.cursor, Role::Mark);
        }
        let key = LeadKey { profile: part.profile.clone(), id: part.table.id(row) };
        if state.leads.selection.contains(&key) {
            canvas.text(1, y, 1, glyphs.mark, Role::Mark);
        } else if range.as_ref().is_some_and(|range| range.contains(&at)) {
            canvas.text(1, y, 1, glyphs.in_range, Role::Mark);
        }
        if part.table.flags(row) != LeadFlags::default() {
            canvas.text(2, y, 1, glyphs.flag, Role::Warning);
        }
        for (index, column) in columns.iter().enumerate() {
            // The cursor is its mark, the first column and the owner: a whole row of reverse video would have to be sent
            // twice for every key, which a thin line feels.
            cell(state, canvas, part, row, *column, y, current && (index == 0 || column.field == Field::Owner));
        }
    }
}

fn cell(state: &State, canvas: &mut Canvas<'_>, part: &SnapshotPart, row: u32, column: Column, y: u16, cursor: bool) {
    let table = &part.table;
    let open = table.lifecycle(row) == Lifecycle::Open;
    let mut role = if open { Role::Text } else { Role::Dim };
    let age = |at: Option<crate::domain::Timestamp>| at.map(|at| words::age(at, state.now)).unwrap_or_default();
    let text = match column.field {
        Field::Score => table.score(row).map(|score| score.to_string()).unwrap_or_default().into(),
        Field::Created => age(table.created_at(row)).into(),
        Field::Updated => age(table.updated_at(row)).into(),
        Field::Profile => {
            let vendor = state.profiles.get(&part.profile).map_or("", |profile| profile.vendor());
            format!("{} {vendor}", part.profile).trim_end().to_owned().into()
        }
        Field::Owner => match table.assignment(row) {
            Assignment::Owner(owner) => owner.label().as_str().to_owned().into(),
            other => {
                role = Role::Dim;
                other.label().as_str().to_owned().into()
            }
        },
        Field::Status => match (table.text(row, Field::Status), table.lifecycle(row)) {
            (text, Lifecycle::Closed) if text.is_empty() => "closed".into(),
            (text, Lifecycle::Deleted) if text.is_empty() => "deleted".into(),
            // What is to be minded is said before the status: a narrow column cuts the end off.
            (text, _) => match table.flags(row).words() {
                flags if flags.is_empty() => text,
                flags => format!("{flags}; {text}").trim_end_matches("; ").to_owned().into(),
            },
        },
        Field::Name => {
            let name = table.text(row, Field::Name);
            if name.is_empty() {
                // A row can always be told from the others, also while its name is on the way.
                role = Role::Dim;
                SafeText::new(table.id(row).as_str()).as_str().to_owned().into()
            } else {
                name
            }
        }
        Field::Campaign | Field::List => {
            let id = table.text(row, column.field);
            match part.collection_name(column.field, &id) {
                Some(name) => name.as_str().to_owned().into(),
                None => id,
            }
        }
        field => table.text(row, field),
    };
    if columns::is_number(column.field) {
        canvas.right(column.x, y, column.width, &text, role);
        return;
    }
    let style = if cursor { canvas.theme.style(Role::Cursor) } else { canvas.theme.style(role) };
    let ranges = state.leads.shown.query.highlights(column.field, &text);
    let highlight = style.patch(canvas.theme.style(Role::Match));
    let used = canvas.marked(column.x, y, column.width, &text, style, &ranges, highlight);
    if cursor {
        // To the column's end, so that a short name is as easy to see.
        canvas.styled(column.x + used, y, column.width - used, &" ".repeat(usize::from(column.width - used)), style);
    }
}
