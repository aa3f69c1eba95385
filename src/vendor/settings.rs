//! What a profile gives, held to the vendor's [`SettingSpec`]s: defaults stand there once, and limits are kept even by
//! profiles that no configuration file was checked for.

use crate::config::{ConfigError, Profile, SettingKind, SettingSpec};
use crate::domain::Pace;

/// A profile beside the settings that its vendor has.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub profile: &'a Profile,
    pub specs: &'static [SettingSpec],
}

impl Given<'_> {
    /// A whole number within the limits of its spec; its default where it is not given.
    pub fn whole<T: TryFrom<i64>>(&self, name: &'static str) -> Result<T, ConfigError> {
        let Some((spec, SettingKind::Integer { min, max })) = self.spec(name).map(|spec| (spec, spec.kind)) else {
            return Err(self.profile.error(name, format!("{name} is not a setting with a whole number")));
        };
        let default = spec.default.and_then(|text| text.parse().ok()).unwrap_or(min);
        let value = self.profile.integer(name).unwrap_or(default);
        if !(min..=max).contains(&value) {
            return Err(self.profile.error(name, format!("{name} must be from {min} to {max}, not {value}")));
        }
        T::try_from(value).map_err(|_| self.profile.error(name, format!("{name} cannot be {value}")))
    }

    /// One of the words of its spec; the default where it is not given.
    pub fn choice(&self, name: &'static str) -> Result<&'static str, ConfigError> {
        let Some((spec, SettingKind::Choice(words))) = self.spec(name).map(|spec| (spec, spec.kind)) else {
            return Err(self.profile.error(name, format!("{name} is not a setting with a choice of words")));
        };
        let default = spec.default.map(|text| text.trim_matches('"')).or(words.first().copied()).unwrap_or_default();
        let value = self.profile.text(name).unwrap_or(default);
        words.iter().copied().find(|word| *word == value).ok_or_else(|| {
            self.profile.error(name, format!("{name} must be one of {}, not {value:?}", words.join(", ")))
        })
    }

    fn spec(&self, name: &str) -> Option<&'static SettingSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }
}

/// The pace for so many requests a minute; `None` is no limit. A tenth of a minute's requests may leave at once, so that
/// the names of a screen full of leads do not trickle in; no minute gets more than its limit for that.
pub fn pace(per_minute: Option<u32>, parallel: usize) -> Pace {
    let (per_second, burst) = match per_minute {
        Some(pace) => (f64::from(pace) / 60.0, (pace / 10).clamp(1, 60)),
        None => (f64::INFINITY, u32::MAX),
    };
    Pace { per_second, burst, parallel, yields: false }
}
