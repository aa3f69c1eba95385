//! Searches over a snapshot.

use std::sync::{Arc, Weak};

use rayon::prelude::*;

use super::evaluate::{Conditions, Found, Seen, closed_rows, text_conditions};
use super::order::{Order, sorted};
use super::rank::ranked;
use super::rows::RowSet;
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
    pub fn search(&mut self, request: &SearchRequest, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<SearchResult> {
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
        let show_closed = request.include_closed || request.query.asks_for_closed();
        let hidden = if show_closed { &[] } else { closed(&mut self.closed, &units) };
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
        let found: Vec<Found> = units.par_iter().enumerate().map(evaluate).collect::<Option<_>>()?;

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
            None if ranks => ranked(&texts, &units, &rows, scored, cancelled)?,
            None => in_vendor_order(&units, &rows),
        };
        (!cancelled()).then_some(result)
    }
}

/// The closed rows of every unit, looked for again where a segment has changed.
fn closed<'a>(kept: &'a mut Vec<Closed>, units: &[Unit<'_>]) -> &'a [Closed] {
    kept.truncate(units.len());
    for (index, Unit { segment, .. }) in units.iter().enumerate() {
        let is_known = kept.get(index).is_some_and(|closed| std::ptr::eq(closed.of.as_ptr(), &*segment.columns));
        if !is_known {
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

/// The marked rows by unit; `None` when nothing is marked.
fn marks<'a>(kept: &'a mut Option<Marks>, request: &SearchRequest, units: &[Unit<'_>]) -> Option<&'a [RowSet]> {
    if request.marked.is_empty() {
        return None;
    }
    let known = kept.as_ref().is_some_and(|marks| {
        let same =
            |(texts, unit): (&Weak<Texts>, &Unit<'_>)| std::ptr::eq(texts.as_ptr(), Arc::as_ptr(&unit.segment.texts));
        std::ptr::eq(marks.of.as_ptr(), Arc::as_ptr(&request.marked))
            && marks.segments.len() == units.len()
            && marks.segments.iter().zip(units).all(same)
    });
    if !known {
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
