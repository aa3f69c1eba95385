//! What a query is made of: terms, all of which must hold.

use std::fmt;

use regex::Regex;

use super::asked::Asked;
use crate::domain::{Field, LeadFlags, Timestamp};

/// One condition, or its opposite.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub negated: bool,
    pub test: Test,
}

/// A condition on a lead.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Occurs in one of the lead's texts, without regard to case and accents.
    Word(String),
    /// Its letters occur in this order in name, company or e-mail address.
    Fuzzy(String),
    /// Matches one of the lead's texts as it is written.
    Pattern(Pattern),
    /// A text field is one of these, without regard to case and accents.
    Text {
        field: Field,
        values: Vec<String>,
    },
    Owner(Vec<OwnerIs>),
    Score(Compare, Vec<Option<f64>>),
    /// A point in time is this long ago, or on this side of a moment.
    When {
        field: Field,
        compare: Compare,
        values: Vec<When>,
    },
    Is(Vec<Trait>),
    /// The vendor found the lead by one of these. All of one kind.
    Asked(Vec<Asked>),
}

/// A regular expression that was understood. Case does not count unless the expression says so (`(?-i)`).
#[derive(Clone, Debug)]
pub struct Pattern {
    pub source: String,
    pub regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// What a lead's owner is asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerIs {
    Nobody,
    NotKnown,
    /// Somebody's name, e-mail address or id.
    Called(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Is,
    Less,
    LessOrIs,
    More,
    MoreOrIs,
}

impl Compare {
    /// Whether `left` stands in this relation to `right`.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Is => left == right,
            Self::Less => left < right,
            Self::LessOrIs => left <= right,
            Self::More => left > right,
            Self::MoreOrIs => left >= right,
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Self::Is => ":",
            Self::Less => "<",
            Self::LessOrIs => "<=",
            Self::More => ">",
            Self::MoreOrIs => ">=",
        }
    }
}

/// What a point in time is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Its age, in whole units: `2d`.
    Age { amount: u32, unit: AgeUnit },
    /// A moment, with the text it was written as. A date is its first moment in UTC; `until` is the moment after its
    /// end, the same as `from` for an exact moment.
    Moment { from: Timestamp, until: Timestamp, written: String },
    /// It is not given.
    Missing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgeUnit {
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl AgeUnit {
    pub const LETTERS: [(char, Self); 4] =
        [('m', Self::Minutes), ('h', Self::Hours), ('d', Self::Days), ('w', Self::Weeks)];

    pub fn seconds(self) -> i64 {
        match self {
            Self::Minutes => 60,
            Self::Hours => 3_600,
            Self::Days => 86_400,
            Self::Weeks => 604_800,
        }
    }
}

impl When {
    /// Whether a point in time (`None`: not given) fulfils the comparison.
    pub fn holds(&self, compare: Compare, at: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(at) = at else { return matches!(self, Self::Missing) };
        match self {
            Self::Missing => false,
            Self::Age { amount, unit } => {
                let age = now.as_nanosecond() - at.as_nanosecond();
                let one = i128::from(unit.seconds()) * 1_000_000_000;
                let wanted = i128::from(*amount) * one;
                match compare {
                    // "Two days old" is from two days to just under three.
                    Compare::Is => age.div_euclid(one) == i128::from(*amount),
                    _ => compare.holds(age, wanted),
                }
            }
            Self::Moment { from, until, .. } => match compare {
                Compare::Is if from == until => at == *from,
                Compare::Is => (*from..*until).contains(&at),
                // "Until the first of November" takes in that day.
                Compare::LessOrIs if from < until => at < *until,
                _ => compare.holds(at, *from),
            },
        }
    }
}

/// A trait of a lead that `is:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    Marked,
    Open,
    Closed,
    Deleted,
    Flag(LeadFlags),
}

impl Trait {
    /// Every trait with its word.
    pub fn named() -> impl Iterator<Item = (Self, &'static str)> {
        let own =
            [(Self::Marked, "marked"), (Self::Open, "open"), (Self::Closed, "closed"), (Self::Deleted, "deleted")];
        own.into_iter().chain(LeadFlags::NAMED.into_iter().map(|(flag, name)| (Self::Flag(flag), name)))
    }
}

/// The term as it can be typed again: parsing this text gives the same term.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        match &self.test {
            Test::Word(word) => f.write_str(&quoted_word(word)),
            Test::Fuzzy(word) => write!(f, "~{}", quoted_value(word)),
            Test::Pattern(pattern) => write!(f, "/{}/", pattern.source),
            Test::Text { field, values } => {
                write!(f, "{field}:{}", list(values.iter().map(|value| quoted_value(value))))
            }
            Test::Owner(owners) => {
                let word = |owner: &OwnerIs| match owner {
                    OwnerIs::Nobody => "none".to_owned(),
                    OwnerIs::NotKnown => "unknown".to_owned(),
                    // In quotes, so that somebody who is called None can be found.
                    OwnerIs::Called(name) => quote(name),
                };
                write!(f, "owner:{}", list(owners.iter().map(word)))
            }
            Test::Score(compare, values) => {
                let word = |value: &Option<f64>| value.map_or("none".to_owned(), |number| number.to_string());
                write!(f, "score{}{}", compare.sign(), list(values.iter().map(word)))
            }
            Test::When { field, compare, values } => {
                write!(f, "{field}{}{}", compare.sign(), list(values.iter().map(When::to_string)))
            }
            Test::Is(traits) => {
                let word = |wanted: &Trait| {
                    Trait::named().find(|(named, _)| named == wanted).map_or("?", |(_, word)| word).to_owned()
                };
                write!(f, "is:{}", list(traits.iter().map(word)))
            }
            Test::Asked(asked) => {
                let word = asked.first().map_or("filter", Asked::word);
                write!(f, "{word}:{}", list(asked.iter().map(Asked::value)))
            }
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { amount, unit } => {
                let letter =
                    AgeUnit::LETTERS.iter().find(|(_, known)| known == unit).map_or('s', |&(letter, _)| letter);
                write!(f, "{amount}{letter}")
            }
            Self::Moment { written, .. } => f.write_str(written),
            Self::Missing => f.write_str("none"),
        }
    }
}

fn list(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(",")
}

fn quoted_word(word: &str) -> String {
    let plain = !word.is_empty()
        && !word.starts_with(['-', '~', '/'])
        && !word.contains(['"', ':', '<', '>', '='])
        && !word.chars().any(char::is_whitespace);
    if plain { word.to_owned() } else { quote(word) }
}

pub(super) fn quoted_value(value: &str) -> String {
    let plain = !value.is_empty()
        && !value.starts_with(['<', '>', '='])
        && !value.contains(['"', ','])
        && !value.chars().any(char::is_whitespace);
    if plain { value.to_owned() } else { quote(value) }
}

/// `text` in quotes, as the query language reads it.
pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
