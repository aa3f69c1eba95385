//! The contract probed with reads, a sentence for each finding: what was found, and what a wrong setting looks like.
//!
//! The one call that is no read chooses the organizational unit, and only where the profile names one; it changes no
//! lead.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::Kenbun;
use super::listing::Page;
use super::people::{Members, members};
use super::settings::{FetchNames, IdField, OwnersMode};
use super::unit::Purpose;
use crate::domain::{Assignment, LeadRecord, Person, PersonId, Verbatim, safe_text};
use crate::vendor::findings::{Findings, examine_clock, label, listed};
use crate::vendor::http::Answer;
use crate::vendor::{Check, VendorError};

impl Kenbun {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        let Some(units) = self.examine_server(&mut findings).await else { return findings.into_checks() };
        if !self.examine_unit(&units, &mut findings).await {
            return findings.into_checks();
        }
        let Some(page) = self.examine_list(&mut findings).await else { return findings.into_checks() };
        let people = self.examine_people(&mut findings).await;
        examine_owners(&page.rows, people.as_ref(), &mut findings);
        if let Some(first) = page.rows.first() {
            self.examine_detail(first, &mut findings).await;
        }
        findings.into_checks()
    }

    /// Reachability, credentials, clock. The answer with the units, or `None` when nothing else can be asked.
    async fn examine_server(&self, findings: &mut Findings) -> Option<Answer> {
        let began = Instant::now();
        let answer = match self.get(&["org-units"]) {
            Ok(call) => self.http.read_any(&call.hot(true)).await,
            Err(error) => Err(error),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                findings.failed("reachable", &error);
                return None;
            }
        };
        let took = began.elapsed().as_millis();
        findings.good("reachable", format!("{} answers ({took} ms).", self.http.base_url()));
        examine_clock(&answer, findings);
        if answer.status.as_u16() == 401 {
            let mut error = answer.error();
            error.remedy = "A wrong or expired token looks like this, and so does auth = \"bearer\" where the \
                            credentials are a service account's (auth = \"basic\"), or a base_url of another account."
                .to_owned();
            findings.failed("credentials", &error);
            return None;
        }
        if answer.status.is_redirection() || answer.status.is_server_error() {
            findings.failed("credentials", &answer.error());
            return None;
        }
        findings.good("credentials", "They are taken; a wrong or expired token would be answered with 401.");
        Some(answer)
    }

    /// Whether the unit exists and can be chosen. False when no lead may be asked for.
    async fn examine_unit(&self, answer: &Answer, findings: &mut Findings) -> bool {
        const NAME: &str = "organizational unit";
        let units = match units(answer) {
            Ok(units) => units,
            Err(error) => {
                findings.failed(NAME, &error);
                Vec::new()
            }
        };
        let list = listed(units.iter().map(|(id, name)| label(id, name)));
        let Some(unit) = self.settings.org_unit.as_deref() else {
            findings.good(
                NAME,
                format!(
                    "org_unit is not set, so leads are read and changed in whatever unit is active; these credentials see \
                     these: {list}. Leads of another team, or an empty list, are what a wrong active unit looks like."
                ),
            );
            return true;
        };
        let known = units.iter().find(|(id, _)| id == unit);
        // A unit that is not listed may still be one: the server has the last word.
        match self.enter(Some(unit), Purpose::NewReading, true, &Arc::default()).await {
            Ok(_) => {
                let shown = known.map_or_else(|| label(unit, ""), |(id, name)| label(id, name));
                let doubt = if known.is_some() || units.is_empty() {
                    String::new()
                } else {
                    format!(" It is not among the units listed, though: {list}.")
                };
                findings.add(NAME, doubt.is_empty(), format!("{shown} is the active one now.{doubt}"));
                true
            }
            Err(error) => {
                findings.bad(
                    NAME,
                    format!("{}. The units that these credentials see: {list}.", error.message.trim_end_matches('.')),
                );
                false
            }
        }
    }

    /// The list's shape, its paging, and its page size.
    async fn examine_list(&self, findings: &mut Findings) -> Option<Page> {
        const NAME: &str = "list of leads";
        let unit = self.settings.org_unit.as_deref();
        let wanted = self.settings.page_size;
        let page = match self.page(1, unit, Purpose::Reading, true, &Arc::default()).await {
            Ok(page) => page,
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let taken = self.page_size.load(std::sync::atomic::Ordering::Relaxed);
        let mut detail = match page.total {
            Some(total) => format!("{total} leads, {} on the first page.", page.length),
            None => format!("{} leads on the first page; the server does not say how many there are.", page.length),
        };
        if taken < wanted {
            detail.push_str(&format!(" page_size = {wanted} is refused; {taken} is taken. Set page_size = {taken}."));
        } else if let Some(limit) = page.limit.filter(|limit| *limit < wanted) {
            detail.push_str(&format!(" The server gives {limit} at a time instead of the {wanted} of page_size."));
        }
        if page.bad > 0 {
            let why = page.bad_because.unwrap_or_default();
            detail.push_str(&format!(" {} rows cannot be used: {why}.", page.bad));
        }
        let unread = page.rows.iter().filter(|lead| lead.owner == Assignment::Unknown).count();
        if unread > 0 {
            detail.push_str(&format!(" The owner of {unread} leads is neither a name nor nobody."));
        }
        findings.add(NAME, taken == wanted && page.bad == 0 && unread == 0, detail);
        let more = page.length > 0 && page.total.is_none_or(|total| total > page.length);
        if more {
            self.examine_paging(&page, findings).await;
        }
        Some(page)
    }

    async fn examine_paging(&self, first: &Page, findings: &mut Findings) {
        const NAME: &str = "paging";
        match self.page(2, self.settings.org_unit.as_deref(), Purpose::Reading, true, &Arc::default()).await {
            Ok(second) if second.length == 0 && first.total.is_some() => {
                findings
                    .bad(NAME, "The second page is empty although the server counts more leads than the first has.");
            }
            Ok(second) => {
                let repeated = second.rows.iter().filter(|lead| first.rows.iter().any(|row| row.id == lead.id)).count();
                if repeated > 0 && repeated == second.rows.len() {
                    findings.bad(NAME, "The second page repeats the first: this server does not turn its pages.");
                } else {
                    findings.good(NAME, "The second page brings other leads than the first.");
                }
            }
            Err(error) => findings.failed(NAME, &error),
        }
    }

    /// Who may be given leads, and by which kind of id.
    async fn examine_people(&self, findings: &mut Findings) -> Option<Vec<Person>> {
        const NAME: &str = "owners";
        let by_hand = &self.settings.owners;
        if !by_hand.is_empty() && self.settings.owners_mode == OwnersMode::Replace {
            findings.good(NAME, format!("{} people, from the setting owners.", by_hand.len()));
            return Some(by_hand.clone());
        }
        let read = match self.get(&["members"]) {
            Ok(call) => self.http.read(&call.hot(true)).await,
            Err(error) => Err(error),
        };
        let found = match read.and_then(|answer| members(&answer, &self.settings.owner_id_field)) {
            Ok(found) => found,
            Err(error) => {
                let message = error.message.trim_end_matches('.');
                let remedy = "Where the credentials may not list members, list the people in the setting owners.";
                findings.bad(NAME, format!("{message}. {remedy}"));
                return None;
            }
        };
        let (ok, detail) = about_members(&found, &self.settings.owner_id_field);
        findings.add(NAME, ok, detail);
        let mut people = by_hand.clone();
        people.extend(found.members.into_iter().map(|member| member.person));
        Some(people)
    }

    async fn examine_detail(&self, lead: &LeadRecord, findings: &mut Findings) {
        const NAME: &str = "lead detail";
        let unit = self.settings.org_unit.as_deref();
        match self.read_lead(&lead.id, unit, Purpose::Reading, true, &Arc::default()).await {
            Ok(detail) if !detail.owner.is_same(&lead.owner) => findings.bad(
                NAME,
                "The first lead's detail names another owner than the list does: changes could not be verified (unless \
                 somebody has just changed it).",
            ),
            Ok(detail) if detail.name.is_empty() && self.settings.fetch_names != FetchNames::Off => findings.good(
                NAME,
                "It can be read, but the first lead's has no first_name and last_name. Where none has them, \
                 fetch_names = \"off\" saves a request for each lead shown.",
            ),
            Ok(_) => findings.good(NAME, "It can be read."),
            Err(error) => findings.failed(NAME, &error),
        }
    }
}

