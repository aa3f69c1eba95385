//! What Exotel's contract leaves open. The defaults are the contract's assumptions.

use crate::sim::switches::{ON_OFF, SwitchSpec, Values};

const fn switch(name: &'static str, values: Values, default: &'static str, about: &'static str) -> SwitchSpec {
    SwitchSpec { name, values, default, about }
}

pub const ALL: &[SwitchSpec] = &[
    switch(
        "get_unassigned",
        Values::OneOf(&["others", "last_removed", "empty"]),
        "others",
        "The unassigned users of a mapping: the campaign's others, those removed last, or none.",
    ),
    switch(
        "put_semantics",
        Values::OneOf(&["delta", "replace"]),
        "delta",
        "PUT adds and removes, or makes the mapping what its assignedUserIds says.",
    ),
    switch(
        "already_assigned",
        Values::OneOf(&["ok", "400"]),
        "ok",
        "Adding a user who is mapped, or removing one who is not: listed in the answer, or a 400.",
    ),
    switch(
        "unknown_user",
        Values::OneOf(&["400", "drop", "partial"]),
        "400",
        "A user who is not of the campaign: nothing is changed, or left out silently, or a 400 with the others applied.",
    ),
    switch(
        "lead_user_paging",
        Values::OneOf(&["both", "per_array", "ignored", "page_index"]),
        "both",
        "What limit and offset of a mapping count: users of both kinds, of each, nothing, or pages.",
    ),
    switch("campaign_lead_paging", ON_OFF, "off", "The lists of a campaign come in pages of 20 with metadata."),
    switch(
        "error_statuscode",
        Values::OneOf(&["real", "always404"]),
        "real",
        "The statusCode in the body of an error: the status, or 404 whatever the status.",
    ),
    switch(
        "prefix",
        Values::OneOf(&["as_published", "cms_everywhere"]),
        "as_published",
        "Processes and campaigns below /configuration, or below /cms/configuration like the rest.",
    ),
    switch(
        "auth",
        Values::OneOf(&["as_published", "bearer_everywhere", "basic_everywhere"]),
        "as_published",
        "The scheme of each endpoint: mappings by Basic and the rest by Bearer, or all by one.",
    ),
    switch(
        "item_error",
        Values::OneOf(&["off", "on", "text"]),
        "off",
        "One list of each campaign comes as an error with http_code 404; with text its error_data is a string.",
    ),
    switch("html_500", ON_OFF, "off", "Errors of the server (see the fault error_before) are pages for a browser."),
    switch("rate_limit", Values::Fault("rate_limit={}"), "off", "Requests that may be sent; above it a 429."),
    switch("latency", Values::Fault("latency={}"), "off", "Waits before each answer."),
    switch(
        "drop_after_apply",
        Values::Fault("cut_after={}:write"),
        "off",
        "A mapping is written and the connection closed without an answer.",
    ),
    switch(
        "stale_reads",
        Values::Number { min: 0, max: 1_000 },
        "0",
        "So many reads of a mapping after a write still show it as it was before.",
    ),
    switch(
        "foreign_writer",
        Values::Fault("meddle={}:path=/lead-user:read"),
        "off",
        "Right after a mapping was read another supervisor changes it.",
    ),
];
