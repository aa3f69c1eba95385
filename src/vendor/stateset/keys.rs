//! Idempotency keys: one for each logical write, the same one when it has to be sent again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};

/// How long servers remember a key (StateSet's open-source server: ten minutes). An older one is as good as a new one.
const REMEMBERED: Duration = Duration::from_secs(10 * 60);

/// Writes that wait for another try; beyond that old ones are forgotten.
const MOST: usize = 20_000;

pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The keys of writes that had no effect yet and will be tried again.
#[derive(Default)]
pub struct Keys {
    waiting: Mutex<HashMap<String, (HeaderValue, Instant)>>,
}

impl Keys {
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, (HeaderValue, Instant)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key for this write: the one of an earlier try without effect, otherwise a new one. `None` should a UUID be no
    /// header value, which cannot be.
    pub fn of(&self, write: &str) -> Option<HeaderValue> {
        match self.waiting().remove(write) {
            Some((key, at)) if at.elapsed() < REMEMBERED => Some(key),
            _ => HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok(),
        }
    }

    /// The write had no effect: its next try is the same logical write.
    pub fn keep(&self, write: &str, key: HeaderValue) {
        let mut waiting = self.waiting();
        if waiting.len() >= MOST {
            waiting.retain(|_, (_, at)| at.elapsed() < REMEMBERED);
        }
        if waiting.len() < MOST {
            waiting.insert(write.to_owned(), (key, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_a_write_until_that_had_an_effect() {
        let keys = Keys::default();
        let first = keys.of("a").unwrap();
        assert_ne!(keys.of("b"), Some(first.clone()));
        keys.keep("a", first.clone());
        assert_eq!(keys.of("a"), Some(first.clone()));
        assert_ne!(keys.of("a"), Some(first.clone()));
        assert_eq!(uuid::Uuid::parse_str(first.to_str().unwrap()).unwrap().get_version_num(), 4);
    }
}
