//! What a walk over the pages of a list keeps of them: enough to notice pages that bring nothing new, or a list that does
//! not turn its pages would be read for ever.

use std::collections::HashSet;
use std::hash::BuildHasher;

use compact_str::CompactString;
use hashbrown::DefaultHashBuilder;

/// What was seen of a list.
#[derive(Debug)]
pub struct Seen(Kept);

#[derive(Debug)]
enum Kept {
    Rows {
        all: HashSet<CompactString>,
        /// Since the walk began again.
        again: Option<HashSet<CompactString>>,
    },
    Pages {
        hasher: DefaultHashBuilder,
        pages: HashSet<u64>,
        rows: usize,
    },
}

impl Seen {
    /// Keeps the id of every row: each row is given once.
    pub fn rows() -> Self {
        Self(Kept::Rows { all: HashSet::new(), again: None })
    }

    /// Keeps a number for every page, however long the list is: for whoever looks for certain rows, and does not mind one
    /// that comes twice because it moved.
    pub fn pages() -> Self {
        Self(Kept::Pages { hasher: DefaultHashBuilder::default(), pages: HashSet::new(), rows: 0 })
    }

    /// Rows so far, each once; with [`pages`](Self::pages) those of all pages that brought something new.
    pub fn count(&self) -> usize {
        match &self.0 {
            Kept::Rows { all, .. } => all.len(),
            Kept::Pages { rows, .. } => *rows,
        }
    }

    /// The list is walked over once more: nearly every row was seen before, and what counts as new is what this walk did not
    /// see.
    pub fn begin_again(&mut self) {
        match &mut self.0 {
            Kept::Rows { again, .. } => *again = Some(HashSet::new()),
            Kept::Pages { pages, .. } => pages.clear(),
        }
    }

    /// Takes a page in, and leaves the rows that are to be given: those that are new, and those without an id. Whether it
    /// brought anything new. Of whole pages one is new when no page before had the same rows, in whatever order.
    pub fn take_in<R>(&mut self, page: &mut Vec<R>, id: impl Fn(&R) -> Option<CompactString>) -> bool {
        match &mut self.0 {
            Kept::Rows { all, again } => {
                let before = again.as_ref().unwrap_or(all).len();
                if let Some(again) = again {
                    again.extend(page.iter().filter_map(&id));
                }
                page.retain(|row| id(row).is_none_or(|id| all.insert(id)));
                again.as_ref().unwrap_or(all).len() > before
            }
            Kept::Pages { hasher, pages, rows } => {
                let hashes = page.iter().filter_map(&id).map(|id| hasher.hash_one(id));
                let sum = hashes.reduce(u64::wrapping_add);
                let is_new = sum.is_some_and(|sum| pages.insert(sum));
                if is_new {
                    *rows += page.len();
                }
                is_new
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of each page, and whether it was new.
    fn taken<'a>(seen: &mut Seen, pages: &[&'a str]) -> Vec<(Vec<&'a str>, bool)> {
        let take_in = |page: &&'a str| {
            let mut rows: Vec<&str> = page.split_whitespace().collect();
            let is_new = seen.take_in(&mut rows, |row| (*row != "?").then(|| CompactString::from(*row)));
            (rows, is_new)
        };
        pages.iter().map(take_in).collect()
    }

    #[test]
    fn rows_are_given_once_and_a_second_walk_has_pages_of_its_own() {
        let mut seen = Seen::rows();
        let first = taken(&mut seen, &["a b ?", "b c", "c a", "?", ""]);
        let wanted = [(vec!["a", "b", "?"], true), (vec!["c"], true), (vec![], false), (vec!["?"], false)];
        assert_eq!(first[..4], wanted);
        assert_eq!((&first[4], seen.count()), (&(vec![], false), 3));
        seen.begin_again();
        assert_eq!(taken(&mut seen, &["a b", "b d", "d a"]), [(vec![], true), (vec!["d"], true), (vec![], false)]);
        assert_eq!(seen.count(), 4);
    }

    #[test]
    fn pages_are_known_again_in_whatever_order_their_rows_are() {
        let mut seen = Seen::pages();
        let is_new = |seen: &mut Seen, pages: &[&str]| -> Vec<bool> {
            taken(seen, pages).into_iter().map(|(_, is_new)| is_new).collect()
        };
        // A list of five that begins again where it ends, and one whose rows moved between the pages.
        assert_eq!(
            is_new(&mut seen, &["a b", "c d", "e a", "b c", "d e", "a b"]),
            [true, true, true, true, true, false]
        );
        assert_eq!(is_new(&mut seen, &["d c", "?", "", "d f"]), [false, false, false, true]);
        assert_eq!(seen.count(), 12);
        seen.begin_again();
        assert_eq!(is_new(&mut seen, &["a b"]), [true]);
    }
}
