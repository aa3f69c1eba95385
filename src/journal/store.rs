//! Where the journal lies: the folder and the file with their modes, connections to it, and putting a damaged one
//! aside.
//!
//! Once it has its name, nobody here opens the file but SQLite: closing any other handle to it would silently drop
//! the locks of every connection of this process (so POSIX has it), and with them the safety beside other processes.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::JournalError;
use super::schema::{self, Found};
use crate::domain::{SafeText, Timestamp};

/// The journal's name in the data folder.
pub const FILE_NAME: &str = "journal.sqlite3";

/// How long to wait for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How SQLite makes commits safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogMode {
    /// Fast, and readers never wait for writers; needs memory shared between processes, so only on local disks.
    Wal,
    /// Works wherever files and locks do.
    Rollback,
}

/// A journal's place on disk.
#[derive(Debug)]
pub(super) struct Place {
    pub file: PathBuf,
    pub mode: LogMode,
}

impl Place {
    /// Finds the journal in `folder`, or makes folder and journal. `mode` overrides what the file system suggests.
    pub fn prepare(folder: &Path, mode: Option<LogMode>) -> Result<Self, JournalError> {
        let mode_of_folder = || if on_network(folder) { LogMode::Rollback } else { LogMode::Wal };
        let file = folder.join(FILE_NAME);
        make_private_folder(folder).map_err(|error| storage(folder, "created", &error))?;
        let place = Self { file, mode: mode.unwrap_or_else(mode_of_folder) };
        place.make_file_if_missing()?;
        Ok(place)
    }

    /// A connection that may write.
    pub fn writer(&self) -> Result<Connection, JournalError> {
        // SQLite would take an empty file for a new database, and forget everything without a word.
        let found = fs::metadata(&self.file).map_err(|error| self.io_error("opened", &error))?;
        if found.is_file() && found.len() == 0 {
            return Err(self.damaged("it is empty"));
        }
        let opened = self.open_writer();
        let mut connection = opened.map_err(|error| self.error("opened", &error))?;
        match self.move_in(&connection).map_err(|error| self.error("opened", &error))? {
            Found::Ours => {}
            Found::Newer(found) => return Err(self.newer(found)),
            Found::Foreign => return Err(self.damaged("it is a database of something else")),
        }
        schema::migrate(&mut connection).map_err(|error| self.error("brought to the present format", &error))?;
        Ok(connection)
    }

    /// A connection for reading.
    pub fn reader(&self) -> Result<Connection, JournalError> {
        self.open_reader().map_err(|error| self.error("opened", &error))
    }

    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect()?;
        // Beyond FULL, EXTRA makes the removal of the rollback journal durable: without it a commit could be undone
        // by a power cut that follows at once.
        let synchronous = if self.mode == LogMode::Wal { "FULL" } else { "EXTRA" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // macOS: a plain fsync leaves the data in the drive's cache.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        // A log that grew large while somebody was reading shrinks again.
        connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
        Ok(connection)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            &self.file,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Looking every reference up again would be a third of the cost of a commit. Rows refer only to numbers that
        // the same transaction has just read or written; the check of the whole file looks at all of them.
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // A page that makes no sense is reported where it is met, rather than read.
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }

    /// Sees what the file is, and takes a journal of ours to the mode that its place asks for. The file may come from a
    /// place of the other kind.
    fn move_in(&self, connection: &Connection) -> rusqlite::Result<Found> {
        if self.mode == LogMode::Wal {
            let found = schema::inspect(connection)?;
            if found == Found::Ours {
                match set_mode(connection, LogMode::Wal) {
                    // Somebody uses it with a rollback journal just now: then so does this process, it is right
                    // everywhere.
                    Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
                    moved => moved?,
                }
            }
            return Ok(found);
        }
        // Without an exclusive lock SQLite would need shared memory here just to leave the mode that needs it. Where
        // somebody uses the file in that mode, it is locked, and that is said.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let found = schema::inspect(connection)?;
        if found == Found::Ours {
            set_mode(connection, LogMode::Rollback)?;
            connection.pragma_update(None, "locking_mode", "NORMAL")?;
            // The lock goes with the next reading.
            schema::inspect(connection)?;
        }
        Ok(found)
    }

