//! The owners of the listed leads with their loads.

use std::collections::{BTreeMap, HashMap};

use crate::domain::query::term::{OwnerIs, Term, Test};
use crate::domain::{Assignment, PersonStatus, ProfileName, SafeText};

use super::action::Action;
use super::job::Destination;
use super::list::ListCursor;
use super::profiles::Profile;
use super::state::{Focus, State};

/// One line of the owners pane.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerRow {
    pub who: Who,
    pub label: SafeText,
    pub email: SafeText,
    /// Role, team or store.
    pub group: SafeText,
    pub leads: usize,
    /// Somebody else has the same name: the e-mail address tells them apart.
    pub is_ambiguous: bool,
    /// What assigning to this person means in each profile.
    pub in_profile: BTreeMap<ProfileName, Assignment>,
}

/// What kind of owner a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    NotKnown,
    Person(PersonStatus),
    /// Leads whose owner is only a name that several people have.
    SharedName,
}

impl OwnerRow {
    /// Whether leads may be assigned to this one.
    pub fn can_be_given_leads(&self) -> bool {
        matches!(self.who, Who::Nobody | Who::Person(PersonStatus::Active))
    }
}

/// The state of the owners pane.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    pub rows: Vec<OwnerRow>,
    pub cursor: ListCursor,
    pub order: OwnerOrder,
    /// The highest load of a person, for the bars.
    pub most: usize,
}

/// How owners are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnerOrder {
    /// Most leads first.
    #[default]
    Busiest,
    /// Fewest leads first.
    Idlest,
    Name,
}

impl Who {
    /// The word that is shown beside the name, where there is something to say.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person(PersonStatus::Inactive) => "inactive",
            Self::Person(PersonStatus::Gone) => "gone",
            Self::SharedName => "which one?",
            _ => "",
        }
    }
}

/// Owners of some profiles with their loads. A person appears once a profile; who has no leads and cannot get any is
/// left out.
pub(super) fn owner_rows<'a>(profiles: impl Iterator<Item = &'a Profile>) -> Vec<OwnerRow> {
    let mut rows: Vec<OwnerRow> = Vec::new();
    let mut nobody = row(Who::Nobody, SafeText::new("Nobody"));
    let mut not_known = row(Who::NotKnown, SafeText::new("Not known"));
    for profile in profiles.filter(|profile| profile.capabilities.is_some()) {
        let first = rows.len();
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for person in profile.people.iter() {
            by_id.insert(person.id.as_str(), rows.len());
            by_name.entry(person.name.as_str()).or_default().push(rows.len());
            let mut row = row(Who::Person(person.status), person.label());
            row.email = person.email.clone();
            row.group = person.group.clone();
            row.in_profile.insert(profile.name.clone(), Assignment::Owner(person.owner_ref()));
            rows.push(row);
        }
        nobody.in_profile.insert(profile.name.clone(), Assignment::unassigned());
        not_known.in_profile.insert(profile.name.clone(), Assignment::Unknown);
        for (assignment, leads) in profile.table.owners() {
            let owner = match assignment {
                Assignment::Unassigned(_) => {
                    nobody.leads += leads;
                    continue;
                }
                Assignment::Owner(owner) => owner,
                Assignment::Unknown => {
                    not_known.leads += leads;
                    continue;
                }
                Assignment::Agents(_) => continue,
            };
            // Ids decide; where the vendor reveals only a name, that of one person alone does.
            let known = match (&owner.id, &owner.name) {
                (Some(id), _) => by_id.get(id.as_str()).copied().ok_or(PersonStatus::Gone),
                (None, Some(name)) => match by_name.get(name.as_str()).map_or(&[][..], Vec::as_slice) {
                    [one] => Ok(*one),
                    [] => Err(PersonStatus::Gone),
                    [..] => Err(PersonStatus::Active),
                },
                (None, None) => Err(PersonStatus::Gone),
            };
            match known {
                Ok(at) => rows[at].leads += leads,
                Err(status) if *leads > 0 => {
                    let who = if status == PersonStatus::Gone { Who::Person(status) } else { Who::SharedName };
                    let mut row = row(who, owner.label());
                    row.leads = *leads;
                    row.in_profile.insert(profile.name.clone(), assignment.clone());
                    rows.push(row);
                }
                Err(_) => {}
            }
        }
        let mut at = first;
        while at < rows.len() {
            if rows[at].leads == 0 && rows[at].who != Who::Person(PersonStatus::Active) {
                rows.remove(at);
            } else {
                at += 1;
            }
        }
    }
    let mut names: HashMap<SafeText, usize> = HashMap::new();
    for row in &rows {
        *names.entry(row.label.clone()).or_default() += 1;
    }
    for row in &mut rows {
        row.is_ambiguous = names.get(&row.label).is_some_and(|people| *people > 1) && !row.email.is_empty();
    }
    if nobody.leads > 0 || !nobody.in_profile.is_empty() {
        rows.push(nobody);
    }
    if not_known.leads > 0 {
        rows.push(not_known);
    }
    rows
}

