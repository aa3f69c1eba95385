//! One profile's leads in columns. Cloning is cheap (shared segments); a changed table is a new value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;
use serde_json::Value;

use super::ids::IdIndex;
use super::intern::{Numbered, Owners, Words};
use super::segment::{SEGMENT_ROWS, Segment, Shared, Worded};
use super::texts::Slot;
use crate::domain::safe_text::visible;
use crate::domain::{Assignment, Field, LeadFlags, LeadId, LeadRecord, Lifecycle, SafeText, Timestamp};

/// Index of an owner among a table's distinct owners ([`LeadTable::owners`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerIndex(pub u32);

/// The leads of one profile, in the order the vendor gave them.
///
/// Points in time are kept to the microsecond.
#[derive(Clone, Default)]
pub struct LeadTable {
    pub(super) segments: Arc<Vec<Segment>>,
    pub(super) ids: IdIndex,
    pub(super) owners: Arc<Owners>,
    pub(super) words: [Arc<Words>; 4],
    /// The names of the extra fields, as rows have them together. Number 0 is "none".
    pub(super) shapes: Arc<Numbered<Vec<String>>>,
    pub(super) len: u32,
}

impl fmt::Debug for LeadTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A million rows in a log line or a failed assertion help nobody.
        f.debug_struct("LeadTable").field("leads", &self.len).field("owners", &self.owners.list.len()).finish()
    }
}

impl LeadTable {
    /// Adds `leads`; one whose id is already there replaces the older row in place.
    pub fn with_leads(&self, leads: &[LeadRecord]) -> Self {
        let mut table = self.clone();
        table.extend(leads);
        table
    }

    /// The same in place. Cheaper than [`with_leads`](Self::with_leads) as long as nobody else holds the newest rows,
    /// so a load calls this for every page and hands out a clone only when there is something to show.
    pub fn extend(&mut self, leads: &[LeadRecord]) {
        let mut newer: BTreeMap<u32, &LeadRecord> = BTreeMap::new();
        self.ids.begin(leads.len());
        for lead in leads {
            match self.row_of(lead.id.as_str()) {
                Some(row) => {
                    newer.insert(row, lead);
                }
                None => self.push(lead),
            }
        }
        self.ids.settle(hash_of(&self.segments));
        self.replace(&newer);
    }

    fn push(&mut self, lead: &LeadRecord) {
        let owner = Arc::make_mut(&mut self.owners).gain(&lead.owner);
        let shared = self.shared(lead);
        let segments = Arc::make_mut(&mut self.segments);
        match segments.last() {
            None => segments.push(Segment::default()),
            Some(last) if last.len() == SEGMENT_ROWS => segments.push(Segment::after(last)),
            Some(_) => {}
        }
        if let Some(last) = segments.last_mut() {
            last.push(lead, shared, owner);
        }
        self.ids.insert(lead.id.as_str(), self.len, hash_of(&self.segments));
        self.len += 1;
    }

    fn replace(&mut self, newer: &BTreeMap<u32, &LeadRecord>) {
        let mut by_segment: BTreeMap<usize, Vec<(u32, &LeadRecord, Shared)>> = BTreeMap::new();
        for (&row, lead) in newer {
            let (segment, at) = place(row);
            let shared = self.shared(lead);
            by_segment.entry(segment).or_default().push((at as u32, lead, shared));
        }
        if by_segment.is_empty() {
            return;
        }
        let segments = Arc::make_mut(&mut self.segments);
        for (segment, leads) in by_segment {
            segments[segment].replace(&leads);
        }
        self.assign(newer.iter().map(|(&row, lead)| (row, &lead.owner)));
    }

    fn shared(&mut self, lead: &LeadRecord) -> Shared {
        let words = Worded::ALL.map(|column| Words::number(&mut self.words[column as usize], column.of(lead)));
        if self.shapes.values().is_empty() {
            Numbered::number(&mut self.shapes, &Vec::new());
        }
        let shape = if lead.extra.is_empty() {
            0
        } else {
            Numbered::number(&mut self.shapes, &lead.extra.keys().cloned().collect())
        };
        Shared { words, shape }
    }

