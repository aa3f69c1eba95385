//! What is written: operations with their items, and the items' moves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::codec::{self, DONE, tally_column};
use super::hold::{self, Grip};
use super::schema::UNKNOWN;
use super::writer::{Desk, Trouble};
use super::{JournalError, Move, NewOperation, pages, read};
use crate::domain::history::{ItemRow, OperationPart};
use crate::domain::{Assignment, ItemState, OperationId, OperationKind, Plan, SafeText, TakenBackRef, Timestamp};

/// An operation on its way to the writing thread. The plan is shared, not copied: it may be long.
pub(super) struct Prepared {
    id: OperationId,
    at: Timestamp,
    kind: OperationKind,
    reverts: Option<OperationId>,
    who: SafeText,
    note: Option<SafeText>,
    parts: Vec<OperationPart>,
    plan: Arc<Plan>,
}

struct NewItem<'a> {
    part: i64,
    target: &'a str,
    name: &'a str,
    was: &'a Assignment,
    wrote: &'a Assignment,
    scope: &'a str,
    /// Why it is skipped from the start.
    skipped: Option<SafeText>,
}

impl Prepared {
    pub fn new(operation: &NewOperation) -> Result<Self, JournalError> {
        let NewOperation { plan, parts, .. } = operation;
        if parts.len() != plan.parts.len() || parts.iter().zip(&plan.parts).any(|(a, b)| a.profile != b.profile) {
            return Err(JournalError::Refused("the parts of the operation are not those of its plan".to_owned()));
        }
        let total = plan.changes() + plan.skips();
        if u32::try_from(total).is_err() {
            return Err(JournalError::Refused(format!("{total} items are more than one operation can have")));
        }
        for part in &plan.parts {
            if let Some(back) = part.takes_back.iter().find(|back| back.change as usize >= part.changes.len()) {
                return Err(no_such_item(&operation.id, back.change));
            }
        }
        Ok(Self {
            id: operation.id.clone(),
            at: operation.at,
            kind: operation.kind,
            reverts: operation.reverts.clone(),
            who: operation.who.clone(),
            note: operation.note.clone(),
            parts: parts.clone(),
            plan: plan.clone(),
        })
    }

