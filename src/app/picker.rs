//! Picking an owner for leads: fuzzy search, and what each one's load would be.

use std::collections::BTreeSet;

use crate::domain::ranking;
use crate::domain::selection::LeadKey;
use crate::domain::{Agreement, Assignment, Field, PersonStatus, ProfileName, SafeText};

use super::action::Action;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::field::TextField;
use super::job::{Job, LoadsOf, Targets};
use super::list::ListCursor;
use super::owners::{OwnerRow, Who, owner_rows};
use super::state::State;

/// Which leads are to be assigned.
#[derive(Clone, Debug, PartialEq)]
pub enum PickedLeads {
    /// Whatever is marked when the plan is made: the number on the screen is counted from the same marks.
    Marked,
    One(LeadKey),
}

/// The owner picker.
#[derive(Clone, Debug)]
pub struct Picker {
    pub leads: PickedLeads,
    pub field: TextField,
    pub cursor: ListCursor,
    candidates: Vec<OwnerRow>,
    /// Candidates that match what was typed, best first.
    pub matches: Vec<PickerMatch>,
    generation: u64,
    loads: Option<LoadsOf>,
}

/// A candidate that matches.
#[derive(Clone, Debug)]
pub struct PickerMatch {
    candidate: usize,
    /// Characters of the name that matched.
    pub positions: Vec<usize>,
}

impl Picker {
    /// The candidate of a match.
    pub fn owner(&self, found: &PickerMatch) -> Option<&OwnerRow> {
        self.candidates.get(found.candidate)
    }

    pub fn candidates(&self) -> usize {
        self.candidates.len()
    }

    /// The load of a candidate after the assignment, once it is counted.
    pub fn load_after(&self, owner: &OwnerRow) -> Option<usize> {
        let loads = self.loads.as_ref()?;
        let theirs = |profile, assignment: &Assignment| {
            // A bare name that several people have is nobody's for certain: the plan counts those leads as changes.
            let bare = assignment.owner().is_some_and(|owner| owner.id.is_none());
            !(bare && owner.is_ambiguous)
                && owner.in_profile.get(profile).is_some_and(|own| own.agrees_with(assignment) == Agreement::Same)
        };
        let here = |profile| owner.in_profile.contains_key(profile);
        let (mut reached, mut already) = (0, 0);
        for (profile, assignment, count) in &loads.by_owner {
            reached += if here(profile) { *count } else { 0 };
            already += if theirs(profile, assignment) { *count } else { 0 };
        }
        Some(owner.leads + reached.saturating_sub(already))
    }

    fn narrow(&mut self) {
        let typed = self.field.text();
        let mut scored: Vec<(i64, PickerMatch)> = Vec::new();
        for (candidate, owner) in self.candidates.iter().enumerate() {
            // The name counts for more than the address, of which everyone may have the same end.
            let address = owner.email.as_str();
            let address = if typed.contains('@') { address } else { address.split('@').next().unwrap_or(address) };
            let name = ranking::fuzzy(typed, owner.label.as_str()).map(|found| (found.score + 1, found.positions));
            // Short names are few and chosen by hand: one that begins like this is meant.
            let key = owner.link.as_deref().and_then(|key| ranking::fuzzy(typed, key));
            let name = name.or_else(|| key.map(|found| (found.score, Vec::new())));
            let found = name.or_else(|| ranking::fuzzy(typed, address).map(|found| (found.score, Vec::new())));
            if let Some((score, positions)) = found {
                scored.push((score, PickerMatch { candidate, positions }));
            }
        }
        if !typed.trim().is_empty() {
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        }
        self.matches = scored.into_iter().map(|(_, found)| found).collect();
    }
}

impl State {
    /// The leads that an action on many means: the marked ones, else the one under the cursor.
    pub(super) fn meant_leads(&self) -> Option<PickedLeads> {
        if self.leads.selection.is_empty() {
            self.leads.current().map(PickedLeads::One)
        } else {
            Some(PickedLeads::Marked)
        }
    }

    pub fn leads_len(&self, leads: &PickedLeads) -> usize {
        match leads {
            PickedLeads::Marked => self.leads.selection.len(),
            PickedLeads::One(_) => 1,
        }
    }

