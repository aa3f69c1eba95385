//! What the engine keeps of one profile: its vendor's client, its pace, its leads and people as they were last read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rayon::prelude::*;
use tokio_util::sync::CancellationToken;

use super::matrix::KeptMappings;
use super::pace::PaceGate;
use super::written::Written;
use crate::domain::exchange::LoadProgress;
use crate::domain::leads::LeadTable;
use crate::domain::{
    Assignment, Capabilities, LeadId, LeadRecord, Person, ProfileName, TargetId, TargetKind, Timestamp, VendorKind,
};
use crate::vendor::Vendor;

/// One profile that can be used.
pub struct Desk {
    pub name: ProfileName,
    pub kind: VendorKind,
    pub base_url: String,
    pub read_only: bool,
    pub vendor: Arc<dyn Vendor>,
    pub capabilities: Arc<Capabilities>,
    pub gate: Arc<PaceGate>,
    /// Whether a write of this session was compared with what the vendor made of it.
    pub first_write_compared: tokio::sync::Mutex<bool>,
    pub freshness: Duration,
    /// Cancelled once it was looked whether leads of an earlier session are kept.
    pub cache_looked_at: CancellationToken,
    pub mappings: KeptMappings,
    /// Campaigns and lists were told of.
    has_collections: AtomicBool,
    kept: Mutex<Kept>,
    written: Mutex<Written>,
}

/// The profile's leads as the screen shows them.
#[derive(Default)]
struct Kept {
    table: LeadTable,
    progress: Option<LoadProgress>,
    people: Option<Arc<Vec<Person>>>,
    /// Assignments that were settled and are not in the table yet.
    settled: HashMap<LeadId, Assignment>,
    /// The newest load, and what was settled since it began: its rows may have been read before that.
    load: u64,
    settled_since_load: HashMap<LeadId, Assignment>,
    loading: bool,
    /// How many rows have texts, where list rows carry none.
    named: usize,
}

/// A load's right to put its rows in place, as long as no newer one began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadNumber(u64);

impl Desk {
    #[expect(clippy::too_many_arguments, reason = "one call, from the setup")]
    pub fn new(
        name: ProfileName,
        kind: VendorKind,
        base_url: String,
        read_only: bool,
        vendor: Arc<dyn Vendor>,
        capabilities: Arc<Capabilities>,
        gate: Arc<PaceGate>,
        freshness: Duration,
    ) -> Self {
        Self {
            name,
            kind,
            base_url,
            read_only,
            vendor,
            capabilities,
            gate,
            first_write_compared: tokio::sync::Mutex::new(false),
            freshness,
            cache_looked_at: CancellationToken::new(),
            mappings: KeptMappings::default(),
            has_collections: AtomicBool::new(false),
            kept: Mutex::default(),
            written: Mutex::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must be read before a plan is confirmed that changes something here.
    pub fn warnings(&self) -> Vec<String> {
        let told = self.told_capabilities();
        told.warnings.iter().chain(&told.not_undoable).cloned().collect()
    }

    /// The capabilities with what the vendor's client found out meanwhile among the warnings.
    pub fn told_capabilities(&self) -> Arc<Capabilities> {
        let notices = self.vendor.notices();
        if notices.is_empty() {
            return self.capabilities.clone();
        }
        let mut told = (*self.capabilities).clone();
        told.warnings.splice(0..0, notices);
        Arc::new(told)
    }

    /// The leads as they are known now, if any were loaded or began to be.
    pub fn leads(&self) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        kept.put_settled_in_place();
        kept.progress.map(|progress| (kept.table.clone(), progress))
    }

    /// Whether anybody was told of campaigns and lists.
    pub fn told_collections(&self) -> bool {
        self.has_collections.load(Ordering::Relaxed)
    }

    pub fn tell_collections(&self) {
        self.has_collections.store(true, Ordering::Relaxed);
    }

    pub fn people(&self) -> Option<Arc<Vec<Person>>> {
        self.kept().people.clone()
    }

    pub fn set_people(&self, people: Arc<Vec<Person>>) {
        self.kept().people = Some(people);
    }

    /// Puts a table from an earlier session in place until the first load is done.
    pub fn set_cached(&self, table: LeadTable) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        if kept.progress.is_some() {
            return None;
        }
        let progress = LoadProgress { loaded: table.len(), total: None, finished: true, read_at: None, named: None };
        kept.table = table;
        kept.count_names(&self.capabilities);
        Some(kept.tell(progress, &self.capabilities))
    }

