//! The files that a customer keeps beside Exotel, because its API has no names: the roster and the names of lead lists.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::build::Built;
use crate::sim::demo::Demo;

/// A folder that is gone with the simulator.
#[derive(Debug)]
pub struct Files {
    folder: TempDir,
}

impl Files {
    /// In `folder`, or in the system's folder for such files.
    pub fn write(built: &Built, demo: &Demo, folder: Option<&Path>) -> io::Result<Self> {
        let (parent, mut new) = (folder.map_or_else(std::env::temp_dir, Path::to_owned), tempfile::Builder::new());
        let files = Self { folder: new.prefix("switchboard-exotel-").tempdir_in(parent)? };
        let roster = built.roster.iter().filter_map(|(user, place)| Some((user, demo.staff.get(*place)?)));
        let rows = roster.map(|(user, person)| vec![user.clone(), person.name(), person.team.to_owned()]);
        write(files.roster(), &["user_id", "display_name", "team"], rows)?;
        let rows = built.list_names.iter().map(|(id, name)| vec![id.to_string(), name.clone()]);
        write(files.lead_names(), &["lead_id", "name"], rows)?;
        Ok(files)
    }

    /// `user_id,display_name,team`.
    pub fn roster(&self) -> PathBuf {
        self.folder.path().join("roster.csv")
    }

    /// `lead_id,name`.
    pub fn lead_names(&self) -> PathBuf {
        self.folder.path().join("lead-names.csv")
    }
}

fn write(path: PathBuf, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record(head)?;
    for row in rows {
        file.write_record(row)?;
    }
    file.flush()
}
