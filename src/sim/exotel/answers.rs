//! The endpoints, and those of the hierarchy: processes, campaigns, and the lead lists of a campaign (section 3).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, put};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::Endpoint;
use super::mapping::{change, lead_users};
use super::store::{Attachment, Campaign, Process, Rows, mapping};
use super::{Exotel, rules};
use crate::sim::ask::{Answer, Ask, Refusal, reply};

pub type Sim = State<Arc<Exotel>>;

/// Where processes and campaigns are, and where the rest is.
pub const HIERARCHY: &str = "/configuration";
pub const MAPPING: &str = "/cms/configuration";

/// Lists of a campaign in a page, where it has pages.
const LISTS: usize = 20;

pub fn router(sim: Arc<Exotel>) -> Router {
    let hierarchy = || {
        Router::new().route("/cc/{center}/process", get(processes)).route("/hierarchyconfig/campaign", get(campaigns))
    };
    let published = hierarchy().layer(middleware::from_fn_with_state(Arc::clone(&sim), published));
    let everywhere = hierarchy().layer(middleware::from_fn_with_state(Arc::clone(&sim), everywhere));
    let campaign = "/cc/{center}/process/{process}/campaign/{campaign}";
    let rest = Router::new()
        .route(&format!("{campaign}/campaign-lead"), get(campaign_leads))
        .route(&format!("{campaign}/lead-user"), get(lead_users))
        .route("/voice/campaignLeadUserMapping", put(change));
    Router::new().nest(HIERARCHY, published).nest(MAPPING, rest.merge(everywhere)).fallback(unknown).with_state(sim)
}

async fn published(State(sim): Sim, request: Request, next: Next) -> Response {
    if sim.switches.is("prefix", "as_published") { next.run(request).await } else { no_page() }
}

async fn everywhere(State(sim): Sim, request: Request, next: Next) -> Response {
    if sim.switches.is("prefix", "cms_everywhere") { next.run(request).await } else { no_page() }
}

async fn unknown(ask: Ask) -> Response {
    ask.trace.complain("a path that does not exist");
    no_page()
}

/// What the server below the application says of a path that nobody serves.
fn no_page() -> Response {
    page(StatusCode::NOT_FOUND)
}

/// An error for a browser.
pub fn page(status: StatusCode) -> Response {
    let title = format!("HTTP Status {} \u{2013} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html;charset=utf-8"));
    response
}

pub fn not_there() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "Object doesn't exist")
}

/// An id in a path or query.
pub fn id(text: &str) -> Answer<u64> {
    text.parse().map_err(|_| Refusal::bad(format!("'{text}' is not an id")))
}

