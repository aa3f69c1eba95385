//! The three-way rule of undo: what was there, what we wrote, what is there now.

use super::assignment::{Agreement, Assignment};

/// What undo does with one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Our value is still there: write this back.
    Restore(Assignment),
    /// It is as it was before; nothing to do.
    AlreadyBack,
    /// Someone else changed it: leave it alone unless forced by hand.
    Conflict,
    /// The readings cannot be compared, or what was there is not known: a person has to decide.
    Unclear(&'static str),
}

/// Decides one item from its three values. For sets this is decided agent by agent: agents that we added and that are
/// still there go, agents that we removed and that are still gone come back, and everyone else stays as they are now.
pub fn decide(was: &Assignment, wrote: &Assignment, now: &Assignment) -> Verdict {
    if let (Assignment::Agents(was), Assignment::Agents(wrote), Assignment::Agents(now)) = (was, wrote, now) {
        let mut restored = now.clone();
        for added in wrote.difference(was) {
            restored.remove(added);
        }
        restored.extend(was.difference(wrote).cloned());
        return if restored == *now { Verdict::AlreadyBack } else { Verdict::Restore(Assignment::Agents(restored)) };
    }
    if matches!(now, Assignment::Unknown) {
        return Verdict::Unclear("the present owner is not known");
    }
    if matches!(was, Assignment::Unknown) {
        return Verdict::Unclear("the owner before the change is not known");
    }
    match (wrote.agrees_with(now), was.agrees_with(now)) {
        (Agreement::Same, Agreement::Same) => Verdict::Unclear("what was there and what was written look the same"),
        (Agreement::Same, _) => Verdict::Restore(was.clone()),
        (_, Agreement::Same) => Verdict::AlreadyBack,
        (Agreement::Different, _) => Verdict::Conflict,
        (Agreement::CannotTell, _) => Verdict::Unclear("the present owner cannot be compared with what was written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OwnerRef;

    fn owner(id: &str) -> Assignment {
        Assignment::Owner(OwnerRef::with_id(id))
    }

    #[test]
    fn our_value_goes_back_and_nothing_else() {
        let (a, b, c) = (owner("a"), owner("b"), owner("c"));
        assert_eq!(decide(&a, &b, &b), Verdict::Restore(a.clone()));
        assert_eq!(decide(&a, &b, &a), Verdict::AlreadyBack);
        assert_eq!(decide(&a, &b, &c), Verdict::Conflict);
        assert_eq!(decide(&a, &b, &Assignment::unassigned()), Verdict::Conflict);
        assert_eq!(decide(&Assignment::unassigned(), &b, &b), Verdict::Restore(Assignment::unassigned()));
        assert!(matches!(decide(&a, &b, &Assignment::Unknown), Verdict::Unclear(_)));
        assert!(matches!(decide(&Assignment::Unknown, &b, &b), Verdict::Unclear(_)));
    }

    #[test]
    fn sets_are_decided_agent_by_agent() {
        let was = Assignment::agents(["ann", "bob"]);
        let wrote = Assignment::agents(["bob", "cid"]);
        // Dan came later by someone else's hand and stays.
        let now = Assignment::agents(["bob", "cid", "dan"]);
        assert_eq!(decide(&was, &wrote, &now), Verdict::Restore(Assignment::agents(["ann", "bob", "dan"])));
        assert_eq!(decide(&was, &wrote, &was), Verdict::AlreadyBack);
    }
}
