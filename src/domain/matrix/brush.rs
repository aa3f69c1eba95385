//! The ways to paint: each is one step that can be taken back.

use std::collections::BTreeSet;

use super::bits::CellBits;
use super::grid::Grid;
use super::painting::{Painted, Painting};
use super::sets::Sets;
use crate::domain::PersonId;

/// What is done to the cells of an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brush {
    On,
    Off,
    /// Off where every cell of the area is on, else on: as one expects of a row or a rectangle.
    Toggle,
}

/// What restoring did, and what of the kept mapping cannot be had again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub painted: Painted,
    /// Lists whose agents were not known when it was kept.
    pub unknown: usize,
    /// Lists that are not in the campaign any more.
    pub gone: usize,
    /// Agents of its lists who are none of the campaign's any more.
    pub strangers: BTreeSet<PersonId>,
}

impl Painting {
    /// Paints an area: one cell, a row, a column or a rectangle.
    pub fn area(&mut self, grid: &Grid, what: &str, rows: &[usize], columns: &CellBits, brush: Brush) -> Painted {
        let all_on = || {
            let mut paintable = rows.iter().filter(|row| grid.is_paintable(**row));
            paintable.all(|row| columns.without(&self.after(grid, *row)).is_empty())
        };
        let on = match brush {
            Brush::On => true,
            Brush::Off => false,
            Brush::Toggle => !all_on(),
        };
        self.paint(grid, what, rows.iter().copied(), |_, standing| {
            if on { standing.union(columns) } else { standing.without(columns) }
        })
    }

    /// Gives other agents exactly the lists that one agent has.
    pub fn copy_agent(&mut self, grid: &Grid, from: usize, to: &CellBits) -> Painted {
        let mut to = to.clone();
        to.set(from, false);
        self.paint(grid, format!("copy of {}", named(grid, from)), 0..grid.lists().len(), |_, standing| {
            if standing.get(from) { standing.union(&to) } else { standing.without(&to) }
        })
    }

    /// Gives other lists exactly the agents that one list has.
    pub fn copy_list(&mut self, grid: &Grid, from: usize, to: &[usize]) -> Painted {
        let agents = self.after(grid, from);
        let name = grid.lists().get(from).map(|list| list.name.to_string()).unwrap_or_default();
        let others = to.iter().copied().filter(|row| *row != from);
        self.paint(grid, format!("copy of {name}"), others, |_, _| agents.clone())
    }

    /// Lets `to` take over every list of `from`.
    pub fn move_work(&mut self, grid: &Grid, from: usize, to: usize) -> Painted {
        let what = format!("work of {} to {}", named(grid, from), named(grid, to));
        self.paint(grid, what, 0..grid.lists().len(), |_, standing| {
            let mut after = standing.clone();
            if from != to && standing.get(from) {
                after.set(from, false);
                after.set(to, true);
            }
            after
        })
    }

    /// Takes an agent off every list of this campaign.
    pub fn clear_agent(&mut self, grid: &Grid, column: usize) -> Painted {
        let gone: CellBits = [column].into_iter().collect();
        let what = format!("{} cleared", named(grid, column));
        self.paint(grid, what, 0..grid.lists().len(), |_, standing| standing.without(&gone))
    }

    /// Maps the members of a team to lists. Those who are no agents of the campaign are returned.
    pub fn give_team(
        &mut self,
        grid: &Grid,
        team: &str,
        members: &[PersonId],
        rows: &[usize],
    ) -> (Painted, Vec<PersonId>) {
        let strangers = members.iter().filter(|member| grid.column_of(member).is_none()).cloned().collect();
        let columns = grid.columns_of(members);
        let painted = self.area(grid, &format!("team {team}"), rows, &columns, Brush::On);
        (painted, strangers)
    }

