//! What Instantly can and cannot do, as data for the rest of the house.

use std::time::Duration;

use super::settings::{PAGE, Settings, Strategy};
use crate::domain::capabilities::Settle;
use crate::domain::{BatchRule, Capabilities, Field, Pace, ReadBack, VendorKind};

const FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::Company,
    Field::Email,
    Field::Phone,
    Field::Status,
    Field::Source,
    Field::Created,
    Field::Updated,
    Field::Owner,
    Field::Campaign,
    Field::List,
    Field::Profile,
];

/// The filters of the list call: the words for queries, each with its sentence.
pub const FILTERS: &[(&str, &str)] = &[
    ("contacted", "Leads that were contacted."),
    ("not_contacted", "Leads that were not contacted."),
    ("completed", "Leads that completed their sequence."),
    ("unsubscribed", "Leads that unsubscribed."),
    ("active", "Leads that are active in a sequence."),
    ("bounced", "Leads whose mail bounced."),
    ("skipped", "Leads that were skipped."),
    ("risky", "Leads with a risky e-mail address."),
    ("invalid", "Leads with an invalid e-mail address."),
    ("valid", "Leads with a valid e-mail address."),
    ("in_subsequence", "Leads that are in a subsequence."),
    ("opened_no_reply", "Leads that opened mail and did not reply."),
    ("completed_no_reply", "Leads that completed their sequence and did not reply."),
    ("no_opens", "Leads that opened no mail."),
    ("replied", "Leads that replied."),
    ("link_clicked", "Leads that clicked a link."),
    ("lead_interested", "Leads that are interested."),
    ("lead_not_interested", "Leads that are not interested."),
    ("lead_meeting_booked", "Leads with a meeting booked."),
    ("lead_meeting_completed", "Leads with a meeting completed."),
    ("lead_closed", "Leads that were won (closed)."),
    ("lead_out_of_office", "Leads that are out of office."),
    ("lead_wrong_person", "Leads that are the wrong person."),
    ("lead_lost", "Leads that were lost."),
    ("lead_no_show", "Leads that did not show up."),
    ("lead_custom_label_positive", "Leads with a positive label of the workspace's own."),
    ("lead_custom_label_negative", "Leads with a negative label of the workspace's own."),
];

/// The API's name for one of [`FILTERS`].
pub fn filter(word: &str) -> Option<String> {
    let word = word.trim().to_ascii_lowercase();
    FILTERS.iter().find(|(known, _)| *known == word)?;
    let family = if word.starts_with("lead_") { "FILTER_" } else { "FILTER_VAL_" };
    Some(format!("{family}{}", word.to_ascii_uppercase()))
}

pub fn of(settings: &Settings) -> Capabilities {
    let (max, bulk_from) = match settings.strategy {
        Strategy::Patch => (1, usize::MAX),
        Strategy::Bulk => (settings.bulk_chunk, 1),
        Strategy::Auto { patch_up_to } => (settings.bulk_chunk, patch_up_to.saturating_add(1)),
    };
    let uses_jobs = settings.strategy != Strategy::Patch;
    let mut warnings = Vec::new();
    if let Some(workspace) = &settings.as_workspace {
        let workspace = crate::domain::safe_text::visible(workspace);
        warnings.push(format!("Everything is done in the sub-workspace {workspace} (x-as-workspace)."));
    }
    Capabilities {
        server_filters: FILTERS,
        server_search: true,
        batch: BatchRule {
            max,
            bulk_from,
            unassign_max: 1,
            split_by_before: settings.guard,
            split_by_scope: settings.scoped,
            // A job may get half-way.
            atomic: false,
            per_item_answer: false,
            before_each: 0,
        },
        read_back: if uses_jobs { ReadBack::Later } else { ReadBack::ById },
        read_at_once: PAGE,
        settle: Settle {
            first: Duration::from_secs(1),
            most: Duration::from_secs(15),
            deadline: settings.verify_deadline,
            late: Duration::from_secs(5),
            doubted: 0,
        },
        late_writes: if uses_jobs { settings.verify_deadline + settings.job_settle } else { Duration::ZERO },
        // One by one: the budget is shared with everything else that works in this workspace.
        pace: Pace {
            per_second: f64::from(settings.requests_per_minute) / 60.0,
            burst: 1,
            parallel: settings.parallel,
            yields: true,
        },
        freshness: settings.freshness,
        not_undoable: vec![
            "Instantly does not say whether an assignment notifies anybody or sets something off in a campaign; what it \
             does stays done."
                .to_owned(),
        ],
        warnings,
        ..Capabilities::plain(VendorKind::Instantly, FIELDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_of_the_contract_has_a_word() {
        assert_eq!(FILTERS.len(), 27);
        assert_eq!(filter("contacted").as_deref(), Some("FILTER_VAL_CONTACTED"));
        assert_eq!(filter("Lead_Interested").as_deref(), Some("FILTER_LEAD_INTERESTED"));
        assert_eq!(filter("opened_no_reply").as_deref(), Some("FILTER_VAL_OPENED_NO_REPLY"));
        assert_eq!(filter("FILTER_VAL_CONTACTED"), None);
        assert_eq!(filter(""), None);
    }
}
