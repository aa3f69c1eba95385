//! Which rows of a segment fulfil a query.

use std::sync::{Arc, Weak};

use hashbrown::HashMap;

use super::Asked;
use super::rows::RowSet;
use super::scan::{Fuzzy, Matches, Memory, Scan, TextKey};
use super::term::{Compare, OwnerIs, Term, Test, Trait, When};
use crate::domain::fold::fold;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::segment::{Columns, Segment, Worded, lifecycle_code};
use crate::domain::leads::table::worded;
use crate::domain::leads::texts::Texts;
use crate::domain::leads::{SnapshotPart, segment};
use crate::domain::{Agreement, Assignment, Field, LeadFlags, Lifecycle, Person, Timestamp};

/// A query made ready for one part of a snapshot: names have become the numbers that its columns hold.
#[derive(Debug)]
pub struct Conditions<'a> {
    /// Conditions on columns, which are quick to look at, come first.
    columns: Vec<(bool, ColumnTest<'a>)>,
    texts: Vec<TextTest<'a>>,
    now: Timestamp,
}

/// A condition on columns.
#[derive(Debug)]
enum ColumnTest<'a> {
    Always(bool),
    /// The number in a column is one of the wanted ones.
    Number {
        column: Column,
        wanted: Vec<bool>,
    },
    Score(Compare, &'a [Option<f64>]),
    When {
        field: Field,
        compare: Compare,
        values: &'a [When],
    },
    Marked,
    /// These rows of the part.
    Rows(RowSet),
    OneOf(Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
enum Column {
    Words(Worded),
    Owners,
    Lifecycles,
    Flags,
}

/// A condition on texts: what is found in the segment's own texts, or in the words that its rows share.
#[derive(Debug)]
struct TextTest<'a> {
    negated: bool,
    key: &'a TextKey,
    scan: &'a Scan,
    shared: Vec<(Worded, Vec<bool>)>,
}

/// A text condition of a query, the same for every part of the snapshot.
#[derive(Debug)]
pub struct TextCondition<'a> {
    term: &'a Term,
    key: TextKey,
    scan: Scan,
}

impl TextCondition<'_> {
    /// The `~word` that asks for best matches first.
    pub fn ranking(&self) -> Option<&Fuzzy> {
        match &self.scan {
            Scan::Fuzzy(fuzzy) if !self.term.negated => Some(fuzzy),
            _ => None,
        }
    }
}

/// The conditions on texts among a query's terms.
pub fn text_conditions(terms: &[Term]) -> Vec<TextCondition<'_>> {
    terms
        .iter()
        .filter_map(|term| {
            let key = TextKey::of(&term.test)?;
            Some(TextCondition { term, scan: Scan::new(&key, &term.test), key })
        })
        .collect()
}

impl<'a> Conditions<'a> {
    pub fn new(terms: &'a [Term], texts: &'a [TextCondition<'a>], part: &SnapshotPart, now: Timestamp) -> Self {
        let column = |term: &'a Term| match &term.test {
            // What was not answered is true in neither sense.
            Test::Asked(asked) => Some(match answered(asked, part) {
                Some(rows) => (term.negated, ColumnTest::Rows(rows)),
                None => (false, ColumnTest::Always(false)),
            }),
            test => Some((term.negated, ColumnTest::of(test, part)?)),
        };
        let columns = terms.iter().filter_map(column).collect();
        let texts = texts
            .iter()
            .map(|condition| TextTest {
                negated: condition.term.negated,
                key: &condition.key,
                scan: &condition.scan,
                shared: shared_words(&condition.term.test, part),
            })
            .collect();
        Self { columns, texts, now }
    }