    /// The file appears under its name complete: whatever is found there later was either finished or damaged.
    fn make_file_if_missing(&self) -> Result<(), JournalError> {
        match fs::metadata(&self.file) {
            Ok(found) => {
                if found.is_file() && found.mode() & 0o077 != 0 {
                    // Fails for another user's file; then the mode is that user's decision.
                    let _ = fs::set_permissions(&self.file, fs::Permissions::from_mode(0o600));
                }
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.io_error("opened", &error)),
        }
        let log_left = ["-wal", "-journal"]
            .iter()
            .any(|ending| fs::metadata(with_ending(&self.file, ending)).is_ok_and(|log| log.len() > 0));
        // Looked at again: another process may have just made it.
        if log_left && !self.file.exists() {
            return Err(self.damaged("only its log is there, the file itself is missing"));
        }
        let draft = self.file.with_file_name(format!(".{FILE_NAME}.{}.new", uuid::Uuid::new_v4().simple()));
        let made = self
            .make_draft(&draft)
            .and_then(|()| publish(&draft, &self.file).map_err(|error| self.io_error("created", &error)));
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(with_ending(&draft, ending));
        }
        made
    }

    fn make_draft(&self, draft: &Path) -> Result<(), JournalError> {
        let mut options = OpenOptions::new();
        let created = options.write(true).create_new(true).mode(0o600).open(draft);
        // The mode again, for an unusual umask.
        let created = created.and_then(|file| file.set_permissions(fs::Permissions::from_mode(0o600)));
        created.map_err(|error| self.io_error("created", &error))?;
        let draft = Self { file: draft.to_owned(), mode: self.mode };
        let filled = (|| {
            let mut connection = draft.open_writer()?;
            // Nobody knows the draft yet; it is synced as a whole before it gets its name.
            connection.pragma_update(None, "synchronous", "OFF")?;
            // Not in WAL yet: on a full disk its log could take what does not fit into the file any more.
            schema::migrate(&mut connection)?;
            set_mode(&connection, self.mode)?;
            connection.close().map_err(|(_, error)| error)
        })();
        filled.map_err(|error| self.error("created", &error))
    }

    /// The path for people.
    pub fn label(&self) -> String {
        label(&self.file)
    }

    pub fn newer(&self, found: i64) -> JournalError {
        JournalError::Newer { path: self.label(), found, known: schema::FORMAT }
    }

    pub fn damaged(&self, why: impl Into<String>) -> JournalError {
        JournalError::Damaged { path: self.label(), why: why.into() }
    }

    /// What SQLite complains about, in words that say what can be done.
    pub fn error(&self, doing: &'static str, error: &rusqlite::Error) -> JournalError {
        let why = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => return self.damaged("parts of it are missing or scrambled"),
            Some(ErrorCode::NotADatabase) => return self.damaged("it is not a journal"),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program keeps it locked".to_owned(),
            Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "it may not be written".to_owned(),
            Some(ErrorCode::CannotOpen) => "it cannot be opened; look at the permissions of its folder".to_owned(),
            Some(ErrorCode::SystemIoFailure) => format!("the disk is full or faulty ({error})"),
            Some(_) => error.to_string(),
            None => match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::QueryReturnedNoRows => {
                    return self.damaged(format!("something in it does not belong there ({error})"));
                }
                _ => error.to_string(),
            },
        };
        JournalError::Storage { path: self.label(), doing, why }
    }

    fn io_error(&self, doing: &'static str, error: &io::Error) -> JournalError {
        storage(&self.file, doing, error)
    }
}

