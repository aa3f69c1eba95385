//! Everything that a person can ask for, as one table: keys, hints, help, palette and README are made from it.

use super::context::Context;

/// One thing to do. The names are public words: the key map, the configuration and the help use them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    Help,
    Palette,
    Messages,
    Dismiss,
    Interrupt,
    Suspend,
    Redraw,
    Quit,

    CursorUp,
    CursorDown,
    CursorLeft,
    CursorRight,
    PageUp,
    PageDown,
    First,
    Last,
    FirstColumn,
    LastColumn,

    Accept,
    Back,
    NextField,
    PreviousField,

    FocusLists,
    FocusLeads,
    FocusOwners,
    FocusCampaigns,
    Filter,
    MarkedOnly,
    ToggleClosed,
    Refresh,
    ReadNames,
    Columns,
    SortNext,
    SortReverse,
    SaveView,
    DeleteView,
    NextTheme,

    Mark,
    MarkRange,
    ExtendUp,
    ExtendDown,
    ExtendLeft,
    ExtendRight,
    MarkAll,
    InvertMarks,
    ClearMarks,
    UndoMark,
    RedoMark,

    PaintRow,
    PaintColumn,
    CopyAgent,
    CopyList,
    MoveWork,
    GiveTeam,
    ClearAgent,
    ClearEverywhere,
    PlanMapping,
    JumpTo,
    Transpose,
    OnlyChanged,
    ReadCampaigns,
    Snapshots,
    KeepSnapshot,
    RestoreSnapshot,

    Assign,
    Unassign,
    Undo,
    Redo,
    Repeat,
    UndoSince,
    ForceUndo,
    Apply,
    Note,
    NotBefore,
    SavePlan,
    OpenPlan,
    SaveRecipe,
    Retry,
    Resume,
    Settle,
    GiveUp,
    Stop,
    Pause,
    Slower,
    Faster,
    Watch,
    OnlyProblems,

    History,
    Detail,
    Copy,
    SaveFile,

    MoveUp,
    MoveDown,
    SortBy,
    ResetColumns,
}

/// What is to be known about an action.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Two or three words: for hints and the palette.
    pub title: &'static str,
    /// One line: for help and README.
    pub help: &'static str,
    /// The sections of the key map in which it makes sense.
    pub contexts: &'static [Context],
    /// It leads to a change at a vendor. Such actions do not exist in a read-only profile.
    pub dangerous: bool,
    /// It concerns all marked records, not only the one under the cursor.
    pub many: bool,
}

const fn calm(title: &'static str, help: &'static str, contexts: &'static [Context]) -> Spec {
    Spec { title, help, contexts, dangerous: false, many: false }
}

const fn many(title: &'static str, help: &'static str, contexts: &'static [Context]) -> Spec {
    Spec { title, help, contexts, dangerous: false, many: true }
}

const fn dangerous_many(title: &'static str, help: &'static str, contexts: &'static [Context]) -> Spec {
    Spec { title, help, contexts, dangerous: true, many: true }
}

