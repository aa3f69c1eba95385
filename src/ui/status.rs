//! What is going on: loading, waiting, operations on the way, and the newest message.

use ratatui::layout::Rect;

use crate::app::notices::Level;
use crate::app::profiles::Condition;
use crate::app::state::State;
use crate::app::{Action, words};

use super::paint::Canvas;
use super::theme::Role;

/// What is to be said about the listed leads: the gravest thing first, and how many profiles have something to say.
pub fn condition(state: &State) -> (Condition, String) {
    let mut said: Vec<_> =
        state.listed_profiles().map(|profile| profile.condition(state.now, &state.options.zone)).collect();
    if said.is_empty() {
        return (Condition::Loading, "Opening the profiles".to_owned());
    }
    let ready = said.iter().filter(|(condition, _)| *condition == Condition::Ready).count();
    if ready == said.len() && ready > 1 {
        let leads = state.listed_profiles().map(|profile| profile.table.len()).sum();
        let text = format!("{} in {}", words::counted(leads, "lead"), words::counted(ready, "profile"));
        return (Condition::Ready, text);
    }
    let gravest = said.iter().enumerate().max_by_key(|(at, (condition, _))| (*condition, std::cmp::Reverse(*at)));
    let at = gravest.map_or(0, |(at, _)| at);
    said.swap_remove(at)
}

pub fn role(condition: Condition) -> Role {
    match condition {
        Condition::Ready | Condition::Empty => Role::Text,
        Condition::Stale => Role::Warning,
        Condition::Loading => Role::Busy,
        Condition::Waiting => Role::Warning,
        Condition::Failed => Role::Error,
    }
}

pub fn draw(state: &State, canvas: &mut Canvas<'_>) {
    let layout = state.layout();
    let strip = layout.strip;
    let shown = state.notices.shown().is_some();
    if layout.notice.is_none() && shown {
        notice(state, canvas, strip);
        return;
    }
    let (condition, text) = condition(state);
    canvas.text(strip.x + 1, strip.y, strip.width.saturating_sub(1), &text, role(condition));
    if let Some(area) = layout.notice {
        notice(state, canvas, area);
    }
}

/// The newest message: errors until they are dismissed.
fn notice(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let Some((notice, behind)) = state.notices.shown() else { return };
    let role = match notice.level {
        Level::Info => Role::Text,
        Level::Done => Role::Good,
        Level::Warning => Role::Warning,
        Level::Error => Role::Error,
    };
    let word = match notice.level {
        Level::Info => String::new(),
        level => format!("{}: ", level.word()),
    };
    let mut after = match behind {
        0 => String::new(),
        n => format!(" (and {})", words::counted(n, "error")),
    };
    if notice.level == Level::Error {
        let key = |action| state.keys.label(state.context(), action);
        if let Some(key) = key(Action::Dismiss) {
            after += &format!("  {key} dismisses");
        }
    }
    let width = area.width.saturating_sub(2);
    let room = width.saturating_sub(words::width(&after) as u16);
    let used = canvas.line(area.x + 1, area.y, room, &[(&word, role), (notice.text.as_str(), role)]);
    canvas.text(area.x + 1 + used, area.y, width - used, &after, Role::Dim);
}
