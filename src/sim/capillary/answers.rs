//! The endpoints of Capillary's contract: all of them, those around leads, and what clients must not call.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};

use super::errors::{Refused, v1_status};
use super::lead::{REASONS, SUB_STATUSES};
use super::shop::{STORES, User, ZONES};
use super::{Capillary, rules};
use crate::sim::ask::Ask;
use crate::sim::vendor::Trace;

type Sim = State<Arc<Capillary>>;

pub fn router(sim: Arc<Capillary>) -> Router {
    // One lead cannot be read by its id; whatever is not PUT is no documented call.
    let lead: MethodRouter<_> = any(unknown).put(put);
    let api = Router::new()
        .route("/v2/leads", get(leads).post(never).patch(never))
        .route("/v2/leads/reasons", get(reasons).post(never))
        .route("/v2/leads/substatuses", get(substatuses))
        .route("/v2/leads/substatus", post(never))
        .route("/v2/leads/{id}", lead)
        .route("/v2/leads/{id}/statusLog", get(status_log))
        .route("/v2/leads/{id}/followups", get(follow_ups))
        .route("/v2/leads/{id}/status", any(never))
        .route("/v2/leads/{id}/followup", any(never))
        .route("/v2/customers/{id}", get(customer))
        .route("/v1.1/store/staff", get(staff))
        .route("/v1.1/organization/entities", get(entities))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&sim), door));
    // Whoever wants a token has none yet.
    let tokens = Router::new().route("/v3/oauth/token/generate", post(token));
    api.merge(tokens).layer(middleware::from_fn_with_state(Arc::clone(&sim), stamp)).with_state(sim)
}

/// Every answer has a number, and every call has its headers looked at.
async fn stamp(State(sim): Sim, request: Request, next: Next) -> Response {
    let trace = request.extensions().get::<Trace>().cloned().unwrap_or_default();
    rules::judge_headers(request.headers(), &trace);
    let id = sim.request_id();
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-cap-requestid"), id);
    }
    response
}

/// Every call but the one for a token: the credentials, the rate, and whether there is a v2.
async fn door(State(sim): Sim, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let trace = request.extensions().get::<Trace>().cloned().unwrap_or_default();
    let allowed = sim.let_in(request.headers(), &trace).and_then(|()| {
        if path.starts_with("/v2/") && !sim.switches.on("v2_enabled") {
            return Err(Refused::new(StatusCode::FORBIDDEN, "v2 is not enabled for this organisation"));
        }
        Ok(())
    });
    match allowed {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.answer(&path),
    }
}

fn or_refused(answer: Result<Response, Refused>) -> Response {
    answer.unwrap_or_else(|refused| refused.answer("/v2/"))
}

async fn token(State(sim): Sim, ask: Ask) -> Response {
    match sim.new_token(&ask.body) {
        Ok((token, seconds)) => {
            Json(json!({"data": {"accessToken": token, "ttlSeconds": seconds}, "errors": null})).into_response()
        }
        Err(refused) => refused.answer("/v3/"),
    }
}

async fn leads(State(sim): Sim, ask: Ask) -> Response {
    or_refused(sim.list(&ask))
}

async fn put(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    or_refused(sim.put(&id, &ask))
}

/// What v2 puts around lists.
fn envelope(data: Vec<Value>) -> Response {
    Json(json!({"data": data, "warnings": [], "errors": []})).into_response()
}

async fn reasons() -> Response {
    envelope(REASONS.iter().map(|(id, reason)| json!({"id": id, "reason": reason})).collect())
}

async fn substatuses() -> Response {
    envelope(SUB_STATUSES.iter().map(|(status, sub)| json!({"status": status, "subStatus": sub})).collect())
}

async fn status_log(State(sim): Sim, Path(id): Path<String>) -> Response {
    or_refused(sim.known(&id).map(|number| envelope(sim.status_log_of(number))))
}

async fn follow_ups(State(sim): Sim, Path(id): Path<String>) -> Response {
    or_refused(sim.known(&id).map(|number| envelope(sim.follow_ups_of(number))))
}

