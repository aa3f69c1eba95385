//! The owner file: who may own leads, by hand. Nobody documents how the ids and user names of the staff list relate to
//! those that leads want, so a customer may know better.

use std::path::Path;

/// One line of the file. Any of the two names may be missing, but not both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOwner {
    /// What the owner filter wants.
    pub id: String,
    /// What is written as a lead's owner.
    pub username: String,
    pub display_name: String,
    pub store_code: String,
}

/// Reads the file. The sentence of an error names the file and, where it is about one, the line.
pub fn read(file: &Path) -> Result<Vec<FileOwner>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    parse(&bytes).map_err(|why| format!("{}{why}", file.display()))
}

fn parse(bytes: &[u8]) -> Result<Vec<FileOwner>, String> {
    // Spreadsheets put a mark before the text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
    let heads = reader.headers().map_err(|error| format!(" is not a CSV file: {error}"))?.clone();
    let place = |name: &str| heads.iter().position(|head| head.eq_ignore_ascii_case(name));
    let places = ["id", "username", "display_name", "store_code"].map(place);
    if places[0].is_none() && places[1].is_none() {
        return Err(" needs a first line with the names of its columns: id,username,display_name,store_code".to_owned());
    }
    let mut owners: Vec<FileOwner> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!(" is not a CSV file: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = |at: usize| places[at].and_then(|place| record.get(place)).unwrap_or_default().to_owned();
        let owner = FileOwner { id: text(0), username: text(1), display_name: text(2), store_code: text(3) };
        if owner.id.is_empty() && owner.username.is_empty() {
            return Err(format!(":{line}: this owner has neither an id nor a username"));
        }
        let is_same = |other: &&FileOwner| {
            (!owner.id.is_empty() && other.id == owner.id)
                || (!owner.username.is_empty() && other.username == owner.username)
        };
        if owners.iter().any(|other| is_same(&other)) {
            return Err(format!(":{line}: this owner has the id or the username of an earlier one"));
        }
        owners.push(owner);
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "\u{feff}username, Display_Name ,id,note\nasha.k,\"Asha K, floor 2\",7,x\nravi,,,\n,Mia,9\n";
        let owner = |id: &str, username: &str, name: &str| FileOwner {
            id: id.to_owned(),
            username: username.to_owned(),
            display_name: name.to_owned(),
            store_code: String::new(),
        };
        let expected = [owner("7", "asha.k", "Asha K, floor 2"), owner("", "ravi", ""), owner("9", "", "Mia")];
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
        assert_eq!(parse(b"id,username\n").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, words) in [
            ("", "needs a first line"),
            ("name,store\nA,B\n", "needs a first line"),
            ("id,username\n1,a\n,\n", ":3: this owner has neither"),
            ("id,username\n1,a\n2,a\n", ":3: this owner has the id or the username of an earlier one"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(parse(b"id,username\n\xff,\xfe\n").unwrap_err().contains("not a CSV file"));
        assert!(read(Path::new("/no/such/file")).unwrap_err().contains("/no/such/file cannot be read"));
    }
}
