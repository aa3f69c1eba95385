//! The rules that the contract has for clients. Breaking one is not an error of the server's, so it is only logged.

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use crate::sim::ask::Ask;
use crate::sim::vendor::Trace;

/// Looks at the headers that every call is to have.
pub fn judge_headers(headers: &HeaderMap, trace: &Trace) {
    let says = |name: header::HeaderName, what: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(what))
    };
    for (name, what) in [(header::ACCEPT, "application/json"), (header::CONTENT_TYPE, "application/json")] {
        if !says(name.clone(), what) {
            trace.complain(format!("a call without {name}: {what}"));
        }
    }
    if !headers.contains_key(header::USER_AGENT) {
        trace.complain("a call without User-Agent");
    }
    if headers.contains_key("language") {
        trace.complain("a call with `language`, which translates values");
    }
}

/// Looks at a call for a page of leads.
pub fn judge_page(ask: &Ask) {
    if ask.text("limit").is_none() {
        ask.trace.complain("a list of leads without a limit");
    }
    if ask.text("offset").is_some_and(|offset| offset != "0") && ask.text("sortBy").is_none() {
        ask.trace.complain("a later page of leads without an order");
    }
}

/// Looks at the body of a PUT.
pub fn judge_put(ask: &Ask, body: &Map<String, Value>) {
    if !body.contains_key("owner") && !ask.query.contains_key("owner") {
        ask.trace.complain("a PUT without an owner");
    }
    if let Some(other) = body.keys().find(|key| !matches!(key.as_str(), "owner" | "extendedFields")) {
        ask.trace.complain(format!("a PUT with {other}, which it does not have"));
    }
}
