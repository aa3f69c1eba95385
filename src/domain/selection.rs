//! What is marked: a set of lead ids, never of row numbers, with an undo of its own.

use hashbrown::HashSet;

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
    /// Counts the changes, so that it can be told whether there were any since.
    revision: u64,
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

    /// Another number after every change.
    pub fn revision(&self) -> u64 {
        self.revision
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
        self.revision += 1;
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
        self.revision += 1;
        if self.steps.len() == MOST_STEPS {
            self.steps.remove(0);
        }
        self.steps.push(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Mark(Vec<LeadKey>),
        Unmark(Vec<LeadKey>),
        Toggle(LeadKey),
        Invert(Vec<LeadKey>),
        Clear,
    }

    fn key() -> impl Strategy<Value = LeadKey> {
        (0..2_u8, 0..12_u8)
            .prop_map(|(profile, id)| LeadKey { profile: format!("p{profile}").into(), id: format!("L{id}").into() })
    }

    fn keys() -> impl Strategy<Value = Vec<LeadKey>> {
        prop::collection::vec(key(), 0..8)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            keys().prop_map(Step::Mark),
            keys().prop_map(Step::Unmark),
            key().prop_map(Step::Toggle),
            prop::collection::hash_set(key(), 0..8).prop_map(|keys| Step::Invert(keys.into_iter().collect())),
            Just(Step::Clear),
        ]
    }

    fn take(selection: &mut Selection, model: &mut HashSet<LeadKey>, step: &Step) {
        match step {
            Step::Mark(keys) => {
                selection.mark(keys.iter().cloned());
                model.extend(keys.iter().cloned());
            }
            Step::Unmark(keys) => {
                selection.unmark(keys);
                keys.iter().for_each(|key| {
                    model.remove(key);
                });
            }
            Step::Toggle(key) => {
                selection.toggle(key.clone());
                if !model.remove(key) {
                    model.insert(key.clone());
                }
            }
            Step::Invert(keys) => {
                selection.invert(keys.iter().cloned());
                keys.iter().for_each(|key| {
                    if !model.remove(key) {
                        model.insert(key.clone());
                    }
                });
            }
            Step::Clear => {
                selection.clear();
                model.clear();
            }
        }
    }

    proptest! {
        #[test]
        fn steps_do_what_they_say_and_are_taken_back_one_by_one(steps in prop::collection::vec(step(), 0..20)) {
            let mut selection = Selection::default();
            let mut model = HashSet::new();
            let mut history = Vec::new();
            for step in &steps {
                let before = model.clone();
                take(&mut selection, &mut model, step);
                prop_assert_eq!(&selection.marked, &model);
                // What changed nothing is no step.
                if model != before {
                    history.push(before);
                }
            }
            while let Some(before) = history.pop() {
                prop_assert!(selection.can_undo());
                prop_assert!(selection.undo());
                prop_assert_eq!(&selection.marked, &before);
            }
            prop_assert!(!selection.can_undo() && !selection.undo());
        }
    }

    #[test]
    fn only_the_newest_steps_can_be_taken_back() {
        let mut selection = Selection::default();
        for id in 0..MOST_STEPS + 5 {
            selection.mark([LeadKey { profile: "p".into(), id: id.to_string().into() }]);
        }
        while selection.undo() {}
        assert_eq!(selection.len(), 5);
    }
}
