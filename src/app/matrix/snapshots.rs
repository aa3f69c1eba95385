//! Snapshots: mappings that are kept. They are looked at beside what is there now, beside each other, and restored.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::board::Board;
use super::{BoardState, Compared, Pane};
use crate::app::action::Action;
use crate::app::dialog::{After, Dialog};
use crate::app::field::TextField;
use crate::app::layout;
use crate::app::list::ListCursor;
use crate::app::notices::Level;
use crate::app::state::State;
use crate::app::words::{counted, number};
use crate::domain::ProfileName;
use crate::domain::SafeText;
use crate::domain::matrix::{Grid, MappingSnapshot, MatrixAsk, Painting, Sets, SnapshotInfo};

/// The list of snapshots.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPane {
    pub cursor: ListCursor,
    /// The one that the next is compared with, by number.
    pub marked: Option<i64>,
    wish: Option<Wish>,
    /// The first of two that are compared, once it is here.
    first: Option<Arc<MappingSnapshot>>,
}

/// What is to be done with the snapshot that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// Compare it with what is there now.
    WithNow(i64),
    /// Compare these two.
    Two(i64, i64),
    Restore(i64),
}

/// The question for a snapshot's name.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPrompt {
    pub field: TextField,
}

pub fn snapshots_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 110, 30, 1, 2)
}

pub fn prompt_layout(size: (u16, u16)) -> layout::Dialog {
    // The question and what is said below take two lines each where it is narrow.
    let lines = if size.0 < 60 { 6 } else { 4 };
    layout::dialog(size, 64, lines, lines, 0)
}

impl State {
    pub(super) fn open_snapshots(&mut self) {
        self.ask_matrix(MatrixAsk::Snapshots);
        self.dialogs.push(Dialog::Snapshots(Box::default()));
    }

    /// The snapshots of the profile on the screen, newest first.
    pub fn snapshots(&self) -> &[SnapshotInfo] {
        self.matrix.center().and_then(|center| center.snapshots.as_deref()).unwrap_or_default()
    }

    pub(in crate::app) fn act_in_snapshots(&mut self, pane: &mut SnapshotPane, action: Action) -> After {
        let height = usize::from(snapshots_layout(self.size).body.height);
        let current = self.snapshots().get(pane.cursor.at).map(|info| info.number);
        match (action, current) {
            (Action::Back, _) => return After::Close,
            (Action::KeepSnapshot, _) => self.dialogs.push(Dialog::SnapshotPrompt(SnapshotPrompt::default())),
            (Action::Mark, Some(current)) => {
                pane.marked = (pane.marked != Some(current)).then_some(current);
            }
            (Action::Accept, Some(current)) => {
                pane.wish = Some(match pane.marked.filter(|marked| *marked != current) {
                    // From the older to the newer one.
                    Some(marked) => Wish::Two(marked.min(current), marked.max(current)),
                    None => Wish::WithNow(current),
                });
                self.ask_for(pane);
            }
            (Action::RestoreSnapshot, Some(current)) => {
                pane.wish = Some(Wish::Restore(current));
                self.ask_for(pane);
            }
            (action, _) => {
                pane.cursor.act(action, self.snapshots().len(), height);
            }
        }
        After::Stay
    }

    fn ask_for(&mut self, pane: &SnapshotPane) {
        let number = match pane.wish {
            Some(Wish::WithNow(number) | Wish::Restore(number) | Wish::Two(number, _)) => number,
            None => return,
        };
        self.ask_matrix(MatrixAsk::Snapshot { number });
    }

    pub(super) fn snapshot_arrived(&mut self, profile: &ProfileName, snapshot: &Arc<MappingSnapshot>) {
        if self.matrix.profile.as_ref() != Some(profile) {
            return;
        }
        let Some(at) = self.dialogs.iter().position(|dialog| matches!(dialog, Dialog::Snapshots(_))) else { return };
        let Dialog::Snapshots(pane) = &mut self.dialogs[at] else { return };
        let number = snapshot.info.number;
        match (pane.wish, pane.first.take()) {
            (Some(Wish::Two(first, second)), None) if first == number => {
                pane.first = Some(snapshot.clone());
                self.ask_matrix(MatrixAsk::Snapshot { number: second });
                return;
            }
            (Some(Wish::Two(_, second)), Some(first)) if second == number => {
                self.compare(&first, Some(snapshot));
            }
            (Some(Wish::WithNow(wanted)), _) if wanted == number => self.compare(snapshot, None),
            (Some(Wish::Restore(wanted)), _) if wanted == number => self.restore(snapshot),
            _ => return,
        }
        self.dialogs.remove(at);
    }

