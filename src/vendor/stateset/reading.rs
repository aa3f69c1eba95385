//! Reading leads one by one, and reading back what became of many.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::StateSet;
use super::envelope;
use super::lead;
use super::owner::Raw;
use super::walk::Asking;
use crate::domain::{LeadId, LeadRecord};
use crate::vendor::fields;
use crate::vendor::{ErrorKind, Observation, Session, Target, VendorError};

/// What is in the owner field of leads, or why that is not known.
pub type Owners = HashMap<LeadId, Result<Raw, VendorError>>;

impl StateSet {
    /// One lead as the server has it.
    pub(super) async fn read_lead(&self, id: &LeadId, asking: &Asking) -> Result<Map<String, Value>, VendorError> {
        let call = self.get(&self.settings.get_path.with(id.as_str()), asking)?;
        let answer = self.http.read_any(&call).await?;
        if answer.status.as_u16() == 404 {
            let message = format!("StateSet (profile {}) has no lead {id} (404)", self.profile);
            return Err(VendorError { status: Some(404), ..VendorError::new(ErrorKind::NotFound, message) });
        }
        let answer = answer.or_error()?;
        let body = answer.json()?;
        if envelope::says_it_failed(&body) {
            return Err(envelope::failed(&answer));
        }
        let Some(mut lead) = envelope::lead(body, &self.settings.owner_field) else {
            return Err(answer.garbled("it is not a lead"));
        };
        match lead.get("id") {
            None => {
                lead.insert("id".to_owned(), Value::String(id.as_str().to_owned()));
            }
            Some(found) if fields::id(Some(found)).is_some_and(|found| found == id.as_str()) => {}
            Some(_) => return Err(answer.garbled(format!("it is about another lead than {id}"))),
        }
        Ok(lead)
    }

    /// One lead with every field, for somebody who waits for it.
    pub(super) async fn read_record(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        let asking = Asking::hot();
        let fields = self.read_lead(id, &asking).await?;
        let raw = Raw::of(&fields, &self.settings.owner_field);
        // Where users cannot be listed, the text is shown as it is.
        let (directory, _) = self.users_for(raw.text(), &asking).await;
        Ok(lead::record(id.clone(), &fields, &self.settings.owner_field, &directory))
    }

    pub(super) async fn observe_all(&self, targets: &[Target], session: &Session) -> Vec<Observation> {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let found = self.read_owners(targets.iter().map(|target| LeadId::from(target.id.clone())), &asking).await;
        let texts = found.values().filter_map(|raw| raw.as_ref().ok()?.text());
        let (directory, _) = self.users_for(texts, &asking).await;
        let missed = || VendorError::new(ErrorKind::Garbled, "it was not read");
        targets
            .iter()
            .map(|target| {
                let raw = found.get(&LeadId::from(target.id.clone())).cloned().unwrap_or_else(|| Err(missed()));
                let now = raw.map(|raw| raw.read_expecting(&directory, self.settings.owner_value, &target.candidates));
                Observation { now, scope: None }
            })
            .collect()
    }

    /// The owners of leads, from the list or by asking for each, whichever takes fewer requests.
    pub(super) async fn read_owners(&self, ids: impl Iterator<Item = LeadId>, asking: &Asking) -> Owners {
        let mut open: HashSet<LeadId> = ids.collect();
        let mut listed = Vec::new();
        let searched = self.find_in_list(&mut open, &mut listed, asking).await;
        let mut found: Owners = listed.into_iter().map(|(id, raw)| (id, Ok(raw))).collect();
        match searched {
            Ok(()) => found.extend(self.read_each(open, asking).await),
            Err(error) => found.extend(open.into_iter().map(|id| (id, Err(error.clone())))),
        }
        found
    }

    /// Asks for each lead, several at a time. When the server is gone or refuses the credentials, the rest is not asked
    /// for: a thousand more tries would say the same.
    async fn read_each(&self, open: HashSet<LeadId>, asking: &Asking) -> Vec<(LeadId, Result<Raw, VendorError>)> {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let reads = open.into_iter().map(|id| async move {
            if let Some(error) = gone.get() {
                return (id, Err(error.clone()));
            }
            let read = self.read_lead(&id, asking).await;
            if let Err(error) = &read
                && matches!(error.kind, ErrorKind::SignIn | ErrorKind::Unreachable | ErrorKind::Setting)
            {
                // The first one is told; the others that were on the way say the same.
                let _ = gone.set(error.clone());
            }
            (id, read.map(|lead| Raw::of(&lead, &self.settings.owner_field)))
        });
        futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel).collect().await
    }
}
