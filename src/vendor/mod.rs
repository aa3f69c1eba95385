//! The vendors behind one trait. A vendor is a folder here with its private wire types, and an entry in [`registry`];
//! nothing else in the house knows which one it talks to.

pub mod asking;
pub mod capillary;
pub mod error;
pub mod exotel;
pub mod fields;
pub mod findings;
pub mod gate;
pub mod http;
pub mod instantly;
pub mod kenbun;
pub mod open;
pub mod registry;
pub mod report;
pub mod seen;
pub mod settings;
pub mod stateset;
pub mod stops;
pub mod targets;
pub mod verdict;

use std::ops::ControlFlow;

use async_trait::async_trait;
use serde_json::Value;

pub use self::error::{ErrorKind, VendorError};
pub use self::gate::{Gate, Heard, Permit};
pub use self::targets::{Found, Targets};
use crate::domain::campaign::{Collection, LeadAsk, MappingRecord, NewLead};
use crate::domain::{Assignment, Capabilities, Change, ChangeRef, LeadId, LeadRecord, Person, TargetId};

/// One profile's connection to its vendor. All methods may be called at the same time from several tasks.
///
/// Reads may be dropped at any time. A [`write`](Vendor::write) that has begun must be awaited to its end.
#[async_trait]
pub trait Vendor: Send + Sync {
    fn capabilities(&self) -> &Capabilities;

    /// What has to be known again to undo what is written now (kenbun: the organizational unit). Goes into the journal.
    fn context(&self) -> Value {
        Value::Null
    }

    /// Sentences that a plan has to say beside [`Capabilities::warnings`] and that only asking brought to light, such as
    /// the name of the workspace that the credentials lead to. Known after [`people`](Vendor::people) at the latest.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }

    /// All owners, to the last page.
    async fn people(&self) -> Result<Vec<Person>, VendorError>;

    /// The leads that `ask` wants, page by page, to the last one or until `pages` has enough. What the vendor cannot
    /// narrow down by itself is ignored: the rows are filtered again here.
    async fn leads(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError>;

    /// The campaigns and lists that leads are in, for the Lists pane. Empty where the vendor has none.
    async fn collections(&self) -> Result<Vec<Collection>, VendorError> {
        Ok(Vec::new())
    }

    /// Every mapping of a campaign, or of all campaigns, with the agents now. Only where targets are mappings.
    async fn mappings(&self, _campaign: Option<&str>) -> Result<Vec<MappingRecord>, VendorError> {
        Err(VendorError::not_supported("campaign mappings"))
    }

    /// As [`mappings`](Vendor::mappings) of one campaign; `part` is told what is known so far where that takes longer,
    /// with an error for lists that were not read yet.
    async fn survey(
        &self,
        campaign: &str,
        _part: &mut (dyn FnMut(Vec<MappingRecord>) + Send),
    ) -> Result<Vec<MappingRecord>, VendorError> {
        self.mappings(Some(campaign)).await
    }

    /// Agents whom the client knows without asking anybody, from a file of the customer's.
    fn roster(&self) -> Vec<Person> {
        Vec::new()
    }

    /// Creates a lead. Only where the vendor's contract has it.
    async fn create_lead(&self, _lead: &NewLead) -> Result<LeadRecord, VendorError> {
        Err(VendorError::not_supported("creating leads"))
    }

    /// One lead with every field.
    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError>;

    /// Reads the present assignment of each target and gives it to `found` with the target's number as soon as it is known,
    /// in any order, once for each number: several targets may have the same id. What is never given was not read.
    ///
    /// There may be as many targets as an operation has items: the client chooses the cheapest way for all of them together
    /// (one call each, or a listing that is read once), holds no more than a few bytes for each, and keeps to the gate's
    /// pace.
    async fn observe_each(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>);

    /// The same for targets that are few: what was read of each, in their order.
    async fn observe(&self, targets: &[Target], session: &Session) -> Vec<Observation> {
        let mut read = vec![Observation::missed(); targets.len()];
        let mut found = |number: usize, observation| {
            if let Some(place) = read.get_mut(number) {
                *place = observation;
            }
        };
        self.observe_each(&targets, session, &mut found).await;
        read
    }

    /// Sends one batch, in one request where the vendor has a bulk call. Never repeats a request by itself unless the
    /// vendor's answer proves that the first one had no effect.
    async fn write(&self, batch: &[Change], session: &Session) -> WriteReport;

    /// Probes the contract with reads only; a sentence for each.
    async fn check(&self) -> Vec<Check>;
}

/// Receives pages of leads while they are loaded.
pub trait Pages: Send {
    /// `total` where the vendor says how many there are. `Break` ends the listing.
    fn page(&mut self, leads: Vec<LeadRecord>, total: Option<usize>) -> ControlFlow<()>;

