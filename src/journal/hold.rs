//! Who works on which operation: one row each in `holds`, so that two processes never do at once.
//!
//! A hold is refreshed by the writing thread. It is free again when it is given back, at once when its process on this
//! host has died, and otherwise (another host, another container) when it was silent for [`SILENCE`]. Whoever lost a
//! hold to silence and wakes up again cannot record anything under it any more, and so cannot send.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};

use super::process::{Life, Process};
use super::writer::{Desk, Trouble, lock};
use super::{Hold, JournalError};
use crate::domain::{OperationId, Timestamp};

/// How long a hold on another host may be silent before it is taken for abandoned: long enough for a laptop that
/// sleeps through a lunch break less its refreshes, a cut line, or clocks that differ by minutes.
pub(super) const SILENCE: Duration = Duration::from_secs(15 * 60);

/// The tokens of all holds in this process. A row with our own process and a token that is not here was dropped and
/// could not be removed yet.
fn ours() -> &'static Mutex<HashSet<i64>> {
    static OURS: OnceLock<Mutex<HashSet<i64>>> = OnceLock::new();
    OURS.get_or_init(Mutex::default)
}

/// What a hold knows of its operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grip {
    pub operation: i64,
    pub first_item: i64,
    pub items: i64,
    pub token: i64,
}

impl Grip {
    /// An item's number in the file. The sum stays within bounds even when the file is damaged.
    pub fn item(&self, seq: u32) -> i64 {
        self.first_item.saturating_add(i64::from(seq))
    }
}

/// A row of `holds`.
pub(super) struct Holder {
    process: Process,
    token: i64,
    seen: i64,
}

/// The columns that [`Holder::read`] expects, in order.
pub(super) const COLUMNS: &str = "h.token, h.host, h.machine, h.boot, h.space, h.pid, h.started, h.seen";

impl Holder {
    /// Reads a row whose columns of [`COLUMNS`] begin at `at`; `None` where a join found no hold.
    pub fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Self>> {
        let Some(token) = row.get(at)? else { return Ok(None) };
        let process = Process {
            host: row.get(at + 1)?,
            machine: row.get(at + 2)?,
            boot: row.get(at + 3)?,
            space: row.get(at + 4)?,
            pid: row.get(at + 5)?,
            started: row.get(at + 6)?,
        };
        Ok(Some(Self { process, token, seen: row.get(at + 7)? }))
    }

    /// Whether somebody still works under it.
    pub fn is_live(&self) -> bool {
        if self.process == *Process::this() {
            return lock(ours()).contains(&self.token);
        }
        match self.process.life(self.seen) {
            Life::Alive => true,
            Life::Dead => false,
            Life::Unclear => now().saturating_sub(self.seen) < micros(SILENCE),
        }
    }

    pub fn held(&self, operation: OperationId) -> JournalError {
        JournalError::Held { operation, pid: self.process.pid, host: self.process.host.clone() }
    }
}

/// Who holds an operation, dead or alive.
fn holder(connection: &Connection, operation: i64) -> rusqlite::Result<Option<Holder>> {
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM holds h WHERE h.operation = ?1"))?;
    Ok(query.query_row([operation], |row| Holder::read(row, 0)).optional()?.flatten())
}

/// Takes hold unless somebody alive has it.
pub(super) fn take(desk: &Desk<'_>, id: &OperationId, operation: i64, token: i64) -> Result<(), Trouble> {
    if let Some(holder) = holder(desk.connection, operation)?.filter(Holder::is_live) {
        return Err(holder.held(id.clone()).into());
    }
    let me = Process::this();
    let mut insert = desk.connection.prepare_cached(
        "INSERT OR REPLACE INTO holds (operation, token, host, machine, boot, space, pid, started, seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    insert.execute((operation, token, &me.host, &me.machine, &me.boot, &me.space, me.pid, me.started, now()))?;
    Ok(())
}

/// Fails unless the hold is still ours.
pub(super) fn check(desk: &Desk<'_>, id: &OperationId, grip: Grip) -> Result<(), Trouble> {
    let mut query = desk.connection.prepare_cached("SELECT token FROM holds WHERE operation = ?1")?;
    let token: Option<i64> = query.query_row([grip.operation], |row| row.get(0)).optional()?;
    if token == Some(grip.token) {
        return Ok(());
    }
    let holder = holder(desk.connection, grip.operation)?.filter(Holder::is_live);
    Err(holder.map_or(JournalError::HoldLost { operation: id.clone() }, |holder| holder.held(id.clone())).into())
}

pub(super) fn release(connection: &Connection, tokens: &[i64]) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM holds WHERE token = ?1")?;
    tokens.iter().try_for_each(|token| delete.execute([token]).map(|_| ()))
}

pub(super) fn refresh(connection: &Connection, tokens: &[i64]) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached("UPDATE holds SET seen = ?2 WHERE token = ?1")?;
    tokens.iter().try_for_each(|token| update.execute((token, now())).map(|_| ()))
}

/// A token that no other hold has, known as ours before its row is written.
pub(super) fn new_token() -> i64 {
    let token = uuid::Uuid::new_v4().as_u64_pair().0.cast_signed();
    lock(ours()).insert(token);
    token
}

pub(super) fn forget_token(token: i64) {
    lock(ours()).remove(&token);
}

fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Drop for Hold {
    fn drop(&mut self) {
        forget_token(self.grip.token);
        lock(&self.shared.holds.live).remove(&self.grip.token);
        lock(&self.shared.holds.dropped).push(self.grip.token);
        self.shared.tidy_soon();
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hold").field("operation", &self.operation).finish_non_exhaustive()
    }
}
