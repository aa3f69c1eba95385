//! Reading leads one by one, and reading back what became of many.
//!
//! The list call reads many leads at once, from an index that may lag behind a write. A single lead's call does not lag.
//! So many are read by the list, and where its word would decide something (that a change was not applied, that
//! somebody else changed a lead) the lead itself is asked for.

use std::collections::HashMap;
use std::sync::OnceLock;

use futures_util::StreamExt;
use http::Method;
use serde_json::Value;

use super::lead::record;
use super::listing::ListBody;
use super::refusal::Right;
use super::scope::Scope;
use super::settings::PAGE;
use super::{Instantly, Place};
use crate::domain::{Assignment, LeadId, LeadRecord};
use crate::vendor::targets::Portions;
use crate::vendor::{ErrorKind, Found, Looking, Observation, Session, Target, Targets, VendorError};

/// Up to this many leads are asked for one by one: it costs no more, and nothing lags.
const FEW: usize = 2;

/// Leads that are read together: whole pages, and many more of them than are on the way at a time.
const TOGETHER: usize = 4_000;

/// A lead to be read.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub id: LeadId,
    pub scope: Option<Scope>,
    /// What the list's word is good enough for; `None` where any word is.
    pub expected: Option<&'a Assignment>,
}

/// What was read of a lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    pub owner: Assignment,
    pub scope: Option<Scope>,
}

impl Present {
    fn of(lead: LeadRecord) -> Self {
        Self { scope: Scope::read(&lead.scope), owner: lead.owner }
    }
}

type Looked = HashMap<LeadId, Result<Present, VendorError>>;

impl Instantly {
    /// One lead with every field. `named`: for people, who want words instead of numbers.
    pub(super) async fn read_lead(
        &self,
        id: &LeadId,
        place: &Place,
        hot: bool,
        named: bool,
    ) -> Result<LeadRecord, VendorError> {
        let call = self.call(Method::GET, &["leads", id.as_str()], place)?.hot(hot);
        let answer = self.http.read_any(&call).await?;
        if answer.status.as_u16() == 404 {
            let message = format!("Instantly (profile {}) has no lead {id} (404)", self.profile);
            return Err(VendorError { status: Some(404), ..VendorError::new(ErrorKind::NotFound, message) });
        }
        let answer = self.accepted(answer, Right::ReadLeads)?;
        let body = answer.json()?;
        if !is_lead(&body) {
            return Err(answer.garbled("it is not a lead"));
        }
        if named {
            self.learn_names(std::slice::from_ref(&body)).await;
        }
        let names = self.learned().names.clone();
        let lead = record(&body, &names).map_err(|why| answer.garbled(why))?;
        if lead.id != *id {
            return Err(answer.garbled(format!("it is about the lead {}, not {id}", lead.id)));
        }
        self.learned().owners.note([&lead]);
        Ok(lead)
    }

    pub(super) async fn observe_all(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let mut portions = Portions::of(targets, TOGETHER, found);
        while let Some(portion) = portions.take() {
            let read = self.observe_some(&portion, session).await;
            portions.read(read);
        }
    }

    async fn observe_some(&self, targets: &[Target], session: &Session) -> Vec<Observation> {
        let wanted = targets.iter().map(|target| {
            let expected = match session.looking {
                Looking::Ahead => target.candidates.first(),
                Looking::Polling => None,
                Looking::Deciding => target.candidates.last(),
            };
            Wanted { id: LeadId::from(target.id.clone()), scope: Scope::read(&target.scope), expected }
        });
        let found = match self.place_of(session) {
            Ok(place) => self.look(wanted.collect(), &place, session.hot).await,
            Err(error) => wanted.map(|wanted| (wanted.id, Err(error.clone()))).collect(),
        };
        targets
            .iter()
            .map(|target| match found.get(&LeadId::from(target.id.clone())) {
                Some(Ok(present)) => Observation {
                    now: Ok(present.owner.clone()),
                    scope: Some(Scope::write(present.scope.as_ref()).into()),
                },
                Some(Err(error)) => Observation::failed(error),
                None => Observation::missed(),
            })
            .collect()
    }

