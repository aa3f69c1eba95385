//! One list's agents (contract, section 5): read in pages of which nobody says what they count, and compared with what
//! the campaign says of the list.

use std::collections::BTreeSet;

use super::key::Key;
use super::settings::{CrossCheck, Endpoint};
use super::wire::{Campaign, Users, incomplete};
use super::{Asking, Exotel, lock};
use crate::domain::{Assignment, PersonId};
use crate::vendor::{ErrorKind, Found, Observation, Session, Targets, VendorError};

/// How often a list is read again that changes while it is read.
const TRIES: usize = 3;

/// What was read of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The agents now. The state is this and nothing else.
    pub assigned: BTreeSet<PersonId>,
    /// The same by their ids in the campaign.
    pub assigned_ids: BTreeSet<String>,
    /// Other agents of the campaign, as far as the vendor tells (A3).
    pub others: BTreeSet<PersonId>,
    /// Ids in the campaign with user ids, by position (A5).
    pub pairs: Vec<(String, PersonId)>,
}

impl Reading {
    /// Takes a page in. True when it brought something new.
    fn take(&mut self, page: Users) -> bool {
        let before = self.size();
        let pairs: Vec<(String, PersonId)> = page.pairs().map(|(id, user)| (id.to_owned(), user.clone())).collect();
        for pair in pairs {
            if !self.pairs.contains(&pair) {
                self.pairs.push(pair);
            }
        }
        self.assigned.extend(page.assigned);
        self.assigned_ids.extend(page.assigned_ids);
        self.others.extend(page.unassigned);
        self.size() > before
    }

    fn size(&self) -> usize {
        self.assigned.len() + self.assigned_ids.len() + self.others.len() + self.pairs.len()
    }

    /// Somebody is in it both as assigned and as not: it changed while it was read.
    fn contradicts_itself(&self) -> bool {
        !self.assigned.is_disjoint(&self.others)
    }

    pub fn everybody(&self) -> BTreeSet<PersonId> {
        self.assigned.union(&self.others).cloned().collect()
    }
}

/// When the pages that were read are enough.
pub enum Until<'a> {
    /// Pages are read until one brings nothing new.
    TheEnd,
    /// The agents are those that the campaign names (by their ids there): a further page could not add one.
    Agrees(&'a BTreeSet<String>),
    /// The agents are these and the page was not full: what a change should have made of the list.
    Is(&'a BTreeSet<PersonId>),
}

impl Until<'_> {
    fn is_reached(&self, reading: &Reading, full: bool) -> bool {
        match self {
            Self::TheEnd => false,
            Self::Agrees(ids) => reading.assigned_ids == **ids && reading.assigned.len() == ids.len(),
            Self::Is(users) => reading.assigned == **users && !full,
        }
    }
}

impl Exotel {
    /// Reads a list's agents, without any comparison. One that changes in the middle is read again.
    pub(super) async fn read_users(
        &self,
        campaign: &Campaign,
        key: &Key,
        until: Until<'_>,
        asking: &Asking,
    ) -> Result<Reading, VendorError> {
        for _ in 0..TRIES {
            let reading = self.read_pages(campaign, key, &until, asking).await?;
            if !reading.contradicts_itself() {
                lock(&self.seen).entry(key.campaign.clone()).or_default().extend(reading.everybody());
                return Ok(reading);
            }
        }
        Err(incomplete(key, "it keeps changing while it is read"))
    }

    async fn read_pages(
        &self,
        campaign: &Campaign,
        key: &Key,
        until: &Until<'_>,
        asking: &Asking,
    ) -> Result<Reading, VendorError> {
        let limit = self.settings.lead_user_page_size;
        let mut reading = Reading::default();
        for page in 0..self.settings.max_pages {
            let answer = self.get_lead_users(&campaign.process, key, page * limit, asking).await?;
            let users = Users::of(&answer, key)?;
            let length = users.assigned.len() + users.unassigned.len();
            let new = reading.take(users);
            if length == 0 || !new || reading.contradicts_itself() || until.is_reached(&reading, length >= limit) {
                return Ok(reading);
            }
        }
        Err(incomplete(key, format!("its agents do not end after {} pages", self.settings.max_pages)))
    }

