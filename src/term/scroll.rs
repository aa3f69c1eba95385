//! Finding out that a frame is the last one with some rows moved, so that the terminal can move them by itself.
//!
//! One scrolled row of a table at 200x50 costs about 10 KiB when every changed cell is sent, and some hundred bytes
//! when the terminal is told to scroll.

use std::ops::Range;

use ratatui::buffer::{Buffer, Cell};

use super::looks::{Look, Looks, blank};

/// Rows from `top` to before `bottom` that moved up by `by` (down where negative).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scroll {
    pub top: u16,
    pub bottom: u16,
    pub by: i16,
}

impl Scroll {
    /// Moves rows, all of the region's and each of this many cells, as the terminal does; `clear` is called for those
    /// that come in.
    pub fn rotate<T>(self, rows: &mut [T], width: usize, clear: impl FnMut(&mut T)) {
        let moved = (usize::from(self.by.unsigned_abs()) * width).min(rows.len());
        let new = if self.by > 0 {
            rows.rotate_left(moved);
            rows.len() - moved..rows.len()
        } else {
            rows.rotate_right(moved);
            0..moved
        };
        rows[new].iter_mut().for_each(clear);
    }
}

/// Moves by more rows than this are seldom and bring little.
const FARTHEST: i16 = 3;

/// Bytes that a gap between two changed cells costs, about: a cursor move, often a change of look.
const RUN_COST: i32 = 7;

/// Bytes of the scroll command itself, and a little more so that it is worth the trouble.
const SCROLL_COST: i32 = 40;

/// The move that saves most, `None` when sending the changed cells is as good.
pub fn find(shown: &Looks, next: &Looks) -> Option<Scroll> {
    if (shown.width(), shown.height()) != (next.width(), next.height()) || next.width() == 0 {
        return None;
    }
    let plain: Vec<i32> = (0..next.height()).map(|y| cost(shown.row(y), next.row(y))).collect();
    let whole: i32 = plain.iter().sum();
    // Less than about two rows' worth of changes is no scroll.
    if whole < 2 * next.width() as i32 {
        return None;
    }
    // Where rows have moved, half of some row looks exactly as it did (beside it there may be something that stands
    // still). Mostly none has, and this tells it at once.
    let half = next.width() / 2;
    let is_moved = |y: usize, by: i16| {
        let from = y.checked_add_signed(by.into()).filter(|from| plain[y] > 0 && *from < next.height());
        from.is_some_and(|from| {
            let (new, old, moved) = (next.row(y), shown.row(y), shown.row(from));
            let is_as_moved =
                |part: Range<usize>| moved[part.clone()] == new[part.clone()] && old[part.clone()] != new[part];
            is_as_moved(0..half) || is_as_moved(half..next.width())
        })
    };
    let moves = (1..=FARTHEST).flat_map(|by| [by, -by]);
    let moves: Vec<i16> = moves.filter(|&by| (0..next.height()).any(|y| is_moved(y, by))).collect();
    if moves.is_empty() {
        return None;
    }
    let blank = vec![blank(); next.width()];
    let from_blank: Vec<i32> = (0..next.height()).map(|y| cost(&blank, next.row(y))).collect();
    let mut best: Option<(i32, Scroll)> = None;
    for by in moves {
        if let Some((saved, scroll)) = best_region(shown, next, &plain, &from_blank, by)
            && best.is_none_or(|(most, _)| saved > most)
        {
            best = Some((saved, scroll));
        }
    }
    // Rows that are all new save a little by chance when they are moved; that would only be restless.
    best.filter(|(saved, _)| saved * 3 > whole).map(|(_, scroll)| scroll)
}

/// Does to the cells what the terminal does.
pub fn apply(shown: &mut Buffer, scroll: Scroll) {
    let width = usize::from(shown.area.width);
    let rows = &mut shown.content[usize::from(scroll.top) * width..usize::from(scroll.bottom) * width];
    scroll.rotate(rows, width, Cell::reset);
}

/// About how many bytes it takes to turn a row that is shown into another.
fn cost(shown: &[Look], next: &[Look]) -> i32 {
    if shown == next {
        return 0;
    }
    let mut bytes = 0;
    let mut was_same = true;
    for (one, other) in shown.iter().zip(next) {
        let same = one == other;
        bytes += i32::from(!same) + i32::from(was_same && !same) * RUN_COST;
        was_same = same;
    }
    bytes
}

