//! New leads. A creation changes nobody's assignment and cannot be taken back, so it is no operation of the journal: the
//! log has it, by ids. It is sent once (with the vendor's idempotency key, where it has one); an answer that was lost is
//! found out by reading, never by sending again.

use std::ops::ControlFlow;

use jiff::SignedDuration;

use super::desk::Desk;
use super::setup::Clock;
use crate::domain::campaign::{LeadAsk, NewLead};
use crate::domain::exchange::Problem;
use crate::domain::fold::fold;
use crate::domain::{LeadRecord, Timestamp};
use crate::vendor::{ErrorKind, Pages, VendorError};

/// What became of a lead that was to be created.
#[derive(Clone, Debug)]
pub enum Created {
    Made(Box<LeadRecord>),
    /// There is no such lead, and why.
    Refused(VendorError),
    /// It cannot be told; with what is known.
    Unknown(Problem),
}

/// Clocks of vendors may be off by this much.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(120);

pub async fn create(desk: &Desk, lead: &NewLead, clock: &Clock) -> Created {
    let began = clock();
    tracing::info!(profile = %desk.name, "a lead is being created");
    let outcome = match desk.vendor.create_lead(lead).await {
        Ok(made) => Created::Made(Box::new(made)),
        Err(error) if may_have_worked(error.kind) => {
            let may_be_late = may_be_late(&error);
            match read_back(desk, lead, error, began).await {
                // It may still be at work: only what is not there a while later never will be.
                Created::Refused(error) if may_be_late => {
                    tokio::time::sleep(desk.capabilities.settle.late).await;
                    read_back(desk, lead, error, began).await
                }
                told => told,
            }
        }
        Err(error) => Created::Refused(error),
    };
    match &outcome {
        Created::Made(made) => tracing::info!(profile = %desk.name, lead = %made.id, "the lead was created"),
        Created::Refused(error) => tracing::warn!(profile = %desk.name, kind = ?error.kind, "no lead was created"),
        Created::Unknown(_) => tracing::warn!(profile = %desk.name, "it is not known whether the lead was created"),
    }
    outcome
}

/// Whether the lead may be there after such an error.
fn may_have_worked(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::Server | ErrorKind::Garbled)
}

/// Whether the server may still be at work on it: no answer came, or a gateway gave up waiting for one.
fn may_be_late(error: &VendorError) -> bool {
    error.kind == ErrorKind::Unreachable || matches!(error.status, Some(408 | 502 | 504))
}

/// What a reading says that found nothing.
const NOT_THERE: &str = "; read back: no lead has this e-mail address";

/// Looks for the e-mail address, which no two leads have. One that was there before would have been refused.
async fn read_back(desk: &Desk, lead: &NewLead, error: VendorError, began: Timestamp) -> Created {
    let mut look = Look { email: fold(lead.email.trim()).into_owned(), found: None };
    let read = desk.vendor.leads(&LeadAsk::everything(), &mut look).await;
    let said = error.message.trim_end_matches('.').trim_end_matches(NOT_THERE).to_owned();
    match (read, look.found) {
        (_, Some(found)) => {
            let age = found.created_at.map(|at| began.duration_since(at));
            if age.is_some_and(|age| age <= TOLERANCE) {
                return Created::Made(Box::new(found));
            }
            let what = format!(
                "{said}; the lead {} has this e-mail address now, but whether it was created just now cannot be told",
                found.id
            );
            Created::Unknown(Problem::new(what, "Look at it before trying again."))
        }
        (Ok(()), None) => {
            let what = format!("{said}{NOT_THERE}");
            Created::Refused(VendorError::new(error.kind, what))
        }
        (Err(unread), None) => {
            let what = format!("{said}; reading back failed too: {}", unread.message.trim_end_matches('.'));
            Created::Unknown(Problem::new(what, "Look for the e-mail address before trying again."))
        }
    }
}

/// Looks through the pages for an e-mail address.
struct Look {
    email: String,
    found: Option<LeadRecord>,
}

impl Pages for Look {
    fn page(&mut self, leads: Vec<LeadRecord>, _total: Option<usize>) -> ControlFlow<()> {
        self.found = leads.into_iter().find(|lead| fold(lead.email.as_str()) == self.email);
        if self.found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
