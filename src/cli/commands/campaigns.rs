//! `campaigns`: campaigns and lead lists, with their agents where the vendor maps agents to lists; and what was kept of
//! that earlier.

use super::maps_agents;
use crate::backend::{Engine, StopToken};
use crate::cli::args::{CampaignsArgs, Format};
use crate::cli::exit::{Exit, Failure};
use crate::cli::loading::sentence;
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::items::grouped;
use crate::cli::output::mapping::{self, CollectionLine, DifferenceLine, ListLine, SnapshotLine, agents_cell};
use crate::cli::output::table::{self, Column, Table};
use crate::cli::output::{Out, say};
use crate::cli::session::Session;
use crate::cli::signals::unless_stopped;
use crate::domain::campaign::{Collection, MappingRecord};
use crate::domain::matrix::Sets;
use crate::domain::safe_text::visible;
use crate::domain::{ProfileName, SafeText};
use crate::vendor::ErrorKind;

pub async fn run(session: &Session, args: &CampaignsArgs, stop: &StopToken, out: &mut Out) -> Result<Exit, Failure> {
    let profiles = session.profiles()?;
    let engine = session.engine(&profiles)?;
    let names = super::usable(&engine)?;
    let broken = names.len() < profiles.len();
    let exit = if args.snapshots {
        snapshots(session, &engine, &names, out)
    } else if let Some(which) = &args.diff {
        diff(session, &engine, only_mappings(&engine, &names)?, which, args, stop, out).await
    } else {
        list(session, &engine, &names, args, stop, out).await
    }?;
    Ok(if broken && exit == Exit::Done { Exit::Partly } else { exit })
}

/// The one profile that snapshots can be about.
fn only_mappings<'a>(engine: &Engine, names: &'a [ProfileName]) -> Result<&'a ProfileName, Failure> {
    let mapping: Vec<&ProfileName> = names.iter().filter(|name| maps_agents(engine, name)).collect();
    match mapping.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::wrong_use("only profiles that map agents to lead lists have snapshots of that")),
        _ => Err(Failure::wrong_use("several profiles map agents to lead lists; name one with --profile")),
    }
}

/// Everything that is there now.
async fn list(
    session: &Session,
    engine: &Engine,
    names: &[ProfileName],
    args: &CampaignsArgs,
    stop: &StopToken,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if args.snapshot.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Failure::wrong_use("a snapshot needs a name: --snapshot NAME"));
    }
    let keeping = args.snapshot.as_deref().map(|name| only_mappings(engine, names).map(|profile| (profile, name)));
    let keeping = keeping.transpose()?;
    let mut printed = Printed::new(session.format, names.len() > 1);
    let (mut failed, mut read) = (0, 0);
    let (mut kept, mut not_there) = (None, Vec::new());
    for name in names {
        if maps_agents(engine, name) {
            match unless_stopped(stop, engine.mappings(name, args.campaign.as_deref())).await? {
                Ok(records) => {
                    read += 1;
                    failed += records.iter().filter(|record| record.agents.is_err()).count();
                    for record in &records {
                        printed.mapping(name, record, out)?;
                    }
                    if let Some((_, snapshot)) = keeping.filter(|(profile, _)| *profile == name) {
                        let sets = Sets::of(records.iter().filter(|record| !record.lead_id.is_empty()));
                        kept = Some(engine.keep_snapshot(name, SafeText::new(snapshot), sets).await?);
                    }
                }
                // Another profile may have it.
                Err(error) if args.campaign.is_some() && error.kind == ErrorKind::NotFound => {
                    read += 1;
                    not_there.push(sentence(name, &error));
                }
                Err(error) => {
                    failed += 1;
                    say(&sentence(name, &error));
                }
            }
            engine.notices(name).iter().for_each(|notice| say(&format!("{name}: {notice}")));
        } else {
            match unless_stopped(stop, engine.collections(name)).await? {
                Ok(collections) => {
                    read += 1;
                    if collections.is_empty() && session.format == Format::Table {
                        say(&format!("{name} has no campaigns and no lists of leads"));
                    }
                    let wanted = |one: &&Collection| args.campaign.as_deref().is_none_or(|id| one.id == id);
                    for collection in collections.iter().filter(wanted) {
                        printed.collection(name, collection, out)?;
                    }
                }
                Err(error) => {
                    failed += 1;
                    say(&sentence(name, &error));
                }
            }
        }
    }
    let missing = args.campaign.as_ref().filter(|_| printed.rows == 0 && failed == 0);
    if let Some(id) = missing {
        if not_there.is_empty() {
            let places = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            not_there.push(format!("{places}: there is no campaign or list {}", visible(id)));
        }
        not_there.iter().for_each(|sentence| say(sentence));
    }
    printed.end(out)?;
    if let Some(info) = kept {
        match session.format {
            Format::Json => out.json(&SnapshotLine::from(&info))?,
            Format::Csv | Format::Table => say(&format!(
                "kept as snapshot {} (#{}): {} lists of {} campaigns",
                info.name,
                info.number,
                grouped(info.lists),
                grouped(info.campaigns)
            )),
        }
    }
    out.flush()?;
    Ok(match (read, failed) {
        _ if missing.is_some() => Exit::Nothing,
        (0, _) => Exit::Nothing,
        (_, 0) => Exit::Done,
        _ => Exit::Partly,
    })
}

