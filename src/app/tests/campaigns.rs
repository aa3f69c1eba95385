//! The screen of campaigns as messages and what they lead to.

use std::sync::Arc;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, mappings, now, snapshot, summary};
use crate::app::matrix::BoardState;
use crate::app::{Action, Context, Message};
use crate::domain::exchange::{Command, Event, OperationProgress};
use crate::domain::history::OperationLife;
use crate::domain::matrix::{MatrixAsk, MatrixTold};
use crate::domain::{Assignment, OperationKind, Plan, Tally};

const SIZE: (u16, u16) = (120, 40);

/// The board that is open.
fn board(desk: &Desk) -> &crate::app::matrix::Board {
    desk.state.matrix.board().expect("no campaign is open")
}

/// The asks about campaigns among the effects.
fn asks(desk: &mut Desk) -> Vec<MatrixAsk> {
    let ask = |command| if let Command::Matrix { ask, .. } = command { Some(ask) } else { None };
    desk.commands().into_iter().filter_map(ask).collect()
}

/// Painted cells: added, removed, lists.
fn painted(desk: &Desk) -> (usize, usize, usize) {
    desk.state.matrix.center().unwrap().painted()
}

fn plan_on_screen(desk: &Desk) -> &Plan {
    let Dialog::Plan(dialog) = desk.top() else { panic!("no plan on the screen") };
    let crate::app::plan::Stage::Ready { plan, .. } = &dialog.stage else { panic!("it is not ready") };
    plan
}

#[test]
fn a_contact_center_opens_on_its_campaigns_and_reads_no_more_than_is_looked_at() {
    let mut desk = Desk::new(SIZE);
    let capabilities = Arc::new(crate::app::fixture::center_capabilities());
    desk.tell(Event::Opened { profile: "center".into(), capabilities, read_only: false });
    assert_eq!(desk.state.context(), Context::Campaigns);
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Campaigns]), "and no leads are asked for");
    let (campaigns, agents) = (Arc::new(crate::app::fixture::campaigns()), Arc::default());
    desk.told(MatrixTold::Campaigns { campaigns, agents });
    assert!(asks(&mut desk).is_empty(), "a campaign is read when it is opened");
    desk.acts(&[Action::CursorDown, Action::CursorDown, Action::CursorUp, Action::Accept]);
    let asked = asks(&mut desk);
    assert!(matches!(&asked[..], [MatrixAsk::Mappings { campaign, soon: true }] if campaign == "9"), "{asked:?}");
    assert_eq!(desk.state.context(), Context::Grid);
    desk.told(MatrixTold::Reading { campaign: "9".to_owned() });
    desk.mapped("9", mappings("9", 5, 5));
    desk.acts(&[Action::Back, Action::Accept]);
    assert!(asks(&mut desk).is_empty(), "what was read is not read again by looking at it");
    desk.act(Action::Refresh);
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Mappings { .. }]));
}

#[test]
fn arrows_and_enter_paint_and_backspace_takes_it_back() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::CursorDown, Action::CursorRight, Action::Accept]);
    assert_eq!(painted(&desk), (1, 0, 1));
    desk.act(Action::Accept);
    assert_eq!(painted(&desk), (0, 0, 0));
    desk.acts(&[Action::UndoMark]);
    assert_eq!(painted(&desk), (1, 0, 1));
    desk.acts(&[Action::UndoMark, Action::RedoMark]);
    assert_eq!(painted(&desk), (1, 0, 1));
    desk.act(Action::ClearMarks);
    assert_eq!(painted(&desk), (0, 0, 0));
    assert!(desk.commands().is_empty(), "painting sends nothing");
}

#[test]
fn a_rectangle_leaves_out_what_was_not_read_completely() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::MarkRange, Action::ExtendDown, Action::ExtendDown, Action::ExtendDown, Action::ExtendRight]);
    desk.act(Action::Mark);
    // Lists 40, 41 and 42 get both agents; the fourth was not read completely.
    assert!(desk.said().contains("1 list left out"), "{}", desk.said());
    let (added, removed, lists) = painted(&desk);
    assert_eq!(removed, 0);
    assert!(added > 0 && lists <= 3, "{added} in {lists}");
    assert_eq!(board(&desk).anchor, None);
}

