//! The plan, and the question whether to apply it.

use ratatui::layout::Rect;

use crate::app::plan::{PlanDialog, PlanFocus, PlanRow};
use crate::app::plan_text::PlanLine;
use crate::app::state::State;
use crate::app::words;
use crate::domain::{Assignment, ProfileName, SafeText};

use super::paint::Canvas;
use super::theme::Role;
use super::{field, frame};

pub fn draw(state: &State, canvas: &mut Canvas<'_>, plan: &PlanDialog) {
    let dialog = plan.layout(state.size);
    let body = dialog.body;
    let lines = plan.lines(usize::from(body.width));
    let more = frame::lines_shown(canvas, plan.scroll.top, body.height, plan.rows(lines.len()));
    frame::open(canvas, &dialog, plan.title(), &more);
    let parts = plan.review().map_or(&[][..], |review| &review.parts);
    let profiles = match parts.len() {
        0 | 1 => 0,
        _ => parts.iter().map(|part| words::width(part.profile.as_str()) as u16).max().unwrap_or(0).min(MOST_PROFILE),
    };
    for line in 0..body.height {
        let row = plan.row(&lines, plan.scroll.top + usize::from(line));
        let area = Rect { y: body.y + line, height: 1, ..body };
        match row {
            Some(PlanRow::Summary(at)) => summary_line(canvas, area, &lines[at]),
            Some(PlanRow::Change(profile, change)) => {
                let area = profile_column(canvas, area, profile, profiles);
                change_row(
                    canvas,
                    area,
                    &change.name(),
                    change.target().to_string(),
                    change.before,
                    change.after,
                    None,
                );
            }
            Some(PlanRow::Skip(profile, skip)) => {
                let area = profile_column(canvas, area, profile, profiles);
                let reason = plan.reason_of(skip);
                change_row(
                    canvas,
                    area,
                    &skip.name(),
                    skip.target().to_string(),
                    skip.before,
                    skip.after,
                    Some(&reason),
                );
            }
            Some(PlanRow::SkipsHeading(skips)) => {
                let about_lists = plan.review().is_some_and(|review| review.about_lists);
                let target = if about_lists { "list" } else { "lead" };
                let text = match skips {
                    1 => format!("The {target} left alone"),
                    n => format!("All {} left alone", words::counted(n, target)),
                };
                canvas.text(area.x, area.y, area.width, &text, Role::Title);
            }
            Some(PlanRow::Blank) => {}
            None => break,
        }
    }
    foot(state, canvas, plan, dialog.foot);
}

/// The room for a profile's name before a change, where there are several profiles.
const MOST_PROFILE: u16 = 12;

/// Whose change it is, and the rest of the row. Without a width there is only one profile, which need not be named.
fn profile_column(canvas: &mut Canvas<'_>, area: Rect, profile: &ProfileName, width: u16) -> Rect {
    if width == 0 {
        return area;
    }
    canvas.text(area.x, area.y, width.min(area.width), profile.as_str(), Role::Dim);
    let used = (width + 1).min(area.width);
    Rect { x: area.x + used, width: area.width - used, ..area }
}

fn summary_line(canvas: &mut Canvas<'_>, area: Rect, line: &PlanLine) {
    let glyphs = canvas.theme.glyphs;
    match line {
        PlanLine::Headline(text) | PlanLine::Heading(text) => {
            canvas.text(area.x, area.y, area.width, text, Role::Title);
        }
        PlanLine::Text(text) => {
            canvas.text(area.x, area.y, area.width, text, Role::Text);
        }
        PlanLine::Warning(text) => {
            canvas.line(
                area.x,
                area.y,
                area.width,
                &[(glyphs.flag, Role::Warning), (" ", Role::Text), (text, Role::Warning)],
            );
        }
        PlanLine::WarningRest(text) => {
            canvas.text(area.x + 2, area.y, area.width.saturating_sub(2), text, Role::Warning);
        }
        PlanLine::Flow { from, to, leads } => {
            let count = words::number(*leads);
            let name = area.width.saturating_sub(15) / 2;
            // The arrows stand below each other, whoever has the longest name.
            let column = name.min(32);
            canvas.text(area.x, area.y, column, from, Role::Text);
            let x = area.x + column + 1;
            canvas.text(x, area.y, 2, glyphs.arrow, Role::Dim);
            canvas.text(x + 3, area.y, name, to, Role::Text);
            canvas.right(area.x, area.y, area.width, &count, Role::Text);
        }
        PlanLine::Load { owner, before, after, most } => {
            let change = match after.checked_sub(*before) {
                Some(more) => format!("+{}", words::number(more)),
                None => format!("-{}", words::number(before - after)),
            };
            let loads =
                format!("{:>7} {} {:>7}  {change:>7}", words::number(*before), glyphs.arrow, words::number(*after));
            let loads_width = words::width(&loads) as u16;
            let bar = if area.width >= 70 { 20 } else { 0 };
            let name = area.width.saturating_sub(loads_width + bar + 3);
            canvas.text(area.x, area.y, name, owner, Role::Text);
            if bar > 0 && *most > 0 {
                canvas.bar(area.x + name + 1, area.y, bar, *after as f64 / *most as f64, false);
            }
            canvas.right(area.x, area.y, area.width, &loads, Role::Text);
        }
        PlanLine::Blank => {}
    }
}

