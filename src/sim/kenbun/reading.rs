//! Reading leads: pages, details, lookups by address.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::answers::Sim;
use super::list::{Filter, Range};
use super::{Kenbun, ORG};
use crate::sim::ask::{Answer, Ask, Refusal, reply};
use crate::sim::ledger::Ledger;
use crate::sim::vendor::target;

/// Numbers of leads by the hash of their e-mail address.
pub type Aliases = HashMap<u64, Vec<u32>>;

#[derive(Serialize)]
struct Page {
    leads: Vec<Row>,
    #[serde(flatten)]
    counts: Option<Counts>,
}

#[derive(Serialize)]
struct Counts {
    total: u64,
    page: u64,
    limit: u64,
}

/// A list item.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    basics: Basics,
    ruleset_id: &'static str,
    engagement_scores: BTreeMap<&'static str, u32>,
    profile_scores: BTreeMap<&'static str, u32>,
    ruleset_names: BTreeMap<&'static str, &'static str>,
    engagement_primary_ruleset_name: &'static str,
    profile_primary_ruleset_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

/// What list items and details have in common.
#[derive(Serialize)]
struct Basics {
    lead_id: String,
    org_id: &'static str,
    score: u32,
    last_event_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Absent, null or text.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_name: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_id: Option<Option<String>>,
}

#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    basics: Basics,
    metadata: Map<String, Value>,
}

pub async fn leads(State(sim): Sim, ask: Ask) -> Response {
    reply(&*sim, sim.list(&ask))
}

pub async fn detail(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let find = || {
        let who = sim.enter(&ask.headers)?;
        let unit = sim.active_unit(who)?;
        let ledger = sim.ledger();
        let number = sim.lead_in(&ledger, unit, &id)?;
        ask.trace.shows([target(&id)]);
        Ok(Detail { basics: sim.basics(&ledger, number), metadata: sim.metadata(number) })
    };
    reply(&*sim, find())
}

pub async fn by_alias(State(sim): Sim, ask: Ask) -> Response {
    let unit = match sim.enter(&ask.headers).and_then(|who| sim.active_unit(who)) {
        Ok(unit) => unit,
        Err(refusal) => return reply(&*sim, Err::<(), _>(refusal)),
    };
    let finder = Arc::clone(&sim);
    // The first lookup works out the addresses of all leads, which may take a second.
    let found = tokio::task::spawn_blocking(move || finder.find_alias(unit, &ask.query)).await;
    reply(&*sim, found.unwrap_or_else(|_| Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "lookup failed"))))
}

