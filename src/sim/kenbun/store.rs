//! The organizational units, and which lead has which id. Who owns it is in the ledger; everything else about a lead is
//! worked out from its number.

use super::Kenbun;
use crate::sim::demo::{self, Demo};
use crate::sim::dice;
use crate::sim::ledger::Ledger;
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

/// The owners at the start.
pub fn ledger(demo: &Demo, units: &[Unit], owner_id: impl Fn(usize) -> String) -> Ledger {
    let staff: Vec<_> = demo.staff.iter().map(|p| Holder::owner(owner_id(p.number), p.name())).collect();
    let owners_in = |unit: &Unit| {
        let demo = unit.demo.clone();
        (0..u64::from(unit.count)).map(move |number| demo.first_owner(number))
    };
    Ledger::new(&staff, units.iter().flat_map(owners_in))
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
