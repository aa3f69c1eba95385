//! From a configuration to an engine.

use std::path::PathBuf;

use super::launch::{LaunchError, Opened, Opening};
use super::setup::setup;
use crate::backend::Engine;
use crate::config::{Config, Profile, SecretSource};
use crate::domain::ProfileName;
use crate::domain::exchange::Problem;
use crate::journal::Journal;
use crate::vendor::http;

/// Opens the profiles called `wanted` (every one where that is empty), the journal and the engine, away from the event
/// loop: secrets come from commands that may take their time.
pub(super) fn engine(config: Config, wanted: Vec<ProfileName>, data: PathBuf) -> Opening {
    Box::pin(async move {
        let opened = tokio::task::spawn_blocking(move || {
            http::install_tls();
            let journal = Journal::open(&data).map_err(|error| Problem::new(error.to_string(), ""))?;
            let profiles: Vec<&Profile> = chosen(&config, &wanted).collect();
            Engine::open(setup(&config, &profiles, journal, &data))
        });
        match opened.await {
            Ok(Ok(engine)) => Ok(Opened { engine, keep: Box::new(()) }),
            Ok(Err(problem)) => Err(LaunchError::Engine(problem)),
            Err(_) => Err(LaunchError::Engine(Problem::new("opening failed by a mistake in Switchboard", ""))),
        }
    })
}

/// Whether a command fetches one of the secrets: it may ask for the key of a password store, on this terminal.
pub(super) fn may_ask(config: &Config, wanted: &[ProfileName]) -> bool {
    let mut sources = chosen(config, wanted).flat_map(|profile| profile.secrets.values());
    sources.any(|source| matches!(source, SecretSource::Command(_)))
}

fn chosen<'a>(config: &'a Config, wanted: &'a [ProfileName]) -> impl Iterator<Item = &'a Profile> {
    config.profiles.iter().filter(|profile| wanted.is_empty() || wanted.contains(&profile.name))
}