/// A lead, from whom to whom, and why not.
fn change_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    name: &SafeText,
    id: String,
    before: &Assignment,
    after: &Assignment,
    reason: Option<&str>,
) {
    let name = if name.is_empty() { id.as_str() } else { name.as_str() };
    let label = (area.width / 3).max(10);
    canvas.text(area.x, area.y, label, name, Role::Text);
    let x = area.x + label + 1;
    let room = area.right().saturating_sub(x);
    let text = match reason {
        // Was and now are in the reason where that is the reason.
        Some(reason) => format!("{reason} ({})", before.label()),
        None => match Assignment::set_difference(before, after) {
            Some(change) => format!("{} {} {}  {change}", before.label(), canvas.theme.glyphs.arrow, after.label()),
            None => format!("{} {} {}", before.label(), canvas.theme.glyphs.arrow, after.label()),
        },
    };
    canvas.text(x, area.y, room, &text, if reason.is_some() { Role::Dim } else { Role::Text });
}

/// Note, count and buttons.
fn foot(state: &State, canvas: &mut Canvas<'_>, plan: &PlanDialog, area: Rect) {
    let mut y = area.bottom();
    let mut line = || {
        y = y.saturating_sub(1);
        (y >= area.y).then_some(Rect { y, height: 1, ..area })
    };
    let changes = plan.review().map_or(0, |review| review.changes);
    if let Some(area) = line() {
        let apply = match changes {
            0 => String::new(),
            n if plan.is_large() => format!("Apply: type {}", words::number(n)),
            n => format!("Apply {}", words::counted(n, "change")),
        };
        let x = frame::button(canvas, area.x, area, "Cancel", plan.focus == PlanFocus::Cancel);
        if !apply.is_empty() && !plan.is_large() {
            frame::button(canvas, x, area, &apply, plan.focus == PlanFocus::Apply);
        }
        if plan.is_large() && changes > 0 {
            let long = "Type the number of changes to apply them: ";
            let label = if area.width > 70 { long } else { "Type " };
            let used = canvas.text(x, area.y, area.right().saturating_sub(x), label, Role::Text);
            let room = Rect { x: x + used, width: area.right().saturating_sub(x + used), ..area };
            if plan.focus == PlanFocus::Count || !plan.count.is_empty() {
                field::draw(canvas, room, &plan.count, plan.focus == PlanFocus::Count);
            } else {
                canvas.text(room.x, room.y, room.width, &words::number(changes), Role::Dim);
            }
        }
    }
    if changes > 0
        && let Some(area) = line()
    {
        let timed =
            plan.focus == PlanFocus::NotBefore || (!plan.not_before.is_empty() && plan.focus != PlanFocus::Note);
        let (label, field, focus) = match timed {
            true => ("Not before (time of day): ", &plan.not_before, PlanFocus::NotBefore),
            false => ("Note: ", &plan.note, PlanFocus::Note),
        };
        let used = canvas.text(area.x, area.y, area.width, label, Role::Dim);
        let room = Rect { x: area.x + used, width: area.width.saturating_sub(used), ..area };
        if plan.focus == focus || !field.is_empty() {
            field::draw(canvas, room, field, plan.focus == focus);
        } else {
            let key = state.keys.label(crate::app::Context::Plan, crate::app::Action::Note);
            let text =
                key.map_or("none".to_owned(), |key| format!("none ({key} writes one; it stays with the operation)"));
            canvas.text(room.x, room.y, room.width, &text, Role::Dim);
        }
    }
}
