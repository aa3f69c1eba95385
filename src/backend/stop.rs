//! The wish to stop: no new work is handed out, what is in flight is awaited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Asks an operation to stop. Clones ask for the same.
#[derive(Clone, Debug, Default)]
pub struct StopToken {
    wish: CancellationToken,
    /// Nobody is left who could be stopped.
    over: Arc<AtomicBool>,
}

impl StopToken {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn stop(&self) {
        self.wish.cancel();
    }

    pub fn is_stopped(&self) -> bool {
        self.wish.is_cancelled()
    }

    /// Notes that what could be stopped has ended.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Waits until somebody asks to stop.
    pub async fn stopped(&self) {
        self.wish.cancelled().await;
    }
}
