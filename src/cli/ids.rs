//! Ids from a file or from standard input: one a line, empty lines and `#` lines do not count, twice counts once.

use std::collections::HashSet;
use std::io::{BufRead, Read};
use std::path::Path;

use super::exit::Failure;
use crate::domain::LeadId;
use crate::domain::safe_text::visible;

/// More than this in one line is not an id but the wrong file.
const LONGEST_ID: usize = 4_096;

/// Reads the ids of `source`: a file's name, or `-` for standard input.
pub fn read(source: &str) -> Result<Vec<LeadId>, Failure> {
    if source == "-" {
        return parse(std::io::stdin().lock(), "standard input");
    }
    let file = std::fs::File::open(Path::new(source))
        .map_err(|error| Failure::wrong_use(format!("the ids in {} cannot be read: {error}", visible(source))))?;
    parse(std::io::BufReader::new(file), source)
}

/// Ids in the order of their first appearance.
pub fn parse(mut lines: impl BufRead, source: &str) -> Result<Vec<LeadId>, Failure> {
    let wrong = |line: usize, why: &str| {
        Failure::wrong_use(format!("{}:{line}: {why}; ids are read one a line", visible(source)))
    };
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    let mut buffer = Vec::new();
    for line in 1.. {
        buffer.clear();
        let read = lines
            .by_ref()
            .take(LONGEST_ID as u64 + 3)
            .read_until(b'\n', &mut buffer)
            .map_err(|error| wrong(line, &format!("cannot be read: {error}")))?;
        if read == 0 {
            break;
        }
        let text = std::str::from_utf8(&buffer).map_err(|_| wrong(line, "this is not valid text"))?;
        // Spreadsheets on other systems leave a byte order mark and carriage returns behind.
        let text = if line == 1 { text.trim_start_matches('\u{feff}') } else { text };
        let id = text.trim();
        if id.is_empty() || id.starts_with('#') {
            if id.len() > LONGEST_ID {
                skip_line(&mut lines, &buffer).map_err(|error| wrong(line, &format!("cannot be read: {error}")))?;
            }
            continue;
        }
        if id.len() > LONGEST_ID {
            return Err(wrong(line, "this is longer than any id"));
        }
        if seen.insert(id.to_owned()) {
            ids.push(LeadId::new(id));
        }
    }
    Ok(ids)
}

/// Reads on to the end of a comment that is longer than an id.
fn skip_line(lines: &mut impl BufRead, begun: &[u8]) -> std::io::Result<()> {
    if begun.ends_with(b"\n") {
        return Ok(());
    }
    lines.skip_until(b'\n').map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &[u8]) -> Result<Vec<String>, String> {
        parse(text, "ids.txt")
            .map(|ids| ids.iter().map(|id| id.as_str().to_owned()).collect())
            .map_err(|failure| failure.message)
    }

    #[test]
    fn ids_are_read_one_a_line() {
        for (text, expected) in [
            ("a\nb\n", vec!["a", "b"]),
            ("\u{feff}a\r\n\r\n# c\r\n  b  \n", vec!["a", "b"]),
            ("a\nb\na\n", vec!["a", "b"]),
            ("", vec![]),
            ("with space\n#\nlast", vec!["with space", "last"]),
        ] {
            assert_eq!(ids(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
        let long = format!("#{}\na\n", "x".repeat(10_000));
        assert_eq!(ids(long.as_bytes()).unwrap(), ["a"]);
    }

    #[test]
    fn what_is_not_a_list_of_ids_is_refused_with_its_line() {
        assert!(ids(b"a\n\xff\xfe\n").unwrap_err().starts_with("ids.txt:2: this is not valid text"));
        let long = format!("a\n{}\n", "x".repeat(5_000));
        assert!(ids(long.as_bytes()).unwrap_err().starts_with("ids.txt:2: this is longer than any id"));
        assert!(read("/nowhere/ids").unwrap_err().message.contains("cannot be read"));
    }
}
