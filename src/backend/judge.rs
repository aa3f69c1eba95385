//! What a reading proves: before a write, that the plan still holds; after a lost answer, what became of the write.

use std::collections::BTreeSet;

use crate::domain::{Agreement, Assignment, PersonId, SafeText, TargetId};
use crate::vendor::{ErrorKind, VendorError};

/// What a reading just before sending says about a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Freshness {
    /// Still as it was shown.
    Holds,
    /// A set that others changed since, judged [by agent](Sets::ByAgent): what the change adds and removes still holds.
    CarriedOver {
        before: Assignment,
        after: Assignment,
    },
    /// Already as wanted: nothing to do.
    AlreadyThere,
    Drifted(Assignment),
    /// It cannot be told whether it is still as it was shown.
    CannotTell,
    NoSuchLead,
    /// Not read.
    Unread(VendorError),
}

/// What it means for a change of a set that others changed the set since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sets {
    /// The set was shown and confirmed as a whole: it has drifted, like any other assignment that differs.
    Whole,
    /// What is taken back is decided agent by agent: what others did stays, and what was written here goes back.
    ByAgent,
}

impl Sets {
    /// How an operation judges them: `taking_back` for an undo or a redo.
    pub fn of(taking_back: bool) -> Self {
        if taking_back { Self::ByAgent } else { Self::Whole }
    }
}

/// Compares a change with what was read just before it would be sent.
pub fn freshness(
    before: &Assignment,
    after: &Assignment,
    now: &Result<Assignment, VendorError>,
    sets: Sets,
) -> Freshness {
    let now = match now {
        Ok(now) => now,
        Err(error) if error.kind == ErrorKind::NotFound => return Freshness::NoSuchLead,
        Err(error) => return Freshness::Unread(error.clone()),
    };
    // The plan said that the present owner is not known and was confirmed like that.
    if !before.is_known() {
        return if after.is_same(now) { Freshness::AlreadyThere } else { Freshness::Holds };
    }
    if sets == Sets::ByAgent
        && let Some(carried) = Assignment::carried_over(before, after, now)
    {
        return match (carried == *now, before == now) {
            (true, _) => Freshness::AlreadyThere,
            (false, true) => Freshness::Holds,
            (false, false) => Freshness::CarriedOver { before: now.clone(), after: carried },
        };
    }
    match before.agrees_with(now) {
        Agreement::Same => Freshness::Holds,
        _ if after.is_same(now) => Freshness::AlreadyThere,
        Agreement::Different => Freshness::Drifted(now.clone()),
        // The vendor tells who has it, or that somebody does, and now it does not any more: somebody changed it.
        Agreement::CannotTell if !now.is_known() => Freshness::Drifted(Assignment::Unknown),
        Agreement::CannotTell => Freshness::CannotTell,
    }
}

/// What a reading after a lost answer says about a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    Done,
    /// It reads as before the write.
    NotApplied,
    /// It is neither as before nor as written.
    Changed(Assignment),
    /// A set of which some agents are as written and others as before, with the words for both.
    InPart(Assignment, String),
    /// Before and after look the same to this vendor's readers, so no reading can tell.
    LooksTheSame,
    /// The reading cannot be compared.
    CannotTell(Assignment),
    NoSuchLead,
    Unread(VendorError),
}

/// Concludes from a reading what became of a write whose answer was lost or short.
pub fn finding(before: &Assignment, wrote: &Assignment, now: &Result<Assignment, VendorError>) -> Finding {
    use Agreement::*;
    let now = match now {
        Ok(now) => now,
        Err(error) if error.kind == ErrorKind::NotFound => return Finding::NoSuchLead,
        Err(error) => return Finding::Unread(error.clone()),
    };
    if let (Assignment::Agents(before), Assignment::Agents(wrote), Assignment::Agents(now)) = (before, wrote, now) {
        return set_finding(before, wrote, now);
    }
    match (wrote.agrees_with(now), before.agrees_with(now)) {
        (Same, Same) => Finding::LooksTheSame,
        (Same, Different) => Finding::Done,
        // Who had it before was not known; what was wanted is what is there.
        (Same, CannotTell) if !before.is_known() => Finding::Done,
        (Different, Same) => Finding::NotApplied,
        (Different, Different) => Finding::Changed(now.clone()),
        _ => Finding::CannotTell(now.clone()),
    }
}

