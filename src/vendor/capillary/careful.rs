//! The first change of a session. It goes out alone, after it was made sure that the owner filter is heeded, and the lead
//! is compared with what it was: nobody says whether a change replaces what is not sent along.
//!
//! A lead without a field cannot lose it. So the first change of a lead that has a field which no compared one had is
//! compared in the same way.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::MutexGuard;

use super::Capillary;
use super::lead::extended_fields;
use super::walk::Row;
use super::writing::{Item, not_read};
use crate::domain::safe_text;
use crate::vendor::asking::Asking;
use crate::vendor::findings::listed;
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, VendorError, WriteOutcome};

/// Fields beside the owner that a change must leave as they are.
const COMPARED: [&str; 5] = ["status", "subStatus", "leadFor", "type", "nextFollowUp"];

/// Lists that must not get shorter.
const DETAILS: [&str; 2] = ["followUpDetails", "statusLogDetails"];

const EXTENDED: &str = "extendedFields";

/// Tries to put back what a change destroyed.
const TRIES: usize = 3;

/// The longest that such a try waits for the rate limit.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An owner that no organisation has, to see whether the filter is heeded.
pub const NOBODYS_ID: &str = "0";

/// Whether the first change was compared, and what was found.
#[derive(Default)]
pub struct FirstWrite {
    compared: AtomicBool,
    /// Fields that a compared change left as they were.
    kept: Mutex<BTreeSet<&'static str>>,
    /// Who holds it is the only one to write.
    turn: tokio::sync::Mutex<()>,
    /// The server destroys what is not sent. Nothing more may be sent as before.
    trap: OnceLock<VendorError>,
}

impl FirstWrite {
    /// `Some` when this is the first change, or the first of a lead with one of `fields`: it is the only one that may be so
    /// as long as the guard is held. The error says why nothing may be sent any more.
    pub async fn enter(&self, fields: &BTreeSet<&'static str>) -> Result<Option<MutexGuard<'_, ()>>, VendorError> {
        let turn = match self.is_known_to_keep(fields) {
            true => None,
            false => Some(self.turn.lock().await),
        };
        match self.trap.get() {
            Some(trap) => Err(trap.clone()),
            // Whoever was before us may have done it.
            None => Ok(turn.filter(|_| !self.is_known_to_keep(fields))),
        }
    }

    pub fn was_compared(&self) -> bool {
        self.compared.load(Ordering::Acquire)
    }

    fn is_known_to_keep(&self, fields: &BTreeSet<&'static str>) -> bool {
        self.was_compared() && fields.is_subset(&self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note_kept(&self, row: &Row) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(fields_of(row));
        self.compared.store(true, Ordering::Release);
    }

    /// Takes it for done.
    #[cfg(test)]
    pub fn skip(&self) {
        self.kept.lock().unwrap().extend(COMPARED.iter().chain(&DETAILS).chain(&[EXTENDED]));
        self.compared.store(true, Ordering::Release);
    }
}

/// Fields of a lead that a change could make it lose.
pub fn fields_of(row: &Row) -> BTreeSet<&'static str> {
    let filled = |key: &&str| row.get(*key).is_some_and(|value| !is_blank(Some(value)));
    let listed = |key: &&str| row.get(*key).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let extended = extended_fields(row).is_some_and(|fields| !fields.is_empty());
    let mut fields: BTreeSet<&'static str> = COMPARED.into_iter().filter(filled).collect();
    fields.extend(DETAILS.into_iter().filter(listed));
    fields.extend(extended.then_some(EXTENDED));
    fields
}

fn is_blank(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value == "")
}

/// What is not as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Damage {
    lost: Vec<String>,
    changed: Vec<String>,
}

