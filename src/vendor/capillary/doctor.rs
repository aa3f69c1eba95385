//! The contract probed with reads, a sentence for each finding: what was found, and what a wrong setting looks like.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use compact_str::CompactString;
use http::header::HeaderName;

use super::Capillary;
use super::careful::NOBODYS_ID;
use super::envelope::Reply;
use super::settings::{OwnerIn, StaffField, UnassignMode};
use super::sign_in::Credentials;
use super::staff::Directory;
use super::walk::End;
use crate::domain::PersonStatus;
use crate::vendor::asking::Asking;
use crate::vendor::fields;
use crate::vendor::findings::{Findings, examine_clock, listed};
use crate::vendor::{Check, VendorError};

/// What the vendor's pages call the token's header.
const OAUTH_HEADERS: [&str; 2] = ["x-cap-api-oauth-token", "cap-api-access-token"];

/// Ids of one page.
type Page = HashSet<CompactString>;

impl Capillary {
    pub(super) async fn examine(&self) -> Vec<Check> {
        let mut findings = Findings::default();
        let asking = Asking::hot();
        if let Some(reply) = self.examine_server(&asking, &mut findings).await {
            let all = self.examine_list(reply, &asking, &mut findings).await;
            let directory = self.examine_staff(&asking, &mut findings).await;
            if let (Some(all), Some(directory)) = (all, directory) {
                self.examine_filter(&all, &directory, &asking, &mut findings).await;
            }
            findings.good("changes", self.about_changes());
        }
        findings.into_checks()
    }

