//! Single values: each is checked against what it may be, or is an error that says what was expected.

use std::path::Path;
use std::time::Duration;

use super::nearest::hint;
use super::paths::expand_home;
use super::read::Node;
use super::{SecretSource, SettingKind};

/// What is wrong with a value, and the line where.
pub(super) struct Wrong {
    pub line: usize,
    pub message: String,
}

fn wrong<T>(node: &Node, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { line: node.line, message: message.into() })
}

/// `name` must be `expected`, but is something else.
fn other_kind<T>(name: &str, expected: &str, node: &Node) -> Result<T, Wrong> {
    wrong(node, format!("{name} must be {expected}, not {}", node.kind()))
}

/// Checks a vendor setting's value and returns it as clients want to see it: paths are absolute, people are tables with
/// text ids. Secrets are read by [`secret`].
pub(super) fn setting(name: &str, kind: SettingKind, node: &Node, folder: &Path) -> Result<toml::Value, Wrong> {
    match kind {
        SettingKind::Text => text(name, node).map(toml::Value::String),
        SettingKind::Integer { min, max } => integer(name, node, min, max).map(toml::Value::Integer),
        SettingKind::Number { min, max } => match node.plain() {
            Some(toml::Value::Integer(number)) => in_range(name, node, *number as f64, min, max),
            Some(toml::Value::Float(number)) => in_range(name, node, *number, min, max),
            _ => other_kind(name, "a number", node),
        },
        SettingKind::Switch => switch(name, node).map(toml::Value::Boolean),
        SettingKind::Choice(words) => choice(name, node, words).map(|word| toml::Value::String(word.to_owned())),
        SettingKind::TextList => {
            text_list(name, node).map(|texts| toml::Value::Array(texts.into_iter().map(toml::Value::String).collect()))
        }
        SettingKind::Ids => {
            let one = [node];
            let nodes: Vec<&Node> = node.list().map_or(one.to_vec(), |list| list.iter().collect());
            let ids: Result<_, Wrong> = nodes.into_iter().map(|node| id(&format!("each of {name}"), node)).collect();
            Ok(toml::Value::Array(ids.map(|ids: Vec<String>| ids.into_iter().map(toml::Value::String).collect())?))
        }
        SettingKind::Path => {
            let path = folder.join(expand_home(&text(name, node)?));
            match path.into_os_string().into_string() {
                Ok(path) => Ok(toml::Value::String(path)),
                Err(_) => wrong(node, format!("{name} leads to a path that is not valid text")),
            }
        }
        SettingKind::Duration => duration(name, node).map(|_| node.value()),
        SettingKind::People => people(name, node),
        SettingKind::Secret => wrong(node, format!("{name} is a secret")),
    }
}

fn in_range(name: &str, node: &Node, number: f64, min: f64, max: f64) -> Result<toml::Value, Wrong> {
    if (min..=max).contains(&number) {
        Ok(toml::Value::Float(number))
    } else if max.is_finite() {
        wrong(node, format!("{name} must be from {min} to {max}, not {number}"))
    } else {
        wrong(node, format!("{name} must be {min} or more, not {number}"))
    }
}

pub(super) fn text(name: &str, node: &Node) -> Result<String, Wrong> {
    match node.text() {
        Some(text) => Ok(text.to_owned()),
        None => other_kind(name, "a text", node),
    }
}

pub(super) fn integer(name: &str, node: &Node, min: i64, max: i64) -> Result<i64, Wrong> {
    match node.plain() {
        Some(toml::Value::Integer(number)) if (min..=max).contains(number) => Ok(*number),
        Some(toml::Value::Integer(number)) if max == i64::MAX => {
            wrong(node, format!("{name} must be {min} or more, not {number}"))
        }
        Some(toml::Value::Integer(number)) => wrong(node, format!("{name} must be from {min} to {max}, not {number}")),
        _ => other_kind(name, "a whole number", node),
    }
}

pub(super) fn switch(name: &str, node: &Node) -> Result<bool, Wrong> {
    match node.plain() {
        Some(toml::Value::Boolean(on)) => Ok(*on),
        _ => other_kind(name, "true or false", node),
    }
}

/// One of some words.
pub(super) fn choice<'a>(name: &str, node: &Node, words: &[&'a str]) -> Result<&'a str, Wrong> {
    let Some(text) = node.text() else { return other_kind(name, &format!("one of {}", words.join(", ")), node) };
    match words.iter().find(|word| **word == text) {
        Some(word) => Ok(word),
        None => wrong(
            node,
            format!("{name} must be one of {}, not \"{text}\"{}", words.join(", "), hint(text, words.iter().copied())),
        ),
    }
}

