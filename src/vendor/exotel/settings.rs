//! An Exotel profile's settings: what they are, and what a profile made of them (contract, section 11).
//!
//! There are two credentials, and which of them an endpoint wants is a setting of its own: the vendor's pages contradict
//! each other. The other one is never tried by itself.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use reqwest::{Certificate, Url};

use super::files::{self, LeadNames, Roster};
use crate::config::{ConfigError, Profile, Secret, SettingKind, SettingSpec};
use crate::vendor::http::{basic, bearer, secret_header};
use crate::vendor::settings::Given;
use crate::vendor::{ErrorKind, VendorError};

/// Credentials of which a profile needs one set.
pub const CREDENTIALS: &[&[&str]] = &[
    &["basic_username", "basic_password", "bearer_token"],
    &["basic_token", "bearer_token"],
    &["basic_username", "basic_password"],
    &["basic_token"],
    &["bearer_token"],
];

const SCHEMES: &[&str] = &["basic", "bearer"];
const SCHEMES_BEARER_FIRST: &[&str] = &["bearer", "basic"];

/// Every setting with its default.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        name: "base_url",
        kind: SettingKind::Text,
        default: None,
        doc: "The CMS host of your contact center, such as https://cms.example.cc.exotel.com; the vendor's rule (replace \
              the first label of the tenant's host by cms) does not always hold, so it is never guessed.",
    },
    SettingSpec {
        name: "port",
        kind: SettingKind::Integer { min: 1, max: 65_535 },
        default: Some("443"),
        doc: "The port, where base_url has none.",
    },
    SettingSpec {
        name: "contact_center_id",
        kind: SettingKind::Integer { min: 0, max: i64::MAX },
        default: None,
        doc: "The number of the contact center; it has to be set, since no call lists them.",
    },
    SettingSpec {
        name: "process_ids",
        kind: SettingKind::Ids,
        default: None,
        doc: "The processes whose campaigns are worked on; all of them unless set.",
    },
    SettingSpec {
        name: "hierarchy_prefix",
        kind: SettingKind::Text,
        default: Some("\"/configuration\""),
        doc: "What the paths of processes and campaigns begin with.",
    },
    SettingSpec {
        name: "mapping_prefix",
        kind: SettingKind::Text,
        default: Some("\"/cms/configuration\""),
        doc: "What the paths of lead lists, their agents and mappings begin with.",
    },
    SettingSpec {
        name: "basic_username",
        kind: SettingKind::Secret,
        default: None,
        doc: "The user name of the Basic credential.",
    },
    SettingSpec {
        name: "basic_password",
        kind: SettingKind::Secret,
        default: None,
        doc: "The password of the Basic credential.",
    },
    SettingSpec {
        name: "basic_token",
        kind: SettingKind::Secret,
        default: None,
        doc: "A ready Basic token (base64 of user name, colon and password), in place of basic_username and \
              basic_password.",
    },
    SettingSpec {
        name: "bearer_token",
        kind: SettingKind::Secret,
        default: None,
        doc: "The Bearer token; it lasts for a day and has to be made anew then.",
    },
    SettingSpec {
        name: "auth.processes",
        kind: SettingKind::Choice(SCHEMES_BEARER_FIRST),
        default: Some("\"bearer\""),
        doc: "The credential for reading processes.",
    },
    SettingSpec {
        name: "auth.campaigns",
        kind: SettingKind::Choice(SCHEMES_BEARER_FIRST),
        default: Some("\"bearer\""),
        doc: "The credential for reading campaigns.",
    },
    SettingSpec {
        name: "auth.campaign_lead",
        kind: SettingKind::Choice(SCHEMES_BEARER_FIRST),
        default: Some("\"bearer\""),
        doc: "The credential for reading a campaign's lead lists.",
    },
    SettingSpec {
        name: "auth.lead_user",
        kind: SettingKind::Choice(SCHEMES),
        default: Some("\"basic\""),
        doc: "The credential for reading a lead list's agents.",
    },
    SettingSpec {
        name: "auth.mapping",
        kind: SettingKind::Choice(SCHEMES),
        default: Some("\"basic\""),
        doc: "The credential for changing a mapping.",
    },
    SettingSpec {
        name: "cross_check",
        kind: SettingKind::Choice(&["strict", "warn", "off"]),
        default: Some("\"strict\""),
        doc: "Whether the agents of a list are compared with what the campaign says of them: where they differ, strict \
              refuses to change the list, warn says so and goes on.",
    },
    SettingSpec {
        name: "process_page_size",
        kind: SettingKind::Integer { min: 1, max: 10 },
        default: Some("10"),
        doc: "How many processes to ask for at a time; the API gives at most 10.",
    },
    SettingSpec {
        name: "lead_user_page_size",
        kind: SettingKind::Integer { min: 1, max: 10_000 },
        default: Some("100"),
        doc: "How many agents of a list to ask for at a time; no maximum is documented.",
    },
    SettingSpec {
        name: "max_pages",
        kind: SettingKind::Integer { min: 1, max: 100_000 },
        default: Some("100"),
        doc: "After how many pages a listing that does not end is given up.",
    },
    SettingSpec {
        name: "max_users_per_put",
        kind: SettingKind::Integer { min: 1, max: 10_000 },
        default: Some("100"),
        doc: "How many agents one request may add and remove; more go in several, one after the other.",
    },
    SettingSpec {
        name: "verify_retries",
        kind: SettingKind::Integer { min: 0, max: 20 },
        default: Some("2"),
        doc: "How often a list that reads as before is read again before its change counts as not applied.",
    },
    SettingSpec {
        name: "requests_per_minute",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("60"),
        doc: "The pace of requests; the vendor documents no limit for this API. 0 sends without a limit.",
    },
    SettingSpec {
        name: "parallel",
        kind: SettingKind::Integer { min: 1, max: 64 },
        default: Some("2"),
        doc: "How many requests may be on the way at the same time; never two changes of one list.",
    },
    SettingSpec {
        name: "timeout_s",
        kind: SettingKind::Integer { min: 1, max: 600 },
        default: Some("30"),
        doc: "How many seconds the server may be silent before a request counts as lost.",
    },
    SettingSpec {
        name: "get_retries",
        kind: SettingKind::Integer { min: 0, max: 20 },
        default: Some("3"),
        doc: "How often a reading is tried again after an error of the server or the line; changes never are.",
    },
    SettingSpec {
        name: "roster_file",
        kind: SettingKind::Path,
        default: None,
        doc: "A CSV file with the agents, since no call lists them with their names: user_id,display_name,team.",
    },
    SettingSpec {
        name: "lead_names_file",
        kind: SettingKind::Path,
        default: None,
        doc: "A CSV file with names for the lead lists, since the API gives none: lead_id,name.",
    },
    SettingSpec {
        name: "ca_file",
        kind: SettingKind::Path,
        default: None,
        doc: "A PEM file with certificates to trust beside the system's, for private installations.",
    },
];

