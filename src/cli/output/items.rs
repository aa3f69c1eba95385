//! Items of plans and operations, and the summary below them.

use super::csv::{self, Cell};
use super::json::{PartLine, Summary};
use super::table::{self, Column, Table};
use super::{Out, say};
use crate::cli::args::Format;
use crate::cli::exit::Failure;
use crate::domain::history::{ItemRow, OperationLife};
use crate::domain::{ChangeRef, ItemState, Plan, PlanPart, ProfileName, SafeText, SkipReason, SkipRef};
use crate::journal::export;

/// A change of a plan as an item, in a state that nothing was sent for.
fn of_change(profile: &ProfileName, change: ChangeRef<'_>, state: ItemState, reason: Option<&str>) -> ItemRow {
    ItemRow {
        seq: 0,
        part: 0,
        profile: profile.clone(),
        target: change.target(),
        name: change.name(),
        was: change.before.clone(),
        wrote: change.after.clone(),
        now: None,
        state,
        reason: reason.map(SafeText::new),
        scope: String::new(),
    }
}

fn of_skip(profile: &ProfileName, skip: SkipRef<'_>) -> ItemRow {
    ItemRow {
        seq: 0,
        part: 0,
        profile: profile.clone(),
        target: skip.target(),
        name: skip.name(),
        was: skip.before.clone(),
        wrote: skip.after.clone(),
        now: None,
        state: ItemState::Skipped,
        reason: Some(SafeText::new(&skip.reason.to_string())),
        scope: String::new(),
    }
}

/// Whether a skip is one where nothing was left to be wanted.
pub fn is_benign(reason: &SkipReason) -> bool {
    matches!(reason, SkipReason::AlreadyThere | SkipReason::NotWritten)
}

/// Skipped because it already is as wanted.
fn has_nothing_to_do(row: &ItemRow) -> bool {
    let benign = |reason: &SafeText| {
        [SkipReason::AlreadyThere, SkipReason::NotWritten].iter().any(|benign| benign.to_string() == reason.as_str())
    };
    row.state == ItemState::Skipped && row.reason.as_ref().is_some_and(benign)
}

/// An item of an operation on which nobody works, or somebody still does, as it stands: what was to be sent when the
/// operation was cut off was not sent, and what was on the way then is not known.
fn as_it_stands(mut row: ItemRow, life: OperationLife) -> ItemRow {
    let (state, reason) = match (row.state, life) {
        (ItemState::Sent, OperationLife::Running) => (ItemState::Sent, "on the way"),
        (_, OperationLife::Running) => return row,
        (ItemState::Planned, _) => (ItemState::NotSent, "the operation was cut off before it was sent"),
        (ItemState::Sent, _) => (ItemState::Sent, "Switchboard ended before the answer came"),
        _ => return row,
    };
    row.state = state;
    row.reason.get_or_insert_with(|| SafeText::new(reason));
    row
}

/// Prints items as they come.
pub struct Items {
    format: Format,
    /// Of the operation whose items they are, where it may be other than over.
    life: Option<OperationLife>,
    table: Table,
    several: bool,
    /// In a table leave out what went as it should.
    only_open: bool,
    begun: bool,
    /// The number of a plan's next item.
    next: u32,
    /// Of the items so far, those that were skipped because they already are as wanted.
    pub already: usize,
}

impl Items {
    pub fn new(format: Format, several_profiles: bool) -> Self {
        let mut columns = vec![Column::whole("LEAD"), Column::words("NAME"), Column::words("BEFORE")];
        columns.extend([Column::words("AFTER"), Column::whole("STATE"), Column::whole("REASON")]);
        if several_profiles {
            columns.insert(0, Column::whole("PROFILE"));
        }
        Self {
            format,
            life: None,
            table: Table::new(&columns, table::room()),
            several: several_profiles,
            only_open: false,
            begun: false,
            next: 0,
            already: 0,
        }
    }

    pub fn only_open(mut self) -> Self {
        self.only_open = true;
        self
    }

    /// The items are those of an operation with this life.
    pub fn of_life(mut self, life: OperationLife) -> Self {
        self.life = Some(life);
        self
    }

    pub fn print(&mut self, out: &mut Out, row: &ItemRow) -> Result<(), Failure> {
        let told = self.life.map(|life| as_it_stands(row.clone(), life));
        let row = told.as_ref().unwrap_or(row);
        self.already += usize::from(has_nothing_to_do(row));
        match self.format {
            Format::Json => out.json(&export::item_json(row)),
            Format::Csv => {
                if !self.begun {
                    csv::row(out, export::ITEM_COLUMNS.map(Cell::text))?;
                }
                self.begun = true;
                csv::row(out, export::item_cells(row).into_iter().map(|cell| Cell::Text(cell.into())))
            }
            Format::Table if self.only_open && (row.state == ItemState::Done || has_nothing_to_do(row)) => Ok(()),
            Format::Table => {
                let mut cells = vec![
                    row.target.to_string(),
                    row.name.to_string(),
                    row.was.label().to_string(),
                    row.wrote.label().to_string(),
                    row.state.label().to_owned(),
                    row.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
                ];
                if self.several {
                    cells.insert(0, row.profile.to_string());
                }
                self.table.row(out, cells)
            }
        }
    }

