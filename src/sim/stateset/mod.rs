//! StateSet from the server's side: the leads of a small shop, with owners as free text.
//!
//! A lead is worked out from its number until somebody writes it; from then on it is kept as the JSON that it is.

mod errors;
mod leads;
mod limits;
mod switches;
mod writes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use self::limits::Window;
use super::demo::{self, Demo, Flavour};
use super::dice;
use super::switches::Switches;
use super::vendor::{Act, Applied, Entry, Holder, Meddling, Target, VendorSim, World, target};

pub const ENTRY: Entry = Entry {
    name: "stateset",
    about: "the leads of a small shop, with owners as free text",
    leads: 5_000,
    switches: switches::ALL,
    build: |world| Ok(Arc::new(Stateset::new(world))),
};

/// Everything below this; the base URL of a profile ends with it.
const PREFIX: &str = "/v1";

struct Stateset {
    seed: u64,
    demo: Demo,
    switches: Arc<Switches>,
    store: RwLock<Store>,
    window: Mutex<Window>,
    /// Answers to writes by idempotency key: a repeated key gets the first answer and changes nothing.
    answered: Mutex<HashMap<String, Kept>>,
    token: String,
}

/// An answer kept for its idempotency key.
#[derive(Clone)]
struct Kept {
    /// What was asked: the same key for something else is a mistake.
    asked: (String, bytes::Bytes),
    status: StatusCode,
    body: Option<Value>,
}

/// The leads that are not as they were at the start.
#[derive(Default)]
struct Store {
    written: BTreeMap<u32, Map<String, Value>>,
    gone: BTreeSet<u32>,
    /// Leads that were created; they have the numbers after all others.
    created: u32,
}

impl Stateset {
    fn new(world: &World) -> Self {
        let options = &world.options;
        let demo = Demo::new(Flavour::SmallShop, options.seed, options.leads, options.owners, world.now);
        let token =
            format!("sk_test_{:016x}{:016x}", dice::roll(options.seed, 1, 400), dice::roll(options.seed, 2, 400));
        Self {
            seed: options.seed,
            demo,
            switches: Arc::clone(&world.switches),
            store: RwLock::default(),
            window: Mutex::default(),
            answered: Mutex::default(),
            token,
        }
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many leads there have been.
    fn count(&self, store: &Store) -> u32 {
        u32::try_from(self.demo.leads).unwrap_or(u32::MAX).saturating_add(store.created)
    }

    fn id(&self, number: u32) -> String {
        demo::uuid(self.seed, u64::from(number))
    }

    /// The number of a lead that exists.
    fn number(&self, store: &Store, id: &str) -> Option<u32> {
        let number = u32::try_from(demo::number_of(self.seed, id)?).ok()?;
        (number < self.count(store) && !store.gone.contains(&number)).then_some(number)
    }

    fn user_id(&self, number: usize) -> String {
        if self.switches.is("user_id", "number") {
            (1_000 + number).to_string()
        } else {
            format!("usr_{:010x}", dice::roll(self.seed, number as u64, 401) >> 24)
        }
    }

    /// Who holds a lead: its owner text, taken for a name.
    fn holder_of(&self, store: &Store, number: u32) -> Holder {
        match self.lead(store, number).get("owner") {
            Some(Value::String(text)) if !text.is_empty() => Holder::Owner { id: None, name: Some(text.clone()) },
            _ => Holder::Nobody,
        }
    }

    /// Writes the owner of a lead and tells what changed.
    fn give(&self, store: &mut Store, number: u32, owner: Value) -> Applied {
        let before = Arc::new(self.holder_of(store, number));
        let mut lead = self.lead(store, number);
        lead.insert("owner".to_owned(), owner);
        store.written.insert(number, lead);
        let after = Arc::new(self.holder_of(store, number));
        Applied { target: target(self.id(number)), before, after }
    }
}

impl VendorSim for Stateset {
    fn router(self: Arc<Self>) -> Router {
        leads::router(self)
    }

    fn base_path(&self) -> &'static str {
        PREFIX
    }

    fn aims(&self, _method: &Method, path: &str, body: &[u8]) -> Vec<Target> {
        let path = path.strip_prefix(PREFIX).unwrap_or(path);
        if path == "/leads/bulk" || path == "/leads/bulk-update" {
            let Ok(body) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
            let updates = body.get("updates").and_then(Value::as_array);
            return updates.into_iter().flatten().filter_map(|u| u.get("id")?.as_str()).map(target).collect();
        }
        let id = path.strip_prefix("/leads/").and_then(|rest| rest.split('/').next());
        id.map(|id| target(percent_encoding::percent_decode_str(id).decode_utf8_lossy())).into_iter().collect()
    }

    fn act(&self, method: &Method, path: &str) -> Act {
        match *method {
            Method::GET | Method::HEAD => Act::Read,
            // Creating a lead assigns nothing.
            Method::POST if path == "/v1/leads" => Act::Other,
            _ => Act::Write,
        }
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        errors::response(self.switches.number("error_shape"), status, message)
    }

    fn profile(&self) -> Map<String, Value> {
        let mut profile = Map::new();
        profile.insert("token".to_owned(), json!({"command": format!("printf %s {}", self.token)}));
        // The client keeps to 100 a minute unless it is told that it may send more.
        let per_minute = self.window.lock().unwrap_or_else(PoisonError::into_inner).per_minute(&self.switches);
        if let Some(per_minute) = per_minute.filter(|n| *n != 100) {
            profile.insert("requests_per_minute".to_owned(), per_minute.into());
        }
        if self.switches.is("list_path", "leads_list") {
            profile.insert("list_path".to_owned(), "/leads/list".into());
        }
        if self.switches.is("get_path", "retrieve") {
            profile.insert("get_path_template".to_owned(), "/leads/{id}/retrieve".into());
        }
        if self.switches.is("auth_scheme", "token") {
            profile.insert("auth_scheme".to_owned(), "token".into());
        }
        profile
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        let store = self.store();
        let numbers = (0..self.count(&store)).filter(|n| !store.gone.contains(n));
        numbers.map(|n| (target(self.id(n)), self.holder_of(&store, n))).collect()
    }

    fn holder(&self, target: &str) -> Option<Holder> {
        let store = self.store();
        self.number(&store, target).map(|number| self.holder_of(&store, number))
    }

    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied> {
        let mut store = self.store_mut();
        let mut applied = Vec::new();
        for (place, target) in targets.iter().enumerate() {
            let Some(number) = self.number(&store, target) else { continue };
            let owner = match what {
                Meddling::To(Holder::Owner { name: Some(name), .. }) => Value::String(name.clone()),
                Meddling::To(Holder::Owner { id: Some(id), .. }) => Value::String(id.clone()),
                Meddling::To(_) => Value::Null,
                Meddling::Gone => {
                    let before = Arc::new(self.holder_of(&store, number));
                    store.gone.insert(number);
                    applied.push(Applied { target: target.clone(), before, after: Arc::new(Holder::Nobody) });
                    continue;
                }
                Meddling::Another(pick) => {
                    let present = self.holder_of(&store, number);
                    let first = dice::Dice::new(self.seed, *pick, place as u64).below(self.demo.staff.len());
                    let staff = (0..self.demo.staff.len()).map(|step| (first + step) % self.demo.staff.len());
                    let mut names = staff.map(|n| self.demo.staff[n].name());
                    names.find(|name| present.name() != Some(name)).map_or(Value::Null, Value::String)
                }
            };
            applied.push(self.give(&mut store, number, owner));
        }
        applied
    }
}
