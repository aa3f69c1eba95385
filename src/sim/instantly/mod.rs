//! Instantly from the server's side: leads of an outreach workspace in campaigns and lists, assigned one by one or by
//! jobs in the background.

mod access;
mod leads;
mod listing;
mod switches;
mod workspace;
mod writing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::{Duration, Instant};

use self::access::Access;
use self::leads::Leads;
use self::workspace::{Collection, Job, member_id, user_id};
use super::ask::Ask;
use super::demo::{self, Demo, Flavour};
use super::dice::Dice;
use super::ledger::Ledger;
use super::switches::Switches;
use super::vendor::{Act, Applied, Entry, Holder, Meddling, Target, VendorSim, World, target};

pub const ENTRY: Entry = Entry {
    name: "instantly",
    about: "the leads of an outreach workspace, in campaigns and lists",
    leads: 5_000,
    switches: switches::ALL,
    build: |world| Ok(Instantly::new(world)),
};

type Sim = State<Arc<Instantly>>;

/// An owner that lists still show, and until when.
type Lagging = HashMap<u32, (Arc<Holder>, Instant)>;

struct Instantly {
    /// For jobs, which outlive the request that began them.
    me: Weak<Self>,
    seed: u64,
    demo: Demo,
    switches: Arc<Switches>,
    workspace: String,
    campaigns: Vec<Collection>,
    lists: Vec<Collection>,
    leads: Leads,
    ledger: RwLock<Ledger>,
    lagging: Mutex<Lagging>,
    jobs: Mutex<Vec<Job>>,
    access: Access,
    began: Instant,
    /// For each lead the second since the start in which it was last read, and one; 0 for never.
    read_at: Mutex<Vec<u32>>,
}

