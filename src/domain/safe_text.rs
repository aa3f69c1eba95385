//! Words from outside, made safe once.
//!
//! Vendors store what people and machines typed: names with escape sequences, line breaks, right-to-left overrides.
//! [`SafeText`] is the only kind of remote text that the screen, the window title, the clipboard, the log and exports
//! accept. Dangerous characters are not dropped but become visible marks, so that a reader sees that they are there.
//! [`Verbatim`] keeps a text byte for byte where it must be compared with the vendor's or written back; it cannot be
//! displayed without going through [`Verbatim::safe`].

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that cannot steer a terminal: no control, escape, direction or invisible formatting characters in it.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafeText(CompactString);

impl SafeText {
    /// Makes `text` safe. Safe text stays as it is, byte for byte.
    pub fn new(text: &str) -> Self {
        Self(CompactString::from(visible(text)))
    }

    pub const fn empty() -> Self {
        Self(CompactString::const_new(""))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for SafeText {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&<Cow<'de, str>>::deserialize(deserializer)?))
    }
}

/// Several [`SafeText`]s in lines and cells, for the clipboard and for files. Line breaks and tabs stand only between
/// them, and no cell can start a formula where it is pasted into a spreadsheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeLines(String);

impl SafeLines {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a line of cells, with tabs between them.
    pub fn push<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                self.0.push('\t');
            }
            let cell = cell.as_ref();
            if cell.starts_with(['=', '+', '-', '@']) {
                self.0.push('\'');
            }
            self.0.push_str(&visible(cell));
        }
    }
}

/// A remote text byte for byte, for comparing with the vendor's and for writing back. It has no `Display` on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verbatim(CompactString);

impl Verbatim {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(CompactString::from(text.as_ref()))
    }

    /// The text as the vendor has it: for requests, comparisons and the journal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text for people.
    pub fn safe(&self) -> SafeText {
        SafeText::new(&self.0)
    }
}

impl From<&str> for Verbatim {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// How many combining marks may follow one character; what is more would paint over the lines above and below.
const MOST_COMBINING_MARKS: usize = 4;

/// `text` with every dangerous character replaced by a visible mark. Borrows when there is nothing to do.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut marks = 0;
    let needs_work = text.chars().any(|c| {
        marks = if is_combining(c) { marks + 1 } else { 0 };
        mark(c).is_some() || marks > MOST_COMBINING_MARKS
    });
    if !needs_work {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_combining(c) { marks + 1 } else { 0 };
        match mark(c) {
            Some(Mark::Picture(picture)) => out.push(picture),
            Some(Mark::Name(name)) => {
                out.push('‹');
                out.push_str(name);
                out.push('›');
            }
            Some(Mark::Code) => out.push_str(&format!("‹U+{:04X}›", c as u32)),
            None if marks == MOST_COMBINING_MARKS + 1 => out.push('…'),
            None if marks > MOST_COMBINING_MARKS => {}
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a character may be shown as it is.
pub fn is_safe(character: char) -> bool {
    mark(character).is_none()
}

enum Mark {
    /// A control picture of one column.
    Picture(char),
    /// The character's usual short name.
    Name(&'static str),
    /// Its code point.
    Code,
}

fn mark(c: char) -> Option<Mark> {
    Some(match c {
        '\0'..='\x1f' => Mark::Picture(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\x7f' => Mark::Picture('␡'),
        '\u{80}'..='\u{9f}' => Mark::Code,
        '\u{ad}' => Mark::Name("SHY"),
        '\u{61c}' => Mark::Name("ALM"),
        '\u{200b}' => Mark::Name("ZWSP"),
        '\u{200e}' => Mark::Name("LRM"),
        '\u{200f}' => Mark::Name("RLM"),
        '\u{2028}' => Mark::Name("LS"),
        '\u{2029}' => Mark::Name("PS"),
        '\u{202a}' => Mark::Name("LRE"),
        '\u{202b}' => Mark::Name("RLE"),
        '\u{202c}' => Mark::Name("PDF"),
        '\u{202d}' => Mark::Name("LRO"),
        '\u{202e}' => Mark::Name("RLO"),
        '\u{2060}' => Mark::Name("WJ"),
        '\u{2066}' => Mark::Name("LRI"),
        '\u{2067}' => Mark::Name("RLI"),
        '\u{2068}' => Mark::Name("FSI"),
        '\u{2069}' => Mark::Name("PDI"),
        '\u{feff}' => Mark::Name("BOM"),
        // Invisible operators, deprecated format characters, annotation anchors, language tags, blank-looking letters.
        '\u{2061}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{180e}' => Mark::Code,
        _ => return None,
    })
}

fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dangerous_characters_become_visible_marks() {
        for (raw, shown) in [
            ("plain", "plain"),
            ("Zoë 王小明 Ольга", "Zoë 王小明 Ольга"),
            ("\x1b[31mred", "␛[31mred"),
            ("a\r\nb\tc", "a␍␊b␉c"),
            ("\u{9b}31m", "‹U+009B›31m"),
            ("evil\u{202e}gpj.exe", "evil‹RLO›gpj.exe"),
            ("zero\u{200b}width", "zero‹ZWSP›width"),
            ("👩‍👩‍👧", "👩‍👩‍👧"),
        ] {
            assert_eq!(visible(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn stacked_combining_marks_are_cut_short() {
        let tower = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(visible(&tower), format!("a{}…b", "\u{301}".repeat(4)));
    }

    #[test]
    fn lines_and_cells_are_ours_and_no_formula_gets_through() {
        let mut lines = SafeLines::default();
        lines.push(["ld_1", "=HYPERLINK(\"x\")", "a\tb\nc"]);
        lines.push(["ld_2", "", "-1"]);
        assert_eq!(lines.as_str(), "ld_1\t'=HYPERLINK(\"x\")\ta␉b␊c\nld_2\t\t'-1");
    }

    proptest! {
        #[test]
        fn safe_text_holds_nothing_that_steers_and_is_stable(raw in any::<String>()) {
            let safe = SafeText::new(&raw);
            prop_assert!(safe.as_str().chars().all(|c| !c.is_control() && mark(c).is_none()));
            prop_assert_eq!(SafeText::new(safe.as_str()), safe);
        }
    }
}
