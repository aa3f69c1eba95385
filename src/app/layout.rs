//! Where everything is on the screen. Scrolling, paging and the mouse need to know it as well as the drawing does, so
//! it is worked out here once.

use ratatui::layout::Rect;

/// Below this nothing useful fits, and the screen says so.
pub const LEAST: (u16, u16) = (40, 10);

/// From this size on lists and owners have panes of their own above the table. They lie above it, not beside it: a
/// table of nine columns needs the width, and whole rows of the screen scroll at a twentieth of the bytes.
const WIDE: (u16, u16) = (100, 24);

/// From this height on messages have a line of their own.
const TALL: u16 = 20;

/// The main screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Main {
    /// Lists and owners; `None` where they are pickers over the table.
    pub band: Option<Band>,
    /// Title line of the leads.
    pub title: Rect,
    pub filter: Rect,
    pub header: Rect,
    pub rows: Rect,
    /// What is going on: loading, operations on the way.
    pub strip: Rect,
    /// The newest message; where it is `None`, messages use the strip.
    pub notice: Option<Rect>,
    pub hints: Rect,
}

/// The panes above the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    pub lists_title: Rect,
    pub lists: Rect,
    pub owners_title: Rect,
    pub owners: Rect,
}

/// A dialog: border, then head, body and foot from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialog {
    pub outer: Rect,
    pub head: Rect,
    pub body: Rect,
    pub foot: Rect,
}

/// Too small to show anything but a sentence.
pub fn is_too_small(size: (u16, u16)) -> bool {
    size.0 < LEAST.0 || size.1 < LEAST.1
}

/// The panes fold into one.
pub fn is_folded(size: (u16, u16)) -> bool {
    size.0 < WIDE.0 || size.1 < WIDE.1
}

/// Height of the panes above the table that would show `lists` and `owners` rows.
fn band_height(size: (u16, u16), lists: usize, owners: usize) -> u16 {
    let most = (size.1 / 5).min(10);
    let owners = owners.div_ceil(owner_columns(owners_width(size.0)));
    u16::try_from(lists.max(owners)).unwrap_or(u16::MAX).clamp(4, most.max(4))
}

fn lists_width(columns: u16) -> u16 {
    (columns / 4).clamp(28, 44)
}

fn owners_width(columns: u16) -> u16 {
    columns.saturating_sub(lists_width(columns) + 1)
}

/// Width of one owner: name, count and bar.
const OWNER_WIDTH: u16 = 36;

/// How many owners stand side by side in this width.
pub fn owner_columns(width: u16) -> usize {
    usize::from((width / OWNER_WIDTH).max(1))
}

/// The main screen for so many lists, owners, and lines about running operations.
pub fn main(size: (u16, u16), lists: usize, owners: usize, running: usize) -> Main {
    let (columns, rows) = size;
    let mut y = 0;
    let mut take = |height: u16| {
        let height = height.min(rows.saturating_sub(y));
        let area = Rect::new(0, y, columns, height);
        y += height;
        area
    };
    let band = (!is_folded(size)).then(|| {
        let (title, body) = (take(1), take(band_height(size, lists, owners)));
        let left = lists_width(columns);
        let split = |area: Rect| {
            let right = Rect { x: left + 1, width: columns.saturating_sub(left + 1), ..area };
            (Rect { width: left, ..area }, right)
        };
        let ((lists_title, owners_title), (lists, owners)) = (split(title), split(body));
        Band { lists_title, lists, owners_title, owners }
    });
    let (title, filter, header) = (take(1), take(1), take(1));
    let tall = rows >= TALL;
    let strip_height = if tall { 1 + running.min(3) as u16 } else { 1 };
    let below = strip_height + u16::from(tall) + 1;
    let rows_height = rows.saturating_sub(title.y + 3 + below);
    let rows_area = take(rows_height);
    let strip = take(strip_height);
    let notice = tall.then(|| take(1));
    let hints = take(1);
    Main { band, title, filter, header, rows: rows_area, strip, notice, hints }
}

/// A dialog of at most this inner width and height (head and foot included) in the middle of the screen, above the
/// lines of messages and hints. Where there is little room it takes all of it.
pub fn dialog(size: (u16, u16), width: u16, height: u16, head: u16, foot: u16) -> Dialog {
    let (columns, rows) = (size.0, size.1.saturating_sub(if size.1 >= TALL { 2 } else { 1 }));
    let width = width.saturating_add(4).min(columns);
    let height = height.saturating_add(2).min(rows);
    // A margin of a few columns tells nothing: then rather the whole width.
    let width = if columns - width < 4 { columns } else { width };
    let outer = Rect::new((columns - width) / 2, (rows - height) / 2, width, height);
    let inner = Rect {
        x: outer.x + 2.min(outer.width),
        y: outer.y + 1.min(outer.height),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    // The foot holds the question's buttons: it is the last to give way.
    let foot_height = foot.min(inner.height);
    let head_height = head.min(inner.height.saturating_sub(foot_height + 1));
    let body_height = inner.height - foot_height - head_height;
    Dialog {
        outer,
        head: Rect { height: head_height, ..inner },
        body: Rect { y: inner.y + head_height, height: body_height, ..inner },
        foot: Rect { y: inner.y + head_height + body_height, height: foot_height, ..inner },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_screen_is_used_once() {
        for size in [(40, 10), (80, 24), (99, 60), (100, 24), (120, 40), (200, 50), (300, 15)] {
            for running in 0..5 {
                let main = main(size, 7, 25, running);
                let mut used: Vec<u16> = Vec::new();
                let band = main.band.map(|band| [band.lists_title, band.lists]);
                let areas = [main.title, main.filter, main.header, main.rows, main.strip, main.hints];
                for area in areas.into_iter().chain(band.into_iter().flatten()).chain(main.notice) {
                    used.extend(area.y..area.bottom());
                }
                used.sort_unstable();
                assert_eq!(used, (0..size.1).collect::<Vec<_>>(), "{size:?} {running}");
                assert!(main.rows.height >= 5, "{size:?}: {}", main.rows.height);
            }
        }
    }

    #[test]
    fn dialogs_stay_on_the_screen_whatever_its_size() {
        for columns in 0..130 {
            for rows in 0..40 {
                for (width, height, head, foot) in [(60, 20, 3, 2), (200, 100, 1, 1), (0, 0, 5, 5)] {
                    let dialog = dialog((columns, rows), width, height, head, foot);
                    for area in [dialog.outer, dialog.head, dialog.body, dialog.foot] {
                        assert!(area.right() <= columns.max(area.x) && area.bottom() <= rows.max(area.y), "{area:?}");
                    }
                }
            }
        }
    }
}
