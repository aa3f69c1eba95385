//! Faults: what can go wrong between a client and a server, on demand and repeatable.
//!
//! Whether a fault hits is decided by the seed, the request's number and the fault's place in the list alone, so the
//! same run meets the same faults again.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::dice;
use super::vendor::Act;

/// The grammar, printed whenever a specification is wrong.
pub const HELP: &str = "\
A fault is NAME=VALUE, then any number of :QUALIFIER, for example
  cut_after=2%   error_before=5%:read   latency=20..80ms   rate_limit=100/min   garbage=100%:from=3:times=1

  latency=TIME          waits before the request is looked at
  latency_after=TIME    waits after it was applied, before the answer
  error_before=CHANCE   a 5xx, nothing applied
  error_after=CHANCE    applied, then a 5xx
  cut_before=CHANCE     the connection is closed without an answer, nothing applied
  cut_after=CHANCE      applied, then the connection is closed without an answer
  cut_inside=CHANCE     applied, then the connection is closed in the middle of the answer
  late=TIME             the connection is closed without an answer, and the request is applied that much later
  garbage=CHANCE        applied, then a 2xx with a body that is not JSON
  rate_limit=CHANCE     429 with Retry-After, nothing applied
  rate_limit=N/s        the same for every request above N in any second (also N/min, N/h)
  unauthorized=CHANCE   401, nothing applied
  unauthorized_after=N  401 from the Nth request on
  meddle=CHANCE         right after the answer was made, someone else changes a target of the request

  TIME is 50ms, 2s or a range such as 20..80ms; CHANCE is a percentage such as 2% or 0.5%.

  :write :read :other :all   which requests it is for (also :on=write). Without it: writes for error_after, cut_after,
                             cut_inside, late, garbage and meddle; all for the others. `other` is neither a read nor a
                             write of assignments: signing in, choosing a unit
  :chance=CHANCE             for latency, latency_after, late (without it 100%)
  :times=N                   at most N times
  :from=N                    from the Nth of the requests it is for
  :status=N                  for error_before and error_after (without it 500, 502 and 503 by turns)
  :path=TEXT                 only requests whose path contains TEXT
";

/// One fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    what: What,
    /// Of 1.0.
    chance: f64,
    on: Option<Act>,
    times: Option<u64>,
    from: u64,
    path: Option<String>,
    /// As it was written, for the log.
    text: String,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Latency(Span),
    LatencyAfter(Span),
    ErrorBefore(Option<u16>),
    ErrorAfter(Option<u16>),
    CutBefore,
    CutAfter,
    CutInside,
    Late(Span),
    Garbage,
    Refuse,
    Limit(Rate),
    Unauthorized,
    Meddle,
}

/// A time, or a range to pick one from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    least: Duration,
    most: Duration,
}

/// So many in so much time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub count: usize,
    pub per: Duration,
}

/// What hits one request. At most one of `before` and `after` is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Verdict {
    pub delay: Duration,
    pub delay_after: Duration,
    pub before: Option<Before>,
    pub after: Option<After>,
    /// Picks a target and who gets it.
    pub meddle: Option<u64>,
    /// The specifications that hit.
    pub hits: Vec<String>,
}

/// Instead of applying the request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Before {
    Unauthorized,
    RateLimited { retry_after: Duration },
    Error(u16),
    Cut,
    Late(Duration),
}

/// Instead of the answer, after the request was applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After {
    Error(u16),
    Cut,
    CutInside,
    Garbage,
}

/// The faults of one simulator, with their counts.
#[derive(Debug)]
pub(super) struct Faults {
    seed: u64,
    rules: Mutex<Vec<Rule>>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    /// A switch stands for it; it goes with the switch.
    of_switch: bool,
    met: u64,
    hits: u64,
    limiter: Limiter,
}

impl Faults {
    pub fn new(seed: u64, specs: &[impl AsRef<str>]) -> Result<Self, String> {
        let faults = Self { seed, rules: Mutex::default() };
        faults.replace(specs)?;
        Ok(faults)
    }

    /// These faults from now on, counted anew; where one of them is wrong all stay as they are.
    pub fn replace(&self, specs: &[impl AsRef<str>]) -> Result<(), String> {
        self.exchange(specs, false)
    }

    /// The faults that switches stand for now. Those that were there before go on counting.
    pub fn of_switches(&self, specs: &[String]) -> Result<(), String> {
        self.exchange(specs, true)
    }

