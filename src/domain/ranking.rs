//! Fuzzy matching for pickers, the palette and `~word`, behind one small function.

/// A match: its score (higher is better) and the character positions that matched, for highlighting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub score: i64,
    pub positions: Vec<usize>,
}

/// Matches `pattern` against `text` fuzzily; `None` when it does not match. An empty pattern matches everything.
pub fn fuzzy(_pattern: &str, _text: &str) -> Option<Match> {
    todo!()
}
