//! The rate limit: a window of a minute with headers that tell how much of it is left.

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use tokio::time::{Duration, Instant};

use super::Stateset;
use crate::sim::ask::Refusal;
use crate::sim::faults::Rate;
use crate::sim::switches::Switches;

/// The requests of the present window.
#[derive(Debug, Default)]
pub struct Window {
    began: Option<Instant>,
    used: u64,
}

/// What the headers of an answer say.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    limit: u64,
    remaining: u64,
    reset_in: Duration,
}

impl Window {
    /// The limit for a client that reckons in minutes; `None` for one without a limit.
    pub fn per_minute(&self, switches: &Switches) -> Option<u64> {
        if switches.is("rate_limit", "off") {
            // A pace that no test and no demo is slowed down by.
            return Some(60_000);
        }
        let rate = switches.with("rate_limit", Rate::parse).ok()?;
        let per_minute = rate.count as f64 * 60.0 / rate.per.as_secs_f64();
        Some(per_minute.max(1.0) as u64)
    }

    fn admit(&mut self, rate: Rate, now: Instant) -> Result<Left, Left> {
        let began = *self.began.get_or_insert(now);
        if now.duration_since(began) >= rate.per {
            self.began = Some(now);
            self.used = 0;
        }
        let began = self.began.unwrap_or(now);
        let reset_in = rate.per.saturating_sub(now.duration_since(began));
        let limit = rate.count as u64;
        if self.used >= limit {
            return Err(Left { limit, remaining: 0, reset_in });
        }
        self.used += 1;
        Ok(Left { limit, remaining: limit - self.used, reset_in })
    }
}

impl Stateset {
    /// Counts a request. The error is the 429.
    pub fn count_request(&self) -> Result<Option<Left>, (Refusal, Left)> {
        let Ok(rate) = self.switches.with("rate_limit", Rate::parse) else { return Ok(None) };
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match window.admit(rate, Instant::now()) {
            Ok(left) => Ok(Some(left)),
            Err(left) => {
                let mut refusal = Refusal::new(http::StatusCode::TOO_MANY_REQUESTS, "rate limit exceeded");
                refusal.retry_after = Some(left.reset_in);
                Err((refusal, left))
            }
        }
    }
}

/// Writes the rate headers.
pub fn tell(response: &mut Response, left: Left) {
    let seconds = left.reset_in.as_millis().div_ceil(1_000) as i64;
    let fields = [
        ("x-ratelimit-limit", left.limit.to_string()),
        ("x-ratelimit-remaining", left.remaining.to_string()),
        ("x-ratelimit-reset", (Timestamp::now().as_second() + seconds).to_string()),
        ("x-ratelimit-reset-after", seconds.to_string()),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
