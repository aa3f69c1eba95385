//! Recipes: what was done on the screen, as a text that a person can read, change and run again. A recipe becomes a plan,
//! never straight a write.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::ids::{LeadId, ProfileName};
use super::safe_text::{is_safe, visible};
use super::{SafeText, Timestamp};

const FORMAT: &str = "switchboard-recipe";
/// The newest format this program writes and reads.
const VERSION: u64 = 1;

/// Which leads go where.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    format: String,
    version: u64,
    /// What it did when it was recorded, for people: `Assign 12 leads to Jane Smith`.
    #[serde(default)]
    pub does: SafeText,
    #[serde(default)]
    pub author: Option<SafeText>,
    #[serde(default)]
    pub saved_at: Option<Timestamp>,
    /// The profiles it works on; empty for those that the command line means.
    #[serde(default)]
    pub profiles: Vec<ProfileName>,
    pub leads: RecipeLeads,
    pub assign: RecipeAssign,
}

/// Which leads: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeLeads {
    /// All that match this query when the recipe is run.
    #[serde(default, rename = "where")]
    pub query: Option<String>,
    /// These.
    #[serde(default)]
    pub ids: Option<OneOrEach<Vec<LeadId>>>,
    /// Also leads that are closed, lost or deleted.
    #[serde(default)]
    pub include_closed: bool,
}

/// Where to: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeAssign {
    /// An owner, as `--to` takes one.
    #[serde(default)]
    pub to: Option<OneOrEach<String>>,
    #[serde(default)]
    pub unassign: bool,
    #[serde(default)]
    pub note: Option<String>,
}

/// One value for all profiles, or one for each.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum OneOrEach<T> {
    One(T),
    Each(BTreeMap<ProfileName, T>),
}

impl<T> OneOrEach<T> {
    pub fn of(&self, profile: &ProfileName) -> Option<&T> {
        match self {
            Self::One(value) => Some(value),
            Self::Each(values) => values.get(profile),
        }
    }

    /// One value where only one profile has one.
    pub fn simplest(mut values: BTreeMap<ProfileName, T>) -> Self {
        match values.pop_first() {
            Some((_, only)) if values.is_empty() => Self::One(only),
            Some((profile, first)) => {
                values.insert(profile, first);
                Self::Each(values)
            }
            None => Self::Each(values),
        }
    }
}

impl Recipe {
    pub fn new(does: SafeText, profiles: Vec<ProfileName>, leads: RecipeLeads, assign: RecipeAssign) -> Self {
        let format = FORMAT.to_owned();
        Self { format, version: VERSION, does, author: None, saved_at: None, profiles, leads, assign }
    }

    /// The text of a recipe file.
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# A recipe of Switchboard: `switchboard run FILE` makes a plan of it. Nothing is sent before that plan is\n\
             # confirmed.\n",
        );
        let mut line = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} = {value}");
        };
        line("format", quoted(&self.format));
        line("version", self.version.to_string());
        if !self.does.is_empty() {
            line("does", quoted(self.does.as_str()));
        }
        if let Some(author) = &self.author {
            line("author", quoted(author.as_str()));
        }
        if let Some(at) = self.saved_at {
            line("saved_at", quoted(&at.to_string()));
        }
        if !self.profiles.is_empty() {
            line("profiles", list(self.profiles.iter().map(ProfileName::as_str), 120));
        }
        let _ = writeln!(text, "\n# Which leads: a query (`where`), or ids.\n[leads]");
        if let Some(query) = &self.leads.query {
            let _ = writeln!(text, "where = {}", quoted(query));
        }
        if self.leads.include_closed {
            text.push_str("include_closed = true\n");
        }
        match &self.leads.ids {
            Some(OneOrEach::One(ids)) => {
                let _ = writeln!(text, "ids = {}", list(ids.iter().map(LeadId::as_str), 100));
            }
            Some(OneOrEach::Each(ids)) => {
                text.push_str("[leads.ids]\n");
                for (profile, ids) in ids {
                    let ids = list(ids.iter().map(LeadId::as_str), 100);
                    let _ = writeln!(text, "{} = {ids}", quoted(profile.as_str()));
                }
            }
            None => {}
        }
        text.push_str("\n# To whom: an owner (`to`), or `unassign = true`.\n[assign]\n");
        if self.assign.unassign {
            text.push_str("unassign = true\n");
        }
        if let Some(OneOrEach::One(owner)) = &self.assign.to {
            let _ = writeln!(text, "to = {}", quoted(owner));
        }
        if let Some(note) = &self.assign.note {
            let _ = writeln!(text, "note = {}", quoted(note));
        }
        if let Some(OneOrEach::Each(owners)) = &self.assign.to {
            text.push_str("[assign.to]\n");
            for (profile, owner) in owners {
                let _ = writeln!(text, "{} = {}", quoted(profile.as_str()), quoted(owner));
            }
        }
        text
    }

    /// Reads a recipe's text; the error is a sentence's beginning without the file's name, with the line where it knows
    /// one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let not_a_recipe = |why: &str| format!("this is not a recipe: {}", visible(why.trim_end()));
        // What a newer program wrote is told as that, whatever else is in it.
        let told = |error: toml::de::Error| not_a_recipe(&placed(text, &error));
        let table: toml::Table = toml::from_str(text).map_err(told)?;
        if table.get("format").and_then(toml::Value::as_str) != Some(FORMAT) {
            return Err(not_a_recipe(&format!("its format is not \"{FORMAT}\"")));
        }
        match table.get("version").and_then(toml::Value::as_integer).map(u64::try_from) {
            Some(Ok(VERSION)) => {}
            Some(Ok(newer)) if newer > VERSION => {
                return Err(format!(
                    "this recipe was written by a newer Switchboard (format {newer}, this one knows {VERSION})"
                ));
            }
            _ => return Err(not_a_recipe("its version is missing or unknown")),
        }
        let recipe: Self = toml::from_str(text).map_err(told)?;
        match (&recipe.leads.query, &recipe.leads.ids) {
            (None, None) => return Err(not_a_recipe("[leads] has neither `where` nor `ids`")),
            (Some(_), Some(_)) => return Err(not_a_recipe("[leads] has both `where` and `ids`")),
            _ => {}
        }
        match (&recipe.assign.to, recipe.assign.unassign) {
            (None, false) => Err(not_a_recipe("[assign] has neither `to` nor `unassign = true`")),
            (Some(_), true) => Err(not_a_recipe("[assign] has both `to` and `unassign = true`")),
            _ => Ok(recipe),
        }
    }
}

