//! The pace of each profile.

use async_trait::async_trait;

use crate::vendor::{Gate, Heard, Permit};

/// Lets a profile's requests pass at its pace.
#[derive(Debug, Default)]
pub struct PaceGate {}

impl PaceGate {
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Gate for PaceGate {
    async fn enter(&self, _hot: bool) -> Permit {
        Box::new(())
    }

    fn heard(&self, _heard: Heard) {}
}