/// Rows of the two kinds, each under its own heading.
struct Printed {
    format: Format,
    several: bool,
    mappings: Option<Table>,
    collections: Option<Table>,
    /// The heading of CSV that the next row is under.
    heading: Option<&'static [&'static str]>,
    rows: usize,
}

impl Printed {
    fn new(format: Format, several: bool) -> Self {
        Self { format, several, mappings: None, collections: None, heading: None, rows: 0 }
    }

    fn table(&self, mut columns: Vec<Column>) -> Table {
        if self.several {
            columns.insert(0, Column::whole("PROFILE"));
        }
        Table::new(&columns, table::room())
    }

    /// Rows of CSV stand under the heading of their kind.
    fn head(&mut self, heading: &'static [&'static str], out: &mut Out) -> Result<(), Failure> {
        if self.heading.replace(heading) != Some(heading) {
            csv::row(out, heading.iter().copied().map(Cell::text))?;
        }
        Ok(())
    }

    fn mapping(&mut self, profile: &ProfileName, record: &MappingRecord, out: &mut Out) -> Result<(), Failure> {
        self.rows += 1;
        match self.format {
            Format::Json => {
                // Programs that look at mappings only pass over its line.
                if let Err(why) = &record.agents {
                    let list = if record.lead_name.is_empty() { &record.campaign_name } else { &record.lead_name };
                    say(&format!("{profile}: {} ({list}): {}", record.target, SafeText::new(why)));
                }
                out.json(&ListLine::new(profile, record))
            }
            Format::Csv => {
                self.head(&mapping::COLUMNS, out)?;
                let agents = record.agents.as_ref().map(agents_cell).unwrap_or_default();
                let error = record.agents.as_ref().err().cloned().unwrap_or_default();
                csv::row(
                    out,
                    [
                        Cell::text(profile.as_str()),
                        Cell::text(&record.campaign_id),
                        Cell::text(record.campaign_name.as_str()),
                        Cell::text(&record.lead_id),
                        Cell::text(record.lead_name.as_str()),
                        Cell::plain(record.enabled),
                        Cell::Text(agents.into()),
                        Cell::Text(SafeText::new(&error).to_string().into()),
                    ],
                )
            }
            Format::Table => {
                let agents = match &record.agents {
                    Ok(agents) if agents.is_empty() => "nobody dials this".to_owned(),
                    Ok(agents) => agents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                    Err(why) => format!("! {}", SafeText::new(why)),
                };
                let count = record.agents.as_ref().map_or_else(|_| "?".to_owned(), |agents| grouped(agents.len()));
                let mut cells = vec![
                    record.target.to_string(),
                    record.campaign_name.to_string(),
                    record.lead_name.to_string(),
                    if record.enabled { "" } else { "disabled" }.to_owned(),
                    count,
                    agents,
                ];
                if self.several {
                    cells.insert(0, profile.to_string());
                }
                let columns = || {
                    vec![
                        Column::whole("LIST"),
                        Column::words("CAMPAIGN"),
                        Column::words("NAME"),
                        Column::whole(""),
                        Column::number("AGENTS"),
                        Column::words(""),
                    ]
                };
                let mut table = self.mappings.take().unwrap_or_else(|| self.table(columns()));
                table.row(out, cells)?;
                self.mappings = Some(table);
                Ok(())
            }
        }
    }

    fn collection(&mut self, profile: &ProfileName, one: &Collection, out: &mut Out) -> Result<(), Failure> {
        self.rows += 1;
        match self.format {
            Format::Json => out.json(&CollectionLine::new(profile, one)),
            Format::Csv => {
                self.head(&["profile", "type", "id", "name", "status"], out)?;
                csv::row(
                    out,
                    [
                        Cell::text(profile.as_str()),
                        Cell::plain(one.kind),
                        Cell::text(&one.id),
                        Cell::text(one.name.as_str()),
                        Cell::text(one.status.as_str()),
                    ],
                )
            }
            Format::Table => {
                let mut cells = vec![
                    one.kind.to_string(),
                    one.name.to_string(),
                    one.status.to_string(),
                    SafeText::new(&one.id).to_string(),
                ];
                if self.several {
                    cells.insert(0, profile.to_string());
                }
                let columns =
                    || vec![Column::whole(""), Column::words("NAME"), Column::words("STATUS"), Column::whole("ID")];
                let mut table = self.collections.take().unwrap_or_else(|| self.table(columns()));
                table.row(out, cells)?;
                self.collections = Some(table);
                Ok(())
            }
        }
    }

    fn end(self, out: &mut Out) -> Result<(), Failure> {
        for table in [self.mappings, self.collections].into_iter().flatten() {
            table.end(out)?;
        }
        Ok(())
    }
}

