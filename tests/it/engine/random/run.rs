//! One run: a simulator, a journal, and what happens between the two.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use switchboard::backend::{ApplyError, Report, StopToken};
use switchboard::domain::history::{ItemRow, OperationLife, OperationSummary};
use switchboard::domain::{Assignment, ItemState, OperationId};
use switchboard::journal::{Journal, JournalError};
use switchboard::sim::{self, Act, Holder, Meddling, SimOptions, Simulator};

use super::super::written;
use super::job::{End, How, Job, Life, carry_out, random_engine, start_victim};
use super::{FAULTS, Kind, LEADS, Seen};
use crate::invariants::{self, Journaled, Worked};
use crate::vendors::client;

pub struct Run {
    kind: &'static Kind,
    settings: &'static str,
    dice: fastrand::Rng,
    sim: Simulator,
    folder: tempfile::TempDir,
    life: Option<Life>,
    worked: Vec<Worked>,
    /// For how long lists still show who had a lead before.
    lag: Duration,
    /// Ids of those who may be given something.
    staff: HashSet<String>,
    faulty: bool,
    story: Arc<Mutex<Vec<String>>>,
    seen: Seen,
}

impl Run {
    pub async fn begin(kind: &'static Kind, seed: u64, story: Arc<Mutex<Vec<String>>>) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let switches = kind.switches[dice.usize(..kind.switches.len())];
        story.lock().unwrap().push(format!("switches: {switches:?}"));
        let options = SimOptions {
            leads: LEADS,
            owners: 7,
            campaigns: 4,
            seed,
            switches: switches.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            ..SimOptions::default()
        };
        let sim = sim::start(kind.vendor, options).await.unwrap();
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let settings = kind.settings[dice.usize(..kind.settings.len())];
        let lag = switches.iter().find(|(name, _)| *name == "index_lag").map_or(0, |(_, lag)| lag.parse().unwrap());
        let lag = Duration::from_millis(lag);
        let people = client(&sim.profile, settings).people().await.unwrap();
        let staff = people.iter().filter(|person| person.is_active()).map(|person| person.id.to_string()).collect();
        let (life, worked, seen) = (None, Vec::new(), Seen::default());
        Self { kind, settings, dice, sim, folder, life, worked, lag, staff, faulty: false, story, seen }
    }

    fn tell(&self, what: impl Into<String>) {
        self.story.lock().unwrap().push(what.into());
    }

    /// The journal, read beside whoever writes it.
    fn journal(&self) -> Journal {
        Journal::open(self.folder.path()).unwrap()
    }

    pub async fn play(mut self) -> Seen {
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
                self.work(Job::Assign { seed }).await;
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
        // What somebody else did is no part of this only once every list shows it.
        tokio::time::sleep(self.lag).await;
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
            let held = matches!(error, ApplyError::Journal(JournalError::Held { .. }));
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
            let _inside = life.runtime().enter();
            random_engine(&profile, settings, &folder)
        });
        let mut task = life.runtime().spawn(async move {
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
        let mut victim = start_victim(&self.sim.profile, self.settings, self.folder.path(), job);
        let lines = std::io::BufReader::new(victim.stdout.take().unwrap()).lines();
        let ended = tokio::task::spawn_blocking(move || {
            lines.map_while(Result::ok).filter(|line| line.contains("ended")).count() > 0
        });
        tokio::select! {
            ended = ended => assert!(ended.unwrap(), "the other process failed"),
            () = self.writes(before, writes) => {}
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
    }

    /// What the dead have sent may still arrive.
    async fn wait_for_the_dead(&self) {
        if self.life.is_none() {
            self.sim.idle().await.unwrap();
            self.sim.new_session();
        }
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
            let ours = really_written(&item).filter(|item| invariants::is_there(then, item));
            match undone.get(&target) {
                Some(undone) if wanted && undone.state == ItemState::Done => {
                    assert!(ours.is_some(), "{about}; it was not ours to take back");
                    let is_back = ours.as_ref().is_some_and(|ours| invariants::is_back(&now, ours));
                    assert!(is_back && invariants::is_same_beside(then, &now, &item), "{about}; now {now:?}");
                    self.seen.taken_back += 1;
                }
                // Lost answers and the like: what became of it is told like for any other operation.
                Some(undone) if matches!(undone.state, ItemState::Unknown | ItemState::Failed) => {}
                _ => assert_eq!(*then, now, "{about}; it was left alone"),
            }
            let told = undone.get(&target).and_then(|undone| undone.reason.clone()).unwrap_or_default();
            let state = undone.get(&target).map(|undone| undone.state);
            let before = item.was.owner().and_then(|owner| owner.id.as_ref());
            let left = before.is_some_and(|id| !self.staff.contains(id.as_str()));
            let unclear = !item.was.is_known()
                || told.as_str().contains("look the same")
                || told.as_str().contains("not exactly reversible")
                || (state == Some(ItemState::Failed) && left && self.kind.refuses_who_left)
                // A job that is not done yet may never be.
                || (state == Some(ItemState::Unknown) && told.as_str().contains("background job"));
            let is_back = state == Some(ItemState::Done);
            let can = wanted && ours.is_some_and(|ours| !invariants::is_back(then, &ours)) && !unclear && !self.faulty;
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

/// What of an item took effect: all of one that is done, and of a set of agents that was changed in part that part.
fn really_written(item: &ItemRow) -> Option<ItemRow> {
    match (item.state, &item.was, &item.wrote, &item.now) {
        (ItemState::Done, ..) => Some(item.clone()),
        (ItemState::Failed, Assignment::Agents(was), Assignment::Agents(wrote), Some(Assignment::Agents(now))) => {
            let came = wrote.difference(was).filter(|agent| now.contains(*agent));
            let stayed = was.iter().filter(|agent| wrote.contains(*agent) || now.contains(*agent));
            Some(ItemRow { wrote: Assignment::Agents(came.chain(stayed).cloned().collect()), ..item.clone() })
        }
        _ => None,
    }
}
