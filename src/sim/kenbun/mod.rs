//! kenbun (formerly LeadVibe) from the server's side: leads of a sales floor, scoped to the active organizational unit.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::vendor::{Applied, Entry, Holder, Meddling, Target, VendorSim, World};

pub const ENTRY: Entry = Entry {
    name: "kenbun",
    about: "the leads of a sales floor",
    switches: &[],
    build: |_: &World| Ok(Arc::new(Kenbun)),
};

struct Kenbun;

impl VendorSim for Kenbun {
    fn router(self: Arc<Self>) -> Router {
        let none = Arc::clone(&self);
        Router::new().fallback(move || async move { none.error(StatusCode::NOT_FOUND, "not found") })
    }

    fn aims(&self, _method: &Method, _path: &str, _body: &[u8]) -> Vec<Target> {
        Vec::new()
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        (status, axum::Json(json!({"error": message}))).into_response()
    }

    fn profile(&self) -> Map<String, Value> {
        Map::new()
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        Vec::new()
    }

    fn holder(&self, _target: &str) -> Option<Holder> {
        None
    }

    fn meddle(&self, _targets: &[Target], _what: &Meddling) -> Vec<Applied> {
        Vec::new()
    }
}
