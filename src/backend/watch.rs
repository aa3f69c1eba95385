//! Who is told what happens while an operation runs.

use std::sync::Arc;

use crate::domain::exchange::Event;

/// Receives events. Called from the engine's tasks: it must not block.
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(Event) + Send + Sync>);

impl Watch {
    pub fn new(tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Nobody listens.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }
}
