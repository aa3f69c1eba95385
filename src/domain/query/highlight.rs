//! What in a cell made its lead match.

use std::cell::LazyCell;
use std::ops::Range;

use super::term::{OwnerIs, Term, Test};
use crate::domain::Field;
use crate::domain::fold::{Folded, fold};
use crate::domain::ranking;

/// Ranges of `text`, in order and apart from each other, that the terms found in a cell of `field`.
pub fn highlights(terms: &[Term], field: Field, text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let folded = LazyCell::new(|| Folded::new(text));
    for term in terms.iter().filter(|term| !term.negated) {
        match &term.test {
            Test::Word(word) if is_searched(field) => {
                let word = fold(word);
                let hits = memchr::memmem::find_iter(folded.text.as_bytes(), word.as_bytes());
                found.extend(hits.map(|at| folded.original(at..at + word.len())));
            }
            Test::Fuzzy(word) if is_ranked(field) => {
                let Some((_, positions)) = ranking::score(&fold(word), &folded.text) else { continue };
                let starts: Vec<(usize, char)> = folded.text.char_indices().collect();
                found.extend(positions.iter().filter_map(|&position| {
                    let (at, c) = *starts.get(position)?;
                    Some(folded.original(at..at + c.len_utf8()))
                }));
            }
            Test::Pattern(pattern) if is_searched(field) => {
                found.extend(pattern.regex.find_iter(text).map(|hit| hit.range()));
            }
            Test::Text { field: named, values }
                if *named == field && values.iter().any(|value| fold(value) == folded.text) =>
            {
                found.push(0..text.len());
            }
            Test::Owner(owners)
                if field == Field::Owner
                    && owners
                        .iter()
                        .any(|owner| matches!(owner, OwnerIs::Called(name) if fold(name) == folded.text)) =>
            {
                found.push(0..text.len());
            }
            _ => {}
        }
    }
    merged(found)
}

/// Fields that words and patterns look into.
pub fn is_searched(field: Field) -> bool {
    use Field::*;
    matches!(field, Id | Name | Company | Email | Phone | Source | Campaign | List)
}

/// Fields that `~word` looks into: those that people know a lead by. Fuzzy letters fit nearly any id.
pub fn is_ranked(field: Field) -> bool {
    matches!(field, Field::Name | Field::Company | Field::Email)
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}
