//! The command palette: every action that makes sense here, found by its name.

use strum::IntoEnumIterator;

use crate::domain::ranking;

use super::action::Action;
use super::context::Context;
use super::dialog::After;
use super::field::TextField;
use super::list::ListCursor;
use super::marking::is_move;
use super::state::State;

/// The palette.
#[derive(Clone, Debug)]
pub struct Palette {
    /// Where it was opened.
    pub place: Context,
    pub field: TextField,
    pub cursor: ListCursor,
    /// Actions that match what was typed, best first, with the characters of the title that matched.
    pub matches: Vec<(Action, Vec<usize>)>,
}

impl Palette {
    pub(super) fn new(place: Context) -> Self {
        Self { place, field: TextField::default(), cursor: ListCursor::default(), matches: Vec::new() }
    }
}

/// Whether an action is worth finding by name: what moves the cursor is not.
fn is_command(action: Action) -> bool {
    use Action::*;
    !is_move(action)
        && !matches!(
            action,
            Accept | Back | NextField | PreviousField | ExtendUp | ExtendDown | Palette | MoveUp | MoveDown
        )
}

impl State {
    /// What the palette offers for what was typed.
    fn palette_matches(&self, palette: &Palette) -> Vec<(Action, Vec<usize>)> {
        let here = palette.place.sections();
        let typed = palette.field.text();
        let mut scored: Vec<(i64, Action, Vec<usize>)> = Action::iter()
            .filter(|action| is_command(*action) && self.exists(*action))
            .filter(|action| action.spec().contexts.iter().any(|context| here.contains(context)))
            .filter_map(|action| {
                // The title counts for more than the sentence.
                let title = ranking::fuzzy(typed, action.title());
                let found = title.map(|found| (found.score + 1000, found.positions));
                let words = || typed.split_whitespace().all(|word| contains(action.spec().help, word));
                let found = found.or_else(|| words().then(|| (0, Vec::new())));
                found.map(|(score, positions)| (score, action, positions))
            })
            .collect();
        scored.sort_by_key(|(score, action, _)| {
            (std::cmp::Reverse(*score), self.why_not_under(palette.place, *action).is_some())
        });
        scored.into_iter().map(|(_, action, positions)| (action, positions)).collect()
    }

    pub(super) fn open_palette(&mut self) {
        let mut palette = Palette::new(self.context());
        palette.matches = self.palette_matches(&palette);
        self.dialogs.push(super::dialog::Dialog::Palette(palette));
    }

    pub(super) fn palette_typed(&mut self) {
        let Some(super::dialog::Dialog::Palette(palette)) = self.dialogs.last() else { return };
        let matches = self.palette_matches(palette);
        if let Some(super::dialog::Dialog::Palette(palette)) = self.dialogs.last_mut() {
            palette.matches = matches;
            palette.cursor = ListCursor::default();
        }
    }

    pub(super) fn act_in_palette(&mut self, palette: &mut Palette, action: Action) -> After {
        match action {
            Action::Back => After::Close,
            Action::Accept => {
                let chosen = palette.matches.get(palette.cursor.at).map(|(action, _)| *action);
                // It is done where the palette was opened, once the palette is gone.
                self.chosen = chosen;
                if chosen.is_some() { After::Close } else { After::Stay }
            }
            action => {
                let height = usize::from(super::dialog::palette_layout(self.size).body.height);
                palette.cursor.act(action, palette.matches.len(), height);
                After::Stay
            }
        }
    }
}

fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(&word.to_lowercase())
}
