//! Searches over a snapshot.

use std::sync::{Arc, Weak};

use rayon::prelude::*;

use super::evaluate::{Conditions, Found, Seen, closed_rows, text_conditions};
use super::order::{Order, knows_order, sorted};
use super::rank::ranked;
use super::rows::RowSet;
use super::scan::TextKey;
use super::spread::{FEW, over};
use super::term::Test;
use super::{SearchRequest, SearchResult};
use crate::domain::leads::segment::{Columns, Segment};
use crate::domain::leads::texts::Texts;
use crate::domain::leads::{RowId, Snapshot};
use crate::domain::selection::{LeadKey, Selection};

/// Runs searches; keeps what it needs to narrow the last result. `cancelled` is asked often; a cancelled search
/// returns `None`.
#[derive(Debug, Default)]
pub struct Searcher {
    seen: Seen,
    order: Option<Order>,
    marks: Option<Marks>,
    closed: Vec<Closed>,
}

/// A segment of the snapshot, with its place there.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    pub part: usize,
    pub segment: &'a Segment,
    /// The number of its first row in the snapshot.
    pub base: u32,
    /// The number of its first row in its part.
    pub first: u32,
}

/// Where the marked leads are, as long as neither marks nor rows change.
#[derive(Debug)]
struct Marks {
    of: Weak<Selection>,
    segments: Vec<Weak<Texts>>,
    rows: Vec<RowSet>,
}

/// The closed leads of a segment, which the next letter leaves out again.
#[derive(Debug)]
struct Closed {
    of: Weak<Columns>,
    /// `None` where there are none.
    rows: Option<RowSet>,
}

impl Searcher {
    /// Whether a search is over before another thread could have taken it up, as far as it can be told: earlier ones
    /// leave few rows to be looked at.
    pub fn is_short(&self, request: &SearchRequest) -> bool {
        self.looks(request, &units(&request.snapshot)) <= FEW
    }

    /// About how many rows have to be looked at; no end of them where marks or an order have to be worked out first.
    fn looks(&self, request: &SearchRequest, units: &[Unit<'_>]) -> usize {
        let rows = request.snapshot.len();
        let has_order = |sort| knows_order(&self.order, sort, &request.snapshot, units);
        if !knows_marks(&self.marks, request, units) || !request.sort.is_none_or(has_order) {
            return usize::MAX;
        }
        let terms = request.query.terms();
        let wanted = terms.iter().filter(|term| !term.negated).filter_map(|term| TextKey::of(&term.test));
        let wanted: Vec<TextKey> = wanted.collect();
        let left = |unit: &Unit<'_>| {
            let known = wanted.iter().filter_map(|key| self.seen.at_most(key, &unit.segment.texts, terms.len() == 1));
            known.fold(unit.segment.len(), usize::min)
        };
        let left: usize = units.iter().map(left).sum();
        let columns = terms.iter().filter(|term| TextKey::of(&term.test).is_none()).count()
            + usize::from(request.sort.is_some())
            + usize::from(!request.shows_closed() && !knows_closed(&self.closed, units));
        // A row of a column is looked at with many others at once.
        left * terms.iter().map(|term| effort(&term.test)).max().unwrap_or(1) + columns * rows / 16
    }

