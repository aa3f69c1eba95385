//! The names of a row in one piece, where a letter's places are found all at once, a bit for each.

/// Bytes of a row that are looked at in one piece.
pub const WINDOW: usize = 128;

/// The first texts of a row.
#[derive(Debug)]
pub struct Window<'a> {
    bytes: &'a [u8; WINDOW],
    /// The ends of the names.
    ends: u128,
}

impl<'a> Window<'a> {
    /// Looks at the first `names` texts of `row`, each of which ends with a NUL; what follows them does not matter.
    /// `None` when they are too long.
    pub fn look<T>(row: &[u8], names: usize, at: impl FnOnce(Window<'_>) -> T) -> Option<T> {
        if let Some(bytes) = row.first_chunk() {
            return Window::new(bytes, names).map(at);
        }
        // A row at the end of the memory. What it is filled up with ends nothing: ends are counted from the front.
        let mut bytes = [0; WINDOW];
        bytes[..row.len()].copy_from_slice(row);
        Window::new(&bytes, names).map(at)
    }

    fn new(bytes: &'a [u8; WINDOW], names: usize) -> Option<Self> {
        let all = places(bytes, WINDOW, 0);
        let mut further = all;
        for _ in 0..names {
            if further == 0 {
                return None;
            }
            further &= further - 1;
        }
        let ends = all & !further;
        (ends != 0).then_some(Self { bytes, ends })
    }

    /// Where a letter stands in the names.
    pub fn standing(&self, letter: u8) -> u128 {
        places(self.bytes, WINDOW - self.ends.leading_zeros() as usize, letter) & self.inside()
    }

    /// The places of the names and their ends.
    fn inside(&self) -> u128 {
        u128::MAX >> self.ends.leading_zeros()
    }

    /// The first place of every name; of an empty one that is its end.
    pub fn beginnings(&self) -> u128 {
        (self.ends << 1 | 1) & self.inside()
    }

    /// The byte before a place; before the first it is the end of some other row.
    pub fn before(&self, place: usize) -> u8 {
        place.checked_sub(1).map_or(0, |before| self.bytes[before])
    }

    /// The ends of those names in which `letters`, given by where each stands, occur in this order.
    ///
    /// All names are gone through at once: each has its lowest place taken, and what lies above that place is left for
    /// the next letter. An addition at the beginnings of the names finds the lowest places, because its carry runs up to
    /// them; in a name without any it runs into the end, and that name is out.
    pub fn matching(&self, letters: impl Iterator<Item = u128>) -> u128 {
        let mut ends = self.ends;
        // What is left of each name, and where that begins.
        let mut left = self.inside() & !ends;
        let mut beginnings = self.beginnings();
        for places in letters {
            let places = places & left;
            let carried = (left & !places) + beginnings;
            let lowest = places & carried;
            ends &= !carried;
            left = (ends - lowest) & !lowest;
            beginnings = lowest << 1;
            if ends == 0 {
                break;
            }
        }
        ends
    }

    /// The names that end at `ends`, each with its place in the row.
    pub fn names(&self, mut ends: u128) -> impl Iterator<Item = (usize, &'a [u8])> {
        std::iter::from_fn(move || {
            let end = (ends != 0).then(|| ends.trailing_zeros() as usize)?;
            ends &= ends - 1;
            let before = self.ends & !(u128::MAX << end);
            let start = WINDOW - before.leading_zeros() as usize;
            Some((start, &self.bytes[start..end]))
        })
    }
}

/// Where `byte` stands in the first `length` bytes, and perhaps further on.
fn places(bytes: &[u8; WINDOW], length: usize, byte: u8) -> u128 {
    let (halves, _) = bytes.as_chunks::<64>();
    let [low, high] = halves else { return 0 };
    let high = if length > 64 { in_half(high, byte) } else { 0 };
    u128::from(high) << 64 | u128::from(in_half(low, byte))
}

/// Where `byte` stands in half of a window. Compilers turn this into a few wide instructions.
fn in_half(half: &[u8; 64], byte: u8) -> u64 {
    // Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut same = [0; 64];
    for (same, other) in same.iter_mut().zip(half) {
        *same = u8::from(*other == byte);
    }
    let (eights, _) = same.as_chunks::<8>();
    let gathered = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    gathered.enumerate().fold(0, |places, (index, eight)| places | eight << (index * 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_where_it_stands() {
        for byte in 0..=u8::MAX {
            let bytes = std::array::from_fn(|at| if at % 3 == 1 { byte } else { byte ^ (1 << (at % 8)) });
            let expected = (0..WINDOW).filter(|at| at % 3 == 1).fold(0, |bits, at| bits | 1_u128 << at);
            assert_eq!(places(&bytes, WINDOW, byte), expected, "{byte}");
            assert_eq!(places(&bytes, 64, byte), expected & u128::from(u64::MAX), "{byte}");
        }
    }
}
