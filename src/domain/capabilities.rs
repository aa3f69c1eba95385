//! What differs between vendors, as data. Nothing outside `vendor/` asks which vendor it is talking to; it asks what
//! the vendor can do, and the plan says in words what it cannot.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;

/// The five systems, by their contracts.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum VendorKind {
    Capillary,
    Exotel,
    Instantly,
    Kenbun,
    Stateset,
}

impl VendorKind {
    /// The vendor's name as its own pages write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Capillary => "Capillary",
            Self::Exotel => "Exotel",
            Self::Instantly => "Instantly",
            Self::Kenbun => "kenbun",
            Self::Stateset => "StateSet",
        }
    }
}

/// What a profile's targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Leads with one owner each.
    Leads,
    /// (campaign, lead list) with a set of agents each.
    Mappings,
}

/// Everything the rest of the house needs to know about a vendor as configured in one profile.
#[derive(Clone, Debug)]
pub struct Capabilities {
    pub vendor: VendorKind,
    pub targets: TargetKind,
    /// Shown wherever the profile is: the contract rests on guesses.
    pub experimental: bool,
    /// The fields of a lead that this vendor gives; a query for another one is an error that names these.
    pub fields: &'static [Field],
    /// Filters that the vendor evaluates itself (`filter:word` in a query), each with a sentence.
    pub server_filters: &'static [(&'static str, &'static str)],
    /// The vendor has a text search of its own (`search:text` in a query).
    pub server_search: bool,
    /// The other fields that a new lead may have beside its names and e-mail address, by the vendor's names, each with a
    /// sentence; `None` where the contract has no call that creates leads.
    pub new_lead: Option<&'static [(&'static str, &'static str)]>,
    /// False when list rows carry no name and one detail call a lead is needed to show it (kenbun).
    pub names_in_rows: bool,
    /// The names of all leads are read after each load without being asked for, not only those of visible ones.
    pub all_names: bool,
    pub batch: BatchRule,
    pub unassign: Unassign,
    /// What may be done with leads of which the vendor does not tell who owns them.
    pub unknown: UnknownOwner,
    /// What becomes of leads that would go to a person of another group than their present owner's.
    pub other_group: OtherGroup,
    /// The names of leads are personal data that may be shown but not kept: no plan and no journal holds them.
    pub private_names: bool,
    pub read_back: ReadBack,
    /// How many targets one reading covers; 1 where each is asked for by itself.
    pub read_at_once: usize,
    /// Requests that finding out about one change takes beside the change's own.
    pub checks_per_change: usize,
    pub settle: Settle,
    /// For how long after it was sent a write that the vendor only queued may still take effect, though its leads were
    /// read as unchanged. Zero where writes are carried out before they are answered. Until then such a lead stays
    /// `unknown`, and taking back what belongs to the same operation warns: the queued write would overwrite it.
    pub late_writes: Duration,
    pub undo: Exactness,
    pub pace: Pace,
    /// How old a before-value may be at the moment of sending before it is read again.
    pub freshness: Duration,
    /// The first write of a session goes out alone and is compared before the others follow.
    pub first_write_alone: bool,
    /// What no undo can take back, in sentences for the plan (alerts sent, calls made).
    pub not_undoable: Vec<String>,
    /// Other sentences the plan has to say before anything is sent.
    pub warnings: Vec<String>,
}

