//! Capillary from the server's side: what customers of a chain of stores want, and which associate looks after it.
//!
//! No answer says who owns a lead, unless a switch makes it: the owner can be written by one name and filtered on by
//! another. So every lead has a hidden owner, which only `?owner=` and the log tell about.

mod access;
mod answers;
mod errors;
mod filter;
mod lead;
mod list;
mod rules;
mod shop;
mod store;
mod switches;
mod writing;

use std::io::Write;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use self::access::Access;
use self::errors::Refused;
use self::list::Lists;
use self::shop::Shop;
use self::store::Store;
use self::writing::Pauses;
use super::demo::{Demo, Flavour};
use super::dice;
use super::faults::Rate;
use super::switches::Switches;
use super::vendor::{Act, Applied, Entry, Holder, Meddling, Target, VendorSim, World, target};

pub const ENTRY: Entry = Entry {
    name: "capillary",
    about: "the leads of a chain of stores, whose owners no answer shows",
    leads: 5_000,
    switches: switches::ALL,
    build: |world| Capillary::new(world).map(|sim| Arc::new(sim) as Arc<dyn VendorSim>),
};

struct Capillary {
    seed: u64,
    demo: Demo,
    shop: Shop,
    switches: Arc<Switches>,
    store: RwLock<Store>,
    access: Mutex<Access>,
    lists: Lists,
    pauses: Mutex<Pauses>,
    /// Requests so far: all of them, lists of leads, PUTs.
    asked: AtomicU64,
    listed: AtomicU64,
    put: AtomicU64,
    /// Written where the staff list lacks what the switches ask for; gone with the simulator.
    owner_file: Option<NamedTempFile>,
}

impl Capillary {
    fn new(world: &World) -> Result<Self, String> {
        let options = &world.options;
        let demo = Demo::new(Flavour::RetailStores, options.seed, options.leads, options.owners, world.now);
        let shop = Shop::new(&demo);
        let owner_file =
            owner_file(&shop, &world.switches).map_err(|e| format!("the owner file cannot be written: {e}"))?;
        Ok(Self {
            seed: options.seed,
            store: RwLock::new(Store::new(&demo, &shop)),
            access: Mutex::new(Access::new(options.seed)),
            switches: Arc::clone(&world.switches),
            lists: Lists::default(),
            pauses: Mutex::default(),
            asked: AtomicU64::new(0),
            listed: AtomicU64::new(0),
            put: AtomicU64::new(0),
            owner_file,
            demo,
            shop,
        })
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings that follow from the switches, whatever the credentials are.
    fn settings(&self) -> Map<String, Value> {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Value| settings.insert(name.to_owned(), value);
        // What the client assumes anyway need not be said.
        for (switch, setting) in [("owner_in", "owner_in"), ("staff_param", "staff_type_param")] {
            let value = self.switches.value(switch);
            if !matches!(value.as_str(), "body" | "type") {
                set(setting, value.into());
            }
        }
        match (self.switches.value("filter_id").as_str(), self.switches.value("write_name").as_str()) {
            ("id", "code") => {}
            (filter, write) => {
                set("owner_filter_field", if filter == "user_id" { "id" } else { filter }.into());
                set("owner_write_field", write.into());
            }
        }
        if let Some(file) = &self.owner_file {
            set("owner_file", file.path().display().to_string().into());
        }
        match self.switches.value("unassign").as_str() {
            "refuse" => None,
            "null" => set("unassign_mode", "null".into()),
            _ => set("unassign_mode", "empty_string".into()),
        };
        // The client keeps to 90 a minute unless it is told otherwise; nothing waits for a simulator without a limit.
        let per_minute = match self.switches.with("rate_limit", Rate::parse) {
            Ok(rate) => (rate.count as f64 * 54.0 / rate.per.as_secs_f64()).max(1.0) as u64,
            Err(_) => 60_000,
        };
        if per_minute != 90 {
            set("requests_per_minute", per_minute.into());
        }
        settings
    }
}

/// The owner file, where the staff list alone is not enough.
fn owner_file(shop: &Shop, switches: &Switches) -> std::io::Result<Option<NamedTempFile>> {
    let (filter, write) = (switches.value("filter_id"), switches.value("write_name"));
    if filter != "user_id" && write != "username" {
        return Ok(None);
    }
    let mut file = tempfile::Builder::new().prefix("tilleul-owners-").suffix(".csv").tempfile()?;
    file.write_all(shop.owner_file(&filter, &write).as_bytes())?;
    file.flush()?;
    Ok(Some(file))
}

impl VendorSim for Capillary {
    fn router(self: Arc<Self>) -> Router {
        answers::router(self)
    }

