//! The list of leads, with the owners that the lists of each owner give.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::Capillary;
use super::index::{Index, Place};
use super::lead;
use super::staff::{Directory, told_by_row};
use super::walk::{End, Row, Walk};
use crate::domain::campaign::LeadAsk;
use crate::domain::{Assignment, LeadId, LeadRecord};
use crate::vendor::asking::Asking;
use crate::vendor::{ErrorKind, Pages, VendorError};

/// Words of a query that the server narrows the list by, each with its sentence.
pub const FILTERS: &[(&str, &str)] = &[
    ("open", "Leads whose status is OPEN."),
    ("on_hold", "Leads whose status is ON_HOLD."),
    ("won", "Leads whose status is WON."),
    ("lost", "Leads whose status is LOST."),
    ("deleted", "Leads whose status is DELETED."),
    ("sku", "Leads for a single product."),
    ("category", "Leads for a category."),
    ("brand", "Leads for a brand."),
    ("custom", "Leads for something else."),
];

/// The query that a word of [`FILTERS`] stands for.
fn filter(word: &str) -> Option<(&'static str, String)> {
    let word = word.trim().to_ascii_lowercase();
    let place = FILTERS.iter().position(|(known, _)| *known == word)?;
    Some((if place < 5 { "status" } else { "type" }, word.to_ascii_uppercase()))
}

impl Capillary {
    /// The whole list: first who owns what, then the leads.
    pub(super) async fn list(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let asking = Asking::default();
        let filters: Vec<_> = ask.filters.iter().filter_map(|word| filter(word)).collect();
        let (directory, index) = match self.owners_for_list(&filters, &asking, pages).await? {
            Some(found) => found,
            None => return Ok(()),
        };
        let mut walk = self.walk(filters);
        let mut in_none = 0;
        loop {
            let asked_at = Instant::now();
            let Some(rows) = self.next_page(&mut walk, &asking).await? else { break };
            let rows: Vec<(LeadId, Arc<Row>)> =
                rows.into_iter().map(|(id, row)| (LeadId::new(id), Arc::new(row))).collect();
            self.memory.keep_rows(rows.iter().map(|(id, row)| (id.clone(), row)), asked_at, self.settings.freshness);
            let mut leads = Vec::with_capacity(rows.len());
            for (id, row) in rows {
                let owner = self.owner_in_list(&id, &row, &index, &directory);
                in_none += usize::from(!owner.is_known());
                leads.push(lead::record(id, &row, owner, &self.settings));
            }
            if pages.page(leads, None).is_break() {
                return Ok(());
            }
        }
        if walk.leads() == 0 && walk.bad > 0 {
            let message = format!(
                "Capillary (profile {}) lists {} leads of which none can be used: {}",
                self.profile,
                walk.bad,
                walk.because.unwrap_or_default()
            );
            return Err(VendorError::new(ErrorKind::Garbled, message));
        }
        self.tell_about(&walk, pages);
        self.note_index(&index, walk.leads(), in_none);
        Ok(())
    }

