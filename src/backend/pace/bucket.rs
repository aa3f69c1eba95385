//! A token bucket that learns: pure, with the time handed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Pace;
use crate::vendor::Heard;

/// A pause without a length from the vendor: this long after the first refusal, doubling with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(30);
/// A vendor that asks for more than this is not believed; the next refusal asks again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Refusals this close together are answers to one and the same rush and slow the pace down once.
const ONE_RUSH: Duration = Duration::from_secs(2);
/// So many refusals in one rush show that the pace was far too high, not a little.
const FAR_TOO_MANY: u32 = 3;
/// A refusal so soon after the last rush, as well: the pace did not even come back.
const SOON: Duration = Duration::from_secs(6);
/// What a refusal teaches about the highest pace: a little less than what was refused ...
const A_LITTLE_LESS: f64 = 0.99;
/// ... or what was refused, in steps of this, where it came again too soon.
const MUCH_LESS: f64 = 0.85;
/// At half the pace for this long after the pause ...
const QUIET: Duration = Duration::from_secs(1);
/// ... then back to just below the highest pace within this time ...
const RECOVERY: Duration = Duration::from_secs(3);
const JUST_BELOW: f64 = 0.97;
/// ... and from there up slowly for this long, to learn whether the limit was lifted, then ever faster.
const CREEP_PER_SECOND: f64 = 0.0003;
const CREEP: Duration = Duration::from_secs(110);
/// Whoever waits for a token wakes up to so many seconds late; what was earned meanwhile is not lost.
const WAKES_LATE: f64 = 0.01;
/// A pace that had no limit before has none again after this long.
const FORGET: Duration = Duration::from_secs(300);

/// How many requests may leave, as of a point in time. All times are durations since one fixed origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    tokens: f64,
    /// When `tokens` was right.
    at: Duration,
    paused_until: Duration,
    refusal: Option<Refusal>,
    /// Requests that left in the second that began at `second`, and in the one before: what "no limit" amounts to.
    second: Duration,
    left: [u32; 2],
}

/// The last time the vendor said "too many".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Refusal {
    at: Duration,
    /// The rate that was refused.
    rate: f64,
    /// The highest rate that is thought to be allowed.
    ceiling: f64,
    /// Refusals in this rush.
    rush: u32,
    /// Refused pauses in a row, for the length of the next one.
    in_a_row: u32,
}

impl Bucket {
    pub fn new(pace: &Pace, now: Duration) -> Self {
        Self {
            tokens: f64::from(pace.burst.max(1)),
            at: now,
            paused_until: Duration::ZERO,
            refusal: None,
            second: now,
            left: [0, 0],
        }
    }

    /// Takes a token, or says when to ask again.
    pub fn take(&mut self, pace: &Pace, now: Duration) -> Result<(), Duration> {
        if let Some(until) = self.paused_until(now) {
            return Err(until);
        }
        let rate = self.rate(pace, now);
        if rate.is_finite() {
            self.refill(pace, rate, now);
            if self.tokens < 1.0 {
                return Err(now + seconds((1.0 - self.tokens) / rate));
            }
            self.tokens -= 1.0;
        }
        self.count(now);
        Ok(())
    }

    /// When the next token is due, if there is none now.
    pub fn due(&self, pace: &Pace, now: Duration) -> Option<Duration> {
        (self.tokens < 1.0).then(|| now + seconds((1.0 - self.tokens) / self.rate(pace, now)))
    }

    /// A token was taken and not used.
    pub fn give_back(&mut self, pace: &Pace) {
        self.tokens = (self.tokens + 1.0).min(f64::from(pace.burst.max(1)));
    }

    /// Some tokens come back that were taken and not used.
    pub fn put_back(&mut self, tokens: u32) {
        self.tokens += f64::from(tokens);
    }

    /// This bucket as it may be now: nothing in it lies further ahead than it could. What was written by a clock that
    /// was wrong would otherwise hold everybody up until that clock is right.
    pub fn at_most_at(mut self, now: Duration) -> Self {
        let ahead = self.at > now + Duration::from_secs(1) || self.refusal.is_some_and(|last| last.at > now);
        if ahead || !self.tokens.is_finite() {
            self.at = self.at.min(now);
            self.second = self.second.min(now);
            self.tokens = if self.tokens.is_finite() { self.tokens } else { 0.0 };
            self.refusal = self.refusal.filter(|last| last.at <= now);
        }
        if self.paused_until > now + LONGEST_PAUSE {
            self.paused_until = now;
        }
        self
    }

