//! Copying through the terminal (OSC 52), which works over SSH without a desktop at the other end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::SafeLines;

/// Terminals drop longer sequences without a word: 100,000 bytes is the limit of the strictest that is in wide use.
/// What does not fit is refused, so that nobody pastes half a list.
pub const LONGEST_SEQUENCE: usize = 100_000;

/// What is put around the text.
const FRAME: usize = "\x1b]52;c;\x07".len();

/// The most bytes of text that can be copied: base64 makes four of three.
pub const LONGEST_TEXT: usize = (LONGEST_SEQUENCE - FRAME) / 4 * 3;

/// The sequence that asks the terminal to put `text` on the clipboard, or why it cannot be done.
pub fn copy_sequence(text: &SafeLines) -> Result<String, String> {
    let text = text.as_str();
    if text.len() > LONGEST_TEXT {
        return Err(format!(
            "{} KiB is more than terminals take ({} KiB); save it to a file instead",
            text.len().div_ceil(1024),
            LONGEST_TEXT / 1024
        ));
    }
    Ok(format!("\x1b]52;c;{}\x07", STANDARD.encode(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> SafeLines {
        let mut lines = SafeLines::default();
        lines.push([text]);
        lines
    }

    #[test]
    fn a_text_is_wrapped_and_nothing_of_it_is_a_control_character() {
        assert_eq!(copy_sequence(&lines("Zoë")), Ok("\x1b]52;c;Wm/Dqw==\x07".to_owned()));
    }

    #[test]
    fn what_terminals_would_cut_is_refused() {
        let longest = lines(&"a".repeat(LONGEST_TEXT));
        assert!(copy_sequence(&longest).is_ok_and(|sequence| sequence.len() <= LONGEST_SEQUENCE));
        assert!(copy_sequence(&lines(&"a".repeat(LONGEST_TEXT + 1))).is_err_and(|why| why.contains("file")));
    }
}
