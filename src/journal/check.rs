//! Comparing what is derived with what it comes from, and making it anew.

use rusqlite::Connection;

use super::codec::{self, DONE, STATES, add_people, misplaced, tally_column};
use super::read;
use super::schema::{FILL_REVERTED, UNKNOWN};
use super::writer::Trouble;
use crate::domain::Assignment;

/// Findings of SQLite's own check that are listed at most.
const MOST_FINDINGS: i64 = 20;

/// The newest move of every item that moved, and the items that are taken back, from the rows written once.
fn newest() -> String {
    // In SQLite the other columns beside a lone max() are those of the row that has the maximum.
    format!(
        "WITH newest AS MATERIALIZED (
             SELECT item, max(step) AS step, state, at, reason, now FROM moves GROUP BY item
         ), taken_back AS MATERIALIZED (
             SELECT DISTINCT r.takes_back AS item FROM reversals r JOIN newest n ON n.item = r.item
             WHERE n.state = {DONE}
         )"
    )
}

/// `count` of the items in each state, in the order of the columns of `tallies`.
fn counts(state: &str) -> String {
    let counts: Vec<String> = STATES
        .iter()
        .map(|&known| format!("count(CASE WHEN {state} = {} THEN 1 END)", codec::state_number(known)))
        .collect();
    counts.join(", ")
}

fn tally_columns() -> String {
    STATES.map(tally_column).join(", ")
}

pub(super) fn verify(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut wrong = integrity(connection)?;
    wrong.extend(rows_written_once(connection)?);
    let newest = newest();
    let mut in_part = connection.prepare("SELECT item FROM standing WHERE in_part <> 0 ORDER BY item")?;
    let in_part: Vec<i64> = in_part.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if in_part != read::applied_in_part(connection)? {
        wrong.push("items that were applied in part: not those that are noted".to_owned());
    }
    // Beside what is done, what was applied in part can be taken back.
    let written = format!("(n.state = {DONE} OR n.item IN (SELECT item FROM standing WHERE in_part <> 0))");
    let standing = format!(
        "SELECT item, step, state, at, reason, now,
                {written} AND item IN (SELECT item FROM taken_back) FROM newest n"
    );
    let kept = "SELECT item, step, state, at, reason, now, taken_back_by IS NOT NULL FROM standing";
    wrong.extend(compare(connection, "newest states", &newest, &standing, kept)?);
    let tallies = format!(
        "SELECT o.n, {},
                count(CASE WHEN n.item IN (SELECT item FROM standing WHERE in_part <> 0) THEN 1 END),
                count(CASE WHEN {written} AND n.item IN (SELECT item FROM taken_back) THEN 1 END),
                count(CASE WHEN n.state = {DONE} AND n.item NOT IN (SELECT item FROM taken_back)
                                AND i.was = {UNKNOWN} THEN 1 END)
         FROM operations o
         LEFT JOIN items i ON i.n >= o.first_item AND i.n < o.first_item + o.items
         LEFT JOIN newest n ON n.item = i.n
         GROUP BY o.n",
        counts("coalesce(n.state, i.state)")
    );
    let kept = format!("SELECT operation, {}, in_part, taken_back, no_way_back FROM tallies", tally_columns());
    wrong.extend(compare(connection, "tallies", &newest, &tallies, &kept)?);
    let touched = "SELECT was, operation FROM items UNION SELECT wrote, operation FROM items";
    wrong.extend(compare(connection, "lists of owners", "", touched, "SELECT assignment, operation FROM touched")?);
    let reverted = "SELECT later.operation, earlier.operation FROM reversals r
        JOIN items later ON later.n = r.item JOIN items earlier ON earlier.n = r.takes_back";
    let kept = "SELECT operation, earlier FROM reverted";
    wrong.extend(compare(connection, "operations that were taken back", "", reverted, kept)?);
    Ok(wrong)
}

/// SQLite's own check of pages, indexes and constraints.
fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(&format!("PRAGMA integrity_check({MOST_FINDINGS})"))?;
    let lines: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut wrong: Vec<String> = lines.into_iter().filter(|line| line != "ok").collect();
    let astray: i64 = connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    if astray > 0 {
        wrong.push(format!("{astray} rows refer to rows that are not there"));
    }
    Ok(wrong)
}

