//! StateSet. Experimental: no public page says how leads are listed or how a lead's owner is changed, so nearly every
//! assumption is a setting and is checked while working.
//!
//! What is special about it, and where it is dealt with:
//! - A lead's owner is a text of which nobody says what it holds ([`owner`], [`users`]).
//! - PUT may replace a lead instead of changing it: the first change of a session is compared ([`careful`], [`compare`]).
//! - Answers come in several wrappings, errors in six shapes ([`envelope`]; the words for people are found in
//!   [`http`](super::http)).
//! - Lists page by offset or by cursor, and a server may ignore either ([`walk`]).
//! - A success proves nothing by itself: what counts is the owner in the answer, or in a reading ([`writing`]).

mod bulk;
mod capabilities;
mod careful;
mod compare;
mod creating;
mod doctor;
mod envelope;
mod keys;
mod lead;
mod listing;
mod owner;
mod reading;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod walk;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;

use self::careful::FirstWrites;
use self::keys::Keys;
use self::settings::Settings;
use self::users::Users;
use self::walk::Asking;
use super::http::{Call, Http, HttpOptions};
use super::registry::VendorEntry;
use super::{Check, Found, Gate, Pages, Session, Targets, Vendor, VendorError, WriteReport};
use crate::config::{ConfigError, Profile};
use crate::domain::campaign::{LeadAsk, NewLead};
use crate::domain::{Capabilities, Change, LeadId, LeadRecord, Person, ProfileName, VendorKind};

/// StateSet in the registry.
pub const ENTRY: VendorEntry =
    VendorEntry { kind: VendorKind::Stateset, settings: settings::SPECS, credentials: settings::CREDENTIALS, open };

/// One profile's client.
struct StateSet {
    profile: ProfileName,
    settings: Settings,
    capabilities: Capabilities,
    http: Http,
    users: Users,
    refresh_after: Duration,
    keys: Keys,
    first: FirstWrites,
    /// Changes in a row that were accepted without being applied.
    ignored: AtomicUsize,
    /// How many leads the last listing had; 0 while it is not known.
    total: AtomicUsize,
    /// A row of the list was seen with an owner field: where it is missing, there is nobody.
    list_tells_owners: AtomicBool,
    /// A single lead told an owner that the list left out: where it is missing, nothing is known.
    list_hides_owners: AtomicBool,
}

fn open(profile: &Profile, gate: Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError> {
    let settings = Settings::of(profile)?;
    let options = HttpOptions {
        timeout: settings.timeout,
        retries: settings.retries,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(profile)
    };
    Ok(Arc::new(StateSet::new(settings, options, gate)?))
}

impl StateSet {
    fn new(settings: Settings, options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        let profile = options.profile.clone();
        Ok(Self {
            profile,
            capabilities: capabilities::of(&settings),
            http: Http::new(options, gate)?,
            users: Users::of(&settings),
            refresh_after: users::REFRESH_AFTER,
            keys: Keys::default(),
            first: FirstWrites::default(),
            ignored: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            list_tells_owners: AtomicBool::new(false),
            list_hides_owners: AtomicBool::new(false),
            settings,
        })
    }

    /// Signs a call.
    fn signed(&self, call: Call, asking: &Asking) -> Call {
        call.header(AUTHORIZATION, self.settings.authorization.clone()).hot(asking.hot).counted_by(&asking.meter)
    }

    fn get(&self, segments: &[&str], asking: &Asking) -> Result<Call, VendorError> {
        Ok(self.signed(Call::get(segments)?, asking))
    }
}

#[async_trait]
impl Vendor for StateSet {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn notices(&self) -> Vec<String> {
        self.notices_about_users()
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        self.fetch_people().await
    }

    async fn leads(&self, _ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        self.list(pages).await
    }

    async fn create_lead(&self, lead: &NewLead) -> Result<LeadRecord, VendorError> {
        self.create(lead).await
    }

    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        self.read_record(id).await
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
