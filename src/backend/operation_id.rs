//! Ids of operations: sorted by time, unique, short enough to be typed.

use crate::domain::{OperationId, Timestamp};

/// Without the letters that look like digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// An id like `20261120-180203-k7f3`: the time in UTC, and a random end for what happens in the same second.
pub fn operation_id(at: Timestamp) -> OperationId {
    let end: String = (0..4).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())])).collect();
    OperationId::new(format!("{}-{end}", at.strftime("%Y%m%d-%H%M%S")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_by_time_and_differ_within_a_second() {
        let at: Timestamp = "2026-11-20T18:02:03.9Z".parse().unwrap();
        let ids: Vec<_> = (0..20).map(|_| operation_id(at)).collect();
        assert!(ids.iter().all(|id| id.as_str().starts_with("20261120-180203-") && id.as_str().len() == 20));
        assert!(ids.iter().any(|id| *id != ids[0]));
        let later = operation_id("2026-11-20T18:02:04Z".parse().unwrap());
        assert!(ids.iter().all(|id| *id < later));
    }
}
