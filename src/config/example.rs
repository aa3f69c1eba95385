//! A commented configuration: what `config init` writes, and `config.example.toml`. Made from the settings themselves, so
//! that none is forgotten and every default is true.

use std::fmt::Write as _;

use super::load::SETTINGS;
use super::{SettingKind, SettingSpec, VendorSettings};

/// Whether the profiles count or are only there to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiles {
    Active,
    Commented,
}

/// The text: words about a line stand above it behind `# `, lines that may be put to use begin with `#`.
pub fn text(vendors: &[VendorSettings], profiles: Profiles) -> String {
    let mut text = String::from(HEAD);
    text.push_str("[settings]\n");
    for spec in SETTINGS {
        setting(&mut text, spec);
    }
    text.push_str(PROFILES);
    for vendor in vendors {
        profile(&mut text, vendor, if profiles == Profiles::Active { "" } else { "#" });
    }
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
# Switchboard's configuration. `switchboard config check` judges it, `switchboard doctor` tries it out.
# Lines that begin with # have no effect; those with a setting in them show its default or an example.

# The profile that commands work on when none is named with --profile.
#default_profile = \"kenbun\"

# The app itself.
";

const PROFILES: &str = "
# Profiles: one table for each connection to a vendor. The name is yours.
#
# Secrets never stand in this file. Each comes from one of three places:
#   token = { env = \"VARIABLE\" }           the environment
#   token = { command = \"pass show crm\" }  the first line that a command prints
#   token = { file = \"~/crm.token\" }       the first line of a file that only you can read (chmod 600)
#
# Every profile may have:
#   read_only = true                       nothing can be changed through it
";

const TAIL: &str = "
# Views: named queries with columns and sort.
#[views.\"New and nobody's\"]
#query = \"status:new owner:none\"
#columns = [\"name\", \"company\", \"status\", \"score\", \"created\", \"owner\"]
#sort = \"score desc\"
#profiles = [\"kenbun\"]
#include_closed = false

# Keys: an action and the keys for it, in place of the usual ones. The help page (?) names the actions.
#[keys]
#quit = [\"ctrl-q\"]

# People: the ids (or e-mail addresses) of one person at several profiles, by the profiles' names. Then Jane is one
# person with one total load where several profiles are open, and `--to jane` and `owner:jane` mean her in each of them.
# Several ids in one profile stand in a list.
#[people.jane]
#name = \"Jane Smith\"
#kenbun = \"user_7\"

# Caps: how many leads single owners should have at most, by their name in [people] (then at all profiles together), by
# their id, e-mail address or full name. Plans that go over one are pointed out; owner_cap in [settings] is for everyone
# else.
#[caps]
#jane = 120

# Teams: agents who are given to lead lists together, by their user ids. A roster file may name teams as well.
#[teams]
#morning = [\"asha.k\", \"ravi.s\"]
";

fn profile(text: &mut String, vendor: &VendorSettings, mark: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n# {}", vendor.vendor.title());
    let _ = writeln!(text, "{mark}[profiles.{}]\n{mark}vendor = \"{}\"", vendor.vendor, vendor.vendor);
    let usual = vendor.credentials.first().copied().unwrap_or_default();
    if !vendor.settings.iter().any(|spec| spec.name == "base_url") {
        text.push_str("# Where the vendor's API is. https, or http to this computer.\n");
        let _ = writeln!(text, "{mark}base_url = \"https://api.example.com\"");
    }
    for spec in vendor.settings {
        match spec.kind {
            // The usual credentials are needed; the others are there in their place.
            SettingKind::Secret if usual.contains(&spec.name) => credential(text, vendor, spec, mark),
            SettingKind::Secret => credential(text, vendor, spec, "#"),
            _ if spec.name == "base_url" && spec.default.is_none() => {
                let _ = writeln!(text, "{}\n{mark}base_url = \"https://api.example.com\"", comment(spec));
            }
            _ => setting(text, spec),
        }
    }
}

fn credential(text: &mut String, vendor: &VendorSettings, spec: &SettingSpec, mark: &str) {
    let variable = format!("{}_{}", vendor.vendor, spec.name.replace('.', "_")).to_uppercase();
    let _ = writeln!(text, "{}\n{mark}{} = {{ env = \"{variable}\" }}", comment(spec), spec.name);
}

/// A setting with its sentence, put out of effect: its default has the same effect.
fn setting(text: &mut String, spec: &SettingSpec) {
    let value = spec.default.unwrap_or_else(|| sample(spec.kind));
    let _ = writeln!(text, "{}\n#{} = {value}", comment(spec), spec.name);
}

/// The sentence, and what the value may be.
fn comment(spec: &SettingSpec) -> String {
    let range = match spec.kind {
        SettingKind::Choice(words) => format!(" One of {}.", words.join(", ")),
        SettingKind::Integer { min, max: i64::MAX } => format!(" From {min} on."),
        SettingKind::Integer { min, max } => format!(" From {min} to {max}."),
        SettingKind::Number { min, max } if max.is_finite() => format!(" From {min} to {max}."),
        SettingKind::Number { min, .. } => format!(" From {min} on."),
        SettingKind::Duration => " A time such as \"90s\", \"5m\", \"2h\" or \"7d\".".to_owned(),
        _ => String::new(),
    };
    let usual = if spec.default.is_none() && !matches!(spec.kind, SettingKind::Secret) { " No default." } else { "" };
    let words = format!("{}{range}{usual}", spec.doc);
    let mut lines = vec![String::from("#")];
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= 118 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n")
}

/// What a setting without a default may look like.
fn sample(kind: SettingKind) -> &'static str {
    match kind {
        SettingKind::Text | SettingKind::Secret | SettingKind::Choice(_) => "\"…\"",
        SettingKind::Integer { .. } => "1",
        SettingKind::Number { .. } => "1.0",
        SettingKind::Switch => "true",
        SettingKind::TextList => "[\"…\"]",
        SettingKind::Ids => "[1, 2]",
        SettingKind::Path => "\"~/…\"",
        SettingKind::Duration => "\"5m\"",
        SettingKind::People => "[{ id = \"…\", name = \"…\", email = \"…\" }]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::vendor::registry;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml");

    #[test]
    fn the_example_file_is_complete_and_true() {
        let wanted = text(&registry::settings(), Profiles::Active);
        if std::env::var_os("SWITCHBOARD_WRITE_EXAMPLE").is_some() {
            std::fs::write(FILE, &wanted).unwrap();
        }
        let written = std::fs::read_to_string(FILE).unwrap();
        assert!(
            written == wanted,
            "config.example.toml is not what the settings say; SWITCHBOARD_WRITE_EXAMPLE=1 cargo test example_file \
             writes it anew"
        );
        let config = Config::parse(&written, None, &registry::settings()).unwrap();
        assert_eq!(config.profiles.len(), registry::all().len());
    }

    #[test]
    fn every_line_that_may_be_put_to_use_is_right() {
        let uncommented = |text: &str| {
            let lines = text.lines().map(|line| match line.strip_prefix('#') {
                // Words about a line stand behind a blank.
                Some(rest) if !rest.starts_with(' ') => rest,
                _ => line,
            });
            // Samples that stand for a choice or a file are not values.
            lines.filter(|line| !line.contains('…')).collect::<Vec<_>>().join("\n")
        };
        for vendor in registry::settings() {
            let one = text(&[vendor], Profiles::Commented);
            let all = uncommented(&one).replace("kenbun", &vendor.vendor.to_string());
            let read = Config::parse(&all, None, &[vendor]);
            let config = read.unwrap_or_else(|errors| panic!("{errors}\n{all}"));
            assert_eq!((config.profiles.len(), config.views.len(), config.people.len()), (1, 1, 1));
            assert_eq!(config.teams["morning"].len(), 2);
            assert_eq!(
                config.settings,
                crate::config::Settings {
                    freshness: config.settings.freshness,
                    approval_above: config.settings.approval_above,
                    owner_cap: config.settings.owner_cap,
                    retention: config.settings.retention,
                    ..Default::default()
                }
            );
            assert_eq!(config.caps.len(), 1);
        }
    }

    #[test]
    fn a_fresh_configuration_has_no_profile_and_no_mistake() {
        let text = text(&registry::settings(), Profiles::Commented);
        assert!(Config::parse(&text, None, &registry::settings()).unwrap().profiles.is_empty());
        assert!(text.lines().all(|line| line.chars().count() <= 120));
    }
}
