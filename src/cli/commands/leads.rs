//! `leads`: list leads.

use std::collections::HashMap;

use crate::backend::StopToken;
use crate::cli::args::{Format, LeadsArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::loading::{self, Want, World};
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::items::grouped;
use crate::cli::output::table::{self, Column, Table};
use crate::cli::output::{Out, json, say};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::domain::{
    Assignment, Field, LeadRecord, OwnerRef, Person, PersonId, ProfileName, SafeText, Timestamp, Verbatim,
};

/// Without `--names` the names of at most this many leads are fetched one by one.
const NAMES_UNASKED: usize = 100;

pub async fn run(session: &Session, args: &LeadsArgs, stop: &StopToken, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = session.profiles()?;
    let engine = session.engine(&profiles)?;
    let usable = super::usable(&engine)?;
    // Lead lists with agents are listed by `campaigns`; single leads are not to be had there.
    let (lists, names): (Vec<_>, Vec<_>) = usable.into_iter().partition(|name| super::maps_agents(&engine, name));
    let told: Vec<String> = lists
        .iter()
        .map(|name| {
            format!("{name} has lead lists with agents and no single leads; `switchboard campaigns` lists them")
        })
        .collect();
    if names.is_empty() {
        return Err(Failure::wrong_use(told.join("\n")));
    }
    told.iter().for_each(|sentence| say(sentence));
    let query = loading::query(args.query.as_deref().unwrap_or_default(), &loading::vocabulary(&engine, &names))?;
    let progress = Progress::new(session.plain);
    let links = &session.config.people;
    let mut world = loading::load(&engine, &names, links, Want::OnlyFor(&query), &progress, stop).await?;
    world.tell_missing();
    if world.snapshot.parts.is_empty() {
        return Ok(Exit::Nothing);
    }
    let now = engine.now();
    let mut rows = world.search(&engine, &query, now, &progress, stop).await?;
    rows.truncate(args.limit.unwrap_or(usize::MAX));
    let nameless = world.nameless(&rows);
    let mut whole = names.len() + lists.len() == profiles.len() && world.missing.is_empty();
    if args.names || (!args.no_names && nameless.len() <= NAMES_UNASKED) {
        let fetched = world.fetch_details(&engine, nameless, &progress, stop).await?;
        if let Some(first) = fetched.first {
            whole = false;
            say(&format!("{} leads are listed without their details; {first}", fetched.failed));
        }
    } else if !nameless.is_empty() && !args.no_names && session.format == Format::Table {
        say("names are not in this vendor's list; --names fetches them, one request a lead");
    }
    let owners = Known::of(&world);
    let mut printer = Printer::new(session.format, &world, now);
    printer.begin(out)?;
    for row in &rows {
        let Some((part, row)) = world.snapshot.locate(*row) else { continue };
        let mut lead = part.table.record(row);
        owners.complete(&part.profile, &mut lead);
        printer.print(out, &part.profile, &lead)?;
        if out.is_gone() {
            break;
        }
    }
    printer.end(out)?;
    if session.format == Format::Table {
        say(&match rows.len() {
            1 => "1 lead".to_owned(),
            count => format!("{} leads", grouped(count)),
        });
    }
    Ok(if whole { Exit::Done } else { Exit::Partly })
}

/// Who owners are, as far as the people say it: the ids of those whose names nobody shares, because some vendors reveal
/// only an owner's name; and the names of those who stand in a lead by their id or e-mail address instead.
struct Known<'a> {
    ids: HashMap<(&'a ProfileName, &'a Verbatim), Option<&'a PersonId>>,
    people: HashMap<(&'a ProfileName, &'a PersonId), &'a Person>,
}

impl<'a> Known<'a> {
    fn of(world: &'a World) -> Self {
        let (mut ids, mut all) = (HashMap::new(), HashMap::new());
        for (profile, people) in &world.people {
            for person in people {
                ids.entry((profile, &person.name)).and_modify(|id| *id = None).or_insert(Some(&person.id));
                all.insert((profile, &person.id), person);
            }
        }
        Self { ids, people: all }
    }

