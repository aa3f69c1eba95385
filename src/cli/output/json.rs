//! The JSON Lines of the contract that are not the journal's ([`crate::journal::export`]). Key names and shapes are
//! promises: scripts rely on them.

use serde::Serialize;

use crate::domain::{
    LeadFlags, LeadRecord, Lifecycle, OperationId, OwnerRef, Person, ProfileName, SafeText, Tally, Timestamp,
    VendorKind,
};

/// A text that is `null` where there is none.
fn text(text: &SafeText) -> Option<&SafeText> {
    (!text.is_empty()).then_some(text)
}

/// An owner as `{"id", "name"}`; each is `null` where the vendor does not reveal it.
#[derive(Serialize)]
pub struct Owner<'a> {
    pub id: Option<&'a str>,
    pub name: Option<SafeText>,
}

impl<'a> From<&'a OwnerRef> for Owner<'a> {
    fn from(owner: &'a OwnerRef) -> Self {
        Self { id: owner.id.as_ref().map(|id| id.as_str()), name: owner.name.as_ref().map(|name| name.safe()) }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "lead")]
pub struct Lead<'a> {
    profile: &'a ProfileName,
    id: &'a str,
    name: Option<&'a SafeText>,
    company: Option<&'a SafeText>,
    email: Option<&'a SafeText>,
    phone: Option<&'a SafeText>,
    status: Option<&'a SafeText>,
    source: Option<&'a SafeText>,
    score: Option<i32>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    owner: Option<Owner<'a>>,
    owner_known: bool,
    campaign: Option<&'a SafeText>,
    list: Option<&'a SafeText>,
    lifecycle: Lifecycle,
    flags: Vec<&'static str>,
    extra: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> Lead<'a> {
    pub fn new(profile: &'a ProfileName, lead: &'a LeadRecord) -> Self {
        Self {
            profile,
            id: lead.id.as_str(),
            name: text(&lead.name),
            company: text(&lead.company),
            email: text(&lead.email),
            phone: text(&lead.phone),
            status: text(&lead.status),
            source: text(&lead.source),
            score: lead.score,
            created_at: lead.created_at,
            updated_at: lead.updated_at,
            owner: lead.owner.owner().map(Owner::from),
            owner_known: lead.owner.is_known(),
            campaign: text(&lead.campaign),
            list: text(&lead.list),
            lifecycle: lead.lifecycle,
            flags: flags(lead.flags),
            extra: &lead.extra,
        }
    }
}

/// The words of the flags that are set.
pub fn flags(flags: LeadFlags) -> Vec<&'static str> {
    LeadFlags::NAMED.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, word)| *word).collect()
}

/// A person with their load, as the `owners` command counted it.
#[derive(Serialize)]
#[serde(tag = "type", rename = "owner")]
pub struct OwnerLine<'a> {
    pub profile: &'a ProfileName,
    pub id: Option<&'a str>,
    pub name: Option<SafeText>,
    pub email: Option<&'a SafeText>,
    pub active: bool,
    pub leads: usize,
    /// The short name of a person whom the configuration links over several profiles, and the leads in all of those that
    /// are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_leads: Option<usize>,
    /// False where owners are known only by a name that several people have: each of them is given all of its leads.
    #[serde(skip_serializing_if = "is_true")]
    pub leads_exact: bool,
}

fn is_true(value: &bool) -> bool {
    *value
}

impl<'a> OwnerLine<'a> {
    pub fn new(profile: &'a ProfileName, person: &'a Person, leads: usize, leads_exact: bool) -> Self {
        Self {
            profile,
            id: (!person.id.is_empty()).then(|| person.id.as_str()),
            name: (!person.name.is_empty()).then(|| person.name.safe()),
            email: text(&person.email),
            active: person.is_active(),
            leads,
            person: None,
            person_leads: None,
            leads_exact,
        }
    }
}

/// The last line of everything that changes or would change leads.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(tag = "type", rename = "summary")]
pub struct Summary {
    pub operation: Option<OperationId>,
    pub done: usize,
    pub failed: usize,
    pub skipped: usize,
    pub not_sent: usize,
    pub unknown: usize,
    pub requests: usize,
    /// Rounded to a thousandth.
    pub seconds: f64,
    /// Each profile's share, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartLine>,
    /// Only in plans that were not carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<usize>,
}

