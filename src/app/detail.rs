//! One lead with every field its vendor gave, and what this journal knows of its assignments.

use serde_json::Value;

use crate::domain::campaign::CollectionKind;
use crate::domain::exchange::{Command, Problem};
use crate::domain::history::LeadEvent;
use crate::domain::selection::LeadKey;
use crate::domain::{LeadRecord, Lifecycle, SafeLines, SafeText, Timestamp};

use super::action::Action;
use super::dialog::After;
use super::effect::Effect;
use super::list::Scroll;
use super::state::State;
use super::words;

/// The detail page.
#[derive(Clone, Debug)]
pub struct DetailPane {
    pub lead: LeadKey,
    pub scroll: Scroll,
    /// `None` while it is being read.
    record: Option<Result<Box<LeadRecord>, Problem>>,
    events: Vec<LeadEvent>,
}

/// A line of the page.
#[derive(Clone, Debug, PartialEq)]
pub enum DetailLine {
    Heading(String),
    /// A field and (a part of) its value.
    Field(String, String),
    /// Something that happened.
    Event(String),
    Text(String),
    Error(String),
    Blank,
}

/// Width of the names of fields.
pub const LABEL_WIDTH: usize = 18;

impl State {
    pub(super) fn open_detail(&mut self) {
        if let Some(lead) = self.leads.current() {
            let pane = DetailPane { lead, scroll: Scroll::default(), record: None, events: Vec::new() };
            self.emit(Effect::Send(Command::Detail { lead: pane.lead.clone() }));
            self.dialogs.push(super::dialog::Dialog::Detail(Box::new(pane)));
        }
    }

    pub(super) fn detail_arrived(
        &mut self,
        lead: &LeadKey,
        record: Result<Box<LeadRecord>, Problem>,
        events: Vec<LeadEvent>,
    ) {
        for dialog in &mut self.dialogs {
            if let super::dialog::Dialog::Detail(pane) = dialog
                && pane.lead == *lead
            {
                pane.record = Some(record);
                pane.events = events;
                return;
            }
        }
    }

    pub(super) fn act_in_detail(&mut self, pane: &mut DetailPane, action: Action) -> After {
        let body = super::dialog::detail_layout(self.size).body;
        match action {
            Action::Back | Action::Accept => return After::Close,
            Action::Assign => {
                self.open_picker(super::picker::PickedLeads::One(pane.lead.clone()));
            }
            Action::Unassign => self.plan_unassignment(super::picker::PickedLeads::One(pane.lead.clone())),
            // The next lead of the table, without going back to it.
            Action::CursorLeft | Action::CursorRight | Action::NextField | Action::PreviousField => {
                let forward = matches!(action, Action::CursorRight | Action::NextField);
                self.move_in_table(if forward { Action::CursorDown } else { Action::CursorUp });
                if let Some(lead) = self.leads.current().filter(|lead| *lead != pane.lead) {
                    *pane = DetailPane { lead, scroll: Scroll::default(), record: None, events: Vec::new() };
                    self.emit(Effect::Send(Command::Detail { lead: pane.lead.clone() }));
                }
            }
            Action::Copy | Action::SaveFile => {
                let mut text = SafeLines::default();
                for line in self.detail_lines(pane, usize::MAX) {
                    match line {
                        DetailLine::Heading(line)
                        | DetailLine::Event(line)
                        | DetailLine::Text(line)
                        | DetailLine::Error(line) => {
                            text.push([line]);
                        }
                        DetailLine::Field(label, value) => text.push([label, value]),
                        DetailLine::Blank => text.push([""]),
                    }
                }
                self.hand_over(action, "lead", text);
            }
            action => {
                let lines = self.detail_lines(pane, usize::from(body.width)).len();
                pane.scroll.act(action, lines, usize::from(body.height));
            }
        }
        After::Stay
    }

    /// The lead as the table knows it.
    fn known_record(&self, lead: &LeadKey) -> Option<LeadRecord> {
        let table = &self.profiles.get(&lead.profile)?.table;
        Some(table.record(table.row_of(lead.id.as_str())?))
    }