    /// What the person should know about this listing though it goes on: rows that could not be read, rows that the
    /// vendor counts but does not give.
    fn trouble(&mut self, _sentence: String) {}
}

/// What reads and writes of one operation have in common.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// [`Vendor::context`] as it was when the operation that is applied (or taken back) was made.
    pub context: Value,
    /// Small and waited for by a person: goes before bulk work.
    pub hot: bool,
    /// This batch takes something back.
    pub undo: bool,
    /// What readings are for.
    pub looking: Looking,
}

/// What a reading is for. Some vendors have a cheap reading that may lag behind a write, and a dear one that does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looking {
    /// Whether a target still is as expected, before it is written or taken back. Expected is the first of
    /// [`Target::candidates`]; anything else leads to it being left alone.
    #[default]
    Ahead,
    /// What became of a write that was queued. Another look follows, so the cheap reading is enough.
    Polling,
    /// What became of a write. What is read as not applied now will be reported so: look where nothing lags.
    Deciding,
}

/// A target to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub id: TargetId,
    pub scope: String,
    /// What it is expected to be, for vendors that can only ask "is it X?".
    pub candidates: Vec<Assignment>,
}

/// What was read about a target.
#[derive(Clone, Debug)]
pub struct Observation {
    pub now: Result<Assignment, VendorError>,
    /// A newer scope for this target, where the reading gave one.
    pub scope: Option<String>,
}

impl Target {
    /// Of a lead of which nothing more is known.
    pub fn by_id(id: impl AsRef<str>) -> Self {
        Self { id: TargetId::new(id), scope: String::new(), candidates: Vec::new() }
    }

    /// Of a change: expected as it was, or else as it is to become.
    pub fn of(change: ChangeRef<'_>) -> Self {
        Self {
            id: change.target(),
            scope: change.scope().to_owned(),
            candidates: vec![change.before.clone(), change.after.clone()],
        }
    }
}

impl Observation {
    /// Read, without a word about the scope.
    pub fn of(now: Assignment) -> Self {
        Self { now: Ok(now), scope: None }
    }

    pub fn failed(error: &VendorError) -> Self {
        Self { now: Err(error.clone()), scope: None }
    }

    /// Its client never gave it.
    pub fn missed() -> Self {
        Self::failed(&VendorError::not_read())
    }
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct WriteReport {
    /// One for each change, in order.
    pub outcomes: Vec<WriteOutcome>,
    /// Set when nothing more may be sent to this profile, with the sentence for the person (credentials refused, a
    /// server that does something else than its contract).
    pub halt: Option<VendorError>,
    /// The error that the write's own request met, if it met one. Several of the server's or the line's in a row are an
    /// outage, and nothing more is handed out.
    pub trouble: Option<ErrorKind>,
    /// Requests that left, reads included.
    pub requests: usize,
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteOutcome {
    /// Proven by the answer.
    Done,
    /// As [`Done`](Self::Done), with a sentence that the person should read (someone else changed the same list).
    DoneWith(String),
    /// Proven to have been applied in part only: a set of agents of which some were added or removed and others not.
    /// `now` is the set as it was read back.
    Partly { why: String, now: Assignment },
    /// Refused, or proven not to have been applied: nothing was changed.
    Failed(String),
    /// The answer does not tell: read it back. What has not taken effect by now never will (a 5xx, an answer that broke
    /// off, a short count).
    Unknown(String),
    /// As [`Unknown`](Self::Unknown), but it may still take effect later: no answer at all (a time-out, a cut line), an
    /// answer that is only an acceptance. One reading that shows the old value proves nothing.
    Late(String),
    /// As [`Late`](Self::Late), but it waits, or may wait, in a queue of the vendor's (Instantly's background jobs). It
    /// is polled for until [`Settle::deadline`](crate::domain::capabilities::Settle) and is then still unknown: nobody
    /// can tell whether it comes before
    /// [`late_writes`](crate::domain::Capabilities::late_writes) is over.
    Queued(String),
    /// Certainly without effect and worth another try after the pause: the rate limit, a connection that was refused
    /// before anything left.
    NotApplied { why: String, retry_after: Option<std::time::Duration> },
    /// The client read the target just before sending and found it changed: nothing was sent.
    Drifted { now: Assignment },
}

/// One line of `doctor`.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub name: String,
    pub ok: bool,
    /// A sentence: what was found, and what a wrong setting would look like.
    pub detail: String,
}
