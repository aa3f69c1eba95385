//! Buckets against servers that count in different ways, with a clock that nobody waits for: how much of the limit is used,
//! and how much is refused.

use std::collections::VecDeque;
use std::time::Duration;

use super::bucket::{Bucket, Road};
use crate::domain::Pace;
use crate::vendor::Heard;

/// How a server counts. Refused requests do not count.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// So many in any stretch of so many seconds.
    Sliding(usize, f64),
    /// So many in each stretch of so many seconds, by the server's clock.
    Fixed(usize, f64),
    /// So many a second out of a bucket of so many.
    Tokens(f64, f64),
    /// Not at all.
    Unlimited,
}

/// A server and the line to it.
#[derive(Clone, Copy, Debug)]
struct Server {
    shape: Shape,
    /// Says how long to wait, in whole seconds rounded up.
    says_when: bool,
    /// Says what is left of the window.
    headers: bool,
    /// Seconds from leaving to the answer, without the jitter.
    latency: f64,
    /// Seconds that a request is late by at most, on each way.
    jitter: f64,
    /// The share of all that is refused however fast it comes.
    chance: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    used: usize,
    refused: usize,
    /// The same after the first minute.
    later_used: usize,
    later_refused: usize,
}

struct Counter {
    shape: Shape,
    let_in: VecDeque<f64>,
    window: i64,
    in_window: usize,
    tokens: f64,
    at: f64,
}

impl Counter {
    fn new(shape: Shape) -> Self {
        let tokens = if let Shape::Tokens(_, most) = shape { most } else { 0.0 };
        Self { shape, let_in: VecDeque::new(), window: -1, in_window: 0, tokens, at: 0.0 }
    }

    /// Lets one in, or says how long to wait.
    fn admit(&mut self, now: f64) -> Result<(), f64> {
        match self.shape {
            Shape::Sliding(limit, window) => {
                while self.let_in.front().is_some_and(|at| at + window <= now) {
                    self.let_in.pop_front();
                }
                if self.let_in.len() >= limit {
                    return Err(self.let_in[0] + window - now);
                }
                self.let_in.push_back(now);
            }
            Shape::Fixed(limit, window) => {
                // Not as our seconds are.
                let number = ((now + 0.37) / window).floor();
                if number as i64 != self.window {
                    (self.window, self.in_window) = (number as i64, 0);
                }
                if self.in_window >= limit {
                    return Err((number + 1.0) * window - 0.37 - now);
                }
                self.in_window += 1;
            }
            Shape::Tokens(rate, most) => {
                self.tokens = (self.tokens + (now - self.at).max(0.0) * rate).min(most);
                self.at = self.at.max(now);
                if self.tokens < 1.0 {
                    return Err((1.0 - self.tokens) / rate);
                }
                self.tokens -= 1.0;
            }
            Shape::Unlimited => {}
        }
        Ok(())
    }

    fn left(&self, now: f64) -> (u32, u32, f64) {
        match self.shape {
            Shape::Sliding(limit, window) => {
                let reset = self.let_in.front().map_or(0.0, |at| at + window - now);
                (limit as u32, (limit - self.let_in.len()) as u32, reset)
            }
            Shape::Fixed(limit, window) => {
                let end = (self.window as f64 + 1.0) * window - 0.37;
                (limit as u32, (limit - self.in_window) as u32, end - now)
            }
            Shape::Tokens(rate, most) => (most as u32, self.tokens as u32, (most - self.tokens) / rate),
            Shape::Unlimited => (u32::MAX, u32::MAX, 1.0),
        }
    }
}

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(1_000_000.0 + seconds)
}

/// Drives as much as it may for so many seconds; what the server made of it.
fn drive(pace: &Pace, server: &Server, seconds: usize) -> Outcome {
    let mut bucket = Bucket::new(pace, at(0.0));
    go_on(&mut bucket, pace, server, 0, seconds)
}

