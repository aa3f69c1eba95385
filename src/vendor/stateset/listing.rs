//! The list of leads.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value};

use super::StateSet;
use super::lead;
use super::owner::Raw;
use super::reading::Told;
use super::settings::Paging;
use super::users::Directory;
use super::walk::{Asking, End, LEADS, Walk};
use crate::domain::{Assignment, Blank, LeadId, LeadRecord};
use crate::vendor::fields;
use crate::vendor::open::Open;
use crate::vendor::{ErrorKind, Pages, VendorError};

const ABSENT: Raw = Raw::Blank(Blank::Absent);

impl StateSet {
    /// The whole list of leads.
    pub(super) async fn list(&self, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let asking = Asking::default();
        let mut walk = Walk::new(&LEADS);
        let (mut bad, mut because) = (0, None);
        let mut users_are_told = false;
        while let Some(page) = self.next_page(&mut walk, &asking).await? {
            let rows = Rows::of(&page.rows, &self.settings.owner_field);
            bad += rows.bad;
            because = because.or(rows.because);
            if walk.pages == 1 {
                rows.must_be_leads(&self.profile)?;
            }
            if self.learn_whether_owners_are_hidden(&rows, walk.pages == 1, &asking).await {
                pages.trouble(format!(
                    "The list of StateSet (profile {}) does not tell owners, though a single lead does: they are not known.",
                    self.profile
                ));
            }
            let (directory, trouble) = self.users_for(rows.texts(), &asking).await;
            if let Some(error) = trouble.filter(|_| !users_are_told) {
                users_are_told = true;
                pages.trouble(format!(
                    "The users of StateSet (profile {}) cannot be listed, so owners are shown as they are written: {}.",
                    self.profile,
                    error.message.trim_end_matches('.')
                ));
            }
            let leads = rows.good.into_iter().map(|row| self.record(row, &directory)).collect();
            if pages.page(leads, walk.total).is_break() {
                return Ok(());
            }
        }
        self.total.store(walk.total.unwrap_or(0).max(walk.rows()), Ordering::Relaxed);
        if bad > 0 {
            let rows = if bad == 1 { "a row".to_owned() } else { format!("{bad} rows") };
            let why = because.unwrap_or_default();
            pages.trouble(format!("StateSet (profile {}) lists {rows} that cannot be used: {why}.", self.profile));
        }
        if let Some(sentence) = self.what_is_missing(&walk, bad) {
            pages.trouble(sentence);
        }
        Ok(())
    }

    fn record(&self, row: Row<'_>, directory: &Directory) -> LeadRecord {
        let mut lead = lead::record(row.id, row.fields, &self.settings.owner_field, directory);
        if row.raw == ABSENT && self.list_hides_owners.load(Ordering::Relaxed) {
            lead.owner = Assignment::Unknown;
        }
        lead
    }

    fn what_is_missing(&self, walk: &Walk, bad: usize) -> Option<String> {
        let (profile, leads) = (&self.profile, walk.rows());
        match (walk.end?, walk.total) {
            (_, Some(total)) if leads + bad >= total => None,
            (End::Repeats, Some(total)) => Some(format!(
                "StateSet (profile {profile}) counts {total} leads but gives only {leads}: its pages repeat each other, as \
                 if it ignored {}.",
                if self.settings.paging == Paging::Offset { "offset; paging = \"cursor\" may help" } else { "cursor" }
            )),
            (End::Repeats, None) => Some(format!(
                "StateSet (profile {profile}) says that there are more than {leads} leads, but its pages repeat each other."
            )),
            (End::Complete, Some(total)) => Some(format!(
                "StateSet (profile {profile}) counts {total} leads but lists {leads}; the others may have moved while the \
                 list was read: refresh to look again."
            )),
            (End::Complete, None) => None,
        }
    }

