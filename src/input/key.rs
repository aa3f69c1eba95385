//! Keys and how they are written: `ctrl-a`, `shift-tab`, `space`, `f5`, `?`, `enter`, `alt-x`.
//!
//! One key has exactly one way of being written (what [`Display`](fmt::Display) prints); reading is a little more
//! generous (`escape`, `pgup`). Keys that terminals cannot tell apart are one key here, and the notation refuses
//! spellings that could never be pressed, so that nobody binds an action to a key that does not exist.

use std::fmt;
use std::str::FromStr;

/// One key press with its modifiers, in the only form in which it can occur: build it with [`Key::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// The key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character as it would be typed into a text: `a`, `A`, `?`, space.
    Char(char),
    /// F1 to F24.
    F(u8),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// The highest function key that terminals send.
pub const MOST_F_KEYS: u8 = 24;

/// Names of keys that are no characters: the first name of a code is the one that is printed.
const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("ins", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

/// Why a text is no key. `Display` is a sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is not a key: {why}")]
pub struct KeyError {
    pub written: String,
    pub why: String,
}

impl Key {
    /// The key with these modifiers, in its one form: shift is part of a character, ctrl does not know capitals.
    pub fn new(code: KeyCode, ctrl: bool, alt: bool, shift: bool) -> Self {
        match code {
            KeyCode::Char(c) if ctrl => {
                Self { code: KeyCode::Char(single(c, c.to_lowercase())), ctrl, alt, shift: false }
            }
            KeyCode::Char(c) if shift => {
                Self { code: KeyCode::Char(single(c, c.to_uppercase())), ctrl, alt, shift: false }
            }
            code => Self { code, ctrl, alt, shift },
        }
    }

    /// The key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self::new(code, false, false, false)
    }

    pub fn char(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    pub fn ctrl(c: char) -> Self {
        Self::new(KeyCode::Char(c), true, false, false)
    }

    pub fn code(self) -> KeyCode {
        self.code
    }

    pub fn has_ctrl(self) -> bool {
        self.ctrl
    }

    pub fn has_alt(self) -> bool {
        self.alt
    }

    pub fn has_shift(self) -> bool {
        self.shift
    }

    /// The same key with alt held as well.
    pub fn with_alt(self) -> Self {
        Self { alt: true, ..self }
    }

    /// The character that this key puts into a text, where it does.
    pub fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// The other case of a letter, where that is a single character too (`ß` has none).
fn single(c: char, mut converted: impl Iterator<Item = char>) -> char {
    match (converted.next(), converted.next()) {
        (Some(other), None) => other,
        _ => c,
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                text.push_str(name);
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => text.push_str(name),
            (None, KeyCode::F(number)) => text.push_str(&format!("f{number}")),
            // Characters that nobody could see in a key map.
            (None, KeyCode::Char(c)) if is_invisible(c) => text.push_str(&format!("u+{:04x}", c as u32)),
            (None, KeyCode::Char(c)) => text.push(c),
            // Every other code is in NAMES; the unit tests go through all of them.
            (None, other) => text.push_str(&format!("{other:?}").to_lowercase()),
        }
        f.pad(&text)
    }
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace() || c.is_control() || visible(c.encode_utf8(&mut [0; 4])) != *c.encode_utf8(&mut [0; 4])
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(written: &str) -> Result<Self, KeyError> {
        let refuse = |why: &str| Err(KeyError { written: visible(written), why: why.to_owned() });
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = written;
        loop {
            let (held, after) = match rest.split_once('-') {
                // A lone `-` at the end is the key, not a separator.
                Some((name, after)) if !after.is_empty() => match name.to_ascii_lowercase().as_str() {
                    "ctrl" => (&mut ctrl, after),
                    "alt" => (&mut alt, after),
                    "shift" => (&mut shift, after),
                    _ => break,
                },
                _ => break,
            };
            if *held {
                return refuse("a modifier is named twice");
            }
            *held = true;
            rest = after;
        }
        let Some(code) = code(rest) else {
            return refuse(
                "write a character, or one of enter, esc, tab, space, backspace, delete, insert, up, down, left, right, \
                 home, end, pageup, pagedown, f1 to f24, with ctrl-, alt- or shift- before it",
            );
        };
        match code {
            KeyCode::Char(c) if shift && !c.is_alphabetic() => {
                refuse("write the character that shift makes, such as `?`")
            }
            KeyCode::Char(_) if shift && ctrl => refuse("terminals cannot tell ctrl with shift from ctrl alone"),
            KeyCode::Char(c) if ctrl && !c.is_ascii() => refuse("ctrl goes with plain letters"),
            KeyCode::Char(c) if ctrl && matches!(c.to_ascii_lowercase(), 'h' | 'i' | 'm' | '[') => refuse(
                "terminals send ctrl-h as backspace, ctrl-i as tab, ctrl-m as enter and ctrl-[ as esc; write that",
            ),
            code => Ok(Self::new(code, ctrl, alt, shift)),
        }
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!is_invisible(c)).then_some(KeyCode::Char(c));
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(*code);
    }
    if let Some(number) = lower.strip_prefix('f').and_then(|number| number.parse().ok()) {
        return (1..=MOST_F_KEYS).contains(&number).then_some(KeyCode::F(number));
    }
    let number = u32::from_str_radix(lower.strip_prefix("u+")?, 16).ok()?;
    char::from_u32(number).filter(|c| !c.is_control()).map(KeyCode::Char)
}

