//! Pages and cursors. Every listing has the same shape, and what its cursor is made of is nobody's business.

use std::collections::HashSet;

use http::Method;
use serde_json::Value;

use super::refusal::Right;
use super::settings::PAGE;
use super::{Instantly, Place};
use crate::vendor::VendorError;
use crate::vendor::http::Answer;

/// One page as it came.
#[derive(Debug, Default)]
pub struct Page {
    pub items: Vec<Value>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

impl Page {
    pub fn of(answer: &Answer) -> Result<Self, VendorError> {
        let Value::Object(mut body) = answer.json()? else { return Err(answer.garbled("it is not an object")) };
        let items = match body.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            // What some servers write for an empty list.
            Some(Value::Null) => Vec::new(),
            _ => return Err(answer.garbled("it has no items")),
        };
        let next = match body.get("next_starting_after") {
            Some(Value::String(cursor)) if !cursor.is_empty() => Some(cursor.clone()),
            Some(Value::Number(cursor)) => Some(cursor.to_string()),
            _ => None,
        };
        // The last page may carry a cursor to an empty one; behind that there is nothing.
        let next = next.filter(|_| !items.is_empty());
        Ok(Self { items, next })
    }
}

/// Remembers cursors, so that a server that goes round in circles is noticed.
#[derive(Debug, Default)]
pub struct Cursors(HashSet<String>);

impl Cursors {
    /// The cursor for the next page, unless it was there before.
    pub fn follow(&mut self, next: Option<String>) -> Result<Option<String>, String> {
        match next {
            Some(cursor) if !self.0.insert(cursor.clone()) => {
                Err("its pages go round in circles: a cursor came twice".to_owned())
            }
            next => Ok(next),
        }
    }
}

impl Instantly {
    /// Everything that a listing has, to its last page.
    pub(super) async fn all(
        &self,
        path: &[&str],
        right: Right,
        place: &Place,
        hot: bool,
    ) -> Result<Vec<Value>, VendorError> {
        let mut all = Vec::new();
        let mut cursors = Cursors::default();
        let mut after = None::<String>;
        loop {
            let mut call = self.call(Method::GET, path, place)?.query("limit", PAGE).hot(hot);
            if let Some(after) = &after {
                call = call.query("starting_after", after);
            }
            let answer = self.accepted(self.http.read_any(&call).await?, right)?;
            let page = Page::of(&answer)?;
            all.extend(page.items);
            after = cursors.follow(page.next).map_err(|why| answer.garbled(why))?;
            if after.is_none() {
                return Ok(all);
            }
        }
    }
}
