//! One profile's leads in columns. Cloning is cheap (shared segments); a changed table is a new value.

use std::borrow::Cow;

use crate::domain::{Assignment, Field, LeadFlags, LeadId, LeadRecord, Lifecycle, Timestamp};

/// Index of an owner among a table's distinct owners ([`LeadTable::owners`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerIndex(pub u32);

/// The leads of one profile, in the order the vendor gave them.
#[derive(Clone, Debug, Default)]
pub struct LeadTable {}

impl LeadTable {
    /// Adds `leads`; one whose id is already there replaces the older row in place.
    pub fn with_leads(&self, _leads: &[LeadRecord]) -> Self {
        todo!()
    }
    /// Puts the assignments of settled items in place. Unknown ids are ignored.
    pub fn with_assignments<'a>(&self, _changes: impl IntoIterator<Item = (&'a LeadId, &'a Assignment)>) -> Self {
        todo!()
    }
    pub fn len(&self) -> usize {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn row_of(&self, _id: &str) -> Option<u32> {
        todo!()
    }
    pub fn id(&self, _row: u32) -> LeadId {
        todo!()
    }
    /// The text of a text field; empty where it is not given.
    pub fn text(&self, _row: u32, _field: Field) -> Cow<'_, str> {
        todo!()
    }
    pub fn score(&self, _row: u32) -> Option<i32> {
        todo!()
    }
    pub fn created_at(&self, _row: u32) -> Option<Timestamp> {
        todo!()
    }
    pub fn updated_at(&self, _row: u32) -> Option<Timestamp> {
        todo!()
    }
    pub fn owner(&self, _row: u32) -> OwnerIndex {
        todo!()
    }
    pub fn assignment(&self, row: u32) -> &Assignment {
        &self.owners()[self.owner(row).0 as usize].0
    }
    pub fn lifecycle(&self, _row: u32) -> Lifecycle {
        todo!()
    }
    pub fn flags(&self, _row: u32) -> LeadFlags {
        todo!()
    }
    pub fn scope(&self, _row: u32) -> Cow<'_, str> {
        todo!()
    }
    /// The whole row again, extra fields included.
    pub fn record(&self, _row: u32) -> LeadRecord {
        todo!()
    }
    /// Every distinct assignment of the table with its number of leads, by [`OwnerIndex`].
    pub fn owners(&self) -> &[(Assignment, usize)] {
        todo!()
    }
    /// Bytes held, for benchmarks and the memory line of the debug page.
    pub fn heap_bytes(&self) -> usize {
        todo!()
    }
}
