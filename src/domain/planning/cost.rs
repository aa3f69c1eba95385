//! How changes are put together into requests, and what those cost.

use std::ops::{Deref, Range};
use std::time::Duration;

use hashbrown::HashMap;

use crate::domain::Assignment;
use crate::domain::capabilities::{BatchRule, Capabilities, Pace, ReadBack};
use crate::domain::plan::{Changes, Cost};

/// Rows of one page of a listing, for estimates: what vendors give at most or a little less.
const LISTING_PAGE: usize = 100;

/// Seconds that an answer usually takes, for estimates where no limit is the slower one.
const USUAL_ANSWER: f64 = 0.15;

/// Changes that are read again together before they are sent, at most.
pub const READ_TOGETHER: usize = 2_000;

/// What a request is taken to last where the pace has no limit, to judge how much can be sent while a reading is fresh.
const REQUEST_TAKES: f64 = 0.1;

/// Batches that are read again together: as many as leave at this rate in half of the time for which a reading is good.
pub fn batches_together(per_second: f64, freshness: Duration, pace: &Pace) -> usize {
    let per_second = per_second.min(pace.parallel.max(1) as f64 / REQUEST_TAKES);
    ((per_second * freshness.as_secs_f64() / 2.0) as usize).max(1)
}

/// Requests for reading `targets` once, in the portions in which the engine does it: as many of them at a time as the
/// vendor gives, or through the listing of all its leads where that is less. Each portion begins with the first page
/// again, and comes as far as its last lead.
pub fn reads_of(targets: usize, leads: usize, capabilities: &Capabilities) -> usize {
    let listing = leads.div_ceil(LISTING_PAGE).max(1);
    let rule = &capabilities.batch;
    let in_a_batch = if targets < rule.bulk_from { 1 } else { rule.max.max(1) };
    let batches = batches_together(capabilities.pace.per_second, capabilities.freshness, &capabilities.pace);
    let portion = batches.saturating_mul(in_a_batch).min(READ_TOGETHER);
    let portions = targets.div_ceil(portion);
    let reads = |number: usize| {
        let within = portion.min(targets - number * portion);
        let walk = (listing * (number + 1)).div_ceil(portions);
        within.div_ceil(capabilities.read_at_once.max(1)).min(walk)
    };
    (0..portions).map(reads).sum()
}

/// What it costs to send `changes` after `reads` requests for fresh before-values.
pub fn cost(changes: &Changes, capabilities: &Capabilities, reads: usize) -> Cost {
    let batches = batches(changes, &capabilities.batch);
    let bulk = batches.iter().filter(|batch| batch.len() > 1).count();
    let mut requests = reads + batches.len() + bulk * capabilities.batch.before_each;
    if bulk < batches.len() {
        // Single requests need it too, but once for many of them.
        requests += capabilities.batch.before_each;
    }
    if capabilities.read_back == ReadBack::Later {
        // What will only be accepted is read right before it is sent, and polled for at least once afterwards.
        let accepted = batches.iter().filter(|batch| batch.len() > 1);
        requests += accepted.map(|batch| 2 * batch.len().div_ceil(capabilities.read_at_once.max(1))).sum::<usize>();
    }
    requests += capabilities.checks_per_change * changes.len();
    if capabilities.first_write_alone && !changes.is_empty() {
        requests += 1;
    }
    Cost { requests, seconds: seconds(requests, &capabilities.pace) }
}

/// How long that many requests take at a pace.
pub fn seconds(requests: usize, pace: &Pace) -> f64 {
    let waiting = requests.saturating_sub(pace.burst as usize) as f64;
    let limited = if pace.per_second > 0.0 { waiting / pace.per_second } else { 0.0 };
    let answers = requests.div_ceil(pace.parallel.max(1)) as f64 * USUAL_ANSWER;
    limited.max(answers)
}

/// Changes put together into requests: of each request the indexes of its changes. A long plan may have as many requests
/// as changes; then there is nothing to be kept of each.
#[derive(Clone, Debug, PartialEq)]
pub enum Batches {
    /// So many changes, each in a request of its own.
    Single(u32),
    Several(Groups),
}

/// Batches of several changes each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    indexes: Vec<u32>,
    /// Where each batch ends in `indexes`.
    ends: Vec<u32>,
}

/// The indexes of the changes of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Batch<'a> {
    Single(u32),
    Several(&'a [u32]),
}

impl Deref for Batch<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::Single(index) => std::slice::from_ref(index),
            Self::Several(indexes) => indexes,
        }
    }
}

impl Batches {
    pub fn len(&self) -> usize {
        match self {
            Self::Single(changes) => *changes as usize,
            Self::Several(groups) => groups.ends.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Batch<'_>> {
        self.range(0..self.len())
    }

    /// Those batches, by their numbers. Numbers that there are not are left out.
    pub fn range(&self, batches: Range<usize>) -> impl Iterator<Item = Batch<'_>> {
        (batches.start..batches.end.min(self.len())).map(move |batch| match self {
            Self::Single(_) => Batch::Single(batch as u32),
            Self::Several(groups) => Batch::Several(groups.get(batch)),
        })
    }
}

impl Groups {
    fn get(&self, batch: usize) -> &[u32] {
        let begin = if batch == 0 { 0 } else { self.ends[batch - 1] as usize };
        // Each end is at or behind the one before and within `indexes`.
        &self.indexes[begin..self.ends[batch] as usize]
    }

    fn push(&mut self, batch: &[u32]) {
        self.indexes.extend_from_slice(batch);
        self.ends.push(self.indexes.len() as u32);
    }
}

/// Puts changes together into requests: each batch has one and the same `after`, in the order of the changes.
pub fn batches(changes: &Changes, rule: &BatchRule) -> Batches {
    batches_from(changes, 0, rule)
}

/// The same without the first changes; indexes count from the first one that is left.
pub fn batches_from(changes: &Changes, first: usize, rule: &BatchRule) -> Batches {
    let count = changes.len().saturating_sub(first);
    if rule.max <= 1 || count < rule.bulk_from {
        return Batches::Single(count as u32);
    }
    let mut groups: Vec<(&Assignment, Vec<u32>)> = Vec::new();
    let mut known = HashMap::new();
    let mut last = None;
    for (index, change) in changes.iter().skip(first).enumerate() {
        let before = rule.split_by_before.then_some(change.before);
        let scope = rule.split_by_scope.then_some(change.scope());
        let key = (change.after, before, scope);
        // Neighbours mostly go the same way, and are sooner compared than looked up.
        let group = match last {
            Some((same, group)) if same == key => group,
            _ => *known.entry(key).or_insert_with(|| {
                groups.push((change.after, Vec::new()));
                groups.len() - 1
            }),
        };
        last = Some((key, group));
        groups[group].1.push(index as u32);
    }
    let mut chunks: Vec<&[u32]> = Vec::new();
    for (after, group) in &groups {
        let to_nobody = matches!(after, Assignment::Unassigned(_));
        let most = if to_nobody { rule.unassign_max.min(rule.max) } else { rule.max }.max(1);
        chunks.extend(group.chunks(most));
    }
    chunks.sort_unstable_by_key(|batch| batch[0]);
    let mut batches = Groups::default();
    chunks.into_iter().for_each(|batch| batches.push(batch));
    Batches::Several(batches)
}
