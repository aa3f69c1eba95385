//! A whole configuration from its text, with everything that is wrong with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use strum::IntoEnumIterator;

use super::nearest::names_hint;
use super::read::{self, Entry, Node};
use super::values::{self, Wrong};
use super::{ConfigError, ConfigErrors, Origin, Profile, SettingKind, SettingSpec, VendorSettings};
use crate::domain::query::{Query, Sort, Vocabulary};
use crate::domain::{Field, Links, ProfileName, VendorKind};

/// A configuration that was understood and holds no mistakes.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it was read; `None` for one that was made in memory.
    pub file: Option<PathBuf>,
    pub default_profile: Option<ProfileName>,
    /// In the order of the file.
    pub profiles: Vec<Profile>,
    pub views: Vec<View>,
    pub keys: Vec<KeyOverride>,
    pub people: Links,
    pub caps: Vec<OwnerCap>,
    /// Teams of agents by name, with their user ids.
    pub teams: BTreeMap<String, Vec<String>>,
    pub settings: Settings,
    /// What is allowed but should be looked at.
    pub warnings: Vec<ConfigError>,
}

/// A saved view: a named query with columns and sort.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    pub name: String,
    pub query: String,
    /// Empty: the usual columns.
    pub columns: Vec<Field>,
    pub sort: Option<Sort>,
    /// Empty: every profile that is open.
    pub profiles: Vec<ProfileName>,
    pub include_closed: bool,
    pub line: usize,
}

/// Keys for an action, in place of those it has by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyOverride {
    /// The pane or dialog (`[keys.leads]`); `None` for actions that stand right under `[keys]`.
    pub scope: Option<String>,
    pub action: String,
    /// In key notation; empty takes the action's keys away.
    pub keys: Vec<String>,
    pub line: usize,
}

/// How many leads one owner should have at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerCap {
    /// A person of `[people]`, an id, or a full name.
    pub owner: String,
    pub leads: usize,
    pub line: usize,
}

/// What the app itself can be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub theme: Theme,
    pub mouse: bool,
    /// From this many changes on, a plan asks for its count to be typed.
    pub large_plan: usize,
    /// How old a before-value may be when it is sent; `None`: as each vendor has it.
    pub freshness: Option<Duration>,
    /// Plans with more changes than this need a second person; `None`: none does.
    pub approval_above: Option<usize>,
    /// Owners who would get more leads than this are pointed out.
    pub owner_cap: Option<usize>,
    /// Leads that were changed within this time are pointed out.
    pub recent_changes: Duration,
    /// Operations older than this may be removed from the history; `None`: they stay for good.
    pub retention: Option<Duration>,
}

/// The colours of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::EnumString, strum::Display, strum::EnumIter)]
#[strum(serialize_all = "kebab-case")]
pub enum Theme {
    #[default]
    Dark,
    Light,
    HighContrast,
    Mono,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::Dark,
            mouse: true,
            large_plan: 50,
            freshness: None,
            approval_above: None,
            owner_cap: None,
            recent_changes: Duration::from_secs(600),
            retention: None,
        }
    }
}

