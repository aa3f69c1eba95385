//! Sets of rows of one segment.

/// Rows of a segment, a bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    rows: usize,
}

impl RowSet {
    pub fn none(rows: usize) -> Self {
        Self { words: vec![0; rows.div_ceil(64)], rows }
    }

    pub fn all(rows: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; rows.div_ceil(64)], rows };
        set.trim();
        set
    }

    /// The rows for which `wanted` holds. Asks for every row, without branches between them.
    pub fn collect(rows: usize, wanted: impl Fn(usize) -> bool) -> Self {
        let word = |first: usize| {
            (first..rows.min(first + 64)).fold(0, |word, row| word | u64::from(wanted(row)) << (row - first))
        };
        Self { words: (0..rows).step_by(64).map(word).collect(), rows }
    }

    pub fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    pub fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether all rows of `other` are in it.
    pub fn has_all(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(word, other)| other & !word == 0)
    }

    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub fn without(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// How many rows both have.
    pub fn common(&self, other: &Self) -> usize {
        self.words.iter().zip(&other.words).map(|(word, other)| (word & other).count_ones() as usize).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(index * 64 + bit)
            })
        })
    }

    fn trim(&mut self) {
        if let (Some(last), false) = (self.words.last_mut(), self.rows.is_multiple_of(64)) {
            *last &= (1 << (self.rows % 64)) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn sets_of_rows_are_sets(
            rows in 1..200_usize,
            a in prop::collection::btree_set(0..200_usize, 0..60),
            b in prop::collection::btree_set(0..200_usize, 0..60),
        ) {
            let [a, b]: [BTreeSet<usize>; 2] = [a, b].map(|set| set.into_iter().filter(|&row| row < rows).collect());
            let pack = |set: &BTreeSet<usize>| {
                let mut packed = RowSet::none(rows);
                set.iter().for_each(|&row| packed.insert(row));
                packed
            };
            let (left, right) = (pack(&a), pack(&b));
            let listed = |set: &RowSet| set.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(listed(&left), a.clone());
            prop_assert_eq!(&RowSet::collect(rows, |row| a.contains(&row)), &left);
            prop_assert_eq!(left.len(), a.len());
            prop_assert_eq!(left.common(&right), a.intersection(&b).count());
            prop_assert_eq!(left.has_all(&right), a.is_superset(&b));
            prop_assert!(left.has_all(&pack(&(&a & &b))));
            for (change, expected) in [
                (RowSet::and as fn(&mut RowSet, &RowSet), &a & &b),
                (RowSet::or, &a | &b),
                (RowSet::without, &a - &b),
            ] {
                let mut changed = left.clone();
                change(&mut changed, &right);
                prop_assert_eq!(listed(&changed), expected);
            }
            let mut rest = RowSet::all(rows);
            rest.without(&left);
            prop_assert_eq!(listed(&rest), (0..rows).filter(|row| !a.contains(row)).collect::<BTreeSet<_>>());
            rest.or(&left);
            prop_assert_eq!(rest, RowSet::all(rows));
        }
    }
}
