//! What a plan's page says, line by line.

use crate::domain::{Assignment, OperationKind, Plan, ProfileName, SafeText};

use super::job::Review;
use super::words::{self, counted, number};

/// A line of the plan's summary.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanLine {
    Headline(String),
    Heading(String),
    Text(String),
    /// A sentence that must be read before confirming.
    Warning(String),
    /// The rest of a sentence that is longer than a line.
    WarningRest(String),
    /// Leads from one owner to another.
    Flow {
        from: String,
        to: String,
        leads: usize,
    },
    /// An owner's load before and after.
    Load {
        owner: String,
        before: usize,
        after: usize,
        most: usize,
    },
    Blank,
}

impl PlanLine {
    pub fn text(text: String) -> Self {
        Self::Text(text)
    }
}

/// Columns of a name within a sentence; some names are books.
const NAME: usize = 40;

/// Lines of flows and loads that are shown at once; plans of hundreds of owners say how many more there are.
const MOST_ROWS: usize = 40;

/// The whole summary, wrapped to `width`.
pub fn summary(review: &Review, width: usize) -> Vec<PlanLine> {
    let mut lines: Vec<PlanLine> = words::wrap(&headline(review), width).into_iter().map(PlanLine::Headline).collect();
    if let Some(facts) = facts(review) {
        lines.extend(words::wrap(&facts, width).into_iter().map(PlanLine::Text));
    }
    lines.extend(super::plan_parts::lines(&review.parts, width));
    let several = review.parts.len() > 1;
    let mut warnings = review.findings.clone();
    if review.hidden > 0 {
        let names: Vec<String> = review.hidden_names.iter().map(|name| words::cut(name.as_str(), NAME)).collect();
        let more = if review.hidden > names.len() { " and others" } else { "" };
        let are = if review.hidden == 1 { "is" } else { "are" };
        warnings.push(format!(
            "{} of them {are} hidden by the filter: {}{more}.",
            number(review.hidden),
            names.join(", ")
        ));
    }
    for (reason, leads) in &review.inexact {
        warnings.push(format!("Undo cannot put back exactly {}: {reason}.", counted(*leads, "lead")));
    }
    warnings.extend(review.warnings.iter().cloned());
    if review.changes > 0 {
        warnings.extend(review.side_effects.iter().map(|sentence| format!("No undo takes this back: {sentence}")));
    }
    if !warnings.is_empty() {
        lines.push(PlanLine::Blank);
    }
    for warning in warnings {
        let mut parts = words::wrap(&warning, width.saturating_sub(2)).into_iter();
        lines.extend(parts.next().map(PlanLine::Warning));
        lines.extend(parts.map(PlanLine::WarningRest));
    }
    if !review.moves.is_empty() {
        lines.extend([PlanLine::Blank, PlanLine::Heading("From whom to whom".to_owned())]);
        lines.extend(review.moves.iter().take(MOST_ROWS).map(|flow| PlanLine::Flow {
            from: owner_label(&flow.from, flow.profile.as_ref()),
            to: flow.to.label().to_string(),
            leads: flow.leads,
        }));
        lines.extend(left_over(review.moves.len()));
    }
    let shifts: Vec<_> = review.shifts.iter().filter(|shift| shift.before != shift.after).collect();
    if !shifts.is_empty() {
        lines.extend([
            PlanLine::Blank,
            PlanLine::Heading(format!(
                "{} before and after",
                if review.about_lists { "Lists of agents" } else { "Leads" }
            )),
        ]);
        let most = shifts.iter().map(|shift| shift.before.max(shift.after)).max().unwrap_or(0);
        lines.extend(shifts.iter().take(MOST_ROWS).map(|shift| PlanLine::Load {
            owner: owner_label(&shift.owner, several.then_some(&shift.profile)),
            before: shift.before,
            after: shift.after,
            most,
        }));
        lines.extend(left_over(shifts.len()));
    }
    if !review.reasons.is_empty() {
        lines.extend([
            PlanLine::Blank,
            PlanLine::Heading(format!("{} left alone", counted(review.skips, target(review)))),
        ]);
        for (reason, leads) in &review.reasons {
            let text = format!("{} {reason}", number(*leads));
            lines.extend(words::wrap(&text, width.saturating_sub(2)).into_iter().map(PlanLine::Text));
        }
    }
    if review.changes > 0 {
        lines.extend([
            PlanLine::Blank,
            PlanLine::Heading(match review.changes {
                1 => "The change".to_owned(),
                n => format!("All {}", counted(n, "change")),
            }),
        ]);
    }
    lines
}

