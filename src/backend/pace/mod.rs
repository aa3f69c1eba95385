//! The pace of each profile: a token bucket under the vendor's limit, bounded concurrency, small things before bulk.
//!
//! Every request of a profile passes its [`PaceGate`]. A write is *booked* first: the engine waits for its turn, marks
//! the batch as sent in the journal, and only then lets the client begin; the client's first request uses the booking
//! and leaves at once. So nothing stands in the journal as sent while it waits for a slow vendor's next minute.

mod bucket;
mod chance;
mod left;
mod lesson;
#[cfg(test)]
mod shapes;
mod shared;
mod told;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use self::bucket::Road;
pub use self::shared::Ledger;
use self::shared::SharedBucket;
use crate::domain::{Pace, Timestamp};
use crate::vendor::{Gate, Heard, Permit};

/// What holds until the vendor's capabilities are known.
const BEFORE_IT_IS_KNOWN: Pace = Pace { per_second: 1.0, burst: 1, parallel: 1, yields: false };

/// A bulk write leaves so long after its turn came, or as long as there is between two turns if that is less ...
const MOMENT: f64 = 0.02;
/// ... but where turns come so fast that the clock cannot tell them apart, at once.
const NO_MOMENT: f64 = 0.002;
/// Whoever waits no longer than this need not know why.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// What one answer more changes of how long answers take.
const ONE_ANSWER: f64 = 0.1;

tokio::task_local! {
    /// The turn that was waited for before the present write.
    static BOOKED: RefCell<Option<Booking>>;
    /// Counts the requests of the present piece of work.
    static METER: Arc<AtomicUsize>;
}

/// Lets a profile's requests pass at its pace.
pub struct PaceGate {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    origin: Instant,
    /// Time from the Unix epoch to `origin`.
    origin_since_epoch: Duration,
    paused: watch::Sender<Option<Timestamp>>,
    /// Makes everybody who waits look at the clock again: whoever waited for a place may now have to wait for a token.
    look_again: Notify,
}

struct State {
    pace: Pace,
    bucket: SharedBucket,
    in_flight: usize,
    /// How long an answer takes lately.
    answer: Duration,
    /// Booked writes; they have a token already and go first, hot ones before the others, these not before their time.
    booked_hot: VecDeque<oneshot::Sender<Place>>,
    booked: VecDeque<(Duration, oneshot::Sender<Place>)>,
    hot: VecDeque<Waiter>,
    bulk: VecDeque<Waiter>,
}

/// Somebody in the queue.
enum Waiter {
    /// Wants to send: a place and a token.
    Request(oneshot::Sender<Place>),
    /// Wants a token now and will come for the place in a moment.
    Booking(oneshot::Sender<Booking>, bool),
}

/// A turn that was waited for. Unused, it goes back.
pub struct Booking {
    shared: Option<Arc<Shared>>,
    /// When it may leave; a hot one at once.
    leaves: Option<Duration>,
}

/// A request on the way.
struct Place {
    shared: Option<Arc<Shared>>,
    /// How long it took says how long an answer takes.
    since: Instant,
}

