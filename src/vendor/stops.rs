//! What one write met that every other would meet as well. Several writes of a profile are on their way at the same
//! time; those of them that still wait for their turn must not leave when another one has learned that none may.

use std::sync::{Arc, Mutex, PoisonError};

use super::VendorError;

/// The newest reason to stop, with the number of reasons so far.
#[derive(Clone, Default)]
pub struct Stops(Arc<Mutex<(u64, Option<VendorError>)>>);

/// The moment at which a write began: only what was learned since then concerns it, so that credentials which were
/// mended are not held to what the old ones met.
#[derive(Clone)]
pub struct Begun {
    stops: Stops,
    at: u64,
}

impl Stops {
    /// A write begins.
    pub fn begin(&self) -> Begun {
        Begun { stops: self.clone(), at: self.0.lock().unwrap_or_else(PoisonError::into_inner).0 }
    }

    /// A write learned that nothing more may be sent.
    pub fn note(&self, error: &VendorError) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (known.0 + 1, Some(error.clone()));
    }
}

impl Begun {
    /// Why this write may not leave any more.
    pub fn stopped(&self) -> Option<VendorError> {
        let known = self.stops.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.1.clone().filter(|_| known.0 > self.at)
    }
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("at", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::ErrorKind;

    #[test]
    fn what_was_learned_before_does_not_concern_a_write() {
        let stops = Stops::default();
        let early = stops.begin();
        assert_eq!(early.stopped(), None);
        let refused = VendorError::new(ErrorKind::SignIn, "refused");
        stops.note(&refused);
        let later = stops.begin();
        assert_eq!((early.stopped(), later.stopped()), (Some(refused), None));
    }
}
