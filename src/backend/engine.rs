//! The engine as async calls.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::watch;

use super::again;
use super::asking;
use super::creating::{self, Created};
use super::desk::Desk;
use super::load::{self, Loaded};
use super::matrix;
use super::operation::{self, Part, Seqs, Start};
use super::operation_id::operation_id;
use super::pace::Ledger;
use super::recheck;
use super::reins::Reins;
use super::resume;
use super::setup::{Clock, Setup, Tuning};
use super::undo::{self, UndoRequest};
use super::{StopToken, Watch};
use crate::domain::campaign::{Collections, LeadAsk, NewLead};
use crate::domain::exchange::{Event, LoadProgress, Problem};
use crate::domain::history::{OperationPart, OperationSummary};
use crate::domain::plan_file::{Place, PlanFile};
use crate::domain::query::{Answer, Asked};
use crate::domain::{
    Capabilities, LeadId, LeadRecord, OperationId, OperationKind, Person, Plan, ProfileName, SafeText, Tally,
    Timestamp, VendorKind,
};
use crate::journal::{Hold, Journal, JournalError, NewOperation, NewSnapshot};
use crate::vendor::{Check, ErrorKind, Session, VendorError};

/// The engine. Cheap to clone; all calls may run side by side.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub desks: Vec<Result<Arc<Desk>, NotOpened>>,
    pub journal: Journal,
    pub who: SafeText,
    pub clock: Clock,
    pub data_folder: Option<PathBuf>,
    pub tuning: Tuning,
    /// Operations of this process that run now.
    running: Mutex<HashMap<OperationId, Running>>,
}

/// What a running operation can be told.
struct Running {
    stop: StopToken,
    reins: Arc<Reins>,
}

/// A profile that cannot be used.
pub(super) struct NotOpened {
    pub name: ProfileName,
    pub kind: VendorKind,
    pub base_url: String,
    pub read_only: bool,
    pub problem: Problem,
}

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

/// How an operation went. Its items are in the journal.
#[derive(Clone, Debug)]
pub struct Report {
    pub summary: OperationSummary,
    pub requests: usize,
    pub seconds: f64,
    /// Why a profile got less than all of its share: credentials refused, an outage. One sentence each.
    pub cut_short: Vec<(ProfileName, Problem)>,
}

/// Why an operation was not carried out, or not to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("{0} is read-only in the configuration: nothing was sent")]
    ReadOnly(ProfileName),
    #[error("there is nothing to send in this plan")]
    Nothing,
    /// The plan is larger than one person may send alone.
    #[error("{changes} changes are more than {above}, which need a second person's approval: nothing was sent")]
    NotApproved { changes: usize, above: usize },
    /// Somebody put another plan behind an approved file.
    #[error("this is not what the plan file holds: nothing was sent")]
    NotCovered,
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
    #[error("operation {operation} was cut short: {error}")]
    JournalLost { operation: OperationId, error: JournalError },
    /// A mistake in Switchboard itself. Without an operation it happened before there was one, and nothing was sent.
    #[error("{}", broken(operation.as_ref(), why))]
    Broken { operation: Option<OperationId>, why: String },
}

fn broken(operation: Option<&OperationId>, why: &str) -> String {
    match operation {
        Some(operation) => {
            format!("the engine failed during operation {operation}: {why}; what was sent is in the journal")
        }
        None => format!("the engine failed: {why}; nothing was sent"),
    }
}

impl ApplyError {
    /// The operation that was cut off, where one was.
    pub fn cut_off(&self) -> Option<&OperationId> {
        match self {
            Self::JournalLost { operation, .. } => Some(operation),
            Self::Broken { operation, .. } => operation.as_ref(),
            _ => None,
        }
    }

    /// The error for people.
    pub fn problem(&self) -> Problem {
        let remedy = match self {
            Self::ReadOnly(_) => "Take `read_only` out of the profile if this is meant.",
            Self::NotApproved { .. } => "Save the plan, have it approved (`switchboard approve`), and open it again.",
            Self::JournalLost { .. } | Self::Broken { operation: Some(_), .. } => "Settle what is open with `resume`.",
            Self::NotOpened(_, problem) => &problem.remedy,
            _ => "",
        };
        match self {
            Self::NotOpened(profile, problem) => Problem::new(format!("{profile}: {}", problem.what), remedy),
            _ => Problem::new(self.to_string(), remedy),
        }
    }
}

