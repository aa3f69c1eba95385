//! New leads.

use std::time::Duration;

use serde_json::{Map, Value};

use super::StateSet;
use super::envelope;
use super::keys;
use super::lead;
use super::walk::Asking;
use crate::domain::campaign::NewLead;
use crate::domain::{LeadId, LeadRecord};
use crate::vendor::fields;
use crate::vendor::http::{Call, Sent};
use crate::vendor::{ErrorKind, VendorError};

/// Tries while the server says that it was too much.
const TRIES: usize = 4;

/// The longest that a try waits for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl StateSet {
    pub(super) async fn create(&self, lead: &NewLead) -> Result<LeadRecord, VendorError> {
        let body = body(lead)?;
        let asking = Asking::hot();
        let mut call = self.signed(Call::post(&["leads"])?.json(&body)?, &asking);
        if let Some(key) = self.settings.idempotency_key.then(|| self.keys.of("")).flatten() {
            call = call.header(keys::HEADER, key);
        }
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            match self.http.write(&call).await {
                Sent::Answer(answer) => break answer,
                // Refused without effect, so it may be sent again.
                Sent::TooMany(error) if tries < TRIES => {
                    let pause = error.retry_after.unwrap_or(Duration::from_secs(1) * tries as u32);
                    if pause > LONGEST_PAUSE {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                }
                Sent::TooMany(error) | Sent::NotSent(error) => return Err(error),
                Sent::Lost(error) | Sent::Late(error) => return Err(self.perhaps(error)),
            }
        };
        let status = answer.status.as_u16();
        if status == 409 {
            let mut error = answer.error();
            error.remedy = "A lead with this e-mail address may be there already.".to_owned();
            return Err(error);
        }
        if status == 404 {
            return Err(self.no_leads(&answer));
        }
        if answer.status.is_server_error() {
            return Err(self.perhaps(answer.error()));
        }
        let answer = answer.or_error()?;
        let said = answer.json().ok();
        if said.as_ref().is_some_and(envelope::says_it_failed) {
            return Err(envelope::failed(&answer));
        }
        let made = said.and_then(|body| envelope::lead(body, &self.settings.owner_field));
        let Some((id, made)) = made.and_then(|made| Some((fields::id(made.get("id"))?, made))) else {
            return Err(self.perhaps(answer.garbled("it does not say which lead was created")));
        };
        Ok(lead::record(LeadId::new(id), &made, &self.settings.owner_field, &self.known_users()))
    }

    /// An error after which the lead may be there all the same.
    fn perhaps(&self, mut error: VendorError) -> VendorError {
        error.remedy =
            "The lead may have been created all the same: look for its e-mail address before trying again.".to_owned();
        error
    }
}

fn body(lead: &NewLead) -> Result<Map<String, Value>, VendorError> {
    let needed = [
        ("firstName", &lead.first_name, "first name"),
        ("lastName", &lead.last_name, "last name"),
        ("email", &lead.email, "e-mail address"),
    ];
    let mut body = Map::new();
    for (key, value, words) in needed {
        if value.trim().is_empty() {
            let message = format!("StateSet takes no lead without its {words}");
            return Err(VendorError::new(ErrorKind::Refused, message));
        }
        body.insert(key.to_owned(), Value::String(value.trim().to_owned()));
    }
    for (key, value) in &lead.other {
        if body.contains_key(key) {
            return Err(VendorError::new(ErrorKind::Refused, format!("{key} is given twice")));
        }
        let flag = lead::is_flag(key).then(|| value.parse::<bool>().ok()).flatten();
        body.insert(key.clone(), flag.map_or_else(|| Value::String(value.clone()), Value::Bool));
    }
    Ok(body)
}
