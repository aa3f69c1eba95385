//! The lists to choose from: all leads, the profiles, the saved views.

use std::collections::HashMap;

use crate::domain::campaign::{Collection, CollectionKind};
use crate::domain::leads::Snapshot;
use crate::domain::query::term::{Term, Test};
use crate::domain::query::{Query, SearchRequest, Vocabulary};
use crate::domain::view::SavedView;
use crate::domain::{Field, ProfileName, SafeText};

use super::action::Action;
use super::effect::Effect;
use super::field::TextField;
use super::job::{Counts, Job};
use super::leads::Why;
use super::list::ListCursor;
use super::profiles::Profile;
use super::state::{Focus, State};

/// Up to this many campaigns and lists of a profile are shown without being asked for.
const FEW_COLLECTIONS: usize = 8;

/// One entry of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListId {
    /// The leads of all open profiles.
    #[default]
    All,
    Profile(ProfileName),
    /// A campaign or list of a profile, by the vendor's id.
    Collection(ProfileName, CollectionKind, String),
    /// A saved view, by name.
    View(String),
}

/// The state of the lists pane.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    pub cursor: ListCursor,
    /// The list that the table shows.
    pub active: ListId,
    /// How many leads each saved view shows, as far as it was counted.
    pub counts: HashMap<String, usize>,
    /// How many leads are in each campaign and list, as far as it was counted.
    pub collection_counts: HashMap<(ProfileName, CollectionKind, String), usize>,
    /// Profiles whose campaigns and lists are shown (or not), against what their number says.
    unfolded: HashMap<ProfileName, bool>,
    generation: u64,
}

impl State {
    /// The entries of the lists pane.
    pub fn lists(&self) -> Vec<ListId> {
        let mut lists = Vec::with_capacity(1 + self.profiles.len() + self.options.views.len());
        if self.profiles.len() != 1 {
            lists.push(ListId::All);
        }
        for profile in self.profiles.iter() {
            lists.push(ListId::Profile(profile.name.clone()));
            if self.is_unfolded(profile) {
                let id = |found: &Collection| ListId::Collection(profile.name.clone(), found.kind, found.id.clone());
                lists.extend(profile.collections.iter().map(id));
            }
        }
        lists.extend(self.options.views.iter().map(|view| ListId::View(view.name.clone())));
        lists
    }

    /// How many entries [`lists`](State::lists) has.
    pub fn lists_len(&self) -> usize {
        let unfolded = self.profiles.iter().filter(|profile| self.is_unfolded(profile));
        let collections: usize = unfolded.map(|profile| profile.collections.len()).sum();
        usize::from(self.profiles.len() != 1) + self.profiles.len() + collections + self.options.views.len()
    }

    /// Whether a profile's campaigns and lists are shown below it: many of them only when that is asked for.
    pub fn is_unfolded(&self, profile: &Profile) -> bool {
        let usual = profile.collections.len() <= FEW_COLLECTIONS;
        self.lists.unfolded.get(&profile.name).copied().unwrap_or(usual)
    }

    pub(super) fn view(&self, name: &str) -> Option<&SavedView> {
        self.options.views.iter().find(|view| view.name == name)
    }

    /// What the list under the table's title is called.
    pub fn list_label(&self) -> SafeText {
        match &self.lists.active {
            ListId::All if self.profiles.len() == 1 => {
                self.profiles.iter().map(|profile| SafeText::new(profile.name.as_str())).next().unwrap_or_default()
            }
            ListId::All => SafeText::new("All leads"),
            ListId::Profile(name) => SafeText::new(name.as_str()),
            ListId::Collection(profile, kind, id) => {
                let found = self.profiles.get(profile).and_then(|profile| profile.collections.get(*kind, id));
                let name = found.map(|found| found.name.clone()).filter(|name| !name.is_empty());
                let name = name.unwrap_or_else(|| SafeText::new(id));
                SafeText::new(&format!("{profile}, {kind} {name}"))
            }
            ListId::View(name) => SafeText::new(name),
        }
    }

    /// What the chosen list asks of its leads beside the filter.
    pub(super) fn list_term(&self) -> Option<Term> {
        let ListId::Collection(_, kind, id) = &self.lists.active else { return None };
        Some(Term { negated: false, test: Test::Text { field: kind.field(), values: vec![id.clone()] } })
    }

    /// The active view, where something was changed since it was opened.
    pub fn is_view_changed(&self) -> bool {
        let ListId::View(name) = &self.lists.active else { return false };
        self.view(name).is_some_and(|view| {
            self.filter.text().trim() != view.query
                || self.leads.columns != view.columns
                || self.leads.sort != view.sort
                || self.leads.include_closed != view.include_closed
        })
    }

    /// The only profile that is looked at; `None` for all.
    fn listed_name(&self) -> Option<&ProfileName> {
        match &self.lists.active {
            ListId::All => None,
            ListId::Profile(name) | ListId::Collection(name, ..) => Some(name),
            ListId::View(name) => self.view(name)?.profile.as_ref(),
        }
    }

    /// The profiles whose leads the table shows.
    pub fn listed_profiles(&self) -> impl Iterator<Item = &Profile> {
        let only = self.listed_name();
        self.profiles.iter().filter(move |profile| only.is_none_or(|name| profile.name == *name))
    }

