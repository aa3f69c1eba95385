//! Settling: what became of writes whose answer was lost, short or only an acceptance is found out by reading back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{News, Part, Run};
use crate::backend::judge::{Finding, finding, was_now};
use crate::backend::reader::{is_final_for_all, passes};
use crate::domain::capabilities::Settle;
use crate::domain::{Assignment, ItemState};
use crate::vendor::{Looking, Observation, Target, Targets};

/// Of what was read so many are told together, if they come that fast: the counts move while a long reading goes on.
const TOLD_TOGETHER: usize = 100;
/// What is due this soon is read together with what is due now.
const TOGETHER: Duration = Duration::from_millis(200);
/// Between two readings, however short the vendor's rule is.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// An item to be found out about, on its way to who does.
#[derive(Debug)]
pub struct Lookup {
    pub item: u32,
    /// Why it is unknown.
    why: String,
    chance: Chance,
    lost_at: Instant,
}

/// Whether a write that was not seen to take effect may still do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// The answer was lost; what has not taken effect by now never will.
    None,
    /// The answer did not come in time: a moment from now it is certain.
    Soon,
    /// It waits in a queue of the vendor's: it is polled for, and no reading proves that it never comes.
    Queued,
}

impl Lookup {
    fn new(item: u32, why: impl Into<String>, chance: Chance) -> Self {
        Self { item, why: why.into(), chance, lost_at: Instant::now() }
    }

    pub fn lost(item: u32, why: impl Into<String>) -> Self {
        Self::new(item, why, Chance::None)
    }

    pub fn late(item: u32, why: impl Into<String>) -> Self {
        Self::new(item, why, Chance::Soon)
    }

    pub fn queued(item: u32, why: impl Into<String>) -> Self {
        Self::new(item, why, Chance::Queued)
    }
}

/// An item that is being found out about. There may be as many as an operation has items: it takes 40 bytes. Times are
/// milliseconds since it was lost.
#[derive(Clone, Copy, Debug)]
struct Open {
    lost_at: Instant,
    /// [`SETTLED`] once it is clear.
    item: u32,
    /// Number of the reason why it is unknown.
    why: u32,
    due: u32,
    pause: u32,
    /// When a reading first said that it was not applied, or that somebody else's value is there; [`NEVER`] otherwise.
    not_ours_since: u32,
    /// So many readings said that, beside those that have to be some time apart.
    doubted: u16,
    chance: Chance,
    /// The reading that is made now is the last one.
    last: bool,
}

const _: () = assert!(size_of::<Open>() <= 40);

const NEVER: u32 = u32::MAX;
const SETTLED: u32 = u32::MAX;

/// Whole milliseconds, rounded up.
fn millis(time: Duration) -> u32 {
    time.as_micros().div_ceil(1_000).try_into().unwrap_or(NEVER - 1)
}

impl Open {
    fn new(item: u32, why: u32, chance: Chance, lost_at: Instant, rule: &Settle) -> Self {
        let (due, pause) = (millis(rule.first), millis(rule.first.max(SHORTEST_PAUSE)));
        Self { lost_at, item, why, due, pause, not_ours_since: NEVER, doubted: 0, chance, last: false }
    }

    fn due(&self) -> Instant {
        self.lost_at + Duration::from_millis(self.due.into())
    }

    /// Since it was lost; rounded down, so that nothing is over before its time.
    fn now(&self) -> u32 {
        self.lost_at.elapsed().as_millis().try_into().unwrap_or(NEVER - 1)
    }

    /// No reading follows one that is made now.
    fn is_over(&self, rule: &Settle) -> bool {
        self.due.max(self.now()) >= millis(rule.deadline)
    }
}

/// The items of an operation that were sent in an earlier run: why each is unknown, and whether it may still arrive.
#[derive(Default)]
pub struct Earlier {
    whys: Whys,
    items: Vec<(u32, Chance)>,
}

impl Earlier {
    pub fn push(&mut self, why: &str, chance: Chance) {
        let why = self.whys.number(why);
        self.items.push((why, chance));
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }
}

