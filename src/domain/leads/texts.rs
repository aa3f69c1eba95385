//! The texts of some rows, kept as searches need them.
//!
//! What a search looks at is the folded text (lower case, no accents) of all rows in one piece of memory. For most
//! rows the original differs from it only by ASCII capitals, which take one bit a byte; the few other originals lie
//! beside it. So a text is held once, and a search runs through memory without stops.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use serde_json::Value;

use super::bits::Bits;
use super::bytes::{Put, Take};
use crate::domain::LeadRecord;
use crate::domain::fold::fold_onto;

/// Ends every text in the folded memory. Folded text never holds it, so no search can reach over an end.
pub const END: char = '\0';

/// The texts that every row has, in their order in the folded memory: first those that people know a lead by. The
/// strings of extra fields follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Name,
    Company,
    Email,
    Id,
    Phone,
}

impl Slot {
    pub const ALL: [Self; 5] = [Self::Name, Self::Company, Self::Email, Self::Id, Self::Phone];
    /// The first ones, in which `~word` looks.
    pub const NAMES: usize = 3;

    fn of(self, lead: &LeadRecord) -> &str {
        match self {
            Self::Id => lead.id.as_str(),
            Self::Name => lead.name.as_str(),
            Self::Company => lead.company.as_str(),
            Self::Email => lead.email.as_str(),
            Self::Phone => lead.phone.as_str(),
        }
    }
}

/// The part of one text, and of all extra texts of a row, that searches look at. A row is bounded so that the offsets
/// of a whole segment fit into 32 bits.
const SEARCHED_TEXT: usize = 16 << 10;
const SEARCHED_EXTRAS: usize = 32 << 10;

