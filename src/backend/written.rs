//! When targets were written: what was read of one before is out of date.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::domain::{TargetId, Timestamp};

/// Written targets that are remembered before old ones are thrown out.
const MOST: usize = 20_000;
/// Times are counted in these, so that a long operation takes a few bytes a target.
const TICK_MS: u128 = 4;

/// The targets that were written in this session. They stand there as numbers, which keeps it small: two with the same
/// number are read once more than need be.
pub struct Written {
    /// By a target's number the end of the tick in which it was last written.
    at: HashMap<u32, u32>,
    numbers: RandomState,
    /// Ticks are counted from here.
    origin: Option<Timestamp>,
    /// With more targets than this the old ones are thrown out.
    sweep_at: usize,
}

impl Default for Written {
    fn default() -> Self {
        Self { at: HashMap::new(), numbers: RandomState::new(), origin: None, sweep_at: MOST }
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
            self.at.insert(number, tick);
        }
        if self.at.len() > self.sweep_at
            && let Ok(oldest) = now.checked_sub(freshness)
        {
            let oldest = self.tick(oldest);
            self.at.retain(|_, at| *at >= oldest);
            // Not again before there are twice as many: a sweep looks at all of them.
            self.sweep_at = MOST.max(self.at.len() * 2);
        }
    }

    /// Whether a target was not written since this.
    pub fn is_older_than(&self, target: &TargetId, read_at: Timestamp) -> bool {
        self.at.get(&self.number(target)).is_none_or(|at| *at < self.tick(read_at))
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
    fn old_ones_are_thrown_out_when_there_are_many() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let mut written = Written::default();
        for n in 0..MOST as i64 + 10 {
            written.note([&TargetId::new(n.to_string())], at(n), Duration::from_secs(60));
        }
        assert!(written.at.len() < 100, "{}", written.at.len());
        let last = TargetId::new((MOST + 9).to_string());
        assert!(!written.is_older_than(&last, at(MOST as i64)));
    }
}
