//! The key map: which key means what where. The defaults are data (`assets/keymap.toml`), the configuration changes
//! single entries of it.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use strum::IntoEnumIterator;

use super::key::Key;
use crate::app::{Action, Context, Keys};
use crate::config::nearest;

/// The keys as they are when the configuration says nothing.
pub const DEFAULT: &str = include_str!("../../assets/keymap.toml");

/// Which key means what, in each section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyMap {
    actions: HashMap<(Context, Key), Action>,
    /// Keys of each action in the order in which they were written.
    keys: BTreeMap<(Context, Action), Vec<Key>>,
}

/// One entry of the configuration: these keys, and no others, for an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// The section; `None` for every section that the action belongs to.
    pub section: Option<String>,
    pub action: String,
    /// In key notation; empty takes the action's keys away.
    pub keys: Vec<String>,
    /// Where it stands, for complaints.
    pub line: usize,
}

/// What is wrong with an entry, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KeyMapError {
    pub line: usize,
    pub message: String,
}

/// Without these nobody would get out again.
const ALWAYS_NEEDED: [Action; 4] = [Action::Accept, Action::Back, Action::Interrupt, Action::Quit];

impl KeyMap {
    /// The default keys.
    pub fn new() -> Self {
        // The text is part of the program; that it can be read is tested.
        Self::parse(DEFAULT).unwrap_or_default()
    }

    /// Reads a whole key map, as `assets/keymap.toml` is written.
    fn parse(text: &str) -> Result<Self, String> {
        let sections: BTreeMap<String, toml::Table> = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut map = Self::default();
        for (section, entries) in sections {
            let section = read_section(&section)?;
            for (action, keys) in entries {
                let action = read_action(&action)?;
                let keys: Vec<String> = keys.try_into().map_err(|error: toml::de::Error| error.to_string())?;
                check_place(section, action)?;
                for key in keys {
                    let key = read_key(section, &key)?;
                    if let Some(other) = map.actions.insert((section, key), action) {
                        return Err(format!("{key} is both {other} and {action} in {section}"));
                    }
                    map.keys.entry((section, action)).or_default().push(key);
                }
            }
        }
        Ok(map)
    }

