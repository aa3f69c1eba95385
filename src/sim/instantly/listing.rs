//! Reading leads: the list with its filters, and one.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::leads::Facts;
use super::{Instantly, Sim};
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::demo::DemoLead;
use crate::sim::ledger::Ledger;
use crate::sim::vendor::{Holder, target};

/// The largest page.
const PAGE: usize = 100;
/// The page without a limit, which is not documented.
const USUAL: usize = 10;

/// What the list's body may carry.
const KNOWN: [&str; 18] = [
    "search",
    "filter",
    "campaign",
    "list_id",
    "in_campaign",
    "in_list",
    "ids",
    "queries",
    "excluded_ids",
    "contacts",
    "limit",
    "starting_after",
    "organization_user_ids",
    "smart_view_id",
    "is_website_visitor",
    "distinct_contacts",
    "enrichment_status",
    "esg_code",
];

/// Which leads: all that is given must hold.
#[derive(Debug, Default)]
pub struct Want {
    pub campaign: Option<String>,
    pub list: Option<String>,
    in_campaign: Option<bool>,
    in_list: Option<bool>,
    /// Of leads that exist or once did.
    pub ids: Option<Vec<u32>>,
    excluded: HashSet<u32>,
    contacts: Option<HashSet<String>>,
    owners: Option<HashSet<String>>,
    /// Only leads of this owner, as the bulk call has it.
    pub owner: Option<String>,
    search: Option<String>,
    filter: Option<String>,
    queries: Vec<Value>,
}

pub async fn list(State(sim): Sim, ask: Ask) -> Response {
    reply(&*sim, sim.list(&ask))
}

pub async fn one(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let show = || {
        let ledger = sim.ledger();
        let number = sim.existing(&ledger, &id)?;
        sim.saw(&[number]);
        ask.trace.shows([target(&id)]);
        Ok(sim.lead(number, ledger.holder(number), ledger.touched(number)))
    };
    reply(&*sim, show())
}

/// The body as an object; a missing one counts as empty.
pub fn object(ask: &Ask) -> Answer<Map<String, Value>> {
    if ask.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&ask.body) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(Refusal::bad("body must be object")),
    }
}

/// A list of texts in a body.
pub fn texts(body: &Map<String, Value>, key: &str) -> Answer<Option<Vec<String>>> {
    let wrong = || Refusal::bad(format!("body/{key} must be array of string"));
    match body.get(key) {
        None => Ok(None),
        Some(Value::Array(all)) => {
            let texts: Option<Vec<_>> = all.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            texts.map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

pub fn text(body: &Map<String, Value>, key: &str) -> Answer<Option<String>> {
    match body.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("body/{key} must be string"))),
    }
}

fn flag(body: &Map<String, Value>, key: &str) -> Answer<Option<bool>> {
    match body.get(key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::bad(format!("body/{key} must be boolean"))),
    }
}

impl Instantly {
    /// The number of a lead that is there.
    pub fn existing(&self, ledger: &Ledger, id: &str) -> Answer<u32> {
        self.leads.number(id).filter(|&number| ledger.exists(number)).ok_or_else(|| {
            if self.switches.is("unknown_lead", "400") {
                Refusal::bad("Invalid lead id")
            } else {
                Refusal::new(StatusCode::NOT_FOUND, "Resource not found")
            }
        })
    }

    /// Reads the filters that the list and the bulk assignment share.
    pub fn want(&self, body: &Map<String, Value>) -> Answer<Want> {
        let filter = text(body, "filter")?;
        if let Some(filter) = &filter
            && !is_filter(filter)
        {
            return Err(Refusal::bad("body/filter must be equal to one of the allowed values"));
        }
        if text(body, "smart_view_id")?.is_some() {
            return Err(Refusal::new(StatusCode::NOT_FOUND, "Resource not found"));
        }
        let queries = match body.get("queries") {
            None => Vec::new(),
            Some(Value::Array(all)) => all.clone(),
            Some(_) => return Err(Refusal::bad("body/queries must be array")),
        };
        let numbers = |ids: Vec<String>| ids.iter().filter_map(|id| self.leads.number(id)).collect::<Vec<_>>();
        Ok(Want {
            campaign: text(body, "campaign")?,
            list: text(body, "list_id")?,
            in_campaign: flag(body, "in_campaign")?,
            in_list: flag(body, "in_list")?,
            ids: texts(body, "ids")?.filter(|ids| !ids.is_empty()).map(numbers),
            excluded: texts(body, "excluded_ids")?.map(numbers).unwrap_or_default().into_iter().collect(),
            contacts: texts(body, "contacts")?.map(|all| all.into_iter().collect()),
            owners: None,
            owner: None,
            search: text(body, "search")?.map(|text| text.to_lowercase()),
            filter,
            queries,
        })
    }

