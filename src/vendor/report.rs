//! The outcomes of a batch, change by change.

use super::verdict::Verdict;
use super::{ErrorKind, VendorError, WriteOutcome, WriteReport};

/// The outcomes of a batch in the making.
pub struct Report {
    outcomes: Vec<Option<WriteOutcome>>,
    halt: Option<VendorError>,
    trouble: Option<ErrorKind>,
}

impl Report {
    pub fn new(changes: usize) -> Self {
        Self { outcomes: vec![None; changes], halt: None, trouble: None }
    }

    /// The first reason not to send anything more.
    pub fn halt(&self) -> Option<&VendorError> {
        self.halt.as_ref()
    }

    /// Takes in what became of the change at `place`.
    pub fn settle(&mut self, place: usize, verdict: Verdict) {
        if let Some(outcome) = self.outcomes.get_mut(place) {
            *outcome = Some(verdict.outcome);
        }
        self.trouble = verdict.trouble.or(self.trouble);
        self.halt = self.halt.take().or(verdict.halt);
    }

    /// The report. A change that nobody settled was not sent.
    pub fn finish(self, requests: usize) -> WriteReport {
        let missed = || WriteOutcome::NotApplied { why: "not sent".to_owned(), retry_after: None };
        let outcomes = self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missed)).collect();
        WriteReport { outcomes, halt: self.halt, trouble: self.trouble, requests }
    }
}

/// Nothing may leave after this error.
pub fn not_after(halt: &VendorError) -> Verdict {
    Verdict::of(WriteOutcome::NotApplied { why: halt.message.clone(), retry_after: None }).halting(halt.clone())
}
