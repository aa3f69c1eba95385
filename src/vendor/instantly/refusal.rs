//! What a refusal means at Instantly, and what helps.

use super::Instantly;
use crate::vendor::http::Answer;
use crate::vendor::{ErrorKind, VendorError};

/// The scopes of which an API key needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    ReadLeads,
    UpdateLeads,
    ReadMembers,
    ReadWorkspace,
    ReadCampaigns,
    ReadLists,
    ReadLabels,
    ReadJobs,
}

impl Right {
    fn scopes(self) -> &'static str {
        match self {
            Self::ReadLeads => "leads:read, leads:all, all:read, all:all",
            Self::UpdateLeads => "leads:update, leads:all, all:update, all:all",
            Self::ReadMembers => "workspace_members:read, workspace_members:all, all:read, all:all",
            Self::ReadWorkspace => "workspaces:read, workspaces:all, all:read, all:all",
            Self::ReadCampaigns => "campaigns:read, campaigns:all, all:read, all:all",
            Self::ReadLists => "lead_lists:read, lead_lists:all, all:read, all:all",
            Self::ReadLabels => "lead-labels:read, lead-labels:all, all:read, all:all",
            Self::ReadJobs => "background-jobs:read, background-jobs:all, all:read, all:all",
        }
    }
}

impl Instantly {
    /// An answer that is no success, explained.
    pub(super) fn refusal(&self, answer: &Answer, right: Right) -> VendorError {
        let profile = &self.profile;
        let mut error = answer.error();
        match answer.status.as_u16() {
            401 => {
                error.remedy = format!(
                    "Check token of profile {profile}: the key may be missing, wrong or revoked; keys of API v1 do not \
                     work here."
                );
            }
            402 => {
                error.remedy = "The workspace needs an active paid plan; ask whoever runs the Instantly account, and \
                                check that the key belongs to the right workspace."
                    .to_owned();
            }
            403 if is_blocked(answer) => {
                let words = answer.words();
                let said = if words.is_empty() { String::new() } else { format!(": {words}") };
                error.message = format!(
                    "Instantly (profile {profile}): blocked before the API (403, Cloudflare), see user_agent{said}"
                );
                error.remedy = format!(
                    "The guard before the API takes this program for an unwanted one: set user_agent of profile {profile} \
                     to another name, or ask Instantly to let this address pass."
                );
            }
            403 => {
                error.remedy =
                    format!("The API key of profile {profile} needs one of these scopes: {}.", right.scopes());
            }
            _ => {}
        }
        error
    }

    /// The answer where it is a success, the refusal explained otherwise.
    pub(super) fn accepted(&self, answer: Answer, right: Right) -> Result<Answer, VendorError> {
        if answer.is_success() { Ok(answer) } else { Err(self.refusal(&answer, right)) }
    }
}

/// The API answers in JSON; Cloudflare, which stands before it, in text or markup, or with its number 1010.
fn is_blocked(answer: &Answer) -> bool {
    answer.json().is_err() || answer.body.windows(4).any(|four| four == b"1010")
}

/// Whether a list of leads was refused in a way that a campaign or list may cure.
pub fn may_want_scope(error: &VendorError) -> bool {
    error.kind == ErrorKind::Refused && error.status == Some(400)
}
