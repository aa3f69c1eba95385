//! A kenbun profile's settings: what they are, and what a profile made of them.

use std::time::Duration;

use http::HeaderValue;

use crate::config::{ConfigError, Profile, Secret, SettingKind, SettingSpec};
use crate::domain::{Person, PersonId, SafeText, Verbatim};
use crate::vendor::http::{basic, bearer};
use crate::vendor::settings::Given;

/// The most ids that one bulk call may hold.
const MOST_IN_BULK: i64 = 500;

/// Credentials of which a profile needs one set.
pub const CREDENTIALS: &[&[&str]] = &[&["token"], &["client_id", "client_secret"]];

/// Every setting with its default.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        name: "base_url",
        kind: SettingKind::Text,
        default: Some("\"https://api.kenbun.io\""),
        doc: "Where the API is; older accounts may need https://api.leadvibe.com or a host of their own.",
    },
    SettingSpec {
        name: "auth",
        kind: SettingKind::Choice(&["bearer", "basic"]),
        default: Some("\"bearer\""),
        doc: "How to sign in: bearer sends token (a personal access token or a session token), basic sends client_id and \
              client_secret (a service account).",
    },
    SettingSpec {
        name: "token",
        kind: SettingKind::Secret,
        default: None,
        doc: "The personal access token (kbn_pat_…), for auth = \"bearer\".",
    },
    SettingSpec {
        name: "client_id",
        kind: SettingKind::Secret,
        default: None,
        doc: "The service account's client id, for auth = \"basic\".",
    },
    SettingSpec {
        name: "client_secret",
        kind: SettingKind::Secret,
        default: None,
        doc: "The service account's client secret, for auth = \"basic\".",
    },
    SettingSpec {
        name: "org_unit",
        kind: SettingKind::Text,
        default: None,
        doc: "The unit_id of the organizational unit to work in; it is made the active one before leads are read or \
              written. Without it the active unit is left as it is.",
    },
    SettingSpec {
        name: "page_size",
        kind: SettingKind::Integer { min: 1, max: 1_000 },
        default: Some("100"),
        doc: "How many leads to ask for at a time; the server may give fewer, which is noticed.",
    },
    SettingSpec {
        name: "owner_id_field",
        kind: SettingKind::Text,
        default: Some("\"auto\""),
        doc: "The field of a member that is the id for assignments: user_id, id or org_member_id; auto takes the first of \
              these that a member has.",
    },
    SettingSpec {
        name: "owners",
        kind: SettingKind::People,
        default: None,
        doc: "Owners by hand, as { id, name, email }: needed where members' ids are not the ids that assignments want, or \
              where the credentials may not list members.",
    },
    SettingSpec {
        name: "owners_mode",
        kind: SettingKind::Choice(&["replace", "extend"]),
        default: Some("\"replace\""),
        doc: "Whether owners stands in for the members that kenbun lists, or is added to them.",
    },
    SettingSpec {
        name: "verify",
        kind: SettingKind::Choice(&["on_mismatch", "always"]),
        default: Some("\"on_mismatch\""),
        doc: "When leads are read back after a change: where kenbun's count is short or its answer was lost, or always.",
    },
    SettingSpec {
        name: "bulk_size",
        kind: SettingKind::Integer { min: 1, max: MOST_IN_BULK },
        default: Some("500"),
        doc: "How many leads go into one bulk change; kenbun takes at most 500.",
    },
    SettingSpec {
        name: "fetch_names",
        kind: SettingKind::Choice(&["visible", "all", "off"]),
        default: Some("\"visible\""),
        doc: "Which leads' names to ask for; kenbun's lists have none, so each costs a request: those of the leads on the \
              screen, those of all leads after each load, or none.",
    },
    SettingSpec {
        name: "requests_per_minute",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("600"),
        doc: "The pace of requests; kenbun documents no limit, so this is a polite default. 0 sends without a limit.",
    },
    SettingSpec {
        name: "parallel",
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

/// Which field of a member is the id that assignments use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdField {
    /// The first of [`IdField::USUAL`] that a member has.
    Auto,
    Named(String),
}

impl IdField {
    pub const USUAL: [&'static str; 3] = ["user_id", "id", "org_member_id"];
}

/// Which leads' names are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchNames {
    Visible,
    All,
    Off,
}

