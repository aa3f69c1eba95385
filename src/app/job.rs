//! Work over many rows that must not hold up the keyboard: plain functions that the runtime calls elsewhere.
//!
//! Every job carries a generation; the state drops answers to questions it no longer asks.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::campaign::{CollectionKind, MappingRecord};
use crate::domain::history::Touch;
use crate::domain::leads::{LeadTable, RowId, Snapshot};
use crate::domain::matrix::{Known, MappingRequest, plan_mappings};
use crate::domain::planning::radius::{self, Caps};
use crate::domain::planning::{self, LoadShift, PlanRequest, Wanted};
use crate::domain::query::{SearchRequest, Searcher};
use crate::domain::selection::{LeadKey, Selection};
use crate::domain::{
    Assignment, Capabilities, ChangeRef, Changes, Cost, LeadId, OperationKind, Person, PersonId, Plan, PlanPart,
    ProfileName, SafeText, Skip, SkipReason, Timestamp,
};

use super::marking::MarkOrder;
use super::message::Message;
use super::namesakes::tell_apart;
use super::plan_parts::{PartReview, parts_of};
use super::plan_text::{assigns_to, what_it_does};

/// One piece of background work.
#[derive(Clone, Debug)]
pub enum Job {
    /// Make the plan of an assignment and count what is to be said about it.
    MakePlan(Box<PlanOrder>),
    /// Count what is to be said about a plan that the backend made.
    Review(Box<ReviewOrder>),
    /// Make the plan of what was painted, and count what is to be said about it.
    PlanMapping(Box<MappingOrder>),
    /// Mark many rows.
    Mark(MarkOrder),
    /// Count how many of the targets each owner has now.
    CountLoads { generation: u64, targets: Targets, snapshot: Snapshot },
    /// Count what each saved view would show, and how many leads are in each campaign and list of these tables.
    CountViews { generation: u64, views: Vec<(String, SearchRequest)>, tables: Vec<(ProfileName, LeadTable)> },
}

/// Jobs of one lane replace each other: only the newest is worth finishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    Marks,
    Plan,
    Loads,
    Views,
}

/// Which leads are meant.
#[derive(Clone, Debug)]
pub enum Targets {
    Marked(Arc<Selection>),
    These(Arc<Vec<LeadKey>>),
}

impl Targets {
    pub fn len(&self) -> usize {
        match self {
            Self::Marked(selection) => selection.len(),
            Self::These(keys) => keys.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> Box<dyn Iterator<Item = &LeadKey> + '_> {
        match self {
            Self::Marked(selection) => Box::new(selection.iter()),
            Self::These(keys) => Box::new(keys.iter()),
        }
    }
}

/// What is wanted of a plan.
#[derive(Clone, Debug)]
pub enum Wish {
    /// All targets to one owner, or to nobody.
    Assign { targets: Targets, to: Destination },
    /// Leads to what each of them should have become.
    Again(Vec<Wanted>),
}

/// Where leads are to go: the same person may have an id in several profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    pub label: SafeText,
    /// Leads of a profile that is not named here cannot go there.
    pub in_profile: BTreeMap<ProfileName, Assignment>,
}

impl Destination {
    /// The leads are to have no owner.
    fn is_nobody(&self) -> bool {
        self.in_profile.values().all(|to| matches!(to, Assignment::Unassigned(_)))
    }
}

/// The rows that are on the screen or would be after scrolling: what the filter lets through.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub snapshot: Snapshot,
    pub rows: Arc<Vec<RowId>>,
}

/// All that the plan of an assignment is made of.
#[derive(Clone, Debug)]
pub struct PlanOrder {
    pub generation: u64,
    pub wish: Wish,
    pub include_closed: bool,
    pub now: Timestamp,
    /// Everything that is known, of every open profile.
    pub snapshot: Snapshot,
    /// What the filter shows, to say how many targets are hidden.
    pub visible: Rows,
    pub people: BTreeMap<ProfileName, Arc<Vec<Person>>>,
    pub capabilities: BTreeMap<ProfileName, Arc<Capabilities>>,
    pub read_at: BTreeMap<ProfileName, Timestamp>,
    /// Profiles in which nothing may be written.
    pub read_only: BTreeSet<ProfileName>,
    pub radius: Radius,
}

