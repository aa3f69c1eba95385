//! Points in time on the command line.

use jiff::tz::TimeZone;

use super::exit::Failure;
use crate::domain::{Timestamp, moment};

/// A point in time that has been, in this computer's time zone; see [`moment::back`].
pub fn back(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    moment::back(text, now, &TimeZone::system()).map_err(Failure::wrong_use)
}

/// A point in time that is to come; see [`moment::ahead`].
pub fn ahead(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    moment::ahead(text, now, &TimeZone::system()).map_err(Failure::wrong_use)
}
