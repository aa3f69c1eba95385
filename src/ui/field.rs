//! Text fields of one line.

use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::app::field::TextField;
use crate::app::words;

use super::paint::Canvas;
use super::theme::Role;

/// Columns of the text that lie left of a field of this width, so that the caret is in it.
pub fn first_column(field: &TextField, width: u16) -> usize {
    let caret = words::width(&field.text()[..field.caret()]);
    (caret + 1).saturating_sub(usize::from(width.max(1)))
}

/// Draws the field; with the terminal's own cursor in it where it has the focus.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, field: &TextField, focused: bool) {
    let first = if focused { first_column(field, area.width) } else { 0 };
    let mut column = 0;
    let mut from = 0;
    for grapheme in field.text().graphemes(true) {
        if column >= first {
            break;
        }
        column += UnicodeWidthStr::width(grapheme);
        from += grapheme.len();
    }
    // A wide character that lies half outside leaves its other half blank.
    let blank = (column - first.min(column)) as u16;
    let rest = &field.text()[from..];
    if focused {
        // What lies right of the field is cut without a mark: the caret shows that one is in the middle of a text.
        let (keep, _) = super::paint::fitting(rest, usize::from(area.width.saturating_sub(blank)), "");
        canvas.text(area.x + blank, area.y, area.width.saturating_sub(blank), &rest[..keep], Role::Text);
        let caret = words::width(&field.text()[..field.caret()]) - first;
        canvas.cursor = Some((area.x + (caret as u16).min(area.width.saturating_sub(1)), area.y));
    } else {
        canvas.text(area.x, area.y, area.width, rest, Role::Text);
    }
}

/// Underlines these bytes of a field's text, which is drawn from its column `first` on.
pub fn underline(canvas: &mut Canvas<'_>, area: Rect, field: &TextField, first: usize, bytes: &std::ops::Range<usize>) {
    let text = field.text();
    let column = |byte: usize| words::width(text.get(..byte.min(text.len())).unwrap_or(text));
    let style = canvas.theme.style(Role::Error).add_modifier(ratatui::style::Modifier::UNDERLINED);
    for column in column(bytes.start)..column(bytes.end).max(column(bytes.start) + 1) {
        let Some(x) = column.checked_sub(first).filter(|x| *x < usize::from(area.width)) else { continue };
        canvas.buffer[(area.x + x as u16, area.y)].set_style(style);
    }
}
