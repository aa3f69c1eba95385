//! From a lead's id to its row.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use super::segment::{SEGMENT_ROWS, Segment};
use super::table::hash_of;
use super::texts::Slot;

/// Row numbers by id. Holds no ids: whoever asks tells which id a row has.
///
/// Rows come in pages while older tables are still on the screen. The index is therefore a few tables, each at least
/// twice as large as the next: a page makes a small new one, and copying and merging stay cheap.
#[derive(Clone, Debug, Default)]
pub struct IdIndex {
    tables: Vec<Arc<HashTable<u32>>>,
    hasher: DefaultHashBuilder,
}

impl IdIndex {
    /// The index of a whole table, made by all processors. Where an id comes twice the first row counts.
    pub fn of(segments: &[Segment]) -> Self {
        let hasher = DefaultHashBuilder::default();
        let share = segments.len().div_ceil(rayon::current_num_threads().max(1)).max(1);
        let build = |(number, segments_of_table): (usize, &[Segment])| {
            let mut table = HashTable::with_capacity(segments_of_table.iter().map(Segment::len).sum());
            let mut row = (number * share * SEGMENT_ROWS) as u32;
            for segment in segments_of_table {
                for at in 0..segment.len() {
                    let hash = hasher.hash_one(&*segment.texts.original(at, Slot::Id));
                    table.insert_unique(hash, row, |&row| hash_of(segments)(&hasher, row));
                    row += 1;
                }
            }
            Arc::new(table)
        };
        let tables = segments.par_chunks(share).enumerate().map(build).collect();
        Self { tables, hasher }
    }

    pub fn find(&self, id: &str, is_id: impl Fn(u32, &str) -> bool) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.tables.iter().find_map(|table| table.find(hash, |&row| is_id(row, id)).copied())
    }

    /// Begins a page: what is put in goes to a new table, which [`settle`](Self::settle) merges with the others.
    pub fn begin(&mut self, rows: usize) {
        self.tables.push(Arc::new(HashTable::with_capacity(rows)));
    }

    /// Adds a row whose id is not in the index yet.
    pub fn insert(&mut self, id: &str, row: u32, hash_of: impl Fn(&DefaultHashBuilder, u32) -> u64) {
        let hash = self.hasher.hash_one(id);
        if let Some(table) = self.tables.last_mut() {
            Arc::make_mut(table).insert_unique(hash, row, |&row| hash_of(&self.hasher, row));
        }
    }

    /// Ends a page.
    pub fn settle(&mut self, hash_of: impl Fn(&DefaultHashBuilder, u32) -> u64) {
        self.tables.retain(|table| !table.is_empty());
        while let [.., larger, last] = &*self.tables
            && larger.len() < last.len() * 2
        {
            let (Some(mut small), Some(mut large)) = (self.tables.pop(), self.tables.pop()) else { break };
            if small.len() > large.len() {
                std::mem::swap(&mut small, &mut large);
            }
            let merged = Arc::make_mut(&mut large);
            merged.reserve(small.len(), |&row| hash_of(&self.hasher, row));
            for &row in small.iter() {
                merged.insert_unique(hash_of(&self.hasher, row), row, |&row| hash_of(&self.hasher, row));
            }
            self.tables.push(large);
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.tables.iter().map(|table| table.allocation_size()).sum()
    }
}
