//! Conditions on texts, run over a segment's folded memory.

use std::borrow::Cow;

use memchr::memmem::Finder;
use regex::Regex;

use super::rows::RowSet;
use super::term::{Pattern, Test};
use crate::domain::fold::fold;
use crate::domain::leads::LeadTable;
use crate::domain::leads::table::slot_of;
use crate::domain::leads::texts::{END, Slot, Texts, letters};
use crate::domain::ranking::{NameMemory, NameScorer, Names, Scorer, holds_letters};

/// What a condition on texts asks for; equal keys find the same rows in the same texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextKey {
    Word(String),
    Fuzzy(String),
    Pattern(String),
    Slot(Slot, Vec<String>),
}

impl TextKey {
    /// The key of a test that looks at texts; `None` for the others.
    pub fn of(test: &Test) -> Option<Self> {
        Some(match test {
            Test::Word(word) => Self::Word(fold(word).into_owned()),
            Test::Fuzzy(word) => Self::Fuzzy(fold(word).into_owned()),
            Test::Pattern(pattern) => Self::Pattern(pattern.source.clone()),
            Test::Text { field, values } => {
                Self::Slot(slot_of(*field)?, values.iter().map(|value| fold(value).into_owned()).collect())
            }
            _ => return None,
        })
    }

    /// Whether every row that this finds is also found by `wider`: then only those have to be looked at.
    pub fn narrows(&self, wider: &Self) -> bool {
        match (self, wider) {
            (Self::Word(word), Self::Word(wider)) => word.contains(&**wider),
            (Self::Fuzzy(word), Self::Fuzzy(wider)) => holds_letters(wider.chars(), word.chars()),
            _ => false,
        }
    }

    /// Where it is a word that begins with the word of `shorter`: how many bytes of it that are.
    pub fn goes_on(&self, shorter: &Self) -> Option<usize> {
        match (self, shorter) {
            (Self::Word(word), Self::Word(shorter)) if word.starts_with(&**shorter) => Some(shorter.len()),
            _ => None,
        }
    }

    /// How much there is in it: of several that are narrowed, the longest leaves the fewest rows.
    pub fn size(&self) -> usize {
        match self {
            Self::Word(word) | Self::Fuzzy(word) | Self::Pattern(word) => word.len(),
            Self::Slot(..) => 0,
        }
    }
}

/// The rows of a segment that fulfil a condition on texts.
#[derive(Debug)]
pub struct Matches {
    pub rows: RowSet,
    /// The rows that were looked at; of the others it is not known. `None` where it was looked at all of them.
    pub within: Option<RowSet>,
    /// Where a word stands for the first time in each of these rows. `None` for other conditions, and where it is not
    /// known.
    pub places: Option<Places>,
}

/// Where a word stands in rows, in their order, and how the text goes on there. The next letter is looked for in what
/// goes on: the texts themselves lie far apart in memory, and fetching them is most of what a search takes.
#[derive(Debug, Default)]
pub struct Places {
    /// Places in the folded text.
    at: Vec<u32>,
    /// The bytes behind the word, the first one lowest.
    next: Vec<u32>,
    /// How many of those bytes are still ahead.
    left: usize,
}

/// Bytes that are kept of how a text goes on.
const AHEAD: usize = 4;

/// The text from here on; zeros behind its end.
fn going_on(text: &[u8], at: usize) -> u32 {
    let bytes = text.get(at..).unwrap_or_default();
    let next = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut next = [0; AHEAD];
        next[..bytes.len()].copy_from_slice(bytes);
        next
    });
    u32::from_le_bytes(next)
}

impl Matches {
    /// Nothing yet, with room for as many rows, and with as much of how texts go on as `left` says.
    fn none(texts: &Texts, room: usize, left: usize) -> Self {
        let places = Places { at: Vec::with_capacity(room), next: Vec::with_capacity(room), left };
        Self { rows: RowSet::none(texts.len()), within: None, places: Some(places) }
    }

    /// Rows have to come in their order. `length`: of the word that stands there.
    fn push_at(&mut self, row: usize, text: &[u8], place: usize, length: usize) {
        // A segment's texts are bounded so that places in them fit.
        self.push(row, place as u32, going_on(text, place + length));
    }

    /// Where much more was expected than came.
    fn give_room_back(&mut self) {
        if let Some(Places { at, next, .. }) =
            self.places.as_mut().filter(|places| places.at.len() * 2 < places.at.capacity())
        {
            at.shrink_to_fit();
            next.shrink_to_fit();
        }
    }