fn row(who: Who, label: SafeText) -> OwnerRow {
    OwnerRow {
        who,
        label,
        email: SafeText::empty(),
        group: SafeText::empty(),
        leads: 0,
        is_ambiguous: false,
        in_profile: BTreeMap::new(),
    }
}

impl State {
    /// Leads, people or the list have changed: counts again. Costs as much as there are owners, not leads.
    pub(super) fn count_owners(&mut self) {
        let mut rows = owner_rows(self.listed_profiles());
        self.owners.most = rows.iter().filter(|row| is_person(row.who)).map(|row| row.leads).max().unwrap_or(0);
        let order = self.owners.order;
        rows.sort_by(|a, b| {
            if !is_person(a.who) || !is_person(b.who) {
                // Nobody, then not known, then the people.
                let place = |row: &OwnerRow| (is_person(row.who), row.who == Who::NotKnown);
                return place(a).cmp(&place(b));
            }
            let by_load = match order {
                OwnerOrder::Busiest => b.leads.cmp(&a.leads),
                OwnerOrder::Idlest => a.leads.cmp(&b.leads),
                OwnerOrder::Name => std::cmp::Ordering::Equal,
            };
            by_load.then_with(|| a.label.cmp(&b.label)).then_with(|| a.in_profile.keys().cmp(b.in_profile.keys()))
        });
        let current = self.owners.rows.get(self.owners.cursor.at).map(|row| (row.who, row.in_profile.clone()));
        if let Some((who, ids)) = current {
            let at = rows.iter().position(|row| row.in_profile == ids && row.who == who);
            self.owners.cursor.at = at.unwrap_or(self.owners.cursor.at);
        }
        self.owners.rows = rows;
    }

    /// The owner under the cursor.
    pub(super) fn current_owner(&self) -> Option<&OwnerRow> {
        self.owners.rows.get(self.owners.cursor.at)
    }

    /// Does an action while the owners have the focus. False when it means nothing here.
    pub(super) fn act_in_owners(&mut self, action: Action) -> bool {
        let len = self.owners.rows.len();
        let (columns, height) = self.owners_grid();
        match action {
            Action::Accept => {
                let Some(owner) = self.current_owner() else { return true };
                let asked = match owner.who {
                    Who::Nobody => OwnerIs::Nobody,
                    Who::NotKnown => OwnerIs::NotKnown,
                    Who::Person(_) | Who::SharedName => OwnerIs::Called(query_name(owner)),
                };
                let term = Term { negated: false, test: Test::Owner(vec![asked]) };
                self.set_filter(&term.to_string());
                self.focus = Focus::Leads;
            }
            Action::Assign => {
                let Some(owner) = self.current_owner() else { return true };
                let to = Destination { label: owner.label.clone(), in_profile: owner.in_profile.clone() };
                if let Some(leads) = self.meant_leads() {
                    self.plan_assignment(leads, to);
                }
            }
            Action::CursorLeft => self.owners.cursor.at = self.owners.cursor.at.saturating_sub(height),
            Action::CursorRight if self.owners.cursor.at + height < len => self.owners.cursor.at += height,
            Action::CursorRight => {}
            Action::SortNext | Action::SortReverse => {
                self.owners.order = match self.owners.order {
                    OwnerOrder::Busiest => OwnerOrder::Idlest,
                    OwnerOrder::Idlest => OwnerOrder::Name,
                    OwnerOrder::Name => OwnerOrder::Busiest,
                };
                self.count_owners();
            }
            action => return self.owners.cursor.act(action, len, columns * height),
        }
        true
    }
}

fn is_person(who: Who) -> bool {
    matches!(who, Who::Person(_) | Who::SharedName)
}

/// What finds the leads of this owner and of nobody else: the name, or the e-mail address or id where there is none.
fn query_name(owner: &OwnerRow) -> String {
    let refs = owner.in_profile.values().find_map(Assignment::owner);
    let name = refs.and_then(|owner| owner.name.as_ref()).map(|name| name.as_str().to_owned());
    let id = refs.and_then(|owner| owner.id.as_ref()).map(|id| id.as_str().to_owned());
    name.filter(|name| !name.is_empty()).or(id).unwrap_or_else(|| owner.label.as_str().to_owned())
}
