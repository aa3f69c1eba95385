//! What is done in a run, in this process or in one that is killed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use switchboard::backend::{ApplyError, Engine, Only, Report, StopToken, Tuning, UndoRequest, Watch};
use switchboard::domain::capabilities::{Settle, TargetKind, Unassign};
use switchboard::domain::matrix::{Want, WantedMapping};
use switchboard::domain::planning::Wanted;
use switchboard::domain::{Assignment, OperationId, Person, PersonId, Plan};
use tokio::runtime::Runtime;

use super::super::{demo, is_exact, planned, tuned_engine};
use super::LEADS;
use crate::mappings::plan_wanted;

/// Something to be done by an engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Job {
    /// Some leads to one person, to several, or to nobody; or, where targets are mappings, some agents in or out of
    /// some of these.
    Assign {
        seed: u64,
    },
    /// All of an operation, or those items.
    TakeBack {
        operation: OperationId,
        items: Option<Vec<u32>>,
    },
    Resume {
        operation: OperationId,
        how: How,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum How {
    On,
    Settle,
    GiveUp,
}

/// How a job ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Well,
    /// Somebody stops it after so many writes.
    Stopped(usize),
    /// Every task of the engine is dropped where it is after so many writes.
    Dropped(usize),
    /// It is done in another process, which is killed after so many writes.
    Killed(usize),
}

/// An engine with threads of its own, so that it can end at any moment.
pub struct Life {
    pub engine: Engine,
    /// `None` once it has ended.
    runtime: Option<Runtime>,
}

impl Life {
    pub fn new(profile: &Map<String, Value>, settings: &str, folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = {
            let _inside = runtime.enter();
            random_engine(profile, settings, folder)
        };
        Self { engine, runtime: Some(runtime) }
    }

    pub fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is ended only with this")
    }

    /// Ends it: every task is dropped at the place where it waits.
    pub async fn end(mut self) {
        let runtime = self.runtime.take();
        tokio::task::spawn_blocking(move || {
            if let Some(runtime) = runtime {
                runtime.shutdown_timeout(Duration::from_secs(10));
            }
            drop(self);
        })
        .await
        .unwrap();
    }
}

impl Drop for Life {
    /// Of a run that failed.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An engine that does not wait long for what is settled within a moment here.
pub fn random_engine(profile: &Map<String, Value>, settings: &str, folder: &Path) -> Engine {
    let settle = Settle {
        first: Duration::from_millis(60),
        most: Duration::from_millis(400),
        deadline: Duration::from_secs(6),
        late: Duration::from_millis(900),
        // As the vendor's own rule has it at most.
        doubted: 2,
    };
    let tuning = Tuning { outage_after: 20, settle: Some(settle), ..Tuning::default() };
    tuned_engine(profile, settings, folder, tuning)
}

pub async fn carry_out(engine: &Engine, job: &Job, stop: StopToken) -> Option<Result<Report, ApplyError>> {
    match job {
        Job::Assign { seed } => {
            let plan = match engine.capabilities(&demo())?.targets {
                TargetKind::Leads => random_plan(engine, *seed).await?,
                TargetKind::Mappings => random_mapping(engine, *seed).await?,
            };
            send(engine, plan, stop).await
        }
        Job::TakeBack { operation, items } => {
            let only = items.clone().map_or(Only::All, Only::Items);
            let request =
                UndoRequest { operations: vec![operation.clone()], only, force: false, ..UndoRequest::default() };
            // What cannot be read cannot be taken back just now.
            send(engine, engine.plan_undo(request).await.ok()?, stop).await
        }
        Job::Resume { operation, how: How::GiveUp } => Some(engine.give_up(operation, Watch::none(), stop).await),
        Job::Resume { operation, how } => {
            Some(engine.resume(operation, *how == How::Settle, Watch::none(), stop).await)
        }
    }
}

async fn send(engine: &Engine, plan: Plan, stop: StopToken) -> Option<Result<Report, ApplyError>> {
    match plan.changes() {
        0 => None,
        _ => Some(engine.apply(Arc::new(plan), Watch::none(), stop).await),
    }
}

/// Some leads to one person, to several, or to nobody. `None` when people or leads cannot be read just now.
async fn random_plan(engine: &Engine, seed: u64) -> Option<Plan> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let people = engine.load_people(&demo()).await.ok()?;
    let loaded = engine.load_leads(&demo(), |_| {}).await.ok()?;
    let capabilities = engine.capabilities(&demo())?;
    let table = &loaded.table;
    let mut rows: Vec<u32> = (0..table.len() as u32).filter(|row| is_exact(&people, table.assignment(*row))).collect();
    dice.shuffle(&mut rows);
    rows.truncate(dice.usize(1..=LEADS / 2));
    let mut to: Vec<Assignment> = (0..dice.usize(1..=3))
        .filter_map(|_| {
            // Once in a while somebody who may not be given anything.
            let anybody = dice.u8(..8) == 0;
            let some: Vec<&Person> = people.iter().filter(|person| anybody || person.is_active()).collect();
            dice.choice(some).map(|person| Assignment::Owner(person.owner_ref()))
        })
        .filter(|to| is_exact(&people, to))
        .collect();
    if capabilities.unassign == Unassign::Yes && dice.u8(..4) == 0 {
        to = vec![Assignment::unassigned()];
    }
    let share = rows.len().div_ceil(to.len().max(1)).max(1);
    let wanted = rows.chunks(share).zip(to).map(|(rows, to)| Wanted {
        profile: demo(),
        leads: rows.iter().map(|row| table.id(*row)).collect(),
        to,
    });
    Some(planned(engine, &people, &loaded, wanted.collect()))
}

/// Some agents in or out of some lead lists; once in a while one whom the campaign does not know. `None` when the
/// lists cannot be read just now.
async fn random_mapping(engine: &Engine, seed: u64) -> Option<Plan> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut records = engine.mappings(&demo(), None).await.ok()?;
    dice.shuffle(&mut records);
    records.truncate(dice.usize(1..=LEADS / 2));
    let mut wanted = Vec::new();
    for record in &records {
        let Ok(agents) = &record.agents else { continue };
        let some = |dice: &mut fastrand::Rng, of: &BTreeSet<PersonId>, most: usize| -> BTreeSet<PersonId> {
            let count = dice.usize(..=most);
            dice.choose_multiple(of, count).into_iter().cloned().collect()
        };
        let (mut add, remove) = (some(&mut dice, &record.others, 3), some(&mut dice, agents, 3));
        if dice.u8(..20) == 0 {
            add.insert("no.such.user".into());
        }
        wanted.push(WantedMapping { target: record.target.clone(), want: Want::Delta { add, remove } });
    }
    Some(plan_wanted(engine, &records, wanted))
}

const VICTIM: &str = "SWITCHBOARD_TEST_RANDOM_VICTIM";

/// A process that does this job, and prints `ended` after it.
pub fn start_victim(profile: &Map<String, Value>, settings: &str, folder: &Path, job: &Job) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["engine::random::job::victim", "--exact", "--nocapture", "--test-threads=1"])
        .env(VICTIM, serde_json::to_string(&(profile, settings, folder, job)).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Not a test of its own: what the processes do that are killed.
#[test]
fn victim() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let (profile, settings, folder, job): (Map<String, Value>, String, PathBuf, Job) =
        serde_json::from_str(&told).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = random_engine(&profile, &settings, &folder);
        carry_out(&engine, &job, StopToken::new()).await;
        println!("ended");
    });
}
