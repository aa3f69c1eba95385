//! Making a plan from what is selected and what is known, and putting changes together into batches.

use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};

use super::capabilities::{BatchRule, Capabilities, Pace, ReadBack, Unassign};
use super::ids::{LeadId, PersonId, ProfileName};
use super::leads::{LeadTable, OwnerIndex, Snapshot};
use super::operation::OperationKind;
use super::plan::{Change, Cost, Plan, PlanPart, Skip, SkipReason};
use super::safe_text::{SafeText, Verbatim};
use super::{Agreement, Assignment, Field, LeadFlags, Lifecycle, OwnerRef, Person, Timestamp};

/// What is wanted: these leads of each profile to this assignment.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    pub kind: OperationKind,
    pub wanted: Vec<Wanted>,
    pub include_closed: bool,
    pub note: Option<SafeText>,
    pub now: Timestamp,
    /// When the snapshot's owners were read, by profile.
    pub read_at: BTreeMap<ProfileName, Timestamp>,
}

/// One profile's share of a plan. A profile may come several times, with different owners (distribution).
#[derive(Clone, Debug)]
pub struct Wanted {
    pub profile: ProfileName,
    /// Without duplicates.
    pub leads: Vec<LeadId>,
    pub to: Assignment,
}

/// Makes the plan. A lead that the snapshot does not have is skipped with `no such lead`. A profile whose capabilities
/// are not known is left out: there is nobody to send its part to.
pub fn plan(
    request: &PlanRequest,
    snapshot: &Snapshot,
    people: &BTreeMap<ProfileName, Vec<Person>>,
    capabilities: &BTreeMap<ProfileName, Capabilities>,
) -> Plan {
    let mut by_profile: Vec<(&ProfileName, Vec<&Wanted>)> = Vec::new();
    for wanted in &request.wanted {
        match by_profile.iter_mut().find(|(profile, _)| *profile == &wanted.profile) {
            Some((_, share)) => share.push(wanted),
            None => by_profile.push((&wanted.profile, vec![wanted])),
        }
    }
    let parts = by_profile
        .into_iter()
        .filter_map(|(profile, share)| {
            let capabilities = capabilities.get(profile)?;
            let table = snapshot.parts.iter().find(|part| part.profile == *profile).map(|part| &part.table);
            let people = people.get(profile).map_or(&[][..], Vec::as_slice);
            Some(PartPlanner::new(request, profile, table, people, capabilities).plan(&share))
        })
        .collect();
    Plan { kind: request.kind, reverts: None, note: request.note.clone(), made_at: request.now, parts }
}

/// Everything that planning one profile's part looks at.
struct PartPlanner<'a> {
    request: &'a PlanRequest,
    profile: &'a ProfileName,
    table: LeadTable,
    people: &'a [Person],
    capabilities: &'a Capabilities,
    read_at: Option<Timestamp>,
    /// The table's owners as a change's before-value, worked out when first needed.
    before: Vec<Option<Before>>,
}

/// One of the table's owners as far as it can be told who that is.
#[derive(Clone)]
struct Before {
    assignment: Assignment,
    /// Why undo could not put this owner back exactly.
    doubt: Option<String>,
    /// The name fits several people, so that an equal name is no proof of the same person.
    ambiguous: bool,
}

impl<'a> PartPlanner<'a> {
    fn new(
        request: &'a PlanRequest,
        profile: &'a ProfileName,
        table: Option<&LeadTable>,
        people: &'a [Person],
        capabilities: &'a Capabilities,
    ) -> Self {
        let table = table.cloned().unwrap_or_default();
        let before = vec![None; table.owners().len()];
        let read_at = request.read_at.get(profile).copied();
        Self { request, profile, table, people, capabilities, read_at, before }
    }

