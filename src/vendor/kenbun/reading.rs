//! Reading leads one by one, and reading back what became of many.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::StreamExt;
use serde_json::Value;

use super::Kenbun;
use super::lead::record;
use super::unit::{Purpose, refusal};
use crate::domain::{Assignment, LeadId, LeadRecord};
use crate::vendor::{ErrorKind, Observation, Session, Target, VendorError};

/// Up to this many leads are read one by one when it is not known how long the list is.
const FEW: usize = 10;

impl Kenbun {
    /// One lead with every field. The unit has to be chosen by the caller's purpose.
    pub(super) async fn read_lead(
        &self,
        id: &LeadId,
        unit: Option<&str>,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<LeadRecord, VendorError> {
        let call = self.get(&["lead", id.as_str()])?.hot(hot).counted_by(meter);
        let answer = self.ask(&call, unit, purpose, hot, meter).await?;
        if answer.status.as_u16() == 404 {
            let place =
                if unit.is_some() { "in this organizational unit" } else { "in the active organizational unit" };
            let message = format!("kenbun (profile {}) has no lead {id} {place} (404)", self.profile);
            return Err(VendorError { status: Some(404), ..VendorError::new(ErrorKind::NotFound, message) });
        }
        if !answer.is_success() {
            return Err(refusal(&answer));
        }
        let mut body = answer.json()?;
        if let Some(inner) = body.get_mut("lead").filter(|inner| inner.is_object()) {
            body = inner.take();
        }
        let Value::Object(fields) = &mut body else { return Err(answer.garbled("it is not a lead")) };
        // Nothing in it would mean "nobody" to the reader of owner_name, so an empty object is no lead.
        if !["lead_id", "org_id", "owner_name", "metadata", "score"].iter().any(|key| fields.contains_key(*key)) {
            return Err(answer.garbled("it has no field of a lead"));
        }
        fields.entry("lead_id").or_insert_with(|| Value::String(id.as_str().to_owned()));
        let lead = record(&body).map_err(|why| answer.garbled(why))?;
        if lead.id != *id {
            // A merged lead may answer for another one: that one was not asked for.
            return Err(answer.garbled(format!("it is about the lead {}, not {id}", lead.id)));
        }
        Ok(lead)
    }

    pub(super) async fn observe_all(&self, targets: &[Target], session: &Session) -> Vec<Observation> {
        let meter = Arc::default();
        let unit = self.unit_of(session);
        let purpose = if session.undo { Purpose::Undo } else { Purpose::NewReading };
        if let Err(error) = self.enter(unit.as_deref(), purpose, session.hot, &meter).await {
            return targets.iter().map(|_| failed(&error)).collect();
        }
        let mut found: HashMap<LeadId, Result<Assignment, VendorError>> = HashMap::new();
        let mut open: HashSet<LeadId> = targets.iter().map(|target| LeadId::from(target.id.clone())).collect();
        if let Err(error) = self.find_in_list(&mut open, &mut found, unit.as_deref(), session.hot, &meter).await {
            found.extend(open.drain().map(|id| (id, Err(error.clone()))));
        }
        found.extend(self.read_each(open, unit.as_deref(), session.hot, &meter).await);
        targets
            .iter()
            .map(|target| Observation {
                now: found.get(&LeadId::from(target.id.clone())).cloned().unwrap_or(Ok(Assignment::Unknown)),
                scope: None,
            })
            .collect()
    }

    /// Looks for leads in the list where that takes fewer requests than asking for each. What is not found there stays
    /// in `open`: only asking for it tells whether it exists.
    async fn find_in_list(
        &self,
        open: &mut HashSet<LeadId>,
        found: &mut HashMap<LeadId, Result<Assignment, VendorError>>,
        unit: Option<&str>,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<(), VendorError> {
        // No address can hold such an id, but the list can.
        let only_listed = open.iter().any(|id| matches!(id.as_str(), "." | ".."));
        let pages = |total: usize| total.div_ceil(self.page_size.load(Ordering::Relaxed).max(1));
        let list_is_cheaper = match self.total.load(Ordering::Relaxed) {
            0 => open.len() > FEW,
            total => open.len() > pages(total),
        };
        if !list_is_cheaper && !only_listed {
            return Ok(());
        }
        let mut read = 0;
        let walked = self
            .walk_once(unit, hot, meter, &mut HashSet::new(), &mut |leads, total| {
                read += 1;
                for lead in leads {
                    if open.remove(&lead.id) {
                        found.insert(lead.id, Ok(lead.owner));
                    }
                }
                // What the list was thought to cost came from an older reading.
                let left = total.map_or(0, |total| pages(total).saturating_sub(read));
                if open.is_empty() || (!only_listed && left > open.len()) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .await;
        match walked {
            Ok(_) => Ok(()),
            // The list does not work; asking for each lead may.
            Err(error)
                if matches!(
                    error.kind,
                    ErrorKind::Garbled | ErrorKind::Forbidden | ErrorKind::Refused | ErrorKind::NotFound
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for each lead, several at a time. When the server is gone or refuses the credentials, the rest is not asked
    /// for: a thousand more tries would say the same.
    async fn read_each(
        &self,
        open: HashSet<LeadId>,
        unit: Option<&str>,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Vec<(LeadId, Result<Assignment, VendorError>)> {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let reads = open.into_iter().map(|id| async move {
            if let Some(error) = gone.get() {
                return (id, Err(error.clone()));
            }
            let read = self.read_lead(&id, unit, Purpose::Reading, hot, meter).await;
            if let Err(error) = &read
                && matches!(error.kind, ErrorKind::SignIn | ErrorKind::Unreachable | ErrorKind::Setting)
            {
                // The first one is told; the others that were on the way say the same.
                let _ = gone.set(error.clone());
            }
            (id, read.map(|lead| lead.owner))
        });
        futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel).collect().await
    }
}

fn failed(error: &VendorError) -> Observation {
    Observation { now: Err(error.clone()), scope: None }
}
