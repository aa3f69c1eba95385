//! Which of many targets are still to be found, by id.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::targets::Targets;

/// Up to this many targets are asked for one by one when it is not known how long a list is.
const FEW: usize = 10;

/// Targets that were not found yet. About eight bytes for each: their ids stay where they are.
pub struct Open<'a> {
    targets: &'a dyn Targets,
    /// A number of each id.
    index: HashTable<u32>,
    /// By that number the further ones of the same id.
    further: HashMap<u32, Vec<u32>>,
    hasher: DefaultHashBuilder,
    /// Pages that were read since one had any of them.
    in_vain: usize,
}

impl<'a> Open<'a> {
    /// All of them.
    pub fn of(targets: &'a dyn Targets) -> Self {
        let hasher = DefaultHashBuilder::default();
        let hash_of = |number: u32| hasher.hash_one(targets.id(number as usize));
        let mut index = HashTable::with_capacity(targets.len());
        let mut further: HashMap<u32, Vec<u32>> = HashMap::new();
        for number in 0..targets.len() as u32 {
            let id = targets.id(number as usize);
            let hash = hasher.hash_one(id);
            match index.find(hash, |known| targets.id(*known as usize) == id) {
                Some(first) => further.entry(*first).or_default().push(number),
                None => drop(index.insert_unique(hash, number, |known| hash_of(*known))),
            }
        }
        Self { targets, index, further, hasher, in_vain: 0 }
    }

    /// How many different ids are left.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub fn has(&self, id: &str) -> bool {
        let is_it = |number: &u32| self.targets.id(*number as usize) == id;
        self.index.find(self.hasher.hash_one(id), is_it).is_some()
    }

    /// Takes out the targets with this id and gives the number of each; nothing where it was taken before or is no target.
    pub fn take(&mut self, id: &str, mut each: impl FnMut(usize)) {
        let targets = self.targets;
        let is_it = |number: &u32| targets.id(*number as usize) == id;
        let Ok(entry) = self.index.find_entry(self.hasher.hash_one(id), is_it) else { return };
        let (number, _) = entry.remove();
        each(number as usize);
        self.further.remove(&number).into_iter().flatten().for_each(|number| each(number as usize));
    }

    /// Takes out all that are left.
    pub fn take_all(&mut self, mut each: impl FnMut(usize)) {
        self.index.drain().for_each(|number| each(number as usize));
        self.further.drain().flat_map(|(_, numbers)| numbers).for_each(|number| each(number as usize));
    }

    /// One number of each id that is left, in order.
    pub fn rest(&self) -> Vec<u32> {
        let mut rest: Vec<u32> = self.index.iter().copied().collect();
        rest.sort_unstable();
        rest
    }

    /// Whether they take fewer requests by a list of so many pages than one by one; `None` where its length is not known.
    pub fn are_cheaper_in_a_list(&self, pages: Option<usize>) -> bool {
        self.len() > pages.unwrap_or(FEW)
    }

    /// Whether reading on in the list is still worth it, after a page of which `taken` were taken out and with `left` pages
    /// to come. What the list was thought to cost came from an older reading. Where nobody says how long it is, it is given
    /// up when as many pages in a row were read in vain as there are targets left: asking for each had taken no more.
    pub fn is_worth_another_page(&mut self, taken: usize, left: Option<usize>) -> bool {
        self.in_vain = if taken > 0 { 0 } else { self.in_vain + 1 };
        !self.is_empty() && left.unwrap_or(self.in_vain) <= self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::Target;

    #[test]
    fn each_is_taken_once_with_all_that_have_its_id() {
        let targets: Vec<Target> = ["a", "b", "a", "c", "a", "b"].map(Target::by_id).into();
        let targets = targets.as_slice();
        let mut open = Open::of(&targets);
        assert_eq!((open.len(), open.rest()), (3, vec![0, 1, 3]));
        let taken = |open: &mut Open<'_>, id: &str| {
            let mut numbers = Vec::new();
            open.take(id, |number| numbers.push(number));
            numbers
        };
        assert!(open.has("a") && !open.has("x"));
        assert_eq!(taken(&mut open, "x"), [0; 0]);
        assert_eq!(taken(&mut open, "a"), [0, 2, 4]);
        assert_eq!((taken(&mut open, "a"), open.has("a")), (vec![], false));
        assert_eq!((open.len(), open.rest()), (2, vec![1, 3]));
        let mut left = Vec::new();
        open.take_all(|number| left.push(number));
        left.sort_unstable();
        assert_eq!((left, open.is_empty(), open.rest()), (vec![1, 3, 5], true, vec![]));
    }

    #[test]
    fn many_of_one_id_and_many_ids() {
        let targets: Vec<Target> = (0..3_000).map(|n| Target::by_id(format!("{}", n % 1_000))).collect();
        let targets = targets.as_slice();
        let mut open = Open::of(&targets);
        assert_eq!(open.rest(), (0..1_000).collect::<Vec<u32>>());
        for n in 0..1_000 {
            let mut numbers = Vec::new();
            open.take(&n.to_string(), |number| numbers.push(number));
            assert_eq!(numbers, [n, n + 1_000, n + 2_000]);
        }
        assert!(open.is_empty());
    }

    #[test]
    fn a_list_is_read_where_it_costs_less() {
        let targets: Vec<Target> = (0..20).map(|n| Target::by_id(n.to_string())).collect();
        let targets = targets.as_slice();
        let mut open = Open::of(&targets);
        let cheaper = [None, Some(19), Some(20)].map(|pages| open.are_cheaper_in_a_list(pages));
        assert_eq!(cheaper, [true, true, false]);
        let few = Open::of(&&targets[..10]).are_cheaper_in_a_list(None);
        assert!(!few);
        assert!(open.is_worth_another_page(0, Some(20)) && !open.is_worth_another_page(0, Some(21)));
        // Nobody says how long it is: twenty pages in vain are enough.
        open.is_worth_another_page(1, None);
        assert!((0..20).all(|_| open.is_worth_another_page(0, None)));
        assert!(!open.is_worth_another_page(0, None));
        open.take_all(|_| {});
        assert!(!open.is_worth_another_page(1, Some(1)));
    }
}
