//! Lists of leads, and the campaigns and lists that they are in.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Method;
use serde::Serialize;
use serde_json::Value;

use super::lead::{own_label, record, whole};
use super::names::Names;
use super::paging::{Cursors, Page};
use super::refusal::{Right, may_want_scope};
use super::scope::Scope;
use super::{Instantly, Place, capabilities, words};
use crate::domain::campaign::{Collection, CollectionKind, LeadAsk};
use crate::domain::{LeadId, LeadRecord, SafeText, safe_text};
use crate::vendor::fields::{id, text};
use crate::vendor::{ErrorKind, Pages, VendorError};

/// What a list of leads is asked for. The key of the campaign is `campaign`, not `campaign_id`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<&'a [&'a str]>,
    pub limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starting_after: Option<&'a str>,
}

impl<'a> ListBody<'a> {
    pub fn within(scope: Option<&'a Scope>, limit: usize) -> Self {
        Self { campaign: Scope::campaign(scope), list_id: Scope::list(scope), limit, ..Self::default() }
    }
}

/// What the server narrows a list down by.
#[derive(Clone, Copy, Debug, Default)]
struct Narrow<'a> {
    search: Option<&'a str>,
    filter: Option<&'a str>,
}

/// Rows as leads.
#[derive(Debug, Default)]
pub struct Rows {
    pub leads: Vec<LeadRecord>,
    /// Rows that are none, with the first one's trouble.
    pub bad: usize,
    pub bad_because: Option<&'static str>,
}

/// Takes the leads of a page; `Break` ends the walk.
type Take<'a> = dyn FnMut(Vec<LeadRecord>) -> ControlFlow<()> + Send + 'a;

/// How a walk over the pages went.
#[derive(Debug, Default)]
struct Walked {
    pages: usize,
    bad: usize,
    bad_because: Option<&'static str>,
    troubles: Vec<String>,
}

impl Instantly {
    /// One page of leads. A read, though it is a POST: it may be repeated.
    pub(super) async fn page_of_leads(
        &self,
        body: &ListBody<'_>,
        place: &Place,
        hot: bool,
    ) -> Result<Page, VendorError> {
        let call = self.call(Method::POST, &["leads", "list"], place)?.json(body)?.hot(hot);
        let answer = self.accepted(self.patient.read_any(&call).await?, Right::ReadLeads)?;
        Page::of(&answer)
    }

    /// Reads rows, and remembers whom they belong to.
    pub(super) fn rows(&self, items: &[Value]) -> Rows {
        let names = self.learned().names.clone();
        let mut rows = Rows::default();
        for item in items {
            match record(item, &names) {
                Ok(lead) => rows.leads.push(lead),
                Err(why) => {
                    rows.bad += 1;
                    rows.bad_because.get_or_insert(why);
                }
            }
        }
        self.learned().owners.note(&rows.leads);
        rows
    }

    pub(super) async fn list(&self, ask: &LeadAsk, pages: &mut dyn Pages) -> Result<(), VendorError> {
        let mut filters = Vec::new();
        for word in &ask.filters {
            filters.push(capabilities::filter(word).ok_or_else(|| no_such_filter(word))?);
        }
        filters.sort_unstable();
        filters.dedup();
        if let Err(error) = self.known_members().await {
            // Owners are shown by their ids then; whoever loads the people is told.
            tracing::warn!(profile = %self.profile, kind = ?error.kind, "members could not be read for their names");
        }
        let collection = ask.collection.as_ref().map(|(kind, id)| Scope::new(*kind, id.as_str()));
        let search = ask.search.as_deref().map(str::trim).filter(|search| !search.is_empty());
        // A request takes one filter: of several, all but the last are asked for by themselves, and what all of them
        // let through is shown.
        let last = filters.pop();
        let mut passed: Option<HashSet<LeadId>> = None;
        for filter in &filters {
            let mut found = HashSet::new();
            let narrow = Narrow { search, filter: Some(filter) };
            self.walk(collection.as_ref(), narrow, true, &mut |leads| {
                found.extend(leads.into_iter().map(|lead| lead.id));
                ControlFlow::Continue(())
            })
            .await?;
            passed = Some(match passed {
                Some(passed) => passed.intersection(&found).cloned().collect(),
                None => found,
            });
        }
        let narrow = Narrow { search, filter: last.as_deref() };
        let walked = self
            .walk(collection.as_ref(), narrow, true, &mut |mut leads| {
                if let Some(passed) = &passed {
                    leads.retain(|lead| passed.contains(&lead.id));
                }
                pages.page(leads, None)
            })
            .await?;
        walked.troubles.into_iter().for_each(|sentence| pages.trouble(sentence));
        if walked.bad > 0 {
            let why = walked.bad_because.unwrap_or_default();
            pages.trouble(format!(
                "{} rows of Instantly's (profile {}) cannot be used: {why}.",
                walked.bad, self.profile
            ));
        }
        Ok(())
    }

