//! The endpoints of kenbun's contract.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Kenbun;
use super::access::Who;
use super::list::{Filter, Range};
use super::store::{Store, member_id, user_id};
use crate::sim::demo::Role;
use crate::sim::vendor::{Applied, Holder, Trace, VendorSim, target};

/// At most so many ids in a bulk call.
const BULK: usize = 500;

/// Units and numbers of leads by the hash of their e-mail address.
pub type Aliases = HashMap<u64, Vec<u32>>;

pub fn router(sim: Arc<Kenbun>) -> Router {
    let lead = get(detail).put(never).delete(delete);
    Router::new()
        .route("/org-units", get(units))
        .route("/org-units/active", post(choose_unit))
        .route("/members", get(members))
        .route("/leads", get(leads))
        .route("/lead/by-alias", get(by_alias))
        .route("/lead/{id}", lead.clone())
        .route("/leads/{id}", lead)
        .route("/lead/{id}/metadata", patch(never))
        .route("/leads/{id}/owner", post(assign))
        .route("/leads/bulk-assign-owner", post(assign_many))
        .route("/leads/merge", post(never))
        .fallback(unknown)
        .with_state(sim)
}

/// An error answer.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    message: String,
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

type Answer<T> = Result<T, Refusal>;

/// What all handlers look at.
struct Ask {
    headers: HeaderMap,
    query: HashMap<String, String>,
    body: Bytes,
    trace: Trace,
}

impl<S: Send + Sync> FromRequest<S> for Ask {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(Self {
            query: Query::try_from_uri(&parts.uri).map(|Query(q)| q).unwrap_or_default(),
            trace: parts.extensions.get::<Trace>().cloned().unwrap_or_default(),
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default(),
        })
    }
}

impl Kenbun {
    fn reply<T: Serialize>(&self, answer: Answer<T>) -> Response {
        match answer {
            Ok(value) => Json(value).into_response(),
            Err(refusal) => {
                let mut response = self.error(refusal.status, &refusal.message);
                if let Some(wait) = refusal.retry_after {
                    let seconds = wait.as_millis().div_ceil(1_000).max(1);
                    if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                        response.headers_mut().insert(RETRY_AFTER, value);
                    }
                }
                response
            }
        }
    }
}

type Sim = State<Arc<Kenbun>>;

// --- organizational units and members -------------------------------------------------------------------------------

async fn units(State(sim): Sim, ask: Ask) -> Response {
    sim.reply(sim.enter(&ask.headers).map(|_| {
        let unit = |(place, unit): (usize, &super::Unit)| {
            json!({
                "unit_id": unit.id,
                "org_id": ORG,
                "name": unit.name,
                "slug": unit.slug,
                "external_ref": unit.external_ref,
                "is_default": place == 0,
            })
        };
        sim.units.iter().enumerate().map(unit).collect::<Vec<_>>()
    }))
}

async fn choose_unit(State(sim): Sim, ask: Ask) -> Response {
    let choose = || {
        let who = sim.enter(&ask.headers)?;
        let body: Value = serde_json::from_slice(&ask.body).map_err(|_| Refusal::bad("invalid body"))?;
        let id = body.get("ouId").and_then(Value::as_str).ok_or_else(|| Refusal::bad("ouId is required"))?;
        let place = sim.units.iter().position(|u| u.id == id);
        let place = place.filter(|&p| who != Who::Service || p == 0);
        let place = place.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "organizational unit not found"))?;
        let mut access = sim.access();
        let session = access.session(who);
        session.active_unit = Some(place);
        session.chosen_at = Some(Instant::now());
        session.fresh_choices = session.fresh_choices.saturating_add(1);
        Ok(json!({"status": "ok"}))
    };
    sim.reply(choose())
}

async fn members(State(sim): Sim, ask: Ask) -> Response {
    sim.reply(sim.enter(&ask.headers).map(|_| {
        let with_user_id = sim.switches.is("member_ids", "user_id");
        let member = |person: &crate::sim::demo::Staff| {
            let role = match person.role {
                Role::Admin => "admin",
                Role::Editor => "editor",
                Role::Viewer => "viewer",
            };
            // Everybody is in the default unit but one in eight, and some are in others too.
            let units = sim.units.iter().enumerate().filter(|(place, _)| match place {
                0 => person.number % 8 != 7,
                place => (person.number + place).is_multiple_of(4) || person.number % 8 == 7,
            });
            let units: Vec<_> =
                units.map(|(_, u)| json!({"unit_id": u.id, "unit_name": u.name, "role": role})).collect();
            let mut member = json!({
                "org_member_id": member_id(sim.seed, person.number),
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": person.email,
                "role": role,
                "ou_memberships": units,
                "created_at": sim.demo.created_at(person.number as u64 % 7),
            });
            if with_user_id {
                member["user_id"] = user_id(sim.seed, person.number).into();
            }
            member
        };
        sim.demo.staff.iter().filter(|p| p.active).map(member).collect::<Vec<_>>()
    }))
}

