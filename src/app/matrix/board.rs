//! One campaign's grid as it is looked at: what is painted on it, which of it is shown, and where the cursor is.

use std::collections::HashSet;
use std::sync::Arc;

use crate::app::list::ListCursor;
use crate::app::words;
use crate::domain::campaign::MappingRecord;
use crate::domain::exchange::Problem;
use crate::domain::matrix::{Cell, CellBits, Grid, Painting, Totals};
use crate::domain::{PersonId, TargetId, Timestamp};

/// A campaign's grid on the screen.
#[derive(Clone, Debug, Default)]
pub struct Board {
    pub state: BoardState,
    pub grid: Grid,
    pub painting: Painting,
    pub totals: Totals,
    pub read_at: Option<Timestamp>,
    pub(super) records: Arc<Vec<MappingRecord>>,
    /// Agents down and lists across instead of the other way round.
    pub transposed: bool,
    /// Only lists and agents with a painted cell.
    pub only_changed: bool,
    /// The lists and agents that are shown, in their order, by their numbers in the grid.
    shown_lists: Vec<usize>,
    shown_agents: Vec<usize>,
    /// Where in the shown ones the cursor is: in the rows of the screen, and in its columns.
    pub down: ListCursor,
    pub across: ListCursor,
    /// Where the rectangle began that is being chosen: row and column of the screen.
    pub anchor: Option<(usize, usize)>,
    list_heads: Vec<String>,
    agent_heads: Vec<String>,
    longest: (usize, usize),
}

/// How far a campaign is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BoardState {
    #[default]
    NotRead,
    /// Others are read before it.
    Waiting,
    Reading,
    Whole,
    Failed(Problem),
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Cell(Cell),
    /// It is being written.
    Pending,
}

impl Board {
    /// Takes in what was read. Painting stays, and so does the cursor. True when lists or agents came or went: what had
    /// been chosen by its number is another one then.
    pub(super) fn take_in(&mut self, campaign: &str, records: Arc<Vec<MappingRecord>>, read_at: Timestamp) -> bool {
        let cursor = (self.list_at_cursor(), self.agent_at_cursor());
        let cursor = (
            cursor.0.and_then(|row| self.grid.lists().get(row)).map(|list| list.target.clone()),
            cursor.1.and_then(|column| self.grid.agents().get(column)).cloned(),
        );
        let mut grid = Grid::of(campaign, &records, Some(read_at));
        // What the campaign is called does not vanish with its last list.
        if grid.lists().is_empty() {
            grid.campaign_name = self.grid.campaign_name.clone();
            grid.process = self.grid.process.clone();
        }
        self.painting = self.painting.carried_over(&self.grid, &grid);
        if self.painting.is_empty(&grid) {
            self.painting = Painting::default();
        }
        let same_lists =
            self.grid.lists().iter().map(|list| &list.target).eq(grid.lists().iter().map(|list| &list.target));
        let renumbered = !same_lists || self.grid.agents() != grid.agents();
        if renumbered {
            self.anchor = None;
        }
        self.grid = grid;
        self.records = records;
        self.read_at = Some(read_at);
        self.refresh();
        let row = cursor.0.and_then(|target| self.grid.row_of(&target));
        let column = cursor.1.and_then(|agent| self.grid.column_of(&agent));
        self.go_to(row, column);
        renumbered
    }

    /// Whether a list is read here whose agents these records do not have. The first parts of a campaign that is read
    /// again are like that, and what is painted on lists and agents that they do not name would be gone.
    pub(super) fn would_forget(&self, records: &[MappingRecord]) -> bool {
        let read = records.iter().filter(|record| record.agents.is_ok()).map(|record| &record.target);
        let read: HashSet<&TargetId> = read.collect();
        let mut lists = self.grid.lists().iter().enumerate();
        lists.any(|(row, list)| self.grid.is_paintable(row) && !read.contains(&list.target))
    }

    /// A grid for a comparison.
    pub(super) fn of(grid: Grid, painting: Painting) -> Self {
        let mut board = Self { state: BoardState::Whole, grid, painting, ..Self::default() };
        board.refresh();
        board
    }