    /// Whether readings can be compared at all.
    pub(super) fn is_checked(&self) -> bool {
        self.settings.cross_check != CrossCheck::Off && self.settings.authorization(Endpoint::CampaignLead).is_ok()
    }

    pub(super) fn notice_what_is_not_checked(&self) {
        if self.settings.cross_check == CrossCheck::Off {
            return;
        }
        if let Err(error) = self.settings.authorization(Endpoint::CampaignLead) {
            self.notice(format!(
                "Readings of agents are not compared with the campaign's own, which cannot be read: {}.",
                error.message
            ));
        }
    }

    /// Reads a list's agents and compares them with the campaign's own word. Where the two differ, both are read once
    /// more; what still differs is refused (strict) or pointed out (warn).
    pub(super) async fn read_checked(&self, key: &Key, asking: &Asking) -> Result<Reading, VendorError> {
        let campaign = self.campaign(&key.campaign, asking).await?;
        let read = self.read_checked_in(&campaign, key, asking).await;
        if matches!(&read, Err(error) if error.kind == ErrorKind::NotFound) {
            self.forget_tree();
        }
        read
    }

    async fn read_checked_in(&self, campaign: &Campaign, key: &Key, asking: &Asking) -> Result<Reading, VendorError> {
        if !self.is_checked() {
            return self.read_users(campaign, key, Until::TheEnd, asking).await;
        }
        let mut why = String::new();
        for attempt in 0..2 {
            let said = match attempt {
                0 => self.said_recently(campaign, key, asking).await?,
                _ => self.fresh_overview(campaign, asking).await?.said(&key.lead),
            };
            let until = match &said {
                Some(Ok(users)) => Until::Agrees(users),
                _ => Until::TheEnd,
            };
            let reading = self.read_users(campaign, key, until, asking).await?;
            why = match &said {
                Some(Ok(users)) if reading.assigned_ids == *users && reading.assigned.len() == users.len() => {
                    return Ok(reading);
                }
                Some(Ok(users)) => format!(
                    "its own answer names {} agents, the campaign's answer names {}",
                    reading.assigned.len(),
                    users.len()
                ),
                Some(Err(why)) => why.clone(),
                None => "the campaign does not list it".to_owned(),
            };
            if attempt == 1 && self.settings.cross_check == CrossCheck::Warn {
                self.notice(format!("The agents of {key} may not have been read to the end: {why}."));
                return Ok(reading);
            }
        }
        Err(incomplete(key, why).with_remedy(
            "Nothing is changed in it. Look at lead_user_page_size, or set cross_check = \"warn\" to go on all the same.",
        ))
    }

    pub(super) async fn observe_all(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let mut refused: Option<VendorError> = None;
        for number in 0..targets.len() {
            let now = match (&refused, Key::of(&targets.get(number).id)) {
                (Some(error), _) => Err(error.clone()),
                // No list of that name can be there.
                (None, Err(error)) => Err(VendorError { kind: ErrorKind::NotFound, ..error }),
                (None, Ok(key)) => self.observe_one(&key, &asking).await,
            };
            if let Err(error) = &now
                && matches!(error.kind, ErrorKind::SignIn | ErrorKind::Setting)
            {
                // Every further request would meet it as well.
                refused = Some(error.clone());
            }
            found(number, Observation { now, scope: None });
        }
    }

    async fn observe_one(&self, key: &Key, asking: &Asking) -> Result<Assignment, VendorError> {
        self.turns.may_enter(key)?;
        match self.read_checked(key, asking).await {
            Ok(reading) => Ok(Assignment::Agents(reading.assigned)),
            // This campaign is closed to us, others may not be.
            Err(error) if error.kind == ErrorKind::Forbidden => Err(self.turns.close(key, error)),
            Err(error) => Err(error),
        }
    }
}
