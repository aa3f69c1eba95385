//! The blast radius of a plan: what a person should know before confirming it, beside what it does.

use std::collections::BTreeSet;
use std::time::Duration;

use hashbrown::HashMap;

use super::load_shifts;
use crate::domain::history::Touch;
use crate::domain::ids::ProfileName;
use crate::domain::leads::{Snapshot, SnapshotPart};
use crate::domain::plan::Plan;
use crate::domain::{Assignment, LeadFlags, Lifecycle, Link, OperationKind, OwnerRef, Person, SafeText};

/// How many leads an owner should have at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// For everyone without an own one; `None` for no cap.
    pub usual: Option<usize>,
    /// One person's, by the short name of `[people]`: for the leads at all profiles together.
    pub linked: HashMap<String, usize>,
    /// One person's, by name, id or e-mail address, in lower case.
    pub named: HashMap<String, usize>,
}

impl Caps {
    fn of(&self, somebody: &Somebody<'_>) -> Option<usize> {
        let linked = || self.linked.get(&somebody.link?.key);
        let texts = || somebody.texts.iter().find_map(|text| self.named.get(text));
        linked().or_else(texts).copied().or(self.usual)
    }
}

/// An owner as the configuration may name them.
struct Somebody<'a> {
    link: Option<&'a Link>,
    /// Ids, names and e-mail addresses, in lower case.
    texts: Vec<String>,
}

impl<'a> Somebody<'a> {
    /// `None` for what is nobody, or nobody who is known.
    fn of(part: Option<&'a SnapshotPart>, profile: &ProfileName, owner: &Assignment) -> Option<Self> {
        let owner = owner.owner()?;
        let person = part.and_then(|part| person_of(&part.people, owner));
        let mut texts: Vec<String> = Vec::new();
        texts.extend(owner.id.as_ref().map(|id| id.as_str().to_lowercase()));
        texts.extend(owner.name.as_ref().map(|name| name.safe().as_str().to_lowercase()));
        // Known by id alone, it may still be one that is linked.
        let bare = Person { id: owner.id.clone().unwrap_or_default(), ..Person::default() };
        let known = person.unwrap_or(&bare);
        texts.extend([known.id.as_str(), known.label().as_str(), known.email.as_str()].map(str::to_lowercase));
        texts.extend(known.other_ids.iter().map(|(_, id)| id.to_lowercase()));
        texts.retain(|text| !text.is_empty());
        let link = part.and_then(|part| part.links.of(profile, known));
        Some(Self { link, texts })
    }
}

/// The person an owner is: by id, or by a name that only one has.
fn person_of<'a>(people: &'a [Person], owner: &OwnerRef) -> Option<&'a Person> {
    if let Some(id) = &owner.id {
        return people.iter().find(|person| person.id == *id);
    }
    let name = owner.name.as_ref()?;
    let mut called = people.iter().filter(|person| person.name == *name);
    called.next().filter(|_| called.next().is_none())
}

/// One thing that makes a plan worth a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An owner gets more leads than the cap allows.
    /// With the leads at each profile where there are several.
    OverCap { owner: SafeText, at: Vec<(ProfileName, usize)>, after: usize, cap: usize },
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
            Self::OverCap { owner, at, after, cap } => {
                write!(f, "{owner} would have {after} leads")?;
                if at.len() > 1 {
                    let shares: Vec<String> = at.iter().map(|(profile, leads)| format!("{profile} {leads}")).collect();
                    write!(f, " ({})", shares.join(" + "))?;
                }
                write!(f, ", over the cap of {cap}.")
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
        for row in part.changes.iter().filter_map(|change| table.row_of(change.id())) {
            do_not_call += usize::from(table.flags(row).has(LeadFlags::DO_NOT_CALL));
            closed += usize::from(table.lifecycle(row) != Lifecycle::Open);
        }
    }
    findings.extend((do_not_call > 0).then_some(Finding::DoNotCall { leads: do_not_call }));
    findings.extend((closed > 0).then_some(Finding::Closed { leads: closed }));
    findings
}

/// The loads that count together for one cap.
struct Load<'a> {
    label: SafeText,
    cap: usize,
    before: usize,
    after: usize,
    /// Of a linked person: the leads at each profile, after the plan.
    link: Option<&'a Link>,
    at: Vec<(ProfileName, usize)>,
}

fn over_caps(plan: &Plan, snapshot: &Snapshot, caps: &Caps) -> Vec<Finding> {
    let part_of = |profile: &ProfileName| snapshot.parts.iter().find(|part| part.profile == *profile);
    let mut loads: Vec<Load<'_>> = Vec::new();
    for shift in load_shifts(plan, snapshot) {
        // Without knowing who has how many now nothing can be said.
        let part = part_of(&shift.profile).filter(|part| !part.table.is_empty());
        let Some(somebody) = part.and_then(|_| Somebody::of(part, &shift.profile, &shift.owner)) else { continue };
        let Some(cap) = caps.of(&somebody) else { continue };
        let at = (shift.profile, shift.after);
        let together = loads.iter_mut().find(|load| load.link.is_some() && load.link == somebody.link);
        match together {
            Some(load) => {
                load.before += shift.before;
                load.after += shift.after;
                load.at.push(at);
            }
            None => loads.push(Load {
                label: match somebody.link {
                    Some(Link { name: Some(name), .. }) => SafeText::new(name),
                    _ => shift.owner.label(),
                },
                cap,
                before: shift.before,
                after: shift.after,
                link: somebody.link,
                at: vec![at],
            }),
        }
    }
    for load in &mut loads {
        load.add_untouched(snapshot);
    }
    let over = loads.into_iter().filter(|load| load.after > load.cap && load.after > load.before);
    over.take(MOST_OWNERS)
        .map(|load| Finding::OverCap { owner: load.label, at: load.at, after: load.after, cap: load.cap })
        .collect()
}

