//! Cells as bytes: the shortest sequences that every terminal understands.

use std::fmt::Write as _;

use ratatui::buffer::{Cell, CellWidth as _};
use ratatui::style::{Color, Modifier};

use super::Colours;

/// Collects one frame's bytes.
#[derive(Debug)]
pub struct Encoder {
    colours: Colours,
    bytes: String,
    pen: Pen,
    /// Where the terminal's cursor is, while that is certain.
    at: Option<(u16, u16)>,
}

/// The look of what is written next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Attributes with the numbers that switch them on and off.
const ATTRIBUTES: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// A frame seldom needs more: a full one of 200 by 50 has about 40 KiB.
const USUAL_FRAME: usize = 64 * 1024;

impl Encoder {
    pub fn new(colours: Colours) -> Self {
        Self { colours, bytes: String::with_capacity(USUAL_FRAME), pen: Pen::default(), at: None }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The frame so far. The next one starts with nothing known about the cursor: someone may have written between.
    pub fn take(&mut self) -> Vec<u8> {
        self.at = None;
        std::mem::replace(&mut self.bytes, String::with_capacity(USUAL_FRAME)).into_bytes()
    }

    /// A sequence that does not move the cursor.
    pub fn raw(&mut self, sequence: &str) {
        self.bytes.push_str(sequence);
    }

    /// Wipes the screen with the terminal's own background, whatever was on it.
    pub fn clear(&mut self) {
        self.pen = Pen::default();
        self.at = None;
        self.bytes.push_str("\x1b[m\x1b[2J");
    }

    /// Puts one cell where it belongs.
    pub fn cell(&mut self, x: u16, y: u16, cell: &Cell) {
        self.move_to(x, y);
        self.set_pen(Pen { fg: self.permitted(cell.fg), bg: self.permitted(cell.bg), modifier: cell.modifier });
        let (symbol, width) = (cell.symbol(), cell.cell_width());
        if has_certain_width(symbol) {
            self.bytes.push_str(symbol);
            self.at = Some((x + width, y));
            return;
        }
        // Terminals do not agree about the width of rarer characters. One that draws this narrower must not show
        // what was there before beside it, and the next cell is placed by its number, so that a wrong guess harms one
        // cell and not the rest of the line.
        if width > 1 {
            self.bytes.extend(std::iter::repeat_n(' ', usize::from(width)));
            self.at = None;
            self.move_to(x, y);
        }
        self.bytes.push_str(symbol);
        self.at = None;
    }

    pub fn move_to(&mut self, x: u16, y: u16) {
        let _ = match self.at {
            Some(at) if at == (x, y) => return,
            Some((from, row)) if row == y && x == from + 1 => self.bytes.write_str("\x1b[C"),
            Some((_, row)) if row == y => write!(self.bytes, "\x1b[{}G", x + 1),
            _ if x == 0 => write!(self.bytes, "\x1b[{}H", y + 1),
            _ => write!(self.bytes, "\x1b[{};{}H", y + 1, x + 1),
        };
        self.at = Some((x, y));
    }

    /// Moves the rows from `top` to before `bottom` up by `by` (down where negative); what comes in is blank.
    ///
    /// Deleting and inserting lines between margins does the same as the newer scroll commands (`CSI S`, `CSI T`), and
    /// the Linux console knows only these.
    pub fn scroll(&mut self, top: u16, bottom: u16, by: i16) {
        // New rows take the background of the pen.
        self.reset_pen();
        let command = if by > 0 { 'M' } else { 'L' };
        let _ = write!(
            self.bytes,
            "\x1b[{};{}r\x1b[{}H\x1b[{}{command}\x1b[r",
            top + 1,
            bottom,
            top + 1,
            by.unsigned_abs()
        );
        self.at = None;
    }

    /// Back to the terminal's own colours, so that whatever writes next is readable.
    pub fn reset_pen(&mut self) {
        self.set_pen(Pen::default());
    }

    fn permitted(&self, colour: Color) -> Color {
        match (self.colours, colour) {
            (Colours::None, _) => Color::Reset,
            (Colours::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(nearest_indexed(r, g, b)),
            _ => colour,
        }
    }

    fn set_pen(&mut self, pen: Pen) {
        if pen == self.pen {
            return;
        }
        let fresh = numbers(Pen::default(), pen);
        let change = numbers(self.pen, pen);
        // Starting over is often shorter than switching one thing after the other off.
        if pen == Pen::default() {
            self.bytes.push_str("\x1b[m");
        } else if fresh.len() + 2 < change.len() {
            let _ = write!(self.bytes, "\x1b[0;{fresh}m");
        } else {
            let _ = write!(self.bytes, "\x1b[{change}m");
        }
        self.pen = pen;
    }
}

/// The numbers that turn one look into another.
fn numbers(from: Pen, to: Pen) -> String {
    let mut text = String::new();
    let mut add = |number: &str| {
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(number);
    };
    let mut held = from.modifier;
    for (attribute, _, off) in ATTRIBUTES {
        if held.contains(attribute) && !to.modifier.contains(attribute) {
            add(&off.to_string());
            // Bold and dim, and the two blinks, are switched off together.
            for (other, _, same) in ATTRIBUTES {
                if same == off {
                    held.remove(other);
                }
            }
        }
    }
    for (attribute, on, _) in ATTRIBUTES {
        if to.modifier.contains(attribute) && !held.contains(attribute) {
            add(&on.to_string());
        }
    }
    for (base, before, after) in [(30, from.fg, to.fg), (40, from.bg, to.bg)] {
        if before != after {
            add(&colour_number(base, after));
        }
    }
    text
}

fn colour_number(base: u8, colour: Color) -> String {
    let number = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", base + 8),
    };
    (base + number).to_string()
}

/// The nearest colour of xterm's cube or of its greys.
fn nearest_indexed(r: u8, g: u8, b: u8) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    let level = |value: u8| (0..6u8).min_by_key(|index| distance(LEVELS[usize::from(*index)], value)).unwrap_or(0);
    let (cr, cg, cb) = (level(r), level(g), level(b));
    let cube = [cr, cg, cb].map(|index| LEVELS[usize::from(index)]);
    let grey_index = ((u16::from(r) + u16::from(g) + u16::from(b)) / 3).saturating_sub(3).min(238) as u8 / 10;
    let grey = 8 + 10 * grey_index.min(23);
    let cube_distance = distance(cube[0], r) + distance(cube[1], g) + distance(cube[2], b);
    let grey_distance = distance(grey, r) + distance(grey, g) + distance(grey, b);
    if grey_distance < cube_distance { 232 + grey_index.min(23) } else { 16 + 36 * cr + 6 * cg + cb }
}

