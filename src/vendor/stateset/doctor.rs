//! The contract probed with reads, a sentence for each finding: what was found, and what a wrong setting looks like.

use std::time::Instant;

use http::header::AUTHORIZATION;

use super::StateSet;
use super::envelope::Page;
use super::listing::{Row, Rows};
use super::owner::Raw;
use super::settings::{OwnerValue, Template};
use super::users::Directory;
use super::walk::{Asking, LEADS, Walk};
use crate::domain::{PersonStatus, safe_text};
use crate::vendor::findings::{Findings, examine_clock, listed};
use crate::vendor::http::{Answer, Call};
use crate::vendor::{Check, VendorError};

/// The vendor's own hosts, for keys of the wrong kind.
const PRODUCTION: &str = "api.stateset.com";
const SANDBOX: &str = "api.sandbox.stateset.com";

/// The version prefix that all of the vendor's pages show.
const PREFIX: &str = "v1";

impl StateSet {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        if let Some(answer) = self.examine_server(&mut findings).await {
            self.examine_key(&mut findings);
            if let Some(page) = self.examine_list(answer, &mut findings).await {
                let directory = self.examine_users(&mut findings).await;
                let rows = Rows::of(&page.rows, &self.settings.owner_field);
                self.examine_owners(&rows.good, &directory, &mut findings);
                if let Some(first) = rows.good.first() {
                    self.examine_lead(first, &mut findings).await;
                }
                findings.good("changes", self.about_changes());
            }
        }
        findings.into_checks()
    }

    /// Reachability, clock, credentials. The first page, or `None` when nothing else can be asked.
    async fn examine_server(&self, findings: &mut Findings) -> Option<Answer> {
        let asking = Asking::hot();
        let began = Instant::now();
        let answer = match self.first_page(&asking).await {
            Ok(answer) => answer,
            Err(error) => {
                findings.failed("reachable", &error);
                return None;
            }
        };
        findings.good("reachable", format!("{} answers ({} ms).", self.http.base_url(), began.elapsed().as_millis()));
        examine_clock(&answer, findings);
        match answer.status.as_u16() {
            401 | 403 => {
                self.examine_scheme(&answer, findings).await;
                None
            }
            404 => {
                self.examine_missing_leads(&answer, findings).await;
                None
            }
            status if answer.status.is_redirection() || status >= 500 => {
                findings.failed("credentials", &answer.error());
                None
            }
            _ => {
                let other = if self.settings.auth_scheme == "bearer" { "token" } else { "bearer" };
                findings.good(
                    "credentials",
                    format!(
                        "The key is taken; a wrong key would be answered with 401, and so would auth_scheme = \"{other}\" \
                         where {} is wanted.",
                        self.settings.auth_scheme
                    ),
                );
                Some(answer)
            }
        }
    }

    async fn first_page(&self, asking: &Asking) -> Result<Answer, VendorError> {
        let path: Vec<&str> = self.settings.list_path.iter().map(String::as_str).collect();
        self.http.read_any(&self.listing(&path, asking)?).await
    }

    fn listing(&self, path: &[&str], asking: &Asking) -> Result<Call, VendorError> {
        Ok(self.get(path, asking)?.query("limit", 1).query("offset", 0))
    }

    /// Whether an answer to this call is a success.
    async fn is_taken(&self, call: Result<Call, VendorError>) -> bool {
        match call {
            Ok(call) => self.http.read_any(&call).await.is_ok_and(|answer| answer.is_success()),
            Err(_) => false,
        }
    }

    /// The key is refused: perhaps only because of the word before it.
    async fn examine_scheme(&self, answer: &Answer, findings: &mut Findings) {
        let path: Vec<&str> = self.settings.list_path.iter().map(String::as_str).collect();
        let (own, other, word) = match self.settings.auth_scheme {
            "token" => ("token", "bearer", "Bearer"),
            _ => ("bearer", "token", "Token"),
        };
        let call = self.listing(&path, &Asking::hot());
        let call = call.map(|call| call.header(AUTHORIZATION, self.settings.other_authorization.clone()));
        let mut error = answer.error();
        error.remedy = if answer.status.as_u16() == 401 && self.is_taken(call).await {
            format!("The same key is taken behind the word {word}: set auth_scheme = \"{other}\" instead of \"{own}\".")
        } else if answer.status.as_u16() == 401 {
            format!(
                "It is refused behind the word {word}, too, so it is not auth_scheme: the key is wrong, expired, or of \
                 another environment than base_url (sk_test_… is the sandbox's)."
            )
        } else {
            "The key may not list leads: a restricted key (rk_live_…) needs the right to read and write them."
                .to_owned()
        };
        findings.failed("credentials", &error);
    }

    /// No list of leads: a wrong prefix, a wrong path, or a deployment without leads.
    async fn examine_missing_leads(&self, answer: &Answer, findings: &mut Findings) {
        let path: Vec<&str> = self.settings.list_path.iter().map(String::as_str).collect();
        let asking = Asking::hot();
        let base = self.http.base_url();
        let list = path.join("/");
        if self.is_taken(self.listing(&["users"], &asking)).await {
            findings.bad(
                "leads",
                format!(
                    "This StateSet deployment does not offer leads: {base}/users is there, {base}/{list} is not (404). If it \
                     should have leads, list_path is another one, such as /leads/list."
                ),
            );
            return;
        }
        let prefixed: Vec<&str> = std::iter::once(PREFIX).chain(path.iter().copied()).collect();
        let has_prefix = base.rsplit('/').next().is_some_and(|end| end == PREFIX);
        if !has_prefix && self.is_taken(self.listing(&prefixed, &asking)).await {
            findings.bad(
                "version prefix",
                format!("base_url lacks its version prefix: {base}/{PREFIX}/{list} is there. Set base_url = \"{base}/{PREFIX}\"."),
            );
            return;
        }
        let prefix = if has_prefix {
            format!("it ends with /{PREFIX}, and some deployments have no version prefix or another one (such as /api)")
        } else {
            format!("it has no version prefix, and most deployments want /{PREFIX}")
        };
        let said = answer.words();
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        findings.bad(
            "version prefix",
            format!(
                "Neither {base}/{list} nor {base}/users is there (404){said}: base_url is most likely wrong; {prefix}. \
                 Otherwise this StateSet deployment does not offer leads."
            ),
        );
    }

    /// A key of the other environment.
    fn examine_key(&self, findings: &mut Findings) {
        const NAME: &str = "kind of key";
        let host = self.http.base_url().split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        match (host, self.settings.is_test_key) {
            (Some(PRODUCTION), true) => {
                findings
                    .bad(NAME, format!("A sandbox key (sk_test_…) is used at {PRODUCTION}; the sandbox is {SANDBOX}."));
            }
            (Some(SANDBOX), false) => {
                findings.bad(NAME, format!("A production key is used at {SANDBOX}; the sandbox wants sk_test_…."));
            }
            _ => {}
        }
    }

    /// The list's shape and its paging.
    async fn examine_list(&self, probe: Answer, findings: &mut Findings) -> Option<Page> {
        const NAME: &str = "list of leads";
        if let Err(error) = probe.or_error() {
            findings.failed(NAME, &error);
            return None;
        }
        let asking = Asking::hot();
        let mut walk = Walk::new(&LEADS);
        let page = match self.next_page(&mut walk, &asking).await {
            Ok(page) => page.unwrap_or_default(),
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let rows = Rows::of(&page.rows, &self.settings.owner_field);
        let on_page = page.rows.len();
        let mut detail = match walk.total {
            Some(total) => format!("{total} leads, {on_page} on the first page."),
            None => format!("{on_page} leads on the first page; the server does not say how many there are."),
        };
        if rows.bad > 0 {
            detail.push_str(&format!(" {} rows cannot be used: {}.", rows.bad, rows.because.unwrap_or_default()));
        }
        findings.add(NAME, rows.bad == 0, detail);
        self.examine_paging(walk, findings).await;
        Some(page)
    }

    async fn examine_paging(&self, mut walk: Walk, findings: &mut Findings) {
        const NAME: &str = "paging";
        if walk.end.is_some() {
            return;
        }
        let before = walk.rows();
        match self.next_page(&mut walk, &Asking::hot()).await {
            Ok(_) if walk.rows() > before => findings.good(NAME, "The second page brings other leads than the first."),
            Ok(Some(page)) if page.rows.is_empty() && walk.received == before && walk.total.is_none() => {
                findings.good(NAME, "The second page is empty, as there is nothing more.");
            }
            Ok(_) => findings.bad(
                NAME,
                "The second page brings no other leads than the first: this server does not turn its pages like that. Try \
                 paging = \"cursor\" or another list_path.",
            ),
            Err(error) => findings.failed(NAME, &error),
        }
    }

    /// Who may be given leads, and what is written for them.
    async fn examine_users(&self, findings: &mut Findings) -> std::sync::Arc<Directory> {
        const NAME: &str = "owners";
        if let Err(error) = self.fetch_people().await {
            findings.failed(NAME, &error);
            return self.known_users();
        }
        let directory = self.known_users();
        let users = directory.users();
        let value = self.settings.owner_value;
        let of = if self.settings.owners.is_some() { "people, from the setting owners" } else { "users" };
        let inactive = users.iter().filter(|user| user.person.status == PersonStatus::Inactive).count();
        let without = users.iter().filter(|user| user.value(value).is_empty()).count();
        let shared = directory.shared();
        let mut detail = format!("{} {of}, written into leads by their {}.", users.len(), value.label());
        if inactive > 0 {
            detail.push_str(&format!(" {inactive} are not active."));
        }
        if without > 0 {
            detail.push_str(&format!(
                " {without} have none and cannot be given leads with owner_value = \"{}\".",
                value.word()
            ));
        }
        if !shared.is_empty() {
            let list = listed(shared.iter().map(|text| safe_text::visible(text).into_owned()));
            detail.push_str(&format!(" Shared by several, so that their leads cannot be told apart: {list}."));
        }
        if users.is_empty() {
            detail.push_str(" List the people who may own leads in the setting owners.");
        }
        findings.add(NAME, !users.is_empty() && without < users.len(), detail);
        directory
    }

    /// Whether leads have the owner field, and whether what is in it is what this profile writes.
    fn examine_owners(&self, rows: &[Row<'_>], directory: &Directory, findings: &mut Findings) {
        const NAME: &str = "owner field";
        let field = safe_text::visible(&self.settings.owner_field);
        if rows.is_empty() {
            findings.good(NAME, "There are no leads to look at.");
            return;
        }
        if rows.iter().all(|row| !row.fields.contains_key(&self.settings.owner_field)) {
            let mut similar: Vec<String> = rows
                .iter()
                .flat_map(|row| row.fields.keys())
                .filter(|key| ["owner", "assign"].iter().any(|part| key.to_lowercase().contains(part)))
                .map(|key| safe_text::visible(key).into_owned())
                .collect();
            similar.sort_unstable();
            similar.dedup();
            let hint = if similar.is_empty() {
                String::new()
            } else {
                format!(" They have {}, which may be what owner_field should name.", listed(similar.into_iter()))
            };
            findings.bad(
                NAME,
                format!(
                    "None of {} leads has the field {field}. A server that ignores it looks like this: changes are accepted \
                     and nothing is different afterwards.{hint}",
                    rows.len()
                ),
            );
            return;
        }
        let odd = rows.iter().filter(|row| row.raw == Raw::Odd).count();
        let texts: Vec<&str> = rows.iter().filter_map(|row| row.raw.text()).collect();
        let ours = texts.iter().filter(|text| directory.read(text).id.is_some()).count();
        let mut others = [0_usize; OwnerValue::ALL.len()];
        for (_, by) in texts.iter().filter_map(|text| directory.meaning(text)) {
            others[OwnerValue::ALL.iter().position(|value| *value == by).unwrap_or_default()] += 1;
        }
        let mut detail =
            format!("{ours} of {} owners on the first page are written as this profile writes them.", texts.len());
        let best = others.iter().zip(OwnerValue::ALL).max_by_key(|(count, _)| **count);
        let is_other = best.is_some_and(|(count, _)| *count > ours);
        if let Some((count, by)) = best.filter(|(count, _)| **count > 0) {
            detail.push_str(&format!(
                " {count} are users by their {}{}",
                by.label(),
                if is_other {
                    format!(": most likely owner_value should be \"{}\".", by.word())
                } else {
                    ".".to_owned()
                }
            ));
        }
        if odd > 0 {
            detail.push_str(&format!(" {odd} are neither a text nor nobody: owner_field may be another field."));
        }
        findings.add(NAME, !is_other && odd == 0, detail);
    }

    /// A single lead, which every change is verified by.
    async fn examine_lead(&self, row: &Row<'_>, findings: &mut Findings) {
        const NAME: &str = "single lead";
        let asking = Asking::hot();
        match self.read_lead(&row.id, &asking).await {
            Ok(lead) => {
                let raw = Raw::of(&lead, &self.settings.owner_field);
                let is_same = raw == row.raw || matches!((&raw, &row.raw), (Raw::Blank(_), Raw::Blank(_)));
                if is_same {
                    findings.good(NAME, "It can be read, and has the owner that the list gives it.");
                } else {
                    findings.bad(
                        NAME,
                        "The first lead by itself has another owner than in the list (unless somebody has just changed it): \
                         what the list shows cannot be relied on.",
                    );
                }
            }
            Err(error) => {
                let mut error = error;
                let other = Template::documented_alternative();
                let call = self.get(&other.with(row.id.as_str()), &asking);
                if other != self.settings.get_path && self.is_taken(call).await {
                    error.remedy =
                        "Another path is taken: set get_path_template = \"/leads/{id}/retrieve\".".to_owned();
                }
                findings.failed(NAME, &error);
            }
        }
    }

    fn about_changes(&self) -> String {
        format!(
            "Experimental: no page of StateSet's says how an owner is changed. It is tried with {} /leads/{{id}}, and the \
             first change of each session goes alone and is compared. A server that replaces leads loses their other fields \
             there (then set update_mode = \"merge\"); one that ignores the field {} is told as accepted but not applied.",
            self.settings.update_method,
            safe_text::visible(&self.settings.owner_field)
        )
    }
}
