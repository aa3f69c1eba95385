//! Leads for property tests: few words in many scripts, so that searches find something and values repeat.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Assignment, Blank, Field, LeadFlags, LeadId, LeadRecord, Lifecycle, OwnerRef, SafeText, Timestamp};

/// All fields, as a vendor that gives everything.
pub const FIELDS: &[Field] = &[
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
    Field::Campaign,
    Field::List,
];

/// A moment that stands for now.
pub fn now() -> Timestamp {
    "2026-11-15T12:00:00Z".parse().unwrap()
}

pub fn text() -> impl Strategy<Value = String> {
    let words = [
        "Jane",
        "SMITH",
        "smith",
        "Zoë",
        "Zoe\u{308}",
        "王小明",
        "小",
        "Ольга",
        "ОЛЬГА",
        "Straße",
        "Łukasz",
        "O'Brien",
        "Αθήνα",
        "ΑΘΗΝΑ",
        "김민준",
        "ガ",
        "ｶﾞ",
        "mississippi",
        "x",
        "\u{1b}[31m",
        "\u{202e}",
        "a\0b",
        "हिन्दी",
        "ﬁn",
    ];
    let several = prop::collection::vec(prop::sample::select(words.to_vec()), 0..4).prop_map(|words| words.join(" "));
    prop_oneof![8 => several, 1 => "[a-zA-Z ]{0,12}", 1 => any::<String>()]
}

pub fn id() -> impl Strategy<Value = LeadId> {
    prop_oneof![
        8 => (0..120_u32).prop_map(|n| LeadId::from(format!("Lead-{n}"))),
        1 => (0..9_u32).prop_map(|n| LeadId::from(format!("lead-{n}"))),
        1 => prop::sample::select(vec!["", "a\0b", "Zoë", "zoe", "ZOË", "\u{202e}7", "a", "A"]).prop_map(LeadId::from),
    ]
}

pub fn assignment() -> impl Strategy<Value = Assignment> {
    prop::sample::select(vec![
        Assignment::Unknown,
        Assignment::Unassigned(Blank::Null),
        Assignment::Unassigned(Blank::Empty),
        Assignment::Owner(OwnerRef::new("u1", "Jane Smith")),
        Assignment::Owner(OwnerRef::new("u2", "Zoë Ng")),
        Assignment::Owner(OwnerRef::named("Zoë Ng")),
        Assignment::Owner(OwnerRef::with_id("u3")),
        Assignment::agents(["a1", "a2"]),
    ])
}

fn moment() -> impl Strategy<Value = Option<Timestamp>> {
    let near = (0..20_i64 * 86_400).prop_map(|age| Timestamp::from_second(now().as_second() - age).ok());
    let exact =
        any::<i32>().prop_map(|micros| Timestamp::from_microsecond(now().as_microsecond() - i64::from(micros)).ok());
    prop_oneof![Just(None), near, exact]
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "new", "New", "Zoë's list", "web", "Кампания", "closed"])
}

fn extra() -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let value = text().prop_map(|text| {
        let safe = SafeText::new(&text);
        json!([{"note": safe, "n": 5}, null, [safe, true]])
    });
    prop::collection::btree_map(prop::sample::select(vec!["note", "city", "n"]), value, 0..3)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub fn lead() -> impl Strategy<Value = LeadRecord> {
    let texts = (id(), text(), text(), text(), text());
    let words = (word(), word(), word(), word());
    let lifecycle = prop::sample::select(vec![Lifecycle::Open, Lifecycle::Open, Lifecycle::Closed, Lifecycle::Deleted]);
    let rest = (prop::option::of(-50..120_i32), moment(), moment(), assignment(), lifecycle, 0..16_u8);
    (texts, words, rest, extra(), prop::sample::select(vec!["", "cu:7", "scope 2"])).prop_map(
        |(texts, words, rest, extra, scope)| LeadRecord {
            id: texts.0,
            name: texts.1.as_str().into(),
            company: texts.2.as_str().into(),
            email: texts.3.as_str().into(),
            phone: texts.4.as_str().into(),
            status: words.0.into(),
            source: words.1.into(),
            campaign: words.2.into(),
            list: words.3.into(),
            score: rest.0,
            created_at: rest.1,
            updated_at: rest.2,
            owner: rest.3,
            lifecycle: rest.4,
            flags: LeadFlags::from_bits(rest.5),
            scope: scope.into(),
            extra,
        },
    )
}

pub fn leads(most: usize) -> impl Strategy<Value = Vec<LeadRecord>> {
    prop::collection::vec(lead(), 0..most)
}
