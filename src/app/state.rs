//! Everything the screen shows, and the way into it for messages.

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::layout::Position;

use crate::domain::exchange::{Command, Event};
use crate::domain::history::Touch;
use crate::domain::{Assignment, SafeText, Timestamp};

use super::action::Action;
use super::ask::Question;
use super::context::Context;
use super::dialog::Dialog;
use super::effect::Effect;
use super::field::TextField;
use super::filter::Filter;
use super::help::HelpPage;
use super::job::{Destination, Lane};
use super::keys::Keys;
use super::layout;
use super::leads::{Leads, Why};
use super::leaving::Leaving;
use super::list::Scroll;
use super::lists::{ListId, Lists};
use super::matrix::{Matrix, Pane};
use super::message::{Message, Mouse, Signal};
use super::messages::MessagePage;
use super::notices::{Level, Notices};
use super::operations::Operations;
use super::options::Options;
use super::owners::Owners;
use super::picker::PickedLeads;
use super::profiles::{Load, Profiles};
use super::recipe::{LastAssignment, MarkedAll};
use super::waiting::Waiting;

/// The whole state of the screen.
#[derive(Clone, Debug)]
pub struct State {
    pub options: Options,
    pub keys: Keys,
    /// Width and height of the terminal.
    pub size: (u16, u16),
    pub now: Timestamp,
    pub profiles: Profiles,
    pub focus: Focus,
    pub lists: Lists,
    pub leads: Leads,
    pub filter: Filter,
    pub owners: Owners,
    pub notices: Notices,
    pub operations: Operations,
    pub matrix: Matrix,
    /// Confirmed plans that wait for their time.
    pub waiting_plans: Vec<Waiting>,
    /// What lies over the main screen; the last one is on top.
    pub dialogs: Vec<Dialog>,
    pub(super) leaving: Leaving,
    /// Numbers background work, so that late answers are recognised.
    pub(super) generation: u64,
    /// The plan that is waited for.
    pub(super) plan_generation: u64,
    /// The plan on top has to be made again.
    pub(super) replan: bool,
    /// What was chosen in the palette.
    pub(super) chosen: Option<Action>,
    /// What was confirmed last, to be done again or kept as a recipe.
    pub last_assignment: Option<LastAssignment>,
    pub(super) marked_all: Option<MarkedAll>,
    /// What was changed from here lately, as the journal told when the last plan was ordered.
    pub(super) touched: Arc<Vec<Touch>>,
    /// The plan on top is ordered once that is told.
    pub(super) order_waits: bool,
    /// Keys that mean rows which the newest query has not found yet, and all keys behind them.
    waiting: VecDeque<Message>,
    /// The search that the first of them waits for.
    waits_for: Option<u64>,
    /// What this message has led to so far.
    out: Vec<Effect>,
}

/// Which part of the main screen the keys go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    Lists,
    #[default]
    Leads,
    Owners,
    Filter,
}

impl State {
    /// The state before anything has happened.
    pub fn new(options: Options, keys: Keys, size: (u16, u16), now: Timestamp) -> Self {
        Self {
            leads: Leads { columns: options.columns.clone(), ..Leads::default() },
            profiles: Profiles::new(options.links.clone()),
            options,
            keys,
            size,
            now,
            focus: Focus::Leads,
            lists: Lists::default(),
            filter: Filter::default(),
            owners: Owners::default(),
            notices: Notices::default(),
            operations: Operations::default(),
            matrix: Matrix::default(),
            waiting_plans: Vec::new(),
            dialogs: Vec::new(),
            leaving: Leaving::No,
            generation: 0,
            plan_generation: 0,
            replan: false,
            chosen: None,
            last_assignment: None,
            marked_all: None,
            touched: Arc::default(),
            order_waits: false,
            waiting: VecDeque::new(),
            waits_for: None,
            out: Vec::new(),
        }
    }

    /// What should happen first.
    pub fn start(&mut self) -> Vec<Effect> {
        if let Some(name) = &self.options.start_with {
            self.lists.active = super::lists::ListId::Profile(name.clone());
        }
        self.title();
        std::mem::take(&mut self.out)
    }

