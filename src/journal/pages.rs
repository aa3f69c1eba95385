//! Going through operations and items page by page, so that a long history is never in memory as a whole.

use std::ops::ControlFlow;

use super::{Journal, JournalError};
use crate::domain::history::{HistoryFilter, ItemRow, OperationSummary};
use crate::domain::{ItemState, OperationId};

/// Operations that are read at a time.
const OPERATIONS: usize = 200;
/// And items; more of those that have to be looked for.
const ITEMS: usize = 1_000;
const CHOSEN_ITEMS: usize = 10_000;

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
            states => each(CHOSEN_ITEMS, |offset| self.items_in(id, states, offset, CHOSEN_ITEMS), with),
        }
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

#[cfg(test)]
mod tests {
    use super::super::tests::support::*;
    use super::*;
    use crate::domain::ItemState;

    #[test]
    fn every_page_is_read_and_no_more_than_is_wanted() {
        let folder = quick_folder();
        let journal = Journal::open(folder.path()).unwrap();
        run(&journal, &operation("op1", &assign(ITEMS + 2)), &[0, 7], ItemState::Done);
        let mut seqs = Vec::new();
        let mut take = |row: ItemRow| -> Result<ControlFlow<()>, JournalError> {
            seqs.push(row.seq);
            Ok(ControlFlow::Continue(()))
        };
        journal.each_item(&"op1".into(), &[ItemState::Done], &mut take).unwrap();
        journal.each_item(&"op1".into(), &[], &mut take).unwrap();
        assert!(seqs.into_iter().eq([0, 7].into_iter().chain(0..ITEMS as u32 + 2)));

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
