//! The log: a private file in the data folder, never the screen. It carries ids, not people.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::files;

/// Its name in the data folder.
pub const NAME: &str = "switchboard.log";

/// A log that has grown beyond this is put aside at the next start; the one before that goes.
const LONGEST: u64 = 4 << 20;

/// What is logged where `SWITCHBOARD_LOG` says nothing (it takes what `RUST_LOG` usually takes).
const USUAL: &str = "warn,switchboard=info";

/// Starts logging into `data`. Without a log the program runs all the same.
pub fn start(data: &Path) {
    let Ok(file) = open(&data.join(NAME)) else { return };
    let filter = std::env::var("SWITCHBOARD_LOG").ok().and_then(|wish| EnvFilter::try_new(wish).ok());
    // Only the first call has an effect; tests start more than once in a process.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|| EnvFilter::new(USUAL)))
        .with_span_events(FmtSpan::NONE)
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init();
}

fn open(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|data| data.len() > LONGEST) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    files::open_append(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_put_aside() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(NAME);
        open(&path).unwrap().set_len(LONGEST + 1).unwrap();
        open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(fs::metadata(data.path().join("switchboard.log.old")).unwrap().len(), LONGEST + 1);
    }
}