    /// Prints the items of a plan: its changes in a state, then its skips.
    pub fn print_plan(
        &mut self,
        out: &mut Out,
        plan: &Plan,
        state: ItemState,
        reason: Option<&str>,
    ) -> Result<(), Failure> {
        for PlanPart { profile, changes, .. } in &plan.parts {
            for change in changes.iter() {
                self.number(out, of_change(profile, change, state, reason))?;
            }
        }
        for PlanPart { profile, skips, .. } in &plan.parts {
            for skip in skips.iter() {
                self.number(out, of_skip(profile, skip))?;
            }
        }
        Ok(())
    }

    /// Prints an item of a plan with the number it will have in the journal.
    fn number(&mut self, out: &mut Out, mut row: ItemRow) -> Result<(), Failure> {
        row.seq = self.next;
        self.next = self.next.saturating_add(1);
        self.print(out, &row)
    }

    pub fn end(self, out: &mut Out, summary: &Summary) -> Result<(), Failure> {
        self.table.end(out)?;
        match self.format {
            Format::Json => out.json(summary)?,
            // The rows are one table; what is not a row of it would break it.
            Format::Csv => say(&in_words(summary)),
            Format::Table => out.line(&in_words(summary))?,
        }
        out.flush()
    }
}

/// `sales (kenbun): 1,200 done, 3 failed`: one profile's share.
pub fn part_words(part: &PartLine) -> String {
    let counts = [
        (part.done, "done"),
        (part.failed, "failed"),
        (part.skipped, "skipped"),
        (part.not_sent, "not sent"),
        (part.unknown, "not known yet"),
    ];
    let said = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", grouped(*count)));
    let said: Vec<String> = said.collect();
    let said = if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") };
    format!("{} ({}): {said}", part.profile, part.vendor.title())
}

/// The summary as a line for people.
pub fn in_words(summary: &Summary) -> String {
    let mut parts = Vec::new();
    let counts = [
        (summary.planned.filter(|count| *count > 0), "planned"),
        (Some(summary.done).filter(|_| summary.operation.is_some()), "done"),
        (Some(summary.failed).filter(|count| *count > 0), "failed"),
        (Some(summary.skipped).filter(|count| *count > 0), "skipped"),
        (Some(summary.not_sent).filter(|count| *count > 0), "not sent"),
        (Some(summary.unknown).filter(|count| *count > 0), "not known yet"),
    ];
    parts.extend(counts.iter().filter_map(|(count, word)| count.map(|count| format!("{} {word}", grouped(count)))));
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    let mut line = parts.join(", ");
    match &summary.operation {
        // What an operation of earlier took is not in the journal.
        Some(operation) if summary.requests == 0 && summary.seconds == 0.0 => {
            line.push_str(&format!(" (operation {operation})"));
        }
        Some(operation) => {
            let requests = if summary.requests == 1 { "request" } else { "requests" };
            line.push_str(&format!(
                " (operation {operation}, {} {requests}, {})",
                grouped(summary.requests),
                lasting(summary.seconds)
            ));
        }
        None => {}
    }
    line
}

/// `12,345`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length of time for people: `0.4 s`, `12 s`, `3 min`, `2 h`.
pub fn lasting(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OperationId, Tally};

    #[test]
    fn a_summary_is_one_line() {
        let tally = Tally { done: 1_996, failed: 2, skipped: 2, ..Tally::default() };
        let summary = Summary::new(Some(OperationId::new("op1")), &tally, 12, 3.4);
        assert_eq!(in_words(&summary), "1,996 done, 2 failed, 2 skipped (operation op1, 12 requests, 3.4 s)");
        let logged = Summary::new(Some(OperationId::new("op1")), &tally, 0, 0.0);
        assert_eq!(in_words(&logged), "1,996 done, 2 failed, 2 skipped (operation op1)");
        assert_eq!(in_words(&Summary::default()), "nothing to do");
        let plan = Summary { planned: Some(1), ..Summary::default() };
        assert_eq!(in_words(&plan), "1 planned");
    }

    #[test]
    fn numbers_and_times_are_readable() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!([0.04, 9.94, 11.0, 180.0, 9_000.0].map(lasting), ["0.0 s", "9.9 s", "11 s", "3 min", "2.5 h"]);
    }
}