/// What is wrong with a text, after the line it is in.
fn placed(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim().replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// A TOML text in which nothing steers a terminal.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || !is_safe(c) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A TOML list, on one line where it fits into `width`.
fn list<'a>(texts: impl Iterator<Item = &'a str>, width: usize) -> String {
    let texts: Vec<String> = texts.map(quoted).collect();
    let line = texts.join(", ");
    if line.chars().count() <= width { format!("[{line}]") } else { format!("[\n  {},\n]", texts.join(",\n  ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recipe(leads: RecipeLeads, assign: RecipeAssign) -> Recipe {
        Recipe::new("Assign 2 leads".into(), vec!["sales".into()], leads, assign)
    }

    #[test]
    fn a_recipe_reads_well() {
        let leads = RecipeLeads { query: Some("status:new name:\"x\"".to_owned()), ..RecipeLeads::default() };
        let assign = RecipeAssign { to: Some(OneOrEach::One("u1".to_owned())), ..RecipeAssign::default() };
        let mut recipe = recipe(leads, assign);
        recipe.author = Some("ann@desk".into());
        recipe.saved_at = Some("2026-11-01T10:00:00Z".parse().unwrap());
        assert_eq!(
            recipe.to_text().lines().skip(2).collect::<Vec<_>>().join("\n"),
            r#"format = "switchboard-recipe"
version = 1
does = "Assign 2 leads"
author = "ann@desk"
saved_at = "2026-11-01T10:00:00Z"
profiles = ["sales"]

# Which leads: a query (`where`), or ids.
[leads]
where = "status:new name:\"x\""

# To whom: an owner (`to`), or `unassign = true`.
[assign]
to = "u1""#
        );
        assert_eq!(Recipe::parse(&recipe.to_text()).unwrap(), recipe);
    }

    #[test]
    fn what_is_no_recipe_is_told_as_that() {
        let head = "format = \"switchboard-recipe\"\nversion = 1\n";
        for (text, why) in [
            ("", "its format is not"),
            ("x = ", "not a recipe: line 1: "),
            (&format!("{head}[leads]\nquery = \"x\"\n[assign]\nto = \"a\""), "line 4: unknown field `query`, expected"),
            ("format = \"switchboard-recipe\"", "its version is missing"),
            ("format = \"switchboard-recipe\"\nversion = 2\n[new]", "newer Switchboard (format 2"),
            (&format!("{head}[leads]\nwhere = \"x\"\n[assign]"), "neither `to` nor"),
            (&format!("{head}[leads]\n[assign]\nto = \"a\""), "neither `where` nor"),
            (&format!("{head}[leads]\nwhere = \"\"\nids = []\n[assign]\nto = \"a\""), "both `where` and"),
            (&format!("{head}[leads]\nwhere = \"\"\n[assign]\nto = \"a\"\nunassign = true"), "both `to` and"),
            (&format!("{head}[leads]\nwere = \"\"\n[assign]\nto = \"a\""), "unknown field `were`"),
            (&format!("{head}[assign]\nto = \"a\""), "missing field `leads`"),
        ] {
            let error = Recipe::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_recipe_is_read_as_it_was_written(
            query in any::<Option<String>>(),
            ids in prop::collection::btree_map("[a-z.]{1,5}", prop::collection::vec(any::<String>(), 0..30), 1..3),
            to in prop::collection::btree_map(any::<String>(), any::<String>(), 1..3),
            unassign in any::<bool>(), closed in any::<bool>(), note in any::<Option<String>>(),
        ) {
            let ids = ids.into_iter().map(|(profile, ids)| {
                (ProfileName::from(profile), ids.into_iter().map(LeadId::from).collect())
            });
            let ids = query.is_none().then(|| OneOrEach::simplest(ids.collect()));
            let to = to.into_iter().map(|(profile, owner)| (ProfileName::from(profile), owner)).collect();
            let to = (!unassign).then(|| OneOrEach::simplest(to));
            let recipe = recipe(RecipeLeads { query, ids, include_closed: closed }, RecipeAssign { to, unassign, note });
            let text = recipe.to_text();
            prop_assert!(text.chars().all(|c| c == '\n' || is_safe(c)), "{}", text);
            prop_assert_eq!(Recipe::parse(&text).unwrap(), recipe);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>(), at in any::<prop::sample::Index>()) {
            let _ = Recipe::parse(&text);
            let head = format!("format = \"{FORMAT}\"\nversion = 1\n{text}");
            let _ = Recipe::parse(&head);
            let whole = recipe(
                RecipeLeads { query: Some(text), ..RecipeLeads::default() },
                RecipeAssign { unassign: true, ..RecipeAssign::default() },
            ).to_text();
            let cut = (0..=at.index(whole.len())).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
            let _ = Recipe::parse(&whole[..cut]);
        }
    }
}
