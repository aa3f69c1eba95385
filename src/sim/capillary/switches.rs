//! What Capillary's contract leaves open. The defaults are what is documented, or else the contract's assumptions.

use crate::sim::switches::{ON_OFF, SwitchSpec, Values};

const fn switch(name: &'static str, values: Values, default: &'static str, about: &'static str) -> SwitchSpec {
    SwitchSpec { name, values, default, about }
}

/// Every this many; 0 is never.
const NTH: Values = Values::Number { min: 0, max: 1_000_000 };
const MILLISECONDS: Values = Values::Number { min: 0, max: 600_000 };

pub const ALL: &[SwitchSpec] = &[
    switch(
        "owner_in",
        Values::OneOf(&["body", "query"]),
        "body",
        "Where PUT takes the owner from; elsewhere it is ignored.",
    ),
    switch(
        "write_name",
        Values::OneOf(&["code", "email", "username"]),
        "code",
        "What PUT takes for a person; user names are in the owner file only.",
    ),
    switch(
        "filter_id",
        Values::OneOf(&["id", "code", "user_id"]),
        "id",
        "What ?owner= takes for a person; user ids are in the owner file only.",
    ),
    switch("owner_filter", Values::OneOf(&["works", "ignored"]), "works", "Whether ?owner= does anything."),
    switch("filter_delay", MILLISECONDS, "0", "Milliseconds until ?owner= sees a change (an index that lags behind)."),
    switch(
        "unknown_user",
        Values::OneOf(&["400", "warning", "ignore"]),
        "400",
        "PUT with a name that nobody has, or of somebody who left: 400 with errors, 200 with a warning, or a 200 that hides it.",
    ),
    switch(
        "cross_store",
        Values::OneOf(&["allow", "400", "warning", "ignore"]),
        "allow",
        "PUT with somebody of another store than the lead's: carried out, or refused in one of the three ways.",
    ),
    switch("closed_leads", Values::OneOf(&["allow", "400"]), "allow", "PUT of a lead that is WON, LOST or DELETED."),
    switch(
        "put",
        Values::OneOf(&["merge", "replace"]),
        "merge",
        "PUT keeps the extendedFields that it does not name, or empties them.",
    ),
    switch(
        "unassign",
        Values::OneOf(&["refuse", "empty_string", "null", "both"]),
        "refuse",
        "Which empty owner PUT takes for nobody; another one is a 400.",
    ),
    switch("put_201", NTH, "0", "Every Nth PUT is a 201 with errors, and changes nothing."),
    switch("busy_customer", NTH, "0", "Every Nth PUT is a 521, and changes nothing."),
    switch(
        "customer_pause",
        MILLISECONDS,
        "0",
        "Milliseconds after a PUT in which another one of the same customer is a 521.",
    ),
    switch("busy_search", NTH, "0", "Every Nth list of leads is a 461."),
    switch(
        "codes_in",
        Values::OneOf(&["status", "body"]),
        "status",
        "461 and 521 are the status, or a 200 with errors.",
    ),
    switch("page_cap", Values::Number { min: 1, max: 10_000 }, "1000", "The largest page, silently."),
    switch(
        "offset_by",
        Values::OneOf(&["rows", "id"]),
        "rows",
        "offset skips so many rows, or goes on after the lead with that id.",
    ),
    switch(
        "no_leads",
        Values::OneOf(&["empty", "warning", "404"]),
        "empty",
        "A list without leads: nothing else, with a warning, or a 404 without errors.",
    ),
    switch(
        "expose_owner",
        Values::OneOf(&["off", "owner", "ownerId", "ownerName", "assignedTo"]),
        "off",
        "Answers show the owner in this field.",
    ),
    switch("staff_param", Values::OneOf(&["type", "type_value"]), "type", "The query that selects the kind of staff."),
    switch(
        "staff_single",
        Values::OneOf(&["array", "object"]),
        "array",
        "A list of one person is an array, or that person alone.",
    ),
    switch("token_ttl", Values::Number { min: 1, max: 3_600 }, "300", "Seconds that a token is good for."),
    switch(
        "oauth_header",
        Values::OneOf(&["X-CAP-API-OAUTH-TOKEN", "CAP-API-ACCESS-TOKEN"]),
        "X-CAP-API-OAUTH-TOKEN",
        "The header that the token comes in.",
    ),
    switch("access_group", Values::OneOf(&["leads", "none"]), "leads", "Whether the key may do anything with leads."),
    switch("v2_enabled", ON_OFF, "on", "Whether the organisation has v2 at all; without it /v2 is a 403."),
    switch("rate_limit", Values::Rate, "off", "Requests that one credential may send; above it 429."),
    switch("retry_after", ON_OFF, "on", "Whether a 429 says when to come back."),
];
