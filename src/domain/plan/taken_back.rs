//! What the changes of an undo or a redo take back.

use std::sync::Arc;

use super::TakesBack;
use super::rows::like_a_list;
use crate::domain::OperationId;
use crate::domain::leads::columns::Codes;
use crate::domain::leads::intern::Numbered;

/// The items behind the changes of one part. Held in columns, like [`Changes`](super::Changes): the operations are few.
#[derive(Clone, Default)]
pub struct TakenBack {
    /// Indexes into the part's changes.
    changes: Vec<u32>,
    seqs: Vec<u32>,
    operations: Arc<Numbered<OperationId>>,
    operation: Codes,
}

/// One of them, where it lies.
#[derive(Clone, Copy, PartialEq)]
pub struct TakenBackRef<'a> {
    /// Index into the part's changes.
    pub change: u32,
    pub operation: &'a OperationId,
    pub seq: u32,
}

impl TakenBackRef<'_> {
    /// A copy that stands by itself.
    pub fn to_takes_back(&self) -> TakesBack {
        TakesBack { change: self.change, operation: self.operation.clone(), seq: self.seq }
    }
}

impl TakenBack {
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push(&mut self, back: &TakesBack) {
        self.add(back.change, &back.operation, back.seq);
    }

    /// Notes that a change takes back this item of an operation.
    pub fn add(&mut self, change: u32, operation: &OperationId, seq: u32) {
        self.changes.push(change);
        self.seqs.push(seq);
        self.operation.push(Numbered::number(&mut self.operations, operation));
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = TakenBackRef<'_>> + Clone {
        (0..self.len()).map(|row| TakenBackRef {
            change: self.changes[row],
            operation: &self.operations.values()[self.operation.get(row) as usize],
            seq: self.seqs[row],
        })
    }

    /// Follows changes that got other numbers; what belongs to one that got none goes.
    pub fn renumber(&mut self, number: impl Fn(u32) -> Option<u32>) {
        let mut left = Self::default();
        for back in self.iter() {
            if let Some(change) = number(back.change) {
                left.add(change, back.operation, back.seq);
            }
        }
        left.shrink();
        *self = left;
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.changes.shrink_to_fit();
        self.seqs.shrink_to_fit();
        self.operation.shrink();
    }
}

like_a_list!(TakenBack, TakenBackRef, TakesBack, to_takes_back, "a list of items that are taken back");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_go_take_what_they_take_back_along() {
        let back = |change, operation: &str, seq| TakesBack { change, operation: operation.into(), seq };
        let all = vec![back(0, "b", 4), back(0, "a", 1), back(1, "b", 5), back(2, "a", 9)];
        let mut taken = TakenBack::from(all.clone());
        let told = |taken: &TakenBack| taken.iter().map(|back| back.to_takes_back()).collect::<Vec<_>>();
        assert_eq!(told(&taken), all);
        taken.renumber(|change| change.checked_sub(1));
        assert_eq!(told(&taken), [back(0, "b", 5), back(1, "a", 9)]);
        let written = serde_json::to_string(&taken).unwrap();
        assert_eq!(written, r#"[{"change":0,"operation":"b","seq":5},{"change":1,"operation":"a","seq":9}]"#);
        assert_eq!(serde_json::from_str::<TakenBack>(&written).unwrap(), taken);
    }
}
