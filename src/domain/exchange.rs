//! What the core asks of the backend, and what the backend tells: the only two things that pass between them.

use std::sync::Arc;
use std::time::Duration;

use super::campaign::Collections;
use super::capabilities::Capabilities;
use super::history::{HistoryFilter, ItemRow, LeadEvent, OperationSummary, Touch};
use super::ids::{OperationId, ProfileName};
use super::leads::LeadTable;
use super::matrix::{MatrixAsk, MatrixTold};
use super::operation::Tally;
use super::plan::Plan;
use super::plan_file::PlanFile;
use super::query::{Answer, Asked};
use super::safe_text::SafeText;
use super::selection::LeadKey;
use super::{LeadRecord, Person, Timestamp};

/// An order to the backend.
#[derive(Clone, Debug)]
pub enum Command {
    /// Load people and leads of a profile (again). A newer load of the same profile makes the older one stop.
    Load {
        profile: ProfileName,
    },
    /// Names for these rows, where list rows carry none: what is visible now, newest wish only.
    Names {
        leads: Vec<LeadKey>,
    },
    /// Names for all leads of a profile, one request each, behind those that are visible.
    AllNames {
        profile: ProfileName,
    },
    /// Let the vendor itself say which leads a question of the query means.
    Ask {
        profile: ProfileName,
        asked: Asked,
    },
    /// One lead with every field, and what the journal knows of it.
    Detail {
        lead: LeadKey,
    },
    /// Start a confirmed plan.
    Apply {
        plan: Arc<Plan>,
    },
    /// Start a confirmed plan that came from a file, with the approval that the file has; `plan` is what was left of it
    /// when it was read again.
    ApplyFile {
        file: Arc<PlanFile>,
        plan: Arc<Plan>,
    },
    /// Make a plan file of a plan; `asked` says what it was made from, `findings` what was worth a second look.
    WritePlan {
        plan: Arc<Plan>,
        asked: String,
        findings: Vec<SafeText>,
    },
    /// Understand a plan file's text and read its targets again.
    OpenPlan {
        text: Arc<Vec<u8>>,
    },
    /// What was changed from here, by anyone, within this time.
    RecentChanges {
        within: Duration,
    },
    /// Hand out no new work; what is in flight is awaited.
    Stop {
        operation: OperationId,
    },
    /// Hand out no new work for now, or go on.
    Pause {
        operation: OperationId,
        paused: bool,
    },
    /// Send half as fast as now, or twice as fast up to full speed.
    Throttle {
        operation: OperationId,
        slower: bool,
    },
    /// Read the targets of these operations again and make a plan that takes them back, and with them the redos that
    /// did them again. `items` limits it to those sequence numbers of a single operation, which it wrote itself.
    PlanUndo {
        operations: Vec<OperationId>,
        items: Option<Vec<u32>>,
    },
    /// As [`PlanUndo`](Self::PlanUndo) for some items of one operation, also where somebody else changed them since.
    PlanForcedUndo {
        operation: OperationId,
        items: Vec<u32>,
    },
    /// Make a plan that takes back everything since a time, or what one person did since then.
    PlanUndoSince {
        since: Timestamp,
        who: Option<SafeText>,
    },
    /// The newest operation that can be taken back (`redo`: the newest undo).
    PlanNewestUndo {
        redo: bool,
    },
    /// Read the lists of a mapping operation that failed or were not sent, and make a plan that tries them again.
    PlanListsAgain {
        operation: OperationId,
    },
    /// Settle an interrupted operation by reading; then go on with what was not sent if asked to.
    Resume {
        operation: OperationId,
        settle_only: bool,
    },
    /// Nothing more of an operation is sent, for good; what is unknown is settled by reading.
    GiveUp {
        operation: OperationId,
    },
    /// Operations, newest first.
    History {
        offset: usize,
        limit: usize,
    },
    /// Operations that fit a filter, newest first.
    HistoryWhere {
        filter: HistoryFilter,
        offset: usize,
        limit: usize,
    },
    Items {
        operation: OperationId,
        offset: usize,
        limit: usize,
    },
    /// Something about a profile's campaigns, lists and agents.
    Matrix {
        profile: ProfileName,
        ask: MatrixAsk,
    },
    /// What came out of an operation at each of its profiles.
    Parts {
        operation: OperationId,
    },
    /// Everything is to end: stop handing out work, await what is in flight, then answer [`Event::Stopped`].
    Shutdown,
}

