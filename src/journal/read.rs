//! Questions to the journal. Pages are found by position, never by counting through what comes before; tallies are
//! read, never counted.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use super::JournalError;
use super::codec::{self, DONE, FAILED, Values, misplaced, state_number, word};
use super::hold::{COLUMNS, Holder};
use super::writer::Trouble;
use crate::domain::history::{
    HistoryFilter, ItemRow, LeadEvent, OperationLife, OperationPart, OperationSummary, Touch,
};
use crate::domain::selection::LeadKey;
use crate::domain::{
    Assignment, ItemState, LeadId, OperationId, OperationKind, ProfileName, SafeText, Tally, TargetId, Timestamp,
};

/// A summary's row, before its parts are added.
struct Found {
    n: i64,
    summary: OperationSummary,
}

/// The newest of the operations that an undo takes back: those of several were written without it once.
const NEWEST_REVERTED: &str = "SELECT e.id FROM reverted v JOIN operations e ON e.n = v.earlier
    WHERE v.operation = o.n ORDER BY v.earlier DESC LIMIT 1";

fn summary_sql(rest: &str) -> String {
    format!(
        "SELECT o.n, o.id, o.at, o.kind, coalesce(o.reverts, ({NEWEST_REVERTED})), o.who, o.note,
                t.planned, t.sent, t.done, t.failed, t.unknown, t.skipped, t.not_sent, t.changed_by_others,
                t.taken_back, t.in_part, t.no_way_back, g.operation IS NOT NULL, {COLUMNS}
         FROM operations o
         LEFT JOIN given_up g ON g.operation = o.n
         LEFT JOIN tallies t ON t.operation = o.n
         LEFT JOIN holds h ON h.operation = o.n
         {rest}"
    )
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let tally = Tally {
        planned: codec::count(row, 7)?,
        sent: codec::count(row, 8)?,
        done: codec::count(row, 9)?,
        failed: codec::count(row, 10)?,
        unknown: codec::count(row, 11)?,
        skipped: codec::count(row, 12)?,
        not_sent: codec::count(row, 13)?,
        changed_by_others: codec::count(row, 14)?,
    };
    let held = Holder::read(row, 19)?.is_some_and(|holder| holder.is_live());
    let life = if held {
        OperationLife::Running
    } else if row.get(18)? {
        OperationLife::GivenUp
    } else if tally.settled() < tally.total() {
        OperationLife::Interrupted
    } else {
        OperationLife::Ended
    };
    let (taken_back, no_way_back) = (codec::count(row, 15)?, codec::count(row, 17)?);
    let summary = OperationSummary {
        id: OperationId::from(row.get::<_, String>(1)?),
        at: codec::time(row.get(2)?)?,
        kind: kind(&row.get::<_, String>(3)?)?,
        reverts: row.get::<_, Option<String>>(4)?.map(OperationId::from),
        reverts_all: Vec::new(),
        who: SafeText::from(row.get::<_, String>(5)?),
        note: row.get::<_, Option<String>>(6)?.map(SafeText::from),
        parts: Vec::new(),
        tally,
        undoable: (tally.done + codec::count(row, 16)?).saturating_sub(taken_back + no_way_back),
        no_way_back,
        taken_back,
        redos: Vec::new(),
        life,
    };
    Ok(Found { n: row.get(0)?, summary })
}

fn kind(text: &str) -> rusqlite::Result<OperationKind> {
    word("kind of operation", text)
}

