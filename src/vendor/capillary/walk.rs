//! Walking over the pages of `GET /v2/leads`.
//!
//! A page that is short ends nothing, because the server may give fewer rows than it was asked for. What `offset` means
//! is documented twice: rows to skip, or the record after which to go on. Pages that bring back what was there already
//! give that away, and then the other meaning is tried.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::Capillary;
use super::envelope::Reply;
use crate::vendor::VendorError;
use crate::vendor::asking::Asking;
use crate::vendor::fields;
use crate::vendor::http::Call;

/// A lead as the server sends it.
pub type Row = Map<String, Value>;

/// What the server takes `offset` for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offset {
    Rows,
    /// The id after which to go on.
    LastId,
}

/// Why a list came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Complete,
    /// Pages repeat each other whatever `offset` is.
    Repeats,
    /// `max_pages` were read.
    Cut,
}

/// A walk over the pages of one list.
#[derive(Debug)]
pub struct Walk {
    filters: Vec<(&'static str, String)>,
    offset: Offset,
    /// The meaning of `offset` was changed on this walk.
    changed: bool,
    /// A page after the change brought something new.
    proven: bool,
    seen: HashSet<CompactString>,
    last_id: Option<u64>,
    pub pages: usize,
    /// Rows received, whatever they were.
    pub received: usize,
    /// Rows that are no leads, and why.
    pub bad: usize,
    pub because: Option<&'static str>,
    pub end: Option<End>,
}

impl Walk {
    /// Different leads so far.
    pub fn leads(&self) -> usize {
        self.seen.len()
    }

    pub fn has_seen(&self, lead: &str) -> bool {
        self.seen.contains(lead)
    }

    /// The server was found to take `offset` for an id.
    pub fn pages_by_id(&self) -> bool {
        self.offset == Offset::LastId && self.proven
    }

