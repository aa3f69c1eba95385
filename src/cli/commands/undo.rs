//! `undo` and `redo`: take back, and take back the taking back.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::backend::{Engine, Only, UndoRequest, WithRedos, undoable_since};
use crate::cli::args::{RedoArgs, UndoArgs, WriteArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::items::Items;
use crate::cli::output::json::Summary;
use crate::cli::output::{Out, say};
use crate::cli::session::{Session, refuse_read_only, refuse_unusable};
use crate::cli::writing::Writing;
use crate::cli::{ids, moment, signals};
use crate::config::Profile;
use crate::domain::history::{HistoryFilter, OperationPart, OperationSummary};
use crate::domain::{
    Assignment, Change, Changes, OperationKind, Plan, PlanPart, ProfileName, SafeText, Skip, SkipReason, SkipRef,
    TargetId, Timestamp, VendorKind,
};
use crate::journal::Journal;

pub async fn undo(session: &Session, args: &UndoArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    session.refuse_strangers(&journal)?;
    let ids = args.ids.as_deref().map(ids::read).transpose()?;
    let since = args.since.as_deref().map(|since| moment::back(since, Timestamp::now())).transpose()?;
    let is_meant = |operation: &OperationSummary| operation.kind != OperationKind::Undo;
    let mut unknown = false;
    let operations = match (since, args.operations.as_slice()) {
        (Some(from), _) => {
            let who = args.who.as_deref().map(SafeText::new);
            let mut found = undoable_since(&journal, from, who.as_ref())?;
            found.retain(|operation| session.concerns(operation));
            unknown = tell_unknown(session, &journal, is_meant, |operation| operation.at >= from)?;
            if found.is_empty() {
                say(&format!("nothing that was done since {from} can be taken back"));
            }
            found
        }
        (None, []) => {
            let found = candidates(session, &journal, is_meant)?;
            let newest = found.first().map(|newest| newest.at);
            unknown = tell_unknown(session, &journal, is_meant, |operation| Some(operation.at) >= newest)?;
            if found.is_empty() {
                say("there is nothing to take back");
            }
            found
        }
        (None, named) => {
            let found: Result<Vec<_>, _> = named.iter().map(|name| journal.find(name)).collect();
            let with_redos = WithRedos::of(&journal, found?)?;
            for (operation, redo) in &with_redos.done_again {
                say(&format!("operation {operation} was done again by {redo}, which is taken back with it"));
            }
            with_redos.operations
        }
    };
    let back = TakingBack {
        operations,
        targets: ids.map(|ids| ids.iter().map(|id| TargetId::new(id.as_str())).collect()),
        since,
        force: args.force,
        newest: args.since.is_none() && args.operations.is_empty(),
        unknown,
        stdin_is_taken: args.ids.as_deref() == Some("-"),
    };
    back.run(session, journal, &args.write, out).await
}

pub async fn redo(session: &Session, args: &RedoArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    session.refuse_strangers(&journal)?;
    let operations = match &args.operation {
        Some(name) => vec![undo_meant(&journal, journal.find(name)?)?],
        None => candidates(session, &journal, |operation| operation.kind == OperationKind::Undo)?,
    };
    if operations.is_empty() {
        say("there is no undo to take back");
    }
    let newest = args.operation.is_none();
    let back = TakingBack {
        operations,
        targets: None,
        since: None,
        force: false,
        newest,
        unknown: false,
        stdin_is_taken: false,
    };
    back.run(session, journal, &args.write, out).await
}

/// The undo that a redo takes back: the one that was named, or the newest one of the operation that was named.
fn undo_meant(journal: &Journal, named: OperationSummary) -> Result<OperationSummary, Failure> {
    if named.kind == OperationKind::Undo {
        return Ok(named);
    }
    let is_its_undo = |operation: &OperationSummary| {
        operation.kind == OperationKind::Undo && operation.reverts_all.contains(&named.id) && operation.standing() > 0
    };
    match find(journal, is_its_undo)? {
        Some(undo) if undo.reverts_all.len() == 1 => Ok(undo),
        // What nobody named is not done again.
        Some(undo) => {
            let others = match undo.reverts_all.len() - 1 {
                1 => "another one".to_owned(),
                n => format!("{n} others"),
            };
            Err(Failure::wrong_use(format!(
                "operation {} was taken back together with {others}; `redo {}` does all of them again",
                named.id, undo.id
            )))
        }
        None => {
            let why = format!("operation {} is not an undo, and there is no undo of it to take back", named.id);
            Err(Failure::wrong_use(why))
        }
    }
}

/// Operations of such a kind with something to take back, of the profiles that are named, newest first. After the newest
/// one only those that went where it did: nothing else is opened for them.
fn candidates(
    session: &Session,
    journal: &Journal,
    is_meant: impl Fn(&OperationSummary) -> bool,
) -> Result<Vec<OperationSummary>, Failure> {
    let mut found: Vec<OperationSummary> = Vec::new();
    journal.each_operation(&HistoryFilter::default(), |operation| -> Result<_, Failure> {
        let open = operation.standing() > 0 && session.concerns(&operation) && is_meant(&operation);
        if open && found.first().is_none_or(|newest| goes_where(newest, &operation)) {
            found.push(operation);
        }
        Ok(if found.len() < MOST_CANDIDATES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

/// Says of which operations, from the newest as far back as `is_near`, the outcome of some items is not known: they may
/// have been done, and are not taken back before that is known. Answers whether there are any.
fn tell_unknown(
    session: &Session,
    journal: &Journal,
    is_meant: impl Fn(&OperationSummary) -> bool,
    is_near: impl Fn(&OperationSummary) -> bool,
) -> Result<bool, Failure> {
    let mut any = false;
    journal.each_operation(&HistoryFilter::default(), |operation| -> Result<_, Failure> {
        if !is_near(&operation) {
            return Ok(ControlFlow::Break(()));
        }
        let is_open = operation.over_by().is_none() && session.concerns(&operation) && is_meant(&operation);
        any |= is_open && tell_unknown_of(&operation);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(any)
}

fn tell_unknown_of(operation: &OperationSummary) -> bool {
    let unknown = operation.tally.unknown + operation.tally.sent;
    if unknown > 0 {
        let items = if unknown == 1 { "1 item".to_owned() } else { format!("{unknown} items") };
        let id = &operation.id;
        say(&format!("the outcome of {items} of operation {id} is not known yet; `switchboard resume {id}` finds out"));
    }
    unknown > 0
}

/// As many as are worth reading anew.
const MOST_CANDIDATES: usize = 10;

/// Whether `older` went to no other places than `newest`.
fn goes_where(newest: &OperationSummary, older: &OperationSummary) -> bool {
    let known = |part: &OperationPart| {
        newest.parts.iter().any(|place| place.profile == part.profile && place.base_url == part.base_url)
    };
    older.parts.iter().all(known)
}

/// The newest operation that is meant.
fn find(journal: &Journal, is_meant: impl Fn(&OperationSummary) -> bool) -> Result<Option<OperationSummary>, Failure> {
    let mut found = None;
    journal.each_operation(&HistoryFilter::default(), |operation| -> Result<_, Failure> {
        found = Some(operation).filter(&is_meant);
        Ok(if found.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(found)
}

/// What is to be taken back.
struct TakingBack {
    operations: Vec<OperationSummary>,
    /// Only these.
    targets: Option<Vec<TargetId>>,
    /// The operations are those that were done since then.
    since: Option<Timestamp>,
    /// Also where somebody else changed it since.
    force: bool,
    /// Only the first of them of which something can still be taken back.
    newest: bool,
    /// It was told that the outcome of some items is not known.
    unknown: bool,
    stdin_is_taken: bool,
}

impl TakingBack {
    async fn run(self, session: &Session, journal: Journal, args: &WriteArgs, out: &mut Out) -> Result<Exit, Failure> {
        let (operations, over): (Vec<OperationSummary>, Vec<OperationSummary>) =
            self.operations.into_iter().partition(|operation| operation.standing() > 0);
        let mut unknown = self.unknown;
        for operation in over {
            if operation.over_by().is_none() && tell_unknown_of(&operation) {
                unknown = true;
            } else {
                say(&format!("operation {} has nothing left to take back", operation.id));
            }
        }
        if operations.is_empty() {
            Items::new(session.format, false).end(out, &Summary::default())?;
            return Ok(if unknown { Exit::Unknown } else { Exit::Done });
        }
        let profiles = profiles_of(session, &operations)?;
        // Of several profiles one that cannot be used is told in the plan, item by item.
        let several =
            operations.iter().flat_map(|operation| &operation.parts).any(|part| part.profile != profiles[0].name);
        if !several {
            refuse_read_only(profiles.iter().copied())?;
        }
        let strangers = match &self.targets {
            Some(targets) if self.newest => strangers(&journal, &operations[..1], targets)?,
            Some(targets) => strangers(&journal, &operations, targets)?,
            None => Vec::new(),
        };
        let stop = signals::listen();
        let engine = session.engine_with(journal, &profiles)?;
        if !several {
            refuse_unusable(&engine)?;
        }
        // One of several candidates is meant only where nothing else says which.
        let newest = self.newest && self.targets.is_none() && !self.force;
        let operations = if self.newest && !newest { &operations[..1] } else { &operations[..] };
        let request = UndoRequest {
            operations: operations.iter().map(|operation| operation.id.clone()).collect(),
            only: self.targets.clone().map_or(Only::All, Only::Targets),
            since: self.since,
            force: self.force,
            note: args.note.as_deref().map(SafeText::new),
        };
        let mut plan = if self.targets.is_some_and(|targets| targets.len() == strangers.len()) {
            nothing_of(&request, &operations[0], engine.now())
        } else if newest {
            signals::unless_stopped(&stop, engine.plan_newest_undo(request.operations, request.note)).await??
        } else {
            signals::unless_stopped(&stop, engine.plan_undo(request)).await??
        };
        let strange = signals::unless_stopped(&stop, strange(&engine, operations, strangers)).await?;
        if let Some(part) = plan.parts.first_mut() {
            part.skips.extend(strange);
        }
        let asked: Vec<String> = match &plan.reverts {
            Some(one) if newest => vec![one.to_string()],
            _ => operations.iter().map(|operation| operation.id.to_string()).collect(),
        };
        let writing = Writing {
            session,
            engine: &engine,
            args,
            stop: &stop,
            stdin_is_taken: self.stdin_is_taken,
            snapshot: None,
            asked: &format!("operations {}", asked.join(", ")),
        };
        writing.carry_out(plan, out).await
    }
}

/// Those of the targets that the operations have no item for.
fn strangers(
    journal: &Journal,
    operations: &[OperationSummary],
    targets: &[TargetId],
) -> Result<Vec<TargetId>, Failure> {
    let mut unknown: HashSet<&TargetId> = targets.iter().collect();
    for operation in operations {
        journal.each_item(&operation.id, &[], |row| -> Result<_, Failure> {
            unknown.remove(&row.target);
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(targets.iter().filter(|target| unknown.contains(target)).cloned().collect())
}

/// Skips for targets that the operations have no item for. They are looked for at the vendors: an id that does not exist
/// is told as that.
async fn strange(engine: &Engine, operations: &[OperationSummary], targets: Vec<TargetId>) -> Vec<Skip> {
    let mut nowhere: HashSet<TargetId> = targets.iter().cloned().collect();
    let mut places: Vec<(&ProfileName, VendorKind)> = Vec::new();
    for part in operations.iter().flat_map(|operation| &operation.parts) {
        if !places.contains(&(&part.profile, part.vendor)) {
            places.push((&part.profile, part.vendor));
        }
    }
    for (profile, vendor) in places {
        if nowhere.is_empty() {
            break;
        }
        let there: HashSet<TargetId> = match engine.recheck(looking_for(profile, vendor, &nowhere, engine.now())).await
        {
            Ok(found) => {
                let is_missing = |skip: &SkipRef<'_>| *skip.reason == SkipReason::NoSuchLead;
                let skips = found.parts.iter().flat_map(|part| part.skips.iter());
                let missing: HashSet<TargetId> = skips.filter(is_missing).map(|skip| skip.target()).collect();
                nowhere.difference(&missing).cloned().collect()
            }
            // Where nobody answers nothing is known to be missing.
            Err(_) => nowhere.clone(),
        };
        nowhere.retain(|target| !there.contains(target));
    }
    let skip = |target: TargetId| Skip {
        name: SafeText::empty(),
        before: Assignment::Unknown,
        after: Assignment::Unknown,
        reason: match nowhere.contains(&target) {
            true => SkipReason::NoSuchLead,
            false => SkipReason::Other("not part of what is taken back".to_owned()),
        },
        target,
    };
    targets.into_iter().map(skip).collect()
}

/// A plan that is never sent: reading it again tells which of its targets exist.
fn looking_for(profile: &ProfileName, vendor: VendorKind, targets: &HashSet<TargetId>, now: Timestamp) -> Plan {
    let change = |target: &TargetId| Change {
        target: target.clone(),
        name: SafeText::empty(),
        before: Assignment::Unknown,
        after: Assignment::Unknown,
        read_at: None,
        scope: Default::default(),
    };
    let changes: Changes = targets.iter().map(change).collect();
    Plan {
        kind: OperationKind::Undo,
        reverts: None,
        note: None,
        made_at: now,
        parts: vec![PlanPart::of(profile.clone(), vendor, changes)],
    }
}

/// A plan without changes, for ids none of which has anything to do with the operations.
fn nothing_of(request: &UndoRequest, operation: &OperationSummary, now: Timestamp) -> Plan {
    let part = |part: &OperationPart| PlanPart::of(part.profile.clone(), part.vendor, Changes::default());
    Plan {
        kind: OperationKind::Undo,
        reverts: None,
        note: request.note.clone(),
        made_at: now,
        parts: operation.parts.iter().map(part).take(1).collect(),
    }
}

/// The profiles that operations went to.
pub fn profiles_of<'s>(session: &'s Session, operations: &[OperationSummary]) -> Result<Vec<&'s Profile>, Failure> {
    let mut profiles: Vec<&Profile> = Vec::new();
    let mut missing = None;
    for operation in operations {
        for part in &operation.parts {
            match session.profile(part.profile.as_str()) {
                Ok(profile) if !profiles.iter().any(|known| known.name == profile.name) => profiles.push(profile),
                Ok(_) => {}
                Err(failure) => {
                    let why = format!("operation {} went elsewhere: {failure}", operation.id);
                    missing.get_or_insert(Failure::wrong_use(why));
                }
            }
        }
    }
    // A profile that is gone does not hold the others up: the engine leaves its items alone, and says so.
    match missing {
        Some(failure) if profiles.is_empty() => Err(failure),
        _ => Ok(profiles),
    }
}
