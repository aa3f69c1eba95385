//! An Instantly profile's settings: what they are, and what a profile made of them.

use std::time::Duration;

use http::HeaderValue;

use crate::config::{ConfigError, Profile, Secret, SettingKind, SettingSpec};
use crate::vendor::http::bearer;
use crate::vendor::settings::Given;

/// The most rows that one page of any listing holds.
pub const PAGE: usize = 100;

/// Credentials of which a profile needs one set.
pub const CREDENTIALS: &[&[&str]] = &[&["token"]];

/// A member's roles, as the contract lists them.
const ROLES: [&str; 5] = ["owner", "admin", "editor", "view", "client"];

/// Who may be given leads unless a profile says otherwise.
const USUAL_ROLES: [&str; 3] = ["owner", "admin", "editor"];

/// Every setting with its default.
pub const SPECS: &[SettingSpec] = &[
    SettingSpec {
        name: "base_url",
        kind: SettingKind::Text,
        default: Some("\"https://api.instantly.ai\""),
        doc: "Where the API is, without the /api/v2 that every path begins with.",
    },
    SettingSpec {
        name: "token",
        kind: SettingKind::Secret,
        default: None,
        doc: "The API key (v2), which also selects the workspace; it needs the scopes to read and update leads and to read \
              workspace members, campaigns and lead lists.",
    },
    SettingSpec {
        name: "x-as-workspace",
        kind: SettingKind::Text,
        default: None,
        doc: "The id of a sub-workspace to work in, with the key of a workspace group's admin workspace.",
    },
    SettingSpec {
        name: "user_agent",
        kind: SettingKind::Text,
        default: None,
        doc: "The name this program gives itself, Switchboard/VERSION unless set; the guard before the API has been seen to \
              turn away (403, 1010) names that look like scripts.",
    },
    SettingSpec {
        name: "owner_id_field",
        kind: SettingKind::Choice(&["auto", "user_id", "id"]),
        default: Some("\"auto\""),
        doc: "Which id of a workspace member assignments use; auto takes the one that the owners of leads are found under, \
              and user_id where none is found.",
    },
    SettingSpec {
        name: "owner_roles",
        kind: SettingKind::TextList,
        default: Some("[\"owner\", \"admin\", \"editor\"]"),
        doc: "The roles whose members are offered as owners, of owner, admin, editor, view and client; open invitations \
              never are.",
    },
    SettingSpec {
        name: "require_scope",
        kind: SettingKind::Switch,
        default: Some("false"),
        doc: "Whether leads are listed campaign by campaign and list by list, for servers that refuse (400) a list without \
              either; leads in neither cannot be seen then.",
    },
    SettingSpec {
        name: "strategy",
        kind: SettingKind::Choice(&["auto", "patch", "bulk"]),
        default: Some("\"auto\""),
        doc: "How leads are assigned: patch changes one lead a request and knows at once, bulk hands many to a background job \
              that is read back, auto does the first for few leads and the second for many.",
    },
    SettingSpec {
        name: "patch_up_to",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: Some("50"),
        doc: "Up to how many leads auto changes one by one.",
    },
    SettingSpec {
        name: "bulk_chunk",
        kind: SettingKind::Integer { min: 1, max: 1_000 },
        default: Some("100"),
        doc: "How many leads go into one bulk call; no maximum is documented, a page of a list is 100.",
    },
    SettingSpec {
        name: "bulk_scope",
        kind: SettingKind::Choice(&["scoped", "ids_only"]),
        default: Some("\"scoped\""),
        doc: "Whether a bulk call names the campaign or list of its leads beside their ids (leads in neither are then \
              changed one by one), or the ids alone.",
    },
    SettingSpec {
        name: "bulk_limit",
        kind: SettingKind::Choice(&["off", "count"]),
        default: Some("\"off\""),
        doc: "Whether a bulk call also says how many leads it is about; what the API makes of that is not documented.",
    },
    SettingSpec {
        name: "guard_current_owner",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether a bulk call names the present owner, so that leads that were given to somebody else meanwhile are \
              left out; switch it off where an older server answers 400 to it.",
    },
    SettingSpec {
        name: "job_hint",
        kind: SettingKind::Switch,
        default: Some("false"),
        doc: "Whether to look for the background job of a bulk call and show it; it decides nothing.",
    },
    SettingSpec {
        name: "verify_deadline_s",
        kind: SettingKind::Integer { min: 1, max: 3_600 },
        default: Some("120"),
        doc: "For how many seconds a bulk call is read back before its leads are left as not known.",
    },
    SettingSpec {
        name: "job_settle_s",
        kind: SettingKind::Integer { min: 0, max: 86_400 },
        default: Some("600"),
        doc: "For how many seconds after that deadline a background job may still be running.",
    },
    SettingSpec {
        name: "freshness_s",
        kind: SettingKind::Integer { min: 0, max: 86_400 },
        default: Some("60"),
        doc: "How many seconds old a lead's owner may be when a change is sent; older ones are read again first.",
    },
    SettingSpec {
        name: "page_size",
        kind: SettingKind::Integer { min: 1, max: PAGE as i64 },
        default: Some("100"),
        doc: "How many leads to ask for at a time; the API gives at most 100.",
    },
    SettingSpec {
        name: "requests_per_minute",
        kind: SettingKind::Integer { min: 1, max: 6_000 },
        default: Some("3000"),
        doc: "The pace of requests, evenly spread: half of the 6000 that all tools of a workspace share.",
    },
    SettingSpec {
        name: "parallel",
        kind: SettingKind::Integer { min: 1, max: 64 },
        default: Some("8"),
        doc: "How many requests may be on the way at the same time.",
    },
    SettingSpec {
        name: "timeout_s",
        kind: SettingKind::Integer { min: 1, max: 600 },
        default: Some("30"),
        doc: "How many seconds the server may be silent before a request counts as lost; lists of leads have their own.",
    },
    SettingSpec {
        name: "list_timeout_s",
        kind: SettingKind::Integer { min: 120, max: 900 },
        default: Some("120"),
        doc: "How many seconds the server may think about a list of leads; large searches have been seen to take two minutes.",
    },
    SettingSpec {
        name: "retries",
        kind: SettingKind::Integer { min: 0, max: 20 },
        default: Some("4"),
        doc: "How often a reading is tried again after an error of the server or the line; changes never are.",
    },
];