/// The texts of the rows of one segment.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    folded: String,
    /// Where each row ends in `folded`.
    ends: Vec<u32>,
    /// For each byte of `folded` whether the original has an ASCII capital there.
    capitals: Bits,
    /// Which letters occur in a row's name, company and e-mail address; see [`letters`].
    letters: Vec<u64>,
    /// Originals that are more than their fold with capitals, by row and slot.
    originals: Beside,
    /// Which rows have such originals.
    has_originals: Bits,
    /// The values of extra fields as a JSON array, by row.
    extras: Beside,
    /// Scopes by row.
    scopes: Beside,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Room for as many rows and texts as another segment has, and a little more: one that grows step by step is
    /// copied again and again, and leaves holes in memory behind.
    pub fn with_room_like(other: &Self) -> Self {
        let bytes = other.folded.len() + other.folded.len() / 32;
        Self {
            folded: String::with_capacity(bytes),
            ends: Vec::with_capacity(other.len()),
            capitals: Bits::with_capacity(bytes),
            letters: Vec::with_capacity(other.len()),
            ..Self::default()
        }
    }

    pub fn push(&mut self, lead: &LeadRecord) {
        let row = self.len() as u32;
        let mut letters_of_row = 0;
        let originals = self.originals.len();
        for slot in Slot::ALL {
            let original = slot.of(lead);
            let start = self.folded.len();
            fold_onto(cut(original, SEARCHED_TEXT), &mut self.folded);
            let folded = &self.folded[start..];
            if (slot as usize) < Slot::NAMES {
                letters_of_row |= letters(folded);
            }
            if original.len() == folded.len() && original.eq_ignore_ascii_case(folded) {
                for byte in original.bytes() {
                    self.capitals.push(byte.is_ascii_uppercase());
                }
                self.capitals.push(false);
            } else {
                self.capitals.push_zeros(folded.len() + 1);
                self.originals.push(row * Slot::ALL.len() as u32 + slot as u32, original);
            }
            self.folded.push(END);
        }
        if !lead.extra.is_empty() {
            let start = self.folded.len();
            lead.extra.values().for_each(|value| self.push_extra(value, start));
            self.capitals.push_zeros(self.folded.len() - start);
            let values: Vec<&Value> = lead.extra.values().collect();
            // Values that came from JSON can always be written as JSON.
            self.extras.push(row, &serde_json::to_string(&values).unwrap_or_default());
        }
        if !lead.scope.is_empty() {
            self.scopes.push(row, &lead.scope);
        }
        self.letters.push(letters_of_row);
        self.has_originals.push(self.originals.len() > originals);
        self.ends.push(self.folded.len() as u32);
    }

    fn push_extra(&mut self, value: &Value, start: usize) {
        let room = SEARCHED_EXTRAS.saturating_sub(self.folded.len() - start);
        match value {
            Value::String(text) if !text.is_empty() && room > 0 => {
                fold_onto(cut(text, room), &mut self.folded);
                self.folded.push(END);
            }
            Value::Array(values) => values.iter().for_each(|value| self.push_extra(value, start)),
            Value::Object(fields) => fields.values().for_each(|value| self.push_extra(value, start)),
            _ => {}
        }
    }

    /// Appends a row of another segment as it is.
    pub fn push_row_of(&mut self, other: &Self, from: u32) {
        let row = self.len() as u32;
        let range = other.range(from as usize);
        self.folded.push_str(&other.folded[range.clone()]);
        self.capitals.push_from(&other.capitals, range.start, range.len());
        self.letters.push(other.letters[from as usize]);
        self.has_originals.push(other.has_originals.get(from as usize));
        for slot in Slot::ALL {
            if let Some(original) = other.beside(from as usize, slot) {
                self.originals.push(row * Slot::ALL.len() as u32 + slot as u32, original);
            }
        }
        if let Some(extra) = other.extras.get(from) {
            self.extras.push(row, extra);
        }
        if let Some(scope) = other.scopes.get(from) {
            self.scopes.push(row, scope);
        }
        self.ends.push(self.folded.len() as u32);
    }

    /// The folded text of all rows.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Where each row ends in the folded text.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Which letters occur in each row's name, company and e-mail address.
    pub fn letters(&self) -> &[u64] {
        &self.letters
    }

    /// The place of a row in the folded text.
    pub fn range(&self, row: usize) -> Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        start..self.ends[row] as usize
    }

    /// The folded text of one slot.
    pub fn folded_slot(&self, row: usize, slot: Slot) -> &str {
        &self.folded[self.slot_range(row, slot)]
    }

    /// The folded name, company and e-mail address, each closed by [`END`], and all that follows in the memory.
    pub fn row_and_onwards(&self, row: usize) -> &[u8] {
        &self.folded.as_bytes()[self.range(row).start..]
    }

    fn slot_range(&self, row: usize, slot: Slot) -> Range<usize> {
        let range = self.range(row);
        let text = self.folded.as_bytes();
        let mut start = range.start;
        for _ in 0..slot as usize {
            start += memchr(0, &text[start..range.end]).map_or(0, |length| length + 1);
        }
        let length = memchr(0, &text[start..range.end]).unwrap_or(range.end - start);
        start..start + length
    }

    /// The folded name, company and e-mail address by themselves.
    pub fn each_name(&self, row: usize) -> impl Iterator<Item = &str> {
        self.folded[self.range(row)].split(END).take(Slot::NAMES)
    }

    /// The original text of one slot.
    pub fn original(&self, row: usize, slot: Slot) -> Cow<'_, str> {
        match self.beside(row, slot) {
            Some(original) => original.into(),
            None => self.unfolded(row, slot),
        }
    }

    /// The original of a text that differs from its fold by capitals at most.
    fn unfolded(&self, row: usize, slot: Slot) -> Cow<'_, str> {
        let range = self.slot_range(row, slot);
        let folded = &self.folded[range.clone()];
        if !self.capitals.any(range.start, range.len()) {
            return folded.into();
        }
        let mut original = folded.to_owned();
        for at in self.capitals.ones(range.start, range.len()) {
            if let Some(letter) = original.get_mut(at..at + 1) {
                letter.make_ascii_uppercase();
            }
        }
        original.into()
    }

    /// Every row's id, in order.
    pub fn each_id(&self) -> impl Iterator<Item = Cow<'_, str>> {
        // Originals come in the same order as rows: they need not be looked for.
        let is_id = |&at: &usize| self.originals.keys[at] as usize % Slot::ALL.len() == Slot::Id as usize;
        let mut originals = (0..self.originals.len()).filter(is_id).peekable();
        (0..self.len()).map(move |row| {
            let key = (row * Slot::ALL.len() + Slot::Id as usize) as u32;
            match originals.next_if(|&at| self.originals.keys[at] == key).and_then(|at| self.originals.at(at)) {
                Some(original) => original.into(),
                None => self.unfolded(row, Slot::Id),
            }
        })
    }

    /// Whether a row's name, company and e-mail address are all empty.
    pub fn is_nameless(&self, row: usize) -> bool {
        let ends = [END as u8; Slot::NAMES];
        // Something may fold to nothing.
        self.folded.as_bytes()[self.range(row)].starts_with(&ends)
            && Slot::ALL[..Slot::NAMES].iter().all(|&slot| self.original(row, slot).is_empty())
    }

    /// An original that is more than its fold with capitals.
    fn beside(&self, row: usize, slot: Slot) -> Option<&str> {
        if !self.has_originals.get(row) {
            return None;
        }
        self.originals.get((row * Slot::ALL.len() + slot as usize) as u32)
    }

    /// Whether a row's id is exactly `id`.
    pub fn id_is(&self, row: usize, id: &str) -> bool {
        let start = self.slot_range(row, Slot::Id).start;
        let text = &self.folded.as_bytes()[start..];
        if let Some(original) = self.beside(row, Slot::Id) {
            return original == id;
        }
        let plain = text.get(id.len()) == Some(&0) && text[..id.len()].eq_ignore_ascii_case(id.as_bytes());
        let capital = |(at, byte): (usize, u8)| self.capitals.get(start + at) == byte.is_ascii_uppercase();
        // An id with an END in it would be compared with more than the id.
        plain && !id.contains(END) && id.bytes().enumerate().all(capital)
    }

    /// The values of a row's extra fields.
    pub fn extras(&self, row: usize) -> Vec<Value> {
        self.extras.get(row as u32).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    pub fn scope(&self, row: usize) -> &str {
        self.scopes.get(row as u32).unwrap_or_default()
    }

    /// Whether `lead`'s texts are what this row holds already.
    pub fn holds(&self, row: usize, lead: &LeadRecord) -> bool {
        Slot::ALL.iter().all(|&slot| self.original(row, slot) == slot.of(lead))
            && self.scope(row) == lead.scope
            && (lead.extra.is_empty() && self.extras.get(row as u32).is_none()
                || lead.extra.values().eq(self.extras(row).iter()))
    }

    /// Everything but the folded text.
    pub fn put(&self, put: &mut Put<'_>) {
        put.u32s(&self.ends);
        self.capitals.put(put);
        put.u64s(&self.letters);
        for beside in [&self.originals, &self.extras, &self.scopes] {
            beside.put(put);
        }
    }

    /// Takes what belongs to this folded text.
    pub fn take(take: &mut Take<'_>, folded: String) -> Option<Self> {
        let ends = take.take_u32s()?;
        let capitals = Bits::take(take, folded.len())?;
        let letters = take.take_u64s()?;
        let [originals, extras, scopes] = [Beside::take(take)?, Beside::take(take)?, Beside::take(take)?];
        let ascending = ends.is_sorted() && ends.last().is_none_or(|end| *end as usize == folded.len());
        // Each row ends behind an END, which is a character of its own, so rows begin and end between characters.
        let closed = ends.iter().all(|end| folded.as_bytes().get((*end as usize).wrapping_sub(1)) == Some(&0));
        let fits = ascending && closed && letters.len() == ends.len();
        let mut with_originals = originals.keys.iter().map(|key| *key as usize / Slot::ALL.len()).peekable();
        let mut has_originals = Bits::default();
        for row in 0..ends.len() {
            let mut any = false;
            while with_originals.next_if(|with| *with <= row).is_some() {
                any = true;
            }
            has_originals.push(any);
        }
        fits.then_some(Self { folded, ends, capitals, letters, originals, has_originals, extras, scopes })
    }

    pub fn shrink(&mut self) {
        self.folded.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.capitals.shrink();
        self.has_originals.shrink();
        self.letters.shrink_to_fit();
        for beside in [&mut self.originals, &mut self.extras, &mut self.scopes] {
            beside.shrink();
        }
    }

    pub fn heap_bytes(&self) -> usize {
        self.folded.capacity()
            + self.ends.capacity() * 4
            + self.capitals.heap_bytes()
            + self.has_originals.heap_bytes()
            + self.letters.capacity() * 8
            + self.originals.heap_bytes()
            + self.extras.heap_bytes()
            + self.scopes.heap_bytes()
    }
}

