//! The lists: all leads, profiles, saved views.

use ratatui::layout::Rect;

use crate::app::lists::ListId;
use crate::app::matrix::{Center, KnownLists};
use crate::app::profiles::Load;
use crate::app::state::{Focus, State};
use crate::app::words;
use crate::domain::SafeText;

use super::paint::Canvas;
use super::theme::Role;

/// Draws the entries that fit into `area`.
pub fn draw(state: &State, canvas: &mut Canvas<'_>, area: Rect) {
    let focused = state.focus == Focus::Lists;
    let lists = state.lists();
    let top = state.lists.cursor.top;
    for (at, list) in lists.iter().enumerate().skip(top).take(usize::from(area.height)) {
        let y = area.y + (at - top) as u16;
        let current = focused && at == state.lists.cursor.at;
        let glyphs = canvas.theme.glyphs;
        if current {
            canvas.text(area.x, y, 1, glyphs.cursor, Role::Mark);
        }
        let active = *list == state.lists.active || (lists.len() == 1 && state.lists.active == ListId::All);
        if active {
            canvas.text(area.x + 1, y, 1, glyphs.mark, Role::Mark);
        }
        let (name, kind, count) = entry(state, list);
        let within = if matches!(list, ListId::Collection(..)) { 2 } else { 0 };
        let area = Rect { x: area.x + within, width: area.width.saturating_sub(within), ..area };
        let count = count.map(words::number).unwrap_or_default();
        let count_width = (words::width(&count) as u16).max(5);
        canvas.right(area.right().saturating_sub(count_width + 1), y, count_width, &count, Role::Text);
        let room = area.width.saturating_sub(3 + count_width + 2);
        let kind_width = (words::width(&kind) as u16).min(room / 2);
        let role = if current { Role::Cursor } else { Role::Text };
        let used = canvas.text(area.x + 3, y, room.saturating_sub(kind_width + 1), name.as_str(), role);
        canvas.text(area.x + 3 + used + 1, y, room.saturating_sub(used + 1), &kind, Role::Dim);
    }
}

/// What is said of a profile with campaigns, and the number of its lead lists as far as its campaigns were read.
fn lead_lists(known: KnownLists) -> (String, Option<usize>) {
    match (known.read, known.campaigns) {
        (0, 0) => ("campaigns".to_owned(), None),
        (0, all) => (words::counted(all, "campaign"), None),
        (read, all) if read < all => (format!("lists of {read}/{all} campaigns"), Some(known.lists)),
        _ => ("lead lists".to_owned(), Some(known.lists)),
    }
}

/// Name, kind and number of leads or, where agents dial lists, of those.
fn entry(state: &State, list: &ListId) -> (SafeText, String, Option<usize>) {
    match list {
        ListId::All => {
            let leads = state.profiles.iter().map(|profile| profile.table.len()).sum();
            (SafeText::new("All leads"), String::new(), Some(leads))
        }
        ListId::Profile(name) => {
            let Some(profile) = state.profiles.get(name) else {
                return (SafeText::new(name.as_str()), String::new(), None);
            };
            let mut kind = profile.vendor().to_owned();
            // How many there are nobody can say; those from before are still there.
            let failed = matches!(profile.load, Load::Failed(_));
            if failed {
                kind += ", failed";
            }
            if profile.read_only {
                kind += ", read-only";
            }
            if profile.capabilities.as_ref().is_some_and(|capabilities| capabilities.experimental) {
                kind += ", experimental";
            }
            if !profile.collections.is_empty() && !state.is_unfolded(profile) {
                kind += &format!(", {} lists", words::number(profile.collections.len()));
            }
            if let Some(known) = state.matrix.centers.get(name).map(Center::known_lists) {
                let (text, count) = lead_lists(known);
                return (SafeText::new(name.as_str()), format!("{kind}, {text}"), count);
            }
            let usable = profile.capabilities.is_some();
            let count = (usable && !(failed && profile.table.is_empty())).then(|| profile.table.len());
            if !usable {
                kind = "cannot be used".to_owned();
            }
            (SafeText::new(name.as_str()), kind, count)
        }
        ListId::Collection(profile, kind, id) => {
            let found = state.profiles.get(profile).and_then(|profile| profile.collections.get(*kind, id));
            let name = found.map(|found| found.name.clone()).filter(|name| !name.is_empty());
            let status = found.map(|found| found.status.to_string()).filter(|status| !status.is_empty());
            let kind_and_status = status.map_or_else(|| kind.to_string(), |status| format!("{kind}, {status}"));
            let count = state.lists.collection_counts.get(&(profile.clone(), *kind, id.clone())).copied();
            (name.unwrap_or_else(|| SafeText::new(id)), kind_and_status, count)
        }
        ListId::View(name) => (SafeText::new(name), "view".to_owned(), state.lists.counts.get(name).copied()),
    }
}
