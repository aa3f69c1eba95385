//! What Instantly's contract leaves open. The defaults are what is documented, else the contract's assumptions.

use crate::sim::switches::{ON_OFF, SwitchSpec, Values};

const fn switch(name: &'static str, values: Values, default: &'static str, about: &'static str) -> SwitchSpec {
    SwitchSpec { name, values, default, about }
}

pub const ALL: &[SwitchSpec] = &[
    switch(
        "member_ids",
        Values::OneOf(&["user_id", "id"]),
        "user_id",
        "The id of a member that assignments take (to be chosen at the start).",
    ),
    switch(
        "job",
        Values::OneOf(&["all", "partial", "never"]),
        "all",
        "What a bulk assignment's job does: all of it, every second lead, or nothing.",
    ),
    switch(
        "job_delay",
        Values::Number { min: 0, max: 3_600_000 },
        "300",
        "Milliseconds until a job begins; its second half follows after half as many.",
    ),
    switch(
        "job_listed",
        ON_OFF,
        "off",
        "Assignment jobs are in the list of background jobs, with a type of their own.",
    ),
    switch("bulk_requires_scope", ON_OFF, "off", "A bulk assignment by ids without a campaign or list_id is a 400."),
    switch(
        "guard",
        Values::OneOf(&["accept", "400", "ignore"]),
        "accept",
        "assigned_to and has_clause in a bulk assignment: known, refused, or ignored by an older server.",
    ),
    switch(
        "unscoped_list",
        Values::OneOf(&["allow", "400"]),
        "allow",
        "A list of leads without a campaign or list_id.",
    ),
    switch("extra_empty_page", ON_OFF, "off", "The last page carries a cursor too, and the page after it is empty."),
    switch(
        "rate_limit",
        Values::Rate,
        "100/s",
        "Requests of the workspace; above it, and above 6,000 a minute, a 429.",
    ),
    switch("retry_after", ON_OFF, "off", "A 429 says how long to wait."),
    switch("bursts", Values::Fault("rate_limit={}"), "off", "Bursts of 429 whatever the rate."),
    switch(
        "forbidden",
        Values::OneOf(&["off", "scope", "cloudflare"]),
        "off",
        "403: the key may not write, or everything is blocked before the API with a page that is not JSON.",
    ),
    switch("plan", Values::OneOf(&["paid", "none"]), "paid", "Without a paid plan everything is a 402."),
    switch(
        "patch_null",
        Values::OneOf(&["accept", "400", "ignore"]),
        "accept",
        "PATCH with assigned_to null: nobody's, refused, or a 200 that changes nothing.",
    ),
    switch("unassigned_as", Values::OneOf(&["null", "absent"]), "null", "assigned_to of a lead that is nobody's."),
    switch(
        "index_lag",
        Values::Number { min: 0, max: 3_600_000 },
        "0",
        "Milliseconds after a write in which lists still show the owner from before; GET of one lead does not.",
    ),
    switch(
        "third_party",
        Values::Fault("meddle={}:path=/leads/list:read"),
        "off",
        "Right after leads were listed someone else changes the owner of one.",
    ),
    switch("custom_labels", ON_OFF, "off", "Some leads carry the workspace's own labels as their interest."),
    switch(
        "unknown_lead",
        Values::OneOf(&["404", "400"]),
        "404",
        "An id that no lead has, where one lead is asked for.",
    ),
];
