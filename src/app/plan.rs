//! The plan on the screen: what exactly would change, and the question whether it should.

use std::sync::Arc;

use crate::domain::exchange::{Command, Problem};
use crate::domain::history::Touch;
use crate::domain::plan_file::PlanFile;
use crate::domain::planning::Wanted;
use crate::domain::{ChangeRef, OperationId, OperationKind, Plan, ProfileName, SafeText, SkipReason, SkipRef};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::field::TextField;
use super::job::{Destination, Job, PlanOrder, Radius, Review, Wish};
use super::layout;
use super::list::Scroll;
use super::notices::Level;
use super::picker::PickedLeads;
use super::plan_text::{PlanLine, summary};
use super::state::State;
use super::words;

/// A plan that is being made, or waits for yes or no.
#[derive(Clone, Debug)]
pub struct PlanDialog {
    pub stage: Stage,
    pub(super) origin: Origin,
    pub focus: PlanFocus,
    pub scroll: Scroll,
    pub note: TextField,
    /// The time of day before which nothing is sent; empty for at once.
    pub not_before: TextField,
    /// The count that a large plan asks for.
    pub count: TextField,
    pub include_closed: bool,
    /// It asks for its count.
    large: bool,
    /// It has been on the screen since it was ready.
    painted: bool,
}

/// How far the plan is.
#[derive(Clone, Debug)]
pub enum Stage {
    /// With the sentence that says what is being done for it.
    Making(String),
    Ready {
        plan: Arc<Plan>,
        review: Arc<Review>,
    },
}

/// What the plan was made from, so that it can be made again.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Assign {
        leads: PickedLeads,
        to: Destination,
    },
    Again {
        wanted: Vec<Wanted>,
    },
    /// Lists of a mapping operation that did not work. Made by the backend, which reads them.
    ListsAgain,
    /// Made by the backend, which reads what is there now; with the operation where one was named.
    TakeBack {
        of: Option<OperationId>,
        /// Also what somebody else changed since.
        forced: bool,
    },
    /// From a plan file, once it was read.
    File {
        file: Option<Arc<PlanFile>>,
    },
    /// What is painted in the grids of a profile.
    Painting,
}

/// What Enter would do. Cancel has the focus first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanFocus {
    #[default]
    Cancel,
    Apply,
    /// The count of a large plan is being typed.
    Count,
    Note,
    /// The time before which nothing is to be sent.
    NotBefore,
}

/// The most room a plan takes.
const WIDTH: u16 = 100;
const HEIGHT: u16 = 42;

impl PlanDialog {
    pub(super) fn new(origin: Origin, what: String) -> Self {
        Self {
            stage: Stage::Making(what),
            origin,
            focus: PlanFocus::Cancel,
            scroll: Scroll::default(),
            note: TextField::default(),
            not_before: TextField::default(),
            count: TextField::default(),
            include_closed: false,
            large: false,
            painted: false,
        }
    }

    /// It came from a plan file.
    pub fn is_from_file(&self) -> bool {
        matches!(self.origin, Origin::File { .. })
    }

    pub fn is_large(&self) -> bool {
        self.large
    }

    /// A field has the focus.
    pub fn is_typing(&self) -> bool {
        matches!(self.focus, PlanFocus::Note | PlanFocus::Count | PlanFocus::NotBefore)
            && matches!(self.stage, Stage::Ready { .. })
    }

    pub(super) fn field(&mut self) -> Option<&mut TextField> {
        match self.focus {
            PlanFocus::Note => Some(&mut self.note),
            PlanFocus::Count => Some(&mut self.count),
            PlanFocus::NotBefore => Some(&mut self.not_before),
            PlanFocus::Cancel | PlanFocus::Apply => None,
        }
    }

    pub fn review(&self) -> Option<&Review> {
        match &self.stage {
            Stage::Ready { review, .. } => Some(review),
            Stage::Making(_) => None,
        }
    }

    fn changes(&self) -> usize {
        self.review().map_or(0, |review| review.changes)
    }

