//! Capillary: leads of stores' customers, owned by associates.
//!
//! What is special about it, and where it is dealt with:
//! - No answer shows the owner of a lead. Owners can only be filtered by, so every owner's leads are listed and turned
//!   round ([`index`]), single leads are looked for in the likely owners' lists ([`reading`]), and a change is confirmed
//!   by the new and the former owner's ([`confirm`]).
//! - The filter wants an id, a change a user name: two identifiers of one person ([`staff`], [`owner_file`]).
//! - Two ways to sign in, one with tokens of a short life ([`sign_in`]).
//! - What `offset` counts is documented twice, differently ([`walk`]).
//! - A change may replace what is not sent along: extended fields are echoed, and the first change of a session is
//!   compared ([`careful`]).
//! - Errors come as statuses, as items of a 2xx, and inside a 200 of version 1.1 ([`envelope`], [`staff`]).

mod calls;
mod capabilities;
mod careful;
mod confirm;
mod customers;
mod doctor;
mod envelope;
mod index;
mod lead;
mod listing;
mod memory;
mod owner_file;
mod reading;
mod settings;
mod sign_in;
mod staff;
#[cfg(test)]
mod tests;
mod walk;
mod writing;

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::careful::FirstWrite;
use self::customers::Customers;
use self::listing::Looked;
use self::memory::Memory;
use self::settings::Settings;
use self::sign_in::Token;
use self::staff::Known;
use self::writing::Turns;
use super::asking::Asking;
use super::http::{Http, HttpOptions};
use super::registry::VendorEntry;
use super::stops::Stops;
use super::{Check, Found, Gate, Pages, Session, Targets, Vendor, VendorError, WriteReport};
use crate::config::{ConfigError, Profile};
use crate::domain::campaign::LeadAsk;
use crate::domain::{Capabilities, Change, LeadId, LeadRecord, Person, ProfileName, VendorKind};

/// Capillary in the registry.
pub const ENTRY: VendorEntry =
    VendorEntry { kind: VendorKind::Capillary, settings: settings::SPECS, credentials: settings::CREDENTIALS, open };

/// One profile's client.
struct Capillary {
    profile: ProfileName,
    settings: Settings,
    capabilities: Capabilities,
    http: Http,
    /// The pause before a reading is tried again that a busy search engine refused; it doubles.
    busy_pause: Duration,
    token: Token,
    staff: Known,
    memory: Memory,
    customers: Customers,
    turns: Turns,
    stops: Stops,
    first: FirstWrite,
    /// `offset` was found to be an id.
    offset_is_id: AtomicBool,
    /// The owner filter was seen to leave something out.
    filter_is_heeded: AtomicBool,
    /// A change was taken, so the call for changes is the right one.
    path_works: AtomicBool,
    /// A lead that was left with nobody was found to be in nobody's list.
    nobody_works: AtomicBool,
    /// Changes in a row that failed.
    failed: AtomicUsize,
    /// Changes in a row that were accepted without showing.
    unconfirmed: AtomicUsize,
    /// Requests that listing every owner's leads took; 0 before the first time.
    index_cost: AtomicUsize,
    /// How the owners were last found.
    looked: Mutex<Option<Looked>>,
}

fn open(profile: &Profile, gate: Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError> {
    let settings = Settings::of(profile)?;
    let options = HttpOptions {
        timeout: settings.timeout,
        retries: settings.retries,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(profile)
    };
    Ok(Arc::new(Capillary::new(settings, options, gate)?))
}

impl Capillary {
    fn new(settings: Settings, options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        let profile = options.profile.clone();
        let busy_pause = options.first_pause * 2;
        Ok(Self {
            profile,
            capabilities: capabilities::of(&settings),
            http: Http::new(options, gate)?,
            busy_pause,
            token: Token::default(),
            staff: Known::default(),
            memory: Memory::default(),
            customers: Customers::default(),
            turns: Turns::default(),
            stops: Stops::default(),
            first: FirstWrite::default(),
            offset_is_id: AtomicBool::new(false),
            filter_is_heeded: AtomicBool::new(false),
            path_works: AtomicBool::new(false),
            nobody_works: AtomicBool::new(false),
            failed: AtomicUsize::new(0),
            unconfirmed: AtomicUsize::new(0),
            index_cost: AtomicUsize::new(0),
            looked: Mutex::new(None),
            settings,
        })
    }
}

#[async_trait]
impl Vendor for Capillary {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn notices(&self) -> Vec<String> {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut notices: Vec<String> = looked.iter().map(Looked::sentence).collect();
        notices.extend(self.notices_about_staff());
        notices
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        Ok(self.fetch_staff(&Asking::hot()).await?.people())
    }

    async fn leads(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        self.list(ask, pages).await
    }

    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        self.read_detail(id).await
    }

    async fn observe_each(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        self.observe_all(targets, session, found).await;
    }

    async fn write(&self, batch: &[Change], session: &Session) -> WriteReport {
        self.write_all(batch, session.hot).await
    }

    async fn check(&self) -> Vec<Check> {
        self.examine().await
    }
}
