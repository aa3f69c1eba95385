//! The client against servers that answer exactly what a test says.

mod checks;
mod fields;
mod lists;
mod people;
mod readings;
mod refusals;
mod schema;
mod writes;

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::config::SecretSource;
use crate::domain::{Assignment, OwnerRef, PersonId, SafeText, TargetId};
use crate::vendor::gate::OpenGate;
use crate::vendor::http::testing::{Reply, Request, Server};
use crate::vendor::{Looking, Target, WriteOutcome, registry};

/// A client of `server` with these settings, written as TOML.
fn client(server: &Server, settings: &str) -> Instantly {
    let mut profile = Profile::new("outreach", VendorKind::Instantly, server.base_url.clone());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo key_hush_hush".to_owned()));
    profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
    let settings = Settings::of(&profile).unwrap();
    let options =
        HttpOptions { first_pause: Duration::from_millis(1), retries: settings.retries, ..HttpOptions::new(&profile) };
    Instantly::new(settings, options, Arc::new(OpenGate)).unwrap()
}

/// A server with two members, Jane and Joe, and leads `l0`, `l1`, … of Joe's in campaign `c1`. `special` answers what a
/// test is about.
async fn server(special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| special(request).unwrap_or_else(|| usual(request))).await
}

fn usual(request: &Request) -> Reply {
    match (request.method.as_str(), request.path().strip_prefix("/api/v2").unwrap_or("outside")) {
        ("GET", "/workspaces/current") => {
            Reply::json(json!({"id": "w1", "name": "Outreach \u{1b}[2J Ltd", "owner": "u_jane"}))
        }
        ("GET", "/workspace-members") => Reply::json(json!({"items": [
            member("jane", "Jane", "Smith", "admin", true), member("joe", "Joe", "Miller", "editor", true)
        ]})),
        ("GET", "/campaigns") => Reply::json(json!({"items": [{"id": "c1", "name": "Autumn", "status": 1}]})),
        ("GET", "/lead-lists") => Reply::json(json!({"items": [{"id": "li1", "name": "Fair"}]})),
        ("GET", "/lead-labels") => {
            Reply::json(json!({"items": [{"id": "la1", "label": "Hot", "interest_status": 77}]}))
        }
        ("POST", "/leads/list") => {
            let body = request.json();
            let ids: Vec<String> = match &body["ids"] {
                Value::Array(ids) => ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
                _ => (0..3).map(|n| format!("l{n}")).collect(),
            };
            Reply::json(json!({"items": ids.iter().map(|id| lead(id, "u_joe")).collect::<Vec<_>>()}))
        }
        ("POST", "/leads/bulk-assign") => {
            // What no request of ours may ever look like.
            assert!(request.json()["ids"].as_array().is_some_and(|ids| !ids.is_empty()), "{}", request.body);
            Reply::text(202, r#"{"status":"accepted","message":"Your request will be processed in a background job"}"#)
        }
        ("PATCH", path) => {
            let escaped = path.rsplit('/').next().unwrap();
            let id = percent_encoding::percent_decode_str(escaped).decode_utf8().unwrap();
            let mut changed = lead(&id, "");
            changed["assigned_to"] = request.json()["assigned_to"].clone();
            Reply::json(changed)
        }
        ("GET", path) if path.starts_with("/leads/") => Reply::json(lead(&path[7..], "u_joe")),
        _ => Reply::text(404, r#"{"statusCode":404,"error":"Not Found","message":"Resource not found"}"#),
    }
}

fn member(id: &str, first: &str, last: &str, role: &str, accepted: bool) -> Value {
    json!({
        "id": format!("m_{id}"), "user_id": format!("u_{id}"), "email": format!("{id}@x.example"),
        "name": {"first": first, "last": last}, "role": role, "accepted": accepted,
        "timestamp_created": "2026-01-01T00:00:00.000Z", "workspace_id": "w1"
    })
}

fn lead(id: &str, owner: &str) -> Value {
    json!({
        "id": id, "timestamp_created": "2026-02-03T04:05:06.789Z", "timestamp_updated": "2026-02-03T04:05:06.789Z",
        "organization": "w1", "campaign": "c1", "status": 1, "assigned_to": owner, "email_open_count": 0,
        "email_reply_count": 0, "email_click_count": 0, "company_domain": "acme.example", "status_summary": {}
    })
}

fn jane() -> Assignment {
    Assignment::Owner(OwnerRef::new("u_jane", "Jane Smith"))
}

fn joe() -> Assignment {
    Assignment::Owner(OwnerRef::new("u_joe", "Joe Miller"))
}

/// From Joe, in campaign `c1`.
fn change(target: &str, after: Assignment) -> Change {
    Change {
        target: TargetId::new(target),
        name: SafeText::empty(),
        before: joe(),
        after,
        read_at: None,
        scope: "campaign:c1".into(),
    }
}

/// So many leads of Joe's to Jane.
fn changes(leads: usize) -> Vec<Change> {
    (0..leads).map(|n| change(&format!("l{n}"), jane())).collect()
}

/// The bodies that were sent to a path of the API, in order.
fn bodies(server: &Server, path: &str) -> Vec<Value> {
    let sent = server.requests();
    sent.iter().filter(|request| request.path() == format!("/api/v2{path}")).map(Request::json).collect()
}

/// How often each `METHOD /path` was asked, without the API's prefix.
fn asked(server: &Server, line: &str) -> usize {
    let (method, path) = line.split_once(' ').unwrap();
    let sent = server.requests();
    sent.iter().filter(|request| request.method == method && request.path() == format!("/api/v2{path}")).count()
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

/// Keeps what a listing gives.
#[derive(Default)]
struct Kept {
    leads: Vec<LeadRecord>,
    pages: usize,
    troubles: Vec<String>,
    /// The listing is ended after this many pages.
    enough: Option<usize>,
}

impl Pages for Kept {
    fn page(&mut self, leads: Vec<LeadRecord>, total: Option<usize>) -> ControlFlow<()> {
        assert_eq!(total, None, "Instantly does not say how many leads there are");
        self.leads.extend(leads);
        self.pages += 1;
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

async fn list_that(client: &Instantly, ask: &LeadAsk) -> Result<Kept, VendorError> {
    let mut kept = Kept::default();
    client.leads(ask, &mut kept).await.map(|()| kept)
}

async fn list(client: &Instantly) -> Result<Kept, VendorError> {
    list_that(client, &LeadAsk::everything()).await
}

#[test]
fn the_registry_opens_a_client() {
    let entry = registry::entry(VendorKind::Instantly).unwrap();
    let mut profile = Profile::new("outreach", VendorKind::Instantly, "http://127.0.0.1:1");
    assert!((entry.open)(&profile, Arc::new(OpenGate)).is_err());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo x".to_owned()));
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!(vendor.context(), json!({"asWorkspace": null}));
    let capabilities = vendor.capabilities();
    assert_eq!((capabilities.batch.max, capabilities.batch.bulk_from, capabilities.batch.unassign_max), (100, 51, 1));
    assert!(capabilities.batch.split_by_before && capabilities.batch.split_by_scope && !capabilities.batch.atomic);
    assert_eq!(capabilities.late_writes, Duration::from_secs(720));
    assert_eq!((capabilities.pace.per_second, capabilities.pace.parallel), (50.0, 8));
    profile.settings.insert("strategy".to_owned(), "patch".into());
    profile.settings.insert("x-as-workspace".to_owned(), "w2".into());
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!(vendor.context(), json!({"asWorkspace": "w2"}));
    assert_eq!((vendor.capabilities().batch.max, vendor.capabilities().late_writes), (1, Duration::ZERO));
    assert!(vendor.capabilities().warnings[0].contains("sub-workspace w2"));
}

#[test]
fn few_leads_go_one_by_one_and_many_by_owner_and_campaign() {
    use crate::domain::planning::batches;
    let rule = |text: &str| {
        let mut profile = Profile::new("outreach", VendorKind::Instantly, "http://127.0.0.1:1");
        profile.secrets.insert("token".to_owned(), SecretSource::Command("echo x".to_owned()));
        profile.settings = text.parse::<toml::Table>().unwrap().into_iter().collect();
        capabilities::of(&Settings::of(&profile).unwrap()).batch
    };
    let sizes = |count: usize, text: &str| -> Vec<usize> {
        let mut all = changes(count);
        for (n, change) in all.iter_mut().enumerate() {
            match n % 3 {
                0 => change.before = Assignment::unassigned(),
                1 => change.scope = "list:li1".into(),
                _ => {}
            }
        }
        let mut sizes: Vec<_> = batches(&all.into(), &rule(text)).iter().map(|batch| batch.len()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(50, ""), vec![1; 50]);
    assert_eq!(sizes(60, ""), [20, 20, 20]);
    assert_eq!(sizes(60, "patch_up_to = 100"), vec![1; 60]);
    assert_eq!(sizes(600, "strategy = \"patch\""), vec![1; 600]);
    assert_eq!(sizes(6, "strategy = \"bulk\""), [2, 2, 2]);
    assert_eq!(sizes(6, "strategy = \"bulk\"\nguard_current_owner = false\nbulk_scope = \"ids_only\""), [6]);
    assert_eq!(sizes(450, "bulk_chunk = 120"), [30, 30, 30, 120, 120, 120]);
    let nobody: Vec<_> = changes(80).into_iter().map(|c| Change { after: Assignment::unassigned(), ..c }).collect();
    assert_eq!(batches(&nobody.into(), &rule("strategy = \"bulk\"")).len(), 80);
}