    /// The title of the dialog: what kind of plan it is.
    pub fn title(&self) -> &'static str {
        match (&self.stage, &self.origin) {
            (Stage::Ready { plan, .. }, _) if plan.kind == OperationKind::Undo => "Plan: undo",
            (Stage::Ready { plan, .. }, _) if plan.kind == OperationKind::Redo => "Plan: redo",
            (_, Origin::File { .. }) => "Plan from a file",
            (_, Origin::TakeBack { .. }) => "Plan: take back",
            (_, Origin::Again { .. } | Origin::ListsAgain) => "Plan: try again",
            (_, Origin::Assign { .. } | Origin::Painting) => "Plan",
        }
    }

    /// The buttons and fields in the order in which they are gone through.
    fn order(&self) -> &'static [PlanFocus] {
        match (self.changes(), self.large) {
            (0, _) => &[PlanFocus::Cancel],
            (_, true) => &[PlanFocus::Cancel, PlanFocus::Count, PlanFocus::Note, PlanFocus::NotBefore],
            (_, false) => &[PlanFocus::Cancel, PlanFocus::Apply, PlanFocus::Note, PlanFocus::NotBefore],
        }
    }

    fn go(&mut self, forward: bool) {
        let order = self.order();
        let at = order.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = order[(at + if forward { 1 } else { order.len() - 1 }) % order.len()];
    }

    /// Where it is on a screen of this size: as high as it has something to say.
    pub fn layout(&self, size: (u16, u16)) -> layout::Dialog {
        // On a low screen the note has a line only while it is written.
        let writing = matches!(self.focus, PlanFocus::Note | PlanFocus::NotBefore);
        let foot = if size.1 < 16 && !writing { 1 } else { 2 };
        let widest = layout::dialog(size, WIDTH, HEIGHT, 0, foot);
        let rows = self.rows(self.lines(usize::from(widest.body.width)).len());
        // A line of air between what is said and what is asked.
        let height = u16::try_from(rows + 1).unwrap_or(HEIGHT).max(8) + foot;
        layout::dialog(size, WIDTH, height.min(HEIGHT), 0, foot)
    }

    /// The summary's lines for a body of this width.
    pub fn lines(&self, width: usize) -> Vec<PlanLine> {
        match &self.stage {
            Stage::Making(what) => vec![PlanLine::text(what.clone())],
            Stage::Ready { review, .. } => summary(review, width),
        }
    }

    /// What can be scrolled through: the summary, then every change, then every skip.
    pub fn row(&self, lines: &[PlanLine], at: usize) -> Option<PlanRow<'_>> {
        let Some(mut at) = at.checked_sub(lines.len()) else { return Some(PlanRow::Summary(at)) };
        let Stage::Ready { plan, .. } = &self.stage else { return None };
        for part in &plan.parts {
            if let Some(change) = part.changes.get(at) {
                return Some(PlanRow::Change(&part.profile, change));
            }
            at -= part.changes.len();
        }
        if plan.skips() > 0 {
            at = match at.checked_sub(2) {
                Some(at) => at,
                None => return Some(if at == 0 { PlanRow::Blank } else { PlanRow::SkipsHeading(plan.skips()) }),
            };
        }
        for part in &plan.parts {
            if let Some(skip) = part.skips.get(at) {
                return Some(PlanRow::Skip(&part.profile, skip));
            }
            at -= part.skips.len();
        }
        None
    }

    /// Why a target is left alone. Where something is taken back by others' leave, its three values say it best.
    pub fn reason_of(&self, skip: SkipRef<'_>) -> String {
        let taking_back = matches!(&self.stage, Stage::Ready { plan, .. } if matches!(plan.kind, OperationKind::Undo | OperationKind::Redo));
        match skip.reason {
            SkipReason::Drift { was, now } if taking_back => {
                format!("was {}, wrote {was}, now {now}: changed by someone else", skip.after.label())
            }
            reason => reason.to_string(),
        }
    }

    /// How many rows [`row`](Self::row) knows.
    pub fn rows(&self, lines: usize) -> usize {
        let Some(review) = self.review() else { return lines };
        lines + review.changes + if review.skips > 0 { review.skips + 2 } else { 0 }
    }
}

/// One row of the plan's page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanRow<'a> {
    /// A line of the summary, by number.
    Summary(usize),
    Change(&'a ProfileName, ChangeRef<'a>),
    Blank,
    SkipsHeading(usize),
    Skip(&'a ProfileName, SkipRef<'a>),
}

