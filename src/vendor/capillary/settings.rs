//! A Capillary profile's settings: what they are, and what a profile made of them.
//!
//! Where the vendor's pages are silent or disagree, the answer is one of them.

use std::path::PathBuf;
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderValue, Method};

use super::owner_file::{self, FileOwner};
use super::sign_in::Credentials;
use crate::config::{ConfigError, Profile, Secret, SettingKind, SettingSpec};
use crate::vendor::settings::Given;

/// Sets of credentials of which a profile needs exactly one.
pub const CREDENTIALS: &[&[&str]] = &[&["username", "password"], &["key", "secret"]];

/// On whose behalf data may be written.
const ENTITY_TYPES: &[&str] =
    &["TILL", "STORE_CODE", "STORE_NAME", "STORE_EXTERNAL_ID", "STORE_EXTERNAL_ID_1", "STORE_EXTERNAL_ID_2"];

/// Where a customer may come from.
const SOURCES: &[&str] = &["INSTORE", "MARTJACK", "WECHAT", "LINE", "ALL"];

/// The lead's id in `assign_path`.
const LEAD: &str = "{leadId}";

/// Every setting with its default.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        name: "base_url",
        kind: SettingKind::Text,
        default: None,
        doc: "The host of the organisation's cluster without any path, such as https://eu.api.capillarytech.com, \
              https://apac.api.intouch.capillarytech.com, https://sea.api.capillarytech.com or \
              https://ushc.api.capillarytech.com; Capillary says which.",
    },
    SettingSpec {
        name: "auth",
        kind: SettingKind::Choice(&["basic", "oauth"]),
        default: None,
        doc: "How to sign in. It follows from the credentials, so that it need not be set: basic with username and \
              password, oauth with key and secret.",
    },
    SettingSpec {
        name: "username",
        kind: SettingKind::Secret,
        default: None,
        doc: "The till's user name, with password: signs in by basic authentication.",
    },
    SettingSpec {
        name: "password",
        kind: SettingKind::Secret,
        default: None,
        doc: "The till's password as it is; only its MD5 sum is sent.",
    },
    SettingSpec {
        name: "key",
        kind: SettingKind::Secret,
        default: None,
        doc: "The API client's key, with secret and instead of username and password: signs in by OAuth. Its access group \
              needs the resource Leads.",
    },
    SettingSpec { name: "secret", kind: SettingKind::Secret, default: None, doc: "The API client's secret." },
    SettingSpec {
        name: "oauth_header",
        kind: SettingKind::Text,
        default: Some("\"X-CAP-API-OAUTH-TOKEN\""),
        doc: "The header for the OAuth token; one page of the vendor's calls it CAP-API-ACCESS-TOKEN.",
    },
    SettingSpec {
        name: "attribution_entity_type",
        kind: SettingKind::Choice(ENTITY_TYPES),
        default: None,
        doc: "With OAuth, of which kind attribution_entity_code is; Capillary takes a till unless told.",
    },
    SettingSpec {
        name: "attribution_entity_code",
        kind: SettingKind::Text,
        default: None,
        doc: "With OAuth, the till or store on whose behalf leads are changed.",
    },
    SettingSpec {
        name: "page_size",
        kind: SettingKind::Integer { min: 1, max: 1_000 },
        default: Some("100"),
        doc: "How many leads to ask for at a time; the server may give fewer, which is noticed.",
    },
    SettingSpec {
        name: "max_pages",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("0"),
        doc: "How many pages of one list are read at most, which is told where it cuts a list short. 0 reads to the last.",
    },
    SettingSpec {
        name: "sort_by",
        kind: SettingKind::Choice(&["createdon", "lastUpdatedOn"]),
        default: Some("\"createdon\""),
        doc: "The order in which pages are asked for; a lead that changes moves in the order of lastUpdatedOn.",
    },
    SettingSpec {
        name: "staff_list",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether owners come from the staff list; without it from owner_file alone.",
    },
    SettingSpec {
        name: "staff_type_param",
        kind: SettingKind::Text,
        default: Some("\"type\""),
        doc: "The query name for the kind of staff; one page of the vendor's says type_value.",
    },
    SettingSpec {
        name: "staff_types",
        kind: SettingKind::TextList,
        default: Some("[\"ASSOCIATE\", \"MANAGER\"]"),
        doc: "Which kinds of staff may own leads, one request each.",
    },
    SettingSpec {
        name: "owner_filter_field",
        kind: SettingKind::Choice(&["id", "code", "username"]),
        default: Some("\"id\""),
        doc: "Which field of the staff list the owner filter of the list of leads wants; doctor tries it out.",
    },
    SettingSpec {
        name: "owner_write_field",
        kind: SettingKind::Choice(&["code", "username", "email"]),
        default: Some("\"code\""),
        doc: "Which field of the staff list is the user name that is written as a lead's owner.",
    },
    SettingSpec {
        name: "owner_file",
        kind: SettingKind::Path,
        default: None,
        doc: "A CSV file with the columns id, username, display_name and store_code: owners by hand, who come before those \
              of the staff list with the same id or user name.",
    },
    SettingSpec {
        name: "assign_method",
        kind: SettingKind::Choice(&["PUT", "PATCH", "POST"]),
        default: Some("\"PUT\""),
        doc: "The verb that changes a lead.",
    },
    SettingSpec {
        name: "assign_path",
        kind: SettingKind::Text,
        default: Some("\"/v2/leads/{leadId}\""),
        doc: "The path that changes a lead.",
    },
    SettingSpec {
        name: "owner_in",
        kind: SettingKind::Choice(&["body", "query"]),
        default: Some("\"body\""),
        doc: "Where the new owner stands in the request.",
    },
    SettingSpec {
        name: "echo_extended_fields",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether a lead's extended fields are read and sent along with its new owner, so that a server which replaces \
              what it is not sent loses none.",
    },
    SettingSpec {
        name: "unassign_mode",
        kind: SettingKind::Choice(&["unsupported", "empty_string", "null", "placeholder"]),
        default: Some("\"unsupported\""),
        doc: "How a lead is left with nobody, which Capillary does not document: not at all, by an empty text, by null, or \
              by giving it to the user unassign_placeholder. Try it on one lead first.",
    },
    SettingSpec {
        name: "unassign_placeholder",
        kind: SettingKind::Text,
        default: None,
        doc: "The user name that stands for nobody with unassign_mode = \"placeholder\", such as a queue's.",
    },
    SettingSpec {
        name: "assignable_status",
        kind: SettingKind::TextList,
        default: Some("[\"OPEN\", \"ON_HOLD\"]"),
        doc: "The statuses of leads that are still work to be done; others count as closed.",
    },
    SettingSpec {
        name: "same_store_only",
        kind: SettingKind::Choice(&["warn", "block", "off"]),
        default: Some("\"warn\""),
        doc: "What a plan does with leads that would go to another store than their present owner's: it says so, leaves \
              them alone, or does not care.",
    },
    SettingSpec {
        name: "allow_unknown_previous",
        kind: SettingKind::Choice(&["ask", "never"]),
        default: Some("\"ask\""),
        doc: "What a plan does with leads whose present owner is not known and so cannot be put back: it says how many and \
              has to be confirmed, or leaves them alone.",
    },
    SettingSpec {
        name: "customer_names",
        kind: SettingKind::Switch,
        default: Some("false"),
        doc: "Whether the names of the customers behind visible leads are asked for, one request each; they are personal \
              data and never go into the journal.",
    },
    SettingSpec {
        name: "customer_source",
        kind: SettingKind::Choice(SOURCES),
        default: Some("\"INSTORE\""),
        doc: "Where customers come from, for customer_names.",
    },
    SettingSpec {
        name: "requests_per_minute",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("90"),
        doc: "The pace of requests; demo clusters allow 100 a minute, others what was agreed. 0 sends without a limit.",
    },
    SettingSpec {
        name: "parallel",
        kind: SettingKind::Integer { min: 1, max: 64 },
        default: Some("2"),
        doc: "How many requests may be on the way at the same time; one customer's leads are changed one after the other.",
    },
    SettingSpec {
        name: "freshness_s",
        kind: SettingKind::Integer { min: 0, max: 86_400 },
        default: Some("60"),
        doc: "How many seconds old a lead's owner and extended fields may be when a change is sent; older ones are read \
              again first.",
    },
    SettingSpec {
        name: "confirm_within_s",
        kind: SettingKind::Number { min: 0.1, max: 600.0 },
        default: Some("18.0"),
        doc: "How many seconds a change may take to show in the owner filter; it is looked for four more times over that \
              time before it counts as not confirmed.",
    },
    SettingSpec {
        name: "timeout_s",
        kind: SettingKind::Integer { min: 1, max: 600 },
        default: Some("30"),
        doc: "How many seconds the server may be silent before a request counts as lost.",
    },
    SettingSpec {
        name: "retries",
        kind: SettingKind::Integer { min: 0, max: 20 },
        default: Some("4"),
        doc: "How often a reading is tried again after an error of the server or the line; changes never are.",
    },
];