/// The same with a bucket that was driven before, from such a second on.
fn go_on(bucket: &mut Bucket, pace: &Pace, server: &Server, begin: usize, seconds: usize) -> Outcome {
    let mut dice = fastrand::Rng::with_seed(7);
    let mut counter = Counter::new(server.shape);
    let mut outcome = Outcome::default();
    // When it leaves; when it arrives; when its answer arrives, and that.
    let mut booked: VecDeque<f64> = VecDeque::new();
    let mut going: Vec<f64> = Vec::new();
    let mut coming: Vec<(f64, Heard)> = Vec::new();
    for tick in begin * 1000..(begin + seconds) * 1000 {
        let now = tick as f64 / 1000.0;
        let mut arrived: Vec<f64> = going.extract_if(.., |arrives| *arrives <= now).collect();
        arrived.sort_by(f64::total_cmp);
        for arrives in arrived {
            let later = tick >= (begin + 60) * 1000;
            let unlucky = server.chance > 0.0 && dice.f64() < server.chance;
            let admitted = if unlucky { Err(1.0) } else { counter.admit(arrives) };
            let mut heard = Heard { status: Some(200), ..Heard::default() };
            match admitted {
                Ok(()) => {
                    outcome.used += 1;
                    outcome.later_used += usize::from(later);
                }
                Err(wait) => {
                    outcome.refused += 1;
                    outcome.later_refused += usize::from(later);
                    heard.status = Some(429);
                    heard.retry_after = server.says_when.then(|| Duration::from_secs_f64(wait.ceil().max(0.0)));
                }
            }
            if server.headers {
                let (limit, remaining, reset) = counter.left(arrives);
                heard.limit = Some(limit);
                heard.remaining = Some(remaining);
                heard.reset_after = Some(Duration::from_secs_f64(reset.ceil().max(0.0)));
            }
            coming.push((arrives + server.latency + dice.f64() * server.jitter, heard));
        }
        let on_the_way = (booked.len() + going.len() + coming.len()) as u32;
        for (_, heard) in coming.extract_if(.., |(due, _)| *due <= now) {
            let answer = Duration::from_secs_f64(server.latency);
            bucket.hear(pace, at(now), &heard, Road { answer, on_the_way: on_the_way.saturating_sub(1) });
        }
        while booked.len() + going.len() + coming.len() < pace.parallel + 4
            && let Ok(since) = bucket.take(pace, at(now), true)
        {
            let rate = bucket.rate(pace, at(now));
            let since = (since.as_secs_f64() - 1_000_000.0) + (1.0 / rate).min(0.02);
            booked.push_back(since);
        }
        while going.len() + coming.len() < pace.parallel
            && booked.front().is_some_and(|leaves| *leaves <= now)
            && bucket.paused_until(at(now)).is_none()
        {
            booked.pop_front();
            going.push(now + dice.f64() * server.jitter);
        }
    }
    outcome
}

const LIMIT: usize = 50;

fn pace(per_second: f64) -> Pace {
    let burst = if per_second.is_finite() { 60 } else { u32::MAX };
    Pace { per_second, burst, parallel: 16, yields: false }
}

/// The shapes with a limit of fifty a second; the last two count in minutes.
fn shapes() -> [Shape; 6] {
    let (limit, minute) = (LIMIT as f64, LIMIT * 60);
    [
        Shape::Sliding(LIMIT, 1.0),
        Shape::Fixed(LIMIT, 1.0),
        Shape::Tokens(limit, limit),
        Shape::Tokens(limit, limit / 5.0),
        Shape::Sliding(minute, 60.0),
        Shape::Fixed(minute, 60.0),
    ]
}

fn server(shape: Shape) -> Server {
    Server { shape, says_when: true, headers: false, latency: 0.03, jitter: 0.008, chance: 0.0 }
}

fn per_cent(used: usize, seconds: usize) -> f64 {
    used as f64 * 100.0 / (LIMIT * seconds) as f64
}

fn per_mille(refused: usize, used: usize) -> f64 {
    refused as f64 * 1000.0 / (refused + used) as f64
}

#[test]
fn a_known_limit_is_used_and_hardly_overrun_however_it_is_counted() {
    for shape in shapes() {
        for known in [LIMIT as f64 * 0.985, LIMIT as f64] {
            let outcome = drive(&pace(known), &server(shape), 100);
            let (used, refused) = (per_cent(outcome.used, 100), per_mille(outcome.refused, outcome.used));
            assert!(
                used >= 95.0 && refused < 1.0,
                "{shape:?}, {known} known: {used} % used, {refused} in 1,000 refused"
            );
        }
    }
}

#[test]
fn an_unknown_limit_is_found_and_used_however_it_is_counted() {
    for shape in shapes() {
        let outcome = drive(&pace(f64::INFINITY), &server(shape), 150);
        let (used, refused) = (per_cent(outcome.used, 150), outcome.refused);
        // Learning is part of this, and costs a second or two each time.
        assert!(used >= 94.0 && refused <= 24, "{shape:?}: {used} % used, {refused} refused");
        let (used, refused) = (per_cent(outcome.later_used, 90), per_mille(outcome.later_refused, outcome.later_used));
        assert!(used >= 95.0 && refused < 1.2, "{shape:?}, later: {used} % used, {refused} in 1,000 refused");
    }
    // A window of a second, which most servers have, costs no learning.
    let outcome = drive(&pace(f64::INFINITY), &server(Shape::Sliding(LIMIT, 1.0)), 120);
    assert!(per_mille(outcome.refused, outcome.used) < 1.0, "{outcome:?}");
}

