//! What kenbun can and cannot do, as data for the rest of the house.

use std::time::Duration;

use super::settings::{FetchNames, Settings};
use crate::domain::capabilities::Settle;
use crate::domain::{BatchRule, Capabilities, Exactness, Field, ReadBack, TargetKind, Unassign, VendorKind};
use crate::vendor::settings::pace;

/// What the list and the details give.
const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Company,
    Field::Email,
    Field::Phone,
    Field::Status,
    Field::Source,
    Field::Score,
    Field::Created,
    Field::Updated,
    Field::Owner,
    Field::Profile,
];

/// What the list alone gives.
const FIELDS_WITHOUT_DETAIL: &[Field] =
    &[Field::Id, Field::Email, Field::Score, Field::Created, Field::Updated, Field::Owner, Field::Profile];

pub fn of(settings: &Settings) -> Capabilities {
    let mut warnings = Vec::new();
    if settings.org_unit.is_none() {
        warnings.push(
            "No org_unit is set: kenbun changes leads in whatever organizational unit is active for these credentials."
                .to_owned(),
        );
    }
    Capabilities {
        vendor: VendorKind::Kenbun,
        targets: TargetKind::Leads,
        experimental: false,
        fields: if settings.fetch_names == FetchNames::Off { FIELDS_WITHOUT_DETAIL } else { FIELDS },
        server_filters: &[],
        server_search: false,
        new_lead: None,
        // With fetch_names off there is nothing more to fetch: the rows are all there is.
        names_in_rows: settings.fetch_names == FetchNames::Off,
        all_names: settings.fetch_names == FetchNames::All,
        batch: BatchRule {
            max: settings.bulk_size,
            bulk_from: 2,
            unassign_max: settings.bulk_size,
            split_by_before: false,
            split_by_scope: false,
            atomic: true,
            per_item_answer: false,
            before_each: usize::from(settings.org_unit.is_some()),
        },
        unassign: Unassign::Yes,
        read_back: ReadBack::ByName,
        read_at_once: 1,
        settle: Settle::USUAL,
        late_writes: Duration::ZERO,
        undo: Exactness::BestEffort(
            "kenbun reveals only the names of owners: a previous owner whose id is neither in the journal nor that of \
             exactly one person of this name cannot be put back without choosing by hand"
                .to_owned(),
        ),
        pace: pace(settings.requests_per_minute, settings.parallel),
        freshness: settings.freshness,
        first_write_alone: false,
        not_undoable: vec![
            "The entries in kenbun's audit log stay.".to_owned(),
            "Slack alerts that kenbun sends to an owner in the meantime stay sent.".to_owned(),
        ],
        warnings,
        ..Capabilities::plain(VendorKind::Kenbun, FIELDS)
    }
}
