//! A token bucket that learns: pure, with the time handed in.
//!
//! A profile with a limit is driven evenly just below it, and no minute gets more than its limit; what may leave at
//! once is for people who wait for names, not for bulk writes. A profile without a limit begins slowly and goes faster as
//! long as nothing is refused. What refusals teach is in [`lesson`](super::lesson), which of them teach nothing in
//! [`chance`](super::chance), what headers tell in [`told`](super::told).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chance::{Before, Chance};
use super::left::Left;
use super::lesson::{Lesson, Refused};
use super::told::Told;
use crate::domain::Pace;
use crate::vendor::Heard;

/// A pause without a length from the vendor: this long after the first refusal, doubling with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_OWN_PAUSE: Duration = Duration::from_secs(30);
/// A vendor that asks for more than this is not believed; the next refusal asks again.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// This much of a known limit is left to chance, and one request a minute at least: a window begins where it likes.
const LEFT_TO_CHANCE: f64 = 0.005;
/// Without a limit: so many leave at once, then so many a second, and twice as many after so many times an answer takes.
/// Whatever the limit is, few are on the way when it is met.
const AT_ONCE: f64 = 8.0;
const BEGIN: f64 = 20.0;
const ANSWERS_TO_DOUBLE: f64 = 20.0;
const QUICKEST: f64 = 0.01;
const SLOWEST: f64 = 1.0;
/// What an answer is taken to need before there was one.
const AN_ANSWER: Duration = Duration::from_millis(20);
/// Whoever waits for a token wakes up to so many seconds late; what was earned meanwhile is not lost.
const WAKES_LATE: f64 = 0.02;
/// On a busy computer it is later than that. With a known limit that was never refused, which is one of a minute, an even
/// stream catches up with so many seconds; after a longer silence it does not.
const CATCHES_UP: f64 = 0.25;
/// However often it was refused, at least this share of what is allowed, or this many where a minute's were counted: the
/// vendor's own pauses say the rest.
const LOWEST_SHARE: f64 = 0.1;
const LOWEST: f64 = 0.2;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// How many requests may leave, as of a point in time. All times are durations since one fixed origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    tokens: f64,
    /// What may leave of an even stream: it never gathers more than a moment's worth.
    even: f64,
    /// When `tokens` and `even` were right.
    at: Duration,
    paused_until: Duration,
    /// Requests a second where neither a setting nor a header nor a refusal limits them.
    ramp: f64,
    /// How long an answer takes.
    answer: Duration,
    lesson: Option<Lesson>,
    told: Option<Told>,
    #[serde(default)]
    chance: Chance,
    lately: Left<10, 210>,
    minute: Left<200, 302>,
}

/// What the road to the vendor looks like from here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Road {
    /// How long an answer takes lately; nothing before there was one.
    pub answer: Duration,
    /// Requests that have no answer yet, but for the one at hand.
    pub on_the_way: u32,
}

impl Bucket {
    pub fn new(pace: &Pace, now: Duration) -> Self {
        let mut this = Self {
            tokens: 0.0,
            even: 1.0,
            at: now,
            paused_until: Duration::ZERO,
            ramp: BEGIN,
            answer: AN_ANSWER,
            lesson: None,
            told: None,
            chance: Chance::default(),
            lately: Left::default(),
            minute: Left::default(),
        };
        this.tokens = this.full(pace, now);
        this
    }

    /// Takes a token and says since when it was there, or when to ask again. Whoever takes `evenly` gets none of what may
    /// leave at once.
    pub fn take(&mut self, pace: &Pace, now: Duration, evenly: bool) -> Result<Duration, Duration> {
        if let Some(until) = self.paused_until(now) {
            return Err(until);
        }
        if let Some(before) = self.chance.judge(now) {
            (self.lesson, self.ramp) = (before.lesson, before.ramp);
        }
        let rate = self.rate(pace, now);
        self.refill(pace, rate, now);
        let over = if evenly { self.tokens.min(self.even) } else { self.tokens } - 1.0;
        if over < 0.0 {
            // Nobody waits for no time again and again.
            return Err(now + seconds(-over / rate).max(Duration::from_millis(1)));
        }
        let used_up = self.told.and_then(|told| told.used_up_until(now));
        if let Some(until) = used_up.or_else(|| self.minute_is_full_until(pace, now)) {
            return Err(until);
        }
        self.tokens -= 1.0;
        if evenly {
            self.even -= 1.0;
        }
        self.lately.add(now);
        self.minute.add(now);
        self.chance.left();
        if let Some(told) = &mut self.told {
            told.left();
        }
        // Nobody could have gone faster by much.
        let at_full_pace = over < 1.0 + rate * WAKES_LATE / 2.0;
        match &mut self.lesson {
            Some(lesson) => {
                lesson.left(rate, at_full_pace);
                if lesson.was_no_limit() {
                    (self.lesson, self.ramp) = (None, rate.max(BEGIN));
                }
            }
            None if at_full_pace => self.speed_up(),
            None => {}
        }
        Ok(now.saturating_sub(seconds(over / rate)))
    }

