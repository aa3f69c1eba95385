//! One operation: its progress while it runs, its report afterwards, and its items.

use ratatui::layout::Rect;

use crate::app::operation::OperationView;
use crate::app::operations::{Operation, part_words, tally_words};
use crate::app::state::State;
use crate::app::words;
use crate::domain::history::ItemRow;
use crate::domain::{Assignment, ItemState, Tally};

use super::frame;
use super::history::left_to_take_back;
use super::paint::Canvas;
use super::theme::Role;

pub fn draw(state: &State, canvas: &mut Canvas<'_>, view: &OperationView) {
    let dialog = crate::app::dialog::operation_layout(state.size);
    let tally = state.tally_of(view);
    let running = state.operations.get(&view.id).filter(|operation| operation.is_running());
    let kind = if running.is_some() { "Progress" } else { "Report" };
    frame::open(canvas, &dialog, kind, &view.id.to_string());
    let head = dialog.head;
    let lines = head_lines(state, view, &tally);
    for (line, (text, role)) in lines.iter().enumerate().take(usize::from(head.height.saturating_sub(1))) {
        let y = head.y + line as u16;
        if line == 1 {
            bar(canvas, Rect { y, height: 1, ..head }, &tally, text);
        } else {
            canvas.text(head.x, y, head.width, text, *role);
        }
    }
    let columns = columns(dialog.body.width);
    if head.height > 0 {
        let y = head.bottom() - 1;
        let is_list = view.item(view.cursor.top).is_some_and(|item| matches!(item.wrote, Assignment::Agents(_)));
        let target = if is_list { "List" } else { "Lead" };
        let titles = [if columns[0].1 > 8 { "  State" } else { "" }, target, "Was", "Wrote", "Now", "Reason"];
        for (column, title) in columns.iter().zip(titles) {
            canvas.text(head.x + column.0, y, column.1, title, Role::Title);
        }
    }
    let body = dialog.body;
    let several = state.parts_of(view).len() > 1;
    if view.is_empty() {
        let text = match (view.is_loading(), view.only_problems) {
            (true, _) => "Reading the items from the journal",
            (false, true) => "Every item is done.",
            (false, false) => "There are no items.",
        };
        canvas.text(body.x, body.y, body.width, text, Role::Text);
    }
    for line in 0..body.height {
        let at = view.cursor.top + usize::from(line);
        let y = body.y + line;
        match view.item(at) {
            Some(item) => row(canvas, view, item, several, body.x, y, &columns, at == view.cursor.at),
            None if at < view.len() => {
                canvas.text(body.x + 2, y, body.width, "reading", Role::Dim);
            }
            None => break,
        }
    }
    // What has no room in its column is said in full at the foot.
    if let Some(item) = view.item(view.cursor.at) {
        let now = item.now.as_ref().map(|now| format!(", now {}", now.label())).unwrap_or_default();
        let reason = item.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let foot = dialog.foot;
        let wrote = Assignment::set_difference(&item.was, &item.wrote).unwrap_or_else(|| item.wrote.label());
        let (was, state, verb) = (item.was.label(), item.state.label(), verb(item.state));
        let text = match foot.width < 60 {
            // Where little has room, what became of it comes first.
            true => format!("{state}{reason}; was {was}, {verb} {wrote}{now}"),
            false => {
                let (at, all) = (words::number(view.cursor.at + 1), words::number(view.len()));
                format!("{at} of {all}: was {was}, {verb} {wrote}{now}, {state}{reason}")
            }
        };
        canvas.wrapped(foot, &text, Role::Dim);
    }
}

/// What an item did with what it was to write.
fn verb(state: ItemState) -> &'static str {
    match state {
        ItemState::Planned => "will write",
        ItemState::Failed => "tried",
        ItemState::Skipped | ItemState::NotSent => "wanted",
        ItemState::Sent | ItemState::Done | ItemState::Unknown | ItemState::ChangedByOthers => "wrote",
    }
}

/// What is said above the items: what it does, the bar's words, and how it goes on or went.
fn head_lines(state: &State, view: &OperationView, tally: &Tally) -> Vec<(String, Role)> {
    let operation = state.operations.get(&view.id);
    let summary =
        view.summary.as_ref().or(operation.and_then(|operation| operation.ended.as_ref()).map(|end| &end.summary));
    let title = match (operation, summary) {
        (Some(operation), _) => operation.title.clone(),
        (None, Some(summary)) => {
            let at = words::clock(summary.at, state.now, &state.options.zone);
            let note = summary.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            format!("{} of {} by {}{note}", summary.kind, at, summary.who)
        }
        (None, None) => String::new(),
    };
    let how = match operation {
        Some(operation) if operation.is_running() => progress_words(operation),
        Some(operation) if operation.is_lost => "cut off: the messages say why; go on settles it".to_owned(),
        Some(operation) => match &operation.ended {
            Some(end) => {
                format!("ended: {} in {}", words::counted(end.requests, "request"), words::duration(end.seconds))
            }
            None => String::new(),
        },
        None => summary.map(left_to_take_back).unwrap_or_default(),
    };
    let parts = part_words(state.parts_of(view));
    let how = match (how.is_empty(), parts.is_empty()) {
        (_, true) => how,
        (true, false) => parts,
        // Where every profile stands is worth more than how fast all of them together go.
        (false, false) => format!("{parts}; {how}"),
    };
    vec![(title, Role::Title), (tally_words(tally), Role::Text), (how, Role::Text)]
}

