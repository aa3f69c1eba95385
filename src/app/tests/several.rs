//! Several profiles at once: one person with several ids, a selection that spans them, one that fails alone, campaigns.

use std::collections::BTreeMap;

use crate::app::dialog::Dialog;
use crate::app::fixture::{Desk, capabilities, now};
use crate::app::lists::ListId;
use crate::app::owners::OwnerRow;
use crate::app::plan::PlanDialog;
use crate::app::plan_text::PlanLine;
use crate::app::profiles::{Condition, Load};
use crate::app::{Action, Options};
use crate::domain::campaign::CollectionKind;
use crate::domain::exchange::{Command, Event, LoadProgress, OperationProgress, PartProgress, Problem};
use crate::domain::leads::LeadTable;
use crate::domain::{Capabilities, Field, LeadFlags, LeadRecord, Tally};

const SIZE: (u16, u16) = (120, 40);

fn owner<'a>(desk: &'a Desk, label: &str) -> &'a OwnerRow {
    let mut rows = desk.state.owners.rows.iter().filter(|row| row.label.as_str() == label);
    let row = rows.next().unwrap_or_else(|| panic!("no {label}"));
    assert!(rows.next().is_none(), "{label} is there twice");
    row
}

fn plan(desk: &Desk) -> &PlanDialog {
    match desk.top() {
        Dialog::Plan(plan) => plan,
        other => panic!("no plan: {other:?}"),
    }
}

#[test]
fn a_linked_person_is_one_row_with_one_load() {
    let mut desk = Desk::with_two(SIZE, 110, 40);
    let jane = owner(&desk, "Jane Smith");
    let loads: BTreeMap<&str, usize> = jane.loads.iter().map(|(profile, leads)| (profile.as_str(), *leads)).collect();
    assert_eq!(jane.leads, loads["sales"] + loads["shop"]);
    assert_eq!((loads["shop"], jane.split()), (10, format!("sales {} + shop 10", loads["sales"])));
    // Found by the e-mail address in the other profile; who is not linked stays apart and says where.
    assert_eq!(owner(&desk, "Bob Miller").loads.len(), 2);
    assert_eq!(owner(&desk, "Zoe Elsewhere").split(), "shop");
    assert!(desk.state.owners.rows.iter().all(|row| row.label.as_str() != "J. Smith"));
    // Only what is listed counts.
    desk.state.focus = crate::app::state::Focus::Lists;
    desk.acts(&[Action::First, Action::CursorDown, Action::Accept]);
    assert_eq!(desk.state.lists.active, ListId::Profile("sales".into()));
    assert_eq!(owner(&desk, "Jane Smith").loads.len(), 1);
}

#[test]
fn owner_finds_a_person_by_the_short_name_in_every_profile() {
    let mut desk = Desk::with_two(SIZE, 110, 40);
    let total = owner(&desk, "Jane Smith").leads;
    for (query, found) in
        [("owner:js", total), ("owner:\"jane smith\"", total), ("owner:js profile:shop", 10), ("owner:jsx", 0)]
    {
        desk.state.leads.include_closed = true;
        desk.act(Action::Filter);
        desk.send(crate::app::Message::Edit(crate::app::Edit::DeleteToStart));
        desk.type_text(query);
        desk.act(Action::Accept);
        assert_eq!(desk.state.leads.shown.len(), found, "{query}");
    }
    // Enter on the row of the owners pane finds all of them.
    desk.state.focus = crate::app::state::Focus::Owners;
    let at = desk.state.owners.rows.iter().position(|row| row.label.as_str() == "Jane Smith").unwrap();
    desk.state.owners.cursor.at = at;
    desk.act(Action::Accept);
    assert_eq!((desk.state.filter.text(), desk.state.leads.shown.len()), ("owner:\"js\"", total));
}

