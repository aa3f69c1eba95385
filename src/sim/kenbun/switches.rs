//! What kenbun's contract leaves open. The defaults are the contract's assumptions.

use crate::sim::switches::{ON_OFF, SwitchSpec, Values};

const fn switch(name: &'static str, values: Values, default: &'static str, about: &'static str) -> SwitchSpec {
    SwitchSpec { name, values, default, about }
}

pub const ALL: &[SwitchSpec] = &[
    switch("max_limit", Values::Number { min: 1, max: 10_000 }, "100", "The largest page of GET /leads."),
    switch(
        "over_limit",
        Values::OneOf(&["clamp", "reject"]),
        "clamp",
        "A larger limit is clamped and echoed, or a 400.",
    ),
    switch("unknown_owner", Values::OneOf(&["accept", "400"]), "accept", "An owner_id that no member has."),
    switch(
        "bulk_unknown",
        Values::OneOf(&["ignore", "reject_all_404"]),
        "ignore",
        "Ids in a bulk call that are unknown or in another unit.",
    ),
    switch(
        "affected",
        Values::OneOf(&["matched", "changed"]),
        "matched",
        "Whether `affected` counts leads that already had that owner.",
    ),
    switch(
        "omitted_owner_name",
        Values::OneOf(&["null", "lookup"]),
        "null",
        "What is stored as the name when owner_name is missing or null beside an owner_id.",
    ),
    switch("unassigned_as", Values::OneOf(&["null", "absent", "empty"]), "null", "owner_name of an unassigned lead."),
    switch("expose_owner_id", ON_OFF, "off", "Reads carry owner_id."),
    switch("row_metadata", ON_OFF, "off", "Rows of GET /leads carry metadata and email."),
    switch("updated_at_on_assign", ON_OFF, "on", "An assignment changes updated_at."),
    switch(
        "require_active_ou",
        ON_OFF,
        "on",
        "Lead calls without an active unit are a 400; otherwise unit_default is used.",
    ),
    switch("initial_ou", Values::OneOf(&["none", "default"]), "none", "The active unit before the first choice."),
    switch(
        "ou_drift",
        Values::Number { min: 0, max: 1_000_000 },
        "0",
        "After every Nth request someone makes another unit active (0: never).",
    ),
    switch("error_body", Values::OneOf(&["json", "text", "empty"]), "json", "The body of errors."),
    switch("rate_limit", Values::Rate, "off", "Requests that one credential may send; above it 429 with Retry-After."),
    switch("role", Values::OneOf(&["admin", "viewer"]), "admin", "The role of the profile's token."),
    switch("viewer_403", ON_OFF, "on", "Writes of a viewer are a 403."),
    switch(
        "member_ids",
        Values::OneOf(&["org_member_id", "user_id"]),
        "org_member_id",
        "The kind of id that assignments take; with user_id members carry both.",
    ),
    switch(
        "ids",
        Values::OneOf(&["uuid", "mixed", "odd"]),
        "uuid",
        "Lead ids: UUIDs, several kinds, or with reserved characters.",
    ),
    switch(
        "arrivals",
        Values::Number { min: 0, max: 1_000_000 },
        "0",
        "After every Nth list request a new lead arrives on top, so that rows shift to the next page (0: never).",
    ),
];
