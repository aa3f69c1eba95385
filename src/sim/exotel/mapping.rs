//! One mapping: who is mapped (section 5 of the contract), and changing it (section 6).

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::access::Endpoint;
use super::answers::{Sim, id, not_there};
use super::store::{FirstWrite, mapping};
use super::{Exotel, rules};
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::vendor::Applied;

/// The seven fields of both answers, which mean different things in each.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Users {
    campaign_lead_id: u64,
    lead_id: u64,
    campaign_id: u64,
    assigned_user_ids: Vec<String>,
    assigned_campaign_user_ids: Vec<u64>,
    unassigned_user_ids: Vec<String>,
    unassigned_campaign_user_ids: Vec<u64>,
}

/// The body of a write.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(rename = "leadId")]
    pub lead: u64,
    #[serde(rename = "campaignId")]
    pub campaign: u64,
    #[serde(rename = "assignedUserIds")]
    pub assigned: Vec<String>,
    #[serde(rename = "unassignedUserIds")]
    pub unassigned: Vec<String>,
}

pub async fn lead_users(State(sim): Sim, Path(path): Path<(String, String, String)>, ask: Ask) -> Response {
    let answer = sim.let_in(&ask.headers, Endpoint::LeadUser).and_then(|()| {
        rules::judge_headers(&ask.headers, &ask.trace);
        sim.users_of(&path, &ask)
    });
    reply(&*sim, answer)
}

pub async fn change(State(sim): Sim, ask: Ask) -> Response {
    let answer = sim.let_in(&ask.headers, Endpoint::Mapping).and_then(|()| {
        rules::judge_headers(&ask.headers, &ask.trace);
        sim.change(&ask)
    });
    reply(&*sim, answer)
}

/// A query parameter that must be there.
fn required(ask: &Ask, name: &str) -> Answer<u64> {
    let text = ask.text(name).ok_or_else(|| Refusal::bad(format!("Required parameter '{name}' is not present")))?;
    text.parse().map_err(|_| Refusal::bad(format!("Parameter '{name}' must be a number")))
}

impl Exotel {
    fn users_of(&self, path: &(String, String, String), ask: &Ask) -> Answer<Users> {
        let list = required(ask, "leadId")?;
        let limit = required(ask, "limit")? as usize;
        let offset = required(ask, "offset")? as usize;
        if limit == 0 {
            return Err(Refusal::bad("Parameter 'limit' must be greater than 0"));
        }
        let mut store = self.store_mut();
        let campaign_id = self.campaign_at(&store, path)?;
        let last_removed = self.switches.is("get_unassigned", "last_removed");
        let no_others = self.switches.is("get_unassigned", "empty");
        let campaign = store.campaigns.get_mut(&campaign_id).ok_or_else(not_there)?;
        let attached = campaign.lists.get_mut(&list).ok_or_else(not_there)?;
        let rows = attached.view();
        let places = 0..campaign.users.len();
        let (assigned, mut others): (Vec<usize>, Vec<usize>) = places.partition(|place| rows.contains_key(place));
        if last_removed {
            others.clone_from(&attached.last_removed);
        } else if no_others {
            others.clear();
        }
        let paging = self.switches.value("lead_user_paging");
        let (assigned, others) = match paging.as_str() {
            "ignored" => (assigned.as_slice(), others.as_slice()),
            "per_array" => (part(&assigned, offset, limit), part(&others, offset, limit)),
            kind => {
                let from = if kind == "page_index" { offset.saturating_mul(limit) } else { offset };
                let first = part(&assigned, from, limit);
                (first, part(&others, from.saturating_sub(assigned.len()), limit - first.len()))
            }
        };
        if offset == 0 {
            attached.shown = Some(BTreeSet::new());
        }
        if let Some(shown) = &mut attached.shown {
            shown.extend(assigned);
        }
        let (assigned, others, lead) = (assigned.to_vec(), others.to_vec(), attached.id);
        if store.first_write == FirstWrite::Open(campaign_id, list) {
            store.first_write = FirstWrite::Proven;
        }
        ask.trace.shows([mapping(campaign_id, list)]);
        let campaign = store.campaigns.get(&campaign_id).ok_or_else(not_there)?;
        let names = |places: &[usize]| places.iter().map(|&p| store.users[campaign.users[p].user].clone()).collect();
        let ids = |places: &[usize]| places.iter().map(|&p| campaign.users[p].id).collect();
        Ok(Users {
            campaign_lead_id: lead,
            lead_id: list,
            campaign_id,
            assigned_user_ids: names(&assigned),
            assigned_campaign_user_ids: ids(&assigned),
            unassigned_user_ids: names(&others),
            unassigned_campaign_user_ids: ids(&others),
        })
    }

