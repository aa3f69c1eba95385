//! What ids and numbers in leads are called: people, campaigns and lists, labels.

use std::collections::HashMap;

use crate::domain::campaign::CollectionKind;
use crate::domain::{PersonId, SafeText, Verbatim};

/// The names that are known. What is not known has none; nothing rests on them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub people: HashMap<PersonId, Verbatim>,
    pub collections: HashMap<(CollectionKind, String), SafeText>,
    pub labels: HashMap<i64, SafeText>,
}

impl Names {
    pub fn person(&self, id: &PersonId) -> Option<Verbatim> {
        self.people.get(id).cloned()
    }

    pub fn collection(&self, kind: CollectionKind, id: &str) -> Option<SafeText> {
        // The key owns its text; a page has a hundred rows, so the copy does not matter.
        self.collections.get(&(kind, id.to_owned())).cloned()
    }

    pub fn label(&self, number: i64) -> Option<SafeText> {
        self.labels.get(&number).cloned()
    }
}
