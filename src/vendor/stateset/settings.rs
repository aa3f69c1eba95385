//! A StateSet profile's settings: what they are, and what a profile made of them.
//!
//! Nearly everything that StateSet's pages leave open is one of them.

use std::time::Duration;

use http::{HeaderValue, Method};
use secrecy::ExposeSecret;

use super::users::User;
use crate::config::{ConfigError, Profile, Secret, SettingKind, SettingSpec};
use crate::vendor::http::{bearer, secret_header};
use crate::vendor::settings::Given;

/// The most items that a bulk call may hold.
pub const MOST_IN_BULK: usize = 100;

/// Keys of this kind are for what everybody may do.
const PUBLIC_KEY: &str = "pk_live_";

/// Credentials of which a profile needs one set.
pub const CREDENTIALS: &[&[&str]] = &[&["token"]];

/// Every setting with its default.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        name: "base_url",
        kind: SettingKind::Text,
        default: Some("\"https://api.stateset.com/v1\""),
        doc: "Where the API is, with its version prefix; the sandbox is https://api.sandbox.stateset.com/v1.",
    },
    SettingSpec {
        name: "token",
        kind: SettingKind::Secret,
        default: None,
        doc: "The API key (sk_live_…, sk_test_… or rk_live_…); a public key (pk_live_…) is refused.",
    },
    SettingSpec {
        name: "auth_scheme",
        kind: SettingKind::Choice(&["bearer", "token"]),
        default: Some("\"bearer\""),
        doc: "The word before the key in the Authorization header; older deployments want token.",
    },
    SettingSpec {
        name: "list_path",
        kind: SettingKind::Text,
        default: Some("\"/leads\""),
        doc: "The path of the list of leads behind base_url; an old server may want /leads/list.",
    },
    SettingSpec {
        name: "get_path_template",
        kind: SettingKind::Text,
        default: Some("\"/leads/{id}\""),
        doc: "The path of one lead; older pages show /leads/{id}/retrieve.",
    },
    SettingSpec {
        name: "page_size",
        kind: SettingKind::Integer { min: 1, max: 100 },
        default: Some("100"),
        doc: "How many leads or users to ask for at a time; more than 100 would count as several requests.",
    },
    SettingSpec {
        name: "paging",
        kind: SettingKind::Choice(&["offset", "cursor"]),
        default: Some("\"offset\""),
        doc: "How the first page is asked for; a cursor that the server gives is followed in any case.",
    },
    SettingSpec {
        name: "update_method",
        kind: SettingKind::Choice(&["PUT", "PATCH"]),
        default: Some("\"PUT\""),
        doc: "The verb that changes a lead.",
    },
    SettingSpec {
        name: "update_mode",
        kind: SettingKind::Choice(&["partial", "merge"]),
        default: Some("\"partial\""),
        doc: "What is sent to change an owner: the owner alone, or the whole lead as it was just read with the owner \
              changed. Use merge only where partial makes a lead lose its other fields, since what others change in \
              the same moment is overwritten.",
    },
    SettingSpec {
        name: "owner_field",
        kind: SettingKind::Text,
        default: Some("\"owner\""),
        doc: "The field of a lead that holds its owner.",
    },
    SettingSpec {
        name: "owner_value",
        kind: SettingKind::Choice(&["name", "id", "email", "username"]),
        default: Some("\"name\""),
        doc: "What of a user is written into the owner field; name is the first and the last name.",
    },
    SettingSpec {
        name: "unassign_value",
        kind: SettingKind::Choice(&["null", "empty"]),
        default: Some("\"null\""),
        doc: "What is written for nobody: null or an empty text.",
    },
    SettingSpec {
        name: "bulk_mode",
        kind: SettingKind::Choice(&["none", "bulk_update", "sdk_bulk"]),
        default: Some("\"none\""),
        doc: "How many leads are changed at once: one request each, POST /leads/bulk-update or PUT /leads/bulk. No page \
              documents the last two for leads; each lead in them counts against the rate limit.",
    },
    SettingSpec {
        name: "idempotency_key",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether each change carries an Idempotency-Key, the same one when it has to be sent again.",
    },
    SettingSpec {
        name: "owners",
        kind: SettingKind::People,
        default: None,
        doc: "Owners by hand instead of the users that StateSet lists, as { id, name, email, username }.",
    },
    SettingSpec {
        name: "hide_inactive",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether users who are not active are left out of what is offered as an owner.",
    },
    SettingSpec {
        name: "requests_per_minute",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("100"),
        doc: "The pace of requests: 100 for the Starter plan, 1000 for Growth, 5000 for Scale. 0 sends without a limit.",
    },
    SettingSpec {
        name: "concurrency",
        kind: SettingKind::Integer { min: 1, max: 256 },
        default: Some("4"),
        doc: "How many requests may be on the way at the same time.",
    },
    SettingSpec {
        name: "freshness_s",
        kind: SettingKind::Integer { min: 0, max: 86_400 },
        default: Some("60"),
        doc: "How many seconds old a lead's owner may be when a change is sent; older ones are read again first.",
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

/// How the first page of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    Offset,
    Cursor,
}

