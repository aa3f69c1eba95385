//! What must hold after operations, whatever went wrong in them: the journal, the simulator's state and the simulator's
//! log of requests agree on every item. Written down here once; every test that lets things go wrong asks this.
//!
//! | Promise | Rule |
//! |---|---|
//! | only what was shown and confirmed is touched | every write request of an operation is about its items, and gives them what the item says |
//! | what happened to every item is said | done means that it arrived, failed that it did not, not sent and skipped that it was never asked for, unknown has a reason |
//! | what is said is exact | where nobody else meddled, a done item replaced what the item says was there, and is there now |
//! | no write is repeated without a reading | the simulator saw none |
//! | the journal is whole | what is derived in it agrees with what it comes from |

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use switchboard::domain::history::{ItemRow, OperationLife};
use switchboard::domain::{Assignment, ItemState, OperationId};
use switchboard::journal::Journal;
use switchboard::sim::log::Entry;
use switchboard::sim::{Act, Applied, Holder, Simulator};

/// An operation, and the stretches of the simulator's log in which somebody worked on it.
#[derive(Clone, Debug)]
pub struct Worked {
    pub operation: OperationId,
    pub stretches: Vec<RangeInclusive<u64>>,
}

impl Worked {
    /// An operation that was worked on from the log entry after `after` until now.
    pub fn since(sim: &Simulator, operation: &OperationId, after: u64) -> Self {
        Self { operation: operation.clone(), stretches: vec![after + 1..=sim.log().last()] }
    }

    fn begin(&self) -> u64 {
        self.stretches.iter().map(|stretch| *stretch.start()).min().unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.stretches.iter().map(|stretch| *stretch.end()).max().unwrap_or_default()
    }

    fn is_of_it(&self, number: u64) -> bool {
        self.stretches.iter().any(|stretch| stretch.contains(&number))
    }
}

/// How far the journal can be held to account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Journaled {
    #[default]
    Whole,
    /// Its newest end was lost with the disk: what arrived may be found there again as not written by us.
    Torn,
}

/// Panics, with everything that is wrong, unless all rules hold. Nobody works on these operations any more. With
/// `SWITCHBOARD_TEST_LOG` the simulator's whole log is printed before.
pub fn hold(sim: &Simulator, journal: &Journal, operations: &[Worked], journaled: Journaled) {
    let wrong = violations(sim, journal, operations, journaled);
    if !wrong.is_empty() && std::env::var_os("SWITCHBOARD_TEST_LOG").is_some() {
        for entry in sim.log().all() {
            eprintln!("{} {}", serde_json::to_string(&entry).unwrap(), String::from_utf8_lossy(&entry.body));
        }
    }
    assert!(wrong.is_empty(), "{} rules are broken:\n  {}", wrong.len(), wrong.join("\n  "));
}

/// A sentence for each rule that is broken.
pub fn violations(sim: &Simulator, journal: &Journal, operations: &[Worked], journaled: Journaled) -> Vec<String> {
    let log = sim.log().all();
    let mut wrong = Vec::new();
    for worked in operations {
        let items = journal.items(&worked.operation, 0, usize::MAX).unwrap();
        let seen = Seen::of(&log, worked);
        wrong.extend(touched_only_its_own(&items, &seen));
        for item in &items {
            wrong.extend(said_what_happened(sim, item, &seen, journaled).map(|broken| {
                let reason = item.reason.clone().unwrap_or_default();
                format!("{} of {}: {}, {broken} ({reason})", item.target, worked.operation, item.state)
            }));
        }
        let summary = journal.operation(&worked.operation).unwrap();
        if summary.life == OperationLife::Running {
            wrong.push(format!("{} is still held by somebody", worked.operation));
        }
    }
    wrong.extend(sim.log().blind_repeats().iter().map(|repeat| format!("written again without a reading: {repeat:?}")));
    wrong.extend(sim.log().complaints().iter().map(|(number, what)| format!("request {number}: {what}")));
    wrong.extend(journal.verify().unwrap().into_iter().map(|what| format!("the journal: {what}")));
    wrong
}

