//! Changes of owners: what is sent, and what the answer proves.

use std::sync::atomic::Ordering;

use http::Method;
use serde_json::{Map, Value};

use super::StateSet;
use super::envelope;
use super::keys;
use super::owner::{Raw, Written};
use super::settings::{BulkMode, UpdateMode};
use super::users::Directory;
use super::walk::Asking;
use crate::domain::{Change, LeadId};
use crate::vendor::http::{Answer, Call};
use crate::vendor::report::{Report, not_after};
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, Session, VendorError, WriteOutcome, WriteReport};

/// So many changes in a row that are accepted without being applied are no accident.
const MOST_IGNORED: usize = 5;

/// One change with what is written for it.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Its place in the batch.
    pub place: usize,
    pub change: &'a Change,
    pub lead: LeadId,
    pub written: Written,
}

impl StateSet {
    pub(super) async fn write_all(&self, batch: &[Change], session: &Session) -> WriteReport {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let mut report = Report::new(batch.len());
        let mut items = Vec::with_capacity(batch.len());
        for (place, change) in batch.iter().enumerate() {
            match self.item(place, change, session, &asking).await {
                Ok(item) => items.push(item),
                Err(why) => report.settle(place, Verdict::of(WriteOutcome::Failed(why))),
            }
        }
        if self.settings.bulk_mode == BulkMode::None || batch.len() == 1 {
            for item in items {
                if let Some(halt) = report.halt() {
                    report.settle(item.place, not_after(halt));
                    continue;
                }
                report.settle(item.place, self.write_one(&item, &asking).await);
            }
        } else {
            self.write_in_bulk(items, &asking, &mut report).await;
        }
        report.finish(asking.requests())
    }

