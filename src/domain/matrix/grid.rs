//! A campaign's mapping as it was read: lists down, agents across.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use super::bits::CellBits;
use super::painting::Painting;
use crate::domain::campaign::MappingRecord;
use crate::domain::{PersonId, SafeText, TargetId, Timestamp};

/// One campaign's lists and agents with a bit for each pair.
///
/// Rows and columns keep their numbers for as long as the grid lives: what is read later adds to their ends. In which
/// order they are shown is the screen's business.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    pub campaign_id: String,
    pub campaign_name: SafeText,
    pub process: SafeText,
    lists: Vec<ListHead>,
    rows: HashMap<TargetId, usize>,
    agents: Arc<Vec<PersonId>>,
    columns: HashMap<PersonId, usize>,
    now: Vec<CellBits>,
}

/// One lead list of a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct ListHead {
    pub target: TargetId,
    /// The list's own id.
    pub lead_id: String,
    pub name: SafeText,
    /// Whether the list is active in this campaign.
    pub enabled: bool,
    pub reading: Reading,
}

/// How much is known about who may dial a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Reading {
    #[default]
    NotRead,
    /// Read, but not wholly or not consistently, with the reason. Such a list is not written.
    Incomplete(SafeText),
    /// Read at this time; `None` where it must be read again before it is written.
    Whole(Option<Timestamp>),
}

/// What one cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Nobody knows yet.
    NotRead,
    /// The list could not be read completely.
    Incomplete,
    Off,
    On,
    /// Painted: it is off and will be on.
    Added,
    /// Painted: it is on and will be off.
    Removed,
}

/// A count before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    pub before: usize,
    pub after: usize,
}

impl Shift {
    pub fn is_change(self) -> bool {
        self.before != self.after
    }
}

/// What a grid adds up to, before and after a painting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Agents of each list.
    pub lists: Vec<Shift>,
    /// Lists of each agent.
    pub agents: Vec<Shift>,
    /// Painted cells.
    pub added: usize,
    pub removed: usize,
    /// Lists with a painted cell.
    pub touched: usize,
}

impl Grid {
    /// The grid of one campaign's records; records of other campaigns are left out.
    pub fn of(campaign_id: &str, records: &[MappingRecord], read_at: Option<Timestamp>) -> Self {
        let mut grid = Self { campaign_id: campaign_id.to_owned(), ..Self::default() };
        grid.take_in(records, read_at);
        grid
    }

    /// Adds what was read to what is there: new lists and agents at the ends, newer sets over older ones.
    pub fn take_in(&mut self, records: &[MappingRecord], read_at: Option<Timestamp>) {
        let own = || records.iter().filter(|record| record.campaign_id == self.campaign_id);
        let seen: BTreeSet<&PersonId> =
            own().flat_map(|record| record.agents.iter().flatten().chain(&record.others)).collect();
        let new: Vec<PersonId> = seen.into_iter().filter(|agent| !self.columns.contains_key(*agent)).cloned().collect();
        self.add_agents(new);
        for record in records {
            if record.campaign_id != self.campaign_id {
                continue;
            }
            self.campaign_name = record.campaign_name.clone();
            self.process = record.process.clone();
            let row = self.row_for(record);
            let head = &mut self.lists[row];
            head.name = record.lead_name.clone();
            head.enabled = record.enabled;
            match &record.agents {
                Ok(agents) => {
                    head.reading = Reading::Whole(read_at);
                    self.now[row] = agents.iter().filter_map(|agent| self.columns.get(agent).copied()).collect();
                }
                Err(why) => {
                    head.reading = Reading::Incomplete(why.as_str().into());
                    self.now[row] = CellBits::default();
                }
            }
        }
    }

    /// Adds agents that may be mapped though no reading named them (a roster).
    pub fn add_agents(&mut self, agents: impl IntoIterator<Item = PersonId>) {
        let mut agents = agents.into_iter().peekable();
        if agents.peek().is_none() {
            return;
        }
        let known = Arc::make_mut(&mut self.agents);
        for agent in agents {
            if !self.columns.contains_key(&agent) {
                self.columns.insert(agent.clone(), known.len());
                known.push(agent);
            }
        }
    }

    fn row_for(&mut self, record: &MappingRecord) -> usize {
        if let Some(row) = self.rows.get(&record.target) {
            return *row;
        }
        let row = self.lists.len();
        self.rows.insert(record.target.clone(), row);
        self.lists.push(ListHead {
            target: record.target.clone(),
            lead_id: record.lead_id.clone(),
            name: record.lead_name.clone(),
            enabled: record.enabled,
            reading: Reading::NotRead,
        });
        self.now.push(CellBits::default());
        row
    }

    pub fn lists(&self) -> &[ListHead] {
        &self.lists
    }

    pub fn agents(&self) -> &[PersonId] {
        &self.agents
    }

    pub fn row_of(&self, target: &TargetId) -> Option<usize> {
        self.rows.get(target).copied()
    }

    pub fn column_of(&self, agent: &PersonId) -> Option<usize> {
        self.columns.get(agent).copied()
    }

    /// The agents mapped to a list now, by their columns.
    pub fn now(&self, row: usize) -> &CellBits {
        const NONE: &CellBits = &CellBits::NONE;
        self.now.get(row).unwrap_or(NONE)
    }