fn summaries(connection: &Connection, rest: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<OperationSummary>> {
    let mut query = connection.prepare_cached(&summary_sql(rest))?;
    let rows = query.query_map(values, found)?;
    rows.map(|row| {
        let Found { n, mut summary } = row?;
        summary.parts = parts(connection, n)?;
        if summary.reverts.is_some() {
            summary.reverts_all = reverted(connection, n)?;
            if summary.reverts_all.is_empty() {
                summary.reverts_all.extend(summary.reverts.clone());
            }
        }
        if summary.taken_back > 0 {
            summary.redos = redos(connection, n)?;
        }
        Ok(summary)
    })
    .collect()
}

/// The operations of which one takes something back, newest first.
fn reverted(connection: &Connection, operation: i64) -> rusqlite::Result<Vec<OperationId>> {
    let mut query = connection.prepare_cached(
        "SELECT e.id FROM reverted v JOIN operations e ON e.n = v.earlier WHERE v.operation = ?1
         ORDER BY v.earlier DESC",
    )?;
    let ids = query.query_map([operation], |row| Ok(OperationId::from(row.get::<_, String>(0)?)))?;
    ids.collect()
}

/// The redos of nothing but this operation that stand, oldest first.
fn redos(connection: &Connection, operation: i64) -> rusqlite::Result<Vec<OperationId>> {
    let numbers = |sql: &str, n: i64| -> rusqlite::Result<Vec<i64>> {
        connection.prepare_cached(sql)?.query_map([n], |row| row.get(0))?.collect()
    };
    let later = |n: i64| numbers("SELECT operation FROM reverted WHERE earlier = ?1", n);
    let (mut does_it, mut takes_it_back) = (HashSet::from([operation]), HashSet::new());
    let mut open: BTreeSet<i64> = later(operation)?.into_iter().collect();
    let mut redos = Vec::new();
    // Oldest first: whatever one of them takes back was looked at before it.
    while let Some(one) = open.pop_first() {
        let (id, is_redo, stands): (String, bool, bool) = connection
            .prepare_cached(
                "SELECT o.id, o.kind = 'redo', coalesce(t.done + t.in_part > t.taken_back, 0)
                 FROM operations o LEFT JOIN tallies t ON t.operation = o.n WHERE o.n = ?1",
            )?
            .query_row([one], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let earlier = numbers("SELECT earlier FROM reverted WHERE operation = ?1", one)?;
        let (back, again) = match is_redo {
            true => (&takes_it_back, &mut does_it),
            false => (&does_it, &mut takes_it_back),
        };
        // What concerns others too is no answer for this one alone.
        if !earlier.iter().all(|n| back.contains(n)) {
            continue;
        }
        again.insert(one);
        if is_redo && stands {
            redos.push(OperationId::from(id));
        }
        open.extend(later(one)?);
    }
    Ok(redos)
}

fn parts(connection: &Connection, operation: i64) -> rusqlite::Result<Vec<OperationPart>> {
    let mut query = connection
        .prepare_cached("SELECT profile, vendor, base_url, context FROM parts WHERE operation = ?1 ORDER BY part")?;
    let rows = query.query_map([operation], |row| {
        let context: String = row.get(3)?;
        Ok(OperationPart {
            profile: ProfileName::from(row.get::<_, String>(0)?),
            vendor: word("vendor", &row.get::<_, String>(1)?)?,
            base_url: row.get(2)?,
            context: serde_json::from_str(&context).map_err(|_| misplaced("context", &context))?,
        })
    })?;
    rows.collect()
}

pub(super) fn operations(
    connection: &Connection,
    filter: &HistoryFilter,
    offset: usize,
    limit: usize,
) -> Result<Vec<OperationSummary>, Trouble> {
    let (condition, values) = condition(filter);
    let (limit, offset) = (codec::number(limit), codec::number(offset));
    let mut all: Vec<&dyn ToSql> = values.iter().map(|value| &**value as &dyn ToSql).collect();
    all.extend([&limit as &dyn ToSql, &offset]);
    // Found first and summed up then: the other way round all that the filter finds would be summed up to be sorted.
    let page = format!(
        "WHERE o.n IN (SELECT o.n FROM operations o {condition} ORDER BY o.n DESC LIMIT ? OFFSET ?) ORDER BY o.n DESC"
    );
    Ok(summaries(connection, &page, &all)?)
}

pub(super) fn count(connection: &Connection, filter: &HistoryFilter) -> Result<usize, Trouble> {
    let (condition, values) = condition(filter);
    let values: Vec<&dyn ToSql> = values.iter().map(|value| &**value as &dyn ToSql).collect();
    let sql = format!("SELECT count(*) FROM operations o {condition}");
    Ok(connection.prepare_cached(&sql)?.query_row(&values[..], |row| codec::count(row, 0))?)
}

/// A filter as a `WHERE` clause with its values. What other tables say is looked up once for all operations: the `+` keeps
/// SQLite from going through what was found there instead of through the operations, newest first.
fn condition(filter: &HistoryFilter) -> (String, Vec<Box<dyn ToSql>>) {
    let mut terms: Vec<String> = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(who) = &filter.who {
        // `user@host` by the whole of it or by the user alone; compared in full, because an undo may rest on it.
        terms.push(
            "(o.who = ? COLLATE NOCASE OR (instr(o.who, '@') > 0 AND substr(o.who, 1, instr(o.who, '@') - 1) = ? \
             COLLATE NOCASE))"
                .to_owned(),
        );
        values.extend([Box::new(who.to_string()) as Box<dyn ToSql>, Box::new(who.to_string())]);
    }
    if let Some(owner) = &filter.owner {
        terms.push(
            "o.n IN (SELECT operation FROM touched WHERE assignment IN \
             (SELECT assignment FROM assignment_people WHERE person = ?))"
                .to_owned(),
        );
        values.push(Box::new(owner.clone()));
    }
    if let Some(lead) = &filter.lead {
        terms.push("o.n IN (SELECT operation FROM items WHERE target = ?)".to_owned());
        values.push(Box::new(lead.as_str().to_owned()));
    }
    if let Some(profile) = &filter.profile {
        terms.push("+o.n IN (SELECT operation FROM parts WHERE profile = ?)".to_owned());
        values.push(Box::new(profile.as_str().to_owned()));
    }
    if let Some(vendor) = filter.vendor {
        terms.push("+o.n IN (SELECT operation FROM parts WHERE vendor = ?)".to_owned());
        values.push(Box::new(<&str>::from(vendor)));
    }
    if !filter.kinds.is_empty() {
        terms.push(format!("o.kind IN ({})", vec!["?"; filter.kinds.len()].join(", ")));
        values.extend(filter.kinds.iter().map(|&kind| Box::new(<&str>::from(kind)) as Box<dyn ToSql>));
    }
    if !filter.states.is_empty() {
        let counted: Vec<String> =
            filter.states.iter().map(|&state| format!("{} > 0", codec::tally_column(state))).collect();
        terms.push(format!("+o.n IN (SELECT operation FROM tallies WHERE {})", counted.join(" OR ")));
    }
    if let Some(since) = filter.since {
        terms.push("o.at >= ?".to_owned());
        values.push(Box::new(codec::time_number(since)));
    }
    if let Some(until) = filter.until {
        terms.push("o.at < ?".to_owned());
        values.push(Box::new(codec::time_number(until)));
    }
    let clause = if terms.is_empty() { String::new() } else { format!("WHERE {}", terms.join(" AND ")) };
    (clause, values)
}

pub(super) fn operation(connection: &Connection, id: &OperationId) -> Result<OperationSummary, Trouble> {
    let found = summaries(connection, "WHERE o.id = ?1", &[&id.as_str()])?.pop();
    Ok(found.ok_or_else(|| JournalError::NoSuchOperation(id.to_string()))?)
}

/// How many candidates an ambiguous beginning lists.
const CANDIDATES: usize = 5;

pub(super) fn find(connection: &Connection, text: &str) -> Result<OperationSummary, Trouble> {
    let shown = || SafeText::new(text).to_string();
    if text.is_empty() {
        return Err(JournalError::NoSuchOperation(shown()).into());
    }
    if let Some(exact) = summaries(connection, "WHERE o.id = ?1", &[&text])?.pop() {
        return Ok(exact);
    }
    // Ids that begin with the text are the ones from the text itself up to the text with the last character after it.
    let last = format!("{text}{}", char::MAX);
    let limit = codec::number(CANDIDATES + 1);
    let mut fits =
        summaries(connection, "WHERE o.id >= ?1 AND o.id <= ?2 ORDER BY o.n DESC LIMIT ?3", &[&text, &last, &limit])?;
    match fits.len() {
        0 => Err(JournalError::NoSuchOperation(shown()).into()),
        1 => Ok(fits.remove(0)),
        many => {
            let mut names: Vec<String> = fits.iter().take(CANDIDATES).map(|fit| fit.id.to_string()).collect();
            if many > CANDIDATES {
                names.push("…".to_owned());
            }
            Err(JournalError::Ambiguous(shown(), names.join(", ")).into())
        }
    }
}

pub(super) fn undoable(connection: &Connection, redo: bool, limit: usize) -> Result<Vec<OperationSummary>, Trouble> {
    let kind = if redo { "o.kind = 'undo'" } else { "o.kind <> 'undo'" };
    // Asked this way both questions use the small indexes that are made for them.
    let open = "o.n IN (SELECT operation FROM tallies WHERE done + in_part > taken_back)";
    let rest = format!("WHERE {open} AND {kind} ORDER BY o.n DESC LIMIT ?1");
    Ok(summaries(connection, &rest, &[&codec::number(limit)])?)
}

pub(super) fn interrupted(connection: &Connection) -> Result<Vec<OperationSummary>, Trouble> {
    let open = "WHERE o.n IN (SELECT operation FROM tallies WHERE planned + sent + unknown > 0) ORDER BY o.n DESC";
    let mut found = summaries(connection, open, &[])?;
    found.retain(|summary| matches!(summary.life, OperationLife::Interrupted | OperationLife::GivenUp));
    Ok(found)
}

pub(super) fn is_given_up(connection: &Connection, id: &OperationId) -> Result<bool, Trouble> {
    let sql = "SELECT EXISTS (SELECT 1 FROM given_up g JOIN operations o ON o.n = g.operation WHERE o.id = ?1)";
    Ok(connection.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0))?)
}