fn about_members(found: &Members, wanted: &IdField) -> (bool, String) {
    let count = found.members.len();
    if count == 0 {
        let looked = match wanted {
            IdField::Auto => "an id".to_owned(),
            IdField::Named(name) => safe_text::visible(name).into_owned(),
        };
        let why = match found.without_id {
            0 => "The server lists no members; list the people in the setting owners.".to_owned(),
            n => format!("None of {n} members has {looked}: owner_id_field names a field that is not there."),
        };
        return (false, why);
    }
    let mut detail = format!("{count} members.");
    let mut fields: Vec<&str> = found.members.iter().map(|member| member.id_field.as_str()).collect();
    fields.sort_unstable();
    fields.dedup();
    let fields: Vec<_> = fields.into_iter().map(safe_text::visible).collect();
    detail.push_str(&format!(" Their ids are taken from {}.", fields.join(" and ")));
    if fields.iter().any(|field| field == "org_member_id") {
        detail.push_str(
            " kenbun's assignments want user ids and its pages do not say that these are the same: a wrong kind looks \
             like an assignment that is accepted while nobody sees the lead as theirs. Then give the user ids in owners.",
        );
    }
    if found.without_id > 0 {
        detail.push_str(&format!(" {} have no such id and are left out.", found.without_id));
    }
    let nameless = found.members.iter().filter(|member| member.person.name.is_empty()).count();
    if nameless > 0 {
        detail
            .push_str(&format!(" {nameless} have no name and cannot be given leads; name them in the setting owners."));
    }
    let mut names: HashMap<&str, usize> = HashMap::new();
    for member in &found.members {
        *names.entry(member.person.name.as_str()).or_default() += 1;
    }
    let shared = names.iter().filter(|(name, count)| !name.is_empty() && **count > 1).count();
    if shared > 0 {
        let several = if shared == 1 { "One name is".to_owned() } else { format!("{shared} names are") };
        detail.push_str(&format!(
            " {several} shared by several members: kenbun reveals only names, so their leads cannot be told apart."
        ));
    }
    (found.without_id == 0 && nameless == 0, detail)
}

