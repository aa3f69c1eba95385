//! Where everything is on the screen of campaigns.

use ratatui::layout::Rect;

use super::{Board, Pane};
use crate::app::layout::is_folded;

/// From this height on messages have a line of their own, as on the other screen.
const TALL: u16 = 20;

/// The parts of the screen. Hierarchy and grid stand side by side where there is room, else one of them is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Title and rows of the hierarchy.
    pub tree: Option<(Rect, Rect)>,
    /// Title of the grid; of no width where the grid is not shown.
    pub title: Rect,
    /// What the grid adds up to, in words. Of no height on low screens.
    pub facts: Rect,
    /// The names over the columns, written downwards.
    pub heads: Rect,
    /// The sums of the columns: now, and after the painting where there is one.
    pub sums: Rect,
    pub rows: Rect,
    /// What the cursor is on, in words.
    pub detail: Rect,
    pub strip: Rect,
    pub notice: Option<Rect>,
    pub hints: Rect,
}

/// Divides a screen of this size.
pub fn places(size: (u16, u16), pane: Pane, staged: bool, longest_head: usize, strip: u16) -> Places {
    let (columns, rows) = size;
    let tall = rows >= TALL;
    let strip_height = if tall { strip } else { 1 };
    let below = strip_height + u16::from(tall) + 1;
    let body = Rect::new(0, 0, columns, rows.saturating_sub(below));
    let strip = Rect::new(0, body.bottom(), columns, strip_height);
    let notice = tall.then_some(Rect::new(0, strip.bottom(), columns, 1));
    let hints = Rect::new(0, rows.saturating_sub(1), columns, 1);
    let left = (columns / 4).clamp(28, 40);
    let (tree, grid) = match (is_folded(size), pane) {
        (false, _) => {
            (Some(Rect { width: left, ..body }), Rect { x: left + 1, width: columns.saturating_sub(left + 1), ..body })
        }
        (true, Pane::Tree) => (Some(body), Rect { x: columns, width: 0, ..body }),
        (true, Pane::Grid) => (None, body),
    };
    let tree = tree.map(|area| {
        let title = Rect { height: 1.min(area.height), ..area };
        (title, Rect { y: title.bottom(), height: area.height.saturating_sub(1), ..area })
    });
    let most_heads: u16 = match rows {
        0..14 => 2,
        14..20 => 3,
        20..30 => 6,
        _ => 12,
    };
    let mut y = grid.y;
    let mut take = |height: u16| {
        let height = height.min(grid.bottom().saturating_sub(y));
        let area = Rect { y, height, ..grid };
        y += height;
        area
    };
    let title = take(1);
    let facts = take(u16::from(rows >= 14));
    let heads = take(u16::try_from(longest_head).unwrap_or(u16::MAX).clamp(1, most_heads));
    let sums = take(if staged && rows >= 14 { 2 } else { 1 });
    let cells = grid.bottom().saturating_sub(sums.bottom() + 1);
    let rows = take(cells);
    let detail = take(1);
    Places { tree, title, facts, heads, sums, rows, detail, strip, notice, hints }
}

/// How the width of the grid is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    /// Cursor and mark in front of a row.
    pub gutter: u16,
    pub name: u16,
    /// The sum of a row.
    pub sum: u16,
    /// One cell.
    pub cell: u16,
    /// How many cells stand side by side.
    pub cells: usize,
}

impl Widths {
    pub fn of(rows: Rect, board: Option<&Board>) -> Self {
        let gutter = 3;
        let (name, sum) = match rows.width {
            0..60 => (11, 6),
            60..110 => (20, 8),
            _ => (28, 9),
        };
        // Sums of three digits and more need a space between them.
        let largest = board.map_or(0, |board| {
            let sums = if board.transposed { &board.totals.lists } else { &board.totals.agents };
            sums.iter().map(|sum| sum.before.max(sum.after)).max().unwrap_or(0)
        });
        let cell = if largest >= 100 { 4 } else { 3 };
        let room = rows.width.saturating_sub(gutter + name + sum);
        Self { gutter, name, sum, cell, cells: usize::from(room / cell) }
    }

    /// Where the first cell begins.
    pub fn first(&self) -> u16 {
        self.gutter + self.name + self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_used_once_and_there_is_room_for_rows_at_every_size() {
        for size in [(40, 10), (60, 14), (80, 24), (99, 60), (100, 24), (200, 50), (300, 15)] {
            for staged in [false, true] {
                for pane in [Pane::Tree, Pane::Grid] {
                    let places = places(size, pane, staged, 20, 2);
                    let grid = [places.title, places.facts, places.heads, places.sums, places.rows, places.detail];
                    let mut lines: Vec<u16> = grid.iter().flat_map(|area| area.y..area.bottom()).collect();
                    lines.extend(places.strip.y..places.strip.bottom());
                    lines.extend(places.notice.iter().map(|area| area.y).chain([places.hints.y]));
                    assert_eq!(lines, (0..size.1).collect::<Vec<_>>(), "{size:?}");
                    assert!(places.rows.height >= 3, "{size:?}: {places:?}");
                    let shown = places.rows.width > 0;
                    assert!(!shown || Widths::of(places.rows, None).cells >= 6, "{size:?}");
                    assert!(shown || places.tree.is_some());
                }
            }
        }
    }
}
