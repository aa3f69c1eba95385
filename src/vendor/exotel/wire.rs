//! The five envelopes (contract, sections 3, 5 and 6): wrapped items, a bare array, wrapped items with an envelope each,
//! and twice a bare object. Each is read leniently where nothing depends on it, and strictly where a write would.

use std::collections::BTreeSet;

use serde_json::Value;

use super::key::Key;
use crate::domain::{PersonId, SafeText, safe_text};
use crate::vendor::fields::{id, text};
use crate::vendor::http::Answer;
use crate::vendor::{ErrorKind, VendorError};

/// A process, as the hierarchy shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub id: String,
    pub name: SafeText,
}

/// A campaign and the process it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    pub id: String,
    pub name: SafeText,
    pub process: String,
}

/// A page of `{http_code, method, request_id, response: […], metadata}`.
#[derive(Debug, Default)]
pub struct Wrapped {
    pub items: Vec<Value>,
    pub metadata: Option<Metadata>,
}

/// What a wrapped answer says about its pages. `total` is a text and may be no number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata {
    pub total: Option<usize>,
    pub count: Option<usize>,
    pub limit: Option<usize>,
}

impl Wrapped {
    pub fn of(answer: &Answer) -> Result<Self, VendorError> {
        let Value::Object(mut body) = answer.json()? else { return Err(answer.garbled("it is not an object")) };
        let items = match body.remove("response") {
            Some(Value::Array(items)) => items,
            Some(Value::Null) => Vec::new(),
            _ => return Err(answer.garbled("it has no list under response")),
        };
        let metadata = body.get("metadata").filter(|metadata| metadata.is_object()).map(|metadata| Metadata {
            total: whole(metadata.get("total")),
            count: whole(metadata.get("count")),
            limit: whole(metadata.get("limit")),
        });
        Ok(Self { items, metadata })
    }
}

fn whole(value: Option<&Value>) -> Option<usize> {
    match value? {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The id under `key`, and whatever is a name under `name`.
fn named(item: &Value, key: &str, name: &str) -> Option<(String, SafeText)> {
    Some((id(item.get(key))?.into(), item.get(name).and_then(text).unwrap_or_default()))
}

pub fn process(item: &Value) -> Option<Process> {
    named(item, "processId", "processName").map(|(id, name)| Process { id, name })
}

/// Campaigns come as a bare array. The second value counts rows that are none.
pub fn campaigns(answer: &Answer) -> Result<(Vec<Campaign>, usize), VendorError> {
    let Value::Array(items) = answer.json()? else { return Err(answer.garbled("it is not an array of campaigns")) };
    let read = |item: &Value| {
        let (campaign, name) = named(item, "campaignContextId", "campaignContextName")?;
        Some(Campaign { id: campaign, name, process: id(item.get("processId"))?.into() })
    };
    let campaigns: Vec<Campaign> = items.iter().filter_map(read).collect();
    let bad = items.len() - campaigns.len();
    Ok((campaigns, bad))
}

/// A lead list in a campaign, or why this item is none. Failed ones are shown, never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadItem {
    Lead(CampaignLead),
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignLead {
    pub lead: String,
    pub enabled: bool,
    /// The agents by their ids in this campaign; `Err` says why they cannot be told.
    pub users: Result<BTreeSet<String>, String>,
}

/// One item of campaign-lead: `{http_code, error_data, data}`.
pub fn lead_item(item: &Value) -> LeadItem {
    let code = whole(item.get("http_code"));
    let failed = code.is_some_and(|code| code >= 400);
    let data = item.get("data").filter(|data| data.is_object());
    let (Some(data), false) = (data, failed) else {
        let code = code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
        let why = match item.get("error_data") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => "no reason was given".to_owned(),
            Some(other) => other.to_string(),
        };
        let why: String = safe_text::visible(&why).chars().take(200).collect();
        return LeadItem::Failed(format!("the vendor could not give this lead list ({code}): {why}"));
    };
    let Some(lead) = id(data.get("leadId")) else {
        return LeadItem::Failed("the vendor gave a lead list without its number".to_owned());
    };
    let users = match data.get("campaignLeadUserMappings") {
        Some(Value::Array(rows)) => {
            let users: Option<BTreeSet<String>> =
                rows.iter().map(|row| id(row.get("campaignUserId")).map(Into::into)).collect();
            users.ok_or_else(|| "a mapping of this lead list has no campaignUserId".to_owned())
        }
        Some(Value::Null) => Ok(BTreeSet::new()),
        _ => Err("the vendor did not say who is mapped to this lead list".to_owned()),
    };
    let enabled = data.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    LeadItem::Lead(CampaignLead { lead: lead.into(), enabled, users })
}

/// The seven fields of lead-user and of the answer to a change. In the first they are the state, in the second what the
/// request assigned and removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    pub lead: Option<String>,
    pub campaign: Option<String>,
    pub assigned: Vec<PersonId>,
    pub assigned_ids: Vec<String>,
    pub unassigned: Vec<PersonId>,
    pub unassigned_ids: Vec<String>,
}

