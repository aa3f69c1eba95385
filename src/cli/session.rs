//! What most commands begin with: the configuration, the profiles that are meant, and an engine over them.

use std::path::Path;

use super::args::{Format, Global};
use super::exit::Failure;
use super::output::{self, say};
use super::waiting;
use crate::backend::Engine;
use crate::config::{Config, ConfigErrors, Paths, Profile, files, nearest};
use crate::domain::ProfileName;
use crate::domain::history::{HistoryFilter, OperationSummary};
use crate::domain::safe_text::visible;
use crate::journal::{Journal, JournalError};
use crate::runtime::log;
use crate::runtime::setup::setup;
use crate::vendor::registry;

/// A command's surroundings.
pub struct Session {
    pub paths: Paths,
    pub config: Config,
    pub format: Format,
    /// No motion on standard error either.
    pub plain: bool,
    /// As given with `--profile`.
    pub wanted: Vec<String>,
}

impl Session {
    pub fn load(global: &Global) -> Result<Self, Failure> {
        let paths = paths(global)?;
        let config = read_config(&paths)?;
        Ok(Self {
            paths,
            config,
            format: output::format(global.format),
            plain: is_plain(global),
            wanted: global.profile.clone(),
        })
    }

    /// The profiles that this command works on: those named with `--profile`, else the default, else the only one.
    pub fn profiles(&self) -> Result<Vec<&Profile>, Failure> {
        let config = &self.config;
        if config.profiles.is_empty() {
            return Err(Failure::wrong_use(format!(
                "there is no profile in {}; add one as `switchboard config init` describes it",
                self.paths.config.display()
            )));
        }
        if self.means_all() {
            return Ok(config.profiles.iter().collect());
        }
        if self.wanted.is_empty() {
            return match (&config.default_profile, config.profiles.as_slice()) {
                (Some(name), _) => self.profile(name.as_str()).map(|profile| vec![profile]),
                (None, [only]) => Ok(vec![only]),
                (None, several) => Err(Failure::wrong_use(format!(
                    "there are several profiles ({}); name one with --profile, take all of them with --profile all, or \
                     set default_profile in {}",
                    names(several),
                    self.paths.config.display()
                ))),
            };
        }
        let mut chosen: Vec<&Profile> = Vec::new();
        for name in &self.wanted {
            let profile = self.profile(name)?;
            if !chosen.iter().any(|known| known.name == profile.name) {
                chosen.push(profile);
            }
        }
        Ok(chosen)
    }

    /// Every profile is meant, not those that somebody named.
    pub fn means_all(&self) -> bool {
        self.wanted.iter().any(|name| name == "all")
    }

    /// As [`profiles`](Self::profiles), for commands that write. Read-only ones are left out where every profile is
    /// meant, and refused where they were named.
    pub fn profiles_to_write(&self) -> Result<Vec<&Profile>, Failure> {
        let profiles = self.profiles()?;
        let (read_only, writable): (Vec<&Profile>, Vec<&Profile>) =
            profiles.into_iter().partition(|profile| profile.read_only);
        if !self.means_all() || writable.is_empty() {
            refuse_read_only(read_only)?;
            return Ok(writable);
        }
        for profile in read_only {
            say(&format!("{} is read-only in the configuration and is left out", profile.name));
        }
        Ok(writable)
    }

    /// The profile called `name`, or a sentence with the ones that exist.
    pub fn profile(&self, name: &str) -> Result<&Profile, Failure> {
        self.config.profile(name).ok_or_else(|| {
            let known = self.config.profiles.iter().map(|profile| profile.name.as_str());
            let hint = match nearest(name, known) {
                Some(near) => format!("; did you mean {near}?"),
                None => format!("; there are {}", names(&self.config.profiles)),
            };
            Failure::wrong_use(format!("there is no profile \"{}\"{hint}", visible(name)))
        })
    }

    /// Whether an operation went to one of the profiles named with `--profile`; every one where none is named.
    pub fn concerns(&self, operation: &OperationSummary) -> bool {
        let named = |name: &String| name == "all" || operation.parts.iter().any(|part| part.profile.as_str() == name);
        self.wanted.is_empty() || self.wanted.iter().any(named)
    }

    pub fn journal(&self) -> Result<Journal, Failure> {
        Ok(Journal::open(&self.paths.data)?)
    }

