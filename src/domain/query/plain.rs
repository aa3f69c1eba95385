//! A query held against one lead, the plain way: what the fast way has to agree with.

use std::collections::HashSet;

use strum::IntoEnumIterator;

use super::evaluate::owner_is;
use super::highlight::{is_ranked, is_searched};
use super::term::{Term, Test, Trait};
use crate::domain::fold::fold;
use crate::domain::leads::SnapshotPart;
use crate::domain::{Field, Lifecycle, Timestamp, ranking};

/// Whether a row fulfils every term, and how well it fits the `~word`s.
pub fn holds(terms: &[Term], part: &SnapshotPart, row: u32, marked: &HashSet<u32>, now: Timestamp) -> Option<i64> {
    let mut rank = 0;
    for term in terms {
        let score = test(&term.test, part, row, marked, now);
        if score.is_some() == term.negated {
            return None;
        }
        rank += score.unwrap_or(0);
    }
    Some(rank)
}

fn test(test: &Test, part: &SnapshotPart, row: u32, marked: &HashSet<u32>, now: Timestamp) -> Option<i64> {
    let table = &part.table;
    let texts = |wanted: fn(Field) -> bool| Field::iter().filter(move |&f| wanted(f)).map(|f| table.text(row, f));
    let yes = match test {
        Test::Word(word) => {
            let word = fold(word);
            texts(is_searched).any(|text| fold(&text).contains(&*word))
                || table.extra_texts(row).iter().any(|text: &String| fold(text).contains(&*word))
        }
        Test::Fuzzy(word) => {
            let word = fold(word);
            return texts(is_ranked).filter_map(|text| ranking::score(&word, &fold(&text))).map(|(s, _)| s).max();
        }
        Test::Pattern(pattern) => {
            texts(is_searched).any(|text| pattern.regex.is_match(&text))
                || table.extra_texts(row).iter().any(|text| pattern.regex.is_match(text))
        }
        Test::Text { field: Field::Profile, values } => {
            values.iter().any(|value| fold(value) == fold(part.profile.as_str()))
        }
        Test::Text { field, values } => values.iter().any(|value| fold(value) == fold(&table.text(row, *field))),
        Test::Owner(owners) => owners.iter().any(|owner| owner_is(owner, table.assignment(row), part)),
        Test::Score(compare, values) => values.iter().any(|value| match (value, table.score(row)) {
            (Some(value), Some(score)) => compare.holds(f64::from(score), *value),
            (value, score) => value.is_none() && score.is_none(),
        }),
        Test::When { field, compare, values } => {
            let at = if *field == Field::Created { table.created_at(row) } else { table.updated_at(row) };
            values.iter().any(|value| value.holds(*compare, at, now))
        }
        Test::Asked(asked) => {
            asked.iter().any(|asked| part.answers.get(asked).is_some_and(|found| found.contains(&table.id(row))))
        }
        Test::Is(traits) => traits.iter().any(|wanted| match wanted {
            Trait::Marked => marked.contains(&row),
            Trait::Open => table.lifecycle(row) == Lifecycle::Open,
            Trait::Closed => table.lifecycle(row) == Lifecycle::Closed,
            Trait::Deleted => table.lifecycle(row) == Lifecycle::Deleted,
            Trait::Flag(flag) => table.flags(row).has(*flag),
        }),
    };
    yes.then_some(0)
}
