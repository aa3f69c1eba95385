//! Going through operations and items page by page, so that a long history is never in memory as a whole.

use std::ops::ControlFlow;

use super::{Journal, JournalError};
use crate::domain::history::{HistoryFilter, ItemRow, OperationSummary};
use crate::domain::{ItemState, OperationId};

/// Operations that are read at a time.
const OPERATIONS: usize = 200;
/// And items.
pub(super) const ITEMS: usize = 1_000;

impl Journal {
    /// Hands over the operations that fit, newest first, for as long as `with` goes on.
    pub fn each_operation<E: From<JournalError>>(
        &self,
        filter: &HistoryFilter,
        with: impl FnMut(OperationSummary) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        each(OPERATIONS, |offset| self.operations_where(filter, offset, OPERATIONS), with)
    }

    /// Hands over the items of an operation that are in one of `states` (in any, where there are none), in their order,
    /// for as long as `with` goes on.
    pub fn each_item<E: From<JournalError>>(
        &self,
        id: &OperationId,
        states: &[ItemState],
        with: impl FnMut(ItemRow) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        match states {
            [] => each(ITEMS, |offset| self.items(id, offset, ITEMS), with),
            // Each page begins where the one before ended: nothing is counted through again.
            states => each_from(|from| self.items_in_from(id, states, from), with),
        }
    }

    /// Hands over the items that were done, or applied in part, and not taken back since, in their order, for as long as
    /// `with` goes on: what an undo of this operation covers.
    pub fn each_undoable<E: From<JournalError>>(
        &self,
        id: &OperationId,
        with: impl FnMut(ItemRow) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        each_from(|from| self.undoable_from(id, from), with)
    }
}

fn each<T, E: From<JournalError>>(
    size: usize,
    page: impl Fn(usize) -> Result<Vec<T>, JournalError>,
    mut with: impl FnMut(T) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut offset = 0;
    loop {
        let found = page(offset)?;
        let read = found.len();
        for one in found {
            if with(one)?.is_break() {
                return Ok(());
            }
        }
        offset += read;
        if read < size {
            return Ok(());
        }
    }
}

/// `page` gives what follows from a number on, and from where the next page does.
fn each_from<T, E: From<JournalError>>(
    page: impl Fn(u32) -> Result<(Vec<T>, Option<u32>), JournalError>,
    mut with: impl FnMut(T) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut from = Some(0);
    while let Some(begin) = from {
        let (found, next) = page(begin)?;
        for one in found {
            if with(one)?.is_break() {
                return Ok(());
            }
        }
        from = next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::ItemState;

    #[test]
    fn every_page_is_read_and_no_more_than_is_wanted() {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        let done: Vec<u32> = [0, 7].into_iter().chain(1_000..2 * ITEMS as u32 + 1).collect();
        run(&journal, &operation("op1", &assign(2 * ITEMS + 2)), &done, ItemState::Done);
        let mut seqs = Vec::new();
        let mut take = |row: ItemRow| -> Result<ControlFlow<()>, JournalError> {
            seqs.push(row.seq);
            Ok(ControlFlow::Continue(()))
        };
        journal.each_item(&"op1".into(), &[ItemState::Done], &mut take).unwrap();
        journal.each_item(&"op1".into(), &[], &mut take).unwrap();
        journal.each_undoable(&"op1".into(), &mut take).unwrap();
        let all: Vec<u32> = (0..2 * ITEMS as u32 + 2).collect();
        assert_eq!(seqs, [&done[..], &all, &done].concat());

        for n in 2..=OPERATIONS + 3 {
            let id: &'static str = format!("op{n}").leak();
            drop(journal.begin(&operation(id, &assign(1))).unwrap());
        }
        let mut seen = 0;
        let all = journal.each_operation(&HistoryFilter::default(), |_| -> Result<_, JournalError> {
            seen += 1;
            Ok(ControlFlow::Continue(()))
        });
        assert_eq!((all, seen), (Ok(()), OPERATIONS + 3));
        let mut newest = Vec::new();
        let stopped = journal.each_operation(&HistoryFilter::default(), |operation| -> Result<_, JournalError> {
            newest.push(operation.id.to_string());
            Ok(if newest.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        assert_eq!((stopped, newest), (Ok(()), vec![format!("op{}", OPERATIONS + 3), format!("op{}", OPERATIONS + 2)]));
        // An error of the caller's ends it.
        let refused = JournalError::Refused("enough".to_owned());
        let ended = journal.each_operation(&HistoryFilter::default(), |_| Err(refused.clone()));
        assert_eq!(ended, Err(refused.clone()));
    }
}
