//! Finding an agent, a list, a team or a campaign by a few letters: to go there, or to paint with it.

use std::collections::BTreeSet;

use super::{Board, Center, Pane};
use crate::app::action::Action;
use crate::app::dialog::{After, Dialog};
use crate::app::field::TextField;
use crate::app::layout;
use crate::app::list::ListCursor;
use crate::app::notices::Level;
use crate::app::state::State;
use crate::app::words::{self, counted};
use crate::domain::matrix::{CellBits, Painted};
use crate::domain::{PersonId, ranking};

/// What is picked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Jump,
    /// The mapping of the agent under the cursor to others.
    CopyAgent,
    /// The mapping of the list under the cursor to others.
    CopyList,
    /// The lists of the agent under the cursor to another.
    MoveWork,
    /// A team to the chosen lists.
    GiveTeam,
}

impl Purpose {
    /// Several may be picked.
    pub fn takes_many(self) -> bool {
        matches!(self, Self::CopyAgent | Self::CopyList)
    }
}

/// One thing to be picked.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    Campaign(String),
    List(usize),
    Agent(usize),
    Team(String, Vec<PersonId>),
}

/// The picker.
#[derive(Clone, Debug)]
pub struct GridPicker {
    pub purpose: Purpose,
    /// What it asks.
    pub question: String,
    pub field: TextField,
    pub cursor: ListCursor,
    pub choices: Vec<Entry>,
    /// Choices that match what was typed, best first, with the characters that matched.
    pub matches: Vec<(usize, Vec<usize>)>,
    /// Those that are picked beside the one under the cursor.
    pub marked: BTreeSet<usize>,
}

/// A choice with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub choice: Choice,
    pub label: String,
    pub more: String,
}

pub fn picker_layout(size: (u16, u16)) -> layout::Dialog {
    layout::dialog(size, 76, 24, 2, 0)
}

impl GridPicker {
    fn narrow(&mut self) {
        let typed = self.field.text();
        let mut scored: Vec<(i64, usize, Vec<usize>)> = self
            .choices
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| {
                let found = ranking::fuzzy(typed, &entry.label)?;
                Some((found.score, at, found.positions))
            })
            .collect();
        if !typed.trim().is_empty() {
            scored.sort_by_key(|(score, at, _)| (std::cmp::Reverse(*score), *at));
        }
        self.matches = scored.into_iter().map(|(_, at, positions)| (at, positions)).collect();
    }

    fn is_of_campaigns(&self) -> bool {
        self.choices.iter().all(|entry| matches!(entry.choice, Choice::Campaign(_)))
    }

    /// What is picked: the marked ones, else the one under the cursor.
    fn picked(&self) -> Vec<&Choice> {
        if !self.marked.is_empty() {
            return self.marked.iter().filter_map(|at| self.choices.get(*at)).map(|entry| &entry.choice).collect();
        }
        let current = self.matches.get(self.cursor.at).and_then(|(at, _)| self.choices.get(*at));
        current.map(|entry| &entry.choice).into_iter().collect()
    }
}

impl State {
    pub(super) fn open_grid_picker(&mut self, purpose: Purpose) {
        let Some(center) = self.matrix.center() else { return };
        let question = question(purpose, center, self.matrix.pane);
        let choices = match (purpose, center.board()) {
            (Purpose::GiveTeam, _) => teams(&center.teams(&self.options.teams)),
            (Purpose::Jump, _) if self.matrix.pane == Pane::Tree => campaigns(center),
            (Purpose::Jump, Some(board)) => agents(center, board).into_iter().chain(lists(board)).collect(),
            (Purpose::CopyList, Some(board)) => {
                let here = board.list_at_cursor().map(Choice::List);
                lists(board).into_iter().filter(|entry| Some(&entry.choice) != here.as_ref()).collect()
            }
            (_, Some(board)) => {
                let here = board.agent_at_cursor().map(Choice::Agent);
                agents(center, board).into_iter().filter(|entry| Some(&entry.choice) != here.as_ref()).collect()
            }
            (_, None) => return,
        };
        let mut picker = GridPicker {
            purpose,
            question,
            field: TextField::default(),
            cursor: ListCursor::default(),
            choices,
            matches: Vec::new(),
            marked: BTreeSet::new(),
        };
        picker.narrow();
        self.dialogs.push(Dialog::GridPicker(Box::new(picker)));
    }

