//! What is wanted on top of a grid: cells to be added and removed, step by step, each of which can be taken back.

use std::collections::BTreeMap;

use super::bits::CellBits;
use super::grid::Grid;
use super::plan::{Want, WantedMapping};

/// Painted cells of a grid. Wishes, not values: a cell that somebody else has set as wished meanwhile is no change any
/// more, and what nobody painted is nobody's wish.
#[derive(Clone, Debug, Default)]
pub struct Painting {
    rows: BTreeMap<usize, Wishes>,
    /// What earlier steps found, newest last.
    done: Vec<Step>,
    undone: Vec<Step>,
}

/// One list's wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wishes {
    add: CellBits,
    remove: CellBits,
}

/// A painting step by what it replaced.
#[derive(Clone, Debug)]
struct Step {
    /// For the message when it is taken back: `column asha.k`.
    what: String,
    rows: Vec<(usize, Wishes)>,
}

/// What a painting step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Painted {
    /// Cells whose wish changed.
    pub cells: usize,
    /// Lists that were left alone because they are not read, or not completely.
    pub left_out: usize,
}

/// Steps that can be taken back.
const MOST_STEPS: usize = 200;

impl Painting {
    /// Whether a cell is painted on or off.
    pub fn wished(&self, row: usize, column: usize) -> Option<bool> {
        let wishes = self.rows.get(&row)?;
        match (wishes.add.get(column), wishes.remove.get(column)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// The agents of a list after this painting, by their columns.
    pub fn after(&self, grid: &Grid, row: usize) -> CellBits {
        match self.rows.get(&row) {
            Some(wishes) => grid.now(row).union(&wishes.add).without(&wishes.remove),
            None => grid.now(row).clone(),
        }
    }

    /// Whether nothing that is painted differs from what is there.
    pub fn is_empty(&self, grid: &Grid) -> bool {
        self.rows.keys().all(|row| self.after(grid, *row) == *grid.now(*row))
    }

    /// Sets what some lists shall have, as one step. `want` gets a list and its agents as they stand painted now.
    pub fn paint(
        &mut self,
        grid: &Grid,
        what: impl Into<String>,
        rows: impl IntoIterator<Item = usize>,
        want: impl Fn(usize, &CellBits) -> CellBits,
    ) -> Painted {
        let mut painted = Painted::default();
        let mut before = Vec::new();
        for row in rows {
            if !grid.is_paintable(row) {
                painted.left_out += 1;
                continue;
            }
            let standing = self.after(grid, row);
            let wanted = want(row, &standing);
            let changed = wanted.differing(&standing).count();
            if changed == 0 {
                continue;
            }
            painted.cells += changed;
            let now = grid.now(row);
            let wishes = Wishes { add: wanted.without(now), remove: now.without(&wanted) };
            let replaced = self.rows.insert(row, wishes).unwrap_or_default();
            before.push((row, replaced));
        }
        if !before.is_empty() {
            self.undone.clear();
            push(&mut self.done, Step { what: what.into(), rows: before });
        }
        painted
    }

    /// Takes back the newest step; tells which it was.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.done.pop()?;
        let (what, inverse) = self.put_back(step);
        push(&mut self.undone, inverse);
        Some(what)
    }

    /// Does again what was taken back last.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.undone.pop()?;
        let (what, inverse) = self.put_back(step);
        push(&mut self.done, inverse);
        Some(what)
    }

    fn put_back(&mut self, step: Step) -> (String, Step) {
        let what = step.what.clone();
        let swap = |(row, wishes): (usize, Wishes)| (row, self.rows.insert(row, wishes).unwrap_or_default());
        let rows = step.rows.into_iter().map(swap).collect();
        (what.clone(), Step { what, rows })
    }

    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// The same wishes on another reading of the same campaign. Lists and agents that are gone take theirs along.
    pub fn carried_over(&self, from: &Grid, to: &Grid) -> Self {
        let columns = |bits: &CellBits| to.columns_of(&from.named(bits));
        let move_row = |(row, wishes): (usize, &Wishes)| {
            let to_row = to.row_of(&from.lists().get(row)?.target)?;
            Some((to_row, Wishes { add: columns(&wishes.add), remove: columns(&wishes.remove) }))
        };
        let moved =
            |rows: &[(usize, Wishes)]| rows.iter().filter_map(|(row, wishes)| move_row((*row, wishes))).collect();
        let steps = |steps: &[Step]| {
            steps.iter().map(|step| Step { what: step.what.clone(), rows: moved(&step.rows) }).collect()
        };
        Self {
            rows: self.rows.iter().filter_map(|(row, wishes)| move_row((*row, wishes))).collect(),
            done: steps(&self.done),
            undone: steps(&self.undone),
        }
    }

    /// What is painted, as wishes for a plan: one for each list with a painted cell that is not as wished.
    pub fn wanted(&self, grid: &Grid) -> Vec<WantedMapping> {
        let wanted = |(row, wishes): (&usize, &Wishes)| {
            let now = grid.now(*row);
            let (add, remove) = (wishes.add.without(now), wishes.remove.both(now));
            let list = grid.lists().get(*row)?;
            (!add.is_empty() || !remove.is_empty()).then(|| WantedMapping {
                target: list.target.clone(),
                want: Want::Delta { add: grid.named(&add), remove: grid.named(&remove) },
            })
        };
        self.rows.iter().filter_map(wanted).collect()
    }
}

fn push(steps: &mut Vec<Step>, step: Step) {
    if steps.len() == MOST_STEPS {
        steps.remove(0);
    }
    steps.push(step);
}