#[test]
fn a_profile_with_a_wrong_limit_learns_the_right_one() {
    for shape in shapes() {
        let outcome = drive(&pace(LIMIT as f64 * 2.0), &server(shape), 120);
        let used = per_cent(outcome.used, 120);
        assert!(used >= 95.0 && outcome.refused <= 18, "{shape:?}: {used} % used, {} refused", outcome.refused);
    }
}

#[test]
fn a_window_that_is_told_is_not_overrun_at_all() {
    for shape in [Shape::Fixed(LIMIT * 60, 60.0), Shape::Sliding(LIMIT * 60, 60.0), Shape::Fixed(LIMIT * 10, 10.0)] {
        let server = Server { headers: true, ..server(shape) };
        let outcome = drive(&pace(f64::INFINITY), &server, 100);
        let used = per_cent(outcome.used, 100);
        assert!(used >= 95.0 && outcome.refused == 0, "{shape:?}: {used} % used, {} refused", outcome.refused);
    }
}

#[test]
fn a_limit_that_was_learned_outlives_the_process_and_one_that_was_lifted_is_found_again() {
    let pace = pace(f64::INFINITY);
    let mut bucket = Bucket::new(&pace, at(0.0));
    go_on(&mut bucket, &pace, &server(Shape::Sliding(LIMIT, 1.0)), 0, 60);
    let kept: Bucket = serde_json::from_str(&serde_json::to_string(&bucket).unwrap()).unwrap();
    let mut kept = kept.at_most_at(at(60.0));
    let rate = kept.rate(&pace, at(60.0));
    // The last digit of a fraction may be another one.
    assert!((rate - bucket.rate(&pace, at(60.0))).abs() < 1e-6);
    assert!((46.0..=50.0).contains(&rate), "{rate}");
    let lifted = go_on(&mut kept, &pace, &server(Shape::Sliding(LIMIT * 3, 1.0)), 60, 300);
    assert!(lifted.used > LIMIT * 300 * 3 / 2, "{lifted:?}");
}

/// What gets through in so many seconds where each refusal costs its second and nothing else.
fn with_pauses(chance: f64, per_second: f64, seconds: usize) -> f64 {
    seconds as f64 / (1.0 / per_second + chance / (1.0 - chance))
}

#[test]
fn refusals_by_chance_cost_their_pauses_and_hardly_more() {
    // As fast as sixteen at a time can be, and with a limit beside them, which has to be learned among them. Two that are
    // refused at once cost one pause.
    let open = (Shape::Unlimited, 400.0, 0.95);
    let limited = (Shape::Sliding(LIMIT, 1.0), LIMIT as f64, 0.7);
    for (shape, per_second, least) in [open, limited] {
        for chance in [0.01, 0.02, 0.03, 0.04] {
            let outcome = drive(&pace(f64::INFINITY), &Server { chance, ..server(shape) }, 200);
            let share = outcome.used as f64 / with_pauses(chance, per_second, 200);
            let refused = outcome.refused as f64 / (outcome.used + outcome.refused) as f64;
            assert!(share > least, "{shape:?}, {chance}: {share} of what the pauses leave, {outcome:?}");
            assert!(refused < chance + 0.02, "{shape:?}, {chance}: {refused} refused, {outcome:?}");
        }
    }
}

#[test]
fn a_refusal_that_comes_alone_costs_its_pause() {
    let server = server(Shape::Unlimited);
    for (pace, begin) in [(pace(f64::INFINITY), 1), (pace(f64::INFINITY), 30), (pace(50.0), 1), (pace(50.0), 30)] {
        let mut undisturbed = Bucket::new(&pace, at(0.0));
        go_on(&mut undisturbed, &pace, &server, 0, begin);
        let mut bucket = undisturbed.clone();
        let heard = Heard { status: Some(429), retry_after: Some(Duration::from_secs(1)), ..Heard::default() };
        bucket.hear(&pace, at(begin as f64), &heard, Road { answer: Duration::from_millis(30), on_the_way: 9 });
        // The pause, and a second to come back.
        go_on(&mut bucket, &pace, &server, begin, 2);
        go_on(&mut undisturbed, &pace, &server, begin, 2);
        let (after, wanted) = (
            go_on(&mut bucket, &pace, &server, begin + 2, 8).used,
            go_on(&mut undisturbed, &pace, &server, begin + 2, 8).used,
        );
        assert!(after * 10 > wanted * 9, "after {begin} s, {pace:?}: {after} of {wanted}");
    }
}
