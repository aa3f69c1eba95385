//! A run of rows: the unit that tables share, copy and search.

use std::sync::Arc;

use super::bytes::{Put, Take};
use super::columns::{Codes, Times};
use super::texts::Texts;
use crate::domain::{Field, LeadFlags, LeadRecord, Lifecycle};

/// Rows of a segment, but for the last one of a table. Few in tests, so that small tables have several segments.
pub const SEGMENT_ROWS: usize = if cfg!(test) { 32 } else { 1 << 14 };

/// Up to [`SEGMENT_ROWS`] rows. Texts, other columns and owners are shared apart from each other, because owners
/// change most often and texts are the largest.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    pub texts: Arc<Texts>,
    pub columns: Arc<Columns>,
    /// Numbers of owners.
    pub owners: Arc<Codes>,
}

/// The small values of a segment's rows.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Numbers of words, by [`Worded`].
    pub words: [Codes; 4],
    /// See [`score_code`].
    scores: Codes,
    pub created: Times,
    pub updated: Times,
    pub lifecycles: Codes,
    pub flags: Codes,
    /// Numbers of the names of the extra fields.
    pub shapes: Codes,
}

/// The columns whose values are words that many rows share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worded {
    Status,
    Source,
    Campaign,
    List,
}

impl Worded {
    pub const ALL: [Self; 4] = [Self::Status, Self::Source, Self::Campaign, Self::List];

    pub fn field(self) -> Field {
        match self {
            Self::Status => Field::Status,
            Self::Source => Field::Source,
            Self::Campaign => Field::Campaign,
            Self::List => Field::List,
        }
    }

    pub fn of(self, lead: &LeadRecord) -> &str {
        match self {
            Self::Status => lead.status.as_str(),
            Self::Source => lead.source.as_str(),
            Self::Campaign => lead.campaign.as_str(),
            Self::List => lead.list.as_str(),
        }
    }
}

/// The numbers that a table gave to what a lead shares with others.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    pub words: [u32; 4],
    pub shape: u32,
}

impl Segment {
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// An empty one that follows on `last`.
    pub fn after(last: &Self) -> Self {
        Self { texts: Arc::new(Texts::with_room_like(&last.texts)), ..Self::default() }
    }

    pub fn push(&mut self, lead: &LeadRecord, shared: Shared, owner: u32) {
        Arc::make_mut(&mut self.texts).push(lead);
        Arc::make_mut(&mut self.columns).push(lead, shared);
        Arc::make_mut(&mut self.owners).push(owner);
        if self.len() == SEGMENT_ROWS {
            Arc::make_mut(&mut self.texts).shrink();
            Arc::make_mut(&mut self.columns).shrink();
            Arc::make_mut(&mut self.owners).shrink();
        }
    }

    /// Puts newer leads in the place of rows; `leads` is in ascending order of rows.
    pub fn replace(&mut self, leads: &[(u32, &LeadRecord, Shared)]) {
        if leads.iter().any(|&(row, lead, _)| !self.texts.holds(row as usize, lead)) {
            let mut texts = Texts::with_room_like(&self.texts);
            let mut newer = leads.iter().peekable();
            for row in 0..self.texts.len() as u32 {
                match newer.next_if(|(replaced, ..)| *replaced == row) {
                    Some((_, lead, _)) => texts.push(lead),
                    None => texts.push_row_of(&self.texts, row),
                }
            }
            if self.len() == SEGMENT_ROWS {
                texts.shrink();
            }
            self.texts = Arc::new(texts);
        }
        if leads.iter().any(|&(row, lead, shared)| !self.columns.holds(row as usize, lead, shared)) {
            let columns = Arc::make_mut(&mut self.columns);
            leads.iter().for_each(|&(row, lead, shared)| columns.set(row as usize, lead, shared));
        }
    }

    /// Everything but the folded text, as bytes.
    pub fn put(&self, put: &mut Put<'_>) {
        self.texts.put(put);
        let Columns { words, scores, created, updated, lifecycles, flags, shapes } = &*self.columns;
        words.iter().for_each(|words| words.put(put));
        created.put(put);
        updated.put(put);
        [scores, lifecycles, flags, shapes].into_iter().for_each(|codes| codes.put(put));
        self.owners.put(put);
    }

    /// A segment with this folded text, whose columns are all as long as its texts.
    pub fn take(take: &mut Take<'_>, folded: String) -> Option<Self> {
        let texts = Texts::take(take, folded)?;
        let words = [Codes::take(take)?, Codes::take(take)?, Codes::take(take)?, Codes::take(take)?];
        let (created, updated) = (Times::take(take)?, Times::take(take)?);
        let [scores, lifecycles, flags, shapes] =
            [Codes::take(take)?, Codes::take(take)?, Codes::take(take)?, Codes::take(take)?];
        let owners = Codes::take(take)?;
        let columns = Columns { words, scores, created, updated, lifecycles, flags, shapes };
        let fits = columns.lengths().into_iter().chain([owners.len()]).all(|length| length == texts.len());
        fits.then_some(Self { texts: Arc::new(texts), columns: Arc::new(columns), owners: Arc::new(owners) })
    }

