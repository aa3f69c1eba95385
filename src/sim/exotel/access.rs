//! Who is asking: two credentials, and which of them each endpoint takes.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::Exotel;
use crate::sim::ask::{self, Answer, Credentials, Refusal};
use crate::sim::dice;

/// The endpoints, as far as their schemes differ (contract, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Hierarchy,
    CampaignLead,
    LeadUser,
    Mapping,
}

/// One person's credentials: the registered Basic pair and a Bearer token.
#[derive(Clone, Debug)]
pub struct Key {
    pub username: String,
    pub password: String,
    pub token: String,
    pub may_write: bool,
}

impl Key {
    fn new(seed: u64, place: u64, username: &str, may_write: bool) -> Self {
        let word = |purpose| format!("{:016x}", dice::roll(seed, place, purpose));
        Self {
            username: username.to_owned(),
            password: word(500),
            token: format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", word(501), word(502)),
            may_write,
        }
    }

    /// The settings of a profile that uses this key.
    pub fn settings(&self) -> Map<String, Value> {
        let mut settings = Map::new();
        for (name, secret) in
            [("basic_username", &self.username), ("basic_password", &self.password), ("bearer_token", &self.token)]
        {
            settings.insert(name.to_owned(), json!({"command": format!("printf %s {secret}")}));
        }
        settings
    }
}

/// The keys of the contact centers.
#[derive(Debug)]
pub struct Keys {
    pub admin: Key,
    /// The same rights: another supervisor.
    pub supervisor: Key,
    /// May look and not touch.
    pub reader: Key,
}

impl Keys {
    pub fn new(seed: u64) -> Self {
        Self {
            admin: Key::new(seed, 1, "switchboard.admin", true),
            supervisor: Key::new(seed, 2, "floor.supervisor", true),
            reader: Key::new(seed, 3, "wallboard", false),
        }
    }

    fn find(&self, credentials: &Credentials) -> Option<&Key> {
        [&self.admin, &self.supervisor, &self.reader].into_iter().find(|key| match credentials {
            Credentials::Bearer(token) => *token == key.token,
            Credentials::Basic { user, password } => *user == key.username && *password == key.password,
        })
    }
}

impl Exotel {
    /// Whether an endpoint takes Basic, else it takes Bearer.
    fn takes_basic(&self, endpoint: Endpoint) -> bool {
        self.switches.with("auth", |value| match value {
            "bearer_everywhere" => false,
            "basic_everywhere" => true,
            _ => matches!(endpoint, Endpoint::LeadUser | Endpoint::Mapping),
        })
    }

    /// Lets a request in: the endpoint's scheme, a known key, and for a write one that may.
    pub fn let_in(&self, headers: &HeaderMap, endpoint: Endpoint) -> Answer<()> {
        let refused = || Refusal::new(StatusCode::UNAUTHORIZED, "Full authentication is required");
        let credentials = ask::credentials(headers).ok_or_else(refused)?;
        if matches!(credentials, Credentials::Basic { .. }) != self.takes_basic(endpoint) {
            return Err(refused());
        }
        let key = self.keys.find(&credentials).ok_or_else(refused)?;
        if endpoint == Endpoint::Mapping && !key.may_write {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "Access is denied"));
        }
        Ok(())
    }

    /// The settings that tell a client of other schemes than the published ones.
    pub fn scheme_settings(&self) -> Option<Value> {
        let scheme = self.switches.with("auth", |value| match value {
            "bearer_everywhere" => Some("bearer"),
            "basic_everywhere" => Some("basic"),
            _ => None,
        })?;
        Some(json!({
            "processes": scheme, "campaigns": scheme, "campaign_lead": scheme, "lead_user": scheme, "mapping": scheme,
        }))
    }
}
