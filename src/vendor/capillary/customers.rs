//! The customer behind a lead, where a profile asks for it. Personal data: it is shown, kept in memory for a while, and
//! written nowhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use compact_str::CompactString;
use serde_json::Value;

use super::Capillary;
use crate::domain::{LeadRecord, SafeText};
use crate::vendor::VendorError;
use crate::vendor::asking::Asking;
use crate::vendor::http::Call;

/// Customers that are remembered.
const MOST: usize = 20_000;

/// Codes that say that there is no such customer.
const NO_CUSTOMER: [i64; 2] = [8015, 8065];

/// Customers by their id; an empty one does not exist.
#[derive(Default)]
pub struct Customers(Mutex<HashMap<CompactString, Contact>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Contact {
    name: SafeText,
    email: SafeText,
    phone: SafeText,
}

impl Contact {
    /// Reads an answer: the first of several profiles that tells it counts.
    fn of(body: &Value) -> Self {
        let mut contact = Self::default();
        let text = |value: Option<&Value>| SafeText::new(value.and_then(Value::as_str).unwrap_or_default().trim());
        for profile in body.get("profiles").and_then(Value::as_array).into_iter().flatten() {
            if contact.name.is_empty() {
                let (first, last) = (text(profile.get("firstName")), text(profile.get("lastName")));
                contact.name = SafeText::new(format!("{first} {last}").trim());
            }
            for identifier in profile.get("identifiers").and_then(Value::as_array).into_iter().flatten() {
                let place = match identifier.get("type").and_then(Value::as_str) {
                    Some("email") => &mut contact.email,
                    Some("mobile") => &mut contact.phone,
                    _ => continue,
                };
                if place.is_empty() {
                    *place = text(identifier.get("value"));
                }
            }
        }
        contact
    }
}

impl Capillary {
    /// Puts the customer's name and addresses into a lead.
    pub(super) async fn name_customer(
        &self,
        lead: &mut LeadRecord,
        customer: &CompactString,
        asking: &Asking,
    ) -> Result<(), VendorError> {
        let contact = self.contact(customer, asking).await?;
        (lead.name, lead.email, lead.phone) = (contact.name, contact.email, contact.phone);
        Ok(())
    }

    async fn contact(&self, customer: &CompactString, asking: &Asking) -> Result<Contact, VendorError> {
        let known = || self.customers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contact) = known().get(customer) {
            return Ok(contact.clone());
        }
        let call = Call::get(&["v2", "customers", customer])?.query("source", self.settings.customer_source);
        let reply = self.ask(call, asking).await?;
        let contact = match &reply.body {
            Some(body) if reply.is_good() => Contact::of(body),
            _ if reply.codes().iter().any(|code| NO_CUSTOMER.contains(code)) => Contact::default(),
            _ if reply.is_good() => return Err(reply.answer.garbled("it is not a customer")),
            _ => return Err(reply.error(&self.profile)),
        };
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(customer.clone(), contact.clone());
        Ok(contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_customer_is_pieced_together_from_its_profiles() {
        let contact = Contact::of(&json!({"id": 7, "profiles": [
            {"firstName": "", "identifiers": [{"type": "cardNumber", "value": "1"}, {"type": "mobile", "value": "4930\u{1b}"}]},
            {"firstName": "Zoë", "lastName": "Ng", "identifiers": [{"type": "email", "value": "z@x.example"}]}
        ]}));
        assert_eq!((contact.name.as_str(), contact.email.as_str()), ("Zoë Ng", "z@x.example"));
        assert_eq!(contact.phone.as_str(), "4930␛");
        for odd in [json!([]), json!({"profiles": 3}), json!({"profiles": [null, {"identifiers": {}}]})] {
            assert_eq!(Contact::of(&odd), Contact::default());
        }
    }
}
