//! Taking back: every target is read again, and only what is still as it was written is put back.
//!
//! What is taken back may be a long operation: what it wrote lies in columns, and so does what is read of it.

mod chains;
mod draft;

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use self::chains::{Chaining, Chains, Source};
use self::draft::{Draft, skip, skip_row};
use super::desk::Desk;
use super::engine::{Engine, Inner};
use super::judge::changed_since;
use super::reader;
use crate::domain::exchange::Problem;
use crate::domain::history::{ItemRow, OperationSummary};
use crate::domain::{
    Assignment, ChangeRef, Changes, OperationId, OperationKind, Plan, PlanPart, ProfileName, SafeText, Skip,
    SkipReason, TargetId, Timestamp, VendorKind, planning,
};
use crate::journal::{Journal, JournalError};
use crate::vendor::Session;

/// What to take back.
#[derive(Clone, Debug, Default)]
pub struct UndoRequest {
    /// In any order; several become one plan.
    pub operations: Vec<OperationId>,
    pub only: Only,
    /// The operations are those that were found to be [`undoable_since`](super::undoable_since) this time: what one of them took back of others
    /// since then is gone back through too.
    pub since: Option<Timestamp>,
    /// Overwrite what others changed since.
    pub force: bool,
    pub note: Option<SafeText>,
}

/// Which items of the operations.
#[derive(Clone, Debug, Default)]
pub enum Only {
    #[default]
    All,
    /// These sequence numbers of a single operation.
    Items(Vec<u32>),
    Targets(Vec<TargetId>),
}

/// What the journal knows of the operations.
struct Found {
    summary: OperationSummary,
    /// Done and not taken back since.
    items: Source,
    /// Taken back by one that is taken back itself: it is gone back through, but nobody asked for it.
    through: Source,
    /// Asked for by name, but there is nothing to take back.
    not_written: Vec<ItemRow>,
    /// Items whose outcome is not known.
    open: usize,
    /// When it last sent something, where there are such items.
    last_sent: Option<Timestamp>,
}

pub async fn plan(inner: &Arc<Inner>, request: UndoRequest) -> Result<Plan, Problem> {
    let UndoRequest { operations, only, since, force, note } = request;
    if operations.is_empty() {
        return Err(Problem::new("no operation was named", ""));
    }
    let mut found = inner.ask(move |journal| find(journal, &operations, &only, since)).await.map_err(told)?;
    found.sort_by(|a, b| (b.summary.at, &b.summary.id).cmp(&(a.summary.at, &a.summary.id)));
    if found.iter().all(|found| found.items.is_empty() && found.not_written.is_empty()) {
        return Err(nothing(&found));
    }
    let asked = || found.iter().filter(|found| found.is_asked_for());
    let redo = asked().all(|found| found.summary.kind == OperationKind::Undo);
    let newest_first: Vec<OperationId> = asked().map(|found| found.summary.id.clone()).collect();
    let made_at = (inner.clock)();

    // One part for each profile and what its client must know again.
    let mut gathered = Gathered { several: several(&found), ..Gathered::default() };
    for found in found {
        gathered.take(inner, found)?;
    }
    let Gathered { several, sources, drafts, refused } = gathered;
    let places: Vec<Place> = drafts.into_iter().map(|draft| draft.finish(&sources)).collect();
    let total: usize = places.iter().map(|place| place.chains.len()).sum();
    let how = How { made_at, hot: total <= inner.tuning.hot_up_to, force, several };
    let parts = places.into_iter().map(|place| place.into_part(inner, &sources, how));
    // Profiles are read side by side.
    let parts: Result<Vec<PlanPart>, Problem> = futures_util::future::join_all(parts).await.into_iter().collect();
    let parts: Vec<PlanPart> = parts?.into_iter().chain(refused).collect();
    let kind = if redo { OperationKind::Redo } else { OperationKind::Undo };
    Ok(Plan { kind, reverts: newest_taken_back(newest_first, &parts), note, made_at, parts })
}

/// Operations that were named, and with each the redos that did some of it again after it had been taken back: with them it
/// is taken back whole. Of these redos each stands beside the operation that it did again.
pub struct WithRedos {
    pub operations: Vec<OperationSummary>,
    pub done_again: Vec<(OperationId, OperationId)>,
}

