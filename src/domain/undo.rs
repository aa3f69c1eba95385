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

    use proptest::prelude::*;

    fn an_owner() -> impl Strategy<Value = Assignment> {
        prop_oneof![
            1 => Just(Assignment::unassigned()),
            1 => Just(Assignment::Unknown),
            4 => prop::sample::select(vec!["a", "b", "c"]).prop_map(owner),
            2 => prop::sample::select(vec!["Ann", "Bob"]).prop_map(|name| Assignment::Owner(OwnerRef::named(name))),
        ]
    }

    fn some_agents() -> impl Strategy<Value = Assignment> {
        prop::collection::btree_set(prop::sample::select(vec!["ann", "bob", "cid", "dan", "eve"]), 0..5)
            .prop_map(Assignment::agents)
    }

    proptest! {
        /// What an undo puts back can be brought again by taking the undo back, and a second undo finds nothing to do.
        #[test]
        fn an_undo_of_an_undo_brings_back_what_was_written(was in an_owner(), wrote in an_owner(), now in an_owner()) {
            if let Verdict::Restore(restored) = decide(&was, &wrote, &now) {
                prop_assert_eq!(&restored, &was);
                prop_assert!(wrote.is_same(&now), "only what is still ours is put back");
                match decide(&now, &restored, &restored) {
                    Verdict::Restore(again) => prop_assert_eq!(again, now),
                    verdict => prop_assert!(false, "{verdict:?}"),
                }
                let second = decide(&was, &wrote, &restored);
                prop_assert!(matches!(second, Verdict::AlreadyBack), "{second:?}");
            }
        }

        /// Whatever others did with agents that the change was not about stays, through undo and redo.
        #[test]
        fn sets_lose_and_regain_only_their_own_agents(
            was in some_agents(), wrote in some_agents(), now in some_agents(),
        ) {
            let (Assignment::Agents(before), Assignment::Agents(written), Assignment::Agents(there)) = (&was, &wrote, &now)
            else { unreachable!() };
            let ours: std::collections::BTreeSet<_> = before.symmetric_difference(written).cloned().collect();
            match decide(&was, &wrote, &now) {
                Verdict::Restore(Assignment::Agents(restored)) => {
                    for agent in restored.symmetric_difference(there) {
                        prop_assert!(ours.contains(agent), "{agent} is none of ours");
                    }
                    for agent in &ours {
                        prop_assert_eq!(restored.contains(agent), before.contains(agent));
                    }
                    let restored = Assignment::Agents(restored);
                    prop_assert_eq!(decide(&was, &wrote, &restored), Verdict::AlreadyBack);
                    prop_assert_eq!(decide(&now, &restored, &restored), Verdict::Restore(now));
                }
                Verdict::AlreadyBack => {
                    for agent in &ours {
                        prop_assert_eq!(there.contains(agent), before.contains(agent));
                    }
                }
                verdict => prop_assert!(false, "{verdict:?}"),
            }
        }
    }
}