    /// Begins a load; older ones cannot put anything in place any more.
    pub fn begin_load(&self) -> LoadNumber {
        let mut kept = self.kept();
        kept.put_settled_in_place();
        kept.load += 1;
        kept.loading = true;
        kept.settled_since_load.clear();
        LoadNumber(kept.load)
    }

    /// Adds rows to the first table of a session while it is loading. `None` when the load is not the newest any more.
    pub fn grow(
        &self,
        load: LoadNumber,
        rows: &[LeadRecord],
        progress: LoadProgress,
    ) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        if kept.load != load.0 {
            return None;
        }
        kept.table.extend(rows);
        kept.named += rows.iter().filter(|row| !row.is_nameless()).count();
        Some(kept.tell(progress, &self.capabilities))
    }

    /// Shows how far a load is while the older table stays. `None` when the load is not the newest any more.
    pub fn note_progress(&self, load: LoadNumber, progress: LoadProgress) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        if kept.load != load.0 {
            return None;
        }
        kept.put_settled_in_place();
        // The owners on the screen are still those of the older reading.
        let read_at = kept.progress.and_then(|before| before.read_at);
        Some(kept.tell(LoadProgress { read_at, ..progress }, &self.capabilities))
    }

    /// Ends a load. `table` replaces the older one where the rows were not added as they came.
    pub fn end_load(
        &self,
        load: LoadNumber,
        table: Option<LeadTable>,
        progress: LoadProgress,
    ) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        if kept.load != load.0 {
            return None;
        }
        kept.loading = false;
        if let Some(table) = table {
            kept.table = table;
        }
        // A page may have been read before a write that was settled meanwhile.
        let since = std::mem::take(&mut kept.settled_since_load);
        kept.settled.extend(since);
        kept.put_settled_in_place();
        kept.count_names(&self.capabilities);
        Some(kept.tell(progress, &self.capabilities))
    }

    /// A load failed; what is there stays, and says that nothing more comes.
    pub fn fail_load(&self, load: LoadNumber) {
        let mut kept = self.kept();
        if kept.load == load.0 {
            kept.loading = false;
            kept.settled_since_load.clear();
            if let Some(progress) = &mut kept.progress {
                progress.finished = true;
            }
        }
    }

    /// Puts what a detail call told into the lead's row.
    pub fn enrich(&self, details: &[LeadRecord]) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        let progress = kept.progress?;
        let mut named = 0;
        let rows: Vec<LeadRecord> = details
            .iter()
            .filter_map(|detail| {
                let before = kept.table.record(kept.table.row_of(detail.id.as_str())?);
                let was_nameless = before.is_nameless();
                let row = enriched(before, detail);
                named += usize::from(was_nameless && !row.is_nameless());
                Some(row)
            })
            .collect();
        if rows.is_empty() {
            return None;
        }
        kept.put_settled_in_place();
        kept.table.extend(&rows);
        kept.named += named;
        Some(kept.tell(progress, &self.capabilities))
    }

    /// Puts leads in place that are not in the table yet: a listing for another purpose has found them. `None` where all
    /// of them are known, or nothing was loaded.
    pub fn add_found(&self, found: &[LeadRecord]) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        let progress = kept.progress?;
        let new: Vec<LeadRecord> =
            found.iter().filter(|lead| kept.table.row_of(lead.id.as_str()).is_none()).cloned().collect();
        if new.is_empty() {
            return None;
        }
        kept.put_settled_in_place();
        kept.table.extend(&new);
        kept.named += new.iter().filter(|lead| !lead.is_nameless()).count();
        Some(kept.tell(progress, &self.capabilities))
    }

    /// Notes what targets are now, for the table and for whoever counts owners.
    pub fn settled(&self, now: impl IntoIterator<Item = (TargetId, Assignment)>) {
        if self.capabilities.targets != TargetKind::Leads {
            return self.mappings.settled(now);
        }
        let mut kept = self.kept();
        if kept.progress.is_none() && !kept.loading {
            return;
        }
        for (target, assignment) in now {
            let lead = LeadId::from(target);
            if kept.loading {
                kept.settled_since_load.insert(lead.clone(), assignment.clone());
            }
            kept.settled.insert(lead, assignment);
        }
    }

    /// The leads, if something was settled since the last time.
    pub fn changed_leads(&self) -> Option<(LeadTable, LoadProgress)> {
        let mut kept = self.kept();
        if kept.settled.is_empty() {
            return None;
        }
        kept.put_settled_in_place();
        kept.progress.map(|progress| (kept.table.clone(), progress))
    }

    /// Notes that targets were written: what was read of them before is out of date.
    pub fn note_written<'a>(&self, targets: impl IntoIterator<Item = &'a TargetId>, now: Timestamp) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.note(targets, now, self.freshness);
    }

    /// Whether what was read at `read_at` may still be acted on.
    pub fn is_fresh(&self, target: &TargetId, read_at: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(read_at) = read_at else { return false };
        let age = now.duration_since(read_at);
        if age.is_negative() || age.unsigned_abs() > self.freshness {
            return false;
        }
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.is_older_than(target, read_at)
    }
}

