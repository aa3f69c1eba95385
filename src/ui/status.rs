//! What is going on: loading, waiting, operations on the way, and the newest message.

use ratatui::layout::Rect;

use crate::app::matrix::{BoardState, TreeState};
use crate::app::notices::Level;
use crate::app::operations::Operation;
use crate::app::profiles::Condition;
use crate::app::state::State;
use crate::app::{Action, words};

use super::operation;
use super::paint::Canvas;
use super::theme::Role;

/// What is to be said about the listed leads: the gravest thing first, and how many profiles have something to say.
pub fn condition(state: &State) -> (Condition, String) {
    let mut said: Vec<_> =
        state.listed_profiles().map(|profile| profile.condition(state.now, &state.options.zone)).collect();
    if let (true, Some(name)) = (said.is_empty(), state.missing_profile()) {
        return (Condition::Empty, format!("This view is of the profile {name}, which is not open"));
    }
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

/// What is to be said about the campaigns on the screen.
fn campaigns(state: &State) -> (Condition, String) {
    let Some(center) = state.matrix.center() else { return (Condition::Empty, String::new()) };
    let profile = state.matrix.profile.as_ref().and_then(|name| state.profiles.get(name));
    if let Some(profile) = profile
        && let Some(waits) = profile.waiting(state.now)
    {
        return (Condition::Waiting, waits);
    }
    let name = state.matrix.profile.as_ref().map(ToString::to_string).unwrap_or_default();
    let (added, removed, lists) = center.painted();
    let painted = match lists {
        0 => String::new(),
        _ => format!(
            "; painted: +{} -{} in {}",
            words::number(added),
            words::number(removed),
            words::counted(lists, "list")
        ),
    };
    let read_only = if profile.is_some_and(|profile| profile.read_only) { ", read-only" } else { "" };
    match &center.tree {
        TreeState::Reading => (Condition::Loading, format!("Reading the campaigns of {name}")),
        TreeState::Failed(problem) => {
            (Condition::Failed, format!("The campaigns of {name} could not be read: {problem}"))
        }
        TreeState::Ready => {
            let read = center.boards.values().filter(|board| board.state == BoardState::Whole).count();
            let campaigns = words::counted(center.campaigns.len(), "campaign");
            let text = format!("{campaigns} in {name}{read_only}, {} read{painted}", words::number(read));
            (Condition::Ready, text)
        }
    }
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

pub fn level_role(level: Level) -> Role {
    match level {
        Level::Info => Role::Text,
        Level::Done => Role::Good,
        Level::Warning => Role::Warning,
        Level::Error => Role::Error,
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
    let mut lines = strip.y..strip.bottom();
    let waiting: Vec<String> =
        state.waiting_plans.iter().map(|waiting| waiting.countdown(state.now, &state.options.zone)).collect();
    let running: Vec<_> = state.operations.running().collect();
    // On a low screen there is one line: an operation on the way matters more than what was loaded.
    if layout.notice.is_some() || (running.is_empty() && waiting.is_empty()) {
        let (condition, text) = if state.shows_campaigns() { campaigns(state) } else { condition(state) };
        let y = lines.next().unwrap_or(strip.y);
        canvas.text(strip.x + 1, y, strip.width.saturating_sub(1), &text, role(condition));
    }
    for (operation, y) in running.iter().rev().zip(&mut lines) {
        running_line(canvas, operation, Rect { x: strip.x + 1, y, width: strip.width.saturating_sub(1), height: 1 });
    }
    for (text, y) in waiting.iter().zip(lines) {
        canvas.text(strip.x + 1, y, strip.width.saturating_sub(1), text, Role::Busy);
    }
    if let Some(area) = layout.notice {
        notice(state, canvas, area);
    }
}

/// What it does, how far it is, how it goes on.
fn running_line(canvas: &mut Canvas<'_>, operation: &Operation, area: Rect) {
    let narrow = area.width < 78;
    let mut x = area.x;
    if !narrow {
        x += canvas.text(x, area.y, area.width / 4, &operation.title, Role::Busy) + 2;
    }
    let rest = Rect { x, width: area.right().saturating_sub(x), ..area };
    operation::bar(canvas, rest, &operation.progress.tally, &operation::strip_words(operation));
}

/// The newest message: errors until they are dismissed.
pub fn notice(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    canvas.clear(area);
    let Some((notice, behind)) = state.notices.shown() else { return };
    let role = level_role(notice.level);
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
