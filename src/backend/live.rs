//! The live state of a running operation, and what is told of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::reins::Wish;
use crate::domain::exchange::OperationProgress;
use crate::domain::{ItemState, Tally};

/// The rate is measured over this long.
const WINDOW: Duration = Duration::from_secs(5);
/// After it was told to go at another pace: what settles until then left at the old one.
const OLD_PACE: Duration = Duration::from_secs(1);

/// Counts of a running operation. Shared by all its tasks.
pub struct Live(Mutex<Counts>);

struct Counts {
    tally: Tally,
    in_flight: usize,
    requests: usize,
    /// Settled items at points in time, for the rate.
    samples: VecDeque<(Instant, usize)>,
    /// The pace that they are of, and since when they are.
    wish: Wish,
    measured_from: Option<Instant>,
}

impl Live {
    pub fn new(tally: Tally) -> Self {
        let samples = VecDeque::from([(Instant::now(), tally.settled())]);
        let (wish, measured_from) = (Wish::default(), None);
        Self(Mutex::new(Counts { tally, in_flight: 0, requests: 0, samples, wish, measured_from }))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn shift(&self, moves: impl IntoIterator<Item = (ItemState, ItemState)>) {
        let mut counts = self.counts();
        for (from, to) in moves {
            counts.tally.shift(from, to);
        }
    }

    pub fn left(&self, items: usize) {
        self.counts().in_flight += items;
    }

    pub fn came_back(&self, items: usize) {
        let mut counts = self.counts();
        counts.in_flight = counts.in_flight.saturating_sub(items);
    }

    pub fn add_requests(&self, requests: usize) {
        self.counts().requests += requests;
    }

    pub fn requests(&self) -> usize {
        self.counts().requests
    }

    /// The state now. Called in regular short intervals, which are also the rate's samples.
    pub fn progress(&self, now: Instant, stopping: bool, wish: Wish, waiting: Option<String>) -> OperationProgress {
        let mut counts = self.counts();
        let settled = counts.tally.settled();
        if counts.wish != wish {
            counts.wish = wish;
            counts.measured_from = Some(now + OLD_PACE);
        }
        if counts.measured_from.is_some_and(|from| now < from) {
            counts.samples.clear();
        }
        while counts.samples.len() > 1 && now.duration_since(counts.samples[0].0) > WINDOW {
            counts.samples.pop_front();
        }
        let (since, before) = counts.samples.front().copied().unwrap_or((now, settled));
        counts.samples.push_back((now, settled));
        let seconds = now.duration_since(since).as_secs_f64();
        let rate = if seconds > 0.0 { settled.saturating_sub(before) as f64 / seconds } else { 0.0 };
        let open = counts.tally.total() - settled;
        OperationProgress {
            tally: counts.tally,
            in_flight: counts.in_flight,
            items_per_second: rate,
            seconds_left: (rate > 0.0 && !stopping && !wish.paused).then(|| open as f64 / rate),
            stopping,
            paused: wish.paused,
            at_most: wish.at_most,
            waiting,
            parts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_of_the_last_seconds_and_tells_the_time_left() {
        let live = Live::new(Tally { planned: 100, skipped: 7, ..Tally::default() });
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(500)).await;
            live.shift([(ItemState::Planned, ItemState::Sent), (ItemState::Sent, ItemState::Done)]);
            live.progress(Instant::now(), false, Wish::default(), None);
        }
        let progress = live.progress(Instant::now(), false, Wish::default(), None);
        assert!((progress.items_per_second - 2.0).abs() < 0.3, "{progress:?}");
        assert!((progress.seconds_left.unwrap() - 40.0).abs() < 7.0, "{progress:?}");
        assert_eq!(live.progress(Instant::now(), true, Wish::default(), None).seconds_left, None);
        // Slowed down, it tells nothing of the old pace.
        let slow = Wish { at_most: Some(0.5), ..Wish::default() };
        live.shift([(ItemState::Planned, ItemState::Sent), (ItemState::Sent, ItemState::Done)]);
        assert_eq!(live.progress(Instant::now(), false, slow, None).items_per_second, 0.0);
        for _ in 0..6 {
            tokio::time::advance(Duration::from_secs(2)).await;
            live.shift([(ItemState::Planned, ItemState::Sent), (ItemState::Sent, ItemState::Done)]);
            let rate = live.progress(Instant::now(), false, slow, None).items_per_second;
            assert!(rate <= 0.51, "{rate}");
        }
        assert!((live.progress(Instant::now(), false, slow, None).items_per_second - 0.5).abs() < 0.1);
        let paused = Wish { paused: true, ..Wish::default() };
        assert_eq!(live.progress(Instant::now(), false, paused, None).seconds_left, None);
    }
}
