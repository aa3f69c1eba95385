//! An operation's kinds and its items' states with the only moves that are legal between them.

use serde::{Deserialize, Serialize};

/// What an operation is for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OperationKind {
    Assign,
    Distribute,
    Map,
    Undo,
    Redo,
}

/// The state of one item of an operation.
///
/// `planned → sent → done | failed | unknown`; `planned → skipped`; `planned → not sent`;
/// `unknown → done | failed | changed by others`. Nothing else. (An item that was read again and is still unknown may
/// get a newer reason; that is not a move.)
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ItemState {
    Planned,
    Sent,
    Done,
    Failed,
    Unknown,
    Skipped,
    NotSent,
    /// Found when an unknown item was read back; reported as `skipped` with was and now.
    ChangedByOthers,
}

impl ItemState {
    /// Whether an item may go from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use ItemState::*;
        matches!(
            (self, next),
            (Planned, Sent | Skipped | NotSent)
                | (Sent, Done | Failed | Unknown)
                | (Unknown, Done | Failed | ChangedByOthers)
                // Read again, and still not known: a newer reason.
                | (Unknown, Unknown)
                // An operation that was stopped can be continued: what was not sent is planned again.
                | (NotSent, Planned)
        )
    }

    /// Nothing more happens to an item in this state by itself.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Planned | Self::Sent | Self::Unknown)
    }

    /// The word for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::NotSent => "not sent",
            Self::ChangedByOthers => "changed by others",
        }
    }

    /// The word of the command line's `state` field (cli.md): changes by others are `skipped`, an item whose request
    /// left but has no outcome yet is `unknown`.
    pub fn contract_word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sent | Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped | Self::ChangedByOthers => "skipped",
            Self::NotSent => "not_sent",
        }
    }

    /// Whether a person who asks for items by this word means this state too: the contract's words, with those of the
    /// journal where it says more.
    pub fn is_called(self, word: &str) -> bool {
        let word = word.trim().to_lowercase().replace([' ', '-'], "_");
        self.contract_word() == word || <&str>::from(self) == word
    }

    /// The mark that says the state where there is no room for the word.
    pub fn mark(self) -> char {
        match self {
            Self::Planned => '·',
            Self::Sent => '›',
            Self::Done => '✓',
            Self::Failed => '✗',
            Self::Unknown => '?',
            Self::Skipped => '~',
            Self::NotSent => '-',
            Self::ChangedByOthers => '≠',
        }
    }
}

/// How many items of an operation are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub planned: usize,
    pub sent: usize,
    pub done: usize,
    pub failed: usize,
    pub unknown: usize,
    pub skipped: usize,
    pub not_sent: usize,
    pub changed_by_others: usize,
}

impl Tally {
    pub fn slot(&mut self, state: ItemState) -> &mut usize {
        match state {
            ItemState::Planned => &mut self.planned,
            ItemState::Sent => &mut self.sent,
            ItemState::Done => &mut self.done,
            ItemState::Failed => &mut self.failed,
            ItemState::Unknown => &mut self.unknown,
            ItemState::Skipped => &mut self.skipped,
            ItemState::NotSent => &mut self.not_sent,
            ItemState::ChangedByOthers => &mut self.changed_by_others,
        }
    }

    pub fn add(&mut self, state: ItemState, items: usize) {
        *self.slot(state) += items;
    }

    /// Counts one item's move.
    pub fn shift(&mut self, from: ItemState, to: ItemState) {
        let slot = self.slot(from);
        *slot = slot.saturating_sub(1);
        *self.slot(to) += 1;
    }

    pub fn total(&self) -> usize {
        self.planned
            + self.sent
            + self.done
            + self.failed
            + self.unknown
            + self.skipped
            + self.not_sent
            + self.changed_by_others
    }

    /// Items that nothing more happens to by itself.
    pub fn settled(&self) -> usize {
        self.total() - self.planned - self.sent - self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn only_the_moves_of_the_design_are_legal() {
        use ItemState::*;
        let legal = [
            (Planned, Sent),
            (Planned, Skipped),
            (Planned, NotSent),
            (Sent, Done),
            (Sent, Failed),
            (Sent, Unknown),
            (Unknown, Done),
            (Unknown, Failed),
            (Unknown, ChangedByOthers),
            (Unknown, Unknown),
            (NotSent, Planned),
        ];
        for from in ItemState::iter() {
            for to in ItemState::iter() {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }
}
