//! The matcher's score without its positions, for lists of a million.
//!
//! The matcher allocates for every text and fills a matrix from which positions can be read. Where only the order of
//! many texts is asked for, this computes the same number in one reused row of memory. Tests hold it against the
//! matcher: whatever the two are given, the scores are equal.

/// Scores as the matcher's default configuration has them.
const MATCHED: i32 = 16;
const GAP_START: i32 = -3;
const GAP_EXTENSION: i32 = -1;
const CONSECUTIVE: i32 = 4;
const HEAD: i32 = 8;
const BREAK: i32 = 7;
const FIRST_CHARACTER: i32 = 2;
/// What the matcher takes for "impossible".
const NEVER: i32 = i16::MIN as i32;

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
    /// Of a [`NameScorer`]: where its letters stand, and scores by place for one letter and the next.
    standing: Vec<u128>,
    scores: Vec<(u8, i32)>,
    next: Vec<(u8, i32)>,
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

/// A folded ASCII word, prepared for being scored in many rows' names.
#[derive(Debug)]
pub struct NameScorer {
    /// Its different letters, each once.
    letters: Vec<u8>,
    /// The word, by place in `letters`.
    word: Vec<u8>,
    bonus: [i8; 256],
}

/// Bytes of a row that are looked at in one piece.
const WINDOW: usize = 128;
/// Longest word that is scored this way; nobody types more.
const LONGEST_WORD: usize = 64;

/// What became of looking at a row's names in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The best score of the names, if one of them matches.
    Scored(Option<i32>),
    /// They are too long, or not ASCII: to be scored one by one.
    OneByOne,
}

impl NameScorer {
    /// `None` for words that have to be scored one name at a time.
    pub fn new(word: &str) -> Option<Self> {
        if !word.is_ascii() || word.is_empty() || word.len() > LONGEST_WORD {
            return None;
        }
        let mut letters = Vec::new();
        let place = |&letter: &u8| {
            let known = letters.iter().position(|&known| known == letter);
            known.unwrap_or_else(|| {
                letters.push(letter);
                letters.len() - 1
            }) as u8
        };
        let word = word.as_bytes().iter().map(place).collect();
        let mut bonus = [0; 256];
        for (byte, bonus) in bonus.iter_mut().enumerate() {
            *bonus = bonus_after(kind_of(char::from(byte as u8))) as i8;
        }
        Some(Self { letters, word, bonus })
    }

    /// Scores the first `names` texts of a row, each of which ends with a NUL.
    ///
    /// For each letter of the word it is found out at once where in the row it stands, a bit for every place. Only
    /// those places are looked at.
    pub fn score(&self, memory: &mut Scorer, row: &[u8], names: usize) -> Names {
        let window = &row[..row.len().min(WINDOW)];
        let Some(end) = memchr::memchr_iter(0, window).nth(names.saturating_sub(1)) else { return Names::OneByOne };
        let window = &window[..end];
        if !window.is_ascii() {
            return Names::OneByOne;
        }
        let mut ends = places(window, 0) | 1 << end;
        memory.standing.clear();
        memory.standing.extend(self.letters.iter().map(|&letter| places(window, letter)));
        let mut best = None;
        let mut start = 0;
        for _ in 0..names {
            let end = ends.trailing_zeros() as usize;
            ends &= ends.wrapping_sub(1);
            if end > start {
                best = best.max(self.align(memory, window, start, end));
            }
            start = end + 1;
        }
        Names::Scored(best)
    }

