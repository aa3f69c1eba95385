//! Exotel Contact Center (CMS): which agents may dial which lead list in which campaign.
//!
//! What is special about it, and where it is dealt with:
//! - Targets are (campaign, lead list) with a set of agents each ([`key`]), found through a hierarchy of processes and
//!   campaigns ([`hierarchy`]).
//! - Two credentials, and a setting for every call that says which one it gets ([`settings`], [`calls`]).
//! - Five envelopes ([`wire`]), and no names for agents and lists but those in the customer's own files ([`files`]).
//! - One list's agents come in pages of which nobody says what they count: what was read is compared with what the
//!   campaign says of the list ([`reading`], [`overview`]).
//! - A change is a delta, and its answer tells what was asked rather than what is: the list is read back, and a server
//!   that replaces instead of merging is noticed at the first ([`writing`], [`compare`]).

mod calls;
mod capabilities;
mod compare;
mod doctor;
mod files;
mod hierarchy;
mod key;
mod overview;
mod people;
mod reading;
mod settings;
mod survey;
#[cfg(test)]
mod tests;
mod turns;
mod wire;
mod writing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::hierarchy::Tree;
use self::overview::Overviews;
use self::settings::Settings;
use self::turns::Turns;
use super::asking::Asking;
use super::http::{Http, HttpOptions};
use super::registry::VendorEntry;
use super::stops::Stops;
use super::{Check, Found, Gate, Pages, Session, Targets, Vendor, VendorError, WriteReport};
use crate::config::{ConfigError, Profile};
use crate::domain::campaign::{Collection, LeadAsk, MappingRecord};
use crate::domain::{Capabilities, Change, LeadId, LeadRecord, Person, PersonId, ProfileName, SafeText, VendorKind};

/// Exotel in the registry.
pub const ENTRY: VendorEntry =
    VendorEntry { kind: VendorKind::Exotel, settings: settings::SPECS, credentials: settings::CREDENTIALS, open };

/// Where an error's body speaks to people. Other products of the vendor put theirs under `RestException`.
const MESSAGE_KEYS: &[&str] =
    &["errorMessage", "RestException", "message", "Message", "error_data", "error", "detail", "title", "description"];

/// Between two readings of a list that should have changed.
const VERIFY_PAUSE: Duration = Duration::from_millis(700);

/// One profile's client.
struct Exotel {
    profile: ProfileName,
    settings: Settings,
    capabilities: Capabilities,
    http: Http,
    verify_pause: Duration,
    /// The campaigns as they were last read.
    tree: Mutex<Option<Arc<Tree>>>,
    process_names: Mutex<BTreeMap<String, SafeText>>,
    overviews: Overviews,
    /// The agents that were seen in each campaign.
    seen: Mutex<HashMap<String, BTreeSet<PersonId>>>,
    /// Sentences for the next plan.
    notices: Mutex<BTreeSet<String>>,
    turns: Turns,
    stops: Stops,
}

fn open(profile: &Profile, gate: Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError> {
    let settings = Settings::of(profile)?;
    let options = options(profile, &settings);
    Ok(Arc::new(Exotel::new(settings, options, gate)?))
}

fn options(profile: &Profile, settings: &Settings) -> HttpOptions {
    HttpOptions {
        base_url: settings.base_url.clone(),
        timeout: settings.timeout,
        retries: settings.get_retries,
        secrets: settings.secrets.clone(),
        message_keys: MESSAGE_KEYS,
        roots: settings.roots.clone(),
        ..HttpOptions::new(profile)
    }
}

impl Exotel {
    fn new(settings: Settings, options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        let client = Self {
            profile: options.profile.clone(),
            capabilities: capabilities::of(&settings),
            http: Http::new(options, gate)?,
            verify_pause: VERIFY_PAUSE,
            tree: Mutex::default(),
            process_names: Mutex::default(),
            overviews: Overviews::default(),
            seen: Mutex::default(),
            notices: Mutex::default(),
            turns: Turns::default(),
            stops: Stops::default(),
            settings,
        };
        client.notice_what_is_not_checked();
        Ok(client)
    }

    fn notice(&self, sentence: impl Into<String>) {
        lock(&self.notices).insert(sentence.into());
    }
}

/// Locks that are held for a moment only, and never while something is waited for.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_single_leads() -> VendorError {
    VendorError::not_supported("single leads").with_remedy("It has lead lists in campaigns: see `campaigns`.")
}

#[async_trait]
impl Vendor for Exotel {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn notices(&self) -> Vec<String> {
        lock(&self.notices).iter().cloned().collect()
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        self.all_people(&Asking::hot()).await
    }

    async fn leads(&self, _ask: &LeadAsk, _pages: &mut dyn Pages) -> Result<(), VendorError> {
        Err(no_single_leads())
    }

    async fn collections(&self) -> Result<Vec<Collection>, VendorError> {
        self.campaign_collections(&Asking::hot()).await
    }

    async fn survey(
        &self,
        campaign: &str,
        part: &mut (dyn FnMut(Vec<MappingRecord>) + Send),
    ) -> Result<Vec<MappingRecord>, VendorError> {
        self.mappings_of(campaign, part, &Asking::hot()).await
    }

    fn roster(&self) -> Vec<Person> {
        self.people_of(self.known_roster())
    }

    async fn mappings(&self, campaign: Option<&str>) -> Result<Vec<MappingRecord>, VendorError> {
        self.all_mappings(campaign, &Asking::hot()).await
    }

    async fn detail(&self, _id: &LeadId) -> Result<LeadRecord, VendorError> {
        Err(no_single_leads())
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