    /// When the next token is due, if there is none now.
    pub fn due(&self, pace: &Pace, now: Duration) -> Option<Duration> {
        (self.tokens < 1.0)
            .then(|| now + seconds((1.0 - self.tokens) / self.rate(pace, now)).max(Duration::from_millis(1)))
    }

    /// A token was taken and not used.
    pub fn give_back(&mut self, pace: &Pace, now: Duration) {
        self.tokens = (self.tokens + 1.0).min(self.full(pace, now).max(1.0));
        self.even = (self.even + 1.0).min(1.0);
        self.lately.take_back();
        self.minute.take_back();
        self.chance.take_back();
        if let Some(told) = &mut self.told {
            told.take_back();
        }
        if let Some(lesson) = &mut self.lesson {
            lesson.take_back();
        }
    }

    /// This bucket as it may be now: nothing in it lies further ahead than it could. What was written by a clock that
    /// was wrong would otherwise hold everybody up until that clock is right.
    pub fn at_most_at(mut self, now: Duration) -> Self {
        let soon = now + SECOND;
        self.at = if self.at > soon { now } else { self.at };
        for tokens in [&mut self.tokens, &mut self.even] {
            *tokens = if tokens.is_finite() { *tokens } else { 0.0 };
        }
        if self.paused_until > now + LONGEST_PAUSE {
            self.paused_until = now;
        }
        if !(self.ramp >= BEGIN && self.ramp.is_finite()) {
            self.ramp = BEGIN;
        }
        self.answer = self.answer.min(MINUTE);
        self.lesson = self.lesson.filter(|lesson| lesson.is_sound(soon));
        self.told = self.told.filter(|told| told.is_sound());
        if !self.chance.is_sound(soon) {
            self.chance = Chance::default();
        }
        self.lately.at_most_at(soon);
        self.minute.at_most_at(soon);
        self
    }

    /// When the present pause ends, if there is one.
    pub fn paused_until(&self, now: Duration) -> Option<Duration> {
        (self.paused_until > now).then_some(self.paused_until)
    }

    /// Requests a second at present.
    pub fn rate(&self, pace: &Pace, now: Duration) -> f64 {
        let allowed = self.allowed(pace, now);
        match &self.lesson {
            Some(lesson) => {
                let lowest = match allowed.is_finite() {
                    true => allowed * LOWEST_SHARE,
                    false if lesson.is_of_a_minute() => LOWEST,
                    false => pace.parallel as f64 / 4.0,
                };
                lesson.rate().max(lowest).min(allowed)
            }
            None if allowed.is_finite() => allowed,
            None => self.ramp,
        }
    }

    /// The limit as far as one is known; infinite where nothing was refused yet.
    pub fn limit(&self, pace: &Pace, now: Duration) -> f64 {
        if self.lesson.is_some() { self.rate(pace, now) } else { self.allowed(pace, now) }
    }

    /// Learns from what an answer said about limits.
    pub fn hear(&mut self, pace: &Pace, now: Duration, heard: &Heard, road: Road) {
        let (answer, known) = (road.answer.as_secs_f64(), self.answer.as_secs_f64());
        if !road.answer.is_zero() && (answer - known).abs() > known * 0.25 {
            self.answer = road.answer;
        }
        if heard.status == Some(429) {
            self.refused(pace, now, heard.retry_after.or(heard.reset_after), road.on_the_way);
            return;
        }
        if heard.status == Some(503)
            && let Some(pause) = heard.retry_after
        {
            self.pause(now, pause);
            return;
        }
        self.told = Told::by(self.told.as_ref(), heard, road.on_the_way, now).or(self.told);
        if let (Some(0), Some(reset)) = (heard.remaining, heard.reset_after)
            && reset > SECOND
        {
            self.pause(now, reset);
        }
        if heard.status.is_some_and(|status| status < 400) {
            self.chance.answered(false);
            if let Some(lesson) = &mut self.lesson
                && now > self.paused_until
            {
                lesson.succeeded();
            }
        }
    }

