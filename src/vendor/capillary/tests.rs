//! The client against servers that answer exactly what a test says.

mod checks;
mod lists;
mod reads;
mod signing;
mod writes;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::config::SecretSource;
use crate::domain::{Assignment, OwnerRef, SafeText, TargetId};
use crate::vendor::gate::OpenGate;
use crate::vendor::http::testing::{Reply, Request, Server};
use crate::vendor::{ErrorKind, Target, WriteOutcome};

const TILL: &[(&str, &str)] = &[("username", "store.server"), ("password", "server123")];
const CLIENT: &[(&str, &str)] = &[("key", "the-key"), ("secret", "the-secret")];

/// Settings of a profile that signs in as a till, with more written as TOML.
pub fn settings(more: &str) -> Settings {
    Settings::of(&profile("http://127.0.0.1:1", TILL, more)).unwrap()
}

fn profile(base_url: &str, secrets: &[(&str, &str)], more: &str) -> Profile {
    let mut profile = Profile::new("stores", VendorKind::Capillary, base_url);
    for (name, value) in secrets {
        profile.secrets.insert((*name).to_owned(), SecretSource::Command(format!("echo {value}")));
    }
    profile.settings = more.parse::<toml::Table>().unwrap().into_iter().collect();
    profile
}

/// A client of `server` with these secrets and settings, in a hurry.
fn client_with(server: &Server, secrets: &[(&str, &str)], more: &str) -> Capillary {
    let profile = profile(&server.base_url, secrets, &format!("confirm_within_s = 0.1\n{more}"));
    let settings = Settings::of(&profile).unwrap();
    let options = HttpOptions {
        first_pause: Duration::from_millis(1),
        retries: settings.retries,
        timeout: settings.timeout,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(&profile)
    };
    Capillary::new(settings, options, Arc::new(OpenGate)).unwrap()
}

fn client(server: &Server, more: &str) -> Capillary {
    client_with(server, TILL, more)
}

/// A client that has made its first change already.
fn seasoned(server: &Server, more: &str) -> Capillary {
    let client = client(server, more);
    client.first.skip();
    client
}

/// An organisation that does what the contract's defaults have it do.
#[derive(Clone, Default)]
struct Org {
    leads: Arc<Mutex<BTreeMap<u64, Lead>>>,
}

#[derive(Clone, Debug)]
struct Lead {
    row: Value,
    /// The user name of its hidden owner.
    owner: String,
}

/// Id, user name, name and store of everybody.
const STAFF: [(&str, &str, &str, &str); 3] =
    [("11", "asha.k", "Asha", "north"), ("12", "ravi.m", "Ravi", "north"), ("13", "mia.s", "Mia", "south")];

impl Org {
    /// Leads by id, each with the user name of its owner.
    fn with(leads: &[(u64, &str)]) -> Self {
        let lead = |(id, owner): &(u64, &str)| (*id, Lead { row: row(*id), owner: (*owner).to_owned() });
        Self { leads: Arc::new(Mutex::new(leads.iter().map(lead).collect())) }
    }

    fn owner(&self, id: u64) -> String {
        self.leads.lock().unwrap()[&id].owner.clone()
    }

    fn give(&self, id: u64, owner: &str) {
        self.leads.lock().unwrap().get_mut(&id).unwrap().owner = owner.to_owned();
    }

    fn set(&self, id: u64, key: &str, value: Value) {
        self.leads.lock().unwrap().get_mut(&id).unwrap().row[key] = value;
    }

    fn row(&self, id: u64) -> Value {
        self.leads.lock().unwrap()[&id].row.clone()
    }

