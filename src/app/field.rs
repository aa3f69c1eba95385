//! A text field of one line.

use unicode_segmentation::UnicodeSegmentation;

use crate::domain::safe_text;

use super::message::Edit;

/// What is being typed, and the caret in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
    /// In bytes; always between two characters as people see them.
    caret: usize,
}

/// No question on this screen has a longer answer; a pasted book must not slow down every key.
const MOST_BYTES: usize = 4096;

impl TextField {
    pub fn new(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn caret(&self) -> usize {
        self.caret
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Puts `text` where the caret is: its first line, without what could steer a terminal. A line break is never an
    /// answer, and what cannot be seen cannot be checked before it is confirmed.
    pub fn insert(&mut self, text: &str) {
        let mut added = String::new();
        for c in text.chars() {
            match c {
                '\n' | '\r' => break,
                '\t' => added.push(' '),
                c if safe_text::visible(c.encode_utf8(&mut [0; 4])).chars().eq([c]) => added.push(c),
                _ => {}
            }
        }
        if self.text.len() + added.len() <= MOST_BYTES {
            self.text.insert_str(self.caret, &added);
            self.caret += added.len();
        }
    }

    /// Does an editing key. True when the text has changed.
    pub fn edit(&mut self, edit: Edit) -> bool {
        let from = self.caret;
        let range = match edit {
            Edit::Left => return self.go(self.before(from)),
            Edit::Right => return self.go(self.after(from)),
            Edit::WordLeft => return self.go(self.word_before(from)),
            Edit::WordRight => return self.go(self.word_after(from)),
            Edit::Start => return self.go(0),
            Edit::End => return self.go(self.text.len()),
            Edit::DeleteBefore => self.before(from)..from,
            Edit::DeleteAfter => from..self.after(from),
            Edit::DeleteWordBefore => self.word_before(from)..from,
            Edit::DeleteToStart => 0..from,
            Edit::DeleteToEnd => from..self.text.len(),
        };
        self.caret = range.start;
        let changed = !range.is_empty();
        self.text.replace_range(range, "");
        changed
    }

    fn go(&mut self, to: usize) -> bool {
        self.caret = to;
        false
    }

    fn before(&self, at: usize) -> usize {
        self.text[..at].grapheme_indices(true).next_back().map_or(0, |(start, _)| start)
    }

    fn after(&self, at: usize) -> usize {
        self.text[at..].graphemes(true).next().map_or(at, |grapheme| at + grapheme.len())
    }

    fn word_before(&self, at: usize) -> usize {
        self.text[..at].unicode_word_indices().next_back().map_or(0, |(start, _)| start)
    }

    fn word_after(&self, at: usize) -> usize {
        self.text[at..].unicode_word_indices().next().map_or(self.text.len(), |(start, word)| at + start + word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pasted_line_break_and_what_follows_it_are_left_out() {
        let mut field = TextField::new("12");
        field.insert("3\nyes\n");
        assert_eq!((field.text(), field.caret()), ("123", 3));
        field.insert("a\u{202e}b\x1b[31m");
        assert_eq!(field.text(), "123ab[31m");
    }

    #[test]
    fn editing_goes_by_what_people_see() {
        let mut field = TextField::new("zoe\u{308} 王小明");
        assert!(!field.edit(Edit::WordLeft));
        assert!(field.edit(Edit::DeleteToEnd));
        field.edit(Edit::End);
        assert!(field.edit(Edit::DeleteBefore));
        while field.edit(Edit::DeleteBefore) {}
        assert!(field.is_empty());
        assert!(!field.edit(Edit::DeleteAfter));
    }

    fn edits() -> impl Strategy<Value = Edit> {
        use Edit::*;
        proptest::sample::select(vec![
            Left,
            Right,
            WordLeft,
            WordRight,
            Start,
            End,
            DeleteBefore,
            DeleteAfter,
            DeleteWordBefore,
            DeleteToStart,
            DeleteToEnd,
        ])
    }

    proptest! {
        #[test]
        fn the_caret_is_always_between_characters(text in any::<String>(), more in any::<String>(), edits in proptest::collection::vec(edits(), 0..20)) {
            let mut field = TextField::new(&text);
            for edit in edits {
                field.edit(edit);
                prop_assert!(field.text().is_char_boundary(field.caret()));
                field.insert(&more);
                prop_assert!(field.text().is_char_boundary(field.caret()));
            }
        }
    }
}