    /// The profile of the view that is shown, where it is not among those that are open.
    pub fn missing_profile(&self) -> Option<&ProfileName> {
        let name = self.listed_name().filter(|_| matches!(self.lists.active, ListId::View(_)))?;
        (!self.profiles.is_empty() && self.profiles.get(name).is_none()).then_some(name)
    }

    pub(super) fn listed_snapshot(&self) -> Snapshot {
        match self.listed_name() {
            Some(name) => self.profiles.snapshot_of(name),
            None => self.profiles.snapshot(),
        }
    }

    /// The fields that the listed vendors give.
    pub fn listed_fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut profiles = 0;
        for profile in self.listed_profiles() {
            profiles += 1;
            for field in profile.fields() {
                if !fields.contains(field) {
                    fields.push(*field);
                }
            }
        }
        if profiles > 1 && !fields.contains(&Field::Profile) {
            fields.push(Field::Profile);
        }
        fields
    }

    /// Does an action while the lists have the focus. False when it means nothing here.
    pub(super) fn act_in_lists(&mut self, action: Action) -> bool {
        let (len, height) = (self.lists_len(), self.lists_height());
        match action {
            Action::Accept => {
                if let Some(list) = self.lists().into_iter().nth(self.lists.cursor.at) {
                    if let ListId::Profile(name) = &list
                        && self.has_campaigns(name)
                    {
                        self.show_campaigns(name.clone());
                        return true;
                    }
                    self.open_list(list);
                    self.focus = Focus::Leads;
                }
            }
            Action::CursorRight | Action::CursorLeft => self.fold(action == Action::CursorRight),
            action => return self.lists.cursor.act(action, len, height),
        }
        true
    }

    /// Shows or hides the campaigns and lists of the profile under the cursor, or of the one that has the list there.
    fn fold(&mut self, unfold: bool) {
        let Some(list) = self.lists().into_iter().nth(self.lists.cursor.at) else { return };
        let (ListId::Profile(name) | ListId::Collection(name, ..)) = list else { return };
        self.lists.unfolded.insert(name.clone(), unfold);
        if let Some(at) = self.lists().iter().position(|list| *list == ListId::Profile(name.clone())) {
            self.lists.cursor.at = at;
        }
    }

    /// Shows a list in the table.
    pub(super) fn open_list(&mut self, list: ListId) {
        if let ListId::View(name) = &list {
            let Some(view) = self.view(name).cloned() else { return };
            self.filter.field = TextField::new(&view.query);
            self.leads.columns = view.columns;
            self.leads.sort = view.sort;
            self.leads.include_closed = view.include_closed;
        } else if matches!(self.lists.active, ListId::View(_)) && !self.is_view_changed() {
            // What the view brought goes with it; what was changed by hand stays.
            self.filter.field.clear();
            self.leads.columns = self.options.columns.clone();
            self.leads.sort = None;
            self.leads.include_closed = false;
        }
        self.lists.active = list;
        self.leads.range = None;
        self.filter_changed(Why::OtherRows);
        self.count_owners();
        self.title();
    }

    /// Counts again what each saved view shows.
    pub(super) fn count_views(&mut self) {
        let tables: Vec<_> = self.profiles.iter().filter(|profile| !profile.collections.is_empty()).collect();
        let tables: Vec<_> = tables.iter().map(|profile| (profile.name.clone(), profile.table.clone())).collect();
        if self.options.views.is_empty() && tables.is_empty() {
            return;
        }
        self.lists.generation += 1;
        let mut views = Vec::with_capacity(self.options.views.len());
        for view in &self.options.views {
            let snapshot = match &view.profile {
                Some(name) => self.profiles.snapshot_of(name),
                None => self.profiles.snapshot(),
            };
            let listed = |profile: &&Profile| view.profile.as_ref().is_none_or(|name| profile.name == *name);
            let listed = self.profiles.usable().filter(listed);
            let mut vocabulary = Vocabulary::of(listed.filter_map(|profile| profile.capabilities.as_deref()));
            vocabulary.fields.push(Field::Profile);
            // A view whose query is not understood has no count; opening it says what is wrong. Nor has one for which a
            // vendor would have to be asked.
            let Ok(query) = Query::parse_with(&view.query, &vocabulary) else { continue };
            let is_answered = |asked| snapshot.parts.iter().any(|part| part.answers.get(asked).is_some());
            if !query.questions().iter().all(is_answered) {
                continue;
            }
            let request = SearchRequest {
                generation: self.lists.generation,
                snapshot,
                query,
                sort: None,
                marked: self.leads.selection.clone(),
                include_closed: view.include_closed,
                now: self.now,
            };
            views.push((view.name.clone(), request));
        }
        self.emit(Effect::Work(Job::CountViews { generation: self.lists.generation, views, tables }));
    }

    pub(super) fn views_counted(&mut self, counts: Counts) {
        if counts.generation == self.lists.generation {
            self.lists.counts = counts.views.into_iter().collect();
            self.lists.collection_counts = counts.collections.into_iter().collect();
        }
    }
}