/// The region that saves most when moved by `by`: the best stretch of rows that look like others did, and the blank
/// rows that come in at its end.
fn best_region(shown: &Looks, next: &Looks, plain: &[i32], from_blank: &[i32], by: i16) -> Option<(i32, Scroll)> {
    let height = plain.len() as i32;
    let distance = i32::from(by.unsigned_abs());
    if distance >= height {
        return None;
    }
    let step = i32::from(by);
    // What is saved at row y when it comes from y + by, and when it comes in blank.
    let moved = |y: i32| plain[y as usize] - cost(shown.row((y + step) as usize), next.row(y as usize));
    let blank = |y: i32| plain[y as usize] - from_blank[y as usize];
    let mut best: Option<(i32, Scroll)> = None;
    // The stretch of moved rows that ends at this row and saves most (the rows that could have been moved are those
    // whose origin is on the screen).
    let (first, last) = if by > 0 { (0, height - distance) } else { (distance, height) };
    let (mut start, mut sum) = (first, 0);
    for y in first..last {
        let saved = moved(y);
        if sum <= 0 {
            (start, sum) = (y, saved);
        } else {
            sum += saved;
        }
        if saved <= 0 {
            continue;
        }
        let (top, bottom, blanks) = if by > 0 {
            (start, y + 1 + distance, y + 1..y + 1 + distance)
        } else {
            (start - distance, y + 1, start - distance..start)
        };
        let total = sum + blanks.map(blank).sum::<i32>() - SCROLL_COST;
        if total > 0 && best.is_none_or(|(most, _)| total > most) {
            best = Some((total, Scroll { top: top as u16, bottom: bottom as u16, by }));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(shown: &Buffer, next: &Buffer) -> Option<Scroll> {
        super::find(&Looks::of(shown), &Looks::of(next))
    }

    fn lines(range: std::ops::Range<u32>, header: &str) -> Buffer {
        let row = |n: u32| format!("{:<60}", format!("{:x}", scrambled(n)).repeat(3));
        Buffer::with_lines(
            std::iter::once(format!("{header:<60}")).chain(range.map(row)).chain([format!("{:<60}", "footer")]),
        )
    }

    /// Rows that have little in common.
    fn scrambled(n: u32) -> u64 {
        u64::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn a_table_that_moved_by_one_row_is_recognised() {
        assert_eq!(find(&lines(0..10, "h"), &lines(1..11, "h")), Some(Scroll { top: 1, bottom: 11, by: 1 }));
        assert_eq!(find(&lines(1..11, "h"), &lines(0..10, "h")), Some(Scroll { top: 1, bottom: 11, by: -1 }));
        assert_eq!(find(&lines(0..10, "h"), &lines(3..13, "h")), Some(Scroll { top: 1, bottom: 11, by: 3 }));
    }

    #[test]
    fn other_changes_are_no_scroll() {
        assert_eq!(find(&lines(0..10, "h"), &lines(0..10, "h")), None);
        assert_eq!(find(&lines(0..10, "h"), &lines(0..10, "k")), None);
        assert_eq!(find(&lines(0..10, "h"), &lines(500..510, "h")), None);
        assert_eq!(find(&lines(0..10, "h"), &lines(0..9, "h")), None);
    }

    #[test]
    fn a_table_moves_beside_something_that_stands_still() {
        let beside = |tree: u32, table: std::ops::Range<u32>| {
            let row =
                |(y, n): (u32, u32)| format!("tree {:<15x}|{:<60}", y + tree, format!("{:x}", scrambled(n)).repeat(3));
            Buffer::with_lines((0..).zip(table).map(row))
        };
        assert_eq!(find(&beside(0, 0..10), &beside(0, 1..11)), Some(Scroll { top: 0, bottom: 10, by: 1 }));
        assert_eq!(find(&beside(0, 0..10), &beside(7, 500..510)), None);
    }

    proptest! {
        #[test]
        fn moving_rows_never_reaches_outside(before in rows(), after in rows()) {
            if let Some(scroll) = find(&before, &after) {
                prop_assert!(scroll.top < scroll.bottom && scroll.bottom <= before.area.height);
                let mut moved = before.clone();
                apply(&mut moved, scroll);
                prop_assert_eq!(moved.content.len(), before.content.len());
                let mut looks = Looks::of(&before);
                looks.scroll(scroll);
                prop_assert_eq!(looks, Looks::of(&moved));
            }
        }
    }

    fn rows() -> impl Strategy<Value = Buffer> {
        proptest::collection::vec(0u32..6, 6)
            .prop_map(|rows| Buffer::with_lines(rows.into_iter().map(|n| format!("{n}").repeat(40))))
    }
}
