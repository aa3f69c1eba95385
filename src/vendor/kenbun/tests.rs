//! The client against servers that answer exactly what a test says.

mod checks;
mod lists;
mod oddities;
mod units;
mod writes;

use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::config::SecretSource;
use crate::domain::{Assignment, OwnerRef, SafeText, TargetId};
use crate::vendor::gate::OpenGate;
use crate::vendor::http::testing::{Reply, Request, Server};
use crate::vendor::{Target, WriteOutcome, registry};

/// A client of `server` with these settings, written as TOML.
fn client(server: &Server, settings: &str) -> Kenbun {
    let mut profile = Profile::new("sales", VendorKind::Kenbun, server.base_url.clone());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo kbn_pat_hush".to_owned()));
    profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
    let settings = Settings::of(&profile).unwrap();
    let options = HttpOptions {
        first_pause: Duration::from_millis(1),
        retries: settings.retries,
        timeout: settings.timeout,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(&profile)
    };
    Kenbun::new(settings, options, Arc::new(OpenGate)).unwrap()
}

/// A server that does what the contract says for the calls that a test is not about, and `special` for the others.
async fn server(special: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| special(request).unwrap_or_else(|| usual(request))).await
}

fn usual(request: &Request) -> Reply {
    match (request.method.as_str(), request.path()) {
        ("POST", "/org-units/active") => Reply::json(json!({"status": "ok"})),
        ("POST", "/leads/bulk-assign-owner") => {
            let ids = request.json()["lead_ids"].as_array().unwrap().len();
            Reply::json(json!({"status": "ok", "affected": ids}))
        }
        ("POST", path) if path.starts_with("/leads/") && path.ends_with("/owner") => {
            let done = if request.json()["owner_id"].is_null() { "owner unassigned" } else { "owner assigned" };
            Reply::json(json!({"status": "ok", "message": done}))
        }
        _ => Reply::text(404, r#"{"error":"not found"}"#),
    }
}

fn jane() -> Assignment {
    Assignment::Owner(OwnerRef::new("user_jane", "Jane Smith"))
}

fn change(target: &str, after: Assignment) -> Change {
    Change {
        target: TargetId::new(target),
        name: SafeText::empty(),
        before: Assignment::unassigned(),
        after,
        read_at: None,
        scope: Default::default(),
    }
}

fn changes<const N: usize>(targets: [&str; N]) -> Vec<Change> {
    targets.into_iter().map(|target| change(target, jane())).collect()
}

fn target(id: &str) -> Target {
    Target::by_id(id)
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

async fn list(client: &Kenbun) -> Result<Kept, VendorError> {
    let mut kept = Kept::default();
    client.leads(&LeadAsk::everything(), &mut kept).await.map(|()| kept)
}

#[test]
fn the_registry_opens_a_client() {
    let entry = registry::entry(VendorKind::Kenbun).unwrap();
    let mut profile = Profile::new("sales", VendorKind::Kenbun, "http://127.0.0.1:1");
    assert!((entry.open)(&profile, Arc::new(OpenGate)).is_err());
    profile.secrets.insert("token".to_owned(), SecretSource::Command("echo x".to_owned()));
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!(vendor.context(), Value::Null);
    assert_eq!(vendor.capabilities().batch.max, 500);
    assert!(!vendor.capabilities().names_in_rows);
    profile.settings.insert("org_unit".to_owned(), "unit_7".into());
    profile.settings.insert("fetch_names".to_owned(), "off".into());
    let vendor = (entry.open)(&profile, Arc::new(OpenGate)).unwrap();
    assert_eq!(vendor.context(), json!({"ouId": "unit_7"}));
    assert!(vendor.capabilities().names_in_rows);
}