/// Where an operation's items are.
struct Range {
    first: i64,
    end: i64,
}

fn range(connection: &Connection, id: &OperationId) -> Result<Range, Trouble> {
    let found = connection
        .prepare_cached("SELECT first_item, first_item + items FROM operations WHERE id = ?1")?
        .query_row([id.as_str()], |row| Ok(Range { first: row.get(0)?, end: row.get(1)? }))
        .optional()?;
    Ok(found.ok_or_else(|| JournalError::NoSuchOperation(id.to_string()))?)
}

/// What was read right before an item was sent, where that was written down: its was and wrote come from it then.
const READ_BEFORE: &str =
    "(SELECT m.now FROM moves m WHERE m.item = i.n AND m.state = 1 AND m.now IS NOT NULL ORDER BY m.step DESC LIMIT 1)";
const _: () = assert!(codec::SENT == 1);

const ITEM_COLUMNS: &str = "i.n, p.profile, i.target, i.name, i.was, i.wrote, s.now, coalesce(s.state, i.state),
    CASE WHEN s.item IS NULL THEN i.reason ELSE s.reason END, i.scope, i.part";

const ITEM_TABLES: &str = "items i LEFT JOIN standing s ON s.item = i.n
    LEFT JOIN parts p ON p.operation = i.operation AND p.part = i.part";