// --- reading leads --------------------------------------------------------------------------------------------------

const ORG: &str = "org_halvorsen";

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

async fn leads(State(sim): Sim, ask: Ask) -> Response {
    sim.reply(sim.list(&ask))
}

async fn detail(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let find = || {
        let who = sim.enter(&ask.headers)?;
        let unit = sim.active_unit(who)?;
        let store = sim.store();
        let number = sim.lead_in(&store, unit, &id)?;
        ask.trace.shows([target(&id)]);
        Ok(Detail { basics: sim.basics(&store, number), metadata: sim.metadata(number) })
    };
    sim.reply(find())
}

async fn by_alias(State(sim): Sim, ask: Ask) -> Response {
    let unit = match sim.enter(&ask.headers).and_then(|who| sim.active_unit(who)) {
        Ok(unit) => unit,
        Err(refusal) => return sim.reply(Err::<(), _>(refusal)),
    };
    let finder = Arc::clone(&sim);
    // The first lookup works out the addresses of all leads, which may take a second.
    let found = tokio::task::spawn_blocking(move || finder.find_alias(unit, &ask.query)).await;
    sim.reply(found.unwrap_or_else(|_| Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "lookup failed"))))
}

impl Kenbun {
    fn list(&self, ask: &Ask) -> Answer<Page> {
        let who = self.enter(&ask.headers)?;
        let unit = self.active_unit(who)?;
        let given = |name: &str| ask.query.get(name).map(String::as_str).filter(|v| !v.is_empty());
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
        let store = self.store();
        let (numbers, total) = self.page(&store, unit, &filter, page, limit);
        let leads: Vec<_> = numbers.iter().map(|&n| self.row(&store, n)).collect();
        drop(store);
        ask.trace.shows(leads.iter().map(|r| target(&r.basics.lead_id)));
        let arrivals = self.switches.number("arrivals");
        if arrivals > 0 && (self.listed.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(arrivals) {
            self.store_mut().arrive();
        }
        Ok(Page { leads, counts: counted.then_some(Counts { total, page, limit }) })
    }

    fn basics(&self, store: &Store, number: u32) -> Basics {
        let holder = store.holder(number);
        let created_at = self.created_at(store, number);
        let owner_name = match holder.name() {
            Some(name) => Some(Some(name.to_owned())),
            None => self.switches.with("unassigned_as", |how| match how {
                "absent" => None,
                "empty" => Some(Some(String::new())),
                _ => Some(None),
            }),
        };
        let place = self.place(number);
        let updated_at = store.touched(number).unwrap_or_else(|| {
            if place.arrival.is_some() { created_at } else { self.units[place.unit].demo.updated_at(place.local) }
        });
        Basics {
            lead_id: self.id(number),
            org_id: ORG,
            score: self.score(number),
            last_event_at: self.last_event_at(store, number),
            created_at,
            updated_at,
            owner_name,
            owner_id: self.switches.on("expose_owner_id").then(|| holder.id().map(str::to_owned)),
        }
    }

    fn row(&self, store: &Store, number: u32) -> Row {
        let basics = self.basics(store, number);
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
    fn lead_in(&self, store: &Store, unit: usize, id: &str) -> Answer<u32> {
        let number = self.number(id).filter(|&n| store.exists(n) && self.place(n).unit == unit);
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
        let store = self.store();
        let candidates = aliases.get(&hash(value)).into_iter().flatten().copied();
        let mut visible = candidates.filter(|&n| store.exists(n) && self.place(n).unit == unit);
        let number = visible.find(|&n| email(n) == *value).ok_or_else(missing)?;
        Ok(json!({"lead_id": self.id(number), "email": value, "metadata": self.metadata(number)}))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

// --- assigning ------------------------------------------------------------------------------------------------------

/// The body of both assignment calls. The outer `None` is a missing field, the inner one a null.
#[derive(Debug, Default, Deserialize)]
pub struct Assignment {
    #[serde(default, deserialize_with = "present")]
    pub owner_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub owner_name: Option<Option<String>>,
    lead_ids: Option<Vec<String>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

async fn assign(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let assign = || {
        let (who, unit, body) = sim.let_write(&ask)?;
        sim.judge_assignment(who, &body, false, &ask.trace);
        let to = sim.new_holder(&body)?;
        let mut store = sim.store_mut();
        let number = sim.lead_in(&store, unit, &id)?;
        let (before, after) = store.assign(number, &to, sim.switches.on("updated_at_on_assign"));
        let message = if to == Holder::Nobody { "owner unassigned" } else { "owner assigned" };
        ask.trace.applied([Applied { target: target(&id), before, after }]);
        Ok(json!({"status": "ok", "message": message}))
    };
    sim.reply(assign())
}

async fn assign_many(State(sim): Sim, ask: Ask) -> Response {
    let assign = || {
        let (who, unit, body) = sim.let_write(&ask)?;
        sim.judge_assignment(who, &body, true, &ask.trace);
        let ids: Vec<&str> = body.lead_ids.iter().flatten().map(String::as_str).collect();
        sim.judge_ids(&ids, &ask.trace);
        if ids.is_empty() {
            return Err(Refusal::bad("lead_ids is required"));
        }
        if ids.len() > BULK {
            return Err(Refusal::bad(format!("lead_ids may have at most {BULK} entries")));
        }
        let to = sim.new_holder(&body)?;
        // One lock for all: nobody sees half of it.
        let mut store = sim.store_mut();
        let mut numbers = Vec::with_capacity(ids.len());
        let mut seen = HashSet::new();
        for id in ids {
            match sim.lead_in(&store, unit, id) {
                Ok(number) if seen.insert(number) => numbers.push((number, id)),
                Ok(_) => {}
                Err(refusal) if sim.switches.is("bulk_unknown", "reject_all_404") => return Err(refusal),
                Err(_) => {}
            }
        }
        let touch = sim.switches.on("updated_at_on_assign");
        let applied: Vec<_> = numbers
            .into_iter()
            .map(|(number, id)| {
                let (before, after) = store.assign(number, &to, touch);
                Applied { target: target(id), before, after }
            })
            .collect();
        let affected = match sim.switches.is("affected", "changed") {
            true => applied.iter().filter(|a| a.before != a.after).count(),
            false => applied.len(),
        };
        ask.trace.applied(applied);
        Ok(json!({"status": "ok", "affected": affected}))
    };
    sim.reply(assign())
}

impl Kenbun {
    fn let_write(&self, ask: &Ask) -> Answer<(Who, usize, Assignment)> {
        let who = self.enter(&ask.headers)?;
        self.may_write(who)?;
        let unit = self.active_unit(who)?;
        let body = serde_json::from_slice(&ask.body).map_err(|e| Refusal::bad(format!("invalid body: {e}")))?;
        Ok((who, unit, body))
    }

    /// Whom a body assigns to: a null, empty or missing owner_id is nobody, whatever the name says.
    fn new_holder(&self, body: &Assignment) -> Answer<Holder> {
        let Some(id) = body.owner_id.clone().flatten().filter(|id| !id.is_empty()) else { return Ok(Holder::Nobody) };
        let member = || self.member(&id);
        if self.switches.is("unknown_owner", "400") && member().is_none() {
            return Err(Refusal::bad("unknown owner_id"));
        }
        let name = match body.owner_name.clone().flatten() {
            None if self.switches.is("omitted_owner_name", "lookup") => {
                member().map(|place| self.demo.staff[place].name())
            }
            name => name,
        };
        Ok(Holder::Owner { id: Some(id), name })
    }
}

// --- what clients must not call -------------------------------------------------------------------------------------

async fn delete(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let delete = || {
        let who = sim.enter(&ask.headers)?;
        ask.trace.complain("DELETE of a lead, which cannot be taken back");
        sim.may_write(who)?;
        let unit = sim.active_unit(who)?;
        let mut store = sim.store_mut();
        let number = sim.lead_in(&store, unit, &id)?;
        store.remove(number);
        Ok(json!({"status": "accepted"}))
    };
    sim.reply(delete())
}

/// Writes that exist, are not for owners, and have no documented body.
async fn never(State(sim): Sim, ask: Ask) -> Response {
    let answer = sim.enter(&ask.headers).map(|_| {
        ask.trace.complain("a write that has nothing to do with owners");
        json!({"status": "ok"})
    });
    sim.reply(answer)
}

async fn unknown(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a path that does not exist");
    sim.error(StatusCode::NOT_FOUND, "not found")
}
