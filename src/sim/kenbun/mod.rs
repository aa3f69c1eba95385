//! kenbun (formerly LeadVibe) from the server's side: leads of a sales floor, scoped to the active organizational unit.
//!
//! `leads` of the options are in `unit_default`; two more units hold a few others each.

mod access;
mod answers;
mod assigning;
mod list;
mod reading;
mod rules;
mod store;
mod switches;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use self::access::Access;
use self::list::Lists;
use self::store::Unit;
use super::demo::{Demo, Flavour};
use super::dice;
use super::ledger::Ledger;
use super::switches::Switches;
use super::vendor::{Act, Applied, Entry, Holder, Meddling, Target, VendorSim, World, target};

pub const ENTRY: Entry = Entry {
    name: "kenbun",
    about: "the leads of a sales floor, in organizational units",
    leads: 5_000,
    switches: switches::ALL,
    build: |world| Ok(Arc::new(Kenbun::new(world))),
};

/// The organization, of which there is one.
const ORG: &str = "org_halvorsen";

struct Kenbun {
    seed: u64,
    demo: Demo,
    switches: Arc<Switches>,
    units: Vec<Unit>,
    ledger: RwLock<Ledger>,
    access: Mutex<Access>,
    lists: Lists,
    /// List requests answered so far.
    listed: AtomicU64,
    /// Which lead has an e-mail address; made at the first lookup.
    aliases: OnceLock<reading::Aliases>,
}

impl Kenbun {
    fn new(world: &World) -> Self {
        let options = &world.options;
        let demo = Demo::new(Flavour::SalesFloor, options.seed, options.leads, options.owners, world.now);
        let units = store::units(&demo, options.leads);
        let ledger = store::ledger(&demo, &units, |number| store::owner_id(options.seed, number, &world.switches));
        Self {
            seed: options.seed,
            access: Mutex::new(Access::new(options.seed)),
            lists: Lists::default(),
            listed: AtomicU64::new(0),
            aliases: OnceLock::new(),
            switches: Arc::clone(&world.switches),
            ledger: RwLock::new(ledger),
            units,
            demo,
        }
    }

    fn ledger(&self) -> std::sync::RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger_mut(&self) -> std::sync::RwLockWriteGuard<'_, Ledger> {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self) -> std::sync::MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a member in the staff, by the kind of id that assignments take.
    fn member(&self, owner_id: &str) -> Option<usize> {
        let found =
            self.demo.staff.iter().position(|p| store::owner_id(self.seed, p.number, &self.switches) == owner_id);
        found.filter(|&place| self.demo.staff[place].active)
    }

    fn member_as_holder(&self, place: usize) -> Holder {
        let person = &self.demo.staff[place];
        Holder::owner(store::owner_id(self.seed, place, &self.switches), person.name())
    }
}

impl VendorSim for Kenbun {
    fn router(self: Arc<Self>) -> Router {
        answers::router(self)
    }

    fn act(&self, method: &Method, path: &str) -> Act {
        match *method {
            Method::GET | Method::HEAD => Act::Read,
            _ if path == "/org-units/active" => Act::Other,
            _ => Act::Write,
        }
    }

    fn aims(&self, _method: &Method, path: &str, body: &[u8]) -> Vec<Target> {
        if path == "/leads/bulk-assign-owner" {
            let Ok(body) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
            let ids = body.get("lead_ids").and_then(Value::as_array);
            return ids.into_iter().flatten().filter_map(Value::as_str).map(target).collect();
        }
        let lead = path.strip_prefix("/leads/").and_then(|p| p.strip_suffix("/owner"));
        let lead = lead.or_else(|| path.strip_prefix("/lead/"));
        lead.map(|id| target(percent_encoding::percent_decode_str(id).decode_utf8_lossy())).into_iter().collect()
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        let (kind, body) = match self.switches.value("error_body").as_str() {
            "empty" => (None, String::new()),
            "text" => (Some("text/plain; charset=utf-8"), format!("{message}\n")),
            _ => (Some("application/json"), json!({ "error": message }).to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        if let Some(kind) = kind {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        response
    }

    fn profile(&self) -> Map<String, Value> {
        let token = self.access().token.clone();
        bearer(&token)
    }

    fn other_profiles(&self) -> Map<String, Value> {
        let access = self.access();
        let mut all = Map::new();
        all.insert("colleague".to_owned(), bearer(&access.colleague).into());
        all.insert("viewer".to_owned(), bearer(&access.viewer).into());
        all.insert("browser".to_owned(), bearer(&access.jwt).into());
        let service = json!({
            "auth": "basic",
            "client_id": {"command": format!("printf %s {}", access.client_id)},
            "client_secret": {"command": format!("printf %s {}", access.client_secret)},
            "org_unit": "unit_default",
        });
        all.insert("service".to_owned(), service);
        all
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        let ledger = self.ledger();
        let numbers = ledger.numbers().filter(|&n| !ledger.is_gone(n));
        numbers.map(|n| (target(self.id(n)), Holder::clone(ledger.holder(n)))).collect()
    }

    fn holder(&self, target: &str) -> Option<Holder> {
        let ledger = self.ledger();
        let number = self.number(target).filter(|&n| ledger.exists(n))?;
        Some(Holder::clone(ledger.holder(number)))
    }

    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied> {
        let mut ledger = self.ledger_mut();
        let mut applied = Vec::new();
        for (place, target) in targets.iter().enumerate() {
            let Some(number) = self.number(target).filter(|&n| ledger.exists(n)) else { continue };
            let after = match what {
                Meddling::To(holder) => holder.clone(),
                Meddling::Gone => {
                    let before = Arc::clone(ledger.holder(number));
                    ledger.remove(number);
                    applied.push(Applied { target: target.clone(), before, after: Arc::new(Holder::Nobody) });
                    continue;
                }
                Meddling::Another(pick) => {
                    let mut dice = dice::Dice::new(self.seed, *pick, place as u64);
                    self.another(ledger.holder(number), &mut dice)
                }
            };
            let (before, after) = ledger.assign(number, &after, true);
            applied.push(Applied { target: target.clone(), before, after });
        }
        applied
    }
}

impl Kenbun {
    /// Somebody else than the present holder; nobody, where there is only one member.
    fn another(&self, present: &Holder, dice: &mut dice::Dice) -> Holder {
        let active = self.demo.staff.len() - 1;
        let first = dice.below(active);
        let mut others = (0..active).map(|step| self.member_as_holder((first + step) % active));
        // Not a namesake either: by its name alone that change could not be seen.
        others.find(|other| other.name() != present.name()).unwrap_or(Holder::Nobody)
    }
}

fn bearer(token: &str) -> Map<String, Value> {
    let mut profile = Map::new();
    profile.insert("token".to_owned(), json!({"command": format!("printf %s {token}")}));
    profile.insert("org_unit".to_owned(), "unit_default".into());
    profile
}
