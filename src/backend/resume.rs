//! Going on with an operation that was cut off: what was on the way is settled by reading, what was not sent is read
//! again and sent, unless somebody gave the operation up or took something of it back.
//!
//! What is open may be most of a long operation, so it is read page by page into the columns of a plan.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use super::engine::{ApplyError, Inner, Report};
use super::operation::{Chance, Earlier, Part, Seqs};
use super::{StopToken, Watch};
use crate::domain::exchange::{Event, Problem};
use crate::domain::history::{ItemRow, OperationLife, OperationPart, OperationSummary};
use crate::domain::{
    Capabilities, Changes, ItemState, OperationId, OperationKind, Plan, PlanPart, SafeText, Tally, Timestamp, planning,
};
use crate::journal::{Hold, Journal, JournalError, Move};
use crate::vendor::Session;

const CUT_OFF: &str = "Switchboard ended before the answer came";

/// Decides for good that an operation is not gone on with, then settles what is open in it by reading where that can
/// be done. What is done stays, and can be taken back.
pub async fn give_up(inner: &Arc<Inner>, id: OperationId, watch: Watch, stop: StopToken) -> Result<Report, ApplyError> {
    let (operation, who, now) = (id.clone(), inner.who.clone(), (inner.clock)());
    inner
        .ask(move |journal| {
            let hold = journal.hold(&operation)?;
            journal.give_up(&hold, now, &who, &"given up before it was sent".into())
        })
        .await?;
    let settled = resume(inner, id.clone(), true, watch.clone(), stop).await;
    // Given up it is in any case, also where the profile is gone or points elsewhere by now.
    let problem = match settled {
        Err(error @ (ApplyError::NoSuchProfile(_) | ApplyError::NotOpened(..) | ApplyError::ElsewhereNow { .. })) => {
            error.problem()
        }
        settled => return settled,
    };
    let (why, now) = (problem.what.clone(), (inner.clock)());
    let summary = inner.ask(move |journal| leave_unread(journal, &id, now, &why)).await?;
    let profiles = summary.parts.iter().map(|part| part.profile.clone());
    let cut_short = profiles.take(1).map(|profile| (profile, problem.clone())).collect();
    watch.tell(Event::Ended { summary: Box::new(summary.clone()), seconds: 0.0, requests: 0 });
    Ok(Report { summary, requests: 0, seconds: 0.0, cut_short })
}

/// What was on the way is not known, and nobody can read it now: that is its end until somebody asks by name.
fn leave_unread(
    journal: &Journal,
    id: &OperationId,
    now: Timestamp,
    why: &str,
) -> Result<OperationSummary, JournalError> {
    let hold = journal.hold(id)?;
    let reason: SafeText = format!("{CUT_OFF}; {why}").into();
    journal.record_each(&hold, now, &[ItemState::Sent], move |row, moves| {
        moves.push(Move { reason: Some(reason.clone()), ..Move::to(row.seq, ItemState::Unknown) });
    })?;
    drop(hold);
    journal.operation(id)
}