    /// Whether a lead with this owner is wanted.
    pub fn is_wanted(&self, want: &Want, number: u32, owner: &Holder) -> bool {
        if want.excluded.contains(&number)
            || want.owner.as_deref().is_some_and(|id| owner.id() != Some(id))
            || want.owners.as_ref().is_some_and(|ids| !owner.id().is_some_and(|id| ids.contains(id)))
        {
            return false;
        }
        let places = self.places(number);
        let campaign = places.campaign.map(|place| self.campaigns[place].id.as_str());
        let list = places.list.map(|place| self.lists[place].id.as_str());
        if want.campaign.as_deref().is_some_and(|id| campaign != Some(id))
            || want.list.as_deref().is_some_and(|id| list != Some(id))
            || want.in_campaign.is_some_and(|is_in| is_in != campaign.is_some())
            || want.in_list.is_some_and(|is_in| is_in != list.is_some())
        {
            return false;
        }
        if want.search.is_none() && want.filter.is_none() && want.contacts.is_none() && want.queries.is_empty() {
            return true;
        }
        let demo = self.demo.lead(u64::from(number));
        let facts = self.facts(&demo);
        want.search.as_deref().is_none_or(|words| is_found(&demo, words))
            && want.contacts.as_ref().is_none_or(|all| all.contains(&demo.email))
            && want.filter.as_deref().is_none_or(|filter| passes(filter, &facts))
            && want.queries.iter().all(|query| answers(query, &facts))
    }

    fn list(&self, ask: &Ask) -> Answer<Value> {
        let body = object(ask)?;
        for key in body.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            ask.trace.complain(format!("{key} is not documented for the list of leads"));
        }
        let limit = match body.get("limit") {
            None => {
                ask.trace.complain("leads are listed without a limit, whose default is not documented");
                USUAL
            }
            Some(limit) => match limit.as_u64() {
                Some(limit @ 1..=100) => limit as usize,
                _ => return Err(Refusal::bad("body/limit must be >= 1 and <= 100")),
            },
        };
        if body.get("distinct_contacts").is_some_and(|on| on == true) {
            ask.trace.complain("distinct_contacts changes the order and the cursor");
        }
        let mut want = self.want(&body)?;
        want.owners = texts(&body, "organization_user_ids")?.map(|ids| ids.into_iter().collect());
        if want.campaign.is_none() && want.list.is_none() && self.switches.is("unscoped_list", "400") {
            return Err(Refusal::bad("body must have required property 'campaign' or 'list_id'"));
        }
        let cursor = text(&body, "starting_after")?;
        let after =
            self.leads.after(cursor.as_deref()).ok_or_else(|| Refusal::bad("body/starting_after is not a lead"))?;

        let ledger = self.ledger();
        let chosen: Vec<u32>;
        let numbers = match &want.ids {
            None => after,
            Some(ids) => {
                let mut ids = ids.clone();
                self.leads.sort(&mut ids);
                ids.dedup();
                if let Some(cursor) = &cursor {
                    ids.retain(|&number| self.leads.id(number) > *cursor);
                }
                chosen = ids;
                chosen.as_slice()
            }
        };
        // One more than fits tells whether there is a next page.
        let found = numbers.iter().copied().filter(|&number| ledger.exists(number));
        let mut found: Vec<u32> = found
            .filter(|&number| self.is_wanted(&want, number, &self.indexed(&ledger, number)))
            .take(limit + 1)
            .collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let items: Vec<_> = found
            .iter()
            .map(|&number| self.lead(number, &self.indexed(&ledger, number), ledger.touched(number)))
            .collect();
        self.saw(&found);
        ask.trace.shows(found.iter().map(|&number| target(self.leads.id(number))));
        let is_last_with_cursor = self.switches.on("extra_empty_page") && !found.is_empty();
        let mut page = json!({ "items": items });
        if (more || is_last_with_cursor)
            && let Some(&last) = found.last()
        {
            page["next_starting_after"] = self.leads.id(last).into();
        }
        Ok(page)
    }

    /// The owner as the index has it, which may lag behind.
    fn indexed(&self, ledger: &Ledger, number: u32) -> Arc<Holder> {
        match self.lagging().get(&number) {
            Some((before, until)) if *until > Instant::now() => Arc::clone(before),
            _ => Arc::clone(ledger.holder(number)),
        }
    }
}

fn is_found(lead: &DemoLead, words: &str) -> bool {
    [&lead.first_name, &lead.last_name, &lead.email].iter().any(|text| text.to_lowercase().contains(words))
        || format!("{} {}", lead.first_name, lead.last_name).to_lowercase().contains(words)
}

