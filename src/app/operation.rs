//! One operation with its items: was, wrote, now, state and reason. While it runs this is its progress, afterwards its
//! report.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::exchange::{Command, OperationProgress, PartProgress};
use crate::domain::history::{ItemRow, OperationLife, OperationSummary};
use crate::domain::planning::Wanted;
use crate::domain::{Assignment, ItemState, OperationId, OperationKind, ProfileName, SafeLines, Tally};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::history::is_open;
use super::list::ListCursor;
use super::operations::is_unfinished;
use super::state::State;
use super::window::{WINDOW, Window};

/// The items of one operation.
#[derive(Clone, Debug)]
pub struct OperationView {
    pub id: OperationId,
    /// As the history knows it; the session knows more while it runs.
    pub summary: Option<OperationSummary>,
    pub items: Window<ItemRow>,
    pub cursor: ListCursor,
    /// Only items that are not done are shown.
    pub only_problems: bool,
    /// Those items, once they are found.
    pub problems: Option<Vec<ItemRow>>,
    /// Items that an undo from here is limited to, by number.
    pub marked: BTreeSet<u32>,
    /// Each profile's share, where there are several and it was asked for.
    pub(super) parts: Option<Vec<PartProgress>>,
    /// The retry waits until the items to be tried again are found.
    pub(super) retry: bool,
}

impl OperationView {
    pub(super) fn new(id: OperationId, summary: Option<OperationSummary>) -> Self {
        Self {
            id,
            summary,
            items: Window::default(),
            cursor: ListCursor::default(),
            only_problems: false,
            problems: None,
            marked: BTreeSet::new(),
            parts: None,
            retry: false,
        }
    }

    /// How many items there are to scroll through.
    pub fn len(&self) -> usize {
        if self.only_problems { self.problems.as_ref().map_or(0, Vec::len) } else { self.items.len() }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn item(&self, at: usize) -> Option<&ItemRow> {
        if self.only_problems { self.problems.as_ref()?.get(at) } else { self.items.get(at) }
    }

    /// The items are on the way.
    pub fn is_loading(&self) -> bool {
        if self.only_problems { self.problems.is_none() } else { self.items.is_loading() }
    }
}

impl State {
    /// How many items of the operation are in which state.
    pub fn tally_of(&self, view: &OperationView) -> Tally {
        let running = self.operations.get(&view.id).map(|operation| operation.progress.tally);
        running.or(view.summary.as_ref().map(|summary| summary.tally)).unwrap_or_default()
    }

    /// The operation's kind, where it is known.
    pub fn kind_of(&self, view: &OperationView) -> Option<OperationKind> {
        let summary = view.summary.as_ref().map(|summary| summary.kind);
        summary.or_else(|| self.operations.get(&view.id)?.kind)
    }

    /// The operation is on the way in this session.
    pub fn is_running(&self, id: &OperationId) -> bool {
        self.operations.get(id).is_some_and(super::operations::Operation::is_running)
    }

    /// How it goes, while it runs in this session or after it did.
    pub(super) fn progress_of(&self, view: &OperationView) -> Option<&OperationProgress> {
        self.operations.get(&view.id).map(|operation| &operation.progress)
    }

    /// What the history or this session knows of it after its end.
    fn summary_of<'a>(&'a self, view: &'a OperationView) -> Option<&'a OperationSummary> {
        let ended = self.operations.get(&view.id).and_then(|operation| operation.ended.as_ref());
        ended.map(|ended| &ended.summary).or(view.summary.as_ref())
    }

    /// Something of it can be taken back: what is done, or what was applied in part.
    pub(super) fn has_undoable(&self, view: &OperationView) -> bool {
        self.summary_of(view).is_some_and(|summary| summary.standing() > 0)
    }

    /// Somebody decided not to go on with it.
    pub(super) fn is_given_up(&self, view: &OperationView) -> bool {
        self.summary_of(view).is_some_and(|summary| summary.life == OperationLife::GivenUp)
    }

    /// What happened to an operation of which nothing more is sent.
    pub(super) fn over_by(&self, view: &OperationView) -> Option<&'static str> {
        self.summary_of(view).and_then(|summary| summary.over_by())
    }

    pub(super) fn can_be_given_up(&self, view: &OperationView) -> bool {
        self.is_interrupted(view) && !self.is_given_up(view)
    }

    /// Items of the operation are not known or may still be sent, and nobody works on it.
    pub(super) fn is_interrupted(&self, view: &OperationView) -> bool {
        if let Some(operation) = self.operations.get(&view.id) {
            let tally = operation.progress.tally;
            let unsent = if self.over_by(view).is_some() { 0 } else { tally.not_sent + tally.planned };
            return !operation.is_running() && tally.unknown + tally.sent + unsent > 0;
        }
        view.summary.as_ref().is_some_and(is_open)
    }

    pub(super) fn wish_for_items(&mut self, view: &mut OperationView, height: usize) {
        if let Some(offset) = view.items.wish(view.cursor.top, height) {
            self.emit(Effect::Send(Command::Items { operation: view.id.clone(), offset, limit: WINDOW }));
        }
        let several = view.summary.as_ref().is_some_and(|summary| summary.parts.len() > 1);
        if several && view.parts.is_none() && self.operations.get(&view.id).is_none() {
            view.parts = Some(Vec::new());
            self.emit(Effect::Send(Command::Parts { operation: view.id.clone() }));
        }
    }