    /// Puts the assignments of settled items in place. Unknown ids are ignored.
    pub fn with_assignments<'a>(&self, changes: impl IntoIterator<Item = (&'a LeadId, &'a Assignment)>) -> Self {
        let mut table = self.clone();
        let found = changes.into_iter().filter_map(|(id, to)| Some((self.row_of(id.as_str())?, to)));
        table.assign(found);
        table
    }

    fn assign<'a>(&mut self, changes: impl Iterator<Item = (u32, &'a Assignment)>) {
        for (row, to) in changes {
            let (segment, at) = place(row);
            let before = self.segments[segment].owners.get(at);
            if self.owners.list[before as usize].0 == *to {
                continue;
            }
            let owners = Arc::make_mut(&mut self.owners);
            owners.lose(before);
            let owner = owners.gain(to);
            let segments = Arc::make_mut(&mut self.segments);
            Arc::make_mut(&mut segments[segment].owners).set(at, owner);
        }
    }

    pub fn len(&self) -> usize {
        self.len as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn row_of(&self, id: &str) -> Option<u32> {
        self.ids.find(id, |row, id| {
            let (segment, at) = place(row);
            self.segments[segment].texts.id_is(at, id)
        })
    }

    pub fn id(&self, row: u32) -> LeadId {
        let (segment, at) = self.place(row);
        LeadId::new(segment.texts.original(at, Slot::Id))
    }

    /// The text of a text field as it may be shown; empty where it is not given. Of an owner it is the name.
    pub fn text(&self, row: u32, field: Field) -> Cow<'_, str> {
        let (segment, at) = self.place(row);
        if let Some(slot) = slot_of(field) {
            let text = segment.texts.original(at, slot);
            return match (slot, text) {
                (Slot::Id, Cow::Borrowed(id)) => visible(id),
                (Slot::Id, Cow::Owned(id)) => Cow::Owned(visible(&id).into_owned()),
                (_, text) => text,
            };
        }
        match (worded(field), field) {
            (Some(column), _) => {
                let number = segment.columns.words[column as usize].get(at);
                self.words[column as usize].word(number).into()
            }
            (None, Field::Owner) => match self.assignment(row) {
                Assignment::Owner(owner) => owner.label().as_str().to_owned().into(),
                _ => "".into(),
            },
            _ => "".into(),
        }
    }

    /// Whether none of the texts is there by which people know a lead: name, company and e-mail address.
    pub fn is_nameless(&self, row: u32) -> bool {
        let (segment, at) = self.place(row);
        segment.texts.is_nameless(at)
    }

    /// The words among the extra fields: what a search looks into beside the named ones.
    pub fn extra_texts(&self, row: u32) -> Vec<String> {
        let (segment, at) = self.place(row);
        Self::strings(segment.texts.extras(at))
    }

    /// The texts among JSON values, at any depth.
    pub(crate) fn strings(values: Vec<Value>) -> Vec<String> {
        let mut texts = Vec::new();
        values.into_iter().for_each(|value| collect_texts(value, &mut texts));
        texts
    }

    pub fn score(&self, row: u32) -> Option<i32> {
        let (segment, at) = self.place(row);
        segment.columns.score(at)
    }

    pub fn created_at(&self, row: u32) -> Option<Timestamp> {
        let (segment, at) = self.place(row);
        segment.columns.created.get(at)
    }

    pub fn updated_at(&self, row: u32) -> Option<Timestamp> {
        let (segment, at) = self.place(row);
        segment.columns.updated.get(at)
    }

    pub fn owner(&self, row: u32) -> OwnerIndex {
        let (segment, at) = self.place(row);
        OwnerIndex(segment.owners.get(at))
    }

    pub fn assignment(&self, row: u32) -> &Assignment {
        &self.owners()[self.owner(row).0 as usize].0
    }

    pub fn lifecycle(&self, row: u32) -> Lifecycle {
        let (segment, at) = self.place(row);
        segment.columns.lifecycle(at)
    }

    pub fn flags(&self, row: u32) -> LeadFlags {
        let (segment, at) = self.place(row);
        segment.columns.flags(at)
    }

    pub fn scope(&self, row: u32) -> Cow<'_, str> {
        let (segment, at) = self.place(row);
        segment.texts.scope(at).into()
    }

    /// The whole row again, extra fields included.
    pub fn record(&self, row: u32) -> LeadRecord {
        let (segment, at) = self.place(row);
        let text = |field: Field| SafeText::new(&self.text(row, field));
        let shape = segment.columns.shapes.get(at) as usize;
        let names = self.shapes.values().get(shape).map_or(&[][..], Vec::as_slice);
        LeadRecord {
            id: self.id(row),
            name: text(Field::Name),
            company: text(Field::Company),
            email: text(Field::Email),
            phone: text(Field::Phone),
            status: text(Field::Status),
            source: text(Field::Source),
            campaign: text(Field::Campaign),
            list: text(Field::List),
            score: self.score(row),
            created_at: self.created_at(row),
            updated_at: self.updated_at(row),
            owner: self.assignment(row).clone(),
            lifecycle: self.lifecycle(row),
            flags: self.flags(row),
            scope: segment.texts.scope(at).into(),
            extra: names.iter().cloned().zip(segment.texts.extras(at)).collect(),
        }
    }

    /// Every distinct assignment of the table with its number of leads, by [`OwnerIndex`]. Some may have none left.
    pub fn owners(&self) -> &[(Assignment, usize)] {
        &self.owners.list
    }

    /// How many leads have each word of a field whose words are shared, such as the campaign; empty for other fields.
    pub fn word_counts(&self, field: Field) -> impl Iterator<Item = (String, usize)> {
        let column = worded(field);
        let words = column.map_or(0, |column| self.words(column).pairs().len());
        let mut counts = vec![0_usize; words];
        if let Some(column) = column {
            for segment in self.segments.iter() {
                segment.columns.words[column as usize].count(&mut counts);
            }
        }
        (0_u32..).zip(counts).filter_map(move |(number, count)| {
            let word = self.words(column?).word(number);
            (count > 0 && !word.is_empty()).then(|| (word.to_owned(), count))
        })
    }

    /// Bytes held, for benchmarks and the memory line of the debug page.
    pub fn heap_bytes(&self) -> usize {
        self.segments.iter().map(Segment::heap_bytes).sum::<usize>() + self.ids.heap_bytes()
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The words of a column, by their number.
    pub(crate) fn words(&self, column: Worded) -> &Words {
        &self.words[column as usize]
    }

    fn place(&self, row: u32) -> (&Segment, usize) {
        let (segment, at) = place(row);
        (&self.segments[segment], at)
    }
}

/// The segment a row lies in and its number there.
fn place(row: u32) -> (usize, usize) {
    (row as usize / SEGMENT_ROWS, row as usize % SEGMENT_ROWS)
}

/// How the index finds the hash of a row's id again.
pub(super) fn hash_of(segments: &[Segment]) -> impl Fn(&DefaultHashBuilder, u32) -> u64 {
    move |hasher, row| {
        let (segment, at) = place(row);
        hasher.hash_one(&*segments[segment].texts.original(at, Slot::Id))
    }
}

pub(crate) fn slot_of(field: Field) -> Option<Slot> {
    match field {
        Field::Id => Some(Slot::Id),
        Field::Name => Some(Slot::Name),
        Field::Company => Some(Slot::Company),
        Field::Email => Some(Slot::Email),
        Field::Phone => Some(Slot::Phone),
        _ => None,
    }
}

pub(crate) fn worded(field: Field) -> Option<Worded> {
    match field {
        Field::Status => Some(Worded::Status),
        Field::Source => Some(Worded::Source),
        Field::Campaign => Some(Worded::Campaign),
        Field::List => Some(Worded::List),
        _ => None,
    }
}

fn collect_texts(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| collect_texts(value, texts)),
        _ => {}
    }
}
