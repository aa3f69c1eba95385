//! What one write request says about everything in it.

use super::http::{Answer, Sent};
use super::{ErrorKind, VendorError, WriteOutcome};

/// The outcome for everything in the request, and what follows for those after it.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub outcome: WriteOutcome,
    pub halt: Option<VendorError>,
    pub trouble: Option<ErrorKind>,
}

impl Verdict {
    pub fn of(outcome: WriteOutcome) -> Self {
        Self { outcome, halt: None, trouble: None }
    }

    pub fn unknown(why: String) -> Self {
        Self::of(WriteOutcome::Unknown(why))
    }

    pub fn troubled(mut self, kind: ErrorKind) -> Self {
        self.trouble = Some(kind);
        self
    }

    pub fn halting(mut self, error: VendorError) -> Self {
        self.halt = Some(error);
        self
    }

    /// The answer that a request got, or what it means that there is none (or a 429).
    #[expect(clippy::result_large_err, reason = "made once a request")]
    pub fn of_sent(sent: Sent) -> Result<Answer, Self> {
        let (outcome, kind) = match sent {
            Sent::Answer(answer) => return Ok(answer),
            Sent::NotSent(error) => match error.kind {
                ErrorKind::Unreachable => {
                    (WriteOutcome::NotApplied { why: error.message, retry_after: None }, error.kind)
                }
                // No other try could be built either.
                kind => (WriteOutcome::Failed(error.message), kind),
            },
            Sent::TooMany(error) => {
                (WriteOutcome::NotApplied { why: error.message, retry_after: error.retry_after }, error.kind)
            }
            Sent::Lost(error) => (WriteOutcome::Unknown(error.message), error.kind),
            Sent::Late(error) => (WriteOutcome::Late(error.message), error.kind),
        };
        Err(Self::of(outcome).troubled(kind))
    }

    /// An answer that is no success, with its error and the number of leads that the request was about.
    pub fn refused(status: u16, error: VendorError, leads: usize) -> Self {
        let kind = error.kind;
        match status {
            // The server may still be at work behind a gateway that gave up on it (520, 522, 524: Cloudflare).
            408 | 499 | 502 | 504 | 520 | 522 | 524 => {
                Self::of(WriteOutcome::Late(error.message)).troubled(ErrorKind::Server)
            }
            // Also 503: whether it is busy or broken, several in a row are an outage.
            500.. => Self::unknown(error.message).troubled(ErrorKind::Server),
            400..500 => {
                let whole_batch =
                    if leads > 1 { format!("; none of the {leads} leads was changed") } else { String::new() };
                let verdict = Self::of(WriteOutcome::Failed(format!("{}{whole_batch}", error.message))).troubled(kind);
                if is_for_all(kind) { verdict.halting(error) } else { verdict }
            }
            // A redirection after the fact, an answer that is none.
            _ => Self::unknown(error.message.clone()).troubled(kind).halting(error),
        }
    }

    /// What had to come before the request failed, so that it was not sent.
    pub fn not_sent(error: VendorError) -> Self {
        let kind = error.kind;
        if is_for_all(kind) {
            return Self::of(WriteOutcome::Failed(error.message.clone())).troubled(kind).halting(error);
        }
        Self::of(WriteOutcome::NotApplied { why: error.message, retry_after: error.retry_after }).troubled(kind)
    }
}

/// Every further request would meet it as well.
fn is_for_all(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::SignIn | ErrorKind::Forbidden | ErrorKind::Setting)
}
