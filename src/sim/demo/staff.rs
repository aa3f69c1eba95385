//! The people of a company.

use std::collections::{HashMap, HashSet};

use super::names::REGIONS;
use super::{Flavour, purpose, region, slug, spellings};
use crate::sim::dice::Dice;

/// One of the company's people.
#[derive(Clone, Debug)]
pub struct Staff {
    /// Its place in [`Demo::staff`](super::Demo::staff).
    pub number: usize,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub phone: String,
    pub team: &'static str,
    pub role: Role,
    /// False for somebody who left and still owns leads.
    pub active: bool,
}

impl Staff {
    /// First and last name with one space between.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Editor,
    Viewer,
}

/// `owners` people and one who left. Two of them have the same name, one has a strange one.
pub(super) fn hire(flavour: Flavour, seed: u64, owners: usize) -> Vec<Staff> {
    const KNOWN: [(&str, &str); 4] = [
        ("Jane", "Smith"),
        ("Anna", "Schmidt"),
        // Quotes, a comma, two spaces, a joined emoji and an accent that is a character of its own.
        ("Zoe\u{308} \u{1f469}\u{1f3fd}\u{200d}\u{1f4bb}", "O\u{2019}Neil,  \"Süd/West\""),
        ("Anna", "Schmidt"),
    ];
    let mut dice = Dice::new(seed, 0, purpose::STAFF);
    let mut taken: HashSet<(String, String)> = HashSet::new();
    let mut addresses: HashMap<String, usize> = HashMap::new();
    let mut staff = Vec::with_capacity(owners + 1);
    for number in 0..=owners {
        let active = number < owners;
        let (mut first, mut last, mut latin) = (String::new(), String::new(), String::new());
        match KNOWN.get(number).filter(|_| active) {
            Some((f, l)) => {
                (first, last) = ((*f).to_owned(), (*l).to_owned());
                latin = format!("{}.{}", slug(f), slug(l));
            }
            None => {
                for attempt in 0..100 {
                    let region = &REGIONS[region(&mut dice)];
                    let (given, given_latin) = spellings(dice.pick(region.given));
                    let (family, family_latin) = spellings(dice.pick(region.family));
                    (first, last) = (given.to_owned(), family.to_owned());
                    if attempt > 20 {
                        last.push_str(&format!(" {number}"));
                    }
                    latin = format!("{}.{}", slug(&given_latin), slug(&family_latin));
                    if !taken.contains(&(first.clone(), last.clone())) {
                        break;
                    }
                }
            }
        }
        taken.insert((first.clone(), last.clone()));
        let namesakes = addresses.entry(latin.clone()).or_default();
        *namesakes += 1;
        let again = if *namesakes > 1 { namesakes.to_string() } else { String::new() };
        let teams = flavour.teams();
        staff.push(Staff {
            number,
            email: format!("{latin}{again}@{}", flavour.domain()),
            phone: format!("+1 555 010 {:04}", number % 10_000),
            team: teams[number % teams.len()],
            role: match number {
                0 => Role::Admin,
                n if n % 11 == 9 => Role::Viewer,
                n if n % 9 == 5 => Role::Admin,
                _ => Role::Editor,
            },
            active,
            first_name: first,
            last_name: last,
        });
    }
    staff
}
