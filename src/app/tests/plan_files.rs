//! Plans as files, approval, recipes, findings, questions to the history, and taking back by force or since a time.

use std::sync::Arc;
use std::time::Duration;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, capabilities, item, lead, now, summary};
use crate::app::plan::Stage;
use crate::app::{Action, Context, Effect, Message, Options};
use crate::domain::exchange::{Command, Event};
use crate::domain::history::Touch;
use crate::domain::plan_file::{Place, PlanFile};
use crate::domain::recipe::Recipe;
use crate::domain::{ItemState, OperationKind, Plan, SafeText, Tally, VendorKind};

const SIZE: (u16, u16) = (80, 24);

/// A desk with leads, and a plan for some of them on the screen.
fn planned(options: Options) -> Desk {
    let mut desk = Desk::with(SIZE, options);
    desk.open("demo", capabilities(), false);
    desk.load("demo", 30);
    desk.effects.clear();
    desk.plan("status:new", "bob");
    desk
}

/// The plan on the screen.
fn shown(desk: &Desk) -> Arc<Plan> {
    match desk.top() {
        Dialog::Plan(dialog) => match &dialog.stage {
            Stage::Ready { plan, .. } => plan.clone(),
            Stage::Making(_) => panic!("it is still being made"),
        },
        _ => panic!("no plan is on the screen"),
    }
}

fn file_of(plan: &Plan) -> PlanFile {
    let place = Place { profile: "demo".into(), vendor: VendorKind::Kenbun, base_url: "https://x".to_owned() };
    PlanFile::new(plan, "status:new", "ann@desk".into(), now(), vec![place])
}

/// Opens a plan file whose content is `file`.
fn open(desk: &mut Desk, file: PlanFile) {
    desk.act(Action::OpenPlan);
    desk.type_text("~/plan.json");
    desk.act(Action::Accept);
    let read = desk.take().into_iter().find_map(|effect| match effect {
        Effect::ReadFile(path) => Some(path),
        _ => None,
    });
    assert_eq!(read.as_deref(), Some("~/plan.json"));
    desk.send(Message::FileRead(Ok(Arc::new(b"{}".to_vec()))));
    assert!(matches!(&desk.commands()[..], [Command::OpenPlan { .. }]));
    let plan = Arc::new(file.clone().into_plan());
    desk.tell(Event::PlanOpened { file: Arc::new(file), plan });
    desk.paint();
}

#[test]
fn a_plan_is_saved_from_its_dialog_and_stays_on_the_screen() {
    let mut desk = planned(Options::default());
    desk.act(Action::Note);
    desk.type_text("spring");
    desk.acts(&[Action::Accept, Action::SavePlan]);
    let [Command::WritePlan { plan, asked, .. }] = &desk.commands()[..] else { panic!() };
    assert_eq!((asked.as_str(), plan.note.as_ref().unwrap().as_str()), ("status:new", "spring"));
    desk.tell(Event::PlanWritten { text: "{}".to_owned() });
    assert!(matches!(&desk.take()[..], [Effect::SaveFile { name, .. }] if name == "plan.json"));
    assert_eq!(desk.state.context(), Context::Plan);
}

#[test]
fn a_plan_file_is_opened_read_again_and_applied_as_a_file() {
    let mut desk = planned(Options::default());
    let plan = shown(&desk);
    desk.act(Action::Back);
    open(&mut desk, file_of(&plan));
    assert_eq!(shown(&desk).changes(), plan.changes());
    desk.act(Action::Apply);
    let [Command::ApplyFile { file, plan: sent }] = &desk.commands()[..] else { panic!() };
    assert!(file.covers(sent));
    // One that cannot be read leaves nothing behind.
    desk.act(Action::OpenPlan);
    desk.type_text("gone.json");
    desk.act(Action::Accept);
    desk.send(Message::FileRead(Err("gone.json cannot be read: no such file".to_owned())));
    assert_eq!((desk.state.context(), desk.said()), (Context::Leads, "gone.json cannot be read: no such file"));
}

