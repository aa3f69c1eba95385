//! What the configuration and the command line say about the screen.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::planning::radius::Caps;
use crate::domain::view::SavedView;
use crate::domain::{Field, Links, ProfileName};

/// Settings of the screen. The runtime makes them from the configuration, the command line and the environment.
#[derive(Clone, Debug)]
pub struct Options {
    pub theme: ThemeName,
    /// ASCII only: no box drawing, no colours, no motion.
    pub plain: bool,
    /// `NO_COLOR` or a terminal without colours: only the mono theme is offered.
    pub no_color: bool,
    /// A plan with this many changes or more asks for its count to be typed.
    pub large_plan: usize,
    /// A plan with more changes than this needs a second person.
    pub approval_above: Option<usize>,
    /// Leads that were changed from here within this time are pointed out; nothing is for zero.
    pub recent_changes: Duration,
    /// How many leads owners should have at most.
    pub caps: Caps,
    /// Columns from left to right; empty for the usual ones.
    pub columns: Vec<Field>,
    pub views: Vec<SavedView>,
    /// Teams of agents by name, with user ids.
    pub teams: std::collections::BTreeMap<String, Vec<String>>,
    /// Who is the same person in several profiles.
    pub links: Arc<Links>,
    /// The list that is shown first; `None` for all leads.
    pub start_with: Option<ProfileName>,
    /// For times of day.
    pub zone: jiff::tz::TimeZone,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            theme: ThemeName::Dark,
            plain: false,
            no_color: false,
            large_plan: 100,
            approval_above: None,
            recent_changes: Duration::ZERO,
            caps: Caps::default(),
            columns: Vec::new(),
            views: Vec::new(),
            teams: Default::default(),
            links: Arc::default(),
            start_with: None,
            zone: jiff::tz::TimeZone::UTC,
        }
    }
}

impl Options {
    /// The theme that is painted with: without colours there is only one.
    pub fn painted_theme(&self) -> ThemeName {
        if self.plain || self.no_color { ThemeName::Mono } else { self.theme }
    }
}

/// The themes by their names in the configuration.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum ThemeName {
    #[default]
    Dark,
    Light,
    HighContrast,
    /// No colours at all: bold, reverse, underline and words.
    Mono,
}

impl ThemeName {
    /// The one after this.
    pub fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::HighContrast,
            Self::HighContrast => Self::Mono,
            Self::Mono => Self::Dark,
        }
    }
}
