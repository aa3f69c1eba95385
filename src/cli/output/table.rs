//! Plain, aligned tables for people.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::Out;
use crate::cli::exit::Failure;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub head: &'static str,
    pub align: Align,
    /// May be cut short where the terminal is narrow. Ids and numbers are not.
    pub shrinks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

impl Column {
    /// Words, which may be cut.
    pub const fn words(head: &'static str) -> Self {
        Self { head, align: Align::Left, shrinks: true }
    }

    /// An id or another text that is of no use when it is cut.
    pub const fn whole(head: &'static str) -> Self {
        Self { head, align: Align::Left, shrinks: false }
    }

    pub const fn number(head: &'static str) -> Self {
        Self { head, align: Align::Right, shrinks: false }
    }
}

/// Rows beyond these do not widen the columns, so that a long table starts at once.
const MEASURED: usize = 1_000;
/// No column of words is wider at first.
const WIDEST: usize = 40;
const NARROWEST: usize = 8;

/// Prints rows as they come; the first ones decide the widths.
pub struct Table {
    columns: Vec<Column>,
    widths: Vec<usize>,
    waiting: Vec<Vec<String>>,
    begun: bool,
    /// The terminal's width, where there is one.
    room: Option<usize>,
}

impl Table {
    pub fn new(columns: &[Column], room: Option<usize>) -> Self {
        Self {
            columns: columns.to_vec(),
            widths: columns.iter().map(|column| column.head.width()).collect(),
            waiting: Vec::new(),
            begun: false,
            room,
        }
    }

    pub fn row(&mut self, out: &mut Out, cells: Vec<String>) -> Result<(), Failure> {
        if self.begun {
            return self.print(out, &cells);
        }
        for ((width, column), cell) in self.widths.iter_mut().zip(&self.columns).zip(&cells) {
            let most = if column.shrinks { WIDEST } else { usize::MAX };
            *width = (*width).max(cell.width().min(most));
        }
        self.waiting.push(cells);
        if self.waiting.len() >= MEASURED { self.begin(out) } else { Ok(()) }
    }

    /// Prints what is still waiting. A table without rows prints nothing.
    pub fn end(mut self, out: &mut Out) -> Result<(), Failure> {
        if self.waiting.is_empty() { Ok(()) } else { self.begin(out) }
    }

    fn begin(&mut self, out: &mut Out) -> Result<(), Failure> {
        self.begun = true;
        self.fit();
        let heads: Vec<String> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        self.print(out, &heads)?;
        for cells in std::mem::take(&mut self.waiting) {
            self.print(out, &cells)?;
        }
        Ok(())
    }

    /// Takes from the widest columns of words until the row fits.
    fn fit(&mut self) {
        let Some(room) = self.room else { return };
        loop {
            let total: usize = self.widths.iter().sum::<usize>() + 2 * self.widths.len().saturating_sub(1);
            let widest = (0..self.widths.len())
                .filter(|n| self.columns[*n].shrinks && self.widths[*n] > NARROWEST)
                .max_by_key(|n| self.widths[*n]);
            match widest {
                Some(widest) if total > room => self.widths[widest] -= 1,
                _ => return,
            }
        }
    }

    fn print(&self, out: &mut Out, cells: &[String]) -> Result<(), Failure> {
        let mut line = String::new();
        for (n, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            let width = self.widths[n];
            let cell = if column.shrinks { cut(cell, width) } else { cell.clone() };
            let blanks = width.saturating_sub(cell.width());
            if n > 0 {
                line.push_str("  ");
            }
            match column.align {
                Align::Left => {
                    line.push_str(&cell);
                    line.extend(std::iter::repeat_n(' ', blanks));
                }
                Align::Right => {
                    line.extend(std::iter::repeat_n(' ', blanks));
                    line.push_str(&cell);
                }
            }
        }
        out.line(line.trim_end())
    }
}

/// `text` in at most `width` columns, with `…` where something was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += cluster.width();
        if used + 1 > width {
            break;
        }
        short.push_str(cluster);
    }
    short.push('…');
    short
}

/// The width of the terminal that standard output is, if it is one.
pub fn room() -> Option<usize> {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn printed(room: Option<usize>, rows: &[[&str; 3]]) -> String {
        let kept = Kept::default();
        let mut out = Out::new(kept.clone());
        let mut table = Table::new(&[Column::whole("ID"), Column::words("NAME"), Column::number("LEADS")], room);
        for row in rows {
            table.row(&mut out, row.iter().map(|cell| (*cell).to_owned()).collect()).unwrap();
        }
        table.end(&mut out).unwrap();
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        assert_eq!(
            printed(None, &[["u1", "王小明", "7"], ["u22", "Zoë", "1200"]]),
            "ID   NAME    LEADS\nu1   王小明      7\nu22  Zoë      1200\n"
        );
        assert_eq!(printed(None, &[]), "");
    }

    #[test]
    fn words_are_cut_where_the_terminal_is_narrow_and_ids_are_not() {
        assert_eq!(
            printed(Some(24), &[["id-that-is-long", "Bartholomew Longname", "7"]]),
            "ID               NAME      LEADS\nid-that-is-long  Barthol…      7\n"
        );
        assert_eq!(cut("王小明", 4), "王…");
    }
}
