//! Changes of owners: what is sent, and what the answer proves. A success proves only that the lead was changed; whose it
//! is then, only the owner filter tells ([`confirm`](super::confirm)).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use compact_str::CompactString;
use http::Method;
use serde_json::{Map, Value};

use super::Capillary;
use super::careful::fields_of;
use super::envelope::{CUSTOMER_BUSY, Reply, SEARCH_BUSY, TOO_MANY};
use super::lead::extended_fields;
use super::settings::{OwnerIn, UnassignMode};
use super::staff::Directory;
use super::walk::Row;
use crate::domain::{Assignment, Change, LeadId, SafeText};
use crate::vendor::asking::Asking;
use crate::vendor::http::Call;
use crate::vendor::report::{Report, not_after};
use crate::vendor::stops::Begun;
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, VendorError, WriteOutcome, WriteReport};

/// So many failures in a row are no accident.
const MOST_FAILED: usize = 5;

/// The pause before a change is sent again that met another action for the same customer.
const CUSTOMER_PAUSE: Duration = Duration::from_secs(2);

/// Customers whose turns are remembered before those nobody holds are thrown out.
const MOST_TURNS: usize = 1_000;

/// One change with what is written for it.
pub struct Item<'a> {
    pub change: &'a Change,
    pub lead: LeadId,
    pub customer: CompactString,
    pub directory: Arc<Directory>,
    pub goal: Goal,
    pub begun: Begun,
}

/// What a change is to bring about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// What is sent; `None` is null.
    pub owner: Option<String>,
    /// In whose list the lead is then. `None` where nobody's list tells.
    pub filter_id: Option<String>,
    /// It is then in nobody's list.
    pub is_nobody: bool,
    /// For sentences.
    pub who: SafeText,
}

/// One customer's leads are changed one after the other.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<CompactString, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    async fn of(&self, customer: &CompactString) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() >= MOST_TURNS {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            turns.get(customer).and_then(Weak::upgrade).unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(customer.clone(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

impl Capillary {
    pub(super) async fn write_all(&self, batch: &[Change], hot: bool) -> WriteReport {
        let asking = Asking { hot, ..Asking::default() };
        let mut report = Report::new(batch.len());
        for (place, change) in batch.iter().enumerate() {
            let verdict = match report.halt() {
                Some(halt) => not_after(halt),
                None => self.count(self.write_one(change, &asking).await),
            };
            if let Some(halt) = &verdict.halt {
                self.stops.note(halt);
            }
            report.settle(place, verdict);
        }
        report.finish(asking.requests())
    }

    /// Ends the sending after too many failures in a row.
    fn count(&self, verdict: Verdict) -> Verdict {
        match (&verdict.outcome, verdict.trouble) {
            (WriteOutcome::Done | WriteOutcome::DoneWith(_), _) => self.failed.store(0, Ordering::Relaxed),
            // What was not even sent says nothing about the server.
            (WriteOutcome::Failed(_) | WriteOutcome::Late(_) | WriteOutcome::Unknown(_), Some(_)) => {
                let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
                if failed >= MOST_FAILED && verdict.halt.is_none() {
                    self.failed.store(0, Ordering::Relaxed);
                    let message = format!(
                        "Capillary (profile {}) let {failed} changes in a row fail, so nothing more was sent",
                        self.profile
                    );
                    let remedy = "Look at the reasons; doctor tries the settings out. Then resume.";
                    return verdict.halting(VendorError::new(ErrorKind::Refused, message).with_remedy(remedy));
                }
            }
            _ => {}
        }
        verdict
    }

    async fn write_one(&self, change: &Change, asking: &Asking) -> Verdict {
        let begun = self.stops.begin();
        let lead = LeadId::from(change.target.clone());
        if lead.is_empty() {
            return Verdict::of(WriteOutcome::Failed("not sent: the lead has an empty id".to_owned()));
        }
        let (directory, goal) = match self.goal(&change.after, asking).await {
            Ok(goal) => goal,
            Err(verdict) => return *verdict,
        };
        let customer = match self.customer_of(&lead, &change.scope, asking).await {
            Ok(customer) => customer,
            Err(error) => return not_read(error),
        };
        let _turn = self.turns.of(&customer).await;
        let item = Item { change, lead, customer, directory, goal, begun };
        loop {
            // The first of all is compared whatever it has.
            let (known, mut row, mut fields) = (self.first.was_compared(), None, BTreeSet::new());
            if known {
                row = match self.row_to_echo(&item, asking).await {
                    Ok(row) => row,
                    Err(error) => return not_read(error),
                };
                fields = row.as_ref().map_or_else(|| self.fields_as_last_read(&item.lead), |row| fields_of(row));
            }
            let first = match self.first.enter(&fields).await {
                Ok(first) => first,
                Err(trap) => return not_after(&trap),
            };
            if let Some(stopped) = item.begun.stopped() {
                return not_after(&stopped);
            }
            match first {
                Some(first) => return self.write_carefully(&item, first, asking).await,
                None if known => return self.write_plainly(&item, row, asking).await,
                // The first was somebody else, and may not have had what this one has.
                None => {}
            }
        }
    }