    fn push(&mut self, row: usize, at: u32, next: u32) {
        self.rows.insert(row);
        let places = self.places.get_or_insert_default();
        places.at.push(at);
        places.next.push(next);
    }
}

impl From<RowSet> for Matches {
    fn from(rows: RowSet) -> Self {
        Self { rows, within: None, places: None }
    }
}

/// A condition on texts, ready to run.
#[derive(Debug)]
pub enum Scan {
    Word(Box<Finder<'static>>),
    Fuzzy(Box<Fuzzy>),
    Pattern(Regex),
    Slot { slot: Slot, values: Vec<String> },
}

impl Scan {
    pub fn new(key: &TextKey, test: &Test) -> Self {
        match (key, test) {
            (TextKey::Word(word), _) => Self::Word(Box::new(Finder::new(word.as_bytes()).into_owned())),
            (TextKey::Slot(slot, values), _) => Self::Slot { slot: *slot, values: values.clone() },
            (_, Test::Pattern(Pattern { regex, .. })) => Self::Pattern(regex.clone()),
            (TextKey::Fuzzy(word) | TextKey::Pattern(word), _) => Self::Fuzzy(Box::new(Fuzzy::new(word))),
        }
    }

    /// Whether the whole segment is looked through faster than a good part of its rows one by one.
    pub fn runs_through(&self) -> bool {
        match self {
            Self::Word(finder) => !finder.needle().is_empty(),
            Self::Slot { values, .. } => values.iter().all(|value| !value.is_empty()),
            Self::Fuzzy(_) | Self::Pattern(_) => false,
        }
    }

    /// Every row that fulfils the condition; `most` are expected.
    pub fn whole(&self, texts: &Texts, most: usize) -> Matches {
        let text = texts.folded().as_bytes();
        let mut found = RowSet::none(texts.len());
        match self {
            Self::Word(finder) if finder.needle().len() == 1 => {
                let byte = finder.needle()[0];
                if byte.is_ascii_alphanumeric() {
                    // Such a letter has a bit of its own. Where it stands in most names, few rows are left to look at.
                    let bit = letters(char::from(byte).encode_utf8(&mut [0; 4]));
                    found = RowSet::collect(texts.len(), |row| texts.letters()[row] & bit != 0);
                    if found.len() * 2 > texts.len() {
                        let mut rest = RowSet::all(texts.len());
                        rest.without(&found);
                        rest.iter().filter(|&row| self.row(texts, row)).for_each(|row| found.insert(row));
                        return found.into();
                    }
                }
                let mut found = Matches::none(texts, 0, AHEAD);
                hits(texts, |from| memchr::memchr(byte, from), |row, place| found.push_at(row, text, place, 1));
                return found;
            }
            Self::Word(finder) => {
                let (mut found, length) = (Matches::none(texts, most, AHEAD), finder.needle().len());
                hits(texts, |from| finder.find(from), |row, place| found.push_at(row, text, place, length));
                found.give_room_back();
                return found;
            }
            Self::Slot { slot, values } => {
                for value in values {
                    let closed = format!("{value}{END}");
                    let finder = Finder::new(&closed);
                    hits(
                        texts,
                        |from| finder.find(from),
                        |row, _| {
                            if texts.folded_slot(row, *slot) == value {
                                found.insert(row);
                            }
                        },
                    );
                }
            }
            Self::Fuzzy(_) | Self::Pattern(_) => {}
        }
        found.into()
    }

    /// Those of `rows` that fulfil the condition, looked at one by one.
    pub fn among(&self, texts: &Texts, rows: &RowSet) -> Matches {
        let Self::Word(finder) = self else {
            let mut found = RowSet::none(texts.len());
            rows.iter().filter(|&row| self.row(texts, row)).for_each(|row| found.insert(row));
            return found.into();
        };
        let (text, length) = (texts.folded().as_bytes(), finder.needle().len());
        let mut found = Matches::none(texts, 0, AHEAD);
        rows.iter().for_each(|row| {
            let range = texts.range(row);
            if let Some(at) = finder.find(&text[range.clone()]) {
                found.push_at(row, text, range.start + at, length);
            }
        });
        found
    }