    fn act(&self, method: &Method, path: &str) -> Act {
        match *method {
            Method::GET | Method::HEAD => Act::Read,
            Method::PUT if lead_in(path).is_some() => Act::Write,
            // Tokens, and what exists and changes no owner.
            _ => Act::Other,
        }
    }

    fn aims(&self, _method: &Method, path: &str, _body: &[u8]) -> Vec<Target> {
        lead_in(path).map(target).into_iter().collect()
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        Refused::new(status, message).answer("")
    }

    fn profile(&self) -> Map<String, Value> {
        let access = self.access();
        let mut profile = secrets(&[("username", &access.username), ("password", &access.password)]);
        profile.extend(self.settings());
        profile
    }

    fn other_profiles(&self) -> Map<String, Value> {
        let access = self.access();
        let mut oauth = secrets(&[("key", &access.key), ("secret", &access.secret)]);
        oauth.extend(self.settings());
        if !self.switches.is("oauth_header", "X-CAP-API-OAUTH-TOKEN") {
            oauth.insert("oauth_header".to_owned(), self.switches.value("oauth_header").into());
        }
        Map::from_iter([("oauth".to_owned(), oauth.into())])
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        let store = self.store();
        let numbers = store.ledger.numbers().filter(|n| store.ledger.exists(*n));
        numbers.map(|n| (self.target(n), Holder::clone(store.ledger.holder(n)))).collect()
    }

    fn holder(&self, target: &str) -> Option<Holder> {
        let store = self.store();
        let number = self.number(target).filter(|n| store.ledger.exists(*n))?;
        Some(Holder::clone(store.ledger.holder(number)))
    }

    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied> {
        let mut store = self.store_mut();
        let mut applied = Vec::new();
        for (place, target) in targets.iter().enumerate() {
            let Some(number) = self.number(target).filter(|n| store.ledger.exists(*n)) else { continue };
            let to = match what {
                Meddling::To(holder) => holder.clone(),
                Meddling::Another(pick) => {
                    let present = Arc::clone(store.ledger.holder(number));
                    self.another(&present, &mut dice::Dice::new(self.seed, *pick, place as u64))
                }
                Meddling::Gone => {
                    applied.push(store.remove(number, target.clone()));
                    continue;
                }
            };
            let (before, after) = store.assign(number, &to);
            applied.push(Applied { target: target.clone(), before, after });
        }
        applied
    }
}

impl Capillary {
    /// Somebody else of the staff list than the present holder, and no namesake either.
    fn another(&self, present: &Holder, dice: &mut dice::Dice) -> Holder {
        let listed: Vec<_> = self.shop.users.iter().filter(|user| user.is_listed()).collect();
        let first = dice.below(listed.len());
        let others = (0..listed.len()).map(|step| listed[(first + step) % listed.len()].holder());
        others.into_iter().find(|other| other.name() != present.name()).unwrap_or(Holder::Nobody)
    }
}

/// The lead that a path is about, and nothing below it.
fn lead_in(path: &str) -> Option<&str> {
    path.strip_prefix("/v2/leads/").filter(|id| !id.contains('/'))
}

fn secrets(pairs: &[(&str, &str)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({"command": format!("printf %s {value}")}))).collect()
}