    /// Counts again, and finds again what is shown: after everything that changed the grid or the painting.
    pub(super) fn refresh(&mut self) {
        self.totals = self.grid.totals(&self.painting);
        let (lists, agents) = (self.grid.lists(), self.grid.agents());
        let changed = self.only_changed.then(|| self.changed());
        let fits = |set: Option<&CellBits>, at: usize| set.is_none_or(|set| set.get(at));
        self.shown_lists = (0..lists.len()).filter(|row| fits(changed.as_ref().map(|c| &c.0), *row)).collect();
        self.shown_agents = (0..agents.len()).filter(|column| fits(changed.as_ref().map(|c| &c.1), *column)).collect();
        self.shown_lists.sort_by(|a, b| natural(lists[*a].name.as_str()).cmp(&natural(lists[*b].name.as_str())));
        self.shown_agents.sort_by(|a, b| agents[*a].cmp(&agents[*b]));
        self.list_heads = heads(lists.iter().map(|list| list.name.to_string()).collect());
        self.agent_heads = heads(agents.iter().map(ToString::to_string).collect());
        let longest = |heads: &[String]| heads.iter().map(|head| words::width(head)).max().unwrap_or(0);
        self.longest = (longest(&self.list_heads), longest(&self.agent_heads));
    }

    /// Lists and agents with a painted cell.
    fn changed(&self) -> (CellBits, CellBits) {
        let (mut lists, mut agents) = (CellBits::default(), CellBits::default());
        for row in 0..self.grid.lists().len() {
            let painted = self.painting.after(&self.grid, row).differing(self.grid.now(row));
            lists.set(row, !painted.is_empty());
            agents = agents.union(&painted);
        }
        (lists, agents)
    }

    /// The rows of the screen and its columns, by their numbers in the grid.
    pub fn screen_rows(&self) -> &[usize] {
        if self.transposed { &self.shown_agents } else { &self.shown_lists }
    }

    pub fn screen_columns(&self) -> &[usize] {
        if self.transposed { &self.shown_lists } else { &self.shown_agents }
    }

    /// List and agent of a row and a column of the screen.
    pub fn pair(&self, row: usize, column: usize) -> Option<(usize, usize)> {
        let (row, column) = (*self.screen_rows().get(row)?, *self.screen_columns().get(column)?);
        Some(if self.transposed { (column, row) } else { (row, column) })
    }

    /// The list that the cursor is on, whichever way round the grid is.
    pub fn list_at_cursor(&self) -> Option<usize> {
        let (at, shown) =
            if self.transposed { (self.across.at, &self.shown_lists) } else { (self.down.at, &self.shown_lists) };
        shown.get(at).copied()
    }

    pub fn agent_at_cursor(&self) -> Option<usize> {
        let at = if self.transposed { self.down.at } else { self.across.at };
        self.shown_agents.get(at).copied()
    }

    /// The agent that the cursor is on.
    pub fn agent(&self) -> Option<&PersonId> {
        self.grid.agents().get(self.agent_at_cursor()?)
    }

    /// Puts the cursor on a list, on an agent, or on both, where they are shown.
    pub(super) fn go_to(&mut self, list: Option<usize>, agent: Option<usize>) {
        let place = |shown: &[usize], wanted: Option<usize>| shown.iter().position(|at| Some(*at) == wanted);
        let (list, agent) = (place(&self.shown_lists, list), place(&self.shown_agents, agent));
        let (down, across) = if self.transposed { (agent, list) } else { (list, agent) };
        self.down.at = down.unwrap_or(self.down.at);
        self.across.at = across.unwrap_or(self.across.at);
    }

    pub(super) fn transpose(&mut self) {
        let (list, agent) = (self.list_at_cursor(), self.agent_at_cursor());
        self.transposed = !self.transposed;
        self.anchor = None;
        std::mem::swap(&mut self.down, &mut self.across);
        self.go_to(list, agent);
    }

    /// The rows and columns of the screen that are chosen: a rectangle, or the one cell under the cursor.
    pub fn chosen(&self) -> (std::ops::RangeInclusive<usize>, std::ops::RangeInclusive<usize>) {
        let (row, column) = (self.down.at, self.across.at);
        let (first_row, first_column) = self.anchor.unwrap_or((row, column));
        (first_row.min(row)..=first_row.max(row), first_column.min(column)..=first_column.max(column))
    }

