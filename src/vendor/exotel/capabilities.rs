//! What Exotel can and cannot do, as data for the rest of the house.

use std::time::Duration;

use super::settings::{CrossCheck, Settings};
use crate::domain::{Capabilities, Pace, TargetKind, VendorKind};

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
    let parallel = settings.parallel;
    let pace = match settings.requests_per_minute {
        Some(pace) => {
            let burst = (pace / 10).clamp(1, 60);
            let rest = pace.saturating_sub(burst).max(1);
            Pace { per_second: f64::from(rest) / 60.0, burst, parallel }
        }
        None => Pace { per_second: f64::INFINITY, burst: u32::MAX, parallel },
    };
    Capabilities {
        targets: TargetKind::Mappings,
        pace,
        // Every list is read right before it is written, whatever was read earlier (section 6, rule 1).
        freshness: Duration::ZERO,
        not_undoable: vec!["Calls that were dialed in between cannot be taken back.".to_owned()],
        warnings,
        ..Capabilities::plain(VendorKind::Exotel, &[])
    }
}
