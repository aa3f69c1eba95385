//! Stateful simulators of the vendors over real HTTP on loopback, with faults. Written from the vendors' contracts and
//! sharing no code with the clients, so that one misreading cannot hide in both.

use std::net::SocketAddr;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Loopback; port 0 picks a free one.
    pub addr: SocketAddr,
    pub leads: usize,
    pub owners: usize,
    pub campaigns: usize,
    pub seed: u64,
    /// Fault specifications as `sim --fault` takes them.
    pub faults: Vec<String>,
    /// `NAME=VALUE` as `sim --switch` takes them.
    pub switches: Vec<(String, String)>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            leads: 5_000,
            owners: 24,
            campaigns: 12,
            seed: 1,
            faults: Vec::new(),
            switches: Vec::new(),
        }
    }
}

/// A running simulator; it ends when this is dropped.
pub struct Simulator {
    /// The base URL for a profile.
    pub base_url: String,
    /// The settings a profile needs to talk to it, ready to be written into a configuration's `[profiles.NAME]` table.
    pub profile: serde_json::Map<String, serde_json::Value>,
}

/// Starts the simulator of `vendor` (`kenbun`, …). Unknown vendors, faults and switches are errors that list what exists.
pub async fn start(_vendor: &str, _options: SimOptions) -> Result<Simulator, String> {
    todo!()
}