    fn refused(&mut self, pace: &Pace, now: Duration, asked: Option<Duration>, on_the_way: u32) {
        if let Some(lesson) = &mut self.lesson
            && lesson.is_of_the_rush(now, self.paused_until)
        {
            lesson.refused_again();
            self.chance.answered(true);
            // A longer pause is still honoured; a shorter one does not end the present one.
            if let Some(asked) = asked {
                self.pause(now, asked);
            }
            return;
        }
        let rate = self.rate(pace, now);
        // Only where the window's beginning was seen is it known what it let through.
        let began = Lesson::minute_began(now, asked)
            .filter(|began| self.minute.first().is_some_and(|first| first <= *began + 2 * SECOND));
        let only_began = pace.per_second.is_finite()
            && self.minute.first().is_none_or(|first| now.saturating_sub(first) < SECOND + self.answer);
        let refused = Refused {
            on_the_way,
            only_began,
            yields: pace.yields,
            at: now,
            rate,
            second: self.lately.within(SECOND + self.answer.min(SECOND), now).saturating_sub(1),
            minute: began.map(|began| self.minute.within(now.saturating_sub(began), now).saturating_sub(1)),
        };
        let lesson = Lesson::learn(self.lesson.as_ref(), &refused);
        let before = Before { lesson: self.lesson, ramp: self.ramp, is_limited: self.allowed(pace, now).is_finite() };
        let own = FIRST_PAUSE.saturating_mul(1 << (lesson.rushes_in_a_row() - 1).min(10)).min(LONGEST_OWN_PAUSE);
        self.lesson = Some(lesson);
        // Not all of a bucket at once after a pause: that would be the next rush.
        self.tokens = self.tokens.min(1.0);
        self.at = now;
        self.pause(now, asked.unwrap_or(own));
        if !pace.yields {
            self.chance.refused(before, asked, self.paused_until.max(now + self.answer));
        }
    }

    fn pause(&mut self, now: Duration, length: Duration) {
        self.paused_until = self.paused_until.max(now + length.min(LONGEST_PAUSE));
    }

    /// What settings and headers allow, less what is left to chance.
    fn allowed(&self, pace: &Pace, now: Duration) -> f64 {
        let chance = (pace.per_second * LEFT_TO_CHANCE).max(1.0 / MINUTE.as_secs_f64());
        let set = (pace.per_second - chance).max(pace.per_second / 2.0);
        self.told.and_then(|told| told.rate(now)).map_or(set, |told| told.min(set))
    }

    /// What lies in the bucket when nobody took anything for long.
    fn full(&self, pace: &Pace, now: Duration) -> f64 {
        let burst = f64::from(pace.burst.max(1));
        match (&self.lesson, pace.per_second.is_finite()) {
            // A vendor that refused before gets an even stream: bursts are what its window sees.
            (Some(_), _) => 1.0,
            (None, true) => burst,
            (None, false) => burst.min(AT_ONCE.max(self.rate(pace, now) / 10.0)),
        }
    }

    fn refill(&mut self, pace: &Pace, rate: f64, now: Duration) {
        // Nothing is earned while paused.
        let from = self.at.max(self.paused_until);
        let earned = now.saturating_sub(from).as_secs_f64() * rate;
        let late = rate * WAKES_LATE;
        self.tokens = (self.tokens + earned).min(self.full(pace, now) + late);
        let is_busy = now.saturating_sub(self.at).as_secs_f64() < CATCHES_UP;
        let catches_up = is_busy && self.lesson.is_none() && pace.per_second.is_finite();
        self.even = (self.even + earned).min(1.0 + if catches_up { rate * CATCHES_UP } else { late });
        self.at = self.at.max(now);
    }

    /// A limit is one of a minute; what left in the last one is never forgotten, however it was spread.
    fn minute_is_full_until(&self, pace: &Pace, now: Duration) -> Option<Duration> {
        let limit = (pace.per_second * MINUTE.as_secs_f64() + 1e-6).floor().max(1.0);
        let is_full = limit.is_finite() && f64::from(self.minute.within(MINUTE, now)) >= limit;
        is_full.then(|| self.minute.leaves_the_span(MINUTE, now).unwrap_or(now).max(now + Duration::from_millis(1)))
    }

    fn speed_up(&mut self) {
        let double = (self.answer.as_secs_f64() * ANSWERS_TO_DOUBLE).clamp(QUICKEST, SLOWEST);
        self.ramp = (self.ramp * (1.0 / (self.ramp * double)).min(1.0).exp2()).min(1e6);
    }
}

