//! Pages of leads: newest first, found without looking at all of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Kenbun;
use crate::sim::dice;
use crate::sim::ledger::Ledger;

/// Filtered lists that are remembered.
const KEPT: usize = 8;
/// How long a filter by age stays true enough.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

pub const EVENT_TYPES: &[&str] =
    &["page_view", "email_open", "email_click", "form_submit", "webinar_attended", "demo_request"];

/// The documented filters of `GET /leads`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub min_score: Option<i64>,
    pub max_score: Option<i64>,
    pub event_type: Option<String>,
    pub last_active_days: Option<i64>,
    pub range: Option<Range>,
}

/// By creation date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    Today,
    Yesterday,
    LastDays(i64),
}

impl Range {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "today" => Self::Today,
            "yesterday" => Self::Yesterday,
            "last_7d" => Self::LastDays(7),
            "last_30d" => Self::LastDays(30),
            "last_90d" => Self::LastDays(90),
            _ => return None,
        })
    }

    /// From and to; days begin at midnight UTC.
    fn bounds(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let day = 86_400;
        let midnight = now.as_second() - now.as_second().rem_euclid(day);
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or(now);
        match self {
            Self::Today => (at(midnight), Timestamp::MAX),
            Self::Yesterday => (at(midnight - day), at(midnight)),
            Self::LastDays(days) => (at(now.as_second() - days * day), Timestamp::MAX),
        }
    }
}

/// The lists that were asked for last.
#[derive(Debug, Default)]
pub struct Lists(Mutex<VecDeque<Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    unit: usize,
    filter: Filter,
    generation: u64,
    made: Timestamp,
    numbers: Arc<Vec<u32>>,
}

impl Kenbun {
    /// The leads of one page, and how many there are on all pages.
    pub fn page(&self, ledger: &Ledger, unit: usize, filter: &Filter, page: u64, limit: u64) -> (Vec<u32>, u64) {
        let skip = (page - 1).saturating_mul(limit);
        if *filter == Filter::default() && !ledger.any_gone() {
            let total = self.unit_len(ledger, unit);
            let end = skip.saturating_add(limit).min(total);
            return ((skip.min(total)..end).map(|place| self.newest(ledger, unit, place)).collect(), total);
        }
        let all = self.filtered(ledger, unit, filter);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        (all.iter().skip(skip).take(limit as usize).copied().collect(), all.len() as u64)
    }

    fn unit_len(&self, ledger: &Ledger, unit: usize) -> u64 {
        let arrived = if unit == 0 { ledger.arrived.len() } else { 0 };
        u64::from(self.units[unit].count) + arrived as u64
    }

    /// The number of the lead at a place, counted from the newest.
    fn newest(&self, ledger: &Ledger, unit: usize, place: u64) -> u32 {
        let arrived = if unit == 0 { ledger.arrived.len() as u64 } else { 0 };
        let unit = &self.units[unit];
        match place.checked_sub(arrived) {
            None => self.first_arrival() + (arrived - 1 - place) as u32,
            Some(place) => unit.first + unit.count - 1 - place as u32,
        }
    }

    fn filtered(&self, ledger: &Ledger, unit: usize, filter: &Filter) -> Arc<Vec<u32>> {
        let now = Timestamp::now();
        let mut kept = self.lists.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |k: &Kept| {
            k.unit == unit
                && k.filter == *filter
                && k.generation == ledger.generation
                && now.duration_since(k.made) < FRESH
        };
        if let Some(found) = kept.iter().find(|k| fits(k)) {
            return Arc::clone(&found.numbers);
        }
        let places = 0..self.unit_len(ledger, unit);
        let numbers = places.map(|place| self.newest(ledger, unit, place));
        let numbers: Vec<_> = numbers.filter(|&n| !ledger.is_gone(n) && self.matches(ledger, n, filter, now)).collect();
        let numbers = Arc::new(numbers);
        kept.push_front(Kept {
            unit,
            filter: filter.clone(),
            generation: ledger.generation,
            made: now,
            numbers: Arc::clone(&numbers),
        });
        kept.truncate(KEPT);
        numbers
    }

    fn matches(&self, ledger: &Ledger, number: u32, filter: &Filter, now: Timestamp) -> bool {
        if filter.min_score.is_some() || filter.max_score.is_some() {
            let score = i64::from(self.score(number));
            if filter.min_score.is_some_and(|min| score < min) || filter.max_score.is_some_and(|max| score > max) {
                return false;
            }
        }
        if filter.event_type.as_ref().is_some_and(|wanted| self.event_type(number) != wanted) {
            return false;
        }
        if let Some(days) = filter.last_active_days {
            let active = self.last_event_at(ledger, number);
            if active.is_none_or(|at| now.duration_since(at) > SignedDuration::from_hours(24 * days)) {
                return false;
            }
        }
        filter.range.is_none_or(|range| {
            let (from, to) = range.bounds(now);
            let created = self.created_at(ledger, number);
            from <= created && created < to
        })
    }

    pub fn score(&self, number: u32) -> u32 {
        let place = self.place(number);
        self.units[place.unit].demo.score(place.local)
    }

    pub fn event_type(&self, number: u32) -> &'static str {
        dice::Dice::new(self.seed, u64::from(number), 102).pick(EVENT_TYPES)
    }

    pub fn created_at(&self, ledger: &Ledger, number: u32) -> Timestamp {
        let place = self.place(number);
        match place.arrival.and_then(|n| ledger.arrived.get(n)) {
            Some(&at) => at,
            None => self.units[place.unit].demo.created_at(place.local),
        }
    }

    pub fn last_event_at(&self, ledger: &Ledger, number: u32) -> Option<Timestamp> {
        let place = self.place(number);
        match place.arrival.and_then(|n| ledger.arrived.get(n)) {
            Some(&at) => Some(at),
            None => self.units[place.unit].demo.last_event_at(place.local),
        }
    }
}