impl Engine {
    pub fn open(setup: Setup) -> Result<Self, Problem> {
        let Setup { profiles, journal, who, clock, data_folder, tuning } = setup;
        let mut desks = Vec::new();
        for profile in profiles {
            let (name, kind, base_url, read_only) = (profile.name, profile.kind, profile.base_url, profile.read_only);
            desks.push(match profile.vendor {
                Ok(vendor) => {
                    let mut capabilities = vendor.capabilities().clone();
                    capabilities.settle = tuning.settle.unwrap_or(capabilities.settle);
                    let capabilities = Arc::new(capabilities);
                    let mut pace = capabilities.pace;
                    pace.parallel = pace.parallel.min(tuning.parallel.unwrap_or(usize::MAX)).max(1);
                    let ledger = data_folder.as_deref().and_then(|folder| ledger(folder, &name, &base_url));
                    profile.gate.set_pace(pace, ledger);
                    let freshness = tuning.freshness.unwrap_or(capabilities.freshness);
                    Ok(Arc::new(Desk::new(
                        name,
                        kind,
                        base_url,
                        read_only,
                        vendor,
                        capabilities,
                        profile.gate,
                        freshness,
                    )))
                }
                Err(problem) => Err(NotOpened { name, kind, base_url, read_only, problem }),
            });
        }
        let inner = Inner { desks, journal, who, clock, data_folder, tuning, running: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub fn profiles(&self) -> Vec<ProfileInfo> {
        let info = |desk: &Result<Arc<Desk>, NotOpened>| match desk {
            Ok(desk) => ProfileInfo {
                name: desk.name.clone(),
                vendor: desk.kind,
                base_url: desk.base_url.clone(),
                read_only: desk.read_only,
                capabilities: Ok(desk.told_capabilities()),
            },
            Err(not) => ProfileInfo {
                name: not.name.clone(),
                vendor: not.kind,
                base_url: not.base_url.clone(),
                read_only: not.read_only,
                capabilities: Err(not.problem.clone()),
            },
        };
        self.inner.desks.iter().map(info).collect()
    }

    /// `None` where there is no such profile or it cannot be used.
    pub fn capabilities(&self, profile: &ProfileName) -> Option<Arc<Capabilities>> {
        self.inner.desk(profile).ok().map(|desk| desk.told_capabilities())
    }

    /// When the pause ends that the vendor asked this profile for, told anew whenever one begins or grows; old values lie
    /// in the past. `None` where the profile cannot be used.
    pub fn pauses(&self, profile: &ProfileName) -> Option<watch::Receiver<Option<Timestamp>>> {
        self.inner.desk(profile).ok().map(|desk| desk.gate.pauses())
    }

    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// The time by this engine's clock.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// All owners of a profile, read now.
    pub async fn load_people(&self, profile: &ProfileName) -> Result<Vec<Person>, VendorError> {
        let desk = self.inner.desk_for_reading(profile)?;
        let people = desk.vendor.people().await.map_err(|error| load::where_to_look(error, profile))?;
        desk.set_people(Arc::new(people.clone()));
        Ok(people)
    }

    /// All leads of a profile, read now. `on_page` sees how far it is.
    pub async fn load_leads(
        &self,
        profile: &ProfileName,
        on_page: impl Fn(LoadProgress) + Send + Sync + 'static,
    ) -> Result<Loaded, VendorError> {
        self.load_leads_that(profile, &LeadAsk::everything(), on_page).await
    }

    /// The leads of a profile that the vendor finds for `ask`, read now.
    pub async fn load_leads_that(
        &self,
        profile: &ProfileName,
        ask: &LeadAsk,
        on_page: impl Fn(LoadProgress) + Send + Sync + 'static,
    ) -> Result<Loaded, VendorError> {
        let desk = self.inner.desk_for_reading(profile)?;
        load::load(&desk, ask, &self.inner.clock, &mut |_, progress| on_page(progress)).await
    }

    /// The ids of the leads that a profile's vendor finds for a question, and what should be known about the listing.
    pub async fn ask(&self, profile: &ProfileName, asked: &Asked) -> Result<(Answer, Vec<String>), VendorError> {
        let desk = self.inner.desk_for_reading(profile)?;
        asking::ask(&desk, asked).await.map(|asking| (asking.answer, asking.troubles))
    }

    /// The campaigns and lists of a profile, read now.
    pub async fn load_collections(&self, profile: &ProfileName) -> Result<Collections, VendorError> {
        self.inner.desk_for_reading(profile)?.vendor.collections().await.map(Collections::new)
    }

    /// One lead with every field.
    pub async fn detail(&self, profile: &ProfileName, lead: &LeadId) -> Result<LeadRecord, VendorError> {
        self.inner.desk_for_reading(profile)?.vendor.detail(lead).await
    }

    /// Creates a lead, where the vendor has a call for it. In a task of its own: dropping this future does not cut it off.
    pub async fn create_lead(&self, profile: &ProfileName, lead: NewLead) -> Result<Created, ApplyError> {
        let desk = self.inner.desk_for_writing(profile)?;
        let clock = self.inner.clock.clone();
        let made = tokio::spawn(async move { creating::create(&desk, &lead, &clock).await });
        Ok(made.await.unwrap_or_else(|broken| {
            let what = format!("the engine failed: {broken}; the lead may have been created");
            Created::Unknown(Problem::new(what, "Look for the e-mail address before trying again."))
        }))
    }

    /// Carries out a confirmed plan. It runs in a task of its own: dropping this future does not cut a write off.
    pub async fn apply(&self, plan: Arc<Plan>, watch: Watch, stop: StopToken) -> Result<Report, ApplyError> {
        self.apply_as(plan, false, watch, stop).await
    }

    /// Carries out a confirmed plan that came from a file, with the approval that the file has. `plan` is what is left of
    /// the file's plan after its targets were read again.
    pub async fn apply_file(
        &self,
        file: &PlanFile,
        plan: Arc<Plan>,
        watch: Watch,
        stop: StopToken,
    ) -> Result<Report, ApplyError> {
        if !file.covers(&plan) {
            return Err(ApplyError::NotCovered);
        }
        self.apply_as(plan, file.approval().is_some(), watch, stop).await
    }

    async fn apply_as(
        &self,
        plan: Arc<Plan>,
        approved: bool,
        watch: Watch,
        stop: StopToken,
    ) -> Result<Report, ApplyError> {
        let (inner, begun) = (self.inner.clone(), Begun::default());
        let id = begun.clone();
        in_a_task(begun, async move { inner.apply(plan, approved, watch, stop, &id).await }).await
    }

    /// Whether a plan needs a second person's approval.
    pub fn needs_approval(&self, plan: &Plan) -> Result<(), ApplyError> {
        self.inner.needs_approval(plan)
    }

    /// Reads the targets of a plan again: what drifted or is gone becomes a skip with the reason.
    pub async fn recheck(&self, plan: Plan) -> Result<Plan, Problem> {
        recheck::recheck(&self.inner, plan).await
    }

    /// A plan as a file. What each client works in now (kenbun: the organizational unit) is written down: later it may be
    /// another.
    pub fn plan_file(&self, plan: &Plan, asked: &str) -> PlanFile {
        let mut plan = plan.clone();
        let mut places: Vec<Place> = Vec::new();
        for part in &mut plan.parts {
            let desk = self.inner.desk(&part.profile).ok();
            part.context = part.context.take().or_else(|| desk.as_ref().map(|desk| desk.vendor.context()));
            let base_url = desk.map(|desk| desk.base_url.clone()).unwrap_or_default();
            let place = Place { profile: part.profile.clone(), vendor: part.vendor, base_url };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        PlanFile::new(&plan, asked, self.inner.who.clone(), self.now(), places)
    }

    /// Refuses a plan file that was made for another place than this engine's profiles lead to.
    pub fn is_for_here(&self, file: &PlanFile) -> Result<(), ApplyError> {
        let profiles = self.profiles();
        for place in &file.places {
            let Some(known) = profiles.iter().find(|known| known.name == place.profile) else {
                return Err(ApplyError::NoSuchProfile(place.profile.clone()));
            };
            if known.vendor != place.vendor || known.base_url != place.base_url {
                return Err(ApplyError::ElsewhereNow {
                    profile: place.profile.clone(),
                    then: place.base_url.clone(),
                    now: known.base_url.clone(),
                });
            }
        }
        Ok(())
    }

    /// A plan without what goes to profiles to which nothing can be written now: each of those changes becomes a skip
    /// with the reason, and the others go on. An error where nothing could be written at all.
    pub fn without_unusable(&self, mut plan: Plan) -> Result<Plan, ApplyError> {
        let mut unusable = Vec::new();
        let mut usable = false;
        for (number, part) in plan.parts.iter().enumerate().filter(|(_, part)| !part.changes.is_empty()) {
            match self.inner.desk_for_writing(&part.profile) {
                Ok(_) => usable = true,
                Err(error) => unusable.push((number, error)),
            }
        }
        for (number, error) in unusable {
            if !usable {
                return Err(error);
            }
            plan.parts[number].leave_alone(&error.problem().what);
        }
        Ok(plan)
    }

    /// Reads the targets again and makes the plan that takes operations back: an undo, or a redo where they are undos.
    pub async fn plan_undo(&self, request: UndoRequest) -> Result<Plan, Problem> {
        undo::plan(&self.inner, request).await
    }

    /// What an operation did not send, as a plan of its own.
    pub async fn plan_rest(&self, operation: &OperationSummary) -> Result<Plan, Problem> {
        resume::rest(&self.inner, operation).await
    }

    /// The plan that tries again what failed or was not sent of a mapping operation, on what is there now.
    pub async fn plan_lists_again(&self, operation: OperationId) -> Result<Plan, Problem> {
        again::plan(&self.inner, operation).await
    }

    /// The plan that takes back the first of these operations, newest first, of which something still can be: one of
    /// which all that is left was changed by others is passed over.
    pub async fn plan_newest_undo(
        &self,
        candidates: Vec<OperationId>,
        note: Option<SafeText>,
    ) -> Result<Plan, Problem> {
        undo::plan_newest(&self.inner, candidates, note).await
    }

    /// Settles an interrupted operation by reading, then sends what was not sent yet, unless `settle_only`.
    pub async fn resume(
        &self,
        operation: &OperationId,
        settle_only: bool,
        watch: Watch,
        stop: StopToken,
    ) -> Result<Report, ApplyError> {
        let (inner, operation) = (self.inner.clone(), operation.clone());
        let begun = Begun::from(OnceLock::from(operation.clone()));
        in_a_task(begun, async move { resume::resume(&inner, operation, settle_only, watch, stop).await }).await
    }

    /// Decides for good that nothing more of an operation is sent: what is done stays, what was not sent stays so, and
    /// no start asks about it again. What is unknown is settled by reading where its profile can be used.
    pub async fn give_up(&self, operation: &OperationId, watch: Watch, stop: StopToken) -> Result<Report, ApplyError> {
        let (inner, operation) = (self.inner.clone(), operation.clone());
        let begun = Begun::from(OnceLock::from(operation.clone()));
        in_a_task(begun, async move { resume::give_up(&inner, operation, watch, stop).await }).await
    }

    /// Asks a running operation to stop: no new work is handed out, what is in flight is awaited and settled.
    pub fn stop(&self, operation: &OperationId) -> bool {
        self.inner.tell(operation, |running| running.stop.stop())
    }

    /// Makes a running operation hand out no new work for now, or go on.
    pub fn pause(&self, operation: &OperationId, paused: bool) -> bool {
        self.inner.tell(operation, |running| running.reins.pause(paused))
    }

    /// Makes a running operation send half as fast as it does now, or twice as fast, up to full speed.
    pub fn throttle(&self, operation: &OperationId, slower: bool) -> bool {
        self.inner.tell(operation, |running| if slower { running.reins.slower() } else { running.reins.faster() })
    }

    /// Probes a profile's contract with reads only.
    pub async fn doctor(&self, profile: &ProfileName) -> Vec<Check> {
        match self.inner.desk(profile) {
            Ok(desk) => desk.vendor.check().await,
            Err(error) => {
                vec![Check { name: "settings".to_owned(), ok: false, detail: error.problem().to_string() }]
            }
        }
    }
}

/// Where the pace of a profile is kept and shared. Without it each Switchboard keeps a pace of its own.
fn ledger(data_folder: &Path, profile: &ProfileName, base_url: &str) -> Option<Ledger> {
    let name = utf8_percent_encode(profile.as_str(), NON_ALPHANUMERIC).to_string();
    let opened = Ledger::open(&data_folder.join("pace").join(name), base_url.to_owned());
    opened.inspect_err(|error| tracing::warn!(%profile, %error, "the pace cannot be shared")).ok()
}

/// The operation that a task works on, as soon as there is one.
type Begun = Arc<OnceLock<OperationId>>;

async fn in_a_task(
    begun: Begun,
    work: impl Future<Output = Result<Report, ApplyError>> + Send + 'static,
) -> Result<Report, ApplyError> {
    tokio::spawn(work)
        .await
        .unwrap_or_else(|broken| Err(ApplyError::Broken { operation: begun.get().cloned(), why: broken.to_string() }))
}

/// An operation among those that can be stopped, for as long as this lives: also when its task breaks.
struct Listed<'a> {
    inner: &'a Inner,
    id: OperationId,
}

impl<'a> Listed<'a> {
    fn new(inner: &'a Inner, id: OperationId, running: Running) -> Self {
        inner.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), running);
        Self { inner, id }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Inner {
    pub fn desk(&self, profile: &ProfileName) -> Result<Arc<Desk>, ApplyError> {
        for desk in &self.desks {
            match desk {
                Ok(desk) if desk.name == *profile => return Ok(desk.clone()),
                Err(not) if not.name == *profile => {
                    return Err(ApplyError::NotOpened(profile.clone(), not.problem.clone()));
                }
                _ => {}
            }
        }
        Err(ApplyError::NoSuchProfile(profile.clone()))
    }

    pub(super) fn desk_for_reading(&self, profile: &ProfileName) -> Result<Arc<Desk>, VendorError> {
        self.desk(profile).map_err(|error| {
            let problem = error.problem();
            VendorError::new(ErrorKind::Setting, problem.what).with_remedy(problem.remedy)
        })
    }

    /// The desk for writing, at the place where the operation belongs.
    pub fn desk_for_writing(&self, profile: &ProfileName) -> Result<Arc<Desk>, ApplyError> {
        let desk = self.desk(profile)?;
        if desk.read_only { Err(ApplyError::ReadOnly(profile.clone())) } else { Ok(desk) }
    }

    /// Tells a running operation something. False when it is not running here.
    fn tell(&self, operation: &OperationId, what: impl FnOnce(&Running)) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(operation).map(what).is_some()
    }

    /// Asks the journal, away from the async threads.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Journal) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let journal = self.journal.clone();
        tokio::task::spawn_blocking(move || question(&journal)).await.unwrap_or_else(|broken| {
            Err(JournalError::Storage { path: String::new(), doing: "read", why: broken.to_string() })
        })
    }

