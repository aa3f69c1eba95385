//! The table of leads: what is shown, the cursor in it, and the searches that fill it.

use std::sync::Arc;

use crate::domain::exchange::Command;
use crate::domain::leads::{RowId, Snapshot};
use crate::domain::query::{Query, SearchRequest, SearchResult, Sort};
use crate::domain::selection::{LeadKey, Selection};
use crate::domain::{Field, LeadId};

use super::action::Action;
use super::effect::Effect;
use super::job::{Rows, key_of};
use super::list::ListCursor;
use super::marking::{MarkOrder, MarkedRange};
use super::notices::Level;
use super::profiles::Profile;
use super::state::State;

/// The state of the table.
#[derive(Clone, Debug, Default)]
pub struct Leads {
    /// Columns that were chosen; empty for the usual ones.
    pub columns: Vec<Field>,
    pub sort: Option<Sort>,
    pub include_closed: bool,
    pub shown: Shown,
    pub cursor: ListCursor,
    /// The lead the cursor is on, so that it is found again after every search.
    pub(super) cursor_lead: Option<LeadKey>,
    pub range: Option<MarkedRange>,
    pub selection: Arc<Selection>,
    /// Marks of many rows that are being made.
    pub(super) marking: Option<MarkOrder>,
    pub(super) search: Search,
    /// The names that were wished for last.
    pub(super) wished: Vec<LeadKey>,
}

/// What the newest finished search found.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub rows: Rows,
    /// The query it was, for highlighting.
    pub query: Query,
    /// Closed leads that matched but are hidden.
    pub hidden_closed: usize,
    /// Marked leads that are not among the rows.
    pub hidden_marks: usize,
    /// The search it was; 0 before the first.
    pub generation: u64,
}

impl Shown {
    pub fn len(&self) -> usize {
        self.rows.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.rows.is_empty()
    }

    pub fn row(&self, at: usize) -> Option<RowId> {
        self.rows.rows.get(at).copied()
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.rows.snapshot
    }

    pub fn key(&self, at: usize) -> Option<LeadKey> {
        key_of(&self.rows.snapshot, self.row(at)?)
    }

    /// Where a lead is among the rows; `near` is looked at first.
    fn position(&self, lead: &LeadKey, near: usize) -> Option<usize> {
        let row = self.rows.snapshot.row_of(&lead.profile, lead.id.as_str())?;
        let rows = &self.rows.rows;
        if rows.get(near) == Some(&row) {
            return Some(near);
        }
        // Numbers only, no lead is touched: a millisecond for a million rows.
        rows.iter().position(|candidate| *candidate == row)
    }
}

/// The search that is on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    generation: u64,
    asked: Option<Asked>,
    /// The leads have changed since it was asked for: search once more afterwards. (Not at once: pages that come
    /// faster than a search takes would put it off for ever.)
    again: bool,
}

#[derive(Clone, Debug)]
struct Asked {
    generation: u64,
    snapshot: Snapshot,
    query: Query,
    why: Why,
}

/// What made a search necessary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The leads have changed: the cursor stays on its lead.
    NewLeads,
    /// Something else is to be shown, in which the lead under the cursor is looked for.
    OtherRows,
    /// A query is being typed: its first match is the best place for the cursor.
    OtherQuery,
}

impl Search {
    /// The generation that will have looked through everything that is here now; 0 when none is on the way.
    pub(super) fn newest(&self) -> u64 {
        match &self.asked {
            Some(asked) => asked.generation + u64::from(self.again),
            None => 0,
        }
    }

    /// The rows on the screen are not the ones that were asked for.
    fn is_behind(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.why != Why::NewLeads)
    }
}

impl Leads {
    /// The lead under the cursor.
    pub fn current(&self) -> Option<LeadKey> {
        self.shown.key(self.cursor.at)
    }

    /// The rows on the screen are being searched anew for another question.
    pub fn is_searching(&self) -> bool {
        self.search.is_behind()
    }

    /// What a search finds is worth a moment's waiting: the rows on the screen answer another question, or there are
    /// none.
    pub fn awaits_rows(&self) -> bool {
        self.is_searching() || self.search.asked.is_some() && self.shown.is_empty()
    }
}

impl State {
    /// Asks for a new search.
    pub(super) fn search(&mut self, why: Why) {
        let leads = &mut self.leads;
        if why == Why::NewLeads && leads.search.asked.is_some() {
            leads.search.again = true;
            return;
        }
        leads.search.generation += 1;
        leads.search.again = false;
        let query = match self.list_term() {
            Some(term) => self.filter.query.and(term),
            None => self.filter.query.clone(),
        };
        let snapshot = self.listed_snapshot();
        let leads = &mut self.leads;
        let generation = leads.search.generation;
        leads.search.asked = Some(Asked { generation, snapshot: snapshot.clone(), query: query.clone(), why });
        let request = SearchRequest {
            generation,
            snapshot,
            query,
            sort: leads.sort,
            marked: leads.selection.clone(),
            include_closed: leads.include_closed,
            now: self.now,
        };
        self.emit(Effect::Search(request));
    }