/// A field of a member of the staff list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffField {
    Id,
    Code,
    Username,
    Email,
}

impl StaffField {
    /// As the settings and the vendor spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Code => "code",
            Self::Username => "username",
            Self::Email => "email",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "id" => Self::Id,
            "username" => Self::Username,
            "email" => Self::Email,
            _ => Self::Code,
        }
    }
}

/// How a lead is left with nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnassignMode {
    Unsupported,
    Empty,
    Null,
    /// This user name stands for nobody.
    Placeholder(String),
}

/// Where the new owner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerIn {
    Body,
    Query,
}

/// What a plan does with leads that would leave their store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameStore {
    Warn,
    Block,
    Off,
}

/// The path of a change, with a place for the lead's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<String>);

impl Template {
    pub fn with<'a>(&'a self, lead: &'a str) -> Vec<&'a str> {
        self.0.iter().map(|segment| if segment == LEAD { lead } else { segment.as_str() }).collect()
    }
}

/// A profile's settings with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub credentials: Credentials,
    /// What must never be shown, should the server repeat it.
    pub secrets: Vec<Secret>,
    pub oauth_header: HeaderName,
    /// Headers that say on whose behalf data is written.
    pub attribution: Vec<(HeaderName, HeaderValue)>,
    pub page_size: usize,
    /// `None`: to the last page.
    pub max_pages: Option<usize>,
    pub sort_by: &'static str,
    pub staff_list: bool,
    pub staff_type_param: String,
    pub staff_types: Vec<String>,
    pub filter_field: StaffField,
    pub write_field: StaffField,
    pub file_owners: Vec<FileOwner>,
    pub assign_method: Method,
    pub assign_path: Template,
    pub owner_in: OwnerIn,
    pub echo_extended_fields: bool,
    pub unassign: UnassignMode,
    pub assignable_status: Vec<String>,
    pub same_store: SameStore,
    pub allow_unknown_previous: bool,
    pub customer_names: bool,
    pub customer_source: &'static str,
    /// `None`: no limit.
    pub requests_per_minute: Option<u32>,
    pub parallel: usize,
    pub freshness: Duration,
    pub confirm_within: Duration,
    pub timeout: Duration,
    pub retries: u32,
}

