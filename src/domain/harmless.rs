//! JSON for files and pipes in which nothing steers a terminal: dangerous characters are escapes, which mean the same to
//! every reader of JSON, so that texts and ids stay exact.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::safe_text;

/// One line of JSON in which characters that could steer a terminal are escaped, so that ids stay exact and harmless.
pub fn write_json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?;
    out.write_all(b"\n")
}

/// Compact JSON that escapes what [`safe_text`] would mark.
struct Harmless(CompactFormatter);

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_harmless_fragment(writer, fragment)
    }
}

/// A piece of a JSON text with what could steer a terminal as escapes, for formatters.
fn write_harmless_fragment<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut from = 0;
    for (at, character) in fragment.char_indices() {
        if character.is_ascii() && character != '\x7f' || safe_text::is_safe(character) {
            continue;
        }
        writer.write_all(&fragment.as_bytes()[from..at])?;
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(writer, "\\u{unit:04x}")?;
        }
        from = at + character.len_utf8();
    }
    writer.write_all(&fragment.as_bytes()[from..])
}

/// Writes JSON in lines for people, with every character that could steer a terminal as an escape.
pub fn write_pretty(to: impl Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = HarmlessLines(PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(to, formatter)).map_err(io::Error::from)
}

struct HarmlessLines(PrettyFormatter<'static>);

/// Everything about lines is the pretty formatter's.
macro_rules! lines_of {
    ($($method:ident $(($first:ident: bool))?),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, to: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$method(to $(, $first)?)
        })*
    };
}

impl Formatter for HarmlessLines {
    lines_of!(
        begin_array,
        end_array,
        begin_array_value(first: bool),
        end_array_value,
        begin_object,
        end_object,
        begin_object_key(first: bool),
        begin_object_value,
        end_object_value,
    );

    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        write_harmless_fragment(to, fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_lines_is_harmless_to_a_terminal_and_means_the_same() {
        let raw = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{e0041}\"\\ Zoë 王 👩‍👩‍👧";
        let value = serde_json::json!({ "a": [raw], "b": {} });
        let mut out = Vec::new();
        write_pretty(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && safe_text::is_safe(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        assert!(text.starts_with("{\n  \"a\": [\n"), "{text}");
    }
}
