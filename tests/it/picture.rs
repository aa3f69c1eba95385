//! The picture in the README: the real screen of the real binary, drawn as SVG.
//!
//! `SWITCHBOARD_PICTURE=assets/screen.svg cargo test --test it picture` makes it anew.

use std::fmt::Write as _;

use crate::pty::Start;

/// Pixels of a character cell.
const CELL: (u32, u32) = (9, 19);
const BACKGROUND: &str = "#16181d";
const TEXT: &str = "#d5d8de";

/// The sixteen named colours, as most terminals have them on a dark background.
const NAMED: [&str; 16] = [
    "#2b2f38", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d5d8de", "#7f848e", "#f28b94",
    "#b5e08f", "#f5d58f", "#82c4ff", "#d9a0ec", "#7fd3de", "#ffffff",
];

#[test]
fn the_picture_of_the_readme_can_be_made() {
    let mut pty = Start::switchboard(&["demo"]).size(120, 36).start();
    pty.wait_for("5,000 leads and 24 owners");
    pty.wait_for_rows("5,000 leads");
    pty.wait_gone("not read yet");
    for marked in 1..=3 {
        pty.keys("j j space");
        pty.wait_for(&format!("{marked} marked"));
    }
    pty.keys("a");
    pty.wait_for("Who gets the 3 marked leads?");
    pty.text("schm");
    pty.wait_for("/ schm");
    let picture = pty.look(svg);
    assert!(picture.contains("Who gets the 3 marked leads?"), "{picture}");
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    if let Some(file) = std::env::var_os("SWITCHBOARD_PICTURE") {
        std::fs::write(file, picture).unwrap();
    }
}

/// The screen as a picture: one rectangle for each run of a background, one text for each run of a style.
fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (u32::from(columns) * CELL.0 + 20, u32::from(rows) * CELL.1 + 20);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" \
         font-size=\"15\">\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let first = screen.cell(row, column).unwrap();
            let style = Style::of(first);
            let start = column;
            let mut text = String::new();
            while let Some(cell) = screen.cell(row, column).filter(|cell| Style::of(cell) == style) {
                if !cell.is_wide_continuation() {
                    text.push_str(if cell.has_contents() { cell.contents() } else { " " });
                }
                column += 1;
                // Wide and rare characters are placed by themselves: fonts do not agree about their width.
                if screen
                    .cell(row, column)
                    .is_none_or(|next| !next.contents().is_ascii() || !cell.contents().is_ascii())
                {
                    break;
                }
            }
            style.draw(&mut out, &text, row, start, column - start);
        }
    }
    out.push_str("</svg>\n");
    out
}

#[derive(PartialEq)]
struct Style {
    text: String,
    background: Option<String>,
    bold: bool,
    underline: bool,
}

impl Style {
    fn of(cell: &vt100::Cell) -> Self {
        let (mut text, mut background) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
        if cell.inverse() {
            (text, background) =
                (background.or_else(|| Some(BACKGROUND.to_owned())), text.or_else(|| Some(TEXT.to_owned())));
        }
        let dim = cell.dim() && text.is_none();
        let plain = if dim { NAMED[8] } else { TEXT };
        Self {
            text: text.unwrap_or_else(|| plain.to_owned()),
            background,
            bold: cell.bold(),
            underline: cell.underline(),
        }
    }

    fn draw(&self, out: &mut String, text: &str, row: u16, column: u16, cells: u16) {
        let (x, y) = (u32::from(column) * CELL.0 + 10, u32::from(row) * CELL.1 + 10);
        let width = u32::from(cells) * CELL.0;
        if let Some(background) = &self.background {
            let _ = writeln!(
                out,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{background}\"/>",
                CELL.1
            );
        }
        if text.trim().is_empty() {
            return;
        }
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let weight = if self.bold { " font-weight=\"bold\"" } else { "" };
        let line = if self.underline { " text-decoration=\"underline\"" } else { "" };
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" fill=\"{}\" xml:space=\"preserve\" textLength=\"{width}\"{weight}{line}>{escaped}</text>",
            y + 15,
            self.text
        );
    }
}

fn colour(colour: vt100::Color) -> Option<String> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index @ 0..16) => Some(NAMED[usize::from(index)].to_owned()),
        vt100::Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            Some(format!("#{:02x}{:02x}{:02x}", level(index / 36), level(index / 6 % 6), level(index % 6)))
        }
        vt100::Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
        vt100::Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}
