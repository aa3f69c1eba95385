//! Columns as bytes and back. Numbers are little endian; every length is written before what it counts.
//!
//! Reading trusts nothing: what is too short, too long or does not fit together is `None`, never a panic.

/// Appends to bytes.
pub struct Put<'a>(pub &'a mut Vec<u8>);

/// Takes from the front of bytes.
pub struct Take<'a>(pub &'a [u8]);

macro_rules! numbers {
    ($put:ident, $take:ident, $type:ty) => {
        impl Put<'_> {
            pub fn $put(&mut self, numbers: &[$type]) {
                self.len(numbers.len());
                self.0.reserve(size_of_val(numbers));
                numbers.iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
            }
        }

        impl Take<'_> {
            pub fn $take(&mut self) -> Option<Vec<$type>> {
                const SIZE: usize = size_of::<$type>();
                let length = self.len()?.checked_mul(SIZE)?;
                let (numbers, _) = self.raw(length)?.as_chunks::<SIZE>();
                Some(numbers.iter().map(|bytes| <$type>::from_le_bytes(*bytes)).collect())
            }
        }
    };
}

numbers!(u8s, take_u8s, u8);
numbers!(u32s, take_u32s, u32);
numbers!(u64s, take_u64s, u64);
numbers!(i64s, take_i64s, i64);

impl Put<'_> {
    pub fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub fn len(&mut self, length: usize) {
        self.0.extend_from_slice(&(length as u64).to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.len(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }
}

impl<'a> Take<'a> {
    fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.raw(4)?.try_into().ok()?))
    }

    pub fn len(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.raw(8)?.try_into().ok()?)).ok()
    }

    pub fn text(&mut self) -> Option<String> {
        let length = self.len()?;
        Some(std::str::from_utf8(self.raw(length)?).ok()?.to_owned())
    }

    /// Everything was taken.
    pub fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
