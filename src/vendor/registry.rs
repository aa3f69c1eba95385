//! The vendors that exist. A new one is a folder beside this file, a line here and a simulator; nothing else changes.

use std::sync::Arc;

use super::{Gate, Vendor};
use crate::config::{ConfigError, Profile, SettingSpec, VendorSettings};
use crate::domain::VendorKind;

/// Makes a client for a profile, behind a gate.
pub type Open = fn(&Profile, Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError>;

/// How to make one vendor's client.
pub struct VendorEntry {
    pub kind: VendorKind,
    /// The settings and credentials a profile of this vendor may have.
    pub settings: &'static [SettingSpec],
    /// Sets of credentials of which a profile must give at least one whole; the usual one first.
    pub credentials: &'static [&'static [&'static str]],
    /// Makes the client. Reads secrets, sends nothing.
    pub open: Open,
}

/// All vendors.
pub fn all() -> &'static [VendorEntry] {
    const ALL: &[VendorEntry] = &[
        super::capillary::ENTRY,
        super::exotel::ENTRY,
        super::instantly::ENTRY,
        super::kenbun::ENTRY,
        super::stateset::ENTRY,
    ];
    ALL
}

pub fn entry(kind: VendorKind) -> Option<&'static VendorEntry> {
    all().iter().find(|entry| entry.kind == kind)
}

/// What the profiles of all vendors may hold: what a configuration is checked against.
pub fn settings() -> Vec<VendorSettings> {
    let of = |entry: &VendorEntry| VendorSettings {
        vendor: entry.kind,
        settings: entry.settings,
        credentials: entry.credentials,
    };
    all().iter().map(of).collect()
}
