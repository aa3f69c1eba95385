//! Walking over the pages of a list: leads and users are listed alike.

use super::StateSet;
use super::envelope::Page;
use super::settings::Paging;
pub use crate::vendor::asking::Asking;
use crate::vendor::fields;
use crate::vendor::http::Answer;
use crate::vendor::seen::Seen;
use crate::vendor::{ErrorKind, VendorError};

/// Something that is listed.
#[derive(Debug)]
pub struct Kind {
    /// The key of its rows, and the word for them.
    pub key: &'static str,
    /// New leads come first; users stay in their order.
    order: &'static str,
}

pub const LEADS: Kind = Kind { key: "leads", order: "desc" };
pub const USERS: Kind = Kind { key: "users", order: "asc" };

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    /// A first page of a server that pages by cursor.
    Start,
    Offset(usize),
    Cursor(String),
}

/// Why a list came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server says so, or had nothing more.
    Complete,
    /// A page brought nothing new although there should be more: the server may not know how to turn pages.
    Repeats,
}

/// A walk over the pages of a list.
#[derive(Debug)]
pub struct Walk {
    kind: &'static Kind,
    seen: Seen,
    next: Option<Next>,
    pub pages: usize,
    /// Rows received, whatever they were.
    pub received: usize,
    pub total: Option<usize>,
    pub end: Option<End>,
}

impl Walk {
    /// Gives each row once.
    pub fn new(kind: &'static Kind) -> Self {
        Self::keeping(Seen::rows(), kind)
    }

    /// For whoever looks for certain rows: one may come twice, and however long the list is little of it is kept.
    pub fn in_search(kind: &'static Kind) -> Self {
        Self::keeping(Seen::pages(), kind)
    }

    fn keeping(seen: Seen, kind: &'static Kind) -> Self {
        Self { kind, seen, next: None, pages: 0, received: 0, total: None, end: None }
    }

    /// Different rows so far.
    pub fn rows(&self) -> usize {
        self.seen.count()
    }

    /// Takes a page in: leaves what is new in it, and decides how it goes on.
    ///
    /// A page that is short ends nothing: the server may give fewer rows than it was asked for.
    fn take_in(&mut self, page: &mut Page) {
        let length = page.rows.len();
        // Rows without an id are told by whoever reads them.
        let is_new = self.seen.take_in(&mut page.rows, |row| fields::id(row.get("id")));
        self.pages += 1;
        self.received += length;
        self.total = page.total;
        // Some servers count only the page: a count that is not believed where more is promised, or more came already.
        let counts = page.total.filter(|total| page.has_more != Some(true) && self.seen.count() <= *total);
        let says_end = page.has_more == Some(false) || counts.is_some_and(|total| self.received >= total);
        if length == 0 || says_end {
            self.end = Some(End::Complete);
        } else if !is_new {
            let promises_more = page.has_more == Some(true) || page.total.is_some();
            self.end = Some(if promises_more { End::Repeats } else { End::Complete });
        }
        self.next = Some(match page.next_cursor.take() {
            Some(cursor) => Next::Cursor(cursor),
            None => Next::Offset(self.received),
        });
    }
}

impl StateSet {
    /// The next page with what the walk leaves of its rows; `None` after the last. The first one is given even
    /// where it is empty.
    pub(super) async fn next_page(&self, walk: &mut Walk, asking: &Asking) -> Result<Option<Page>, VendorError> {
        if walk.end.is_some() {
            return Ok(None);
        }
        let next = walk.next.clone().unwrap_or(match self.settings.paging {
            Paging::Offset => Next::Offset(0),
            Paging::Cursor => Next::Start,
        });
        let answer = self.ask_for_page(walk.kind, &next, asking).await?;
        if walk.kind.key == LEADS.key && walk.pages == 0 && answer.status.as_u16() == 404 {
            return Err(self.no_leads(&answer));
        }
        let mut page = Page::of(&answer.or_error()?, walk.kind.key)?;
        walk.take_in(&mut page);
        Ok(Some(page))
    }

    async fn ask_for_page(&self, kind: &Kind, next: &Next, asking: &Asking) -> Result<Answer, VendorError> {
        let path: Vec<&str> = match kind.key {
            "leads" => self.settings.list_path.iter().map(String::as_str).collect(),
            other => vec![other],
        };
        let mut call = self.get(&path, asking)?.query("limit", self.settings.page_size);
        call = match next {
            Next::Start => call,
            Next::Offset(offset) => call.query("offset", offset),
            Next::Cursor(cursor) => call.query("cursor", cursor),
        };
        self.http.read_any(&call.query("order_direction", kind.order)).await
    }

    /// The list of leads is not there at all, which is another thing than an empty list.
    pub(super) fn no_leads(&self, answer: &Answer) -> VendorError {
        let words = answer.words();
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let message = format!(
            "This StateSet deployment does not offer leads (profile {}, 404 for {}/{}){said}",
            self.profile,
            self.http.base_url(),
            self.settings.list_path.join("/"),
        );
        let mut error = VendorError::new(ErrorKind::NotSupported, message).with_remedy(
            "If it should have leads, check base_url with its version prefix (such as /v1) and list_path; doctor looks \
             closer.",
        );
        error.status = Some(404);
        error
    }
}
