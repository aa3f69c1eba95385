//! Assignments: one lead by a PATCH, whose answer is the changed lead; many by the bulk call, which only queues a job.
//!
//! Whatever goes into a bulk call was read right before: only leads that still are whose the plan says are named in it,
//! grouped so that the call can also say whose they are and in which campaign or list. The guard alone is not relied
//! on: an older server may ignore it.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::bulk::{BulkBody, LeadIds};
use super::identity;
use super::lead::owner;
use super::names::Names;
use super::paging::Page;
use super::people::Member;
use super::reading::Wanted;
use super::refusal::Right;
use super::scope::Scope;
use super::settings::Strategy;
use super::{Instantly, Place};
use crate::domain::{Agreement, Assignment, Change, LeadId, PersonId, safe_text};
use crate::vendor::fields::{id, text, timestamp};
use crate::vendor::http::{Answer, date};
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, Session, VendorError, WriteOutcome, WriteReport};

/// Under `auto`, so few leads of one kind are changed one by one even among many others: a job and its reading back
/// would take as many requests and tell less.
const NOT_WORTH_A_JOB: usize = 3;

/// Types of background jobs that are documented. None of them is an assignment, so ours would be of another.
const KNOWN_JOBS: [&str; 9] = [
    "move-leads",
    "import-leads",
    "export-leads",
    "update-warmup-accounts",
    "rename-variable",
    "broadcast-ai-generate",
    "broadcast-website-scrape",
    "import-subscribers-from-crm",
    "resync-subscriber-crm-tags",
];

/// Who is to have a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum NewOwner<'a> {
    User(&'a PersonId),
    Nobody,
}

impl<'a> NewOwner<'a> {
    fn of(after: &'a Assignment) -> Result<Self, String> {
        match after {
            Assignment::Unassigned(_) => Ok(Self::Nobody),
            Assignment::Owner(owner) => match &owner.id {
                Some(id) if !id.as_str().trim().is_empty() => Ok(Self::User(id)),
                _ => Err(format!("not sent: the id of the owner {} is not known", owner.label())),
            },
            _ => Err("not sent: it is not clear who is to be the owner".to_owned()),
        }
    }

    fn id(self) -> Option<&'a str> {
        match self {
            Self::User(id) => Some(id.as_str()),
            Self::Nobody => None,
        }
    }
}

/// The whole body of a PATCH; `null` means nobody.
#[derive(Serialize)]
struct PatchBody<'a> {
    assigned_to: Option<&'a str>,
}

/// A lead to be changed.
#[derive(Clone, Debug)]
struct Item<'a> {
    change: &'a Change,
    to: NewOwner<'a>,
    /// The changes of the batch that say so; a lead may be there twice.
    places: Vec<usize>,
}

impl Item<'_> {
    fn lead(&self) -> LeadId {
        LeadId::from(self.change.target.clone())
    }
}

/// What the leads of one bulk call have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Group<'a> {
    to: &'a str,
    /// Whose they are now, where the call can say so.
    guard: Option<&'a str>,
    scope: Option<Scope>,
}

/// The report in the making.
struct Outcomes {
    each: Vec<Option<WriteOutcome>>,
    halt: Option<VendorError>,
    trouble: Option<ErrorKind>,
    /// A request went well: the server is there.
    clean: bool,
}

impl Outcomes {
    fn take(&mut self, places: &[usize], verdict: Verdict) {
        for place in places {
            self.each[*place] = Some(verdict.outcome.clone());
        }
        self.clean |= verdict.trouble.is_none();
        self.trouble = self.trouble.or(verdict.trouble);
        if self.halt.is_none() {
            self.halt = verdict.halt;
        }
    }

    /// Nothing was asked of the server for these.
    fn settle(&mut self, places: &[usize], outcome: WriteOutcome) {
        for place in places {
            self.each[*place] = Some(outcome.clone());
        }
    }

    fn held_back(&mut self, places: &[usize], halt: &VendorError) {
        self.settle(places, WriteOutcome::NotApplied { why: halt.message.clone(), retry_after: None });
    }
}

