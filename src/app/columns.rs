//! Choosing the table's columns, their order and the sorting.

use crate::domain::Field;

use super::action::Action;
use super::dialog::{After, Dialog};
use super::leads::USUAL_COLUMNS;
use super::list::ListCursor;
use super::state::State;

/// The dialog. What is changed in it is seen in the table at once.
#[derive(Clone, Debug)]
pub struct ColumnsDialog {
    /// All fields the listed vendors give, shown ones first in their order.
    pub items: Vec<(Field, bool)>,
    pub cursor: ListCursor,
}

impl State {
    pub(super) fn open_columns(&mut self) {
        let shown = self.columns();
        self.dialogs
            .push(Dialog::Columns(ColumnsDialog { items: self.column_items(&shown), cursor: ListCursor::default() }));
    }

    fn column_items(&self, shown: &[Field]) -> Vec<(Field, bool)> {
        let rest = self.listed_fields().into_iter().filter(|field| !shown.contains(field));
        shown.iter().map(|field| (*field, true)).chain(rest.map(|field| (field, false))).collect()
    }

    pub(super) fn act_in_columns(&mut self, dialog: &mut ColumnsDialog, action: Action) -> After {
        let height = usize::from(super::dialog::columns_layout(self.size).body.height);
        let at = dialog.cursor.at;
        match action {
            Action::Back | Action::Accept => return After::Close,
            Action::Mark => {
                let shown = dialog.items.iter().filter(|(_, shown)| *shown).count();
                if let Some((_, on)) = dialog.items.get_mut(at)
                    && (!*on || shown > 1)
                {
                    *on = !*on;
                }
            }
            Action::MoveUp if at > 0 => {
                dialog.items.swap(at, at - 1);
                dialog.cursor.act(Action::CursorUp, dialog.items.len(), height);
            }
            Action::MoveDown if at + 1 < dialog.items.len() => {
                dialog.items.swap(at, at + 1);
                dialog.cursor.act(Action::CursorDown, dialog.items.len(), height);
            }
            Action::SortBy => {
                if let Some((field, _)) = dialog.items.get(at) {
                    self.sort_by(*field);
                }
                return After::Stay;
            }
            Action::ResetColumns => {
                let given = self.listed_fields();
                let usual: Vec<Field> = USUAL_COLUMNS.iter().copied().filter(|field| given.contains(field)).collect();
                dialog.items = self.column_items(&usual);
                self.leads.columns.clear();
                return After::Stay;
            }
            action => {
                dialog.cursor.act(action, dialog.items.len(), height);
                return After::Stay;
            }
        }
        self.leads.columns = dialog.items.iter().filter(|(_, shown)| *shown).map(|(field, _)| *field).collect();
        After::Stay
    }
}