#[test]
fn turned_round_the_cursor_stays_on_its_pair_and_rows_are_agents() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::CursorDown, Action::CursorDown, Action::CursorRight]);
    let pair = (board(&desk).list_at_cursor(), board(&desk).agent_at_cursor());
    desk.act(Action::Transpose);
    assert_eq!((board(&desk).list_at_cursor(), board(&desk).agent_at_cursor()), pair);
    assert_eq!(board(&desk).screen_rows().len(), 10);
    desk.act(Action::PaintRow);
    // A row is an agent now: mapped to every list that could be read.
    let agent = pair.1.unwrap();
    assert_eq!(board(&desk).totals.agents[agent].after, 7);
}

#[test]
fn a_few_letters_jump_to_an_agent_or_a_list() {
    let mut desk = Desk::center(SIZE, 8, 12);
    desk.act(Action::JumpTo);
    desk.type_text("kiran");
    desk.act(Action::Accept);
    assert_eq!(board(&desk).agent().unwrap().as_str(), "kiran");
    desk.act(Action::JumpTo);
    desk.type_text("october");
    desk.act(Action::Accept);
    let list = board(&desk).list_at_cursor().unwrap();
    assert_eq!(board(&desk).grid.lists()[list].lead_id, "41");
    assert_eq!(board(&desk).agent().unwrap().as_str(), "kiran", "the other half stays");
}

#[test]
fn work_is_copied_moved_and_given_to_teams_through_the_picker() {
    let mut desk = Desk::center(SIZE, 8, 10);
    // anil.k is the agent under the cursor.
    let lists_of = |desk: &Desk, agent: &str| {
        let column = board(desk).grid.column_of(&agent.into()).unwrap();
        board(desk).totals.agents[column].after
    };
    let before = lists_of(&desk, "anil.k");
    desk.act(Action::CopyAgent);
    desk.type_text("chitra");
    desk.act(Action::NextField);
    desk.acts(&[Action::Accept]);
    assert_eq!(lists_of(&desk, "chitra"), before);
    desk.act(Action::MoveWork);
    desk.type_text("dev");
    desk.act(Action::Accept);
    assert_eq!((lists_of(&desk, "anil.k"), lists_of(&desk, "dev.m")), (0, before));
    desk.act(Action::UndoMark);
    assert_eq!(lists_of(&desk, "anil.k"), before);
    desk.act(Action::GiveTeam);
    desk.type_text("morning");
    desk.act(Action::Accept);
    assert!(desk.said().contains("zoe"), "who is no agent of the campaign is named: {}", desk.said());
    let list = board(&desk).list_at_cursor().unwrap();
    for agent in ["asha.k", "bala.r"] {
        let column = board(&desk).grid.column_of(&agent.into()).unwrap();
        assert!(board(&desk).painting.after(&board(&desk).grid, list).get(column), "{agent}");
    }
}

#[test]
fn an_agent_who_left_is_cleared_over_all_campaigns_once_they_are_read() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.act(Action::ClearEverywhere);
    let asked = asks(&mut desk);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(painted(&desk), (0, 0, 0), "not before all is known");
    desk.mapped("9", mappings("9", 5, 10));
    desk.mapped("12", mappings("12", 5, 10));
    assert!(desk.said().contains("in 3 campaigns"), "{}", desk.said());
    let (added, removed, _) = painted(&desk);
    assert!(added == 0 && removed > 3, "{removed}");
    desk.act(Action::PlanMapping);
    let plan = plan_on_screen(&desk);
    let gone = |change: &crate::domain::Change| match (&change.before, &change.after) {
        (Assignment::Agents(before), Assignment::Agents(after)) => {
            (before - after).into_iter().map(|agent| agent.to_string()).collect::<Vec<_>>() == ["anil.k"]
        }
        _ => false,
    };
    assert!(plan.parts[0].changes.to_vec().iter().all(gone));
    assert_eq!(plan.changes(), removed);
}

