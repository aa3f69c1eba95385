//! Picking an owner.

use ratatui::layout::Rect;

use crate::app::owners::Who;
use crate::app::picker::{PickedLeads, Picker};
use crate::app::state::State;
use crate::app::words;

use super::paint::Canvas;
use super::theme::Role;
use super::{field, frame};

pub fn draw(state: &State, canvas: &mut Canvas<'_>, picker: &Picker) {
    let dialog = crate::app::dialog::picker_layout(state.size);
    let leads = state.leads_len(&picker.leads);
    frame::open(canvas, &dialog, "Assign", &format!("{} of {} owners", picker.matches.len(), picker.candidates()));
    let hidden = match picker.leads {
        PickedLeads::Marked if state.leads.shown.hidden_marks > 0 => {
            format!(", {} of them hidden by the filter", words::number(state.leads.shown.hidden_marks))
        }
        _ => String::new(),
    };
    let question = match picker.leads {
        PickedLeads::Marked => match leads {
            1 => format!("Who gets the marked lead{hidden}?"),
            n => format!("Who gets the {} marked leads{hidden}?", words::number(n)),
        },
        PickedLeads::One(ref lead) => format!("Who gets {}?", state.lead_label(lead)),
    };
    let (head, glyphs) = (dialog.head, canvas.theme.glyphs);
    canvas.text(head.x, head.y, head.width, &question, Role::Text);
    if head.height > 1 {
        let legend = format!("leads now {} after", glyphs.arrow);
        let room = head.width.saturating_sub(words::width(&legend) as u16 + 2);
        canvas.text(head.x, head.y + 1, 1, "/", Role::Key);
        let line = Rect { x: head.x + 2, y: head.y + 1, width: room.saturating_sub(2), height: 1 };
        field::draw(canvas, line, &picker.field, true);
        canvas.right(head.x, head.y + 1, head.width, &legend, Role::Dim);
    }
    let body = dialog.body;
    let several = state.profiles.len() > 1;
    if picker.matches.is_empty() {
        let text = match picker.candidates() {
            0 => "There is nobody to choose: the profiles of these leads are read-only, or their people are not read.",
            _ => "Nobody is called like this.",
        };
        canvas.wrapped(body, text, Role::Text);
    }
    for line in 0..body.height {
        let at = picker.cursor.top + usize::from(line);
        if let Some(found) = picker.matches.get(at) {
            let area = Rect { y: body.y + line, height: 1, ..body };
            row(canvas, picker, found, several, area, dialog.foot, at == picker.cursor.at);
        }
    }
}

fn row(
    canvas: &mut Canvas<'_>,
    picker: &Picker,
    found: &crate::app::picker::PickerMatch,
    several: bool,
    area: Rect,
    foot: Rect,
    current: bool,
) {
    let Some(owner) = picker.owner(found) else { return };
    let glyphs = canvas.theme.glyphs;
    if current {
        canvas.text(area.x, area.y, 1, glyphs.cursor, Role::Mark);
    }
    let after = picker.load_after(owner).map_or("?".to_owned(), words::number);
    let loads = format!("{:>7} {} {:>7}", words::number(owner.leads), glyphs.arrow, after);
    let loads_width = words::width(&loads) as u16;
    let room = area.width.saturating_sub(2 + loads_width + 1);
    let base = canvas.theme.style(if current { Role::Cursor } else { Role::Text });
    let matched = base.patch(canvas.theme.style(Role::Match));
    let name = owner.label.as_str();
    let ranges = bytes_of(name, &found.positions);
    let used = canvas.marked(area.x + 2, area.y, room, name, base, &ranges, matched);
    let mut more = match owner.who {
        Who::Nobody => "take the owner away".to_owned(),
        _ if several => owner.split(),
        _ => owner.group.to_string(),
    };
    if owner.is_ambiguous || found.positions.is_empty() && !picker.field.is_empty() {
        more = format!("{}  {more}", owner.email);
    }
    canvas.text(area.x + 2 + used + 2, area.y, room.saturating_sub(used + 2), &more, Role::Dim);
    // Who that is must be certain, also where the row has no room for it.
    if current && usize::from(room) < words::width(name) + 2 + words::width(&more) {
        let full = format!("{name}  {more}");
        canvas.text(foot.x + 2, foot.y, foot.width.saturating_sub(2), &full, Role::Dim);
    }
    canvas.text(area.right().saturating_sub(loads_width), area.y, loads_width, &loads, Role::Text);
}

/// The byte ranges of these characters of a text.
pub fn bytes_of(text: &str, positions: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut positions = positions.iter().peekable();
    let mut ranges = Vec::new();
    for (at, (byte, c)) in text.char_indices().enumerate() {
        if positions.next_if_eq(&&at).is_some() {
            ranges.push(byte..byte + c.len_utf8());
        }
    }
    ranges
}