/// How many cells a terminal may have drawn over that thinks the symbol wider than it is taken to be. Those behind it
/// have to be sent again when it comes or goes, changed or not.
pub fn footprint(cell: &Cell) -> u16 {
    let (symbol, width) = (cell.symbol(), cell.cell_width().max(1));
    if has_certain_width(symbol) {
        return width;
    }
    // At worst every character of a cluster is drawn for itself, as wide as characters get.
    let widest = symbol.chars().count().saturating_mul(2);
    width.max(u16::try_from(widest).unwrap_or(u16::MAX).min(WIDEST_FOOTPRINT))
}

/// Longer clusters do not get past the border.
const WIDEST_FOOTPRINT: u16 = 16;

/// Whether every terminal gives this symbol the same width.
fn has_certain_width(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return false };
    matches!(c,
        ' '..='~'
        // Latin, Greek and Cyrillic letters; box drawing, blocks and the simpler shapes.
        | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' | '\u{386}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{2500}'..='\u{259f}' | '\u{25a0}'..='\u{25ff}'
        // The letters of Chinese, Japanese and Korean.
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fe}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff5e}'
        | '…' | '–' | '—' | '‹' | '›' | '✓' | '✗' | '←'..='↓')
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    fn cell(symbol: &str, style: Style) -> Cell {
        let mut cell = Cell::default();
        cell.set_symbol(symbol).set_style(style);
        cell
    }

    fn encoded(colours: Colours, cells: &[(u16, u16, &str, Style)]) -> String {
        let mut encoder = Encoder::new(colours);
        for (x, y, symbol, style) in cells {
            encoder.cell(*x, *y, &cell(symbol, *style));
        }
        encoder.reset_pen();
        String::from_utf8(encoder.take()).unwrap()
    }

    #[test]
    fn neighbours_need_no_move_and_no_second_look() {
        let red = Style::new().fg(Color::Red);
        assert_eq!(
            encoded(Colours::Indexed, &[(3, 1, "a", red), (4, 1, "b", red), (6, 1, "c", red), (10, 1, "d", red)]),
            "\x1b[2;4H\x1b[31mab\x1b[Cc\x1b[11Gd\x1b[m"
        );
    }

    #[test]
    fn looks_change_by_the_shortest_way() {
        let bold_red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        let dim_red = Style::new().fg(Color::Red).add_modifier(Modifier::DIM);
        let all = Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(7)).add_modifier(Modifier::all());
        assert_eq!(
            encoded(
                Colours::True,
                &[(0, 0, "a", bold_red), (1, 0, "b", dim_red), (2, 0, "c", all), (3, 0, "d", bold_red)]
            ),
            "\x1b[1H\x1b[1;31ma\x1b[22;2mb\x1b[1;3;4;5;6;7;8;9;38;2;1;2;3;48;5;7mc\x1b[0;1;31md\x1b[m"
        );
    }

    #[test]
    fn without_colours_there_is_no_colour_sequence() {
        let style = Style::new().fg(Color::Red).bg(Color::Rgb(9, 9, 9)).add_modifier(Modifier::REVERSED);
        assert_eq!(encoded(Colours::None, &[(0, 0, "a", style)]), "\x1b[1H\x1b[7ma\x1b[m");
    }

    #[test]
    fn characters_of_doubtful_width_do_not_move_the_rest_of_the_line() {
        let plain = Style::new();
        assert_eq!(
            encoded(Colours::None, &[(0, 0, "王", plain), (2, 0, "ж", plain), (3, 0, "ر", plain), (4, 0, "b", plain)]),
            "\x1b[1H王жر\x1b[1;5Hb"
        );
        assert_eq!(encoded(Colours::None, &[(0, 0, "👩‍👧", plain), (2, 0, "a", plain)]), "\x1b[1H  \x1b[1H👩‍👧\x1b[1;3Ha");
        for (symbol, cells) in [("a", 1), ("王", 2), ("ر", 2), ("e\u{301}", 4), ("👩‍👧", 6), ("🇩🇪", 4)] {
            assert_eq!(footprint(&cell(symbol, plain)), cells, "{symbol}");
        }
    }

    #[test]
    fn colours_that_the_terminal_lacks_are_replaced_by_near_ones() {
        for (colour, index) in [((0, 0, 0), 16), ((255, 255, 255), 231), ((255, 0, 0), 196), ((118, 118, 118), 243)] {
            assert_eq!(nearest_indexed(colour.0, colour.1, colour.2), index, "{colour:?}");
        }
    }
}