/// Agent by agent: only those whom the write was about count, everybody else may have come and gone meanwhile.
fn set_finding(before: &BTreeSet<PersonId>, wrote: &BTreeSet<PersonId>, now: &BTreeSet<PersonId>) -> Finding {
    let added = wrote.difference(before).map(|user| (format!("+{user}"), now.contains(user)));
    let removed = before.difference(wrote).map(|user| (format!("-{user}"), !now.contains(user)));
    let (applied, open): (Vec<_>, Vec<_>) = added.chain(removed).partition(|(_, applied)| *applied);
    let words = |users: &[(String, bool)]| users.iter().map(|(user, _)| user.as_str()).collect::<Vec<_>>().join(" ");
    match (applied.is_empty(), open.is_empty()) {
        (true, true) => Finding::LooksTheSame,
        (_, true) => Finding::Done,
        (true, _) => Finding::NotApplied,
        _ => {
            let why = format!("applied in part: {} is done, {} is not", words(&applied), words(&open));
            Finding::InPart(Assignment::Agents(now.clone()), why)
        }
    }
}

/// The sentence for a target that somebody else changed.
pub fn was_now(was: &Assignment, now: &Assignment) -> String {
    let (was, now) = labels(was, now);
    format!("changed by someone else: was {was}, now {now}")
}

/// Labels of two assignments that differ, told apart: two people of one name get their ids, sets their members.
pub fn labels(was: &Assignment, now: &Assignment) -> (SafeText, SafeText) {
    if let (Assignment::Agents(was), Assignment::Agents(now)) = (was, now) {
        return (members(was), members(now));
    }
    let (was_label, now_label) = (was.label(), now.label());
    match (was.owner().and_then(|o| o.id.as_ref()), now.owner().and_then(|o| o.id.as_ref())) {
        (Some(a), Some(b)) if was_label == now_label && a != b => {
            (format!("{was_label} ({a})").into(), format!("{now_label} ({b})").into())
        }
        _ => (was_label, now_label),
    }
}

/// Names of changed sets in one sentence at most.
const MOST_NAMED: usize = 3;

/// What others did to sets that are to be taken back, for the plan: it stays.
pub fn changed_since(sets: &[(TargetId, SafeText)]) -> Vec<String> {
    if sets.is_empty() {
        return Vec::new();
    }
    let named: Vec<String> = sets.iter().take(MOST_NAMED).map(|(target, what)| format!("{target} ({what})")).collect();
    let more = match sets.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    vec![format!(
        "Changed by others since: {}{more}. Their changes stay; only the agents that were added and removed here are \
         taken back.",
        named.join(", ")
    )]
}