/// Renames a journal that cannot be read, with its logs, so that a new one can begin. Returns its new path.
///
/// Only for when a person asked for it, and while no other Switchboard uses it.
pub(super) fn put_aside(folder: &Path, at: Timestamp) -> Result<PathBuf, JournalError> {
    let file = folder.join(FILE_NAME);
    let stamp = at.strftime("%Y%m%d-%H%M%S");
    let aside = (0..1000)
        .map(|turn| match turn {
            0 => folder.join(format!("journal-damaged-{stamp}.sqlite3")),
            _ => folder.join(format!("journal-damaged-{stamp}-{turn}.sqlite3")),
        })
        .find(|aside| !aside.exists() && !with_ending(aside, "-wal").exists());
    let Some(aside) = aside else {
        return Err(storage(&file, "put aside", &io::Error::from(io::ErrorKind::AlreadyExists)));
    };
    // The file first: should this be cut off half-way, a log without its file is noticed at the next opening, but a
    // file without its log would pass for a whole journal.
    for ending in ["", "-wal", "-journal", "-shm"] {
        match fs::rename(with_ending(&file, ending), with_ending(&aside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(storage(&file, "put aside", &error)),
            _ => {}
        }
    }
    sync_folder(folder).map_err(|error| storage(&file, "put aside", &error))?;
    Ok(aside)
}

fn set_mode(connection: &Connection, mode: LogMode) -> rusqlite::Result<()> {
    let word = match mode {
        LogMode::Wal => "wal",
        LogMode::Rollback => "delete",
    };
    connection.query_row(&format!("PRAGMA journal_mode = {word}"), [], |_| Ok(()))
}

/// A new folder is private from its first moment. An existing one that is empty is made so; one with other things in
/// it belongs to somebody and keeps its mode (the journal's own files are private in any case).
fn make_private_folder(folder: &Path) -> io::Result<()> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err(io::Error::from(io::ErrorKind::NotADirectory)),
        Ok(found) => {
            if found.mode() & 0o077 != 0 && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none()) {
                let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                let _ = sync_folder(parent);
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Gives a finished draft its name, unless another process was faster: then that one's file stays.
fn publish(draft: &Path, file: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    match fs::hard_link(draft, file) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // Some file systems have no hard links. Renaming could replace another's new file, so look first.
        Err(_) if !file.exists() => fs::rename(draft, file)?,
        Err(_) => {}
    }
    sync_folder(file.parent().unwrap_or(Path::new(".")))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder)?.sync_all() {
        // Some file systems cannot sync folders; there is nothing better to be had there.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    PathBuf::from(name)
}

fn label(path: &Path) -> String {
    SafeText::from(path.to_string_lossy().into_owned()).to_string()
}

fn storage(path: &Path, doing: &'static str, error: &io::Error) -> JournalError {
    JournalError::Storage { path: label(path), doing, why: error.to_string() }
}

/// Whether a folder (or the nearest existing one above it) is on a file system without shared memory between hosts.
fn on_network(folder: &Path) -> bool {
    folder
        .ancestors()
        .find_map(|place| {
            let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
            rustix::fs::statfs(place).ok()
        })
        .is_some_and(|found| is_network(&found))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_network(found: &rustix::fs::StatFs) -> bool {
    // The type's width differs between processors; these numbers are all 32 bits.
    is_network_magic(found.f_type as u32)
}

#[cfg(target_vendor = "apple")]
fn is_network(found: &rustix::fs::StatFs) -> bool {
    let name: String = found.f_fstypename.iter().map(|&c| c as u8).take_while(|&c| c != 0).map(char::from).collect();
    ["nfs", "smbfs", "afpfs", "webdav", "macfuse", "osxfuse", "fusefs"].contains(&name.as_str())
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn is_network(_found: &rustix::fs::StatFs) -> bool {
    // Which one it is cannot be told here; the mode that works everywhere is the safe one.
    true
}

/// The numbers of `statfs(2)` for file systems that other hosts may write to at the same time, or whose locks and
/// shared memory are somebody's program (FUSE).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_network_magic(magic: u32) -> bool {
    const NETWORK: [u32; 21] = [
        0x0000_6969, // NFS
        0x0000_517b, // SMB
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB 2
        0x0000_564c, // NCP
        0x5346_414f, // AFS
        0x6b41_4653, // AFS of the kernel
        0x7375_7245, // Coda
        0x00c3_6400, // Ceph
        0x0102_1997, // 9p
        0x6573_5546, // FUSE: sshfs, s3fs, virtiofs
        0x0116_1970, // GFS2
        0x7461_636f, // OCFS2
        0x0bd0_0bd0, // Lustre
        0x4750_4653, // GPFS
        0x1983_0326, // BeeGFS
        0x2003_0528, // OrangeFS
        0xaad7_aaea, // PanFS
        0x786f_4256, // VirtualBox shared folders
        0xbacb_acbc, // VMware shared folders
        0x7c7c_6673, // Parallels shared folders
    ];
    NETWORK.contains(&magic)
}