#[test]
fn a_large_plan_needs_a_second_person() {
    let mut desk = planned(Options { approval_above: Some(2), ..Options::default() });
    let plan = shown(&desk);
    assert!(plan.changes() > 2);
    desk.act(Action::Apply);
    desk.type_text(&plan.changes().to_string());
    desk.act(Action::Accept);
    assert!(desk.said().contains("switchboard approve"), "{}", desk.said());
    assert!(desk.commands().is_empty());
    desk.acts(&[Action::Back, Action::Back]);
    let mut file = file_of(&plan);
    open(&mut desk, file.clone());
    desk.act(Action::Apply);
    desk.type_text(&plan.changes().to_string());
    desk.act(Action::Accept);
    assert!(desk.said().contains("somebody other than ann@desk"), "{}", desk.said());
    desk.acts(&[Action::Back, Action::Back]);
    file.approve(&"bob@desk".into(), now()).unwrap();
    open(&mut desk, file);
    desk.act(Action::Apply);
    assert!(matches!(&desk.commands()[..], [Command::ApplyFile { .. }]));
}

#[test]
fn a_plan_waits_for_its_time_and_can_be_left_unsent() {
    let later = now() + jiff::SignedDuration::from_mins(5);
    for goes_on in [true, false] {
        let mut desk = planned(Options::default());
        let mut file = file_of(&shown(&desk));
        file.not_before = Some(later);
        desk.act(Action::Back);
        open(&mut desk, file);
        desk.act(Action::Apply);
        assert!(desk.commands().is_empty() && desk.state.needs_clock());
        // It waits below the table, where every plan waits, and holds nobody up.
        assert_eq!((desk.state.context(), desk.state.waiting_plans.len()), (Context::Leads, 1));
        desk.send(Message::Now(later - jiff::SignedDuration::from_secs(1)));
        assert!(desk.commands().is_empty());
        if goes_on {
            desk.send(Message::Now(later));
            let [Command::ApplyFile { plan, .. }] = &desk.commands()[..] else { panic!() };
            assert!(plan.parts[0].changes.iter().all(|change| change.read_at.is_none()));
        } else {
            desk.act(Action::Stop);
            assert!(desk.said().ends_with("dropped, nothing was sent"), "{}", desk.said());
            desk.send(Message::Now(later));
            assert!(desk.commands().is_empty());
        }
        assert_eq!(desk.state.context(), Context::Leads);
        assert!(!desk.state.needs_clock());
    }
}

#[test]
fn what_is_worth_a_second_look_asks_for_the_count() {
    let options = Options { recent_changes: Duration::from_secs(600), ..Options::default() };
    let mut desk = planned(options);
    // The plan waits for the journal's answer.
    let Dialog::Plan(dialog) = desk.top() else { panic!() };
    assert!(matches!(dialog.stage, Stage::Making(_)));
    assert!(matches!(&desk.commands()[..], [Command::RecentChanges { .. }]));
    let touch = |n: usize| Touch {
        profile: "demo".into(),
        target: lead(n).id.into(),
        at: now(),
        who: SafeText::new("eve@desk"),
    };
    desk.tell(Event::RecentChanges { touched: Arc::new((0..30).map(touch).collect()) });
    desk.paint();
    let Dialog::Plan(dialog) = desk.top() else { panic!() };
    let review = dialog.review().unwrap();
    assert!(review.findings[0].contains("changed within the last 10 min by eve@desk"), "{:?}", review.findings);
    assert!(dialog.is_large());
    desk.apply();
}