/// A duration of no more than an hour.
fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_second: f64, burst: u32) -> Pace {
        Pace { per_second, burst, parallel: 8, yields: false }
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
            .map(|step| {
                (0..100).take_while(|_| bucket.take(pace, at(from + step as f64 / 100.0), false).is_ok()).count()
            })
            .sum()
    }

    #[test]
    fn no_minute_gets_more_than_its_limit_and_hardly_less() {
        let pace = pace(5.0, 10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        assert_eq!(greedy(&mut bucket, &pace, 0.0, 1.0), 14, "what may leave at once comes first");
        let got = greedy(&mut bucket, &pace, 1.0, 60.0);
        assert!((280..=286).contains(&got), "{got}");
        let got = greedy(&mut bucket, &pace, 60.0, 120.0);
        assert!((290..=300).contains(&got), "{got}");
    }

    #[test]
    fn who_takes_evenly_leaves_the_rest_to_others() {
        let pace = pace(5.0, 10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        assert!(bucket.take(&pace, at(0.0), true).is_ok());
        let due = bucket.take(&pace, at(0.0), true).unwrap_err();
        assert!(at(0.2) < due && due < at(0.21), "one at a time");
        assert_eq!((0..20).take_while(|_| bucket.take(&pace, at(0.1), false).is_ok()).count(), 9);
        assert!(bucket.take(&pace, at(0.15), true).is_err(), "nobody gets what was not earned");
        assert!(bucket.take(&pace, at(0.3), true).is_ok(), "and it need not be all earned again");
        assert!(bucket.take(&pace, at(0.31), true).is_err());
    }

    #[test]
    fn it_says_when_to_ask_again_and_since_when_a_token_was_there() {
        let pace = pace(2.0, 1);
        let second = 1.0 / bucket_rate(&pace);
        let close = |time: Duration, to: f64| time.abs_diff(at(to)) < Duration::from_micros(10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        assert_eq!(bucket.take(&pace, at(0.0), false), Ok(at(0.0)));
        assert!(close(bucket.take(&pace, at(0.0), false).unwrap_err(), second));
        assert!(close(bucket.take(&pace, at(second + 0.01), false).unwrap(), second));
        bucket.give_back(&pace, at(second + 0.01));
        assert!(bucket.take(&pace, at(second + 0.01), false).is_ok());
    }

    fn bucket_rate(pace: &Pace) -> f64 {
        Bucket::new(pace, at(0.0)).rate(pace, at(0.0))
    }

    #[test]
    fn a_refusal_pauses_as_long_as_asked_then_it_goes_on_evenly() {
        let pace = pace(10.0, 10);
        let mut bucket = Bucket::new(&pace, at(0.0));
        bucket.hear(&pace, at(0.0), &refusal(Some(3.0)), Road::default());
        assert_eq!(bucket.take(&pace, at(1.0), false), Err(at(3.0)));
        bucket.hear(&pace, at(1.0), &refusal(Some(1.0)), Road::default());
        assert_eq!(bucket.take(&pace, at(2.5), false), Err(at(3.0)), "a shorter one does not end it");
        assert_eq!(greedy(&mut bucket, &pace, 3.0, 4.0), 10);
    }

    #[test]
    fn who_yields_halves_the_pace_and_takes_minutes_to_come_back() {
        let pace = Pace { yields: true, ..pace(50.0, 1) };
        let mut bucket = Bucket::new(&pace, at(0.0));
        let before = greedy(&mut bucket, &pace, 0.0, 10.0);
        bucket.hear(&pace, at(10.0), &refusal(Some(1.0)), Road::default());
        let after = greedy(&mut bucket, &pace, 11.0, 21.0);
        assert!((250..=300).contains(&after) && before > 490, "{before} {after}");
        assert!(greedy(&mut bucket, &pace, 21.0, 200.0) > 178 * 25);
        assert!(greedy(&mut bucket, &pace, 300.0, 310.0) > 480);
    }

    #[test]
    fn refusals_of_one_rush_teach_once() {
        let pace = pace(16.0, 4);
        let mut bucket = Bucket::new(&pace, at(0.0));
        greedy(&mut bucket, &pace, 0.0, 60.0);
        for i in 0..8 {
            bucket.hear(&pace, at(60.0 + f64::from(i) / 100.0), &refusal(Some(1.0)), Road::default());
        }
        let rate = bucket.rate(&pace, at(61.5));
        assert!((15.0..16.0).contains(&rate), "{rate}");
        greedy(&mut bucket, &pace, 61.1, 61.9);
        bucket.hear(&pace, at(61.9), &refusal(Some(1.0)), Road::default());
        let again = bucket.rate(&pace, at(63.0));
        assert!(again < 15.0, "so soon it was far too high: {again}");
    }

    #[test]
    fn without_a_limit_it_begins_slowly_and_doubles_as_long_as_nothing_is_refused() {
        let pace = pace(f64::INFINITY, u32::MAX);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let answer = Duration::from_millis(30);
        bucket.hear(&pace, at(0.0), &Heard::default(), Road { answer, on_the_way: 0 });
        let got: Vec<_> = (0..4).map(|n| greedy(&mut bucket, &pace, f64::from(n), f64::from(n + 1))).collect();
        assert!(got[0] < 100 && got[0] > 40, "{got:?}");
        assert!(got.windows(2).all(|two| two[1] > two[0] * 2), "{got:?}");
        let idle = greedy(&mut bucket, &pace, 3600.0, 3601.0);
        assert!(idle > got[3], "what was found is remembered: {idle}");
        // What got through in the second before is what the window holds.
        let mut bucket = Bucket::new(&pace, at(0.0));
        bucket.hear(&pace, at(0.0), &Heard::default(), Road { answer, on_the_way: 0 });
        let left = greedy(&mut bucket, &pace, 0.0, 1.0);
        bucket.hear(&pace, at(1.0), &refusal(None), Road::default());
        assert_eq!(bucket.take(&pace, at(1.5), false), Err(at(2.0)), "no length was given: a second");
        let rate = bucket.rate(&pace, at(2.0));
        assert!((rate - left as f64 * 0.96).abs() < 2.0, "{rate} after {left}");
    }

    #[test]
    fn pauses_of_our_own_grow_while_nothing_gets_through() {
        let pace = pace(10.0, 4);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let mut now = 0.0;
        for wanted in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            // Past the rush of the one before.
            now += 2.1;
            bucket.hear(&pace, at(now), &refusal(None), Road::default());
            assert_eq!(bucket.paused_until(at(now)), Some(at(now + wanted)));
            now += wanted;
        }
        bucket.hear(&pace, at(now + 1.0), &Heard { status: Some(200), ..Heard::default() }, Road::default());
        bucket.hear(&pace, at(now + 3.0), &refusal(None), Road::default());
        assert_eq!(bucket.paused_until(at(now + 3.0)), Some(at(now + 4.0)));
    }

    #[test]
    fn what_remains_of_the_vendors_window_is_never_overdrawn() {
        for pace in [pace(50.0, 50), pace(f64::INFINITY, u32::MAX)] {
            let mut bucket = Bucket::new(&pace, at(0.0));
            let heard = Heard {
                status: Some(200),
                limit: Some(500),
                remaining: Some(5),
                reset_after: Some(Duration::from_secs(10)),
                ..Heard::default()
            };
            bucket.hear(&pace, at(0.0), &heard, Road { on_the_way: 3, ..Road::default() });
            assert_eq!((0..50).take_while(|_| bucket.take(&pace, at(0.0), false).is_ok()).count(), 2);
            assert_eq!(bucket.take(&pace, at(0.5), false), Err(at(10.0)), "until the window ends");
            bucket.hear(&pace, at(1.0), &Heard { remaining: Some(0), ..heard }, Road::default());
            assert_eq!(bucket.paused_until(at(1.5)), Some(at(11.0)));
            let told = Heard { remaining: Some(499), ..heard };
            bucket.hear(&pace, at(12.0), &told, Road::default());
            let got = greedy(&mut bucket, &pace, 12.0, 22.0);
            assert!((480..=499).contains(&got), "{got}");
        }
        // A day's budget says nothing about the next minute.
        let pace = pace(50.0, 1);
        let mut bucket = Bucket::new(&pace, at(0.0));
        let day = Duration::from_secs(40_000);
        let heard = Heard { limit: Some(50_000), remaining: Some(49_000), reset_after: Some(day), ..Heard::default() };
        bucket.hear(&pace, at(0.0), &heard, Road::default());
        assert!(greedy(&mut bucket, &pace, 0.0, 10.0) > 490);
    }

    #[test]
    fn clocks_that_go_backwards_and_mad_lengths_do_no_harm() {
        let pace = pace(1.0, 1);
        let mut bucket = Bucket::new(&pace, at(100.0));
        assert!(bucket.take(&pace, at(0.0), false).is_ok());
        assert!(bucket.take(&pace, at(0.0), false).is_err());
        bucket.hear(&pace, at(0.0), &refusal(Some(1e15)), Road::default());
        assert!(bucket.paused_until(at(0.0)).unwrap() <= at(3600.0));
        assert!(bucket.take(&pace, at(4000.0), false).is_ok());
    }
}
