//! From a lead's id to its row.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Gives ids the hashes that an [`IdIndex`] knows them by.
pub type IdHasher = DefaultHashBuilder;

/// Row numbers by id. Holds no ids: whoever asks tells which id a row has.
///
/// Rows come in pages while older tables are still on the screen. The index is therefore a few tables, each at least
/// twice as large as the next: a page makes a small new one, and copying and merging stay cheap.
#[derive(Clone, Debug, Default)]
pub struct IdIndex {
    tables: Vec<Arc<HashTable<u32>>>,
    hasher: IdHasher,
}

impl IdIndex {
    /// The index of a whole table, from the hashes of its rows' ids, segment by segment. Where an id comes twice the
    /// first row counts.
    pub fn of(hasher: IdHasher, hashes: &[Vec<u64>]) -> Self {
        let mut left: usize = hashes.iter().map(Vec::len).sum();
        let mut rows = (0_u32..).zip(hashes.iter().flatten().copied());
        // For a table that has to grow, all hashes again. None does: each has room for its rows.
        let hash_of = |row: &u32| hashes.iter().flatten().nth(*row as usize).copied().unwrap_or_default();
        let mut tables = Vec::new();
        while left > 0 {
            let mut table = HashTable::with_capacity(full_table(left));
            let share = left.min(table.capacity());
            for (row, hash) in rows.by_ref().take(share) {
                table.insert_unique(hash, row, hash_of);
            }
            left -= share;
            tables.push(Arc::new(table));
        }
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
        while let [.., larger, last] = &mut *self.tables
            && (larger.len() < last.len() * 2 || has_room(larger, last.len()))
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

/// Whether a table takes in so many rows without being copied or growing: nobody else holds it, and it has room.
fn has_room(table: &mut Arc<HashTable<u32>>, rows: usize) -> bool {
    Arc::get_mut(table).is_some_and(|table| table.capacity() - table.len() >= rows)
}

/// For how many of `rows` a table is made: for all where they fill it well, else for as many as fill a smaller one to
/// the brim. A table that is half empty costs as much as a full one of its size.
fn full_table(rows: usize) -> usize {
    // Tables have a power of two of places, of which seven eighths may be taken.
    let places = rows.saturating_mul(8).div_ceil(7).next_power_of_two();
    let (room, half) = (places / 8 * 7, places / 16 * 7);
    if rows.saturating_mul(10) >= room.saturating_mul(6) || half < 64 { rows } else { half }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    fn check(index: &IdIndex, rows: u32, bytes_a_row: usize) {
        for row in 0..rows {
            assert_eq!(index.find(&row.to_string(), |found, id| found.to_string() == id), Some(row));
        }
        assert_eq!(index.find("x", |_, _| false), None);
        let bytes = index.heap_bytes();
        assert!(bytes < rows as usize * bytes_a_row + 512, "{bytes} bytes for {rows} rows");
        assert!(index.tables.windows(2).all(|pair| pair[0].len() >= pair[1].len() * 2));
    }

    #[test]
    fn an_index_is_well_filled_whichever_way_it_came_about() {
        for rows in [0, 1, 100, 913, 4_000, 9_300, 20_000] {
            let hasher = IdHasher::default();
            let hashes: Vec<u64> = (0..rows).map(|row: u32| hasher.hash_one(&*row.to_string())).collect();
            let hashes: Vec<Vec<u64>> = hashes.chunks(64).map(<[u64]>::to_vec).collect();
            check(&IdIndex::of(hasher, &hashes), rows, 10);

            let hash_of = |hasher: &IdHasher, row: u32| hasher.hash_one(&*row.to_string());
            let mut index = IdIndex::default();
            let mut shown = Vec::new();
            for first in (0..rows).step_by(50) {
                let page = first..rows.min(first + 50);
                index.begin(page.len());
                page.for_each(|row| index.insert(&row.to_string(), row, hash_of));
                index.settle(hash_of);
                // Now and then somebody keeps it as it is.
                if first % 1_000 == 0 {
                    shown = vec![index.clone()];
                }
            }
            drop(shown);
            check(&index, rows, 12);
        }
    }
}