impl PaceGate {
    pub fn new() -> Self {
        let origin_since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let state = State {
            pace: BEFORE_IT_IS_KNOWN,
            bucket: SharedBucket::new(&BEFORE_IT_IS_KNOWN, origin_since_epoch, None),
            in_flight: 0,
            answer: Duration::ZERO,
            booked_hot: VecDeque::new(),
            booked: VecDeque::new(),
            hot: VecDeque::new(),
            bulk: VecDeque::new(),
        };
        let shared = Shared {
            state: Mutex::new(state),
            origin: Instant::now(),
            origin_since_epoch,
            paused: watch::Sender::new(None),
            look_again: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sets the pace to drive at, alone or together with everybody who has the same ledger.
    pub fn set_pace(&self, pace: Pace, ledger: Option<Ledger>) {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        state.pace = pace;
        state.bucket = SharedBucket::new(&pace, now, ledger);
        self.shared.freed(state, now);
    }

    /// Waits for a turn to write without taking a place yet.
    pub async fn book(&self, hot: bool) -> Booking {
        let (sender, receiver) = oneshot::channel();
        self.shared.queue(hot, Waiter::Booking(sender, hot));
        self.shared.wait(receiver).await
    }

    /// A turn to write if there is one now and nobody waits for it.
    pub fn try_book(&self, hot: bool) -> Option<Booking> {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        if !state.hot.is_empty() || !(hot || state.bulk.is_empty()) {
            return None;
        }
        let pace = state.pace;
        let since = state.bucket.take(&pace, now, !hot).ok()?;
        let leaves = (!hot).then(|| since + state.moment(now));
        Some(Booking { shared: Some(self.shared.clone()), leaves })
    }

    /// Runs `work` so that its first request uses `booking`, and counts its requests.
    pub async fn with_booking<T>(booking: Booking, meter: Arc<AtomicUsize>, work: impl Future<Output = T>) -> T {
        BOOKED.scope(RefCell::new(Some(booking)), METER.scope(meter, work)).await
    }

    /// Runs `work` and counts its requests.
    pub async fn metered<T>(meter: Arc<AtomicUsize>, work: impl Future<Output = T>) -> T {
        METER.scope(meter, work).await
    }

    /// When the pause that the vendor asked for ends, for whoever wants to show it. Old values lie in the past.
    pub fn pauses(&self) -> watch::Receiver<Option<Timestamp>> {
        self.shared.paused.subscribe()
    }

    /// The pause that is on now.
    pub fn paused_for(&self) -> Option<Duration> {
        let now = self.shared.now();
        self.shared.lock().bucket.paused_until(now).map(|until| until - now)
    }

    /// Requests a second that are known to be allowed at present; infinite where nothing limits them yet.
    pub fn rate(&self) -> f64 {
        let now = self.shared.now();
        let state = self.shared.lock();
        state.bucket.limit(&state.pace, now)
    }
}

impl Default for PaceGate {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Gate for PaceGate {
    async fn enter(&self, hot: bool) -> Permit {
        let _ = METER.try_with(|meter| meter.fetch_add(1, Ordering::Relaxed));
        let booking = BOOKED.try_with(|booked| booked.borrow_mut().take()).ok().flatten();
        let (sender, receiver) = oneshot::channel();
        match booking {
            Some(booking) => {
                self.shared.queue_booked(booking.leaves, sender);
                let place = self.shared.wait(receiver).await;
                booking.used();
                Box::new(place)
            }
            None => {
                self.shared.queue(hot, Waiter::Request(sender));
                Box::new(self.shared.wait(receiver).await)
            }
        }
    }

    fn heard(&self, heard: Heard) {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        let before = state.bucket.paused_until(now);
        let pace = state.pace;
        let without_an_answer = state.in_flight + state.booked_hot.len() + state.booked.len();
        let on_the_way = u32::try_from(without_an_answer).unwrap_or(u32::MAX).saturating_sub(1);
        let road = Road { answer: state.answer, on_the_way };
        state.bucket.hear(&pace, now, &heard, road);
        let after = state.bucket.paused_until(now);
        drop(state);
        if after != before {
            self.shared.tell_pause(after);
        }
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.origin_since_epoch + self.origin.elapsed()
    }

    fn instant(&self, at: Duration) -> Instant {
        self.origin + at.saturating_sub(self.origin_since_epoch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(self: &Arc<Self>, hot: bool, waiter: Waiter) {
        let now = self.now();
        let mut state = self.lock();
        if hot {
            state.hot.push_back(waiter)
        } else {
            state.bulk.push_back(waiter)
        }
        self.pump(state, now);
    }

    fn queue_booked(self: &Arc<Self>, leaves: Option<Duration>, sender: oneshot::Sender<Place>) {
        let now = self.now();
        let mut state = self.lock();
        match leaves {
            None => state.booked_hot.push_back(sender),
            Some(leaves) => state.booked.push_back((leaves, sender)),
        }
        self.pump(state, now);
    }

    /// Tells whoever shows it when the present pause ends, unless that was told.
    fn tell_pause(&self, until: Option<Duration>) {
        let Some(Ok(until)) = until.map(|until| Timestamp::UNIX_EPOCH.checked_add(until)) else { return };
        self.paused.send_if_modified(|told| told.replace(until) != Some(until));
    }

    /// Waits until the pump hands something over. Each waiter wakes the pump when the next token is due, so there is no
    /// task of the gate's own.
    async fn wait<T>(self: &Arc<Self>, mut receiver: oneshot::Receiver<T>) -> T {
        loop {
            // Made before looking: what changes in between is not missed.
            let look_again = self.look_again.notified();
            let due = {
                let now = self.now();
                let state = self.lock();
                let due = self.pump(state, now);
                if due.is_some_and(|due| due > now + WORTH_TELLING) {
                    // It may have begun before this process did, or in another one that shares the pace.
                    self.tell_pause(self.lock().bucket.paused_until(now));
                }
                due
            };
            let sleep = async {
                match due {
                    Some(due) => tokio::time::sleep_until(self.instant(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                handed = &mut receiver => match handed {
                    Ok(handed) => return handed,
                    // The gate holds every sender until it hands something over, and this keeps the gate alive.
                    Err(_) => std::future::pending().await,
                },
                () = look_again => {}
                () = sleep => {}
            }
        }
    }

    /// Hands out after something became free.
    fn freed(self: &Arc<Self>, state: MutexGuard<'_, State>, now: Duration) {
        if self.pump(state, now).is_some() {
            self.look_again.notify_waiters();
        }
    }

    /// Hands out what can be handed out; returns when a token is due next or a booked write leaves next, if that is what
    /// is missing.
    fn pump(self: &Arc<Self>, mut state: MutexGuard<'_, State>, now: Duration) -> Option<Duration> {
        let state = &mut *state;
        let paused = state.bucket.paused_until(now);
        loop {
            let free = state.in_flight < state.pace.parallel.max(1);
            let booked = free && !(state.booked_hot.is_empty() && state.booked.is_empty());
            if booked && paused.is_some() {
                return paused;
            }
            if free && let Some(sender) = state.booked_hot.pop_front() {
                self.hand_place(state, sender);
                continue;
            }
            if free
                && state.booked.front().is_some_and(|(leaves, _)| *leaves <= now)
                && let Some((_, sender)) = state.booked.pop_front()
            {
                self.hand_place(state, sender);
                continue;
            }
            let leaves = state.booked.front().filter(|_| free).map(|(leaves, _)| *leaves);
            let queue = if state.hot.is_empty() { &mut state.bulk } else { &mut state.hot };
            let evenly = match queue.front() {
                None => return leaves,
                Some(Waiter::Request(_)) if !free => return None,
                // Reading may use what may leave at once; what is written in bulk leaves it to whoever reads.
                Some(Waiter::Request(_)) => false,
                Some(Waiter::Booking(_, hot)) => !hot,
            };
            let since = match state.bucket.take(&state.pace, now, evenly) {
                Ok(since) => since,
                Err(due) => return Some(leaves.map_or(due, |leaves| leaves.min(due))),
            };
            let used = match queue.pop_front() {
                Some(Waiter::Request(sender)) => self.hand_place(state, sender),
                Some(Waiter::Booking(sender, hot)) => {
                    let leaves = (!hot).then(|| since + state.moment(now));
                    let handed = sender.send(Booking { shared: Some(self.clone()), leaves });
                    // Dropping it as it is would lock again.
                    handed.map_err(Booking::used).is_ok()
                }
                None => false,
            };
            if !used {
                state.bucket.give_back(&state.pace, now);
            }
        }
    }

    /// Hands a place over. False when nobody waits for it any more.
    fn hand_place(self: &Arc<Self>, state: &mut State, sender: oneshot::Sender<Place>) -> bool {
        match sender.send(Place { shared: Some(self.clone()), since: Instant::now() }) {
            Ok(()) => {
                state.in_flight += 1;
                true
            }
            Err(mut unwanted) => {
                unwanted.shared = None;
                false
            }
        }
    }
}

impl State {
    /// How long after its turn a bulk write leaves.
    fn moment(&self, now: Duration) -> Duration {
        let between = 1.0 / self.bucket.rate(&self.pace, now);
        if between < NO_MOMENT { Duration::ZERO } else { Duration::from_secs_f64(between.min(MOMENT)) }
    }

    fn answered(&mut self, after: Duration) {
        self.answer = match self.answer.is_zero() {
            true => after,
            false => self.answer.mul_f64(1.0 - ONE_ANSWER) + after.mul_f64(ONE_ANSWER),
        };
    }
}

impl Booking {
    fn used(mut self) {
        self.shared = None;
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            let now = shared.now();
            let mut state = shared.lock();
            let pace = state.pace;
            state.bucket.give_back(&pace, now);
            shared.freed(state, now);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            let now = shared.now();
            let mut state = shared.lock();
            state.in_flight = state.in_flight.saturating_sub(1);
            state.answered(self.since.elapsed());
            shared.freed(state, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(per_second: f64, burst: u32, parallel: usize) -> Arc<PaceGate> {
        let gate = PaceGate::new();
        gate.set_pace(Pace { per_second, burst, parallel, yields: false }, None);
        Arc::new(gate)
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_allowed_number_are_on_the_way() {
        let gate = gate(f64::INFINITY, 1, 2);
        let first = gate.enter(false).await;
        let _second = gate.enter(false).await;
        let third = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(false).await }
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn hot_requests_overtake_the_bulk() {
        let gate = gate(1.0, 1, 8);
        let _ = gate.enter(false).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for (name, hot) in [("bulk 1", false), ("bulk 2", false), ("hot", true)] {
            let (gate, order) = (gate.clone(), order.clone());
            tasks.spawn(async move {
                let _place = gate.enter(hot).await;
                order.lock().unwrap().push(name);
            });
            tokio::task::yield_now().await;
        }
        tasks.join_all().await;
        assert_eq!(*order.lock().unwrap(), ["hot", "bulk 1", "bulk 2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_wait_costs_nothing() {
        let gate = gate(1.0, 1, 1);
        let place = gate.enter(false).await;
        for _ in 0..5 {
            let waiting = gate.enter(false);
            assert!(tokio::time::timeout(Duration::from_secs(3), waiting).await.is_err());
        }
        drop(place);
        let start = Instant::now();
        let _place = tokio::time::timeout(Duration::from_secs(5), gate.enter(false)).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_booked_write_leaves_at_once_and_an_unused_booking_goes_back() {
        let gate = gate(0.1, 2, 4);
        let meter = Arc::new(AtomicUsize::new(0));
        let booking = gate.book(true).await;
        drop(gate.book(true).await);
        let start = Instant::now();
        let work = async {
            let _set_unit = gate.enter(true).await;
            let _write = gate.enter(false).await;
        };
        PaceGate::with_booking(booking, meter.clone(), work).await;
        assert!(start.elapsed() < Duration::from_millis(100), "one token was booked, the other given back");
        assert_eq!(meter.load(Ordering::Relaxed), 2);
        let _third = gate.enter(false).await;
        assert!(start.elapsed() > Duration::from_secs(9), "the bucket is empty now");
    }

    #[tokio::test(start_paused = true)]
    async fn bulk_writes_leave_evenly_whatever_the_journal_takes_of_the_time() {
        let gate = gate(50.0, 60, 16);
        let mut left = Vec::new();
        for n in 0..40 {
            let booking = gate.book(false).await;
            tokio::time::sleep(Duration::from_millis([0, 14, 3, 9][n % 4])).await;
            let write = async {
                let _place = gate.enter(false).await;
                Instant::now()
            };
            left.push(PaceGate::with_booking(booking, Arc::default(), write).await);
        }
        let between: Vec<_> = left.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect();
        assert!(between.iter().all(|time| (18..=23).contains(time)), "{between:?}");
        let start = Instant::now();
        drop(gate.enter(false).await);
        assert!(start.elapsed() < Duration::from_millis(5), "who reads has what may leave at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_is_told() {
        let gate = gate(100.0, 10, 4);
        let pauses = gate.pauses();
        let booking = gate.book(false).await;
        gate.heard(Heard { status: Some(429), retry_after: Some(Duration::from_secs(7)), ..Heard::default() });
        assert!(pauses.borrow().is_some());
        assert!(gate.paused_for().unwrap() > Duration::from_secs(6));
        let start = Instant::now();
        PaceGate::with_booking(booking, Arc::default(), async { drop(gate.enter(false).await) }).await;
        assert!(start.elapsed() >= Duration::from_secs(6), "booked, and still held by the pause");
        drop(gate.enter(true).await);
        assert!(start.elapsed() < Duration::from_secs(8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_began_before_this_process_is_told_to_who_waits_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace { per_second: 100.0, burst: 10, parallel: 4, yields: false };
        let gate = || {
            let gate = PaceGate::new();
            gate.set_pace(pace, Some(Ledger::open(&folder.path().join("pace"), "here".into()).unwrap()));
            gate
        };
        let first = gate();
        drop(first.enter(false).await);
        first.heard(Heard { status: Some(429), retry_after: Some(Duration::from_secs(600)), ..Heard::default() });
        let next = gate();
        let pauses = next.pauses();
        assert!(tokio::time::timeout(Duration::from_secs(3), next.enter(false)).await.is_err());
        assert!(pauses.borrow().is_some(), "nobody knows what is waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_a_place_in_a_pause_gets_it_after_the_pause() {
        let gate = gate(f64::INFINITY, 1, 1);
        let place = gate.enter(false).await;
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { drop(gate.enter(false).await) }
        });
        tokio::task::yield_now().await;
        gate.heard(Heard { status: Some(429), retry_after: Some(Duration::from_secs(3)), ..Heard::default() });
        drop(place);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_keep_the_pace() {
        let gate = gate(50.0, 5, 8);
        let start = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..505 {
            let gate = gate.clone();
            tasks.spawn(async move {
                let _place = gate.enter(n % 7 == 0).await;
                tokio::time::sleep(Duration::from_millis(30)).await;
            });
        }
        tasks.join_all().await;
        let took = start.elapsed().as_secs_f64();
        assert!((10.0..10.5).contains(&took), "{took}");
    }
}