    /// Takes a page in: gives what is new in it, and decides how it goes on.
    fn take_in(&mut self, rows: Vec<Value>) -> Vec<(CompactString, Row)> {
        let (length, known) = (rows.len(), self.seen.len());
        let mut new = Vec::with_capacity(length);
        let mut good = 0;
        for row in rows {
            let Value::Object(row) = row else {
                self.bad += 1;
                self.because.get_or_insert("it is not an object");
                continue;
            };
            let Some(id) = fields::id(row.get("id")) else {
                self.bad += 1;
                self.because.get_or_insert("it has no id");
                continue;
            };
            good += 1;
            self.last_id = id.parse().ok().max(self.last_id);
            if self.seen.insert(id.clone()) {
                new.push((id, row));
            }
        }
        self.pages += 1;
        self.received += length;
        let repeats = good - new.len();
        let other = match self.offset {
            Offset::Rows => Offset::LastId,
            Offset::LastId => Offset::Rows,
        };
        if length == 0 {
            // An id that is taken for a number of rows leads beyond the end.
            if self.changed && !self.proven && self.offset == Offset::LastId {
                self.offset = Offset::Rows;
                self.proven = true;
            } else {
                self.end = Some(End::Complete);
            }
        } else if new.is_empty() {
            if self.changed || self.last_id.is_none() || known == 0 {
                self.end = Some(if known == 0 { End::Complete } else { End::Repeats });
            } else {
                (self.offset, self.changed) = (other, true);
            }
        } else if repeats > 0 && !self.changed && self.last_id.is_some() {
            (self.offset, self.changed) = (other, true);
        } else if self.changed {
            self.proven = true;
        }
        new
    }
}

impl Capillary {
    /// A walk over the leads that fit these filters.
    pub(super) fn walk(&self, filters: Vec<(&'static str, String)>) -> Walk {
        let by_id = self.offset_is_id.load(Ordering::Relaxed);
        Walk {
            filters,
            offset: if by_id { Offset::LastId } else { Offset::Rows },
            changed: false,
            proven: by_id,
            seen: HashSet::new(),
            last_id: None,
            pages: 0,
            received: 0,
            bad: 0,
            because: None,
            end: None,
        }
    }

    /// The leads of the next page that no page before it had; `None` after the last.
    pub(super) async fn next_page(
        &self,
        walk: &mut Walk,
        asking: &Asking,
    ) -> Result<Option<Vec<(CompactString, Row)>>, VendorError> {
        if walk.end.is_none() && self.settings.max_pages.is_some_and(|most| walk.pages >= most) {
            walk.end = Some(End::Cut);
        }
        if walk.end.is_some() {
            return Ok(None);
        }
        let rows = self.page(walk, asking).await?;
        let new = walk.take_in(rows);
        if walk.pages_by_id() {
            self.offset_is_id.store(true, Ordering::Relaxed);
        }
        Ok(Some(new))
    }

    async fn page(&self, walk: &Walk, asking: &Asking) -> Result<Vec<Value>, VendorError> {
        let offset = match walk.offset {
            Offset::Rows => walk.received as u64,
            Offset::LastId => walk.last_id.unwrap_or(0),
        };
        let reply = self.ask(self.list_call(&walk.filters, offset)?, asking).await?;
        if reply.says_nothing_is_there() && (reply.is_good() || reply.answer.status.as_u16() == 404) {
            return Ok(Vec::new());
        }
        if !reply.is_good() {
            return Err(self.list_error(&reply));
        }
        self.rows(reply)
    }

    pub(super) fn list_call(&self, filters: &[(&'static str, String)], offset: u64) -> Result<Call, VendorError> {
        let mut call = Call::get(&["v2", "leads"])?;
        for (name, value) in filters {
            call = call.query(*name, value);
        }
        Ok(call
            .query("limit", self.settings.page_size)
            .query("offset", offset)
            .query("sortBy", self.settings.sort_by)
            .query("sortOrder", "ASC"))
    }

    pub(super) fn rows(&self, mut reply: Reply) -> Result<Vec<Value>, VendorError> {
        match reply.body.as_mut().and_then(|body| body.get_mut("data")).map(Value::take) {
            Some(Value::Array(rows)) => Ok(rows),
            _ if reply.body.is_none() => Err(match reply.answer.json() {
                Err(error) => error,
                Ok(_) => reply.answer.garbled("it has no list of leads in it"),
            }),
            _ => Err(reply.answer.garbled("it has no list of leads in it")),
        }
    }

    fn list_error(&self, reply: &Reply) -> VendorError {
        let mut error = reply.error(&self.profile);
        if reply.answer.status.as_u16() == 404 {
            error.remedy = format!(
                "There is no list of leads at {}/v2/leads: check base_url, the host of the organisation's cluster.",
                self.http.base_url()
            );
        }
        error
    }

    /// Walks to the end, or until `enough`.
    pub(super) async fn walk_all(
        &self,
        filters: Vec<(&'static str, String)>,
        asking: &Asking,
        mut take: impl FnMut(CompactString, Row),
        enough: impl Fn(&Walk) -> bool,
    ) -> Result<Walk, VendorError> {
        let mut walk = self.walk(filters);
        while let Some(rows) = self.next_page(&mut walk, asking).await? {
            rows.into_iter().for_each(|(id, row)| take(id, row));
            if enough(&walk) {
                break;
            }
        }
        Ok(walk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn walk() -> Walk {
        Walk {
            filters: Vec::new(),
            offset: Offset::Rows,
            changed: false,
            proven: false,
            seen: HashSet::new(),
            last_id: None,
            pages: 0,
            received: 0,
            bad: 0,
            because: None,
            end: None,
        }
    }

    /// Walks over `ids` as a server pages them, given what it makes of an offset.
    fn walked(ids: &[u64], size: usize, from: impl Fn(u64) -> usize) -> Walk {
        let mut walk = walk();
        while walk.end.is_none() {
            let offset = match walk.offset {
                Offset::Rows => walk.received as u64,
                Offset::LastId => walk.last_id.unwrap_or(0),
            };
            let rows = ids.iter().skip(from(offset)).take(size).map(|id| json!({ "id": id })).collect();
            walk.take_in(rows);
            assert!(walk.pages < 100, "it comes to an end");
        }
        walk
    }

    #[test]
    fn every_lead_is_seen_whatever_offset_means() {
        let dense: Vec<u64> = (1..=35).collect();
        let sparse: Vec<u64> = (1..=35).map(|n| n * 7 + 1_000).collect();
        let overlapping: Vec<u64> = (5..=39).collect();
        let shuffled: Vec<u64> = (0..35).map(|n| (n * 17) % 35 + 50).collect();
        for ids in [&dense, &sparse, &overlapping, &shuffled] {
            let walk = walked(ids, 10, |offset| offset as usize);
            assert_eq!((walk.leads(), walk.end), (35, Some(End::Complete)), "by rows: {ids:?}");
            assert!(!walk.pages_by_id());
        }
        for ids in [&sparse, &overlapping] {
            let walk = walked(ids, 10, |offset| ids.iter().filter(|id| **id <= offset).count());
            assert_eq!((walk.leads(), walk.end), (35, Some(End::Complete)), "by id: {ids:?}");
            assert!(walk.pages_by_id());
        }
        let walk = walked(&sparse, 10, |_| 0);
        assert_eq!((walk.leads(), walk.end), (10, Some(End::Repeats)));
        assert_eq!(walked(&[], 10, |offset| offset as usize).end, Some(End::Complete));
    }

    #[test]
    fn rows_that_move_while_they_are_read_do_not_end_a_walk() {
        // A row came in front, so that the second page begins with the last row of the first one.
        let mut walk = walk();
        let rows = |ids: std::ops::Range<u64>| ids.map(|id| json!({ "id": id * 7 })).collect::<Vec<_>>();
        walk.take_in(rows(1..11));
        walk.take_in(rows(10..20));
        assert_eq!(walk.offset, Offset::LastId, "it looks like an id");
        walk.take_in(Vec::new());
        assert_eq!((walk.offset, walk.end), (Offset::Rows, None), "and is none");
        walk.take_in(rows(20..25));
        walk.take_in(Vec::new());
        assert_eq!((walk.leads(), walk.end, walk.pages_by_id()), (24, Some(End::Complete), false));
    }

    #[test]
    fn rows_that_are_no_leads_are_counted() {
        let mut walk = walk();
        let new = walk.take_in(vec![json!({"id": "19"}), json!({}), json!(3), json!({"id": 20})]);
        assert_eq!(new.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["19", "20"]);
        assert_eq!((walk.bad, walk.because), (2, Some("it has no id")));
    }
}