    /// Reachability, clock, credentials. The first page, or `None` when nothing else can be asked.
    async fn examine_server(&self, asking: &Asking, findings: &mut Findings) -> Option<Reply> {
        const CREDENTIALS: &str = "credentials";
        let began = Instant::now();
        let call = self.list_call(&[], 0);
        let reply = match call {
            Ok(call) => self.ask(call, asking).await,
            Err(error) => Err(error),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) if error.kind == crate::vendor::ErrorKind::SignIn => {
                findings.failed(CREDENTIALS, &error);
                return None;
            }
            Err(error) => {
                findings.failed("reachable", &error);
                return None;
            }
        };
        findings.good("reachable", format!("{} answers ({} ms).", self.http.base_url(), began.elapsed().as_millis()));
        examine_clock(&reply.answer, findings);
        match reply.answer.status.as_u16() {
            401 => {
                let mut error = reply.error(&self.profile);
                error.remedy = self.why_refused(asking).await;
                findings.failed(CREDENTIALS, &error);
                None
            }
            403 => {
                findings.failed(CREDENTIALS, &reply.error(&self.profile));
                None
            }
            404 if !reply.says_nothing_is_there() => {
                findings.bad(
                    "base_url",
                    format!(
                        "There is no list of leads at {}/v2/leads (404): base_url has to be the host of the organisation's \
                         cluster, without a path.",
                        self.http.base_url()
                    ),
                );
                None
            }
            _ => {
                let how = match self.settings.credentials {
                    Credentials::Basic(_) => "The till's user name and password are",
                    Credentials::OAuth { .. } => "The token is",
                };
                findings.good(CREDENTIALS, format!("{how} taken; wrong ones would be answered with 401."));
                Some(reply)
            }
        }
    }

    /// The credentials are refused: perhaps only because of the header they come in.
    async fn why_refused(&self, asking: &Asking) -> String {
        if matches!(self.settings.credentials, Credentials::Basic(_)) {
            return "Check username and password (the password itself, not its MD5 sum), and that this till belongs to the \
                    cluster at base_url; an organisation that uses OAuth wants key and secret instead."
                .to_owned();
        }
        for name in OAUTH_HEADERS.map(HeaderName::from_static) {
            if name == self.settings.oauth_header {
                continue;
            }
            let Ok(call) = self.list_call(&[], 0) else { continue };
            let Ok(signed) = self.sign(call, asking).await else { continue };
            let Some(token) = signed.header_value(&self.settings.oauth_header).cloned() else { continue };
            let taken = self.http.read_any(&signed.header(name.clone(), token)).await;
            if taken.is_ok_and(|answer| answer.is_success()) {
                return format!("The same token is taken in another header: set oauth_header = \"{name}\".");
            }
        }
        "A token was given and is not taken: the API client's access group may lack the resource Leads.".to_owned()
    }

    /// The list's shape and its paging. The ids of the first page.
    async fn examine_list(&self, first: Reply, asking: &Asking, findings: &mut Findings) -> Option<Page> {
        const NAME: &str = "list of leads";
        if !first.is_good() && !first.says_nothing_is_there() {
            findings.failed(NAME, &first.error(&self.profile));
            return None;
        }
        let mut walk = self.walk(Vec::new());
        let first = match self.next_page(&mut walk, asking).await {
            Ok(rows) => rows.unwrap_or_default(),
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let ids: Page = first.iter().map(|(id, _)| id.clone()).collect();
        let (page, wanted) = (walk.received, self.settings.page_size);
        let mut detail =
            format!("{page} leads on the first page of up to {wanted}; Capillary does not say how many there are.");
        if walk.bad > 0 {
            detail.push_str(&format!(" {} rows cannot be used: {}.", walk.bad, walk.because.unwrap_or_default()));
        }
        let tells_owner = first
            .iter()
            .any(|(_, row)| ["owner", "ownerId", "ownerName", "assignedTo"].iter().any(|key| row.contains_key(*key)));
        if tells_owner {
            detail.push_str(" They name an owner, which no page documents; the owner filter decides all the same.");
        }
        findings.add(NAME, walk.bad == 0, detail);
        self.examine_paging(walk, page, asking, findings).await;
        Some(ids)
    }

    async fn examine_paging(
        &self,
        mut walk: super::walk::Walk,
        first: usize,
        asking: &Asking,
        findings: &mut Findings,
    ) {
        const NAME: &str = "paging";
        let before = walk.leads();
        // A page that repeats the first is followed by one that takes offset for an id.
        for _ in 0..2 {
            if let Err(error) = self.next_page(&mut walk, asking).await {
                findings.failed(NAME, &error);
                return;
            }
            if walk.leads() > before || walk.end.is_some() {
                break;
            }
        }
        let capped = first < self.settings.page_size && walk.leads() > before;
        if walk.pages_by_id() {
            findings.bad(
                NAME,
                "Offset is taken for the id after which to go on, not for a number of rows; lists are read like that from \
                 now on.",
            );
        } else if walk.end == Some(End::Repeats) {
            findings.bad(
                NAME,
                format!("The second page brings no other leads than the first, whatever offset is: only {before} can be seen."),
            );
        } else if capped {
            findings.good(NAME, format!("The server gives at most {first} leads a page, whatever it is asked for."));
        } else if walk.leads() > before {
            findings.good(NAME, "The second page brings other leads than the first.");
        } else {
            findings.good(NAME, "The second page is empty, as there is nothing more.");
        }
    }

    /// Who may be given leads, and by which names.
    async fn examine_staff(&self, asking: &Asking, findings: &mut Findings) -> Option<Arc<Directory>> {
        const NAME: &str = "owners";
        let directory = match self.fetch_staff(asking).await {
            Ok(directory) => directory,
            Err(error) => {
                findings.failed(NAME, &error);
                return None;
            }
        };
        let count = directory.all().len();
        let unwritable = directory.all().iter().filter(|staff| staff.write_name.is_empty()).count();
        let unfindable = count - directory.with_filter().count();
        let from = match (self.settings.staff_list, self.settings.file_owners.len()) {
            (true, 0) => "from the staff list".to_owned(),
            (true, file) => format!("from the staff list and the {file} lines of owner_file"),
            (false, _) => "from owner_file".to_owned(),
        };
        let mut detail = format!(
            "{count} people {from}; leads are asked for by their {} and given to them by their {}.",
            self.settings.filter_field.word(),
            self.settings.write_field.word()
        );
        for (number, what) in [
            (unwritable, "have no user name and cannot be given leads (owner_write_field)"),
            (unfindable, "have no id for the owner filter, so their leads look like nobody's (owner_filter_field)"),
            (directory.unusable, "entries of the list have neither"),
        ] {
            if number > 0 {
                detail.push_str(&format!(" {number} {what}."));
            }
        }
        let inactive = directory.all().iter().filter(|staff| staff.person.status != PersonStatus::Active).count();
        findings.add(NAME, count > 0 && inactive < count, detail);
        Some(directory)
    }

    /// The self-check of section 4: at least one owner has leads, and nobody has all.
    async fn examine_filter(&self, all: &Page, directory: &Directory, asking: &Asking, findings: &mut Findings) {
        const NAME: &str = "owner filter";
        let field = self.settings.filter_field.word();
        if all.is_empty() {
            findings.good(NAME, "There are no leads to try it with.");
            return;
        }
        let (mut some, mut nothing, mut like_all, mut refused) = (0, 0, Vec::new(), Vec::new());
        for staff in directory.with_filter() {
            match self.first_page_of(&staff.filter_id, asking).await {
                Ok(page) if page.is_empty() => nothing += 1,
                Ok(page) => {
                    some += 1;
                    if page == *all {
                        like_all.push(staff.person.label().to_string());
                    }
                }
                Err(error) => refused.push((staff.person.label().to_string(), error)),
            }
        }
        if let (Some((who, error)), 0) = (refused.first(), some) {
            findings.bad(
                NAME,
                format!(
                    "No owner's leads can be asked for by {field} (owner_filter_field); for {who}: {}.",
                    error.message.trim_end_matches('.')
                ),
            );
            return;
        }
        let is_ignored = match like_all.len() {
            0 => false,
            // One person may well have everything; an owner that does not exist has nothing.
            1 => self.first_page_of(NOBODYS_ID, asking).await.is_ok_and(|page| !page.is_empty()),
            _ => true,
        };
        let owners = some + nothing;
        if is_ignored {
            findings.bad(
                NAME,
                format!(
                    "Asking for the leads of {} brings the same leads as asking for all: the server ignores the owner filter, \
                     so who owns a lead cannot be known and no change confirmed.",
                    listed(like_all.into_iter())
                ),
            );
        } else if some == 0 {
            findings.bad(
                NAME,
                format!(
                    "None of {owners} owners has a lead when asked for by {field}: most likely the filter wants another id \
                     than owner_filter_field = \"{field}\"{}.",
                    self.better_filter(directory, asking).await
                ),
            );
        } else {
            let mut detail =
                format!("{some} of {owners} owners have leads when asked for by {field}, {nothing} have none.");
            if !refused.is_empty() {
                let who = listed(refused.iter().map(|(who, _)| who.clone()));
                detail.push_str(&format!(" Refused for {who}."));
            }
            findings.add(NAME, refused.is_empty(), detail);
        }
    }

    async fn first_page_of(&self, filter_id: &str, asking: &Asking) -> Result<Page, VendorError> {
        let filters = [("owner", filter_id.to_owned())];
        let reply = self.ask(self.list_call(&filters, 0)?, asking).await?;
        if reply.says_nothing_is_there() {
            return Ok(Page::new());
        }
        if !reply.is_good() {
            return Err(reply.error(&self.profile));
        }
        let rows = self.rows(reply)?;
        Ok(rows.iter().filter_map(|row| fields::id(row.get("id"))).collect())
    }

    /// Whether user names find leads where ids do not.
    async fn better_filter(&self, directory: &Directory, asking: &Asking) -> String {
        for staff in directory.all().iter().filter(|staff| !staff.write_name.is_empty()).take(10) {
            let found = self.first_page_of(&staff.write_name, asking).await;
            if found.is_ok_and(|page| !page.is_empty()) {
                let field = match self.settings.write_field {
                    StaffField::Username => StaffField::Username,
                    _ => StaffField::Code,
                };
                return format!(
                    "; {} has some when asked for by user name: try \"{}\"",
                    staff.person.label(),
                    field.word()
                );
            }
        }
        "; an owner_file with the right ids helps".to_owned()
    }

    fn about_changes(&self) -> String {
        let place = if self.settings.owner_in == OwnerIn::Body { "its body" } else { "its query" };
        let nobody = match &self.settings.unassign {
            UnassignMode::Unsupported => "Leads cannot be left with nobody.".to_owned(),
            UnassignMode::Empty => "Nobody is written as an empty text, which no page documents.".to_owned(),
            UnassignMode::Null => "Nobody is written as null, which no page documents.".to_owned(),
            UnassignMode::Placeholder(name) => {
                format!("Nobody is written as the user {}.", crate::domain::safe_text::visible(name))
            }
        };
        format!(
            "An owner is changed by {} with the user name in {place}; the page called Assign Lead documents a reading. The \
             first change of each session goes alone and is compared, and each is looked for in the owner filter: a user name \
             that the server ignores is told as not confirmed. {nobody}",
            self.settings.assign_method
        )
    }
}
