//! Secrets: where they come from, and a type that tells nothing.

use std::path::PathBuf;

use secrecy::SecretString;

/// A secret's value. `Debug` prints nothing of it; there is no `Display`.
pub type Secret = SecretString;

/// Where a secret comes from. Never the configuration's own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    Env(String),
    /// Run by the shell; the first line of its output.
    Command(String),
    /// A file that only its owner may read.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches the secret.
    pub fn fetch(&self) -> Result<Secret, super::ConfigError> {
        todo!()
    }
}