async fn customer(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let find = || {
        if !matches!(ask.text("source"), Some("INSTORE" | "MARTJACK" | "WECHAT" | "LINE" | "ALL")) {
            return Err(Refused::coded(StatusCode::BAD_REQUEST, 8_012, "the source is missing or unknown"));
        }
        let leads = id.parse().map(|id| sim.leads_of(id)).unwrap_or_default();
        let customer = leads.first().map(|number| sim.customer(*number));
        let missing = || Refused::coded(StatusCode::BAD_REQUEST, 8_065, "there is no such customer");
        Ok(Json(sim.customer_json(customer.ok_or_else(missing)?)).into_response())
    };
    or_refused(find())
}

/// v1.1 speaks XML unless it is told not to.
fn v1(ask: &Ask, about: &str, what: Value) -> Response {
    if ask.text("format") != Some("json") {
        ask.trace.complain("a v1.1 call without format=json");
        let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><status><success>true</success></status></response>\n";
        return ([(CONTENT_TYPE, "application/xml")], xml).into_response();
    }
    let mut answer = json!({"response": {"status": v1_status(200, "SUCCESS")}});
    answer["response"][about] = what;
    Json(answer).into_response()
}

async fn staff(State(sim): Sim, ask: Ask) -> Response {
    let kind = sim.switches.with("staff_param", |name| ask.text(name));
    let users = sim.shop.users.iter().filter(|user| user.is_listed());
    let users = users.filter(|user| kind.is_none_or(|kind| user.kind.word() == Some(kind)));
    let mut users: Vec<_> = users.map(staff_json).collect();
    let user = match users.len() {
        1 if sim.switches.is("staff_single", "object") => users.remove(0),
        _ => users.into(),
    };
    v1(&ask, "store", json!({"staff": {"user": user}}))
}

/// All values are texts.
fn staff_json(user: &User) -> Value {
    let store = user.store.map(|place| STORES[place]);
    json!({
        "id": user.id,
        "type": user.kind.word(),
        "code": user.code,
        "firstname": user.first_name,
        "lastname": user.last_name,
        "mobile": user.mobile,
        "email": user.email,
        "store_id": store.map(|store| store.id.to_string()),
        "store_code": store.map(|store| store.code),
    })
}

/// The shape is v1.1's usual one: the contract has the call and its limits, and no sample.
async fn entities(State(sim): Sim, ask: Ask) -> Response {
    let teams = sim.demo.flavour.teams();
    let entity = |id: u32, kind: &str, code: &str, name: &str| json!({"id": id.to_string(), "type": kind, "code": code, "name": name});
    let of_stores = |first: u32, kind: &str, tail: &str| -> Vec<Value> {
        let stores = STORES.iter().zip(teams);
        stores.map(|(store, name)| entity(first + store.id, kind, &format!("{}{tail}", store.code), name)).collect()
    };
    let all = match ask.text("type") {
        Some("STORE") => of_stores(0, "STORE", ""),
        Some("TILL") => of_stores(75_000_000, "TILL", ".till01"),
        Some("ZONE") => (60_001..).zip(ZONES).map(|(id, zone)| entity(id, "ZONE", zone, zone)).collect(),
        Some("CONCEPT") => vec![entity(70_001, "CONCEPT", "tilleul", sim.demo.flavour.company())],
        _ => return Refused::bad("type must be STORE, ZONE, CONCEPT or TILL").answer("/v1.1/"),
    };
    let limit = ask.text("limit").and_then(|limit| limit.parse().ok()).unwrap_or(200).min(500);
    let page: Vec<_> = all.into_iter().take(limit).collect();
    v1(&ask, "organization", json!({"entities": {"entity": page}}))
}

/// Writes that exist, change no owner, and cannot all be taken back.
async fn never(ask: Ask) -> Response {
    ask.trace.complain("a write that has nothing to do with owners");
    Refused::bad("this simulator changes owners only").answer("/v2/")
}

async fn unknown(uri: Uri, ask: Ask) -> Response {
    ask.trace.complain("a call that is not documented");
    Refused::new(StatusCode::NOT_FOUND, "there is no such resource").answer(uri.path())
}

impl Capillary {
    /// The number of a lead that exists.
    fn known(&self, id: &str) -> Result<u32, Refused> {
        let store = self.store();
        let number = self.number(id).filter(|number| store.ledger.exists(*number));
        number.ok_or_else(|| Refused::bad(format!("there is no lead with the id {id}")))
    }
}
