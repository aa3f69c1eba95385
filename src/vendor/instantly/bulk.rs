//! The bulk call's body. Every selector in it is optional at the server, and a body without one names no limit on what
//! it touches; so this one cannot be made without ids.

use serde::Serialize;

use super::scope::Scope;

/// Ids of leads, at least one, none of them empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LeadIds<'a>(Vec<&'a str>);

impl<'a> LeadIds<'a> {
    pub fn new(ids: Vec<&'a str>) -> Option<Self> {
        let bounded = !ids.is_empty() && ids.iter().all(|id| !id.trim().is_empty());
        bounded.then_some(Self(ids))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// What the bulk call is told. Filters that are set in the web app (`has_clause`) and several users at once, whose share
/// nobody documents, have no place in it.
#[derive(Clone, Debug, Serialize)]
pub struct BulkBody<'a> {
    organization_user_ids: [&'a str; 1],
    ids: LeadIds<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list_id: Option<&'a str>,
    /// Only leads that this user has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

impl<'a> BulkBody<'a> {
    pub fn new(user: &'a str, ids: LeadIds<'a>, scope: Option<&'a Scope>) -> Self {
        Self {
            organization_user_ids: [user],
            ids,
            campaign: Scope::campaign(scope),
            list_id: Scope::list(scope),
            assigned_to: None,
            limit: None,
        }
    }

    pub fn guarded_by(mut self, owner: Option<&'a str>) -> Self {
        self.assigned_to = owner;
        self
    }

    pub fn counted(mut self, counted: bool) -> Self {
        self.limit = counted.then(|| self.ids.len());
        self
    }

    /// Looked at again right before it is sent.
    pub fn is_bounded(&self) -> bool {
        self.ids.len() > 0 && !self.organization_user_ids[0].is_empty()
    }
}