impl Users {
    /// Reads the object; `key` is what was asked for, and what the answer must be about.
    pub fn of(answer: &Answer, key: &Key) -> Result<Self, VendorError> {
        let Value::Object(body) = answer.json()? else { return Err(answer.garbled("it is not an object")) };
        let ids = |name: &str, needed: bool| -> Result<Vec<String>, VendorError> {
            match body.get(name) {
                Some(Value::Array(list)) => list
                    .iter()
                    .map(|value| id(Some(value)).map(Into::into))
                    .collect::<Option<_>>()
                    .ok_or_else(|| answer.garbled(format!("{name} holds something that is no id"))),
                Some(Value::Null) | None if !needed => Ok(Vec::new()),
                _ => Err(answer.garbled(format!("it has no list under {name}"))),
            }
        };
        let people = |ids: Vec<String>| ids.into_iter().map(PersonId::from).collect();
        let users = Self {
            lead: id(body.get("leadId")).map(Into::into),
            campaign: id(body.get("campaignId")).map(Into::into),
            assigned: people(ids("assignedUserIds", true)?),
            assigned_ids: ids("assignedCampaignUserIds", false)?,
            unassigned: people(ids("unassignedUserIds", false)?),
            unassigned_ids: ids("unassignedCampaignUserIds", false)?,
        };
        let other = |found: &Option<String>, wanted: &str| found.as_deref().is_some_and(|found| found != wanted);
        if other(&users.lead, &key.lead) || other(&users.campaign, &key.campaign) {
            let (campaign, lead) = (users.campaign.as_deref().unwrap_or("?"), users.lead.as_deref().unwrap_or("?"));
            let found = Key::new(campaign, lead);
            return Err(answer.garbled(format!("it is about {found} and not about {key}")));
        }
        Ok(users)
    }

    /// Everybody in it, by position with their ids in the campaign where the lengths agree (A5: for display only).
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &PersonId)> {
        let pair = |ids: &'_ [String], users: &'_ [PersonId]| ids.len() == users.len();
        let assigned = pair(&self.assigned_ids, &self.assigned);
        let unassigned = pair(&self.unassigned_ids, &self.unassigned);
        let first = self.assigned_ids.iter().zip(&self.assigned).filter(move |_| assigned);
        let second = self.unassigned_ids.iter().zip(&self.unassigned).filter(move |_| unassigned);
        first.chain(second).map(|(id, user)| (id.as_str(), user))
    }
}

/// The complaint that a list's answer cannot be taken for its state.
pub fn incomplete(key: &Key, why: impl std::fmt::Display) -> VendorError {
    VendorError::new(ErrorKind::Refused, format!("read incomplete: {key}: {why}"))
}