    /// A search has finished. Answers to questions that are no longer asked are dropped.
    pub(super) fn searched(&mut self, result: SearchResult) {
        let height = self.table_height();
        let leads = &mut self.leads;
        let Some(asked) = leads.search.asked.take_if(|asked| asked.generation == result.generation) else { return };
        leads.shown = Shown {
            rows: Rows { snapshot: asked.snapshot, rows: Arc::new(result.rows) },
            query: asked.query,
            hidden_closed: result.hidden_closed,
            hidden_marks: result.hidden_marks,
            generation: asked.generation,
        };
        let offset = leads.cursor.at - leads.cursor.top.min(leads.cursor.at);
        let lead = leads.cursor_lead.as_ref().filter(|_| asked.why != Why::OtherQuery);
        match lead.and_then(|lead| leads.shown.position(lead, leads.cursor.at)) {
            Some(at) => leads.cursor = ListCursor { at, top: at.saturating_sub(offset) },
            None if asked.why == Why::NewLeads => {}
            None => leads.cursor = ListCursor::default(),
        }
        leads.cursor.fit(leads.shown.len(), height);
        leads.cursor_lead = leads.current();
        if let Some(range) = leads.range.take() {
            let at = leads.shown.position(&range.from, range.anchor);
            leads.range = at.map(|anchor| MarkedRange { anchor, ..range });
        }
        if std::mem::take(&mut self.leads.search.again) {
            self.search(Why::NewLeads);
        }
    }

    /// A search came to no end: what was shown stays. False when it was an older one.
    pub(super) fn search_failed(&mut self, generation: u64) -> bool {
        self.leads.search.asked.take_if(|asked| asked.generation == generation).is_some()
    }

    /// Moves the cursor of the table. False when the action is not a moving one.
    pub(super) fn move_in_table(&mut self, action: Action) -> bool {
        let (len, height) = (self.leads.shown.len(), self.table_height());
        let moved = self.leads.cursor.act(action, len, height);
        if moved {
            self.leads.cursor_lead = self.leads.current();
        }
        moved
    }

    /// The columns to show, from left to right: chosen ones or the usual, as far as the listed vendors give them.
    pub fn columns(&self) -> Vec<Field> {
        let given = self.listed_fields();
        let wanted = if self.leads.columns.is_empty() { USUAL_COLUMNS } else { &self.leads.columns[..] };
        let several = self.listed_profiles().count() > 1;
        let wanted = wanted.iter().copied().filter(|field| given.contains(field) || *field == Field::Profile);
        let mut columns: Vec<Field> = wanted.collect();
        // In a table of several profiles it must be seen what belongs where.
        if several && !columns.contains(&Field::Profile) {
            columns.push(Field::Profile);
        }
        if columns.is_empty() {
            columns.push(Field::Id);
        }
        columns
    }

    /// Wishes for the names of the rows on the screen, where rows come without names. The newest wish replaces the one
    /// before, and what was wished for already is not wished for again.
    pub(super) fn wish_for_names(&mut self) {
        let height = self.table_height();
        let shown = &self.leads.shown;
        let mut wish = Vec::new();
        for at in self.leads.cursor.top..self.leads.cursor.top + height {
            let Some((part, row)) = shown.row(at).and_then(|row| shown.snapshot().locate(row)) else { break };
            // The newest table may know the name already.
            let Some(profile) = self.profiles.get(&part.profile) else { continue };
            if profile.names_in_rows() || !part.table.text(row, Field::Name).is_empty() {
                continue;
            }
            let id: LeadId = part.table.id(row);
            let named = |row| !profile.table.text(row, Field::Name).is_empty();
            if !profile.table.row_of(id.as_str()).is_some_and(named) {
                wish.push(LeadKey { profile: part.profile.clone(), id });
            }
        }
        if wish.iter().any(|lead| !self.leads.wished.contains(lead)) {
            self.leads.wished = wish.clone();
            self.emit(Effect::Send(Command::Names { leads: wish }));
        }
    }

    /// How many leads of the listed profiles have no name yet, where rows come without names.
    pub fn nameless(&self) -> usize {
        self.listed_profiles().map(Profile::nameless).sum()
    }

    /// Asks for the names of all leads that have none yet, and says what that costs.
    pub(super) fn read_names(&mut self) {
        let wanting = self.listed_profiles().filter(|profile| profile.nameless() > 0);
        let wanting: Vec<_> = wanting.map(|profile| (profile.name.clone(), profile.names_cost())).collect();
        for (profile, cost) in wanting {
            self.say(Level::Info, &format!("Reading the names of all leads of {profile}: {cost}"));
            self.emit(Effect::Send(Command::AllNames { profile }));
        }
    }

    /// Sorts by the column after the present one, or the first.
    pub(super) fn sort_next(&mut self) {
        let columns = self.columns();
        let at = self.leads.sort.and_then(|sort| columns.iter().position(|field| *field == sort.field));
        let next = at.map_or(Some(0), |at| (at + 1 < columns.len()).then_some(at + 1));
        // After the last column comes the vendor's own order.
        self.leads.sort = next.and_then(|at| columns.get(at)).map(|field| usual_sort(*field));
        self.search(Why::OtherRows);
    }

    pub(super) fn sort_by(&mut self, field: Field) {
        self.leads.sort = Some(match self.leads.sort {
            Some(sort) if sort.field == field => Sort { descending: !sort.descending, ..sort },
            _ => usual_sort(field),
        });
        self.search(Why::OtherRows);
    }
}

/// The way round in which a column is sorted first: the highest score, the newest lead, names from A.
fn usual_sort(field: Field) -> Sort {
    Sort { field, descending: matches!(field, Field::Score | Field::Created | Field::Updated) }
}

/// The columns of a table for which none were chosen.
pub const USUAL_COLUMNS: &[Field] = &[
    Field::Name,
    Field::Company,
    Field::Email,
    Field::Status,
    Field::Source,
    Field::Score,
    Field::Created,
    Field::Owner,
];
