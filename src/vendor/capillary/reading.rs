//! Who owns these leads now: asked owner by owner, the likely ones first, with all leads of one customer together.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use compact_str::CompactString;
use futures_util::StreamExt;

use super::Capillary;
use super::index::Place;
use super::settings::UnassignMode;
use super::staff::{Directory, Staff, told_by_row};
use super::walk::Row;
use crate::domain::{Assignment, LeadId, LeadRecord};
use crate::vendor::asking::Asking;
use crate::vendor::targets::Portions;
use crate::vendor::{ErrorKind, Found, Looking, Observation, Session, Target, Targets, VendorError};

/// So many other owners are asked about a lead that none of the likely ones has.
const MOST_OTHERS: usize = 40;

/// Targets that are read together. Each takes up to a kilobyte meanwhile, so it is not all that there may be; but where
/// everybody's leads are listed, that is done for each portion.
const TOGETHER: usize = 20_000;

/// What was found out about a lead.
enum Look {
    Read(Result<Assignment, VendorError>),
    /// None of the candidates has it.
    WithNone,
}

/// One lead that is looked for.
#[derive(Clone, Debug)]
struct Wanted {
    place: usize,
    lead: LeadId,
    candidates: Vec<Assignment>,
}

/// Leads of one customer.
type Group = (CompactString, Vec<Wanted>);

/// What the owners' lists say about the leads of one customer; each list is asked for once.
struct Lists<'a> {
    client: &'a Capillary,
    asking: &'a Asking,
    customer: &'a str,
    /// All that are looked for, so that a list need not be read further than to the last of them.
    wanted: HashSet<LeadId>,
    /// By filter id; the empty one is the list without an owner.
    read: HashMap<String, HashSet<LeadId>>,
}

impl Lists<'_> {
    async fn holds(&mut self, filter_id: &str, lead: &LeadId) -> Result<bool, VendorError> {
        if let Some(leads) = self.read.get(filter_id) {
            return Ok(leads.contains(lead));
        }
        let mut filters = vec![("userId", self.customer.to_owned())];
        if !filter_id.is_empty() {
            filters.insert(0, ("owner", filter_id.to_owned()));
        }
        let (mut found, mut rows) = (HashSet::new(), Vec::new());
        let asked_at = Instant::now();
        let take = |id: CompactString, row: Row| {
            let id = LeadId::new(id);
            if self.wanted.contains(&id) {
                found.insert(id.clone());
                rows.push((id, Arc::new(row)));
            }
        };
        let wanted = &self.wanted;
        let all_seen = |walk: &super::walk::Walk| wanted.iter().all(|lead| walk.has_seen(lead.as_str()));
        self.client.walk_all(filters, self.asking, take, all_seen).await?;
        let fresh_for = self.client.settings.freshness;
        self.client.memory.keep_rows(rows.iter().map(|(id, row)| (id.clone(), row)), asked_at, fresh_for);
        let holds = found.contains(lead);
        self.read.insert(filter_id.to_owned(), found);
        Ok(holds)
    }

    /// Whether the lead is there at all.
    async fn exists(&mut self, lead: &LeadId) -> Result<bool, VendorError> {
        if self.read.values().any(|leads| leads.contains(lead)) { Ok(true) } else { self.holds("", lead).await }
    }
}

impl Capillary {
    pub(super) fn assignment(&self, staff: &Staff, directory: &Directory) -> Assignment {
        if directory.is_placeholder(staff) {
            Assignment::unassigned()
        } else {
            Assignment::Owner(staff.person.owner_ref())
        }
    }