    fn exchange(&self, specs: &[impl AsRef<str>], of_switch: bool) -> Result<(), String> {
        let new = |spec: &str| -> Result<Rule, String> {
            Ok(Rule { fault: spec.parse()?, of_switch, met: 0, hits: 0, limiter: Limiter::default() })
        };
        let fresh = specs.iter().map(|spec| new(spec.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut before, mut others): (Vec<_>, Vec<_>) = rules.drain(..).partition(|rule| rule.of_switch == of_switch);
        let kept = fresh.into_iter().map(|rule| match before.iter().position(|old| old.fault == rule.fault) {
            Some(place) if of_switch => before.swap_remove(place),
            _ => rule,
        });
        let kept: Vec<_> = kept.collect();
        // Given faults come first: whether one hits is decided by its place among them.
        if of_switch {
            others.extend(kept);
            *rules = others;
        } else {
            *rules = kept;
            rules.extend(others);
        }
        Ok(())
    }

    pub fn specs(&self) -> Vec<String> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().map(|r| r.fault.text.clone()).collect()
    }

    /// What hits the request with this number.
    pub fn decide(&self, number: u64, act: Act, path: &str) -> Verdict {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut verdict = Verdict::default();
        for (place, rule) in rules.iter_mut().enumerate() {
            let mut dice = dice::Dice::new(self.seed, number, 1_000 + place as u64);
            rule.judge(act, path, &mut dice, &mut verdict);
        }
        if verdict.before.is_some() {
            // It never got as far as being applied, so nothing could happen after that.
            verdict.after = None;
        }
        verdict
    }
}

impl Rule {
    fn judge(&mut self, act: Act, path: &str, dice: &mut dice::Dice, verdict: &mut Verdict) {
        let fault = &self.fault;
        if fault.on.is_some_and(|on| on != act) || fault.path.as_ref().is_some_and(|p| !path.contains(p.as_str())) {
            return;
        }
        self.met += 1;
        if self.met < fault.from || fault.times.is_some_and(|t| self.hits >= t) || !dice.chance(fault.chance) {
            return;
        }
        let status = |given: Option<u16>, dice: &mut dice::Dice| given.unwrap_or_else(|| dice.pick(&[500, 502, 503]));
        // The first fault that takes the request, or its answer, has it.
        let taken = verdict.before.is_some();
        let after = |verdict: &mut Verdict, what| {
            let free = verdict.before.is_none() && verdict.after.is_none();
            if free {
                verdict.after = Some(what);
            }
            free
        };
        let hit = match fault.what {
            What::Latency(span) => {
                verdict.delay += span.pick(dice);
                true
            }
            What::LatencyAfter(span) => {
                verdict.delay_after += span.pick(dice);
                true
            }
            What::ErrorAfter(given) => after(verdict, After::Error(status(given, dice))),
            What::CutAfter => after(verdict, After::Cut),
            What::CutInside => after(verdict, After::CutInside),
            What::Garbage => after(verdict, After::Garbage),
            What::Meddle => {
                verdict.meddle = Some(dice.next_u64());
                true
            }
            _ if taken => false,
            What::ErrorBefore(given) => {
                verdict.before = Some(Before::Error(status(given, dice)));
                true
            }
            What::CutBefore => {
                verdict.before = Some(Before::Cut);
                true
            }
            What::Late(span) => {
                verdict.before = Some(Before::Late(span.pick(dice)));
                true
            }
            What::Refuse => {
                verdict.before = Some(Before::RateLimited { retry_after: Duration::from_secs(1) });
                true
            }
            What::Limit(rate) => match self.limiter.admit(rate, Instant::now()) {
                Ok(()) => false,
                Err(retry_after) => {
                    verdict.before = Some(Before::RateLimited { retry_after });
                    true
                }
            },
            What::Unauthorized => {
                verdict.before = Some(Before::Unauthorized);
                true
            }
        };
        if hit {
            self.hits += 1;
            verdict.hits.push(self.fault.text.clone());
        }
    }
}

