//! Where the configuration and the data lie.

use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;

/// The configuration's file and the data folder (journal, cache, log).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    pub config: PathBuf,
    pub data: PathBuf,
}

impl Paths {
    /// What was given on the command line (or by `SWITCHBOARD_CONFIG`, `SWITCHBOARD_DATA_DIR`), else the platform's
    /// folders.
    pub fn find(config: Option<PathBuf>, data: Option<PathBuf>) -> Result<Self, ConfigError> {
        let (config, data) = match (config, data) {
            (Some(config), Some(data)) => (config, data),
            (config, data) => {
                let platform = ProjectDirs::from("", "", "switchboard").ok_or_else(|| {
                    ConfigError::new(
                        "there is no home folder to look for the configuration and the data in; \
                         name both with --config FILE and --data-dir DIR",
                    )
                })?;
                (
                    config.unwrap_or_else(|| platform.config_dir().join("config.toml")),
                    data.unwrap_or_else(|| platform.data_dir().to_owned()),
                )
            }
        };
        Ok(Self { config, data })
    }
}

/// `path` with a leading `~` as the home folder.
pub fn expand_home(path: &str) -> PathBuf {
    let rest = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => return PathBuf::from(path),
    };
    match directories::BaseDirs::new() {
        Some(base) => base.home_dir().join(rest),
        None => PathBuf::from(path),
    }
}