    fn change(&self, ask: &Ask) -> Answer<Users> {
        let wanted: Wanted =
            serde_json::from_slice(&ask.body).map_err(|e| Refusal::bad(format!("JSON parse error: {e}")))?;
        rules::judge_lists(&wanted, &ask.trace);
        let (campaign_id, list) = (wanted.campaign, wanted.lead);
        let mut store = self.store_mut();
        // A late one left before what has been read and written since: the rules do not hold it to that.
        let is_late = ask.trace.is_late();
        if !is_late {
            rules::judge_order(&store, campaign_id, list, &ask.trace);
        }
        let (campaign, attached) = store.attachment(campaign_id, list).ok_or_else(not_there)?;
        if wanted.assigned.is_empty() && wanted.unassigned.is_empty() {
            return Err(Refusal::bad("No users given"));
        }
        if wanted.assigned.iter().any(|user| wanted.unassigned.contains(user)) {
            return Err(Refusal::bad("A user can not be assigned and unassigned at once"));
        }
        let found = |users: &[String]| -> Vec<usize> {
            users.iter().filter_map(|user| campaign.place(&self.user_of, user)).collect()
        };
        let (add, remove) = (found(&wanted.assigned), found(&wanted.unassigned));
        let strangers = wanted.assigned.len() + wanted.unassigned.len() > add.len() + remove.len();
        let unknown = || Refusal::bad("Invalid campaign user");
        if strangers && self.switches.is("unknown_user", "400") {
            return Err(unknown());
        }
        let (add_set, remove_set): (BTreeSet<_>, BTreeSet<_>) =
            (add.iter().copied().collect(), remove.iter().copied().collect());
        if !is_late {
            rules::judge_delta(attached, &add_set, &remove_set, &ask.trace);
        }
        let present: BTreeSet<usize> = attached.rows.keys().copied().collect();
        if self.switches.is("already_assigned", "400")
            && !(add_set.is_disjoint(&present) && remove_set.is_subset(&present))
        {
            return Err(Refusal::bad("A user is assigned already, or is not assigned"));
        }
        let next = if self.switches.is("put_semantics", "replace") {
            add_set
        } else {
            present.union(&add_set).filter(|place| !remove_set.contains(place)).copied().collect()
        };
        // In the order of the request turned round: it may differ, and a client has to compare sets.
        let turned = |places: Vec<usize>| -> (Vec<String>, Vec<u64>) {
            let users = places.into_iter().rev().map(|place| campaign.users[place]);
            users.map(|user| (store.users[user.user].clone(), user.id)).unzip()
        };
        let (assigned_user_ids, assigned_campaign_user_ids) = turned(add);
        let (unassigned_user_ids, unassigned_campaign_user_ids) = turned(remove);
        let lead = attached.id;

        let stale = self.switches.number("stale_reads");
        let (before, after) = store.write(campaign_id, list, &next, stale).ok_or_else(not_there)?;
        if let Some(attached) = store.campaigns.get_mut(&campaign_id).and_then(|c| c.lists.get_mut(&list)) {
            attached.shown = None;
        }
        // Of a late one its client read all it could before it went on.
        if store.first_write == FirstWrite::None && !is_late {
            store.first_write = FirstWrite::Open(campaign_id, list);
        }
        ask.trace.applied([Applied { target: mapping(campaign_id, list), before: before.into(), after: after.into() }]);
        if strangers && self.switches.is("unknown_user", "partial") {
            return Err(unknown());
        }
        Ok(Users {
            campaign_lead_id: lead,
            lead_id: list,
            campaign_id,
            assigned_user_ids,
            assigned_campaign_user_ids,
            unassigned_user_ids,
            unassigned_campaign_user_ids,
        })
    }

    /// The campaign that a path names, where it is in that process of that contact center.
    pub fn campaign_at(&self, store: &super::store::Store, path: &(String, String, String)) -> Answer<u64> {
        let (center, process, campaign) = (id(&path.0)?, id(&path.1)?, id(&path.2)?);
        let found = store.campaigns.get(&campaign).filter(|c| c.center == center && c.process == process);
        found.map(|campaign| campaign.id).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "Object doesn't exist"))
    }
}

fn part<T>(all: &[T], from: usize, count: usize) -> &[T] {
    let from = from.min(all.len());
    &all[from..from.saturating_add(count).min(all.len())]
}