    /// The items in the order of their numbers.
    fn items(&self) -> impl Iterator<Item = NewItem<'_>> {
        let numbered = || (0_i64..).zip(&self.plan.parts);
        let changes = numbered().flat_map(|(part, content)| {
            content.changes.iter().map(move |change| NewItem {
                part,
                target: change.id(),
                name: change.name_as_kept(),
                was: change.before,
                wrote: change.after,
                scope: change.scope(),
                skipped: None,
            })
        });
        let skips = numbered().flat_map(|(part, content)| {
            content.skips.iter().map(move |skip| NewItem {
                part,
                target: skip.id(),
                name: skip.name_as_kept(),
                was: skip.before,
                wrote: skip.after,
                scope: "",
                skipped: Some(SafeText::from(skip.reason.to_string())),
            })
        });
        changes.chain(skips)
    }

    pub fn id(&self) -> &OperationId {
        &self.id
    }

    /// Writes it and takes hold of it.
    pub fn store(&self, desk: &mut Desk<'_>, token: i64) -> Result<Grip, Trouble> {
        if self.id.is_empty() || place_of(desk, &self.id)?.is_some() {
            return Err(JournalError::Refused(format!("there is already an operation {}", self.id)).into());
        }
        let first_item =
            desk.connection.query_row("SELECT coalesce(max(n), 0) + 1 FROM items", [], |row| row.get(0))?;
        let items = codec::number(self.plan.changes() + self.plan.skips());
        desk.connection
            .prepare_cached(
                "INSERT INTO operations (id, at, kind, reverts, who, note, first_item, items)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                self.id.as_str(),
                codec::time_number(self.at),
                <&str>::from(self.kind),
                self.reverts.as_ref().map(OperationId::as_str),
                self.who.as_str(),
                self.note.as_ref().map(SafeText::as_str),
                first_item,
                items,
            ))?;
        let operation = desk.connection.last_insert_rowid();
        self.store_parts(desk, operation)?;
        let touched = self.store_items(desk, operation, first_item)?;
        self.store_reversals(desk, operation, first_item)?;
        let mut touch =
            desk.connection.prepare_cached("INSERT INTO touched (assignment, operation) VALUES (?1, ?2)")?;
        for assignment in touched {
            touch.execute((assignment, operation))?;
        }
        let skipped = codec::number(self.plan.skips());
        desk.connection
            .prepare_cached(
                "INSERT INTO tallies
                 (operation, planned, sent, done, failed, unknown, skipped, not_sent, changed_by_others, taken_back)
             VALUES (?1, ?2, 0, 0, 0, 0, ?3, 0, 0, 0)",
            )?
            .execute((operation, items - skipped, skipped))?;
        hold::take(desk, &self.id, operation, token)?;
        Ok(Grip { operation, first_item, items, token })
    }

    fn store_parts(&self, desk: &Desk<'_>, operation: i64) -> Result<(), Trouble> {
        let mut insert = desk.connection.prepare_cached(
            "INSERT INTO parts (operation, part, profile, vendor, base_url, context) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (number, part) in self.parts.iter().enumerate() {
            insert.execute((
                operation,
                codec::number(number),
                part.profile.as_str(),
                <&str>::from(part.vendor),
                &part.base_url,
                part.context.to_string(),
            ))?;
        }
        Ok(())
    }

    /// Returns the assignments that the items found or wrote.
    fn store_items(&self, desk: &mut Desk<'_>, operation: i64, first: i64) -> Result<HashSet<i64>, Trouble> {
        let mut touched = HashSet::new();
        let mut insert = desk.connection.prepare_cached(
            "INSERT INTO items (n, operation, part, target, name, was, wrote, scope, state, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for (n, item) in (first..).zip(self.items()) {
            let was = desk.numbers.of_assignment(desk.connection, item.was)?;
            let wrote = desk.numbers.of_assignment(desk.connection, item.wrote)?;
            touched.extend([was, wrote]);
            let (state, reason) = match &item.skipped {
                Some(reason) => (ItemState::Skipped, Some(desk.numbers.of_text(desk.connection, reason)?)),
                None => (ItemState::Planned, None),
            };
            insert.execute((
                n,
                operation,
                item.part,
                item.target,
                Some(item.name).filter(|name| !name.is_empty()),
                was,
                wrote,
                Some(item.scope).filter(|scope| !scope.is_empty()),
                codec::state_number(state),
                reason,
            ))?;
        }
        Ok(touched)
    }

    fn store_reversals(&self, desk: &Desk<'_>, operation: i64, first_item: i64) -> Result<(), Trouble> {
        let mut reverted = HashMap::new();
        let mut insert =
            desk.connection.prepare_cached("INSERT OR IGNORE INTO reversals (item, takes_back) VALUES (?1, ?2)")?;
        let mut first_of_part = first_item;
        for part in &self.plan.parts {
            for TakenBackRef { change, operation: id, seq } in part.takes_back.iter() {
                let earlier = taken_back_item(desk, &mut reverted, id, seq)?;
                if earlier >= first_item {
                    return Err(JournalError::Refused(format!("operation {id} cannot take itself back")).into());
                }
                insert.execute((first_of_part.saturating_add(i64::from(change)), earlier))?;
            }
            first_of_part = first_of_part.saturating_add(codec::number(part.changes.len()));
        }
        let mut insert = desk.connection.prepare_cached("INSERT INTO reverted (operation, earlier) VALUES (?1, ?2)")?;
        for rows in reverted.values() {
            insert.execute((operation, rows.operation))?;
        }
        Ok(())
    }
}

/// Where an operation's rows are.
#[derive(Clone, Copy)]
struct Rows {
    operation: i64,
    first_item: i64,
    items: i64,
}

fn place_of(desk: &Desk<'_>, id: &OperationId) -> rusqlite::Result<Option<Rows>> {
    desk.connection
        .prepare_cached("SELECT n, first_item, items FROM operations WHERE id = ?1")?
        .query_row([id.as_str()], |row| {
            Ok(Rows { operation: row.get(0)?, first_item: row.get(1)?, items: row.get(2)? })
        })
        .optional()
}

