//! CSV that a spreadsheet can open without running anything.

use std::borrow::Cow;

use super::Out;
use crate::cli::exit::Failure;
use crate::journal::export::csv_cell;

/// Prints one row. Text cells cannot start a formula.
pub fn row<'a>(out: &mut Out, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<(), Failure> {
    let cells: Vec<Cow<'a, str>> = cells.into_iter().map(Cell::printed).collect();
    out.write(|to| {
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        writer.write_record(cells.iter().map(|cell| cell.as_bytes()))?;
        let line = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
        to.write_all(&line)
    })
}

/// One cell.
pub enum Cell<'a> {
    /// Words from outside.
    Text(Cow<'a, str>),
    /// A number or a word of ours, as it is.
    Plain(String),
}

impl<'a> Cell<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub fn plain(value: impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    /// Nothing where there is no value.
    pub fn maybe(value: Option<impl ToString>) -> Self {
        Self::Plain(value.map(|value| value.to_string()).unwrap_or_default())
    }

    fn printed(self) -> Cow<'a, str> {
        match self {
            Self::Plain(text) => Cow::Owned(text),
            Self::Text(text) => Cow::Owned(csv_cell(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cells_cannot_start_a_formula() {
        for (raw, cell) in [
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("+49 123", "'+49 123"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("plain", "plain"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(Cell::text(raw).printed(), cell, "{raw}");
        }
        assert_eq!(Cell::plain(-5).printed(), "-5");
        assert_eq!(Cell::maybe(None::<i32>).printed(), "");
    }
}