fn is_filter(filter: &str) -> bool {
    let values = [
        "CONTACTED",
        "NOT_CONTACTED",
        "COMPLETED",
        "UNSUBSCRIBED",
        "ACTIVE",
        "BOUNCED",
        "SKIPPED",
        "RISKY",
        "INVALID",
        "VALID",
        "IN_SUBSEQUENCE",
        "OPENED_NO_REPLY",
        "COMPLETED_NO_REPLY",
        "NO_OPENS",
        "REPLIED",
        "LINK_CLICKED",
    ];
    filter.strip_prefix("FILTER_VAL_").is_some_and(|word| values.contains(&word))
        || filter
            .strip_prefix("FILTER_LEAD_")
            .is_some_and(|word| interest(word).is_some() || word.starts_with("CUSTOM_LABEL_"))
}

fn interest(word: &str) -> Option<i64> {
    Some(match word {
        "INTERESTED" => 1,
        "NOT_INTERESTED" => -1,
        "MEETING_BOOKED" => 2,
        "MEETING_COMPLETED" => 3,
        "CLOSED" => 4,
        "OUT_OF_OFFICE" => 0,
        "WRONG_PERSON" => -2,
        "LOST" => -3,
        "NO_SHOW" => -4,
        _ => return None,
    })
}

fn passes(filter: &str, facts: &Facts) -> bool {
    if let Some(word) = filter.strip_prefix("FILTER_LEAD_") {
        let custom = |positive: bool| {
            let label = super::workspace::LABELS.iter().find(|label| Some(label.0) == facts.interest);
            label.is_some_and(|label| (label.2 == "positive") == positive)
        };
        return match word {
            "CUSTOM_LABEL_POSITIVE" => custom(true),
            "CUSTOM_LABEL_NEGATIVE" => custom(false),
            _ => interest(word).is_some_and(|number| facts.interest == Some(number)),
        };
    }
    match filter.trim_start_matches("FILTER_VAL_") {
        "CONTACTED" => facts.contacted,
        "NOT_CONTACTED" => !facts.contacted,
        "COMPLETED" => facts.status == 3,
        "UNSUBSCRIBED" => facts.status == -2,
        "ACTIVE" => facts.status == 1,
        "BOUNCED" => facts.status == -1,
        "SKIPPED" => facts.status == -3,
        "RISKY" => facts.verification == -2,
        "INVALID" => facts.verification == -1,
        "VALID" => facts.verification == 1,
        "IN_SUBSEQUENCE" => facts.in_subsequence,
        "OPENED_NO_REPLY" => facts.opens > 0 && facts.replies == 0,
        "COMPLETED_NO_REPLY" => facts.status == 3 && facts.replies == 0,
        "NO_OPENS" => facts.opens == 0,
        "REPLIED" => facts.replies > 0,
        _ => facts.clicks > 0,
    }
}

/// A smart view's query. Days are not looked at: demo leads have one event each.
fn answers(query: &Value, facts: &Facts) -> bool {
    let values = &query["values"];
    let counted = |count: u64| {
        let than = values["occurrence-count"]["count"].as_u64();
        match (values["occurrence-count"]["condition"].as_str(), than) {
            (Some("more"), Some(than)) => count > than,
            (Some("less"), Some(than)) => count < than,
            (Some("equal"), Some(than)) => count == than,
            _ => count > 0,
        }
    };
    match query["actionType"].as_str() {
        Some("reply") => counted(facts.replies),
        Some("email-open") => counted(facts.opens),
        Some("link-click") => counted(facts.clicks),
        Some("last-contacted") => facts.contacted,
        Some("lead-status") => {
            let is = values["lead-status"]["status"].as_i64() == facts.interest;
            is == (values["lead-status"]["condition"] != "is-not")
        }
        _ => true,
    }
}

/// What a page of another listing is cut from: each item with its cursor.
pub fn page(ask: &Ask, items: Vec<(String, Value)>, extra: bool) -> Answer<Value> {
    let limit = match ask.text("limit") {
        None => USUAL,
        Some(text) => match text.parse() {
            Ok(limit @ 1..=PAGE) => limit,
            _ => return Err(Refusal::bad("querystring/limit must be >= 1 and <= 100")),
        },
    };
    let from = match ask.text("starting_after") {
        None => 0,
        Some(cursor) => items.iter().position(|(own, _)| own == cursor).map_or(items.len(), |place| place + 1),
    };
    let more = items.len() > from + limit;
    let shown: Vec<_> = items.into_iter().skip(from).take(limit).collect();
    let cursor = shown.last().map(|(cursor, _)| cursor.clone()).filter(|_| more || extra);
    let mut page = json!({"items": shown.into_iter().map(|(_, item)| item).collect::<Vec<_>>()});
    if let Some(cursor) = cursor {
        page["next_starting_after"] = cursor.into();
    }
    Ok(page)
}