    pub fn needs_approval(&self, plan: &Plan) -> Result<(), ApplyError> {
        let changes = plan.changes();
        match self.tuning.approval_above {
            Some(above) if changes > above => Err(ApplyError::NotApproved { changes, above }),
            _ => Ok(()),
        }
    }

    async fn apply(
        self: Arc<Self>,
        plan: Arc<Plan>,
        approved: bool,
        watch: Watch,
        stop: StopToken,
        begun: &OnceLock<OperationId>,
    ) -> Result<Report, ApplyError> {
        if plan.changes() == 0 {
            return Err(ApplyError::Nothing);
        }
        if !approved {
            self.needs_approval(&plan)?;
        }
        let hot = plan.changes() <= self.tuning.hot_up_to;
        let undo = matches!(plan.kind, OperationKind::Undo | OperationKind::Redo);
        let mut parts = Vec::new();
        let mut recorded = Vec::new();
        let mut first = 0;
        for (index, share) in plan.parts.iter().enumerate() {
            if share.changes.is_empty() {
                // Nothing goes there, so that it need not be usable; its skips are recorded with the others.
                let place = self.desk(&share.profile).ok();
                recorded.push(OperationPart {
                    profile: share.profile.clone(),
                    vendor: share.vendor,
                    base_url: place.as_ref().map(|desk| desk.base_url.clone()).unwrap_or_default(),
                    context: share.context.clone().unwrap_or_default(),
                });
                continue;
            }
            let desk = self.desk_for_writing(&share.profile)?;
            let context = share.context.clone().unwrap_or_else(|| desk.vendor.context());
            recorded.push(OperationPart {
                profile: share.profile.clone(),
                vendor: share.vendor,
                base_url: desk.base_url.clone(),
                context: context.clone(),
            });
            let session = Session { context, hot, undo, ..Session::default() };
            parts.push(Part::new(desk, plan.clone(), index, Seqs::From(first), session));
            first += share.changes.len() as u32;
        }
        // Parts without changes have no work of their own.
        let snapshots = parts
            .iter()
            .zip(plan.parts.iter().filter(|share| !share.changes.is_empty()))
            .filter_map(|(part, share)| matrix::snapshot_before(&part.desk, share, (self.clock)(), &self.who))
            .collect();
        let (id, hold) = self.begin(&plan, recorded, snapshots).await?;
        let _ = begun.set(id.clone());
        let tally = Tally { planned: plan.changes(), skipped: plan.skips(), ..Tally::default() };
        self.carry_out(id, plan, parts, tally, hold, watch, stop).await
    }

