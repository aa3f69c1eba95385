//! The filter line: a query that is understood while it is typed.

use crate::domain::query::{Query, QueryError};

use super::action::Action;
use super::field::TextField;
use super::leads::Why;
use super::state::{Focus, State};

/// The filter line's text and what it means.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub field: TextField,
    /// The newest text that was understood: what the table shows.
    pub query: Query,
    /// What is wrong with the present text.
    pub error: Option<QueryError>,
    history: Vec<String>,
    /// While going through the history: the place in it, and the text that was there before.
    browsing: Option<(usize, String)>,
}

/// Queries that are remembered.
const MOST_REMEMBERED: usize = 100;

/// The term that shows only marked leads.
const IS_MARKED: &str = "is:marked";

impl Filter {
    pub fn text(&self) -> &str {
        self.field.text()
    }

    /// What is shown may depend on the marks. (Asking once too often costs a search, nothing else.)
    pub(super) fn asks_for_marks(&self) -> bool {
        self.text().contains("marked")
    }

    /// Only marked leads are shown.
    pub fn is_marked_only(&self) -> bool {
        self.text().split_whitespace().any(|term| term == IS_MARKED)
    }

    fn remember(&mut self) {
        let text = self.text().trim().to_owned();
        self.browsing = None;
        if text.is_empty() {
            return;
        }
        self.history.retain(|known| *known != text);
        self.history.push(text);
        if self.history.len() > MOST_REMEMBERED {
            self.history.remove(0);
        }
    }

    /// Goes to the query before (or after) in the history. False when there is none.
    fn browse(&mut self, back: bool) -> bool {
        let (at, draft) = match &self.browsing {
            Some((at, draft)) => (*at, draft.clone()),
            None => (self.history.len(), self.text().to_owned()),
        };
        let to = if back { at.checked_sub(1) } else { (at < self.history.len()).then_some(at + 1) };
        let Some(to) = to else { return false };
        let text = self.history.get(to).unwrap_or(&draft);
        self.field = TextField::new(text);
        self.browsing = (to < self.history.len()).then_some((to, draft));
        true
    }
}

impl State {
    /// The filter's text has changed, or what it may ask for: understands it again.
    pub(super) fn filter_changed(&mut self, why: Why) {
        match Query::parse_with(self.filter.text(), &self.vocabulary()) {
            Ok(query) => {
                self.filter.error = None;
                // A space at the end asks for nothing else.
                let same = query == self.filter.query;
                self.filter.query = query;
                if !same || why != Why::OtherQuery {
                    self.search(why);
                }
            }
            Err(error) => self.filter.error = Some(error),
        }
    }

    /// Puts another text into the filter line.
    pub(super) fn set_filter(&mut self, text: &str) {
        self.filter.field = TextField::new(text);
        self.filter.remember();
        self.filter_changed(Why::OtherRows);
    }

    /// Does an action while the filter line is typed in. False when it means nothing here.
    pub(super) fn act_in_filter(&mut self, action: Action) -> bool {
        match action {
            Action::Accept | Action::NextField => {
                self.filter.remember();
                self.focus = Focus::Leads;
                self.forget_refusals();
            }
            Action::PreviousField => self.focus = Focus::Leads,
            Action::Back if self.filter.field.is_empty() => self.focus = Focus::Leads,
            Action::Back => {
                self.filter.remember();
                self.filter.field.clear();
                self.filter_changed(Why::OtherRows);
            }
            Action::CursorUp | Action::CursorDown => {
                if self.filter.browse(action == Action::CursorUp) {
                    self.filter_changed(Why::OtherQuery);
                }
            }
            action => return self.move_in_table(action),
        }
        true
    }

    /// Shows only marked leads, or all that match the rest of the query.
    pub(super) fn toggle_marked_only(&mut self) {
        let text = self.filter.text();
        let changed = if self.filter.is_marked_only() {
            text.split_whitespace().filter(|term| *term != IS_MARKED).collect::<Vec<_>>().join(" ")
        } else {
            format!("{IS_MARKED} {text}").trim_end().to_owned()
        };
        self.filter.field = TextField::new(&changed);
        self.filter_changed(Why::OtherRows);
    }
}