impl Span {
    fn pick(self, dice: &mut dice::Dice) -> Duration {
        self.least + self.most.saturating_sub(self.least).mul_f64(dice.unit())
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a time such as 50ms, 2s or 20..80ms");
        let (number, unit) = text
            .strip_suffix("ms")
            .map(|n| (n, 1e-3))
            .or_else(|| text.strip_suffix('s').map(|n| (n, 1.0)))
            .ok_or_else(wrong)?;
        let (least, most) = number.split_once("..").unwrap_or((number, number));
        let time = |n: &str| {
            let seconds = n.trim_end_matches("ms").trim_end_matches('s').parse::<f64>().map_err(|_| wrong())? * unit;
            // Up to an hour: more is a slip of the finger, and would not fit everywhere.
            if (0.0..=3_600.0).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
        };
        let span = Self { least: time(least)?, most: time(most)? };
        if span.least > span.most { Err(wrong()) } else { Ok(span) }
    }
}

impl Rate {
    /// Reads `100/min`, `10/s`, `5000/h`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a rate such as 10/s, 100/min or 5000/h");
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let per = match per {
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" | "hour" => 3_600,
            _ => return Err(wrong()),
        };
        match count.parse::<usize>() {
            Ok(count) if (1..=1_000_000).contains(&count) => Ok(Self { count, per: Duration::from_secs(per) }),
            _ => Err(wrong()),
        }
    }
}

/// Admits no more than a rate's count in any stretch of its time. Refused requests do not count.
#[derive(Debug, Default)]
pub struct Limiter(VecDeque<Instant>);