impl Instantly {
    fn new(world: &World) -> Arc<Self> {
        let options = &world.options;
        let seed = options.seed;
        let demo = Demo::new(Flavour::OutreachWorkspace, seed, options.leads, options.owners, world.now);
        let owner_id = if world.switches.is("member_ids", "id") { member_id } else { user_id };
        let staff: Vec<_> = demo.staff.iter().map(|p| Holder::owner(owner_id(seed, p.number), p.name())).collect();
        let ledger = Ledger::new(&staff, (0..demo.leads).map(|number| demo.first_owner(number)));
        let leads = Leads::new(&demo);
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            seed,
            switches: Arc::clone(&world.switches),
            workspace: demo::uuid(seed ^ 630, 1),
            campaigns: workspace::campaigns(&demo, options.campaigns),
            lists: workspace::lists(&demo, options.campaigns.div_ceil(2)),
            leads,
            ledger: RwLock::new(ledger),
            lagging: Mutex::default(),
            jobs: Mutex::new(workspace::jobs(&demo)),
            access: Access::new(seed),
            began: Instant::now(),
            read_at: Mutex::new(vec![0; demo.leads as usize]),
            demo,
        })
    }

    fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger_mut(&self) -> RwLockWriteGuard<'_, Ledger> {
        self.ledger.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lagging(&self) -> MutexGuard<'_, Lagging> {
        lock(&self.lagging)
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Job>> {
        lock(&self.jobs)
    }

    fn owner_id(&self, number: usize) -> String {
        if self.switches.is("member_ids", "id") { member_id(self.seed, number) } else { user_id(self.seed, number) }
    }

    /// The member that an assignment names; somebody who left, or was only invited, is none.
    fn member_by_id(&self, id: &str) -> Option<Holder> {
        let person = self.demo.staff.iter().find(|person| person.active && self.owner_id(person.number) == id)?;
        Some(Holder::owner(id, person.name()))
    }

    fn now(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// These leads were shown to a client.
    fn saw(&self, numbers: &[u32]) {
        let now = self.now();
        let mut read_at = lock(&self.read_at);
        for &number in numbers {
            if let Some(at) = read_at.get_mut(number as usize) {
                *at = now;
            }
        }
    }

    /// How many of these leads were not shown within `age`.
    fn unread(&self, numbers: &[u32], age: Duration) -> usize {
        let now = self.now();
        let read_at = lock(&self.read_at);
        let at = |number: &u32| read_at.get(*number as usize).copied().unwrap_or_default();
        let is_old = |at: u32| at == 0 || u64::from(now - at.min(now)) > age.as_secs();
        numbers.iter().filter(|number| is_old(at(number))).count()
    }

    /// Somebody else than the present owner, and no namesake.
    fn another(&self, present: &Holder, dice: &mut Dice) -> Holder {
        let active = self.demo.staff.iter().filter(|person| person.active).count().max(1);
        let first = dice.below(active);
        let mut others = (0..active).map(|step| &self.demo.staff[(first + step) % active]);
        let other = others.find(|person| Some(person.name().as_str()) != present.name());
        other.map_or(Holder::Nobody, |person| Holder::owner(self.owner_id(person.number), person.name()))
    }

    fn settings(key: &str, require_scope: bool) -> Map<String, Value> {
        let mut profile = Map::new();
        profile.insert("token".to_owned(), json!({"command": format!("printf %s {key}")}));
        if require_scope {
            profile.insert("require_scope".to_owned(), true.into());
        }
        profile
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn unknown(State(sim): Sim, ask: Ask) -> Response {
    ask.trace.complain("a path that does not exist");
    sim.error(StatusCode::NOT_FOUND, "Route not found")
}

impl VendorSim for Instantly {
    fn router(self: Arc<Self>) -> Router {
        let api = Router::new()
            .route("/leads/list", post(listing::list))
            .route("/leads/bulk-assign", post(writing::bulk_assign))
            .route("/leads/move", post(writing::never))
            .route("/leads/merge", post(writing::never))
            .route("/leads/update-interest-status", post(writing::never))
            .route("/leads/{id}", get(listing::one).patch(writing::patch).delete(writing::never))
            .route("/workspace-members", get(workspace::members))
            .route("/workspaces/current", get(workspace::workspace))
            .route("/campaigns", get(workspace::campaigns_page))
            .route("/lead-lists", get(workspace::lists_page))
            .route("/lead-labels", get(workspace::labels))
            .route("/background-jobs", get(workspace::jobs_page))
            .route("/background-jobs/{id}", get(workspace::job))
            .route("/audit-logs", get(workspace::audit_logs))
            .fallback(unknown)
            .layer(middleware::from_fn_with_state(Arc::clone(&self), access::door))
            .with_state(Arc::clone(&self));
        Router::new().nest("/api/v2", api).fallback(unknown).with_state(self)
    }

    fn act(&self, method: &Method, path: &str) -> Act {
        match *method {
            Method::GET | Method::HEAD => Act::Read,
            // A read, despite POST.
            Method::POST if path.ends_with("/leads/list") => Act::Read,
            _ => Act::Write,
        }
    }

    fn aims(&self, _method: &Method, path: &str, body: &[u8]) -> Vec<Target> {
        if path.ends_with("/leads/bulk-assign") {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            let ids = body["ids"].as_array().into_iter().flatten();
            return ids.filter_map(Value::as_str).map(target).collect();
        }
        let id = path.strip_prefix("/api/v2/leads/");
        id.map(|id| target(percent_encoding::percent_decode_str(id).decode_utf8_lossy())).into_iter().collect()
    }

    fn error(&self, status: StatusCode, message: &str) -> Response {
        let error = status.canonical_reason().unwrap_or("Error");
        let body = json!({"statusCode": status.as_u16(), "error": error, "message": message});
        (status, Json(body)).into_response()
    }

    fn profile(&self) -> Map<String, Value> {
        Self::settings(&self.access.key, self.switches.is("unscoped_list", "400"))
    }

    fn other_profiles(&self) -> Map<String, Value> {
        let scoped = self.switches.is("unscoped_list", "400");
        let mut all = Map::new();
        all.insert("reader".to_owned(), Self::settings(&self.access.reader, scoped).into());
        all.insert("other_tool".to_owned(), Self::settings(&self.access.other, scoped).into());
        all
    }

    fn holders(&self) -> Vec<(Target, Holder)> {
        let ledger = self.ledger();
        let numbers = ledger.numbers().filter(|&n| !ledger.is_gone(n));
        numbers.map(|n| (target(self.leads.id(n)), Holder::clone(ledger.holder(n)))).collect()
    }

    fn holder(&self, target: &str) -> Option<Holder> {
        let ledger = self.ledger();
        let number = self.leads.number(target).filter(|&n| ledger.exists(n))?;
        Some(Holder::clone(ledger.holder(number)))
    }

    fn meddle(&self, targets: &[Target], what: &Meddling) -> Vec<Applied> {
        let mut ledger = self.ledger_mut();
        let mut applied = Vec::new();
        for (place, aim) in targets.iter().enumerate() {
            let Some(number) = self.leads.number(aim).filter(|&n| ledger.exists(n)) else { continue };
            let to = match what {
                Meddling::To(holder) => holder.clone(),
                Meddling::Another(pick) => {
                    self.another(ledger.holder(number), &mut Dice::new(self.seed, *pick, place as u64))
                }
                Meddling::Gone => {
                    let before = Arc::clone(ledger.holder(number));
                    ledger.remove(number);
                    applied.push(Applied { target: target(aim), before, after: Arc::new(Holder::Nobody) });
                    continue;
                }
            };
            applied.push(self.give(&mut ledger, number, &to));
        }
        applied
    }
}
