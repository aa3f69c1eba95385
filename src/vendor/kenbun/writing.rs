//! Assignments: one lead by its own call, several with one owner by the bulk call.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::header::AUTHORIZATION;
use serde_json::Value;

use super::Kenbun;
use super::listing::whole;
use super::owner::{BulkBody, NewOwner};
use super::settings::Verify;
use super::unit::{Purpose, may_be_elsewhere, refusal};
use crate::domain::Change;
use crate::vendor::http::{Answer, Call, Sent};
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, Observation, Session, Target, Vendor, VendorError, WriteOutcome, WriteReport};

/// Changes that go into one request: one owner, each lead once.
struct Chunk<'a> {
    owner: NewOwner,
    leads: Vec<&'a str>,
    /// For each lead the changes that name it; the same lead may be there twice.
    places: Vec<Vec<usize>>,
}

impl Kenbun {
    pub(super) async fn write_all(&self, batch: &[Change], session: &Session) -> WriteReport {
        let meter: Arc<AtomicUsize> = Arc::default();
        let mut outcomes: Vec<Option<WriteOutcome>> = vec![None; batch.len()];
        let (mut halt, mut trouble) = (None::<VendorError>, None);
        for mut chunk in self.chunks(batch, &mut outcomes) {
            let outcome = match &halt {
                // Nothing more may leave; these were never sent.
                Some(halt) => WriteOutcome::NotApplied { why: halt.message.clone(), retry_after: None },
                None => {
                    let mut verdict = self.write_chunk(&chunk, session, &meter).await;
                    if is_about_some(&verdict, &chunk)
                        && self.take_out_the_gone(&mut chunk, session, &mut outcomes).await
                    {
                        // Nothing was changed, so the others may be sent.
                        verdict = self.write_chunk(&chunk, session, &meter).await;
                    }
                    trouble = verdict.trouble.or(trouble);
                    halt = verdict.halt;
                    verdict.outcome
                }
            };
            for place in chunk.places.into_iter().flatten() {
                outcomes[place] = Some(outcome.clone());
            }
        }
        let missed = || WriteOutcome::NotApplied { why: "not sent".to_owned(), retry_after: None };
        WriteReport {
            outcomes: outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missed)).collect(),
            halt,
            trouble,
            requests: meter.load(Ordering::Relaxed),
        }
    }

    /// Reads the leads of a bulk change that was refused because some may not be there. These get their outcome and are
    /// taken out of it. True when others are left: where all seem gone, the refusal was about something else.
    async fn take_out_the_gone(
        &self,
        chunk: &mut Chunk<'_>,
        session: &Session,
        outcomes: &mut [Option<WriteOutcome>],
    ) -> bool {
        let targets: Vec<Target> = chunk.leads.iter().map(Target::by_id).collect();
        let read = self.observe(&targets, session).await;
        let is_gone = |read: &Observation| matches!(&read.now, Err(error) if error.kind == ErrorKind::NotFound);
        let gone = read.iter().filter(|read| is_gone(read)).count();
        if gone == 0 || gone == read.len() {
            return false;
        }
        let (leads, places) = (std::mem::take(&mut chunk.leads), std::mem::take(&mut chunk.places));
        for ((lead, places), read) in leads.into_iter().zip(places).zip(read) {
            match read.now {
                Err(error) if error.kind == ErrorKind::NotFound => {
                    for place in places {
                        outcomes[place] = Some(WriteOutcome::Failed(error.message.clone()));
                    }
                }
                _ => {
                    chunk.leads.push(lead);
                    chunk.places.push(places);
                }
            }
        }
        true
    }

    /// Puts changes of one owner together. What cannot be written at all gets its outcome at once.
    fn chunks<'a>(&self, batch: &'a [Change], outcomes: &mut [Option<WriteOutcome>]) -> Vec<Chunk<'a>> {
        let mut chunks: Vec<Chunk<'a>> = Vec::new();
        let mut known: HashMap<&str, (usize, usize)> = HashMap::new();
        for (place, change) in batch.iter().enumerate() {
            let lead = change.target.as_str();
            let owner = match NewOwner::of(&change.after) {
                Ok(owner) if !lead.is_empty() => owner,
                Ok(_) => {
                    outcomes[place] = Some(WriteOutcome::Failed("not sent: the lead has an empty id".to_owned()));
                    continue;
                }
                Err(why) => {
                    outcomes[place] = Some(WriteOutcome::Failed(why));
                    continue;
                }
            };
            if let Some((chunk, position)) = known.get(lead).copied()
                && chunks[chunk].owner == owner
            {
                chunks[chunk].places[position].push(place);
                continue;
            }
            let open = chunks.iter().rposition(|chunk| chunk.owner == owner);
            let chunk = match open.filter(|at| chunks[*at].leads.len() < self.settings.bulk_size) {
                Some(at) => at,
                None => {
                    chunks.push(Chunk { owner, leads: Vec::new(), places: Vec::new() });
                    chunks.len() - 1
                }
            };
            known.insert(lead, (chunk, chunks[chunk].leads.len()));
            chunks[chunk].leads.push(lead);
            chunks[chunk].places.push(vec![place]);
        }
        chunks
    }

    async fn write_chunk(&self, chunk: &Chunk<'_>, session: &Session, meter: &Arc<AtomicUsize>) -> Verdict {
        // An id that no address can hold can still be written by the bulk call.
        let single = match chunk.leads.as_slice() {
            [lead] => Call::post(&["leads", lead, "owner"]).ok(),
            _ => None,
        };
        let purpose = match (&single, session.undo) {
            (None, _) => Purpose::Bulk,
            (Some(_), true) => Purpose::Undo,
            (Some(_), false) => Purpose::Single,
        };
        let unit = self.unit_of(session);
        let began = Instant::now();
        let inside = match self.enter(unit.as_deref(), purpose, session.hot, meter).await {
            Ok(inside) => inside,
            Err(error) => return Verdict::not_sent(error),
        };
        let is_single = single.is_some();
        let call = match single {
            Some(call) => call.json(&chunk.owner),
            None => Call::post(&["leads", "bulk-assign-owner"])
                .and_then(|call| call.json(&BulkBody { lead_ids: &chunk.leads, owner: &chunk.owner })),
        };
        let call = match call {
            // The unit was set for this request, so nothing of ours should come between.
            Ok(call) => call
                .header(AUTHORIZATION, self.settings.authorization.clone())
                .hot(session.hot || inside.as_ref().is_some_and(|inside| inside.just_now))
                .counted_by(meter),
            Err(error) => return Verdict::of(WriteOutcome::Failed(error.message)),
        };
        let mut sent = self.http.write(&call).await;
        let certain = inside.is_none_or(|inside| inside.just_now);
        let mut tries = 0;
        // Refused, so without effect; perhaps only because somebody chose another unit after us.
        while !certain && matches!(&sent, Sent::Answer(answer) if may_be_elsewhere(answer)) {
            let Some(again) = self.units.again(tries, began) else { break };
            tries += 1;
            match self.enter(unit.as_deref(), again, session.hot, meter).await {
                Ok(_inside) => sent = self.http.write(&call).await,
                Err(error) => return Verdict::not_sent(error),
            }
            if matches!(&sent, Sent::Answer(answer) if answer.is_success()) {
                self.units.note_contest();
            }
        }
        match Verdict::of_sent(sent) {
            Ok(answer) if answer.is_success() => self.applied(&answer, chunk, is_single),
            Ok(answer) => Verdict::refused(answer.status.as_u16(), refusal(&answer), chunk.leads.len()),
            Err(verdict) => verdict,
        }
    }

    /// Reads an answer that says it went well: only one that says so in the contract's words proves it.
    fn applied(&self, answer: &Answer, chunk: &Chunk<'_>, is_single: bool) -> Verdict {
        if answer.status.as_u16() == 202 {
            return Verdict::of(WriteOutcome::Late("kenbun only accepted the change for later (202)".to_owned()));
        }
        let body = match answer.json() {
            Ok(Value::Object(body)) => body,
            Ok(_) => {
                return Verdict::unknown(answer.garbled("it is not an object").message).troubled(ErrorKind::Garbled);
            }
            Err(error) => return Verdict::unknown(error.message).troubled(error.kind),
        };
        let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let (status, message) = (word("status"), word("message"));
        // An assignment that is taken for "nobody" (or the other way round) is the worst that can happen here: one lead
        // may be enough.
        let contrary =
            if chunk.owner.is_nobody() { message == "owner assigned" } else { message == "owner unassigned" };
        if contrary {
            let error = answer.garbled(format!("it says “{message}”, which is the opposite of what was sent"));
            return Verdict::unknown(error.message.clone()).troubled(error.kind).halting(error);
        }
        let leads = chunk.leads.len();
        let affected = body.get("affected").map(whole);
        let is_ok = status == "ok" || (status.is_empty() && affected.is_some());
        let trouble = match affected {
            _ if !is_ok => Some(format!("kenbun did not say that the change was made{}", said(answer))),
            Some(Some(count)) if count == leads => None,
            Some(Some(count)) if count < leads => Some(format!("kenbun counted {count} of {leads} leads as changed")),
            Some(Some(count)) => Some(format!("kenbun counted {count} leads as changed, though {leads} were sent")),
            Some(None) => Some("kenbun gave a count that is none".to_owned()),
            // The single call has no count.
            None if is_single => None,
            None => Some(format!("kenbun did not say how many of {leads} leads it changed")),
        };
        match trouble {
            Some(why) => Verdict::unknown(why),
            None if self.settings.verify == Verify::Always => {
                Verdict::unknown("kenbun says it is done; verify = \"always\" wants it read back".to_owned())
            }
            None => Verdict::of(WriteOutcome::Done),
        }
    }
}

/// A bulk change was refused as a whole (404), perhaps because of a few leads that were deleted or are elsewhere.
fn is_about_some(verdict: &Verdict, chunk: &Chunk<'_>) -> bool {
    chunk.leads.len() > 1
        && verdict.trouble == Some(ErrorKind::NotFound)
        && matches!(verdict.outcome, WriteOutcome::Failed(_))
}

fn said(answer: &Answer) -> String {
    let words = answer.words();
    if words.is_empty() { String::new() } else { format!(": {words}") }
}
