//! Putting text on the screen, cut by what it takes there.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::{Role, Theme};
use crate::app::words;

/// Where the drawing goes, and how it looks.
pub struct Canvas<'a> {
    pub buffer: &'a mut Buffer,
    /// Where the terminal's own cursor is shown.
    pub cursor: Option<(u16, u16)>,
    pub theme: Theme,
}

impl Canvas<'_> {
    /// Writes `text` from (`x`, `y`), at most `width` columns; longer text ends in an ellipsis. Returns the columns used.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        self.styled(x, y, width, text, self.theme.style(role))
    }

    pub fn styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        self.marked(x, y, width, text, style, &[], style)
    }

    /// Writes `text` in as many lines as it takes; where there is no room for all of them the last one ends in an ellipsis.
    pub fn wrapped(&mut self, area: Rect, text: &str, role: Role) {
        let mut lines = words::wrap(text, usize::from(area.width));
        if lines.len() > usize::from(area.height) && area.height > 0 {
            let rest = lines.split_off(usize::from(area.height) - 1).join(" ");
            lines.push(rest);
        }
        for (line, y) in lines.iter().zip(area.y..area.bottom()) {
            self.text(area.x, y, area.width, line, role);
        }
    }

    /// As [`text`](Self::text), at the right end of the space.
    pub fn right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let used = fitting(text, usize::from(width), self.theme.glyphs.ellipsis).1 as u16;
        self.text(x + width - used, y, used, text, role)
    }

    /// As [`text`](Self::text), with the bytes of `ranges` in another style.
    #[expect(clippy::too_many_arguments, reason = "a place, a text and two looks")]
    pub fn marked(
        &mut self,
        x: u16,
        y: u16,
        width: u16,
        text: &str,
        style: Style,
        ranges: &[Range<usize>],
        highlight: Style,
    ) -> u16 {
        let area = self.buffer.area;
        if y < area.y || y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let width = width.min(area.right() - x);
        // Nothing of what was painted here before may shine through.
        let (style, highlight) = (Style::reset().patch(style), Style::reset().patch(highlight));
        let ellipsis = self.theme.glyphs.ellipsis;
        let (keep, used) = fitting(text, usize::from(width), ellipsis);
        let mut at = x;
        let mut byte = 0;
        if is_plain(&text[..keep], keep) {
            self.plain(x, y, &text[..keep], style);
            for range in ranges {
                let (from, to) = (range.start.min(keep), range.end.min(keep));
                self.plain(x + from as u16, y, &text[from..to.max(from)], highlight);
            }
            at = x + keep as u16;
            byte = keep;
        } else if ranges.is_empty() {
            at = self.buffer.set_stringn(x, y, &text[..keep], usize::from(width), style).0;
            byte = keep;
        }
        for grapheme in text[byte..keep].graphemes(true) {
            let inside = |range: &Range<usize>| range.start < byte + grapheme.len() && byte < range.end;
            let style = if ranges.iter().any(inside) { highlight } else { style };
            byte += grapheme.len();
            let columns = UnicodeWidthStr::width(grapheme) as u16;
            if columns == 0 {
                continue;
            }
            self.buffer.set_stringn(at, y, grapheme, usize::from(columns), style);
            at += columns;
        }
        if keep < text.len() && usize::from(at - x) < used {
            self.buffer.set_stringn(at, y, ellipsis, usize::from(width) - usize::from(at - x), style);
        }
        used as u16
    }

    /// Puts plain text where there is room for it: a byte is a cell.
    fn plain(&mut self, x: u16, y: u16, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let first = self.buffer.index_of(x, y);
        for (cell, byte) in self.buffer.content[first..].iter_mut().zip(text.bytes()) {
            cell.set_char(char::from(byte)).set_style(style);
        }
    }

    /// Fills a row of an area with one glyph.
    pub fn fill(&mut self, area: Rect, glyph: &str, role: Role) {
        let style = self.theme.style(role);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                self.glyph(x, y, glyph, style);
            }
        }
    }

    /// Empties an area, whatever lies below.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                self.buffer[(x, y)].reset();
            }
            // A wide character that began left of the area would be cut in half.
            if area.x > self.buffer.area.x && UnicodeWidthStr::width(self.buffer[(area.x - 1, y)].symbol()) > 1 {
                self.buffer[(area.x - 1, y)].set_symbol(" ");
            }
        }
    }

    /// Pieces of a line one after the other; what does not fit is cut. Returns the columns used.
    pub fn line(&mut self, x: u16, y: u16, width: u16, pieces: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (text, role) in pieces {
            used += self.text(x + used, y, width - used, text, *role);
        }
        used
    }

    /// A bar of `width` columns, `part` of it full.
    pub fn bar(&mut self, x: u16, y: u16, width: u16, part: f64, rest: bool) {
        let glyphs = self.theme.glyphs;
        let halves = (part.clamp(0.0, 1.0) * f64::from(width) * 2.0).round() as u16;
        for column in 0..width {
            let (glyph, role) = match halves.saturating_sub(column * 2) {
                0 if rest => (glyphs.bar_rest, Role::Dim),
                0 => continue,
                1 => (glyphs.half_bar, Role::Bar),
                _ => (glyphs.bar, Role::Bar),
            };
            self.glyph(x + column, y, glyph, Style::reset().patch(self.theme.style(role)));
        }
    }

    /// Puts a glyph of one column where there is room for it.
    fn glyph(&mut self, x: u16, y: u16, glyph: &str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }
}

