//! A plan that was made a while ago, compared with what is there now: what still holds stays, what drifted becomes a skip
//! with was and now.

use std::sync::Arc;

use super::desk::Desk;
use super::engine::Inner;
use super::judge::{Freshness, Sets, changed_since, freshness, labels};
use super::reader;
use crate::domain::exchange::Problem;
use crate::domain::{
    Assignment, Change, ChangeRef, Changes, OperationKind, Plan, PlanPart, ReadBack, Skip, SkipReason, Timestamp,
    planning,
};
use crate::vendor::{Observation, Session, Target, Targets};

pub async fn recheck(inner: &Arc<Inner>, plan: Plan) -> Result<Plan, Problem> {
    let now = (inner.clock)();
    let hot = plan.changes() <= inner.tuning.hot_up_to;
    let undo = matches!(plan.kind, OperationKind::Undo | OperationKind::Redo);
    let Plan { kind, reverts, note, made_at, parts } = plan;
    let rechecked = parts.into_iter().map(|mut part| async move {
        let read = match inner.desk(&part.profile) {
            Ok(desk) => recheck_part(&desk, &mut part, now, hot, undo).await,
            // Nothing goes there, so it need not be usable.
            Err(_) if part.changes.is_empty() => Ok(()),
            Err(error) => Err(error.problem()),
        };
        (part, read)
    });
    // Profiles are read side by side.
    let rechecked = futures_util::future::join_all(rechecked).await;
    // One that cannot be read does not hold the others up; where that is all there is, it is an error.
    let others = rechecked.iter().any(|(part, read)| read.is_ok() && !part.changes.is_empty());
    let mut parts = Vec::with_capacity(rechecked.len());
    for (mut part, read) in rechecked {
        match read {
            Err(problem) if others => part.leave_alone(&problem.what),
            read => read?,
        }
        parts.push(part);
    }
    Ok(Plan { kind, reverts, note, made_at, parts })
}

async fn recheck_part(desk: &Desk, part: &mut PlanPart, now: Timestamp, hot: bool, undo: bool) -> Result<(), Problem> {
    if part.changes.is_empty() || desk.capabilities.read_back == ReadBack::Never {
        return Ok(());
    }
    let context = part.context.clone().unwrap_or_else(|| desk.vendor.context());
    let session = Session { context, hot, undo, ..Session::default() };
    const GONE: u32 = u32::MAX;
    let mut moved = Vec::with_capacity(part.changes.len());
    let mut sets_changed_since = Vec::new();
    let sets = Sets::of(undo);
    // The part stays as it is until all of it has been read.
    let read = reader::read_for_a_plan(desk, &Planned(&part.changes), &session).await?;
    let mut changes = Changes::default();
    for (change, observation) in part.changes.iter().zip(read.iter()) {
        let mut change = change.to_change();
        match judged(&change, &observation, sets) {
            None => {
                change.read_at = Some(now);
                if let Some(what) =
                    observation.now.as_ref().ok().and_then(|now| Assignment::set_difference(&change.before, now))
                {
                    sets_changed_since.push((change.target.clone(), what));
                }
                if let Some(scope) = observation.scope {
                    change.scope = scope.into();
                }
                moved.push(changes.len() as u32);
                changes.push(&change);
            }
            Some((reason, read)) => {
                moved.push(GONE);
                part.skips.push(&Skip {
                    target: change.target,
                    name: change.name,
                    before: read.unwrap_or(change.before),
                    after: change.after,
                    reason,
                });
            }
        }
    }
    changes.shrink();
    part.changes = changes;
    part.skips.shrink();
    part.takes_back.renumber(|change| moved.get(change as usize).copied().filter(|number| *number != GONE));
    part.warnings.extend(changed_since(&sets_changed_since));
    part.cost = planning::cost(&part.changes, &desk.capabilities, 0);
    Ok(())
}

/// The targets of planned changes.
struct Planned<'a>(&'a Changes);

impl Planned<'_> {
    fn change(&self, number: usize) -> ChangeRef<'_> {
        self.0.get(number).expect("numbers of targets are numbers of changes")
    }
}

impl Targets for Planned<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn id(&self, number: usize) -> &str {
        self.change(number).id()
    }

    fn get(&self, number: usize) -> Target {
        Target::of(self.change(number))
    }
}

/// Why a change is left out, and what is there instead; `None` where it still holds.
fn judged(change: &Change, observation: &Observation, sets: Sets) -> Option<(SkipReason, Option<Assignment>)> {
    Some(match freshness(&change.before, &change.after, &observation.now, sets) {
        // What others did to a set that is taken back stays; the engine makes the same difference to what it reads then.
        Freshness::Holds | Freshness::CarriedOver { .. } => return None,
        Freshness::AlreadyThere => (SkipReason::AlreadyThere, Some(change.after.clone())),
        Freshness::Drifted(now) => {
            let (was, label) = labels(&change.before, &now);
            (SkipReason::Drift { was, now: label }, Some(now))
        }
        Freshness::CannotTell => {
            let why = "its present owner cannot be compared with the one that was planned";
            (SkipReason::Other(why.to_owned()), None)
        }
        Freshness::NoSuchLead => (SkipReason::NoSuchLead, None),
        Freshness::Unread(error) => (SkipReason::Unread(format!("could not be read again: {error}")), None),
    })
}