/// The five calls, each with its own credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Processes,
    Campaigns,
    CampaignLead,
    LeadUser,
    Mapping,
}

impl Endpoint {
    const ALL: [Self; 5] = [Self::Processes, Self::Campaigns, Self::CampaignLead, Self::LeadUser, Self::Mapping];

    /// The setting that says which credential it gets.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Processes => "auth.processes",
            Self::Campaigns => "auth.campaigns",
            Self::CampaignLead => "auth.campaign_lead",
            Self::LeadUser => "auth.lead_user",
            Self::Mapping => "auth.mapping",
        }
    }

    /// The setting that its path begins with.
    pub fn prefix_setting(self) -> &'static str {
        match self {
            Self::Processes | Self::Campaigns => "hierarchy_prefix",
            Self::CampaignLead | Self::LeadUser | Self::Mapping => "mapping_prefix",
        }
    }
}

/// Which credential goes with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Basic,
    Bearer,
}

impl Scheme {
    /// As the header spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Bearer => "Bearer",
        }
    }

    /// As the settings spell it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Basic => Self::Bearer,
            Self::Bearer => Self::Basic,
        }
    }

    fn credential(self) -> &'static str {
        match self {
            Self::Basic => "basic_username and basic_password",
            Self::Bearer => "bearer_token",
        }
    }
}

/// What becomes of a list whose two readings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrossCheck {
    Strict,
    Warn,
    Off,
}