/// One profile's share of an operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartLine {
    pub profile: ProfileName,
    pub vendor: VendorKind,
    pub done: usize,
    pub failed: usize,
    pub skipped: usize,
    pub not_sent: usize,
    pub unknown: usize,
}

impl PartLine {
    pub fn new(profile: ProfileName, vendor: VendorKind, tally: &Tally) -> Self {
        let Summary { done, failed, skipped, not_sent, unknown, .. } = Summary::new(None, tally, 0, 0.0);
        Self { profile, vendor, done, failed, skipped, not_sent, unknown }
    }
}

impl Summary {
    pub fn new(operation: Option<OperationId>, tally: &Tally, requests: usize, seconds: f64) -> Self {
        Self {
            operation,
            done: tally.done,
            failed: tally.failed,
            skipped: tally.skipped + tally.changed_by_others,
            not_sent: tally.not_sent + tally.planned,
            unknown: tally.unknown + tally.sent,
            requests,
            seconds: (seconds * 1_000.0).round() / 1_000.0,
            parts: Vec::new(),
            planned: None,
        }
    }
}

/// One line of `doctor` and `config check`.
#[derive(Serialize)]
#[serde(tag = "type", rename = "check")]
pub struct CheckLine<'a> {
    pub profile: Option<&'a ProfileName>,
    pub check: &'a str,
    pub ok: bool,
    pub detail: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assignment, Blank, LeadId, PersonStatus, Verbatim};
    use crate::journal::export::write_json_line;

    fn printed(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write_json_line(&mut out, value).unwrap();
        String::from_utf8(out).unwrap().trim_end().to_owned()
    }

    #[test]
    fn a_lead_has_the_shape_of_the_contract() {
        let profile = ProfileName::new("sales");
        let mut lead = LeadRecord {
            id: LeadId::new("ld_1"),
            score: Some(7),
            created_at: Some("2026-11-01T10:00:00Z".parse().unwrap()),
            owner: Assignment::Owner(OwnerRef::named("Jane \u{202e}Smith")),
            ..LeadRecord::default()
        };
        assert_eq!(
            printed(&Lead::new(&profile, &lead)),
            r#"{"type":"lead","profile":"sales","id":"ld_1","name":null,"company":null,"email":null,"phone":null,"#
                .to_owned()
                + r#""status":null,"source":null,"score":7,"created_at":"2026-11-01T10:00:00Z","updated_at":null,"#
                + r#""owner":{"id":null,"name":"Jane ‹RLO›Smith"},"owner_known":true,"campaign":null,"list":null,"#
                + r#""lifecycle":"open","flags":[],"extra":{}}"#
        );
        lead.owner = Assignment::Unassigned(Blank::Empty);
        assert!(printed(&Lead::new(&profile, &lead)).contains(r#""owner":null,"owner_known":true"#));
        lead.owner = Assignment::Unknown;
        assert!(printed(&Lead::new(&profile, &lead)).contains(r#""owner":null,"owner_known":false"#));
        lead.flags = LeadFlags::DO_NOT_CALL.with(LeadFlags::INVALID);
        assert!(printed(&Lead::new(&profile, &lead)).contains(r#""flags":["do_not_call","invalid"]"#));
    }

    #[test]
    fn an_owner_has_the_shape_of_the_contract() {
        let profile = ProfileName::new("sales");
        let person = Person {
            id: "u1".into(),
            name: Verbatim::new("Jane"),
            status: PersonStatus::Inactive,
            ..Person::default()
        };
        assert_eq!(
            printed(&OwnerLine::new(&profile, &person, 3, true)),
            r#"{"type":"owner","profile":"sales","id":"u1","name":"Jane","email":null,"active":false,"leads":3}"#
        );
    }

    #[test]
    fn a_summary_counts_every_item_once() {
        let tally = Tally {
            planned: 1,
            sent: 2,
            done: 3,
            failed: 4,
            unknown: 5,
            skipped: 6,
            not_sent: 7,
            changed_by_others: 8,
        };
        let summary = Summary::new(Some(OperationId::new("op")), &tally, 9, 1.23456);
        assert_eq!(
            printed(&summary),
            r#"{"type":"summary","operation":"op","done":3,"failed":4,"skipped":14,"not_sent":8,"unknown":7,"requests":9,"seconds":1.235}"#
        );
    }
}
