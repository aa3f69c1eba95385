//! The keys of every action as plain words, for hints, help and palette.

use std::collections::HashMap;

use super::action::Action;
use super::context::Context;

/// Which keys are bound to which action, in each section of the key map. Made by `input` from the key map; here it is
/// only shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    labels: HashMap<(Context, Action), Vec<String>>,
    /// What a key does by the section alone.
    actions: HashMap<Context, HashMap<String, Action>>,
}

impl Keys {
    /// Bindings as (section, action, key as the person reads it), the preferred key of an action first.
    pub fn new(bindings: impl IntoIterator<Item = (Context, Action, String)>) -> Self {
        let mut keys = Self::default();
        for (section, action, key) in bindings {
            keys.actions.entry(section).or_default().insert(key.clone(), action);
            keys.labels.entry((section, action)).or_default().push(key);
        }
        keys
    }

    /// The preferred key of `action` where the person is. A key that a nearer section gives to another action is none for
    /// this one. Where text is typed, printable keys are no keys.
    pub fn label(&self, context: Context, action: Action) -> Option<&str> {
        self.all(context, action).next()
    }

    /// Every key of `action` where the person is, the nearest section first.
    pub fn all(&self, context: Context, action: Action) -> impl Iterator<Item = &str> {
        let sections = context.sections();
        let bound = sections.iter().enumerate().filter_map(move |(at, section)| {
            let keys = self.labels.get(&(*section, action))?;
            Some(keys.iter().map(String::as_str).filter(move |key| !self.is_taken(&sections[..at], key)))
        });
        bound.flatten().filter(move |key| !context.takes_text() || !is_printable(key))
    }

    /// One of these sections has its own use for the key.
    fn is_taken(&self, nearer: &[Context], key: &str) -> bool {
        nearer.iter().any(|section| self.actions.get(section).is_some_and(|keys| keys.contains_key(key)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_does_something_else_nearer_by_is_not_shown() {
        let keys = Keys::new([
            (Context::Panes, Action::Dismiss, "x".to_owned()),
            (Context::Panes, Action::Quit, "q".to_owned()),
            (Context::Panes, Action::Quit, "f10".to_owned()),
            (Context::Leads, Action::Mark, "x".to_owned()),
            (Context::Leads, Action::Mark, "q".to_owned()),
        ]);
        assert_eq!(keys.label(Context::Leads, Action::Mark), Some("x"));
        assert_eq!(keys.label(Context::Leads, Action::Dismiss), None);
        assert_eq!(keys.label(Context::Owners, Action::Dismiss), Some("x"));
        assert_eq!(keys.label(Context::Leads, Action::Quit), Some("f10"));
    }
}