/// What a plan is held against to find what is worth a second look.
#[derive(Clone, Debug, Default)]
pub struct Radius {
    pub caps: Caps,
    /// What was changed from here, by anyone, within that time.
    pub touched: Arc<Vec<Touch>>,
    pub within: Duration,
}

impl Radius {
    fn findings(&self, plan: &Plan, snapshot: &Snapshot) -> Vec<String> {
        let found = radius::findings(plan, snapshot, &self.caps, &self.touched, self.within);
        found.iter().map(ToString::to_string).collect()
    }
}

/// A plan of the backend's and what is needed to count it.
#[derive(Clone, Debug)]
pub struct ReviewOrder {
    pub generation: u64,
    pub plan: Arc<Plan>,
    pub snapshot: Snapshot,
    /// What is known of mappings, for plans about those.
    pub mappings: Vec<Arc<Vec<MappingRecord>>>,
    pub capabilities: BTreeMap<ProfileName, Arc<Capabilities>>,
    pub radius: Radius,
}

/// All that the plan of a painting is made of.
#[derive(Clone, Debug)]
pub struct MappingOrder {
    pub generation: u64,
    pub request: MappingRequest,
    /// What was read of each campaign, and when.
    pub known: Vec<(Arc<Vec<MappingRecord>>, Timestamp)>,
    pub capabilities: Arc<Capabilities>,
}

/// Everything about a plan that its screen says, counted once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    /// What the plan does, in one line.
    pub does: String,
    pub changes: usize,
    pub skips: usize,
    /// From whom to whom, most leads first.
    pub moves: Vec<Flow>,
    /// Load of every owner concerned, before and after.
    pub shifts: Vec<LoadShift>,
    /// Reasons to leave targets alone, most frequent first. Was and now of those that others changed are left to the
    /// list of skips.
    pub reasons: Vec<(String, usize)>,
    /// Targets that the filter hides, with a few of their names.
    pub hidden: usize,
    pub hidden_names: Vec<SafeText>,
    /// Changes that undo could not put back exactly.
    pub inexact: Vec<(String, usize)>,
    pub warnings: Vec<String>,
    /// What is worth a second look: such a plan asks for its count.
    pub findings: Vec<String>,
    /// What no undo takes back.
    pub side_effects: Vec<String>,
    pub cost: Cost,
    /// It is about lead lists and their agents, not about leads and their owners.
    pub about_lists: bool,
    /// Each profile's share.
    pub parts: Vec<PartReview>,
}

/// Leads going from one assignment to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Where several are concerned.
    pub profile: Option<ProfileName>,
    pub from: Assignment,
    pub to: Assignment,
    pub leads: usize,
}

/// How many of some targets each owner has now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadsOf {
    pub by_owner: Vec<(ProfileName, Assignment, usize)>,
    /// Targets that are no longer among the leads.
    pub vanished: usize,
}

/// How many leads each saved view shows, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    pub generation: u64,
    pub views: Vec<(String, usize)>,
    /// How many leads are in each campaign and list.
    pub collections: Vec<((ProfileName, CollectionKind, String), usize)>,
}

/// How many hidden leads are named.
const HIDDEN_NAMES: usize = 3;

impl Job {
    pub fn lane(&self) -> Lane {
        match self {
            Self::MakePlan(_) | Self::Review(_) | Self::PlanMapping(_) => Lane::Plan,
            Self::Mark(_) => Lane::Marks,
            Self::CountLoads { .. } => Lane::Loads,
            Self::CountViews { .. } => Lane::Views,
        }
    }

