//! How values become columns and back.

use std::collections::HashMap;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::domain::{Assignment, ItemState, SafeText, Timestamp};

/// Item states by their number in the file. Numbers are never given to another state.
pub(super) const STATES: [ItemState; 8] = [
    ItemState::Planned,
    ItemState::Sent,
    ItemState::Done,
    ItemState::Failed,
    ItemState::Unknown,
    ItemState::Skipped,
    ItemState::NotSent,
    ItemState::ChangedByOthers,
];

pub(super) const SENT: i64 = 1;
pub(super) const DONE: i64 = 2;
pub(super) const FAILED: i64 = 3;

pub(super) fn state_number(state: ItemState) -> i64 {
    match state {
        ItemState::Planned => 0,
        ItemState::Sent => SENT,
        ItemState::Done => DONE,
        ItemState::Failed => FAILED,
        ItemState::Unknown => 4,
        ItemState::Skipped => 5,
        ItemState::NotSent => 6,
        ItemState::ChangedByOthers => 7,
    }
}

/// The column of `tallies` that counts a state.
pub(super) fn tally_column(state: ItemState) -> &'static str {
    match state {
        ItemState::Planned => "planned",
        ItemState::Sent => "sent",
        ItemState::Done => "done",
        ItemState::Failed => "failed",
        ItemState::Unknown => "unknown",
        ItemState::Skipped => "skipped",
        ItemState::NotSent => "not_sent",
        ItemState::ChangedByOthers => "changed_by_others",
    }
}

pub(super) fn state(number: i64) -> rusqlite::Result<ItemState> {
    usize::try_from(number)
        .ok()
        .and_then(|number| STATES.get(number).copied())
        .ok_or_else(|| misplaced("state", &number))
}

pub(super) fn time_number(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(super) fn time(number: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(number).map_err(|_| misplaced("time", &number))
}

/// A count or position; negative ones do not belong in the file.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    let number: i64 = row.get(column)?;
    usize::try_from(number).map_err(|_| misplaced("count", &number))
}

pub(super) fn number(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn assignment_text(assignment: &Assignment) -> rusqlite::Result<String> {
    serde_json::to_string(assignment).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A word that one of our enums has.
pub(super) fn word<T: std::str::FromStr>(what: &'static str, text: &str) -> rusqlite::Result<T> {
    text.parse().map_err(|_| misplaced(what, &text))
}

/// A value that this program would not have written.
pub(super) fn misplaced(what: &'static str, value: &dyn std::fmt::Debug) -> rusqlite::Error {
    let text = format!("a {what} that is {value:?}");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(FromSqlError::Other(text.into())))
}

/// Numbers of assignments and reasons, for writing. What it remembers is true only for rows that were committed:
/// forget everything when a transaction is taken back.
#[derive(Default)]
pub(super) struct Numbers {
    assignments: HashMap<Assignment, i64>,
    texts: HashMap<SafeText, i64>,
}

impl Numbers {
    /// Mappings and reasons may differ from item to item; what is remembered of them stays within bounds.
    const MOST: usize = 50_000;

    pub fn forget(&mut self) {
        self.assignments.clear();
        self.texts.clear();
    }

    pub fn of_assignment(&mut self, connection: &Connection, assignment: &Assignment) -> rusqlite::Result<i64> {
        if let Some(&number) = self.assignments.get(assignment) {
            return Ok(number);
        }
        let value = assignment_text(assignment)?;
        let number = match find(connection, "SELECT n FROM assignments WHERE value = ?1", &value)? {
            Some(number) => number,
            None => {
                connection.prepare_cached("INSERT INTO assignments (value) VALUES (?1)")?.execute([&value])?;
                let number = connection.last_insert_rowid();
                add_people(connection, number, assignment)?;
                number
            }
        };
        if self.assignments.len() >= Self::MOST {
            self.assignments.clear();
        }
        self.assignments.insert(assignment.clone(), number);
        Ok(number)
    }

    pub fn of_text(&mut self, connection: &Connection, text: &SafeText) -> rusqlite::Result<i64> {
        if let Some(&number) = self.texts.get(text) {
            return Ok(number);
        }
        let number = match find(connection, "SELECT n FROM texts WHERE value = ?1", text.as_str())? {
            Some(number) => number,
            None => {
                connection.prepare_cached("INSERT INTO texts (value) VALUES (?1)")?.execute([text.as_str()])?;
                connection.last_insert_rowid()
            }
        };
        if self.texts.len() >= Self::MOST {
            self.texts.clear();
        }
        self.texts.insert(text.clone(), number);
        Ok(number)
    }
}

fn find(connection: &Connection, sql: &str, value: &str) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached(sql)?.query_row([value], |row| row.get(0)).optional()
}

/// Makes an assignment findable by the people in it.
pub(super) fn add_people(connection: &Connection, number: i64, assignment: &Assignment) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO assignment_people (person, assignment) VALUES (?1, ?2)")?;
    let mut add = |person: &str| insert.execute((person, number)).map(|_| ());
    match assignment {
        Assignment::Unknown | Assignment::Unassigned(_) => Ok(()),
        Assignment::Owner(owner) => {
            owner.id.iter().try_for_each(|id| add(id.as_str()))?;
            owner.name.iter().try_for_each(|name| add(name.as_str()))
        }
        Assignment::Agents(users) => users.iter().try_for_each(|user| add(user.as_str())),
    }
}

/// Assignments and reasons by their numbers, for reading; remembers them for the length of one question.
pub(super) struct Values<'c> {
    connection: &'c Connection,
    assignments: HashMap<i64, Assignment>,
    texts: HashMap<i64, SafeText>,
}

impl<'c> Values<'c> {
    pub fn new(connection: &'c Connection) -> Self {
        Self { connection, assignments: HashMap::new(), texts: HashMap::new() }
    }

    pub fn assignment(&mut self, number: i64) -> rusqlite::Result<Assignment> {
        if let Some(known) = self.assignments.get(&number) {
            return Ok(known.clone());
        }
        let text = read(self.connection, "SELECT value FROM assignments WHERE n = ?1", number)?;
        let assignment: Assignment = serde_json::from_str(&text).map_err(|_| misplaced("assignment", &text))?;
        self.assignments.insert(number, assignment.clone());
        Ok(assignment)
    }

    pub fn text(&mut self, number: i64) -> rusqlite::Result<SafeText> {
        if let Some(known) = self.texts.get(&number) {
            return Ok(known.clone());
        }
        let text = SafeText::from(read(self.connection, "SELECT value FROM texts WHERE n = ?1", number)?);
        self.texts.insert(number, text.clone());
        Ok(text)
    }
}

fn read(connection: &Connection, sql: &str, number: i64) -> rusqlite::Result<String> {
    connection.prepare_cached(sql)?.query_row([number], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn every_state_has_one_number_for_good() {
        for known in ItemState::iter() {
            assert_eq!(state(state_number(known)).unwrap(), known);
        }
        assert_eq!(
            STATES.map(|known| known.to_string()).join(" "),
            "planned sent done failed unknown skipped not_sent changed_by_others"
        );
        assert!(state(8).is_err());
        assert!(state(-1).is_err());
    }
}
