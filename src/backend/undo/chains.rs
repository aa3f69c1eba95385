//! What operations wrote, by target: all writes of each, newest first. There may be as many as the longest operation has
//! items, so they lie in columns, and a write is known by where it lies.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::domain::history::ItemRow;
use crate::domain::leads::columns::Codes;
use crate::domain::{ChangeRef, Changes, OperationId};
use crate::vendor::{Target, Targets};

/// Items of one operation.
pub struct Source {
    operation: OperationId,
    /// They were taken back by something that is taken back itself: they are gone back through, but nobody asked for it.
    through: bool,
    /// Each as a change from what was there to what was written.
    rows: Changes,
    seqs: Vec<u32>,
    parts: Codes,
}

impl Source {
    pub fn new(operation: OperationId, through: bool) -> Self {
        Self { operation, through, rows: Changes::default(), seqs: Vec::new(), parts: Codes::default() }
    }

    pub fn push(&mut self, row: ItemRow) {
        self.seqs.push(row.seq);
        self.parts.push(row.part);
        self.rows.push(&row.into_change());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.rows.shrink();
        self.seqs.shrink_to_fit();
        self.parts.shrink();
    }

    /// The items of one part of the operation.
    pub fn of_part(&self, part: usize) -> impl Iterator<Item = ChangeRef<'_>> {
        self.rows.iter().enumerate().filter(move |(row, _)| self.part(*row) == part).map(|(_, item)| item)
    }

    /// Rows with the index of the part that each belongs to.
    pub fn parts(&self) -> impl Iterator<Item = (u32, usize)> {
        (0..self.rows.len()).map(|row| (row as u32, self.part(row)))
    }

    fn part(&self, row: usize) -> usize {
        self.parts.get(row) as usize
    }

    fn write(&self, row: u32) -> Write<'_> {
        let row = row as usize;
        let item = self.rows.get(row).expect("rows are numbers of items");
        Write { operation: &self.operation, seq: self.seqs[row], through: self.through, item }
    }
}

/// One write of a target: what it found is the item's before, what it wrote its after.
#[derive(Clone, Copy)]
pub struct Write<'a> {
    pub operation: &'a OperationId,
    pub seq: u32,
    through: bool,
    pub item: ChangeRef<'a>,
}

/// The writes of all targets at one place.
#[derive(Default)]
pub struct Chains {
    /// Each write: the number of its source, and its row there.
    writes: Vec<(u32, u32)>,
    /// The number of the next older write of the same target, by a write's number; [`OLDEST`] where there is none.
    older: Vec<u32>,
    /// The number of the newest write, by a chain's number.
    newest: Vec<u32>,
}

const OLDEST: u32 = u32::MAX;

/// All writes of one target, newest first.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    all: &'a Chains,
    sources: &'a [Source],
    newest: u32,
}

impl<'a> Chain<'a> {
    pub fn newest(&self) -> Write<'a> {
        self.all.write(self.sources, self.newest)
    }

    pub fn writes(&self) -> impl Iterator<Item = Write<'a>> {
        let Self { all, sources, newest } = *self;
        let next = |write: &u32| Some(all.older[*write as usize]).filter(|older| *older != OLDEST);
        std::iter::successors(Some(newest), next).map(move |write| all.write(sources, write))
    }

    /// Some of them were taken back already, by a later one of them.
    pub fn is_back_and_forth(&self) -> bool {
        self.writes().any(|write| write.through)
    }

    /// All of it together changed nothing.
    pub fn cancels_out(&self) -> bool {
        let oldest = || self.writes().last().map(|oldest| oldest.item.before);
        self.is_back_and_forth() && oldest().is_some_and(|was| self.newest().item.after.is_same(was))
    }
}

impl Chains {
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// The chains in the order in which their first writes came.
    pub fn iter<'a>(&'a self, sources: &'a [Source]) -> impl Iterator<Item = Chain<'a>> {
        self.newest.iter().map(move |newest| Chain { all: self, sources, newest: *newest })
    }

    /// Their targets, each by the number of its chain.
    pub fn targets<'a>(&'a self, sources: &'a [Source]) -> ChainTargets<'a> {
        ChainTargets { chains: self, sources }
    }

    /// Forgets those that changed nothing.
    pub fn drop_what_cancels_out(&mut self, sources: &[Source]) {
        let left: Vec<u32> =
            self.iter(sources).filter(|chain| !chain.cancels_out()).map(|chain| chain.newest).collect();
        self.newest = left;
    }

    fn write<'a>(&self, sources: &'a [Source], write: u32) -> Write<'a> {
        let (source, row) = self.writes[write as usize];
        sources[source as usize].write(row)
    }
}

/// What is to be read again: any of the writes may be what is there now, the newest most likely.
pub struct ChainTargets<'a> {
    chains: &'a Chains,
    sources: &'a [Source],
}

