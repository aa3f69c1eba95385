//! The engine as async calls.

use std::sync::Arc;

use super::setup::Setup;
use super::{StopToken, Watch};
use crate::domain::exchange::{LoadProgress, Problem};
use crate::domain::history::OperationSummary;
use crate::domain::leads::LeadTable;
use crate::domain::{
    Capabilities, LeadId, LeadRecord, OperationId, Person, Plan, ProfileName, SafeText, TargetId, Timestamp, VendorKind,
};
use crate::journal::{Journal, JournalError};
use crate::vendor::{Check, VendorError};

/// The engine. Cheap to clone; all calls may run side by side.
#[derive(Clone)]
pub struct Engine {}

/// A configured profile.
#[derive(Clone, Debug)]
pub struct ProfileInfo {
    pub name: ProfileName,
    pub vendor: VendorKind,
    pub base_url: String,
    pub read_only: bool,
    /// What its vendor can do, or why the profile cannot be used.
    pub capabilities: Result<Arc<Capabilities>, Problem>,
}

/// A profile's leads after a load.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub table: LeadTable,
    /// When the reading began: no owner in the table is older.
    pub read_at: Timestamp,
}

/// How an operation went. Its items are in the journal.
#[derive(Clone, Debug)]
pub struct Report {
    pub summary: OperationSummary,
    pub requests: usize,
    pub seconds: f64,
    /// Why a profile got less than all of its share: stopped credentials, an outage. One sentence each.
    pub cut_short: Vec<(ProfileName, Problem)>,
}

/// Why an operation was not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{0} is read-only in the configuration: nothing was sent")]
    ReadOnly(ProfileName),
    #[error("there is nothing to send in this plan")]
    Nothing,
    #[error("there is no profile {0}: nothing was sent")]
    NoSuchProfile(ProfileName),
    #[error("{0} cannot be used: {1}")]
    NotOpened(ProfileName, Problem),
    /// The operation belongs to another place than the profile points to now.
    #[error("{profile} went to {then} when this was done and goes to {now} now: nothing was sent")]
    ElsewhereNow { profile: ProfileName, then: String, now: String },
    #[error("{0}; nothing was sent")]
    Journal(#[from] JournalError),
    /// The journal could not be written any more while the operation ran. What was in flight was awaited.
    #[error("operation {operation} was cut off, because {error}")]
    JournalLost { operation: OperationId, error: JournalError },
}

/// What to take back.
#[derive(Clone, Debug)]
pub struct UndoRequest {
    /// In any order; several become one plan.
    pub operations: Vec<OperationId>,
    pub only: Only,
    /// Overwrite what others changed since.
    pub force: bool,
    pub note: Option<SafeText>,
}

/// Which items of the operations.
#[derive(Clone, Debug, Default)]
pub enum Only {
    #[default]
    All,
    /// These sequence numbers of a single operation.
    Items(Vec<u32>),
    Targets(Vec<TargetId>),
}

impl Engine {
    pub fn open(_setup: Setup) -> Result<Self, Problem> {
        todo!()
    }

    pub fn profiles(&self) -> Vec<ProfileInfo> {
        todo!()
    }

    /// `None` where there is no such profile or it cannot be used.
    pub fn capabilities(&self, _profile: &ProfileName) -> Option<Arc<Capabilities>> {
        todo!()
    }

    pub fn journal(&self) -> &Journal {
        todo!()
    }

    /// The time by this engine's clock.
    pub fn now(&self) -> Timestamp {
        todo!()
    }

    /// All owners of a profile, read now.
    pub async fn load_people(&self, _profile: &ProfileName) -> Result<Vec<Person>, VendorError> {
        todo!()
    }

    /// All leads of a profile, read now. `on_page` sees how far it is.
    pub async fn load_leads(
        &self,
        _profile: &ProfileName,
        _on_page: impl Fn(LoadProgress) + Send + Sync + 'static,
    ) -> Result<Loaded, VendorError> {
        todo!()
    }

    /// One lead with every field.
    pub async fn detail(&self, _profile: &ProfileName, _lead: &LeadId) -> Result<LeadRecord, VendorError> {
        todo!()
    }

    /// Carries out a confirmed plan. It runs in a task of its own: dropping this future does not cut a write off.
    pub async fn apply(&self, _plan: Arc<Plan>, _watch: Watch, _stop: StopToken) -> Result<Report, ApplyError> {
        todo!()
    }

    /// Reads the targets again and makes the plan that takes operations back: an undo, or a redo where they are undos.
    pub async fn plan_undo(&self, _request: UndoRequest) -> Result<Plan, Problem> {
        todo!()
    }

    /// Settles an interrupted operation by reading, then sends what was not sent yet, unless `settle_only`.
    pub async fn resume(
        &self,
        _operation: &OperationId,
        _settle_only: bool,
        _watch: Watch,
        _stop: StopToken,
    ) -> Result<Report, ApplyError> {
        todo!()
    }

    /// Probes a profile's contract with reads only.
    pub async fn doctor(&self, _profile: &ProfileName) -> Vec<Check> {
        todo!()
    }
}