/// What `owners` is to the members that the server lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnersMode {
    Replace,
    Extend,
}

/// When leads are read back after an answer that says all went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    OnMismatch,
    Always,
}

/// A profile's settings with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub authorization: HeaderValue,
    /// What must never be shown, should the server repeat it.
    pub secrets: Vec<Secret>,
    pub org_unit: Option<String>,
    pub page_size: usize,
    pub owner_id_field: IdField,
    pub owners: Vec<Person>,
    pub owners_mode: OwnersMode,
    pub verify: Verify,
    pub bulk_size: usize,
    pub fetch_names: FetchNames,
    /// `None`: no limit.
    pub requests_per_minute: Option<u32>,
    pub parallel: usize,
    pub freshness: Duration,
    pub timeout: Duration,
    pub retries: u32,
}

impl Settings {
    /// Reads a profile. Fetches its secrets.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let given = Given { profile, specs: SPECS };
        let (authorization, secrets) = credentials(profile)?;
        let org_unit = profile.text("org_unit").map(str::to_owned);
        if org_unit.as_deref().is_some_and(|unit| unit.trim().is_empty()) {
            let message = "org_unit is empty; leave it out to work in the unit that is active".to_owned();
            return Err(profile.error("org_unit", message));
        }
        let owner_id_field = match profile.text("owner_id_field") {
            None | Some("auto") => IdField::Auto,
            Some(name) if name.trim().is_empty() => {
                return Err(
                    profile.error("owner_id_field", "owner_id_field is empty; write \"auto\" or a field's name")
                );
            }
            Some(name) => IdField::Named(name.to_owned()),
        };
        Ok(Self {
            authorization,
            secrets,
            org_unit,
            page_size: given.whole("page_size")?,
            owner_id_field,
            owners: owners(profile)?,
            owners_mode: match profile.text("owners_mode") {
                Some("extend") => OwnersMode::Extend,
                _ => OwnersMode::Replace,
            },
            verify: match profile.text("verify") {
                Some("always") => Verify::Always,
                _ => Verify::OnMismatch,
            },
            bulk_size: given.whole("bulk_size")?,
            fetch_names: match given.choice("fetch_names")? {
                "off" => FetchNames::Off,
                "all" => FetchNames::All,
                _ => FetchNames::Visible,
            },
            requests_per_minute: Some(given.whole("requests_per_minute")?).filter(|pace| *pace > 0),
            parallel: given.whole("parallel")?,
            freshness: Duration::from_secs(given.whole("freshness_s")?),
            timeout: Duration::from_secs(given.whole("timeout_s")?),
            retries: given.whole("retries")?,
        })
    }
}

fn credentials(profile: &Profile) -> Result<(HeaderValue, Vec<Secret>), ConfigError> {
    let has = |name: &str| profile.secrets.contains_key(name);
    let (token, service) = (has("token"), has("client_id") || has("client_secret"));
    let name = &profile.name;
    let use_basic = match profile.text("auth") {
        Some("basic") => true,
        Some(_) => false,
        None if token && service => {
            let message = format!(
                "profile {name} has both a token and a service account's client_id or client_secret: take one out, or say \
                 which is meant with auth = \"bearer\" or auth = \"basic\""
            );
            return Err(profile.error("token", message));
        }
        // A service account cannot be meant for anything else.
        None => service,
    };
    let need = |key: &str, auth: &str| {
        profile.secret(key)?.ok_or_else(|| {
            let message =
                format!("profile {name} needs {key} for auth = \"{auth}\", such as {key} = {{ env = \"VARIABLE\" }}");
            profile.error("auth", message)
        })
    };
    if use_basic {
        let (id, secret) = (need("client_id", "basic")?, need("client_secret", "basic")?);
        let value = basic(&id, &secret).map_err(|error| profile.error("client_id", error.message))?;
        // A server that repeats a header repeats it in this form.
        let pair = value.to_str().ok().and_then(|value| value.strip_prefix("Basic ")).unwrap_or_default();
        let pair = Secret::from(pair.to_owned());
        Ok((value, vec![secret, pair]))
    } else {
        let token = need("token", "bearer")?;
        let value = bearer(&token).map_err(|error| profile.error("token", error.message))?;
        Ok((value, vec![token]))
    }
}

