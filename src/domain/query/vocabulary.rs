//! What queries over some profiles may name.

use strum::IntoEnumIterator;

use crate::domain::{Capabilities, Field};

/// The fields that these profiles' vendors give, and the questions that they answer themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    pub fields: Vec<Field>,
    /// The vendors' own filters, each with its sentence.
    pub filters: Vec<(&'static str, &'static str)>,
    /// A vendor has a text search of its own.
    pub search: bool,
    /// Every word is let through as a filter: which there are is not known yet.
    pub any_filter: bool,
}

impl Vocabulary {
    /// What the vendors of some profiles have between them.
    pub fn of<'a>(profiles: impl IntoIterator<Item = &'a Capabilities>) -> Self {
        let mut all = Self::default();
        for capabilities in profiles {
            all.fields
                .extend(capabilities.fields.iter().filter(|field| !all.fields.contains(field)).collect::<Vec<_>>());
            for filter in capabilities.server_filters {
                if !all.filters.iter().any(|(known, _)| *known == filter.0) {
                    all.filters.push(*filter);
                }
            }
            all.search |= capabilities.server_search;
        }
        all
    }

    /// Everything that any vendor might have: for queries that are written down before a profile is open.
    pub fn everything() -> Self {
        Self { fields: Field::iter().collect(), filters: Vec::new(), search: true, any_filter: true }
    }
}

impl From<&[Field]> for Vocabulary {
    fn from(fields: &[Field]) -> Self {
        Self { fields: fields.to_vec(), ..Self::default() }
    }
}