    pub fn search(&mut self, request: &SearchRequest, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<SearchResult> {
        let few = self.is_short(request);
        self.run(request, few, cancelled)
    }

    /// The same for one that [is short](Self::is_short): all of it is done on the calling thread.
    pub fn search_here(
        &mut self,
        request: &SearchRequest,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Option<SearchResult> {
        self.run(request, true, cancelled)
    }

    fn run(
        &mut self,
        request: &SearchRequest,
        few: bool,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Option<SearchResult> {
        if cancelled() {
            return None;
        }
        let snapshot = &request.snapshot;
        let units = units(snapshot);
        let terms = request.query.terms();
        let texts = text_conditions(terms);
        let conditions: Vec<_> =
            snapshot.parts.iter().map(|part| Conditions::new(terms, &texts, part, request.now)).collect();
        let marks = marks(&mut self.marks, request, &units);
        let seen = &self.seen;
        let ranks = request.sort.is_none() && request.query.ranks();
        let hidden = if request.shows_closed() { &[] } else { closed(&mut self.closed, &units) };
        let evaluate = |(index, unit): (usize, &Unit<'_>)| {
            (!cancelled()).then(|| {
                let marks = marks.map(|marks| &marks[index]);
                let shown = || {
                    let mut shown = RowSet::all(unit.segment.len());
                    hidden_in(hidden, index).into_iter().for_each(|closed| shown.without(closed));
                    shown
                };
                let ranked = ranks.then(shown);
                conditions[unit.part].rows(unit.segment, unit.first as usize, marks, ranked.as_ref(), seen)
            })
        };
        let found: Vec<Found> = over(units.iter().enumerate().collect(), few, evaluate)?;

        let mut result = SearchResult { generation: request.generation, ..SearchResult::default() };
        let mut shown_marks = 0;
        let mut rows = Vec::with_capacity(units.len());
        let mut learned = Vec::new();
        let mut scored = Vec::with_capacity(units.len());
        for (index, (unit, found)) in units.iter().zip(found).enumerate() {
            let mut shown = found.rows;
            if let Some(closed) = hidden_in(hidden, index) {
                result.hidden_closed += shown.common(closed);
                shown.without(closed);
            }
            shown_marks += marks.map_or(0, |marks| shown.common(&marks[index]));
            learned.extend(found.learned.into_iter().map(|(key, matches)| (key, &unit.segment.texts, matches)));
            scored.push(found.scored);
            rows.push(shown);
        }
        result.hidden_marks = request.marked.len() - shown_marks;
        for (key, texts, matches) in learned {
            self.seen.remember(key, texts, matches);
        }
        self.seen.tidy();

        result.rows = match request.sort {
            Some(sort) => sorted(&mut self.order, sort, snapshot, &units, &rows, cancelled)?,
            None if ranks => ranked(&texts, &units, &rows, scored, few, cancelled)?,
            None => in_vendor_order(&units, &rows),
        };
        (!cancelled()).then_some(result)
    }
}

impl Closed {
    fn is_of(&self, unit: &Unit<'_>) -> bool {
        std::ptr::eq(self.of.as_ptr(), &*unit.segment.columns)
    }
}

fn knows_closed(kept: &[Closed], units: &[Unit<'_>]) -> bool {
    kept.len() >= units.len() && kept.iter().zip(units).all(|(closed, unit)| closed.is_of(unit))
}

/// What looking at a row takes, in rows in which a word is looked for.
fn effort(test: &Test) -> usize {
    match test {
        Test::Fuzzy(_) | Test::Pattern(_) => 8,
        // The vendor's answer is looked up id by id.
        Test::Asked(_) => 64,
        _ => 1,
    }
}

/// The closed rows of every unit, looked for again where a segment has changed.
fn closed<'a>(kept: &'a mut Vec<Closed>, units: &[Unit<'_>]) -> &'a [Closed] {
    kept.truncate(units.len());
    for (index, unit @ Unit { segment, .. }) in units.iter().enumerate() {
        if !kept.get(index).is_some_and(|closed| closed.is_of(unit)) {
            let closed = Closed { of: Arc::downgrade(&segment.columns), rows: closed_rows(segment) };
            match kept.get_mut(index) {
                Some(other) => *other = closed,
                None => kept.push(closed),
            }
        }
    }
    kept
}

/// Which rows of a unit are not shown because they are closed.
fn hidden_in(hidden: &[Closed], index: usize) -> Option<&RowSet> {
    hidden.get(index)?.rows.as_ref()
}

fn knows_marks(kept: &Option<Marks>, request: &SearchRequest, units: &[Unit<'_>]) -> bool {
    let is_of_these = |marks: &Marks| {
        let same =
            |(texts, unit): (&Weak<Texts>, &Unit<'_>)| std::ptr::eq(texts.as_ptr(), Arc::as_ptr(&unit.segment.texts));
        std::ptr::eq(marks.of.as_ptr(), Arc::as_ptr(&request.marked))
            && marks.segments.len() == units.len()
            && marks.segments.iter().zip(units).all(same)
    };
    request.marked.is_empty() || kept.as_ref().is_some_and(is_of_these)
}

/// The marked rows by unit; `None` when nothing is marked.
fn marks<'a>(kept: &'a mut Option<Marks>, request: &SearchRequest, units: &[Unit<'_>]) -> Option<&'a [RowSet]> {
    if request.marked.is_empty() {
        return None;
    }
    if !knows_marks(kept, request, units) {
        *kept = Some(Marks {
            of: Arc::downgrade(&request.marked),
            segments: units.iter().map(|unit| Arc::downgrade(&unit.segment.texts)).collect(),
            rows: marked_rows(&request.marked, &request.snapshot, units),
        });
    }
    kept.as_ref().map(|marks| &*marks.rows)
}

fn units(snapshot: &Snapshot) -> Vec<Unit<'_>> {
    let mut units = Vec::new();
    let mut base = 0;
    for (part, held) in snapshot.parts.iter().enumerate() {
        let mut first = 0;
        for segment in held.table.segments() {
            units.push(Unit { part, segment, base: base + first, first });
            first += segment.len() as u32;
        }
        base += first;
    }
    units
}

fn marked_rows(marked: &Selection, snapshot: &Snapshot, units: &[Unit<'_>]) -> Vec<RowSet> {
    let keys: Vec<&LeadKey> = marked.iter().collect();
    let found: Vec<RowId> = keys.par_iter().filter_map(|key| snapshot.row_of(&key.profile, key.id.as_str())).collect();
    let mut rows: Vec<RowSet> = units.iter().map(|unit| RowSet::none(unit.segment.len())).collect();
    for RowId(row) in found {
        let unit = units.partition_point(|unit| unit.base <= row) - 1;
        rows[unit].insert((row - units[unit].base) as usize);
    }
    rows
}

/// The found rows as the vendor gave them.
pub fn in_vendor_order(units: &[Unit<'_>], rows: &[RowSet]) -> Vec<RowId> {
    let mut all = Vec::with_capacity(rows.iter().map(RowSet::len).sum());
    for (unit, rows) in units.iter().zip(rows) {
        rows.iter().for_each(|row| all.push(RowId(unit.base + row as u32)));
    }
    all
}
