//! Saved views: named queries with their columns and their order.

use super::capabilities::Field;
use super::ids::ProfileName;
use super::query::Sort;

/// A way of looking at leads that was given a name. In the configuration it is text, so that it can be read and shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedView {
    pub name: String,
    /// The text of the filter line; empty for every lead.
    pub query: String,
    /// Columns from left to right; empty for the usual ones.
    pub columns: Vec<Field>,
    pub sort: Option<Sort>,
    /// Closed leads are shown too.
    pub include_closed: bool,
    /// The profile it looks at; `None` for all that are open.
    pub profile: Option<ProfileName>,
}
