//! `config init`, `config path`, `config check`.

use std::sync::Arc;

use crate::cli::args::{ConfigCommand, Format, Global};
use crate::cli::commands::doctor::Report;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::{self, Out, say};
use crate::cli::session;
use crate::config::{Config, Profile, SecretSource, example, files};
use crate::runtime;
use crate::vendor::gate::OpenGate;
use crate::vendor::registry;

pub fn run(command: ConfigCommand, global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init => init(global, out),
        ConfigCommand::Path => path(global, out),
        ConfigCommand::Check => check(global, out),
    }
}

fn init(global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    let file = session::paths(global)?.config;
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::wrong_use(format!("{} exists already and is left as it is", file.display()))
        }
        _ => Failure::wrong_use(format!("{} cannot be written: {error}", file.display())),
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::private_folder(folder).map_err(cannot)?;
    }
    files::write_new(&file, example::text(&registry::settings(), example::Profiles::Commented).as_bytes())
        .map_err(cannot)?;
    out.line(&file.display().to_string())?;
    out.flush()?;
    say("take the # from the lines of your vendor's profile, then run `switchboard doctor`");
    Ok(Exit::Done)
}

/// A bare path, so that `$EDITOR "$(switchboard config path)"` works; JSON only where it is asked for.
fn path(global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    let paths = session::paths(global)?;
    if global.format == Some(Format::Json) {
        let (config, data) = (paths.config.to_string_lossy(), paths.data.to_string_lossy());
        out.json(&serde_json::json!({ "type": "path", "config": config, "data_dir": data }))?;
    } else {
        out.line(&paths.config.display().to_string())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn check(global: &Global, out: &mut Out) -> Result<Exit, Failure> {
    let paths = session::paths(global)?;
    let config = session::read_config(&paths)?;
    let mut report = Report::new(output::format(global.format));
    let (_, key_warnings) = runtime::key_map_with_warnings(&config)?;
    for warning in config.warnings.iter().chain(&key_warnings) {
        report.tell(out, None, "config", true, &format!("look at this: {warning}"))?;
    }
    if config.profiles.is_empty() {
        report.tell(out, None, "config", true, "look at this: there is no profile yet")?;
    }
    let mut wrong = secrets(&config);
    for profile in &config.profiles {
        if wrong.iter().all(|(name, _)| *name != &profile.name)
            && let Some(message) = settings(profile)
        {
            wrong.push((&profile.name, message));
        }
    }
    for profile in &config.profiles {
        let of_it: Vec<&String> =
            wrong.iter().filter(|(name, _)| *name == &profile.name).map(|(_, message)| message).collect();
        if of_it.is_empty() {
            let detail = format!("{} at {}", profile.vendor.title(), profile.base_url);
            report.tell(out, Some(&profile.name), "config", true, &detail)?;
        }
        for message in of_it {
            report.tell(out, Some(&profile.name), "config", false, message)?;
            say(message);
        }
    }
    if wrong.is_empty() {
        report.tell(out, None, "config", true, &format!("{} is in order", paths.config.display()))?;
    }
    out.flush()?;
    Ok(if wrong.is_empty() { Exit::Done } else { Exit::WrongUse })
}

/// What the vendor's client would say to the profile as a whole: what is missing, what does not go together, files that
/// cannot be read. Sends nothing, and runs no command of the configuration.
fn settings(profile: &Profile) -> Option<String> {
    let mut stand_in = profile.clone();
    let mut unknown = Vec::new();
    for (name, source) in &mut stand_in.secrets {
        if matches!(source, SecretSource::Command(_)) {
            *source = SecretSource::Command("echo stand-in".to_owned());
            unknown.push(profile.origin.keys.get(name).copied());
        }
    }
    let error = (registry::entry(profile.vendor)?.open)(&stand_in, Arc::new(OpenGate)).err()?;
    // A complaint about the stand-in says nothing about the secret.
    (error.line.is_none() || !unknown.contains(&error.line)).then(|| error.to_string())
}

/// Secrets that are not there. Commands are not run: they may ask a person for a key, which only `doctor` and real work
/// are worth.
fn secrets(config: &Config) -> Vec<(&crate::domain::ProfileName, String)> {
    let mut wrong = Vec::new();
    for profile in &config.profiles {
        for (name, source) in &profile.secrets {
            if matches!(source, SecretSource::Command(_)) {
                continue;
            }
            if let Err(error) = profile.secret(name) {
                wrong.push((&profile.name, error.to_string()));
            }
        }
    }
    wrong
}
