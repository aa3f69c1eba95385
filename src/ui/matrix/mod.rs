//! The screen of campaigns: hierarchy, grid, and the dialogs that belong to it.

mod dialogs;
mod grid;
mod tree;

use ratatui::layout::Rect;

use crate::app::State;
use crate::app::matrix::Pane;

use super::frame;
use super::paint::Canvas;
use super::theme::Role;

pub use dialogs::{picker, prompt, snapshots};

/// The whole screen, without messages and hints.
pub fn draw(state: &State, canvas: &mut Canvas<'_>) {
    let places = state.matrix_places();
    if let Some((title, body)) = places.tree {
        let name = state.matrix.profile.as_ref().map(ToString::to_string).unwrap_or_default();
        let glyphs = canvas.theme.glyphs;
        canvas.fill(title, glyphs.rule, Role::Rule);
        frame::title(canvas, title, &format!("Campaigns: {name}"), "", state.matrix.pane == Pane::Tree);
        if places.title.width > 0 {
            let line = Rect { x: title.right(), width: 1, height: places.strip.y, ..title };
            canvas.fill(line, glyphs.vertical, Role::Rule);
            canvas.text(title.right(), title.y, 1, glyphs.tee_down, Role::Rule);
        }
        tree::draw(state, canvas, body);
    }
    if places.title.width > 0 {
        grid::draw(state, canvas, &places);
    }
}
