//! `log`: operations, newest first; with an operation its items.

use std::ops::ControlFlow;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::cli::args::{Format, LogArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::items::{Items, grouped};
use crate::cli::output::json::Summary;
use crate::cli::output::table::{self, Column, Table};
use crate::cli::output::{Out, say};
use crate::cli::session::Session;
use crate::cli::{moment, writing};
use crate::domain::history::{HistoryFilter, ItemRow, OperationLife, OperationSummary, kept_from};
use crate::domain::{ProfileName, SafeText, Tally, TargetId, Timestamp, history_query};
use crate::journal::{Journal, export};

/// On a terminal nobody reads on for longer without asking for it.
const IN_A_TABLE: usize = 50;

pub fn run(session: &Session, args: &LogArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    session.refuse_strangers(&journal)?;
    let filter = filter(session, args)?;
    match (&args.operation, &filter.lead) {
        (Some(operation), _) => items(session, &journal, operation, &filter, out),
        (None, Some(lead)) => story(session, &journal, &filter, lead, args.limit, out),
        (None, None) => operations(session, &journal, &filter, args.limit, out),
    }
}

/// What the options ask for.
fn filter(session: &Session, args: &LogArgs) -> Result<HistoryFilter, Failure> {
    let now = Timestamp::now();
    let time = |text: &Option<String>| text.as_deref().map(|text| moment::back(text, now)).transpose();
    let vendor = args.vendor.as_deref().map(history_query::vendor).transpose().map_err(Failure::wrong_use)?;
    let states: Result<Vec<_>, String> = args.state.iter().map(|word| history_query::states(word)).collect();
    Ok(HistoryFilter {
        who: args.who.as_deref().map(SafeText::new),
        owner: args.owner.clone(),
        lead: args.lead.as_deref().map(TargetId::new),
        // Several are sorted out afterwards.
        profile: match session.wanted.as_slice() {
            [only] if only != "all" => Some(ProfileName::new(only)),
            _ => None,
        },
        vendor,
        kinds: Vec::new(),
        states: states.map_err(Failure::wrong_use)?.concat(),
        since: time(&args.since)?,
        until: time(&args.until)?,
    })
}

fn items(
    session: &Session,
    journal: &Journal,
    operation: &str,
    filter: &HistoryFilter,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let operation = journal.find(operation)?;
    if session.format == Format::Table {
        out.line(&in_words(&operation))?;
    }
    let mut printer = Items::new(session.format, operation.parts.len() > 1).of_life(operation.life);
    if filter.lead.is_none() && filter.states.is_empty() {
        let summary = Summary::new(Some(operation.id.clone()), &operation.tally, 0, 0.0);
        writing::print_items(journal, &operation.id, printer, &summary, out)?;
        return Ok(Exit::Done);
    }
    let mut tally = Tally::default();
    each_item(journal, &operation, filter, |row| {
        tally.add(row.state, 1);
        printer.print(out, row)
    })?;
    printer.end(out, &Summary::new(Some(operation.id.clone()), &tally, 0, 0.0))?;
    Ok(Exit::Done)
}

/// Those items of an operation that the filter asks for.
fn each_item(
    journal: &Journal,
    operation: &OperationSummary,
    filter: &HistoryFilter,
    mut with: impl FnMut(&ItemRow) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let fits = |row: &&ItemRow| filter.states.is_empty() || filter.states.contains(&row.state);
    if let Some(lead) = &filter.lead {
        return journal.items_of(&operation.id, lead)?.iter().filter(fits).try_for_each(with);
    }
    journal.each_item(&operation.id, &filter.states, |row| with(&row).map(|()| ControlFlow::Continue(())))
}

/// Everything that happened to a lead, newest first.
fn story(
    session: &Session,
    journal: &Journal,
    filter: &HistoryFilter,
    lead: &TargetId,
    limit: Option<usize>,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let columns = [
        Column::whole("WHEN"),
        Column::words("WHO"),
        Column::whole("KIND"),
        Column::words("BEFORE"),
        Column::words("AFTER"),
        Column::whole("STATE"),
        Column::whole("OPERATION"),
        Column::words("REASON"),
    ];
    let mut table = Table::new(&columns, table::room());
    if session.format == Format::Csv {
        csv::row(out, STORY_COLUMNS.into_iter().chain(export::ITEM_COLUMNS).map(Cell::text))?;
    }
    let mut shown = 0;
    each_operation(session, journal, filter, |operation| {
        each_item(journal, operation, filter, |row| {
            if limit.is_some_and(|limit| shown >= limit) {
                return Ok(());
            }
            shown += 1;
            match session.format {
                Format::Json => out.json(&story_json(operation, row)),
                Format::Csv => {
                    let head = [
                        operation.id.to_string(),
                        operation.at.to_string(),
                        operation.kind.to_string(),
                        operation.who.to_string(),
                    ];
                    let cells = head.into_iter().chain(export::item_cells(row));
                    csv::row(out, cells.map(|cell| Cell::Text(cell.into())))
                }
                Format::Table => table.row(
                    out,
                    vec![
                        local(operation.at),
                        operation.who.to_string(),
                        operation.kind.to_string(),
                        row.was.label().to_string(),
                        row.wrote.label().to_string(),
                        row.state.label().to_owned(),
                        operation.id.to_string(),
                        row.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
                    ],
                ),
            }
        })?;
        Ok(limit.is_none_or(|limit| shown < limit) && !out.is_gone())
    })?;
    table.end(out)?;
    out.flush()?;
    if session.format == Format::Table && shown == 0 {
        say(&format!("nothing was done to {lead} from here"));
    }
    Ok(Exit::Done)
}

/// What stands before an item's own columns.
const STORY_COLUMNS: [&str; 4] = ["operation", "at", "kind", "who"];

/// An item with the operation it belongs to.
fn story_json(operation: &OperationSummary, row: &ItemRow) -> Value {
    let mut item = export::item_json(row);
    if let Value::Object(fields) = &mut item {
        fields.insert("operation".to_owned(), Value::from(operation.id.as_str()));
        fields.insert("at".to_owned(), Value::from(operation.at.to_string()));
        fields.insert("kind".to_owned(), Value::from(operation.kind.to_string()));
        fields.insert("who".to_owned(), Value::from(operation.who.as_str()));
        fields.insert("note".to_owned(), Value::from(operation.note.as_ref().map(|note| note.to_string())));
    }
    item
}

/// Operations that fit, newest first, for as long as `with` wants more of them.
fn each_operation(
    session: &Session,
    journal: &Journal,
    filter: &HistoryFilter,
    mut with: impl FnMut(&OperationSummary) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    journal.each_operation(filter, |operation| {
        let goes_on = !session.concerns(&operation) || with(&operation)?;
        Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })
}

/// Who did what when, in one line.
fn in_words(operation: &OperationSummary) -> String {
    let mut line = format!(
        "{} {} of {} by {}, {}",
        operation.id,
        operation.kind,
        export::profiles(operation),
        operation.who,
        local(operation.at)
    );
    if let Some(reverts) = operation.takes_back() {
        line.push_str(&format!(", takes back {reverts}"));
    }
    if let Some(note) = &operation.note {
        line.push_str(&format!(": {note}"));
    }
    line
}

fn operations(
    session: &Session,
    journal: &Journal,
    filter: &HistoryFilter,
    limit: Option<usize>,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let limit = limit.unwrap_or(if session.format == Format::Table { IN_A_TABLE } else { usize::MAX });
    let columns = [
        Column::whole("OPERATION"),
        Column::whole("WHEN"),
        Column::whole("KIND"),
        Column::words("PROFILE"),
        Column::number("ITEMS"),
        Column::number("DONE"),
        Column::number("OPEN"),
        Column::words("WHO"),
        Column::words("NOTE"),
    ];
    let mut table = Table::new(&columns, table::room());
    if session.format == Format::Csv {
        csv::row(out, export::OPERATION_COLUMNS.map(Cell::text))?;
    }
    let (mut shown, mut more) = (0, false);
    each_operation(session, journal, filter, |operation| {
        if shown == limit || out.is_gone() {
            more = true;
            return Ok(false);
        }
        shown += 1;
        match session.format {
            Format::Json => out.json(&export::operation_json(operation))?,
            Format::Csv => {
                let cells = export::operation_cells(operation);
                csv::row(out, cells.into_iter().map(|cell| Cell::Text(cell.into())))?;
            }
            Format::Table => table.row(out, cells(operation))?,
        }
        Ok(true)
    })?;
    table.end(out)?;
    out.flush()?;
    if session.format == Format::Table {
        match (shown, more) {
            (0, _) if filter.is_empty() => say("no operations yet"),
            (0, _) => say("no operation fits"),
            (_, true) => say("there are older ones; --limit N shows more"),
            _ => {}
        }
        if let Some(retention) = session.config.settings.retention {
            let old = journal.prunable(kept_from(Timestamp::now(), retention))?;
            if old.operations > 0 {
                let old = grouped(old.operations);
                say(&format!(
                    "{old} operations are older than the setting `retention`; `switchboard prune` removes them"
                ));
            }
        }
    }
    Ok(Exit::Done)
}

fn cells(operation: &OperationSummary) -> Vec<String> {
    let summary = Summary::new(None, &operation.tally, 0, 0.0);
    let open = match operation.life {
        OperationLife::Running => "running".to_owned(),
        OperationLife::Interrupted => format!("{}!", grouped(summary.unknown + summary.not_sent)),
        OperationLife::GivenUp | OperationLife::Ended => grouped(summary.unknown + summary.not_sent),
    };
    vec![
        operation.id.to_string(),
        local(operation.at),
        operation.kind.to_string(),
        export::profiles(operation),
        grouped(operation.tally.total()),
        grouped(operation.tally.done),
        open,
        operation.who.to_string(),
        operation.note.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

/// A point in time as people at this computer read it.
fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
