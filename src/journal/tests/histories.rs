//! Whatever happens in whatever order, what is counted along the way equals what a recount finds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use strum::IntoEnumIterator;

use super::super::*;
use super::support::*;
use crate::domain::Tally;

/// One step of a random life.
#[derive(Clone, Debug)]
enum Step {
    /// An operation with so many items; it takes back some of those that exist.
    Begin {
        items: usize,
        takes_back: Vec<(prop::sample::Index, prop::sample::Index)>,
    },
    /// Moves in one batch; many of them are illegal.
    Record {
        operation: prop::sample::Index,
        moves: Vec<(u32, ItemState)>,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let state = prop::sample::select(ItemState::iter().collect::<Vec<_>>());
    prop_oneof![
        2 => (0usize..6, prop::collection::vec((index(), index()), 0..4))
            .prop_map(|(items, takes_back)| Step::Begin { items, takes_back }),
        10 => (index(), prop::collection::vec((0u32..7, state), 1..4))
            .prop_map(|(operation, moves)| Step::Record { operation, moves }),
        1 => Just(Step::Reopen),
    ]
}

/// The same life in plain memory.
#[derive(Default)]
struct Model {
    operations: Vec<Vec<ItemState>>,
    /// (operation, item) takes back (operation, item).
    reversals: BTreeSet<((usize, usize), (usize, usize))>,
}

impl Model {
    fn record(&mut self, operation: usize, moves: &[(u32, ItemState)]) -> bool {
        let mut items = self.operations[operation].clone();
        for &(seq, to) in moves {
            match items.get_mut(seq as usize) {
                Some(state) if state.may_become(to) => *state = to,
                _ => return false,
            }
        }
        self.operations[operation] = items;
        true
    }

    fn is_done(&self, (operation, item): (usize, usize)) -> bool {
        self.operations[operation][item] == ItemState::Done
    }

    fn tally(&self, operation: usize) -> Tally {
        let mut tally = Tally::default();
        self.operations[operation].iter().for_each(|&state| tally.add(state, 1));
        tally
    }

    fn undoable(&self, operation: usize) -> Vec<u32> {
        let taken_back = |item| self.reversals.iter().any(|&(by, of)| of == (operation, item) && self.is_done(by));
        let items = 0..self.operations[operation].len();
        items.filter(|&item| self.is_done((operation, item)) && !taken_back(item)).map(|item| item as u32).collect()
    }
}

fn id(operation: usize) -> OperationId {
    format!("op{operation}").into()
}

fn live(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let folder = quick_folder();
    let mut journal = Journal::open(folder.path()).unwrap();
    let mut holds = BTreeMap::new();
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Begin { items, takes_back } => {
                let number = model.operations.len();
                let mut reversals = Vec::new();
                for (by, of) in takes_back {
                    let earlier: Vec<_> = (0..number)
                        .flat_map(|operation| (0..model.operations[operation].len()).map(move |item| (operation, item)))
                        .collect();
                    if items > 0 && !earlier.is_empty() {
                        reversals.push(((number, by.index(items)), *of.get(&earlier)));
                    }
                }
                let plan = assign(items);
                let back = reversals.iter().map(|&((_, by), (of, item))| (by as u32, id(of), item as u32));
                let operation = taking_back(back, operation(id(number).as_str(), &plan));
                holds.insert(number, journal.begin(&operation).unwrap());
                model.operations.push(vec![ItemState::Planned; items]);
                model.reversals.extend(reversals);
            }
            Step::Record { operation, moves } if !model.operations.is_empty() => {
                let number = operation.index(model.operations.len());
                let hold = holds.entry(number).or_insert_with(|| journal.hold(&id(number)).unwrap());
                let batch: Vec<Move> = moves.iter().map(|&(seq, to)| Move::to(seq, to)).collect();
                prop_assert_eq!(journal.record(hold, at(5), &batch).is_ok(), model.record(number, &moves));
            }
            Step::Record { .. } => {}
            Step::Reopen => {
                holds.clear();
                journal = Journal::open(folder.path()).unwrap();
            }
        }
    }
    let seen = compare(&journal, &model)?;
    prop_assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
    journal.rebuild().unwrap();
    prop_assert_eq!(&compare(&journal, &model)?, &seen);
    holds.clear();
    let journal = Journal::open(folder.path()).unwrap();
    compare(&journal, &model)?;
    Ok(())
}

/// Compares every operation with the model.
fn compare(journal: &Journal, model: &Model) -> Result<Vec<OperationSummary>, TestCaseError> {
    prop_assert_eq!(journal.count().unwrap(), model.operations.len());
    for (number, states) in model.operations.iter().enumerate() {
        let summary = journal.operation(&id(number)).unwrap();
        prop_assert_eq!(summary.tally, model.tally(number));
        let found: Vec<_> = journal.items(&id(number), 0, 100).unwrap().iter().map(|item| item.state).collect();
        prop_assert_eq!(&found, states);
        let undoable = model.undoable(number);
        prop_assert_eq!(summary.undoable, undoable.len());
        prop_assert_eq!(seqs(&journal.undoable_items(&id(number)).unwrap()), undoable);
    }
    Ok(journal.operations(0, 100).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tallies_equal_a_recount_and_reopening_changes_nothing(steps in prop::collection::vec(step(), 1..40)) {
        live(steps)?;
    }
}
