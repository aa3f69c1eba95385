//! Changes that are compared: the first of a session, and all of them where a lead is written back whole.
//!
//! PUT may mean "change these fields" or "this is the whole lead". No page says which for leads, so the first change of a
//! session goes out alone and the lead is compared with what it was. Where the rest of it is gone, it is put back at once
//! and nothing more is sent.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::MutexGuard;

use super::StateSet;
use super::bulk;
use super::compare::{Damage, whole};
use super::owner::Raw;
use super::settings::UpdateMode;
use super::walk::Asking;
use super::writing::{Item, Way};
use crate::domain::{Agreement, safe_text};
use crate::vendor::findings::listed;
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, VendorError, WriteOutcome};

/// Tries to put back what a change destroyed.
const TRIES: usize = 3;

/// The longest that such a try waits for the rate limit.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether the first change by each way was compared, and what was found.
#[derive(Default)]
pub struct FirstWrites {
    single: AtomicBool,
    bulk: AtomicBool,
    /// Who holds it is the only one to write.
    turn: tokio::sync::Mutex<()>,
    /// The server destroys what is not sent. Nothing more may be sent as before.
    trap: OnceLock<VendorError>,
}

impl FirstWrites {
    fn compared(&self, way: Way) -> &AtomicBool {
        match way {
            Way::Single => &self.single,
            Way::Bulk => &self.bulk,
        }
    }

    /// Takes it for done.
    #[cfg(test)]
    pub fn skip(&self) {
        self.single.store(true, Ordering::Release);
        self.bulk.store(true, Ordering::Release);
    }

    /// `Some` when this is the first change by this way: it is the only one as long as the guard is held. The error says
    /// why nothing may be sent any more.
    pub async fn enter(&self, way: Way) -> Result<Option<MutexGuard<'_, ()>>, VendorError> {
        let mut turn = None;
        if !self.compared(way).load(Ordering::Acquire) {
            turn = Some(self.turn.lock().await);
        }
        if let Some(trap) = self.trap.get() {
            return Err(trap.clone());
        }
        // Whoever was before us may have done it.
        Ok(turn.filter(|_| !self.compared(way).load(Ordering::Acquire)))
    }
}

