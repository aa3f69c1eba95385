//! Loading a profile's leads page by page, into a table that grows on the screen or replaces an older one at the end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::desk::{Desk, LoadNumber, enriched};
use super::setup::Clock;
use crate::domain::campaign::LeadAsk;
use crate::domain::exchange::LoadProgress;
use crate::domain::leads::LeadTable;
use crate::domain::{LeadRecord, ProfileName, TargetKind, Timestamp};
use crate::vendor::{ErrorKind, Pages, VendorError};

/// Between two snapshots.
const BETWEEN: Duration = Duration::from_millis(100);
/// Rows that gather before they are added, whatever the time.
const MOST_ROWS: usize = 20_000;

/// A profile's leads after a load.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub table: LeadTable,
    /// When the reading began: no owner in the table is older.
    pub read_at: Timestamp,
    /// What the person should know about the listing: rows that could not be read.
    pub troubles: Vec<String>,
}

/// Loads the leads that `ask` wants. `show` gets a snapshot a few times a second; while an older table is on the screen
/// it stays there, with the progress of the new one.
pub async fn load(
    desk: &Desk,
    ask: &LeadAsk,
    clock: &Clock,
    show: &mut (dyn FnMut(LeadTable, LoadProgress) + Send),
) -> Result<Loaded, VendorError> {
    let older = desk.leads().map(|(table, _)| table).filter(|table| !table.is_empty());
    let read_at = clock();
    let mut growing = Growing {
        desk,
        number: desk.begin_load(),
        fresh: older.is_some().then(LeadTable::default),
        // List rows without names: those that were asked for one by one are not asked for again.
        named: older.filter(|_| !desk.capabilities.names_in_rows),
        rows: Vec::new(),
        total: None,
        read_at,
        shown: None,
        show,
        troubles: Vec::new(),
        superseded: false,
    };
    growing.tell();
    // Where targets are lead lists there are no leads to load; the table stays empty, and nobody is asked.
    let listed = match desk.capabilities.targets {
        TargetKind::Leads => desk.vendor.leads(ask, &mut growing).await,
        TargetKind::Mappings => Ok(()),
    };
    match listed {
        Ok(()) => Ok(growing.finish()),
        Err(error) => {
            growing.add_rows();
            growing.tell();
            desk.fail_load(growing.number);
            Err(where_to_look(error, &desk.name))
        }
    }
}

/// A list that is not there is no missing record: the address is wrong.
pub fn where_to_look(error: VendorError, profile: &ProfileName) -> VendorError {
    if error.kind != ErrorKind::NotFound || !error.remedy.is_empty() {
        return error;
    }
    error.with_remedy(format!("Check that base_url of profile {profile} is the address of its vendor's API."))
}

/// A load on its way.
struct Growing<'a> {
    desk: &'a Desk,
    number: LoadNumber,
    /// The new table, where an older one stays on the screen until this one is whole.
    fresh: Option<LeadTable>,
    named: Option<LeadTable>,
    /// Rows that are not in the table yet.
    rows: Vec<LeadRecord>,
    total: Option<usize>,
    read_at: Timestamp,
    shown: Option<Instant>,
    show: &'a mut (dyn FnMut(LeadTable, LoadProgress) + Send),
    troubles: Vec<String>,
    superseded: bool,
}

impl Growing<'_> {
    fn progress(&self, loaded: usize, finished: bool) -> LoadProgress {
        LoadProgress { loaded, total: self.total, finished, read_at: Some(self.read_at), named: None }
    }

    /// Moves the gathered rows into the table.
    fn add_rows(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        if let Some(named) = &self.named {
            for row in &mut rows {
                if let Some(older) = named.row_of(row.id.as_str()) {
                    *row = enriched(std::mem::take(row), &named.record(older));
                }
            }
        }
        match &mut self.fresh {
            Some(fresh) => fresh.extend(&rows),
            None => {
                let loaded = self.desk.leads().map_or(0, |(table, _)| table.len()) + rows.len();
                let progress = self.progress(loaded, false);
                self.superseded |= self.desk.grow(self.number, &rows, progress).is_none();
            }
        }
    }

    fn tell(&mut self) {
        let told = match &self.fresh {
            Some(fresh) => self.desk.note_progress(self.number, self.progress(fresh.len(), false)),
            None => {
                let loaded = self.desk.leads().map_or(0, |(table, _)| table.len());
                self.desk.grow(self.number, &[], self.progress(loaded, false))
            }
        };
        match told {
            Some((table, progress)) => (self.show)(table, progress),
            None => self.superseded = true,
        }
        self.shown = Some(Instant::now());
    }

    fn finish(mut self) -> Loaded {
        self.add_rows();
        let whole = match self.fresh.take() {
            Some(fresh) => fresh,
            None => self.desk.leads().map(|(table, _)| table).unwrap_or_default(),
        };
        let progress = self.progress(whole.len(), true);
        let table = match self.desk.end_load(self.number, Some(whole.clone()), progress) {
            Some((table, progress)) => {
                (self.show)(table.clone(), progress);
                table
            }
            None => whole,
        };
        Loaded { table, read_at: self.read_at, troubles: self.troubles }
    }
}

impl Pages for Growing<'_> {
    fn page(&mut self, leads: Vec<LeadRecord>, total: Option<usize>) -> ControlFlow<()> {
        self.total = total.or(self.total);
        self.rows.extend(leads);
        if self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN) || self.rows.len() >= MOST_ROWS {
            self.add_rows();
            self.tell();
        }
        if self.superseded { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn trouble(&mut self, sentence: String) {
        self.troubles.push(sentence);
    }
}
