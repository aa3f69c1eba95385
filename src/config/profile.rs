//! One profile: a named connection to a vendor.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{ConfigError, Secret, SecretSource};
use crate::domain::{ProfileName, VendorKind};

/// A profile whose keys were checked against its vendor's [`SettingSpec`](super::SettingSpec)s.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: ProfileName,
    pub vendor: VendorKind,
    /// Without a trailing slash. `https`, or `http` to loopback.
    pub base_url: String,
    /// Write actions do not exist in such a profile.
    pub read_only: bool,
    pub secrets: BTreeMap<String, SecretSource>,
    /// Vendor settings by dotted name; only those that were given.
    pub settings: BTreeMap<String, toml::Value>,
    /// Where all this is written.
    pub origin: Origin,
}

/// Where a profile is written, for complaints about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub file: Option<PathBuf>,
    /// The line of the profile's heading.
    pub line: Option<usize>,
    /// The line of each key, by dotted name.
    pub keys: BTreeMap<String, usize>,
}

impl Profile {
    /// A profile without secrets and settings.
    pub fn new(name: impl AsRef<str>, vendor: VendorKind, base_url: impl Into<String>) -> Self {
        Self {
            name: ProfileName::new(name),
            vendor,
            base_url: base_url.into(),
            read_only: false,
            secrets: BTreeMap::new(),
            settings: BTreeMap::new(),
            origin: Origin::default(),
        }
    }

    /// The setting as it was written, `None` where it was not given.
    pub fn setting(&self, name: &str) -> Option<&toml::Value> {
        self.settings.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.setting(name).and_then(toml::Value::as_str)
    }

    pub fn integer(&self, name: &str) -> Option<i64> {
        self.setting(name).and_then(toml::Value::as_integer)
    }

    /// A number, whole or not.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.setting(name).and_then(|value| value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64)))
    }

    pub fn switch(&self, name: &str) -> Option<bool> {
        self.setting(name).and_then(toml::Value::as_bool)
    }

    /// Fetches a credential; `Ok(None)` where the profile does not name it.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        let Some(source) = self.secrets.get(name) else { return Ok(None) };
        source
            .fetch()
            .map(Some)
            .map_err(|error| self.error(name, format!("{name} of profile {}: {}", self.name, error.message)))
    }

    /// A complaint about one of this profile's keys (or, where it is not written, about the profile), with its place.
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError {
            file: self.origin.file.clone(),
            line: self.origin.keys.get(key).copied().or(self.origin.line),
            message: message.into(),
        }
    }
}
