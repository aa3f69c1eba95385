//! The matcher's score of the best of a row's names, and whether one of them matches at all.
//!
//! Searches ask this of a million rows for one letter of the filter line. Tests hold it against the matcher, as they do
//! with [`Scorer`](super::Scorer).

use super::quick::Scorer;
use super::quick::{CONSECUTIVE, GAP_EXTENSION, GAP_START, Kind, MATCHED, NEVER, bonus_after, kind_of};
use super::window::Window;

/// A folded ASCII word, prepared for being looked for in many rows' names.
#[derive(Clone, Debug)]
pub struct NameScorer {
    text: String,
    /// Its different letters, each once.
    letters: Vec<u8>,
    /// The word, by place in `letters`.
    word: Vec<u8>,
    /// What a letter gets for standing behind this byte.
    bonus: [i8; 256],
}

/// Memory that is used again from row to row.
#[derive(Debug)]
pub struct NameMemory {
    /// Where each of the different letters stands in the row.
    standing: Vec<u128>,
    /// Scores by the place in a name, for one letter of the word and the next.
    scores: [i32; LONGEST_NAME],
    next: [i32; LONGEST_NAME],
    /// For names of other kinds.
    texts: Scorer,
}

impl Default for NameMemory {
    fn default() -> Self {
        Self {
            standing: Vec::new(),
            scores: [NEVER; LONGEST_NAME],
            next: [NEVER; LONGEST_NAME],
            texts: Scorer::default(),
        }
    }
}

/// Longest word that is looked for this way; nobody types more.
const LONGEST_WORD: usize = 64;
/// Longest name that is scored this way: a bit for every place in a machine's word.
const LONGEST_NAME: usize = 64;

/// What became of looking at a row's names in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names<T> {
    Known(T),
    /// They are too long: to be looked at one by one.
    OneByOne,
}

impl NameScorer {
    /// `None` for words that have to be looked for in one name at a time.
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
        let text = word.to_owned();
        let word = word.as_bytes().iter().map(place).collect();
        let mut bonus = [0; 256];
        for (byte, bonus) in bonus.iter_mut().enumerate() {
            *bonus = bonus_after(kind_of(char::from(byte as u8))) as i8;
        }
        // The end of one name is the beginning of the next.
        bonus[0] = bonus_after(Kind::Start) as i8;
        Some(Self { text, letters, word, bonus })
    }

    /// Whether one of the first `names` texts of a row, each of which ends with a NUL, has the word's letters in their
    /// order. What follows those texts does not matter.
    pub fn is_in(&self, row: &[u8], names: usize) -> Names<bool> {
        let is_in = |window: Window<'_>| {
            let standing = self.word.iter().map(|&letter| window.standing(self.letters[usize::from(letter)]));
            window.matching(standing) != 0
        };
        Window::look(row, names, is_in).map_or(Names::OneByOne, Names::Known)
    }

    /// The best score of the first `names` texts of a row; `None` when none of them matches.
    pub fn score(&self, memory: &mut NameMemory, row: &[u8], names: usize) -> Names<Option<i32>> {
        if let [only] = self.letters[..]
            && self.word.len() == 1
        {
            let score = |window: Window<'_>| self.score_of_letter(only, &window);
            return Window::look(row, names, score).map_or(Names::OneByOne, Names::Known);
        }
        let score = |window: Window<'_>| {
            let NameMemory { standing, scores, next, texts } = memory;
            standing.clear();
            standing.extend(self.letters.iter().map(|&letter| window.standing(letter)));
            let matching = window.matching(self.word.iter().map(|&letter| standing[usize::from(letter)]));
            let scores = window.names(matching).map(|(start, name)| {
                if name.len() > LONGEST_NAME || !name.is_ascii() {
                    let text = str::from_utf8(name).unwrap_or_default();
                    return texts.score(&self.text, text).map_or(NEVER, |score| score as i32);
                }
                self.align(name, |letter| (standing[usize::from(letter)] >> start) as u64, scores, next)
            });
            scores.max()
        };
        Window::look(row, names, score).map_or(Names::OneByOne, Names::Known)
    }

    /// The score of a single letter: nothing is between letters, so only what stands before it counts.
    fn score_of_letter(&self, letter: u8, window: &Window<'_>) -> Option<i32> {
        let standing = window.standing(letter);
        let bonus = if standing & window.beginnings() != 0 {
            // There is nothing better.
            self.bonus[0]
        } else {
            let halves = [(standing as u64, 0), ((standing >> 64) as u64, 64)];
            let places = halves.into_iter().flat_map(|(half, first)| ones(half).map(move |place| first + place));
            places.map(|place| self.bonus[usize::from(window.before(place))]).max()?
        };
        Some(MATCHED + GAP_EXTENSION + i32::from(bonus))
    }

    /// The score of a name that is known to match; `standing` tells where in it, and behind it, a letter stands.
    fn align<'m>(
        &self,
        name: &[u8],
        standing: impl Fn(u8) -> u64,
        mut scores: &'m mut [i32; LONGEST_NAME],
        mut next: &'m mut [i32; LONGEST_NAME],
    ) -> i32 {
        let all = u64::MAX >> (LONGEST_NAME - name.len());
        let places = |letter: u8| standing(letter) & all;
        let bonus = |place: usize| {
            let before = if place == 0 { 0 } else { name[place - 1] };
            i32::from(self.bonus[usize::from(before)])
        };
        // The best score of the letters so far when the last of them stands at a place, for each place it can have.
        let mut before = places(self.word[0]);
        for place in ones(before) {
            scores[place] = MATCHED + GAP_EXTENSION + bonus(place);
        }
        for &letter in &self.word[1..] {
            let now = places(letter) & above(before);
            // The best of the places that are apart by a gap, counted as if the gap began with the name.
            let mut apart = NEVER;
            let mut not_yet_apart = before;
            for place in ones(now) {
                let far = not_yet_apart & !(u64::MAX << (place - 1));
                not_yet_apart &= !far;
                for earlier in ones(far) {
                    apart = apart.max(scores[earlier] + earlier as i32);
                }
                let bonus = bonus(place);
                let mut best = NEVER;
                if before >> (place - 1) & 1 == 1 {
                    best = scores[place - 1] + bonus.max(CONSECUTIVE);
                }
                if apart > NEVER {
                    best = best.max(apart + GAP_START + (place as i32 - 1) * GAP_EXTENSION + bonus);
                }
                next[place] = MATCHED + best;
            }
            std::mem::swap(&mut scores, &mut next);
            before = now;
        }
        ones(before).map(|place| scores[place]).max().unwrap_or(NEVER)
    }
}