impl StateSet {
    /// Reads the lead, changes it, and (for a first change, whose turn is `first`) reads it again and compares.
    pub(super) async fn write_carefully(
        &self,
        way: Way,
        item: &Item<'_>,
        first: Option<MutexGuard<'_, ()>>,
        asking: &Asking,
    ) -> Verdict {
        let before = match self.read_lead(&item.lead, asking).await {
            Ok(lead) => lead,
            Err(error) if error.kind == ErrorKind::NotFound => {
                return Verdict::of(WriteOutcome::Failed(error.message)).troubled(error.kind);
            }
            // An id that no address can hold, an answer that is no lead.
            Err(error) if matches!(error.kind, ErrorKind::Refused | ErrorKind::NotSupported) => {
                return Verdict::of(WriteOutcome::Failed(format!("not sent: {}", error.message)));
            }
            Err(error) => return Verdict::not_sent(error),
        };
        if let Some(verdict) = self.drift(item, &before, asking).await {
            return verdict;
        }
        let field = &self.settings.owner_field;
        let body = match (way, self.settings.update_mode) {
            (Way::Bulk, _) => bulk::body(self.settings.bulk_mode, field, &[item]),
            (Way::Single, UpdateMode::Merge) => Value::Object(whole(&before, field, item.written.json())),
            (Way::Single, UpdateMode::Partial) => json!({ field: item.written.json() }),
        };
        let answer = match self.send(way, &[item], &body, asking).await {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let Some(_first) = first else { return self.judge(item, &answer, asking).await };
        let after = match self.read_lead(&item.lead, asking).await {
            Ok(lead) => lead,
            Err(error) => {
                let kind = error.kind;
                return Verdict::unknown(format!("it could not be read back: {}", error.message)).troubled(kind);
            }
        };
        let found = Raw::of(&after, field);
        let (directory, _) = self.users_for(found.text(), asking).await;
        let verdict = self.verdict_of(item, &found, &answer, &directory);
        let damage = Damage::between(&before, &after, field);
        if damage.is_none() {
            if verdict.outcome == WriteOutcome::Done {
                self.first.compared(way).store(true, Ordering::Release);
            }
            return verdict;
        }
        let trap = self.trap(way, item, &damage, &before, &after, asking).await;
        if !damage.lost.is_empty() && self.settings.update_mode == UpdateMode::Partial {
            // It will do so again as long as the settings are what they are.
            let _ = self.first.trap.set(trap.clone());
        }
        verdict.halting(trap)
    }

    /// Somebody changed the owner since it was shown: then nothing is sent.
    async fn drift(&self, item: &Item<'_>, lead: &Map<String, Value>, asking: &Asking) -> Option<Verdict> {
        let was = &item.change.before;
        if !was.is_known() {
            return None;
        }
        let expected = [was.clone(), item.change.after.clone()];
        let raw = Raw::of(lead, &self.settings.owner_field);
        let (directory, _) = self.users_for(raw.text(), asking).await;
        let now = raw.read_expecting(&directory, self.settings.owner_value, &expected);
        let outcome = match was.agrees_with(&now) {
            Agreement::Same => return None,
            Agreement::Different => WriteOutcome::Drifted { now },
            Agreement::CannotTell => WriteOutcome::Failed(
                "not sent: its present owner cannot be compared with the one that was shown".to_owned(),
            ),
        };
        Some(Verdict::of(outcome))
    }

    /// What the change did beside changing the owner, mended where that can be done.
    async fn trap(
        &self,
        way: Way,
        item: &Item<'_>,
        damage: &Damage,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        asking: &Asking,
    ) -> VendorError {
        let profile = &self.profile;
        let fields = |keys: &[String]| listed(keys.iter().map(|key| safe_text::visible(key).into_owned()));
        let is_partial = self.settings.update_mode == UpdateMode::Partial;
        if damage.lost.is_empty() {
            let message = format!(
                "StateSet (profile {profile}) changed other fields of lead {} than its owner ({}), so nothing more was sent",
                item.lead,
                fields(&damage.changed)
            );
            let remedy = "Look at that lead. If somebody else has just changed it, or it is meant to be so, go on; if the \
                          server put these in because they were not sent, set update_mode = \"merge\" in the profile.";
            return VendorError::new(ErrorKind::Setting, message).with_remedy(remedy);
        }
        let mended = is_partial && self.mend(item, damage, before, after, asking).await;
        let then = if mended { "they were put back" } else { "they could not be put back" };
        let message = format!(
            "StateSet (profile {profile}) replaces a lead instead of changing it: lead {} lost {} when its owner was \
             written; {then}, and nothing more was sent",
            item.lead,
            fields(&damage.lost)
        );
        let remedy = if way == Way::Bulk {
            "Set bulk_mode = \"none\" in the profile; should single changes do the same, update_mode = \"merge\" writes each \
             lead back whole."
        } else if is_partial {
            "Set update_mode = \"merge\" in the profile, so that each lead is written back whole."
        } else {
            "Whole leads are written already (update_mode = \"merge\"), and still this server loses fields: do not change \
             owners there."
        };
        VendorError::new(ErrorKind::Setting, message).with_remedy(remedy)
    }

    /// Puts back what a change destroyed: we did it, and we know what was there. True when it is there again.
    async fn mend(
        &self,
        item: &Item<'_>,
        damage: &Damage,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        asking: &Asking,
    ) -> bool {
        let field = &self.settings.owner_field;
        let owner = after.get(field).cloned().unwrap_or(Value::Null);
        let body = Value::Object(whole(&damage.mended(before, after), field, owner));
        for _ in 0..TRIES {
            match self.send(Way::Single, &[item], &body, asking).await {
                Ok(_) => break,
                Err(Verdict { outcome: WriteOutcome::NotApplied { retry_after, .. }, .. }) => {
                    tokio::time::sleep(retry_after.unwrap_or_default().min(LONGEST_PAUSE)).await;
                }
                // What came of it is read below.
                Err(_) => break,
            }
        }
        let read = self.read_lead(&item.lead, asking).await;
        read.is_ok_and(|lead| {
            Damage::between(before, &lead, field).is_none() && Raw::of(&lead, field) == Raw::of(after, field)
        })
    }
}