    /// Walks over leads for what their owners tell, without a word about what cannot be read.
    pub(super) async fn walk_everything(&self, take: &mut Take<'_>) -> Result<(), VendorError> {
        self.walk(None, Narrow::default(), false, take).await.map(|_| ())
    }

    /// Walks over all leads that are wanted, each once. A server that wants a campaign or list with every list of leads
    /// is asked for one after the other.
    async fn walk(
        &self,
        collection: Option<&Scope>,
        narrow: Narrow<'_>,
        named: bool,
        take: &mut Take<'_>,
    ) -> Result<Walked, VendorError> {
        let mut walked = Walked::default();
        let mut seen = HashSet::new();
        let mut queue: VecDeque<Option<Scope>> = match collection {
            Some(scope) => [Some(scope.clone())].into(),
            None if self.scoped_lists.load(Ordering::Relaxed) => self.scopes().await?.into_iter().map(Some).collect(),
            None => [None].into(),
        };
        let mut by_scope = collection.is_none() && queue.front().is_none_or(Option::is_some);
        while let Some(scope) = queue.pop_front() {
            match self.walk_in(scope.as_ref(), narrow, named, &mut seen, &mut walked, take).await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(error) if scope.is_none() && walked.pages == 0 && may_want_scope(&error) => {
                    match self.scopes().await {
                        Ok(scopes) if !scopes.is_empty() => queue = scopes.into_iter().map(Some).collect(),
                        _ => return Err(error.with_remedy(CHOOSE)),
                    }
                    by_scope = true;
                    continue;
                }
                // A campaign that was deleted since it was listed has no leads to show.
                Err(error) if by_scope && error.kind == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            if by_scope {
                self.scoped_lists.store(true, Ordering::Relaxed);
            }
        }
        if by_scope && !self.settings.require_scope {
            walked.troubles.push(format!(
                "Instantly (profile {}) lists leads only by campaign or list (400 without), so leads that are in neither \
                 are not shown. Choose a campaign or list, or set require_scope = true to have it so from the start.",
                self.profile
            ));
        }
        Ok(walked)
    }

