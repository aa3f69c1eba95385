//! What Capillary can and cannot do, as data for the rest of the house.

use super::listing::FILTERS;
use super::settings::{SameStore, Settings, UnassignMode};
use crate::domain::capabilities::Settle;
use crate::domain::{Capabilities, Exactness, Field, OtherGroup, Unassign, UnknownOwner, VendorKind};
use crate::vendor::settings::pace;

const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Status,
    Field::Source,
    Field::Created,
    Field::Updated,
    Field::Owner,
    Field::Profile,
];

/// With the names of customers, what a lead is about stands beside them.
const FIELDS_WITH_CUSTOMERS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Email,
    Field::Phone,
    Field::Status,
    Field::Source,
    Field::List,
    Field::Created,
    Field::Updated,
    Field::Owner,
    Field::Profile,
];

pub fn of(settings: &Settings) -> Capabilities {
    let fields = if settings.customer_names { FIELDS_WITH_CUSTOMERS } else { FIELDS };
    let can_unassign = settings.unassign != UnassignMode::Unsupported;
    let within = settings.confirm_within;
    Capabilities {
        server_filters: FILTERS,
        names_in_rows: !settings.customer_names,
        private_names: settings.customer_names,
        unassign: if can_unassign {
            Unassign::Yes
        } else {
            Unassign::No("Capillary has no call that leaves a lead with nobody (unassign_mode may try one)".to_owned())
        },
        unknown: UnknownOwner { may_change: settings.allow_unknown_previous, may_be_nobody: can_unassign },
        other_group: match settings.same_store {
            SameStore::Warn => OtherGroup::Warned("store"),
            SameStore::Block => OtherGroup::Refused("store"),
            SameStore::Off => OtherGroup::Allowed,
        },
        // Is it in the new owner's list, and no longer in the former one's?
        checks_per_change: 2,
        settle: Settle {
            first: within.mul_f64(1.0 / 18.0),
            most: within.mul_f64(10.0 / 18.0),
            deadline: within.mul_f64(5.0 / 3.0),
            // The owner filter may lag behind a change by as much.
            late: within,
            doubted: 0,
        },
        undo: Exactness::BestEffort(
            "a lead that was in nobody's list had no owner or one whom the staff list does not have; Capillary does not tell \
             which, so it cannot be put back"
                .to_owned(),
        ),
        pace: pace(settings.requests_per_minute, settings.parallel),
        freshness: settings.freshness,
        first_write_alone: true,
        not_undoable: vec![
            "What Capillary tells associates about a lead stays told; when and by whom it was last changed stays changed."
                .to_owned(),
        ],
        ..Capabilities::plain(VendorKind::Capillary, fields)
    }
}
