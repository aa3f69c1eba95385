//! Writing: one lead by PUT, the two bulk conventions, creating a lead, and what clients must not call.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::leads::{Sim, answer, not_here, written};
use super::{Kept, Stateset, Store};
use crate::sim::ask::{Answer, Ask, Refusal};
use crate::sim::vendor::VendorSim;

/// Fields that a server sets by itself.
const OWN: [&str; 5] = ["id", "object", "created_at", "created_by", "last_modified_by"];
/// Fields that a replacing PUT keeps although it does not name them.
const KEPT: [&str; 4] = ["id", "object", "created_at", "created_by"];
/// The largest batch.
const BATCH: usize = 100;

pub async fn update(State(sim): Sim, method: http::Method, Path(id): Path<String>, ask: Ask) -> Response {
    once(&sim, &ask, format!("{method} /leads/{id}"), || {
        let body = object(&ask)?;
        let mut store = sim.store_mut();
        let replace = method == http::Method::PUT && sim.switches.is("put", "replace");
        sim.judge(&body, &ask);
        let lead = sim.change(&mut store, &id, &body, replace, &ask)?;
        Ok(written(&sim, lead))
    })
}

pub async fn bulk_update(State(sim): Sim, ask: Ask) -> Response {
    if !sim.switches.on("bulk_update") {
        return refuse(&sim, &not_here());
    }
    once(&sim, &ask, "bulk-update".to_owned(), || {
        let body = object(&ask)?;
        let only_check = body.get("validate_only").and_then(Value::as_bool).unwrap_or(false);
        let updates = updates(&body)?;
        let mut store = sim.store_mut();
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for update in updates {
            let Some(id) = update.get("id").and_then(Value::as_str) else {
                errors.push(json!({"lead_id": null, "error": "id is required"}));
                continue;
            };
            let mut fields = update.clone();
            fields.remove("id");
            if only_check {
                continue;
            }
            match sim.change(&mut store, id, &fields, false, &ask) {
                Ok(_) => done.push(json!({"id": id})),
                Err(refusal) => errors.push(json!({"lead_id": id, "error": refusal.message})),
            }
        }
        let summary = json!({"total": done.len() + errors.len(), "successful": done.len(), "failed": errors.len()});
        Ok((StatusCode::OK, Some(json!({"updated": done, "errors": errors, "summary": summary}))))
    })
}

pub async fn sdk_bulk(State(sim): Sim, ask: Ask) -> Response {
    if !sim.switches.on("sdk_bulk") {
        return refuse(&sim, &not_here());
    }
    once(&sim, &ask, "bulk".to_owned(), || {
        let body = object(&ask)?;
        let mut store = sim.store_mut();
        for update in updates(&body)? {
            let id = update.get("id").and_then(Value::as_str).unwrap_or_default();
            let data = update.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
            // What cannot be changed is left out without a word: nothing documents an answer.
            let _ = sim.change(&mut store, id, &data, false, &ask);
        }
        Ok((StatusCode::OK, Some(json!({"success": true}))))
    })
}

pub async fn create(State(sim): Sim, ask: Ask) -> Response {
    once(&sim, &ask, "create".to_owned(), || {
        let body = object(&ask)?;
        for field in ["firstName", "lastName", "email"] {
            if body.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                let message = format!("{field} is required");
                return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
            }
        }
        let mut store = sim.store_mut();
        let email = body.get("email");
        if store.written.values().any(|lead| lead.get("email") == email) {
            return Err(Refusal::new(StatusCode::CONFLICT, "a lead with this email exists already"));
        }
        let number = sim.count(&store);
        store.created += 1;
        let mut lead = Map::new();
        lead.insert("id".to_owned(), sim.id(number).into());
        lead.insert("object".to_owned(), "lead".into());
        lead.insert("status".to_owned(), "new".into());
        lead.extend(body.into_iter().filter(|(key, _)| !OWN.contains(&key.as_str())));
        lead.insert("created_at".to_owned(), jiff::Timestamp::now().to_string().into());
        store.written.insert(number, lead.clone());
        Ok((StatusCode::CREATED, Some(sim.wrap(lead))))
    })
}

/// Calls that exist, are not for owners, and cannot all be taken back.
pub async fn never(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a call that has nothing to do with owners");
    refuse(&sim, &Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"))
}

pub async fn never_with_action(sim: Sim, ask: Ask) -> Response {
    never(sim, ask).await
}

fn refuse(sim: &Stateset, refusal: &Refusal) -> Response {
    sim.error(refusal.status, &refusal.message)
}

fn object(ask: &Ask) -> Answer<Map<String, Value>> {
    match serde_json::from_slice(&ask.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refusal::bad("the body must be an object")),
        Err(error) => Err(Refusal::bad(format!("invalid JSON: {error}"))),
    }
}

