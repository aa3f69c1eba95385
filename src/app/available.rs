//! What can be done right now, and why the rest cannot.

use std::borrow::Cow;

use super::action::Action;
use super::context::Context;
use super::lists::ListId;
use super::state::State;
use super::words;

impl State {
    /// Whether an action exists at all where the person is: write actions do not in a read-only profile.
    pub fn exists(&self, action: Action) -> bool {
        !action.spec().dangerous || self.profiles.is_empty() || self.listed_profiles().any(|profile| !profile.read_only)
    }

    /// Why an action cannot be done right now, in a sentence; `None` when it can.
    pub fn why_not(&self, action: Action) -> Option<String> {
        use Action::*;
        if !self.exists(action) {
            return Some(format!("{} is read-only: nothing can be changed here", self.list_label()));
        }
        let because = |why: &str| Some(why.to_owned());
        let no_lead = self.leads.current().is_none();
        match action {
            Mark | MarkRange | ExtendUp | ExtendDown | Detail if no_lead => because("There is no lead here"),
            MarkAll | InvertMarks if self.filter.error.is_some() => {
                because("The filter has a mistake: what matches it is not known")
            }
            MarkAll | InvertMarks if no_lead && !self.leads.is_searching() => because("No lead matches"),
            ClearMarks if self.leads.selection.is_empty() => because("No lead is marked"),
            UndoMark if !self.leads.selection.can_undo() => because("There is no marking to take back"),
            SortReverse if self.leads.sort.is_none() && self.context() == Context::Leads => {
                because("The leads are in the vendor's own order")
            }
            Assign | Unassign if no_lead && self.leads.selection.is_empty() => because("There is no lead to assign"),
            DeleteView if !matches!(self.lists().get(self.lists.cursor.at), Some(ListId::View(_))) => {
                because("Only saved views can be deleted")
            }
            Dismiss if self.notices.shown().is_none() => because("There is no message to put away"),
            NextTheme if self.options.plain || self.options.no_color => {
                because("There are no colours on this terminal")
            }
            _ => None,
        }
    }

    /// What can be done right now, most useful first, in the words for the line of hints.
    pub fn hints(&self) -> Vec<(Action, Cow<'static, str>)> {
        use Action::*;
        let marked = self.leads.selection.len();
        let them = |verb: &str| -> Cow<'static, str> {
            match marked {
                0 => Cow::Owned(format!("{verb} this lead")),
                n => Cow::Owned(format!("{verb} {}", words::number(n))),
            }
        };
        let wanted: &[Action] = match self.context() {
            Context::Leads if self.notices.has_errors() => {
                &[Dismiss, Assign, Unassign, Mark, Filter, Undo, History, Help, Palette, Quit]
            }
            Context::Leads => {
                &[Assign, Unassign, Mark, Filter, Help, MarkAll, Undo, History, FocusLists, FocusOwners, Palette, Quit]
            }
            Context::Lists => &[Accept, Back, DeleteView, SaveView, FocusOwners, Help, Quit],
            Context::Owners => &[Accept, Assign, SortNext, Back, FocusLists, Help, Quit],
            Context::Filter => &[Accept, Back, CursorUp],
            _ => &[Help, Quit],
        };
        let word = |action: Action| -> Cow<'static, str> {
            match (self.context(), action) {
                (Context::Leads, Assign) => them("assign"),
                (Context::Leads, Unassign) => them("unassign"),
                (Context::Owners, Accept) => "show their leads".into(),
                (Context::Owners, Assign) => them("assign to this owner:"),
                (Context::Lists, Accept) => "show".into(),
                (Context::Filter, Accept) => "to the table".into(),
                (Context::Filter, Back) if self.filter.field.is_empty() => "leave".into(),
                (Context::Filter, Back) => "clear".into(),
                (Context::Filter, CursorUp) => "earlier queries".into(),
                (_, action) => action.title().into(),
            }
        };
        wanted
            .iter()
            .filter(|action| self.exists(**action) && self.why_not(**action).is_none())
            .map(|action| (*action, word(*action)))
            .collect()
    }
}