    /// Shows a snapshot beside another, or beside what is there now.
    fn compare(&mut self, first: &Arc<MappingSnapshot>, second: Option<&Arc<MappingSnapshot>>) {
        let Some(campaign) = self.campaign_for(&first.sets) else {
            return self.say(Level::Warning, "The snapshot has no campaign that could be shown");
        };
        let Some(center) = self.matrix.center_mut() else { return };
        let old = first.sets.of_campaign(&campaign);
        let (new, name) = match second {
            Some(second) => (second.sets.of_campaign(&campaign), second.info.name.to_string()),
            None => match center.boards.get(&campaign).filter(|board| board.state == BoardState::Whole) {
                Some(board) => (Sets::of(board.records.iter()), "now".to_owned()),
                None => {
                    let text = "The campaign of this snapshot is not read yet: open it first, then compare";
                    return self.say(Level::Warning, text);
                }
            },
        };
        let mut grid = Grid::of(&campaign, &old.records(), None);
        // Lists and agents that only the second has stand in the grid too.
        let mut added: Sets = new.clone();
        added.lists.retain(|target, list| {
            list.agents = list.agents.take().map(|_| Default::default());
            !old.lists.contains_key(target)
        });
        grid.take_in(&added.records(), None);
        grid.add_agents(new.lists.values().filter_map(|list| list.agents.as_ref()).flatten().cloned());
        let mut painting = Painting::default();
        painting.restore(&grid, &name, &new);
        let mut board = Board::of(grid, painting);
        let differences = old.differences(&new).len();
        board.only_changed = differences > 0;
        board.refresh();
        let title = SafeText::from(format!("{} with {name}", first.info.name));
        center.compared = Some(Compared { title, board, first: first.clone() });
        center.open = Some(campaign);
        self.matrix.pane = Pane::Grid;
        let text = match differences {
            0 => "No differences".to_owned(),
            n => format!("{} differ: + came, - went", counted(n, "list")),
        };
        self.say(Level::Info, &text);
    }

    /// Restores the snapshot that is compared.
    pub(super) fn restore_compared(&mut self) {
        if let Some(first) = self.matrix.compared().map(|compared| compared.first.clone()) {
            self.restore(&first);
        }
    }

    /// Paints what leads back to a snapshot; the plan shows it before anything is sent. Campaigns that are not read yet
    /// are read first.
    fn restore(&mut self, snapshot: &Arc<MappingSnapshot>) {
        let Some(center) = self.matrix.center_mut() else { return };
        center.compared = None;
        let mut asks = Vec::new();
        for campaign in snapshot.sets.campaigns() {
            let known = center.campaign(campaign).is_some();
            let board = center.boards.entry(campaign.to_owned()).or_default();
            if known && matches!(board.state, BoardState::NotRead | BoardState::Failed(_)) {
                board.state = BoardState::Waiting;
                asks.push(MatrixAsk::Mappings { campaign: campaign.to_owned(), soon: true });
            }
        }
        center.restoring = Some(snapshot.clone());
        if !asks.is_empty() {
            let text = format!("Reading {} to restore {}", counted(asks.len(), "campaign"), snapshot.info.name);
            self.say(Level::Info, &text);
        }
        for ask in asks {
            self.ask_matrix(ask);
        }
        if let Some(profile) = self.matrix.profile.clone() {
            self.go_on_restoring(&profile);
        }
    }

