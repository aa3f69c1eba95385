//! One profile's leads in columns. Cloning is cheap (shared segments); a changed table is a new value.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::safe_text::visible;
use crate::domain::{Assignment, Field, LeadFlags, LeadId, LeadRecord, Lifecycle, Timestamp};

/// Index of an owner among a table's distinct owners ([`LeadTable::owners`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerIndex(pub u32);

/// The leads of one profile, in the order the vendor gave them.
#[derive(Clone, Debug, Default)]
pub struct LeadTable {
    rows: Arc<Vec<Arc<LeadRecord>>>,
    index: Arc<HashMap<LeadId, u32>>,
    owner_of: Arc<Vec<u32>>,
    owners: Arc<Vec<(Assignment, usize)>>,
}

impl LeadTable {
    /// Adds `leads`; one whose id is already there replaces the older row in place.
    pub fn with_leads(&self, leads: &[LeadRecord]) -> Self {
        let mut table = self.clone();
        table.extend(leads);
        table
    }

    /// The same in place: cheaper while nobody else holds this table's newest rows.
    pub fn extend(&mut self, leads: &[LeadRecord]) {
        let rows = Arc::make_mut(&mut self.rows);
        let index = Arc::make_mut(&mut self.index);
        let owner_of = Arc::make_mut(&mut self.owner_of);
        let owners = Arc::make_mut(&mut self.owners);
        for lead in leads {
            let owner = intern(owners, &lead.owner);
            owners[owner as usize].1 += 1;
            match index.get(&lead.id) {
                Some(&row) => {
                    owners[owner_of[row as usize] as usize].1 -= 1;
                    rows[row as usize] = Arc::new(lead.clone());
                    owner_of[row as usize] = owner;
                }
                None => {
                    index.insert(lead.id.clone(), rows.len() as u32);
                    rows.push(Arc::new(lead.clone()));
                    owner_of.push(owner);
                }
            }
        }
    }

    /// Puts the assignments of settled items in place. Unknown ids are ignored.
    pub fn with_assignments<'a>(&self, changes: impl IntoIterator<Item = (&'a LeadId, &'a Assignment)>) -> Self {
        let mut table = self.clone();
        let owner_of = Arc::make_mut(&mut table.owner_of);
        let owners = Arc::make_mut(&mut table.owners);
        for (id, assignment) in changes {
            if let Some(&row) = table.index.get(id) {
                let owner = intern(owners, assignment);
                owners[owner_of[row as usize] as usize].1 -= 1;
                owners[owner as usize].1 += 1;
                owner_of[row as usize] = owner;
            }
        }
        table
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn row_of(&self, id: &str) -> Option<u32> {
        self.index.get(&LeadId::new(id)).copied()
    }

    pub fn id(&self, row: u32) -> LeadId {
        self.rows[row as usize].id.clone()
    }

    /// The text of a text field; empty where it is not given.
    pub fn text(&self, row: u32, field: Field) -> Cow<'_, str> {
        let lead = &self.rows[row as usize];
        match field {
            Field::Id => visible(lead.id.as_str()),
            Field::Name => lead.name.as_str().into(),
            Field::Company => lead.company.as_str().into(),
            Field::Email => lead.email.as_str().into(),
            Field::Phone => lead.phone.as_str().into(),
            Field::Status => lead.status.as_str().into(),
            Field::Source => lead.source.as_str().into(),
            Field::Campaign => lead.campaign.as_str().into(),
            Field::List => lead.list.as_str().into(),
            Field::Owner => match self.assignment(row) {
                Assignment::Owner(owner) => owner.label().as_str().to_owned().into(),
                _ => "".into(),
            },
            Field::Score | Field::Created | Field::Updated | Field::Profile => "".into(),
        }
    }

    /// The words among the extra fields: what a search looks into beside the named ones.
    pub fn extra_texts(&self, row: u32) -> Vec<Cow<'_, str>> {
        let mut texts = Vec::new();
        for value in self.rows[row as usize].extra.values() {
            collect_texts(value, &mut texts);
        }
        texts
    }

    pub fn score(&self, row: u32) -> Option<i32> {
        self.rows[row as usize].score
    }

    pub fn created_at(&self, row: u32) -> Option<Timestamp> {
        self.rows[row as usize].created_at
    }

    pub fn updated_at(&self, row: u32) -> Option<Timestamp> {
        self.rows[row as usize].updated_at
    }

    pub fn owner(&self, row: u32) -> OwnerIndex {
        OwnerIndex(self.owner_of[row as usize])
    }

    pub fn assignment(&self, row: u32) -> &Assignment {
        &self.owners()[self.owner(row).0 as usize].0
    }

    pub fn lifecycle(&self, row: u32) -> Lifecycle {
        self.rows[row as usize].lifecycle
    }

    pub fn flags(&self, row: u32) -> LeadFlags {
        self.rows[row as usize].flags
    }

    pub fn scope(&self, row: u32) -> Cow<'_, str> {
        self.rows[row as usize].scope.as_str().into()
    }

    /// The whole row again, extra fields included.
    pub fn record(&self, row: u32) -> LeadRecord {
        LeadRecord { owner: self.assignment(row).clone(), ..(*self.rows[row as usize]).clone() }
    }

    /// Every distinct assignment of the table with its number of leads, by [`OwnerIndex`].
    pub fn owners(&self) -> &[(Assignment, usize)] {
        &self.owners
    }

    /// Bytes held, for benchmarks and the memory line of the debug page.
    pub fn heap_bytes(&self) -> usize {
        self.rows.len() * size_of::<LeadRecord>()
    }
}

fn intern(owners: &mut Vec<(Assignment, usize)>, assignment: &Assignment) -> u32 {
    let found = owners.iter().position(|(known, _)| known == assignment).unwrap_or_else(|| {
        owners.push((assignment.clone(), 0));
        owners.len() - 1
    });
    found as u32
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<Cow<'a, str>>) {
    match value {
        Value::String(text) => texts.push(Cow::Borrowed(text)),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}