    /// The rows of a segment that fulfil all conditions. `first`: the number of its first row in its part; `marked`: the
    /// marked ones, where there are some; `ranked`: those that will be put in the order of their scores, if any.
    pub fn rows(
        &self,
        segment: &Segment,
        first: usize,
        marked: Option<&RowSet>,
        ranked: Option<&RowSet>,
        seen: &Seen,
    ) -> Found {
        let mut rows = RowSet::all(segment.len());
        for (negated, test) in &self.columns {
            let found = test.rows(segment, first, marked, self.now);
            if *negated { rows.without(&found) } else { rows.and(&found) }
        }
        let mut learned = Vec::new();
        let mut scored = Vec::new();
        for (condition, test) in self.texts.iter().enumerate() {
            if rows.is_empty() {
                break;
            }
            let ranked = ranked.filter(|_| !test.negated);
            let InTexts { matches, is_new, scores } = test.in_texts(&segment.texts, &rows, ranked, seen);
            let mut found = matches.rows.clone();
            if is_new {
                learned.push((test.key.clone(), matches));
            }
            scored.extend(scores.map(|scores| (condition, scores)));
            for (column, wanted) in &test.shared {
                found.or(&numbers(&segment.columns.words[*column as usize], wanted));
            }
            if test.negated { rows.without(&found) } else { rows.and(&found) }
        }
        Found { rows, learned, scored }
    }
}

/// What evaluating a segment brought.
#[derive(Debug)]
pub struct Found {
    pub rows: RowSet,
    /// Text conditions that were answered newly, to be remembered.
    pub learned: Vec<(TextKey, Arc<Matches>)>,
    /// Scores that came to light on the way, by the place of the text condition.
    pub scored: Vec<(usize, Scored)>,
}

/// How well rows fit a `~word`. Has at least those that are found in the end.
#[derive(Debug)]
pub struct Scored {
    pub rows: RowSet,
    /// In the order of the rows.
    pub scores: Vec<i32>,
}

/// What a segment's texts answered to a condition.
struct InTexts {
    matches: Arc<Matches>,
    is_new: bool,
    scores: Option<Scored>,
}

impl TextTest<'_> {
    /// The rows whose own texts fulfil the condition; outside of `asked` the answer may be wrong. Where rows are looked
    /// at one by one for a `~word`, those of `ranked` get their scores at once.
    fn in_texts(&self, texts: &Arc<Texts>, asked: &RowSet, ranked: Option<&RowSet>, seen: &Seen) -> InTexts {
        let (narrower, goes_on) = match seen.find(self.key, texts, asked) {
            Some(Earlier::Exactly(matches)) => return InTexts { matches, is_new: false, scores: None },
            Some(Earlier::AtMost { matches, goes_on }) => (Some(matches), goes_on),
            None => (None, None),
        };
        let possible = narrower.as_ref().map_or(texts.len(), |narrower| narrower.rows.len());
        let mut open = asked.clone();
        if let Some(narrower) = &narrower {
            open.and(&narrower.rows);
        }
        // Looking at a little more than was asked for pays off: the complete answer narrows the next letter's search.
        let is_complete = open.len() * 2 >= possible;
        let look_at = match (&narrower, is_complete) {
            (Some(narrower), true) => &narrower.rows,
            (None, true) => &RowSet::all(texts.len()),
            (_, false) => &open,
        };
        let within = match &narrower {
            _ if !is_complete => Some(asked.clone()),
            Some(narrower) => narrower.within.clone(),
            None => None,
        };
        let (Scan::Fuzzy(fuzzy), Some(ranked)) = (self.scan, ranked) else {
            let further = || self.scan.further(texts, look_at, narrower.as_ref()?, goes_on?);
            let matches = match further() {
                Some(matches) => Matches { within, ..matches },
                None if self.scan.runs_through() && open.len() * 4 > texts.len() => {
                    self.scan.whole(texts, narrower.as_ref().map_or(0, |narrower| narrower.rows.len()))
                }
                None => Matches { within, ..self.scan.among(texts, look_at) },
            };
            return InTexts { matches: Arc::new(matches), is_new: true, scores: None };
        };
        let mut rows = RowSet::none(texts.len());
        let mut memory = Memory::default();
        let mut scores = Vec::new();
        for row in look_at.iter() {
            if !ranked.contains(row) {
                if fuzzy.is_in(texts, row) {
                    rows.insert(row);
                }
            } else if let Some(score) = fuzzy.score(&mut memory, texts, row) {
                rows.insert(row);
                scores.push(score);
            }
        }
        let mut scored = rows.clone();
        scored.and(ranked);
        let matches = Matches { within, ..rows.into() };
        InTexts { matches: Arc::new(matches), is_new: true, scores: Some(Scored { rows: scored, scores }) }
    }
}

