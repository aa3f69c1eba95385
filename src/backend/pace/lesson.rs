//! What refusals teach about a limit that nobody told.
//!
//! Servers count in different ways: so many in any second, so many in each second or minute of the clock, a bucket that
//! fills. What they let through until they refused says more than the pace that was driven at, so that is where it goes
//! on. From there it climbs back to just below what was refused, stays, and after minutes looks whether there is more.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Refusals this close together are answers to one and the same rush and teach once.
const ONE_RUSH: Duration = Duration::from_secs(1);
/// Of what a window let through, this much is driven at first, and this much a little later. The rest is for what arrives
/// in another rhythm than it left.
const OF_A_WINDOW: f64 = 0.96;
const OF_A_WINDOW_LATER: f64 = 0.975;
/// A pace that was held for so many seconds and refused then is only a little too high ...
const HELD_LONG: f64 = 15.0;
const A_LITTLE_LESS: f64 = 0.985;
/// ... after fewer, more so ...
const HELD_SHORTLY: f64 = 5.0;
const LESS: f64 = 0.96;
/// ... where a window of the clock ended within two of its seconds it is a good deal too high ...
const WINDOW: std::ops::Range<f64> = 1.0..2.0;
const MUCH_LESS: f64 = 0.85;
/// ... and otherwise what got through since the last refusal tells, a pause included: a bucket filled meanwhile.
const OF_WHAT_GOT_THROUGH: f64 = 0.98;
const AT_MOST: f64 = 0.95;
const AT_LEAST: f64 = 0.7;
/// After so many pauses without a success in between it is a long window that is full.
const WINDOW_IS_LONG: u32 = 3;
const A_LITTLE_MORE: f64 = 1.1;
/// What was counted first is looked beyond: so much more each second, until that is refused. Where nothing is for so many
/// seconds, it was no limit.
const LOOK: f64 = 0.03;
const LOOKED_ENOUGH: f64 = 5.0;
/// So many seconds long it climbs from there to this much of what was refused ...
const CLIMB: f64 = 20.0;
const CLIMB_AFTER_YIELDING: f64 = 240.0;
const BELOW_THE_TOP: f64 = 0.985;
/// ... then very slowly, and after minutes at that pace ever faster: the limit may have been lifted.
const CREEP: f64 = 0.0001;
const LONG: f64 = 120.0;
/// A pause longer than this is no second's: the window is a minute.
const NOT_A_SECOND: Duration = Duration::from_secs(2);
const MINUTE: Duration = Duration::from_secs(60);
/// A window that let through so much less than was driven at was full.
const FULL: f64 = 0.95;
/// With so little in a window, or since the last refusal, one more or less says nothing.
const TOO_FEW: f64 = 3.0;

/// What is thought of the limit since the last rush of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// When the rush began.
    at: Duration,
    /// Refusals in it.
    rush: u32,
    /// Rushes in a row without a success in between, for the length of a pause that the vendor gives no length for.
    in_a_row: u32,
    /// Requests a second right after the pause.
    base: f64,
    /// What was refused.
    top: f64,
    /// How much of `base` one refusal more in the same rush costs, where it was counted from what got through.
    each: f64,
    /// Seconds at the full pace to climb for.
    climb: f64,
    /// Seconds at the full pace since.
    driven: f64,
    /// Requests that left since then.
    left: u32,
    since: Duration,
    /// Pauses after which nothing got through.
    fruitless: u32,
    /// Counted before there was an even stream, so that a small bucket would have let through as little as a full window:
    /// whether there is more is looked for at once.
    first: bool,
}

/// What is known at a refusal.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    pub at: Duration,
    /// The pace that was driven at, requests a second.
    pub rate: f64,
    /// Requests that left in a second before, without this one.
    pub second: u32,
    /// Those that left since the window began, if it is a minute that ends with the pause and all of them are known.
    pub minute: Option<u32>,
    /// Requests without an answer yet, beside this one.
    pub on_the_way: u32,
    /// Nothing had left before that second.
    pub only_began: bool,
    /// Others draw from the same limit and come first.
    pub yields: bool,
}