/// How many bytes of `text` fit into `width` columns, and how many columns that takes, the ellipsis included where it
/// is cut. Looks at no more of the text than fits.
pub fn fitting(text: &str, width: usize, ellipsis: &str) -> (usize, usize) {
    if !is_plain(text, width) {
        return fitting_clusters(text, width, ellipsis);
    }
    if text.len() <= width {
        return (text.len(), text.len());
    }
    let dots = UnicodeWidthStr::width(ellipsis);
    let keep = width.saturating_sub(dots);
    (keep, (keep + dots).min(width))
}

/// The same for texts of any kind, cluster by cluster.
fn fitting_clusters(text: &str, width: usize, ellipsis: &str) -> (usize, usize) {
    let dots = UnicodeWidthStr::width(ellipsis);
    let mut used = 0;
    // The longest beginning that leaves room for the ellipsis.
    let mut cut = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let columns = UnicodeWidthStr::width(grapheme);
        if used + columns > width {
            return (cut.0, (cut.1 + dots).min(width));
        }
        used += columns;
        if used + dots <= width {
            cut = (at + grapheme.len(), used);
        }
    }
    (text.len(), used)
}

/// Whether the first `width` columns of a text, and the one after them, are plain ASCII: then a byte is a column, and
/// what most texts are costs a fraction of looking for clusters and their widths.
fn is_plain(text: &str, width: usize) -> bool {
    text.as_bytes()[..text.len().min(width.saturating_add(1))].iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Options;
    use proptest::prelude::*;
    use ratatui::buffer::Cell;
    use ratatui::style::{Color, Modifier};

    #[test]
    fn text_is_cut_by_columns() {
        for (text, width, keep, used) in [
            ("plain", 5, 5, 5),
            ("plain", 4, 3, 4),
            ("plain", 1, 0, 1),
            ("plain", 0, 0, 0),
            ("王小明", 6, 9, 6),
            ("王小明", 5, 6, 5),
            ("王小明", 4, 3, 3),
            ("zoe\u{308}", 3, 5, 3),
            ("", 3, 0, 0),
        ] {
            assert_eq!(fitting(text, width, "…"), (keep, used), "{text} in {width}");
        }
    }

    proptest! {
        #[test]
        fn no_text_takes_more_than_it_is_given(text in any::<String>(), width in 0_usize..40) {
            let (keep, used) = fitting(&text, width, "…");
            prop_assert!(used <= width);
            prop_assert!(text.is_char_boundary(keep));
            prop_assert_eq!(fitting_clusters(&text, width, "…"), (keep, used));
        }

        /// Plain text takes a shorter way onto the screen; it looks as it would on the long one.
        #[test]
        fn plain_text_is_painted_as_any_other(
            text in "[ -~]{0,12}([ -~]|e\u{301}|王|\u{301}){0,8}",
            width in 0_u16..24,
            marks in (0_usize..20, 0_usize..20),
        ) {
            let range = marks.0..marks.0 + marks.1;
            let (style, highlight) = (Style::new().fg(Color::Red), Style::new().add_modifier(Modifier::BOLD));
            let mut buffer = Buffer::filled(Rect::new(0, 0, 20, 1), Cell::new("x"));
            let theme = Theme::of(&Options::default());
            let mut canvas = Canvas { buffer: &mut buffer, cursor: None, theme };
            let used = canvas.marked(2, 0, width, &text, style, std::slice::from_ref(&range), highlight);
            let mut expected = Buffer::filled(Rect::new(0, 0, 20, 1), Cell::new("x"));
            let (keep, _) = fitting(&text, usize::from(width.min(18)), "…");
            let mut at = 2;
            for (byte, cluster) in text[..keep].grapheme_indices(true) {
                let marked = range.start < byte + cluster.len() && byte < range.end;
                let style = Style::reset().patch(if marked { highlight } else { style });
                at = expected.set_stringn(at, 0, cluster, 20, style).0;
            }
            if keep < text.len() && at - 2 < used {
                expected.set_stringn(at, 0, "…", usize::from(2 + used - at), Style::reset().patch(style));
            }
            prop_assert_eq!(buffer, expected);
        }
    }
}