fn owners(profile: &Profile) -> Result<Vec<Person>, ConfigError> {
    let Some(list) = profile.setting("owners").and_then(toml::Value::as_array) else { return Ok(Vec::new()) };
    let mut owners: Vec<Person> = Vec::with_capacity(list.len());
    for (number, entry) in (1..).zip(list) {
        let text = |key: &str| entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let wrong = |why: &str| profile.error("owners", format!("owner {number} of the list owners {why}"));
        if text("id").trim().is_empty() {
            return Err(wrong("has no id"));
        }
        if text("name").trim().is_empty() {
            return Err(wrong("has no name; kenbun stores the name that is sent with an assignment"));
        }
        let id = PersonId::new(text("id"));
        if owners.iter().any(|owner| owner.id == id) {
            return Err(wrong("has the id of an earlier one"));
        }
        owners.push(Person {
            id,
            name: Verbatim::new(text("name")),
            email: SafeText::new(text("email")),
            ..Person::default()
        });
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretSource;
    use crate::domain::VendorKind;

    fn profile(secrets: &[&str], settings: &str) -> Profile {
        let mut profile = Profile::new("sales", VendorKind::Kenbun, "https://api.kenbun.io");
        for name in secrets {
            let command = format!("echo the-{name}");
            profile.secrets.insert((*name).to_owned(), SecretSource::Command(command));
        }
        profile.settings = settings.parse::<toml::Table>().unwrap().into_iter().collect();
        profile
    }

    fn header(secrets: &[&str], settings: &str) -> Result<String, String> {
        Settings::of(&profile(secrets, settings))
            .map(|settings| settings.authorization.to_str().unwrap().to_owned())
            .map_err(|error| error.message)
    }

    #[test]
    fn both_ways_to_sign_in() {
        let basic = Ok("Basic dGhlLWNsaWVudF9pZDp0aGUtY2xpZW50X3NlY3JldA==".to_owned());
        let bearer = Ok("Bearer the-token".to_owned());
        assert_eq!(header(&["token"], ""), bearer);
        assert_eq!(header(&["token"], "auth = \"bearer\""), bearer);
        assert_eq!(header(&["client_id", "client_secret"], ""), basic);
        assert_eq!(header(&["client_id", "client_secret"], "auth = \"basic\""), basic);
        let all = ["token", "client_id", "client_secret"];
        assert_eq!(header(&all, "auth = \"basic\""), basic);
        assert_eq!(header(&all, "auth = \"bearer\""), bearer);
        assert!(header(&all, "").unwrap_err().contains("both a token and"));
        assert!(header(&[], "").unwrap_err().contains("needs token"));
        assert!(header(&["token"], "auth = \"basic\"").unwrap_err().contains("needs client_id"));
        assert!(header(&["client_id"], "").unwrap_err().contains("needs client_secret"));
        assert!(header(&["client_id", "client_secret"], "auth = \"bearer\"").unwrap_err().contains("needs token"));
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let made = Settings::of(&profile(&["token"], "")).unwrap();
        let written: String = SPECS
            .iter()
            .filter_map(|spec| Some(format!("{} = {}\n", spec.name, spec.default?)))
            .filter(|line| !line.starts_with("base_url"))
            .collect();
        let spelled_out = Settings::of(&profile(&["token"], &written)).unwrap();
        assert_eq!(format!("{made:?}"), format!("{spelled_out:?}"));
        assert_eq!((made.page_size, made.bulk_size, made.fetch_names), (100, 500, FetchNames::Visible));
        assert!(SPECS.iter().all(|spec| spec.doc.ends_with('.') && !spec.doc.contains("  ")));
    }

    #[test]
    fn wrong_values_are_told() {
        for (settings, words) in [
            ("bulk_size = 501", "bulk_size must be from 1 to 500, not 501"),
            ("bulk_size = 0", "bulk_size must be from 1"),
            ("org_unit = \" \"", "org_unit is empty"),
            ("owners = [{ id = \"u1\" }]", "owner 1 of the list owners has no name"),
            ("owners = [{ id = \"u1\", name = \"A\" }, { id = \"u1\", name = \"B\" }]", "id of an earlier one"),
        ] {
            let error = Settings::of(&profile(&["token"], settings)).unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
        assert_eq!(Settings::of(&profile(&["token"], "requests_per_minute = 0")).unwrap().requests_per_minute, None);
    }
}