/// What else is to be known at a glance: who is left alone, and what it costs.
fn facts(review: &Review) -> Option<String> {
    let cost = (review.changes > 0).then(|| {
        let requests = counted(review.cost.requests, "request");
        format!("{requests}, {} at the allowed pace.", words::duration(review.cost.seconds))
    });
    let skips = (review.skips > 0 && review.changes > 0)
        .then(|| format!("{} left alone.", counted(review.skips, target(review))));
    let facts: Vec<String> = cost.into_iter().chain(skips).collect();
    (!facts.is_empty()).then(|| facts.join(" "))
}

/// What is being assigned.
fn target(review: &Review) -> &'static str {
    if review.about_lists { "list" } else { "lead" }
}

fn left_over(rows: usize) -> Option<PlanLine> {
    (rows > MOST_ROWS).then(|| PlanLine::Text(format!("and {} more", number(rows - MOST_ROWS))))
}

/// An owner as one reads the name in a plan, with the profile where several are concerned.
fn owner_label(owner: &Assignment, profile: Option<&ProfileName>) -> String {
    match profile {
        Some(profile) => format!("{} ({profile})", owner.label()),
        None => owner.label().to_string(),
    }
}

/// What the plan does, in one line.
fn headline(review: &Review) -> String {
    if review.changes == 0 {
        return match review.skips {
            0 => "There is nothing to change.".to_owned(),
            n => format!("There is nothing to change: {} left alone.", counted(n, target(review))),
        };
    }
    review.does.clone()
}

/// `Assign 2,000 leads to Jane Smith`, `Take the owner from 3 leads`, `Take back what was done to 137 leads`.
pub fn what_it_does(plan: &Plan) -> String {
    let changes = plan.changes();
    let sets = plan
        .parts
        .iter()
        .flat_map(|part| part.changes.iter())
        .any(|change| matches!(change.after, Assignment::Agents(_)));
    if sets {
        let lists = counted(changes, "list");
        return match plan.kind {
            OperationKind::Undo => format!("Put the agents of {lists} back"),
            OperationKind::Redo => format!("Take the undo of {lists} back"),
            _ => format!("Change the agents of {lists}"),
        };
    }
    let leads = counted(changes, "lead");
    match plan.kind {
        OperationKind::Undo => return format!("Put {leads} back to who had them before"),
        OperationKind::Redo => return format!("Take the undo of {leads} back"),
        OperationKind::Map => return format!("Change the agents of {}", counted(changes, "list")),
        OperationKind::Assign | OperationKind::Distribute => {}
    }
    let mut afters = plan.parts.iter().flat_map(|part| part.changes.iter()).map(|change| change.after);
    let Some(first) = afters.next() else { return format!("Assign {leads}") };
    // A plan for one owner is by far the most usual; others are found out at their second owner.
    if afters.all(|after| after == first || after.label() == first.label()) {
        return assigns_to(&first.label(), matches!(first, Assignment::Unassigned(_)), changes);
    }
    format!("Assign {leads} to several owners")
}

/// `Assign 2,000 leads to Jane Smith`, `Take the owner from 3 leads`.
pub fn assigns_to(label: &SafeText, nobody: bool, changes: usize) -> String {
    let leads = counted(changes, "lead");
    match nobody {
        true => format!("Take the owner from {leads}"),
        false => format!("Assign {leads} to {}", words::cut(label.as_str(), NAME)),
    }
}
