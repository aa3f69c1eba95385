//! The rules that the contract has for clients. Breaking one is not an error of the server's, so it is only logged.

use std::collections::{BTreeSet, HashSet};

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use super::mapping::Wanted;
use super::store::{Attachment, FirstWrite, Store};
use crate::sim::vendor::Trace;

/// Looks at the headers that every call carries, also a GET.
pub fn judge_headers(headers: &HeaderMap, trace: &Trace) {
    for name in [ACCEPT, CONTENT_TYPE] {
        let value = headers.get(&name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !value.starts_with("application/json") {
            trace.complain(format!("{name} is not application/json"));
        }
    }
}

/// Looks at the lists of a write alone.
pub fn judge_lists(wanted: &Wanted, trace: &Trace) {
    let (add, remove) = (&wanted.assigned, &wanted.unassigned);
    if add.is_empty() && remove.is_empty() {
        trace.complain("a write with both lists empty");
    }
    for (list, name) in [(add, "assignedUserIds"), (remove, "unassignedUserIds")] {
        if list.iter().collect::<HashSet<_>>().len() < list.len() {
            trace.complain(format!("{name} has duplicates"));
        }
        if list.iter().any(|user| user.is_empty() || user.trim() != user) {
            trace.complain(format!("{name} has an empty or padded id"));
        }
    }
    if add.iter().any(|user| remove.contains(user)) {
        trace.complain("a user in both lists");
    }
}

/// Looks at a write against what this mapping's reads showed; `add` and `remove` are places of campaign users.
pub fn judge_delta(list: &Attachment, add: &BTreeSet<usize>, remove: &BTreeSet<usize>, trace: &Trace) {
    let Some(shown) = &list.shown else {
        trace.complain("a write without a read of this mapping right before it");
        return;
    };
    let redundant = add.intersection(shown).count();
    if redundant > 0 {
        trace.complain(format!("{redundant} users are added that were shown as mapped"));
    }
    let redundant = remove.difference(shown).count();
    if redundant > 0 {
        trace.complain(format!("{redundant} users are removed that were not shown as mapped"));
    }
}

/// The first write goes out alone and is read back before another mapping is written.
pub fn judge_order(store: &Store, campaign: u64, list: u64, trace: &Trace) {
    if let FirstWrite::Open(c, l) = store.first_write
        && (c, l) != (campaign, list)
    {
        trace.complain(format!("a second mapping is written before the first write, to {c}:{l}, was read back"));
    }
}
