//! The endpoints of kenbun's contract: all of them, the units, the members, and what clients must not call.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, patch, post};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::access::Who;
use super::assigning::{assign, assign_many};
use super::reading::{by_alias, detail, leads};
use super::store::{Unit, member_id, user_id};
use super::{Kenbun, ORG};
use crate::sim::ask::{Ask, Refusal, reply};
use crate::sim::demo::{Role, Staff};
use crate::sim::vendor::VendorSim;

pub fn router(sim: Arc<Kenbun>) -> Router {
    let lead = get(detail).put(never).delete(delete);
    Router::new()
        .route("/org-units", get(units))
        .route("/org-units/active", post(choose_unit))
        .route("/members", get(members))
        .route("/leads", get(leads))
        .route("/lead/by-alias", get(by_alias))
        .route("/lead/{id}", lead.clone())
        .route("/leads/{id}", lead)
        .route("/lead/{id}/metadata", patch(never))
        .route("/leads/{id}/owner", post(assign))
        .route("/leads/bulk-assign-owner", post(assign_many))
        .route("/leads/merge", post(never))
        .fallback(unknown)
        .with_state(sim)
}

pub type Sim = State<Arc<Kenbun>>;

async fn units(State(sim): Sim, ask: Ask) -> Response {
    let unit = |(place, unit): (usize, &Unit)| {
        json!({
            "unit_id": unit.id,
            "org_id": ORG,
            "name": unit.name,
            "slug": unit.slug,
            "external_ref": unit.external_ref,
            "is_default": place == 0,
        })
    };
    let answer = sim.enter(&ask.headers).map(|_| sim.units.iter().enumerate().map(unit).collect::<Vec<_>>());
    reply(&*sim, answer)
}

async fn choose_unit(State(sim): Sim, ask: Ask) -> Response {
    let choose = || {
        let who = sim.enter(&ask.headers)?;
        let body: Value = serde_json::from_slice(&ask.body).map_err(|_| Refusal::bad("invalid body"))?;
        let id = body.get("ouId").and_then(Value::as_str).ok_or_else(|| Refusal::bad("ouId is required"))?;
        let place = sim.units.iter().position(|u| u.id == id);
        let place = place.filter(|&p| who != Who::Service || p == 0);
        let place = place.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "organizational unit not found"))?;
        let mut access = sim.access();
        let session = access.session(who);
        session.active_unit = Some(place);
        session.chosen_at = Some(Instant::now());
        session.fresh_choices = session.fresh_choices.saturating_add(1);
        Ok(json!({"status": "ok"}))
    };
    reply(&*sim, choose())
}

async fn members(State(sim): Sim, ask: Ask) -> Response {
    let active = sim.demo.staff.iter().filter(|p| p.active);
    let answer = sim.enter(&ask.headers).map(|_| active.map(|p| sim.member_json(p)).collect::<Vec<_>>());
    reply(&*sim, answer)
}

impl Kenbun {
    fn member_json(&self, person: &Staff) -> Value {
        let role = match person.role {
            Role::Admin => "admin",
            Role::Editor => "editor",
            Role::Viewer => "viewer",
        };
        // Everybody is in the default unit but one in eight, and some are in others too.
        let is_in = |place: usize| match place {
            0 => person.number % 8 != 7,
            place => (person.number + place).is_multiple_of(4) || person.number % 8 == 7,
        };
        let units = self.units.iter().enumerate().filter(|(place, _)| is_in(*place));
        let units: Vec<_> = units.map(|(_, u)| json!({"unit_id": u.id, "unit_name": u.name, "role": role})).collect();
        let mut member = json!({
            "org_member_id": member_id(self.seed, person.number),
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "role": role,
            "ou_memberships": units,
            "created_at": self.demo.created_at(0),
        });
        if self.switches.is("member_ids", "user_id") {
            member["user_id"] = user_id(self.seed, person.number).into();
        }
        member
    }
}

async fn delete(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let delete = || {
        let who = sim.enter(&ask.headers)?;
        ask.trace.complain("DELETE of a lead, which cannot be taken back");
        sim.may_write(who)?;
        let unit = sim.active_unit(who)?;
        let mut ledger = sim.ledger_mut();
        let number = sim.lead_in(&ledger, unit, &id)?;
        ledger.remove(number);
        Ok(json!({"status": "accepted"}))
    };
    reply(&*sim, delete())
}

/// Writes that exist, are not for owners, and have no documented body.
async fn never(State(sim): Sim, ask: Ask) -> Response {
    let answer = sim.enter(&ask.headers).map(|_| {
        ask.trace.complain("a write that has nothing to do with owners");
        json!({"status": "ok"})
    });
    reply(&*sim, answer)
}

async fn unknown(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a path that does not exist");
    sim.error(StatusCode::NOT_FOUND, "not found")
}