/// A profile's settings with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// With the port.
    pub base_url: String,
    pub contact_center: String,
    /// Empty: all processes.
    pub process_ids: Vec<String>,
    pub hierarchy_prefix: Vec<String>,
    pub mapping_prefix: Vec<String>,
    schemes: [Scheme; 5],
    basic: Option<HeaderValue>,
    bearer: Option<HeaderValue>,
    /// What must never be shown, should the server repeat it.
    pub secrets: Vec<Secret>,
    pub cross_check: CrossCheck,
    pub process_page_size: usize,
    pub lead_user_page_size: usize,
    pub max_pages: usize,
    pub max_users_per_put: usize,
    pub verify_retries: u32,
    /// `None`: no limit.
    pub requests_per_minute: Option<u32>,
    pub parallel: usize,
    pub timeout: Duration,
    pub get_retries: u32,
    pub roster_file: Option<PathBuf>,
    pub lead_names_file: Option<PathBuf>,
    /// Trusted beside the system's.
    pub roots: Vec<Certificate>,
}

impl Settings {
    /// Reads a profile. Fetches its secrets, and reads its files once to find mistakes in them early.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let given = Given { profile, specs: SPECS };
        let mut schemes = [Scheme::Basic; 5];
        for endpoint in Endpoint::ALL {
            if given.choice(endpoint.setting())? == "bearer" {
                schemes[endpoint as usize] = Scheme::Bearer;
            }
        }
        let (basic, bearer, secrets) = credentials(profile)?;
        let settings = Self {
            base_url: with_port(&profile.base_url, given.whole("port")?),
            contact_center: match profile.integer("contact_center_id") {
                Some(_) => given.whole::<u64>("contact_center_id")?.to_string(),
                None => {
                    let message = format!("profile {} has no contact_center_id, and no call lists them", profile.name);
                    return Err(profile.error("contact_center_id", message));
                }
            },
            process_ids: ids(profile, "process_ids")?,
            hierarchy_prefix: prefix(profile, "hierarchy_prefix", "/configuration")?,
            mapping_prefix: prefix(profile, "mapping_prefix", "/cms/configuration")?,
            schemes,
            basic,
            bearer,
            secrets,
            cross_check: match given.choice("cross_check")? {
                "warn" => CrossCheck::Warn,
                "off" => CrossCheck::Off,
                _ => CrossCheck::Strict,
            },
            process_page_size: given.whole("process_page_size")?,
            lead_user_page_size: given.whole("lead_user_page_size")?,
            max_pages: given.whole("max_pages")?,
            max_users_per_put: given.whole("max_users_per_put")?,
            verify_retries: given.whole("verify_retries")?,
            requests_per_minute: Some(given.whole("requests_per_minute")?).filter(|pace| *pace > 0),
            parallel: given.whole("parallel")?,
            timeout: Duration::from_secs(given.whole("timeout_s")?),
            get_retries: given.whole("get_retries")?,
            roster_file: profile.text("roster_file").map(PathBuf::from),
            lead_names_file: profile.text("lead_names_file").map(PathBuf::from),
            roots: roots(profile)?,
        };
        // Lead lists can be read without the check, with a sentence about it; everything else cannot be done at all.
        for endpoint in [Endpoint::Campaigns, Endpoint::LeadUser, Endpoint::Mapping] {
            if endpoint == Endpoint::Mapping && profile.read_only {
                continue;
            }
            if let Err(error) = settings.authorization(endpoint) {
                return Err(profile.error(endpoint.setting(), error.message));
            }
        }
        settings.roster().map_err(|why| profile.error("roster_file", why))?;
        settings.lead_names().map_err(|why| profile.error("lead_names_file", why))?;
        Ok(settings)
    }

    pub fn scheme(&self, endpoint: Endpoint) -> Scheme {
        self.schemes[endpoint as usize]
    }

    /// The header of the credential that this call gets by its setting.
    pub fn authorization(&self, endpoint: Endpoint) -> Result<HeaderValue, VendorError> {
        let scheme = self.scheme(endpoint);
        self.credential(scheme).cloned().ok_or_else(|| {
            let what = format!(
                "{} = \"{}\" wants {}, which the profile does not have",
                endpoint.setting(),
                scheme.setting(),
                scheme.credential()
            );
            VendorError::new(ErrorKind::Setting, what)
        })
    }

    pub fn credential(&self, scheme: Scheme) -> Option<&HeaderValue> {
        match scheme {
            Scheme::Basic => self.basic.as_ref(),
            Scheme::Bearer => self.bearer.as_ref(),
        }
    }

    /// The agents of the roster file; empty where there is none.
    pub fn roster(&self) -> Result<Roster, String> {
        self.roster_file.as_deref().map_or_else(|| Ok(Roster::default()), files::roster)
    }

    /// The names of the lead names file; empty where there is none.
    pub fn lead_names(&self) -> Result<LeadNames, String> {
        self.lead_names_file.as_deref().map_or_else(|| Ok(LeadNames::default()), files::lead_names)
    }
}