impl Lesson {
    /// The first refusal of a rush teaches this, after what the last one taught.
    pub fn learn(before: Option<&Self>, refused: &Refused) -> Self {
        let Refused { at, rate, .. } = *refused;
        let in_a_row = before.map_or(0, |before| before.in_a_row) + 1;
        let lesson = |base, top, each| {
            let (rush, driven, left, fruitless, first) = (1, 0.0, 0, 0, false);
            Self { at, rush, in_a_row, base, top, each, climb: CLIMB, driven, left, since: at, fruitless, first }
        };
        if let Some(before) = before
            && f64::from(before.left.saturating_sub(refused.on_the_way)) < TOO_FEW
        {
            // Nothing got through: the pause was too short, which says nothing about the pace.
            return Self { at, in_a_row, rush: 1, fruitless: before.fruitless + 1, driven: 0.0, left: 0, ..*before };
        }
        if refused.yields {
            return Self { climb: CLIMB_AFTER_YIELDING, ..lesson(rate / 2.0, rate / BELOW_THE_TOP, 0.0) };
        }
        let counted = |through: f64, seconds: f64| {
            let each = OF_A_WINDOW / seconds;
            lesson(through * each, through / seconds * OF_A_WINDOW_LATER / BELOW_THE_TOP, each)
        };
        let is_full = |through: f64, seconds: f64| through >= TOO_FEW && (through + 1.0) / seconds < rate * FULL;
        if let Some(minute) = refused.minute.map(f64::from).filter(|minute| is_full(*minute, 60.0)) {
            return counted(minute, 60.0);
        }
        let second = f64::from(refused.second);
        let Some(before) = before else {
            return match is_full(second, 1.0) {
                // A small bucket that was full lets as little through before it refuses; the next refusal tells.
                true if refused.only_began && second * 2.0 < rate => lesson(rate / 2.0, rate, 0.0),
                true => Self { first: true, ..counted(second, 1.0) },
                false => lesson(rate * A_LITTLE_LESS, rate, 0.0),
            };
        };
        let passed = at.saturating_sub(before.since).as_secs_f64().max(0.1);
        let through = f64::from(before.left) / passed * OF_WHAT_GOT_THROUGH;
        if before.fruitless >= WINDOW_IS_LONG {
            // It let nothing through for long, and then what it allows for all of that time.
            return lesson(through, through * A_LITTLE_MORE, 0.0);
        }
        if before.first {
            return lesson(rate * OF_A_WINDOW, rate * OF_A_WINDOW_LATER / BELOW_THE_TOP, OF_A_WINDOW);
        }
        if before.is_of_a_minute() && before.driven < MINUTE.as_secs_f64() {
            // What left unevenly in that minute is let go unevenly.
            return Self { at, in_a_row, rush: 1, left: 0, since: at, ..*before };
        }
        if is_full(second, 1.0) {
            return counted(second, 1.0);
        }
        let held = before.driven;
        if held >= HELD_SHORTLY || (held >= WINDOW.end && before.each > 0.0) {
            return lesson(rate * if held < HELD_LONG { LESS } else { A_LITTLE_LESS }, rate, 0.0);
        }
        if WINDOW.contains(&held) {
            return lesson(rate * MUCH_LESS, rate * LESS, 0.0);
        }
        lesson(through.clamp(rate * AT_LEAST, rate * AT_MOST), rate * LESS, 0.0)
    }

    /// Whether it was looked far beyond what was counted, and nothing refused.
    pub fn was_no_limit(&self) -> bool {
        self.first && self.driven >= LOOKED_ENOUGH
    }

    /// Whether it was counted in a window of a minute.
    pub fn is_of_a_minute(&self) -> bool {
        self.each > 0.0 && self.each < OF_A_WINDOW / 2.0
    }

    /// Whether a refusal now belongs to the rush that this came from.
    pub fn is_of_the_rush(&self, now: Duration, paused_until: Duration) -> bool {
        now < paused_until || now < self.at + ONE_RUSH
    }

    /// One more refusal of the same rush: that one did not get through either.
    pub fn refused_again(&mut self) {
        self.rush += 1;
        let less = (self.base - self.each).max(self.each);
        self.top = self.top.min(self.top * less / self.base);
        self.base = less;
    }

    /// Where a window of a minute began that ends with the pause, if that is what the length of the pause says.
    pub fn minute_began(now: Duration, asked: Option<Duration>) -> Option<Duration> {
        let asked = asked.filter(|asked| (NOT_A_SECOND..=MINUTE).contains(asked))?;
        Some((now + asked).saturating_sub(MINUTE))
    }

    pub fn rushes_in_a_row(&self) -> u32 {
        self.in_a_row
    }

    pub fn succeeded(&mut self) {
        self.in_a_row = 0;
    }

    /// A request left; `at_full_pace` where one more could not have.
    pub fn left(&mut self, rate: f64, at_full_pace: bool) {
        self.left = self.left.saturating_add(1);
        if at_full_pace {
            self.driven += 1.0 / rate;
        }
    }

    /// One that left did not.
    pub fn take_back(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Requests a second at present.
    pub fn rate(&self) -> f64 {
        if self.first {
            return self.base * (1.0 + self.driven * LOOK);
        }
        let missing = (1.0 - self.driven / self.climb).max(0.0).powi(3);
        let climbed = self.base + (self.top * BELOW_THE_TOP - self.base).max(0.0) * (1.0 - missing);
        let faster = ((self.driven - LONG) / LONG).max(0.0);
        climbed * (1.0 + self.driven * CREEP + faster * faster)
    }

    /// Whether this could be: nothing in it is later than now, and it is a pace.
    pub fn is_sound(&self, now: Duration) -> bool {
        let numbers = [self.base, self.top, self.each, self.climb, self.driven];
        self.at <= now && self.since <= now && numbers.iter().all(|n| n.is_finite() && *n >= 0.0)
    }
}
