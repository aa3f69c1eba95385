//! The demo: the same screen on simulators in this process, in a data folder that is thrown away.

use std::path::PathBuf;

use super::launch::{self, LaunchError, Opened, Opening, Stage};
use super::{Files, log, open};
use crate::config::{Config, files};
use crate::input::KeyMap;
use crate::sim::{self, SimOptions, Simulator};
use crate::term::{Capabilities, Wishes, tty};
use crate::vendor::registry;

/// One simulator of the demo.
struct Stall {
    vendor: &'static str,
    profile: &'static str,
    /// Settings that a person would write for a server in the same computer, as TOML.
    settings: &'static str,
}

const STALLS: [Stall; 1] = [Stall {
    vendor: "kenbun",
    profile: "sales",
    // Nobody has to be polite to a simulator, so that all names may be read at once.
    settings: "fetch_names = \"all\"\nrequests_per_minute = 0",
}];

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
        let mut running: Vec<(&Stall, Simulator)> = Vec::new();
        for stall in &STALLS {
            let simulator = sim::start(stall.vendor, options.clone()).await.map_err(LaunchError::Demo)?;
            running.push((stall, simulator));
        }
        let text = config_text(&running).map_err(|error| LaunchError::Demo(error.to_string()))?;
        files::write_atomic(&config, text.as_bytes()).map_err(|error| LaunchError::Demo(error.to_string()))?;
        let read = Config::read(&config, &registry::settings())?;
        let opened = open::engine(read, Vec::new(), data).await?;
        Ok(Opened { engine: opened.engine, keep: Box::new(running) })
    })
}

fn config_text(running: &[(&Stall, Simulator)]) -> Result<String, toml::ser::Error> {
    let mut text = String::new();
    for (stall, simulator) in running {
        // The profile's own tables come last in it, so the stall's settings go before them.
        let profile = toml::to_string(&simulator.profile)?;
        text += &format!("[profiles.{}]\n{}\n{}\n", stall.profile, stall.settings, in_place(&profile, stall.profile));
    }
    Ok(text)
}

/// Headings of a profile's tables, as they read within the whole configuration.
fn in_place(profile: &str, name: &str) -> String {
    let lines = profile.lines().map(|line| match line.strip_prefix('[') {
        Some(rest) => format!("[profiles.{name}.{rest}"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
