//! The two files that give names to what the API only numbers: agents (`roster_file`) and lead lists
//! (`lead_names_file`). Both are CSV in UTF-8.
//!
//! - Roster: `user_id,display_name,team`; the last two may be missing.
//! - Lead names: `lead_id,name`.
//!
//! A first line with these words names the columns, which may then stand in any order with others between them; without
//! it the columns are in the order above. Lines that begin with `#` and empty ones do not count.

use std::collections::BTreeMap;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::domain::{PersonId, SafeText, Verbatim};

/// One line of the roster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterEntry {
    pub name: Verbatim,
    pub team: SafeText,
}

/// The agents of the customer by user id.
pub type Roster = BTreeMap<PersonId, RosterEntry>;

/// Names of lead lists by their numbers.
pub type LeadNames = BTreeMap<String, SafeText>;

/// Reads a roster. The error says what is wrong, with file and line.
pub fn roster(path: &Path) -> Result<Roster, String> {
    let mut roster = Roster::new();
    for (line, [id, name, team]) in rows(path, ["user_id", "display_name", "team"])? {
        let entry = RosterEntry { name: Verbatim::new(&name), team: SafeText::new(&team) };
        if roster.insert(PersonId::new(&id), entry).is_some() {
            return Err(format!("{}:{line}: {} is there twice", path.display(), SafeText::new(&id)));
        }
    }
    Ok(roster)
}

/// Reads names of lead lists. The error says what is wrong, with file and line.
pub fn lead_names(path: &Path) -> Result<LeadNames, String> {
    let mut names = LeadNames::new();
    for (line, [id, name]) in rows(path, ["lead_id", "name"])? {
        if names.insert(id.clone(), SafeText::new(&name)).is_some() {
            return Err(format!("{}:{line}: lead list {} is there twice", path.display(), SafeText::new(&id)));
        }
    }
    Ok(names)
}

/// The lines with their numbers. The first column is the key and must not be empty.
fn rows<const N: usize>(path: &Path, columns: [&str; N]) -> Result<Vec<(u64, [String; N])>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).comment(Some(b'#')).from_reader(content);
    let mut places: [usize; N] = std::array::from_fn(|column| column);
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let line = record.position().map_or(number as u64 + 1, csv::Position::line);
        if number == 0 && is_heading(&record, columns[0]) {
            places = columns.map(|column| position(&record, column).unwrap_or(usize::MAX));
            continue;
        }
        let row = places.map(|place| record.get(place).unwrap_or_default().to_owned());
        if row[0].is_empty() {
            return Err(format!("{}:{line}: there is no {} in this line", path.display(), columns[0]));
        }
        rows.push((line, row));
    }
    Ok(rows)
}

fn is_heading(record: &StringRecord, key: &str) -> bool {
    position(record, key).is_some()
}

fn position(record: &StringRecord, column: &str) -> Option<usize> {
    record.iter().position(|cell| cell.eq_ignore_ascii_case(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn columns_by_name_or_by_place() {
        let entry = |name: &str, team: &str| RosterEntry { name: Verbatim::new(name), team: SafeText::new(team) };
        for text in [
            "user_id,display_name,team\nasha.k,Asha Kumar,North\nravi.s,\"Singh, Ravi\",\n",
            "\u{feff}team,User_Id,x,display_name\nNorth,asha.k,1,Asha Kumar\n,ravi.s,,\"Singh, Ravi\"\n",
            "# agents\nasha.k, Asha Kumar ,North\n\nravi.s,\"Singh, Ravi\"\n",
        ] {
            let read = roster(file(text).path()).unwrap();
            let wanted = [("asha.k", entry("Asha Kumar", "North")), ("ravi.s", entry("Singh, Ravi", ""))];
            assert_eq!(read, wanted.map(|(id, entry)| (PersonId::new(id), entry)).into(), "{text}");
        }
        let read = lead_names(file("lead_id,name\n40,Warm\u{1b}[2J\n").path()).unwrap();
        assert_eq!(read["40"].as_str(), "Warm␛[2J");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, why) in [("user_id\na\na\n", ":3: a is there twice"), ("a,b\n,c\n", ":2: there is no user_id")] {
            let error = roster(file(text).path()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(roster(Path::new("/no/such/file")).unwrap_err().contains("/no/such/file"));
    }
}