impl State {
    /// Makes the plan of an assignment and shows it.
    pub(super) fn plan_assignment(&mut self, leads: PickedLeads, to: Destination) {
        let count = words::counted(self.leads_len(&leads), "lead");
        let what = format!("Making the plan for {count}");
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::Assign { leads, to }, what))));
        self.order_plan();
    }

    /// Makes a plan that does again what did not work, and shows it.
    pub(super) fn plan_again(&mut self, wanted: Vec<Wanted>) {
        let leads = wanted.iter().map(|wanted| wanted.leads.len()).sum();
        let what = format!("Making the plan for {}", words::counted(leads, "lead"));
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::Again { wanted }, what))));
        self.order_plan();
    }

    /// Has the backend plan again what failed or was not sent of a mapping operation.
    pub(super) fn plan_lists_again(&mut self, operation: OperationId) {
        let what = "Reading who dials the lists now that did not work, to plan them again".to_owned();
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::ListsAgain, what))));
        self.emit(Effect::Send(Command::PlanListsAgain { operation }));
    }

    /// Makes the plan of everything that is painted and shows it.
    pub(super) fn plan_mapping(&mut self, lists: usize) {
        let what = format!("Making the plan for {}", words::counted(lists, "list"));
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::Painting, what))));
        self.order_plan();
    }

    /// Has the backend make the plan that takes something back, and shows it when it comes.
    pub(super) fn plan_undo(&mut self, command: Command) {
        let (of, what) = match &command {
            Command::PlanUndo { operations, .. } => (operations.first().cloned(), "what this operation wrote"),
            Command::PlanForcedUndo { operation, .. } => (Some(operation.clone()), "what this operation wrote"),
            Command::PlanUndoSince { .. } => (None, "what was done since then"),
            Command::PlanNewestUndo { redo: true } => (None, "what the newest undo wrote"),
            _ => (None, "what the newest operation wrote"),
        };
        let forced = matches!(command, Command::PlanForcedUndo { .. });
        let what = format!("Reading who has the leads now, to take back {what}");
        self.dialogs.push(Dialog::Plan(Box::new(PlanDialog::new(Origin::TakeBack { of, forced }, what))));
        self.emit(Effect::Send(command));
    }

    /// Orders the plan of the dialog on top (again): once it is known what was changed lately, where that matters.
    fn order_plan(&mut self) {
        self.order_waits = self.ask_for_recent_changes();
        if !self.order_waits {
            self.order_plan_now();
        }
    }

    /// Asks the journal what was changed lately. False where nobody wants to know.
    pub(super) fn ask_for_recent_changes(&mut self) -> bool {
        let within = self.options.recent_changes;
        if within.is_zero() {
            return false;
        }
        self.emit(Effect::Send(Command::RecentChanges { within }));
        true
    }

    pub(super) fn recent_changes_told(&mut self, touched: Arc<Vec<Touch>>) {
        self.touched = touched;
        if std::mem::take(&mut self.order_waits) {
            self.order_plan_now();
        }
    }

    /// What a plan is held against.
    pub(super) fn radius(&self) -> Radius {
        let (caps, within) = (self.options.caps.clone(), self.options.recent_changes);
        Radius { caps, touched: self.touched.clone(), within }
    }

    pub(super) fn order_plan_now(&mut self) {
        self.generation += 1;
        let Some(Dialog::Plan(dialog)) = self.dialogs.last() else { return };
        let wish = match &dialog.origin {
            Origin::Assign { leads, to } => Wish::Assign { targets: self.targets(leads), to: to.clone() },
            Origin::Again { wanted } => Wish::Again(wanted.clone()),
            Origin::Painting => {
                self.plan_generation = self.generation;
                if let Some(order) = self.mapping_order(self.generation) {
                    self.emit(Effect::Work(Job::PlanMapping(Box::new(order))));
                }
                return;
            }
            Origin::TakeBack { .. } | Origin::File { .. } | Origin::ListsAgain => return,
        };
        self.plan_generation = self.generation;
        let order = PlanOrder {
            generation: self.generation,
            wish,
            include_closed: dialog.include_closed,
            now: self.now,
            snapshot: self.profiles.snapshot(),
            visible: self.leads.shown.rows.clone(),
            people: self.profiles.people(),
            capabilities: self.profiles.capabilities(),
            read_at: self.profiles.read_at(),
            read_only: self.profiles.iter().filter(|p| p.read_only).map(|p| p.name.clone()).collect(),
            radius: self.radius(),
        };
        self.emit(Effect::Work(Job::MakePlan(Box::new(order))));
    }

    /// The backend has made the plan that takes something back. One that was given up meanwhile is dropped.
    pub(super) fn undo_planned(&mut self, asked: Option<&OperationId>, plan: Arc<Plan>) {
        let waits = |dialog: &Dialog| match dialog {
            Dialog::Plan(dialog) => match (&dialog.stage, &dialog.origin) {
                // What was asked for decides: the plan may be about the redo of it.
                (Stage::Making(_), Origin::TakeBack { of, .. }) => of.as_ref() == asked,
                (Stage::Making(_), Origin::ListsAgain) => plan.kind == OperationKind::Map,
                _ => false,
            },
            _ => false,
        };
        if !self.dialogs.iter().any(waits) {
            return;
        }
        self.review_plan(plan);
    }

    pub(super) fn undo_not_planned(&mut self, problem: &Problem) {
        let waits = |dialog: &Dialog| matches!(dialog, Dialog::Plan(plan) if matches!((&plan.stage, &plan.origin), (Stage::Making(_), Origin::TakeBack { .. } | Origin::File { .. } | Origin::ListsAgain)));
        self.dialogs.retain(|dialog| !waits(dialog));
        self.notices.say(self.now, Level::Warning, &problem.to_string());
    }

    /// The plan is there.
    pub(super) fn planned(&mut self, generation: u64, plan: Arc<Plan>, mut review: Arc<Review>) {
        if generation != self.plan_generation {
            return;
        }
        let is_meant =
            |dialog: &Dialog| matches!(dialog, Dialog::Plan(dialog) if matches!(dialog.stage, Stage::Making(_)));
        let Some(at) = self.dialogs.iter().position(is_meant) else { return };
        let Dialog::Plan(mut dialog) = std::mem::replace(&mut self.dialogs[at], Dialog::Busy) else { return };
        let mut more: Vec<String> = self.needs_approval(&dialog, review.changes).into_iter().collect();
        if let Origin::File { file: Some(file) } = &dialog.origin {
            // What was worth a look then is not said as if it were so now.
            let then = file.findings.iter().map(ToString::to_string).filter(|then| !review.findings.contains(then));
            more.extend(then.map(|then| format!("When it was saved: {then}")));
        }
        if !more.is_empty() {
            Arc::make_mut(&mut review).findings.extend(more);
        }
        let forced = matches!(dialog.origin, Origin::TakeBack { forced: true, .. });
        let worth_a_look = forced || !review.findings.is_empty();
        dialog.large = review.changes >= self.options.large_plan.max(1) || (worth_a_look && review.changes > 0);
        dialog.painted = false;
        dialog.focus = PlanFocus::Cancel;
        dialog.stage = Stage::Ready { plan, review };
        self.dialogs[at] = Dialog::Plan(dialog);
    }

    pub(super) fn act_in_plan(&mut self, dialog: &mut PlanDialog, action: Action) -> After {
        let body = dialog.layout(self.size).body;
        match action {
            Action::SavePlan => self.save_plan(dialog),
            Action::Back if dialog.is_typing() => dialog.focus = PlanFocus::Cancel,
            Action::Back => return self.refuse(),
            Action::Accept => match dialog.focus {
                PlanFocus::Cancel => return self.refuse(),
                PlanFocus::Apply | PlanFocus::Count => return self.apply(dialog),
                PlanFocus::Note | PlanFocus::NotBefore => dialog.focus = PlanFocus::Cancel,
            },
            Action::Apply if dialog.large => dialog.focus = PlanFocus::Count,
            Action::Apply => return self.apply(dialog),
            Action::Note => dialog.focus = PlanFocus::Note,
            Action::NotBefore => dialog.focus = PlanFocus::NotBefore,
            Action::NextField | Action::CursorRight => dialog.go(true),
            Action::PreviousField | Action::CursorLeft => dialog.go(false),
            Action::ToggleClosed => {
                dialog.include_closed = !dialog.include_closed;
                dialog.stage = Stage::Making("Making the plan again".to_owned());
                self.replan = true;
            }
            action => {
                let lines = dialog.lines(usize::from(body.width)).len();
                dialog.scroll.act(action, dialog.rows(lines), usize::from(body.height));
            }
        }
        After::Stay
    }

    /// The plan on top was changed in a way that asks for a new one.
    pub(super) fn replan(&mut self) {
        if std::mem::take(&mut self.replan) {
            self.order_plan();
        }
    }

    fn refuse(&mut self) -> After {
        self.say(Level::Info, "Nothing was sent");
        After::Close
    }

    /// Yes.
    fn apply(&mut self, dialog: &mut PlanDialog) -> After {
        if let Some(why) = self.why_not_apply(dialog) {
            self.say(Level::Info, &why);
            return After::Stay;
        }
        let Stage::Ready { plan, review } = &mut dialog.stage else { return After::Stay };
        let note = dialog.note.text().trim();
        if !note.is_empty() {
            Arc::make_mut(plan).note = Some(SafeText::new(note));
        }
        let (plan, does) = (plan.clone(), review.does.clone());
        let later = dialog.not_before.text().trim().to_owned();
        if !later.is_empty() && !dialog.is_from_file() {
            if let Origin::Assign { leads, to } = &dialog.origin {
                self.remember_assignment(leads, to, &plan, dialog.include_closed, note);
            }
            return self.wait_with(&later, plan, does);
        }
        if let Origin::File { file: Some(file) } = &dialog.origin
            && let Some(time) = file.not_before.filter(|time| *time > self.now)
        {
            return self.wait_until(time, plan, does, Some(file.clone()));
        }
        self.plan_confirmed(plan.clone(), does);
        match &dialog.origin {
            Origin::File { file: Some(file) } => {
                self.emit(Effect::Send(Command::ApplyFile { file: file.clone(), plan }));
            }
            Origin::Assign { leads, to } => {
                self.remember_assignment(leads, to, &plan, dialog.include_closed, note);
                self.emit(Effect::Send(Command::Apply { plan }));
            }
            _ => self.emit(Effect::Send(Command::Apply { plan })),
        }
        self.say(Level::Info, "The plan is written into the journal, then it is sent");
        After::Close
    }

    /// A digit pressed where a large plan asks for its count begins that count. False where it does not.
    pub(super) fn begin_count(&mut self, key: &str) -> bool {
        let ([b'0'..=b'9'], Some(Dialog::Plan(dialog))) = (key.as_bytes(), self.dialogs.last_mut()) else {
            return false;
        };
        // One that was typed ahead is no answer to a question that nobody has seen.
        if !dialog.large || !dialog.painted || dialog.changes() == 0 {
            return false;
        }
        dialog.focus = PlanFocus::Count;
        self.edit_text(|field| field.insert(key));
        true
    }

    /// Why the plan cannot be applied as things are.
    pub(super) fn why_not_apply(&self, dialog: &PlanDialog) -> Option<String> {
        let because = |why: &str| Some(why.to_owned());
        let changes = dialog.changes();
        match &dialog.stage {
            Stage::Making(_) => because("The plan is still being made"),
            Stage::Ready { .. } if changes == 0 => because("There is nothing to change"),
            Stage::Ready { .. } if self.needs_approval(dialog, changes).is_some() => {
                self.needs_approval(dialog, changes)
            }
            // Keys that were typed ahead are no answer to a question that nobody has seen.
            Stage::Ready { .. } if !dialog.painted => because("The plan was not on the screen yet"),
            Stage::Ready { .. } if dialog.large && dialog.focus == PlanFocus::Count => {
                let typed: String = dialog.count.text().chars().filter(|c| !matches!(c, ',' | ' ' | '.')).collect();
                let right = typed == changes.to_string();
                (!right).then(|| format!("Type {} to apply this plan", words::number(changes)))
            }
            Stage::Ready { .. } => None,
        }
    }

    /// Why closed leads cannot be included in (or left out of) this plan.
    pub(super) fn why_not_replan(&self, dialog: &PlanDialog) -> Option<String> {
        let closed = |plan: &Plan| {
            let closed = |reason: &SkipReason| matches!(reason, SkipReason::Closed | SkipReason::Deleted);
            plan.parts.iter().any(|part| part.skips.reasons().iter().any(closed))
        };
        match (&dialog.stage, &dialog.origin) {
            (Stage::Making(_), _) => Some("The plan is still being made".to_owned()),
            (_, Origin::Painting | Origin::ListsAgain) => Some("There are no closed leads in this plan".to_owned()),
            (_, Origin::TakeBack { .. }) => Some("Closed leads are taken back like all others".to_owned()),
            (_, Origin::File { .. }) => Some("A plan from a file is applied as it was made".to_owned()),
            (Stage::Ready { plan, .. }, _) if !dialog.include_closed && !closed(plan) => {
                Some("There are no closed leads in this plan".to_owned())
            }
            _ => None,
        }
    }

    /// What was asked has been on the screen.
    pub(super) fn painted(&mut self) {
        if let Some(Dialog::Plan(dialog)) = self.dialogs.last_mut()
            && matches!(dialog.stage, Stage::Ready { .. })
        {
            dialog.painted = true;
        }
    }

    /// Something must have been on the screen before it can be confirmed: send
    /// [`Message::Painted`](super::Message::Painted) after the frame.
    pub fn awaits_paint(&self) -> bool {
        matches!(self.dialogs.last(), Some(Dialog::Plan(dialog)) if !dialog.painted && matches!(dialog.stage, Stage::Ready { .. }))
    }
}
