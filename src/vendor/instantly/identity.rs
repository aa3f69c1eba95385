//! Which id of a member assignments use: `user_id` or the membership's `id`. Nothing documents it; the owners that
//! leads already have show it.

use std::collections::HashSet;

use compact_str::CompactString;

use super::people::Member;
use super::settings::IdField;
use crate::domain::{Assignment, LeadRecord, PersonId};
use crate::vendor::{ErrorKind, VendorError};

/// One of a member's two ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    User,
    Membership,
}

impl IdKind {
    pub fn field(self) -> &'static str {
        match self {
            Self::User => "user_id",
            Self::Membership => "id",
        }
    }
}

/// How many different owners are remembered: a workspace has fewer members.
const MOST: usize = 20_000;

/// The owners that leads were seen with.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashSet<CompactString>);

impl Seen {
    pub fn note<'a>(&mut self, leads: impl IntoIterator<Item = &'a LeadRecord>) {
        for lead in leads {
            if let Assignment::Owner(owner) = &lead.owner
                && let Some(id) = &owner.id
                && self.0.len() < MOST
                && !self.0.contains(id.as_str())
            {
                self.0.insert(id.as_str().into());
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// What the owners of leads say about the members' ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub by_user: usize,
    pub by_membership: usize,
    /// Owners that are no member by either id: they left, or are hidden.
    pub by_neither: usize,
}

impl Evidence {
    pub fn of(members: &[Member], seen: &Seen) -> Self {
        let users: HashSet<&str> = members.iter().filter_map(|member| member.user.as_deref()).collect();
        let memberships: HashSet<&str> = members.iter().filter_map(|member| member.membership.as_deref()).collect();
        let mut evidence = Self::default();
        for owner in &seen.0 {
            match (users.contains(owner.as_str()), memberships.contains(owner.as_str())) {
                (true, false) => evidence.by_user += 1,
                (false, true) => evidence.by_membership += 1,
                // The same text in both places tells nothing.
                (true, true) => {}
                (false, false) => evidence.by_neither += 1,
            }
        }
        evidence
    }

    /// The kind of id to use.
    pub fn decide(self, setting: IdField) -> Result<IdKind, VendorError> {
        match setting {
            IdField::UserId => Ok(IdKind::User),
            IdField::Id => Ok(IdKind::Membership),
            IdField::Auto if self.by_user > 0 && self.by_membership > 0 => Err(VendorError::new(
                ErrorKind::Setting,
                format!(
                    "it cannot be told which id of a member Instantly's assignments use: {} owners of leads are members by \
                     user_id and {} by id",
                    self.by_user, self.by_membership
                ),
            )
            .with_remedy("Set owner_id_field to \"user_id\" or \"id\", and look at the first lead that is assigned.")),
            IdField::Auto if self.by_membership > 0 => Ok(IdKind::Membership),
            IdField::Auto => Ok(IdKind::User),
        }
    }
}

/// Whether leads may be given to `owner`: not where it is meanwhile known that assignments use the other kind of id.
pub fn check(owner: &PersonId, members: &[Member], seen: &Seen, setting: IdField) -> Result<(), VendorError> {
    if setting != IdField::Auto {
        return Ok(());
    }
    let kind = Evidence::of(members, seen).decide(setting)?;
    let has = |kind: IdKind| members.iter().any(|member| member.id_of(kind) == Some(owner.as_str()));
    let other = match kind {
        IdKind::User => IdKind::Membership,
        IdKind::Membership => IdKind::User,
    };
    if has(kind) || !has(other) {
        // A former member's id is nobody's now; only the server can say whether it still takes it.
        return Ok(());
    }
    Err(VendorError::new(
        ErrorKind::Setting,
        format!(
            "{owner} is a member's {}, but the owners that leads have are given by {}: nothing was sent",
            other.field(),
            kind.field()
        ),
    )
    .with_remedy(format!(
        "Load the people again; if it stays, set owner_id_field to \"{}\" or \"{}\".",
        kind.field(),
        other.field()
    )))
}