    fn plan(mut self, share: &[&Wanted]) -> PlanPart {
        let wanted: usize = share.iter().map(|wanted| wanted.leads.len()).sum();
        let mut changes = Vec::with_capacity(wanted);
        let mut skips = Vec::new();
        let mut inexact = Counts::default();
        let mut seen = HashSet::with_capacity(wanted);
        let mut do_not_call = 0;
        let mut warnings: Vec<String> = Vec::new();
        for wanted in share {
            let to = self.completed(&wanted.to);
            for id in &wanted.leads {
                let Some(row) = self.table.row_of(id.as_str()) else {
                    skips.push(Skip {
                        target: id.into(),
                        name: SafeText::empty(),
                        before: Assignment::Unknown,
                        after: to.clone(),
                        reason: SkipReason::NoSuchLead,
                    });
                    continue;
                };
                let before = self.before(self.table.owner(row));
                let name = SafeText::new(&self.table.text(row, Field::Name));
                let reason = if seen.insert(row) {
                    self.reason_to_skip(row, &before, &to)
                } else {
                    Some(SkipReason::Other("already in this plan".to_owned()))
                };
                if let Some(reason) = reason {
                    skips.push(Skip { target: id.into(), name, before: before.assignment, after: to.clone(), reason });
                    continue;
                }
                if self.table.flags(row).has(LeadFlags::DO_NOT_CALL) {
                    do_not_call += 1;
                }
                if let Some(doubt) = &before.doubt {
                    inexact.count(doubt);
                }
                changes.push(Change {
                    target: id.into(),
                    name,
                    before: before.assignment,
                    after: to.clone(),
                    read_at: self.read_at,
                    scope: CompactString::from(&*self.table.scope(row)),
                });
            }
            self.warn_about(&to, &mut warnings);
        }
        if changes.is_empty() {
            warnings.clear();
        } else {
            if do_not_call > 0 {
                warnings.push(match do_not_call {
                    1 => "1 of these leads is marked do-not-call.".to_owned(),
                    count => format!("{count} of these leads are marked do-not-call."),
                });
            }
            warnings.extend(self.capabilities.warnings.iter().cloned());
            warnings.extend(self.capabilities.not_undoable.iter().cloned());
        }
        let reads = self.reads_before(changes.len());
        let cost = cost(&changes, self.capabilities, reads);
        PlanPart {
            profile: self.profile.clone(),
            vendor: self.capabilities.vendor,
            changes,
            skips,
            cost,
            inexact: inexact.0,
            warnings,
            takes_back: Vec::new(),
            context: None,
        }
    }

    /// The wanted owner with a name, where only the id was given and the person is known.
    fn completed(&self, to: &Assignment) -> Assignment {
        let Assignment::Owner(OwnerRef { id: Some(id), name: None }) = to else { return to.clone() };
        let person = self.people.iter().find(|person| person.id == *id);
        Assignment::Owner(person.map_or_else(|| OwnerRef { id: Some(id.clone()), name: None }, Person::owner_ref))
    }

    fn before(&mut self, owner: OwnerIndex) -> Before {
        let index = owner.0 as usize;
        if let Some(known) = &self.before[index] {
            return known.clone();
        }
        let before = identify(&self.table.owners()[index].0, self.people, self.capabilities);
        self.before[index].insert(before).clone()
    }

    fn reason_to_skip(&self, row: u32, before: &Before, to: &Assignment) -> Option<SkipReason> {
        match self.table.lifecycle(row) {
            Lifecycle::Closed if !self.request.include_closed => return Some(SkipReason::Closed),
            Lifecycle::Deleted if !self.request.include_closed => return Some(SkipReason::Deleted),
            _ => {}
        }
        if before.assignment.agrees_with(to) == Agreement::Same && !before.ambiguous {
            return Some(SkipReason::AlreadyThere);
        }
        match (&self.capabilities.unassign, to) {
            (Unassign::No(why), Assignment::Unassigned(_)) => Some(SkipReason::NotSupported(why.clone())),
            _ => None,
        }
    }