    /// Does the work. `None` when it was cancelled on the way; `cancelled` is asked now and then.
    pub fn run(self, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Message> {
        match self {
            Self::MakePlan(order) => order.run(cancelled),
            Self::Review(order) => Some(order.run()),
            Self::PlanMapping(order) => Some(order.run()),
            Self::Mark(order) => Some(Message::Marked { generation: order.generation, selection: order.marked() }),
            Self::CountLoads { generation, targets, snapshot } => {
                count_loads(&targets, &snapshot, cancelled).map(|loads| Message::LoadsCounted { generation, loads })
            }
            Self::CountViews { generation, views, tables } => {
                let mut counts = Counts { generation, ..Counts::default() };
                for (profile, table) in tables {
                    for kind in [CollectionKind::Campaign, CollectionKind::List] {
                        let leads = table.word_counts(kind.field());
                        counts.collections.extend(leads.map(|(id, leads)| ((profile.clone(), kind, id), leads)));
                    }
                    if cancelled() {
                        return None;
                    }
                }
                for (name, request) in views {
                    // A searcher of its own for each: what it keeps of one query helps no other.
                    let found = Searcher::default().search(&request, cancelled)?;
                    counts.views.push((name, found.rows.len()));
                }
                Some(Message::Counted(counts))
            }
        }
    }
}

impl PlanOrder {
    fn run(self, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Message> {
        let mut left_out: BTreeMap<ProfileName, (Vec<LeadKey>, String)> = BTreeMap::new();
        let wanted = match &self.wish {
            Wish::Again(wanted) => wanted.clone(),
            Wish::Assign { targets, to } => {
                let mut by_profile: BTreeMap<ProfileName, Vec<(Option<RowId>, LeadKey)>> = BTreeMap::new();
                for key in targets.iter() {
                    let row = self.snapshot.row_of(&key.profile, key.id.as_str());
                    by_profile.entry(key.profile.clone()).or_default().push((row, key.clone()));
                }
                let mut wanted = Vec::new();
                for (profile, mut leads) in by_profile {
                    // In the order of the table; what has vanished comes last.
                    leads.sort_by(|a, b| (a.0.is_none(), a.0, &a.1).cmp(&(b.0.is_none(), b.0, &b.1)));
                    let leads = leads.into_iter().map(|(_, key)| key);
                    if self.read_only.contains(&profile) {
                        left_out.insert(profile.clone(), (leads.collect(), format!("{profile} is read-only")));
                    } else if let Some(to) = to.in_profile.get(&profile) {
                        wanted.push(Wanted { profile, leads: leads.map(|key| key.id).collect(), to: to.clone() });
                    } else {
                        let why = format!("{} is not an owner in {profile}", to.label);
                        left_out.insert(profile, (leads.collect(), why));
                    }
                }
                wanted
            }
        };
        if cancelled() {
            return None;
        }
        let request = PlanRequest {
            kind: OperationKind::Assign,
            wanted,
            include_closed: self.include_closed,
            note: None,
            now: self.now,
            read_at: self.read_at.clone(),
        };
        let people = self.people.iter().map(|(profile, people)| (profile.clone(), people.to_vec())).collect();
        let capabilities =
            self.capabilities.iter().map(|(profile, caps)| (profile.clone(), (**caps).clone())).collect();
        let mut plan = planning::plan(&request, &self.snapshot, &people, &capabilities);
        for (profile, (keys, why)) in left_out {
            if let Some(part) = self.refused(profile, keys, &why) {
                plan.parts.push(part);
            }
        }
        if cancelled() {
            return None;
        }
        let mut review = review(&plan, &self.snapshot, &self.capabilities);
        self.count_hidden(&plan, &mut review);
        review.findings = self.radius.findings(&plan, &self.snapshot);
        // One person may have another name at each vendor.
        if let (Wish::Assign { to, .. }, true) = (&self.wish, review.changes > 0 && review.parts.len() > 1) {
            review.does = assigns_to(&to.label, to.is_nobody(), review.changes);
        }
        Some(Message::Planned { generation: self.generation, plan: Arc::new(plan), review: Arc::new(review) })
    }

    /// The part of a plan for leads that cannot go where they are wanted.
    fn refused(&self, profile: ProfileName, keys: Vec<LeadKey>, why: &str) -> Option<PlanPart> {
        let vendor = self.capabilities.get(&profile)?.vendor;
        let after = match &self.wish {
            Wish::Assign { to, .. } => to.in_profile.get(&profile).cloned().unwrap_or_default(),
            Wish::Again(_) => Assignment::Unknown,
        };
        let skips = keys
            .into_iter()
            .map(|key| {
                let found = self.snapshot.row_of(&key.profile, key.id.as_str());
                let found = found.and_then(|row| self.snapshot.locate(row));
                Skip {
                    target: (&key.id).into(),
                    name: found.map(|(part, row)| name_in(part, row)).unwrap_or_default(),
                    before: found.map(|(part, row)| part.table.assignment(row).clone()).unwrap_or_default(),
                    after: after.clone(),
                    reason: SkipReason::NotSupported(why.to_owned()),
                }
            })
            .collect();
        Some(PlanPart {
            profile,
            vendor,
            changes: Changes::default(),
            skips,
            cost: Cost::default(),
            inexact: Vec::new(),
            takes_back: Default::default(),
            context: None,
            warnings: Vec::new(),
        })
    }

    /// Counts the plan's changes that the filter does not show. Only changes: what is skipped needs no finding.
    fn count_hidden(&self, plan: &Plan, review: &mut Review) {
        let mut shown = vec![false; self.visible.snapshot.len()];
        for row in self.visible.rows.iter() {
            if let Some(slot) = shown.get_mut(row.0 as usize) {
                *slot = true;
            }
        }
        for part in &plan.parts {
            for change in part.changes.iter() {
                let row = self.visible.snapshot.row_of(&part.profile, change.id());
                if row.is_some_and(|row| shown.get(row.0 as usize) == Some(&true)) {
                    continue;
                }
                review.hidden += 1;
                if review.hidden_names.len() < HIDDEN_NAMES {
                    review.hidden_names.push(label_of(change));
                }
            }
        }
    }
}

impl ReviewOrder {
    fn run(self) -> Message {
        let mut review = review(&self.plan, &self.snapshot, &self.capabilities);
        count_agents(&mut review, &self.plan, self.mappings.iter().flat_map(|records| records.iter()));
        review.findings = self.radius.findings(&self.plan, &self.snapshot);
        Message::Planned { generation: self.generation, plan: self.plan, review: Arc::new(review) }
    }
}

impl MappingOrder {
    fn run(self) -> Message {
        let known: Vec<Known<'_>> = self
            .known
            .iter()
            .flat_map(|(records, read_at)| records.iter().map(|record| Known { record, read_at: Some(*read_at) }))
            .collect();
        let plan = plan_mappings(&self.request, &known, &self.capabilities);
        let profile = self.request.profile.clone();
        let capabilities = BTreeMap::from([(profile, self.capabilities.clone())]);
        let mut review = review(&plan, &Snapshot::default(), &capabilities);
        count_agents(&mut review, &plan, known.iter().map(|known| known.record));
        Message::Planned { generation: self.generation, plan: Arc::new(plan), review: Arc::new(review) }
    }
}

/// For plans about mappings: the lists of each agent before and after, instead of the leads of owners.
fn count_agents<'a>(review: &mut Review, plan: &Plan, known: impl Iterator<Item = &'a MappingRecord>) {
    let is_set = |change: ChangeRef<'_>| matches!(change.after, Assignment::Agents(_));
    review.about_lists = plan.parts.iter().flat_map(|part| part.changes.iter()).any(is_set)
        || (plan.kind == OperationKind::Map && plan.changes() == 0);
    if !review.about_lists {
        return;
    }
    // From one set to another says less than the lists below do.
    review.moves.retain(|flow| !matches!(flow.to, Assignment::Agents(_)));
    review.does = what_it_does(plan);
    let mut before: HashMap<&PersonId, usize> = HashMap::new();
    for agent in known.flat_map(|record| record.agents.iter().flatten()) {
        *before.entry(agent).or_default() += 1;
    }
    for shift in &mut review.shifts {
        let Some(agent) = shift.owner.owner().and_then(|owner| owner.id.as_ref()) else { continue };
        let stays = shift.gains.min(shift.loses);
        (shift.gains, shift.loses) = (shift.gains - stays, shift.loses - stays);
        shift.before = before.get(agent).copied().unwrap_or(0);
        shift.after = (shift.before + shift.gains).saturating_sub(shift.loses);
    }
    review.shifts.retain(|shift| shift.gains + shift.loses > 0);
}

/// Counts what a plan's screen says.
pub fn review(plan: &Plan, snapshot: &Snapshot, capabilities: &BTreeMap<ProfileName, Arc<Capabilities>>) -> Review {
    let mut flows: HashMap<(Option<&ProfileName>, &Assignment, &Assignment), usize> = HashMap::new();
    let mut reasons: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let mut review = Review {
        does: what_it_does(plan),
        changes: plan.changes(),
        skips: plan.skips(),
        shifts: planning::load_shifts(plan, snapshot),
        cost: plan.cost(),
        parts: parts_of(plan),
        ..Review::default()
    };
    let several = review.parts.len() > 1;
    for part in &plan.parts {
        for change in part.changes.iter() {
            let profile = several.then_some(&part.profile);
            *flows.entry((profile, one_nobody(change.before), one_nobody(change.after))).or_default() += 1;
        }
        for skip in part.skips.iter() {
            *reasons.entry(group_of(skip.reason)).or_default() += 1;
        }
        for (reason, leads) in &part.inexact {
            match review.inexact.iter_mut().find(|(known, _)| known == reason) {
                Some((_, count)) => *count += leads,
                None => review.inexact.push((reason.clone(), *leads)),
            }
        }
        let side_effects = capabilities.get(&part.profile).filter(|_| !part.changes.is_empty());
        let side_effects = side_effects.map_or(&[][..], |caps| &caps.not_undoable);
        for (sentences, known) in [(&part.warnings[..], &mut review.warnings), (side_effects, &mut review.side_effects)]
        {
            for sentence in sentences {
                // What one vendor cannot do says nothing about the others.
                let sentence = if several { format!("{}: {sentence}", part.profile) } else { sentence.clone() };
                if !known.contains(&sentence) {
                    known.push(sentence);
                }
            }
        }
    }
    // Told once, as what they are.
    review.warnings.retain(|sentence| !review.side_effects.contains(sentence));
    review.moves = flows
        .into_iter()
        .map(|((profile, from, to), leads)| Flow {
            profile: profile.cloned(),
            from: from.clone(),
            to: to.clone(),
            leads,
        })
        .collect();
    review.moves.sort_by_cached_key(|flow| {
        (std::cmp::Reverse(flow.leads), flow.from.label(), flow.to.label(), flow.profile.clone())
    });
    review.reasons = reasons.into_iter().map(|(reason, leads)| (reason.into_owned(), leads)).collect();
    review.reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    tell_apart(&mut review, plan, snapshot);
    review
}

/// Every spelling of nobody is one nobody.
fn one_nobody(assignment: &Assignment) -> &Assignment {
    const NOBODY: &Assignment = &Assignment::unassigned();
    if matches!(assignment, Assignment::Unassigned(_)) { NOBODY } else { assignment }
}

/// The words under which skips are counted together.
fn group_of(reason: &SkipReason) -> Cow<'_, str> {
    match reason {
        SkipReason::Drift { .. } => Cow::Borrowed("changed by someone else"),
        SkipReason::NotSupported(why) | SkipReason::Unread(why) | SkipReason::Other(why) => Cow::Borrowed(why),
        plain => Cow::Owned(plain.to_string()),
    }
}