fn item(row: &Row<'_>, first: i64, values: &mut Values<'_>) -> rusqlite::Result<ItemRow> {
    let n: i64 = row.get(0)?;
    let (was, wrote) = as_sent([row.get(4)?, row.get(5)?], row.get(11)?, values)?;
    Ok(ItemRow {
        seq: u32::try_from(n.saturating_sub(first)).map_err(|_| misplaced("position", &n))?,
        part: row.get(10)?,
        profile: ProfileName::from(row.get::<_, String>(1)?),
        target: TargetId::from(row.get::<_, String>(2)?),
        name: row.get::<_, Option<String>>(3)?.map(SafeText::from).unwrap_or_default(),
        was,
        wrote,
        now: row.get::<_, Option<i64>>(6)?.map(|now| values.assignment(now)).transpose()?,
        state: codec::state(row.get(7)?)?,
        reason: row.get::<_, Option<i64>>(8)?.map(|reason| values.text(reason)).transpose()?,
        scope: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
    })
}

/// A set is sent as the difference to what was read right before. That reading is what was there, and what the plan's
/// difference makes of it is what was written: what others did between plan and sending is in both, and stays when the
/// item is taken back.
fn as_sent(
    [was, wrote]: [i64; 2],
    read_before: Option<i64>,
    values: &mut Values<'_>,
) -> rusqlite::Result<(Assignment, Assignment)> {
    let (was, wrote) = (values.assignment(was)?, values.assignment(wrote)?);
    let Some(read) = read_before.map(|read| values.assignment(read)).transpose()? else { return Ok((was, wrote)) };
    Ok(match Assignment::carried_over(&was, &wrote, &read) {
        Some(written) => (read, written),
        None => (was, wrote),
    })
}

/// What a failed item changed all the same: the part of a set's change that was read back as applied. `None` where that
/// is nothing.
fn applied_part(mut item: ItemRow) -> Option<ItemRow> {
    let applied = part_of(&item.was, &item.wrote, item.now.as_ref()?)?;
    (applied != item.was).then(|| {
        item.wrote = applied;
        item
    })
}

