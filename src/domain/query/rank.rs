//! Best matches first.

use rayon::prelude::*;

use super::evaluate::TextCondition;
use super::rows::RowSet;
use super::scan::TextKey;
use super::search::{Unit, in_vendor_order};
use crate::domain::leads::RowId;
use crate::domain::leads::texts::{Slot, Texts};
use crate::domain::ranking::{NameScorer, Names, Scorer};

/// Rows between two looks at whether the search was cancelled.
const STEP: usize = 1_024;

/// The found rows, best matches first; equally good ones in the vendor's order.
pub fn ranked(
    conditions: &[TextCondition<'_>],
    units: &[Unit<'_>],
    found: &[RowSet],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<RowId>> {
    let words: Vec<&str> = conditions.iter().filter_map(TextCondition::ranking_word).collect();
    let words: Vec<Word<'_>> = words.into_iter().map(|word| Word { word, names: NameScorer::new(word) }).collect();
    let scores = |(unit, rows): (&Unit<'_>, &RowSet)| {
        let mut scorer = Scorer::default();
        let mut scores = Vec::with_capacity(rows.len());
        for (count, row) in rows.iter().enumerate() {
            if count % STEP == 0 && cancelled() {
                return None;
            }
            scores.push(words.iter().map(|word| word.score(&mut scorer, &unit.segment.texts, row)).sum());
        }
        Some(scores)
    };
    let scores: Vec<Vec<i32>> = units.par_iter().zip(found).map(scores).collect::<Option<_>>()?;
    Some(by_score(units, found, &scores))
}

/// A `~word`, folded.
struct Word<'a> {
    word: &'a str,
    names: Option<NameScorer>,
}

impl Word<'_> {
    /// How well a row's name, company or e-mail address fits, whichever fits best.
    fn score(&self, scorer: &mut Scorer, texts: &Texts, row: usize) -> i32 {
        if let Some(names) = &self.names
            && let Names::Scored(score) = names.score(scorer, texts.folded_names(row).as_bytes(), Slot::NAMES)
        {
            return score.unwrap_or(0);
        }
        let scores = texts.each_name(row).filter_map(|name| scorer.score(self.word, name));
        scores.max().map_or(0, |score| i32::try_from(score).unwrap_or(i32::MAX))
    }
}

/// The rows by falling score. There are far fewer scores than rows: they are counted, and every row goes straight to
/// its place.
fn by_score(units: &[Unit<'_>], found: &[RowSet], scores: &[Vec<i32>]) -> Vec<RowId> {
    let all = || scores.iter().flatten().copied();
    let (Some(least), Some(most)) = (all().min(), all().max()) else { return Vec::new() };
    let total = scores.iter().map(Vec::len).sum();
    let class = |score: i32| most.abs_diff(score) as usize;
    if class(least) > total + 4_096 {
        // A score from a text of many thousand characters; not worth a count of its own.
        let mut rows: Vec<(RowId, i32)> = in_vendor_order(units, found).into_iter().zip(all()).collect();
        rows.sort_by_key(|&(_, score)| std::cmp::Reverse(score));
        return rows.into_iter().map(|(row, _)| row).collect();
    }
    let mut places = vec![0; class(least) + 1];
    all().for_each(|score| places[class(score)] += 1);
    let mut next = 0;
    for place in &mut places {
        next += std::mem::replace(place, next);
    }
    let mut ordered = vec![RowId(0); total];
    for ((unit, rows), scores) in units.iter().zip(found).zip(scores) {
        for (row, &score) in rows.iter().zip(scores) {
            let place = &mut places[class(score)];
            ordered[*place] = RowId(unit.base + row as u32);
            *place += 1;
        }
    }
    ordered
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