/// The places above the lowest of `places`.
fn above(places: u64) -> u64 {
    // One less turns the lowest bit and those below it over.
    !(places ^ places.wrapping_sub(1))
}

fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fold::fold;
    use crate::domain::{ranking, testing};
    use proptest::prelude::*;

    const NAMES: usize = 3;

    fn agree(memory: &mut NameMemory, word: &str, texts: [&str; NAMES], behind: &str) -> Result<(), TestCaseError> {
        let word = fold(word);
        let Some(scorer) = NameScorer::new(&word) else { return Ok(()) };
        let texts = texts.map(fold);
        let row = format!("{}\0{}\0{}\0{behind}", texts[0], texts[1], texts[2]);
        let best = texts.iter().filter_map(|text| ranking::score(&word, text)).map(|(score, _)| score).max();
        match scorer.score(memory, row.as_bytes(), NAMES) {
            Names::Known(score) => prop_assert_eq!(score.map(i64::from), best, "{:?} in {:?}", word, texts),
            Names::OneByOne => prop_assert!(texts.iter().map(|text| text.len()).sum::<usize>() > 125),
        }
        match scorer.is_in(row.as_bytes(), NAMES) {
            Names::Known(is_in) => prop_assert_eq!(is_in, best.is_some(), "{:?} in {:?}", word, texts),
            Names::OneByOne => prop_assert!(texts.iter().map(|text| text.len()).sum::<usize>() > 125),
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_best_name_scores_as_the_matcher_says(
            word in "[ab ./]{1,6}",
            texts in prop::array::uniform3("[aab /.@|_-ö]{0,40}"),
            behind in "[ab\0ö]{0,150}",
        ) {
            let mut memory = NameMemory::default();
            // Also with memory that was used before.
            for texts in [[&*texts[0], &texts[1], &texts[2]], ["", "-", &texts[0]], ["x", &texts[1], ""]] {
                agree(&mut memory, &word, texts, &behind)?;
            }
        }

        #[test]
        fn also_for_names(word in "[a-z]{1,5}|ss|о|小", texts in prop::array::uniform3(testing::text())) {
            agree(&mut NameMemory::default(), &word, [&texts[0], &texts[1], &texts[2]], "id\0phone\0")?;
        }
    }

    #[test]
    fn names_of_every_length_are_scored() {
        let mut memory = NameMemory::default();
        for length in 0..140 {
            let filling = "x".repeat(length);
            for texts in
                [[&*filling, "a b", ""], ["", &format!("a{filling}b"), "ab"], ["a", "b", &format!("{filling}ab")]]
            {
                for behind in ["", "ab\0", &"ab".repeat(80)] {
                    agree(&mut memory, "ab", texts, behind).unwrap();
                    agree(&mut memory, "b", texts, behind).unwrap();
                }
            }
        }
    }
}
