//! The demo: the same screen on simulators in this process, in a data folder that is thrown away.

use std::path::PathBuf;

use super::launch::{self, LaunchError, Opened, Opening, Stage};
use super::{Files, log, open};
use crate::config::{Config, files};
use crate::input::KeyMap;
use crate::sim::{self, SimOptions, Simulator};
use crate::term::{Capabilities, Wishes, tty};
use crate::vendor::registry;

/// The simulators with the names of their profiles.
const PROFILES: [(&str, &str); 1] = [("kenbun", "sales")];

/// What the demo can be told.
#[derive(Clone, Debug)]
pub struct Demo {
    /// `--plain`.
    pub plain: bool,
    /// How the simulators are made; each is made with the same.
    pub sims: SimOptions,
}

/// Opens the screen on built-in simulators. Nothing is written but in a folder that is gone afterwards.
pub fn run_demo(demo: Demo) -> Result<u8, LaunchError> {
    tty::require()?;
    let failed = |error: std::io::Error| LaunchError::Demo(error.to_string());
    let folder = tempfile::Builder::new().prefix("switchboard-demo-").tempdir().map_err(failed)?;
    let capabilities = Capabilities::of_this_process(demo.plain);
    let data = folder.path().join("data");
    let config = folder.path().join("config.toml");
    launch::prepare_data_folder(&data)?;
    let stage = Stage {
        options: launch::options(&Config::default(), &[], capabilities),
        keys: KeyMap::new(),
        wishes: Wishes { capabilities, mouse: true },
        files: Files::new(&data, &config),
        log: data.join(log::NAME).display().to_string(),
        opening: opening(demo.sims, config, data),
        // The simulators' secrets come from commands that ask for nothing.
        asks: false,
    };
    let outcome = launch::show(stage);
    folder.close().map_err(failed)?;
    outcome
}

/// Starts the simulators, writes the configuration that a person would write for them, and goes on as always.
fn opening(options: SimOptions, config: PathBuf, data: PathBuf) -> Opening {
    Box::pin(async move {
        let mut running: Vec<(&str, Simulator)> = Vec::new();
        for (vendor, profile) in PROFILES {
            let simulator = sim::start(vendor, options.clone()).await.map_err(LaunchError::Demo)?;
            running.push((profile, simulator));
        }
        let text = config_text(&running).map_err(|error| LaunchError::Demo(error.to_string()))?;
        files::write_atomic(&config, text.as_bytes()).map_err(|error| LaunchError::Demo(error.to_string()))?;
        let read = Config::read(&config, &registry::settings())?;
        let opened = open::engine(read, Vec::new(), data).await?;
        Ok(Opened { engine: opened.engine, keep: Box::new(running) })
    })
}

fn config_text(running: &[(&str, Simulator)]) -> Result<String, toml::ser::Error> {
    let mut profiles = toml::Table::new();
    for (name, simulator) in running {
        profiles.insert((*name).to_owned(), toml::Value::try_from(&simulator.profile)?);
    }
    let mut config = toml::Table::new();
    config.insert("profiles".to_owned(), toml::Value::Table(profiles));
    toml::to_string(&config)
}
