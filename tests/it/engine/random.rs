//! Random operations, faults, kills and other people, against the simulators of all vendors. Afterwards the
//! [invariants](crate::invariants) hold, and an undo has restored exactly what nobody else changed.
//!
//! A run is a number: the same one does the same again, as far as the clock lets it. How many runs there are and which
//! number they begin at can be chosen:
//!
//! ```sh
//! SWITCHBOARD_TEST_RUNS=500 SWITCHBOARD_TEST_SEED=7000 cargo test --test it engine::random
//! ```

use std::collections::BTreeSet;
use std::io::BufRead;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchboard::backend::{ApplyError, Only, UndoRequest};
use switchboard::domain::capabilities::{Settle, Unassign};
use switchboard::domain::history::{OperationLife, OperationSummary};
use switchboard::domain::{Change, PlanPart};
use switchboard::sim::Meddling;
use switchboard::sim::log::Outcome;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
/// A vendor, the settings its profile has by turns, and the switches of its simulator. A new vendor is a line here and
/// one test below.
struct Kind {
    vendor: &'static str,
    settings: &'static [&'static str],
    switches: &'static [(&'static str, &'static str)],
    /// What this vendor only queued, or never reveals, may stay unknown however often it is read.
    leaves_unknown: bool,
}

const KENBUN: Kind = Kind {
    vendor: "kenbun",
    settings: &[
        "requests_per_minute = 0\nparallel = 8\ntimeout_s = 2\nbulk_size = 1",
        "requests_per_minute = 0\nparallel = 4\ntimeout_s = 2\nbulk_size = 7\nfreshness_s = 0",
    ],
    switches: &[],
    leaves_unknown: false,
};

const STATESET: Kind = Kind {
    vendor: "stateset",
    settings: &[
        "requests_per_minute = 0\nconcurrency = 8\ntimeout_s = 2",
        "requests_per_minute = 0\nconcurrency = 4\ntimeout_s = 2\nupdate_mode = \"merge\"\nfreshness_s = 0",
    ],
    switches: &[("rate_limit", "off")],
    leaves_unknown: false,
};

