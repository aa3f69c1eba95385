//! When targets were written: what was read of one before is out of date.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::domain::{TargetId, Timestamp};

/// Written targets that are looked up by number before they go to a list: many enough that the lists stay few.
const TOGETHER: usize = 4_096;
/// Times are counted in these, so that a long operation takes a few bytes a target.
const TICK_MS: u128 = 4;

/// The targets that were written in this session. They stand there as numbers, which keeps it small: two with the same
/// number are read once more than need be.
#[derive(Default)]
pub struct Written {
    /// The latest: by a target's number the end of the tick in which it was last written.
    latest: HashMap<u32, u32>,
    /// Those before.
    lists: Vec<List>,
    numbers: RandomState,
    /// Ticks are counted from here.
    origin: Option<Timestamp>,
}

/// Targets that were written about the same time, in ascending order of their numbers. Five bytes each.
struct List {
    numbers: Box<[u32]>,
    /// When each was written at the latest: so many steps after `begin`.
    at: Box<[u8]>,
    begin: u32,
    /// In ticks.
    step: u32,
}

impl List {
    fn of(latest: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut targets: Vec<(u32, u32)> = latest.collect();
        targets.sort_unstable();
        let ticks = || targets.iter().map(|(_, tick)| *tick);
        let begin = ticks().min().unwrap_or_default();
        let span = ticks().max().unwrap_or_default() - begin;
        let step = span.div_ceil(u8::MAX.into()).max(1);
        // Rounded up, so that nothing counts as read after it that was not.
        let at = ticks().map(|tick| (tick - begin).div_ceil(step) as u8).collect();
        Self { numbers: targets.iter().map(|(number, _)| *number).collect(), at, begin, step }
    }

    fn get(&self, number: u32) -> Option<u32> {
        let place = self.numbers.binary_search(&number).ok()?;
        Some(self.begin.saturating_add(self.step.saturating_mul(self.at[place].into())))
    }

    fn end(&self) -> u32 {
        self.begin.saturating_add(self.step.saturating_mul(u8::MAX.into()))
    }
}

impl Written {
    /// Notes that targets were written at `now`. Readings older than `freshness` are repeated anyway.
    pub fn note<'a>(&mut self, targets: impl IntoIterator<Item = &'a TargetId>, now: Timestamp, freshness: Duration) {
        self.origin.get_or_insert(now);
        // Its end, so that nothing counts as read after it that was not.
        let tick = self.tick(now).saturating_add(1);
        for target in targets {
            let number = self.number(target);
            self.latest.insert(number, tick);
        }
        if self.latest.len() >= TOGETHER {
            self.lists.push(List::of(self.latest.drain()));
            if let Ok(oldest) = now.checked_sub(freshness) {
                let oldest = self.tick(oldest);
                self.lists.retain(|list| list.end() >= oldest);
            }
        }
    }

    /// Whether a target was not written since this.
    pub fn is_older_than(&self, target: &TargetId, read_at: Timestamp) -> bool {
        let (number, read_at) = (self.number(target), self.tick(read_at));
        let since = |at: Option<u32>| at.is_some_and(|at| at >= read_at);
        let in_a_list = |list: &List| list.end() >= read_at && since(list.get(number));
        !since(self.latest.get(&number).copied()) && !self.lists.iter().any(in_a_list)
    }

    fn number(&self, target: &TargetId) -> u32 {
        self.numbers.hash_one(target) as u32
    }

    /// Half a year of ticks has numbers; after that every written target is read again, which does no harm.
    fn tick(&self, at: Timestamp) -> u32 {
        let Some(origin) = self.origin else { return 0 };
        let since = Duration::try_from(at.duration_since(origin)).unwrap_or_default();
        u32::try_from(since.as_millis() / TICK_MS).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_it_was_written_is_out_of_date() {
        let at = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap();
        let (one, other) = (TargetId::new("one"), TargetId::new("other"));
        let mut written = Written::default();
        assert!(written.is_older_than(&one, at(0)));
        written.note([&one], at(0), Duration::from_secs(60));
        for (read_at, is_newer) in [(-5_000, false), (0, false), (3, false), (50, true), (40_000_000_000, true)] {
            assert_eq!(written.is_older_than(&one, at(read_at)), is_newer, "{read_at}");
            assert!(written.is_older_than(&other, at(read_at)));
        }
        // After half a year nothing is known to be newer.
        written.note([&one], at(40_000_000_000), Duration::from_secs(60));
        assert!(!written.is_older_than(&one, at(41_000_000_000)));
    }

    #[test]
    fn the_lists_say_the_same_as_long_as_it_matters() {
        let at = |ms: i64| Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap();
        let target = |n: i64| TargetId::new(n.to_string());
        let mut written = Written::default();
        let day = Duration::from_secs(86_400);
        let many = TOGETHER as i64 * 3 + 10;
        for n in 0..many {
            written.note([&target(n)], at(n * 10), day);
        }
        assert_eq!(written.lists.len(), 3);
        // A list covers forty seconds in 255 steps. (A few, because two of many may have the same number.)
        for n in (0..many).step_by(397) {
            assert!(!written.is_older_than(&target(n), at(n * 10)), "{n} was not read after it was written");
            assert!(written.is_older_than(&target(n), at(n * 10 + 200)), "{n} was");
        }
        // Written once more, it counts by the later time.
        written.note([&target(0)], at(many * 10), day);
        assert!(!written.is_older_than(&target(0), at(200)));
    }

    #[test]
    fn old_ones_are_thrown_out_when_there_are_many() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let mut written = Written::default();
        let many = TOGETHER as i64 * 5;
        for n in 0..many {
            written.note([&TargetId::new(n.to_string())], at(n), Duration::from_secs(60));
        }
        assert_eq!(written.lists.len(), 1);
        let last = TargetId::new((many - 1).to_string());
        assert!(!written.is_older_than(&last, at(many - 1)));
    }
}
