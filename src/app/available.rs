//! What can be done right now, and why the rest cannot.

use std::borrow::Cow;

use crate::domain::history::{OperationLife, OperationSummary};
use crate::domain::{OperationKind, Tally};

use super::action::Action;
use super::context::Context;
use super::dialog::Dialog;
use super::history::is_open;
use super::lists::ListId;
use super::marking::is_move;
use super::plan::PlanFocus;
use super::state::State;
use super::words;

impl State {
    /// Whether an action exists at all where the person is: write actions do not in a read-only profile.
    pub fn exists(&self, action: Action) -> bool {
        !action.spec().dangerous || self.profiles.is_empty() || self.listed_profiles().any(|profile| !profile.read_only)
    }

    /// Why an action cannot be done right now, in a sentence; `None` when it can.
    pub fn why_not(&self, action: Action) -> Option<String> {
        self.why_not_under(self.context(), action)
    }

    /// The same for a place that help or the palette may lie over.
    pub fn why_not_under(&self, place: Context, action: Action) -> Option<String> {
        use Action::*;
        if !self.exists(action) {
            return Some(format!("{} is read-only: nothing can be changed here", self.list_label()));
        }
        let because = |why: &str| Some(why.to_owned());
        match action {
            Dismiss if self.notices.shown().is_none() => return because("There is no message to put away"),
            NextTheme if self.options.plain || self.options.no_color => {
                return because("There are no colours on this terminal");
            }
            _ => {}
        }
        let dialog = self.dialogs.iter().rev().find(|dialog| dialog.context() == place);
        match (place, dialog) {
            (Context::Campaigns | Context::Grid, _) => self.why_not_in_campaigns(action),
            (Context::Leads | Context::Lists | Context::Owners | Context::Filter, _) => {
                self.why_not_in_panes(place, action)
            }
            (_, Some(Dialog::Snapshots(_))) => match action {
                Accept | Mark | RestoreSnapshot if self.snapshots().is_empty() => because("No snapshot is kept yet"),
                _ => None,
            },
            (_, Some(Dialog::Plan(plan))) => match action {
                Apply if plan.is_large() && plan.focus != PlanFocus::Count => None,
                Apply => self.why_not_apply(plan),
                NotBefore if plan.is_from_file() => because("A plan from a file waits for the time that it says"),
                NotBefore if plan.review().is_none_or(|review| review.changes == 0) => {
                    because("There is nothing to change")
                }
                SavePlan if plan.review().is_none() => because("The plan is still being made"),
                Note if plan.review().is_none_or(|review| review.changes == 0) => because("There is nothing to change"),
                ToggleClosed => self.why_not_replan(plan),
                NextField | PreviousField if plan.review().is_none_or(|review| review.changes == 0) => {
                    because("There is only one button")
                }
                _ => None,
            },
            (_, Some(Dialog::Operation(view))) => {
                let running = self.is_running(&view.id);
                let kind = self.kind_of(view);
                let tally = self.tally_of(view);
                match action {
                    Stop if !running => because("The operation is not running"),
                    Stop if self.operations.get(&view.id).is_some_and(|op| op.progress.stopping) => {
                        because("It is being stopped already")
                    }
                    Pause | Slower | Faster if !running => because("The operation is not running"),
                    Pause | Slower | Faster if self.progress_of(view).is_some_and(|progress| progress.stopping) => {
                        because("It is being stopped already")
                    }
                    Faster if self.progress_of(view).is_none_or(|progress| progress.at_most.is_none()) => {
                        because("It goes at full speed")
                    }
                    GiveUp if running => because("The operation is still running: stop it first"),
                    GiveUp if !self.can_be_given_up(view) => because("There is nothing to give up"),
                    Resume if self.over_by(view).is_some() => self.over_by(view).map(stays_so),
                    Undo | Retry if running => because("The operation is still running"),
                    Undo if tally.done == 0 && !self.has_undoable(view) => because("Nothing of it was done"),
                    Undo if view.summary.as_ref().is_some_and(|summary| summary.to_take_back().is_empty()) => {
                        because("Nothing of it is left to take back")
                    }
                    // Its own items are over: those that stand are the redo's.
                    Undo if !view.marked.is_empty() => view.summary.as_ref().and_then(done_again_elsewhere),
                    ForceUndo if running => because("The operation is still running"),
                    ForceUndo if tally.done == 0 && !self.has_undoable(view) => because("Nothing of it was done"),
                    ForceUndo if view.is_empty() => because("There are no items here"),
                    SaveRecipe if !self.is_last_assignment(view) => because("It is not the last assignment of here"),
                    Retry if matches!(kind, Some(OperationKind::Undo | OperationKind::Redo)) => {
                        because("Undo the same operation again instead: only what is not taken back yet is planned")
                    }
                    Retry if !may_be_tried_again(kind, &tally) => because("There is nothing to try again"),
                    Resume | Settle if running => because("The operation is still running"),
                    Resume | Settle if !self.is_interrupted(view) => because("Nothing of it is open"),
                    Settle if !may_be_settled(&tally) => because(ALL_KNOWN),
                    Mark if view.is_empty() => because("There are no items here"),
                    _ => None,
                }
            }
            (_, Some(Dialog::History(pane))) => match (action, pane.current()) {
                (Accept | Undo | Retry | Resume | Settle | GiveUp, None) => because("There is no operation here"),
                (Redo | UndoSince, None) if pane.filter.is_empty() && !pane.operations.is_loading() => {
                    because("Nothing was changed from here yet")
                }
                (Undo, Some(operation)) if operation.to_take_back().is_empty() => {
                    because("Nothing of it is left to take back")
                }
                (Retry, Some(operation)) if matches!(operation.kind, OperationKind::Undo | OperationKind::Redo) => {
                    because("Undo the same operation again instead: only what is not taken back yet is planned")
                }
                (Retry, Some(operation)) if !may_be_tried_again(Some(operation.kind), &operation.tally) => {
                    because("There is nothing to try again")
                }
                (GiveUp, Some(operation)) if operation.life == OperationLife::Running => {
                    because("The operation is still running: stop it first")
                }
                (GiveUp, Some(operation)) if !is_open(operation) || operation.life == OperationLife::GivenUp => {
                    because("There is nothing to give up")
                }
                (Resume, Some(operation)) if operation.over_by().is_some() => operation.over_by().map(stays_so),
                (Resume | Settle, Some(operation)) if !is_open(operation) => because("Nothing of it is open"),
                (Settle, Some(operation)) if !may_be_settled(&operation.tally) => because(ALL_KNOWN),
                _ => None,
            },
            (_, Some(Dialog::Interrupted(offer))) => match (action, offer.operations.get(offer.cursor.at)) {
                (Undo, Some(operation)) if operation.tally.done == 0 && operation.standing() == 0 => {
                    because("Nothing of it was done yet")
                }
                (Undo, Some(operation)) if operation.to_take_back().is_empty() => {
                    because("Nothing of it is left to take back")
                }
                (Resume, Some(operation)) if operation.over_by().is_some() => operation.over_by().map(stays_so),
                _ => None,
            },
            _ => None,
        }
    }

