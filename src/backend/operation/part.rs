//! One profile's share of an operation: its items, their states, and when no more is handed out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::settling::{Earlier, Lookup, Settler};
use super::{News, Run};
use crate::backend::StopToken;
use crate::backend::desk::Desk;
use crate::backend::reader::passes;
use crate::domain::exchange::{PartProgress, Problem};
use crate::domain::planning::{self, Batches};
use crate::domain::{Assignment, Change, ChangeRef, ItemState, Plan, ReadBack, Tally};
use crate::journal::Move;
use crate::vendor::{ErrorKind, Session, Target, VendorError};

/// Of what is left in the end so many are recorded at a time: it may be most of a long operation.
const AT_A_TIME: usize = 2_000;

/// One profile's share of an operation.
pub struct Part {
    pub desk: Arc<Desk>,
    plan: Arc<Plan>,
    index: usize,
    seqs: Seqs,
    pub session: Session,
    /// Read everything again before it is sent, however fresh the plan says it is.
    pub read_again: bool,
    /// So many of the first items were sent earlier and are only to be settled.
    open: u32,
    /// Those, until they are handed to the settler.
    earlier: Mutex<Earlier>,
    states: Mutex<Vec<ItemState>>,
    /// Changes of sets that were sent as read right before, where that is other than the plan shows.
    as_sent: Mutex<HashMap<u32, Change>>,
    /// Nothing more goes to this profile.
    pub halt: StopToken,
    why_halted: Mutex<Option<Problem>>,
    troubles: AtomicU32,
}

/// The items' numbers in the journal.
pub enum Seqs {
    From(u32),
    List(Vec<u32>),
}

impl Part {
    pub fn new(desk: Arc<Desk>, plan: Arc<Plan>, index: usize, seqs: Seqs, session: Session) -> Self {
        let items = plan.parts.get(index).map_or(0, |part| part.changes.len());
        Self {
            desk,
            plan,
            index,
            seqs,
            session,
            read_again: false,
            open: 0,
            earlier: Mutex::default(),
            states: Mutex::new(vec![ItemState::Planned; items]),
            as_sent: Mutex::default(),
            halt: StopToken::new(),
            why_halted: Mutex::new(None),
            troubles: AtomicU32::new(0),
        }
    }

    /// Goes on with an operation that was cut off: the first items were sent before and are unknown, which are those of
    /// `earlier`; all others are read again before they are sent.
    pub fn continued(mut self, earlier: Earlier) -> Self {
        let states = self.states.get_mut().unwrap_or_else(PoisonError::into_inner);
        states.iter_mut().take(earlier.len()).for_each(|state| *state = ItemState::Unknown);
        self.open = earlier.len() as u32;
        self.earlier = Mutex::new(earlier);
        self.read_again = true;
        self
    }

    /// How many of the first items are only to be settled.
    pub fn open(&self) -> u32 {
        self.open
    }

    /// Items from `first` on, put together into requests.
    pub fn batches_from(&self, first: u32) -> Batches {
        let part = self.plan.parts.get(self.index);
        let rule = &self.desk.capabilities.batch;
        part.map_or(Batches::Single(0), |part| planning::batches_from(&part.changes, first as usize, rule))
    }

