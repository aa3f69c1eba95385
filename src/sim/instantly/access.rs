//! Who is asking, and what is refused before any call is looked at: the rate, the plan, the key and its scopes.

use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, StatusCode};
use tokio::time::{Duration, Instant};

use super::{Instantly, Sim, lock};
use crate::sim::ask::{self, Answer, Credentials, Refusal};
use crate::sim::dice;
use crate::sim::faults::{Limiter, Rate};
use crate::sim::vendor::{Trace, VendorSim};

/// The documented budget beside the one a second, which is a switch.
const PER_MINUTE: Rate = Rate { count: 6_000, per: Duration::from_secs(60) };

/// The workspace's keys and its budget.
#[derive(Debug)]
pub struct Access {
    pub key: String,
    /// Has the scopes to read and none to write.
    pub reader: String,
    /// Another tool of the same workspace: it shares the budget.
    pub other: String,
    seconds: Mutex<Limiter>,
    minutes: Mutex<Limiter>,
}

impl Access {
    pub fn new(seed: u64) -> Self {
        // Base64 of two parts, as the vendor's keys look.
        let key = |place| format!("{:016x}{:016x}==", dice::roll(seed, place, 600), dice::roll(seed, place, 601));
        Self { key: key(1), reader: key(2), other: key(3), seconds: Mutex::default(), minutes: Mutex::default() }
    }
}

/// Every request passes here.
pub async fn door(State(sim): Sim, request: Request, next: Next) -> Response {
    let trace = request.extensions().get::<Trace>().cloned().unwrap_or_default();
    let headers = request.headers();
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !agent.contains('/') {
        trace.complain("the request names no user agent of the form app/version");
    }
    if sim.switches.is("forbidden", "cloudflare") {
        return (StatusCode::FORBIDDEN, "error code: 1010").into_response();
    }
    let is_write = request.uri().path().ends_with("/bulk-assign") || request.method() == http::Method::PATCH;
    match sim.count_request().and_then(|()| sim.let_in(headers, is_write)) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let mut response = sim.error(refusal.status, &refusal.message);
            if let Some(wait) = refusal.retry_after.filter(|_| sim.switches.on("retry_after")) {
                ask::retry_after(&mut response, wait);
            }
            response
        }
    }
}

impl Instantly {
    fn count_request(&self) -> Answer<()> {
        let Ok(rate) = self.switches.with("rate_limit", Rate::parse) else { return Ok(()) };
        let now = Instant::now();
        let admitted = lock(&self.access.seconds)
            .admit(rate, now)
            .and_then(|()| lock(&self.access.minutes).admit(PER_MINUTE, now));
        admitted.map_err(|wait| {
            let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
            refusal.retry_after = Some(wait);
            refusal
        })
    }

    fn let_in(&self, headers: &HeaderMap, is_write: bool) -> Answer<()> {
        let refused = |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, message);
        if !headers.contains_key(AUTHORIZATION) {
            return Err(refused("Missing Authorization header"));
        }
        let key = match ask::credentials(headers) {
            Some(Credentials::Bearer(key)) => key,
            _ => return Err(refused("Invalid Authorization header")),
        };
        let known = [&self.access.key, &self.access.reader, &self.access.other].contains(&&key);
        if !known {
            return Err(refused("Invalid API key"));
        }
        if self.switches.is("plan", "none") {
            let message = "Workspace does not have an active paid plan";
            return Err(Refusal::new(StatusCode::PAYMENT_REQUIRED, message));
        }
        if is_write && (key == self.access.reader || self.switches.is("forbidden", "scope")) {
            let message =
                "API key does not have one of the required scopes: leads:update, leads:all, all:update, all:all";
            return Err(Refusal::new(StatusCode::FORBIDDEN, message));
        }
        Ok(())
    }
}
