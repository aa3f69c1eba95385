//! A plan in words: what would change, what is left alone, what cannot be taken back, what it costs.

use std::collections::BTreeMap;

use super::output::items::{grouped, lasting};
use super::output::table::cut;
use crate::domain::leads::Snapshot;
use crate::domain::planning::load_shifts;
use crate::domain::safe_text::visible;
use crate::domain::{OperationKind, Plan};

/// At most this many owners are listed.
const MOST_OWNERS: usize = 12;
/// Names are cut to this width.
const NAME_WIDTH: usize = 32;

/// The whole overview. `snapshot`: the leads as they were read, for loads before and after.
pub fn lines(plan: &Plan, snapshot: Option<&Snapshot>) -> Vec<String> {
    let mut lines = vec![format!("Plan: {}", heading(plan))];
    lines.extend(shifts(plan, snapshot));
    lines.extend(skips(plan));
    lines.extend(warnings(plan));
    let cost = plan.cost();
    if plan.changes() > 0 {
        let requests = if cost.requests == 1 { "request" } else { "requests" };
        lines.push(format!("  about {} {requests}, {}", grouped(cost.requests), lasting(cost.seconds)));
    }
    lines
}

/// What must be read before anything is sent: warnings, and what undo could not put back exactly.
pub fn warnings(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for part in &plan.parts {
        for (reason, count) in &part.inexact {
            lines.push(format!(
                "  ! {}: {} of these cannot be put back exactly: {}",
                part.profile,
                grouped(*count),
                visible(reason)
            ));
        }
        lines.extend(part.warnings.iter().map(|warning| format!("  ! {}: {}", part.profile, visible(warning))));
    }
    lines
}

/// `Assign 12 leads of sales`: also the beginning of the question.
pub fn question(plan: &Plan) -> String {
    heading(plan)
}

fn heading(plan: &Plan) -> String {
    let count = plan.changes();
    let what = match (plan.kind, count) {
        (OperationKind::Map, 1) => "mapping",
        (OperationKind::Map, _) => "mappings",
        (_, 1) => "lead",
        _ => "leads",
    };
    let verb = match plan.kind {
        OperationKind::Assign if to_nobody(plan) => "Unassign",
        OperationKind::Assign => "Assign",
        OperationKind::Distribute => "Distribute",
        OperationKind::Map => "Change",
        OperationKind::Undo => "Take back",
        OperationKind::Redo => "Redo",
    };
    let mut profiles: Vec<&str> = plan.parts.iter().map(|part| part.profile.as_str()).collect();
    profiles.dedup();
    format!("{verb} {} {what} of {}", grouped(count), visible(&profiles.join(", ")))
}

fn to_nobody(plan: &Plan) -> bool {
    let mut changes = plan.parts.iter().flat_map(|part| part.changes.iter()).peekable();
    changes.peek().is_some() && changes.all(|change| matches!(change.after, crate::domain::Assignment::Unassigned(_)))
}

/// A line for everyone whose load changes.
fn shifts(plan: &Plan, snapshot: Option<&Snapshot>) -> Vec<String> {
    let several = plan.parts.len() > 1;
    let shifts = load_shifts(plan, snapshot.unwrap_or(&Snapshot::default()));
    let mut lines: Vec<String> = shifts
        .iter()
        .take(MOST_OWNERS)
        .map(|shift| {
            let name = cut(shift.owner.label().as_str(), NAME_WIDTH);
            let place = if several { format!(" ({})", shift.profile) } else { String::new() };
            let moved = match (shift.gains, shift.loses) {
                (gains, 0) => format!("+{}", grouped(gains)),
                (0, loses) => format!("-{}", grouped(loses)),
                (gains, loses) => format!("+{} -{}", grouped(gains), grouped(loses)),
            };
            match snapshot {
                Some(_) => format!("  {name}{place}: {moved} ({} → {})", grouped(shift.before), grouped(shift.after)),
                None => format!("  {name}{place}: {moved}"),
            }
        })
        .collect();
    if shifts.len() > MOST_OWNERS {
        lines.push(format!("  … and {} more owners", shifts.len() - MOST_OWNERS));
    }
    lines
}

/// One line: how many are skipped, by reason.
fn skips(plan: &Plan) -> Option<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for skip in plan.parts.iter().flat_map(|part| part.skips.iter()) {
        // Drift differs from lead to lead; its list is below.
        let reason = match skip.reason {
            crate::domain::SkipReason::Drift { .. } => "changed by someone else".to_owned(),
            reason => visible(&reason.to_string()).into_owned(),
        };
        *reasons.entry(reason).or_default() += 1;
    }
    if reasons.is_empty() {
        return None;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let reasons: Vec<String> =
        reasons.into_iter().map(|(reason, count)| format!("{} {reason}", grouped(count))).collect();
    Some(format!("  skipped: {}", reasons.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Assignment, Change, Cost, OwnerRef, PlanPart, ProfileName, SafeText, Skip, SkipReason, TargetId, VendorKind,
    };

    fn plan(kind: OperationKind, after: Assignment) -> Plan {
        let change = |n: usize| Change {
            target: TargetId::new(format!("ld_{n}")),
            name: SafeText::empty(),
            before: Assignment::unassigned(),
            after: after.clone(),
            read_at: None,
            scope: Default::default(),
        };
        let skip = |reason: SkipReason| Skip {
            target: TargetId::new("x"),
            name: SafeText::empty(),
            before: Assignment::Unknown,
            after: after.clone(),
            reason,
        };
        Plan {
            kind,
            reverts: None,
            note: None,
            made_at: Default::default(),
            parts: vec![PlanPart {
                profile: ProfileName::new("sales"),
                vendor: VendorKind::Kenbun,
                changes: (0..1_200).map(change).collect(),
                skips: vec![skip(SkipReason::NoSuchLead), skip(SkipReason::Closed), skip(SkipReason::Closed)].into(),
                cost: Cost { requests: 3, seconds: 2.0 },
                inexact: vec![("its owner is known only by name".to_owned(), 7)],
                warnings: vec!["Alerts are sent.".to_owned()],
                takes_back: Default::default(),
                context: None,
            }],
        }
    }

    #[test]
    fn a_plan_is_told_in_a_few_lines() {
        let plan = plan(OperationKind::Assign, Assignment::Owner(OwnerRef::new("u1", "Jane")));
        assert_eq!(
            lines(&plan, None),
            [
                "Plan: Assign 1,200 leads of sales",
                "  Jane: +1,200",
                "  nobody: -1,200",
                "  skipped: 2 closed, 1 no such lead",
                "  ! sales: 7 of these cannot be put back exactly: its owner is known only by name",
                "  ! sales: Alerts are sent.",
                "  about 3 requests, 2.0 s",
            ]
        );
        assert_eq!(question(&plan), "Assign 1,200 leads of sales");
    }

    #[test]
    fn taking_owners_away_is_called_so() {
        assert_eq!(question(&plan(OperationKind::Assign, Assignment::unassigned())), "Unassign 1,200 leads of sales");
        assert_eq!(question(&plan(OperationKind::Undo, Assignment::unassigned())), "Take back 1,200 leads of sales");
    }
}