/// What the simulator saw of an operation, by target.
struct Seen<'a> {
    /// The write requests that were about it.
    asked: HashMap<&'a str, Vec<&'a Entry>>,
    /// What of these took effect, in the order of the requests.
    applied: HashMap<&'a str, Vec<&'a Applied>>,
    /// Who was changed by somebody else between the operation's begin and end: by hand, or by another operation.
    meddled: HashSet<&'a str>,
    /// The same, until now.
    meddled_since: HashSet<&'a str>,
}

impl<'a> Seen<'a> {
    fn of(log: &'a [Entry], worked: &Worked) -> Self {
        let mut seen = Self {
            asked: HashMap::new(),
            applied: HashMap::new(),
            meddled: HashSet::new(),
            meddled_since: HashSet::new(),
        };
        for entry in log.iter().filter(|entry| entry.number >= worked.begin()) {
            if entry.act != Act::Meddling && worked.is_of_it(entry.number) {
                if entry.act == Act::Write {
                    entry.targets.iter().for_each(|target| seen.asked.entry(target).or_default().push(entry));
                }
                entry.applied.iter().for_each(|applied| seen.applied.entry(&applied.target).or_default().push(applied));
                continue;
            }
            for applied in &entry.applied {
                seen.meddled_since.insert(&applied.target);
                if entry.number <= worked.end() {
                    seen.meddled.insert(&applied.target);
                }
            }
        }
        seen
    }

    fn applied(&self, target: &str) -> &[&'a Applied] {
        self.applied.get(target).map_or(&[], Vec::as_slice)
    }
}

/// Every write was about an item of the operation, and gave it what the item says.
fn touched_only_its_own(items: &[ItemRow], seen: &Seen<'_>) -> Vec<String> {
    let items: BTreeMap<&str, &ItemRow> = items.iter().map(|item| (item.target.as_str(), item)).collect();
    let mut wrong = Vec::new();
    for (target, entries) in &seen.asked {
        if !items.contains_key(target) {
            wrong.push(format!("{target} is no item of the operation, but request {} wrote it", entries[0].number));
        }
    }
    for (target, all) in &seen.applied {
        let Some(item) = items.get(target) else {
            wrong.push(format!("{target} is no item of the operation, but was changed: {all:?}"));
            continue;
        };
        for applied in all {
            let fits = match &item.wrote {
                // A set is changed agent by agent; each step goes from what is there to what is wanted.
                Assignment::Agents(_) => steps_towards(applied, item),
                wrote => is_holder(&applied.after, wrote),
            };
            if !fits {
                wrong.push(format!("{target} should become {} and was made {:?}", item.wrote.label(), applied.after));
            }
        }
    }
    wrong
}

/// Whether a change of a set adds and removes only what the item adds and removes.
fn steps_towards(applied: &Applied, item: &ItemRow) -> bool {
    let (Assignment::Agents(was), Assignment::Agents(wrote)) = (&item.was, &item.wrote) else { return false };
    let (Holder::Agents(before), Holder::Agents(after)) = (&*applied.before, &*applied.after) else { return false };
    after.difference(before).all(|user| wrote.difference(was).any(|added| agent(added) == user))
        && before.difference(after).all(|user| was.difference(wrote).any(|removed| agent(removed) == user))
}