impl Settings {
    /// Reads a profile and its owner file. Fetches its secrets.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let given = Given { profile, specs: SPECS };
        check_base_url(profile)?;
        let credentials = Credentials::of(profile)?;
        check_auth(profile, &given, &credentials)?;
        let oauth_header = header_name(profile)?;
        let attribution = attribution(profile, &given, &credentials)?;
        let unassign = unassign_mode(profile, &given)?;
        let owner_in = if given.choice("owner_in")? == "query" { OwnerIn::Query } else { OwnerIn::Body };
        if owner_in == OwnerIn::Query && unassign == UnassignMode::Null {
            let message = "a query cannot hold null: set unassign_mode to another one, or owner_in = \"body\"";
            return Err(profile.error("unassign_mode", message));
        }
        let file_owners = match profile.text("owner_file") {
            Some(file) => owner_file::read(&PathBuf::from(file)).map_err(|why| profile.error("owner_file", why))?,
            None => Vec::new(),
        };
        let staff_list = profile.switch("staff_list").unwrap_or(true);
        if !staff_list && file_owners.is_empty() {
            let message = "staff_list = false leaves no owners: name an owner_file with at least one";
            return Err(profile.error("staff_list", message));
        }
        Ok(Self {
            secrets: credentials.secrets(),
            credentials,
            oauth_header,
            attribution,
            page_size: given.whole("page_size")?,
            max_pages: Some(given.whole("max_pages")?).filter(|pages| *pages > 0),
            sort_by: given.choice("sort_by")?,
            staff_list,
            staff_type_param: named(profile, "staff_type_param", "type")?,
            staff_types: words(profile, "staff_types", &["ASSOCIATE", "MANAGER"])?,
            filter_field: StaffField::of(given.choice("owner_filter_field")?),
            write_field: StaffField::of(given.choice("owner_write_field")?),
            file_owners,
            assign_method: match given.choice("assign_method")? {
                "PATCH" => Method::PATCH,
                "POST" => Method::POST,
                _ => Method::PUT,
            },
            assign_path: assign_path(profile)?,
            owner_in,
            echo_extended_fields: profile.switch("echo_extended_fields").unwrap_or(true),
            unassign,
            assignable_status: words(profile, "assignable_status", &["OPEN", "ON_HOLD"])?,
            same_store: match given.choice("same_store_only")? {
                "block" => SameStore::Block,
                "off" => SameStore::Off,
                _ => SameStore::Warn,
            },
            allow_unknown_previous: given.choice("allow_unknown_previous")? == "ask",
            customer_names: profile.switch("customer_names").unwrap_or(false),
            customer_source: given.choice("customer_source")?,
            requests_per_minute: Some(given.whole("requests_per_minute")?).filter(|pace| *pace > 0),
            parallel: given.whole("parallel")?,
            freshness: Duration::from_secs(given.whole("freshness_s")?),
            confirm_within: confirm_within(profile)?,
            timeout: Duration::from_secs(given.whole("timeout_s")?),
            retries: given.whole("retries")?,
        })
    }
}

