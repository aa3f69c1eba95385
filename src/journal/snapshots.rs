//! Snapshots: whole mappings, kept by hand under a name or by themselves before mappings are changed.

use rusqlite::{Connection, OptionalExtension, Row};

use super::codec::{self, Values, misplaced};
use super::writer::{Desk, Trouble};
use super::{JournalError, NewSnapshot};
use crate::domain::matrix::{ListSet, MappingSnapshot, Sets, SnapshotInfo};
use crate::domain::{Assignment, OperationId, ProfileName, SafeText, TargetId};

pub(super) fn keep(desk: &mut Desk<'_>, snapshot: &NewSnapshot) -> Result<SnapshotInfo, Trouble> {
    desk.connection
        .prepare_cached(
            "INSERT INTO snapshots (name, at, who, profile, base_url, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            snapshot.name.as_str(),
            codec::time_number(snapshot.at),
            snapshot.who.as_str(),
            snapshot.profile.as_str(),
            &snapshot.base_url,
            snapshot.before.as_ref().map(OperationId::as_str),
        ))?;
    let number = desk.connection.last_insert_rowid();
    let mut insert = desk.connection.prepare_cached(
        "INSERT INTO snapshot_lists (snapshot, target, campaign, campaign_name, lead, lead_name, agents, pairs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (target, list) in &snapshot.sets.lists {
        let agents = match &list.agents {
            Some(agents) => Some(desk.numbers.of_assignment(desk.connection, &Assignment::Agents(agents.clone()))?),
            None => None,
        };
        insert.execute((
            number,
            target.as_str(),
            &list.campaign_id,
            list.campaign_name.as_str(),
            &list.lead_id,
            list.lead_name.as_str(),
            agents,
            codec::number(list.agents.as_ref().map_or(0, |agents| agents.len())),
        ))?;
    }
    let info = infos(desk.connection, "WHERE s.n = ?1", &[&number])?.pop();
    Ok(info.ok_or(rusqlite::Error::QueryReturnedNoRows)?)
}

fn infos(connection: &Connection, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<SnapshotInfo>, Trouble> {
    let sql = format!(
        "SELECT s.n, s.name, s.at, s.who, s.profile, s.before,
                (SELECT count(DISTINCT campaign) FROM snapshot_lists WHERE snapshot = s.n),
                (SELECT count(*) FROM snapshot_lists WHERE snapshot = s.n),
                (SELECT coalesce(sum(pairs), 0) FROM snapshot_lists WHERE snapshot = s.n)
         FROM snapshots s {which} ORDER BY s.n DESC"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map(values, info)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn info(row: &Row<'_>) -> rusqlite::Result<SnapshotInfo> {
    Ok(SnapshotInfo {
        number: row.get(0)?,
        name: SafeText::from(row.get::<_, String>(1)?),
        at: codec::time(row.get(2)?)?,
        who: SafeText::from(row.get::<_, String>(3)?),
        profile: ProfileName::from(row.get::<_, String>(4)?),
        before: row.get::<_, Option<String>>(5)?.map(OperationId::from),
        campaigns: codec::count(row, 6)?,
        lists: codec::count(row, 7)?,
        pairs: codec::count(row, 8)?,
    })
}

pub(super) fn list(connection: &Connection, profile: &ProfileName) -> Result<Vec<SnapshotInfo>, Trouble> {
    infos(connection, "WHERE s.profile = ?1", &[&profile.as_str()])
}

pub(super) fn find(connection: &Connection, profile: &ProfileName, name: &str) -> Result<MappingSnapshot, Trouble> {
    let by_name: Option<i64> = connection
        .prepare_cached("SELECT n FROM snapshots WHERE profile = ?1 AND name = ?2 ORDER BY n DESC LIMIT 1")?
        .query_row((profile.as_str(), SafeText::new(name).as_str()), |row| row.get(0))
        .optional()?;
    let number = by_name.or_else(|| name.strip_prefix('#')?.parse().ok());
    let found = match number {
        Some(number) => infos(connection, "WHERE s.profile = ?1 AND s.n = ?2", &[&profile.as_str(), &number])?.pop(),
        None => None,
    };
    let info = found.ok_or_else(|| JournalError::NoSuchSnapshot(profile.clone(), SafeText::new(name)))?;
    let sets = sets(connection, info.number)?;
    Ok(MappingSnapshot { info, sets })
}

fn sets(connection: &Connection, snapshot: i64) -> Result<Sets, Trouble> {
    let mut values = Values::new(connection);
    let mut query = connection.prepare_cached(
        "SELECT target, campaign, campaign_name, lead, lead_name, agents FROM snapshot_lists
         WHERE snapshot = ?1 ORDER BY target",
    )?;
    let mut rows = query.query([snapshot])?;
    let mut sets = Sets::default();
    while let Some(row) = rows.next()? {
        let agents = match row.get::<_, Option<i64>>(5)? {
            None => None,
            Some(number) => match values.assignment(number)? {
                Assignment::Agents(agents) => Some(agents),
                other => return Err(misplaced("set of agents", &other).into()),
            },
        };
        let list = ListSet {
            campaign_id: row.get(1)?,
            campaign_name: SafeText::from(row.get::<_, String>(2)?),
            lead_id: row.get(3)?,
            lead_name: SafeText::from(row.get::<_, String>(4)?),
            agents,
        };
        sets.lists.insert(TargetId::from(row.get::<_, String>(0)?), list);
    }
    Ok(sets)
}
