//! What the rows of a plan have in common, in columns: a plan may be a million rows long, and each of them is held twice as
//! long as anybody looks at it. Texts lie one behind another, assignments are numbers.

use std::sync::Arc;

use crate::domain::Assignment;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::intern::Numbered;

/// Where the texts of a row begin is kept for every so many rows; the lengths tell the rest.
const STEP: usize = 16;

/// Targets, names, scopes and assignments.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Target, name and scope of the first row, of the second row ...
    text: String,
    /// Where in `text` the rows 0, [`STEP`], 2 · `STEP` ... begin.
    begins: Vec<usize>,
    /// Lengths in bytes.
    targets: Codes,
    names: Codes,
    scopes: Codes,
    /// Shared by whoever copied a plan, until one of them gets more.
    assignments: Arc<Numbered<Assignment>>,
    before: Codes,
    after: Codes,
}

/// One of the rows.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Row<'a> {
    pub target: &'a str,
    pub name: &'a str,
    pub scope: &'a str,
    pub before: &'a Assignment,
    pub after: &'a Assignment,
}

impl Row<'_> {
    fn bytes(&self) -> usize {
        self.target.len() + self.name.len() + self.scope.len()
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    pub fn push(&mut self, row: Row<'_>) {
        if self.len().is_multiple_of(STEP) {
            self.begins.push(self.text.len());
        }
        for (text, lengths) in
            [(row.target, &mut self.targets), (row.name, &mut self.names), (row.scope, &mut self.scopes)]
        {
            self.text.push_str(text);
            // The whole answer in which it came was shorter than that.
            lengths.push(text.len() as u32);
        }
        self.before.push(Numbered::number(&mut self.assignments, row.before));
        self.after.push(Numbered::number(&mut self.assignments, row.after));
    }

    pub fn append(&mut self, other: &Self) {
        other.iter().for_each(|row| self.push(row));
    }

    pub fn get(&self, row: usize) -> Option<Row<'_>> {
        (row < self.len()).then(|| {
            let step = row / STEP;
            let within = (step * STEP..row).map(|row| self.bytes_of(row)).sum::<usize>();
            self.row_at(row, self.begins[step] + within)
        })
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> + Clone {
        let mut begin = 0;
        (0..self.len()).map(move |row| {
            let found = self.row_at(row, begin);
            begin += found.bytes();
            found
        })
    }

    fn bytes_of(&self, row: usize) -> usize {
        [&self.targets, &self.names, &self.scopes].map(|lengths| lengths.get(row) as usize).iter().sum()
    }

    /// A row whose texts begin there.
    fn row_at(&self, row: usize, begin: usize) -> Row<'_> {
        let mut rest = &self.text[begin..];
        let mut take = |lengths: &Codes| {
            let (text, after) = rest.split_at(lengths.get(row) as usize);
            rest = after;
            text
        };
        let (target, name, scope) = (take(&self.targets), take(&self.names), take(&self.scopes));
        let assignments = self.assignments.values();
        let (before, after) = (self.before.get(row) as usize, self.after.get(row) as usize);
        Row { target, name, scope, before: &assignments[before], after: &assignments[after] }
    }

    /// No room for more than there is.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.begins.shrink_to_fit();
        for codes in [&mut self.targets, &mut self.names, &mut self.scopes, &mut self.before, &mut self.after] {
            codes.shrink();
        }
    }

    /// Without the assignments, which are as many as there are owners.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        let codes = [&self.targets, &self.names, &self.scopes, &self.before, &self.after];
        let codes = codes.map(Codes::heap_bytes).iter().sum::<usize>();
        self.text.capacity() + self.begins.capacity() * size_of::<usize>() + codes
    }
}

/// What rows that stand by themselves, read as `$Item`, have in common with a list of them: made from one, compared, shown
/// and written down like one. `$list` says what it is, for whoever reads something else.
macro_rules! like_a_list {
    ($Rows:ident, $Ref:ident, $Item:ident, $to_item:ident, $list:literal) => {
        impl FromIterator<$Item> for $Rows {
            fn from_iter<T: IntoIterator<Item = $Item>>(items: T) -> Self {
                let mut this = Self::default();
                this.extend(items);
                this.shrink();
                this
            }
        }

        impl Extend<$Item> for $Rows {
            fn extend<T: IntoIterator<Item = $Item>>(&mut self, items: T) {
                items.into_iter().for_each(|item| self.push(&item));
            }
        }

        impl From<Vec<$Item>> for $Rows {
            fn from(items: Vec<$Item>) -> Self {
                items.into_iter().collect()
            }
        }

        impl PartialEq for $Rows {
            fn eq(&self, other: &Self) -> bool {
                self.len() == other.len() && self.iter().eq(other.iter())
            }
        }

        impl std::fmt::Debug for $Ref<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.$to_item().fmt(f)
            }
        }

        impl std::fmt::Debug for $Rows {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }

        impl serde::Serialize for $Rows {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.iter().map(|item| item.$to_item()))
            }
        }

        impl<'de> serde::Deserialize<'de> for $Rows {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct List;
                impl<'de> serde::de::Visitor<'de> for List {
                    type Value = $Rows;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($list)
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<$Rows, A::Error> {
                        let mut items = $Rows::default();
                        while let Some(item) = list.next_element::<$Item>()? {
                            items.push(&item);
                        }
                        items.shrink();
                        Ok(items)
                    }
                }
                deserializer.deserialize_seq(List)
            }
        }
    };
}
pub(super) use like_a_list;
