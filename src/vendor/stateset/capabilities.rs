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

/// What a new lead may have beside first name, last name and e-mail address (contract, lead fields).
const NEW_LEAD: &[(&str, &str)] = &[
    ("phone", "The phone number."),
    ("title", "The job title."),
    ("department", "The department."),
    ("description", "A description."),
    ("leadSource", "website, referral, trade_show, cold_call, social_media, partner or other."),
    ("owner", "The owner, written as the profile's owner_value has it."),
    ("status", "The status; new where it is left out."),
    ("mailingStreet", "The street."),
    ("mailingCity", "The city."),
    ("mailingState", "The state."),
    ("mailingCountry", "The country."),
    ("do_not_call", "true or false."),
    ("email_opt_out", "true or false."),
    ("fax_opt_out", "true or false."),
    ("invalid_lead", "true or false."),
    ("assistant", "The assistant's name."),
    ("assistant_phone", "The assistant's phone number."),
    ("birthdate", "The date of birth."),
    ("fax", "The fax number."),
    ("handle", "A handle."),
    ("languages", "Languages."),
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
        server_search: false,
        new_lead: Some(NEW_LEAD),
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
