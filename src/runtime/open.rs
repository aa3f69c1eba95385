//! From a configuration to an engine.

use std::path::PathBuf;

use super::launch::{LaunchError, Opened, Opening};
use super::setup::setup;
use crate::backend::Engine;
use crate::config::{Config, Profile};
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
            let wanted = |profile: &&Profile| wanted.is_empty() || wanted.contains(&profile.name);
            let profiles: Vec<&Profile> = config.profiles.iter().filter(wanted).collect();
            Engine::open(setup(&config, &profiles, journal, &data))
        });
        match opened.await {
            Ok(Ok(engine)) => Ok(Opened { engine, keep: Box::new(()) }),
            Ok(Err(problem)) => Err(LaunchError::Engine(problem)),
            Err(_) => Err(LaunchError::Engine(Problem::new("opening failed by a mistake in Switchboard", ""))),
        }
    })
}
