//! Stateful simulators of the vendors over real HTTP on loopback, with faults. Written from the vendors' contracts and
//! sharing no code with the clients, so that one misreading cannot hide in both.
//!
//! # The parts
//!
//! - [`vendor`]: what one vendor's simulator has to give ([`VendorSim`](vendor::VendorSim)); [`registry`]: all of them.
//! - `server`, [`faults`], [`log`], `control`: the same around every vendor. Requests pass the faults on their way to
//!   the vendor's router and are logged with what was applied; `/_sim/` shows the log and the state to other processes.
//! - [`ask`], [`ledger`]: what vendors' handlers have in common.
//! - [`switches`]: what a contract leaves open, by name and value.
//! - [`demo`]: companies, their staff and their leads.
//! - [`dice`]: the same numbers for the same seed.

pub mod ask;
mod capillary;
mod control;
pub mod demo;
pub mod dice;
mod exotel;
pub mod faults;
mod instantly;
mod kenbun;
pub mod ledger;
pub mod log;
pub mod registry;
mod server;
mod stateset;
pub mod switches;
pub mod vendor;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::log::Log;
use self::server::Core;
pub use self::vendor::{Act, Applied, Holder, Meddling, Target, target};

/// What to simulate.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Loopback; port 0 picks a free one.
    pub addr: SocketAddr,
    pub leads: usize,
    pub owners: usize,
    pub campaigns: usize,
    pub seed: u64,
    /// Fault specifications as `sim --fault` takes them: see [`faults::HELP`].
    pub faults: Vec<String>,
    /// `NAME=VALUE` as `sim --switch` takes them.
    pub switches: Vec<(String, String)>,
    /// Ages count from here; without it from the start. For tests that look at ages.
    pub now: Option<Timestamp>,
    /// Where a simulator puts the files of its company; without it in the system's folder for such files. They go with
    /// the simulator, unless the process ends before it.
    pub folder: Option<PathBuf>,
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
            now: None,
            folder: None,
        }
    }
}

/// A running simulator; it ends, with all its connections, when this is dropped.
pub struct Simulator {
    /// The base URL for a profile.
    pub base_url: String,
    /// The settings a profile needs to talk to it, ready to be written into a configuration's `[profiles.NAME]` table.
    pub profile: Map<String, Value>,
    addr: SocketAddr,
    core: Arc<Core>,
    _stop: DropGuard,
}

/// Starts the simulator of `vendor` (`kenbun`, …). Unknown vendors, faults and switches are errors that list what exists.
pub async fn start(vendor: &str, options: SimOptions) -> Result<Simulator, String> {
    let entry = registry::find(vendor)?;
    if !options.addr.ip().is_loopback() {
        return Err(format!("{} is not a loopback address: a simulator serves this machine only", options.addr));
    }
    let faults = faults::Faults::new(options.seed, &options.faults)?;
    let switches = Arc::new(switches::Switches::new(entry.switches, &options.switches)?);
    faults.of_switches(&switches.faults())?;
    let (addr, seed) = (options.addr, options.seed);
    let now = options.now.unwrap_or_else(Timestamp::now);
    let sim = (entry.build)(&vendor::World { options, now, switches: Arc::clone(&switches) })?;
    let core =
        Arc::new(Core { vendor: entry.name, seed, sim, faults, switches, log: Log::default(), busy: Arc::default() });
    let stop = CancellationToken::new();
    let bound = server::serve(Arc::clone(&core), addr, stop.clone())
        .await
        .map_err(|e| format!("{addr} cannot be served: {e}"))?;
    let base_url = format!("http://{bound}{}", core.sim.base_path());
    let profile = complete(entry.name, &base_url, core.sim.profile());
    Ok(Simulator { base_url, profile, addr: bound, core, _stop: stop.drop_guard() })
}

fn complete(vendor: &str, base_url: &str, settings: Map<String, Value>) -> Map<String, Value> {
    let mut profile = Map::new();
    profile.insert("vendor".to_owned(), vendor.into());
    profile.insert("base_url".to_owned(), base_url.into());
    profile.extend(settings);
    profile
}

impl Simulator {
    /// Profiles of the same server with other credentials or settings, by name.
    pub fn other_profiles(&self) -> Vec<(String, Map<String, Value>)> {
        let all = self.core.sim.other_profiles().into_iter();
        all.filter_map(|(name, settings)| match settings {
            Value::Object(settings) => Some((name, complete(self.core.vendor, &self.base_url, settings))),
            _ => None,
        })
        .collect()
    }

    /// Who holds each target.
    pub fn holders(&self) -> Vec<(Target, Holder)> {
        self.core.sim.holders()
    }

    /// Who holds one target; `None` where it does not exist.
    pub fn holder(&self, target: &str) -> Option<Holder> {
        self.core.sim.holder(target)
    }

    /// What was asked and what was done.
    pub fn log(&self) -> &Log {
        &self.core.log
    }

    /// Someone else changes these targets.
    pub fn meddle<T: AsRef<str>>(&self, targets: &[T], what: &Meddling) -> Vec<Applied> {
        let targets: Vec<_> = targets.iter().map(target).collect();
        self.core.meddle(&targets, what, None)
    }

    /// Waits until all that clients have sent which are gone has arrived: every connection is closed, also those that
    /// nobody had accepted yet, and what was held back or only queued is applied. While a client is alive this may take for ever.
    pub async fn idle(&self) -> io::Result<()> {
        // Connections are accepted in their order, so the earlier ones are known once this one is answered.
        let mut line = TcpStream::connect(self.addr).await?;
        line.write_all(b"GET /_sim/complaints HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        line.read_to_end(&mut Vec::new()).await?;
        drop(line);
        while !self.core.is_idle() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// The clients of before are gone, killed perhaps in the middle of something: nobody can tell that from requests.
    pub fn new_session(&self) {
        self.core.sim.new_session();
    }

    /// These faults from now on; the error lists what exists.
    pub fn set_faults(&self, specs: &[impl AsRef<str>]) -> Result<(), String> {
        self.core.faults.replace(specs)
    }

    /// Turns a switch; the error lists what exists.
    pub fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.core.turn(name, value)
    }
}
