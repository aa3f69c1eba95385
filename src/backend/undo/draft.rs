//! A part of an undo in the making: what becomes of each target after it was read again.

use std::sync::Arc;

use super::chains::Chain;
use super::told;
use crate::backend::desk::Desk;
use crate::backend::engine::Inner;
use crate::backend::judge::labels;
use crate::domain::exchange::Problem;
use crate::domain::history::ItemRow;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::intern::Numbered;
use crate::domain::selection::LeadKey;
use crate::domain::undo::{Verdict, decide};
use crate::domain::{
    Assignment, Change, ChangeRef, Changes, ItemState, OwnerRef, Person, PersonId, ProfileName, ReadBack, SafeText,
    Skip, SkipReason, Skips, TakenBack, TargetId, Timestamp, Unassign,
};
use crate::journal::{Journal, JournalError};
use crate::vendor::{ErrorKind, Observation};

/// Leads of which the journal is asked at a time who owned them.
const ASKED_AT_ONCE: usize = 5_000;
/// Journal entries of one lead that are looked through for the id of a former owner.
const MOST_EVENTS: usize = 50;

/// A part in the making.
#[derive(Default)]
pub struct Draft {
    pub changes: Changes,
    pub skips: Skips,
    pub takes_back: TakenBack,
    /// Leads whose former owner is not known and which are taken to have had none.
    pub presumed: usize,
    /// Targets that somebody else changed since, and that are put back all the same.
    pub overwritten: usize,
    /// Sets that others changed since they were written, with what they did.
    pub sets_changed_since: Vec<(TargetId, SafeText)>,
}

impl Draft {
    /// Walks a target's writes from the newest to the oldest and ends at the value that is to be put back.
    /// With `unknown_was_nobody` an owner that was not known is taken for nobody.
    pub fn decide(
        &mut self,
        chain: &Chain<'_>,
        observation: Observation,
        force: bool,
        unknown_was_nobody: bool,
        read_at: Timestamp,
    ) {
        let newest = chain.newest().item;
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
        let now = if newest.after.is_same(&read) { newest.after.clone() } else { read };
        if let Some(what) = Assignment::set_difference(newest.after, &now) {
            self.sets_changed_since.push((newest.target(), what));
        }
        let mut value = now.clone();
        let mut taken = Vec::new();
        let mut stopped_at = None;
        let mut presumed = false;
        let mut forced = false;
        for write in chain.writes() {
            let item = write.item;
            let was = match item.before.is_known() || !unknown_was_nobody {
                true => item.before.clone(),
                false => Assignment::unassigned(),
            };
            match decide(&was, item.after, &value) {
                Verdict::Restore(was) => {
                    presumed |= !item.before.is_known();
                    value = was;
                }
                Verdict::AlreadyBack => continue,
                Verdict::Conflict | Verdict::Unclear(_) if force && was.is_known() => {
                    value = was;
                    forced = true;
                }
                Verdict::Conflict => {
                    let (was, label) = labels(item.after, &value);
                    stopped_at = Some((item, SkipReason::Drift { was, now: label }));
                    break;
                }
                Verdict::Unclear(why) => {
                    stopped_at = Some((item, SkipReason::Other(why.to_owned())));
                    break;
                }
            }
            taken.push(write);
        }
        let stopped = stopped_at.is_some();
        if let Some((item, reason)) = stopped_at {
            self.skips.push(&skip(item, value.clone(), reason));
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
            if !stopped && !chain.is_back_and_forth() {
                self.skips.push(&skip(newest, now, SkipReason::AlreadyThere));
            }
            return;
        }
        self.presumed += usize::from(presumed);
        self.overwritten += usize::from(forced);
        let change = self.changes.len() as u32;
        taken.iter().for_each(|write| self.takes_back.add(change, write.operation, write.seq));
        self.changes.push(&Change {
            target: newest.target(),
            name: newest.name(),
            before: now,
            after: value,
            read_at: Some(read_at),
            scope: observation.scope.as_deref().unwrap_or(newest.scope()).into(),
        });
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.changes.shrink();
        self.skips.shrink();
        self.takes_back.shrink();
    }

