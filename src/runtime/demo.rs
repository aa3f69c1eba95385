//! The demo: the same screen on simulators in this process, in a data folder that is thrown away.

use std::path::{Path, PathBuf};

use super::launch::{self, LaunchError, Opened, Opening, Stage};
use super::{Files, log, open};
use crate::config::{Config, files};
use crate::domain::{Link, Links, ProfileName};
use crate::input::KeyMap;
use crate::sim::{self, SimOptions, Simulator};
use crate::term::{Capabilities, Wishes, tty};
use crate::vendor::registry;

/// One company of the demo: a simulator, and the profile that a person would write for it.
struct Stall {
    vendor: &'static str,
    profile: &'static str,
    /// Settings that a person would write for a server in the same computer, as TOML.
    settings: &'static str,
    /// What its people's e-mail addresses end with.
    mail: &'static str,
    /// Its leads, where so many are asked for.
    leads: fn(usize) -> usize,
    owners: usize,
    campaigns: usize,
    /// Switches of its simulator.
    switches: &'static [(&'static str, &'static str)],
}

/// The profile whose leads are on the first screen.
const FIRST: &str = "sales";

/// In the order of the Lists pane. Nobody has to be polite to a simulator, so that nothing waits for a pace.
const STALLS: &[Stall] = &[
    Stall {
        vendor: "kenbun",
        profile: FIRST,
        // All names may be read at once.
        settings: "fetch_names = \"all\"\nrequests_per_minute = 0",
        mail: "halvorsen.example",
        leads: |asked| asked,
        owners: 24,
        campaigns: 0,
        switches: &[],
    },
    Stall {
        vendor: "capillary",
        profile: "stores",
        settings: "customer_names = true\nrequests_per_minute = 0\nparallel = 8",
        mail: "tilleul.example",
        leads: |asked| asked,
        owners: 18,
        campaigns: 0,
        switches: &[],
    },
    Stall {
        vendor: "exotel",
        profile: "center",
        settings: "requests_per_minute = 0\nparallel = 8",
        mail: "brightline.example",
        // Lists of leads.
        leads: |_| 24,
        owners: 40,
        campaigns: 12,
        switches: &[],
    },
    Stall {
        vendor: "instantly",
        profile: "outreach",
        settings: "requests_per_minute = 6000\nparallel = 16",
        mail: "cobalt.example",
        leads: |asked| asked,
        owners: 14,
        campaigns: 6,
        switches: &[("job_delay", "50")],
    },
    Stall {
        vendor: "stateset",
        profile: "shop",
        settings: "requests_per_minute = 0",
        mail: "fernthimble.example",
        leads: |asked| asked.div_ceil(20),
        owners: 5,
        campaigns: 0,
        switches: &[("rate_limit", "off")],
    },
];

/// Who works at several of the companies: their short names and names, which make their addresses everywhere.
const PEOPLE: [(&str, &str); 2] = [("jane", "Jane Smith"), ("barbara", "Barbara Blacksmith")];

impl Stall {
    fn options(&self, asked: &SimOptions, folder: &Path) -> SimOptions {
        let switches = self.switches.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        SimOptions {
            leads: (self.leads)(asked.leads),
            owners: self.owners,
            campaigns: self.campaigns,
            switches: switches.collect(),
            // Gone with it, however the process ends.
            folder: Some(folder.to_owned()),
            ..asked.clone()
        }
    }
}

/// What the demo can be told.
#[derive(Clone, Debug)]
pub struct Demo {
    /// `--plain`.
    pub plain: bool,
    /// How the simulators are made. Each company has people and campaigns of its own.
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
        options: launch::options(&known_before(), &[], capabilities),
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

/// What the screen knows before the simulators run.
fn known_before() -> Config {
    Config { default_profile: Some(ProfileName::new(FIRST)), people: links(), ..Config::default() }
}

/// The people of several companies, as a person would link them.
fn links() -> Links {
    let address = |name: &str, stall: &Stall| format!("{}@{}", name.to_lowercase().replace(' ', "."), stall.mail);
    let link = |(key, name): (&str, &str)| Link {
        key: key.to_owned(),
        name: Some(name.to_owned()),
        ids: STALLS.iter().map(|stall| (ProfileName::new(stall.profile), vec![address(name, stall).into()])).collect(),
    };
    Links::new(PEOPLE.map(link).into())
}

/// A person's table in the configuration.
fn link_text(link: &Link) -> Result<String, toml::ser::Error> {
    let mut person = toml::Table::new();
    person.insert("name".to_owned(), link.name.clone().unwrap_or_default().into());
    for (profile, ids) in &link.ids {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        person.insert(profile.to_string(), ids.into());
    }
    let people = toml::Table::from_iter([(link.key.clone(), person.into())]);
    Ok(toml::to_string(&toml::Table::from_iter([("people".to_owned(), people.into())]))? + "\n")
}

/// Starts the simulators, writes the configuration that a person would write for them, and goes on as always.
fn opening(options: SimOptions, config: PathBuf, data: PathBuf) -> Opening {
    Box::pin(async move {
        let failed = |error: &dyn std::error::Error| LaunchError::Demo(error.to_string());
        let mut running = Vec::new();
        let mut text = format!("default_profile = \"{FIRST}\"\n\n");
        for stall in STALLS {
            let simulator =
                sim::start(stall.vendor, stall.options(&options, &data)).await.map_err(LaunchError::Demo)?;
            text += &config_text(stall, &simulator).map_err(|error| failed(&*error))?;
            running.push(simulator);
        }
        for link in links().iter() {
            text += &link_text(link).map_err(|error| failed(&error))?;
        }
        files::write_atomic(&config, text.as_bytes()).map_err(|error| failed(&error))?;
        let read = Config::read(&config, &registry::settings())?;
        let opened = open::engine(read, Vec::new(), data).await?;
        Ok(Opened { engine: opened.engine, keep: Box::new(running) })
    })
}

/// A stall's profile: what its simulator says, and what the stall says over that.
fn config_text(stall: &Stall, simulator: &Simulator) -> Result<String, Box<dyn std::error::Error>> {
    let mut profile = toml::Table::try_from(&simulator.profile)?;
    profile.extend(stall.settings.parse::<toml::Table>()?);
    let profiles = toml::Table::from_iter([(stall.profile.to_owned(), profile.into())]);
    Ok(toml::to_string(&toml::Table::from_iter([("profiles".to_owned(), profiles.into())]))? + "\n")
}
