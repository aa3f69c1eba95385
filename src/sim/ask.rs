//! What a vendor's handlers have in common: looking at a request, and answering it or refusing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Query, Request};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::vendor::{Trace, VendorSim};

/// A request. As an extractor it never fails: what is wrong with a request is for the vendor to say.
#[derive(Clone, Debug)]
pub struct Ask {
    pub headers: HeaderMap,
    pub query: HashMap<String, String>,
    pub body: Bytes,
    pub trace: Trace,
}

impl<S: Send + Sync> FromRequest<S> for Ask {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(Self {
            query: Query::try_from_uri(&parts.uri).map(|Query(q)| q).unwrap_or_default(),
            trace: parts.extensions.get::<Trace>().cloned().unwrap_or_default(),
            headers: parts.headers,
            // The server has read and bounded it already.
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default(),
        })
    }
}

impl Ask {
    /// A query parameter; an empty one counts as missing.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

/// How a request says who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    Bearer(String),
    Basic { user: String, password: String },
}

/// The credentials of the `Authorization` header; `None` where it is missing or cannot be read.
pub fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Credentials::Bearer(rest.to_owned()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        return Some(Credentials::Basic { user: user.to_owned(), password: password.to_owned() });
    }
    None
}

/// An error answer in plain words; [`VendorSim::error`] gives it the vendor's shape.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

pub type Answer<T> = Result<T, Refusal>;

/// A 200 with JSON, or the refusal.
pub fn reply<T: Serialize>(sim: &impl VendorSim, answer: Answer<T>) -> Response {
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(refusal) => {
            let mut response = sim.error(refusal.status, &refusal.message);
            if let Some(wait) = refusal.retry_after {
                retry_after(&mut response, wait);
            }
            response
        }
    }
}

/// Sets `Retry-After`, in whole seconds rounded up: who came back earlier would be refused again.
pub fn retry_after(response: &mut Response, wait: Duration) {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
}
