//! Reading leads one by one, and reading back what became of many.

use std::sync::OnceLock;

use futures_util::StreamExt;
use serde_json::{Map, Value};

use super::StateSet;
use super::envelope;
use super::lead;
use super::owner::Raw;
use super::users::Directory;
use super::walk::Asking;
use crate::domain::{LeadId, LeadRecord};
use crate::vendor::fields;
use crate::vendor::open::Open;
use crate::vendor::{ErrorKind, Found, Observation, Session, Targets, VendorError};

/// Is told a target's number, what is in the owner field of the lead or why that is not known, and the users of whom that
/// may tell.
pub type Told<'a> = dyn FnMut(usize, Result<&Raw, &VendorError>, &Directory) + Send + 'a;

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

    pub(super) async fn observe_all(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let value = self.settings.owner_value;
        let mut told = |number: usize, raw: Result<&Raw, &VendorError>, directory: &Directory| {
            let now = match raw {
                Ok(raw) => Ok(raw.read_expecting(directory, value, &targets.get(number).candidates)),
                Err(error) => Err(error.clone()),
            };
            found(number, Observation { now, scope: None });
        };
        self.read_owners(targets, &asking, &mut told).await;
    }

    /// The owners of leads, from the list, walking over it once, or by asking for each, whichever takes fewer requests.
    pub(super) async fn read_owners(&self, targets: &dyn Targets, asking: &Asking, told: &mut Told<'_>) {
        let mut open = Open::of(targets);
        match self.find_in_list(&mut open, told, asking).await {
            Ok(()) => self.read_each(targets, open, told, asking).await,
            Err(error) => {
                let directory = self.known_users();
                open.take_all(|number| told(number, Err(&error), &directory));
            }
        }
    }

    /// Asks for each lead that is open, several at a time. When the server is gone or refuses the credentials, the rest is
    /// not asked for: a thousand more tries would say the same.
    async fn read_each(&self, targets: &dyn Targets, mut open: Open<'_>, told: &mut Told<'_>, asking: &Asking) {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let reads = open.rest().into_iter().map(|number| async move {
            let id = LeadId::new(targets.id(number as usize));
            if let Some(error) = gone.get() {
                return (id, Err(error.clone()), self.known_users());
            }
            match self.read_lead(&id, asking).await {
                Ok(lead) => {
                    let raw = Raw::of(&lead, &self.settings.owner_field);
                    let (directory, _) = self.users_for(raw.text(), asking).await;
                    (id, Ok(raw), directory)
                }
                Err(error) => {
                    if matches!(error.kind, ErrorKind::SignIn | ErrorKind::Unreachable | ErrorKind::Setting) {
                        // The first one is told; the others that were on the way say the same.
                        let _ = gone.set(error.clone());
                    }
                    (id, Err(error), self.known_users())
                }
            }
        });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel);
        while let Some((id, raw, directory)) = reads.next().await {
            open.take(id.as_str(), |number| told(number, raw.as_ref(), &directory));
        }
    }
}