impl WithRedos {
    pub fn of(journal: &Journal, named: Vec<OperationSummary>) -> Result<Self, JournalError> {
        let mut this = Self { operations: Vec::new(), done_again: Vec::new() };
        for operation in named {
            this.done_again.extend(operation.redos.iter().map(|redo| (operation.id.clone(), redo.clone())));
            let back = operation.to_take_back();
            // One with nothing left is named like any other: what is said of that belongs to it.
            let nothing = back.is_empty().then_some(operation);
            let back: Result<Vec<_>, _> = back.iter().map(|id| journal.operation(id)).collect();
            for one in back?.into_iter().chain(nothing) {
                if this.operations.iter().all(|known| known.id != one.id) {
                    this.operations.push(one);
                }
            }
        }
        Ok(this)
    }
}

/// Plans to take back whole operations and, where one was done again after it had been taken back, the redos that did it:
/// the plan says so. Of single items only those that the operation wrote itself are meant.
pub async fn plan_with_redos(engine: &Engine, mut request: UndoRequest) -> Result<Plan, Problem> {
    let mut done_again = Vec::new();
    if matches!(request.only, Only::All) {
        let ids = std::mem::take(&mut request.operations);
        let named = move |journal: &Journal| {
            let named: Result<Vec<_>, _> = ids.iter().map(|id| journal.operation(id)).collect();
            WithRedos::of(journal, named?)
        };
        let with_redos = engine.inner.ask(named).await.map_err(told)?;
        request.operations = with_redos.operations.into_iter().map(|operation| operation.id).collect();
        done_again = with_redos.done_again;
    }
    let mut plan = engine.plan_undo(request).await?;
    if let Some(part) = plan.parts.first_mut() {
        part.warnings.extend(done_again.into_iter().map(|(operation, redo)| {
            format!("Operation {operation} was done again by {redo}, which is taken back with it.")
        }));
    }
    Ok(plan)
}

/// Of several operations the newest of which something is taken back; the newest of all where nothing is.
fn newest_taken_back(newest_first: Vec<OperationId>, parts: &[PlanPart]) -> Option<OperationId> {
    let taken: HashSet<&OperationId> =
        parts.iter().flat_map(|part| part.takes_back.iter()).map(|back| back.operation).collect();
    let at = newest_first.iter().position(|id| taken.contains(id)).unwrap_or_default();
    newest_first.into_iter().nth(at)
}

/// Whether more than one profile is concerned: then one that cannot be reached does not hold the others up.
fn several(found: &[Found]) -> bool {
    let mut profiles = found.iter().flat_map(|found| found.summary.parts.iter().map(|part| &part.profile));
    let first = profiles.next();
    profiles.any(|profile| Some(profile) != first)
}

/// Candidates that are looked at before the newest of them is offered as it is.
const MOST_CANDIDATES: usize = 10;

/// Plans to take back the first of these operations, newest first, of which something still can be: one where all that is
/// left was changed by others, or cannot be put back for another reason that stays, is passed over. Where that is so for all, the newest one's plan tells it.
pub async fn plan_newest(
    inner: &Arc<Inner>,
    candidates: Vec<OperationId>,
    note: Option<SafeText>,
) -> Result<Plan, Problem> {
    let mut newest = None;
    let mut passed = Vec::new();
    for id in candidates.into_iter().take(MOST_CANDIDATES) {
        let operations = vec![id.clone()];
        let request = UndoRequest { operations, only: Only::All, since: None, force: false, note: note.clone() };
        match plan(inner, request).await {
            Ok(mut plan) => match hopeless(&plan) {
                Some(why) => {
                    passed.push((id, why));
                    newest.get_or_insert(plan);
                }
                None => {
                    if let Some(part) = plan.parts.first_mut() {
                        part.warnings.extend(passed.iter().map(passed_over));
                    }
                    return Ok(plan);
                }
            },
            // An older one is no answer to a newest one that cannot even be looked at.
            Err(problem) if newest.is_none() => return Err(problem),
            Err(_) => break,
        }
    }
    newest.ok_or_else(|| Problem::new("there is nothing to take back", ""))
}

fn passed_over((id, why): &(OperationId, String)) -> String {
    format!("Operation {id} is newer, and is passed over: {why}.")
}

