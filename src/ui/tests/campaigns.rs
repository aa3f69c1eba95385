//! The screen of campaigns as it is painted.

use super::{SIZES, at_sizes, screen};
use crate::app::fixture::{Desk, mappings, snapshot};
use crate::app::{Action, Options, ThemeName};
use crate::domain::exchange::Event;
use crate::domain::matrix::MatrixTold;

/// Some cells painted, the cursor on one of them.
fn painted(mut desk: Desk) -> Desk {
    desk.acts(&[Action::PaintColumn, Action::CursorDown, Action::CursorRight, Action::Mark, Action::CursorRight]);
    desk
}

#[test]
fn the_hierarchy_and_the_grid() {
    at_sizes("campaigns_grid", &SIZES, |size| painted(Desk::center(size, 30, 40)));
    at_sizes("campaigns_tree", &SIZES[..2], |size| {
        let mut desk = painted(Desk::center(size, 30, 40));
        desk.act(Action::Back);
        desk
    });
}

#[test]
fn a_large_campaign_scrolled_both_ways_and_turned_round() {
    let mut desk = Desk::center((120, 40), 300, 150);
    desk.acts(&[Action::Last, Action::LastColumn]);
    insta::assert_snapshot!("campaigns_scrolled", screen(&desk));
    desk.act(Action::Transpose);
    insta::assert_snapshot!("campaigns_turned", screen(&desk));
}

#[test]
fn a_rectangle_that_is_being_chosen_and_lists_that_are_being_written() {
    let mut desk = painted(Desk::center((80, 24), 12, 12));
    desk.acts(&[Action::MarkRange, Action::ExtendDown, Action::ExtendRight]);
    insta::assert_snapshot!("campaigns_rectangle", screen(&desk));
    desk.acts(&[Action::Back, Action::PlanMapping]);
    desk.paint();
    let plan = desk.apply();
    desk.tell(Event::Started { operation: "op1".into(), plan });
    desk.act(Action::Back);
    insta::assert_snapshot!("campaigns_pending", screen(&desk));
}

#[test]
fn every_theme_says_the_same_and_plain_needs_no_special_characters() {
    let scene = |options: Options| screen(&painted(Desk::center_with((80, 24), options, 12, 12)));
    let dark = scene(Options::default());
    for theme in [ThemeName::Light, ThemeName::HighContrast, ThemeName::Mono] {
        assert_eq!(scene(Options { theme, ..Options::default() }), dark);
    }
    let plain = scene(Options { plain: true, ..Options::default() });
    assert!(plain.is_ascii(), "{plain}");
    insta::assert_snapshot!("campaigns_plain", plain);
}

#[test]
fn the_plan_of_a_painting() {
    at_sizes("campaigns_plan", &SIZES[..3], |size| {
        let mut desk = painted(Desk::center(size, 12, 12));
        desk.act(Action::PlanMapping);
        desk.paint();
        desk
    });
    let mut desk = painted(Desk::center((80, 24), 12, 12));
    desk.act(Action::PlanMapping);
    desk.paint();
    desk.act(Action::NotBefore);
    desk.type_text("15:30");
    insta::assert_snapshot!("campaigns_not_before", screen(&desk));
    desk.acts(&[Action::Accept, Action::Apply]);
    insta::assert_snapshot!("campaigns_waiting", screen(&desk));
}

#[test]
fn finding_and_snapshots() {
    let mut desk = Desk::center((80, 24), 12, 12);
    desk.act(Action::CopyAgent);
    desk.act(Action::NextField);
    desk.type_text("a");
    insta::assert_snapshot!("campaigns_copy", screen(&desk));
    desk.act(Action::Back);
    let mut records = mappings("7", 12, 12);
    records[0].agents = Ok(["anil.k".into(), "chitra".into()].into_iter().collect());
    let (kept, earlier) = (snapshot(2, "morning shift", &records), snapshot(1, "before 5KX2", &records));
    desk.act(Action::Snapshots);
    desk.told(MatrixTold::Snapshots(vec![kept.info.clone(), earlier.info.clone()]));
    insta::assert_snapshot!("campaigns_snapshots", screen(&desk));
    desk.act(Action::Accept);
    desk.told(MatrixTold::Snapshot(kept));
    insta::assert_snapshot!("campaigns_compared", screen(&desk));
    desk.acts(&[Action::Snapshots, Action::KeepSnapshot]);
    desk.type_text("evening");
    insta::assert_snapshot!("campaigns_keep", screen(&desk));
}

#[test]
fn campaigns_that_are_empty_or_on_the_way() {
    insta::assert_snapshot!("campaigns_empty", screen(&Desk::center((80, 24), 0, 0)));
    insta::assert_snapshot!("campaigns_no_agents", screen(&Desk::center((80, 24), 3, 0)));
    let mut desk = Desk::center((80, 24), 3, 3);
    desk.acts(&[Action::Back, Action::CursorDown, Action::Accept]);
    desk.told(MatrixTold::Reading { campaign: "9".to_owned() });
    insta::assert_snapshot!("campaigns_reading", screen(&desk));
}
