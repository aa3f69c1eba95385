//! The contract probed with reads, a sentence for each finding: what was found, and what a wrong setting looks like.

use std::sync::atomic::Ordering;
use std::time::Instant;

use http::Method;
use serde_json::Value;

use super::Instantly;
use super::identity::{Evidence, IdKind};
use super::listing::ListBody;
use super::paging::Page;
use super::people::Member;
use super::refusal::{Right, may_want_scope};
use super::scope::Scope;
use super::settings::{IdField, PAGE};
use crate::domain::campaign::CollectionKind;
use crate::domain::{LeadRecord, safe_text};
use crate::vendor::findings::{Findings, examine_clock, listed};
use crate::vendor::http::Answer;
use crate::vendor::{Check, ErrorKind, VendorError};

/// The first pages of leads, for the later probes.
struct Sample {
    scope: Option<Scope>,
    leads: Vec<LeadRecord>,
}

impl Instantly {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        if self.examine_server(&mut findings).await {
            let scopes = self.examine_collections(&mut findings).await;
            let sample = self.examine_list(&scopes, &mut findings).await;
            if let Some(sample) = sample.as_ref().filter(|sample| !sample.leads.is_empty()) {
                self.examine_ids(sample, &mut findings).await;
            }
            if let Some(members) = self.examine_members(&mut findings).await {
                self.examine_identity(&members, &mut findings);
            }
            findings.good("changes", format!(
                "Not tried, as this only reads: whether the key may change leads (scope leads:update, and most likely the \
                 same for the bulk call) is seen at the first change, where a missing scope is a 403. Requests leave at \
                 most {} a minute, {} at a time; other tools of the workspace share its 6000 a minute.",
                self.settings.requests_per_minute, self.settings.parallel
            ));
        }
        findings.into_checks()
    }

    /// Reachability, credentials, workspace, clock. False when nothing else can be asked.
    async fn examine_server(&self, findings: &mut Findings) -> bool {
        const NAME: &str = "workspace";
        let began = Instant::now();
        let answer = match self.call(Method::GET, &["workspaces", "current"], &self.place()) {
            Ok(call) => self.http.read_any(&call.hot(true)).await,
            Err(error) => Err(error),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                findings.failed("reachable", &error);
                return false;
            }
        };
        findings.good("reachable", format!("{} answers ({} ms).", self.http.base_url(), began.elapsed().as_millis()));
        examine_clock(&answer, findings);
        if answer.is_success() {
            return self.examine_workspace(&answer, findings);
        }
        let error = self.refusal(&answer, Right::ReadWorkspace);
        match answer.status.as_u16() {
            // Only the name cannot be read; leads perhaps can.
            403 if error.message.contains("Cloudflare") => {
                findings.failed("credentials", &error);
                false
            }
            403 => {
                findings.good("credentials", "They are taken; a wrong or revoked key would be answered with 401.");
                findings.failed(NAME, &error);
                true
            }
            404 | 405 => {
                findings.bad(NAME, format!(
                    "{}. Where every call looks like this, base_url is not the address of the API (it is given without \
                     /api/v2).",
                    error.message.trim_end_matches('.')
                ));
                true
            }
            _ => {
                findings.failed("credentials", &error);
                false
            }
        }
    }

    fn examine_workspace(&self, answer: &Answer, findings: &mut Findings) -> bool {
        const NAME: &str = "workspace";
        let body = match answer.json() {
            Ok(Value::Object(body)) => body,
            Ok(_) => {
                findings.failed(NAME, &answer.garbled("it is not a workspace"));
                return false;
            }
            Err(error) => {
                findings.failed(NAME, &error);
                return false;
            }
        };
        findings.good("credentials", "They are taken; a wrong or revoked key would be answered with 401.");
        let word = |key: &str| safe_text::visible(body.get(key).and_then(Value::as_str).unwrap_or("?")).into_owned();
        let via = match &self.settings.as_workspace {
            Some(id) => format!(" (x-as-workspace = {})", safe_text::visible(id)),
            None => String::new(),
        };
        findings.good(NAME, format!(
            "Everything is done in “{}”, {}{via}. Leads of another team are what a key of another workspace looks like.",
            word("name"),
            word("id")
        ));
        true
    }

    /// Campaigns and lists; the first few are returned to ask for their leads.
    async fn examine_collections(&self, findings: &mut Findings) -> Vec<Scope> {
        const NAME: &str = "campaigns and lists";
        match self.fetch_collections().await {
            Ok(collections) => {
                let campaigns = collections.iter().filter(|found| found.kind == CollectionKind::Campaign).count();
                findings.good(NAME, format!("{campaigns} campaigns and {} lists.", collections.len() - campaigns));
                collections.into_iter().map(|found| Scope::new(found.kind, found.id)).collect()
            }
            Err(error) => {
                findings.failed(NAME, &error);
                Vec::new()
            }
        }
    }

    /// The list of leads: its shape, whether it wants a scope, its paging.
    async fn examine_list(&self, scopes: &[Scope], findings: &mut Findings) -> Option<Sample> {
        const NAME: &str = "list of leads";
        let scoped = self.scoped_lists.load(Ordering::Relaxed);
        let mut scope = if scoped { scopes.first() } else { None };
        if scoped && scope.is_none() {
            findings.bad(NAME, "require_scope is on, but there is no campaign or list to ask for leads in.");
            return None;
        }
        let mut page = self.first_page(scope).await;
        if let (Err(refused), None, Some(first)) = (&page, scope, scopes.first())
            && may_want_scope(refused)
        {
            let refused = refused.message.trim_end_matches('.').to_owned();
            page = self.first_page(Some(first)).await;
            if page.is_ok() {
                scope = Some(first);
                findings.bad("require_scope", format!(
                    "A list without a campaign or list is refused, and one with it is not: {refused}. Set require_scope = \
                     true in profile {}; leads that are in neither cannot be seen then.",
                    self.profile
                ));
            }
        }
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let rows = self.rows(&page.items);
        let mut detail = format!("{} leads on the first page.", page.items.len());
        if rows.bad > 0 {
            detail.push_str(&format!(" {} cannot be used: {}.", rows.bad, rows.bad_because.unwrap_or_default()));
        }
        findings.add(NAME, rows.bad == 0, detail);
        if let Some(next) = &page.next {
            self.examine_paging(&rows.leads, scope, next, findings).await;
        }
        Some(Sample { scope: scope.cloned(), leads: rows.leads })
    }

    async fn first_page(&self, scope: Option<&Scope>) -> Result<Page, VendorError> {
        self.page_of_leads(&ListBody::within(scope, self.settings.page_size), &self.place(), true).await
    }

    async fn examine_paging(&self, first: &[LeadRecord], scope: Option<&Scope>, next: &str, findings: &mut Findings) {
        const NAME: &str = "paging";
        let body = ListBody { starting_after: Some(next), ..ListBody::within(scope, self.settings.page_size) };
        match self.page_of_leads(&body, &self.place(), true).await {
            Ok(second) => {
                let rows = self.rows(&second.items).leads;
                let repeated = rows.iter().filter(|lead| first.iter().any(|row| row.id == lead.id)).count();
                if !rows.is_empty() && repeated == rows.len() {
                    findings.bad(NAME, "The second page repeats the first: this server does not turn its pages.");
                } else {
                    findings.good(NAME, "The second page brings other leads than the first, or is the empty last one.");
                }
            }
            Err(error) => findings.failed(NAME, &error),
        }
    }

    /// Whether the list heeds `ids`, on which reading back rests, and agrees with the lead's own call.
    async fn examine_ids(&self, sample: &Sample, findings: &mut Findings) {
        const NAME: &str = "reading by id";
        let Some(lead) = sample.leads.first() else { return };
        let own = Scope::read(&lead.scope);
        let ids = [lead.id.as_str()];
        let scope = sample.scope.as_ref().and(own.as_ref());
        let body = ListBody { ids: Some(&ids), ..ListBody::within(scope, PAGE) };
        let listed = match self.page_of_leads(&body, &self.place(), true).await {
            Ok(page) => self.rows(&page.items).leads,
            Err(error) => {
                findings.failed(NAME, &error);
                return;
            }
        };
        let strangers = listed.iter().filter(|row| row.id != lead.id).count();
        if strangers > 0 {
            findings.bad(NAME, format!(
                "Asked for one lead by its id, the list brings {strangers} others: this server ignores ids. Do not use its \
                 bulk call; set strategy = \"patch\" in profile {}.",
                self.profile
            ));
            return;
        }
        match self.read_lead(&lead.id, &self.place(), true, false).await {
            Ok(detail) if !detail.owner.is_same(&lead.owner) => findings.good(
                NAME,
                "The first lead's own call names another owner than the list does: the list lags behind (or somebody has \
                 just changed it). Changes are confirmed by the lead's own call.",
            ),
            Ok(_) if listed.is_empty() => findings.good(
                NAME,
                "The list does not find the first lead by its id, its own call does; changes are confirmed by that.",
            ),
            Ok(_) => findings.good(NAME, "The list finds the first lead by its id, and its own call agrees."),
            Err(error) => findings.failed(NAME, &error),
        }
    }

    async fn examine_members(&self, findings: &mut Findings) -> Option<Vec<Member>> {
        const NAME: &str = "owners";
        let members = match self.read_members(true).await {
            Ok(members) => members,
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let roles = &self.settings.owner_roles;
        let is_offered = |member: &&Member| member.accepted && roles.iter().any(|role| role == member.role.as_str());
        let offered = members.iter().filter(is_offered).count();
        let invited = members.iter().filter(|member| !member.accepted).count();
        let detail = format!(
            "{} members; {offered} are offered as owners (roles {}), {invited} have not accepted their invitation.",
            members.len(),
            roles.join(", ")
        );
        if offered == 0 {
            findings.bad(NAME, format!("{detail} owner_roles that nobody has look like this."));
        } else {
            findings.good(NAME, detail);
        }
        Some(members.to_vec())
    }

    /// Which of a member's ids assignments use, by the owners that leads have.
    fn examine_identity(&self, members: &[Member], findings: &mut Findings) {
        const NAME: &str = "member ids";
        let owners = self.learned().owners.clone();
        let evidence = Evidence::of(members, &owners);
        let setting = self.settings.owner_id_field;
        if owners.is_empty() {
            findings.good(
                NAME,
                match setting {
                    IdField::Auto => {
                        "No lead that was read has an owner, so user_id is used; the first change shows whether \
                                  it is right."
                    }
                    _ => "No lead that was read has an owner, so there is nothing to compare.",
                },
            );
            return;
        }
        let found = format!(
            "Of {} owners of leads, {} are members by user_id, {} by id, {} by neither (they left, or are hidden).",
            owners.len(),
            evidence.by_user,
            evidence.by_membership,
            evidence.by_neither
        );
        let kind = match evidence.decide(setting) {
            Ok(kind) => kind,
            Err(error) => {
                findings.failed(
                    NAME,
                    &VendorError::new(ErrorKind::Setting, found.trim_end_matches('.')).with_remedy(error.remedy),
                );
                return;
            }
        };
        let (right, other) = match kind {
            IdKind::User => (evidence.by_user, evidence.by_membership),
            IdKind::Membership => (evidence.by_membership, evidence.by_user),
        };
        if right == 0 && other > 0 {
            findings.bad(
                NAME,
                format!(
                    "{found} owner_id_field = \"{}\" is the wrong one: leads would be given to an id that nobody has.",
                    kind.field()
                ),
            );
        } else if right == 0 {
            let known = listed(
                members
                    .iter()
                    .take(3)
                    .map(|member| {
                        let id = member.id_of(kind).unwrap_or("none");
                        format!("{} ({})", member.name.safe(), safe_text::visible(id))
                    })
                    .collect::<Vec<_>>()
                    .into_iter(),
            );
            findings.bad(NAME, format!(
                "{found} Either all of them left, or this server's owners are given by an id that its list of members does \
                 not show; the members are {known}."
            ));
        } else {
            findings.good(NAME, format!("{found} Assignments use {}.", kind.field()));
        }
    }
}
