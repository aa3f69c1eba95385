//! What the backend tells about campaigns.

use std::sync::Arc;

use super::{BoardState, Center, TreeState};
use crate::app::notices::Level;
use crate::app::state::State;
use crate::app::words::{counted, number};
use crate::domain::exchange::Command;
use crate::domain::matrix::{MatrixAsk, MatrixTold};
use crate::domain::{OperationId, Plan, ProfileName};

use crate::app::effect::Effect;

impl State {
    /// A profile with campaigns was opened.
    pub(in crate::app) fn campaigns_opened(&mut self, profile: &ProfileName) {
        self.matrix.centers.insert(profile.clone(), Center::default());
        if self.matrix.profile.is_none() {
            self.matrix.profile = Some(profile.clone());
        }
        self.emit(Effect::Send(Command::Matrix { profile: profile.clone(), ask: MatrixAsk::Campaigns }));
    }

    pub(in crate::app) fn matrix_told(&mut self, profile: &ProfileName, told: MatrixTold) {
        let height = self.tree_height();
        let Some(center) = self.matrix.centers.get_mut(profile) else { return };
        match told {
            MatrixTold::Campaigns { campaigns, agents } => {
                center.tree = TreeState::Ready;
                (center.campaigns, center.agents) = (campaigns, agents);
                center.settle_cursor(false, height);
            }
            MatrixTold::NoCampaigns(problem) => {
                self.notices.problem(self.now, &problem);
                center.tree = TreeState::Failed(problem);
            }
            MatrixTold::Reading { campaign } => center.boards.entry(campaign).or_default().state = BoardState::Reading,
            MatrixTold::Mappings { campaign, records, read_at, whole } => {
                let board = center.boards.entry(campaign.clone()).or_default();
                let taken = whole || !board.would_forget(&records);
                let renumbered = taken && board.take_in(&campaign, records, read_at);
                board.state = if whole { BoardState::Whole } else { BoardState::Reading };
                let is_open = center.open.as_ref() == Some(&campaign) && center.compared.is_none();
                if renumbered && is_open && self.matrix.profile.as_ref() == Some(profile) {
                    self.close_grid_picker();
                }
                self.go_on_clearing(profile);
                self.go_on_restoring(profile);
            }
            MatrixTold::NoMappings { campaign, problem } => {
                self.notices.problem(self.now, &problem);
                center.boards.entry(campaign).or_default().state = BoardState::Failed(problem);
                self.go_on_clearing(profile);
                self.go_on_restoring(profile);
            }
            MatrixTold::Snapshots(found) => center.snapshots = Some(found),
            MatrixTold::Snapshot(snapshot) => self.snapshot_arrived(profile, &snapshot),
            MatrixTold::Kept(info) => {
                let text = format!(
                    "Kept as {}: {} in {}",
                    info.name,
                    counted(info.lists, "list"),
                    counted(info.campaigns, "campaign")
                );
                self.say(Level::Done, &text);
                self.ask_matrix(MatrixAsk::Snapshots);
            }
            MatrixTold::NoSnapshot(problem) => self.notices.problem(self.now, &problem),
        }
    }

    pub(super) fn ask_matrix(&mut self, ask: MatrixAsk) {
        if let Some(profile) = self.matrix.profile.clone() {
            self.emit(Effect::Send(Command::Matrix { profile, ask }));
        }
    }

    /// An operation has begun: its lists are being written.
    pub(in crate::app) fn matrix_started(&mut self, id: &OperationId, plan: &Arc<Plan>) {
        for part in &plan.parts {
            if let Some(center) = self.matrix.centers.get_mut(&part.profile) {
                let targets = part.changes.iter().map(|change| change.target());
                center.pending.entry(id.clone()).or_default().extend(targets);
            }
        }
    }

    /// An operation has ended: what of its painting was not done is painting again.
    pub(in crate::app) fn matrix_ended(&mut self, id: &OperationId) {
        for center in self.matrix.centers.values_mut() {
            center.pending.remove(id);
        }
    }

    /// One step of taking an agent off every list: read what is not read, then paint.
    pub(super) fn go_on_clearing(&mut self, profile: &ProfileName) {
        let Some(center) = self.matrix.centers.get_mut(profile) else { return };
        let Some(agent) = center.clearing.clone() else { return };
        let open = |state: &BoardState| matches!(state, BoardState::Waiting | BoardState::Reading);
        if center.boards.values().any(|board| open(&board.state)) {
            return;
        }
        center.clearing = None;
        let (mut campaigns, mut cells, mut failed) = (0, 0, 0);
        for board in center.boards.values_mut() {
            failed += usize::from(matches!(board.state, BoardState::Failed(_)));
            let Some(column) = board.grid.column_of(&agent) else { continue };
            let painted = board.painting.clear_agent(&board.grid, column);
            board.refresh();
            campaigns += usize::from(painted.cells > 0);
            cells += painted.cells;
        }
        let missing = match failed {
            0 => String::new(),
            n => format!("; {} could not be read", counted(n, "campaign")),
        };
        let text = match cells {
            0 => format!("{agent} dials no list{missing}"),
            n => format!("Painted: {agent} off {} lists in {}{missing}", number(n), counted(campaigns, "campaign")),
        };
        self.say(if failed > 0 { Level::Warning } else { Level::Info }, &text);
    }
}
