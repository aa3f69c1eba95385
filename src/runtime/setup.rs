//! What an engine is made of: the same for the screen and the command line.

use std::path::Path;

use crate::backend::{ProfileSetup, Setup, Tuning, system_clock};
use crate::config::{Config, Profile};
use crate::domain::SafeText;
use crate::domain::planning::radius::Caps;
use crate::journal::Journal;
use crate::vendor::registry;

/// An engine over `profiles` of a configuration, with its data in the folder `data`. Fetches secrets, which may take as
/// long as the commands that give them.
pub fn setup(config: &Config, profiles: &[&Profile], journal: Journal, data: &Path) -> Setup {
    Setup {
        profiles: profiles.iter().map(|profile| profile_setup(config, profile)).collect(),
        journal,
        who: who(),
        clock: system_clock(),
        data_folder: Some(data.to_owned()),
        tuning: Tuning {
            freshness: config.settings.freshness,
            approval_above: config.settings.approval_above,
            retention: config.settings.retention,
            ..Tuning::default()
        },
    }
}

/// How many leads owners should have at most. A name of `[people]` stands for that person at all profiles.
pub fn caps(config: &Config) -> Caps {
    let mut caps = Caps { usual: config.settings.owner_cap, ..Caps::default() };
    for cap in &config.caps {
        match config.people.called(&cap.owner) {
            Some(link) => caps.linked.insert(link.key.clone(), cap.leads),
            None => caps.named.insert(cap.owner.to_lowercase(), cap.leads),
        };
    }
    caps
}

fn profile_setup(config: &Config, profile: &Profile) -> ProfileSetup {
    let (name, kind, base_url) = (profile.name.clone(), profile.vendor, profile.base_url.clone());
    ProfileSetup::new(name, kind, base_url, profile.read_only, |gate| match registry::entry(kind) {
        Some(entry) => {
            (entry.open)(profile, gate).map_err(|error| error.or_at(config.file.clone(), profile.origin.line))
        }
        None => Err(profile.error("vendor", format!("there is no client for {}", kind.title()))),
    })
}

/// The person at this computer, for the journal: `user@host`.
pub fn who() -> SafeText {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(user_of_this_process);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    SafeText::new(&format!("{user}@{host}"))
}

/// Where nothing in the environment says it, as under cron.
fn user_of_this_process() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, _, number) = (parts.next()?, parts.next()?, parts.next()?);
        (number == id).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid-{id}"))
}
