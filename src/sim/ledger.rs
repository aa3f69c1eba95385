//! Who owns each lead, in four bytes a lead: what most of the vendors' simulators have to remember.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::vendor::Holder;

/// Who owns what. A lead is a number; an owner is a place in a table of those ever seen.
#[derive(Debug, Default)]
pub struct Ledger {
    owner_of: Vec<u32>,
    owners: Vec<Arc<Holder>>,
    known: HashMap<Holder, u32>,
    /// When leads were changed since the start.
    touched: HashMap<u32, Timestamp>,
    gone: HashSet<u32>,
    /// When leads came that were not there at the start. They have the numbers after all others.
    pub arrived: Vec<Timestamp>,
    /// Goes up whenever leads come or go.
    pub generation: u64,
}

impl Ledger {
    /// Leads numbered from 0, with their first holders.
    pub fn new(holders: &[Holder], first: impl Iterator<Item = Option<usize>>) -> Self {
        let mut ledger = Self::default();
        let nobody = ledger.intern(&Holder::Nobody);
        let places: Vec<_> = holders.iter().map(|holder| ledger.intern(holder)).collect();
        ledger.owner_of = first.map(|place| place.and_then(|p| places.get(p).copied()).unwrap_or(nobody)).collect();
        ledger
    }

    fn intern(&mut self, holder: &Holder) -> u32 {
        if let Some(&place) = self.known.get(holder) {
            return place;
        }
        let place = self.owners.len() as u32;
        self.owners.push(Arc::new(holder.clone()));
        self.known.insert(holder.clone(), place);
        place
    }

    /// All leads, also those that are gone.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.owner_of.len() as u32
    }

    pub fn is_gone(&self, number: u32) -> bool {
        self.gone.contains(&number)
    }

    pub fn any_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    pub fn exists(&self, number: u32) -> bool {
        (number as usize) < self.owner_of.len() && !self.is_gone(number)
    }

    /// Who holds a lead that [`exists`](Self::exists).
    pub fn holder(&self, number: u32) -> &Arc<Holder> {
        let place = self.owner_of.get(number as usize).copied().unwrap_or_default();
        &self.owners[place as usize]
    }

    /// Writes the holder of a lead that [`exists`](Self::exists); gives the one before and the one after.
    pub fn assign(&mut self, number: u32, to: &Holder, touch: bool) -> (Arc<Holder>, Arc<Holder>) {
        let before = Arc::clone(self.holder(number));
        let place = self.intern(to);
        if let Some(owner) = self.owner_of.get_mut(number as usize) {
            *owner = place;
        }
        if touch {
            self.touched.insert(number, Timestamp::now());
        }
        (before, Arc::clone(&self.owners[place as usize]))
    }

    /// When a lead was last changed, if that was after the start.
    pub fn touched(&self, number: u32) -> Option<Timestamp> {
        self.touched.get(&number).copied()
    }

    /// Deletes a lead.
    pub fn remove(&mut self, number: u32) {
        self.gone.insert(number);
        self.generation += 1;
    }

    /// A new lead, nobody's.
    pub fn arrive(&mut self) {
        let nobody = self.intern(&Holder::Nobody);
        self.owner_of.push(nobody);
        self.arrived.push(Timestamp::now());
        self.generation += 1;
    }
}
