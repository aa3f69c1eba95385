//! History for other programs: JSON Lines by the contract of the command line, and CSV for spreadsheets.
//!
//! What is written steers nothing: texts are safe text, ids in JSON stay exact but have every dangerous character
//! escaped, and no CSV cell can start a formula.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Journal, JournalError};
pub use crate::domain::harmless::write_json_line;
use crate::domain::history::{HistoryFilter, ItemRow, OperationSummary};
use crate::domain::{Assignment, OperationId, safe_text};

/// Rows that are read from the journal at a time.
const PAGE: usize = 1000;

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the export could not be written: {0}")]
    Output(#[from] io::Error),
}

/// How rows are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    JsonLines,
    /// With a header line.
    Csv,
}

/// Writes the operations that fit `filter`, newest first; returns how many. Those that begin meanwhile are left out.
pub fn operations(
    journal: &Journal,
    filter: &HistoryFilter,
    form: Form,
    out: impl Write,
) -> Result<usize, ExportError> {
    let mut rows = Rows::new(form, out);
    rows.header(&OPERATION_COLUMNS)?;
    let total = journal.count_where(filter)?;
    let mut written = 0;
    while written < total {
        // New operations come in front and push the rest back by as many.
        let came = journal.count_where(filter)?.saturating_sub(total);
        let page = journal.operations_where(filter, written + came, PAGE.min(total - written))?;
        if page.is_empty() {
            break;
        }
        for operation in &page {
            rows.row(|| operation_json(operation), || operation_cells(operation))?;
        }
        written += page.len();
    }
    rows.finish()?;
    Ok(written)
}

/// Writes the items of an operation in their order; returns how many.
pub fn items(journal: &Journal, id: &OperationId, form: Form, out: impl Write) -> Result<usize, ExportError> {
    let mut rows = Rows::new(form, out);
    rows.header(&ITEM_COLUMNS)?;
    let mut written = 0;
    loop {
        let page = journal.items(id, written, PAGE)?;
        if page.is_empty() {
            break;
        }
        for item in &page {
            rows.row(|| item_json(item), || item_cells(item))?;
        }
        written += page.len();
    }
    rows.finish()?;
    Ok(written)
}

/// A line of `log`.
pub fn operation_json(operation: &OperationSummary) -> Value {
    let tally = &operation.tally;
    json!({
        "type": "operation",
        "id": operation.id,
        "at": operation.at.to_string(),
        "profile": profiles(operation),
        "vendor": vendors(operation),
        "kind": operation.kind,
        "reverts": operation.reverts,
        "reverts_all": operation.reverts_all,
        "who": operation.who,
        "note": operation.note,
        "items": tally.total(),
        "done": tally.done,
        "failed": tally.failed,
        "skipped": tally.skipped + tally.changed_by_others,
        "not_sent": tally.not_sent + tally.planned,
        "unknown": tally.unknown + tally.sent,
        "undoable": operation.undoable,
        "life": operation.life,
    })
}

/// A line of `log OP`.
pub fn item_json(item: &ItemRow) -> Value {
    json!({
        "type": "item",
        "seq": item.seq,
        "profile": item.profile,
        "target": item.target,
        "name": Some(&item.name).filter(|name| !name.is_empty()),
        "before": assignment_json(&item.was),
        "after": assignment_json(&item.wrote),
        "now": item.now.as_ref().map(assignment_json),
        "state": item.state.contract_word(),
        "reason": item.reason,
    })
}

/// An assignment by the contract: `null` is nobody, an object an owner, a sorted list the agents of a mapping.
pub fn assignment_json(assignment: &Assignment) -> Value {
    match assignment {
        Assignment::Unknown => json!({ "unknown": true }),
        Assignment::Unassigned(_) => Value::Null,
        Assignment::Owner(owner) => json!({ "id": owner.id, "name": owner.name.as_ref().map(|name| name.safe()) }),
        Assignment::Agents(users) => json!(users),
    }
}

/// The columns of operations in CSV.
pub const OPERATION_COLUMNS: [&str; 17] = [
    "id",
    "at",
    "profile",
    "vendor",
    "kind",
    "reverts",
    "who",
    "note",
    "items",
    "done",
    "failed",
    "skipped",
    "not_sent",
    "unknown",
    "undoable",
    "life",
    "reverts_all",
];

/// The cells under [`OPERATION_COLUMNS`], not yet guarded by [`csv_cell`].
pub fn operation_cells(operation: &OperationSummary) -> Vec<String> {
    cells(&operation_json(operation), &OPERATION_COLUMNS)
}