impl Capabilities {
    /// A vendor of leads that does everything one at a time and without limits, shows what it did at once and can take
    /// all of it back. What a real one does differently is changed from there.
    pub fn plain(vendor: VendorKind, fields: &'static [Field]) -> Self {
        Self {
            vendor,
            targets: TargetKind::Leads,
            experimental: false,
            fields,
            server_filters: &[],
            server_search: false,
            new_lead: None,
            names_in_rows: true,
            all_names: false,
            batch: BatchRule::SINGLE,
            unassign: Unassign::Yes,
            unknown: UnknownOwner::USUAL,
            other_group: OtherGroup::Allowed,
            private_names: false,
            read_back: ReadBack::ById,
            read_at_once: 1,
            checks_per_change: 0,
            settle: Settle::USUAL,
            late_writes: Duration::ZERO,
            undo: Exactness::Exact,
            pace: Pace { per_second: f64::INFINITY, burst: u32::MAX, parallel: 1, yields: false },
            freshness: Duration::from_secs(300),
            first_write_alone: false,
            not_undoable: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// How changes may be put together into one request. The same function uses it to count a plan's requests and to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRule {
    /// At most this many changes in one request; 1 means no bulk call.
    pub max: usize,
    /// With fewer changes than this altogether, each goes by a single request.
    pub bulk_from: usize,
    /// At most this many when the change is to nobody; 1 where unassigning has no bulk form (Instantly).
    pub unassign_max: usize,
    /// Changes with different before-values may not share a batch (Instantly's guard).
    pub split_by_before: bool,
    /// Changes with different scopes may not share a batch.
    pub split_by_scope: bool,
    /// All of a batch or nothing takes effect.
    pub atomic: bool,
    /// The answer says for every change what became of it.
    pub per_item_answer: bool,
    /// Requests that go before each bulk request by themselves (kenbun: choosing the organizational unit), for the cost.
    pub before_each: usize,
}

impl BatchRule {
    /// Whether a change to `after` may have gone out together with others, when there were `changes` altogether.
    pub fn may_share(&self, changes: usize, after: &Assignment) -> bool {
        let most = if matches!(after, Assignment::Unassigned(_)) { self.unassign_max.min(self.max) } else { self.max };
        most > 1 && changes >= self.bulk_from
    }

    /// One request a change, each answered for itself.
    pub const SINGLE: Self = Self {
        max: 1,
        bulk_from: usize::MAX,
        unassign_max: 1,
        split_by_before: false,
        split_by_scope: false,
        atomic: true,
        per_item_answer: true,
        before_each: 0,
    };
}

/// Whether a target can be left with nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unassign {
    Yes,
    /// With the sentence that the person is told.
    No(String),
}

/// What may be done with a lead whose present owner is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOwner {
    /// It may be given to somebody, though undo cannot put back what was there. Otherwise plans skip it.
    pub may_change: bool,
    /// Where it was not known, there may have been nobody (Capillary tells neither): an undo that is forced by hand
    /// takes it for that, as far as this vendor can leave a lead with nobody.
    pub may_be_nobody: bool,
}

impl UnknownOwner {
    pub const USUAL: Self = Self { may_change: true, may_be_nobody: false };
}

/// What becomes of a lead that would go from a person of one [group](super::Person::group) to one of another. The text
/// is the word for such a group ("store").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherGroup {
    /// Groups mean nothing here.
    Allowed,
    /// The plan says how many there are.
    Warned(&'static str),
    /// The plan leaves it alone.
    Refused(&'static str),
}

/// How the present assignment of a target can be learned after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack {
    ById,
    /// Only the owner's display name is readable: two people of one name cannot be told apart (kenbun).
    ByName,
    /// The answer is only accepted; the write must be polled for.
    Later,
    /// The vendor reveals nothing: a write can be confirmed only by its own answer.
    Never,
}

/// When and for how long a target whose answer was lost is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The pause before the first reading. It doubles from reading to reading.
    pub first: Duration,
    /// The longest pause between two readings.
    pub most: Duration,
    /// What cannot be told after this time stays `unknown` until it is resumed.
    pub deadline: Duration,
    /// A write that timed out may still take effect for this long: it counts as not applied only when two readings that
    /// far apart agree.
    pub late: Duration,
    /// So many more readings, each after the pause before the first, have to say that a write was not applied: those
    /// right after it may still show what was there before.
    pub doubted: u32,
}

impl Settle {
    /// For vendors whose readings show a write at once.
    pub const USUAL: Self = Self {
        first: Duration::from_secs(1),
        most: Duration::from_secs(8),
        deadline: Duration::from_secs(30),
        late: Duration::from_secs(5),
        doubted: 0,
    };
}

/// Whether undo always puts back exactly what was there. Which of a plan's changes are in doubt is found change by change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exactness {
    Exact,
    /// With the reason.
    BestEffort(String),
}

/// The pace a profile is driven at: the vendor's limit or our default, whichever is stricter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Requests a second on average; may be below one. `f64::INFINITY` where neither contract nor setting limits it.
    pub per_second: f64,
    /// Requests that may leave at once after a pause.
    pub burst: u32,
    /// Requests in flight at the same time.
    pub parallel: usize,
    /// Others draw from the same limit and come first: a refusal halves the pace, and quiet minutes bring it back.
    pub yields: bool,
}

/// A field of a lead that queries, columns and sorting can name.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    Id,
    Name,
    Company,
    Email,
    Phone,
    Status,
    Source,
    Score,
    Created,
    Updated,
    Owner,
    Campaign,
    List,
    Profile,
}