impl Instantly {
    pub(super) async fn write_all(&self, batch: &[Change], session: &Session) -> WriteReport {
        let mut outcomes =
            Outcomes { each: vec![None; batch.len()], halt: None, trouble: None, clean: batch.is_empty() };
        let items = items(batch, &mut outcomes);
        let mut requests = 0;
        // What is taken back is what leads were seen with, of whichever kind: only the server can say that it is wrong.
        let checked = if session.undo { Ok(()) } else { self.check_owners(&items) };
        match self.place_of(session).and_then(|place| checked.map(|()| place.metered())) {
            Ok(place) => {
                self.write_items(items, &place, session.hot, &mut outcomes).await;
                requests = place.meter.as_ref().map_or(0, |meter| meter.load(Ordering::Relaxed));
            }
            Err(error) => {
                items.iter().for_each(|item| outcomes.held_back(&item.places, &error));
                outcomes.halt = Some(error);
            }
        }
        let missed = || WriteOutcome::NotApplied { why: "not sent".to_owned(), retry_after: None };
        WriteReport {
            outcomes: outcomes.each.into_iter().map(|outcome| outcome.unwrap_or_else(missed)).collect(),
            halt: outcomes.halt,
            trouble: outcomes.trouble.filter(|_| !outcomes.clean),
            requests,
        }
    }

    /// Refuses owners whose id is of the wrong kind, as far as the owners of leads tell.
    fn check_owners(&self, items: &[Item<'_>]) -> Result<(), VendorError> {
        let learned = self.learned();
        let Some(members) = &learned.members else { return Ok(()) };
        let mut owners: Vec<&PersonId> = items
            .iter()
            .filter_map(|item| match item.to {
                NewOwner::User(id) => Some(id),
                NewOwner::Nobody => None,
            })
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
            .into_iter()
            .try_for_each(|owner| identity::check(owner, members, &learned.owners, self.settings.owner_id_field))
    }

    async fn write_items(&self, items: Vec<Item<'_>>, place: &Place, hot: bool, outcomes: &mut Outcomes) {
        let is_few = match self.settings.strategy {
            Strategy::Patch => true,
            Strategy::Bulk => false,
            Strategy::Auto { .. } => items.len() <= NOT_WORTH_A_JOB,
        };
        let (many, mut singles): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| !is_few && may_go_in_bulk(item));
        if !many.is_empty() {
            let groups = self.groups(many, place, hot, &mut singles, outcomes).await;
            for (group, items) in &groups {
                for chunk in items.chunks(self.settings.bulk_chunk.max(1)) {
                    let places: Vec<usize> = chunk.iter().flat_map(|item| item.places.iter().copied()).collect();
                    match outcomes.halt.clone() {
                        // Nothing more may leave; these were never sent.
                        Some(halt) => outcomes.held_back(&places, &halt),
                        None => {
                            let verdict = self.assign_many(group, chunk, place, hot).await;
                            outcomes.take(&places, verdict);
                        }
                    }
                }
            }
        }
        self.assign_each(singles, place, hot, outcomes).await;
    }

