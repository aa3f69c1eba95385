//! Where a lead is: in a campaign, else in a list. Bulk calls name it beside the ids, so that a server which took the
//! ids for a mere hint could not touch the leads of the whole workspace.

use compact_str::{CompactString, format_compact};
use serde_json::Value;

use crate::domain::campaign::CollectionKind;
use crate::vendor::fields;

/// A campaign or list, by id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub kind: CollectionKind,
    pub id: CompactString,
}

const CAMPAIGN: &str = "campaign:";
const LIST: &str = "list:";

impl Scope {
    pub fn new(kind: CollectionKind, id: impl Into<CompactString>) -> Self {
        Self { kind, id: id.into() }
    }

    /// Of a lead's row: its campaign, else its list, else nothing.
    pub fn of_row(row: &Value) -> Option<Self> {
        let campaign = fields::id(row.get("campaign")).map(|id| Self::new(CollectionKind::Campaign, id));
        campaign.or_else(|| fields::id(row.get("list_id")).map(|id| Self::new(CollectionKind::List, id)))
    }

    /// From [`LeadRecord::scope`](crate::domain::LeadRecord::scope).
    pub fn read(text: &str) -> Option<Self> {
        let (kind, id) = match (text.strip_prefix(CAMPAIGN), text.strip_prefix(LIST)) {
            (Some(id), _) => (CollectionKind::Campaign, id),
            (_, Some(id)) => (CollectionKind::List, id),
            _ => return None,
        };
        (!id.is_empty()).then(|| Self::new(kind, id))
    }

    /// For [`LeadRecord::scope`](crate::domain::LeadRecord::scope).
    pub fn write(scope: Option<&Self>) -> CompactString {
        match scope {
            Some(Self { kind: CollectionKind::Campaign, id }) => format_compact!("{CAMPAIGN}{id}"),
            Some(Self { kind: CollectionKind::List, id }) => format_compact!("{LIST}{id}"),
            None => CompactString::default(),
        }
    }

    pub fn campaign(scope: Option<&Self>) -> Option<&str> {
        scope.filter(|scope| scope.kind == CollectionKind::Campaign).map(|scope| scope.id.as_str())
    }

    pub fn list(scope: Option<&Self>) -> Option<&str> {
        scope.filter(|scope| scope.kind == CollectionKind::List).map(|scope| scope.id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_campaign_comes_first_and_every_scope_can_be_written_down() {
        for (row, written) in [
            (json!({"campaign": "c1", "list_id": "l1"}), "campaign:c1"),
            (json!({"campaign": null, "list_id": "l1"}), "list:l1"),
            (json!({"campaign": "", "list_id": ""}), ""),
            (json!({"campaign": "a:b"}), "campaign:a:b"),
            (json!({}), ""),
        ] {
            let scope = Scope::of_row(&row);
            assert_eq!(Scope::write(scope.as_ref()), written);
            assert_eq!(Scope::read(written), scope);
        }
        assert_eq!(Scope::read("campaign:"), None);
        assert_eq!(Scope::read("other:x"), None);
    }
}