/// What is sent to change a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    Partial,
    Merge,
}

/// What of a user stands in a lead's owner field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerValue {
    Name,
    Id,
    Email,
    Username,
}

impl OwnerValue {
    pub const ALL: [Self; 4] = [Self::Name, Self::Id, Self::Email, Self::Username];

    /// As the setting spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Email => "email",
            Self::Username => "username",
        }
    }

    /// As people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Email => "e-mail address",
            Self::Username => "user name",
        }
    }
}

/// How a lead is left with nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nobody {
    Null,
    Empty,
}

/// How several leads are changed in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkMode {
    None,
    BulkUpdate,
    SdkBulk,
}

/// The path of one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Option<String>>);

impl Template {
    /// What older pages show instead of the default.
    pub fn documented_alternative() -> Self {
        Self(vec![Some("leads".to_owned()), None, Some("retrieve".to_owned())])
    }

    /// The path's segments for this lead.
    pub fn with<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        self.0.iter().map(|segment| segment.as_deref().unwrap_or(id)).collect()
    }
}

/// A profile's settings with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub authorization: HeaderValue,
    /// The same key behind the other word, for the doctor.
    pub other_authorization: HeaderValue,
    /// What must never be shown, should the server repeat it.
    pub secrets: Vec<Secret>,
    /// The key is one of the sandbox's.
    pub is_test_key: bool,
    pub auth_scheme: &'static str,
    pub list_path: Vec<String>,
    pub get_path: Template,
    pub page_size: usize,
    pub paging: Paging,
    pub update_method: Method,
    pub update_mode: UpdateMode,
    pub owner_field: String,
    pub owner_value: OwnerValue,
    pub nobody: Nobody,
    pub bulk_mode: BulkMode,
    pub idempotency_key: bool,
    /// `None`: the users that StateSet lists.
    pub owners: Option<Vec<User>>,
    pub hide_inactive: bool,
    /// `None`: no limit.
    pub requests_per_minute: Option<u32>,
    pub parallel: usize,
    pub freshness: Duration,
    pub timeout: Duration,
    pub retries: u32,
}

impl Settings {
    /// Reads a profile. Fetches its secret.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let given = Given { profile, specs: SPECS };
        let auth_scheme = given.choice("auth_scheme")?;
        let token = token(profile)?;
        let at_token = |error: ConfigError| profile.error("token", error.message);
        let as_bearer = bearer(&token).map_err(at_token)?;
        let as_token = secret_header(&format!("Token {}", token.expose_secret())).map_err(at_token)?;
        let (authorization, other_authorization) =
            if auth_scheme == "token" { (as_token, as_bearer) } else { (as_bearer, as_token) };
        let update_mode = match given.choice("update_mode")? {
            "merge" => UpdateMode::Merge,
            _ => UpdateMode::Partial,
        };
        let bulk_mode = match given.choice("bulk_mode")? {
            "bulk_update" => BulkMode::BulkUpdate,
            "sdk_bulk" => BulkMode::SdkBulk,
            _ => BulkMode::None,
        };
        if update_mode == UpdateMode::Merge && bulk_mode != BulkMode::None {
            let message = "update_mode = \"merge\" reads and writes each lead whole, which no bulk call does: set \
                           bulk_mode = \"none\"";
            return Err(profile.error("bulk_mode", message));
        }
        Ok(Self {
            authorization,
            other_authorization,
            is_test_key: token.expose_secret().starts_with("sk_test_"),
            secrets: vec![token],
            auth_scheme,
            list_path: list_path(profile)?,
            get_path: get_path(profile)?,
            page_size: given.whole("page_size")?,
            paging: match given.choice("paging")? {
                "cursor" => Paging::Cursor,
                _ => Paging::Offset,
            },
            update_method: match given.choice("update_method")? {
                "PATCH" => Method::PATCH,
                _ => Method::PUT,
            },
            update_mode,
            owner_field: owner_field(profile)?,
            owner_value: match given.choice("owner_value")? {
                "id" => OwnerValue::Id,
                "email" => OwnerValue::Email,
                "username" => OwnerValue::Username,
                _ => OwnerValue::Name,
            },
            nobody: match given.choice("unassign_value")? {
                "empty" => Nobody::Empty,
                _ => Nobody::Null,
            },
            bulk_mode,
            idempotency_key: profile.switch("idempotency_key").unwrap_or(true),
            owners: owners(profile)?,
            hide_inactive: profile.switch("hide_inactive").unwrap_or(true),
            requests_per_minute: Some(given.whole("requests_per_minute")?).filter(|pace| *pace > 0),
            parallel: given.whole("concurrency")?,
            freshness: Duration::from_secs(given.whole("freshness_s")?),
            timeout: Duration::from_secs(given.whole("timeout_s")?),
            retries: given.whole("retries")?,
        })
    }
}

