//! What the screen writes besides leads: texts into private files, views into the configuration.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::views;
use crate::app::Message;
use crate::config::{files, paths};
use crate::domain::plan_file::LARGEST;
use crate::domain::view::SavedView;

/// Where such files go. Everything is written away from the event loop, and answered by a message.
#[derive(Clone, Debug)]
pub struct Files {
    /// Saved texts go into a folder in here.
    data: PathBuf,
    /// For saved views.
    config: PathBuf,
    /// One change of the configuration at a time: each reads what the one before has written.
    changing: Arc<Mutex<()>>,
}

/// The folder for saved texts, in the data folder.
const SAVED: &str = "saved";

/// So many files of one name are enough.
const MOST_OF_A_NAME: u32 = 10_000;

impl Files {
    pub fn new(data: impl Into<PathBuf>, config: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), config: config.into(), changing: Arc::default() }
    }

    /// Writes `text` into a new file; the answer names it.
    pub fn save(&self, name: String, text: String, answer: UnboundedSender<Message>) {
        let folder = self.data.join(SAVED);
        tokio::task::spawn_blocking(move || {
            let saved = save_new(&folder, &name, text.as_bytes())
                .map(|path| path.display().to_string())
                .map_err(|error| format!("{name} could not be saved in {}: {error}", folder.display()));
            // Nobody waits for the answer when the person has left.
            let _ = answer.send(Message::FileSaved(saved));
        });
    }

    /// Reads a file that the person named, by its path or as it is called among the saved ones; the answer has its bytes.
    pub fn read(&self, path: String, answer: UnboundedSender<Message>) {
        let folder = self.data.join(SAVED);
        tokio::task::spawn_blocking(move || {
            let file = among_saved(paths::expand_home(path.trim()), &folder);
            let read = files::read_at_most(&file, LARGEST).map(Arc::new);
            let read = read.map_err(|error| format!("{} cannot be read: {error}", file.display()));
            let _ = answer.send(Message::FileRead(read));
        });
    }

    /// Puts a view into the configuration.
    pub fn save_view(&self, view: SavedView, answer: UnboundedSender<Message>) {
        self.change_config(answer, move |text| views::with_view(text, &view));
    }

    /// Takes a view out of the configuration.
    pub fn delete_view(&self, name: String, answer: UnboundedSender<Message>) {
        self.change_config(answer, move |text| views::without_view(text, &name));
    }

    fn change_config(
        &self,
        answer: UnboundedSender<Message>,
        change: impl FnOnce(&str) -> Result<String, String> + Send + 'static,
    ) {
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            let _one = this.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let saved = rewrite(&this.config, change)
                .map(|()| this.config.display().to_string())
                .map_err(|why| format!("the configuration {} was not changed: {why}", this.config.display()));
            let _ = answer.send(Message::ViewSaved(saved));
        });
    }
}

/// Replaces a file's text, whole or not at all. A link stays a link, and the file keeps its mode.
fn rewrite(file: &Path, change: impl FnOnce(&str) -> Result<String, String>) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let (file, before) = match fs::canonicalize(file) {
        Ok(real) => {
            let text = fs::read_to_string(&real).map_err(told)?;
            (real, Some(text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = file.parent() {
                files::private_folder(folder).map_err(told)?;
            }
            (file.to_owned(), None)
        }
        Err(error) => return Err(error.to_string()),
    };
    let after = change(before.as_deref().unwrap_or_default())?;
    let mode = fs::metadata(&file).ok().map(|data| data.permissions());
    files::write_atomic(&file, after.as_bytes()).map_err(told)?;
    mode.map_or(Ok(()), |mode| fs::set_permissions(&file, mode)).map_err(told)
}

/// A bare name that is no file here is looked for among the saved files.
fn among_saved(file: PathBuf, folder: &Path) -> PathBuf {
    let bare = file.components().count() == 1 && file.is_relative();
    Some(folder.join(&file)).filter(|saved| bare && !file.exists() && saved.exists()).unwrap_or(file)
}

/// Writes a new private file called `name`, or `name-2` and so on where that is taken.
fn save_new(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    files::private_folder(folder)?;
    // A name is one step in a path, whatever is in it.
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let name = name.trim_start_matches('.');
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => (stem, extension),
        _ if name.is_empty() => (SAVED, "txt"),
        _ => (name, "txt"),
    };
    for number in 1..=MOST_OF_A_NAME {
        let suffix = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{suffix}.{extension}"));
        match files::write_new(&path, content) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => return outcome.map(|()| path),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files of this name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_unique_and_never_leave_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("saved");
        let mut names: Vec<String> = Vec::new();
        for name in ["leads.csv", "leads.csv", "../../etc/passwd", "...", "plain"] {
            let path = save_new(&folder, name, b"x").unwrap();
            assert_eq!(path.parent(), Some(&*folder));
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        assert_eq!(names, ["leads.csv", "leads-2.csv", "-..-etc-passwd", "saved.txt", "plain.txt"]);
    }

    #[test]
    fn a_saved_file_is_found_by_its_name() {
        let home = tempfile::tempdir().unwrap();
        let saved = save_new(home.path(), "plan-of-a-test.json", b"x").unwrap();
        assert_eq!(among_saved("plan-of-a-test.json".into(), home.path()), saved);
        for other in ["no-such-plan.json", "../plan-of-a-test.json", "/plan-of-a-test.json", ""] {
            assert_eq!(among_saved(other.into(), home.path()), PathBuf::from(other));
        }
    }

    #[test]
    fn a_linked_configuration_stays_a_link_and_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("dotfiles.toml"), home.path().join("config.toml"));
        fs::write(&real, "# one\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        rewrite(&link, |text| Ok(format!("{text}# two\n"))).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "# one\n# two\n");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(rewrite(&link, |_| Err("no".into())), Err("no".into()));
        assert_eq!(fs::read_to_string(&real).unwrap(), "# one\n# two\n");
        rewrite(&home.path().join("new/config.toml"), |_| Ok("x = 1\n".into())).unwrap();
    }
}
