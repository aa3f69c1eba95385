//! The gate every request to a vendor passes: pace and concurrency are decided behind it, by the backend.

use std::time::Duration;

use async_trait::async_trait;

/// Held while a request is on the way; dropping it frees the place.
pub type Permit = Box<dyn Send + Sync>;

/// Lets requests pass at the profile's pace.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Waits until a request may leave. Hot requests (small, waited for by a person) go first.
    async fn enter(&self, hot: bool) -> Permit;

    /// Tells what an answer said about limits. Must not block.
    fn heard(&self, heard: Heard);
}

/// What an answer's status and headers said about limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Heard {
    pub status: Option<u16>,
    /// From `Retry-After` or the vendor's own headers.
    pub retry_after: Option<Duration>,
    /// Requests left in the present window, and how long it lasts.
    pub remaining: Option<u32>,
    pub reset_after: Option<Duration>,
    pub limit: Option<u32>,
}

/// Lets everything pass at once; for tests and tools.
#[derive(Debug, Default)]
pub struct OpenGate;

#[async_trait]
impl Gate for OpenGate {
    async fn enter(&self, _hot: bool) -> Permit {
        Box::new(())
    }

    fn heard(&self, _heard: Heard) {}
}