    fn why_not_in_panes(&self, place: Context, action: Action) -> Option<String> {
        use Action::*;
        let because = |why: &str| Some(why.to_owned());
        let no_lead = self.leads.current().is_none();
        match action {
            Mark | MarkRange | ExtendUp | ExtendDown | Detail if no_lead => because("There is no lead here"),
            Accept if place == Context::Leads && no_lead => because("There is no lead here"),
            MarkAll | InvertMarks if self.filter.error.is_some() => {
                because("The filter has a mistake: what matches it is not known")
            }
            MarkAll | InvertMarks if no_lead => because("No lead matches"),
            ClearMarks | MarkedOnly if self.leads.selection.is_empty() && !self.filter.is_marked_only() => {
                because("No lead is marked")
            }
            UndoMark if !self.leads.selection.can_undo() => because("There is no marking to take back"),
            SortReverse if self.leads.sort.is_none() && place == Context::Leads => {
                because("The leads are in the vendor's own order")
            }
            Assign | Unassign | Copy | SaveFile if no_lead && self.leads.selection.is_empty() => {
                because("There is no lead here")
            }
            Assign if place == Context::Owners => {
                let owner = self.current_owner();
                let can = owner.is_some_and(|owner| owner.can_be_given_leads());
                (!can).then(|| "Leads cannot be given to this one".to_owned())
            }
            Repeat | SaveRecipe if self.last_assignment.is_none() => {
                because("Nothing was assigned in this session yet")
            }
            Repeat if no_lead && self.leads.selection.is_empty() => because("There is no lead here"),
            SaveView if self.profiles.is_empty() => because("There is nothing to keep yet"),
            DeleteView if !matches!(self.lists().get(self.lists.cursor.at), Some(ListId::View(_))) => {
                because("Only saved views can be deleted")
            }
            FocusCampaigns if self.campaigns_to_show().is_none() => {
                because("No profile here has campaigns with agents")
            }
            Stop if self.stoppable().is_empty() && self.waiting_plans.is_empty() => because("Nothing is being sent"),
            Watch if self.operations.newest().is_none() => {
                because("There was no operation in this session; the history has all")
            }
            ReadNames if self.nameless() == 0 => because("All names are known"),
            Columns if self.listed_fields().is_empty() => because("There are no columns yet"),
            _ => None,
        }
    }