/// Which id of a member is the one that assignments use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdField {
    Auto,
    UserId,
    Id,
}

/// How leads are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Patch,
    Bulk,
    /// One by one up to this many leads.
    Auto {
        patch_up_to: usize,
    },
}

/// A profile's settings with their defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    pub authorization: HeaderValue,
    /// What must never be shown, should the server repeat it.
    pub secrets: Vec<Secret>,
    /// The sub-workspace to act in.
    pub as_workspace: Option<String>,
    pub user_agent: Option<HeaderValue>,
    pub owner_id_field: IdField,
    pub owner_roles: Vec<String>,
    pub require_scope: bool,
    pub strategy: Strategy,
    pub bulk_chunk: usize,
    /// Send the campaign or list with the ids of a bulk call.
    pub scoped: bool,
    /// Send the number of ids as `limit`.
    pub count_as_limit: bool,
    pub guard: bool,
    pub job_hint: bool,
    pub verify_deadline: Duration,
    pub job_settle: Duration,
    pub freshness: Duration,
    pub page_size: usize,
    pub requests_per_minute: u32,
    pub parallel: usize,
    pub timeout: Duration,
    pub list_timeout: Duration,
    pub retries: u32,
}

impl Settings {
    /// Reads a profile. Fetches its secrets.
    pub fn of(profile: &Profile) -> Result<Self, ConfigError> {
        let given = Given { profile, specs: SPECS };
        let token = profile.secret("token")?.ok_or_else(|| {
            let message =
                format!("profile {} needs token, such as token = {{ env = \"INSTANTLY_API_KEY\" }}", profile.name);
            profile.error("token", message)
        })?;
        let authorization = bearer(&token).map_err(|error| profile.error("token", error.message))?;
        let seconds = |name| given.whole(name).map(Duration::from_secs);
        Ok(Self {
            authorization,
            secrets: vec![token],
            as_workspace: header_text(profile, "x-as-workspace")?,
            user_agent: header_text(profile, "user_agent")?
                .map(|name| HeaderValue::from_str(&name))
                .transpose()
                .map_err(|_| profile.error("user_agent", "user_agent holds characters that no HTTP header may hold"))?,
            owner_id_field: match given.choice("owner_id_field")? {
                "user_id" => IdField::UserId,
                "id" => IdField::Id,
                _ => IdField::Auto,
            },
            owner_roles: roles(profile)?,
            require_scope: profile.switch("require_scope").unwrap_or(false),
            strategy: match given.choice("strategy")? {
                "patch" => Strategy::Patch,
                "bulk" => Strategy::Bulk,
                _ => Strategy::Auto { patch_up_to: given.whole("patch_up_to")? },
            },
            bulk_chunk: given.whole("bulk_chunk")?,
            scoped: given.choice("bulk_scope")? == "scoped",
            count_as_limit: given.choice("bulk_limit")? == "count",
            guard: profile.switch("guard_current_owner").unwrap_or(true),
            job_hint: profile.switch("job_hint").unwrap_or(false),
            verify_deadline: seconds("verify_deadline_s")?,
            job_settle: seconds("job_settle_s")?,
            freshness: seconds("freshness_s")?,
            page_size: given.whole("page_size")?,
            requests_per_minute: given.whole("requests_per_minute")?,
            parallel: given.whole("parallel")?,
            timeout: seconds("timeout_s")?,
            list_timeout: seconds("list_timeout_s")?,
            retries: given.whole("retries")?,
        })
    }
}

