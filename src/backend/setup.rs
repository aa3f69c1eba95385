//! What an engine is made of.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::pace::PaceGate;
use crate::domain::capabilities::Settle;
use crate::domain::exchange::Problem;
use crate::domain::{ProfileName, SafeText, Timestamp, VendorKind};
use crate::journal::Journal;
use crate::vendor::{Gate, Vendor};

/// Tells the time. A value, so that tests can stop it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this computer.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Everything an [`Engine`](super::Engine) needs.
pub struct Setup {
    pub profiles: Vec<ProfileSetup>,
    pub journal: Journal,
    /// The person at this computer, `user@host`; goes into the journal.
    pub who: SafeText,
    pub clock: Clock,
    /// Where cached leads and the pace of each profile are kept. `None` keeps nothing.
    pub data_folder: Option<PathBuf>,
    pub tuning: Tuning,
}

/// One profile with its vendor's client, or with the reason why there is none.
pub struct ProfileSetup {
    pub(super) name: ProfileName,
    pub(super) kind: VendorKind,
    pub(super) base_url: String,
    pub(super) read_only: bool,
    pub(super) vendor: Result<Arc<dyn Vendor>, Problem>,
    pub(super) gate: Arc<PaceGate>,
}

impl ProfileSetup {
    /// Makes the vendor's client with `open`, behind a gate that the engine paces.
    pub fn new<E: Display>(
        name: ProfileName,
        kind: VendorKind,
        base_url: impl Into<String>,
        read_only: bool,
        open: impl FnOnce(Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, E>,
    ) -> Self {
        let gate = Arc::new(PaceGate::new());
        let vendor = open(gate.clone()).map_err(|why| Problem::new(why.to_string(), ""));
        Self { name, kind, base_url: base_url.into(), read_only, vendor, gate }
    }
}

/// How the engine behaves where the vendor's capabilities leave it open.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Overrides the capabilities' freshness.
    pub freshness: Option<Duration>,
    /// Overrides the capabilities' rule of when and for how long lost answers are read back.
    pub settle: Option<Settle>,
    /// At most this many requests in flight for a profile, if the capabilities allow more.
    pub parallel: Option<usize>,
    /// An operation of at most this many changes is hot: it goes before bulk work of the same profile.
    pub hot_up_to: usize,
    /// How often a write that certainly had no effect (the rate limit, a refused connection) is tried.
    pub tries: u32,
    /// The pause before such a write is tried again, where the vendor names none; it doubles.
    pub retry_pause: Duration,
    /// Plans with more changes than this are only carried out with a second person's approval.
    pub approval_above: Option<usize>,
    /// Operations that are older are pointed out at the start; `None` for none.
    pub retention: Option<Duration>,
    /// After this many failures of the server or the line in a row nothing more is handed out.
    pub outage_after: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            freshness: None,
            settle: None,
            parallel: None,
            hot_up_to: 20,
            tries: 8,
            retry_pause: Duration::from_millis(500),
            approval_above: None,
            retention: None,
            outage_after: 5,
        }
    }
}