    fn complete(&self, profile: &ProfileName, lead: &mut LeadRecord) {
        let Assignment::Owner(OwnerRef { id, name: Some(name) }) = &mut lead.owner else { return };
        match id {
            None => *id = self.ids.get(&(profile, &*name)).copied().flatten().cloned(),
            Some(id) => {
                let Some(person) = self.people.get(&(profile, &*id)).filter(|person| !person.name.is_empty()) else {
                    return;
                };
                let is_no_name = |text: &str| {
                    text == person.id.as_str()
                        || text == person.email.as_str()
                        || person.other_ids.iter().any(|(_, other)| other == text)
                };
                if is_no_name(name.as_str()) {
                    *name = person.name.clone();
                }
            }
        }
    }
}

struct Printer {
    format: Format,
    table: Table,
    columns: Vec<Field>,
    now: Timestamp,
}

impl Printer {
    fn new(format: Format, world: &World, now: Timestamp) -> Self {
        let given = |field: &Field| match field {
            Field::Profile => world.snapshot.parts.len() > 1,
            Field::Id | Field::Owner => true,
            field => world.snapshot.parts.iter().any(|part| part.fields.contains(field)),
        };
        let columns: Vec<Field> = [
            Field::Profile,
            Field::Id,
            Field::Name,
            Field::Company,
            Field::Email,
            Field::Status,
            Field::Source,
            Field::Score,
            Field::Created,
            Field::Owner,
        ]
        .into_iter()
        .filter(given)
        .collect();
        let heads: Vec<Column> = columns.iter().map(|field| head(*field)).collect();
        Self { format, table: Table::new(&heads, table::room()), columns, now }
    }

    fn begin(&self, out: &mut Out) -> Result<(), Failure> {
        match self.format {
            Format::Csv => csv::row(out, CSV_HEADS.map(Cell::text)),
            Format::Json | Format::Table => Ok(()),
        }
    }

    fn print(&mut self, out: &mut Out, profile: &ProfileName, lead: &LeadRecord) -> Result<(), Failure> {
        match self.format {
            Format::Json => out.json(&json::Lead::new(profile, lead)),
            Format::Table => {
                let cells = self.columns.iter().map(|field| cell(*field, profile, lead, self.now)).collect();
                self.table.row(out, cells)
            }
            Format::Csv => csv_row(out, profile, lead),
        }
    }

    fn end(self, out: &mut Out) -> Result<(), Failure> {
        self.table.end(out)?;
        out.flush()
    }
}

fn head(field: Field) -> Column {
    match field {
        Field::Profile => Column::whole("PROFILE"),
        Field::Id => Column::whole("ID"),
        Field::Name => Column::words("NAME"),
        Field::Company => Column::words("COMPANY"),
        Field::Email => Column::words("E-MAIL"),
        Field::Status => Column::words("STATUS"),
        Field::Source => Column::words("SOURCE"),
        Field::Score => Column::number("SCORE"),
        Field::Created => Column::number("AGE"),
        _ => Column::words("OWNER"),
    }
}

fn cell(field: Field, profile: &ProfileName, lead: &LeadRecord, now: Timestamp) -> String {
    match field {
        Field::Profile => profile.to_string(),
        Field::Id => lead.id.to_string(),
        Field::Name => lead.name.to_string(),
        Field::Company => lead.company.to_string(),
        Field::Email => lead.email.to_string(),
        Field::Status => match lead.flags.words() {
            flags if flags.is_empty() => lead.status.to_string(),
            flags => format!("{flags}; {}", lead.status).trim_end_matches("; ").to_owned(),
        },
        Field::Source => lead.source.to_string(),
        Field::Score => lead.score.map(|score| score.to_string()).unwrap_or_default(),
        Field::Created => lead.created_at.map(|at| age(at, now)).unwrap_or_default(),
        _ => lead.owner.label().to_string(),
    }
}