/// Every path begins with the version, so a base URL that ends with one would have it twice.
fn check_base_url(profile: &Profile) -> Result<(), ConfigError> {
    let end = profile.base_url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if ["v1.1", "v2", "v3"].contains(&end) {
        return Err(profile.error("base_url", format!("base_url must end before /{end}: every path begins with it")));
    }
    Ok(())
}

/// `auth` may be said, but only as it is.
fn check_auth(profile: &Profile, given: &Given<'_>, credentials: &Credentials) -> Result<(), ConfigError> {
    const NAME: &str = "auth";
    let (is, by) = match credentials {
        Credentials::Basic(_) => ("basic", "username and password"),
        Credentials::OAuth { .. } => ("oauth", "key and secret"),
    };
    match profile.setting(NAME).map(|_| given.choice(NAME)).transpose()? {
        Some(said) if said != is => {
            let message = format!("{NAME} is \"{said}\", but the profile has {by}, which sign in by {is}");
            Err(profile.error(NAME, message))
        }
        _ => Ok(()),
    }
}

fn header_name(profile: &Profile) -> Result<HeaderName, ConfigError> {
    const NAME: &str = "oauth_header";
    let name = named(profile, NAME, "X-CAP-API-OAUTH-TOKEN")?;
    HeaderName::try_from(name.as_str())
        .map_err(|_| profile.error(NAME, format!("{NAME} must be the name of an HTTP header, not {name:?}")))
}

