//! What the requests of one piece of work have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How requests of one piece of work are sent.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    pub hot: bool,
    /// Counts them.
    pub meter: Arc<AtomicUsize>,
}

impl Asking {
    pub fn hot() -> Self {
        Self { hot: true, ..Self::default() }
    }

    /// Requests that left so far.
    pub fn requests(&self) -> usize {
        self.meter.load(Ordering::Relaxed)
    }
}
