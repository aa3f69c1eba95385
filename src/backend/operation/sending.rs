//! Handing out: batches are read again where their readings are old, wait for their turn, are marked as sent, and only
//! then leave. Once a request is on its way it is awaited, whatever else happens.
//!
//! A few more batches are marked than may be on the way at the same time, as many of them together as may leave now, so
//! that the disk is never waited for while a place is free. What was marked and cut off before it left stands as sent,
//! and is read back like everything that stands so.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::reading::{Ready, holds_sets};
use super::settling::{self, Earlier, Lookup, Settler};
use super::{News, Part, Run};
use crate::backend::judge::was_now;
use crate::backend::pace::{Booking, PaceGate};
use crate::domain::exchange::Problem;
use crate::domain::planning::{Batch, Batches};
use crate::domain::{Agreement, Assignment, Change, ItemState, planning};
use crate::vendor::{ErrorKind, Looking, WriteOutcome, WriteReport};

const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Batches that are marked as sent in one commit, at most.
const HANDFUL: usize = 64;

/// How many batches may be marked as sent beyond those on the way: what comes back while a commit takes a quarter of the
/// time of an answer.
fn ahead(parallel: usize) -> usize {
    parallel.div_ceil(4).min(16)
}

/// A batch whose turn it is.
struct Turn {
    ready: Ready,
    booking: Booking,
    slot: OwnedSemaphorePermit,
}

impl Part {
    /// Hands out everything that is to be sent; returns when nothing is on the way any more.
    pub async fn hand_out(self: &Arc<Self>, run: &Arc<Run>, settler: &Settler) {
        let batches = self.batches_from(self.open());
        if batches.is_empty() {
            return;
        }
        let parallel = run.tuning.parallel.unwrap_or(usize::MAX).min(self.desk.capabilities.pace.parallel).max(1);
        let slots = Arc::new(Semaphore::new(parallel + ahead(parallel)));
        let mut sending = JoinSet::new();
        let mut handed_out = 0;
        let mut next_chunk = || {
            let chunk = self.chunk(&batches, handed_out);
            handed_out = chunk.end;
            let ready: Vec<Ready> = batches.range(chunk).map(|batch| self.ready(&batch, self.open())).collect();
            (!ready.is_empty()).then(|| self.read_ahead(run, ready))
        };
        let mut next = next_chunk();
        while let Some(reading) = next.take() {
            let ready = reading.await.unwrap_or_else(|broken| {
                tracing::error!(%broken, "reading before sending broke");
                Vec::new()
            });
            if self.is_over(run) {
                break;
            }
            next = next_chunk();
            let mut waiting = VecDeque::from(ready);
            while !self.is_over(run)
                && let Some(ready) = waiting.pop_front()
            {
                self.send_when_it_is_time(run, settler, ready, &mut waiting, &slots, &mut sending).await;
                while let Some(ended) = sending.try_join_next() {
                    report_broken(ended);
                }
            }
        }
        if let Some(reading) = next {
            let _ = reading.await;
        }
        while let Some(ended) = sending.join_next().await {
            report_broken(ended);
        }
    }

    fn ready(&self, batch: &[u32], first: u32) -> Ready {
        let items: Vec<u32> = batch.iter().map(|i| first + i).collect();
        let changes = items.iter().map(|item| self.change(*item).to_change()).collect();
        Ready { items, changes, read: None }
    }