/// The words of shared columns that fulfil a text condition, by column.
fn shared_words(test: &Test, part: &SnapshotPart) -> Vec<(Worded, Vec<bool>)> {
    let matching = |is_it: &dyn Fn(&str, &str) -> bool| {
        let columns = [Worded::Source, Worded::Campaign, Worded::List].into_iter();
        let columns = columns.map(|column| {
            let words = part.table.words(column);
            let named = |word| {
                let name = part.collection_name(column.field(), word);
                name.is_some_and(|name| is_it(name.as_str(), &fold(name.as_str())))
            };
            (column, words.pairs().map(|(word, folded)| is_it(word, folded) || named(word)).collect::<Vec<_>>())
        });
        columns.filter(|(_, wanted)| wanted.contains(&true)).collect()
    };
    match test {
        Test::Word(word) => {
            let word = fold(word);
            matching(&|_, folded| folded.contains(&*word))
        }
        Test::Pattern(pattern) => matching(&|word, _| pattern.regex.is_match(word)),
        _ => Vec::new(),
    }
}

impl<'a> ColumnTest<'a> {
    /// The condition for this part; `None` where it is one on texts.
    fn of(test: &'a Test, part: &SnapshotPart) -> Option<Self> {
        Some(match test {
            Test::Text { field: Field::Profile, values } => {
                let profile = fold(part.profile.as_str());
                Self::Always(values.iter().any(|value| fold(value) == profile))
            }
            Test::Text { field, values } => {
                let column = worded(*field)?;
                let values: Vec<_> = values.iter().map(|value| fold(value)).collect();
                let is = |text: &str| values.iter().any(|value| value == text);
                let named = |word| part.collection_name(*field, word).is_some_and(|name| is(&fold(name.as_str())));
                let wanted = part.table.words(column).pairs();
                let wanted = wanted.map(|(word, folded)| is(folded) || named(word)).collect();
                Self::Number { column: Column::Words(column), wanted }
            }
            Test::Owner(owners) => {
                let is_wanted = |assignment: &Assignment| owners.iter().any(|owner| owner_is(owner, assignment, part));
                let wanted = part.table.owners().iter().map(|(assignment, _)| is_wanted(assignment)).collect();
                Self::Number { column: Column::Owners, wanted }
            }
            Test::Score(compare, values) => Self::Score(*compare, values),
            Test::When { field, compare, values } => Self::When { field: *field, compare: *compare, values },
            Test::Is(traits) => Self::OneOf(traits.iter().map(|&wanted| Self::is(wanted)).collect()),
            // Made above, where it is known whether there is an answer.
            Test::Asked(_) | Test::Word(_) | Test::Fuzzy(_) | Test::Pattern(_) => return None,
        })
    }

    fn is(wanted: Trait) -> Self {
        let lifecycle = |wanted| {
            let mut codes = vec![false; 3];
            codes[lifecycle_code(wanted) as usize] = true;
            Self::Number { column: Column::Lifecycles, wanted: codes }
        };
        match wanted {
            Trait::Marked => Self::Marked,
            Trait::Open => lifecycle(Lifecycle::Open),
            Trait::Closed => lifecycle(Lifecycle::Closed),
            Trait::Deleted => lifecycle(Lifecycle::Deleted),
            Trait::Flag(flag) => {
                let wanted = (0..=u8::MAX).map(|bits| LeadFlags::from_bits(bits).has(flag)).collect();
                Self::Number { column: Column::Flags, wanted }
            }
        }
    }

    fn rows(&self, segment: &Segment, first: usize, marked: Option<&RowSet>, now: Timestamp) -> RowSet {
        let rows = segment.len();
        let columns: &Columns = &segment.columns;
        match self {
            Self::Always(true) => RowSet::all(rows),
            Self::Always(false) => RowSet::none(rows),
            Self::Number { column: Column::Words(column), wanted } => numbers(&columns.words[*column as usize], wanted),
            Self::Number { column: Column::Owners, wanted } => numbers(&segment.owners, wanted),
            Self::Number { column: Column::Lifecycles, wanted } => numbers(&columns.lifecycles, wanted),
            Self::Number { column: Column::Flags, wanted } => numbers(&columns.flags, wanted),
            Self::Score(compare, values) => RowSet::collect(rows, |row| {
                let score = columns.score(row);
                values.iter().any(|value| match (value, score) {
                    (Some(value), Some(score)) => compare.holds(f64::from(score), *value),
                    (value, score) => value.is_none() && score.is_none(),
                })
            }),
            Self::When { field, compare, values } => {
                let times = if *field == Field::Created { &columns.created } else { &columns.updated };
                RowSet::collect(rows, |row| {
                    let at = times.get(row);
                    values.iter().any(|value| value.holds(*compare, at, now))
                })
            }
            Self::Rows(wanted) => RowSet::collect(rows, |row| wanted.contains(first + row)),
            Self::Marked => marked.cloned().unwrap_or_else(|| RowSet::none(rows)),
            Self::OneOf(tests) => tests.iter().fold(RowSet::none(rows), |mut found, test| {
                found.or(&test.rows(segment, first, marked, now));
                found
            }),
        }
    }
}

