//! What a change wants of a set of agents, and what two readings of the set say became of it (contract, section 7).

use std::collections::BTreeSet;

use crate::domain::PersonId;

/// Agents to add and to remove. Nobody is in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    pub add: BTreeSet<PersonId>,
    pub remove: BTreeSet<PersonId>,
}

impl Delta {
    pub fn between(before: &BTreeSet<PersonId>, after: &BTreeSet<PersonId>) -> Self {
        Self { add: after - before, remove: before - after }
    }

    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Nobody to be added is in the set, and everybody to be removed is.
    pub fn is_effective_in(&self, set: &BTreeSet<PersonId>) -> bool {
        self.add.is_disjoint(set) && self.remove.is_subset(set)
    }

    /// What of it makes a difference to a set.
    pub fn effective_in(&self, set: &BTreeSet<PersonId>) -> Self {
        Self { add: &self.add - set, remove: &self.remove & set }
    }

    /// What of it the other one does not want as well.
    pub fn beyond(&self, other: &Self) -> Self {
        Self { add: &self.add - &other.add, remove: &self.remove - &other.remove }
    }

    /// The set that a server makes of `before` which keeps its contract.
    pub fn applied_to(&self, before: &BTreeSet<PersonId>) -> BTreeSet<PersonId> {
        &(before | &self.add) - &self.remove
    }

    /// In pieces of at most `most` agents. What is removed goes last, so that a list is not without anybody in between.
    pub fn pieces(&self, most: usize) -> Vec<Self> {
        let adds = self.add.iter().map(|user| (true, user));
        let all: Vec<(bool, &PersonId)> = adds.chain(self.remove.iter().map(|user| (false, user))).collect();
        let piece = |users: &[(bool, &PersonId)]| {
            let mut piece = Self::default();
            for (adds, user) in users {
                let side = if *adds { &mut piece.add } else { &mut piece.remove };
                side.insert((*user).clone());
            }
            piece
        };
        all.chunks(most.max(1)).map(piece).collect()
    }
}

impl std::fmt::Display for Delta {
    /// `+ann +bob -cid`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let marked = |mark: char, users: &BTreeSet<PersonId>| -> Vec<String> {
            users.iter().map(|user| format!("{mark}{user}")).collect()
        };
        let words: Vec<String> = [marked('+', &self.add), marked('-', &self.remove)].concat();
        f.write_str(&words.join(" "))
    }
}

/// What became of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The part that took effect, and the part that did not.
    pub done: Delta,
    pub open: Delta,
    /// What happened to agents that the change was not about.
    pub others: Delta,
    /// An agent that the change was not about is still there.
    pub merged: bool,
    /// All of those are gone, and nobody is there who was not sent: that is what a server does which takes the request
    /// for the whole set. Somebody else may have done it as well; no reading can tell.
    pub replaced: bool,
}

pub fn compare(before: &BTreeSet<PersonId>, delta: &Delta, after: &BTreeSet<PersonId>) -> Compared {
    let done = Delta { add: &delta.add & after, remove: &delta.remove - after };
    let open = Delta { add: &delta.add - after, remove: &delta.remove & after };
    let bystanders = before - &delta.remove;
    let expected = delta.applied_to(before);
    let others = Delta { add: &(after - &expected) - &delta.remove, remove: &bystanders - after };
    Compared {
        merged: !bystanders.is_disjoint(after),
        replaced: !bystanders.is_empty() && bystanders.is_disjoint(after) && after.is_subset(&delta.add),
        done,
        open,
        others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(users: &str) -> BTreeSet<PersonId> {
        users.split_whitespace().map(PersonId::new).collect()
    }

    #[test]
    fn every_verdict_of_the_table() {
        let delta = Delta { add: set("a b"), remove: set("x") };
        // What is there, what took effect, what did not, what others did, whether it was replaced.
        for (now, done, open, others, replaced) in [
            ("a b o p", "+a +b -x", "", "", false),
            ("o p x", "", "+a +b -x", "", false),
            ("a o p x", "+a", "+b -x", "", false),
            ("a b n o", "+a +b -x", "", "+n -p", false),
            ("a b", "+a +b -x", "", "-o -p", true),
            ("a", "+a -x", "+b", "-o -p", true),
            ("", "-x", "+a +b", "-o -p", true),
            ("a b n", "+a +b -x", "", "+n -o -p", false),
        ] {
            let found = compare(&set("o p x"), &delta, &set(now));
            let words = [&found.done, &found.open, &found.others].map(ToString::to_string);
            assert_eq!((words, found.replaced), ([done, open, others].map(str::to_owned), replaced), "{now}");
            assert_eq!(found.merged, now.contains(['o', 'p']), "{now}");
        }
        let alone = compare(&set("x"), &delta, &set("a b"));
        assert!(!alone.merged && !alone.replaced, "without bystanders nothing can be told");
    }

    #[test]
    fn pieces_add_before_they_remove() {
        let delta = Delta { add: set("a b c"), remove: set("x y") };
        let pieces: Vec<String> = delta.pieces(2).iter().map(ToString::to_string).collect();
        assert_eq!(pieces, ["+a +b", "+c -x", "-y"]);
        assert_eq!(delta.pieces(100), [delta]);
    }

    proptest! {
        #[test]
        fn pieces_come_to_the_same(before in "[a-f]{0,6}", after in "[a-f]{0,6}", most in 1_usize..4) {
            let set = |text: &str| text.chars().map(|c| PersonId::from(c.to_string())).collect::<BTreeSet<_>>();
            let (before, after) = (set(&before), set(&after));
            let mut now = before.clone();
            for piece in Delta::between(&before, &after).pieces(most) {
                prop_assert!(piece.add.len() + piece.remove.len() <= most);
                let next = piece.applied_to(&now);
                let found = compare(&now, &piece, &next);
                prop_assert!(found.open.is_empty() && found.others.is_empty() && found.done == piece);
                now = next;
            }
            prop_assert_eq!(now, after);
        }
    }
}