/// As most endpoints write times.
fn zulu(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// As the lead lists of a campaign write them.
fn offset(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

async fn processes(State(sim): Sim, Path(center): Path<String>, ask: Ask) -> Response {
    let answer = sim.let_in(&ask.headers, Endpoint::Hierarchy).and_then(|()| sim.processes(&center, &ask));
    reply(&*sim, answer)
}

async fn campaigns(State(sim): Sim, ask: Ask) -> Response {
    let answer = sim.let_in(&ask.headers, Endpoint::Hierarchy).and_then(|()| sim.campaigns(&ask));
    reply(&*sim, answer)
}

async fn campaign_leads(State(sim): Sim, Path(path): Path<(String, String, String)>, ask: Ask) -> Response {
    let answer = sim.let_in(&ask.headers, Endpoint::CampaignLead).and_then(|()| sim.campaign_leads(&path, &ask));
    reply(&*sim, answer)
}

/// A number in the query, or what it is without.
fn number(ask: &Ask, name: &str, otherwise: usize) -> Answer<usize> {
    let Some(text) = ask.text(name) else { return Ok(otherwise) };
    text.parse().map_err(|_| Refusal::bad(format!("Parameter '{name}' must be a number")))
}

#[derive(Serialize)]
struct Metadata {
    /// A string, as published.
    total: String,
    count: usize,
    offset: usize,
    limit: usize,
}

#[derive(Serialize)]
struct Envelope<T> {
    http_code: u16,
    method: &'static str,
    request_id: String,
    response: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Serialize)]
struct Item {
    http_code: u16,
    error_data: Value,
    data: Option<CampaignLead>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CampaignLead {
    id: u64,
    campaign_context_id: u64,
    lead_id: u64,
    priority: u64,
    weightage: u64,
    enabled: bool,
    max_attempt: u64,
    churn_count: u64,
    fetch_order_details: [u8; 0],
    lead_dialing_configuration_enabled: bool,
    lead_dialing_enabled_at_all_time: bool,
    campaign_lead_dialing_configurations: Vec<Value>,
    campaign_lead_user_mappings: Vec<Row>,
    date_added: String,
    date_modified: String,
    #[serde(rename = "ref")]
    reference: u64,
    version: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: u64,
    campaign_lead_id: u64,
    campaign_user_id: u64,
}

impl Exotel {
    fn envelope<T>(&self, response: Vec<T>, metadata: Option<Metadata>) -> Envelope<T> {
        Envelope { http_code: 200, method: "GET", request_id: self.request_id(), response, metadata }
    }

    fn processes(&self, center: &str, ask: &Ask) -> Answer<Envelope<Value>> {
        rules::judge_headers(&ask.headers, &ask.trace);
        if ask.text("limit").is_none() {
            ask.trace.complain("processes without a limit: the default is 2");
        }
        let center = id(center)?;
        let limit = number(ask, "limit", 2)?.clamp(1, 10);
        let offset = number(ask, "offset", 0)?;
        let store = self.store();
        if !store.centers.contains(&center) {
            return Err(not_there());
        }
        let prefix = ask.text("processName").unwrap_or_default();
        let mut all: Vec<_> =
            store.processes.iter().filter(|p| p.center == center && p.name.starts_with(prefix)).collect();
        sort(&mut all, ask.text("sort_by").unwrap_or_default())?;
        let total = all.len().to_string();
        let page: Vec<_> = all.into_iter().skip(offset).take(limit).map(process).collect();
        let metadata = Metadata { total, count: page.len(), offset, limit };
        Ok(self.envelope(page, Some(metadata)))
    }

    fn campaigns(&self, ask: &Ask) -> Answer<Vec<Value>> {
        rules::judge_headers(&ask.headers, &ask.trace);
        let center = ask.text("contactCenterId");
        let center = id(center.ok_or_else(|| Refusal::bad("Required parameter 'contactCenterId' is not present"))?)?;
        let store = self.store();
        if !store.centers.contains(&center) {
            return Err(not_there());
        }
        Ok(store.campaigns.values().filter(|campaign| campaign.center == center).map(campaign).collect())
    }

    fn campaign_leads(&self, path: &(String, String, String), ask: &Ask) -> Answer<Envelope<Item>> {
        rules::judge_headers(&ask.headers, &ask.trace);
        let mut store = self.store_mut();
        let campaign_id = self.campaign_at(&store, path)?;
        let campaign = store.campaigns.get_mut(&campaign_id).ok_or_else(not_there)?;
        let (mut from, mut limit) = (0, usize::MAX);
        let paged = self.switches.on("campaign_lead_paging");
        if paged {
            from = number(ask, "offset", 0)?;
            limit = number(ask, "limit", LISTS)?.clamp(1, LISTS);
        }
        let total = campaign.lists.len();
        // Not the first one, where there are several: whoever looks at that one only must not see it.
        let broken = (!self.switches.is("item_error", "off")).then(|| total.min(2).saturating_sub(1));
        let users: Vec<u64> = campaign.users.iter().map(|user| user.id).collect();
        let mut items = Vec::new();
        for (place, (&list, attached)) in campaign.lists.iter_mut().enumerate().skip(from).take(limit) {
            if broken == Some(place) {
                items.push(self.broken_item());
                continue;
            }
            ask.trace.shows([mapping(campaign_id, list)]);
            let rows = attached.view();
            items.push(Item {
                http_code: 200,
                error_data: Value::Null,
                data: Some(lead(campaign_id, list, attached, &rows, &users)),
            });
        }
        let metadata = paged.then(|| Metadata { total: total.to_string(), count: items.len(), offset: from, limit });
        Ok(self.envelope(items, metadata))
    }

    fn broken_item(&self) -> Item {
        let error = if self.switches.is("item_error", "text") {
            json!("Object doesn't exist")
        } else {
            json!({"errorCode": "CONF-1001", "errorMessage": "Object doesn't exist"})
        };
        Item { http_code: 404, error_data: error, data: None }
    }
}

/// Sorts by a comma list of `field:asc` and `field:desc`.
fn sort(all: &mut [&Process], by: &str) -> Answer<()> {
    // The last one first: the sort is stable, so that the first one decides.
    for part in by.split(',').filter(|part| !part.is_empty()).rev() {
        let (field, direction) = part.split_once(':').unwrap_or((part, "asc"));
        match field {
            "id" | "processId" => all.sort_by_key(|p| p.id),
            "name" | "processName" => all.sort_by(|a, b| a.name.cmp(&b.name)),
            "dateAdded" => all.sort_by_key(|p| p.added),
            "dateModified" => all.sort_by_key(|p| p.modified),
            _ => return Err(Refusal::bad(format!("'{field}' is nothing to sort by"))),
        }
        match direction {
            "asc" => {}
            "desc" => all.reverse(),
            _ => return Err(Refusal::bad(format!("'{direction}' is neither asc nor desc"))),
        }
    }
    Ok(())
}

fn process(process: &Process) -> Value {
    json!({
        "processId": process.id,
        "processName": process.name,
        "contactCenterId": process.center,
        "processType": "Default",
        "description": process.description,
        "dialingStateLevel": "Default",
        "dateAdded": zulu(process.added),
        "dateModified": zulu(process.modified),
    })
}

fn campaign(campaign: &Campaign) -> Value {
    json!({
        "campaignContextId": campaign.id,
        "campaignContextName": campaign.name,
        "campaignContextType": campaign.kind,
        "contactCenterId": campaign.center,
        "processId": campaign.process,
        "description": campaign.description,
        "dateAdded": zulu(campaign.added),
        "dateModified": zulu(campaign.modified),
        "ref": 1,
        "version": campaign.version,
    })
}

fn lead(campaign: u64, list: u64, attached: &Attachment, rows: &Rows, users: &[u64]) -> CampaignLead {
    let at_all_time = !list.is_multiple_of(4);
    let window = || json!({"startTime": "09:00", "endTime": "18:30", "days": ["MON", "TUE", "WED", "THU", "FRI"]});
    let row = |(&place, &id): (&usize, &u64)| {
        let user = users.get(place).copied().unwrap_or_default();
        Row { id, campaign_lead_id: attached.id, campaign_user_id: user }
    };
    CampaignLead {
        id: attached.id,
        campaign_context_id: campaign,
        lead_id: list,
        priority: attached.priority,
        weightage: attached.weightage,
        enabled: attached.enabled,
        max_attempt: attached.max_attempt,
        churn_count: attached.churn,
        fetch_order_details: [],
        lead_dialing_configuration_enabled: !at_all_time,
        lead_dialing_enabled_at_all_time: at_all_time,
        campaign_lead_dialing_configurations: if at_all_time { Vec::new() } else { vec![window()] },
        campaign_lead_user_mappings: rows.iter().map(row).collect(),
        date_added: offset(attached.added),
        date_modified: offset(attached.modified),
        reference: 1,
        version: attached.version,
    }
}
