//! What a terminal sends for a key: the other direction of the program's own reader, written from what xterm does.

use switchboard::input::{Key, KeyCode};

pub fn bytes(key: Key) -> Vec<u8> {
    let modifiers = 1 + u8::from(key.has_shift()) + 2 * u8::from(key.has_alt()) + 4 * u8::from(key.has_ctrl());
    let letter = |last: char| match modifiers {
        1 => format!("\x1b[{last}"),
        _ => format!("\x1b[1;{modifiers}{last}"),
    };
    let number = |number: u8| match modifiers {
        1 => format!("\x1b[{number}~"),
        _ => format!("\x1b[{number};{modifiers}~"),
    };
    let alt = if key.has_alt() { "\x1b" } else { "" };
    match key.code() {
        KeyCode::Char(' ') if key.has_ctrl() => format!("{alt}\0"),
        KeyCode::Char(c) if key.has_ctrl() => format!("{alt}{}", char::from(c as u8 & 0x1f)),
        KeyCode::Char(c) => format!("{alt}{c}"),
        KeyCode::Enter => format!("{alt}\r"),
        KeyCode::Esc => format!("{alt}\x1b"),
        KeyCode::Tab if key.has_shift() => "\x1b[Z".to_owned(),
        KeyCode::Tab => format!("{alt}\t"),
        KeyCode::Backspace => format!("{alt}\x7f"),
        KeyCode::Up => letter('A'),
        KeyCode::Down => letter('B'),
        KeyCode::Right => letter('C'),
        KeyCode::Left => letter('D'),
        KeyCode::Home => letter('H'),
        KeyCode::End => letter('F'),
        KeyCode::Insert => number(2),
        KeyCode::Delete => number(3),
        KeyCode::PageUp => number(5),
        KeyCode::PageDown => number(6),
        KeyCode::F(n @ 1..=4) if modifiers == 1 => format!("\x1bO{}", char::from(b'P' + n - 1)),
        KeyCode::F(n @ 1..=4) => letter(char::from(b'P' + n - 1)),
        KeyCode::F(n @ 5) => number(n + 10),
        KeyCode::F(n @ 6..=10) => number(n + 11),
        KeyCode::F(n @ 11..=14) => number(n + 12),
        KeyCode::F(n @ 15..=16) => number(n + 13),
        KeyCode::F(n) => number(n + 14),
    }
    .into_bytes()
}
