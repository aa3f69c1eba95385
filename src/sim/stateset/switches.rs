//! What StateSet's contract leaves open. The defaults are the contract's assumptions.

use crate::sim::switches::{ON_OFF, SwitchSpec, Values};

const fn switch(name: &'static str, values: Values, default: &'static str, about: &'static str) -> SwitchSpec {
    SwitchSpec { name, values, default, about }
}

pub const ALL: &[SwitchSpec] = &[
    switch("leads_enabled", ON_OFF, "on", "Whether this deployment has leads at all; without them /leads is a 404."),
    switch("list_path", Values::OneOf(&["leads", "leads_list"]), "leads", "Lists at /leads, or at /leads/list."),
    switch("get_path", Values::OneOf(&["plain", "retrieve"]), "plain", "One lead at /leads/{id}, or also /retrieve."),
    switch("paging", Values::OneOf(&["offset", "cursor"]), "offset", "Lists page by offset, or give a next_cursor."),
    switch("ignore_offset", ON_OFF, "off", "A server that gives the first page whatever the offset."),
    switch(
        "envelope",
        Values::OneOf(&["leads", "data", "success_data", "array"]),
        "leads",
        "What is around a list of leads.",
    ),
    switch("users_envelope", Values::OneOf(&["users", "data", "array"]), "users", "What is around a list of users."),
    switch("over_limit", Values::OneOf(&["clamp", "422"]), "clamp", "A limit above 100 is clamped, or refused."),
    switch("page_cap", Values::Number { min: 1, max: 100 }, "100", "The largest page, silently."),
    switch("wrap", Values::OneOf(&["bare", "lead", "data"]), "bare", "What is around a single lead."),
    switch("put", Values::OneOf(&["partial", "replace"]), "partial", "PUT changes what it names, or replaces all."),
    switch(
        "put_reply",
        Values::OneOf(&["lead", "empty_200", "204"]),
        "lead",
        "The answer to PUT: the lead, nothing, or a 204.",
    ),
    switch("owner_ignored", ON_OFF, "off", "PUT answers 200 and leaves the owner as it is."),
    switch("unknown_owner", Values::OneOf(&["accept", "422"]), "accept", "An owner that is no user's name or id."),
    switch("unassign", Values::OneOf(&["accept", "422"]), "accept", "A null or empty owner."),
    switch("converted", Values::OneOf(&["allow", "409"]), "allow", "Whether a converted lead's owner can change."),
    switch("bulk_update", ON_OFF, "off", "POST /leads/bulk-update exists."),
    switch("sdk_bulk", ON_OFF, "off", "PUT /leads/bulk exists."),
    switch("error_shape", Values::Number { min: 1, max: 6 }, "1", "Which of the six error bodies."),
    switch("rate_limit", Values::Rate, "100/min", "Requests that the key may send; above it 429 with Retry-After."),
    switch("user_id", Values::OneOf(&["string", "number"]), "string", "The type of a user's id."),
    switch("names", Values::OneOf(&["camel", "snake"]), "camel", "firstName or first_name."),
    switch("auth_scheme", Values::OneOf(&["bearer", "token"]), "bearer", "The word before the key."),
    switch("key", Values::OneOf(&["live", "restricted"]), "live", "A restricted key may not write (403)."),
];