fn taken_back_item(
    desk: &Desk<'_>,
    reverted: &mut HashMap<OperationId, Rows>,
    id: &OperationId,
    seq: u32,
) -> Result<i64, Trouble> {
    let rows = match reverted.get(id) {
        Some(rows) => *rows,
        None => {
            let rows = place_of(desk, id)?.ok_or_else(|| JournalError::NoSuchOperation(id.to_string()))?;
            reverted.insert(id.clone(), rows);
            rows
        }
    };
    if i64::from(seq) >= rows.items {
        return Err(no_such_item(id, seq).into());
    }
    Ok(rows.first_item.saturating_add(i64::from(seq)))
}

fn no_such_item(operation: &OperationId, seq: u32) -> JournalError {
    JournalError::Refused(format!("operation {operation} has no item {seq}"))
}

/// Takes hold of an operation that is already in the journal.
pub(super) fn hold(desk: &Desk<'_>, id: &OperationId, token: i64) -> Result<Grip, Trouble> {
    let rows = place_of(desk, id)?.ok_or_else(|| JournalError::NoSuchOperation(id.to_string()))?;
    hold::take(desk, id, rows.operation, token)?;
    Ok(Grip { operation: rows.operation, first_item: rows.first_item, items: rows.items, token })
}

/// What the moves of one transaction have in common, so that it is done once for all of them: many tasks bring one
/// move each, most of them to the same operation.
#[derive(Default)]
pub(super) struct Batch {
    /// Operations whose hold was looked at.
    checked: HashMap<(i64, i64), Checked>,
    /// How many items of an operation went from where to where.
    shifts: BTreeMap<(i64, ItemState, ItemState), i64>,
    /// How many items of an operation were taken back.
    taken_back: BTreeMap<i64, i64>,
    /// How many items of an operation turned out to be applied in part.
    in_part: BTreeMap<i64, i64>,
    /// How many more items of an operation stand as done though it is not known what was there before.
    no_way_back: BTreeMap<i64, i64>,
}

/// What is looked up once for an operation whose items move.
#[derive(Clone, Copy)]
struct Checked {
    /// Items of it have to do with taking back.
    reversals: bool,
    /// Of items of it something is not known.
    unknown: bool,
}

impl Batch {
    /// Writes the tallies.
    pub fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        for ((operation, from, to), items) in self.shifts {
            let (from, to) = (tally_column(from), tally_column(to));
            let sql = format!("UPDATE tallies SET {from} = {from} - ?2, {to} = {to} + ?2 WHERE operation = ?1");
            connection.prepare_cached(&sql)?.execute((operation, items))?;
        }
        for (operation, items) in self.taken_back {
            connection
                .prepare_cached("UPDATE tallies SET taken_back = taken_back + ?2 WHERE operation = ?1")?
                .execute((operation, items))?;
        }
        for (operation, items) in self.in_part {
            connection
                .prepare_cached("UPDATE tallies SET in_part = in_part + ?2 WHERE operation = ?1")?
                .execute((operation, items))?;
        }
        for (operation, items) in self.no_way_back {
            connection
                .prepare_cached("UPDATE tallies SET no_way_back = no_way_back + ?2 WHERE operation = ?1")?
                .execute((operation, items))?;
        }
        Ok(())
    }
}

/// How an item stands before a move.
#[derive(Clone, Copy)]
struct Standing {
    step: i64,
    state: ItemState,
}

