//! Fuzzy matching for pickers, the palette and `~word`, behind one small function.
//!
//! The matcher's crate is not developed any further, so nothing else in the house names it. Both sides are folded
//! first, and the score always comes from the call that also tells the positions: the crate's shorter call scores up
//! to 3 % of texts differently, and a list must not change its order when letters are highlighted.

mod names;
mod quick;
mod window;

use std::sync::LazyLock;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;

use super::fold::{Folded, fold};
pub(crate) use names::{NameMemory, NameScorer, Names};
pub(crate) use quick::Scorer;

/// A match: its score (higher is better) and the character positions that matched, for highlighting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub score: i64,
    pub positions: Vec<usize>,
}

/// Matches `pattern` against `text` fuzzily, without regard to case and accents; `None` when it does not match. Words
/// of the pattern may stand in any order, all of them must match. An empty pattern matches everything.
pub fn fuzzy(pattern: &str, text: &str) -> Option<Match> {
    let pattern = fold(pattern);
    let mut words = pattern.split_whitespace().peekable();
    if words.peek().is_none() {
        return Some(Match::default());
    }
    let folded = Folded::new(text);
    let mut found = Match::default();
    let mut bytes = Vec::new();
    for word in words {
        let (score, positions) = score(word, &folded.text)?;
        found.score += score;
        bytes.extend(positions);
    }
    bytes.sort_unstable();
    bytes.dedup();
    found.positions = original_positions(&folded, text, &bytes);
    Some(found)
}

/// The score of an already folded word in an already folded text, with the character positions in that folded text.
pub(crate) fn score(word: &str, text: &str) -> Option<(i64, Vec<usize>)> {
    // The matcher's own first look, without what it costs to begin one: most texts of a list do not match.
    if !holds_letters(word.chars(), text.chars()) {
        return None;
    }
    // Folding has settled the question of case for both sides.
    static MATCHER: LazyLock<SkimMatcherV2> = LazyLock::new(|| SkimMatcherV2::default().respect_case());
    // The matcher keeps its working memory between calls and reads a little of what the last one left there, so that
    // the same two texts may score differently. A match of one letter leaves the memory as a fresh matcher has it.
    MATCHER.fuzzy_indices("a", "a");
    MATCHER.fuzzy_indices(text, word)
}

/// Whether the letters of `word` occur in `text` in their order.
pub(crate) fn holds_letters(mut word: impl Iterator<Item = char>, mut text: impl Iterator<Item = char>) -> bool {
    word.all(|letter| text.any(|c| c == letter))
}

/// Character positions of the folded text as character positions of the original.
fn original_positions(folded: &Folded, text: &str, positions: &[usize]) -> Vec<usize> {
    if text.is_ascii() {
        return positions.to_vec();
    }
    let starts: Vec<usize> = folded.text.char_indices().map(|(at, _)| at).collect();
    let mut found: Vec<usize> = positions
        .iter()
        .filter_map(|&position| {
            let at = *starts.get(position)?;
            let original = folded.original(at..at + 1);
            Some(text.get(..original.start)?.chars().count())
        })
        .collect();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_match_and_positions_are_those_of_the_text() {
        assert_eq!(fuzzy("", "anything"), Some(Match::default()));
        assert_eq!(fuzzy("xyz", "Jane Smith"), None);
        assert_eq!(fuzzy("js", "Jane Smith").unwrap().positions, [0, 5]);
        assert_eq!(fuzzy("zoe", "Dr. Zoë Ng").unwrap().positions, [4, 5, 6]);
        assert_eq!(fuzzy("strasse", "Alte Straße").unwrap().positions, [5, 6, 7, 8, 9, 10]);
        assert_eq!(fuzzy("ОЛ", "Иванова Ольга").unwrap().positions, [8, 9]);
    }

    #[test]
    fn words_may_stand_in_any_order() {
        assert_eq!(fuzzy("smith jane", "Jane Smith").unwrap().positions, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
        assert_eq!(fuzzy("smith xyz", "Jane Smith"), None);
    }

    #[test]
    fn a_score_does_not_depend_on_what_was_matched_before() {
        let texts = ["mississippi missile", "smith & sons", "ss", "s s", "assassin's", "x", "miss smith"];
        let words = ["ss", "s", "mi", "smi", "ssss", "x"];
        for earlier in texts {
            for text in texts {
                for word in words {
                    score("ss", earlier);
                    let fresh = SkimMatcherV2::default().respect_case().fuzzy_indices(text, word);
                    assert_eq!(score(word, text), fresh, "{word} in {text} after {earlier}");
                }
            }
        }
    }

    #[test]
    fn better_matches_score_higher() {
        let of = |text: &str| fuzzy("smith", text).unwrap().score;
        assert!(of("Smith Ltd") > of("Jane Blacksmith"));
        assert!(of("Jane Smith") > of("Samuel Timothy"));
    }
}
