//! Without a command, and `demo`: over to the screen.

use std::process::ExitCode;

use crate::cli::args::{DemoArgs, Global};
use crate::cli::exit::{Exit, Failure};
use crate::cli::session::Session;
use crate::domain::ProfileName;
use crate::runtime::{self, Demo, Launch, LaunchError};
use crate::sim::SimOptions;

/// Opens the screen on the configuration's profiles, or says how to begin where there is none.
pub fn open(global: &Global) -> Result<ExitCode, Failure> {
    let session = Session::load(global)?;
    // On the screen all profiles are open unless some are named.
    let profiles: Vec<ProfileName> = match session.wanted.as_slice() {
        [] => Vec::new(),
        _ => session.profiles()?.iter().map(|profile| profile.name.clone()).collect(),
    };
    if session.config.profiles.is_empty() {
        return Err(Failure::wrong_use(format!(
            "there is no profile in {}; take the # from one there, or try `switchboard demo`",
            session.paths.config.display()
        )));
    }
    let Session { config, paths, .. } = session;
    Ok(runtime::run(Launch { config, paths, profiles, plain: global.plain })?.into())
}

/// Opens the screen on simulators in this process.
pub fn demo(args: &DemoArgs, global: &Global) -> Result<ExitCode, Failure> {
    let sims = SimOptions { leads: args.leads, seed: args.seed, ..SimOptions::default() };
    Ok(runtime::run_demo(Demo { plain: global.plain, sims })?.into())
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        let exit = if error.exit_code() == Exit::WrongUse as u8 { Exit::WrongUse } else { Exit::Nothing };
        Self::new(exit, error.to_string())
    }
}