#[test]
fn one_plan_gives_every_lead_to_the_persons_id_in_its_own_profile() {
    let mut desk = Desk::with_two(SIZE, 60, 40);
    desk.plan("owner:none", "js");
    let Dialog::Plan(dialog) = desk.top() else { panic!() };
    let review = dialog.review().unwrap();
    assert_eq!(review.does, format!("Assign {} leads to Jane Smith", review.changes));
    let shares: Vec<(&str, &str)> = review.parts.iter().map(|part| (part.profile.as_str(), part.vendor)).collect();
    assert_eq!(shares, [("sales", "kenbun"), ("shop", "Instantly")]);
    // Each vendor's own sentences carry the profile's name.
    assert!(review.warnings.contains(&"shop: Only one request at a time.".to_owned()), "{:?}", review.warnings);
    // Told once, with what is worth a second look.
    let about_calls = |texts: &[String]| texts.iter().filter(|text| text.contains("do not call")).count();
    assert_eq!((about_calls(&review.warnings), about_calls(&review.findings)), (0, 1), "{review:?}");
    let lines = dialog.lines(90);
    let said = |text: &str| lines.iter().any(|line| matches!(line, PlanLine::Text(said) if said.starts_with(text)));
    assert!(said("sales (kenbun): ") && said("shop (Instantly): "), "{lines:?}");
    let applied = desk.apply();
    let ids: BTreeMap<&str, Vec<&str>> = applied
        .parts
        .iter()
        .map(|part| {
            let ids = part.changes.iter().map(|change| change.after.owner().unwrap().id.as_ref().unwrap().as_str());
            let mut ids: Vec<&str> = ids.collect();
            ids.dedup();
            (part.profile.as_str(), ids)
        })
        .collect();
    assert_eq!(ids, BTreeMap::from([("sales", vec!["jane"]), ("shop", vec!["u-77"])]));
    // One operation: one command.
    assert_eq!(desk.commands().len(), 0);
}

#[test]
fn the_picker_offers_a_linked_person_once() {
    let mut desk = Desk::with_two(SIZE, 60, 40);
    desk.acts(&[Action::MarkAll, Action::Assign]);
    desk.type_text("smith");
    let Dialog::Picker(picker) = desk.top() else { panic!() };
    let labels: Vec<&str> = picker.matches.iter().map(|found| picker.owner(found).unwrap().label.as_str()).collect();
    assert_eq!(labels, ["Jane Smith"]);
    let jane = picker.owner(&picker.matches[0]).unwrap();
    assert_eq!(picker.load_after(jane), Some(desk.state.leads.selection.len() + closed(&desk, "js")));
    // Someone of one profile only: the leads of the other are left alone, and the plan says so.
    desk.act(Action::Back);
    desk.act(Action::Assign);
    desk.type_text("elsewhere");
    desk.act(Action::Accept);
    let review = plan(&desk).review().unwrap();
    assert!(review.reasons.iter().any(|(why, _)| why == "Zoe Elsewhere is not an owner in sales"), "{review:?}");
}

/// How many closed leads this person has: they are not marked.
fn closed(desk: &Desk, key: &str) -> usize {
    let row = desk.state.owners.rows.iter().find(|row| row.link.as_deref() == Some(key)).unwrap();
    let open = desk.state.leads.shown.snapshot().parts.iter();
    let theirs = open.map(|part| {
        let own = &row.in_profile[&part.profile];
        let rows = 0..part.table.len() as u32;
        rows.filter(|at| {
            part.table.lifecycle(*at) != crate::domain::Lifecycle::Open && part.table.assignment(*at).is_same(own)
        })
        .count()
    });
    theirs.sum()
}

#[test]
fn one_vendors_outage_does_not_hold_the_others_up() {
    let mut desk = Desk::with_two(SIZE, 60, 40);
    let problem = Problem::new("the credentials were refused", "Sign in again.");
    desk.tell(Event::LoadFailed { profile: "shop".into(), problem: problem.clone() });
    assert_eq!(desk.state.leads.shown.snapshot().parts.len(), 2);
    let shop = desk.state.profiles.get(&"shop".into()).unwrap();
    assert_eq!(shop.load, Load::Failed(problem.clone()));
    let (condition, text) = shop.condition(now(), &jiff::tz::TimeZone::UTC);
    assert!(condition == Condition::Failed && text.contains("the credentials were refused"), "{text}");
    // A profile that cannot be opened at all stands in the lists, and nothing else changes.
    desk.tell(Event::NotOpened { profile: "broken".into(), problem });
    assert!(desk.state.lists().contains(&ListId::Profile("broken".into())));
    desk.plan("owner:none profile:sales", "js");
    let applied = desk.apply();
    assert_eq!(applied.parts.iter().filter(|part| !part.changes.is_empty()).count(), 1);
    // Refreshing asks every profile that can be asked, each by itself.
    desk.act(Action::Refresh);
    let loads: Vec<String> = desk
        .commands()
        .into_iter()
        .filter_map(|command| if let Command::Load { profile } = command { Some(profile.to_string()) } else { None })
        .collect();
    assert_eq!(loads, ["sales", "shop"]);
}

