//! `log`: operations, newest first; with an operation its items.

use jiff::tz::TimeZone;

use crate::cli::args::{Format, LogArgs};
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::csv::{self, Cell};
use crate::cli::output::items::{Items, grouped};
use crate::cli::output::json::Summary;
use crate::cli::output::table::{self, Column, Table};
use crate::cli::output::{Out, say};
use crate::cli::session::Session;
use crate::cli::writing;
use crate::domain::Timestamp;
use crate::domain::history::{OperationLife, OperationSummary};
use crate::journal::{Journal, export};

/// Operations are read this many at a time.
const PAGE: usize = 200;
/// On a terminal nobody reads on for longer without asking for it.
const IN_A_TABLE: usize = 50;

pub fn run(session: &Session, args: &LogArgs, out: &mut Out) -> Result<Exit, Failure> {
    let journal = session.journal()?;
    match &args.operation {
        Some(operation) => items(session, &journal, operation, out),
        None => operations(session, &journal, args.limit, out),
    }
}

fn items(session: &Session, journal: &Journal, operation: &str, out: &mut Out) -> Result<Exit, Failure> {
    let operation = journal.find(operation)?;
    if session.format == Format::Table {
        out.line(&in_words(&operation))?;
    }
    let printer = Items::new(session.format, operation.parts.len() > 1);
    let summary = Summary::new(Some(operation.id.clone()), &operation.tally, 0, 0.0);
    writing::print_items(journal, &operation.id, printer, &summary, out)?;
    Ok(Exit::Done)
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
    if let Some(reverts) = &operation.reverts {
        line.push_str(&format!(", takes back {reverts}"));
    }
    if let Some(note) = &operation.note {
        line.push_str(&format!(": {note}"));
    }
    line
}

fn operations(session: &Session, journal: &Journal, limit: Option<usize>, out: &mut Out) -> Result<Exit, Failure> {
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
    let (mut offset, mut shown, mut more) = (0, 0, false);
    'pages: loop {
        let page = journal.operations(offset, PAGE)?;
        for operation in &page {
            if !session.concerns(operation) {
                continue;
            }
            if shown == limit || out.is_gone() {
                more = true;
                break 'pages;
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
        }
        offset += page.len();
        if page.len() < PAGE {
            break;
        }
    }
    table.end(out)?;
    out.flush()?;
    if session.format == Format::Table {
        match (shown, more) {
            (0, _) => say("no operations yet"),
            (_, true) => say("there are older ones; --limit N shows more"),
            _ => {}
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
