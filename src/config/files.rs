//! Private files and folders: 0700 and 0600 from the moment they exist, written whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

/// Makes a folder, and those above it that are missing, for its owner alone. One that exists stays as it is, but an
/// empty one that others may look into is closed to them.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let existed = folder.is_dir();
    builder.create(folder)?;
    #[cfg(unix)]
    if existed && fs::read_dir(folder)?.next().is_none() {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
            // Someone else's folder (a shared /tmp) cannot be closed and needs not be: the files in it are private.
            let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = existed;
    Ok(())
}

/// Options that create files which only their owner may read.
pub fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a new private file; an existing one is an error (`AlreadyExists`) and stays as it is.
pub fn write_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut out = private_options().write(true).create_new(true).open(file)?;
    out.write_all(content)?;
    out.sync_all()
}

/// Writes a private file whole or not at all: into a new file beside it, made durable, then put in its place.
pub fn write_atomic(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The system makes such files with mode 0600 and removes them when anything goes wrong before the last step.
    let mut beside = tempfile::Builder::new().prefix(".switchboard-").tempfile_in(folder)?;
    beside.write_all(content)?;
    beside.as_file().sync_all()?;
    beside.persist(file).map_err(|error| error.error)?;
    // The new name itself is durable only with its folder.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// So many older files of one name are enough.
const MOST_KEPT: u32 = 10_000;

/// Writes a private file whole or not at all. What was there is not lost: unless it was empty it keeps its content and
/// gets another name, `file.1` or the next that is free, which is answered.
pub fn write_keeping(file: &Path, content: &[u8]) -> io::Result<Option<PathBuf>> {
    let kept = match fs::metadata(file) {
        Ok(data) if data.is_file() && data.len() > 0 => Some(keep(file)?),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    write_atomic(file, content)?;
    Ok(kept)
}

/// Gives a file a second name that nothing has yet.
fn keep(file: &Path) -> io::Result<PathBuf> {
    for number in 1..=MOST_KEPT {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let name = PathBuf::from(name);
        let kept = match fs::hard_link(file, &name) {
            // Not every file system has second names; a copy does, too.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => write_new(&name, &fs::read(file)?),
            kept => kept,
        };
        match kept {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            kept => return kept.map(|()| name),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many older ones are kept beside it"))
}

/// Replaces a file whole or not at all, and keeps its mode: it may have been opened to others on purpose.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let mode = fs::metadata(file).ok().map(|data| data.permissions());
    write_atomic(file, content)?;
    mode.map_or(Ok(()), |mode| fs::set_permissions(file, mode))
}

/// Reads a file, unless it is larger than anything that could be meant.
pub fn read_at_most(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // One byte more tells that there is more; a pipe does not tell its length.
    io::Read::take(File::open(file)?, most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(content)
}

/// Opens a private file to add to it, making it where it is missing.
pub fn open_append(file: &Path) -> io::Result<File> {
    private_options().append(true).create(true).open(file)
}

/// Whether anybody but its owner may read or change `file`. Always false where the system has no such modes.
pub fn open_to_others(file: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(fs::metadata(file)?.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        fs::metadata(file).map(|_| false)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_private() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&home.path().join("a")), 0o700);
        for write in [write_new, write_atomic] {
            let file = folder.join("file");
            write(&file, b"one").unwrap();
            assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"one".to_vec()));
            assert!(!open_to_others(&file).unwrap());
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn an_empty_folder_is_closed_and_a_used_one_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("x"), "").unwrap();
        private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o755);
    }

    #[test]
    fn a_new_file_never_replaces_and_an_atomic_one_does() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        write_new(&file, b"one").unwrap();
        assert_eq!(write_new(&file, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"one");
        write_atomic(&file, b"three").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"three");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_there_is_kept_under_another_name() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("plan.json");
        assert_eq!(write_keeping(&file, b"").unwrap(), None);
        // An empty file is nothing to keep.
        assert_eq!(write_keeping(&file, b"one").unwrap(), None);
        let kept = [home.path().join("plan.json.1"), home.path().join("plan.json.2")];
        assert_eq!(write_keeping(&file, b"two").unwrap().as_ref(), Some(&kept[0]));
        assert_eq!(write_keeping(&file, b"three").unwrap().as_ref(), Some(&kept[1]));
        let read = [&kept[0], &kept[1], &file].map(|file| fs::read(file).unwrap());
        assert_eq!(read, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        assert_eq!(mode(&file), 0o600);
    }
}
