//! The event loop that joins the parts, and the way into it.

mod demo;
pub mod event_loop;
pub mod files;
mod frames;
mod launch;
pub mod log;
mod open;
pub mod setup;
pub mod source;
#[cfg(test)]
mod tests;
mod views;
pub mod workers;

pub use demo::{Demo, run_demo};
pub use event_loop::{Ended, EventLoop};
pub use files::Files;
pub use launch::{Launch, LaunchError, run};
pub use source::{Outside, Process, Source};

use crate::config::{Config, ConfigError, ConfigErrors};
use crate::input::{KeyMap, KeyMapError, Rebinding};

/// The keys with the configuration's changes. Mistakes are told with their line, as all of the configuration's are.
pub fn key_map(config: &Config) -> Result<KeyMap, ConfigErrors> {
    key_map_with_warnings(config).map(|(keys, _)| keys)
}

/// As [`key_map`], with what is allowed but should be looked at.
pub fn key_map_with_warnings(config: &Config) -> Result<(KeyMap, Vec<ConfigError>), ConfigErrors> {
    let changes: Vec<Rebinding> = config
        .keys
        .iter()
        .map(|key| Rebinding {
            section: key.scope.clone(),
            action: key.action.clone(),
            keys: key.keys.clone(),
            line: key.line,
        })
        .collect();
    let placed = |errors: Vec<KeyMapError>| -> Vec<ConfigError> {
        let place = |error: KeyMapError| ConfigError::new(error.message).or_at(config.file.clone(), Some(error.line));
        errors.into_iter().map(place).collect()
    };
    match KeyMap::with(&changes) {
        Ok((keys, warnings)) => Ok((keys, placed(warnings))),
        Err(errors) => Err(ConfigErrors(placed(errors))),
    }
}
