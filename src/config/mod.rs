//! The configuration: read, merged and checked, with file and line in every complaint.
//!
//! A file is read into a [`Config`] by [`Config::read`], which finds all that is wrong at once. What a vendor's profile
//! may hold is data ([`VendorSettings`]) that the caller passes in, so that nothing here knows a vendor.

pub mod example;
pub mod files;
mod load;
mod nearest;
pub mod paths;
mod people;
pub mod profile;
mod read;
pub mod secret;
pub mod settings;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::path::PathBuf;

pub use load::{Config, KeyOverride, OwnerCap, Settings, Theme, View};
pub use nearest::nearest;
pub use paths::Paths;
pub use profile::{Origin, Profile};
pub use secret::{Secret, SecretSource};
pub use settings::{SettingKind, SettingSpec, VendorSettings};

/// What is wrong with a configuration. `Display` names file, line, and the nearest right name where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", location(.file, .line))]
pub struct ConfigError {
    pub file: Option<PathBuf>,
    /// From 1.
    pub line: Option<usize>,
    pub message: String,
}

impl ConfigError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { file: None, line: None, message: message.into() }
    }

    /// The same complaint with a place, unless it already has one.
    pub fn or_at(mut self, file: Option<PathBuf>, line: Option<usize>) -> Self {
        if self.file.is_none() && self.line.is_none() {
            self.file = file;
            self.line = line;
        }
        self
    }
}

fn location(file: &Option<PathBuf>, line: &Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        (None, Some(line)) => format!("line {line}: "),
        (None, None) => String::new(),
    }
}

/// Everything that is wrong with a configuration, in the order of its lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}