fn updates(body: &Map<String, Value>) -> Answer<Vec<&Map<String, Value>>> {
    let updates = body.get("updates").and_then(Value::as_array).ok_or_else(|| Refusal::bad("updates is required"))?;
    if updates.is_empty() || updates.len() > BATCH {
        let message = format!("updates must have 1 to {BATCH} entries");
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    Ok(updates.iter().filter_map(Value::as_object).collect())
}

/// Carries a write out, unless its idempotency key was answered before.
fn once(
    sim: &Stateset,
    ask: &Ask,
    what: String,
    act: impl FnOnce() -> Answer<(StatusCode, Option<Value>)>,
) -> Response {
    if let Err(refusal) = sim.has_leads() {
        return refuse(sim, &refusal);
    }
    if sim.switches.is("key", "restricted") {
        return refuse(sim, &Refusal::new(StatusCode::FORBIDDEN, "This API key may not write leads"));
    }
    let key = ask.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = (what, ask.body.clone());
    // Held while the write is carried out, so that the same key cannot be at work twice.
    let mut answered = sim.answered();
    if let Some(kept) = key.as_ref().and_then(|key| answered.get(key)) {
        if kept.asked != asked {
            ask.trace.complain("an idempotency key was used for two different writes");
            return refuse(sim, &Refusal::new(StatusCode::CONFLICT, "idempotency_key_in_use"));
        }
        return answer(kept.status, kept.body.clone());
    }
    match act() {
        Ok((status, body)) => {
            if let Some(key) = key {
                answered.insert(key, Kept { asked, status, body: body.clone() });
            }
            answer(status, body)
        }
        Err(refusal) => refuse(sim, &refusal),
    }
}

impl Stateset {
    /// Writes fields of a lead; gives the lead as it is then.
    fn change(
        &self,
        store: &mut Store,
        id: &str,
        fields: &Map<String, Value>,
        replace: bool,
        ask: &Ask,
    ) -> Answer<Map<String, Value>> {
        let number = self.number(store, id).ok_or_else(not_here)?;
        let before = self.lead(store, number);
        if before.get("status").and_then(Value::as_str) == Some("converted") && self.switches.is("converted", "409") {
            return Err(Refusal::new(StatusCode::CONFLICT, "a converted lead cannot be changed"));
        }
        let mut owner = None;
        if let Some(new) = fields.get("owner") {
            self.check_owner(new)?;
            owner = (!self.switches.on("owner_ignored")).then(|| new.clone());
        }
        let mut lead = before.clone();
        if replace {
            lead.retain(|key, _| KEPT.contains(&key.as_str()) || fields.contains_key(key));
        }
        let changeable = |key: &str| key != "owner" && !OWN.contains(&key);
        lead.extend(fields.iter().filter(|(key, _)| changeable(key)).map(|(k, v)| (k.clone(), v.clone())));
        lead.insert("last_modified_by".to_owned(), "api".into());
        store.written.insert(number, lead);
        match owner {
            Some(owner) => ask.trace.applied([self.give(store, number, owner)]),
            None if replace => {
                // Replacing without an owner takes it away.
                if let Some(owner) = before.get("owner") {
                    let kept = self.switches.on("owner_ignored").then(|| owner.clone());
                    ask.trace.applied([self.give(store, number, kept.unwrap_or(Value::Null))]);
                }
            }
            None => {}
        }
        Ok(self.lead(store, number))
    }

    fn check_owner(&self, owner: &Value) -> Answer<()> {
        let wrong = |message: &str| Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
        match owner {
            Value::String(text) if !text.is_empty() => match self.user_named(text) {
                None if self.switches.is("unknown_owner", "422") => wrong("owner is not a user"),
                _ => Ok(()),
            },
            Value::Null | Value::String(_) if self.switches.is("unassign", "422") => wrong("owner must not be blank"),
            Value::Null | Value::String(_) => Ok(()),
            _ => wrong("owner must be a text"),
        }
    }

    /// The client rules that a single write shows.
    fn judge(&self, body: &Map<String, Value>, ask: &Ask) {
        if !body.contains_key("owner") {
            ask.trace.complain("a write of a lead without its owner");
        }
        if let Some(own) = OWN.iter().find(|key| body.contains_key(**key)) {
            ask.trace.complain(format!("a write with the field {own}, which the server sets"));
        }
    }
}
