//! What can be done in the grid, and why the rest cannot.

use super::{BoardState, Pane, Purpose};
use crate::app::action::Action;
use crate::app::notices::Level;
use crate::app::state::{Focus, State};
use crate::app::words::{counted, number};
use crate::domain::matrix::{Brush, CellBits, MatrixAsk, Painted};

impl State {
    /// Does an action on the screen of campaigns.
    pub(in crate::app) fn act_in_campaigns(&mut self, action: Action) {
        let done = match self.matrix.pane {
            Pane::Tree => self.act_in_tree(action),
            Pane::Grid => self.act_in_grid(action),
        };
        if !done {
            self.act_beside(action);
        }
    }

    /// Actions of both halves.
    fn act_beside(&mut self, action: Action) {
        match action {
            Action::NextField | Action::PreviousField => {
                let has_board = self.matrix.board().is_some();
                self.matrix.pane = match self.matrix.pane {
                    Pane::Tree if has_board => Pane::Grid,
                    _ => Pane::Tree,
                };
            }
            Action::FocusCampaigns => self.matrix.pane = Pane::Tree,
            Action::FocusLeads => self.leave_campaigns(Focus::Leads),
            Action::FocusLists => self.leave_campaigns(Focus::Lists),
            Action::Back => self.back_in_campaigns(),
            Action::Refresh => self.refresh_campaigns(),
            Action::ReadCampaigns => {
                let count = self.read_all_campaigns();
                let text = format!("Reading {}; what is opened comes first", counted(count, "campaign"));
                self.say(Level::Info, &text);
            }
            Action::JumpTo => self.open_grid_picker(Purpose::Jump),
            Action::Snapshots => self.open_snapshots(),
            Action::RestoreSnapshot => self.restore_compared(),
            Action::PlanMapping => self.plan_painting(),
            action => {
                self.act_on_any_screen(action);
            }
        }
    }

    fn leave_campaigns(&mut self, focus: Focus) {
        self.show_leads();
        self.focus = focus;
    }

    /// One step back: the rectangle, the comparison, the hierarchy, the leads.
    fn back_in_campaigns(&mut self) {
        let pane = self.matrix.pane;
        let Some(center) = self.matrix.center_mut() else { return };
        if pane == Pane::Grid {
            if center.board_mut().is_some_and(|board| board.anchor.take().is_some()) {
                return;
            }
            if center.compared.take().is_some() {
                return;
            }
            self.matrix.pane = Pane::Tree;
        } else if self.has_leads() {
            self.leave_campaigns(Focus::Leads);
        }
    }

    /// Reads again what is shown: the campaigns, or the open one.
    fn refresh_campaigns(&mut self) {
        let pane = self.matrix.pane;
        let Some(center) = self.matrix.center_mut() else { return };
        let ask = match (pane, center.open.clone()) {
            (Pane::Grid, Some(campaign)) => {
                if let Some(board) = center.boards.get_mut(&campaign) {
                    board.state = BoardState::Waiting;
                }
                MatrixAsk::Mappings { campaign, soon: true }
            }
            _ => {
                center.tree = super::TreeState::Reading;
                MatrixAsk::Campaigns
            }
        };
        self.ask_matrix(ask);
    }

