//! Searches over a snapshot.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::plain::holds;
use super::{SearchRequest, SearchResult, Sort};
use crate::domain::fold::fold;
use crate::domain::leads::{LeadTable, RowId, SnapshotPart};
use crate::domain::{Field, Lifecycle};

/// Runs searches; keeps what it needs to narrow the last result. `cancelled` is asked often; a cancelled search
/// returns `None`.
#[derive(Debug, Default)]
pub struct Searcher {}

impl Searcher {
    pub fn search(&mut self, request: &SearchRequest, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<SearchResult> {
        let mut result = SearchResult { generation: request.generation, ..SearchResult::default() };
        let show_closed = request.include_closed || request.query.asks_for_closed();
        let mut found: Vec<(i64, RowId, &SnapshotPart, u32)> = Vec::new();
        let mut shown_marks = 0;
        let mut base = 0;
        for part in &request.snapshot.parts {
            let marked: HashSet<u32> = request
                .marked
                .iter()
                .filter(|key| key.profile == part.profile)
                .filter_map(|key| part.table.row_of(key.id.as_str()))
                .collect();
            for row in 0..part.table.len() as u32 {
                if row % 256 == 0 && cancelled() {
                    return None;
                }
                let Some(rank) = holds(request.query.terms(), part, row, &marked, request.now) else { continue };
                if !show_closed && part.table.lifecycle(row) != Lifecycle::Open {
                    result.hidden_closed += 1;
                    continue;
                }
                shown_marks += usize::from(marked.contains(&row));
                found.push((rank, RowId(base + row), part, row));
            }
            base += part.table.len() as u32;
        }
        if let Some(sort) = request.sort {
            found.sort_by(|a, b| compare(sort, (a.2, a.3), (b.2, b.3)));
        } else if request.query.ranks() {
            found.sort_by_key(|&(rank, ..)| std::cmp::Reverse(rank));
        }
        result.rows = found.into_iter().map(|(_, id, ..)| id).collect();
        result.hidden_marks = request.marked.len() - shown_marks;
        Some(result)
    }
}

/// The order of two rows; what is not given comes last either way.
fn compare(sort: Sort, a: (&SnapshotPart, u32), b: (&SnapshotPart, u32)) -> Ordering {
    fn values<T: Ord>(a: Option<T>, b: Option<T>, descending: bool) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => b.cmp(&a),
            (Some(a), Some(b)) => a.cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
    fn text(part: &SnapshotPart, row: u32, field: Field) -> Option<String> {
        let text = match field {
            Field::Profile => fold(part.profile.as_str()).into_owned(),
            field => fold(&part.table.text(row, field)).into_owned(),
        };
        (!text.is_empty()).then_some(text)
    }
    let number =
        |get: fn(&LeadTable, u32) -> Option<i64>| values(get(&a.0.table, a.1), get(&b.0.table, b.1), sort.descending);
    match sort.field {
        Field::Score => number(|table, row| table.score(row).map(i64::from)),
        Field::Created => number(|table, row| table.created_at(row).map(|at| at.as_microsecond())),
        Field::Updated => number(|table, row| table.updated_at(row).map(|at| at.as_microsecond())),
        field => values(text(a.0, a.1, field), text(b.0, b.1, field), sort.descending),
    }
}