impl Damage {
    fn between(before: &Row, after: &Row) -> Self {
        let mut damage = Self::default();
        for key in COMPARED {
            damage.compare(key, before.get(key), after.get(key));
        }
        let no_fields = Row::new();
        let now = extended_fields(after).unwrap_or(&no_fields);
        for (key, was) in extended_fields(before).unwrap_or(&no_fields) {
            damage.compare(&format!("extendedFields.{key}"), Some(was), now.get(key));
        }
        for key in DETAILS {
            let length = |row: &Row| row.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            if length(after) < length(before) {
                damage.lost.push(key.to_owned());
            }
        }
        damage
    }

    fn compare(&mut self, key: &str, was: Option<&Value>, now: Option<&Value>) {
        if is_blank(was) || was == now {
            return;
        }
        let list = if is_blank(now) { &mut self.lost } else { &mut self.changed };
        list.push(key.to_owned());
    }

    fn is_none(&self) -> bool {
        self.lost.is_empty() && self.changed.is_empty()
    }

    fn is_in_extended_fields(&self) -> bool {
        self.lost.iter().any(|key| key.starts_with("extendedFields."))
    }
}

impl Capillary {
    pub(super) async fn write_carefully(&self, item: &Item<'_>, first: MutexGuard<'_, ()>, asking: &Asking) -> Verdict {
        let before = match self.read_row(&item.lead, &item.customer, asking).await {
            Ok(row) => row,
            Err(error) => return not_read(error),
        };
        if let Err(error) = self.prove_filter(item, asking).await {
            return not_read(error);
        }
        let echoed = extended_fields(&before).filter(|_| self.settings.echo_extended_fields);
        let reply = match self.send(item, echoed, asking).await {
            Ok(reply) => reply,
            Err(verdict) => return verdict,
        };
        let verdict = self.judge(item, &reply, asking).await;
        let after = match self.read_row(&item.lead, &item.customer, asking).await {
            Ok(row) => row,
            Err(error) => {
                // It cannot be told whether anything was lost, so the next change is a first one again.
                tracing::warn!(profile = %self.profile, lead = %item.lead, %error, "the first change was not compared");
                return verdict;
            }
        };
        let damage = Damage::between(&before, &after);
        if damage.is_none() {
            if matches!(verdict.outcome, WriteOutcome::Done | WriteOutcome::DoneWith(_)) {
                self.first.note_kept(&before);
            }
            drop(first);
            return verdict;
        }
        let trap = self.trap(item, &damage, &before, asking).await;
        if !damage.lost.is_empty() {
            // It will do so again as long as the settings are what they are.
            let _ = self.first.trap.set(trap.clone());
        }
        verdict.halting(trap)
    }

