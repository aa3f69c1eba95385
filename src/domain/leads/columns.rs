//! Columns of small values, each as narrow as its values allow.

use super::bytes::{Put, Take};
use crate::domain::Timestamp;

/// Small numbers: often all the same, nearly always below 256.
#[derive(Clone, Debug)]
pub enum Codes {
    Same { code: u32, len: usize },
    Bytes(Vec<u8>),
    Words(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Same { code: 0, len: 0 }
    }
}

impl Codes {
    pub fn get(&self, row: usize) -> u32 {
        match self {
            Self::Same { code, .. } => *code,
            Self::Bytes(codes) => codes[row].into(),
            Self::Words(codes) => codes[row],
        }
    }

    /// Adds how often each code occurs.
    pub fn count(&self, counts: &mut [usize]) {
        let mut add = |code: usize, rows: usize| {
            if let Some(count) = counts.get_mut(code) {
                *count += rows;
            }
        };
        match self {
            Self::Same { code, len } => add(*code as usize, *len),
            Self::Bytes(codes) => codes.iter().for_each(|code| add(usize::from(*code), 1)),
            Self::Words(codes) => codes.iter().for_each(|code| add(*code as usize, 1)),
        }
    }

    pub fn push(&mut self, code: u32) {
        if let Self::Same { len: 0, .. } = self {
            *self = Self::Same { code, len: 1 };
            return;
        }
        self.make_room_for(code);
        match self {
            Self::Same { len, .. } => *len += 1,
            Self::Bytes(codes) => codes.push(code as u8),
            Self::Words(codes) => codes.push(code),
        }
    }

    pub fn set(&mut self, row: usize, code: u32) {
        self.make_room_for(code);
        match self {
            Self::Same { .. } => {}
            Self::Bytes(codes) => codes[row] = code as u8,
            Self::Words(codes) => codes[row] = code,
        }
    }

    fn make_room_for(&mut self, new: u32) {
        if let Self::Same { code, len } = *self
            && code != new
        {
            *self = match u8::try_from(code) {
                Ok(code) => Self::Bytes(vec![code; len]),
                Err(_) => Self::Words(vec![code; len]),
            };
        }
        if let Self::Bytes(codes) = self
            && new > u8::MAX.into()
        {
            *self = Self::Words(codes.iter().map(|&code| code.into()).collect());
        }
    }

    pub fn put(&self, put: &mut Put<'_>) {
        match self {
            Self::Same { code, len } => {
                put.u32(0);
                put.u32(*code);
                put.len(*len);
            }
            Self::Bytes(codes) => {
                put.u32(1);
                put.u8s(codes);
            }
            Self::Words(codes) => {
                put.u32(2);
                put.u32s(codes);
            }
        }
    }

    pub fn take(take: &mut Take<'_>) -> Option<Self> {
        Some(match take.u32()? {
            0 => Self::Same { code: take.u32()?, len: take.len()? },
            1 => Self::Bytes(take.take_u8s()?),
            2 => Self::Words(take.take_u32s()?),
            _ => return None,
        })
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Same { len, .. } => *len,
            Self::Bytes(codes) => codes.len(),
            Self::Words(codes) => codes.len(),
        }
    }

    /// Whether every number is below `end`.
    pub fn are_below(&self, end: usize) -> bool {
        match self {
            Self::Same { code, len } => *len == 0 || (*code as usize) < end,
            Self::Bytes(codes) => codes.iter().all(|code| usize::from(*code) < end),
            Self::Words(codes) => codes.iter().all(|code| (*code as usize) < end),
        }
    }

    pub fn shrink(&mut self) {
        match self {
            Self::Same { .. } => {}
            Self::Bytes(codes) => codes.shrink_to_fit(),
            Self::Words(codes) => codes.shrink_to_fit(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Same { .. } => 0,
            Self::Bytes(codes) => codes.capacity(),
            Self::Words(codes) => codes.capacity() * 4,
        }
    }
}

/// Points in time, to the microsecond; in whole seconds where all of them are.
#[derive(Clone, Debug)]
pub enum Times {
    /// Since 1970; the largest value is "not given".
    Seconds(Vec<u32>),
    /// Since 1970; the smallest value is "not given".
    Micros(Vec<i64>),
}

impl Default for Times {
    fn default() -> Self {
        Self::Seconds(Vec::new())
    }
}