const CAPILLARY: Kind = Kind {
    vendor: "capillary",
    settings: &[
        "requests_per_minute = 0\nparallel = 8\ntimeout_s = 2\nconfirm_within_s = 1.5",
        "requests_per_minute = 0\nparallel = 3\ntimeout_s = 2\nconfirm_within_s = 1.5\nfreshness_s = 0",
    ],
    switches: &[],
    leaves_unknown: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capillary() {
    many_runs(&CAPILLARY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kenbun() {
    many_runs(&KENBUN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stateset() {
    many_runs(&STATESET).await;
}

/// Runs for each vendor, where nothing else is asked for.
const RUNS: u64 = 60;
/// Runs side by side: most of the time each waits for a lost answer.
const TOGETHER: usize = 24;
const LEADS: usize = 48;

/// What can be wrong with the line and the server. A run meets up to three of these at a time.
const FAULTS: [&str; 13] = [
    "error_before=8%:write",
    "error_after=8%",
    "cut_before=8%:write",
    "cut_after=8%",
    "cut_inside=8%",
    "late=50..250ms:chance=6%",
    "garbage=6%",
    "rate_limit=4%:times=2",
    "meddle=5%",
    "error_before=6%:read",
    "cut_after=6%:read",
    "latency=1..15ms",
    "unauthorized=3%:write:times=1",
];

/// A write that was cut off may still arrive for this long.
const LATEST: Duration = Duration::from_millis(300);

async fn many_runs(kind: &'static Kind) {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let first = number("SWITCHBOARD_TEST_SEED", 1);
    let places = Arc::new(Semaphore::new(TOGETHER));
    let mut runs = JoinSet::new();
    for seed in first..first + number("SWITCHBOARD_TEST_RUNS", RUNS) {
        let places = places.clone();
        let story = Arc::new(Mutex::new(Vec::new()));
        let told = story.clone();
        let run = tokio::spawn(async move {
            let _place = places.acquire().await.unwrap();
            Run::begin(kind, seed, told).await.play().await
        });
        runs.spawn(async move {
            run.await.unwrap_or_else(|broken| {
                let story = story.lock().unwrap().join("\n  ");
                panic!("{} with SWITCHBOARD_TEST_SEED={seed}: {broken}\n  {story}", kind.vendor)
            })
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = runs.join_next().await {
        all = all.with(seen.unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic())));
    }
    eprintln!("{}: {all:?}", kind.vendor);
    // Otherwise the runs would prove nothing.
    assert!(all.operations > 0 && all.items > 0 && all.done > 0, "{all:?}");
}

/// What the runs were about.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    operations: usize,
    items: usize,
    done: usize,
    others: usize,
    killed: usize,
    taken_back: usize,
}

impl Seen {
    fn with(self, other: Self) -> Self {
        Self {
            operations: self.operations + other.operations,
            items: self.items + other.items,
            done: self.done + other.done,
            others: self.others + other.others,
            killed: self.killed + other.killed,
            taken_back: self.taken_back + other.taken_back,
        }
    }
}

/// The agents of every mapping, by target.
type Mappings = BTreeMap<String, BTreeSet<String>>;

/// Something to be done by an engine, in this process or in one that is killed.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Job {
    /// Some leads to one person, to several, or to nobody; or, where targets are mappings, some agents in or out of
    /// some of these.
    Assign {
        seed: u64,
        mappings: Mappings,
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
enum How {
    On,
    Settle,
    GiveUp,
}

/// How a job ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    /// Somebody stops it after so many writes.
    Stopped(usize),
    /// Every task of the engine is dropped where it is after so many writes.
    Dropped(usize),
    /// It is done in another process, which is killed after so many writes.
    Killed(usize),
}

struct Run {
    kind: &'static Kind,
    settings: &'static str,
    dice: fastrand::Rng,
    sim: Simulator,
    folder: tempfile::TempDir,
    life: Option<Life>,
    worked: Vec<Worked>,
    faulty: bool,
    story: Arc<Mutex<Vec<String>>>,
    seen: Seen,
}

/// An engine with threads of its own, so that it can end at any moment.
struct Life {
    runtime: tokio::runtime::Runtime,
    engine: Engine,
}

impl Life {
    fn new(profile: &Map<String, Value>, settings: &str, folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let engine = {
            let _inside = runtime.enter();
            random_engine(profile, settings, folder)
        };
        Self { runtime, engine }
    }

    /// Ends it: every task is dropped at the place where it waits.
    async fn end(self) {
        let Self { runtime, engine } = self;
        tokio::task::spawn_blocking(move || {
            runtime.shutdown_timeout(Duration::from_secs(10));
            drop(engine);
        })
        .await
        .unwrap();
    }
}

/// An engine that does not wait long for what is settled within a moment here.
fn random_engine(profile: &Map<String, Value>, settings: &str, folder: &Path) -> Engine {
    let settle = Settle {
        first: Duration::from_millis(60),
        most: Duration::from_millis(400),
        deadline: Duration::from_secs(6),
        late: Duration::from_millis(900),
    };
    let tuning = Tuning { outage_after: 20, settle: Some(settle), ..Tuning::default() };
    tuned_engine(profile, settings, folder, tuning)
}

async fn carry_out(engine: &Engine, job: &Job, stop: StopToken) -> Option<Result<Report, ApplyError>> {
    match job {
        Job::Assign { seed, mappings } if mappings.is_empty() => {
            send(engine, random_plan(engine, *seed).await?, stop).await
        }
        Job::Assign { seed, mappings } => send(engine, random_mapping(engine, *seed, mappings), stop).await,
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
        .filter_map(|_| dice.choice(&people).map(|person| Assignment::Owner(person.owner_ref())))
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

/// Some agents in or out of some mappings.
fn random_mapping(engine: &Engine, seed: u64, mappings: &Mappings) -> Plan {
    let mut dice = fastrand::Rng::with_seed(seed);
    let everybody: Vec<&String> = mappings.values().flatten().collect();
    let some = dice.usize(1..=mappings.len());
    let mut changes = Vec::new();
    for (target, agents) in dice.choose_multiple(mappings, some) {
        let mut after = agents.clone();
        for _ in 0..dice.usize(1..4) {
            let Some(agent) = dice.choice(&everybody) else { break };
            if !after.remove(*agent) {
                after.insert(agent.to_string());
            }
        }
        changes.push(Change {
            target: target.as_str().into(),
            name: Default::default(),
            before: Assignment::agents(agents),
            after: Assignment::agents(&after),
            // Read again before it is sent: what is known of it here came from the simulator itself.
            read_at: None,
            scope: Default::default(),
        });
    }
    changes.retain(|change| change.before != change.after);
    let part = PlanPart::of(demo(), engine.profiles()[0].vendor, changes);
    Plan { kind: OperationKind::Map, reverts: None, note: None, made_at: Timestamp::now(), parts: vec![part] }
}

impl Run {
    async fn begin(kind: &'static Kind, seed: u64, story: Arc<Mutex<Vec<String>>>) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let options = SimOptions {
            leads: LEADS,
            owners: 7,
            campaigns: 4,
            seed,
            switches: kind.switches.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            ..SimOptions::default()
        };
        let sim = sim::start(kind.vendor, options).await.unwrap();
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let settings = kind.settings[dice.usize(..kind.settings.len())];
        let (life, worked, seen) = (None, Vec::new(), Seen::default());
        Self { kind, settings, dice, sim, folder, life, worked, faulty: false, story, seen }
    }

    fn tell(&self, what: impl Into<String>) {
        self.story.lock().unwrap().push(what.into());
    }

    /// The journal, read beside whoever writes it.
    fn journal(&self) -> Journal {
        Journal::open(self.folder.path()).unwrap()
    }

    async fn play(mut self) -> Seen {
        self.tell(format!("settings: {}", self.settings.replace('\n', ", ")));
        for _ in 0..self.dice.usize(5..=9) {
            self.step().await;
        }
        self.all_is_settled_in_the_end().await;
        if let Some(life) = self.life.take() {
            life.end().await;
        }
        let journal = self.journal();
        invariants::hold(&self.sim, &journal, &self.worked, Journaled::Whole);
        for worked in &self.worked {
            let tally = journal.operation(&worked.operation).unwrap().tally;
            self.seen.operations += 1;
            self.seen.items += tally.total();
            self.seen.done += tally.done;
            self.seen.others += tally.failed + tally.unknown + tally.changed_by_others + tally.skipped;
        }
        self.seen
    }

    async fn step(&mut self) {
        match self.dice.u8(..100) {
            0..30 => {
                let seed = self.dice.u64(..);
                let mut mappings = Mappings::new();
                for (target, holder) in self.sim.holders() {
                    if let Holder::Agents(agents) = holder {
                        mappings.insert(target.to_string(), agents);
                    }
                }
                self.work(Job::Assign { seed, mappings }).await;
            }
            30..55 => self.take_something_back().await,
            55..70 => self.go_on_with_something().await,
            70..82 => {
                let all = self.sim.holders();
                let some: Vec<_> = (0..self.dice.usize(1..8)).filter_map(|_| self.dice.choice(&all)).collect();
                let targets: Vec<String> = some.iter().map(|(target, _)| target.to_string()).collect();
                self.tell(format!("somebody else changes {targets:?}"));
                self.sim.meddle(&targets, &Meddling::Another(self.dice.u64(..)));
            }
            _ => {
                let some = self.dice.usize(..=3);
                let faults: Vec<&str> = self.dice.choose_multiple(FAULTS, some);
                self.tell(format!("faults: {faults:?}"));
                self.faulty = !faults.is_empty();
                self.sim.set_faults(&faults).unwrap();
            }
        }
    }

    /// An undo of any operation, or of some of its items; of an undo it is a redo.
    async fn take_something_back(&mut self) {
        let journal = self.journal();
        let all: Vec<OperationSummary> = journal.operations(0, 100).unwrap();
        let undoable: Vec<_> = all.into_iter().filter(|operation| operation.undoable > 0).collect();
        let Some(operation) = self.dice.choice(&undoable) else { return };
        let all: Vec<u32> = journal.undoable_items(&operation.id).unwrap().iter().map(|item| item.seq).collect();
        let some = self.dice.usize(1..=all.len());
        let items = self.dice.bool().then(|| self.dice.choose_multiple(all, some));
        drop(journal);
        self.work(Job::TakeBack { operation: operation.id.clone(), items }).await;
    }

    async fn go_on_with_something(&mut self) {
        let journal = self.journal();
        let all: Vec<OperationSummary> = journal.operations(0, 100).unwrap();
        drop(journal);
        let left = |operation: &OperationSummary| {
            let tally = operation.tally;
            tally.planned + tally.sent + tally.unknown + tally.not_sent > 0
        };
        let open: Vec<_> = all.into_iter().filter(left).collect();
        let Some(operation) = self.dice.choice(&open) else { return };
        let how = [How::On, How::On, How::Settle, How::GiveUp][self.dice.usize(..4)];
        self.work(Job::Resume { operation: operation.id.clone(), how }).await;
    }

    /// Has a job done, well or not, and looks at what became of it.
    async fn work(&mut self, job: Job) {
        let writes = self.dice.usize(..12);
        let end = match self.dice.u8(..100) {
            0..58 => End::Well,
            58..68 => End::Stopped(writes),
            68..92 => End::Dropped(writes),
            _ => End::Killed(writes),
        };
        let told: String = format!("{job:?}").chars().take(160).collect();
        self.tell(format!("{told}, {end:?}"));
        let journal = self.journal();
        let known: HashSet<OperationId> = journal.operations(0, 1_000).unwrap().into_iter().map(|op| op.id).collect();
        drop(journal);
        let (before, holders) = (self.sim.log().last(), self.sim.holders());
        let went = match end {
            End::Killed(writes) => {
                self.in_a_process_that_is_killed(&job, writes).await;
                None
            }
            end => self.in_this_process(&job, end).await,
        };
        if !matches!(end, End::Well | End::Stopped(_)) {
            self.seen.killed += 1;
            self.wait_for_the_dead().await;
        }
        let journal = self.journal();
        let mut about: Vec<OperationId> = journal.operations(0, 1_000).unwrap().into_iter().map(|op| op.id).collect();
        about.retain(|id| !known.contains(id));
        assert!(about.len() <= 1, "one job made {about:?}");
        if let Job::Resume { operation, .. } = &job {
            assert_eq!(about, [], "going on makes no new operation");
            about.push(operation.clone());
        }
        if let Some(Err(error)) = &went {
            let held = matches!(error, ApplyError::Journal(switchboard::journal::JournalError::Held { .. }));
            assert!(held, "{error}");
        }
        let stretch = before + 1..=self.sim.log().last();
        let Some(operation) = about.pop() else {
            let asked = self.sim.log().after(before, usize::MAX).into_iter().find(|entry| entry.act == Act::Write);
            assert!(asked.is_none(), "nothing leaves before the journal knows of it: {asked:?}");
            return;
        };
        match self.worked.iter_mut().find(|worked| worked.operation == operation) {
            Some(worked) => worked.stretches.push(stretch),
            None => self.worked.push(Worked { operation: operation.clone(), stretches: vec![stretch] }),
        }
        let summary = journal.operation(&operation).unwrap();
        self.tell(format!("  {operation} {:?} {:?}", summary.life, summary.tally));
        if let (End::Well, Job::TakeBack { operation: original, items }) = (end, &job) {
            let holders = holders.into_iter().map(|(target, holder)| (target.to_string(), holder)).collect();
            self.restored_exactly(&journal, original, items.as_deref(), &operation, before, &holders);
        }
        if summary.life != OperationLife::Interrupted && matches!(end, End::Well | End::Stopped(_)) {
            let worked: Vec<_> = self.worked.iter().filter(|worked| worked.operation == operation).cloned().collect();
            invariants::hold(&self.sim, &journal, &worked, Journaled::Whole);
        }
    }

    async fn in_this_process(&mut self, job: &Job, end: End) -> Option<Result<Report, ApplyError>> {
        let (profile, settings, folder) = (self.sim.profile.clone(), self.settings, self.folder.path().to_owned());
        let life = self.life.get_or_insert_with(|| Life::new(&profile, settings, &folder));
        let (engine, job, stop) = (life.engine.clone(), job.clone(), StopToken::new());
        let token = stop.clone();
        // Once in a while two go on with the same operation: only one of them gets hold of it.
        let rival = (matches!(job, Job::Resume { .. }) && self.dice.u8(..4) == 0).then(|| {
            let _inside = life.runtime.enter();
            random_engine(&profile, settings, &folder)
        });
        let mut task = life.runtime.spawn(async move {
            match rival {
                None => carry_out(&engine, &job, token).await,
                Some(rival) => {
                    let both = tokio::join!(carry_out(&engine, &job, token.clone()), carry_out(&rival, &job, token));
                    match both {
                        (Some(Err(error)), Some(Ok(report))) | (Some(Ok(report)), Some(Err(error))) => {
                            let held = matches!(error, ApplyError::Journal(_));
                            assert!(held, "{error}");
                            Some(Ok(report))
                        }
                        (went, _) => went,
                    }
                }
            }
        });
        let after = match end {
            End::Stopped(writes) | End::Dropped(writes) => writes,
            End::Well | End::Killed(_) => usize::MAX,
        };
        let before = self.sim.log().last();
        tokio::select! {
            went = &mut task => return went.unwrap(),
            () = self.writes(before, after) => {}
        }
        if matches!(end, End::Stopped(_)) {
            stop.stop();
            return task.await.unwrap();
        }
        if let Some(life) = self.life.take() {
            life.end().await;
        }
        None
    }

    /// Waits until so many writes have arrived.
    async fn writes(&self, before: u64, wanted: usize) {
        loop {
            let seen = self.sim.log().after(before, usize::MAX);
            if seen.iter().filter(|entry| entry.act == Act::Write).count() >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }

    async fn in_a_process_that_is_killed(&mut self, job: &Job, writes: usize) {
        // The other process comes after this one.
        if let Some(life) = self.life.take() {
            life.end().await;
        }
        let before = self.sim.log().last();
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["engine::random::victim", "--exact", "--nocapture", "--test-threads=1"])
            .env(VICTIM, serde_json::to_string(&(&self.sim.profile, self.settings, self.folder.path(), job)).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = std::io::BufReader::new(victim.stdout.take().unwrap()).lines();
        let ended = tokio::task::spawn_blocking(move || lines.map_while(Result::ok).any(|line| line.contains("ended")));
        tokio::select! {
            ended = ended => assert!(ended.unwrap(), "the other process failed"),
            () = self.writes(before, writes) => {}
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
    }

    /// What the dead have sent may still arrive.
    async fn wait_for_the_dead(&self) {
        while self.sim.log().all().iter().any(|entry| entry.outcome == Outcome::Running) {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        tokio::time::sleep(LATEST).await;
    }

    /// An undo puts back what nobody changed since, and touches nothing else.
    fn restored_exactly(
        &mut self,
        journal: &Journal,
        original: &OperationId,
        only: Option<&[u32]>,
        undo: &OperationId,
        before: u64,
        holders: &HashMap<String, Holder>,
    ) {
        let undone: HashMap<String, ItemRow> = journal
            .items(undo, 0, usize::MAX)
            .unwrap()
            .into_iter()
            .map(|item| (item.target.to_string(), item))
            .collect();
        let (_, meddled) = written(&self.sim, before);
        for item in journal.items(original, 0, usize::MAX).unwrap() {
            let target = item.target.to_string();
            let (then, now) = (&holders[&target], self.sim.holder(&target).unwrap());
            if meddled.contains(&target) {
                continue;
            }
            let wanted = only.is_none_or(|seqs| seqs.contains(&item.seq));
            let about =
                format!("{target}: was {}, wrote {}, {then:?} before the undo", item.was.label(), item.wrote.label());
            let is_ours = item.state == ItemState::Done && invariants::holds(then, &item);
            match undone.get(&target) {
                Some(undone) if wanted && undone.state == ItemState::Done => {
                    assert!(is_ours, "{about}; it was not ours to take back");
                    assert!(invariants::is_back(&now, &item), "{about}; now {now:?}");
                    self.seen.taken_back += 1;
                }
                // Lost answers and the like: what became of it is told like for any other operation.
                Some(undone) if matches!(undone.state, ItemState::Unknown | ItemState::Failed) => {}
                _ => assert_eq!(*then, now, "{about}; it was left alone"),
            }
            let told = undone.get(&target).and_then(|undone| undone.reason.clone()).unwrap_or_default();
            let unclear = !item.was.is_known()
                || told.as_str().contains("look the same")
                || told.as_str().contains("not exactly reversible");
            let is_back = undone.get(&target).is_some_and(|undone| undone.state == ItemState::Done);
            let can = wanted && is_ours && !invariants::is_back(then, &item) && !unclear && !self.faulty;
            assert!(
                is_back || !can || is_taken_back(journal, &item, original, undo),
                "{about}; it was not restored: {told}"
            );
        }
    }

    /// With everything in order again every operation comes to its end.
    async fn all_is_settled_in_the_end(&mut self) {
        self.sim.set_faults(&[""; 0]).unwrap();
        self.faulty = false;
        self.tell("all faults end");
        for _ in 0..3 {
            for operation in self.journal().interrupted().unwrap() {
                let job = Job::Resume { operation: operation.id.clone(), how: How::On };
                let before = self.sim.log().last();
                self.tell(format!("{job:?}"));
                let went = self.in_this_process(&job, End::Well).await;
                self.tell(format!("  {:?}", went.map(|went| went.map(|report| report.summary.tally))));
                let stretch = before + 1..=self.sim.log().last();
                let worked = self.worked.iter_mut().find(|worked| worked.operation == operation.id);
                worked.expect("an operation of this run").stretches.push(stretch);
            }
        }
        let left = self.journal().interrupted().unwrap();
        let unclear = |operation: &OperationSummary| operation.tally.planned + operation.tally.sent > 0;
        assert!(!left.iter().any(unclear), "{left:?}");
        for operation in left.into_iter().filter(|_| !self.kind.leaves_unknown) {
            for item in self.journal().items_in(&operation.id, &[ItemState::Unknown], 0, usize::MAX).unwrap() {
                let reason = item.reason.unwrap_or_default();
                assert!(reason.as_str().contains("look the same"), "{} stays unknown: {reason}", item.target);
            }
        }
    }
}

/// Whether an item was taken back before this undo began, so that there was nothing left to be done.
fn is_taken_back(journal: &Journal, item: &ItemRow, original: &OperationId, undo: &OperationId) -> bool {
    let undoable = journal.undoable_items(original).unwrap();
    let by_this = journal.items(undo, 0, usize::MAX).unwrap().iter().any(|back| back.target == item.target);
    !by_this && !undoable.iter().any(|open| open.seq == item.seq)
}

const VICTIM: &str = "SWITCHBOARD_TEST_RANDOM_VICTIM";

/// Not a test of its own: what the processes do that are killed.
#[test]
fn victim() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let (profile, settings, folder, job): (Map<String, Value>, String, std::path::PathBuf, Job) =
        serde_json::from_str(&told).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = random_engine(&profile, &settings, &folder);
        carry_out(&engine, &job, StopToken::new()).await;
        println!("ended");
    });
}
