//! A table as bytes, for keeping it from one session to the next: a small head and two blocks a segment, so that blocks
//! can be written and read side by side. One of the two is the folded text, which is most of it: read, it is held as it
//! is.
//!
//! The bytes say nothing about whose leads they are, and nothing guards them against damage: whoever keeps them does.
//! Reading checks everything that later code relies on, so bytes of any kind give a sound table or none.

use std::hash::BuildHasher;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bytes::{Put, Take};
use super::ids::{IdHasher, IdIndex};
use super::intern::{Numbered, Owners, Words};
use super::segment::{SEGMENT_ROWS, Segment};
use super::table::LeadTable;
use crate::domain::Assignment;

/// Changes whenever the bytes of a block or a head change their meaning.
pub const FORMAT: u32 = 2;

/// What all segments share.
#[derive(Serialize, Deserialize)]
struct Head {
    rows: u32,
    owners: Vec<Assignment>,
    words: [Vec<String>; 4],
    shapes: Vec<Vec<String>>,
}

/// Puts a table together from what was stored of it. Its segments may be read side by side.
#[derive(Default)]
pub struct Restoring {
    hasher: IdHasher,
}

/// A segment that was read from bytes and is sound in itself.
pub struct StoredSegment {
    segment: Segment,
    /// Of the rows' ids: found out while the texts are still close to the processor.
    hashes: Vec<u64>,
}

impl LeadTable {
    /// What the segments share, as bytes.
    pub fn stored_head(&self) -> Vec<u8> {
        let head = Head {
            rows: self.len,
            owners: self.owners.list.iter().map(|(owner, _)| owner.clone()).collect(),
            words: self.words.each_ref().map(|words| words.pairs().map(|(word, _)| word.to_owned()).collect()),
            shapes: self.shapes.values().to_vec(),
        };
        // Texts and numbers only: this cannot fail.
        serde_json::to_vec(&head).unwrap_or_default()
    }

    pub fn stored_segments(&self) -> usize {
        self.segments.len()
    }

    /// One segment as bytes: its folded text, and everything else.
    pub fn stored_segment(&self, number: usize) -> (&[u8], Vec<u8>) {
        let mut rest = Vec::new();
        let Some(segment) = self.segments.get(number) else { return (&[], rest) };
        segment.put(&mut Put(&mut rest));
        (segment.texts.folded().as_bytes(), rest)
    }
}

impl Restoring {
    /// Reads what [`LeadTable::stored_segment`] wrote.
    pub fn segment(&self, folded: Vec<u8>, rest: &[u8]) -> Option<StoredSegment> {
        let mut take = Take(rest);
        let segment = Segment::take(&mut take, String::from_utf8(folded).ok()?)?;
        take.end()?;
        let hashes = segment.texts.each_id().map(|id| self.hasher.hash_one(&*id)).collect();
        Some(StoredSegment { segment, hashes })
    }

    /// A table from its head and all its segments in order; `None` where they do not fit together.
    pub fn table(self, head: &[u8], segments: Vec<StoredSegment>) -> Option<LeadTable> {
        self.put_together(serde_json::from_slice(head).ok()?, segments)
    }

    /// The beginning of a table from some of its segments, and how many rows the whole table has.
    pub fn beginning(self, head: &[u8], segments: Vec<StoredSegment>) -> Option<(LeadTable, usize)> {
        let head: Head = serde_json::from_slice(head).ok()?;
        let (all, some) = (head.rows as usize, segments.iter().map(|stored| stored.segment.len()).sum::<usize>());
        Some((self.put_together(Head { rows: some as u32, ..head }, segments)?, all))
    }

