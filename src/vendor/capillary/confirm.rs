//! Confirming a change by the owner filter (section 10): the lead has to be in the new owner's list and no longer in the
//! former one's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Capillary;
use super::envelope::Reply;
use super::writing::Item;
use crate::domain::SafeText;
use crate::vendor::asking::Asking;
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, VendorError, WriteOutcome};

/// Pauses before each further look, in shares of the time that a change may take to show: 1, 2, 5 and 10 of 18 seconds.
const PAUSES: [f64; 5] = [0.0, 1.0 / 18.0, 2.0 / 18.0, 5.0 / 18.0, 10.0 / 18.0];

/// So many changes in a row that were accepted without showing are no accident.
const MOST_UNCONFIRMED: usize = 3;

impl Capillary {
    /// What a success proves: looks until the owner filter shows the change.
    pub(super) async fn judge(&self, item: &Item<'_>, reply: &Reply, asking: &Asking) -> Verdict {
        self.path_works.store(true, Ordering::Relaxed);
        if item.goal.filter_id.is_none() && !item.goal.is_nobody {
            let why = format!(
                "sent, not verifiable: {} has no id for the owner filter (owner_filter_field, owner_file){}",
                item.goal.who,
                reply.request_id()
            );
            return Verdict::unknown(why);
        }
        let mut why = String::new();
        for pause in PAUSES {
            tokio::time::sleep(self.settings.confirm_within.mul_f64(pause)).await;
            match self.what_speaks_against(item, asking).await {
                Ok(None) => return self.confirmed(item, reply),
                Ok(Some(seen)) => why = seen,
                Err(error) if matches!(error.kind, ErrorKind::SignIn | ErrorKind::Forbidden | ErrorKind::Setting) => {
                    let outcome = WriteOutcome::Late(format!("accepted but not confirmed: {}", error.message));
                    return Verdict::of(outcome).troubled(error.kind).halting(error);
                }
                Err(error) => why = error.message,
            }
        }
        self.unconfirmed(&why, reply)
    }

    /// Whether the lists show the change, looked at once.
    pub(super) async fn is_shown(&self, item: &Item<'_>, asking: &Asking) -> bool {
        let can_be_told = item.goal.filter_id.is_some() || item.goal.is_nobody;
        can_be_told && matches!(self.what_speaks_against(item, asking).await, Ok(None))
    }

    fn confirmed(&self, item: &Item<'_>, reply: &Reply) -> Verdict {
        self.unconfirmed.store(0, Ordering::Relaxed);
        if item.goal.is_nobody {
            self.nobody_works.store(true, Ordering::Relaxed);
        }
        self.memory.set_owner(&item.lead, item.change.after.owner().and_then(|owner| owner.id.as_ref()));
        Verdict::of(match reply.errors().first() {
            None => WriteOutcome::Done,
            Some(error) => WriteOutcome::DoneWith(format!(
                "it took effect, though Capillary answered {} with an error: {}{}",
                reply.answer.status.as_u16(),
                short(&error.to_string()),
                reply.request_id()
            )),
        })
    }

    /// What the lists say against it that the change took effect.
    async fn what_speaks_against(&self, item: &Item<'_>, asking: &Asking) -> Result<Option<String>, VendorError> {
        let holds = async |filter_id: &str| self.holds(filter_id, &item.customer, &item.lead, asking).await;
        let new = item.goal.filter_id.as_deref();
        if let Some(new) = new
            && !holds(new).await?
        {
            return Ok(Some(format!("the list of {} does not show it", item.goal.who)));
        }
        let old = self.filter_of(&item.change.before, &item.directory).filter(|old| Some(*old) != new);
        if let Some(old) = old
            && holds(old).await?
        {
            return Ok(Some(format!("the list of {} still shows it", item.change.before.label())));
        }
        // The first time that a lead is left with nobody, it has to be in nobody's list at all.
        if item.goal.is_nobody && (old.is_none() || !self.nobody_works.load(Ordering::Relaxed)) {
            for staff in item.directory.with_filter() {
                if holds(&staff.filter_id).await? {
                    return Ok(Some(format!("the list of {} shows it", staff.person.label())));
                }
            }
        }
        Ok(None)
    }

    /// Never told as done: it may be nothing, or come later.
    fn unconfirmed(&self, why: &str, reply: &Reply) -> Verdict {
        let said = match reply.warnings().first() {
            Some(warning) => format!("; Capillary warned: {}", short(&warning.to_string())),
            None if reply.body.is_none() && !reply.answer.body.is_empty() => {
                "; Capillary answered something that is no JSON".to_owned()
            }
            None => String::new(),
        };
        let seconds = self.settings.confirm_within.max(Duration::from_secs(1)).as_secs();
        let why = format!("accepted but not confirmed within {seconds} s: {why}{said}{}", reply.request_id());
        let verdict = Verdict::of(WriteOutcome::Queued(why));
        let unconfirmed = self.unconfirmed.fetch_add(1, Ordering::Relaxed) + 1;
        if unconfirmed < MOST_UNCONFIRMED {
            return verdict;
        }
        self.unconfirmed.store(0, Ordering::Relaxed);
        let message = format!(
            "Capillary (profile {}) accepted {unconfirmed} changes in a row that its owner filter does not show, so nothing \
             more was sent",
            self.profile
        );
        let remedy = "Likely causes: a user name that it does not know (owner_write_field), an owner filter that wants \
                      another id (owner_filter_field), an owner of another store, or a search index that lags behind \
                      (confirm_within_s). doctor tries the settings out.";
        verdict.halting(VendorError::new(ErrorKind::Setting, message).with_remedy(remedy))
    }
}

fn short(text: &str) -> SafeText {
    SafeText::new(&text.chars().take(200).collect::<String>())
}