fn members(users: &BTreeSet<PersonId>) -> SafeText {
    if users.is_empty() {
        return SafeText::new("no agents");
    }
    let ids: Vec<String> = users.iter().map(ToString::to_string).collect();
    ids.join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Blank, OwnerRef};

    fn id(id: &str) -> Assignment {
        Assignment::Owner(OwnerRef::with_id(id))
    }

    fn named(name: &str) -> Assignment {
        Assignment::Owner(OwnerRef::named(name))
    }

    fn both(id: &str, name: &str) -> Assignment {
        Assignment::Owner(OwnerRef::new(id, name))
    }

    fn gone() -> Result<Assignment, VendorError> {
        Err(VendorError::new(ErrorKind::NotFound, "no such lead"))
    }

    #[test]
    fn a_reading_before_sending() {
        let (a, b, c) = (id("a"), id("b"), id("c"));
        let nobody = Assignment::Unassigned(Blank::Empty);
        let table = [
            (&a, &b, Ok(a.clone()), Freshness::Holds),
            (&a, &b, Ok(c.clone()), Freshness::Drifted(c.clone())),
            (&a, &b, Ok(b.clone()), Freshness::AlreadyThere),
            (&a, &b, Ok(nobody.clone()), Freshness::Drifted(nobody.clone())),
            (&a, &b, Ok(Assignment::Unknown), Freshness::Drifted(Assignment::Unknown)),
            (&a, &b, Ok(named("Ann")), Freshness::CannotTell),
            (&Assignment::unassigned(), &b, Ok(nobody), Freshness::Holds),
            (&Assignment::Unknown, &b, Ok(c), Freshness::Holds),
            (&Assignment::Unknown, &b, Ok(b.clone()), Freshness::AlreadyThere),
            (&a, &b, gone(), Freshness::NoSuchLead),
        ];
        for (before, after, now, wanted) in table {
            for sets in [Sets::Whole, Sets::ByAgent] {
                let told = freshness(before, after, &now, sets);
                assert_eq!(told, wanted, "{before:?} -> {after:?}, now {now:?}");
            }
        }
    }

    #[test]
    fn a_set_that_others_changed_has_drifted_unless_it_is_taken_back() {
        let set = |agents: &str| Assignment::agents(agents.split_whitespace());
        let (before, after) = (set("ann bob"), set("bob cid"));
        let carried = Freshness::CarriedOver { before: set("ann dan"), after: set("cid dan") };
        let gone = Freshness::Drifted(Assignment::Unknown);
        for (now, whole, by_agent) in [
            (set("ann bob"), Freshness::Holds, Freshness::Holds),
            (set("bob cid"), Freshness::AlreadyThere, Freshness::AlreadyThere),
            // Whoever did it, of what is taken back there is nothing to do.
            (set("bob cid dan"), Freshness::Drifted(set("bob cid dan")), Freshness::AlreadyThere),
            // Dan came and Bob went: no reason to leave ours where it is.
            (set("ann dan"), Freshness::Drifted(set("ann dan")), carried),
            (Assignment::Unknown, gone.clone(), gone),
        ] {
            let told = |sets| freshness(&before, &after, &Ok(now.clone()), sets);
            assert_eq!((told(Sets::Whole), told(Sets::ByAgent)), (whole, by_agent), "now {now:?}");
        }
    }

    #[test]
    fn a_reading_after_a_lost_answer() {
        let (a, b, c) = (id("a"), id("b"), id("c"));
        let table = [
            (&a, &b, Ok(b.clone()), Finding::Done),
            (&a, &b, Ok(a.clone()), Finding::NotApplied),
            (&a, &b, Ok(c.clone()), Finding::Changed(c.clone())),
            (&Assignment::Unknown, &b, Ok(b.clone()), Finding::Done),
            (&Assignment::Unknown, &b, Ok(c.clone()), Finding::CannotTell(c.clone())),
            (&a, &b, Ok(Assignment::Unknown), Finding::CannotTell(Assignment::Unknown)),
            (&a, &b, gone(), Finding::NoSuchLead),
        ];
        for (before, wrote, now, wanted) in table {
            assert_eq!(finding(before, wrote, &now), wanted, "{before:?} -> {wrote:?}, now {now:?}");
        }
    }

    #[test]
    fn names_prove_nothing_where_two_people_share_one() {
        let jane = both("u2", "Jane Smith");
        assert_eq!(finding(&named("Jane Smith"), &jane, &Ok(named("Jane Smith"))), Finding::LooksTheSame);
        assert_eq!(finding(&both("u1", "Jane Smith"), &jane, &Ok(named("Jane Smith"))), Finding::LooksTheSame);
        assert_eq!(finding(&named("Bob"), &jane, &Ok(named("Jane Smith"))), Finding::Done);
        assert_eq!(finding(&named("Bob"), &jane, &Ok(named("Bob"))), Finding::NotApplied);
        // Only the id was known before: the name that is read now may be the old owner's as well.
        assert!(matches!(finding(&id("u1"), &jane, &Ok(named("Jane Smith"))), Finding::CannotTell(_)));
    }

    #[test]
    fn sets_are_judged_by_the_agents_the_write_was_about() {
        let set = |users: &[&str]| Assignment::agents(users);
        let (before, wrote) = (set(&["ann", "bob"]), set(&["bob", "cid"]));
        let of = |now: &[&str]| finding(&before, &wrote, &Ok(set(now)));
        assert_eq!(of(&["bob", "cid"]), Finding::Done);
        assert_eq!(of(&["cid", "dan"]), Finding::Done, "Dan came and Bob went by someone else's hand");
        assert_eq!(of(&["ann", "bob"]), Finding::NotApplied);
        let why = "applied in part: +cid is done, -ann is not".to_owned();
        assert_eq!(of(&["ann", "bob", "cid"]), Finding::InPart(set(&["ann", "bob", "cid"]), why));
    }

    #[test]
    fn was_and_now_can_be_told_apart() {
        assert_eq!(
            was_now(&both("u1", "Jane"), &both("u2", "Jane")),
            "changed by someone else: was Jane (u1), now Jane (u2)"
        );
        assert_eq!(
            was_now(&Assignment::agents(["a"]), &Assignment::agents(["b", "c"])),
            "changed by someone else: was a, now b c"
        );
        assert_eq!(was_now(&named("Jane"), &Assignment::unassigned()), "changed by someone else: was Jane, now nobody");
    }
}
