//! The six error bodies that StateSet's own material shows.

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

const REQUEST_ID: &str = "req_8f2c1b7d9e";
const TIMESTAMP: &str = "2026-01-15T10:30:00Z";

/// An error in one of the shapes 1 to 6.
pub fn response(shape: u64, status: StatusCode, message: &str) -> Response {
    let body = body(shape, status, message);
    let kind = if shape == 6 { "application/problem+json" } else { "application/json" };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(HeaderName::from_static("x-request-id"), HeaderValue::from_static(REQUEST_ID));
    response
}

fn body(shape: u64, status: StatusCode, message: &str) -> Value {
    let code = code(status);
    let number = status.as_u16();
    let reason = status.canonical_reason().unwrap_or("Error");
    match shape {
        2 => json!({"error": {
            "type": if status.is_server_error() { "api_error" } else { "invalid_request_error" },
            "code": code.to_lowercase(), "message": message, "param": null,
            "doc_url": "https://docs.stateset.example/errors", "request_id": REQUEST_ID,
        }}),
        3 => json!({"success": false, "error": {"code": code, "message": message, "details": {}}}),
        4 => json!({"type": "error", "message": message, "code": code, "detail": message, "path": "/v1/leads"}),
        5 => json!({
            "error": reason, "message": message, "details": null, "request_id": REQUEST_ID, "timestamp": TIMESTAMP,
        }),
        6 => json!({
            "type": "about:blank", "title": reason, "status": number, "detail": message, "instance": "/v1/leads",
        }),
        _ => json!({"error": {
            "code": code, "message": message,
            "type": if status.is_server_error() { "api_error" } else { "request_error" },
            "details": {}, "request_id": REQUEST_ID, "timestamp": TIMESTAMP,
            "documentation_url": "https://docs.stateset.example/errors",
        }}),
    }
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 422 => "VALIDATION_ERROR",
        401 => "INVALID_API_KEY",
        403 => "INSUFFICIENT_PERMISSIONS",
        404 => "RESOURCE_NOT_FOUND",
        409 => "RESOURCE_CONFLICT",
        429 => "RATE_LIMIT_EXCEEDED",
        _ => "INTERNAL_ERROR",
    }
}
