//! The query language of the filter line and of `--where` (cli.md, Queries).

use std::ops::Range;

use crate::domain::leads::{RowId, Snapshot};
use crate::domain::selection::Selection;
use crate::domain::{Field, Timestamp};

/// A query that was understood. The empty query matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {}

/// What is wrong with a query, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// A sentence for people, naming the right alternatives where there are some.
    pub message: String,
}

impl Query {
    /// Understands `text`. `fields` are those that the vendors in question give.
    pub fn parse(_text: &str, _fields: &[Field]) -> Result<Self, QueryError> {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Whether a `~word` asks for best matches first.
    pub fn ranks(&self) -> bool {
        todo!()
    }
    /// Bytes of `text` (a cell of `field`) that made it match.
    pub fn highlights(&self, _field: Field, _text: &str) -> Vec<Range<usize>> {
        todo!()
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

/// Runs searches; keeps what it needs to narrow the last result. `cancelled` is asked often; a cancelled search
/// returns `None`.
#[derive(Debug, Default)]
pub struct Searcher {}

impl Searcher {
    pub fn search(&mut self, _request: &SearchRequest, _cancelled: &(dyn Fn() -> bool + Sync)) -> Option<SearchResult> {
        todo!()
    }
}