impl Load<'_> {
    /// What a linked person has at profiles where the plan changes nothing of it.
    fn add_untouched(&mut self, snapshot: &Snapshot) {
        let Some(link) = self.link else { return };
        for part in &snapshot.parts {
            if self.at.iter().any(|(profile, _)| *profile == part.profile) {
                continue;
            }
            let hers = |owner: &Assignment| {
                Somebody::of(Some(part), &part.profile, owner).is_some_and(|somebody| somebody.link == Some(link))
            };
            let leads = part.table.owners().iter().filter(|(owner, _)| hers(owner)).map(|(_, leads)| leads).sum();
            if leads > 0 {
                (self.before, self.after) = (self.before + leads, self.after + leads);
                self.at.push((part.profile.clone(), leads));
            }
        }
    }
}

fn touched_lately(plan: &Plan, touched: &[Touch], within: Duration) -> Option<Finding> {
    let by_target: HashMap<(&ProfileName, &str), &SafeText> =
        touched.iter().map(|touch| ((&touch.profile, touch.target.as_str()), &touch.who)).collect();
    let mut who = BTreeSet::new();
    let mut leads = 0;
    for part in &plan.parts {
        for change in part.changes.iter() {
            if let Some(by) = by_target.get(&(&part.profile, change.id())) {
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
    use std::sync::Arc;

    use super::*;
    use crate::domain::leads::LeadTable;
    use crate::domain::{Change, Cost, LeadId, LeadRecord, Links, PlanPart, TargetId, Timestamp, VendorKind, Verbatim};

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
            skips: Default::default(),
            cost: Cost::default(),
            inexact: Vec::new(),
            warnings: Vec::new(),
            takes_back: Default::default(),
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
        let own = Caps { named: [("ann".to_owned(), 5)].into_iter().collect(), ..usual(1) };
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

    #[test]
    fn a_linked_person_has_one_cap_for_all_her_leads() {
        // Ann is linked by her id in sales and by her e-mail address in the shop, where she has two leads by name alone.
        let links = Links::new(vec![Link {
            key: "ann".into(),
            name: Some("Ann of both".into()),
            ids: [("sales".into(), vec!["ann".into()]), ("shop".into(), vec!["Ann@shop.example".into()])].into(),
        }]);
        let of_shop = Person {
            id: "77".into(),
            name: Verbatim::new("A. Smith"),
            email: SafeText::new("ann@shop.example"),
            ..Person::default()
        };
        let named = Assignment::Owner(OwnerRef::named("A. Smith"));
        let lead =
            |n: usize| LeadRecord { id: LeadId::new(format!("s{n}")), owner: named.clone(), ..LeadRecord::default() };
        let mut snapshot = snapshot();
        snapshot.parts.push(SnapshotPart {
            profile: "shop".into(),
            table: LeadTable::default().with_leads(&[lead(0), lead(1)]),
            people: Arc::new(vec![of_shop]),
            ..SnapshotPart::default()
        });
        for part in &mut snapshot.parts {
            part.links = Arc::new(links.clone());
        }
        let told = |plan: &Plan, caps: &Caps| -> Vec<String> {
            findings(plan, &snapshot, caps, &[], Duration::ZERO).iter().map(ToString::to_string).collect()
        };
        let hers = |cap| Caps { linked: [("ann".to_owned(), cap)].into_iter().collect(), ..Caps::default() };
        let plan = plan(OperationKind::Assign, &["l0", "l3"]);
        let over = "Ann of both would have 4 leads (sales 2 + shop 2), over the cap of 3.";
        assert_eq!(told(&plan, &hers(3)), [over]);
        assert!(told(&plan, &hers(4)).is_empty());
        // The usual cap is for one person too, and an e-mail address names her as well.
        let usual = Caps { usual: Some(3), ..Caps::default() };
        assert_eq!(told(&plan, &usual), [over]);
        let mut at_shop = plan.clone();
        at_shop.parts[0].profile = "shop".into();
        let mut first = at_shop.parts[0].changes.to_vec().remove(0);
        first.target = TargetId::new("s9");
        first.after = Assignment::Owner(OwnerRef::new("77", "A. Smith"));
        at_shop.parts[0].changes = vec![first].into();
        let by_mail = Caps { named: [("ann@shop.example".to_owned(), 2)].into_iter().collect(), ..Caps::default() };
        assert_eq!(told(&at_shop, &by_mail), ["Ann of both would have 3 leads, over the cap of 2."]);
        assert!(told(&at_shop, &hers(3)).is_empty());
    }
}
