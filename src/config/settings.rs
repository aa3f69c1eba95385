//! Settings as data: a vendor says which it has, the configuration is checked against that.

/// One setting of a vendor's profile.
#[derive(Clone, Copy, Debug)]
pub struct SettingSpec {
    /// As written in the profile's table; dots make sub-tables (`auth.lead_user`).
    pub name: &'static str,
    pub kind: SettingKind,
    /// The default as it would be written in TOML; `None` where there is none.
    pub default: Option<&'static str>,
    /// One sentence for `config init`, `config.example.toml` and error messages.
    pub doc: &'static str,
}

/// What a setting's value may be.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    Text,
    Integer {
        min: i64,
        max: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    TextList,
    /// A list of ids: texts, or whole numbers that are taken as the texts they are.
    Ids,
    /// A path; `~` is the home folder.
    Path,
    /// A length of time: `90s`, `5m`, `2h`, `7d`.
    Duration,
    /// A list of `{ id, name, email }` tables; a vendor's own keys may stand beside these.
    People,
    /// A credential in one of its three forms.
    Secret,
}

/// What a profile of one vendor may hold.
#[derive(Clone, Copy, Debug)]
pub struct VendorSettings {
    pub vendor: crate::domain::VendorKind,
    pub settings: &'static [SettingSpec],
    /// Sets of credentials of which at least one must be given whole; the first is the usual one.
    pub credentials: &'static [&'static [&'static str]],
}
