//! Assign and unassign: picker, plan, yes or no.

use std::collections::BTreeSet;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, capabilities, lead, owner};
use crate::app::plan::{PlanFocus, Stage};
use crate::app::plan_text::PlanLine;
use crate::app::{Action, Context, Message, Options};
use crate::domain::exchange::Command;
use crate::domain::{Assignment, OperationKind, SkipReason};

const SIZE: (u16, u16) = (80, 24);

fn plan(desk: &Desk) -> &crate::app::plan::PlanDialog {
    match desk.top() {
        Dialog::Plan(plan) => plan,
        other => panic!("no plan: {other:?}"),
    }
}

#[test]
fn the_lead_under_the_cursor_goes_to_the_picked_owner() {
    let mut desk = Desk::loaded(SIZE, 20);
    desk.act(Action::CursorDown);
    desk.act(Action::Assign);
    desk.type_text("bob");
    desk.act(Action::Accept);
    desk.paint();
    let applied = desk.apply();
    assert_eq!(applied.kind, OperationKind::Assign);
    let [part] = &applied.parts[..] else { panic!() };
    let [change] = &part.changes.to_vec()[..] else { panic!() };
    assert_eq!((change.target.as_str(), &change.before, &change.after), ("ld_00002", &owner("jane"), &owner("bob")));
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn a_plan_says_which_of_two_people_of_one_name_is_meant() {
    let mut desk = Desk::loaded(SIZE, 60);
    desk.plan("owner:none", "sam2");
    let Stage::Ready { review, .. } = &plan(&desk).stage else { panic!() };
    assert!(review.does.ends_with("to Sam Lee (sam2@example.com)"), "{}", review.does);
    assert_eq!(review.moves[0].to.label().as_str(), "Sam Lee (sam2@example.com)");
    assert!(review.shifts.iter().any(|shift| shift.owner.label().as_str() == "Sam Lee (sam2@example.com)"));
    // What is sent is what the vendor calls them.
    let applied = desk.apply();
    assert!(applied.parts[0].changes.iter().all(|change| *change.after == owner("sam2")));
}

#[test]
fn exactly_the_marked_leads_are_in_the_plan() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.plan("status:qualified -owner:\"Bob Miller\"", "bob");
    let marked: BTreeSet<String> = desk.marked().into_iter().collect();
    let applied = desk.apply();
    let planned: BTreeSet<String> =
        applied.parts.iter().flat_map(|part| part.changes.iter()).map(|change| change.target().to_string()).collect();
    assert_eq!(planned, marked);
}

#[test]
fn the_picker_shows_load_now_and_after() {
    let mut desk = Desk::loaded(SIZE, 110);
    desk.act(Action::Filter);
    desk.type_text("owner:\"Bob Miller\",none");
    desk.acts(&[Action::Accept, Action::MarkAll, Action::Assign]);
    let Dialog::Picker(picker) = desk.top() else { panic!() };
    let marked = desk.marked().len();
    for found in &picker.matches {
        let owner = picker.owner(found).unwrap();
        let after = picker.load_after(owner).unwrap();
        let theirs = match owner.label.as_str() {
            "Bob Miller" => desk.state.leads.shown.len() - unowned(&desk),
            "Nobody" => unowned(&desk),
            _ => 0,
        };
        assert_eq!(after, owner.leads + marked - theirs, "{}", owner.label);
    }
    assert!(picker.matches.iter().all(|found| picker.owner(found).unwrap().label.as_str() != "Peter Former"));
}

/// Rows on the screen whose lead nobody has.
fn unowned(desk: &Desk) -> usize {
    let shown = &desk.state.leads.shown;
    let nobody = |at| {
        let (part, row) = shown.snapshot().locate(shown.row(at).unwrap()).unwrap();
        matches!(part.table.assignment(row), Assignment::Unassigned(_))
    };
    (0..shown.len()).filter(|at| nobody(*at)).count()
}

#[test]
fn cancel_has_the_focus_and_nothing_is_sent_by_it() {
    for way_out in [Action::Accept, Action::Back] {
        let mut desk = Desk::loaded(SIZE, 30);
        desk.plan("garcia", "jane");
        assert_eq!(plan(&desk).focus, PlanFocus::Cancel);
        desk.take();
        desk.act(way_out);
        assert!(desk.commands().is_empty());
        assert_eq!(desk.said(), "Nothing was sent");
        assert!(!desk.marked().is_empty(), "the marks stay");
    }
}

