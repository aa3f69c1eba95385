//! The one call that changes an owner: `PUT /v2/leads/{leadId}`.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Capillary;
use super::errors::{Refused, item};
use super::rules;
use super::shop::STORES;
use crate::sim::ask::Ask;
use crate::sim::vendor::{Applied, Holder};

/// When each customer's last PUT was, while it matters.
pub type Pauses = HashMap<u32, Instant>;

/// Whether this is one of every `every`; 0 is never.
pub fn nth(counter: &AtomicU64, every: u64) -> bool {
    let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
    every > 0 && number.is_multiple_of(every)
}

/// What a PUT makes of the owner that it names.
enum Verdict {
    Assign(Holder),
    /// Not assigned; the answer says so.
    Warn(String),
    /// Not assigned; the answer does not say so.
    Ignore,
}

impl Capillary {
    /// The answer to `PUT /v2/leads/{leadId}`.
    pub fn put(&self, id: &str, ask: &Ask) -> Result<Response, Refused> {
        let body = match serde_json::from_slice(&ask.body) {
            Ok(Value::Object(body)) => body,
            _ if ask.body.is_empty() => Map::new(),
            _ => return Err(Refused::bad("the body is not a JSON object")),
        };
        rules::judge_put(ask, &body);
        let known = self.number(id).filter(|n| self.store().ledger.exists(*n));
        let number = known.ok_or_else(|| Refused::bad(format!("there is no lead with the id {id}")))?;
        self.wait_your_turn(number)?;
        let count = self.put.fetch_add(1, Ordering::Relaxed) + 1;
        let every = |name: &str| match self.switches.number(name) {
            0 => false,
            every => count.is_multiple_of(every),
        };
        if every("busy_customer") {
            return self.busy(521, "several actions are being performed for this customer");
        }
        if every("put_201") {
            let errors = [item(500, "the lead could not be updated")];
            let answer = json!({"data": [], "warnings": [], "errors": errors});
            return Ok((StatusCode::CREATED, Json(answer)).into_response());
        }
        let owner = match self.switches.is("owner_in", "query") {
            true => ask.query.get("owner").map(|name| Value::from(name.as_str())),
            false => body.get("owner").cloned(),
        };
        let verdict = owner.map(|owner| self.judge_owner(number, &owner)).transpose()?;
        let mut store = self.store_mut();
        let before = self.fields(&store, number);
        let given = body.get("extendedFields").and_then(Value::as_object).cloned();
        let after = match self.switches.is("put", "replace") {
            true => given.unwrap_or_default(),
            false => before.clone().into_iter().chain(given.unwrap_or_default()).collect(),
        };
        if before.keys().any(|name| !after.contains_key(name)) {
            ask.trace.complain("a PUT lost extended fields of the lead");
        }
        store.fields.insert(number, after);
        let mut warnings = Vec::new();
        match verdict {
            Some(Verdict::Assign(to)) => {
                let (before, after) = store.assign(number, &to);
                ask.trace.applied([Applied { target: self.target(number), before, after }]);
            }
            Some(Verdict::Warn(message)) => {
                warnings.push(item(400, &message));
                store.touch(number);
            }
            Some(Verdict::Ignore) | None => store.touch(number),
        }
        let mut lead = self.lead(&store, number);
        lead.insert("warnings".to_owned(), warnings.into());
        Ok(Json(Value::Object(lead)).into_response())
    }

    fn judge_owner(&self, number: u32, owner: &Value) -> Result<Verdict, Refused> {
        let accepted = self.switches.value("unassign");
        let name = match owner {
            Value::Null if matches!(accepted.as_str(), "null" | "both") => return Ok(Verdict::Assign(Holder::Nobody)),
            Value::String(name) if name.is_empty() && matches!(accepted.as_str(), "empty_string" | "both") => {
                return Ok(Verdict::Assign(Holder::Nobody));
            }
            Value::String(name) if !name.is_empty() => name,
            Value::Null | Value::String(_) => return Err(Refused::bad("owner must not be empty")),
            _ => return Err(Refused::bad("owner must be a text")),
        };
        if self.switches.is("closed_leads", "400") && !matches!(self.status(number).0, "OPEN" | "ON_HOLD") {
            return Err(Refused::bad("the lead is closed"));
        }
        let user = self.shop.named(&self.switches.value("write_name"), name).filter(|user| user.active);
        let Some(user) = user else {
            return refusal(&self.switches.value("unknown_user"), format!("no active user is called {name}"));
        };
        let home = self.home(number);
        let elsewhere = user.store.is_some_and(|store| store != home);
        match self.switches.value("cross_store").as_str() {
            way if elsewhere && way != "allow" => {
                refusal(way, format!("{name} is not of the store {} that the lead is of", STORES[home].code))
            }
            _ => Ok(Verdict::Assign(user.holder())),
        }
    }

    /// One action at a time for a customer, where that is asked for.
    fn wait_your_turn(&self, number: u32) -> Result<(), Refused> {
        let pause = Duration::from_millis(self.switches.number("customer_pause"));
        if pause.is_zero() {
            return Ok(());
        }
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.retain(|_, at| at.elapsed() < pause);
        let customer = self.customer(number);
        if pauses.contains_key(&customer) {
            drop(pauses);
            return self.busy(521, "several actions are being performed for this customer").map(|_| ());
        }
        pauses.insert(customer, Instant::now());
        Ok(())
    }
}

/// The three ways to refuse an owner.
fn refusal(way: &str, message: String) -> Result<Verdict, Refused> {
    match way {
        "warning" => Ok(Verdict::Warn(message)),
        "ignore" => Ok(Verdict::Ignore),
        _ => Err(Refused::bad(message)),
    }
}