    /// Finds the ids of owners that are known only by name: in this journal, or as the only person of that name.
    pub async fn name_former_owners(&mut self, inner: &Arc<Inner>, desk: &Desk) -> Result<(), Problem> {
        if desk.capabilities.read_back != ReadBack::ByName {
            // A bare name is what this vendor stores, and is written back as it is.
            return Ok(());
        }
        let is_nameless = |change: &ChangeRef<'_>| change.after.owner().is_some_and(|owner| owner.id.is_none());
        let nameless: Vec<u32> =
            (0_u32..).zip(self.changes.iter()).filter(|(_, change)| is_nameless(change)).map(|(i, _)| i).collect();
        if nameless.is_empty() {
            return Ok(());
        }
        let people = match desk.people() {
            Some(people) => people,
            None => Arc::new(desk.vendor.people().await.unwrap_or_default()),
        };
        // Of each the number of its answer: there are about as many as there are people.
        let mut answers: Arc<Numbered<Result<PersonId, String>>> = Arc::default();
        let mut answer = Codes::default();
        for some in nameless.chunks(ASKED_AT_ONCE) {
            let asked: Vec<(TargetId, OwnerRef)> = some
                .iter()
                .filter_map(|i| self.changes.get(*i as usize))
                .filter_map(|change| Some((change.target(), change.after.owner()?.clone())))
                .collect();
            let (profile, asked) = (desk.name.clone(), Arc::new(asked));
            let owners = asked.clone();
            let known = inner.ask(move |journal| from_journal(journal, &profile, &asked)).await.map_err(told)?;
            for ((_, owner), known) in owners.iter().zip(known) {
                let found = known.map(Ok).unwrap_or_else(|| only_person_named(&people, owner));
                answer.push(Numbered::number(&mut answers, &found));
            }
        }
        let found = |number: usize| &answers.values()[answer.get(number) as usize];
        let mut left = nameless.iter().enumerate().peekable();
        self.changes.edit(|i, change| {
            let Some((number, _)) = left.next_if(|(_, nameless)| **nameless as usize == i) else { return };
            let Some(owner) = change.after.owner().cloned() else { return };
            if let Ok(id) = found(number) {
                change.after = Assignment::Owner(OwnerRef { id: Some(id.clone()), name: owner.name });
            }
        });
        let mut left = nameless.iter().enumerate().peekable();
        self.leave_out(|i, _| {
            let (number, _) = left.next_if(|(_, nameless)| **nameless == i)?;
            let why = found(number).as_ref().err()?;
            Some(SkipReason::Other(format!("not exactly reversible: {why}")))
        });
        Ok(())
    }

    /// Takes out what this vendor has no call for.
    pub fn refuse_what_cannot_be(&mut self, desk: &Desk) {
        let to_nobody = |change: &ChangeRef<'_>| matches!(change.after, Assignment::Unassigned(_));
        if let Unassign::No(why) = &desk.capabilities.unassign
            && self.changes.iter().any(|change| to_nobody(&change))
        {
            self.leave_out(|_, change| to_nobody(&change).then(|| SkipReason::NotSupported(why.clone())));
        }
    }

    /// Turns changes into skips: those for which there is a reason.
    fn leave_out(&mut self, mut reason: impl FnMut(u32, ChangeRef<'_>) -> Option<SkipReason>) {
        const GONE: u32 = u32::MAX;
        let mut new_number = Vec::with_capacity(self.changes.len());
        let changes = std::mem::take(&mut self.changes);
        for (i, change) in (0_u32..).zip(changes.iter()) {
            match reason(i, change) {
                Some(reason) => {
                    new_number.push(GONE);
                    self.skips.push(&Skip {
                        target: change.target(),
                        name: change.name(),
                        before: change.before.clone(),
                        after: change.after.clone(),
                        reason,
                    });
                }
                None => {
                    new_number.push(self.changes.len() as u32);
                    self.changes.push(&change.to_change());
                }
            }
        }
        if self.changes.len() < changes.len() {
            let number = |change: u32| new_number.get(change as usize).copied().filter(|number| *number != GONE);
            self.takes_back.renumber(number);
        }
        self.shrink();
    }
}

pub fn skip(item: ChangeRef<'_>, now: Assignment, reason: SkipReason) -> Skip {
    skipped(item.target(), item.name(), item.before, now, reason)
}

pub fn skip_row(row: ItemRow, now: Assignment, reason: SkipReason) -> Skip {
    skipped(row.target, row.name, &row.was, now, reason)
}

fn skipped(target: TargetId, name: SafeText, was: &Assignment, now: Assignment, reason: SkipReason) -> Skip {
    let after = match (&now, &reason) {
        // What others did to a set since is none of ours: it would stay as well.
        (Assignment::Agents(_), SkipReason::AlreadyThere) => now.clone(),
        _ => was.clone(),
    };
    Skip { target, name, before: now, after, reason }
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