#[test]
fn keys_typed_ahead_confirm_nothing() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Mark, Action::Assign]);
    desk.type_text("bob");
    // All of this arrives before the plan has been painted.
    desk.acts(&[Action::Accept, Action::Apply]);
    assert_eq!(desk.said(), "The plan was not on the screen yet");
    assert!(!desk.commands().iter().any(|command| matches!(command, Command::Apply { .. })));
    assert!(desk.state.awaits_paint());
    desk.paint();
    assert!(!desk.state.awaits_paint());
    desk.apply();
}

#[test]
fn a_pasted_line_break_is_not_a_yes() {
    let mut desk = Desk::with(SIZE, Options { large_plan: 2, ..Options::default() });
    desk.open("demo", capabilities(), false);
    desk.load("demo", 30);
    desk.plan("garcia", "jane");
    desk.act(Action::Apply);
    let count = plan(&desk).review().unwrap().changes;
    desk.take();
    desk.send(Message::Paste(format!("{count}\n")));
    assert!(matches!(desk.top(), Dialog::Plan(_)));
    assert!(desk.commands().is_empty());
}

#[test]
fn a_large_plan_asks_for_its_count() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.plan("", "bob");
    assert!(plan(&desk).is_large());
    let count = plan(&desk).review().unwrap().changes;
    desk.take();
    desk.act(Action::Apply);
    assert_eq!((plan(&desk).focus, desk.state.context()), (PlanFocus::Count, Context::Prompt));
    assert!(desk.commands().is_empty(), "the key alone does not do it");
    desk.type_text("12");
    desk.act(Action::Accept);
    assert_eq!(desk.said(), format!("Type {count} to apply this plan"));
    desk.send(Message::Edit(crate::app::Edit::DeleteToStart));
    desk.type_text(&count.to_string());
    desk.act(Action::Accept);
    assert!(matches!(desk.commands()[..], [Command::Apply { .. }]));
}

#[test]
fn a_digit_begins_the_count_of_a_large_plan() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.plan("", "bob");
    let count = plan(&desk).review().unwrap().changes.to_string();
    desk.send(Message::Unbound("x".into()));
    assert_eq!((desk.said(), plan(&desk).focus), ("x means nothing here", PlanFocus::Cancel));
    desk.send(Message::Unbound(count[..1].into()));
    assert_eq!((plan(&desk).focus, desk.state.context()), (PlanFocus::Count, Context::Prompt));
    desk.type_text(&count[1..]);
    desk.take();
    desk.act(Action::Accept);
    assert!(matches!(desk.commands()[..], [Command::Apply { .. }]));

    // A small plan asks for none.
    let mut desk = Desk::loaded(SIZE, 30);
    desk.plan("garcia", "jane");
    desk.send(Message::Unbound("3".into()));
    assert_eq!((desk.said(), plan(&desk).focus), ("3 means nothing here", PlanFocus::Cancel));
}

#[test]
fn a_count_may_be_typed_as_it_is_shown() {
    let mut desk = Desk::loaded(SIZE, 3000);
    desk.plan("", "bob");
    let count = crate::app::words::number(plan(&desk).review().unwrap().changes);
    assert!(count.contains(','));
    desk.act(Action::Apply);
    desk.type_text(&count);
    desk.act(Action::Accept);
    assert!(desk.commands().iter().any(|command| matches!(command, Command::Apply { .. })));
}

#[test]
fn a_note_stays_with_the_operation() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.plan("garcia", "jane");
    desk.act(Action::Note);
    desk.type_text("back from leave");
    desk.act(Action::Accept);
    assert_eq!(plan(&desk).focus, PlanFocus::Cancel);
    assert_eq!(desk.apply().note.as_ref().map(|note| note.as_str()), Some("back from leave"));
}

