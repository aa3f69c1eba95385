//! The rules that the contract has for clients. Breaking one is not an error of the server's, so it is only logged.

use std::collections::HashSet;
use std::time::Duration;

use super::Kenbun;
use super::access::Who;
use super::assigning::Assignment;
use crate::sim::vendor::Trace;

/// After this long without choosing the unit again a single write is careless (30 s in the contract, and some slack).
const UNIT_AGE: Duration = Duration::from_secs(35);

impl Kenbun {
    /// Looks at an assignment, single or bulk.
    pub fn judge_assignment(&self, who: Who, body: &Assignment, bulk: bool, trace: &Trace) {
        match (&body.owner_id, &body.owner_name) {
            (None, _) => trace.complain("owner_id is missing, which unassigns"),
            (_, None) => trace.complain("owner_name is missing: both fields are to be sent always"),
            (Some(Some(id)), _) if id.is_empty() => trace.complain("owner_id is empty, which unassigns"),
            (Some(None), Some(Some(_))) => trace.complain("owner_name beside a null owner_id: it unassigns"),
            (Some(Some(_)), Some(None)) => trace.complain("owner_id without a name"),
            _ => {}
        }
        let mut access = self.access();
        let session = access.session(who);
        // Only a client that chooses its unit can be expected to choose it again.
        let Some(chosen_at) = session.chosen_at else { return };
        if bulk {
            match session.fresh_choices.checked_sub(1) {
                Some(left) => session.fresh_choices = left,
                None => trace.complain("a bulk call without choosing the organizational unit right before it"),
            }
        } else if chosen_at.elapsed() > UNIT_AGE {
            trace.complain("the organizational unit was chosen too long ago");
        }
    }

    /// Looks at the ids of a bulk call.
    pub fn judge_ids(&self, ids: &[&str], trace: &Trace) {
        let distinct: HashSet<_> = ids.iter().collect();
        if distinct.len() < ids.len() {
            trace.complain("lead_ids has duplicates");
        }
        if ids.is_empty() || ids.len() > 500 {
            trace.complain(format!("lead_ids has {} ids", ids.len()));
        }
    }
}
