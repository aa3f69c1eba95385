//! The hierarchy: processes with their campaigns.

use super::{Center, Pane};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::matrix::BoardState;
use crate::app::state::State;
use crate::domain::SafeText;
use crate::domain::exchange::Command;
use crate::domain::matrix::MatrixAsk;

/// A row of the hierarchy.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeRow {
    Process(SafeText),
    /// By its place in [`Center::campaigns`].
    Campaign(usize),
}

impl Center {
    /// The rows: processes in the order in which their first campaign comes.
    pub fn tree_rows(&self) -> Vec<TreeRow> {
        let mut processes: Vec<&SafeText> = Vec::new();
        for campaign in self.campaigns.iter() {
            if !processes.contains(&&campaign.status) {
                processes.push(&campaign.status);
            }
        }
        let mut rows = Vec::with_capacity(self.campaigns.len() + processes.len());
        for process in processes {
            if !process.is_empty() {
                rows.push(TreeRow::Process(process.clone()));
            }
            let own = self.campaigns.iter().enumerate().filter(|(_, campaign)| campaign.status == *process);
            rows.extend(own.map(|(at, _)| TreeRow::Campaign(at)));
        }
        rows
    }

    /// The campaign under the cursor.
    pub fn current(&self) -> Option<&str> {
        match self.tree_rows().get(self.cursor.at)? {
            TreeRow::Campaign(at) => Some(&self.campaigns.get(*at)?.id),
            TreeRow::Process(_) => None,
        }
    }

    /// Keeps the cursor off the headings: they are no choice.
    pub(super) fn settle_cursor(&mut self, upwards: bool, height: usize) {
        let rows = self.tree_rows();
        let is_campaign = |at: usize| matches!(rows.get(at), Some(TreeRow::Campaign(_)));
        let above = || (0..=self.cursor.at).rev().find(|at| is_campaign(*at));
        let below = || (self.cursor.at..rows.len()).find(|at| is_campaign(*at));
        let at = if upwards { above().or_else(below) } else { below().or_else(above) };
        self.cursor.at = at.unwrap_or(0);
        self.cursor.fit(rows.len(), height);
        // The heading over the first campaign is worth its line.
        if self.cursor.at == 1 {
            self.cursor.top = 0;
        }
    }
}

impl State {
    pub(super) fn tree_height(&self) -> usize {
        self.matrix_places().tree.map_or(1, |(_, body)| usize::from(body.height).max(1))
    }

    pub(super) fn act_in_tree(&mut self, action: Action) -> bool {
        let height = self.tree_height();
        let Some(center) = self.matrix.center_mut() else { return false };
        match action {
            Action::Accept => {
                if let Some(campaign) = center.current().map(str::to_owned) {
                    self.open_campaign(campaign);
                }
            }
            action => {
                let len = center.tree_rows().len();
                if !center.cursor.act(action, len, height) {
                    return false;
                }
                center.settle_cursor(matches!(action, Action::CursorUp | Action::PageUp), height);
            }
        }
        true
    }

    /// Shows a campaign's grid, and reads it where that was not done yet.
    pub(in crate::app) fn open_campaign(&mut self, campaign: String) {
        let Some(profile) = self.matrix.profile.clone() else { return };
        let Some(center) = self.matrix.centers.get_mut(&profile) else { return };
        center.open = Some(campaign.clone());
        center.compared = None;
        self.matrix.pane = Pane::Grid;
        let board = center.boards.entry(campaign.clone()).or_default();
        if matches!(board.state, BoardState::NotRead | BoardState::Failed(_) | BoardState::Waiting) {
            board.state = BoardState::Waiting;
            let ask = MatrixAsk::Mappings { campaign, soon: true };
            self.emit(Effect::Send(Command::Matrix { profile, ask }));
        }
    }

    /// Reads every campaign that was not read yet. How many those are.
    pub(super) fn read_all_campaigns(&mut self) -> usize {
        let Some(profile) = self.matrix.profile.clone() else { return 0 };
        let Some(center) = self.matrix.centers.get_mut(&profile) else { return 0 };
        let mut asks = Vec::new();
        for campaign in center.campaigns.clone().iter() {
            let board = center.boards.entry(campaign.id.clone()).or_default();
            if matches!(board.state, BoardState::NotRead | BoardState::Failed(_)) {
                board.state = BoardState::Waiting;
                asks.push(MatrixAsk::Mappings { campaign: campaign.id.clone(), soon: false });
            }
        }
        let count = asks.len();
        for ask in asks {
            self.emit(Effect::Send(Command::Matrix { profile: profile.clone(), ask }));
        }
        count
    }
}

impl State {
    /// The profile whose campaigns would be shown: the one that was shown last, else the first that has some.
    pub(in crate::app) fn campaigns_to_show(&self) -> Option<crate::domain::ProfileName> {
        let first = || self.profiles.usable().find(|profile| self.has_campaigns(&profile.name)).map(|p| p.name.clone());
        self.matrix.profile.clone().or_else(first)
    }

    /// Keeps every cursor in its list and on the screen.
    pub(in crate::app) fn settle_grid(&mut self) {
        let (height, cells) = (usize::from(self.matrix_places().rows.height), self.matrix_widths().cells);
        let tree_height = self.tree_height();
        let Some(center) = self.matrix.center_mut() else { return };
        let len = center.tree_rows().len();
        center.cursor.fit(len, tree_height);
        if let Some(board) = center.board_mut() {
            let (rows, columns) = (board.screen_rows().len(), board.screen_columns().len());
            board.down.fit(rows, height);
            board.across.fit(columns, cells);
        }
    }

    /// The mouse moves the cursors and scrolls; it paints nothing.
    pub(in crate::app) fn mouse_in_campaigns(&mut self, at: ratatui::layout::Position, wheel: Option<bool>) {
        let (places, widths) = (self.matrix_places(), self.matrix_widths());
        let Some(center) = self.matrix.center_mut() else { return };
        if let Some((_, body)) = places.tree.filter(|(_, body)| body.contains(at)) {
            let len = center.tree_rows().len();
            match wheel {
                Some(down) => center.cursor.scroll(down, len, usize::from(body.height)),
                None => {
                    if center.cursor.click(usize::from(at.y - body.y), len) {
                        self.matrix.pane = Pane::Tree;
                    }
                }
            }
            if let Some(center) = self.matrix.center_mut() {
                center.settle_cursor(wheel == Some(false), usize::from(body.height));
            }
        } else if places.rows.contains(at)
            && let Some(board) = center.board_mut()
        {
            let (rows, columns) = (board.screen_rows().len(), board.screen_columns().len());
            match wheel {
                Some(down) => board.down.scroll(down, rows, usize::from(places.rows.height)),
                None => {
                    let hit = board.down.click(usize::from(at.y - places.rows.y), rows);
                    if let Some(x) = (at.x - places.rows.x).checked_sub(widths.first()) {
                        board.across.click(usize::from(x / widths.cell), columns);
                    }
                    if hit {
                        self.matrix.pane = Pane::Grid;
                    }
                }
            }
        }
    }
}
