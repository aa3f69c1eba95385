//! The order of what was found.

use std::cmp::Ordering;
use std::sync::{Arc, Weak};

use rayon::prelude::*;

use super::Sort;
use super::rows::RowSet;
use super::search::Unit;
use crate::domain::fold::fold;
use crate::domain::leads::segment::{Columns, Segment};
use crate::domain::leads::table::{slot_of, worded};
use crate::domain::leads::texts::{Slot, Texts};
use crate::domain::leads::{LeadTable, RowId, Snapshot};
use crate::domain::{Assignment, Field};

/// All rows of a snapshot in one order, kept from search to search: the next letter only picks from it.
#[derive(Debug)]
pub struct Order {
    sort: Sort,
    /// What it was made from, held weakly.
    segments: Vec<(Weak<Texts>, Weak<Columns>, Weak<Vec<u32>>)>,
    rows: Vec<u32>,
}

/// Found rows are sorted by themselves when they are fewer than one in this many.
const FEW: usize = 16;

/// The found rows in order. What is not given comes last, either way; equal rows keep the vendor's order.
pub fn sorted(
    kept: &mut Option<Order>,
    sort: Sort,
    snapshot: &Snapshot,
    units: &[Unit<'_>],
    found: &[RowSet],
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<RowId>> {
    let total: usize = found.iter().map(RowSet::len).sum();
    let known = kept.as_ref().is_some_and(|order| order.sort == sort && order.is_of(units));
    if !known && total * FEW < snapshot.len() {
        let rows = units.iter().zip(found).flat_map(|(unit, rows)| rows.iter().map(move |row| (unit, row)));
        let rows = in_order(sort, snapshot, units, rows.collect(), cancelled)?;
        return Some(rows.into_iter().map(RowId).collect());
    }
    if !known {
        let rows = units.iter().flat_map(|unit| (0..unit.segment.len()).map(move |row| (unit, row)));
        let rows = in_order(sort, snapshot, units, rows.collect(), cancelled)?;
        *kept = Some(Order { sort, segments: units.iter().map(|unit| identity(unit.segment)).collect(), rows });
    }
    let order = kept.as_ref()?;
    if cancelled() {
        return None;
    }
    let bounds: Vec<u32> = units.iter().map(|unit| unit.base).collect();
    let is_found = |&row: &u32| {
        let unit = bounds.partition_point(|&base| base <= row) - 1;
        found[unit].contains((row - bounds[unit]) as usize)
    };
    let mut rows = Vec::with_capacity(total);
    rows.extend(order.rows.iter().copied().filter(is_found).map(RowId));
    Some(rows)
}

impl Order {
    fn is_of(&self, units: &[Unit<'_>]) -> bool {
        let slot = slot_of(self.sort.field).is_some();
        let owner = self.sort.field == Field::Owner;
        self.segments.len() == units.len()
            && self.sort.field != Field::Profile
            && self.segments.iter().zip(units).all(|((texts, columns, owners), unit)| {
                let segment = unit.segment;
                std::ptr::eq(texts.as_ptr(), Arc::as_ptr(&segment.texts)) | (!slot)
                    && std::ptr::eq(columns.as_ptr(), Arc::as_ptr(&segment.columns)) | (slot || owner)
                    && std::ptr::eq(owners.as_ptr(), Arc::as_ptr(&segment.owners)) | (!owner)
            })
    }
}

fn identity(segment: &Segment) -> (Weak<Texts>, Weak<Columns>, Weak<Vec<u32>>) {
    (Arc::downgrade(&segment.texts), Arc::downgrade(&segment.columns), Arc::downgrade(&segment.owners))
}

/// A row with the number that decides its place, or the beginning of the text that does.
#[derive(Clone, Copy)]
struct Key {
    first: u64,
    row: u32,
}

/// Comes after every key of something that is given.
const NOT_GIVEN: u64 = u64::MAX;

fn in_order(
    sort: Sort,
    snapshot: &Snapshot,
    units: &[Unit<'_>],
    rows: Vec<(&Unit<'_>, usize)>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<u32>> {
    if cancelled() {
        return None;
    }
    let ranks = word_ranks(sort.field, snapshot);
    let key = |&(unit, row): &(&Unit<'_>, usize)| {
        let first = first_key(sort.field, unit, row, &ranks);
        let first = first.map_or(NOT_GIVEN, |key| if sort.descending { NOT_GIVEN - 1 - key } else { key });
        Key { first, row: unit.base + row as u32 }
    };
    let mut keys: Vec<Key> = rows.par_iter().map(key).collect();
    drop(rows);
    if cancelled() {
        return None;
    }
    let bounds: Vec<u32> = units.iter().map(|unit| unit.base).collect();
    let text = |slot: Slot, row: u32| {
        let unit = bounds.partition_point(|&base| base <= row) - 1;
        units[unit].segment.texts.folded_slot((row - bounds[unit]) as usize, slot)
    };
    let slot = slot_of(sort.field);
    keys.par_sort_unstable_by(|a, b| {
        let by_text = || match slot {
            Some(slot) if a.first != NOT_GIVEN => {
                let order = text(slot, a.row).cmp(text(slot, b.row));
                if sort.descending { order.reverse() } else { order }
            }
            _ => Ordering::Equal,
        };
        a.first.cmp(&b.first).then_with(by_text).then(a.row.cmp(&b.row))
    });
    Some(keys.into_iter().map(|key| key.row).collect())
}

/// The number, or the first bytes of the text, that a row is sorted by; `None` when it is not given.
fn first_key(field: Field, unit: &Unit<'_>, row: usize, ranks: &[Vec<Option<u32>>]) -> Option<u64> {
    let columns = &unit.segment.columns;
    let rank = |number: u32| ranks.get(unit.part)?.get(number as usize).copied().flatten().map(u64::from);
    // Every score and every point in time keeps its order and leaves the largest key free.
    let signed = |number: i64| (number.saturating_add(1 << 62)) as u64;
    if let Some(slot) = slot_of(field) {
        let text = unit.segment.texts.folded_slot(row, slot).as_bytes();
        let mut first = [0; 8];
        let length = text.len().min(8);
        first[..length].copy_from_slice(&text[..length]);
        // One bit less, so that the largest key stays free: beyond the first seven bytes the texts decide.
        return (!text.is_empty()).then(|| u64::from_be_bytes(first) >> 1);
    }
    match field {
        Field::Score => columns.score(row).map(|score| signed(score.into())),
        Field::Created => columns.created.micros(row).map(signed),
        Field::Updated => columns.updated.micros(row).map(signed),
        Field::Owner => rank(unit.segment.owners[row]),
        Field::Profile => rank(0),
        _ => rank(columns.words[worded(field)? as usize].get(row)),
    }
}

/// For fields whose values are numbered: each number's place in the order of the words, through all parts.
fn word_ranks(field: Field, snapshot: &Snapshot) -> Vec<Vec<Option<u32>>> {
    let words = |part: usize| -> Vec<String> {
        let table: &LeadTable = &snapshot.parts[part].table;
        match (worded(field), field) {
            (Some(column), _) => table.words(column).pairs().map(|(_, folded)| folded.to_owned()).collect(),
            (None, Field::Owner) => {
                let name = |assignment: &Assignment| match assignment {
                    Assignment::Owner(owner) => fold(owner.label().as_str()).into_owned(),
                    _ => String::new(),
                };
                table.owners().iter().map(|(assignment, _)| name(assignment)).collect()
            }
            (None, Field::Profile) => vec![fold(snapshot.parts[part].profile.as_str()).into_owned()],
            _ => Vec::new(),
        }
    };
    let words: Vec<Vec<String>> = (0..snapshot.parts.len()).map(words).collect();
    let mut order: Vec<&String> = words.iter().flatten().collect();
    order.sort_unstable();
    order.dedup();
    let rank = |word: &String| (!word.is_empty()).then(|| order.binary_search(&word).ok()).flatten();
    words.iter().map(|words| words.iter().map(|word| rank(word).map(|rank| rank as u32)).collect()).collect()
}