pub async fn resume(
    inner: &Arc<Inner>,
    id: OperationId,
    settle_only: bool,
    watch: Watch,
    stop: StopToken,
) -> Result<Report, ApplyError> {
    let operation = id.clone();
    let Held { summary, tallies, life, settle_only, last_sent, hold } =
        inner.ask(move |journal| take_hold(journal, &operation, settle_only)).await?;
    // Checked for every profile before anything is moved or sent. One that cannot be used keeps its items as they are,
    // and holds no other up; where that is so for all, nothing is moved.
    let mut desks = Vec::new();
    let mut left = Vec::new();
    for (index, part) in summary.parts.iter().enumerate() {
        let Tally { planned, sent, unknown, not_sent, .. } = tallies.get(index).copied().unwrap_or_default();
        let reads = sent + unknown > 0;
        let sends = !settle_only && planned + not_sent > 0;
        if !reads && !sends && planned == 0 {
            desks.push(None);
            continue;
        }
        match desk_of(inner, part) {
            // What was sent is settled by reading, which may be done there too.
            Ok(desk) if sends && desk.read_only => {
                left.push(LeftOut { index, unread: !reads, error: ApplyError::ReadOnly(part.profile.clone()) });
                desks.push(Some(desk).filter(|_| reads));
            }
            Ok(desk) => desks.push(Some(desk)),
            Err(error) => {
                left.push(LeftOut { index, unread: true, error });
                desks.push(None);
            }
        }
    }
    // What can only be read is not gone on with by itself: that is what `settle_only` is for.
    let goes_on =
        |(index, desk): (usize, &Option<Arc<Desk>>)| desk.is_some() && left.iter().all(|out| out.index != index);
    if !desks.iter().enumerate().any(goes_on)
        && let Some(first) = left.first()
    {
        return Err(first.error.clone());
    }
    let now = (inner.clock)();
    let open: Vec<Share> = desks
        .iter()
        .enumerate()
        .map(|part| Share {
            reads: part.1.is_some(),
            sends: goes_on(part) && !settle_only,
            chances: Chances {
                capabilities: part.1.as_ref().map(|desk| desk.capabilities.clone()),
                changes: summary.tally.total(),
                // Cut off perhaps a moment ago: what was on the way then may still arrive.
                cut_off: life != OperationLife::Ended,
                age: last_sent.and_then(|at| Duration::try_from(now.duration_since(at)).ok()).unwrap_or_default(),
            },
            ..Share::default()
        })
        .collect();
    let first = FirstMoves {
        settle_only,
        left: left.iter().map(|out| (out.index, out.unread, out.error.problem().what.into())).collect(),
    };
    let operation = id.clone();
    let (hold, tally, open) = inner
        .ask(move |journal| {
            first.record(journal, &hold, now)?;
            let open = take_up(journal, &operation, open)?;
            Ok((hold, journal.operation(&operation)?.tally, open))
        })
        .await?;

    let hot = open.iter().map(|share| share.changes.len()).sum::<usize>() <= inner.tuning.hot_up_to;
    let undo = matches!(summary.kind, OperationKind::Undo | OperationKind::Redo);
    let mut shares = Vec::new();
    let mut work = Vec::new();
    for (part, Share { changes, seqs, earlier, .. }) in summary.parts.iter().zip(open) {
        let context = part.context.clone();
        let session = Session { context: context.clone(), hot, undo, ..Session::default() };
        work.push((Seqs::List(seqs), earlier, session));
        let share = PlanPart::of(part.profile.clone(), part.vendor, changes);
        shares.push(PlanPart { context: Some(context), ..share });
    }
    let plan = Arc::new(Plan {
        kind: summary.kind,
        reverts: summary.reverts.clone(),
        note: summary.note.clone(),
        made_at: summary.at,
        parts: shares,
    });
    let mut parts = Vec::new();
    for ((index, desk), (seqs, earlier, session)) in desks.into_iter().enumerate().zip(work) {
        if let Some(desk) = desk {
            parts.push(Part::new(desk, plan.clone(), index, seqs, session).continued(earlier));
        }
    }
    let mut report = inner.carry_out(id, plan, parts, tally, hold, watch, stop).await?;
    report
        .cut_short
        .extend(left.into_iter().map(|out| (summary.parts[out.index].profile.clone(), out.error.problem())));
    Ok(report)
}

/// The desk of a part, where it still goes where it went.
fn desk_of(inner: &Inner, part: &OperationPart) -> Result<Arc<Desk>, ApplyError> {
    let desk = inner.desk(&part.profile)?;
    if desk.base_url != part.base_url {
        return Err(ApplyError::ElsewhereNow {
            profile: part.profile.clone(),
            then: part.base_url.clone(),
            now: desk.base_url.clone(),
        });
    }
    Ok(desk)
}

