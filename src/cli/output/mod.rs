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
    survives: bool,
    trouble: Option<String>,
}

impl Out {
    pub fn stdout() -> Self {
        Self::new(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    pub fn new(to: impl Write + Send + 'static) -> Self {
        Self { to: Box::new(to), gone: false, survives: false, trouble: None }
    }

    /// Whether nobody reads any more: commands that only print may end.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// From now on what cannot be written is no failure: something was done, and the exit code has to say what.
    /// [`trouble`](Self::trouble) tells of it.
    pub fn survive(&mut self) {
        self.survives = true;
    }

    /// Why results could not be written since [`survive`](Self::survive).
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
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

    fn leave(&mut self) {
        self.gone = true;
        // What is still in the buffer would be tried again when it is dropped.
        self.to = Box::new(io::sink());
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
                self.leave();
                Ok(())
            }
            Err(error) => {
                let trouble = format!("the results could not be written: {error}");
                if !self.survives {
                    return Err(Failure::nothing(trouble));
                }
                self.leave();
                self.trouble = Some(trouble);
                Ok(())
            }
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

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut out = Out::new(Broken(io::ErrorKind::BrokenPipe));
        assert!(!out.is_gone());
        out.line("x").unwrap();
        assert!(out.is_gone());
        out.line("y").unwrap();
        out.flush().unwrap();
    }

    #[test]
    fn a_full_disk_is_a_failure_until_something_was_done() {
        let mut out = Out::new(Broken(io::ErrorKind::StorageFull));
        assert!(out.line("x").unwrap_err().message.starts_with("the results could not be written"));
        out.survive();
        assert_eq!(out.trouble(), None);
        out.line("y").unwrap();
        out.flush().unwrap();
        assert!(out.trouble().unwrap().starts_with("the results could not be written"));
    }
}
