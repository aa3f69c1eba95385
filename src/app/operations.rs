//! The operations of this session: on the way, ended, and what became of their items.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::exchange::{Command, OperationProgress, PartProgress, Problem};
use crate::domain::history::{ItemRow, OperationSummary};
use crate::domain::selection::LeadKey;
use crate::domain::{ItemState, OperationId, OperationKind, Plan, Tally};

use super::confirm::What;
use super::dialog::Dialog;
use super::effect::Effect;
use super::notices::Level;
use super::operation::OperationView;
use super::plan_text::what_it_does;
use super::state::State;
use super::window::WINDOW;
use super::words::{self, counted, number};

/// All operations that this session has seen running, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    all: Vec<Operation>,
    /// What is being gone on with, for operations of earlier sessions.
    titles: HashMap<OperationId, String>,
    /// Operations that were told to go on: their next progress is none that comes late.
    resumed: HashSet<OperationId>,
    /// What plans do that were confirmed and have not started yet: their dialogs said it.
    confirmed: Vec<(Arc<Plan>, String)>,
    gathering: Option<Gathering>,
    /// Operations whose unfinished items are still to be gathered.
    to_gather: Vec<OperationId>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Operation {
    pub id: OperationId,
    /// What it does, in one line.
    pub title: String,
    pub kind: Option<OperationKind>,
    pub progress: OperationProgress,
    pub ended: Option<Ended>,
    /// It was cut off before its end.
    pub is_lost: bool,
    /// Which leads it is about; dropped when its items are settled.
    plan: Option<Arc<Plan>>,
}

/// How an operation went.
#[derive(Clone, Debug)]
pub struct Ended {
    pub summary: OperationSummary,
    pub seconds: f64,
    pub requests: usize,
}

/// Reading all items of an operation, page by page, for those that are not done.
#[derive(Clone, Debug)]
struct Gathering {
    operation: OperationId,
    offset: usize,
    /// Items that are not done.
    open: Vec<ItemRow>,
    /// Items that are not done and not skipped: their leads stay marked.
    unfinished: HashSet<LeadKey>,
}

/// More items that are not done than this are counted, not listed.
const MOST_PROBLEMS: usize = 20_000;

/// A plan with at most this many changes is watched in the activity strip; a larger one opens its items.
const FEW: usize = 5;

/// Ended operations that are remembered here; the history has them all.
const MOST_ENDED: usize = 20;

impl Operation {
    /// Work on it is going on.
    pub fn is_running(&self) -> bool {
        self.ended.is_none() && !self.is_lost
    }
}

impl Operations {
    /// Operations that are on the way.
    pub fn running(&self) -> impl Iterator<Item = &Operation> {
        self.all.iter().filter(|operation| operation.is_running())
    }

    pub fn get(&self, id: &OperationId) -> Option<&Operation> {
        self.all.iter().find(|operation| operation.id == *id)
    }

    /// The newest, running or ended.
    pub fn newest(&self) -> Option<&Operation> {
        self.all.last()
    }

    /// Items whose request is on the way, and items that are not sent yet, of all operations.
    pub fn at_work(&self) -> (usize, usize) {
        self.running().fold((0, 0), |(sent, planned), operation| {
            (sent + operation.progress.in_flight, planned + operation.progress.tally.planned)
        })
    }