/// What of a set's change is there now: the set as it would be with that part alone.
fn part_of(was: &Assignment, wrote: &Assignment, now: &Assignment) -> Option<Assignment> {
    let (Assignment::Agents(was), Assignment::Agents(wrote), Assignment::Agents(now)) = (was, wrote, now) else {
        return None;
    };
    let added = &(wrote - was) & now;
    let removed = &(was - wrote) - now;
    Some(Assignment::Agents(&(was | &added) - &removed))
}

/// Whether a failed item at which this was read changed something all the same.
pub(super) fn is_applied_in_part(connection: &Connection, item: i64, now: &Assignment) -> rusqlite::Result<bool> {
    if !matches!(now, Assignment::Agents(_)) {
        return Ok(false);
    }
    let sql = format!("SELECT i.was, i.wrote, {READ_BEFORE} FROM items i WHERE i.n = ?1");
    let (was, wrote, read) =
        connection.prepare_cached(&sql)?.query_row([item], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (was, wrote) = as_sent([was, wrote], read, &mut Values::new(connection))?;
    Ok(part_of(&was, &wrote, now).is_some_and(|applied| applied != was))
}

/// All failed items that were applied in part, by their numbers.
pub(super) fn applied_in_part(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT item, now FROM standing WHERE state = {FAILED} AND now IS NOT NULL ORDER BY item");
    let mut query = connection.prepare(&sql)?;
    let mut rows = query.query([])?;
    let mut values = Values::new(connection);
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let item = row.get(0)?;
        if is_applied_in_part(connection, item, &values.assignment(row.get(1)?)?)? {
            found.push(item);
        }
    }
    Ok(found)
}

fn items_where(connection: &Connection, first: i64, rest: &str, bound: &[&dyn ToSql]) -> Result<Vec<ItemRow>, Trouble> {
    let mut values = Values::new(connection);
    let sql = format!("SELECT {ITEM_COLUMNS}, {READ_BEFORE} FROM {ITEM_TABLES} WHERE {rest}");
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(bound)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(item(row, first, &mut values)?);
    }
    Ok(items)
}

pub(super) fn items(
    connection: &Connection,
    id: &OperationId,
    offset: usize,
    limit: usize,
) -> Result<Vec<ItemRow>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let from = first.saturating_add(codec::number(offset)).min(end);
    let to = from.saturating_add(codec::number(limit)).min(end);
    items_where(connection, first, "i.n >= ?1 AND i.n < ?2 ORDER BY i.n", &[&from, &to])
}

pub(super) fn items_in(
    connection: &Connection,
    id: &OperationId,
    states: &[ItemState],
    offset: usize,
    limit: usize,
) -> Result<Vec<ItemRow>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let (limit, offset) = (codec::number(limit), codec::number(offset));
    let rest = format!(
        "i.n >= ?1 AND i.n < ?2 AND coalesce(s.state, i.state) IN ({}) ORDER BY i.n LIMIT ?3 OFFSET ?4",
        numbers(states)
    );
    items_where(connection, first, &rest, &[&first, &end, &limit, &offset])
}

/// The first of the items in these states whose `seq` is `from` or more.
pub(super) fn items_in_from(
    connection: &Connection,
    id: &OperationId,
    states: &[ItemState],
    from: u32,
    limit: usize,
) -> Result<Vec<ItemRow>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let (from, limit) = (first.saturating_add(from.into()), codec::number(limit));
    let rest =
        format!("i.n >= ?1 AND i.n < ?2 AND coalesce(s.state, i.state) IN ({}) ORDER BY i.n LIMIT ?3", numbers(states));
    items_where(connection, first, &rest, &[&from, &end, &limit])
}

/// The numbers of states, for a question.
fn numbers(states: &[ItemState]) -> String {
    let numbers: Vec<String> = states.iter().map(|&state| state_number(state).to_string()).collect();
    numbers.join(", ")
}

