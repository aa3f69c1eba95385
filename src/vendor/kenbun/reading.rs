//! Reading leads one by one, and reading back what became of many.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::StreamExt;
use serde_json::Value;

use super::Kenbun;
use super::lead::record;
use super::unit::{Purpose, refusal};
use crate::domain::{LeadId, LeadRecord};
use crate::vendor::open::Open;
use crate::vendor::seen::Seen;
use crate::vendor::{ErrorKind, Found, Observation, Session, Targets, VendorError};

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

    /// Reads targets from the list, walking over it once, or by asking for each, whichever takes fewer requests.
    pub(super) async fn observe_all(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let meter = Arc::default();
        let unit = self.unit_of(session);
        let within = Within {
            unit: unit.as_deref(),
            // A long reading takes minutes: the choice of the unit does not get older than that of a short one.
            purpose: if session.undo { Purpose::Undo } else { Purpose::NewReading },
            hot: session.hot,
            meter: &meter,
        };
        if let Err(error) = self.enter(within.unit, within.purpose, within.hot, &meter).await {
            (0..targets.len()).for_each(|number| found(number, Observation::failed(&error)));
            return;
        }
        let mut open = Open::of(targets);
        match self.find_in_list(targets, &mut open, found, within).await {
            Ok(()) => self.read_each(targets, open, found, within).await,
            Err(error) => open.take_all(|number| found(number, Observation::failed(&error))),
        }
    }

    /// Looks for leads in the list where that takes fewer requests than asking for each. What is not found there stays
    /// in `open`: only asking for it tells whether it exists.
    async fn find_in_list(
        &self,
        targets: &dyn Targets,
        open: &mut Open<'_>,
        found: &mut Found<'_>,
        within: Within<'_>,
    ) -> Result<(), VendorError> {
        // No address can hold such an id, but the list can.
        let only_listed = (0..targets.len()).any(|number| matches!(targets.id(number), "." | ".."));
        let pages = |total: usize| total.div_ceil(self.page_size.load(Ordering::Relaxed).max(1));
        let known = Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0);
        if !open.are_cheaper_in_a_list(known.map(pages)) && !only_listed {
            return Ok(());
        }
        let mut read = 0;
        let mut take = |leads: Vec<LeadRecord>, total: Option<usize>| {
            read += 1;
            let before = open.len();
            for lead in leads {
                open.take(lead.id.as_str(), |number| found(number, Observation::of(lead.owner.clone())));
            }
            let left = total.map(|total| pages(total).saturating_sub(read));
            let goes_on = open.is_worth_another_page(before - open.len(), left);
            if goes_on || (only_listed && !open.is_empty()) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let Within { unit, purpose, hot, meter } = within;
        // A lead that comes twice was taken the first time, so of this list no more is kept than its pages.
        match self.walk_once(unit, purpose, hot, meter, &mut Seen::pages(), &mut take).await {
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

    /// Asks for each lead that is open, several at a time. When the server is gone or refuses the credentials, the rest is
    /// not asked for: a thousand more tries would say the same.
    async fn read_each(&self, targets: &dyn Targets, mut open: Open<'_>, found: &mut Found<'_>, within: Within<'_>) {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let reads = open.rest().into_iter().map(|number| async move {
            let id = LeadId::new(targets.id(number as usize));
            if let Some(error) = gone.get() {
                return (id, Err(error.clone()));
            }
            let read = self.read_lead(&id, within.unit, within.purpose, within.hot, within.meter).await;
            if let Err(error) = &read
                && matches!(error.kind, ErrorKind::SignIn | ErrorKind::Unreachable | ErrorKind::Setting)
            {
                // The first one is told; the others that were on the way say the same.
                let _ = gone.set(error.clone());
            }
            (id, read.map(|lead| lead.owner))
        });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel);
        while let Some((id, now)) = reads.next().await {
            open.take(id.as_str(), |number| found(number, Observation { now: now.clone(), scope: None }));
        }
    }
}

/// How the requests of one reading are sent.
#[derive(Clone, Copy)]
struct Within<'a> {
    unit: Option<&'a str>,
    purpose: Purpose,
    hot: bool,
    meter: &'a Arc<AtomicUsize>,
}
