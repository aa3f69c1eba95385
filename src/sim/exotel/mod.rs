//! Exotel Contact Center from the server's side: which agents dial which lead lists in which campaigns.
//!
//! `leads` of the options are the lead lists of the largest campaign, `owners` its agents, `campaigns` the campaigns of
//! the profile's contact center. A target is `campaignId:leadId`, its holder the set of mapped agents.

mod access;
mod answers;
mod build;
mod files;
mod mapping;
mod rules;
mod store;
mod switches;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use self::access::{Key, Keys};
use self::files::Files;
use self::store::{FirstWrite, Store, parted};
use super::demo::{self, Demo, Flavour};
use super::dice::Dice;
use super::faults::Rate;
use super::switches::Switches;
use super::vendor::{Applied, Entry, Holder, Meddling, Target, VendorSim, World, target};

pub const ENTRY: Entry = Entry {
    name: "exotel",
    about: "a contact center: which agents dial which lead lists of a campaign",
    leads: 48,
    switches: switches::ALL,
    build: |world| Ok(Arc::new(Exotel::new(world)?)),
};

struct Exotel {
    seed: u64,
    switches: Arc<Switches>,
    store: RwLock<Store>,
    user_of: HashMap<String, usize>,
    keys: Keys,
    files: Files,
    /// Answers so far; each has an id.
    answered: AtomicU64,
}

impl Exotel {
    fn new(world: &World) -> Result<Self, String> {
        let options = &world.options;
        let demo = Demo::new(Flavour::ContactCenter, options.seed, options.leads, options.owners, world.now);
        let built = build::build(&demo, options.leads, options.campaigns);
        let files = Files::write(&built, &demo, options.folder.as_deref())
            .map_err(|e| format!("the roster cannot be written: {e}"))?;
        Ok(Self {
            seed: options.seed,
            switches: Arc::clone(&world.switches),
            store: RwLock::new(built.store),
            user_of: built.user_of,
            keys: Keys::new(options.seed),
            files,
            answered: AtomicU64::new(0),
        })
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn request_id(&self) -> String {
        demo::uuid(self.seed, self.answered.fetch_add(1, Ordering::Relaxed))
    }

    /// Requests a minute for the client's settings: its default is made for a server that others use too.
    fn per_minute(&self) -> u64 {
        match self.switches.with("rate_limit", Rate::parse) {
            Ok(rate) => (rate.count as f64 * 60.0 / rate.per.as_secs_f64()).max(1.0) as u64,
            Err(_) => 60_000,
        }
    }

    fn settings(&self, key: &Key, center: u64) -> Map<String, Value> {
        let mut profile = Map::new();
        profile.insert("contact_center_id".to_owned(), center.into());
        profile.insert("requests_per_minute".to_owned(), self.per_minute().into());
        if self.switches.is("prefix", "cms_everywhere") {
            profile.insert("hierarchy_prefix".to_owned(), answers::MAPPING.into());
        }
        profile.insert("roster_file".to_owned(), self.files.roster().display().to_string().into());
        profile.insert("lead_names_file".to_owned(), self.files.lead_names().display().to_string().into());
        profile.extend(key.settings());
        if let Some(schemes) = self.scheme_settings() {
            profile.insert("auth".to_owned(), schemes);
        }
        profile
    }

    /// Another set of agents than the present one: one more, or one less.
    fn another(&self, store: &Store, campaign: u64, list: u64, dice: &mut Dice) -> Option<BTreeSet<usize>> {
        let (of, attached) = store.attachment(campaign, list)?;
        let mut places: BTreeSet<usize> = attached.rows.keys().copied().collect();
        if of.users.is_empty() {
            return None;
        }
        let place = dice.below(of.users.len());
        if !places.remove(&place) {
            places.insert(place);
        }
        Some(places)
    }
}

impl VendorSim for Exotel {
    fn router(self: Arc<Self>) -> Router {
        answers::router(self)
    }

    fn aims(&self, _method: &Method, _path: &str, body: &[u8]) -> Vec<Target> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match (body["campaignId"].as_u64(), body["leadId"].as_u64()) {
            (Some(campaign), Some(list)) => vec![store::mapping(campaign, list)],
            _ => Vec::new(),
        }
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        if status.is_server_error() && self.switches.on("html_500") {
            return answers::page(status);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let body = json!({"RestException": {"Status": 429, "Message": message, "Code": 34002}});
            return (status, Json(body)).into_response();
        }
        let always = self.switches.is("error_statuscode", "always404");
        let said = if always { StatusCode::NOT_FOUND } else { status };
        let (code, message) = match said {
            StatusCode::NOT_FOUND => ("CONF-1001", "Object doesn't exist"),
            _ => ("CONF-1000", message),
        };
        let body = json!({
            "statusCode": said.as_u16(),
            "status": said.canonical_reason().unwrap_or("Error"),
            "errorCode": code,
            "errorMessage": message,
        });
        (status, Json(body)).into_response()
    }

    fn profile(&self) -> Map<String, Value> {
        self.settings(&self.keys.admin, build::CENTER)
    }

    fn other_profiles(&self) -> Map<String, Value> {
        let mut all = Map::new();
        all.insert("supervisor".to_owned(), self.settings(&self.keys.supervisor, build::CENTER).into());
        all.insert("read_only".to_owned(), self.settings(&self.keys.reader, build::CENTER).into());
        all.insert("other_center".to_owned(), self.settings(&self.keys.admin, build::OTHER_CENTER).into());
        all
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        let store = self.store();
        let all = store.campaigns.values().flat_map(|of| of.lists.iter().map(move |(id, list)| (of, *id, list)));
        all.map(|(of, id, list)| (store::mapping(of.id, id), store.holder(of, list))).collect()
    }

    fn holder(&self, target: &str) -> Option<Holder> {
        let store = self.store();
        let (campaign, list) = parted(target)?;
        store.attachment(campaign, list).map(|(of, list)| store.holder(of, list))
    }

    fn new_session(&self) {
        self.store_mut().first_write = FirstWrite::None;
    }

    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied> {
        let mut store = self.store_mut();
        let mut applied = Vec::new();
        for (place, aim) in targets.iter().enumerate() {
            let Some((campaign, list)) = parted(aim) else { continue };
            let Some((of, attached)) = store.attachment(campaign, list) else { continue };
            let places = match what {
                Meddling::To(Holder::Agents(users)) => {
                    Some(users.iter().filter_map(|user| of.place(&self.user_of, user)).collect())
                }
                // One owner is a set of one.
                Meddling::To(holder) => {
                    Some(holder.id().and_then(|id| of.place(&self.user_of, id)).into_iter().collect())
                }
                Meddling::Another(pick) => {
                    let mut dice = Dice::new(self.seed, *pick, place as u64);
                    self.another(&store, campaign, list, &mut dice)
                }
                Meddling::Gone => {
                    let before = store.holder(of, attached);
                    if let Some(of) = store.campaigns.get_mut(&campaign) {
                        of.lists.remove(&list);
                    }
                    let after = Arc::new(Holder::Agents(BTreeSet::new()));
                    applied.push(Applied { target: target(aim), before: before.into(), after });
                    continue;
                }
            };
            let Some(places) = places else { continue };
            if let Some((before, after)) = store.write(campaign, list, &places, 0) {
                applied.push(Applied { target: target(aim), before: before.into(), after: after.into() });
            }
        }
        applied
    }
}