/// What happened in the backend.
#[derive(Clone, Debug)]
pub enum Event {
    /// A profile is configured and its vendor known; sent once each at the start.
    Opened {
        profile: ProfileName,
        capabilities: Arc<Capabilities>,
        read_only: bool,
    },
    /// What a profile's vendor can do, with warnings that only asking brought to light.
    Learned {
        profile: ProfileName,
        capabilities: Arc<Capabilities>,
    },
    /// A profile cannot be used at all (bad settings, missing secret).
    NotOpened {
        profile: ProfileName,
        problem: Problem,
    },
    People {
        profile: ProfileName,
        people: Arc<Vec<Person>>,
    },
    /// A newer snapshot of a profile's leads, while loading and after writes.
    Leads {
        profile: ProfileName,
        table: LeadTable,
        progress: LoadProgress,
    },
    /// The campaigns and lists that the vendor has.
    Collections {
        profile: ProfileName,
        collections: Arc<Collections>,
    },
    /// The vendor has found leads for a question. Those that were not in the table yet are in it by now.
    Answered {
        profile: ProfileName,
        asked: Asked,
        found: Result<Answer, Problem>,
    },
    LoadFailed {
        profile: ProfileName,
        problem: Problem,
    },
    /// The profile waits for its vendor's rate limit.
    Waiting {
        profile: ProfileName,
        until: Timestamp,
    },
    Detail {
        lead: LeadKey,
        record: Result<Box<LeadRecord>, Problem>,
        events: Vec<LeadEvent>,
    },
    /// An undo or redo is ready to be shown; `asked` is the operation that was named, where one was. The plan may take back
    /// another in its place: the redo that did it again.
    Planned {
        asked: Option<OperationId>,
        plan: Arc<Plan>,
    },
    /// A plan is ready to be written into a file.
    PlanWritten {
        text: String,
    },
    /// A plan file was understood; `plan` is what is left of it now.
    PlanOpened {
        file: Arc<PlanFile>,
        plan: Arc<Plan>,
    },
    /// What was changed from here lately.
    RecentChanges {
        touched: Arc<Vec<Touch>>,
    },
    /// There is nothing to take back, or making the plan failed.
    NotPlanned {
        problem: Problem,
    },
    Started {
        operation: OperationId,
        plan: Arc<Plan>,
    },
    /// Merged and newest only; never more than about ten a second.
    Progress {
        operation: OperationId,
        progress: OperationProgress,
    },
    Ended {
        summary: Box<OperationSummary>,
        seconds: f64,
        requests: usize,
    },
    /// An operation was cut off here and now: the journal could not be written any more, or the engine failed. How what
    /// was in flight ended may not be recorded; the operation can be resumed.
    Lost {
        operation: OperationId,
        problem: Problem,
    },
    /// The operation could not be started; nothing was sent.
    NotStarted {
        problem: Problem,
    },
    History {
        operations: Vec<OperationSummary>,
        total: usize,
        offset: usize,
    },
    /// The answer to [`Command::HistoryWhere`] with the same filter.
    HistoryFound {
        filter: HistoryFilter,
        operations: Vec<OperationSummary>,
        total: usize,
        offset: usize,
    },
    Items {
        operation: OperationId,
        items: Vec<ItemRow>,
        total: usize,
        offset: usize,
    },
    /// What came out of an operation at each of its profiles, in the order of its parts.
    Parts {
        operation: OperationId,
        parts: Vec<PartProgress>,
    },
    /// Operations that were cut off before this start.
    Interrupted {
        operations: Vec<OperationSummary>,
    },
    /// Something about a profile's campaigns, lists and agents.
    Matrix {
        profile: ProfileName,
        told: MatrixTold,
    },
    Failed {
        problem: Problem,
    },
    /// Something worth knowing that is no mistake.
    Notice {
        text: String,
    },
    Stopped,
}

/// How far a load has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadProgress {
    pub loaded: usize,
    /// Where the vendor says it.
    pub total: Option<usize>,
    pub finished: bool,
    /// When the owners in this table were read; `None` while a cached table stands in for the first load.
    pub read_at: Option<Timestamp>,
    /// How many leads' names, companies and other texts are known, where list rows carry none of these.
    pub named: Option<usize>,
}

/// The state of a running operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationProgress {
    pub tally: Tally,
    /// Items whose request is on the way.
    pub in_flight: usize,
    pub items_per_second: f64,
    pub seconds_left: Option<f64>,
    /// Set while nothing new is handed out.
    pub stopping: bool,
    /// Set while nothing new is handed out until it is told to go on.
    pub paused: bool,
    /// Where it was slowed down: at most so many write requests a second.
    pub at_most: Option<f64>,
    /// Why it waits, where it does: a rate limit, an outage.
    pub waiting: Option<String>,
    /// Each profile's share, where there are several.
    pub parts: Vec<PartProgress>,
}

/// One profile's share of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartProgress {
    pub profile: ProfileName,
    pub tally: Tally,
    /// Why it waits, or gets no more; empty while it goes on, and after an end like any other.
    pub trouble: String,
}

/// An error for people: what happened, to which record, at which vendor, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One sentence.
    pub what: String,
    /// What the person can do; empty where there is nothing.
    pub remedy: String,
}

impl Problem {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            let end = if self.what.ends_with(['.', '!', '?', ':', ';', ',']) { "" } else { "." };
            write!(f, "{end} {}", self.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_a_sentence_of_its_own() {
        for (what, text) in [
            ("no answer", "no answer. Try again."),
            ("it points elsewhere (302)", "it points elsewhere (302). Try again."),
            ("It failed.", "It failed. Try again."),
        ] {
            assert_eq!(Problem::new(what, "Try again.").to_string(), text);
        }
        assert_eq!(Problem::new("no answer", "").to_string(), "no answer");
    }
}
