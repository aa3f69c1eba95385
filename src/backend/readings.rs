//! What was read of many targets, in columns: a byte or two for each, as long as they have not as many owners as there are
//! targets.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::Assignment;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::intern::Numbered;
use crate::vendor::{ErrorKind, Observation, VendorError};

/// Nothing was read of it.
const MISSED: u32 = 0;
/// There is no such record.
const GONE: u32 = 1;
/// It has an error.
const FAILED: u32 = 2;
/// It is the first of the assignments; those after it follow.
const FIRST: u32 = 3;

/// What was read, by the numbers of targets.
pub struct Readings {
    codes: Codes,
    assignments: Arc<Numbered<Assignment>>,
    /// 0 where none was given.
    scopes: Codes,
    all_scopes: Arc<Numbered<String>>,
    errors: HashMap<u32, Arc<VendorError>>,
    /// The last error: those that follow it often say the same.
    last: Option<Arc<VendorError>>,
    missed: VendorError,
}

impl Readings {
    /// Of so many targets, of which nothing was read yet.
    pub fn of(targets: usize) -> Self {
        let none = || Codes::Same { code: 0, len: targets };
        Self {
            codes: none(),
            assignments: Arc::default(),
            scopes: none(),
            all_scopes: Arc::default(),
            errors: HashMap::new(),
            last: None,
            missed: VendorError::not_read(),
        }
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Takes in what was read of a target, instead of what was read of it before. The words of an error that says that there
    /// is no such record are not kept: there may be many, each with words of its own that say the same.
    pub fn note(&mut self, number: usize, observation: Observation) {
        // There is no such target; only a client that made a mistake would say so.
        if number >= self.len() {
            return;
        }
        let Observation { now, scope } = observation;
        if self.codes.get(number) == FAILED {
            self.errors.remove(&(number as u32));
        }
        let code = match now {
            Ok(now) => FIRST + Numbered::number(&mut self.assignments, &now),
            Err(error) if error.kind == ErrorKind::NotFound => GONE,
            Err(error) => {
                let error = self.shared(error);
                self.errors.insert(number as u32, error);
                FAILED
            }
        };
        self.codes.set(number, code);
        let scope = scope.map_or(0, |scope| 1 + Numbered::number(&mut self.all_scopes, &scope));
        self.scopes.set(number, scope);
    }

    fn shared(&mut self, error: VendorError) -> Arc<VendorError> {
        let same = self.last.take().filter(|last| **last == error);
        self.last.insert(same.unwrap_or_else(|| Arc::new(error))).clone()
    }

    /// What was read of a target.
    pub fn get(&self, number: usize) -> Observation {
        let now = match (self.codes.get(number), self.unread(number)) {
            (GONE, _) => Err(VendorError::new(ErrorKind::NotFound, "there is no such record")),
            (_, Some(error)) => Err(error.clone()),
            (code, None) => Ok(self.assignments.values()[(code - FIRST) as usize].clone()),
        };
        let scope =
            self.scopes.get(number).checked_sub(1).map(|scope| self.all_scopes.values()[scope as usize].clone());
        Observation { now, scope }
    }

    /// What was read of all, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Observation> + '_ {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Why a target could not be read; `None` where it was, or where there is no such record.
    pub fn unread(&self, number: usize) -> Option<&VendorError> {
        match self.codes.get(number) {
            MISSED => Some(&self.missed),
            FAILED => self.errors.get(&(number as u32)).map(|error| &**error).or(Some(&self.missed)),
            _ => None,
        }
    }

    /// The targets that could not be read, with why, in their order.
    pub fn all_unread(&self) -> impl Iterator<Item = (usize, &VendorError)> {
        (0..self.len()).filter_map(|number| Some((number, self.unread(number)?)))
    }

    #[cfg(test)]
    fn heap_bytes(&self) -> usize {
        self.codes.heap_bytes() + self.scopes.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OwnerRef;
    use proptest::prelude::*;

    fn an_observation() -> impl Strategy<Value = Observation> {
        let now = prop_oneof![
            4 => (0..400_u32).prop_map(|n| Ok(Assignment::Owner(OwnerRef::with_id(n.to_string())))),
            1 => Just(Ok(Assignment::Unknown)),
            1 => Just(Err(VendorError::new(ErrorKind::NotFound, "there is no such record"))),
            2 => prop::sample::select(vec!["busy", "cut"])
                .prop_map(|words| Err(VendorError::new(ErrorKind::Server, words))),
        ];
        (now, prop::option::of("[a-c]")).prop_map(|(now, scope)| Observation { now, scope })
    }

    fn same(one: &Observation, other: &Observation) -> bool {
        one.now == other.now && one.scope == other.scope
    }

    proptest! {
        #[test]
        fn the_last_reading_of_each_target_is_kept(
            given in prop::collection::vec((0..40_usize, an_observation()), 0..120),
        ) {
            let mut readings = Readings::of(30);
            let mut wanted = vec![Observation::missed(); 30];
            for (number, observation) in given {
                if let Some(place) = wanted.get_mut(number) {
                    *place = observation.clone();
                }
                readings.note(number, observation);
            }
            prop_assert!(readings.iter().zip(&wanted).all(|(read, wanted)| same(&read, wanted)));
            let is_unread = |error: &VendorError| error.kind != ErrorKind::NotFound;
            let unread: Vec<(usize, VendorError)> = wanted
                .into_iter()
                .enumerate()
                .filter_map(|(number, one)| Some((number, one.now.err().filter(is_unread)?)))
                .collect();
            let found: Vec<(usize, VendorError)> =
                readings.all_unread().map(|(number, error)| (number, error.clone())).collect();
            prop_assert_eq!(found, unread);
            let failed = (0..readings.len()).filter(|number| readings.codes.get(*number) == FAILED).count();
            prop_assert_eq!(readings.errors.len(), failed, "what was read after all leaves no error behind");
        }
    }

    #[test]
    fn a_reading_takes_a_byte_or_two() {
        let mut readings = Readings::of(10_000);
        assert_eq!(readings.heap_bytes(), 0);
        for number in (0..10_000).rev() {
            readings.note(number, Observation::of(Assignment::Owner(OwnerRef::with_id((number % 50).to_string()))));
        }
        assert_eq!(readings.heap_bytes(), 10_000);
        // Errors that say the same are one.
        for number in 0..1_000 {
            readings.note(number, Observation::failed(&VendorError::new(ErrorKind::Server, "busy")));
        }
        let first = readings.errors[&0].clone();
        assert!(readings.errors.values().all(|error| Arc::ptr_eq(error, &first)));
    }
}