    /// Who owns what. `None` where the listing is not wanted any more.
    async fn owners_for_list(
        &self,
        filters: &[(&'static str, String)],
        asking: &Asking,
        pages: &mut dyn Pages,
    ) -> Result<Option<(Arc<Directory>, Index)>, VendorError> {
        let directory = match self.directory(asking).await {
            Ok(directory) => directory,
            // Without any owner the leads can still be looked at.
            Err(error) if !matches!(error.kind, ErrorKind::SignIn | ErrorKind::Unreachable | ErrorKind::Server) => {
                pages.trouble(format!(
                    "The owners of leads at Capillary (profile {}) are not known, as its staff cannot be listed: {}",
                    self.profile, error.message
                ));
                return Ok(Some((Arc::default(), Index::default())));
            }
            Err(error) => return Err(error),
        };
        let index = self.index(filters, &directory, asking, || pages.page(Vec::new(), None).is_continue()).await?;
        let Some(index) = index else { return Ok(None) };
        if index.is_ignored {
            pages.trouble(format!(
                "Capillary (profile {}) gives the same leads whichever owner is asked for, as if it ignored the owner \
                 filter: who owns a lead is not known. Try another owner_filter_field.",
                self.profile
            ));
        }
        for trouble in &index.troubles {
            pages.trouble(trouble.clone());
        }
        let hidden = directory.all().len() - directory.with_filter().count();
        if hidden > 0 {
            pages.trouble(format!(
                "{hidden} owners have no id for the owner filter (owner_filter_field, owner_file): their leads look like \
                 nobody's."
            ));
        }
        Ok(Some((directory, index)))
    }

    fn owner_in_list(&self, id: &LeadId, row: &Row, index: &Index, directory: &Directory) -> Assignment {
        let owner = match index.place(id.as_str(), directory) {
            Place::Owned(staff) => Some(staff),
            Place::InNone => told_by_row(row, directory),
            Place::InSeveral => None,
        };
        self.memory.set_owner(id, owner.map(|staff| &staff.person.id));
        owner.map_or(Assignment::Unknown, |staff| self.assignment(staff, directory))
    }

    fn tell_about(&self, walk: &Walk, pages: &mut dyn Pages) {
        let (profile, leads) = (&self.profile, walk.leads());
        if walk.bad > 0 {
            let rows = if walk.bad == 1 { "a row".to_owned() } else { format!("{} rows", walk.bad) };
            let why = walk.because.unwrap_or_default();
            pages.trouble(format!("Capillary (profile {profile}) lists {rows} that cannot be used: {why}."));
        }
        if walk.pages_by_id() {
            pages.trouble(format!(
                "Capillary (profile {profile}) takes offset for the id after which to go on, not for a number of rows: the \
                 list was read like that."
            ));
        }
        match walk.end {
            Some(End::Repeats) => pages.trouble(format!(
                "Capillary (profile {profile}) gives {leads} leads and then the same ones again, whatever offset is: there \
                 may be more."
            )),
            Some(End::Cut) => pages.trouble(format!(
                "The list of Capillary (profile {profile}) was cut after {leads} leads by max_pages: there may be more."
            )),
            _ => {}
        }
    }

    /// Finds whose customers these leads are of, in the list of all. What is not there is left out.
    pub(super) async fn find_customers(&self, leads: &HashSet<LeadId>, asking: &Asking) -> Result<(), VendorError> {
        let mut open = leads.clone();
        let mut walk = self.walk(Vec::new());
        loop {
            let asked_at = Instant::now();
            let Some(rows) = self.next_page(&mut walk, asking).await? else { return Ok(()) };
            for (id, row) in rows {
                let id = LeadId::new(id);
                if open.remove(&id) {
                    self.memory.keep_rows([(id, &Arc::new(row))], asked_at, self.settings.freshness);
                }
            }
            if open.is_empty() {
                return Ok(());
            }
        }
    }
}

/// For the plan: how the owners were found, and how old that is.
#[derive(Clone, Debug)]
pub struct Looked {
    at: Instant,
    owners: usize,
    requests: usize,
    seconds: u64,
    leads: usize,
    in_none: usize,
}

impl Looked {
    pub fn sentence(&self) -> String {
        let age = self.at.elapsed().as_secs();
        let age = if age < 120 { format!("{age} seconds") } else { format!("{} minutes", age / 60) };
        let Self { owners, requests, seconds, leads, in_none, .. } = self;
        format!(
            "Who owns a lead was found {age} ago by listing the leads of {owners} owners ({requests} requests, {seconds} s); \
             {in_none} of {leads} leads are in nobody's list."
        )
    }
}

impl Capillary {
    fn note_index(&self, index: &Index, leads: usize, in_none: usize) {
        let looked = Looked {
            at: Instant::now(),
            owners: index.owners,
            requests: index.requests,
            seconds: index.took.as_secs(),
            leads,
            in_none,
        };
        *self.looked.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(looked);
    }

    /// A record for somebody who waits for it.
    pub(super) fn record(&self, id: &LeadId, row: &Row, owner: Assignment) -> LeadRecord {
        lead::record(id.clone(), row, owner, &self.settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_narrows_by_status_or_type() {
        assert_eq!(filter("open"), Some(("status", "OPEN".to_owned())));
        assert_eq!(filter("Deleted "), Some(("status", "DELETED".to_owned())));
        assert_eq!(filter("sku"), Some(("type", "SKU".to_owned())));
        assert_eq!(filter("custom"), Some(("type", "CUSTOM".to_owned())));
        assert_eq!(filter("everything"), None);
    }
}
