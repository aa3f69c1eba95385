//! The matcher's score without its positions, for lists of a million.
//!
//! The matcher allocates for every text and fills a matrix from which positions can be read. Where only the order of
//! many texts is asked for, this computes the same number in one reused row of memory. Tests hold it against the
//! matcher: whatever the two are given, the scores are equal.

/// Scores as the matcher's default configuration has them.
pub const MATCHED: i32 = 16;
pub const GAP_START: i32 = -3;
pub const GAP_EXTENSION: i32 = -1;
pub const CONSECUTIVE: i32 = 4;
const HEAD: i32 = 8;
const BREAK: i32 = 7;
const FIRST_CHARACTER: i32 = 2;
/// What the matcher takes for "impossible".
pub const NEVER: i32 = i16::MIN as i32;

/// Memory that is used again from text to text.
#[derive(Debug, Default)]
pub struct Scorer {
    /// For every place in the text: the best score of an alignment that ends with a match there, and of one that
    /// ends with a gap.
    best: Vec<(i32, i32)>,
    bonus: Vec<i32>,
    first: Vec<usize>,
    word: Vec<char>,
    text: Vec<char>,
}

impl Scorer {
    /// The score of a folded word in a folded text; `None` when its letters do not occur there in this order.
    pub fn score(&mut self, word: &str, text: &str) -> Option<i64> {
        if word.is_empty() {
            return Some(0);
        }
        let mut letters = word.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            return one_letter(letter, text).map(i64::from);
        }
        if word.is_ascii() && text.is_ascii() {
            let (word, text) = (word.as_bytes(), text.as_bytes());
            return self.align(word, text, |byte| kind_of(char::from(byte))).map(i64::from);
        }
        let (mut letters, mut chars) = (std::mem::take(&mut self.word), std::mem::take(&mut self.text));
        letters.clear();
        letters.extend(word.chars());
        chars.clear();
        chars.extend(text.chars());
        let score = self.align(&letters, &chars, kind_of);
        (self.word, self.text) = (letters, chars);
        score.map(i64::from)
    }

    fn align<T: Copy + Eq>(&mut self, word: &[T], text: &[T], kind: impl Fn(T) -> Kind) -> Option<i32> {
        self.first.clear();
        let mut rest = text.iter();
        for letter in word {
            rest.position(|c| c == letter)?;
            self.first.push(text.len() - rest.len() - 1);
        }
        // Nothing before the first match of the first letter can be part of an alignment.
        let start = self.first[0];
        self.bonus.clear();
        let mut before = if start == 0 { Kind::Start } else { kind(text[start - 1]) };
        for &c in &text[start..] {
            self.bonus.push(bonus_after(before));
            before = kind(c);
        }
        let columns = text.len() - start;
        self.best.clear();
        self.best.resize(columns + 1, (NEVER, GAP_EXTENSION));
        let mut most = NEVER;
        for (letter, &first) in word.iter().zip(&self.first) {
            let first = first - start;
            // The alignments of one letter less, one place further back.
            let mut previous = self.best[first];
            self.best[first] = (NEVER, NEVER);
            let mut left = (NEVER, NEVER);
            most = NEVER;
            let places = self.best[first + 1..].iter_mut().zip(&text[start + first..]).zip(&self.bonus[first..]);
            for ((best, c), &bonus) in places {
                let matched = if c == letter {
                    MATCHED + (previous.0 + bonus.max(CONSECUTIVE)).max(previous.1 + bonus)
                } else {
                    NEVER
                };
                let gap = (GAP_START + GAP_EXTENSION + left.0).max(GAP_EXTENSION + left.1);
                previous = *best;
                left = (matched, gap);
                *best = left;
                most = most.max(matched);
            }
        }
        Some(most)
    }
}

/// The score of a single letter: nothing is between letters, so only what stands before it counts.
fn one_letter(letter: char, text: &str) -> Option<i32> {
    let mut before = Kind::Start;
    let mut best = None;
    for c in text.chars() {
        if c == letter {
            best = best.max(Some(MATCHED + GAP_EXTENSION + bonus_after(before)));
        }
        before = kind_of(c);
    }
    best
}

/// What stands before a character decides its bonus. Folded texts have no capitals, so none for camel case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Start,
    HardSign,
    SoftSign,
    Other,
}

pub fn bonus_after(before: Kind) -> i32 {
    match before {
        Kind::Start => HEAD * FIRST_CHARACTER,
        Kind::HardSign => HEAD,
        Kind::SoftSign => BREAK,
        Kind::Other => 0,
    }
}

pub fn kind_of(c: char) -> Kind {
    match c {
        ' ' | '/' | '\\' | '|' | '(' | ')' | '[' | ']' | '{' | '}' => Kind::HardSign,
        '!'..='\'' | '*'..='.' | ':'..='@' | '^'..='`' | '~' => Kind::SoftSign,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fold::fold;
    use crate::domain::{ranking, testing};
    use proptest::prelude::*;

    fn agree(word: &str, text: &str) -> Result<(), TestCaseError> {
        let (word, text) = (fold(word), fold(text));
        let expected = ranking::score(&word, &text).map(|(score, _)| score);
        let mut scorer = Scorer::default();
        // Also with memory that was used before.
        for _ in 0..2 {
            prop_assert_eq!(scorer.score(&word, &text), expected, "{:?} in {:?}", word, text);
            scorer.score("ss", "mississippi missile");
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_quick_score_is_the_matchers(word in "[ab ./ö]{0,6}", text in "[aab /.@|_-ö]{0,40}") {
            agree(&word, &text)?;
        }

        #[test]
        fn also_for_names(word in "[a-z]{1,5}|ss|о|小", text in testing::text()) {
            agree(&word, &text)?;
        }
    }

    #[test]
    fn long_gaps_and_long_texts_score_the_same() {
        for text in [format!("a{}b", "x".repeat(40_000)), format!("{}ab", "a ".repeat(3_000)), "ab".repeat(3_000)] {
            agree("ab", &text).unwrap();
            agree("aab", &text).unwrap();
        }
    }
}
