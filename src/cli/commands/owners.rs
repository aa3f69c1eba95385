//! `owners`: list people with their load.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::backend::StopToken;
use crate::cli::args::Format;
use crate::cli::exit::{Exit, Failure};
use crate::cli::loading::{self, Want};
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::items::grouped;
use crate::cli::output::json::OwnerLine;
use crate::cli::output::table::{self, Column, Table};
use crate::cli::output::{Out, say};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::signals::unless_stopped;
use crate::domain::leads::{LeadTable, SnapshotPart};
use crate::domain::{Agreement, Assignment, Links, Person, PersonId, PersonStatus, ProfileName, Verbatim};

pub async fn run(session: &Session, stop: &StopToken, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = session.profiles()?;
    let engine = session.engine(&profiles)?;
    let names = super::usable(&engine)?;
    let progress = Progress::new(session.plain);
    // The load of an agent is the lists that he or she may dial. Read first: it names the agents as well.
    let mut mapped: BTreeMap<&ProfileName, BTreeMap<PersonId, usize>> = BTreeMap::new();
    let mut gaps = names.len() < profiles.len();
    for name in names.iter().filter(|name| super::maps_agents(&engine, name)) {
        match unless_stopped(stop, engine.mappings(name, None)).await? {
            Ok(records) => {
                let lists = mapped.entry(name).or_default();
                let unread = records.iter().filter(|record| record.agents.is_err()).count();
                if unread > 0 {
                    gaps = true;
                    say(&format!(
                        "{name}: of {} lead lists the agents could not be read and are not counted",
                        grouped(unread)
                    ));
                }
                for agent in records.iter().filter_map(|record| record.agents.as_ref().ok()).flatten() {
                    *lists.entry(agent.clone()).or_default() += 1;
                }
            }
            Err(error) => {
                gaps = true;
                say(&loading::sentence(name, &error));
            }
        }
    }
    let links = &session.config.people;
    let world = loading::load(&engine, &names, links, Want::Everything, &progress, stop).await?;
    world.tell_missing();
    let several = profiles.len() > 1;
    let mut columns = vec![Column::words("NAME"), Column::number("LEADS"), Column::words("E-MAIL")];
    columns.extend([Column::whole("ID"), Column::whole("")]);
    if several {
        columns.insert(0, Column::whole("PROFILE"));
    }
    let mut table = Table::new(&columns, table::room());
    if session.format == Format::Csv {
        csv::row(out, ["profile", "id", "name", "email", "active", "leads"].map(Cell::text))?;
    }
    let mut loose = Vec::new();
    let counted = |part: &SnapshotPart| {
        let mut loads = loads(&part.people, &part.table);
        if let Some(lists) = mapped.get(&part.profile) {
            loads.iter_mut().for_each(|load| load.leads = lists.get(&load.person.id).copied().unwrap_or_default());
        }
        loads
    };
    let counted: Vec<Vec<Load>> = world.snapshot.parts.iter().map(counted).collect();
    let totals = totals(&world.snapshot.parts, &counted, links);
    let mut told = HashSet::new();
    for (part, loads) in world.snapshot.parts.iter().zip(&counted) {
        for load in loads {
            let person = &load.person;
            let mut line = OwnerLine::new(&part.profile, person, load.leads, load.exact);
            let link = links.of(&part.profile, person);
            let total = link.and_then(|link| totals.get(link.key.as_str()));
            line.person = link.map(|link| link.key.as_str());
            line.person_leads = total.map(|total| total.leads);
            match session.format {
                Format::Json => out.json(&line)?,
                Format::Csv => csv::row(
                    out,
                    [
                        Cell::text(part.profile.as_str()),
                        Cell::text(person.id.as_str()),
                        Cell::Text(person.name.safe().as_str().to_owned().into()),
                        Cell::text(person.email.as_str()),
                        Cell::plain(line.active),
                        Cell::plain(line.leads),
                    ],
                )?,
                // One row for one person, with the load of all profiles.
                Format::Table if several && total.is_some_and(|total| total.profiles.len() > 1) => {
                    let (Some(link), Some(total)) = (link, total) else { continue };
                    if told.insert(&link.key) {
                        let ids: Vec<String> = total.profiles.iter().map(|(_, id, _)| id.clone()).collect();
                        let shares =
                            total.profiles.iter().map(|(name, _, leads)| format!("{name} {}", grouped(*leads)));
                        let cells = vec![
                            "together".to_owned(),
                            link.label(person).to_string(),
                            grouped(total.leads),
                            person.email.to_string(),
                            ids.join(", "),
                            shares.collect::<Vec<_>>().join(" + "),
                        ];
                        table.row(out, cells)?;
                    }
                }
                Format::Table => {
                    let mut cells = vec![
                        person.label().to_string(),
                        grouped(load.leads),
                        person.email.to_string(),
                        person.id.to_string(),
                        remark(load).to_owned(),
                    ];
                    if several {
                        cells.insert(0, part.profile.to_string());
                    }
                    table.row(out, cells)?;
                }
            }
        }
        if let Some(lists) = mapped.get(&part.profile) {
            let pairs: usize = lists.values().sum();
            loose.push(format!("{}: counted are lead lists, {} mappings altogether", part.profile, grouped(pairs)));
            continue;
        }
        let count = |wanted: fn(&Assignment) -> bool| -> usize {
            part.table.owners().iter().filter(|(owner, _)| wanted(owner)).map(|(_, count)| count).sum()
        };
        let (nobody, unknown) =
            (count(|owner| matches!(owner, Assignment::Unassigned(_))), count(|owner| !owner.is_known()));
        loose.push(format!(
            "{}: {} leads, {} with nobody{}",
            part.profile,
            grouped(part.table.len()),
            grouped(nobody),
            if unknown > 0 { format!(", {} with an owner that is not known", grouped(unknown)) } else { String::new() }
        ));
    }
    table.end(out)?;
    out.flush()?;
    if session.format == Format::Table {
        loose.iter().for_each(|line| say(line));
    }
    Ok(match (gaps || !world.missing.is_empty(), world.snapshot.parts.is_empty()) {
        (false, _) => Exit::Done,
        (true, false) => Exit::Partly,
        (true, true) => Exit::Nothing,
    })
}