/// What an operation did not send, as a plan of its own; the operation stays as it is. The values from before are those
/// it was planned with: whoever carries the plan out reads every target again. An error where a profile cannot be used.
pub async fn rest(inner: &Arc<Inner>, summary: &OperationSummary) -> Result<Plan, Problem> {
    let parts = summary.parts.iter().map(|part| {
        let empty = PlanPart::of(part.profile.clone(), part.vendor, Changes::default());
        PlanPart { context: Some(part.context.clone()), ..empty }
    });
    let (mut parts, id): (Vec<PlanPart>, _) = (parts.collect(), summary.id.clone());
    let read = inner.ask(move |journal| {
        journal.each_item(&id, &[ItemState::Planned, ItemState::NotSent], |row| -> Result<_, JournalError> {
            if let Some(part) = parts.get_mut(row.part as usize) {
                part.changes.push(&row.into_change());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(parts)
    });
    let read = read.await.map_err(|error| Problem::new(error.to_string(), ""))?;
    let mut parts = Vec::new();
    for (mut part, then) in read.into_iter().zip(&summary.parts).filter(|(part, _)| !part.changes.is_empty()) {
        let desk = desk_of(inner, then).map_err(|error| error.problem())?;
        part.cost = planning::cost(&part.changes, &desk.capabilities, 0);
        part.warnings = desk.warnings();
        parts.push(part);
    }
    Ok(Plan { kind: summary.kind, reverts: None, note: summary.note.clone(), made_at: (inner.clock)(), parts })
}

/// A part of an operation that is not gone on with, because its profile cannot be used.
struct LeftOut {
    index: usize,
    /// Nor is what was sent read back.
    unread: bool,
    error: ApplyError,
}

/// An operation that this process now holds, and what is open in it.
struct Held {
    summary: OperationSummary,
    /// Of each part.
    tallies: Vec<Tally>,
    /// As it was before the hold was taken.
    life: OperationLife,
    /// Nothing is sent: as it was asked for, or because the operation was given up or taken back.
    settle_only: bool,
    last_sent: Option<Timestamp>,
    hold: Hold,
}

fn take_hold(journal: &Journal, id: &OperationId, settle_only: bool) -> Result<Held, JournalError> {
    let life = journal.operation(id)?.life;
    let hold = journal.hold(id)?;
    // Read again: only now nobody else changes it.
    let summary = journal.operation(id)?;
    // What was taken back is not brought again by its rest.
    let settle_only = settle_only || summary.taken_back > 0 || journal.is_given_up(id)?;
    let tallies = journal.part_tallies(id)?;
    let last_sent = journal.last_sent(id)?;
    Ok(Held { summary, tallies, life, settle_only, last_sent, hold })
}

/// The moves that make the journal say what is about to be done. Afterwards everything that is settled is unknown, and
/// everything that is sent is planned.
struct FirstMoves {
    settle_only: bool,
    /// The parts that are not gone on with: their index, whether what was sent stays unread too, and why. Their items get
    /// the reason and stay as they are.
    left: Vec<(usize, bool, SafeText)>,
}

impl FirstMoves {
    fn record(self, journal: &Journal, hold: &Hold, now: Timestamp) -> Result<(), JournalError> {
        use ItemState::{NotSent, Planned, Sent, Unknown};
        let open: &[ItemState] =
            if self.settle_only { &[Sent, Unknown, Planned] } else { &[Sent, Unknown, Planned, NotSent] };
        journal.record_each(hold, now, open, move |row, moves| self.of(row, moves))
    }

    fn of(&self, row: &ItemRow, moves: &mut Vec<Move>) {
        use ItemState::{NotSent, Planned, Sent, Unknown};
        let mut go = |to: ItemState, reason: Option<SafeText>| moves.push(Move { reason, ..Move::to(row.seq, to) });
        let left = self.left.iter().find(|(index, ..)| *index == row.part as usize);
        match (row.state, left) {
            (Sent | Unknown, Some((_, true, why))) => go(Unknown, Some(format!("{}; {why}", why_open(row)).into())),
            (Sent, _) => go(Unknown, Some(CUT_OFF.into())),
            (Planned, Some((.., why))) => go(NotSent, Some(why.clone())),
            (NotSent, Some((.., why))) => {
                go(Planned, None);
                go(NotSent, Some(why.clone()));
            }
            (Planned, None) if self.settle_only => go(NotSent, Some("only what was sent was settled".into())),
            (NotSent, None) => go(Planned, None),
            _ => {}
        }
    }
}

/// What is done of a part.
#[derive(Default)]
struct Share {
    /// What was sent is read back.
    reads: bool,
    /// What was not sent is sent.
    sends: bool,
    chances: Chances,
    /// What was sent before first, then what was not.
    changes: Changes,
    /// The numbers of those in the journal.
    seqs: Vec<u32>,
    earlier: Earlier,
}

/// Reads what is to be done after the first moves.
fn take_up(journal: &Journal, id: &OperationId, mut shares: Vec<Share>) -> Result<Vec<Share>, JournalError> {
    for state in [ItemState::Unknown, ItemState::Planned] {
        journal.each_item(id, &[state], |row| -> Result<_, JournalError> {
            let share = shares.get_mut(row.part as usize);
            let wanted = |share: &&mut Share| if state == ItemState::Unknown { share.reads } else { share.sends };
            if let Some(share) = share.filter(wanted) {
                if state == ItemState::Unknown {
                    share.earlier.push(&why_open(&row), share.chances.of(&row));
                }
                share.seqs.push(row.seq);
                share.changes.push(&row.into_change());
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    for share in &mut shares {
        share.changes.shrink();
        share.seqs.shrink_to_fit();
    }
    Ok(shares)
}

/// What tells whether an open item of a part may still take effect.
#[derive(Default)]
struct Chances {
    capabilities: Option<Arc<Capabilities>>,
    /// How many the operation had at most when it decided between single and bulk requests.
    changes: usize,
    cut_off: bool,
    /// Since the operation last sent something.
    age: Duration,
}

impl Chances {
    fn of(&self, row: &ItemRow) -> Chance {
        let queued = self.capabilities.as_ref().is_some_and(|capabilities| {
            self.age < capabilities.late_writes && capabilities.batch.may_share(self.changes, &row.wrote)
        });
        match (queued, self.cut_off) {
            (true, _) => Chance::Queued,
            (false, true) => Chance::Soon,
            (false, false) => Chance::None,
        }
    }
}

/// All items of an operation that are in one of these states.
pub(super) fn all_in(journal: &Journal, id: &OperationId, states: &[ItemState]) -> Result<Vec<ItemRow>, JournalError> {
    let mut all = Vec::new();
    journal.each_item(id, states, |row| -> Result<_, JournalError> {
        all.push(row);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// Why an item is open, without what earlier readings made of it.
fn why_open(row: &ItemRow) -> String {
    match (&row.reason, row.state) {
        (Some(reason), ItemState::Unknown) => {
            reason.as_str().split_once("; ").map_or(reason.as_str(), |(why, _)| why).to_owned()
        }
        _ => CUT_OFF.to_owned(),
    }
}