/// `5m`, `3h`, `12d`, `4y`: how long ago.
fn age(at: Timestamp, now: Timestamp) -> String {
    match now.as_second().saturating_sub(at.as_second()) {
        s if s < 0 => "0m".to_owned(),
        s if s < 3_600 => format!("{}m", s / 60),
        s if s < 86_400 => format!("{}h", s / 3_600),
        s if s < 730 * 86_400 => format!("{}d", s / 86_400),
        s => format!("{}y", s / (365 * 86_400)),
    }
}

/// The columns of CSV; the first row.
const CSV_HEADS: [&str; 16] = [
    "profile",
    "id",
    "name",
    "company",
    "email",
    "phone",
    "status",
    "source",
    "score",
    "created_at",
    "updated_at",
    "owner_id",
    "owner",
    "owner_known",
    "campaign",
    "list",
];

fn csv_row(out: &mut Out, profile: &ProfileName, lead: &LeadRecord) -> Result<(), Failure> {
    let owner = lead.owner.owner();
    let owner_name = owner.and_then(|owner| owner.name.as_ref()).map(|name| name.safe()).unwrap_or_default();
    let text = |text: &'_ SafeText| Cell::Text(text.as_str().to_owned().into());
    csv::row(
        out,
        [
            Cell::text(profile.as_str()),
            Cell::text(lead.id.as_str()),
            text(&lead.name),
            text(&lead.company),
            text(&lead.email),
            text(&lead.phone),
            text(&lead.status),
            text(&lead.source),
            Cell::maybe(lead.score),
            Cell::maybe(lead.created_at),
            Cell::maybe(lead.updated_at),
            Cell::text(owner.and_then(|owner| owner.id.as_ref()).map_or("", |id| id.as_str())),
            text(&owner_name),
            Cell::plain(lead.owner.is_known()),
            text(&lead.campaign),
            text(&lead.list),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_gets_the_id_of_the_only_one_of_that_name_and_the_name_of_whoever_has_that_id() {
        let person = |id: &str, name: &str| Person {
            id: id.into(),
            name: Verbatim::new(name),
            email: format!("{id}@x.example").as_str().into(),
            ..Person::default()
        };
        let profile = ProfileName::new("sales");
        let people = vec![person("u1", "Jane"), person("u2", "Twin"), person("u3", "Twin")];
        let world = World { people: [(profile.clone(), people)].into(), ..World::default() };
        let owners = Known::of(&world);
        for (owner, complete) in [
            (OwnerRef::named("Jane"), OwnerRef::new("u1", "Jane")),
            (OwnerRef::named("Twin"), OwnerRef::named("Twin")),
            (OwnerRef::named("Nobody here"), OwnerRef::named("Nobody here")),
            (OwnerRef::new("u9", "Jane"), OwnerRef::new("u9", "Jane")),
            (OwnerRef::new("u1", "u1"), OwnerRef::new("u1", "Jane")),
            (OwnerRef::new("u1", "u1@x.example"), OwnerRef::new("u1", "Jane")),
            // A name is a name, also where the person has another one by now.
            (OwnerRef::new("u1", "Jane Miller"), OwnerRef::new("u1", "Jane Miller")),
        ] {
            let mut lead = LeadRecord { owner: Assignment::Owner(owner), ..LeadRecord::default() };
            owners.complete(&profile, &mut lead);
            assert_eq!(lead.owner, Assignment::Owner(complete));
        }
    }

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (at, shown) in [
            ("2026-11-20T12:30:00Z", "0m"),
            ("2026-11-20T11:15:00Z", "45m"),
            ("2026-11-20T03:00:00Z", "9h"),
            ("2026-11-08T12:00:00Z", "12d"),
            ("2022-11-08T12:00:00Z", "4y"),
        ] {
            assert_eq!(age(at.parse().unwrap(), now), shown, "{at}");
        }
    }
}