/// The leads of one person in all listed profiles.
#[derive(Default)]
struct Total {
    leads: usize,
    /// Profile, id there, leads there.
    profiles: Vec<(ProfileName, String, usize)>,
}

/// Everyone whom the configuration links, by the short name.
fn totals<'l>(parts: &[SnapshotPart], loads: &[Vec<Load>], links: &'l Links) -> HashMap<&'l str, Total> {
    let mut totals: HashMap<&str, Total> = HashMap::new();
    for (part, loads) in parts.iter().zip(loads) {
        for load in loads {
            let Some(link) = links.of(&part.profile, &load.person) else { continue };
            let total = totals.entry(&link.key).or_default();
            total.leads += load.leads;
            total.profiles.push((part.profile.clone(), load.person.id.to_string(), load.leads));
        }
    }
    totals
}

fn remark(load: &Load) -> &'static str {
    match (load.person.status, load.exact) {
        (PersonStatus::Gone, _) => "not listed any more",
        (PersonStatus::Inactive, _) => "not active",
        (PersonStatus::Active, false) => "shares this name, and its count, with others",
        (PersonStatus::Active, true) => "",
    }
}

/// A person and how many leads they own.
#[derive(Clone, Debug, PartialEq)]
struct Load {
    person: Person,
    leads: usize,
    /// False where owners are known only by a name that several people have.
    exact: bool,
}

/// Everyone the vendor lists, then owners of leads whom it does not list.
fn loads(people: &[Person], table: &LeadTable) -> Vec<Load> {
    let mut loads: Vec<Load> =
        people.iter().map(|person| Load { person: person.clone(), leads: 0, exact: true }).collect();
    let mut gone: Vec<Load> = Vec::new();
    let mut seen = HashSet::new();
    for (assignment, count) in table.owners() {
        let holders: Vec<_> = match assignment {
            Assignment::Owner(owner) => vec![owner.clone()],
            Assignment::Agents(users) => {
                users.iter().map(|user| crate::domain::OwnerRef::with_id(user.as_str())).collect()
            }
            Assignment::Unassigned(_) | Assignment::Unknown => continue,
        };
        // An owner nobody has any more stays in the table with no leads.
        for owner in holders.into_iter().filter(|_| *count > 0) {
            let fitting: Vec<usize> = (0..loads.len())
                .filter(|n| loads[*n].person.owner_ref().agrees_with(&owner) == Agreement::Same)
                .collect();
            for n in &fitting {
                loads[*n].leads += count;
                loads[*n].exact &= fitting.len() == 1;
            }
            if fitting.is_empty() {
                let person = Person {
                    id: owner.id.clone().unwrap_or_else(|| PersonId::new("")),
                    name: owner.name.clone().unwrap_or_else(|| Verbatim::new("")),
                    status: PersonStatus::Gone,
                    ..Person::default()
                };
                if seen.insert((person.id.clone(), person.name.clone())) {
                    gone.push(Load { person, leads: *count, exact: true });
                } else if let Some(known) = gone.iter_mut().find(|load| load.person == person) {
                    known.leads += count;
                }
            }
        }
    }
    loads.extend(gone);
    loads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LeadRecord, OwnerRef};

    fn person(id: &str, name: &str) -> Person {
        Person { id: id.into(), name: Verbatim::new(name), ..Person::default() }
    }

    fn table(owners: &[OwnerRef]) -> LeadTable {
        let lead = |(n, owner): (usize, &OwnerRef)| LeadRecord {
            id: format!("ld_{n}").into(),
            owner: Assignment::Owner(owner.clone()),
            ..LeadRecord::default()
        };
        let mut leads: Vec<LeadRecord> = owners.iter().enumerate().map(lead).collect();
        leads.push(LeadRecord { id: "free".into(), owner: Assignment::unassigned(), ..LeadRecord::default() });
        LeadTable::default().with_leads(&leads)
    }

    #[test]
    fn loads_are_counted_by_id_or_by_a_name_that_is_one_persons() {
        let people = [person("u1", "Jane"), person("u2", "Twin"), person("u3", "Twin"), person("u4", "Idle")];
        let table = table(&[
            OwnerRef::named("Jane"),
            OwnerRef::with_id("u1"),
            OwnerRef::named("Twin"),
            OwnerRef::with_id("u3"),
            OwnerRef::named("Gone"),
            OwnerRef::named("Gone"),
        ]);
        let counted: Vec<_> = loads(&people, &table)
            .into_iter()
            .map(|load| (load.person.label().to_string(), load.leads, load.exact, load.person.is_active()))
            .collect();
        assert_eq!(
            counted,
            [
                ("Jane".to_owned(), 2, true, true),
                ("Twin".to_owned(), 1, false, true),
                ("Twin".to_owned(), 2, false, true),
                ("Idle".to_owned(), 0, true, true),
                ("Gone".to_owned(), 2, true, false),
            ]
        );
    }
}
