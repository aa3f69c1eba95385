//! Changing mappings (contract, sections 6 and 7): one list at a time, the delta and nothing else, read back each time.
//!
//! The list was read right before; what is handed in as `before` is that reading. The answer to a change tells what was
//! asked for and not what is, so the verdict always comes from reading the list again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::calls::path;
use super::compare::{Compared, Delta, compare};
use super::key::Key;
use super::reading::{Reading, Until};
use super::settings::Endpoint;
use super::turns::First;
use super::wire::{Campaign, Users};
use super::{Asking, Exotel};
use crate::domain::{Assignment, Change, PersonId, safe_text};
use crate::vendor::http::{Answer, Call};
use crate::vendor::report::{Report, not_after};
use crate::vendor::stops::Begun;
use crate::vendor::verdict::Verdict;
use crate::vendor::{ErrorKind, Session, VendorError, WriteOutcome, WriteReport};

/// How often a later piece of a change is sent again that the rate limit refused; the first one goes back to the engine.
const BUSY_TRIES: u32 = 8;
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// One list's change, as it is sent.
struct Job<'a> {
    campaign: Campaign,
    key: Key,
    before: &'a BTreeSet<PersonId>,
    delta: Delta,
    /// Among all changes, and among those of its campaign.
    begun: [Begun; 2],
}

/// What came of one request.
enum Step {
    /// It took effect; what others did meanwhile.
    Done {
        now: BTreeSet<PersonId>,
        others: Delta,
    },
    Ended(Verdict),
}

impl Exotel {
    pub(super) async fn write_all(&self, batch: &[Change], session: &Session) -> WriteReport {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let mut report = Report::new(batch.len());
        for (place, change) in batch.iter().enumerate() {
            let verdict = match report.halt() {
                Some(halt) => not_after(halt),
                None => self.write_one(change, &asking).await,
            };
            if let Some(halt) = &verdict.halt {
                self.stops.note(halt);
            }
            report.settle(place, verdict);
        }
        report.finish(asking.requests())
    }

    async fn write_one(&self, change: &Change, asking: &Asking) -> Verdict {
        let begun = self.stops.begin();
        let job = match self.job(change, begun, asking).await {
            Ok(job) => job,
            Err(verdict) => return *verdict,
        };
        if job.delta.is_empty() {
            return Verdict::of(WriteOutcome::DoneWith("nothing to do".to_owned()));
        }
        let turn = match self.turns.enter(&job.key).await {
            Ok(turn) => turn,
            Err(error) => return not_after(&error),
        };
        if let Some(first) = self.turns.unread(&job.key)
            && let Err(error) = self.read_first(&first, asking).await
        {
            return if self.turns.replaces() { not_after(&error) } else { Verdict::not_sent(error) };
        }
        if let Some(stopped) = job.begun[0].stopped() {
            return not_after(&stopped);
        }
        if let Some(closed) = job.begun[1].stopped() {
            return Verdict::of(WriteOutcome::Failed(format!("not sent: {}", closed.message)))
                .troubled(ErrorKind::Refused);
        }
        let mut now = job.before.clone();
        if turn.waited {
            now = match self.read_checked(&job.key, asking).await {
                Ok(reading) => reading.assigned,
                Err(error) => return Verdict::not_sent(error),
            };
            if !job.delta.is_effective_in(&now) {
                return Verdict::of(WriteOutcome::Drifted { now: Assignment::Agents(now) });
            }
        }
        let before = now.clone();
        let mut others = Delta::default();
        let mut pieces = job.delta.pieces(self.settings.max_users_per_put).into_iter().enumerate().peekable();
        while let Some((number, piece)) = pieces.next() {
            // A part of it may have been done by somebody else since (contract, section 6, rule 2).
            let piece = piece.effective_in(&now);
            if piece.is_empty() {
                continue;
            }
            let step = match number {
                0 => self.send(&job, &now, &piece, asking).await,
                _ => self.send_patiently(&job, &now, &piece, asking).await,
            };
            match step {
                Step::Done { now: read, others: changed } => {
                    now = read;
                    others.add.extend(changed.add);
                    others.remove.extend(changed.remove);
                }
                Step::Ended(verdict) if number == 0 => return verdict,
                Step::Ended(verdict) => return in_part(verdict, &job.delta, &before, now),
            }
            let is_open = pieces.peek().is_some();
            if is_open && !others.beyond(&job.delta).is_empty() {
                let why = format!("someone else changed this list meanwhile: {others}; the rest was not sent");
                let verdict = Verdict::of(WriteOutcome::Failed(why)).halting(meddled(&job.key, &others));
                return in_part(verdict, &job.delta, &before, now);
            }
        }
        if others.is_empty() {
            return Verdict::of(WriteOutcome::Done);
        }
        let what = format!("someone else changed this list meanwhile: {others}; that was kept");
        let verdict = Verdict::of(WriteOutcome::DoneWith(what));
        if others.beyond(&job.delta).is_empty() { verdict } else { verdict.halting(meddled(&job.key, &others)) }
    }