    /// When the present pause ends, if there is one.
    pub fn paused_until(&self, now: Duration) -> Option<Duration> {
        (self.paused_until > now).then_some(self.paused_until)
    }

    /// Requests a second at present: the configured pace, or less after a refusal.
    pub fn rate(&self, pace: &Pace, now: Duration) -> f64 {
        let Some(refusal) = self.refusal else { return pace.per_second };
        let quiet = now.saturating_sub(refusal.at.max(self.paused_until));
        if quiet > FORGET && pace.per_second.is_infinite() {
            return f64::INFINITY;
        }
        let low = refusal.rate * 0.5;
        let high = (refusal.ceiling * JUST_BELOW).max(low);
        let back = quiet.saturating_sub(QUIET).as_secs_f64() / RECOVERY.as_secs_f64();
        let creeping = quiet.saturating_sub(QUIET + RECOVERY);
        let running = creeping.saturating_sub(CREEP).as_secs_f64() / CREEP.as_secs_f64();
        let creep = creeping.as_secs_f64() * CREEP_PER_SECOND + running * running;
        let learned = low + (high - low) * back.min(1.0) + refusal.ceiling * creep;
        // However often it was refused: the vendor's own pauses say the rest.
        let slowest = match pace.per_second.is_finite() {
            true => pace.per_second / 10.0,
            false => pace.parallel as f64 / 4.0,
        };
        learned.max(slowest).min(pace.per_second)
    }

    /// Learns from what an answer said about limits.
    pub fn hear(&mut self, pace: &Pace, now: Duration, heard: &Heard) {
        if heard.status == Some(429) {
            self.refused(pace, now, heard.retry_after.or(heard.reset_after));
            return;
        }
        if heard.status == Some(503)
            && let Some(pause) = heard.retry_after
        {
            self.pause(now, pause);
            return;
        }
        if let Some(remaining) = heard.remaining {
            // Answers come in any order and requests are on the way, so this only ever lowers.
            self.tokens = self.tokens.min(f64::from(remaining));
            if let (0, Some(reset)) = (remaining, heard.reset_after) {
                self.pause(now, reset);
            }
        }
        if heard.status.is_some_and(|status| status < 400)
            && let Some(refusal) = &mut self.refusal
            && now > self.paused_until
        {
            refusal.in_a_row = 0;
        }
    }

    fn refused(&mut self, pace: &Pace, now: Duration, asked: Option<Duration>) {
        if let Some(last) = &mut self.refusal
            && (now < last.at + ONE_RUSH || now < self.paused_until)
        {
            last.rush += 1;
            if last.rush == FAR_TOO_MANY {
                last.ceiling = last.rate;
            }
            // A longer pause is still honoured; a shorter one does not end the present one.
            if let Some(asked) = asked {
                self.pause(now, asked);
            }
            return;
        }
        let rate = self.rate(pace, now);
        // Without a limit: as much as left lately was too much.
        let rate = if rate.is_finite() { rate } else { self.observed(now).max(pace.parallel as f64) };
        let ceiling_before = self.refusal.map_or(rate, |last| last.ceiling);
        let soon = self.refusal.is_some_and(|last| now < last.at + SOON);
        let ceiling = match soon {
            true => rate.max(ceiling_before * MUCH_LESS),
            false => rate.max(ceiling_before) * A_LITTLE_LESS,
        };
        let in_a_row = self.refusal.map_or(0, |last| last.in_a_row) + 1;
        self.refusal = Some(Refusal { at: now, rate, ceiling, rush: 1, in_a_row });
        let own = FIRST_PAUSE.saturating_mul(1 << (in_a_row - 1).min(10)).min(LONGEST_OWN_PAUSE);
        // Not all of a bucket at once after a pause: that would be the next rush.
        self.tokens = self.tokens.min(1.0);
        self.at = now;
        self.pause(now, asked.unwrap_or(own));
    }

    fn pause(&mut self, now: Duration, length: Duration) {
        self.paused_until = self.paused_until.max(now + length.min(LONGEST_PAUSE));
    }

    fn refill(&mut self, pace: &Pace, rate: f64, now: Duration) {
        // Nothing is earned while paused.
        let from = self.at.max(self.paused_until);
        let earned = now.saturating_sub(from).as_secs_f64() * rate;
        // A vendor that refused before gets an even stream: bursts are what its window sees.
        let most = if self.refusal.is_some() { (rate / 10.0).max(1.0) } else { f64::INFINITY };
        let most = most.min(f64::from(pace.burst.max(1))) + rate * WAKES_LATE;
        self.tokens = (self.tokens + earned).min(most);
        self.at = self.at.max(now);
    }

