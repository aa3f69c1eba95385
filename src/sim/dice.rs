//! Numbers that look random and are always the same for the same seed.
//!
//! Written out (SplitMix64) because demo data and faults must not change when a crate's generator does, and because
//! the simulators need its inverse: a lead's id is its number, mixed, so a million ids need no table.

/// Spreads `x` over all 64 bits. Every value has exactly one origin: see [`unmix`].
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The inverse of [`mix`].
pub const fn unmix(x: u64) -> u64 {
    let x = (x ^ (x >> 31) ^ (x >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    let x = (x ^ (x >> 27) ^ (x >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    x ^ (x >> 30) ^ (x >> 60)
}

/// One value for a seed, a number and a purpose, without any state.
pub const fn roll(seed: u64, number: u64, purpose: u64) -> u64 {
    mix(mix(seed.wrapping_add(purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// A row of values for one thing, such as a lead.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64, number: u64, purpose: u64) -> Self {
        Self(roll(seed, number, purpose))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 up to, but not including, `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next_u64()) * end as u128) >> 64) as usize
    }

    /// From 0.0 up to, but not including, 1.0.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, of_one: f64) -> bool {
        self.unit() < of_one
    }

    /// One of `all`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The place of one of `weights`, the heavier the likelier.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let mut rest = self.below(total as usize) as u64;
        for (place, &weight) in weights.iter().enumerate() {
            match rest.checked_sub(u64::from(weight)) {
                Some(left) => rest = left,
                None => return place,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_can_be_taken_back() {
        for x in [0, 1, 2, 77, u64::MAX, 0xdead_beef, 1 << 63] {
            assert_eq!(unmix(mix(x)), x);
            assert_eq!(mix(unmix(x)), x);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_row() {
        let row = |seed| (0..5).scan(Dice::new(seed, 3, 9), |d, _| Some(d.below(100))).collect::<Vec<_>>();
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
    }

    #[test]
    fn weights_are_kept_roughly() {
        let mut dice = Dice::new(1, 1, 1);
        let mut hits = [0; 3];
        for _ in 0..10_000 {
            hits[dice.weighted(&[1, 0, 3])] += 1;
        }
        assert_eq!(hits[1], 0);
        assert!((2_200..2_800).contains(&hits[0]), "{hits:?}");
    }
}