    /// Reads back what became of a change whose own reading failed: no other one follows before (section 13).
    async fn read_first(&self, first: &First, asking: &Asking) -> Result<(), VendorError> {
        let read = self.read_users(&first.campaign, &first.key, Until::TheEnd, asking).await;
        let reading = read.map_err(|error| VendorError {
            message: format!(
                "the change of {} could not be read back, and before that no other one is sent: {}",
                first.key, error.message
            ),
            ..error
        })?;
        self.turns.is_read(&first.key);
        let found = compare(&first.before, &first.delta, &reading.assigned);
        if found.replaced {
            return Err(self.replaced(&first.key, &found).1);
        }
        if found.merged && !found.done.is_empty() {
            self.turns.note_merged();
        }
        Ok(())
    }

    /// Takes a change apart. What cannot be sent is refused here, before anything leaves.
    async fn job<'a>(&self, change: &'a Change, begun: Begun, asking: &Asking) -> Result<Job<'a>, Box<Verdict>> {
        let failed = |why: String| Box::new(Verdict::of(WriteOutcome::Failed(why)).troubled(ErrorKind::Refused));
        let key = Key::of(&change.target).map_err(|error| failed(format!("not sent: {}", error.message)))?;
        let (Assignment::Agents(before), Assignment::Agents(after)) = (&change.before, &change.after) else {
            return Err(failed("not sent: a lead list has agents, and the present ones have to be known".to_owned()));
        };
        let delta = Delta::between(before, after);
        if let Some(user) = delta.add.iter().chain(&delta.remove).find(|user| !is_whole(user)) {
            let shown = safe_text::visible(user.as_str()).into_owned();
            return Err(failed(format!(
                "not sent: “{shown}” is empty, padded with blanks or broken, so it is no user id"
            )));
        }
        key.numbers().map_err(|error| failed(format!("not sent: {}", error.message)))?;
        let begun = [begun, self.turns.begin(&key)];
        self.turns.may_enter(&key).map_err(|error| failed(format!("not sent: {}", error.message)))?;
        match self.campaign(&key.campaign, asking).await {
            Ok(campaign) => Ok(Job { campaign, key, before, delta, begun }),
            Err(error) if error.kind == ErrorKind::NotFound => Err(failed(format!("not sent: {}", error.message))),
            Err(error) => Err(Box::new(Verdict::not_sent(error))),
        }
    }

    /// As [`send`](Self::send), but waits where the rate limit refuses: the pieces before have taken effect already.
    async fn send_patiently(&self, job: &Job<'_>, now: &BTreeSet<PersonId>, piece: &Delta, asking: &Asking) -> Step {
        let mut tries = 0;
        loop {
            let step = self.send(job, now, piece, asking).await;
            tries += 1;
            let pause = match &step {
                Step::Ended(Verdict {
                    outcome: WriteOutcome::NotApplied { retry_after, .. },
                    trouble: Some(ErrorKind::Wait),
                    ..
                }) if tries < BUSY_TRIES => retry_after.unwrap_or(self.verify_pause * tries).min(LONGEST_PAUSE),
                _ => return step,
            };
            tokio::time::sleep(pause).await;
            // What is sent is the difference to what is there, and some time has passed.
            match self.read_checked(&job.key, asking).await {
                Ok(reading) if reading.assigned == *now => {}
                Ok(reading) => {
                    let others = Delta::between(now, &reading.assigned);
                    let why = format!("not applied: someone else changed this list meanwhile: {others}");
                    return Step::Ended(Verdict::of(WriteOutcome::Failed(why)));
                }
                Err(error) => return Step::Ended(Verdict::not_sent(error)),
            }
        }
    }

    /// Sends one request and finds out what it did. `now` are the agents as they were read last.
    async fn send(&self, job: &Job<'_>, now: &BTreeSet<PersonId>, piece: &Delta, asking: &Asking) -> Step {
        let call = match self.put(&job.key, piece, asking) {
            Ok(call) => job.begun.iter().fold(call, Call::unless_stopped),
            Err(error) => return Step::Ended(Verdict::not_sent(error)),
        };
        self.overviews.changed(&job.key, None);
        self.turns.leaves(|| First {
            campaign: job.campaign.clone(),
            key: job.key.clone(),
            before: now.clone(),
            delta: piece.clone(),
        });
        let answer = match Verdict::of_sent(self.http.write(&call).await) {
            Ok(answer) => answer,
            Err(verdict) => return self.after_silence(job, now, piece, verdict, asking).await,
        };
        if !answer.is_success() {
            return self.after_refusal(job, now, piece, &answer, asking).await;
        }
        let doubt = doubt(&answer, &job.key, piece);
        match self.verify(job, now, piece, self.settings.verify_retries, asking).await {
            Ok(found) => self.judge(job, found, doubt),
            Err(error) => {
                let why = format!("it could not be read back: {}", error.message);
                Step::Ended(self.unread(Verdict::unknown(why).troubled(error.kind), error))
            }
        }
    }

    /// A change that could not be read back. Credentials that are refused would be for every other, too.
    fn unread(&self, verdict: Verdict, error: VendorError) -> Verdict {
        let is_for_all = matches!(error.kind, ErrorKind::SignIn | ErrorKind::Setting);
        if is_for_all { verdict.halting(error) } else { verdict }
    }

    fn put(&self, key: &Key, piece: &Delta, asking: &Asking) -> Result<Call, VendorError> {
        let (campaign, lead) = key.numbers()?;
        let ids = |users: &BTreeSet<PersonId>| users.iter().map(|user| user.as_str().to_owned()).collect::<Vec<_>>();
        let body = json!({
            "leadId": lead,
            "campaignId": campaign,
            "assignedUserIds": ids(&piece.add),
            "unassignedUserIds": ids(&piece.remove),
        });
        let call = Call::put(&path(&self.settings, Endpoint::Mapping, &["voice", "campaignLeadUserMapping"]))?;
        self.signed(call.json(&body)?, Endpoint::Mapping, asking)
    }

    /// No whole answer: what did not leave goes back as such, everything else is looked for once.
    async fn after_silence(
        &self,
        job: &Job<'_>,
        now: &BTreeSet<PersonId>,
        piece: &Delta,
        verdict: Verdict,
        asking: &Asking,
    ) -> Step {
        if !matches!(verdict.outcome, WriteOutcome::Unknown(_) | WriteOutcome::Late(_)) {
            self.turns.is_read(&job.key);
            return Step::Ended(verdict);
        }
        self.unless_it_is_there(job, now, piece, verdict, asking).await
    }

    async fn after_refusal(
        &self,
        job: &Job<'_>,
        now: &BTreeSet<PersonId>,
        piece: &Delta,
        answer: &Answer,
        asking: &Asking,
    ) -> Step {
        let error = self.refusal(Endpoint::Mapping, answer);
        let status = answer.status.as_u16();
        match (error.kind, status) {
            (ErrorKind::Forbidden, _) => {
                self.turns.is_read(&job.key);
                let closed = self.turns.close(&job.key, error);
                return Step::Ended(Verdict::of(WriteOutcome::Failed(closed.message)).troubled(ErrorKind::Forbidden));
            }
            (ErrorKind::NotFound, _) => self.forget_tree(),
            (ErrorKind::SignIn, _) | (_, 300..=399) => {}
            // Also a 400: one bad user among good ones may have been left out instead of refusing all (A7).
            (_, 400 | 409 | 422) => {
                return match self.verify(job, now, piece, 0, asking).await {
                    Ok(found) if !found.1.done.is_empty() => self.judge(job, found, Some(error.message)),
                    Ok(_) => Step::Ended(Verdict::refused(status, error, 1)),
                    Err(unread) => {
                        let why = format!("{}; it could not be read back: {}", error.message, unread.message);
                        Step::Ended(self.unread(Verdict::unknown(why).troubled(unread.kind), unread))
                    }
                };
            }
            (_, 408 | 499 | 500..) => {
                let verdict = Verdict::refused(status, error, 1);
                return self.unless_it_is_there(job, now, piece, verdict, asking).await;
            }
            _ => {}
        }
        // What was refused like this has changed nothing.
        self.turns.is_read(&job.key);
        Step::Ended(Verdict::refused(status, error, 1))
    }

    /// The verdict, unless reading the list shows that all of the change took effect.
    async fn unless_it_is_there(
        &self,
        job: &Job<'_>,
        now: &BTreeSet<PersonId>,
        piece: &Delta,
        verdict: Verdict,
        asking: &Asking,
    ) -> Step {
        match self.verify(job, now, piece, 0, asking).await {
            Ok(found) if found.1.open.is_empty() || found.1.replaced => match self.judge(job, found, None) {
                // It counts as a failure of the server or the line all the same; the engine looks for outages.
                Step::Ended(judged) => Step::Ended(judged),
                done => done,
            },
            Ok(_) => Step::Ended(verdict),
            Err(error) => Step::Ended(self.unread(verdict, error)),
        }
    }

    /// Reads the list back. One that is not as it should be is read again `retries` times, compared with the campaign's
    /// own word.
    async fn verify(
        &self,
        job: &Job<'_>,
        before: &BTreeSet<PersonId>,
        piece: &Delta,
        retries: u32,
        asking: &Asking,
    ) -> Result<(Reading, Compared), VendorError> {
        let expected = piece.applied_to(before);
        let mut reading = self.read_users(&job.campaign, &job.key, Until::Is(&expected), asking).await?;
        self.turns.is_read(&job.key);
        for _ in 0..retries {
            if reading.assigned == expected {
                break;
            }
            tokio::time::sleep(self.verify_pause).await;
            reading = self.read_checked(&job.key, asking).await?;
        }
        let found = compare(before, piece, &reading.assigned);
        Ok((reading, found))
    }

    /// What a server did that replaces, and the error with which nothing more is sent to it.
    fn replaced(&self, key: &Key, found: &Compared) -> (String, VendorError) {
        let lost = &found.others.remove;
        let names: Vec<String> = lost.iter().map(ToString::to_string).collect();
        let what = format!(
            "the server took the change of {key} for its whole set of agents, or someone else removed them in the same \
             moment: {} {} no longer there",
            names.join(" "),
            if lost.len() == 1 { "is" } else { "are" }
        );
        let error = VendorError::new(ErrorKind::Garbled, format!("{what}; nothing more is sent")).with_remedy(
            "Look at this list at the vendor and put them back there: a server that replaces instead of merging cannot be \
             given changes.",
        );
        let error = self.turns.note_replaced(error);
        (what, error)
    }

    /// The table of section 7. `doubt` is what the answer itself said against it.
    fn judge(&self, job: &Job<'_>, (reading, found): (Reading, Compared), doubt: Option<String>) -> Step {
        let because = doubt.map(|doubt| format!(" ({doubt})")).unwrap_or_default();
        if found.replaced {
            let (what, error) = self.replaced(&job.key, &found);
            let outcome = WriteOutcome::Partly { why: what, now: Assignment::Agents(reading.assigned) };
            return Step::Ended(Verdict::of(outcome).halting(error));
        }
        if found.merged && !found.done.is_empty() {
            self.turns.note_merged();
        }
        if found.open.is_empty() {
            self.overviews.changed(&job.key, Some(reading.assigned_ids));
            return Step::Done { now: reading.assigned, others: found.others };
        }
        let others = match found.others.is_empty() {
            true => String::new(),
            false => format!("; someone else changed {}", found.others),
        };
        let verdict = Verdict::of(match found.done.is_empty() {
            true => WriteOutcome::Failed(format!("read back: {} was not applied{because}{others}", found.open)),
            false => WriteOutcome::Partly {
                why: format!("applied in part: {} is done, {} is not{because}{others}", found.done, found.open),
                now: Assignment::Agents(reading.assigned),
            },
        });
        Step::Ended(if found.others.is_empty() { verdict } else { verdict.halting(meddled(&job.key, &found.others)) })
    }
}

