//! What a simulator was asked and what it did: one numbered entry for every request and for every meddling.
//!
//! This is how a test knows that a client told the truth: what was applied, what was answered, and whether anything was
//! sent again before it was read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::vendor::{Act, Applied, Target};

/// Entries kept; the oldest go first.
const MAX_ENTRIES: usize = 200_000;
/// Targets and applied changes kept over all entries. A listing of a million leads fills this once.
const MAX_ROWS: usize = 1_000_000;
/// Request bodies kept over all entries; entries outlive their bodies.
const MAX_BODY_BYTES: usize = 64 << 20;

/// One request, or one change made by someone else.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts from 1 without gaps, in the order of arrival.
    pub number: u64,
    pub at: Timestamp,
    pub act: Act,
    pub method: String,
    pub path: String,
    pub query: String,
    #[serde(skip)]
    pub body: Bytes,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What a write aimed at, or what a read showed.
    pub targets: Vec<Target>,
    pub applied: Vec<Applied>,
    /// The specifications of the faults that hit.
    pub faults: Vec<String>,
    /// Rules of the contract that the client broke with this request.
    pub complaints: Vec<String>,
}

/// How a request ended, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Still being worked on.
    Running,
    Answered {
        status: u16,
    },
    /// The answer was 2xx, and unreadable.
    Garbage {
        status: u16,
    },
    /// The connection was closed, without an answer or in the middle of it.
    Cut,
    /// The client went away before the answer.
    Abandoned,
    /// Not a request: someone else's doing.
    Meddled,
}

impl Outcome {
    /// The client cannot know from this whether the request took effect.
    pub fn is_uncertain(self) -> bool {
        match self {
            Self::Answered { status } => status >= 500,
            Self::Garbage { .. } | Self::Cut | Self::Abandoned | Self::Running => true,
            Self::Meddled => false,
        }
    }

    pub fn is_success(self) -> bool {
        matches!(self, Self::Answered { status } if (200..300).contains(&status))
    }
}

/// A write that was sent although the outcome of an earlier one to the same target was not known and had not been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlindRepeat {
    pub target: Target,
    pub first: u64,
    pub again: u64,
}

/// The entries, bounded in number and size.
#[derive(Debug, Default)]
pub struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    kept: VecDeque<Entry>,
    /// The number of the newest entry.
    last: u64,
    rows: usize,
    body_bytes: usize,
    /// Entries below this place have given up their bodies.
    bodies_from: usize,
}

impl Log {
    /// Writes a new entry and gives its number.
    pub(super) fn open(&self, mut entry: Entry) -> u64 {
        let mut entries = self.entries();
        entries.last += 1;
        entry.number = entries.last;
        entries.rows += entry.targets.len() + entry.applied.len();
        entries.body_bytes += entry.body.len();
        entries.kept.push_back(entry);
        entries.trim();
        entries.last
    }

    /// Changes an entry that is still kept.
    pub(super) fn amend(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries();
        let Some(first) = entries.kept.front().map(|e| e.number) else { return };
        let Some(place) = number.checked_sub(first) else { return };
        let Some(entry) = entries.kept.get_mut(place as usize) else { return };
        let before = entry.targets.len() + entry.applied.len();
        change(entry);
        let after = entry.targets.len() + entry.applied.len();
        entries.rows = (entries.rows + after).saturating_sub(before);
        entries.trim();
    }

    /// The number of the newest entry: how many requests and meddlings there were since the start.
    pub fn last(&self) -> u64 {
        self.entries().last
    }

    /// At most `limit` entries after the one numbered `after`, oldest first.
    pub fn after(&self, after: u64, limit: usize) -> Vec<Entry> {
        let entries = self.entries();
        let skip = entries.kept.partition_point(|e| e.number <= after);
        entries.kept.iter().skip(skip).take(limit).cloned().collect()
    }

    /// Everything that is kept, oldest first.
    pub fn all(&self) -> Vec<Entry> {
        self.after(0, usize::MAX)
    }