impl Kept {
    /// Counts the rows with texts, where that is worth knowing.
    fn count_names(&mut self, capabilities: &Capabilities) {
        if !capabilities.names_in_rows {
            let rows = (0..self.table.len() as u32).into_par_iter();
            self.named = rows.filter(|row| !self.table.is_nameless(*row)).count();
        }
    }

    /// Keeps how far things are, and gives it with the table to be shown.
    fn tell(&mut self, progress: LoadProgress, capabilities: &Capabilities) -> (LeadTable, LoadProgress) {
        let named = (!capabilities.names_in_rows).then_some(self.named);
        let progress = LoadProgress { named, ..progress };
        self.progress = Some(progress);
        (self.table.clone(), progress)
    }

    fn put_settled_in_place(&mut self) {
        if !self.settled.is_empty() {
            self.table = self.table.with_assignments(&self.settled);
            self.settled.clear();
        }
    }
}

/// A row with what a detail call told beside it. The owner stays: a write may have been settled since the call began.
pub fn enriched(row: LeadRecord, detail: &LeadRecord) -> LeadRecord {
    let mut extra = row.extra;
    extra.extend(detail.extra.iter().map(|(key, value)| (key.clone(), value.clone())));
    let text = |row: crate::domain::SafeText, detail: &crate::domain::SafeText| {
        if detail.is_empty() { row } else { detail.clone() }
    };
    LeadRecord {
        id: row.id,
        name: text(row.name, &detail.name),
        company: text(row.company, &detail.company),
        email: text(row.email, &detail.email),
        phone: text(row.phone, &detail.phone),
        status: text(row.status, &detail.status),
        source: text(row.source, &detail.source),
        campaign: text(row.campaign, &detail.campaign),
        list: text(row.list, &detail.list),
        score: detail.score.or(row.score),
        created_at: detail.created_at.or(row.created_at),
        updated_at: detail.updated_at.or(row.updated_at),
        owner: row.owner,
        lifecycle: row.lifecycle,
        flags: row.flags,
        scope: if detail.scope.is_empty() { row.scope } else { detail.scope.clone() },
        extra,
    }
}
