//! A limit that the server names in the headers of its answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vendor::Heard;

/// Windows that servers count in and that this says something about. In one of a second nothing can be told in time, and
/// longer ones (a day's budget) say nothing about the pace of the next minute.
const WINDOWS: [u64; 2] = [10, 60];
const SECOND: Duration = Duration::from_secs(1);
/// Of what a window allows.
const OF_A_WINDOW: f64 = 0.98;
/// A smaller difference is not worth a note.
const WORTH_IT: f64 = 0.02;

/// The pace that the last answers' headers allow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    rate: f64,
    limit: u32,
    /// Seconds of the longest window that was seen with this limit.
    window: u64,
    /// What may still leave before the window ends.
    rest: u32,
    ends: Duration,
}

impl Told {
    /// What an answer's headers say, after what was said before, with so many requests on the way that they do not know
    /// of.
    pub fn by(before: Option<&Self>, heard: &Heard, on_the_way: u32, now: Duration) -> Option<Self> {
        let (limit, remaining, reset) = (heard.limit?, heard.remaining?, heard.reset_after?);
        let known = before.filter(|before| before.limit == limit).map(|before| before.window);
        let seen = WINDOWS.into_iter().find(|window| reset > 2 * SECOND && reset <= Duration::from_secs(*window));
        let window = known.max(seen)?;
        let even = f64::from(limit) * OF_A_WINDOW / window as f64;
        let rest = remaining.saturating_sub(on_the_way);
        // What others left of a window that has begun, or what is left of one that was not used in time.
        let rate = even.max(f64::from(rest) / reset.max(SECOND).as_secs_f64());
        let rate = match before {
            Some(before) if (rate - before.rate).abs() <= before.rate * WORTH_IT => before.rate,
            _ => rate,
        };
        Some(Self { rate, limit, window, rest, ends: now + reset })
    }

    /// Requests a second that the headers allow. Once a window is over, what was said of it is too.
    pub fn rate(&self, now: Duration) -> Option<f64> {
        let is_known = now <= self.ends + Duration::from_secs(self.window);
        (is_known && self.rate > 0.0).then_some(self.rate)
    }

    /// When the window ends of which nothing is left.
    pub fn used_up_until(&self, now: Duration) -> Option<Duration> {
        (self.rest == 0 && now < self.ends).then_some(self.ends)
    }

    pub fn left(&mut self) {
        self.rest = self.rest.saturating_sub(1);
    }

    pub fn take_back(&mut self) {
        self.rest += 1;
    }

    pub fn is_sound(&self) -> bool {
        self.rate.is_finite() && self.rate >= 0.0 && WINDOWS.contains(&self.window)
    }
}