const NO_SECOND: u32 = u32::MAX;
const NO_MICRO: i64 = i64::MIN;
const MICROS: i64 = 1_000_000;

impl Times {
    pub fn get(&self, row: usize) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.micros(row)?).ok()
    }

    /// Microseconds since 1970.
    pub fn micros(&self, row: usize) -> Option<i64> {
        match self {
            Self::Seconds(seconds) => (seconds[row] != NO_SECOND).then(|| i64::from(seconds[row]) * MICROS),
            Self::Micros(micros) => (micros[row] != NO_MICRO).then(|| micros[row]),
        }
    }

    pub fn push(&mut self, at: Option<Timestamp>) {
        let micros = at.map(Timestamp::as_microsecond);
        self.make_room_for(micros);
        match self {
            Self::Seconds(seconds) => seconds.push(in_seconds(micros).unwrap_or(NO_SECOND)),
            Self::Micros(all) => all.push(micros.unwrap_or(NO_MICRO)),
        }
    }

    pub fn set(&mut self, row: usize, at: Option<Timestamp>) {
        let micros = at.map(Timestamp::as_microsecond);
        self.make_room_for(micros);
        match self {
            Self::Seconds(seconds) => seconds[row] = in_seconds(micros).unwrap_or(NO_SECOND),
            Self::Micros(all) => all[row] = micros.unwrap_or(NO_MICRO),
        }
    }

    fn make_room_for(&mut self, micros: Option<i64>) {
        if let Self::Seconds(seconds) = self
            && in_seconds(micros).is_none()
        {
            let micros = |&second: &u32| if second == NO_SECOND { NO_MICRO } else { i64::from(second) * MICROS };
            *self = Self::Micros(seconds.iter().map(micros).collect());
        }
    }

    pub fn put(&self, put: &mut Put<'_>) {
        match self {
            Self::Seconds(seconds) => {
                put.u32(0);
                put.u32s(seconds);
            }
            Self::Micros(micros) => {
                put.u32(1);
                put.i64s(micros);
            }
        }
    }

    pub fn take(take: &mut Take<'_>) -> Option<Self> {
        Some(match take.u32()? {
            0 => Self::Seconds(take.take_u32s()?),
            1 => Self::Micros(take.take_i64s()?),
            _ => return None,
        })
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Seconds(seconds) => seconds.len(),
            Self::Micros(micros) => micros.len(),
        }
    }

    pub fn shrink(&mut self) {
        match self {
            Self::Seconds(seconds) => seconds.shrink_to_fit(),
            Self::Micros(micros) => micros.shrink_to_fit(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Seconds(seconds) => seconds.capacity() * 4,
            Self::Micros(micros) => micros.capacity() * 8,
        }
    }
}

/// A point in time as whole seconds, if that loses nothing.
fn in_seconds(micros: Option<i64>) -> Option<u32> {
    match micros {
        None => Some(NO_SECOND),
        Some(micros) if micros % MICROS == 0 => {
            u32::try_from(micros / MICROS).ok().filter(|&second| second != NO_SECOND)
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_keep_what_was_put_in(
            mut codes in prop::collection::vec(prop_oneof![Just(7_u32), 0..300_u32, any::<u32>()], 1..40),
            at in any::<prop::sample::Index>(),
            code in any::<u32>(),
        ) {
            let mut column = Codes::default();
            codes.iter().for_each(|&code| column.push(code));
            let at = at.index(codes.len());
            codes[at] = code;
            column.set(at, code);
            prop_assert!(codes.iter().enumerate().all(|(row, &code)| column.get(row) == code));
        }

        #[test]
        fn times_keep_microseconds(
            micros in prop::collection::vec(
                prop::option::of(prop_oneof![
                    (0..5_000_000_000_i64).prop_map(|second| second * MICROS),
                    -60_000_000_000_000_000..200_000_000_000_000_000_i64,
                ]),
                1..20,
            ),
            at in any::<prop::sample::Index>(),
        ) {
            let times: Vec<_> = micros.iter().map(|at| at.map(|at| Timestamp::from_microsecond(at).unwrap())).collect();
            let mut column = Times::default();
            times.iter().for_each(|&at| column.push(at));
            prop_assert_eq!((0..times.len()).map(|row| column.get(row)).collect::<Vec<_>>(), times.clone());
            let at = at.index(times.len());
            column.set(at, times[0]);
            prop_assert_eq!(column.get(at), times[0]);
        }
    }
}