    /// For commands about what was done: refuses a `--profile` that is neither in the configuration nor in the journal,
    /// where a profile of earlier still is.
    pub fn refuse_strangers(&self, journal: &Journal) -> Result<(), Failure> {
        for name in self.wanted.iter().filter(|name| *name != "all") {
            let Err(failure) = self.profile(name) else { continue };
            let of_it = HistoryFilter { profile: Some(ProfileName::new(name)), ..HistoryFilter::default() };
            if journal.count_where(&of_it)? == 0 {
                return Err(failure);
            }
        }
        Ok(())
    }

    /// An engine over `profiles`. Fetches their secrets; a profile that cannot be used is told when it is asked for.
    pub fn engine(&self, profiles: &[&Profile]) -> Result<Engine, Failure> {
        self.engine_with(self.journal()?, profiles)
    }

    pub fn engine_with(&self, journal: Journal, profiles: &[&Profile]) -> Result<Engine, Failure> {
        let engine = Engine::open(setup(&self.config, profiles, journal, &self.paths.data))?;
        waiting::tell_pauses(&engine, self.plain);
        Ok(engine)
    }

    /// As [`engine`](Self::engine), and a profile that cannot be used (a missing secret, a wrong setting) is an error
    /// at once.
    pub fn usable_engine(&self, profiles: &[&Profile]) -> Result<Engine, Failure> {
        let engine = self.engine(profiles)?;
        refuse_unusable(&engine)?;
        Ok(engine)
    }
}

/// Profiles that cannot be used make the whole command wrong.
pub fn refuse_unusable(engine: &Engine) -> Result<(), Failure> {
    let problems: Vec<String> = engine
        .profiles()
        .iter()
        .filter_map(|profile| profile.capabilities.as_ref().err().map(ToString::to_string))
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::wrong_use(problems.join("\n"))) }
}

/// Write actions do not exist in read-only profiles.
pub fn refuse_read_only<'a>(profiles: impl IntoIterator<Item = &'a Profile>) -> Result<(), Failure> {
    match profiles.into_iter().find(|profile| profile.read_only) {
        Some(profile) => Err(Failure::refused(format!(
            "the profile {} is read-only in the configuration; nothing was sent",
            profile.name
        ))),
        None => Ok(()),
    }
}

/// Where configuration and data lie.
pub fn paths(global: &Global) -> Result<Paths, Failure> {
    let given = |path: &Option<std::path::PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
    Ok(Paths::find(given(&global.config), given(&global.data_dir))?)
}

/// Whether everything that moves or is coloured is to be left out.
pub fn is_plain(global: &Global) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    global.plain || set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Reads the configuration, with every vendor's settings to check it against.
pub fn read_config(paths: &Paths) -> Result<Config, Failure> {
    if !paths.config.exists() {
        return Err(Failure::wrong_use(format!(
            "there is no configuration at {}; `switchboard config init` writes one to fill in, `switchboard demo` shows \
             everything on made-up data",
            paths.config.display()
        )));
    }
    Config::read(&paths.config, &registry::settings()).map_err(|ConfigErrors(errors)| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::wrong_use(lines.join("\n"))
    })
}

/// Makes the data folder where it is missing, and begins to log into it.
pub fn prepare(data: &Path) -> Result<(), Failure> {
    files::private_folder(data)
        .map_err(|error| Failure::wrong_use(format!("the data folder {} cannot be made: {error}", data.display())))?;
    log::start(data);
    Ok(())
}

fn names(profiles: &[Profile]) -> String {
    profiles.iter().map(|profile| profile.name.to_string()).collect::<Vec<_>>().join(", ")
}

/// Profiles in the order of the configuration, once each.
pub fn ordered<'a>(
    session: &'a Session,
    names: impl IntoIterator<Item = &'a ProfileName>,
) -> Result<Vec<&'a Profile>, Failure> {
    let mut profiles: Vec<&Profile> = Vec::new();
    for name in names {
        let profile = session.profile(name.as_str())?;
        if !profiles.iter().any(|known| known.name == profile.name) {
            profiles.push(profile);
        }
    }
    Ok(profiles)
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match &error {
            JournalError::NoSuchOperation(_) | JournalError::NoSuchSnapshot(..) | JournalError::Ambiguous(..) => {
                Self::wrong_use(error.to_string())
            }
            JournalError::Held { .. } => Self::refused(error.to_string()),
            _ => Self::nothing(error.to_string()),
        }
    }
}
