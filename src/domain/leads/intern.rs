//! Values that many rows share, each held once and numbered.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::domain::Assignment;
use crate::domain::fold::fold;

/// Distinct values by number, in the order in which they first came up.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { values: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The number of a value, a new one if it is new. Copies shared numbers only then.
    pub fn number(this: &mut Arc<Self>, value: &T) -> u32 {
        if let Some(&number) = this.numbers.get(value) {
            return number;
        }
        let own = Arc::make_mut(this);
        let number = own.values.len() as u32;
        own.values.push(value.clone());
        own.numbers.insert(value.clone(), number);
        number
    }
}

/// A word of an interned column, with its fold.
#[derive(Clone, Debug, Default)]
pub struct Words {
    words: Vec<(Arc<str>, Arc<str>)>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Words {
    pub fn number(this: &mut Arc<Self>, word: &str) -> u32 {
        if let Some(&number) = this.numbers.get(word) {
            return number;
        }
        let own = Arc::make_mut(this);
        let number = own.words.len() as u32;
        let word: Arc<str> = word.into();
        let folded = fold(&word);
        let folded = if *folded == *word { word.clone() } else { Arc::from(&*folded) };
        own.words.push((word.clone(), folded));
        own.numbers.insert(word, number);
        number
    }

    pub fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or("", |(word, _)| word)
    }

    /// Every word with its fold, by number.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.words.iter().map(|(word, folded)| (&**word, &**folded))
    }
}

/// The distinct assignments of a table with their numbers of leads.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    pub list: Vec<(Assignment, usize)>,
    numbers: HashMap<Assignment, u32>,
}

impl Owners {
    /// These assignments by number, without any leads yet.
    pub fn with(list: Vec<Assignment>) -> Self {
        let numbers = (0..).zip(&list).map(|(number, assignment)| (assignment.clone(), number)).collect();
        Self { list: list.into_iter().map(|assignment| (assignment, 0)).collect(), numbers }
    }

    /// Counts one more lead of `assignment` and says its number.
    pub fn gain(&mut self, assignment: &Assignment) -> u32 {
        let number = match self.numbers.get(assignment) {
            Some(&number) => number,
            None => {
                let number = self.list.len() as u32;
                self.list.push((assignment.clone(), 0));
                self.numbers.insert(assignment.clone(), number);
                number
            }
        };
        self.list[number as usize].1 += 1;
        number
    }

    pub fn lose(&mut self, number: u32) {
        let count = &mut self.list[number as usize].1;
        *count = count.saturating_sub(1);
    }
}
