//! The journal's format: its tables, what each column means, and how older formats become this one.
//!
//! This is the one place that describes the file. A number in `PRAGMA user_version` says which format it has; a file
//! with a higher number than [`FORMAT`] is left alone.
//!
//! # What is written once and never changed
//!
//! Triggers refuse `UPDATE` and `DELETE` on every table of this kind; only [`Journal::prune`](super::Journal::prune), which
//! a person asks for, lifts them for a moment.
//!
//! | Table | One row is |
//! |---|---|
//! | `operations` | an operation; `n` is the order in which they began, its items are `first_item .. first_item + items` |
//! | `parts` | one profile of an operation: where it went, and what undo needs to know again |
//! | `items` | one change or skip; `state` and `reason` are the ones it began with (`planned`, or `skipped`) |
//! | `reversals` | an item of an undo or redo and an earlier item that it takes back |
//! | `moves` | one later state of an item; `step` counts from 1, the highest one counts |
//! | `assignments` | one distinct assignment as JSON, so that a million items hold small numbers |
//! | `texts` | one distinct reason |
//! | `given_up` | an operation that somebody decided not to go on with |
//! | `snapshots` | one mapping of a profile's campaigns as it was at some time; `before` is the operation it was taken for |
//! | `snapshot_lists` | one (campaign, lead list) of a snapshot; `agents` is an assignment, or nothing where it was not known |
//!
//! # What is derived, for speed
//!
//! Kept in the same transaction as the rows it comes from, and made anew from them by
//! [`Journal::rebuild`](super::Journal::rebuild).
//!
//! | Table | One row is |
//! |---|---|
//! | `standing` | the newest state of an item that has moved, whether part of it was applied, and what took it back |
//! | `tallies` | how many items of an operation are in which state, were applied in part or taken back, or cannot be |
//! | `touched` | an operation and an assignment that it found or wrote somewhere |
//! | `reverted` | an undo or redo and an earlier operation of which it takes something back |
//! | `assignment_people` | an assignment and a person in it, by id and by name |
//!
//! # What comes and goes
//!
//! `holds`: who works on which operation right now.
//!
//! Times are microseconds since 1970 (UTC). States are the numbers of [`codec::STATES`](super::codec::STATES). Kinds
//! and vendors are the words of the command line.

use rusqlite::{Connection, TransactionBehavior};

use super::check;

/// The newest format this program knows.
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;

/// Marks the file as a journal of ours: `SWBD`.
pub(super) const APPLICATION_ID: i64 = 0x5357_4244;

/// The step at index N makes format N + 1 out of format N. Steps that were released are never changed.
const MIGRATIONS: &[fn(&Connection) -> rusqlite::Result<()>] =
    &[first, second, snapshots, reverted, in_part, no_way_back, reverted_by];

fn first(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(FIRST)?;
    guard(connection, &WRITTEN_ONCE[..7])
}

/// Decisions not to go on with an operation.
fn second(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE given_up (
            operation INTEGER PRIMARY KEY REFERENCES operations,
            at        INTEGER NOT NULL,
            who       TEXT    NOT NULL
        ) STRICT;",
    )?;
    guard(connection, &WRITTEN_ONCE[7..8])
}

fn snapshots(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SNAPSHOTS)?;
    guard(connection, &WRITTEN_ONCE[8..10])
}

/// Which operations an undo takes back, for those of several too: it was known of their items only.
fn reverted(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE reverted (
            operation INTEGER NOT NULL,
            earlier   INTEGER NOT NULL,
            PRIMARY KEY (operation, earlier)
        ) STRICT, WITHOUT ROWID;",
    )?;
    connection.execute(FILL_REVERTED, [])?;
    Ok(())
}