/// The rows whose number is wanted.
fn numbers(codes: &Codes, wanted: &[bool]) -> RowSet {
    let is_wanted = |code: u32| wanted.get(code as usize).copied().unwrap_or(false);
    match codes {
        Codes::Same { code, len } if is_wanted(*code) => RowSet::all(*len),
        Codes::Same { len, .. } => RowSet::none(*len),
        Codes::Bytes(codes) => {
            let is_wanted: [bool; 256] = std::array::from_fn(|code| is_wanted(code as u32));
            RowSet::collect(codes.len(), |row| is_wanted[usize::from(codes[row])])
        }
        Codes::Words(codes) => RowSet::collect(codes.len(), |row| is_wanted(codes[row])),
    }
}

/// The rows that are closed or deleted; `None` where there are none.
pub fn closed_rows(segment: &segment::Segment) -> Option<RowSet> {
    let closed = numbers(&segment.columns.lifecycles, &[false, true, true]);
    (!closed.is_empty()).then_some(closed)
}

/// The rows of a part that its vendor found by one of these questions; `None` where none of them was answered.
fn answered(asked: &[Asked], part: &SnapshotPart) -> Option<RowSet> {
    let mut rows = None;
    for asked in asked {
        let Some(answer) = part.answers.get(asked) else { continue };
        let rows = rows.get_or_insert_with(|| RowSet::none(part.table.len()));
        answer.iter().filter_map(|id| part.table.row_of(id.as_str())).for_each(|row| rows.insert(row as usize));
    }
    rows
}

/// Whether an assignment is to whom a query asks for: by id or name, by a known person's e-mail address or name where
/// the vendor shows only the other, or by what the configuration calls that person.
pub fn owner_is(wanted: &OwnerIs, assignment: &Assignment, part: &SnapshotPart) -> bool {
    let name = match wanted {
        OwnerIs::Nobody => return matches!(assignment, Assignment::Unassigned(_)),
        OwnerIs::NotKnown => return matches!(assignment, Assignment::Unknown),
        OwnerIs::Called(name) => fold(name),
    };
    let owner = match assignment {
        Assignment::Owner(owner) => owner,
        Assignment::Agents(agents) => return agents.iter().any(|agent| fold(agent.as_str()) == name),
        _ => return false,
    };
    let called = |text: Option<&str>| text.is_some_and(|text| fold(text) == name);
    if called(owner.id.as_ref().map(|id| id.as_str())) || called(owner.name.as_ref().map(|name| name.as_str())) {
        return true;
    }
    let link = part.links.called(&name);
    let linked = |person: &Person| link.is_some_and(|link| link.is(&part.profile, person));
    let ids = link.and_then(|link| link.ids.get(&part.profile));
    if owner.id.as_ref().is_some_and(|id| ids.is_some_and(|ids| ids.contains(id))) {
        return true;
    }
    part.people.iter().any(|person| {
        let meant = called(Some(person.id.as_str()))
            || called(Some(person.name.as_str()))
            || called(Some(person.email.as_str()))
            || linked(person);
        meant && person.owner_ref().agrees_with(owner) == Agreement::Same
    })
}

/// Answers to text conditions, kept so that a longer word looks only at the rows of the shorter one, and a letter
/// that is taken back costs nothing.
///
/// An answer belongs to one segment's texts. It holds them weakly: old texts go away when their table does, and their
/// place in memory is not used again before the answer is forgotten too.
#[derive(Debug, Default)]
pub struct Seen {
    answers: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    key: TextKey,
    segments: HashMap<usize, Known>,
}