/// The columns of items in CSV.
pub const ITEM_COLUMNS: [&str; 13] = [
    "seq",
    "profile",
    "target",
    "name",
    "before_id",
    "before",
    "after_id",
    "after",
    "now_id",
    "now",
    "state",
    "reason",
    "detail",
];

/// The cells under [`ITEM_COLUMNS`], not yet guarded by [`csv_cell`].
pub fn item_cells(item: &ItemRow) -> Vec<String> {
    let [before_id, before] = assignment_cells(Some(&item.was));
    let [after_id, after] = assignment_cells(Some(&item.wrote));
    let [now_id, now] = assignment_cells(item.now.as_ref());
    vec![
        item.seq.to_string(),
        item.profile.to_string(),
        item.target.to_string(),
        item.name.to_string(),
        before_id,
        before,
        after_id,
        after,
        now_id,
        now,
        item.state.contract_word().to_owned(),
        item.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
        // The journal's own word, where the contract's says less.
        item.state.label().to_owned(),
    ]
}

/// Id (of a mapping: all of them) and label.
fn assignment_cells(assignment: Option<&Assignment>) -> [String; 2] {
    let Some(assignment) = assignment else { return [String::new(), String::new()] };
    let id = match assignment {
        Assignment::Unknown | Assignment::Unassigned(_) => String::new(),
        Assignment::Owner(owner) => owner.id.as_ref().map(ToString::to_string).unwrap_or_default(),
        Assignment::Agents(users) => users.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    [id, assignment.label().to_string()]
}

/// The profiles an operation went to, once each: an undo may have several parts for one.
pub fn profiles(operation: &OperationSummary) -> String {
    let mut names: Vec<&str> = operation.parts.iter().map(|part| part.profile.as_str()).collect();
    names.dedup();
    names.join(",")
}

fn vendors(operation: &OperationSummary) -> String {
    let mut vendors: Vec<&str> = operation.parts.iter().map(|part| <&str>::from(part.vendor)).collect();
    vendors.dedup();
    vendors.join(",")
}

fn cells(value: &Value, columns: &[&str]) -> Vec<String> {
    columns
        .iter()
        .map(|&column| match value.get(column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => safe_text::visible(text).into_owned(),
            Some(Value::Array(words)) => {
                let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                safe_text::visible(&words.join(" ")).into_owned()
            }
            Some(other) => other.to_string(),
        })
        .collect()
}

/// A CSV cell that a spreadsheet takes for text. The wide forms of the signs count too: some programs read them as
/// the narrow ones.
pub fn csv_cell(text: &str) -> String {
    let safe = safe_text::visible(text);
    let first = safe.trim_start().chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') => format!("'{safe}"),
        _ => safe.into_owned(),
    }
}

