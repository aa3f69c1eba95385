//! Going on with an operation that was cut off: what was on the way is settled by reading, what was not sent is read
//! again and sent, unless somebody gave the operation up or took something of it back.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use super::engine::{ApplyError, Inner, Report};
use super::operation::{Chance, Part, Seqs};
use super::{StopToken, Watch};
use crate::domain::exchange::Event;
use crate::domain::history::{ItemRow, OperationLife, OperationPart, OperationSummary};
use crate::domain::{
    Capabilities, Change, Cost, ItemState, OperationId, OperationKind, Plan, PlanPart, Skips, Tally, Timestamp,
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
            let planned = all_in(journal, &operation, &[ItemState::Planned])?;
            let reason = Some("given up before it was sent".into());
            let not_sent = |row: ItemRow| Move { reason: reason.clone(), ..Move::to(row.seq, ItemState::NotSent) };
            let moves: Vec<Move> = planned.into_iter().map(not_sent).collect();
            journal.give_up(&hold, now, &who, &moves)
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
    watch.tell(Event::Ended { summary: summary.clone(), seconds: 0.0, requests: 0 });
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
    let unread = |row: ItemRow| Move {
        reason: Some(format!("{}; {why}", why_open(&row)).as_str().into()),
        ..Move::to(row.seq, ItemState::Unknown)
    };
    let moves: Vec<Move> = all_in(journal, id, &[ItemState::Sent])?.into_iter().map(unread).collect();
    journal.record(&hold, now, &moves)?;
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
    let Held { summary, life, settle_only, last_sent, hold, settle, send } =
        inner.ask(move |journal| take_hold(journal, &operation, settle_only)).await?;
    // Checked for every profile before anything is moved or sent. One that cannot be used keeps its items as they are,
    // and holds no other up; where that is so for all, nothing is moved.
    let mut desks = Vec::new();
    let mut left = Vec::new();
    for (index, part) in summary.parts.iter().enumerate() {
        let touched = |rows: &[ItemRow]| rows.iter().any(|row| row.part as usize == index);
        let sends = touched(&send) && !settle_only;
        if !touched(&settle) && !touched(&send) {
            desks.push(None);
            continue;
        }
        match desk_of(inner, part) {
            // What was sent is settled by reading, which may be done there too.
            Ok(desk) if sends && desk.read_only => {
                let reads = touched(&settle);
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
    let mut tally = summary.tally;
    let mut moves = Vec::new();
    for out in &left {
        moves.extend(out.moves(&settle, &send, settle_only, &mut tally));
    }
    let stays =
        |row: &ItemRow, unread: bool| left.iter().any(|out| out.index == row.part as usize && (out.unread || !unread));
    let settle: Vec<ItemRow> = settle.into_iter().filter(|row| !stays(row, true)).collect();
    let send: Vec<ItemRow> = send.into_iter().filter(|row| !stays(row, false)).collect();
    moves.extend(first_moves(&settle, &send, settle_only, &mut tally));
    let send_now = if settle_only { Vec::new() } else { send };
    let hold = inner.ask(move |journal| journal.record(&hold, now, &moves).map(|()| hold)).await?;

    let hot = settle.len() + send_now.len() <= inner.tuning.hot_up_to;
    let undo = matches!(summary.kind, OperationKind::Undo | OperationKind::Redo);
    let chances: Vec<Chances> = desks
        .iter()
        .map(|desk| Chances {
            capabilities: desk.as_ref().map(|desk| desk.capabilities.clone()),
            changes: summary.tally.total(),
            // Cut off perhaps a moment ago: what was on the way then may still arrive.
            cut_off: life != OperationLife::Ended,
            age: last_sent.and_then(|at| Duration::try_from(now.duration_since(at)).ok()).unwrap_or_default(),
        })
        .collect();
    let mut shares = Vec::new();
    let mut work = Vec::new();
    for (index, part) in summary.parts.iter().enumerate() {
        let of_part = |rows: &[ItemRow]| -> Vec<ItemRow> {
            rows.iter().filter(|row| row.part as usize == index).cloned().collect()
        };
        let (open, todo) = (of_part(&settle), of_part(&send_now));
        let seqs = open.iter().chain(&todo).map(|row| row.seq).collect();
        let whys: Vec<(String, Chance)> = open.iter().map(|row| (why_open(row), chances[index].of(row))).collect();
        shares.push(PlanPart {
            profile: part.profile.clone(),
            vendor: part.vendor,
            changes: open.into_iter().chain(todo).map(change).collect(),
            skips: Skips::default(),
            cost: Cost::default(),
            inexact: Vec::new(),
            warnings: Vec::new(),
            takes_back: Vec::new(),
            context: Some(part.context.clone()),
        });
        let session = Session { context: part.context.clone(), hot, undo, ..Session::default() };
        work.push((index, Seqs::List(seqs), whys, session));
    }
    let plan = Arc::new(Plan {
        kind: summary.kind,
        reverts: summary.reverts.clone(),
        note: summary.note.clone(),
        made_at: summary.at,
        parts: shares,
    });
    let mut parts = Vec::new();
    for (index, seqs, whys, session) in work {
        if let Some(desk) = desks[index].take() {
            parts.push(Part::new(desk, plan.clone(), index, seqs, session).continued(whys));
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

/// A part of an operation that is not gone on with, because its profile cannot be used.
struct LeftOut {
    index: usize,
    /// Nor is what was sent read back.
    unread: bool,
    error: ApplyError,
}

impl LeftOut {
    /// The moves that give the reason to its items, which stay as they are.
    fn moves(&self, settle: &[ItemRow], send: &[ItemRow], settle_only: bool, tally: &mut Tally) -> Vec<Move> {
        let why = self.error.problem().what;
        let mine = |row: &&ItemRow| row.part as usize == self.index;
        let mut moves = Vec::new();
        let mut go = |row: &ItemRow, from: ItemState, to: ItemState, reason: Option<String>| {
            tally.shift(from, to);
            moves.push(Move { seq: row.seq, to, reason: reason.map(|reason| reason.as_str().into()), now: None });
        };
        for row in settle.iter().filter(mine).filter(|_| self.unread) {
            go(row, row.state, ItemState::Unknown, Some(format!("{}; {why}", why_open(row))));
        }
        for row in send.iter().filter(mine) {
            if row.state == ItemState::NotSent {
                if settle_only {
                    continue;
                }
                go(row, ItemState::NotSent, ItemState::Planned, None);
            }
            go(row, ItemState::Planned, ItemState::NotSent, Some(why.clone()));
        }
        moves
    }
}

/// An operation that this process now holds, and what is open in it.
struct Held {
    summary: OperationSummary,
    /// As it was before the hold was taken.
    life: OperationLife,
    /// Nothing is sent: as it was asked for, or because the operation was given up or taken back.
    settle_only: bool,
    last_sent: Option<Timestamp>,
    hold: Hold,
    /// Sent, or unknown: to be read back.
    settle: Vec<ItemRow>,
    /// Never sent.
    send: Vec<ItemRow>,
}

fn take_hold(journal: &Journal, id: &OperationId, settle_only: bool) -> Result<Held, JournalError> {
    let life = journal.operation(id)?.life;
    let hold = journal.hold(id)?;
    // Read again: only now nobody else changes it.
    let summary = journal.operation(id)?;
    // What was taken back is not brought again by its rest.
    let settle_only = settle_only || summary.taken_back > 0 || journal.is_given_up(id)?;
    let settle = all_in(journal, id, &[ItemState::Sent, ItemState::Unknown])?;
    let unsent: &[ItemState] =
        if settle_only { &[ItemState::Planned] } else { &[ItemState::Planned, ItemState::NotSent] };
    let send = all_in(journal, id, unsent)?;
    let last_sent = journal.last_sent(id)?;
    Ok(Held { summary, life, settle_only, last_sent, hold, settle, send })
}

/// What tells whether an open item of a part may still take effect.
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

/// The moves that make the journal say what is about to be done, counted into `tally`.
fn first_moves(settle: &[ItemRow], send: &[ItemRow], settle_only: bool, tally: &mut Tally) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut go = |row: &ItemRow, to: ItemState, reason: Option<&str>| {
        tally.shift(row.state, to);
        moves.push(Move { seq: row.seq, to, reason: reason.map(Into::into), now: None });
    };
    for row in settle.iter().filter(|row| row.state == ItemState::Sent) {
        go(row, ItemState::Unknown, Some(CUT_OFF));
    }
    for row in send {
        match row.state {
            ItemState::Planned if settle_only => go(row, ItemState::NotSent, Some("only what was sent was settled")),
            ItemState::NotSent => go(row, ItemState::Planned, None),
            _ => {}
        }
    }
    moves
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

fn change(row: ItemRow) -> Change {
    Change {
        target: row.target,
        name: row.name,
        before: row.was,
        after: row.wrote,
        read_at: None,
        scope: row.scope.into(),
    }
}
