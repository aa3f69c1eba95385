//! A growing row of bits.

use super::bytes::{Put, Take};

/// Bits, packed.
#[derive(Clone, Debug, Default)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub fn with_capacity(bits: usize) -> Self {
        Self { words: Vec::with_capacity(bits.div_ceil(64)), len: 0 }
    }

    pub fn push(&mut self, bit: bool) {
        let (word, at) = (self.len / 64, self.len % 64);
        if word == self.words.len() {
            self.words.push(0);
        }
        self.words[word] |= u64::from(bit) << at;
        self.len += 1;
    }

    pub fn push_zeros(&mut self, count: usize) {
        self.len += count;
        self.words.resize(self.len.div_ceil(64), 0);
    }

    /// Appends `count` bits of another row of bits, from `start` on.
    pub fn push_from(&mut self, other: &Self, start: usize, count: usize) {
        let mut done = 0;
        while done < count {
            let take = (count - done).min(64);
            self.push_word(other.word(start + done, take), take);
            done += take;
        }
    }

    pub fn get(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Whether any of these bits is set.
    pub fn any(&self, start: usize, count: usize) -> bool {
        (0..count).step_by(64).any(|done| self.word(start + done, (count - done).min(64)) != 0)
    }

    /// Which of these bits are set, counted from `start`.
    pub fn ones(&self, start: usize, count: usize) -> impl Iterator<Item = usize> {
        (0..count).step_by(64).flat_map(move |done| {
            let mut left = self.word(start + done, (count - done).min(64));
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(done + bit)
            })
        })
    }

    pub fn put(&self, put: &mut Put<'_>) {
        put.u64s(&self.words);
    }

    /// Exactly `len` bits.
    pub fn take(take: &mut Take<'_>, len: usize) -> Option<Self> {
        let words = take.take_u64s()?;
        (words.len() == len.div_ceil(64)).then_some(Self { words, len })
    }

    pub fn shrink(&mut self) {
        self.words.shrink_to_fit();
    }

    pub fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8
    }

    /// Up to 64 bits from any place, in the lowest bits of a word.
    fn word(&self, start: usize, count: usize) -> u64 {
        let (word, at) = (start / 64, start % 64);
        let low = self.words.get(word).copied().unwrap_or(0) >> at;
        let high = if at == 0 { 0 } else { self.words.get(word + 1).copied().unwrap_or(0) << (64 - at) };
        let mask = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        (low | high) & mask
    }

    fn push_word(&mut self, bits: u64, count: usize) {
        let (word, at) = (self.len / 64, self.len % 64);
        self.push_zeros(count);
        self.words[word] |= bits << at;
        if at + count > 64 {
            self.words[word + 1] |= bits >> (64 - at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn copied_bits_are_the_same_bits(
            first in prop::collection::vec(any::<bool>(), 0..150),
            second in prop::collection::vec(any::<bool>(), 0..150),
            cut in any::<prop::sample::Index>(),
        ) {
            let pack = |bits: &[bool]| {
                let mut packed = Bits::default();
                bits.iter().for_each(|&bit| packed.push(bit));
                packed
            };
            let start = cut.index(second.len() + 1);
            let mut packed = pack(&first);
            packed.push_from(&pack(&second), start, second.len() - start);
            packed.push_zeros(3);
            let expected: Vec<bool> = [&first[..], &second[start..], &[false; 3]].concat();
            let found: Vec<bool> = (0..expected.len()).map(|at| packed.get(at)).collect();
            prop_assert_eq!(&found, &expected);
            for from in 0..expected.len() {
                prop_assert_eq!(packed.any(from, expected.len() - from), expected[from..].contains(&true));
                let ones: Vec<usize> = packed.ones(from, expected.len() - from).collect();
                prop_assert!(ones.iter().copied().eq((0..expected.len() - from).filter(|at| expected[from + at])));
            }
        }
    }
}
