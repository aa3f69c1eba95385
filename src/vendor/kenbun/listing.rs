//! The list of leads, page by page to its end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::Kenbun;
use super::lead::record;
use super::unit::{Purpose, is_no_unit, refusal};
use crate::domain::LeadRecord;
use crate::vendor::http::Answer;
use crate::vendor::seen::Seen;
use crate::vendor::{ErrorKind, Pages, VendorError};

/// Page sizes to fall back to when the server refuses a larger one: what its sister calls allow, and its own default.
const SMALLER: [usize; 2] = [100, 25];

/// One page as it came.
pub struct Page {
    pub rows: Vec<LeadRecord>,
    /// Rows that are none, with the first one's trouble.
    pub bad: usize,
    pub bad_because: Option<&'static str>,
    pub total: Option<usize>,
    /// What the server says its page size and number are.
    pub limit: Option<usize>,
    pub number: Option<usize>,
    /// How many rows there were, bad ones included.
    pub length: usize,
}

impl Page {
    pub fn of(answer: &Answer) -> Result<Self, VendorError> {
        let body = answer.json()?;
        let empty = Map::new();
        let (list, around) = match &body {
            Value::Array(list) => (list.as_slice(), &empty),
            Value::Object(object) => match ["leads", "data", "items"].iter().find_map(|key| object.get(*key)) {
                Some(Value::Array(list)) => (list.as_slice(), object),
                // What some servers write for an empty list.
                Some(Value::Null) => (&[][..], object),
                _ => return Err(answer.garbled("it has no list of leads")),
            },
            _ => return Err(answer.garbled("it is not a list of leads")),
        };
        let number = |key: &str| around.get(key).and_then(whole);
        let mut page = Self {
            rows: Vec::with_capacity(list.len()),
            bad: 0,
            bad_because: None,
            total: number("total"),
            limit: number("limit").filter(|limit| *limit > 0),
            number: number("page"),
            length: list.len(),
        };
        for row in list {
            match record(row) {
                Ok(lead) => page.rows.push(lead),
                Err(why) => {
                    page.bad += 1;
                    page.bad_because.get_or_insert(why);
                }
            }
        }
        if page.rows.is_empty() && page.bad > 0 {
            let why = page.bad_because.unwrap_or_default();
            return Err(answer.garbled(format!("none of its {} rows is a lead: {why}", page.bad)));
        }
        Ok(page)
    }
}

/// A count that may have been written as a text or with a decimal point.
pub fn whole(value: &Value) -> Option<usize> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as usize)
}

/// How a walk over the pages ended.
pub struct Walked {
    /// Leads, each once.
    pub leads: usize,
    pub bad: usize,
    pub bad_because: Option<&'static str>,
    pub total: Option<usize>,
    pub stopped: bool,
}

