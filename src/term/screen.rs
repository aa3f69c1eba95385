//! The screen: has frames painted into ratatui's buffers, and sends of each only what changed, in one write.
//!
//! What goes to the terminal is decided here and not by ratatui's own `Terminal`, because a frame has to be one write,
//! has to use scrolling, and must not contain colours where none are wanted. Two buffers are all there is: a frame passes
//! over ten thousand cells several times, which takes longer than painting them when they do not stay in the processor.

use std::io::{self, Write};

use ratatui::buffer::{Buffer, Cell, CellWidth as _};
use ratatui::layout::{Position, Rect};

use super::encode::{self, Encoder};
use super::looks::{self, Look, Looks};
use super::{Capabilities, scroll};

/// Between these marks a terminal that knows them shows nothing half done; others ignore them.
const BEGIN_SYNC: &str = "\x1b[?2026h";
const END_SYNC: &str = "\x1b[?2026l";

/// A screen over anything that can be written to.
pub struct Screen<W> {
    out: W,
    capabilities: Capabilities,
    area: Rect,
    /// What the terminal shows, while that is known.
    shown: Picture,
    is_known: bool,
    /// The frame that is drawn; afterwards it changes places with what was shown before.
    next: Picture,
    cursor: Option<Position>,
    encoder: Encoder,
}

/// Cells, and what they look like in short.
#[derive(Default)]
struct Picture {
    cells: Buffer,
    looks: Looks,
}

impl Picture {
    fn row(&self, y: usize) -> (&[Look], &[Cell]) {
        let looks = self.looks.row(y);
        (looks, self.cells.content.get(y * looks.len()..).unwrap_or_default())
    }
}

/// What drawing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Bytes written; 0 when nothing had changed.
    pub bytes: usize,
}

impl<W: Write> Screen<W> {
    pub fn new(out: W, capabilities: Capabilities, width: u16, height: u16) -> Self {
        let area = Rect::new(0, 0, width, height);
        let (shown, next) = (Picture::default(), Picture::default());
        let encoder = Encoder::new(capabilities.colours);
        Self { out, capabilities, area, shown, is_known: false, next, cursor: None, encoder }
    }

    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    pub fn size(&self) -> (u16, u16) {
        (self.area.width, self.area.height)
    }

    /// The terminal has another size now; the next frame draws everything.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.area = Rect::new(0, 0, width, height);
        self.invalidate();
    }

    /// Nothing is known any more about what the terminal shows; the next frame draws everything.
    pub fn invalidate(&mut self) {
        self.is_known = false;
    }

    /// Has a frame painted by `view`, which gets blank cells and says where the cursor is shown, and sends what differs
    /// from the last one. Nothing is written when nothing differs.
    pub fn draw(&mut self, view: impl FnOnce(&mut Buffer) -> Option<Position>) -> io::Result<Drawn> {
        let next = &mut self.next.cells;
        next.resize(self.area);
        next.reset();
        let cursor = view(next);
        self.next.looks.take_from(&self.next.cells);
        self.encode(cursor);
        std::mem::swap(&mut self.shown, &mut self.next);
        self.is_known = true;
        self.cursor = cursor;
        if self.encoder.is_empty() {
            return Ok(Drawn::default());
        }
        let mut bytes = self.encoder.take();
        if self.capabilities.extras {
            bytes.splice(..0, BEGIN_SYNC.bytes());
            bytes.extend(END_SYNC.bytes());
        }
        let written = self.send(&bytes);
        if written.is_err() {
            // Who knows how much of it arrived.
            self.invalidate();
        }
        written.map(|()| Drawn { bytes: bytes.len() })
    }

    /// Sends a sequence that draws nothing: a title, a copy to the clipboard.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }

    pub fn out(&self) -> &W {
        &self.out
    }

    fn encode(&mut self, cursor: Option<Position>) {
        let Self { encoder, shown, next, .. } = self;
        let everything = !self.is_known || shown.cells.area != next.cells.area;
        if everything {
            // An unknown screen may show a cursor; a blank one is compared with from here on.
            encoder.clear();
            encoder.raw(if cursor.is_some() { "\x1b[?25h" } else { "\x1b[?25l" });
            shown.cells.resize(next.cells.area);
            shown.cells.reset();
            shown.looks.take_from(&shown.cells);
        } else if let Some(scroll) = scroll::find(&shown.looks, &next.looks) {
            encoder.scroll(scroll.top, scroll.bottom, scroll.by);
            scroll::apply(&mut shown.cells, scroll);
            shown.looks.scroll(scroll);
        }
        for y in 0..next.looks.height() {
            if !next.looks.is_same_row(&shown.looks, y) {
                encode_row(encoder, shown, next, y);
            }
        }
        encoder.reset_pen();
        if cursor != self.cursor && !everything {
            match (cursor, self.cursor) {
                (Some(_), None) => encoder.raw("\x1b[?25h"),
                (None, Some(_)) => encoder.raw("\x1b[?25l"),
                _ => {}
            }
        }
        if let Some(position) = cursor
            && (cursor != self.cursor || !encoder.is_empty())
        {
            encoder.move_to(position.x, position.y);
        }
    }
}

