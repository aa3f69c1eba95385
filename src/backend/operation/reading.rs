//! Reading targets just before they are sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{News, Part, Run};
use crate::backend::judge::{Freshness, Sets, freshness, labels, was_now};
use crate::backend::reader;
use crate::backend::readings::Readings;
use crate::domain::{Assignment, Change, ItemState, SkipReason};
use crate::vendor::{Found, Looking, Observation, Session, Target, Targets};

/// A batch that may be sent, and when its targets were last read in this run.
#[derive(Default)]
pub struct Ready {
    pub items: Vec<u32>,
    pub changes: Vec<Change>,
    /// `None` where the plan's own readings are fresh enough.
    pub read: Option<Instant>,
}

/// A reading in this run is good for at least this long, so that a freshness of nothing does not read for ever.
const GOOD_FOR: Duration = Duration::from_secs(10);

impl Part {
    /// Reads the present assignment of `changes`' targets, once, and counts the requests.
    pub async fn observe(&self, run: &Run, changes: &[&Change], looking: Looking) -> Vec<Observation> {
        let meter = Arc::new(AtomicUsize::new(0));
        let session = Session { looking, ..self.session.clone() };
        let read = reader::read(&self.desk, &self.targets(changes), &session, &meter).await;
        run.live.add_requests(meter.load(Ordering::Relaxed));
        read
    }

    /// Reads many targets once, gives what was read of each, and counts the requests.
    pub async fn observe_each(&self, run: &Run, targets: &dyn Targets, looking: Looking, found: &mut Found<'_>) {
        let meter = Arc::new(AtomicUsize::new(0));
        let session = Session { looking, ..self.session.clone() };
        let mut counting = |number: usize, observation: Observation| {
            run.live.add_requests(meter.swap(0, Ordering::Relaxed));
            found(number, observation);
        };
        reader::read_each(&self.desk, targets, &session, &meter, &mut counting).await;
        run.live.add_requests(meter.load(Ordering::Relaxed));
    }

    fn targets(&self, changes: &[&Change]) -> Vec<Target> {
        changes.iter().map(|change| self.target(change)).collect()
    }

    /// Whether `ready` must be read (again) before it may leave.
    pub fn is_stale(&self, run: &Run, ready: &Ready) -> bool {
        if !self.is_readable() {
            return false;
        }
        match ready.read {
            // A set is read right before it is written, however long other readings are good for: what is sent is the
            // difference to it.
            Some(read) if holds_sets(&ready.changes) => read.elapsed() > GOOD_FOR,
            Some(read) => read.elapsed() > self.desk.freshness.max(GOOD_FOR),
            None if self.read_again || holds_sets(&ready.changes) => true,
            None => {
                let now = (run.clock)();
                ready.changes.iter().any(|change| !self.desk.is_fresh(&change.target, change.read_at, now))
            }
        }
    }

