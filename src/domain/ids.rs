//! Identifiers. All of them are opaque text that a vendor (or we) made: compared byte for byte, never parsed.
//!
//! `Display` shows an id with its control and direction characters made visible, so that it may go to a screen, a log
//! or a question; [`as_str`](LeadId::as_str) is the id itself, for requests, comparisons and the journal.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::safe_text;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(CompactString);

        impl $name {
            pub fn new(id: impl AsRef<str>) -> Self {
                Self(CompactString::from(id.as_ref()))
            }

            /// The id exactly as it was given. Not for screens: use `Display` there.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&safe_text::visible(&self.0))
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(CompactString::from(id))
            }
        }
    };
}

id! {
    /// A lead's id within its profile.
    LeadId
}
id! {
    /// What is being assigned, within its profile: a lead's id, or `campaignId:leadId` for a mapping
    /// (Exotel contract, section 13).
    TargetId
}
id! {
    /// An owner's or agent's id within its profile.
    PersonId
}
id! {
    /// The name of a profile in the configuration.
    ProfileName
}
id! {
    /// An operation's id: unique, sorted by time, short enough to be typed. Made by the backend, which has a clock.
    OperationId
}

impl From<LeadId> for TargetId {
    fn from(id: LeadId) -> Self {
        Self(id.0)
    }
}

impl From<&LeadId> for TargetId {
    fn from(id: &LeadId) -> Self {
        Self(id.0.clone())
    }
}

impl From<TargetId> for LeadId {
    fn from(id: TargetId) -> Self {
        Self(id.0)
    }
}