/// Others whom a change was not about came or went between two readings a moment apart (section 7, the last row of the
/// table): a person should look before more is sent into that.
fn meddled(key: &Key, others: &Delta) -> VendorError {
    let what = format!("while {key} was changed, agents came or went there that the change was not about: {others}");
    VendorError::new(ErrorKind::Refused, what)
        .with_remedy("Somebody else may be mapping the same lists. Look at this one, then resume to send the rest.")
}

/// A later piece ended otherwise than done: the pieces before it are there.
fn in_part(verdict: Verdict, delta: &Delta, before: &BTreeSet<PersonId>, now: BTreeSet<PersonId>) -> Verdict {
    let why = match verdict.outcome {
        WriteOutcome::Failed(why) | WriteOutcome::NotApplied { why, .. } => why,
        // Not known yet, or told in full already.
        outcome => return Verdict { outcome, ..verdict },
    };
    let done = compare(before, delta, &now).done;
    let outcome = WriteOutcome::Partly {
        why: format!("applied in part: {done} is done, and then: {why}"),
        now: Assignment::Agents(now),
    };
    Verdict { outcome, ..verdict }
}

/// Whether an id can be meant as it is.
fn is_whole(user: &PersonId) -> bool {
    let id = user.as_str();
    !id.is_empty() && id.trim() == id && !id.contains('\u{fffd}')
}

/// What an answer says against its own success: who was asked for and is not in it, or that it says nothing.
fn doubt(answer: &Answer, key: &Key, piece: &Delta) -> Option<String> {
    let users = match Users::of(answer, key) {
        Ok(users) => users,
        Err(error) => return Some(error.message),
    };
    let answered = |users: Vec<PersonId>| users.into_iter().collect::<BTreeSet<_>>();
    let left_out =
        Delta { add: &piece.add - &answered(users.assigned), remove: &piece.remove - &answered(users.unassigned) };
    (!left_out.is_empty()).then(|| format!("the answer leaves out {left_out}"))
}