type Credentials = (Option<HeaderValue>, Option<HeaderValue>, Vec<Secret>);

fn credentials(profile: &Profile) -> Result<Credentials, ConfigError> {
    let [username, password] = [profile.secret("basic_username")?, profile.secret("basic_password")?];
    let [ready, token] = [profile.secret("basic_token")?, profile.secret("bearer_token")?];
    let at = |name: &'static str| move |error: ConfigError| profile.error(name, error.message);
    let as_basic = match (&username, &password, &ready) {
        (Some(username), Some(password), _) => Some(basic(username, password).map_err(at("basic_username"))?),
        (_, _, Some(ready)) => {
            use secrecy::ExposeSecret;
            let bare = ready.expose_secret().trim();
            let bare = bare.strip_prefix("Basic ").unwrap_or(bare);
            Some(secret_header(&format!("Basic {bare}")).map_err(at("basic_token"))?)
        }
        _ => None,
    };
    let as_bearer = token.as_ref().map(bearer).transpose().map_err(at("bearer_token"))?;
    // A user name is no secret by itself and may stand in many a sentence.
    Ok((as_basic, as_bearer, [password, ready, token].into_iter().flatten().collect()))
}

/// The base URL with `port` in it, unless it has one of its own.
fn with_port(base_url: &str, port: u16) -> String {
    let authority = base_url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    // A bracketed address of version 6 holds colons of its own.
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    let has_port = after_host.split_once(':').is_some_and(|(_, port)| !port.is_empty());
    let Ok(mut url) = Url::parse(base_url) else { return base_url.to_owned() };
    if has_port || url.set_port(Some(port)).is_err() {
        return base_url.to_owned();
    }
    url.as_str().trim_end_matches('/').to_owned()
}

fn prefix(profile: &Profile, name: &'static str, default: &str) -> Result<Vec<String>, ConfigError> {
    let text = profile.text(name).unwrap_or(default);
    let segments: Vec<String> = text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if segments.iter().any(|segment| matches!(segment.as_str(), "." | "..")) || text.contains(['?', '#']) {
        return Err(profile.error(name, format!("{name} must be a path such as {default}, not {text:?}")));
    }
    Ok(segments)
}

/// Numbers; a list of none would leave nothing to work on without saying so.
fn ids(profile: &Profile, name: &str) -> Result<Vec<String>, ConfigError> {
    let list = profile.setting(name).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ids: Vec<String> = list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    match ids.iter().find(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(odd) => Err(profile.error(name, format!("{name} holds {odd:?}, and processes have whole numbers"))),
        None => Ok(ids),
    }
}

fn roots(profile: &Profile) -> Result<Vec<Certificate>, ConfigError> {
    let Some(path) = profile.text("ca_file") else { return Ok(Vec::new()) };
    let wrong = |why: String| profile.error("ca_file", format!("ca_file {path}: {why}"));
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|_| wrong("it is no PEM file".to_owned()))?;
    if roots.is_empty() { Err(wrong("there is no certificate in it".to_owned())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_the_address_wins() {
        for (base_url, wanted) in [
            ("https://cms.example.com", "https://cms.example.com:8443"),
            ("https://cms.example.com/x", "https://cms.example.com:8443/x"),
            ("https://cms.example.com:443", "https://cms.example.com:443"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("http://[::1]:5000", "http://[::1]:5000"),
            ("http://[::1]", "http://[::1]:8443"),
        ] {
            assert_eq!(with_port(base_url, 8443), wanted);
        }
        assert_eq!(with_port("https://cms.example.com", 443), "https://cms.example.com");
    }
}