/// Sends what has changed in a row, and cells that a neighbour of doubtful width may have drawn over, changed or not.
fn encode_row(encoder: &mut Encoder, shown: &Picture, next: &Picture, y: usize) {
    let ((old_looks, old), (looks, new)) = (shown.row(y), next.row(y));
    let width = looks.len().min(old_looks.len()).min(new.len()).min(old.len());
    let mut x = 0;
    // What stood, or now stands, left of here may have covered the cells before this one.
    let mut covered = 0;
    while x < width {
        let cell = &new[x];
        let is_ascii = looks::is_ascii(looks[x]);
        let behind = if is_ascii { x + 1 } else { (x + usize::from(cell.cell_width().max(1))).min(width) };
        if x >= covered && looks::is_same((old_looks[x], &old[x]), (looks[x], cell)) {
            x = behind;
            continue;
        }
        encoder.cell(x as u16, y as u16, cell);
        if is_ascii && looks::is_ascii(old_looks[x]) {
            x = behind;
            continue;
        }
        covered = covered.max(x + usize::from(encode::footprint(cell)));
        for (at, cell) in old.iter().enumerate().take(behind).skip(x) {
            covered = covered.max(at + usize::from(encode::footprint(cell)));
        }
        x = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Colours;
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::{Color, Modifier, Style};

    /// Remembers every write.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const CAPABILITIES: Capabilities = Capabilities { colours: Colours::Indexed, plain: false, extras: true };

    fn screen(width: u16, height: u16) -> Screen<Writes> {
        Screen::new(Writes::default(), CAPABILITIES, width, height)
    }

    fn table(first: u32) -> impl Fn(&mut Buffer) -> Option<Position> {
        move |buffer| {
            let area = buffer.area;
            buffer.set_string(0, 0, "Name                 Company", Style::new().add_modifier(Modifier::BOLD));
            for y in 1..area.height {
                let n = first + u32::from(y);
                let style = if n.is_multiple_of(3) { Style::new().fg(Color::Green) } else { Style::new() };
                buffer.set_string(0, y, format!("lead {n} 王 {}", n.wrapping_mul(2_654_435_761)), style);
                buffer.set_string(40, y, format!("company number {}", n * 31), Style::new());
            }
            None
        }
    }

    #[test]
    fn a_frame_is_one_write_and_the_same_frame_none() {
        let mut screen = screen(80, 24);
        assert!(screen.draw(table(0)).unwrap().bytes > 1_000);
        assert_eq!(screen.draw(table(0)).unwrap().bytes, 0);
        screen.draw(table(1)).unwrap();
        assert_eq!(screen.out().0.len(), 2);
    }

    #[test]
    fn a_scrolled_row_costs_little() {
        let mut screen = screen(80, 24);
        screen.draw(table(0)).unwrap();
        let scrolled = screen.draw(table(1)).unwrap().bytes;
        assert!(scrolled < 150, "{scrolled} bytes");
    }

    #[test]
    fn the_cursor_is_shown_where_text_is_entered() {
        let mut screen = screen(20, 3);
        screen.draw(|_| Some(Position::new(3, 1))).unwrap();
        screen.draw(|_| Some(Position::new(4, 1))).unwrap();
        screen.draw(|_| None).unwrap();
        let writes: Vec<_> = screen.out().0.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
        assert_eq!(writes[0], "\x1b[?2026h\x1b[m\x1b[2J\x1b[?25h\x1b[2;4H\x1b[?2026l");
        assert_eq!(writes[1], "\x1b[?2026h\x1b[2;5H\x1b[?2026l");
        assert_eq!(writes[2], "\x1b[?2026h\x1b[?25l\x1b[?2026l");
    }

    /// What an emulator shows after all that was written: every cell with its look.
    fn shown_by(screen: &Screen<Writes>, width: u16, height: u16) -> Vec<String> {
        let side = |cells: u16| std::num::NonZero::new(cells).unwrap();
        let mut emulator = vt100::Parser::new(side(height), side(width), 0);
        screen.out().0.iter().for_each(|bytes| emulator.process(bytes));
        let cell = |row, column| {
            let cell = emulator.screen().cell(row, column).unwrap();
            // An erased cell and one with a space in it look the same.
            let symbol = if cell.has_contents() { cell.contents() } else { " " };
            let look = (cell.fgcolor(), cell.bgcolor(), cell.bold(), cell.inverse());
            if look == (vt100::Color::Default, vt100::Color::Default, false, false) {
                symbol.to_owned()
            } else {
                format!("{symbol}{look:?}")
            }
        };
        (0..height).map(|row| (0..width).map(|column| cell(row, column)).collect::<String>()).collect()
    }

    proptest! {
        /// Whatever way a screen came about, an emulator shows what a fresh drawing of it shows.
        #[test]
        fn changes_add_up_to_the_whole(steps in proptest::collection::vec((0u32..6, 2u16..12, any::<bool>()), 1..12)) {
            let mut screen = screen(60, 12);
            for (first, rows, grey) in &steps {
                let view = |cells: &mut Buffer| {
                    let cursor = table(*first)(cells);
                    let style = if *grey { Style::new().bg(Color::DarkGray) } else { Style::new() };
                    cells.set_style(Rect::new(0, *rows, 60, 1), style);
                    cursor
                };
                screen.draw(view).unwrap();
            }
            let mut fresh = Screen::new(Writes::default(), CAPABILITIES, 60, 12);
            let (first, rows, grey) = steps[steps.len() - 1];
            fresh.draw(|cells: &mut Buffer| {
                let cursor = table(first)(cells);
                let style = if grey { Style::new().bg(Color::DarkGray) } else { Style::new() };
                cells.set_style(Rect::new(0, rows, 60, 1), style);
                cursor
            }).unwrap();
            prop_assert_eq!(shown_by(&screen, 60, 12), shown_by(&fresh, 60, 12));
        }

        /// The same for characters about whose width the emulator and we are of different minds.
        #[test]
        fn doubtful_characters_leave_nothing_behind(
            steps in proptest::collection::vec(proptest::collection::vec((0usize..WORDS.len(), 0u16..3), 5), 1..8)
        ) {
            let view = |rows: &[(usize, u16)]| {
                let rows = rows.to_vec();
                move |cells: &mut Buffer| {
                    for (y, (word, x)) in (0..).zip(&rows) {
                        cells.set_string(*x, y, WORDS[*word], Style::new());
                        cells.set_string(30, y, "the next column", Style::new());
                    }
                    None
                }
            };
            let mut screen = screen(60, 5);
            for rows in &steps {
                screen.draw(view(rows)).unwrap();
            }
            let mut fresh = Screen::new(Writes::default(), CAPABILITIES, 60, 5);
            fresh.draw(view(&steps[steps.len() - 1])).unwrap();
            prop_assert_eq!(shown_by(&screen, 60, 5), shown_by(&fresh, 60, 5));
        }
    }

    const WORDS: [&str; 9] = [
        "",
        "plain words",
        "विक्रम सिंह",
        "สมชาย แสงจันทร์ 王",
        "Zoë 👩\u{200d}👩\u{200d}👧 O'Neil 🇩🇪🇫🇷 ☂\u{fe0f}x",
        "Za\u{301}\u{301}\u{301}\u{301}lgo e\u{301}",
        "فاطمة بن راشد",
        "지훈 박 健太",
        "क्षत्रिय ❤\u{fe0f}❤\u{fe0f}",
    ];
}