#[test]
fn nothing_is_sent_before_the_plan_is_confirmed_and_what_was_done_is_no_painting_any_more() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::PaintColumn, Action::PlanMapping]);
    let changes = plan_on_screen(&desk).changes();
    assert!(changes > 0);
    assert!(desk.commands().is_empty());
    desk.act(Action::Apply);
    assert!(desk.commands().is_empty(), "nobody has seen the plan yet");
    desk.paint();
    let plan = desk.apply();
    assert_eq!(plan.kind, OperationKind::Map);
    desk.tell(Event::Started { operation: "op1".into(), plan: plan.clone() });
    let target = plan.parts[0].changes.to_vec()[0].target.clone();
    assert!(desk.state.matrix.center().unwrap().is_pending(&target));
    desk.tell(Event::Progress { operation: "op1".into(), progress: OperationProgress::default() });
    // The server took all but one.
    let mut records = mappings("7", 8, 10);
    for change in &plan.parts[0].changes.to_vec()[1..] {
        let record = records.iter_mut().find(|record| record.target == change.target).unwrap();
        let Assignment::Agents(after) = &change.after else { panic!() };
        record.agents = Ok(after.clone());
    }
    desk.mapped("7", records);
    let tally = Tally { done: changes - 1, failed: 1, ..Tally::default() };
    let ended = summary("op1", OperationKind::Map, tally);
    let ended = crate::domain::history::OperationSummary { life: OperationLife::Ended, ..ended };
    desk.tell(Event::Ended { summary: Box::new(ended), seconds: 1.0, requests: 9 });
    assert!(!desk.state.matrix.center().unwrap().is_pending(&target));
    assert_eq!(painted(&desk).2, 1, "the one that failed can be planned again");

    // Or from its report, alone: it is read again for that.
    desk.act(Action::Watch);
    assert_eq!(desk.state.why_not(Action::Undo), None);
    desk.take();
    desk.act(Action::Retry);
    assert!(matches!(&desk.commands()[..], [Command::PlanListsAgain { operation }] if operation.as_str() == "op1"));
    let mut again = (*plan).clone();
    again.parts[0].changes = again.parts[0].changes.to_vec()[..1].to_vec().into();
    desk.tell(Event::Planned { asked: None, plan: Arc::new(again) });
    assert_eq!((plan_on_screen(&desk).changes(), plan_on_screen(&desk).kind), (1, OperationKind::Map));
}

#[test]
fn a_plan_may_wait_for_the_shift_and_is_dropped_by_ctrl_c() {
    for interrupted in [false, true] {
        let mut desk = Desk::center(SIZE, 8, 10);
        desk.acts(&[Action::PaintColumn, Action::PlanMapping]);
        desk.paint();
        desk.act(Action::NotBefore);
        desk.type_text("25:00");
        desk.acts(&[Action::Accept, Action::Apply]);
        assert!(desk.said().contains("is no time"), "{}", desk.said());
        desk.act(Action::NotBefore);
        for _ in 0..5 {
            desk.send(Message::Edit(crate::app::Edit::DeleteBefore));
        }
        desk.type_text("15:00");
        desk.acts(&[Action::Accept, Action::Apply]);
        assert!(desk.commands().is_empty());
        assert!(desk.state.needs_clock());
        let waits = desk.state.waiting_plans[0].countdown(now(), &jiff::tz::TimeZone::UTC);
        assert!(waits.ends_with("not before 15:00, in 57 min 0 s") || waits.ends_with("in 57 min"), "{waits}");
        if interrupted {
            desk.act(Action::Interrupt);
            assert!(desk.state.waiting_plans.is_empty());
        }
        desk.send(Message::Now("2026-11-20T15:00:00Z".parse().unwrap()));
        let sent = desk.commands().into_iter().find_map(|command| match command {
            Command::Apply { plan } => Some(plan),
            _ => None,
        });
        assert_eq!(sent.is_some(), !interrupted);
        if let Some(plan) = sent {
            assert!(plan.parts[0].changes.iter().all(|change| change.read_at.is_none()), "all is read again");
        }
    }
}

#[test]
fn a_campaign_that_is_read_again_keeps_its_painting_while_its_parts_come_in() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::CursorRight, Action::CursorDown, Action::Mark]);
    let (before, agent) = (painted(&desk), board(&desk).agent().cloned());
    assert_eq!(before.2, 1);
    desk.act(Action::Refresh);
    // The lists without anybody, then some of them, as a vendor gives them one by one.
    for read in [0, 3] {
        let mut records = mappings("7", 8, 10);
        for record in &mut records[read..] {
            (record.agents, record.others) = (Err("its agents are not read yet".to_owned()), Default::default());
        }
        let (campaign, records) = ("7".to_owned(), Arc::new(records));
        desk.told(MatrixTold::Mappings { campaign, records, read_at: now(), whole: false });
        assert_eq!((painted(&desk), board(&desk).agent().cloned()), (before, agent.clone()), "{read} lists are read");
    }
    assert_eq!(board(&desk).state, BoardState::Reading);
    desk.mapped("7", mappings("7", 8, 10));
    assert_eq!((painted(&desk), board(&desk).agent().cloned()), (before, agent));
}