impl Limiter {
    /// Admits one request now, or says how long to wait.
    pub fn admit(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        while self.0.front().is_some_and(|&t| now.duration_since(t) >= rate.per) {
            self.0.pop_front();
        }
        match self.0.front() {
            Some(&oldest) if self.0.len() >= rate.count => Err((oldest + rate.per).saturating_duration_since(now)),
            _ => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

fn chance(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').and_then(|n| n.parse::<f64>().ok()) {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("'{text}' is not a percentage such as 2% or 0.5%")),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is not a whole number"))
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text.trim()).map_err(|e| format!("fault '{text}': {e}\n\n{HELP}"))
    }
}

fn parse(text: &str) -> Result<Fault, String> {
    let mut parts = text.split(':');
    let (name, value) = parts.next().unwrap_or_default().split_once('=').ok_or("a value is missing")?;
    let mut fault =
        Fault { what: What::CutBefore, chance: 1.0, on: None, times: None, from: 1, path: None, text: text.to_owned() };
    let mut write_only = false;
    fault.what = match name {
        "latency" => What::Latency(value.parse()?),
        "latency_after" => What::LatencyAfter(value.parse()?),
        "late" => {
            write_only = true;
            What::Late(value.parse()?)
        }
        "rate_limit" if value.contains('/') => What::Limit(Rate::parse(value)?),
        "unauthorized_after" => {
            fault.from = number(value)?;
            What::Unauthorized
        }
        _ => {
            let (what, for_writes) = match name {
                "error_before" => (What::ErrorBefore(None), false),
                "error_after" => (What::ErrorAfter(None), true),
                "cut_before" => (What::CutBefore, false),
                "cut_after" => (What::CutAfter, true),
                "cut_inside" => (What::CutInside, true),
                "garbage" => (What::Garbage, true),
                "rate_limit" => (What::Refuse, false),
                "unauthorized" => (What::Unauthorized, false),
                "meddle" => (What::Meddle, true),
                _ => return Err(format!("there is no fault '{name}'")),
            };
            fault.chance = chance(value)?;
            write_only = for_writes;
            what
        }
    };
    fault.on = write_only.then_some(Act::Write);
    for qualifier in parts {
        let (name, value) = match qualifier.split_once('=') {
            Some(("on", act)) => (act, None),
            Some((name, value)) => (name, Some(value)),
            None => (qualifier, None),
        };
        match (name, value) {
            ("write" | "writes", None) => fault.on = Some(Act::Write),
            ("read" | "reads", None) => fault.on = Some(Act::Read),
            ("other", None) => fault.on = Some(Act::Other),
            ("all", None) => fault.on = None,
            ("times", Some(n)) => fault.times = Some(number(n)?),
            ("from", Some(n)) => fault.from = number(n)?,
            ("path", Some(path)) => fault.path = Some(path.to_owned()),
            ("chance", Some(p)) if matches!(fault.what, What::Latency(_) | What::LatencyAfter(_) | What::Late(_)) => {
                fault.chance = chance(p)?;
            }
            ("status", Some(n)) => match (&mut fault.what, number(n)?) {
                (What::ErrorBefore(s) | What::ErrorAfter(s), n @ 400..=599) => *s = Some(n as u16),
                (What::ErrorBefore(_) | What::ErrorAfter(_), n) => return Err(format!("{n} is not an error status")),
                _ => return Err("status is for error_before and error_after".to_owned()),
            },
            _ => return Err(format!("there is no qualifier '{qualifier}' here")),
        }
    }
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(specs: &[&str]) -> Faults {
        Faults::new(7, specs).unwrap()
    }

    fn count(faults: &Faults, act: Act, hit: impl Fn(&Verdict) -> bool) -> usize {
        (1..=10_000).filter(|&n| hit(&faults.decide(n, act, "/leads"))).count()
    }

    #[test]
    fn percentages_are_kept_and_repeatable() {
        let hits = |seed| {
            let faults = Faults::new(seed, &["cut_after=2%"]).unwrap();
            (1..=10_000).filter(|&n| faults.decide(n, Act::Write, "/x").after.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        assert!((150..250).contains(&hits(1).len()));
    }

    #[test]
    fn each_fault_has_its_requests() {
        assert_eq!(count(&faults(&["cut_after=100%"]), Act::Read, |v| v.after.is_some()), 0);
        assert_eq!(count(&faults(&["cut_after=100%:all"]), Act::Other, |v| v.after.is_some()), 10_000);
        assert_eq!(count(&faults(&["cut_before=100%:on=read"]), Act::Write, |v| v.before.is_some()), 0);
        assert_eq!(count(&faults(&["error_before=100%:path=/members"]), Act::Read, |v| v.before.is_some()), 0);
        assert_eq!(count(&faults(&["garbage=100%:times=3"]), Act::Write, |v| v.after == Some(After::Garbage)), 3);
        assert_eq!(count(&faults(&["meddle=100%:from=9999"]), Act::Write, |v| v.meddle.is_some()), 2);
        assert_eq!(count(&faults(&["unauthorized_after=9001"]), Act::Read, |v| v.before.is_some()), 1_000);
    }

    #[test]
    fn what_was_not_applied_has_no_fault_after_it() {
        let faults = faults(&["cut_after=100%", "error_before=100%:status=503", "cut_before=100%"]);
        let verdict = faults.decide(1, Act::Write, "/x");
        assert_eq!((verdict.before, verdict.after), (Some(Before::Error(503)), None));
    }

    #[test]
    fn latencies_lie_in_their_range_and_add_up() {
        let faults = faults(&["latency=20..80ms", "latency=1s:chance=50%"]);
        let delays: Vec<_> = (1..100).map(|n| faults.decide(n, Act::Read, "/x").delay.as_secs_f64()).collect();
        assert!(delays.iter().all(|&d| (0.02..=0.08).contains(&d) || (1.02..=1.08).contains(&d)));
        assert!(delays.iter().any(|&d| d < 1.0) && delays.iter().any(|&d| d > 1.0));
    }

    #[test]
    fn a_rate_admits_so_many_in_any_stretch() {
        let mut limiter = Limiter::default();
        let (rate, start) = (Rate::parse("2/s").unwrap(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(limiter.admit(rate, at(0)), Ok(()));
        assert_eq!(limiter.admit(rate, at(600)), Ok(()));
        assert_eq!(limiter.admit(rate, at(700)), Err(Duration::from_millis(300)));
        assert_eq!(limiter.admit(rate, at(1_000)), Ok(()));
        assert_eq!(limiter.admit(rate, at(1_500)), Err(Duration::from_millis(100)));
    }

    #[test]
    fn wrong_specifications_list_what_exists() {
        for wrong in [
            "",
            "cut_after",
            "cut_after=2",
            "cut_after=101%",
            "nonsense=2%",
            "latency=50",
            "latency=80..20ms",
            "latency=-1s",
            "rate_limit=5/week",
            "rate_limit=0/s",
            "error_before=2%:status=200",
            "garbage=2%:status=500",
            "cut_after=2%:sometimes",
            "cut_after=2%:chance=3%",
            "unauthorized_after=x",
            "late=99999s",
            "latency=nans",
        ] {
            let error = wrong.parse::<Fault>().unwrap_err();
            assert!(error.contains("cut_inside=CHANCE"), "{wrong}: {error}");
        }
    }
}