/// The keys of `[settings]`.
pub const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "theme",
        kind: SettingKind::Choice(&["dark", "light", "high-contrast", "mono"]),
        default: Some("\"dark\""),
        doc: "The colours of the screen. NO_COLOR and --plain win over it.",
    },
    SettingSpec {
        name: "mouse",
        kind: SettingKind::Switch,
        default: Some("true"),
        doc: "Whether the mouse selects and scrolls. It never triggers a write.",
    },
    SettingSpec {
        name: "large_plan",
        kind: SettingKind::Integer { min: 1, max: 1_000_000 },
        default: Some("50"),
        doc: "From this many changes on, a plan is confirmed by typing their count.",
    },
    SettingSpec {
        name: "freshness",
        kind: SettingKind::Duration,
        default: None,
        doc: "How old a lead's owner may be when a change is sent; older ones are read again first. \
              Without it each vendor has its own.",
    },
    SettingSpec {
        name: "approval_above",
        kind: SettingKind::Integer { min: 0, max: 1_000_000 },
        default: None,
        doc: "Plans with more changes than this need a second person: they are saved as a file, approved with \
              `switchboard approve`, and refused without that. Without it no plan needs one.",
    },
    SettingSpec {
        name: "owner_cap",
        kind: SettingKind::Integer { min: 1, max: 1_000_000 },
        default: None,
        doc: "Before a plan is confirmed, owners who would have more leads than this are pointed out, and the count of \
              changes is asked for. [caps] has other numbers for single owners.",
    },
    SettingSpec {
        name: "recent_changes",
        kind: SettingKind::Duration,
        default: Some("\"10m\""),
        doc: "Before a plan is confirmed, leads that anyone changed from here within this time are pointed out, and the \
              count of changes is asked for. \"0s\" turns it off.",
    },
    SettingSpec {
        name: "retention",
        kind: SettingKind::Duration,
        default: None,
        doc: "How long operations stay in the history. Older ones are pointed out at the start and removed by \
              `switchboard prune`, never by themselves. Without it they stay for good.",
    },
];

/// The keys of a profile that every vendor has.
const PROFILE_KEYS: [&str; 3] = ["vendor", "base_url", "read_only"];

impl Config {
    /// Reads a file. `vendors` says what the profiles of each vendor may hold.
    pub fn read(file: &Path, vendors: &[VendorSettings]) -> Result<Self, ConfigErrors> {
        let unreadable = |why: String| ConfigError { file: Some(file.to_owned()), line: None, message: why };
        let text = fs::read(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => unreadable("there is no such configuration file".to_owned()),
            _ => unreadable(format!("this configuration file cannot be read: {error}")),
        })?;
        let text = String::from_utf8(text).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ConfigError {
                file: Some(file.to_owned()),
                line: Some(1 + good.iter().filter(|byte| **byte == b'\n').count()),
                message: "this is not valid text (UTF-8)".to_owned(),
            }
        })?;
        let mut config = Self::parse(&text, Some(file), vendors)?;
        if writable_by_others(file) {
            config.warnings.push(unreadable(
                "others may change this file, and with it the commands that fetch secrets: chmod go-w it".to_owned(),
            ));
        }
        Ok(config)
    }

    /// Understands `text`, which stands in `file`; paths in it are relative to that file's folder.
    pub fn parse(text: &str, file: Option<&Path>, vendors: &[VendorSettings]) -> Result<Self, ConfigErrors> {
        let root = match read::read(text) {
            Ok(root) => root,
            Err(error) => return Err(ConfigError { file: file.map(Path::to_owned), ..error }.into()),
        };
        let folder = file.and_then(Path::parent).map(absolute).unwrap_or_default();
        let mut loader = Loader { vendors, folder, config: Self::default(), wrong: Vec::new() };
        loader.config.file = file.map(Path::to_owned);
        loader.root(&root);
        let Loader { config, mut wrong, .. } = loader;
        if wrong.is_empty() {
            return Ok(config);
        }
        wrong.sort_by_key(|wrong| wrong.line);
        Err(ConfigErrors(
            wrong
                .into_iter()
                .map(|Wrong { line, message }| ConfigError {
                    file: file.map(Path::to_owned),
                    line: Some(line),
                    message,
                })
                .collect(),
        ))
    }

    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name.as_str() == name)
    }
}

fn count(value: &toml::Value) -> Option<usize> {
    value.as_integer().and_then(|count| usize::try_from(count).ok())
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .unwrap_or_else(|_| folder.to_owned())
}

#[cfg(unix)]
fn writable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn writable_by_others(_file: &Path) -> bool {
    false
}

/// What is being put together while a file is read.
pub(super) struct Loader<'a> {
    vendors: &'a [VendorSettings],
    folder: PathBuf,
    pub(super) config: Config,
    wrong: Vec<Wrong>,
}

