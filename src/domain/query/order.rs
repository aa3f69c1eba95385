//! The order of what was found.

use std::sync::{Arc, Weak};

use rayon::prelude::*;

use super::Sort;
use super::rows::RowSet;
use super::search::{Unit, in_vendor_order};
use crate::domain::campaign::Collections;
use crate::domain::fold::fold;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::segment::{Columns, Segment};
use crate::domain::leads::table::{slot_of, worded};
use crate::domain::leads::texts::{Slot, Texts};
use crate::domain::leads::{LeadTable, RowId, Snapshot};
use crate::domain::{Assignment, Field};

/// All rows of a snapshot in one order, kept from search to search: the next letter only picks from it.
#[derive(Debug)]
pub struct Order {
    sort: Sort,
    made_from: Vec<Identity>,
    /// Campaigns and lists go by their names.
    collections: Vec<Arc<Collections>>,
    rows: Vec<u32>,
}

/// Which columns a segment had, held weakly.
#[derive(Debug)]
struct Identity {
    texts: Weak<Texts>,
    columns: Weak<Columns>,
    owners: Weak<Codes>,
}

/// Found rows are sorted by themselves when they are fewer than one in this many.
const FEW: usize = 16;

/// Whether the order is there from an earlier search.
pub fn knows_order(kept: &Option<Order>, sort: Sort, snapshot: &Snapshot, units: &[Unit<'_>]) -> bool {
    kept.as_ref().is_some_and(|order| order.sort == sort && order.is_of(units, snapshot))
}

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
    if cancelled() {
        return None;
    }
    let sorter = Sorter { sort, units, ranks: word_ranks(sort.field, snapshot) };
    let known = knows_order(kept, sort, snapshot, units);
    if !known && total * FEW < snapshot.len() {
        let rows = in_vendor_order(units, found).into_par_iter().map(|RowId(row)| row);
        return Some(sorter.in_order(rows).into_iter().map(RowId).collect());
    }
    if !known {
        let rows = sorter.in_order((0..snapshot.len() as u32).into_par_iter());
        *kept = Some(Order {
            sort,
            made_from: units.iter().map(|unit| Identity::of(unit.segment)).collect(),
            collections: snapshot.parts.iter().map(|part| part.collections.clone()).collect(),
            rows,
        });
    }
    let found = flat(units, found, snapshot.len());
    let is_found = |row: u32| found[row as usize / 64] >> (row % 64) & 1 == 1;
    let mut rows = Vec::with_capacity(total);
    rows.extend(kept.as_ref()?.rows.iter().copied().filter(|&row| is_found(row)).map(RowId));
    Some(rows)
}

/// A bit for every row of the snapshot: small enough to stay close to the processor while rows are picked by it.
fn flat(units: &[Unit<'_>], found: &[RowSet], rows: usize) -> Vec<u64> {
    let mut flat = vec![0_u64; rows.div_ceil(64)];
    for (unit, found) in units.iter().zip(found) {
        for row in found.iter() {
            let row = unit.base as usize + row;
            flat[row / 64] |= 1 << (row % 64);
        }
    }
    flat
}

impl Order {
    fn is_of(&self, units: &[Unit<'_>], snapshot: &Snapshot) -> bool {
        let named =
            self.collections.iter().zip(&snapshot.parts).all(|(names, part)| Arc::ptr_eq(names, &part.collections));
        named
            && self.collections.len() == snapshot.parts.len()
            && self.made_from.len() == units.len()
            && self.made_from.iter().zip(units).all(|(made_from, unit)| made_from.is(unit.segment, self.sort.field))
    }
}

impl Identity {
    fn of(segment: &Segment) -> Self {
        Self {
            texts: Arc::downgrade(&segment.texts),
            columns: Arc::downgrade(&segment.columns),
            owners: Arc::downgrade(&segment.owners),
        }
    }

    /// Whether a segment's rows have the same values of `field`.
    fn is(&self, segment: &Segment, field: Field) -> bool {
        match field {
            // Names of profiles stand in no column.
            Field::Profile => false,
            Field::Owner => std::ptr::eq(self.owners.as_ptr(), Arc::as_ptr(&segment.owners)),
            field if slot_of(field).is_some() => std::ptr::eq(self.texts.as_ptr(), Arc::as_ptr(&segment.texts)),
            _ => std::ptr::eq(self.columns.as_ptr(), Arc::as_ptr(&segment.columns)),
        }
    }
}

/// What is needed to compare rows.
struct Sorter<'a> {
    sort: Sort,
    units: &'a [Unit<'a>],
    ranks: Vec<Vec<Option<u32>>>,
}

/// A row behind the number, or the eight bytes of a text, that decide its place. In three small pieces, because a
/// million of them are a lot of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    high: u32,
    low: u32,
    row: u32,
}