    /// Reads owners and scopes of leads: by the list where they are many, each by itself where they are few, where the
    /// list does not have them, or where its word is not good enough.
    pub(super) async fn look(&self, wanted: Vec<Wanted<'_>>, place: &Place, hot: bool) -> Looked {
        let mut found = Looked::new();
        let mut one_by_one = Vec::new();
        if wanted.len() <= FEW {
            one_by_one = wanted.into_iter().map(|wanted| wanted.id).collect();
        } else {
            let scoped = self.scoped_lists.load(std::sync::atomic::Ordering::Relaxed);
            let mut groups: HashMap<Option<Scope>, Vec<Wanted<'_>>> = HashMap::new();
            for wanted in wanted {
                match (scoped, &wanted.scope) {
                    (false, _) => groups.entry(None).or_default().push(wanted),
                    (true, Some(scope)) => groups.entry(Some(scope.clone())).or_default().push(wanted),
                    (true, None) => one_by_one.push(wanted.id),
                }
            }
            // Pushed one by one: a closure that returns futures over what it was lent is too much for the compiler.
            let mut reads = Vec::new();
            for (scope, group) in &groups {
                for chunk in group.chunks(PAGE) {
                    let read = self.read_by_ids(chunk, scope.as_ref(), place, hot);
                    reads.push(async move { (chunk, read.await) });
                }
            }
            let mut reads = futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel);
            while let Some((chunk, read)) = reads.next().await {
                match read {
                    Ok(mut leads) => {
                        for wanted in chunk {
                            match leads.remove(&wanted.id) {
                                Some(present) if is_enough(wanted.expected, &present.owner) => {
                                    found.insert(wanted.id.clone(), Ok(present));
                                }
                                // Deleted, moved, or the index lags behind.
                                _ => one_by_one.push(wanted.id.clone()),
                            }
                        }
                    }
                    // The list does not work like this; asking for each lead may.
                    Err(error) if is_about_the_list(&error) => {
                        one_by_one.extend(chunk.iter().map(|wanted| wanted.id.clone()));
                    }
                    Err(error) => found.extend(chunk.iter().map(|wanted| (wanted.id.clone(), Err(error.clone())))),
                }
            }
        }
        one_by_one.sort_unstable();
        one_by_one.dedup();
        found.extend(self.read_each(one_by_one, place, hot).await);
        found
    }

    /// One page of leads by their ids.
    async fn read_by_ids(
        &self,
        chunk: &[Wanted<'_>],
        scope: Option<&Scope>,
        place: &Place,
        hot: bool,
    ) -> Result<HashMap<LeadId, Present>, VendorError> {
        let ids: Vec<&str> = chunk.iter().map(|wanted| wanted.id.as_str()).collect();
        let body = ListBody { ids: Some(&ids), ..ListBody::within(scope, PAGE) };
        let page = self.page_of_leads(&body, place, hot).await?;
        let mut present = HashMap::with_capacity(ids.len());
        for lead in self.rows(&page.items).leads {
            present.insert(lead.id.clone(), Present::of(lead));
        }
        Ok(present)
    }

    /// Asks for each lead, several at a time. When the server is gone or refuses the key, the rest is not asked for: a
    /// thousand more tries would say the same.
    async fn read_each(&self, ids: Vec<LeadId>, place: &Place, hot: bool) -> Looked {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let reads = ids.into_iter().map(|id| async move {
            if let Some(error) = gone.get() {
                return (id, Err(error.clone()));
            }
            let read = self.read_lead(&id, place, hot, false).await;
            if let Err(error) = &read
                && error.ends_a_reading()
            {
                // The first one is told; the others that were on the way say the same.
                let _ = gone.set(error.clone());
            }
            (id, read.map(Present::of))
        });
        futures_util::stream::iter(reads).buffer_unordered(self.settings.parallel).collect().await
    }
}

/// Whether the list's word needs no confirmation.
fn is_enough(expected: Option<&Assignment>, now: &Assignment) -> bool {
    expected.is_none_or(|expected| !expected.is_known() || expected.is_same(now))
}

fn is_about_the_list(error: &VendorError) -> bool {
    use ErrorKind::{Garbled, NotFound, NotSupported, Refused};
    matches!(error.kind, Refused | NotFound | NotSupported | Garbled)
}

/// An object without any field of a lead would read as a lead that is nobody's.
fn is_lead(body: &Value) -> bool {
    ["assigned_to", "email", "organization", "status", "campaign", "list_id", "timestamp_created"]
        .iter()
        .any(|key| body.get(*key).is_some())
}