/// The first of the items whose `seq` is `from` or more that were done and not taken back since, and where to go on.
pub(super) fn undoable_from(
    connection: &Connection,
    id: &OperationId,
    from: u32,
    limit: usize,
) -> Result<(Vec<ItemRow>, Option<u32>), Trouble> {
    let Range { first, end } = range(connection, id)?;
    let from = first.saturating_add(from.into());
    let rest = "i.n >= ?1 AND i.n < ?2 AND (s.state = ?3 OR s.in_part = 1)
                AND s.taken_back_by IS NULL ORDER BY i.n LIMIT ?4";
    let items = items_where(connection, first, rest, &[&from, &end, &DONE, &codec::number(limit)])?;
    let next = items.last().filter(|_| items.len() == limit).map(|last| last.seq.saturating_add(1));
    Ok((items.into_iter().filter_map(written).collect(), next))
}

/// An item with what it wrote: the whole of it, or the part that was applied.
fn written(item: ItemRow) -> Option<ItemRow> {
    if item.state == ItemState::Failed { applied_part(item) } else { Some(item) }
}

/// What the items of an operation that still stand took back of operations since then, what those had taken back of some
/// since then, and so on: each with the operation it belongs to.
pub(super) fn taken_back_since(
    connection: &Connection,
    id: &OperationId,
    since: Timestamp,
    mut with: impl FnMut(&OperationId, ItemRow),
) -> Result<(), Trouble> {
    let Range { first, end } = range(connection, id)?;
    let mut values = Values::new(connection);
    let young = "JOIN items y ON y.n = r.takes_back JOIN operations yo ON yo.n = y.operation AND yo.at >= ?3";
    let sql = format!(
        "WITH RECURSIVE through(item) AS (
             SELECT r.takes_back FROM standing s JOIN reversals r ON r.item = s.item {young}
             WHERE s.item >= ?1 AND s.item < ?2 AND (s.state = {DONE} OR s.in_part = 1) AND s.taken_back_by IS NULL
             UNION SELECT r.takes_back FROM through t JOIN reversals r ON r.item = t.item {young}
         )
         SELECT {ITEM_COLUMNS}, {READ_BEFORE}, o.id, o.first_item
         FROM {ITEM_TABLES} JOIN operations o ON o.n = i.operation
         WHERE i.n IN (SELECT item FROM through) AND s.state IN ({DONE}, {FAILED}) ORDER BY i.n"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query((first, end, codec::time_number(since)))?;
    while let Some(row) = rows.next()? {
        let row_of = OperationId::from(row.get::<_, String>(12)?);
        if let Some(item) = written(item(row, row.get(13)?, &mut values)?) {
            with(&row_of, item);
        }
    }
    Ok(())
}

pub(super) fn items_of(connection: &Connection, id: &OperationId, target: &TargetId) -> Result<Vec<ItemRow>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let rest = "i.target = ?1 AND i.n >= ?2 AND i.n < ?3 ORDER BY i.n";
    items_where(connection, first, rest, &[&target.as_str(), &first, &end])
}

/// An operation that began longer ago than this before the span is not looked through: none runs for that long.
const LONGEST_RUN: jiff::SignedDuration = jiff::SignedDuration::from_hours(72);