    /// One step of restoring: paint, once all of its campaigns are read.
    pub(super) fn go_on_restoring(&mut self, profile: &ProfileName) {
        let Some(center) = self.matrix.centers.get_mut(profile) else { return };
        let Some(snapshot) = center.restoring.clone() else { return };
        let campaigns = snapshot.sets.campaigns();
        let open = |board: &Board| matches!(board.state, BoardState::Waiting | BoardState::Reading);
        if campaigns.iter().any(|campaign| center.boards.get(*campaign).is_some_and(open)) {
            return;
        }
        center.restoring = None;
        let name = snapshot.info.name.to_string();
        let (mut cells, mut unread, mut first) = (0, 0, None);
        let (mut unknown, mut gone, mut incomplete, mut strangers) = (0, 0, 0, BTreeSet::new());
        for campaign in campaigns {
            match center.boards.get_mut(campaign).filter(|board| board.state == BoardState::Whole) {
                Some(board) => {
                    let restored = board.painting.restore(&board.grid, &name, &snapshot.sets);
                    board.refresh();
                    unknown += restored.unknown;
                    gone += restored.gone;
                    incomplete += restored.painted.left_out;
                    strangers.extend(restored.strangers);
                    cells += restored.painted.cells;
                    if restored.painted.cells > 0 {
                        first.get_or_insert(campaign.to_owned());
                    }
                }
                None => unread += 1,
            }
        }
        if let Some(campaign) = first {
            self.open_campaign(campaign);
        }
        let mut missing = Vec::new();
        if unread > 0 {
            missing.push(format!("{} of it could not be read", counted(unread, "campaign")));
        }
        if incomplete > 0 {
            missing.push(format!("{} left out: not read completely", counted(incomplete, "list")));
        }
        if unknown > 0 {
            missing.push(format!("{} not known when it was kept", counted(unknown, "list")));
        }
        if gone > 0 {
            missing.push(format!("{} of it not there any more", counted(gone, "list")));
        }
        if let Some(one) = strangers.first() {
            let more = match strangers.len() - 1 {
                0 => String::new(),
                more => format!(" and {}", counted(more, "other agent")),
            };
            missing.push(format!("{one}{more} not in the campaign any more"));
        }
        let but = if missing.is_empty() { String::new() } else { format!("; {}", missing.join(", ")) };
        let text = match cells {
            0 if missing.is_empty() => format!("Everything is as in {name}"),
            0 => format!("Nothing is to be painted for {name}{but}"),
            n => format!("Painted as in {name}: {} cells{but}", number(n)),
        };
        self.say(if missing.is_empty() { Level::Info } else { Level::Warning }, &text);
    }

    /// The campaign that a comparison is about: the open one where the snapshot has it, else its first.
    fn campaign_for(&self, sets: &Sets) -> Option<String> {
        let campaigns = sets.campaigns();
        let open = self.matrix.center().and_then(|center| center.open.as_deref());
        let found = open.filter(|open| campaigns.contains(open)).or_else(|| campaigns.first().copied());
        found.map(str::to_owned)
    }

    pub(in crate::app) fn act_in_snapshot_prompt(&mut self, prompt: &mut SnapshotPrompt, action: Action) -> After {
        match action {
            Action::Back => After::Close,
            Action::Accept => {
                let name = prompt.field.text().trim();
                if name.is_empty() {
                    self.say(Level::Info, "A snapshot needs a name");
                    return After::Stay;
                }
                let name = SafeText::new(name);
                let Some(center) = self.matrix.center() else { return After::Close };
                let whole = |board: &&Board| board.state == BoardState::Whole;
                let records = center.boards.values().filter(whole).flat_map(|board| board.records.iter());
                let sets = Arc::new(Sets::of(records));
                if sets.lists.is_empty() {
                    self.say(Level::Warning, "No campaign is read yet: there is nothing to keep");
                    return After::Close;
                }
                self.ask_matrix(MatrixAsk::KeepSnapshot { name, sets });
                After::Close
            }
            _ => After::Stay,
        }
    }

    /// What a snapshot that is kept now would hold: campaigns and lists.
    pub fn keepable(&self) -> (usize, usize) {
        let boards = self.matrix.center().map(|center| center.boards.values());
        let whole = boards.into_iter().flatten().filter(|board| board.state == BoardState::Whole);
        whole.fold((0, 0), |sum, board| (sum.0 + 1, sum.1 + board.grid.lists().len()))
    }
}
