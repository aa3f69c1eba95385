//! The lists to choose from: all leads, the profiles, the saved views.

use std::collections::HashMap;

use crate::domain::leads::Snapshot;
use crate::domain::query::{Query, SearchRequest};
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

/// One entry of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListId {
    /// The leads of all open profiles.
    #[default]
    All,
    Profile(ProfileName),
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
    generation: u64,
}

impl State {
    /// The entries of the lists pane.
    pub fn lists(&self) -> Vec<ListId> {
        let mut lists = Vec::with_capacity(1 + self.profiles.len() + self.options.views.len());
        if self.profiles.len() != 1 {
            lists.push(ListId::All);
        }
        lists.extend(self.profiles.iter().map(|profile| ListId::Profile(profile.name.clone())));
        lists.extend(self.options.views.iter().map(|view| ListId::View(view.name.clone())));
        lists
    }

    /// How many entries [`lists`](State::lists) has.
    pub fn lists_len(&self) -> usize {
        usize::from(self.profiles.len() != 1) + self.profiles.len() + self.options.views.len()
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
            ListId::View(name) => SafeText::new(name),
        }
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
            ListId::Profile(name) => Some(name),
            ListId::View(name) => self.view(name)?.profile.as_ref(),
        }
    }

    /// The profiles whose leads the table shows.
    pub fn listed_profiles(&self) -> impl Iterator<Item = &Profile> {
        let only = self.listed_name();
        self.profiles.iter().filter(move |profile| only.is_none_or(|name| profile.name == *name))
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
            action => return self.lists.cursor.act(action, len, height),
        }
        true
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
        if self.options.views.is_empty() {
            return;
        }
        self.lists.generation += 1;
        let mut views = Vec::with_capacity(self.options.views.len());
        for view in &self.options.views {
            let snapshot = match &view.profile {
                Some(name) => self.profiles.snapshot_of(name),
                None => self.profiles.snapshot(),
            };
            let fields: Vec<Field> =
                snapshot.parts.iter().flat_map(|part| part.fields).copied().chain([Field::Profile]).collect();
            // A view whose query is not understood has no count; opening it says what is wrong.
            let Ok(query) = Query::parse(&view.query, &fields) else { continue };
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
        self.emit(Effect::Work(Job::CountViews { generation: self.lists.generation, views }));
    }

    pub(super) fn views_counted(&mut self, counts: Counts) {
        if counts.generation == self.lists.generation {
            self.lists.counts = counts.views.into_iter().collect();
        }
    }
}
