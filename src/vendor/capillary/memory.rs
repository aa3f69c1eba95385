//! What was read of leads and is worth knowing a moment later: whose customer each is of, who was found to own it, and
//! the whole row where it may have to be sent back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use compact_str::{CompactString, ToCompactString};

use super::lead::customer;
use super::walk::Row;
use crate::domain::{LeadId, PersonId};

/// Rows that are kept for a moment.
const MOST_ROWS: usize = 20_000;

/// A row with the moment when it was asked for.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub at: Instant,
    pub row: Arc<Row>,
}

/// What is known of leads. A million of them are kept as two numbers each.
#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: HashMap<LeadId, Snapshot>,
    leads: HashMap<u64, Facts>,
    /// The few whose ids are no numbers.
    others: HashMap<LeadId, Facts>,
    people: Vec<PersonId>,
    numbers: HashMap<PersonId, u32>,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    customer: Customer,
    /// One more than the place in `people`; 0 is nobody that is known.
    owner: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Customer {
    #[default]
    None,
    Number(u64),
    Text(CompactString),
}

impl Customer {
    fn of(text: Option<CompactString>) -> Self {
        match text {
            None => Self::None,
            Some(text) => plain_number(&text).map_or(Self::Text(text), Self::Number),
        }
    }

    fn text(&self) -> Option<CompactString> {
        match self {
            Self::None => None,
            Self::Number(number) => Some(number.to_compact_string()),
            Self::Text(text) => Some(text.clone()),
        }
    }
}

/// A number that is spelled in the only way that gives the same text again.
fn plain_number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_compact_string() == text)
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps rows that were asked for at `at`, for as long as they are fresh.
    pub fn keep_rows<'a>(
        &self,
        rows: impl IntoIterator<Item = (LeadId, &'a Arc<Row>)>,
        at: Instant,
        fresh_for: Duration,
    ) {
        let mut kept = self.kept();
        for (lead, row) in rows {
            let customer = Customer::of(customer(row));
            if customer != Customer::None {
                kept.facts(&lead).customer = customer;
            }
            if kept.rows.len() >= MOST_ROWS && !kept.rows.contains_key(&lead) {
                kept.rows.retain(|_, row| row.at.elapsed() <= fresh_for);
            }
            if kept.rows.len() < MOST_ROWS || kept.rows.contains_key(&lead) {
                kept.rows.insert(lead, Snapshot { at, row: row.clone() });
            }
        }
    }

    /// A row that is no older than this.
    pub fn row(&self, lead: &LeadId, fresh_for: Duration) -> Option<Snapshot> {
        self.kept().rows.get(lead).filter(|row| row.at.elapsed() <= fresh_for).cloned()
    }

    /// The lead is about to be written: what was read of it is out of date.
    pub fn forget_row(&self, lead: &LeadId) {
        self.kept().rows.remove(lead);
    }

    pub fn customer(&self, lead: &LeadId) -> Option<CompactString> {
        self.kept().facts(lead).customer.text()
    }

    pub fn owner(&self, lead: &LeadId) -> Option<PersonId> {
        let mut kept = self.kept();
        let owner = kept.facts(lead).owner as usize;
        kept.people.get(owner.checked_sub(1)?).cloned()
    }

    pub fn set_owner(&self, lead: &LeadId, owner: Option<&PersonId>) {
        let mut kept = self.kept();
        let number = owner.map_or(0, |owner| kept.number(owner));
        kept.facts(lead).owner = number;
    }
}

impl Kept {
    fn facts(&mut self, lead: &LeadId) -> &mut Facts {
        match plain_number(lead.as_str()) {
            Some(number) => self.leads.entry(number).or_default(),
            None => self.others.entry(lead.clone()).or_default(),
        }
    }

    fn number(&mut self, person: &PersonId) -> u32 {
        if let Some(number) = self.numbers.get(person) {
            return *number;
        }
        self.people.push(person.clone());
        let number = self.people.len() as u32;
        self.numbers.insert(person.clone(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(customer: &str) -> Arc<Row> {
        Arc::new(json!({ "userId": customer }).as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn customers_and_owners_are_known_by_any_id() {
        let memory = Memory::default();
        let minute = Duration::from_secs(60);
        for (lead, customer) in [("19", "7"), ("019", "07"), ("lead/x", "c-1")] {
            let lead = LeadId::new(lead);
            memory.keep_rows([(lead.clone(), &row(customer))], Instant::now(), minute);
            assert_eq!(memory.customer(&lead).as_deref(), Some(customer));
            assert_eq!(memory.owner(&lead), None);
            memory.set_owner(&lead, Some(&customer.into()));
        }
        assert_eq!(memory.owner(&"19".into()), Some("7".into()));
        assert_eq!(memory.owner(&"019".into()), Some("07".into()));
        memory.set_owner(&"19".into(), None);
        assert_eq!((memory.owner(&"19".into()), memory.customer(&"20".into())), (None, None));
    }

    #[test]
    fn rows_are_kept_while_they_are_fresh() {
        let memory = Memory::default();
        let lead = LeadId::new("1");
        let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(90)) else { return };
        memory.keep_rows([(lead.clone(), &row("7"))], long_ago, Duration::from_secs(60));
        assert!(memory.row(&lead, Duration::from_secs(60)).is_none());
        assert!(memory.row(&lead, Duration::from_secs(120)).is_some());
        memory.forget_row(&lead);
        assert!(memory.row(&lead, Duration::from_secs(120)).is_none());
        assert_eq!(memory.customer(&lead).as_deref(), Some("7"));
    }
}