    fn act_in_grid(&mut self, action: Action) -> bool {
        let (height, cells) = (usize::from(self.matrix_places().rows.height), self.matrix_widths().cells);
        let Some(board) = self.matrix.center_mut().and_then(|center| center.board_mut()) else { return false };
        let (rows, columns) = (board.screen_rows().len(), board.screen_columns().len());
        match action {
            Action::CursorLeft => {
                board.across.act(Action::CursorUp, columns, cells);
            }
            Action::CursorRight => {
                board.across.act(Action::CursorDown, columns, cells);
            }
            Action::FirstColumn => {
                board.across.act(Action::First, columns, cells);
            }
            Action::LastColumn => {
                board.across.act(Action::Last, columns, cells);
            }
            Action::ExtendUp | Action::ExtendDown | Action::ExtendLeft | Action::ExtendRight => {
                board.anchor.get_or_insert((board.down.at, board.across.at));
                let (cursor, step, len, shown) = match action {
                    Action::ExtendUp => (&mut board.down, Action::CursorUp, rows, height),
                    Action::ExtendDown => (&mut board.down, Action::CursorDown, rows, height),
                    Action::ExtendLeft => (&mut board.across, Action::CursorUp, columns, cells),
                    _ => (&mut board.across, Action::CursorDown, columns, cells),
                };
                cursor.act(step, len, shown);
            }
            Action::MarkRange if board.anchor.is_none() => board.anchor = Some((board.down.at, board.across.at)),
            Action::Transpose => board.transpose(),
            Action::OnlyChanged => {
                let (list, agent) = (board.list_at_cursor(), board.agent_at_cursor());
                board.only_changed = !board.only_changed;
                board.anchor = None;
                board.refresh();
                board.go_to(list, agent);
            }
            Action::Mark | Action::MarkRange | Action::Accept => {
                let (lists, agents) = board.chosen_pairs();
                let what = if lists.len() * agents.count() == 1 { "one cell" } else { "a rectangle" };
                board.anchor = None;
                self.painted_with(|board| board.painting.area(&board.grid, what, &lists, &agents, Brush::Toggle));
            }
            Action::PaintRow | Action::PaintColumn => {
                let whole_list = (action == Action::PaintRow) != board.transposed;
                let (list, agent) = (board.list_at_cursor(), board.agent_at_cursor());
                let all_lists: Vec<usize> = (0..board.grid.lists().len()).collect();
                let all_agents: CellBits = (0..board.grid.agents().len()).collect();
                self.painted_with(|board| match (whole_list, list, agent) {
                    (true, Some(list), _) => {
                        board.painting.area(&board.grid, "a list", &[list], &all_agents, Brush::Toggle)
                    }
                    (false, _, Some(agent)) => {
                        let agent = [agent].into_iter().collect();
                        board.painting.area(&board.grid, "an agent", &all_lists, &agent, Brush::Toggle)
                    }
                    _ => Painted::default(),
                });
            }
            Action::CopyAgent => self.open_grid_picker(Purpose::CopyAgent),
            Action::CopyList => self.open_grid_picker(Purpose::CopyList),
            Action::MoveWork => self.open_grid_picker(Purpose::MoveWork),
            Action::GiveTeam => self.open_grid_picker(Purpose::GiveTeam),
            Action::ClearAgent => {
                if let Some(agent) = board.agent_at_cursor() {
                    self.painted_with(|board| board.painting.clear_agent(&board.grid, agent));
                }
            }
            Action::ClearEverywhere => self.clear_everywhere(),
            Action::UndoMark | Action::RedoMark => {
                let step = if action == Action::UndoMark { board.painting.undo() } else { board.painting.redo() };
                board.refresh();
                if let Some(step) = step {
                    let verb = if action == Action::UndoMark { "Taken back" } else { "Done again" };
                    self.say(Level::Info, &format!("{verb}: {step}"));
                }
            }
            Action::ClearMarks => self.painted_with(|board| {
                let rows = 0..board.grid.lists().len();
                let grid = &board.grid;
                board.painting.paint(grid, "all painting dropped", rows, |row, _| grid.now(row).clone())
            }),
            action => return board.down.act(action, rows, height),
        }
        true
    }

    /// Paints, counts again, and says what was left out.
    pub(super) fn painted_with(&mut self, paint: impl FnOnce(&mut super::Board) -> Painted) {
        let Some(board) = self.matrix.center_mut().and_then(|center| center.board_mut()) else { return };
        let painted = paint(board);
        board.refresh();
        let left_out = match painted.left_out {
            0 => String::new(),
            n => format!("; {} left out: not read completely", counted(n, "list")),
        };
        match painted.cells {
            0 if painted.left_out > 0 => {
                self.say(Level::Warning, &format!("Nothing painted{left_out}"));
            }
            0 => self.say(Level::Info, "Nothing to paint: it is like this already"),
            1 if painted.left_out == 0 => {}
            n => self.say(Level::Info, &format!("{} cells painted{left_out}", number(n))),
        }
    }

    /// Takes the agent under the cursor off every list of every campaign. Those that are not read yet are read first.
    fn clear_everywhere(&mut self) {
        let Some(agent) = self.matrix.board().and_then(|board| board.agent().cloned()) else { return };
        let reading = self.read_all_campaigns();
        let Some(profile) = self.matrix.profile.clone() else { return };
        if let Some(center) = self.matrix.center_mut() {
            center.clearing = Some(agent.clone());
        }
        if reading > 0 {
            let text = format!("Reading {} to find the lists of {agent}", counted(reading, "more campaign"));
            self.say(Level::Info, &text);
        }
        self.go_on_clearing(&profile);
    }