    /// Whose list tells whether a lead is assigned like this; `None` where none does.
    pub(super) fn filter_of<'a>(&self, assignment: &Assignment, directory: &'a Directory) -> Option<&'a str> {
        let staff = match assignment {
            Assignment::Owner(owner) => directory.get(owner.id.as_ref()?)?,
            Assignment::Unassigned(_) => directory.placeholder()?,
            _ => return None,
        };
        Some(staff.filter_id.as_str()).filter(|id| !id.is_empty())
    }

    pub(super) async fn observe_all(&self, targets: &dyn Targets, session: &Session, found: &mut Found<'_>) {
        let mut portions = Portions::of(targets, TOGETHER, found);
        while let Some(portion) = portions.take() {
            let read = self.observe_some(&portion, session).await;
            portions.read(read);
        }
    }

    async fn observe_some(&self, targets: &[Target], session: &Session) -> Vec<Observation> {
        let asking = Asking { hot: session.hot, ..Asking::default() };
        let directory = match self.directory(&asking).await {
            Ok(directory) => directory,
            Err(error) => return targets.iter().map(|_| Observation::failed(&error)).collect(),
        };
        let mut now: Vec<Option<Result<Assignment, VendorError>>> = targets.iter().map(|_| None).collect();
        let groups = match self.groups(targets, &asking).await {
            Ok(groups) => groups,
            Err(error) => return targets.iter().map(|_| Observation::failed(&error)).collect(),
        };
        let mut open: Vec<Group> = Vec::new();
        for (customer, looks) in self.ask_candidates(groups, &directory, session.looking, &asking).await {
            let mut left = Vec::new();
            for (wanted, look) in looks {
                match look {
                    Look::Read(read) => now[wanted.place] = Some(read),
                    Look::WithNone => left.push(wanted),
                }
            }
            if !left.is_empty() {
                open.push((customer, left));
            }
        }
        for (place, read) in self.ask_others(open, &directory, session.looking, &asking).await {
            now[place] = Some(read);
        }
        let missing = |place: usize| {
            let message = format!("Capillary (profile {}) has no lead {}", self.profile, targets[place].id);
            VendorError::new(ErrorKind::NotFound, message)
        };
        now.into_iter()
            .enumerate()
            .map(|(place, now)| Observation { now: now.unwrap_or_else(|| Err(missing(place))), scope: None })
            .collect()
    }

    /// Leads by customer. Those whose customer cannot be found are in no group.
    async fn groups(&self, targets: &[Target], asking: &Asking) -> Result<Vec<Group>, VendorError> {
        let customer_of = |target: &Target, lead: &LeadId| {
            let told = Some(CompactString::from(target.scope.as_str())).filter(|scope| !scope.is_empty());
            told.or_else(|| self.memory.customer(lead))
        };
        let id = |target: &Target| LeadId::from(target.id.clone());
        let strangers: HashSet<LeadId> =
            targets.iter().filter(|target| customer_of(target, &id(target)).is_none()).map(id).collect();
        if !strangers.is_empty() {
            self.find_customers(&strangers, asking).await?;
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<CompactString, usize> = HashMap::new();
        for (place, target) in targets.iter().enumerate() {
            let lead = id(target);
            let Some(customer) = customer_of(target, &lead) else { continue };
            let group = *places.entry(customer.clone()).or_insert_with(|| {
                groups.push((customer, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(Wanted { place, lead, candidates: target.candidates.clone() });
        }
        Ok(groups)
    }

    /// Asks the owners that are expected. When the server is gone or refuses the credentials, the rest is not asked for.
    async fn ask_candidates(
        &self,
        groups: Vec<Group>,
        directory: &Directory,
        looking: Looking,
        asking: &Asking,
    ) -> Vec<(CompactString, Vec<(Wanted, Look)>)> {
        let gone: OnceLock<VendorError> = OnceLock::new();
        let gone = &gone;
        let readings = groups.into_iter().map(|(customer, wanted)| async move {
            let mut lists = self.lists(&customer, &wanted, asking);
            let mut looks = Vec::with_capacity(wanted.len());
            for one in wanted {
                if let Some(error) = gone.get() {
                    looks.push((one, Look::Read(Err(error.clone()))));
                    continue;
                }
                let look = self.ask_candidates_of(&one, &mut lists, directory, looking).await;
                let look = look.unwrap_or_else(|error| {
                    if error.ends_a_reading() {
                        let _ = gone.set(error.clone());
                    }
                    Look::Read(Err(error))
                });
                looks.push((one, look));
            }
            drop(lists);
            (customer, looks)
        });
        futures_util::stream::iter(readings).buffer_unordered(self.settings.parallel).collect().await
    }

    fn lists<'a>(&'a self, customer: &'a str, wanted: &[Wanted], asking: &'a Asking) -> Lists<'a> {
        let wanted = wanted.iter().map(|one| one.lead.clone()).collect();
        Lists { client: self, asking, customer, wanted, read: HashMap::new() }
    }

    async fn ask_candidates_of(
        &self,
        one: &Wanted,
        lists: &mut Lists<'_>,
        directory: &Directory,
        looking: Looking,
    ) -> Result<Look, VendorError> {
        let mut found: Vec<&Assignment> = Vec::new();
        let mut asked: Vec<&str> = Vec::new();
        for candidate in &one.candidates {
            let Some(filter_id) = self.filter_of(candidate, directory) else { continue };
            if asked.contains(&filter_id) {
                continue;
            }
            asked.push(filter_id);
            if lists.holds(filter_id, &one.lead).await? {
                found.push(candidate);
                if looking == Looking::Ahead {
                    break;
                }
            }
        }
        Ok(match found.as_slice() {
            [one] => Look::Read(Ok((*one).clone())),
            [] => Look::WithNone,
            // It was just given to somebody else, or the filter lags.
            _ => Look::Read(Ok(Assignment::Unknown)),
        })
    }

    /// Looks for leads that none of the expected owners has: with the others one by one, or by listing everybody's where
    /// that is less.
    async fn ask_others(
        &self,
        groups: Vec<Group>,
        directory: &Directory,
        looking: Looking,
        asking: &Asking,
    ) -> Vec<(usize, Result<Assignment, VendorError>)> {
        let leads: usize = groups.iter().map(|(_, wanted)| wanted.len()).sum();
        let one_by_one = directory.with_filter().count() * groups.len();
        let listed = match self.index_cost.load(Ordering::Relaxed) {
            cost if cost > 0 && leads > 0 && cost < one_by_one && looking != Looking::Polling => {
                let index = self.index(&[], directory, asking, || true).await.ok().flatten();
                index.filter(|index| !index.is_ignored && !index.is_incomplete)
            }
            _ => None,
        };
        let listed = listed.as_ref();
        let readings = groups.into_iter().map(|(customer, wanted)| async move {
            let mut lists = self.lists(&customer, &wanted, asking);
            let mut read = Vec::with_capacity(wanted.len());
            for one in wanted {
                let now = match listed.map(|index| index.place(one.lead.as_str(), directory)) {
                    Some(Place::Owned(staff)) => Ok(self.assignment(staff, directory)),
                    Some(Place::InSeveral) => Ok(Assignment::Unknown),
                    Some(Place::InNone) => self.with_nobody(&one, &mut lists, directory).await,
                    None => self.ask_others_of(&one, &mut lists, directory, looking).await,
                };
                read.push((one.place, now));
            }
            read
        });
        let read: Vec<Vec<_>> =
            futures_util::stream::iter(readings).buffer_unordered(self.settings.parallel).collect().await;
        read.into_iter().flatten().collect()
    }

    async fn ask_others_of(
        &self,
        one: &Wanted,
        lists: &mut Lists<'_>,
        directory: &Directory,
        looking: Looking,
    ) -> Result<Assignment, VendorError> {
        if !lists.exists(&one.lead).await? {
            return Err(self.no_such_lead(&one.lead));
        }
        let may_be_nobody = self.may_be_nobody(one);
        let others = directory.with_filter().count().saturating_sub(one.candidates.len());
        if looking == Looking::Polling || (others > MOST_OTHERS && !may_be_nobody) {
            return Ok(Assignment::Unknown);
        }
        let mut found = Vec::new();
        for staff in directory.with_filter() {
            if lists.holds(&staff.filter_id, &one.lead).await? {
                found.push(staff);
            }
        }
        match found.as_slice() {
            [] => self.with_nobody(one, lists, directory).await,
            [staff] => Ok(self.assignment(staff, directory)),
            _ => Ok(Assignment::Unknown),
        }
    }

    /// Whether being in nobody's list may mean that there is nobody, because that is what we made it.
    fn may_be_nobody(&self, one: &Wanted) -> bool {
        matches!(self.settings.unassign, UnassignMode::Empty | UnassignMode::Null)
            && one.candidates.iter().any(|candidate| matches!(candidate, Assignment::Unassigned(_)))
    }

    /// The lead is in nobody's list. Where nobody was expected, that is what it means; otherwise it may be somebody's who
    /// is not in ours.
    async fn with_nobody(
        &self,
        one: &Wanted,
        lists: &mut Lists<'_>,
        directory: &Directory,
    ) -> Result<Assignment, VendorError> {
        if !lists.exists(&one.lead).await? {
            return Err(self.no_such_lead(&one.lead));
        }
        let everybody_was_asked = directory.with_filter().count() == directory.all().len();
        let nobody = self.may_be_nobody(one) && everybody_was_asked;
        Ok(if nobody { Assignment::unassigned() } else { Assignment::Unknown })
    }

    fn no_such_lead(&self, lead: &LeadId) -> VendorError {
        let message = format!("Capillary (profile {}) has no lead {lead} of that customer", self.profile);
        VendorError::new(ErrorKind::NotFound, message)
    }

    /// One lead as the server has it, by its customer's leads: there is no call for a single one.
    pub(super) async fn read_row(
        &self,
        lead: &LeadId,
        customer: &str,
        asking: &Asking,
    ) -> Result<Arc<Row>, VendorError> {
        let asked_at = Instant::now();
        let mut found = None;
        let take = |id: CompactString, row: Row| {
            if id == lead.as_str() {
                found = Some(Arc::new(row));
            }
        };
        let filters = vec![("userId", customer.to_owned())];
        self.walk_all(filters, asking, take, |walk| walk.has_seen(lead.as_str())).await?;
        let row = found.ok_or_else(|| self.no_such_lead(lead))?;
        self.memory.keep_rows([(lead.clone(), &row)], asked_at, self.settings.freshness);
        Ok(row)
    }

    /// Whose customer a lead is of.
    pub(super) async fn customer_of(
        &self,
        lead: &LeadId,
        told: &str,
        asking: &Asking,
    ) -> Result<CompactString, VendorError> {
        if !told.is_empty() {
            return Ok(CompactString::from(told));
        }
        if self.memory.customer(lead).is_none() {
            self.find_customers(&HashSet::from([lead.clone()]), asking).await?;
        }
        self.memory.customer(lead).ok_or_else(|| {
            let message = format!("Capillary (profile {}) has no lead {lead}", self.profile);
            VendorError::new(ErrorKind::NotFound, message)
        })
    }

    /// One lead with every field, for somebody who waits for it. Its owner is the one that was last found, if the lead
    /// still is in that one's list.
    pub(super) async fn read_detail(&self, lead: &LeadId) -> Result<LeadRecord, VendorError> {
        let asking = Asking::hot();
        let customer = self.customer_of(lead, "", &asking).await?;
        let row = self.read_row(lead, &customer, &asking).await?;
        let directory = self.known_staff();
        let last = self.memory.owner(lead);
        let owner = match last.as_ref().and_then(|id| directory.get(id)) {
            Some(staff)
                if !staff.filter_id.is_empty() && self.holds(&staff.filter_id, &customer, lead, &asking).await? =>
            {
                self.assignment(staff, &directory)
            }
            _ => told_by_row(&row, &directory).map_or(Assignment::Unknown, |staff| self.assignment(staff, &directory)),
        };
        let mut record = self.record(lead, &row, owner);
        if self.settings.customer_names {
            self.name_customer(&mut record, &customer, &asking).await?;
        }
        Ok(record)
    }
}