    /// What can be done right now, most useful first, in the words for the line of hints.
    pub fn hints(&self) -> Vec<(Action, Cow<'static, str>)> {
        use Action::*;
        let place = self.context();
        let wanted: &[Action] = match place {
            Context::Leads if self.leads.range.is_some() => &[MarkRange, Back, Assign, Help],
            Context::Leads => &[
                Assign,
                // Only while something is being sent: then nothing is worth more of the line.
                Stop,
                Unassign,
                Mark,
                Filter,
                Help,
                Watch,
                ReadNames,
                Undo,
                Repeat,
                History,
                Detail,
                MarkAll,
                FocusLists,
                FocusOwners,
                FocusCampaigns,
                MarkedOnly,
                ClearMarks,
                Columns,
                Palette,
                Quit,
            ],
            Context::Campaigns | Context::Grid => self.campaign_hints(),
            Context::Snapshots => &[Accept, RestoreSnapshot, KeepSnapshot, Mark, Back, Help],
            Context::Lists => &[Accept, Back, DeleteView, SaveView, FocusOwners, Help, Quit],
            Context::Owners => &[Accept, Assign, SortNext, Back, FocusLists, Help, Quit],
            Context::Filter => &[Accept, Back, CursorUp, Help],
            Context::Picker => match self.dialogs.last() {
                Some(Dialog::GridPicker(picker)) if picker.purpose.takes_many() => {
                    &[Accept, NextField, Back, CursorDown, Help]
                }
                _ => &[Accept, Back, CursorDown, Help],
            },
            Context::Palette => &[Accept, Back, CursorDown],
            Context::Plan => {
                &[Accept, Apply, Note, SavePlan, NotBefore, ToggleClosed, NextField, Back, CursorDown, Help]
            }
            Context::Prompt if matches!(self.dialogs.last(), Some(Dialog::Plan(_))) => &[Accept, NextField, Back],
            Context::Prompt => &[Accept, Back],
            Context::Operation => &[
                Stop,
                Pause,
                Slower,
                Faster,
                Retry,
                Undo,
                Settle,
                Resume,
                GiveUp,
                OnlyProblems,
                Mark,
                Copy,
                SaveRecipe,
                SaveFile,
                Back,
                ForceUndo,
                Help,
            ],
            Context::History => &[Accept, Undo, Redo, Retry, Settle, Resume, GiveUp, Back, Filter, UndoSince, Help],
            Context::Interrupted => &[Settle, Resume, Undo, GiveUp, Back, Help],
            Context::Detail => &[Assign, Unassign, CursorRight, Copy, SaveFile, Back, Help],
            Context::Messages => &[Copy, SaveFile, Dismiss, Back],
            Context::Columns => &[Mark, SortBy, MoveUp, MoveDown, ResetColumns, Back],
            Context::Confirm => &[Accept, NextField, Back],
            Context::Help => &[CursorDown, PageDown, Back],
            _ => &[Help, Quit],
        };
        // Few words leave room for more of them.
        let narrow = self.size.0 < 60 && matches!(place, Context::Leads | Context::Lists | Context::Owners);
        let grid_picker = matches!(self.dialogs.last(), Some(Dialog::GridPicker(_)));
        wanted
            .iter()
            .filter(|action| self.exists(**action) && self.why_not(**action).is_none())
            .map(|action| {
                (
                    *action,
                    if narrow {
                        action.title().into()
                    } else if grid_picker && *action == Accept {
                        "take it".into()
                    } else {
                        self.hint(place, *action)
                    },
                )
            })
            .collect()
    }

