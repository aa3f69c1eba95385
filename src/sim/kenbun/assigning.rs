//! Assigning leads, one or many.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::Kenbun;
use super::access::Who;
use super::answers::Sim;
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::vendor::{Applied, Holder, target};

/// At most so many ids in a bulk call.
const BULK: usize = 500;

/// The body of both assignment calls. The outer `None` is a missing field, the inner one a null.
#[derive(Debug, Default, Deserialize)]
pub struct Assignment {
    #[serde(default, deserialize_with = "present")]
    pub owner_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub owner_name: Option<Option<String>>,
    lead_ids: Option<Vec<String>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub async fn assign(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let assign = || {
        let (who, unit, body) = sim.let_write(&ask)?;
        sim.judge_assignment(who, &body, false, &ask.trace);
        let to = sim.new_holder(&body)?;
        let mut ledger = sim.ledger_mut();
        let number = sim.lead_in(&ledger, unit, &id)?;
        let (before, after) = ledger.assign(number, &to, sim.switches.on("updated_at_on_assign"));
        let message = if to == Holder::Nobody { "owner unassigned" } else { "owner assigned" };
        ask.trace.applied([Applied { target: target(&id), before, after }]);
        Ok(json!({"status": "ok", "message": message}))
    };
    reply(&*sim, assign())
}

pub async fn assign_many(State(sim): Sim, ask: Ask) -> Response {
    let assign = || {
        let (who, unit, body) = sim.let_write(&ask)?;
        sim.judge_assignment(who, &body, true, &ask.trace);
        let ids: Vec<&str> = body.lead_ids.iter().flatten().map(String::as_str).collect();
        sim.judge_ids(&ids, &ask.trace);
        if ids.is_empty() {
            return Err(Refusal::bad("lead_ids is required"));
        }
        if ids.len() > BULK {
            return Err(Refusal::bad(format!("lead_ids may have at most {BULK} entries")));
        }
        let to = sim.new_holder(&body)?;
        // One lock for all: nobody sees half of it.
        let mut ledger = sim.ledger_mut();
        let mut numbers = Vec::with_capacity(ids.len());
        let mut seen = HashSet::new();
        for id in ids {
            match sim.lead_in(&ledger, unit, id) {
                Ok(number) if seen.insert(number) => numbers.push((number, id)),
                Ok(_) => {}
                Err(refusal) if sim.switches.is("bulk_unknown", "reject_all_404") => return Err(refusal),
                Err(_) => {}
            }
        }
        let touch = sim.switches.on("updated_at_on_assign");
        let applied: Vec<_> = numbers
            .into_iter()
            .map(|(number, id)| {
                let (before, after) = ledger.assign(number, &to, touch);
                Applied { target: target(id), before, after }
            })
            .collect();
        let affected = match sim.switches.is("affected", "changed") {
            true => applied.iter().filter(|a| a.before != a.after).count(),
            false => applied.len(),
        };
        ask.trace.applied(applied);
        Ok(json!({"status": "ok", "affected": affected}))
    };
    reply(&*sim, assign())
}

impl Kenbun {
    fn let_write(&self, ask: &Ask) -> Answer<(Who, usize, Assignment)> {
        let who = self.enter(&ask.headers)?;
        self.may_write(who)?;
        let unit = self.active_unit(who)?;
        let body = serde_json::from_slice(&ask.body).map_err(|e| Refusal::bad(format!("invalid body: {e}")))?;
        Ok((who, unit, body))
    }

    /// Whom a body assigns to: a null, empty or missing owner_id is nobody, whatever the name says.
    fn new_holder(&self, body: &Assignment) -> Answer<Holder> {
        let Some(id) = body.owner_id.clone().flatten().filter(|id| !id.is_empty()) else { return Ok(Holder::Nobody) };
        let member = || self.member(&id);
        if self.switches.is("unknown_owner", "400") && member().is_none() {
            return Err(Refusal::bad("unknown owner_id"));
        }
        let name = match body.owner_name.clone().flatten() {
            None if self.switches.is("omitted_owner_name", "lookup") => {
                member().map(|place| self.demo.staff[place].name())
            }
            name => name,
        };
        Ok(Holder::Owner { id: Some(id), name })
    }
}
