//! Instantly (API v2).
//!
//! What is special about it, and where it is dealt with:
//! - Everything is listed by cursor, in a loop that ends on an empty page as well ([`paging`]). Some servers want a
//!   campaign or list with every list of leads ([`listing`]).
//! - Which id of a member assignments use is not documented: it is found out ([`people`]).
//! - Few leads are changed one by one, with the changed lead as the answer. Many are handed to a background job that
//!   says nothing about itself: only reading back tells what became of it ([`writing`], [`bulk`], [`reading`]).
//! - The list call reads an index that may lag behind; a single lead's call does not ([`reading`]).

mod bulk;
mod capabilities;
mod doctor;
mod identity;
mod lead;
mod listing;
mod names;
mod paging;
mod people;
mod reading;
mod refusal;
mod scope;
mod settings;
#[cfg(test)]
mod tests;
mod words;
mod writing;

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderName, USER_AGENT};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use self::identity::Seen;
use self::names::Names;
use self::people::Member;
use self::settings::Settings;
use super::http::{Call, Http, HttpOptions};
use super::registry::VendorEntry;
use super::{Check, ErrorKind, Found, Gate, Pages, Session, Targets, Vendor, VendorError, WriteReport};
use crate::config::{ConfigError, Profile};
use crate::domain::campaign::{Collection, LeadAsk};
use crate::domain::{Capabilities, Change, LeadId, LeadRecord, Person, ProfileName, SafeText, VendorKind};

/// Instantly in the registry.
pub const ENTRY: VendorEntry =
    VendorEntry { kind: VendorKind::Instantly, settings: settings::SPECS, credentials: settings::CREDENTIALS, open };

/// Where the words for people are: `message` says more than `error`, which repeats the status.
const MESSAGE_KEYS: &[&str] = &["message", "error", "errors", "detail", "title"];

const AS_WORKSPACE: HeaderName = HeaderName::from_static("x-as-workspace");

/// One profile's client.
struct Instantly {
    profile: ProfileName,
    settings: Settings,
    capabilities: Capabilities,
    http: Http,
    /// For lists of leads, which may take long.
    patient: Http,
    /// Lists of leads need a campaign or list: by the settings, or because the server refused one without.
    scoped_lists: AtomicBool,
    learned: Mutex<Learned>,
    /// Held while members are read, so that people and leads that are loaded side by side read them once.
    reading_members: tokio::sync::Mutex<()>,
}

/// What was found out on the way.
#[derive(Default)]
struct Learned {
    workspace: Option<SafeText>,
    members: Option<Arc<Vec<Member>>>,
    /// Owners that leads were seen with.
    owners: Seen,
    names: Arc<Names>,
    /// Names are asked for once; what cannot be read then is shown by its id or number.
    asked_collections: bool,
    asked_labels: bool,
}

fn open(profile: &Profile, gate: Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError> {
    let settings = Settings::of(profile)?;
    let options = HttpOptions { retries: settings.retries, ..HttpOptions::new(profile) };
    Ok(Arc::new(Instantly::new(settings, options, gate)?))
}

impl Instantly {
    fn new(settings: Settings, options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        let options = HttpOptions {
            timeout: settings.timeout,
            // Every path begins with it; an address that was copied with it means the same.
            base_url: options.base_url.trim_end_matches('/').trim_end_matches("/api/v2").to_owned(),
            secrets: settings.secrets.clone(),
            message_keys: MESSAGE_KEYS,
            ..options
        };
        let patient = HttpOptions { timeout: settings.list_timeout.max(options.timeout), ..options.clone() };
        Ok(Self {
            profile: options.profile.clone(),
            capabilities: capabilities::of(&settings),
            http: Http::new(options, gate.clone())?,
            patient: Http::new(patient, gate)?,
            scoped_lists: AtomicBool::new(settings.require_scope),
            learned: Mutex::default(),
            reading_members: tokio::sync::Mutex::default(),
            settings,
        })
    }

    /// A call, signed.
    fn call(&self, method: Method, path: &[&str], place: &Place) -> Result<Call, VendorError> {
        let mut call = Call::new(method, &[&["api", "v2"], path].concat())?
            .header(AUTHORIZATION, self.settings.authorization.clone());
        if let Some(agent) = &self.settings.user_agent {
            call = call.header(USER_AGENT, agent.clone());
        }
        if let Some(workspace) = &place.workspace {
            call = call.header(AS_WORKSPACE, workspace.clone());
        }
        if let Some(meter) = &place.meter {
            call = call.counted_by(meter);
        }
        Ok(call)
    }

    /// Where the profile's settings lead.
    fn place(&self) -> Place {
        // The settings were checked for what a header may hold.
        Place::new(self.settings.as_workspace.as_deref().and_then(|id| HeaderValue::from_str(id).ok()))
    }

    /// Where an operation belongs: to the workspace that it was made in.
    fn place_of(&self, session: &Session) -> Result<Place, VendorError> {
        match session.context.get(CONTEXT_KEY) {
            None => Ok(self.place()),
            Some(Value::String(id)) => HeaderValue::from_str(id).map(|id| Place::new(Some(id))).map_err(|_| {
                VendorError::new(ErrorKind::Setting, "the journal names a sub-workspace that no header can hold")
            }),
            Some(_) => Ok(Place::default()),
        }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CONTEXT_KEY: &str = "asWorkspace";

/// The workspace that a call is about: the key's own, or one of its sub-workspaces.
#[derive(Clone, Debug, Default)]
struct Place {
    workspace: Option<HeaderValue>,
    /// Counts the requests.
    meter: Option<Arc<AtomicUsize>>,
}

impl Place {
    fn new(workspace: Option<HeaderValue>) -> Self {
        Self { workspace, meter: None }
    }

    fn metered(self) -> Self {
        Self { meter: Some(Arc::default()), ..self }
    }
}

#[async_trait]
impl Vendor for Instantly {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn context(&self) -> Value {
        json!({ CONTEXT_KEY: self.settings.as_workspace })
    }

    fn notices(&self) -> Vec<String> {
        let workspace = self.learned().workspace.clone();
        workspace.map(|name| format!("These leads are in the Instantly workspace “{name}”.")).into_iter().collect()
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        self.fetch_people().await
    }

    async fn leads(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        self.list(ask, pages).await
    }

    async fn collections(&self) -> Result<Vec<Collection>, VendorError> {
        self.fetch_collections().await
    }

    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        self.read_lead(id, &self.place(), true, true).await
    }

    async fn observe_each(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        self.observe_all(targets, session, found).await;
    }

    async fn write(&self, batch: &[Change], session: &Session) -> WriteReport {
        self.write_all(batch, session).await
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}