impl ChainTargets<'_> {
    fn chain(&self, number: usize) -> Chain<'_> {
        Chain { all: self.chains, sources: self.sources, newest: self.chains.newest[number] }
    }
}

impl Targets for ChainTargets<'_> {
    fn len(&self) -> usize {
        self.chains.len()
    }

    fn id(&self, number: usize) -> &str {
        let (source, row) = self.chains.writes[self.chains.newest[number] as usize];
        self.sources[source as usize].write(row).item.id()
    }

    fn get(&self, number: usize) -> Target {
        let chain = self.chain(number);
        let newest = chain.newest().item;
        let mut candidates = Vec::with_capacity(2);
        candidates.extend(chain.writes().flat_map(|write| [write.item.after, write.item.before]).cloned());
        Target { id: newest.target(), scope: newest.scope().to_owned(), candidates }
    }
}

/// Chains in the making.
#[derive(Default)]
pub struct Chaining {
    chains: Chains,
    /// The number of the oldest write, by a chain's number.
    oldest: Vec<u32>,
    /// Chains by their target.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Chaining {
    /// Adds a write, which is older than those before.
    pub fn add(&mut self, sources: &[Source], source: u32, row: u32) {
        let Self { chains, oldest, index, hasher } = self;
        let target = sources[source as usize].write(row).item.id();
        let target_of = |chain: u32| chains.write(sources, chains.newest[chain as usize]).item.id();
        let known = index.find(hasher.hash_one(target), |chain| target_of(*chain) == target).copied();
        let write = chains.writes.len() as u32;
        match known {
            Some(chain) => {
                let last = std::mem::replace(&mut oldest[chain as usize], write);
                chains.older[last as usize] = write;
            }
            None => {
                let (chain, hash) = (chains.newest.len() as u32, hasher.hash_one(target));
                index.insert_unique(hash, chain, |chain| hasher.hash_one(target_of(*chain)));
                chains.newest.push(write);
                oldest.push(write);
            }
        }
        chains.writes.push((source, row));
        chains.older.push(OLDEST);
    }

    pub fn finish(self) -> Chains {
        let mut chains = self.chains;
        chains.writes.shrink_to_fit();
        chains.older.shrink_to_fit();
        chains.newest.shrink_to_fit();
        chains
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Assignment, ItemState, OwnerRef};

    fn owner(id: char) -> Assignment {
        Assignment::Owner(OwnerRef::with_id(id.to_string()))
    }

    /// An operation's items: the target, what was there and what was written.
    fn source(operation: &str, through: bool, items: &[(&str, char, char)]) -> Source {
        let mut source = Source::new(operation.into(), through);
        for (seq, (target, was, wrote)) in (0_u32..).zip(items) {
            source.push(ItemRow {
                seq,
                part: 0,
                profile: "sales".into(),
                target: (*target).into(),
                name: "".into(),
                was: owner(*was),
                wrote: owner(*wrote),
                now: None,
                state: ItemState::Done,
                reason: None,
                scope: String::new(),
            });
        }
        source
    }

    #[test]
    fn writes_of_a_target_follow_each_other_newest_first() {
        let sources = [
            source("c", false, &[("x", 'c', 'd'), ("y", 'p', 'q')]),
            source("b", true, &[("z", 'd', 'e'), ("x", 'b', 'c')]),
            source("a", false, &[("y", 'o', 'p'), ("x", 'a', 'b'), ("z", 'e', 'd')]),
        ];
        let mut chaining = Chaining::default();
        for (number, source) in (0_u32..).zip(&sources) {
            source.parts().for_each(|(row, _)| chaining.add(&sources, number, row));
        }
        let mut chains = chaining.finish();
        let told = |chains: &Chains| -> Vec<String> {
            let words = |chain: Chain<'_>| {
                let writes: Vec<String> =
                    chain.writes().map(|write| format!("{}{}", write.operation, write.seq)).collect();
                format!("{} {} {}", chain.newest().item.id(), writes.join(" "), chain.is_back_and_forth())
            };
            chains.iter(&sources).map(words).collect()
        };
        assert_eq!(told(&chains), ["x c0 b1 a1 true", "y c1 a0 false", "z b0 a2 true"]);
        let targets = chains.targets(&sources);
        assert_eq!((targets.len(), targets.id(0), targets.id(2)), (3, "x", "z"));
        let y = targets.get(1);
        assert_eq!((y.id.as_str(), y.candidates), ("y", ['q', 'p', 'p', 'o'].map(owner).into()));
        chains.drop_what_cancels_out(&sources);
        assert_eq!((told(&chains), chains.len()), (vec!["x c0 b1 a1 true".to_owned(), "y c1 a0 false".to_owned()], 2));
    }
}
