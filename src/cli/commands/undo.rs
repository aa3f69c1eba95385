//! `undo`, `redo` and `resume`: take back, take back the taking back, and go on with what was cut off.

use std::collections::{HashMap, HashSet};

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use crate::backend::{Only, UndoRequest};
use crate::cli::args::{RedoArgs, ResumeArgs, UndoArgs, WriteArgs};
use crate::cli::confirm::{self, Answer};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::items::{Items, grouped};
use crate::cli::output::json::Summary;
use crate::cli::output::{Out, say};
use crate::cli::session::{Session, refuse_read_only, refuse_unusable};
use crate::cli::writing::{self, Writing};
use crate::cli::{ids, signals};
use crate::config::Profile;
use crate::domain::history::{HistoryFilter, OperationPart, OperationSummary};
use crate::domain::safe_text::visible;
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
fn profiles_of<'s>(session: &'s Session, operations: &[OperationSummary]) -> Result<Vec<&'s Profile>, Failure> {
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

/// A point in time as people write it: `14:00` (the last one), `2026-11-01`, `2026-11-01 14:00`, RFC 3339, or how long
/// ago: `90s`, `30m`, `2h`, `1d`, `1w`.
fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let text = text.trim();
    let wrong = || {
        Failure::wrong_use(format!(
            "\"{}\" is no time; write 14:00, 2026-11-01, 2026-11-01T14:00, 2026-11-01T14:00:00Z, or 2h for two hours ago",
            visible(text)
        ))
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let here = |time: DateTime| time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong());
    if let Ok(time) = text.parse::<DateTime>() {
        return here(time);
    }
    if let (true, Ok(time)) = (text.contains(':'), text.parse::<Time>()) {
        let today = now.to_zoned(zone.clone()).date();
        let at = here(today.to_datetime(time))?;
        if at <= now {
            return Ok(at);
        }
        let yesterday = today.checked_sub(1.day()).map_err(|_| wrong())?;
        return here(yesterday.to_datetime(time));
    }
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    now.checked_sub(SignedDuration::from_secs(i64::from(count) * unit)).map_err(|_| wrong())
}

pub async fn resume(session: &Session, args: &ResumeArgs, out: &mut Out) -> Result<Exit, Failure> {
    if args.write.out.is_some() {
        return Err(Failure::wrong_use("resume goes on with a plan that is in the journal; --out has no meaning here"));
    }
    let journal = session.journal()?;
    let mut operations = match &args.operation {
        Some(name) => vec![journal.find(name)?],
        None => journal.interrupted()?,
    };
    if args.operation.is_none() {
        operations.retain(|operation| session.concerns(operation));
    }
    if operations.is_empty() {
        say("no operation was cut off");
        Items::new(session.format, false).end(out, &Summary::default())?;
        return Ok(Exit::Done);
    }
    if args.write.dry_run {
        for operation in &operations {
            let summary = Summary::new(Some(operation.id.clone()), &operation.tally, 0, 0.0);
            let items = Items::new(session.format, operation.parts.len() > 1);
            writing::print_items(&journal, &operation.id, items, &summary, out)?;
        }
        return Ok(Exit::Done);
    }
    let profiles = profiles_of(session, &operations)?;
    if !args.settle_only {
        refuse_read_only(profiles.iter().copied())?;
    }
    let stop = signals::listen();
    let engine = session.engine_with(journal, &profiles)?;
    refuse_unusable(&engine)?;
    let writing = Writing {
        session,
        engine: &engine,
        args: &args.write,
        stop: &stop,
        stdin_is_taken: false,
        snapshot: None,
        asked: "",
    };
    let mut exits = Vec::new();
    for operation in &operations {
        let exit = match go_on(&writing, operation, args.settle_only, out).await {
            Ok(exit) => exit,
            // The others are settled all the same.
            Err(failure) => {
                say(&failure.message);
                failure.exit
            }
        };
        exits.push(exit);
        if stop.is_stopped() {
            exits.push(Exit::Stopped);
            break;
        }
    }
    Ok(writing::all(exits))
}

/// Settles one operation by reading, and sends what was not sent if that is wanted and confirmed.
async fn go_on(
    writing: &Writing<'_>,
    operation: &OperationSummary,
    settle_only: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let unsent = operation.tally.planned + operation.tally.not_sent;
    if settle_only || unsent == 0 {
        return writing.resume(&operation.id, settle_only, out).await;
    }
    let refusal = refusal(writing, operation, unsent).await?;
    let Some(refusal) = refusal else { return writing.resume(&operation.id, false, out).await };
    // What was on the way is settled by reading alone, which needs nobody's consent.
    let settled = writing.resume(&operation.id, true, out).await?;
    say(&refusal);
    Ok(if settled == Exit::Unknown { settled } else { Exit::Refused })
}

/// Why the rest must not be sent; `None` where it may.
async fn refusal(
    writing: &Writing<'_>,
    operation: &OperationSummary,
    unsent: usize,
) -> Result<Option<String>, Failure> {
    let args = writing.args;
    if let Some(max) = args.max.filter(|max| unsent > *max) {
        return Ok(Some(format!("{} items are left, more than --max {max} allows; nothing was sent", grouped(unsent))));
    }
    if args.yes {
        return Ok(None);
    }
    let question = format!("Send what operation {} did not send ({} items)", operation.id, grouped(unsent));
    let large = writing.session.config.settings.large_plan;
    Ok(match confirm::ask(&question, unsent, large, false, writing.stop).await? {
        Answer::Yes => None,
        Answer::No => Some("not confirmed; nothing was sent".to_owned()),
        Answer::NobodyThere => {
            Some("there is no terminal to ask on, so nothing was sent; --yes sends without asking".to_owned())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::OperationLife;
    use crate::domain::{OperationId, Tally};

    #[test]
    fn times_are_read_as_people_write_them() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (text, at) in [
            ("12:30", "2026-11-20T11:30:00Z"),
            ("12:30:15", "2026-11-20T11:30:15Z"),
            // Still to come today, so yesterday's is meant.
            ("23:00", "2026-11-19T22:00:00Z"),
            ("2026-11-01", "2026-10-31T23:00:00Z"),
            ("2026-11-01 14:00", "2026-11-01T13:00:00Z"),
            ("2026-11-01T14:00", "2026-11-01T13:00:00Z"),
            ("2026-11-01T14:00:00Z", "2026-11-01T14:00:00Z"),
            ("2026-11-01T14:00:00+02:00", "2026-11-01T12:00:00Z"),
            ("2h", "2026-11-20T10:00:00Z"),
            ("30m", "2026-11-20T11:30:00Z"),
            ("1w", "2026-11-13T12:00:00Z"),
        ] {
            assert_eq!(moment(text, now, &zone).ok(), Some(at.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "25:00", "h", "-2h", "2026-13-01", "é"] {
            assert!(moment(text, now, &zone).is_err(), "{text}");
        }
    }

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