    /// Reads whose the leads are now, and puts those together that still are as planned. What drifted or is gone gets
    /// its outcome; what a bulk call cannot name safely goes to `singles`.
    async fn groups<'a>(
        &self,
        many: Vec<Item<'a>>,
        place: &Place,
        hot: bool,
        singles: &mut Vec<Item<'a>>,
        outcomes: &mut Outcomes,
    ) -> Vec<(Group<'a>, Vec<Item<'a>>)> {
        let wanted = many.iter().map(|item| Wanted {
            id: item.lead(),
            scope: Scope::read(&item.change.scope),
            expected: Some(&item.change.before),
        });
        let found = self.look(wanted.collect(), place, hot).await;
        let mut groups: Vec<(Group<'a>, Vec<Item<'a>>)> = Vec::new();
        let mut known: HashMap<Group<'a>, usize> = HashMap::new();
        for item in many {
            let present = match found.get(&item.lead()) {
                Some(Ok(present)) => present,
                Some(Err(error)) if error.kind == ErrorKind::NotFound => {
                    outcomes.settle(&item.places, WriteOutcome::Failed(format!("not sent: {}", error.message)));
                    continue;
                }
                Some(Err(error)) => {
                    let mut error = error.clone();
                    error.message = format!("its owner could not be read before it was sent: {}", error.message);
                    outcomes.take(&item.places, Verdict::not_sent(error));
                    continue;
                }
                None => continue,
            };
            if item.change.before.agrees_with(&present.owner) != Agreement::Same {
                outcomes.settle(&item.places, WriteOutcome::Drifted { now: present.owner.clone() });
                continue;
            }
            let scope = present.scope.clone().filter(|_| self.settings.scoped);
            let NewOwner::User(to) = item.to else { continue };
            if self.settings.scoped && scope.is_none() {
                singles.push(item);
                continue;
            }
            let owner = item.change.before.owner().and_then(|owner| owner.id.as_ref());
            let guard = owner.map(PersonId::as_str).filter(|_| self.settings.guard);
            let group = Group { to: to.as_str(), guard, scope };
            let at = *known.entry(group.clone()).or_insert_with(|| {
                groups.push((group, Vec::new()));
                groups.len() - 1
            });
            groups[at].1.push(item);
        }
        if matches!(self.settings.strategy, Strategy::Auto { .. }) {
            let (small, large): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|(_, items)| items.len() <= NOT_WORTH_A_JOB);
            singles.extend(small.into_iter().flat_map(|(_, items)| items));
            groups = large;
        }
        groups
    }

    /// One bulk call. What it says, it says about all of its leads.
    async fn assign_many(&self, group: &Group<'_>, chunk: &[Item<'_>], place: &Place, hot: bool) -> Verdict {
        let leads: Vec<LeadId> = chunk.iter().map(Item::lead).collect();
        let Some(ids) = LeadIds::new(leads.iter().map(LeadId::as_str).collect()) else {
            return Verdict::of(WriteOutcome::Failed("not sent: the leads have no ids".to_owned()));
        };
        let body = BulkBody::new(group.to, ids, group.scope.as_ref())
            .guarded_by(group.guard)
            .counted(self.settings.count_as_limit);
        if !body.is_bounded() {
            return Verdict::of(WriteOutcome::Failed("not sent: the call would name no leads".to_owned()));
        }
        let call = self.call(Method::POST, &["leads", "bulk-assign"], place).and_then(|call| call.json(&body));
        let call = match call {
            Ok(call) => call.hot(hot),
            Err(error) => return Verdict::of(WriteOutcome::Failed(error.message)),
        };
        let began = Timestamp::now();
        match Verdict::of_sent(self.http.write(&call).await) {
            Ok(answer) if answer.is_success() => {
                let mut why = match answer.status.as_u16() {
                    202 => "Instantly accepted it for a background job".to_owned(),
                    status => format!("Instantly answered {status} instead of accepting it (202)"),
                };
                if self.settings.job_hint {
                    why.push_str(&self.job_hint(&answer, began, place, hot).await.unwrap_or_default());
                }
                Verdict::of(queued(&why))
            }
            Ok(answer) => self.bulk_refused(&answer, group, chunk.len()).await,
            Err(verdict) => maybe_queued(verdict),
        }
    }

    /// Reads an answer to a bulk call that is no success.
    async fn bulk_refused(&self, answer: &Answer, group: &Group<'_>, leads: usize) -> Verdict {
        let mut error = self.refusal(answer, Right::UpdateLeads);
        let status = answer.status.as_u16();
        if status != 400 {
            return maybe_queued(Verdict::refused(status, error, leads));
        }
        let words = answer.words().as_str().to_lowercase();
        let profile = &self.profile;
        let remedy = if words.contains("organization_user_ids") {
            let name = safe_text::visible(group.to);
            if self.has_left(group.to).await {
                // About these leads only: the setting is right, and others can have their owners.
                error.message = format!("{}: {name} is no member of the workspace any more", error.message);
                error.kind = ErrorKind::Refused;
                return Verdict::refused(status, error, leads);
            }
            error.message =
                format!("{}: {name} is the wrong kind of member id, or no member's any more", error.message);
            Some(format!(
                "Set owner_id_field of profile {profile} to the other of \"user_id\" and \"id\" (doctor compares them), \
                 or strategy = \"patch\" to do without the bulk call."
            ))
        } else if group.guard.is_some() && (words.contains("assigned_to") || words.contains("additional propert")) {
            Some(format!(
                "This server does not know the guard of the bulk call: set guard_current_owner = false in profile \
                 {profile}; owners are read before each call all the same."
            ))
        } else if group.scope.is_none() && (words.contains("campaign") || words.contains("list_id")) {
            Some(format!(
                "This server wants a campaign or list with the ids of a bulk call: set bulk_scope = \"scoped\" in profile \
                 {profile}."
            ))
        } else {
            None
        };
        let Some(remedy) = remedy else { return Verdict::refused(status, error, leads) };
        error.kind = ErrorKind::Setting;
        Verdict::refused(status, error.with_remedy(remedy), leads)
    }

    /// Whether an id is no member's now. Members may have been read long ago, so they are read again before it is said
    /// that somebody still is one.
    async fn has_left(&self, id: &str) -> bool {
        let is_gone = self.known_members().await.is_ok() && !self.is_member(id);
        is_gone || (self.members_now().await.is_ok() && !self.is_member(id))
    }

    /// What may be the job of a bulk call that was just accepted, in words. It decides nothing.
    async fn job_hint(&self, accepted: &Answer, began: Timestamp, place: &Place, hot: bool) -> Option<String> {
        // Compared with the server's own clock, as far as it tells.
        let since = date(&accepted.headers).unwrap_or(began).checked_sub(SignedDuration::from_secs(5)).ok()?;
        let call = self.call(Method::GET, &["background-jobs"], place).ok()?;
        let call = call.query("limit", 20).query("sort_column", "created_at").query("sort_order", "desc").hot(hot);
        let answer = self.accepted(self.http.read_any(&call).await.ok()?, Right::ReadJobs).ok()?;
        let jobs = Page::of(&answer).ok()?.items;
        let is_ours = |job: &&Value| {
            let kind = job.get("type").and_then(Value::as_str).unwrap_or_default();
            let created = job.get("created_at").and_then(timestamp);
            !KNOWN_JOBS.contains(&kind) && created.is_some_and(|created| created >= since)
        };
        let job = jobs.iter().find(is_ours)?;
        let word = |key: &str| job.get(key).and_then(text).unwrap_or_default();
        Some(format!(", perhaps {} ({}, {}, {} %)", word("id"), word("type"), word("status"), word("progress")))
    }

    /// Changes leads one by one, several at a time. After a refusal that all others would meet as well, the rest is not
    /// sent.
    async fn assign_each(&self, singles: Vec<Item<'_>>, place: &Place, hot: bool, outcomes: &mut Outcomes) {
        let halted: OnceLock<VendorError> = OnceLock::new();
        if let Some(halt) = outcomes.halt.clone() {
            let _ = halted.set(halt);
        }
        let halted = &halted;
        let mut writes = Vec::with_capacity(singles.len());
        for item in &singles {
            writes.push(async move {
                if let Some(halt) = halted.get() {
                    return (item, Err(halt.clone()));
                }
                let verdict = self.assign_one(item, place, hot).await;
                if let Some(halt) = &verdict.halt {
                    // The first one is told.
                    let _ = halted.set(halt.clone());
                }
                (item, Ok(verdict))
            });
        }
        let mut writes = futures_util::stream::iter(writes).buffer_unordered(self.settings.parallel);
        while let Some((item, verdict)) = writes.next().await {
            match verdict {
                Ok(verdict) => outcomes.take(&item.places, verdict),
                Err(halt) => outcomes.held_back(&item.places, &halt),
            }
        }
    }

    async fn assign_one(&self, item: &Item<'_>, place: &Place, hot: bool) -> Verdict {
        let lead = item.lead();
        let call = self
            .call(Method::PATCH, &["leads", lead.as_str()], place)
            .and_then(|call| call.json(&PatchBody { assigned_to: item.to.id() }));
        let call = match call {
            Ok(call) => call.hot(hot),
            Err(error) => return Verdict::of(WriteOutcome::Failed(format!("not sent: {}", error.message))),
        };
        let answer = match Verdict::of_sent(self.http.write(&call).await) {
            Ok(answer) if answer.is_success() => return self.patched(&answer, &lead, item),
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        let mut error = self.refusal(&answer, Right::UpdateLeads);
        if item.to == NewOwner::Nobody && error.kind == ErrorKind::Refused {
            error.message = format!("{NO_UNASSIGN}: {}", error.message);
        }
        Verdict::refused(answer.status.as_u16(), error, 1)
    }

    /// Reads the lead that a PATCH answers with: it proves what was done.
    fn patched(&self, answer: &Answer, lead: &LeadId, item: &Item<'_>) -> Verdict {
        if answer.status.as_u16() == 202 {
            return Verdict::of(WriteOutcome::Late("Instantly only accepted the change for later (202)".to_owned()));
        }
        let body = match answer.json() {
            Ok(Value::Object(body)) => Value::Object(body),
            Ok(_) => return garbled(answer.garbled("it is not a lead")),
            Err(error) => return garbled(error),
        };
        match id(body.get("id")) {
            Some(found) if found.as_str() == lead.as_str() => {}
            Some(found) => {
                let found = safe_text::visible(&found);
                let error = answer.garbled(format!("it is about the lead {found}, not {lead}"));
                return garbled(error.clone()).halting(error);
            }
            None => return garbled(answer.garbled("the changed lead has no id")),
        }
        let now = owner(body.get("assigned_to"), &Names::default());
        if item.change.after.is_same(&now) {
            return Verdict::of(WriteOutcome::Done);
        }
        let label = now.label();
        if item.to == NewOwner::Nobody {
            return Verdict::unknown(format!(
                "{NO_UNASSIGN}: Instantly answered that the lead still belongs to {label}"
            ));
        }
        let why = format!("Instantly answered that the lead belongs to {label}");
        let is_told = body.get("assigned_to").is_some();
        let ignored = is_told && item.change.before.is_same(&now) && item.to.id().is_some_and(|id| self.is_member(id));
        let verdict = Verdict::unknown(why.clone());
        if !ignored {
            return verdict;
        }
        // It would do the same with every other lead.
        let error = VendorError::new(ErrorKind::Setting, format!("{why}, as before: the change was ignored"));
        verdict.halting(error.with_remedy(format!(
            "Look at that lead. Where members' ids are of the wrong kind, set owner_id_field of profile {} (doctor \
             compares them).",
            self.profile
        )))
    }

    /// Whether an id, of either kind, is a member's, as far as members were read.
    fn is_member(&self, id: &str) -> bool {
        let members = self.learned().members.clone();
        let has = |member: &Member| member.user.as_deref() == Some(id) || member.membership.as_deref() == Some(id);
        members.is_some_and(|members| members.iter().any(has))
    }
}