    /// Why an action makes no sense on the screen of campaigns.
    pub(in crate::app) fn why_not_in_campaigns(&self, action: Action) -> Option<String> {
        use Action::*;
        let because = |why: &str| Some(why.to_owned());
        let center = self.matrix.center();
        let board = self.matrix.board();
        let paints = matches!(
            action,
            Mark | MarkRange
                | ExtendUp
                | ExtendDown
                | ExtendLeft
                | ExtendRight
                | PaintRow
                | PaintColumn
                | CopyAgent
                | CopyList
                | MoveWork
                | GiveTeam
                | ClearAgent
                | ClearEverywhere
        ) || (action == Accept && self.matrix.pane == Pane::Grid);
        if paints && self.is_read_only_here() {
            return Some(format!("{} is read-only: nothing can be changed here", self.list_label()));
        }
        if paints && self.matrix.compared().is_some() {
            return because("This is a comparison: nothing can be painted here");
        }
        if paints && board.is_none_or(|board| board.pair(board.down.at, board.across.at).is_none()) {
            return because("There is no cell here");
        }
        match action {
            Accept if self.matrix.pane == Pane::Tree && center.is_none_or(|center| center.current().is_none()) => {
                because("There is no campaign here")
            }
            GiveTeam if center.is_none_or(|center| center.teams(&self.options.teams).is_empty()) => {
                because("No teams are known: the configuration or the roster file names them")
            }
            UndoMark if board.is_none_or(|board| !board.painting.can_undo()) => {
                because("There is no painting to take back")
            }
            RedoMark if board.is_none_or(|board| !board.painting.can_redo()) => {
                because("There is no painting to do again")
            }
            ClearMarks if board.is_none_or(|board| board.totals.touched == 0) => because("Nothing is painted"),
            PlanMapping if self.matrix.compared().is_some() => {
                because("This is a comparison; a snapshot is restored from the list of snapshots")
            }
            PlanMapping if center.is_none_or(|center| center.painted().2 == 0) => {
                because("Nothing is painted: there is nothing to change")
            }
            OnlyChanged if board.is_none_or(|board| !board.only_changed && board.totals.touched == 0) => {
                because("There are no differences to show")
            }
            Transpose | JumpTo if board.is_none_or(|board| board.grid.lists().is_empty()) => {
                because("There is no grid here")
            }
            ReadCampaigns => {
                let unread = center.map_or(0, |center| center.unread_campaigns());
                (unread == 0).then(|| "All campaigns are read".to_owned())
            }
            RestoreSnapshot if self.matrix.compared().is_none() => {
                because("No snapshot is compared: the list of snapshots restores one")
            }
            RestoreSnapshot if self.is_read_only_here() => {
                Some(format!("{} is read-only: nothing can be changed here", self.list_label()))
            }
            FocusLeads | FocusLists if !self.has_leads() => because("No profile here has leads with owners"),
            Stop if self.stoppable().is_empty() && self.waiting_plans.is_empty() => because("Nothing is being sent"),
            Watch if self.operations.newest().is_none() => {
                because("There was no operation in this session; the history has all")
            }
            _ => None,
        }
    }

    /// What can be done on the screen of campaigns, most useful first.
    pub(in crate::app) fn campaign_hints(&self) -> &'static [Action] {
        use Action::*;
        let board = self.matrix.board();
        match self.matrix.pane {
            Pane::Tree => &[
                Accept,
                PlanMapping,
                Help,
                Stop,
                Back,
                Undo,
                History,
                Refresh,
                ReadCampaigns,
                Snapshots,
                Palette,
                Quit,
            ],
            Pane::Grid if self.matrix.compared().is_some() => {
                &[Back, RestoreSnapshot, OnlyChanged, Transpose, JumpTo, Snapshots, Help]
            }
            Pane::Grid if board.is_some_and(|board| board.anchor.is_some()) => &[Mark, Back, GiveTeam, Help],
            Pane::Grid => &[
                Accept,
                PlanMapping,
                UndoMark,
                JumpTo,
                Help,
                Stop,
                Back,
                MarkRange,
                PaintRow,
                PaintColumn,
                CopyAgent,
                MoveWork,
                GiveTeam,
                ClearAgent,
                Transpose,
                OnlyChanged,
                Snapshots,
                Undo,
                History,
                Palette,
                Quit,
            ],
        }
    }
}

impl super::Center {
    /// Campaigns that nobody asked for yet, or that could not be read.
    pub(super) fn unread_campaigns(&self) -> usize {
        let unread = |id: &String| {
            self.boards.get(id).is_none_or(|board| matches!(board.state, BoardState::NotRead | BoardState::Failed(_)))
        };
        self.campaigns.iter().filter(|campaign| unread(&campaign.id)).count()
    }
}