/// The activity strip's words: what came out so far, why it waits or how fast it goes, and how long it takes.
pub fn strip_words(operation: &Operation) -> String {
    let tally = &operation.progress.tally;
    let mut said = vec![format!("{} done", words::number(tally.done))];
    for (count, word) in [(tally.failed, "failed"), (tally.unknown, "unknown")] {
        if count > 0 {
            said.push(format!("{} {word}", words::number(count)));
        }
    }
    said.push(progress_words(operation));
    said.join(", ")
}

/// What is on the way, how fast it goes, and why it waits.
fn progress_words(operation: &Operation) -> String {
    let progress = &operation.progress;
    let mut said = Vec::new();
    if progress.stopping {
        said.push("stopping".to_owned());
    } else if progress.paused {
        said.push("paused".to_owned());
    }
    if let Some(most) = progress.at_most {
        said.push(format!("slowed to {} requests/s", rate(most)));
    }
    if let Some(waiting) = &progress.waiting {
        said.push(format!("waiting: {}", crate::domain::SafeText::new(waiting)));
    }
    if progress.items_per_second > 0.0 {
        said.push(format!("{}/s", rate(progress.items_per_second)));
    }
    if let Some(left) = progress.seconds_left
        && !progress.stopping
    {
        said.push(format!("{} left", words::duration(left)));
    }
    if progress.in_flight > 0 {
        said.push(format!("{} in flight", words::number(progress.in_flight)));
    }
    if said.is_empty() { "starting".to_owned() } else { said.join(", ") }
}

fn rate(per_second: f64) -> String {
    if per_second >= 10.0 { words::number(per_second.round() as usize) } else { format!("{per_second:.1}") }
}

/// The share of settled items as a bar, with the counts behind it.
pub fn bar(canvas: &mut Canvas<'_>, area: Rect, tally: &Tally, text: &str) {
    let wide = (area.width / 4).clamp(6, 30);
    let part = match tally.total() {
        0 => 0.0,
        total => tally.settled() as f64 / total as f64,
    };
    canvas.bar(area.x, area.y, wide, part, true);
    let text = format!("{:>3.0} %  {text}", (part * 100.0).floor());
    canvas.text(area.x + wide + 1, area.y, area.width.saturating_sub(wide + 1), &text, Role::Text);
}

/// Offset and width of state, lead, was, wrote, now and reason.
fn columns(width: u16) -> [(u16, u16); 6] {
    // Narrow: the mark alone is the state, and the foot says the rest.
    let (state, now) = if width >= 100 {
        (21, 14)
    } else if width >= 70 {
        (14, 0)
    } else {
        (4, 0)
    };
    let left = width.saturating_sub(state + now);
    let lead = (left / 3).min(34);
    let owner = (left / 5).min(24);
    let mut x = 0;
    let mut next = |wide: u16| {
        let column = (x, wide.saturating_sub(1));
        x += wide;
        column
    };
    let (state, lead, was, wrote, now) = (next(state), next(lead), next(owner), next(owner), next(now));
    [state, lead, was, wrote, now, (x, width.saturating_sub(x))]
}

#[expect(clippy::too_many_arguments, reason = "what a row is made of, and where it stands")]
fn row(
    canvas: &mut Canvas<'_>,
    view: &OperationView,
    item: &ItemRow,
    several: bool,
    x: u16,
    y: u16,
    columns: &[(u16, u16); 6],
    current: bool,
) {
    let glyphs = canvas.theme.glyphs;
    if current {
        canvas.text(x, y, 1, glyphs.cursor, Role::Mark);
    }
    if view.marked.contains(&item.seq) {
        canvas.text(x + 1, y, 1, glyphs.mark, Role::Mark);
    }
    let role = canvas.theme.state_role(item.state);
    let room = columns[0].1.saturating_sub(2).max(1);
    let mark = canvas.theme.state_mark(item.state).to_string();
    let used = canvas.text(x + 2, y, room, &mark, role) + 1;
    // Without room for the word the mark is enough: the foot has the word.
    if room > 8 {
        canvas.text(x + 2 + used, y, room - used, item.state.label(), role);
    }
    let mut name = if item.name.is_empty() { item.target.to_string() } else { item.name.to_string() };
    if several {
        // Two profiles may have a lead of the same name, and even of the same id.
        name = format!("{}: {name}", item.profile);
    }
    let cell = |canvas: &mut Canvas<'_>, at: usize, text: &str, role: Role| {
        canvas.text(x + columns[at].0, y, columns[at].1, text, role);
    };
    cell(canvas, 1, &name, if current { Role::Cursor } else { Role::Text });
    cell(canvas, 2, item.was.label().as_str(), Role::Text);
    // Of a set the agents that came and went say more than how many there are.
    let wrote = Assignment::set_difference(&item.was, &item.wrote).unwrap_or_else(|| item.wrote.label());
    cell(canvas, 3, wrote.as_str(), Role::Text);
    cell(canvas, 4, item.now.as_ref().map(Assignment::label).unwrap_or_default().as_str(), Role::Text);
    cell(canvas, 5, item.reason.clone().unwrap_or_default().as_str(), Role::Dim);
}