/// Whether the owners that leads have are people that we know, by name and (where the server tells it) by id.
fn examine_owners(leads: &[LeadRecord], people: Option<&Vec<Person>>, findings: &mut Findings) {
    const NAME: &str = "owner names";
    let Some(people) = people else { return };
    let owners: Vec<_> = leads.iter().filter_map(|lead| lead.owner.owner()).collect();
    if owners.is_empty() {
        findings.good(NAME, "No lead of the first page has an owner, so there is nothing to compare.");
        return;
    }
    let wrong: Vec<&PersonId> = owners
        .iter()
        .filter_map(|owner| owner.id.as_ref())
        .filter(|id| people.iter().all(|person| person.id != **id))
        .collect();
    if let Some(example) = wrong.first() {
        findings.bad(
            NAME,
            format!(
                "{} of {} owners have ids that are no member's, such as {example}: owner_id_field is another field than \
                 the one that assignments use, or the people are gone.",
                wrong.len(),
                owners.len()
            ),
        );
        return;
    }
    let names: BTreeSet<&Verbatim> = owners.iter().filter_map(|owner| owner.name.as_ref()).collect();
    let strangers: Vec<_> = names.iter().filter(|name| people.iter().all(|person| person.name != ***name)).collect();
    let list = listed(strangers.iter().map(|name| format!("“{}”", name.safe())));
    if strangers.is_empty() {
        findings.good(NAME, "The owners of the first page's leads are people that are known by name.");
    } else if strangers.len() < names.len() {
        findings.good(NAME, format!("Most likely people who left, as no member has their name: {list}."));
    } else {
        findings.bad(
            NAME,
            format!(
                "No owner of the first page's leads has a member's name: {list}. Where names are put together in another \
                 way than \"first last\", the setting owners has to spell them out."
            ),
        );
    }
}

fn units(answer: &Answer) -> Result<Vec<(String, String)>, VendorError> {
    if !answer.is_success() {
        return Err(answer.error());
    }
    let body = answer.json()?;
    let list = match &body {
        Value::Array(list) => Some(list),
        Value::Object(object) => ["org_units", "units", "data"].iter().find_map(|key| object.get(*key)?.as_array()),
        _ => None,
    };
    let list = list.ok_or_else(|| answer.garbled("it is not a list of organizational units"))?;
    let text = |unit: &Value, key: &str| unit.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(list.iter().map(|unit| (text(unit, "unit_id"), text(unit, "name"))).filter(|(id, _)| !id.is_empty()).collect())
}