/// Reasons by number: many items have the same.
#[derive(Default)]
struct Whys {
    all: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Whys {
    fn number(&mut self, why: &str) -> u32 {
        if let Some(&number) = self.numbers.get(why) {
            return number;
        }
        let (number, why) = (self.all.len() as u32, Arc::<str>::from(why));
        self.all.push(why.clone());
        self.numbers.insert(why, number);
        number
    }

    fn get(&self, number: u32) -> &str {
        self.all.get(number as usize).map_or("", |why| why)
    }
}

/// The task that reads back. It ends when everything it was given has its end.
pub struct Settler {
    lookups: mpsc::UnboundedSender<Lookup>,
    task: JoinHandle<()>,
}

impl Settler {
    /// Begins with the first items of the part, which are those of `earlier`.
    pub fn start(part: Arc<Part>, run: Arc<Run>, earlier: Earlier) -> Self {
        let (lookups, queue) = mpsc::unbounded_channel();
        Self { lookups, task: tokio::spawn(settle(part, run, earlier, queue)) }
    }

    pub fn settle(&self, lookup: Lookup) {
        // The task ends only after this sender is gone.
        let _ = self.lookups.send(lookup);
    }

    /// A handle for tasks that find something to settle.
    pub fn sender(&self) -> mpsc::UnboundedSender<Lookup> {
        self.lookups.clone()
    }

    /// Waits until everything is settled, or stays unknown with its reason.
    pub async fn finish(self) {
        drop(self.lookups);
        if let Err(broken) = self.task.await {
            tracing::error!(%broken, "reading back broke");
        }
    }
}

/// Reads back `earlier` and what comes in `queue`, until that is closed and everything has its end.
pub async fn settle(part: Arc<Part>, run: Arc<Run>, earlier: Earlier, mut queue: mpsc::UnboundedReceiver<Lookup>) {
    let rule = part.desk.capabilities.settle;
    let (Earlier { mut whys, items }, now) = (earlier, Instant::now());
    let mut open: Vec<Open> =
        (0_u32..).zip(items).map(|(item, (why, chance))| Open::new(item, why, chance, now, &rule)).collect();
    let mut more = true;
    while more || !open.is_empty() {
        let due = open.iter().map(Open::due).min();
        let nap = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            came = queue.recv(), if more => {
                more = came.is_some();
                // What waits behind it comes along: each look at all that are open is for many.
                let behind = std::iter::from_fn(|| queue.try_recv().ok());
                open.extend(came.into_iter().chain(behind).map(|Lookup { item, why, chance, lost_at }| {
                    Open::new(item, whys.number(&why), chance, lost_at, &rule)
                }));
                continue;
            }
            () = nap => {}
        }
        let until = Instant::now() + TOGETHER;
        let due = to_the_front(&mut open, |lookup| lookup.due() <= until);
        open[..due].iter_mut().for_each(|lookup| lookup.last = lookup.is_over(&rule));
        let polled = to_the_front(&mut open[..due], |lookup| lookup.chance == Chance::Queued && !lookup.last);
        for (some, looking) in [(0..polled, Looking::Polling), (polled..due, Looking::Deciding)] {
            read_back(&part, &run, &whys, &mut open[some], looking).await;
        }
        open.retain(|lookup| lookup.item != SETTLED);
    }
}

/// Brings those of which something is true before the others, and says how many they are.
fn to_the_front(lookups: &mut [Open], is_true: impl Fn(&Open) -> bool) -> usize {
    let mut front = 0;
    for i in 0..lookups.len() {
        if is_true(&lookups[i]) {
            lookups.swap(front, i);
            front += 1;
        }
    }
    front
}

/// Items that are read back, by their place in a list.
struct ToReadBack<'a> {
    part: &'a Part,
    items: &'a [u32],
}

impl Targets for ToReadBack<'_> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn id(&self, number: usize) -> &str {
        self.part.change(self.items[number]).id()
    }

    fn get(&self, number: usize) -> Target {
        Target::of(self.part.change(self.items[number]))
    }
}