    /// Batches from `begin` on that are read together: no more than can be sent while the reading is fresh.
    fn chunk(&self, batches: &Batches, begin: usize) -> Range<usize> {
        let pace = &self.desk.capabilities.pace;
        let in_time = planning::batches_together(self.desk.gate.rate(), self.desk.freshness, pace);
        let mut changes = 0;
        let fits = |batch: &Batch<'_>| {
            let first = changes == 0;
            changes += batch.len();
            first || changes <= planning::READ_TOGETHER
        };
        let most = begin.saturating_add(in_time).min(batches.len());
        begin..begin + batches.range(begin..most).take_while(fits).count()
    }

    /// Reads a chunk while the one before is being sent. Its reads end when the part is over; what they told is
    /// recorded whole.
    fn read_ahead(self: &Arc<Self>, run: &Arc<Run>, batches: Vec<Ready>) -> JoinHandle<Vec<Ready>> {
        let (part, run) = (self.clone(), run.clone());
        tokio::spawn(async move { part.freshen(&run, batches).await })
    }

    /// Waits for a batch's turn and sends it, with those behind it whose turn it is as well.
    async fn send_when_it_is_time(
        self: &Arc<Self>,
        run: &Arc<Run>,
        settler: &Settler,
        ready: Ready,
        behind: &mut VecDeque<Ready>,
        slots: &Arc<Semaphore>,
        sending: &mut JoinSet<()>,
    ) {
        let Some(first) = self.turn(run, ready, slots).await else { return };
        if self.desk.capabilities.first_write_alone {
            let mut compared = self.desk.first_write_compared.lock().await;
            if !*compared {
                *compared = self.send_alone_and_compare(run, first).await;
                return;
            }
        }
        let mut turns = vec![first];
        while turns.len() < HANDFUL
            && let Some(next) = self.turn_now(run, behind, slots)
        {
            turns.push(next);
        }
        let sent = turns.iter().flat_map(|turn| self.about_to_leave(&turn.ready)).collect();
        if !self.intends(run, sent).await {
            return;
        }
        for turn in turns {
            let (part, run, lookups) = (self.clone(), run.clone(), settler.sender());
            sending.spawn(async move { part.send(&run, &lookups, turn, false).await });
        }
    }

    /// Waits until it is a batch's turn. `None` when nothing of it is left to be sent, or nothing is sent any more.
    async fn turn(&self, run: &Run, mut ready: Ready, slots: &Arc<Semaphore>) -> Option<Turn> {
        if ready.items.is_empty() {
            return None;
        }
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot.ok()?,
            () = self.over(run) => return None,
        };
        let booking = tokio::select! {
            booking = async {
                run.reins.turn().await;
                self.desk.gate.book(self.session.hot).await
            } => booking,
            () = self.over(run) => return None,
        };
        if self.is_stale(run, &ready) {
            // The turn took longer than the reading was good for. Once is enough: this one leaves next.
            ready = self.freshen(run, vec![ready]).await.pop().filter(|still| !still.items.is_empty())?;
        }
        (!self.is_over(run)).then_some(Turn { ready, booking, slot })
    }

    /// The next batch, if its turn is now.
    fn turn_now(&self, run: &Run, waiting: &mut VecDeque<Ready>, slots: &Arc<Semaphore>) -> Option<Turn> {
        if waiting.front().is_none_or(|next| next.items.is_empty() || self.is_stale(run, next)) {
            return None;
        }
        let slot = slots.clone().try_acquire_owned().ok()?;
        let booking = self.desk.gate.try_book(self.session.hot)?;
        // Last, because a turn that is taken does not come back.
        if !run.reins.try_turn() {
            return None;
        }
        Some(Turn { ready: waiting.pop_front()?, booking, slot })
    }

    /// The first write of a session goes alone and is read back, so that a server which does something else than its
    /// contract is noticed at one target. True when it did as it should.
    async fn send_alone_and_compare(self: &Arc<Self>, run: &Arc<Run>, turn: Turn) -> bool {
        let items = turn.ready.items.clone();
        if !self.intends(run, self.about_to_leave(&turn.ready)).await {
            return false;
        }
        let readable = self.is_readable();
        let (lookups, queue) = mpsc::unbounded_channel();
        let (part, shared) = (self.clone(), run.clone());
        let sent = tokio::spawn(async move { part.send(&shared, &lookups, turn, readable).await });
        if let Err(broken) = sent.await {
            tracing::error!(%broken, "sending broke");
            return false;
        }
        settling::settle(self.clone(), run.clone(), Earlier::default(), queue).await;
        let sent: Vec<Change> = items.iter().map(|item| self.sent(*item)).collect();
        let changes: Vec<&Change> = sent.iter().collect();
        let agents = changes.iter().any(|change| matches!(change.after, Assignment::Agents(_)));
        // Settling looks only at the agents the write was about. Here the others count as well: a server that replaces
        // instead of merging would have thrown them out.
        let others_kept = !(readable && agents)
            || self.observe(run, &changes, Looking::Deciding).await.iter().zip(&changes).all(|(read, change)| {
                read.now.as_ref().is_ok_and(|now| change.after.agrees_with(now) != Agreement::Different)
            });
        let states: Vec<ItemState> = items.iter().map(|item| self.state(*item)).collect();
        if !others_kept || states.iter().any(|s| matches!(s, ItemState::Unknown | ItemState::ChangedByOthers)) {
            self.halt(Problem::new(
                format!(
                    "the first write to {} in this session was read back and is not what was written; nothing more was sent",
                    self.desk.name
                ),
                "Look at that record before going on: the server may do something else than its contract says.",
            ));
            return false;
        }
        states.contains(&ItemState::Done)
    }

    /// The news that these are about to leave, and how.
    fn about_to_leave(&self, ready: &Ready) -> Vec<News> {
        let intent = |(item, change): (&u32, &Change)| {
            self.note_sent(*item, change);
            let news = News::new(*item, ItemState::Sent);
            // What is sent of a set is the difference to this reading, and so is what can be taken back.
            if matches!(change.after, Assignment::Agents(_)) { news.reading(change.before.clone()) } else { news }
        };
        ready.items.iter().zip(&ready.changes).map(intent).collect()
    }

    /// Sends one batch that is marked as sent, and brings every item of it to an outcome, or hands it to the settler.
    async fn send(&self, run: &Run, lookups: &mpsc::UnboundedSender<Lookup>, turn: Turn, read_back: bool) {
        let Turn { ready, booking, slot: _slot } = turn;
        let on_the_way = OnTheWay::new(run, ready.items.len());
        let mut left = ready;
        left.read.get_or_insert_with(Instant::now);
        let (mut booking, mut tries) = (booking, 0);
        loop {
            let report = self.write_once(run, &left.changes, booking).await;
            let again = self.take_in(run, lookups, &left, report, read_back);
            if again.items.is_empty() {
                break;
            }
            tries += 1;
            if tries >= run.tuning.tries {
                self.give_up(run, again.items, &again.why, &format!("tried {tries} times"));
                break;
            }
            // It stands as sent in the journal and certainly had no effect, so it may go again without a reading,
            // unless the wait makes the last reading old, which it does for a set at once.
            let pause = again.retry_after.unwrap_or_else(|| backoff(run.tuning.retry_pause, tries));
            let turn = async {
                tokio::time::sleep(pause).await;
                self.desk.gate.book(self.session.hot).await
            };
            booking = tokio::select! {
                biased;
                () = self.over(run) => {
                    self.give_up(run, again.items, &again.why, "stopped before it was tried again");
                    break;
                }
                booking = turn => booking,
            };
            let changes: Vec<Change> = again.items.iter().map(|item| self.change_as_sent(&left, *item)).collect();
            let read = left.read.filter(|_| !holds_sets(&changes));
            left = Ready { items: again.items, changes, read };
            if self.is_stale(run, &left) {
                let items = left.items.clone();
                left = self.freshen(run, vec![left]).await.pop().unwrap_or_default();
                let unread = |item: &u32| self.state(*item) == ItemState::Sent && !left.items.contains(item);
                let unread: Vec<u32> = items.into_iter().filter(unread).collect();
                if !unread.is_empty() {
                    self.give_up(run, unread, &again.why, "stopped before it was tried again");
                }
                if left.items.is_empty() {
                    break;
                }
                left.items.iter().zip(&left.changes).for_each(|(item, change)| self.note_sent(*item, change));
            }
        }
        drop(on_the_way);
    }

    fn change_as_sent(&self, ready: &Ready, item: u32) -> Change {
        match ready.items.iter().position(|i| *i == item) {
            Some(at) => ready.changes[at].clone(),
            None => self.change(item).to_change(),
        }
    }

    async fn write_once(&self, run: &Run, changes: &[Change], booking: Booking) -> WriteReport {
        let targets = || changes.iter().map(|change| &change.target);
        // What is read from here on until the answer came may be from before or after.
        self.desk.note_written(targets(), (run.clock)());
        let meter = Arc::new(AtomicUsize::new(0));
        let writing = self.desk.vendor.write(changes, &self.session);
        let report = PaceGate::with_booking(booking, meter.clone(), writing).await;
        self.desk.note_written(targets(), (run.clock)());
        run.live.add_requests(meter.load(Ordering::Relaxed).max(report.requests));
        report
    }

    /// Takes a report in; returns the items that had no effect and may be tried again.
    fn take_in(
        &self,
        run: &Run,
        lookups: &mpsc::UnboundedSender<Lookup>,
        sent: &Ready,
        report: WriteReport,
        read_back: bool,
    ) -> Again {
        let is_unsent = |outcome: &WriteOutcome| matches!(outcome, WriteOutcome::NotApplied { .. });
        match report.trouble {
            // A client that reads before it writes, and could make nothing of what it read.
            Some(ErrorKind::Garbled) if report.outcomes.iter().all(is_unsent) => {
                self.note_outage(run, ErrorKind::Garbled);
            }
            trouble => self.note_trouble(run, trouble),
        }
        if let Some(error) = &report.halt {
            self.halt_by(error);
        }
        let mut again = Again::default();
        let mut news = Vec::new();
        let mut settle = Vec::new();
        let mut outcomes = report.outcomes.into_iter();
        for (item, change) in sent.items.iter().copied().zip(&sent.changes) {
            let outcome = outcomes.next().unwrap_or_else(|| {
                WriteOutcome::Unknown("the vendor's client did not say what became of it".to_owned())
            });
            match outcome {
                WriteOutcome::Done if read_back => {
                    settle.push(Lookup::lost(item, "the first write of a session"));
                    news.push(News::new(item, ItemState::Unknown).because("the first write of a session is read back"));
                }
                WriteOutcome::Done => news.push(self.done(item, None)),
                WriteOutcome::DoneWith(said) => news.push(self.done(item, Some(said))),
                WriteOutcome::Partly { why, now } => {
                    news.push(News::new(item, ItemState::Failed).because(why).reading(now));
                }
                WriteOutcome::Failed(why) => news.push(News::new(item, ItemState::Failed).because(why)),
                WriteOutcome::Unknown(why) | WriteOutcome::Late(why) | WriteOutcome::Queued(why)
                    if !self.is_readable() =>
                {
                    let why = format!("{why}; this vendor does not tell who owns a lead, so it cannot be read back");
                    news.push(News::new(item, ItemState::Unknown).because(why));
                }
                WriteOutcome::Unknown(why) => {
                    news.push(News::new(item, ItemState::Unknown).because(why.clone()));
                    settle.push(Lookup::lost(item, why));
                }
                WriteOutcome::Late(why) => {
                    news.push(News::new(item, ItemState::Unknown).because(why.clone()));
                    settle.push(Lookup::late(item, why));
                }
                WriteOutcome::Queued(why) => {
                    news.push(News::new(item, ItemState::Unknown).because(why.clone()));
                    settle.push(Lookup::queued(item, why));
                }
                WriteOutcome::NotApplied { why, retry_after } => {
                    again.items.push(item);
                    again.why = why;
                    again.retry_after = again.retry_after.max(retry_after);
                }
                WriteOutcome::Drifted { now } => {
                    let why = was_now(&change.before, &now);
                    let told = |to| News::new(item, to).because(why.clone()).reading(now.clone());
                    news.extend([told(ItemState::Unknown), told(ItemState::ChangedByOthers)]);
                }
            }
        }
        self.happened(run, news);
        for lookup in settle {
            let _ = lookups.send(lookup);
        }
        again
    }

    /// Done, with what the person should know about it.
    fn done(&self, item: u32, said: Option<String>) -> News {
        let words: Vec<String> = self.meanwhile(item).into_iter().chain(said).collect();
        let news = News::new(item, ItemState::Done);
        if words.is_empty() { news } else { news.because(words.join("; ")) }
    }

    fn give_up(&self, run: &Run, items: Vec<u32>, why: &str, end: &str) {
        let reason = format!("not applied: {why}; {end}");
        let news = items.into_iter().map(|item| News::new(item, ItemState::Failed).because(reason.clone())).collect();
        self.happened(run, news);
    }
}

/// Items without effect that may be tried again.
#[derive(Default)]
struct Again {
    items: Vec<u32>,
    why: String,
    retry_after: Option<Duration>,
}

/// Counts items as in flight until it is dropped, also when their task breaks.
struct OnTheWay<'a> {
    run: &'a Run,
    items: usize,
}

impl<'a> OnTheWay<'a> {
    fn new(run: &'a Run, items: usize) -> Self {
        run.live.left(items);
        Self { run, items }
    }
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.run.live.came_back(self.items);
    }
}

fn backoff(first: Duration, tries: u32) -> Duration {
    let longest = first.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    longest.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn report_broken(ended: Result<(), tokio::task::JoinError>) {
    if let Err(broken) = ended {
        tracing::error!(%broken, "sending a batch broke");
    }
}