#[test]
fn nobody_else_is_picked_when_agents_come_or_go_under_the_picker() {
    let mut desk = Desk::center(SIZE, 8, 10);
    desk.acts(&[Action::MarkRange, Action::ExtendDown, Action::CopyAgent]);
    desk.type_text("chitra");
    desk.mapped("7", mappings("7", 8, 10));
    assert!(matches!(desk.top(), Dialog::GridPicker(_)), "nobody came or went");
    let mut records = mappings("7", 8, 10);
    records[0].others.insert("aaron".into());
    desk.mapped("7", records);
    assert!(desk.state.dialogs.is_empty() && desk.said().contains("choose again"), "{}", desk.said());
    assert_eq!((painted(&desk).0, board(&desk).anchor), (0, None));
}

#[test]
fn what_a_snapshot_has_and_the_campaign_has_not_is_told_when_it_is_restored() {
    let mut desk = Desk::center(SIZE, 8, 10);
    let mut records = mappings("7", 9, 10);
    records[0].agents = Ok(["anil.k".into(), "long.gone".into()].into_iter().collect());
    let old = snapshot(2, "morning", &records);
    desk.act(Action::Snapshots);
    desk.told(MatrixTold::Snapshots(vec![old.info.clone()]));
    desk.act(Action::RestoreSnapshot);
    desk.told(MatrixTold::Snapshot(old));
    let said = desk.said();
    assert!(
        said.contains(
            "1 list not known when it was kept, 1 list of it not there any more, long.gone not in the campaign any more"
        ),
        "{said}"
    );
}

#[test]
fn snapshots_are_compared_with_now_and_with_each_other_and_restored_as_painting() {
    let mut desk = Desk::center(SIZE, 8, 10);
    let mut records = mappings("7", 8, 10);
    records[0].agents = Ok(["anil.k".into(), "chitra".into()].into_iter().collect());
    let (old, older) = (snapshot(2, "morning", &records), snapshot(1, "night", &mappings("7", 7, 10)));
    desk.act(Action::Snapshots);
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Snapshots]));
    desk.told(MatrixTold::Snapshots(vec![old.info.clone(), older.info.clone()]));
    desk.act(Action::Accept);
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Snapshot { number: 2 }]));
    desk.told(MatrixTold::Snapshot(old.clone()));
    assert_eq!(desk.state.matrix.compared().unwrap().title.as_str(), "morning with now");
    assert!(board(&desk).only_changed && board(&desk).screen_rows().len() == 1);
    desk.act(Action::Mark);
    assert!(desk.said().contains("comparison"), "{}", desk.said());
    desk.act(Action::Back);
    assert!(desk.state.matrix.compared().is_none());

    desk.acts(&[Action::Snapshots, Action::Mark, Action::CursorDown, Action::Accept]);
    asks(&mut desk);
    desk.told(MatrixTold::Snapshot(older));
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Snapshot { number: 2 }]));
    desk.told(MatrixTold::Snapshot(old.clone()));
    assert_eq!(desk.state.matrix.compared().unwrap().title.as_str(), "night with morning");

    desk.acts(&[Action::Snapshots, Action::RestoreSnapshot]);
    desk.told(MatrixTold::Snapshot(old));
    assert!(desk.state.matrix.compared().is_none());
    assert!(painted(&desk).2 == 1, "{:?}", painted(&desk));
    desk.act(Action::PlanMapping);
    assert_eq!(plan_on_screen(&desk).changes(), 1);
}

#[test]
fn the_screens_are_one_key_apart() {
    let mut desk = Desk::loaded(SIZE, 20);
    assert!(desk.state.why_not(Action::FocusCampaigns).is_some());
    let capabilities = Arc::new(crate::app::fixture::center_capabilities());
    desk.tell(Event::Opened { profile: "center".into(), capabilities, read_only: false });
    assert_eq!(desk.state.context(), Context::Leads, "who looks at leads goes on with it");
    desk.act(Action::FocusCampaigns);
    assert_eq!(desk.state.context(), Context::Campaigns);
    desk.act(Action::FocusLeads);
    assert_eq!(desk.state.context(), Context::Leads);
    desk.acts(&[Action::FocusLists, Action::Last, Action::Accept]);
    assert_eq!(desk.state.context(), Context::Campaigns, "from the lists too");
    desk.act(Action::Back);
    assert_eq!(desk.state.context(), Context::Leads);
}