impl Keyed {
    fn new(key: u64, row: u32) -> Self {
        Self { high: (key >> 32) as u32, low: key as u32, row }
    }

    fn key(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// Comes after every key of something that is given, in either direction.
const NOT_GIVEN: u64 = u64::MAX;

impl Sorter<'_> {
    /// Not to be cancelled: the next search needs the same order, and would have to begin again.
    fn in_order(&self, rows: impl IndexedParallelIterator<Item = u32>) -> Vec<u32> {
        let keyed = |row| Keyed::new(self.number(row).map_or(NOT_GIVEN, |key| self.directed(key)), row);
        let mut keys: Vec<Keyed> = rows.map(keyed).collect();
        keys.par_sort_unstable();
        if let Some(slot) = slot_of(self.sort.field) {
            let given = keys.partition_point(|keyed| keyed.key() != NOT_GIVEN);
            let mut ties: Vec<&mut [Keyed]> = ties(&mut keys[..given]).collect();
            ties.par_iter_mut().for_each(|tie| self.by_further_bytes(tie, slot, 1));
        }
        keys.into_iter().map(|keyed| keyed.row).collect()
    }

    /// Sorts rows whose texts begin with the same bytes, eight bytes further on and deeper.
    fn by_further_bytes(&self, tie: &mut [Keyed], slot: Slot, depth: usize) {
        // A text that ended fills up with zeros, and those are all the same.
        if tie.first().is_none_or(|keyed| self.directed(keyed.key()) as u8 == 0) {
            return;
        }
        for keyed in tie.iter_mut() {
            *keyed = Keyed::new(self.directed(bytes(self.text(keyed.row, slot), depth)), keyed.row);
        }
        tie.sort_unstable();
        for tie in ties(tie) {
            self.by_further_bytes(tie, slot, depth + 1);
        }
    }

    /// Turns a key over for falling order, and back again. Rows that are equal stay in the vendor's order.
    fn directed(&self, key: u64) -> u64 {
        if self.sort.descending { !key } else { key }
    }

    fn place(&self, row: u32) -> (&Unit<'_>, usize) {
        let unit = &self.units[self.units.partition_point(|unit| unit.base <= row) - 1];
        (unit, (row - unit.base) as usize)
    }

    fn text(&self, row: u32, slot: Slot) -> &str {
        let (unit, row) = self.place(row);
        unit.segment.texts.folded_slot(row, slot)
    }

    /// The number, or the first bytes of the text, that a row is sorted by; `None` when it is not given. Neither 0 nor
    /// the largest number, so that [`NOT_GIVEN`] stays free when the order is turned over.
    fn number(&self, row: u32) -> Option<u64> {
        let field = self.sort.field;
        let (unit, at) = self.place(row);
        if let Some(slot) = slot_of(field) {
            let text = self.text(row, slot);
            return (!text.is_empty()).then(|| bytes(text, 0));
        }
        let columns = &unit.segment.columns;
        let rank = |number: u32| {
            self.ranks.get(unit.part)?.get(number as usize).copied().flatten().map(|rank| u64::from(rank) + 1)
        };
        let signed = |number: i64| (number as u64) ^ (1 << 63);
        match field {
            Field::Score => columns.score(at).map(|score| signed(score.into())),
            Field::Created => columns.created.micros(at).map(signed),
            Field::Updated => columns.updated.micros(at).map(signed),
            Field::Owner => rank(unit.segment.owners.get(at)),
            Field::Profile => rank(0),
            _ => rank(columns.words[worded(field)? as usize].get(at)),
        }
    }
}

/// Runs of rows whose keys are the same.
fn ties(keys: &mut [Keyed]) -> impl Iterator<Item = &mut [Keyed]> {
    keys.chunk_by_mut(|a, b| a.key() == b.key()).filter(|tie| tie.len() > 1)
}

/// Eight bytes of a text, so that their numbers have the order of the text.
fn bytes(text: &str, depth: usize) -> u64 {
    let rest = text.as_bytes().get(depth * 8..).unwrap_or_default();
    let mut eight = [0; 8];
    let length = rest.len().min(8);
    eight[..length].copy_from_slice(&rest[..length]);
    u64::from_be_bytes(eight)
}

/// For fields whose values are numbered: each number's place in the order of the words, through all parts.
fn word_ranks(field: Field, snapshot: &Snapshot) -> Vec<Vec<Option<u32>>> {
    let words = |part: usize| -> Vec<String> {
        let table: &LeadTable = &snapshot.parts[part].table;
        match (worded(field), field) {
            (Some(column), _) => {
                let shown = |(word, folded): (&str, &str)| match snapshot.parts[part].collection_name(field, word) {
                    Some(name) => fold(name.as_str()).into_owned(),
                    None => folded.to_owned(),
                };
                table.words(column).pairs().map(shown).collect()
            }
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
