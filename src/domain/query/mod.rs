//! The query language of the filter line and of `--where` (cli.md, Queries).
//!
//! A query is a list of [terms](term::Term), all of which must hold. Its `Display` is text that can be parsed again to
//! the same query, so that saved views and recipes keep queries as people write them.

mod asked;
mod evaluate;
mod highlight;
mod order;
mod parse;
#[cfg(test)]
mod plain;
mod rank;
pub(crate) mod rows;
mod scan;
mod search;
mod spread;
pub mod term;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::fmt;
use std::ops::Range;

use crate::domain::campaign::LeadAsk;
use crate::domain::leads::{RowId, Snapshot};
use crate::domain::selection::Selection;
use crate::domain::{Field, Timestamp};

pub use asked::{Answer, Answers, Asked};
pub use search::Searcher;
use term::{Term, Test, Trait};
pub use vocabulary::Vocabulary;

/// A query that was understood. The empty query matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    terms: Vec<Term>,
}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// A sentence for people, naming the right alternatives where there are some.
    pub message: String,
}

impl Query {
    /// Understands `text`. `fields` are those that the vendors in question give; they answer no questions themselves.
    pub fn parse(text: &str, fields: &[Field]) -> Result<Self, QueryError> {
        Self::parse_with(text, &Vocabulary::from(fields))
    }

    /// Understands `text` with what the vendors in question give and answer.
    pub fn parse_with(text: &str, vocabulary: &Vocabulary) -> Result<Self, QueryError> {
        Ok(Self { terms: parse::parse(text, vocabulary)? })
    }

    /// The same query, and `term` must hold too.
    pub fn and(&self, term: Term) -> Self {
        let mut terms = self.terms.clone();
        terms.push(term);
        Self { terms }
    }

    /// The questions to vendors in it, each once.
    pub fn questions(&self) -> Vec<Asked> {
        asked::questions(&self.terms)
    }

    /// What a listing may be narrowed by for this query, and the questions that have to be asked by themselves.
    pub fn narrowing(&self) -> (LeadAsk, Vec<Asked>) {
        asked::narrowing(&self.terms)
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The conditions, all of which must hold.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether a `~word` asks for best matches first.
    pub fn ranks(&self) -> bool {
        self.terms.iter().any(|term| !term.negated && matches!(term.test, Test::Fuzzy(_)))
    }

    /// Whether the query itself says which closed leads are wanted: it names a status, or asks for closed or deleted
    /// ones.
    pub fn asks_for_closed(&self) -> bool {
        let asks = |term: &Term| match &term.test {
            Test::Text { field: Field::Status, .. } => true,
            Test::Is(traits) => traits.iter().any(|wanted| matches!(wanted, Trait::Closed | Trait::Deleted)),
            _ => false,
        };
        self.terms.iter().any(|term| !term.negated && asks(term))
    }

    /// Bytes of `text` (a cell of `field`) that made it match.
    pub fn highlights(&self, field: Field, text: &str) -> Vec<Range<usize>> {
        highlight::highlights(&self.terms, field, text)
    }
}

/// The query as it can be typed again.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}

/// Column and direction to sort by; `None` keeps the vendor's order (or the ranking of a `~word`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub field: Field,
    pub descending: bool,
}

/// Everything a search needs, so that it can run away from the event loop.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub generation: u64,
    pub snapshot: Snapshot,
    pub query: Query,
    pub sort: Option<Sort>,
    /// For `is:marked` and for counting the marks that are hidden.
    pub marked: std::sync::Arc<Selection>,
    /// Closed leads are hidden unless asked for.
    pub include_closed: bool,
    pub now: Timestamp,
}

impl SearchRequest {
    /// Whether closed leads are shown.
    pub fn shows_closed(&self) -> bool {
        self.include_closed || self.query.asks_for_closed()
    }
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    pub generation: u64,
    pub rows: Vec<RowId>,
    /// Closed leads that matched but are hidden.
    pub hidden_closed: usize,
    /// Marked leads that are not among the rows.
    pub hidden_marks: usize,
}
