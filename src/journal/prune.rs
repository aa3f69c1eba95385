//! Letting go of old operations, when a person asks for it.

use rusqlite::Connection;

use super::codec;
use super::schema;
use super::writer::Trouble;
use crate::domain::Timestamp;

/// What is old enough to be removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prunable {
    pub operations: usize,
    pub items: usize,
    /// When the oldest and the newest of these operations began.
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    /// Older operations that stay: they are not settled, somebody works on them, or a younger one takes them back.
    pub kept: usize,
}

/// Operations that began before a time and are over.
const CHOOSE: &str = "
    DROP TABLE IF EXISTS temp.old;
    CREATE TEMP TABLE old AS
        SELECT o.n AS n, o.first_item AS first, o.first_item + o.items AS past
        FROM operations o JOIN tallies t ON t.operation = o.n
        WHERE o.at < {before} AND o.n NOT IN (SELECT operation FROM holds)
          AND (t.planned + t.sent + t.unknown = 0 OR o.n IN (SELECT operation FROM given_up));";

/// An operation and those that take it back go together or stay together: otherwise what was taken back would look as if
/// it could be taken back again. That may take several rounds, because each may have to do with others.
const TOGETHER: &str = "
    DELETE FROM temp.old WHERE n IN (
        SELECT earlier FROM reverted WHERE operation NOT IN (SELECT n FROM temp.old)
        UNION SELECT operation FROM reverted WHERE earlier NOT IN (SELECT n FROM temp.old))";

/// Fills the temporary table with what may go.
fn choose(connection: &Connection, before: Timestamp) -> Result<(), Trouble> {
    connection.execute_batch(&CHOOSE.replace("{before}", &codec::time_number(before).to_string()))?;
    while connection.execute(TOGETHER, [])? > 0 {}
    Ok(())
}

fn counted(connection: &Connection, before: Timestamp) -> Result<Prunable, Trouble> {
    let (operations, items, oldest, newest) = connection.query_row(
        "SELECT count(*), coalesce(sum(c.past - c.first), 0), min(o.at), max(o.at)
         FROM temp.old c JOIN operations o ON o.n = c.n",
        [],
        |row| Ok((codec::count(row, 0)?, codec::count(row, 1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?)),
    )?;
    let all =
        connection.query_row("SELECT count(*) FROM operations WHERE at < ?1", [codec::time_number(before)], |row| {
            codec::count(row, 0)
        })?;
    let time = |number: Option<i64>| number.map(codec::time).transpose();
    Ok(Prunable { operations, items, oldest: time(oldest)?, newest: time(newest)?, kept: all - operations })
}

pub(super) fn prunable(connection: &Connection, before: Timestamp) -> Result<Prunable, Trouble> {
    choose(connection, before)?;
    let counted = counted(connection, before);
    connection.execute_batch("DROP TABLE temp.old")?;
    counted
}

pub(super) fn prune(connection: &Connection, before: Timestamp) -> Result<Prunable, Trouble> {
    choose(connection, before)?;
    let counted = counted(connection, before)?;
    schema::unguarded(connection, |connection| {
        // Children before their parents. Distinct assignments and reasons stay: other processes may know them by number.
        connection.execute_batch(
            "CREATE TEMP TABLE gone AS SELECT i.n AS n FROM temp.old c JOIN items i ON i.n >= c.first AND i.n < c.past;
             CREATE UNIQUE INDEX temp.gone_n ON gone (n);
             DELETE FROM moves WHERE item IN (SELECT n FROM temp.gone);
             DELETE FROM standing WHERE item IN (SELECT n FROM temp.gone);
             DELETE FROM reversals WHERE item IN (SELECT n FROM temp.gone);
             DELETE FROM items WHERE n IN (SELECT n FROM temp.gone);
             DELETE FROM parts WHERE operation IN (SELECT n FROM temp.old);
             DELETE FROM tallies WHERE operation IN (SELECT n FROM temp.old);
             DELETE FROM given_up WHERE operation IN (SELECT n FROM temp.old);
             DELETE FROM reverted WHERE operation IN (SELECT n FROM temp.old);
             DELETE FROM touched WHERE operation IN (SELECT n FROM temp.old);
             DELETE FROM operations WHERE n IN (SELECT n FROM temp.old);
             DROP TABLE temp.gone;
             DROP TABLE temp.old;",
        )
    })?;
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::super::*;
    use super::*;

    /// An operation of two leads on a day of 2026, done.
    fn done(journal: &Journal, id: &str, day: u32, reverts: &[&str]) {
        let plan = assign(2);
        let mut new = operation(id, &plan);
        new.at = format!("2026-11-{day:02}T10:00:00Z").parse().unwrap();
        if !reverts.is_empty() {
            new.kind = OperationKind::Undo;
            new = taking_back(reverts.iter().map(|&of| (0, of.into(), 0)), new);
        }
        run(journal, &new, &[0, 1], ItemState::Done);
    }

    fn ids(journal: &Journal) -> Vec<String> {
        journal.operations(0, 100).unwrap().iter().map(|operation| operation.id.to_string()).collect()
    }

    #[test]
    fn what_is_old_and_over_goes_and_the_rest_is_as_it_was() {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        done(&journal, "old", 1, &[]);
        done(&journal, "undone", 2, &[]);
        done(&journal, "its-undo", 3, &["undone"]);
        done(&journal, "undone-later", 4, &[]);
        // Cut off: its items are not settled.
        drop(
            journal
                .begin(&NewOperation { at: "2026-11-05T10:00:00Z".parse().unwrap(), ..operation("open", &assign(2)) }),
        );
        done(&journal, "young-undo", 20, &["undone-later"]);
        done(&journal, "young", 21, &[]);
        let before = "2026-11-10T00:00:00Z".parse().unwrap();
        let found = journal.prunable(before).unwrap();
        assert_eq!((found.operations, found.items, found.kept), (3, 6, 2));
        assert_eq!(found.oldest.unwrap().to_string(), "2026-11-01T10:00:00Z");
        assert_eq!(ids(&journal).len(), 7);
        let kept = ["young", "young-undo", "open", "undone-later"];
        let as_they_were =
            kept.map(|id| (journal.operation(&id.into()).unwrap(), journal.items(&id.into(), 0, 9).unwrap()));
        assert_eq!(journal.prune(before).unwrap(), found);
        assert_eq!(ids(&journal), kept);
        let now = kept.map(|id| (journal.operation(&id.into()).unwrap(), journal.items(&id.into(), 0, 9).unwrap()));
        assert_eq!(now, as_they_were);
        assert_eq!(journal.verify().unwrap(), Vec::<String>::new());
        assert_eq!(journal.prune(before).unwrap(), Prunable { kept: 2, ..Prunable::default() });
        // Writing goes on, and the guards are back.
        done(&journal, "next", 22, &["young"]);
        assert_eq!(journal.operation(&"young".into()).unwrap().undoable, 1);
        drop(journal);
        let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        assert!(connection.execute("DELETE FROM items", []).unwrap_err().to_string().contains("append-only"));
    }
}
