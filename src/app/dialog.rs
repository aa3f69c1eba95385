//! Dialogs: what lies over the main screen. They form a stack; the keys go to the one on top.

use super::action::Action;
use super::ask::Ask;
use super::columns::ColumnsDialog;
use super::confirm::Confirm;
use super::context::Context;
use super::detail::DetailPane;
use super::field::TextField;
use super::help::HelpPage;
use super::history::HistoryPane;
use super::interrupted::InterruptedDialog;
use super::layout;
use super::list::ListCursor;
use super::matrix::{self, GridPicker, SnapshotPane, SnapshotPrompt};
use super::messages::MessagePage;
use super::operation::OperationView;
use super::palette::Palette;
use super::picker::Picker;
use super::plan::PlanDialog;
use super::state::State;
use super::view_prompt::ViewPrompt;

/// One dialog.
#[derive(Clone, Debug)]
pub enum Dialog {
    Picker(Box<Picker>),
    Plan(Box<PlanDialog>),
    Operation(Box<OperationView>),
    History(Box<HistoryPane>),
    Interrupted(Box<InterruptedDialog>),
    Detail(Box<DetailPane>),
    Columns(ColumnsDialog),
    ViewPrompt(ViewPrompt),
    Ask(Ask),
    Help(HelpPage),
    Palette(Palette),
    Messages(MessagePage),
    Confirm(Confirm),
    GridPicker(Box<GridPicker>),
    Snapshots(Box<SnapshotPane>),
    SnapshotPrompt(SnapshotPrompt),
    /// Holds the place of the one whose turn it is.
    Busy,
}

/// What becomes of a dialog after an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Stay,
    Close,
}

impl Dialog {
    pub fn context(&self) -> Context {
        match self {
            Self::Picker(_) => Context::Picker,
            Self::Plan(plan) if plan.is_typing() => Context::Prompt,
            Self::Plan(_) => Context::Plan,
            Self::Operation(_) => Context::Operation,
            Self::History(pane) if pane.is_typing => Context::Prompt,
            Self::History(_) => Context::History,
            Self::Interrupted(_) => Context::Interrupted,
            Self::Detail(_) => Context::Detail,
            Self::Columns(_) => Context::Columns,
            Self::ViewPrompt(_) | Self::Ask(_) => Context::Prompt,
            Self::Help(_) => Context::Help,
            Self::Palette(_) => Context::Palette,
            Self::Messages(_) => Context::Messages,
            Self::Confirm(_) => Context::Confirm,
            Self::GridPicker(_) => Context::Picker,
            Self::Snapshots(_) => Context::Snapshots,
            Self::SnapshotPrompt(_) => Context::Prompt,
            Self::Busy => Context::Everywhere,
        }
    }

    /// Where it is, on a screen of this size.
    pub fn layout(&self, size: (u16, u16)) -> layout::Dialog {
        match self {
            Self::Picker(_) => picker_layout(size),
            Self::Plan(plan) => plan.layout(size),
            Self::Operation(_) => operation_layout(size),
            Self::History(_) => history_layout(size),
            Self::Interrupted(_) => interrupted_layout(size),
            Self::Detail(_) => detail_layout(size),
            Self::Columns(_) => columns_layout(size),
            Self::ViewPrompt(_) => view_prompt_layout(size),
            Self::Ask(_) => ask_layout(size),
            Self::Help(_) => help_layout(size),
            Self::Palette(_) => palette_layout(size),
            Self::Messages(page) => messages_layout(size, page.lines),
            Self::GridPicker(_) => matrix::picker_layout(size),
            Self::Snapshots(_) => matrix::snapshots_layout(size),
            Self::SnapshotPrompt(_) => matrix::prompt_layout(size),
            Self::Confirm(_) | Self::Busy => confirm_layout(size),
        }
    }

    /// The field that printable keys go to.
    pub(super) fn field(&mut self) -> Option<&mut TextField> {
        match self {
            Self::Picker(picker) => Some(&mut picker.field),
            Self::Palette(palette) => Some(&mut palette.field),
            Self::ViewPrompt(prompt) => Some(&mut prompt.field),
            Self::Ask(ask) => Some(&mut ask.field),
            Self::History(pane) if pane.is_typing => Some(&mut pane.field),
            Self::Plan(plan) => plan.field(),
            Self::GridPicker(picker) => Some(&mut picker.field),
            Self::SnapshotPrompt(prompt) => Some(&mut prompt.field),
            _ => None,
        }
    }

    /// The list in its body and the list's length, where it has one.
    fn list(&mut self, state: &State) -> Option<(&mut ListCursor, usize)> {
        Some(match self {
            Self::Picker(picker) => (&mut picker.cursor, picker.matches.len()),
            Self::Operation(view) => {
                let len = view.len();
                (&mut view.cursor, len)
            }
            Self::History(pane) => (&mut pane.cursor, pane.operations.len()),
            Self::Interrupted(dialog) => (&mut dialog.cursor, dialog.operations.len()),
            Self::Columns(dialog) => (&mut dialog.cursor, dialog.items.len()),
            Self::Palette(palette) => (&mut palette.cursor, palette.matches.len()),
            Self::GridPicker(picker) => (&mut picker.cursor, picker.matches.len()),
            Self::Snapshots(pane) => (&mut pane.cursor, state.snapshots().len()),
            Self::Messages(page) => (&mut page.cursor, state.notices.log().len()),
            _ => return None,
        })
    }
}

