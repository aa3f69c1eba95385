//! How many requests left lately, counted in slots of time.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Counts of the last `SLOTS` slots of `WIDTH` milliseconds each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Left<const WIDTH: u64, const SLOTS: usize> {
    /// The number of the newest slot since the origin.
    newest: u64,
    /// The newest first; what is not there is none.
    counts: VecDeque<u32>,
}

impl<const WIDTH: u64, const SLOTS: usize> Left<WIDTH, SLOTS> {
    pub fn add(&mut self, now: Duration) {
        self.go_on_to(now);
        match self.counts.front_mut() {
            Some(count) => *count = count.saturating_add(1),
            None => self.counts.push_front(1),
        }
    }

    /// One of those that were counted last did not leave after all, or was refused.
    pub fn take_back(&mut self) {
        if let Some(count) = self.counts.iter_mut().find(|count| **count > 0) {
            *count -= 1;
        }
    }

    /// Requests that left within `span` before `now`; up to a slot's width more of it is looked at.
    pub fn within(&self, span: Duration, now: Duration) -> u32 {
        self.slots_within(span, now).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// When the first of those within `span` before `now` will be out of it.
    pub fn leaves_the_span(&self, span: Duration, now: Duration) -> Option<Duration> {
        let (first, _) = self.slots_within(span, now).filter(|(_, count)| *count > 0).last()?;
        Some(Duration::from_millis((first + 1).saturating_mul(WIDTH)) + span)
    }

    /// When the first of those that are still known left.
    pub fn first(&self) -> Option<Duration> {
        let back = self.counts.iter().rposition(|count| *count > 0)? as u64;
        Some(Duration::from_millis(self.newest.saturating_sub(back).saturating_mul(WIDTH)))
    }

    /// Nothing in here is later than this.
    pub fn at_most_at(&mut self, now: Duration) {
        if self.newest > Self::slot(now) {
            *self = Self::default();
        }
        self.counts.truncate(SLOTS);
    }

    fn slots_within(&self, span: Duration, now: Duration) -> impl Iterator<Item = (u64, u32)> {
        let first = Self::slot(now.saturating_sub(span));
        let slots = self.counts.iter().zip(0..).map(|(count, back)| (self.newest.saturating_sub(back), *count));
        slots.take_while(move |(slot, _)| *slot >= first)
    }

    fn go_on_to(&mut self, now: Duration) {
        let slot = Self::slot(now);
        let passed = slot.saturating_sub(self.newest);
        if self.counts.is_empty() || passed >= SLOTS as u64 {
            self.counts.clear();
        } else {
            (0..passed).for_each(|_| self.counts.push_front(0));
            self.counts.truncate(SLOTS);
            while self.counts.back() == Some(&0) {
                self.counts.pop_back();
            }
        }
        self.newest = self.newest.max(slot);
    }

    fn slot(at: Duration) -> u64 {
        u64::try_from(at.as_millis()).unwrap_or(u64::MAX) / WIDTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(1_000_000_000 + milliseconds)
    }

    #[test]
    fn what_left_is_counted_until_it_is_too_long_ago() {
        let mut left = Left::<200, 10>::default();
        assert_eq!((left.within(at(0), at(0)), left.first()), (0, None));
        for n in 0..10 {
            left.add(at(n * 100));
        }
        let second = Duration::from_secs(1);
        assert_eq!(left.within(second, at(900)), 10);
        assert_eq!(left.within(Duration::from_millis(150), at(900)), 4, "its slot and the one that the span begins in");
        assert_eq!(left.leaves_the_span(second, at(900)), Some(at(1200)));
        assert_eq!(left.first(), Some(at(0)));
        assert_eq!(left.within(second, at(1200)), 8);
        left.take_back();
        left.add(at(2500));
        assert_eq!(left.within(3 * second, at(2500)), 4, "those of the last ten slots");
        left.add(at(60_000));
        assert_eq!(left.within(60 * second, at(60_000)), 1);
    }

    #[test]
    fn clocks_that_jump_do_no_harm() {
        let mut left = Left::<200, 10>::default();
        left.add(at(5000));
        left.add(at(0));
        assert_eq!(left.within(Duration::from_secs(1), at(5000)), 2);
        left.at_most_at(at(0));
        assert_eq!(left.first(), None);
        left.take_back();
    }
}