impl Loader<'_> {
    pub(super) fn complain(&mut self, line: usize, message: impl Into<String>) {
        self.wrong.push(Wrong { line, message: message.into() });
    }

    /// Keeps the good value; a bad one becomes a complaint.
    pub(super) fn take<T>(&mut self, read: Result<T, Wrong>) -> Option<T> {
        read.map_err(|wrong| self.wrong.push(wrong)).ok()
    }

    /// `entry` as a table, or a complaint.
    pub(super) fn table<'n>(&mut self, what: &str, entry: &'n Entry) -> &'n [Entry] {
        match entry.node.table() {
            Some(entries) => entries,
            None => {
                self.complain(entry.line, format!("{what} must be a table, not {}", entry.node.kind()));
                &[]
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, place: &str, known: &[&str]) {
        let hint = names_hint(&entry.key, known.iter().copied());
        self.complain(entry.line, format!("unknown key \"{}\" {place}{hint}", entry.key));
    }

    fn root(&mut self, root: &Node) {
        let known = ["default_profile", "profiles", "views", "keys", "people", "caps", "teams", "settings"];
        let entries = root.table().unwrap_or_default();
        // Profiles first: the others refer to them.
        for entry in entries.iter().filter(|entry| entry.key == "profiles") {
            for profile in self.table("profiles", entry) {
                self.profile(profile);
            }
        }
        for entry in entries {
            match entry.key.as_str() {
                "profiles" => {}
                "default_profile" => {
                    if let Some(name) = self.take(values::text("default_profile", &entry.node)) {
                        self.config.default_profile = self.known_profile("default_profile", &name, entry.line, entries);
                    }
                }
                "settings" => self.settings(entry),
                "caps" => self.caps(entry),
                "views" => self.views(entry, entries),
                "keys" => self.keys(entry),
                "people" => self.people(entry, entries),
                "teams" => {
                    for team in self.table("teams", entry) {
                        if let Some(members) = self.take(values::text_list(&team.key, &team.node)) {
                            self.config.teams.insert(team.key.clone(), members);
                        }
                    }
                }
                name => match SETTINGS.iter().find(|spec| spec.name == name) {
                    Some(_) => {
                        let what = format!("\"{name}\" has to stand below [settings], not at the top level");
                        self.complain(entry.line, what);
                    }
                    None => self.unknown_key(entry, "at the top level", &known),
                },
            }
        }
    }

    /// The profile called `name`. One that is written, but wrong, has its complaint already.
    pub(super) fn known_profile(&mut self, what: &str, name: &str, line: usize, root: &[Entry]) -> Option<ProfileName> {
        if self.is_profile(name, root) {
            return Some(ProfileName::new(name));
        }
        let hint = names_hint(name, written_profiles(root));
        self.complain(line, format!("{what} names the profile \"{name}\", which is not in this file{hint}"));
        None
    }

    /// Whether a profile of that name is written down, right or wrong.
    pub(super) fn is_profile(&self, name: &str, root: &[Entry]) -> bool {
        written_profiles(root).any(|written| written == name)
    }

    fn profile(&mut self, entry: &Entry) {
        let name = entry.key.as_str();
        let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == '.';
        if name.is_empty() || name == "all" || !name.chars().all(fits) {
            let why = if name == "all" { "\"all\" means every profile" } else { "use letters, digits, - and _" };
            return self.complain(entry.line, format!("a profile cannot be called \"{name}\": {why}"));
        }
        let keys = self.table(&format!("profiles.{name}"), entry);
        let Some(vendor) = self.vendor(name, entry, keys) else { return };
        let Some(spec) = self.vendors.iter().find(|settings| settings.vendor == vendor).copied() else {
            let has: Vec<String> = self.vendors.iter().map(|settings| settings.vendor.to_string()).collect();
            let message = format!("this Switchboard has no client for {}; it has {}", vendor.title(), has.join(", "));
            return self.complain(entry.line, message);
        };
        let mut profile = Profile::new(name, vendor, "");
        profile.origin = Origin { file: self.config.file.clone(), line: Some(entry.line), keys: BTreeMap::new() };
        let before = self.wrong.len();
        let mut base_url = None;
        for key in keys {
            profile.origin.keys.insert(key.key.clone(), key.line);
            match key.key.as_str() {
                "vendor" => {}
                "base_url" => base_url = self.take(values::base_url(&key.node)).or(base_url),
                "read_only" => {
                    profile.read_only = self.take(values::switch("read_only", &key.node)).unwrap_or_default();
                }
                _ => self.setting(&mut profile, &spec, &key.key, key),
            }
        }
        let given = keys.iter().any(|key| key.key == "base_url");
        match base_url.or_else(|| (!given).then(|| default_base_url(&spec)).flatten()) {
            Some(url) => profile.base_url = url,
            None if !given => self.complain(
                entry.line,
                format!("profile {name} has no base_url; {} has no usual one, so it must be given", vendor.title()),
            ),
            None => {}
        }
        // A wrong credential has its complaint already; a second one about its absence would mislead.
        if self.wrong.len() == before {
            self.credentials(&profile, &spec, entry.line);
        }
        self.config.profiles.push(profile);
    }

    fn vendor(&mut self, profile: &str, entry: &Entry, keys: &[Entry]) -> Option<VendorKind> {
        let words: Vec<&'static str> = VendorKind::iter().map(<&'static str>::from).collect();
        let Some(key) = keys.iter().find(|key| key.key == "vendor") else {
            let hint = keys
                .iter()
                .find(|key| super::nearest(&key.key, ["vendor"]).is_some())
                .map(|key| format!("; did you mean vendor where you wrote {}?", key.key))
                .unwrap_or_default();
            let message = format!("profile {profile} does not say its vendor ({}){hint}", words.join(", "));
            self.complain(entry.line, message);
            return None;
        };
        let word = self.take(values::choice("vendor", &key.node, &words))?;
        VendorKind::from_str(word).ok()
    }

    /// A vendor's setting, whose dotted name so far is `path`.
    fn setting(&mut self, profile: &mut Profile, vendor: &VendorSettings, path: &str, entry: &Entry) {
        profile.origin.keys.insert(path.to_owned(), entry.line);
        if let Some(spec) = vendor.settings.iter().find(|spec| spec.name == path) {
            if let SettingKind::Secret = spec.kind {
                if let Some(source) = self.take(values::secret(path, &entry.node, &self.folder)) {
                    profile.secrets.insert(path.to_owned(), source);
                }
            } else if let Some(value) = self.take(values::setting(path, spec.kind, &entry.node, &self.folder)) {
                profile.settings.insert(path.to_owned(), value);
            }
            return;
        }
        let prefix = format!("{path}.");
        if vendor.settings.iter().any(|spec| spec.name.starts_with(&prefix)) {
            for inner in self.table(path, entry) {
                self.setting(profile, vendor, &format!("{prefix}{}", inner.key), inner);
            }
            return;
        }
        let own = vendor.settings.iter().map(|spec| spec.name).filter(|name| !PROFILE_KEYS.contains(name));
        let known = PROFILE_KEYS.into_iter().chain(own);
        let hint = names_hint(path, known);
        let message = format!("unknown key \"{path}\" in this {} profile{hint}", vendor.vendor.title());
        self.complain(entry.line, message);
    }

    fn credentials(&mut self, profile: &Profile, vendor: &VendorSettings, line: usize) {
        let has = |set: &&&[&str]| set.iter().all(|name| profile.secrets.contains_key(*name));
        if vendor.credentials.is_empty() || vendor.credentials.iter().any(|set| has(&set)) {
            return;
        }
        // The set that was begun is the one that was meant.
        let begun = vendor.credentials.iter().find(|set| set.iter().any(|name| profile.secrets.contains_key(*name)));
        let message = match begun {
            Some(set) => {
                let missing: Vec<&str> =
                    set.iter().copied().filter(|name| !profile.secrets.contains_key(*name)).collect();
                format!("profile {} has no {}", profile.name, missing.join(" and no "))
            }
            None => {
                let sets: Vec<String> = vendor.credentials.iter().map(|set| set.join(" and ")).collect();
                let first = vendor.credentials.first().and_then(|set| set.first()).copied().unwrap_or_default();
                format!(
                    "profile {} has no credentials: {} takes {}, each from the environment, a command or a \
                     private file, such as {first} = {{ env = \"VARIABLE\" }}",
                    profile.name,
                    profile.vendor.title(),
                    sets.join(", or ")
                )
            }
        };
        self.complain(line, message);
    }

    fn settings(&mut self, entry: &Entry) {
        let known: Vec<&str> = SETTINGS.iter().map(|spec| spec.name).collect();
        for key in self.table("settings", entry) {
            let Some(spec) = SETTINGS.iter().find(|spec| spec.name == key.key) else {
                self.unknown_key(key, "in [settings]", &known);
                continue;
            };
            let Some(value) = self.take(values::setting(spec.name, spec.kind, &key.node, &self.folder)) else {
                continue;
            };
            let settings = &mut self.config.settings;
            match spec.name {
                "theme" => {
                    settings.theme = value.as_str().and_then(|word| Theme::from_str(word).ok()).unwrap_or_default();
                }
                "mouse" => settings.mouse = value.as_bool().unwrap_or(settings.mouse),
                "large_plan" => {
                    settings.large_plan = count(&value).unwrap_or(settings.large_plan);
                }
                "approval_above" => settings.approval_above = count(&value),
                "owner_cap" => settings.owner_cap = count(&value),
                "recent_changes" => {
                    let given = values::duration(spec.name, &key.node).ok();
                    settings.recent_changes = given.unwrap_or(settings.recent_changes);
                }
                "retention" => settings.retention = values::duration(spec.name, &key.node).ok(),
                _ => settings.freshness = values::duration(spec.name, &key.node).ok(),
            }
        }
    }

    fn caps(&mut self, entry: &Entry) {
        for key in self.table("caps", entry) {
            let leads = values::integer(&format!("caps.{}", key.key), &key.node, 1, 1_000_000);
            if let Some(leads) = self.take(leads).and_then(|leads| usize::try_from(leads).ok()) {
                self.config.caps.push(OwnerCap { owner: key.key.clone(), leads, line: key.line });
            }
        }
    }

    /// `[views.NAME]`, or `[[views]]` with a `name`.
    fn views(&mut self, entry: &Entry, root: &[Entry]) {
        if let Some(list) = entry.node.list() {
            for node in list {
                let keys = node.table().unwrap_or_default();
                let name = keys.iter().find(|key| key.key == "name");
                match name.map(|key| values::text("name", &key.node)) {
                    Some(Ok(name)) => self.view(&name, node.line, keys, root),
                    Some(Err(wrong)) => self.wrong.push(wrong),
                    None => self.complain(node.line, "a view needs a name"),
                }
            }
            return;
        }
        for view in self.table("views", entry) {
            let keys = self.table(&format!("views.{}", view.key), view);
            self.view(&view.key, view.line, keys, root);
        }
    }

    fn view(&mut self, name: &str, line: usize, keys: &[Entry], root: &[Entry]) {
        if name.trim().is_empty() || self.config.views.iter().any(|view| view.name == name) {
            let why = if name.trim().is_empty() { "has an empty name" } else { "is there twice" };
            return self.complain(line, format!("the view \"{name}\" {why}"));
        }
        let mut view = View { name: name.to_owned(), line, ..View::default() };
        for key in keys {
            match key.key.as_str() {
                "name" => {}
                "query" => view.query = self.query(&key.node),
                "columns" => view.columns = self.columns(&key.node),
                "sort" => view.sort = self.sort(&key.node),
                "profiles" => {
                    let names = self.take(values::text_list("profiles", &key.node)).unwrap_or_default();
                    view.profiles = names
                        .iter()
                        .filter_map(|profile| self.known_profile(&format!("the view {name}"), profile, key.line, root))
                        .collect();
                }
                "include_closed" => {
                    view.include_closed = self.take(values::switch("include_closed", &key.node)).unwrap_or_default();
                }
                _ => {
                    let known = ["query", "columns", "sort", "profiles", "include_closed"];
                    self.unknown_key(key, &format!("in the view {name}"), &known);
                }
            }
        }
        self.config.views.push(view);
    }

    /// A query that can be understood. Whether a vendor gives all of its fields is known only when the view is opened.
    fn query(&mut self, node: &Node) -> String {
        let text = self.take(values::text("query", node)).unwrap_or_default();
        if let Err(error) = Query::parse_with(&text, &Vocabulary::everything()) {
            self.complain(node.line, format!("the query \"{text}\" is wrong: {}", error.message));
        }
        text
    }

    fn columns(&mut self, node: &Node) -> Vec<Field> {
        let mut columns = Vec::new();
        for name in self.take(values::text_list("columns", node)).unwrap_or_default() {
            match Field::from_str(&name) {
                Ok(field) if columns.contains(&field) => {
                    self.complain(node.line, format!("the column {name} is there twice"));
                }
                Ok(field) => columns.push(field),
                Err(_) => {
                    let message = format!("there is no column \"{name}\"{}", field_hint(&name));
                    self.complain(node.line, message);
                }
            }
        }
        columns
    }

    /// `created`, `score desc`, `name asc`.
    fn sort(&mut self, node: &Node) -> Option<Sort> {
        let text = self.take(values::text("sort", node))?;
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let Ok(field) = Field::from_str(name) else {
            self.complain(node.line, format!("there is no column \"{name}\" to sort by{}", field_hint(name)));
            return None;
        };
        match (words.next(), words.next()) {
            (None | Some("asc"), None) => Some(Sort { field, descending: false }),
            (Some("desc"), None) => Some(Sort { field, descending: true }),
            _ => {
                self.complain(node.line, format!("sort is a column and asc or desc, such as \"{name} desc\""));
                None
            }
        }
    }

    fn keys(&mut self, entry: &Entry) {
        for key in self.table("keys", entry) {
            match key.node.table() {
                Some(entries) => {
                    for inner in entries {
                        self.key(Some(&key.key), inner);
                    }
                }
                None => self.key(None, key),
            }
        }
    }

    fn key(&mut self, scope: Option<&str>, entry: &Entry) {
        let Some(keys) = self.take(values::text_list(&entry.key, &entry.node)) else { return };
        self.config.keys.push(KeyOverride {
            scope: scope.map(str::to_owned),
            action: entry.key.clone(),
            keys: keys.into_iter().filter(|key| !key.is_empty()).collect(),
            line: entry.line,
        });
    }
}

pub(super) fn written_profiles(root: &[Entry]) -> impl Iterator<Item = &str> {
    let profiles = root.iter().filter(|entry| entry.key == "profiles");
    profiles.flat_map(|entry| entry.node.table().unwrap_or_default()).map(|entry| entry.key.as_str())
}

fn field_hint(name: &str) -> String {
    let words: Vec<&'static str> = Field::iter().map(<&'static str>::from).collect();
    match super::nearest(name, words.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None => format!("; there are {}", words.join(", ")),
    }
}

/// The vendor's usual base URL, where its settings have one.
fn default_base_url(vendor: &VendorSettings) -> Option<String> {
    let spec = vendor.settings.iter().find(|spec| spec.name == "base_url")?;
    let value: toml::Table = format!("base_url = {}", spec.default?).parse().ok()?;
    values::check_url(value.get("base_url")?.as_str()?).ok()
}
