//! Errors in the two shapes that the vendor has: lists of errors in v2 and v3, a status inside the answer in v1.1.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::ask;

/// Why something was not done.
#[derive(Clone, Debug)]
pub struct Refused {
    pub status: StatusCode,
    /// The vendor's own code; mostly the status.
    pub code: u16,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl Refused {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: status.as_u16(), message: message.into(), retry_after: None }
    }

    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A code beside a status that says less.
    pub fn coded(status: StatusCode, code: u16, message: impl Into<String>) -> Self {
        Self { code, ..Self::new(status, message) }
    }

    /// The answer; `path` decides on its shape.
    pub fn answer(&self, path: &str) -> Response {
        let mut response = if path.starts_with("/v1.1/") {
            // v1.1 is always 200, but for those whom it does not know.
            let known = !matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS);
            let status = if known { StatusCode::OK } else { self.status };
            (status, Json(json!({"response": {"status": v1_status(self.code, &self.message)}}))).into_response()
        } else {
            let item = item(self.code, &self.message);
            let data = if path.starts_with("/v3/") { Value::Null } else { json!([]) };
            (self.status, Json(json!({"data": data, "warnings": [], "errors": [item]}))).into_response()
        };
        if let Some(wait) = self.retry_after {
            ask::retry_after(&mut response, wait);
        }
        response
    }
}

/// One of `errors` or `warnings`.
pub fn item(code: u16, message: &str) -> Value {
    json!({"status": false, "code": code, "message": message})
}

/// `response.status` of v1.1; 200 is success.
pub fn v1_status(code: u16, message: &str) -> Value {
    let success = if code == 200 { "true" } else { "false" };
    json!({"success": success, "code": code.to_string(), "message": message})
}
