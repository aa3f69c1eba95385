//! What a doctor found, a sentence each; and the sentences that all doctors need.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::http::{Answer, date};
use super::{Check, VendorError};
use crate::domain::safe_text;

/// A clock that is further off than this makes ages and pauses wrong.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(120);

/// How many names a sentence lists at most.
const LISTED: usize = 8;

/// The findings so far.
#[derive(Default)]
pub struct Findings(Vec<Check>);

impl Findings {
    pub fn add(&mut self, name: &str, ok: bool, detail: impl Into<String>) {
        self.0.push(Check { name: name.to_owned(), ok, detail: detail.into() });
    }

    pub fn good(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, true, detail);
    }

    pub fn bad(&mut self, name: &str, detail: impl Into<String>) {
        self.add(name, false, detail);
    }

    /// An error with what helps.
    pub fn failed(&mut self, name: &str, error: &VendorError) {
        let remedy = if error.remedy.is_empty() { String::new() } else { format!(" {}", error.remedy) };
        self.bad(name, format!("{}.{remedy}", error.message.trim_end_matches('.')));
    }

    pub fn into_checks(self) -> Vec<Check> {
        self.0
    }
}

/// Compares the clocks; pauses and ages depend on them.
pub fn examine_clock(answer: &Answer, findings: &mut Findings) {
    const NAME: &str = "clock";
    let Some(theirs) = date(&answer.headers) else {
        findings.good(NAME, "The server does not tell its time.");
        return;
    };
    let off = Timestamp::now().duration_since(theirs);
    if off.abs() <= CLOCK_TOLERANCE {
        findings.good(NAME, "This computer's clock agrees with the server's.");
    } else {
        let way = if off.is_positive() { "ahead of" } else { "behind" };
        let seconds = Duration::try_from(off.abs()).unwrap_or_default().as_secs();
        findings.bad(
            NAME,
            format!(
                "This computer's clock is {} {way} the server's: ages of leads and owners are shown wrong.",
                span(seconds)
            ),
        );
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `unit_default (Sales)`.
pub fn label(id: &str, name: &str) -> String {
    let (id, name) = (safe_text::visible(id), safe_text::visible(name));
    if name.is_empty() { id.into_owned() } else { format!("{id} ({name})") }
}

/// `a, b and 3 more`; `none`.
pub fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown: Vec<String> = names.take(LISTED).collect();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}
