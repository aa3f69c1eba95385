//! One row of a grid: a bit for every agent.

/// A set of small numbers that is fast to combine and to count. Numbers beyond its length are not in it.
#[derive(Clone, Debug, Default, Eq)]
pub struct CellBits {
    words: Vec<u64>,
}

impl CellBits {
    pub const NONE: Self = Self { words: Vec::new() };

    pub fn get(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Puts `at` in or out; grows as needed.
    pub fn set(&mut self, at: usize, on: bool) {
        let (word, bit) = (at / 64, 1_u64 << (at % 64));
        if word >= self.words.len() {
            if !on {
                return;
            }
            self.words.resize(word + 1, 0);
        }
        if on {
            self.words[word] |= bit;
        } else {
            self.words[word] &= !bit;
        }
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The numbers in it, from the smallest.
    pub fn ones(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }

    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a | b)
    }

    pub fn without(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & !b)
    }

    pub fn both(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & b)
    }

    /// What is in one of the two only.
    pub fn differing(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a ^ b)
    }

    fn combined(&self, other: &Self, of: impl Fn(u64, u64) -> u64) -> Self {
        let word = |bits: &Self, at: usize| bits.words.get(at).copied().unwrap_or(0);
        let words = (0..self.words.len().max(other.words.len())).map(|at| of(word(self, at), word(other, at)));
        Self { words: words.collect() }
    }
}

impl FromIterator<usize> for CellBits {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut bits = Self::default();
        numbers.into_iter().for_each(|at| bits.set(at, true));
        bits
    }
}

/// Equal sets are equal however far they once grew.
impl PartialEq for CellBits {
    fn eq(&self, other: &Self) -> bool {
        self.differing(other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = BTreeSet<usize>> {
        prop::collection::btree_set(0..300_usize, 0..60)
    }

    proptest! {
        #[test]
        fn a_row_of_bits_is_a_set_of_numbers(a in numbers(), b in numbers(), out in 0..300_usize) {
            let bits = |set: &BTreeSet<usize>| set.iter().copied().collect::<CellBits>();
            let set = |bits: CellBits| bits.ones().collect::<BTreeSet<_>>();
            let (x, y) = (bits(&a), bits(&b));
            prop_assert_eq!(set(x.union(&y)), &a | &b);
            prop_assert_eq!(set(x.both(&y)), &a & &b);
            prop_assert_eq!(set(x.without(&y)), &a - &b);
            prop_assert_eq!(set(x.differing(&y)), &a ^ &b);
            prop_assert_eq!((x.count(), x.is_empty(), x.get(out)), (a.len(), a.is_empty(), a.contains(&out)));
            let mut less = x.clone();
            less.set(out, false);
            less.set(1_000, true);
            less.set(1_000, false);
            let mut expected = a.clone();
            expected.remove(&out);
            prop_assert_eq!(&less, &bits(&expected));
        }
    }
}
