//! Taking back: every target is read again, and only what is still as it was written is put back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use super::engine::{Engine, Inner};
use super::judge::{changed_since, labels};
use super::reader;
use crate::domain::exchange::Problem;
use crate::domain::history::{ItemRow, OperationSummary};
use crate::domain::selection::LeadKey;
use crate::domain::undo::{Verdict, decide};
use crate::domain::{
    Assignment, Change, ChangeRef, Changes, Cost, ItemState, OperationId, OperationKind, OwnerRef, Person, PersonId,
    Plan, PlanPart, ProfileName, ReadBack, SafeText, Skip, SkipReason, Skips, TakesBack, TargetId, Timestamp, Unassign,
    VendorKind, planning,
};
use crate::journal::{Journal, JournalError};
use crate::vendor::{ErrorKind, Observation, Session, Target};

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

/// Journal entries of one lead that are looked through for the id of a former owner.
const MOST_EVENTS: usize = 50;

/// What the journal knows of the operations.
struct Found {
    summary: OperationSummary,
    /// Done and not taken back since.
    items: Vec<ItemRow>,
    /// Taken back by one that is taken back itself: it is gone back through, but nobody asked for it.
    through: Vec<ItemRow>,
    /// Asked for by name, but there is nothing to take back.
    not_written: Vec<ItemRow>,
    /// Items whose outcome is not known.
    open: usize,
    /// When it last sent something, where there are such items.
    last_sent: Option<Timestamp>,
}

/// All writes of one target, newest first, with the operation each belongs to.
struct Chain {
    target: TargetId,
    writes: Vec<(OperationId, ItemRow)>,
    /// Some of them were taken back already, by a later one of them.
    back_and_forth: bool,
}

impl Chain {
    /// All of it together changed nothing.
    fn cancels_out(&self) -> bool {
        self.back_and_forth
            && matches!((self.writes.first(), self.writes.last()), (Some((_, newest)), Some((_, oldest)))
                if newest.wrote.is_same(&oldest.was))
    }
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
    let Gathered { several, mut places, refused } = gathered;
    for place in &mut places {
        place.chains.retain(|chain| !chain.cancels_out());
    }
    let total: usize = places.iter().map(|place| place.chains.len()).sum();
    let hot = total <= inner.tuning.hot_up_to;
    let parts = places.into_iter().map(|place| place.into_part(inner, made_at, hot, force, several));
    // Profiles are read side by side.
    let parts: Result<Vec<PlanPart>, Problem> = futures_util::future::join_all(parts).await.into_iter().collect();
    let parts: Vec<PlanPart> = parts?.into_iter().chain(refused).collect();
    let kind = if redo { OperationKind::Redo } else { OperationKind::Undo };
    Ok(Plan { kind, reverts: newest_taken_back(newest_first, &parts), note, made_at, parts })
}

/// Plans to take back whole operations and, where one was done again after it had been taken back, the redos that did it:
/// the plan says so. Of single items only those that the operation wrote itself are meant.
pub async fn plan_with_redos(engine: &Engine, mut request: UndoRequest) -> Result<Plan, Problem> {
    let mut done_again = Vec::new();
    if matches!(request.only, Only::All) {
        let ids = std::mem::take(&mut request.operations);
        let named = move |journal: &Journal| ids.iter().map(|id| journal.operation(id)).collect::<Result<Vec<_>, _>>();
        for operation in engine.inner.ask(named).await.map_err(told)? {
            let back = operation.to_take_back();
            done_again.extend(operation.redos.into_iter().map(|redo| {
                format!("Operation {} was done again by {redo}, which is taken back with it.", operation.id)
            }));
            // Of one with nothing left the plan says just that.
            request.operations.extend(if back.is_empty() { vec![operation.id] } else { back });
        }
    }
    let mut plan = engine.plan_undo(request).await?;
    if let Some(part) = plan.parts.first_mut() {
        part.warnings.extend(done_again);
    }
    Ok(plan)
}