impl Kenbun {
    fn list(&self, ask: &Ask) -> Answer<Page> {
        let who = self.enter(&ask.headers)?;
        let unit = self.active_unit(who)?;
        let given = |name: &str| ask.text(name);
        let number = |name: &str| {
            let wrong = || Refusal::bad(format!("{name} must be an integer"));
            given(name).map(|v| v.parse::<i64>().map_err(|_| wrong())).transpose()
        };
        let filter = Filter {
            min_score: number("min_score")?,
            max_score: number("max_score")?,
            event_type: given("event_type").map(str::to_owned),
            last_active_days: match given("last_active") {
                None => None,
                Some("7d") => Some(7),
                Some("30d") => Some(30),
                Some(_) => return Err(Refusal::bad("last_active must be 7d or 30d")),
            },
            range: match given("range").map(Range::parse) {
                Some(None) => return Err(Refusal::bad("invalid range")),
                range => range.flatten(),
            },
        };
        let (page, limit) = (number("page")?, number("limit")?);
        if page.is_none() || limit.is_none() {
            ask.trace.complain("GET /leads without both page and limit");
        }
        let counted = page.is_some() || limit.is_some();
        let max = self.switches.number("max_limit");
        let positive = |name, value: i64| {
            u64::try_from(value).ok().filter(|&v| v > 0).ok_or_else(|| Refusal::bad(format!("{name} must be positive")))
        };
        let page = positive("page", page.unwrap_or(1))?;
        let limit = match positive("limit", limit.unwrap_or(25))? {
            limit if limit <= max => limit,
            _ if self.switches.is("over_limit", "reject") => {
                return Err(Refusal::bad(format!("limit must not exceed {max}")));
            }
            _ => max,
        };
        let ledger = self.ledger();
        let (numbers, total) = self.page(&ledger, unit, &filter, page, limit);
        let leads: Vec<_> = numbers.iter().map(|&n| self.row(&ledger, n)).collect();
        drop(ledger);
        ask.trace.shows(leads.iter().map(|r| target(&r.basics.lead_id)));
        let arrivals = self.switches.number("arrivals");
        if arrivals > 0 && (self.listed.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(arrivals) {
            self.ledger_mut().arrive();
        }
        Ok(Page { leads, counts: counted.then_some(Counts { total, page, limit }) })
    }

    fn basics(&self, ledger: &Ledger, number: u32) -> Basics {
        let holder = ledger.holder(number);
        let created_at = self.created_at(ledger, number);
        let owner_name = match holder.name() {
            Some(name) => Some(Some(name.to_owned())),
            None => self.switches.with("unassigned_as", |how| match how {
                "absent" => None,
                "empty" => Some(Some(String::new())),
                _ => Some(None),
            }),
        };
        let place = self.place(number);
        let updated_at = ledger.touched(number).unwrap_or_else(|| {
            if place.arrival.is_some() { created_at } else { self.units[place.unit].demo.updated_at(place.local) }
        });
        Basics {
            lead_id: self.id(number),
            org_id: ORG,
            score: self.score(number),
            last_event_at: self.last_event_at(ledger, number),
            created_at,
            updated_at,
            owner_name,
            owner_id: self.switches.on("expose_owner_id").then(|| holder.id().map(str::to_owned)),
        }
    }

    fn row(&self, ledger: &Ledger, number: u32) -> Row {
        let basics = self.basics(ledger, number);
        let score = basics.score;
        let metadata = self.switches.on("row_metadata").then(|| self.metadata(number));
        Row {
            ruleset_id: if number.is_multiple_of(20) { "" } else { "rs_engagement" },
            engagement_scores: BTreeMap::from([("rs_engagement", score), ("rs_product", score / 3)]),
            profile_scores: BTreeMap::from([("rs_fit", 100 - score.min(100))]),
            ruleset_names: BTreeMap::from([
                ("rs_engagement", "Engagement"),
                ("rs_fit", "Fit"),
                ("rs_product", "Product interest"),
            ]),
            engagement_primary_ruleset_name: "Engagement",
            profile_primary_ruleset_name: "Fit",
            email: metadata.as_ref().and_then(|m| m.get("email")?.as_str().map(str::to_owned)),
            metadata,
            basics,
        }
    }

    /// Free keys; not every lead has all of them.
    fn metadata(&self, number: u32) -> Map<String, Value> {
        let place = self.place(number);
        let lead = self.units[place.unit].demo.lead(place.local);
        let mut metadata = Map::new();
        metadata.insert("first_name".to_owned(), lead.first_name.into());
        metadata.insert("last_name".to_owned(), lead.last_name.into());
        let optional = [
            ("company", lead.company.as_str()),
            ("title", lead.title),
            ("email", &lead.email),
            ("phone", &lead.phone),
            ("status", lead.stage.word()),
            ("source", lead.source),
            ("city", lead.city),
            ("country", lead.country),
        ];
        for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
            metadata.insert(name.to_owned(), value.into());
        }
        if lead.do_not_call {
            metadata.insert("do_not_call".to_owned(), true.into());
        }
        if lead.number.is_multiple_of(3) {
            metadata.insert("employees".to_owned(), (lead.score * 7 + 1).into());
            metadata.insert("tags".to_owned(), json!([lead.source, "demo"]));
        }
        metadata
    }

    /// The number of a lead that the caller may see.
    pub fn lead_in(&self, ledger: &Ledger, unit: usize, id: &str) -> Answer<u32> {
        let number = self.number(id).filter(|&n| ledger.exists(n) && self.place(n).unit == unit);
        number.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "lead not found"))
    }

    fn find_alias(&self, unit: usize, query: &HashMap<String, String>) -> Answer<Value> {
        let value = query.get("value").filter(|v| !v.is_empty()).ok_or_else(|| Refusal::bad("value is required"))?;
        let missing = || Refusal::new(StatusCode::NOT_FOUND, "lead not found");
        if query.get("kind").is_some_and(|kind| kind != "email") {
            return Err(missing());
        }
        let email = |number: u32| {
            let place = self.place(number);
            self.units[place.unit].demo.lead(place.local).email
        };
        let aliases = self.aliases.get_or_init(|| {
            let mut aliases = Aliases::new();
            for number in (0..self.first_arrival()).rev() {
                aliases.entry(hash(&email(number))).or_default().push(number);
            }
            aliases
        });
        let ledger = self.ledger();
        let candidates = aliases.get(&hash(value)).into_iter().flatten().copied();
        let mut visible = candidates.filter(|&n| ledger.exists(n) && self.place(n).unit == unit);
        let number = visible.find(|&n| email(n) == *value).ok_or_else(missing)?;
        Ok(json!({"lead_id": self.id(number), "email": value, "metadata": self.metadata(number)}))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