impl Answer {
    fn found(&self) -> usize {
        self.segments.values().map(|known| known.found).sum()
    }
}

/// What a segment's texts answered.
#[derive(Debug)]
struct Known {
    texts: Weak<Texts>,
    matches: Arc<Matches>,
    /// How many rows that are.
    found: usize,
}

enum Earlier {
    Exactly(Arc<Matches>),
    /// Only these rows are possible. `goes_on`: they are those of a beginning of the word that is asked for, of as many
    /// bytes.
    AtMost {
        matches: Arc<Matches>,
        goes_on: Option<usize>,
    },
}

/// Conditions that are remembered: enough for typing and taking back a few words.
const MOST_ANSWERS: usize = 24;

/// Rows whose places are remembered: eight bytes each, and as many again while the next letter is looked for.
const MOST_PLACES: usize = if cfg!(test) { 100 } else { 1 << 19 };

impl Seen {
    /// What is known of these rows.
    fn find(&self, key: &TextKey, texts: &Arc<Texts>, asked: &RowSet) -> Option<Earlier> {
        let place = Arc::as_ptr(texts) as usize;
        let mut narrowest: Option<(&TextKey, &Arc<Matches>)> = None;
        for answer in &self.answers {
            let Some(Known { matches, .. }) = answer.segments.get(&place) else { continue };
            if matches.within.as_ref().is_some_and(|within| !within.has_all(asked)) {
                continue;
            }
            if answer.key == *key {
                return Some(Earlier::Exactly(matches.clone()));
            }
            if key.narrows(&answer.key) && narrowest.is_none_or(|(other, _)| other.size() < answer.key.size()) {
                narrowest = Some((&answer.key, matches));
            }
        }
        narrowest.map(|(shorter, matches)| Earlier::AtMost { matches: matches.clone(), goes_on: key.goes_on(shorter) })
    }

    /// How many rows of these texts can fulfil a condition, by what was found for shorter words; `None` where nothing is
    /// known. `is_alone`: there are no other conditions, among whose rows an earlier word may have been looked for.
    pub fn at_most(&self, key: &TextKey, texts: &Arc<Texts>, is_alone: bool) -> Option<usize> {
        let place = Arc::as_ptr(texts) as usize;
        let wider = self.answers.iter().filter(|answer| answer.key == *key || key.narrows(&answer.key));
        let known = wider.filter_map(|answer| answer.segments.get(&place));
        known.filter(|known| !is_alone || known.matches.within.is_none()).map(|known| known.found).min()
    }

    /// Forgets what belongs to texts that are gone, the oldest conditions, and the places of all words but the newest,
    /// which is the one that another letter can be typed to. Of very many rows those are too much to keep.
    pub fn tidy(&mut self) {
        for answer in &mut self.answers {
            answer.segments.retain(|_, known| known.texts.strong_count() > 0);
        }
        self.answers.retain(|answer| !answer.segments.is_empty());
        let surplus = self.answers.len().saturating_sub(MOST_ANSWERS);
        self.answers.drain(..surplus);
        let newest: usize = self.answers.iter().next_back().map_or(0, Answer::found);
        let kept = usize::from(newest <= MOST_PLACES);
        let older = self.answers.iter_mut().rev().skip(kept).flat_map(|answer| answer.segments.values_mut());
        for known in older {
            if let Some(matches) = Arc::get_mut(&mut known.matches) {
                matches.places = None;
            }
        }
    }

    pub fn remember(&mut self, key: TextKey, texts: &Arc<Texts>, matches: Arc<Matches>) {
        let answer = match self.answers.iter_mut().position(|answer| answer.key == key) {
            Some(known) => {
                // The newest is last.
                let answer = self.answers.remove(known);
                self.answers.push(answer);
                self.answers.last_mut()
            }
            None => {
                self.answers.push(Answer { key, segments: HashMap::new() });
                self.answers.last_mut()
            }
        };
        if let Some(answer) = answer {
            let known = Known { texts: Arc::downgrade(texts), found: matches.rows.len(), matches };
            answer.segments.insert(Arc::as_ptr(texts) as usize, known);
        }
    }
}