impl Action {
    /// The table.
    pub const fn spec(self) -> Spec {
        use Context::*;
        match self {
            Self::Help => calm("help", "Show the keys of this place and all others", &[Everywhere]),
            Self::Palette => calm("commands", "Find an action by its name and do it", &[Everywhere]),
            Self::Messages => calm("messages", "Show every message of this session again", &[Everywhere]),
            Self::Dismiss => calm(
                "dismiss",
                "Put the message away; it stays among the messages",
                &[Panes, Campaigns, Grid, Messages],
            ),
            Self::Interrupt => calm(
                "stop or leave",
                "Stop handing out new work and say what is in flight; a second time: leave",
                &[Everywhere],
            ),
            Self::Suspend => calm("suspend", "Go to the background; fg brings it back", &[Everywhere]),
            Self::Redraw => calm("redraw", "Paint the screen again", &[Everywhere]),
            Self::Quit => calm("quit", "Leave; asks first while something is being sent", &[Panes, Campaigns, Grid]),

            Self::CursorUp => calm("up", "One row up", &[Moving]),
            Self::CursorDown => calm("down", "One row down", &[Moving]),
            Self::CursorLeft => {
                calm("left", "To the left: a column of owners, the page before; folds campaigns", &[Moving])
            }
            Self::CursorRight => {
                calm("right", "To the right: a column of owners, the next page; unfolds them", &[Moving])
            }
            Self::PageUp => calm("page up", "One page up", &[Moving]),
            Self::PageDown => calm("page down", "One page down", &[Moving]),
            Self::First => calm("first", "To the first row", &[Moving]),
            Self::Last => calm("last", "To the last row", &[Moving]),
            Self::FirstColumn => calm("first column", "To the first column", &[Grid]),
            Self::LastColumn => calm("last column", "To the last column", &[Grid]),

            Self::Accept => {
                calm("open", "Take what the cursor is on: open it, choose it, press the button", &[Answering])
            }
            Self::Back => calm("back", "Leave this place; in the filter line clear it in steps", &[Answering]),
            Self::NextField => calm("next", "To the next pane, field or button", &[Answering]),
            Self::PreviousField => calm("previous", "To the previous pane, field or button", &[Answering]),

            Self::FocusLists => calm("lists", "Choose a profile or a saved view", &[Panes, Campaigns, Grid]),
            Self::FocusLeads => calm("leads", "Go to the table of leads", &[Panes, Campaigns, Grid]),
            Self::FocusOwners => calm("owners", "Go to the owners and their loads", &[Panes]),
            Self::FocusCampaigns => {
                calm("campaigns", "Go to the campaigns: which agents dial which lists", &[Panes, Campaigns, Grid])
            }
            Self::Filter => calm("filter", "Type a query: only what matches stays on the screen", &[Panes, History]),
            Self::MarkedOnly => calm("only marked", "Show only marked leads, or all again", &[Panes]),
            Self::ToggleClosed => {
                calm("closed leads", "Show closed leads too, or hide them; in a plan: include them", &[Panes, Plan])
            }
            Self::Refresh => calm(
                "refresh",
                "Load people and leads again, or this campaign; cursor, marks and painting stay",
                &[Panes, Campaigns, Grid],
            ),
            Self::ReadNames => calm(
                "read names",
                "Read the names and companies of all leads, where lists come without: one request each",
                &[Panes],
            ),
            Self::Columns => calm("columns", "Choose columns, their order and the sorting", &[Panes]),
            Self::SortNext => calm("sort", "Sort by the next column", &[Leads, Owners]),
            Self::SortReverse => calm("reverse", "Turn the sorting round", &[Leads, Owners]),
            Self::SaveView => calm("save view", "Keep filter, columns and sorting under a name", &[Panes]),
            Self::DeleteView => calm("delete view", "Forget the saved view under the cursor", &[Lists]),
            Self::NextTheme => {
                calm("theme", "Change to the next theme: dark, light, high contrast, mono", &[Panes, Campaigns, Grid])
            }

            Self::Mark => calm(
                "mark",
                "Mark this row or take its mark away; in the grid: paint the cell or the rectangle",
                &[Leads, Columns, Operation, Grid, Snapshots],
            ),
            Self::MarkRange => {
                calm("range", "Begin a range here; a second time: mark (or paint) all of it", &[Leads, Grid])
            }
            Self::ExtendUp => calm("extend up", "Begin a range or go on with it, upwards", &[Leads, Grid]),
            Self::ExtendDown => calm("extend down", "Begin a range or go on with it, downwards", &[Leads, Grid]),
            Self::ExtendLeft => calm("extend left", "Begin a rectangle or go on with it, to the left", &[Grid]),
            Self::ExtendRight => calm("extend right", "Begin a rectangle or go on with it, to the right", &[Grid]),
            Self::MarkAll => many("mark all", "Mark all leads that match the filter", &[Leads]),
            Self::InvertMarks => many("invert marks", "Turn the marks of all leads that match round", &[Leads]),
            Self::ClearMarks => many(
                "unmark all",
                "Take all marks away, those hidden by the filter too; drop all painting",
                &[Panes, Grid],
            ),
            Self::UndoMark => calm("undo marking", "Take the last marking or painting back", &[Panes, Grid]),
            Self::RedoMark => calm("redo painting", "Do the painting again that was taken back", &[Grid]),

            Self::PaintRow => many("paint row", "Paint this whole row on, or off where all of it is on", &[Grid]),
            Self::PaintColumn => {
                many("paint column", "Paint this whole column on, or off where all of it is on", &[Grid])
            }
            Self::CopyAgent => many("copy agent", "Give other agents exactly the lists of this one", &[Grid]),
            Self::CopyList => many("copy list", "Give other lists exactly the agents of this one", &[Grid]),
            Self::MoveWork => many("move work", "Let another agent take over the lists of this one", &[Grid]),
            Self::GiveTeam => many("give a team", "Map a whole team to this list, or to the chosen ones", &[Grid]),
            Self::ClearAgent => many("clear agent", "Take this agent off every list of this campaign", &[Grid]),
            Self::ClearEverywhere => {
                many("clear all over", "Take this agent off every list of every campaign", &[Grid])
            }
            Self::PlanMapping => dangerous_many(
                "plan",
                "Show the plan of everything that is painted; nothing is sent before it is confirmed",
                &[Campaigns, Grid],
            ),
            Self::JumpTo => calm("jump", "Find an agent, a list or a campaign by a few letters", &[Campaigns, Grid]),
            Self::Transpose => calm("turn round", "Agents down and lists across, or the other way round", &[Grid]),
            Self::OnlyChanged => {
                calm("only changes", "Show only lists and agents with differences, or all again", &[Grid])
            }
            Self::ReadCampaigns => {
                calm("read all", "Read the lists and agents of all campaigns, one after the other", &[Campaigns, Grid])
            }
            Self::Snapshots => calm(
                "snapshots",
                "Kept mappings: compare them with each other or with now, restore one",
                &[Campaigns, Grid],
            ),
            Self::KeepSnapshot => calm("keep", "Keep the campaigns that are read under a name", &[Snapshots]),
            Self::RestoreSnapshot => {
                many("restore", "Paint what leads back to this snapshot; the plan comes after", &[Snapshots, Grid])
            }

            Self::Assign => dangerous_many(
                "assign",
                "Choose an owner for the marked leads, or for this one; the plan is shown first",
                &[Panes, Detail],
            ),
            Self::Unassign => dangerous_many(
                "unassign",
                "Take the marked leads, or this one, from their owners; the plan is shown first",
                &[Panes, Detail],
            ),
            Self::Undo => dangerous_many(
                "undo",
                "Take back the newest operation, or the one under the cursor; the plan is shown first",
                &[Panes, Campaigns, Grid, Operation, History, Interrupted],
            ),
            Self::Redo => dangerous_many(
                "redo",
                "Take the newest undo back; the plan is shown first",
                &[Panes, Campaigns, Grid, History],
            ),
            Self::Repeat => dangerous_many(
                "assign again",
                "Assign the marked leads, or this one, to whom the last ones went; the plan is shown first",
                &[Panes],
            ),
            Self::UndoSince => dangerous_many(
                "undo since",
                "Take back everything since a time, or what one person did; the plan is shown first",
                &[History],
            ),
            Self::ForceUndo => dangerous_many(
                "force undo",
                "Take the marked items back, or this one, even where somebody else changed them since",
                &[Operation],
            ),
            Self::Apply => dangerous_many("apply", "Send what the plan shows", &[Plan]),
            Self::Note => calm("note", "Write a note that stays with the operation", &[Plan]),
            Self::NotBefore => {
                calm("not before", "Wait with sending until a time of day, then read everything again", &[Plan])
            }
            Self::SavePlan => {
                calm("save plan", "Write the plan into a file, to be reviewed, approved and applied later", &[Plan])
            }
            Self::OpenPlan => {
                dangerous_many("open plan", "Open a plan file: its leads are read again, then it is shown", &[Panes])
            }
            Self::SaveRecipe => {
                calm("save recipe", "Write the last assignment into a file that can be run again", &[Panes, Operation])
            }
            Self::Retry => dangerous_many("try again", "Plan again what failed or was not sent", &[Operation, History]),
            Self::Resume => dangerous_many(
                "go on",
                "Settle what is unknown by reading, then send what was not sent yet",
                &[Operation, History, Interrupted],
            ),
            Self::Settle => {
                many("settle", "Find out by reading what became of what was sent", &[Operation, History, Interrupted])
            }
            Self::GiveUp => many(
                "give up",
                "Never send what was not sent yet and ask about it no more; what is done stays",
                &[Operation, History, Interrupted],
            ),
            Self::Pause => many("pause", "Hand out no new work for now; a second time: go on", &[Operation]),
            Self::Slower => many("slower", "Send half as fast as now", &[Operation]),
            Self::Faster => many("faster", "Send twice as fast, up to full speed", &[Operation]),
            Self::Stop => many(
                "stop",
                "Hand out no new work; what is in flight is awaited; drop what waits for its time",
                &[Panes, Campaigns, Grid, Operation],
            ),
            Self::Watch => {
                calm("watch", "Show the items of the newest running or ended operation", &[Panes, Campaigns, Grid])
            }
            Self::OnlyProblems => {
                calm("only problems", "Show only items that are not done, or all again", &[Operation])
            }

            Self::History => calm("history", "Show all operations, newest first", &[Panes, Campaigns, Grid]),
            Self::Detail => calm("detail", "Show everything about this lead", &[Leads]),
            Self::Copy => calm(
                "copy",
                "Copy to the clipboard: this lead, the marked ones, the message",
                &[Panes, Operation, Detail, Messages],
            ),
            Self::SaveFile => calm(
                "save to a file",
                "Write what would be copied into a file instead",
                &[Panes, Operation, Detail, Messages],
            ),

            Self::MoveUp => calm("move up", "Put this column further to the left", &[Columns]),
            Self::MoveDown => calm("move down", "Put this column further to the right", &[Columns]),
            Self::SortBy => calm("sort by", "Sort by this column; a second time: the other way round", &[Columns]),
            Self::ResetColumns => calm("reset", "Back to the usual columns", &[Columns]),
        }
    }

    pub const fn title(self) -> &'static str {
        self.spec().title
    }

    /// Its name in the key map.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use strum::IntoEnumIterator;

    #[test]
    fn every_action_is_described_for_people() {
        let mut helps = HashSet::new();
        for action in Action::iter() {
            let spec = action.spec();
            assert!(!spec.contexts.is_empty(), "{action} has no place");
            assert!(spec.title.chars().count() <= 14, "{action}: the title is for a narrow line");
            assert!(spec.help.chars().next().is_some_and(char::is_uppercase), "{action}: {}", spec.help);
            assert!(!spec.help.ends_with('.'), "{action}: help lines are no sentences with a full stop");
            assert!(spec.help.is_ascii(), "{action}: plain terminals show help too");
            assert!(helps.insert(spec.help), "{action} says the same as another action");
        }
    }

    #[test]
    fn names_go_both_ways() {
        for action in Action::iter() {
            assert_eq!(action.name().parse(), Ok(action));
        }
    }
}