const NO_UNASSIGN: &str = "unassign not supported by this workspace";

/// The leads of a batch, each once. What cannot be written at all gets its outcome.
fn items<'a>(batch: &'a [Change], outcomes: &mut Outcomes) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::with_capacity(batch.len());
    let mut known: HashMap<(&str, NewOwner<'_>), usize> = HashMap::new();
    for (place, change) in batch.iter().enumerate() {
        let to = match NewOwner::of(&change.after) {
            Ok(to) if !change.target.as_str().trim().is_empty() => to,
            Ok(_) => {
                outcomes.settle(&[place], WriteOutcome::Failed("not sent: the lead has an empty id".to_owned()));
                continue;
            }
            Err(why) => {
                outcomes.settle(&[place], WriteOutcome::Failed(why));
                continue;
            }
        };
        let at = *known.entry((change.target.as_str(), to)).or_insert_with(|| {
            items.push(Item { change, to, places: Vec::new() });
            items.len() - 1
        });
        items[at].places.push(place);
    }
    items
}

/// A bulk call only knows users, and only leads whose present owner is known can be held against it.
fn may_go_in_bulk(item: &Item<'_>) -> bool {
    let before_is_known = match &item.change.before {
        Assignment::Unassigned(_) => true,
        Assignment::Owner(owner) => owner.id.is_some(),
        _ => false,
    };
    before_is_known && item.to != NewOwner::Nobody
}

fn garbled(error: VendorError) -> Verdict {
    Verdict::unknown(error.message).troubled(error.kind)
}

/// The reason is one clause: what reading back finds is put behind it.
fn queued(why: &str) -> WriteOutcome {
    WriteOutcome::Queued(why.replace("; ", ", "))
}

/// After an answer that was lost or an error of the server's a job may have begun all the same.
fn maybe_queued(verdict: Verdict) -> Verdict {
    let outcome = match &verdict.outcome {
        WriteOutcome::Unknown(why) | WriteOutcome::Late(why) if verdict.halt.is_none() => {
            queued(&format!("{why}, so a background job may have begun"))
        }
        other => other.clone(),
    };
    Verdict { outcome, ..verdict }
}