/// Which letters occur in a folded text, a bit each for a-z and 0-9 and shared bits for all others. A text can only
/// hold a word's letters when it has all of the word's bits.
pub fn letters(folded: &str) -> u64 {
    folded.chars().fold(0, |bits, c| {
        bits | 1
            << match c {
                'a'..='z' => c as u32 - 'a' as u32,
                '0'..='9' => 26 + c as u32 - '0' as u32,
                c if c.is_ascii() => 36 + c as u32 % 8,
                c => 44 + c as u32 % 20,
            }
    })
}

/// The beginning of a text, at most `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// Texts that few rows have, by ascending key.
#[derive(Clone, Debug, Default)]
struct Beside {
    keys: Vec<u32>,
    ends: Vec<usize>,
    text: String,
}

impl Beside {
    fn len(&self) -> usize {
        self.keys.len()
    }

    fn push(&mut self, key: u32, text: &str) {
        self.keys.push(key);
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn get(&self, key: u32) -> Option<&str> {
        self.at(self.keys.binary_search(&key).ok()?)
    }

    /// The text of the key at this place.
    fn at(&self, at: usize) -> Option<&str> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.text.get(start..*self.ends.get(at)?)
    }

    fn put(&self, put: &mut Put<'_>) {
        put.u32s(&self.keys);
        put.u64s(&self.ends.iter().map(|end| *end as u64).collect::<Vec<_>>());
        put.text(&self.text);
    }

    fn take(take: &mut Take<'_>) -> Option<Self> {
        let keys = take.take_u32s()?;
        let ends: Vec<usize> =
            take.take_u64s()?.into_iter().map(|end| usize::try_from(end).ok()).collect::<Option<_>>()?;
        let text = take.text()?;
        let fits = keys.len() == ends.len()
            && keys.is_sorted_by(|a, b| a < b)
            && ends.is_sorted()
            && ends.iter().all(|end| text.is_char_boundary(*end));
        fits.then_some(Self { keys, ends, text })
    }

    fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    fn heap_bytes(&self) -> usize {
        self.keys.capacity() * 4 + self.ends.capacity() * 8 + self.text.capacity()
    }
}