    pub(in crate::app) fn act_in_grid_picker(&mut self, picker: &mut GridPicker, action: Action) -> After {
        match action {
            Action::Back => return After::Close,
            Action::NextField if picker.purpose.takes_many() => {
                if let Some((at, _)) = picker.matches.get(picker.cursor.at)
                    && !picker.marked.remove(at)
                {
                    picker.marked.insert(*at);
                }
                let height = usize::from(picker_layout(self.size).body.height);
                picker.cursor.act(Action::CursorDown, picker.matches.len(), height);
            }
            Action::Accept => {
                let picked: Vec<Choice> = picker.picked().into_iter().cloned().collect();
                if picked.is_empty() {
                    return After::Stay;
                }
                self.picked(picker.purpose, picked);
                return After::Close;
            }
            action => {
                let height = usize::from(picker_layout(self.size).body.height);
                picker.cursor.act(action, picker.matches.len(), height);
            }
        }
        After::Stay
    }

    pub(in crate::app) fn grid_picker_typed(&mut self) {
        if let Some(Dialog::GridPicker(picker)) = self.dialogs.last_mut() {
            picker.narrow();
            picker.cursor = ListCursor::default();
        }
    }

    /// Lists or agents came or went under the picker: it was about those that there were.
    pub(super) fn close_grid_picker(&mut self) {
        let is_of_the_grid =
            |dialog: &Dialog| matches!(dialog, Dialog::GridPicker(picker) if !picker.is_of_campaigns());
        let before = self.dialogs.len();
        self.dialogs.retain(|dialog| !is_of_the_grid(dialog));
        if self.dialogs.len() < before {
            self.say(Level::Warning, "Lists or agents came or went while this was open: choose again");
        }
    }

    fn picked(&mut self, purpose: Purpose, picked: Vec<Choice>) {
        let agents: CellBits =
            picked.iter().filter_map(|choice| if let Choice::Agent(at) = choice { Some(*at) } else { None }).collect();
        let lists: Vec<usize> =
            picked.iter().filter_map(|choice| if let Choice::List(at) = choice { Some(*at) } else { None }).collect();
        let Some(first) = picked.into_iter().next() else { return };
        match (purpose, first) {
            (_, Choice::Campaign(id)) => self.open_campaign(id),
            (_, Choice::Team(team, members)) => {
                let mut strangers = Vec::new();
                self.painted_with(|board| {
                    let (rows, _) = board.chosen_pairs();
                    board.anchor = None;
                    let (painted, others) = board.painting.give_team(&board.grid, &team, &members, &rows);
                    strangers = others;
                    painted
                });
                if !strangers.is_empty() {
                    let names: Vec<String> = strangers.iter().map(ToString::to_string).collect();
                    let text =
                        format!("Not agents of this campaign and left out: {}", words::cut(&names.join(", "), 80));
                    self.say(Level::Warning, &text);
                }
            }
            (Purpose::Jump, Choice::List(list)) => self.jump(Some(list), None),
            (Purpose::Jump, Choice::Agent(agent)) => self.jump(None, Some(agent)),
            (Purpose::CopyAgent, _) => self.painted_with(|board| match board.agent_at_cursor() {
                Some(from) => board.painting.copy_agent(&board.grid, from, &agents),
                None => Painted::default(),
            }),
            (Purpose::CopyList, _) => self.painted_with(|board| match board.list_at_cursor() {
                Some(from) => board.painting.copy_list(&board.grid, from, &lists),
                None => Painted::default(),
            }),
            (Purpose::MoveWork, Choice::Agent(to)) => self.painted_with(|board| match board.agent_at_cursor() {
                Some(from) => board.painting.move_work(&board.grid, from, to),
                None => Painted::default(),
            }),
            _ => {}
        }
    }

