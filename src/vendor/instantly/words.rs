//! The numbers that Instantly writes for states, in its own words. Unknown ones are shown as numbers.

use crate::domain::{LeadFlags, Lifecycle, SafeText};

pub fn lead_status(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "Active",
        2 => "Paused",
        3 => "Completed",
        -1 => "Bounced",
        UNSUBSCRIBED => "Unsubscribed",
        -3 => "Skipped",
        _ => return None,
    })
}

const UNSUBSCRIBED: i64 = -2;
const WON: i64 = 4;
const LOST: i64 = -3;
const INVALID: i64 = -1;

/// The interest that is the same in every workspace; any other number is one of the workspace's own labels.
pub fn interest(number: i64) -> Option<&'static str> {
    Some(match number {
        0 => "Out of office",
        1 => "Interested",
        2 => "Meeting booked",
        3 => "Meeting completed",
        WON => "Won",
        -1 => "Not interested",
        -2 => "Wrong person",
        LOST => "Lost",
        -4 => "No show",
        _ => return None,
    })
}

pub fn verification(number: i64) -> Option<&'static str> {
    Some(match number {
        1 => "Verified",
        11 => "Pending",
        12 => "Pending verification job",
        INVALID => "Invalid",
        -2 => "Risky",
        -3 => "Catch-all",
        -4 => "Job change",
        _ => return None,
    })
}

pub fn campaign_status(number: i64) -> SafeText {
    let word = match number {
        0 => "Draft",
        1 => "Active",
        2 => "Paused",
        3 => "Completed",
        4 => "Running subsequences",
        -99 => "Account suspended",
        -1 => "Accounts unhealthy",
        -2 => "Bounce protect",
        other => return SafeText::new(&other.to_string()),
    };
    SafeText::new(word)
}

/// Only what was won or lost is over. "Not interested" and "wrong person" are words of a reply, and a manager may want
/// to give such a lead to somebody else.
pub fn lifecycle(interest: Option<i64>) -> Lifecycle {
    if matches!(interest, Some(WON | LOST)) { Lifecycle::Closed } else { Lifecycle::Open }
}

pub fn flags(status: Option<i64>, verification: Option<i64>) -> LeadFlags {
    let mut flags = LeadFlags::default();
    if status == Some(UNSUBSCRIBED) {
        flags = flags.with(LeadFlags::EMAIL_OPT_OUT);
    }
    if verification == Some(INVALID) {
        flags = flags.with(LeadFlags::INVALID);
    }
    flags
}
