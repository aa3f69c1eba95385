//! What Exotel can and cannot do, as data for the rest of the house.

use std::time::Duration;

use super::settings::{CrossCheck, Settings};
use crate::domain::capabilities::Settle;
use crate::domain::{Capabilities, TargetKind, VendorKind};
use crate::vendor::settings::pace;

pub fn of(settings: &Settings) -> Capabilities {
    let mut warnings = vec![
        "A mapping takes effect at once; what becomes of a call that an agent is on is not documented.".to_owned(),
    ];
    if settings.cross_check == CrossCheck::Off {
        warnings.push(
            "Readings of agents are not compared with the campaign's own (cross_check = \"off\"): a list that was not read \
             to its end would not be noticed."
                .to_owned(),
        );
    }
    Capabilities {
        targets: TargetKind::Mappings,
        pace: pace(settings.requests_per_minute, settings.parallel),
        // Every list is read right before it is written, whatever was read earlier (section 6, rule 1).
        freshness: Duration::ZERO,
        // How soon a reading shows a write is not documented (section 7): what was sent counts as not applied only when
        // as many readings more say so.
        settle: Settle { doubted: settings.verify_retries, ..Settle::USUAL },
        not_undoable: vec!["Calls that were dialed in between cannot be taken back.".to_owned()],
        warnings,
        ..Capabilities::plain(VendorKind::Exotel, &[])
    }
}
