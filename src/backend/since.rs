//! Which operations have to be taken back so that everything is as it was at some time.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use crate::domain::history::{HistoryFilter, OperationSummary};
use crate::domain::{OperationId, SafeText, Timestamp};
use crate::journal::{Journal, JournalError};

/// The operations that have to be taken back so that everything is as it was at `from`, or everything that one person
/// did: newest first.
///
/// An undo of something older counts like any other operation. An undo of something newer does not: both together
/// changed nothing. Its redo does again, and so on. An undo of both is taken back, and what is newer with it
/// ([`UndoRequest::since`](super::UndoRequest::since)).
pub fn undoable_since(
    journal: &Journal,
    from: Timestamp,
    who: Option<&SafeText>,
) -> Result<Vec<OperationSummary>, JournalError> {
    let filter = HistoryFilter { since: Some(from), ..HistoryFilter::default() };
    let mut newer: Vec<OperationSummary> = Vec::new();
    journal.each_operation(&filter, |operation| -> Result<_, JournalError> {
        newer.push(operation);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(to_take_back(newer, who))
}

/// What an operation comes to since the time in question, together with everything since then that it takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comes {
    /// Nothing is other than it was then.
    Nothing,
    Something,
    /// To something with some of its items, with others not.
    Both,
}

/// What it comes to that an operation takes back something that comes to this.
fn taken_back(all: impl Iterator<Item = Comes>) -> Comes {
    all.map(|comes| match comes {
        Comes::Nothing => Comes::Something,
        Comes::Something => Comes::Nothing,
        Comes::Both => Comes::Both,
    })
    .reduce(|one, other| if one == other { one } else { Comes::Both })
    // It takes nothing back: an assignment, a distribution, a mapping.
    .unwrap_or(Comes::Something)
}

fn to_take_back(newer: Vec<OperationSummary>, who: Option<&SafeText>) -> Vec<OperationSummary> {
    let mut known: HashMap<&OperationId, Comes> = HashMap::new();
    // An operation can only take back older ones: they are known when it is asked for. What is older than all of these
    // was there at the time in question.
    for operation in newer.iter().rev() {
        let comes = |id: &OperationId| known.get(id).copied().unwrap_or(Comes::Nothing);
        let comes = taken_back(operation.reverts_all.iter().map(comes));
        known.insert(&operation.id, comes);
    }
    let counts = |operation: &OperationSummary| known.get(&operation.id) != Some(&Comes::Nothing);
    let wanted: HashSet<_> = newer
        .iter()
        .filter(|operation| {
            operation.standing() > 0 && counts(operation) && who.is_none_or(|who| is_by(operation, who))
        })
        .map(|operation| operation.id.clone())
        .collect();
    newer.into_iter().filter(|operation| wanted.contains(&operation.id)).collect()
}

/// Whether `who` names the person, `jane` or `jane@office`, in upper or lower case.
fn is_by(operation: &OperationSummary, who: &SafeText) -> bool {
    let by = operation.who.as_str().to_lowercase();
    let who = who.as_str().to_lowercase();
    by == who || by.split('@').next() == Some(who.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::OperationLife;
    use crate::domain::{OperationKind, Tally};

    fn operation(id: &str, kind: OperationKind, reverts: &[&str], undoable: usize) -> OperationSummary {
        OperationSummary {
            id: OperationId::new(id),
            at: Timestamp::UNIX_EPOCH,
            kind,
            reverts: reverts.first().map(OperationId::new),
            reverts_all: reverts.iter().map(OperationId::new).collect(),
            who: SafeText::new("jane@office"),
            note: None,
            parts: Vec::new(),
            tally: Tally::default(),
            undoable,
            no_way_back: 0,
            taken_back: 0,
            redos: Vec::new(),
            life: OperationLife::Ended,
        }
    }

    #[test]
    fn everything_since_a_time_is_what_still_makes_a_difference() {
        use OperationKind::{Assign, Redo, Undo};
        let assign = |id, undoable| operation(id, Assign, &[], undoable);
        let undo = |reverts: &[&str], undoable| operation("u", Undo, reverts, undoable);
        let redo = |undoable| operation("r", Redo, &["u"], undoable);
        for (newer, taken_back) in [
            (vec![assign("a", 3), assign("b", 1)], vec!["a", "b"]),
            // Taken back already.
            (vec![undo(&["a"], 3), assign("a", 0)], vec![]),
            // Taken back in part: only the rest of it.
            (vec![undo(&["a"], 2), assign("a", 1)], vec!["a"]),
            // Redone: the redo is what is there now.
            (vec![redo(3), undo(&["a"], 0), assign("a", 0)], vec!["r"]),
            // An undo of something older made a difference.
            (vec![undo(&["older"], 3)], vec!["u"]),
            (vec![redo(3), undo(&["older"], 0)], vec![]),
            // An undo of several at once: of newer ones, of older ones, of both.
            (vec![undo(&["b", "a"], 3), assign("b", 0), assign("a", 0)], vec![]),
            (vec![undo(&["older", "oldest"], 3)], vec!["u"]),
            (vec![undo(&["a", "older"], 3), assign("a", 0)], vec!["u"]),
            (vec![redo(3), undo(&["b", "a"], 0), assign("b", 0), assign("a", 0)], vec!["r"]),
            (vec![redo(3), undo(&["older", "oldest"], 0)], vec![]),
            (vec![redo(3), undo(&["a", "older"], 0), assign("a", 0)], vec!["r"]),
            // It took back nothing.
            (vec![undo(&[], 0)], vec![]),
        ] {
            let found: Vec<_> =
                to_take_back(newer, None).iter().map(|operation| operation.id.as_str().to_owned()).collect();
            assert_eq!(found, taken_back);
        }
    }

    #[test]
    fn a_person_is_named_with_or_without_the_computer() {
        let operations = || vec![operation("a", OperationKind::Assign, &[], 1)];
        for (who, found) in [("jane", 1), ("jane@office", 1), ("jan", 0), ("office", 0), ("bob", 0)] {
            assert_eq!(to_take_back(operations(), Some(&SafeText::new(who))).len(), found, "{who}");
        }
    }
}