    /// Reads the targets of those batches that are not fresh. What drifted, is there already or is gone is recorded and
    /// taken out; a target that cannot be read is not sent. Batches may come back empty.
    pub async fn freshen(&self, run: &Run, batches: Vec<Ready>) -> Vec<Ready> {
        let (stale, mut fresh): (Vec<Ready>, Vec<Ready>) =
            batches.into_iter().partition(|ready| self.is_stale(run, ready));
        if stale.is_empty() {
            return fresh;
        }
        let changes: Vec<&Change> = stale.iter().flat_map(|ready| &ready.changes).collect();
        let Some(read) = self.read_patiently(run, &changes).await else { return fresh };
        // One record that cannot be read is its own trouble; when none can be, it is the server's.
        if let Some((_, error)) = read.all_unread().next()
            && read.all_unread().count() == read.len()
        {
            self.note_unread(run, error);
        }
        let at = Instant::now();
        let mut read = read.iter();
        let mut news = Vec::new();
        for ready in stale {
            let mut holds = Ready { items: Vec::new(), changes: Vec::new(), read: Some(at) };
            for ((item, mut change), observation) in ready.items.into_iter().zip(ready.changes).zip(&mut read) {
                let sent_before = self.state(item) == ItemState::Sent;
                match freshness(&change.before, &change.after, &observation.now, Sets::of(self.session.undo)) {
                    Freshness::CarriedOver { before, after }
                        if sent_before && !same_delta(&change, &before, &after) =>
                    {
                        // The journal says what was about to be sent; that is no longer it.
                        let why = was_now(&change.before, &before);
                        news.push(
                            News::new(item, ItemState::Failed).because(format!("not applied: {why}")).reading(before),
                        );
                    }
                    told @ (Freshness::Holds | Freshness::CarriedOver { .. }) => {
                        if let Freshness::CarriedOver { before, after } = told {
                            (change.before, change.after) = (before, after);
                        }
                        if let Some(scope) = observation.scope {
                            change.scope = scope.into();
                        }
                        holds.items.push(item);
                        holds.changes.push(change);
                    }
                    told => news.extend(self.left_out(item, &change, told, sent_before)),
                }
            }
            fresh.push(holds);
        }
        self.happened(run, news);
        fresh
    }

    /// What becomes of an item that a reading before sending takes out. An item that was on its way before without
    /// effect (the rate limit) stands as sent in the journal and can only go on from there.
    fn left_out(&self, item: u32, change: &Change, told: Freshness, sent_before: bool) -> Vec<News> {
        let after = change.after.clone();
        let drift = |now: Assignment| {
            let (was, label) = labels(&change.before, &now);
            (SkipReason::Drift { was, now: label }.to_string(), Some(now))
        };
        let (reason, now) = match told {
            Freshness::Holds | Freshness::CarriedOver { .. } => return Vec::new(),
            Freshness::AlreadyThere if sent_before => return vec![News::new(item, ItemState::Done).reading(after)],
            Freshness::AlreadyThere => (SkipReason::AlreadyThere.to_string(), Some(after)),
            Freshness::Drifted(now) => drift(now),
            Freshness::CannotTell => {
                ("its present owner cannot be compared with the one that was shown".to_owned(), None)
            }
            Freshness::NoSuchLead => (SkipReason::NoSuchLead.to_string(), None),
            Freshness::Unread(error) => {
                let to = if sent_before { ItemState::Failed } else { ItemState::NotSent };
                return vec![News::new(item, to).because(format!("could not be read again before sending: {error}"))];
            }
        };
        let news = |to| News { item, to, reason: Some(reason.clone()), now: now.clone() };
        if sent_before {
            vec![news(ItemState::Unknown), news(ItemState::ChangedByOthers)]
        } else {
            vec![news(ItemState::Skipped)]
        }
    }

    /// `None` when the part ended meanwhile: reads may be dropped at any time.
    async fn read_patiently(&self, run: &Run, changes: &[&Change]) -> Option<Readings> {
        let meter = Arc::new(AtomicUsize::new(0));
        let targets = self.targets(changes);
        let targets = targets.as_slice();
        let read = tokio::select! {
            read = reader::read_patiently(&self.desk, &targets, &self.session, &meter) => Some(read),
            () = self.over(run) => None,
        };
        run.live.add_requests(meter.load(Ordering::Relaxed));
        match read? {
            Ok(read) => Some(read),
            Err(refused) => {
                self.halt_by(&refused);
                None
            }
        }
    }
}

pub fn holds_sets(changes: &[Change]) -> bool {
    changes.iter().any(|change| matches!(change.after, Assignment::Agents(_)))
}

/// Whether a change of a set adds and removes the same agents as it would from `before` to `after`.
fn same_delta(change: &Change, before: &Assignment, after: &Assignment) -> bool {
    let there = Assignment::carried_over(&change.before, &change.after, before);
    let back = Assignment::carried_over(before, after, &change.before);
    there.as_ref() == Some(after) && back.as_ref() == Some(&change.after)
}
