//! What a vendor's simulator has to give; the rest (server, faults, log, control) is the same for all of them.
//!
//! # Adding one
//!
//! A file or folder beside this one with
//! - a type that implements [`VendorSim`], built from a [`World`]. [`Demo`](super::demo::Demo) gives it leads and staff
//!   of the right [`Flavour`](super::demo::Flavour), [`Ledger`](super::ledger::Ledger) remembers who owns what;
//! - a router whose handlers take [`Ask`](super::ask::Ask) and tell its [`Trace`] what they applied and what they
//!   showed. What they do not tell is missing in the log, and then no test can hold a client to it;
//! - an [`Entry`] with the switches, and its line in [`registry`](super::registry).
//!
//! It is written from the vendor's contract alone, never with an eye on the client.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::response::Response;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SimOptions;
use super::switches::{SwitchSpec, Switches};

/// The id of what is assigned: a lead's, or `campaignId:leadId` for a mapping.
pub type Target = Arc<str>;

pub fn target(id: impl AsRef<str>) -> Target {
    Arc::from(id.as_ref())
}

/// One line of the registry.
pub struct Entry {
    /// The vendor's name on the command line and in a profile.
    pub name: &'static str,
    /// What is simulated, in a sentence.
    pub about: &'static str,
    /// How many leads there are unless somebody says another number; Exotel's are lists of leads.
    pub leads: usize,
    pub switches: &'static [SwitchSpec],
    pub build: fn(&World) -> Result<Arc<dyn VendorSim>, String>,
}

/// What a vendor's simulator is built from.
#[derive(Clone, Debug)]
pub struct World {
    pub options: SimOptions,
    /// Ages of leads count from here.
    pub now: Timestamp,
    pub switches: Arc<Switches>,
}

/// One vendor from the server's side.
pub trait VendorSim: Send + Sync + 'static {
    /// The vendor's own API. A handler takes [`axum::Extension`]`<`[`Trace`]`>` and tells it what it applied or showed.
    fn router(self: Arc<Self>) -> Router;

    /// What the path of every call begins with; a profile's base URL ends with it.
    fn base_path(&self) -> &'static str {
        ""
    }

    /// What a request is for; decides which faults may hit it.
    fn act(&self, method: &Method, path: &str) -> Act {
        let _ = path;
        if matches!(*method, Method::GET | Method::HEAD) { Act::Read } else { Act::Write }
    }

    /// What a write aims at, from the request alone: a write that is cut off before it is applied is logged with it.
    fn aims(&self, method: &Method, path: &str, body: &[u8]) -> Vec<Target>;

    /// An error in the vendor's own shape, for faults.
    fn error(&self, status: StatusCode, message: &str) -> Response;

    /// The profile's settings beside `vendor` and `base_url`, credentials in the `{command = …}` form.
    fn profile(&self) -> Map<String, Value>;

    /// The same server with other credentials or settings, by name, each like [`Self::profile`].
    fn other_profiles(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Who holds each target.
    fn holders(&self) -> Vec<(Target, Holder)>;

    /// Who holds one target; `None` where it does not exist.
    fn holder(&self, target: &str) -> Option<Holder>;

    /// Someone else changes these targets. Unknown ones are left out of the answer.
    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied>;

    /// The clients of before are gone: what the contract asks of the first request of a session begins anew.
    fn new_session(&self) {}
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Read,
    /// Changes assignments, or would.
    Write,
    /// Changes something else: a token, the active organizational unit.
    Other,
    /// Not a request at all: someone else changed something.
    Meddling,
}

/// Who holds a target. As JSON: `null`, `{"id", "name"}`, or a list of user ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Holder {
    Nobody,
    Owner { id: Option<String>, name: Option<String> },
    Agents(BTreeSet<String>),
}

impl Holder {
    pub fn owner(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Owner { id: Some(id.into()), name: Some(name.into()) }
    }

    /// The owner's id, where there is an owner with one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Owner { id, .. } => id.as_deref(),
            Self::Nobody | Self::Agents(_) => None,
        }
    }

    /// The owner's name, where there is an owner with one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Owner { name, .. } => name.as_deref(),
            Self::Nobody | Self::Agents(_) => None,
        }
    }
}

/// One target that was written, changed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub target: Target,
    pub before: Arc<Holder>,
    pub after: Arc<Holder>,
}

/// What someone else does to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meddling {
    /// Another holder than the present one; the number picks which.
    Another(u64),
    To(Holder),
    /// Deleted, or merged away.
    Gone,
}

/// Tells the log what a handler did. Comes with every request as an extension.
#[derive(Clone, Default)]
pub struct Trace(Arc<Inner>);

/// Writes what a trace was told into the log.
type Note = Box<dyn Fn(&Trace) + Send + Sync>;

#[derive(Default)]
struct Inner {
    traced: Mutex<Traced>,
    /// Takes what is told after the request was answered, by a job that it began.
    afterwards: OnceLock<Note>,
    /// It arrives only after its client was cut off.
    late: OnceLock<()>,
    /// While somebody holds this trace, something may still be applied.
    _busy: Arc<()>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&self.0.traced).finish()
    }
}

#[derive(Debug, Default)]
pub(super) struct Traced {
    pub applied: Vec<Applied>,
    pub shown: Vec<Target>,
    pub complaints: Vec<String>,
}

impl Trace {
    /// Of one request; the server is busy with it until nobody holds the trace.
    pub(super) fn of(busy: Arc<()>) -> Self {
        Self(Arc::new(Inner { _busy: busy, ..Inner::default() }))
    }

    /// These targets were written.
    pub fn applied(&self, changes: impl IntoIterator<Item = Applied>) {
        self.with(|t| t.applied.extend(changes));
    }

    /// The answer shows the present holder of these targets.
    pub fn shows(&self, targets: impl IntoIterator<Item = Target>) {
        self.with(|t| t.shown.extend(targets));
    }

    /// The request breaks a rule that the contract has for clients.
    pub fn complain(&self, what: impl Into<String>) {
        self.with(|t| t.complaints.push(what.into()));
    }

    /// The client of this request has been cut off, and perhaps gone on, before it arrives.
    pub fn is_late(&self) -> bool {
        self.0.late.get().is_some()
    }

    pub(super) fn comes_late(&self) {
        let _ = self.0.late.set(());
    }

    pub(super) fn take(&self) -> Traced {
        std::mem::take(&mut self.0.traced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The request is answered: from now on whatever is told goes to `note`.
    pub(super) fn afterwards(&self, note: impl Fn(&Self) + Send + Sync + 'static) {
        // Once is enough: it is always the same log entry.
        let _ = self.0.afterwards.set(Box::new(note));
    }

    fn with(&self, f: impl FnOnce(&mut Traced)) {
        f(&mut self.0.traced.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(note) = self.0.afterwards.get() {
            note(self);
        }
    }
}
