//! Targets to be read. There may be as many as an operation has items, so each is made when it is looked at.

use super::{Observation, Target};

/// Targets by number, from 0. Asking for a number that is not below [`len`](Self::len) panics.
pub trait Targets: Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of one, exactly as the vendor gave it. Several may have the same. Cheap: it is looked at many times.
    fn id(&self, number: usize) -> &str;

    /// All of one.
    fn get(&self, number: usize) -> Target;
}

impl Targets for &[Target] {
    fn len(&self) -> usize {
        <[Target]>::len(self)
    }

    fn id(&self, number: usize) -> &str {
        self[number].id.as_str()
    }

    fn get(&self, number: usize) -> Target {
        self[number].clone()
    }
}

/// Some of many targets, which have the numbers of the list here.
pub struct Subset<'a> {
    pub all: &'a dyn Targets,
    pub numbers: &'a [u32],
}

impl Targets for Subset<'_> {
    fn len(&self) -> usize {
        self.numbers.len()
    }

    fn id(&self, number: usize) -> &str {
        self.all.id(self.numbers[number] as usize)
    }

    fn get(&self, number: usize) -> Target {
        self.all.get(self.numbers[number] as usize)
    }
}

/// Is told a target's number and what was read of it.
pub type Found<'a> = dyn FnMut(usize, Observation) + Send + 'a;

/// Hands out targets some at a time, for a client that holds a lot for each that it reads.
pub struct Portions<'a, 'f> {
    targets: &'a dyn Targets,
    size: usize,
    found: &'a mut Found<'f>,
    /// The first of the portion that is read now, and the first after it.
    from: usize,
    to: usize,
}

impl<'a, 'f> Portions<'a, 'f> {
    /// `size` is how many there are in one.
    pub fn of(targets: &'a dyn Targets, size: usize, found: &'a mut Found<'f>) -> Self {
        Self { targets, size, found, from: 0, to: 0 }
    }

    /// The next portion; `None` after the last.
    pub fn take(&mut self) -> Option<Vec<Target>> {
        self.from = self.to;
        self.to = self.targets.len().min(self.from + self.size);
        (self.from < self.to).then(|| (self.from..self.to).map(|number| self.targets.get(number)).collect())
    }

    /// Takes what was read of the portion, in its order. An error that every further reading would meet as well is told of
    /// all that are left, and there are no further portions.
    pub fn read(&mut self, read: Vec<Observation>) {
        let error = read.iter().find_map(|one| one.now.as_ref().err().filter(|error| error.ends_a_reading())).cloned();
        for (number, observation) in (self.from..self.to).zip(read) {
            (self.found)(number, observation);
        }
        if let Some(error) = error {
            for number in self.to..self.targets.len() {
                (self.found)(number, Observation::failed(&error));
            }
            self.to = self.targets.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Assignment;
    use crate::vendor::{ErrorKind, VendorError};

    #[test]
    fn portions_are_in_order_and_end_where_no_reading_works() {
        let targets: Vec<Target> = (0..7).map(|n| Target::by_id(n.to_string())).collect();
        let targets = targets.as_slice();
        for (ends_in, wanted) in [(9, "0. 1. 2. 3. 4. 5. 6."), (1, "0. 1. 2. 3. 4! 5. 6!")] {
            let mut told = Vec::new();
            let mut found = |number: usize, observation: Observation| {
                told.push(format!("{number}{}", if observation.now.is_ok() { '.' } else { '!' }));
            };
            let mut portions = Portions::of(&targets, 3, &mut found);
            let mut count = 0;
            while let Some(portion) = portions.take() {
                let read = portion.iter().map(|target| {
                    let error = VendorError::new(ErrorKind::SignIn, "no");
                    let fails = count == ends_in && target.id.as_str() == "4";
                    if fails { Observation::failed(&error) } else { Observation::of(Assignment::unassigned()) }
                });
                portions.read(read.collect());
                count += 1;
            }
            told.sort_unstable();
            assert_eq!(told.join(" "), wanted);
        }
    }

    #[test]
    fn a_subset_has_numbers_of_its_own() {
        let targets: Vec<Target> = ["a", "b", "c"].map(Target::by_id).into();
        let targets = targets.as_slice();
        let some = Subset { all: &targets, numbers: &[2, 0] };
        assert_eq!((some.len(), some.id(0), some.get(1).id.as_str()), (2, "c", "a"));
    }
}