    /// Answers as the contract says.
    fn answer(&self, request: &Request) -> Reply {
        let id = request.path().strip_prefix("/v2/leads/").and_then(|id| id.parse().ok());
        match (request.method.as_str(), request.path(), id) {
            ("GET", "/v1.1/store/staff", _) => staff(&STAFF, request),
            ("GET", "/v2/leads", _) => self.page(request),
            ("PUT", _, Some(id)) if self.leads.lock().unwrap().contains_key(&id) => {
                let body = request.json();
                if let Some(owner) = body["owner"].as_str() {
                    self.give(id, owner);
                }
                if let Some(fields) = body.get("extendedFields") {
                    self.set(id, "extendedFields", fields.clone());
                }
                let mut row = self.row(id);
                row["warnings"] = json!([]);
                Reply::json(row)
            }
            _ => Reply::text(404, r#"{"errors":[{"status":false,"code":404,"message":"not there"}]}"#),
        }
    }

    fn page(&self, request: &Request) -> Reply {
        let owner = request
            .param("owner")
            .map(|id| STAFF.iter().find(|(staff, ..)| *staff == id).map_or("nobody has this id", |(_, name, ..)| name));
        let number = |name| request.param(name).map_or(0, |value: &str| value.parse::<usize>().unwrap());
        let leads = self.leads.lock().unwrap();
        let fits = |lead: &&Lead| {
            owner.is_none_or(|owner| lead.owner == owner)
                && request.param("userId").is_none_or(|customer| lead.row["userId"].as_u64() == customer.parse().ok())
                && request.param("status").is_none_or(|status| lead.row["status"] == status)
        };
        let rows = leads.values().filter(fits).skip(number("offset")).take(number("limit"));
        list(&rows.map(|lead| lead.row.clone()).collect::<Vec<_>>())
    }

    /// A server of this organisation, with `special` for the calls that a test is about.
    async fn open(&self, special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
        let org = self.clone();
        Server::start(move |request, _| special(request).unwrap_or_else(|| org.answer(request))).await
    }
}

/// A lead of a customer of its own.
fn row(id: u64) -> Value {
    json!({
        "id": id, "userId": 7_000 + id, "type": "SKU", "leadFor": format!("Shoe {id}"), "status": "OPEN",
        "createdOn": "2026-10-01T08:00:00Z", "lastUpdatedOn": "2026-10-02T08:00:00Z", "orgSourceId": -1,
        "followUpDetails": [], "statusLogDetails": []
    })
}

fn list(rows: &[Value]) -> Reply {
    Reply::json(json!({ "data": rows, "warnings": [], "errors": [] }))
}

/// Everybody is an associate.
fn staff(people: &[(&str, &str, &str, &str)], request: &Request) -> Reply {
    let user = |(id, code, name, store): &(&str, &str, &str, &str)| json!({"id": id, "type": "ASSOCIATE", "code": code, "firstname": name, "lastname": "", "email": "", "store_code": store});
    let users: Vec<Value> = match request.param("type") {
        Some("ASSOCIATE") => people.iter().map(user).collect(),
        _ => Vec::new(),
    };
    Reply::json(json!({"response": {
        "status": {"success": "true", "code": "200", "message": "Success"}, "store": {"staff": {"user": users}}
    }}))
}

fn owner(number: usize) -> Assignment {
    let (id, _, name, _) = STAFF[number];
    Assignment::Owner(OwnerRef::new(id, name))
}

fn asha() -> Assignment {
    owner(0)
}

fn ravi() -> Assignment {
    owner(1)
}

fn change(id: u64, before: Assignment, after: Assignment) -> Change {
    Change {
        target: TargetId::new(id.to_string()),
        name: SafeText::empty(),
        before,
        after,
        read_at: None,
        scope: (7_000 + id).to_string().into(),
    }
}

async fn write(client: &Capillary, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session::default()).await
}

/// `done`, or the reason.
fn told(outcome: &WriteOutcome) -> (&'static str, String) {
    match outcome {
        WriteOutcome::Done => ("done", String::new()),
        WriteOutcome::Failed(why) => ("failed", why.clone()),
        WriteOutcome::Unknown(why) => ("unknown", why.clone()),
        WriteOutcome::Late(why) => ("late", why.clone()),
        WriteOutcome::Queued(why) => ("queued", why.clone()),
        WriteOutcome::NotApplied { why, .. } => ("not applied", why.clone()),
        WriteOutcome::Drifted { now } => ("drifted", now.label().to_string()),
        WriteOutcome::DoneWith(said) => ("done", said.clone()),
        WriteOutcome::Partly { why, .. } => ("partly", why.clone()),
    }
}

/// Requests that change something.
fn puts(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.method != "GET").collect()
}

#[derive(Default)]
struct Kept {
    leads: Vec<LeadRecord>,
    troubles: Vec<String>,
}

impl Pages for Kept {
    fn page(&mut self, leads: Vec<LeadRecord>, _total: Option<usize>) -> ControlFlow<()> {
        self.leads.extend(leads);
        ControlFlow::Continue(())
    }

    fn trouble(&mut self, sentence: String) {
        self.troubles.push(sentence);
    }
}

async fn listed(client: &Capillary) -> Result<Kept, VendorError> {
    let mut kept = Kept::default();
    client.leads(&LeadAsk::everything(), &mut kept).await.map(|()| kept)
}

/// Ids with the labels of their owners.
fn owners(kept: &Kept) -> Vec<(String, String)> {
    kept.leads.iter().map(|lead| (lead.id.to_string(), lead.owner.label().to_string())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, owner)| ((*id).to_owned(), (*owner).to_owned())).collect()
}