#[test]
fn the_plan_says_who_is_hidden_and_what_is_left_alone() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::MarkAll, Action::Filter]);
    desk.type_text("garcia");
    desk.acts(&[Action::Accept, Action::Assign]);
    desk.type_text("jane");
    desk.act(Action::Accept);
    let review = plan(&desk).review().unwrap();
    assert!(review.hidden > 0 && review.hidden < review.changes, "{review:?}");
    assert_eq!(review.hidden_names.len(), 3);
    assert_eq!(review.changes + review.skips, desk.marked().len());
    assert!(review.reasons.iter().any(|(reason, _)| reason == "already there"));
    let moved: usize = review.moves.iter().map(|flow| flow.leads).sum();
    assert_eq!(moved, review.changes);
    let shift = review.shifts.iter().find(|shift| shift.owner.label().as_str() == "Jane Smith").unwrap();
    assert_eq!(shift.after - shift.before, review.changes);
    let lines = plan(&desk).lines(60);
    assert!(lines.iter().any(|line| matches!(line, PlanLine::Warning(text) if text.contains("hidden by the filter"))));
    assert!(
        lines.iter().any(|line| matches!(line, PlanLine::Warning(text) if text.starts_with("No undo takes this back")))
    );
    // Every change and every skip can be scrolled to.
    let rows = plan(&desk).rows(lines.len());
    assert!((0..rows).all(|at| plan(&desk).row(&lines, at).is_some()));
    assert_eq!(plan(&desk).row(&lines, rows), None);
}

#[test]
fn closed_leads_are_left_alone_unless_asked_for() {
    let mut desk = Desk::loaded(SIZE, 300);
    desk.acts(&[Action::ToggleClosed, Action::Filter]);
    desk.type_text("status:lost");
    desk.acts(&[Action::Accept, Action::MarkAll, Action::Assign]);
    desk.type_text("zo");
    desk.act(Action::Accept);
    desk.paint();
    let skipped = plan(&desk).review().unwrap().skips;
    assert_eq!(plan(&desk).review().unwrap().changes, 0);
    desk.act(Action::Apply);
    assert_eq!(desk.said(), "There is nothing to change");
    desk.act(Action::ToggleClosed);
    let review = plan(&desk).review().unwrap();
    assert!(review.changes > 0 && review.skips < skipped);
    assert!(review.findings[0].contains("closed"), "{:?}", review.findings);
    // A plan that was made again is a new plan: it must be seen before it is confirmed; one of closed leads by its count.
    desk.acts(&[Action::Apply, Action::Accept]);
    assert_eq!(desk.said(), "The plan was not on the screen yet");
    desk.paint();
    desk.apply();
}

#[test]
fn nobody_is_an_owner_too() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.act(Action::Unassign);
    desk.paint();
    let applied = desk.apply();
    assert!(matches!(applied.parts[0].changes.to_vec()[0].after, Assignment::Unassigned(_)));
    desk.act(Action::Assign);
    desk.type_text("nobody");
    desk.act(Action::Accept);
    desk.paint();
    assert!(matches!(desk.apply().parts[0].changes.to_vec()[0].after, Assignment::Unassigned(_)));
}

#[test]
fn marked_leads_go_to_the_owner_under_the_cursor() {
    let mut desk = Desk::loaded((120, 40), 30);
    desk.acts(&[Action::Mark, Action::Mark, Action::FocusOwners, Action::Last, Action::Assign]);
    desk.paint();
    let shown = desk.state.owners.rows.last().unwrap().label.clone();
    let applied = desk.apply();
    assert_eq!(applied.parts[0].changes.len(), 2);
    assert_eq!(applied.parts[0].changes.to_vec()[0].after.label(), shown);
}

#[test]
fn a_plan_that_was_given_up_does_not_come_back() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Mark, Action::Assign]);
    desk.type_text("bob");
    let late = desk.state.update(Message::Act(Action::Accept));
    assert!(matches!(plan(&desk).stage, Stage::Making(_)));
    desk.act(Action::Back);
    desk.run(late);
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn the_choice_in_the_picker_stays_when_people_change() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Assign, Action::CursorDown, Action::CursorDown]);
    let chosen = |desk: &Desk| {
        let Dialog::Picker(picker) = desk.top() else { panic!() };
        picker.owner(&picker.matches[picker.cursor.at]).unwrap().label.clone()
    };
    let before = chosen(&desk);
    let mut people = crate::app::fixture::people();
    people.remove(1);
    people.reverse();
    desk.tell(crate::domain::exchange::Event::People { profile: "demo".into(), people: std::sync::Arc::new(people) });
    assert_eq!(chosen(&desk), before);
}

