//! A table as bytes, for keeping it from one session to the next: a small head and one block a segment, so that blocks
//! can be written and read side by side.
//!
//! The bytes say nothing about whose leads they are, and nothing guards them against damage: whoever keeps them does.
//! Reading checks everything that later code relies on, so bytes of any kind give a sound table or none.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bytes::{Put, Take};
use super::ids::IdIndex;
use super::intern::{Numbered, Owners, Words};
use super::segment::{SEGMENT_ROWS, Segment};
use super::table::LeadTable;
use crate::domain::Assignment;

/// Changes whenever the bytes of a block or a head change their meaning.
pub const FORMAT: u32 = 1;

/// What all segments share.
#[derive(Serialize, Deserialize)]
struct Head {
    rows: u32,
    owners: Vec<Assignment>,
    words: [Vec<String>; 4],
    shapes: Vec<Vec<String>>,
}

/// A segment that was read from bytes and is sound in itself.
pub struct StoredSegment(Segment);

impl StoredSegment {
    /// Reads what [`LeadTable::stored_segment`] wrote.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut take = Take(bytes);
        let segment = Segment::take(&mut take)?;
        take.end()?;
        Some(Self(segment))
    }
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

    /// One segment as bytes.
    pub fn stored_segment(&self, number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(segment) = self.segments.get(number) {
            segment.put(&mut Put(&mut bytes));
        }
        bytes
    }

    /// A table from its head and all its segments in order; `None` where they do not fit together.
    pub fn restore(head: &[u8], segments: Vec<StoredSegment>) -> Option<Self> {
        let head: Head = serde_json::from_slice(head).ok()?;
        let segments: Vec<Segment> = segments.into_iter().map(|segment| segment.0).collect();
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
        for segment in &segments {
            segment.owners.iter().for_each(|&owner| owners.list[owner as usize].1 += 1);
        }
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
        let ids = IdIndex::of(&segments);
        let (segments, owners) = (Arc::new(segments), Arc::new(owners));
        Some(Self { segments, ids, owners, words, shapes, len: head.rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::testing;

    fn stored(table: &LeadTable) -> (Vec<u8>, Vec<Vec<u8>>) {
        (table.stored_head(), (0..table.stored_segments()).map(|n| table.stored_segment(n)).collect())
    }

    fn restored(head: &[u8], segments: &[Vec<u8>]) -> Option<LeadTable> {
        let segments = segments.iter().map(|bytes| StoredSegment::read(bytes)).collect::<Option<_>>()?;
        LeadTable::restore(head, segments)
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