/// Reads items back once, all together, so that a client may read a listing instead, and tells what became of each as it
/// comes. Those that are clear are [`SETTLED`] afterwards.
async fn read_back(part: &Part, run: &Run, whys: &Whys, lookups: &mut [Open], looking: Looking) {
    if lookups.is_empty() {
        return;
    }
    let items: Vec<u32> = lookups.iter().map(|lookup| lookup.item).collect();
    let (mut news, mut told) = (Vec::new(), Instant::now());
    let mut found = |number: usize, observation: Observation| {
        let Some(lookup) = lookups.get_mut(number) else { return };
        let change = part.sent(lookup.item);
        let found = finding(&change.before, &change.after, &observation.now);
        match conclude(&part.desk.capabilities.settle, &change.before, whys.get(lookup.why), *lookup, found) {
            Conclusion::Settled(said) => {
                let meanwhile = part.meanwhile(said.item).filter(|_| said.to == ItemState::Done);
                let reason = said.reason.into_iter().chain(meanwhile).collect::<Vec<_>>().join("; ");
                news.push(News { now: observation.now.ok(), reason: Some(reason), ..said });
                lookup.item = SETTLED;
            }
            Conclusion::ReadAgain(again) => *lookup = again,
        }
        if news.len() >= TOLD_TOGETHER || told.elapsed() >= TOGETHER {
            part.happened(run, std::mem::take(&mut news));
            told = Instant::now();
        }
    };
    part.observe_each(run, &ToReadBack { part, items: &items }, looking, &mut found).await;
    part.happened(run, news);
}

enum Conclusion {
    Settled(News),
    ReadAgain(Open),
}

/// What one reading says about an item, and whether another is needed. `why` it is unknown.
fn conclude(rule: &Settle, before: &Assignment, why: &str, mut lookup: Open, found: Finding) -> Conclusion {
    let now = lookup.now();
    // One that began in time may have taken long, and have met a bad minute: another follows.
    let over = lookup.last;
    let item = lookup.item;
    let settled = |to: ItemState, reason: String| Conclusion::Settled(News::new(item, to).because(reason));
    let unknown = |reason: String| settled(ItemState::Unknown, reason);
    // A value that is not ours, after a write that may still come: seen once it proves nothing yet.
    let not_ours = matches!(found, Finding::NotApplied | Finding::Changed(_) | Finding::InPart(..));
    match lookup.chance {
        Chance::Queued if not_ours && !over => return lookup.again(rule),
        Chance::Queued if found == Finding::NotApplied => {
            return unknown(format!("{why}; not there yet after {} s, and it may still come", rule.deadline.as_secs()));
        }
        Chance::Soon if not_ours => {
            if lookup.not_ours_since == NEVER {
                lookup.not_ours_since = millis(lookup.lost_at.elapsed());
            }
            let late = lookup.not_ours_since.saturating_add(millis(rule.late));
            if now < late {
                lookup.due = late;
                return Conclusion::ReadAgain(lookup);
            }
        }
        _ => lookup.not_ours_since = NEVER,
    }
    if not_ours && lookup.chance != Chance::Queued && u32::from(lookup.doubted) < rule.doubted.min(u16::MAX.into()) {
        lookup.doubted = lookup.doubted.saturating_add(1);
        lookup.due = now.saturating_add(millis(rule.first.max(SHORTEST_PAUSE)));
        return Conclusion::ReadAgain(lookup);
    }
    match found {
        Finding::Done => settled(ItemState::Done, format!("{why}; read back: done")),
        Finding::InPart(_, words) => settled(ItemState::Failed, format!("{why}; read back: {words}")),
        Finding::NotApplied => settled(ItemState::Failed, format!("{why}; read back: not applied")),
        Finding::NoSuchLead => settled(ItemState::Failed, format!("{why}; read back: no such lead")),
        Finding::Changed(now) => settled(ItemState::ChangedByOthers, was_now(before, &now)),
        Finding::LooksTheSame => {
            unknown(format!("{why}; the owner before and the one written look the same when read back"))
        }
        Finding::Unread(error) if is_final_for_all(&error) || !passes(&error) => {
            unknown(format!("{why}; could not be read back: {error}"))
        }
        Finding::Unread(error) if over => {
            unknown(format!("{why}; could not be read back for {} s: {error}", rule.deadline.as_secs()))
        }
        Finding::CannotTell(read) if over => {
            unknown(format!("{why}; read back as {}, which does not tell whether it was applied", read.label()))
        }
        Finding::Unread(_) | Finding::CannotTell(_) => lookup.again(rule),
    }
}

