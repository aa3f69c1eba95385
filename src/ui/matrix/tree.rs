//! The hierarchy: processes, campaigns, and how many lists and agents each has.

use ratatui::layout::Rect;

use crate::app::State;
use crate::app::matrix::{Board, BoardState, Center, Pane, TreeRow, TreeState};
use crate::app::words::{self, number};

use super::super::paint::Canvas;
use super::super::theme::Role;

pub fn draw(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(center) = state.matrix.center() else { return };
    let rows = center.tree_rows();
    if rows.is_empty() {
        let text = match &center.tree {
            TreeState::Reading => "Reading the campaigns".to_owned(),
            TreeState::Ready => "There are no campaigns here.".to_owned(),
            TreeState::Failed(problem) => format!("The campaigns could not be read: {problem}"),
        };
        let width = usize::from(area.width.saturating_sub(2));
        for (line, y) in words::wrap(&text, width).iter().zip(area.y..area.bottom()) {
            canvas.text(area.x + 1, y, area.width.saturating_sub(2), line, Role::Text);
        }
        return;
    }
    for (line, y) in (area.y..area.bottom()).enumerate() {
        let at = center.cursor.top + line;
        let Some(row) = rows.get(at) else { break };
        let row_area = Rect { y, height: 1, ..area };
        match row {
            TreeRow::Process(name) => {
                canvas.text(area.x + 1, y, area.width.saturating_sub(1), name.as_str(), Role::Title);
            }
            TreeRow::Campaign(campaign) => {
                let focused = state.matrix.pane == Pane::Tree && at == center.cursor.at;
                campaign_row(canvas, center, *campaign, row_area, focused);
            }
        }
    }
}

fn campaign_row(canvas: &mut Canvas<'_>, center: &Center, campaign: usize, area: Rect, current: bool) {
    let Some(campaign) = center.campaigns.get(campaign) else { return };
    let board = center.boards.get(&campaign.id);
    if current {
        canvas.text(area.x, area.y, 1, canvas.theme.glyphs.cursor, Role::Mark);
    }
    if center.open.as_deref() == Some(&campaign.id) {
        canvas.text(area.x + 1, area.y, 1, canvas.theme.glyphs.mark, Role::Mark);
    }
    let (words, role) = numbers(board, area.width >= 60);
    let taken = words::width(&words) as u16;
    canvas.right(area.x, area.y, area.width.saturating_sub(1), &words, role);
    let room = area.width.saturating_sub(4 + taken + 1);
    canvas.text(area.x + 3, area.y, room, campaign.name.as_str(), if current { Role::Cursor } else { Role::Text });
}

/// `12 lists, 40 agents`, or why that is not known.
fn numbers(board: Option<&Board>, wide: bool) -> (String, Role) {
    let Some(board) = board else { return ("not read".to_owned(), Role::Dim) };
    let lists = board.grid.lists().len();
    match &board.state {
        BoardState::Failed(_) => return ("failed".to_owned(), Role::Error),
        BoardState::Reading if lists == 0 => return ("reading".to_owned(), Role::Busy),
        BoardState::Waiting if lists == 0 => return ("waiting".to_owned(), Role::Dim),
        BoardState::NotRead => return ("not read".to_owned(), Role::Dim),
        _ => {}
    }
    let staged = board.totals.added + board.totals.removed;
    let mark = if staged > 0 { format!("+{} -{}  ", board.totals.added, board.totals.removed) } else { String::new() };
    let agents = board.grid.agents().len();
    let words = match wide {
        true => format!("{mark}{}, {}", words::counted(lists, "list"), words::counted(agents, "agent")),
        false => format!("{mark}{} x {}", number(lists), number(agents)),
    };
    (words, if staged > 0 { Role::Mark } else { Role::Dim })
}