#[test]
fn a_read_only_center_cannot_be_painted() {
    let mut desk = Desk::new(SIZE);
    let capabilities = Arc::new(crate::app::fixture::center_capabilities());
    desk.tell(Event::Opened { profile: "center".into(), capabilities, read_only: true });
    desk.told(MatrixTold::Campaigns { campaigns: Arc::new(crate::app::fixture::campaigns()), agents: Arc::default() });
    desk.act(Action::Accept);
    desk.mapped("7", mappings("7", 5, 5));
    desk.act(Action::Mark);
    assert!(desk.said().contains("read-only"), "{}", desk.said());
    assert_eq!(painted(&desk), (0, 0, 0));
}

#[test]
fn a_campaign_that_cannot_be_read_says_so_and_can_be_tried_again() {
    let mut desk = Desk::center(SIZE, 5, 5);
    desk.acts(&[Action::Back, Action::CursorDown, Action::Accept]);
    desk.commands();
    let problem = crate::domain::exchange::Problem::new("the server failed", "");
    desk.told(MatrixTold::NoMappings { campaign: "9".to_owned(), problem });
    assert!(matches!(board(&desk).state, BoardState::Failed(_)));
    desk.acts(&[Action::Back, Action::Accept]);
    assert!(matches!(asks(&mut desk)[..], [MatrixAsk::Mappings { .. }]), "opening it again reads it again");
}

#[test]
fn campaigns_without_lists_or_agents_are_no_trouble() {
    for (lists, agents) in [(0, 0), (0, 1), (1, 0), (1, 1), (300, 600)] {
        let mut desk = Desk::center(SIZE, lists, agents);
        desk.acts(&[
            Action::CursorDown,
            Action::CursorRight,
            Action::Accept,
            Action::MarkRange,
            Action::Last,
            Action::LastColumn,
            Action::Mark,
            Action::PaintRow,
            Action::PaintColumn,
            Action::CopyAgent,
            Action::Back,
            Action::Transpose,
            Action::OnlyChanged,
            Action::JumpTo,
            Action::Back,
            Action::PlanMapping,
        ]);
        assert!(desk.state.matrix.board().is_some(), "{lists} x {agents}");
    }
}

#[test]
fn the_lists_pane_counts_lead_lists_as_far_as_they_are_read() {
    let mut desk = Desk::center(SIZE, 8, 10);
    let known = |desk: &Desk| {
        let known = desk.state.matrix.center().unwrap().known_lists();
        (known.lists, known.read, known.campaigns)
    };
    let campaigns = desk.state.matrix.center().unwrap().campaigns.len();
    assert_eq!(known(&desk), (8, 1, campaigns));
    desk.told(MatrixTold::NoMappings {
        campaign: "7".into(),
        problem: crate::domain::exchange::Problem::new("no answer", ""),
    });
    assert_eq!(known(&desk), (0, 0, campaigns));
}

#[test]
fn what_was_applied_in_part_can_be_taken_back_from_its_report() {
    let mut desk = Desk::center(SIZE, 8, 10);
    for (undoable, why_not) in [(1, None), (0, Some("Nothing of it was done"))] {
        let failed = summary("op1", OperationKind::Map, Tally { failed: 1, ..Tally::default() });
        let failed = crate::domain::history::OperationSummary { life: OperationLife::Ended, undoable, ..failed };
        desk.tell(Event::Ended { summary: Box::new(failed), seconds: 1.0, requests: 3 });
        desk.act(Action::Watch);
        assert_eq!(desk.state.why_not(Action::Undo).as_deref(), why_not);
        desk.act(Action::Back);
    }
}

#[test]
fn a_list_that_others_changed_can_be_tried_again_from_the_report() {
    let mut desk = Desk::center(SIZE, 8, 10);
    for (tally, why_not) in [
        (Tally { done: 1, skipped: 1, ..Tally::default() }, None),
        (Tally { done: 1, changed_by_others: 1, ..Tally::default() }, None),
        (Tally { done: 1, ..Tally::default() }, Some("There is nothing to try again")),
    ] {
        let told = summary("op1", OperationKind::Map, tally);
        desk.tell(Event::Ended { summary: Box::new(told), seconds: 1.0, requests: 3 });
        desk.act(Action::Watch);
        assert_eq!(desk.state.why_not(Action::Retry).as_deref(), why_not, "{tally:?}");
        desk.act(Action::Back);
    }
}