/// How many of `targets` each owner has now.
fn count_loads(targets: &Targets, snapshot: &Snapshot, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<LoadsOf> {
    let mut counted: BTreeMap<(&ProfileName, u32), (&Assignment, usize)> = BTreeMap::new();
    let mut vanished = 0;
    for (done, key) in targets.iter().enumerate() {
        if done % 8192 == 8191 && cancelled() {
            return None;
        }
        let found = snapshot.row_of(&key.profile, key.id.as_str()).and_then(|row| snapshot.locate(row));
        match found {
            Some((part, row)) => {
                let owner = part.table.owner(row).0;
                counted.entry((&part.profile, owner)).or_insert_with(|| (part.table.assignment(row), 0)).1 += 1;
            }
            None => vanished += 1,
        }
    }
    let by_owner = counted
        .into_iter()
        .map(|((profile, _), (assignment, leads))| (profile.clone(), assignment.clone(), leads))
        .collect();
    Some(LoadsOf { by_owner, vanished })
}

/// What to call the lead of a change: its name, or its id where the name is not known.
pub fn label_of(change: ChangeRef<'_>) -> SafeText {
    let name = change.name();
    if name.is_empty() { SafeText::new(change.id()) } else { name }
}

/// The name of a row's lead; empty where it is not known.
fn name_in(part: &crate::domain::leads::SnapshotPart, row: u32) -> SafeText {
    SafeText::new(&part.table.text(row, crate::domain::Field::Name))
}

/// The key of a snapshot's row.
pub fn key_of(snapshot: &Snapshot, row: RowId) -> Option<LeadKey> {
    let (part, row) = snapshot.locate(row)?;
    let id: LeadId = part.table.id(row);
    Some(LeadKey { profile: part.profile.clone(), id })
}