/// Appends moves, all or none: everything that can be refused is refused before the first row is written.
pub(super) fn record(
    desk: &mut Desk<'_>,
    id: &OperationId,
    grip: Grip,
    at: Timestamp,
    moves: &[Move],
) -> Result<(), Trouble> {
    let Checked { reversals, unknown } = match desk.batch.checked.get(&(grip.operation, grip.token)) {
        Some(&checked) => checked,
        None => {
            hold::check(desk, id, grip)?;
            let checked =
                Checked { reversals: has_reversals(desk, grip)?, unknown: touches_unknown(desk, grip.operation)? };
            desk.batch.checked.insert((grip.operation, grip.token), checked);
            checked
        }
    };
    let before = look(desk, id, grip, moves)?;
    let at = codec::time_number(at);
    let mut append = desk
        .connection
        .prepare_cached("INSERT INTO moves (item, step, state, at, reason, now) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut stand = desk.connection.prepare_cached(
        "INSERT INTO standing (item, step, state, at, reason, now) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (item) DO UPDATE SET step = ?2, state = ?3, at = ?4, reason = ?5, now = ?6",
    )?;
    for (Move { seq, to, reason, now }, before) in moves.iter().zip(before) {
        let item = grip.item(*seq);
        let reason = reason.as_ref().map(|reason| desk.numbers.of_text(desk.connection, reason)).transpose()?;
        // Nothing comes after a failure, so this is looked at once.
        let in_part = match now {
            Some(now) if *to == ItemState::Failed => read::is_applied_in_part(desk.connection, item, now)?,
            _ => false,
        };
        let now = now.as_ref().map(|now| desk.numbers.of_assignment(desk.connection, now)).transpose()?;
        let row = (item, before.step.saturating_add(1), codec::state_number(*to), at, reason, now);
        append.execute(row)?;
        stand.execute(row)?;
        // An item may be found unknown again, for another reason: nothing to count.
        if before.state != *to {
            *desk.batch.shifts.entry((grip.operation, before.state, *to)).or_default() += 1;
        }
        if in_part {
            desk.connection.prepare_cached("UPDATE standing SET in_part = 1 WHERE item = ?1")?.execute([item])?;
            *desk.batch.in_part.entry(grip.operation).or_default() += 1;
        }
        if *to == ItemState::Done && unknown && had_unknown(desk, item)? {
            *desk.batch.no_way_back.entry(grip.operation).or_default() += 1;
        }
        if *to == ItemState::Done && reversals {
            take_back(desk, grip.operation, item)?;
        } else if in_part && reversals {
            taken_back_later(desk, grip.operation, item)?;
        }
    }
    Ok(())
}

/// Appends the moves that `decide` finds for each item in one of `states`. The caller takes back what was written where
/// one of them is refused.
pub(super) fn record_each(
    desk: &mut Desk<'_>,
    id: &OperationId,
    grip: Grip,
    at: Timestamp,
    states: &[ItemState],
    mut decide: impl FnMut(&ItemRow, &mut Vec<Move>),
) -> Result<(), Trouble> {
    // The hold is looked at also where there is nothing to move.
    record(desk, id, grip, at, &[])?;
    let mut from = 0;
    loop {
        let items = read::items_in_from(desk.connection, id, states, from, pages::ITEMS)?;
        let mut moves = Vec::with_capacity(items.len());
        items.iter().for_each(|item| decide(item, &mut moves));
        record(desk, id, grip, at, &moves)?;
        match items.last() {
            // By its position: what has moved is not met again.
            Some(last) if items.len() == pages::ITEMS => from = last.seq.saturating_add(1),
            _ => return Ok(()),
        }
    }
}

/// Notes that an operation is not gone on with. A second time changes nothing.
pub(super) fn give_up(
    desk: &mut Desk<'_>,
    id: &OperationId,
    grip: Grip,
    at: Timestamp,
    who: &SafeText,
    why: &SafeText,
) -> Result<(), Trouble> {
    record_each(desk, id, grip, at, &[ItemState::Planned], |item, moves| {
        moves.push(Move { reason: Some(why.clone()), ..Move::to(item.seq, ItemState::NotSent) });
    })?;
    desk.connection
        .prepare_cached("INSERT OR IGNORE INTO given_up (operation, at, who) VALUES (?1, ?2, ?3)")?
        .execute((grip.operation, codec::time_number(at), who.as_str()))?;
    Ok(())
}

/// How each item stands before its move. Several moves of one item follow each other.
fn look(desk: &Desk<'_>, id: &OperationId, grip: Grip, moves: &[Move]) -> Result<Vec<Standing>, Trouble> {
    let mut latest: HashMap<u32, Standing> = HashMap::new();
    let mut before = Vec::with_capacity(moves.len());
    for &Move { seq, to, .. } in moves {
        if i64::from(seq) >= grip.items {
            return Err(no_such_item(id, seq).into());
        }
        let standing = match latest.get(&seq) {
            Some(standing) => *standing,
            None => standing(desk, grip.item(seq))?,
        };
        if !standing.state.may_become(to) {
            return Err(JournalError::IllegalMove { operation: id.clone(), seq, from: standing.state, to }.into());
        }
        before.push(standing);
        latest.insert(seq, Standing { step: standing.step.saturating_add(1), state: to });
    }
    Ok(before)
}