    /// A campaign or list by its name, with the id behind it.
    fn named(&self, lead: &LeadKey, kind: CollectionKind, id: &SafeText) -> String {
        let known = self.profiles.get(&lead.profile).and_then(|profile| profile.collections.get(kind, id.as_str()));
        match known.map(|known| &known.name).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        }
    }

    /// The page's lines for a body of this width.
    pub fn detail_lines(&self, pane: &DetailPane, width: usize) -> Vec<DetailLine> {
        let mut lines = Vec::new();
        let known = self.known_record(&pane.lead);
        let record = match (&pane.record, &known) {
            (Some(Ok(record)), _) => Some(&**record),
            (_, known) => known.as_ref(),
        };
        if let Some(record) = record {
            self.record_lines(&pane.lead, record, width, &mut lines);
        }
        match &pane.record {
            None => lines.push(DetailLine::Text("Reading the whole lead".to_owned())),
            Some(Err(problem)) => {
                lines.extend(words::wrap(&problem.to_string(), width).into_iter().map(DetailLine::Error));
            }
            Some(Ok(_)) => {}
        }
        lines.extend([DetailLine::Blank, DetailLine::Heading("Assignments that this journal knows of".to_owned())]);
        if pane.events.is_empty() {
            let text = if pane.record.is_none() { "Reading the journal" } else { "None" };
            lines.push(DetailLine::Text(text.to_owned()));
        }
        for event in &pane.events {
            let at = words::clock(event.at, self.now, &self.options.zone);
            let reason = event.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let text = format!(
                "{at}  {} by {}: {} to {}, {}{reason}",
                event.kind,
                event.who,
                event.was.label(),
                event.wrote.label(),
                event.state.label()
            );
            lines.extend(words::wrap(&text, width).into_iter().map(DetailLine::Event));
        }
        lines
    }

    fn record_lines(&self, lead: &LeadKey, record: &LeadRecord, width: usize, lines: &mut Vec<DetailLine>) {
        let time = |at: Option<Timestamp>| {
            let at = at?;
            Some(format!("{} ({})", words::clock(at, self.now, &self.options.zone), words::age(at, self.now)))
        };
        let lifecycle = match record.lifecycle {
            Lifecycle::Open => String::new(),
            Lifecycle::Closed => "closed".to_owned(),
            Lifecycle::Deleted => "deleted".to_owned(),
        };
        let fields = [
            ("name", record.name.to_string()),
            ("id", lead.id.to_string()),
            ("profile", lead.profile.to_string()),
            ("owner", record.owner.label().to_string()),
            ("company", record.company.to_string()),
            ("e-mail", record.email.to_string()),
            ("phone", record.phone.to_string()),
            ("status", record.status.to_string()),
            ("", lifecycle),
            ("warnings", record.flags.words()),
            ("source", record.source.to_string()),
            ("campaign", self.named(lead, CollectionKind::Campaign, &record.campaign)),
            ("list", self.named(lead, CollectionKind::List, &record.list)),
            ("score", record.score.map(|score| score.to_string()).unwrap_or_default()),
            ("created", time(record.created_at).unwrap_or_default()),
            ("updated", time(record.updated_at).unwrap_or_default()),
        ];
        for (label, value) in fields {
            if !value.is_empty() {
                field_lines(label, &value, width, lines);
            }
        }
        for (key, value) in &record.extra {
            extra_lines(&SafeText::new(key).to_string(), value, width, lines);
        }
    }
}

/// A field whose value may be longer than the page is wide.
fn field_lines(label: &str, value: &str, width: usize, lines: &mut Vec<DetailLine>) {
    let mut label = label.to_owned();
    for part in words::wrap(value, width.saturating_sub(LABEL_WIDTH)) {
        lines.push(DetailLine::Field(std::mem::take(&mut label), part));
    }
}

/// A field of the vendor's own: objects become a line each for what is in them.
fn extra_lines(key: &str, value: &Value, width: usize, lines: &mut Vec<DetailLine>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (inner, value) in fields {
                extra_lines(&format!("{key}.{}", SafeText::new(inner)), value, width, lines);
            }
        }
        Value::String(text) => field_lines(key, SafeText::new(text).as_str(), width, lines),
        Value::Null => field_lines(key, "-", width, lines),
        other => field_lines(key, SafeText::new(&other.to_string()).as_str(), width, lines),
    }
}