    fn warn_about(&self, to: &Assignment, warnings: &mut Vec<String>) {
        let Some(id) = to.owner().and_then(|owner| owner.id.as_ref()) else { return };
        let warning = match self.people.iter().find(|person| person.id == *id) {
            Some(person) if !person.is_active() => format!("{} is not active at the vendor.", person.label()),
            None if !self.people.is_empty() => format!("{id} is not among the people this vendor lists."),
            _ => return,
        };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Requests for reading `targets` once: as many of them at a time as the vendor gives, or through the whole listing
    /// where that is less.
    fn reads_of(&self, targets: usize) -> usize {
        let listing = self.table.len().div_ceil(LISTING_PAGE).max(1);
        targets.div_ceil(self.capabilities.read_at_once.max(1)).min(listing)
    }

    /// Requests for reading before-values again that will be too old when they are sent.
    fn reads_before(&self, changes: usize) -> usize {
        let fresh = self.read_at.is_some_and(|read_at| {
            let age = self.request.now.duration_since(read_at);
            Duration::try_from(age).unwrap_or_default() <= self.capabilities.freshness
        });
        if fresh || self.capabilities.read_back == ReadBack::Never { 0 } else { self.reads_of(changes) }
    }
}

/// Who an owner of the table is. kenbun shows only names: one that is exactly one person's gets that person's id, and
/// where that fails undo could not write the id that was there.
fn identify(assignment: &Assignment, people: &[Person], capabilities: &Capabilities) -> Before {
    let mut before = Before { assignment: assignment.clone(), doubt: None, ambiguous: false };
    match assignment {
        Assignment::Unknown => {
            before.doubt = Some("the present owner is not known".to_owned());
        }
        Assignment::Unassigned(_) => {
            if let Unassign::No(why) = &capabilities.unassign {
                before.doubt = Some(format!("the lead has no owner now: {why}"));
            }
        }
        // Elsewhere a bare name is what the vendor stores, and can be written back as it is.
        Assignment::Owner(OwnerRef { id: None, name: Some(name) }) if capabilities.read_back == ReadBack::ByName => {
            let mut fitting = people.iter().filter(|person| person.name == *name);
            match (fitting.next(), fitting.next()) {
                (Some(person), None) => before.assignment = Assignment::Owner(person.owner_ref()),
                (Some(_), Some(_)) => {
                    before.ambiguous = true;
                    before.doubt =
                        Some("the present owner is known only by a name that several people have".to_owned());
                }
                (None, _) => {
                    before.doubt = Some("the present owner is known only by a name that nobody listed has".to_owned());
                }
            }
        }
        Assignment::Owner(_) | Assignment::Agents(_) => {}
    }
    before
}

/// Reasons with their counts, in the order in which they first came up.
#[derive(Default)]
struct Counts(Vec<(String, usize)>);

impl Counts {
    fn count(&mut self, reason: &str) {
        match self.0.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += 1,
            None => self.0.push((reason.to_owned(), 1)),
        }
    }
}

/// Rows of one page of a listing, for estimates: what vendors give at most or a little less.
const LISTING_PAGE: usize = 100;

/// Seconds that an answer usually takes, for estimates where no limit is the slower one.
const USUAL_ANSWER: f64 = 0.15;

/// What it costs to send `changes` after `reads` requests for fresh before-values.
pub fn cost(changes: &[Change], capabilities: &Capabilities, reads: usize) -> Cost {
    let batches = batches(changes, &capabilities.batch);
    let mut requests = reads + batches.len();
    if capabilities.read_back == ReadBack::Later {
        // What will only be accepted is read right before it is sent, and polled for at least once afterwards.
        let accepted = batches.iter().filter(|batch| batch.len() > 1);
        requests += accepted.map(|batch| 2 * batch.len().div_ceil(capabilities.read_at_once.max(1))).sum::<usize>();
    }
    if capabilities.first_write_alone && !changes.is_empty() {
        requests += 1;
    }
    Cost { requests, seconds: seconds(requests, &capabilities.pace) }
}

/// How long that many requests take at a pace.
pub fn seconds(requests: usize, pace: &Pace) -> f64 {
    let waiting = requests.saturating_sub(pace.burst as usize) as f64;
    let limited = if pace.per_second > 0.0 { waiting / pace.per_second } else { 0.0 };
    let answers = requests.div_ceil(pace.parallel.max(1)) as f64 * USUAL_ANSWER;
    limited.max(answers)
}

/// Puts changes together into requests: indexes into `changes`, each batch with one and the same `after`, in the order
/// of the changes.
pub fn batches(changes: &[Change], rule: &BatchRule) -> Vec<Vec<u32>> {
    if rule.max <= 1 || changes.len() < rule.bulk_from {
        return (0..changes.len() as u32).map(|index| vec![index]).collect();
    }
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut known = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        let before = rule.split_by_before.then_some(&change.before);
        let scope = rule.split_by_scope.then_some(&change.scope);
        let group = *known.entry((&change.after, before, scope)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(index as u32);
    }
    let mut batches = Vec::new();
    for group in groups {
        let to_nobody = matches!(changes[group[0] as usize].after, Assignment::Unassigned(_));
        let most = if to_nobody { rule.unassign_max.min(rule.max) } else { rule.max }.max(1);
        for chunk in group.chunks(most) {
            batches.push(chunk.to_vec());
        }
    }
    batches.sort_unstable_by_key(|batch| batch[0]);
    batches
}

