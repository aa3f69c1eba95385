//! A plan over several profiles, profile by profile: each has a vendor, a pace and limits of its own.

use crate::domain::{Cost, Plan, ProfileName};

use super::plan_text::PlanLine;
use super::words::{self, counted};

/// One profile's share of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PartReview {
    pub profile: ProfileName,
    /// The vendor's name.
    pub vendor: &'static str,
    pub changes: usize,
    pub skips: usize,
    pub cost: Cost,
}

/// The shares, in the order of the plan. A profile may have several parts there (an undo in several contexts).
pub fn parts_of(plan: &Plan) -> Vec<PartReview> {
    let mut all: Vec<PartReview> = Vec::new();
    for part in &plan.parts {
        let at = all.iter().position(|known| known.profile == part.profile).unwrap_or_else(|| {
            all.push(PartReview {
                profile: part.profile.clone(),
                vendor: part.vendor.title(),
                changes: 0,
                skips: 0,
                cost: Cost::default(),
            });
            all.len() - 1
        });
        let share = &mut all[at];
        share.changes += part.changes.len();
        share.skips += part.skips.len();
        share.cost.requests += part.cost.requests;
        share.cost.seconds += part.cost.seconds;
    }
    all
}

/// A heading and a line for each profile; nothing where there is only one.
pub fn lines(parts: &[PartReview], width: usize) -> Vec<PlanLine> {
    if parts.len() < 2 {
        return Vec::new();
    }
    let mut lines = vec![PlanLine::Blank, PlanLine::Heading("Profile by profile, side by side".to_owned())];
    for part in parts {
        let mut said = vec![counted(part.changes, "change")];
        if part.skips > 0 {
            said.push(format!("{} left alone", counted(part.skips, "lead")));
        }
        if part.changes > 0 {
            said.push(counted(part.cost.requests, "request"));
            said.push(words::duration(part.cost.seconds));
        }
        let text = format!("{} ({}): {}", part.profile, part.vendor, said.join(", "));
        lines.extend(words::wrap(&text, width).into_iter().map(PlanLine::Text));
    }
    lines
}