fn visible(text: &str) -> String {
    crate::domain::safe_text::visible(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_written_the_way_people_say_them() {
        for (written, key) in [
            ("a", Key::char('a')),
            ("A", Key::char('A')),
            ("?", Key::char('?')),
            ("-", Key::char('-')),
            ("space", Key::char(' ')),
            ("ctrl-a", Key::ctrl('a')),
            ("ctrl--", Key::ctrl('-')),
            ("alt-x", Key::char('x').with_alt()),
            ("alt-X", Key::char('X').with_alt()),
            ("alt--", Key::char('-').with_alt()),
            ("ctrl-alt-x", Key::ctrl('x').with_alt()),
            ("shift-tab", Key::new(KeyCode::Tab, false, false, true)),
            ("ctrl-space", Key::ctrl(' ')),
            ("enter", Key::plain(KeyCode::Enter)),
            ("f5", Key::plain(KeyCode::F(5))),
            ("ctrl-pagedown", Key::new(KeyCode::PageDown, true, false, false)),
            ("ж", Key::char('ж')),
            ("u+3000", Key::char('\u{3000}')),
        ] {
            assert_eq!(written.parse(), Ok(key), "{written}");
            assert_eq!(key.to_string(), written);
        }
    }

    #[test]
    fn other_spellings_are_understood() {
        for (written, printed) in [
            ("Escape", "esc"),
            ("PgUp", "pageup"),
            ("return", "enter"),
            ("CTRL-A", "ctrl-a"),
            ("shift-g", "G"),
            ("alt-ctrl-x", "ctrl-alt-x"),
            ("F12", "f12"),
        ] {
            assert_eq!(written.parse::<Key>().map(|key| key.to_string()).as_deref(), Ok(printed), "{written}");
        }
    }

    #[test]
    fn keys_that_cannot_be_pressed_are_refused() {
        for written in [
            "",
            " ",
            "\n",
            "\x1b",
            "ctrl-",
            "ctrl-i",
            "ctrl-M",
            "ctrl-[",
            "ctrl-shift-x",
            "shift-1",
            "shift-?",
            "ctrl-ж",
            "ctrl-ctrl-a",
            "f0",
            "f25",
            "enterr",
            "ab",
            "meta-x",
            "u+1b",
            "u+110000",
        ] {
            let error = written.parse::<Key>().expect_err(written);
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }

    fn any_code() -> impl Strategy<Value = KeyCode> {
        let named: Vec<KeyCode> = NAMES.iter().map(|(_, code)| *code).collect();
        prop_oneof![
            any::<char>()
                .prop_filter("terminals send these as named keys", |c| !c.is_control())
                .prop_map(KeyCode::Char),
            (1..=MOST_F_KEYS).prop_map(KeyCode::F),
            proptest::sample::select(named),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(code in any_code(), ctrl: bool, alt: bool, shift: bool) {
            let key = Key::new(code, ctrl, alt, shift);
            let refused = key.has_ctrl()
                && matches!(key.code(), KeyCode::Char(c) if !c.is_ascii() || matches!(c, 'h' | 'i' | 'm' | '['));
            if !refused {
                prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
            }
        }

        #[test]
        fn reading_never_fails_in_another_way(written in any::<String>()) {
            if let Ok(key) = written.parse::<Key>() {
                prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
            }
        }
    }
}