/// What is kept, newest first.
fn snapshots(session: &Session, engine: &Engine, names: &[ProfileName], out: &mut Out) -> Result<Exit, Failure> {
    if !names.iter().any(|name| maps_agents(engine, name)) {
        only_mappings(engine, names)?;
    }
    let several = names.len() > 1;
    let mut columns = vec![
        Column::number("#"),
        Column::words("NAME"),
        Column::whole("TAKEN"),
        Column::words("BY"),
        Column::number("CAMPAIGNS"),
        Column::number("LISTS"),
        Column::number("PAIRS"),
    ];
    if several {
        columns.insert(0, Column::whole("PROFILE"));
    }
    let mut table = Table::new(&columns, table::room());
    if session.format == Format::Csv {
        let heads = ["profile", "number", "name", "at", "who", "before", "campaigns", "lists", "pairs"];
        csv::row(out, heads.map(Cell::text))?;
    }
    for name in names.iter().filter(|name| maps_agents(engine, name)) {
        for info in engine.journal().snapshots(name)? {
            match session.format {
                Format::Json => out.json(&SnapshotLine::from(&info))?,
                Format::Csv => csv::row(
                    out,
                    [
                        Cell::text(name.as_str()),
                        Cell::plain(info.number),
                        Cell::text(info.name.as_str()),
                        Cell::plain(info.at),
                        Cell::text(info.who.as_str()),
                        Cell::maybe(info.before.as_ref()),
                        Cell::plain(info.campaigns),
                        Cell::plain(info.lists),
                        Cell::plain(info.pairs),
                    ],
                )?,
                Format::Table => {
                    let mut cells = vec![
                        info.number.to_string(),
                        info.name.to_string(),
                        info.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                        info.who.to_string(),
                        grouped(info.campaigns),
                        grouped(info.lists),
                        grouped(info.pairs),
                    ];
                    if several {
                        cells.insert(0, name.to_string());
                    }
                    table.row(out, cells)?;
                }
            }
        }
    }
    table.end(out)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// What is different between a snapshot and another one, or what is there now.
async fn diff(
    session: &Session,
    engine: &Engine,
    profile: &ProfileName,
    which: &[String],
    args: &CampaignsArgs,
    stop: &StopToken,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let kept = |name: &String| -> Result<Sets, Failure> {
        let sets = engine.journal().snapshot(profile, name)?.sets;
        Ok(match &args.campaign {
            Some(campaign) => sets.of_campaign(campaign),
            None => sets,
        })
    };
    let (first, second) = match which {
        [first] => {
            let first = kept(first)?;
            // What the snapshot does not hold is not compared with what is there.
            let mut now = Sets::default();
            for campaign in first.campaigns() {
                match unless_stopped(stop, engine.mappings(profile, Some(campaign))).await? {
                    Ok(records) => now.lists.extend(Sets::of(&records).lists),
                    Err(error) if error.kind == ErrorKind::NotFound => say(&format!("{profile}: {error}")),
                    Err(error) => return Err(Failure::nothing(sentence(profile, &error))),
                }
            }
            (first, now)
        }
        [first, second] => (kept(first)?, kept(second)?),
        _ => {
            return Err(Failure::wrong_use(
                "--diff compares a snapshot with now, or two: --diff NAME or --diff NAME,NAME",
            ));
        }
    };
    let mut table = Table::new(
        &[Column::whole("LIST"), Column::words("CAMPAIGN"), Column::words("NAME"), Column::words("CHANGE")],
        table::room(),
    );
    if session.format == Format::Csv {
        let heads = ["profile", "campaign_id", "campaign", "lead_id", "lead", "what"];
        csv::row(out, heads.map(Cell::text))?;
    }
    let differences = first.differences(&second);
    for (target, difference) in &differences {
        let Some(list) = second.lists.get(target).or_else(|| first.lists.get(target)) else { continue };
        let line = DifferenceLine::new(profile, target, list, difference);
        match session.format {
            Format::Json => out.json(&line)?,
            Format::Csv => csv::row(
                out,
                [
                    Cell::text(profile.as_str()),
                    Cell::text(&list.campaign_id),
                    Cell::text(list.campaign_name.as_str()),
                    Cell::text(&list.lead_id),
                    Cell::text(list.lead_name.as_str()),
                    Cell::Text(line.words().into()),
                ],
            )?,
            Format::Table => table.row(
                out,
                vec![target.to_string(), list.campaign_name.to_string(), list.lead_name.to_string(), line.words()],
            )?,
        }
    }
    table.end(out)?;
    out.flush()?;
    if session.format == Format::Table {
        say(&match differences.len() {
            0 => "no list differs".to_owned(),
            1 => "1 list differs".to_owned(),
            many => format!("{} lists differ", grouped(many)),
        });
    }
    Ok(Exit::Done)
}
