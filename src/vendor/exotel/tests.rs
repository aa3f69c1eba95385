//! The client against servers that answer exactly what a test says.

mod checks;
mod hierarchy;
mod reads;
mod settings;
mod surveys;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::config::SecretSource;
use crate::domain::{Assignment, TargetId};
use crate::vendor::gate::OpenGate;
use crate::vendor::http::testing::{Reply, Request, Server};
use crate::vendor::{ErrorKind, Target, WriteOutcome};

fn profile(base_url: &str, settings: &str) -> Profile {
    let mut profile = Profile::new("center", VendorKind::Exotel, base_url);
    for (name, value) in [("basic_username", "boss"), ("basic_password", "hush-hush"), ("bearer_token", "bear-token")] {
        profile.secrets.insert(name.to_owned(), SecretSource::Command(format!("echo {value}")));
    }
    let settings = format!("contact_center_id = 1\n{settings}");
    let mut flat = BTreeMap::new();
    for (key, value) in settings.parse::<toml::Table>().unwrap() {
        match value {
            toml::Value::Table(table) => {
                flat.extend(table.into_iter().map(|(sub, value)| (format!("{key}.{sub}"), value)))
            }
            value => {
                flat.insert(key, value);
            }
        }
    }
    profile.settings = flat;
    profile
}

/// A client of `server` with these settings, written as TOML.
fn client(server: &Server, settings: &str) -> Exotel {
    let profile = profile(&server.base_url, settings);
    let settings = Settings::of(&profile).unwrap();
    let options = HttpOptions { first_pause: Duration::from_millis(1), ..options(&profile, &settings) };
    Exotel { verify_pause: Duration::from_millis(1), ..Exotel::new(settings, options, Arc::new(OpenGate)).unwrap() }
}

/// A client that knows that its server merges.
fn seasoned(server: &Server, settings: &str) -> Exotel {
    let client = client(server, settings);
    client.turns.note_merged();
    client
}

/// A contact center as the contract has it: campaign 7 with agents of its own numbers, lists by their numbers.
#[derive(Clone)]
struct Center {
    lists: Arc<Mutex<BTreeMap<u64, BTreeSet<String>>>>,
    /// The agents of the campaign; their ids in it are 500 and on.
    agents: Arc<Vec<String>>,
    replaces: bool,
}

impl Center {
    fn with(lists: &[(u64, &str)]) -> Self {
        let set = |agents: &str| agents.split_whitespace().map(str::to_owned).collect();
        Self {
            lists: Arc::new(Mutex::new(lists.iter().map(|(list, agents)| (*list, set(agents))).collect())),
            agents: Arc::new("meera.t asha.k ravi.s zed bob".split(' ').map(str::to_owned).collect()),
            replaces: false,
        }
    }

    fn of(&self, list: u64) -> String {
        self.lists.lock().unwrap()[&list].iter().cloned().collect::<Vec<_>>().join(" ")
    }

    fn set(&self, list: u64, agents: &str) {
        let agents = agents.split_whitespace().map(str::to_owned).collect();
        self.lists.lock().unwrap().insert(list, agents);
    }

    fn id(&self, agent: &str) -> u64 {
        500 + self.agents.iter().position(|known| known == agent).unwrap() as u64
    }

    fn ids(&self, agents: &[String]) -> Vec<u64> {
        agents.iter().map(|agent| self.id(agent)).collect()
    }

    /// Answers as the contract says.
    fn answer(&self, request: &Request) -> Reply {
        match (request.method.as_str(), request.path()) {
            ("GET", "/configuration/cc/1/process") => Reply::json(json!({
                "http_code": 200, "method": "GET", "request_id": "r",
                "response": [{"processId": 3, "processName": "Sales", "contactCenterId": 1}],
                "metadata": {"total": "1", "count": 1, "offset": 0, "limit": 10}
            })),
            ("GET", "/configuration/hierarchyconfig/campaign") => {
                Reply::json(json!([{"campaignContextId": 7, "campaignContextName": "Winter", "processId": 3}]))
            }
            ("GET", "/cms/configuration/cc/1/process/3/campaign/7/campaign-lead") => {
                let lists = self.lists.lock().unwrap();
                Reply::json(wrapped(lists.iter().map(|(list, agents)| self.campaign_lead(*list, agents)).collect()))
            }
            ("GET", "/cms/configuration/cc/1/process/3/campaign/7/lead-user") => self.lead_user(request),
            ("PUT", "/cms/configuration/voice/campaignLeadUserMapping") => self.change(&request.json()),
            _ => not_found(),
        }
    }

