//! One profile: a named connection to a vendor.

use std::collections::BTreeMap;

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
}

impl Profile {
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

    pub fn switch(&self, name: &str) -> Option<bool> {
        self.setting(name).and_then(toml::Value::as_bool)
    }

    /// Fetches a credential; `Ok(None)` where the profile does not name it.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, ConfigError> {
        self.secrets.get(name).map(SecretSource::fetch).transpose()
    }
}