#[test]
fn leads_of_a_profile_without_this_owner_are_left_alone_with_the_reason() {
    let mut desk = Desk::new(SIZE);
    desk.open("demo", capabilities(), false);
    desk.open("second", capabilities(), false);
    desk.open("locked", capabilities(), true);
    desk.load("demo", 5);
    desk.load("second", 5);
    desk.load("locked", 5);
    desk.acts(&[Action::MarkAll, Action::Assign]);
    desk.type_text("bob");
    desk.act(Action::Accept);
    let Stage::Ready { plan, .. } = &plan(&desk).stage else { panic!() };
    let refused: Vec<String> =
        plan.parts.iter().flat_map(|part| part.skips.iter()).map(|skip| skip.reason.to_string()).collect();
    assert!(refused.contains(&"Bob Miller is not an owner in second".to_owned()), "{refused:?}");
    assert!(refused.contains(&"locked is read-only".to_owned()));
    let into: BTreeSet<&str> =
        plan.parts.iter().filter(|part| !part.changes.is_empty()).map(|part| part.profile.as_str()).collect();
    assert_eq!(into, BTreeSet::from(["demo"]));
}

#[test]
fn a_marked_lead_that_has_vanished_is_named_in_the_plan() {
    let mut desk = Desk::loaded(SIZE, 30);
    desk.acts(&[Action::Last, Action::Mark, Action::First, Action::Mark]);
    desk.load("demo", 10);
    desk.acts(&[Action::Assign]);
    desk.type_text("wang");
    desk.act(Action::Accept);
    let Stage::Ready { plan, .. } = &plan(&desk).stage else { panic!() };
    let skips: Vec<_> = plan.parts.iter().flat_map(|part| part.skips.iter()).collect();
    assert_eq!(skips.len(), 1);
    assert_eq!((skips[0].id(), skips[0].reason), ("ld_00030", &SkipReason::NoSuchLead));
    assert!(desk.state.leads.selection.contains(&lead(30)));
}

#[test]
fn in_a_read_only_profile_write_actions_do_not_exist() {
    let mut desk = Desk::new(SIZE);
    desk.open("locked", capabilities(), true);
    desk.load("locked", 10);
    desk.take();
    for action in [Action::Assign, Action::Unassign, Action::Undo, Action::Redo] {
        assert!(!desk.state.exists(action), "{action}");
        assert!(desk.state.hints().iter().all(|(offered, _)| *offered != action));
        desk.act(action);
        assert_eq!(desk.said(), "locked is read-only: nothing can be changed here");
    }
    desk.act(Action::Palette);
    desk.type_text("assign");
    let Dialog::Palette(palette) = desk.top() else { panic!() };
    assert!(palette.matches.iter().all(|(action, _)| !action.spec().dangerous));
    desk.act(Action::Back);
    desk.act(Action::Mark);
    assert_eq!(desk.marked().len(), 1, "looking and marking are allowed");
    assert!(desk.commands().is_empty());
}

#[test]
fn leads_of_a_bare_name_are_certainly_nobodys() {
    let mut leads = crate::app::fixture::leads(10);
    for lead in &mut leads {
        lead.owner = Assignment::Owner(crate::domain::OwnerRef::named("Sam Lee"));
    }
    let mut desk = Desk::new(SIZE);
    desk.open("demo", capabilities(), false);
    let table = crate::domain::leads::LeadTable::default().with_leads(&leads);
    let progress = crate::domain::exchange::LoadProgress {
        loaded: 10,
        total: Some(10),
        finished: true,
        read_at: None,
        named: None,
    };
    desk.leads("demo", table, progress);
    desk.acts(&[Action::MarkAll, Action::Assign]);
    desk.type_text("sam");
    let Dialog::Picker(picker) = desk.top() else { panic!() };
    let loads: Vec<_> = picker
        .matches
        .iter()
        .map(|found| picker.owner(found).unwrap())
        .map(|owner| (owner.leads, picker.load_after(owner)))
        .collect();
    assert_eq!(loads, [(0, Some(10)), (0, Some(10))]);
    desk.act(Action::Accept);
    assert_eq!(plan(&desk).review().unwrap().changes, 10, "the plan agrees");
}
