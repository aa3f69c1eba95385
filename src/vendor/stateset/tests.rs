//! The client against servers that answer exactly what a test says.

mod bulk;
mod checks;
mod first;
mod lists;
mod people;
mod reads;
mod writes;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::config::SecretSource;
use crate::domain::{Assignment, Blank, OwnerRef, SafeText, TargetId};
use crate::vendor::gate::OpenGate;
use crate::vendor::http::testing::{Reply, Request, Server};
use crate::vendor::{ErrorKind, Target, WriteOutcome, registry};

/// A client of `server` with these settings, written as TOML.
fn client(server: &Server, settings: &str) -> StateSet {
    let mut profile = Profile::new("shop", VendorKind::Stateset, format!("{}/v1", server.base_url));
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo sk_test_hush".to_owned()));
    profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
    let settings = Settings::of(&profile).unwrap();
    let options = HttpOptions {
        first_pause: Duration::from_millis(1),
        retries: settings.retries,
        timeout: settings.timeout,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(&profile)
    };
    StateSet::new(settings, options, Arc::new(OpenGate)).unwrap()
}

/// Settings with one owner by hand, so that no user is asked for.
const JANE: &str = "owners = [{ id = \"u1\", name = \"Jane Smith\", email = \"jane@x.example\" }]\n";

/// A client that has made its first change already.
fn seasoned(server: &Server, settings: &str) -> StateSet {
    let client = client(server, &format!("{JANE}{settings}"));
    client.first.skip();
    client
}

/// A server that gives leads and users and takes changes as the contract's defaults have it.
#[derive(Clone, Default)]
struct Shop {
    leads: Arc<Mutex<BTreeMap<String, Value>>>,
    users: Vec<Value>,
}

impl Shop {
    fn with(leads: &[(&str, Value)]) -> Self {
        let leads = leads.iter().map(|(id, owner)| ((*id).to_owned(), lead(id, owner.clone()))).collect();
        let user =
            json!({"id": "u1", "active": true, "firstName": "Jane", "lastName": "Smith", "email": "jane@x.example"});
        Self { leads: Arc::new(Mutex::new(leads)), users: vec![user] }
    }

    fn lead(&self, id: &str) -> Value {
        self.leads.lock().unwrap()[id].clone()
    }

    fn owner(&self, id: &str) -> Value {
        self.lead(id).get("owner").cloned().unwrap_or_default()
    }

    fn set(&self, id: &str, field: &str, value: Value) {
        self.leads.lock().unwrap().get_mut(id).unwrap()[field] = value;
    }

    fn put(&self, id: &str, fields: &Map<String, Value>) {
        let mut leads = self.leads.lock().unwrap();
        let lead = leads.get_mut(id).unwrap().as_object_mut().unwrap();
        lead.extend(fields.clone());
    }

    /// Answers as the contract says.
    fn answer(&self, request: &Request) -> Reply {
        let id = request.path().strip_prefix("/v1/leads/").map(|id| id.replace("%2F", "/"));
        match (request.method.as_str(), request.path(), id) {
            ("GET", "/v1/leads", _) => {
                let leads: Vec<Value> = self.leads.lock().unwrap().values().cloned().collect();
                page(request, "leads", &leads)
            }
            ("GET", "/v1/users", _) => page(request, "users", &self.users),
            (method, _, Some(id)) if self.leads.lock().unwrap().contains_key(&id) => {
                if matches!(method, "PUT" | "PATCH") {
                    self.put(&id, request.json().as_object().unwrap());
                }
                Reply::json(self.lead(&id))
            }
            _ => Reply::text(404, r#"{"error":{"code":"RESOURCE_NOT_FOUND","message":"not there"}}"#),
        }
    }

    /// A server of this shop, with `special` for the calls that a test is about.
    async fn open(&self, special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
        let shop = self.clone();
        Server::start(move |request, _| special(request).unwrap_or_else(|| shop.answer(request))).await
    }
}

/// A page by limit and offset.
fn page(request: &Request, key: &str, all: &[Value]) -> Reply {
    let number = |name| request.param(name).map_or(0, |value: &str| value.parse::<usize>().unwrap());
    let (limit, offset) = (number("limit").min(100), number("offset"));
    let rows: Vec<_> = all.iter().skip(offset).take(limit).collect();
    let has_more = offset + rows.len() < all.len();
    Reply::json(json!({ key: rows, "total_count": all.len(), "has_more": has_more }))
}

fn lead(id: &str, owner: Value) -> Value {
    json!({
        "id": id, "object": "lead", "status": "new", "created_at": "2026-10-01T08:00:00Z", "firstName": "Ann",
        "lastName": id, "email": format!("{id}@x.example"), "phone": "123", "title": null, "do_not_call": false,
        "created_by": "import", "last_modified_by": "import", "owner": owner
    })
}

fn jane() -> Assignment {
    Assignment::Owner(OwnerRef::new("u1", "Jane Smith"))
}

fn named(text: &str) -> Assignment {
    Assignment::Owner(OwnerRef::named(text))
}

fn change(target: &str, before: Assignment, after: Assignment) -> Change {
    Change {
        target: TargetId::new(target),
        name: SafeText::empty(),
        before,
        after,
        read_at: None,
        scope: Default::default(),
    }
}

/// From nobody to Jane.
fn to_jane(target: &str) -> Change {
    change(target, Assignment::unassigned(), jane())
}

fn target(id: &str) -> Target {
    Target::by_id(id)
}

async fn write(client: &StateSet, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session::default()).await
}