/// A text that goes into a header.
fn header_text(profile: &Profile, name: &'static str) -> Result<Option<String>, ConfigError> {
    let Some(text) = profile.text(name) else { return Ok(None) };
    if text.trim().is_empty() {
        return Err(profile.error(name, format!("{name} is empty; leave it out for the usual")));
    }
    match HeaderValue::from_str(text) {
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err(profile.error(name, format!("{name} holds characters that no HTTP header may hold"))),
    }
}

fn roles(profile: &Profile) -> Result<Vec<String>, ConfigError> {
    let Some(list) = profile.setting("owner_roles").and_then(toml::Value::as_array) else {
        return Ok(USUAL_ROLES.map(str::to_owned).to_vec());
    };
    let roles: Vec<String> = list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    if let Some(strange) = roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
        let message = format!("owner_roles holds {strange:?}; the roles are {}", ROLES.join(", "));
        return Err(profile.error("owner_roles", message));
    }
    if roles.is_empty() {
        return Err(profile.error("owner_roles", "owner_roles is empty, so nobody could be given a lead"));
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretSource;
    use crate::domain::VendorKind;

    fn settings(text: &str) -> Result<Settings, ConfigError> {
        let mut profile = Profile::new("outreach", VendorKind::Instantly, "https://api.instantly.ai");
        profile.secrets.insert("token".to_owned(), SecretSource::Command("echo the-key".to_owned()));
        profile.settings = text.parse::<toml::Table>().unwrap().into_iter().collect();
        Settings::of(&profile)
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let made = settings("").unwrap();
        let written: String = SPECS
            .iter()
            .filter_map(|spec| Some(format!("{} = {}\n", spec.name, spec.default?)))
            .filter(|line| !line.starts_with("base_url"))
            .collect();
        assert_eq!(format!("{made:?}"), format!("{:?}", settings(&written).unwrap()));
        assert_eq!((made.page_size, made.bulk_chunk, made.parallel), (100, 100, 8));
        assert_eq!(made.strategy, Strategy::Auto { patch_up_to: 50 });
        assert!(made.scoped && made.guard && !made.require_scope && !made.count_as_limit);
        assert_eq!(made.authorization.to_str().unwrap(), "Bearer the-key");
        assert!(made.list_timeout >= Duration::from_secs(120));
        assert!(SPECS.iter().all(|spec| spec.doc.ends_with('.') && !spec.doc.contains("  ")));
    }

    #[test]
    fn wrong_values_are_told() {
        for (text, words) in [
            ("page_size = 101", "page_size must be from 1 to 100"),
            ("owner_id_field = \"email\"", "one of auto, user_id, id"),
            ("owner_roles = []", "nobody could be given a lead"),
            ("owner_roles = [\"boss\"]", "\"boss\"; the roles are owner, admin"),
            ("x-as-workspace = \" \"", "x-as-workspace is empty"),
            ("user_agent = \"a\\nb\"", "no HTTP header may hold"),
            ("list_timeout_s = 60", "list_timeout_s must be from 120"),
        ] {
            let error = settings(text).unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
        let profile = Profile::new("outreach", VendorKind::Instantly, "https://api.instantly.ai");
        assert!(Settings::of(&profile).unwrap_err().message.contains("needs token"));
    }
}
