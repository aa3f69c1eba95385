//! Answers with what they say about themselves: errors may come as a status, as items of `errors`, or, from version 1.1,
//! inside a body whose status is 200.

use serde_json::{Map, Value};

use crate::domain::SafeText;
use crate::vendor::http::Answer;
use crate::vendor::{ErrorKind, VendorError};

/// One request failed although the answer is 2xx.
const PARTLY_FAILED: u16 = 201;

/// The credentials were not taken.
const NOT_SIGNED_IN: i64 = 401;

/// The search engine is busy.
pub const SEARCH_BUSY: i64 = 461;

/// Another action runs for the same customer.
pub const CUSTOMER_BUSY: i64 = 521;

/// The rate limit, as a code.
pub const TOO_MANY: i64 = 429;

/// An answer with its body read.
#[derive(Clone, Debug)]
pub struct Reply {
    pub answer: Answer,
    /// `None` where it is no JSON.
    pub body: Option<Value>,
}

/// One item of `errors` or `warnings`. Any part of it may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub code: Option<i64>,
    pub message: SafeText,
}

impl Item {
    fn of(value: &Value) -> Self {
        let text = |value: Option<&Value>| SafeText::new(value.and_then(Value::as_str).unwrap_or_default().trim());
        match value {
            Value::Object(item) => Self { code: code(item.get("code")), message: text(item.get("message")) },
            other => Self { code: None, message: text(Some(other)) },
        }
    }
}

/// For the middle of a sentence.
impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.message.is_empty()) {
            (Some(code), false) => write!(f, "{} (code {code})", self.message),
            (Some(code), true) => write!(f, "code {code}"),
            (None, false) => write!(f, "{}", self.message),
            (None, true) => f.write_str("no reason given"),
        }
    }
}

/// A code may be a number or a text of one.
pub fn code(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl Reply {
    pub fn of(answer: Answer) -> Self {
        let body = if answer.body.is_empty() { None } else { answer.json().ok() };
        Self { answer, body }
    }

    fn items(&self, key: &str) -> Vec<Item> {
        match self.body.as_ref().and_then(|body| body.get(key)) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().filter(|item| !item.is_null()).map(Item::of).collect(),
            Some(Value::Object(item)) if item.is_empty() => Vec::new(),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(item) => vec![Item::of(item)],
        }
    }

    /// The main activity failed for these reasons.
    pub fn errors(&self) -> Vec<Item> {
        self.items("errors")
    }

    /// Side activities failed for these reasons.
    pub fn warnings(&self) -> Vec<Item> {
        self.items("warnings")
    }

    /// A success by its status and by its body.
    pub fn is_good(&self) -> bool {
        self.answer.is_success() && self.answer.status.as_u16() != PARTLY_FAILED && self.errors().is_empty()
    }

    /// The status and the codes of the errors; with them what version 1.1 says inside.
    pub fn codes(&self) -> Vec<i64> {
        let status = i64::from(self.answer.status.as_u16());
        let errors = self.errors().into_iter().filter_map(|item| item.code);
        std::iter::once(status).chain(errors).chain(self.code_inside()).collect()
    }

    fn code_inside(&self) -> Option<i64> {
        code(self.body.as_ref()?.pointer("/response/status/code"))
    }

    /// The credentials were refused, whichever way that is said, and nothing else was.
    pub fn is_not_signed_in(&self) -> bool {
        let errors = self.errors();
        self.answer.status.as_u16() == 401
            || self.code_inside() == Some(NOT_SIGNED_IN)
            || (!errors.is_empty() && errors.iter().all(|error| error.code == Some(NOT_SIGNED_IN)))
    }

    /// A reading that may be tried again in a moment.
    pub fn is_busy(&self) -> bool {
        let passing = [SEARCH_BUSY, CUSTOMER_BUSY, TOO_MANY];
        // These statuses are waited for where requests are sent, but for 461.
        let codes = self.codes();
        codes[0] == SEARCH_BUSY || codes[1..].iter().any(|code| passing.contains(code))
    }

    /// The body is one of version 2 that says that there is nothing, whatever the status.
    pub fn says_nothing_is_there(&self) -> bool {
        let is_envelope = |body: &Map<String, Value>| ["data", "warnings"].iter().any(|key| body.contains_key(*key));
        let no_rows = |body: &Map<String, Value>| match body.get("data") {
            None | Some(Value::Null) => true,
            Some(rows) => rows.as_array().is_some_and(Vec::is_empty),
        };
        let body = self.body.as_ref().and_then(Value::as_object);
        body.is_some_and(|body| is_envelope(body) && no_rows(body)) && self.errors().is_empty()
    }

    /// The number under which the vendor's support finds the request, for the end of a sentence.
    pub fn request_id(&self) -> String {
        let id = self.answer.headers.get("x-cap-requestid").and_then(|value| value.to_str().ok());
        match id.map(|id| SafeText::new(&id.chars().take(64).collect::<String>())) {
            Some(id) if !id.is_empty() => format!(" [request {id}]"),
            _ => String::new(),
        }
    }

    /// The error of an answer that is not [good](Self::is_good).
    pub fn error(&self, profile: &impl std::fmt::Display) -> VendorError {
        let mut error = if self.answer.is_success() { self.error_inside(profile) } else { self.answer.error() };
        if error.status == Some(403) || error.kind == ErrorKind::Forbidden {
            error.remedy =
                "Version 2 may not be enabled for this organisation, the API client's access group may lack \
                            the resource Leads, or something mandatory is missing."
                    .to_owned();
        }
        error.message.push_str(&self.request_id());
        error
    }

    fn error_inside(&self, profile: &impl std::fmt::Display) -> VendorError {
        let errors = self.errors();
        let kind = match errors.iter().find_map(|item| item.code) {
            Some(401) => ErrorKind::SignIn,
            Some(403) => ErrorKind::Forbidden,
            Some(404) => ErrorKind::NotFound,
            Some(SEARCH_BUSY | CUSTOMER_BUSY | TOO_MANY) => ErrorKind::Wait,
            Some(500..=599) => ErrorKind::Server,
            _ => ErrorKind::Refused,
        };
        let status = self.answer.status.as_u16();
        let said = match errors.first() {
            Some(item) => item.to_string(),
            None => self.answer.words().to_string(),
        };
        let said: String = said.chars().take(240).collect();
        let said = if said.is_empty() { "no reason given".to_owned() } else { said };
        let mut error =
            VendorError::new(kind, format!("Capillary (profile {profile}) answered {status} with an error: {said}"));
        error.status = Some(status);
        error
    }
}