async fn write_back(client: &StateSet, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session { undo: true, ..Session::default() }).await
}

fn words(outcome: &WriteOutcome) -> (&'static str, &str) {
    match outcome {
        WriteOutcome::Done => ("done", ""),
        WriteOutcome::Failed(why) => ("failed", why),
        WriteOutcome::Unknown(why) => ("unknown", why),
        WriteOutcome::Late(why) => ("late", why),
        WriteOutcome::Queued(why) => ("queued", why),
        WriteOutcome::NotApplied { why, .. } => ("not applied", why),
        WriteOutcome::Drifted { .. } => ("drifted", ""),
        WriteOutcome::DoneWith(said) => ("done", said),
        WriteOutcome::Partly { why, .. } => ("partly", why),
    }
}

fn states(report: &WriteReport) -> Vec<&'static str> {
    report.outcomes.iter().map(|outcome| words(outcome).0).collect()
}

fn writes(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.method != "GET").collect()
}

/// Keeps what a listing gives.
#[derive(Default)]
struct Kept {
    leads: Vec<LeadRecord>,
    pages: usize,
    total: Option<usize>,
    troubles: Vec<String>,
    /// The listing is ended after this many pages.
    enough: Option<usize>,
}

impl Pages for Kept {
    fn page(&mut self, leads: Vec<LeadRecord>, total: Option<usize>) -> ControlFlow<()> {
        self.leads.extend(leads);
        self.pages += 1;
        self.total = total;
        if self.enough == Some(self.pages) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn trouble(&mut self, sentence: String) {
        self.troubles.push(sentence);
    }
}

impl Kept {
    fn ids(&self) -> Vec<&str> {
        self.leads.iter().map(|lead| lead.id.as_str()).collect()
    }
}

async fn list(client: &StateSet) -> Result<Kept, VendorError> {
    let mut kept = Kept::default();
    client.leads(&LeadAsk::everything(), &mut kept).await.map(|()| kept)
}

#[test]
fn the_registry_opens_a_client() {
    let entry = registry::entry(VendorKind::Stateset).unwrap();
    let mut profile = Profile::new("shop", VendorKind::Stateset, "http://127.0.0.1:1/v1");
    assert!((entry.open)(&profile, Arc::new(OpenGate)).is_err());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo x".to_owned()));
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    let capabilities = vendor.capabilities();
    assert!(capabilities.experimental && capabilities.first_write_alone && capabilities.names_in_rows);
    assert_eq!(capabilities.batch, crate::domain::BatchRule::SINGLE);
    assert_eq!(
        (capabilities.pace.burst, capabilities.pace.per_second, capabilities.pace.parallel),
        (10, 100.0 / 60.0, 4)
    );
    profile.settings.insert("bulk_mode".to_owned(), "bulk_update".into());
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!((vendor.capabilities().batch.max, vendor.capabilities().batch.atomic), (100, false));
}
