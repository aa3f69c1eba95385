//! One file a command.

pub mod apply;
pub mod assign;
pub mod campaigns;
pub mod config;
pub mod doctor;
pub mod lead;
pub mod leads;
pub mod log;
pub mod map;
pub mod owners;
pub mod prune;
pub mod resume;
pub mod run;
pub mod screen;
pub mod shell;
pub mod sim;
pub mod undo;

use super::exit::Failure;
use super::output::say;
use crate::backend::Engine;
use crate::domain::{ProfileName, TargetKind};

/// Whether a profile maps agents to lead lists instead of giving leads to owners.
pub fn maps_agents(engine: &Engine, profile: &ProfileName) -> bool {
    engine.capabilities(profile).is_some_and(|capabilities| capabilities.targets == TargetKind::Mappings)
}

/// For commands that only read: the profiles that can be used, after a sentence about each of the others. None at all
/// is wrong use.
pub fn usable(engine: &Engine) -> Result<Vec<ProfileName>, Failure> {
    let (usable, broken): (Vec<_>, Vec<_>) =
        engine.profiles().into_iter().partition(|profile| profile.capabilities.is_ok());
    let problems: Vec<String> =
        broken.iter().filter_map(|profile| profile.capabilities.as_ref().err().map(ToString::to_string)).collect();
    if usable.is_empty() {
        return Err(Failure::wrong_use(problems.join("\n")));
    }
    problems.iter().for_each(|problem| say(problem));
    Ok(usable.into_iter().map(|profile| profile.name).collect())
}