    fn put_together(self, head: Head, segments: Vec<StoredSegment>) -> Option<LeadTable> {
        let (segments, hashes): (Vec<Segment>, Vec<Vec<u64>>) =
            segments.into_iter().map(|stored| (stored.segment, stored.hashes)).unzip();
        let (last, full) = segments.split_last()?;
        let whole = full.iter().all(|segment| segment.len() == SEGMENT_ROWS)
            && (1..=SEGMENT_ROWS).contains(&last.len())
            && full.len() * SEGMENT_ROWS + last.len() == head.rows as usize;
        let words = head.words.each_ref().map(Vec::len);
        let known =
            segments.par_iter().all(|segment| segment.numbers_are_below(&words, head.shapes.len(), head.owners.len()));
        if !whole || !known {
            return None;
        }
        let mut owners = Owners::with(head.owners);
        let mut counts = vec![0; owners.list.len()];
        segments.iter().for_each(|segment| segment.owners.count(&mut counts));
        owners.list.iter_mut().zip(counts).for_each(|((_, leads), count)| *leads = count);
        let mut shapes = Arc::<Numbered<Vec<String>>>::default();
        // A number that comes twice would give the rows of one the fields of the other.
        let shapes_fit = (0..).zip(&head.shapes).all(|(number, shape)| Numbered::number(&mut shapes, shape) == number);
        let mut words = <[Arc<Words>; 4]>::default();
        let words_fit = words
            .iter_mut()
            .zip(&head.words)
            .all(|(words, stored)| (0..).zip(stored).all(|(number, word)| Words::number(words, word) == number));
        if !shapes_fit || !words_fit {
            return None;
        }
        let ids = IdIndex::of(self.hasher, &hashes);
        let (segments, owners) = (Arc::new(segments), Arc::new(owners));
        Some(LeadTable { segments, ids, owners, words, shapes, len: head.rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::testing;

    /// The head, and two blocks a segment.
    fn stored(table: &LeadTable) -> (Vec<u8>, Vec<Vec<u8>>) {
        let blocks = |n| {
            let (folded, rest) = table.stored_segment(n);
            [folded.to_vec(), rest]
        };
        (table.stored_head(), (0..table.stored_segments()).flat_map(blocks).collect())
    }

    fn restored(head: &[u8], blocks: &[Vec<u8>]) -> Option<LeadTable> {
        let restoring = Restoring::default();
        let (pairs, _) = blocks.as_chunks();
        let segment = |[folded, rest]: &[Vec<u8>; 2]| restoring.segment(folded.clone(), rest);
        let segments = pairs.iter().map(segment).collect::<Option<_>>()?;
        restoring.table(head, segments)
    }

    /// Everything that can be asked of a table, for tables that may be nonsense.
    fn ask_everything(table: &LeadTable) {
        for row in 0..table.len() as u32 {
            let record = table.record(row);
            table.row_of(record.id.as_str());
            table.extra_texts(row);
        }
        let again = table.with_leads(&[table.record(0)]);
        assert!(again.len() >= table.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_stored_table_is_the_same_table(leads in testing::leads(100), more in testing::leads(20)) {
            let table = LeadTable::default().with_leads(&leads);
            let (head, segments) = stored(&table);
            let Some(again) = restored(&head, &segments) else {
                prop_assert!(table.is_empty());
                return Ok(());
            };
            prop_assert_eq!(again.len(), table.len());
            for row in 0..table.len() as u32 {
                prop_assert_eq!(again.record(row), table.record(row));
                prop_assert_eq!(again.row_of(table.id(row).as_str()), Some(row));
            }
            prop_assert_eq!(again.owners(), table.owners());
            // And it goes on like the one it came from.
            let (one, other) = (table.with_leads(&more), again.with_leads(&more));
            prop_assert_eq!(one.len(), other.len());
            prop_assert!((0..one.len() as u32).all(|row| one.record(row) == other.record(row)));
        }

        #[test]
        fn damaged_bytes_never_panic(
            leads in testing::leads(60),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
            which in any::<prop::sample::Index>(),
        ) {
            let table = LeadTable::default().with_leads(&leads);
            prop_assume!(!table.is_empty());
            let (mut head, mut segments) = stored(&table);
            let target = which.index(segments.len() + 1);
            let bytes = if target == 0 { &mut head } else { &mut segments[target - 1] };
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            if let Some(table) = restored(&head, &segments) {
                ask_everything(&table);
            }
        }
    }
}