fn token(profile: &Profile) -> Result<Secret, ConfigError> {
    let name = &profile.name;
    let Some(token) = profile.secret("token")? else {
        let message = format!("profile {name} needs token, such as token = {{ env = \"STATESET_TOKEN\" }}");
        return Err(profile.error("token", message));
    };
    if token.expose_secret().starts_with(PUBLIC_KEY) {
        let message = format!(
            "the token of profile {name} is a public key ({PUBLIC_KEY}…), which may not read or change leads: use a key \
             that begins with sk_live_, sk_test_ or rk_live_"
        );
        return Err(profile.error("token", message));
    }
    Ok(token)
}

fn list_path(profile: &Profile) -> Result<Vec<String>, ConfigError> {
    let path = profile.text("list_path").unwrap_or("/leads");
    segments(profile, "list_path", path)
}

fn get_path(profile: &Profile) -> Result<Template, ConfigError> {
    const NAME: &str = "get_path_template";
    let path = profile.text(NAME).unwrap_or("/leads/{id}");
    let segments = segments(profile, NAME, path)?;
    let template: Vec<Option<String>> =
        segments.into_iter().map(|segment| (segment != "{id}").then_some(segment)).collect();
    let places = template.iter().filter(|segment| segment.is_none()).count();
    if places != 1 || template.iter().flatten().any(|segment| segment.contains(['{', '}'])) {
        return Err(profile.error(NAME, format!("{NAME} must hold {{id}} once, as a part of its own: /leads/{{id}}")));
    }
    Ok(Template(template))
}

fn segments(profile: &Profile, name: &str, path: &str) -> Result<Vec<String>, ConfigError> {
    let segments: Vec<String> = path.trim().trim_matches('/').split('/').map(str::to_owned).collect();
    let is_odd = |segment: &String| {
        matches!(segment.as_str(), "" | "." | "..") || segment.contains(['?', '#', '%', '\\', ' ', ':'])
    };
    if segments.iter().any(is_odd) {
        return Err(profile.error(name, format!("{name} must be a path such as /leads, not {path:?}")));
    }
    Ok(segments)
}

fn owner_field(profile: &Profile) -> Result<String, ConfigError> {
    const NAME: &str = "owner_field";
    /// Fields of which an assignment would destroy something else.
    const TAKEN: [&str; 10] = [
        "id",
        "object",
        "status",
        "email",
        "phone",
        "firstName",
        "lastName",
        "created_at",
        "created_by",
        "last_modified_by",
    ];
    let field = profile.text(NAME).unwrap_or("owner");
    if field.trim().is_empty() {
        return Err(profile.error(NAME, format!("{NAME} is empty; leave it out to use owner")));
    }
    if TAKEN.contains(&field) {
        return Err(profile.error(NAME, format!("{NAME} cannot be {field}, which means something else")));
    }
    Ok(field.to_owned())
}