    /// Whether the numbers of words, shapes and owners are those of a table with so many of them.
    pub fn numbers_are_below(&self, words: &[usize; 4], shapes: usize, owners: usize) -> bool {
        let Columns { words: columns, shapes: numbers, .. } = &*self.columns;
        columns.iter().zip(words).all(|(column, words)| column.are_below(*words))
            && numbers.are_below(shapes)
            && self.owners.are_below(owners)
    }

    pub fn heap_bytes(&self) -> usize {
        self.texts.heap_bytes() + self.columns.heap_bytes() + self.owners.heap_bytes()
    }
}

impl Columns {
    fn lengths(&self) -> Vec<usize> {
        let codes = self.words.iter().chain([&self.scores, &self.lifecycles, &self.flags, &self.shapes]);
        codes.map(Codes::len).chain([self.created.len(), self.updated.len()]).collect()
    }

    fn push(&mut self, lead: &LeadRecord, shared: Shared) {
        for (column, number) in self.words.iter_mut().zip(shared.words) {
            column.push(number);
        }
        self.scores.push(score_code(lead.score));
        self.created.push(lead.created_at);
        self.updated.push(lead.updated_at);
        self.lifecycles.push(lifecycle_code(lead.lifecycle));
        self.flags.push(lead.flags.bits().into());
        self.shapes.push(shared.shape);
    }

    fn set(&mut self, row: usize, lead: &LeadRecord, shared: Shared) {
        for (column, number) in self.words.iter_mut().zip(shared.words) {
            column.set(row, number);
        }
        self.scores.set(row, score_code(lead.score));
        self.created.set(row, lead.created_at);
        self.updated.set(row, lead.updated_at);
        self.lifecycles.set(row, lifecycle_code(lead.lifecycle));
        self.flags.set(row, lead.flags.bits().into());
        self.shapes.set(row, shared.shape);
    }

    fn holds(&self, row: usize, lead: &LeadRecord, shared: Shared) -> bool {
        let micros = |at: Option<crate::domain::Timestamp>| at.map(|at| at.as_microsecond());
        self.words.iter().zip(shared.words).all(|(column, number)| column.get(row) == number)
            && self.scores.get(row) == score_code(lead.score)
            && self.created.micros(row) == micros(lead.created_at)
            && self.updated.micros(row) == micros(lead.updated_at)
            && self.lifecycle(row) == lead.lifecycle
            && self.flags(row) == lead.flags
            && self.shapes.get(row) == shared.shape
    }

    pub fn score(&self, row: usize) -> Option<i32> {
        score_of(self.scores.get(row))
    }

    pub fn lifecycle(&self, row: usize) -> Lifecycle {
        lifecycle_of(self.lifecycles.get(row))
    }

    pub fn flags(&self, row: usize) -> LeadFlags {
        LeadFlags::from_bits(self.flags.get(row) as u8)
    }

    fn shrink(&mut self) {
        self.words.iter_mut().for_each(Codes::shrink);
        self.scores.shrink();
        self.created.shrink();
        self.updated.shrink();
        self.lifecycles.shrink();
        self.flags.shrink();
        self.shapes.shrink();
    }

    fn heap_bytes(&self) -> usize {
        let codes = self.words.iter().chain([&self.scores, &self.lifecycles, &self.flags, &self.shapes]);
        codes.map(Codes::heap_bytes).sum::<usize>() + self.created.heap_bytes() + self.updated.heap_bytes()
    }
}

/// A score as a number that is small when the score is near 0, on either side; 0 is "not given". The two scores
/// furthest from 0 become the ones before them.
fn score_code(score: Option<i32>) -> u32 {
    score.map_or(0, |score| {
        let score = score.clamp(i32::MIN + 1, i32::MAX);
        ((score << 1) ^ (score >> 31)) as u32 + 1
    })
}

fn score_of(code: u32) -> Option<i32> {
    let code = code.checked_sub(1)?;
    Some((code >> 1) as i32 ^ -((code & 1) as i32))
}

pub fn lifecycle_code(lifecycle: Lifecycle) -> u32 {
    match lifecycle {
        Lifecycle::Open => 0,
        Lifecycle::Closed => 1,
        Lifecycle::Deleted => 2,
    }
}

fn lifecycle_of(code: u32) -> Lifecycle {
    match code {
        0 => Lifecycle::Open,
        1 => Lifecycle::Closed,
        _ => Lifecycle::Deleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_come_back_from_their_codes() {
        for score in [0, 1, -1, 50, 127, 128, -128, 100_000, i32::MAX, i32::MIN + 1] {
            assert_eq!(score_of(score_code(Some(score))), Some(score));
        }
        assert_eq!(score_of(score_code(None)), None);
        assert_eq!(score_of(score_code(Some(i32::MIN))), Some(i32::MIN + 1));
        assert!((-127..=127).all(|score| score_code(Some(score)) <= 255));
    }
}
