//! kenbun (formerly LeadVibe).
//!
//! What is special about it, and where it is dealt with:
//! - Lead calls act in the *active organizational unit*, which is state at the server ([`unit`]).
//! - A missing `owner_id` means "nobody", and the displayed name is the one the caller sent ([`owner`]).
//! - Reads reveal an owner's name only, lists carry no names of leads ([`lead`], [`reading`]).
//! - A bulk change answers with a count, not with a result per lead ([`writing`]).

mod capabilities;
mod doctor;
mod lead;
mod listing;
mod owner;
mod people;
mod reading;
mod settings;
#[cfg(test)]
mod tests;
mod unit;
mod writing;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use self::settings::Settings;
use self::unit::{Inside, Purpose, Units, may_be_elsewhere};
use super::http::{Answer, Call, Http, HttpOptions};
use super::registry::VendorEntry;
use super::{Check, Found, Gate, Pages, Session, Targets, Vendor, VendorError, WriteReport};
use crate::config::{ConfigError, Profile};
use crate::domain::campaign::LeadAsk;
use crate::domain::{Capabilities, Change, LeadId, LeadRecord, Person, ProfileName, VendorKind};

/// kenbun in the registry.
pub const ENTRY: VendorEntry =
    VendorEntry { kind: VendorKind::Kenbun, settings: settings::SPECS, credentials: settings::CREDENTIALS, open };

/// One profile's client.
struct Kenbun {
    profile: ProfileName,
    settings: Settings,
    capabilities: Capabilities,
    http: Http,
    units: Units,
    /// The page size that the server takes: the setting, or a smaller one where that was refused.
    page_size: AtomicUsize,
    /// How many leads the server counted last; 0 while it is not known.
    total: AtomicUsize,
}

fn open(profile: &Profile, gate: Arc<dyn Gate>) -> Result<Arc<dyn Vendor>, ConfigError> {
    let settings = Settings::of(profile)?;
    let options = HttpOptions {
        timeout: settings.timeout,
        retries: settings.retries,
        secrets: settings.secrets.clone(),
        ..HttpOptions::new(profile)
    };
    Ok(Arc::new(Kenbun::new(settings, options, gate)?))
}

impl Kenbun {
    fn new(settings: Settings, options: HttpOptions, gate: Arc<dyn Gate>) -> Result<Self, ConfigError> {
        let profile = options.profile.clone();
        let http = Http::new(options, gate)?;
        Ok(Self {
            profile,
            capabilities: capabilities::of(&settings),
            units: Units::new(http.clone(), settings.authorization.clone()),
            page_size: AtomicUsize::new(settings.page_size),
            total: AtomicUsize::new(0),
            http,
            settings,
        })
    }

    /// A reading, signed.
    fn get(&self, segments: &[&str]) -> Result<Call, VendorError> {
        Ok(Call::get(segments)?.header(AUTHORIZATION, self.settings.authorization.clone()))
    }

    /// Chooses the unit where one is named; without one the server's choice is left alone.
    async fn enter(
        &self,
        unit: Option<&str>,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<Option<Inside>, VendorError> {
        match unit {
            Some(unit) => self.units.enter(unit, purpose, hot, meter).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sends a reading that depends on the unit. An answer that may come from another unit, because somebody chose one
    /// in the meantime, is not believed before ours was chosen again.
    async fn ask(
        &self,
        call: &Call,
        unit: Option<&str>,
        purpose: Purpose,
        hot: bool,
        meter: &Arc<AtomicUsize>,
    ) -> Result<Answer, VendorError> {
        let began = Instant::now();
        let inside = self.enter(unit, purpose, hot, meter).await?;
        let mut answer = self.http.read_any(call).await?;
        let certain = inside.is_none_or(|inside| inside.just_now);
        let mut tries = 0;
        while !certain && may_be_elsewhere(&answer) {
            let Some(again) = self.units.again(tries, began) else { break };
            tries += 1;
            let _inside = self.enter(unit, again, hot, meter).await?;
            answer = self.http.read_any(call).await?;
            if !may_be_elsewhere(&answer) {
                self.units.note_contest();
            }
        }
        Ok(answer)
    }

    /// The unit of an operation: the one it was made in, otherwise the profile's.
    fn unit_of(&self, session: &Session) -> Option<String> {
        let own = session.context.get("ouId").and_then(Value::as_str).filter(|unit| !unit.is_empty());
        own.or(self.settings.org_unit.as_deref()).map(str::to_owned)
    }
}

#[async_trait]
impl Vendor for Kenbun {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn context(&self) -> Value {
        match &self.settings.org_unit {
            Some(unit) => json!({ "ouId": unit }),
            None => Value::Null,
        }
    }

    async fn people(&self) -> Result<Vec<Person>, VendorError> {
        self.fetch_people().await
    }

    async fn leads(&self, _ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        self.list(pages).await
    }

    async fn detail(&self, id: &LeadId) -> Result<LeadRecord, VendorError> {
        self.read_lead(id, self.settings.org_unit.as_deref(), Purpose::Reading, true, &Arc::default()).await
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