#[test]
fn the_last_assignment_is_done_again_or_kept_as_a_recipe() {
    let mut desk = planned(Options::default());
    for action in [Action::Repeat, Action::SaveRecipe] {
        let mut fresh = Desk::loaded(SIZE, 30);
        fresh.act(action);
        assert_eq!(fresh.said(), "Nothing was assigned in this session yet");
    }
    desk.apply();
    desk.act(Action::SaveRecipe);
    let recipe = |desk: &mut Desk| {
        desk.take()
            .into_iter()
            .find_map(|effect| match effect {
                Effect::SaveFile { name, text } => Some((name, Recipe::parse(&text).unwrap())),
                _ => None,
            })
            .unwrap()
    };
    let (name, all) = recipe(&mut desk);
    // All that match were marked, so the recipe says the query.
    assert_eq!((name.as_str(), all.leads.query.as_deref()), ("recipe.toml", Some("status:new")));
    assert_eq!(all.profiles, ["demo".into()]);
    assert_eq!(all.assign.to.as_ref().and_then(|to| to.of(&"demo".into())).map(String::as_str), Some("bob"));
    // The same owner for other leads, through the plan.
    desk.acts(&[Action::ClearMarks, Action::CursorDown, Action::Repeat]);
    desk.paint();
    let plan = shown(&desk);
    assert_eq!(plan.changes() + plan.skips(), 1);
    desk.act(Action::Back);
    // Marks that were set by hand are ids.
    desk.acts(&[Action::MarkAll, Action::First, Action::Mark, Action::Repeat]);
    desk.paint();
    desk.apply();
    desk.act(Action::SaveRecipe);
    let (_, by_hand) = recipe(&mut desk);
    assert!(by_hand.leads.query.is_none());
    assert!(!by_hand.leads.ids.unwrap().of(&"demo".into()).unwrap().is_empty());
}

#[test]
fn the_history_is_asked_on_its_filter_line() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::History);
    assert!(matches!(&desk.commands()[..], [Command::History { offset: 0, .. }]));
    desk.act(Action::Filter);
    assert_eq!(desk.state.context(), Context::Prompt);
    desk.type_text("who:jane");
    let asked: Vec<_> = desk
        .commands()
        .into_iter()
        .filter_map(|command| match command {
            Command::HistoryWhere { filter, .. } => Some(filter),
            _ => None,
        })
        .collect();
    let newest = asked.last().unwrap().clone();
    assert_eq!(newest.who, Some("jane".into()));
    let found = summary("op1", OperationKind::Assign, Tally { done: 3, ..Tally::default() });
    // An answer to an older question is dropped.
    desk.tell(Event::History { operations: vec![found.clone(), found.clone()], total: 2, offset: 0 });
    desk.tell(Event::HistoryFound { filter: asked[0].clone(), operations: vec![], total: 0, offset: 0 });
    desk.tell(Event::HistoryFound { filter: newest, operations: vec![found], total: 1, offset: 0 });
    let Dialog::History(pane) = desk.top() else { panic!() };
    assert_eq!(pane.operations.len(), 1);
    desk.type_text(" stat:x");
    let Dialog::History(pane) = desk.top() else { panic!() };
    assert!(pane.error.as_ref().unwrap().contains("there is no \"stat\""));
    assert_eq!(pane.filter.who, Some("jane".into()));
    // Esc leaves the line, and only then the history.
    desk.act(Action::Back);
    assert_eq!(desk.state.context(), Context::History);
    desk.act(Action::Back);
    assert_eq!(desk.state.context(), Context::Leads);
}

#[test]
fn everything_since_a_time_and_single_items_by_force_are_taken_back_through_a_plan() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::History);
    let done = summary("op1", OperationKind::Assign, Tally { done: 3, ..Tally::default() });
    desk.tell(Event::History { operations: vec![done.clone()], total: 1, offset: 0 });
    desk.commands();
    desk.act(Action::UndoSince);
    let Dialog::Ask(ask) = desk.top() else { panic!() };
    // The operation under the cursor is where it begins, unless another time is typed.
    let begins: jiff::civil::DateTime = ask.field.text().parse().unwrap();
    assert!(begins.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp() <= done.at);
    desk.type_text(" jane");
    desk.act(Action::Accept);
    let [Command::PlanUndoSince { since, who: Some(who) }] = &desk.commands()[..] else { panic!() };
    assert!(*since <= done.at && who.as_str() == "jane");
    desk.act(Action::Back);
    desk.act(Action::Accept);
    let rows = (1..=3).map(|n| item(n, ItemState::Done)).collect();
    desk.tell(Event::Items { operation: "op1".into(), items: rows, total: 3, offset: 0 });
    desk.commands();
    desk.act(Action::CursorDown);
    desk.act(Action::ForceUndo);
    let [Command::PlanForcedUndo { operation, items }] = &desk.commands()[..] else { panic!() };
    assert_eq!((operation.as_str(), items.as_slice()), ("op1", &[1][..]));
}