    /// Paints what leads to a mapping that was kept earlier, as far as its lists and agents are still there. Lists that
    /// it does not know stay as they are.
    pub fn restore(&mut self, grid: &Grid, name: &str, kept: &Sets) -> Restored {
        let mut restored = Restored::default();
        let mut rows = Vec::new();
        for (target, list) in kept.lists.iter().filter(|(_, list)| list.campaign_id == grid.campaign_id) {
            let Some(agents) = &list.agents else {
                restored.unknown += 1;
                continue;
            };
            let Some(row) = grid.row_of(target) else {
                restored.gone += 1;
                continue;
            };
            rows.push(row);
            restored.strangers.extend(agents.iter().filter(|agent| grid.column_of(agent).is_none()).cloned());
        }
        restored.painted = self.paint(grid, format!("snapshot {name}"), rows, |row, standing| {
            let kept = grid.lists().get(row).and_then(|list| kept.lists.get(&list.target)?.agents.as_ref());
            kept.map_or_else(|| standing.clone(), |agents| grid.columns_of(agents))
        });
        restored
    }
}

fn named(grid: &Grid, column: usize) -> String {
    grid.agents().get(column).map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::grid::tests::{drawn, grid, record};
    use super::super::plan::Want;
    use super::*;
    use proptest::prelude::*;

    fn columns(columns: &[usize]) -> CellBits {
        columns.iter().copied().collect()
    }

    const PLAIN: [&str; 4] = ["xx..", ".x..", "....", "!!!!"];

    #[test]
    fn every_brush_paints_what_it_says_and_is_one_step() {
        type Paint = fn(&mut Painting, &Grid) -> Painted;
        let table: [(&str, Paint, [&str; 4], Painted); 10] = [
            (
                "one cell off",
                |p, g| p.area(g, "", &[0], &columns(&[0]), Brush::Toggle),
                ["-x..", ".x..", "....", "!!!!"],
                Painted { cells: 1, left_out: 0 },
            ),
            (
                "a row on, because not all of it is",
                |p, g| p.area(g, "", &[1], &columns(&[0, 1, 2, 3]), Brush::Toggle),
                ["xx..", "+x++", "....", "!!!!"],
                Painted { cells: 3, left_out: 0 },
            ),
            (
                "a column: the list that is not read completely is left out",
                |p, g| p.area(g, "", &[0, 1, 2, 3], &columns(&[3]), Brush::On),
                ["xx.+", ".x.+", "...+", "!!!!"],
                Painted { cells: 3, left_out: 1 },
            ),
            (
                "a rectangle off",
                |p, g| p.area(g, "", &[0, 1], &columns(&[1, 2]), Brush::Off),
                ["x-..", ".-..", "....", "!!!!"],
                Painted { cells: 2, left_out: 0 },
            ),
            (
                "an agent's lists to others",
                |p, g| p.copy_agent(g, 0, &columns(&[0, 1, 3])),
                ["xx.+", ".-..", "....", "!!!!"],
                Painted { cells: 2, left_out: 1 },
            ),
            (
                "a list's agents to others",
                |p, g| p.copy_list(g, 0, &[0, 1, 2]),
                ["xx..", "+x..", "++..", "!!!!"],
                Painted { cells: 3, left_out: 0 },
            ),
            (
                "the work of one to another",
                |p, g| p.move_work(g, 1, 2),
                ["x-+.", ".-+.", "....", "!!!!"],
                Painted { cells: 4, left_out: 1 },
            ),
            ("to oneself: nothing", |p, g| p.move_work(g, 1, 1), PLAIN, Painted { cells: 0, left_out: 1 }),
            (
                "who left",
                |p, g| p.clear_agent(g, 1),
                ["x-..", ".-..", "....", "!!!!"],
                Painted { cells: 2, left_out: 1 },
            ),
            (
                "a team",
                |p, g| p.give_team(g, "blue", &["cid".into(), "eve".into()], &[0, 2]).0,
                ["xx+.", ".x..", "..+.", "!!!!"],
                Painted { cells: 2, left_out: 0 },
            ),
        ];
        for (what, paint, after, told) in table {
            let grid = grid();
            let mut painting = Painting::default();
            assert_eq!(paint(&mut painting, &grid), told, "{what}");
            assert_eq!(drawn(&grid, &painting), after, "{what}");
            assert_eq!(painting.undo().is_some(), after != PLAIN, "{what}");
            assert_eq!(drawn(&grid, &painting), PLAIN, "{what}");
            assert!(painting.is_empty(&grid) && !painting.can_undo(), "{what}");
            painting.redo();
            assert_eq!(drawn(&grid, &painting), after, "{what}: done again");
        }
    }

    #[test]
    fn strangers_of_a_team_are_named() {
        let grid = grid();
        let (_, strangers) = Painting::default().give_team(&grid, "blue", &["cid".into(), "eve".into()], &[0]);
        assert_eq!(strangers, ["eve".into()]);
    }

    #[test]
    fn painting_twice_over_the_same_cells_leaves_no_wish() {
        let grid = grid();
        let mut painting = Painting::default();
        painting.area(&grid, "", &[0, 1, 2], &columns(&[2]), Brush::Toggle);
        painting.area(&grid, "", &[0, 1, 2], &columns(&[2]), Brush::Toggle);
        assert!(painting.is_empty(&grid));
        assert_eq!(painting.wanted(&grid), []);
    }

    #[test]
    fn wishes_are_carried_over_to_a_newer_reading_and_what_others_did_stays() {
        let old = grid();
        let mut painting = Painting::default();
        painting.area(&old, "", &[0], &columns(&[0]), Brush::Off);
        painting.area(&old, "", &[0, 2], &columns(&[2]), Brush::On);
        // Somebody else gave list 1 to Abe and Cid meanwhile, and list 3 is gone.
        let records = [record("2", Some(&["bob"]), &[]), record("1", Some(&["abe", "ann", "bob", "cid"]), &["dan"])];
        let new = Grid::of("7", &records, None);
        let carried = painting.carried_over(&old, &new);
        assert_eq!(drawn(&new, &carried), ["..x..", "x-xx."]);
        let wanted = carried.wanted(&new);
        assert_eq!(wanted.len(), 1);
        let remove = ["ann".into()].into_iter().collect();
        assert_eq!(wanted[0].want, Want::Delta { add: [].into_iter().collect(), remove });
    }

    #[test]
    fn a_snapshot_is_painted_and_what_it_does_not_know_stays() {
        let grid = grid();
        let kept = Sets::of(&[
            record("1", Some(&["cid", "eve"]), &[]),
            record("2", None, &[]),
            record("4", Some(&["ann"]), &[]),
            record("9", Some(&["ann"]), &[]),
        ]);
        let mut painting = Painting::default();
        let restored = painting.restore(&grid, "morning", &kept);
        assert_eq!(restored.painted, Painted { cells: 3, left_out: 1 });
        let told = (restored.unknown, restored.gone, restored.strangers);
        assert_eq!(told, (1, 1, ["eve".into()].into()), "told, not left out silently");
        assert_eq!(drawn(&grid, &painting), ["--+.", ".x..", "....", "!!!!"]);
    }

    proptest! {
        #[test]
        fn steps_are_taken_back_one_by_one_and_done_again(
            steps in prop::collection::vec((0..4_usize, 0..4_usize, 0..4_usize, 0..4_usize, 0..3_u8), 0..25)
        ) {
            let grid = grid();
            let mut painting = Painting::default();
            let mut seen = vec![drawn(&grid, &painting)];
            for (top, left, height, width, brush) in steps {
                let rows: Vec<usize> = (top..(top + height).min(4)).collect();
                let brush = [Brush::On, Brush::Off, Brush::Toggle][usize::from(brush)];
                let columns = (left..(left + width).min(4)).collect();
                if painting.area(&grid, "", &rows, &columns, brush).cells > 0 {
                    seen.push(drawn(&grid, &painting));
                }
                let totals = grid.totals(&painting);
                let cells = drawn(&grid, &painting).concat();
                prop_assert_eq!(totals.added, cells.matches('+').count());
                prop_assert_eq!(totals.removed, cells.matches('-').count());
            }
            let end = seen.len() - 1;
            for at in (0..end).rev() {
                prop_assert!(painting.undo().is_some());
                prop_assert_eq!(&drawn(&grid, &painting), &seen[at]);
            }
            prop_assert!(painting.undo().is_none());
            for step in &seen[1..] {
                prop_assert!(painting.redo().is_some());
                prop_assert_eq!(&drawn(&grid, &painting), step);
            }
        }
    }
}