impl Kenbun {
    /// One page. A size that the server refuses is tried again smaller, and the smaller one is kept.
    pub(super) async fn page(
        &self,
        number: usize,
        unit: Option<&str>,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<Page, VendorError> {
        loop {
            let limit = self.page_size.load(Ordering::Relaxed);
            let call = self.get(&["leads"])?.query("page", number).query("limit", limit).hot(hot).counted_by(meter);
            let answer = self.ask(&call, unit, purpose, hot, meter).await?;
            let smaller = SMALLER.into_iter().find(|smaller| *smaller < limit && !is_no_unit(answer.words().as_str()));
            // Only before the first page: another size in the middle would leave leads out.
            if let (1, 400 | 413 | 422, Some(smaller)) = (number, answer.status.as_u16(), smaller) {
                tracing::warn!(profile = %self.profile, limit, smaller, "this page size is refused; trying a smaller one");
                self.page_size.store(smaller, Ordering::Relaxed);
                continue;
            }
            if let (1, true) = (number, answer.status.is_client_error()) {
                // It was not the size: the next listing begins with the one that was asked for.
                self.page_size.store(self.settings.page_size, Ordering::Relaxed);
            }
            if !answer.is_success() {
                return Err(refusal(&answer));
            }
            let page = Page::of(&answer)?;
            if let Some(total) = page.total {
                self.total.store(total, Ordering::Relaxed);
            }
            return Ok(page);
        }
    }

    /// Walks over all pages, giving each new lead once to `take`.
    ///
    /// Rows can move between pages while we walk: one that is seen twice is given once, and when fewer came than the
    /// server counts, a second walk picks up those that slipped through.
    pub(super) async fn walk(
        &self,
        unit: Option<&str>,
        hot: bool,
        meter: &Arc<AtomicUsize>,
        take: &mut (dyn FnMut(Vec<LeadRecord>, Option<usize>) -> ControlFlow<()> + Send),
    ) -> Result<Walked, VendorError> {
        let mut seen = Seen::rows();
        let mut walked = self.walk_once(unit, Purpose::Reading, hot, meter, &mut seen, take).await?;
        let is_short = |walked: &Walked| walked.total.is_some_and(|total| walked.leads + walked.bad < total);
        if !walked.stopped && is_short(&walked) {
            seen.begin_again();
            walked = self.walk_once(unit, Purpose::Reading, hot, meter, &mut seen, take).await?;
        }
        Ok(walked)
    }

    /// Walks over all pages once, to the last or until `take` has enough. It is given what [`Seen`] leaves of each.
    pub(super) async fn walk_once(
        &self,
        unit: Option<&str>,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
        seen: &mut Seen,
        take: &mut (dyn FnMut(Vec<LeadRecord>, Option<usize>) -> ControlFlow<()> + Send),
    ) -> Result<Walked, VendorError> {
        let mut walked = Walked { leads: seen.count(), bad: 0, bad_because: None, total: None, stopped: false };
        let mut cut_to = usize::MAX;
        let mut number = 1;
        loop {
            let began = Instant::now();
            let mut page = self.page(number, unit, purpose, hot, meter).await?;
            if unit.is_some() && number > 1 && page.total != walked.total {
                // Leads come and go; but another count is also what the list of another unit looks like.
                page = self.page(number, unit, Purpose::Again(began), hot, meter).await?;
                if page.total == walked.total {
                    self.units.note_contest();
                }
            }
            walked.total = page.total;
            walked.bad += page.bad;
            walked.bad_because = walked.bad_because.or(page.bad_because);
            let turned = seen.take_in(&mut page.rows, |lead| Some(CompactString::from(lead.id.as_str())));
            walked.leads = seen.count();
            if (!page.rows.is_empty() || number == 1) && take(std::mem::take(&mut page.rows), page.total).is_break() {
                walked.stopped = true;
                return Ok(walked);
            }
            // A count of fewer than came already is none: with it the rest of the list would be left out silently.
            let counts = page.total.is_some_and(|total| walked.leads + walked.bad <= total);
            let is_last = page.is_last(number, self.page_size.load(Ordering::Relaxed), &mut cut_to);
            if page.length == 0 || (counts && is_last) {
                return Ok(walked);
            }
            // A server that says which page this is may repeat a whole page when many leads were added meanwhile.
            if !turned && (page.number != Some(number) || !counts) {
                return self.not_turning(walked, number);
            }
            number += 1;
        }
    }

    /// A page brought nothing but leads that this walk had already. Without a total that is how a list ends at a server
    /// that gives everything at once; with one, leads are missing, and that must not pass for the whole list.
    fn not_turning(&self, walked: Walked, number: usize) -> Result<Walked, VendorError> {
        match walked.total {
            Some(total) if walked.leads + walked.bad < total => Err(VendorError::new(
                ErrorKind::Garbled,
                format!(
                    "kenbun (profile {}) gives only {} of {total} leads: page {number} of the list repeats the leads of \
                     the pages before it",
                    self.profile, walked.leads
                ),
            )
            .with_remedy("Try another page_size; if it stays, tell the vendor.")),
            _ => Ok(walked),
        }
    }

    pub(super) async fn list(&self, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let meter = Arc::default();
        let unit = self.settings.org_unit.as_deref();
        // Chosen anew, so that a refresh shows the leads of the unit that the profile names.
        drop(self.enter(unit, Purpose::Again(Instant::now()), false, &meter).await?);
        let walked = self.walk(unit, false, &meter, &mut |leads, total| pages.page(leads, total)).await?;
        if walked.bad > 0 {
            let rows = if walked.bad == 1 { "row".to_owned() } else { format!("{} rows", walked.bad) };
            let why = walked.bad_because.unwrap_or_default();
            pages.trouble(format!("kenbun (profile {}) lists {rows} that cannot be used: {why}.", self.profile));
        }
        match walked.total {
            Some(total) if !walked.stopped && walked.leads + walked.bad < total => {
                pages.trouble(format!(
                    "kenbun (profile {}) counts {total} leads but lists {}; the others may have moved while the list was \
                     read: refresh to look again.",
                    self.profile, walked.leads
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Page {
    /// Whether the list ends here: `page * limit >= total`, with the limit that the server says it used.
    ///
    /// A page that is shorter than that before the end was cut by a limit which the server does not mention: `cut_to`
    /// remembers it, or half of the list would pass for the whole.
    fn is_last(&self, number: usize, asked: usize, cut_to: &mut usize) -> bool {
        let Some(total) = self.total else { return false };
        let limit = self.limit.unwrap_or(asked).min(asked.max(self.length)).min(*cut_to);
        let is_end = number.saturating_mul(limit) >= total;
        if !is_end && self.length < limit {
            *cut_to = self.length;
        }
        is_end
    }
}
