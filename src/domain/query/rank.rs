//! Best matches first.

use super::evaluate::{Scored, TextCondition};
use super::rows::RowSet;
use super::scan::{Fuzzy, Memory};
use super::search::{Unit, in_vendor_order};
use super::spread::over;
use crate::domain::leads::RowId;
use crate::domain::leads::texts::Texts;

/// Rows between two looks at whether the search was cancelled.
const STEP: usize = 1_024;

/// The found rows, best matches first; equally good ones in the vendor's order. `scored`: the scores that are known
/// already, by segment and by the place of the condition. `few`: it is done here, and not by several threads.
pub fn ranked(
    conditions: &[TextCondition<'_>],
    units: &[Unit<'_>],
    found: &[RowSet],
    scored: Vec<Vec<(usize, Scored)>>,
    few: bool,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<RowId>> {
    let words = conditions.iter().enumerate().filter_map(|(at, condition)| Some((at, condition.ranking()?)));
    let words: Vec<(usize, &Fuzzy)> = words.collect();
    let scores = |((unit, rows), scored): ((&Unit<'_>, &RowSet), Vec<(usize, Scored)>)| {
        let mut sums = vec![0; rows.len()];
        for (at, word) in &words {
            match scored.iter().find(|(known, _)| known == at) {
                Some((_, known)) => add_known(&mut sums, rows, known),
                None => add(&mut sums, rows, word, &unit.segment.texts, cancelled)?,
            }
        }
        Some(sums)
    };
    let scores: Vec<Vec<i32>> = over(units.iter().zip(found).zip(scored).collect(), few, scores)?;
    Some(by_score(units, found, &scores))
}

/// Adds the scores of `rows`, which are among those that are known.
fn add_known(sums: &mut [i32], rows: &RowSet, known: &Scored) {
    let wanted = known.rows.iter().zip(&known.scores).filter(|(row, _)| rows.contains(*row));
    for (sum, (_, score)) in sums.iter_mut().zip(wanted) {
        *sum += score;
    }
}

/// Works the scores of `rows` out; `None` when the search was cancelled.
fn add(
    sums: &mut [i32],
    rows: &RowSet,
    word: &Fuzzy,
    texts: &Texts,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<()> {
    let mut memory = Memory::default();
    for (count, (sum, row)) in sums.iter_mut().zip(rows.iter()).enumerate() {
        if count % STEP == 0 && cancelled() {
            return None;
        }
        *sum += word.score(&mut memory, texts, row).unwrap_or(0);
    }
    Some(())
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
