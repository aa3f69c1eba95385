//! Events into messages.

use super::event::{Event, MouseKind};
use super::key::{Key, KeyCode};
use super::keymap::KeyMap;
use crate::app::{Context, Edit, Message, Mouse};

/// Nobody filters by a longer text; more is cut.
const LONGEST_PASTE: usize = 4096;

/// What an event means where the person is. `None` for events that mean nothing to the application.
pub fn message(event: Event, place: Context, keys: &KeyMap) -> Option<Message> {
    Some(match event {
        Event::Key(key) => key_message(key, place, keys),
        Event::Paste(text) => Message::Paste(one_line(&text)),
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            Message::Mouse(match mouse.kind {
                MouseKind::Click => Mouse::Click { column, row },
                MouseKind::WheelUp => Mouse::ScrollUp { column, row },
                MouseKind::WheelDown => Mouse::ScrollDown { column, row },
                // The terminal's own: most select text when a key is held.
                MouseKind::ExtendedClick => return None,
            })
        }
        Event::Resize { width, height } => Message::Resize { columns: width, rows: height },
        Event::Focus(_) => return None,
    })
}

fn key_message(key: Key, place: Context, keys: &KeyMap) -> Message {
    if place.takes_text() {
        if let Some(c) = key.text() {
            return Message::Type(c);
        }
        // Keys that were bound for just this place come before editing, those of the general sections after it.
        if let Some(action) = keys.action_in(place, key) {
            return Message::Act(action);
        }
        if let Some(edit) = edit(key) {
            return Message::Edit(edit);
        }
    }
    match keys.action(place, key) {
        Some(action) => Message::Act(action),
        None => Message::Unbound(key.to_string()),
    }
}

/// The keys that change a text, as in a shell.
fn edit(key: Key) -> Option<Edit> {
    let word = key.has_ctrl() || key.has_alt();
    Some(match key.code() {
        KeyCode::Left if word => Edit::WordLeft,
        KeyCode::Right if word => Edit::WordRight,
        KeyCode::Backspace if word => Edit::DeleteWordBefore,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Backspace => Edit::DeleteBefore,
        KeyCode::Home => Edit::Start,
        KeyCode::End => Edit::End,
        KeyCode::Delete => Edit::DeleteAfter,
        KeyCode::Char(c) if key.has_alt() && !key.has_ctrl() => match c {
            'b' => Edit::WordLeft,
            'f' => Edit::WordRight,
            _ => return None,
        },
        KeyCode::Char(c) if key.has_ctrl() && !key.has_alt() => match c {
            'a' => Edit::Start,
            'e' => Edit::End,
            'w' => Edit::DeleteWordBefore,
            'u' => Edit::DeleteToStart,
            'k' => Edit::DeleteToEnd,
            'd' => Edit::DeleteAfter,
            _ => return None,
        },
        _ => return None,
    })
}

/// A pasted text for a field of one line: a line break (and every other control character) is a space, and those at the
/// ends are nothing.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().chars().take(LONGEST_PASTE).collect()
}

#[cfg(test)]
mod tests {
    use super::super::event;
    use super::*;
    use crate::app::Action;

    fn pressed(written: &str, place: Context) -> String {
        format!("{:?}", message(Event::Key(written.parse().unwrap()), place, &KeyMap::new()).unwrap())
    }

    #[test]
    fn characters_are_text_where_text_is_typed_and_shortcuts_elsewhere() {
        for (written, place, expected) in [
            ("a", Context::Leads, Message::Act(Action::Assign)),
            ("a", Context::Filter, Message::Type('a')),
            ("?", Context::Picker, Message::Type('?')),
            ("space", Context::Palette, Message::Type(' ')),
            ("f1", Context::Filter, Message::Act(Action::Help)),
            ("enter", Context::Prompt, Message::Act(Action::Accept)),
            ("down", Context::Picker, Message::Act(Action::CursorDown)),
            ("left", Context::Filter, Message::Edit(Edit::Left)),
            ("left", Context::Owners, Message::Act(Action::CursorLeft)),
            ("ctrl-left", Context::Filter, Message::Edit(Edit::WordLeft)),
            ("alt-backspace", Context::Filter, Message::Edit(Edit::DeleteWordBefore)),
            ("ctrl-u", Context::Filter, Message::Edit(Edit::DeleteToStart)),
            ("ctrl-c", Context::Filter, Message::Act(Action::Interrupt)),
            ("ctrl-j", Context::Plan, Message::Unbound("ctrl-j".into())),
            ("y", Context::Confirm, Message::Unbound("y".into())),
        ] {
            assert_eq!(pressed(written, place), format!("{expected:?}"), "{written} in {place}");
        }
    }

    #[test]
    fn a_pasted_line_break_is_neither_an_enter_nor_a_yes() {
        for place in [Context::Filter, Context::Plan, Context::Confirm] {
            let pasted = message(Event::Paste("y\r\n137\r".into()), place, &KeyMap::new());
            assert!(matches!(pasted, Some(Message::Paste(text)) if text == "y  137"));
        }
    }

    #[test]
    fn the_mouse_selects_and_scrolls_and_nothing_else() {
        let mouse =
            |kind| message(Event::Mouse(event::Mouse { kind, column: 3, row: 4 }), Context::Leads, &KeyMap::new());
        assert!(matches!(mouse(MouseKind::Click), Some(Message::Mouse(Mouse::Click { column: 3, row: 4 }))));
        assert!(matches!(mouse(MouseKind::WheelDown), Some(Message::Mouse(Mouse::ScrollDown { .. }))));
        assert!(mouse(MouseKind::ExtendedClick).is_none());
    }
}