    /// What is to be written for a change, or why nothing is sent.
    async fn item<'a>(
        &self,
        place: usize,
        change: &'a Change,
        session: &Session,
        asking: &Asking,
    ) -> Result<Item<'a>, String> {
        let lead = LeadId::from(change.target.clone());
        if lead.is_empty() {
            return Err("not sent: the lead has an empty id".to_owned());
        }
        let directory = match change.after.owner().and_then(|owner| owner.id.as_ref()) {
            Some(id) => self.directory_with(id, asking).await,
            None => self.known_users(),
        };
        let settings = &self.settings;
        let written = Written::of(&change.after, &directory, settings.owner_value, settings.nobody, session.undo)?;
        Ok(Item { place, change, lead, written })
    }

    /// One lead by its own call.
    async fn write_one(&self, item: &Item<'_>, asking: &Asking) -> Verdict {
        let first = match self.first.enter(Way::Single).await {
            Ok(first) => first,
            Err(trap) => return not_after(&trap),
        };
        if first.is_some() || self.settings.update_mode == UpdateMode::Merge {
            return self.write_carefully(Way::Single, item, first, asking).await;
        }
        let body = Map::from_iter([(self.settings.owner_field.clone(), item.written.json())]);
        let answer = match self.send(Way::Single, &[item], &Value::Object(body), asking).await {
            Ok(answer) => answer,
            Err(verdict) => return verdict,
        };
        self.judge(item, &answer, asking).await
    }

    /// What a success proves: the lead in the answer tells, where it is there with an owner; otherwise a reading does.
    pub(super) async fn judge(&self, item: &Item<'_>, answer: &Answer, asking: &Asking) -> Verdict {
        let field = &self.settings.owner_field;
        let is_shown = |lead: &Map<String, Value>| {
            lead.get("id").is_none_or(|id| is_id(id, &item.lead)) && lead.contains_key(field)
        };
        let lead = answer.json().ok().and_then(|body| envelope::lead(body, field)).filter(is_shown);
        match lead {
            Some(lead) if item.written.is(&Raw::of(&lead, field)) => self.done(),
            // Nothing that proves it, or something that speaks against it: what counts is what is there.
            _ => self.read_back(item, answer, asking).await,
        }
    }

    /// Sends a request once. Returns the answer of a success, the verdict of everything else.
    pub(super) async fn send(
        &self,
        way: Way,
        items: &[&Item<'_>],
        body: &Value,
        asking: &Asking,
    ) -> Result<Answer, Verdict> {
        let (call, write) = self.call(way, items, body).map_err(|error| {
            // An id that no address can hold.
            Verdict::of(WriteOutcome::Failed(format!("not sent: {}", error.message)))
        })?;
        let key = self.settings.idempotency_key.then(|| self.keys.of(&write)).flatten();
        let call = match &key {
            Some(key) => call.header(keys::HEADER, key.clone()),
            None => call,
        };
        let sent = self.http.write(&self.signed(call, asking)).await;
        let verdict = match Verdict::of_sent(sent) {
            Ok(answer) if answer.is_success() => return Ok(answer),
            Ok(answer) => self.refused(way, &answer, items.len()),
            Err(verdict) => verdict,
        };
        if let (WriteOutcome::NotApplied { .. }, Some(key)) = (&verdict.outcome, key) {
            self.keys.keep(&write, key);
        }
        Err(verdict)
    }

    /// A request, and what tells it from other writes.
    fn call(&self, way: Way, items: &[&Item<'_>], body: &Value) -> Result<(Call, String), VendorError> {
        let call = match (way, items) {
            (Way::Single, [item, ..]) => {
                Call::new(self.settings.update_method.clone(), &["leads", item.lead.as_str()])?
            }
            (Way::Bulk, _) if self.settings.bulk_mode == BulkMode::SdkBulk => {
                Call::new(Method::PUT, &["leads", "bulk"])?
            }
            _ => Call::post(&["leads", "bulk-update"])?,
        };
        let mut write = format!("{way:?}");
        for item in items {
            // Ids may hold anything, so their lengths keep them apart.
            write.push_str(&format!(" {} {} {:?}", item.lead.as_str().len(), item.lead.as_str(), item.written));
        }
        Ok((call.json(body)?, write))
    }

    /// Reads an answer that is no success.
    fn refused(&self, way: Way, answer: &Answer, leads: usize) -> Verdict {
        let status = answer.status.as_u16();
        let mut error = answer.error();
        match (way, status) {
            (Way::Bulk, 404 | 405 | 501) => {
                error.kind = ErrorKind::Setting;
                error.message = format!("this StateSet deployment has no bulk call for leads: {}", error.message);
                error.remedy = "Set bulk_mode = \"none\" in the profile.".to_owned();
            }
            (Way::Single, 405 | 501) => {
                error.kind = ErrorKind::Setting;
                error.remedy = format!(
                    "Leads are not changed by {} here: set update_method to the other verb.",
                    self.settings.update_method
                );
            }
            // About this lead only; the others may be had.
            (Way::Single, 403) if has_code(answer, "RESOURCE_ACCESS_DENIED") => {
                return Verdict::of(WriteOutcome::Failed(error.message)).troubled(error.kind);
            }
            (_, 409) if has_code(answer, "IDEMPOTENCY_KEY_IN_USE") => {
                let why = "StateSet is still at work on an earlier try of this change".to_owned();
                return Verdict::of(WriteOutcome::Late(why)).troubled(error.kind);
            }
            _ => {}
        }
        Verdict::refused(status, error, leads)
    }

    pub(super) fn done(&self) -> Verdict {
        self.ignored.store(0, Ordering::Relaxed);
        Verdict::of(WriteOutcome::Done)
    }

    /// Reads a lead again after a success that proves nothing.
    async fn read_back(&self, item: &Item<'_>, answer: &Answer, asking: &Asking) -> Verdict {
        match self.read_lead(&item.lead, asking).await {
            Ok(lead) => {
                let raw = Raw::of(&lead, &self.settings.owner_field);
                let (directory, _) = self.users_for(raw.text(), asking).await;
                self.verdict_of(item, &raw, answer, &directory)
            }
            Err(error) => {
                let kind = error.kind;
                Verdict::unknown(format!("it could not be read back: {}", error.message)).troubled(kind)
            }
        }
    }

    /// What the owner that was found after a success says about the change.
    pub(super) fn verdict_of(&self, item: &Item<'_>, found: &Raw, answer: &Answer, directory: &Directory) -> Verdict {
        let Change { before, after, .. } = item.change;
        if item.written.is(found) {
            return self.done();
        }
        let expected = [before.clone(), after.clone()];
        let now = found.read_expecting(directory, self.settings.owner_value, &expected);
        let status = answer.status.as_u16();
        if !before.is_same(&now) {
            let why = format!("StateSet shows {} where {} was written", now.label(), shown(&item.written));
            return Verdict::unknown(why);
        }
        if status == 202 {
            return Verdict::of(WriteOutcome::Late("StateSet only accepted the change for later (202)".to_owned()));
        }
        let why = format!(
            "accepted but not applied: StateSet answered {status}{}, and the lead still has {}",
            said(answer),
            now.label()
        );
        let verdict = Verdict::of(WriteOutcome::Failed(why));
        let ignored = self.ignored.fetch_add(1, Ordering::Relaxed) + 1;
        if ignored < MOST_IGNORED {
            return verdict;
        }
        let message = format!(
            "StateSet (profile {}) accepted {ignored} changes in a row without applying them, so nothing more was sent",
            self.profile
        );
        let remedy = format!(
            "The server may ignore the field {}: check owner_field and update_method.",
            crate::domain::safe_text::visible(&self.settings.owner_field)
        );
        verdict.halting(VendorError::new(ErrorKind::Setting, message).with_remedy(remedy))
    }
}

/// By which call leads are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Single,
    Bulk,
}

fn is_id(value: &Value, id: &LeadId) -> bool {
    crate::vendor::fields::id(Some(value)).is_some_and(|found| found == id.as_str())
}

/// What was written, for people.
fn shown(written: &Written) -> String {
    match written {
        Written::Text(text) => format!("“{}”", crate::domain::safe_text::visible(text)),
        Written::Null | Written::Empty => "nobody".to_owned(),
    }
}

/// Whether an error has this code. Some of its shapes spell codes in capitals, others in small letters.
fn has_code(answer: &Answer, code: &str) -> bool {
    let body = answer.json().unwrap_or_default();
    let found = body.pointer("/error/code").or_else(|| body.get("code")).and_then(Value::as_str);
    found.is_some_and(|found| found.eq_ignore_ascii_case(code))
}

/// What a success that is none says, for the end of a sentence.
fn said(answer: &Answer) -> String {
    if answer.json().is_ok_and(|body| envelope::says_it_failed(&body)) {
        format!(" ({})", answer.words())
    } else {
        String::new()
    }
}