    /// Puts the cursor on a list or an agent, and shows all again where the place is hidden.
    fn jump(&mut self, list: Option<usize>, agent: Option<usize>) {
        let Some(board) = self.matrix.center_mut().and_then(|center| center.board_mut()) else { return };
        board.go_to(list, agent);
        let there = |wanted: Option<usize>, at: Option<usize>| wanted.is_none() || wanted == at;
        if !there(list, board.list_at_cursor()) || !there(agent, board.agent_at_cursor()) {
            board.only_changed = false;
            board.refresh();
            board.go_to(list, agent);
        }
    }
}

fn question(purpose: Purpose, center: &Center, pane: Pane) -> String {
    let board = center.board();
    let agent = board.and_then(Board::agent).map(|agent| center.agent_label(agent)).unwrap_or_default();
    let list = board.and_then(|board| board.grid.lists().get(board.list_at_cursor()?));
    let list = list.map(|list| list.name.to_string()).unwrap_or_default();
    let chosen = board.map_or(0, |board| board.chosen_pairs().0.len());
    match purpose {
        Purpose::Jump if pane == Pane::Tree => "Which campaign?".to_owned(),
        Purpose::Jump => "To which agent or list?".to_owned(),
        Purpose::CopyAgent => format!("Who gets exactly the lists of {agent}?"),
        Purpose::CopyList => format!("Which lists get exactly the agents of {list}?"),
        Purpose::MoveWork => format!("Who takes over the lists of {agent}?"),
        Purpose::GiveTeam if chosen > 1 => format!("Which team for {}?", counted(chosen, "list")),
        Purpose::GiveTeam => format!("Which team for {list}?"),
    }
}

fn agents(center: &Center, board: &Board) -> Vec<Entry> {
    let entry = |(at, agent): (usize, &PersonId)| {
        let lists = board.totals.agents.get(at).map_or(0, |sum| sum.after);
        let team = center.agent(agent).map(|person| person.group.to_string()).unwrap_or_default();
        let words = if lists == 0 { "dials no list".to_owned() } else { counted(lists, "list") };
        let more = if team.is_empty() { words } else { format!("{words}, {team}") };
        Entry { choice: Choice::Agent(at), label: center.agent_label(agent), more }
    };
    board.grid.agents().iter().enumerate().map(entry).collect()
}

fn lists(board: &Board) -> Vec<Entry> {
    let entry = |(at, list): (usize, &crate::domain::matrix::ListHead)| {
        let agents = board.totals.lists.get(at).map_or(0, |sum| sum.after);
        let more = if agents == 0 {
            "list, nobody dials this".to_owned()
        } else {
            format!("list, {}", counted(agents, "agent"))
        };
        Entry { choice: Choice::List(at), label: list.name.to_string(), more }
    };
    board.grid.lists().iter().enumerate().map(entry).collect()
}

fn teams(teams: &[(String, Vec<PersonId>)]) -> Vec<Entry> {
    let entry = |(name, members): &(String, Vec<PersonId>)| Entry {
        choice: Choice::Team(name.clone(), members.clone()),
        label: crate::domain::SafeText::new(name).to_string(),
        more: counted(members.len(), "agent"),
    };
    teams.iter().map(entry).collect()
}

fn campaigns(center: &Center) -> Vec<Entry> {
    let entry = |campaign: &crate::domain::campaign::Collection| Entry {
        choice: Choice::Campaign(campaign.id.clone()),
        label: campaign.name.to_string(),
        more: campaign.status.to_string(),
    };
    center.campaigns.iter().map(entry).collect()
}
