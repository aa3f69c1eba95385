//! Pages of leads.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::Capillary;
use super::errors::{Refused, item};
use super::filter::{Filter, Order, OwnedBy, Window};
use super::rules;
use super::store::Store;
use super::writing::nth;
use crate::sim::ask::Ask;

/// Lists that are remembered: a client asks for one page after the other.
const KEPT: usize = 8;

/// The lists that were asked for last.
#[derive(Debug, Default)]
pub struct Lists(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    filter: Filter,
    order: Order,
    version: u64,
    numbers: Arc<Vec<u32>>,
}

impl Capillary {
    /// The answer to `GET /v2/leads`.
    pub fn list(&self, ask: &Ask) -> Result<Response, Refused> {
        rules::judge_page(ask);
        if nth(&self.listed, self.switches.number("busy_search")) {
            return self.busy(461, "the search engine is busy");
        }
        let filter = self.filter(ask)?;
        let (order, window) = self.window(ask)?;
        let store = self.store();
        let page = self.page(&store, &filter, order, window);
        self.tell_what_shows(&store, &filter, &page, ask);
        let rows: Vec<_> = page.iter().map(|n| Value::Object(self.lead(&store, *n))).collect();
        let nothing = if rows.is_empty() { self.switches.value("no_leads") } else { String::default() };
        let (status, warnings) = match nothing.as_str() {
            "warning" => (StatusCode::OK, vec![item(1_000, "no leads found")]),
            "404" => (StatusCode::NOT_FOUND, Vec::new()),
            _ => (StatusCode::OK, Vec::new()),
        };
        Ok((status, Json(json!({"data": rows, "warnings": warnings, "errors": []}))).into_response())
    }

    /// A code that comes as the status, or inside a 200.
    pub fn busy(&self, code: u16, message: &str) -> Result<Response, Refused> {
        let status = if self.switches.is("codes_in", "body") { 200 } else { code };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Err(Refused::coded(status, code, message))
    }

    fn page(&self, store: &Store, filter: &Filter, order: Order, window: Window) -> Vec<u32> {
        let count = self.demo.leads;
        let by_id = self.switches.is("offset_by", "id");
        if *filter == Filter::default() && !order.by_update && !store.ledger.any_gone() && !by_id {
            let places = window.offset..window.offset.saturating_add(window.limit as u64).min(count);
            let at = |place: u64| if order.ascending { place } else { count - 1 - place };
            return places.map(|place| at(place) as u32).collect();
        }
        let all = self.numbers(store, filter, order);
        if by_id && window.offset > 0 {
            let is_after = |n: u32| match order.ascending {
                true => self.id(n) > window.offset,
                false => self.id(n) < window.offset,
            };
            return all.iter().copied().filter(|n| is_after(*n)).take(window.limit).collect();
        }
        let skip = usize::try_from(window.offset).unwrap_or(usize::MAX);
        all.iter().skip(skip).take(window.limit).copied().collect()
    }

    /// All leads that fit, in order.
    fn numbers(&self, store: &Store, filter: &Filter, order: Order) -> Arc<Vec<u32>> {
        let delay = self.delay();
        if let Some(customer) = filter.customer {
            return Arc::new(self.ordered(store, self.leads_of(customer).into_iter(), filter, order, delay));
        }
        let make = || Arc::new(self.ordered(store, store.ledger.numbers(), filter, order, delay));
        if filter.owner.is_some() && !delay.is_zero() {
            // What fits changes with time alone.
            return make();
        }
        let mut kept = self.lists.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |k: &&Kept| k.version == store.version && k.filter == *filter && k.order == order;
        if let Some(found) = kept.iter().find(fits) {
            return Arc::clone(&found.numbers);
        }
        let numbers = make();
        let new = Kept { filter: filter.clone(), order, version: store.version, numbers: Arc::clone(&numbers) };
        kept.push_front(new);
        kept.truncate(KEPT);
        numbers
    }

    fn ordered(
        &self,
        store: &Store,
        numbers: impl Iterator<Item = u32>,
        filter: &Filter,
        order: Order,
        delay: Duration,
    ) -> Vec<u32> {
        let fits = |n: &u32| store.ledger.exists(*n) && self.fits(store, *n, filter, delay);
        let mut found: Vec<_> = numbers.filter(fits).collect();
        if order.by_update {
            found.sort_by_cached_key(|n| (self.updated_at(store, *n), *n));
        }
        if !order.ascending {
            found.reverse();
        }
        found
    }

    fn fits(&self, store: &Store, number: u32, filter: &Filter, delay: Duration) -> bool {
        // The cheap ones first.
        let owned = match &filter.owner {
            None => true,
            Some(OwnedBy::Nobody) => false,
            Some(OwnedBy::Holder(id)) => store.seen(number, delay).id() == Some(id),
        };
        let there = || filter.stores.as_ref().is_none_or(|stores| stores.contains(&self.home(number)));
        let sourced = || filter.source.is_none_or(|source| source == self.source(number));
        let is_kind = || filter.kind.as_ref().is_none_or(|kind| kind == self.wish(number).0);
        let is_status = || {
            let (status, sub_status) = self.status(number);
            filter.status.as_ref().is_none_or(|wanted| wanted == status)
                && filter.sub_status.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == sub_status)
        };
        owned
            && there()
            && sourced()
            && is_kind()
            && (filter.status.is_none() && filter.sub_status.is_none() || is_status())
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.switches.number("filter_delay"))
    }

    /// A list shows holders only where it was asked for one, and then those of one customer's leads that are not in it
    /// too: they are somebody else's.
    fn tell_what_shows(&self, store: &Store, filter: &Filter, page: &[u32], ask: &Ask) {
        let asked_for_owner = filter.owner.is_some();
        if asked_for_owner && let Some(customer) = filter.customer {
            let all = self.leads_of(customer).into_iter().filter(|n| store.ledger.exists(*n));
            ask.trace.shows(all.map(|n| self.target(n)));
        } else if asked_for_owner || !self.switches.is("expose_owner", "off") {
            ask.trace.shows(page.iter().map(|n| self.target(*n)));
        }
    }

    /// Counts a request for the header that names it.
    pub fn request_id(&self) -> String {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}", super::super::dice::roll(self.seed, number, 512))
    }
}
