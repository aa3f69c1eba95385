//! Reading: lists of leads and users, one lead, and what a lead is made of.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{PREFIX, Stateset, Store, limits, writes};
use crate::sim::ask::{self, Answer, Ask, Refusal, reply};
use crate::sim::demo::{Staff, Stage};
use crate::sim::dice::{self, Dice};
use crate::sim::vendor::{Trace, VendorSim, target};

pub type Sim = State<Arc<Stateset>>;

pub fn router(sim: Arc<Stateset>) -> Router {
    let lead = get(one).put(writes::update).patch(writes::update).delete(writes::never);
    let api = Router::new()
        .route("/leads", get(list).post(writes::create))
        .route("/leads/list", get(list_at_list))
        .route("/leads/bulk-update", post(writes::bulk_update))
        .route("/leads/bulk", put(writes::sdk_bulk))
        .route("/leads/{id}", lead)
        .route("/leads/{id}/retrieve", get(retrieve))
        .route("/leads/{id}/{action}", any(writes::never_with_action))
        .route("/users", get(users))
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(Arc::clone(&sim), door))
        .with_state(Arc::clone(&sim));
    Router::new().nest(PREFIX, api).fallback(unknown).with_state(sim)
}

/// Every request: the rate, then the key.
async fn door(State(sim): Sim, request: Request, next: Next) -> Response {
    let left = match sim.count_request() {
        Ok(left) => left,
        Err((refusal, left)) => {
            let mut response = sim.error(refusal.status, &refusal.message);
            if let Some(wait) = refusal.retry_after {
                ask::retry_after(&mut response, wait);
            }
            limits::tell(&mut response, left);
            return response;
        }
    };
    let mut response = match sim.let_in(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => sim.error(refusal.status, &refusal.message),
    };
    if let Some(left) = left {
        limits::tell(&mut response, left);
    }
    response
}

async fn unknown(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a path that does not exist");
    sim.error(StatusCode::NOT_FOUND, "The requested resource was not found")
}

async fn list(State(sim): Sim, ask: Ask) -> Response {
    let wanted = sim.switches.is("list_path", "leads");
    listed(&sim, &ask, wanted)
}

async fn list_at_list(State(sim): Sim, ask: Ask) -> Response {
    let wanted = sim.switches.is("list_path", "leads_list");
    listed(&sim, &ask, wanted)
}

fn listed(sim: &Stateset, ask: &Ask, is_here: bool) -> Response {
    let answer = if is_here { sim.page(ask) } else { Err(not_here()) };
    reply(sim, answer)
}

async fn one(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    reply(&*sim, sim.show(&id, &ask.trace))
}

async fn retrieve(State(sim): Sim, Path(id): Path<String>, ask: Ask) -> Response {
    let answer = if sim.switches.is("get_path", "retrieve") { sim.show(&id, &ask.trace) } else { Err(not_here()) };
    reply(&*sim, answer)
}

async fn users(State(sim): Sim, ask: Ask) -> Response {
    let page = || {
        let (offset, limit) = sim.window_of(&ask, 20)?;
        let all: Vec<_> = sim.demo.staff.iter().map(|person| sim.user(person)).collect();
        let total = all.len();
        let rows: Vec<_> = all.into_iter().skip(offset).take(limit).collect();
        let more = offset + rows.len() < total;
        Ok(match sim.switches.value("users_envelope").as_str() {
            "data" => json!({"data": rows, "has_more": more, "total_count": total}),
            "array" => Value::Array(rows),
            _ => json!({"users": rows, "pagination": {"total": total, "limit": limit, "offset": offset}}),
        })
    };
    reply(&*sim, page())
}

pub fn not_here() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "The requested resource was not found")
}