    /// A change as it was planned. Panics where there is none: items are numbers of changes.
    pub fn change(&self, item: u32) -> ChangeRef<'_> {
        self.plan.parts[self.index].changes.get(item as usize).expect("items are numbers of changes")
    }

    /// Remembers how a change is sent, where that may differ from the plan.
    pub fn note_sent(&self, item: u32, change: &Change) {
        if !matches!(change.after, Assignment::Agents(_)) {
            return;
        }
        let as_planned = self.change(item).to_change() == *change;
        let mut as_sent = self.as_sent.lock().unwrap_or_else(PoisonError::into_inner);
        if as_planned {
            as_sent.remove(&item);
        } else {
            as_sent.insert(item, change.clone());
        }
    }

    /// A change as it was sent; as planned where it was not sent in this run.
    pub fn sent(&self, item: u32) -> Change {
        let sent = self.as_sent.lock().unwrap_or_else(PoisonError::into_inner).get(&item).cloned();
        sent.unwrap_or_else(|| self.change(item).to_change())
    }

    /// What others did to a set between the plan and the sending, in words.
    pub fn meanwhile(&self, item: u32) -> Option<String> {
        let by_others = Assignment::set_difference(self.change(item).before, &self.sent(item).before)?;
        Some(format!("changed by someone else since it was shown: {by_others}; that was kept"))
    }

    pub fn target(&self, change: &Change) -> Target {
        Target {
            id: change.target.clone(),
            scope: change.scope.to_string(),
            candidates: vec![change.before.clone(), change.after.clone()],
        }
    }

    fn seq(&self, item: u32) -> u32 {
        match &self.seqs {
            Seqs::From(first) => first + item,
            Seqs::List(list) => list[item as usize],
        }
    }

    fn states(&self) -> MutexGuard<'_, Vec<ItemState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self, item: u32) -> ItemState {
        self.states()[item as usize]
    }

    /// The items in this state from `first` on, so many of them at most.
    fn items_in(&self, state: ItemState, first: u32, most: usize) -> Vec<u32> {
        let states = self.states();
        let left = (first..).zip(states.iter().skip(first as usize));
        left.filter(|(_, found)| **found == state).map(|(item, _)| item).take(most).collect()
    }

    /// Works until every item has its end.
    pub async fn work(self: Arc<Self>, run: Arc<Run>) {
        let earlier = std::mem::take(&mut *self.earlier.lock().unwrap_or_else(PoisonError::into_inner));
        let settler = Settler::start(self.clone(), run.clone(), earlier);
        self.hand_out(&run, &settler).await;
        // A client that broke leaves its items as sent.
        let broken: Vec<News> = self
            .items_in(ItemState::Sent, 0, usize::MAX)
            .into_iter()
            .map(|item| News::new(item, ItemState::Unknown).because("the vendor's client failed while it was sent"))
            .collect();
        for news in &broken {
            settler.settle(Lookup::late(news.item, "the vendor's client failed while it was sent"));
        }
        self.happened(&run, broken);
        settler.finish().await;
        let why = self.why_not_sent(&run);
        let not_sent = |item: &u32| News::new(*item, ItemState::NotSent).because(why.clone());
        let mut first = 0;
        loop {
            let rest = self.items_in(ItemState::Planned, first, AT_A_TIME);
            let Some(last) = rest.last() else { return };
            first = last + 1;
            self.happened(&run, rest.iter().map(not_sent).collect());
            run.scribe.caught_up().await;
        }
    }

    fn why_not_sent(&self, run: &Run) -> String {
        match self.halted() {
            Some(problem) => problem.what,
            None if run.stop.is_stopped() => "stopped before it was sent".to_owned(),
            None => "was not reached".to_owned(),
        }
    }

    /// No more work is handed out.
    pub fn is_over(&self, run: &Run) -> bool {
        run.stop.is_stopped() || self.halt.is_stopped() || run.scribe.is_lost()
    }

    /// Waits until no more work is to be handed out.
    pub async fn over(&self, run: &Run) {
        tokio::select! {
            () = run.stop.stopped() => {}
            () = self.halt.stopped() => {}
        }
    }

    pub fn halted(&self) -> Option<Problem> {
        self.why_halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the handing out. The first reason stays.
    pub fn halt(&self, why: Problem) {
        tracing::warn!(profile = %self.desk.name, why = %why.what, "nothing more is sent");
        self.why_halted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.halt.stop();
    }

    pub fn halt_by(&self, error: &VendorError) {
        self.halt(Problem::new(error.message.clone(), error.remedy.clone()));
    }

    /// Counts failures of the server or the line in a row; too many are an outage.
    pub fn note_trouble(&self, run: &Run, trouble: Option<ErrorKind>) {
        match trouble {
            Some(kind @ (ErrorKind::Unreachable | ErrorKind::Server)) => self.note_outage(run, kind),
            _ => self.troubles.store(0, Ordering::Relaxed),
        }
    }

    /// Counts a reading before a change that did not tell whether the change may be sent. Each costs all the patience
    /// there is, so a server that answers nothing of use is given up like one that fails.
    pub fn note_unread(&self, run: &Run, why: &VendorError) {
        if passes(why) && why.kind != ErrorKind::Wait {
            self.note_outage(run, why.kind);
        }
    }

    pub fn note_outage(&self, run: &Run, kind: ErrorKind) {
        let in_a_row = self.troubles.fetch_add(1, Ordering::Relaxed) + 1;
        if in_a_row >= run.tuning.outage_after {
            let what = match kind {
                ErrorKind::Server => "the server failed",
                ErrorKind::Garbled => "the answer made no sense",
                _ => "there was no answer",
            };
            self.halt(Problem::new(
                format!("{what} {in_a_row} times in a row; nothing more was sent to {}", self.desk.name),
                "Look whether it is up, then resume.",
            ));
        }
    }

    /// What the part waits for, in words for the progress line.
    pub fn waiting(&self) -> Option<String> {
        let pause = self.desk.gate.paused_for()?;
        let left = !self.states().iter().all(|state| state.is_settled());
        left.then(|| format!("{} asked for a pause of {} s", self.desk.name, pause.as_secs() + 1))
    }

    /// How far this profile's share is.
    pub fn progress(&self) -> PartProgress {
        let mut tally = Tally::default();
        for state in self.states().iter() {
            tally.add(*state, 1);
        }
        let skips = self.plan.parts.get(self.index).map_or(0, |part| part.skips.len());
        tally.add(ItemState::Skipped, skips);
        let trouble = self.halted().map(|problem| problem.what).or_else(|| self.waiting()).unwrap_or_default();
        PartProgress { profile: self.desk.name.clone(), tally, trouble }
    }

    /// Makes an intention durable. On false it must not be carried out.
    pub async fn intends(&self, run: &Run, news: Vec<News>) -> bool {
        match run.scribe.intend(self.moves(&news)).await {
            Ok(()) => {
                self.apply(run, &news);
                true
            }
            Err(lost) => {
                self.halt(Problem::new(
                    lost.to_string(),
                    "Nothing more was sent. Make the journal writable, then resume.",
                ));
                false
            }
        }
    }

    /// Records what happened and counts it.
    pub fn happened(&self, run: &Run, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        self.apply(run, &news);
        run.scribe.happened(self.moves(&news));
    }

    fn moves(&self, news: &[News]) -> Vec<Move> {
        news.iter()
            .map(|news| Move {
                seq: self.seq(news.item),
                to: news.to,
                reason: news.reason.as_deref().map(Into::into),
                now: news.now.clone(),
            })
            .collect()
    }

    fn apply(&self, run: &Run, news: &[News]) {
        let mut shifts = Vec::with_capacity(news.len());
        let mut now = Vec::new();
        {
            let mut states = self.states();
            for news in news {
                let state = &mut states[news.item as usize];
                shifts.push((*state, news.to));
                *state = news.to;
                let change = self.change(news.item);
                match (news.to, &news.now) {
                    (ItemState::Done, _) => now.push((change.target(), self.sent(news.item).after)),
                    (_, Some(read)) if read.is_known() => now.push((change.target(), read.clone())),
                    _ => {}
                }
            }
        }
        run.live.shift(shifts);
        self.desk.settled(now);
    }

    /// Whether this vendor's assignments can be read at all.
    pub fn is_readable(&self) -> bool {
        self.desk.capabilities.read_back != ReadBack::Never
    }
}
