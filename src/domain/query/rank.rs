//! Best matches first.
//!
//! Scoring is the slow part of fuzzy matching, so it stops early where that cannot be seen: no row scores higher than
//! one that has a name, company or e-mail address beginning with the word. When there are enough of those, they come
//! first without being scored, and the others follow by how the word stands in them. The first rows are always exactly
//! the best ones; below a certain number of matches all of them are in exact order.

use std::cmp::Reverse;

use memchr::memmem::Finder;
use rayon::prelude::*;

use super::evaluate::TextCondition;
use super::rows::RowSet;
use super::scan::TextKey;
use super::search::Unit;
use crate::domain::leads::RowId;
use crate::domain::leads::texts::END;
use crate::domain::ranking;

/// Up to this many matches are all scored.
const SCORE_ALL: usize = 20_000;
/// This many of the first rows are the best ones, whatever the number of matches.
const EXACT: usize = 1_000;
/// Rows between two looks at whether the search was cancelled.
const STEP: usize = 512;

/// The found rows, best matches first; equally good ones in the vendor's order.
pub fn ranked(
    conditions: &[TextCondition<'_>],
    units: &[Unit<'_>],
    found: &[RowSet],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<RowId>> {
    let words: Vec<&str> = conditions.iter().filter_map(TextCondition::ranking_word).collect();
    let total: usize = found.iter().map(RowSet::len).sum();
    if total > SCORE_ALL && words.iter().all(|word| begins_best(word)) {
        let classes = by_class(&words, units, found, cancelled)?;
        if classes[0].len() >= EXACT {
            return Some(classes.concat());
        }
    }
    let rows: Vec<(&Unit<'_>, usize)> =
        units.iter().zip(found).flat_map(|(unit, rows)| rows.iter().map(move |row| (unit, row))).collect();
    let score = |rows: &[(&Unit<'_>, usize)]| {
        let score = |&(unit, row): &(&Unit<'_>, usize)| {
            (Reverse(words.iter().map(|word| score(word, unit, row)).sum::<i64>()), RowId(unit.base + row as u32))
        };
        (!cancelled()).then(|| rows.iter().map(score).collect::<Vec<_>>())
    };
    let mut scored = rows.par_chunks(STEP).map(score).collect::<Option<Vec<_>>>()?.concat();
    scored.par_sort_unstable();
    Some(scored.into_iter().map(|(_, row)| row).collect())
}

/// How well a row's name, company or e-mail address fits a word, whichever fits best.
fn score(word: &str, unit: &Unit<'_>, row: usize) -> i64 {
    let names = unit.segment.texts.folded_names(row).split_terminator(END);
    names.filter_map(|name| ranking::score(word, name)).map(|(score, _)| score).max().unwrap_or(0)
}

/// Whether a text that begins with this word has the highest score of all. True of letters and digits; signs inside a
/// word get scores of their own.
fn begins_best(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The found rows by how the words stand in them: all at the beginning of a text, all at the beginning of a word, all
/// in one piece, and the others.
fn by_class(
    words: &[&str],
    units: &[Unit<'_>],
    found: &[RowSet],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<[Vec<RowId>; 4]> {
    let finders: Vec<Finder<'_>> = words.iter().map(|word| Finder::new(word.as_bytes())).collect();
    let by_unit = |(unit, rows): (&Unit<'_>, &RowSet)| {
        let mut classes = [const { Vec::new() }; 4];
        if cancelled() {
            return None;
        }
        for row in rows.iter() {
            let names = unit.segment.texts.folded_names(row).as_bytes();
            let class = finders.iter().map(|finder| class(finder, names)).max().unwrap_or(0);
            classes[class].push(RowId(unit.base + row as u32));
        }
        Some(classes)
    };
    let by_unit: Vec<_> = units.par_iter().zip(found).map(by_unit).collect::<Option<_>>()?;
    let mut classes = [const { Vec::new() }; 4];
    for unit in by_unit {
        for (class, rows) in classes.iter_mut().zip(unit) {
            class.extend(rows);
        }
    }
    Some(classes)
}

fn class(finder: &Finder<'_>, names: &[u8]) -> usize {
    let mut best = 3;
    for at in finder.find_iter(names) {
        match at.checked_sub(1).map(|before| names[before]) {
            None | Some(0) => return 0,
            Some(before) if before.is_ascii() && !before.is_ascii_alphanumeric() => best = 1,
            Some(_) => best = best.min(2),
        }
    }
    best
}

impl TextCondition<'_> {
    /// The folded word of a `~word` that asks for best matches first.
    fn ranking_word(&self) -> Option<&str> {
        match &self.key {
            TextKey::Fuzzy(word) if !self.is_negated() => Some(word),
            _ => None,
        }
    }
}
