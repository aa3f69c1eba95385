//! What kenbun remembers: who owns each lead. Everything else about a lead is worked out from its number.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Kenbun;
use crate::sim::demo::{self, Demo};
use crate::sim::dice;
use crate::sim::switches::Switches;
use crate::sim::vendor::Holder;

/// An organizational unit. Its leads have the numbers from `first`.
#[derive(Debug)]
pub struct Unit {
    pub id: &'static str,
    pub name: &'static str,
    pub slug: &'static str,
    pub external_ref: Option<&'static str>,
    pub demo: Demo,
    pub first: u32,
    pub count: u32,
}

/// `unit_default` with all leads that were asked for, and two with a few more.
pub fn units(demo: &Demo, leads: usize) -> Vec<Unit> {
    let leads = leads.min(u32::MAX as usize / 2) as u32;
    let few = (leads / 50).clamp(3, 2_000);
    let unit = |id, name, slug, external_ref, salt, first, count: u32| Unit {
        id,
        name,
        slug,
        external_ref,
        demo: demo.branch(salt, count as usize),
        first,
        count,
    };
    vec![
        Unit { demo: demo.clone(), ..unit("unit_default", "Halvorsen Pumps", "default", None, 0, 0, leads) },
        unit("unit_nordics", "Nordics", "nordics", Some("sap-7731"), 1, leads, few),
        unit("unit_partners", "Partner channel", "partner-channel", None, 2, leads + few, few),
    ]
}

/// The id of a member of the staff that assignments take.
pub fn owner_id(seed: u64, number: usize, switches: &Switches) -> String {
    if switches.is("member_ids", "user_id") { user_id(seed, number) } else { member_id(seed, number) }
}

pub fn member_id(seed: u64, number: usize) -> String {
    format!("mem_{:010x}", dice::roll(seed, number as u64, 100) >> 24)
}

pub fn user_id(seed: u64, number: usize) -> String {
    format!("user_{:010x}", dice::roll(seed, number as u64, 101) >> 24)
}

/// Who owns what. A lead is a number; an owner is a place in a table of those ever seen.
#[derive(Debug)]
pub struct Store {
    owner_of: Vec<u32>,
    owners: Vec<Arc<Holder>>,
    known: HashMap<Holder, u32>,
    /// When leads were changed since the start.
    touched: HashMap<u32, Timestamp>,
    gone: HashSet<u32>,
    /// Leads that came since the start, all in the first unit, numbered after all others.
    pub arrived: Vec<Timestamp>,
    /// Goes up whenever leads come or go.
    pub generation: u64,
}

impl Store {
    pub fn new(demo: &Demo, units: &[Unit], owner_id: impl Fn(usize) -> String) -> Self {
        let mut store = Self {
            owner_of: Vec::new(),
            owners: Vec::new(),
            known: HashMap::new(),
            touched: HashMap::new(),
            gone: HashSet::new(),
            arrived: Vec::new(),
            generation: 0,
        };
        let nobody = store.intern(&Holder::Nobody);
        let places: Vec<_> =
            demo.staff.iter().map(|p| store.intern(&Holder::owner(owner_id(p.number), p.name()))).collect();
        store.owner_of.reserve_exact(units.iter().map(|u| u.count as usize).sum());
        for unit in units {
            let owner = |n: u32| unit.demo.first_owner(u64::from(n)).map_or(nobody, |place| places[place]);
            store.owner_of.extend((0..unit.count).map(owner));
        }
        store
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

    pub fn touched(&self, number: u32) -> Option<Timestamp> {
        self.touched.get(&number).copied()
    }

    pub fn remove(&mut self, number: u32) {
        self.gone.insert(number);
        self.generation += 1;
    }

    /// A new lead without an owner.
    pub fn arrive(&mut self) {
        let nobody = self.intern(&Holder::Nobody);
        self.owner_of.push(nobody);
        self.arrived.push(Timestamp::now());
        self.generation += 1;
    }
}

/// Where a lead is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub unit: usize,
    /// Its number within the unit's demo data.
    pub local: u64,
    /// Which of those that came since the start it is.
    pub arrival: Option<usize>,
}

impl Kenbun {
    pub fn place(&self, number: u32) -> Place {
        for (unit, u) in self.units.iter().enumerate() {
            if (u.first..u.first + u.count).contains(&number) {
                return Place { unit, local: u64::from(number - u.first), arrival: None };
            }
        }
        let arrival = number - self.first_arrival();
        Place { unit: 0, local: u64::from(self.units[0].count + arrival), arrival: Some(arrival as usize) }
    }

    /// The number of the first lead that came since the start.
    pub fn first_arrival(&self) -> u32 {
        self.units.last().map_or(0, |u| u.first + u.count)
    }

    /// The id of a lead.
    pub fn id(&self, number: u32) -> String {
        let n = u64::from(number);
        self.switches.with("ids", |kind| match (kind, n % 3) {
            ("mixed", 0) => format!("ld_{n}"),
            ("mixed", 1) => format!("lead_{}", in_letters(n)),
            ("odd", _) => format!("{ODD_START}{n}{ODD_END}"),
            _ => demo::uuid(self.seed, n),
        })
    }

    /// The number in an id of any kind; `None` for an id that no lead could have.
    pub fn number(&self, id: &str) -> Option<u32> {
        let decimal = |text: &str| text.parse().ok().filter(|n: &u64| n.to_string() == text);
        let number = if let Some(n) = id.strip_prefix("ld_") {
            decimal(n)
        } else if let Some(letters) = id.strip_prefix("lead_") {
            number_of_letters(letters)
        } else if let Some(n) = id.strip_prefix(ODD_START).and_then(|n| n.strip_suffix(ODD_END)) {
            decimal(n)
        } else {
            demo::number_of(self.seed, id)
        }?;
        let number = u32::try_from(number).ok()?;
        // A lead has one id, not one of each kind.
        (self.id(number) == id).then_some(number)
    }
}

const ODD_START: &str = "ld/../é ";
const ODD_END: &str = "?a=1&b#%2F+";

/// Base 26, in capital letters.
fn in_letters(mut n: u64) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (n % 26) as u8);
        n /= 26;
        if n == 0 {
            break;
        }
    }
    letters.iter().rev().map(|&b| char::from(b)).collect()
}

fn number_of_letters(letters: &str) -> Option<u64> {
    if letters.is_empty() || letters.len() > 12 || !letters.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Some(letters.bytes().fold(0, |n, b| n * 26 + u64::from(b - b'A')))
}