impl Stateset {
    fn let_in(&self, headers: &HeaderMap) -> Answer<()> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let word = if self.switches.is("auth_scheme", "token") { "Token" } else { "Bearer" };
        match given.split_once(' ') {
            Some((scheme, key)) if scheme == word && key == self.token => Ok(()),
            Some(_) => Err(Refusal::new(StatusCode::UNAUTHORIZED, "Invalid API key provided")),
            None => Err(Refusal::new(StatusCode::UNAUTHORIZED, "No API key provided")),
        }
    }

    pub fn has_leads(&self) -> Answer<()> {
        if self.switches.on("leads_enabled") { Ok(()) } else { Err(not_here()) }
    }

    /// Offset and limit of a request.
    fn window_of(&self, ask: &Ask, usual: usize) -> Answer<(usize, usize)> {
        let number = |name: &str, otherwise: usize| match ask.text(name) {
            None => Ok(otherwise),
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} must be a whole number"))),
        };
        let (offset, limit): (usize, usize) = (number("offset", 0)?, number("limit", usual)?);
        if limit == 0 || (limit > 100 && self.switches.is("over_limit", "422")) {
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "limit must be between 1 and 100"));
        }
        Ok((offset, limit.min(100).min(self.switches.number("page_cap") as usize)))
    }

    fn page(&self, ask: &Ask) -> Answer<Value> {
        self.has_leads()?;
        let by_cursor = self.switches.is("paging", "cursor");
        let (mut offset, limit) = self.window_of(ask, 20)?;
        if by_cursor {
            offset = match ask.text("cursor") {
                None => 0,
                Some(cursor) => cursor
                    .strip_prefix("cur_")
                    .and_then(|place| usize::from_str_radix(place, 36).ok())
                    .ok_or_else(|| Refusal::bad("invalid cursor"))?,
            };
        } else if self.switches.on("ignore_offset") {
            offset = 0;
        }
        let ascending = match ask.text("order_direction") {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => {
                let message = "order_direction must be asc or desc";
                return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, message));
            }
        };
        let store = self.store();
        let count = self.count(&store);
        let total = count as usize - store.gone.len();
        let place = |n: u32| if ascending { n } else { count - 1 - n };
        let numbers = (0..count).map(place).filter(|n| !store.gone.contains(n));
        let rows: Vec<_> = numbers.skip(offset).take(limit).map(|n| Value::Object(self.lead(&store, n))).collect();
        ask.trace.shows(rows.iter().filter_map(|row| row["id"].as_str()).map(target));
        let end = offset + rows.len();
        let more = end < total;
        let cursor = (by_cursor && more).then(|| format!("cur_{}", in_base_36(end)));
        let mut about = Map::new();
        about.insert("total_count".to_owned(), total.into());
        about.insert("has_more".to_owned(), more.into());
        if by_cursor {
            about.insert("next_cursor".to_owned(), cursor.into());
        }
        let around = |key: &str| {
            let mut object = Map::new();
            object.insert(key.to_owned(), Value::Array(rows.clone()));
            object.extend(about.clone());
            Value::Object(object)
        };
        Ok(match self.switches.value("envelope").as_str() {
            "data" => around("data"),
            "success_data" => json!({"success": true, "data": {"leads": rows}, "meta": about}),
            "array" => Value::Array(rows),
            _ => around("leads"),
        })
    }

    fn show(&self, id: &str, trace: &Trace) -> Answer<Value> {
        self.has_leads()?;
        let store = self.store();
        let number = self.number(&store, id).ok_or_else(not_here)?;
        trace.shows([target(id)]);
        Ok(self.wrap(self.lead(&store, number)))
    }

    /// A single lead as this server shows it.
    pub fn wrap(&self, lead: Map<String, Value>) -> Value {
        match self.switches.value("wrap").as_str() {
            "lead" => json!({"lead": lead}),
            "data" => json!({"data": lead}),
            _ => Value::Object(lead),
        }
    }

    fn user(&self, person: &Staff) -> Value {
        let id = self.user_id(person.number);
        let id = if self.switches.is("user_id", "number") {
            id.parse::<u64>().map_or(Value::Null, Value::from)
        } else {
            Value::String(id)
        };
        let username = person.email.split('@').next().unwrap_or_default();
        if self.switches.is("names", "snake") {
            let status = if person.active { "ACTIVE" } else { "DEACTIVATED" };
            json!({
                "id": id, "first_name": person.first_name, "last_name": person.last_name, "email": person.email,
                "status": status, "role": "member", "org_id": "org_fern", "username": username,
            })
        } else {
            json!({
                "id": id, "active": person.active, "firstName": person.first_name, "lastName": person.last_name,
                "email": person.email, "username": username, "title": person.team, "phone": person.phone,
                "organization": "Fern & Thimble", "last_seen": null,
            })
        }
    }

    /// A lead as it is now.
    pub fn lead(&self, store: &Store, number: u32) -> Map<String, Value> {
        if let Some(lead) = store.written.get(&number) {
            return lead.clone();
        }
        let n = u64::from(number);
        let demo = self.demo.lead(n);
        let mut dice = Dice::new(self.seed, n, 402);
        let (first, last) =
            if self.switches.is("names", "snake") { ("first_name", "last_name") } else { ("firstName", "lastName") };
        let status = match demo.stage {
            Stage::Won => "converted",
            stage => stage.word(),
        };
        let mut lead = Map::new();
        let mut put = |key: &str, value: Value| lead.insert(key.to_owned(), value);
        put("id", self.id(number).into());
        put("object", "lead".into());
        put("status", status.into());
        put(first, demo.first_name.into());
        put(last, demo.last_name.into());
        put("email", demo.email.into());
        put("phone", demo.phone.into());
        put("title", demo.title.into());
        put("leadSource", demo.source.into());
        put("mailingCity", demo.city.into());
        put("mailingCountry", demo.country.into());
        put("description", format!("Asked about order {}", 1_000 + dice.below(9_000)).into());
        put("do_not_call", demo.do_not_call.into());
        put("email_opt_out", dice.chance(0.05).into());
        put("fax_opt_out", dice.chance(0.02).into());
        put("invalid_lead", dice.chance(0.02).into());
        put("created_at", demo.created_at.to_string().into());
        put("created_by", "import".into());
        put("last_modified_by", Value::Null);
        match self.demo.first_owner(n).map(|place| &self.demo.staff[place]) {
            // Free text: what people typed over the years.
            Some(person) => put("owner", self.spelling(person, &mut dice).into()),
            // Nobody has three spellings; the third is no field at all.
            None if dice::roll(self.seed, n, 403).is_multiple_of(3) => None,
            None if dice::roll(self.seed, n, 403) % 3 == 1 => put("owner", "".into()),
            None => put("owner", Value::Null),
        };
        lead
    }

    /// Most write the name, some an address or an id.
    fn spelling(&self, person: &Staff, dice: &mut Dice) -> String {
        match dice.below(50) {
            0 => person.email.clone(),
            1 => self.user_id(person.number),
            _ => person.name(),
        }
    }

    /// The user that an owner text means, by any of the four.
    pub fn user_named(&self, text: &str) -> Option<&Staff> {
        self.demo.staff.iter().find(|person| {
            person.name() == text
                || person.email == text
                || self.user_id(person.number) == text
                || person.email.split('@').next() == Some(text)
        })
    }
}

fn in_base_36(mut n: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((n % 36) as u32, 36).unwrap_or('0'));
        n /= 36;
        if n == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

/// The answer to a successful write, as the switch `put_reply` wants it.
pub fn written(sim: &Stateset, lead: Map<String, Value>) -> (StatusCode, Option<Value>) {
    match sim.switches.value("put_reply").as_str() {
        "empty_200" => (StatusCode::OK, None),
        "204" => (StatusCode::NO_CONTENT, None),
        _ => (StatusCode::OK, Some(sim.wrap(lead))),
    }
}

/// An answer with or without a body.
pub fn answer(status: StatusCode, body: Option<Value>) -> Response {
    match body {
        Some(body) => (status, Json(body)).into_response(),
        None => status.into_response(),
    }
}