    /// Makes sure that the owner filter is heeded: some list must not have the lead. Otherwise every change would seem
    /// confirmed.
    async fn prove_filter(&self, item: &Item<'_>, asking: &Asking) -> Result<(), VendorError> {
        if self.filter_is_heeded.load(Ordering::Relaxed) {
            return Ok(());
        }
        let others = item.directory.with_filter().map(|staff| staff.filter_id.as_str());
        let others = others.filter(|id| Some(*id) != item.goal.filter_id.as_deref()).take(2).chain([NOBODYS_ID]);
        for filter_id in item.goal.filter_id.as_deref().into_iter().chain(others) {
            if !self.holds(filter_id, &item.customer, &item.lead, asking).await? {
                self.filter_is_heeded.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
        let message = format!(
            "Capillary (profile {}) lists lead {} whichever owner is asked for, as if it ignored the owner filter: no change \
             could be confirmed, so nothing was sent",
            self.profile, item.lead
        );
        let remedy = "Set owner_filter_field to the field that this deployment wants; doctor tries it out.";
        Err(VendorError::new(ErrorKind::Setting, message).with_remedy(remedy))
    }

    /// What the change did beside changing the owner, mended where that can be done.
    async fn trap(&self, item: &Item<'_>, damage: &Damage, before: &Row, asking: &Asking) -> VendorError {
        let (profile, lead) = (&self.profile, &item.lead);
        let fields = |keys: &[String]| listed(keys.iter().map(|key| safe_text::visible(key).into_owned()));
        if damage.lost.is_empty() {
            let message = format!(
                "Capillary (profile {profile}) changed other fields of lead {lead} than its owner ({}), so nothing more was \
                 sent",
                fields(&damage.changed)
            );
            let remedy = "Look at that lead. If somebody else has just changed it, go on.";
            return VendorError::new(ErrorKind::Setting, message).with_remedy(remedy);
        }
        let mended = damage.is_in_extended_fields() && self.mend(item, before, asking).await;
        let then = if mended { "they were put back" } else { "they could not be put back" };
        let message = format!(
            "Capillary (profile {profile}) replaces a lead instead of changing it: lead {lead} lost {} when its owner was \
             written; {then}, and nothing more was sent",
            fields(&damage.lost)
        );
        let remedy = if self.settings.echo_extended_fields {
            "Extended fields are sent along already (echo_extended_fields), and still this server loses fields: do not \
             change owners there."
        } else {
            "Set echo_extended_fields = true in the profile, so that extended fields are sent along."
        };
        VendorError::new(ErrorKind::Setting, message).with_remedy(remedy)
    }

    /// Puts the extended fields back: we destroyed them, and we know what was there. True when all is there again.
    async fn mend(&self, item: &Item<'_>, before: &Row, asking: &Asking) -> bool {
        let fields = extended_fields(before);
        for _ in 0..TRIES {
            match self.send(item, fields, asking).await {
                Ok(_) => break,
                Err(Verdict { outcome: WriteOutcome::NotApplied { retry_after, .. }, .. }) => {
                    tokio::time::sleep(retry_after.unwrap_or_default().min(LONGEST_PAUSE)).await;
                }
                // What came of it is read below.
                Err(_) => break,
            }
        }
        let read = self.read_row(&item.lead, &item.customer, asking).await;
        read.is_ok_and(|row| Damage::between(before, &row).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn damage(before: Value, after: Value) -> (Vec<String>, Vec<String>) {
        let row = |value: &Value| value.as_object().cloned().unwrap();
        let damage = Damage::between(&row(&before), &row(&after));
        (damage.lost, damage.changed)
    }

    #[test]
    fn what_a_lead_could_lose() {
        let of = |row: Value| fields_of(row.as_object().unwrap()).into_iter().collect::<Vec<_>>();
        assert_eq!(
            of(json!({"id": 1, "subStatus": "", "nextFollowUp": null, "extendedFields": {}, "followUpDetails": []})),
            [""; 0]
        );
        let full = json!({"subStatus": "HOT", "extendedFields": {"a": "b"}, "followUpDetails": [1], "other": 1});
        assert_eq!(of(full), ["extendedFields", "followUpDetails", "subStatus"]);
    }

    #[test]
    fn what_a_change_must_leave_as_it_is() {
        let before = json!({
            "id": 1, "status": "OPEN", "subStatus": "", "leadFor": "Shoe", "type": "SKU", "lastUpdatedOn": "a",
            "nextFollowUp": "2026-12-01T00:00:00Z", "extendedFields": {"trial": "Done", "size": "9", "note": ""},
            "followUpDetails": [1, 2], "statusLogDetails": [1]
        });
        assert_eq!(damage(before.clone(), before.clone()), (vec![], vec![]));
        let after = json!({
            "id": 1, "status": "OPEN", "subStatus": "new", "leadFor": "Shoe", "type": "BRAND", "lastUpdatedOn": "b",
            "nextFollowUp": null, "extendedFields": {"trial": "Open", "other": "x"}, "followUpDetails": [1],
            "statusLogDetails": [1, 2]
        });
        let (lost, changed) = damage(before, after);
        assert_eq!(lost, ["nextFollowUp", "extendedFields.size", "followUpDetails"]);
        assert_eq!(changed, ["type", "extendedFields.trial"]);
    }
}