/// Why nothing can be taken back where reading once more would not change that. `None` where something can be, now or
/// another time.
fn hopeless(plan: &Plan) -> Option<String> {
    if plan.changes() > 0 || plan.skips() == 0 {
        return None;
    }
    let mut why = None;
    for skip in plan.parts.iter().flat_map(|part| part.skips.iter()) {
        match &skip.reason {
            SkipReason::Unread(_) => return None,
            SkipReason::Drift { .. } | SkipReason::AlreadyThere | SkipReason::NoSuchLead => {}
            reason => drop(why.get_or_insert_with(|| format!("nothing that is left of it can be: {reason}"))),
        }
    }
    Some(why.unwrap_or_else(|| "all that is left of it was changed by others since".to_owned()))
}

fn told(error: JournalError) -> Problem {
    Problem::new(error.to_string(), "")
}

fn nothing(found: &[Found]) -> Problem {
    let open: usize = found.iter().map(|found| found.open).sum();
    let what = match found {
        [one] => format!("there is nothing to take back in {}", one.summary.id),
        _ => "there is nothing to take back in these operations".to_owned(),
    };
    let remedy = if open > 0 {
        format!("The outcome of {open} items is not known yet: resume it first.")
    } else {
        String::new()
    };
    Problem::new(what, remedy)
}

/// Whether an item was asked for.
type Wanted = Box<dyn Fn(&ItemRow) -> bool>;

impl Found {
    fn new(summary: OperationSummary) -> Self {
        let (items, through) = (Source::new(summary.id.clone(), false), Source::new(summary.id.clone(), true));
        Self { summary, items, through, not_written: Vec::new(), open: 0, last_sent: None }
    }

    /// It is there for more than to be gone back through.
    fn is_asked_for(&self) -> bool {
        !self.items.is_empty() || !self.not_written.is_empty() || self.through.is_empty()
    }
}

