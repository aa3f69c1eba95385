//! What is marked: a set of lead ids, never of row numbers, with an undo of its own.

use std::collections::HashSet;

use super::ids::{LeadId, ProfileName};

/// A lead of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeadKey {
    pub profile: ProfileName,
    pub id: LeadId,
}

/// The marks, and the steps that led to them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    marked: HashSet<LeadKey>,
    steps: Vec<Step>,
}

/// One marking step: what it added and removed, so that it can be taken back.
#[derive(Clone, Debug, Default)]
struct Step {
    added: Vec<LeadKey>,
    removed: Vec<LeadKey>,
}

/// Steps of marking that can be undone; older ones are forgotten.
const MOST_STEPS: usize = 100;

impl Selection {
    pub fn len(&self) -> usize {
        self.marked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.marked.is_empty()
    }

    pub fn contains(&self, key: &LeadKey) -> bool {
        self.marked.contains(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = &LeadKey> {
        self.marked.iter()
    }

    /// Marks every key that is not marked yet.
    pub fn mark(&mut self, keys: impl IntoIterator<Item = LeadKey>) {
        let added = keys.into_iter().filter(|key| self.marked.insert(key.clone())).collect();
        self.remember(Step { added, removed: Vec::new() });
    }

    pub fn unmark<'a>(&mut self, keys: impl IntoIterator<Item = &'a LeadKey>) {
        let removed = keys.into_iter().filter_map(|key| self.marked.take(key)).collect();
        self.remember(Step { added: Vec::new(), removed });
    }

    pub fn toggle(&mut self, key: LeadKey) {
        if self.contains(&key) { self.unmark([&key]) } else { self.mark([key]) }
    }

    /// Turns the marks of `keys` over; marks of other leads stay.
    pub fn invert(&mut self, keys: impl IntoIterator<Item = LeadKey>) {
        let mut step = Step::default();
        for key in keys {
            if self.marked.remove(&key) {
                step.removed.push(key);
            } else {
                self.marked.insert(key.clone());
                step.added.push(key);
            }
        }
        self.remember(step);
    }

    pub fn clear(&mut self) {
        let removed = self.marked.drain().collect();
        self.remember(Step { added: Vec::new(), removed });
    }

    /// There is a marking step that can be taken back.
    pub fn can_undo(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Takes the newest marking step back. False when there is none.
    pub fn undo(&mut self) -> bool {
        let Some(step) = self.steps.pop() else { return false };
        for key in &step.added {
            self.marked.remove(key);
        }
        self.marked.extend(step.removed);
        true
    }

    fn remember(&mut self, step: Step) {
        if step.added.is_empty() && step.removed.is_empty() {
            return;
        }
        if self.steps.len() == MOST_STEPS {
            self.steps.remove(0);
        }
        self.steps.push(step);
    }
}