    /// The chosen lists and agents by their numbers in the grid.
    pub(super) fn chosen_pairs(&self) -> (Vec<usize>, CellBits) {
        let (rows, columns) = self.chosen();
        let of = |shown: &[usize], range: std::ops::RangeInclusive<usize>| -> Vec<usize> {
            range.filter_map(|at| shown.get(at).copied()).collect()
        };
        let (rows, columns) = (of(self.screen_rows(), rows), of(self.screen_columns(), columns));
        let (lists, agents) = if self.transposed { (columns, rows) } else { (rows, columns) };
        (lists, agents.into_iter().collect())
    }

    pub fn cell(&self, list: usize, agent: usize, pending: bool) -> Look {
        match self.grid.cell(list, agent, &self.painting) {
            Cell::Added | Cell::Removed if pending => Look::Pending,
            cell => Look::Cell(cell),
        }
    }

    /// The short words over the columns of the screen.
    pub fn column_head(&self, column: usize) -> &str {
        let heads = if self.transposed { &self.list_heads } else { &self.agent_heads };
        self.screen_columns().get(column).and_then(|at| heads.get(*at)).map_or("", String::as_str)
    }

    pub fn longest_head(&self) -> usize {
        if self.transposed { self.longest.0 } else { self.longest.1 }
    }

    /// Lists that nobody dials after the painting, and agents who dial nothing.
    pub fn idle(&self) -> (usize, usize) {
        let known = |row: &usize| self.grid.is_paintable(*row);
        let lists = (0..self.grid.lists().len()).filter(known);
        let empty = lists.filter(|row| self.totals.lists.get(*row).is_some_and(|shift| shift.after == 0)).count();
        (empty, self.totals.agents.iter().filter(|shift| shift.after == 0).count())
    }

    /// Lists that are not read, and lists that are not read completely.
    pub fn unread(&self) -> usize {
        (0..self.grid.lists().len()).filter(|row| !self.grid.is_paintable(*row)).count()
    }
}

/// A text so that numbers in it sort as numbers: `Lead 9` before `Lead 10`.
fn natural(text: &str) -> Vec<(String, u64)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word: String = rest.chars().take_while(|c| !c.is_ascii_digit()).collect();
        rest = &rest[word.len()..];
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let number = rest[..digits].parse().unwrap_or(u64::MAX);
        rest = &rest[digits..];
        pieces.push((word.to_lowercase(), if digits == 0 { 0 } else { number }));
    }
    pieces
}

/// Names without what all of them begin and end with, where that leaves something of each.
fn heads(names: Vec<String>) -> Vec<String> {
    let [first, rest @ ..] = &names[..] else { return names };
    if rest.is_empty() {
        return names;
    }
    let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let shortest = names.iter().map(|name| name.chars().count()).min().unwrap_or(0);
    let mut before = rest.iter().map(|name| common(&mut first.chars(), &mut name.chars())).min().unwrap_or(0);
    let behind = rest.iter().map(|name| common(&mut first.chars().rev(), &mut name.chars().rev())).min().unwrap_or(0);
    // A number is not cut in the middle.
    while before > 0 && names.iter().any(|name| name.chars().nth(before - 1).is_some_and(|c| c.is_ascii_digit())) {
        before -= 1;
    }
    before = if before < 3 { 0 } else { before };
    let behind = if behind < 3 { 0 } else { behind };
    if before + behind >= shortest {
        return names;
    }
    let short = |name: &String| -> String {
        let len = name.chars().count();
        name.chars().skip(before).take(len - before - behind).collect()
    };
    names.iter().map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_leave_out_what_all_names_share() {
        let short = |names: &[&str]| heads(names.iter().map(ToString::to_string).collect());
        assert_eq!(short(&["agent_001", "agent_002", "agent_110"]), ["001", "002", "110"]);
        assert_eq!(short(&["asha@x.example", "ravi@x.example"]), ["asha", "ravi"]);
        assert_eq!(short(&["Lead 7", "Lead 40"]), ["7", "40"]);
        assert_eq!(short(&["asha.k", "anil.k"]), ["asha.k", "anil.k"]);
        assert_eq!(short(&["agent", "agent_1"]), ["agent", "agent_1"], "nothing would be left of the first");
        assert_eq!(short(&["alone"]), ["alone"]);
        assert_eq!(short(&[]), [""; 0]);
    }

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["Lead 10", "Lead 9", "lead 100", "Alpha", "Lead"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["Alpha", "Lead", "Lead 9", "Lead 10", "lead 100"]);
    }
}