/// Whether an item's state is true.
fn said_what_happened(sim: &Simulator, item: &ItemRow, seen: &Seen<'_>, journaled: Journaled) -> Option<String> {
    let target = item.target.as_str();
    let applied = seen.applied(target);
    let arrived = applied.iter().any(|applied| holds(&applied.after, item));
    // Someone else may have given it to the same owner, or back to the one before, between our write and the reading:
    // no reading can tell that, and what is said is true of the lead all the same.
    let undecidable = seen.meddled.contains(target);
    let broken = |what: &str| Some(what.to_owned());
    match item.state {
        ItemState::Done if !arrived && !undecidable => return broken("and nothing was written"),
        ItemState::Failed if arrived && !undecidable => return broken("and it was written"),
        ItemState::NotSent | ItemState::Skipped if journaled == Journaled::Whole => {
            if let Some(entries) = seen.asked.get(target) {
                return Some(format!("and request {} asked for it", entries[0].number));
            }
        }
        ItemState::Unknown if item.reason.is_none() => return broken("and nobody says why"),
        ItemState::ChangedByOthers if !undecidable => return broken("and nobody else changed it"),
        ItemState::Planned | ItemState::Sent => return broken("though nobody works on it"),
        _ => {}
    }
    if item.state != ItemState::Done {
        return None;
    }
    if !undecidable && !applied.iter().any(|applied| stood(&applied.before, item)) {
        return Some(format!("was {} by the journal and {:?} in truth", item.was.label(), applied[0].before));
    }
    let now = sim.holder(target);
    let is_there = now.as_ref().is_some_and(|now| holds(now, item));
    (!seen.meddled_since.contains(target) && !is_there).then(|| format!("and it is {now:?}"))
}

/// Whether a holder at the simulator is what an item wanted to write: for sets only the agents it was about count.
pub fn holds(holder: &Holder, item: &ItemRow) -> bool {
    agrees(holder, &item.was, &item.wrote)
}

/// Whether a holder is what it was before an item was written: for sets only the agents it was about count.
pub fn is_back(holder: &Holder, item: &ItemRow) -> bool {
    agrees(holder, &item.wrote, &item.was)
}

/// Whether something of what an item wrote is still there.
pub fn is_there(holder: &Holder, item: &ItemRow) -> bool {
    match item.wrote {
        Assignment::Agents(_) => !is_back(holder, item) || holds(holder, item),
        _ => holds(holder, item),
    }
}

/// Whether two sets are the same but for the agents that an item is about. Where there is one owner there is nothing
/// beside it.
pub fn is_same_beside(one: &Holder, other: &Holder, item: &ItemRow) -> bool {
    match (&item.was, &item.wrote, one, other) {
        (Assignment::Agents(was), Assignment::Agents(wrote), Holder::Agents(one), Holder::Agents(other)) => {
            one.symmetric_difference(other).all(|user| was.symmetric_difference(wrote).any(|ours| agent(ours) == user))
        }
        _ => true,
    }
}

/// Whether a holder is what an item says was there before.
fn stood(holder: &Holder, item: &ItemRow) -> bool {
    match &item.was {
        // Others may have come or gone in the meantime; of those the item is about at least one was not there yet.
        Assignment::Agents(_) => !holds(holder, item),
        // The journal does not claim to know.
        Assignment::Unknown => true,
        was => is_holder(holder, was),
    }
}

fn agrees(holder: &Holder, was: &Assignment, wrote: &Assignment) -> bool {
    match (was, wrote, holder) {
        (Assignment::Agents(was), Assignment::Agents(wrote), Holder::Agents(users)) => {
            wrote.difference(was).all(|user| users.contains(agent(user)))
                && was.difference(wrote).all(|user| !users.contains(agent(user)))
        }
        (_, wrote, holder) => is_holder(holder, wrote),
    }
}

fn agent(user: &switchboard::domain::PersonId) -> &str {
    user.as_str()
}

/// Whether a holder at the simulator is what an assignment says.
pub fn is_holder(holder: &Holder, assignment: &Assignment) -> bool {
    match assignment {
        Assignment::Owner(owner) => match (&owner.id, holder.id()) {
            (Some(id), Some(holder)) => id.as_str() == holder,
            _ => owner.name.as_ref().map(|name| name.as_str()) == holder.name(),
        },
        Assignment::Unassigned(_) => matches!(holder, Holder::Nobody),
        Assignment::Agents(agents) => {
            matches!(holder, Holder::Agents(users) if users.iter().map(String::as_str).eq(agents.iter().map(agent)))
        }
        Assignment::Unknown => false,
    }
}
