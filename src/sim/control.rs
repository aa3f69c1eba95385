//! The simulator's own pages under `/_sim/`, for tests in another process. They are neither logged nor hit by faults.
//!
//! | | |
//! |---|---|
//! | `GET /_sim` | vendor, profile, switches, faults, number of the newest log entry |
//! | `GET /_sim/log?after=N&limit=N` | log entries, oldest first |
//! | `GET /_sim/state?ids=A,B` | who holds each target (without `ids`: of all) |
//! | `GET /_sim/complaints` | rules of the contract that the client broke |
//! | `GET /_sim/blind` | writes that were repeated without a read after a lost answer |
//! | `POST /_sim/meddle` | `{"ids": […], "to": …}`: someone else changes targets; `to` is `null`, `{"id", "name"}`, a list of user ids, `"gone"`, or missing for any other holder |
//! | `POST /_sim/faults` | `{"faults": ["cut_after=2%", …]}`: these from now on |
//! | `POST /_sim/switch` | `{"NAME": "VALUE", …}` |

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::server::Core;
use super::vendor::{Holder, Meddling, target};

pub(super) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/log", get(log))
        .route("/state", get(state))
        .route("/complaints", get(complaints))
        .route("/blind", get(blind))
        .route("/meddle", post(meddle))
        .route("/faults", post(faults))
        .route("/switch", post(switch))
        .with_state(core)
}

async fn about(State(core): State<Arc<Core>>) -> Json<Value> {
    let switches: Map<_, _> = core.switches.all().into_iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
    Json(json!({
        "vendor": core.vendor,
        "profile": core.sim.profile(),
        "other_profiles": core.sim.other_profiles(),
        "switches": switches,
        "faults": core.faults.specs(),
        "last": core.log.last(),
    }))
}

#[derive(Deserialize)]
struct LogQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn log(State(core): State<Arc<Core>>, Query(query): Query<LogQuery>) -> Json<Value> {
    let entries = core.log.after(query.after, query.limit.unwrap_or(usize::MAX));
    Json(json!({ "last": core.log.last(), "entries": entries }))
}

async fn state(State(core): State<Arc<Core>>, Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let holders: Map<String, Value> = match query.get("ids") {
        Some(ids) => ids.split(',').filter_map(|id| Some((id.to_owned(), json!(core.sim.holder(id)?)))).collect(),
        None => core.sim.holders().into_iter().map(|(id, holder)| (id.to_string(), json!(holder))).collect(),
    };
    Json(json!({ "vendor": core.vendor, "count": holders.len(), "holders": holders }))
}

async fn complaints(State(core): State<Arc<Core>>) -> Json<Value> {
    let all: Vec<_> =
        core.log.complaints().into_iter().map(|(n, what)| json!({"number": n, "complaint": what})).collect();
    Json(json!({ "complaints": all }))
}

async fn blind(State(core): State<Arc<Core>>) -> Json<Value> {
    Json(json!({ "blind": core.log.blind_repeats() }))
}

async fn meddle(State(core): State<Arc<Core>>, Json(body): Json<Value>) -> Response {
    match meddling(&core, &body) {
        Ok((ids, what)) => {
            let ids: Vec<_> = ids.iter().map(target).collect();
            Json(json!({ "applied": core.meddle(&ids, &what, None) })).into_response()
        }
        Err(e) => refuse(e),
    }
}

fn meddling(core: &Core, body: &Value) -> Result<(Vec<String>, Meddling), String> {
    let ids = body.get("ids").ok_or("'ids' is missing")?;
    let ids = Vec::<String>::deserialize(ids).map_err(|e| format!("ids: {e}"))?;
    let what = match body.get("to") {
        None => Meddling::Another(core.log.last()),
        Some(Value::String(word)) if word == "gone" => Meddling::Gone,
        Some(to) => Meddling::To(Holder::deserialize(to).map_err(|e| format!("to: {e}"))?),
    };
    Ok((ids, what))
}

#[derive(Deserialize)]
struct FaultList {
    faults: Vec<String>,
}

async fn faults(State(core): State<Arc<Core>>, Json(list): Json<FaultList>) -> Response {
    match core.faults.replace(&list.faults) {
        Ok(()) => Json(json!({ "faults": core.faults.specs() })).into_response(),
        Err(e) => refuse(e),
    }
}

async fn switch(State(core): State<Arc<Core>>, Json(body): Json<HashMap<String, String>>) -> Response {
    for (name, value) in &body {
        if let Err(e) = core.turn(name, value) {
            return refuse(e);
        }
    }
    about(State(core)).await.into_response()
}

fn refuse(why: String) -> Response {
    (StatusCode::BAD_REQUEST, why).into_response()
}
