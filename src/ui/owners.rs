//! The owners with their loads.

use ratatui::layout::Rect;

use crate::app::owners::{OwnerRow, Who};
use crate::app::state::{Focus, State};
use crate::app::words;
use crate::domain::PersonStatus;

use super::paint::Canvas;
use super::theme::Role;

/// Draws the owners that fit into `area`: in columns where it is wide enough.
pub fn draw(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let focused = state.focus == Focus::Owners;
    let (columns, height) = state.owners_grid();
    let width = area.width / columns as u16;
    let most = state.owners.most;
    let several = state.listed_profiles().count() > 1;
    let count_width = words::width(&words::number(most)).max(5) as u16;
    for (at, owner) in state.owners.rows.iter().enumerate().skip(state.owners.cursor.top).take(columns * height) {
        let place = at - state.owners.cursor.top;
        let (column, line) = (place / height, place % height);
        let room = Rect {
            x: area.x + column as u16 * width,
            y: area.y + line as u16,
            width: width.saturating_sub(1),
            height: 1,
        };
        row(canvas, owner, room, count_width, most, several, focused && at == state.owners.cursor.at);
    }
}

/// `Jane Smith  1,204 ███████▌`
fn row(
    canvas: &mut Canvas<'_>,
    owner: &OwnerRow,
    area: Rect,
    count_width: u16,
    most: usize,
    several: bool,
    current: bool,
) {
    if current {
        canvas.text(area.x, area.y, 1, canvas.theme.glyphs.cursor, Role::Mark);
    }
    let bar_width = (area.width / 5).clamp(4, 24);
    let room = area.width.saturating_sub(2 + count_width + 1 + bar_width + 1);
    let person = matches!(owner.who, Who::Person(_) | Who::SharedName);
    let role = match (current, person) {
        (true, _) => Role::Cursor,
        (false, true) => Role::Text,
        (false, false) => Role::Dim,
    };
    let word = if owner.is_ambiguous { owner.email.as_str() } else { owner.who.word() };
    // Where the leads are comes first: it tells one Jane from the other, and what the sum is made of.
    let split = if several { owner.split() } else { String::new() };
    let word = [&*split, word].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let word = word.as_str();
    let word_width = if word.is_empty() { 0 } else { (words::width(word) as u16 + 1).min(room / 2) };
    let used = canvas.text(area.x + 2, area.y, room.saturating_sub(word_width), owner.label.as_str(), role);
    if !word.is_empty() {
        canvas.text(area.x + 2 + used + 1, area.y, room.saturating_sub(used + 1), word, Role::Dim);
    }
    let x = area.x + 2 + room;
    canvas.right(x, area.y, count_width, &words::number(owner.leads), Role::Text);
    if person && most > 0 {
        canvas.bar(x + count_width + 1, area.y, bar_width, owner.leads as f64 / most as f64, false);
    }
}

/// What the pane's title says beside its name.
pub fn summary(state: &State) -> String {
    let people = state.owners.rows.iter().filter(|row| row.who == Who::Person(PersonStatus::Active)).count();
    let nobody: usize = state.owners.rows.iter().filter(|row| row.who == Who::Nobody).map(|row| row.leads).sum();
    match people {
        0 => String::new(),
        n => format!(
            "{}, {} with nobody",
            words::counted(n, "person").replace("persons", "people"),
            words::number(nobody)
        ),
    }
}