    fn campaign_lead(&self, list: u64, agents: &BTreeSet<String>) -> Value {
        let row = |agent: &String| json!({"id": 9_000, "campaignLeadId": list + 100, "campaignUserId": self.id(agent)});
        json!({"http_code": 200, "error_data": null, "data": {
            "id": list + 100, "campaignContextId": 7, "leadId": list, "enabled": list != 42,
            "campaignLeadUserMappings": agents.iter().map(row).collect::<Vec<_>>()
        }})
    }

    fn lead_user(&self, request: &Request) -> Reply {
        let number = |name| request.param(name).and_then(|value: &str| value.parse::<usize>().ok()).unwrap();
        let list = number("leadId") as u64;
        let Some(assigned) = self.lists.lock().unwrap().get(&list).cloned() else { return not_found() };
        let page = |agents: Vec<String>| -> Vec<String> {
            agents.into_iter().skip(number("offset")).take(number("limit")).collect()
        };
        let others = self.agents.iter().filter(|agent| !assigned.contains(*agent)).cloned().collect();
        Reply::json(self.users(list, page(assigned.into_iter().collect()), page(others)))
    }

    /// In the opposite order, as an answer may be.
    fn users(&self, list: u64, mut assigned: Vec<String>, mut unassigned: Vec<String>) -> Value {
        assigned.reverse();
        unassigned.reverse();
        json!({
            "campaignLeadId": list + 100, "leadId": list, "campaignId": 7,
            "assignedCampaignUserIds": self.ids(&assigned), "assignedUserIds": assigned,
            "unassignedCampaignUserIds": self.ids(&unassigned), "unassignedUserIds": unassigned
        })
    }

    fn change(&self, body: &Value) -> Reply {
        let texts = |name: &str| -> Vec<String> {
            body[name].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let (list, add, remove) =
            (body["leadId"].as_u64().unwrap(), texts("assignedUserIds"), texts("unassignedUserIds"));
        let mut lists = self.lists.lock().unwrap();
        let Some(agents) = lists.get_mut(&list) else { return not_found() };
        if add.iter().chain(&remove).any(|agent| !self.agents.contains(agent)) {
            return error(400, "no such user");
        }
        if self.replaces {
            agents.clear();
        }
        agents.extend(add.iter().cloned());
        agents.retain(|agent| !remove.contains(agent));
        Reply::json(self.users(list, add, remove))
    }

    /// A server of this center, with `special` for the calls that a test is about.
    async fn open(&self, special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
        let center = self.clone();
        Server::start(move |request, _| special(request).unwrap_or_else(|| center.answer(request))).await
    }
}

fn wrapped(items: Vec<Value>) -> Value {
    json!({"http_code": 200, "method": "GET", "request_id": "r", "response": items})
}

fn not_found() -> Reply {
    error(404, "Object doesn't exist")
}

/// As the older page has it: the same 404 body under every status.
fn error(status: u16, words: &str) -> Reply {
    let body = json!({"statusCode": 404, "status": "Not Found", "errorCode": "CONF-1001", "errorMessage": words});
    Reply::text(status, &body.to_string())
}

fn set(agents: &str) -> Assignment {
    Assignment::agents(agents.split_whitespace())
}

fn change(target: &str, before: &str, after: &str) -> Change {
    Change {
        target: TargetId::new(target),
        name: SafeText::empty(),
        before: set(before),
        after: set(after),
        read_at: None,
        scope: Default::default(),
    }
}

async fn write(client: &Exotel, batch: &[Change]) -> WriteReport {
    client.write(batch, &Session::default()).await
}

async fn observe(client: &Exotel, target: &str) -> Result<Assignment, VendorError> {
    client.observe(&[Target::by_id(target)], &Session::default()).await.remove(0).now
}

fn words(outcome: &WriteOutcome) -> (&'static str, &str) {
    match outcome {
        WriteOutcome::Done => ("done", ""),
        WriteOutcome::DoneWith(said) => ("done", said),
        WriteOutcome::Partly { why, .. } => ("partly", why),
        WriteOutcome::Failed(why) => ("failed", why),
        WriteOutcome::Unknown(why) => ("unknown", why),
        WriteOutcome::Late(why) => ("late", why),
        WriteOutcome::Queued(why) => ("queued", why),
        WriteOutcome::NotApplied { why, .. } => ("not applied", why),
        WriteOutcome::Drifted { .. } => ("drifted", ""),
    }
}

fn states(report: &WriteReport) -> Vec<&'static str> {
    report.outcomes.iter().map(|outcome| words(outcome).0).collect()
}

/// The last word of each request's path.
fn calls(server: &Server) -> Vec<String> {
    let last = |request: &Request| request.path().rsplit('/').next().unwrap_or_default().to_owned();
    server.requests().iter().map(last).collect()
}

fn puts(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.method == "PUT").collect()
}
