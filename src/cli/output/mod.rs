//! What commands print: JSON Lines, tables and CSV on standard output; progress and questions on standard error.

pub mod csv;
pub mod items;
pub mod json;
pub mod mapping;
pub mod table;

use std::io::{self, BufWriter, IsTerminal, Write};

use super::args::Format;
use super::exit::Failure;
use crate::journal::export::write_json_line;

/// Standard output. A reader that went away (`| head`) is no error: the rest of the work is still done, unprinted.
pub struct Out {
    to: Box<dyn Write + Send>,
    gone: bool,
}

impl Out {
    pub fn stdout() -> Self {
        Self::new(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    pub fn new(to: impl Write + Send + 'static) -> Self {
        Self { to: Box::new(to), gone: false }
    }

    /// Whether nobody reads any more: commands that only print may end.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(|to| {
            to.write_all(text.as_bytes())?;
            to.write_all(b"\n")
        })
    }

    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        self.write(|to| write_json_line(to, value))
    }

    pub fn flush(&mut self) -> Result<(), Failure> {
        self.write(|to| to.flush())
    }

    pub(super) fn write(
        &mut self,
        with: impl FnOnce(&mut Box<dyn Write + Send>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.gone {
            return Ok(());
        }
        match with(&mut self.to) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                // What is still in the buffer would be tried again when it is dropped.
                self.to = Box::new(io::sink());
                Ok(())
            }
            Err(error) => Err(Failure::nothing(format!("the results could not be written: {error}"))),
        }
    }
}

/// The format to print in.
pub fn format(wanted: Option<Format>) -> Format {
    wanted.unwrap_or(if io::stdout().is_terminal() { Format::Table } else { Format::Json })
}

/// Tells the person something that is not a result.
pub fn say(text: &str) {
    // Without anybody who listens there is nobody to tell about it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut out = Out::new(Broken);
        assert!(!out.is_gone());
        out.line("x").unwrap();
        assert!(out.is_gone());
        out.line("y").unwrap();
        out.flush().unwrap();
    }
}