    /// Items of an operation have moved: open views read them again.
    pub(super) fn items_changed(&mut self, id: &OperationId) {
        for dialog in &mut self.dialogs {
            if let Dialog::Operation(view) = dialog
                && view.id == *id
            {
                view.items.outdate();
            }
        }
    }

    pub(super) fn act_in_operation(&mut self, view: &mut OperationView, action: Action) -> After {
        let height = usize::from(super::dialog::operation_layout(self.size).body.height);
        match action {
            Action::Back | Action::Accept => return After::Close,
            Action::Mark => {
                if let Some(seq) = view.item(view.cursor.at).map(|item| item.seq) {
                    if !view.marked.remove(&seq) {
                        view.marked.insert(seq);
                    }
                    view.cursor.act(Action::CursorDown, view.len(), height);
                }
            }
            Action::Undo => {
                let items = (!view.marked.is_empty()).then(|| view.marked.iter().copied().collect());
                self.plan_undo(Command::PlanUndo { operations: vec![view.id.clone()], items });
            }
            Action::ForceUndo => {
                let current = view.item(view.cursor.at).map(|item| item.seq);
                let items: Vec<u32> = match view.marked.is_empty() {
                    true => current.into_iter().collect(),
                    false => view.marked.iter().copied().collect(),
                };
                self.plan_undo(Command::PlanForcedUndo { operation: view.id.clone(), items });
            }
            Action::SaveRecipe => self.save_recipe(),
            Action::Stop => self.stop(std::slice::from_ref(&view.id)),
            Action::Pause => self.pause(&view.id),
            Action::Slower | Action::Faster => self.throttle(&view.id, action == Action::Slower),
            Action::GiveUp => {
                let tally = self.tally_of(view);
                self.ask_to_give_up(&view.id, &tally);
            }
            Action::OnlyProblems => {
                view.only_problems = !view.only_problems;
                view.cursor = ListCursor::default();
                if view.only_problems {
                    self.gather(view.id.clone());
                }
            }
            // Lists are read again by the backend, which knows what was wanted of each.
            Action::Retry if self.kind_of(view) == Some(OperationKind::Map) => {
                self.plan_lists_again(view.id.clone());
            }
            Action::Retry => match &view.problems {
                Some(problems) => {
                    let wanted = again(problems);
                    self.plan_again(wanted);
                }
                None => {
                    view.retry = true;
                    self.gather(view.id.clone());
                }
            },
            Action::Resume | Action::Settle => {
                if let Some(summary) = &view.summary {
                    self.name_operation(summary, action == Action::Settle);
                }
                self.resume(view.id.clone(), action == Action::Settle);
            }
            Action::Copy | Action::SaveFile => {
                let text = self.operation_text(view);
                self.hand_over(action, "operation", text);
            }
            action => {
                view.cursor.act(action, view.len(), height);
            }
        }
        After::Stay
    }

    /// Views that waited for their items to try them again.
    pub(super) fn retry_gathered(&mut self) {
        let waits =
            |dialog: &Dialog| matches!(dialog, Dialog::Operation(view) if view.retry && view.problems.is_some());
        let Some(Dialog::Operation(view)) = self.dialogs.iter_mut().find(|dialog| waits(dialog)) else { return };
        view.retry = false;
        let wanted = again(view.problems.as_deref().unwrap_or_default());
        if wanted.is_empty() {
            self.say(super::notices::Level::Info, "There is nothing to try again");
        } else {
            self.plan_again(wanted);
        }
    }

    /// The items that are here as text: for the clipboard or a file.
    fn operation_text(&self, view: &OperationView) -> SafeLines {
        let mut text = SafeLines::default();
        text.push(["target", "name", "was", "wrote", "now", "state", "reason"]);
        for item in (0..view.len()).filter_map(|at| view.item(at)) {
            let now = item.now.as_ref().map(Assignment::label).unwrap_or_default();
            let reason = item.reason.clone().unwrap_or_default();
            text.push([
                item.target.as_str(),
                item.name.as_str(),
                item.was.label().as_str(),
                item.wrote.label().as_str(),
                now.as_str(),
                item.state.label(),
                reason.as_str(),
            ]);
        }
        text
    }
}

/// What has to be planned to do again what did not work: leads by profile and by what they should have become.
pub(super) fn again(items: &[ItemRow]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut places: BTreeMap<(ProfileName, String), usize> = BTreeMap::new();
    for item in items.iter().filter(|item| is_unfinished(item.state) && item.state != ItemState::Unknown) {
        // Assignments have no order of their own: their text has.
        let key = (item.profile.clone(), format!("{:?}", item.wrote));
        let at = *places.entry(key).or_insert_with(|| {
            wanted.push(Wanted { profile: item.profile.clone(), leads: Vec::new(), to: item.wrote.clone() });
            wanted.len() - 1
        });
        wanted[at].leads.push(item.target.clone().into());
    }
    wanted
}