impl Open {
    /// After its pause, the last time when the time is over and not a pause before.
    fn again(mut self, rule: &Settle) -> Conclusion {
        self.due = self.now().saturating_add(self.pause).min(millis(rule.deadline));
        self.pause = self.pause.saturating_mul(2).min(millis(rule.most).max(self.pause));
        Conclusion::ReadAgain(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OwnerRef;
    use crate::vendor::{ErrorKind, VendorError};
    use proptest::prelude::*;

    const RULE: Settle = Settle {
        first: Duration::from_secs(1),
        most: Duration::from_secs(8),
        deadline: Duration::from_secs(30),
        late: Duration::from_secs(5),
        doubted: 0,
    };

    fn owner(id: &str) -> Assignment {
        Assignment::Owner(OwnerRef::with_id(id))
    }

    fn a_finding() -> impl Strategy<Value = Finding> {
        let unread = |kind| Finding::Unread(VendorError::new(kind, "no"));
        prop_oneof![
            2 => Just(Finding::Done),
            4 => Just(Finding::NotApplied),
            2 => Just(Finding::Changed(owner("cid"))),
            1 => Just(Finding::LooksTheSame),
            1 => Just(Finding::NoSuchLead),
            2 => Just(Finding::CannotTell(owner("ann"))),
            4 => prop::sample::select(vec![ErrorKind::Server, ErrorKind::Unreachable, ErrorKind::Wait]).prop_map(unread),
            1 => prop::sample::select(vec![ErrorKind::SignIn, ErrorKind::Refused]).prop_map(unread),
        ]
    }

    /// What a sequence of readings leads to: each with when it was made, and the conclusion.
    async fn settled(rule: &Settle, chance: Chance, findings: &[Finding]) -> (Vec<(Duration, Finding)>, ItemState) {
        let mut lookup = Open::new(0, 0, chance, Instant::now(), rule);
        let (begin, mut read) = (lookup.lost_at, Vec::new());
        // What is read last is read for ever.
        for n in 0.. {
            let found = findings[n.min(findings.len() - 1)].clone();
            tokio::time::sleep_until(lookup.due()).await;
            lookup.last = lookup.is_over(rule);
            read.push((begin.elapsed(), found.clone()));
            match conclude(rule, &owner("ann"), "the line was cut", lookup, found) {
                Conclusion::Settled(news) => return (read, news.to),
                Conclusion::ReadAgain(again) => lookup = again,
            }
            assert!(n < 100, "it never ends");
        }
        unreachable!()
    }

    proptest! {
        #[test]
        fn nothing_is_concluded_that_the_readings_do_not_say(
            findings in prop::collection::vec(a_finding(), 1..12),
            chance in prop::sample::select(vec![Chance::None, Chance::Soon, Chance::Queued]),
            doubted in 0..3_u32,
        ) {
            let rule = Settle { doubted, ..RULE };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let (read, state) = runtime.block_on(settled(&rule, chance, &findings));
            let (at, last) = read.last().unwrap();
            // It ends soon after the deadline at the latest.
            prop_assert!(*at <= RULE.deadline + RULE.most + RULE.late + RULE.first * doubted, "{at:?}");
            let not_ours = |found: &Finding| matches!(found, Finding::NotApplied | Finding::Changed(_));
            match state {
                ItemState::Done => prop_assert_eq!(last, &Finding::Done),
                ItemState::ChangedByOthers => prop_assert!(matches!(last, Finding::Changed(_))),
                ItemState::Failed => prop_assert!(matches!(last, Finding::NotApplied | Finding::NoSuchLead)),
                ItemState::Unknown => prop_assert!(*last != Finding::Done),
                other => prop_assert!(false, "{other}"),
            }
            // What may still come is not called failed after one look, nor what waits in a queue before its time is over.
            let decided_against = matches!(state, ItemState::Failed | ItemState::ChangedByOthers) && not_ours(last);
            if decided_against && chance == Chance::Soon {
                let since = read.iter().rev().take_while(|(_, found)| not_ours(found)).last().unwrap().0;
                prop_assert!(*at - since >= RULE.late, "{read:?}");
            }
            if decided_against && chance != Chance::Queued {
                let against = read.iter().filter(|(_, found)| not_ours(found)).count();
                prop_assert!(against > doubted as usize, "{read:?}");
            }
            if decided_against && chance == Chance::Queued {
                prop_assert!(state == ItemState::ChangedByOthers && *at >= RULE.deadline, "{read:?}");
            }
            // What waits in a queue is given all of its time.
            let gone_or_refused = matches!(last, Finding::NoSuchLead | Finding::LooksTheSame | Finding::Unread(_));
            if state == ItemState::Unknown && chance == Chance::Queued && !gone_or_refused {
                prop_assert!(*at >= RULE.deadline, "{read:?}");
            }
        }
    }
}