pub fn picker_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 76, 25, 2, 1)
}

pub fn operation_layout(size: (u16, u16)) -> layout::Dialog {
    // A reason may take some lines, where there are lines.
    let foot = match size {
        (width, rows) if rows >= 20 && width < 110 => 3,
        _ => 1,
    };
    layout::dialog(size, 150, 60, 4, foot)
}

pub fn history_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 150, 60, 2, 2)
}

pub fn interrupted_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 90, 16, 3, 1)
}

pub fn detail_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 100, 50, 0, 0)
}

pub fn columns_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 46, 18, 0, 0)
}

pub fn view_prompt_layout(size: (u16, u16)) -> layout::Dialog {
    // The question takes two lines where it is narrow.
    let lines = if size.0 < 60 { 5 } else { 4 };
    layout::dialog(size, 60, lines, lines, 0)
}

pub fn ask_layout(size: (u16, u16)) -> layout::Dialog {
    // The question takes two or three lines where it is narrow.
    let lines = match size.0 {
        ..60 => 5,
        60..100 => 4,
        _ => 3,
    };
    layout::dialog(size, 90, lines, lines, 0)
}

pub fn help_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 110, 60, 0, 0)
}

pub fn palette_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 90, 22, 1, if size.1 >= 20 { 2 } else { 1 })
}

/// The message under the cursor takes so many lines.
pub fn messages_layout(size: (u16, u16), lines: u16) -> layout::Dialog {
    // On a low screen the list gives way down to two of them.
    let most = size.1.saturating_sub(5).min(size.1 / 2 + 1);
    layout::dialog(size, 120, 40, 0, 1 + lines.clamp(3, most.max(3)))
}

pub fn confirm_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 64, 7, 0, 1)
}

impl State {
    /// Gives an action to the dialog on top. False when there is none.
    pub(super) fn act_in_dialog(&mut self, action: Action) -> bool {
        let Some(place) = self.dialogs.len().checked_sub(1) else { return false };
        let mut dialog = std::mem::replace(&mut self.dialogs[place], Dialog::Busy);
        let after = match &mut dialog {
            Dialog::Picker(picker) => self.act_in_picker(picker, action),
            Dialog::Plan(plan) => self.act_in_plan(plan, action),
            Dialog::Operation(view) => self.act_in_operation(view, action),
            Dialog::History(pane) => self.act_in_history(pane, action),
            Dialog::Interrupted(offer) => self.act_in_interrupted(offer, action),
            Dialog::Detail(pane) => self.act_in_detail(pane, action),
            Dialog::Columns(columns) => self.act_in_columns(columns, action),
            Dialog::ViewPrompt(prompt) => self.act_in_view_prompt(prompt, action),
            Dialog::Ask(ask) => self.act_in_ask(ask, action),
            Dialog::Help(page) => self.act_in_help(page, action),
            Dialog::Palette(palette) => self.act_in_palette(palette, action),
            Dialog::Messages(page) => self.act_in_messages(page, action),
            Dialog::Confirm(question) => self.act_in_confirm(question, action),
            Dialog::GridPicker(picker) => self.act_in_grid_picker(picker, action),
            Dialog::Snapshots(pane) => self.act_in_snapshots(pane, action),
            Dialog::SnapshotPrompt(prompt) => self.act_in_snapshot_prompt(prompt, action),
            Dialog::Busy => After::Close,
        };
        // What was opened meanwhile lies above it, and what lay below it may be gone.
        let Some(place) = self.dialogs.iter().rposition(|dialog| matches!(dialog, Dialog::Busy)) else { return true };
        match after {
            After::Stay => self.dialogs[place] = dialog,
            After::Close => {
                self.dialogs.remove(place);
            }
        }
        true
    }

    /// The wheel moves by some rows, a click puts the cursor on a row. Buttons do not feel the mouse.
    pub(super) fn mouse_in_dialog(&mut self, row: u16, wheel: Option<bool>) {
        if let Some(down) = wheel {
            for _ in 0..3 {
                self.act_in_dialog(if down { Action::CursorDown } else { Action::CursorUp });
            }
            return;
        }
        let Some(mut dialog) = self.dialogs.pop() else { return };
        let body = dialog.layout(self.size).body;
        if (body.y..body.bottom()).contains(&row)
            && let Some((cursor, len)) = dialog.list(self)
        {
            cursor.click(usize::from(row - body.y), len);
        }
        self.dialogs.push(dialog);
    }

    /// Keeps every dialog's cursor in its list, and asks for the rows that are on the screen.
    pub(super) fn settle_dialogs(&mut self) {
        let mut dialogs = std::mem::take(&mut self.dialogs);
        for dialog in &mut dialogs {
            if let Dialog::Messages(page) = dialog {
                self.fit_messages(page);
            }
            let height = usize::from(dialog.layout(self.size).body.height);
            if let Some((cursor, len)) = dialog.list(self) {
                cursor.fit(len, height);
            }
            match dialog {
                Dialog::Operation(view) => self.wish_for_items(view, height),
                Dialog::History(pane) => self.wish_for_operations(pane, height),
                _ => {}
            }
        }
        self.dialogs = dialogs;
    }
}