    /// Learns whether the list leaves owners out that a single lead tells: then a missing owner in it does not mean
    /// nobody. One lead is asked for where a whole first page has no owner field. True when it was found out just now.
    async fn learn_whether_owners_are_hidden(&self, rows: &Rows<'_>, is_first: bool, asking: &Asking) -> bool {
        if rows.good.iter().any(|row| row.raw != ABSENT) {
            self.list_tells_owners.store(true, Ordering::Relaxed);
            self.list_hides_owners.store(false, Ordering::Relaxed);
        }
        let Some(first) = rows.good.first() else { return false };
        if !is_first || self.list_tells_owners.load(Ordering::Relaxed) {
            return false;
        }
        let detail = self.read_lead(&first.id, asking).await;
        let hides = detail.is_ok_and(|lead| Raw::of(&lead, &self.settings.owner_field).text().is_some());
        self.list_hides_owners.store(hides, Ordering::Relaxed);
        hides
    }

    /// Looks for leads in the list where that takes fewer requests than asking for each. What is not found there stays
    /// in `open`: only asking for it tells whether it exists.
    pub(super) async fn find_in_list(
        &self,
        open: &mut Open<'_>,
        told: &mut Told<'_>,
        asking: &Asking,
    ) -> Result<(), VendorError> {
        let pages = |leads: usize| leads.div_ceil(self.settings.page_size);
        let known = Some(self.total.load(Ordering::Relaxed)).filter(|total| *total > 0);
        if !open.are_cheaper_in_a_list(known.map(pages)) {
            return Ok(());
        }
        let mut walk = Walk::in_search(&LEADS);
        loop {
            let page = match self.next_page(&mut walk, asking).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(()),
                Err(error) if is_about_the_list(&error) => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut rows = Rows::of(&page.rows, &self.settings.owner_field);
            // Where the list was never seen to tell an owner, a missing one proves nothing.
            let tells = self.list_tells_owners.load(Ordering::Relaxed);
            rows.good.retain(|row| (tells || row.raw != ABSENT) && open.has(row.id.as_str()));
            let (directory, _) = self.users_for(rows.texts(), asking).await;
            let before = open.len();
            for row in &rows.good {
                open.take(row.id.as_str(), |number| told(number, Ok(&row.raw), &directory));
            }
            let left = walk.total.map(|total| pages(total.saturating_sub(walk.received)));
            if !open.is_worth_another_page(before - open.len(), left) {
                return Ok(());
            }
        }
    }
}

/// A row with what is read first.
pub struct Row<'a> {
    pub id: LeadId,
    pub fields: &'a Map<String, Value>,
    pub raw: Raw,
}

/// A page's rows.
pub struct Rows<'a> {
    pub good: Vec<Row<'a>>,
    pub bad: usize,
    pub because: Option<&'static str>,
}

impl<'a> Rows<'a> {
    pub fn of(rows: &'a [Value], owner_field: &str) -> Self {
        let mut sorted = Self { good: Vec::with_capacity(rows.len()), bad: 0, because: None };
        for row in rows {
            match (row.as_object(), fields::id(row.get("id"))) {
                (Some(fields), Some(id)) => {
                    sorted.good.push(Row { id: LeadId::new(id), fields, raw: Raw::of(fields, owner_field) });
                }
                (row, _) => {
                    sorted.bad += 1;
                    sorted.because.get_or_insert(if row.is_some() { "it has no id" } else { "it is not an object" });
                }
            }
        }
        sorted
    }

    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.good.iter().filter_map(|row| row.raw.text())
    }

    /// A list of nothing but rows that are none is a list of something else.
    fn must_be_leads(&self, profile: &crate::domain::ProfileName) -> Result<(), VendorError> {
        if !self.good.is_empty() || self.bad == 0 {
            return Ok(());
        }
        let why = self.because.unwrap_or_default();
        let message = format!("StateSet (profile {profile}) lists {} leads of which none can be used: {why}", self.bad);
        Err(VendorError::new(ErrorKind::Garbled, message))
    }
}

/// The list does not work; asking for each lead may.
fn is_about_the_list(error: &VendorError) -> bool {
    use ErrorKind::{Forbidden, Garbled, NotFound, NotSupported, Refused};
    matches!(error.kind, Garbled | Forbidden | Refused | NotFound | NotSupported)
}
