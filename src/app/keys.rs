//! The keys of every action as plain words, for hints, help and palette.

use std::collections::HashMap;

use super::action::Action;
use super::context::Context;

/// Which keys are bound to which action, in each section of the key map. Made by `input` from the key map; here it is
/// only shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    labels: HashMap<(Context, Action), Vec<String>>,
}

impl Keys {
    /// Bindings as (section, action, key as the person reads it), the preferred key of an action first.
    pub fn new(bindings: impl IntoIterator<Item = (Context, Action, String)>) -> Self {
        let mut keys = Self::default();
        for (section, action, key) in bindings {
            keys.labels.entry((section, action)).or_default().push(key);
        }
        keys
    }

    /// The preferred key of `action` where the person is. A key that a nearer section gives to another action is not
    /// looked for: the key map's reader warns about those. Where text is typed, printable keys are no keys.
    pub fn label(&self, context: Context, action: Action) -> Option<&str> {
        self.all(context, action).next()
    }

    /// Every key of `action` where the person is, the nearest section first.
    pub fn all(&self, context: Context, action: Action) -> impl Iterator<Item = &str> {
        context
            .sections()
            .iter()
            .filter_map(move |section| self.labels.get(&(*section, action)))
            .flatten()
            .map(String::as_str)
            .filter(move |key| !context.takes_text() || !is_printable(key))
    }

    /// The keys of `action` in one section of the key map, for the help page.
    pub fn in_section(&self, section: Context, action: Action) -> &[String] {
        self.labels.get(&(section, action)).map_or(&[], Vec::as_slice)
    }
}

/// A key that puts a character into a text.
fn is_printable(key: &str) -> bool {
    key == "space" || key.chars().count() == 1
}