    /// Takes in one message and says what should happen.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        if !self.must_wait(&message) {
            self.take_in(message);
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(message);
        }
        while let Some(message) = self.waiting.pop_front() {
            if self.leads.marking.is_some() || self.is_too_early(&message) {
                self.waiting.push_front(message);
                break;
            }
            self.waits_for = None;
            self.take_in(message);
        }
        self.settle();
        std::mem::take(&mut self.out)
    }

    /// A key that has to wait for rows, or for a key before it that does.
    fn must_wait(&mut self, message: &Message) -> bool {
        match message {
            Message::Act(Action::Interrupt | Action::Suspend | Action::Redraw) => false,
            Message::Act(_) | Message::Type(_) | Message::Edit(_) | Message::Paste(_) => {
                !self.waiting.is_empty() || self.leads.marking.is_some() || self.is_too_early(message)
            }
            _ => false,
        }
    }

    /// What a key means must be on the screen: rows that are still searched for are not. Marking all waits for the
    /// leads that have come last, once: while they are loaded more come all the time.
    fn is_too_early(&mut self, message: &Message) -> bool {
        let Message::Act(action) = message else { return false };
        let wanted = match self.waits_for {
            Some(wanted) => wanted,
            None if self.leads.is_searching() && self.needs_rows(*action) => self.leads.search.newest(),
            None if matches!(action, Action::MarkAll | Action::InvertMarks) && self.needs_rows(*action) => {
                self.leads.search.newest()
            }
            None => return false,
        };
        let early = self.leads.shown.generation < wanted;
        self.waits_for = early.then_some(wanted);
        early
    }

    fn take_in(&mut self, message: Message) {
        match message {
            Message::Act(action) => self.act(action),
            Message::Type(c) => self.edit_text(|field| field.insert(c.encode_utf8(&mut [0; 4]))),
            Message::Edit(edit) => self.edit_text(|field| {
                field.edit(edit);
            }),
            Message::Paste(text) => self.edit_text(|field| field.insert(&text)),
            Message::Mouse(mouse) => self.mouse(mouse),
            Message::Unbound(key) if self.begin_count(&key) => {}
            Message::Unbound(key) => self.say(Level::Info, &format!("{key} means nothing here")),
            Message::Resize { columns, rows } => self.size = (columns, rows),
            Message::Now(now) => {
                self.now = now;
                self.send_what_is_due();
            }
            Message::Painted => self.painted(),
            Message::Backend(event) => self.backend(*event),
            Message::Searched(result) => self.searched(result),
            Message::SearchFailed { generation } => {
                if self.search_failed(generation) {
                    // They meant rows that nobody will see.
                    self.waiting.clear();
                    self.waits_for = None;
                }
            }
            Message::Planned { generation, plan, review } => self.planned(generation, plan, review),
            Message::Marked { generation, selection } => self.marked(generation, selection),
            Message::WorkFailed(Lane::Marks) => {
                self.leads.marking = None;
                // They meant marks that were never made.
                self.waiting.clear();
                self.waits_for = None;
            }
            Message::WorkFailed(_) => {}
            Message::Counted(counts) => self.views_counted(counts),
            Message::LoadsCounted { generation, loads } => self.loads_counted(generation, loads),
            Message::Copied(copied) => self.copied(copied),
            Message::FileSaved(saved) => self.file_saved(saved),
            Message::FileRead(read) => self.file_read(read),
            Message::ViewSaved(saved) => self.view_saved(saved),
            Message::Signal(Signal::Interrupt) => self.interrupt(),
            Message::Signal(Signal::Terminate) => self.leave(),
            Message::Resumed => self.emit(Effect::Repaint),
        }
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    pub(super) fn say(&mut self, level: Level, text: &str) {
        self.notices.say(self.now, level, text);
    }

    /// The window's title.
    pub(super) fn title(&mut self) {
        let title = SafeText::new(&format!("Switchboard: {}", self.list_label()));
        self.emit(Effect::Title(title));
    }

    /// Where the person is: which keys mean what.
    pub fn context(&self) -> Context {
        if layout::is_too_small(self.size) {
            return Context::TooSmall;
        }
        if let Some(dialog) = self.dialogs.last() {
            return dialog.context();
        }
        if self.shows_campaigns() {
            return match self.matrix.pane {
                Pane::Tree => Context::Campaigns,
                Pane::Grid => Context::Grid,
            };
        }
        match self.focus {
            Focus::Lists => Context::Lists,
            Focus::Leads => Context::Leads,
            Focus::Owners => Context::Owners,
            Focus::Filter => Context::Filter,
        }
    }

    fn act(&mut self, action: Action) {
        self.notices.pass();
        if action != Action::Interrupt && self.leaving == Leaving::Warned {
            self.leaving = Leaving::No;
        }
        let blind = self.context() == Context::TooSmall;
        if blind && !matches!(action, Action::Interrupt | Action::Suspend | Action::Redraw) {
            return;
        }
        if let Some(why) = self.why_not(action) {
            self.say(Level::Info, &why);
            return;
        }
        match action {
            Action::Interrupt => return self.interrupt(),
            Action::Suspend => return self.emit(Effect::Suspend),
            Action::Redraw => return self.emit(Effect::Repaint),
            Action::Help if self.context() != Context::Help => {
                let place = self.context();
                return self.dialogs.push(Dialog::Help(HelpPage { place, scroll: Scroll::default() }));
            }
            Action::Palette if self.context() != Context::Palette => return self.open_palette(),
            Action::Messages if self.context() != Context::Messages => {
                return self.dialogs.push(Dialog::Messages(MessagePage::default()));
            }
            _ => {}
        }
        if self.act_in_dialog(action) {
            self.replan();
            if let Some(chosen) = self.chosen.take() {
                self.act(chosen);
            }
            return;
        }
        if self.shows_campaigns() {
            return self.act_in_campaigns(action);
        }
        self.range_before(action);
        let done = match self.focus {
            Focus::Filter => self.act_in_filter(action),
            Focus::Lists => self.act_in_lists(action),
            Focus::Owners => self.act_in_owners(action),
            Focus::Leads => self.marking(action) || self.move_in_table(action),
        };
        if !done {
            self.act_in_panes(action);
        }
    }

    /// Actions of the main screen, whichever pane has the focus.
    fn act_in_panes(&mut self, action: Action) {
        match action {
            Action::FocusLists => self.focus = Focus::Lists,
            Action::FocusLeads => self.focus = Focus::Leads,
            Action::FocusOwners => self.focus = Focus::Owners,
            Action::FocusCampaigns => {
                if let Some(profile) = self.campaigns_to_show() {
                    self.show_campaigns(profile);
                }
            }
            Action::NextField => {
                self.focus = match self.focus {
                    Focus::Lists => Focus::Owners,
                    Focus::Owners => Focus::Leads,
                    Focus::Leads | Focus::Filter => Focus::Lists,
                }
            }
            Action::PreviousField => {
                self.focus = match self.focus {
                    Focus::Lists => Focus::Leads,
                    Focus::Leads | Focus::Filter => Focus::Owners,
                    Focus::Owners => Focus::Lists,
                }
            }
            Action::Filter => self.focus = Focus::Filter,
            Action::Back => self.back(),
            Action::MarkedOnly => self.toggle_marked_only(),
            Action::ToggleClosed => {
                self.leads.include_closed = !self.leads.include_closed;
                self.search(Why::OtherRows);
            }
            Action::Refresh => self.refresh(),
            Action::ReadNames => self.read_names(),
            Action::Columns => self.open_columns(),
            Action::SortNext => self.sort_next(),
            Action::SortReverse => {
                if let Some(sort) = self.leads.sort {
                    self.sort_by(sort.field);
                }
            }
            Action::SaveView => self.open_view_prompt(),
            Action::DeleteView => {
                if let Some(ListId::View(name)) = self.lists().get(self.lists.cursor.at) {
                    let question = format!("Forget the view {}?", SafeText::new(name));
                    self.ask(question, "Keep it", "Forget it", super::confirm::What::DeleteView(name.clone()));
                }
            }
            Action::Assign => {
                if let Some(leads) = self.meant_leads() {
                    self.open_picker(leads);
                }
            }
            Action::Unassign => {
                if let Some(leads) = self.meant_leads() {
                    self.plan_unassignment(leads);
                }
            }
            Action::Detail | Action::Accept => self.open_detail(),
            Action::Copy | Action::SaveFile => self.copy_leads(action),
            action => {
                // Markings that make sense in every pane.
                if !self.act_on_any_screen(action) {
                    self.marking(action);
                }
            }
        }
    }

    /// Actions that are the same on the screens of leads and of campaigns. False for all others.
    pub(super) fn act_on_any_screen(&mut self, action: Action) -> bool {
        match action {
            Action::NextTheme => {
                self.options.theme = self.options.theme.next();
                let name = self.options.theme.to_string();
                self.say(Level::Info, &format!("Theme: {name}"));
            }
            Action::Dismiss => {
                self.notices.dismiss();
            }
            Action::Undo => self.plan_undo(Command::PlanNewestUndo { redo: false }),
            Action::Redo => self.plan_undo(Command::PlanNewestUndo { redo: true }),
            Action::Repeat => self.repeat_assignment(),
            Action::OpenPlan => self.open_ask(Question::OpenPlan, ""),
            Action::SaveRecipe => self.save_recipe(),
            Action::Stop => {
                let ids = self.stoppable();
                self.stop(&ids);
            }
            Action::Watch => {
                let running = self.operations.running().last().or(self.operations.newest());
                if let Some(id) = running.map(|operation| operation.id.clone()) {
                    self.watch(&id);
                }
            }
            Action::History => self.dialogs.push(Dialog::History(Box::default())),
            Action::Quit => self.quit(),
            _ => return false,
        }
        true
    }

    /// Plans to take the owners from these leads.
    pub(super) fn plan_unassignment(&mut self, leads: PickedLeads) {
        let profiles = self.profiles.usable().map(|profile| (profile.name.clone(), Assignment::unassigned()));
        let to = Destination { label: SafeText::new("nobody"), in_profile: profiles.collect() };
        self.plan_assignment(leads, to);
    }

    /// One step back on the main screen: the pane, the range, then the filter.
    fn back(&mut self) {
        if self.focus != Focus::Leads {
            self.focus = Focus::Leads;
        } else if self.leads.range.take().is_some() {
        } else if !self.filter.field.is_empty() {
            self.filter.field.clear();
            self.filter_changed(Why::OtherRows);
        }
    }

    /// Loads the listed profiles again.
    fn refresh(&mut self) {
        let names =
            self.listed_profiles().filter(|p| p.capabilities.is_some()).map(|p| p.name.clone()).collect::<Vec<_>>();
        let names: Vec<_> = names.into_iter().filter(|name| !self.has_campaigns(name)).collect();
        for profile in names {
            self.profiles.entry(&profile).load = Load::Running;
            self.emit(Effect::Send(Command::Load { profile: profile.clone() }));
            self.forget_answers(&profile);
        }
    }

    fn backend(&mut self, event: Event) {
        match event {
            Event::Opened { profile, capabilities, read_only } => {
                let entry = self.profiles.entry(&profile);
                entry.capabilities = Some(capabilities);
                entry.read_only = read_only;
                entry.load = Load::Running;
                if self.has_campaigns(&profile) {
                    self.campaigns_opened(&profile);
                } else {
                    self.emit(Effect::Send(Command::Load { profile }));
                }
                self.filter_changed(Why::NewLeads);
                self.count_owners();
                self.title();
            }
            Event::Learned { profile, capabilities } => {
                self.profiles.entry(&profile).capabilities = Some(capabilities);
                self.filter_changed(Why::NewLeads);
            }
            Event::NotOpened { profile, problem } => {
                self.notices.problem(self.now, &problem);
                self.profiles.entry(&profile).load = Load::NotOpened(problem);
            }
            Event::People { profile, people } => {
                self.profiles.entry(&profile).people = people;
                self.count_owners();
                self.refresh_picker();
            }
            Event::Leads { profile, table, progress } => {
                self.profiles.entry(&profile).loaded(table, progress);
                self.count_owners();
                self.refresh_picker();
                self.search(Why::NewLeads);
                if progress.finished {
                    self.count_views();
                }
            }
            Event::Collections { profile, collections } => {
                self.profiles.entry(&profile).collections = collections;
                self.search(Why::NewLeads);
                self.count_views();
                self.title();
            }
            Event::Answered { profile, asked, found } => self.answered(&profile, asked, found),
            Event::LoadFailed { profile, problem } => {
                self.notices.problem(self.now, &problem);
                self.profiles.entry(&profile).load = Load::Failed(problem);
            }
            Event::Waiting { profile, until } => self.profiles.entry(&profile).waits_until = Some(until),
            Event::Detail { lead, record, events } => self.detail_arrived(&lead, record, events),
            Event::Planned { asked, plan } => self.undo_planned(asked.as_ref(), plan),
            Event::PlanOpened { file, plan } => self.plan_opened(file, plan),
            Event::PlanWritten { text } => self.plan_written(text),
            Event::RecentChanges { touched } => self.recent_changes_told(touched),
            Event::NotPlanned { problem } => self.undo_not_planned(&problem),
            Event::Started { operation, plan } => self.operation_started(operation, plan),
            Event::Progress { operation, progress } => self.operation_progressed(&operation, progress),
            Event::Ended { summary, seconds, requests } => self.operation_ended(*summary, seconds, requests),
            Event::Lost { operation, problem } => self.operation_lost(&operation, &problem),
            Event::NotStarted { problem } => self.notices.problem(self.now, &problem),
            Event::Failed { problem } => {
                self.notices.problem(self.now, &problem);
                self.stop_gathering();
                // Perhaps that was the answer about recent changes: the plan is made without it.
                if std::mem::take(&mut self.order_waits) {
                    self.order_plan_now();
                }
            }
            Event::History { operations, total, offset } => self.history_arrived(operations, total, offset),
            Event::HistoryFound { filter, operations, total, offset } => {
                self.history_found(&filter, operations, total, offset);
            }
            Event::Notice { text } => self.say(Level::Info, &text),
            Event::Items { operation, items, total, offset } => self.items_arrived(&operation, items, total, offset),
            Event::Parts { operation, parts } => self.parts_arrived(&operation, parts),
            Event::Interrupted { operations } => self.offer_interrupted(operations),
            Event::Matrix { profile, told } => self.matrix_told(&profile, told),
            Event::Stopped => self.gone(),
        }
    }

    /// Puts everything back into place that a message may have moved.
    fn settle(&mut self) {
        let (len, height) = (self.leads.shown.len(), self.table_height());
        self.leads.cursor.fit(len, height);
        let (len, height) = (self.lists_len(), self.lists_height());
        self.lists.cursor.fit(len, height);
        let (columns, height) = self.owners_grid();
        self.owners.cursor.fit(self.owners.rows.len(), columns * height);
        // Owners stand in columns: those move as a whole.
        if columns > 1 {
            let first = self.owners.cursor.top.next_multiple_of(height);
            self.owners.cursor.top = first;
        }
        self.settle_grid();
        self.settle_dialogs();
        self.retry_gathered();
        self.wish_for_names();
        self.ask_vendors();
    }

    /// Where everything is.
    pub fn layout(&self) -> layout::Main {
        let lines = usize::from(self.strip_lines()).saturating_sub(1);
        layout::main(self.size, self.lists_len(), self.owners.rows.len(), lines)
    }

    pub(super) fn table_height(&self) -> usize {
        usize::from(self.layout().rows.height)
    }

    pub(super) fn lists_height(&self) -> usize {
        match self.layout().band {
            Some(band) => usize::from(band.lists.height),
            None => usize::from(self.pane_picker().body.height),
        }
    }

    /// How many owners stand side by side, and how many below each other.
    pub fn owners_grid(&self) -> (usize, usize) {
        match self.layout().band {
            Some(band) => {
                let columns = layout::owner_columns(band.owners.width);
                // Where the leads are needs as much room as the name.
                let columns = if self.listed_profiles().count() > 1 { (columns / 2).max(1) } else { columns };
                (columns, usize::from(band.owners.height).max(1))
            }
            None => (1, usize::from(self.pane_picker().body.height).max(1)),
        }
    }

    /// Where lists or owners are shown over the table when the panes fold.
    pub fn pane_picker(&self) -> layout::Dialog {
        layout::dialog(self.size, 60, self.size.1.saturating_sub(4), 0, 0)
    }

    /// Lines that say what is going on: one, and one more for each operation on the way or plan that waits.
    pub fn strip_lines(&self) -> u16 {
        1 + (self.operations.running().count() + self.waiting_plans.len()).min(3) as u16
    }

    /// Changes the text that is being typed.
    pub(super) fn edit_text(&mut self, edit: impl FnOnce(&mut TextField)) {
        self.notices.pass();
        if let Some(dialog) = self.dialogs.last_mut() {
            if let Some(field) = dialog.field() {
                edit(field);
                match self.dialogs.last() {
                    Some(Dialog::Picker(_)) => self.picker_typed(),
                    Some(Dialog::Palette(_)) => self.palette_typed(),
                    Some(Dialog::GridPicker(_)) => self.grid_picker_typed(),
                    Some(Dialog::History(_)) => self.history_typed(),
                    _ => {}
                }
            }
        } else if self.focus == Focus::Filter {
            let before = self.filter.text().to_owned();
            edit(&mut self.filter.field);
            if before != self.filter.text() {
                self.filter_changed(Why::OtherQuery);
            }
        }
    }

    /// The mouse moves cursors and scrolls; it marks nothing and sends nothing.
    fn mouse(&mut self, mouse: Mouse) {
        let layout = self.layout();
        let (column, row, wheel) = match mouse {
            Mouse::Click { column, row } => (column, row, None),
            Mouse::ScrollUp { column, row } => (column, row, Some(false)),
            Mouse::ScrollDown { column, row } => (column, row, Some(true)),
        };
        if !self.dialogs.is_empty() {
            return self.mouse_in_dialog(row, wheel);
        }
        let at = Position { x: column, y: row };
        if self.shows_campaigns() {
            return self.mouse_in_campaigns(at, wheel);
        }
        let (lists, owners) = match layout.band {
            Some(band) => (Some(band.lists), Some(band.owners)),
            None => {
                let body = self.pane_picker().body;
                ((self.focus == Focus::Lists).then_some(body), (self.focus == Focus::Owners).then_some(body))
            }
        };
        if let Some(area) = lists.filter(|area| area.contains(at)) {
            let len = self.lists_len();
            match wheel {
                Some(down) => self.lists.cursor.scroll(down, len, usize::from(area.height)),
                None if self.lists.cursor.click(usize::from(row - area.y), len) => self.focus = Focus::Lists,
                None => {}
            }
        } else if let Some(area) = owners.filter(|area| area.contains(at)) {
            let len = self.owners.rows.len();
            let (columns, height) = self.owners_grid();
            let width = (area.width / columns as u16).max(1);
            let place = usize::from((column - area.x) / width) * height + usize::from(row - area.y);
            match wheel {
                Some(down) => self.owners.cursor.scroll(down, len, columns * height),
                None if self.owners.cursor.click(place, len) => self.focus = Focus::Owners,
                None => {}
            }
        } else if layout.rows.contains(at) {
            // A range that was begun with shift ends as it does before a plain move: it does not stretch to the place.
            self.range_before(Action::CursorDown);
            let (len, height) = (self.leads.shown.len(), self.table_height());
            match wheel {
                Some(down) => self.leads.cursor.scroll(down, len, height),
                None if self.leads.cursor.click(usize::from(row - layout.rows.y), len) => self.focus = Focus::Leads,
                None => {}
            }
            self.leads.cursor_lead = self.leads.current();
        }
    }

    /// Something on the screen changes with time alone: send [`Message::Now`] once a second.
    pub fn needs_clock(&self) -> bool {
        !self.waiting_plans.is_empty()
            || self.profiles.iter().any(|profile| profile.waits_until.is_some_and(|until| until > self.now))
    }
}

/// Keys that may wait for a search.
const MOST_WAITING: usize = 1000;