    fn entry(&mut self, id: &OperationId) -> &mut Operation {
        let at = self.all.iter().position(|operation| operation.id == *id).unwrap_or_else(|| {
            self.all.push(Operation {
                id: id.clone(),
                title: self.titles.remove(id).unwrap_or_else(|| format!("Operation {id}")),
                kind: None,
                progress: OperationProgress::default(),
                ended: None,
                is_lost: false,
                plan: None,
            });
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    /// Ended operations are forgotten here, oldest first.
    fn forget_old(&mut self) {
        let ended = self.all.iter().filter(|operation| operation.ended.is_some()).count();
        let mut too_many = ended.saturating_sub(MOST_ENDED);
        self.all.retain(|operation| {
            let old = too_many > 0 && operation.ended.is_some() && operation.plan.is_none();
            too_many -= usize::from(old);
            !old
        });
    }
}

/// `1,997 done, 2 failed, 1 unknown`: every state that occurs.
pub fn tally_words(tally: &Tally) -> String {
    let states = [
        (tally.done, ItemState::Done),
        (tally.failed, ItemState::Failed),
        (tally.unknown, ItemState::Unknown),
        (tally.changed_by_others, ItemState::ChangedByOthers),
        (tally.skipped, ItemState::Skipped),
        (tally.not_sent, ItemState::NotSent),
        (tally.sent, ItemState::Sent),
        (tally.planned, ItemState::Planned),
    ];
    let said: Vec<String> = states
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{} {}", number(*count), state.label()))
        .collect();
    if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") }
}

/// `sales 1,200 of 2,000 done, 3 failed; shop 0 of 9 done (waits for the rate limit)`: each profile's share.
pub fn part_words(parts: &[PartProgress]) -> String {
    let one = |part: &PartProgress| {
        let tally = &part.tally;
        let mut said = format!("{} {} of {} done", part.profile, number(tally.done), number(tally.total()));
        for (count, word) in [
            (tally.failed, "failed"),
            (tally.unknown, "unknown"),
            (tally.skipped + tally.changed_by_others, "skipped"),
            (tally.not_sent, "not sent"),
        ] {
            if count > 0 {
                said += &format!(", {} {word}", number(count));
            }
        }
        if !part.trouble.is_empty() {
            said += &format!(" ({})", crate::domain::SafeText::new(&part.trouble));
        }
        said
    };
    parts.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Items that did not come out as wanted and may be tried again.
pub(super) fn is_unfinished(state: ItemState) -> bool {
    matches!(state, ItemState::Failed | ItemState::Unknown | ItemState::NotSent | ItemState::Planned | ItemState::Sent)
}

impl State {
    pub(super) fn operation_started(&mut self, id: OperationId, plan: Arc<Plan>) {
        let confirmed = &mut self.operations.confirmed;
        let said = confirmed.iter().position(|(known, _)| Arc::ptr_eq(known, &plan)).map(|at| confirmed.remove(at).1);
        // Of one that is gone on with the plan is only what is left of it: it keeps the name that it has.
        let goes_on = self.operations.resumed.contains(&id);
        let operation = self.operations.entry(&id);
        match said {
            Some(said) => operation.title = said,
            None if goes_on => {}
            None => operation.title = what_it_does(&plan),
        }
        operation.kind = Some(plan.kind);
        operation.progress.tally.planned = plan.changes();
        operation.progress.tally.skipped = plan.skips();
        self.matrix_started(&id, &plan);
        let operation = self.operations.entry(&id);
        let few = plan.changes() <= FEW;
        operation.plan = Some(plan);
        self.history_changed();
        // Who is in the middle of something else is not interrupted.
        if !few && self.dialogs.is_empty() {
            self.watch(&id);
        }
    }

    /// A plan was confirmed: its operation will be called what its dialog said.
    pub(super) fn plan_confirmed(&mut self, plan: Arc<Plan>, does: String) {
        let confirmed = &mut self.operations.confirmed;
        // Plans that never start are few; the newest are enough.
        if confirmed.len() == MOST_ENDED {
            confirmed.remove(0);
        }
        confirmed.push((plan, does));
    }

    pub(super) fn operation_progressed(&mut self, id: &OperationId, progress: OperationProgress) {
        let goes_on = self.operations.resumed.remove(id);
        let operation = self.operations.entry(id);
        if goes_on {
            (operation.ended, operation.is_lost) = (None, false);
        }
        // A late word about an operation that has ended changes nothing.
        if operation.is_running() {
            operation.progress = progress;
            self.items_changed(id);
            self.leaving_question_follows();
        }
    }

    /// An operation was cut off in this session. It can be resumed, as after a crash.
    pub(super) fn operation_lost(&mut self, id: &OperationId, problem: &Problem) {
        self.matrix_ended(id);
        self.operations.entry(id).is_lost = true;
        self.notices.problem(self.now, problem);
        self.items_changed(id);
        self.history_changed();
        self.leaving_question_follows();
    }

    pub(super) fn operation_ended(&mut self, summary: OperationSummary, seconds: f64, requests: usize) {
        let id = summary.id.clone();
        self.matrix_ended(&id);
        let operation = self.operations.entry(&id);
        let tally = summary.tally;
        operation.progress.tally = tally;
        operation.progress.in_flight = 0;
        operation.kind = Some(summary.kind);
        operation.is_lost = false;
        operation.ended = Some(Ended { summary, seconds, requests });
        let unfinished = tally.failed + tally.unknown + tally.not_sent + tally.planned + tally.sent;
        let level = match (unfinished, tally.skipped + tally.changed_by_others) {
            (0, 0) => Level::Done,
            (0, _) => Level::Warning,
            _ if tally.failed + tally.unknown > 0 => Level::Error,
            _ => Level::Warning,
        };
        let (title, how) = (&operation.title, tally_words(&tally));
        // A line of the screen may end before the rest: what did not go as planned comes first.
        let text = if level == Level::Done { format!("{title}: {how}") } else { format!("{how}: {title}") };
        self.say(level, &text);
        if unfinished == 0 {
            self.unmark_done(&id, &HashSet::new());
        } else {
            self.gather(id.clone());
        }
        self.items_changed(&id);
        self.history_changed();
        self.leaving_question_follows();
        self.operations.forget_old();
    }

    /// What to call an operation of an earlier session when it is gone on with.
    pub(super) fn name_operation(&mut self, summary: &OperationSummary, settle_only: bool) {
        let at = words::clock(summary.at, self.now, &self.options.zone);
        let how = if settle_only { "Settle" } else { "Go on with" };
        let title = format!("{how} {} of {at}", summary.kind);
        self.operations.titles.insert(summary.id.clone(), title);
    }

    /// Settles an operation that was cut off, and goes on with it where that is asked for.
    pub(super) fn resume(&mut self, operation: OperationId, settle_only: bool) {
        self.operations.resumed.insert(operation.clone());
        self.emit(Effect::Send(Command::Resume { operation, settle_only }));
        let text = if settle_only {
            "Reading back what became of what was sent"
        } else {
            "Reading back what became of what was sent; then the rest is sent"
        };
        self.say(Level::Info, text);
    }

    /// Asks whether an operation is to be given up: that cannot be taken back.
    pub(super) fn ask_to_give_up(&mut self, id: &OperationId, tally: &Tally) {
        let unsent = tally.planned + tally.not_sent;
        let question = format!(
            "Give this operation up? {} not sent will never be sent; what is done stays, and can be taken back.",
            counted(unsent, "item")
        );
        self.ask(question, "Keep it", "Give it up", What::GiveUp(id.clone()));
    }

    /// Nothing more of an operation is sent, for good.
    pub(super) fn give_up(&mut self, operation: OperationId) {
        self.operations.resumed.insert(operation.clone());
        for dialog in &mut self.dialogs {
            if let Dialog::Interrupted(offer) = dialog {
                offer.operations.retain(|open| open.id != operation);
            }
        }
        self.dialogs.retain(|dialog| !matches!(dialog, Dialog::Interrupted(offer) if offer.operations.is_empty()));
        self.emit(Effect::Send(Command::GiveUp { operation }));
        self.say(Level::Info, "Given up: nothing more is sent; what is not known yet is read back");
    }

    /// Hands out nothing new for now, or goes on.
    pub(super) fn pause(&mut self, id: &OperationId) {
        let progress = &mut self.operations.entry(id).progress;
        progress.paused = !progress.paused;
        let paused = progress.paused;
        self.emit(Effect::Send(Command::Pause { operation: id.clone(), paused }));
        let text = if paused { "Paused: what is in flight is awaited, nothing new is sent" } else { "Going on" };
        self.say(Level::Info, text);
    }

    /// Sends half or twice as fast. How fast that is, the next progress tells.
    pub(super) fn throttle(&mut self, id: &OperationId, slower: bool) {
        self.emit(Effect::Send(Command::Throttle { operation: id.clone(), slower }));
    }

    /// The journal could not be read: what was being gathered is given up.
    pub(super) fn stop_gathering(&mut self) {
        self.operations.gathering = None;
    }

    /// Takes the marks off the leads of an ended operation; those that did not work stay marked.
    fn unmark_done(&mut self, id: &OperationId, unfinished: &HashSet<LeadKey>) {
        let Some(plan) = self.operations.entry(id).plan.take() else { return };
        if matches!(plan.kind, OperationKind::Undo | OperationKind::Redo) {
            return;
        }
        let mut done = Vec::new();
        for part in &plan.parts {
            let targets = part.changes.iter().map(|change| change.target());
            for target in targets.chain(part.skips.iter().map(|skip| skip.target())) {
                let lead = LeadKey { profile: part.profile.clone(), id: target.into() };
                if self.leads.selection.contains(&lead) && !unfinished.contains(&lead) {
                    done.push(lead);
                }
            }
        }
        if !done.is_empty() {
            Arc::make_mut(&mut self.leads.selection).unmark(&done);
            // Some of them may have been hidden: they are counted again.
            self.search(super::leads::Why::NewLeads);
        }
    }

    /// Reads all items of an operation, to find those that are not done.
    pub(super) fn gather(&mut self, id: OperationId) {
        if !self.operations.to_gather.contains(&id) {
            self.operations.to_gather.push(id);
        }
        self.gather_next();
    }

    fn gather_next(&mut self) {
        if self.operations.gathering.is_some() || self.operations.to_gather.is_empty() {
            return;
        }
        let operation = self.operations.to_gather.remove(0);
        self.operations.gathering =
            Some(Gathering { operation: operation.clone(), offset: 0, open: Vec::new(), unfinished: HashSet::new() });
        self.emit(Effect::Send(Command::Items { operation, offset: 0, limit: PAGE }));
    }

    /// A page of items has arrived: for the gathering, for an open view, or for both.
    pub(super) fn items_arrived(&mut self, id: &OperationId, items: Vec<ItemRow>, total: usize, offset: usize) {
        self.gathered(id, &items, total, offset);
        for dialog in &mut self.dialogs {
            if let Dialog::Operation(view) = dialog
                && view.id == *id
            {
                view.items.arrived(offset, total, items);
                return;
            }
        }
    }

    fn gathered(&mut self, id: &OperationId, items: &[ItemRow], total: usize, offset: usize) {
        let Some(gathering) = &mut self.operations.gathering else { return };
        if gathering.operation != *id || gathering.offset != offset {
            return;
        }
        for item in items.iter().filter(|item| item.state != ItemState::Done) {
            if is_unfinished(item.state) {
                gathering.unfinished.insert(LeadKey { profile: item.profile.clone(), id: item.target.clone().into() });
            }
            if gathering.open.len() < MOST_PROBLEMS {
                gathering.open.push(item.clone());
            }
        }
        gathering.offset += items.len();
        if !items.is_empty() && gathering.offset < total {
            let (operation, offset) = (gathering.operation.clone(), gathering.offset);
            self.emit(Effect::Send(Command::Items { operation, offset, limit: PAGE }));
            return;
        }
        let Some(done) = self.operations.gathering.take() else { return };
        if self.operations.get(id).is_some_and(|operation| operation.ended.is_some()) {
            self.unmark_done(id, &done.unfinished);
        }
        for dialog in &mut self.dialogs {
            if let Dialog::Operation(view) = dialog
                && view.id == *id
            {
                view.problems = Some(done.open.clone());
            }
        }
        self.gather_next();
    }

    /// Opens the items of an operation.
    pub(super) fn watch(&mut self, id: &OperationId) {
        let summary =
            self.operations.get(id).and_then(|operation| operation.ended.as_ref()).map(|end| end.summary.clone());
        self.dialogs.push(Dialog::Operation(Box::new(OperationView::new(id.clone(), summary))));
    }

    /// What came out of an operation of an earlier session, profile by profile.
    pub(super) fn parts_arrived(&mut self, id: &OperationId, parts: Vec<PartProgress>) {
        for dialog in &mut self.dialogs {
            if let Dialog::Operation(view) = dialog
                && view.id == *id
            {
                view.parts = Some(parts);
                return;
            }
        }
    }

    /// Each profile's share of an operation, where there are several.
    pub fn parts_of<'a>(&'a self, view: &'a OperationView) -> &'a [PartProgress] {
        match self.operations.get(&view.id) {
            Some(operation) if !operation.progress.parts.is_empty() => &operation.progress.parts,
            _ => view.parts.as_deref().unwrap_or_default(),
        }
    }

    /// The activity strip's line about an operation, without its bar.
    pub fn stop_words(&self) -> String {
        let (in_flight, planned) = self.operations.at_work();
        format!("{} in flight, {} not sent", counted(in_flight, "item"), number(planned))
    }

    /// Hands out no new work in these operations.
    pub(super) fn stop(&mut self, ids: &[OperationId]) {
        for id in ids {
            self.operations.entry(id).progress.stopping = true;
            self.emit(Effect::Send(Command::Stop { operation: id.clone() }));
        }
        let dropped = self.drop_waiting();
        if ids.is_empty() && dropped {
            return;
        }
        let words = self.stop_words();
        self.say(Level::Warning, &format!("Stopping: {words}"));
    }

    /// Operations that are on the way and were not stopped yet.
    pub(super) fn stoppable(&self) -> Vec<OperationId> {
        self.operations.running().filter(|op| !op.progress.stopping).map(|op| op.id.clone()).collect()
    }
}

/// Items that are read at a time when all are read.
const PAGE: usize = WINDOW * 5;
