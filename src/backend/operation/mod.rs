//! Carrying out an operation: its parts side by side, each with its own pace and its own end; every move in the journal
//! before it is told.

mod part;
mod reading;
mod sending;
mod settling;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::part::{Part, Seqs};
pub use self::settling::{Chance, Earlier};
use super::live::Live;
use super::reins::Reins;
use super::scribe::Scribe;
use super::setup::{Clock, Tuning};
use super::{StopToken, Watch};
use crate::domain::exchange::{Event, Problem};
use crate::domain::{ItemState, OperationId, Plan, ProfileName, Tally};
use crate::journal::{Hold, Journal, JournalError};

/// Between two looks at the counts.
const TICK: Duration = Duration::from_millis(100);
/// Between two new tables of a profile.
const TABLE_TICKS: u32 = 3;

/// What all tasks of one operation share.
pub struct Run {
    pub id: OperationId,
    pub scribe: Scribe,
    pub live: Live,
    pub stop: StopToken,
    pub reins: Arc<Reins>,
    pub watch: Watch,
    pub clock: Clock,
    pub tuning: Tuning,
}

/// How a run ended.
pub struct Ended {
    pub requests: usize,
    pub seconds: f64,
    pub cut_short: Vec<(ProfileName, Problem)>,
    /// The journal failed on the way.
    pub lost: Option<JournalError>,
}

/// What is needed to start a run.
pub struct Start {
    pub id: OperationId,
    pub plan: Arc<Plan>,
    pub parts: Vec<Part>,
    pub tally: Tally,
    pub journal: Journal,
    pub hold: Hold,
    pub stop: StopToken,
    pub reins: Arc<Reins>,
    pub watch: Watch,
    pub clock: Clock,
    pub tuning: Tuning,
}

/// Runs an operation to its end. Everything that was sent is settled, or known to be unknown, when this returns.
pub async fn run(start: Start) -> Ended {
    let Start { id, plan, parts, tally, journal, hold, stop, reins, watch, clock, tuning } = start;
    let began = Instant::now();
    let scribe = Scribe::new(journal, hold, clock.clone());
    let run = Arc::new(Run { id: id.clone(), scribe, live: Live::new(tally), stop, reins, watch, clock, tuning });
    run.watch.tell(Event::Started { operation: id, plan });

    let parts: Vec<Arc<Part>> = parts.into_iter().map(Arc::new).collect();
    // In a set, so that it ends with this even when this breaks: it must not hold on to the operation for ever.
    let mut ticker = JoinSet::new();
    ticker.spawn(tick(run.clone(), parts.clone()));
    let mut working = JoinSet::new();
    let mut tasks = HashMap::new();
    for part in &parts {
        let task = working.spawn(part.clone().work(run.clone()));
        tasks.insert(task.id(), part.clone());
    }
    while let Some(ended) = working.join_next().await {
        if let Err(broken) = ended {
            tracing::error!(operation = %run.id, %broken, "a part of an operation broke");
            if let Some(part) = tasks.get(&broken.id()) {
                // What it left open stands in the journal like after a crash.
                part.halt(Problem::new(
                    format!("the engine failed at {}: {broken}; what was sent is in the journal", part.desk.name),
                    "Settle what is open with `resume`.",
                ));
            }
        }
    }
    ticker.shutdown().await;
    tell(&run, &parts, true);

    let cut_short = parts.iter().filter_map(|part| Some((part.desk.name.clone(), part.halted()?))).collect();
    let (requests, seconds) = (run.live.requests(), began.elapsed().as_secs_f64());
    let lost = match Arc::into_inner(run) {
        Some(run) => run.scribe.close().await.err(),
        // Only a task that broke could still hold the run; the journal knows what is true.
        None => None,
    };
    Ended { requests, seconds, cut_short, lost }
}

/// Tells the progress and the newest leads, merged, a few times a second.
async fn tick(run: Arc<Run>, parts: Vec<Arc<Part>>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 1_u32.. {
        ticks.tick().await;
        tell(&run, &parts, n.is_multiple_of(TABLE_TICKS));
    }
}

fn tell(run: &Run, parts: &[Arc<Part>], tables: bool) {
    let waiting = parts.iter().find_map(|part| part.waiting());
    let mut progress = run.live.progress(Instant::now(), run.stop.is_stopped(), run.reins.wish(), waiting);
    if parts.len() > 1 {
        progress.parts = parts.iter().map(|part| part.progress()).collect();
    }
    run.watch.tell(Event::Progress { operation: run.id.clone(), progress });
    if tables {
        for part in parts {
            if let Some((table, progress)) = part.desk.changed_leads() {
                run.watch.tell(Event::Leads { profile: part.desk.name.clone(), table, progress });
            }
            for told in part.desk.mappings.changed() {
                run.watch.tell(Event::Matrix { profile: part.desk.name.clone(), told });
            }
        }
    }
}

/// One item's news: its index in the part, its new state, why, and what was read.
#[derive(Clone, Debug)]
pub struct News {
    pub item: u32,
    pub to: ItemState,
    pub reason: Option<String>,
    pub now: Option<crate::domain::Assignment>,
}

impl News {
    pub fn new(item: u32, to: ItemState) -> Self {
        Self { item, to, reason: None, now: None }
    }

    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub fn reading(mut self, now: crate::domain::Assignment) -> Self {
        self.now = Some(now);
        self
    }
}