    /// What to call a lead: its name, or its id where the name is not known.
    pub fn lead_label(&self, lead: &LeadKey) -> SafeText {
        let table = self.profiles.get(&lead.profile).map(|profile| &profile.table);
        let name =
            table.and_then(|table| Some(SafeText::new(&table.text(table.row_of(lead.id.as_str())?, Field::Name))));
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| SafeText::new(lead.id.as_str()))
    }

    pub(super) fn targets(&self, leads: &PickedLeads) -> Targets {
        match leads {
            PickedLeads::Marked => Targets::Marked(self.leads.selection.clone()),
            PickedLeads::One(lead) => Targets::These(std::sync::Arc::new(vec![lead.clone()])),
        }
    }

    /// Opens the picker for these leads.
    pub(super) fn open_picker(&mut self, leads: PickedLeads) {
        let candidates = self.picker_candidates(&leads);
        let mut picker = Picker {
            leads,
            field: TextField::default(),
            cursor: ListCursor::default(),
            candidates,
            matches: Vec::new(),
            generation: 0,
            loads: None,
        };
        picker.narrow();
        self.dialogs.push(Dialog::Picker(Box::new(picker)));
        self.count_picker_loads();
    }

    /// The leads for which the open picker picks an owner.
    fn picked_leads(&self) -> Option<PickedLeads> {
        self.dialogs.iter().find_map(|dialog| match dialog {
            Dialog::Picker(picker) => Some(picker.leads.clone()),
            _ => None,
        })
    }

    /// Counts who has the leads for which the open picker picks an owner.
    pub(super) fn count_picker_loads(&mut self) {
        let Some(leads) = self.picked_leads() else { return };
        self.generation += 1;
        let generation = self.generation;
        for dialog in &mut self.dialogs {
            if let Dialog::Picker(picker) = dialog {
                picker.generation = generation;
            }
        }
        let job = Job::CountLoads { generation, targets: self.targets(&leads), snapshot: self.profiles.snapshot() };
        self.emit(Effect::Work(job));
    }

    /// Who can be given some of these leads: nobody, then everyone who may own them, by name. People of other profiles
    /// than those of the leads would only be in the way.
    fn picker_candidates(&self, leads: &PickedLeads) -> Vec<OwnerRow> {
        let writable = self.profiles.usable().filter(|profile| !profile.read_only);
        let mut rows = owner_rows(writable, &self.options.links);
        let theirs = self.profiles_of(&self.targets(leads));
        let reaches = |row: &OwnerRow| row.in_profile.keys().any(|profile| theirs.contains(profile));
        rows.retain(|row| matches!(row.who, Who::Nobody | Who::Person(PersonStatus::Active)) && reaches(row));
        rows.sort_by(|a, b| {
            (a.who != Who::Nobody)
                .cmp(&(b.who != Who::Nobody))
                .then_with(|| a.label.cmp(&b.label))
                .then_with(|| a.email.cmp(&b.email))
        });
        rows
    }

    /// The profiles that leads are of.
    fn profiles_of(&self, targets: &Targets) -> BTreeSet<ProfileName> {
        let mut found = BTreeSet::new();
        for lead in targets.iter() {
            if !found.contains(&lead.profile) {
                found.insert(lead.profile.clone());
            }
            // There are no others.
            if found.len() == self.profiles.len() {
                break;
            }
        }
        found
    }

    /// People or loads have changed while the picker is open.
    pub(super) fn refresh_picker(&mut self) {
        let Some(leads) = self.picked_leads() else { return };
        let candidates = self.picker_candidates(&leads);
        for dialog in &mut self.dialogs {
            if let Dialog::Picker(picker) = dialog {
                let current = picker.matches.get(picker.cursor.at).and_then(|found| picker.owner(found)).cloned();
                picker.candidates = candidates.clone();
                picker.narrow();
                let same = |found: &PickerMatch| {
                    let owner = picker.candidates.get(found.candidate);
                    owner.zip(current.as_ref()).is_some_and(|(a, b)| a.is_same(b))
                };
                // The choice under the cursor stays the one that was seen there.
                if let Some(at) = picker.matches.iter().position(same) {
                    picker.cursor.at = at;
                }
            }
        }
    }

    pub(super) fn loads_counted(&mut self, generation: u64, loads: LoadsOf) {
        for dialog in &mut self.dialogs {
            if let Dialog::Picker(picker) = dialog
                && picker.generation == generation
            {
                picker.loads = Some(loads);
                return;
            }
        }
    }

    pub(super) fn act_in_picker(&mut self, picker: &mut Picker, action: Action) -> After {
        match action {
            Action::Back => return After::Close,
            Action::Accept => {
                let chosen = picker.matches.get(picker.cursor.at).and_then(|found| picker.owner(found));
                let Some(owner) = chosen else { return After::Stay };
                let to = owner.destination();
                self.plan_assignment(picker.leads.clone(), to);
                return After::Close;
            }
            action => {
                let height = usize::from(super::dialog::picker_layout(self.size).body.height);
                picker.cursor.act(action, picker.matches.len(), height);
            }
        }
        After::Stay
    }

    pub(super) fn picker_typed(&mut self) {
        if let Some(Dialog::Picker(picker)) = self.dialogs.last_mut() {
            picker.narrow();
            picker.cursor = ListCursor::default();
        }
    }
}
