//! What StateSet can and cannot do, as data for the rest of the house.

use std::time::Duration;

use super::settings::{BulkMode, MOST_IN_BULK, OwnerValue, Settings, UpdateMode};
use crate::domain::capabilities::Settle;
use crate::domain::{BatchRule, Capabilities, Exactness, Field, ReadBack, TargetKind, Unassign, VendorKind};
use crate::vendor::settings::pace;

const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Email,
    Field::Phone,
    Field::Status,
    Field::Source,
    Field::Created,
    Field::Owner,
    Field::Profile,
];

pub fn of(settings: &Settings) -> Capabilities {
    let mut warnings = vec![
        "StateSet does not document how a lead's owner is changed: this is experimental. The first change of a session \
         goes alone and is compared with what was there."
            .to_owned(),
    ];
    if settings.update_mode == UpdateMode::Merge {
        warnings.push(
            "Each lead is read and written back whole (update_mode = \"merge\"): what others change in it in the same \
             moment is overwritten."
                .to_owned(),
        );
    }
    let batch = match settings.bulk_mode {
        BulkMode::None => BatchRule::SINGLE,
        bulk => BatchRule {
            max: MOST_IN_BULK,
            bulk_from: 2,
            unassign_max: MOST_IN_BULK,
            split_by_before: false,
            split_by_scope: false,
            atomic: false,
            per_item_answer: bulk == BulkMode::BulkUpdate,
            before_each: 0,
        },
    };
    let undo = match settings.owner_value {
        OwnerValue::Name | OwnerValue::Id => Exactness::Exact,
        other => Exactness::BestEffort(format!(
            "a former owner is written back by {} as it is at that time, which may be another one by then",
            other.label()
        )),
    };
    Capabilities {
        vendor: VendorKind::Stateset,
        targets: TargetKind::Leads,
        experimental: true,
        fields: FIELDS,
        server_filters: &[],
        names_in_rows: true,
        all_names: false,
        batch,
        unassign: Unassign::Yes,
        // A lead's text is read as it is: what is no user's value stays a bare text and is written back as such.
        read_back: ReadBack::ById,
        read_at_once: 1,
        settle: Settle::USUAL,
        late_writes: Duration::ZERO,
        undo,
        pace: pace(settings.requests_per_minute, settings.parallel),
        freshness: settings.freshness,
        first_write_alone: true,
        not_undoable: Vec::new(),
        warnings,
        ..Capabilities::plain(VendorKind::Stateset, FIELDS)
    }
}