/// Items that were applied in part can be taken back like those that are done: they are counted too.
fn in_part(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE standing ADD COLUMN in_part INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE tallies ADD COLUMN in_part INTEGER NOT NULL DEFAULT 0;
         DROP INDEX tallies_undoable;
         CREATE INDEX tallies_undoable ON tallies (operation) WHERE done + in_part > taken_back;",
    )?;
    check::mark_in_part(connection)?;
    connection.execute_batch(
        "UPDATE standing SET taken_back_by = (
             SELECT min(r.item) FROM reversals r JOIN standing s ON s.item = r.item
             WHERE r.takes_back = standing.item AND s.state = 2)
         WHERE in_part = 1;
         UPDATE tallies SET
             in_part = (SELECT count(*) FROM standing s JOIN items i ON i.n = s.item
                        WHERE s.in_part = 1 AND i.operation = tallies.operation),
             taken_back = taken_back + (SELECT count(s.taken_back_by) FROM standing s JOIN items i ON i.n = s.item
                        WHERE s.in_part = 1 AND i.operation = tallies.operation)
         WHERE operation IN (SELECT i.operation FROM standing s JOIN items i ON i.n = s.item WHERE s.in_part = 1);",
    )
}

/// The number of the assignment that is not known; nothing where no item ever had it.
pub(super) const UNKNOWN: &str = "(SELECT n FROM assignments WHERE value = '\"unknown\"')";

/// Items of which it is not known what was there before cannot be put back: they are counted too, while they stand.
fn no_way_back(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "ALTER TABLE tallies ADD COLUMN no_way_back INTEGER NOT NULL DEFAULT 0;
         UPDATE tallies SET no_way_back = (
             SELECT count(*) FROM operations o JOIN items i ON i.n >= o.first_item AND i.n < o.first_item + o.items
             JOIN standing s ON s.item = i.n
             WHERE o.n = tallies.operation AND s.state = 2 AND s.taken_back_by IS NULL AND i.was = {UNKNOWN})
         WHERE operation IN (SELECT operation FROM touched WHERE assignment = {UNKNOWN});"
    ))
}

/// Who takes an operation back is asked for every one of a page of history that was taken back.
fn reverted_by(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE INDEX reverted_by ON reverted (earlier);")
}

/// Fills `reverted` from the rows that it comes from.
pub(super) const FILL_REVERTED: &str = "
INSERT INTO reverted (operation, earlier)
    SELECT DISTINCT later.operation, earlier.operation FROM reversals r
    JOIN items later ON later.n = r.item JOIN items earlier ON earlier.n = r.takes_back";

const FIRST: &str = "
CREATE TABLE operations (
    n          INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    reverts    TEXT,
    who        TEXT    NOT NULL,
    note       TEXT,
    first_item INTEGER NOT NULL,
    items      INTEGER NOT NULL
) STRICT;