    /// The default keys with the configuration's changes, and what is allowed but should be looked at.
    pub fn with(changes: &[Rebinding]) -> Result<(Self, Vec<KeyMapError>), Vec<KeyMapError>> {
        let mut map = Self::new();
        let mut wrong = Vec::new();
        // Keys that the configuration itself gave away.
        let mut given: HashMap<(Context, Key), Action> = HashMap::new();
        for change in changes {
            if let Err(message) = map.change(change, &mut given) {
                wrong.push(KeyMapError { line: change.line, message });
            }
        }
        let last_line = changes.iter().map(|change| change.line).max().unwrap_or_default();
        for action in ALWAYS_NEEDED {
            if !map.keys.iter().any(|((_, bound), keys)| *bound == action && !keys.is_empty()) {
                let message = format!("{action} needs a key: without it nobody finds the way out");
                wrong.push(KeyMapError { line: last_line, message });
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let warnings = map.warnings(changes);
        Ok((map, warnings))
    }

    fn change(&mut self, change: &Rebinding, given: &mut HashMap<(Context, Key), Action>) -> Result<(), String> {
        let action = read_action(&change.action)?;
        let sections = match &change.section {
            Some(name) => {
                let section = read_section(name)?;
                check_place(section, action)?;
                vec![section]
            }
            None => action.spec().contexts.to_vec(),
        };
        for section in sections {
            let mut keys = Vec::new();
            for written in &change.keys {
                let key = read_key(section, written)?;
                if let Some(other) = given.insert((section, key), action).filter(|other| *other != action) {
                    return Err(format!("{key} was given to {other} already (in {section})"));
                }
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            for key in self.keys.remove(&(section, action)).unwrap_or_default() {
                self.actions.remove(&(section, key));
            }
            for key in &keys {
                // A default action gives way.
                if let Some(loser) = self.actions.insert((section, *key), action)
                    && let Some(keys) = self.keys.get_mut(&(section, loser))
                {
                    keys.retain(|other| other != key);
                }
            }
            self.keys.insert((section, action), keys);
        }
        Ok(())
    }

    /// Actions that have a key by default, and lost the last one to a change that was about another action.
    fn warnings(&self, changes: &[Rebinding]) -> Vec<KeyMapError> {
        let mut warnings: Vec<KeyMapError> = Vec::new();
        for (section, action) in Self::new().keys.keys() {
            let named = changes.iter().any(|change| change.action == action.name());
            let Some(place) = Context::iter().find(|place| place.sections().first() == Some(section)) else { continue };
            let reachable = self.keys.get(&(*section, *action)).is_some_and(|keys| !keys.is_empty());
            if named || reachable {
                continue;
            }
            let lost = Self::new().keys.get(&(*section, *action)).cloned().unwrap_or_default();
            let taker = changes.iter().rev().find(|change| {
                change.keys.iter().any(|written| written.parse::<Key>().is_ok_and(|key| lost.contains(&key)))
            });
            if let Some(change) = taker {
                let message =
                    format!("{action} has no key left in {place}: {} took it; the palette still has it", change.action);
                warnings.push(KeyMapError { line: change.line, message });
            }
        }
        warnings
    }

    /// What `key` means where the person is; `None` when nothing. Text entry is not asked here.
    pub fn action(&self, place: Context, key: Key) -> Option<Action> {
        place.sections().iter().find_map(|section| self.actions.get(&(*section, key)).copied())
    }

    /// What `key` means in one section alone.
    pub fn action_in(&self, section: Context, key: Key) -> Option<Action> {
        self.actions.get(&(section, key)).copied()
    }

    /// The keys as words, for hints and help.
    pub fn labels(&self) -> Keys {
        Keys::new(
            self.keys
                .iter()
                .flat_map(|((section, action), keys)| keys.iter().map(|key| (*section, *action, key.to_string()))),
        )
    }
}

fn read_section(name: &str) -> Result<Context, String> {
    Context::from_str(name)
        .map_err(|_| format!("there is no place \"{name}\"{}", hint(name, Context::iter().map(<&str>::from))))
}

fn read_action(name: &str) -> Result<Action, String> {
    Action::from_str(name)
        .map_err(|_| format!("there is no action \"{name}\"{}", hint(name, Action::iter().map(<&str>::from))))
}

fn read_key(section: Context, written: &str) -> Result<Key, String> {
    let key: Key = written.parse().map_err(|error: super::KeyError| error.to_string())?;
    if section.takes_text() && key.text().is_some() {
        return Err(format!("{key} is text in {section}; take a key with ctrl or alt, or a function key"));
    }
    Ok(key)
}

/// An action may be bound where it makes sense, and in places whose keys are looked up there as well.
fn check_place(section: Context, action: Action) -> Result<(), String> {
    let places = action.spec().contexts;
    if places.iter().any(|place| section.sections().contains(place)) {
        return Ok(());
    }
    let names: Vec<&str> = places.iter().map(|place| place.into()).collect();
    Err(format!("{action} means nothing in {section}; it belongs to {}", names.join(", ")))
}

/// The names are many: the nearest one, or where they all stand.
fn hint<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(wrong, names) {
        Some(near) => format!("; did you mean {near}?"),
        None => "; the help page (F1) and assets/keymap.toml name them all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn change(section: Option<&str>, action: &str, keys: &[&str]) -> Rebinding {
        Rebinding {
            section: section.map(str::to_owned),
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            line: 7,
        }
    }

    fn key(written: &str) -> Key {
        written.parse().unwrap()
    }

    #[test]
    fn the_default_map_can_be_read_and_has_every_action() {
        let map = KeyMap::parse(DEFAULT).unwrap();
        for action in Action::iter() {
            for place in action.spec().contexts {
                assert!(map.keys.contains_key(&(*place, action)), "{action} has no key in {place}");
            }
        }
        for (section, action) in map.keys.keys() {
            assert!(action.spec().contexts.contains(section), "{action} does not belong to {section}");
        }
    }

    #[test]
    fn no_default_key_hides_another_in_the_same_place() {
        let map = KeyMap::new();
        for place in Context::iter() {
            let mut seen: HashMap<Key, Action> = HashMap::new();
            for section in place.sections() {
                for ((_, key), action) in map.actions.iter().filter(|((bound, _), _)| bound == section) {
                    let before = seen.insert(*key, *action);
                    assert!(before.is_none_or(|before| before == *action), "{key} in {place}: {before:?} and {action}");
                }
            }
        }
    }

    #[test]
    fn the_default_keys_are_written_as_they_are_printed() {
        let sections: BTreeMap<String, BTreeMap<String, Vec<String>>> = toml::from_str(DEFAULT).unwrap();
        for written in sections.values().flat_map(BTreeMap::values).flatten() {
            assert_eq!(key(written).to_string(), *written);
        }
    }

    #[test]
    fn arrows_enter_esc_tab_and_function_keys_reach_everything() {
        let map = KeyMap::new();
        let is_letter = |key: &Key| key.text().is_some() || key.has_ctrl() || key.has_alt();
        for action in
            [Action::Palette, Action::Help, Action::Accept, Action::Back, Action::NextField, Action::CursorDown]
        {
            let keys: Vec<Key> =
                map.keys.iter().filter(|((_, bound), _)| *bound == action).flat_map(|(_, keys)| keys.clone()).collect();
            assert!(keys.iter().any(|key| !is_letter(key)), "{action}: {keys:?}");
        }
    }

    #[test]
    fn a_key_is_looked_up_from_near_to_far() {
        let map = KeyMap::new();
        assert_eq!(map.action(Context::Leads, key("space")), Some(Action::Mark));
        assert_eq!(map.action(Context::Leads, key("q")), Some(Action::Quit));
        assert_eq!(map.action(Context::Leads, key("down")), Some(Action::CursorDown));
        assert_eq!(map.action(Context::Plan, key("q")), None);
        assert_eq!(map.action(Context::TooSmall, key("ctrl-c")), Some(Action::Interrupt));
    }

    #[test]
    fn the_configuration_changes_single_entries() {
        let (map, warnings) = KeyMap::with(&[
            change(None, "quit", &["ctrl-q"]),
            change(Some("leads"), "mark", &["x", "x"]),
            change(None, "redo", &[]),
            change(Some("leads"), "cursor_down", &["ctrl-n"]),
        ])
        .unwrap();
        assert_eq!(map.action(Context::Leads, key("q")), None);
        assert_eq!(map.action(Context::Lists, key("ctrl-q")), Some(Action::Quit));
        assert_eq!(map.action(Context::Leads, key("x")), Some(Action::Mark));
        assert_eq!(map.action(Context::Leads, key("space")), None);
        assert_eq!(map.action(Context::Columns, key("space")), Some(Action::Mark));
        assert_eq!(map.action(Context::Leads, key("ctrl-r")), None);
        assert_eq!(map.action(Context::Leads, key("ctrl-n")), Some(Action::CursorDown));
        assert_eq!(map.action(Context::Leads, key("down")), Some(Action::CursorDown));
        assert_eq!(map.action(Context::Lists, key("ctrl-n")), None);
        assert_eq!(warnings, []);
        assert_eq!(map.labels().label(Context::Leads, Action::Mark), Some("x"));
    }

    #[test]
    fn a_default_action_gives_way_and_that_is_told() {
        let (map, warnings) = KeyMap::with(&[change(None, "history", &["c", "f9"])]).unwrap();
        assert_eq!(map.action(Context::Leads, key("c")), Some(Action::History));
        // In the grid the same key copies an agent.
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings[0].message.starts_with("toggle_closed has no key left in panes: history took it"),
            "{warnings:?}"
        );
    }

    #[test]
    fn mistakes_are_told_with_the_nearest_right_name() {
        for (wrong, expected) in [
            (change(None, "asign", &["a"]), "there is no action \"asign\"; did you mean assign?"),
            (change(Some("lead"), "mark", &["a"]), "there is no place \"lead\"; did you mean leads?"),
            (change(Some("history"), "mark", &["a"]), "mark means nothing in history; it belongs to leads"),
            (change(None, "mark", &["ctrl-i"]), "`ctrl-i` is not a key"),
            (change(Some("filter"), "accept", &["y"]), "y is text in filter"),
            (change(None, "back", &[]), "back needs a key"),
        ] {
            let errors = KeyMap::with(&[wrong]).unwrap_err();
            assert!(errors[0].message.starts_with(expected), "{errors:?}");
            assert_eq!(errors[0].line, 7);
        }
        let twice = [change(None, "undo", &["z"]), change(None, "assign", &["z"])];
        assert_eq!(KeyMap::with(&twice).unwrap_err()[0].message, "z was given to undo already (in panes)");
    }

    #[test]
    fn every_place_has_its_keys_as_words() {
        let labels = KeyMap::new().labels();
        let known: HashSet<&str> = ["f1", "?"].into();
        assert!(labels.all(Context::Leads, Action::Help).all(|label| known.contains(label)));
    }
}
