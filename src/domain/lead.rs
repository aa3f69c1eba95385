//! One lead as a vendor's client hands it over: made safe, in our words, with the vendor's own fields beside it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::assignment::Assignment;
use super::ids::LeadId;
use super::safe_text::SafeText;

/// One lead. Texts that the vendor does not give are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeadRecord {
    pub id: LeadId,
    pub name: SafeText,
    pub company: SafeText,
    pub email: SafeText,
    pub phone: SafeText,
    pub status: SafeText,
    pub source: SafeText,
    pub campaign: SafeText,
    pub list: SafeText,
    pub score: Option<i32>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub owner: Assignment,
    pub lifecycle: Lifecycle,
    pub flags: LeadFlags,
    /// What the vendor's client needs to see again when this lead is read back or written (a customer id, a campaign).
    /// Opaque to everybody else; goes into the journal with the change. Changes with different scopes may not share a
    /// batch where the capabilities say so.
    pub scope: CompactString,
    /// Every other field the vendor gave, key and value, in the vendor's order. Values are JSON, with texts made safe.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl LeadRecord {
    /// Whether none of the texts is there by which people know a lead.
    pub fn is_nameless(&self) -> bool {
        self.name.is_empty() && self.company.is_empty() && self.email.is_empty()
    }
}

/// Whether a lead is still work to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    #[default]
    Open,
    /// Closed, won, lost, converted: skipped by plans unless asked for.
    Closed,
    /// Deleted or merged at the vendor.
    Deleted,
}

/// Warnings that a vendor attaches to a lead. A set of bits so that a million rows stay small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadFlags(u8);

impl LeadFlags {
    pub const DO_NOT_CALL: Self = Self(1);
    pub const INVALID: Self = Self(1 << 1);
    pub const EMAIL_OPT_OUT: Self = Self(1 << 2);
    pub const FAX_OPT_OUT: Self = Self(1 << 3);

    /// Flags with the words a query uses: `is:do_not_call`.
    pub const NAMED: [(Self, &'static str); 4] = [
        (Self::DO_NOT_CALL, "do_not_call"),
        (Self::INVALID, "invalid"),
        (Self::EMAIL_OPT_OUT, "email_opt_out"),
        (Self::FAX_OPT_OUT, "fax_opt_out"),
    ];

    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The flags that are set, for people: `do not call, invalid`. Empty where none is.
    pub fn words(self) -> String {
        let set = Self::NAMED.iter().filter(|(flag, _)| self.has(*flag));
        set.map(|(_, word)| word.replace('_', " ")).collect::<Vec<_>>().join(", ")
    }

    pub const fn bits(self) -> u8 {
        self.0
    }

    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}