    /// Makes the operation durable with everything it is about to do.
    async fn begin(
        self: &Arc<Self>,
        plan: &Arc<Plan>,
        parts: Vec<OperationPart>,
        snapshots: Vec<NewSnapshot>,
    ) -> Result<(OperationId, Hold), JournalError> {
        let (plan, who, at) = (plan.clone(), self.who.clone(), (self.clock)());
        self.ask(move |journal| {
            let mut id = operation_id(at);
            while journal.operation(&id).is_ok() {
                id = operation_id(at);
            }
            for snapshot in snapshots {
                let (name, before) = (format!("before {id}").into(), Some(id.clone()));
                journal.keep_snapshot(&NewSnapshot { name, before, ..snapshot })?;
            }
            let operation = NewOperation {
                id: id.clone(),
                at,
                kind: plan.kind,
                reverts: plan.reverts.clone(),
                who,
                note: plan.note.clone(),
                parts,
                plan: plan.clone(),
            };
            journal.begin(&operation).map(|hold| (id, hold))
        })
        .await
    }

    /// Runs an operation that is in the journal to its end, and reports.
    #[expect(clippy::too_many_arguments, reason = "what an operation consists of, from two places")]
    pub async fn carry_out(
        self: &Arc<Self>,
        id: OperationId,
        plan: Arc<Plan>,
        parts: Vec<Part>,
        tally: Tally,
        hold: Hold,
        watch: Watch,
        stop: StopToken,
    ) -> Result<Report, ApplyError> {
        let reins = Arc::new(Reins::new());
        let listed = Listed::new(self, id.clone(), Running { stop: stop.clone(), reins: reins.clone() });
        let start = Start {
            id: id.clone(),
            plan,
            parts,
            tally,
            journal: self.journal.clone(),
            hold,
            stop,
            reins,
            watch: watch.clone(),
            clock: self.clock.clone(),
            tuning: self.tuning,
        };
        let ended = operation::run(start).await;
        drop(listed);
        if let Some(error) = ended.lost {
            return Err(ApplyError::JournalLost { operation: id, error });
        }
        let operation = id.clone();
        let summary = self.ask(move |journal| journal.operation(&operation)).await;
        let summary = summary.map_err(|error| ApplyError::JournalLost { operation: id, error })?;
        let report = Report { summary, requests: ended.requests, seconds: ended.seconds, cut_short: ended.cut_short };
        watch.tell(Event::Ended {
            summary: Box::new(report.summary.clone()),
            seconds: report.seconds,
            requests: report.requests,
        });
        Ok(report)
    }
}
