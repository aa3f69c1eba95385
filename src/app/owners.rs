//! The owners of the listed leads with their loads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::query::term::{OwnerIs, Term, Test};
use crate::domain::{Assignment, Links, Person, PersonStatus, ProfileName, SafeText};

use super::action::Action;
use super::job::Destination;
use super::list::ListCursor;
use super::profiles::Profile;
use super::state::{Focus, State};
use super::words;

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
    /// The leads by profile, in the order of the profiles.
    pub loads: Vec<(ProfileName, usize)>,
    /// The short name of the configuration, for a person whom it knows.
    pub link: Option<String>,
    /// Profiles in which this person may not be given leads.
    inactive: BTreeSet<ProfileName>,
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

    /// Where leads go that are assigned to this one: in each profile to the id there.
    pub(super) fn destination(&self) -> Destination {
        let may = |(profile, _): &(&ProfileName, &Assignment)| !self.inactive.contains(*profile);
        let in_profile = self.in_profile.iter().filter(may);
        Destination {
            label: self.label.clone(),
            in_profile: in_profile.map(|(profile, to)| (profile.clone(), to.clone())).collect(),
        }
    }

    /// Where the leads are, in a table of several profiles: `sales 1,204 + shop 17`, or the profile's name.
    pub fn split(&self) -> String {
        match &self.loads[..] {
            _ if !is_person(self.who) => String::new(),
            [(only, _)] => only.to_string(),
            several => {
                let one = |(profile, leads): &(ProfileName, usize)| format!("{profile} {}", words::number(*leads));
                several.iter().map(one).collect::<Vec<_>>().join(" + ")
            }
        }
    }

    /// Whether both rows stand for the same owner, whatever profiles are open by now.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.who == other.who && self.link == other.link && (self.link.is_some() || self.in_profile == other.in_profile)
    }

    fn count(&mut self, profile: &ProfileName, leads: usize) {
        self.leads += leads;
        match self.loads.last_mut() {
            Some((last, known)) if last == profile => *known += leads,
            _ => self.loads.push((profile.clone(), leads)),
        }
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

/// Owners of some profiles with their loads. A person appears once a profile, and once altogether where the
/// configuration links the ids; who has no leads and cannot get any is left out.
pub(super) fn owner_rows<'a>(profiles: impl Iterator<Item = &'a Profile>, links: &Links) -> Vec<OwnerRow> {
    let mut rows: Vec<OwnerRow> = Vec::new();
    let mut linked: HashMap<&str, usize> = HashMap::new();
    let mut nobody = row(Who::Nobody, SafeText::new("Nobody"));
    let mut not_known = row(Who::NotKnown, SafeText::new("Not known"));
    for profile in profiles.filter(|profile| profile.capabilities.is_some()) {
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for person in profile.people.iter() {
            let link = links.of(&profile.name, person);
            let at = link.and_then(|link| linked.get(link.key.as_str()).copied()).unwrap_or(rows.len());
            by_id.insert(person.id.as_str(), at);
            by_name.entry(person.name.as_str()).or_default().push(at);
            if at == rows.len() {
                rows.push(row(
                    Who::Person(person.status),
                    link.map_or_else(|| person.label(), |link| link.label(person)),
                ));
            }
            let row = &mut rows[at];
            if let Some(link) = link {
                linked.insert(&link.key, at);
                row.link = Some(link.key.clone());
            }
            row.join(&profile.name, person);
        }
        nobody.in_profile.insert(profile.name.clone(), Assignment::unassigned());
        not_known.in_profile.insert(profile.name.clone(), Assignment::Unknown);
        for (assignment, leads) in profile.table.owners() {
            let owner = match assignment {
                Assignment::Unassigned(_) => {
                    nobody.count(&profile.name, *leads);
                    continue;
                }
                Assignment::Owner(owner) => owner,
                Assignment::Unknown => {
                    not_known.count(&profile.name, *leads);
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
                Ok(at) => rows[at].count(&profile.name, *leads),
                Err(status) if *leads > 0 => {
                    let who = if status == PersonStatus::Gone { Who::Person(status) } else { Who::SharedName };
                    let mut row = row(who, owner.label());
                    row.count(&profile.name, *leads);
                    row.in_profile.insert(profile.name.clone(), assignment.clone());
                    rows.push(row);
                }
                Err(_) => {}
            }
        }
    }
    rows.retain(|row| row.leads > 0 || row.who == Who::Person(PersonStatus::Active));
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
        loads: Vec::new(),
        link: None,
        inactive: BTreeSet::new(),
    }
}

impl OwnerRow {
    /// Takes in the person as one profile knows them.
    fn join(&mut self, profile: &ProfileName, person: &Person) {
        // Of several ids in one profile the first that may be given leads is the one that leads go to.
        let is_new = !self.in_profile.contains_key(profile);
        if is_new || (self.inactive.contains(profile) && person.is_active()) {
            self.in_profile.insert(profile.clone(), Assignment::Owner(person.owner_ref()));
            if person.is_active() {
                self.inactive.remove(profile);
            } else {
                self.inactive.insert(profile.clone());
            }
        }
        if is_new {
            self.count(profile, 0);
        }
        if person.is_active() {
            self.who = Who::Person(PersonStatus::Active);
        }
        for (known, new) in [(&mut self.email, &person.email), (&mut self.group, &person.group)] {
            if known.is_empty() {
                known.clone_from(new);
            }
        }
    }
}

impl State {
    /// Leads, people or the list have changed: counts again. Costs as much as there are owners, not leads.
    pub(super) fn count_owners(&mut self) {
        let mut rows = owner_rows(self.listed_profiles(), &self.options.links);
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
        if let Some(current) = self.owners.rows.get(self.owners.cursor.at) {
            let at = rows.iter().position(|row| row.is_same(current));
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
                let to = owner.destination();
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

/// What finds the leads of this owner and of nobody else: the short name, the name, or the e-mail address or id where there is none.
fn query_name(owner: &OwnerRow) -> String {
    if let Some(link) = &owner.link {
        return link.clone();
    }
    let refs = owner.in_profile.values().find_map(Assignment::owner);
    let name = refs.and_then(|owner| owner.name.as_ref()).map(|name| name.as_str().to_owned());
    let id = refs.and_then(|owner| owner.id.as_ref()).map(|id| id.as_str().to_owned());
    name.filter(|name| !name.is_empty()).or(id).unwrap_or_else(|| owner.label.as_str().to_owned())
}
