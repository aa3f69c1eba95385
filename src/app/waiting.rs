//! Plans that were confirmed and wait for their time: the beginning of a shift.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::exchange::Command;
use crate::domain::plan_file::{self, PlanFile};
use crate::domain::{self, Plan, Timestamp};

use super::dialog::After;
use super::effect::Effect;
use super::notices::Level;
use super::state::State;
use super::words;

/// A confirmed plan that waits. It is not in the journal yet: who leaves before its time leaves it unsent.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What it does, in one line.
    pub title: String,
    pub at: Timestamp,
    plan: Arc<Plan>,
    /// Where it came from: its approvals count.
    file: Option<Arc<PlanFile>>,
}

impl Waiting {
    /// How long it waits, in words that count down.
    pub fn countdown(&self, now: Timestamp, zone: &TimeZone) -> String {
        let seconds = self.at.duration_since(now).as_secs().max(0);
        let at = words::clock(self.at, now, zone);
        format!("{}: not before {at}, in {}", self.title, words::duration(seconds.max(1) as f64))
    }
}

impl State {
    /// A confirmed plan waits until a time that was typed. `does`: what its dialog said of it.
    pub(super) fn wait_with(&mut self, typed: &str, plan: Arc<Plan>, does: String) -> After {
        match moment(typed, self.now, &self.options.zone) {
            Ok(at) => self.wait_until(at, plan, does, None),
            Err(why) => {
                self.say(Level::Warning, &why);
                After::Stay
            }
        }
    }

    /// A confirmed plan waits until its time. `file`: where it came from.
    pub(super) fn wait_until(
        &mut self,
        at: Timestamp,
        plan: Arc<Plan>,
        does: String,
        file: Option<Arc<PlanFile>>,
    ) -> After {
        let waiting = Waiting { title: does, at, plan, file };
        let text = format!(
            "{}. Everything is read again then; leaving drops it",
            waiting.countdown(self.now, &self.options.zone)
        );
        self.say(Level::Info, &text);
        self.waiting_plans.push(waiting);
        After::Close
    }

    /// Sends what has waited long enough.
    pub(super) fn send_what_is_due(&mut self) {
        let now = self.now;
        let is_due = |waiting: &Waiting| waiting.at <= now;
        let due: Vec<Waiting> = self.waiting_plans.extract_if(.., |waiting| is_due(waiting)).collect();
        for Waiting { title, mut plan, file, .. } in due {
            self.say(Level::Info, &format!("{title}: its time has come"));
            // What was read before is too old to be acted on without a look.
            plan_file::forget_readings(Arc::make_mut(&mut plan));
            self.plan_confirmed(plan.clone(), title);
            self.emit(Effect::Send(match file {
                Some(file) => Command::ApplyFile { file, plan },
                None => Command::Apply { plan },
            }));
        }
    }

    /// Drops what waits. False when nothing did.
    pub(super) fn drop_waiting(&mut self) -> bool {
        let dropped = std::mem::take(&mut self.waiting_plans);
        for waiting in &dropped {
            self.say(Level::Warning, &format!("{}: dropped, nothing was sent", waiting.title));
        }
        !dropped.is_empty()
    }
}

/// The moment that was typed, which must be to come. Hours may have one digit.
fn moment(typed: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let typed = typed.trim();
    let one_digit = typed.split(':').next().is_some_and(|hour| hour.len() == 1);
    let padded = if one_digit { format!("0{typed}") } else { typed.to_owned() };
    let at = domain::moment::ahead(&padded, now, zone)?;
    if at > now { Ok(at) } else { Err(format!("{typed} is past")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-20T14:03:00Z".parse().unwrap();
        for (typed, expected) in [
            ("15:00", Some("2026-11-20T15:00:00Z")),
            (" 8:00 ", Some("2026-11-21T08:00:00Z")),
            ("14:03:30", Some("2026-11-20T14:03:30Z")),
            ("2026-11-30T08:00", Some("2026-11-30T08:00:00Z")),
            ("30m", Some("2026-11-20T14:33:00Z")),
            ("2026-11-19T08:00", None),
            ("24:00", None),
            ("8 o'clock", None),
            ("-1:00", None),
            ("", None),
        ] {
            let expected = expected.map(|at| at.parse().unwrap());
            assert_eq!(moment(typed, now, &TimeZone::UTC).ok(), expected, "{typed:?}");
        }
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(moment("15:30", now, &berlin), Ok("2026-11-20T14:30:00Z".parse().unwrap()));
    }
}