/// Of several operations the newest of which something is taken back; the newest of all where nothing is.
fn newest_taken_back(newest_first: Vec<OperationId>, parts: &[PlanPart]) -> Option<OperationId> {
    let taken: HashSet<&OperationId> =
        parts.iter().flat_map(|part| &part.takes_back).map(|back| &back.operation).collect();
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
        let summary = journal.operation(id)?;
        let open = summary.tally.sent + summary.tally.unknown;
        let mut items = journal.undoable_items(id)?;
        let mut not_written = Vec::new();
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
        if let Some(wanted) = wanted {
            items.retain(|row| wanted(row));
            let covered: HashSet<u32> = items.iter().map(|row| row.seq).collect();
            journal.each_item(id, &[], |row| -> Result<_, JournalError> {
                if wanted(&row) && !covered.contains(&row.seq) {
                    not_written.push(row);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let last_sent = if open > 0 { journal.last_sent(id)? } else { None };
        all.push(Found { summary, items, through: Vec::new(), not_written, open, last_sent });
    }
    if let Some(since) = since {
        go_back_through(journal, &mut all, since)?;
    }
    Ok(all)
}

/// Adds what these operations took back of others since then.
fn go_back_through(journal: &Journal, all: &mut Vec<Found>, since: Timestamp) -> Result<(), JournalError> {
    let mut seen = HashSet::new();
    let takers: Vec<OperationId> =
        all.iter().filter(|found| found.summary.reverts.is_some()).map(|found| found.summary.id.clone()).collect();
    for taker in takers {
        for (id, row) in journal.taken_back_since(&taker, since)? {
            if !seen.insert((id.clone(), row.seq)) {
                continue;
            }
            let at = match all.iter().position(|found| found.summary.id == id) {
                Some(at) => at,
                None => {
                    let (items, through, not_written) = (Vec::new(), Vec::new(), Vec::new());
                    let summary = journal.operation(&id)?;
                    all.push(Found { summary, items, through, not_written, open: 0, last_sent: None });
                    all.len() - 1
                }
            };
            all[at].through.push(row);
        }
    }
    Ok(())
}

/// One profile with one context: what becomes a part of the plan.
struct Place {
    desk: Arc<Desk>,
    context: serde_json::Value,
    chains: Vec<Chain>,
    index: HashMap<TargetId, usize>,
    not_written: Vec<ItemRow>,
    open: usize,
    /// When an operation with open items last sent something.
    last_sent: Option<Timestamp>,
}

/// What was found, by profile.
#[derive(Default)]
struct Gathered {
    several: bool,
    places: Vec<Place>,
    /// Parts of profiles to which nothing can be sent: their items are left alone, with the reason.
    refused: Vec<PlanPart>,
}

impl Gathered {
    /// Sorts an operation's items into their places. Operations come newest first.
    fn take(&mut self, inner: &Inner, found: Found) -> Result<(), Problem> {
        let Found { summary, items, through, not_written, open, last_sent } = found;
        let Self { several, places, refused } = self;
        let mut place_of = Vec::new();
        for (number, part) in summary.parts.iter().enumerate() {
            let touched = items.iter().chain(&through).chain(&not_written).any(|row| row.part as usize == number);
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
                    let here = items.iter().chain(&not_written).filter(|row| row.part as usize == number);
                    let mut share = without_changes(part.profile.clone(), part.vendor, Some(part.context.clone()));
                    share.skips = here.map(|row| left_alone(row, &problem)).collect();
                    refused.push(share);
                    place_of.push(None);
                    continue;
                }
                Err(problem) => return Err(problem),
            };
            let known = places.iter().position(|place| place.desk.name == desk.name && place.context == part.context);
            place_of.push(Some(known.unwrap_or_else(|| {
                places.push(Place {
                    desk,
                    context: part.context.clone(),
                    chains: Vec::new(),
                    index: HashMap::new(),
                    not_written: Vec::new(),
                    open: 0,
                    last_sent: None,
                });
                places.len() - 1
            })));
        }
        let marked = items.into_iter().map(|row| (row, false)).chain(through.into_iter().map(|row| (row, true)));
        for (row, back_and_forth) in marked {
            let Some(Some(place)) = place_of.get(row.part as usize) else { continue };
            let Place { chains, index, .. } = &mut places[*place];
            let chain = *index.entry(row.target.clone()).or_insert_with(|| {
                chains.push(Chain { target: row.target.clone(), writes: Vec::new(), back_and_forth: false });
                chains.len() - 1
            });
            chains[chain].back_and_forth |= back_and_forth;
            chains[chain].writes.push((summary.id.clone(), row));
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
fn without_changes(profile: ProfileName, vendor: VendorKind, context: Option<serde_json::Value>) -> PlanPart {
    PlanPart {
        profile,
        vendor,
        changes: Changes::default(),
        skips: Skips::default(),
        cost: Cost::default(),
        inexact: Vec::new(),
        warnings: Vec::new(),
        takes_back: Vec::new(),
        context,
    }
}

/// An item that is not taken back because its profile cannot be used or read.
fn left_alone(row: &ItemRow, problem: &Problem) -> Skip {
    skip(row, Assignment::Unknown, SkipReason::Unread(problem.what.clone()))
}

impl Place {
    async fn into_part(
        self,
        inner: &Arc<Inner>,
        made_at: Timestamp,
        hot: bool,
        force: bool,
        several: bool,
    ) -> Result<PlanPart, Problem> {
        let overwritten = self.may_be_overwritten(made_at);
        let session = Session { context: self.context.clone(), hot, undo: true, ..Session::default() };
        let read = match read_again(&self.desk, &self.chains, &session).await {
            Ok(read) => read,
            Err(problem) if several => {
                let mut share = without_changes(self.desk.name.clone(), self.desk.kind, Some(self.context));
                let newest = self.chains.iter().filter_map(|chain| chain.writes.first()).map(|(_, row)| row);
                share.skips = newest.chain(&self.not_written).map(|row| left_alone(row, &problem)).collect();
                return Ok(share);
            }
            Err(problem) => return Err(problem),
        };
        let mut draft = Draft::default();
        let unknown_was_nobody = force && self.desk.capabilities.unknown.may_be_nobody;
        for (chain, observation) in self.chains.iter().zip(read) {
            draft.decide(chain, observation, force, unknown_was_nobody, made_at);
        }
        for row in self.not_written {
            draft.skips.push(&skip(&row, row.now.clone().unwrap_or_default(), SkipReason::NotWritten));
        }
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

/// Reads every target again.
async fn read_again(desk: &Desk, chains: &[Chain], session: &Session) -> Result<Vec<Observation>, Problem> {
    let targets: Vec<Target> = chains
        .iter()
        .map(|chain| Target {
            id: chain.target.clone(),
            scope: chain.writes.first().map(|(_, row)| row.scope.clone()).unwrap_or_default(),
            candidates: chain.writes.iter().flat_map(|(_, row)| [row.wrote.clone(), row.was.clone()]).collect(),
        })
        .collect();
    reader::read_patiently(desk, &targets, session, &Arc::default())
        .await
        .map_err(|error| Problem::new(format!("{}: {}", desk.name, error.message), error.remedy))
}

/// A part in the making.
#[derive(Default)]
struct Draft {
    changes: Changes,
    skips: Skips,
    takes_back: Vec<TakesBack>,
    /// Leads whose former owner is not known and which are taken to have had none.
    presumed: usize,
    /// Targets that somebody else changed since, and that are put back all the same.
    overwritten: usize,
    /// Sets that others changed since they were written, with what they did.
    sets_changed_since: Vec<(TargetId, SafeText)>,
}

impl Draft {
    /// Walks a target's writes from the newest to the oldest and ends at the value that is to be put back.
    /// With `unknown_was_nobody` an owner that was not known is taken for nobody.
    fn decide(
        &mut self,
        chain: &Chain,
        observation: Observation,
        force: bool,
        unknown_was_nobody: bool,
        read_at: Timestamp,
    ) {
        let Some((_, newest)) = chain.writes.first() else { return };
        let read = match observation.now {
            Ok(now) => now,
            Err(error) => {
                let reason = match error.kind {
                    ErrorKind::NotFound => SkipReason::NoSuchLead,
                    _ => SkipReason::Unread(format!("could not be read: {error}")),
                };
                self.skips.push(&skip(newest, Assignment::Unknown, reason));
                return;
            }
        };
        // What was written may say more about who it is than a reading of names does.
        let now = if newest.wrote.is_same(&read) { newest.wrote.clone() } else { read };
        if let Some(what) = Assignment::set_difference(&newest.wrote, &now) {
            self.sets_changed_since.push((chain.target.clone(), what));
        }
        let mut value = now.clone();
        let mut taken = Vec::new();
        let mut stopped_at = None;
        let mut presumed = false;
        let mut forced = false;
        for (operation, row) in &chain.writes {
            let was = match row.was.is_known() || !unknown_was_nobody {
                true => row.was.clone(),
                false => Assignment::unassigned(),
            };
            match decide(&was, &row.wrote, &value) {
                Verdict::Restore(was) => {
                    presumed |= !row.was.is_known();
                    value = was;
                }
                Verdict::AlreadyBack => continue,
                Verdict::Conflict | Verdict::Unclear(_) if force && was.is_known() => {
                    value = was;
                    forced = true;
                }
                Verdict::Conflict => {
                    let (was, label) = labels(&row.wrote, &value);
                    stopped_at = Some((row, SkipReason::Drift { was, now: label }));
                    break;
                }
                Verdict::Unclear(why) => {
                    stopped_at = Some((row, SkipReason::Other(why.to_owned())));
                    break;
                }
            }
            taken.push((operation, row.seq));
        }
        let stopped = stopped_at.is_some();
        if let Some((row, reason)) = stopped_at {
            self.skips.push(&skip(row, value.clone(), reason));
        }
        if taken.is_empty() {
            if !stopped {
                self.skips.push(&skip(newest, now, SkipReason::AlreadyThere));
            }
            return;
        }
        // A reading of names says less about who it is than what was written.
        if value.is_same(&now) {
            // Several writes that cancel each other out, as far as they can be taken back.
            if !stopped && !chain.back_and_forth {
                self.skips.push(&skip(newest, now, SkipReason::AlreadyThere));
            }
            return;
        }
        self.presumed += usize::from(presumed);
        self.overwritten += usize::from(forced);
        let change = self.changes.len() as u32;
        self.takes_back.extend(taken.into_iter().map(|(operation, seq)| TakesBack {
            change,
            operation: operation.clone(),
            seq,
        }));
        self.changes.push(&Change {
            target: chain.target.clone(),
            name: newest.name.clone(),
            before: now,
            after: value,
            read_at: Some(read_at),
            scope: observation.scope.unwrap_or_else(|| newest.scope.clone()).into(),
        });
    }

    /// Finds the ids of owners that are known only by name: in this journal, or as the only person of that name.
    async fn name_former_owners(&mut self, inner: &Arc<Inner>, desk: &Desk) -> Result<(), Problem> {
        if desk.capabilities.read_back != ReadBack::ByName {
            // A bare name is what this vendor stores, and is written back as it is.
            return Ok(());
        }
        let is_nameless = |change: &ChangeRef<'_>| change.after.owner().is_some_and(|owner| owner.id.is_none());
        let nameless: Vec<usize> =
            self.changes.iter().enumerate().filter(|(_, change)| is_nameless(change)).map(|(i, _)| i).collect();
        if nameless.is_empty() {
            return Ok(());
        }
        let people = match desk.people() {
            Some(people) => people,
            None => Arc::new(desk.vendor.people().await.unwrap_or_default()),
        };
        let profile = desk.name.clone();
        let asked: Vec<(TargetId, OwnerRef)> = nameless
            .iter()
            .filter_map(|i| self.changes.get(*i))
            .filter_map(|change| Some((change.target(), change.after.owner()?.clone())))
            .collect();
        let known = inner.ask(move |journal| from_journal(journal, &profile, &asked)).await.map_err(told)?;
        let mut refused = BTreeMap::new();
        let mut known_ids: HashMap<usize, Option<PersonId>> = nameless.into_iter().zip(known).collect();
        self.changes.edit(|i, change| {
            let Some(known) = known_ids.remove(&i) else { return };
            let Some(owner) = change.after.owner().cloned() else { return };
            match known.map(Ok).unwrap_or_else(|| only_person_named(&people, &owner)) {
                Ok(id) => change.after = Assignment::Owner(OwnerRef { id: Some(id), name: owner.name }),
                Err(why) => {
                    refused.insert(i as u32, SkipReason::Other(format!("not exactly reversible: {why}")));
                }
            }
        });
        self.leave_out(refused);
        Ok(())
    }

    /// Takes out what this vendor has no call for.
    fn refuse_what_cannot_be(&mut self, desk: &Desk) {
        if let Unassign::No(why) = &desk.capabilities.unassign {
            let to_nobody = |change: &ChangeRef<'_>| matches!(change.after, Assignment::Unassigned(_));
            let refused = (0_u32..)
                .zip(self.changes.iter())
                .filter(|(_, change)| to_nobody(change))
                .map(|(i, _)| (i, SkipReason::NotSupported(why.clone())))
                .collect();
            self.leave_out(refused);
        }
    }

    /// Turns changes into skips.
    fn leave_out(&mut self, mut refused: BTreeMap<u32, SkipReason>) {
        if refused.is_empty() {
            return;
        }
        let mut new_number = HashMap::new();
        let changes = std::mem::take(&mut self.changes);
        for (i, change) in (0_u32..).zip(changes.iter()) {
            match refused.remove(&i) {
                Some(reason) => self.skips.push(&Skip {
                    target: change.target(),
                    name: change.name(),
                    before: change.before.clone(),
                    after: change.after.clone(),
                    reason,
                }),
                None => {
                    new_number.insert(i, self.changes.len() as u32);
                    self.changes.push(&change.to_change());
                }
            }
        }
        self.takes_back.retain_mut(|back| match new_number.get(&back.change) {
            Some(number) => {
                back.change = *number;
                true
            }
            None => false,
        });
    }
}

fn skip(row: &ItemRow, now: Assignment, reason: SkipReason) -> Skip {
    let after = match (&now, &reason) {
        // What others did to a set since is none of ours: it would stay as well.
        (Assignment::Agents(_), SkipReason::AlreadyThere) => now.clone(),
        _ => row.was.clone(),
    };
    Skip { target: row.target.clone(), name: row.name.clone(), before: now, after, reason }
}

/// The ids this journal knows for former owners: from a write of ours to the same lead under the same name.
fn from_journal(
    journal: &Journal,
    profile: &ProfileName,
    asked: &[(TargetId, OwnerRef)],
) -> Result<Vec<Option<PersonId>>, JournalError> {
    let id_of = |assignment: &Assignment, name: &OwnerRef| {
        let owner = assignment.owner()?;
        (owner.name.is_some() && owner.name == name.name).then(|| owner.id.clone()).flatten()
    };
    let mut ids = Vec::with_capacity(asked.len());
    for (target, owner) in asked {
        let key = LeadKey { profile: profile.clone(), id: target.clone().into() };
        let events = journal.lead_events(&key, MOST_EVENTS)?;
        ids.push(events.iter().find_map(|event| {
            let wrote = (event.state == ItemState::Done).then(|| id_of(&event.wrote, owner)).flatten();
            wrote.or_else(|| id_of(&event.was, owner))
        }));
    }
    Ok(ids)
}

/// The id of the only person of that name, letter for letter.
fn only_person_named(people: &[Person], owner: &OwnerRef) -> Result<PersonId, String> {
    let label = owner.label();
    let Some(name) = &owner.name else { return Err("the former owner is not known".to_owned()) };
    let mut of_that_name = people.iter().filter(|person| person.name == *name);
    match (of_that_name.next(), of_that_name.next()) {
        (Some(person), None) => Ok(person.id.clone()),
        (None, _) => Err(format!("the former owner {label} is not among the people any more")),
        _ => Err(format!("there are several people called {label}")),
    }
}
