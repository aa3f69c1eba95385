//! The screen of campaigns: left the hierarchy, right who dials what. Painting is staged; it becomes a plan, and the plan
//! goes the same way as every other one.

mod acts;
mod board;
mod layout;
mod picker;
mod plan;
mod snapshots;
mod told;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::campaign::Collection;
use crate::domain::exchange::Problem;
use crate::domain::matrix::{MappingSnapshot, SnapshotInfo};
use crate::domain::{OperationId, Person, PersonId, ProfileName, SafeText, TargetId, TargetKind};

pub use board::{Board, BoardState, Look};
pub use layout::{Places, Widths, places};
pub use picker::{Choice, GridPicker, Purpose, picker_layout};
pub use snapshots::{SnapshotPane, SnapshotPrompt, prompt_layout, snapshots_layout};
pub use tree::TreeRow;

use super::list::ListCursor;
use super::lists::ListId;
use super::state::State;

/// The state of the screen of campaigns.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// What the person chose to see; until then the campaigns are shown where there is nothing else.
    chosen: Option<bool>,
    /// The profile whose campaigns are shown.
    pub profile: Option<ProfileName>,
    pub centers: BTreeMap<ProfileName, Center>,
    pub pane: Pane,
}

/// Which half has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Tree,
    Grid,
}

/// What is known of one profile's campaigns.
#[derive(Clone, Debug, Default)]
pub struct Center {
    pub tree: TreeState,
    pub campaigns: Arc<Vec<Collection>>,
    /// Names and teams of agents, as far as a file of the customer's gives them.
    pub agents: Arc<Vec<Person>>,
    pub cursor: ListCursor,
    pub boards: BTreeMap<String, Board>,
    /// The campaign whose grid is shown.
    pub open: Option<String>,
    /// Two mappings side by side instead of the grid.
    pub compared: Option<Compared>,
    pub snapshots: Option<Vec<SnapshotInfo>>,
    /// An agent who is to be taken off every list, once all campaigns are read.
    pub clearing: Option<PersonId>,
    /// A snapshot that is to be restored, once its campaigns are read.
    restoring: Option<Arc<MappingSnapshot>>,
    /// Lists that an operation is at work on.
    pending: BTreeMap<OperationId, BTreeSet<TargetId>>,
}

/// How many lead lists a profile has, as far as its campaigns were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownLists {
    pub lists: usize,
    /// Campaigns whose lists are known.
    pub read: usize,
    pub campaigns: usize,
}

impl Center {
    pub fn known_lists(&self) -> KnownLists {
        let boards = self.campaigns.iter().filter_map(|campaign| self.boards.get(&campaign.id));
        let read: Vec<&Board> = boards.filter(|board| board.state == BoardState::Whole).collect();
        KnownLists {
            lists: read.iter().map(|board| board.grid.lists().len()).sum(),
            read: read.len(),
            campaigns: self.campaigns.len(),
        }
    }
}

/// How far the campaigns are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TreeState {
    #[default]
    Reading,
    Ready,
    Failed(Problem),
}

/// A comparison: a grid of the first mapping, painted with what leads to the second. It is looked at, not changed.
#[derive(Clone, Debug)]
pub struct Compared {
    /// `morning with now`.
    pub title: SafeText,
    pub board: Board,
    /// The snapshot that can be restored from here.
    pub(super) first: Arc<MappingSnapshot>,
}

impl Matrix {
    pub fn center(&self) -> Option<&Center> {
        self.centers.get(self.profile.as_ref()?)
    }

    pub(super) fn center_mut(&mut self) -> Option<&mut Center> {
        self.centers.get_mut(self.profile.as_ref()?)
    }

    /// The grid on the screen: the open campaign's, or the comparison's.
    pub fn board(&self) -> Option<&Board> {
        self.center()?.board()
    }

    /// The grid on the screen is a comparison.
    pub fn compared(&self) -> Option<&Compared> {
        self.center()?.compared.as_ref()
    }
}

impl Center {
    pub fn board(&self) -> Option<&Board> {
        match &self.compared {
            Some(compared) => Some(&compared.board),
            None => self.boards.get(self.open.as_ref()?),
        }
    }

