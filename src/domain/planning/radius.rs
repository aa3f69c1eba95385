//! The blast radius of a plan: what a person should know before confirming it, beside what it does.

use std::collections::BTreeSet;
use std::time::Duration;

use hashbrown::HashMap;

use super::load_shifts;
use crate::domain::history::Touch;
use crate::domain::ids::{PersonId, ProfileName};
use crate::domain::leads::Snapshot;
use crate::domain::plan::Plan;
use crate::domain::{Assignment, LeadFlags, Lifecycle, OperationKind, SafeText, TargetId};

/// How many leads an owner should have at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// For everyone without an own one; `None` for no cap.
    pub usual: Option<usize>,
    /// One person's, by id at a profile.
    pub own: HashMap<(ProfileName, PersonId), usize>,
    /// One person's, by name or whatever else the configuration calls them, in lower case.
    pub named: HashMap<String, usize>,
}

impl Caps {
    fn of(&self, profile: &ProfileName, owner: &Assignment) -> Option<usize> {
        let owner = owner.owner()?;
        let by_id = owner.id.as_ref().and_then(|id| {
            self.own.get(&(profile.clone(), id.clone())).or_else(|| self.named.get(&id.as_str().to_lowercase()))
        });
        let by_name = || owner.name.as_ref().and_then(|name| self.named.get(&name.safe().as_str().to_lowercase()));
        by_id.or_else(by_name).copied().or(self.usual)
    }
}

/// One thing that makes a plan worth a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An owner gets more leads than the cap allows.
    OverCap { owner: SafeText, profile: ProfileName, after: usize, cap: usize },
    /// Leads that somebody changed a moment ago, with who did.
    Touched { leads: usize, within: Duration, who: Vec<SafeText> },
    /// Leads that are not to be called.
    DoNotCall { leads: usize },
    /// Leads that are closed, lost or deleted.
    Closed { leads: usize },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let leads = |count: &usize| if *count == 1 { "1 lead".to_owned() } else { format!("{count} leads") };
        let are = |count: &usize| if *count == 1 { "is" } else { "are" };
        match self {
            Self::OverCap { owner, after, cap, .. } => {
                write!(f, "{owner} would have {after} leads, over the cap of {cap}.")
            }
            Self::Touched { leads: count, within, who } => {
                let names: Vec<&str> = who.iter().map(SafeText::as_str).collect();
                let minutes = within.as_secs().div_ceil(60);
                write!(
                    f,
                    "{} {} changed within the last {minutes} min by {}.",
                    leads(count),
                    was(*count),
                    names.join(", ")
                )
            }
            Self::DoNotCall { leads: count } => write!(f, "{} {} marked as do not call.", leads(count), are(count)),
            Self::Closed { leads: count } => write!(f, "{} {} closed, lost or deleted.", leads(count), are(count)),
        }
    }
}

fn was(count: usize) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// Owners over their cap that are named; a plan for hundreds says how many more there are by its loads.
const MOST_OWNERS: usize = 5;
/// People who touched leads a moment ago that are named.
const MOST_PEOPLE: usize = 3;

/// What is to be known before `plan` is confirmed. `touched`: what the journal knows of the last `within`. Nothing about
/// an undo or redo: what it takes back was touched a moment ago more often than not, it is read again before, and nobody
/// should be slowed down on the way back.
pub fn findings(plan: &Plan, snapshot: &Snapshot, caps: &Caps, touched: &[Touch], within: Duration) -> Vec<Finding> {
    if matches!(plan.kind, OperationKind::Undo | OperationKind::Redo) {
        return Vec::new();
    }
    let mut findings = over_caps(plan, snapshot, caps);
    findings.extend(touched_lately(plan, touched, within));
    let (mut do_not_call, mut closed) = (0, 0);
    for part in &plan.parts {
        let Some(table) = snapshot.parts.iter().find(|known| known.profile == part.profile).map(|known| &known.table)
        else {
            continue;
        };
        for row in part.changes.iter().filter_map(|change| table.row_of(change.target.as_str())) {
            do_not_call += usize::from(table.flags(row).has(LeadFlags::DO_NOT_CALL));
            closed += usize::from(table.lifecycle(row) != Lifecycle::Open);
        }
    }
    findings.extend((do_not_call > 0).then_some(Finding::DoNotCall { leads: do_not_call }));
    findings.extend((closed > 0).then_some(Finding::Closed { leads: closed }));
    findings
}

fn over_caps(plan: &Plan, snapshot: &Snapshot, caps: &Caps) -> Vec<Finding> {
    // Without knowing who has how many now nothing can be said.
    let known =
        |profile: &ProfileName| snapshot.parts.iter().any(|part| part.profile == *profile && !part.table.is_empty());
    let over = load_shifts(plan, snapshot).into_iter().filter_map(|shift| {
        let cap = caps.of(&shift.profile, &shift.owner)?;
        let pushed = shift.after > cap && shift.after > shift.before && known(&shift.profile);
        pushed.then(|| Finding::OverCap { owner: shift.owner.label(), profile: shift.profile, after: shift.after, cap })
    });
    over.take(MOST_OWNERS).collect()
}

