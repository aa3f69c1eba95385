//! What a plan leaves alone.

use std::sync::Arc;

use super::rows::{Row, Rows, like_a_list};
use super::{Skip, SkipReason};
use crate::domain::leads::columns::Codes;
use crate::domain::leads::intern::Numbered;
use crate::domain::{Assignment, SafeText, TargetId};

/// The skips of one part, in their order. Held in columns, like [`Changes`](super::Changes): reasons are few.
#[derive(Clone, Default)]
pub struct Skips {
    rows: Rows,
    reasons: Arc<Numbered<SkipReason>>,
    reason: Codes,
}

/// One of them, where it lies.
#[derive(Clone, Copy, PartialEq)]
pub struct SkipRef<'a> {
    target: &'a str,
    name: &'a str,
    pub before: &'a Assignment,
    pub after: &'a Assignment,
    pub reason: &'a SkipReason,
}

impl<'a> SkipRef<'a> {
    fn of(row: Row<'a>, reason: &'a SkipReason) -> Self {
        Self { target: row.target, name: row.name, before: row.before, after: row.after, reason }
    }

    pub fn target(&self) -> TargetId {
        TargetId::new(self.target)
    }

    /// The target exactly as the vendor gave it. Not for screens: use [`target`](Self::target) there.
    pub fn id(&self) -> &'a str {
        self.target
    }

    pub fn name(&self) -> SafeText {
        SafeText::new(self.name)
    }

    /// The name's text, for whoever keeps it.
    pub fn name_as_kept(&self) -> &'a str {
        self.name
    }

    /// A copy that stands by itself.
    pub fn to_skip(&self) -> Skip {
        Skip {
            target: self.target(),
            name: self.name(),
            before: self.before.clone(),
            after: self.after.clone(),
            reason: self.reason.clone(),
        }
    }
}

impl Skips {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push(&mut self, skip: &Skip) {
        self.rows.push(Row {
            target: skip.target.as_str(),
            name: skip.name.as_str(),
            scope: "",
            before: &skip.before,
            after: &skip.after,
        });
        self.reason.push(Numbered::number(&mut self.reasons, &skip.reason));
    }

    /// Copies all of `other`'s to the end.
    pub fn append(&mut self, other: &Self) {
        self.rows.append(&other.rows);
        for skip in other.iter() {
            self.reason.push(Numbered::number(&mut self.reasons, skip.reason));
        }
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.rows.shrink();
        self.reason.shrink();
    }

    pub fn get(&self, number: usize) -> Option<SkipRef<'_>> {
        let row = self.rows.get(number)?;
        Some(SkipRef::of(row, &self.reasons.values()[self.reason.get(number) as usize]))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = SkipRef<'_>> + Clone {
        let reasons = self.reasons.values();
        let reason = move |number| &reasons[self.reason.get(number) as usize];
        self.rows.iter().enumerate().map(move |(number, row)| SkipRef::of(row, reason(number)))
    }

    /// Copies of all, for as long as they are few.
    pub fn to_vec(&self) -> Vec<Skip> {
        self.iter().map(|skip| skip.to_skip()).collect()
    }

    /// The different reasons, each once.
    pub fn reasons(&self) -> &[SkipReason] {
        self.reasons.values()
    }

    /// Says one reason in other words.
    pub fn say_instead(&mut self, reason: &SkipReason, instead: &SkipReason) {
        if self.reasons().contains(reason) {
            let renamed = |skip: SkipRef<'_>| Skip {
                reason: if skip.reason == reason { instead.clone() } else { skip.reason.clone() },
                ..skip.to_skip()
            };
            *self = self.iter().map(renamed).collect();
        }
    }
}

like_a_list!(Skips, SkipRef, Skip, to_skip, "a list of skips");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OwnerRef;

    #[test]
    fn skips_are_kept_as_they_came_and_written_down_like_a_list() {
        let owner = |n: usize| Assignment::Owner(OwnerRef::with_id(format!("u{n}")));
        let reasons = [
            SkipReason::AlreadyThere,
            SkipReason::NoSuchLead,
            SkipReason::Drift { was: "Ann".into(), now: "Bob".into() },
            SkipReason::Other("because".to_owned()),
        ];
        let skip = |n: usize| Skip {
            target: TargetId::new(format!("lead_{n}")),
            name: SafeText::from(format!("Lead {n}")),
            before: owner(n % 7),
            after: owner(0),
            reason: reasons[n % reasons.len()].clone(),
        };
        let mut list: Vec<Skip> = (0..50).map(skip).collect();
        let mut skips: Skips = list.clone().into();
        assert_eq!(skips.to_vec(), list);
        assert_eq!(skips.get(33).map(|skip| skip.to_skip()), list.get(33).cloned());
        assert_eq!(skips.reasons(), reasons);
        let text = serde_json::to_string(&skips).unwrap();
        assert_eq!(text, serde_json::to_string(&list).unwrap());
        assert_eq!(serde_json::from_str::<Skips>(&text).unwrap(), skips);
        let perhaps = SkipReason::Other("perhaps elsewhere".to_owned());
        skips.say_instead(&SkipReason::NoSuchLead, &perhaps);
        for skip in list.iter_mut().filter(|skip| skip.reason == SkipReason::NoSuchLead) {
            skip.reason = perhaps.clone();
        }
        assert_eq!(skips.to_vec(), list);
    }
}
