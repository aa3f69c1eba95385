//! From a configuration to an engine.

use std::path::PathBuf;

use super::launch::{LaunchError, Opened, Opening};
use crate::backend::{Engine, ProfileSetup, Setup, Tuning, system_clock};
use crate::config::{Config, Profile};
use crate::domain::exchange::Problem;
use crate::domain::{ProfileName, SafeText};
use crate::journal::Journal;
use crate::vendor::{http, registry};

/// Opens the profiles called `wanted` (every one where that is empty), the journal and the engine, away from the event
/// loop: secrets come from commands that may take their time.
pub(super) fn engine(config: Config, wanted: Vec<ProfileName>, data: PathBuf) -> Opening {
    Box::pin(async move {
        let opened = tokio::task::spawn_blocking(move || {
            http::install_tls();
            let journal = Journal::open(&data).map_err(|error| Problem::new(error.to_string(), ""))?;
            Engine::open(setup(&config, &wanted, journal, data))
        });
        match opened.await {
            Ok(Ok(engine)) => Ok(Opened { engine, keep: Box::new(()) }),
            Ok(Err(problem)) => Err(LaunchError::Engine(problem)),
            Err(_) => Err(LaunchError::Engine(Problem::new("opening failed by a mistake in Switchboard", ""))),
        }
    })
}

fn setup(config: &Config, wanted: &[ProfileName], journal: Journal, data: PathBuf) -> Setup {
    let profiles = config.profiles.iter().filter(|profile| wanted.is_empty() || wanted.contains(&profile.name));
    Setup {
        profiles: profiles.map(|profile| profile_setup(config, profile)).collect(),
        journal,
        who: SafeText::new("x"),
        clock: system_clock(),
        data_folder: Some(data),
        tuning: Tuning { freshness: config.settings.freshness, ..Tuning::default() },
    }
}

fn profile_setup(config: &Config, profile: &Profile) -> ProfileSetup {
    let (name, kind, base_url) = (profile.name.clone(), profile.vendor, profile.base_url.clone());
    ProfileSetup::new(name, kind, base_url, profile.read_only, |gate| match registry::entry(kind) {
        Some(entry) => (entry.open)(profile, gate).map_err(|error| error.or_at(config.file.clone(), None)),
        None => Err(crate::config::ConfigError::new(format!("there is no client for {}", kind.title()))),
    })
}