    /// All broken rules, with the number of the request.
    pub fn complaints(&self) -> Vec<(u64, String)> {
        let entries = self.entries();
        entries.kept.iter().flat_map(|e| e.complaints.iter().map(|c| (e.number, c.clone()))).collect()
    }

    /// All writes that were repeated blindly.
    pub fn blind_repeats(&self) -> Vec<BlindRepeat> {
        let entries = self.entries();
        let mut open: HashMap<&Target, u64> = HashMap::new();
        let mut found = Vec::new();
        for entry in &entries.kept {
            match entry.act {
                Act::Read if entry.outcome.is_success() => {
                    for target in &entry.targets {
                        open.remove(target);
                    }
                }
                Act::Write => {
                    for target in &entry.targets {
                        if let Some(first) = open.remove(target) {
                            found.push(BlindRepeat { target: target.clone(), first, again: entry.number });
                        }
                        if entry.outcome.is_uncertain() {
                            open.insert(target, entry.number);
                        }
                    }
                }
                Act::Read | Act::Other | Act::Meddling => {}
            }
        }
        found
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn trim(&mut self) {
        while self.kept.len() > 1 && (self.kept.len() > MAX_ENTRIES || self.rows > MAX_ROWS) {
            if let Some(gone) = self.kept.pop_front() {
                self.rows = self.rows.saturating_sub(gone.targets.len() + gone.applied.len());
                self.body_bytes = self.body_bytes.saturating_sub(gone.body.len());
                self.bodies_from = self.bodies_from.saturating_sub(1);
            }
        }
        while self.body_bytes > MAX_BODY_BYTES {
            let Some(entry) = self.kept.get_mut(self.bodies_from) else { break };
            self.body_bytes = self.body_bytes.saturating_sub(entry.body.len());
            entry.body = Bytes::new();
            self.bodies_from += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::vendor::target;

    fn entry(act: Act, target_id: &str, outcome: Outcome) -> Entry {
        Entry {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            act,
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            body: Bytes::from_static(b"{}"),
            outcome,
            targets: vec![target(target_id)],
            applied: Vec::new(),
            faults: Vec::new(),
            complaints: Vec::new(),
        }
    }

    #[test]
    fn a_lost_answer_must_be_read_before_the_next_write() {
        let log = Log::default();
        log.open(entry(Act::Write, "a", Outcome::Cut));
        log.open(entry(Act::Write, "a", Outcome::Answered { status: 200 }));
        log.open(entry(Act::Write, "b", Outcome::Answered { status: 503 }));
        log.open(entry(Act::Read, "b", Outcome::Answered { status: 200 }));
        log.open(entry(Act::Write, "b", Outcome::Answered { status: 200 }));
        log.open(entry(Act::Write, "c", Outcome::Answered { status: 429 }));
        log.open(entry(Act::Write, "c", Outcome::Answered { status: 200 }));
        log.open(entry(Act::Write, "d", Outcome::Garbage { status: 200 }));
        log.open(entry(Act::Read, "d", Outcome::Cut));
        log.open(entry(Act::Write, "d", Outcome::Answered { status: 200 }));
        let found: Vec<_> = log.blind_repeats().into_iter().map(|r| (r.target.to_string(), r.first, r.again)).collect();
        assert_eq!(found, [("a".to_owned(), 1, 2), ("d".to_owned(), 8, 10)]);
    }

    #[test]
    fn only_the_oldest_entries_are_forgotten() {
        let log = Log::default();
        let total = MAX_ENTRIES as u64 + 10;
        for _ in 0..total {
            log.open(entry(Act::Read, "a", Outcome::Running));
        }
        assert_eq!(log.last(), total);
        assert_eq!(log.all().len(), MAX_ENTRIES);
        assert_eq!(log.after(total - 2, 10).iter().map(|e| e.number).collect::<Vec<_>>(), [total - 1, total]);
        log.amend(1, |_| panic!("forgotten entries are not changed"));
        log.amend(total, |e| e.outcome = Outcome::Cut);
        assert_eq!(log.after(total - 1, 1)[0].outcome, Outcome::Cut);
    }
}