/// Items belong to their operations without gaps, and every item went only where it may go.
fn rows_written_once(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let stray: i64 = connection.query_row(
        "SELECT (SELECT count(*) FROM items) - (SELECT count(*) FROM operations o JOIN items i
             ON i.n >= o.first_item AND i.n < o.first_item + o.items AND i.operation = o.n)",
        [],
        |row| row.get(0),
    )?;
    let missing: i64 = connection.query_row(
        "SELECT (SELECT coalesce(sum(items), 0) FROM operations) - (SELECT count(*) FROM items)",
        [],
        |row| row.get(0),
    )?;
    if stray != 0 || missing != 0 {
        wrong.push(format!("items do not fit their operations ({stray} astray, {missing} missing)"));
    }
    let mut moves = connection.prepare(
        "SELECT CASE WHEN m.step = 1 THEN i.state ELSE p.state END, m.state, count(*)
         FROM moves m JOIN items i ON i.n = m.item LEFT JOIN moves p ON p.item = m.item AND p.step = m.step - 1
         GROUP BY 1, 2",
    )?;
    let mut rows = moves.query([])?;
    while let Some(row) = rows.next()? {
        let (from, to, items): (Option<i64>, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let to = codec::state(to)?;
        match from.map(codec::state).transpose()? {
            Some(from) if from.may_become(to) => {}
            Some(from) => wrong.push(format!("{items} items went from {from} to {to}")),
            None => wrong.push(format!("{items} items came to {to} from nowhere")),
        }
    }
    Ok(wrong)
}

/// A finding when two questions have different answers.
fn compare(
    connection: &Connection,
    what: &str,
    with: &str,
    right: &str,
    kept: &str,
) -> rusqlite::Result<Option<String>> {
    let one_way = |a: &str, b: &str| {
        let sql = format!("{with} SELECT count(*) FROM (SELECT * FROM ({a}) EXCEPT SELECT * FROM ({b}))");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0))
    };
    let (missing, wrong) = (one_way(right, kept)?, one_way(kept, right)?);
    Ok((missing != 0 || wrong != 0).then(|| format!("{what}: {missing} rows missing, {wrong} wrong")))
}

/// Notes which failed items were applied in part.
pub(super) fn mark_in_part(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE standing SET in_part = 0 WHERE in_part <> 0", [])?;
    let mut mark = connection.prepare("UPDATE standing SET in_part = 1 WHERE item = ?1")?;
    for item in read::applied_in_part(connection)? {
        mark.execute([item])?;
    }
    Ok(())
}

pub(super) fn rebuild(connection: &Connection) -> Result<(), Trouble> {
    connection.execute_batch(
        "DELETE FROM standing;
         INSERT INTO standing (step, item, state, at, reason, now)
             SELECT max(step), item, state, at, reason, now FROM moves GROUP BY item;",
    )?;
    mark_in_part(connection)?;
    connection.execute_batch(&format!(
        "UPDATE standing SET taken_back_by = (
                 SELECT min(r.item) FROM reversals r JOIN standing s ON s.item = r.item
                 WHERE r.takes_back = standing.item AND s.state = {DONE})
             WHERE (state = {DONE} OR in_part = 1) AND item IN (SELECT takes_back FROM reversals);

         DELETE FROM tallies;
         INSERT INTO tallies (operation, {columns}, in_part, taken_back, no_way_back)
             SELECT o.n, {counts}, coalesce(sum(s.in_part), 0), count(s.taken_back_by),
                    count(CASE WHEN s.state = {DONE} AND s.taken_back_by IS NULL AND i.was = {UNKNOWN} THEN 1 END)
             FROM operations o
             LEFT JOIN items i ON i.n >= o.first_item AND i.n < o.first_item + o.items
             LEFT JOIN standing s ON s.item = i.n
             GROUP BY o.n;

         DELETE FROM touched;
         INSERT INTO touched (assignment, operation)
             SELECT was, operation FROM items UNION SELECT wrote, operation FROM items;

         DELETE FROM reverted;
         {FILL_REVERTED};

         DELETE FROM assignment_people;",
        columns = tally_columns(),
        counts = counts("coalesce(s.state, i.state)"),
    ))?;
    let mut assignments = connection.prepare("SELECT n, value FROM assignments")?;
    let mut rows = assignments.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        let assignment: Assignment = serde_json::from_str(&text).map_err(|_| misplaced("assignment", &text))?;
        add_people(connection, row.get(0)?, &assignment)?;
    }
    Ok(())
}