    pub(super) fn board_mut(&mut self) -> Option<&mut Board> {
        match &mut self.compared {
            Some(compared) => Some(&mut compared.board),
            None => self.boards.get_mut(self.open.as_ref()?),
        }
    }

    /// Lists that are being written now.
    pub fn is_pending(&self, target: &TargetId) -> bool {
        self.pending.values().any(|targets| targets.contains(target))
    }

    pub fn campaign(&self, id: &str) -> Option<&Collection> {
        self.campaigns.iter().find(|campaign| campaign.id == id)
    }

    /// An agent's name where it is known.
    pub fn agent(&self, id: &PersonId) -> Option<&Person> {
        self.agents.iter().find(|person| person.id == *id)
    }

    /// `Asha K. (asha.k)`, or the id alone.
    pub fn agent_label(&self, id: &PersonId) -> String {
        match self.agent(id) {
            Some(person) if !person.name.is_empty() && person.name.as_str() != id.as_str() => {
                format!("{} ({id})", person.name.safe())
            }
            _ => id.to_string(),
        }
    }

    /// Teams with their members: those of the configuration first, then those of the roster.
    pub fn teams(&self, configured: &BTreeMap<String, Vec<String>>) -> Vec<(String, Vec<PersonId>)> {
        let mut teams: BTreeMap<String, Vec<PersonId>> = configured
            .iter()
            .map(|(name, members)| (name.clone(), members.iter().map(PersonId::new).collect()))
            .collect();
        for person in self.agents.iter().filter(|person| !person.group.is_empty()) {
            if !configured.contains_key(person.group.as_str()) {
                teams.entry(person.group.to_string()).or_default().push(person.id.clone());
            }
        }
        teams.into_iter().collect()
    }

    /// Painted cells of all campaigns: added, removed, and the lists that they are in.
    pub fn painted(&self) -> (usize, usize, usize) {
        self.boards.values().fold((0, 0, 0), |sum, board| {
            (sum.0 + board.totals.added, sum.1 + board.totals.removed, sum.2 + board.totals.touched)
        })
    }
}

impl State {
    /// Whether a profile has campaigns with agents rather than leads with owners.
    pub(super) fn has_campaigns(&self, profile: &ProfileName) -> bool {
        let capabilities = self.profiles.get(profile).and_then(|profile| profile.capabilities.as_ref());
        capabilities.is_some_and(|capabilities| capabilities.targets == TargetKind::Mappings)
    }

    /// The screen of campaigns is shown, and not that of leads.
    pub fn shows_campaigns(&self) -> bool {
        if self.matrix.profile.is_none() {
            return false;
        }
        self.matrix.chosen.unwrap_or_else(|| match &self.lists.active {
            ListId::Profile(name) => self.has_campaigns(name),
            _ => self.profiles.usable().all(|profile| self.has_campaigns(&profile.name)),
        })
    }

    /// Goes to the campaigns of a profile.
    pub(super) fn show_campaigns(&mut self, profile: ProfileName) {
        self.matrix.profile = Some(profile);
        self.matrix.chosen = Some(true);
    }

    /// Goes back to the leads.
    pub(super) fn show_leads(&mut self) {
        self.matrix.chosen = Some(false);
    }

    /// There are leads to go back to.
    pub(super) fn has_leads(&self) -> bool {
        self.profiles.usable().any(|profile| !self.has_campaigns(&profile.name))
    }

    /// The grid can be painted.
    pub(super) fn is_read_only_here(&self) -> bool {
        let profile = self.matrix.profile.as_ref().and_then(|name| self.profiles.get(name));
        profile.is_some_and(|profile| profile.read_only)
    }

    /// Where everything is on the screen of campaigns.
    pub fn matrix_places(&self) -> Places {
        let staged = self.matrix.board().is_some_and(|board| board.totals.touched > 0);
        let heads = self.matrix.board().map_or(0, Board::longest_head);
        places(self.size, self.matrix.pane, staged, heads, self.strip_lines())
    }

    /// Where the cells of the grid are.
    pub fn matrix_widths(&self) -> Widths {
        Widths::of(self.matrix_places().rows, self.matrix.board())
    }
}