fn owners(profile: &Profile) -> Result<Option<Vec<User>>, ConfigError> {
    let Some(list) = profile.setting("owners").and_then(toml::Value::as_array) else { return Ok(None) };
    let mut owners: Vec<User> = Vec::with_capacity(list.len());
    for (number, entry) in (1..).zip(list) {
        let text = |key: &str| entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let wrong = |why: &str| profile.error("owners", format!("owner {number} of the list owners {why}"));
        if text("id").trim().is_empty() {
            return Err(wrong("has no id"));
        }
        if owners.iter().any(|owner| owner.person.id.as_str() == text("id")) {
            return Err(wrong("has the id of an earlier one"));
        }
        owners.push(User::by_hand(text("id"), text("name"), text("email"), text("username")));
    }
    Ok((!owners.is_empty()).then_some(owners))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretSource;
    use crate::domain::VendorKind;

    fn profile(token: &str, settings: &str) -> Profile {
        let mut profile = Profile::new("shop", VendorKind::Stateset, "https://api.stateset.com/v1");
        profile.secrets.insert("token".to_owned(), SecretSource::Command(format!("echo {token}")));
        profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
        profile
    }

    fn of(settings: &str) -> Result<Settings, ConfigError> {
        Settings::of(&profile("sk_test_hush", settings))
    }

    #[test]
    fn the_key_and_the_word_before_it() {
        let settings = of("").unwrap();
        assert_eq!(settings.authorization.to_str().unwrap(), "Bearer sk_test_hush");
        assert_eq!(settings.other_authorization.to_str().unwrap(), "Token sk_test_hush");
        assert!(settings.is_test_key && settings.authorization.is_sensitive());
        let settings = of("auth_scheme = \"token\"").unwrap();
        assert_eq!(settings.authorization.to_str().unwrap(), "Token sk_test_hush");
        assert!(settings.other_authorization.is_sensitive());
        let error = Settings::of(&profile("pk_live_abc", "")).unwrap_err();
        assert!(error.message.contains("public key") && !error.message.contains("abc"), "{error}");
        let nothing = Profile::new("shop", VendorKind::Stateset, "https://api.stateset.com/v1");
        assert!(Settings::of(&nothing).unwrap_err().message.contains("needs token"));
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let made = of("").unwrap();
        let written: String = SPECS
            .iter()
            .filter_map(|spec| Some(format!("{} = {}\n", spec.name, spec.default?)))
            .filter(|line| !line.starts_with("base_url"))
            .collect();
        assert_eq!(format!("{made:?}"), format!("{:?}", of(&written).unwrap()));
        assert_eq!((made.page_size, made.parallel, made.requests_per_minute), (100, 4, Some(100)));
        assert_eq!((made.update_method.as_str(), made.owner_field.as_str()), ("PUT", "owner"));
        assert_eq!(made.get_path.with("a/b"), ["leads", "a/b"]);
        assert!(SPECS.iter().all(|spec| spec.doc.ends_with('.') && !spec.doc.contains("  ")));
    }

    #[test]
    fn paths_are_those_of_the_contract_or_others() {
        let settings = of("list_path = \"leads/list\"\nget_path_template = \"/leads/{id}/retrieve\"").unwrap();
        assert_eq!(settings.list_path, ["leads", "list"]);
        assert_eq!(settings.get_path.with("7"), ["leads", "7", "retrieve"]);
        for wrong in ["", "/", "/leads", "/leads/{id}/{id}", "/leads/x{id}", "/{lead}/{id}", "/../{id}"] {
            assert!(of(&format!("get_path_template = \"{wrong}\"")).is_err(), "{wrong}");
        }
        for wrong in ["", "/leads?x=1", "/a//b", "/..", "https://x.example/leads"] {
            assert!(of(&format!("list_path = \"{wrong}\"")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn wrong_values_are_told() {
        for (settings, words) in [
            ("page_size = 101", "page_size must be from 1 to 100, not 101"),
            ("owner_field = \"id\"", "owner_field cannot be id"),
            ("owner_field = \" \"", "owner_field is empty"),
            ("owner_value = \"phone\"", "owner_value must be one of name, id, email, username"),
            ("update_mode = \"merge\"\nbulk_mode = \"sdk_bulk\"", "set bulk_mode = \"none\""),
            ("owners = [{ name = \"A\" }]", "owner 1 of the list owners has no id"),
            ("owners = [{ id = \"1\" }, { id = \"1\" }]", "id of an earlier one"),
        ] {
            let error = of(settings).unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
        assert_eq!(of("requests_per_minute = 0").unwrap().requests_per_minute, None);
        assert!(of("owners = []").unwrap().owners.is_none());
    }
}
