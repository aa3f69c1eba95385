//! The wish to stop: no new work is handed out, what is in flight is awaited.

use tokio_util::sync::CancellationToken;

/// Asks an operation to stop. Clones ask for the same.
#[derive(Clone, Debug, Default)]
pub struct StopToken(CancellationToken);

impl StopToken {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn stop(&self) {
        self.0.cancel();
    }

    pub fn is_stopped(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until somebody asks to stop.
    pub async fn stopped(&self) {
        self.0.cancelled().await;
    }
}