fn standing(desk: &Desk<'_>, item: i64) -> rusqlite::Result<Standing> {
    // Two plain look-ups: SQLite prepares the join of the two tables anew at every use.
    let moved = desk
        .connection
        .prepare_cached("SELECT step, state FROM standing WHERE item = ?1")?
        .query_row([item], |row| Ok(Standing { step: row.get(0)?, state: codec::state(row.get(1)?)? }))
        .optional()?;
    match moved {
        Some(standing) => Ok(standing),
        None => desk
            .connection
            .prepare_cached("SELECT state FROM items WHERE n = ?1")?
            .query_row([item], |row| Ok(Standing { step: 0, state: codec::state(row.get(0)?)? })),
    }
}

/// Whether items of an operation take something back, or are taken back by something.
fn has_reversals(desk: &Desk<'_>, grip: Grip) -> rusqlite::Result<bool> {
    desk.connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM reversals WHERE item >= ?1 AND item < ?2)
                 OR EXISTS (SELECT 1 FROM reversals WHERE takes_back >= ?1 AND takes_back < ?2)",
        )?
        .query_row((grip.first_item, grip.first_item.saturating_add(grip.items)), |row| row.get(0))
}

/// Marks what a newly done item takes back, and what had already taken this item back while its own outcome was open:
/// an item is taken back when it is done and a done item of a later operation refers to it, in whichever order the two
/// became known.
fn take_back(desk: &mut Desk<'_>, operation: i64, item: i64) -> rusqlite::Result<()> {
    let mut earlier = desk.connection.prepare_cached(
        "SELECT r.takes_back, i.operation FROM reversals r JOIN items i ON i.n = r.takes_back WHERE r.item = ?1",
    )?;
    let mut rows = earlier.query([item])?;
    while let Some(row) = rows.next()? {
        mark(desk, row.get(1)?, row.get(0)?, item)?;
    }
    taken_back_later(desk, operation, item)
}

/// Marks an item that stands as taken back by a later one, and counts that.
fn mark(desk: &mut Desk<'_>, operation: i64, item: i64, by: i64) -> rusqlite::Result<()> {
    let marked = desk
        .connection
        .prepare_cached(
            "UPDATE standing SET taken_back_by = ?2
             WHERE item = ?1 AND (state = ?3 OR in_part = 1) AND taken_back_by IS NULL",
        )?
        .execute((item, by, DONE))?;
    if marked == 1 {
        *desk.batch.taken_back.entry(operation).or_default() += 1;
        if had_unknown(desk, item)? {
            *desk.batch.no_way_back.entry(operation).or_default() -= 1;
        }
    }
    Ok(())
}

/// Whether it is not known what was there before an item.
fn had_unknown(desk: &Desk<'_>, item: i64) -> rusqlite::Result<bool> {
    desk.connection
        .prepare_cached(&format!("SELECT coalesce(was = {UNKNOWN}, 0) FROM items WHERE n = ?1"))?
        .query_row([item], |row| row.get(0))
}

/// Whether an operation has items of which something is not known.
fn touches_unknown(desk: &Desk<'_>, operation: i64) -> rusqlite::Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM touched WHERE assignment = {UNKNOWN} AND operation = ?1)");
    desk.connection.prepare_cached(&sql)?.query_row([operation], |row| row.get(0))
}

/// Marks an item that a later one took back before its own outcome was known.
fn taken_back_later(desk: &mut Desk<'_>, operation: i64, item: i64) -> rusqlite::Result<()> {
    let later: Option<i64> = desk
        .connection
        .prepare_cached(
            "SELECT r.item FROM reversals r JOIN standing s ON s.item = r.item
             WHERE r.takes_back = ?1 AND s.state = ?2 ORDER BY r.item LIMIT 1",
        )?
        .query_row((item, DONE), |row| row.get(0))
        .optional()?;
    later.map_or(Ok(()), |later| mark(desk, operation, item, later))
}
