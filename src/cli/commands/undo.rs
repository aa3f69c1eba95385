//! `undo` and `redo`: take back, and take back the taking back.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use crate::backend::{Only, UndoRequest};
use crate::cli::args::{RedoArgs, UndoArgs, WriteArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::moment::moment;
use crate::cli::output::items::Items;
use crate::cli::output::json::Summary;
use crate::cli::output::{Out, say};
use crate::cli::session::{Session, refuse_read_only, refuse_unusable};
use crate::cli::writing::Writing;
use crate::cli::{ids, signals};
use crate::config::Profile;
use crate::domain::history::{HistoryFilter, OperationPart, OperationSummary};
use crate::domain::{Assignment, Cost, OperationKind, Plan, PlanPart, SafeText, Skip, SkipReason, TargetId, Timestamp};
use crate::journal::Journal;

/// Operations are read this many at a time.
const PAGE: usize = 200;
/// And items this many.
const ITEMS: usize = 10_000;

pub async fn undo(session: &Session, args: &UndoArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    let ids = args.ids.as_deref().map(ids::read).transpose()?;
    let operations = match (&args.since, args.operations.as_slice()) {
        (Some(since), _) => {
            let now = Timestamp::now();
            let from = moment(since, now, &TimeZone::system())?;
            let mut found = since_then(&journal, from, args.who.as_deref())?;
            found.retain(|operation| session.concerns(operation));
            if found.is_empty() {
                say(&format!("nothing that was done since {from} can be taken back"));
            }
            found
        }
        (None, []) => {
            let newest = newest(session, &journal, |operation| operation.kind != OperationKind::Undo)?;
            if newest.is_none() {
                say("there is nothing to take back");
            }
            newest.into_iter().collect()
        }
        (None, named) => {
            let found: Result<Vec<_>, _> = named.iter().map(|name| journal.find(name)).collect();
            found?
        }
    };
    let back = TakingBack {
        operations,
        targets: ids.map(|ids| ids.iter().map(|id| TargetId::new(id.as_str())).collect()),
        force: args.force,
        stdin_is_taken: args.ids.as_deref() == Some("-"),
    };
    back.run(session, journal, &args.write, out).await
}

pub async fn redo(session: &Session, args: &RedoArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    let operation = match &args.operation {
        Some(name) => Some(undo_meant(&journal, journal.find(name)?)?),
        None => newest(session, &journal, |operation| operation.kind == OperationKind::Undo)?,
    };
    if operation.is_none() {
        say("there is no undo to take back");
    }
    let back =
        TakingBack { operations: operation.into_iter().collect(), targets: None, force: false, stdin_is_taken: false };
    back.run(session, journal, &args.write, out).await
}

/// The undo that a redo takes back: the one that was named, or the newest one of the operation that was named.
fn undo_meant(journal: &Journal, named: OperationSummary) -> Result<OperationSummary, Failure> {
    if named.kind == OperationKind::Undo {
        return Ok(named);
    }
    let is_its_undo = |operation: &OperationSummary| {
        operation.kind == OperationKind::Undo && operation.reverts.as_ref() == Some(&named.id) && operation.undoable > 0
    };
    find(journal, is_its_undo)?.ok_or_else(|| {
        Failure::wrong_use(format!("operation {} is not an undo, and there is no undo of it to take back", named.id))
    })
}

/// The newest operation of such a kind with something to take back, of the profiles that are named.
fn newest(
    session: &Session,
    journal: &Journal,
    is_meant: impl Fn(&OperationSummary) -> bool,
) -> Result<Option<OperationSummary>, Failure> {
    find(journal, |operation| operation.undoable > 0 && session.concerns(operation) && is_meant(operation))
}

/// The newest operation that is meant.
fn find(journal: &Journal, is_meant: impl Fn(&OperationSummary) -> bool) -> Result<Option<OperationSummary>, Failure> {
    let mut offset = 0;
    loop {
        let page = journal.operations(offset, PAGE)?;
        offset += page.len();
        let last = page.len() < PAGE;
        let found = page.into_iter().find(&is_meant);
        if found.is_some() || last {
            return Ok(found);
        }
    }
}

/// What is to be taken back.
struct TakingBack {
    operations: Vec<OperationSummary>,
    /// Only these.
    targets: Option<Vec<TargetId>>,
    /// Also where somebody else changed it since.
    force: bool,
    stdin_is_taken: bool,
}

impl TakingBack {
    async fn run(self, session: &Session, journal: Journal, args: &WriteArgs, out: &mut Out) -> Result<Exit, Failure> {
        let (operations, over): (Vec<OperationSummary>, Vec<OperationSummary>) =
            self.operations.into_iter().partition(|operation| operation.undoable > 0);
        for operation in over {
            say(&format!("operation {} has nothing left to take back", operation.id));
        }
        if operations.is_empty() {
            Items::new(session.format, false).end(out, &Summary::default())?;
            return Ok(Exit::Done);
        }
        let profiles = profiles_of(session, &operations)?;
        refuse_read_only(profiles.iter().copied())?;
        let strangers = match &self.targets {
            Some(targets) => strangers(&journal, &operations, targets)?,
            None => Vec::new(),
        };
        let stop = signals::listen();
        let engine = session.engine_with(journal, &profiles)?;
        refuse_unusable(&engine)?;
        let request = UndoRequest {
            operations: operations.iter().map(|operation| operation.id.clone()).collect(),
            only: self.targets.clone().map_or(Only::All, Only::Targets),
            force: self.force,
            note: args.note.as_deref().map(SafeText::new),
        };
        let mut plan = if self.targets.is_some_and(|targets| targets.len() == strangers.len()) {
            nothing_of(&request, &operations[0], engine.now())
        } else {
            signals::unless_stopped(&stop, engine.plan_undo(request)).await??
        };
        if let Some(part) = plan.parts.first_mut() {
            part.skips.extend(strangers.into_iter().map(stranger));
        }
        let asked: Vec<String> = operations.iter().map(|operation| operation.id.to_string()).collect();
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
        let mut offset = 0;
        loop {
            let page = journal.items(&operation.id, offset, ITEMS)?;
            for row in &page {
                unknown.remove(&row.target);
            }
            offset += page.len();
            if page.len() < ITEMS {
                break;
            }
        }
    }
    Ok(targets.iter().filter(|target| unknown.contains(target)).cloned().collect())
}

fn stranger(target: TargetId) -> Skip {
    Skip {
        target,
        name: SafeText::empty(),
        before: Assignment::Unknown,
        after: Assignment::Unknown,
        reason: SkipReason::Other("not part of what is taken back".to_owned()),
    }
}

/// A plan without changes, for ids none of which has anything to do with the operations.
fn nothing_of(request: &UndoRequest, operation: &OperationSummary, now: Timestamp) -> Plan {
    let part = |part: &OperationPart| PlanPart {
        profile: part.profile.clone(),
        vendor: part.vendor,
        changes: Vec::new(),
        skips: Vec::new(),
        cost: Cost::default(),
        inexact: Vec::new(),
        warnings: Vec::new(),
        takes_back: Vec::new(),
        context: None,
    };
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
    for operation in operations {
        for part in &operation.parts {
            let profile = session.profile(part.profile.as_str()).map_err(|failure| {
                Failure::wrong_use(format!("operation {} went elsewhere: {failure}", operation.id))
            })?;
            if !profiles.iter().any(|known| known.name == profile.name) {
                profiles.push(profile);
            }
        }
    }
    Ok(profiles)
}

/// What has to be taken back so that everything is as it was at `from`.
///
/// An undo of something older counts like any other operation. An undo of something newer does not: both together
/// changed nothing. Its redo does again, and so on.
fn since_then(journal: &Journal, from: Timestamp, who: Option<&str>) -> Result<Vec<OperationSummary>, Failure> {
    let filter = HistoryFilter { since: Some(from), ..HistoryFilter::default() };
    let mut newer: Vec<OperationSummary> = Vec::new();
    loop {
        let page = journal.operations_where(&filter, newer.len(), PAGE)?;
        let last = page.len() < PAGE;
        newer.extend(page);
        if last {
            return Ok(to_take_back(newer, who));
        }
    }
}

fn to_take_back(newer: Vec<OperationSummary>, who: Option<&str>) -> Vec<OperationSummary> {
    let reverts: HashMap<_, _> =
        newer.iter().map(|operation| (operation.id.clone(), operation.reverts.clone())).collect();
    let counts = |operation: &OperationSummary| {
        // An undo of several operations at once does not say which; it has to be named to be taken back.
        if operation.reverts.is_none() && matches!(operation.kind, OperationKind::Undo | OperationKind::Redo) {
            return false;
        }
        let mut chain = HashSet::new();
        let mut next = Some(operation.id.clone());
        while let Some(id) = next.filter(|id| !chain.contains(id)) {
            let Some(reverted) = reverts.get(&id) else { break };
            chain.insert(id);
            next = reverted.clone();
        }
        chain.len() % 2 == 1
    };
    let wanted: HashSet<_> = newer
        .iter()
        .filter(|operation| operation.undoable > 0 && counts(operation) && who.is_none_or(|who| is_by(operation, who)))
        .map(|operation| operation.id.clone())
        .collect();
    newer.into_iter().filter(|operation| wanted.contains(&operation.id)).collect()
}

/// Whether `who` names the person, `jane` or `jane@office`, in upper or lower case.
fn is_by(operation: &OperationSummary, who: &str) -> bool {
    let by = operation.who.as_str().to_lowercase();
    let who = who.to_lowercase();
    by == who || by.split('@').next() == Some(who.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::OperationLife;
    use crate::domain::{OperationId, Tally};

    fn operation(id: &str, kind: OperationKind, reverts: Option<&str>, undoable: usize) -> OperationSummary {
        OperationSummary {
            id: OperationId::new(id),
            at: Timestamp::UNIX_EPOCH,
            kind,
            reverts: reverts.map(OperationId::new),
            who: SafeText::new("jane@office"),
            note: None,
            parts: Vec::new(),
            tally: Tally::default(),
            undoable,
            life: OperationLife::Ended,
        }
    }

    #[test]
    fn everything_since_a_time_is_what_still_makes_a_difference() {
        use OperationKind::{Assign, Redo, Undo};
        for (newer, taken_back) in [
            (vec![operation("a", Assign, None, 3), operation("b", Assign, None, 1)], vec!["a", "b"]),
            // Taken back already.
            (vec![operation("u", Undo, Some("a"), 3), operation("a", Assign, None, 0)], vec![]),
            // Taken back in part: only the rest of it.
            (vec![operation("u", Undo, Some("a"), 2), operation("a", Assign, None, 1)], vec!["a"]),
            // Redone: the redo is what is there now.
            (
                vec![
                    operation("r", Redo, Some("u"), 3),
                    operation("u", Undo, Some("a"), 0),
                    operation("a", Assign, None, 0),
                ],
                vec!["r"],
            ),
            // An undo of something older made a difference.
            (vec![operation("u", Undo, Some("older"), 3)], vec!["u"]),
            (vec![operation("r", Redo, Some("u"), 3), operation("u", Undo, Some("older"), 0)], vec![]),
            // An undo of several at once.
            (vec![operation("u", Undo, None, 3)], vec![]),
        ] {
            let found: Vec<_> =
                to_take_back(newer, None).iter().map(|operation| operation.id.as_str().to_owned()).collect();
            assert_eq!(found, taken_back);
        }
    }

    #[test]
    fn a_person_is_named_with_or_without_the_computer() {
        let operations = || vec![operation("a", OperationKind::Assign, None, 1)];
        for (who, found) in [("jane", 1), ("jane@office", 1), ("jan", 0), ("office", 0), ("bob", 0)] {
            assert_eq!(to_take_back(operations(), Some(who)).len(), found, "{who}");
        }
    }
}