    /// Walks over the leads of one campaign or list, or of the workspace.
    async fn walk_in(
        &self,
        scope: Option<&Scope>,
        narrow: Narrow<'_>,
        named: bool,
        seen: &mut HashSet<LeadId>,
        walked: &mut Walked,
        take: &mut Take<'_>,
    ) -> Result<ControlFlow<()>, VendorError> {
        let place = self.place();
        let mut cursors = Cursors::default();
        let mut after = None::<String>;
        let mut before: HashSet<LeadId> = HashSet::new();
        loop {
            let body = ListBody {
                search: narrow.search,
                filter: narrow.filter,
                starting_after: after.as_deref(),
                ..ListBody::within(scope, self.settings.page_size)
            };
            let page = self.page_of_leads(&body, &place, false).await?;
            if named {
                self.learn_names(&page.items).await;
            }
            let mut rows = self.rows(&page.items);
            if rows.leads.is_empty() && rows.bad > 0 {
                let why = rows.bad_because.unwrap_or_default();
                return Err(self.garbled(format!("none of the {} rows of a page is a lead: {why}", rows.bad)));
            }
            let ids: HashSet<LeadId> = rows.leads.iter().map(|lead| lead.id.clone()).collect();
            // A last page may consist of leads that moved back while pages were turned.
            if page.next.is_some() && !ids.is_empty() && ids.is_subset(&before) {
                return Err(self.garbled("a page repeats the one before it: this server does not turn its pages"));
            }
            before = ids;
            walked.pages += 1;
            walked.bad += rows.bad;
            walked.bad_because = walked.bad_because.or(rows.bad_because);
            rows.leads.retain(|lead| seen.insert(lead.id.clone()));
            if (!rows.leads.is_empty() || walked.pages == 1) && take(rows.leads).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            after = cursors.follow(page.next).map_err(|why| self.garbled(why))?;
            if after.is_none() {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    fn garbled(&self, why: impl std::fmt::Display) -> VendorError {
        let message = format!("Instantly (profile {}) gave a list of leads that does not fit: {why}", self.profile);
        VendorError::new(ErrorKind::Garbled, message)
    }

    /// All campaigns and lists, to ask for their leads one after the other.
    async fn scopes(&self) -> Result<Vec<Scope>, VendorError> {
        let collections = self.fetch_collections().await?;
        Ok(collections.into_iter().map(|collection| Scope::new(collection.kind, collection.id)).collect())
    }

    pub(super) async fn fetch_collections(&self) -> Result<Vec<Collection>, VendorError> {
        let place = self.place();
        let (campaigns, lists) = tokio::join!(
            self.all(&["campaigns"], Right::ReadCampaigns, &place, false),
            self.all(&["lead-lists"], Right::ReadLists, &place, false),
        );
        let mut seen = HashSet::new();
        let mut collections = Vec::new();
        for (kind, rows) in [(CollectionKind::Campaign, campaigns?), (CollectionKind::List, lists?)] {
            for row in &rows {
                let Some(id) = id(row.get("id")).filter(|id| seen.insert((kind, id.clone()))) else { continue };
                collections.push(Collection {
                    kind,
                    name: row.get("name").and_then(text).unwrap_or_else(|| SafeText::new(&id)),
                    id: id.into(),
                    status: match kind {
                        CollectionKind::Campaign => {
                            row.get("status").and_then(whole).map(words::campaign_status).unwrap_or_default()
                        }
                        CollectionKind::List => SafeText::empty(),
                    },
                });
            }
        }
        let mut learned = self.learned();
        let mut names = Names::clone(&learned.names);
        names.collections = collections
            .iter()
            .map(|collection| ((collection.kind, collection.id.clone()), collection.name.clone()))
            .collect();
        learned.names = Arc::new(names);
        drop(learned);
        Ok(collections)
    }

    /// Asks for the names of campaigns, lists and labels that rows mention, once: a list of leads goes on without those
    /// that may not be read.
    pub(super) async fn learn_names(&self, items: &[Value]) {
        let (wants_collections, wants_labels) = {
            let learned = self.learned();
            let has_scope = || items.iter().any(|row| Scope::of_row(row).is_some());
            let has_label = || items.iter().any(|row| own_label(row).is_some());
            (!learned.asked_collections && has_scope(), !learned.asked_labels && has_label())
        };
        if wants_collections {
            self.learned().asked_collections = true;
            if let Err(error) = self.fetch_collections().await {
                tracing::warn!(profile = %self.profile, kind = ?error.kind, "campaigns and lists could not be read");
            }
        }
        if wants_labels {
            self.learned().asked_labels = true;
            match self.all(&["lead-labels"], Right::ReadLabels, &self.place(), false).await {
                Ok(rows) => {
                    let label = |row: &Value| Some((whole(row.get("interest_status")?)?, text(row.get("label")?)?));
                    let mut learned = self.learned();
                    let mut names = Names::clone(&learned.names);
                    names.labels = rows.iter().filter_map(label).collect();
                    learned.names = Arc::new(names);
                }
                Err(error) => {
                    tracing::warn!(profile = %self.profile, kind = ?error.kind, "labels could not be read");
                }
            }
        }
    }
}

const CHOOSE: &str = "If this server lists leads only by campaign or list, choose one; require_scope = true reads them one \
                      after the other. The API key needs to be able to read campaigns and lists for that.";

fn no_such_filter(word: &str) -> VendorError {
    let known: Vec<&str> = capabilities::FILTERS.iter().map(|(word, _)| *word).collect();
    let message = format!("Instantly has no filter {}; it has {}", safe_text::visible(word), known.join(", "));
    VendorError::new(ErrorKind::Refused, message)
}
