//! Making a plan from what is selected and what is known, and putting changes together into batches.

mod cost;
mod loads;
pub mod radius;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashMap;
use rayon::prelude::*;

use super::capabilities::{Capabilities, OtherGroup, ReadBack, Unassign};
use super::ids::{LeadId, ProfileName};
use super::leads::{LeadTable, OwnerIndex, Snapshot};
use super::operation::OperationKind;
use super::plan::{Change, Changes, Plan, PlanPart, Skip, SkipReason, Skips};
use super::query::rows::RowSet;
use super::safe_text::{SafeText, Verbatim};
use super::{Agreement, Assignment, Field, LeadFlags, Lifecycle, OwnerRef, Person, Timestamp};

pub use cost::{Batch, Batches, READ_TOGETHER, batches, batches_from, batches_together, cost, seconds};
pub use loads::{LoadShift, load_shifts};

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
    /// The table's owners as a change's before-value.
    before: Vec<Before>,
}

/// One of the table's owners as far as it can be told who that is.
struct Before {
    assignment: Assignment,
    /// Why undo could not put this owner back exactly.
    doubt: Option<String>,
    /// The owner's group, where that means something.
    group: Option<SafeText>,
    /// The name fits several people, so that an equal name is no proof of the same person.
    ambiguous: bool,
}

/// Leads that one processor looks at in one go.
const PIECE: usize = if cfg!(test) { 2 } else { 512 };

/// Some of the leads that go to one owner.
struct Piece<'a> {
    leads: &'a [LeadId],
    to: &'a Assignment,
    group: Option<&'a SafeText>,
}

/// Where a wanted lead is.
enum Place {
    Row(u32),
    /// There, and wanted twice.
    SeenBefore(u32),
    Nowhere,
}

fn places(rows: Vec<Option<u32>>, seen: &mut RowSet) -> Vec<Place> {
    let place = |row: Option<u32>| match row {
        None => Place::Nowhere,
        Some(row) if seen.contains(row as usize) => Place::SeenBefore(row),
        Some(row) => {
            seen.insert(row as usize);
            Place::Row(row)
        }
    };
    rows.into_iter().map(place).collect()
}