    /// The words for an action in the line of hints, where they say more than its title.
    fn hint(&self, place: Context, action: Action) -> Cow<'static, str> {
        use Action::*;
        let them = |verb: &str| match self.leads.selection.len() {
            0 => Cow::Owned(format!("{verb} this lead")),
            n => Cow::Owned(format!("{verb} {} marked", words::number(n))),
        };
        let words = match (place, action) {
            (Context::Leads, Assign) => return them("assign"),
            (Context::Leads, MarkRange) => "mark the range",
            (Context::Leads, Back) => "drop the range",
            (Context::Owners, Accept) => "show the leads",
            (Context::Owners, Assign) => match self.leads.selection.len() {
                0 => "give this lead",
                n => return Cow::Owned(format!("give {} marked", words::number(n))),
            },
            (Context::Lists, Accept) => "show",
            (Context::Filter, Accept) => "to the table",
            (Context::Filter, Back) if self.filter.field.is_empty() => "leave",
            (Context::Filter, Back) => "clear",
            (Context::Filter, CursorUp) => "earlier queries",
            (Context::Picker, Accept) => "make the plan",
            (Context::Picker | Context::Palette, CursorDown) => "choose",
            (Context::Picker, NextField) => "pick several",
            (Context::Grid, Accept | Mark) => match self.matrix.board().and_then(|board| board.anchor) {
                Some(_) => "paint it",
                None => "paint",
            },
            (Context::Grid, Back) if self.size.0 >= 60 => match self.matrix.board() {
                Some(board) if board.anchor.is_some() => "drop it",
                _ if self.matrix.compared().is_some() => "end comparing",
                _ => "campaigns",
            },
            (Context::Grid, UndoMark) => "undo painting",
            (Context::Grid, ClearMarks) => "drop painting",
            (Context::Grid, MarkRange) => "rectangle",
            (Context::Grid | Context::Campaigns, PlanMapping) => {
                let lists = self.matrix.center().map_or(0, |center| center.painted().2);
                return Cow::Owned(format!("plan {}", words::counted(lists, "list")));
            }
            (Context::Grid, OnlyChanged) if self.matrix.board().is_some_and(|board| board.only_changed) => "show all",
            (Context::Snapshots, Accept) => match self.dialogs.last() {
                Some(Dialog::Snapshots(pane)) if pane.marked.is_some() => "compare both",
                _ => "compare with now",
            },
            (Context::Palette, Accept) => "do it",
            (Context::Plan, Accept) => match self.dialogs.last() {
                Some(Dialog::Plan(plan)) if plan.focus == PlanFocus::Apply => "apply",
                _ => "cancel",
            },
            (Context::Plan, ToggleClosed) => match self.dialogs.last() {
                Some(Dialog::Plan(plan)) if plan.include_closed => "leave closed ones",
                _ => "include closed ones",
            },
            (Context::Plan | Context::Help, CursorDown) => "scroll",
            (Context::Plan, NextField) => "other button",
            (Context::Plan, Back) => "cancel",
            (Context::Prompt, Accept) => match self.dialogs.last() {
                Some(Dialog::Plan(plan)) if plan.focus == PlanFocus::Count => "apply",
                Some(Dialog::History(_)) => "to the list",
                Some(Dialog::Ask(ask)) => ask.what.answer(),
                Some(Dialog::ViewPrompt(_)) => "save",
                Some(Dialog::SnapshotPrompt(_)) => "keep",
                _ => "take it",
            },
            (Context::Prompt, NextField) => "other button",
            (Context::Campaigns, Back) => "leads",
            (Context::Operation, Undo) => match self.dialogs.last() {
                Some(Dialog::Operation(view)) if !view.marked.is_empty() => {
                    return Cow::Owned(format!("undo {}", words::number(view.marked.len())));
                }
                _ => "undo",
            },
            (Context::Operation, Pause) => match self.dialogs.last() {
                Some(Dialog::Operation(view)) if self.progress_of(view).is_some_and(|progress| progress.paused) => {
                    "go on"
                }
                _ => "pause",
            },
            (Context::Operation, OnlyProblems) => match self.dialogs.last() {
                Some(Dialog::Operation(view)) if view.only_problems => "all items",
                _ => "only problems",
            },
            (Context::Interrupted, Undo) => "take back",
            (Context::Interrupted, Back) => "later",
            (Context::Detail, CursorRight) => "next lead",
            (Context::Columns, Mark) => "show or hide",
            (Context::Confirm, Accept) => "take the marked answer",
            (Context::Confirm, NextField) => "other answer",
            (_, action) => action.title(),
        };
        Cow::Borrowed(words)
    }

    /// The operation is the assignment that a recipe would say.
    fn is_last_assignment(&self, view: &super::operation::OperationView) -> bool {
        let newest = self.operations.newest().is_some_and(|newest| newest.id == view.id);
        newest && self.kind_of(view) == Some(OperationKind::Assign) && self.last_assignment.is_some()
    }

    /// The action asks for the rows that the newest query finds, which may not be here yet.
    pub(super) fn needs_rows(&self, action: Action) -> bool {
        use Action::*;
        let rows = matches!(
            action,
            Mark | MarkRange
                | ExtendUp
                | ExtendDown
                | MarkAll
                | InvertMarks
                | Assign
                | Unassign
                | Repeat
                | Detail
                | Copy
                | SaveFile
        );
        match self.context() {
            Context::Leads => rows || is_move(action) || action == Accept,
            Context::Owners | Context::Lists => rows,
            _ => false,
        }
    }
}

/// Why single items cannot be taken back: those that stand belong to the redo that did them again.
fn done_again_elsewhere(summary: &OperationSummary) -> Option<String> {
    let redo = summary.redos.last().filter(|_| summary.standing() == 0)?;
    Some(format!("It was done again by {redo}: take single items back there, or all of it here without marks"))
}

const ALL_KNOWN: &str = "It is known what became of everything that was sent";

/// Reading may tell something new. What was planned when the operation was cut off may have been sent.
fn may_be_settled(tally: &Tally) -> bool {
    tally.unknown + tally.sent + tally.planned > 0
}

fn stays_so(over_by: &str) -> String {
    format!("It was {over_by}: what was not sent stays so")
}

/// Whether items of an operation may be planned again. A list that others changed before it was sent may be, too: the
/// difference that was wanted is made of what is there now, and shown.
fn may_be_tried_again(kind: Option<OperationKind>, tally: &Tally) -> bool {
    let drifted = if kind == Some(OperationKind::Map) { tally.skipped + tally.changed_by_others } else { 0 };
    tally.failed + tally.not_sent + drifted > 0
}