    fn align(&self, memory: &mut Scorer, text: &[u8], start: usize, end: usize) -> Option<i32> {
        let Scorer { standing, scores, next, .. } = memory;
        let name = (u128::MAX >> (WINDOW - (end - start))) << start;
        // Does it match at all? Each letter at the first place after the one before it.
        let mut after = name;
        for &letter in &self.word {
            let places = standing[letter as usize] & after;
            if places == 0 {
                return None;
            }
            after &= u128::MAX << places.trailing_zeros() << 1;
        }
        let bonus = |place: usize| {
            if place == start { HEAD * FIRST_CHARACTER } else { i32::from(self.bonus[text[place - 1] as usize]) }
        };
        if let [only] = self.word[..] {
            let places = ones(standing[only as usize] & name);
            return places.map(|place| MATCHED + GAP_EXTENSION + bonus(place)).max();
        }
        // The best score of the letters so far when the last of them stands at a place, for each place it can have.
        scores.clear();
        let first = ones(standing[self.word[0] as usize] & name);
        scores.extend(first.map(|place| (place as u8, MATCHED + GAP_EXTENSION + bonus(place))));
        for &letter in &self.word[1..] {
            next.clear();
            let mut before = scores.iter().peekable();
            // The best of the places that are apart by a gap, counted as if the gap began with the window.
            let mut apart = NEVER;
            let mut adjacent = None;
            for place in ones(standing[letter as usize] & name) {
                while let Some(&(earlier, score)) = before.next_if(|(earlier, _)| usize::from(*earlier) < place) {
                    if let Some((at, score)) = adjacent.replace((usize::from(earlier), score)) {
                        apart = apart.max(score + at as i32);
                    }
                }
                let bonus = bonus(place);
                let mut best = NEVER;
                let mut gap = apart;
                match adjacent {
                    Some((at, score)) if at + 1 == place => best = score + bonus.max(CONSECUTIVE),
                    Some((at, score)) => gap = gap.max(score + at as i32),
                    None => continue,
                }
                if gap > NEVER {
                    best = best.max(gap + GAP_START + (place as i32 - 1) * GAP_EXTENSION + bonus);
                }
                next.push((place as u8, MATCHED + best));
            }
            std::mem::swap(scores, next);
        }
        scores.iter().map(|&(_, score)| score).max()
    }
}

/// Where a byte stands in a text of at most [`WINDOW`] bytes, a bit for each place. Eight bytes at a time.
fn places(text: &[u8], byte: u8) -> u128 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    // The chunk's eight highest bits, brought together.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let pattern = u64::from_ne_bytes([byte; 8]);
    let in_eight = |eight: u64| {
        let differs = eight ^ pattern;
        let same = !(((differs & LOW) + LOW) | differs | LOW);
        u128::from((same >> 7).wrapping_mul(GATHER) >> 56)
    };
    let (eights, rest) = text.as_chunks::<8>();
    let mut places = 0;
    for (index, &eight) in eights.iter().enumerate() {
        places |= in_eight(u64::from_le_bytes(eight)) << (index * 8);
    }
    for (index, &other) in rest.iter().enumerate() {
        places |= u128::from(other == byte) << (eights.len() * 8 + index);
    }
    places
}

fn ones(mut bits: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(bit)
    })
}

/// What stands before a character decides its bonus. Folded texts have no capitals, so none for camel case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Start,
    HardSign,
    SoftSign,
    Other,
}

fn bonus_after(before: Kind) -> i32 {
    match before {
        Kind::Start => HEAD * FIRST_CHARACTER,
        Kind::HardSign => HEAD,
        Kind::SoftSign => BREAK,
        Kind::Other => 0,
    }
}

fn kind_of(c: char) -> Kind {
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
        if let Some(scorer) = NameScorer::new(&word) {
            let mut memory = Scorer::default();
            // Alone, and among others which score less or nothing.
            for names in [[&*text, "", ""], ["", "-", &text], ["x", &text, "@"]] {
                let row = format!("{}\0{}\0{}\0{word}\0 {text}", names[0], names[1], names[2]);
                let best = names.iter().filter_map(|name| ranking::score(&word, name)).map(|(score, _)| score).max();
                match scorer.score(&mut memory, row.as_bytes(), 3) {
                    Names::Scored(score) => prop_assert_eq!(score.map(i64::from), best, "{:?} in {:?}", word, names),
                    Names::OneByOne => prop_assert!(!text.is_ascii() || text.len() > WINDOW - 6),
                }
            }
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
    fn every_byte_is_found_where_it_stands() {
        for byte in 0..=u8::MAX {
            let text: Vec<u8> = (0..WINDOW).map(|at| if at % 3 == 1 { byte } else { byte ^ (1 << (at % 8)) }).collect();
            for length in [0, 1, 7, 8, 9, 64, WINDOW] {
                let expected = (0..length).filter(|at| at % 3 == 1).fold(0, |bits, at| bits | 1_u128 << at);
                assert_eq!(places(&text[..length], byte), expected, "{byte} {length}");
            }
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