    async fn write_plainly(&self, item: &Item<'_>, row: Option<Arc<Row>>, asking: &Asking) -> Verdict {
        match self.send(item, row.as_deref().and_then(extended_fields), asking).await {
            Ok(reply) => self.judge(item, &reply, asking).await,
            Err(verdict) => verdict,
        }
    }

    /// The lead as it was read right before, where its extended fields are to be sent along.
    async fn row_to_echo(&self, item: &Item<'_>, asking: &Asking) -> Result<Option<Arc<Row>>, VendorError> {
        if !self.settings.echo_extended_fields {
            return Ok(None);
        }
        match self.memory.row(&item.lead, self.settings.freshness) {
            Some(fresh) => Ok(Some(fresh.row)),
            None => self.read_row(&item.lead, &item.customer, asking).await.map(Some),
        }
    }

    /// What a lead had that is not read again before its change.
    fn fields_as_last_read(&self, lead: &LeadId) -> BTreeSet<&'static str> {
        self.memory.row(lead, Duration::MAX).map(|read| fields_of(&read.row)).unwrap_or_default()
    }

    /// What is to be written, or why nothing is sent.
    async fn goal(&self, after: &Assignment, asking: &Asking) -> Result<(Arc<Directory>, Goal), Box<Verdict>> {
        let refused = |why: String| Box::new(Verdict::of(WriteOutcome::Failed(format!("not sent: {why}"))));
        let unread = |error| Box::new(Verdict::not_sent(error));
        match after {
            Assignment::Owner(owner) => {
                let Some(id) = &owner.id else {
                    return Err(refused(format!("of {} only the name is known", owner.label())));
                };
                let directory = self.directory_with(id, asking).await.map_err(unread)?;
                let Some(staff) = directory.get(id) else {
                    return Err(refused(format!("{} ({id}) is not among the staff", owner.label())));
                };
                if staff.write_name.is_empty() {
                    let field = self.settings.write_field.word();
                    return Err(refused(format!(
                        "{} has no user name (owner_write_field = \"{field}\", or owner_file)",
                        owner.label()
                    )));
                }
                let goal = Goal {
                    owner: Some(staff.write_name.clone()),
                    filter_id: Some(staff.filter_id.clone()).filter(|id| !id.is_empty()),
                    is_nobody: false,
                    who: staff.person.label(),
                };
                Ok((directory, goal))
            }
            Assignment::Unassigned(_) => {
                let directory = self.directory(asking).await.map_err(unread)?;
                let nobody = |owner| Goal { owner, filter_id: None, is_nobody: true, who: SafeText::new("nobody") };
                let goal = match &self.settings.unassign {
                    UnassignMode::Unsupported => {
                        return Err(refused("no call leaves a lead with nobody (unassign_mode)".to_owned()));
                    }
                    UnassignMode::Empty => nobody(Some(String::new())),
                    UnassignMode::Null => nobody(None),
                    UnassignMode::Placeholder(name) => Goal {
                        owner: Some(name.clone()),
                        filter_id: self.filter_of(after, &directory).map(str::to_owned),
                        is_nobody: false,
                        who: SafeText::new(name),
                    },
                };
                Ok((directory, goal))
            }
            Assignment::Unknown | Assignment::Agents(_) => Err(refused("no owner was named".to_owned())),
        }
    }

    /// Sends a change once, or twice where the first time only an old token was refused. Returns the answer of a success,
    /// the verdict of everything else.
    pub(super) async fn send(
        &self,
        item: &Item<'_>,
        extended: Option<&Row>,
        asking: &Asking,
    ) -> Result<Reply, Verdict> {
        let call = self.call(item, extended).map_err(|error| {
            // An id that no address can hold.
            Verdict::of(WriteOutcome::Failed(format!("not sent: {}", error.message)))
        })?;
        let mut signed = self.sign(call.clone(), asking).await.map_err(Verdict::not_sent)?;
        self.memory.forget_row(&item.lead);
        let mut reply = Reply::of(Verdict::of_sent(self.http.write(&signed).await).map_err(late)?);
        if reply.is_not_signed_in() && self.may_sign_again(&signed).await {
            signed = self.sign(call, asking).await.map_err(Verdict::not_sent)?;
            reply = Reply::of(Verdict::of_sent(self.http.write(&signed).await).map_err(late)?);
        }
        // 201 stands for a failure, but where it names none, a reading decides.
        let is_taken = reply.answer.is_success() && reply.errors().is_empty();
        if is_taken {
            return Ok(reply);
        }
        let verdict = self.refused(&reply);
        // A 2xx with errors says that something of it failed, not that nothing was done: the lists of the owners know.
        let is_told = matches!(verdict.outcome, WriteOutcome::Failed(_)) && verdict.halt.is_none();
        if reply.answer.is_success() && is_told && self.is_shown(item, asking).await {
            return Ok(reply);
        }
        Err(verdict)
    }

    /// The request. One without an owner is never made: nobody knows what it would do.
    fn call(&self, item: &Item<'_>, extended: Option<&Row>) -> Result<Call, VendorError> {
        let method: Method = self.settings.assign_method.clone();
        let call = Call::new(method, &self.settings.assign_path.with(item.lead.as_str()))?;
        let owner = item.goal.owner.clone();
        let mut body = Map::new();
        let call = match self.settings.owner_in {
            OwnerIn::Body => {
                body.insert("owner".to_owned(), owner.map_or(Value::Null, Value::String));
                call
            }
            OwnerIn::Query => call.query("owner", owner.unwrap_or_default()),
        };
        if let Some(fields) = extended {
            body.insert("extendedFields".to_owned(), Value::Object(fields.clone()));
        }
        Ok(call.json(&body)?.unless_stopped(&item.begun))
    }

    /// Reads an answer that is no success.
    fn refused(&self, reply: &Reply) -> Verdict {
        let status = reply.answer.status.as_u16();
        let codes = reply.codes();
        let has = |code: i64| codes.contains(&code);
        let mut error = reply.error(&self.profile);
        if has(CUSTOMER_BUSY) || has(TOO_MANY) {
            let pause = reply.answer.retry_after.unwrap_or(CUSTOMER_PAUSE.min(self.busy_pause * 4));
            let outcome = WriteOutcome::NotApplied { why: error.message, retry_after: Some(pause) };
            return Verdict::of(outcome).troubled(ErrorKind::Wait);
        }
        if has(SEARCH_BUSY) {
            return Verdict::of(WriteOutcome::Late(error.message)).troubled(ErrorKind::Server);
        }
        match status {
            200..300 => {
                let kind = error.kind;
                // The status of the error, not that of the answer.
                let inner = match kind {
                    ErrorKind::Server => 500,
                    ErrorKind::SignIn => 401,
                    ErrorKind::Forbidden => 403,
                    _ => 400,
                };
                return late(Verdict::refused(inner, error, 1));
            }
            404 if self.path_works.load(Ordering::Relaxed) => {
                let kind = error.kind;
                return Verdict::of(WriteOutcome::Failed(error.message)).troubled(kind);
            }
            404 | 405 | 415 | 501 => {
                error.kind = ErrorKind::Setting;
                error.remedy =
                    "The lead was there a moment ago, so it is the call that is not: assign_method or assign_path \
                                may be another one at this deployment."
                        .to_owned();
            }
            _ => {}
        }
        late(Verdict::refused(status, error, 1))
    }
}

/// A change whose answer does not tell may take a while to show in the owner filter.
fn late(verdict: Verdict) -> Verdict {
    match verdict.outcome {
        WriteOutcome::Unknown(why) => Verdict { outcome: WriteOutcome::Late(why), ..verdict },
        _ => verdict,
    }
}

/// What has to be read before a change could not be read.
pub fn not_read(error: VendorError) -> Verdict {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::NotSupported => {
            Verdict::of(WriteOutcome::Failed(format!("not sent: {}", error.message)))
        }
        _ => Verdict::not_sent(error),
    }
}