/// What came of a piece.
#[derive(Default)]
struct Made {
    changes: Changes,
    skips: Skips,
    inexact: Counts,
    elsewhere: usize,
    flagged: [usize; LeadFlags::NAMED.len()],
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
        let read_at = request.read_at.get(profile).copied();
        let before = identified(&table, people, capabilities);
        let mut planner = Self { request, profile, table, people, capabilities, read_at, before: Vec::new() };
        planner.before = before
            .into_iter()
            .map(|before| Before { group: planner.group_of(&before.assignment).cloned(), ..before })
            .collect();
        planner
    }

    fn plan(self, share: &[&Wanted]) -> PlanPart {
        let wanted = share.iter().map(|wanted| (self.completed(&wanted.to), &wanted.leads)).collect::<Vec<_>>();
        let pieces: Vec<Piece<'_>> = wanted
            .iter()
            .flat_map(|(to, leads)| {
                let group = self.group_of(to);
                leads.chunks(PIECE).map(move |leads| Piece { leads, to, group })
            })
            .collect();
        // Finding a lead among a million is waiting for memory, so all processors do.
        let find = |piece: &Piece<'_>| piece.leads.iter().map(|id| self.table.row_of(id.as_str())).collect();
        let rows: Vec<Vec<Option<u32>>> = pieces.par_iter().map(find).collect();
        let mut seen = RowSet::none(self.table.len());
        let places: Vec<Vec<Place>> = rows.into_iter().map(|rows| places(rows, &mut seen)).collect();
        let made: Vec<Made> = pieces.par_iter().zip(places).map(|(piece, places)| self.make(piece, &places)).collect();

        let mut changes = Changes::default();
        let mut skips = Skips::default();
        let mut inexact = Counts::default();
        let mut elsewhere = 0;
        let mut flagged = [0_usize; LeadFlags::NAMED.len()];
        let mut warnings: Vec<String> = Vec::new();
        for made in made {
            changes.append(&made.changes);
            skips.append(&made.skips);
            made.inexact.0.iter().for_each(|(reason, count)| inexact.count(reason, *count));
            elsewhere += made.elsewhere;
            flagged.iter_mut().zip(made.flagged).for_each(|(all, count)| *all += count);
        }
        changes.shrink();
        skips.shrink();
        wanted.iter().for_each(|(to, _)| self.warn_about(to, &mut warnings));
        if changes.is_empty() {
            warnings.clear();
        } else {
            // Leads that are not to be called make a plan worth a second look, and are told with that ([`radius`]).
            let told = |(count, (flag, _)): &(usize, (LeadFlags, &str))| *count > 0 && *flag != LeadFlags::DO_NOT_CALL;
            for (count, (flag, _)) in flagged.into_iter().zip(LeadFlags::NAMED).filter(told) {
                // As a rule nobody works on these; it is for a person to say that this time it is meant.
                warnings.push(match count {
                    1 => format!("1 of these leads is marked: {}.", flag.words()),
                    count => format!("{count} of these leads are marked: {}.", flag.words()),
                });
            }
            if let (1.., OtherGroup::Warned(word)) = (elsewhere, &self.capabilities.other_group) {
                warnings.push(match elsewhere {
                    1 => format!("1 of these leads goes to another {word} than its present owner's."),
                    count => format!("{count} of these leads go to another {word} than their present owners'."),
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
            takes_back: Default::default(),
            context: None,
        }
    }

    /// Changes and skips of some leads that go to the same owner.
    fn make(&self, piece: &Piece<'_>, places: &[Place]) -> Made {
        let mut made = Made::default();
        let to = piece.to;
        for (id, place) in piece.leads.iter().zip(places) {
            let row = match *place {
                Place::Row(row) | Place::SeenBefore(row) => row,
                Place::Nowhere => {
                    made.skips.push(&Skip {
                        target: id.into(),
                        name: SafeText::empty(),
                        before: Assignment::Unknown,
                        after: to.clone(),
                        reason: SkipReason::NoSuchLead,
                    });
                    continue;
                }
            };
            let OwnerIndex(owner) = self.table.owner(row);
            let before = &self.before[owner as usize];
            let name = match self.capabilities.private_names {
                true => SafeText::empty(),
                false => SafeText::new(&self.table.text(row, Field::Name)),
            };
            let goes_elsewhere = self.goes_elsewhere(before, piece.group);
            let reason = match place {
                Place::SeenBefore(_) => Some(SkipReason::Other("already in this plan".to_owned())),
                _ => self.reason_to_skip(row, before, to, goes_elsewhere),
            };
            if let Some(reason) = reason {
                made.skips.push(&Skip {
                    target: id.into(),
                    name,
                    before: before.assignment.clone(),
                    after: to.clone(),
                    reason,
                });
                continue;
            }
            let flags = self.table.flags(row);
            for (count, (flag, _)) in made.flagged.iter_mut().zip(LeadFlags::NAMED) {
                *count += usize::from(flags.has(flag));
            }
            made.elsewhere += usize::from(goes_elsewhere.is_some());
            if let Some(doubt) = &before.doubt {
                made.inexact.count(doubt, 1);
            }
            made.changes.push(&Change {
                target: id.into(),
                name,
                before: before.assignment.clone(),
                after: to.clone(),
                read_at: self.read_at,
                scope: CompactString::from(&*self.table.scope(row)),
            });
        }
        made
    }

    /// The wanted owner with a name, where only the id was given and the person is known.
    fn completed(&self, to: &Assignment) -> Assignment {
        let Assignment::Owner(OwnerRef { id: Some(id), name: None }) = to else { return to.clone() };
        let person = self.people.iter().find(|person| person.id == *id);
        Assignment::Owner(person.map_or_else(|| OwnerRef { id: Some(id.clone()), name: None }, Person::owner_ref))
    }

    /// The group of the person whom this assignment means, where it is known and means something.
    fn group_of(&self, assignment: &Assignment) -> Option<&SafeText> {
        if self.capabilities.other_group == OtherGroup::Allowed {
            return None;
        }
        let id = assignment.owner()?.id.as_ref()?;
        let person = self.people.iter().find(|person| person.id == *id)?;
        (!person.group.is_empty()).then_some(&person.group)
    }

    /// The group that a lead would leave and the one it would come to, where these differ.
    fn goes_elsewhere<'b>(&self, before: &'b Before, to: Option<&'b SafeText>) -> Option<(&'b SafeText, &'b SafeText)> {
        let (from, to) = (before.group.as_ref()?, to?);
        (from != to).then_some((from, to))
    }

    fn reason_to_skip(
        &self,
        row: u32,
        before: &Before,
        to: &Assignment,
        goes_elsewhere: Option<(&SafeText, &SafeText)>,
    ) -> Option<SkipReason> {
        match self.table.lifecycle(row) {
            Lifecycle::Closed if !self.request.include_closed => return Some(SkipReason::Closed),
            Lifecycle::Deleted if !self.request.include_closed => return Some(SkipReason::Deleted),
            _ => {}
        }
        if before.assignment.agrees_with(to) == Agreement::Same && !before.ambiguous {
            return Some(SkipReason::AlreadyThere);
        }
        if !before.assignment.is_known() && !self.capabilities.unknown.may_change {
            return Some(SkipReason::BeforeUnknown);
        }
        if let (Unassign::No(why), Assignment::Unassigned(_)) = (&self.capabilities.unassign, to) {
            return Some(SkipReason::NotSupported(why.clone()));
        }
        match (&self.capabilities.other_group, goes_elsewhere) {
            (OtherGroup::Refused(word), Some((from, to))) => {
                Some(SkipReason::Other(format!("would go from {word} {from} to {word} {to}")))
            }
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

    /// Requests for reading before-values again that will be too old when they are sent.
    fn reads_before(&self, changes: usize) -> usize {
        let fresh = self.read_at.is_some_and(|read_at| {
            let age = self.request.now.duration_since(read_at);
            Duration::try_from(age).unwrap_or_default() <= self.capabilities.freshness
        });
        if fresh || self.capabilities.read_back == ReadBack::Never {
            return 0;
        }
        cost::reads_of(changes, self.table.len(), self.capabilities)
    }
}

/// Who the table's owners are. kenbun shows only names: one that is exactly one person's gets that person's id, and
/// where that fails undo could not write the id that was there.
fn identified(table: &LeadTable, people: &[Person], capabilities: &Capabilities) -> Vec<Before> {
    let mut by_name: HashMap<&Verbatim, (&Person, usize)> = HashMap::with_capacity(people.len());
    for person in people {
        by_name.entry(&person.name).or_insert((person, 0)).1 += 1;
    }
    let identify = |assignment: &Assignment| {
        let mut before = Before { assignment: assignment.clone(), doubt: None, group: None, ambiguous: false };
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
            Assignment::Owner(OwnerRef { id: None, name: Some(name) })
                if capabilities.read_back == ReadBack::ByName =>
            {
                match by_name.get(name) {
                    Some((person, 1)) => before.assignment = Assignment::Owner(person.owner_ref()),
                    Some(_) => {
                        before.ambiguous = true;
                        let doubt = "the present owner is known only by a name that several people have";
                        before.doubt = Some(doubt.to_owned());
                    }
                    None => {
                        let doubt = "the present owner is known only by a name that nobody listed has";
                        before.doubt = Some(doubt.to_owned());
                    }
                }
            }
            Assignment::Owner(_) | Assignment::Agents(_) => {}
        }
        before
    };
    table.owners().iter().map(|(assignment, _)| identify(assignment)).collect()
}

/// Reasons with their counts, in the order in which they first came up.
#[derive(Default)]
struct Counts(Vec<(String, usize)>);

impl Counts {
    fn count(&mut self, reason: &str, times: usize) {
        match self.0.iter_mut().find(|(known, _)| known == reason) {
            Some((_, count)) => *count += times,
            None => self.0.push((reason.to_owned(), times)),
        }
    }
}