    /// The same for a word that goes on from one whose places are known, and which has `typed` bytes of it.
    pub fn further(&self, texts: &Texts, rows: &RowSet, shorter: &Matches, typed: usize) -> Option<Matches> {
        let (Self::Word(finder), Some(places)) = (self, &shorter.places) else { return None };
        let (text, word) = (texts.folded().as_bytes(), finder.needle());
        let more = word.get(typed..).filter(|more| !more.is_empty())?;
        let is_kept = more.len() <= places.left;
        let left = if is_kept { places.left - more.len() } else { AHEAD };
        let (wanted, bits) = (going_on(more, 0), 8 * more.len() as u32);
        let mut found = Matches::none(texts, places.at.len(), left);
        let mut known = places.at.iter().zip(&places.next);
        // Not by `zip`: a row set goes through its rows by itself in half the time.
        shorter.rows.iter().for_each(|row| {
            let Some((&at, &next)) = known.next().filter(|_| rows.contains(row)) else { return };
            let place = at as usize;
            if is_kept && (next ^ wanted) << (32 - bits) == 0 {
                // Nothing is left of it where all of what is kept was typed.
                found.push(row, at, next.checked_shr(bits).unwrap_or(0));
            } else if !is_kept && text[place + typed..].starts_with(more) {
                found.push(row, at, going_on(text, place + word.len()));
            } else if let Some(on) = finder.find(&text[place + 1..texts.ends()[row] as usize]) {
                found.push_at(row, text, place + 1 + on, word.len());
            }
        });
        found.give_room_back();
        Some(found)
    }

    /// Whether one row fulfils the condition.
    pub fn row(&self, texts: &Texts, row: usize) -> bool {
        match self {
            Self::Word(finder) => finder.find(&texts.folded().as_bytes()[texts.range(row)]).is_some(),
            Self::Slot { slot, values } => values.iter().any(|value| value == texts.folded_slot(row, *slot)),
            Self::Fuzzy(fuzzy) => fuzzy.is_in(texts, row),
            // A pattern sees texts as they are written.
            Self::Pattern(regex) => {
                Slot::ALL.iter().any(|&slot| regex.is_match(&shown(texts, row, slot)))
                    || LeadTable::strings(texts.extras(row)).iter().any(|text| regex.is_match(text))
            }
        }
    }
}

/// A `~word`, folded.
#[derive(Debug)]
pub struct Fuzzy {
    word: String,
    letters: u64,
    /// For all names of a row at once.
    names: Option<NameScorer>,
}

/// Memory for scores that is used again from row to row.
#[derive(Debug, Default)]
pub struct Memory {
    names: NameMemory,
    texts: Scorer,
}

impl Fuzzy {
    fn new(word: &str) -> Self {
        Self { word: word.to_owned(), letters: letters(word), names: NameScorer::new(word) }
    }

    fn has_letters(&self, texts: &Texts, row: usize) -> bool {
        texts.letters()[row] & self.letters == self.letters
    }

    /// Whether it is in a row's name, company or e-mail address.
    pub fn is_in(&self, texts: &Texts, row: usize) -> bool {
        if !self.has_letters(texts, row) {
            return false;
        }
        match (self.word.as_bytes(), &self.names) {
            ([], _) => return true,
            // Letters and digits have a bit of their own, which has answered.
            ([byte], _) if byte.is_ascii_alphanumeric() => return true,
            (_, Some(names)) => {
                if let Names::Known(is_in) = names.is_in(texts.row_and_onwards(row), Slot::NAMES) {
                    return is_in;
                }
            }
            _ => {}
        }
        texts.each_name(row).any(|name| holds_letters(self.word.chars(), name.chars()))
    }

    /// How well a row's name, company or e-mail address fits, whichever fits best; `None` when it is in none of them.
    pub fn score(&self, memory: &mut Memory, texts: &Texts, row: usize) -> Option<i32> {
        if !self.has_letters(texts, row) {
            return None;
        }
        if let Some(names) = &self.names
            && let Names::Known(score) = names.score(&mut memory.names, texts.row_and_onwards(row), Slot::NAMES)
        {
            return score;
        }
        let scores = texts.each_name(row).filter_map(|name| memory.texts.score(&self.word, name));
        scores.max().map(|score| i32::try_from(score).unwrap_or(i32::MAX))
    }
}

/// A text as the screen has it; an id's dangerous characters are marks there.
fn shown(texts: &Texts, row: usize, slot: Slot) -> Cow<'_, str> {
    match texts.original(row, slot) {
        Cow::Borrowed(text) if slot == Slot::Id => crate::domain::safe_text::visible(text),
        text => text,
    }
}

/// Calls `found` with every row that has a hit, once, and the place of its first.
fn hits(texts: &Texts, find: impl Fn(&[u8]) -> Option<usize>, mut found: impl FnMut(usize, usize)) {
    let (text, ends) = (texts.folded().as_bytes(), texts.ends());
    let mut row = 0;
    let mut at = 0;
    while let Some(hit) = find(&text[at..]) {
        at += hit;
        while ends[row] as usize <= at {
            row += 1;
        }
        found(row, at);
        at = ends[row] as usize;
    }
}