/// Rows on their way out.
enum Rows<W: Write> {
    JsonLines(io::BufWriter<W>),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Rows<W> {
    fn new(form: Form, out: W) -> Self {
        match form {
            Form::JsonLines => Self::JsonLines(io::BufWriter::new(out)),
            Form::Csv => Self::Csv(Box::new(csv::Writer::from_writer(out))),
        }
    }

    fn header(&mut self, columns: &[&str]) -> io::Result<()> {
        match self {
            Self::JsonLines(_) => Ok(()),
            Self::Csv(out) => Ok(out.write_record(columns)?),
        }
    }

    fn row(&mut self, json: impl FnOnce() -> Value, cells: impl FnOnce() -> Vec<String>) -> io::Result<()> {
        match self {
            Self::JsonLines(out) => write_json_line(out, &json()),
            Self::Csv(out) => Ok(out.write_record(cells().iter().map(|cell| csv_cell(cell)))?),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::JsonLines(mut out) => out.flush(),
            Self::Csv(mut out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::{Change, ItemState};

    /// An operation full of traps: formulas, quotes, line breaks, escape and direction characters.
    fn trapped() -> (tempfile::TempDir, Journal) {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        let named = |target: &str, name: &str| Change {
            name: name.into(),
            ..change(target, Assignment::unassigned(), owner("bob"))
        };
        let changes = vec![
            named("l0", "=HYPERLINK(\"http://evil\")"),
            named("-l1", " +1 (555) 0100"),
            named("l\u{202e}2", "\x1b[31m\r\n@SUM(A1)"),
            named("c:1", "plain, \"quoted\""),
        ];
        let plan = plan(vec![part("sales", changes)]);
        let mut operation = operation("op1", &plan);
        operation.note = Some("@note".into());
        run(&journal, &operation, &[0, 1], ItemState::Done);
        (folder, journal)
    }

    fn exported(journal: &Journal, form: Form) -> (String, String) {
        let (mut log, mut list) = (Vec::new(), Vec::new());
        assert_eq!(operations(journal, &HistoryFilter::default(), form, &mut log).unwrap(), 1);
        assert_eq!(items(journal, &"op1".into(), form, &mut list).unwrap(), 4);
        (String::from_utf8(log).unwrap(), String::from_utf8(list).unwrap())
    }

    #[test]
    fn no_cell_starts_a_formula_or_steers_a_terminal() {
        let (_folder, journal) = trapped();
        let (log, list) = exported(&journal, Form::Csv);
        for text in [&log, &list] {
            assert!(text.chars().all(|c| c == '\n' || safe_text::is_safe(c)), "{text:?}");
            for record in csv::Reader::from_reader(text.as_bytes()).into_records() {
                for cell in &record.unwrap() {
                    assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
                }
            }
        }
        let mut lines = list.lines();
        assert_eq!(
            lines.next().unwrap(),
            "seq,profile,target,name,before_id,before,after_id,after,now_id,now,state,reason,detail"
        );
        assert_eq!(
            lines.next().unwrap(),
            "0,sales,l0,\"'=HYPERLINK(\"\"http://evil\"\")\",,nobody,bob,The bob,,,done,,done"
        );
        assert!(lines.next().unwrap().starts_with("1,sales,'-l1,' +1 (555) 0100,"));
        assert!(lines.next().unwrap().starts_with("2,sales,l‹RLO›2,␛[31m␍␊@SUM(A1),"));
        assert!(log.contains(",'@note,"));
    }

    #[test]
    fn json_lines_keep_ids_exact_and_say_what_the_contract_says() {
        let (_folder, journal) = trapped();
        let (log, list) = exported(&journal, Form::JsonLines);
        for text in [&log, &list] {
            assert!(text.chars().all(|c| c == '\n' || safe_text::is_safe(c)), "{text:?}");
        }
        assert!(list.contains(r#""target":"l\u202e2""#), "{list}");
        let lines: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[2]["target"], "l\u{202e}2");
        assert_eq!(lines[0]["before"], Value::Null);
        assert_eq!(lines[0]["after"], json!({ "id": "bob", "name": "The bob" }));
        assert_eq!(lines[3]["state"], "planned");
        let operation: Value = serde_json::from_str(&log).unwrap();
        for (field, value) in [
            ("type", json!("operation")),
            ("id", json!("op1")),
            ("profile", json!("sales")),
            ("kind", json!("assign")),
            ("reverts", Value::Null),
            ("reverts_all", json!([])),
            ("items", json!(4)),
            ("done", json!(2)),
            ("undoable", json!(2)),
        ] {
            assert_eq!(operation[field], value, "{field}");
        }
        assert!(operation["at"].as_str().unwrap().parse::<crate::domain::Timestamp>().is_ok());
    }

    #[test]
    fn assignments_are_written_by_the_contract() {
        for (assignment, json) in [
            (Assignment::Unknown, json!({ "unknown": true })),
            (Assignment::unassigned(), Value::Null),
            (owner("a"), json!({ "id": "a", "name": "The a" })),
            (Assignment::agents(["u2", "u1"]), json!(["u1", "u2"])),
        ] {
            assert_eq!(assignment_json(&assignment), json);
        }
    }

    #[test]
    fn more_than_a_page_is_written_whole() {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        drop(journal.begin(&operation("op1", &assign(PAGE * 2 + 1))).unwrap());
        let mut out = Vec::new();
        assert_eq!(items(&journal, &"op1".into(), Form::JsonLines, &mut out).unwrap(), PAGE * 2 + 1);
        let seqs = out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
            let line: Value = serde_json::from_slice(line).unwrap();
            line["seq"].as_u64().unwrap()
        });
        assert!(seqs.eq(0..PAGE as u64 * 2 + 1));
        let missing = items(&journal, &"op9".into(), Form::Csv, &mut out);
        assert!(matches!(missing, Err(ExportError::Journal(JournalError::NoSuchOperation(_)))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_makes_a_harmless_cell(text in proptest::prelude::any::<String>()) {
            let cell = csv_cell(&text);
            proptest::prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']));
            proptest::prop_assert!(cell.chars().all(safe_text::is_safe));
            let mut line = Vec::new();
            write_json_line(&mut line, &text).unwrap();
            let line = String::from_utf8(line).unwrap();
            proptest::prop_assert!(line.trim_end_matches('\n').chars().all(safe_text::is_safe));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