fn attribution(
    profile: &Profile,
    given: &Given<'_>,
    credentials: &Credentials,
) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
    const TYPE: &str = "attribution_entity_type";
    const CODE: &str = "attribution_entity_code";
    let kind = profile.setting(TYPE).map(|_| given.choice(TYPE)).transpose()?;
    let code = profile.text(CODE).filter(|code| !code.trim().is_empty());
    if matches!(credentials, Credentials::Basic(_)) && (kind.is_some() || code.is_some()) {
        let message = "attribution is for OAuth: with username and password, Capillary takes the till that signs in";
        return Err(profile.error(if code.is_some() { CODE } else { TYPE }, message));
    }
    let Some(code) = code else {
        return match kind {
            Some(_) => Err(profile.error(TYPE, format!("{TYPE} needs {CODE}"))),
            None => Ok(Vec::new()),
        };
    };
    let code = HeaderValue::from_str(code)
        .map_err(|_| profile.error(CODE, format!("{CODE} holds characters that no HTTP header may hold")))?;
    let mut headers = vec![(HeaderName::from_static("x-cap-api-attribution-entity-code"), code)];
    if let Some(kind) = kind {
        headers.push((HeaderName::from_static("x-cap-api-attribution-entity-type"), HeaderValue::from_static(kind)));
    }
    Ok(headers)
}

fn unassign_mode(profile: &Profile, given: &Given<'_>) -> Result<UnassignMode, ConfigError> {
    const NAME: &str = "unassign_placeholder";
    let placeholder = profile.text(NAME).filter(|name| !name.trim().is_empty());
    let mode = given.choice("unassign_mode")?;
    match (mode, placeholder) {
        ("placeholder", Some(name)) => Ok(UnassignMode::Placeholder(name.to_owned())),
        ("placeholder", None) => {
            Err(profile.error("unassign_mode", format!("unassign_mode = \"placeholder\" needs {NAME}, a user name")))
        }
        (_, Some(_)) => Err(profile.error(NAME, format!("{NAME} is for unassign_mode = \"placeholder\""))),
        ("empty_string", None) => Ok(UnassignMode::Empty),
        ("null", None) => Ok(UnassignMode::Null),
        _ => Ok(UnassignMode::Unsupported),
    }
}

fn assign_path(profile: &Profile) -> Result<Template, ConfigError> {
    const NAME: &str = "assign_path";
    let path = profile.text(NAME).unwrap_or("/v2/leads/{leadId}");
    let segments: Vec<String> = path.trim().trim_matches('/').split('/').map(str::to_owned).collect();
    let is_odd = |segment: &String| {
        segment != LEAD
            && (matches!(segment.as_str(), "" | "." | "..")
                || segment.contains(['?', '#', '%', '\\', ' ', ':', '{', '}']))
    };
    let places = segments.iter().filter(|segment| *segment == LEAD).count();
    if places != 1 || segments.iter().any(is_odd) {
        let message = format!("{NAME} must be a path with {LEAD} once, as a part of its own: /v2/leads/{LEAD}");
        return Err(profile.error(NAME, message));
    }
    Ok(Template(segments))
}

/// A text that must not be empty.
fn named(profile: &Profile, name: &str, default: &str) -> Result<String, ConfigError> {
    match profile.text(name).unwrap_or(default).trim() {
        "" => Err(profile.error(name, format!("{name} is empty; leave it out to use {default}"))),
        text => Ok(text.to_owned()),
    }
}

/// A list of words; one text may hold several with commas between.
fn words(profile: &Profile, name: &str, default: &[&str]) -> Result<Vec<String>, ConfigError> {
    let Some(list) = profile.setting(name).and_then(toml::Value::as_array) else {
        return Ok(default.iter().map(ToString::to_string).collect());
    };
    let texts = list.iter().filter_map(toml::Value::as_str).flat_map(|text| text.split(','));
    let words: Vec<String> = texts.map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if words.is_empty() {
        return Err(profile.error(name, format!("{name} is empty; leave it out to use {}", default.join(", "))));
    }
    Ok(words)
}

fn confirm_within(profile: &Profile) -> Result<Duration, ConfigError> {
    const NAME: &str = "confirm_within_s";
    let seconds = profile.number(NAME).unwrap_or(18.0);
    let limits = 0.1..=600.0;
    if !limits.contains(&seconds) {
        return Err(profile.error(NAME, format!("{NAME} must be from 0.1 to 600, not {seconds}")));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests;
