//! The configuration: read, merged and checked, with file and line in every complaint.

pub mod profile;
pub mod secret;
pub mod settings;

pub use profile::Profile;
pub use secret::{Secret, SecretSource};
pub use settings::{SettingKind, SettingSpec};

/// What is wrong with a configuration. `Display` names file, line, and the nearest right name where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", location(.file, .line))]
pub struct ConfigError {
    pub file: Option<std::path::PathBuf>,
    /// From 1.
    pub line: Option<usize>,
    pub message: String,
}

impl ConfigError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { file: None, line: None, message: message.into() }
    }
}

fn location(file: &Option<std::path::PathBuf>, line: &Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        _ => String::new(),
    }
}