fn find(
    journal: &Journal,
    operations: &[OperationId],
    only: &Only,
    since: Option<Timestamp>,
) -> Result<Vec<Found>, JournalError> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for id in operations.iter().filter(|id| seen.insert((*id).clone())) {
        let mut found = Found::new(journal.operation(id)?);
        let wanted: Option<Wanted> = match only {
            Only::All => None,
            Only::Items(seqs) => {
                let seqs: HashSet<u32> = seqs.iter().copied().collect();
                Some(Box::new(move |row| seqs.contains(&row.seq)))
            }
            Only::Targets(targets) => {
                let targets: HashSet<TargetId> = targets.iter().cloned().collect();
                Some(Box::new(move |row| targets.contains(&row.target)))
            }
        };
        let mut covered = HashSet::new();
        journal.each_undoable(id, |row| -> Result<_, JournalError> {
            match &wanted {
                Some(wanted) if !wanted(&row) => return Ok(ControlFlow::Continue(())),
                Some(_) => drop(covered.insert(row.seq)),
                None => {}
            }
            found.items.push(row);
            Ok(ControlFlow::Continue(()))
        })?;
        if let Some(wanted) = wanted {
            journal.each_item(id, &[], |row| -> Result<_, JournalError> {
                if wanted(&row) && !covered.contains(&row.seq) {
                    found.not_written.push(row);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        found.open = found.summary.tally.sent + found.summary.tally.unknown;
        found.last_sent = if found.open > 0 { journal.last_sent(id)? } else { None };
        all.push(found);
    }
    if let Some(since) = since {
        go_back_through(journal, &mut all, since)?;
    }
    all.iter_mut().flat_map(|found| [&mut found.items, &mut found.through]).for_each(Source::shrink);
    Ok(all)
}

/// Adds what these operations took back of others since then.
fn go_back_through(journal: &Journal, all: &mut Vec<Found>, since: Timestamp) -> Result<(), JournalError> {
    let mut seen: HashMap<OperationId, HashSet<u32>> = HashMap::new();
    let takers: Vec<OperationId> =
        all.iter().filter(|found| found.summary.reverts.is_some()).map(|found| found.summary.id.clone()).collect();
    for taker in takers {
        let mut unknown = HashMap::new();
        journal.each_taken_back_since(&taker, since, |id, row| {
            if !seen.entry(id.clone()).or_default().insert(row.seq) {
                return;
            }
            match all.iter_mut().find(|found| found.summary.id == *id) {
                Some(found) => found.through.push(row),
                None => unknown.entry(id.clone()).or_insert_with(|| Source::new(id.clone(), true)).push(row),
            }
        })?;
        for (id, through) in unknown {
            all.push(Found { through, ..Found::new(journal.operation(&id)?) });
        }
    }
    Ok(())
}

/// One profile with one context: what becomes a part of the plan.
struct Place {
    desk: Arc<Desk>,
    context: serde_json::Value,
    chains: Chains,
    not_written: Vec<ItemRow>,
    open: usize,
    /// When an operation with open items last sent something.
    last_sent: Option<Timestamp>,
}

/// A place whose writes are still being gathered.
struct PlaceDraft {
    desk: Arc<Desk>,
    context: serde_json::Value,
    chains: Chaining,
    not_written: Vec<ItemRow>,
    open: usize,
    last_sent: Option<Timestamp>,
}

impl PlaceDraft {
    fn finish(self, sources: &[Source]) -> Place {
        let Self { desk, context, chains, not_written, open, last_sent } = self;
        let mut chains = chains.finish();
        chains.drop_what_cancels_out(sources);
        Place { desk, context, chains, not_written, open, last_sent }
    }
}

/// What was found, by profile.
#[derive(Default)]
struct Gathered {
    several: bool,
    /// The items of all operations.
    sources: Vec<Source>,
    drafts: Vec<PlaceDraft>,
    /// Parts of profiles to which nothing can be sent: their items are left alone, with the reason.
    refused: Vec<PlanPart>,
}

/// How parts are made.
#[derive(Clone, Copy)]
struct How {
    made_at: Timestamp,
    hot: bool,
    force: bool,
    several: bool,
}

impl Gathered {
    /// Sorts an operation's items into their places. Operations come newest first.
    fn take(&mut self, inner: &Inner, found: Found) -> Result<(), Problem> {
        let Found { summary, items, through, not_written, open, last_sent } = found;
        let Self { several, sources, drafts: places, refused } = self;
        let mut place_of = Vec::new();
        for (number, part) in summary.parts.iter().enumerate() {
            let written = items.parts().chain(through.parts()).any(|(_, part)| part == number);
            let touched = written || not_written.iter().any(|row| row.part as usize == number);
            if !touched {
                place_of.push(None);
                continue;
            }
            let desk = match inner.desk_for_writing(&part.profile) {
                Ok(desk) if desk.base_url == part.base_url => Ok(desk),
                Ok(desk) => Err(Problem::new(
                    format!(
                        "{} went to {} when {} was done and goes to {} now, so it cannot be taken back",
                        part.profile, part.base_url, summary.id, desk.base_url
                    ),
                    "Use a profile with the address of then.",
                )),
                Err(error) => Err(error.problem()),
            };
            let desk = match desk {
                Ok(desk) => desk,
                Err(problem) if *several => {
                    let not_written = not_written.iter().filter(|row| row.part as usize == number).cloned();
                    let mut share = without_changes(&part.profile, part.vendor, part.context.clone());
                    share.skips.extend(items.of_part(number).map(|item| left_alone(item, &problem)));
                    share.skips.extend(not_written.map(|row| left_alone_row(row, &problem)));
                    share.skips.shrink();
                    refused.push(share);
                    place_of.push(None);
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let known = places.iter().position(|place| place.desk.name == desk.name && place.context == part.context);
            place_of.push(Some(known.unwrap_or_else(|| {
                places.push(PlaceDraft {
                    desk,
                    context: part.context.clone(),
                    chains: Chaining::default(),
                    not_written: Vec::new(),
                    open: 0,
                    last_sent: None,
                });
                places.len() - 1
            })));
        }
        for source in [items, through].into_iter().filter(|source| !source.is_empty()) {
            let number = sources.len() as u32;
            sources.push(source);
            for (row, part) in sources[number as usize].parts() {
                if let Some(Some(place)) = place_of.get(part) {
                    places[*place].chains.add(sources, number, row);
                }
            }
        }
        for row in not_written {
            if let Some(Some(place)) = place_of.get(row.part as usize) {
                places[*place].not_written.push(row);
            }
        }
        if let Some(place) = place_of.into_iter().flatten().next() {
            places[place].open += open;
            places[place].last_sent = places[place].last_sent.max(last_sent);
        }
        Ok(())
    }
}

/// A part that changes nothing.
fn without_changes(profile: &ProfileName, vendor: VendorKind, context: serde_json::Value) -> PlanPart {
    PlanPart { context: Some(context), ..PlanPart::of(profile.clone(), vendor, Changes::default()) }
}

/// An item that is not taken back because its profile cannot be used or read.
fn left_alone(item: ChangeRef<'_>, problem: &Problem) -> Skip {
    skip(item, Assignment::Unknown, SkipReason::Unread(problem.what.clone()))
}

fn left_alone_row(row: ItemRow, problem: &Problem) -> Skip {
    skip_row(row, Assignment::Unknown, SkipReason::Unread(problem.what.clone()))
}

impl Place {
    async fn into_part(self, inner: &Arc<Inner>, sources: &[Source], how: How) -> Result<PlanPart, Problem> {
        let overwritten = self.may_be_overwritten(how.made_at);
        let session = Session { context: self.context.clone(), hot: how.hot, undo: true, ..Session::default() };
        let mut draft = Draft::default();
        let unknown_was_nobody = how.force && self.desk.capabilities.unknown.may_be_nobody;
        let read = match reader::read_for_a_plan(&self.desk, &self.chains.targets(sources), &session).await {
            Ok(read) => read,
            Err(problem) if how.several => {
                let mut share = without_changes(&self.desk.name, self.desk.kind, self.context);
                let newest = self.chains.iter(sources).map(|chain| left_alone(chain.newest().item, &problem));
                share.skips.extend(newest);
                share.skips.extend(self.not_written.into_iter().map(|row| left_alone_row(row, &problem)));
                share.skips.shrink();
                return Ok(share);
            }
            Err(problem) => return Err(problem),
        };
        for (chain, observation) in self.chains.iter(sources).zip(read.iter()) {
            draft.decide(&chain, observation, how.force, unknown_was_nobody, how.made_at);
        }
        drop(read);
        for mut row in self.not_written {
            let now = row.now.take().unwrap_or_default();
            draft.skips.push(&skip_row(row, now, SkipReason::NotWritten));
        }
        draft.shrink();
        draft.name_former_owners(inner, &self.desk).await?;
        draft.refuse_what_cannot_be(&self.desk);
        let capabilities = &self.desk.capabilities;
        let mut warnings = changed_since(&draft.sets_changed_since);
        warnings.extend(self.desk.told_capabilities().warnings.iter().cloned());
        if !draft.changes.is_empty() {
            warnings.extend(capabilities.not_undoable.iter().cloned());
        }
        if draft.presumed > 0 {
            warnings.push(format!(
                "Who owned {} of these leads before is not known; by force they are left with nobody.",
                draft.presumed
            ));
        }
        match draft.overwritten {
            0 => {}
            1 => warnings.push("What somebody else did to 1 lead since then is overwritten.".to_owned()),
            n => warnings.push(format!("What somebody else did to {n} leads since then is overwritten.")),
        }
        if self.open > 0 {
            warnings.push(format!("The outcome of {} items is not known yet; they are left alone.", self.open));
            warnings.extend(overwritten);
        }
        Ok(PlanPart {
            profile: self.desk.name.clone(),
            vendor: self.desk.kind,
            cost: planning::cost(&draft.changes, capabilities, 0),
            changes: draft.changes,
            skips: draft.skips,
            // What could not be put back exactly was left out, with the reason.
            inexact: Vec::new(),
            warnings,
            takes_back: draft.takes_back,
            context: Some(self.context),
        })
    }
}

impl Place {
    /// A write that the vendor still has in its queue would come after the one that takes it back.
    fn may_be_overwritten(&self, now: Timestamp) -> Option<String> {
        let until = self.last_sent?.checked_add(self.desk.capabilities.late_writes).ok()?;
        let left = Duration::try_from(until.duration_since(now)).ok().filter(|left| !left.is_zero())?;
        Some(format!(
            "The vendor may still be at work on what is taken back here, for up to {} minutes: what it does then would \
             overwrite this. Better resume the operation, or wait.",
            left.as_secs().div_ceil(60)
        ))
    }
}
