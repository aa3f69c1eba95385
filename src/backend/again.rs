//! Mappings that failed, were not sent or had been changed by others, planned again: every list is read, and the difference
//! that the operation wanted to make is made of what is there now.

use std::sync::Arc;

use super::desk::Desk;
use super::engine::Inner;
use super::reader;
use super::readings::Readings;
use super::resume::all_in;
use crate::domain::exchange::Problem;
use crate::domain::history::{ItemRow, OperationPart};
use crate::domain::{
    Assignment, Change, Changes, ItemState, OperationId, Plan, PlanPart, Skip, SkipReason, Timestamp, planning,
};
use crate::vendor::{ErrorKind, Observation, Session, Target};

/// The states of items that may be tried again: what is unknown is settled first.
const UNFINISHED: [ItemState; 5] =
    [ItemState::Failed, ItemState::NotSent, ItemState::Planned, ItemState::Skipped, ItemState::ChangedByOthers];

/// Whether an item is one of those. Of the skipped ones only what was read as changed by others when it was to be sent:
/// with the others nothing was left to be wanted, or it is not known what was.
fn may_be_tried_again(row: &ItemRow) -> bool {
    row.state != ItemState::Skipped
        || row.now.as_ref().is_some_and(|now| !now.is_same(&row.was) && !now.is_same(&row.wrote))
}

/// Plans those items of an operation again. An error where there are none, or where a profile cannot be used.
pub async fn plan(inner: &Arc<Inner>, operation: OperationId) -> Result<Plan, Problem> {
    let known =
        inner.ask(move |journal| Ok((journal.operation(&operation)?, all_in(journal, &operation, &UNFINISHED)?)));
    let (summary, mut rows) = known.await.map_err(|error| Problem::new(error.to_string(), ""))?;
    rows.retain(may_be_tried_again);
    if rows.is_empty() {
        return Err(Problem::new(format!("there is nothing to try again in {}", summary.id), ""));
    }
    let made_at = (inner.clock)();
    let hot = rows.len() <= inner.tuning.hot_up_to;
    let mut parts = Vec::new();
    for (number, part) in summary.parts.iter().enumerate() {
        let rows: Vec<&ItemRow> = rows.iter().filter(|row| row.part as usize == number).collect();
        if !rows.is_empty() {
            parts.push(plan_part(inner, part, &rows, made_at, hot).await?);
        }
    }
    Ok(Plan { kind: summary.kind, reverts: None, note: summary.note, made_at, parts })
}

async fn plan_part(
    inner: &Arc<Inner>,
    part: &OperationPart,
    rows: &[&ItemRow],
    made_at: Timestamp,
    hot: bool,
) -> Result<PlanPart, Problem> {
    let desk = inner.desk_for_writing(&part.profile).map_err(|error| error.problem())?;
    if desk.base_url != part.base_url {
        let what = format!("{} went to {} then and goes to {} now", part.profile, part.base_url, desk.base_url);
        return Err(Problem::new(what, "Use a profile with the address of then."));
    }
    let read = read(&desk, part, rows, hot).await?;
    let mut planned = PlanPart::of(desk.name.clone(), desk.kind, Changes::default());
    for (row, observation) in rows.iter().zip(read.iter()) {
        match again(row, observation, made_at) {
            Ok(change) => planned.changes.push(&change),
            Err(skip) => planned.skips.push(&skip),
        }
    }
    let capabilities = &desk.capabilities;
    planned.cost = planning::cost(&planned.changes, capabilities, 0);
    planned.context = Some(part.context.clone());
    if !planned.changes.is_empty() {
        planned.warnings = desk.warnings();
    }
    Ok(planned)
}

async fn read(desk: &Desk, part: &OperationPart, rows: &[&ItemRow], hot: bool) -> Result<Readings, Problem> {
    let targets: Vec<Target> = rows
        .iter()
        .map(|row| Target {
            id: row.target.clone(),
            scope: row.scope.clone(),
            candidates: vec![row.was.clone(), row.wrote.clone()],
        })
        .collect();
    let session = Session { context: part.context.clone(), hot, ..Session::default() };
    reader::read_for_a_plan(desk, &targets.as_slice(), &session).await
}

/// One item again, on what is there now.
fn again(row: &ItemRow, observation: Observation, read_at: Timestamp) -> Result<Change, Box<Skip>> {
    let skip = |before: Assignment, after: Assignment, reason: SkipReason| {
        Box::new(Skip { target: row.target.clone(), name: row.name.clone(), before, after, reason })
    };
    let now = match observation.now {
        Ok(now) => now,
        Err(error) => {
            let reason = match error.kind {
                ErrorKind::NotFound => SkipReason::NoSuchLead,
                _ => SkipReason::Unread(format!("could not be read: {error}")),
            };
            return Err(skip(Assignment::Unknown, row.wrote.clone(), reason));
        }
    };
    let after = Assignment::carried_over(&row.was, &row.wrote, &now).unwrap_or_else(|| row.wrote.clone());
    if after.is_same(&now) {
        return Err(skip(now, after, SkipReason::AlreadyThere));
    }
    Ok(Change {
        target: row.target.clone(),
        name: row.name.clone(),
        before: now,
        after,
        read_at: Some(read_at),
        scope: observation.scope.unwrap_or_else(|| row.scope.clone()).into(),
    })
}
