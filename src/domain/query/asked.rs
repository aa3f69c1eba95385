//! Questions that only a vendor can answer (`filter:word`, `search:text`), and what it answered.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::term::{Term, Test, quoted_value};
use crate::domain::campaign::LeadAsk;
use crate::domain::{Capabilities, LeadId};

/// One question to a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asked {
    /// One of the vendor's own filters ([`Capabilities::server_filters`](crate::domain::Capabilities::server_filters)).
    Filter(String),
    /// The vendor's own text search ([`Capabilities::server_search`](crate::domain::Capabilities::server_search)).
    Search(String),
}

impl Asked {
    /// The listing whose leads are the answer.
    pub fn ask(&self) -> LeadAsk {
        match self {
            Self::Filter(word) => LeadAsk { filters: vec![word.clone()], ..LeadAsk::default() },
            Self::Search(text) => LeadAsk { search: Some(text.clone()), ..LeadAsk::default() },
        }
    }

    /// Whether a vendor can answer it.
    pub fn is_answered_by(&self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Filter(word) => capabilities.server_filters.iter().any(|(known, _)| known == word),
            Self::Search(_) => capabilities.server_search,
        }
    }

    /// The part behind the colon, as the query language reads it.
    pub(super) fn value(&self) -> String {
        match self {
            Self::Filter(word) => word.clone(),
            Self::Search(text) => quoted_value(text),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Search(_) => "search",
        }
    }
}

/// `filter:replied`, as it is typed.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.word(), crate::domain::safe_text::visible(&self.value()))
    }
}

/// The ids of the leads that a vendor found.
pub type Answer = Arc<HashSet<LeadId>>;

/// What a profile's vendor answered so far. A question that is not in here was not answered, and matches nothing, in
/// either sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers(Arc<Vec<(Asked, Answer)>>);

impl Answers {
    pub fn new(answers: Vec<(Asked, Answer)>) -> Self {
        Self(Arc::new(answers))
    }

    pub fn get(&self, asked: &Asked) -> Option<&Answer> {
        self.0.iter().find(|(known, _)| known == asked).map(|(_, answer)| answer)
    }
}

/// The questions among a query's terms, each once.
pub fn questions(terms: &[Term]) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for term in terms {
        if let Test::Asked(asked) = &term.test {
            all.extend(asked.iter().filter(|asked| !all.contains(asked)).cloned().collect::<Vec<_>>());
        }
    }
    all
}

/// What one listing has to be narrowed by so that it brings no more than the query's leads and none of them is missing:
/// the questions that must all hold; and those that have to be asked by themselves.
pub fn narrowing(terms: &[Term]) -> (LeadAsk, Vec<Asked>) {
    let mut ask = LeadAsk::default();
    let mut left = Vec::new();
    for term in terms {
        let Test::Asked(asked) = &term.test else { continue };
        match (term.negated, &asked[..]) {
            (false, [Asked::Filter(word)]) => ask.filters.push(word.clone()),
            // A listing has one search.
            (false, [Asked::Search(text)]) if ask.search.as_ref().is_none_or(|search| search == text) => {
                ask.search = Some(text.clone());
            }
            (_, several) => left.extend(several.iter().cloned()),
        }
    }
    ask.filters.sort_unstable();
    ask.filters.dedup();
    let in_ask = |asked: &Asked| match asked {
        Asked::Filter(word) => ask.filters.contains(word),
        Asked::Search(text) => ask.search.as_ref() == Some(text),
    };
    left.sort_unstable();
    left.dedup();
    left.retain(|asked| !in_ask(asked));
    (ask, left)
}
