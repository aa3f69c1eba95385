//! Vendor errors, grouped by what the person can do about them.

use std::time::Duration;

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Credentials missing, wrong or expired.
    SignIn,
    /// The credentials may not do this, or the plan is not paid: ask an administrator.
    Forbidden,
    /// Too many requests, or the server is busy: wait.
    Wait,
    /// No such record.
    NotFound,
    /// The vendor refuses what was sent.
    Refused,
    /// No connection, a time-out, a line that was cut.
    Unreachable,
    /// The server's own error (5xx).
    Server,
    /// An answer that does not fit the contract.
    Garbled,
    /// A setting is wrong.
    Setting,
    /// The vendor has no such call.
    NotSupported,
}

/// A failed call. `Display` is one sentence for people; it never holds a header, a secret or a whole body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct VendorError {
    pub kind: ErrorKind,
    pub message: String,
    /// What the person can do; empty where the kind says it all.
    pub remedy: String,
    pub status: Option<u16>,
    pub retry_after: Option<Duration>,
}

impl VendorError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: String::new(), status: None, retry_after: None }
    }

    /// The vendor's contract has no call for `what`.
    pub fn not_supported(what: &str) -> Self {
        Self::new(ErrorKind::NotSupported, format!("this vendor has no call for {what}"))
    }

    /// A client that answers for fewer targets than it was asked about has not read the others.
    pub fn not_read() -> Self {
        Self::new(ErrorKind::Garbled, "the vendor's client did not read it")
    }

    /// Every further request of a reading would meet it as well: the credentials are refused, or nobody is there.
    pub fn ends_a_reading(&self) -> bool {
        use ErrorKind::{Forbidden, Setting, SignIn, Unreachable};
        matches!(self.kind, SignIn | Forbidden | Unreachable | Setting)
    }

    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}