/// A list of texts; a single text is a list of one.
pub(super) fn text_list(name: &str, node: &Node) -> Result<Vec<String>, Wrong> {
    match (node.list(), node.text()) {
        (Some(nodes), _) => nodes.iter().map(|node| text(&format!("each of {name}"), node)).collect(),
        (None, Some(text)) => Ok(vec![text.to_owned()]),
        (None, None) => other_kind(name, "a list of texts", node),
    }
}

/// An id: a text, or a number as the text it is.
pub(super) fn id(name: &str, node: &Node) -> Result<String, Wrong> {
    match node.plain() {
        Some(toml::Value::Integer(number)) => Ok(number.to_string()),
        _ => text(name, node),
    }
}

fn people(name: &str, node: &Node) -> Result<toml::Value, Wrong> {
    const EXPECTED: &str = "a list of { id = …, name = …, email = … }";
    let Some(nodes) = node.list() else { return other_kind(name, EXPECTED, node) };
    let mut people = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(entries) = node.table() else { return other_kind(&format!("each of {name}"), EXPECTED, node) };
        let mut person = toml::Table::new();
        for entry in entries {
            person.insert(entry.key.clone(), toml::Value::String(id(&entry.key, &entry.node)?));
        }
        if person.get("id").and_then(toml::Value::as_str).is_none_or(str::is_empty) {
            return wrong(node, format!("each of {name} needs an id"));
        }
        people.push(toml::Value::Table(person));
    }
    Ok(toml::Value::Array(people))
}

/// A length of time: `90s`, `5m`, `2h`, `7d`.
pub(super) fn duration(name: &str, node: &Node) -> Result<Duration, Wrong> {
    let expected = "a length of time such as \"90s\", \"5m\", \"2h\" or \"7d\"";
    let Some(text) = node.text() else { return other_kind(name, expected, node) };
    let text = text.trim();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return wrong(node, format!("{name} must be {expected}, not \"{text}\"")),
    };
    match text[..text.len() - 1].trim().parse::<u32>() {
        Ok(count) => Ok(Duration::from_secs(u64::from(count) * unit)),
        Err(_) => wrong(node, format!("{name} must be {expected}, not \"{text}\"")),
    }
}

/// Where a secret comes from: exactly one of `env`, `command`, `file`.
pub(super) fn secret(name: &str, node: &Node, folder: &Path) -> Result<SecretSource, Wrong> {
    let Some(entries) = node.table() else {
        if node.plain().is_some() {
            // Its value must not be repeated in a message that may end up in a log.
            return wrong(
                node,
                format!(
                    "{name} is written in plain text, where everyone who sees this file can read it; \
                     take it out, have it changed at the vendor, and write {name} = {{ env = \"VARIABLE\" }}, \
                     {{ command = \"…\" }} or {{ file = \"…\" }}"
                ),
            );
        }
        return other_kind(name, "{ env = \"VARIABLE\" }, { command = \"…\" } or { file = \"…\" }", node);
    };
    let ways = ["env", "command", "file"];
    if let Some(entry) = entries.iter().find(|entry| !ways.contains(&entry.key.as_str())) {
        let hint = hint(&entry.key, ways);
        return Err(Wrong {
            line: entry.line,
            message: format!("{name} can come from env, command or file, not from \"{}\"{hint}", entry.key),
        });
    }
    match entries {
        [entry] => {
            let value = text(&format!("{name}.{}", entry.key), &entry.node)?;
            if value.trim().is_empty() {
                return wrong(&entry.node, format!("{name}.{} is empty", entry.key));
            }
            Ok(match entry.key.as_str() {
                "env" => SecretSource::Env(value),
                "command" => SecretSource::Command(value),
                _ => SecretSource::File(folder.join(expand_home(&value))),
            })
        }
        [] => wrong(node, format!("{name} needs one of env, command or file")),
        _ => wrong(node, format!("{name} needs exactly one of env, command or file, not several")),
    }
}

/// A base URL without its trailing slashes: `https`, or `http` to this computer.
pub(super) fn base_url(node: &Node) -> Result<String, Wrong> {
    let text = text("base_url", node)?;
    check_url(&text).or_else(|message| wrong(node, message))
}

/// See [`base_url`].
pub(super) fn check_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("base_url must begin with https://, not \"{text}\""));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("base_url must not hold a user or a password: credentials have keys of their own".to_owned());
    }
    if rest.contains(['?', '#']) || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("base_url must be a host and a path only".to_owned());
    }
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() {
        return Err(format!("base_url has no host: \"{text}\""));
    }
    let on_this_computer =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => {}
        "http" if on_this_computer => {}
        "http" => {
            return Err(format!(
                "base_url must be https: over http anyone on the way reads the credentials ({host} is not this computer)"
            ));
        }
        other => return Err(format!("base_url must begin with https://, not {other}://")),
    }
    Ok(text.trim_end_matches('/').to_owned())
}
