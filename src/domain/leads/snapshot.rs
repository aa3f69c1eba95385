//! Several profiles' tables seen as one list of rows.

use std::sync::Arc;

use super::table::LeadTable;
use crate::domain::campaign::{CollectionKind, Collections};
use crate::domain::query::Answers;
use crate::domain::{Field, Links, Person, ProfileName, SafeText};

/// A row of a [`Snapshot`], numbered through all its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub u32);

/// An immutable view over the tables of the profiles that are open.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub parts: Vec<SnapshotPart>,
}

/// One profile's table with what is needed to ask questions about it.
#[derive(Clone, Debug, Default)]
pub struct SnapshotPart {
    pub profile: ProfileName,
    pub table: LeadTable,
    /// The fields this profile's vendor gives.
    pub fields: &'static [Field],
    /// The profile's people, so that `owner:` also finds an owner by e-mail address. May be empty.
    pub people: Arc<Vec<Person>>,
    /// Who is the same person at other profiles, so that `owner:` finds leads by a short name too.
    pub links: Arc<Links>,
    /// The vendor's campaigns and lists, so that they have names beside their ids. May be empty.
    pub collections: Arc<Collections>,
    /// What the vendor itself answered to questions of queries.
    pub answers: Answers,
}

impl SnapshotPart {
    /// What a campaign or list is called that leads name by `id`; `None` where that is not known.
    pub fn collection_name(&self, field: Field, id: &str) -> Option<&SafeText> {
        let kind = CollectionKind::of(field)?;
        self.collections.get(kind, id).map(|found| &found.name).filter(|name| !name.is_empty())
    }
}

impl Snapshot {
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.table.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.table.is_empty())
    }

    /// The part a row lies in and its number there. `None` when the row is past the end.
    pub fn locate(&self, row: RowId) -> Option<(&SnapshotPart, u32)> {
        let mut left = row.0 as usize;
        for part in &self.parts {
            if left < part.table.len() {
                return Some((part, left as u32));
            }
            left -= part.table.len();
        }
        None
    }

    pub fn row_of(&self, profile: &ProfileName, id: &str) -> Option<RowId> {
        let mut base = 0;
        for part in &self.parts {
            if part.profile == *profile {
                return part.table.row_of(id).map(|row| RowId(base + row));
            }
            base += part.table.len() as u32;
        }
        None
    }
}