CREATE TABLE parts (
    operation INTEGER NOT NULL REFERENCES operations,
    part      INTEGER NOT NULL,
    profile   TEXT    NOT NULL,
    vendor    TEXT    NOT NULL,
    base_url  TEXT    NOT NULL,
    context   TEXT    NOT NULL,
    PRIMARY KEY (operation, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignments (
    n     INTEGER PRIMARY KEY,
    value TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE texts (
    n     INTEGER PRIMARY KEY,
    value TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE items (
    n         INTEGER PRIMARY KEY,
    operation INTEGER NOT NULL REFERENCES operations,
    part      INTEGER NOT NULL,
    target    TEXT    NOT NULL,
    name      TEXT,
    was       INTEGER NOT NULL REFERENCES assignments,
    wrote     INTEGER NOT NULL REFERENCES assignments,
    scope     TEXT,
    state     INTEGER NOT NULL,
    reason    INTEGER REFERENCES texts
) STRICT;
CREATE INDEX items_by_target ON items (target);

CREATE TABLE reversals (
    item       INTEGER NOT NULL REFERENCES items,
    takes_back INTEGER NOT NULL REFERENCES items,
    PRIMARY KEY (item, takes_back)
) STRICT, WITHOUT ROWID;
CREATE INDEX reversals_of ON reversals (takes_back);

CREATE TABLE moves (
    item   INTEGER NOT NULL REFERENCES items,
    step   INTEGER NOT NULL,
    state  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    reason INTEGER REFERENCES texts,
    now    INTEGER REFERENCES assignments,
    PRIMARY KEY (item, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE standing (
    item          INTEGER PRIMARY KEY,
    step          INTEGER NOT NULL,
    state         INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    reason        INTEGER,
    now           INTEGER,
    taken_back_by INTEGER
) STRICT;

CREATE TABLE tallies (
    operation         INTEGER PRIMARY KEY,
    planned           INTEGER NOT NULL,
    sent              INTEGER NOT NULL,
    done              INTEGER NOT NULL,
    failed            INTEGER NOT NULL,
    unknown           INTEGER NOT NULL,
    skipped           INTEGER NOT NULL,
    not_sent          INTEGER NOT NULL,
    changed_by_others INTEGER NOT NULL,
    taken_back        INTEGER NOT NULL
) STRICT;
CREATE INDEX tallies_unsettled ON tallies (operation) WHERE planned + sent + unknown > 0;
CREATE INDEX tallies_undoable  ON tallies (operation) WHERE done > taken_back;

CREATE TABLE touched (
    assignment INTEGER NOT NULL,
    operation  INTEGER NOT NULL,
    PRIMARY KEY (assignment, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignment_people (
    person     TEXT    NOT NULL COLLATE NOCASE,
    assignment INTEGER NOT NULL,
    PRIMARY KEY (person, assignment)
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
    operation INTEGER PRIMARY KEY,
    token     INTEGER NOT NULL,
    host      TEXT    NOT NULL,
    machine   TEXT    NOT NULL,
    boot      TEXT    NOT NULL,
    space     TEXT    NOT NULL,
    pid       INTEGER NOT NULL,
    started   INTEGER,
    seen      INTEGER NOT NULL
) STRICT;
";

const SNAPSHOTS: &str = "
CREATE TABLE snapshots (
    n        INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    who      TEXT    NOT NULL,
    profile  TEXT    NOT NULL,
    base_url TEXT    NOT NULL,
    before   TEXT
) STRICT;
CREATE INDEX snapshots_by_name ON snapshots (profile, name);

CREATE TABLE snapshot_lists (
    snapshot      INTEGER NOT NULL REFERENCES snapshots,
    target        TEXT    NOT NULL,
    campaign      TEXT    NOT NULL,
    campaign_name TEXT    NOT NULL,
    lead          TEXT    NOT NULL,
    lead_name     TEXT    NOT NULL,
    agents        INTEGER REFERENCES assignments,
    pairs         INTEGER NOT NULL,
    PRIMARY KEY (snapshot, target)
) STRICT, WITHOUT ROWID;
";

/// The tables whose rows stay as they were written, in the order in which they came.
pub(super) const WRITTEN_ONCE: [&str; 10] = [
    "operations",
    "parts",
    "items",
    "reversals",
    "moves",
    "assignments",
    "texts",
    "given_up",
    "snapshots",
    "snapshot_lists",
];

/// Makes every attempt to change or delete rows of these tables fail, whoever tries.
fn guard(connection: &Connection, tables: &[&str]) -> rusqlite::Result<()> {
    for table in tables {
        for event in ["UPDATE", "DELETE"] {
            connection.execute_batch(&format!(
                "CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table}
                 BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;"
            ))?;
        }
    }
    Ok(())
}

/// Does something that the guards of [`WRITTEN_ONCE`] forbid. Only within a transaction: they are there again when it is
/// over, and nobody else can write meanwhile.
pub(super) fn unguarded<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    for table in WRITTEN_ONCE {
        for event in ["UPDATE", "DELETE"] {
            connection.execute_batch(&format!("DROP TRIGGER {table}_no_{event}"))?;
        }
    }
    let done = work(connection)?;
    guard(connection, &WRITTEN_ONCE)?;
    Ok(done)
}

/// What a file turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Ours,
    /// Made by a newer program.
    Newer(i64),
    /// A database of something else.
    Foreign,
}

/// Looks at the marks in the file without changing it.
pub(super) fn inspect(connection: &Connection) -> rusqlite::Result<Found> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let format = format_of(connection)?;
    Ok(if application != APPLICATION_ID || format < 1 {
        Found::Foreign
    } else if format > FORMAT {
        Found::Newer(format)
    } else {
        Found::Ours
    })
}

/// The format number in the file.
pub(super) fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))
}

/// Brings the file to this program's format, all steps or none. Several processes may try at once.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    if format_of(connection)? == FORMAT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let found = format_of(&transaction)?;
    let Ok(done) = usize::try_from(found) else { return Ok(()) };
    if done < MIGRATIONS.len() {
        for step in &MIGRATIONS[done..] {
            step(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()
}
