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
    /// A path; `~` is the home folder.
    Path,
    /// A list of `{ id, name, email }` tables.
    People,
    /// A credential in one of its three forms.
    Secret,
}