/// Load of one owner before and after a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadShift {
    pub profile: ProfileName,
    pub owner: Assignment,
    pub before: usize,
    pub after: usize,
    pub gains: usize,
    pub loses: usize,
}

/// Counts per owner, before and after the plan, for everyone whom it touches; biggest change first.
pub fn load_shifts(plan: &Plan, snapshot: &Snapshot) -> Vec<LoadShift> {
    let mut shifts = Vec::new();
    for part in &plan.parts {
        // Thousands of changes repeat few assignments: each distinct one is looked up once.
        let mut counts: HashMap<&Assignment, (usize, usize)> = HashMap::new();
        for change in &part.changes {
            counts.entry(&change.before).or_default().1 += 1;
            counts.entry(&change.after).or_default().0 += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        // Owners with an id come first, so that those known by name alone find them.
        counts.sort_by_cached_key(|(assignment, _)| {
            let by_name = assignment.owner().is_some_and(|owner| owner.id.is_none());
            (by_name, format!("{assignment:?}"))
        });
        let mut loads = Loads::default();
        for (assignment, (gains, loses)) in counts {
            for holder in holders(assignment) {
                let load = loads.of(holder);
                load.gains += gains;
                load.loses += loses;
            }
        }
        let table = snapshot.parts.iter().find(|known| known.profile == part.profile).map(|known| &known.table);
        for (assignment, count) in table.map_or(&[][..], LeadTable::owners) {
            for holder in holders(assignment) {
                if let Some(index) = loads.find(&holder) {
                    loads.list[index].before += count;
                }
            }
        }
        shifts.extend(loads.list.into_iter().map(|load| LoadShift {
            profile: part.profile.clone(),
            // A plan may be older than the snapshot, and then take away more than is there.
            after: (load.before + load.gains).saturating_sub(load.loses),
            owner: load.holder,
            before: load.before,
            gains: load.gains,
            loses: load.loses,
        }));
    }
    shifts.sort_by_cached_key(|shift| {
        let size = shift.before.abs_diff(shift.after);
        (std::cmp::Reverse(size), shift.owner.label(), shift.profile.clone())
    });
    shifts
}

/// Who holds a target that is assigned like this: one owner, every agent, nobody, or somebody unknown.
fn holders(assignment: &Assignment) -> Vec<Assignment> {
    match assignment {
        Assignment::Agents(agents) => {
            agents.iter().map(|agent| Assignment::Owner(OwnerRef::with_id(agent.as_str()))).collect()
        }
        // Every spelling of nobody is the same nobody.
        Assignment::Unassigned(_) => vec![Assignment::unassigned()],
        other => vec![other.clone()],
    }
}

/// Loads by holder, who may be known by id here and by name there.
#[derive(Default)]
struct Loads {
    list: Vec<Load>,
    others: HashMap<Assignment, usize>,
    by_id: HashMap<PersonId, usize>,
    by_name: HashMap<Verbatim, Vec<usize>>,
}

struct Load {
    holder: Assignment,
    before: usize,
    gains: usize,
    loses: usize,
}

impl Loads {
    fn find(&self, holder: &Assignment) -> Option<usize> {
        let Assignment::Owner(owner) = holder else { return self.others.get(holder).copied() };
        if let Some(found) = owner.id.as_ref().and_then(|id| self.by_id.get(id)) {
            return Some(*found);
        }
        // A name alone decides only where it is one person's, and never against an id.
        match &**self.by_name.get(owner.name.as_ref()?)? {
            [only] => {
                let known = self.list[*only].holder.owner()?;
                (owner.id.is_none() || known.id.is_none()).then_some(*only)
            }
            _ => None,
        }
    }

    fn of(&mut self, holder: Assignment) -> &mut Load {
        let index = self.find(&holder).unwrap_or_else(|| {
            let index = self.list.len();
            match &holder {
                Assignment::Owner(owner) => {
                    if let Some(id) = &owner.id {
                        self.by_id.insert(id.clone(), index);
                    }
                    if let Some(name) = &owner.name {
                        self.by_name.entry(name.clone()).or_default().push(index);
                    }
                }
                other => {
                    self.others.insert(other.clone(), index);
                }
            }
            self.list.push(Load { holder, before: 0, gains: 0, loses: 0 });
            index
        });
        &mut self.list[index]
    }
}
