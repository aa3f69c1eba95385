//! What the cells of a screen look like, in short: a number a cell, so that whole screens are compared in the time that
//! a few hundred cells would take.

use std::ops::Range;

use ratatui::buffer::{Buffer, Cell, CellDiffOption};
use ratatui::style::Color;

use super::scroll::Scroll;

/// A cell's symbol and style. Cells with different numbers look different; those with the same number look the same,
/// but for [`LONG`] ones.
pub type Look = u128;

/// Symbols of more bytes than this are told apart by a part of their hash only.
const LONGEST: usize = 5;
const LENGTH: u32 = 120;
const SYMBOL: u32 = 80;
/// In place of the length: cells with this have to be compared by themselves.
const LONG: u128 = 7 << LENGTH;

/// The looks of all cells, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    width: usize,
    cells: Vec<Look>,
}

impl Looks {
    #[cfg(test)]
    pub fn of(buffer: &Buffer) -> Self {
        let mut looks = Self::default();
        looks.take_from(buffer);
        looks
    }

    /// Becomes the looks of `buffer`.
    pub fn take_from(&mut self, buffer: &Buffer) {
        self.width = usize::from(buffer.area.width);
        self.cells.clear();
        self.cells.extend(buffer.content.iter().map(look));
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or(0)
    }

    pub fn row(&self, y: usize) -> &[Look] {
        &self.cells[self.range(y..y + 1)]
    }

    /// Whether a row certainly looks as it does in another picture of the same size.
    pub fn is_same_row(&self, other: &Self, y: usize) -> bool {
        let (row, other) = (self.row(y), other.row(y));
        row == other && !row.iter().any(|look| look & LONG == LONG)
    }

    /// Moves rows as the terminal does; those that come in are blank.
    pub fn scroll(&mut self, scroll: Scroll) {
        let rows = self.range(usize::from(scroll.top)..usize::from(scroll.bottom));
        scroll.rotate(&mut self.cells[rows], self.width, |look| *look = blank());
    }

    fn range(&self, rows: Range<usize>) -> Range<usize> {
        let end = |row: usize| (row * self.width).min(self.cells.len());
        end(rows.start)..end(rows.end)
    }
}

/// The look of a cell that nothing was written to.
pub fn blank() -> Look {
    look(&Cell::EMPTY)
}

/// Whether two cells with these looks look the same.
pub fn is_same(one: (Look, &Cell), other: (Look, &Cell)) -> bool {
    one.0 == other.0 && (one.0 & LONG != LONG || one.1 == other.1)
}

/// Whether this is the look of a letter, digit or sign of ASCII, which every terminal shows in one column.
pub fn is_ascii(look: Look) -> bool {
    look >> LENGTH == 1 && matches!((look >> SYMBOL) as u8, b' '..=b'~')
}

fn look(cell: &Cell) -> Look {
    let symbol = cell.symbol().as_bytes();
    let mut bytes = [0; 8];
    let symbol = if let ([byte], CellDiffOption::None) = (symbol, cell.diff_option) {
        // Nearly all of them.
        1 << LENGTH | u128::from(*byte) << SYMBOL
    } else if symbol.len() <= LONGEST && cell.diff_option == CellDiffOption::None {
        bytes[..symbol.len()].copy_from_slice(symbol);
        (symbol.len() as u128) << LENGTH | u128::from(u64::from_le_bytes(bytes)) << SYMBOL
    } else {
        let hash = symbol.iter().fold(0_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        LONG | u128::from(hash as u32) << SYMBOL
    };
    symbol | u128::from(colour(cell.fg)) << 48 | u128::from(colour(cell.bg)) << 16 | u128::from(cell.modifier.bits())
}

fn colour(colour: Color) -> u32 {
    match colour {
        Color::Reset => 0,
        Color::Black => 1,
        Color::Red => 2,
        Color::Green => 3,
        Color::Yellow => 4,
        Color::Blue => 5,
        Color::Magenta => 6,
        Color::Cyan => 7,
        Color::Gray => 8,
        Color::DarkGray => 9,
        Color::LightRed => 10,
        Color::LightGreen => 11,
        Color::LightYellow => 12,
        Color::LightBlue => 13,
        Color::LightMagenta => 14,
        Color::LightCyan => 15,
        Color::White => 16,
        Color::Indexed(index) => 1 << 24 | u32::from(index),
        Color::Rgb(r, g, b) => 2 << 24 | u32::from_be_bytes([0, r, g, b]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::{Modifier, Style};

    fn cells() -> impl Strategy<Value = Cell> {
        let symbol = prop::sample::select(vec![
            " ",
            "a",
            "é",
            "王",
            "e\u{301}",
            "a\u{301}\u{301}\u{301}",
            "👩\u{200d}👩\u{200d}👧",
            "👩\u{200d}👩\u{200d}👦",
            "─",
        ]);
        let colour = prop::sample::select(vec![
            Color::Reset,
            Color::Black,
            Color::Yellow,
            Color::White,
            Color::Indexed(0),
            Color::Indexed(1),
            Color::Rgb(0, 0, 0),
            Color::Rgb(0, 0, 1),
            Color::Rgb(1, 0, 0),
        ]);
        let modifier = prop::sample::select(vec![Modifier::empty(), Modifier::BOLD, Modifier::HIDDEN]);
        (symbol, colour.clone(), colour, modifier).prop_map(|(symbol, fg, bg, modifier)| {
            let mut cell = Cell::default();
            cell.set_symbol(symbol).set_style(Style::new().fg(fg).bg(bg).add_modifier(modifier));
            cell
        })
    }

    proptest! {
        #[test]
        fn cells_look_the_same_when_they_are(one in cells(), other in cells()) {
            prop_assert_eq!(is_same((look(&one), &one), (look(&other), &other)), one == other);
            prop_assert!(is_same((look(&one), &one), (look(&one), &one.clone())));
        }
    }

    #[test]
    fn a_cell_without_a_symbol_is_a_space() {
        assert_eq!(look(&Cell::EMPTY), look(&Cell::new(" ")));
    }
}
