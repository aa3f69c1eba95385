//! The changes of a plan.

use super::Change;
use super::rows::{Row, Rows, like_a_list};
use crate::domain::{Assignment, SafeText, TargetId, Timestamp};

/// The changes of one part, in their order. Held in columns: a change takes its texts and a few bytes.
#[derive(Clone, Default)]
pub struct Changes {
    rows: Rows,
    readings: Readings,
}

/// One of them, where it lies. What may come from outside is taken out as what it is, so that it can be shown.
#[derive(Clone, Copy, PartialEq)]
pub struct ChangeRef<'a> {
    target: &'a str,
    name: &'a str,
    scope: &'a str,
    pub before: &'a Assignment,
    pub after: &'a Assignment,
    pub read_at: Option<Timestamp>,
}

impl<'a> ChangeRef<'a> {
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

    pub fn scope(&self) -> &'a str {
        self.scope
    }

    /// A copy that stands by itself.
    pub fn to_change(&self) -> Change {
        Change {
            target: self.target(),
            name: self.name(),
            before: self.before.clone(),
            after: self.after.clone(),
            read_at: self.read_at,
            scope: self.scope.into(),
        }
    }
}

impl Changes {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn push(&mut self, change: &Change) {
        self.rows.push(Row {
            target: change.target.as_str(),
            name: change.name.as_str(),
            scope: &change.scope,
            before: &change.before,
            after: &change.after,
        });
        self.readings.push(change.read_at);
    }

    /// Copies all of `other`'s to the end.
    pub fn append(&mut self, other: &Self) {
        self.rows.append(&other.rows);
        other.readings.iter().for_each(|read_at| self.readings.push(read_at));
    }

    pub fn get(&self, number: usize) -> Option<ChangeRef<'_>> {
        let row = self.rows.get(number)?;
        Some(ChangeRef::of(row, self.readings.get(number)))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = ChangeRef<'_>> + Clone {
        let mut readings = self.readings.iter();
        self.rows.iter().map(move |row| ChangeRef::of(row, readings.next().flatten()))
    }

    /// Copies of all, for as long as they are few.
    pub fn to_vec(&self) -> Vec<Change> {
        self.iter().map(|change| change.to_change()).collect()
    }

    /// All of them after `edit` has seen each.
    pub fn edit(&mut self, mut edit: impl FnMut(usize, &mut Change)) {
        let edited = self.iter().enumerate().map(|(number, change)| {
            let mut change = change.to_change();
            edit(number, &mut change);
            change
        });
        *self = edited.collect();
    }

    /// Every before-value counts as old from now on.
    pub fn forget_readings(&mut self) {
        self.readings = Readings::none(self.len());
    }

    /// Gives back the room that was kept for more.
    pub fn shrink(&mut self) {
        self.rows.shrink();
        self.readings.runs.shrink_to_fit();
    }
}

impl<'a> ChangeRef<'a> {
    fn of(row: Row<'a>, read_at: Option<Timestamp>) -> Self {
        let Row { target, name, scope, before, after } = row;
        Self { target, name, scope, before, after, read_at }
    }
}

/// When before-values were read: one entry for all that follow each other and were read at the same time.
#[derive(Clone, Default)]
struct Readings {
    /// Where each run ends, by the numbers of changes, and its time.
    runs: Vec<(u32, Option<Timestamp>)>,
}

impl Readings {
    fn none(changes: usize) -> Self {
        Self { runs: if changes == 0 { Vec::new() } else { vec![(changes as u32, None)] } }
    }

    fn push(&mut self, read_at: Option<Timestamp>) {
        let end = self.runs.last().map_or(0, |(end, _)| *end) + 1;
        match self.runs.last_mut() {
            Some((last, same)) if *same == read_at => *last = end,
            _ => self.runs.push((end, read_at)),
        }
    }

    fn get(&self, number: usize) -> Option<Timestamp> {
        let run = self.runs.partition_point(|(end, _)| *end as usize <= number);
        self.runs.get(run)?.1
    }