#[test]
fn what_becomes_of_each_profile_is_said_while_it_runs_and_afterwards() {
    let mut desk = Desk::with_two(SIZE, 60, 40);
    desk.plan("owner:none", "js");
    let applied = desk.apply();
    desk.tell(Event::Started { operation: "op-1".into(), plan: applied });
    let part = |profile: &str, done, failed, trouble: &str| PartProgress {
        profile: profile.into(),
        tally: Tally { done, failed, planned: 3, ..Tally::default() },
        trouble: trouble.to_owned(),
    };
    let parts = vec![part("sales", 5, 0, ""), part("shop", 0, 2, "shop asked for a pause of 12 s")];
    desk.tell(Event::Progress {
        operation: "op-1".into(),
        progress: OperationProgress { parts, ..Default::default() },
    });
    let Dialog::Operation(view) = desk.top() else { panic!() };
    assert_eq!(
        crate::app::operations::part_words(desk.state.parts_of(view)),
        "sales 5 of 8 done; shop 0 of 5 done, 2 failed (shop asked for a pause of 12 s)"
    );
}

#[test]
fn campaigns_and_lists_stand_below_their_profile_and_narrow_the_table() {
    let mut desk = Desk::with_two(SIZE, 60, 40);
    desk.collections();
    let campaign = |id: &str| ListId::Collection("shop".into(), CollectionKind::Campaign, id.to_owned());
    let lists = desk.state.lists();
    let at = lists.iter().position(|list| *list == ListId::Profile("shop".into())).unwrap();
    assert_eq!(lists[at + 1..at + 3], [campaign("c-1"), campaign("c-2")]);
    assert_eq!(lists.len(), desk.state.lists_len());
    let key = ("shop".into(), CollectionKind::Campaign, "c-1".to_owned());
    assert_eq!(desk.state.lists.collection_counts[&key], 20);
    desk.state.focus = crate::app::state::Focus::Lists;
    desk.state.lists.cursor.at = at + 1;
    desk.act(Action::Accept);
    desk.state.leads.include_closed = true;
    desk.act(Action::ToggleClosed);
    desk.act(Action::ToggleClosed);
    assert_eq!(desk.state.list_label().as_str(), "shop, campaign Autumn mailing");
    assert_eq!(desk.state.leads.shown.len(), 20);
    // A filter narrows it further; a saved view keeps the campaign.
    desk.act(Action::Filter);
    desk.type_text("owner:js");
    desk.act(Action::Accept);
    assert_eq!(desk.state.leads.shown.len(), 10);
    desk.act(Action::SaveView);
    desk.type_text("autumn's");
    desk.act(Action::Accept);
    assert_eq!(desk.state.filter.text(), "campaign:c-1 owner:js");
    assert_eq!(desk.state.leads.shown.len(), 10);
    // By name too, from any list.
    for query in ["campaign:\"autumn mailing\"", "campaign:c-1", "list:\"Trade fair\" campaign:c-1", "autumn"] {
        desk.state.lists.active = ListId::All;
        desk.act(Action::Filter);
        desk.send(crate::app::Message::Edit(crate::app::Edit::DeleteToStart));
        desk.type_text(query);
        desk.act(Action::Accept);
        assert_eq!(desk.state.leads.shown.len(), if query.starts_with("list") { 7 } else { 20 }, "{query}");
    }
    // Folded and unfolded.
    desk.state.focus = crate::app::state::Focus::Lists;
    desk.acts(&[Action::First, Action::CursorDown, Action::CursorDown, Action::CursorLeft]);
    assert!(!desk.state.lists().contains(&campaign("c-1")));
    assert_eq!(desk.state.lists().len(), desk.state.lists_len());
    desk.act(Action::CursorRight);
    assert!(desk.state.lists().contains(&campaign("c-1")));
}

#[test]
fn flags_are_words_and_can_be_filtered() {
    let mut desk = Desk::with(SIZE, Options::default());
    let fields: &'static [Field] = &[Field::Name, Field::Status, Field::Owner];
    desk.open("demo", Capabilities { fields, ..capabilities() }, false);
    let flags = [LeadFlags::DO_NOT_CALL, LeadFlags::INVALID.with(LeadFlags::EMAIL_OPT_OUT), LeadFlags::default()];
    let lead =
        |(n, flags): (usize, LeadFlags)| LeadRecord { id: format!("l{n}").into(), flags, ..LeadRecord::default() };
    let rows: Vec<LeadRecord> = flags.into_iter().enumerate().map(lead).collect();
    let progress = LoadProgress { loaded: 3, total: None, finished: true, read_at: Some(now()), named: None };
    desk.leads("demo", LeadTable::default().with_leads(&rows), progress);
    assert_eq!(flags.map(LeadFlags::words), ["do not call", "invalid, email opt out", ""]);
    for (query, found) in
        [("is:do_not_call", 1), ("is:invalid_lead", 1), ("-is:email_opt_out", 2), ("is:fax_opt_out", 0)]
    {
        desk.act(Action::Filter);
        desk.send(crate::app::Message::Edit(crate::app::Edit::DeleteToStart));
        desk.type_text(query);
        desk.act(Action::Accept);
        assert_eq!(desk.state.leads.shown.len(), found, "{query}");
    }
}