    /// Requests a second that left lately.
    fn observed(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.second).as_secs_f64().clamp(0.1, 1.0);
        (f64::from(self.left[0]) / passed).max(f64::from(self.left[1]))
    }

    fn count(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.second).as_secs();
        if passed > 0 {
            self.left = [0, if passed == 1 { self.left[0] } else { 0 }];
            self.second += Duration::from_secs(passed);
        }
        self.left[0] = self.left[0].saturating_add(1);
    }
}

/// A duration of at least a millisecond, so that nobody waits for no time again and again.
fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s).unwrap_or(LONGEST_PAUSE).clamp(Duration::from_millis(1), LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: f64, burst: u32) -> Pace {
        Pace { per_second, burst, parallel: 8 }
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(1_000_000.0 + seconds)
    }

    fn refusal(retry_after: Option<f64>) -> Heard {
        Heard { status: Some(429), retry_after: retry_after.map(Duration::from_secs_f64), ..Heard::default() }
    }

    /// How many tokens somebody gets who asks every ten milliseconds.
    fn greedy(bucket: &mut Bucket, pace: &Pace, from: f64, to: f64) -> usize {
        let steps = ((to - from) * 100.0) as usize;
        (0..steps)
            .map(|step| (0..100).take_while(|_| bucket.take(pace, at(from + step as f64 / 100.0)).is_ok()).count())
            .sum()
    }

    #[test]
    fn the_pace_is_kept_over_a_minute_and_the_burst_comes_on_top() {
        let pace = pace(5.0, 10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let got = greedy(&mut bucket, &pace, 0.0, 60.0);
        assert!((308..=310).contains(&got), "{got}");
    }

    #[test]
    fn it_says_when_to_ask_again() {
        let pace = pace(2.0, 1);
        let mut bucket = Bucket::new(&pace, at(0.0));
        assert_eq!(bucket.take(&pace, at(0.0)), Ok(()));
        assert_eq!(bucket.take(&pace, at(0.0)), Err(at(0.5)));
        assert_eq!(bucket.take(&pace, at(0.5)), Ok(()));
        bucket.give_back(&pace);
        assert_eq!(bucket.take(&pace, at(0.5)), Ok(()));
    }

    #[test]
    fn a_refusal_pauses_as_long_as_asked_then_goes_on_at_half() {
        let pace = pace(10.0, 10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        bucket.hear(&pace, at(0.0), &refusal(Some(3.0)));
        assert_eq!(bucket.take(&pace, at(1.0)), Err(at(3.0)));
        assert_eq!(greedy(&mut bucket, &pace, 3.0, 4.0), 5);
    }

    #[test]
    fn refusals_of_one_rush_halve_once() {
        let pace = pace(16.0, 4);
        let mut bucket = Bucket::new(&pace, at(0.0));
        for i in 0..8 {
            bucket.hear(&pace, at(f64::from(i) / 100.0), &refusal(Some(1.0)));
        }
        assert_eq!(bucket.rate(&pace, at(1.5)), 8.0);
        bucket.hear(&pace, at(2.07), &refusal(Some(1.0)));
        assert_eq!(bucket.rate(&pace, at(3.5)), 4.0);
    }

    #[test]
    fn quiet_time_brings_the_pace_back_first_fast_then_slowly() {
        let pace = pace(10.0, 4);
        let mut bucket = Bucket::new(&pace, at(0.0));
        bucket.hear(&pace, at(0.0), &refusal(Some(1.0)));
        let rate = |s| bucket.rate(&pace, at(s));
        assert_eq!(rate(1.9), 5.0);
        assert!((rate(3.5) - 7.3).abs() < 0.1, "{}", rate(3.5));
        assert!((rate(5.0) - 9.6).abs() < 0.1, "{}", rate(5.0));
        assert!(rate(60.0) < 9.9 && rate(60.0) > 9.7, "{}", rate(60.0));
        assert_eq!(rate(200.0), 10.0);
    }

    #[test]
    fn without_a_configured_limit_a_refusal_teaches_the_rate_that_was_refused() {
        let pace = pace(f64::INFINITY, 1);
        let mut bucket = Bucket::new(&pace, at(0.0));
        for i in 0..80 {
            bucket.take(&pace, at(f64::from(i) / 100.0)).unwrap();
        }
        bucket.hear(&pace, at(0.8), &refusal(None));
        assert_eq!(bucket.take(&pace, at(1.0)), Err(at(1.8)), "no length was given: a second");
        assert_eq!(bucket.rate(&pace, at(2.0)), 50.0, "it was on its way to a hundred");
        assert_eq!(bucket.rate(&pace, at(400.0)), f64::INFINITY);
    }

    /// A vendor that allows `limit` in any second, for `seconds`: what was allowed and what it refused.
    fn driven(pace: &Pace, limit: usize, seconds: u32) -> (usize, usize) {
        let mut bucket = Bucket::new(pace, at(0.0));
        let mut window = std::collections::VecDeque::new();
        let mut answers = std::collections::VecDeque::new();
        let (mut allowed, mut refused) = (0, 0);
        for tick in 0..seconds * 500 {
            let now = at(f64::from(tick) / 500.0);
            while answers.front().is_some_and(|(due, _)| *due <= now) {
                let (_, heard) = answers.pop_front().unwrap();
                bucket.hear(pace, now, &heard);
            }
            while answers.len() < pace.parallel && bucket.take(pace, now).is_ok() {
                while window.front().is_some_and(|at| *at + Duration::from_secs(1) <= now) {
                    window.pop_front();
                }
                let heard = if window.len() < limit {
                    window.push_back(now);
                    allowed += 1;
                    Heard { status: Some(200), ..Heard::default() }
                } else {
                    refused += 1;
                    refusal(Some((window[0] + Duration::from_secs(1) - now).as_secs_f64()))
                };
                answers.push_back((now + Duration::from_millis(50), heard));
            }
        }
        (allowed, refused)
    }

    #[test]
    fn an_unknown_limit_is_found_and_used() {
        for configured in [20.0, 12.0, f64::INFINITY] {
            let (allowed, refused) = driven(&pace(configured, 5), 10, 600);
            assert!(allowed > 5_700, "{configured} a second: {allowed} of 6000 were used, {refused} refused");
            // The first rush of a profile without any limit is refused as a whole.
            let most = if configured.is_finite() { 20 } else { 50 };
            assert!(refused < most, "{configured} a second: {refused} refused of {allowed}");
        }
        // Within its limit nothing is refused, and all of it is used.
        assert_eq!(driven(&pace(9.9, 1), 10, 600).1, 0);
        assert!(driven(&pace(9.9, 1), 10, 600).0 > 5_900);
    }

    #[test]
    fn pauses_of_our_own_grow_while_nothing_gets_through() {
        let pace = pace(10.0, 4);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let mut now = 0.0;
        for wanted in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            // Past the rush of the one before.
            now += 2.1;
            bucket.hear(&pace, at(now), &refusal(None));
            assert_eq!(bucket.paused_until(at(now)), Some(at(now + wanted)));
            now += wanted;
        }
        bucket.hear(&pace, at(now + 1.0), &Heard { status: Some(200), ..Heard::default() });
        bucket.hear(&pace, at(now + 3.0), &refusal(None));
        assert_eq!(bucket.paused_until(at(now + 3.0)), Some(at(now + 4.0)));
    }

    #[test]
    fn what_remains_of_the_vendors_window_is_never_overdrawn() {
        let pace = pace(50.0, 50);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let heard = Heard {
            status: Some(200),
            remaining: Some(2),
            reset_after: Some(Duration::from_secs(10)),
            ..Heard::default()
        };
        bucket.hear(&pace, at(0.0), &heard);
        assert_eq!((0..50).take_while(|_| bucket.take(&pace, at(0.0)).is_ok()).count(), 2);
        bucket.hear(&pace, at(0.1), &Heard { remaining: Some(0), ..heard });
        assert_eq!(bucket.take(&pace, at(0.5)), Err(at(10.1)));
    }

    #[test]
    fn clocks_that_go_backwards_and_mad_lengths_do_no_harm() {
        let pace = pace(1.0, 1);
        let mut bucket = Bucket::new(&pace, at(100.0));
        assert!(bucket.take(&pace, at(0.0)).is_ok());
        assert!(bucket.take(&pace, at(0.0)).is_err());
        bucket.hear(&pace, at(0.0), &refusal(Some(1e15)));
        assert!(bucket.paused_until(at(0.0)).unwrap() <= at(3600.0));
        assert!(bucket.take(&pace, at(4000.0)).is_ok());
    }
}
