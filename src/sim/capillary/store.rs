//! What is not worked out from a lead's number: who owns it, its fields once they were written, and for an index that
//! lags behind, who owned it a moment ago.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Capillary;
use super::shop::Shop;
use crate::sim::demo::Demo;
use crate::sim::dice;
use crate::sim::ledger::Ledger;
use crate::sim::vendor::{Applied, Holder, Target, target};

/// The longest that the owner filter can lag behind.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub struct Store {
    pub ledger: Ledger,
    /// The extended fields of leads that were written.
    pub fields: HashMap<u32, Map<String, Value>>,
    /// When a lead went from whom, oldest first.
    past: HashMap<u32, Vec<(Instant, Arc<Holder>)>>,
    /// Goes up with every change.
    pub version: u64,
}

impl Store {
    pub fn new(demo: &Demo, shop: &Shop) -> Self {
        let holders: Vec<_> = shop.users.iter().map(super::shop::User::holder).collect();
        let first = (0..demo.leads).map(|number| demo.first_owner(number));
        Self { ledger: Ledger::new(&holders, first), fields: HashMap::new(), past: HashMap::new(), version: 0 }
    }

    /// Writes the holder of a lead that exists; gives the one before and the one after.
    pub fn assign(&mut self, number: u32, to: &Holder) -> (Arc<Holder>, Arc<Holder>) {
        self.version += 1;
        let (before, after) = self.ledger.assign(number, to, true);
        if before != after {
            let past = self.past.entry(number).or_default();
            past.retain(|(at, _)| at.elapsed() < LONGEST);
            past.push((Instant::now(), Arc::clone(&before)));
        }
        (before, after)
    }

    /// A lead was written without another owner.
    pub fn touch(&mut self, number: u32) {
        let present = Arc::clone(self.ledger.holder(number));
        self.assign(number, &present);
    }

    /// Deletes a lead for good, not with the status of that name.
    pub fn remove(&mut self, number: u32, target: Target) -> Applied {
        self.version += 1;
        let before = Arc::clone(self.ledger.holder(number));
        self.ledger.remove(number);
        Applied { target, before, after: Arc::new(Holder::Nobody) }
    }

    /// Who holds a lead by an index that is `delay` behind.
    pub fn seen(&self, number: u32, delay: Duration) -> &Holder {
        if !delay.is_zero() {
            let past = self.past.get(&number).into_iter().flatten();
            if let Some((_, before)) = past.into_iter().find(|(at, _)| at.elapsed() < delay) {
                return before;
            }
        }
        self.ledger.holder(number)
    }
}

/// Leads have numbers from 0, oldest first; their ids go up with them, with gaps.
const FIRST_LEAD: u64 = 104_211;
/// A customer is called by the number of the first of the leads that are about them.
const FIRST_CUSTOMER: u64 = 387_460_001;
/// A customer's other leads are at most so many numbers later.
const APART: u32 = 7;

impl Capillary {
    pub fn id(&self, number: u32) -> u64 {
        FIRST_LEAD + 3 * u64::from(number) + dice::roll(self.seed, u64::from(number), 510) % 3
    }

    pub fn target(&self, number: u32) -> Target {
        target(self.id(number).to_string())
    }

    /// The number in an id, whether such a lead exists or not.
    pub fn number(&self, id: &str) -> Option<u32> {
        let given: u64 = id.parse().ok()?;
        let number = u32::try_from(given.checked_sub(FIRST_LEAD)? / 3).ok()?;
        (self.id(number).to_string() == id).then_some(number)
    }

    /// The customer whom a lead is about, as the number of their first lead.
    pub fn customer(&self, number: u32) -> u32 {
        let roll = |n: u32| dice::roll(self.seed, u64::from(n), 511);
        let is_first = |n: u32| !roll(n).is_multiple_of(4) || n == 0;
        if is_first(number) {
            return number;
        }
        let back = 1 + (roll(number) >> 8) % u64::from(APART.min(number));
        let earlier = number - back as u32;
        if is_first(earlier) { earlier } else { number }
    }

    pub fn customer_id(&self, customer: u32) -> u64 {
        FIRST_CUSTOMER + 11 * u64::from(customer)
    }

    /// The leads about a customer, oldest first.
    pub fn leads_of(&self, customer_id: u64) -> Vec<u32> {
        let Some(past) = customer_id.checked_sub(FIRST_CUSTOMER).filter(|past| past.is_multiple_of(11)) else {
            return Vec::new();
        };
        let Ok(customer) = u32::try_from(past / 11) else { return Vec::new() };
        let leads = u32::try_from(self.demo.leads).unwrap_or(u32::MAX);
        let near = customer..customer.saturating_add(APART + 1).min(leads);
        near.filter(|&number| self.customer(number) == customer).collect()
    }
}