fn touched_lately(plan: &Plan, touched: &[Touch], within: Duration) -> Option<Finding> {
    let by_target: HashMap<(&ProfileName, &TargetId), &SafeText> =
        touched.iter().map(|touch| ((&touch.profile, &touch.target), &touch.who)).collect();
    let mut who = BTreeSet::new();
    let mut leads = 0;
    for part in &plan.parts {
        for change in &part.changes {
            if let Some(by) = by_target.get(&(&part.profile, &change.target)) {
                leads += 1;
                who.insert((*by).clone());
            }
        }
    }
    let who = who.into_iter().take(MOST_PEOPLE).collect();
    (leads > 0).then_some(Finding::Touched { leads, within, who })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::leads::{LeadTable, SnapshotPart};
    use crate::domain::{Change, Cost, LeadId, LeadRecord, OwnerRef, PlanPart, Timestamp, VendorKind};

    fn owner(id: &str) -> Assignment {
        Assignment::Owner(OwnerRef::new(id, format!("{id} Smith")))
    }

    /// Four leads of bob: one is not to be called, one is closed.
    fn snapshot() -> Snapshot {
        let lead = |n: usize| LeadRecord {
            id: LeadId::new(format!("l{n}")),
            owner: owner("bob"),
            flags: if n == 1 { LeadFlags::DO_NOT_CALL } else { LeadFlags::default() },
            lifecycle: if n == 2 { Lifecycle::Closed } else { Lifecycle::Open },
            ..LeadRecord::default()
        };
        let table = LeadTable::default().with_leads(&(0..4).map(lead).collect::<Vec<_>>());
        Snapshot { parts: vec![SnapshotPart { profile: "sales".into(), table, ..SnapshotPart::default() }] }
    }

    fn plan(kind: OperationKind, leads: &[&str]) -> Plan {
        let change = |id: &&str| Change {
            target: TargetId::new(id),
            name: SafeText::empty(),
            before: owner("bob"),
            after: owner("ann"),
            read_at: None,
            scope: Default::default(),
        };
        let part = PlanPart {
            profile: "sales".into(),
            vendor: VendorKind::Kenbun,
            changes: leads.iter().map(change).collect(),
            skips: Vec::new(),
            cost: Cost::default(),
            inexact: Vec::new(),
            warnings: Vec::new(),
            takes_back: Vec::new(),
            context: None,
        };
        Plan { kind, reverts: None, note: None, made_at: Timestamp::UNIX_EPOCH, parts: vec![part] }
    }

    fn found(kind: OperationKind, leads: &[&str], caps: &Caps, touched: &[(&str, &str)]) -> Vec<String> {
        let touched: Vec<Touch> = touched
            .iter()
            .map(|(target, who)| Touch {
                profile: "sales".into(),
                target: TargetId::new(target),
                at: Timestamp::UNIX_EPOCH,
                who: SafeText::new(who),
            })
            .collect();
        findings(&plan(kind, leads), &snapshot(), caps, &touched, Duration::from_secs(1_800))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_plan_is_looked_at_for_what_it_might_do() {
        use OperationKind::{Assign, Undo};
        let none = Caps::default();
        let usual = |cap| Caps { usual: Some(cap), ..Caps::default() };
        assert!(found(Assign, &["l0", "l3"], &none, &[]).is_empty());
        assert!(found(Assign, &["l0", "l3"], &usual(2), &[]).is_empty());
        let over = "ann Smith would have 2 leads, over the cap of 1.";
        assert_eq!(found(Assign, &["l0", "l3"], &usual(1), &[]), [over]);
        // An own cap wins over the usual one, by whichever name.
        let own = Caps { own: [(("sales".into(), "ann".into()), 5)].into_iter().collect(), ..usual(1) };
        assert!(found(Assign, &["l0", "l3"], &own, &[]).is_empty());
        let named = Caps { named: [("ann smith".to_owned(), 1)].into_iter().collect(), ..Caps::default() };
        assert_eq!(found(Assign, &["l0", "l3"], &named, &[]), [over]);
        assert_eq!(found(Assign, &["l1"], &none, &[]), ["1 lead is marked as do not call."]);
        assert_eq!(found(Assign, &["l2"], &none, &[]), ["1 lead is closed, lost or deleted."]);
        let touched = [("l0", "eve@desk"), ("l3", "dan@desk"), ("other", "x@y")];
        assert_eq!(
            found(Assign, &["l0", "l3"], &none, &touched),
            ["2 leads were changed within the last 30 min by dan@desk, eve@desk."]
        );
        assert!(found(Assign, &["l9"], &none, &touched).is_empty());
        assert!(found(Undo, &["l0", "l1", "l2", "l3"], &usual(1), &touched).is_empty());
    }
}
