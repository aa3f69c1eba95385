//! Asking for the name under which the present view is kept.

use crate::domain::SafeText;
use crate::domain::view::SavedView;

use super::action::Action;
use super::dialog::{After, Dialog};
use super::effect::Effect;
use super::field::TextField;
use super::leads::Why;
use super::lists::ListId;
use super::notices::Level;
use super::state::State;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct ViewPrompt {
    pub field: TextField,
}

impl State {
    pub(super) fn open_view_prompt(&mut self) {
        let name = match &self.lists.active {
            ListId::View(name) => TextField::new(name),
            ListId::All | ListId::Profile(_) | ListId::Collection(..) => TextField::default(),
        };
        self.dialogs.push(Dialog::ViewPrompt(ViewPrompt { field: name }));
    }

    /// A view of this name exists and would be replaced.
    pub fn is_view(&self, name: &str) -> bool {
        self.view(name.trim()).is_some()
    }

    pub(super) fn act_in_view_prompt(&mut self, prompt: &mut ViewPrompt, action: Action) -> After {
        match action {
            Action::Back => After::Close,
            Action::Accept => {
                let name = prompt.field.text().trim().to_owned();
                if name.is_empty() {
                    self.say(Level::Info, "The view needs a name");
                    return After::Stay;
                }
                self.save_view(name);
                After::Close
            }
            _ => After::Stay,
        }
    }

    fn save_view(&mut self, name: String) {
        let profile = match &self.lists.active {
            ListId::All => None,
            ListId::Profile(name) | ListId::Collection(name, ..) => Some(name.clone()),
            ListId::View(view) => self.view(view).and_then(|view| view.profile.clone()),
        };
        // What the campaign or list narrows the table to belongs to the view.
        let within = self.list_term().map(|term| format!("{term} ")).unwrap_or_default();
        let query = format!("{within}{}", self.filter.text().trim()).trim_end().to_owned();
        self.filter.field = TextField::new(&query);
        self.filter_changed(Why::OtherRows);
        let view = SavedView {
            name: name.clone(),
            query,
            columns: self.leads.columns.clone(),
            sort: self.leads.sort,
            include_closed: self.leads.include_closed,
            profile,
        };
        match self.options.views.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = view.clone(),
            None => self.options.views.push(view.clone()),
        }
        self.lists.active = ListId::View(name);
        self.title();
        self.count_views();
        self.emit(Effect::SaveView(view));
    }

    /// Forgets a view.
    pub(super) fn delete_view(&mut self, name: &str) {
        self.options.views.retain(|view| view.name != name);
        if self.lists.active == ListId::View(name.to_owned()) {
            self.lists.active = ListId::All;
            self.title();
        }
        self.emit(Effect::DeleteView(name.to_owned()));
    }

    pub(super) fn view_saved(&mut self, saved: Result<String, String>) {
        match saved {
            Ok(path) => self.say(Level::Done, &format!("The views are in {}", SafeText::new(&path))),
            Err(why) => {
                self.say(
                    Level::Error,
                    &format!("The view is kept for this session only: the configuration was not changed: {why}"),
                );
            }
        }
    }
}