    /// The agents behind some columns.
    pub fn named(&self, columns: &CellBits) -> BTreeSet<PersonId> {
        columns.ones().filter_map(|column| self.agents.get(column).cloned()).collect()
    }

    /// The columns of some agents; those that have none are left out.
    pub fn columns_of<'a>(&self, agents: impl IntoIterator<Item = &'a PersonId>) -> CellBits {
        agents.into_iter().filter_map(|agent| self.column_of(agent)).collect()
    }

    /// Whether a list was read well enough to be changed.
    pub fn is_paintable(&self, row: usize) -> bool {
        self.lists.get(row).is_some_and(|list| matches!(list.reading, Reading::Whole(_)))
    }

    pub fn cell(&self, row: usize, column: usize, painting: &Painting) -> Cell {
        match self.lists.get(row).map(|list| &list.reading) {
            None | Some(Reading::NotRead) => Cell::NotRead,
            Some(Reading::Incomplete(_)) => Cell::Incomplete,
            Some(Reading::Whole(_)) => match (self.now[row].get(column), painting.wished(row, column)) {
                (true, Some(false)) => Cell::Removed,
                (false, Some(true)) => Cell::Added,
                (true, _) => Cell::On,
                (false, _) => Cell::Off,
            },
        }
    }

    /// Row and column totals, before and after.
    pub fn totals(&self, painting: &Painting) -> Totals {
        let mut totals = Totals { agents: vec![Shift::default(); self.agents.len()], ..Totals::default() };
        for (row, now) in self.now.iter().enumerate() {
            let after = painting.after(self, row);
            totals.lists.push(Shift { before: now.count(), after: after.count() });
            now.ones().for_each(|column| totals.agents[column].before += 1);
            after.ones().for_each(|column| totals.agents[column].after += 1);
            let (added, removed) = (after.without(now).count(), now.without(&after).count());
            totals.added += added;
            totals.removed += removed;
            totals.touched += usize::from(added + removed > 0);
        }
        totals
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record of campaign 7: its agents (an error where `None`) and its others.
    pub fn record(lead: &str, agents: Option<&[&str]>, others: &[&str]) -> MappingRecord {
        MappingRecord {
            target: TargetId::new(format!("7:{lead}")),
            process: "Sales".into(),
            campaign_id: "7".to_owned(),
            campaign_name: "Winter".into(),
            lead_id: lead.to_owned(),
            lead_name: format!("List {lead}").as_str().into(),
            enabled: true,
            agents: agents
                .map(|agents| agents.iter().map(PersonId::new).collect())
                .ok_or_else(|| "the two readings differ".to_owned()),
            others: others.iter().map(PersonId::new).collect(),
        }
    }

    pub fn grid() -> Grid {
        let records = [
            record("1", Some(&["ann", "bob"]), &["cid", "dan"]),
            record("2", Some(&["bob"]), &["ann", "cid", "dan"]),
            record("3", Some(&[]), &["ann", "bob", "cid", "dan"]),
            record("4", None, &[]),
        ];
        Grid::of("7", &records, None)
    }

    /// A grid in letters: rows in order, `x` on, `.` off, `+` and `-` painted, `!` incomplete, `?` not read.
    pub fn drawn(grid: &Grid, painting: &Painting) -> Vec<String> {
        let letter = |row, column| match grid.cell(row, column, painting) {
            Cell::NotRead => '?',
            Cell::Incomplete => '!',
            Cell::Off => '.',
            Cell::On => 'x',
            Cell::Added => '+',
            Cell::Removed => '-',
        };
        (0..grid.lists().len())
            .map(|row| (0..grid.agents().len()).map(|column| letter(row, column)).collect())
            .collect()
    }

    #[test]
    fn what_is_read_is_shown_and_newer_readings_go_over_older_ones() {
        let mut grid = grid();
        assert_eq!(grid.agents().iter().map(PersonId::as_str).collect::<Vec<_>>(), ["ann", "bob", "cid", "dan"]);
        assert_eq!(drawn(&grid, &Painting::default()), ["xx..", ".x..", "....", "!!!!"]);
        grid.take_in(&[record("4", Some(&["abe"]), &["dan"]), record("5", Some(&["ann"]), &[])], None);
        // Abe comes last though his name is the first: columns keep their numbers.
        assert_eq!(drawn(&grid, &Painting::default()), ["xx...", ".x...", ".....", "....x", "x...."]);
        let other = MappingRecord { campaign_id: "8".to_owned(), ..record("9", Some(&["eve"]), &[]) };
        grid.take_in(&[other], None);
        assert_eq!((grid.lists().len(), grid.agents().len()), (5, 5));
    }

    #[test]
    fn totals_tell_empty_lists_and_idle_agents() {
        let totals = grid().totals(&Painting::default());
        let counts = |shifts: &[Shift]| shifts.iter().map(|shift| shift.before).collect::<Vec<_>>();
        assert_eq!(counts(&totals.lists), [2, 1, 0, 0]);
        assert_eq!(counts(&totals.agents), [1, 2, 0, 0]);
        assert_eq!((totals.added, totals.removed, totals.touched), (0, 0, 0));
    }
}