pub(super) fn touched_since(connection: &Connection, since: Timestamp) -> Result<Vec<Touch>, Trouble> {
    let begun = since.checked_sub(LONGEST_RUN).unwrap_or(Timestamp::MIN);
    // The operations that are young enough are few; their items stand together, and most questions end right there.
    let sql = format!(
        "SELECT p.profile, i.target, max(s.at), o.who
         FROM operations o
         JOIN items i ON i.n >= o.first_item AND i.n < o.first_item + o.items
         JOIN standing s ON s.item = i.n
         JOIN parts p ON p.operation = o.n AND p.part = i.part
         WHERE o.at >= ?1 AND s.at >= ?2 AND s.state IN ({DONE}, {}, {})
         GROUP BY p.profile, i.target",
        state_number(ItemState::Sent),
        state_number(ItemState::Unknown),
    );
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map((codec::time_number(begun), codec::time_number(since)), |row| {
        Ok(Touch {
            profile: ProfileName::from(row.get::<_, String>(0)?),
            target: TargetId::from(row.get::<_, String>(1)?),
            at: codec::time(row.get(2)?)?,
            who: SafeText::from(row.get::<_, String>(3)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What came out of an operation at each of its profiles. Counts through the items: for one operation that is looked at.
pub(super) fn part_tallies(connection: &Connection, id: &OperationId) -> Result<Vec<Tally>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let mut query = connection.prepare_cached(
        "SELECT i.part, coalesce(s.state, i.state), count(*) FROM items i LEFT JOIN standing s ON s.item = i.n
         WHERE i.n >= ?1 AND i.n < ?2 GROUP BY 1, 2",
    )?;
    let mut tallies: Vec<Tally> = Vec::new();
    let mut rows = query.query((first, end))?;
    while let Some(row) = rows.next()? {
        let part = codec::count(row, 0)?;
        if tallies.len() <= part {
            tallies.resize(part + 1, Tally::default());
        }
        tallies[part].add(codec::state(row.get(1)?)?, codec::count(row, 2)?);
    }
    Ok(tallies)
}

/// When an item of this operation was last marked as sent.
pub(super) fn last_sent(connection: &Connection, id: &OperationId) -> Result<Option<Timestamp>, Trouble> {
    let Range { first, end } = range(connection, id)?;
    let at: Option<i64> = connection
        .prepare_cached("SELECT max(at) FROM moves WHERE item >= ?1 AND item < ?2 AND state = ?3")?
        .query_row((first, end, state_number(ItemState::Sent)), |row| row.get(0))?;
    Ok(at.map(codec::time).transpose()?)
}

pub(super) fn lead_events(connection: &Connection, lead: &LeadKey, limit: usize) -> Result<Vec<LeadEvent>, Trouble> {
    let mut values = Values::new(connection);
    let mut query = connection.prepare_cached(&format!(
        "SELECT o.id, coalesce(s.at, o.at), o.who, o.kind, i.was, i.wrote, coalesce(s.state, i.state),
                CASE WHEN s.item IS NULL THEN i.reason ELSE s.reason END, {READ_BEFORE}
         FROM items i
         JOIN operations o ON o.n = i.operation
         JOIN parts p ON p.operation = i.operation AND p.part = i.part
         LEFT JOIN standing s ON s.item = i.n
         WHERE i.target = ?1 AND p.profile = ?2
         ORDER BY i.n DESC LIMIT ?3"
    ))?;
    let mut rows = query.query((lead.id.as_str(), lead.profile.as_str(), codec::number(limit)))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let (was, wrote) = as_sent([row.get(4)?, row.get(5)?], row.get(8)?, &mut values)?;
        events.push(LeadEvent {
            operation: OperationId::from(row.get::<_, String>(0)?),
            at: codec::time(row.get(1)?)?,
            who: SafeText::from(row.get::<_, String>(2)?),
            kind: kind(&row.get::<_, String>(3)?)?,
            was,
            wrote,
            state: codec::state(row.get(6)?)?,
            reason: row.get::<_, Option<i64>>(7)?.map(|reason| values.text(reason)).transpose()?,
        });
    }
    Ok(events)
}

pub(super) fn last_known_owners(
    connection: &Connection,
    profile: &ProfileName,
    leads: &[LeadId],
) -> Result<Vec<Option<Assignment>>, Trouble> {
    let mut values = Values::new(connection);
    // The newest write that may have reached the vendor decides. Only when it is known to have done so is its value
    // still what the vendor was last told by us.
    let sql = format!(
        "SELECT i.wrote, s.state FROM items i
         JOIN standing s ON s.item = i.n
         JOIN parts p ON p.operation = i.operation AND p.part = i.part
         WHERE i.target = ?1 AND p.profile = ?2 AND s.state IN ({}, {}, {}, {})
         ORDER BY i.n DESC LIMIT 1",
        DONE,
        state_number(ItemState::Sent),
        state_number(ItemState::Unknown),
        state_number(ItemState::ChangedByOthers),
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut owners = Vec::with_capacity(leads.len());
    for lead in leads {
        let newest: Option<(i64, i64)> =
            query.query_row((lead.as_str(), profile.as_str()), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        owners.push(match newest {
            Some((wrote, DONE)) => Some(values.assignment(wrote)?).filter(is_exact),
            _ => None,
        });
    }
    Ok(owners)
}

/// Whether an assignment says by id who it is.
fn is_exact(assignment: &Assignment) -> bool {
    match assignment {
        Assignment::Unknown => false,
        Assignment::Unassigned(_) | Assignment::Agents(_) => true,
        Assignment::Owner(owner) => owner.id.is_some(),
    }
}
