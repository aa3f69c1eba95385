//! What a plan does to the loads of owners.

use hashbrown::HashMap;

use crate::domain::ids::{PersonId, ProfileName};
use crate::domain::leads::{LeadTable, Snapshot};
use crate::domain::plan::Plan;
use crate::domain::safe_text::Verbatim;
use crate::domain::{Assignment, OwnerRef};

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
        for change in part.changes.iter() {
            counts.entry(change.before).or_default().1 += 1;
            counts.entry(change.after).or_default().0 += 1;
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