    fn iter(&self) -> impl Iterator<Item = Option<Timestamp>> + Clone {
        let mut begin = 0;
        self.runs.iter().flat_map(move |(end, read_at)| {
            let run = std::iter::repeat_n(*read_at, (end - begin) as usize);
            begin = *end;
            run
        })
    }
}

like_a_list!(Changes, ChangeRef, Change, to_change, "a list of changes");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OwnerRef;
    use proptest::prelude::*;

    fn an_assignment() -> impl Strategy<Value = Assignment> {
        prop_oneof![
            Just(Assignment::Unknown),
            Just(Assignment::unassigned()),
            "[a-c]{1,2}".prop_map(|id| Assignment::Owner(OwnerRef::new(&id, format!("\u{1b}{id}")))),
            prop::collection::btree_set("[a-c]", 0..3).prop_map(Assignment::agents),
        ]
    }

    fn a_change() -> impl Strategy<Value = Change> {
        let texts =
            ("\\PC{0,12}", "\\PC{0,12}", prop_oneof![Just(String::new()), "\\PC{0,300}".prop_map(String::from)]);
        let read_at = prop::option::of(prop::sample::select(vec![0, 7, 1_700_000_000_123_456_789]));
        (texts, an_assignment(), an_assignment(), read_at).prop_map(
            |((target, name, scope), before, after, read_at)| Change {
                target: TargetId::new(target),
                name: SafeText::new(&name),
                before,
                after,
                read_at: read_at.map(|at| Timestamp::from_nanosecond(at).unwrap()),
                scope: scope.into(),
            },
        )
    }

    proptest! {
        #[test]
        fn changes_are_kept_as_they_came_and_written_down_like_a_list(
            list in prop::collection::vec(a_change(), 0..60),
            at in any::<prop::sample::Index>(),
            other in a_change(),
        ) {
            let changes: Changes = list.clone().into();
            prop_assert_eq!(changes.to_vec(), list.clone());
            let one_by_one: Vec<Change> =
                (0..list.len()).filter_map(|number| Some(changes.get(number)?.to_change())).collect();
            prop_assert_eq!(&one_by_one, &list);
            prop_assert_eq!(changes.get(list.len()), None);
            let text = serde_json::to_string(&changes).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&list).unwrap());
            prop_assert_eq!(&serde_json::from_str::<Changes>(&text).unwrap(), &changes);
            if !list.is_empty() {
                let at = at.index(list.len());
                let mut edited = changes.clone();
                edited.edit(|number, change| if number == at { *change = other.clone() });
                let mut wanted = list.clone();
                wanted[at] = other;
                prop_assert_eq!(edited.to_vec(), wanted);
                prop_assert_eq!(changes.to_vec(), list, "copies do not change");
            }
        }
    }

    #[test]
    fn a_change_takes_its_texts_and_a_few_bytes() {
        const LONG: usize = 10_000;
        let owner = |n: usize| Assignment::Owner(OwnerRef::new(format!("owner_{n}"), format!("Owner Number {n}")));
        let change = |n: usize| Change {
            target: TargetId::new(format!("lead_{n:08}")),
            name: SafeText::empty(),
            before: owner(n % 300),
            after: owner(0),
            read_at: Some(Timestamp::UNIX_EPOCH),
            scope: "".into(),
        };
        let changes: Changes = (0..LONG).map(change).collect();
        let bytes = changes.rows.heap_bytes() + changes.readings.runs.capacity() * 24;
        // The id, and four bytes for the number of one of more than 256 owners.
        assert!(bytes <= LONG * (13 + 5) + 1_000, "{bytes}");
        let mut forgotten = changes.clone();
        forgotten.forget_readings();
        assert!(forgotten.iter().all(|change| change.read_at.is_none()));
        assert_eq!(forgotten.len(), LONG);
    }
}
